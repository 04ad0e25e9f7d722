"""Compute Engine instances and instance templates."""

from decimal import Decimal

from msgspec.structs import replace

from gpuguard.extract.common import as_template, followed_machine
from gpuguard.extract.providers.google.common import (
    in_hours,
    labels,
    operating_system,
    place,
    provider_place,
    region,
    schedule_of,
    tail,
    worked_out,
)
from gpuguard.extract.providers.google.consumption import INSTANCE_TEMPLATES, TEMPLATE_BY, Holder, consumed
from gpuguard.extract.schedules import Event, hours_of
from gpuguard.extract.spec import Companion, Extracted, Machine, ResourceSpec, TemplateLink, machine_options
from gpuguard.extract.view import View
from gpuguard.model.usage import (
    HOURS_PER_MONTH,
    AttachedAccelerator,
    Disk,
    Once,
    PoolUsage,
    PurchaseModel,
    Units,
    Unknown,
)

INSTANCE_LINK = TemplateLink(("source_instance_template",), INSTANCE_TEMPLATES, TEMPLATE_BY)
GROUP_LINK = TemplateLink(("version.0.instance_template", "instance_template"), INSTANCE_TEMPLATES, TEMPLATE_BY)
LOCAL_SSD_GIB = Decimal(375)
"""Size of one local SSD partition (https://cloud.google.com/compute/docs/disks/local-ssd)."""


def with_accelerators(
    machine: Machine, view: View, path: str = "guest_accelerator", type_: str = "type", number: str = "count"
) -> Machine:
    """The machine with what its `guest_accelerator` blocks attach; unknown where only apply can tell what that is.

    On a machine type that bundles its accelerators the block only repeats them.
    """
    attached = []
    for block in view.blocks(path):
        name, count = block.text(type_), block.number(number)
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
    disks, image = _boot_disks(view)
    machine = base_machine(view, image, [*disks, *_scratch_disks(view), *_data_disks(view)])
    return with_accelerators(machine, view)


def _boot_disks(view: View) -> tuple[list[Disk], str | None]:
    """The boot disk and the image on it."""
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
    return disks, image


def _scratch_disks(view: View) -> list[Disk]:
    return [
        Disk("local_ssd", "local-ssd", scratch.known_number("size") or LOCAL_SSD_GIB)
        for scratch in view.blocks("scratch_disk")
    ]


def _data_disks(view: View) -> list[Disk]:
    disks: list[Disk] = []
    for attached in view.blocks("attached_disk"):
        disks.extend(existing_disk("data", disk) for disk in disks_behind(attached, "source"))
    for attachment in view.referring(("google_compute_attached_disk",), "instance"):
        disks.extend(existing_disk("data", disk) for disk in disks_behind(attachment, "disk"))
    return disks


def instance(view: View) -> Extracted:
    """One VM; a stopped one costs its disks alone."""
    return running(view, instance_machine(view), view)


def running(view: View, machine: Machine, template: View | None) -> Extracted:
    """One VM, with the hours its schedule or run time gives it, in a reservation if there is one for it.

    What the VM itself leaves out of its scheduling, its reservation affinity and its policies its template tells.
    """
    pool = machine.pool(Units.fixed(1))
    told = template if template is not None else view
    hours = scheduled_hours(view if view.get("resource_policies") is not None else told, view)
    if hours is not None:
        pool = replace(pool, hours_per_month=hours, max_hours_per_month=hours)
    elif view.string("desired_status") == "TERMINATED":
        view.note("info", "stopped-instance", "desired_status is TERMINATED: only its disks are billed")
        pool = replace(pool, hours_per_month=Decimal(0), max_hours_per_month=Decimal(0))
        return Extracted((pool,), via=machine.via)
    else:
        pool = _limited(view, (view.block("scheduling") or told.block("scheduling")), pool)
    name = place(view) or provider_place(view)
    speaker = view if view.block("reservation_affinity") is not None else told
    if view.blocks("scheduling.0.node_affinities"):
        speaker = view
    holder = Holder(speaker, frozenset([name] if name else []))
    return Extracted(consumed(view, [(pool, holder)]), via=machine.via)


def _limited(view: View, scheduling: View | None, pool: PoolUsage) -> PoolUsage:
    """A VM that is deleted after a fixed time is paid once; one that is only stopped may run again.

    https://cloud.google.com/compute/docs/instances/limit-vm-runtime
    """
    limit = scheduling.block("max_run_duration") if scheduling is not None else None
    seconds = limit.known_number("seconds") if limit is not None else None
    if scheduling is None or not seconds:
        return pool
    hours = seconds / 3600
    if pool.purchase_model != "flex_start" and scheduling.string("instance_termination_action") != "DELETE":
        view.note(
            "info",
            "limited-run",
            f"it is stopped after {in_hours(seconds)} hours and may be started again: counted as running all month",
        )
        return pool
    view.note("info", "limited-run", f"it runs for at most {in_hours(seconds)} hours: paid once")
    return replace(pool, once=Once(hours))


