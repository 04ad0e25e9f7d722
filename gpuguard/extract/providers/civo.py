"""Civo: instances and Kubernetes clusters (https://registry.terraform.io/providers/civo/civo)."""

from decimal import Decimal

from gpuguard.extract.common import listed_tags
from gpuguard.extract.plain import behind, machines, no_tags, place, plain_machine, pool_of, provider_setting, size
from gpuguard.extract.spec import Companion, Extracted, ResourceSpec, units_of
from gpuguard.extract.view import View
from gpuguard.model.usage import Units

_CLUSTER = ("civo_kubernetes_cluster",)
_DEFAULT_NODES = Decimal(3)


def cluster(view: View) -> Extracted:
    """`civo_kubernetes_cluster`: its first pool, in a block or in the two attributes of old."""
    pools = view.blocks("pools")[:1]
    if pools:
        machine, count = plain_machine(pools[0], "size"), pools[0].number("node_count")
        return Extracted(pool_of(machine, Units.fixed(units_of(count, Decimal(1)))))
    count = size(view, "num_target_nodes")
    return Extracted(pool_of(plain_machine(view, "target_nodes_size"), Units.fixed(units_of(count, _DEFAULT_NODES))))


def node_pool_region(view: View) -> str | None:
    """Its own region, its cluster's or the provider's."""
    own = view.string("region")
    found = behind(view, "cluster_id", _CLUSTER, "id", "name") if own is None else None
    return own or (found.string("region") if found is not None else None) or provider_setting(view, "region")


_REGION = place("region")

SPECS: tuple[ResourceSpec, ...] = (
    ResourceSpec(
        type="civo_instance",
        cloud="civo",
        extract=machines("size"),
        region=_REGION,
        tags=listed_tags,
        reads=("size", "region"),
        prices=("the machine",),
        leaves_out=("volumes",),
        source="civo provider: civo_instance",
    ),
    ResourceSpec(
        type="civo_kubernetes_cluster",
        cloud="civo",
        extract=cluster,
        region=_REGION,
        tags=no_tags,
        reads=("pools", "target_nodes_size", "num_target_nodes", "region"),
        prices=("the nodes of its first pool",),
        assumes=("Without a number of nodes a cluster has three.",),
        source="civo provider: civo_kubernetes_cluster",
    ),
    ResourceSpec(
        type="civo_kubernetes_node_pool",
        cloud="civo",
        extract=machines("size", "node_count", default=3),
        region=node_pool_region,
        tags=no_tags,
        reads=("size", "node_count", "region", "cluster_id"),
        prices=("the nodes",),
        assumes=("Without a number of nodes a pool has three.",),
        source="civo provider: civo_kubernetes_node_pool",
    ),
)

COMPANIONS: tuple[Companion, ...] = ()
