"""Azure Kubernetes Service: clusters and node pools."""

from decimal import Decimal

from gpuguard.extract.providers.azurerm.common import (
    group_location,
    normalised,
    purchase_model,
    region,
    spot_price,
    tags,
    windows_licence,
)
from gpuguard.extract.spec import (
    Companion,
    Extracted,
    Machine,
    ResourceSpec,
    machine_options,
    pick_expected,
    units_of,
    within,
)
from gpuguard.extract.view import View
from gpuguard.model.usage import Disk, FixedUsage, OperatingSystem, Units, Unknown

CLUSTER = ("azurerm_kubernetes_cluster",)


def node_pool_region(view: View) -> str | Unknown | None:
    """Location of the cluster, else of the network its nodes are in, else of the cluster's resource group."""
    cluster = view.follow(("kubernetes_cluster_id",), CLUSTER, ("id",)).first
    if cluster is not None:
        return region(cluster)
    return normalised(_network_location(view) or group_location(view, "kubernetes_cluster_id"))


def _network_location(view: View) -> str | None:
    """Location of the virtual network that a node pool's subnet is in: nodes and their network share it."""
    subnet = view.follow(("vnet_subnet_id",), ("azurerm_subnet",), ("id",)).first
    network = subnet and subnet.follow(("virtual_network_name",), ("azurerm_virtual_network",), ("name",)).first
    return network.string("location") if network is not None else None


_OS_DISK_SIZES = ((1, 128), (8, 256), (16, 512), (64, 1024))
"""vCPUs from which on a managed OS disk has this many GiB unless the configuration says otherwise; a Premium SSD
(https://learn.microsoft.com/azure/aks/concepts-storage#managed-os-disks)."""


def _windows_nodes(cluster: View | None) -> OperatingSystem:
    """Windows nodes; the cluster's `windows_profile` may bring their licence."""
    profile = cluster.block("windows_profile") if cluster is not None else None
    return windows_licence(profile) if profile is not None else "windows"


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
        purchase_model=purchase_model(view),
        os=_windows_nodes(cluster) if view.string("os_type") == "Windows" else "linux",
        disks=disks,
        spot_max_price=spot_price(view, "spot_max_price"),
        machine_attribute=view.attribute("vm_size"),
        purchase_attribute=view.attribute("priority") if not view.prefix else None,
        sensitive=view.is_sensitive("vm_size"),
    )


def pool_units(view: View) -> Units:
    """Sizes of a node pool, or of the default pool of a cluster."""
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
    cluster = view.follow(("kubernetes_cluster_id",), CLUSTER, ("id",)).first
    return Extracted((node_pool_machine(view, cluster).pool(pool_units(view)),))


_PAID_TIERS = {"standard": "aks-standard", "paid": "aks-standard", "premium": "aks-premium"}


def cluster(view: View) -> Extracted:
    """`azurerm_kubernetes_cluster`: its default pool, and the fee of its tier."""
    block = view.block("default_node_pool")
    pools = (node_pool_machine(block, view).pool(pool_units(block)),) if block is not None else ()
    tier = _PAID_TIERS.get((view.string("sku_tier") or "Free").lower())
    fixed = (FixedUsage("control_plane", tier, f"AKS {tier.removeprefix('aks-')} tier"),) if tier else ()
    return Extracted(pools, fixed=fixed)


SPECS: tuple[ResourceSpec, ...] = (
    ResourceSpec(
        type="azurerm_kubernetes_cluster",
        cloud="azure",
        extract=cluster,
        region=region,
        tags=tags,
        reads=("default_node_pool", "sku_tier", "location"),
        prices=("the default pool", "OS disks", "Windows", "the fee of a paid tier"),
        assumes=("The fee of a paid tier is counted when the default pool itself holds GPUs.",),
        source="azurerm provider: azurerm_kubernetes_cluster",
    ),
    ResourceSpec(
        type="azurerm_kubernetes_cluster_node_pool",
        cloud="azure",
        extract=node_pool,
        region=node_pool_region,
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
        prices=("the nodes", "OS disks", "Windows"),
        assumes=("Managed OS disks are Premium SSDs, sized by the vCPUs unless the configuration says otherwise.",),
        source="azurerm provider: azurerm_kubernetes_cluster_node_pool",
    ),
)

COMPANIONS: tuple[Companion, ...] = ()
