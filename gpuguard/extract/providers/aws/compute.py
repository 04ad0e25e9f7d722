"""Amazon EC2 instances and the templates they are made from."""

from decimal import Decimal
from functools import lru_cache

from msgspec.structs import replace

from gpuguard.extract.common import as_template, followed_machine, single
from gpuguard.extract.instance_requirements import matching_types, within_price_protection
from gpuguard.extract.providers.aws.common import only_zone, operating_system, region, tags
from gpuguard.extract.providers.aws.reservations import Placement, cover, placement_of
from gpuguard.extract.providers.aws.schedules import INSTANCE_COMPANIONS, with_hours
from gpuguard.extract.providers.aws.volumes import attached_disks, disks_of, image_of, instance_volumes, mapped_volumes
from gpuguard.extract.spec import (
    Companion,
    Extracted,
    Machine,
    MachineReader,
    ResourceSpec,
    TemplateLink,
    machine_options,
)
from gpuguard.extract.view import View
from gpuguard.model.price import InstanceType
from gpuguard.model.usage import MachineOption, PurchaseModel, Units, Unknown

_MARKET: dict[str, PurchaseModel] = {"spot": "spot", "capacity-block": "capacity_block"}

LAUNCH_TEMPLATE = ("aws_launch_template",)
LAUNCH_CONFIGURATION = ("aws_launch_configuration",)
TEMPLATE_BY = ("id", "name", "arn")

INSTANCE_TEMPLATE_LINK = TemplateLink(("launch_template.id", "launch_template.name"), LAUNCH_TEMPLATE, TEMPLATE_BY)


class Ec2Machine(Machine, frozen=True):
    """A machine with what its resource or template says of reservations, hosts and zones."""

    placement: Placement = Placement()
    requirements: View | None = None
    """The block that selects its types by attributes."""


def placement_in(machine: Machine) -> Placement:
    """Where a machine may run by what its template says; nothing where several templates came in question."""
    return machine.placement if isinstance(machine, Ec2Machine) and len(machine.via) < 2 else Placement()


def instance(view: View) -> Extracted:
    """`aws_instance`: one machine, in the hours in which it is not stopped, unless a reservation or a host pays for it."""
    machine = instance_machine(view)
    pool = with_hours(view, machine.pool(Units.fixed(1)))
    placement = placement_of(view).over(placement_in(machine))
    if placement.host is None:
        tell_tenancy(view, "tenancy")
    return Extracted(cover(view, placement, pool, lambda: only_zone(view)), via=machine.via)


def instance_machine(view: View) -> Machine:
    """`aws_instance` and `aws_spot_instance_request`; what it leaves out comes from its launch template."""
    options, unknown = machine_options(view, "instance_type")
    market = view.string("instance_market_options.market_type") or view.string("instance_lifecycle")
    image, _ = image_of(view, "ami")
    attached = tuple(attached_disks(view))
    machine = Machine(
        options=options,
        unknown=unknown,
        purchase_model=_MARKET.get(market or "", "on_demand"),
        os=operating_system(view, "ami"),
        disks=(*disks_of(image, instance_volumes(view)), *attached),
        public_ipv4=1 if view.flag("associate_public_ip_address") else 0,
        spot_max_price=view.known_number("instance_market_options.spot_options.max_price"),
        machine_attribute=view.attribute("instance_type"),
        purchase_attribute=view.attribute("instance_market_options.market_type"),
        sensitive=view.is_sensitive("instance_type"),
    )
    if view.block("launch_template") is None:
        return machine

    def below(template: View) -> Machine:
        return template_machine(template, instance=view)

    template = followed_machine(view, INSTANCE_TEMPLATE_LINK, below)
    if template is None:
        missing = Unknown("the launch template is known only after apply", "unknown-machine-type")
        return replace(machine, unknown=unknown or (None if options else missing))
    return replace(
        template,
        options=options or template.options,
        unknown=unknown or template.unknown,
        machine_attribute=machine.machine_attribute if options else template.machine_attribute,
        sensitive=machine.sensitive if options else template.sensitive,
        purchase_model=machine.purchase_model if market else template.purchase_model,
        purchase_attribute=machine.purchase_attribute,
        spot_max_price=machine.spot_max_price or template.spot_max_price,
        os=machine.os if machine.os != "linux" else template.os,
        disks=(*template.disks, *attached),
        public_ipv4=max(machine.public_ipv4, template.public_ipv4),
    )


def tell_tenancy(view: View, path: str) -> None:
    """Tell that dedicated tenancy is billed in another way."""
    if view.string(path) in ("dedicated", "host"):
        message = f"{view.string(path)} tenancy is billed in another way than the shared tenancy it is priced at"
        view.note("warning", "dedicated-tenancy", message)