_POLICIES = ("google_compute_resource_policy",)
_POLICY_BY = ("self_link", "id", "name")
_MOST_POLICIES = 8


def scheduled_hours(holder: View, view: View) -> Decimal | None:
    """Hours a month in which instance schedules keep a VM running; None where none does.

    A schedule starts and stops; the VM pays for its disks all month
    (https://cloud.google.com/compute/docs/instances/schedule-instance-start-stop).
    """
    events: list[tuple[Event, bool]] = []
    names: list[str] = []
    for policy in _policies(holder, view):
        schedule = policy.block("instance_schedule_policy")
        if schedule is None:
            continue
        names.append(policy.address)
        zone = schedule.string("time_zone") or "UTC"
        for path, runs in (("vm_start_schedule", True), ("vm_stop_schedule", False)):
            block = schedule.block(path)
            text = block.string("schedule") if block is not None else None
            cron = schedule_of(text)
            if cron is None and text is not None:
                _unreadable(view, policy.address)
                return None
            if cron is not None:
                events.append((Event(cron, zone), runs))
    if not any(runs for _, runs in events):
        if events:
            view.note(
                "info",
                "schedule-without-start",
                f"{names[0]} stops it and nothing starts it again: counted as running all month",
            )
        return None
    hours = worked_out(view, tuple(events), lambda: (hours_of(events) or {}).get(True))
    if hours is None:
        _unreadable(view, names[0])
        return None
    if hours >= HOURS_PER_MONTH:
        return None
    view.note("info", "instance-schedule", f"{names[0]} keeps it running {_whole(hours)} of 730 hours a month")
    return hours


def _unreadable(view: View, policy: str) -> None:
    view.note("info", "unread-schedule", f"the schedule of {policy} cannot be read; a full month is counted")


def _whole(hours: Decimal) -> str:
    return f"{hours.quantize(Decimal(1)):f}"


def _policies(holder: View, view: View) -> list[View]:
    """The resource policies of a VM, named by it or its template, and those attached to it."""
    found: dict[int, View] = {}
    value = holder.get("resource_policies")
    if value is not None:
        for index in range(min(len(value), _MOST_POLICIES) if isinstance(value, list) else 1):
            link = holder.follow((f"resource_policies.{index}",), _POLICIES, _POLICY_BY)
            if len(link.views) == 1:
                found[id(link.views[0].node)] = link.views[0]
    for attachment in view.referring(("google_compute_resource_policy_attachment",), "instance"):
        link = attachment.follow(("name",), _POLICIES, ("name", "id", "self_link"))
        if len(link.views) == 1:
            found[id(link.views[0].node)] = link.views[0]
    return list(found.values())


def instance_from_template(view: View) -> Extracted:
    """A VM made from a template; what it says itself goes before what the template says."""
    found = view.follow(INSTANCE_LINK.paths, INSTANCE_LINK.types, INSTANCE_LINK.by)
    machine = followed_machine(view, INSTANCE_LINK, template_machine)
    known = machine is not None
    if machine is None:
        machine = Machine(unknown=Unknown("its instance template is not in the plan", "unknown-machine-type"))
    machine = _overridden(view, machine)
    own = tail(view.string("machine_type") or "")
    if not known and own.startswith("n1-") and not view.blocks("guest_accelerator"):
        # only N1 machines get accelerators attached, and the template may do so
        machine = replace(
            machine, options=(), unknown=Unknown("its instance template is not in the plan", "unknown-accelerator")
        )
    return running(view, machine, found.first)


def _overridden(view: View, machine: Machine) -> Machine:
    """What a template or a machine image gives, with what the VM sets for itself."""
    options, unknown = machine_options(view, "machine_type")
    if options or unknown is not None:
        machine = replace(
            machine,
            options=options,
            unknown=unknown,
            sensitive=view.is_sensitive("machine_type"),
            machine_attribute=view.attribute("machine_type"),
        )
    if view.block("scheduling") is not None:
        attribute = view.attribute("scheduling.0.provisioning_model")
        machine = replace(machine, purchase_model=purchase_model(view), purchase_attribute=attribute)
    if view.blocks("network_interface"):
        machine = replace(machine, public_ipv4=_public_addresses(view))
    if view.blocks("guest_accelerator"):
        machine = with_accelerators(replace(machine, accelerators=()), view)
    boot, image = _boot_disks(view)
    scratch = _scratch_disks(view)
    kept = [
        disk
        for disk in machine.disks
        if not (boot and disk.role == "boot") and not (scratch and disk.role == "local_ssd")
    ]
    os = operating_system(image) if image is not None else machine.os
    return replace(machine, os=os, disks=(*boot, *kept, *scratch, *_data_disks(view)))


_MACHINE_IMAGES = ("google_compute_machine_image",)
_INSTANCES = ("google_compute_instance",)


