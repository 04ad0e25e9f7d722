"""Azure Retail Prices against a real server that answers in the documented form, well or badly."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpuguard.errors import ServiceError
from gpuguard.price.names import accelerated_name
from gpuguard.price.schema import KINDS, OPERATING_SYSTEMS, PAYMENTS, PURCHASE_MODELS, TERMS
from gpuguard.price.sources import azure
from gpuguard.price.sources.base import Context, FetchedPrice, FetchedType, Found, MachineFacts, Part, Wanted
from gpuguard.price.sources.http import Http, same_origin
from tests.price.sources.servers import Answer, Reply, Request, Server, as_json

PATH = "/api/retail/prices"
TODAY = "2026-11-20"

Row = dict[str, Any]


class Known:
    """A catalog of a few machines and two regions."""

    SPELLINGS = ("Standard_NC4as_T4_v3", "Standard_NC24ads_A100_v4", "Standard_ND96isr_H100_v5")

    def accelerated(self, cloud: str, sku: str) -> bool:
        return accelerated_name(cloud, sku)

    def spelling(self, cloud: str, sku: str) -> str:
        return {name.lower(): name for name in self.SPELLINGS}.get(sku.lower(), sku)

    def regions(self, cloud: str) -> tuple[str, ...]:
        return ("westeurope", "eastus")

    def accelerator(self, name: str) -> str | None:
        return None

    def machine(self, cloud: str, sku: str) -> MachineFacts | None:
        return MachineFacts(sku, "", 4, 28, "T4", 1, None) if sku in self.SPELLINGS else None

    def machines(self, cloud: str) -> tuple[MachineFacts, ...]:
        return ()


def machine(**fields: Any) -> Row:
    """A row of a virtual machine with all fields the API gives: on demand, Linux."""
    return {
        "currencyCode": "USD",
        "tierMinimumUnits": 0.0,
        "retailPrice": 0.526,
        "unitPrice": 0.526,
        "armRegionName": "eastus",
        "location": "US East",
        "effectiveStartDate": "2019-11-01T00:00:00Z",
        "meterId": "00000000-0000-0000-0000-000000000001",
        "meterName": "NC4as T4 v3",
        "productId": "DZH318Z0D5M7",
        "skuId": "DZH318Z0D5M7/0001",
        "productName": "Virtual Machines NCasT4 v3 Series",
        "skuName": "NC4as T4 v3",
        "serviceName": "Virtual Machines",
        "serviceId": "DZH313Z7MMC8",
        "serviceFamily": "Compute",
        "unitOfMeasure": "1 Hour",
        "type": "Consumption",
        "isPrimaryMeterRegion": True,
        "armSkuName": "Standard_NC4as_T4_v3",
    } | fields


def spot(**fields: Any) -> Row:
    name = "NC4as T4 v3 Spot"
    return machine(skuName=name, meterName=name, skuId="DZH318Z0D5M7/0002", retailPrice=0.0964) | fields


def reservation(term: str | None = "1 Year", **fields: Any) -> Row:
    row = machine(type="Reservation", skuId="DZH318Z0D5M7/00F1", retailPrice=2943.0)
    return row | ({"reservationTerm": term} if term else {}) | fields


def windows(**fields: Any) -> Row:
    name = "Virtual Machines NCasT4 v3 Series Windows"
    return machine(productName=name, skuId="DZH318Z0D5M8/0001", meterId="w", retailPrice=0.71) | fields


def plans(*prices: tuple[str, float]) -> list[Row]:
    return [{"unitPrice": price, "retailPrice": price, "term": term} for term, price in prices]


def disk(sku: str = "P10 LRS", meter: str = "", product: str = "Premium SSD Managed Disks", **fields: Any) -> Row:
    """A row of a managed disk."""
    row = machine(
        serviceName="Storage",
        serviceFamily="Storage",
        productName=product,
        skuName=sku,
        meterName=meter or f"{sku} Disk",
        skuId=f"{product}/{sku}",
        meterId=f"{sku} {meter}",
        unitOfMeasure="1/Month",
        armSkuName="",
        retailPrice=19.71,
    )
    return row | fields


def provisioned(product: str, sku: str, meter: str, price: Any, unit: str, **fields: Any) -> Row:
    return disk(sku, f"{sku} {meter}", product, retailPrice=price, unitOfMeasure=unit, **fields)


def envelope(rows: Sequence[Row], link: str | None = None, **fields: Any) -> Row:
    return {
        "BillingCurrency": "USD",
        "CustomerEntityId": "Default",
        "CustomerEntityType": "Retail",
        "Items": list(rows),
        "NextPageLink": link,
        "Count": len(rows),
        **fields,
    }


@dataclass
class Api:
    """The API on loopback, and what the tests need to ask it."""

    server: Server
    rows: list[Row] = field(default_factory=list)
    size: int = 1000
    waits: list[float] = field(default_factory=list)
    wanted: Wanted = field(default_factory=Wanted)

    def page(self, request: Request) -> Reply:
        """The rows from `$skip` on, with the link to the next page in the real API's form."""
        start = int(request.query.get("$skip", "0"))
        here, rest = self.rows[start : start + self.size], self.rows[start + self.size :]
        asked = quote(request.query["$filter"])
        link = f"{self.server.url}{PATH}?api-version={azure.API_VERSION}&$filter={asked}&$skip={start + self.size}"
        return as_json(envelope(here, link if rest else None))

    def context(self, http: Http) -> Context:
        return Context(http, self.server.url + PATH, self.wanted, Known(), {}, TODAY)

    def parts(self, source: int = 0) -> list[Part]:
        with Http() as http:
            return list(azure.SOURCES[source].parts(self.context(http)))

    def read(self, *rows: Row, answers: Sequence[Answer] = (), region: str = "eastus", source: int = 0) -> Found:
        """Read the part of a region; the API answers by `answers`, or from `rows`."""
        self.rows = list(rows) or self.rows
        self.server.on(PATH, *(answers or [self.page]))
        with Http(timeout=5, attempts=3, sleep=self.waits.append) as http:
            context = self.context(http)
            (part,) = (each for each in azure.SOURCES[source].parts(context) if each.name.endswith(f"/{region}"))
            found = part.read(context, None)
        for price in found.prices:
            assert any(
                scope.holds("azure", price.kind, price.sku, price.region, price.purchase_model) for scope in part.scopes
            ), f"{price} is in no scope of its part"
            assert price.unit in KINDS[price.kind]
            assert price.purchase_model in PURCHASE_MODELS
            assert price.os in OPERATING_SYSTEMS
            assert price.term in TERMS
            assert price.payment in PAYMENTS
        return found

    def disks(self, *rows: Row) -> Found:
        return self.read(*rows, source=1)

    def refused(self, *rows: Row, **how: Any) -> str:
        """What the error says that reading ends in."""
        with pytest.raises(ServiceError) as caught:
            self.read(*rows, **how)
        return caught.value.message


