"""Instances, instance configurations, capacity reservations."""

from decimal import Decimal

from msgspec.structs import replace

from gpuguard.extract.common import as_template, followed_machine
from gpuguard.extract.plain import behind, stopped, written
from gpuguard.extract.providers.oci.common import pauses_when_stopped, region, tags, volume
from gpuguard.extract.schedules import Event, hours_of, unix_cron
from gpuguard.extract.spec import (
    Companion,
    Extracted,
    Machine,
    ResourceSpec,
    TemplateLink,
    can_run,
    machine_options,
    units_of,
)
from gpuguard.extract.view import View
from gpuguard.model.usage import Disk, MachineOption, OperatingSystem, PoolUsage, Units, Unknown

RESERVATION = ("oci_core_compute_capacity_reservation",)
CONFIGURATION = ("oci_core_instance_configuration",)
CONFIGURATION_LINK = TemplateLink(("instance_configuration_id",), CONFIGURATION, ("id", "display_name"))
_SCHEDULE = "oci_resource_scheduler_schedule"
_MOST_NAMED = 10
"""Resources of a schedule that are looked at."""


def instance_machine(view: View) -> Machine:
    """`oci_core_instance`, or the `launch_details` of a configuration."""
    options, unknown = machine_options(view, "shape")
    spot = view.block("preemptible_instance_config") is not None
    return Machine(
        options=options,
        unknown=unknown,
        purchase_model="spot" if spot else "on_demand",
        os=_operating_system(view),
        disks=_volumes(view),
        machine_attribute=view.attribute("shape"),
        purchase_attribute=view.attribute("preemptible_instance_config"),
        sensitive=view.is_sensitive("shape"),
        covered_by=covering(view, options),
    )


def covering(view: View, options: tuple[MachineOption, ...]) -> str | None:
    """The reservation of the same change that pays for the machine."""
    if not written(view, "capacity_reservation_id"):
        return None
    link = view.follow(("capacity_reservation_id",), RESERVATION, ("id", "display_name"))
    found = [each for each in link.views if _reserves(each, options)]
    if not found:
        return None
    if link.assumed:
        name = found[0].address
        view.note("info", "assumed-reservation", f"the plan hides its reservation; {name}, {link.assumed}, is assumed")
    return found[0].address


def _reserves(reservation: View, options: tuple[MachineOption, ...]) -> bool:
    """Whether a reservation holds any of these shapes: others do not fit in."""
    shapes = {block.string("instance_shape") for block in reservation.blocks("instance_reservation_configs")}
    return not options or any(option.sku in shapes for option in options)


def fitted(view: View, pool: PoolUsage, place: int = 0) -> tuple[PoolUsage, ...]:
    """A pool that a reservation covers, in two parts where it reserves fewer machines: the rest is priced on its own.

    Who comes first in the document uses it first. `place` tells several pools of one resource apart.
    """
    known = (fitted, id(view.node), view.side, place)
    found: tuple[PoolUsage, ...] | None = view.context.memo.get(known)
    if found is None:
        found = view.context.memo[known] = _parts(view, pool)
    if len(found) > 1 or found[0].covered_by != pool.covered_by:
        view.note(
            "warning",
            "reservation-too-small",
            f"{pool.covered_by} reserves fewer machines of its shape than are to run in it: the rest is priced on its own",
        )
    return found


def _parts(view: View, pool: PoolUsage) -> tuple[PoolUsage, ...]:
    shapes = _stock(view).get(pool.covered_by or "", {})
    left = next((shapes[option.sku] for option in pool.options if option.sku in shapes), None)
    sizes = [size for size in (pool.units.min, pool.units.expected, pool.units.max) if size is not None]
    if left is None or len(sizes) < len(left):
        return (pool,)  # how many there are, or how many fit, is known only after apply
    inside = [min(size, room) for size, room in zip(sizes, left, strict=True)]
    left[:] = [room - size for room, size in zip(left, inside, strict=True)]
    rest = Units(*(size - part for size, part in zip(sizes, inside, strict=True)))
    covered = replace(pool, units=Units(*inside))
    if not can_run(rest):
        return (covered,)
    alone = replace(pool, units=rest, covered_by=None)
    return (covered, alone) if can_run(covered.units) else (alone,)


_Stock = dict[str, dict[str, list[Decimal] | None]]
"""By address of a reservation and shape: how many of each size are left, None where only apply can tell."""


def _stock(view: View) -> _Stock:
    key = (_stock, view.side)
    known: _Stock | None = view.context.memo.get(key)
    if known is None:
        known = view.context.memo[key] = {}
        for node in view.context.document.current(*RESERVATION):
            shapes = known.setdefault(node.address, {})
            for block in View(view.context, node, view.side, []).blocks("instance_reservation_configs"):
                shape, count = block.string("instance_shape"), block.number("reserved_count")
                if shape:
                    room = shapes.get(shape, [Decimal(0)] * 3)
                    if room is not None:
                        shapes[shape] = [left + count for left in room] if isinstance(count, Decimal) else None
    return known


