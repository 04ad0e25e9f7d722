"""Machines that run inside something paid for already: a capacity reservation, a dedicated host.

A machine uses a reservation only where it names the reservation's group, and its size and zone are those of the
reservation. Azure lets more of them run than are reserved; what is above the reserved number is billed on its own
(https://learn.microsoft.com/azure/virtual-machines/capacity-reservation-overview,
https://learn.microsoft.com/azure/virtual-machines/capacity-reservation-overallocate). Of a dedicated host the host is
billed, and none of the machines on it (https://learn.microsoft.com/azure/virtual-machines/dedicated-hosts#pricing).
"""

from collections.abc import Callable, Iterator
from decimal import Decimal

import msgspec
from msgspec.structs import replace

from gpuguard.extract.providers.azurerm.aks_sizes import agent_pool_units, node_pool_units
from gpuguard.extract.providers.azurerm.common import purchase_model
from gpuguard.extract.providers.azurerm.schedules import scale_set_sizes
from gpuguard.extract.spec import can_run
from gpuguard.extract.view import View
from gpuguard.model.usage import PoolUsage, Units, Unknown

GROUP = "azurerm_capacity_reservation_group"
RESERVATION = "azurerm_capacity_reservation"
HOST = "azurerm_dedicated_host"
HOST_GROUP = "azurerm_dedicated_host_group"
_AZAPI = "azapi_resource"
_ZERO = Decimal(0)
_MOST_RESERVATIONS = 100
"""Of one size in one group, where Azure allows one for each zone."""


class User(msgspec.Struct, frozen=True):
    """A type whose machines may run in a reservation: where it names the group, its size, its zones, and how many run."""

    type: str
    group: str
    size: str
    zones: str
    units: Callable[[View], Units]
    spot: str = "priority"


def _one(view: View) -> Units:
    return Units.fixed(1)


def _set_units(view: View) -> Units:
    return scale_set_sizes(view).units


def _default_pool_units(view: View) -> Units:
    block = view.block("default_node_pool")
    return Units.fixed(0) if block is None else node_pool_units(block)


def _arm_set_units(view: View) -> Units:
    size = view.number("body.sku.capacity")
    return Units.fixed(None if isinstance(size, Unknown) else size or 0)


def _agent_pool_units(view: View) -> Units:
    block = view.block("body.properties")
    return Units.fixed(0) if block is None else agent_pool_units(block)


_GROUP_ID = "capacity_reservation_group_id"
_ARM_GROUP = "capacityReservation.capacityReservationGroup.id"
_USERS = (
    User("azurerm_linux_virtual_machine", _GROUP_ID, "size", "zone", _one),
    User("azurerm_windows_virtual_machine", _GROUP_ID, "size", "zone", _one),
    User("azurerm_linux_virtual_machine_scale_set", _GROUP_ID, "sku", "zones", _set_units),
    User("azurerm_windows_virtual_machine_scale_set", _GROUP_ID, "sku", "zones", _set_units),
    User("azurerm_orchestrated_virtual_machine_scale_set", _GROUP_ID, "sku_name", "zones", _set_units),
    User("azurerm_kubernetes_cluster", f"default_node_pool.0.{_GROUP_ID}", "default_node_pool.0.vm_size",
         "default_node_pool.0.zones", _default_pool_units),
    User("azurerm_kubernetes_cluster_node_pool", _GROUP_ID, "vm_size", "zones", node_pool_units),
    User(_AZAPI, f"body.properties.{_ARM_GROUP}", "body.properties.hardwareProfile.vmSize", "body.zones", _one,
         "body.properties.priority"),
    User(_AZAPI, f"body.properties.virtualMachineProfile.{_ARM_GROUP}", "body.sku.name", "body.zones", _arm_set_units,
         "body.properties.virtualMachineProfile.priority"),
    User(_AZAPI, "body.properties.capacityReservationGroupID", "body.properties.vmSize",
         "body.properties.availabilityZones", _agent_pool_units, "body.properties.scaleSetPriority"),
)  # fmt: skip