@pytest.fixture
def api() -> Iterator[Api]:
    with Server() as server:
        yield Api(server)


def told(found: Found) -> dict[tuple[str, str, str, str], str]:
    """The prices by SKU, operating system, purchase model and term."""
    assert all(price.payment == "" and price.upfront is None for price in found.prices)
    made = {(each.sku, each.os, each.purchase_model, each.term): f"{each.usd:f}" for each in found.prices}
    assert len(made) == len(found.prices)
    return made


def amounts(found: Found) -> list[str]:
    return [f"{price.usd:f}" for price in found.prices]


# --- what is asked and how it comes --------------------------------------------------------------------------------------


def test_each_known_region_is_one_part_with_the_scopes_of_what_the_api_lists(api: Api) -> None:
    machines, disks = api.parts(0), api.parts(1)
    assert [part.name for part in (*machines, *disks)] == [
        "azure-vm/eastus",
        "azure-vm/westeurope",
        "azure-disks/eastus",
        "azure-disks/westeurope",
    ]
    assert [(scope.kind, scope.purchase_model, scope.regions, scope.sku) for scope in machines[0].scopes] == [
        ("machine", model, ("eastus",), "Standard_N*") for model in ("on_demand", "spot", "reserved", "savings_plan")
    ]
    assert [(scope.kind, scope.purchase_model, scope.regions, scope.sku) for scope in disks[1].scopes] == [
        (kind, "on_demand", ("westeurope",), "*") for kind in ("storage", "iops", "throughput")
    ]
    assert not api.server.requests  # the list of parts needs no network


def test_only_regions_and_purchase_models_that_are_wanted_become_parts_scopes_and_rows(api: Api) -> None:
    api.wanted = Wanted(("west*",), ("spot", "savings_plan"))
    assert [part.name for part in api.parts(0)] == ["azure-vm/westeurope"]
    assert [scope.purchase_model for scope in api.parts(0)[0].scopes] == ["spot", "savings_plan"]
    assert not api.parts(1)
    api.wanted = Wanted((), ("capacity_block",))
    assert not api.parts(0)
    api.wanted = Wanted((), ("spot", "savings_plan"))
    found = api.read(machine(savingsPlan=plans(("1 Year", 0.4))), spot(), reservation(), windows())
    assert told(found) == {
        ("Standard_NC4as_T4_v3", "linux", "savings_plan", "1y"): "0.4",
        ("Standard_NC4as_T4_v3", "linux", "spot", ""): "0.0964",
    }


def test_the_question_names_service_region_and_series_and_the_version_that_has_savings_plans(api: Api) -> None:
    found = api.read(machine())
    (request,) = api.server.requests
    assert request.query == {
        "api-version": "2023-01-01-preview",
        "$filter": "serviceName eq 'Virtual Machines' and armRegionName eq 'eastus'"
        " and contains(armSkuName, 'Standard_N')",
    }
    assert (found.as_of, found.title) == (TODAY, "Azure Retail Prices: virtual machines in eastus")
    assert found.validators is None
    assert found.prices == (
        FetchedPrice("machine", "Standard_NC4as_T4_v3", "eastus", "hour", Decimal("0.526"), payment=""),
    )


def many(count: int) -> list[Row]:
    return [
        machine(armSkuName=f"Standard_NC{number}x", skuId=str(number), retailPrice=number / 8)
        for number in range(1, count + 1)
    ]


def test_all_pages_are_read_and_the_links_are_followed_as_given(api: Api) -> None:
    api.size = 3
    found = api.read(*many(10))
    assert sorted(price.usd for price in found.prices) == [Decimal(number) / 8 for number in range(1, 11)]
    assert [request.query.get("$skip") for request in api.server.requests] == [None, "3", "6", "9"]
    assert all(request.query["api-version"] == azure.API_VERSION for request in api.server.requests)
    assert not found.notes


def test_an_empty_page_in_the_middle_does_not_end_the_reading(api: Api) -> None:
    link = f"{api.server.url}{PATH}?$skip="
    pages = [envelope(many(1), link + "1"), envelope([], link + "2"), envelope([machine()])]
    assert len(api.read(answers=[as_json(page) for page in pages]).prices) == 2


def test_a_link_relative_to_the_api_is_followed(api: Api) -> None:
    pages = [envelope(many(1), f"{PATH}?$skip=1"), envelope([machine()], "")]
    assert len(api.read(answers=[as_json(page) for page in pages]).prices) == 2


def test_a_region_without_such_machines_or_disks_has_no_prices_and_nothing_to_note(api: Api) -> None:
    assert api.read() == Found(TODAY, "Azure Retail Prices: virtual machines in eastus", ())
    assert api.disks() == Found(TODAY, "Azure Retail Prices: managed disks in eastus", ())


