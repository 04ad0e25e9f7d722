"""Google Kubernetes Engine: clusters and node pools."""

import re
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from msgspec.structs import replace

from gpuguard.extract.common import string_tags
from gpuguard.extract.providers.google.common import labels, place, provider_place, region, region_at, tail
from gpuguard.extract.providers.google.compute import LOCAL_SSD_GIB, RESERVED, with_accelerators
from gpuguard.extract.providers.google.consumption import Holder, consumed
from gpuguard.extract.providers.google.tpu import chips_of
from gpuguard.extract.spec import Companion, Extracted, Machine, ResourceSpec, machine_options, pick_expected, units_of
from gpuguard.extract.view import View
from gpuguard.model.price import InstanceType
from gpuguard.model.usage import AttachedAccelerator, Disk, FixedUsage, MachineOption, PoolUsage, Units, Unknown
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
        for block in view.blocks(path)[:1]:
            local += block.known_number("local_ssd_count") or Decimal(0)
            local += block.known_number("data_cache_count") or Decimal(0)
    if local:
        disks.append(Disk("local_ssd", "local-ssd", LOCAL_SSD_GIB, count=int(local)))
    # a secondary boot disk is made of an image, on the type of the boot disk
    secondary = len(view.blocks("secondary_boot_disks"))
    if secondary:
        disks.append(Disk("data", disks[0].disk_type, None, count=secondary))
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
    if config is not None:
        _tell_sharing(view, config)
    machine_pool = machine.pool(_node_units(view, zones))
    return replace(machine_pool, units=_whole_slices(view, machine, machine_pool.units))


def _node_units(view: View, zones: Decimal | None) -> Units:
    """How many nodes a pool has: per zone, but for the total limits of its autoscaler."""
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
        return Units.fixed(times(pick_expected(count, initial)))
    total_low, total_high = scaling.number("total_min_node_count"), scaling.number("total_max_node_count")
    low, high = scaling.number("min_node_count"), scaling.number("max_node_count")
    per_zone = total_high in (None, 0) and (high is not None or low is not None)
    least = times(units_of(low, Decimal(0))) if per_zone else units_of(total_low, Decimal(0))
    most = times(units_of(high, None)) if per_zone else units_of(total_high, None)
    expected = times(pick_expected(count, initial)) if (count, initial) != (None, None) else least
    if expected is None:
        return Units(least, expected, most)
    # The autoscaler lets a pool outside its limits be until the load asks for another size
    # (https://cloud.google.com/kubernetes-engine/docs/concepts/cluster-autoscaler): it is never taken for less.
    expected = expected if least is None else max(expected, least)
    return Units(least, expected, most if most is None else max(most, expected))


_CHIPS = re.compile(r"-(\d{1,3})t\Z")


def _whole_slices(view: View, machine: Machine, units: Units) -> Units:
    """A TPU slice over several machines exists whole or not at all.

    Its machines are the chips of the topology by those of one machine
    (https://cloud.google.com/kubernetes-engine/docs/concepts/tpus).
    """
    policy = view.block("placement_policy")
    chips = chips_of(policy.string("tpu_topology")) if policy is not None else None
    match = _CHIPS.search(machine.options[0].sku) if len(machine.options) == 1 else None
    if chips is None or match is None or not int(match[1]):
        return units
    hosts = (chips / int(match[1])).to_integral_value(ROUND_CEILING)
    if hosts < 2:
        return units

    def whole(size: Decimal | None) -> Decimal | None:
        return None if size is None else (size / hosts).to_integral_value(ROUND_CEILING) * hosts

    found = Units(whole(units.min), whole(units.expected), whole(units.max))
    if found != units:
        view.note("info", "tpu-slice", f"its topology takes {hosts:f} machines at once: sizes are multiples of that")
    return found


_PARTITION = re.compile(r"\dg\.\d{1,3}gb\Z")


