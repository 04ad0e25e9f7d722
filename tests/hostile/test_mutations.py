"""Genuine plans, damaged at random: never a crash, and whatever is reported adds up."""

import atexit
import gzip
import json
import shutil
import tempfile
from copy import deepcopy
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from gpuguard.errors import GpuguardError
from gpuguard.model.report import MoneyRange, Report, State
from gpuguard.pipeline import compare, explain
from gpuguard.report import FORMATS, render
from gpuguard.report.json import schema
from tests.hostile.plans import FIXTURES, Json, Place, change, group, instance, parent_of, places, plan, written
from tests.hostile.run import judge
from tests.hostile.run import settings as run_settings

PLANS: dict[str, Json] = {path.parent.name: json.loads(path.read_bytes()) for path in FIXTURES}
PLACES: dict[str, list[Place]] = {name: list(places(value)) for name, value in PLANS.items()}
VALIDATOR = Draft202012Validator(schema())

FOLDER = Path(tempfile.mkdtemp(prefix="gpuguard-mutations-"))
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)
MANY = settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
FEW = settings(max_examples=30)

NASTY: st.SearchStrategy[Json] = st.one_of(
    st.sampled_from(
        [
            None, True, False, 0, -1, 1, 10**18, -(10**18), 10**30, 1e308, 5e-324, 0.5, 1e9, "", " ", "x", "1", "-1", "1e9", "NaN", "\u0000",
            "\u202e\x1b[31m", "g5.xlarge", "p5.48xlarge", "a2-highgpu-1g", "Standard_NC24ads_A100_v4", "us-east-1", "us-central1-a", "spot",
            "SPOT", "__class__", "module.a", "x" * 5000, [], {}, [None], [[]], [{}], {"": ""}, {"a": None}, [1, "x", None],
        ]
    ),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20).filter(lambda text: text.isprintable()),
)  # fmt: skip


@st.composite
def damaged_plans(draw: st.DrawFn) -> Json:
    """A genuine plan with one to six of its nodes replaced, deleted, doubled or swapped with another."""
    name = draw(st.sampled_from(sorted(PLANS)))
    value = deepcopy(PLANS[name])
    for _ in range(draw(st.integers(1, 6))):
        place = draw(st.sampled_from(PLACES[name]))
        try:
            parent = parent_of(value, place)
            node = parent[place[-1]]
        except (KeyError, IndexError, TypeError):
            continue  # an earlier damage took it away
        match draw(st.sampled_from(("replace", "replace", "delete", "double", "swap"))):
            case "replace":
                parent[place[-1]] = draw(NASTY)
            case "delete":
                del parent[place[-1]]
            case "double" if isinstance(parent, list):
                parent.append(deepcopy(node))
            case "double":
                parent["gpuguard"] = deepcopy(node)
            case _:
                other = draw(st.sampled_from(PLACES[name]))
                parent[place[-1]] = deepcopy(_at(PLANS[name], other))
    return value


def _at(value: Json, place: Place) -> Json:
    return parent_of(value, place)[place[-1]]


@st.composite
def damaged_bytes(draw: st.DrawFn) -> bytes:
    """The bytes of a genuine plan, some of them changed, cut out or doubled; packed or in UTF-16 now and then."""
    data = bytearray(draw(st.sampled_from(FIXTURES)).read_bytes())
    encode = draw(st.sampled_from(("plain", "plain", "plain", "gzip", "utf-16")))
    if encode == "gzip":
        data = bytearray(gzip.compress(bytes(data), 1))
    elif encode == "utf-16":
        data = bytearray(bytes(data).decode().encode("utf-16"))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(len(data) - 1, 0)))
        match draw(st.sampled_from(("flip", "cut", "end", "double"))):
            case "flip":
                data[at : at + 1] = bytes([draw(st.integers(0, 255))])
            case "cut":
                del data[at : at + draw(st.integers(1, 50))]
            case "end":
                del data[at:]
            case _:
                data[at:at] = data[at : at + 50]
    return bytes(data)


