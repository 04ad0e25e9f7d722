"""Azure: which attributes of which Terraform types start accelerators, and how.

Attribute names are those of the azurerm provider 3.x and 4.x
(https://registry.terraform.io/providers/hashicorp/azurerm).
"""

import re
from decimal import ROUND_CEILING, Decimal

from gpuguard.extract.common import single, string_tags
from gpuguard.extract.spec import (
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
from gpuguard.model.usage import Disk, FixedUsage, MachineOption, OperatingSystem, PurchaseModel, Units, Unknown

_CLUSTER = ("azurerm_kubernetes_cluster",)
_GROUP = ("azurerm_resource_group",)
_GROUP_NAME = re.compile(r"/resourceGroups/([^/]+)/", re.IGNORECASE)


# -- region, tags, operating system ---------------------------------------------------------------------------------


def region(view: View) -> str | Unknown | None:
    """Own location, else that of the cluster or resource group it belongs to. Spellings are normalised by the catalog."""
    own = view.string("location")
    if own is None and view.node.type == "azurerm_kubernetes_cluster_node_pool":
        cluster = view.follow(("kubernetes_cluster_id",), _CLUSTER, ("id",)).first
        if cluster is not None:
            return region(cluster)
        own = _network_location(view) or _group_location(view, "kubernetes_cluster_id")
    if own is None:
        group = view.follow(("resource_group_name",), _GROUP, ("name", "id")).first
        own = group.string("location") if group is not None else None
    return own.lower().replace(" ", "") if own else None


def _network_location(view: View) -> str | None:
    """Location of the virtual network that a node pool's subnet is in: nodes and their network share it."""
    subnet = view.follow(("vnet_subnet_id",), ("azurerm_subnet",), ("id",)).first
    network = subnet and subnet.follow(("virtual_network_name",), ("azurerm_virtual_network",), ("name",)).first
    return network.string("location") if network is not None else None


def _group_location(view: View, path: str) -> str | None:
    """Location of the resource group that an id names, where the document has that group."""
    match = _GROUP_NAME.search(view.string(path) or "")
    if match is None:
        return None
    for node in (*view.context.document.current(*_GROUP), *view.context.document.data(*_GROUP)):
        group = View(view.context, node, view.side, view.notes)
        if (group.string("name") or "").lower() == match[1].lower():
            return group.string("location")
    return None


def tags(view: View) -> dict[str, str]:
    """The `tags` map."""
    return string_tags(view, "tags")


def _purchase(view: View) -> PurchaseModel:
    return "spot" if (view.string("priority") or "").lower() in ("spot", "low") else "on_demand"


def _spot_price(view: View, path: str = "max_bid_price") -> Decimal | None:
    # -1 (the default) means "up to the on-demand price".
    value = view.known(path)
    return view.known_number(path) if isinstance(value, int | float) and value > 0 else None


def _linux(view: View) -> OperatingSystem:
    """RHEL and SLES marketplace images carry a licence unless it is brought along; `license_type` may add one.

    https://learn.microsoft.com/azure/virtual-machines/linux/azure-hybrid-benefit-linux. openSUSE has none.
    """
    licence = (view.string("license_type") or "").upper()
    publisher = (view.string("source_image_reference.publisher") or "").lower()
    offer = (view.string("source_image_reference.offer") or "").lower()
    if licence.endswith("BYOS"):
        return "linux"
    if licence.startswith(("RHEL_", "SLES_")):
        return "rhel" if licence.startswith("RHEL_") else "sles"
    if "byos" in offer or "opensuse" in offer:
        return "linux"
    if publisher == "redhat":
        return "rhel"
    return "sles" if publisher == "suse" else "linux"


def _windows(view: View) -> OperatingSystem:
    """Windows is in the price unless the hybrid benefit brings the licence."""
    licence = (view.string("license_type") or view.string("license") or "").lower()
    return "linux" if licence in ("windows_server", "windows_client") else "windows"


# -- disks --------------------------------------------------------------------------------------------------------------


def _os_disk(view: View) -> tuple[Disk, ...]:
    block = view.block("os_disk")
    if block is None or block.string("diff_disk_settings.option") == "Local":
        return ()
    return (Disk("boot", block.string("storage_account_type") or "Standard_LRS", block.known_number("disk_size_gb")),)


def _data_disks(view: View, path: str = "data_disk") -> tuple[Disk, ...]:
    return tuple(_data_disk(block) for block in view.blocks(path))


def _data_disk(view: View) -> Disk:
    return Disk(
        "data",
        view.string("storage_account_type") or "Standard_LRS",
        view.known_number("disk_size_gb"),
        iops=view.known_number("disk_iops_read_write") or view.known_number("ultra_ssd_disk_iops_read_write"),
        throughput_mibps=view.known_number("disk_mbps_read_write")
        or view.known_number("ultra_ssd_disk_mbps_read_write"),
    )


def _attached(view: View) -> tuple[Disk, ...]:
    disks = []
    for attachment in view.referring(("azurerm_virtual_machine_data_disk_attachment",), "virtual_machine_id"):
        disk = attachment.follow(("managed_disk_id",), ("azurerm_managed_disk",), ("id",)).first
        if disk is not None:
            disks.append(_data_disk(disk))
    return tuple(disks)


# -- virtual machines -----------------------------------------------------------------------------------------------------


def _machine(view: View, attribute: str, disks: tuple[Disk, ...]) -> Machine:
    """What virtual machines and uniform scale sets have in common; `attribute` names the size."""
    options, unknown = machine_options(view, attribute)
    return Machine(
        options=options,
        unknown=unknown,
        purchase_model=_purchase(view),
        os=_windows(view) if "windows" in view.node.type else _linux(view),
        disks=(*_os_disk(view), *disks),
        spot_max_price=_spot_price(view),
        machine_attribute=view.attribute(attribute),
        purchase_attribute=view.attribute("priority"),
        sensitive=view.is_sensitive(attribute),
    )


def virtual_machine(view: View) -> Machine:
    """`azurerm_linux_virtual_machine` and `azurerm_windows_virtual_machine`."""
    return _machine(view, "size", _attached(view))


def scale_set_machine(view: View) -> Machine:
    """`azurerm_linux_virtual_machine_scale_set` and its Windows twin."""
    return _machine(view, "sku", _data_disks(view))


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
        purchase_model=_purchase(view),
        os=_windows(view) if windows else _linux(view),
        disks=(*_os_disk(view), *_data_disks(view)),
        spot_max_price=_spot_price(view),
        machine_attribute=attribute,
        purchase_attribute=view.attribute("priority"),
        sensitive=view.is_sensitive("sku_name"),
    )


