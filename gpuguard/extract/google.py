"""Google Cloud: which attributes of which Terraform types start accelerators, and how.

Attribute names are those of the google and google-beta providers 5.x to 7.x
(https://registry.terraform.io/providers/hashicorp/google).
"""

import re
from decimal import Decimal

from msgspec.structs import replace

from gpuguard.extract.common import as_template, followed_machine, sensitive_keys, string_tags, without
from gpuguard.extract.spec import (
    Extracted,
    Machine,
    ResourceSpec,
    TemplateLink,
    machine_options,
    pick_expected,
    units_of,
    within,
)
from gpuguard.extract.view import View
from gpuguard.model.usage import (
    AttachedAccelerator,
    Disk,
    FixedUsage,
    MachineOption,
    OperatingSystem,
    PoolUsage,
    PurchaseModel,
    Units,
    Unknown,
)
from gpuguard.read.document import Side

INSTANCE_TEMPLATES = ("google_compute_instance_template", "google_compute_region_instance_template")
_TEMPLATE_BY = ("self_link", "self_link_unique", "id", "name")
GROUP_LINK = TemplateLink(("version.0.instance_template", "instance_template"), INSTANCE_TEMPLATES, _TEMPLATE_BY)
LOCAL_SSD_GIB = Decimal(375)
"""Size of one local SSD partition (https://cloud.google.com/compute/docs/disks/local-ssd)."""

_LAST = re.compile(r"[^/]+$")


# -- region, labels, operating system ---------------------------------------------------------------------------------


def _tail(value: str) -> str:
    """Last part of a self link: ``projects/p/zones/us-east4-a`` → ``us-east4-a``."""
    match = _LAST.search(value)
    return match[0] if match else value


def place(view: View) -> str | None:
    """The zone or region that the resource itself names."""
    for path in ("zone", "location", "region"):
        value = view.string(path)
        if value:
            return _tail(value)
    return None


def _provider_place(view: View) -> str | None:
    """Zone, else region, of the resource's provider block."""
    for path in ("zone", "region"):
        found = {value for value in view.context.resolver.provider_values(view.node, (path,)) if isinstance(value, str)}
        if len(found) == 1:
            return _tail(found.pop())
    return None


def region(view: View) -> str | Unknown | None:
    """Own zone, location or region, else that of the cluster, else the provider block's."""
    if view.node.type == "google_container_node_pool":
        own = _pool_place(view, _cluster(view))
    else:
        own = place(view) or _provider_place(view)
    if own is None:
        return None
    return view.context.region_of_zone("gcp", own) or own


def labels(view: View) -> dict[str, str]:
    """All labels on the resource: the provider's defaults included where the provider tells them."""
    paths = ("effective_labels", "terraform_labels", "labels", "resource_labels")
    hidden = sensitive_keys(view, *paths)
    for path in paths:
        found = string_tags(view, path)
        if found:
            return without(found, hidden)
    return string_tags(view, "node_config.resource_labels") or string_tags(view, "node_config.labels")


_OS_PROJECTS: tuple[tuple[str, OperatingSystem], ...] = (
    ("windows", "windows"),
    ("rhel", "rhel"),
    ("sles", "sles"),
    ("suse", "sles"),
)


def _os(image: str | None) -> OperatingSystem:
    """Operating system from the image's project or family (``windows-cloud/windows-2022``).

    openSUSE has no licence fee, and images named BYOS bring their own licence.
    """
    lowered = (image or "").lower()
    if "byos" in lowered or "opensuse" in lowered:
        return "linux"
    return next((system for word, system in _OS_PROJECTS if word in lowered), "linux")


# -- machines -----------------------------------------------------------------------------------------------------------


def _with_accelerators(machine: Machine, view: View) -> Machine:
    """The machine with what its `guest_accelerator` blocks attach; unknown where only apply can tell what that is.

    On a machine type that bundles its accelerators the block only repeats them.
    """
    attached = []
    for block in view.blocks("guest_accelerator"):
        name, count = block.text("type"), block.number("count")
        if count == 0:
            continue
        if isinstance(name, Unknown) or isinstance(count, Unknown):
            what = "type" if isinstance(name, Unknown) else "number"
            reason = f"the {what} of its accelerators is known only after apply"
            return replace(machine, options=(), unknown=Unknown(reason, "unknown-accelerator"))
        if name is not None:
            attached.append(AttachedAccelerator(_tail(name), Decimal(1) if count is None else count))
    return replace(machine, accelerators=tuple(attached))


def _purchase(view: View) -> PurchaseModel:
    scheduling = view.block("scheduling")
    if scheduling is None:
        return "on_demand"
    model = scheduling.string("provisioning_model")
    if model == "SPOT" or scheduling.flag("preemptible"):
        return "spot"
    return "flex_start" if model == "FLEX_START" else "on_demand"


