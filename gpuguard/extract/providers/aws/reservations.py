"""Capacity that is paid for whether it is used or not (capacity reservations, capacity blocks, dedicated hosts), and
which machines run in it."""

from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import ROUND_CEILING, Decimal
from typing import Literal

import msgspec
from msgspec.structs import replace

from gpuguard.extract.providers.aws.common import os_named, region, region_of, tags
from gpuguard.extract.spec import Companion, Extracted, ResourceSpec, can_run, machine_options
from gpuguard.extract.view import View
from gpuguard.model.usage import Charge, MachineOption, Once, OperatingSystem, PoolUsage, Units, Unknown

RESERVATION = "aws_ec2_capacity_reservation"
BLOCK = "aws_ec2_capacity_block_reservation"
HOST = "aws_ec2_host"
_OFFERING = "aws_ec2_capacity_block_offering"
_GROUP = "aws_resourcegroups_group"
_MEMBER = "aws_resourcegroups_resource"

_MOST_TARGETS = 50
"""Reservations one specification names; AWS takes fewer."""
_SIZES = ("min", "expected", "max")


# -- what runs where ------------------------------------------------------------------------------------------------------


class Placement(msgspec.Struct, frozen=True):
    """What a machine, or the template it is made from, says of reservations and hosts.

    `targets` are the addresses of the reservations of this plan that it names; `elsewhere` tells of one that it names and
    the plan does not hold. `exclusive`: without capacity there it does not start at all.
    """

    preference: str | None = None
    targets: tuple[str, ...] = ()
    elsewhere: str | None = None
    exclusive: bool = False
    host: str | None = None
    tenancy: str | None = None
    zone: str | None = None

    @property
    def names_reservations(self) -> bool:
        """Whether it says anything of reservations."""
        return bool(self.preference or self.targets or self.elsewhere)

    def over(self, below: "Placement") -> "Placement":
        """This placement, with what it leaves open taken from the one below (the template)."""
        told = self if self.names_reservations else below
        return Placement(
            preference=told.preference,
            targets=told.targets,
            elsewhere=told.elsewhere,
            exclusive=told.exclusive,
            host=self.host or below.host,
            tenancy=self.tenancy or below.tenancy,
            zone=self.zone or below.zone,
        )


def placement_of(view: View) -> Placement:
    """What an instance, a template or a group says of reservations, hosts, tenancy and zone.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/capacity-reservations-launch.html: who names a reservation by its
    id starts there or not at all; who names a group of them starts on demand when they are full, unless it runs in
    reservations only. https://docs.aws.amazon.com/autoscaling/ec2/userguide/use-ec2-capacity-reservations.html: for an
    Auto Scaling group the preference alone decides.
    """
    block = view.block("capacity_reservation_specification")
    hidden = _hidden_targets(view) if block is None else ()
    preference = block.string("capacity_reservation_preference") if block is not None else None
    preference = None if preference == "default" else preference
    target = block.block("capacity_reservation_target") if block is not None else None
    by_id = _targets(target, ("capacity_reservation_id", "capacity_reservation_ids"), _by_id)
    by_group = _targets(
        target, ("capacity_reservation_resource_group_arn", "capacity_reservation_resource_group_arns"), _by_group
    )
    placement = "placement." if view.block("placement") is not None else ""
    return Placement(
        preference=preference,
        targets=(*by_id[0], *by_group[0], *hidden),
        elsewhere=by_id[1] or by_group[1],
        exclusive=bool(hidden)
        or preference == "capacity-reservations-only"
        or (preference != "capacity-reservations-first" and bool(by_id[0]) and not by_group[0]),
        host=_host(view, f"{placement}host_id"),
        tenancy=view.string(f"{placement}tenancy"),
        zone=view.string(f"{placement}availability_zone"),
    )


