"""A refresh replaces what the sources list and nothing else, believes nothing wild, and loses nothing when it fails."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest
from msgspec.structs import replace

from gpuguard.errors import ConfigError, ServiceError, UsageError
from gpuguard.model.price import Price, PriceKey
from gpuguard.price.catalog import EMBEDDED, Catalog
from gpuguard.price.refresh import Outcome, PartDone, Task, Watcher, refresh
from gpuguard.price.sources.base import (
    Context,
    FetchedPrice,
    FetchedType,
    Found,
    NotModified,
    Part,
    Scope,
    Source,
    Validators,
    Wanted,
)
from gpuguard.price.sources.http import Http

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
SKU, REGION = "p5.48xlarge", "us-east-1"
SCOPE = Scope("aws", "machine", "on_demand", (REGION,), sku="p5.48xlarge")


class NoNetwork(Http):
    """The sources of this file do not ask the network."""

    def __init__(self, **_: Any) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass


class Api:
    """A source whose parts answer what they are told, and count how often they are asked."""

    def __init__(self, **parts: "Found | Exception | None") -> None:
        self.answers, self.asked = dict(parts), list[tuple[str, Validators | None]]()
        self.scopes: dict[str, tuple[Scope, ...]] = {}

    def source(self) -> Source:
        return Source(name="fake", cloud="aws", title="Fake API", endpoint="http://127.0.0.1", parts=self._parts)

    def _parts(self, context: Context) -> Iterator[Part]:
        for name in self.answers:
            yield Part(f"fake/{name}", self.scopes.get(name, (SCOPE,)), self._reader(name))

    def _reader(self, name: str) -> Any:
        def read(context: Context, validators: Validators | None) -> Found:
            self.asked.append((name, validators))
            answer = self.answers[name]
            if isinstance(answer, Exception):
                raise answer
            assert answer is not None
            return answer

        return read


def found(*prices: FetchedPrice, **more: Any) -> Found:
    return Found("2026-11-19", "Fake API of acme", prices, **more)


def price(usd: str, sku: str = SKU, region: str = REGION, **more: Any) -> FetchedPrice:
    return FetchedPrice("machine", sku, region, "hour", Decimal(usd), **more)


def smaller_type() -> Api:
    """An API of p5.4xlarge alone. It lists both systems: one that had a list price and lost it would be refused."""
    api = Api(part=found(price("7.00", "p5.4xlarge"), price("7.736", "p5.4xlarge", os="windows")))
    api.scopes["part"] = (Scope("aws", "machine", "on_demand", (REGION,), sku="p5.4xlarge"),)
    return api


def run(api: Api, folder: Path, **more: Any) -> Outcome:
    task = Task(sources=[api.source()], output=folder / "new.sqlite", folder=folder / "work", now=NOW)
    return refresh(replace(task, **more), Watcher(), connect=cast("Any", NoNetwork))


def listed(path: Path, sku: str = SKU, region: str = REGION, **more: Any) -> Price:
    with Catalog.open(path) as catalog:
        answer = catalog.price(PriceKey("aws", "machine", sku, region, **more))
        assert isinstance(answer, Price), answer
        return answer


@pytest.fixture(scope="module")
def now_listed() -> Decimal:
    with Catalog.open() as catalog:
        answer = catalog.price(PriceKey("aws", "machine", SKU, REGION))
        assert isinstance(answer, Price)
        return answer.amount


# --- what it writes ---


def test_a_new_price_takes_the_place_of_the_old_one_with_source_and_day(tmp_path: Path, now_listed: Decimal) -> None:
    outcome = run(Api(part=found(price("56.10"))), tmp_path)
    (change,) = outcome.comparison.prices
    assert (change.before, change.after, change.doubt) == (now_listed, Decimal("56.10"), "")
    new = listed(tmp_path / "new.sqlite")
    assert (new.amount, new.as_of, new.source) == (Decimal("56.10"), "2026-11-19", "Fake API of acme")
    assert outcome.parts == (PartDone("fake/part", "read", 1),)


def test_everything_outside_the_scopes_stays(tmp_path: Path) -> None:
    run(Api(part=found(price("56.10"))), tmp_path)
    with Catalog.open() as old, Catalog.open(tmp_path / "new.sqlite") as new:
        before, after = old.rows(), new.rows()
        assert new.problems() == []
        for table in before:
            if table not in ("price", "source"):
                assert sorted(map(str, before[table])) == sorted(map(str, after[table])), table
        assert len(before["price"]) == len(after["price"])
        assert new.origin == old.version


def test_the_embedded_catalog_is_never_touched(tmp_path: Path) -> None:
    with Catalog.open() as catalog:
        path = catalog.path
    before = path.read_bytes()
    run(Api(part=found(price("56.10"))), tmp_path)
    assert path.read_bytes() == before


def test_what_a_scope_held_and_the_api_no_longer_lists_is_gone_when_accepted(tmp_path: Path) -> None:
    outcome = run(Api(part=found()), tmp_path, accept=True)
    assert [(each.change, each.key.sku) for each in outcome.comparison.prices if each.key.os == "linux"] == [
        ("removed", SKU)
    ]
    with Catalog.open(tmp_path / "new.sqlite") as catalog:
        assert not isinstance(catalog.price(PriceKey("aws", "machine", SKU, REGION)), Price)


def test_of_two_parts_that_list_one_thing_the_dearer_counts(tmp_path: Path) -> None:
    run(Api(one=found(price("56.30")), two=found(price("56.20"))), tmp_path)
    assert listed(tmp_path / "new.sqlite").amount == Decimal("56.30")


def test_a_second_refresh_begins_with_the_first(tmp_path: Path) -> None:
    run(Api(part=found(price("56.10"))), tmp_path)
    run(smaller_type(), tmp_path)
    assert listed(tmp_path / "new.sqlite").amount == Decimal("56.10")
    assert listed(tmp_path / "new.sqlite", "p5.4xlarge").amount == Decimal("7.00")


def test_an_earlier_catalog_that_is_damaged_is_not_built_on(tmp_path: Path) -> None:
    """Whoever changed a price in it would else see it in a catalog that verifies."""
    import sqlite3

    run(Api(part=found(price("56.10"))), tmp_path)
    with closing(sqlite3.connect(tmp_path / "new.sqlite")) as connection, connection:
        connection.execute("UPDATE price SET usd = '0.01' WHERE sku = 'p5.4xlarge' AND region = 'us-west-2'")
    outcome = run(Api(part=found(price("56.20"))), tmp_path)
    assert any("is not built on" in note for note in outcome.notes)
    with Catalog.open(tmp_path / "new.sqlite") as catalog, Catalog.open() as embedded:
        assert catalog.problems() == []
        key = PriceKey("aws", "machine", "p5.4xlarge", "us-west-2")
        assert catalog.price(key) == embedded.price(key)


def test_what_is_no_catalog_is_never_written_over(tmp_path: Path) -> None:
    api = Api(part=found(price("56.10")))
    (tmp_path / "new.sqlite").write_bytes(b"precious")
    with pytest.raises(ConfigError, match="not a price catalog"):
        run(api, tmp_path)
    (tmp_path / "new.sqlite").unlink()
    (tmp_path / "new.sqlite").mkdir()
    with pytest.raises(ConfigError, match="not a regular file"):
        run(api, tmp_path)
    with pytest.raises(ConfigError, match="never written over"):
        run(api, tmp_path, output=EMBEDDED)
    assert api.asked == []


def test_an_answer_of_a_day_to_come_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match="yet to come"):
        run(Api(part=replace(found(price("56.10")), as_of="2026-11-22")), tmp_path)
    assert run(Api(part=replace(found(price("56.10")), as_of="2026-11-21")), tmp_path).manifest is not None


def test_what_was_refreshed_survives_an_update_of_the_embedded_catalog(tmp_path: Path) -> None:
    """The file began with another embedded catalog: only what it found later than the present one has is carried over."""
    from gpuguard.price.store import write

    run(Api(part=found(price("56.10"))), tmp_path)
    with Catalog.open(tmp_path / "new.sqlite") as catalog:
        rows = catalog.rows()
    write(tmp_path / "new.sqlite", rows, origin="2020-01-01+00000000")
    run(smaller_type(), tmp_path)
    assert listed(tmp_path / "new.sqlite").amount == Decimal("56.10")
    with Catalog.open() as embedded, Catalog.open(tmp_path / "new.sqlite") as catalog:
        assert catalog.origin == embedded.version


def test_a_new_machine_type_gets_the_accelerator_of_its_family(tmp_path: Path) -> None:
    new = FetchedType("p5.96xlarge", vcpus=384, memory_gib=4096, gpu_count=16, arch="x86_64")
    odd = FetchedType("p99.large", vcpus=8, gpu_count=1)
    api = Api(part=found(price("56.10"), price("112", "p5.96xlarge"), types=(new, odd)))
    outcome = run(api, tmp_path)
    with Catalog.open(tmp_path / "new.sqlite") as catalog:
        machine = catalog.instance_type("aws", "p5.96xlarge")
    assert machine is not None
    assert (machine.gpu_model, machine.gpu_count, machine.gpu_memory_gib) == ("H100-80GB", 16, 1280)
    assert any("p99.large" in note for note in outcome.notes)


def test_a_region_this_gpuguard_does_not_know_is_kept_and_told(tmp_path: Path) -> None:
    api = Api(part=found(price("56.10"), price("60", region="mars-north-1")))
    api.scopes["part"] = (SCOPE, replace(SCOPE, regions=("mars-north-1",)))
    outcome = run(api, tmp_path)
    assert listed(tmp_path / "new.sqlite", region="mars-north-1").amount == 60
    assert [note for note in outcome.notes if "aws mars-north-1 is new" in note]


# --- what it refuses ---


@pytest.mark.parametrize(
    ("given", "doubt"),
    [
        pytest.param([price("165.13")], "3 times", id="three times the price and more"),
        pytest.param([price("18.30")], "3 times", id="less than a third of the price"),
        pytest.param([price("0")], "not above zero", id="a price of zero"),
        pytest.param([price("-1")], "not above zero", id="a negative price"),
        pytest.param([], "list price is gone", id="a machine type that vanished"),
        pytest.param([price("56"), price("0", "p5.4xlarge")], "not above zero", id="a new price of zero"),
    ],
)
def test_an_implausible_outcome_is_refused_and_nothing_is_written(
    tmp_path: Path, given: list[FetchedPrice], doubt: str
) -> None:
    outcome = run(Api(part=found(*given)), tmp_path)
    assert outcome.manifest is None
    assert any(doubt in each.doubt for each in outcome.comparison.prices)
    assert not (tmp_path / "new.sqlite").exists()
    assert run(Api(part=found(*given)), tmp_path, accept=True).manifest is not None
    with Catalog.open(tmp_path / "new.sqlite") as catalog:
        assert all(each.amount > 0 for each in catalog.all_prices()), "whoever accepts it, nothing is free"


@pytest.mark.parametrize(
    "given",
    [
        pytest.param([price("165.12")], id="exactly three times"),
        pytest.param([price("18.35")], id="just above a third"),
        pytest.param([price("55.05")], id="a cent more"),
    ],
)
def test_a_plausible_move_is_taken(tmp_path: Path, given: list[FetchedPrice], now_listed: Decimal) -> None:
    assert now_listed == Decimal("55.04")
    assert run(Api(part=found(*given)), tmp_path).manifest is not None


def test_a_purchase_model_that_melts_away_is_refused(tmp_path: Path) -> None:
    api = Api(part=found())
    api.scopes["part"] = (Scope("gcp", "machine", "spot"),)
    outcome = run(api, tmp_path)
    assert outcome.manifest is None
    assert any("gcp machine prices bought as spot are gone" in doubt for doubt in outcome.comparison.doubts)


def test_a_refused_refresh_is_accepted_without_asking_again(tmp_path: Path) -> None:
    api = Api(part=found(price("500")))
    assert run(api, tmp_path).manifest is None
    assert run(api, tmp_path, accept=True).manifest is not None
    assert len(api.asked) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(price("1", sku=""), id="no name"),
        pytest.param(price("1", sku="p5\x1b[2J"), id="a name with control characters"),
        pytest.param(price("1", sku="x" * 300), id="a name without end"),
        pytest.param(price("1", os="beos"), id="an unknown operating system"),
        pytest.param(price("1", purchase_model="spot"), id="a purchase model outside the scopes"),
        pytest.param(price("NaN"), id="not a number"),
        pytest.param(FetchedPrice("machine", SKU, REGION, "GiB-month", Decimal(1)), id="a unit that does not fit"),
    ],
)
def test_a_price_that_cannot_be_stops_the_refresh(tmp_path: Path, wrong: FetchedPrice) -> None:
    with pytest.raises(ServiceError, match="a price that cannot be"):
        run(Api(part=found(price("56"), wrong)), tmp_path)
    assert not (tmp_path / "new.sqlite").exists()


# --- what it keeps when it fails ---


def test_after_a_failure_the_parts_that_were_read_are_not_asked_for_again(tmp_path: Path) -> None:
    api = Api(one=found(price("56.10")), two=ServiceError("the API is down"))
    with pytest.raises(ServiceError, match="down"):
        run(api, tmp_path)
    assert not (tmp_path / "new.sqlite").exists()
    api.answers["two"] = found()
    outcome = run(api, tmp_path)
    assert [name for name, _ in api.asked] == ["one", "two", "two"]
    assert [(part.name, part.how) for part in outcome.parts] == [("fake/one", "kept"), ("fake/two", "read")]
    assert outcome.resumed


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"resume": False}, id="when the user starts over"),
        pytest.param({"now": NOW + timedelta(hours=25)}, id="when a day has gone by"),
        pytest.param({"now": NOW - timedelta(hours=1)}, id="when the clock went back"),
        pytest.param({"endpoints": {"fake": "http://127.0.0.1:1"}}, id="when it is another address"),
    ],
)
def test_kept_parts_are_asked_for_again(tmp_path: Path, more: dict[str, Any]) -> None:
    api = Api(one=found(price("56.10")), two=ServiceError("the API is down"))
    with pytest.raises(ServiceError):
        run(api, tmp_path)
    api.answers["two"] = found()
    run(api, tmp_path, **more)
    assert [name for name, _ in api.asked] == ["one", "two", "one", "two"]


def test_a_finished_refresh_asks_again_with_its_validators_and_keeps_what_has_not_changed(tmp_path: Path) -> None:
    tag = Validators(etag='"v1"')
    api = Api(part=found(price("56.10"), validators=tag))
    run(api, tmp_path)
    api.answers["part"] = NotModified()
    outcome = run(api, tmp_path)
    assert api.asked == [("part", None), ("part", tag)]
    assert outcome.parts == (PartDone("fake/part", "unchanged", 1),)
    assert listed(tmp_path / "new.sqlite").amount == Decimal("56.10")


def test_rows_kept_for_other_wishes_are_not_reused(tmp_path: Path) -> None:
    tag = Validators(etag='"v1"')
    api = Api(part=found(price("56.10"), validators=tag))
    run(api, tmp_path)
    api.scopes["part"] = (SCOPE, Scope("aws", "machine", "reserved", (REGION,), sku=SKU))
    run(api, tmp_path, accept=True)
    assert api.asked == [("part", None), ("part", None)]


@pytest.mark.parametrize(
    "junk", [b"", b"{", b"[]", b"\xff\xfe", b'{"format": 99}'], ids=["empty", "cut", "list", "binary", "foreign"]
)
def test_a_damaged_work_folder_is_read_anew(tmp_path: Path, junk: bytes) -> None:
    api = Api(one=found(price("56.10")), two=ServiceError("the API is down"))
    with pytest.raises(ServiceError):
        run(api, tmp_path)
    for path in (tmp_path / "work").iterdir():
        path.write_bytes(junk)
    (tmp_path / "work" / ".left.json.1.tmp").write_bytes(b"half")
    api.answers["two"] = found()
    assert run(api, tmp_path).manifest is not None
    assert [path.name for path in (tmp_path / "work").iterdir() if path.name.endswith(".tmp")] == []


def test_wishes_reach_the_source(tmp_path: Path) -> None:
    seen: list[Context] = []

    def parts(context: Context) -> list[Part]:
        seen.append(context)
        assert context.known.accelerated("aws", SKU)
        assert context.known.machine("aws", "m5.large") is None
        assert REGION in context.known.regions("aws")
        return []

    source = Source(name="fake", cloud="aws", title="Fake", endpoint="http://127.0.0.1/", parts=parts)
    wanted = Wanted(("us-*",), ("spot",))
    task = Task(sources=[source], output=tmp_path / "new.sqlite", folder=tmp_path / "work", now=NOW, wanted=wanted)
    with pytest.raises(UsageError, match="no price API has anything"):
        refresh(task, Watcher(), connect=cast("Any", NoNetwork))
    (context,) = seen
    assert (context.endpoint, context.today, context.wanted) == ("http://127.0.0.1", "2026-11-20", wanted)
    assert context.wanted.region("us-east-1")
    assert not context.wanted.region("eu-west-1")
    assert not context.wanted.bought("on_demand")
