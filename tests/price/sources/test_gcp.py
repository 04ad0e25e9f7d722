"""The Cloud Billing Catalog API against a real server that answers in the documented form, well or badly.

Descriptions, units and prices of SKUs are recorded ones where nothing else is said; SKU ids are made up.
"""

import json
import tracemalloc
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest

from gpuguard.errors import ServiceError
from gpuguard.price.names import accelerated_name
from gpuguard.price.schema import KINDS, OPERATING_SYSTEMS, PAYMENTS, PURCHASE_MODELS, TERMS
from gpuguard.price.sources import gcp
from gpuguard.price.sources.base import Context, FetchedPrice, Found, MachineFacts, Part, Scope, Wanted
from gpuguard.price.sources.http import Http
from tests.price.sources.servers import Answer, Reply, Request, Server, as_json

PATH = "/v1/services/6F81-5844-456A/skus"
TODAY = "2026-11-20"
KEY = "AIzaSyExample-not-a-real-key-000000000"
IOWA = "us-central1"
US = ("us-central1", "us-east1", "us-west1")

Sku = dict[str, Any]

MACHINES = (
    MachineFacts("a2-highgpu-1g", "a2", 12, 85, "A100-40GB", 1, None),
    MachineFacts("a2-megagpu-16g", "a2", 96, 1360, "A100-40GB", 16, None),
    MachineFacts("a2-ultragpu-1g", "a2", 12, 170, "A100-80GB", 1, 375),
    MachineFacts("a2-ultragpu-8g", "a2", 96, 1360, "A100-80GB", 8, 3000),
    MachineFacts("a3-edgegpu-8g", "a3", 208, 1872, "H100-80GB", 8, 6000),
    MachineFacts("a3-highgpu-8g", "a3", 208, 1872, "H100-80GB", 8, 6000),
    MachineFacts("a3-megagpu-8g", "a3", 208, 1872, "H100-80GB", 8, 6000),
    MachineFacts("a3-ultragpu-8g", "a3", 224, 2952, "H200", 8, 12000),
    MachineFacts("a3-ultragpu-8g-nolssd", "a3", 224, 2952, "H200", 8, None),
    MachineFacts("a4-highgpu-8g", "a4", 224, 3968, "B200", 8, None),
    MachineFacts("a4x-highgpu-4g", "a4x", 140, 884, "GB200", 4, None),
    MachineFacts("ct5lp-hightpu-4t", "ct5lp", 112, 192, "TPU-v5e", 4, None),
    MachineFacts("g2-standard-4", "g2", 4, 16, "L4", 1, None),
    MachineFacts("g2-standard-96", "g2", 96, 384, "L4", 8, None),
    MachineFacts("g4-standard-6", "g4", 6, 22, "RTX-PRO-6000", 0.125, None),
    MachineFacts("g4-standard-24", "g4", 24, 90, "RTX-PRO-6000", 0.5, None),
    MachineFacts("g4-standard-48", "g4", 48, 180, "RTX-PRO-6000", 1, None),
    MachineFacts("g4-standard-384", "g4", 384, 1440, "RTX-PRO-6000", 8, None),
    MachineFacts("tpu7x-standard-4t", "tpu7x", 224, 960, "TPU-v7x", 4, None),
)
UNMADE = "not priced, for what they are billed for is not known: a3-edgegpu-8g, a4x-highgpu-4g"


class Known:
    """A catalog of a few machine types and regions."""

    def __init__(self, machines: Sequence[MachineFacts] = MACHINES) -> None:
        self._machines = tuple(machines)

    def accelerated(self, cloud: str, sku: str) -> bool:
        return accelerated_name(cloud, sku)

    def spelling(self, cloud: str, sku: str) -> str:
        return sku

    def regions(self, cloud: str) -> tuple[str, ...]:
        return ("us-west1", "europe-west4", "us-central1", "us-east1")

    def accelerator(self, name: str) -> str | None:
        return None

    def machine(self, cloud: str, sku: str) -> MachineFacts | None:
        return next((each for each in self._machines if each.sku == sku), None)

    def machines(self, cloud: str) -> tuple[MachineFacts, ...]:
        return self._machines


def money(usd: str) -> dict[str, Any]:
    """google.type.Money as the API writes it: units as text, nanos as a number."""
    amount = Decimal(usd)
    units = int(amount)
    return {"currencyCode": "USD", "units": str(units), "nanos": int((amount - units) * 1_000_000_000)}


def pricing(*tiers: tuple[float, str], unit: str = "h", since: str = "2026-11-19T08:00:00Z") -> dict[str, Any]:
    return {
        "summary": "",
        "pricingExpression": {
            "usageUnit": unit,
            "displayQuantity": 1,
            "tieredRates": [{"startUsageAmount": start, "unitPrice": money(usd)} for start, usd in tiers],
            "usageUnitDescription": "hour",
            "baseUnit": "s",
            "baseUnitDescription": "second",
            "baseUnitConversionFactor": 3600,
        },
        "currencyConversionRate": 1,
        "effectiveTime": since,
    }


def sku(
    description: str,
    usd: str,
    regions: Sequence[str] = (IOWA,),
    usage: str = "OnDemand",
    *,
    group: str = "",
    unit: str = "",
    **fields: Any,
) -> Sku:
    """A SKU with all fields the API gives; group and unit follow from the description unless they are given."""
    low = description.lower()
    if not group:
        groups = {" ram": "RAM", "gpu": "GPU", "tpu": "TPU", "96gb": "GPU", "local s": "LocalSSD", "disk": "SSD"}
        group = next((group for word, group in groups.items() if word in low), "CPU")
    if not unit:
        unit = {"RAM": "GiBy.h", "LocalSSD": "GiBy.mo"}.get(group, "h")
    return {
        "name": "services/6F81-5844-456A/skus/0000-0000-0001",
        "skuId": "0000-0000-0001",
        "description": description,
        "category": {
            "serviceDisplayName": "Compute Engine",
            "resourceFamily": "Storage" if group in ("LocalSSD", "SSD") else "Compute",
            "resourceGroup": group,
            "usageType": usage,
        },
        "serviceRegions": list(regions),
        "pricingInfo": [pricing((0, usd), unit=unit)],
        "serviceProviderName": "Google",
        "geoTaxonomy": {"type": "MULTI_REGIONAL" if len(regions) > 1 else "REGIONAL", "regions": list(regions)},
        **fields,
    }


def disk(description: str, usd: str, unit: str = "GiBy.mo", **more: Any) -> Sku:
    return sku(description, usd, group="SSD", unit=unit, **more)


