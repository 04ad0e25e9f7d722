"""``gpuguard catalog info|search|price|verify|diff|refresh``: what the tool believes about prices, and since when."""

import argparse
from decimal import Decimal, InvalidOperation
from typing import Any

from gpuguard.errors import UsageError

FORMATS = ("table", "json", "csv")
SORTS = ("price", "gpu-price", "sku", "region", "age")
_COMMANDS = ("info", "search", "price", "verify", "diff", "refresh")


def add_parser(commands: "argparse._SubParsersAction[Any]") -> None:
    """Describe the command and its own commands."""
    catalog = commands.add_parser(
        "catalog",
        help="look prices up, and keep them up to date",
        description="The price catalog: age and coverage, look-ups, integrity, what changed, and a refresh from price APIs.",
        allow_abbrev=False,
    )
    under = catalog.add_subparsers(dest="catalog_command", metavar="|".join(_COMMANDS), parser_class=type(catalog))
    info = under.add_parser(
        "info", help="version, age and coverage by cloud and purchase model, holes", allow_abbrev=False
    )
    _common(info, ("table", "json"))

    search = under.add_parser(
        "search", help="find accelerator machines by GPU, size, region and price", allow_abbrev=False
    )
    _common(search, FORMATS)
    search.add_argument("--gpu", metavar="MODEL", help="accelerator by any name a cloud gives it: H100, nvidia-l4, T4")
    search.add_argument("--min-gpus", metavar="N", type=_number, help="at least so many accelerators")
    search.add_argument("--max-gpus", metavar="N", type=_number, help="at most so many accelerators")
    search.add_argument(
        "--min-gpu-memory", metavar="GIB", type=_number, help="at least so much memory of all accelerators"
    )
    search.add_argument(
        "--cloud", action="append", default=[], metavar="CLOUD", help="only this cloud; may be repeated"
    )
    search.add_argument("--region", default="*", metavar="PATTERN", help="only these regions: 'us-*'")
    search.add_argument("--sku", default="*", metavar="PATTERN", help="only these machine types: 'p5*'")
    search.add_argument("--model", action="append", default=[], metavar="MODEL", help="only bought so: on_demand, spot, reserved, savings_plan, committed_use, capacity_block, flex_start; may be repeated")  # fmt: skip
    search.add_argument("--term", choices=("1y", "3y"), help="only commitments of this term")
    search.add_argument("--os", default="linux", metavar="OS", help="operating system (default: linux; `any` for all)")
    search.add_argument(
        "--sort", choices=SORTS, default="price", metavar="|".join(SORTS), help="order (default: price, cheapest first)"
    )
    search.add_argument(
        "--limit", metavar="N", type=int, default=None, help="at most so many rows; 0 for all (default: 30 in a table)"
    )
    search.add_argument("--retired", action="store_true", help="also machine types that can no longer be started")

    price = under.add_parser("price", help="all ways to buy one SKU in one region, side by side", allow_abbrev=False)
    _common(price, FORMATS)
    price.add_argument("sku", metavar="SKU", help="machine type, disk type or other SKU of the catalog")
    price.add_argument("region", metavar="REGION", help="region, as the cloud names it")
    price.add_argument("--cloud", metavar="CLOUD", help="cloud, where several have a SKU of that name")

    verify = under.add_parser(
        "verify", help="recompute the checksum and hold the rows against the manifest", allow_abbrev=False
    )
    verify.add_argument(
        "file",
        nargs="?",
        metavar="FILE",
        help="catalog file (default: the one the configuration pins, else the embedded one)",
    )
    _config_option(verify)

    diff = under.add_parser("diff", help="what changed between two catalogs", allow_abbrev=False)
    diff.add_argument("old", metavar="OLD", help="catalog file, or `embedded`")
    diff.add_argument("new", metavar="NEW", help="catalog file, or `embedded`")
    diff.add_argument(
        "--format",
        choices=FORMATS,
        default="table",
        metavar="|".join(FORMATS),
        help="format (default: table)",
    )
    diff.add_argument(
        "--limit", metavar="N", type=int, default=None, help="at most so many rows; 0 for all (default: 40 in a table)"
    )

    _add_refresh(under)


def run(arguments: argparse.Namespace) -> int:
    """Run one of the catalog's commands."""
    command = arguments.catalog_command
    if command is None:
        raise UsageError(
            f"`gpuguard catalog` needs a command: {', '.join(_COMMANDS)}", hint="see `gpuguard catalog --help`"
        )
    if command == "refresh":
        from gpuguard.cli.catalog import refresh

        return refresh.run(arguments)
    if command == "verify":
        from gpuguard.cli.catalog import verify

        return verify.run(arguments)
    if command == "diff":
        from gpuguard.cli.catalog import diff

        return diff.run(arguments)
    from gpuguard.cli import options

    with options.opened_catalog(arguments.catalog, options.configuration(arguments.config, [])) as catalog:
        if command == "info":
            from gpuguard.cli.catalog import info

            return info.run(catalog, arguments)
        if command == "search":
            from gpuguard.cli.catalog import search

            return search.run(catalog, arguments)
        from gpuguard.cli.catalog import price

        return price.run(catalog, arguments)


def _config_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config", metavar="FILE", help="configuration (default: gpuguard.yml of the current repository)"
    )


def _common(parser: argparse.ArgumentParser, formats: tuple[str, ...]) -> None:
    parser.add_argument("--catalog", metavar="FILE", help="price catalog to use instead of the one the configuration pins or the embedded one")  # fmt: skip
    _config_option(parser)
    parser.add_argument(
        "--format", choices=formats, default="table", metavar="|".join(formats), help="format (default: table)"
    )


def _add_refresh(under: "argparse._SubParsersAction[Any]") -> None:
    refresh = under.add_parser(
        "refresh",
        help="make a new catalog of what the price APIs say today",
        description=(
            "Asks the clouds' public price APIs and writes a new catalog file; the embedded one is never touched, and "
            "nothing uses the new one unless --catalog names it. Where gpuguard.yml pins catalog.url, fetches and "
            "verifies that file instead, unless an option below says what to ask."
        ),
        allow_abbrev=False,
    )
    refresh.add_argument(
        "--cloud", action="append", default=[], metavar="CLOUD", help="only this cloud; may be repeated"
    )
    refresh.add_argument("--region", action="append", default=[], metavar="PATTERN", help="only these regions: 'us-*'; may be repeated")  # fmt: skip
    refresh.add_argument("--only", action="append", default=[], metavar="MODEL", help="only prices bought so: on_demand, spot, reserved …; may be repeated")  # fmt: skip
    refresh.add_argument(
        "--out", metavar="FILE", help="catalog file to write (default: catalog.sqlite in the user's cache)"
    )
    refresh.add_argument("--accept", action="store_true", help="write the new catalog although changes are implausible")
    refresh.add_argument("--restart", action="store_true", help="forget what an interrupted refresh has read")
    refresh.add_argument("--endpoint", action="append", default=[], metavar="SOURCE=URL", help="another address of a price API, such as a mirror; may be repeated")  # fmt: skip
    _config_option(refresh)
    refresh.add_argument("--quiet", action="store_true", help="only what went wrong")


def _number(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal(-1)
    if not number.is_finite() or number < 0:
        raise argparse.ArgumentTypeError(f"expected a number of 0 or more, not {text[:40]!r}")
    return number
