"""Machines that run in a reservation or on a sole-tenant node of the same change, which pays for them.

A machine consumes a reservation by name (affinity SPECIFIC_RESERVATION) or, where nothing says otherwise, any that has its
properties and asks for no name; Spot and flex-start machines consume none
(https://cloud.google.com/compute/docs/instances/reservations-consume). GKE nodes do so only where their pool says it
(https://cloud.google.com/kubernetes-engine/docs/how-to/consuming-reservations). What runs on a sole-tenant node costs
nothing beside the node (https://cloud.google.com/compute/sole-tenant-pricing).
"""

import re
from collections.abc import Iterable
from decimal import Decimal

import msgspec
from msgspec.structs import replace

from gpuguard.extract.providers.google.common import place, tail
from gpuguard.extract.spec import can_run
from gpuguard.extract.view import View
from gpuguard.model.usage import PoolUsage, PurchaseModel, Units, Unknown

RESERVATIONS = ("google_compute_reservation", "google_compute_future_reservation")
INSTANCE_TEMPLATES = ("google_compute_instance_template", "google_compute_region_instance_template")
TEMPLATE_BY = ("self_link", "self_link_unique", "id", "name")
NODE_GROUPS = ("google_compute_node_group",)
NODE_TEMPLATES = ("google_compute_node_template",)
_NAMED = re.compile(r"(?:^|/)reservations/([^/]+)")
_ZERO = Decimal(0)
_MOST_NAMES = 20
_MOST_RESERVATIONS = 100
"""Reservations that one machine may name, and those in a zone; more of them stand only in a file made to be slow."""


class Holder(msgspec.Struct, frozen=True):
    """What says of some machines where they may run: the view with their reservation affinity, and their zones.

    `zones` holds the names of zones, or of a region where the zones in it are not known; `automatic` tells whether they
    consume a matching reservation that they do not name.
    """

    view: View | None
    zones: frozenset[str] = frozenset()
    automatic: bool = True


class _Capacity(msgspec.Struct):
    """What is left of a reservation at minimum, expected and maximum size; None: only apply can tell how much it holds."""

    left: list[Decimal | None]
    taken: dict[tuple[int, int], Units]


def consumed(view: View, pools: Iterable[tuple[PoolUsage, Holder]]) -> tuple[PoolUsage, ...]:
    """The pools of a resource, split into what a reservation of the same change holds and the rest.

    Reservations are used up in the order of the document.
    """
    return tuple(part for position, (pool, holder) in enumerate(pools) for part in _split(view, position, pool, holder))


def _split(view: View, position: int, pool: PoolUsage, holder: Holder) -> list[PoolUsage]:
    host = _host(holder)
    if host is not None:
        return [replace(pool, covered_by=host.address, once=None)]
    if holder.view is None or pool.purchase_model in ("spot", "flex_start") or not can_run(pool.units):
        return [pool]
    affinity = holder.view.block("reservation_affinity")
    kind = (affinity.string("type") or affinity.string("consume_reservation_type")) if affinity is not None else None
    if affinity is not None and kind is not None and kind.startswith("SPECIFIC"):
        found = _named(affinity, holder.zones)
        if not found:
            view.note(
                "info",
                "outside-reservation",
                "it runs in a reservation that the plan does not hold: it is priced as if nothing else paid for it",
            )
    elif kind in (None, "ANY_RESERVATION") and (holder.automatic or kind is not None):
        found = _matching(holder, pool)
    else:
        return [pool]
    # who names one reservation runs there or not at all; SPECIFIC_THEN_ANY_RESERVATION and the like run elsewhere, too
    return _fill(view, position, pool, found, exclusive=kind == "SPECIFIC_RESERVATION") if found else [pool]


def _fill(view: View, position: int, pool: PoolUsage, found: list[View], *, exclusive: bool) -> list[PoolUsage]:
    """The machines put into reservations as far as these reach, and those that are left."""
    parts: list[PoolUsage] = []
    rest = pool.units
    for reservation in found:
        units = _take(reservation, (id(view.node), position), rest, whole=exclusive)
        if can_run(units):
            parts.append(_inside(pool, reservation, units))
            rest = Units(*(_less(size, part) for size, part in zip(rest.sizes, units.sizes, strict=True)))
    if exclusive and can_run(rest):
        last = parts.pop() if parts else _inside(pool, found[-1], Units.fixed(0))
        sums = (_plus(size, part) for size, part in zip(last.units.sizes, rest.sizes, strict=True))
        parts.append(replace(last, units=Units(*sums)))
        rest = Units.fixed(0)
        view.note(
            "info",
            "reservation-exceeded",
            f"it may ask for more machines than {last.covered_by} has left; they cannot start there and add nothing",
        )
    if parts and pool.disks:
        view.note("info", "reservation-disks", f"{parts[0].covered_by} pays for it; its disks are not counted")
    return [*parts, replace(pool, units=rest)] if can_run(rest) else parts


