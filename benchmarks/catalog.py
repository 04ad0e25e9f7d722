"""Measure look-ups in the embedded price catalog and print them as a Markdown table.

    python benchmarks/catalog.py

A look-up is by cloud, SKU, region, purchase model and operating system. `warm` asks again for what was asked before, as
a plan with many like machines does; `cold` asks a catalog opened anew, each key once. The floors are a dictionary access
and the bare SELECT. Every figure is the median of several rounds over the same keys.
"""

import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from gpuguard.model.price import PriceKey  # noqa: E402 - also run as a file
from gpuguard.price.catalog import EMBEDDED, Catalog  # noqa: E402

ROUNDS = 7
KEYS = 4000
LIMIT = 50
SELECT = (
    "SELECT usd FROM price WHERE cloud = ? AND kind = ? AND sku = ? AND region = ? AND os = ? AND purchase_model = ?"
)


def microseconds(work: Callable[[PriceKey], object], keys: Sequence[PriceKey]) -> float:
    """The time of one piece of work, the mean over all keys."""
    start = time.perf_counter()
    for key in keys:
        work(key)
    return (time.perf_counter() - start) / len(keys) * 1e6


def main() -> None:
    """Measure and print."""
    import sqlite3

    with Catalog.open() as catalog:
        every = [price.key for price in catalog.all_prices(kinds=("machine",))]
    step = max(len(every) // KEYS, 1)
    keys = [PriceKey(key.cloud, key.kind, key.sku, key.region, key.os, key.purchase_model) for key in every[::step]]
    table = dict.fromkeys(keys, 1)
    times: dict[str, list[float]] = {}
    connection = sqlite3.connect(EMBEDDED.as_uri() + "?mode=ro&immutable=1", uri=True)

    def select(key: PriceKey) -> object:
        names = (key.cloud, key.kind, key.sku, key.region, key.os, key.purchase_model)
        return connection.execute(SELECT, names).fetchone()

    for _ in range(ROUNDS):
        with Catalog.open() as catalog:
            cold = microseconds(catalog.price, keys)
            warm = microseconds(catalog.price, keys)
        for name, one in (
            ("dictionary access", microseconds(table.get, keys)),
            ("bare SELECT", microseconds(select, keys)),
            (f"`Catalog.price`, warm (limit {LIMIT} µs)", warm),
            ("`Catalog.price`, cold", cold),
        ):
            times.setdefault(name, []).append(one)
    connection.close()
    floor = statistics.median(times["bare SELECT"])
    print(
        f"{len(keys):,} keys, median of {ROUNDS} rounds.\n\n| look-up | time | × bare SELECT |\n| --- | ---: | ---: |"
    )
    for name, all_ in times.items():
        middle = statistics.median(all_)
        print(f"| {name} | {middle:.2f} µs | {middle / floor:.2f} × |")


if __name__ == "__main__":
    main()
