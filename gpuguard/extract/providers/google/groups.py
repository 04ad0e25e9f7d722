"""Managed instance groups and their resize requests."""

from collections.abc import Iterable
from decimal import Decimal

from msgspec.structs import replace

from gpuguard.extract.common import followed_machine
from gpuguard.extract.providers.google.common import (
    in_hours,
    labels,
    place,
    provider_place,
    region,
    schedule_of,
    tail,
    worked_out,
)
from gpuguard.extract.providers.google.compute import GROUP_LINK, MACHINE_PRICES, RESERVED, template_machine
from gpuguard.extract.providers.google.consumption import INSTANCE_TEMPLATES, TEMPLATE_BY, Holder, consumed
from gpuguard.extract.schedules import Event, covered_hours
from gpuguard.extract.spec import (
    Companion,
    Extracted,
    Machine,
    ResourceSpec,
    TemplateLink,
    can_run,
    pick_expected,
    units_of,
    within,
)
from gpuguard.extract.view import View
from gpuguard.model.usage import HOURS_PER_MONTH, MachineOption, Once, PoolUsage, Units, Unknown

GROUPS = ("google_compute_instance_group_manager", "google_compute_region_instance_group_manager")
_AUTOSCALERS = ("google_compute_autoscaler", "google_compute_region_autoscaler")
_REQUESTS = ("google_compute_resize_request", "google_compute_region_resize_request")
_BULK = "google_compute_bulk_per_instance_config"
_CONFIGS = (
    ("google_compute_per_instance_config", "instance_group_manager"),
    ("google_compute_region_per_instance_config", "region_instance_group_manager"),
    (_BULK, "instance_group_manager"),
)
"""Types that create machines of a group by name, and their attribute that names the group."""
_VERSION_LINK = TemplateLink(("instance_template",), INSTANCE_TEMPLATES, TEMPLATE_BY)
_MOST_SCHEDULES = 128
"""Schedules of one autoscaler (https://cloud.google.com/compute/docs/autoscaler/scaling-schedules#limitations)."""
_MOST_WORK = 500
"""Levels × schedules of one autoscaler that are worked out; people write a handful."""
_MOST_SELECTIONS = 100


def instance_group_manager(view: View) -> Extracted:
    """A managed instance group, zonal or regional: all sizes are totals of the group."""
    units, hours = _sizes(view)
    _tell_standby(view)
    zones = _group_zones(view)
    pools: list[tuple[PoolUsage, Holder]] = []
    via: list[str] = []
    versions = view.blocks("version")
    links = [(version, _VERSION_LINK) for version in versions] or [(view, GROUP_LINK)]
    shares = _version_shares(versions, units) if versions else [units]
    for (source, link), share in zip(links, shares, strict=True):
        machine = _flexible(view, template_of(source, link))
        via.extend(machine.via)
        pool = replace(machine.pool(share), hours_per_month=hours)
        if len(machine.options) > 1 and not machine.assumed and _is_ranked(view):
            pool = replace(pool, pick="first")
        template = source.follow(link.paths, link.types, link.by).first
        if can_run(units):
            _tell_limit(view, template)
        pools.append((pool, Holder(template, zones)))
    return Extracted(consumed(view, pools), via=tuple(dict.fromkeys(via)))


def _sizes(view: View) -> tuple[Units, Decimal]:
    """Sizes of a group, and the hours of the expected one: its own size, or what its autoscaler makes of it."""
    autoscalers = view.referring(_AUTOSCALERS, "target")
    target = view.number("target_size")
    named = _created_by_name(view)
    policy = autoscalers[0].block("autoscaling_policy") if autoscalers else None
    if policy is None or policy.string("mode") == "OFF":
        size = units_of(target, Decimal(0))
        return Units.fixed(None if size is None else size + named), HOURS_PER_MONTH
    low, high = policy.number("min_replicas"), policy.number("max_replicas")
    minimum, maximum = units_of(low, Decimal(0)), units_of(high, None)
    if isinstance(target, Unknown) and view.may_be_unset("target_size"):
        target = None
    if named and not isinstance(target, Unknown):
        target = (target or Decimal(0)) + named
    expected = within(pick_expected(target, low), minimum, maximum)
    peak, hours = _scheduled(view, policy, expected, maximum)
    return Units(minimum, peak, maximum), hours