SSD = sku("SSD backed Local Storage", "0.08", US)
A2 = (
    sku("A2 Instance Core running in Americas", "0.031611", US),
    sku("A2 Instance Ram running in Americas", "0.004237", US),
)
A100 = sku("Nvidia Tesla A100 GPU running in Americas", "2.933908", US)
A100_80 = sku("Nvidia Tesla A100 80GB GPU running in Americas", "3.92808", (IOWA,))
"""The price is what is left of the machine's on Google's page, 5.06879789, without its other parts."""
G2 = (
    sku("G2 Instance Core running in Americas", "0.024988"),
    sku("G2 Instance Ram running in Americas", "0.0029275"),
)
L4 = sku("Nvidia L4 GPU running in Americas", "0.56004")
G4 = (
    sku("G4 Instance Core running in Iowa", "0.04891"),
    sku("G4 Instance Ram running in Iowa", "0.00587"),
    sku("RTX 6000 96GB running in Iowa", "1.09565"),
)
T4 = sku("Nvidia Tesla T4 GPU running in Americas", "0.35", US)


@dataclass
class Api:
    """The API on loopback, and what the tests need to ask it."""

    server: Server
    skus: list[Sku] = field(default_factory=list)
    size: int = gcp.PAGE_SIZE
    waits: list[float] = field(default_factory=list)
    wanted: Wanted = field(default_factory=Wanted)
    environment: Mapping[str, str] = field(default_factory=lambda: {"GOOGLE_API_KEY": KEY})
    machines: Sequence[MachineFacts] = MACHINES

    def page(self, request: Request) -> Reply:
        """The SKUs from the token on; the token of the last page is empty."""
        start = int(request.query.get("pageToken", "0"))
        end = start + self.size
        return as_json(
            {"skus": self.skus[start:end], "nextPageToken": str(end) if self.skus[end:] else ""},
            headers={"ETag": '"never the same"'},
        )

    def context(self, http: Http) -> Context:
        return Context(http, self.server.url + PATH, self.wanted, Known(self.machines), self.environment, TODAY)

    def parts(self) -> list[Part]:
        with Http() as http:
            return list(gcp.SOURCES[0].parts(self.context(http)))

    def read(self, *skus: Sku, answers: Sequence[Answer] = ()) -> Found:
        """Read the one part; the API answers by `answers`, or from `skus`."""
        self.skus = list(skus) or self.skus
        self.server.on(PATH, *(answers or [self.page]))
        with Http(timeout=5, attempts=3, sleep=self.waits.append) as http:
            context = self.context(http)
            (part,) = gcp.SOURCES[0].parts(context)
            found = part.read(context, None)
        for price in found.prices:
            assert any(
                scope.holds("gcp", price.kind, price.sku, price.region, price.purchase_model) for scope in part.scopes
            ), f"{price} is in no scope of its part"
            assert price.unit in KINDS[price.kind]
            assert price.purchase_model in PURCHASE_MODELS
            assert price.os in OPERATING_SYSTEMS
            assert price.term in TERMS
            assert price.payment in PAYMENTS
        keys = [(each.kind, each.sku, each.region, each.purchase_model, each.term) for each in found.prices]
        assert keys == sorted(set(keys))
        return found

    def refused(self, *skus: Sku, **how: Any) -> ServiceError:
        """The error that reading ends in; it never shows the key."""
        with pytest.raises(ServiceError) as caught:
            self.read(*skus, **how)
        shown = f"{caught.value.message} {caught.value.hint} {caught.value.details} {caught.value!r}"
        assert self.environment.get("GOOGLE_API_KEY", KEY) not in shown
        return caught.value


@pytest.fixture
def api() -> Iterator[Api]:
    with Server() as server:
        yield Api(server)


def told(found: Found, region: str = IOWA) -> dict[tuple[str, str, str], str]:
    """The prices of a region by SKU, purchase model and term; the kind stands before what is no machine."""
    return {
        (each.sku if each.kind == "machine" else f"{each.kind} {each.sku}", each.purchase_model, each.term): (
            f"{each.usd:f}"
        )
        for each in found.prices
        if each.region == region
    }


def on_demand(found: Found, region: str = IOWA) -> dict[str, str]:
    return {name: usd for (name, model, _), usd in told(found, region).items() if model == "on_demand"}


def notes(found: Found) -> list[str]:
    """The notes, but for the one on machine types that are never priced."""
    assert UNMADE in found.notes
    return [note for note in found.notes if note != UNMADE]


# --- what is asked and how it comes --------------------------------------------------------------------------------------


def test_a_key_is_needed_and_either_variable_may_hold_it(api: Api) -> None:
    (source,) = gcp.SOURCES
    assert (source.name, source.cloud, source.endpoint) == (
        "gcp-compute",
        "gcp",
        "https://cloudbilling.googleapis.com/v1/services/6F81-5844-456A/skus",
    )
    assert source.missing({}) == "an API key of Google Cloud (in GPUGUARD_GCP_API_KEY or GOOGLE_API_KEY)"
    assert source.missing({"GOOGLE_API_KEY": "  "}) == source.missing({})
    assert source.missing({"GOOGLE_API_KEY": KEY}) == ""
    assert source.missing({"GPUGUARD_GCP_API_KEY": KEY}) == ""
    api.environment = {"GOOGLE_API_KEY": "another", "GPUGUARD_GCP_API_KEY": f" {KEY}\n"}
    api.read(T4)
    assert api.server.requests[0].headers["x-goog-api-key"] == KEY


def test_the_key_is_sent_as_a_header_on_every_page_and_stands_in_no_address(api: Api) -> None:
    api.size = 2
    found = api.read(*A2, A100, SSD, T4)
    assert [request.query for request in api.server.requests] == [
        {"pageSize": "5000", "currencyCode": "USD"},
        {"pageSize": "5000", "currencyCode": "USD", "pageToken": "2"},
        {"pageSize": "5000", "currencyCode": "USD", "pageToken": "4"},
    ]
    assert [request.headers["x-goog-api-key"] for request in api.server.requests] == [KEY] * 3
    assert "if-none-match" not in api.server.requests[1].headers
    assert (found.as_of, found.title, found.validators) == (TODAY, "Cloud Billing Catalog API: Compute Engine", None)


def test_parts_of_a_machine_may_stand_on_different_pages(api: Api) -> None:
    api.size = 1
    assert on_demand(api.read(A2[0], T4, A100, SSD, A2[1]))["a2-highgpu-1g"] == "3.673385"
    assert len(api.server.requests) == 5


def test_the_last_page_may_have_no_token_and_no_skus(api: Api) -> None:
    pages = [{"skus": [T4], "nextPageToken": "a"}, {"skus": [], "nextPageToken": "b"}, {}]
    found = api.read(answers=[as_json(page) for page in pages])
    assert on_demand(found) == {"accelerator T4": "0.35"}
    assert [request.query.get("pageToken") for request in api.server.requests] == [None, "a", "b"]


@pytest.mark.parametrize(
    ("trouble", "least"),
    [
        pytest.param(Reply(status=429, headers={"Retry-After": "37"}), 37.0, id="429 that says how long to wait"),
        pytest.param(Reply(b"oops", status=500), 0.0, id="internal server error"),
        pytest.param(Reply(status=503), 0.0, id="service unavailable"),
        pytest.param(as_json({"skus": [T4]}, cut=150), 0.0, id="body cut in the middle"),
        pytest.param(Reply(reset=True), 0.0, id="connection reset"),
    ],
)
def test_trouble_in_the_middle_of_the_pages_is_outlasted_and_nothing_is_lost(
    api: Api, trouble: Reply, least: float
) -> None:
    api.size = 2
    found = api.read(*A2, A100, SSD, A100_80, T4, answers=[api.page, trouble, api.page])
    assert on_demand(found)["a2-highgpu-1g"] == "3.673385"
    assert {"a2-ultragpu-8g", "accelerator T4"} <= on_demand(found).keys()
    assert [request.query.get("pageToken") for request in api.server.requests] == [None, "2", "2", "4"]
    assert len(api.waits) == 1
    assert api.waits[0] >= least


