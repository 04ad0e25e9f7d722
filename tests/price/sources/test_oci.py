"""The price list of Oracle Cloud Infrastructure against a real server that answers in its form, well or badly."""

import csv
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gpuguard.errors import ServiceError
from gpuguard.price.build import DATA
from gpuguard.price.sources import oci
from gpuguard.price.sources.base import Found, Scope, Wanted
from gpuguard.price.sources.http import Http
from tests.price.sources.known import Known, context, machine, prices
from tests.price.sources.servers import Answer, Reply, Server, as_json

PATH = "/pls/apex/cetools/api/v1/products/"
MACHINES = (
    machine("BM.GPU2.2", "P100", 2),
    machine("VM.GPU2.1", "P100", 1),
    machine("BM.GPU3.8", "V100-16GB", 8),
    machine("VM.GPU3.2", "V100-16GB", 2),
    machine("BM.GPU4.8", "A100-40GB", 8),
    machine("BM.GPU.A10.4", "A10", 4),
    machine("VM.GPU.A10.1", "A10", 1),
    machine("BM.GPU.A100-v2.8", "A100-80GB", 8),
    machine("BM.GPU.B200.8", "B200", 8),
    machine("BM.GPU.GB200.4", "GB200", 4),
    machine("BM.GPU.H100.8", "H100-80GB", 8),
    machine("BM.GPU.MI355X.8", "MI355X", 8),
    machine("BM.GPU.RTXPRO.8", "RTX-PRO-6000", 8),
    machine("BM.GPU.B300.8", "B300", 8),
    machine("BM.GPU.GB300.4", "GB300", 4),
    machine("BM.GPU.H200.8", "H200", 8),
    machine("BM.GPU.L40S.4", "L40S", 4),
    machine("BM.GPU.MI300X.8", "MI300X", 8),
)

Row = dict[str, Any]


def product(part: str, name: str, usd: Any = 1, **more: Any) -> Row:
    """A product with the fields the list has."""
    return {
        "partNumber": part,
        "displayName": name,
        "metricName": "GPU Per Hour",
        "serviceCategory": "Compute - GPU",
        "currencyCodeLocalizations": [
            {"currencyCode": "USD", "prices": [{"model": "PAY_AS_YOU_GO", "value": usd}]},
        ],
        **more,
    }


def priced(*prices: tuple[str, Any], currency: str = "USD") -> list[Row]:
    return [{"currencyCode": currency, "prices": [{"model": model, "value": value} for model, value in prices]}]


# names and prices as the list had them on 2026-08-14
PRODUCTS = [
    product("B88517", "Compute - Bare Metal GPU Standard - X7", 1.275),
    product("B88518", "Compute - Virtual Machine GPU Standard - X7", 1.275),
    product("B89734", "Compute - GPU Standard - V2", 2.95),
    product("B92740", "Compute - GPU - E3", 3.05),
    product("B95909", "Compute  - GPU - A10", 2),
    product("B95907", "Compute - GPU - A100 - v2", 4),
    product("B110978", "OCI - Compute - GPU - B200", 14),
    product("B110979", "OCI - Compute - GPU - GB200", 16),
    product("B98415", "Oracle Cloud Infrastructure - Compute - GPU - H100", 10, description="GPUs for many uses."),
    product("B111758", "OCI- Compute - GPU - MI355X", 8.6),
    product("B112613", "OCI - Compute - GPU - RTX PRO 6000", 4.5),
    product("B112237", "Oracle Cloud Infrastructure - Compute - GPU - B300", 15),
    product("B112140", "OCI - Compute - GPU - GB300", 18),
    product("B110519", "OCI - Compute - GPU - H200", 10),
    product("B109479", "Compute - GPU - L40S", 3.5),
    product("B109485", "OCI - Compute - GPU - MI300X", 6),
]
OTHERS = [
    product("B108776", "WebCenter Imaging For OCI", 0.6394, metricName="OCPU Per Hour", serviceCategory="WebCenter"),
    product("B111824", "OCI - NVIDIA AI Enterprise - H100", 2.5),
    product(
        "B111455",
        "Oracle Compute Cloud@Customer - Compute - GPU.L40S",
        2.9,
        serviceCategory="Compute Cloud@Customer",
    ),
    product(
        "B108806",
        "Oracle Cloud VMware Solution - BM.GPU.A10.64 - Monthly Commit",
        16,
        metricName="Node Per Hour",
        serviceCategory="Compute - VMware",
    ),
]
EVERY = {
    "BM.GPU2.2": "2.55",
    "VM.GPU2.1": "1.275",
    "BM.GPU3.8": "23.6",
    "VM.GPU3.2": "5.9",
    "BM.GPU4.8": "24.4",
    "BM.GPU.A10.4": "8",
    "VM.GPU.A10.1": "2",
    "BM.GPU.A100-v2.8": "32",
    "BM.GPU.B200.8": "112",
    "BM.GPU.GB200.4": "64",
    "BM.GPU.H100.8": "80",
    "BM.GPU.MI355X.8": "68.8",
    "BM.GPU.RTXPRO.8": "36",
    "BM.GPU.B300.8": "120",
    "BM.GPU.GB300.4": "72",
    "BM.GPU.H200.8": "80",
    "BM.GPU.L40S.4": "14",
    "BM.GPU.MI300X.8": "48",
}


