"""Plans that are JSON and damaged inside: nothing is lost, nothing is silently zero, and the good rest is priced."""

from collections.abc import Iterator
from copy import deepcopy
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from gpuguard.report.json import load, render, schema
from gpuguard.report.options import Options
from tests.hostile.plans import (
    FIXTURES,
    Json,
    Place,
    broad_plan,
    change,
    group,
    instance,
    parent_of,
    places,
    plan,
    written,
)
from tests.hostile.run import Outcome, gpuguard, judge, process

VALIDATOR = Draft202012Validator(schema())
WRONG: tuple[Json, ...] = (None, -1.5, True, "x", [[]], {}, {"a": {"b": None}})
A10G_MONTH = Decimal("734.38")  # g5.xlarge in us-east-1: $1.006 an hour, 730 hours


def judged(path: Path, value: Json, *more: str) -> Outcome:
    path.write_bytes(value if isinstance(value, bytes) else written(value))
    return gpuguard("check", path, "--format", "json", *more)


def resource(outcome: Outcome, address: str) -> dict[str, Any]:
    return next(each for each in outcome.report["resources"] if each["address"] == address)


def codes(outcome: Outcome, address: str | None = None) -> set[str]:
    return {each["code"] for each in outcome.report["diagnostics"] if address in (None, each["address"])}


def wrong_at(place: Place) -> Iterator[Json]:
    for value in WRONG:
        damaged = broad_plan()
        parent_of(damaged, place)[place[-1]] = deepcopy(value)
        yield damaged


def shown(place: Place) -> str:
    return ".".join(map(str, place))


LEVELS = list(places(broad_plan()))


@pytest.mark.parametrize("place", LEVELS, ids=shown)
def test_a_value_of_the_wrong_type_is_refused_or_told(place: Place, tmp_path: Path) -> None:
    """At every place of a plan: one clear error, or a valid report in which the good resource has its price."""
    path = tmp_path / "plan.json"
    for damaged in wrong_at(place):
        report = judge(written(damaged), path)
        if report.inputs[0].error is not None:
            assert report.inputs[0].error.startswith(f"{path}: ")
            assert not report.resources
            continue
        load(render(report, Options()).encode(), "report")
        if place[:2] != ("resource_changes", 0):
            [good] = [each for each in report.resources if each.address == "aws_instance.good"]
            assert good.after is not None
            assert good.after.monthly.expected == A10G_MONTH


UNREADABLE: dict[str, Json] = {
    "text": "g5.xlarge",
    "a number": 7,
    "a boolean": True,
    "an array": [{"instance_type": "g5.xlarge"}],
}


@pytest.mark.parametrize("after", UNREADABLE.values(), ids=UNREADABLE)
def test_a_resource_whose_values_are_no_object_is_unknown_and_the_rest_is_priced(after: Json, tmp_path: Path) -> None:
    """It may hold any GPU: it is told, counted as unknown, and the totals are lower bounds."""
    outcome = judged(tmp_path / "plan.json", plan(change("aws_instance", "bad", after), instance("good")))
    assert outcome.code == 0
    assert "unreadable-resource" in codes(outcome, "aws_instance.bad")
    assert outcome.report["summary"]["unknown"] == 1
    assert resource(outcome, "aws_instance.bad")["after"]["monthly"]["expected"] is None
    assert Decimal(outcome.report["summary"]["monthly_after"]) == A10G_MONTH
    assert "≥" in gpuguard("check", tmp_path / "plan.json").out.splitlines()[0]


def test_an_unreadable_resource_leaves_a_strict_verdict_undecided(tmp_path: Path) -> None:
    outcome = judged(tmp_path / "plan.json", plan(change("aws_instance", "bad", "x"), instance("good")), "--strict")
    assert outcome.code == 3


def test_values_that_are_no_utf8_are_unreadable_and_the_rest_is_priced(tmp_path: Path) -> None:
    data = written(plan(instance("bad", after={"user_data": "HERE"}), instance("good"))).replace(b"HERE", b"\xff\xfe")
    outcome = judged(tmp_path / "plan.json", data)
    assert outcome.code == 0
    assert "unreadable-resource" in codes(outcome, "aws_instance.bad")
    assert Decimal(outcome.report["summary"]["monthly_after"]) == A10G_MONTH


def test_numbers_that_no_machine_holds_are_unreadable_and_the_rest_is_priced(tmp_path: Path) -> None:
    data = written(plan(instance("bad", after={"cpu_core_count": "HERE"}), instance("good")))
    outcome = judged(tmp_path / "plan.json", data.replace(b'"HERE"', b"1e999"))
    assert outcome.code == 0
    assert "unreadable-resource" in codes(outcome, "aws_instance.bad")
    assert Decimal(outcome.report["summary"]["monthly_after"]) == A10G_MONTH


