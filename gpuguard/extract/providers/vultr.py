"""Vultr: cloud GPU instances, bare metal with GPUs, and the node pools of its Kubernetes engine.

A stopped server costs the same until it is destroyed (https://docs.vultr.com/support/platform/billing/are-stopped-instances-still-billed-on-vultr).
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
from gpuguard.model.usage import PoolUsage, Units, Unknown

_CLUSTER = TemplateLink(("cluster_id",), ("vultr_kubernetes",), ("id",))
_ONE = Decimal(1)


def server(view: View) -> Machine:
    """Where a `plan` stands: an instance, bare metal, a node pool."""
    options, unknown = machine_options(view, "plan")
    return Machine(
        options=options,
        unknown=unknown,
        machine_attribute=view.attribute("plan"),
        sensitive=view.is_sensitive("plan"),
    )


def _pool(view: View) -> PoolUsage:
    size = view.number("node_quantity")
    if not view.flag("auto_scaler"):
        return server(view).pool(Units.fixed(units_of(size, _ONE)))
    low, high = _or_one(view.number("min_nodes")), _or_one(view.number("max_nodes"))
    return server(view).pool(bounded(low, size, high))


def _or_one(value: Decimal | Unknown | None) -> Decimal | Unknown:
    """The provider's default of both bounds is 1."""
    return _ONE if value is None else value


def cluster(view: View) -> Extracted:
    """`vultr_kubernetes`: its default pool; the others are resources of their own."""
    return Extracted(tuple(_pool(pool) for pool in view.blocks("node_pools")))


def node_pool(view: View) -> Extracted:
    """`vultr_kubernetes_node_pools`, one pool in spite of its name."""
    return Extracted((_pool(view),))


def _region(view: View) -> str | None:
    return view.string("region")


def _no_tags(view: View) -> dict[str, str]:
    return {}


def _pool_tags(view: View) -> dict[str, str]:
    tag = view.string("tag")
    return {tag: ""} if tag and not view.is_sensitive("tag") else {}


_PRICED = ("the servers with their GPUs, disks included",)
_BOUNDS = "Without min_nodes and max_nodes an autoscaled pool has one node."

SPECS: tuple[ResourceSpec, ...] = (
    *(
        ResourceSpec(
            type=name,
            cloud="vultr",
            extract=single(server),
            region=_region,
            tags=listed_tags,
            probe=("plan",),
            reads=("plan", "region"),
            prices=_PRICED,
            leaves_out=("backups and protection against attacks", "block storage"),
            assumes=("It is billed all month, also when it is stopped.",),
            source=f"vultr provider: {name}",
        )
        for name in ("vultr_instance", "vultr_bare_metal_server")
    ),
    ResourceSpec(
        type="vultr_kubernetes",
        cloud="vultr",
        extract=cluster,
        region=_region,
        tags=_no_tags,
        reads=(
            "node_pools.plan",
            "node_pools.node_quantity",
            "node_pools.auto_scaler",
            "node_pools.min_nodes",
            "node_pools.max_nodes",
            "region",
        ),
        prices=_PRICED,
        leaves_out=("the highly available control plane",),
        assumes=(_BOUNDS,),
        source="vultr provider: vultr_kubernetes",
    ),
    ResourceSpec(
        type="vultr_kubernetes_node_pools",
        cloud="vultr",
        extract=node_pool,
        region=region_behind(_CLUSTER),
        tags=_pool_tags,
        probe=("plan",),
        reads=("plan", "node_quantity", "auto_scaler", "min_nodes", "max_nodes", "cluster_id"),
        prices=_PRICED,
        assumes=(_BOUNDS, "The region is that of its cluster."),
        source="vultr provider: vultr_kubernetes_node_pools",
    ),
)

COMPANIONS: tuple[Companion, ...] = ()