def _created_by_name(view: View) -> Decimal:
    """Machines that apply adds to a group by name: each new per-instance configuration creates its own.

    The size of the group holds those that exist already
    (https://cloud.google.com/compute/docs/instance-groups/add-remove-vms-in-mig#creating_instances_with_specific_names_in_migs).
    """
    if view.side == "before":
        return Decimal(0)
    count = 0
    for name, attribute in _CONFIGS:
        for config in view.referring((name,), attribute):
            if config.node.values("before") is None:
                # later releases of the provider call the blocks of the bulk type per_instance_configs
                listed = [*config.blocks("instances"), *config.blocks("per_instance_configs")]
                count += len(listed) if name == _BULK else 1
    if count:
        view.note(
            "info",
            "named-machines",
            f"per-instance configurations create {count} machine{'' if count == 1 else 's'} beside those of its size",
        )
    return Decimal(count)


def _scheduled(
    view: View, policy: View, size: Decimal | None, maximum: Decimal | None
) -> tuple[Decimal | None, Decimal]:
    """The largest size that scaling schedules ask for beside the usual one, and for how many hours on average.

    A schedule raises the minimum for so many seconds from each of its times on; of several the largest counts, and none
    goes above the maximum (https://cloud.google.com/compute/docs/autoscaler/scaling-schedules).
    """
    spans: list[tuple[Decimal, Event, Decimal]] = []
    readable = True
    for block in policy.blocks("scaling_schedules")[:_MOST_SCHEDULES]:
        wanted = within(block.known_number("min_required_replicas"), None, maximum)
        if block.flag("disabled") or size is None or wanted is None or wanted <= size:
            continue
        seconds, cron = block.known_number("duration_sec"), schedule_of(block.string("schedule"))
        readable = readable and bool(seconds) and cron is not None
        spans.append((wanted, Event(cron or "", block.string("time_zone") or "UTC"), (seconds or Decimal(0)) / 60))
    if size is None or not spans:
        return size, HOURS_PER_MONTH
    peak = max(wanted for wanted, _, _ in spans)
    usual = size
    levels = len({wanted for wanted, _, _ in spans})
    readable = readable and levels * len(spans) <= _MOST_WORK
    used = worked_out(view, (usual, tuple(spans)), lambda: _unit_hours(usual, spans)) if readable else None
    if used is None:
        view.note("info", "unread-schedule", "a scaling schedule cannot be read; its size counts all month")
        return peak, HOURS_PER_MONTH
    if policy.string("mode") in ("ONLY_SCALE_OUT", "ONLY_UP"):
        view.note(
            "info", "schedule-without-end", "its autoscaler only scales out: what a schedule starts keeps running"
        )
        return peak, HOURS_PER_MONTH
    return peak, used / peak


def _unit_hours(size: Decimal, spans: Iterable[tuple[Decimal, Event, Decimal]]) -> Decimal | None:
    """Machine hours a month: the usual size all month, and each higher level for the hours in which it is reached."""
    total, reached = size * HOURS_PER_MONTH, size
    for level in sorted({wanted for wanted, _, _ in spans}):
        hours = covered_hours((event, minutes) for wanted, event, minutes in spans if wanted >= level)
        if hours is None:
            return None
        total += (level - reached) * hours
        reached = level
    return total


def _tell_standby(view: View) -> None:
    """Standby machines cost their disks alone; those with GPUs cannot be suspended, only stopped.

    https://cloud.google.com/compute/docs/instance-groups/suspended-and-stopped-vms-in-mig
    """
    stopped = sum(view.known_number(path) or Decimal(0) for path in ("target_stopped_size", "target_suspended_size"))
    if stopped:
        view.note("info", "standby-machines", f"{stopped:f} more machines stand by; their disks are not counted")