def spot_request_machine(view: View) -> Machine:
    """`aws_spot_instance_request`: always spot, at most at `spot_price`."""
    machine = instance_machine(view)
    tell_tenancy(view, "tenancy")
    return replace(
        machine,
        purchase_model="spot",
        spot_max_price=view.known_number("spot_price") or machine.spot_max_price,
        purchase_attribute=None,
    )


def template_machine(view: View, instance: View | None = None) -> Machine:
    """`aws_launch_template`; the volumes that `instance` describes itself go before its own."""
    options, unknown = machine_options(view, "instance_type")
    accelerated = True
    requirements = view.block("instance_requirements") if not options and unknown is None else None
    if requirements is not None:
        found = by_requirements(requirements)
        if isinstance(found, Unknown):
            unknown = found
        else:
            options, accelerated = found, bool(found)
    market = view.string("instance_market_options.market_type")
    placement = placement_of(view)
    if placement.host is None:
        tell_tenancy(view, "placement.tenancy")
    with_image, path = (instance, "ami") if instance is not None and instance.get("ami") else (view, "image_id")
    image, devices = image_of(with_image, path)
    own = instance_volumes(instance) if instance is not None else {}
    return Ec2Machine(
        options=options,
        unknown=unknown,
        purchase_model=_MARKET.get(market or "", "on_demand"),
        os=operating_system(view, "image_id"),
        disks=disks_of(image, mapped_volumes(view, devices), own),
        public_ipv4=sum(block.flag("associate_public_ip_address") for block in view.blocks("network_interfaces")),
        spot_max_price=view.known_number("instance_market_options.spot_options.max_price"),
        machine_attribute=view.attribute("instance_type" if requirements is None else "instance_requirements"),
        purchase_attribute=view.attribute("instance_market_options.market_type"),
        sensitive=view.is_sensitive("instance_type" if requirements is None else "instance_requirements"),
        via=(view.address,),
        accelerated=accelerated,
        placement=placement,
        requirements=requirements,
    )


def template_of(view: View, link: TemplateLink, version: str) -> Machine | None:
    """The machine of a linked launch template, in the version that the attribute `version` of `view` names.

    https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/launch_template: an update makes a new
    version, and the default version stays as it is unless the template says otherwise. Who names the version by its
    number, or the default one, keeps what it had; without a version it is the default one.
    """
    wanted = view.text(version)
    return followed_machine(
        view, link, template_machine if isinstance(wanted, Unknown) else _version(wanted or _DEFAULT)
    )


_DEFAULT = "$Default"


@lru_cache(maxsize=256)
def _version(wanted: str) -> MachineReader:
    """What reads a template in one of its versions; one reader for all who name that version, as its results are kept."""

    def read(template: View) -> Machine:
        earlier = template.node.before
        if template.side == "after" and template.node.action == "update" and earlier:
            number = template.known("default_version") if wanted == _DEFAULT else wanted
            if number is not None and str(number) == str(earlier.get("latest_version")):
                return template_machine(View(template.context, template.node, "before", template.notes))
        return template_machine(template)

    return read


def configuration_machine(view: View) -> Machine:
    """`aws_launch_configuration` (the predecessor of launch templates)."""
    options, unknown = machine_options(view, "instance_type")
    price = view.known_number("spot_price")
    image, _ = image_of(view, "image_id")
    return Machine(
        options=options,
        unknown=unknown,
        purchase_model="spot" if view.get("spot_price") else "on_demand",
        os=operating_system(view, "image_id"),
        disks=disks_of(image, instance_volumes(view)),
        public_ipv4=1 if view.flag("associate_public_ip_address") else 0,
        spot_max_price=price,
        machine_attribute=view.attribute("instance_type"),
        purchase_attribute=view.attribute("spot_price"),
        sensitive=view.is_sensitive("instance_type"),
        via=(view.address,),
    )


def by_requirements(
    view: View, unit: str | None = None, bought: PurchaseModel | None = None
) -> tuple[MachineOption, ...] | Unknown:
    """The accelerated machine types an `instance_requirements` block selects; () when it rules accelerators out.

    Each weighs as many units as the group's `desired_capacity_type` counts in it. What is too dear depends on how it is
    `bought`.
    """
    place = region(View(view.context, view.node, view.side, view.notes))
    name = place if isinstance(place, str) else view.context.default_regions.get("aws")
    if name is None:
        reason = "instance_requirements select among the machine types of a region that is not known"
        return Unknown(reason, "unknown-instance-requirements")
    found = matching_types(view, view.context.offers("aws", name))
    if isinstance(found, Unknown):
        return found
    affordable = within_price_protection(view, found, name, lambda each: weight_of(each, unit), bought)
    return tuple(MachineOption(each.sku, weight_of(each, unit)) for each in affordable)