def test_an_unreadable_template_is_told_and_its_group_is_unknown(tmp_path: Path) -> None:
    template, scaling = group(min_size=1, max_size=1)
    template["change"]["after"] = "x"
    outcome = judged(tmp_path / "plan.json", plan(template, scaling, instance("good")))
    assert outcome.code == 0
    assert "unreadable-resource" in codes(outcome, "aws_launch_template.lt")
    assert outcome.report["summary"]["unknown"] == 1
    assert Decimal(outcome.report["summary"]["monthly_after"]) == A10G_MONTH


@pytest.mark.parametrize("size", ["before", "after"])
def test_an_unreadable_side_of_an_update_is_never_a_saving(size: str, tmp_path: Path) -> None:
    entry = instance("gpu")
    entry["change"] |= {"actions": ["update"], "before": entry["change"]["after"]} | {size: "x"}
    outcome = judged(tmp_path / "plan.json", plan(entry))
    assert outcome.code == 0
    assert outcome.report["summary"]["unknown"] == 1
    assert Decimal(outcome.report["summary"]["monthly_delta"]) == 0


ODD_MACHINES: dict[str, Json] = {
    "a number": 5,
    "a boolean": True,
    "an object": {"name": "g5.xlarge"},
    "an array": ["g5.xlarge"],
    "null": None,
    "no text": "",
}


@pytest.mark.parametrize("machine", ODD_MACHINES.values(), ids=ODD_MACHINES)
def test_a_machine_type_that_is_no_text_may_hold_a_gpu(machine: Json, tmp_path: Path) -> None:
    outcome = judged(tmp_path / "plan.json", plan(instance("odd", machine), instance("good")))
    assert outcome.code == 0
    assert any(code.startswith("unknown-") for code in codes(outcome, "aws_instance.odd"))
    assert outcome.report["summary"]["unknown"] == 1


SIZES: dict[str, tuple[bytes, float | None]] = {
    "a number as text": (b'"3"', 3),
    "a number as text with space": (b'" 3 "', 3),
    "a float": (b"3.0", 3),
    "nothing": (b"0", 0),
    "a negative number": (b"-1", None),
    "a negative number as text": (b'"-5"', None),
    "more machines than there are": (b"1000000000", None),
    "a 400-digit number": (b"1" + b"0" * 400, None),
    "a 5000-digit number as text": (b'"' + b"9" * 5000 + b'"', None),
    "text": (b'"many"', None),
    "NaN as text": (b'"NaN"', None),
    "infinity as text": (b'"1e999"', None),
    "a boolean": (b"true", None),
    "an array": (b"[3]", None),
    "an object": (b"{}", None),
}


@pytest.mark.parametrize(("size", "units"), SIZES.values(), ids=SIZES)
def test_an_odd_size_is_read_or_unknown_and_never_zero(size: bytes, units: float | None, tmp_path: Path) -> None:
    template, scaling = group(min_size=0, max_size=4, desired_capacity="HERE")
    data = written(plan(template, scaling)).replace(b'"HERE"', size)
    outcome = judged(tmp_path / "plan.json", data)
    assert outcome.code in (0, 3), outcome.err
    after = resource(outcome, "aws_autoscaling_group.gpu")["after"]
    assert after["pools"][0]["units"]["expected"] == units
    assert (after["monthly"]["expected"] is None) == (units is None)
    if units is None:
        assert codes(outcome, "aws_autoscaling_group.gpu") & {
            "implausible-value",
            "unreadable-value",
            "unreadable-resource",
        }


def test_products_of_absurd_numbers_are_no_price(tmp_path: Path) -> None:
    """A hundred million GPUs on each of as many nodes in a thousand zones."""
    after = {
        "location": "us-central1",
        "node_count": 100_000_000,
        "node_locations": [f"us-central1-{index}" for index in range(1000)],
        "node_config": [
            {"machine_type": "n1-standard-4", "guest_accelerator": [{"type": "nvidia-tesla-t4", "count": 100_000_000}]}
        ],
    }
    outcome = judged(tmp_path / "plan.json", plan(change("google_container_node_pool", "pool", after)))
    assert outcome.code in (0, 3), outcome.err
    VALIDATOR.validate(outcome.report)
    assert resource(outcome, "google_container_node_pool.pool")["after"]["monthly"]["expected"] is None
    assert "implausible-value" in codes(outcome)


def test_the_largest_sizes_that_are_taken_stay_within_the_schema(tmp_path: Path) -> None:
    template, scaling = group(min_size=1_000_000, max_size=1_000_000)
    template["change"]["after"]["instance_type"] = "p5.48xlarge"
    template["change"]["after"]["block_device_mappings"] = [
        {
            "device_name": f"/dev/sd{index}",
            "ebs": [{"volume_size": 100_000_000, "volume_type": "io2", "iops": 100_000_000}],
        }
        for index in range(20)
    ]
    outcome = judged(tmp_path / "plan.json", plan(template, scaling))
    VALIDATOR.validate(outcome.report)
    saved = tmp_path / "report.json"
    saved.write_text(outcome.out)
    assert gpuguard("diff", saved, saved).code == 0


