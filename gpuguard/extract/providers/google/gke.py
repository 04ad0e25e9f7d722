"""Google Kubernetes Engine: clusters and node pools."""

import re
from decimal import Decimal

from msgspec.structs import replace

from gpuguard.extract.providers.google.common import labels, place, provider_place, region, region_at, tail
from gpuguard.extract.providers.google.compute import LOCAL_SSD_GIB, with_accelerators
from gpuguard.extract.spec import Companion, Extracted, Machine, ResourceSpec, machine_options, pick_expected, units_of
from gpuguard.extract.view import View
from gpuguard.model.usage import Disk, FixedUsage, MachineOption, PoolUsage, Units, Unknown
from gpuguard.read.document import Side

_CLUSTER = ("google_container_cluster",)
_NODE_POOL = ("google_container_node_pool",)
_CLUSTER_PATH = re.compile(r"(?:^|/)(?:locations|zones)/([^/]+)/clusters/")
_DEFAULT_POOL = "default-pool"


def cluster_of(view: View) -> View | None:
    """The cluster of a node pool: the one it refers to that lies in the pool's location."""
    link = view.follow(("cluster",), _CLUSTER, ("id", "self_link", "name"))
    own = place(view)
    found = [cluster for cluster in link.views if own is None or place(cluster) in (None, own)]
    if not found or (link.assumed and len(found) > 1):
        return None
    if link.assumed:
        view.note(
            "info", "assumed-cluster", f"the plan hides its cluster; {found[0].address}, {link.assumed}, is assumed"
        )
    return found[0]


def pool_place(view: View, cluster: View | None) -> str | None:
    """Location of a node pool: its own, its cluster's, the one in the path that names the cluster, the provider's.

    Without a location GKE resources take the provider's zone.
    """
    own = place(view)
    if own is None and cluster is not None:
        return place(cluster) or provider_place(cluster)
    path = _CLUSTER_PATH.search(view.string("cluster") or "") if own is None else None
    return path[1] if path else own or provider_place(view)


def node_pool_region(view: View) -> str | None:
    """Region of a node pool, which lies where its cluster does."""
    return region_at(view, pool_place(view, cluster_of(view)))


def is_zone(view: View, name: str) -> bool:
    """Whether a location is a zone, not a region."""
    known = view.context.region_of_zone("gcp", name)
    return known is not None and known != name


def _zones(view: View, cluster: View | None) -> Decimal | None:
    """How many zones a pool spans: its node_locations, else its cluster's, else 3 for a regional cluster.

    A zonal cluster's own zone is added to the cluster's node_locations
    (https://registry.terraform.io/providers/hashicorp/google/latest/docs/resources/container_cluster#node_locations).
    None: only apply can tell.
    """
    source = cluster if cluster is not None else view
    named: set[str] = set()
    for block in (view, source) if view.prefix or view.node.type in _NODE_POOL else (source,):
        locations = block.texts("node_locations")
        if isinstance(locations, Unknown):
            if not block.may_be_unset("node_locations"):
                view.note("warning", "unknown-zones", f"{locations.reason}: how many nodes run is not known")
                return None
            continue
        named = {tail(zone) for zone in locations if is_zone(view, zone)}
        if named and block is not source:
            return Decimal(len(named))
    location = pool_place(view, cluster)
    if location is not None and is_zone(view, location):
        return Decimal(len(named | {location}))
    if location is not None and _takes_providers_zone(view, cluster):
        return Decimal(len(named) + 1)  # some zone whose name the plan does not show
    if named:
        return Decimal(len(named))
    if location is None:
        view.note(
            "warning", "assumed-zones", "neither the cluster's location nor its zones are known; 3 zones are assumed"
        )
    return Decimal(3)


def _takes_providers_zone(view: View, cluster: View | None) -> bool:
    """Whether nothing but the provider's `zone` says where the cluster is: it is zonal then."""
    source = cluster if cluster is not None else view
    written = place(view) or place(source) or _CLUSTER_PATH.search(view.string("cluster") or "")
    return not written and bool(source.context.resolver.provider_values(source.node, ("zone",)))


def node_machine(view: View) -> Machine:
    """A `node_config` block."""
    options, unknown = machine_options(view, "machine_type")
    if not options and unknown is None:
        options = (MachineOption("e2-medium"),)
    flex = view.flag("flex_start")
    spot = view.flag("spot") or view.flag("preemptible")
    # GKE's defaults: 100 GB, pd-balanced
    # (https://registry.terraform.io/providers/hashicorp/google/latest/docs/resources/container_cluster#disk_type).
    disks = [
        Disk("boot", tail(view.string("disk_type") or "pd-balanced"), view.known_number("disk_size_gb") or Decimal(100))
    ]
    boot = view.block("boot_disk")
    if boot is not None and (boot.string("disk_type") or boot.known_number("size_gb")):
        disks = [
            Disk(
                "boot",
                boot.string("disk_type") or disks[0].disk_type,
                boot.known_number("size_gb") or disks[0].size_gib,
                iops=boot.known_number("provisioned_iops"),
                throughput_mibps=boot.known_number("provisioned_throughput"),
            )
        ]
    local = view.known_number("local_ssd_count") or Decimal(0)
    for path in ("ephemeral_storage_local_ssd_config", "local_nvme_ssd_block_config", "ephemeral_storage_config"):
        local += view.known_number(f"{path}.local_ssd_count") or Decimal(0)
    if local:
        disks.append(Disk("local_ssd", "local-ssd", LOCAL_SSD_GIB, count=int(local)))
    image = view.string("image_type") or ""
    machine = Machine(
        options=options,
        unknown=unknown,
        purchase_model="flex_start" if flex else "spot" if spot else "on_demand",
        os="windows" if image.upper().startswith("WINDOWS") else "linux",
        disks=tuple(disks),
        machine_attribute=view.attribute("machine_type"),
        purchase_attribute=view.attribute("spot"),
        sensitive=view.is_sensitive("machine_type"),
    )
    return with_accelerators(machine, view)