@pytest.fixture(scope="module")
def http() -> Iterator[Http]:
    with Http(sleep=lambda seconds: None) as http:
        yield http


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        yield server


@pytest.fixture
def read(server: Server, http: Http) -> Callable[..., Found]:
    """Reads the part of the source from a list of products, or from the answers given."""

    def read(*given: list[Row] | Answer, wanted: Wanted | None = None, known: Known | None = None) -> Found:
        lists = [as_json({"items": each, "lastUpdated": "x"}) if isinstance(each, list) else each for each in given]
        server.on(PATH, *lists)
        asked = context(http, server.url, known or Known({"oci": MACHINES}), wanted)
        (part,) = oci.SOURCE.parts(asked)
        return part.read(asked, None)

    return read


def test_every_shape_costs_its_number_of_gpus(read: Callable[..., Found], server: Server) -> None:
    found = read(PRODUCTS + OTHERS)
    assert prices(found) == {(sku, "*", "on_demand"): usd for sku, usd in EVERY.items()}
    assert (found.as_of, found.types, found.notes) == ("2026-11-20", (), ())
    assert server.requests[0].query == {"currencyCode": "USD"}


def test_the_order_of_the_list_does_not_matter(read: Callable[..., Found]) -> None:
    assert read(PRODUCTS[::-1]) == read(PRODUCTS)


def test_failures_are_survived(read: Callable[..., Found], server: Server) -> None:
    whole = as_json({"items": PRODUCTS})
    found = read(Reply(status=503), as_json({"items": PRODUCTS}, cut=500), Reply(status=429), whole)
    assert len(found.prices) == len(EVERY)
    assert len(server.requests) == 4


@pytest.mark.parametrize(
    ("name", "fits"),
    [
        pytest.param("OCI - Compute - GPU - H100T", [], id="a variant of a GPU is another one"),
        pytest.param("OCI - Compute - GPU - E4", [], id="a generation without a shape"),
        pytest.param("OCI - Compute - GPU - B900", [], id="a new GPU"),
        pytest.param("OCI - Compute - GPU - A100", [], id="a GPU of unknown memory"),
        pytest.param("OCI - Compute - GPU - GPU4", [], id="a series is no GPU"),
        pytest.param("OCI - Compute - GPU -", [], id="nothing"),
        pytest.param("OCI - Compute - Standard - H100", [], id="no GPU product"),
        pytest.param("Storage - Compute - GPU - H100", [], id="another beginning"),
        pytest.param("Compute - Virtual Machine GPU Standard - A10", ["VM.GPU.A10.1"], id="virtual machines only"),
        pytest.param("Compute - Bare Metal GPU - A10", ["BM.GPU.A10.4"], id="bare metal only"),
        pytest.param("OCI-Compute-GPU-b200", ["BM.GPU.B200.8"], id="without blanks, in small letters"),
    ],
)
def test_a_product_is_laid_to_shapes_by_its_whole_name(read: Callable[..., Found], name: str, fits: list[str]) -> None:
    known = Known({"oci": tuple(each for each in MACHINES if each.sku != "BM.GPU.H100.8")})
    found = read([PRODUCTS[5], product("B999999", name, 7)], known=known)
    assert [price.sku for price in found.prices if price.sku != "BM.GPU.A100-v2.8"] == fits
    assert any("B999999" in note for note in found.notes) == (not fits)


def test_a_shape_without_a_product_is_told(read: Callable[..., Found]) -> None:
    assert read(PRODUCTS[1:]).notes == ("BM.GPU2.2: no product of the list fits",)


def test_a_product_of_an_unknown_category_is_told_and_not_taken(read: Callable[..., Found]) -> None:
    found = read([*PRODUCTS, product("B999999", "OCI - Compute - GPU - H100", 99, serviceCategory="Supercomputer")])
    assert prices(found)["BM.GPU.H100.8", "*", "on_demand"] == "80"
    assert len(found.notes) == 1
    assert "Supercomputer" in found.notes[0]


