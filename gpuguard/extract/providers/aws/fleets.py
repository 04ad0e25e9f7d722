"""EC2 Fleet and Spot Fleet: a target capacity, filled on demand and with spot from several launch templates and types."""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal

from msgspec.structs import replace

from gpuguard.extract.providers.aws.common import only_zone, operating_system, region, region_of, tags
from gpuguard.extract.providers.aws.compute import (
    LAUNCH_TEMPLATE,
    TEMPLATE_BY,
    Ec2Machine,
    by_requirements,
    placement_in,
    started,
    tell_tenancy,
    template_of,
)
from gpuguard.extract.providers.aws.groups import limited, one_of
from gpuguard.extract.providers.aws.reservations import Placement, cover
from gpuguard.extract.providers.aws.volumes import disks_of, image_of, instance_volumes
from gpuguard.extract.spec import Companion, Extracted, Machine, ResourceSpec, TemplateLink, can_run, machine_options
from gpuguard.extract.view import View
from gpuguard.model.usage import Pick, PoolUsage, PurchaseModel, Units, Unknown

_MOST = 1_000
"""Launch specifications and overrides that are read; a fleet takes up to 300 types."""
_LINKED = 10
"""Template configurations of one fleet that are looked at to tell which templates are in use."""

_FLEET_LINK = TemplateLink(("launch_template_id", "launch_template_name"), LAUNCH_TEMPLATE, TEMPLATE_BY)
_SPOT_FLEET_LINK = TemplateLink(("id", "name"), LAUNCH_TEMPLATE, TEMPLATE_BY)
_BOUGHT: tuple[PurchaseModel, ...] = ("on_demand", "spot")
_DEFAULT_TYPES: dict[str, PurchaseModel] = {"spot": "spot", "capacity-block": "capacity_block"}


def _links(link: TemplateLink) -> tuple[TemplateLink, ...]:
    """The link of every template configuration of a fleet."""
    prefixes = [f"launch_template_config.{index}.launch_template_specification" for index in range(_LINKED)]
    return tuple(
        TemplateLink(tuple(f"{prefix}.{path}" for path in link.paths), link.types, link.by) for prefix in prefixes
    )


def ec2_fleet(view: View) -> Extracted:
    """`aws_ec2_fleet`: what is neither asked for on demand nor as spot is of the default type.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_TargetCapacitySpecificationRequest.html; without a strategy
    both take the lowest price (API_OnDemandOptionsRequest, API_SpotOptionsRequest), and the lower its number, the earlier
    an override is taken where priorities count (API_FleetLaunchTemplateOverridesRequest).
    """
    target = view.block("target_capacity_specification")
    if target is None:
        return Extracted(())
    total = target.number("total_target_capacity")
    default = target.string("default_target_capacity_type") or "on-demand"
    unit = target.string("target_capacity_unit_type")
    machines: dict[PurchaseModel, list[Machine]] = {
        bought: list(_configured(view, _FLEET_LINK, "override", unit, bought)) for bought in _BOUGHT
    }
    on_demand, spot = target.number("on_demand_target_capacity"), target.number("spot_target_capacity")
    if default == "spot":
        on_demand = Decimal(0) if on_demand is None else on_demand
        spot = _less(total, on_demand)
    else:
        spot = Decimal(0) if spot is None else spot
        on_demand = _less(total, spot)
    on_demand_order = view.string("on_demand_options.allocation_strategy") or "lowest-price"
    spot_order = view.string("spot_options.allocation_strategy") or "lowest-price"
    _tell_limits(view)
    purchase = _DEFAULT_TYPES.get(default, "on_demand")
    return _fleet(
        view,
        machines,
        (
            on_demand,
            "on_demand" if purchase == "spot" else purchase,
            "first" if on_demand_order == "prioritized" else "cheapest",
        ),
        (spot, "spot", _spot_pick(spot_order)),
    )


def spot_fleet_request(view: View) -> Extracted:
    """`aws_spot_fleet_request`: spot, less what is asked for on demand.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_SpotFleetRequestConfigData.html: prices are those of one
    unit of capacity, and without a strategy the lowest price is taken.
    """
    total = view.number("target_capacity")
    if total is None:
        return Extracted(())
    on_demand = view.number("on_demand_target_capacity")
    on_demand = Decimal(0) if on_demand is None else on_demand
    unit = view.string("target_capacity_unit_type")
    price = view.known_number("spot_price")
    machines: dict[PurchaseModel, list[Machine]] = {
        bought: [
            limited(machine, price)
            for machine in (*_specified(view), *_configured(view, _SPOT_FLEET_LINK, "overrides", unit, bought))
        ]
        for bought in _BOUGHT
    }
    on_demand_order = view.string("on_demand_allocation_strategy") or "lowestPrice"
    spot_order = view.string("allocation_strategy") or "lowestPrice"
    _tell_limits(view)
    return _fleet(
        view,
        machines,
        (on_demand, "on_demand", "first" if on_demand_order == "prioritized" else "cheapest"),
        (_less(total, on_demand), "spot", _spot_pick(spot_order)),
    )


