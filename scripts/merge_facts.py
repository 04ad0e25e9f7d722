"""Merge facts that already have the columns of the source tables into gpuguard/price/data.

``python scripts/merge_facts.py DIR... [--data DIR]``. A folder may hold `prices.csv` (cloud, kind, the columns of a price
table, as_of), `types.csv`, `regions.csv`, `accelerators.csv`, `discounts.csv`, `offerings.csv` or `zones.csv`, and
`corrections.csv` (sku, status); `source` is a title there. Newer figures take the place of older ones (see `tables`);
types, regions and accelerators are replaced. `--titles FILE` (old,new) renames sources. Unknown words stop the merge.
"""

import argparse
import csv
import re
import sys
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from gpuguard.price import build
from gpuguard.price.schema import KINDS, OPERATING_SYSTEMS
from scripts.finish import finish
from scripts.tables import Row, Store, log, plain

_VAGUE = re.compile(r"\b(?:text index|index file|stored file|index id)\b", re.IGNORECASE)
_SHARE = re.compile(r"derived: (?:on-demand x [\d.]+|[\d.]+ % of on demand)")
_MOST_SOURCES = 2

SHORTER = (
    # long words of facts, and what the tables say instead
    (
        "SKU of the Billing Catalog; Google's price page names no on-demand price; 8 x the price of one GPU slice, which covers the whole machine",
        "8 x one GPU slice, which covers the whole machine; the price page names no on-demand price",
    ),
    (
        "8 x the price of one GPU slice, which covers the whole machine",
        "8 x one GPU slice, which covers the whole machine",
    ),
    ("; the Americas SKU, one price for us-central1, us-east1 and us-west1", "; one price for the Americas"),
    ("; the Americas SKUs, one price for us-central1, us-east1 and us-west1", "; one price for the Americas"),
    ("the Americas SKU, one price for us-central1, us-east1 and us-west1", "one price for the Americas"),
    ("the Americas SKUs, one price for us-central1, us-east1 and us-west1", "one price for the Americas"),
    ("; the Americas SKUs, one price for us-central1 and us-west1", "; one price for the Americas"),
    (
        "without operating system fee; offered in Local Zone us-east-1-dfw-2a only; exact rate of 2026-07-22, unchanged to the cent per accelerator; a ninth of the UltraServer u-p6e-gb200x36, sold as a whole",
        "offered in Local Zone us-east-1-dfw-2a only; a ninth of the UltraServer u-p6e-gb200x36, sold as a whole",
    ),
    (
        "GPU part read; vCPU and memory taken from us-east4 (same GPU price there), plus 6,000 GiB of bundled local SSD at its own price",
        "derived: vCPU and memory of us-east4, where the GPU costs the same; with 6,000 GiB of bundled local SSD",
    ),
    (
        "derived: GPU price read, equal to europe-west2; vCPU and memory taken from there (on demand the two regions differ by 0.02 %)",
        "derived: vCPU and memory of europe-west2, where the GPU costs the same",
    ),
    ("; exact rate of 2026-07-22, unchanged to the cent per accelerator", "; exact rate of 2026-07-22"),
)

SETTLED = 60
"""Days after which a spot price gives way to a newer one; list and commitment prices do at once."""

CORRECTIONS = (
    # cloud, sku, source id, why figures of that source replace those that stand there, whatever their date
    ("gcp", "a3-megagpu-8g", "jplutz7-*", "vCPUs and memory of A3 Mega have prices of their own"),
)

REJECTED = (
    # cloud, sku, region, source id, reason; patterns in the manner of the shell
    ("aws", "ml.g4dn.*", "us-west-1", "flexera-public-*", "repeats the price of us-west-2; EC2 costs more there"),
)


