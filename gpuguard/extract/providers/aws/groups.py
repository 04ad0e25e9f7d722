"""Groups of EC2 machines: Auto Scaling groups and EKS managed node groups."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from msgspec.structs import replace

from gpuguard.extract.common import disk_size, followed_machine
from gpuguard.extract.providers.aws.common import only_zone, region, region_of, tags
from gpuguard.extract.providers.aws.compute import (
    INSTANCE_TEMPLATE_LINK,
    LAUNCH_CONFIGURATION,
    LAUNCH_TEMPLATE,
    TEMPLATE_BY,
    by_requirements,
    configuration_machine,
    placement_in,
    started,
    template_of,
)
from gpuguard.extract.providers.aws.reservations import cover, placement_of
from gpuguard.extract.providers.aws.schedules import GROUP_COMPANIONS, Sizes, scheduled_sizes
from gpuguard.extract.spec import (
    Companion,
    Extracted,
    Machine,
    ResourceSpec,
    TemplateLink,
    above_base,
    bounded,
    can_run,
    machine_options,
)
from gpuguard.extract.view import View
from gpuguard.model.usage import (
    HOURS_PER_MONTH,
    Disk,
    MachineOption,
    Pick,
    PoolUsage,
    PurchaseModel,
    Units,
    Unknown,
)

_EKS_CAPACITY: dict[str, PurchaseModel] = {"ON_DEMAND": "on_demand", "SPOT": "spot", "CAPACITY_BLOCK": "capacity_block"}

MIXED = "mixed_instances_policy.launch_template.launch_template_specification"
GROUP_LINKS = (
    INSTANCE_TEMPLATE_LINK,
    TemplateLink((f"{MIXED}.launch_template_id", f"{MIXED}.launch_template_name"), LAUNCH_TEMPLATE, TEMPLATE_BY),
    TemplateLink(("launch_configuration",), LAUNCH_CONFIGURATION, ("id", "name", "arn")),
)


def autoscaling_group(view: View) -> Extracted:
    """Launch template, launch configuration or mixed instances policy; sizes are min, desired and max."""
    minimum, desired, maximum = view.number("min_size"), view.number("desired_capacity"), view.number("max_size")
    if isinstance(desired, Unknown) and view.may_be_unset("desired_capacity"):
        desired = None
    sizes = scheduled_sizes(view, bounded(minimum, desired, maximum))
    policy = view.block("mixed_instances_policy")
    if policy is not None:
        return _mixed_instances(view, policy, sizes)
    machine = None
    if view.string("launch_configuration") or view.get("launch_configuration") is not None:
        machine = followed_machine(view, GROUP_LINKS[2], configuration_machine)
    if machine is None:
        machine = template_of(view, INSTANCE_TEMPLATE_LINK, "launch_template.version")
    if machine is None:
        machine = Machine(unknown=Unknown("its launch template is not in the plan", "unknown-machine-type"))
    machine = started(view, machine, view.string("desired_capacity_type"), machine.purchase_model)
    if not machine.accelerated:
        return Extracted(())
    pool = _with_warm_pool(view, sizes.applied(machine.pool(sizes.units)))
    return Extracted(_in_reservations(view, machine, (pool,)), via=machine.via)


def _in_reservations(view: View, machine: Machine, pools: Iterable[PoolUsage]) -> tuple[PoolUsage, ...]:
    """The pools with what runs in reservations of the plan apart from what does not."""
    placement = placement_of(view).over(placement_in(machine))
    return tuple(part for pool in pools for part in cover(view, placement, pool, lambda: only_zone(view)))


def _with_warm_pool(view: View, pool: PoolUsage) -> PoolUsage:
    warm = view.block("warm_pool")
    if warm is None or warm.string("pool_state") != "Running":
        return pool
    units = pool.units
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
    # what a schedule stops goes back into the pool and runs there
    return replace(pool, units=total, hours_per_month=HOURS_PER_MONTH, max_hours_per_month=HOURS_PER_MONTH)


def _mixed_instances(view: View, policy: View, sizes: Sizes) -> Extracted:
    """Base and percentage split the units; overrides with weights are the machine types.

    https://docs.aws.amazon.com/autoscaling/ec2/userguide/allocation-strategies.html: on demand takes its types in order,
    or the cheapest where the strategy is lowest-price (the default for types selected by attributes); the share above
    the base is rounded up for on demand. Overrides go before what the launch template says.
    """
    base_machine = template_of(view, GROUP_LINKS[1], f"{MIXED}.version")
    if base_machine is None:
        base_machine = Machine(unknown=Unknown("its launch template is not in the plan", "unknown-machine-type"))
    unit = view.string("desired_capacity_type")
    blocks = policy.blocks("launch_template.override")

    def machines(bought: PurchaseModel) -> list[Machine]:
        base = started(view, base_machine, unit, bought)
        return [found for each in blocks for found in _override(each, base, unit, bought)] or [base]

    on_demand_machines, spot_machines = machines("on_demand"), machines("spot")
    via = dict.fromkeys((*base_machine.via, *(name for machine in on_demand_machines for name in machine.via)))
    if not any(machine.accelerated for machine in on_demand_machines):
        return Extracted((), via=tuple(via))
    by_attributes = any(block.block("instance_requirements") for block in blocks)
    # without overrides only a template with instance_requirements names several types
    by_attributes = by_attributes or (not blocks and len(base_machine.options) > 1)
    distribution = policy.block("instances_distribution")

    def setting(name: str, default: int) -> Decimal:
        value = distribution.known_number(name) if distribution is not None else None
        return Decimal(default) if value is None else value

    def strategy(name: str, default: str) -> str:
        return (distribution.string(name) if distribution else None) or default

    base = setting("on_demand_base_capacity", 0)
    on_demand = above_base(base, setting("on_demand_percentage_above_base_capacity", 100))

    def rest(size: Decimal) -> Decimal:
        return size - on_demand(size)

    # the price limit is that of one unit of capacity
    limit = distribution.known_number("spot_max_price") if distribution else None
    cheapest = strategy("on_demand_allocation_strategy", "lowest-price" if by_attributes else "prioritized")
    on_demand_pool = one_of(
        on_demand_machines,
        "cheapest" if cheapest == "lowest-price" else "first",
        sizes.units,
        purchase_model="on_demand",
        purchase_attribute=policy.attribute("instances_distribution.on_demand_percentage_above_base_capacity"),
    )
    spot_pool = one_of(
        [limited(machine, limit) for machine in spot_machines],
        _SPOT_PICK.get(strategy("spot_allocation_strategy", "lowest-price"), "dearest"),
        sizes.units,
        purchase_model="spot",
        spot_max_price=None,
    )
    pools = [sizes.applied(on_demand_pool, on_demand), sizes.applied(spot_pool, rest)]
    kept = [pool for pool in pools if can_run(pool.units)] or pools[:1]
    return Extracted(_in_reservations(view, base_machine, kept), via=tuple(via))


def limited(machine: Machine, unit_price: Decimal | None) -> Machine:
    """The machine with a spot price limit that is meant for each unit of capacity it brings."""
    if unit_price is None:
        return machine
    options = tuple(
        replace(option, spot_max_price=option.spot_max_price or unit_price * option.weight)
        for option in machine.options
    )
    return replace(machine, options=options)


def _override(override: View, base: Machine, unit: str | None, bought: PurchaseModel) -> Iterable[Machine]:
    """One entry of a mixed instances policy; nothing where it leaves the machine as the launch template has it."""
    machine = base
    own = override.block("launch_template_specification")
    if own is not None and (own.get("launch_template_id") or own.get("launch_template_name")):
        link = TemplateLink(("launch_template_id", "launch_template_name"), LAUNCH_TEMPLATE, TEMPLATE_BY)
        template = template_of(own, link, "version")
        machine = started(override, template, unit, bought) if template is not None else base
    weight = override.number("weighted_capacity")
    factor = weight if isinstance(weight, Decimal) and weight > 0 else Decimal(1)
    names, unknown = machine_options(override, "instance_type")
    requirements = override.block("instance_requirements")
    if names or unknown is not None:
        options = names
    elif requirements is not None:
        selected = by_requirements(requirements, unit, bought)
        machine = replace(
            machine,
            machine_attribute=override.attribute("instance_requirements"),
            sensitive=override.is_sensitive("instance_requirements"),
        )
        if isinstance(selected, Unknown):
            yield replace(machine, options=(), unknown=selected, accelerated=True, assumed=False)
        else:
            yield replace(machine, options=selected, unknown=None, accelerated=bool(selected), assumed=False)
        return
    else:
        options, unknown = machine.options, machine.unknown
    yield replace(
        machine,
        options=tuple(replace(option, weight=factor) for option in options),
        unknown=unknown,
        accelerated=True,
        assumed=machine.assumed and not names,
        machine_attribute=override.attribute("instance_type") if names else machine.machine_attribute,
        sensitive=override.is_sensitive("instance_type") if names else machine.sensitive,
    )


def one_of(machines: Sequence[Machine], pick: Pick, units: Units, **changes: object) -> PoolUsage:
    """A pool of whichever machine is picked; what comes with it is that of the first, or of the one with most disk.

    Where the plan does not tell which of several templates names the machine, the dearest is.
    """
    machines = [machine for machine in machines if machine.accelerated] or machines
    pick = "dearest" if any(machine.assumed and len(machine.via) > 1 for machine in machines) else pick
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


def eks_node_group(view: View) -> Extracted:
    """Managed node group: machine types on the group or in its launch template; on demand takes them in order.

    https://docs.aws.amazon.com/eks/latest/userguide/managed-node-groups.html: on demand uses the order of the list,
    spot the pool with the most capacity, so any type of it.
    """
    scaling = view.block("scaling_config")
    units = Units.fixed(None)
    if scaling is not None:
        units = bounded(scaling.number("min_size"), scaling.number("desired_size"), scaling.number("max_size"))
    sizes = scheduled_sizes(view, units)
    capacity = view.string("capacity_type")
    windows = (view.string("ami_type") or "").startswith("WINDOWS")
    names = view.machine_types("instance_types")
    if view.block("launch_template") is not None:
        machine = template_of(view, INSTANCE_TEMPLATE_LINK, "launch_template.version")
        if machine is None:
            machine = Machine(unknown=Unknown("its launch template is not in the plan", "unknown-machine-type"))
    else:
        # https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateNodegroup.html gives the sizes; the type is not
        # documented, and node groups without a launch template are seen to get gp2
        # (https://github.com/aws/containers-roadmap/issues/1417, https://github.com/bottlerocket-os/bottlerocket/issues/4799).
        size = view.known_number("disk_size") or Decimal(50 if windows else 20)
        machine = Machine(disks=(Disk("boot", "gp2", size),))
    pick: Pick = "dearest"
    # EKS refuses machine types on the group beside one in its template
    # (https://docs.aws.amazon.com/eks/latest/userguide/launch-templates.html): a template that names one leaves none here.
    sure = len(machine.via) == 1 or view.may_be_unset("instance_types")
    if isinstance(names, Unknown) and machine.options and sure:
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
    return Extracted(_in_reservations(view, machine, (sizes.applied(pool),)), via=machine.via)


def node_group_region(view: View) -> str | Unknown | None:
    """The region of a node group: as everywhere, else that of its cluster."""
    found = region(view)
    if isinstance(found, str):
        return found
    cluster = view.follow(("cluster_name",), ("aws_eks_cluster",), ("name", "id"))
    places = {_region_of_cluster(each) for each in cluster.views} - {None} if not cluster.assumed else set()
    return places.pop() if len(places) == 1 else found


def _region_of_cluster(cluster: View) -> str | None:
    own = cluster.string("region") or region_of(cluster.context, cluster.known("arn"))
    if own is not None:
        return own
    subnets = cluster.block("vpc_config")
    zone = only_zone(subnets) if subnets is not None else None
    return region_of(cluster.context, zone)


SPECS: tuple[ResourceSpec, ...] = (
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
            "capacity_reservation_specification",
            "tag",
        ),
        prices=("the machine", "EBS volumes", "a public IPv4 address", "the operating system"),
        leaves_out=("volumes of what runs in a reservation of the plan",),
        assumes=(
            "Without desired_capacity the group starts at min_size.",
            "On-demand units take the override types in order unless the strategy is lowest-price; spot units the cheapest"
            " (lowest-price), the first (capacity-optimized-prioritized) or, where any may run, the dearest.",
            "Fractions of on-demand units are rounded up.",
            "Of instance_requirements the accelerated types of the catalog that the region offers come in question; without"
            " any accelerator attribute, or with a largest accelerator_count of 0, none does.",
            "desired_capacity is brought within new bounds, also where ignore_changes keeps it.",
            "Stopped and hibernated warm pools are not counted.",
            "With recurring scheduled actions expected is the largest size they ask for, in as many hours as make their"
            " unit-hours. A size that an action leaves out is 0; one that it keeps (-1) is the largest the others set,"
            " else the group's own.",
            "What runs in a capacity reservation or a capacity block of the plan adds nothing.",
        ),
        source="AWS provider: aws_autoscaling_group; Amazon EC2 Auto Scaling user guide",
    ),
    ResourceSpec(
        type="aws_eks_node_group",
        cloud="aws",
        extract=eks_node_group,
        region=node_group_region,
        tags=tags,
        probe=("instance_types",),
        accelerator_attributes=("launch_template",),  # it may name another machine type
        links=(INSTANCE_TEMPLATE_LINK,),
        reads=("instance_types", "capacity_type", "scaling_config", "launch_template", "disk_size", "ami_type"),
        prices=("the nodes", "EBS volumes", "Windows"),
        leaves_out=("volumes of what runs in a reservation of the plan", "the control plane of the cluster"),
        assumes=(
            "Without desired_size the group starts at min_size.",
            "Without disk_size each node has a 20 GiB volume (50 GiB for Windows), priced as gp2.",
            "Of several types on demand uses the first; for spot the dearest is priced.",
            "A capacity block that the plan does not hold is priced as if it lasted all month.",
            "Nodes whose launch template names a reservation or a capacity block of the plan add nothing.",
        ),
        source="AWS provider: aws_eks_node_group; Amazon EKS user guide",
    ),
)

COMPANIONS: tuple[Companion, ...] = (
    *GROUP_COMPANIONS,
    Companion(
        type="aws_eks_cluster",
        of=("aws_eks_node_group",),
        reads=("name", "region", "arn", "vpc_config.subnet_ids"),
        says="the region of its node groups where nothing else tells it. It holds no accelerator itself, and so its control"
        " plane is not counted: the node pools built into Auto Mode start none, others are Karpenter's",
        source="AWS provider: aws_eks_cluster; Amazon EKS user guide: Auto Mode built-in node pools",
    ),
)