class _Reserved(msgspec.Struct):
    """What a reservation still has for each size."""

    address: str
    size: str
    zones: frozenset[str]
    left: list[Decimal]


_Shares = dict[tuple[int, str], list[tuple[str, Units]]]
"""By user (identity of its node, where it names the group): parts of it, each in a reservation."""


def reserved(view: View, pool: PoolUsage, path: str = _GROUP_ID) -> tuple[PoolUsage, ...]:
    """A pool in two parts: what runs in a reservation of the group named at `path`, and the rest."""
    if view.text(path) is None or pool.purchase_model == "spot":  # spot machines cannot use one
        return (pool,)
    size = pool.options[0].sku.lower() if len(pool.options) == 1 else ""
    groups = _groups(view, path, size)
    if len(groups) != 1:
        several = "the plan does not say which of several capacity reservation groups it names"
        elsewhere = "it names a capacity reservation group that the plan does not hold"
        view.note(
            "info",
            "reservation-elsewhere",
            f"{several if groups else elsewhere}; its machines are priced as if none was free",
        )
        return (pool,)
    _tell_assumed(view, path, groups[0])
    # a default node pool names the group inside a block of its cluster
    place = ".".join((*map(str, view.prefix), path))
    parts = _shares(groups[0]).get((id(view.node), place), [])
    if not parts:
        view.note(
            "info",
            "reservation-does-not-fit",
            f"no reservation of {groups[0].address} has its size and zone and room for it: it is priced on its own",
        )
        return (pool,)
    covered = tuple(_covered(view, pool, address, units) for address, units in parts)
    rest = pool.units
    for _, units in parts:
        rest = _less(rest, units)
    return (*covered, replace(pool, units=rest)) if can_run(rest) else covered


def hosted(view: View, pool: PoolUsage, host_path: str, group_path: str) -> PoolUsage:
    """A pool on a dedicated host, if it names one or a group of hosts: the host pays for it, wherever it is described."""
    for path, find in ((host_path, _host), (group_path, _host_of_group)):
        named = view.text(path) if path else None  # a state has "" for what is not set
        if named is None:
            continue
        address = find(view, path) or (named if isinstance(named, str) else None)
        if address is not None:
            return _covered(view, pool, address, pool.units)
        view.note(
            "info",
            "host-elsewhere",
            f"{path} is known only after apply: it is priced as if it ran on no dedicated host",
        )
    return pool


def _host(view: View, path: str) -> str | None:
    host = view.follow((path,), (HOST, _AZAPI), ("id",)).first
    return host.address if host is not None else None


def _host_of_group(view: View, path: str) -> str | None:
    """A host of the group, else the group itself."""
    group = view.follow((path,), (HOST_GROUP, _AZAPI), ("id",)).first
    if group is None:
        return None
    hosts = [*group.referring((HOST,), "dedicated_host_group_id"), *group.referring((_AZAPI,), "parent_id")]
    return hosts[0].address if hosts else group.address


def _covered(view: View, pool: PoolUsage, address: str, units: Units) -> PoolUsage:
    if pool.disks or pool.os != "linux":
        view.note(
            "info",
            "covered-extras",
            f"it runs in {address}, which pays for the machine; its disks and its operating system's licence are billed"
            " beside that and not counted",
        )
    return replace(pool, covered_by=address, units=units, purchase_model="on_demand")


def _less(units: Units, part: Units) -> Units:
    sizes = (
        None if size is None else size - (taken or _ZERO)
        for size, taken in zip((units.min, units.expected, units.max), (part.min, part.expected, part.max), strict=True)
    )
    return Units(*sizes)


def _groups(view: View, path: str, size: str) -> list[View]:
    """The groups that a machine may name; where an expression mentions several, those that reserve its size."""
    found = list(view.follow((path,), (GROUP, _AZAPI), ("id",)).views)
    if len(found) < 2:
        return found
    return [group for group in found if size in _reserved_sizes(group)] or found


