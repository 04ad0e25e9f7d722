"""Azure: which attributes of which Terraform types start accelerators, one module a group of services.

Attribute names are those of the azurerm provider 3.x and 4.x
(https://registry.terraform.io/providers/hashicorp/azurerm).
"""

MODULES = {
    "compute": (
        "azurerm_linux_",
        "azurerm_windows_",
        "azurerm_virtual_machine",
        "azurerm_orchestrated_",
    ),
    "aks": ("azurerm_kubernetes_",),
    "ml": ("azurerm_machine_learning_",),
    "batch": ("azurerm_batch_",),
    "containers": ("azurerm_container_",),
    "reservations": (
        "azurerm_capacity_",
        "azurerm_dedicated_",
    ),
    "services": (
        "azurerm_dev_test_",
        "azurerm_hdinsight_",
        "azurerm_lab_",
        "azurerm_managed_devops_",
        "azurerm_redhat_",
        "azurerm_service_fabric_",
        "azurerm_synapse_",
    ),
    "azapi": ("azapi_",),
}
"""The modules, and how the types begin that each describes: a module is loaded where a document holds one of them."""