def _scale_set_units(view: View) -> Units:
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
        return Extracted((read(view).pool(_scale_set_units(view)),))

    return extract


def orchestrated_scale_set(view: View) -> Extracted:
    """Flexible scale set; `priority_mix` splits it: a base of regular machines, then a percentage of the rest.

    https://learn.microsoft.com/azure/virtual-machine-scale-sets/spot-priority-mix: fractions go to regular machines.
    """
    machine = orchestrated_machine(view)
    units = _scale_set_units(view)
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


# -- AKS ------------------------------------------------------------------------------------------------------------------


_OS_DISK_SIZES = ((1, 128), (8, 256), (16, 512), (64, 1024))
"""vCPUs from which on a managed OS disk has this many GiB unless the configuration says otherwise; a Premium SSD
(https://learn.microsoft.com/azure/aks/concepts-storage#managed-os-disks)."""


def _windows_nodes(cluster: View | None) -> OperatingSystem:
    """Windows nodes; the cluster's `windows_profile` may bring their licence."""
    profile = cluster.block("windows_profile") if cluster is not None else None
    return _windows(profile) if profile is not None else "windows"


def node_pool_machine(view: View, cluster: View | None) -> Machine:
    """A node pool of AKS: `default_node_pool` or a pool of its own."""
    options, unknown = machine_options(view, "vm_size")
    disks: tuple[Disk, ...] = ()
    if (view.string("os_disk_type") or "Managed") != "Ephemeral":
        size = view.number("os_disk_size_gb")
        sizes = () if isinstance(size, Unknown) else _OS_DISK_SIZES
        disks = (
            Disk("boot", "Premium_LRS", (size or None) if isinstance(size, Decimal) else None, sizes_by_vcpus=sizes),
        )
    return Machine(
        options=options,
        unknown=unknown,
        purchase_model=_purchase(view),
        os=_windows_nodes(cluster) if view.string("os_type") == "Windows" else "linux",
        disks=disks,
        spot_max_price=_spot_price(view, "spot_max_price"),
        machine_attribute=view.attribute("vm_size"),
        purchase_attribute=view.attribute("priority") if not view.prefix else None,
        sensitive=view.is_sensitive("vm_size"),
    )


