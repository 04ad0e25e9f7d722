"""Google Cloud: which attributes of which Terraform types start accelerators, one module a group of services.

Attribute names are those of the google and google-beta providers 5.x to 7.x
(https://registry.terraform.io/providers/hashicorp/google).
"""

MODULES = {
    "compute": (
        "google_compute_instance",
        "google_compute_region_instance_template",
    ),
    "groups": (
        "google_compute_instance_group_",
        "google_compute_region_instance_group_",
        "google_compute_resize_",
        "google_compute_region_resize_",
    ),
    "gke": ("google_container_",),
    "reservations": (
        "google_compute_reservation",
        "google_compute_future_",
        "google_compute_node_",
    ),
    "tpu": ("google_tpu_",),
    "vertex": ("google_vertex_ai_",),
    "notebooks": (
        "google_workbench_",
        "google_notebooks_",
        "google_colab_",
        "google_workstations_",
    ),
    "data": (
        "google_dataproc_",
        "google_dataflow_",
        "google_data_pipeline_",
        "google_hypercomputecluster_",
    ),
    "run": ("google_cloud_run_",),
}
"""The modules, and how the types begin that each describes: a module is loaded where a document holds one of them."""
