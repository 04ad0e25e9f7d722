"""Virtual machines and scale sets."""

from decimal import Decimal

from msgspec.structs import replace

from gpuguard.extract.providers.azurerm.common import (
    attached_disks,
    data_disks,
    image_system,
    is_windows_image,
    linux_licence,
    os_disk,
    purchase_model,
    region,
    spot_price,
    tags,
    windows_licence,
    windows_system,
)
from gpuguard.extract.providers.azurerm.placement import hosted, reserved
from gpuguard.extract.providers.azurerm.schedules import (
    AUTOSCALE,
    JOB_SCHEDULE,
    SHUTDOWN,
    Sizes,
    running_hours,
    scale_set_sizes,
)
from gpuguard.extract.spec import (
    Companion,
    Extracted,
    Extractor,
    Machine,
    MachineReader,
    ResourceSpec,
    above_base,
    can_run,
    machine_options,
    split,
)
from gpuguard.extract.view import View
from gpuguard.model.usage import Disk, MachineOption, OperatingSystem, Pick, PoolUsage, Units, Unknown

STANDBY = "azurerm_virtual_machine_scale_set_standby_pool"


def base_machine(view: View, attribute: str, disks: tuple[Disk, ...]) -> Machine:
    """What virtual machines and uniform scale sets have in common; `attribute` names the size."""
    options, unknown = machine_options(view, attribute)
    return Machine(
        options=options,
        unknown=unknown,
        purchase_model=purchase_model(view),
        os=windows_licence(view) if "windows" in view.node.type else linux_licence(view),
        disks=(*os_disk(view), *disks),
        spot_max_price=spot_price(view),
        machine_attribute=view.attribute(attribute),
        purchase_attribute=view.attribute("priority"),
        sensitive=view.is_sensitive(attribute),
    )


def virtual_machine(view: View) -> Machine:
    """`azurerm_linux_virtual_machine` and `azurerm_windows_virtual_machine`."""
    return base_machine(view, "size", attached_disks(view))


def one_machine(read: MachineReader) -> Extractor:
    """One machine, for the hours its schedules leave it; a reservation or a host may pay for it."""

    def extract(view: View) -> Extracted:
        hours = running_hours(view)
        pool = read(view).pool(Units.fixed(1), hours_per_month=hours, max_hours_per_month=hours)
        pool = hosted(view, pool, "dedicated_host_id", "dedicated_host_group_id")
        return Extracted((pool,) if pool.covered_by is not None else reserved(view, pool))

    return extract


# -- the classic types, whose blocks azurerm 2 renamed ---------------------------------------------------------------------


def classic_machine(view: View) -> Machine:
    """`azurerm_virtual_machine`: always at the regular price."""
    options, unknown = machine_options(view, "vm_size")
    return Machine(
        options=options,
        unknown=unknown,
        os=_classic_system(view, "storage_image_reference", "storage_os_disk"),
        disks=(
            *_classic_disks(view, "boot", "storage_os_disk"),
            *_classic_disks(view, "data", "storage_data_disk"),
            *attached_disks(view),
        ),
        machine_attribute=view.attribute("vm_size"),
        sensitive=view.is_sensitive("vm_size"),
    )


def classic_scale_set_machine(view: View) -> Machine:
    """`azurerm_virtual_machine_scale_set`: sizes and priority in the words of azurerm 1."""
    options, unknown = machine_options(view, "sku.0.name")
    return Machine(
        options=options,
        unknown=unknown,
        purchase_model=purchase_model(view),
        os=_classic_system(view, "storage_profile_image_reference", "storage_profile_os_disk"),
        disks=(
            *_classic_disks(view, "boot", "storage_profile_os_disk"),
            *_classic_disks(view, "data", "storage_profile_data_disk"),
        ),
        machine_attribute=view.attribute("sku.0.name"),
        purchase_attribute=view.attribute("priority"),
        sensitive=view.is_sensitive("sku.0.name"),
    )


def _classic_system(view: View, image: str, disk: str) -> OperatingSystem:
    publisher, offer = view.string(f"{image}.publisher"), view.string(f"{image}.offer")
    windows = (
        bool(view.blocks("os_profile_windows_config"))
        or (view.string(f"{disk}.os_type") or "").lower() == "windows"
        or is_windows_image(publisher, offer)
    )
    licence = view.string("license_type")
    return windows_system(licence) if windows else image_system(licence, publisher, offer)