def _targets(
    target: View | None, names: Iterable[str], find: Callable[[View, str], tuple[str, ...]]
) -> tuple[tuple[str, ...], str | None]:
    """Addresses of what the attributes `names` of a target mean, and the text of one that the plan does not hold."""
    found: dict[str, None] = {}
    outside: str | None = None
    if target is None:
        return (), None
    for name in names:
        listed = target.known(name)
        count = min(len(listed), _MOST_TARGETS) if isinstance(listed, list) else 0
        for path in [f"{name}.{index}" for index in range(count)] or [name]:
            value = target.get(path)
            if value is None or value in ("", []):
                continue
            addresses = find(target, path)
            found.update(dict.fromkeys(addresses))
            if not addresses and outside is None:
                outside = value[:100] if isinstance(value, str) else "a reservation that only apply can tell"
    return tuple(found), outside


def _by_id(target: View, path: str, types: tuple[str, ...] = (RESERVATION, BLOCK)) -> tuple[str, ...]:
    link = target.follow((path,), types, ("id", "arn"))
    if link.assumed and len(link.views) == 1:
        where = link.views[0].address
        message = f"the plan hides which reservation it names; {where}, {link.assumed}, is assumed"
        target.note("info", "assumed-reservation", message)
    return tuple(each.address for each in link.views) if len(link.views) == 1 or not link.assumed else ()


def _hidden_targets(view: View) -> tuple[str, ...]:
    """What a template names in a block of which the plan only says that it may be there, as dynamic blocks leave it."""
    if view.node.type != "aws_launch_template":
        return ()  # elsewhere the provider fills the block in by itself
    blocks = view.string("instance_market_options.market_type") == "capacity-block"
    return _by_id(view, "capacity_reservation_specification", (BLOCK,) if blocks else (RESERVATION, BLOCK))


def _by_group(target: View, path: str) -> tuple[str, ...]:
    """The reservations that are members of a resource group."""
    link = target.follow((path,), (_GROUP,), ("arn", "id"))
    found: list[str] = []
    for group in link.views if len(link.views) == 1 or not link.assumed else ():
        for member in group.referring((_MEMBER,), "group_arn")[:_MOST_TARGETS]:
            reservation = member.follow(("resource_arn",), (RESERVATION, BLOCK), ("arn",))
            found.extend(each.address for each in reservation.views[:1])
    return tuple(found)


def _host(view: View, path: str) -> str | None:
    if HOST not in view.context.document.types:
        return None
    link = view.follow((path,), (HOST,), ("id",))
    return link.views[0].address if len(link.views) == 1 and not link.assumed else None


class _Reservation(msgspec.Struct, frozen=True):
    address: str
    purchase_model: Literal["capacity_reservation", "capacity_block"]
    sku: str | None
    count: Decimal | None
    zone: str | None
    os: OperatingSystem
    tenancy: str
    open: bool
    provider: str | None


def _reservations(view: View) -> dict[str, _Reservation]:
    """The reservations of the document on this side, by address; looked for once."""
    key = ("aws.reservations", view.side)
    known: dict[str, _Reservation] | None = view.context.memo.get(key)
    if known is None:
        known = view.context.memo[key] = {}
        for node in view.context.document.current(RESERVATION, BLOCK):
            if node.values(view.side) is not None:
                known[node.address] = _read(View(view.context, node, view.side, []))
    return known


def _read(view: View) -> _Reservation:
    block = view.node.type == BLOCK
    source = _described(view) if block else view
    return _Reservation(
        address=view.address,
        purchase_model="capacity_block" if block else "capacity_reservation",
        sku=source.string("instance_type"),
        count=source.known_number("instance_count"),
        zone=source.string("availability_zone"),
        os=os_named(view.string("instance_platform") or ""),
        tenancy=source.string("tenancy") or "default",
        # one in a placement group serves only what is started in that group
        open=not block
        and (view.string("instance_match_criteria") or "open") == "open"
        and view.get("placement_group_arn") is None
        and view.get("outpost_arn") is None,
        provider=view.context.resolver.provider_key(view.node),
    )