class Merge:
    """One run: the tables, and the titles that sources get."""

    def __init__(self, data: Path, titles: dict[str, str]) -> None:
        self.store, self.titles, self.shares = Store(data), titles, 0

    def folder(self, folder: Path) -> None:
        """Merge everything one folder holds."""
        for row in self._rows(folder / "accelerators.csv"):
            self.store.merge("accelerators.csv", [row], replace=True)
        for row in self._rows(folder / "accelerators_more.csv"):
            self._complete_accelerator(row)
        for row in self._rows(folder / "regions.csv"):
            known = ("regions.csv", (row["cloud"], row["name"]))
            if known[1] not in self.store.tables[known[0]]:
                self.store.merge("regions.csv", [row])
        for row in self._rows(folder / "types.csv"):
            self._type(row)
        for row in self._rows(folder / "corrections.csv", sourced=False):
            self._correct(row)
        for row in self._rows(folder / "zones.csv"):
            self.store.merge(f"{row['cloud']}/offerings.csv", [row])
        for row in self._rows(folder / "prices.csv"):
            self._price(row)
        for row in self._rows(folder / "discounts.csv"):
            self.store.merge("discounts.csv", [row], replace=True)

    def _rows(self, path: Path, *, sourced: bool = True) -> Iterator[Row]:
        if not path.exists():
            return
        with path.open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                yield {**row, "source": self._source(row["source"], row["as_of"])} if sourced else row

    def _source(self, text: str, as_of: str) -> str:
        text = self.titles.get(text, text)
        parts = [self.titles.get(part.strip(), part.strip()) for part in re.split(r"; ", text)]
        ids = []
        for part in parts[:_MOST_SOURCES]:
            title = re.sub(r"^page '(.*)'$", r"\1", part)
            if _VAGUE.search(title):
                raise SystemExit(f"a source has no title: {title}")
            ids.append(self.store.sources.id(title, as_of))
        return " ".join(dict.fromkeys(ids))

    def _price(self, row: Row) -> None:
        for cloud, sku, region, source, reason in REJECTED:
            given = (row["cloud"], row["sku"], row["region"], row["source"])
            if all(fnmatchcase(*pair) for pair in zip(given, (cloud, sku, region, source), strict=True)):
                log("left out", f"{' '.join(given)} at {row['usd']}: {reason}")
                return
        if _SHARE.match(row["note"]):
            # what is only known as a share of the list price is a discount, and prices as a range: see discounts.csv
            self.shares += 1
            return
        if row["unit"] == "month" and row["sku"].startswith("workspaces-") and row["sku"].endswith("-autostop"):
            row["sku"] += "-fee"  # the fee of the month, on top of the price of the hours that is there already
        if row["kind"] not in KINDS or row["unit"] not in KINDS[row["kind"]] or row["os"] not in OPERATING_SYSTEMS:
            log("left out", f"{row['cloud']} {row['kind']} {row['sku']}: {row['unit']}, {row['os']}")
            return
        for long, short in SHORTER:
            row["note"] = row["note"].replace(long, short)
        for column in ("usd", "low", "high", "upfront"):
            row[column] = plain(row[column]) if row[column] else ""
        if row["low"] and row["low"] == row["high"] == row["usd"] and row["purchase_model"] != "spot":
            row["low"] = row["high"] = ""
        name = f"{row['cloud']}/prices/{row['kind']}.csv"
        if row["kind"] == "machine" and (row["sku"],) not in self.store.tables[f"{row['cloud']}/types.csv"]:
            log("left out", f"{row['cloud']} {row['sku']} {row['region']}: a machine type whose GPUs are not known")
            return
        settled = SETTLED if row["purchase_model"] == "spot" else 0
        self.store.merge(name, [row], settled=settled, replace=_corrects(row))

    def _type(self, row: Row) -> None:
        name, key = f"{row['cloud']}/types.csv", (row["sku"],)
        present = self.store.tables[name].get(key, {})
        # what the new row does not speak of stays
        merged = {**present, **{column: value for column, value in row.items() if value}}
        if present and any(present.get(column) != merged.get(column) for column in ("gpu_count", "gpu_model")):
            log("corrected", f"{row['cloud']} {row['sku']}: {merged['gpu_count']} x {merged['gpu_model']}")
            merged["gpu_memory_gib"] = row["gpu_memory_gib"]
        self.store.merge(name, [merged], replace=True)
        self.store.tables[f"{row['cloud']}/cpu_types.csv"].pop(key, None)

    def _correct(self, row: Row) -> None:
        for name in ("azure/types.csv", "aws/types.csv", "gcp/types.csv"):
            found = self.store.tables[name].get((row["sku"],))
            if found is not None and found["status"] != row["status"]:
                found["status"] = row["status"]
                log("corrected", f"{name} {row['sku']}: {row['status']} ({row['source']})")

    def _complete_accelerator(self, row: Row) -> None:
        present = self.store.tables["accelerators.csv"][(row["model"],)]
        figures = {column: value for column, value in row.items() if value and column in build.ACCELERATOR_COLUMNS}
        speed = row["interconnect_gbps"]
        if speed and row["interconnect"]:
            figures["interconnect"] = f"{row['interconnect']}, {speed} GB/s"
        for column in ("fp16_tflops", "bf16_tflops", "fp8_tflops", "int8_tops"):
            # the newer sheet speaks of all tensor figures: an empty one is not published
            figures.setdefault(column, "")
        status = {"status": "retired"} if row["end_of_sale"] else {}
        self.store.merge("accelerators.csv", [{**present, **figures, **status}], replace=True)


def _corrects(row: Row) -> bool:
    given = (row["cloud"], row["sku"], row["source"])
    return any(all(map(fnmatchcase, given, patterns)) for *patterns, _ in CORRECTIONS)


def main(arguments: Sequence[str] | None = None) -> int:
    """Merge folders in their order."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folders", type=Path, nargs="+", metavar="DIR")
    parser.add_argument("--data", type=Path, default=build.DATA, help="folder of the source tables to write")
    parser.add_argument("--titles", type=Path, help="CSV (old,new) that gives sources another title")
    options = parser.parse_args(arguments)
    titles = {}
    if options.titles:
        with options.titles.open(encoding="utf-8", newline="") as stream:
            titles = {row["old"]: row["new"] for row in csv.DictReader(stream)}
    merge = Merge(options.data, titles)
    for folder in options.folders:
        merge.folder(folder)
    log("left out", f"{merge.shares} prices that are a share of the list price")
    finish(merge.store)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
