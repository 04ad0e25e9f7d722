"""Compute Engine instances and instance templates."""

from decimal import Decimal

from msgspec.structs import replace

from gpuguard.extract.common import as_template
from gpuguard.extract.providers.google.common import labels, operating_system, region, tail
from gpuguard.extract.spec import Companion, Extracted, Machine, ResourceSpec, TemplateLink, machine_options
from gpuguard.extract.view import View
from gpuguard.model.usage import AttachedAccelerator, Disk, PurchaseModel, Units, Unknown

INSTANCE_TEMPLATES = ("google_compute_instance_template", "google_compute_region_instance_template")
TEMPLATE_BY = ("self_link", "self_link_unique", "id", "name")
GROUP_LINK = TemplateLink(("version.0.instance_template", "instance_template"), INSTANCE_TEMPLATES, TEMPLATE_BY)
LOCAL_SSD_GIB = Decimal(375)
"""Size of one local SSD partition (https://cloud.google.com/compute/docs/disks/local-ssd)."""


def with_accelerators(machine: Machine, view: View) -> Machine:
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
            attached.append(AttachedAccelerator(tail(name), Decimal(1) if count is None else count))
    return replace(machine, accelerators=tuple(attached))


def purchase_model(view: View) -> PurchaseModel:
    """Spot, flex start or on demand, by the `scheduling` block."""
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


def base_machine(view: View, image: str | None, disks: list[Disk]) -> Machine:
    """What instances and instance templates have in common, accelerators apart."""
    options, unknown = machine_options(view, "machine_type")
    return Machine(
        options=options,
        unknown=unknown,
        purchase_model=purchase_model(view),
        os=operating_system(image),
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
            disks.append(disk_of("boot", parameters.string("type"), parameters.known_number("size"), parameters))
        else:
            for disk in disks_behind(boot, "source"):
                image = disk.string("image") or image
                disks.append(existing_disk("boot", disk))
    disks.extend(
        Disk("local_ssd", "local-ssd", scratch.known_number("size") or LOCAL_SSD_GIB)
        for scratch in view.blocks("scratch_disk")
    )
    for attached in view.blocks("attached_disk"):
        disks.extend(existing_disk("data", disk) for disk in disks_behind(attached, "source"))
    for attachment in view.referring(("google_compute_attached_disk",), "instance"):
        disks.extend(existing_disk("data", disk) for disk in disks_behind(attachment, "disk"))
    terminated = view.string("desired_status") == "TERMINATED"
    machine = base_machine(view, image, disks)
    if terminated:
        view.note("info", "stopped-instance", "desired_status is TERMINATED: only its disks are billed")
    return with_accelerators(machine, view)


def instance(view: View) -> Extracted:
    """One VM; a stopped one costs its disks alone."""
    machine = instance_machine(view)
    pool = machine.pool(Units.fixed(1))
    if view.string("desired_status") == "TERMINATED":
        pool = replace(pool, hours_per_month=Decimal(0), max_hours_per_month=Decimal(0))
    return Extracted((pool,))


def disk_of(role: str, disk_type: str | None, size: Decimal | None, view: View) -> Disk:
    """A disk that is made with the machine."""
    # Compute Engine's default type of a new disk is pd-standard (provider: initialize_params.type, disk_type).
    return Disk(
        "boot" if role == "boot" else "data",
        tail(disk_type or "pd-standard"),
        size,
        iops=view.known_number("provisioned_iops"),
        throughput_mibps=view.known_number("provisioned_throughput"),
    )


_DISKS = ("google_compute_disk", "google_compute_region_disk")


def disks_behind(view: View, path: str) -> tuple[View, ...]:
    """The disk resource that an attribute refers to, if it is in the document."""
    return view.follow((path,), _DISKS, ("self_link", "id", "name")).views[:1]


def existing_disk(role: str, view: View) -> Disk:
    """A disk that is a resource of its own."""
    disk = disk_of(role, view.string("type"), view.known_number("size"), view)
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
            disks.append(disk_of("boot" if boot else "data", kind, size, block))
    return with_accelerators(replace(base_machine(view, image, disks), via=(view.address,)), view)


MACHINE_READS = ("machine_type", "guest_accelerator", "scheduling", "network_interface.access_config")
ASSUMES_DISK = "A disk whose size only the image tells is not counted; a disk without a type is pd-standard."
PROBE = ("machine_type",)
GPU = ("guest_accelerator",)

SPECS: tuple[ResourceSpec, ...] = (
    ResourceSpec(
        type="google_compute_instance",
        cloud="gcp",
        extract=instance,
        region=region,
        tags=labels,
        probe=PROBE,
        accelerator_attributes=GPU,
        reads=(*MACHINE_READS, "boot_disk", "scratch_disk", "attached_disk", "desired_status"),
        prices=(
            "the machine or its vCPUs and memory",
            "attached GPUs",
            "disks and local SSDs",
            "a public IPv4 address",
            "the operating system",
            "sustained use discounts",
        ),
        assumes=(ASSUMES_DISK,),
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
            reads=(*MACHINE_READS, "disk"),
            assumes=("Costs nothing by itself.", ASSUMES_DISK),
            source=f"google provider: {name}",
        )
        for name in INSTANCE_TEMPLATES
    ),
)

COMPANIONS: tuple[Companion, ...] = ()
