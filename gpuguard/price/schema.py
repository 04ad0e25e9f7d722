"""What a catalog can hold: the words its rows are made of, and the tables of the embedded SQLite file.

Read by whoever writes a catalog (`build` from the source tables, `refresh` from price APIs) and whoever reads one
(`catalog`). Imports nothing, so that the packaging hook can use it before anything is installed.
"""

from typing import TypeAlias

SCHEMA_VERSION = 2
"""Raised whenever a catalog file of an older gpuguard can no longer be read."""

APPLICATION_ID = 0x47505547
"""``GPUG`` in the SQLite header: tells a catalog from any other SQLite file."""

EVERYWHERE = "*"
"""Region of a list price that is the same in all regions of a cloud."""

KINDS = {
    "machine": ("hour",),
    "accelerator": ("hour",),
    "vcpu": ("hour",),
    "memory": ("hour",),
    "storage": ("GiB-month", "disk-month"),
    "iops": ("IOPS-month",),
    "throughput": ("MiBps-month",),
    "file_system": ("GiB-month",),
    "snapshot": ("GiB-month",),
    "license": ("hour",),
    "network": ("hour",),
    "transfer": ("GiB",),
    "control_plane": ("hour",),
    "managed_service": ("hour", "month"),
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
OPERATING_SYSTEMS = ("linux", "windows", "rhel", "sles", "rhel-sap", "sles-sap", "ubuntu-pro")
TERMS = ("", "1y", "3y")
PAYMENTS = ("", "no_upfront", "partial_upfront", "all_upfront")
STATUSES = ("current", "previous", "retired")
BASES = ("measured", "chained", "proxy", "datasheet")
CONFIDENCES = ("high", "medium", "low")
GEOGRAPHIES = ("na", "sa", "eu", "me", "af", "ap", "oc")
BANDS = ("<5%", "5-10%", "10-15%", "15-20%", ">20%")
SCOPES = ("cloud", "gpu", "family", "sku")
ARCHITECTURES = ("x86_64", "arm64", "")

Value: TypeAlias = str | float | int | None
Row: TypeAlias = tuple[Value, ...]

_COLUMNS = {
    "source": "id, as_of, title",
    "price": (
        "cloud, kind, sku, region, os, purchase_model, term, payment, unit, usd, low?, high?, upfront?, source, note"
    ),
    "instance_type": (
        "cloud, lower_sku, sku, family, vcpus:real?, memory_gib:real?, gpu_model?, gpu_count:real, gpu_memory_gib:real?,"
        " arch, status, local_ssd_gib:real?, network_gbps:real?, source, as_of"
    ),
    "accelerator": (
        "model, vendor, architecture, launch_year:integer?, status, memory_gib:real?, memory_type,"
        " memory_bandwidth_gbps:real?, fp64_tflops:real?, fp32_tflops:real?, tf32_tflops:real?, fp16_tflops:real?,"
        " bf16_tflops:real?, fp8_tflops:real?, int8_tops:real?, fp4_tflops:real?, tdp_watts:real?, interconnect,"
        " mig_max_instances:integer?, mig_profiles, source, as_of"
    ),
    "accelerator_alias": "alias, model",
    "region": "cloud, name, display_name, country, geography, utc_offset, latitude:real?, longitude:real?",
    "discount": (
        "cloud, scope, name, region, os, purchase_model, term, low_percent, high_percent, kind, source, as_of"
    ),
    "performance_pair": "workload, model, other, ratio:real, low:real, high:real, benchmarks:integer",
    "performance_ratio": "workload, model, reference, ratio:real, low:real?, high:real?, basis, confidence",
    "interruption": "region, sku, os, band",
    "offering": "cloud, sku, region, zones",
    "hole": "cloud, sku, reason",
}
"""Columns of every table; text unless said otherwise, and never null unless marked with ``?``."""

_KEYS = {
    "source": 1,
    "price": 8,
    "instance_type": 2,
    "accelerator": 1,
    "accelerator_alias": 1,
    "region": 2,
    "discount": 7,
    "performance_pair": 3,
    "performance_ratio": 2,
    "interruption": 3,
    "offering": 3,
    "hole": 2,
}
"""How many of the first columns are the primary key."""

TABLES = tuple(_COLUMNS)
COLUMNS = {
    table: tuple(part.strip().rstrip("?").partition(":")[0] for part in columns.split(","))
    for table, columns in _COLUMNS.items()
}
KEYS = {table: COLUMNS[table][:count] for table, count in _KEYS.items()}
TYPES = {
    table: tuple(
        (part.strip().rstrip("?").partition(":")[2] or "text", part.endswith("?")) for part in columns.split(",")
    )
    for table, columns in _COLUMNS.items()
}
"""Of every column: what stands in it (text, real, integer), and whether it may be null."""

_INDEXES = (
    "CREATE INDEX price_by_region ON price (cloud, region, kind, purchase_model, sku)",
    "CREATE INDEX gpu_type ON instance_type (cloud, gpu_model) WHERE gpu_model IS NOT NULL",
)


def statements() -> tuple[str, ...]:
    """The SQL that makes an empty catalog."""
    made = ["CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID"]
    for table, names in COLUMNS.items():
        parts = [
            f"{name} {kind.upper()}{'' if nullable else ' NOT NULL'}"
            for name, (kind, nullable) in zip(names, TYPES[table], strict=True)
        ]
        key = ", ".join(KEYS[table])
        made.append(f"CREATE TABLE {table} ({', '.join(parts)}, PRIMARY KEY ({key})) WITHOUT ROWID")
    return (*made, *_INDEXES)