@pytest.mark.parametrize("status", [404, 429, 500])
def test_a_page_that_never_comes_is_an_error_and_no_partial_result(api: Api, status: int) -> None:
    api.size = 1
    error = api.refused(*A2, A100, answers=[api.page, Reply(status=status)])
    assert f"status {status}" in error.message
    assert "pageToken" not in error.message


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        pytest.param(400, "API_KEY_INVALID", id="400, as for a key that is none"),
        pytest.param(401, "CREDENTIALS_MISSING", id="401"),
        pytest.param(403, "API_KEY_SERVICE_BLOCKED", id="403, as for a key that may not do this"),
    ],
)
def test_a_key_that_google_refuses_is_told_without_showing_it(api: Api, status: int, reason: str) -> None:
    body = {"error": {"code": status, "message": f"API key {KEY} not valid.", "details": [{"reason": reason}]}}
    error = api.refused(answers=[as_json(body, status=status)])
    assert error.message.startswith(f"{api.server.url}{PATH}: status {status}")
    assert error.hint == (
        "Check the API key in GPUGUARD_GCP_API_KEY or GOOGLE_API_KEY, its restrictions, and that the Cloud Billing API is"
        " enabled in its project."
    )
    assert len(api.server.requests) == 1


def test_a_key_that_cannot_be_sent_is_not_shown(api: Api) -> None:
    api.environment = {"GOOGLE_API_KEY": "AIza\nSy-secret"}
    error = api.refused(T4)
    assert "header" in error.message
    assert "secret" not in f"{error.message}{error.hint}"
    assert not api.server.requests


# --- pages that do not add up --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "tokens",
    [
        pytest.param(["a", "a"], id="the token of its own page"),
        pytest.param(["a", "b", "a"], id="a token from before"),
    ],
)
def test_pages_that_lead_in_a_circle_are_an_error(api: Api, tokens: list[str]) -> None:
    error = api.refused(answers=[as_json({"skus": [T4], "nextPageToken": token}) for token in tokens])
    assert error.message == "Cloud Billing Catalog API: Compute Engine: the pages lead in a circle"
    assert len(api.server.requests) == len(tokens)


def test_pages_without_end_are_an_error(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gcp, "MAX_PAGES", 6)

    def further(request: Request) -> Reply:
        return as_json({"skus": [T4], "nextPageToken": f"{request.query.get('pageToken', '')}x"})

    assert "more than 6 pages" in api.refused(answers=[further]).message
    assert len(api.server.requests) == 6


@pytest.mark.parametrize(
    "page",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"items": [T4]}, id="another name for the skus"),
        pytest.param({"nextPageToken": "a"}, id="a token and no skus"),
    ],
)
def test_a_first_page_without_skus_is_an_error(api: Api, page: dict[str, Any]) -> None:
    assert "a page has no skus" in api.refused(answers=[as_json(page)]).message


def test_a_page_in_the_middle_without_skus_is_an_error(api: Api) -> None:
    pages = [{"skus": [T4], "nextPageToken": "a"}, {"nextPageToken": "b"}, {"skus": [T4]}]
    assert "a page has no skus" in api.refused(answers=[as_json(page) for page in pages]).message


def test_a_list_in_which_nothing_is_known_is_an_error_whatever_is_wanted(api: Api) -> None:
    other = sku("C4 Instance Core running in Americas", "0.034")
    assert "none of its SKUs is one that is known" in api.refused(other).message
    api.wanted = Wanted(("us-*",), ("spot",))
    assert "none of its SKUs is one that is known" in api.refused(other).message


# --- a changed API ---------------------------------------------------------------------------------------------------------


def changed(change: Callable[[Sku], Any]) -> Sku:
    made: Sku = json.loads(json.dumps(T4))
    change(made)
    return made


def expression(made: Sku) -> dict[str, Any]:
    found: dict[str, Any] = made["pricingInfo"][0]["pricingExpression"]
    return found


def unit_price(made: Sku) -> dict[str, Any]:
    found: dict[str, Any] = expression(made)["tieredRates"][0]["unitPrice"]
    return found


@pytest.mark.parametrize(
    ("change", "named"),
    [
        pytest.param(lambda made: made.pop("skuId"), "skuId", id="no skuId"),
        pytest.param(lambda made: made.pop("description"), "description", id="no description"),
        pytest.param(lambda made: made.update(description=None), "description", id="description null"),
        pytest.param(lambda made: made.pop("category"), "category", id="no category"),
        pytest.param(lambda made: made["category"].pop("usageType"), "usageType", id="no usageType"),
        pytest.param(lambda made: made["category"].pop("resourceGroup"), "resourceGroup", id="no resourceGroup"),
        pytest.param(lambda made: made.pop("serviceRegions"), "serviceRegions", id="no serviceRegions"),
        pytest.param(lambda made: made.update(serviceRegions="us-central1"), "serviceRegions", id="regions no list"),
        pytest.param(lambda made: made.pop("pricingInfo"), "pricingInfo", id="no pricingInfo"),
        pytest.param(lambda made: made.update(pricingInfo={}), "pricingInfo", id="pricingInfo no list"),
        pytest.param(lambda made: made["pricingInfo"][0].pop("effectiveTime"), "effectiveTime", id="no effectiveTime"),
        pytest.param(
            lambda made: made["pricingInfo"][0].update(effectiveTime="now"), "effectiveTime", id="time no time"
        ),
        pytest.param(
            lambda made: made["pricingInfo"][0].update(effectiveTime="0001-01-01T00:00:00"),
            "effectiveTime",
            id="time without zone",
        ),
        pytest.param(
            lambda made: made["pricingInfo"][0].pop("pricingExpression"), "pricingExpression", id="no pricingExpression"
        ),
        pytest.param(lambda made: expression(made).pop("usageUnit"), "usageUnit", id="no usageUnit"),
        pytest.param(lambda made: expression(made).pop("tieredRates"), "tieredRates", id="no tieredRates"),
        pytest.param(
            lambda made: expression(made)["tieredRates"][0].pop("unitPrice"), "unitPrice", id="a tier without unitPrice"
        ),
        pytest.param(lambda made: unit_price(made).pop("currencyCode"), "currencyCode", id="no currencyCode"),
        pytest.param(
            lambda made: (unit_price(made).pop("units"), unit_price(made).pop("nanos")),
            "neither units nor nanos",
            id="neither units nor nanos",
        ),
        pytest.param(lambda made: unit_price(made).update(units=0), "units", id="units a number"),
        pytest.param(lambda made: unit_price(made).update(units="0.35"), "units", id="units with a fraction"),
        pytest.param(lambda made: unit_price(made).update(units="1" * 30), "units", id="units beyond all measure"),
        pytest.param(lambda made: unit_price(made).update(nanos=350000000.5), "nanos", id="nanos with a fraction"),
        pytest.param(lambda made: unit_price(made).update(nanos="350000000"), "nanos", id="nanos as text"),
        pytest.param(lambda made: unit_price(made).update(nanos=10**9), "nanos", id="more nanos than a unit has"),
        pytest.param(lambda made: unit_price(made).update(nanos=10**4000), "nanos", id="nanos beyond all measure"),
        pytest.param(lambda made: unit_price(made).update(nanos=-1), "below zero", id="a price below zero"),
    ],
)
def test_a_sku_in_another_form_is_an_error_that_names_what_is_wrong(
    api: Api, change: Callable[[Sku], Any], named: str
) -> None:
    error = api.refused(T4, *A2, A100, changed(change))
    assert named in error.message
    assert "newer gpuguard" in error.hint


