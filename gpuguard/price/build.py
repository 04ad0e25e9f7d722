"""Build the embedded price catalog from the source tables in `gpuguard/price/data`.

``python -m gpuguard.price.build [--data DIR] [--out FILE]``; the packaging hook calls `build` for wheels and editable
installs. Only the standard library and the catalog's schema are imported, because the hook runs in an isolated
environment before anything is installed.

Every row is checked: an unknown column, source, unit, purchase model or model name, a price that is not positive, a
range that does not hold its own figure, or a key used twice is an error with file and line, and no file is written.
The same tables give the same bytes with the same SQLite library; the checksum stored inside depends on the rows alone.
"""

import argparse
import csv
import json
import math
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import NoReturn

from gpuguard.price.schema import (
    ARCHITECTURES,
    BANDS,
    BASES,
    COMMITMENTS,
    CONFIDENCES,
    GEOGRAPHIES,
    KINDS,
    OPERATING_SYSTEMS,
    PAYMENTS,
    PURCHASE_MODELS,
    SCOPES,
    STATUSES,
    TABLES,
    TERMS,
    Value,
)
from gpuguard.price.store import Manifest, write

DATA = Path(__file__).with_name("data")
OUTPUT = Path(__file__).with_name("catalog.sqlite")
MANIFEST = "manifest.json"
"""Beside the source tables: what a build of them gives, so that a diff shows it."""

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
    "local_ssd_gib",
    "network_gbps",
    "source",
)
CPU_TYPE_COLUMNS = ("sku", "family", "vcpus", "memory_gib", "arch", "source")
ACCELERATOR_COLUMNS = (
    "model",
    "vendor",
    "architecture",
    "launch_year",
    "status",
    "memory_gib",
    "memory_type",
    "memory_bandwidth_gbps",
    "fp64_tflops",
    "fp32_tflops",
    "tf32_tflops",
    "fp16_tflops",
    "bf16_tflops",
    "fp8_tflops",
    "int8_tops",
    "fp4_tflops",
    "tdp_watts",
    "interconnect",
    "mig_max_instances",
    "mig_profiles",
    "aliases",
    "source",
)
_ACCELERATOR_NUMBERS = tuple(
    name for name in ACCELERATOR_COLUMNS if name.endswith(("_gib", "_gbps", "_tflops", "_tops", "_watts"))
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
BAND_COLUMNS = ("region", "sku", "os", "band", "source")
OFFERING_COLUMNS = ("sku", "region", "zones", "source")
HOLE_COLUMNS = ("cloud", "sku", "reason")
SOURCE_COLUMNS = ("id", "as_of", "title")

_DATE = re.compile(r"\d{4}(?:-\d{2}(?:-\d{2})?)?\Z")
_OFFSET = re.compile(r"[+-]\d{2}:\d{2}\Z")
_DECIMAL = re.compile(r"\d{1,9}(?:\.\d{1,30})?\Z")


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
        _offerings(folder, tables)
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
    return tables


def build(data: Path = DATA, output: Path = OUTPUT) -> Manifest:
    """Build the catalog at `output` from the tables below `data` and return its manifest."""
    return write(output, read(data).rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; answer 0, or 2 when a table is wrong."""
    parser = argparse.ArgumentParser(prog="python -m gpuguard.price.build", description="Build the price catalog.")
    parser.add_argument("--data", type=Path, default=DATA, help="folder with the source tables")
    parser.add_argument("--out", type=Path, default=OUTPUT, help="catalog file to write")
    parser.add_argument("--manifest", action="store_true", help="write manifest.json beside the source tables, too")
    options = parser.parse_args(arguments)
    try:
        manifest = build(options.data, options.out)
        if options.manifest:
            text = json.dumps(manifest, indent=2) + "\n"
            (options.data / MANIFEST).write_text(text, encoding="utf-8")
    except (BuildError, OSError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    sys.stdout.write(f"{options.out}: catalog {manifest['version']}, {options.out.stat().st_size:,} bytes\n")
    return 0


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
        numbers = {column: line.number_of(column) for column in _ACCELERATOR_NUMBERS}
        for column in ("launch_year", "mig_max_instances"):
            numbers[column] = None if (number := line.number_of(column)) is None else int(number)
        texts = {column: line[column] for column in ACCELERATOR_COLUMNS if column not in numbers}
        texts["status"] = line.one_of("status", STATUSES)
        texts["vendor"] = line.text("vendor")
        texts["source"] = tables.source(line)
        tables.rows["accelerator"].append(
            (
                *(numbers.get(column, texts.get(column)) for column in ACCELERATOR_COLUMNS if column != "aliases"),
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

    def add(line: Line, gpu: tuple[Value, ...], status: str, extras: tuple[Value, Value]) -> None:
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
                line.one_of("arch", ARCHITECTURES),
                status,
                *extras,
                tables.source(line),
                tables.as_of(line),
            )
        )

    known: set[tuple[str, str]] = set()
    for line in _lines(folder / "types.csv", TYPE_COLUMNS):
        gpu = (tables.model(line, "gpu_model"), line.positive("gpu_count"), line.number_of("gpu_memory_gib"))
        extras = (line.number_of("local_ssd_gib"), line.number_of("network_gbps"))
        add(line, gpu, line.one_of("status", STATUSES), extras)
    for line in _lines(folder / "cpu_types.csv", CPU_TYPE_COLUMNS):
        add(line, (None, 0.0, None), "current", (None, None))


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


def _offerings(folder: Path, tables: Tables) -> None:
    for line in _lines(folder / "offerings.csv", OFFERING_COLUMNS, unique=OFFERING_COLUMNS[:2]):
        tables.source(line)
        tables.rows["offering"].append((folder.name, line.text("sku"), line.text("region"), line["zones"]))


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