def _node_pool(view: View, cluster: View | None) -> PoolUsage:
    """A node pool, separate or inside its cluster: sizes count per zone, `total_*` limits do not."""
    zones = _zones(view, cluster)
    config = view.block("node_config")
    if config is None:
        machine = Machine(options=(MachineOption("e2-medium"),), disks=(Disk("boot", "pd-balanced", Decimal(100)),))
    else:
        machine = node_machine(config)
    if view.flag("queued_provisioning.enabled"):
        machine = replace(machine, purchase_model="flex_start")
    count, initial = view.number("node_count"), view.number("initial_node_count")
    scaling = view.block("autoscaling")
    # Both are left to the provider where a module passes null; something else then tells the size.
    if isinstance(count, Unknown) and (initial is not None or scaling is not None) and view.may_be_unset("node_count"):
        count = None
    if (
        isinstance(initial, Unknown)
        and (count is not None or scaling is not None)
        and view.may_be_unset("initial_node_count")
    ):
        initial = None

    def times(size: Decimal | None) -> Decimal | None:
        if not size:
            return size
        return None if zones is None else size * zones

    if scaling is None:
        size = times(pick_expected(count, initial))
        return machine.pool(Units(size, size, size))
    total_low, total_high = scaling.number("total_min_node_count"), scaling.number("total_max_node_count")
    low, high = scaling.number("min_node_count"), scaling.number("max_node_count")
    per_zone = total_high in (None, 0) and (high is not None or low is not None)
    least = times(units_of(low, Decimal(0))) if per_zone else units_of(total_low, Decimal(0))
    most = times(units_of(high, None)) if per_zone else units_of(total_high, None)
    expected = times(pick_expected(count, initial)) if (count, initial) != (None, None) else least
    if expected is None:
        return machine.pool(Units(least, expected, most))
    # The autoscaler lets a pool outside its limits be until the load asks for another size
    # (https://cloud.google.com/kubernetes-engine/docs/concepts/cluster-autoscaler): it is never taken for less.
    expected = expected if least is None else max(expected, least)
    return machine.pool(Units(least, expected, most if most is None else max(most, expected)))


def node_pool(view: View) -> Extracted:
    """`google_container_node_pool`; zones and region come from its cluster."""
    return Extracted((_node_pool(view, cluster_of(view)),))


def _separate_pools(view: View) -> frozenset[str]:
    """Names of the cluster's pools that are resources of their own.

    The provider reads every pool of a cluster into the cluster's state; those are priced where they are managed, also
    when this change removes them.
    """
    sides: tuple[Side, Side] = ("before", "after")
    names = (
        pool.string("name")
        for side in sides
        for pool in View(view.context, view.node, side, view.notes).referring(_NODE_POOL, "cluster")
    )
    return frozenset(name for name in names if name)


def cluster(view: View) -> Extracted:
    """`google_container_cluster` with pools of its own, or its default pool."""
    removed = view.flag("remove_default_node_pool")
    pools: list[PoolUsage] = []
    if not view.flag("enable_autopilot"):
        blocks = view.blocks("node_pool")
        others = _separate_pools(view) if blocks else frozenset()
        for block in blocks:
            name = block.string("name")
            if name not in others and not (removed and name == _DEFAULT_POOL):
                pools.append(_node_pool(block, view))
        if not blocks and not removed and view.block("node_config") is not None:
            pools.append(_node_pool(view, None))
    fee = FixedUsage("control_plane", "gke", "GKE cluster management fee")
    return Extracted(tuple(pools), fixed=(fee,))


SPECS: tuple[ResourceSpec, ...] = (
    ResourceSpec(
        type="google_container_cluster",
        cloud="gcp",
        extract=cluster,
        region=region,
        tags=labels,
        reads=(
            "node_pool",
            "node_config",
            "initial_node_count",
            "location",
            "node_locations",
            "remove_default_node_pool",
        ),
        prices=("the nodes", "attached GPUs", "disks and local SSDs", "the management fee"),
        assumes=(
            "The management fee is counted when the cluster itself holds a GPU pool; the free tier of the billing account is not known.",
            "A regional cluster without node_locations spans three zones.",
        ),
        source="google provider: google_container_cluster",
    ),
    ResourceSpec(
        type="google_container_node_pool",
        cloud="gcp",
        extract=node_pool,
        region=node_pool_region,
        tags=labels,
        reads=(
            "node_config",
            "node_count",
            "initial_node_count",
            "autoscaling",
            "node_locations",
            "cluster",
            "queued_provisioning",
        ),
        prices=("the nodes", "attached GPUs", "disks and local SSDs"),
        assumes=(
            "Sizes count per zone: the pool's node_locations, else the cluster's, else three for a regional cluster.",
            "A size below the autoscaling minimum counts as the minimum; one above the maximum stays, and is the most there can be.",
            "Nodes have a 100 GiB pd-balanced boot disk unless the configuration says otherwise.",
        ),
        source="google provider: google_container_node_pool",
    ),
)

COMPANIONS: tuple[Companion, ...] = ()
