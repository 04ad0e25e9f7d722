"""Azure Machine Learning: compute clusters and instances, and what attaches other services to a workspace.

The service itself has no surcharge: the machines are billed at their own prices
(https://learn.microsoft.com/azure/machine-learning/concept-plan-manage-cost).
"""

from decimal import Decimal

from gpuguard.extract.providers.azurerm.common import normalised, region, tags
from gpuguard.extract.spec import Companion, Extracted, Machine, ResourceSpec, machine_options, units_of
from gpuguard.extract.view import View
from gpuguard.model.usage import Disk, Units, Unknown

WORKSPACE = "azurerm_machine_learning_workspace"
INSTANCE_DISK = Disk("boot", "Premium_LRS", Decimal(128))
"""Every compute instance has a P10 disk, also while it is stopped
(https://learn.microsoft.com/azure/machine-learning/concept-plan-manage-cost#costs-might-accrue-before-resource-deletion)."""


def workspace_region(view: View) -> str | Unknown | None:
    """Own location, else that of the workspace: an instance is always in its workspace's region."""
    own = normalised(view.string("location"))
    workspace = view.follow(("machine_learning_workspace_id",), (WORKSPACE, "azapi_resource"), ("id",)).first
    return own if own is not None or workspace is None else region(workspace)


def compute_cluster(view: View) -> Extracted:
    """`azurerm_machine_learning_compute_cluster`: it starts with its minimum and grows with the jobs."""
    options, unknown = machine_options(view, "vm_size")
    low, high = view.number("scale_settings.min_node_count"), view.number("scale_settings.max_node_count")
    least = units_of(low, Decimal(0))
    priority = view.string("vm_priority") or ""
    machine = Machine(
        options=options,
        unknown=unknown,
        purchase_model="spot" if priority.lower() == "lowpriority" else "on_demand",
        machine_attribute=view.attribute("vm_size"),
        purchase_attribute=view.attribute("vm_priority"),
        sensitive=view.is_sensitive("vm_size"),
    )
    return Extracted((machine.pool(Units(least, least, units_of(high, None))),))


def compute_instance(view: View) -> Extracted:
    """`azurerm_machine_learning_compute_instance`: one machine that stays on; azurerm knows no schedule for it."""
    options, unknown = machine_options(view, "virtual_machine_size")
    machine = Machine(
        options=options,
        unknown=unknown,
        disks=(INSTANCE_DISK,),
        machine_attribute=view.attribute("virtual_machine_size"),
        sensitive=view.is_sensitive("virtual_machine_size"),
    )
    return Extracted((machine.pool(Units.fixed(1)),))


SPECS: tuple[ResourceSpec, ...] = (
    ResourceSpec(
        type="azurerm_machine_learning_compute_cluster",
        cloud="azure",
        extract=compute_cluster,
        region=workspace_region,
        tags=tags,
        probe=("vm_size",),
        reads=("vm_size", "vm_priority", "scale_settings", "location", "machine_learning_workspace_id"),
        prices=("the machines",),
        leaves_out=("The load balancer that every 50 nodes share.",),
        assumes=(
            "A cluster runs min_node_count nodes until jobs ask for more.",
            "Low-priority nodes are priced as spot.",
            "What attaches an AKS cluster or a Spark pool to a workspace (azurerm_machine_learning_inference_cluster,"
            " azurerm_machine_learning_synapse_spark) costs nothing: those are priced where they are described.",
        ),
        source="azurerm provider: azurerm_machine_learning_compute_cluster; Azure Machine Learning: plan to manage costs",
    ),
    ResourceSpec(
        type="azurerm_machine_learning_compute_instance",
        cloud="azure",
        extract=compute_instance,
        region=workspace_region,
        tags=tags,
        probe=("virtual_machine_size",),
        reads=("virtual_machine_size", "location", "machine_learning_workspace_id"),
        prices=("the machine", "its P10 disk"),
        leaves_out=("The load balancer of each instance.",),
        assumes=("An instance runs all month: what stops and starts it is no argument of the resource.",),
        source="azurerm provider: azurerm_machine_learning_compute_instance; Azure Machine Learning: plan to manage costs",
    ),
)

COMPANIONS: tuple[Companion, ...] = (
    Companion(
        type=WORKSPACE,
        of=("azurerm_machine_learning_compute_cluster", "azurerm_machine_learning_compute_instance"),
        reads=("location",),
        says="the region of a compute instance; a workspace starts no GPU, and serverless_compute only when a job asks for it",
        source="azurerm provider: azurerm_machine_learning_workspace",
    ),
)
