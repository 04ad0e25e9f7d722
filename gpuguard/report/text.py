"""Words, figures and widths that the renderers and `gpuguard explain` have in common.

Everything a plan names (addresses, tags, machine types) is written by strangers: `visible` makes it safe to print.
"""

import unicodedata
from collections.abc import Iterable
from decimal import Decimal
from functools import lru_cache
from typing import Final

from gpuguard.model import money as amounts
from gpuguard.model.report import Action, Component, Pool, Quantities, ResultOutcome
from gpuguard.model.usage import HOURS_PER_MONTH

MINUS: Final = "−"
ELLIPSIS: Final = "…"
NOT_PRICED: Final = "not priced"
UNKNOWN_TYPE: Final = "unknown machine type"

SYMBOLS: Final[dict[Action, str]] = {
    "create": "+",
    "update": "~",
    "replace": "-/+",
    "delete": "-",
    "no-op": "=",
    "forget": ".",
}
"""Terraform's own signs, where it has one; "." is what it prints for a resource it will no longer manage."""

OUTCOME_SYMBOLS: Final[dict[ResultOutcome, str]] = {
    "fail": "✗",
    "undecided": "?",
    "warn": "!",
    "approved": "✓",
    "waived": "✓",
    "pass": "✓",
    "skipped": "·",
}

PURCHASE_MODELS: Final = {
    "on_demand": "on demand",
    "spot": "spot",
    "reserved": "reserved",
    "savings_plan": "savings plan",
    "committed_use": "committed use",
    "capacity_block": "capacity block",
    "flex_start": "flex start",
    "capacity_reservation": "capacity reservation",
}


def money(amount: Decimal, currency: str = "USD") -> str:
    """An amount as people read it: ``$1,234`` from 100 up, ``$12.34`` below, ``−$5.00``; rounded half up.

    A currency other than US dollars is named: ``EUR 1,234``.
    """
    return _named(amounts.money(amount), currency)


def signed_money(amount: Decimal, currency: str = "USD") -> str:
    """A difference of amounts: ``+$39,445``, ``−$16,500``, ``$0``."""
    return _named(amounts.money(amount, signed=True), currency)


def _named(dollars: str, currency: str) -> str:
    return dollars if currency == "USD" else dollars.replace("$", f"{visible(currency)} ")


def unit_price(amount: Decimal, currency: str = "USD") -> str:
    """A price in full, every digit that the price list gives and at least cents: ``$98.32``, ``$0.0416``."""
    sign = MINUS if amount < 0 else ""
    whole, _, fraction = plain(abs(amount)).partition(".")
    return _named(f"{sign}${int(whole):,}.{fraction:<02}", currency)


def plural(count: int, noun: str) -> str:
    """``1 row``, ``2 rows``, ``1,234 rows``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def plain(amount: Decimal) -> str:
    """An amount as a decimal string without exponent, superfluous zeros or negative zero. Raises ValueError for NaN."""
    if not amount.is_finite():
        raise ValueError(f"{amount} is no amount of money")
    text = format(amount, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


def number(value: float | Decimal) -> str:
    """A quantity: at most three decimals, thousands separated, ``1,234`` or ``0.125``."""
    text = f"{value:,.3f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text.replace("-", MINUS)


def percent(value: float) -> str:
    """A signed share: ``+12 %``, ``−41 %``; one decimal below 1 %."""
    rounded = f"{abs(value):,.0f}" if abs(value) >= 1 or value == 0 else f"{abs(value):.1f}"
    sign = "" if float(rounded.replace(",", "")) == 0 else "+" if value > 0 else MINUS
    return f"{sign}{rounded} %"


def count(amount: int, singular: str, plural: str = "") -> str:
    """``1 resource``, ``2 resources``; `plural` where an s is not enough."""
    return f"{amount:,} {singular if amount == 1 else plural or singular + 's'}"


def quantities(units: Quantities) -> str:
    """``8`` where the bounds agree, else ``0…2…8`` (minimum, expected, maximum); ``?`` is what only apply can tell."""
    figures = ["?" if value is None else number(value) for value in (units.min, units.expected, units.max)]
    return figures[0] if len(set(figures)) == 1 else ELLIPSIS.join(figures)


def accelerators(pool: Pool) -> str:
    """What a pool holds: ``8 × H100-80GB``, ``3 × (4 × L4)``, ``0…2…8 × L4``."""
    units = quantities(pool.units)
    if pool.gpu is None:
        if pool.sku is None:
            return f"{units} × unknown GPU"
        return "1 machine" if units == "1" else f"{units} machines"
    model = visible(pool.gpu.model)
    if units == "1":
        return f"{number(pool.gpu.per_unit)} × {model}"
    if pool.gpu.per_unit == 1:
        return f"{units} × {model}"
    return f"{units} × ({number(pool.gpu.per_unit)} × {model})"


def machine(pool: Pool) -> str:
    """The machine type, and how many others could run in its place: ``g6.12xlarge or 2 other types``."""
    sku = UNKNOWN_TYPE if pool.sku is None else visible(pool.sku)
    others = [visible(name) for name in pool.candidates if name != pool.sku]
    if not others:
        return sku
    return f"{sku} or {others[0] if len(others) == 1 else f'{len(others)} other types'}"


def purchase(pool: Pool) -> str:
    """How a pool is bought: ``spot``, ``committed use 3y, no upfront``, ``on demand, 220 h/month``."""
    words = PURCHASE_MODELS[pool.purchase_model]
    if pool.term is not None:
        words += f" {pool.term}"
    parts = [words]
    if pool.payment is not None:
        parts.append(pool.payment.replace("_", " "))
    if Decimal(str(pool.hours_per_month)) != HOURS_PER_MONTH:
        parts.append(f"{number(pool.hours_per_month)} h/month")
    return ", ".join(parts)


def units(component: Component) -> str:
    """The unit of a component's quantity: ``hours``, ``GiB-month``."""
    plural = component.unit == "hour" and component.quantity != 1
    return "hours" if plural else visible(component.unit)


