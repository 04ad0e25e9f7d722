"""Write a catalog file, read one whole, and tell whether it is what its manifest says.

The rows of a catalog are a mapping from table to rows, columns as in `schema.COLUMNS`. Whoever has rows, from the source
tables or from a price API, gets the same file from `write`. Nothing of gpuguard but the schema is imported: the
packaging hook runs this before anything is installed.
"""

import hashlib
import json
import math
import os
import re
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpuguard.price.schema import APPLICATION_ID, COLUMNS, SCHEMA_VERSION, TABLES, TYPES, Row, Value, statements

if TYPE_CHECKING:
    from sqlite3 import Connection

Rows = Mapping[str, Sequence[Row]]
Manifest = dict[str, Any]

_AMOUNTS = {"price": ("usd", "low", "high", "upfront"), "discount": ("low_percent", "high_percent")}
_AMOUNT = re.compile(r"-?\d{1,15}(\.\d{1,100})?", re.ASCII)
_DAY = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?", re.ASCII)
_VERSION = re.compile(r"(\d{4}(-\d{2}){0,2})?\+[0-9a-f]{8}", re.ASCII)
_CHECKSUM = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)


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
        kinds = [kind for kind, _ in TYPES[table]]
        lines = sorted("\x1f".join(map(_text, row, kinds)) for row in rows[table])
        digest.update("\n".join([table, *lines, ""]).encode())
    return digest.hexdigest()


def _text(value: Value, kind: str) -> str:
    """A cell as SQLite gives it back: 8 in a column of reals is 8.0, and 2024.0 in one of integers is 2024."""
    if value is None:
        return "\x00"
    if kind == "real" and isinstance(value, int):
        return str(float(value))
    if kind == "integer" and isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


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
    """Return all rows of an open catalog.

    Raises `sqlite3.DatabaseError` where the file is damaged, ValueError where a row holds what no catalog can.
    """
    rows: dict[str, list[Row]] = {}
    for table in TABLES:
        columns = ", ".join(COLUMNS[table])
        rows[table] = connection.execute(f"SELECT {columns} FROM {table}").fetchall()  # noqa: S608 - names are ours
        for row in rows[table]:
            _check(table, row)
    return rows


def _check(table: str, row: Row) -> None:
    amounts = _AMOUNTS.get(table, ())
    for name, (kind, nullable), value in zip(COLUMNS[table], TYPES[table], row, strict=True):
        if value is None:
            fits = nullable
        elif kind != "text":
            fits = isinstance(value, float | int) and math.isfinite(value)
        elif name in amounts:
            fits = isinstance(value, str) and _AMOUNT.fullmatch(value) is not None
        elif name == "as_of":
            fits = _is_day(value)
        else:
            fits = isinstance(value, str)
        if not fits:
            raise ValueError(f"{name} of a row of table {table} is {str(value)[:60]!r}")


@cache
def _is_day(value: Value) -> bool:
    """Whether it is a year, a month or a day."""
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        return False
    try:
        date.fromisoformat(value + "-01-01"[len(value) - 4 :])
    except ValueError:
        return False
    return True


def read_manifest(connection: "Connection") -> Manifest:
    """Return what an open catalog says of itself; the shape is that of `manifest_of`.

    Raises `sqlite3.DatabaseError` where the file is damaged, ValueError where there is no manifest of that shape.
    """
    found = connection.execute("SELECT value FROM meta WHERE name = 'manifest'").fetchone()
    manifest: Manifest = {}
    try:
        manifest = json.loads(str(found[0]))
        sound = (
            type(manifest["schema"]) is int
            and _VERSION.fullmatch(manifest["version"])
            and _CHECKSUM.fullmatch(manifest["checksum"])
            and (manifest["origin"] == "tables" or _VERSION.fullmatch(manifest["origin"]))
            and manifest["rows"].keys() == set(TABLES)
            and all(type(count) is int for count in manifest["rows"].values())
            and all(_is_group(group) for models in manifest["prices"].values() for group in models.values())
        )
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError):
        sound = False
    if not sound:
        raise ValueError("its manifest is missing or unreadable")
    return {name: manifest[name] for name in ("schema", "version", "checksum", "origin", "rows", "prices")}


def _is_group(group: Mapping[str, object]) -> bool:
    return all(type(group[name]) is int for name in ("prices", "skus", "regions")) and all(
        _is_day(group[name]) for name in ("oldest", "newest")
    )


def problems(connection: "Connection") -> list[str]:
    """Tell what is wrong with an open catalog, judged by its own manifest; nothing where all is well.

    Raises `sqlite3.DatabaseError` or ValueError where the file is too damaged to be read.
    """
    found = [str(line)[:200] for (line,) in connection.execute("PRAGMA integrity_check") if line != "ok"]
    if found:
        return found
    if {sql for (sql,) in connection.execute("SELECT sql FROM sqlite_master")} != set(statements()):
        return ["its tables are not those of a catalog"]
    manifest = read_manifest(connection)
    rows = read_rows(connection)
    try:
        actual = manifest_of(rows, manifest["origin"])
    except (KeyError, ValueError):
        return ["a price names a source that is not there"]
    found = [
        f"table {table} has {count} rows, the manifest says {manifest['rows'][table]}"
        for table, count in actual["rows"].items()
        if count != manifest["rows"][table]
    ]
    found += [
        f"the {name} of the rows is {actual[name]}, the manifest says {manifest[name]}"
        for name in ("schema", "version", "checksum")
        if actual[name] != manifest[name]
    ]
    if actual["prices"] != manifest["prices"]:
        found.append("the manifest tells other ages or numbers of prices than the rows")
    header = dict(connection.execute("SELECT name, value FROM meta").fetchall())
    found += [
        f"{name} in the header of the catalog is not that of the manifest"
        for name in ("version", "checksum")
        if header.get(name) != manifest[name]
    ]
    return found