def _pool_units(view: View) -> Units:
    count, low, high = view.number("node_count"), view.number("min_count"), view.number("max_count")
    # `enable_auto_scaling` is the name before azurerm 4.
    if view.flag("auto_scaling_enabled") or view.flag("enable_auto_scaling"):
        if isinstance(count, Unknown) and view.may_be_unset("node_count"):
            count = None
        least, most = units_of(low, Decimal(0)), units_of(high, None)
        return Units(least, within(pick_expected(count, low), least, most), most)
    return Units.fixed(units_of(count, Decimal(1)))


def node_pool(view: View) -> Extracted:
    """`azurerm_kubernetes_cluster_node_pool`: sizes are totals, whatever the zones."""
    cluster = view.follow(("kubernetes_cluster_id",), _CLUSTER, ("id",)).first
    return Extracted((node_pool_machine(view, cluster).pool(_pool_units(view)),))


_PAID_TIERS = {"standard": "aks-standard", "paid": "aks-standard", "premium": "aks-premium"}


def cluster(view: View) -> Extracted:
    """`azurerm_kubernetes_cluster`: its default pool, and the fee of its tier."""
    block = view.block("default_node_pool")
    pools = (node_pool_machine(block, view).pool(_pool_units(block)),) if block is not None else ()
    tier = _PAID_TIERS.get((view.string("sku_tier") or "Free").lower())
    fixed = (FixedUsage("control_plane", tier, f"AKS {tier.removeprefix('aks-')} tier"),) if tier else ()
    return Extracted(pools, fixed=fixed)


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
_ASSUMES_DISK = (
    "A disk whose size only the image tells is not counted; managed disks are billed by the tier that holds them."
)

SPECS = (
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
            assumes=(_ASSUMES_DISK, "A Windows licence is counted unless license_type brings it."),
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
            assumes=(_ASSUMES_DISK,),
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
        assumes=(_ASSUMES_DISK, "Fractions of regular machines are rounded up."),
        source="azurerm provider: azurerm_orchestrated_virtual_machine_scale_set",
    ),
    ResourceSpec(
        type="azurerm_kubernetes_cluster",
        cloud="azure",
        extract=cluster,
        region=region,
        tags=tags,
        reads=("default_node_pool", "sku_tier", "location"),
        assumes=("The fee of a paid tier is counted when the default pool itself holds GPUs.",),
        source="azurerm provider: azurerm_kubernetes_cluster",
    ),
    ResourceSpec(
        type="azurerm_kubernetes_cluster_node_pool",
        cloud="azure",
        extract=node_pool,
        region=region,
        tags=tags,
        probe=("vm_size",),
        reads=(
            "vm_size",
            "node_count",
            "min_count",
            "max_count",
            "auto_scaling_enabled",
            "priority",
            "spot_max_price",
            "os_type",
            "os_disk_size_gb",
            "kubernetes_cluster_id",
        ),
        assumes=("Managed OS disks are Premium SSDs, sized by the vCPUs unless the configuration says otherwise.",),
        source="azurerm provider: azurerm_kubernetes_cluster_node_pool",
    ),
)