def instance_from_machine_image(view: View) -> Extracted:
    """A VM made from a machine image: what the instance was of which the image was taken, if that is in the plan."""
    source: View | None = None
    image = view.follow(("source_machine_image",), _MACHINE_IMAGES, ("self_link", "id", "name")).first
    if image is not None:
        source = image.follow(("source_instance",), _INSTANCES, ("self_link", "id", "name")).first
    if source is not None:
        machine = replace(instance_machine(source), via=(source.address,))
    else:
        reason = "what its machine image holds is known only to the cloud"
        machine = Machine(unknown=Unknown(reason, "unknown-machine-type"))
    return running(view, _overridden(view, machine), source)


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
RESERVED = (
    "A machine that names a reservation of the same change, or has the properties of one that takes any, runs in it "
    "as far as it reaches; the disks of a machine in a reservation are not counted."
)
PROBE = ("machine_type",)
GPU = ("guest_accelerator",)
MACHINE_PRICES = (
    "the machine or its vCPUs and memory",
    "attached GPUs",
    "disks and local SSDs",
    "a public IPv4 address",
    "the operating system",
    "sustained use discounts",
)
LIMITED = (
    "A VM with max_run_duration that is deleted at its end, or bought as flex start, is paid once, its disks for a "
    "month; one that is only stopped counts as running all month."
)
_INSTANCE_READS = (
    *MACHINE_READS,
    "boot_disk",
    "scratch_disk",
    "attached_disk",
    "desired_status",
    "reservation_affinity",
    "resource_policies",
)

SPECS: tuple[ResourceSpec, ...] = (
    ResourceSpec(
        type="google_compute_instance",
        cloud="gcp",
        extract=instance,
        region=region,
        tags=labels,
        probe=PROBE,
        accelerator_attributes=GPU,
        reads=_INSTANCE_READS,
        prices=MACHINE_PRICES,
        leaves_out=("Premium images other than Windows, RHEL and SLES, and the confidential computing surcharge.",),
        assumes=(ASSUMES_DISK, LIMITED, RESERVED),
        source="google provider: google_compute_instance",
    ),
    ResourceSpec(
        type="google_compute_instance_from_template",
        cloud="gcp",
        extract=instance_from_template,
        region=region,
        tags=labels,
        links=(INSTANCE_LINK,),
        reads=("source_instance_template", *_INSTANCE_READS),
        prices=MACHINE_PRICES,
        assumes=(
            "What the instance sets itself replaces what its template says; attached disks are added.",
            ASSUMES_DISK,
            LIMITED,
            RESERVED,
        ),
        source="google provider: google_compute_instance_from_template",
    ),
    ResourceSpec(
        type="google_compute_instance_from_machine_image",
        cloud="gcp",
        extract=instance_from_machine_image,
        region=region,
        tags=labels,
        reads=("source_machine_image", *_INSTANCE_READS),
        prices=MACHINE_PRICES,
        assumes=(
            "A machine image holds the instance it was taken of; when that is not in the plan, the machine type it does "
            "not set itself is unknown.",
            LIMITED,
            RESERVED,
        ),
        source="google-beta provider: google_compute_instance_from_machine_image",
    ),
    *(
        ResourceSpec(
            type=name,
            cloud="gcp",
            extract=as_template(template_machine),
            region=region,
            tags=labels,
            template=True,
            reads=(*MACHINE_READS, "disk", "reservation_affinity", "resource_policies"),
            assumes=("Costs nothing by itself.", ASSUMES_DISK),
            source=f"google provider: {name}",
        )
        for name in INSTANCE_TEMPLATES
    ),
)

_ALL_INSTANCES = (
    "google_compute_instance",
    "google_compute_instance_from_template",
    "google_compute_instance_from_machine_image",
)

COMPANIONS: tuple[Companion, ...] = (
    Companion(
        type="google_compute_resource_policy",
        of=_ALL_INSTANCES,
        reads=("instance_schedule_policy",),
        says="When VMs are started and stopped: their hours a month. Disks are paid all month.",
        source="google provider: google_compute_resource_policy",
    ),
    Companion(
        type="google_compute_resource_policy_attachment",
        of=_ALL_INSTANCES,
        reads=("instance", "name"),
        says="Which instance a schedule is for.",
        source="google provider: google_compute_resource_policy_attachment",
    ),
    Companion(
        type="google_compute_machine_image",
        of=("google_compute_instance_from_machine_image",),
        reads=("source_instance",),
        says="Which instance a machine image was taken of.",
        source="google-beta provider: google_compute_machine_image",
    ),
    Companion(
        type="google_compute_disk",
        of=_ALL_INSTANCES,
        reads=("type", "size", "image", "provisioned_iops", "provisioned_throughput"),
        says="Type and size of a disk that an instance boots from or attaches.",
        source="google provider: google_compute_disk",
    ),
    Companion(
        type="google_compute_region_disk",
        of=_ALL_INSTANCES,
        reads=("type", "size"),
        says="Type and size of a disk that is kept, and billed, in two zones.",
        source="google provider: google_compute_region_disk",
    ),
    Companion(
        type="google_compute_attached_disk",
        of=_ALL_INSTANCES,
        reads=("instance", "disk"),
        says="Which instance a disk belongs to.",
        source="google provider: google_compute_attached_disk",
    ),
)