@pytest.mark.parametrize(
    ("trouble", "least"),
    [
        pytest.param(Reply(status=429, headers={"Retry-After": "37"}), 37.0, id="429 that says how long to wait"),
        pytest.param(Reply(b"oops", status=500), 0.0, id="internal server error"),
        pytest.param(Reply(status=503), 0.0, id="service unavailable"),
        pytest.param(as_json(envelope(many(2)), cut=150), 0.0, id="body cut in the middle"),
        pytest.param(Reply(json.dumps(envelope(many(2))).encode()[:200], framing="close"), 0.0, id="body without end"),
        pytest.param(Reply(reset=True), 0.0, id="connection reset"),
    ],
)
def test_trouble_in_the_middle_of_the_pages_is_outlasted_and_nothing_is_lost(
    api: Api, trouble: Reply, least: float
) -> None:
    api.size = 4
    found = api.read(*many(10), answers=[api.page, trouble, api.page])
    assert len(found.prices) == 10
    assert [request.query.get("$skip") for request in api.server.requests] == [None, "4", "4", "8"]
    assert len(api.waits) == 1
    assert api.waits[0] >= least


@pytest.mark.parametrize("status", [429, 500, 400, 404])
def test_a_page_that_never_comes_is_an_error_and_no_partial_result(api: Api, status: int) -> None:
    api.size = 4
    message = api.refused(*many(10), answers=[api.page, Reply(status=status)])
    assert f"status {status}" in message
    assert "filter" not in message
    assert "eastus" not in message  # neither query nor header in a message


# --- links that must not be followed -----------------------------------------------------------------------------------


def test_a_link_to_its_own_page_is_an_error(api: Api) -> None:
    link = f"{api.server.url}{PATH}?$skip=1000"
    message = api.refused(answers=[as_json(envelope(many(2), link))])
    assert "circle" in message
    assert len(api.server.requests) == 2


def test_links_that_lead_back_after_a_while_are_an_error(api: Api) -> None:
    links = [f"{api.server.url}{PATH}?$skip={skip}" for skip in (1, 2, 1)]
    assert "circle" in api.refused(answers=[as_json(envelope([], link)) for link in links])


