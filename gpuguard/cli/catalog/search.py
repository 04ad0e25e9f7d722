"""``gpuguard catalog search``: find accelerator machines."""

import argparse
import difflib
import sys
from decimal import Decimal
from typing import cast

from gpuguard.cli.catalog.words import bought
from gpuguard.errors import ExitCode, UsageError
from gpuguard.price.catalog import Catalog
from gpuguard.price.schema import EVERYWHERE, OPERATING_SYSTEMS, PURCHASE_MODELS
from gpuguard.price.search import Offer, Query, Sort, search, sorted_by
from gpuguard.report import grid
from gpuguard.report.grid import Column
from gpuguard.report.text import plural, unit_price


def run(catalog: Catalog, arguments: argparse.Namespace) -> int:
    """Print the offers that fit."""
    offers = sorted_by(search(catalog, _query(catalog, arguments)), cast("Sort", arguments.sort))
    limit = 30 if arguments.limit is None and arguments.format == "table" else arguments.limit or len(offers)
    shown = offers[:limit]
    if arguments.format == "json":
        sys.stdout.write(grid.as_json(shown))
    elif arguments.format == "csv":
        sys.stdout.write(grid.as_csv(shown, Offer.__struct_fields__))
    elif not offers:
        sys.stdout.write("nothing in the catalog fits\n")
    else:
        sys.stdout.write(grid.table(shown, _offer_columns()))
        if any(each.region == EVERYWHERE for each in shown):
            sys.stdout.write("* one price for all regions; which of them have the machine is not known\n")
        if len(shown) < len(offers):
            sys.stdout.write(f"… {plural(len(offers) - len(shown), 'more row')}; --limit 0 shows all\n")
    return ExitCode.PASS


def _query(catalog: Catalog, arguments: argparse.Namespace) -> Query:
    def known(option: str, names: list[str], choices: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name not in choices:
                raise UsageError(f"{option} {name[:60]!r} is unknown", hint=f"expected one of {', '.join(choices)}")
        return tuple(names)

    gpu = None
    if arguments.gpu is not None:
        model = catalog.accelerator(arguments.gpu)
        if model is None:
            names = [each.model for each in catalog.accelerators]
            folded = {name.lower(): name for name in names}
            near = difflib.get_close_matches(arguments.gpu.lower()[:60], folded, 4, 0.4)
            hint = f"did you mean {', '.join(folded[name] for name in near)}?" if near else f"known: {', '.join(names)}"
            raise UsageError(f"--gpu {arguments.gpu[:60]!r}: the catalog knows no accelerator of that name", hint=hint)
        gpu = model.model
    if arguments.limit is not None and arguments.limit < 0:
        raise UsageError("--limit takes a number of rows, 0 for all")
    systems = known("--os", [] if arguments.os == "any" else [arguments.os], OPERATING_SYSTEMS)
    return Query(
        clouds=known("--cloud", arguments.cloud, catalog.clouds),
        gpu=gpu,
        min_gpus=arguments.min_gpus or Decimal(0),
        max_gpus=arguments.max_gpus,
        min_gpu_memory_gib=arguments.min_gpu_memory or Decimal(0),
        region=arguments.region,
        sku=arguments.sku,
        purchase_models=known("--model", [name.replace("-", "_") for name in arguments.model], PURCHASE_MODELS),
        term=arguments.term,
        os=systems[0] if systems else None,
        retired=arguments.retired,
    )


def _offer_columns() -> list[Column[Offer]]:
    return [
        Column("cloud", lambda each: each.cloud),
        Column("region", lambda each: each.region),
        Column("sku", lambda each: each.sku if each.kind != "accelerator" else f"{each.sku} (attached)"),
        Column("gpus", lambda each: f"{each.gpu_count:g} × {each.gpu_model}"),
        Column("bought", lambda each: bought(each.purchase_model, each.term)),
        Column("paid", lambda each: (each.payment or "").replace("_", " ")),
        Column("os", lambda each: each.os if each.os != "linux" else ""),
        Column("an hour", lambda each: unit_price(each.usd_per_hour), right=True),
        Column("a GPU hour", lambda each: f"${each.usd_per_gpu_hour:,.4f}", right=True),
        Column("as of", lambda each: each.as_of),
        Column("", lambda each: each.status if each.status != "current" else ""),
    ]
