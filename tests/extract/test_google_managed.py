"""What the managed services of Google Cloud share: names, durations, map entries, fees for each vCPU."""

import json
from decimal import Decimal

import pytest

from gpuguard.extract.providers.google import managed
from gpuguard.extract.spec import Machine
from gpuguard.extract.view import Context, View
from gpuguard.model.price import Price, PriceKey, Unpriced
from gpuguard.model.usage import AttachedAccelerator, MachineOption, Unknown
from gpuguard.read.detect import parse_document
from gpuguard.read.references import Resolver
from tests.extract.plans import Json, catalog, const, plan, ref, resource

FEE = "dataproc-vcpu"


def view_of(values: Json, unknown: Json | None = None, expressions: Json | None = None, *fees: str) -> View:
    """A view of one resource, in a world where these fees have a price."""

    def price(key: PriceKey) -> Price | Unpriced:
        if key.kind == "managed_service" and key.sku in fees:
            return Price(key, "hour", Decimal("0.01"), "a price list", "2026-08-01")
        return Unpriced(key, "no row")

    document = parse_document(
        json.dumps(plan(resource("google_thing.x", values, unknown=unknown, expressions=expressions))).encode(),
        "plan.json",
        "acme",
    )
    facts = catalog()
    context = Context(
        document=document,
        resolver=Resolver(document),
        offers=facts.offers,
        looks_accelerated=facts.looks_like_accelerator,
        price=price,
    )
    return View(context, next(iter(document.current("google_thing"))), "after", [])


def machine(name: str, *accelerators: str) -> Machine:
    attached = tuple(AttachedAccelerator(each, Decimal(1)) for each in accelerators)
    return Machine(options=(MachineOption(name),), accelerators=attached)


@pytest.mark.parametrize(
    ("text", "value"),
    [("3600s", Decimal(3600)), ("1.5s", Decimal("1.5")), ("60m", None), ("", None), (7, None), (None, None)],
)
def test_durations_are_seconds(text: object, value: Decimal | None) -> None:
    assert managed.seconds(text) == value


@pytest.mark.parametrize(
    ("name", "compute", "short"),
    [
        ("NVIDIA_TESLA_T4", "nvidia-tesla-t4", "t4"),
        ("NVIDIA_A100_80GB", "nvidia-a100-80gb", "a100-80gb"),
        ("projects/p/zones/us-central1-a/acceleratorTypes/nvidia-l4", "nvidia-l4", "l4"),
    ],
)
def test_accelerators_have_the_names_of_compute_engine(name: str, compute: str, short: str) -> None:
    assert (managed.accelerator_name(name), managed.short_name(name)) == (compute, short)


def test_an_entry_of_a_map_may_have_dots_in_its_key() -> None:
    view = view_of({"limits": {"nvidia.com/gpu": "1"}})
    assert managed.entry(view, "limits", "nvidia.com/gpu") == "1"
    assert managed.entry(view, "limits", "cpu") is None
    assert managed.entry(view, "elsewhere", "cpu") is None


def test_an_entry_that_only_apply_can_tell_is_unknown_where_it_is_written() -> None:
    unknown = {"limits": {"nvidia.com/gpu": True}}
    written = view_of({"limits": {"cpu": "4"}}, unknown, {"limits": ref("google_other.y.gpus")})
    assert isinstance(managed.entry(written, "limits", "nvidia.com/gpu"), Unknown)
    left = view_of({"limits": {"cpu": "4"}}, unknown, {"name": const("x")})
    assert managed.entry(left, "limits", "nvidia.com/gpu") is None


@pytest.mark.parametrize("odd", [True, "many", [], {}, "-1", "1e400", "nan"])
def test_what_is_no_number_is_unknown(odd: object) -> None:
    assert isinstance(managed.number_of(odd), Unknown)
