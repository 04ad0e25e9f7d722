"""AWS: which attributes of which Terraform types start accelerators, and how.

Attribute names are those of the AWS provider 5.x and 6.x (https://registry.terraform.io/providers/hashicorp/aws).
"""

from collections.abc import Iterable
from dataclasses import replace
from decimal import ROUND_CEILING, Decimal
from typing import Literal

from gpuguard.extract.common import as_template, followed_machine, single, string_tags
from gpuguard.extract.spec import (
    Extracted,
    Machine,
    ResourceSpec,
    TemplateLink,
    machine_options,
    pick_expected,
    units_of,
)
from gpuguard.extract.view import SENSITIVE, View
from gpuguard.model.usage import Disk, MachineOption, OperatingSystem, PoolUsage, PurchaseModel, Units, Unknown
from gpuguard.read.document import Document

Pick = Literal["first", "cheapest", "dearest"]

_MARKET: dict[str, PurchaseModel] = {"spot": "spot", "capacity-block": "capacity_block"}
_EKS_CAPACITY: dict[str, PurchaseModel] = {"ON_DEMAND": "on_demand", "SPOT": "spot", "CAPACITY_BLOCK": "capacity_block"}

LAUNCH_TEMPLATE = ("aws_launch_template",)
LAUNCH_CONFIGURATION = ("aws_launch_configuration",)
_TEMPLATE_BY = ("id", "name", "arn")

INSTANCE_TEMPLATE_LINK = TemplateLink(("launch_template.id", "launch_template.name"), LAUNCH_TEMPLATE, _TEMPLATE_BY)
_MIXED = "mixed_instances_policy.launch_template.launch_template_specification"
GROUP_LINKS = (
    INSTANCE_TEMPLATE_LINK,
    TemplateLink((f"{_MIXED}.launch_template_id", f"{_MIXED}.launch_template_name"), LAUNCH_TEMPLATE, _TEMPLATE_BY),
    TemplateLink(("launch_configuration",), LAUNCH_CONFIGURATION, ("id", "name", "arn")),
)


# -- region, tags, operating system -----------------------------------------------------------------------------------


def region(view: View) -> str | Unknown | None:
    """Own `region` (provider 6), else zone, else subnet, else provider block, else ARNs and data sources."""
    own = view.string("region")
    if own:
        return own
    for zone in _zones(view):
        found = view.context.region_of_zone("aws", zone)
        if found:
            return found
    values = [
        value for value in view.context.resolver.provider_values(view.node, ("region",)) if isinstance(value, str)
    ]
    if len(set(values)) == 1:
        return values[0]
    return _region_from_state(view)


def _zones(view: View) -> Iterable[str]:
    for path in ("availability_zone", "placement.availability_zone"):
        zone = view.string(path)
        if zone:
            yield zone
    zones = view.known("availability_zones")
    yield from (zone for zone in (zones if isinstance(zones, list) else ()) if isinstance(zone, str))
    for path in ("subnet_id", "vpc_zone_identifier", "subnet_ids"):
        link = view.follow((path,), ("aws_subnet",), ("id",))
        if not link.views or link.assumed:
            continue
        subnet = link.views[0]
        own = subnet.known("region")
        zone = subnet.string("availability_zone")
        if isinstance(own, str) and own:
            yield f"{own}a"
        if zone:
            yield zone


def _region_from_state(view: View) -> str | None:
    for values in (view.node.before, view.node.after):
        found = _region_of_arn((values or {}).get("arn"))
        if found:
            return found
    regions = view.context.state_regions
    if "aws" not in regions:
        regions["aws"] = _only_region(view.context.document)
    return regions["aws"]


def _region_of_arn(value: object) -> str | None:
    parts = value.split(":") if isinstance(value, str) and value.startswith("arn:") else []
    return parts[3] if len(parts) > 4 and parts[3] else None


def _only_region(document: Document) -> str | None:
    """The one region that everything read by the plan names; asked once for a document."""
    names = {
        value
        for node in document.data("aws_region")
        for value in ((node.before or {}).get("region"), (node.before or {}).get("name"), (node.before or {}).get("id"))
        if isinstance(value, str) and value
    }
    if len(names) == 1:
        return names.pop()
    arns = {
        _region_of_arn((node.before or {}).get("arn"))
        for node in document.current("aws_instance", "aws_subnet", "aws_vpc", "aws_launch_template")
    }
    arns.discard(None)
    return arns.pop() if len(arns) == 1 else None


