"""``gpuguard catalog price SKU REGION``: all ways to buy one SKU, side by side."""

import argparse
import sys
from decimal import Decimal

from gpuguard.cli.catalog.words import bought
from gpuguard.errors import ExitCode
from gpuguard.price.catalog import Catalog
from gpuguard.price.quote import Quote, quotes
from gpuguard.report import grid
from gpuguard.report.grid import Column
from gpuguard.report.text import unit_price, visible


def run(catalog: Catalog, arguments: argparse.Namespace) -> int:
    """Print every price of a SKU in a region with its source and date."""
    found = quotes(catalog, arguments.sku, arguments.region, arguments.cloud)
    if arguments.format == "json":
        sys.stdout.write(grid.as_json(found.quotes))
    elif arguments.format == "csv":
        sys.stdout.write(grid.as_csv(found.quotes, Quote.__struct_fields__))
    else:
        sys.stdout.write(f"{visible(found.title)}\n\n")
        columns: list[Column[Quote]] = [
            Column("what", lambda each: each.kind.replace("_", " ") if each.kind != "machine" else ""),
            Column("bought", lambda each: bought(each.purchase_model, each.term)),
            Column("paid", lambda each: (each.payment or "").replace("_", " ")),
            Column("os", lambda each: each.os if each.os != "linux" else ""),
            Column("price", lambda each: _amount(each.usd), right=True),
            Column("unit", lambda each: each.unit),
            Column("range", _range),
            Column("upfront", lambda each: f"${each.upfront:,.0f}" if each.upfront else "", right=True),
            Column("a month", lambda each: f"${each.monthly:,.2f}" if each.monthly is not None else "", right=True),
            Column("saves", lambda each: f"{each.saving_percent:.0f} %" if each.saving_percent else "", right=True),
            Column("list", lambda each: _amount(each.list_usd) if each.list_usd != each.usd else "", right=True),
            Column("as of", lambda each: each.as_of),
            Column("source", lambda each: f"{each.source} ({each.note})" if each.note else each.source),
        ]
        sys.stdout.write(grid.table(found.quotes, columns))
        sys.stdout.write("".join(f"\n{visible(line)}" for line in found.notes) + ("\n" if found.notes else ""))
    return ExitCode.PASS


def _amount(usd: Decimal | None) -> str:
    return "" if usd is None else unit_price(usd)


def _range(each: Quote) -> str:
    if each.low is None or each.high is None:
        return ""
    return unit_price(each.low) if each.low == each.high else f"{unit_price(each.low)} to {unit_price(each.high)}"
