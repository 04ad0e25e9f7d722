"""The catalog against second sources: prices read by somebody else, on another day, from another place.

`crosscheck.csv` holds the second figures with source, date and, where they differ by more than half a percent, the reason.
A figure that is taken over into the tables is no second source any more: the row then has to go.
"""

import csv
import re
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from gpuguard.model.price import Price
from gpuguard.price.catalog import Catalog

ROWS = Path(__file__).with_name("crosscheck.csv")
PAGE = Path(__file__).parents[2] / "docs" / "catalog.md"
CLOSE = Decimal("0.005")

REASONS = {
    "": "equal within half a percent",
    "spot-moves": "spot prices of different days; both may be right",
    "price-changed": "the list price changed between the two days; the catalog has the newer one",
    "stale-second-source": "the second list is older than a change that is known",
    "second-source-wrong": "an error of the second source, shown by others",
    "local-ssd-left-out": "the second leaves out the local SSD that comes with the machine",
    "surcharge-only": "the second is the extra fee alone, the catalog's the whole fee",
    "rounded": "the second is rounded to cents",
}


def rows() -> list[dict[str, str]]:
    with ROWS.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return Catalog.open()


def found(catalog: Catalog, row: dict[str, str]) -> Price:
    key = (row["region"], row["os"], row["purchase_model"], row["term"], row["payment"])
    (price,) = [
        each
        for each in catalog.prices_of(row["cloud"], row["kind"], row["sku"])  # type: ignore[arg-type] # plain text of a table
        if (each.key.region, each.key.os, each.key.purchase_model, each.key.term or "", each.key.payment or "") == key
    ]
    return price


def repository(title: str) -> str:
    match = re.match(r"[\w.-]+/[\w.-]+?(?=@|:|$)", title)
    return match[0].lower() if match else title.lower()


@pytest.mark.parametrize("row", rows(), ids=lambda row: " ".join(list(row.values())[:7]).strip())
def test_the_second_figure_agrees_or_differs_for_a_known_reason(catalog: Catalog, row: dict[str, str]) -> None:
    price = found(catalog, row)
    difference = abs(Decimal(row["usd"]) - price.amount) / price.amount
    assert row["reason"] in REASONS
    assert (difference > CLOSE) == bool(row["reason"]), f"{row['usd']} against {price.amount} of {price.source}"


@pytest.mark.parametrize("row", rows(), ids=lambda row: " ".join(list(row.values())[:7]).strip())
def test_the_second_source_is_not_that_of_the_catalog(catalog: Catalog, row: dict[str, str]) -> None:
    own = {repository(title) for title in found(catalog, row).source.split("; ")}
    assert repository(row["source"]) not in own


def test_a_price_that_changed_is_newer_in_the_catalog(catalog: Catalog) -> None:
    changed = [row for row in rows() if row["reason"] == "price-changed"]
    assert changed
    assert all(found(catalog, row).as_of > row["as_of"] for row in changed)


def test_the_second_figures_are_many_and_of_every_large_cloud() -> None:
    pairs = {(row["cloud"], row["sku"], row["region"]) for row in rows()}
    counts = Counter(row["cloud"] for row in rows())
    assert len(pairs) >= 200
    assert all(counts[cloud] >= 40 for cloud in ("aws", "azure", "gcp"))
    assert len(counts) >= 8


def test_the_page_tells_how_many_agree(request: pytest.FixtureRequest) -> None:
    """`pytest --update-goldens` writes the table again."""
    counts = Counter(row["reason"] for row in rows())
    clouds = Counter(row["cloud"] for row in rows())
    lines = [
        f"{len(rows())} prices: {', '.join(f'{cloud} {count}' for cloud, count in clouds.most_common())}.",
        "",
        "| reason | prices | means |",
        "| --- | --: | --- |",
        *(f"| {name or 'none'} | {counts[name]} | {words} |" for name, words in REASONS.items()),
    ]
    block = "<!-- crosscheck -->\n" + "\n".join(lines) + "\n<!-- /crosscheck -->"
    text = PAGE.read_text(encoding="utf-8")
    if request.config.getoption("--update-goldens"):
        text = re.sub(r"<!-- crosscheck -->.*?<!-- /crosscheck -->", lambda _: block, text, flags=re.S)
        PAGE.write_text(text, encoding="utf-8")
    assert block in text