def test_links_without_end_are_an_error(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(azure, "MAX_PAGES", 6)

    def further(request: Request) -> Reply:
        return as_json(envelope([], f"{api.server.url}{PATH}?$skip={int(request.query.get('$skip', 0)) + 1000}"))

    assert "more than 6 pages" in api.refused(answers=[further])
    assert len(api.server.requests) == 6


def test_a_link_to_another_host_is_an_error_and_is_never_asked(api: Api) -> None:
    with Server() as other:
        other.on(PATH, as_json(envelope([machine(retailPrice=0.001)])))
        message = api.refused(answers=[as_json(envelope(many(2), f"{other.url}{PATH}?$skip=2"))])
        assert "leads elsewhere" in message
        assert not other.requests


@pytest.mark.parametrize(
    "link",
    [
        pytest.param("https://{host}/api/retail/prices?$skip=2", id="another scheme"),
        pytest.param("http://prices.azure.com.example.com/api/retail/prices", id="a name that begins alike"),
        pytest.param("http://user@{host}/api/retail/prices", id="a user before the host"),
        pytest.param("//example.com/api/retail/prices", id="no scheme"),
        pytest.param("file:///etc/passwd", id="a file"),
        pytest.param("http://[", id="no address at all"),
    ],
)
def test_a_link_that_leaves_the_origin_is_an_error(api: Api, link: str) -> None:
    host = api.server.url.removeprefix("http://")
    assert "the link to the next page" in api.refused(answers=[as_json(envelope([], link.format(host=host)))])
    assert len(api.server.requests) == 1


def test_the_default_port_that_the_real_links_name_is_the_same_origin() -> None:
    link = "https://prices.azure.com:443/api/retail/prices?$filter=serviceName%20eq%20%27Storage%27&$skip=1000"
    assert same_origin(azure.ENDPOINT, link) == link.replace(":443", "")


# --- a changed API ---------------------------------------------------------------------------------------------------------


def without(name: str) -> Row:
    row = machine(savingsPlan=plans(("1 Year", 0.4)))
    del row[name]
    return row


@pytest.mark.parametrize(
    "name",
    [
        "retailPrice",
        "currencyCode",
        "armRegionName",
        "armSkuName",
        "productName",
        "skuName",
        "meterName",
        "meterId",
        "skuId",
        "serviceName",
        "unitOfMeasure",
        "type",
        "tierMinimumUnits",
        "isPrimaryMeterRegion",
    ],
)
def test_a_row_without_a_needed_field_is_an_error_that_names_it(api: Api, name: str) -> None:
    message = api.refused(machine(), without(name))
    assert name in message
    assert "Items" in message


@pytest.mark.parametrize(
    "name", ["location", "productId", "unitPrice", "serviceId", "serviceFamily", "effectiveStartDate"]
)
def test_a_row_without_a_field_that_is_not_needed_is_read(api: Api, name: str) -> None:
    assert len(api.read(without(name)).prices) == 2


@pytest.mark.parametrize(
    "price",
    [
        pytest.param("3.06", id="text"),
        pytest.param(None, id="null"),
        pytest.param(True, id="true"),
        pytest.param([3.06], id="a list"),
        pytest.param({"amount": 3.06}, id="an object"),
        pytest.param("#1e99#", id="beyond all measure"),
        pytest.param("#1E-99#", id="nearer to nothing than any price"),
        pytest.param("#1e999#", id="an exponent that would fill the memory"),
        pytest.param("#" + "9" * 4000 + "#", id="thousands of digits"),
    ],
)
@pytest.mark.parametrize("place", ["retailPrice", "savings plan", "reservation", "disk", "disk of free size"])
def test_a_price_that_is_no_number_is_an_error_that_names_the_field(api: Api, price: object, place: str) -> None:
    row, source = machine(retailPrice=price), 0
    if place == "savings plan":
        row = machine(savingsPlan=[{"term": "1 Year", "unitPrice": price, "retailPrice": 1}])
    elif place == "reservation":
        row = machine(type="Reservation", reservationTerm="1 Year", retailPrice=price)
    elif place == "disk":
        row, source = disk(retailPrice=price), 1
    elif place == "disk of free size":
        row, source = provisioned("Ultra Disks", "Ultra LRS", "Provisioned IOPS", price, "1/Hour"), 1
    message = api.refused(answers=[written(envelope([row]))], source=source)
    assert ("unitPrice of a savings plan" if place == "savings plan" else "retailPrice") in message
    assert "expected a number" in message
    assert len(message) < 300


def written(page: Row) -> Reply:
    """A page as JSON; text between number signs stands there bare, to write a number as no float can."""
    return Reply(json.dumps(page).replace('"#', "").replace('#"', "").encode())


@pytest.mark.parametrize(
    ("page", "said"),
    [
        pytest.param({"NextPageLink": ...}, "NextPageLink", id="no link, not even null"),
        pytest.param({"NextPageLink": 7}, "NextPageLink", id="a link that is a number"),
        pytest.param({"Items": ...}, "Items", id="no items"),
        pytest.param({"Items": None}, "Items", id="items that are null"),
        pytest.param({"Items": {}}, "Items", id="items that are an object"),
        pytest.param({"Items": [None]}, "Items[0]", id="a row that is null"),
        pytest.param({"Count": ...}, "Count", id="no count"),
        pytest.param({"Count": 100}, "Count 100 and has 1 rows", id="fewer rows than counted"),
        pytest.param({"Items": [machine(isPrimaryMeterRegion="true")]}, "isPrimaryMeterRegion", id="text as a truth"),
        pytest.param({"Items": [machine(effectiveStartDate="soon")]}, "effectiveStartDate", id="a date that is none"),
        pytest.param({"Items": [machine(effectiveEndDate=20260101)]}, "effectiveEndDate", id="a number as a date"),
        pytest.param({"Items": [machine(savingsPlan={})]}, "savingsPlan", id="a savings plan that is no list"),
        pytest.param({"Items": [machine(savingsPlan=[{"term": "1 Year"}])]}, "unitPrice", id="a plan without price"),
        pytest.param({"Items": [machine(savingsPlan=[{"unitPrice": 1}])]}, "term", id="a plan without term"),
        pytest.param({"Items": [reservation(None)]}, "without reservationTerm", id="a reservation without term"),
        pytest.param({"Items": [machine(armRegionName="westus")]}, "the filter was not heeded", id="another region"),
        pytest.param({"Items": [machine(serviceName="Storage")]}, "the filter was not heeded", id="another service"),
    ],
)
def test_a_page_of_another_shape_is_an_error_that_says_where(api: Api, page: Row, said: str) -> None:
    whole = envelope([machine()]) | {name: value for name, value in page.items() if value is not ...}
    whole = {name: value for name, value in whole.items() if page.get(name) is not ...}
    if "Items" in page and isinstance(page["Items"], list):
        whole["Count"] = len(page["Items"])
    assert said in api.refused(answers=[as_json(whole)])


def test_an_answer_that_is_a_page_of_html_is_an_error(api: Api) -> None:
    assert "no valid JSON" in api.refused(answers=[Reply(b"<html>maintenance</html>")])


def test_hostile_names_reach_no_terminal_in_notes_or_messages(api: Api) -> None:
    evil = "\x1b]0;gone\x07\u202e" + "x" * 500
    rows = [
        machine(armSkuName=f"Standard_NC4{evil[:100]}"),
        machine(unitOfMeasure=evil),
        machine(type=evil),
        machine(productName=evil),
        machine(currencyCode=evil),
        machine(savingsPlan=[{"term": evil, "unitPrice": 1}]),
        reservation(evil),
    ]
    notes = api.read(*rows).notes
    assert len(notes) == len(rows)
    messages = [
        api.refused(machine(meterName=evil, productName="Virtual Machines " + evil, retailPrice="1")),
        api.refused(machine(armRegionName=evil)),
    ]
    assert all(text.isprintable() and len(text) < 400 for text in (*notes, *messages))


# --- which rows become prices --------------------------------------------------------------------------------------------

T4 = "Standard_NC4as_T4_v3"
ON_DEMAND = {(T4, "linux", "on_demand", ""): "0.526"}


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        pytest.param(machine(), ON_DEMAND, id="Linux on demand"),
        pytest.param(
            machine(productName="Virtual Machines NDamsr A100 v4 Series Linux"),
            ON_DEMAND,
            id="Linux by the product's end",
        ),
        pytest.param(
            machine(productName="Virtual Machines NCdsxlRTX6kv6"), ON_DEMAND, id="Linux in a product without Series"
        ),
        pytest.param(
            machine(productName="Virtual Machines Windfall Series"), ON_DEMAND, id="Linux though a word begins with Win"
        ),
        pytest.param(
            machine(productName="NCads A100 v4 Series Linux"),
            ON_DEMAND,
            id="Linux in a product not called Virtual Machines",
        ),
        pytest.param(
            machine(productName="NCads X100 v9 Series"), ON_DEMAND, id="Linux in a product called by its series"
        ),
        pytest.param(
            windows(productName="NCads A100 v4 Series Windows"),
            {(T4, "windows", "on_demand", ""): "0.71"},
            id="Windows in a product not called Virtual Machines",
        ),
        pytest.param(windows(), {(T4, "windows", "on_demand", ""): "0.71"}, id="Windows by the product's end"),
        pytest.param(
            windows(productName="Virtual Machines NCCadsv5 Srs Win"),
            {(T4, "windows", "on_demand", ""): "0.71"},
            id="Windows abbreviated",
        ),
        pytest.param(spot(), {(T4, "linux", "spot", ""): "0.0964"}, id="spot"),
        pytest.param(
            windows(skuName="NC4as T4 v3 Spot", meterName="NC4as T4 v3 Spot"),
            {(T4, "windows", "spot", ""): "0.71"},
            id="spot with Windows",
        ),
        pytest.param(
            machine(meterName="NC4as T4 v3 Spot"), {(T4, "linux", "spot", ""): "0.526"}, id="spot by the meter alone"
        ),
        pytest.param(
            machine(skuName="Standard_NC4as_T4_v3 spot "),
            {(T4, "linux", "spot", ""): "0.526"},
            id="spot by the SKU alone",
        ),
        pytest.param(
            machine(savingsPlan=plans(("3 Years", 0.2567), ("1 Year", 0.4147))),
            ON_DEMAND
            | {
                (T4, "linux", "savings_plan", "1y"): "0.4147",
                (T4, "linux", "savings_plan", "3y"): "0.2567",
            },
            id="savings plans stand beside the on-demand price, by the hour",
        ),
        pytest.param(machine(savingsPlan=[]), ON_DEMAND, id="no savings plan in an empty list"),
        pytest.param(machine(savingsPlan=None), ON_DEMAND, id="no savings plan in a null"),
        pytest.param(
            reservation(),
            {(T4, "linux", "reserved", "1y"): "0.33595890411"},
            id="one year reserved: price / 8,760",
        ),
        pytest.param(
            reservation("3 Years", retailPrice=26280),
            {(T4, "linux", "reserved", "3y"): "1"},
            id="three years reserved: price / 26,280",
        ),
        pytest.param(machine(isPrimaryMeterRegion=False), ON_DEMAND, id="a meter that is not primary but the only one"),
        pytest.param(machine(armSkuName="standard_nc4as_t4_V3"), ON_DEMAND, id="letter case of the catalog"),
        pytest.param(machine(armSkuName=" Standard_NC4as_T4_v3  "), ON_DEMAND, id="blanks around the name"),
        pytest.param(
            machine(armSkuName="Standard_NC6_Promo", productName="Virtual Machines NC Promo Series"),
            {("Standard_NC6_Promo", "linux", "on_demand", ""): "0.526"},
            id="a promotion is a machine type of its own",
        ),
        pytest.param(
            machine(armSkuName="Standard_ND96asr_A100_v4"),
            {("Standard_ND96asr_A100_v4", "linux", "on_demand", ""): "0.526"},
            id="an older spelling stays what it is",
        ),
        pytest.param(
            machine(retailPrice=0.0), {(T4, "linux", "on_demand", ""): "0"}, id="a price of zero is passed on"
        ),
        pytest.param(machine(retailPrice=-1.5), {(T4, "linux", "on_demand", ""): "-1.5"}, id="and one below zero"),
        pytest.param(machine(unitPrice=9.99), ON_DEMAND, id="the retail price counts"),
        pytest.param(machine(location=None, serviceFamily=None), ON_DEMAND, id="fields that are not read may be null"),
        pytest.param(machine(newField={"a": [1]}), ON_DEMAND, id="new fields are no trouble"),
        # and what is none of ours, without a word
        pytest.param(machine(type="DevTestConsumption"), {}, id="Dev/Test prices"),
        pytest.param(windows(type="DevTestConsumption"), {}, id="Dev/Test prices of Windows"),
        pytest.param(
            machine(skuName="NC4as T4 v3 Low Priority", meterName="NC4as T4 v3 Low Priority"), {}, id="Low Priority"
        ),
        pytest.param(machine(meterName="NC4as T4 v3 Low Priority"), {}, id="Low Priority by the meter alone"),
        pytest.param(machine(meterName="NC6/NC12 - Expired"), {}, id="a meter that has expired"),
        pytest.param(machine(productName="NCasT4 v3 Series Cloud Services"), {}, id="Cloud Services"),
        pytest.param(machine(productName="NCasT4 v3 Series CloudServices"), {}, id="Cloud Services in one word"),
        pytest.param(machine(productName="NVSv3 Series Dedicated Host"), {}, id="dedicated host"),
        pytest.param(machine(productName="NVSv3 series DedicatedHost"), {}, id="dedicated host in one word"),
        pytest.param(
            windows(type="Reservation", reservationTerm="1 Year", retailPrice=6000),
            {},
            id="a reservation does not cover Windows",
        ),
        pytest.param(machine(armSkuName="Standard_NP10s"), {}, id="FPGAs"),
        pytest.param(machine(armSkuName="Standard_NM16ads_MA35D  "), {}, id="video encoders"),
        pytest.param(machine(armSkuName="Standard_D2s_v5"), {}, id="machines without accelerator"),
    ],
)
def test_a_row_becomes_the_prices_it_stands_for(api: Api, row: Row, expected: dict[Any, str]) -> None:
    found = api.read(row)
    assert told(found) == expected
    assert not found.notes


