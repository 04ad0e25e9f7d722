"""Build the embedded price catalog from the source tables in `gpuguard/price/data`.

``python -m gpuguard.price.build [--data DIR] [--out FILE]``; the packaging hook calls `build` for wheels and editable
installs. Only the standard library is used and nothing of gpuguard is imported, because the hook runs in an isolated
environment before anything is installed.

Every row is checked: an unknown column, source, unit, purchase model or model name, a price that is not positive, a
range that does not hold its own figure, or a key used twice is an error with file and line, and no file is written.
The same tables give the same bytes with the same SQLite library; the checksum stored inside depends on the rows alone.
"""

import argparse
import csv
import hashlib
import math
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from sqlite3 import Connection

SCHEMA_VERSION = 1
"""Raised whenever a catalog file of an older gpuguard can no longer be read."""

APPLICATION_ID = 0x47505547
"""``GPUG`` in the SQLite header: tells a catalog from any other SQLite file."""

DATA = Path(__file__).with_name("data")
OUTPUT = Path(__file__).with_name("catalog.sqlite")

KINDS = {
    "machine": ("hour",),
    "accelerator": ("hour",),
    "vcpu": ("hour",),
    "memory": ("hour",),
    "storage": ("GiB-month", "disk-month"),
    "iops": ("IOPS-month",),
    "throughput": ("MiBps-month",),
    "license": ("hour",),
    "network": ("hour",),
    "control_plane": ("hour",),
    "managed_service": ("hour",),
}
"""The units a price of each kind may have."""

PURCHASE_MODELS = (
    "on_demand",
    "spot",
    "reserved",
    "savings_plan",
    "committed_use",
    "capacity_block",
    "flex_start",
)
COMMITMENTS = ("reserved", "savings_plan", "committed_use")
OPERATING_SYSTEMS = ("linux", "windows", "rhel", "sles", "rhel-sap", "sles-sap")
TERMS = ("", "1y", "3y")
PAYMENTS = ("", "no_upfront", "partial_upfront", "all_upfront")
STATUSES = ("current", "previous", "retired")
BASES = ("measured", "chained", "proxy", "datasheet")
CONFIDENCES = ("high", "medium", "low")
GEOGRAPHIES = ("na", "sa", "eu", "me", "af", "ap", "oc")
BANDS = ("<5%", "5-10%", "10-15%", "15-20%", ">20%")
SCOPES = ("cloud", "gpu", "family", "sku")

PRICE_COLUMNS = (
    "sku",
    "region",
    "os",
    "purchase_model",
    "term",
    "payment",
    "unit",
    "usd",
    "low",
    "high",
    "upfront",
    "source",
    "note",
)
TYPE_COLUMNS = (
    "sku",
    "family",
    "vcpus",
    "memory_gib",
    "gpu_model",
    "gpu_count",
    "gpu_memory_gib",
    "arch",
    "status",
    "source",
)
CPU_TYPE_COLUMNS = ("sku", "family", "vcpus", "memory_gib", "arch", "source")
ACCELERATOR_COLUMNS = (
    "model",
    "vendor",
    "architecture",
    "launch_year",
    "memory_gib",
    "memory_bandwidth_gbps",
    "fp16_tflops",
    "fp32_tflops",
    "mig_max_instances",
    "aliases",
    "source",
)
REGION_COLUMNS = (
    "cloud",
    "name",
    "display_name",
    "country",
    "geography",
    "utc_offset",
    "latitude",
    "longitude",
    "source",
)
DISCOUNT_COLUMNS = (
    "cloud",
    "scope",
    "name",
    "region",
    "os",
    "purchase_model",
    "term",
    "low_percent",
    "high_percent",
    "kind",
    "source",
    "note",
)
PAIR_COLUMNS = ("workload", "model", "other", "ratio", "low", "high", "benchmarks")
RATIO_COLUMNS = ("workload", "model", "reference", "ratio", "low", "high", "basis", "confidence")
LOWEST_COLUMNS = ("sku", "os", "purchase_model", "term", "payment", "unit", "usd", "source", "note")
BAND_COLUMNS = ("region", "sku", "os", "band", "source")
HOLE_COLUMNS = ("cloud", "sku", "reason")
SOURCE_COLUMNS = ("id", "as_of", "title")

_SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE source (id TEXT PRIMARY KEY, as_of TEXT NOT NULL, title TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE price (
    cloud TEXT NOT NULL, kind TEXT NOT NULL, sku TEXT NOT NULL, region TEXT NOT NULL, os TEXT NOT NULL,
    purchase_model TEXT NOT NULL, term TEXT NOT NULL, payment TEXT NOT NULL, unit TEXT NOT NULL, usd TEXT NOT NULL,
    low TEXT, high TEXT, upfront TEXT, source TEXT NOT NULL, note TEXT NOT NULL,
    PRIMARY KEY (cloud, kind, sku, region, os, purchase_model, term, payment)) WITHOUT ROWID;
CREATE INDEX price_by_region ON price (cloud, region, kind, purchase_model, sku);
CREATE TABLE lowest (
    cloud TEXT NOT NULL, sku TEXT NOT NULL, os TEXT NOT NULL, purchase_model TEXT NOT NULL, term TEXT NOT NULL,
    payment TEXT NOT NULL, unit TEXT NOT NULL, usd TEXT NOT NULL, source TEXT NOT NULL, note TEXT NOT NULL,
    PRIMARY KEY (cloud, sku, os, purchase_model, term, payment)) WITHOUT ROWID;
CREATE TABLE instance_type (
    cloud TEXT NOT NULL, lower_sku TEXT NOT NULL, sku TEXT NOT NULL, family TEXT NOT NULL, vcpus REAL,
    memory_gib REAL, gpu_model TEXT, gpu_count REAL NOT NULL, gpu_memory_gib REAL, arch TEXT NOT NULL,
    status TEXT NOT NULL, source TEXT NOT NULL, as_of TEXT NOT NULL,
    PRIMARY KEY (cloud, lower_sku)) WITHOUT ROWID;
CREATE INDEX gpu_type ON instance_type (cloud, gpu_model) WHERE gpu_model IS NOT NULL;
CREATE TABLE accelerator (
    model TEXT PRIMARY KEY, vendor TEXT NOT NULL, architecture TEXT NOT NULL, launch_year INTEGER, memory_gib REAL,
    memory_bandwidth_gbps REAL, fp16_tflops REAL, fp32_tflops REAL, mig_max_instances INTEGER, source TEXT NOT NULL,
    as_of TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE accelerator_alias (alias TEXT PRIMARY KEY, model TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE region (
    cloud TEXT NOT NULL, name TEXT NOT NULL, display_name TEXT NOT NULL, country TEXT NOT NULL,
    geography TEXT NOT NULL, utc_offset TEXT NOT NULL, latitude REAL, longitude REAL,
    PRIMARY KEY (cloud, name)) WITHOUT ROWID;
CREATE TABLE discount (
    cloud TEXT NOT NULL, scope TEXT NOT NULL, name TEXT NOT NULL, region TEXT NOT NULL, os TEXT NOT NULL,
    purchase_model TEXT NOT NULL, term TEXT NOT NULL, low_percent TEXT NOT NULL, high_percent TEXT NOT NULL,
    kind TEXT NOT NULL, source TEXT NOT NULL, as_of TEXT NOT NULL,
    PRIMARY KEY (cloud, scope, name, region, os, purchase_model, term)) WITHOUT ROWID;
CREATE TABLE performance_pair (
    workload TEXT NOT NULL, model TEXT NOT NULL, other TEXT NOT NULL, ratio REAL NOT NULL, low REAL NOT NULL,
    high REAL NOT NULL, benchmarks INTEGER NOT NULL, PRIMARY KEY (workload, model, other)) WITHOUT ROWID;
CREATE TABLE performance_ratio (
    workload TEXT NOT NULL, model TEXT NOT NULL, reference TEXT NOT NULL, ratio REAL NOT NULL, low REAL, high REAL,
    basis TEXT NOT NULL, confidence TEXT NOT NULL, PRIMARY KEY (workload, model)) WITHOUT ROWID;
CREATE TABLE interruption (
    region TEXT NOT NULL, sku TEXT NOT NULL, os TEXT NOT NULL, band TEXT NOT NULL,
    PRIMARY KEY (region, sku, os)) WITHOUT ROWID;
CREATE TABLE hole (cloud TEXT NOT NULL, sku TEXT NOT NULL, reason TEXT NOT NULL, PRIMARY KEY (cloud, sku)) WITHOUT ROWID;
"""

TABLES = (
    "source",
    "price",
    "lowest",
    "instance_type",
    "accelerator",
    "accelerator_alias",
    "region",
    "discount",
    "performance_pair",
    "performance_ratio",
    "interruption",
    "hole",
)

_DATE = re.compile(r"\d{4}(?:-\d{2}(?:-\d{2})?)?\Z")
_OFFSET = re.compile(r"[+-]\d{2}:\d{2}\Z")
_DECIMAL = re.compile(r"\d{1,9}(?:\.\d{1,30})?\Z")

Value = str | float | int | None


class BuildError(Exception):
    """A source table is wrong; the message starts with file and line."""


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a source table that knows where it stands."""

    path: Path
    number: int
    cells: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells[column]

    def fail(self, message: str) -> NoReturn:
        """Raise `BuildError` at this row."""
        raise BuildError(f"{self.path}:{self.number}: {message}")

    def text(self, column: str) -> str:
        """Return a cell that must not be empty."""
        if not self[column]:
            self.fail(f"{column} is empty")
        return self[column]

    def one_of(self, column: str, allowed: Sequence[str] | Mapping[str, object]) -> str:
        """Return a cell that must be one of `allowed`."""
        if self[column] not in allowed:
            self.fail(f"{column} {self[column]!r} is not one of {', '.join(repr(name) for name in allowed)}")
        return self[column]

    def number_of(self, column: str) -> float | None:
        """Return a number that is at least 0, or None for an empty cell (latitude and longitude may be negative)."""
        if not self[column]:
            return None
        try:
            number = float(self[column])
        except ValueError:
            self.fail(f"{column} {self[column]!r} is not a number")
        if not math.isfinite(number) or (number < 0 and column not in ("latitude", "longitude")):
            self.fail(f"{column} {self[column]!r} is out of range")
        return number

    def positive(self, column: str) -> float:
        """Return a number that must be there and above 0."""
        number = self.number_of(column)
        if not number:
            self.fail(f"{column} {self[column]!r} is not above 0")
        return number

    def money(self, column: str, *, zero: bool = False) -> str | None:
        """Return an amount in plain decimal notation exactly as written, or None for an empty cell."""
        if not self[column]:
            return None
        if not _DECIMAL.match(self[column]):
            self.fail(f"{column} {self[column]!r} is not a plain decimal amount")
        try:
            amount = Decimal(self[column])
        except InvalidOperation:
            self.fail(f"{column} {self[column]!r} is not an amount")
        if amount < 0 or (amount == 0 and not zero):
            self.fail(f"{column} {self[column]} is not above 0")
        return self[column]


@dataclass
class Tables:
    """The checked rows of every table, in the order of the columns in the store."""

    sources: dict[str, tuple[str, str]] = field(default_factory=dict)
    rows: dict[str, list[tuple[Value, ...]]] = field(default_factory=lambda: {name: [] for name in TABLES})
    models: set[str] = field(default_factory=set)

    def source(self, line: Line) -> str:
        """Return the source ids of a row as they are stored; each must be in sources.csv."""
        for name in line.text("source").split():
            if name not in self.sources:
                line.fail(f"source {name!r} is not in sources.csv")
        return line["source"]

    def as_of(self, line: Line) -> str:
        """Return the date of the oldest source of a row."""
        return min(self.sources[name][0] for name in self.source(line).split())

    def model(self, line: Line, column: str) -> str:
        """Return an accelerator model that must be in accelerators.csv."""
        if line[column] not in self.models:
            line.fail(f"{column} {line[column]!r} is not in accelerators.csv")
        return line[column]


def read(data: Path) -> Tables:
    """Read and check all source tables below `data`. Raises `BuildError` with file and line."""
    tables = Tables()
    for line in _lines(data / "sources.csv", SOURCE_COLUMNS, unique=("id",)):
        if not _DATE.match(line["as_of"]):
            line.fail(f"as_of {line['as_of']!r} is not a year, month or day")
        tables.sources[line.text("id")] = (line["as_of"], line.text("title"))
    tables.rows["source"] = [(name, *rest) for name, rest in tables.sources.items()]
    _accelerators(data, tables)
    _regions(data, tables)
    for folder in sorted(path for path in data.iterdir() if path.is_dir()):
        _instance_types(folder, tables)
        for kind in KINDS:
            _prices(folder, kind, tables)
        _lowest(folder, tables)
    _discounts(data, tables)
    _performance(data, tables)
    tables.rows["interruption"] = [
        (line.text("region"), line.text("sku"), line.one_of("os", OPERATING_SYSTEMS), line.one_of("band", BANDS))
        for line in _lines(data / "aws" / "interruption.csv", BAND_COLUMNS, unique=("region", "sku", "os"))
        if tables.source(line)
    ]
    known = {(row[0], row[2]) for row in tables.rows["instance_type"]}
    for line in _lines(data / "holes.csv", HOLE_COLUMNS, unique=("cloud", "sku")):
        if (line["cloud"], line["sku"]) not in known:
            line.fail(f"{line['cloud']} {line['sku']} is not in the types table")
        tables.rows["hole"].append((line["cloud"], line["sku"], line.text("reason")))
    for rows in tables.rows.values():
        rows.sort(key=lambda row: tuple("" if value is None else str(value) for value in row))
    return tables


def build(data: Path = DATA, output: Path = OUTPUT) -> str:
    """Build the catalog at `output` from the tables below `data` and return its version.

    The version is the day of the newest price row followed by the first eight digits of the checksum, so that two
    catalogs of the same day with other rows have other versions. The file appears whole or not at all.
    """
    import sqlite3

    tables = read(data)
    checksum = content_checksum(tables.rows)
    newest = max(str(tables.sources[str(row[13]).split()[0]][0]) for row in tables.rows["price"])
    version = f"{newest}+{checksum[:8]}"
    temporary = output.with_name(f".{output.name}.{os.getpid()}.tmp")
    temporary.unlink(missing_ok=True)
    try:
        connection = sqlite3.connect(temporary)
        try:
            _write(connection, tables, {"version": version, "checksum": checksum})
        finally:
            connection.close()
        temporary.replace(output)
    finally:
        temporary.unlink(missing_ok=True)
    return version


def content_checksum(rows: Mapping[str, Sequence[Sequence[Value]]]) -> str:
    """Return the SHA-256 over all rows of all tables, sorted, as hexadecimal digits."""
    digest = hashlib.sha256()
    for table in TABLES:
        lines = sorted("\x1f".join("\x00" if value is None else str(value) for value in row) for row in rows[table])
        digest.update("\n".join([table, *lines, ""]).encode())
    return digest.hexdigest()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; answer 0, or 2 when a table is wrong."""
    parser = argparse.ArgumentParser(prog="python -m gpuguard.price.build", description="Build the price catalog.")
    parser.add_argument("--data", type=Path, default=DATA, help="folder with the source tables")
    parser.add_argument("--out", type=Path, default=OUTPUT, help="catalog file to write")
    options = parser.parse_args(arguments)
    try:
        version = build(options.data, options.out)
    except (BuildError, OSError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    sys.stdout.write(f"{options.out}: catalog {version}, {options.out.stat().st_size:,} bytes\n")
    return 0


def _write(connection: "Connection", tables: Tables, meta: Mapping[str, str]) -> None:
    # Page size and encoding are fixed and everything is inserted in order, then compacted: same rows, same bytes.
    connection.isolation_level = None
    for pragma in ("page_size = 4096", "encoding = 'UTF-8'", "journal_mode = OFF", "synchronous = OFF"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    connection.executescript(_SCHEMA)
    connection.execute("BEGIN")
    connection.executemany("INSERT INTO meta VALUES (?, ?)", sorted(meta.items()))
    for table in TABLES:
        rows = tables.rows[table]
        if rows:
            marks = ", ".join("?" * len(rows[0]))
            connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)  # noqa: S608 - names are ours
    connection.execute("COMMIT")
    connection.execute("VACUUM")


def _lines(path: Path, columns: Sequence[str], unique: Sequence[str] = ()) -> Iterator[Line]:
    """Yield the rows of one table; a missing table has none. A key in `unique` used twice is an error."""
    if not path.exists():
        return
    seen: dict[tuple[str, ...], int] = {}
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.reader(stream, strict=True)
        try:
            header = next(reader, [])
            if header != list(columns):
                raise BuildError(f"{path}:1: columns are {','.join(header)}, expected {','.join(columns)}")
            for cells in reader:
                if len(cells) != len(columns):
                    raise BuildError(f"{path}:{reader.line_num}: {len(cells)} cells, expected {len(columns)}")
                line = Line(path, reader.line_num, dict(zip(columns, cells, strict=True)))
                key = tuple(line[column] for column in unique)
                if unique and seen.setdefault(key, line.number) != line.number:
                    line.fail(f"{' '.join(key)} stands on line {seen[key]} already")
                yield line
        except (csv.Error, UnicodeDecodeError) as error:
            raise BuildError(f"{path}:{reader.line_num}: {error}") from error


def _accelerators(data: Path, tables: Tables) -> None:
    aliases: dict[str, str] = {}
    for line in _lines(data / "accelerators.csv", ACCELERATOR_COLUMNS, unique=("model",)):
        model = line.text("model")
        tables.models.add(model)
        for alias in (model.lower(), *line["aliases"].split()):
            if alias != alias.lower().replace("_", "-"):
                line.fail(f"alias {alias!r} must be lower case with dashes")
            if aliases.setdefault(alias, model) != model:
                line.fail(f"alias {alias!r} belongs to {aliases[alias]} already")
        year, slices = line.number_of("launch_year"), line.number_of("mig_max_instances")
        tables.rows["accelerator"].append(
            (
                model,
                line.text("vendor"),
                line["architecture"],
                None if year is None else int(year),
                line.number_of("memory_gib"),
                line.number_of("memory_bandwidth_gbps"),
                line.number_of("fp16_tflops"),
                line.number_of("fp32_tflops"),
                None if slices is None else int(slices),
                tables.source(line),
                tables.as_of(line),
            )
        )
    tables.rows["accelerator_alias"] = list(aliases.items())


def _regions(data: Path, tables: Tables) -> None:
    for line in _lines(data / "regions.csv", REGION_COLUMNS, unique=("cloud", "name")):
        if not _OFFSET.match(line["utc_offset"]):
            line.fail(f"utc_offset {line['utc_offset']!r} is not like +01:00")
        tables.source(line)
        tables.rows["region"].append(
            (
                line.text("cloud"),
                line.text("name"),
                line.text("display_name"),
                line.text("country"),
                line.one_of("geography", GEOGRAPHIES),
                line["utc_offset"],
                line.number_of("latitude"),
                line.number_of("longitude"),
            )
        )


def _instance_types(folder: Path, tables: Tables) -> None:
    cloud = folder.name
    seen: dict[str, str] = {}

    def add(line: Line, gpu: tuple[Value, ...], status: str) -> None:
        sku = line.text("sku")
        if seen.setdefault(sku.lower(), sku) != sku or (cloud, sku.lower()) in known:
            line.fail(f"{sku} is there already")
        known.add((cloud, sku.lower()))
        tables.rows["instance_type"].append(
            (
                cloud,
                sku.lower(),
                sku,
                line.text("family"),
                line.number_of("vcpus"),
                line.number_of("memory_gib"),
                *gpu,
                line.one_of("arch", ("x86_64", "arm64", "")),
                status,
                tables.source(line),
                tables.as_of(line),
            )
        )

    known: set[tuple[str, str]] = set()
    for line in _lines(folder / "types.csv", TYPE_COLUMNS):
        gpu = (tables.model(line, "gpu_model"), line.positive("gpu_count"), line.number_of("gpu_memory_gib"))
        add(line, gpu, line.one_of("status", STATUSES))
    for line in _lines(folder / "cpu_types.csv", CPU_TYPE_COLUMNS):
        add(line, (None, 0.0, None), "current")


def _prices(folder: Path, kind: str, tables: Tables) -> None:
    key = PRICE_COLUMNS[:6]
    for line in _lines(folder / "prices" / f"{kind}.csv", PRICE_COLUMNS, unique=key):
        amount, low, high = line.money("usd"), line.money("low"), line.money("high")
        if amount is None:
            line.fail("usd is empty")
        if (low and Decimal(low) > Decimal(amount)) or (high and Decimal(high) < Decimal(amount)):
            line.fail(f"usd {amount} is not between low {low} and high {high}")
        tables.rows["price"].append(
            (
                folder.name,
                kind,
                line.text("sku"),
                line.text("region"),
                *_bought(line),
                line.one_of("unit", KINDS[kind]),
                amount,
                low,
                high,
                line.money("upfront", zero=True),
                tables.source(line),
                line["note"],
            )
        )


def _lowest(folder: Path, tables: Tables) -> None:
    for line in _lines(folder / "lowest.csv", LOWEST_COLUMNS, unique=LOWEST_COLUMNS[:5]):
        amount = line.money("usd")
        if amount is None:
            line.fail("usd is empty")
        tables.rows["lowest"].append(
            (
                folder.name,
                line.text("sku"),
                *_bought(line),
                line.one_of("unit", KINDS["machine"]),
                amount,
                tables.source(line),
                line["note"],
            )
        )


def _bought(line: Line) -> tuple[str, str, str, str]:
    model, term = line.one_of("purchase_model", PURCHASE_MODELS), line.one_of("term", TERMS)
    if (model in COMMITMENTS) != bool(term):
        line.fail(f"{model} with term {term!r}: a commitment has a term, nothing else has")
    return line.one_of("os", OPERATING_SYSTEMS), model, term, line.one_of("payment", PAYMENTS)


def _discounts(data: Path, tables: Tables) -> None:
    for line in _lines(data / "discounts.csv", DISCOUNT_COLUMNS, unique=DISCOUNT_COLUMNS[:7]):
        low, high = line.money("low_percent", zero=True), line.money("high_percent", zero=True)
        if low is None or high is None or not Decimal(low) <= Decimal(high) < 100:
            line.fail(f"discount from {low} to {high} percent")
        tables.rows["discount"].append(
            (
                line.text("cloud"),
                line.one_of("scope", SCOPES),
                line.text("name"),
                line.text("region"),
                line.one_of("os", (*OPERATING_SYSTEMS, "*")),
                line.one_of("purchase_model", PURCHASE_MODELS),
                line.one_of("term", TERMS),
                low,
                high,
                line.one_of("kind", ("observed", "published")),
                tables.source(line),
                tables.as_of(line),
            )
        )


def _performance(data: Path, tables: Tables) -> None:
    for line in _lines(data / "performance_pairs.csv", PAIR_COLUMNS, unique=PAIR_COLUMNS[:3]):
        low, ratio, high = line.positive("low"), line.positive("ratio"), line.positive("high")
        if not low <= ratio <= high:
            line.fail(f"ratio {ratio} is not between {low} and {high}")
        names = (line.text("workload"), tables.model(line, "model"), tables.model(line, "other"))
        tables.rows["performance_pair"].append((*names, ratio, low, high, int(line.positive("benchmarks"))))
    for line in _lines(data / "performance_ratios.csv", RATIO_COLUMNS, unique=RATIO_COLUMNS[:2]):
        tables.rows["performance_ratio"].append(
            (
                line.text("workload"),
                tables.model(line, "model"),
                tables.model(line, "reference"),
                line.positive("ratio"),
                line.number_of("low"),
                line.number_of("high"),
                line.one_of("basis", BASES),
                line.one_of("confidence", CONFIDENCES),
            )
        )


if __name__ == "__main__":
    raise SystemExit(main())
