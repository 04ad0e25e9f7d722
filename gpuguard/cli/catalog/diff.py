"""``gpuguard catalog diff OLD NEW``: what changed between two catalogs."""

import argparse
from pathlib import Path

from gpuguard.cli.catalog.changes import print_comparison
from gpuguard.errors import ExitCode, UsageError
from gpuguard.price.catalog import Catalog
from gpuguard.price.compare import differences
from gpuguard.price.schema import Row


def run(arguments: argparse.Namespace) -> int:
    """Print the differences, the farthest moves first."""

    def read(name: str) -> tuple[str, dict[str, list[Row]]]:
        path = None if name == "embedded" and not Path(name).exists() else Path(name)
        with Catalog.open(path) as catalog:
            return catalog.version, catalog.rows()

    (old, before), (new, after) = read(arguments.old), read(arguments.new)
    if arguments.limit is not None and arguments.limit < 0:
        raise UsageError("--limit takes a number of rows, 0 for all")
    print_comparison(differences(before, after), f"{old} → {new}", arguments.format, arguments.limit)
    return ExitCode.PASS