@pytest.mark.parametrize(
    ("row", "said"),
    [
        pytest.param(machine(currencyCode="EUR"), "'EUR' instead of USD", id="another currency"),
        pytest.param(machine(tierMinimumUnits=100.0), "begins at 100 units", id="a tier"),
        pytest.param(machine(unitOfMeasure="1/Month"), "'1/Month'", id="another unit"),
        pytest.param(machine(type="SpotConsumption"), "'SpotConsumption'", id="another type"),
        pytest.param(machine(productName="Confidential Machines"), "'Confidential Machines'", id="another product"),
        pytest.param(reservation("5 Years"), "reservation of '5 Years'", id="another term of a reservation"),
    ],
)
def test_a_row_that_is_not_understood_is_no_price_but_a_note_with_the_sku(api: Api, row: Row, said: str) -> None:
    found = api.read(row, row)
    assert not found.prices
    (note,) = found.notes
    assert note.startswith(T4)
    assert said in note


def test_another_term_of_a_savings_plan_is_a_note_and_the_rest_of_the_row_counts(api: Api) -> None:
    found = api.read(machine(savingsPlan=plans(("5 Years", 0.1), ("1 Year", 0.4))))
    assert told(found) == ON_DEMAND | {(T4, "linux", "savings_plan", "1y"): "0.4"}
    assert found.notes == (f"{T4}: a savings plan of '5 Years'",)


def test_a_savings_plan_does_not_cover_windows_whatever_the_list_says(api: Api) -> None:
    found = api.read(windows(savingsPlan=plans(("1 Year", 0.6), ("3 Years", 0.5))))
    assert told(found) == {(T4, "windows", "on_demand", ""): "0.71"}
    assert found.notes == (f"{T4}: a savings plan with Windows, which savings plans do not cover, is left out",)