@pytest.mark.parametrize("name", ["name", "serviceProviderName", "geoTaxonomy"])
def test_a_field_that_is_not_read_may_be_gone(api: Api, name: str) -> None:
    assert on_demand(api.read(changed(lambda made: made.pop(name)))) == {"accelerator T4": "0.35"}


@pytest.mark.parametrize("name", ["units", "nanos"])
def test_a_zero_that_protobuf_leaves_out_of_json_is_a_zero(api: Api, name: str) -> None:
    whole = changed(lambda made: unit_price(made).update(units="3", nanos=500000000))
    unit_price(whole).pop(name)
    assert on_demand(api.read(whole)) == {"accelerator T4": {"units": "0.5", "nanos": "3"}[name]}


def test_the_form_of_prices_that_are_not_needed_does_not_matter(api: Api) -> None:
    other = sku("Network Internet Data Transfer Out from Americas to Africa", "0.12", group="PremiumInternetEgress")
    other["pricingInfo"] = [{"pricingExpression": None}]
    assert on_demand(api.read(other, T4)) == {"accelerator T4": "0.35"}


def test_names_from_outside_cannot_write_to_the_terminal(api: Api) -> None:
    bad = changed(lambda made: (made.update(skuId="\x1b[2J"), made.update(pricingInfo=[{}])))
    assert "\x1b" not in api.refused(bad).message
    odd = sku("Nvidia \x1b[2J GPU running in Iowa", "1", group="GPU", skuId="\x1b[2J", serviceRegions=[IOWA, "\x1b-a1"])
    found = api.read(odd, T4)
    assert len(notes(found)) == 1
    assert not any("\x1b" in note for note in found.notes)


# --- machines made of their parts ------------------------------------------------------------------------------------------


def test_machines_of_a2_come_to_the_prices_on_googles_page(api: Api) -> None:
    found = api.read(*A2, A100, A100_80, SSD)
    assert on_demand(found) == {
        "a2-highgpu-1g": "3.673385",
        "a2-megagpu-16g": "55.739504",
        "a2-ultragpu-1g": "5.068797890411",  # 5.06879789 on the page
        "a2-ultragpu-8g": "40.550383123288",
        "storage local-ssd": "0.08",
    }
    assert set(on_demand(found, "us-west1")) == {"a2-highgpu-1g", "a2-megagpu-16g", "storage local-ssd"}
    assert not notes(found)  # A100 with 80 GB is sold in fewer regions than A2 is


def test_machines_of_g2_and_g4_come_to_the_prices_on_googles_page(api: Api) -> None:
    found = api.read(*G2, L4, *G4)
    assert on_demand(found) == {
        "g2-standard-4": "0.706832",
        "g2-standard-96": "8.003328",  # 8.00333 on the page, from a GPU of 0.5600402
        "g4-standard-48": "4.49993",
        "g4-standard-384": "35.99944",
    }


def test_machines_of_a4_are_so_many_slices_in_every_purchase_model(api: Api) -> None:
    b200 = "A4 Nvidia B200 (1 gpu slice)"
    found = api.read(
        sku(f"{b200} running in Americas", "16.11"),
        sku(f"Spot Preemptible {b200} running in Americas", "4.9542"),  # the API calls this usage OnDemand
        sku(f"Commitment v1: {b200} in Americas for 1 Year", "11.1159", usage="Commit1Yr"),
        sku(f"Commitment v1: {b200} in Americas for 3 Years", "7.0884", usage="Commit3Yr"),
        sku(f"DWS Defined Duration {b200} running in Americas", "8.055"),
        sku(f"Reserved {b200} in Americas in Calendar Mode", "11.277"),
    )
    assert told(found) == {
        ("a4-highgpu-8g", "on_demand", ""): "128.88",
        ("a4-highgpu-8g", "spot", ""): "39.6336",
        ("a4-highgpu-8g", "committed_use", "1y"): "88.9272",
        ("a4-highgpu-8g", "committed_use", "3y"): "56.7072",
        ("a4-highgpu-8g", "flex_start", ""): "64.44",
        ("a4-highgpu-8g", "capacity_block", ""): "90.216",
    }
    assert not notes(found)


def test_flex_start_machines_of_a3_are_made_of_flex_start_parts_with_their_local_ssd(api: Api) -> None:
    found = api.read(
        sku("Nvidia H100 80GB GPU attached to DWS Defined Duration VMs running in Americas", "4.200761"),
        sku("DWS Defined Duration A3 Core running in Americas", "0.010934"),
        sku("DWS Defined Duration A3 Ram running in Americas", "0.000952"),
        sku("DWS Defined Duration SSD backed Local Storage running in Americas", "0.08"),
    )
    assert told(found) == {("a3-highgpu-8g", "flex_start", ""): "38.320038246575"}
    (price,) = found.prices
    assert round(price.usd, 6) == Decimal("38.320038")


def test_machines_of_a3_mega_and_ultra_have_skus_of_their_own(api: Api) -> None:
    found = api.read(
        sku("A3Plus Instance Core running in Americas", "0.026924"),
        sku("A3Plus Instance Ram running in Americas", "0.002344"),
        sku("Nvidia H100 80GB Plus GPU running in Americas", "10.344275712"),
        sku("A3Ultra Instance Core running in Americas", "0.02"),  # this and the next are invented
        sku("A3Ultra Instance Ram running in Americas", "0.002"),
        sku("H200 141GB GPU running in Americas", "9.31174"),
        sku("A3 Instance Core running in Americas", "99"),
        sku("A3 Instance Ram running in Americas", "99"),
        SSD,
    )
    assert on_demand(found) == {
        "a3-megagpu-8g": "93.399899942575",
        "a3-ultragpu-8g": "86.192988493151",
        "a3-ultragpu-8g-nolssd": "84.87792",
        "storage local-ssd": "0.08",
    }
    assert notes(found) == ["A3 (on demand): vCPUs, but no accelerator that is known in us-central1"]