def tags(view: View) -> dict[str, str]:
    """`tags_all` (it holds the provider's default_tags), else `tags`; groups have `tag` blocks."""
    own = string_tags(view, "tags")
    # what is sensitive in `tags` stands unmarked in `tags_all`
    found = string_tags(view, "tags_all") | {key: value for key, value in own.items() if value == SENSITIVE} or own
    for block in view.blocks("tag"):
        key, value = block.string("key"), block.string("value")
        if key and value is not None:
            found[key] = value
    return found


def _os_of_platform(platform: str) -> OperatingSystem:
    lowered = platform.lower()
    if "windows" in lowered:
        return "windows"
    if "red hat" in lowered or "rhel" in lowered:
        return "rhel"
    return "sles" if "suse" in lowered else "linux"


def _os(view: View, path: str) -> OperatingSystem:
    """Operating system of the image: what the AMI's data source says, else signs of Windows on the resource."""
    if view.flag("get_password_data") or (view.string("user_data") or "").lstrip().lower().startswith("<powershell>"):
        return "windows"
    for source in view.follow((path,), ("aws_ami", "aws_ssm_parameter"), ("id", "value", "insecure_value")).views:
        if source.node.type == "aws_ssm_parameter":
            name = source.string("name") or ""
            return "windows" if "windows" in name.lower() else "linux"
        return _os_of_platform(source.string("platform_details") or source.string("platform") or "")
    return "linux"


# -- disks --------------------------------------------------------------------------------------------------------------


def _ebs(view: View, role: Literal["boot", "data"]) -> Disk:
    # Without a volume_type EC2 takes the AMI's or gp2; gp2 is the dearer of the two a size is priced at.
    return Disk(
        role,
        view.string("volume_type") or "gp2",
        view.known_number("volume_size"),
        iops=view.known_number("iops"),
        throughput_mibps=view.known_number("throughput"),
    )


def _instance_disks(view: View) -> tuple[Disk, ...]:
    root = [_ebs(block, "boot") for block in view.blocks("root_block_device")]
    data = [_ebs(block, "data") for block in view.blocks("ebs_block_device")]
    attached = [
        _attached_volume(attachment) for attachment in view.referring(("aws_volume_attachment",), "instance_id")
    ]
    if not root:
        root = [Disk("boot", "gp2", None)]
    return (*root, *data, *(disk for disk in attached if disk is not None))


def _attached_volume(attachment: View) -> Disk | None:
    volume = attachment.follow(("volume_id",), ("aws_ebs_volume",), ("id", "arn")).first
    if volume is None:
        return None
    return Disk(
        "data",
        volume.string("type") or "gp2",
        volume.known_number("size"),
        iops=volume.known_number("iops"),
        throughput_mibps=volume.known_number("throughput"),
    )


def _template_disks(view: View) -> tuple[Disk, ...]:
    disks = []
    for mapping in view.blocks("block_device_mappings"):
        ebs = mapping.block("ebs")
        if ebs is not None and mapping.string("no_device") is None:
            name = mapping.string("device_name") or ""
            boot = name in ("/dev/xvda", "/dev/sda1")
            disks.append(_ebs(ebs, "boot" if boot else "data"))
    if not disks:
        disks = [Disk("boot", "gp2", None)]
    return tuple(disks)


# -- machines -----------------------------------------------------------------------------------------------------------


def instance_machine(view: View) -> Machine:
    """`aws_instance` and `aws_spot_instance_request`; what it leaves out comes from its launch template."""
    options, unknown = machine_options(view, "instance_type")
    market = view.string("instance_market_options.market_type") or view.string("instance_lifecycle")
    _tenancy(view, "tenancy")
    machine = Machine(
        options=options,
        unknown=unknown,
        purchase_model=_MARKET.get(market or "", "on_demand"),
        os=_os(view, "ami"),
        disks=_instance_disks(view),
        public_ipv4=1 if view.flag("associate_public_ip_address") else 0,
        spot_max_price=view.known_number("instance_market_options.spot_options.max_price"),
        machine_attribute=view.attribute("instance_type"),
        purchase_attribute=view.attribute("instance_market_options.market_type"),
        sensitive=view.is_sensitive("instance_type"),
    )
    if view.block("launch_template") is None:
        return machine
    template = followed_machine(view, INSTANCE_TEMPLATE_LINK, template_machine)
    if template is not None and options and "." not in options[0].sku:
        options = ()  # no EC2 type is named like that: the template knows better
    if template is None:
        return replace(
            machine,
            unknown=unknown
            or (None if options else Unknown("the launch template is known only after apply", "unknown-machine-type")),
        )
    return replace(
        machine,
        options=options or template.options,
        unknown=unknown or template.unknown,
        # a type that the instance only took over is edited where it is written
        machine_attribute=template.machine_attribute
        if not options or options == template.options
        else machine.machine_attribute,
        sensitive=machine.sensitive if options else template.sensitive,
        purchase_model=machine.purchase_model if market else template.purchase_model,
        spot_max_price=machine.spot_max_price or template.spot_max_price,
        os=machine.os if machine.os != "linux" else template.os,
        disks=machine.disks if view.blocks("root_block_device") or view.blocks("ebs_block_device") else template.disks,
        public_ipv4=max(machine.public_ipv4, template.public_ipv4),
        via=template.via,
    )