def cover(
    view: View, placement: Placement, pool: PoolUsage, zone: Callable[[], str | None] = lambda: None
) -> tuple[PoolUsage, ...]:
    """The pool in two: what runs in reservations of the same plan, which pay for it, and what is billed by itself.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/capacity-reservations-pricing-billing.html: a reservation is billed
    whether it is used or not, and an instance in it is not billed again. Spot instances run in none. `zone` tells the one
    zone in which the machines start, if it is one.
    """
    if pool.purchase_model == "spot":
        return (pool,)
    if placement.host is not None:
        return (replace(pool, covered_by=placement.host),)
    known = ("aws.covered", id(view.node), view.side, pool)
    found: tuple[PoolUsage, ...] | None = view.context.memo.get(known)
    if found is None:
        found = view.context.memo[known] = _covered(view, placement, pool, zone)
    return found


def _covered(
    view: View, placement: Placement, pool: PoolUsage, zone: Callable[[], str | None]
) -> tuple[PoolUsage, ...]:
    if placement.elsewhere is not None:
        _tell_outside(view, placement.elsewhere)
    if placement.targets:
        named = _reservations(view)
        wanted = [named[address] for address in placement.targets if address in named]
        return _fill(view, pool, wanted, exclusive=placement.exclusive)
    if pool.purchase_model == "capacity_block" and placement.elsewhere is None:
        _tell_outside(view, "a capacity block that it does not name")
    if placement.elsewhere is not None or placement.preference == "none":
        return (pool,)
    if pool.purchase_model != "on_demand":
        return (pool,)
    return _in_open_ones(view, placement, pool, zone)


_Place = tuple[str | None, str | None]
"""Zone and provider configuration."""


def _open_ones(view: View) -> dict[tuple[object, ...], dict[_Place, list[_Reservation]]]:
    """The open reservations of this side that have room, by type, platform and tenancy, then by place."""
    key = ("aws.open", view.side)
    known: dict[tuple[object, ...], dict[_Place, list[_Reservation]]] | None = view.context.memo.get(key)
    if known is None:
        known = view.context.memo[key] = {}
        for each in _reservations(view).values():
            if each.open and each.count != 0:
                # of one whose count is not known nothing is certain
                place = (each.zone if each.count is not None else None, each.provider)
                known.setdefault((each.sku, each.os, each.tenancy), {}).setdefault(place, []).append(each)
    return known


def _in_open_ones(
    view: View, placement: Placement, pool: PoolUsage, zone: Callable[[], str | None]
) -> tuple[PoolUsage, ...]:
    """What open reservations take by themselves, where that is certain: of the same type, platform, tenancy and zone."""
    every = _open_ones(view)
    tenancy = placement.tenancy or "default"
    matching = [found for option in pool.options if (found := every.get((option.sku, pool.os, tenancy)))]
    if not matching:
        return (pool,)
    place = placement.zone or zone()
    own = (place, view.context.resolver.provider_key(view.node))
    certain = matching[0].get(own, []) if place is not None and len(pool.options) == 1 else []
    possible = [
        each.address
        for places in matching
        for where, found in places.items()
        if found is not certain and (place is None or where[0] in (place, None))
        for each in found[:3]
    ]
    if possible:
        view.note(
            "info",
            "possible-reservation",
            f"it may run in the capacity of {', '.join(possible[:3])}; since the plan does not say so, it is billed on top",
            "name the reservation in capacity_reservation_specification, or the zone and one machine type",
        )
    only = placement.preference == "capacity-reservations-only"
    filled = _fill(view, pool, tuple(certain), exclusive=only) if certain else (pool,)
    while certain and _is_full(view, certain[0]):
        certain.pop(0)
    return filled


def _is_full(view: View, reservation: _Reservation) -> bool:
    left = view.context.memo.get(("aws.left", reservation.address, view.side))
    return left is not None and not any(left.values())


def _tell_outside(view: View, what: str) -> None:
    view.note(
        "info",
        "outside-reservation",
        f"it runs in {what}, which this plan does not hold: it is priced as if nothing else paid for it",
    )


