"""Azure Kubernetes Service: clusters and node pools."""

from decimal import Decimal

from gpuguard.extract.plain import size
from gpuguard.extract.providers.azurerm.aks_sizes import node_pool_units
from gpuguard.extract.providers.azurerm.common import (
    group_location,
    normalised,
    purchase_model,
    region,
    spot_price,
    tags,
    windows_licence,
)
from gpuguard.extract.providers.azurerm.placement import hosted, reserved
from gpuguard.extract.spec import Companion, Extracted, Machine, ResourceSpec, machine_options
from gpuguard.extract.view import View
from gpuguard.model.usage import Disk, FixedUsage, OperatingSystem, PoolUsage, Unknown

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


def os_disks(kind: str | None, wanted: Decimal | Unknown | None) -> tuple[Disk, ...]:
    """The OS disk of a node, unless it is on the machine itself."""
    if (kind or "Managed") == "Ephemeral":
        return ()
    sizes = () if isinstance(wanted, Unknown) else _OS_DISK_SIZES
    gib = (wanted or None) if isinstance(wanted, Decimal) else None
    return (Disk("boot", "Premium_LRS", gib, sizes_by_vcpus=sizes),)


def node_pool_machine(view: View, cluster: View | None) -> Machine:
    """A node pool of AKS: `default_node_pool` or a pool of its own."""
    options, unknown = machine_options(view, "vm_size")
    return Machine(
        options=options,
        unknown=unknown,
        purchase_model=purchase_model(view),
        os=_windows_nodes(cluster) if view.string("os_type") == "Windows" else "linux",
        disks=os_disks(view.string("os_disk_type"), size(view, "os_disk_size_gb")),
        spot_max_price=spot_price(view, "spot_max_price"),
        machine_attribute=view.attribute("vm_size"),
        purchase_attribute=view.attribute("priority") if not view.prefix else None,
        sensitive=view.is_sensitive("vm_size"),
    )


def nodes(view: View, cluster: View | None) -> tuple[PoolUsage, ...]:
    """The pools that a node pool comes down to; none where AKS itself chooses the size, which has no GPU then."""
    machine = node_pool_machine(view, cluster)
    if not machine.options and machine.unknown is None:
        return ()
    slices = view.string("gpu_instance")
    if slices and (view.string("gpu_driver") or "").lower() != "none":
        view.note(
            "info",
            "gpu-slices",
            f"each GPU is divided into {slices} instances; the machines cost the same, and whole GPUs are counted",
        )
    pool = hosted(view, machine.pool(node_pool_units(view)), "", "host_group_id")
    return (pool,) if pool.covered_by is not None else reserved(view, pool)


def node_pool(view: View) -> Extracted:
    """`azurerm_kubernetes_cluster_node_pool`: sizes are totals, whatever the zones."""
    cluster = view.follow(("kubernetes_cluster_id",), CLUSTER, ("id",)).first
    return Extracted(nodes(view, cluster))


PAID_TIERS = {"standard": "aks-standard", "paid": "aks-standard", "premium": "aks-premium"}


def cluster(view: View) -> Extracted:
    """`azurerm_kubernetes_cluster`: its default pool, and the fee of its tier."""
    block = view.block("default_node_pool")
    pools = nodes(block, view) if block is not None else ()
    tier = PAID_TIERS.get((view.string("sku_tier") or "Free").lower())
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
        leaves_out=("Nodes that node auto-provisioning starts for pods: its node pools are Kubernetes objects.",),
        assumes=(
            "The fee of a paid tier is counted when the default pool itself holds GPUs.",
            "A pool without vm_size has no GPU.",
        ),
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
            "gpu_instance",
            "capacity_reservation_group_id",
            "host_group_id",
            "kubernetes_cluster_id",
        ),
        prices=("the nodes", "OS disks", "Windows"),
        leaves_out=("Disks of nodes that a reservation or a dedicated host of the plan pays for.",),
        assumes=(
            "Managed OS disks are Premium SSDs, sized by the vCPUs unless the configuration says otherwise.",
            "Sizes are totals, whatever the zones.",
        ),
        source="azurerm provider: azurerm_kubernetes_cluster_node_pool",
    ),
)

COMPANIONS: tuple[Companion, ...] = ()
