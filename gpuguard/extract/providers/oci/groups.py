"""Instance pools, cluster networks and GPU memory clusters, and what scales them."""

from decimal import Decimal

import msgspec
from msgspec.structs import replace

from gpuguard.extract.common import followed_machine
from gpuguard.extract.plain import size, stopped
from gpuguard.extract.providers.oci.common import pauses_when_stopped, region, tags
from gpuguard.extract.providers.oci.compute import (
    ASSUMES_STOPPED,
    ASSUMES_VOLUME,
    CONFIGURATION,
    CONFIGURATION_LINK,
    configuration_machine,
    fitted,
    powered,
)
from gpuguard.extract.schedules import Event, aws_cron, hours_of
from gpuguard.extract.spec import Companion, Extracted, Machine, ResourceSpec, TemplateLink, units_of, within
from gpuguard.extract.view import View
from gpuguard.model.usage import PoolUsage, Units, Unknown

_AUTOSCALING = "oci_autoscaling_auto_scaling_configuration"
_NETWORK_LINK = TemplateLink(("instance_pools.0.instance_configuration_id",), CONFIGURATION, CONFIGURATION_LINK.by)
_DOWN = frozenset(("STOP", "SOFTSTOP"))
_UP = frozenset(("START", "RESET", "SOFTRESET"))
_MOST_POLICIES = 50


class _Sizes(msgspec.Struct, frozen=True):
    """How many machines a pool has; hours as in `PoolUsage`."""

    units: Units
    hours: Decimal | None = None
    max_hours: Decimal | None = None


def _machine(view: View) -> Machine:
    machine = followed_machine(view, CONFIGURATION_LINK, configuration_machine)
    return machine or Machine(unknown=Unknown("its instance configuration is not in the plan", "unknown-machine-type"))


def instance_pool(view: View) -> Extracted:
    """`oci_core_instance_pool`: sizes are totals, whatever the placement configurations."""
    machine = _machine(view)
    pool = _sized(view, machine, units_of(size(view, "size"), Decimal(0)))
    if (view.string("state") or "").upper() == "STOPPED":
        if pauses_when_stopped(pool.options):
            view.note("info", "stopped-instance", "state is STOPPED: only its volumes are billed")
            pool = stopped(pool)
        else:
            view.note("warning", "billed-while-stopped", "state is STOPPED, and this shape is billed all the same")
    return Extracted(fitted(view, pool), via=machine.via)


def cluster_network(view: View) -> Extracted:
    """`oci_core_cluster_network`: the instance pools on its network."""
    machines = [_machine(block) for block in view.blocks("instance_pools")]
    pools = tuple(
        pool
        for place, (machine, block) in enumerate(zip(machines, view.blocks("instance_pools"), strict=True))
        for pool in fitted(view, _sized(view, machine, units_of(block.number("size"), Decimal(0))), place)
    )
    return Extracted(pools, via=tuple(dict.fromkeys(name for machine in machines for name in machine.via)))


def gpu_memory_cluster(view: View) -> Extracted:
    """`oci_core_compute_gpu_memory_cluster`: machines in one NVLink domain; without a size the fabric decides."""
    machine = _machine(view)
    scaling = view.block("gpu_memory_cluster_scale_config")
    target = scaling.number("target_size") if scaling is not None else None
    wanted = view.number("size")
    if isinstance(wanted, Unknown) and target is not None:
        wanted = None
    expected = units_of(target if wanted is None else wanted, None)
    grows = scaling is not None and scaling.flag("is_upsize_enabled")
    most = units_of(target, expected) if grows else expected
    if expected is not None and most is not None:
        most = max(most, expected)
    return Extracted(fitted(view, machine.pool(Units(expected, expected, most))), via=machine.via)


# -- autoscaling ----------------------------------------------------------------------------------------------------------


def _sized(view: View, machine: Machine, own: Decimal | None) -> PoolUsage:
    """The pool with the sizes and hours that the autoscaling configuration which names it gives, else its own."""
    pool = machine.pool(Units.fixed(own))
    for configuration in view.referring((_AUTOSCALING,), "auto_scaling_resources.0.id"):
        if configuration.known("is_enabled") is False:
            continue
        policies = [
            each for each in configuration.blocks("policies")[:_MOST_POLICIES] if each.known("is_enabled") is not False
        ]
        thresholds = [each for each in policies if (each.string("policy_type") or "").lower() == "threshold"]
        if thresholds:
            return replace(pool, units=_bounds(thresholds[0], own))
        sizes = _by_schedule(view, pool, policies)
        if sizes is not None:
            hours = pool.hours_per_month if sizes.hours is None else sizes.hours
            most = pool.max_hours_per_month if sizes.max_hours is None else sizes.max_hours
            return replace(pool, units=sizes.units, hours_per_month=hours, max_hours_per_month=most)
    return powered(view, pool)