_Part = tuple[Decimal | Unknown | None, PurchaseModel, Pick]
"""Capacity, how it is bought, and which of several types is taken."""


def _spot_pick(strategy: str) -> Pick:
    named = strategy.replace("-", "").lower()
    return "cheapest" if named == "lowestprice" else "first" if named == "capacityoptimizedprioritized" else "dearest"


def _less(total: Decimal | Unknown | None, part: Decimal | Unknown | None) -> Decimal | Unknown | None:
    if isinstance(total, Decimal) and isinstance(part, Decimal):
        return max(total - part, Decimal(0))
    return total if isinstance(total, Unknown) else part if isinstance(part, Unknown) else total


def _fleet(view: View, machines: Mapping[PurchaseModel, list[Machine]], *parts: _Part) -> Extracted:
    """The parts of a fleet, each of the machines that come in question for what is bought that way."""
    every = machines["on_demand"] or [
        Machine(unknown=Unknown("what it launches is known only after apply", "unknown-machine-type"))
    ]
    via = tuple(dict.fromkeys(name for machine in every for name in machine.via))
    if not any(machine.accelerated for machine in every):
        return Extracted((), via=via)
    pools = []
    for capacity, purchase, pick in parts:
        accelerated = [
            machine for machine in (machines["spot"] if purchase == "spot" else every) or every if machine.accelerated
        ]
        units = Units.fixed(capacity if isinstance(capacity, Decimal) else None if isinstance(capacity, Unknown) else 0)
        pools.append(
            one_of(
                accelerated,
                pick if len(accelerated) > 1 or len(accelerated[0].options) > 1 else "first",
                units,
                purchase_model=purchase,
                purchase_attribute=None,
                spot_max_price=None,
            )
        )
    kept = [pool for pool in pools if can_run(pool.units)] or pools[:1]
    return Extracted(
        tuple(_in_reservations(view, [machine for machine in every if machine.accelerated], kept)), via=via
    )


def _in_reservations(view: View, machines: list[Machine], pools: Iterable[PoolUsage]) -> Iterator[PoolUsage]:
    """The pools with what runs in reservations apart: where all templates say the same of them."""
    places = {placement_in(machine) for machine in machines}
    placement = places.pop() if len(places) == 1 else Placement()
    for pool in pools:
        yield from cover(view, placement, pool, lambda: only_zone(view))


def _tell_limits(view: View) -> None:
    if view.get("valid_until") is not None:
        view.note("info", "ends", f"the fleet ends on {view.string('valid_until') or 'a date that is not known'}")
    for path in (
        "on_demand_options.max_total_price",
        "spot_options.max_total_price",
        "on_demand_max_total_price",
    ):
        if view.get(path) is not None:
            view.note("info", "price-limit", f"{path} may keep the fleet below its target capacity; it is not counted")


# -- machines -------------------------------------------------------------------------------------------------------------


def _configured(
    view: View, link: TemplateLink, overrides: str, unit: str | None, bought: PurchaseModel
) -> Iterator[Machine]:
    """The machines of every `launch_template_config`, those of a lower priority number first."""
    found: list[tuple[Decimal, Machine]] = []
    for config in view.blocks("launch_template_config"):
        base = None
        specification = config.block("launch_template_specification")
        if specification is not None:
            base = template_of(specification, link, "version")
        if base is None:
            base = Machine(unknown=Unknown("its launch template is not in the plan", "unknown-machine-type"))
        base = started(view, base, unit, bought)
        own = config.blocks(overrides)
        for override in own[: _MOST - len(found)]:
            priority = override.known_number("priority")
            found.append(
                (Decimal("Infinity") if priority is None else priority, _override(override, base, unit, bought))
            )
        if not own:
            found.append((Decimal("Infinity"), base))
    for _, machine in sorted(found, key=lambda each: each[0]):
        yield machine