def _fill(
    view: View, pool: PoolUsage, reservations: Iterable[_Reservation], *, exclusive: bool
) -> tuple[PoolUsage, ...]:
    """Machines put into reservations up to what is left of each; `exclusive` ones never run elsewhere."""
    covered: list[PoolUsage] = []
    rest = pool
    for reservation in reservations:
        if covered and not can_run(rest.units):
            break
        fitting = _fitting(view, rest, reservation, exclusive)
        if fitting is None:
            continue
        inside = replace(fitting, covered_by=reservation.address, purchase_model=reservation.purchase_model)
        taken, left = _take(view, reservation, rest.units, fitting.options[0].weight if fitting.options else Decimal(1))
        if can_run(taken) or not can_run(rest.units):
            covered.append(replace(inside, units=taken))
            rest = replace(rest, units=left)
        elif exclusive and not covered:
            covered.append(replace(inside, units=taken))
    if not covered:
        _tell_mismatch(view, pool, reservations)
        return (pool,)
    if exclusive and can_run(rest.units):
        last = covered[-1]
        _tell_exceeded(view, last.covered_by, rest.units)
        covered[-1] = replace(last, units=_plus(last.units, rest.units))
        return tuple(covered)
    return (*covered, rest) if can_run(rest.units) else tuple(covered)


def _tell_exceeded(view: View, reservation: str | None, rest: Units) -> None:
    if any(rest_of for rest_of in (rest.min, rest.expected, rest.max)):
        view.note(
            "info",
            "reservation-exceeded",
            f"it may ask for more machines than {reservation} has left; they cannot start there and add nothing",
        )


def _fitting(view: View, pool: PoolUsage, reservation: _Reservation, exclusive: bool) -> PoolUsage | None:
    """The pool as it runs in a reservation, which has one machine type; None where it cannot run there."""
    if reservation.sku is None:
        return pool
    same = tuple(option for option in pool.options if option.sku == reservation.sku)
    if len(pool.options) == len(same) == 1:
        return pool
    if exclusive and (same or not pool.options):
        return replace(pool, options=same[:1] or (MachineOption(reservation.sku),), unknown=None, pick="first")
    if same:
        text = f"some of it may run in {reservation.address}; since several types may start, it is billed on top"
        view.note("info", "possible-reservation", text)
    return None


def _tell_mismatch(view: View, pool: PoolUsage, reservations: Iterable[_Reservation]) -> None:
    """Tell of reservations that are of no use to a pool which none of those that it names covers."""
    types = {option.sku for option in pool.options}
    for reservation in reservations:
        if reservation.sku is not None and reservation.sku not in types:
            view.note(
                "warning",
                "reservation-mismatch",
                f"{reservation.address} reserves another machine type: it cannot run there, and is billed on top",
            )


def _take(view: View, reservation: _Reservation, units: Units, weight: Decimal) -> tuple[Units, Units]:
    """What a reservation has left for so many units, and the units it has no room for; taken for good.

    A reservation counts machines, each of which brings `weight` units.
    """
    key = ("aws.left", reservation.address, view.side)
    left: dict[str, Decimal | None] = view.context.memo.setdefault(key, dict.fromkeys(_SIZES, reservation.count))
    taken: list[Decimal | None] = []
    over: list[Decimal | None] = []
    for name in _SIZES:
        size: Decimal | None = getattr(units, name)
        room = left[name]
        if room is None:
            taken.append(size)
            over.append(Decimal(0))
        elif size is None:
            # nobody knows how many: as many as fit, and as many more as there may be
            taken.append(room * weight)
            over.append(None)
            left[name] = Decimal(0)
        else:
            inside = min(size, room * weight)
            taken.append(inside)
            over.append(size - inside)
            left[name] = room - (inside / weight).to_integral_value(ROUND_CEILING)
    return Units(*taken), Units(*over)


def _plus(one: Units, other: Units) -> Units:
    def add(a: Decimal | None, b: Decimal | None) -> Decimal | None:
        return None if a is None or b is None else a + b

    return Units(add(one.min, other.min), add(one.expected, other.expected), add(one.max, other.max))


# -- the reservations themselves ------------------------------------------------------------------------------------------


