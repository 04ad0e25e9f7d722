"""UpCloud: servers and Kubernetes node groups (https://registry.terraform.io/providers/UpCloudLtd/upcloud).

Its list prices are in euros; the catalog has none of them.
"""

from gpuguard.extract.common import string_tags
from gpuguard.extract.plain import behind, machines, place
from gpuguard.extract.spec import Companion, ResourceSpec
from gpuguard.extract.view import View


def labels(view: View) -> dict[str, str]:
    """The map of labels."""
    return string_tags(view, "labels")


def node_group_region(view: View) -> str | None:
    """The zone of the cluster."""
    cluster = behind(view, "cluster", ("upcloud_kubernetes_cluster",), "id", "name")
    return None if cluster is None else cluster.string("zone")


SPECS: tuple[ResourceSpec, ...] = (
    ResourceSpec(
        type="upcloud_server",
        cloud="upcloud",
        extract=machines("plan"),
        region=place("zone"),
        tags=labels,
        reads=("plan", "zone"),
        prices=("the machine, where the configuration gives its price",),
        leaves_out=("list prices in euros", "storage beside the plan's"),
        source="upcloud provider: upcloud_server",
    ),
    ResourceSpec(
        type="upcloud_kubernetes_node_group",
        cloud="upcloud",
        extract=machines("plan", "node_count", default=0),
        region=node_group_region,
        tags=labels,
        reads=("plan", "node_count", "cluster"),
        prices=("the nodes, where the configuration gives their price",),
        leaves_out=("list prices in euros",),
        source="upcloud provider: upcloud_kubernetes_node_group",
    ),
)

COMPANIONS: tuple[Companion, ...] = (
    Companion(
        type="upcloud_kubernetes_cluster",
        of=("upcloud_kubernetes_node_group",),
        reads=("zone",),
        says="where a node group is",
        source="upcloud provider: upcloud_kubernetes_cluster",
    ),
)