@pytest.mark.parametrize(
    "name",
    ["Nvidia H100 80GB Mega GPU", "Nvidia H100 Mega 80GB GPU", "Nvidia H100 80GB Plus GPU"],
)
def test_the_gpu_of_a3_mega_is_known_by_all_its_names(api: Api, name: str) -> None:
    other = (
        sku("Spot Preemptible A3Plus Instance Core running in Tokyo", "0.01"),
        sku("Spot Preemptible A3Plus Instance Ram running in Tokyo", "0.002102"),
        sku("SSD backed Local Storage attached to Spot Preemptible VMs in Tokyo", "0.04"),
    )
    gpu = sku(f"{name} attached to Spot Preemptible VMs running in Tokyo", "9.27246", usage="Preemptible")
    spot = [{**each, "category": {**each["category"], "usageType": "Preemptible"}} for each in other]
    found = api.read(gpu, *spot)
    assert told(found) == {
        ("a3-megagpu-8g", "spot", ""): "80.523391123288",
        ("storage local-ssd", "spot", ""): "0.04",
    }


def test_part_of_an_rtx_pro_6000_is_sold_in_eighths_that_cover_the_whole_machine(api: Api) -> None:
    eighth = "1/8 vGPU no lssd"
    found = api.read(
        *G4,
        sku(f"{eighth} running in Iowa", "0.64688"),
        sku(f"{eighth} attached to DWS Defined Duration VMs running in Iowa", "0.32344"),
        sku(
            f"{eighth} attached to Spot Preemptible VMs running in Frankfurt",
            "0.3105",
            ("europe-west3",),
            "Preemptible",
        ),
    )
    assert on_demand(found)["g4-standard-6"] == "0.64688"
    assert on_demand(found)["g4-standard-24"] == "2.58752"
    assert told(found)["g4-standard-6", "flex_start", ""] == "0.32344"
    assert told(found, "europe-west3")["g4-standard-6", "spot", ""] == "0.3105"


def test_commitments_are_told_by_usage_type_and_term(api: Api) -> None:
    found = api.read(
        sku("Commitment v1: A2 Cpu in Americas for 1 Year", "0.019915", usage="Commit1Yr"),
        sku("Commitment v1: A2 Ram in Americas for 1 Year", "0.002669", usage="Commit1Yr"),
        sku("Commitment v1: Nvidia Tesla A100 GPU running in Americas for 1 Year", "1.848362", usage="Commit1Yr"),
        sku("Commitment v1: Local SSD In Iowa for 1 Year", "0.0504", usage="Commit1Yr"),
        sku("Commitment v1: Local SSD In Iowa for 3 Years", "0.036", usage="Commit3Yr"),
        sku("Commitment v1: Cpu in Americas for 3 Years", "0.014225", usage="Commit3Yr"),
        sku("Commitment v1: Ram in Americas for 3 Year", "0.001907", usage="Commit3Yr"),
        sku("G2 Cpu in Mumbai for 1 Year", "0.02", usage="Commit1Yr"),
    )
    assert told(found) == {
        ("a2-highgpu-1g", "committed_use", "1y"): "2.314207",  # as Google's calculator has it
        ("a2-megagpu-16g", "committed_use", "1y"): "35.115472",
        ("storage local-ssd", "committed_use", "1y"): "0.0504",
        ("storage local-ssd", "committed_use", "3y"): "0.036",
        ("vcpu n1", "committed_use", "3y"): "0.014225",
        ("vcpu n1-custom", "committed_use", "3y"): "0.014225",
        ("memory n1", "committed_use", "3y"): "0.001907",
        ("memory n1-custom", "committed_use", "3y"): "0.001907",
    }
    assert notes(found) == ["G2 (committed use 1y): vCPUs, but no accelerator that is known in us-central1"]


def test_prices_are_exact_to_the_last_nano(api: Api) -> None:
    found = api.read(
        sku("G2 Instance Core running in Americas", "0.000000001"),
        sku("G2 Instance Ram running in Americas", "0.000000003"),
        sku("Nvidia L4 GPU running in Americas", "999999999.999999999"),
    )
    assert on_demand(found) == {"g2-standard-4": "1000000000.000000051", "g2-standard-96": "8000000000.00000124"}


def test_memory_by_the_decimal_gigabyte_is_dearer_by_the_gibibyte(api: Api) -> None:
    ram = sku("G2 Instance Ram running in Americas", "0.0029275", unit="GBy.h")
    found = api.read(G2[0], ram, L4)
    assert on_demand(found)["g2-standard-4"] == "0.71028606703616"  # 16 x 0.0029275 x 1.073741824 in place of 0.04684


@pytest.mark.parametrize(
    ("left_out", "lacking"),
    [
        pytest.param(A2[0], "no A2 vCPU", id="vCPUs"),
        pytest.param(A2[1], "no A2 memory", id="memory"),
        pytest.param(SSD, "no local SSD", id="bundled local SSD"),
    ],
)
def test_a_machine_without_one_of_its_parts_is_noted_and_has_no_price(api: Api, left_out: Sku, lacking: str) -> None:
    found = api.read(*(each for each in (*A2, A100_80, SSD, T4) if each is not left_out))
    assert not any(name.startswith("a2-") for name in on_demand(found))
    assert notes(found) == [
        f"a2-ultragpu-* (on demand): {lacking} in us-central1: not priced there",
        *(
            ["A2 (on demand): vCPUs, but no accelerator that is known in us-east1, us-west1"]
            if left_out != A2[0]
            else []
        ),
    ]


def test_a_part_that_lacks_in_one_region_costs_only_that_region_its_price(api: Api) -> None:
    regions = ("asia-east1", "asia-east2", "europe-west1", "europe-west2", "europe-west3", "europe-west4", IOWA)
    gpu = sku("Nvidia L4 GPU running in EMEA", "0.6", regions)
    found = api.read(*G2, gpu)
    assert {price.region for price in found.prices} == {IOWA}
    assert notes(found) == [
        "g2-standard-* (on demand): no G2 vCPU and no G2 memory in asia-east1, asia-east2, europe-west1, europe-west2,"
        " europe-west3 and 1 more: not priced there"
    ]


def test_parts_of_one_purchase_model_never_stand_in_for_those_of_another(api: Api) -> None:
    spot = sku("Nvidia L4 GPU attached to Spot Preemptible VMs running in Americas", "0.3148", usage="Preemptible")
    found = api.read(*G2, spot)
    assert not found.prices
    assert notes(found) == [
        "G2 (on demand): vCPUs, but no accelerator that is known in us-central1",
        "g2-standard-* (spot): no G2 vCPU and no G2 memory in us-central1: not priced there",
    ]


def test_a_machine_too_little_of_which_is_known_is_noted_and_not_made(api: Api) -> None:
    api.machines = (
        MachineFacts("a2-ultragpu-1g", "a2", 12, 170, "A100-80GB", 1, None),
        MachineFacts("a2-highgpu-1g", "a2", None, 85, "A100-40GB", 1, None),
        MachineFacts("a4-highgpu-8g", "a4", 224, 3968, "B200", 0, None),
    )
    found = api.read(*A2, A100, A100_80, SSD)
    assert set(on_demand(found)) == {"storage local-ssd"}
    assert found.notes == (
        "not priced, for what they are billed for is not known: a2-highgpu-1g, a2-ultragpu-1g, a4-highgpu-8g",
    )


