"""AWS: which attributes of which Terraform types start accelerators, and how.

Attribute names are those of the AWS provider 5.x and 6.x (https://registry.terraform.io/providers/hashicorp/aws).
"""

from base64 import b64decode
from collections.abc import Iterable, Sequence
from decimal import ROUND_CEILING, Decimal
from typing import Literal

import msgspec
from msgspec.structs import replace

from gpuguard.extract.common import (
    as_template,
    disk_size,
    followed_machine,
    sensitive_keys,
    single,
    string_tags,
    without,
)
from gpuguard.extract.instance_requirements import matching_types, within_price_protection
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
from gpuguard.extract.view import SENSITIVE, Context, View
from gpuguard.model.price import InstanceType
from gpuguard.model.usage import Disk, MachineOption, OperatingSystem, PoolUsage, PurchaseModel, Units, Unknown

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
    """Own `region` (provider 6), else what this side is or was in (ARN, zone, subnet), else the provider's."""
    own = view.text("region")
    if isinstance(own, str):
        return own
    for place in _places(view):
        found = _region_of(view.context, place)
        if found:
            return found
    if isinstance(own, Unknown):
        return own
    values = view.context.resolver.provider_values(view.node, ("region",))
    names = {value for value in values if isinstance(value, str) and value}
    return names.pop() if len(names) == 1 else _region_of_provider(view)


def _region_of(context: Context, place: object) -> str | None:
    """The region of an ARN, a zone or a region's own name."""
    if not isinstance(place, str) or not place:
        return None
    parts = place.split(":")
    return context.region_of_zone("aws", parts[3] if parts[0] == "arn" and len(parts) > 4 else place)


def _places(view: View) -> Iterable[object]:
    yield view.known("arn")
    yield view.string("availability_zone")
    yield view.string("placement.availability_zone")
    zones = view.known("availability_zones")
    yield from zones if isinstance(zones, list) else ()
    for path in ("subnet_id", "vpc_zone_identifier", "subnet_ids"):
        subnets = view.known(path)
        # of a list the first ones are enough: all lie in one region
        paths = [f"{path}.{index}" for index in range(len(subnets[:3]))] if isinstance(subnets, list) else []
        link = view.follow((path, *paths), ("aws_subnet",), ("id",))
        for subnet in () if link.assumed else link.views[:1]:
            yield subnet.known("region")
            yield subnet.known("arn")
            yield subnet.string("availability_zone")
            yield subnet.string("availability_zone_id")


_TELLING = ("aws_instance", "aws_subnet", "aws_vpc", "aws_launch_template", "aws_ebs_volume", "aws_eks_cluster")


def _region_of_provider(view: View) -> str | None:
    """The region that all speaks for which the same provider block manages and reads, where its own is hidden."""
    resolver = view.context.resolver
    key = resolver.provider_key(view.node)
    known = view.context.provider_regions
    if key not in known:
        document = view.context.document
        sources = [
            node
            for node in (*document.data("aws_region"), *document.data("aws_availability_zones"))
            if not any(resolver.resolve(node, (name,)).configured for name in ("region", "name", "endpoint"))
        ]
        others = [*document.current(*_TELLING), *document.data("aws_ami"), *document.data("aws_subnet")]
        known[key] = None
        for nodes, attributes in ((sources, ("region", "name", "id")), (others, ("arn", "availability_zone"))):
            found = {
                _region_of(view.context, values.get(attribute))
                for node in nodes
                if resolver.provider_key(node) == key
                for values in (node.before, node.after)
                if values
                for attribute in attributes
            } - {None}
            if found:
                known[key] = found.pop() if len(found) == 1 else None
                break
    return known[key]


def tags(view: View) -> dict[str, str]:
    """`tags_all` (it holds the provider's default_tags), else `tags`; groups have `tag` blocks."""
    found = string_tags(view, "tags_all") or string_tags(view, "tags")
    found = without(found, sensitive_keys(view, "tags", "tags_all"))
    for block in view.blocks("tag"):
        key, value = block.string("key"), block.string("value")
        if key and value is not None:
            found[key] = SENSITIVE if block.is_sensitive("value") else value
    return found


