"""``gpuguard catalog info``: age and coverage."""

import argparse
import sys

from gpuguard.cli.catalog.words import bought
from gpuguard.errors import ExitCode
from gpuguard.price.catalog import Catalog
from gpuguard.price.coverage import Coverage, coverage
from gpuguard.report import grid
from gpuguard.report.grid import Column


def run(catalog: Catalog, arguments: argparse.Namespace) -> int:
    """Print version, coverage by cloud and purchase model, and holes."""
    covered, holes = coverage(catalog), catalog.holes()
    manifest = catalog.manifest
    if arguments.format == "json":
        value = {
            **{name: manifest[name] for name in ("version", "checksum", "schema", "origin", "rows")},
            "file": str(catalog.path),
            "prices": manifest["prices"],
            "coverage": covered,
            "holes": [{"cloud": cloud, "sku": sku, "reason": reason} for cloud, sku, reason in holes],
        }
        sys.stdout.write(grid.as_json(value))
        return ExitCode.PASS
    rows = manifest["rows"]
    out = [
        f"catalog {manifest['version']}",
        f"  {rows['price']:,} prices · {rows['instance_type']:,} machine types · {rows['accelerator']} accelerators"
        f" · {rows['region']} regions · {rows['source']} sources",
        f"  {manifest['checksum']}",
    ]
    if manifest["origin"] != "tables":
        out.append(f"  refreshed from price APIs; began with {manifest['origin']}")
    columns: list[Column[Coverage]] = [
        Column("cloud", lambda each: each.cloud),
        Column("bought", lambda each: bought(each.purchase_model, each.term)),
        Column("types", lambda each: f"{each.skus_priced}/{each.skus_offered}", right=True),
        Column("pairs", lambda each: f"{each.priced:,}/{each.offered:,}", right=True),
        Column("", lambda each: f"{each.percent} %", right=True),
        Column("as range", lambda each: f"{each.ranged:,}" if each.ranged else "", right=True),
        Column("oldest", lambda each: each.oldest or ""),
        Column("newest", lambda each: each.newest or ""),
    ]
    sys.stdout.write("\n".join(out) + "\n\n" + grid.table(covered, columns))
    sys.stdout.write("\npairs: machine type and region, priced of those offered · as range: by a known discount only\n")
    if holes:
        hole_columns: list[Column[tuple[str, str, str]]] = [
            Column("cloud", lambda each: each[0]),
            Column("machine type", lambda each: each[1]),
            Column("no list price because", lambda each: each[2]),
        ]
        sys.stdout.write("\n" + grid.table(holes, hole_columns))
    return ExitCode.PASS
