"""Kubernetes inside Terraform: what its objects ask for, and the node pools that objects describe.

Attribute names are those of the kubernetes, kubectl (gavinbunney, alekc) and helm providers.
"""

MODULES = {
    "workloads": ("kubernetes_",),
    "manifests": ("helm_", "kubectl_", "kubernetes_manifest"),
    "sharing": ("kubernetes_config_map",),
}
"""The modules, and how the types begin that each describes: a module is loaded where a document holds one of them."""