def test_the_rows_of_one_machine_are_told_apart(api: Api) -> None:
    low = {"skuName": "NC4as T4 v3 Low Priority", "meterName": "NC4as T4 v3 Low Priority"}
    found = api.read(
        machine(productName="NCasT4 v3 Series Cloud Services", meterId="c", retailPrice=0.71),
        machine(productName="NCasT4 v3 Series Cloud Services", meterId="c", retailPrice=0.1, **low),
        machine(skuId="l", retailPrice=0.105, **low),
        machine(savingsPlan=plans(("3 Years", 0.2567), ("1 Year", 0.4147))),
        reservation("1 Year"),
        reservation("3 Years"),
        windows(),
        windows(type="DevTestConsumption", retailPrice=0.526),
        spot(),
        windows(skuName="NC4as T4 v3 Spot", skuId="ws", retailPrice=0.2),
        windows(skuId="wl", retailPrice=0.284, **low),
    )
    assert {key[1:] for key in told(found)} == {
        ("linux", "on_demand", ""),
        ("linux", "savings_plan", "1y"),
        ("linux", "savings_plan", "3y"),
        ("linux", "reserved", "1y"),
        ("linux", "reserved", "3y"),
        ("linux", "spot", ""),
        ("windows", "on_demand", ""),
        ("windows", "spot", ""),
    }
    assert not found.notes


def test_machine_types_the_catalog_lacks_are_told(api: Api) -> None:
    found = api.read(machine(), machine(armSkuName="Standard_NC999ads_X1_v9", skuId="x"))
    assert found.types == (FetchedType("Standard_NC999ads_X1_v9"),)


def test_the_same_rows_in_any_order_give_the_same_prices_in_the_same_order(api: Api) -> None:
    rows = [*many(5), spot(), machine(savingsPlan=plans(("1 Year", 0.4))), windows(), reservation()]
    assert api.read(*rows).prices == api.read(*reversed(rows)).prices


def test_digits_are_kept_as_they_are_written(api: Api) -> None:
    written_prices = ["#0.12345678901234567890123#", "#98.320#", "#6.3E-05#", "#1.2e1#", "#7#"]
    rows = [
        machine(armSkuName=f"Standard_NC{number}x", skuId=str(number), retailPrice=price)
        for number, price in enumerate(written_prices, 1)
    ]
    found = api.read(answers=[written(envelope(rows))])
    assert amounts(found) == ["0.12345678901234567890123", "98.32", "0.000063", "12", "7"]


# --- several prices of one thing -------------------------------------------------------------------------------------------


def dated(price: float, start: str | None, end: str | None = None, **fields: Any) -> Row:
    return machine(
        retailPrice=price,
        effectiveStartDate=start and f"{start}T00:00:00Z",
        **({"effectiveEndDate": f"{end}T23:59:59Z"} if end else {}),
        **fields,
    )


@pytest.mark.parametrize(
    ("rows", "price"),
    [
        pytest.param(
            [dated(0.5, "2020-01-01"), dated(0.6, "2026-12-01")], "0.5", id="the later one begins after today"
        ),
        pytest.param([dated(0.5, "2020-01-01"), dated(0.6, TODAY)], "0.6", id="the later one begins today"),
        pytest.param(
            [dated(0.9, "2020-01-01"), dated(0.6, "2026-01-01")], "0.6", id="the latest counts, though cheaper"
        ),
        pytest.param(
            [dated(0.9, "2020-01-01", "2025-12-31"), dated(0.6, "2021-01-01")], "0.6", id="the other one has ended"
        ),
        pytest.param(
            [dated(0.9, "2022-01-01", "2025-12-31"), dated(0.6, "2021-01-01")], "0.6", id="the later one has ended"
        ),
        pytest.param([dated(0.7, "2020-01-01", TODAY)], "0.7", id="its last day is today"),
        pytest.param([dated(0.7, None), dated(0.8, "2020-01-01")], "0.8", id="one without a date is the oldest"),
        pytest.param([dated(0.7, None)], "0.7", id="no date at all"),
        pytest.param([dated(0.5, "2020-01-01"), dated(0.5, "2020-01-01")], "0.5", id="the same row twice"),
    ],
)
@pytest.mark.parametrize("order", [1, -1], ids=["in this order", "in the other order"])
def test_of_one_meter_the_price_in_force_today_counts(api: Api, rows: list[Row], price: str, order: int) -> None:
    found = api.read(*rows[::order])
    assert amounts(found) == [price]
    assert not found.notes


@pytest.mark.parametrize(
    ("row", "said"),
    [
        pytest.param(dated(0.7, "2026-11-21"), "the only price begins on 2026-11-21", id="it begins tomorrow"),
        pytest.param(dated(0.7, "2020-01-01", "2026-11-19"), "the only price ended on 2026-11-19", id="it ended"),
    ],
)
def test_a_machine_without_a_price_in_force_is_a_note(api: Api, row: Row, said: str) -> None:
    found = api.read(row)
    assert not found.prices
    assert found.notes == (f"{T4} (linux, on demand): {said}",)


@pytest.mark.parametrize("order", [1, -1], ids=["cheaper first", "dearer first"])
def test_of_two_meters_the_dearer_one_is_taken_and_said(api: Api, order: int) -> None:
    rows = [dated(0.5, "2024-01-01", meterId="a"), dated(0.6, "2020-01-01", meterId="b")]
    found = api.read(*rows[::order])
    assert amounts(found) == ["0.6"]
    assert found.notes == (f"{T4} (linux, on demand): 2 prices (0.5, 0.6); the dearest is taken",)


def test_two_prices_of_one_meter_and_day_are_said_too(api: Api) -> None:
    found = api.read(dated(0.5, "2024-01-01"), dated(0.6, "2024-01-01"))
    assert amounts(found) == ["0.6"]
    assert len(found.notes) == 1


def test_of_a_primary_meter_and_another_the_primary_one_counts(api: Api) -> None:
    primary, other = dated(0.5, "2024-01-01", meterId="a"), dated(0.9, "2025-01-01", meterId="b")
    found = api.read(other | {"isPrimaryMeterRegion": False}, primary)
    assert amounts(found) == ["0.5"]
    assert not found.notes


def test_two_meters_of_one_price_need_no_note(api: Api) -> None:
    found = api.read(machine(meterId="a"), machine(meterId="b", skuName="NC4asT4 v3"))
    assert amounts(found) == ["0.526"]
    assert not found.notes


