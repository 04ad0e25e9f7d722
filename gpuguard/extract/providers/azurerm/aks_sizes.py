"""How many nodes an AKS pool has."""

from decimal import Decimal

from gpuguard.extract.plain import size
from gpuguard.extract.spec import pick_expected, units_of, within
from gpuguard.extract.view import View
from gpuguard.model.usage import Units, Unknown


def node_pool_units(view: View) -> Units:
    """Sizes of a node pool, or of the default pool of a cluster."""
    low, high = view.number("min_count"), view.number("max_count")
    # `enable_auto_scaling` is the name before azurerm 4.
    if view.flag("auto_scaling_enabled") or view.flag("enable_auto_scaling"):
        return scaled_nodes(size(view, "node_count"), low, high)
    return Units.fixed(units_of(view.number("node_count"), Decimal(1)))


def agent_pool_units(view: View) -> Units:
    """Sizes of an agent pool as ARM writes it."""
    count = view.number("count")
    if view.flag("enableAutoScaling"):
        return scaled_nodes(count, view.number("minCount"), view.number("maxCount"))
    return Units.fixed(units_of(count, Decimal(1)))


def scaled_nodes(
    count: Decimal | Unknown | None, low: Decimal | Unknown | None, high: Decimal | Unknown | None
) -> Units:
    """Sizes of an autoscaled pool: its count is brought within the bounds at once."""
    least, most = units_of(low, Decimal(0)), units_of(high, None)
    return Units(least, within(pick_expected(count, low), least, most), most)