def _classic_disks(view: View, role: str, path: str) -> tuple[Disk, ...]:
    """Managed disks; those on page blobs (`vhd_uri`, `vhd_containers`) are billed by the storage account."""
    return tuple(
        Disk(
            "boot" if role == "boot" else "data",
            block.string("managed_disk_type") or "Standard_LRS",
            block.known_number("disk_size_gb"),
        )
        for block in view.blocks(path)
        if not block.string("vhd_uri") and not block.known("vhd_containers")
    )


# -- scale sets -----------------------------------------------------------------------------------------------------------


def scale_set_machine(view: View) -> Machine:
    """`azurerm_linux_virtual_machine_scale_set` and its Windows twin."""
    return base_machine(view, "sku", data_disks(view))


def orchestrated_machine(view: View) -> Machine:
    """`azurerm_orchestrated_virtual_machine_scale_set`; with the sku "Mix" the types are in `sku_profile`.

    Types of a `prioritized` profile stand in `virtual_machine_size` blocks, with their ranks.
    """
    options, unknown = machine_options(view, "sku_name")
    attribute = view.attribute("sku_name")
    profile = view.block("sku_profile")
    if profile is not None and (not options or options[0].sku.lower() == "mix"):
        ranked = sorted(profile.blocks("virtual_machine_size"), key=_rank)
        names = profile.machine_types("vm_sizes") if not ranked else [block.string("name") or "" for block in ranked]
        if isinstance(names, Unknown) or "" in names:
            options, unknown = (), Unknown("its sizes are known only after apply", "unknown-machine-type")
        else:
            options, unknown = tuple(MachineOption(name) for name in names), None
        attribute = profile.attribute("virtual_machine_size.0.name" if ranked else "vm_sizes.0")
    windows = bool(view.blocks("os_profile.windows_configuration"))
    return Machine(
        options=options,
        unknown=unknown,
        purchase_model=purchase_model(view),
        os=windows_licence(view) if windows else linux_licence(view),
        disks=(*os_disk(view), *data_disks(view)),
        spot_max_price=spot_price(view),
        machine_attribute=attribute,
        purchase_attribute=view.attribute("priority"),
        sensitive=view.is_sensitive("sku_name"),
    )


def _rank(block: View) -> Decimal:
    return block.known_number("rank") or Decimal(0)


def scale_set(read: MachineReader, count: str = "instances") -> Extractor:
    """A scale set of one machine."""

    def extract(view: View) -> Extracted:
        return Extracted(_placed(view, sized(read(view), scale_set_sizes(view, count))))

    return extract


def sized(machine: Machine, sizes: Sizes, **changes: object) -> PoolUsage:
    """A machine in these sizes, for their hours."""
    return machine.pool(sizes.units, hours_per_month=sizes.hours, max_hours_per_month=sizes.max_hours, **changes)


def _placed(view: View, pool: PoolUsage) -> tuple[PoolUsage, ...]:
    pool = hosted(view, pool, "", "host_group_id")
    return (pool,) if pool.covered_by is not None else reserved(view, pool)


def orchestrated_scale_set(view: View) -> Extracted:
    """Flexible scale set; without a size of its own it only groups machines that are resources themselves."""
    machine = orchestrated_machine(view)
    if not machine.options and machine.unknown is None:
        return Extracted(())
    sizes = _with_standby(view, scale_set_sizes(view))
    strategy = (view.string("sku_profile.allocation_strategy") or "").lower()
    pick: Pick = "cheapest" if strategy == "lowestprice" else "first" if strategy == "prioritized" else "dearest"
    mix = view.block("priority_mix")
    if mix is None or machine.purchase_model != "spot":
        return Extracted(_placed(view, sized(machine, sizes, pick=pick)))
    base = mix.known_number("base_regular_count") or Decimal(0)
    percentage = mix.known_number("regular_percentage_above_base") or Decimal(0)
    return Extracted(mixed(sized(machine, sizes, pick=pick), base, percentage))


