"""Which end of which range a price is judged at, where more than one row could answer."""

from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest

from gpuguard.model.price import PriceKey, Unpriced
from gpuguard.price.catalog import Catalog
from gpuguard.price.rates import Rate, rate
from tests.price.small import catalog, discount, price, spot


def test_without_a_region_spot_is_judged_at_the_dearest_zone_of_all_and_not_at_the_dearest_mean(tmp_path: Path) -> None:
    """The region with the dearer mean has the cheaper of the two dearest zones."""
    with catalog(
        tmp_path,
        prices=[
            price("p5.48xlarge", "20", "us-east-1"),
            price("p5.48xlarge", "20", "us-west-2"),
            spot("p5.48xlarge", "6", "us-east-1", span=("1", "9")),
            spot("p5.48xlarge", "7", "us-west-2", span=("6", "8")),
        ],
    ) as small:
        found = rate(small, PriceKey("aws", "machine", "p5.48xlarge", "", purchase_model="spot"), region_known=False)
    assert isinstance(found, Rate)
    assert (found.price, found.span) == (Decimal(9), (Decimal(1), Decimal(9)))


def test_the_hint_at_another_region_names_the_dearest_way_to_pay_as_a_price_would(tmp_path: Path) -> None:
    reserved = partial(price, "p5.48xlarge", region="us-west-2", model="reserved", term="1y")
    rows = [reserved("30", payment="all_upfront"), reserved("33", payment="no_upfront")]
    with catalog(tmp_path, prices=rows) as small:
        key = PriceKey("aws", "machine", "p5.48xlarge", "us-east-1", purchase_model="reserved", term="1y")
        answer = small.price(key)
    assert isinstance(answer, Unpriced)
    assert "asks 33 USD" in answer.hint


def test_a_type_is_offered_only_where_the_cloud_says_so_whatever_its_price_list_names() -> None:
    with Catalog.open() as embedded:
        offered = {(sku, region) for sku, region, _ in embedded.offerings("gcp")}
        priced = {
            (each.key.sku, each.key.region)
            for each in embedded.all_prices(("gcp",), ("machine",), ("on_demand", "spot"))
        }
        regions = {region for _, region in offered}
        for region in sorted(regions):
            names = {machine.sku for machine in embedded.offers("gcp", region)}
            assert names == {sku for sku, where in priced & offered if where == region}


@pytest.mark.parametrize(
    ("model", "term", "percent", "span"),
    [
        pytest.param("spot", "", "80", ("2.0", "6.0"), id="spot: ten points either way"),
        pytest.param("reserved", "1y", "36", ("12.6", "13.0"), id="a commitment: one point either way"),
        pytest.param("spot", "", "5", ("17.0", "20"), id="never above the list price"),
    ],
)
def test_a_discount_that_was_observed_elsewhere_is_a_range_and_not_a_figure(
    tmp_path: Path, model: str, term: str, percent: str, span: tuple[str, str]
) -> None:
    seen = discount(model, percent, percent, term, kind="observed")
    with catalog(tmp_path, prices=[price("p5.48xlarge", "20")], discount=[seen]) as small:
        key = PriceKey("aws", "machine", "p5.48xlarge", "us-east-1", purchase_model=model, term=term or None)
        found = rate(small, key)
    assert isinstance(found, Rate)
    assert found.span == (Decimal(span[0]), Decimal(span[1]))
    assert found.price == Decimal(span[1]), "judged at its dear end"
    assert "observed discount of" in found.estimate
