"""How facts are merged into the source tables: the newer figure stays, at one date the dearer, and nothing gets lost."""

import csv
from pathlib import Path

import pytest

from gpuguard.price import build
from scripts.merge_facts import main
from scripts.tables import Row, Sources, Store

MACHINES = "aws/prices/machine.csv"
KEY = ("p5.48xlarge", "us-east-1", "linux", "on_demand", "", "")


def row(store: Store, usd: str, as_of: str, **more: str) -> Row:
    cells = dict.fromkeys(build.PRICE_COLUMNS, "")
    cells.update(sku=KEY[0], region=KEY[1], os=KEY[2], purchase_model=KEY[3], unit="hour", usd=usd)
    return {**cells, "source": store.sources.id("acme/prices@0123456789ab:list.csv", as_of), **more}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


@pytest.mark.parametrize(
    ("first", "second", "kept"),
    [
        pytest.param(("55", "2026-01-01"), ("54", "2026-02-01"), "54", id="the newer one, although it is cheaper"),
        pytest.param(("54", "2026-02-01"), ("55", "2026-01-01"), "54", id="the newer one, although it comes first"),
        pytest.param(("55", "2026-01-01"), ("54", "2026-01-01"), "55", id="of one day the dearer"),
        pytest.param(("54", "2026-01-02"), ("55", "2026"), "54", id="a year counts as its first day"),
        pytest.param(("54", "2026-03-02"), ("55", "2026-03"), "54", id="a month counts as its first day"),
    ],
)
def test_of_two_figures_for_one_key(store: Store, first: tuple[str, str], second: tuple[str, str], kept: str) -> None:
    for usd, as_of in (first, second):
        store.merge(MACHINES, [row(store, usd, as_of)])
    assert store.tables[MACHINES][KEY]["usd"] == kept


def test_figures_per_different_units_are_never_mixed(store: Store) -> None:
    store.merge(MACHINES, [row(store, "55", "2026-01-01")])
    with pytest.raises(SystemExit, match="a price per hour and one per month"):
        store.merge(MACHINES, [row(store, "55", "2026-01-01", unit="month")])


def test_what_is_written_reads_back_as_it_was_and_names_only_the_sources_it_uses(store: Store) -> None:
    store.merge(MACHINES, [row(store, "55", "2026-01-01")])
    store.merge(MACHINES, [row(store, "56", "2026-02-01")])
    store.write()
    again = Store(store.data)
    assert again.tables == store.tables
    assert [as_of for as_of, _ in again.sources.known.values()] == ["2026-02-01"]
    before = {path: path.read_bytes() for path in store.data.rglob("*.csv")}
    again.write()
    assert before == {path: path.read_bytes() for path in store.data.rglob("*.csv")}


def test_two_sources_with_one_short_name_get_ids_of_their_own() -> None:
    sources = Sources()
    first = sources.id("acme/prices@0123456789ab:a/list.csv", "2026-01-01")
    second = sources.id("acme/prices@0123ffffffff:b/a/list.csv", "2026-01-01")
    assert first != second
    assert sources.id("acme/prices@0123456789ab:a/list.csv", "2026-01-01") == first


def test_the_shipped_tables_do_not_change_when_they_are_read_and_written(tmp_path: Path) -> None:
    store = Store(build.DATA)
    store.data = tmp_path
    store.write()
    for path in tmp_path.rglob("*.csv"):
        assert path.read_bytes() == (build.DATA / path.relative_to(tmp_path)).read_bytes(), path.name
    assert len(list(tmp_path.rglob("*.csv"))) == len(list(build.DATA.rglob("*.csv")))


def _facts(folder: Path, **cells: str) -> Path:
    price = {
        "cloud": "aws", "kind": "machine", "sku": KEY[0], "region": KEY[1], "os": "linux", "purchase_model": "on_demand",
        "unit": "hour", "usd": "55.50", "source": "acme/prices@0123456789ab:list.csv", "as_of": "2026-11-01", **cells,
    }  # fmt: skip
    folder.mkdir()
    with (folder / "prices.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, ["cloud", "kind", *build.PRICE_COLUMNS, "as_of"], restval="")
        writer.writeheader()
        writer.writerow(price)
    return folder


def test_facts_in_the_columns_of_the_tables_are_merged_and_checked(tmp_path: Path) -> None:
    store = Store(build.DATA)
    store.data = tmp_path / "data"
    store.write()
    assert main([str(_facts(tmp_path / "facts")), "--data", str(tmp_path / "data")]) == 0
    merged = Store(tmp_path / "data").tables[MACHINES][KEY]
    assert (merged["usd"], merged["source"]) == ("55.5", "acme-list-0123-2026-11-01")


@pytest.mark.parametrize(
    ("cells", "error"),
    [
        pytest.param({"source": "index file 123"}, SystemExit, id="a source without a title"),
        pytest.param({"region": ""}, build.BuildError, id="no region"),
        pytest.param({"usd": "0", "as_of": "2027-01-01"}, build.BuildError, id="a price of zero"),
        pytest.param({"term": "2y", "purchase_model": "reserved"}, build.BuildError, id="an unknown term"),
    ],
)
def test_wrong_facts_stop_the_merge(tmp_path: Path, cells: dict[str, str], error: type[BaseException]) -> None:
    store = Store(build.DATA)
    store.data = tmp_path / "data"
    store.write()
    with pytest.raises(error):
        main([str(_facts(tmp_path / "facts", **cells)), "--data", str(tmp_path / "data")])
