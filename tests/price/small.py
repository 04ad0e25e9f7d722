"""Catalogs of a handful of rows, for tests in which a figure matters: nothing else in them can change under a test."""

from collections.abc import Iterable
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from gpuguard.price.catalog import Catalog
from gpuguard.price.overlay import Overlay, Override
from gpuguard.price.schema import COLUMNS, TABLES, Row
from gpuguard.price.store import write

LIST, SPOT, OLD = "acme-list", "acme-spot", "acme-old"

SOURCES: tuple[Row, ...] = (
    (LIST, "2026-07-01", "acme price list"),
    (SPOT, "2026-07-15", "acme spot prices"),
    (OLD, "2025", "acme price list of old"),
)


def price(
    sku: str,
    usd: str,
    region: str = "us-east-1",
    *,
    cloud: str = "aws",
    kind: str = "machine",
    os: str = "linux",
    model: str = "on_demand",
    term: str = "",
    payment: str = "",
    unit: str = "hour",
    span: tuple[str, str] | None = None,
    upfront: str | None = None,
    source: str = LIST,
    note: str = "",
) -> Row:
    """A price: of a machine on demand in us-east-1, unless told otherwise."""
    low, high = span or (None, None)
    return (cloud, kind, sku, region, os, model, term, payment, unit, usd, low, high, upfront, source, note)


spot = partial(price, model="spot", source=SPOT)
windows = partial(price, os="windows")


def machine(
    sku: str,
    gpu: str | None = "H100-80GB",
    count: float = 1,
    *,
    cloud: str = "aws",
    family: str | None = None,
    vcpus: float | None = 8,
    memory_gib: float | None = 64,
    gpu_memory_gib: float | None = None,
    status: str = "current",
) -> Row:
    """A machine type with H100 GPUs of 80 GiB, unless told otherwise."""
    total = gpu_memory_gib if gpu_memory_gib is not None else 80 * count if gpu == "H100-80GB" else None
    gpus = (gpu, float(count if gpu else 0), total)
    name = family or sku.partition(".")[0]
    return (cloud, sku.lower(), sku, name, vcpus, memory_gib, *gpus, "x86_64", status, None, None, LIST, "2026-07-01")


def accelerator(model: str, memory_gib: float | None = 80.0, **facts: Any) -> Row:
    """An accelerator of which little more than its memory is told."""
    values: dict[str, Any] = {"vendor": "nvidia", "status": "current", "source": LIST, "as_of": "2026-07-01"} | facts
    texts = ("architecture", "memory_type", "interconnect", "mig_profiles")
    named = {"model": model, "memory_gib": memory_gib, **dict.fromkeys(texts, ""), **values}
    return tuple(named.get(column) for column in COLUMNS["accelerator"])


def region(cloud: str, name: str, title: str = "") -> Row:
    """A region in North America."""
    return (cloud, name, title or name, "US", "na", "-05:00", None, None)


def discount(model: str, low: str, high: str, term: str = "", *, cloud: str = "aws", kind: str = "published") -> Row:
    """A discount on all prices of a cloud that is known as a range."""
    return (cloud, "cloud", "", "*", "*", model, term, low, high, kind, LIST, "2026-07-01")