def test_notes_are_at_most_fifty_and_say_how_many_more_there_are(api: Api) -> None:
    notes = api.read(*(row | {"unitOfMeasure": "1 Day"} for row in many(70))).notes
    assert len(notes) == 50
    assert notes[-1] == "and 21 more"
    assert len(api.read(*(row | {"unitOfMeasure": "1 Day"} for row in many(50))).notes) == 50


# --- reservations ------------------------------------------------------------------------------------------------------------

term_prices = st.decimals(min_value=0, max_value=100_000_000, places=6, allow_nan=False, allow_infinity=False)


@given(price=term_prices, term=st.sampled_from(sorted(azure.HOURS)), precision=st.integers(1, 40))
def test_the_hours_of_the_term_give_the_listed_price_back_to_its_last_digit(
    price: Decimal, term: str, precision: int
) -> None:
    with localcontext() as arithmetic:
        arithmetic.prec = precision  # whoever calls may have set it
        hourly = azure.per_hour(price, term)
    hours = azure.HOURS[term]
    with localcontext() as arithmetic:
        arithmetic.prec = 100
        assert (hourly * hours).quantize(Decimal("0.000001")) == price
        assert abs(hourly - price / hours) <= Decimal("5E-13")
    sign, digits, exponent = hourly.as_tuple()
    assert not sign
    assert isinstance(exponent, int)
    assert -12 <= exponent <= 0  # no more places than the tables take, and plain notation
    assert exponent == 0 or digits[-1] != 0


@given(hourly=st.decimals(min_value=0, max_value=1000, places=6), term=st.sampled_from(sorted(azure.HOURS)))
def test_an_hourly_price_of_six_places_comes_back_exactly(hourly: Decimal, term: str) -> None:
    assert azure.per_hour(hourly * azure.HOURS[term], term) == hourly


@pytest.mark.parametrize(("term", "hours"), [("1y", 365 * 24), ("3y", 3 * 365 * 24)])
def test_a_term_has_the_hours_of_its_years(term: str, hours: int) -> None:
    assert azure.HOURS[term] == hours


# --- disks -------------------------------------------------------------------------------------------------------------------

PREMIUM, STANDARD_SSD, HDD = (f"{name} Managed Disks" for name in ("Premium SSD", "Standard SSD", "Standard HDD"))
V2, ULTRA = "Azure Premium SSD v2", "Ultra Disks"


def shown(found: Found) -> list[tuple[str, str, str, str]]:
    return [(price.kind, price.sku, price.unit, f"{price.usd:f}") for price in found.prices]


def test_the_question_names_the_products_of_managed_disks(api: Api) -> None:
    found = api.disks(disk())
    (request,) = api.server.requests
    assert request.query["$filter"] == (
        "serviceName eq 'Storage' and armRegionName eq 'eastus' and (productName eq 'Premium SSD Managed Disks'"
        " or productName eq 'Standard SSD Managed Disks' or productName eq 'Standard HDD Managed Disks'"
        " or productName eq 'Azure Premium SSD v2' or productName eq 'Ultra Disks')"
    )
    assert found.title == "Azure Retail Prices: managed disks in eastus"


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        pytest.param(disk(), ("storage", "P10-LRS", "disk-month", "19.71"), id="premium disk"),
        pytest.param(disk("P80 ZRS"), ("storage", "P80-ZRS", "disk-month", "19.71"), id="zone-redundant premium disk"),
        pytest.param(disk("E4 LRS", "", STANDARD_SSD), ("storage", "E4-LRS", "disk-month", "19.71"), id="standard SSD"),
        pytest.param(disk("S4 LRS", "", HDD), ("storage", "S4-LRS", "disk-month", "19.71"), id="standard HDD"),
        pytest.param(
            disk("S4 LRS", "S4 Disks", HDD), ("storage", "S4-LRS", "disk-month", "19.71"), id="older meter name"
        ),
        pytest.param(
            disk(armSkuName="Premium_SSD_Managed_Disk_P10"),
            ("storage", "P10-LRS", "disk-month", "19.71"),
            id="the machine name of a disk is not read",
        ),
        pytest.param(
            provisioned(V2, "Premium LRS", "Provisioned Capacity", 0.000127, "1 GiB/Hour"),
            ("storage", "PremiumV2_LRS", "GiB-month", "0.09271"),
            id="Premium SSD v2, capacity times 730 hours",
        ),
        pytest.param(
            provisioned(V2, "Premium LRS", "Provisioned IOPS", 8e-06, "1/Hour"),
            ("iops", "PremiumV2_LRS", "IOPS-month", "0.00584"),
            id="Premium SSD v2, operations",
        ),
        pytest.param(
            provisioned(V2, "Premium LRS", "Provisioned Throughput (MBps)", 6.3e-05, "1/Hour"),
            ("throughput", "PremiumV2_LRS", "MiBps-month", "0.04599"),
            id="Premium SSD v2, throughput",
        ),
        pytest.param(
            provisioned(V2, "Premium LRS", "Provisioned IOPS", 8e-06, "1/Hour", tierMinimumUnits=3000.0),
            ("iops", "PremiumV2_LRS", "IOPS-month", "0.00584"),
            id="Premium SSD v2, operations above the included ones",
        ),
        pytest.param(
            provisioned(ULTRA, "Ultra LRS", "Provisioned Capacity", 0.000213, "1 GiB/Hour"),
            ("storage", "UltraSSD_LRS", "GiB-month", "0.15549"),
            id="ultra disk, capacity",
        ),
        pytest.param(
            provisioned(ULTRA, "Ultra LRS", "Provisioned IOPS", 8.8e-05, "1/Hour"),
            ("iops", "UltraSSD_LRS", "IOPS-month", "0.06424"),
            id="ultra disk, operations",
        ),
        pytest.param(
            provisioned(ULTRA, "Ultra LRS", "Provisioned Throughput (MBps)", 0.000572, "1/Hour"),
            ("throughput", "UltraSSD_LRS", "MiBps-month", "0.41756"),
            id="ultra disk, throughput",
        ),
        pytest.param(
            provisioned(ULTRA, "Ultra LRS", "Provisioned Capacity", 0.12, "1 GiB/Month"),
            ("storage", "UltraSSD_LRS", "GiB-month", "0.12"),
            id="a price that is by the month already",
        ),
    ],
)
def test_a_disk_row_becomes_a_price_in_the_units_of_the_catalog(
    api: Api, row: Row, expected: tuple[str, str, str, str]
) -> None:
    found = api.disks(row)
    assert shown(found) == [expected]
    (price,) = found.prices
    assert (price.os, price.purchase_model, price.term) == ("linux", "on_demand", "")
    assert ("730" in price.note) == row["unitOfMeasure"].endswith("/Hour")
    assert not found.notes
    assert not found.types


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(disk(meter="P10 LRS Disk Mount"), id="a mount on a second machine"),
        pytest.param(disk("E10 LRS", "E10 LRS Disk Operations", STANDARD_SSD, unitOfMeasure="10K"), id="operations"),
        pytest.param(disk(meter="P10 LRS Disk - Free"), id="the free disks of a trial"),
        pytest.param(disk("Snapshots LRS", "LRS Snapshots", unitOfMeasure="1 GB/Month"), id="snapshots"),
        pytest.param(disk("Burst Enablement LRS", "LRS Burst Enablement"), id="bursting"),
        pytest.param(disk("E10 LRS"), id="a tier of another product"),
        pytest.param(disk(meter="P15 LRS Disk"), id="a meter of another tier"),
        pytest.param(disk(meter="P10 ZRS Disk"), id="a meter of another redundancy"),
        pytest.param(disk(product="Premium Page Blob"), id="a product that only sounds alike"),
        pytest.param(disk(type="Reservation", reservationTerm="1 Year", retailPrice=1200), id="a reservation"),
        pytest.param(disk(type="DevTestConsumption"), id="Dev/Test"),
        pytest.param(
            provisioned(V2, "Confidential Compute Encryption LRS", "Provisioned Capacity", 0.000139, "1 GiB/Hour"),
            id="the surcharge of encryption",
        ),
        pytest.param(
            provisioned(ULTRA, "Ultra LRS", "Reservation per vCPU Provisioned", 0.0078, "1/Hour"),
            id="the fee of machines without ultra disk",
        ),
        pytest.param(
            disk("Instant Access Snapshots LRS", "Instant Access Snapshots LRS", V2, unitOfMeasure="1 GB/Hour"),
            id="instant snapshots",
        ),
        pytest.param(
            provisioned(V2, "Premium LRS", "Provisioned IOPS", 0.0, "1/Hour"), id="operations that v2 includes"
        ),
        pytest.param(
            provisioned(V2, "Premium LRS", "Provisioned Throughput (MBps)", 0.0, "1/Hour"),
            id="throughput that v2 includes",
        ),
    ],
)
def test_other_meters_of_disks_are_left_out_without_a_word(api: Api, row: Row) -> None:
    assert api.disks(row) == Found(TODAY, "Azure Retail Prices: managed disks in eastus", ())


