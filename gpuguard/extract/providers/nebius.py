"""Nebius AI Cloud: virtual machines and Kubernetes node groups (https://registry.terraform.io/providers/nebius/nebius).

A machine is a platform and a preset; the catalog knows them as ``gpu-h100-sxm_8gpu-128vcpu-1600gb``.
"""

import re
from decimal import Decimal

from gpuguard.extract.common import string_tags
from gpuguard.extract.plain import behind, hidden, scaled, size, stopped, told_unbounded
from gpuguard.extract.spec import Companion, Extracted, Machine, ResourceSpec, units_of
from gpuguard.extract.view import View
from gpuguard.model.usage import Disk, MachineOption, Units, Unknown

_CLUSTERS = ("nebius_mk8s_v1_cluster", "nebius_mk8s_v1alpha1_cluster")
_PLACED = re.compile(r"(?!tenant-)[a-z0-9]+-(?P<code>[a-z]\d\d)[a-z0-9-]+\Z")
_REGIONS = {
    "e00": "eu-north1",
    "e01": "eu-west1",
    "e03": "uk-south1",
    "i00": "me-west1",
    "u00": "us-central1",
}
"""Regions by the routing code that begins every id of a project and of what is in it (``project-e00…``); those of a
tenant tell nothing."""
_BYTES = {"size_gibibytes": 1, "size_mebibytes": 1024, "size_kibibytes": 1024**2, "size_bytes": 1024**3}
_ACCELERATED = "gpu-"


def region_of_id(name: str | None) -> str | None:
    """``project-e00abc`` → eu-north1."""
    match = _PLACED.match(name) if name and len(name) <= 100 else None
    return _REGIONS.get(match["code"]) if match is not None else None


def region(view: View) -> str | None:
    """That of the parent: a project, or the cluster that is in one."""
    found = region_of_id(view.string("parent_id"))
    if found is None and "node_group" in view.node.type:
        cluster = behind(view, "parent_id", _CLUSTERS, "id", "name")
        return None if cluster is None else region_of_id(cluster.string("parent_id"))
    return found


def tags(view: View) -> dict[str, str]:
    """The labels."""
    return string_tags(view, "labels")


def gibibytes(view: View) -> Decimal | None:
    """Size of a disk, in whichever unit it is given."""
    for path, parts in _BYTES.items():
        # a size in bytes is beyond what counts as a plausible number of anything else
        value = view.known(path)
        if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 1 << 60:
            return Decimal(value) / parts
    return None


def _disk(role: str, view: View) -> Disk:
    return Disk("boot" if role == "boot" else "data", view.string("type") or "NETWORK_SSD", gibibytes(view))


def machine(view: View, disks: tuple[Disk, ...]) -> Machine:
    """The `resources` of an instance or node template, and how they are bought."""
    options, unknown = _options(view)
    return Machine(
        options=options,
        unknown=unknown,
        purchase_model="spot" if view.block("preemptible") is not None else "on_demand",
        disks=disks,
        public_ipv4=0,
        machine_attribute=view.attribute("resources.platform"),
        purchase_attribute=view.attribute("preemptible"),
        sensitive=view.is_sensitive("resources"),
    )


def _options(view: View) -> tuple[tuple[MachineOption, ...], Unknown | None]:
    platform, preset = view.text("resources.platform"), view.text("resources.preset")
    if isinstance(platform, Unknown):
        return (), Unknown(platform.reason, "unknown-machine-type")
    if platform is None or not platform.startswith(_ACCELERATED):
        return ((MachineOption(platform),) if platform else ()), None
    if isinstance(preset, str):
        return (MachineOption(f"{platform}_{preset}"),), None
    # the platform alone tells the GPU, not how many
    known = view.context.accelerated("nebius")
    names = tuple(MachineOption(each.sku) for each in known if each.family == platform)
    reason = Unknown("the preset of its platform is known only after apply", "unknown-machine-type")
    return names, None if names else reason