def capacity_reservation(view: View) -> Extracted:
    """`aws_ec2_capacity_reservation`: so many machines of one type, at the on-demand price from the day it is made."""
    options, unknown = machine_options(view, "instance_type")
    count = view.number("instance_count")
    if view.string("tenancy") == "dedicated":
        message = "dedicated tenancy is billed in another way than the shared tenancy it is priced at"
        view.note("warning", "dedicated-tenancy", message)
    if view.get("end_date") is not None:
        view.note("info", "ends", f"the reservation ends on {view.string('end_date') or 'a date that is not known'}")
    pool = PoolUsage(
        options=options,
        unknown=unknown if not options else None,
        pick="dearest" if len(options) > 1 else "first",
        units=Units.fixed(count if isinstance(count, Decimal) else None),
        purchase_model="capacity_reservation",
        os=_platform(view),
        machine_attribute=view.attribute("instance_type"),
        sensitive=view.is_sensitive("instance_type"),
    )
    return Extracted((pool,))


def _platform(view: View) -> OperatingSystem:
    platform = view.string("instance_platform") or ""
    if "SQL Server" in platform or platform == "Ubuntu Pro" or "with HA" in platform:
        extra = "Ubuntu Pro" if platform == "Ubuntu Pro" else "SQL Server" if "SQL" in platform else "high availability"
        view.note("warning", "unpriced-licence", f"no price for the {extra} licence; it is not counted")
    return os_named(platform)


def capacity_block(view: View) -> Extracted:
    """`aws_ec2_capacity_block_reservation`: machines for a fixed time, paid at once when they are bought.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/capacity-blocks-pricing-billing.html: the price of the offering is
    charged up front; only the operating system is billed while instances run.
    """
    source = _described(view)
    options, unknown = machine_options(source, "instance_type")
    if not options and unknown is None:
        unknown = Unknown("the offering of the capacity block is not in the plan", "unknown-machine-type")
    count = source.number("instance_count")
    pool = PoolUsage(
        options=options,
        unknown=unknown if not options else None,
        units=Units.fixed(count if isinstance(count, Decimal) else None),
        purchase_model="capacity_block",
        os=_platform(view),
        once=_once(view, source),
        machine_attribute=source.attribute("instance_type"),
        sensitive=source.is_sensitive("instance_type"),
    )
    return Extracted((pool,))


def _described(view: View) -> View:
    """What describes a capacity block: itself once it is bought, before that its offering."""
    if view.known("instance_type"):
        return view
    link = view.follow(("capacity_block_offering_id",), (_OFFERING,), ("capacity_block_offering_id", "id"))
    return link.first if link.first is not None and len(link.views) == 1 else view


def _once(view: View, source: View) -> Once:
    hours = source.known_number("capacity_duration_hours") if source is not view else _hours_between(view)
    if not hours:
        view.note("warning", "unknown-duration", "how long the capacity block lasts is not known; priced as a month")
        return Once(None)
    currency = source.string("currency_code") if source is not view else None
    fee = source.known_number("upfront_fee") if source is not view and currency in (None, "USD") else None
    return Once(hours, fee if fee else None, "upfront_fee of the capacity block offering" if fee else "")


def _hours_between(view: View) -> Decimal | None:
    """From the start to the end of a block that is bought already; blocks last whole hours."""
    try:
        start, end = (datetime.fromisoformat(view.string(name) or "") for name in ("start_date", "end_date"))
        seconds = (end - start).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return None
    return Decimal(round(seconds / 3600)) if seconds > 0 else None


def block_region(view: View) -> str | Unknown | None:
    """The region of a capacity block: its own, its offering's, else the provider's."""
    source = _described(view)
    if source is not view:
        for place in (source.string("availability_zone"), source.string("region")):
            found = region_of(view.context, place)
            if found:
                return found
    return region(view)


def dedicated_host(view: View) -> Extracted:
    """`aws_ec2_host`: a whole server of one machine family; what runs on it is not billed.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/dedicated-hosts-billing.html: billed by the host, whatever the size
    and number of the instances on it. The largest type of a family takes up a host, so its accelerators are the host's.
    """
    named, unknown = machine_options(view, "instance_type")
    if not named and unknown is None:
        named, unknown = machine_options(view, "instance_family")
    options = tuple(filter(None, (_host_option(view, option.sku.split(".", 1)[0]) for option in named)))
    if not options and unknown is None:
        return Extracted(())
    pool = PoolUsage(
        options=options,
        pick="dearest" if len(options) > 1 else "first",
        unknown=unknown if not options else None,
        units=Units.fixed(1),
        charges=(Charge("managed_service", "{sku}", "dedicated host", component="compute"),),
        machine_billed=False,
        machine_attribute=view.attribute("instance_type" if view.get("instance_type") else "instance_family"),
        sensitive=view.is_sensitive("instance_type") or view.is_sensitive("instance_family"),
    )
    return Extracted((pool,))