def _os_named(text: str) -> OperatingSystem:
    lowered = text.lower()
    if "windows" in lowered:
        return "windows"
    if "red hat" in lowered or "rhel" in lowered:
        return "rhel"
    return "sles" if "suse" in lowered else "linux"


_NAMING_FILTERS = ("name", "platform", "platform-details")


def _os(view: View, path: str) -> OperatingSystem:
    """Operating system of the image: signs of Windows on the resource, else what the image is called and found by."""
    if view.flag("get_password_data") or _windows_script(view):
        return "windows"
    told = [view.string(path) or ""]  # resolve:ssm:/aws/service/ami-windows-latest/…
    for source in view.follow((path,), ("aws_ami", "aws_ssm_parameter"), ("id", "value", "insecure_value")).views:
        told.append(source.string("name") or "")
        told.append(source.string("platform_details") or source.string("platform") or "")
        for wanted in source.blocks("filter"):
            values = wanted.texts("values")
            if wanted.string("name") in _NAMING_FILTERS and isinstance(values, list):
                told.extend(values)
    return _os_named(" ".join(told))


def _windows_script(view: View) -> bool:
    """Whether user data is for Windows: plain on instances, base64 on templates."""
    for path in ("user_data", "user_data_base64"):
        text = view.string(path) or ""
        for script in (text, _decoded(text[:64])):
            if script.lstrip().lower().startswith(("<powershell>", "<script>")):
                return True
    return False


def _decoded(text: str) -> str:
    try:
        return b64decode(text, validate=True).decode("utf-8", "ignore")
    except ValueError:
        return ""


# -- disks --------------------------------------------------------------------------------------------------------------


class _Volume(msgspec.Struct, frozen=True):
    """A volume as one place describes it; what it leaves open comes from the place below (template, image)."""

    type: str | None = None
    size_gib: Decimal | None = None
    iops: Decimal | None = None
    throughput: Decimal | None = None

    def over(self, below: "_Volume | None") -> "_Volume":
        if below is None:
            return self
        same = self.type in (None, below.type)
        return _Volume(
            self.type or below.type,
            self.size_gib if self.size_gib is not None else below.size_gib,
            self.iops if self.iops is not None or not same else below.iops,
            self.throughput if self.throughput is not None or not same else below.throughput,
        )

    def disk(self, role: Literal["boot", "data"]) -> Disk:
        # Where nothing names a type EC2 takes gp2 (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_EbsBlockDevice.html).
        return Disk(role, self.type or "gp2", self.size_gib, iops=self.iops, throughput_mibps=self.throughput)


_Volumes = dict[str, _Volume | None]
"""Volumes by device name, the root volume under ""; None where a mapping takes a device away."""

_ROOT = ""
_ROOT_DEVICES = ("/dev/xvda", "/dev/sda1")


def _volume(view: View, type_: str = "volume_type", size: str = "volume_size") -> _Volume:
    size_gib = view.known_number(size)
    if size_gib is None:
        snapshot = view.follow(("snapshot_id",), ("aws_ebs_snapshot", "aws_ebs_snapshot_copy"), ("id",))
        if snapshot.first is not None and not snapshot.assumed:
            size_gib = snapshot.first.known_number("volume_size")
    return _Volume(view.string(type_), size_gib, view.known_number("iops"), view.known_number("throughput"))


def _instance_volumes(view: View) -> _Volumes:
    found: _Volumes = {}
    root = view.block("root_block_device")
    if root is not None:
        found[_ROOT] = _volume(root)
    for number, block in enumerate(view.blocks("ebs_block_device")):
        name = block.string("device_name") or f"#{number}"
        found[name] = None if block.flag("no_device") else _volume(block)
    return found


def _mapped_volumes(view: View, root_devices: Iterable[str]) -> _Volumes:
    found: _Volumes = {}
    for number, mapping in enumerate(view.blocks("block_device_mappings")):
        name = mapping.string("device_name") or f"#{number}"
        ebs = mapping.block("ebs")
        key = _ROOT if name in root_devices else name
        if mapping.string("no_device") is not None:
            found[key] = None
        elif ebs is not None:
            found[key] = _volume(ebs)
    return found


