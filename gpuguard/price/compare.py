"""What differs between two catalogs, and which of it nobody should believe without a look.

`differences` compares the prices and machine types of two sets of rows (`store.read_rows`). `implausible` judges what a
refresh would do: a price that moved to three times or a third, a machine that lost its list price, prices that
are not above zero, purchase models that melt away. Used by ``catalog diff`` and by ``catalog refresh``.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal
from statistics import median
from typing import Literal

import msgspec

from gpuguard.price.schema import COLUMNS, Row, Value
from gpuguard.price.store import Rows

FACTOR = 3
"""A price that becomes so many times, or such a part of, what it was is not believed."""
MOST_LOST = Decimal("0.2")
"""Share of the prices of one purchase model that may go in one refresh."""
_FEW = 5
"""So many prices may go whatever their share: small tables lose a row now and then."""
_FEW_OF_REGION = 2
"""The same for one region."""
_LEAST_SHARE = Decimal("0.02")
"""No cloud sells a machine for less than this share of its list price; Azure's deepest discount on spot is 90 %."""
_LEAST_MACHINE = Decimal("0.02")
"""USD an hour: no accelerator is rented for less; a share of one begins at some cents."""
_LOOSE = ("derived", "order of magnitude", "superseded")
"""Notes of prices that are estimates: a real figure may be far from them."""

_PRICE_KEY = 8
_USD, _LOW, _HIGH, _UPFRONT, _SOURCE, _NOTE = (
    COLUMNS["price"].index(name) for name in ("usd", "low", "high", "upfront", "source", "note")
)

Change = Literal["added", "removed", "dearer", "cheaper", "range", "new type", "type gone", "type changed"]


class PriceRow(msgspec.Struct, frozen=True):
    """The key of a price; what it is a price of."""

    cloud: str
    kind: str
    sku: str
    region: str
    os: str
    purchase_model: str
    term: str
    payment: str


class Difference(msgspec.Struct, frozen=True):
    """One price that came, went or moved. `before` and `after` are USD per `unit`, None where there is none.

    `percent` is the move, of what it was before; `doubt` says why a refresh refuses it, or is empty.
    """

    change: Change
    key: PriceRow
    unit: str
    before: Decimal | None
    after: Decimal | None
    percent: Decimal | None = None
    doubt: str = ""


class Comparison(msgspec.Struct, frozen=True):
    """All differences of the prices, sorted by key, and the machine types that came and went."""

    prices: tuple[Difference, ...]
    types_added: tuple[tuple[str, str], ...]
    types_removed: tuple[tuple[str, str], ...]
    types_changed: tuple[tuple[str, str], ...]
    doubts: tuple[str, ...]
    """Reasons that no single price shows: most of a purchase model is gone."""

    @property
    def doubtful(self) -> bool:
        """Whether anything in it is not to be believed without a look."""
        return bool(self.doubts) or any(each.doubt for each in self.prices)


def differences(old: Rows, new: Rows) -> Comparison:
    """Compare two catalogs. Sources, notes and dates alone are no difference."""
    before, after = _prices(old), _prices(new)
    retired = {(row[0], row[2]) for row in new["instance_type"] if row[10] == "retired"}
    usual = _Usual(before, after)
    found = [
        each
        for key in sorted(before.keys() | after.keys())
        if (each := _difference(key, before.get(key), after.get(key), retired, usual)) is not None
    ]
    types_before, types_after = _types(old), _types(new)
    return Comparison(
        prices=tuple(found),
        types_added=tuple(sorted(types_after.keys() - types_before.keys())),
        types_removed=tuple(sorted(types_before.keys() - types_after.keys())),
        types_changed=tuple(
            sorted(key for key in types_before.keys() & types_after.keys() if types_before[key] != types_after[key])
        ),
        doubts=tuple(_melted(before, after)),
    )


