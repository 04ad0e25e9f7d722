"""Oracle Cloud Infrastructure."""

MODULES = {
    "compute": ("oci_core_compute_capacity_", "oci_core_instance"),
    "groups": ("oci_core_cluster_", "oci_core_compute_gpu_", "oci_core_instance_pool"),
    "kubernetes": ("oci_containerengine_",),
    "datascience": ("oci_datascience_",),
    "services": ("oci_generative_",),
}
"""The modules, and how the types begin that each describes: a module is loaded where a document holds one of them."""