def _override(override: View, base: Machine, unit: str | None, bought: PurchaseModel) -> Machine:
    """One override: what it leaves out is as the launch template has it."""
    weight = override.known_number("weighted_capacity")
    limit = override.known_number("max_price") or override.known_number("spot_price")
    options, unknown = machine_options(override, "instance_type")
    requirements = override.block("instance_requirements")
    machine = base
    if options or unknown is not None:
        machine = replace(
            base,
            options=options,
            unknown=unknown,
            accelerated=True,
            assumed=False,
            machine_attribute=override.attribute("instance_type"),
            sensitive=override.is_sensitive("instance_type"),
        )
    elif requirements is not None:
        selected = by_requirements(requirements, unit, bought)
        machine = replace(
            base,
            machine_attribute=override.attribute("instance_requirements"),
            sensitive=override.is_sensitive("instance_requirements"),
        )
        if isinstance(selected, Unknown):
            machine = replace(machine, options=(), unknown=selected, accelerated=True, assumed=False)
        else:
            machine = replace(machine, options=selected, unknown=None, accelerated=bool(selected), assumed=False)
    if weight:
        machine = replace(machine, options=tuple(replace(option, weight=weight) for option in machine.options))
    zone = override.string("availability_zone") or only_zone(override)
    if isinstance(machine, Ec2Machine) and zone:
        machine = replace(machine, placement=replace(machine.placement, zone=machine.placement.zone or zone))
    return limited(machine, limit)


def _specified(view: View) -> Iterator[Machine]:
    """The machines of `launch_specification`: everything stands in the block itself."""
    for block in view.blocks("launch_specification")[:_MOST]:
        options, unknown = machine_options(block, "instance_type")
        weight = block.known_number("weighted_capacity")
        tell_tenancy(block, "placement_tenancy")
        image, _ = image_of(block, "ami")
        machine = Machine(
            options=tuple(replace(option, weight=weight) for option in options) if weight else options,
            unknown=unknown,
            os=operating_system(block, "ami"),
            disks=disks_of(image, instance_volumes(block)),
            public_ipv4=1 if block.flag("associate_public_ip_address") else 0,
            machine_attribute=block.attribute("instance_type"),
            sensitive=block.is_sensitive("instance_type"),
        )
        yield limited(machine, block.known_number("spot_price"))


def fleet_region(view: View) -> str | Unknown | None:
    """The region of a fleet: its own, that of its zones and subnets, else the provider's."""
    own = view.text("region")
    if isinstance(own, str):
        return own
    for block in (
        *view.blocks("launch_specification")[:_LINKED],
        *(override for config in view.blocks("launch_template_config")[:_LINKED] for name in ("override", "overrides") for override in config.blocks(name)[:_LINKED]),
    ):  # fmt: skip
        found = region_of(view.context, only_zone(block))
        if found:
            return found
    return region(view)


_PRICES = ("the machines", "EBS volumes", "a public IPv4 address", "the operating system")
_ASSUMES = (
    "The target capacity is reached and kept, also by fleets that ask only once or end at valid_until.",
    "Of several types the lowest price takes the cheapest by unit of capacity, priorities the first, and every other"
    " strategy the dearest.",
    "Prices limit spot by unit of capacity: a machine of weight 4 may cost four times as much.",
)

SPECS: tuple[ResourceSpec, ...] = (
    ResourceSpec(
        type="aws_ec2_fleet",
        cloud="aws",
        extract=ec2_fleet,
        region=fleet_region,
        tags=tags,
        links=_links(_FLEET_LINK),
        reads=(
            "target_capacity_specification",
            "launch_template_config",
            "on_demand_options.allocation_strategy",
            "spot_options.allocation_strategy",
            "valid_until",
        ),
        prices=_PRICES,
        leaves_out=("max_total_price", "volumes of what runs in a reservation of the plan"),
        assumes=_ASSUMES,
        source="AWS provider: aws_ec2_fleet; Amazon EC2 API: CreateFleet",
    ),
    ResourceSpec(
        type="aws_spot_fleet_request",
        cloud="aws",
        extract=spot_fleet_request,
        region=fleet_region,
        tags=tags,
        links=_links(_SPOT_FLEET_LINK),
        reads=(
            "target_capacity",
            "on_demand_target_capacity",
            "target_capacity_unit_type",
            "allocation_strategy",
            "on_demand_allocation_strategy",
            "spot_price",
            "launch_specification",
            "launch_template_config",
            "valid_until",
        ),
        prices=_PRICES,
        leaves_out=("on_demand_max_total_price",),
        assumes=_ASSUMES,
        source="AWS provider: aws_spot_fleet_request; Amazon EC2 API: SpotFleetRequestConfigData",
    ),
)

COMPANIONS: tuple[Companion, ...] = ()