def _tenancy(view: View, path: str) -> None:
    if view.string(path) == "dedicated":
        view.note(
            "warning", "dedicated-tenancy", "dedicated tenancy costs more than the shared tenancy it is priced at"
        )


def spot_request_machine(view: View) -> Machine:
    """`aws_spot_instance_request`: always spot, at most at `spot_price`."""
    machine = instance_machine(view)
    return replace(
        machine,
        purchase_model="spot",
        spot_max_price=view.known_number("spot_price") or machine.spot_max_price,
        purchase_attribute=None,
    )


def template_machine(view: View) -> Machine:
    """`aws_launch_template`."""
    options, unknown = machine_options(view, "instance_type")
    if not options and unknown is None and view.block("instance_requirements") is not None:
        unknown = Unknown(
            "instance_requirements select the machine types by their attributes", "unknown-instance-requirements"
        )
    market = view.string("instance_market_options.market_type")
    _tenancy(view, "placement.tenancy")
    return Machine(
        options=options,
        unknown=unknown,
        purchase_model=_MARKET.get(market or "", "on_demand"),
        os=_os(view, "image_id"),
        disks=_template_disks(view),
        public_ipv4=sum(block.flag("associate_public_ip_address") for block in view.blocks("network_interfaces")),
        spot_max_price=view.known_number("instance_market_options.spot_options.max_price"),
        machine_attribute=view.attribute("instance_type"),
        purchase_attribute=view.attribute("instance_market_options.market_type"),
        sensitive=view.is_sensitive("instance_type"),
        via=(view.address,),
    )


def configuration_machine(view: View) -> Machine:
    """`aws_launch_configuration` (the predecessor of launch templates)."""
    options, unknown = machine_options(view, "instance_type")
    price = view.known_number("spot_price")
    return Machine(
        options=options,
        unknown=unknown,
        purchase_model="spot" if view.get("spot_price") else "on_demand",
        os=_os(view, "image_id"),
        disks=_instance_disks(view),
        public_ipv4=1 if view.flag("associate_public_ip_address") else 0,
        spot_max_price=price,
        machine_attribute=view.attribute("instance_type"),
        purchase_attribute=view.attribute("spot_price"),
        sensitive=view.is_sensitive("instance_type"),
        via=(view.address,),
    )


# -- resources ----------------------------------------------------------------------------------------------------------


def autoscaling_group(view: View) -> Extracted:
    """Launch template, launch configuration or mixed instances policy; sizes are min, desired and max."""
    minimum, desired, maximum = view.number("min_size"), view.number("desired_capacity"), view.number("max_size")
    units = Units(units_of(minimum, Decimal(0)), pick_expected(desired, minimum), units_of(maximum, None))
    policy = view.block("mixed_instances_policy")
    if policy is not None:
        return _mixed_instances(view, policy, units)
    machine = None
    if view.string("launch_configuration") or view.get("launch_configuration") is not None:
        machine = followed_machine(view, GROUP_LINKS[2], configuration_machine)
    if machine is None:
        machine = followed_machine(view, INSTANCE_TEMPLATE_LINK, template_machine)
    if machine is None:
        machine = Machine(unknown=Unknown("its launch template is not in the plan", "unknown-machine-type"))
    return Extracted((*_with_warm_pool(view, machine, machine.pool(units), units),), via=machine.via)