def _tell_assumed(view: View, path: str, group: View) -> None:
    found = view.follow((path,), (GROUP, _AZAPI), ("id",))
    if len(found.views) > 1 or found.assumed:
        how = found.assumed or "which reserves its size"
        view.note(
            "info", "assumed-reservation", f"the plan hides which group it names; {group.address}, {how}, is assumed"
        )


def _reserved_sizes(group: View) -> frozenset[str]:
    key = (_reserved_sizes, id(group.node), group.side)
    known: frozenset[str] | None = group.context.memo.get(key)
    if known is None:
        known = group.context.memo[key] = frozenset(each.size for each in _reservations(_alone(group)))
    return known


def _alone(view: View) -> View:
    """The same resource, whose notes go nowhere: what is read on behalf of another."""
    return View(view.context, view.node, view.side, [])


def _shares(group: View) -> _Shares:
    """Who of all that name a group gets what it reserves, in the order of the document; worked out once."""
    key = (_shares, id(group.node), group.side)
    known: _Shares | None = group.context.memo.get(key)
    if known is None:
        known = group.context.memo[key] = _allocated(_alone(group))
    return known


def _allocated(group: View) -> _Shares:
    stock: dict[str, list[_Reserved]] = {}
    for each in _reservations(group):
        stock.setdefault(each.size, []).append(each)
    shares: _Shares = {}
    for view, user in _users(group).get(id(group.node), ()) if stock else ():
        size = view.string(user.size)
        taken = list(_taken(view, user, stock.get((size or "").lower(), [])))
        if taken:
            shares[(id(view.node), user.group)] = taken
    return shares


_Users = dict[int, list[tuple[View, User]]]
"""By group (identity of its node): the machines that name it and may run in what it reserves."""


def _users(view: View) -> _Users:
    """Who names which group, over all of the document; read once, in the same way as each of them is read itself."""
    key = (_users, view.side)
    known: _Users | None = view.context.memo.get(key)
    if known is None:
        known = view.context.memo[key] = {}
        for user in _USERS:
            for node in view.context.document.current(user.type):
                each = View(view.context, node, view.side, [])
                if node.values(view.side) is None or each.text(user.group) is None or _is_spot(each, user):
                    continue
                groups = _groups(each, user.group, (each.string(user.size) or "").lower())
                if len(groups) == 1:
                    known.setdefault(id(groups[0].node), []).append((each, user))
    return known


def _is_spot(view: View, user: User) -> bool:
    return purchase_model(view) == "spot" or (view.string(user.spot) or "").lower() in ("spot", "low")


def _taken(view: View, user: User, stock: list[_Reserved]) -> Iterator[tuple[str, Units]]:
    units = user.units(view)
    wanted = [size or _ZERO for size in (units.min, units.expected, units.max)]  # an unknown size reserves nothing
    names = view.texts(user.zones)
    zones = frozenset() if isinstance(names, Unknown) else frozenset(names)
    for each in stock[:_MOST_RESERVATIONS]:
        if not any(wanted):
            return
        if each.zones and zones and not each.zones & zones:
            continue
        part = [min(size, left) for size, left in zip(wanted, each.left, strict=True)]
        if not any(part):
            continue
        each.left = [left - size for left, size in zip(each.left, part, strict=True)]
        wanted = [size - taken for size, taken in zip(wanted, part, strict=True)]
        yield each.address, Units(*part)


def _reservations(group: View) -> Iterator[_Reserved]:
    for view in group.referring((RESERVATION,), _GROUP_ID):
        yield from _reservation(view, "sku.0.name", "sku.0.capacity", "zone")
    for view in group.referring((_AZAPI,), "parent_id"):
        yield from _reservation(view, "body.sku.name", "body.sku.capacity", "body.zones")


def _reservation(view: View, size: str, capacity: str, zones: str) -> Iterator[_Reserved]:
    name, count = view.string(size), view.known_number(capacity)
    places = view.texts(zones)
    if name and count:
        where = frozenset() if isinstance(places, Unknown) else frozenset(places)
        yield _Reserved(view.address, name.lower(), where, [count, count, count])
