"""All ways to buy one SKU in one region: where it is meant, what it costs, and what the organisation pays."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gpuguard.errors import CatalogError, GpuguardError, UsageError
from gpuguard.price.overlay import Override
from gpuguard.price.quote import Quote, Quotes, quotes
from gpuguard.price.schema import Row
from tests.price import small
from tests.price.small import discount, override, price, spot

D = Decimal
SKU = "p5.48xlarge"


def asked(
    folder: Path,
    sku: str = SKU,
    region: str = "us-east-1",
    cloud: str | None = None,
    overrides: tuple[Override, ...] = (),
    prices: tuple[Row, ...] = small.PRICES,
    **tables: Any,
) -> Quotes:
    with small.catalog(folder, prices, overrides=overrides, **tables) as catalog:
        return quotes(catalog, sku, region, cloud)


def ways(found: Quotes) -> list[tuple[str, str | None, str | None, str, Decimal | None]]:
    """Purchase model, term, payment, operating system and price."""
    return [(each.purchase_model, each.term, each.payment, each.os, each.usd) for each in found.quotes]


def only(found: Quotes, model: str = "on_demand", os: str = "linux") -> Quote:
    (quote,) = [each for each in found.quotes if (each.purchase_model, each.os) == (model, os)]
    return quote


# --- what is told ---


def test_linux_on_demand_stands_first_and_commitments_by_price(tmp_path: Path) -> None:
    assert ways(asked(tmp_path)) == [
        ("on_demand", None, None, "linux", D(50)),
        ("spot", None, None, "linux", D(20)),
        ("reserved", "1y", "all_upfront", "linux", D(28)),
        ("reserved", "1y", "no_upfront", "linux", D(30)),
        ("on_demand", None, None, "windows", D(58)),
    ]


def test_of_several_ways_of_payment_the_cheapest_stands_first(tmp_path: Path) -> None:
    payments = {"all_upfront": "3", "no_upfront": "1", "partial_upfront": "2"}
    rows = [price(SKU, usd, model="reserved", term="3y", payment=name) for name, usd in payments.items()]
    assert [each.usd for each in asked(tmp_path, prices=tuple(rows)).quotes] == [D(1), D(2), D(3)]


def test_a_quote_has_source_date_month_and_saving(tmp_path: Path) -> None:
    quote = only(asked(tmp_path), "spot")
    assert (quote.usd, quote.list_usd, quote.unit) == (D(20), D(20), "hour")
    assert (quote.low, quote.high) == (D(16), D(24))
    assert (quote.monthly, quote.saving_percent) == (D("14600.00"), D("60.0"))
    assert (quote.source, quote.as_of) == ("acme spot prices", "2026-07-15")


def test_on_demand_saves_nothing_and_windows_is_held_against_windows(tmp_path: Path) -> None:
    found = asked(tmp_path, prices=(*small.PRICES, spot(SKU, "29", os="windows")))
    assert only(found).saving_percent is None
    assert only(found, "spot", "windows").saving_percent == D("50.0")


def test_what_costs_more_than_on_demand_saves_nothing(tmp_path: Path) -> None:
    assert only(asked(tmp_path, prices=(price(SKU, "1"), spot(SKU, "2"))), "spot").saving_percent is None


def test_a_title_says_what_the_machine_is(tmp_path: Path) -> None:
    title = asked(tmp_path).title
    assert title == "p5.48xlarge, aws us-east-1 (Northern Virginia): 8 × H100-80GB (640 GiB), 192 vCPU, 2048 GiB"


def test_a_retired_machine_is_told_as_such(tmp_path: Path) -> None:
    assert asked(tmp_path, "p2.xlarge").title.endswith("retired")


@pytest.mark.parametrize(
    ("model", "unit", "monthly"),
    [
        pytest.param("machine", "hour", "730.00", id="an hour 730 times"),
        pytest.param("managed_service", "month", "1.00", id="a month once"),
        pytest.param("storage", "GiB-month", None, id="not of a GiB, whose number is not known"),
    ],
)
def test_a_month_is_told(model: str, unit: str, monthly: str | None, tmp_path: Path) -> None:
    found = asked(tmp_path, "thing", cloud="aws", prices=(price("thing", "1", kind=model, unit=unit),))
    assert found.quotes[0].monthly == (None if monthly is None else D(monthly))


def test_all_kinds_of_price_of_a_sku_are_told(tmp_path: Path) -> None:
    found = asked(tmp_path, "gp3")
    assert {(each.kind, each.unit) for each in found.quotes} == {("storage", "GiB-month"), ("iops", "IOPS-month")}


def test_a_price_of_the_region_stands_in_the_place_of_one_for_all(tmp_path: Path) -> None:
    prices = (price(SKU, "44", "*"), price(SKU, "50"), spot(SKU, "9", "*"))
    assert ways(asked(tmp_path, prices=prices)) == [
        ("on_demand", None, None, "linux", D(50)),
        ("spot", None, None, "linux", D(9)),
    ]


def test_a_known_discount_is_told_as_a_range_and_never_as_a_figure(tmp_path: Path) -> None:
    found = asked(tmp_path, discount=[discount("savings_plan", "10", "40", "1y"), discount("spot", "50", "90")])
    quote = only(found, "savings_plan")
    assert (quote.term, quote.usd, quote.list_usd, quote.monthly) == ("1y", None, None, None)
    assert (quote.low, quote.high) == (D(30), D(45))
    assert "published discount of 10 % to 40 %" in quote.note
    assert only(found, "spot").usd == D(20), "a row stands before a range"
    assert "a range is judged at its dear end" in found.notes


def test_a_discount_on_nothing_is_no_range(tmp_path: Path) -> None:
    found = asked(tmp_path, prices=(spot(SKU, "20"),), discount=[discount("savings_plan", "10", "40", "1y")])
    assert ways(found) == [("spot", None, None, "linux", D(20))]
    assert found.notes == ()


def test_notes_tell_interruptions_and_holes(tmp_path: Path) -> None:
    interruption = [("us-east-1", SKU, "linux", "<5%")]
    found = asked(tmp_path, prices=(spot(SKU, "1"),), interruption=interruption, hole=[("aws", SKU, "sold out")])
    assert any("<5%" in note for note in found.notes)
    assert "no list price: sold out" in found.notes


# --- which cloud and region is meant ---


@pytest.mark.parametrize(
    ("sku", "region", "name", "where"),
    [
        pytest.param(
            "standard_nc40ADS_h100_v5",
            "East US",
            "Standard_NC40ads_H100_v5",
            "eastus",
            id="Azure as the portal writes it",
        ),
        pytest.param(
            "Standard_NC40ads_H100_v5",
            "EastUS",
            "Standard_NC40ads_H100_v5",
            "eastus",
            id="Azure in another letter case",
        ),
        pytest.param(SKU, "us-east-1b", SKU, "us-east-1", id="a zone for its region"),
        pytest.param("L4", "us-central1-a", "L4", "us-central1", id="an attached GPU in a zone"),
        pytest.param("gpu_8x_h100", "us-south-1", "gpu_8x_h100", "*", id="a cloud whose regions are not known"),
    ],
)
def test_names_are_placed(sku: str, region: str, name: str, where: str, tmp_path: Path) -> None:
    quote = asked(tmp_path, sku, region).quotes[0]
    assert (quote.sku, quote.region) == (name, where)


@pytest.mark.parametrize(
    ("arguments", "kind", "message", "hint"),
    [
        pytest.param(("p5.48xlarg",), UsageError, "no SKU 'p5.48xlarg'", "p5.48xlarge", id="a misspelt SKU"),
        pytest.param(
            (SKU, "us-east1"), UsageError, "aws has no region 'us-east1'", "us-east-1", id="a misspelt region"
        ),
        pytest.param(
            (SKU, "mars"), UsageError, "no region 'mars'", "its regions: eu-west-1, us-east-1", id="no region"
        ),
        pytest.param((SKU, "us-east-1", "asw"), UsageError, "--cloud 'asw'", "aws, azure", id="a misspelt cloud"),
        pytest.param((SKU, "eastus", "azure"), CatalogError, "no price for p5.48xlarge", "", id="another cloud's SKU"),
        pytest.param(
            ("g6.xlarge", "eu-west-1"),
            CatalogError,
            "no price for g6.xlarge in eu-west-1",
            "us-east-1",
            id="a region without a price",
        ),
    ],
)
def test_what_cannot_be_placed_is_told_with_the_way_out(
    arguments: tuple[Any, ...], kind: type[GpuguardError], message: str, hint: str, tmp_path: Path
) -> None:
    with pytest.raises(kind) as caught:
        asked(tmp_path, *arguments)
    assert message in caught.value.message
    assert hint in caught.value.hint
    assert caught.value.exit_code == 2


def test_a_machine_without_any_price_is_told_apart_from_an_unknown_one(tmp_path: Path) -> None:
    types = [small.machine("p9.48xlarge")]
    with pytest.raises(CatalogError, match=r"no price for p9\.48xlarge in us-east-1 \(aws\)") as caught:
        asked(tmp_path, "p9.48xlarge", types=types, hole=[("aws", "p9.48xlarge", "not published")])
    assert caught.value.hint == "not published"


TWICE = (price("gpu.1", "1", "*", cloud="acme"), price("gpu.1", "2", "*", cloud="other"))


def test_a_name_that_two_clouds_have_needs_the_cloud(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="sold by acme and other") as caught:
        asked(tmp_path, "gpu.1", "anywhere", prices=TWICE)
    assert "--cloud" in caught.value.hint
    assert only(asked(tmp_path, "gpu.1", "anywhere", "other", prices=TWICE)).usd == D(2)


def test_of_two_clouds_the_one_that_knows_the_region_is_meant(tmp_path: Path) -> None:
    prices = (price("gpu.1", "1", "here", cloud="acme"), price("gpu.1", "2", "there", cloud="other"))
    assert only(asked(tmp_path, "gpu.1", "there", prices=prices)).cloud == "other"


@pytest.mark.parametrize("name", ["", "x" * 100_000, "p5\0", "p5\ud800", "\x1b[31m", "'; --"])
def test_hostile_names_are_unknown(name: str, tmp_path: Path) -> None:
    for arguments in ((name, "us-east-1"), (SKU, name), (SKU, "us-east-1", name)):
        with pytest.raises(UsageError) as caught:
            asked(tmp_path, *arguments)
        assert len(caught.value.message) < 200


# --- what the organisation pays ---


def test_a_discount_lowers_price_month_and_range_and_leaves_the_list_price(tmp_path: Path) -> None:
    found = asked(tmp_path, overrides=(override(purchase_models=("spot",), note="agreement"),))
    quote = only(found, "spot")
    assert (quote.usd, quote.list_usd, quote.monthly) == (D(18), D(20), D("13140.00"))
    assert (quote.low, quote.high) == (D("14.4"), D("21.6"))
    assert quote.saving_percent == D("64.0")
    assert quote.source == "acme spot prices; 10 % off by gpuguard.yml:4 (agreement)"
    assert only(found).usd == D(50)


def test_an_agreed_price_has_the_day_it_was_agreed_and_no_range(tmp_path: Path) -> None:
    agreed = override(sku=SKU, purchase_models=("spot",), price=D(11))
    quote = only(asked(tmp_path, overrides=(agreed,)), "spot")
    assert (quote.usd, quote.list_usd, quote.low, quote.high) == (D(11), D(20), None, None)
    assert (quote.as_of, quote.source) == ("2026-10-01", "gpuguard.yml:4")


def test_an_agreed_price_for_linux_is_not_that_of_windows(tmp_path: Path) -> None:
    found = asked(tmp_path, overrides=(override(sku=SKU, price=D(11)),))
    assert (only(found).usd, only(found, os="windows").usd) == (D(11), D(58))


def test_a_region_of_an_override_is_the_one_that_is_asked_for(tmp_path: Path) -> None:
    """The catalog has one price for all regions of the cloud, the organisation agreed on one of them."""
    here = override(cloud="lambda", region="us-west-1")
    assert only(asked(tmp_path, "gpu_8x_h100", "us-west-1", overrides=(here,))).usd == D("21.6")
    assert only(asked(tmp_path, "gpu_8x_h100", "us-east-1", overrides=(here,))).usd == D(24)


def test_a_discount_on_a_range_is_a_cheaper_range(tmp_path: Path) -> None:
    cheaper = override(purchase_models=("savings_plan",))
    found = asked(tmp_path, overrides=(cheaper,), discount=[discount("savings_plan", "10", "40", "1y")])
    quote = only(found, "savings_plan")
    assert (quote.usd, quote.low, quote.high) == (None, D(27), D("40.5"))


@pytest.mark.parametrize("region", ["us-east-1", "us-west-2"])
def test_a_price_that_only_the_organisation_has_is_told(region: str, tmp_path: Path) -> None:
    agreed = override(sku="g6.xlarge", region="us-*", price=D("0.5"))
    quote = only(asked(tmp_path, "g6.xlarge", region, overrides=(agreed,)))
    assert quote.usd == D("0.5")
    assert quote.list_usd == (D("0.8") if region == "us-east-1" else None)
    assert quote.region == region


def test_an_agreed_commitment_without_a_row_is_told_for_both_terms(tmp_path: Path) -> None:
    agreed = override(sku="g6.xlarge", purchase_models=("savings_plan",), price=D("0.4"))
    found = asked(tmp_path, "g6.xlarge", overrides=(agreed,))
    assert [way for way in ways(found) if way[0] == "savings_plan"] == [
        ("savings_plan", "1y", None, "linux", D("0.4")),
        ("savings_plan", "3y", None, "linux", D("0.4")),
    ]


def test_an_agreed_windows_price_without_a_row_is_told(tmp_path: Path) -> None:
    agreed = override(sku="g6.xlarge", os="windows", price=D("0.9"))
    assert only(asked(tmp_path, "g6.xlarge", overrides=(agreed,)), os="windows").usd == D("0.9")


def test_a_machine_that_only_the_organisation_knows_is_told(tmp_path: Path) -> None:
    private = override(sku="acme.8xlarge", price=D(9), gpu_model="h100", gpu_count=8.0)
    found = asked(tmp_path, "acme.8xlarge", overrides=(private,))
    assert ways(found) == [("on_demand", None, None, "linux", D(9))]
    assert found.title == "acme.8xlarge, aws us-east-1 (Northern Virginia): 8 × H100-80GB"
    with pytest.raises(UsageError, match="no region"):
        asked(tmp_path, "acme.8xlarge", "mars", overrides=(private,))


@pytest.mark.parametrize("named", ["P5.48XLARGE", "p5.48xlarg", "P5.48xlarge"])
def test_a_name_in_another_spelling_finds_the_right_one(tmp_path: Path, named: str) -> None:
    with small.catalog(tmp_path) as catalog, pytest.raises(UsageError) as caught:
        quotes(catalog, named, "us-east-1")
    assert "nearest known: p5.48xlarge" in caught.value.hint


def test_a_type_without_list_price_says_where_it_is_sold_otherwise(tmp_path: Path) -> None:
    rows = [price("g6.xlarge", "0.3", "us-west-2", model="capacity_block")]
    hole = [("aws", "g6.xlarge", "sold as capacity blocks")]
    with small.catalog(tmp_path, prices=rows, hole=hole) as catalog, pytest.raises(CatalogError) as caught:
        quotes(catalog, "g6.xlarge", "us-east-1")
    assert caught.value.hint == "sold as capacity blocks; sold in us-west-2"


def test_surcharges_alone_are_no_price_of_a_machine(tmp_path: Path) -> None:
    rows = [price("p5.48xlarge", "50", "eu-west-1"), price("p5.48xlarge", "1.1", "*", kind="license", os="rhel")]
    with small.catalog(tmp_path, prices=rows) as catalog, pytest.raises(CatalogError) as caught:
        quotes(catalog, "p5.48xlarge", "us-east-1")
    assert "no price for p5.48xlarge in us-east-1" in caught.value.message
    assert "eu-west-1" in caught.value.hint


def test_what_is_paid_at_the_start_stands_beside_the_effective_price(tmp_path: Path) -> None:
    with small.catalog(tmp_path) as catalog:
        found = quotes(catalog, "p5.48xlarge", "us-east-1").quotes
    assert [each.upfront for each in found if each.payment == "all_upfront"] == [Decimal(245280)]
    assert {each.upfront for each in found if each.payment != "all_upfront"} == {None}
