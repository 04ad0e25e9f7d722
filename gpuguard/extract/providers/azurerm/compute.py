"""Virtual machines and scale sets."""

from decimal import ROUND_CEILING, Decimal

from gpuguard.extract.common import single
from gpuguard.extract.providers.azurerm.common import (
    attached_disks,
    data_disks,
    linux_licence,
    os_disk,
    purchase_model,
    region,
    spot_price,
    tags,
    windows_licence,
)
from gpuguard.extract.spec import (
    Companion,
    Extracted,
    Extractor,
    Machine,
    MachineReader,
    ResourceSpec,
    machine_options,
    pick_expected,
    units_of,
    within,
)
from gpuguard.extract.view import View
from gpuguard.model.usage import Disk, MachineOption, Units, Unknown


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


def scale_set_machine(view: View) -> Machine:
    """`azurerm_linux_virtual_machine_scale_set` and its Windows twin."""
    return base_machine(view, "sku", data_disks(view))


def orchestrated_machine(view: View) -> Machine:
    """`azurerm_orchestrated_virtual_machine_scale_set`; with the sku "Mix" the types are in `sku_profile`."""
    options, unknown = machine_options(view, "sku_name")
    attribute = view.attribute("sku_name")
    profile = view.block("sku_profile")
    if profile is not None and (not options or options[0].sku.lower() == "mix"):
        names = profile.texts("vm_sizes")
        if isinstance(names, Unknown):
            options, unknown = (), Unknown(names.reason, "unknown-machine-type")
        else:
            options, unknown = tuple(MachineOption(name) for name in names), None
        attribute = profile.attribute("vm_sizes.0")
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


def scale_set_units(view: View) -> Units:
    """`instances`, with the bounds of an autoscale setting that targets the scale set."""
    size = view.number("instances")
    if isinstance(size, Unknown) and view.may_be_unset("instances"):
        size = None
    settings = view.referring(("azurerm_monitor_autoscale_setting",), "target_resource_id")
    bounds = [
        block
        for setting in settings
        if setting.known("enabled") is not False
        for block in setting.blocks("profile")
        if block.block("capacity") is not None
    ]
    if not bounds:
        return Units.fixed(units_of(size, Decimal(0)))
    lows = [units_of(block.number("capacity.minimum"), None) for block in bounds]
    highs = [units_of(block.number("capacity.maximum"), None) for block in bounds]
    least = None if None in lows else min(low for low in lows if low is not None)
    most = None if None in highs else max(high for high in highs if high is not None)
    # Azure starts the set with `instances` and brings it within the limits; a profile's default only counts when
    # metrics are missing (https://learn.microsoft.com/azure/azure-monitor/autoscale/autoscale-understanding-settings).
    return Units(least, within(pick_expected(size, bounds[0].number("capacity.default")), least, most), most)


def scale_set(read: MachineReader) -> Extractor:
    """A scale set of one machine."""

    def extract(view: View) -> Extracted:
        return Extracted((read(view).pool(scale_set_units(view)),))

    return extract


def orchestrated_scale_set(view: View) -> Extracted:
    """Flexible scale set; `priority_mix` splits it: a base of regular machines, then a percentage of the rest.

    https://learn.microsoft.com/azure/virtual-machine-scale-sets/spot-priority-mix: fractions go to regular machines.
    """
    machine = orchestrated_machine(view)
    units = scale_set_units(view)
    strategy = (view.string("sku_profile.allocation_strategy") or "").lower()
    pick = "cheapest" if strategy == "lowestprice" else "first" if strategy == "prioritized" else "dearest"
    mix = view.block("priority_mix")
    if mix is None or machine.purchase_model != "spot":
        return Extracted((machine.pool(units, pick=pick),))
    base = mix.known_number("base_regular_count") or Decimal(0)
    percentage = mix.known_number("regular_percentage_above_base") or Decimal(0)

    def regular(size: Decimal | None) -> Decimal | None:
        if size is None:
            return None
        fixed = min(base, size)
        return fixed + ((size - fixed) * percentage / 100).to_integral_value(ROUND_CEILING)

    def rest(size: Decimal | None) -> Decimal | None:
        taken = regular(size)
        return None if size is None or taken is None else size - taken

    pools = (
        machine.pool(
            Units(regular(units.min), regular(units.expected), regular(units.max)),
            purchase_model="on_demand",
            pick=pick,
            purchase_attribute=None,
        ),
        machine.pool(Units(rest(units.min), rest(units.expected), rest(units.max)), pick=pick),
    )
    return Extracted(
        tuple(
            pool
            for pool in pools
            if any(size is None or size > 0 for size in (pool.units.min, pool.units.expected, pool.units.max))
        )
    )


_SCALE_SET_READS = (
    "instances",
    "priority",
    "max_bid_price",
    "os_disk",
    "data_disk",
    "location",
    "license_type",
    "azurerm_monitor_autoscale_setting.target_resource_id",
)
ASSUMES_DISK = (
    "A disk whose size only the image tells is not counted; managed disks are billed by the tier that holds them."
)

SPECS: tuple[ResourceSpec, ...] = (
    *(
        ResourceSpec(
            type=name,
            cloud="azure",
            extract=single(virtual_machine),
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
                "azurerm_virtual_machine_data_disk_attachment",
            ),
            prices=("the machine", "OS and data disks", "the operating system"),
            assumes=(ASSUMES_DISK, "A Windows licence is counted unless license_type brings it."),
            source=f"azurerm provider: {name}",
        )
        for name in ("azurerm_linux_virtual_machine", "azurerm_windows_virtual_machine")
    ),
    *(
        ResourceSpec(
            type=name,
            cloud="azure",
            extract=scale_set(scale_set_machine),
            region=region,
            tags=tags,
            probe=("sku",),
            reads=("sku", *_SCALE_SET_READS),
            prices=("the machine", "OS and data disks", "the operating system"),
            assumes=(ASSUMES_DISK,),
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
        reads=("sku_name", "sku_profile", "priority_mix", *_SCALE_SET_READS),
        prices=("the machine", "OS and data disks", "the operating system"),
        assumes=(ASSUMES_DISK, "Fractions of regular machines are rounded up."),
        source="azurerm provider: azurerm_orchestrated_virtual_machine_scale_set",
    ),
)

COMPANIONS: tuple[Companion, ...] = ()