# --- parts that are rows of their own ------------------------------------------------------------------------------------


def test_n1_has_prices_of_vcpus_memory_and_accelerators(api: Api) -> None:
    found = api.read(
        sku("N1 Predefined Instance Core running in Americas", "0.031611", US, group="N1Standard"),
        sku("N1 Predefined Instance Ram running in Americas", "0.004237", US, group="N1Standard", unit="GiBy.h"),
        sku("Custom Instance Core running in Americas", "0.033174"),
        sku("Custom Instance Ram running in Americas", "0.00444"),
        sku("Spot Preemptible N1 Predefined Instance Core running in Americas", "0.01115", usage="Preemptible"),
        T4,
        sku("Nvidia Tesla T4 GPU attached to Spot Preemptible VMs running in Americas", "0.2095", usage="Preemptible"),
        sku("Nvidia Tesla T4 GPU attached to DWS Defined Duration VMs running in Americas", "0.35"),
        sku("Commitment v1: Nvidia Tesla P100 GPU running in Americas for 1 Year", "0.919", usage="Commit1Yr"),
        sku("Nvidia Tesla P4 GPU running in Americas", "0.6"),
        sku("Nvidia Tesla V100 GPU running in Americas", "2.48"),
        sku("Nvidia Tesla K80 GPU running in Americas", "0.45"),
    )
    assert told(found) == {
        ("vcpu n1", "on_demand", ""): "0.031611",
        ("memory n1", "on_demand", ""): "0.004237",
        ("vcpu n1-custom", "on_demand", ""): "0.033174",
        ("memory n1-custom", "on_demand", ""): "0.00444",
        ("vcpu n1", "spot", ""): "0.01115",
        ("accelerator T4", "on_demand", ""): "0.35",
        ("accelerator T4", "spot", ""): "0.2095",
        ("accelerator T4", "flex_start", ""): "0.35",
        ("accelerator P100", "committed_use", "1y"): "0.919",
        ("accelerator P4", "on_demand", ""): "0.6",
        ("accelerator V100-16GB", "on_demand", ""): "2.48",
    }
    assert not notes(found)  # the K80 was withdrawn


def test_tpus_have_the_price_of_a_chip(api: Api) -> None:
    found = api.read(
        sku("TpuV5e running in Delhi", "1.44132"),
        sku("TpuV5p running in Sao Paulo", "6.430995"),
        sku("TpuV6e running in Dallas", "2.7"),
        sku("TPU7x running in Americas", "12", US),
        sku("Reserved TpuV5p in Delhi in Calendar Mode", "2.94"),
        sku("Reserved V5e TPU in Seoul in Calendar Mode", "0.84"),
        sku("TpuV5e attached to Spot Preemptible VMs running in Singapore", "0.78", usage="Preemptible"),
        sku("Commitment v1: TpuV5p running in Netherlands for 3 Years", "1.911", usage="Commit3Yr"),
        sku("DWS Defined Duration TpuV6e running in Columbus", "1.35"),
    )
    assert told(found) == {
        ("accelerator TPU-v5e", "on_demand", ""): "1.44132",
        ("accelerator TPU-v5e", "spot", ""): "0.78",
        ("accelerator TPU-v5e", "capacity_block", ""): "0.84",
        ("accelerator TPU-v5p", "on_demand", ""): "6.430995",
        ("accelerator TPU-v5p", "capacity_block", ""): "2.94",
        ("accelerator TPU-v5p", "committed_use", "3y"): "1.911",
        ("accelerator TPU-v6e", "on_demand", ""): "2.7",
        ("accelerator TPU-v6e", "flex_start", ""): "1.35",
        ("accelerator TPU-v7x", "on_demand", ""): "12",
    }
    assert not notes(found)


def test_disks_are_priced_by_capacity_operations_and_throughput(api: Api) -> None:
    found = api.read(
        disk("Storage PD Capacity", "0.04"),
        disk("SSD backed PD Capacity", "0.17"),
        disk("Balanced PD Capacity", "0.1"),
        disk("Extreme PD Capacity in Iowa", "0.125"),
        disk("Extreme PD IOPS in Iowa", "0.065", "mo"),
        disk("Regional Storage PD Capacity in Iowa", "0.08"),
        disk("Regional SSD backed PD Capacity in Iowa", "0.34"),
        disk("Regional Balanced PD Capacity in Iowa", "0.2"),
        disk("Hyperdisk Balanced Capacity in Iowa", "0.08"),
        disk("Hyperdisk Balanced IOPS in Iowa", "0.005", "mo"),
        disk("Hyperdisk Balanced Throughput in Iowa", "0.04", "mo"),
        disk("Hyperdisk Extreme Capacity in Iowa", "0.125"),
        disk("Hyperdisk Extreme IOPS in Iowa", "0.032", "mo"),
        disk("Hyperdisk Throughput Throughput Capacity in Iowa", "0.25", "mo"),
        disk("Cloud SQL for MySQL: Zonal - Enterprise Storage Hyperdisk Balanced Capacity in Iowa", "0.5"),
        sku("SSD backed Local Storage in Iowa", "0.08", unit="GiBy.mo"),
        sku("C4 Instance Local SSD running in Americas", "0.16"),
    )
    assert on_demand(found) == {
        "storage pd-standard": "0.04",
        "storage pd-ssd": "0.17",
        "storage pd-balanced": "0.1",
        "storage pd-extreme": "0.125",
        "iops pd-extreme": "0.065",
        "storage pd-standard-regional": "0.08",
        "storage pd-ssd-regional": "0.34",
        "storage pd-balanced-regional": "0.2",
        "storage hyperdisk-balanced": "0.08",
        "iops hyperdisk-balanced": "0.005",
        "throughput hyperdisk-balanced": "0.04",
        "storage hyperdisk-extreme": "0.125",
        "iops hyperdisk-extreme": "0.032",
        "throughput hyperdisk-throughput": "0.25",
        "storage local-ssd": "0.08",
    }
    units = {price.kind: price.unit for price in found.prices}
    assert units == {"storage": "GiB-month", "iops": "IOPS-month", "throughput": "MiBps-month"}


def test_local_ssd_listed_by_the_hour_is_the_same_month_of_730_hours(api: Api) -> None:
    found = api.read(sku("SSD backed Local Storage", "0.0001096", unit="GiBy.h"))
    assert on_demand(found) == {"storage local-ssd": "0.080008"}


def test_the_virtual_workstation_licence_holds_everywhere(api: Api) -> None:
    name = "Licensing Fee for NVIDIA Quadro Virtual Workstation (GPU cost)"
    found = api.read(sku(name, "0.2", ["global"], group="Google"), T4, A100)
    assert FetchedPrice("license", "rtx-vws", "*", "hour", Decimal("0.2")) in found.prices
    assert [price.kind for price in found.prices if price.region == "*"] == ["license"]
    api.wanted = Wanted(("us-*",))
    assert "license" not in {price.kind for price in api.read().prices}


