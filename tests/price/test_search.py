"""Finding machines: what fits, what it costs by the GPU, and in which order it stands."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuguard.price.catalog import Catalog
from gpuguard.price.search import Offer, Query, Sort, search, sorted_by
from tests.price import small
from tests.price.small import price, spot

D = Decimal


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalog]:
    with small.catalog(tmp_path_factory.mktemp("search")) as opened:
        yield opened


def found(catalog: Catalog, **query: Any) -> list[tuple[str, str, str]]:
    """SKU, region and purchase model of what fits."""
    return [(each.sku, each.region, each.purchase_model) for each in search(catalog, Query(**query))]


def skus(catalog: Catalog, **query: Any) -> set[str]:
    return {sku for sku, _, _ in found(catalog, **query)}


@pytest.mark.parametrize(
    ("query", "names"),
    [
        pytest.param(
            {},
            {"p5.48xlarge", "g6.xlarge", "ml.g6.xlarge", "Standard_NC40ads_H100_v5", "L4", "gpu_8x_h100"},
            id="everything current with an accelerator",
        ),
        pytest.param({"gpu": "L4"}, {"g6.xlarge", "ml.g6.xlarge", "L4"}, id="a GPU, attached ones too"),
        pytest.param({"gpu": "K80"}, set(), id="nothing retired"),
        pytest.param({"gpu": "K80", "retired": True}, {"p2.xlarge"}, id="what is retired where it is asked for"),
        pytest.param({"min_gpus": D(8)}, {"p5.48xlarge", "gpu_8x_h100"}, id="at least so many GPUs, inclusive"),
        pytest.param({"min_gpus": D("8.5")}, set(), id="more GPUs than any machine has"),
        pytest.param({"gpu": "H100-80GB", "max_gpus": D(1)}, {"Standard_NC40ads_H100_v5"}, id="at most so many GPUs"),
        pytest.param(
            {"gpu": "L4", "min_gpu_memory_gib": D("22.4")},
            {"g6.xlarge", "ml.g6.xlarge", "L4"},
            id="at least so much memory, inclusive to the digit",
        ),
        pytest.param({"gpu": "L4", "min_gpu_memory_gib": D("22.41")}, {"L4"}, id="a little more memory"),
        pytest.param({"min_gpu_memory_gib": D(640)}, {"p5.48xlarge", "gpu_8x_h100"}, id="memory of all GPUs together"),
        pytest.param({"clouds": ("azure", "gcp")}, {"Standard_NC40ads_H100_v5", "L4"}, id="some clouds"),
        pytest.param({"sku": "p5*"}, {"p5.48xlarge"}, id="a pattern of names"),
        pytest.param({"sku": "standard_NC*"}, {"Standard_NC40ads_H100_v5"}, id="a pattern in another letter case"),
        pytest.param({"sku": "[pg]*.xlarge"}, {"g6.xlarge"}, id="a pattern with a set of letters"),
        pytest.param({"sku": "["}, set(), id="a bracket that is never closed"),
        pytest.param(
            {"region": "eu-*"}, {"p5.48xlarge", "gpu_8x_h100"}, id="a pattern of regions, and a price for all of them"
        ),
        pytest.param({"purchase_models": ("reserved",)}, {"p5.48xlarge"}, id="one way of buying"),
        pytest.param({"purchase_models": ("spot", "reserved")}, {"p5.48xlarge", "g6.xlarge"}, id="two ways of buying"),
        pytest.param({"term": "1y"}, {"p5.48xlarge"}, id="commitments of a term, nothing without one"),
        pytest.param({"term": "3y"}, set(), id="a term that nothing has"),
        pytest.param({"os": "windows"}, {"p5.48xlarge"}, id="another operating system"),
    ],
)
def test_what_fits(catalog: Catalog, query: dict[str, Any], names: set[str]) -> None:
    assert skus(catalog, **query) == names


def test_all_operating_systems_are_found_where_none_is_named(catalog: Catalog) -> None:
    offers = search(catalog, Query(sku="p5.48xlarge", region="us-east-1", os=None, purchase_models=("on_demand",)))
    assert [(each.os, each.usd_per_hour) for each in offers] == [("linux", D(50)), ("windows", D(58))]


def test_a_price_for_all_regions_fits_the_regions_of_its_cloud_alone(tmp_path: Path) -> None:
    prices = [price("gpu_8x_h100", "24", "*", cloud="lambda")]
    here = small.region("lambda", "us-west-1")
    with small.catalog(tmp_path, prices, region=[here]) as catalog:
        assert found(catalog, region="us-*") == [("gpu_8x_h100", "*", "on_demand")]
        assert found(catalog, region="eu-*") == []
        assert found(catalog) == [("gpu_8x_h100", "*", "on_demand")]


def test_what_is_not_rented_by_the_hour_is_no_offer(tmp_path: Path) -> None:
    prices = [
        price("g6.xlarge", "100", kind="managed_service", unit="month"),
        price("g6.xlarge", "0.08", kind="storage", unit="GiB-month"),
    ]
    with small.catalog(tmp_path, prices) as catalog:
        assert found(catalog) == []


def test_an_offer_tells_all_that_is_known(catalog: Catalog) -> None:
    (offer,) = search(catalog, Query(sku="p5.48xlarge", region="us-east-1", purchase_models=("spot",)))
    assert offer == Offer(
        cloud="aws",
        region="us-east-1",
        sku="p5.48xlarge",
        kind="machine",
        gpu_model="H100-80GB",
        gpu_count=8.0,
        gpu_memory_gib=640.0,
        vcpus=192.0,
        memory_gib=2048.0,
        status="current",
        os="linux",
        purchase_model="spot",
        term=None,
        payment=None,
        usd_per_hour=D(20),
        usd_per_gpu_hour=D("2.5"),
        low=D(16),
        high=D(24),
        as_of="2026-07-15",
        source="acme spot prices",
        note="",
    )


def test_an_attached_accelerator_is_one_gpu_without_a_machine(catalog: Catalog) -> None:
    (offer,) = search(catalog, Query(clouds=("gcp",)))
    assert (offer.kind, offer.gpu_count, offer.gpu_memory_gib, offer.vcpus) == ("accelerator", 1.0, 24.0, None)


def test_a_managed_machine_is_the_machine_it_runs_on(catalog: Catalog) -> None:
    (offer,) = search(catalog, Query(sku="ml.*"))
    assert (offer.kind, offer.gpu_model, offer.gpu_count) == ("managed_service", "L4", 1.0)


@pytest.mark.parametrize(
    ("count", "usd", "each"),
    [
        pytest.param(8, "50", "6.25", id="eight"),
        pytest.param(3, "10", "3.333333", id="a price that does not end"),
        pytest.param(7, "1", "0.142857", id="a price that is rounded down"),
        pytest.param(0.5, "1", "2", id="half a GPU"),
        pytest.param(0.3, "0.1", "0.333333", id="a third of one, without the noise of binary fractions"),
        pytest.param(4, "0.000002", "0.000001", id="half a millionth is rounded up"),
    ],
)
def test_the_price_of_one_gpu(count: float, usd: str, each: str, tmp_path: Path) -> None:
    with small.catalog(tmp_path, [price("g9.xlarge", usd)], [small.machine("g9.xlarge", count=count)]) as catalog:
        (offer,) = search(catalog, Query())
    assert offer.usd_per_gpu_hour == D(each)
    assert offer.usd_per_hour == D(usd)


# --- order ---

SORTED: dict[Sort, str] = {
    "price": "cheapest first",
    "gpu-price": "cheapest GPU first",
    "sku": "by cloud and name",
    "region": "by region",
    "age": "oldest figure first",
}


def offer(**more: Any) -> Offer:
    values: dict[str, Any] = {
        "cloud": "aws", "region": "us-east-1", "sku": "g6.xlarge", "kind": "machine", "gpu_model": "L4", "gpu_count": 1.0,
        "gpu_memory_gib": 24.0, "vcpus": 4.0, "memory_gib": 16.0, "status": "current", "os": "linux",
        "purchase_model": "on_demand", "term": None, "payment": None, "usd_per_hour": D(1), "usd_per_gpu_hour": D(1),
        "low": None, "high": None, "as_of": "2026-07-01", "source": "acme", "note": "",
    }  # fmt: skip
    return Offer(**(values | more))


NUMBERS = st.integers(1, 5).map(D)
OFFERS = st.lists(
    st.builds(
        offer,
        cloud=st.sampled_from(["aws", "gcp"]),
        region=st.sampled_from(["*", "eu-west-1", "us-east-1"]),
        sku=st.sampled_from(["a.1", "b.2"]),
        os=st.sampled_from(["linux", "windows"]),
        term=st.sampled_from([None, "1y"]),
        payment=st.sampled_from([None, "no_upfront"]),
        usd_per_hour=NUMBERS,
        usd_per_gpu_hour=NUMBERS,
        as_of=st.sampled_from(["2025", "2025-06", "2025-06-01", "2026-01-01"]),
    ),
    max_size=8,
)


@pytest.mark.parametrize("by", [pytest.param(by, id=title) for by, title in SORTED.items()])
@given(offers=OFFERS)
def test_offers_stand(by: Sort, offers: list[Offer]) -> None:
    keys_by: dict[Sort, Callable[[Offer], Any]] = {
        "price": lambda each: each.usd_per_hour,
        "gpu-price": lambda each: each.usd_per_gpu_hour,
        "sku": lambda each: (each.cloud, each.sku),
        "region": lambda each: each.region,
        "age": lambda each: each.as_of,
    }
    ordered = sorted_by(offers, by)
    assert sorted(map(repr, ordered)) == sorted(map(repr, offers))
    keys = [keys_by[by](each) for each in ordered]
    assert keys == sorted(keys)


@pytest.mark.parametrize("by", SORTED)
@given(offers=OFFERS, seed=st.randoms(use_true_random=False))
def test_the_order_does_not_depend_on_where_rows_stood(by: Sort, offers: list[Offer], seed: Any) -> None:
    distinct = list({(each.cloud, each.sku, each.region, each.os, each.term, each.payment): each for each in offers}.values())  # fmt: skip
    ordered = sorted_by(distinct, by)
    seed.shuffle(distinct)
    assert sorted_by(distinct, by) == ordered


def test_every_order_is_tested() -> None:
    assert set(SORTED) == set(get_args(Sort))


def test_a_search_is_cheapest_first(catalog: Catalog) -> None:
    prices = [each.usd_per_hour for each in search(catalog, Query())]
    assert prices == sorted(prices)


def test_a_figure_that_only_a_year_is_known_of_counts_as_the_oldest_of_it(tmp_path: Path) -> None:
    prices = [price("g6.xlarge", "1", "us-west-2"), price("g6.xlarge", "2", source=small.OLD), spot("g6.xlarge", "3")]
    with small.catalog(tmp_path, prices) as catalog:
        ages = [each.as_of for each in sorted_by(search(catalog, Query()), "age")]
    assert ages == ["2025", "2026-07-01", "2026-07-15"]