@pytest.mark.parametrize(
    ("localizations", "usd", "says"),
    [
        pytest.param([], None, "no pay-as-you-go price in USD", id="no price"),
        pytest.param(priced(("PAY_AS_YOU_GO", 9), currency="EUR"), None, "in USD", id="another currency"),
        pytest.param(priced(("PAY_AS_YOU_GO", None)), None, "in USD", id="a price of null"),
        pytest.param(priced(("MONTHLY_COMMIT", 9)), None, "MONTHLY_COMMIT", id="another price model"),
        pytest.param(priced(("PAY_AS_YOU_GO", 10), ("ANNUAL", 7)), "80", "ANNUAL", id="a new price model beside it"),
        pytest.param(priced(("PAY_AS_YOU_GO", 9), ("PAY_AS_YOU_GO", 11)), "88", "dearest", id="two prices"),
        pytest.param(priced(("PAY_AS_YOU_GO", 9), ("PAY_AS_YOU_GO", 9)), "72", "", id="the same price twice"),
        pytest.param(
            [*priced(("PAY_AS_YOU_GO", 1), currency="EUR"), *priced(("PAY_AS_YOU_GO", 10))],
            "80",
            "",
            id="two currencies",
        ),
        pytest.param(priced(("PAY_AS_YOU_GO", 0)), "0", "", id="zero is passed on"),
    ],
)
def test_the_price_is_the_one_in_dollars_as_you_go(
    read: Callable[..., Found], localizations: list[Row], usd: str | None, says: str
) -> None:
    rows = [row for row in PRODUCTS if row["partNumber"] != "B98415"]
    rows.append(product("B98415", "OCI - Compute - GPU - H100", currencyCodeLocalizations=localizations))
    found = read(rows)
    assert prices(found).get(("BM.GPU.H100.8", "*", "on_demand")) == usd
    assert any(says in note for note in found.notes) if says else not found.notes


def test_of_two_products_for_a_shape_the_dearer_is_taken_and_told(read: Callable[..., Found]) -> None:
    found = read([*PRODUCTS, product("B999999", "OCI - Compute - GPU - H100", 12)])
    assert prices(found)["BM.GPU.H100.8", "*", "on_demand"] == "96"
    assert "80 and 96 USD" in found.notes[0]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        pytest.param({"items": []}, "none is a GPU shape", id="an empty list"),
        pytest.param({"items": OTHERS}, "none is a GPU shape", id="no GPU products any more"),
        pytest.param(
            {"items": [{**row, "metricName": "GPU Hour"} for row in PRODUCTS]}, "none is a GPU shape", id="a new metric"
        ),
        pytest.param({"products": PRODUCTS}, "items", id="another name of the list"),
        pytest.param({"items": [{"partNumber": "B1"}]}, r"\$\.items\[0\]", id="a product without its fields"),
        pytest.param({"items": [{**PRODUCTS[0], "displayName": None}]}, "displayName", id="no name"),
        pytest.param(
            {"items": [product("B98415", "OCI - Compute - GPU - H100", "10")]}, "a price was expected", id="a text"
        ),
    ],
)
def test_another_form_is_refused(read: Callable[..., Found], body: Any, says: str) -> None:
    with pytest.raises(ServiceError, match=says) as caught:
        read(as_json(body))
    assert caught.value.hint


@pytest.mark.parametrize(
    ("wanted", "regions"),
    [
        pytest.param(Wanted(), (), id="everything"),
        pytest.param(Wanted(("eu-frankfurt-1",)), ("*", "eu-frankfurt-1"), id="a region has the common price"),
    ],
)
def test_the_common_price_is_replaced_whatever_region_is_asked_for(
    read: Callable[..., Found], server: Server, http: Http, wanted: Wanted, regions: tuple[str, ...]
) -> None:
    assert len(read(PRODUCTS, wanted=wanted).prices) == len(EVERY)
    (part,) = oci.SOURCE.parts(context(http, server.url, Known({"oci": MACHINES}), wanted))
    assert part.scopes == (Scope("oci", "machine", "on_demand", regions),)


def test_nothing_is_asked_where_only_spot_is_wanted(server: Server, http: Http) -> None:
    wanted = Wanted(purchase_models=("spot",))
    assert not tuple(oci.SOURCE.parts(context(http, server.url, Known(), wanted)))
    assert not server.requests


def test_the_shapes_are_spelled_as_in_the_tables() -> None:
    with (DATA / "oci" / "types.csv").open(encoding="utf-8", newline="") as file:
        assert set(EVERY) <= {row["sku"] for row in csv.DictReader(file)}
