"""The lists of Vultr plans against a real server that answers in the documented form, well or badly."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gpuguard.errors import ServiceError
from gpuguard.price.sources import vultr
from gpuguard.price.sources.base import FetchedType, Found, Scope, Wanted
from gpuguard.price.sources.http import ChangedMidwayError, Http
from tests.price.sources.known import Known, context, machine, prices
from tests.price.sources.servers import Answer, Reply, Request, Server, as_json

KNOWN = Known(
    {"vultr": (machine("vcg-a100-12c-120g-80vram", "A100-80GB", 1),)},
    {"vultr": ("blr", "ewr")},
)

Row = dict[str, Any]


def cloud(id: str = "vcg-a100-1c-6g-4vram", **more: Any) -> Row:
    """A cloud GPU plan with all fields of the public list."""
    return {
        "id": id,
        "vcpu_count": 1,
        "ram": 6144,
        "disk": 70,
        "disk_count": 1,
        "disk_type": "CLOUDGPU",
        "bandwidth": 1024,
        "monthly_cost": 90,
        "hourly_cost": 0.123,
        "monthly_cost_preemptible": 90,
        "hourly_cost_preemptible": 0.123,
        "invoice_type": "monthly",
        "type": "vcg",
        "locations": ["ewr"],
        "gpu_vram_gb": 4,
        "gpu_type": "NVIDIA_A100",
        "gpu_count": "1/20",
        "gpu_brand": "NVIDIA",
        "cpu_vendor": "AMD",
        "storage_type": "local_and_block_storage",
        "vcpu_type": "thread",
        "deploy_ondemand": True,
        "deploy_preemptible": False,
        "location_cost": {},
        **more,
    }


def dedicated(id: str = "vcg-a40-24c-120g-48vram", **more: Any) -> Row:
    """A plan of dedicated metal: it tells no more of its GPU than the maker."""
    row = cloud(id, type="vdm", vcpu_count=24, ram=122880, hourly_cost=1.712, monthly_cost=1250, locations=["blr"])
    return {name: row[name] for name in row if name not in ("gpu_vram_gb", "gpu_type", "gpu_count")} | more


def metal(id: str = "vbm-256c-2048gb-8-mi300x-gpu", **more: Any) -> Row:
    """A bare metal plan of the older form, which does not tell how it is sold."""
    return {
        "id": id,
        "physical_cpus": 2,
        "cpu_count": 128,
        "cpu_cores": 128,
        "cpu_threads": 256,
        "cpu_model": "EPYC 9534",
        "cpu_mhz": 2450,
        "ram": 2321924,
        "disk": 3576,
        "disk_count": 8,
        "bandwidth": 10240,
        "monthly_cost": 11773.44,
        "hourly_cost": 17.52,
        "monthly_cost_preemptible": 9891.84,
        "hourly_cost_preemptible": 14.72,
        "type": "NVMe",
        "locations": ["ord"],
        "gpu_type": "AMD_MI300X",
        "gpu_count": 8,
        "gpu_vram_gb": 1536,
        **more,
    }


def compute(id: str = "vc2-2c-4gb", **more: Any) -> Row:
    row = cloud(id, type="vc2", hourly_cost=0.027, monthly_cost=20)
    return {name: row[name] for name in row if not name.startswith("gpu_")} | more


def listed(name: str, rows: list[Row], next: str = "", total: int | None = None) -> Row:
    meta = {"total": len(rows) if total is None else total, "links": {"next": next, "prev": ""}}
    return {name: rows, "meta": meta}


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
    """Reads the part of the source from two lists of plans, or from the answers given."""

    def read(
        plans: list[Row] | Answer | None = None,
        bare: list[Row] | Answer | None = None,
        wanted: Wanted | None = None,
    ) -> Found:
        for path, name, given in (("/v2/plans", "plans", plans), ("/v2/plans-metal", "plans_metal", bare)):
            answer = as_json(listed(name, given or [])) if given is None or isinstance(given, list) else given
            server.on(path, answer)
        asked = context(http, server.url, KNOWN, wanted)
        (part,) = vultr.SOURCE.parts(asked)
        return part.read(asked, None)

    return read


def test_both_lists_are_read_and_only_what_carries_gpus_is_kept(read: Callable[..., Found], server: Server) -> None:
    found = read([compute(), cloud(), dedicated()], [metal(), metal("vbm-4c-32gb", gpu_type=None, gpu_count=None)])
    assert prices(found) == {
        ("vcg-a100-1c-6g-4vram", "ewr", "on_demand"): "0.123",
        ("vcg-a40-24c-120g-48vram", "blr", "on_demand"): "1.712",
        ("vbm-256c-2048gb-8-mi300x-gpu", "ord", "on_demand"): "17.52",
        ("vbm-256c-2048gb-8-mi300x-gpu", "ord", "spot"): "14.72",
    }
    assert found.types == (
        FetchedType("vbm-256c-2048gb-8-mi300x-gpu", 256, 2321924 / 1024, "MI300X", 8),
        FetchedType("vcg-a100-1c-6g-4vram", 1, 6, "A100-80GB", 0.05),
        FetchedType("vcg-a40-24c-120g-48vram", 24, 120, "A40", None),
    )
    assert (found.as_of, found.notes) == ("2026-11-20", ())
    assert server.asked("/v2/plans")[0].query == {"type": "all", "per_page": "500"}
    assert server.asked("/v2/plans-metal")[0].query == {"per_page": "500"}


def test_a_monthly_price_below_730_hours_is_told_beside_the_price(read: Callable[..., Found]) -> None:
    found = read([cloud()], [metal()])
    assert {price.sku: price.note for price in found.prices if price.purchase_model == "on_demand"} == {
        "vcg-a100-1c-6g-4vram": "",
        "vbm-256c-2048gb-8-mi300x-gpu": "listed at 11773.44 USD a month",
    }


@pytest.mark.parametrize(
    ("fields", "models", "notes"),
    [
        pytest.param({}, {"on_demand", "spot"}, 0, id="an older list that does not say"),
        pytest.param({"deploy_ondemand": True, "deploy_preemptible": False}, {"on_demand"}, 0, id="on demand only"),
        pytest.param({"deploy_ondemand": False, "deploy_preemptible": True}, {"spot"}, 1, id="preemptible only"),
        pytest.param({"deploy_ondemand": False, "deploy_preemptible": False}, set(), 1, id="not sold now"),
        pytest.param({"hourly_cost_preemptible": 0}, {"on_demand"}, 0, id="an older list without a preemptible price"),
        pytest.param(
            {"deploy_preemptible": True, "hourly_cost_preemptible": 0}, {"on_demand", "spot"}, 0, id="zero is passed on"
        ),
        pytest.param(
            {"deploy_preemptible": True, "hourly_cost_preemptible": None}, {"on_demand"}, 1, id="null is told"
        ),
        pytest.param({"hourly_cost": None}, {"spot"}, 1, id="no hourly price is told"),
        pytest.param({"locations": []}, set(), 1, id="sold nowhere now"),
        pytest.param({"locations": [""]}, set(), 1, id="a location without a name"),
    ],
)
def test_a_plan_has_the_prices_it_is_sold_at(
    read: Callable[..., Found], fields: Row, models: set[str], notes: int
) -> None:
    found = read([], [metal(**fields)])
    assert {price.purchase_model for price in found.prices} == models
    assert len(found.notes) == notes
    assert len(found.types) == 1


def test_a_location_may_have_its_own_price(read: Callable[..., Found]) -> None:
    special = {"sao": {"hourly_cost": 0.15, "monthly_cost": 110, "hourly_cost_preemptible": 0.1}}
    found = read([cloud(locations=["ewr", "sao", "ewr"], location_cost=special, deploy_preemptible=True)])
    assert prices(found) == {
        ("vcg-a100-1c-6g-4vram", "ewr", "on_demand"): "0.123",
        ("vcg-a100-1c-6g-4vram", "ewr", "spot"): "0.123",
        ("vcg-a100-1c-6g-4vram", "sao", "on_demand"): "0.15",
        ("vcg-a100-1c-6g-4vram", "sao", "spot"): "0.1",
    }


@pytest.mark.parametrize(
    ("fields", "gpu", "count"),
    [
        pytest.param({"gpu_count": 1, "gpu_vram_gb": 80}, "A100-80GB", 1, id="a whole GPU by its memory"),
        pytest.param({"gpu_count": "1/2", "gpu_vram_gb": 20}, "A100-40GB", 0.5, id="half of a smaller one"),
        pytest.param({"gpu_count": None}, "A100-40GB", None, id="an unknown number is not guessed"),
        pytest.param({"gpu_count": "half"}, "A100-40GB", None, id="a number in words neither"),
        pytest.param({"gpu_count": "0/2"}, "A100-40GB", None, id="nor none"),
        pytest.param({"gpu_type": "NVIDIA_A100_SXM", "gpu_count": 8, "gpu_vram_gb": 640}, "A100-80GB", 8, id="SXM"),
        pytest.param({"gpu_type": "NVIDIA_X999", "gpu_count": 1}, "NVIDIA_X999", 1, id="a new GPU keeps its name"),
    ],
)
def test_the_gpu_is_told_by_type_and_memory(
    read: Callable[..., Found], fields: Row, gpu: str, count: float | None
) -> None:
    (facts,) = read([cloud("vcg-new", **fields)]).types
    assert (facts.gpu_name, facts.gpu_count) == (gpu, count)


def test_a_gpu_plan_of_a_new_family_is_kept_by_what_the_list_says(read: Callable[..., Found]) -> None:
    assert prices(read([cloud("vxx-h100-1")])) == {("vxx-h100-1", "ewr", "on_demand"): "0.123"}


def test_all_pages_are_read_and_failures_in_between_are_survived(read: Callable[..., Found], server: Server) -> None:
    failures = [Reply(status=500), Reply(reset=True), Reply(status=429, headers={"Retry-After": "2"})]

    def answer(request: Request) -> Reply:
        number = {"": 1, "bmV4dA==": 2, "bGFzdA==": 3}[request.query.get("cursor", "")]
        if number == 2 and failures:
            return failures.pop()
        cursor = {1: "bmV4dA==", 2: "bGFzdA==", 3: ""}[number]
        return as_json(listed("plans", [cloud(f"vcg-{number}", hourly_cost=number)], cursor, 3))

    assert set(prices(read(answer)).values()) == {"1", "2", "3"}
    assert len(server.asked("/v2/plans")) == 6


def test_a_list_that_changes_while_it_is_read_is_never_taken_in_part(read: Callable[..., Found]) -> None:
    with pytest.raises(ChangedMidwayError, match="2 plans are announced and 1 came"):
        read(as_json(listed("plans", [cloud()], total=2)))


def test_a_list_that_changed_while_it_was_read_is_read_anew(read: Callable[..., Found]) -> None:
    answers = [listed("plans", [cloud(hourly_cost=1)], total=2), listed("plans", [cloud(hourly_cost=2)])]
    assert list(prices(read(lambda request: as_json(answers.pop(0)))).values()) == ["2"]


def test_pages_without_an_end_are_refused(read: Callable[..., Found], server: Server) -> None:
    with pytest.raises(ServiceError, match="more than 20 pages"):
        read(as_json(listed("plans", [], "again")))
    assert len(server.requests) == vultr.MAX_PAGES


@pytest.mark.parametrize(
    ("body", "says"),
    [
        pytest.param({"plans": [cloud()]}, "meta", id="no paging"),
        pytest.param({"plans": [], "meta": {"total": 0}}, "links", id="no links"),
        pytest.param({"error": "Unauthorized", "status": 401}, "plans", id="an error in the place of the list"),
        pytest.param(listed("plans", [{"id": "vcg-x"}]), r"\$\.plans\[0\]", id="a plan without its fields"),
        pytest.param(listed("plans", [cloud(locations="ewr")]), "locations", id="locations that are a text"),
        pytest.param(listed("plans", [cloud(location_cost=[1])]), "location_cost", id="prices that are a list"),
        pytest.param(listed("plans", [cloud(hourly_cost="1")]), "a price was expected", id="a price that is a text"),
        pytest.param(listed("plans", [cloud(hourly_cost=[1])]), "a price was expected", id="a price that is a list"),
    ],
)
def test_another_form_is_refused(read: Callable[..., Found], body: Any, says: str) -> None:
    with pytest.raises(ServiceError, match=says) as caught:
        read(as_json(body))
    assert caught.value.hint


@pytest.mark.parametrize(
    ("wanted", "scopes", "rows"),
    [
        pytest.param(
            Wanted(),
            [("on_demand", ()), ("spot", ())],
            {("ewr", "on_demand"), ("ord", "on_demand"), ("ord", "spot")},
            id="everything",
        ),
        pytest.param(
            Wanted(("ew*", "ord")),
            [("on_demand", ("ew*", "ewr", "ord")), ("spot", ("ew*", "ewr", "ord"))],
            {("ewr", "on_demand"), ("ord", "on_demand"), ("ord", "spot")},
            id="regions by name and pattern",
        ),
        pytest.param(
            Wanted(("us-*",)), [("on_demand", ("us-*",)), ("spot", ("us-*",))], set(), id="regions there are none of"
        ),
        pytest.param(Wanted((), ("spot", "reserved")), [("spot", ())], {("ord", "spot")}, id="spot only"),
        pytest.param(
            Wanted(("ord",), ("on_demand",)), [("on_demand", ("ord",))], {("ord", "on_demand")}, id="one of each"
        ),
    ],
)
def test_only_what_is_wanted_is_taken(
    read: Callable[..., Found],
    server: Server,
    http: Http,
    wanted: Wanted,
    scopes: list[tuple[str, tuple[str, ...]]],
    rows: set[tuple[str, str]],
) -> None:
    found = read([cloud()], [metal()], wanted)
    assert {(price.region, price.purchase_model) for price in found.prices} == rows
    (part,) = vultr.SOURCE.parts(context(http, server.url, KNOWN, wanted))
    assert part.scopes == tuple(Scope("vultr", "machine", model, regions) for model, regions in scopes)
    held = [scope for scope in part.scopes if scope.holds("vultr", "machine", "vcg-x", "sjc", scope.purchase_model)]
    assert bool(held) == (not wanted.regions), "a region nobody asked for is never replaced"


def test_nothing_is_asked_where_neither_model_is_wanted(server: Server, http: Http) -> None:
    wanted = Wanted(purchase_models=("reserved",))
    assert not tuple(vultr.SOURCE.parts(context(http, server.url, KNOWN, wanted)))
    assert not server.requests


def test_notes_are_bounded_and_printable(read: Callable[..., Found]) -> None:
    rows = [cloud(f"vcg-{number}\x1b[31m" + "x" * 400, locations=[]) for number in range(80)]
    notes = read(rows).notes
    assert len(notes) == 50
    assert all(note.isprintable() and len(note) <= 300 for note in notes)