def instance(view: View) -> Extracted:
    """`nebius_compute_v1_instance`."""
    disks: list[Disk] = []
    for role, path in (("boot", "boot_disk"), ("data", "secondary_disks")):
        for attached in view.blocks(path):
            made = attached.block("managed_disk.spec")
            existing = None
            if made is None:
                existing = behind(attached, "existing_disk.id", ("nebius_compute_v1_disk",), "id", "name")
            if made is not None or existing is not None:
                disks.append(_disk(role, made or existing or attached))
    found = machine(view, tuple(disks))
    if not found.options and found.unknown is None:
        return Extracted(())
    _tell_reservation(view)
    pool = found.pool(Units.fixed(1))
    if view.flag("stopped"):
        view.note("info", "stopped-instance", "stopped is true: only its disks are billed")
        pool = stopped(pool)
    return Extracted((pool,))


def node_group(view: View) -> Extracted:
    """`nebius_mk8s_v1_node_group`: a fixed number of nodes, or bounds."""
    template = view.block("template")
    if template is None:
        return hidden(view, "template")
    boot = template.block("boot_disk")
    found = machine(template, (_disk("boot", boot),) if boot is not None else ())
    if not found.options and found.unknown is None:
        return Extracted(())
    _tell_reservation(template)
    scaling = view.block("autoscaling")
    if scaling is None:
        return Extracted((found.pool(Units.fixed(units_of(size(view, "fixed_node_count"), Decimal(0)))),))
    low, high = scaling.number("min_node_count"), scaling.number("max_node_count")
    units = told_unbounded(view, scaled(None, low, high), high, "autoscaling.max_node_count")
    return Extracted((found.pool(units),))


def _tell_reservation(view: View) -> None:
    """Capacity blocks are agreed on apart from Terraform and may cost less."""
    policy = view.block("reservation_policy")
    if policy is not None and (policy.string("policy") or "AUTO").upper() != "FORBID":
        view.note("info", "may-use-reservation", "it may run in a capacity block of yours; it is priced on demand")


_ASSUMES_REGION = "The region is told by the id of the project or cluster; where only apply knows that, it is unknown."
_ASSUMES_PRESET = "A GPU platform without a known preset counts as the dearest of its presets."

SPECS: tuple[ResourceSpec, ...] = (
    ResourceSpec(
        type="nebius_compute_v1_instance",
        cloud="nebius",
        extract=instance,
        region=region,
        tags=tags,
        reads=(
            "resources",
            "preemptible",
            "boot_disk",
            "secondary_disks",
            "reservation_policy",
            "stopped",
            "parent_id",
        ),
        prices=("the machine", "disks"),
        leaves_out=("public addresses", "shared filesystems"),
        assumes=(_ASSUMES_REGION, _ASSUMES_PRESET, "A stopped machine costs its disks alone."),
        source="nebius provider: nebius_compute_v1_instance",
    ),
    *(
        ResourceSpec(
            type=name,
            cloud="nebius",
            extract=node_group,
            region=region,
            tags=tags,
            reads=(
                "template.resources",
                "template.preemptible",
                "template.boot_disk",
                "fixed_node_count",
                "autoscaling",
                "parent_id",
            ),
            prices=("the nodes", "boot disks"),
            leaves_out=("public addresses", "shared filesystems"),
            assumes=(_ASSUMES_REGION, _ASSUMES_PRESET, "An autoscaled group starts at its minimum."),
            source=f"nebius provider: {name}",
        )
        for name in ("nebius_mk8s_v1_node_group", "nebius_mk8s_v1alpha1_node_group")
    ),
)

COMPANIONS: tuple[Companion, ...] = (
    Companion(
        type="nebius_compute_v1_disk",
        of=("nebius_compute_v1_instance",),
        reads=("type", "size_gibibytes", "size_mebibytes", "size_kibibytes", "size_bytes"),
        says="type and size of an attached disk",
        source="nebius provider: nebius_compute_v1_disk",
    ),
    *(
        Companion(
            type=name,
            of=("nebius_mk8s_v1_node_group", "nebius_mk8s_v1alpha1_node_group"),
            reads=("parent_id",),
            says="the region, by its project",
            source=f"nebius provider: {name}",
        )
        for name in _CLUSTERS
    ),
)
