"""``gpuguard catalog verify [FILE]``: whether a catalog is what its manifest says."""

import argparse
import hashlib
import sys

from gpuguard.cli import options
from gpuguard.errors import ConfigError, ExitCode
from gpuguard.price.catalog import Catalog


def run(arguments: argparse.Namespace) -> int:
    """Recompute everything; exit code 2 where anything is off."""
    path = options.catalog_path(arguments.file, options.configuration(arguments.config, []))
    with Catalog.open(path) as catalog:
        if wrong := catalog.problems():
            raise catalog.damaged("it is not what its manifest says", wrong[:20])
        try:
            with catalog.path.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:
            raise ConfigError(f"{catalog.path}: cannot be read: {error.strerror}") from None
        rows = catalog.manifest["rows"]
        sys.stdout.write(
            f"ok: catalog {catalog.version}, {sum(rows.values()):,} rows as its manifest says\n"
            f"rows  {catalog.checksum}\nfile  sha256:{digest}\n"
        )
    return ExitCode.PASS