def mixed(pool: PoolUsage, base: Decimal, percentage: Decimal) -> tuple[PoolUsage, ...]:
    """A spot pool with regular machines in it: a base of them, then a percentage of the rest, fractions rounded up.

    https://learn.microsoft.com/azure/virtual-machine-scale-sets/spot-priority-mix
    """

    first, second = split(pool.units, above_base(base, percentage))
    pools = (
        replace(pool, units=first, purchase_model="on_demand", spot_max_price=None, purchase_attribute=None),
        replace(pool, units=second),
    )
    return tuple(pool for pool in pools if can_run(pool.units)) or pools[1:]


def _with_standby(view: View, sizes: Sizes) -> Sizes:
    """A standby pool of running machines fills the set up to its largest capacity, and never holds less than its smallest.

    https://learn.microsoft.com/azure/virtual-machine-scale-sets/standby-pools-overview: deallocated ones cost their disks.
    """
    for pool in view.referring((STANDBY,), "attached_virtual_machine_scale_set_id"):
        if (pool.string("virtual_machine_state") or "").lower() != "running":
            continue
        most = pool.known_number("elasticity_profile.max_ready_capacity")
        least = pool.known_number("elasticity_profile.min_ready_capacity") or Decimal(0)

        def beside(size: Decimal | None, most: Decimal | None = most, least: Decimal = least) -> Decimal | None:
            return None if size is None or most is None else size + max(least, most - size)

        view.note("info", "standby-pool", "running machines of its standby pool are counted with the scale set")
        units = sizes.units
        sizes = Sizes(Units(beside(units.min), beside(units.expected), beside(units.max)))
    return sizes


_SCALE_SET_READS = (
    "instances",
    "priority",
    "max_bid_price",
    "os_disk",
    "data_disk",
    "location",
    "license_type",
    "capacity_reservation_group_id",
    f"{AUTOSCALE}.target_resource_id",
)
_SCALE_SETS = (
    "azurerm_linux_virtual_machine_scale_set",
    "azurerm_windows_virtual_machine_scale_set",
    "azurerm_orchestrated_virtual_machine_scale_set",
    "azurerm_virtual_machine_scale_set",
)
_MACHINES = ("azurerm_linux_virtual_machine", "azurerm_windows_virtual_machine", "azurerm_virtual_machine")
ASSUMES_DISK = (
    "A disk whose size only the image tells is not counted; managed disks are billed by the tier that holds them."
)
_ASSUMES_TOTAL = "Sizes are totals, whatever the zones."
_ASSUMES_PROFILES = "A recurring autoscale profile holds until the next one begins; where one alone recurs the largest size counts all month."
_ASSUMES_STOPPED = (
    "A machine runs all month unless the plan both stops and starts it; disks are billed while it is stopped."
)
_LEAVES_COVERED = "Disks and licences of machines that a reservation or a dedicated host of the plan pays for."
_PRICES = ("the machine", "OS and data disks", "the operating system")

