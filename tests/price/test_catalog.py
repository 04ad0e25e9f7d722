"""Look-ups in the catalog built from the source tables, and refusal of files that are no catalog."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuguard.errors import CatalogError
from gpuguard.model.price import Price, PriceKey, Unpriced
from gpuguard.price import build
from gpuguard.price import catalog as catalog_module
from gpuguard.price.catalog import Catalog
from gpuguard.price.names import accelerated_name


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("catalog") / "catalog.sqlite"
    build.build(output=path)
    return path


@pytest.fixture(scope="module")
def catalog(built: Path) -> Catalog:
    return Catalog.open(built)


def priced(catalog: Catalog, *key: str, **more: str) -> Price:
    answer = catalog.price(PriceKey(*key, **more))  # type: ignore[arg-type] # the tables of cases hold plain strings
    assert isinstance(answer, Price), answer
    return answer


def unpriced(catalog: Catalog, *key: str, **more: str) -> Unpriced:
    answer = catalog.price(PriceKey(*key, **more))  # type: ignore[arg-type] # the tables of cases hold plain strings
    assert isinstance(answer, Unpriced), answer
    return answer


# --- prices ---


@pytest.mark.parametrize(
    ("key", "more", "amount", "unit"),
    [
        pytest.param(("aws", "machine", "p5.48xlarge", "us-east-1"), {}, "55.04", "hour", id="an AWS GPU machine"),
        pytest.param(("aws", "machine", "g5.xlarge", "us-east-1"), {}, "1.006", "hour", id="a small AWS GPU machine"),
        pytest.param(
            ("gcp", "machine", "a3-highgpu-8g", "us-central1"), {}, "88.49", "hour", id="a bundled GCP machine"
        ),
        pytest.param(
            ("azure", "machine", "Standard_NC24ads_A100_v4", "eastus"), {}, "3.673", "hour", id="an Azure GPU machine"
        ),
        pytest.param(("gcp", "vcpu", "n1", "us-central1"), {}, "0.031611", "hour", id="an N1 vCPU"),
        pytest.param(("gcp", "accelerator", "T4", "us-central1"), {}, "0.35", "hour", id="an attached T4"),
        pytest.param(("aws", "storage", "gp3", "us-east-1"), {}, "0.08", "GiB-month", id="a GiB of gp3"),
        pytest.param(("gcp", "storage", "pd-ssd", "us-central1"), {}, "0.17", "GiB-month", id="a GiB of pd-ssd"),
        pytest.param(("azure", "storage", "P10-LRS", "eastus"), {}, "19.71", "disk-month", id="a P10 disk"),
        pytest.param(
            ("gcp", "storage", "local-ssd", "us-central1"),
            {"purchase_model": "spot"},
            "0.0428",
            "GiB-month",
            id="local SSD of a spot machine",
        ),
        pytest.param(("aws", "license", "per-vcpu", "*"), {"os": "windows"}, "0.046", "hour", id="a Windows licence"),
        pytest.param(("aws", "network", "public-ipv4", "eu-west-1"), {}, "0.005", "hour", id="a public IPv4 address"),
        pytest.param(
            ("aws", "control_plane", "eks", "eu-west-3"), {}, "0.1", "hour", id="an EKS control plane anywhere"
        ),
        pytest.param(("gcp", "accelerator", "TPU-v5e", "us-central1"), {}, "1.2", "hour", id="a TPU chip"),
        pytest.param(
            ("lambda", "machine", "gpu_1x_a10", "us-west-1"), {}, "1.29", "hour", id="one list price everywhere"
        ),
    ],
)
def test_a_price_is_found(catalog: Catalog, key: tuple[str, ...], more: dict[str, str], amount: str, unit: str) -> None:
    price = priced(catalog, *key, **more)
    assert (price.amount, price.unit) == (Decimal(amount), unit)
    assert price.source
    assert price.as_of >= "2021"


def test_a_spot_price_over_zones_has_its_range(catalog: Catalog) -> None:
    price = priced(catalog, "aws", "machine", "p5.48xlarge", "us-east-1", purchase_model="spot")
    assert price.low is not None
    assert price.high is not None
    assert price.low < price.amount < price.high
    assert price.note == "mean of 6 zones"


def test_a_price_that_is_not_of_zones_has_no_range(catalog: Catalog) -> None:
    price = priced(catalog, "gcp", "machine", "a3-highgpu-8g", "us-central1", purchase_model="spot")
    assert (price.low, price.high) == (None, None)


def test_a_commitment_without_payment_is_answered_with_the_dearest_and_says_so(catalog: Catalog) -> None:
    asked = {"purchase_model": "reserved", "term": "1y"}
    price = priced(catalog, "aws", "machine", "g5.xlarge", "us-east-1", **asked)
    upfront = priced(catalog, "aws", "machine", "g5.xlarge", "us-east-1", **asked, payment="all_upfront")
    assert price.key.payment == "no_upfront"
    assert upfront.amount < price.amount
    assert upfront.upfront is not None
    assert upfront.upfront > 0


def test_a_commitment_for_one_term_is_not_answered_with_the_other(catalog: Catalog) -> None:
    one = priced(catalog, "gcp", "machine", "a3-highgpu-8g", "us-central1", purchase_model="committed_use", term="1y")
    three = priced(catalog, "gcp", "machine", "a3-highgpu-8g", "us-central1", purchase_model="committed_use", term="3y")
    assert three.amount < one.amount


def test_another_operating_system_is_another_price(catalog: Catalog) -> None:
    linux = priced(catalog, "azure", "machine", "Standard_NC24ads_A100_v4", "westeurope")
    windows = priced(catalog, "azure", "machine", "Standard_NC24ads_A100_v4", "westeurope", os="windows")
    assert windows.amount - linux.amount == pytest.approx(Decimal("0.046") * 24, abs=Decimal("0.001"))


def test_an_azure_price_is_found_in_any_spelling(catalog: Catalog) -> None:
    price = priced(catalog, "azure", "machine", "standard_nc24ads_a100_V4", "East US")
    assert (price.key.sku, price.key.region) == ("Standard_NC24ads_A100_v4", "eastus")


def test_a_gcp_machine_is_found_by_its_url(catalog: Catalog) -> None:
    price = priced(catalog, "gcp", "machine", "zones/us-central1-a/machineTypes/g2-standard-4", "us-central1")
    assert price.key.sku == "g2-standard-4"


def test_a_commitment_known_in_other_regions_never_prices_a_region(catalog: Catalog) -> None:
    """Spain rents g5.xlarge on demand; the reservations that are known nearest to it are those of London."""
    bought = {"purchase_model": "reserved", "term": "3y"}
    assert priced(catalog, "aws", "machine", "g5.xlarge", "eu-south-2").amount > 0
    assert priced(catalog, "aws", "machine", "g5.xlarge", "eu-west-2", **bought).amount > 0
    answer = unpriced(catalog, "aws", "machine", "g5.xlarge", "eu-south-2", **bought)
    assert "eu-west-2, the nearest region" in answer.hint


@pytest.mark.parametrize(
    ("key", "more", "hint"),
    [
        pytest.param(
            ("aws", "machine", "p5.48xlarge", "eu-west-1"), {}, "eu-west-2, the nearest region", id="the nearest region"
        ),
        pytest.param(
            ("aws", "machine", "p5.48xlarge", "xx-nowhere-1"), {}, " asks ", id="some region when the place is unknown"
        ),
        pytest.param(("aws", "machine", "p5.48xlarg", "us-east-1"), {}, "p5.48xlarge", id="the nearest spelling"),
        pytest.param(("aws", "machine", "trn2.48xlarge", "us-east-1"), {}, "capacity blocks", id="a known hole"),
        pytest.param(
            ("aws", "machine", "m5.large", "us-east-1"), {}, "without accelerator", id="a machine without GPU"
        ),
        pytest.param(
            ("aws", "machine", "g5.xlarge", "us-east-1"), {"os": "rhel"}, "on_demand (linux)", id="what is known there"
        ),
    ],
)
def test_the_hint_of_an_unpriced_machine_names(
    catalog: Catalog, key: tuple[str, ...], more: dict[str, str], hint: str
) -> None:
    assert hint in unpriced(catalog, *key, **more).hint


def test_the_nearest_region_is_in_the_same_geography_first(catalog: Catalog) -> None:
    # Mexico is nearer to Texas than any AWS region of South America is, and shares its geography.
    hint = unpriced(catalog, "aws", "machine", "p5.48xlarge", "mx-central-1").hint
    assert hint.startswith("us-")


def test_prices_over_regions_span_cheapest_and_dearest(catalog: Catalog) -> None:
    found = catalog.price_over_regions(PriceKey("aws", "machine", "p5.48xlarge", "not asked"))
    assert found is not None
    cheapest, dearest = found
    every = [price.amount for price in catalog.prices_of("aws", "machine", "p5.48xlarge")]
    assert cheapest.amount == Decimal("55.04")
    assert dearest.amount == max(every)
    assert cheapest.key.region != dearest.key.region


def test_prices_over_regions_of_an_unknown_machine_are_none(catalog: Catalog) -> None:
    assert catalog.price_over_regions(PriceKey("aws", "machine", "p99.huge", "us-east-1")) is None


# --- machine types ---


@pytest.mark.parametrize(
    ("cloud", "sku", "model", "count"),
    [
        pytest.param("aws", "p5.48xlarge", "H100-80GB", 8, id="AWS"),
        pytest.param("aws", "trn2.48xlarge", "Trainium2", 16, id="AWS Trainium"),
        pytest.param("aws", "m5.large", None, 0, id="AWS without GPU"),
        pytest.param("azure", "STANDARD_ND96ISR_H100_V5", "H100-80GB", 8, id="Azure in capitals"),
        pytest.param("azure", "Standard_NV12ads_V710_v5", "V710", 0.5, id="Azure with half a GPU"),
        pytest.param("gcp", "a2-highgpu-1g", "A100-40GB", 1, id="GCP"),
        pytest.param("gcp", "n1-standard-8", None, 0, id="GCP N1, to which GPUs are attached"),
        pytest.param("gcp", "g2-custom-8-40960", "L4", 1, id="GCP G2 with custom memory"),
    ],
)
def test_a_machine_type_is_known(catalog: Catalog, cloud: str, sku: str, model: str | None, count: float) -> None:
    found = catalog.instance_type(cloud, sku)
    assert found is not None
    assert (found.gpu_model, found.gpu_count) == (model, count)


@pytest.mark.parametrize(
    ("name", "family", "vcpus", "memory_gib"),
    [
        pytest.param("n1-custom-8-30720", "n1", 8, 30, id="with its series"),
        pytest.param("custom-8-30720", "n1", 8, 30, id="without series, which is N1"),
        pytest.param("custom-2-20480-ext", "n1", 2, 20, id="with extended memory"),
        pytest.param("n2d-custom-4-8192", "n2d", 4, 8, id="of another series"),
        pytest.param("e2-custom-small-2048", "e2", 0.5, 2, id="with shared cores"),
        pytest.param("zones/us-central1-a/machineTypes/n1-custom-6-20480", "n1", 6, 20, id="at the end of a path"),
    ],
)
def test_a_gcp_custom_type_is_worked_out(
    catalog: Catalog, name: str, family: str, vcpus: float, memory_gib: float
) -> None:
    found = catalog.instance_type("gcp", name)
    assert found is not None
    assert (found.family, found.vcpus, found.memory_gib) == (family, vcpus, memory_gib)


@pytest.mark.parametrize(
    "name", ["n1-custom-0-1024", "custom-8", "custom-99999-1024", "n1-custom-8-30720-x", "custom--"]
)
def test_what_only_resembles_a_custom_type_is_unknown(catalog: Catalog, name: str) -> None:
    assert catalog.instance_type("gcp", name) is None


def test_letter_case_matters_where_the_cloud_says_so(catalog: Catalog) -> None:
    assert catalog.instance_type("aws", "P5.48xlarge") is None


def test_offers_are_gpu_machines_with_a_price_in_the_region(catalog: Catalog) -> None:
    offers = catalog.offers("azure", "West Europe")
    assert offers == catalog.offers("azure", "westeurope")
    assert "Standard_NC24ads_A100_v4" in {each.sku for each in offers}
    assert all(each.gpu_model for each in offers)
    assert catalog.offers("aws", "xx-nowhere-1") == ()


def test_machines_with_a_model_are_found_by_any_of_its_names(catalog: Catalog) -> None:
    found = catalog.instance_types_with("gcp", "nvidia-l4")
    assert found == catalog.instance_types_with("gcp", "L4")
    assert found[0].sku == "g2-standard-4"
    assert found[-1].gpu_count == 8


@pytest.mark.parametrize(
    ("name", "model"),
    [
        pytest.param("nvidia-tesla-k80", "K80", id="nvidia-tesla-k80"),
        pytest.param("nvidia-tesla-p4", "P4", id="nvidia-tesla-p4"),
        pytest.param("nvidia-tesla-p100", "P100", id="nvidia-tesla-p100"),
        pytest.param("nvidia-tesla-v100", "V100-16GB", id="nvidia-tesla-v100"),
        pytest.param("nvidia-tesla-t4", "T4", id="nvidia-tesla-t4"),
        pytest.param("nvidia-tesla-t4-vws", "T4", id="a virtual workstation"),
        pytest.param("nvidia-l4", "L4", id="nvidia-l4"),
        pytest.param("nvidia-tesla-a100", "A100-40GB", id="nvidia-tesla-a100"),
        pytest.param("nvidia-a100-80gb", "A100-80GB", id="nvidia-a100-80gb"),
        pytest.param("nvidia-h100-80gb", "H100-80GB", id="nvidia-h100-80gb"),
        pytest.param("nvidia-h100-mega-80gb", "H100-80GB", id="nvidia-h100-mega-80gb"),
        pytest.param("nvidia-h200-141gb", "H200", id="nvidia-h200-141gb"),
        pytest.param("nvidia-b200", "B200", id="nvidia-b200"),
        pytest.param("nvidia-gb200", "GB200", id="nvidia-gb200"),
        pytest.param("nvidia-rtx-pro-6000-vws", "RTX-PRO-6000", id="nvidia-rtx-pro-6000-vws"),
        pytest.param("NVIDIA_TESLA_T4", "T4", id="an API enum"),
        pytest.param("projects/acme/zones/us-central1-a/acceleratorTypes/nvidia-l4", "L4", id="a path"),
        pytest.param("v5litepod", "TPU-v5e", id="a TPU version"),
        pytest.param("inferentia2", "Inferentia2", id="an AWS accelerator name"),
        pytest.param("H100-80GB", "H100-80GB", id="the canonical name"),
    ],
)
def test_an_accelerator_is_known_by(catalog: Catalog, name: str, model: str) -> None:
    found = catalog.accelerator(name)
    assert found is not None
    assert found.model == model


@pytest.mark.parametrize(
    ("cloud", "sku", "answer"),
    [
        pytest.param("aws", "p5.48xlarge", True, id="a known GPU machine"),
        pytest.param("aws", "m5.large", False, id="a known machine without GPU"),
        pytest.param("aws", "p9.48xlarge", True, id="a P machine of the future"),
        pytest.param("aws", "g9dn.2xlarge", True, id="a G machine of the future"),
        pytest.param("aws", "trn9.32xlarge", True, id="a Trainium of the future"),
        pytest.param("aws", "m99.large", False, id="an M machine of the future"),
        pytest.param("aws", "f2.6xlarge", False, id="an FPGA"),
        pytest.param("gcp", "a9-highgpu-8g", True, id="an A machine of the future"),
        pytest.param("gcp", "ct9e-standard-4t", True, id="a TPU of the future"),
        pytest.param("gcp", "c9-standard-8", False, id="a C machine of the future"),
        pytest.param("azure", "Standard_NC99ads_X100_v9", True, id="an NC size of the future"),
        pytest.param("azure", "standard_nd1_v9", True, id="an ND size in small letters"),
        pytest.param("azure", "Standard_NP10s", False, id="an Azure FPGA"),
        pytest.param("azure", "Standard_D99s_v9", False, id="a D size of the future"),
        pytest.param("unheard-of", "gpu-1", False, id="a cloud nobody knows"),
    ],
)
def test_a_name_that_looks_like_an_accelerator(catalog: Catalog, cloud: str, sku: str, answer: bool) -> None:
    assert catalog.looks_like_accelerator(cloud, sku) is answer


def test_the_family_patterns_hold_every_known_gpu_machine_and_no_other(built: Path) -> None:
    import sqlite3

    connection = sqlite3.connect(built)
    rows = connection.execute("SELECT cloud, sku, gpu_model IS NOT NULL FROM instance_type").fetchall()
    connection.close()
    wrong = [(cloud, sku) for cloud, sku, has_gpu in rows if accelerated_name(cloud, sku) != bool(has_gpu)]
    assert len(rows) > 3000
    assert wrong == []


# --- regions ---


@pytest.mark.parametrize(
    ("cloud", "zone", "region"),
    [
        pytest.param("aws", "us-east-1a", "us-east-1", id="an availability zone"),
        pytest.param("aws", "us-gov-west-1b", "us-gov-west-1", id="a GovCloud zone"),
        pytest.param("aws", "us-west-2-lax-1a", "us-west-2", id="a Local Zone"),
        pytest.param("aws", "us-east-1-wl1-bos-wlz-1", "us-east-1", id="a Wavelength Zone"),
        pytest.param("aws", "use1-az4", "us-east-1", id="a zone id"),
        pytest.param("aws", "apne2-az1", "ap-northeast-2", id="a zone id with two directions"),
        pytest.param("aws", "usw2-lax1-az1", "us-west-2", id="a Local Zone id"),
        pytest.param("aws", "us-east-1", "us-east-1", id="the region itself"),
        pytest.param("aws", "zz-north-9a", "zz-north-9", id="a zone of a region opened later"),
        pytest.param("gcp", "europe-west4-b", "europe-west4", id="a GCP zone"),
        pytest.param("gcp", "us-central1-ai1a", "us-central1", id="a GCP AI zone"),
        pytest.param("gcp", "projects/acme/zones/asia-east1-c", "asia-east1", id="a GCP path"),
        pytest.param("gcp", "us-central1", "us-central1", id="a GCP region"),
        pytest.param("azure", "1", None, id="an Azure zone, which is a number"),
        pytest.param("aws", "bogus", None, id="no zone at all"),
        pytest.param("gcp", "", None, id="an empty name"),
    ],
)
def test_the_region_of_a_zone(catalog: Catalog, cloud: str, zone: str, region: str | None) -> None:
    assert catalog.region_of_zone(cloud, zone) == region


def test_an_azure_region_is_known_by_name_and_display_name(catalog: Catalog) -> None:
    region = catalog.region("azure", "West Europe")
    assert region is not None
    assert region == catalog.region("azure", "westeurope")
    assert (region.country, region.geography, region.utc_offset) == ("NL", "eu", "+01:00")


def test_every_display_name_of_azure_leads_to_its_region(catalog: Catalog) -> None:
    assert [catalog.region("azure", each.display_name) for each in catalog.regions("azure")] == list(
        catalog.regions("azure")
    )


# --- discounts, interruptions, performance ---


def test_a_discount_of_the_family_comes_before_that_of_the_cloud(catalog: Catalog) -> None:
    family = catalog.discount_range("azure", None, "Standard_NC24ads_A100_v4", "savings_plan", "1y", "westeurope")
    cloud = catalog.discount_range("azure", None, "Standard_D2s_v3", "savings_plan", "1y", "westeurope")
    assert family is not None
    assert cloud is not None
    # 4.775 an hour on demand, 3.97471 under the plan: 1 - 3.97471 / 4.775 = 16.76 %
    assert (family.kind, family.low_percent) == ("observed", Decimal("16.76"))
    assert cloud.kind == "published"


def test_a_discount_of_the_gpu_model_answers_where_the_family_has_none(catalog: Catalog) -> None:
    found = catalog.discount_range("aws", "p5", "p5.48xlarge", "reserved", "3y")
    assert found is not None
    assert found.low_percent == Decimal("56.8")


def test_no_discount_is_known_for_a_purchase_model_without_one(catalog: Catalog) -> None:
    assert catalog.discount_range("linode", None, None, "savings_plan") is None


def test_interruption_bands_are_per_operating_system(catalog: Catalog) -> None:
    assert catalog.interruption("af-south-1", "g4dn.12xlarge") == "<5%"
    assert catalog.interruption("us-east-1", "g5.xlarge", "rhel") == catalog.interruption("us-east-1", "g5.xlarge")
    assert catalog.interruption("us-east-1", "m5.large") is None


def test_a_measured_pair_is_inverted_for_the_other_direction(catalog: Catalog) -> None:
    there = catalog.performance("B200", "H100-80GB", "diffusion_inference")
    back = catalog.performance("H100-80GB", "B200", "diffusion_inference")
    assert there is not None
    assert back is not None
    assert (there.basis, back.basis) == ("measured", "measured")
    assert there.ratio == pytest.approx(1.764)
    assert there.ratio * back.ratio == pytest.approx(1)
    assert back.low is not None
    assert back.high is not None
    assert back.low <= back.ratio <= back.high


def test_cards_never_measured_together_are_chained_or_taken_from_data_sheets(catalog: Catalog) -> None:
    datasheet = catalog.performance("Trainium2", "H100-80GB", "llm_training")
    assert datasheet is not None
    assert (datasheet.basis, datasheet.confidence) == ("datasheet", "low")


def test_a_card_is_as_fast_as_itself_and_an_unknown_one_has_no_speed(catalog: Catalog) -> None:
    same = catalog.performance("nvidia-tesla-t4", "T4", "llm_inference")
    assert same is not None
    assert same.ratio == 1
    assert catalog.performance("Abacus", "T4", "llm_inference") is None
    assert catalog.performance("T4", "L4", "basket_weaving") is None


def test_noise_between_the_two_a100_is_not_read_as_speed(catalog: Catalog) -> None:
    found = catalog.performance("A100-40GB", "A100-80GB", "llm_inference")
    assert found is not None
    assert found.ratio <= 1


# --- hostile names ---


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("", id="empty"),
        pytest.param("x" * 100_000, id="very long"),
        pytest.param("p5\0.48xlarge", id="with a NUL"),
        pytest.param("p5\ud800", id="with a lone surrogate"),
        pytest.param("p5.48xlarge' OR '1'='1", id="with a quote"),
        pytest.param("💸", id="outside the basic plane"),
    ],
)
def test_a_hostile_name_is_not_found(catalog: Catalog, name: str) -> None:
    assert catalog.instance_type("aws", name) is None
    assert catalog.instance_type("gcp", name) is None
    assert catalog.instance_type(name, "p5.48xlarge") is None
    assert catalog.accelerator(name) is None
    assert catalog.region("azure", name) is None
    assert catalog.region_of_zone("aws", name) is None
    assert catalog.region_of_zone("gcp", name) is None
    assert catalog.offers("aws", name) in ((), catalog.offers("aws", "xx-nowhere-1"))
    assert catalog.offers(name, "us-east-1") == ()
    assert catalog.instance_types_with(name, "T4") == ()
    assert catalog.looks_like_accelerator("aws", name) is False
    assert catalog.interruption(name, name, name) is None
    assert catalog.performance(name, "T4", "llm_training") is None
    assert catalog.performance("T4", "L4", name) is None
    assert catalog.discount_range(name, name, name, name, name, name) is None
    assert catalog.known_hole("aws", name) is None
    for key in (
        PriceKey("aws", "machine", name, "us-east-1"),
        PriceKey("aws", "machine", "p5.48xlarge", "us-east-1", os=name),
        PriceKey("aws", "machine", "trn2.48xlarge", "us-east-1", purchase_model=name),
        PriceKey("aws", "machine", "trn2.48xlarge", "us-east-1", term=name, payment=name),
        PriceKey(name, "machine", "p5.48xlarge", "us-east-1"),
    ):
        assert isinstance(catalog.price(key), Unpriced)


@given(cloud=st.text() | st.sampled_from(["aws", "azure", "gcp"]), name=st.text(), other=st.text())
def test_any_text_is_an_answer_and_never_a_crash(built: Path, cloud: str, name: str, other: str) -> None:
    with Catalog.open(built) as catalog:
        assert isinstance(catalog.price(PriceKey(cloud, "machine", name, other)), Price | Unpriced)
        assert catalog.price(PriceKey(cloud, "storage", "gp3", other, os=name)) is not None
        assert catalog.is_machine_type(cloud, name) in (True, False)
        assert catalog.looks_like_accelerator(cloud, name) in (True, False)
        catalog.region_of_zone(cloud, name)


# --- files ---


def test_a_catalog_opens_from_a_path_that_looks_like_a_query(built: Path, tmp_path: Path) -> None:
    folder = tmp_path / "a?mode=rwc#b%20ü c"
    folder.mkdir()
    copy = folder / "catalog.sqlite"
    copy.write_bytes(built.read_bytes())
    copy.chmod(0o444)
    with Catalog.open(copy) as catalog:
        assert catalog.instance_type("aws", "p5.48xlarge") is not None
    assert [each.name for each in folder.iterdir()] == ["catalog.sqlite"]


def sqlite_of_somebody_else(path: Path) -> None:
    import sqlite3

    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE t (x)")
    connection.close()


def rewrite(change: Callable[[bytearray], None]) -> Callable[[Path, bytes], None]:
    def make(path: Path, content: bytes) -> None:
        data = bytearray(content)
        change(data)
        path.write_bytes(data)

    return make


def overwrite(start: int, content: bytes) -> Callable[[bytearray], None]:
    def change(data: bytearray) -> None:
        data[start : start + len(content)] = content

    return change


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(lambda path, _: None, "cannot be read", id="a missing file"),
        pytest.param(lambda path, _: path.mkdir(), "is not a regular file", id="a directory"),
        pytest.param(lambda path, _: path.write_bytes(b""), "is not a price catalog", id="an empty file"),
        pytest.param(lambda path, _: path.write_text("sku,price\n" * 99), "is not a price catalog", id="a text file"),
        pytest.param(
            lambda path, _: sqlite_of_somebody_else(path), "not a price catalog of gpuguard", id="another SQLite file"
        ),
        pytest.param(lambda path, content: path.write_bytes(content[:70_000]), "not as long", id="a truncated file"),
        pytest.param(lambda path, content: path.write_bytes(content + b"x"), "not as long", id="a file with a tail"),
        pytest.param(rewrite(overwrite(60, b"\0\0\0\x63")), "has schema 99", id="a catalog of another schema"),
        pytest.param(rewrite(overwrite(100, b"\xff" * 3996)), "is damaged", id="a damaged first page"),
    ],
)
def test_a_file_that_is_no_catalog_is_refused(
    built: Path, tmp_path: Path, make: Callable[[Path, bytes], None], message: str
) -> None:
    path = tmp_path / "given.sqlite"
    make(path, built.read_bytes())
    with pytest.raises(CatalogError, match=message) as caught:
        Catalog.open(path)
    assert str(path) in caught.value.message
    assert caught.value.hint
    assert caught.value.exit_code == 2


def test_damage_deeper_inside_is_told_when_it_is_met(built: Path, tmp_path: Path) -> None:
    path = tmp_path / "given.sqlite"
    content = built.read_bytes()
    path.write_bytes(content[:8192] + b"\xa5" * (len(content) - 8192))
    with pytest.raises(CatalogError, match="is damaged"), Catalog.open(path) as catalog:
        catalog.price(PriceKey("aws", "machine", "p5.48xlarge", "us-east-1"))


def test_the_hint_for_a_missing_embedded_catalog_says_how_to_make_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog_module, "EMBEDDED", tmp_path / "catalog.sqlite")
    with pytest.raises(CatalogError) as caught:
        Catalog.open()
    assert "gpuguard.price.build" in caught.value.hint


def test_opening_and_asking_changes_nothing_in_the_file(built: Path) -> None:
    before = (built.read_bytes(), built.stat().st_mtime_ns)
    with Catalog.open(built) as catalog:
        catalog.price(PriceKey("aws", "machine", "p5.48xlarge", "us-east-1"))
    assert (built.read_bytes(), built.stat().st_mtime_ns) == before