def _inside(pool: PoolUsage, reservation: View, units: Units) -> PoolUsage:
    block = reservation.string("reservation_mode") == "CALENDAR"
    model: PurchaseModel = "capacity_block" if block else "capacity_reservation"
    return replace(pool, units=units, covered_by=reservation.address, purchase_model=model, once=None)


def _less(size: Decimal | None, part: Decimal | None) -> Decimal | None:
    """What is left of a size; nothing of an unknown one that is taken whole."""
    if size is None:
        return _ZERO if part is None else None
    return size if part is None else size - part


def _plus(size: Decimal | None, part: Decimal | None) -> Decimal | None:
    return None if size is None or part is None else size + part


def _take(reservation: View, key: tuple[int, int], wanted: Units, *, whole: bool) -> Units:
    """As much of a reservation as is asked for and left; asked again, the same.

    An unknown number of machines that can run nowhere else (`whole`) is taken to fit.
    """
    known = ("google.reservation", id(reservation.node), reservation.side)
    memo = reservation.context.memo
    if known not in memo:
        memo[known] = _Capacity([reserved_count(reservation)] * 3, {})
    capacity: _Capacity = memo[known]
    if key not in capacity.taken:
        sizes: list[Decimal | None] = []
        for index, size in enumerate(wanted.sizes):
            left = capacity.left[index]
            if size is None:
                sizes.append(None if whole else _ZERO)
                continue
            part = size if left is None else min(size, left)
            sizes.append(part)
            capacity.left[index] = None if left is None else left - part
        capacity.taken[key] = Units(*sizes)
    return capacity.taken[key]


def reserved_count(reservation: View) -> Decimal | None:
    """How many machines a reservation holds; None: only apply can tell."""
    own = reservation.block("specific_reservation")
    count = own.number("count") if own is not None else None
    if own is None:
        own = reservation.block("specific_sku_properties")
        count = own.number("total_count") if own is not None else None
    return count if isinstance(count, Decimal) else None


def _named(affinity: View, zones: frozenset[str]) -> list[View]:
    """The reservations that an affinity names and that lie where the machines do."""
    target = affinity.block("specific_reservation") or affinity
    values = target.get("values")
    many = min(len(values), _MOST_NAMES) if isinstance(values, list) else 1
    found: list[View] = []
    for index in range(many):
        path = f"values.{index}"
        name = target.known(path)
        if isinstance(name, str):
            found.extend(_called(affinity, name))
        elif values is not None:
            link = target.follow((path,), RESERVATIONS, ("name", "id", "self_link"))
            found.extend(link.views[:1] if link.assumed and len(link.views) > 1 else link.views)
    return [each for each in found if _lies_in(each, zones)]


class _Known(msgspec.Struct):
    """The reservations of a document on one side: by name, by the beginning of their names, and open ones by zone."""

    named: dict[str, list[View]]
    starting: list[tuple[str, View]]
    open: dict[str, list[View]]


def _known(view: View) -> _Known:
    """Looked for once."""
    key = ("google.reservations", view.side)
    known: _Known | None = view.context.memo.get(key)
    if known is None:
        known = view.context.memo[key] = _Known({}, [], {})
        for node in (node for type_ in RESERVATIONS for node in view.context.document.current(type_)):
            if node.values(view.side) is not None:
                _enter(known, View(view.context, node, view.side, []))
    return known


def _enter(known: _Known, each: View) -> None:
    for path in ("name", "reservation_name"):
        name = each.string(path)
        if name is not None:
            known.named.setdefault(name, []).append(each)
    start, zone = each.string("name_prefix"), place(each)
    if start is not None:
        known.starting.append((start, each))
    if each.node.type == RESERVATIONS[0] and zone is not None and not each.flag("specific_reservation_required"):
        known.open.setdefault(zone, []).append(each)