# Characters that take no room or look like a space although Unicode calls them letters, marks or symbols.
_INVISIBLE: Final = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0\ufffc"
    + "".join(map(chr, range(0xFE00, 0xFE10)))
)
_HIDDEN_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"})
_MARKS: Final = frozenset({"Mn", "Me", "Mc"})
_MOST_MARKS: Final = 3


@lru_cache(maxsize=4096)
def visible(text: str) -> str:
    """The text as one safe line: what would act on a terminal or hide from a reader is shown as its escape.

    Control characters, ANSI escapes, newlines, bidirectional overrides, lone surrogates, unusual spaces, zero-width
    and unassigned characters become ``\\x1b``, ``\\u202e``…; so do combining marks beyond three on one letter,
    which would paint over the lines above. The result can always be encoded as UTF-8.
    """
    if text.isascii() and text.isprintable():
        return text
    shown: list[str] = []
    marks = _MOST_MARKS  # a mark at the beginning has no letter of its own to stand on
    for char in text:
        category = unicodedata.category(char)
        if category in _MARKS:
            marks += 1
            shown.append(char if marks <= _MOST_MARKS and not _is_hidden(char, category) else _escape(char))
            continue
        hidden = _is_hidden(char, category)
        marks = _MOST_MARKS if hidden else 0
        shown.append(_escape(char) if hidden else char)
    return "".join(shown)


def _is_hidden(char: str, category: str) -> bool:
    if char == " ":
        return False
    return category in _HIDDEN_CATEGORIES or char in _INVISIBLE or 0xE0100 <= ord(char) <= 0xE01EF


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")


def display_width(text: str) -> int:
    """Columns the text takes on a terminal: wide characters two, combining marks and medial Hangul none."""
    if text.isascii():
        return len(text)
    return sum(map(_char_width, text))


def _char_width(char: str) -> int:
    if char.isascii():
        return 1
    if unicodedata.category(char) in {"Mn", "Me"} or "\u1160" <= char <= "\u11ff" or "\ud7b0" <= char <= "\ud7ff":
        return 0
    return 2 if unicodedata.east_asian_width(char) in {"W", "F"} else 1


def cut_middle(text: str, width: int) -> str:
    """The text in at most `width` columns, its middle replaced by … where it is longer: both ends say what it is."""
    if display_width(text) <= width:
        return text
    if width <= 1:
        return ELLIPSIS[:width]
    tail = _first_columns(reversed(text), width // 2)[::-1]
    # A mark that lost its letter to the cut would stand on the ellipsis.
    while tail and _char_width(tail[0]) == 0:
        tail = tail[1:]
    return f"{_first_columns(text, width - 1 - display_width(tail))}{ELLIPSIS}{tail}"


def cut_end(text: str, width: int) -> str:
    """The text in at most `width` columns, its end replaced by …"""
    return (
        text
        if display_width(text) <= width
        else f"{_first_columns(text, max(width - 1, 0))}{ELLIPSIS}"[: max(width, 0)]
    )


def split_columns(text: str, width: int) -> list[str]:
    """A word longer than the line in pieces of at most `width` columns (at least one character each)."""
    pieces: list[str] = []
    while display_width(text) > width:
        piece = _first_columns(text, width) or text[0]
        pieces.append(piece)
        text = text[len(piece) :]
    return [*pieces, text] if text else pieces


def _first_columns(chars: Iterable[str], width: int) -> str:
    taken: list[str] = []
    used = 0
    for char in chars:
        used += _char_width(char)
        if used > width:
            break
        taken.append(char)
    return "".join(taken)