# --- which SKUs count ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "description",
    [
        "Reserved Nvidia Tesla T4 GPU in Iowa",
        "Reserved A2 Ram in Netherlands",
        "Nvidia Tesla T4 GPU attached to Sole Tenancy VMs running in Americas",
        "G2 Custom Instance Core running in Americas",
        "Sole Tenancy Premium for G2 Sole Tenancy Instance Core running in Americas",
        "Custom Extended Instance Ram running in Americas",
        "N2 Instance Core running in Americas",
        "Small Instance with 1 VCPU running in Americas",
        "Storage PD Snapshot in Iowa",
    ],
)
def test_what_is_no_price_of_the_catalogs_is_left_out_silently(api: Api, description: str) -> None:
    found = api.read(T4, sku(description, "7.77", group="GPU" if "GPU" in description else "CPU"))
    assert told(found) == {("accelerator T4", "on_demand", ""): "0.35"}
    assert not notes(found)


@pytest.mark.parametrize(
    ("description", "usage", "group", "note"),
    [
        pytest.param(
            "Nvidia B300 288GB GPU running in Iowa",
            "OnDemand",
            "GPU",
            "'b300 288gb gpu' (on demand) is not known in us-central1 (SKU '0000-0000-0001')",
            id="an unknown GPU",
        ),
        pytest.param(
            "TpuV9 attached to Spot Preemptible VMs running in Iowa",
            "Preemptible",
            "TPU",
            "'tpuv9' (spot) is not known in us-central1 (SKU '0000-0000-0001')",
            id="an unknown TPU",
        ),
        pytest.param(
            "A5 Instance Core running in Iowa",
            "OnDemand",
            "CPU",
            "'a5 instance core' (on demand) is not known in us-central1 (SKU '0000-0000-0001')",
            id="vCPUs of an unknown accelerator-optimised series",
        ),
        pytest.param(
            "Nvidia L4 GPU attached to Confidential VMs running in Iowa",
            "OnDemand",
            "GPU",
            "'l4 gpu' is attached to 'confidential' in us-central1 (SKU '0000-0000-0001')",
            id="a GPU attached to something unknown",
        ),
        pytest.param(
            "Commitment v1: Nvidia Tesla T4 GPU running in Iowa for 5 Years",
            "Commit",
            "GPU",
            "'t4 gpu' is of the usage type 'Commit' and described otherwise in us-central1 (SKU '0000-0000-0001')",
            id="a commitment of five years",
        ),
        pytest.param(
            "Commitment v1: Nvidia Tesla T4 GPU running in Iowa for 3 Years",
            "Commit1Yr",
            "GPU",
            "'t4 gpu' is of the usage type 'Commit1Yr' and described otherwise in us-central1 (SKU '0000-0000-0001')",
            id="a commitment whose term is not that of its usage type",
        ),
        pytest.param(
            "Commitment v1: Nvidia Tesla T4 GPU running in Iowa for 1 Year",
            "OnDemand",
            "GPU",
            "'t4 gpu' is of the usage type 'OnDemand' and described otherwise in us-central1 (SKU '0000-0000-0001')",
            id="a commitment that is called on demand",
        ),
        pytest.param(
            "Spot Preemptible Nvidia Tesla T4 GPU attached to DWS Defined Duration VMs running in Iowa",
            "OnDemand",
            "GPU",
            "'t4 gpu' is bought in two ways at once ('OnDemand') in us-central1 (SKU '0000-0000-0001')",
            id="spot and flex-start at once",
        ),
        pytest.param(
            "DWS Defined Duration Nvidia Tesla T4 GPU running in Iowa",
            "Preemptible",
            "GPU",
            "'t4 gpu' is bought in two ways at once ('Preemptible') in us-central1 (SKU '0000-0000-0001')",
            id="flex-start that is called preemptible",
        ),
    ],
)
def test_what_is_not_understood_of_accelerated_machines_is_noted_with_its_sku(
    api: Api, description: str, usage: str, group: str, note: str
) -> None:
    found = api.read(
        T4, sku(description, "7.77", usage=usage, group=group), sku(description, "7.78", usage=usage, group=group)
    )
    assert told(found) == {("accelerator T4", "on_demand", ""): "0.35"}
    assert notes(found) == [note]


def test_a_price_in_another_currency_or_unit_is_noted_and_not_taken(api: Api) -> None:
    euros = changed(lambda made: unit_price(made).update(currencyCode="EUR"))
    minutes = sku("Nvidia Tesla P4 GPU running in Iowa", "0.01", unit="min")
    found = api.read(euros, minutes, sku("Nvidia Tesla V100 GPU running in Iowa", "2.48"))
    assert on_demand(found) == {"accelerator V100-16GB": "2.48"}
    assert notes(found) == [
        "T4 GPU: a price in 'EUR' instead of USD in us-central1, us-east1, us-west1 (SKU '0000-0000-0001')",
        "P4 GPU (on demand) is priced per 'min' in us-central1 (SKU '0000-0000-0001')",
    ]


def test_a_sku_listed_at_zero_is_a_placeholder_and_never_makes_a_machine_cheap(api: Api) -> None:
    found = api.read(
        *G2,
        sku("Nvidia L4 GPU running in Americas", "0"),
        sku("Reserved V5e TPU in Seoul in Calendar Mode", "0", ("asia-northeast3",)),
        sku("Commitment v1: Nvidia Tesla V100 GPU running in Seoul for 1 Year", "0", ("asia-northeast3",), "Commit1Yr"),
        T4,
    )
    assert {price.sku for price in found.prices} == {"T4"}
    assert notes(found) == [
        "L4 GPU (on demand) is listed at zero in us-central1 (SKU '0000-0000-0001'): taken as not sold there",
        "TPU v5e chip (capacity block) is listed at zero in asia-northeast3 (SKU '0000-0000-0001'):"
        " taken as not sold there",
        "V100 GPU (committed use 1y) is listed at zero in asia-northeast3 (SKU '0000-0000-0001'):"
        " taken as not sold there",
        "G2 (on demand): vCPUs, but no accelerator that is known in us-central1",
    ]


def test_of_several_tiers_the_first_that_costs_something_counts(api: Api) -> None:
    tiers = [pricing((0, "0"), (30, "0.04"), (1000, "0.03"), unit="GiBy.mo")]
    found = api.read(disk("Storage PD Capacity", "0", pricingInfo=tiers))
    assert on_demand(found) == {"storage pd-standard": "0.04"}
    assert not notes(found)


def test_of_several_effective_times_the_one_in_force_counts(api: Api) -> None:
    timeline = [
        pricing((0, "0.3"), since="2026-11-20T00:00:00.123456789Z"),
        pricing((0, "0.4"), since="2026-11-01T08:00:00+02:00"),
        pricing((0, "0.5"), since="2026-11-21T00:00:00Z"),
    ]
    assert on_demand(api.read({**T4, "pricingInfo": timeline})) == {"accelerator T4": "0.3"}
    assert on_demand(api.read({**T4, "pricingInfo": timeline[1:]})) == {"accelerator T4": "0.4"}
    later = api.read({**T4, "pricingInfo": timeline[2:]})
    assert not later.prices
    assert notes(later) == [
        "T4 GPU: a price that begins on 2026-11-21 in us-central1, us-east1, us-west1 (SKU '0000-0000-0001')"
    ]


