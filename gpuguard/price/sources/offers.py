"""What the sources of the smaller clouds share: exact prices, notes, and one price for every key."""

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

import msgspec

from gpuguard.errors import ServiceError
from gpuguard.price.sources.base import CHANGED, MOST_NOTES, Context, FetchedPrice, FetchedType, Found

_NUMBER = re.compile(rb"-?\d{1,12}(?:\.\d{1,12})?(?:[eE][+-]?\d)?\Z")
_LONGEST_NOTE = 300


class _Key(NamedTuple):
    sku: str
    region: str
    purchase_model: str


def exact(number: msgspec.Raw, where: str) -> Decimal | None:
    """A price to its last digit, as the JSON text has it, or None for a null.

    A text in quotation marks, a truth value or a number no price can be is a `ServiceError` that names `where`.
    """
    text = bytes(number).strip()
    if text == b"null":
        return None
    if not _NUMBER.match(text):
        raise ServiceError(f"{where}: a price was expected, not {text[:40]!r}", hint=CHANGED)
    return Decimal(text.decode())


def scoped(regions: Iterable[str], context: Context) -> tuple[str, ...]:
    """The regions a scope names: none, which is all, unless some are asked for.

    A region asked for by its name is named even where the catalog does not know it. A pattern that fits no region
    known stays as it is and holds no row: a scope without regions would hold them all.
    """
    asked = context.wanted.regions
    return tuple(sorted({*(name for name in regions if context.wanted.region(name)), *asked})) if asked else ()


class Offers:
    """Collects what one part says. Of two prices with one key the dearer stays, with a note."""

    def __init__(self) -> None:
        self._prices: dict[_Key, FetchedPrice] = {}
        self._types: dict[str, FetchedType] = {}
        self._notes: dict[str, None] = {}

    def price(self, sku: str, region: str, usd: Decimal, *, purchase_model: str = "on_demand", note: str = "") -> None:
        """Take the hourly price of a machine type in a region."""
        key = _Key(sku, region, purchase_model)
        known = self._prices.get(key)
        if known is not None and known.usd != usd:
            self.note(f"{sku}: listed twice in {region}, at {known.usd:f} and {usd:f} USD; the dearer one is taken")
        if known is None or usd > known.usd:
            self._prices[key] = FetchedPrice(
                kind="machine", sku=sku, region=region, unit="hour", usd=usd, purchase_model=purchase_model, note=note
            )

    def type(self, facts: FetchedType) -> None:
        """Take the facts of a machine type."""
        self._types.setdefault(facts.sku, facts)

    def note(self, text: str) -> None:
        """Tell what was met and not understood, once."""
        shown = "".join(sign if sign.isprintable() else "?" for sign in text)
        if len(self._notes) < MOST_NOTES:
            self._notes[shown if len(shown) <= _LONGEST_NOTE else f"{shown[: _LONGEST_NOTE - 1]}…"] = None

    def found(self, title: str, context: Context) -> Found:
        """All of it, in an order that does not depend on the order of the answer."""
        return Found(
            as_of=context.today,
            title=title,
            prices=tuple(self._prices[key] for key in sorted(self._prices)),
            types=tuple(self._types[sku] for sku in sorted(self._types)),
            notes=tuple(self._notes),
        )