def _host_option(view: View, family: str) -> MachineOption | None:
    place = region(view)
    name = place if isinstance(place, str) else view.context.default_regions.get("aws", "us-east-1")
    sizes = [each for each in view.context.offers("aws", name) if each.sku.startswith(f"{family}.")]
    largest = max(sizes, key=lambda each: (each.gpu_count, each.vcpus or 0), default=None)
    if largest is not None:
        return MachineOption(f"dedicated-host-{family}", machine=largest.sku)
    if view.context.looks_accelerated("aws", f"{family}.xlarge"):
        return MachineOption(f"dedicated-host-{family}", machine=f"{family}.xlarge")
    return None


SPECS: tuple[ResourceSpec, ...] = (
    ResourceSpec(
        type=RESERVATION,
        cloud="aws",
        extract=capacity_reservation,
        region=region,
        tags=tags,
        probe=("instance_type",),
        reads=(
            "instance_type",
            "instance_count",
            "instance_platform",
            "instance_match_criteria",
            "availability_zone",
            "tenancy",
            "end_date",
            "placement_group_arn",
        ),
        prices=("the reserved machines, used or not", "the operating system"),
        leaves_out=("the premium of dedicated tenancy", "SQL Server, Ubuntu Pro and high availability licences"),
        assumes=(
            "It lasts all month, also where end_date ends it.",
            "What names it runs in it and adds nothing, as does what an open reservation takes by itself: on demand, of"
            " the same type, platform, tenancy and provider configuration, in the one zone that the plan tells, up to"
            " instance_count. What only may run in it is billed on top, and that is told.",
        ),
        source="AWS provider: aws_ec2_capacity_reservation; Amazon EC2 user guide: On-Demand Capacity Reservations",
    ),
    ResourceSpec(
        type=BLOCK,
        cloud="aws",
        extract=capacity_block,
        region=block_region,
        tags=tags,
        reads=(
            "capacity_block_offering_id",
            "instance_platform",
            "instance_type",
            "instance_count",
            "start_date",
            "end_date",
        ),
        prices=("the block at upfront_fee of its offering, else at the catalog's price", "the operating system"),
        assumes=(
            "The offering is that of the data source; its price is paid once, whatever runs in the block.",
            "A licence is counted for all hours of the block.",
        ),
        source="AWS provider: aws_ec2_capacity_block_reservation; Amazon EC2 user guide: Capacity Blocks for ML",
    ),
    ResourceSpec(
        type=HOST,
        cloud="aws",
        extract=dedicated_host,
        region=region,
        tags=tags,
        reads=("instance_type", "instance_family", "availability_zone"),
        prices=("the host, where the catalog has a price",),
        leaves_out=("savings from Dedicated Host Reservations",),
        assumes=(
            "A host has the accelerators of the largest type of its family.",
            "Instances that name the host in host_id run on it and add nothing.",
        ),
        source="AWS provider: aws_ec2_host; Amazon EC2 user guide: Dedicated Hosts",
    ),
)

_IN_RESERVATIONS = (
    "aws_instance",
    "aws_launch_template",
    "aws_autoscaling_group",
    "aws_eks_node_group",
    "aws_ec2_fleet",
)

COMPANIONS: tuple[Companion, ...] = (
    Companion(
        type=_GROUP,
        of=_IN_RESERVATIONS,
        reads=("arn",),
        says="which capacity reservations are meant by the ARN of their group",
        source="AWS provider: aws_resourcegroups_group",
    ),
    Companion(
        type=_MEMBER,
        of=_IN_RESERVATIONS,
        reads=("group_arn", "resource_arn"),
        says="which capacity reservations belong to a group",
        source="AWS provider: aws_resourcegroups_resource",
    ),
)