def _operating_system(view: View) -> OperatingSystem:
    """Windows with a licence of Oracle's, where the configuration says so; which system an image holds it does not."""
    filtered = view.string("source_details.0.instance_source_image_filter_details.0.operating_system") or ""
    licence = view.block("licensing_configs")
    if licence is not None and (licence.string("license_type") or "").upper() == "BRING_YOUR_OWN_LICENSE":
        return "linux"
    licensed = licence is not None and (licence.string("type") or "").upper() == "WINDOWS"
    return "windows" if licensed or filtered.lower().startswith("windows") else "linux"


def _volumes(view: View) -> tuple[Disk, ...]:
    source = view.block("source_details")
    own = source or view
    boot = volume("boot", own.known_number("boot_volume_size_in_gbs"), own.known_number("boot_volume_vpus_per_gb"))
    created = (block.block("launch_create_volume_details") for block in view.blocks("launch_volume_attachments"))
    return (boot, *(_data_volume(each) for each in created if each is not None))


def _data_volume(view: View) -> Disk:
    return volume("data", view.known_number("size_in_gbs"), view.known_number("vpus_per_gb"))


def _attached_volumes(view: View) -> tuple[Disk, ...]:
    """Volumes that are resources of their own, attached by another."""
    attachments = view.referring(("oci_core_volume_attachment",), "instance_id")
    volumes = (behind(each, "volume_id", ("oci_core_volume",), "id", "display_name") for each in attachments)
    return tuple(_data_volume(each) for each in volumes if each is not None)


# -- one instance ---------------------------------------------------------------------------------------------------------


def instance(view: View) -> Extracted:
    """`oci_core_instance`: its own shape, else that of the configuration it is made from."""
    machine = instance_machine(view)
    via: tuple[str, ...] = ()
    if not machine.options and written(view, "instance_configuration_id"):
        machine = followed_machine(view, CONFIGURATION_LINK, configuration_machine) or machine
        via = machine.via
    if not machine.options and machine.unknown is None:
        return Extracted(())
    machine = replace(machine, disks=(*machine.disks, *_attached_volumes(view)))
    pool = machine.pool(Units.fixed(1))
    if (view.string("state") or "").upper() == "STOPPED":
        return Extracted((_kept_stopped(view, pool),), via=via)
    return Extracted(fitted(view, powered(view, pool)), via=via)


def _kept_stopped(view: View, pool: PoolUsage) -> PoolUsage:
    if pauses_when_stopped(pool.options):
        view.note("info", "stopped-instance", "state is STOPPED: only its volumes are billed")
        return stopped(pool)
    view.note("warning", "billed-while-stopped", "state is STOPPED, and this shape is billed all the same")
    return pool


def powered(view: View, pool: PoolUsage) -> PoolUsage:
    """Hours that a schedule leaves of the month, for shapes that cost nothing while they are stopped."""
    events = _power_events(view)
    if {up for _, up in events} != {True, False}:
        return pool
    if not pauses_when_stopped(pool.options):
        view.note("warning", "billed-while-stopped", "a schedule stops it, and this shape is billed all the same")
        return pool
    hours = hours_of(events)
    if hours is None:
        return pool
    up = hours.get(True, Decimal(0))
    # nothing else can start it meanwhile: its maximum is lowered as well
    return replace(pool, hours_per_month=up, max_hours_per_month=up)


def _power_events(view: View) -> list[tuple[Event, bool]]:
    """When schedules of the resource scheduler start (True) and stop (False) a resource.

    https://docs.oracle.com/en-us/iaas/Content/resource-scheduler/concepts/overview.htm: times are in UTC unless the
    schedule names a zone; iCalendar rules are not read.
    """
    schedules = {
        id(each.node): each
        for position in range(_MOST_NAMED)
        for each in view.referring((_SCHEDULE,), f"resources.{position}.id")
    }
    events: list[tuple[Event, bool]] = []
    for schedule in schedules.values():
        action = (schedule.string("action") or "").upper()
        cron = unix_cron(schedule.string("recurrence_details"))
        inactive = (schedule.string("state") or "").upper() == "INACTIVE"
        if cron is None or inactive or action not in ("START_RESOURCE", "STOP_RESOURCE"):
            continue
        events.append((Event(cron, schedule.string("local_time_zone") or "UTC"), action == "START_RESOURCE"))
    return events


# -- configurations -------------------------------------------------------------------------------------------------------


