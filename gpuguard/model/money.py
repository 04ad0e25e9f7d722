"""Amounts in US dollars as people read them. Figures stay `Decimal` until they come here."""

from decimal import ROUND_HALF_UP, Decimal

_CENT = Decimal("0.01")
_DOLLAR = Decimal(1)
_WHOLE_DOLLARS_FROM = Decimal(100)


def money(amount: Decimal, *, signed: bool = False, cents: bool | None = None) -> str:
    """Write an amount: ``$39,445``, ``$7.30``, ``−$12.50``, ``$0``.

    From 100 dollars on cents are left out, unless `cents` says otherwise; a half is rounded away from zero. An amount
    that would read as nothing although it is something keeps its digits (``$0.0004``). `signed` puts a plus before
    an increase.
    """
    size = abs(amount)
    if not size:
        return "$0"
    whole = size >= _WHOLE_DOLLARS_FROM if cents is None else not cents
    rounded = size.quantize(_DOLLAR if whole else _CENT, ROUND_HALF_UP)
    text = f"{rounded:,}" if rounded else f"{size.normalize():f}"
    sign = "−" if amount < 0 else "+" if signed else ""
    return f"{sign}${text}"


def money_pair(one: Decimal, other: Decimal, *, signed: bool = False) -> tuple[str, str]:
    """Write two amounts with as many digits as it takes to tell them apart: ``$20,000.40`` and ``$20,000.00``.

    A limit and what is over it never read the same. `signed` is for the first of the two.
    """
    plain = money(one, signed=signed), money(other)
    if one == other or plain[0].lstrip("+") != plain[1]:
        return plain
    precise = money(one, signed=signed, cents=True), money(other, cents=True)
    if precise[0].lstrip("+") != precise[1]:
        return precise
    sign = "+" if signed else ""
    return f"{sign}${one.normalize():,f}", f"${other.normalize():,f}"