def _image(view: View, path: str) -> tuple[_Volumes, tuple[str, ...]]:
    """What the image brings, where the plan knows the image, and the names of its root device."""
    link = view.follow((path,), ("aws_ami",), ("id",))
    image = None if link.assumed else link.first
    if image is None:
        return {}, _ROOT_DEVICES
    root = image.string("root_device_name")
    devices = (root,) if root else _ROOT_DEVICES
    return _mapped_volumes(image, devices), devices


def _disks(*layers: _Volumes) -> tuple[Disk, ...]:
    """The volumes of one machine: each layer (image, template, instance) over the ones before it."""
    found: dict[str, _Volume] = {_ROOT: _Volume()}
    for layer in layers:
        for device, volume in layer.items():
            if volume is not None:
                found[device] = volume.over(found.get(device))
            elif device != _ROOT:
                found.pop(device, None)
    return tuple(volume.disk("data" if device else "boot") for device, volume in found.items())


def _attached_disks(view: View) -> Iterable[Disk]:
    """Volumes attached by `aws_volume_attachment`, but those that a state lists among the instance's own."""
    own = {block.known("volume_id") for block in view.blocks("ebs_block_device")} - {None}
    for attachment in view.referring(("aws_volume_attachment",), "instance_id"):
        volume = attachment.follow(("volume_id",), ("aws_ebs_volume",), ("id", "arn")).first
        # a volume that is only read exists already, and whoever manages it pays for it
        if volume is not None and volume.node.mode == "managed" and attachment.known("volume_id") not in own:
            yield _volume(volume, "type", "size").disk("data")


# -- machines -----------------------------------------------------------------------------------------------------------


def instance_machine(view: View) -> Machine:
    """`aws_instance` and `aws_spot_instance_request`; what it leaves out comes from its launch template."""
    options, unknown = machine_options(view, "instance_type")
    market = view.string("instance_market_options.market_type") or view.string("instance_lifecycle")
    _tenancy(view, "tenancy")
    image, _ = _image(view, "ami")
    attached = tuple(_attached_disks(view))
    machine = Machine(
        options=options,
        unknown=unknown,
        purchase_model=_MARKET.get(market or "", "on_demand"),
        os=_os(view, "ami"),
        disks=(*_disks(image, _instance_volumes(view)), *attached),
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
        machine,
        options=options or template.options,
        unknown=unknown or template.unknown,
        machine_attribute=machine.machine_attribute if options else template.machine_attribute,
        sensitive=machine.sensitive if options else template.sensitive,
        purchase_model=machine.purchase_model if market else template.purchase_model,
        spot_max_price=machine.spot_max_price or template.spot_max_price,
        os=machine.os if machine.os != "linux" else template.os,
        disks=(*template.disks, *attached),
        public_ipv4=max(machine.public_ipv4, template.public_ipv4),
        via=template.via,
    )


def _tenancy(view: View, path: str) -> None:
    if view.string(path) in ("dedicated", "host"):
        message = f"{view.string(path)} tenancy is billed in another way than the shared tenancy it is priced at"
        view.note("warning", "dedicated-tenancy", message)


def spot_request_machine(view: View) -> Machine:
    """`aws_spot_instance_request`: always spot, at most at `spot_price`."""
    machine = instance_machine(view)
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
    requirements = view.block("instance_requirements")
    if not options and unknown is None and requirements is not None:
        selected = _by_requirements(requirements)
        if isinstance(selected, Unknown):
            unknown = selected
        else:
            options, accelerated = selected, bool(selected)
    market = view.string("instance_market_options.market_type")
    _tenancy(view, "placement.tenancy")
    with_image, path = (instance, "ami") if instance is not None and instance.get("ami") else (view, "image_id")
    image, devices = _image(with_image, path)
    own = _instance_volumes(instance) if instance is not None else {}
    return Machine(
        options=options,
        unknown=unknown,
        purchase_model=_MARKET.get(market or "", "on_demand"),
        os=_os(view, "image_id"),
        disks=_disks(image, _mapped_volumes(view, devices), own),
        public_ipv4=sum(block.flag("associate_public_ip_address") for block in view.blocks("network_interfaces")),
        spot_max_price=view.known_number("instance_market_options.spot_options.max_price"),
        machine_attribute=view.attribute("instance_type"),
        purchase_attribute=view.attribute("instance_market_options.market_type"),
        sensitive=view.is_sensitive("instance_type"),
        via=(view.address,),
        accelerated=accelerated,
    )


