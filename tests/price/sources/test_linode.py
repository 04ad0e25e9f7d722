"""The list of Linode types against a real server that answers in the documented form, well or badly."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gpuguard.errors import ServiceError
from gpuguard.price.sources import linode
from gpuguard.price.sources.base import FetchedType, Found, Scope, Wanted
from gpuguard.price.sources.http import ChangedMidwayError, Http
from tests.price.sources.known import Known, context, machine, prices
from tests.price.sources.servers import Reply, Request, Server, as_json

PATH = "/v4/linode/types"
KNOWN = Known(
    {
        "linode": (
            machine("g2-gpu-rtx4000a1-s", "RTX-4000-Ada", 1),
            machine("g2-gpu-rtx4000a2-s", "RTX-4000-Ada", 2),
            machine("g3-gpu-rtxpro6000-blackwell-1", "RTX-PRO-6000", 1),
        )
    }
)

Row = dict[str, Any]


def plan(
    id: str = "g2-gpu-rtx4000a1-s", hourly: Any = 0.52, *, regions: dict[str, Any] | None = None, **more: Any
) -> Row:
    """A type with all fields the API documents."""
    special = [{"id": name, "hourly": price, "monthly": None} for name, price in (regions or {}).items()]
    return {
        "id": id,
        "label": "RTX4000 Ada x1 Small",
        "price": {"hourly": hourly, "monthly": None},
        "region_prices": special,
        "addons": {"backups": {"price": {"hourly": 0.06, "monthly": 40.0}, "region_prices": special}},
        "memory": 16384,
        "disk": 524288,
        "transfer": 0,
        "vcpus": 4,
        "gpus": 1,
        "accelerated_devices": 0,
        "network_out": 10000,
        "class": "gpu",
        "successor": None,
        **more,
    }


def shared(id: str = "g6-standard-2", **more: Any) -> Row:
    fields = {"hourly": 0.036, "gpus": 0, "class": "standard", "regions": {"br-gru": 0.05}, **more}
    return plan(id, **fields)


def page(rows: list[Row], number: int = 1, pages: int = 1, results: int | None = None) -> Row:
    return {"data": rows, "page": number, "pages": pages, "results": len(rows) if results is None else results}


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
    """Reads the part of the source from the answers given."""

    def read(*answers: Reply | Callable[[Request], Reply], wanted: Wanted | None = None) -> Found:
        server.on(PATH, *answers)
        asked = context(http, server.url, KNOWN, wanted)
        (part,) = linode.SOURCE.parts(asked)
        return part.read(asked, None)

    return read


def test_a_price_holds_everywhere_but_in_the_regions_that_have_their_own(
    read: Callable[..., Found], server: Server
) -> None:
    found = read(as_json(page([shared(), plan(regions={"id-cgk": 0.624, "br-gru": 0.728})])))
    assert prices(found) == {
        ("g2-gpu-rtx4000a1-s", "*", "on_demand"): "0.52",
        ("g2-gpu-rtx4000a1-s", "br-gru", "on_demand"): "0.728",
        ("g2-gpu-rtx4000a1-s", "id-cgk", "on_demand"): "0.624",
    }
    assert found.types == (FetchedType("g2-gpu-rtx4000a1-s", 4, 16, "RTX-4000-Ada", 1),)
    assert (found.as_of, found.notes) == ("2026-11-20", ())
    assert server.requests[0].query == {"page": "1", "page_size": "500"}


def test_a_price_keeps_its_last_digit(read: Callable[..., Found]) -> None:
    body = b'{"data": [%s], "page": 1, "pages": 1, "results": 1}'
    row = (
        b'{"id": "g1-gpu-x-1", "gpus": 1, "vcpus": 8, "memory": 32768, "price": {"hourly": 1.500000000001},'
        b' "region_prices": [{"id": "us-east", "hourly": 1e1}]}'
    )
    assert prices(read(Reply(body % row))) == {
        ("g1-gpu-x-1", "*", "on_demand"): "1.500000000001",
        ("g1-gpu-x-1", "us-east", "on_demand"): "10",
    }


def test_all_pages_are_read_and_failures_in_between_are_survived(read: Callable[..., Found], server: Server) -> None:
    failures = [Reply(status=503), as_json({}, cut=1), Reply(status=429, headers={"Retry-After": "1"})]

    def answer(request: Request) -> Reply:
        number = int(request.query["page"])
        if number == 2 and failures:
            return failures.pop()
        return as_json(page([plan(f"g9-gpu-x-{number}", number)], number, 3, 3))

    assert set(prices(read(answer)).values()) == {"1", "2", "3"}
    assert len(server.requests) == 6


def test_a_list_that_changes_while_it_is_read_is_never_taken_in_part(read: Callable[..., Found]) -> None:
    with pytest.raises(ChangedMidwayError, match="3 types are announced and 1 came"):
        read(as_json(page([plan()], results=3)))


def test_a_list_that_changed_while_it_was_read_is_read_anew(read: Callable[..., Found]) -> None:
    changing = [page([plan(hourly=1)], 1, 2, 2), page([], 2, 2, 2)]
    found = read(*map(as_json, [*changing, page([plan(hourly=2)])]))
    assert list(prices(found).values()) == ["2"]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(as_json(page([plan()], 2, 3)), id="another page than was asked for"),
        pytest.param(as_json(page([], 1, 0)), id="no pages"),
        pytest.param(lambda request: as_json(page([], int(request.query["page"]), 99)), id="too many pages"),
        pytest.param(
            lambda request: as_json(page([], int(request.query["page"]), int(request.query["page"]) + 1)),
            id="pages without an end",
        ),
    ],
)
def test_pages_that_make_no_list_are_refused(read: Callable[..., Found], answer: Any) -> None:
    with pytest.raises(ServiceError, match="was asked for"):
        read(answer)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        pytest.param({"data": [plan()]}, "page", id="no page number"),
        pytest.param(page([{"id": "x"}]), r"\$\.data\[0\]", id="a type without its fields"),
        pytest.param(page([plan(price=0.52)]), r"\$\.data\[0\]\.price", id="a price that is a number"),
        pytest.param(page([plan(region_prices=None)]), "region_prices", id="no prices of regions"),
        pytest.param(page([plan(gpus="1")]), "gpus", id="a count that is a text"),
        pytest.param(page([plan(hourly="0.52")]), "a price was expected", id="a price that is a text"),
        pytest.param(page([plan(hourly=True)]), "a price was expected", id="a price that is a truth value"),
        pytest.param(page([plan(hourly={"usd": 1})]), "a price was expected", id="a price that is an object"),
        pytest.param(page([plan(hourly=1e300)]), "a price was expected", id="a price of many digits"),
        pytest.param(page([plan(regions={"us-x": "NaN"})]), "a price was expected", id="no number in a region"),
        pytest.param({"errors": [{"reason": "Not found"}]}, "data", id="an error in the place of the list"),
    ],
)
def test_another_form_is_refused(read: Callable[..., Found], body: Any, says: str) -> None:
    with pytest.raises(ServiceError, match=says) as caught:
        read(as_json(body))
    assert caught.value.hint


def test_a_type_without_a_price_is_told_and_a_price_of_zero_is_passed_on(read: Callable[..., Found]) -> None:
    rows = [
        plan("g8-gpu-new-1", None),
        plan("g8-gpu-new-2", None, regions={"us-ord": 2.0, "us-sea": None}),
        plan("g8-gpu-new-3", 0),
        plan("g8-gpu-new-4", -1.5),
    ]
    found = read(as_json(page(rows)))
    assert prices(found) == {
        ("g8-gpu-new-2", "us-ord", "on_demand"): "2.0",
        ("g8-gpu-new-3", "*", "on_demand"): "0",
        ("g8-gpu-new-4", "*", "on_demand"): "-1.5",
    }
    assert found.notes == ("g8-gpu-new-1: no hourly price", "g8-gpu-new-2: no hourly price in us-sea")


def test_of_two_prices_the_dearer_is_taken_and_told(read: Callable[..., Found]) -> None:
    found = read(as_json(page([plan(hourly=0.5), plan(hourly=0.6), plan(hourly=0.55)])))
    assert prices(found) == {("g2-gpu-rtx4000a1-s", "*", "on_demand"): "0.6"}
    assert any("0.5 and 0.6 USD" in note for note in found.notes)


@pytest.mark.parametrize(
    ("sku", "gpu"),
    [
        pytest.param("g2-gpu-rtx4000a4-m", "RTX-4000-Ada", id="another size of a known plan"),
        pytest.param("g3-gpu-rtxpro6000-blackwell-2", "RTX-PRO-6000", id="another number of GPUs"),
        pytest.param("g4-gpu-b300-1", "", id="a new GPU is not guessed"),
    ],
)
def test_the_gpu_of_a_new_plan_is_that_of_its_sisters(read: Callable[..., Found], sku: str, gpu: str) -> None:
    assert read(as_json(page([plan(sku, gpus=4)]))).types[0].gpu_name == gpu


@pytest.mark.parametrize(
    ("wanted", "regions", "rows"),
    [
        pytest.param(Wanted(), (), {"*", "id-cgk", "us-sea"}, id="everything"),
        pytest.param(Wanted(("id-cgk",)), ("*", "id-cgk"), {"*", "id-cgk"}, id="a region by name"),
        pytest.param(Wanted(("us-*",)), ("*", "us-*"), {"*", "us-sea"}, id="regions by pattern"),
        pytest.param(Wanted(("eu-west",)), ("*", "eu-west"), {"*"}, id="a region with the common price"),
    ],
)
def test_only_what_is_wanted_is_taken(
    read: Callable[..., Found], server: Server, http: Http, wanted: Wanted, regions: tuple[str, ...], rows: set[str]
) -> None:
    found = read(as_json(page([plan(regions={"id-cgk": 0.6, "us-sea": 0.7})])), wanted=wanted)
    assert {price.region for price in found.prices} == rows
    (part,) = linode.SOURCE.parts(context(http, server.url, KNOWN, wanted))
    assert part.scopes == (Scope("linode", "machine", "on_demand", regions),)


def test_nothing_is_asked_where_only_spot_is_wanted(server: Server, http: Http) -> None:
    wanted = Wanted(purchase_models=("spot",))
    assert not tuple(linode.SOURCE.parts(context(http, server.url, KNOWN, wanted)))
    assert not server.requests