def test_what_premium_v2_includes_does_not_make_the_rest_free(api: Api) -> None:
    meter = ("Premium LRS", "Provisioned IOPS")
    free = provisioned(V2, *meter, 0.0, "1/Hour", effectiveStartDate="2024-01-01T00:00:00Z")
    found = api.disks(free, provisioned(V2, *meter, 7e-06, "1/Hour", tierMinimumUnits=3000.0))
    assert shown(found) == [("iops", "PremiumV2_LRS", "IOPS-month", "0.00511")]
    assert not found.notes


@pytest.mark.parametrize(
    ("row", "said"),
    [
        pytest.param(disk(unitOfMeasure="1 Hour"), "P10-LRS: priced per '1 Hour'", id="a tier by the hour"),
        pytest.param(disk(tierMinimumUnits=5.0), "P10-LRS: priced per '1/Month' from 5 on", id="a tier of a tier"),
        pytest.param(disk(currencyCode="EUR"), "P10-LRS: a price in 'EUR' instead of USD", id="another currency"),
        pytest.param(
            provisioned(ULTRA, "Ultra LRS", "Provisioned IOPS", 1, "1K/Hour"),
            "UltraSSD_LRS (iops): priced per '1K/Hour'",
            id="another unit",
        ),
        pytest.param(
            provisioned(ULTRA, "Ultra LRS", "Provisioned IOPS", 1, "1/Hour", tierMinimumUnits=9.0),
            "UltraSSD_LRS (iops): priced per '1/Hour' from 9 on",
            id="a tier of an ultra disk",
        ),
        pytest.param(
            disk(effectiveStartDate="2027-01-01T00:00:00Z"),
            "P10-LRS (storage): the only price begins on 2027-01-01",
            id="a price of the future",
        ),
    ],
)
def test_a_disk_row_that_is_not_understood_is_a_note(api: Api, row: Row, said: str) -> None:
    found = api.disks(row)
    assert not found.prices
    (note,) = found.notes
    assert note.startswith(said)


@settings(max_examples=20)
@given(price=st.decimals(min_value=0, max_value=10, places=9))
def test_a_month_of_a_listed_hour_is_exact_whatever_the_caller_has_set(price: Decimal) -> None:
    row = provisioned(ULTRA, "Ultra LRS", "Provisioned Capacity", f"#{price:f}#", "1 GiB/Hour")
    with localcontext() as arithmetic:
        arithmetic.prec = 3
        found = convert(row)
    assert found.usd == price * 730


def convert(row: Row) -> FetchedPrice:
    """What a single disk row becomes."""
    with Server() as server:
        (price,) = Api(server).read(answers=[written(envelope([row]))], source=1).prices
    return price


def test_the_sources_are_named_and_need_nothing_of_this_machine() -> None:
    assert [(source.name, source.cloud) for source in azure.SOURCES] == [
        ("azure-vm", "azure"),
        ("azure-disks", "azure"),
    ]
    assert all(source.endpoint == "https://prices.azure.com/api/retail/prices" for source in azure.SOURCES)
    missing: list[Callable[..., str]] = [source.missing for source in azure.SOURCES]
    assert not any(each({}) for each in missing)
