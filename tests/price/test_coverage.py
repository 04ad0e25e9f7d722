"""How much has a price: pairs of machine type and region, counted one by one."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gpuguard.price.catalog import Catalog
from gpuguard.price.coverage import Coverage, coverage, offered_pairs
from gpuguard.price.schema import COMMITMENTS, PURCHASE_MODELS, Row
from tests.price import small
from tests.price.small import discount, machine, price, spot, windows

TWO = (machine("a.1"), machine("b.1"))


def covered(folder: Path, *prices: Row, types: tuple[Row, ...] = TWO, **tables: Any) -> dict[tuple[str, str], Coverage]:
    """By purchase model and term, of AWS."""
    with small.catalog(folder, prices, types, **tables) as catalog:
        return {(each.purchase_model, each.term): each for each in coverage(catalog) if each.cloud == "aws"}


def counts(found: Coverage) -> tuple[int, int, int]:
    """Pairs offered, priced, and priced as a range."""
    return found.offered, found.priced, found.ranged


def test_a_pair_is_offered_where_any_price_names_it(tmp_path: Path) -> None:
    found = covered(tmp_path, price("a.1", "1"), spot("a.1", "1", "us-west-2"), price("b.1", "1"))
    assert counts(found["on_demand", ""]) == (3, 2, 0)
    assert counts(found["spot", ""]) == (3, 1, 0)
    assert (found["spot", ""].skus_offered, found["spot", ""].skus_priced) == (2, 1)


@pytest.mark.parametrize(
    ("tables", "offered"),
    [
        pytest.param({}, 1, id="by its price"),
        pytest.param({"interruption": [("eu-west-1", "a.1", "linux", "<5%")]}, 2, id="by the Spot Instance Advisor"),
        pytest.param({"offering": [("aws", "b.1", "us-east-2", "us-east-2a")]}, 2, id="by the cloud's own list"),
        pytest.param({"offering": [("aws", "a.1", "us-east-1", "")]}, 1, id="but once"),
        pytest.param({"offering": [("gcp", "a.1", "us-east-2", "")]}, 1, id="by no other cloud's list"),
        pytest.param({"offering": [("aws", "x.1", "us-east-2", "")]}, 1, id="but no type without an accelerator"),
    ],
)
def test_a_pair_is_offered(tables: dict[str, Any], offered: int, tmp_path: Path) -> None:
    with small.catalog(tmp_path, [price("a.1", "1")], TWO, **tables) as catalog:
        assert len(offered_pairs(catalog, "aws")) == offered


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(machine("old.1", status="retired"), id="retired types"),
        pytest.param(machine("old.1", None), id="machines without accelerators"),
    ],
)
def test_nothing_is_counted_of(row: Row, tmp_path: Path) -> None:
    found = covered(tmp_path, price("a.1", "1"), price("old.1", "1"), types=(*TWO, row))
    assert counts(found["on_demand", ""]) == (1, 1, 0)


def test_a_windows_price_alone_is_no_price_of_the_pair(tmp_path: Path) -> None:
    found = covered(tmp_path, price("a.1", "1"), windows("b.1", "1"))
    assert counts(found["on_demand", ""]) == (2, 1, 0)


def test_a_pair_bought_in_several_ways_of_payment_is_counted_once(tmp_path: Path) -> None:
    rows = [price("a.1", "1", model="reserved", term="1y", payment=each) for each in ("no_upfront", "all_upfront")]
    found = covered(tmp_path, price("a.1", "1"), *rows)
    assert counts(found["reserved", "1y"]) == (1, 1, 0)
    assert ("reserved", "3y") not in found


def test_a_known_discount_on_a_listed_pair_is_a_range(tmp_path: Path) -> None:
    prices = (price("a.1", "1"), price("b.1", "1"), spot("a.1", "1"), spot("b.1", "1", "us-west-2"))
    found = covered(tmp_path, *prices, discount=[discount("spot", "10", "90"), discount("reserved", "1", "2", "3y")])
    assert counts(found["spot", ""]) == (3, 2, 1), "b.1 in us-east-1 has a list price and no spot price"
    assert counts(found["reserved", "3y"]) == (3, 0, 2)
    assert found["reserved", "3y"].oldest is None
    assert counts(found["on_demand", ""])[2] == 0, "a list price is never a range"


def test_the_age_is_that_of_the_pairs_oldest_and_newest_row(tmp_path: Path) -> None:
    found = covered(tmp_path, price("a.1", "1", source=small.OLD), price("b.1", "1"))["on_demand", ""]
    assert (found.oldest, found.newest) == ("2025", "2026-07-01")


@pytest.mark.parametrize(
    ("priced", "offered", "percent"),
    [
        pytest.param(0, 0, 0, id="nothing of nothing"),
        pytest.param(1085, 1086, 99, id="all but one is not all"),
        pytest.param(3, 3, 100, id="all"),
    ],
)
def test_the_share_is_rounded_down(priced: int, offered: int, percent: int) -> None:
    assert Coverage("aws", "spot", "", offered, priced, 0, 1, 1, None, None).percent == percent


PRICE = st.builds(
    price,
    st.sampled_from(["a.1", "b.1", "retired.1", "cpu.1", "unheard.1"]),
    st.just("1"),
    st.sampled_from(["us-east-1", "eu-west-1", "*"]),
    os=st.sampled_from(["linux", "windows"]),
    model=st.sampled_from(["on_demand", "spot"]),
    source=st.sampled_from([small.LIST, small.OLD]),
)


@given(prices=st.lists(PRICE, unique_by=lambda row: row[:8]))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_more_is_priced_than_is_offered(prices: list[Row], tmp_path: Path) -> None:
    types = (*TWO, machine("retired.1", status="retired"), machine("cpu.1", None))
    for each in covered(tmp_path, *prices, types=types, discount=[discount("spot", "10", "90")]).values():
        assert each.priced + each.ranged <= each.offered
        assert each.priced or each.ranged
        assert each.skus_priced <= each.skus_offered <= len(TWO)
        assert (each.oldest is None) == (each.newest is None) == (each.priced == 0)


def test_the_embedded_catalog_has_the_shape_the_documents_show() -> None:
    with Catalog.open() as catalog:
        found = coverage(catalog)
        clouds = [each.cloud for each in found]
        assert clouds == sorted(clouds)
        assert {"aws", "azure", "gcp"} <= set(clouds)
        for each in found:
            assert each.purchase_model in PURCHASE_MODELS
            assert bool(each.term) == (each.purchase_model in COMMITMENTS)
            assert 0 < each.priced + each.ranged <= each.offered
            assert each.oldest is None or each.newest is None or each.oldest <= each.newest