def _tell_limit(view: View, template: View | None) -> None:
    scheduling = template.block("scheduling") if template is not None else None
    limit = scheduling.block("max_run_duration") if scheduling is not None else None
    seconds = limit.known_number("seconds") if limit is not None else None
    if seconds:
        view.note(
            "info",
            "limited-run",
            f"each machine is deleted after {in_hours(seconds)} hours; the group counts as full all month",
        )


def _group_zones(view: View) -> frozenset[str]:
    """The zones of a group; its region where it does not name them."""
    zones = view.texts("distribution_policy_zones")
    if isinstance(zones, list) and zones:
        return frozenset(tail(zone) for zone in zones)
    name = place(view) or provider_place(view)
    return frozenset([name] if name else [])


def _selections(view: View) -> list[tuple[Decimal, list[str]]]:
    """Ranks and machine types of a flexibility policy, the preferred ones first."""
    found: list[tuple[Decimal, list[str]]] = []
    for block in view.blocks("instance_flexibility_policy.0.instance_selections")[:_MOST_SELECTIONS]:
        names = block.machine_types("machine_types")
        if isinstance(names, list) and names:
            found.append((block.known_number("rank") or Decimal(0), sorted(names)))
    return sorted(found)


def _flexible(view: View, machine: Machine) -> Machine:
    """A regional group may choose among machine types: those of its policy stand in for that of its template.

    The lowest rank that is available runs (https://cloud.google.com/compute/docs/instance-groups/about-instance-flexibility).
    """
    names = dict.fromkeys(name for _, listed in _selections(view) for name in listed)
    if not names:
        return machine
    return replace(machine, options=tuple(MachineOption(name) for name in names), unknown=None, assumed=False)


def _is_ranked(view: View) -> bool:
    """Whether one machine type goes before all others."""
    found = _selections(view)
    return bool(found) and len(found[0][1]) == 1 and (len(found) == 1 or found[0][0] < found[1][0])


def template_of(view: View, link: TemplateLink) -> Machine:
    """The machine of the instance template behind a link."""
    machine = followed_machine(view, link, template_machine)
    return machine or Machine(unknown=Unknown("its instance template is not in the plan", "unknown-machine-type"))


def _version_shares(versions: list[View], units: Units) -> list[Units]:
    """Units of each version: a fixed number or percentage (rounded up), the rest to the version without target_size."""

    def split(total: Decimal | None) -> list[Decimal | None]:
        if total is None:
            return [None] * len(versions)
        sizes: list[Decimal | None] = []
        for version in versions:
            fixed, percent = version.known_number("target_size.fixed"), version.known_number("target_size.percent")
            if fixed is not None:
                sizes.append(min(fixed, total))
            elif percent is not None:
                sizes.append((total * percent / 100).to_integral_value("ROUND_CEILING"))
            else:
                sizes.append(None)
        taken = sum((size for size in sizes if size is not None), Decimal(0))
        return [max(total - taken, Decimal(0)) if size is None else size for size in sizes]

    columns = [split(units.min), split(units.expected), split(units.max)]
    return [Units(low, middle, high) for low, middle, high in zip(*columns, strict=True)]


# -- resize requests ------------------------------------------------------------------------------------------------------


def resize_request(view: View) -> Extracted:
    """So many machines of a group at once, for a fixed time, at the price of flex start.

    From the day the request is made the group's target size holds them too; then the group is where they are counted
    (https://cloud.google.com/compute/docs/instance-groups/about-resize-requests-mig).
    """
    group = view.follow(("instance_group_manager",), GROUPS, ("name", "id", "self_link")).first
    machine = _requested(group)
    count = view.number("resize_by")
    units = Units.fixed(units_of(count, Decimal(0)))
    state = view.string("state")
    pool = machine.pool(units)
    if pool.purchase_model == "on_demand" and not _is_reservation_bound(group):
        pool = replace(pool, purchase_model="flex_start")
    duration = view.block("requested_run_duration")
    seconds = duration.known_number("seconds") if duration is not None else None
    if seconds:
        pool = replace(pool, once=Once(seconds / 3600))
    if state in ("FAILED", "CANCELLED"):
        pool = replace(pool, units=Units.fixed(0))
    elif state is not None and group is not None and isinstance(count, Decimal):
        size = group.known_number("target_size")
        if size is not None and size >= count:
            pool = replace(pool, covered_by=group.address, once=None)
        elif size is not None:
            view.note("info", "finished-request", "its machines are no longer in the group: their time is over")
            pool = replace(pool, units=Units.fixed(0))
    return Extracted((pool,), via=machine.via)


