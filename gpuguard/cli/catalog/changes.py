"""The differences of two catalogs on a terminal, as JSON or CSV."""

import sys
from decimal import Decimal

import msgspec

from gpuguard.cli.catalog.words import bought
from gpuguard.price.compare import Comparison, Difference
from gpuguard.report import grid
from gpuguard.report.grid import Column
from gpuguard.report.text import plural, unit_price, visible

_MOST = 40


class ChangeRow(msgspec.Struct, frozen=True):
    """One difference as a flat row."""

    change: str
    cloud: str
    kind: str
    sku: str
    region: str
    os: str
    purchase_model: str
    term: str | None
    payment: str | None
    unit: str
    before: Decimal | None
    after: Decimal | None
    percent: Decimal | None
    doubt: str


def print_comparison(comparison: Comparison, title: str, format: str, limit: int | None) -> None:
    """Write the differences to standard output: doubtful ones first, then the farthest moves."""
    if format == "table":
        sys.stdout.write(table(comparison, title, _MOST if limit is None else limit))
        return
    rows = _rows(comparison)
    rows = rows[: limit or len(rows)]
    if format == "csv":
        sys.stdout.write(grid.as_csv(rows, ChangeRow.__struct_fields__))
        return
    value = {
        "prices": rows,
        "types_added": [" ".join(pair) for pair in comparison.types_added],
        "types_removed": [" ".join(pair) for pair in comparison.types_removed],
        "types_changed": [" ".join(pair) for pair in comparison.types_changed],
        "doubts": comparison.doubts,
    }
    sys.stdout.write(grid.as_json(value))


def table(comparison: Comparison, title: str, limit: int) -> str:
    """The differences as text: what changed in all, then at most `limit` rows (0: all)."""
    counts = {
        name: sum(each.change == name for each in comparison.prices)
        for name in ("added", "removed", "dearer", "cheaper", "range")
    }
    words = [f"{count:,} {name}" for name, count in counts.items() if count]
    types = [
        f"{plural(len(pairs), 'machine type')} {word}: {', '.join(' '.join(pair) for pair in pairs[:8])}{' …' if len(pairs) > 8 else ''}"
        for word, pairs in (
            ("new", comparison.types_added),
            ("gone", comparison.types_removed),
            ("changed", comparison.types_changed),
        )
        if pairs
    ]
    lines = [
        visible(title),
        f"  prices: {' · '.join(words) if words else 'no difference'}",
        *(f"  {visible(line)}" for line in types),
    ]
    lines += [f"  doubtful: {visible(doubt)}" for doubt in comparison.doubts]
    rows = _rows(comparison)
    shown = rows[: limit or len(rows)]
    text = "\n".join(lines) + "\n"
    if shown:
        text += "\n" + grid.table(shown, _COLUMNS)
    if len(shown) < len(rows):
        text += f"… {plural(len(rows) - len(shown), 'more row')}\n"
    return text


_COLUMNS: list[Column[ChangeRow]] = [
    Column("change", lambda each: each.change),
    Column("cloud", lambda each: each.cloud),
    Column("region", lambda each: each.region),
    Column("sku", lambda each: each.sku),
    Column("kind", lambda each: each.kind.replace("_", " ") if each.kind != "machine" else ""),
    Column("bought", lambda each: bought(each.purchase_model, each.term)),
    Column("paid", lambda each: (each.payment or "").replace("_", " ")),
    Column("os", lambda each: each.os if each.os != "linux" else ""),
    Column("before", lambda each: unit_price(each.before) if each.before is not None else "", right=True),
    Column("after", lambda each: unit_price(each.after) if each.after is not None else "", right=True),
    Column("", lambda each: f"{each.percent:+.1f} %" if each.percent else "", right=True),
    Column("doubtful because", lambda each: each.doubt),
]


def _rows(comparison: Comparison) -> list[ChangeRow]:
    return [_flat(each) for each in sorted(comparison.prices, key=_rank)]


def _rank(each: Difference) -> tuple[bool, Decimal, tuple[str, ...]]:
    key = each.key
    return (
        not each.doubt,
        -abs(each.percent or Decimal(0)),
        (each.change, key.cloud, key.sku, key.region, key.purchase_model),
    )


def _flat(each: Difference) -> ChangeRow:
    key = each.key
    percent = None if each.percent is None else Decimal(f"{each.percent:.2f}")
    return ChangeRow(
        each.change, key.cloud, key.kind, key.sku, key.region, key.os, key.purchase_model, key.term or None,
        key.payment or None, each.unit, each.before, each.after, percent, each.doubt,
    )  # fmt: skip