def _template_of(view: View, link: TemplateLink, version: str) -> Machine | None:
    """The machine of a linked launch template, in the version that the attribute `version` of `view` names.

    https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/launch_template: an update makes a new
    version, and the default version stays as it is unless the template says otherwise. Who names the version by its
    number, or the default one, keeps what it had.
    """
    wanted = view.text(version)

    def read(template: View) -> Machine:
        earlier = template.node.before
        if template.side == "after" and template.node.action == "update" and earlier and isinstance(wanted, str):
            number = template.known("default_version") if wanted == "$Default" else wanted
            if number is not None and str(number) == str(earlier.get("latest_version")):
                return template_machine(View(template.context, template.node, "before", template.notes))
        return template_machine(template)

    return followed_machine(view, link, read)


def configuration_machine(view: View) -> Machine:
    """`aws_launch_configuration` (the predecessor of launch templates)."""
    options, unknown = machine_options(view, "instance_type")
    price = view.known_number("spot_price")
    image, _ = _image(view, "image_id")
    return Machine(
        options=options,
        unknown=unknown,
        purchase_model="spot" if view.get("spot_price") else "on_demand",
        os=_os(view, "image_id"),
        disks=_disks(image, _instance_volumes(view)),
        public_ipv4=1 if view.flag("associate_public_ip_address") else 0,
        spot_max_price=price,
        machine_attribute=view.attribute("instance_type"),
        purchase_attribute=view.attribute("spot_price"),
        sensitive=view.is_sensitive("instance_type"),
        via=(view.address,),
    )


def _by_requirements(view: View, unit: str | None = None) -> tuple[MachineOption, ...] | Unknown:
    """The accelerated machine types an `instance_requirements` block selects; () when it rules accelerators out.

    Each weighs as many units as the group's `desired_capacity_type` counts in it.
    """
    place = region(View(view.context, view.node, view.side, view.notes))
    name = place if isinstance(place, str) else view.context.default_regions.get("aws")
    if name is None:
        reason = "instance_requirements select among the machine types of a region that is not known"
        return Unknown(reason, "unknown-instance-requirements")
    found = matching_types(view, view.context.offers("aws", name))
    if isinstance(found, Unknown):
        return found
    affordable = within_price_protection(view, found, name, lambda each: _weight(each, unit))
    return tuple(MachineOption(each.sku, _weight(each, unit)) for each in affordable)


def _weight(machine: InstanceType, unit: str | None) -> Decimal:
    size = {"vcpu": machine.vcpus, "memory-mib": (machine.memory_gib or 0) * 1024}.get(unit or "")
    return Decimal(str(size)) if size else Decimal(1)


# -- resources ----------------------------------------------------------------------------------------------------------


def autoscaling_group(view: View) -> Extracted:
    """Launch template, launch configuration or mixed instances policy; sizes are min, desired and max."""
    minimum, desired, maximum = view.number("min_size"), view.number("desired_capacity"), view.number("max_size")
    if isinstance(desired, Unknown) and view.may_be_unset("desired_capacity"):
        desired = None
    units = _sizes(minimum, desired, maximum)
    policy = view.block("mixed_instances_policy")
    if policy is not None:
        return _mixed_instances(view, policy, units)
    machine = None
    if view.string("launch_configuration") or view.get("launch_configuration") is not None:
        machine = followed_machine(view, GROUP_LINKS[2], configuration_machine)
    if machine is None:
        machine = _template_of(view, INSTANCE_TEMPLATE_LINK, "launch_template.version")
    if machine is None:
        machine = Machine(unknown=Unknown("its launch template is not in the plan", "unknown-machine-type"))
    if not machine.accelerated:
        return Extracted(())
    return Extracted((*_with_warm_pool(view, machine, machine.pool(units), units),), via=machine.via)