def _tell_sharing(view: View, config: View) -> None:
    """Time-sharing, MPS and partitions change how many pods use a GPU, not what it costs.

    https://cloud.google.com/kubernetes-engine/docs/concepts/timesharing-gpus,
    https://cloud.google.com/kubernetes-engine/docs/how-to/gpus-multi
    """
    for block in config.blocks("guest_accelerator")[:1]:
        part = "each of its GPUs"
        partition = block.string("gpu_partition_size")
        if partition is not None and _PARTITION.match(partition):
            part = f"each {partition} partition of its GPUs"
            view.note(
                "info", "gpu-sharing", f"its GPUs are split into partitions of {partition}; a node costs the same"
            )
        sharing = block.block("gpu_sharing_config")
        clients = sharing.known_number("max_shared_clients_per_gpu") if sharing is not None else None
        if sharing is not None and clients is not None and clients > 1:
            strategy = "MPS" if sharing.string("gpu_sharing_strategy") == "MPS" else "time-sharing"
            view.note("info", "gpu-sharing", f"up to {clients:f} pods share {part} ({strategy}); a node costs the same")


def _zone_names(view: View, cluster: View | None) -> frozenset[str]:
    """The zones of a pool's nodes, or their region where those are not named."""
    for block in (view, cluster) if cluster is not None else (view,):
        zones = block.texts("node_locations")
        if isinstance(zones, list) and zones:
            return frozenset(tail(zone) for zone in zones)
    name = pool_place(view, cluster)
    return frozenset([name] if name else [])


def _holder(view: View, cluster: View | None) -> Holder:
    return Holder(view.block("node_config"), _zone_names(view, cluster), automatic=False)


def node_pool(view: View) -> Extracted:
    """`google_container_node_pool`; zones and region come from its cluster."""
    cluster = cluster_of(view)
    return Extracted(consumed(view, [(_node_pool(view, cluster), _holder(view, cluster))]))


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
    """`google_container_cluster` with pools of its own, its default pool, and what node auto-provisioning may add."""
    removed = view.flag("remove_default_node_pool")
    pools: list[tuple[PoolUsage, Holder]] = []
    provisioned: tuple[PoolUsage, ...] = ()
    if not view.flag("enable_autopilot"):
        blocks = view.blocks("node_pool")
        others = _separate_pools(view) if blocks else frozenset()
        for block in blocks:
            name = block.string("name")
            if name not in others and not (removed and name == _DEFAULT_POOL):
                pools.append((_node_pool(block, view), _holder(block, view)))
        if not blocks and not removed and view.block("node_config") is not None:
            pools.append((_node_pool(view, None), _holder(view, None)))
        provisioned = _auto_provisioned(view, [pool for pool, _ in pools])
    fee = FixedUsage("control_plane", "gke", "GKE cluster management fee")
    return Extracted((*consumed(view, pools), *provisioned), fixed=(fee,))


# -- node auto-provisioning -----------------------------------------------------------------------------------------------

_BUNDLED = {
    "nvidia-l4": "g2-standard-",
    "nvidia-rtx-pro-6000": "g4-standard-",
    "nvidia-tesla-a100": "a2-highgpu-",
    "nvidia-a100-80gb": "a2-ultragpu-",
    "nvidia-h100-80gb": "a3-highgpu-",
    "nvidia-h100-mega-80gb": "a3-megagpu-",
    "nvidia-h200-141gb": "a3-ultragpu-",
    "nvidia-b200": "a4-highgpu-",
    "nvidia-gb200": "a4x-highgpu-",
    "tpu-v3-device": "ct3-",
    "tpu-v3-slice": "ct3p-",
    "tpu-v4-podslice": "ct4p-",
    "tpu-v5-lite-device": "ct5l-",
    "tpu-v5-lite-podslice": "ct5lp-",
    "tpu-v5p-slice": "ct5p-",
    "tpu-v6e-slice": "ct6e-",
    "tpu7x": "tpu7x-",
}
"""Machine types that come with an accelerator, by its name in GKE
(https://cloud.google.com/compute/docs/gpus, https://cloud.google.com/kubernetes-engine/docs/concepts/tpus)."""

