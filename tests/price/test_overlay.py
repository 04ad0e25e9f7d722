"""What an organisation really pays: which prices an override speaks of, and what becomes of price, list price and range."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuguard.model.price import PriceKey, Unpriced
from gpuguard.model.report import State
from gpuguard.model.usage import MachineOption, PoolUsage, Units, Usage
from gpuguard.price.catalog import Catalog
from gpuguard.price.engine import Engine
from gpuguard.price.overlay import Overlay, Override
from gpuguard.price.rates import Rate, rate
from gpuguard.price.schema import KINDS, OPERATING_SYSTEMS, PURCHASE_MODELS, Row
from tests.price import small
from tests.price.small import discount, override, price, spot, windows

D = Decimal
SKU = "p5.48xlarge"
KEY = PriceKey("aws", "machine", SKU, "us-east-1")
SPOT = PriceKey("aws", "machine", SKU, "us-east-1", purchase_model="spot")


def key(**more: Any) -> PriceKey:
    values: dict[str, Any] = {"cloud": "aws", "kind": "machine", "sku": SKU, "region": "us-east-1"}
    return PriceKey(**(values | more))


# --- what is meant ---


@pytest.mark.parametrize(
    ("written", "asked", "meant"),
    [
        pytest.param({}, {}, True, id="everything that runs on demand"),
        pytest.param({"sku": SKU}, {}, True, id="one SKU"),
        pytest.param({"sku": "p5.*"}, {}, True, id="a family"),
        pytest.param({"sku": "p?.48xlarge"}, {}, True, id="a name with one open character"),
        pytest.param({"sku": "p5"}, {}, False, id="not the beginning of a name"),
        pytest.param({"sku": "P5.*"}, {}, False, id="not another letter case"),
        pytest.param({"sku": "[p]5.*"}, {}, False, id="brackets stand for themselves"),
        pytest.param({"sku": "[p]5.*"}, {"sku": "[p]5.x"}, True, id="a name with brackets"),
        pytest.param({"sku": "[!x"}, {"sku": "[!x"}, True, id="a bracket that is never closed"),
        pytest.param({"region": "us-*"}, {}, True, id="some regions"),
        pytest.param({"region": "eu-*"}, {}, False, id="not other regions"),
        pytest.param({"region": "us-*"}, {"region": ""}, False, id="not a region that is not known"),
        pytest.param({}, {"region": ""}, True, id="an unknown region where all are meant"),
        pytest.param({"cloud": "gcp"}, {}, False, id="not another cloud"),
        pytest.param({}, {"kind": "storage"}, False, id="not disks, unless told"),
        pytest.param({"kinds": ("storage",)}, {"kind": "storage"}, True, id="disks where told"),
        pytest.param({}, {"purchase_model": "spot"}, False, id="not spot, unless told"),
        pytest.param({"purchase_models": ("spot",)}, {"purchase_model": "spot"}, True, id="spot where told"),
        pytest.param({}, {"os": "windows"}, True, id="a discount speaks of all operating systems"),
        pytest.param({"os": "linux"}, {"os": "windows"}, False, id="a discount for Linux not of Windows"),
        pytest.param({"price": D(1)}, {"os": "windows"}, False, id="a price not of Windows"),
        pytest.param({"price": D(1), "os": "windows"}, {"os": "windows"}, True, id="a price for Windows of Windows"),
        pytest.param({"price": D(1), "os": "windows"}, {}, False, id="a price for Windows not of Linux"),
    ],
)
def test_an_override_speaks_of(written: dict[str, Any], asked: dict[str, Any], meant: bool) -> None:
    assert override(**written).matches(key(**asked)) is meant


@pytest.mark.parametrize("sku", ["Standard_NC*", "standard_nc*", "STANDARD_NC40ADS_H100_V5"])
@pytest.mark.parametrize("region", ["East US", "eastus", "EastUS", "*us"])
def test_azure_names_are_meant_in_any_spelling(sku: str, region: str) -> None:
    azure = override(cloud="azure", sku=sku, region=region)
    for spelling in ("eastus", "East US", "EASTUS"):
        assert azure.matches(key(cloud="azure", sku="Standard_NC40ads_H100_v5", region=spelling))


def test_of_several_that_match_the_last_counts() -> None:
    overlay = Overlay((override(sku="p5.*"), override(), override(sku="g6.*")))
    assert overlay.of(KEY) is overlay.overrides[1]
    assert overlay.of(key(sku="g6.xlarge")) is overlay.overrides[2]
    assert overlay.of(key(cloud="gcp")) is None


@given(text=st.text(max_size=20), sku=st.text(max_size=20))
def test_any_pattern_is_an_answer_and_never_a_crash(text: str, sku: str) -> None:
    assert override(sku=text).matches(key(sku=sku)) in (True, False)
    assert override(sku=sku.replace("*", "").replace("?", "")).matches(key(sku=sku)) is not ("*" in sku or "?" in sku)


@pytest.mark.parametrize(
    ("place", "note", "source"),
    [
        pytest.param("gpuguard.yml:4:7", "", "gpuguard.yml:4", id="file and line"),
        pytest.param("gpuguard.yml:4:7", "agreement of 2026", "gpuguard.yml:4 (agreement of 2026)", id="and the note"),
        pytest.param("/srv/acme/gpuguard.yml:4:7", "", "gpuguard.yml:4", id="the same in every checkout"),
    ],
)
def test_the_source_of_a_price_is(place: str, note: str, source: str) -> None:
    assert override(place=place, note=note).source == source


# --- what is paid ---


def paid(
    folder: Path,
    asked: PriceKey,
    *overrides: Override,
    cap: str | None = None,
    prices: tuple[Row, ...] = small.PRICES,
    **tables: Any,
) -> Rate | Unpriced:
    with small.catalog(folder, prices, overrides=overrides, **tables) as catalog:
        return rate(catalog, asked, region_known=asked.region != "", cap=None if cap is None else D(cap))


def figures(found: Rate | Unpriced) -> tuple[Decimal, Decimal, tuple[Decimal, Decimal] | None]:
    """Price, list price, and the range."""
    assert isinstance(found, Rate), found
    return found.price, found.list_price, found.span


def test_without_an_override_the_catalog_counts(tmp_path: Path) -> None:
    assert figures(paid(tmp_path, KEY)) == (D(50), D(50), None)
    assert figures(paid(tmp_path, KEY, override(cloud="gcp"))) == (D(50), D(50), None)


def test_a_discount_changes_the_price_and_not_the_list_price(tmp_path: Path) -> None:
    found = paid(tmp_path, KEY, override(discount_percent=D("12.5"), note="agreement"))
    assert figures(found) == (D("43.75"), D(50), None)
    assert isinstance(found, Rate)
    assert found.source == "acme price list; 12.5 % off by gpuguard.yml:4 (agreement)"
    assert found.as_of == "2026-07-01"


def test_an_agreed_price_changes_the_price_and_not_the_list_price(tmp_path: Path) -> None:
    found = paid(tmp_path, KEY, override(sku=SKU, price=D("41.5")))
    assert figures(found) == (D("41.5"), D(50), None)
    assert isinstance(found, Rate)
    assert (found.source, found.as_of, found.unit) == ("gpuguard.yml:4", "2026-10-01", "hour")


def test_an_agreed_price_may_be_dearer_than_the_list_price(tmp_path: Path) -> None:
    assert figures(paid(tmp_path, KEY, override(sku=SKU, price=D(99)))) == (D(99), D(50), None)


def test_an_agreed_price_is_the_list_price_where_the_catalog_has_none(tmp_path: Path) -> None:
    asked = key(region="us-west-2", sku="g6.xlarge")
    assert isinstance(paid(tmp_path, asked), Unpriced)
    assert figures(paid(tmp_path, asked, override(sku="g6.xlarge", price=D(1)))) == (D(1), D(1), None)


def test_a_discount_on_nothing_is_no_price(tmp_path: Path) -> None:
    found = paid(tmp_path, key(sku="p9.48xlarge"), override(discount_percent=D(99)))
    assert isinstance(found, Unpriced)


def test_an_agreed_price_has_the_unit_of_its_row_or_of_its_kind(tmp_path: Path) -> None:
    asked = key(kind="storage", sku="P10-LRS", cloud="azure", region="eastus")
    agreed = override(cloud="azure", sku="P10-LRS", kinds=("storage",), price=D(15))
    row = price("P10-LRS", "19", "eastus", cloud="azure", kind="storage", unit="disk-month")
    for prices, unit in (((row,), "disk-month"), ((), KINDS["storage"][0])):
        found = paid(tmp_path, asked, agreed, prices=prices)
        assert isinstance(found, Rate)
        assert found.unit == unit


# --- spot ---


def test_a_discount_on_spot_lowers_the_dear_end_and_the_range(tmp_path: Path) -> None:
    cheaper = override(purchase_models=("spot",))
    assert figures(paid(tmp_path, SPOT)) == (D(24), D(24), (D(16), D(24)))
    assert figures(paid(tmp_path, SPOT, cheaper)) == (D("21.6"), D(24), (D("14.4"), D("21.6")))


@pytest.mark.parametrize(
    ("cap", "expected"),
    [
        pytest.param("30", ("21.6", "24", ("14.4", "21.6")), id="above all of it"),
        pytest.param("22", ("21.6", "22", ("14.4", "21.6")), id="between the two: only the list price meets it"),
        pytest.param("20", ("20", "20", ("14.4", "20")), id="below the dear end"),
        pytest.param("10", ("10", "10", None), id="below the cheap end"),
    ],
)
def test_the_resource_s_own_maximum_caps_what_is_left_after_a_discount(
    cap: str, expected: tuple[str, str, tuple[str, str] | None], tmp_path: Path
) -> None:
    """The discount is on what spot asks, not on the maximum: 24 less 10 % is 21.6, whatever the maximum."""
    amount, listed, span = expected
    found = paid(tmp_path, SPOT, override(purchase_models=("spot",)), cap=cap)
    assert figures(found) == (D(amount), D(listed), None if span is None else (D(span[0]), D(span[1])))


def test_on_demand_caps_what_is_left_after_a_discount(tmp_path: Path) -> None:
    """In us-west-2 the dearest zone asks 70, on demand costs 52; 70 less 10 % is still above it."""
    asked = key(region="us-west-2", purchase_model="spot")
    assert figures(paid(tmp_path, asked)) == (D(52), D(52), (D(20), D(52)))
    assert figures(paid(tmp_path, asked, override(purchase_models=("spot",)))) == (D(52), D(52), (D(18), D(52)))
    half = override(purchase_models=("spot",), discount_percent=D(50))
    assert figures(paid(tmp_path, asked, half)) == (D(35), D(52), (D(10), D(35)))


def test_a_discount_on_demand_does_not_reach_spot(tmp_path: Path) -> None:
    assert figures(paid(tmp_path, SPOT, override(discount_percent=D(90)))) == (D(24), D(24), (D(16), D(24)))


@pytest.mark.parametrize(
    ("cap", "amount"),
    [
        pytest.param(None, "60", id="nothing but the maximum: it was agreed on"),
        pytest.param("55", "55", id="the resource's own maximum"),
    ],
)
def test_an_agreed_spot_price_is_capped_by(cap: str | None, amount: str, tmp_path: Path) -> None:
    agreed = override(sku=SKU, purchase_models=("spot",), price=D(60))
    assert figures(paid(tmp_path, SPOT, agreed, cap=cap)) == (D(amount), D(24), None)


def test_the_list_price_beside_an_agreed_spot_price_is_what_the_catalog_judges(tmp_path: Path) -> None:
    """The dearest zone asks 70, but on demand costs 52: that is what spot is judged at without the agreement."""
    agreed = override(sku=SKU, purchase_models=("spot",), price=D(60))
    assert figures(paid(tmp_path, key(region="us-west-2", purchase_model="spot"), agreed)) == (D(60), D(52), None)


def test_a_maximum_price_is_of_spot_alone(tmp_path: Path) -> None:
    assert figures(paid(tmp_path, KEY, override(sku=SKU, price=D(60)), cap="1")) == (D(60), D(50), None)


def test_an_agreed_spot_price_without_a_row_is_capped_too(tmp_path: Path) -> None:
    agreed = override(sku=SKU, purchase_models=("spot",), price=D(60))
    assert figures(paid(tmp_path, SPOT, agreed, cap="2", prices=())) == (D(2), D(2), None)


# --- ranges ---


def test_a_discount_on_a_known_range_is_a_lower_range(tmp_path: Path) -> None:
    asked = key(purchase_model="savings_plan", term="1y")
    known = [discount("savings_plan", "10", "40", "1y")]
    found = paid(tmp_path, asked, override(purchase_models=("savings_plan",)), discount=known)
    assert figures(found) == (D("40.5"), D(50), (D(27), D("40.5")))
    assert isinstance(found, Rate)
    assert "published discount" in found.estimate


def test_an_agreed_price_is_a_figure_where_only_a_range_is_known(tmp_path: Path) -> None:
    asked = key(purchase_model="savings_plan", term="1y")
    agreed = override(sku=SKU, purchase_models=("savings_plan",), price=D(33))
    found = paid(tmp_path, asked, agreed, discount=[discount("savings_plan", "10", "40", "1y")])
    assert figures(found) == (D(33), D(50), None)
    assert isinstance(found, Rate)
    assert found.estimate == ""


def test_a_discount_holds_for_the_dearest_region_where_none_is_known(tmp_path: Path) -> None:
    asked = key(region="")
    assert figures(paid(tmp_path, asked)) == (D(60), D(60), (D(50), D(60)))
    assert figures(paid(tmp_path, asked, override())) == (D(54), D(60), (D(45), D(54)))
    assert figures(paid(tmp_path, asked, override(region="us-*"))) == (D(60), D(60), (D(50), D(60)))


# --- whatever the figures ---

PERCENT = st.decimals(D("0.0001"), D("99.9999"), places=4)
AMOUNT = st.decimals(D("0.0001"), D("1000"), places=4)


@given(amount=AMOUNT, percent=PERCENT)
def test_a_discount_is_exact_and_never_more_than_it_says(amount: Decimal, percent: Decimal) -> None:
    found = override(discount_percent=percent).applied(Rate(amount, amount, "hour", "acme", "2026-01-01"))
    assert found.list_price == amount
    assert 0 < found.price < amount
    assert found.price * 100 == amount * (100 - percent)


@given(low=AMOUNT, high=AMOUNT, percent=PERCENT, on_demand=AMOUNT, cap=AMOUNT | st.none())
def test_spot_under_a_discount_stays_within_its_bounds(
    low: Decimal, high: Decimal, percent: Decimal, on_demand: Decimal, cap: Decimal | None,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:  # fmt: skip
    low, high = sorted((low, high))
    folder = tmp_path_factory.getbasetemp()
    prices = [price(SKU, str(on_demand)), spot(SKU, str(low), span=(str(low), str(high)))]
    cheaper = override(purchase_models=("spot",), discount_percent=percent)
    with small.catalog(folder, prices) as plain, Catalog.open(plain.path, Overlay((cheaper,))) as under:
        listed, found = rate(plain, SPOT, cap=cap), rate(under, SPOT, cap=cap)
    assert isinstance(found, Rate)
    assert isinstance(listed, Rate)
    assert found.list_price == listed.price == listed.list_price
    limits = [limit for limit in (on_demand, cap) if limit is not None]
    assert found.price == min([high * (100 - percent) / 100, *limits])
    assert found.price <= listed.price
    if found.span is not None:
        assert found.span[0] < found.span[1] == found.price


@given(
    kind=st.sampled_from(list(KINDS)),
    model=st.sampled_from(PURCHASE_MODELS),
    os=st.sampled_from(OPERATING_SYSTEMS),
    agreed=AMOUNT,
)
def test_an_agreed_price_is_what_is_paid_and_nothing_else(kind: Any, model: str, os: str, agreed: Decimal) -> None:
    asked = key(kind=kind, purchase_model=model, os=os)
    mine = override(sku=SKU, kinds=(kind,), purchase_models=(model,), os=os, price=agreed)
    found = mine.agreed(asked)
    assert mine.matches(asked)
    assert found == Rate(agreed, agreed, KINDS[kind][0], "gpuguard.yml:4", "2026-10-01")
    assert override().agreed(asked) is None


# --- machines that only the organisation knows ---

PRIVATE = override(sku="acme.8xlarge", price=D(9), gpu_model="h100", gpu_count=8.0, note="on our own racks")


def test_a_machine_the_catalog_lacks_is_described_by_its_override(tmp_path: Path) -> None:
    with small.catalog(tmp_path, overrides=[PRIVATE]) as catalog:
        found = catalog.instance_type("aws", "acme.8xlarge")
        assert found is not None
        assert (found.gpu_model, found.gpu_count, found.family) == ("H100-80GB", 8.0, "acme")
        assert (found.vcpus, found.memory_gib, found.gpu_memory_gib) == (None, None, None), "unknown is never 0"
        assert (found.source, found.as_of) == ("gpuguard.yml:4 (on our own racks)", "2026-10-01")
        assert catalog.looks_like_accelerator("aws", "acme.8xlarge")
        assert catalog.instance_type("gcp", "acme.8xlarge") is None


def test_a_machine_the_catalog_knows_stays_what_it_is(tmp_path: Path) -> None:
    other = override(sku=SKU, price=D(9), gpu_model="l4", gpu_count=1.0)
    with small.catalog(tmp_path, overrides=[other]) as catalog:
        found = catalog.instance_type("aws", SKU)
        assert found is not None
        assert (found.gpu_model, found.gpu_count) == ("H100-80GB", 8.0)


@pytest.mark.parametrize(
    ("cloud", "written", "asked", "known"),
    [
        pytest.param("azure", "Standard_Acme_v1", "standard_acme_V1", True, id="Azure in another letter case"),
        pytest.param("gcp", "acme-8g", "zones/us-central1-a/machineTypes/acme-8g", True, id="a GCP path"),
        pytest.param("aws", "acme.8xlarge", "Acme.8xlarge", False, id="not AWS in another letter case"),
    ],
)
def test_a_private_machine_is_known_as_its_cloud_spells_names(
    cloud: str, written: str, asked: str, known: bool, tmp_path: Path
) -> None:
    mine = override(cloud=cloud, sku=written, price=D(9), gpu_model="L4", gpu_count=2.0)
    with small.catalog(tmp_path, overrides=[mine]) as catalog:
        found = catalog.instance_type(cloud, asked)
    assert (found.sku if found else None) == (written if known else None)


def test_an_accelerator_nobody_has_heard_of_keeps_its_name(tmp_path: Path) -> None:
    mine = override(sku="acme.1", price=D(9), gpu_model="Abacus-9000", gpu_count=1.0)
    with small.catalog(tmp_path, overrides=[mine]) as catalog:
        found = catalog.instance_type("aws", "acme.1")
    assert found is not None
    assert found.gpu_model == "Abacus-9000"


# --- in the engine ---


def priced(
    folder: Path,
    pool: PoolUsage,
    *overrides: Override,
    prices: tuple[Row, ...] = small.PRICES,
    region: str = "us-east-1",
) -> State:
    with small.catalog(folder, prices, overrides=overrides) as catalog:
        return Engine(catalog).price(Usage("aws", region, (pool,))).state


def pool(sku: str = SKU, **more: Any) -> PoolUsage:
    return PoolUsage(options=(MachineOption(sku),), units=Units.fixed(1), **more)


def test_the_month_is_what_is_paid_and_the_list_month_what_is_asked(tmp_path: Path) -> None:
    state = priced(tmp_path, pool(), override())
    assert (state.monthly.expected, state.list_monthly.expected) == (D(45) * 730, D(50) * 730)
    assert state.monthly.max == D(45) * 730


def test_a_private_machine_has_gpus_and_a_price(tmp_path: Path) -> None:
    state = priced(tmp_path, pool("acme.8xlarge"), PRIVATE)
    assert state.gpus.expected == 8
    assert (state.monthly.expected, state.list_monthly.expected) == (D(9) * 730, D(9) * 730)


def test_windows_is_not_priced_by_an_agreed_linux_price(tmp_path: Path) -> None:
    state = priced(tmp_path, pool(os="windows"), override(sku=SKU, price=D(1)))
    assert state.monthly.expected == D(58) * 730


def test_windows_without_a_row_is_linux_as_agreed_and_the_licence(tmp_path: Path) -> None:
    licence = windows("per-vcpu", "0.05", "*", kind="license")
    prices = (price(SKU, "50"), licence)
    state = priced(tmp_path, pool(os="windows"), override(sku=SKU, price=D(40)), prices=prices)
    assert state.monthly.expected == (D(40) + 192 * D("0.05")) * 730
    assert state.list_monthly.expected == (D(50) + 192 * D("0.05")) * 730


def test_a_discount_on_machines_reaches_no_licence(tmp_path: Path) -> None:
    prices = (price(SKU, "50"), windows("per-vcpu", "0.05", "*", kind="license"))
    state = priced(tmp_path, pool(os="windows"), override(), prices=prices)
    assert state.monthly.expected == (D(45) + 192 * D("0.05")) * 730


def test_the_maximum_of_the_resource_caps_spot_in_the_month(tmp_path: Path) -> None:
    bid = pool(purchase_model="spot", spot_max_price=D(20))
    state = priced(tmp_path, bid, override(purchase_models=("spot",)))
    assert (state.monthly.expected, state.list_monthly.expected) == (D(20) * 730, D(20) * 730)