def _public_addresses(view: View) -> int:
    # An access_config block asks for an external IPv4 address; the ephemeral block has no required argument.
    return sum(len(interface.blocks("access_config")) for interface in view.blocks("network_interface"))


def _machine(view: View, image: str | None, disks: list[Disk]) -> Machine:
    """What instances and instance templates have in common, accelerators apart."""
    options, unknown = machine_options(view, "machine_type")
    return Machine(
        options=options,
        unknown=unknown,
        purchase_model=_purchase(view),
        os=_os(image),
        disks=tuple(disks),
        public_ipv4=_public_addresses(view),
        machine_attribute=view.attribute("machine_type"),
        purchase_attribute=view.attribute("scheduling.0.provisioning_model"),
        sensitive=view.is_sensitive("machine_type"),
    )


def instance_machine(view: View) -> Machine:
    """`google_compute_instance`."""
    disks: list[Disk] = []
    image = None
    for boot in view.blocks("boot_disk"):
        parameters = boot.block("initialize_params")
        if parameters is not None:
            image = parameters.string("image") or image
            disks.append(_disk("boot", parameters.string("type"), parameters.known_number("size"), parameters))
        else:
            for disk in _disks_behind(boot, "source"):
                image = disk.string("image") or image
                disks.append(_existing_disk("boot", disk))
    disks.extend(
        Disk("local_ssd", "local-ssd", scratch.known_number("size") or LOCAL_SSD_GIB)
        for scratch in view.blocks("scratch_disk")
    )
    for attached in view.blocks("attached_disk"):
        disks.extend(_existing_disk("data", disk) for disk in _disks_behind(attached, "source"))
    for attachment in view.referring(("google_compute_attached_disk",), "instance"):
        disks.extend(_existing_disk("data", disk) for disk in _disks_behind(attachment, "disk"))
    terminated = view.string("desired_status") == "TERMINATED"
    machine = _machine(view, image, disks)
    if terminated:
        view.note("info", "stopped-instance", "desired_status is TERMINATED: only its disks are billed")
    return _with_accelerators(machine, view)


def instance(view: View) -> Extracted:
    """One VM; a stopped one costs its disks alone."""
    machine = instance_machine(view)
    pool = machine.pool(Units.fixed(1))
    if view.string("desired_status") == "TERMINATED":
        pool = replace(pool, hours_per_month=Decimal(0), max_hours_per_month=Decimal(0))
    return Extracted((pool,))


def _disk(role: str, disk_type: str | None, size: Decimal | None, view: View) -> Disk:
    # Compute Engine's default type of a new disk is pd-standard (provider: initialize_params.type, disk_type).
    return Disk(
        "boot" if role == "boot" else "data",
        _tail(disk_type or "pd-standard"),
        size,
        iops=view.known_number("provisioned_iops"),
        throughput_mibps=view.known_number("provisioned_throughput"),
    )


_DISKS = ("google_compute_disk", "google_compute_region_disk")


def _disks_behind(view: View, path: str) -> tuple[View, ...]:
    """The disk resource that an attribute refers to, if it is in the document."""
    return view.follow((path,), _DISKS, ("self_link", "id", "name")).views[:1]


def _existing_disk(role: str, view: View) -> Disk:
    disk = _disk(role, view.string("type"), view.known_number("size"), view)
    # A regional disk is kept, and billed, in two zones (https://cloud.google.com/compute/disks-image-pricing).
    return replace(disk, disk_type=f"{disk.disk_type}-regional") if "region_disk" in view.node.type else disk


def template_machine(view: View) -> Machine:
    """`google_compute_instance_template` and its regional twin."""
    disks: list[Disk] = []
    image = None
    for position, block in enumerate(view.blocks("disk")):
        size = block.known_number("disk_size_gb")
        kind = block.string("disk_type")
        if block.string("type") == "SCRATCH" or kind == "local-ssd":
            disks.append(Disk("local_ssd", "local-ssd", size or LOCAL_SSD_GIB))
            continue
        boot = block.flag("boot") or position == 0
        image = (block.string("source_image") if boot else None) or image
        if block.string("source") is None:
            disks.append(_disk("boot" if boot else "data", kind, size, block))
    return _with_accelerators(replace(_machine(view, image, disks), via=(view.address,)), view)


# -- managed instance groups ----------------------------------------------------------------------------------------------