def _with_warm_pool(view: View, machine: Machine, pool: PoolUsage, units: Units) -> tuple[PoolUsage, ...]:
    warm = view.block("warm_pool")
    if warm is None or warm.string("pool_state") != "Running":
        return (pool,)
    # https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-warm-pools.html: the pool is filled up to
    # max_group_prepared_capacity (default: the group's maximum) less the group's size, and holds at least min_size.
    least = warm.known_number("min_size") or Decimal(0)
    prepared = warm.known_number("max_group_prepared_capacity")
    ceiling = prepared if prepared is not None else units.max

    def beside(size: Decimal | None) -> Decimal | None:
        return None if size is None or ceiling is None else size + max(least, ceiling - size)

    view.note("info", "warm-pool", "running instances of the warm pool are counted with the group")
    total = Units(
        beside(units.min),
        beside(units.expected),
        None if units.max is None else max(units.max, beside(units.max) or units.max),
    )
    return (machine.pool(total),)


def _mixed_instances(view: View, policy: View, units: Units) -> Extracted:
    """Base and percentage split the units; overrides with weights are the machine types.

    https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-mixed-instances-groups.html: on-demand takes
    its types in order unless the strategy is lowest-price; the share above the base is rounded up for on-demand.
    """
    machine = followed_machine(view, GROUP_LINKS[1], template_machine)
    if machine is None:
        machine = Machine(unknown=Unknown("its launch template is not in the plan", "unknown-machine-type"))
    via = list(machine.via)
    options: list[MachineOption] = []
    unknown: Unknown | None = None
    disks, os = machine.disks, machine.os
    for override in policy.blocks("launch_template.override"):
        weight = override.number("weighted_capacity")
        factor = weight if isinstance(weight, Decimal) and weight > 0 else Decimal(1)
        names, hidden = machine_options(override, "instance_type")
        if not names and override.block("instance_requirements") is not None:
            hidden = Unknown(
                "instance_requirements select the machine types by their attributes", "unknown-instance-requirements"
            )
        own = override.block("launch_template_specification")
        if own is not None and (own.get("launch_template_id") or own.get("launch_template_name")):
            link = TemplateLink(("launch_template_id", "launch_template_name"), LAUNCH_TEMPLATE, _TEMPLATE_BY)
            other = followed_machine(own, link, template_machine)
            if other is not None:
                via.extend(other.via)
                names = names or other.options
        unknown = unknown or hidden
        options.extend(replace(name, weight=factor) for name in names)
    if not options and unknown is None:
        options, unknown = list(machine.options), machine.unknown
    distribution = policy.block("instances_distribution")

    def setting(name: str, default: Decimal) -> Decimal:
        value = distribution.known_number(name) if distribution is not None else None
        return default if value is None else value

    base, percentage = (
        setting("on_demand_base_capacity", Decimal(0)),
        setting("on_demand_percentage_above_base_capacity", Decimal(100)),
    )
    on_demand_strategy = (
        distribution.string("on_demand_allocation_strategy") if distribution else None
    ) or "prioritized"
    spot_strategy = (distribution.string("spot_allocation_strategy") if distribution else None) or "lowest-price"

    def on_demand(size: Decimal | None) -> Decimal | None:
        if size is None:
            return None
        fixed = min(base, size)
        share = ((size - fixed) * percentage / 100).to_integral_value(ROUND_CEILING)
        return min(size, fixed + share)

    def rest(size: Decimal | None) -> Decimal | None:
        taken = on_demand(size)
        return None if size is None or taken is None else size - taken

    common = replace(machine, options=tuple(options), unknown=unknown, disks=disks, os=os)
    if options and policy.blocks("launch_template.override"):
        common = replace(common, machine_attribute=policy.attribute("launch_template.0.override.0.instance_type"))
    pools = [
        common.pool(
            Units(on_demand(units.min), on_demand(units.expected), on_demand(units.max)),
            purchase_model="on_demand",
            pick="cheapest" if on_demand_strategy == "lowest-price" else "first",
            purchase_attribute=policy.attribute("instances_distribution.on_demand_percentage_above_base_capacity"),
        ),
        common.pool(
            Units(rest(units.min), rest(units.expected), rest(units.max)),
            purchase_model="spot",
            pick=_SPOT_PICK.get(spot_strategy, "dearest"),
            spot_max_price=distribution.known_number("spot_max_price") if distribution else None,
        ),
    ]
    return Extracted(tuple(pool for pool in pools if _can_run(pool.units)), via=tuple(dict.fromkeys(via)))


_SPOT_PICK: dict[str, Pick] = {"lowest-price": "cheapest", "capacity-optimized-prioritized": "first"}


def _can_run(units: Units) -> bool:
    return any(size is None or size > 0 for size in (units.min, units.expected, units.max))