PRICES: tuple[Row, ...] = (
    price("p5.48xlarge", "50"),
    price("p5.48xlarge", "60", "eu-west-1"),
    windows("p5.48xlarge", "58"),
    price("p5.48xlarge", "30", model="reserved", term="1y", payment="no_upfront"),
    price("p5.48xlarge", "28", model="reserved", term="1y", payment="all_upfront", upfront="245280"),
    spot("p5.48xlarge", "20", span=("16", "24")),
    spot("p5.48xlarge", "22", "us-west-2", span=("20", "70")),
    price("p5.48xlarge", "52", "us-west-2"),
    price("g6.xlarge", "0.8"),
    spot("g6.xlarge", "0.32", span=("0.3", "0.34")),
    price("p2.xlarge", "0.9", source=OLD),
    price("m5.large", "0.1"),
    price("ml.g6.xlarge", "1.1", kind="managed_service"),
    price("gp3", "0.08", kind="storage", unit="GiB-month"),
    price("gp3", "0.005", kind="iops", unit="IOPS-month"),
    price("Standard_NC40ads_H100_v5", "7", "eastus", cloud="azure"),
    price("L4", "0.56", "us-central1", cloud="gcp", kind="accelerator"),
    price("gpu_8x_h100", "24", "*", cloud="lambda"),
)
TYPES: tuple[Row, ...] = (
    machine("p5.48xlarge", count=8, vcpus=192, memory_gib=2048),
    machine("g6.xlarge", "L4", gpu_memory_gib=22.4, vcpus=4, memory_gib=16),
    machine("p2.xlarge", "K80", gpu_memory_gib=12, status="retired"),
    machine("m5.large", None),
    machine("Standard_NC40ads_H100_v5", cloud="azure", family="NC"),
    machine("gpu_8x_h100", count=8, cloud="lambda"),
)
REGIONS: tuple[Row, ...] = (
    region("aws", "us-east-1", "Northern Virginia"),
    region("aws", "us-west-2", "Oregon"),
    region("aws", "eu-west-1", "Ireland"),
    region("azure", "eastus", "East US"),
    region("gcp", "us-central1", "Iowa"),
)
ACCELERATORS: tuple[Row, ...] = (accelerator("H100-80GB"), accelerator("L4", 24.0), accelerator("K80", 12.0))
ALIASES: tuple[Row, ...] = (("h100-80gb", "H100-80GB"), ("h100", "H100-80GB"), ("l4", "L4"), ("nvidia-l4", "L4"), ("k80", "K80"))  # fmt: skip


def rows(prices: Iterable[Row] = PRICES, types: Iterable[Row] = TYPES, **more: Iterable[Row]) -> dict[str, list[Row]]:
    """All tables; those that are not named hold what is above, or nothing."""
    given = {
        "source": SOURCES, "price": prices, "instance_type": types, "region": REGIONS, "accelerator": ACCELERATORS,
        "accelerator_alias": ALIASES, **more,
    }  # fmt: skip
    return {table: list(given.get(table, ())) for table in TABLES}


def catalog_file(
    folder: Path, prices: Iterable[Row] = PRICES, types: Iterable[Row] = TYPES, **more: Iterable[Row]
) -> Path:
    """A catalog of these rows."""
    path = folder / "small.sqlite"
    write(path, rows(prices, types, **more))
    return path


def catalog(
    folder: Path,
    prices: Iterable[Row] = PRICES,
    types: Iterable[Row] = TYPES,
    overrides: Iterable[Override] = (),
    **more: Iterable[Row],
) -> Catalog:
    """A catalog of these rows, opened under these overrides."""
    return Catalog.open(catalog_file(folder, prices, types, **more), Overlay(tuple(overrides)))


def full_rows() -> dict[str, list[Row]]:
    """Rows in every table, for tests of files."""
    return rows(
        discount=[discount("savings_plan", "10", "40", "1y")],
        performance_pair=[("llm_training", "H100-80GB", "L4", 7.5, 7.0, 8.0, 3)],
        performance_ratio=[("llm_training", "L4", "H100-80GB", 0.13, None, None, "measured", "high")],
        interruption=[("us-east-1", "p5.48xlarge", "linux", "<5%")],
        offering=[("aws", "p5.48xlarge", "us-east-2", "us-east-2a us-east-2b")],
        hole=[("aws", "g6.xlarge", "no published price")],
    )


def override(**more: Any) -> Override:
    """A discount of 10 % on everything that runs on AWS on demand, unless told otherwise."""
    values: dict[str, Any] = {
        "place": "gpuguard.yml:4:7", "cloud": "aws", "sku": "*", "region": "*", "kinds": ("machine", "accelerator"),
        "purchase_models": ("on_demand",), "os": None, "term": None, "discount_percent": None, "price": None, "as_of": None, "note": "",
        "gpu_model": None, "gpu_count": None,
    }  # fmt: skip
    if "price" in more:
        values["as_of"] = "2026-10-01"
    else:
        values["discount_percent"] = Decimal(10)
    return Override(**(values | more))