SPECS: tuple[ResourceSpec, ...] = (
    *(
        ResourceSpec(
            type=name,
            cloud="azure",
            extract=one_machine(virtual_machine),
            region=region,
            tags=tags,
            probe=("size",),
            reads=(
                "size",
                "priority",
                "max_bid_price",
                "os_disk",
                "location",
                "license_type",
                "source_image_reference",
                "capacity_reservation_group_id",
                "dedicated_host_id",
                "dedicated_host_group_id",
                "azurerm_virtual_machine_data_disk_attachment",
                SHUTDOWN,
            ),
            prices=_PRICES,
            leaves_out=(_LEAVES_COVERED,),
            assumes=(ASSUMES_DISK, "A Windows licence is counted unless license_type brings it.", _ASSUMES_STOPPED),
            source=f"azurerm provider: {name}",
        )
        for name in ("azurerm_linux_virtual_machine", "azurerm_windows_virtual_machine")
    ),
    ResourceSpec(
        type="azurerm_virtual_machine",
        cloud="azure",
        extract=one_machine(classic_machine),
        region=region,
        tags=tags,
        probe=("vm_size",),
        reads=(
            "vm_size",
            "storage_os_disk",
            "storage_data_disk",
            "storage_image_reference",
            "os_profile_windows_config",
            "license_type",
            "location",
        ),
        prices=_PRICES,
        leaves_out=("Disks on page blobs (vhd_uri), which the storage account is billed for.",),
        assumes=(ASSUMES_DISK, "A Windows licence is counted unless license_type brings it.", _ASSUMES_STOPPED),
        source="azurerm provider: azurerm_virtual_machine",
    ),
    *(
        ResourceSpec(
            type=name,
            cloud="azure",
            extract=scale_set(scale_set_machine),
            region=region,
            tags=tags,
            probe=("sku",),
            reads=("sku", "host_group_id", *_SCALE_SET_READS),
            prices=_PRICES,
            leaves_out=(_LEAVES_COVERED,),
            assumes=(ASSUMES_DISK, _ASSUMES_TOTAL, _ASSUMES_PROFILES),
            source=f"azurerm provider: {name}",
        )
        for name in ("azurerm_linux_virtual_machine_scale_set", "azurerm_windows_virtual_machine_scale_set")
    ),
    ResourceSpec(
        type="azurerm_orchestrated_virtual_machine_scale_set",
        cloud="azure",
        extract=orchestrated_scale_set,
        region=region,
        tags=tags,
        reads=("sku_name", "sku_profile", "priority_mix", *_SCALE_SET_READS, STANDBY),
        prices=_PRICES,
        leaves_out=(_LEAVES_COVERED, "Disks of deallocated machines in a standby pool."),
        assumes=(ASSUMES_DISK, _ASSUMES_TOTAL, "Fractions of regular machines are rounded up.", _ASSUMES_PROFILES),
        source="azurerm provider: azurerm_orchestrated_virtual_machine_scale_set",
    ),
    ResourceSpec(
        type="azurerm_virtual_machine_scale_set",
        cloud="azure",
        extract=scale_set(classic_scale_set_machine, "sku.0.capacity"),
        region=region,
        tags=tags,
        reads=(
            "sku",
            "priority",
            "storage_profile_os_disk",
            "storage_profile_data_disk",
            "storage_profile_image_reference",
            "os_profile_windows_config",
            "license_type",
            "location",
            f"{AUTOSCALE}.target_resource_id",
        ),
        prices=_PRICES,
        leaves_out=("Disks on page blobs (vhd_containers), which the storage account is billed for.",),
        assumes=(ASSUMES_DISK, _ASSUMES_TOTAL, "Priority Low is priced as spot.", _ASSUMES_PROFILES),
        source="azurerm provider: azurerm_virtual_machine_scale_set",
    ),
)

COMPANIONS: tuple[Companion, ...] = (
    Companion(
        type=AUTOSCALE,
        of=_SCALE_SETS,
        reads=("target_resource_id", "enabled", "profile"),
        says="the bounds of a scale set, and through recurring profiles the hours of its sizes",
        source="Azure Monitor: autoscale with multiple profiles",
    ),
    Companion(
        type=SHUTDOWN,
        of=_MACHINES,
        reads=("virtual_machine_id", "daily_recurrence_time", "timezone", "enabled"),
        says="when a machine is stopped each day; by itself it lowers no figure, since nothing starts the machine again",
        source="azurerm provider: azurerm_dev_test_global_vm_shutdown_schedule",
    ),
    Companion(
        type=JOB_SCHEDULE,
        of=_MACHINES,
        reads=("runbook_name", "schedule_name", "parameters"),
        says="which machine a runbook starts or stops, where a parameter holds the machine's name",
        source="azurerm provider: azurerm_automation_job_schedule",
    ),
    Companion(
        type="azurerm_automation_schedule",
        of=_MACHINES,
        reads=("frequency", "interval", "start_time", "week_days", "timezone"),
        says="when a runbook runs, daily or weekly",
        source="azurerm provider: azurerm_automation_schedule",
    ),
    Companion(
        type="azurerm_automation_runbook",
        of=_MACHINES,
        reads=("content",),
        says="whether a job starts or stops machines, by the one command of the two that it holds",
        source="azurerm provider: azurerm_automation_runbook",
    ),
    Companion(
        type="azurerm_virtual_machine_data_disk_attachment",
        of=_MACHINES,
        reads=("virtual_machine_id", "managed_disk_id"),
        says="which managed disks belong to a machine",
        source="azurerm provider: azurerm_virtual_machine_data_disk_attachment",
    ),
    Companion(
        type=STANDBY,
        of=("azurerm_orchestrated_virtual_machine_scale_set",),
        reads=("attached_virtual_machine_scale_set_id", "virtual_machine_state", "elasticity_profile"),
        says="how many running machines stand by beside a scale set",
        source="Azure: standby pools for Virtual Machine Scale Sets",
    ),
)