def started(view: View, machine: Machine, unit: str | None, bought: PurchaseModel) -> Machine:
    """The machine of a template as the group or fleet at `view` starts it.

    What the template selects by attributes weighs as many units as the group counts in it, and how it is `bought` decides
    which types are too dear.
    """
    if isinstance(machine, Ec2Machine) and machine.requirements is not None and len(machine.via) < 2:
        found = by_requirements(machine.requirements, unit, bought)
        return replace(machine, options=found) if found and not isinstance(found, Unknown) else machine
    if unit not in ("vcpu", "memory-mib"):
        return machine
    place = region(view)
    name = place if isinstance(place, str) else view.context.default_regions.get("aws")
    types = {each.sku: each for each in view.context.offers("aws", name)} if name else {}
    options = tuple(
        replace(option, weight=weight_of(types[option.sku], unit)) if option.sku in types else option
        for option in machine.options
    )
    return replace(machine, options=options)


def weight_of(machine: InstanceType, unit: str | None) -> Decimal:
    """How many units of a `desired_capacity_type` one machine brings."""
    size = {"vcpu": machine.vcpus, "memory-mib": (machine.memory_gib or 0) * 1024}.get(unit or "")
    return Decimal(str(size)) if size else Decimal(1)


SPECS: tuple[ResourceSpec, ...] = (
    ResourceSpec(
        type="aws_instance",
        cloud="aws",
        extract=instance,
        region=region,
        tags=tags,
        probe=("instance_type",),
        links=(INSTANCE_TEMPLATE_LINK,),
        reads=(
            "instance_type",
            "launch_template",
            "instance_market_options",
            "root_block_device",
            "ebs_block_device",
            "ami",
            "associate_public_ip_address",
            "tenancy",
            "host_id",
            "capacity_reservation_specification",
        ),
        prices=("the machine", "EBS volumes", "a public IPv4 address", "the operating system"),
        leaves_out=("volumes of what runs in a reservation or on a host of the plan",),
        assumes=(
            "What runs in a capacity reservation, a capacity block or on a dedicated host of the plan adds nothing.",
            "An instance that a schedule both starts and stops runs in the hours between; one that aws_ec2_instance_state"
            " stops has only its disks.",
            "The size of a root volume that the configuration does not set is that of the image, where the plan knows the"
            " image; else it is not counted.",
            "A volume without a type is priced as gp2.",
            "Volumes attached by aws_volume_attachment are counted with the instance, unless they are data sources.",
            "Linux unless the name, the platform or the filters of the AMI's data source, an SSM parameter's name, the"
            " password data or a PowerShell user_data says otherwise.",
        ),
        source="AWS provider: aws_instance",
    ),
    ResourceSpec(
        type="aws_spot_instance_request",
        cloud="aws",
        extract=single(spot_request_machine),
        region=region,
        tags=tags,
        probe=("instance_type",),
        links=(INSTANCE_TEMPLATE_LINK,),
        reads=("instance_type", "spot_price", "launch_template", "root_block_device", "ebs_block_device"),
        prices=("the machine", "EBS volumes", "a public IPv4 address", "the operating system"),
        assumes=("The request is fulfilled, at the spot price and at most at spot_price.",),
        source="AWS provider: aws_spot_instance_request",
    ),
    ResourceSpec(
        type="aws_launch_template",
        cloud="aws",
        extract=as_template(template_machine),
        region=region,
        tags=tags,
        template=True,
        reads=(
            "instance_type",
            "instance_requirements",
            "instance_market_options",
            "capacity_reservation_specification",
            "placement",
            "block_device_mappings",
            "network_interfaces",
            "image_id",
        ),
        assumes=(
            "Costs nothing by itself. The newest version is the one in use, unless who uses it names the version it had"
            " before the change by its number, or the default version (as who names none does) and that stays.",
        ),
        source="AWS provider: aws_launch_template",
    ),
    ResourceSpec(
        type="aws_launch_configuration",
        cloud="aws",
        extract=as_template(configuration_machine),
        region=region,
        tags=tags,
        template=True,
        reads=("instance_type", "spot_price", "root_block_device", "ebs_block_device", "image_id"),
        assumes=("Costs nothing by itself.",),
        source="AWS provider: aws_launch_configuration",
    ),
)

COMPANIONS: tuple[Companion, ...] = INSTANCE_COMPANIONS