def _bounds(policy: View, own: Decimal | None) -> Units:
    """A metric moves the size: it begins at `initial`, whatever the pool's own size.

    https://registry.terraform.io/providers/oracle/oci/latest/docs/resources/autoscaling_auto_scaling_configuration
    """
    low, high = policy.number("capacity.0.min"), policy.number("capacity.0.max")
    least, most = units_of(low, Decimal(0)), units_of(high, None)
    start = policy.number("capacity.0.initial")
    return Units(least, within(own if start is None else units_of(start, None), least, most), most)


def _by_schedule(view: View, pool: PoolUsage, policies: list[View]) -> _Sizes | None:
    """Sizes that scheduled policies set one after another; the size of a policy is its `initial` capacity.

    Nothing moves the size in between, so the schedule sets the maximum as well. None without a schedule that can be
    read (https://docs.oracle.com/en-us/iaas/Content/Compute/Tasks/autoscalinginstancepools.htm).
    """
    events: list[tuple[Event, Decimal]] = []
    for policy in policies:
        expression = cron(policy.string("execution_schedule.0.expression"))
        wanted = _size_of(policy, pool)
        if expression is not None and wanted is not None:
            events.append((Event(expression, policy.string("execution_schedule.0.timezone") or "UTC"), wanted))
    hours = hours_of(events) if len(events) == len(policies) else None
    if hours is None:
        view.note("warning", "unread-schedule", "a scheduled policy of its autoscaling cannot be read: it is left out")
    if not hours:
        return None
    largest = max(hours)
    worked = sum((count * share for count, share in hours.items()), Decimal(0))
    up = worked / largest if largest else Decimal(0)
    return _Sizes(Units(min(hours), largest, largest), up, up)


def _size_of(policy: View, pool: PoolUsage) -> Decimal | None:
    """How many machines are billed after a scheduled policy; None where that is not known."""
    action = policy.block("resource_action")
    if action is not None:
        word = (action.string("action") or "").upper()
        if word in _DOWN:
            return Decimal(0) if pauses_when_stopped(pool.options) else pool.units.expected
        return pool.units.expected if word in _UP else None
    return policy.known_number("capacity.0.initial")


def cron(expression: str | None) -> str | None:
    """A Quartz expression (seconds first, years last or not at all) with five fields; None for what is none."""
    fields = (expression or "").split()
    if len(fields) not in (6, 7):
        return None
    return aws_cron(f"cron({' '.join(fields[1:6])} {fields[6] if len(fields) == 7 else '*'})")


_PRICES = ("the machines", "boot and block volumes", "Windows")

SPECS: tuple[ResourceSpec, ...] = (
    ResourceSpec(
        type="oci_core_instance_pool",
        cloud="oci",
        extract=instance_pool,
        region=region,
        tags=tags,
        links=(CONFIGURATION_LINK,),
        reads=(
            "instance_configuration_id",
            "size",
            "state",
            "placement_configurations",
            "oci_autoscaling_auto_scaling_configuration.auto_scaling_resources",
        ),
        prices=_PRICES,
        assumes=(
            "Sizes are totals. Autoscaling by a metric begins at its initial size; scheduled policies set size and hours.",
            ASSUMES_STOPPED,
            ASSUMES_VOLUME,
        ),
        source="oci provider: oci_core_instance_pool",
    ),
    ResourceSpec(
        type="oci_core_cluster_network",
        cloud="oci",
        extract=cluster_network,
        region=region,
        tags=tags,
        links=(_NETWORK_LINK,),
        reads=("instance_pools.instance_configuration_id", "instance_pools.size", "placement_configuration"),
        prices=_PRICES,
        assumes=("The network itself costs nothing.", ASSUMES_VOLUME),
        source="oci provider: oci_core_cluster_network",
    ),
    ResourceSpec(
        type="oci_core_compute_gpu_memory_cluster",
        cloud="oci",
        extract=gpu_memory_cluster,
        region=region,
        tags=tags,
        links=(CONFIGURATION_LINK,),
        reads=("instance_configuration_id", "size", "gpu_memory_cluster_scale_config", "availability_domain"),
        prices=_PRICES,
        assumes=(
            "Without a size the number of machines is that of the fabric, which only apply can tell.",
            ASSUMES_VOLUME,
        ),
        source="oci provider: oci_core_compute_gpu_memory_cluster",
    ),
)

COMPANIONS: tuple[Companion, ...] = (
    Companion(
        type=_AUTOSCALING,
        of=("oci_core_instance_pool", "oci_core_cluster_network"),
        reads=(
            "auto_scaling_resources",
            "is_enabled",
            "policies.capacity",
            "policies.execution_schedule",
            "policies.resource_action",
        ),
        says="bounds, or sizes by schedule",
        source="oci provider: oci_autoscaling_auto_scaling_configuration",
    ),
)
