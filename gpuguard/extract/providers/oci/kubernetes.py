"""Oracle Kubernetes Engine: managed node pools."""

from collections.abc import Sequence
from decimal import ROUND_FLOOR, Decimal

from msgspec.structs import replace

from gpuguard.extract.plain import behind, plain_machine, size
from gpuguard.extract.providers.oci.common import region, region_of_domain, tags, volume
from gpuguard.extract.providers.oci.compute import ASSUMES_VOLUME, covering, fitted
from gpuguard.extract.spec import Companion, Extracted, Machine, ResourceSpec, can_run, units_of, within
from gpuguard.extract.view import View
from gpuguard.model.usage import PurchaseModel, Units, Unknown

_ADDON = "oci_containerengine_addon"
_AUTOSCALER = "clusterautoscaler"
_MOST_SETTINGS = 12
_MOST_PLACEMENTS = 100


def node_pool_region(view: View) -> str | None:
    """Region of any of its availability domains, else its own or the provider's."""
    for placement in view.blocks("node_config_details.0.placement_configs")[:_MOST_PLACEMENTS]:
        found = region_of_domain(placement.string("availability_domain"))
        if found:
            return found
    return region(view)


def node_pool(view: View) -> Extracted:
    """`oci_containerengine_node_pool`: `size` is the total, spread evenly over the placement configurations."""
    boot = volume("boot", view.known_number("node_source_details.0.boot_volume_size_in_gbs"), None)
    machine = plain_machine(view, "node_shape", disks=(boot,))
    if not machine.options and machine.unknown is None:
        return Extracted(())
    units = _autoscaled(view, Units.fixed(_total(view)))
    placements = view.blocks("node_config_details.0.placement_configs")[:_MOST_PLACEMENTS]
    ways = [_bought(placement, machine) for placement in placements] or [("on_demand", None)]
    pools = tuple(
        pool
        for place, ((model, covered), part) in enumerate(_spread(units, ways))
        if can_run(part) or len(set(ways)) == 1
        for pool in fitted(view, machine.pool(part, purchase_model=model, covered_by=covered), place)
    )
    return Extracted(pools)


def _total(view: View) -> Decimal | None:
    """Number of nodes: `size`, else the old way of so many for each subnet; one of them has to be there."""
    details = view.block("node_config_details")
    if details is not None:
        return units_of(size(details, "size"), Decimal(0))
    each = view.number("quantity_per_subnet")
    subnets = view.texts("subnet_ids")
    if isinstance(each, Unknown) or isinstance(subnets, Unknown):
        return None
    return None if each is None else each * len(subnets)


_Way = tuple[PurchaseModel, str | None]
"""How machines in one placement are bought, and the reservation that covers them."""


def _bought(placement: View, machine: Machine) -> _Way:
    if placement.block("preemptible_node_config") is not None:
        return "spot", None
    return "on_demand", covering(placement, machine.options)


def _spread(units: Units, ways: Sequence[_Way]) -> list[tuple[_Way, Units]]:
    """Nodes by how they are bought: the dear ways take what does not divide evenly."""
    shares: dict[_Way, int] = {}
    for way in sorted(ways, key=lambda way: (way[0] == "spot", way[1] is not None, way[1] or "")):
        shares[way] = shares.get(way, 0) + 1
    found: list[tuple[_Way, Units]] = []
    before = 0
    for way, count in shares.items():
        sizes = (_part(total, before, count, len(ways)) for total in (units.min, units.expected, units.max))
        found.append((way, Units(*sizes)))
        before += count
    return found


def _part(total: Decimal | None, before: int, count: int, places: int) -> Decimal | None:
    """How many of `total` go to `count` of the places, when the first places take the remainder."""
    if total is None:
        return None
    even = (total / places).to_integral_value(ROUND_FLOOR)
    rest = total - even * places
    return even * count + min(max(rest - before, Decimal(0)), Decimal(count))


# -- autoscaling ----------------------------------------------------------------------------------------------------------


def _autoscaled(view: View, units: Units) -> Units:
    """Bounds from the cluster autoscaler add-on that names the pool: ``min:max:pool``.

    https://docs.oracle.com/en-us/iaas/Content/ContEng/Tasks/contengusingclusterautoscaler_topic-Working_with_Cluster_Autoscaler_as_Cluster_Add-on.htm
    """
    cluster = behind(view, "cluster_id", ("oci_containerengine_cluster",), "id", "name")
    for position in range(_MOST_SETTINGS):
        for addon in view.referring((_ADDON,), f"configurations.{position}.value"):
            if (addon.string("addon_name") or "").lower() == _AUTOSCALER:
                view.note(
                    "warning", "unknown-bounds", f"{addon.address} scales it within bounds that only apply can tell"
                )
                return replace(units, min=None, max=None)
    return _known_bounds(view, cluster, units)


def _known_bounds(view: View, cluster: View | None, units: Units) -> Units:
    """Bounds that an add-on names in plain text, for a pool that exists already."""
    own = view.string("id")
    if own is None or cluster is None:
        return units
    for addon in cluster.referring((_ADDON,), "cluster_id"):
        for setting in addon.blocks("configurations")[:_MOST_SETTINGS]:
            for entry in (setting.string("value") or "")[:10_000].split(","):
                low, _, rest = entry.strip().partition(":")
                high, _, name = rest.partition(":")
                if name == own and low.isdecimal() and high.isdecimal() and len(low) < 8 and len(high) < 8:
                    least, most = Decimal(low), Decimal(high)
                    return Units(least, within(units.expected, least, most), most)
    return units


SPECS: tuple[ResourceSpec, ...] = (
    ResourceSpec(
        type="oci_containerengine_node_pool",
        cloud="oci",
        extract=node_pool,
        region=node_pool_region,
        tags=tags,
        reads=(
            "node_shape",
            "node_config_details.size",
            "node_config_details.placement_configs",
            "quantity_per_subnet",
            "subnet_ids",
            "node_source_details.boot_volume_size_in_gbs",
            "oci_containerengine_addon.configurations",
        ),
        prices=("the nodes", "boot volumes"),
        leaves_out=("the fee of an enhanced cluster",),
        assumes=(
            "The size is the total, spread evenly over the placement configurations; what does not divide is on demand.",
            ASSUMES_VOLUME,
        ),
        source="oci provider: oci_containerengine_node_pool",
    ),
)

COMPANIONS: tuple[Companion, ...] = (
    Companion(
        type=_ADDON,
        of=("oci_containerengine_node_pool",),
        reads=("addon_name", "cluster_id", "configurations"),
        says="that the cluster autoscaler scales a pool, and its bounds",
        source="oci provider: oci_containerengine_addon",
    ),
)