# -- names -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "type_",
    [
        "__class__",
        "__init__",
        "constructor",
        "",
        "x" * 100_000,
        "aws_instance\0",
        "AWS_INSTANCE",
        "acme_gpu_farm",
        "\u202e",
    ],
    ids=[
        "__class__",
        "__init__",
        "constructor",
        "empty",
        "long",
        "zero byte",
        "upper case",
        "of another provider",
        "bidi",
    ],
)
def test_an_unknown_type_is_no_gpu_and_no_error(type_: str, tmp_path: Path) -> None:
    outcome = judged(tmp_path / "plan.json", plan(instance("good"), change(type_, "x", {"instance_type": "g5.xlarge"})))
    assert outcome.code == 0
    assert [each["address"] for each in outcome.report["resources"]] == ["aws_instance.good"]


@pytest.mark.parametrize(
    "name", ["__class__", "__dict__", "../../etc/passwd", "'; DROP TABLE prices; --", "%s{0}", "\0"]
)
def test_a_machine_type_of_a_strange_name_reaches_nothing(name: str, tmp_path: Path) -> None:
    outcome = judged(tmp_path / "plan.json", plan(instance("odd", name), instance("good")))
    assert outcome.code == 0
    assert Decimal(outcome.report["summary"]["monthly_after"]) == A10G_MONTH


ADDRESSES: dict[str, str] = {
    "a megabyte": "aws_instance." + "x" * 1_000_000,
    "no dot": "x",
    "only dots": "....",
    "an open bracket": 'aws_instance.x["',
    "brackets alone": "[[[[]]]]",
    "a megabyte of brackets": "[" * 1_000_000,
    "a module without an end": "module.a.module.",
    "escape sequences": "aws_instance.\x1b[31mred\x1b]0;title\x07",
    "a new line": "aws_instance.x\nerror: fake",
    "a bidirectional override": "aws_instance.\u202egpj.exe",
    "Markdown and HTML": "aws_instance.<img src=x onerror=alert(1)>`|**[x](http://example.com)",
    "many combining marks": "aws_instance." + "a\u0301" * 1000,
}


@pytest.mark.parametrize("form", ["table", "json", "markdown"])
@pytest.mark.parametrize("address", ADDRESSES.values(), ids=ADDRESSES)
def test_a_strange_address_is_shown_harmless(address: str, form: str, tmp_path: Path) -> None:
    """No control character leaves, nothing but JSON grows with it, and the price is there."""
    entry = instance("gpu", after={"tags": {address[:2000]: address[:2000]}}) | {"address": address}
    entry["module_address"] = address.rpartition(".")[0]
    path = tmp_path / "plan.json"
    path.write_bytes(written(plan(entry)))
    outcome = gpuguard("check", path, "--format", form, "--verbose")
    assert outcome.code == 0, outcome.err
    assert all(char.isprintable() or char == "\n" for char in outcome.out if char not in "\u0301\u200b")
    assert "\x1b" not in outcome.out
    assert "\n error: fake" not in outcome.out
    if form != "json":
        assert len(outcome.out) < 100_000


def test_an_address_of_another_resource_does_not_count_as_listed_twice(tmp_path: Path) -> None:
    """A deposed object has the address of the current one."""
    old = instance() | {"deposed": "4a5b6c7d"}
    old["change"] |= {"actions": ["delete"], "before": old["change"]["after"], "after": None}
    outcome = judged(tmp_path / "plan.json", plan(instance(), old))
    assert outcome.code == 0
    assert len(outcome.report["resources"]) == 2


# -- configurations made to blow up ----------------------------------------------------------------------------------


def referring(references: list[str], name: str = "gpu", **more: Json) -> dict[str, Json]:
    return {
        "type": "aws_instance",
        "name": name,
        "mode": "managed",
        "expressions": {"instance_type": {"references": references}},
        **more,
    }


def unknown(name: str = "gpu", **more: Json) -> dict[str, Json]:
    return change(
        "aws_instance", name, {"availability_zone": "us-east-1a"}, after_unknown={"instance_type": True}, **more
    )


def call(inner: Json, **expressions: Json) -> dict[str, Json]:
    return {"source": "./m", "expressions": expressions, "module": inner}


def doubling(depth: int) -> Json:
    """Modules whose two outputs each name both outputs of the next: 2 to the power of `depth` ways."""
    both = {"expression": {"references": ["module.n.a", "module.n.b"]}}
    inner: Json = {"outputs": {"a": both, "b": both}}
    for _ in range(depth):
        inner = {"outputs": {"a": both, "b": both}, "module_calls": {"n": call(inner)}}
    return inner