def assert_sound(report: Report) -> None:
    """The report validates, no money is negative, and the totals are the sums."""
    VALIDATOR.validate(json.loads(render(report, "json")))
    before = after = most = Decimal(0)
    for resource in report.resources:
        for state in (resource.before, resource.after):
            if state is not None:
                assert_consistent(state)
        left = resource.before if resource.action == "forget" else resource.after
        before += (resource.before.monthly.expected or Decimal(0)) if resource.before else Decimal(0)
        after += (left.monthly.expected or Decimal(0)) if left else Decimal(0)
        most += (
            (left.monthly.expected if left.monthly.max is None else left.monthly.max) or Decimal(0)
            if left
            else Decimal(0)
        )
    summary = report.summary
    assert (summary.monthly_before, summary.monthly_after, summary.monthly_max_after) == (before, after, most)
    assert summary.resources == len(report.resources)


def assert_consistent(state: State) -> None:
    """No amount is below zero, and what the components cost is what the resource costs."""
    for money in (state.monthly, state.list_monthly):
        assert all(amount is None or amount >= 0 for amount in (money.min, money.expected, money.max))
    for component in state.components:
        assert component.kind == "discount" or component.monthly is None or component.monthly >= 0
    expected = state.monthly.expected
    if expected is not None:
        total = sum((component.monthly or Decimal(0) for component in state.components), Decimal(0))
        assert abs(total - expected) <= Decimal("1e-4") * max(expected, Decimal(1))
    for pool in state.pools:
        assert all(size is None or size >= 0 for size in (pool.units.min, pool.units.expected, pool.units.max))


def assert_survives(data: bytes) -> None:
    """Judged twice to the same bytes in every format; what cannot be read is one error that names the file."""
    path = FOLDER / "plan.json"
    report = judge(data, path)
    error = report.inputs[0].error
    if error is not None:
        assert error.startswith(f"{path}: ")
        assert not report.resources
        try:
            explain(str(path), "plan", run_settings())
        except GpuguardError:
            return
        raise AssertionError("explain reads what check does not")
    assert_sound(report)
    again = judge(data, path, today=run_settings().today)
    for name in FORMATS:
        text = render(report, name, verbose=True, show="all")
        assert text == render(again, name, verbose=True, show="all")
        assert "\x1b" not in text


@MANY
@given(damaged_plans())
def test_a_plan_with_damaged_nodes_is_refused_or_reported_soundly(value: Json) -> None:
    assert_survives(written(value))


@MANY
@given(damaged_bytes())
def test_a_plan_with_damaged_bytes_is_refused_or_reported_soundly(data: bytes) -> None:
    assert_survives(data)


@st.composite
def damaged_reports(draw: st.DrawFn) -> bytes:
    """A report that gpuguard saved, with one to four of its nodes replaced, deleted or swapped with another."""
    name = draw(st.sampled_from(["aws-change-set", "gcp-change-set", "azure-change-set", "multi-cloud"]))
    report = judge(written(PLANS[name]), FOLDER / "plan.json")
    value = json.loads(render(report, "json"))
    known = list(places(value))
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.sampled_from(known))
        try:
            parent = parent_of(value, place)
            parent[place[-1]] = draw(NASTY | st.sampled_from(known).map(lambda other: deepcopy(_at(value, other))))
        except (KeyError, IndexError, TypeError):
            continue
    return written(value)


@MANY
@given(damaged_reports(), st.booleans())
def test_a_damaged_report_is_refused_or_compared_soundly(data: bytes, first: bool) -> None:
    plan_path, saved = FOLDER / "good.json", FOLDER / "report.json"
    plan_path.write_bytes(written(PLANS["multi-cloud"]))
    saved.write_bytes(data)
    sides = (saved, plan_path) if first else (plan_path, saved)
    try:
        report = compare(str(sides[0]), str(sides[1]), "plan", run_settings())
    except GpuguardError as error:
        assert str(saved) in error.message
        return
    for name in FORMATS:
        assert "\x1b" not in render(report, name, verbose=True, show="all")


# -- properties --------------------------------------------------------------------------------------------------------


MACHINES = st.sampled_from(["g5.xlarge", "g4dn.xlarge", "p4d.24xlarge", "g6.12xlarge", "t3.micro", "m5.large"])


def totals(report: Report) -> tuple[Decimal, Decimal, float]:
    assert report.inputs[0].error is None, report.inputs[0].error
    return report.summary.monthly_after, report.summary.monthly_max_after, report.summary.gpus_after


def judged(*changes: Json) -> Report:
    return judge(written(plan(*changes)), FOLDER / "plan.json")