def configuration_machine(view: View) -> Machine:
    """`oci_core_instance_configuration`: its launch details, or several that a pool may take."""
    details = [
        (outer, launch)
        for outer in (*view.blocks("instance_details"), *view.blocks("instance_details.0.options"))
        if (launch := outer.block("launch_details")) is not None
    ]
    if details:
        found = [_launched(outer, launch) for outer, launch in details]
        options = tuple(dict.fromkeys(option for machine in found for option in machine.options))
        return replace(found[0], options=options, via=(view.address,))
    source = behind(view, "instance_id", ("oci_core_instance",), "id", "display_name")
    if source is not None:
        return replace(instance_machine(source), via=(view.address,), covered_by=None)
    unknown = Unknown("the instance its configuration is made from is not in the plan", "unknown-machine-type")
    return Machine(unknown=unknown, via=(view.address,))


def _launched(outer: View, launch: View) -> Machine:
    created = (block.block("create_details") for block in outer.blocks("block_volumes"))
    machine = instance_machine(launch)
    return replace(machine, disks=(*machine.disks, *(_data_volume(each) for each in created if each is not None)))


# -- reservations ---------------------------------------------------------------------------------------------------------


def capacity_reservation(view: View) -> Extracted:
    """`oci_core_compute_capacity_reservation`: every shape it holds, used or not."""
    pools: list[PoolUsage] = []
    for block in view.blocks("instance_reservation_configs"):
        options, unknown = machine_options(block, "instance_shape")
        machine = Machine(
            options=options,
            unknown=unknown,
            purchase_model="capacity_reservation",
            machine_attribute=block.attribute("instance_shape"),
            sensitive=block.is_sensitive("instance_shape"),
        )
        pools.append(machine.pool(Units.fixed(units_of(block.number("reserved_count"), Decimal(0)))))
    view.note(
        "info",
        "reserved-capacity",
        "all of it is counted at the full price; Oracle bills what is reserved and not used at 85 %",
    )
    return Extracted(tuple(pools))


ASSUMES_VOLUME = (
    "A boot volume whose size only the image tells is not counted; a volume without performance units has 10."
)
ASSUMES_STOPPED = "A stopped machine is billed on, but for shapes of the series VM.GPU.A10."

SPECS: tuple[ResourceSpec, ...] = (
    ResourceSpec(
        type="oci_core_instance",
        cloud="oci",
        extract=instance,
        region=region,
        tags=tags,
        links=(CONFIGURATION_LINK,),
        probe=("shape",),
        reads=(
            "shape",
            "preemptible_instance_config",
            "capacity_reservation_id",
            "instance_configuration_id",
            "source_details",
            "launch_volume_attachments",
            "licensing_configs",
            "state",
            "availability_domain",
        ),
        prices=("the machine", "boot and block volumes", "Windows"),
        assumes=(
            ASSUMES_VOLUME,
            ASSUMES_STOPPED,
            "The system is Windows where licensing_configs or the image filter says so, else one without a licence fee.",
        ),
        source="oci provider: oci_core_instance",
    ),
    ResourceSpec(
        type="oci_core_instance_configuration",
        cloud="oci",
        extract=as_template(configuration_machine),
        region=region,
        tags=tags,
        template=True,
        reads=(
            "instance_details.launch_details",
            "instance_details.options",
            "instance_details.block_volumes",
            "instance_id",
        ),
        assumes=("Costs nothing by itself.", "Of several options the dearest is taken."),
        source="oci provider: oci_core_instance_configuration",
    ),
    ResourceSpec(
        type="oci_core_compute_capacity_reservation",
        cloud="oci",
        extract=capacity_reservation,
        region=region,
        tags=tags,
        reads=("instance_reservation_configs.instance_shape", "instance_reservation_configs.reserved_count"),
        prices=("the reserved machines",),
        assumes=(
            "All reserved machines are counted at the full price: what is not used costs 85 % of it.",
            "Instances of the same change that name the reservation and have one of its shapes run in it and add nothing, as"
            " many as it reserves.",
        ),
        source="oci provider: oci_core_compute_capacity_reservation; Oracle: capacity reservations",
    ),
)

COMPANIONS: tuple[Companion, ...] = (
    Companion(
        type="oci_core_volume",
        of=("oci_core_instance",),
        reads=("size_in_gbs", "vpus_per_gb"),
        says="size and performance of an attached volume",
        source="oci provider: oci_core_volume",
    ),
    Companion(
        type="oci_core_volume_attachment",
        of=("oci_core_instance",),
        reads=("instance_id", "volume_id"),
        says="which volumes an instance has",
        source="oci provider: oci_core_volume_attachment",
    ),
    Companion(
        type=_SCHEDULE,
        of=("oci_core_instance", "oci_core_instance_pool"),
        reads=("action", "recurrence_details", "local_time_zone", "resources", "state"),
        says="when instances are started and stopped",
        source="oci provider: oci_resource_scheduler_schedule",
    ),
)