_ATTACHED = {
    "nvidia-tesla-t4": 32,
    "nvidia-tesla-p100": 16,
    "nvidia-tesla-p4": 16,
    "nvidia-tesla-v100": 8,
    "nvidia-tesla-k80": 8,
}
"""vCPUs of the largest n1-standard machine that takes one of an accelerator that is attached to N1
(https://cloud.google.com/compute/docs/gpus#n1-gpus)."""

_N1_SIZES = (1, 2, 4, 8, 16, 32)
_N1_MEMORY = Decimal("3.75")
_NO_ACCELERATORS = ("cpu", "memory", "ephemeral-storage")
_MOST_LIMITS = 100


def _auto_provisioned(view: View, own: list[PoolUsage]) -> tuple[PoolUsage, ...]:
    """Nodes that GKE may create by itself, up to the limits of the cluster; none runs before a pod asks for it.

    The limits hold for all node pools together, so what the pools of the plan may have is taken off
    (https://cloud.google.com/kubernetes-engine/docs/concepts/node-auto-provisioning). The machine is told by the pods: as
    many accelerators as the limit allows are taken, on the largest machines that CPU and memory limits leave room for.
    """
    scaling = view.block("cluster_autoscaling")
    if scaling is None or not scaling.flag("enabled"):
        return ()
    limits = scaling.blocks("resource_limits")[:_MOST_LIMITS]
    highest = {name: each.number("maximum") for each in limits if (name := each.string("resource_type")) is not None}
    accelerators = {name: most for name, most in highest.items() if name not in _NO_ACCELERATORS and most != 0}
    if not accelerators:
        return ()
    defaults = scaling.block("auto_provisioning_defaults")
    boot = Disk("boot", "pd-standard", Decimal(100))  # the provider's defaults
    if defaults is not None:
        size = defaults.known_number("disk_size") or boot.size_gib
        boot = replace(boot, disk_type=tail(defaults.string("disk_type") or boot.disk_type), size_gib=size)
    others = [*own, *_pools_beside(view)]
    cpu, memory = highest.get("cpu"), highest.get("memory")
    found: list[PoolUsage] = []
    for name, most in accelerators.items():
        pool = _provisioned(view, name, most, cpu, memory, others)
        if pool is not None:
            found.append(replace(pool, disks=(boot,)))
    if found:
        view.note(
            "info",
            "node-auto-provisioning",
            "GKE may create nodes for pods up to the accelerator limits of the cluster: counted at the maximum alone, on "
            "demand, on the largest machines that the CPU and memory limits leave room for",
        )
    return tuple(found)


def _pools_beside(view: View) -> list[PoolUsage]:
    """The cluster's node pools that are resources of their own; what is told of them is told there."""
    pools = view.referring(_NODE_POOL, "cluster")
    return [_node_pool(View(pool.context, pool.node, pool.side, []), view) for pool in pools]


def _provisioned(
    view: View,
    name: str,
    limit: Decimal | Unknown | None,
    cpu: Decimal | Unknown | None,
    memory: Decimal | Unknown | None,
    others: list[PoolUsage],
) -> PoolUsage | None:
    """The nodes with one kind of accelerator that may be created."""
    most = limit if isinstance(limit, Decimal) else None
    if most is not None:
        most -= sum((_accelerators_at_most(view, name, pool) for pool in others), Decimal(0))
        if most <= 0:
            return None
    shapes = _shapes(view, name)
    if not shapes:
        units = Units(Decimal(0), Decimal(0), most)
        return PoolUsage(
            options=(MachineOption(name),), units=units, accelerators=(AttachedAccelerator(name, Decimal(1)),)
        )
    best: tuple[Decimal, Decimal, str, Decimal] | None = None
    for sku, count, vcpus, gib in shapes:
        room = [most / count] if most is not None else []
        room += [cpu / vcpus] if isinstance(cpu, Decimal) else []
        room += [memory / gib] if isinstance(memory, Decimal) else []
        machines = min(room).to_integral_value(ROUND_FLOOR) if room else Decimal(0)
        if machines > 0 and (best is None or (machines * count, machines * vcpus) > best[:2]):
            best = (machines * count, machines * vcpus, sku, machines)
    if most is None:
        best = (Decimal(0), Decimal(0), shapes[-1][0], Decimal(0))
    if best is None:
        view.note("info", "auto-provisioning-limit", f"its limits leave no room for a machine with {name}")
        return None
    attached = (AttachedAccelerator(name, Decimal(1)),) if name in _ATTACHED else ()
    names = dict.fromkeys((best[2], *(sku for sku, _, _, _ in shapes)))
    return PoolUsage(
        options=tuple(MachineOption(sku) for sku in names),
        units=Units(Decimal(0), Decimal(0), best[3] if most is not None else None),
        accelerators=attached,
    )