def _called(view: View, value: str) -> list[View]:
    """The reservations of a name, also those that a future reservation is going to create under it."""
    match = _NAMED.search(value)
    name = match[1] if match else tail(value)
    known = _known(view)
    return [
        *known.named.get(name, ())[:_MOST_NAMES],
        *(each for start, each in known.starting[:_MOST_RESERVATIONS] if name.startswith(start)),
    ]


def _lies_in(reservation: View, zones: frozenset[str]) -> bool:
    zone = place(reservation)
    if zone is None or not zones:
        return True
    return zone in zones or reservation.context.region_of_zone("gcp", zone) in zones


def _matching(holder: Holder, pool: PoolUsage) -> list[View]:
    """The reservations that machines with these properties consume without naming them."""
    if holder.view is None or len(pool.options) != 1 or len(holder.zones) != 1:
        return []
    (zone,) = holder.zones
    nearby = _known(holder.view).open.get(zone, ())[:_MOST_RESERVATIONS]
    return [each for each in nearby if _has_properties(each, holder.view, pool)]


def _has_properties(reservation: View, holder: View, pool: PoolUsage) -> bool:
    """Machine type, accelerators, minimum CPU platform and local SSDs must be the same."""
    properties = reservation.block("specific_reservation.0.instance_properties")
    if properties is None:
        link = reservation.follow(("specific_reservation.0.source_instance_template",), INSTANCE_TEMPLATES, TEMPLATE_BY)
        return len(link.views) == 1 and link.views[0].node is holder.node
    if tail(properties.string("machine_type") or "") != tail(pool.options[0].sku):
        return False
    if (properties.string("min_cpu_platform") or None) != holder.string("min_cpu_platform"):
        return False
    reserved = sorted(
        (tail(each.string("accelerator_type") or ""), each.known_number("accelerator_count") or _ZERO)
        for each in properties.blocks("guest_accelerators")
    )
    attached = sorted((each.name, each.count) for each in pool.accelerators)
    # Machine types that bundle their accelerators need not repeat them.
    if reserved != attached and (pool.options[0].sku.startswith("n1-") or (reserved and attached)):
        return False
    partitions = sum(disk.count for disk in pool.disks if disk.role == "local_ssd")
    return partitions == len(properties.blocks("local_ssds"))


def _host(holder: Holder) -> View | None:
    """The group of sole-tenant nodes with accelerators that the machines are bound to."""
    view = holder.view
    if view is None:
        return None
    named = [view] if view.known("node_group") else []
    for path in ("scheduling.0.node_affinities", "sole_tenant_config.0.node_affinity"):
        named.extend(each for each in view.blocks(path)[:_MOST_NAMES] if each.string("operator") == "IN")
    for each in named:
        path = "node_group" if each is view else "values.0"
        link = each.follow((path,), NODE_GROUPS, ("name", "id", "self_link"))
        for group in link.views[:1]:
            template = group.follow(("node_template",), NODE_TEMPLATES, ("self_link", "id", "name")).first
            if template is not None and node_accelerator(template) is not None:
                return group
    return None


_NODE_ACCELERATORS = (
    ("g2-node-", "nvidia-l4", 8),
    ("a2-highgpu-node-", "nvidia-tesla-a100", 8),
    ("a2-megagpu-node-", "nvidia-tesla-a100", 16),
    ("a2-ultragpu-node-", "nvidia-a100-80gb", 8),
    ("a3-highgpu-node-", "nvidia-h100-80gb", 8),
    ("a3-megagpu-node-", "nvidia-h100-mega-80gb", 8),
)
"""Accelerators of the sole-tenant node types that bundle them: those of the largest machine of the family
(https://cloud.google.com/compute/docs/nodes/sole-tenant-nodes#node_types)."""


def node_accelerator(template: View) -> tuple[str, Decimal | Unknown] | None:
    """The accelerator of a sole-tenant node and how many it has: attached to it, or part of its type."""
    for block in template.blocks("accelerators"):
        name, count = block.string("accelerator_type"), block.number("accelerator_count")
        if name is not None and count != 0:
            return tail(name), Decimal(1) if count is None else count
    node_type = tail(template.string("node_type") or "")
    return next(
        ((name, Decimal(count)) for start, name, count in _NODE_ACCELERATORS if node_type.startswith(start)), None
    )