class _Usual:
    """What a price that was not there before is held against: the list price, and the same thing in other regions."""

    def __init__(self, before: Mapping[tuple[str, ...], Row], after: Mapping[tuple[str, ...], Row]) -> None:
        self._after = after
        self._elsewhere: dict[tuple[str, ...], list[Decimal]] = {}
        for key, row in before.items():
            self._elsewhere.setdefault((*key[:3], *key[4:]), []).append(Decimal(str(row[_USD])))

    def doubt(self, name: PriceRow, usd: Decimal) -> str:
        """Why a new price is not to be believed, or an empty string."""
        if name.kind == "machine" and usd < _LEAST_MACHINE:
            return f"less than {_LEAST_MACHINE} USD an hour"
        others = self._elsewhere.get(
            (name.cloud, name.kind, name.sku, name.os, name.purchase_model, name.term, name.payment)
        )
        if others and name.purchase_model != "spot":
            middle = median(others)
            if usd > FACTOR * middle or FACTOR * usd < middle:
                return f"more than {FACTOR} times away from what other regions ask"
        listed = self._after.get((name.cloud, name.kind, name.sku, name.region, name.os, "on_demand", "", ""))
        if listed is not None and name.purchase_model != "on_demand":
            price = Decimal(str(listed[_USD]))
            if usd < price * _LEAST_SHARE or usd > FACTOR * price:
                return "out of all proportion to the list price"
        return ""


def _prices(rows: Rows) -> dict[tuple[str, ...], Row]:
    return {tuple(str(cell) for cell in row[:_PRICE_KEY]): row for row in rows["price"]}


def _types(rows: Rows) -> dict[tuple[str, str], Row]:
    return {(str(row[0]), str(row[2])): row[3:13] for row in rows["instance_type"] if row[6] is not None}


def _difference(
    key: tuple[str, ...],
    old: Row | None,
    new: Row | None,
    retired: set[tuple[Value, Value]],
    usual: "_Usual",
) -> Difference | None:
    name = PriceRow(*key)
    row = new if new is not None else old
    if row is None:
        return None
    unit = str(row[8])
    was = None if old is None else Decimal(str(old[_USD]))
    now = None if new is None else Decimal(str(new[_USD]))
    nothing = "not above zero" if now is not None and now <= 0 else ""
    if was is None or old is None:
        return Difference("added", name, unit, None, now, doubt=nothing or (usual.doubt(name, now) if now else ""))
    if now is None or new is None:
        gone = (
            "its list price is gone"
            if name.purchase_model == "on_demand" and (name.cloud, name.sku) not in retired
            else ""
        )
        return Difference("removed", name, unit, was, None, doubt=gone)
    if was != now:
        far = now > FACTOR * was or FACTOR * now < was
        explained = any(word in str(old[_NOTE]) for word in _LOOSE)
        doubt = nothing or (f"more than {FACTOR} times away from what it was" if far and not explained else "")
        percent = (now - was) / was * 100 if was else None
        return Difference("dearer" if now > was else "cheaper", name, unit, was, now, percent, doubt)
    # no upfront payment is one of nothing
    if (old[_LOW], old[_HIGH], old[_UPFRONT] or "0") != (new[_LOW], new[_HIGH], new[_UPFRONT] or "0"):
        return Difference("range", name, unit, was, now, Decimal(0), nothing)
    return None


def _melted(before: Iterable[tuple[str, ...]], after: Mapping[tuple[str, ...], Row]) -> Iterable[str]:
    """Purchase models that lost too many prices at once, in a region or all over: how an API that changed looks."""
    keys = list(before)
    for regional, few in ((False, _FEW), (True, _FEW_OF_REGION)):
        totals = Counter(_group(key, regional) for key in keys)
        lost = Counter(_group(key, regional) for key in keys if key not in after)
        for group, gone in sorted(lost.items()):
            total = totals[group]
            if gone > few and gone > total * MOST_LOST:
                cloud, kind, model, region = group
                where = f" in {region}" if region else ""
                yield f"{gone} of {total} {cloud} {kind.replace('_', ' ')} prices bought as {model}{where} are gone"


def _group(key: tuple[str, ...], regional: bool) -> tuple[str, str, str, str]:
    return key[0], key[1], key[5], key[3] if regional else ""
