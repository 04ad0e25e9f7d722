"""Linode (Akamai): GPU Linodes and the node pools of its Kubernetes engine.

A Linode that is powered off costs the same: its resources stay reserved until it is deleted
(https://techdocs.akamai.com/cloud-computing/docs/stop-further-billing).
"""

from decimal import Decimal

from gpuguard.extract.common import listed_tags, single
from gpuguard.extract.plain import region_behind
from gpuguard.extract.spec import (
    Companion,
    Extracted,
    Machine,
    ResourceSpec,
    TemplateLink,
    bounded,
    machine_options,
    units_of,
)
from gpuguard.extract.view import View
from gpuguard.model.usage import PoolUsage, Units

_CLUSTER = TemplateLink(("cluster_id",), ("linode_lke_cluster",), ("id",))


def linode(view: View) -> Machine:
    """Where a `type` stands: an instance or a node pool."""
    options, unknown = machine_options(view, "type")
    return Machine(
        options=options,
        unknown=unknown,
        machine_attribute=view.attribute("type"),
        sensitive=view.is_sensitive("type"),
    )


def instance(view: View) -> Machine:
    """`linode_instance`."""
    if view.known("booted") is False:
        view.note("info", "billed-while-stopped", "it is powered off, which does not lower its price")
    return linode(view)


def _pool(view: View, count: str) -> PoolUsage:
    """A node pool: with an autoscaler and no count it starts at the minimum."""
    size, scaler = view.number(count), view.block("autoscaler")
    if scaler is None:
        return linode(view).pool(Units.fixed(units_of(size, Decimal(1))))
    return linode(view).pool(bounded(scaler.number("min"), size, scaler.number("max")))


def cluster(view: View) -> Extracted:
    """`linode_lke_cluster`: the pools it declares itself."""
    return Extracted(tuple(_pool(pool, "count") for pool in view.blocks("pool")))


def node_pool(view: View) -> Extracted:
    """`linode_lke_node_pool`."""
    return Extracted((_pool(view, "node_count"),))


def _region(view: View) -> str | None:
    return view.string("region")


_PRICED = ("the Linodes with their GPUs, disks included",)

SPECS: tuple[ResourceSpec, ...] = (
    ResourceSpec(
        type="linode_instance",
        cloud="linode",
        extract=single(instance),
        region=_region,
        tags=listed_tags,
        probe=("type",),
        reads=("type", "region", "booted"),
        prices=_PRICED,
        leaves_out=("backups", "volumes"),
        assumes=("It is billed all month, also when it is powered off.",),
        source="linode provider: linode_instance",
    ),
    ResourceSpec(
        type="linode_lke_cluster",
        cloud="linode",
        extract=cluster,
        region=_region,
        tags=listed_tags,
        reads=("pool.type", "pool.count", "pool.autoscaler.min", "pool.autoscaler.max", "region"),
        prices=_PRICED,
        leaves_out=("the highly available control plane",),
        assumes=("A pool with an autoscaler and no count starts at its minimum.",),
        source="linode provider: linode_lke_cluster",
    ),
    ResourceSpec(
        type="linode_lke_node_pool",
        cloud="linode",
        extract=node_pool,
        region=region_behind(_CLUSTER),
        tags=listed_tags,
        probe=("type",),
        reads=("type", "node_count", "autoscaler.min", "autoscaler.max", "cluster_id"),
        prices=_PRICED,
        assumes=("A pool with an autoscaler and no count starts at its minimum.", "The region is that of its cluster."),
        source="linode provider: linode_lke_node_pool",
    ),
)

COMPANIONS: tuple[Companion, ...] = ()