def _sizes(
    minimum: Decimal | Unknown | None, desired: Decimal | Unknown | None, maximum: Decimal | Unknown | None
) -> Units:
    # A size outside new bounds follows them, also where `ignore_changes` keeps it as it was.
    low, high = units_of(minimum, Decimal(0)), units_of(maximum, None)
    return Units(low, within(pick_expected(desired, minimum), low, high), high)


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

    https://docs.aws.amazon.com/autoscaling/ec2/userguide/allocation-strategies.html: on demand takes its types in order,
    or the cheapest where the strategy is lowest-price (the default for types selected by attributes); the share above
    the base is rounded up for on demand. Overrides go before what the launch template says.
    """
    base_machine = _template_of(view, GROUP_LINKS[1], f"{_MIXED}.version")
    if base_machine is None:
        base_machine = Machine(unknown=Unknown("its launch template is not in the plan", "unknown-machine-type"))
    overrides = [
        found
        for override in policy.blocks("launch_template.override")
        for found in _override(override, base_machine, view.string("desired_capacity_type"))
    ]
    machines = [machine for machine in overrides if machine.accelerated] or [base_machine]
    via = dict.fromkeys((*base_machine.via, *(name for machine in overrides for name in machine.via)))
    if not any(machine.accelerated for machine in overrides or machines):
        return Extracted((), via=tuple(via))
    by_attributes = any(block.block("instance_requirements") for block in policy.blocks("launch_template.override"))
    # without overrides only a template with instance_requirements names several types
    by_attributes = by_attributes or (not overrides and len(base_machine.options) > 1 and not base_machine.assumed)
    distribution = policy.block("instances_distribution")

    def setting(name: str, default: int) -> Decimal:
        value = distribution.known_number(name) if distribution is not None else None
        return Decimal(default) if value is None else value

    def strategy(name: str, default: str) -> str:
        return (distribution.string(name) if distribution else None) or default

    base = setting("on_demand_base_capacity", 0)
    percentage = min(setting("on_demand_percentage_above_base_capacity", 100), Decimal(100))

    def on_demand(size: Decimal | None) -> Decimal | None:
        if size is None:
            return None
        fixed = min(base, size)
        return fixed + ((size - fixed) * percentage / 100).to_integral_value(ROUND_CEILING)

    def rest(size: Decimal | None) -> Decimal | None:
        taken = on_demand(size)
        return None if size is None or taken is None else size - taken

    cheapest = strategy("on_demand_allocation_strategy", "lowest-price" if by_attributes else "prioritized")
    pools = [
        _one_of(
            machines,
            "cheapest" if cheapest == "lowest-price" else "first",
            Units(on_demand(units.min), on_demand(units.expected), on_demand(units.max)),
            purchase_model="on_demand",
            purchase_attribute=policy.attribute("instances_distribution.on_demand_percentage_above_base_capacity"),
        ),
        _one_of(
            machines,
            _SPOT_PICK.get(strategy("spot_allocation_strategy", "lowest-price"), "dearest"),
            Units(rest(units.min), rest(units.expected), rest(units.max)),
            purchase_model="spot",
            spot_max_price=distribution.known_number("spot_max_price") if distribution else None,
        ),
    ]
    return Extracted(tuple(pool for pool in pools if _can_run(pool.units)) or (pools[0],), via=tuple(via))


def _override(override: View, base: Machine, unit: str | None) -> Iterable[Machine]:
    """One entry of a mixed instances policy; nothing where it leaves the machine as the launch template has it."""
    machine = base
    own = override.block("launch_template_specification")
    if own is not None and (own.get("launch_template_id") or own.get("launch_template_name")):
        link = TemplateLink(("launch_template_id", "launch_template_name"), LAUNCH_TEMPLATE, _TEMPLATE_BY)
        machine = _template_of(own, link, "version") or base
    weight = override.number("weighted_capacity")
    factor = weight if isinstance(weight, Decimal) and weight > 0 else Decimal(1)
    names, unknown = machine_options(override, "instance_type")
    requirements = override.block("instance_requirements")
    if names or unknown is not None:
        options = names
    elif requirements is not None:
        selected = _by_requirements(requirements, unit)
        if isinstance(selected, Unknown):
            yield replace(machine, options=(), unknown=selected, accelerated=True)
        else:
            yield replace(machine, options=selected, unknown=None, accelerated=bool(selected))
        return
    else:
        options, unknown = machine.options, machine.unknown
    yield replace(
        machine,
        options=tuple(replace(option, weight=factor) for option in options),
        unknown=unknown,
        accelerated=True,
        machine_attribute=override.attribute("instance_type") if names else machine.machine_attribute,
        sensitive=override.is_sensitive("instance_type") if names else machine.sensitive,
    )


def _one_of(machines: Sequence[Machine], pick: Pick, units: Units, **changes: object) -> PoolUsage:
    """A pool of whichever machine is picked; what comes with it is that of the first, or of the one with most disk."""
    common = machines[0] if pick == "first" else max(machines, key=lambda machine: disk_size(machine.disks))
    options = tuple(dict.fromkeys(option for machine in machines for option in machine.options))
    unknown = next((machine.unknown for machine in machines if machine.unknown is not None), None)
    sensitive = any(machine.sensitive for machine in machines)
    common = replace(
        common,
        options=options,
        unknown=unknown,
        sensitive=sensitive,
        machine_attribute=machines[0].machine_attribute,
    )
    return common.pool(units, pick=pick, **changes)


_SPOT_PICK: dict[str, Pick] = {"lowest-price": "cheapest", "capacity-optimized-prioritized": "first"}


def _can_run(units: Units) -> bool:
    return any(size is None or size > 0 for size in (units.min, units.expected, units.max))


def eks_node_group(view: View) -> Extracted:
    """Managed node group: machine types on the group or in its launch template; on demand takes them in order.

    https://docs.aws.amazon.com/eks/latest/userguide/managed-node-groups.html: on demand uses the order of the list,
    spot the pool with the most capacity, so any type of it.
    """
    scaling = view.block("scaling_config")
    units = _sizes(
        scaling.number("min_size") if scaling else None,
        scaling.number("desired_size") if scaling else None,
        scaling.number("max_size") if scaling else None,
    )
    capacity = view.string("capacity_type")
    windows = (view.string("ami_type") or "").startswith("WINDOWS")
    names = view.texts("instance_types")
    if view.block("launch_template") is not None:
        machine = _template_of(view, INSTANCE_TEMPLATE_LINK, "launch_template.version")
        if machine is None:
            machine = Machine(unknown=Unknown("its launch template is not in the plan", "unknown-machine-type"))
    else:
        # https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateNodegroup.html gives the sizes; the type is not
        # documented, and node groups without a launch template are seen to get gp2
        # (https://github.com/aws/containers-roadmap/issues/1417, https://github.com/bottlerocket-os/bottlerocket/issues/4799).
        size = view.known_number("disk_size") or Decimal(50 if windows else 20)
        machine = Machine(disks=(Disk("boot", "gp2", size),))
    pick: Pick = "dearest"
    if isinstance(names, Unknown) and machine.options and view.may_be_unset("instance_types"):
        names = []
    if isinstance(names, Unknown):
        machine = replace(machine, options=(), unknown=Unknown(names.reason, "unknown-machine-type"))
    elif names:
        # Either the group or its template names machine types; a state may show a default on the group beside them.
        own = tuple(MachineOption(name) for name in names)
        machine = replace(
            machine,
            options=tuple(dict.fromkeys((*own, *(machine.options if not machine.assumed else ())))),
            machine_attribute=view.attribute("instance_types.0"),
            sensitive=view.is_sensitive("instance_types"),
        )
        pick = "dearest" if capacity == "SPOT" else "first"
    elif not machine.options and machine.unknown is None:
        machine = replace(machine, options=(MachineOption("t3.medium"),))
    if windows:
        machine = replace(machine, os="windows")
    purchase = _EKS_CAPACITY.get(capacity or "", "on_demand")
    if capacity is None and machine.purchase_model == "capacity_block":
        purchase = "capacity_block"
    pool = machine.pool(
        units,
        purchase_model=purchase,
        pick=pick if len(machine.options) > 1 else "first",
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
        assumes=(
            "Costs nothing by itself. The newest version is the one in use, unless who uses it names the version it had"
            " before the change by its number, or the default version and that stays.",
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
            "Of instance_requirements the accelerated types of the catalog that the region offers come in question; without"
            " any accelerator attribute, or with a largest accelerator_count of 0, none does.",
            "desired_capacity is brought within new bounds, also where ignore_changes keeps it.",
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
        probe=("instance_types",),
        accelerator_attributes=("launch_template",),  # it may name another machine type
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