def _shapes(view: View, name: str) -> list[tuple[str, Decimal, Decimal, Decimal]]:
    """Machine types that carry an accelerator: name, accelerators, vCPUs and GiB."""
    if name in _ATTACHED:
        sizes = (size for size in _N1_SIZES if size <= _ATTACHED[name])
        return [(f"n1-standard-{size}", Decimal(1), Decimal(size), size * _N1_MEMORY) for size in sizes]
    prefix = _BUNDLED.get(name)
    if prefix is None:
        return []
    return [
        (machine.sku, Decimal(str(machine.gpu_count)), Decimal(str(machine.vcpus)), Decimal(str(machine.memory_gib)))
        for machine in view.context.accelerated("gcp")
        if _is_provisioned(machine, prefix)
    ]


def _is_provisioned(machine: InstanceType, prefix: str) -> bool:
    # a limit is a whole number of accelerators: fractional machines are none of its shapes
    return machine.sku.startswith(prefix) and machine.gpu_count >= 1 and bool(machine.vcpus and machine.memory_gib)


def _accelerators_at_most(view: View, name: str, pool: PoolUsage) -> Decimal:
    """How many accelerators of a kind a node pool may have; none where that is not known."""
    if pool.units.max is None or len(pool.options) != 1:
        return Decimal(0)
    attached = sum((each.count for each in pool.accelerators if each.name == name), Decimal(0))
    prefix = _BUNDLED.get(name)
    if not attached and prefix is not None and pool.options[0].sku.startswith(prefix):
        machine = view.context.machine("gcp", pool.options[0].sku)
        attached = Decimal(str(machine.gpu_count)) if machine is not None else Decimal(0)
    return attached * pool.units.max


# -- GKE on other clouds --------------------------------------------------------------------------------------------------


def aws_node_pool(view: View) -> Extracted:
    """`google_container_aws_node_pool`: EC2 instances in one subnet, billed by AWS.

    Without a root volume they have 32 GiB of gp2
    (https://cloud.google.com/kubernetes-engine/multi-cloud/docs/aws/reference/rest/v1/projects.locations.awsClusters.awsNodePools).
    """
    config = view.block("config")
    root = config.block("root_volume") if config is not None else None
    kind = (root.string("volume_type") if root is not None else None) or "gp2"
    disk = Disk(
        "boot",
        kind.lower(),
        (root.known_number("size_gib") if root is not None else None) or Decimal(32),
        iops=root.known_number("iops") if root is not None else None,
        throughput_mibps=root.known_number("throughput") if root is not None else None,
    )
    return _elsewhere(view, config, "instance_type", (disk,))


def azure_node_pool(view: View) -> Extracted:
    """`google_container_azure_node_pool`: virtual machines, billed by Azure."""
    return _elsewhere(view, view.block("config"), "vm_size", ())


