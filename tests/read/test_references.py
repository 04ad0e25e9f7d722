"""References are followed as far as they lead, once, and never for ever."""

import pytest

from gpuguard.read.detect import parse_document
from gpuguard.read.references import Resolver, is_marked
from tests.hostile.plans import Json, change, instance, plan, written

PATH = ("instance_type",)


def resolver(value: Json) -> Resolver:
    return Resolver(parse_document(written(value), "plan.json", "plan"))


def pair(references: list[str], *others: Json, **more: Json) -> Resolver:
    """One unknown instance whose machine type refers to these, beside other resources."""
    block = {
        "type": "aws_instance",
        "name": "gpu",
        "expressions": {"instance_type": {"references": references}},
        **more,
    }
    unknown = change("aws_instance", "gpu", {}, after_unknown={"instance_type": True})
    return resolver(plan(unknown, *others, configuration={"root_module": {"resources": [block]}}))


def values(found: Resolver) -> list[object]:
    return found.values(found.document.of_type("aws_instance")[0], PATH)


def test_a_reference_leads_to_the_value_of_another_resource() -> None:
    found = pair(["aws_instance.other.instance_type", "aws_instance.other"], instance("other"))
    assert values(found) == ["g5.xlarge"]


def test_all_that_is_mentioned_comes_in_question_in_order() -> None:
    others = [instance("b", "g6.xlarge"), instance("a", "g5.xlarge")]
    found = pair(["aws_instance.a.instance_type", "aws_instance.b.instance_type"], *others)
    assert values(found) == ["g5.xlarge", "g6.xlarge"]


def test_a_key_names_its_instance_among_thousands() -> None:
    others = [instance("other", f"g5.{index}xlarge", index=index) for index in range(3000)]
    found = pair(["aws_instance.other[1234].instance_type"], *others)
    assert values(found) == ["g5.1234xlarge"]


def test_what_refers_to_itself_has_no_value() -> None:
    assert values(pair(["aws_instance.gpu.instance_type"])) == []


def test_a_reference_longer_than_any_is_passed_over() -> None:
    found = pair(["aws_instance." + "x." * 5000, "aws_instance.other.instance_type"], instance("other"))
    assert values(found) == ["g5.xlarge"]


def test_more_references_than_any_expression_has_end_as_hidden() -> None:
    found = pair([f"aws_instance.x{index}.id" for index in range(20_000)], instance("other"))
    resolution = found.resolve(found.document.of_type("aws_instance")[0], PATH)
    assert resolution.ended
    assert resolution.steps <= 10_001


@pytest.mark.parametrize(
    ("mask", "path", "marked"),
    [
        pytest.param(True, ("a", 0, "b"), True, id="all of it"),
        pytest.param({"a": True}, ("a", 0, "b"), True, id="something above"),
        pytest.param({"a": [{"b": True}]}, ("a", 0, "b"), True, id="the place itself"),
        pytest.param({"a": [{"b": [False, {"c": True}]}]}, ("a", 0, "b"), True, id="something below"),
        pytest.param({"a": [{"b": False}, {"b": True}]}, ("a", 0, "b"), False, id="another element"),
        pytest.param({"a": [{"c": True}]}, ("a", 0, "b"), False, id="something beside"),
        pytest.param({"a": [{"b": True}]}, ("a", "b"), True, id="the first block of a list"),
        pytest.param({"a": []}, ("a", 0, "b"), False, id="a shorter list"),
        pytest.param({"a": "x"}, ("a",), False, id="text for a mark"),
        pytest.param(None, ("a",), False, id="nothing"),
    ],
)
def test_a_mark_counts_at_above_and_below_its_place(mask: Json, path: tuple[str | int, ...], marked: bool) -> None:
    assert is_marked(mask, path) is marked