def eks_node_group(view: View) -> Extracted:
    """Managed node group: machine types on the group or in its launch template; on demand takes them in order.

    https://docs.aws.amazon.com/eks/latest/userguide/managed-node-groups.html: on demand uses the order of the list,
    spot the pool with the most capacity, so any type of it.
    """
    scaling = view.block("scaling_config")
    minimum = scaling.number("min_size") if scaling else None
    desired = scaling.number("desired_size") if scaling else None
    maximum = scaling.number("max_size") if scaling else None
    units = Units(units_of(minimum, Decimal(0)), pick_expected(desired, minimum), units_of(maximum, None))
    capacity = view.get("capacity_type")
    purchase: PurchaseModel = _EKS_CAPACITY.get(capacity if isinstance(capacity, str) else "", "on_demand")
    names = view.texts("instance_types")
    machine: Machine | None = None
    if view.block("launch_template") is not None:
        machine = followed_machine(view, INSTANCE_TEMPLATE_LINK, template_machine)
        if machine is None:
            machine = Machine(unknown=Unknown("its launch template is not in the plan", "unknown-machine-type"))
    else:
        windows = (view.string("ami_type") or "").startswith("WINDOWS")
        size = view.known_number("disk_size") or Decimal(50 if windows else 20)
        machine = Machine(disks=(Disk("boot", "gp2", size),))
    if isinstance(names, Unknown):
        machine = replace(machine, options=(), unknown=Unknown(names.reason, "unknown-machine-type"))
    elif names:
        machine = replace(
            machine,
            options=tuple(MachineOption(name) for name in names),
            machine_attribute=view.attribute("instance_types.0"),
            sensitive=view.is_sensitive("instance_types") or view.is_sensitive("instance_types.0"),
        )
    elif not machine.options and machine.unknown is None:
        machine = replace(machine, options=(MachineOption("t3.medium"),))
    ami = view.string("ami_type") or ""
    if ami.startswith("WINDOWS"):
        machine = replace(machine, os="windows")
    pool = machine.pool(
        units,
        purchase_model=purchase,
        pick="first" if purchase == "on_demand" else "dearest",
        purchase_attribute=view.attribute("capacity_type"),
    )
    return Extracted((pool,), via=machine.via)


SPECS = (
    ResourceSpec(
        type="aws_instance",
        cloud="aws",
        extract=single(instance_machine),
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
        ),
        assumes=(
            "The size of a root volume that the configuration does not set comes from the image: it is not counted.",
            "A volume without a type is priced as gp2.",
            "Linux unless the AMI's data source, the password data or a PowerShell user_data says Windows.",
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
            "block_device_mappings",
            "network_interfaces",
            "image_id",
        ),
        assumes=("Costs nothing by itself; the newest version is the one in use.",),
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
    ResourceSpec(
        type="aws_autoscaling_group",
        cloud="aws",
        extract=autoscaling_group,
        region=region,
        tags=tags,
        links=GROUP_LINKS,
        reads=(
            "min_size",
            "desired_capacity",
            "max_size",
            "launch_template",
            "launch_configuration",
            "mixed_instances_policy",
            "warm_pool",
            "tag",
        ),
        assumes=(
            "Without desired_capacity the group starts at min_size.",
            "On-demand units take the override types in order unless the strategy is lowest-price; spot units the cheapest"
            " (lowest-price), the first (capacity-optimized-prioritized) or, where any may run, the dearest.",
            "Fractions of on-demand units are rounded up.",
            "Stopped and hibernated warm pools are not counted.",
        ),
        source="AWS provider: aws_autoscaling_group; Amazon EC2 Auto Scaling user guide",
    ),
    ResourceSpec(
        type="aws_eks_node_group",
        cloud="aws",
        extract=eks_node_group,
        region=region,
        tags=tags,
        probe=(),
        links=(INSTANCE_TEMPLATE_LINK,),
        reads=("instance_types", "capacity_type", "scaling_config", "launch_template", "disk_size", "ami_type"),
        assumes=(
            "Without desired_size the group starts at min_size.",
            "Without disk_size each node has a 20 GiB volume (50 GiB for Windows), priced as gp2.",
            "Of several types on demand uses the first; for spot the dearest is priced.",
        ),
        source="AWS provider: aws_eks_node_group; Amazon EKS user guide",
    ),
)

SUPPORT = ("aws_subnet", "aws_volume_attachment", "aws_ebs_volume")
"""Types that are read only because others refer to them."""