def _requested(group: View | None) -> Machine:
    if group is None:
        return Machine(unknown=Unknown("its managed instance group is not in the plan", "unknown-machine-type"))
    versions = group.blocks("version")
    return template_of(versions[0], _VERSION_LINK) if versions else template_of(group, GROUP_LINK)


def _is_reservation_bound(group: View | None) -> bool:
    """Whether the machines of a request run in a reservation instead of being bought as flex start."""
    if group is None:
        return False
    source, link = next(((each, _VERSION_LINK) for each in group.blocks("version")), (group, GROUP_LINK))
    template = source.follow(link.paths, link.types, link.by).first
    return template is not None and template.string("scheduling.0.provisioning_model") == "RESERVATION_BOUND"


def request_region(view: View) -> str | Unknown | None:
    """The region of the request itself, else that of its group."""
    if place(view) is None:
        group = view.follow(("instance_group_manager",), GROUPS, ("name", "id", "self_link")).first
        if group is not None:
            return region(group)
    return region(view)


def _group_spec(name: str) -> ResourceSpec:
    return ResourceSpec(
        type=name,
        cloud="gcp",
        extract=instance_group_manager,
        region=region,
        tags=labels,
        links=(GROUP_LINK,),
        reads=(
            "version",
            "target_size",
            "instance_flexibility_policy",
            "target_stopped_size",
            "target_suspended_size",
            "google_compute_autoscaler.target",
            "google_compute_per_instance_config.instance_group_manager",
        ),
        prices=MACHINE_PRICES,
        leaves_out=("Machines that stand by stopped or suspended: their disks.",),
        assumes=(
            "Sizes are totals of the group. With an autoscaler and no target_size it starts at min_replicas.",
            "A new per-instance configuration creates a machine beside those of target_size.",
            "Scaling schedules: the largest size they ask for is the expected one, for the hours that give the same "
            "machine hours a month, and its disks all month; the maximum may be reached all month.",
            "Of the machine types of a flexibility policy the one of the lowest rank runs; where several share it, the dearest.",
            RESERVED,
        ),
        source=f"google provider: {name}",
    )


def _request_spec(name: str) -> ResourceSpec:
    return ResourceSpec(
        type=name,
        cloud="gcp",
        extract=resize_request,
        region=request_region,
        tags=lambda view: {},
        reads=("instance_group_manager", "resize_by", "requested_run_duration.seconds", "state"),
        prices=MACHINE_PRICES,
        assumes=(
            "The machines are those of the group's first version, bought as flex start for the requested time and paid once; "
            "their disks count for a month.",
            "Once a request has been made its machines are in the target size of the group and counted there.",
        ),
        source=f"google provider: {name}",
    )


SPECS: tuple[ResourceSpec, ...] = (
    *(_group_spec(name) for name in GROUPS),
    *(_request_spec(name) for name in _REQUESTS),
)

COMPANIONS: tuple[Companion, ...] = (
    *(
        Companion(
            type=name,
            of=GROUPS,
            reads=("target", "autoscaling_policy"),
            says="Bounds of a managed instance group, and the sizes that scaling schedules ask for.",
            source=f"google provider: {name}",
        )
        for name in _AUTOSCALERS
    ),
    *(
        Companion(
            type=name,
            of=GROUPS,
            reads=(attribute, "instances") if name == _BULK else (attribute,),
            says="Machines of a managed instance group that apply creates by name.",
            source=f"google provider: {name}",
        )
        for name, attribute in _CONFIGS
    ),
)