def instance_group_manager(view: View) -> Extracted:
    """A managed instance group, zonal or regional: all sizes are totals of the group."""
    autoscalers = view.referring(("google_compute_autoscaler", "google_compute_region_autoscaler"), "target")
    target = view.number("target_size")
    minimum: Decimal | None
    maximum: Decimal | None
    expected: Decimal | None
    policy = autoscalers[0].block("autoscaling_policy") if autoscalers else None
    if policy is not None and policy.string("mode") != "OFF":
        low, high = policy.number("min_replicas"), policy.number("max_replicas")
        minimum, maximum = units_of(low, Decimal(0)), units_of(high, None)
        if isinstance(target, Unknown) and view.may_be_unset("target_size"):
            target = None
        expected = within(pick_expected(target, low), minimum, maximum)
    else:
        minimum = expected = maximum = units_of(target, Decimal(0))
    units = Units(minimum, expected, maximum)
    versions = view.blocks("version")
    if not versions:
        machine = _template_of(view, GROUP_LINK)
        return Extracted((machine.pool(units),), via=machine.via)
    pools: list[PoolUsage] = []
    via: list[str] = []
    machines = [
        _template_of(version, TemplateLink(("instance_template",), INSTANCE_TEMPLATES, _TEMPLATE_BY))
        for version in versions
    ]
    shares = _version_shares(versions, units)
    for machine, share in zip(machines, shares, strict=True):
        via.extend(machine.via)
        pools.append(machine.pool(share))
    return Extracted(tuple(pools), via=tuple(dict.fromkeys(via)))


def _template_of(view: View, link: TemplateLink) -> Machine:
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


# -- GKE ------------------------------------------------------------------------------------------------------------------

_CLUSTER = ("google_container_cluster",)
_NODE_POOL = ("google_container_node_pool",)
_CLUSTER_PATH = re.compile(r"(?:^|/)(?:locations|zones)/([^/]+)/clusters/")
_DEFAULT_POOL = "default-pool"


def _cluster(view: View) -> View | None:
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


def _pool_place(view: View, cluster: View | None) -> str | None:
    """Location of a node pool: its own, its cluster's, the one in the path that names the cluster, the provider's.

    Without a location GKE resources take the provider's zone.
    """
    own = place(view)
    if own is None and cluster is not None:
        return place(cluster) or _provider_place(cluster)
    path = _CLUSTER_PATH.search(view.string("cluster") or "") if own is None else None
    return path[1] if path else own or _provider_place(view)


def _is_zone(view: View, name: str) -> bool:
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
        named = {_tail(zone) for zone in locations if _is_zone(view, zone)}
        if named and block is not source:
            return Decimal(len(named))
    location = _pool_place(view, cluster)
    if location is not None and _is_zone(view, location):
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
        Disk(
            "boot", _tail(view.string("disk_type") or "pd-balanced"), view.known_number("disk_size_gb") or Decimal(100)
        )
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
    return _with_accelerators(machine, view)


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
    return Extracted((_node_pool(view, _cluster(view)),))


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


_MACHINE_READS = ("machine_type", "guest_accelerator", "scheduling", "network_interface.access_config")
_ASSUMES_DISK = "A disk whose size only the image tells is not counted; a disk without a type is pd-standard."
_PROBE = ("machine_type",)
_GPU = ("guest_accelerator",)

SPECS = (
    ResourceSpec(
        type="google_compute_instance",
        cloud="gcp",
        extract=instance,
        region=region,
        tags=labels,
        probe=_PROBE,
        accelerator_attributes=_GPU,
        reads=(*_MACHINE_READS, "boot_disk", "scratch_disk", "attached_disk", "desired_status"),
        assumes=(_ASSUMES_DISK,),
        source="google provider: google_compute_instance",
    ),
    *(
        ResourceSpec(
            type=name,
            cloud="gcp",
            extract=as_template(template_machine),
            region=region,
            tags=labels,
            template=True,
            reads=(*_MACHINE_READS, "disk"),
            assumes=("Costs nothing by itself.", _ASSUMES_DISK),
            source=f"google provider: {name}",
        )
        for name in INSTANCE_TEMPLATES
    ),
    *(
        ResourceSpec(
            type=name,
            cloud="gcp",
            extract=instance_group_manager,
            region=region,
            tags=labels,
            links=(GROUP_LINK,),
            reads=("version", "target_size", "google_compute_autoscaler.target"),
            assumes=(
                "Sizes are totals of the group. With an autoscaler and no target_size it starts at min_replicas.",
            ),
            source=f"google provider: {name}",
        )
        for name in ("google_compute_instance_group_manager", "google_compute_region_instance_group_manager")
    ),
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
        region=region,
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
        assumes=(
            "Sizes count per zone: the pool's node_locations, else the cluster's, else three for a regional cluster.",
            "A size below the autoscaling minimum counts as the minimum; one above the maximum stays, and is the most there can be.",
            "Nodes have a 100 GiB pd-balanced boot disk unless the configuration says otherwise.",
        ),
        source="google provider: google_container_node_pool",
    ),
)