def _elsewhere(view: View, config: View | None, attribute: str, disks: tuple[Disk, ...]) -> Extracted:
    if config is None:
        return Extracted(())
    options, unknown = machine_options(config, attribute)
    if not options and unknown is None:
        return Extracted(())  # the service's default machine has no GPU
    scaling = view.block("autoscaling")
    low = units_of(scaling.number("min_node_count"), Decimal(0)) if scaling is not None else None
    high = units_of(scaling.number("max_node_count"), None) if scaling is not None else None
    machine = Machine(
        options=options,
        unknown=unknown,
        disks=disks,
        machine_attribute=config.attribute(attribute),
        sensitive=config.is_sensitive(attribute),
    )
    return Extracted((machine.pool(Units(low, low, high)),))


def aws_region(view: View) -> str | None:
    """The AWS region of the cluster."""
    return _cluster_place(view, "google_container_aws_cluster", "aws_region")


def azure_region(view: View) -> str | None:
    """The Azure region of the cluster."""
    return _cluster_place(view, "google_container_azure_cluster", "azure_region")


def _cluster_place(view: View, type_: str, path: str) -> str | None:
    link = view.follow(("cluster",), (type_,), ("name", "id"))
    return link.views[0].string(path) if len(link.views) == 1 else None


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
            "cluster_autoscaling.resource_limits",
            "cluster_autoscaling.auto_provisioning_defaults",
            "enable_autopilot",
        ),
        prices=("the nodes", "attached GPUs", "disks and local SSDs", "the management fee"),
        leaves_out=("Autopilot clusters have no nodes of their own: their GPUs are what the workloads ask for.",),
        assumes=(
            "Node auto-provisioning counts at the maximum alone: as many accelerators as the limits allow beside the pools "
            "of the plan, on demand, on the largest machines that the CPU and memory limits leave room for.",
            RESERVED,
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
            "placement_policy.tpu_topology",
        ),
        prices=("the nodes", "attached GPUs", "disks and local SSDs"),
        leaves_out=("The size of secondary boot disks, which their images tell.",),
        assumes=(
            "A TPU slice over several machines is there whole or not at all.",
            "Time-sharing, MPS and partitions change how many pods use a GPU, not what a node costs.",
            RESERVED,
            "Sizes count per zone: the pool's node_locations, else the cluster's, else three for a regional cluster.",
            "A size below the autoscaling minimum counts as the minimum; one above the maximum stays, and is the most there can be.",
            "Nodes have a 100 GiB pd-balanced boot disk unless the configuration says otherwise.",
        ),
        source="google provider: google_container_node_pool",
    ),
    ResourceSpec(
        type="google_container_aws_node_pool",
        cloud="aws",
        extract=aws_node_pool,
        region=aws_region,
        tags=lambda view: string_tags(view, "config.0.tags"),
        reads=("config.instance_type", "config.root_volume", "autoscaling", "cluster"),
        prices=("the instances", "their root volumes"),
        leaves_out=("Google's fee for clusters on other clouds.",),
        assumes=("The pool starts at its minimum.",),
        source="google provider: google_container_aws_node_pool",
    ),
    ResourceSpec(
        type="google_container_azure_node_pool",
        cloud="azure",
        extract=azure_node_pool,
        region=azure_region,
        tags=lambda view: string_tags(view, "config.0.tags"),
        reads=("config.vm_size", "autoscaling", "cluster"),
        prices=("the virtual machines",),
        leaves_out=("Their root disks, and Google's fee for clusters on other clouds.",),
        assumes=("The pool starts at its minimum.",),
        source="google provider: google_container_azure_node_pool",
    ),
)

COMPANIONS: tuple[Companion, ...] = (
    Companion(
        type="google_container_aws_cluster",
        of=("google_container_aws_node_pool",),
        reads=("aws_region",),
        says="In which AWS region the nodes run.",
        source="google provider: google_container_aws_cluster",
    ),
    Companion(
        type="google_container_azure_cluster",
        of=("google_container_azure_node_pool",),
        reads=("azure_region",),
        says="In which Azure region the nodes run.",
        source="google provider: google_container_azure_cluster",
    ),
)