BOMBS: dict[str, Json] = {
    "a hundred thousand references": plan(
        unknown(),
        configuration={"root_module": {"resources": [referring([f"aws_x.y{index}.id" for index in range(100_000)])]}},
    ),
    "a reference of a megabyte": plan(
        unknown(), configuration={"root_module": {"resources": [referring(["a." * 500_000])]}}
    ),
    "a variable that is itself": plan(
        unknown(module="module.a"),
        configuration={
            "root_module": {
                "module_calls": {
                    "a": call(
                        {"resources": [referring(["var.x"])], "variables": {"x": {}}}, x={"references": ["var.x"]}
                    )
                },
                "variables": {"x": {}},
            }
        },
    ),
    "two resources that name each other": plan(
        unknown("a"),
        unknown("b"),
        configuration={
            "root_module": {
                "resources": [
                    referring(["aws_instance.b.instance_type"], "a"),
                    referring(["aws_instance.a.instance_type"], "b"),
                ]
            }
        },
    ),
    "a resource that names itself": plan(
        unknown(), configuration={"root_module": {"resources": [referring(["aws_instance.gpu.instance_type"])]}}
    ),
    "an output that is itself": plan(
        unknown(),
        configuration={
            "root_module": {
                "resources": [referring(["module.a.o"])],
                "module_calls": {
                    "a": call(
                        {"outputs": {"o": {"expression": {"references": ["var.i"]}}}}, i={"references": ["module.a.o"]}
                    )
                },
            }
        },
    ),
    "thirty modules that double": plan(
        unknown(),
        configuration={
            "root_module": {"resources": [referring(["module.n.a"])], "module_calls": {"n": call(doubling(30))}}
        },
    ),
    "a hundred resources that all name each other": plan(
        *(unknown(f"r{index}") for index in range(100)),
        configuration={
            "root_module": {
                "resources": [
                    referring([f"aws_instance.r{other}.instance_type" for other in range(100)], f"r{index}")
                    for index in range(100)
                ]
            }
        },
    ),
    "a chain of two thousand": plan(
        *(unknown(f"r{index}") for index in range(2000)),
        configuration={
            "root_module": {
                "resources": [
                    referring([f"aws_instance.r{index + 1}.instance_type"], f"r{index}") for index in range(2000)
                ]
            }
        },
    ),
    "instances of two thousand that may be any of two thousand": plan(
        *(unknown(index=f"k{index}") for index in range(2000)),
        *(change("aws_instance", "other", {"instance_type": None}, index=f"x{index}") for index in range(2000)),
        configuration={
            "root_module": {
                "resources": [
                    referring(["aws_instance.other.instance_type"], for_each_expression={"references": ["var.all"]})
                ]
            }
        },
    ),
}


@pytest.mark.parametrize("value", BOMBS.values(), ids=BOMBS)
def test_a_configuration_that_would_blow_up_ends_as_unknown(value: Json, tmp_path: Path) -> None:
    """Cycles and fans of references end; the machine type is unknown, which is told, and nothing is zero."""

    def limits() -> None:
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
        resource.setrlimit(resource.RLIMIT_AS, (1024**3, 1024**3))

    path = tmp_path / "plan.json"
    path.write_bytes(written(value))
    outcome = process("check", path, "--format", "json", preexec=limits)
    assert outcome.code == 0, (outcome.code, outcome.err)
    expected = sum(each["change"].get("after_unknown") == {"instance_type": True} for each in value["resource_changes"])
    assert outcome.report["summary"]["unknown"] >= expected


# -- states ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("attributes", ["x", 7, [1], True], ids=["text", "a number", "an array", "a boolean"])
def test_a_broken_instance_of_a_state_is_unknown_and_the_rest_is_priced(attributes: Json, tmp_path: Path) -> None:
    good = {"instance_type": "g5.xlarge", "availability_zone": "us-east-1a"}
    state = {
        "version": 4,
        "resources": [
            {"mode": "managed", "type": "aws_instance", "name": name, "instances": [{"attributes": value}]}
            for name, value in (("bad", attributes), ("good", good))
        ],
    }
    outcome = judged(tmp_path / "terraform.tfstate", state)
    assert outcome.code == 0
    assert "unreadable-resource" in codes(outcome, "aws_instance.bad")
    assert outcome.report["summary"]["unknown"] == 1
    assert Decimal(outcome.report["summary"]["monthly_after"]) == A10G_MONTH


@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda path: path.parent.name)
def test_the_genuine_plan_ends_in_a_report_of_the_schema(fixture: Path) -> None:
    outcome = gpuguard("check", fixture, "--format", "json")
    assert outcome.code in (0, 3)
    VALIDATOR.validate(outcome.report)
