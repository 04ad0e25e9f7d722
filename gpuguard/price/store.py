"""Write a catalog file, read one whole, and tell whether it is what its manifest says.

The rows of a catalog are a mapping from table to rows, columns as in `schema.COLUMNS`. Whoever has rows, from the source
tables or from a price API, gets the same file from `write`. Nothing of gpuguard but the schema is imported: the
packaging hook runs this before anything is installed.
"""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpuguard.price.schema import APPLICATION_ID, SCHEMA_VERSION, TABLES, Row, statements

if TYPE_CHECKING:
    from sqlite3 import Connection

Rows = Mapping[str, Sequence[Row]]
Manifest = dict[str, Any]


def manifest_of(rows: Rows, origin: str) -> Manifest:
    """Describe a catalog: version, checksum, row counts, and the age of prices by cloud and purchase model.

    `origin` is ``tables`` or the version of the catalog that was refreshed. The version is the day of the newest price
    followed by the first eight digits of the checksum, so that two catalogs of one day with other rows differ.
    """
    dates = {str(row[0]): str(row[1]) for row in rows["source"]}
    prices: dict[str, dict[str, dict[str, Any]]] = {}
    newest = ""
    for row in rows["price"]:
        cloud, sku, region, model = str(row[0]), row[2], row[3], str(row[5])
        group = prices.setdefault(cloud, {}).setdefault(model, {"prices": 0, "skus": set(), "regions": set()})
        as_of = min(dates[name] for name in str(row[13]).split())
        group["prices"] += 1
        group["skus"].add((row[1], sku))
        group["regions"].add(region)
        group["oldest"] = min(group.get("oldest", as_of), as_of)
        group["newest"] = max(group.get("newest", as_of), as_of)
        newest = max(newest, as_of)
    for models in prices.values():
        for group in models.values():
            group["skus"], group["regions"] = len(group["skus"]), len(group["regions"])
    checksum = content_checksum(rows)
    return {
        "schema": SCHEMA_VERSION,
        "version": f"{newest}+{checksum[:8]}",
        "checksum": f"sha256:{checksum}",
        "origin": origin,
        "rows": {table: len(rows[table]) for table in TABLES},
        "prices": {cloud: dict(sorted(models.items())) for cloud, models in sorted(prices.items())},
    }


def content_checksum(rows: Rows) -> str:
    """Return the SHA-256 over all rows of all tables, sorted, as hexadecimal digits."""
    digest = hashlib.sha256()
    for table in TABLES:
        lines = sorted("\x1f".join("\x00" if value is None else str(value) for value in row) for row in rows[table])
        digest.update("\n".join([table, *lines, ""]).encode())
    return digest.hexdigest()


def write(output: Path, rows: Rows, origin: str = "tables") -> Manifest:
    """Write the catalog at `output` and return its manifest. The file appears whole or not at all.

    The same rows give the same bytes with the same SQLite library, and the same checksum with any.
    """
    import sqlite3

    manifest = manifest_of(rows, origin)
    temporary = output.with_name(f".{output.name}.{os.getpid()}.tmp")
    temporary.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(temporary)) as connection:
            _fill(connection, rows, manifest)
        with temporary.open("rb+") as stream:
            os.fsync(stream.fileno())
        temporary.replace(output)
    finally:
        temporary.unlink(missing_ok=True)
    return manifest


def _fill(connection: "Connection", rows: Rows, manifest: Manifest) -> None:
    # Page size and encoding are fixed and everything is inserted in order, then compacted: same rows, same bytes.
    connection.isolation_level = None
    for pragma in ("page_size = 4096", "encoding = 'UTF-8'", "journal_mode = OFF", "synchronous = OFF"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    for statement in statements():
        connection.execute(statement)
    connection.execute("BEGIN")
    meta = {
        "version": manifest["version"],
        "checksum": manifest["checksum"],
        "manifest": json.dumps(manifest, sort_keys=True),
    }
    connection.executemany("INSERT INTO meta VALUES (?, ?)", sorted(meta.items()))
    for table in TABLES:
        ordered = sorted(rows[table], key=lambda row: tuple("" if value is None else str(value) for value in row))
        if ordered:
            marks = ", ".join("?" * len(ordered[0]))
            connection.executemany(f"INSERT INTO {table} VALUES ({marks})", ordered)  # noqa: S608 - names are ours
    connection.execute("COMMIT")
    connection.execute("VACUUM")


def read_rows(connection: "Connection") -> dict[str, list[Row]]:
    """Return all rows of an open catalog. Raises `sqlite3.DatabaseError` where the file is damaged."""
    return {table: connection.execute(f"SELECT * FROM {table}").fetchall() for table in TABLES}  # noqa: S608 - names are ours


def problems(connection: "Connection") -> list[str]:
    """Tell what is wrong with an open catalog, judged by its own manifest; nothing where all is well.

    Raises `sqlite3.DatabaseError` where the file is too damaged to be read.
    """
    found = [str(line) for (line,) in connection.execute("PRAGMA integrity_check") if line != "ok"]
    if found:
        return found
    stored = dict(connection.execute("SELECT name, value FROM meta").fetchall())
    try:
        manifest = json.loads(stored["manifest"])
        counted = manifest["rows"]
        told = {name: manifest[name] for name in ("version", "checksum", "prices", "schema")}
    except (KeyError, ValueError, TypeError):
        return ["the manifest is missing or unreadable"]
    rows = read_rows(connection)
    found += [
        f"table {table} has {len(rows[table])} rows, the manifest says {counted.get(table)}"
        for table in TABLES
        if len(rows[table]) != counted.get(table)
    ]
    try:
        actual = manifest_of(rows, "")
    except (KeyError, ValueError):
        return [*found, "a price names a source that is not there"]
    for name, value in told.items():
        if actual[name] != value:
            found.append(
                f"the {name} of the rows is {actual[name]}, the manifest says {value}"
                if name != "prices"
                else "the manifest tells other ages or numbers of prices than the rows"
            )
    found += [
        f"{name} in the header of the catalog is not that of the manifest"
        for name in ("version", "checksum")
        if stored.get(name) != told[name]
    ]
    return found