@FEW
@given(
    st.lists(MACHINES, min_size=1, max_size=4), st.sampled_from(["module.a", 'module.a["x.y"]', "module.a[0].module.b"])
)
def test_moving_resources_into_a_module_changes_no_cost(machines: list[str], module: str) -> None:
    root = judged(*(instance(f"n{index}", machine) for index, machine in enumerate(machines)))
    moved = judged(*(instance(f"n{index}", machine, module=module) for index, machine in enumerate(machines)))
    assert totals(root) == totals(moved)


@FEW
@given(MACHINES, st.integers(1, 30))
def test_a_count_of_n_costs_n_times_one(machine: str, count: int) -> None:
    one = totals(judged(instance("n", machine)))
    many = totals(judged(*(instance("n", machine, index=index) for index in range(count))))
    assert many == (one[0] * count, one[1] * count, one[2] * count)


@FEW
@given(MACHINES, st.integers(0, 50), st.integers(0, 50))
def test_a_group_of_n_costs_n_times_one(machine: str, expected: int, more: int) -> None:
    template, scaling = group(min_size=0, desired_capacity=expected, max_size=expected + more)
    template["change"]["after"]["instance_type"] = machine
    money, most, gpus = totals(judged(template, scaling))
    one, _, gpus_of_one = totals(judged(instance("n", machine)))
    assert (money, most, gpus) == (one * expected, one * (expected + more), gpus_of_one * expected)


def backwards(value: Json) -> Json:
    """The plan that undoes a plan: before and after of every known change are swapped."""
    undone = deepcopy(value)
    for entry in undone["resource_changes"]:
        inner = entry["change"]
        inner["before"], inner["after"] = inner.get("after"), inner.get("before")
        actions = [{"create": "delete", "delete": "create"}.get(action, action) for action in inner["actions"]]
        inner["actions"] = actions[::-1]
    return undone


@FEW
@given(st.lists(st.tuples(MACHINES | st.none(), MACHINES | st.none()).filter(any), min_size=1, max_size=5))
def test_undoing_a_change_gives_its_cost_back(sides: list[tuple[str | None, str | None]]) -> None:
    changes = []
    for index, (old, new) in enumerate(sides):
        entry = instance(f"n{index}", new or old)
        values = entry["change"]["after"]
        entry["change"] |= {
            "actions": ["create"] if old is None else ["delete"] if new is None else ["update"],
            "before": None if old is None else values | {"instance_type": old},
            "after": None if new is None else values | {"instance_type": new},
        }
        changes.append(entry)
    there = judge(written(plan(*changes)), FOLDER / "plan.json").summary
    back = judge(written(backwards(plan(*changes))), FOLDER / "plan.json").summary
    assert there.monthly_delta == -back.monthly_delta
    assert (there.monthly_before, there.monthly_after) == (back.monthly_after, back.monthly_before)


UNRELATED: list[Json] = [
    change("aws_s3_bucket", "unrelated", {"bucket": "acme-data"}),
    change("aws_instance", "unrelated", {"instance_type": "t3.micro", "availability_zone": "us-east-1b"}),
    change("google_compute_instance", "unrelated", {"machine_type": "e2-medium", "zone": "us-central1-a"}),
    change("random_pet", "unrelated", {"length": 2}),
    change("acme_gpu", "farm", {"instance_type": "p5.48xlarge"}),
]


@FEW
@given(
    st.sampled_from(sorted(PLANS)), st.lists(st.sampled_from(UNRELATED), min_size=1, unique_by=id), st.integers(0, 5)
)
def test_an_unrelated_resource_changes_nothing(name: str, unrelated: list[Json], at: int) -> None:
    value = deepcopy(PLANS[name])
    alone = judge(written(value), FOLDER / "plan.json")
    value["resource_changes"][at:at] = unrelated
    beside = judge(written(value), FOLDER / "plan.json")
    assert beside.resources == alone.resources
    assert beside.summary == alone.summary
    assert beside.policy == alone.policy


def test_a_range_of_money_is_ordered_in_every_genuine_plan() -> None:
    """What runs at least costs no more than what is expected, and that no more than the maximum."""

    def ordered(money: MoneyRange) -> bool:
        known: list[Any] = [amount for amount in (money.min, money.expected, money.max) if amount is not None]
        return known == sorted(known)

    for value in PLANS.values():
        for resource in judge(written(value), FOLDER / "plan.json").resources:
            for state in (resource.before, resource.after):
                assert state is None or ordered(state.monthly), resource.address