def test_a_sku_without_prices_is_noted(api: Api) -> None:
    found = api.read({**T4, "pricingInfo": []}, sku("Nvidia Tesla P4 GPU running in Iowa", "0.6"))
    assert on_demand(found) == {"accelerator P4": "0.6"}
    assert notes(found) == ["T4 GPU: a SKU without a price in us-central1, us-east1, us-west1 (SKU '0000-0000-0001')"]


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_skus_for_one_thing_the_dearer_is_taken_and_noted(api: Api, order: int) -> None:
    both = [
        sku("Nvidia L4 GPU running in Virginia", "0.63", ("us-east4",), skuId="AAAA"),
        sku("Nvidia L4 GPU running in Northern Virginia", "0.64", ("us-east4", IOWA), skuId="AAAA"),
    ]
    parts = [{**each, "serviceRegions": ["us-east4"]} for each in G2]
    found = api.read(*parts, *both[::order])
    assert on_demand(found, "us-east4")["g2-standard-4"] == "0.786792"
    assert "L4 GPU (on demand) has several prices in us-east4 (SKU 'AAAA'): the dearest is taken" in found.notes


def test_the_same_price_twice_is_nothing_to_note(api: Api) -> None:
    found = api.read(T4, T4)
    assert on_demand(found) == {"accelerator T4": "0.35"}
    assert not notes(found)


def test_multi_regions_and_what_is_no_region_are_left_out(api: Api) -> None:
    found = api.read({**T4, "serviceRegions": ["us", "europe", "global", "nam-eur-asia", "us-west8", IOWA]})
    assert {price.region for price in found.prices} == {IOWA, "us-west8"}
    assert not notes(found)


def test_the_notes_are_no_more_than_fifty(api: Api) -> None:
    unknown = [sku(f"Nvidia X{number} GPU running in Iowa", "1") for number in range(80)]
    found = api.read(T4, *unknown)
    assert len(found.notes) == 50
    assert found.notes[0].startswith("'x0 gpu' (on demand) is not known")
    assert found.notes[-1] == "and 32 more"


def test_a_description_without_end_is_looked_at_only_at_its_beginning(api: Api) -> None:
    found = api.read(T4, sku("Nvidia Tesla T4 GPU in " + " in attached to for 1 year" * 40_000, "9", group="GPU"))
    assert on_demand(found) == {"accelerator T4": "9"}  # as described, it is another SKU of the same GPU
    assert len(notes(found)) == 1


# --- what is wanted ------------------------------------------------------------------------------------------------------


def everything() -> list[Sku]:
    spot = [
        sku("Spot Preemptible G2 Instance Core running in Americas", "0.01", US, "Preemptible"),
        sku("Spot Preemptible G2 Instance Ram running in Americas", "0.001", US, "Preemptible"),
        sku("Nvidia L4 GPU attached to Spot Preemptible VMs running in Americas", "0.3", US, "Preemptible"),
    ]
    new = {**T4, "serviceRegions": [*US, "us-west8", "europe-west4"]}
    return [*G2, L4, *spot, new, disk("Balanced PD Capacity", "0.1")]


def test_the_scopes_name_what_can_be_priced_and_nothing_else(api: Api) -> None:
    (part,) = api.parts()
    assert part.name == "gcp-compute/skus"
    assert not api.server.requests  # the list of parts needs no network
    scopes = set(part.scopes)
    assert len(scopes) == len(part.scopes)
    assert {scope.regions for scope in scopes} == {()}
    assert {scope.sku for scope in scopes if scope.kind == "machine"} == {
        machine.sku for machine in MACHINES if not machine.sku.startswith(("a3-edge", "a4x-", "ct5lp-", "tpu7x-"))
    }
    assert {scope.purchase_model for scope in scopes if scope.kind == "machine"} == {
        "on_demand",
        "spot",
        "committed_use",
        "flex_start",
        "capacity_block",
    }
    assert {scope.sku for scope in scopes if scope.kind == "accelerator" and scope.purchase_model == "on_demand"} == {
        "T4",
        "P4",
        "P100",
        "V100-16GB",
        "TPU-v5e",
        "TPU-v5p",
        "TPU-v6e",
        "TPU-v7x",
    }
    assert Scope("gcp", "storage", "spot", (), "local-ssd") in scopes
    assert Scope("gcp", "storage", "spot", (), "pd-ssd") not in scopes
    assert Scope("gcp", "license", "on_demand", (), "rtx-vws") in scopes
    for kind, name in (
        ("accelerator", "K80"),
        ("accelerator", "TPU-v4"),
        ("storage", "gcs-standard"),
        ("license", "per-vcpu"),
    ):
        assert not any(scope.holds("gcp", kind, name, IOWA, "on_demand") for scope in scopes), name


def test_only_regions_that_are_wanted_become_scopes_and_rows(api: Api) -> None:
    api.wanted = Wanted(("us-*",))
    (part,) = api.parts()
    assert {scope.regions for scope in part.scopes} == {("us-central1", "us-east1", "us-west1")}
    found = api.read(*everything())
    assert {price.region for price in found.prices} == set(US)  # us-west8 is new: no scope can name it yet
    api.wanted = Wanted(("mars-*",))
    assert not api.parts()


def test_only_purchase_models_that_are_wanted_become_scopes_and_rows(api: Api) -> None:
    api.wanted = Wanted((), ("spot", "capacity_block"))
    (part,) = api.parts()
    assert {scope.purchase_model for scope in part.scopes} == {"spot", "capacity_block"}
    found = api.read(*everything())
    assert told(found) == {("g2-standard-4", "spot", ""): "0.356", ("g2-standard-96", "spot", ""): "3.744"}
    assert not notes(found)
    api.wanted = Wanted((), ("reserved",))
    assert not api.parts()


def test_a_region_new_to_the_catalog_is_kept_when_all_are_wanted(api: Api) -> None:
    assert on_demand(api.read(*everything()), "us-west8") == {"accelerator T4": "0.35"}


# --- how much memory it takes ------------------------------------------------------------------------------------------------


def test_no_more_than_a_page_is_held_in_memory(api: Api) -> None:
    other = [sku(f"N2 Instance Core running in place {number}", "0.03", skuId=f"{number}") for number in range(1000)]
    body = json.dumps({"skus": [*other, T4]})[:-1]
    pages = 30

    def page(request: Request) -> Reply:
        number = int(request.query.get("pageToken", "0")) + 1
        token = str(number) if number < pages else ""
        return Reply(f'{body}, "nextPageToken": "{token}"}}'.encode())

    tracemalloc.start()
    try:
        found = api.read(answers=[page])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert on_demand(found) == {"accelerator T4": "0.35"}
    assert len(api.server.requests) == pages
    assert peak < 10 * len(body) < pages * len(body) / 2
