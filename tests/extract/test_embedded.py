"""Documents inside text attributes (JSON, YAML): read like blocks, as sensitive as the text, never a reason to fail."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from gpuguard.extract.view import SENSITIVE, Context, View
from gpuguard.model.report import Diagnostic
from gpuguard.model.usage import Attribute, Unknown
from gpuguard.read.plan_json import parse
from gpuguard.read.references import Resolver
from tests.extract.plans import plan, resource


def view(value: object, unknown: object = None, sensitive: object = None) -> tuple[View, list[Diagnostic]]:
    block = resource("acme_job.a", {"body": value}, unknown={"body": unknown} if unknown else {})
    document = plan(block)
    if sensitive is not None:
        document["resource_changes"][0]["change"]["after_sensitive"] = {"body": sensitive}
    read = parse(json.dumps(document).encode(), "plan.json", "acme")
    notes: list[Diagnostic] = []
    (node,) = read.of_type("acme_job")
    return View(Context(read, Resolver(read)), node, "after", notes), notes


TEXT = json.dumps({"pool": {"type": "g5.xlarge", "count": 2}, "list": [{"n": 1}, {"n": 2}]})


def test_a_text_is_read_like_blocks() -> None:
    outer, notes = view(TEXT)
    (found,) = outer.embedded("body", json.loads)
    assert found.text("pool.type") == "g5.xlarge"
    assert found.known_number("pool.count") == 2
    assert [each.known_number("n") for each in found.blocks("list")] == [1, 2]
    assert found.text("nothing") is None
    assert notes == []


def test_an_edit_stands_at_its_place_in_the_document_that_an_attribute_holds() -> None:
    outer, _ = view(TEXT)
    (found,) = outer.embedded("body", json.loads)
    (pool,) = found.blocks("pool")
    assert pool.attribute("type") == Attribute("acme_job.a", "body.pool.type")


def test_a_value_that_is_an_object_already_is_one_document() -> None:
    outer, _ = view({"pool": {"type": "g5.xlarge"}})
    assert [each.text("pool.type") for each in outer.embedded("body", json.loads)] == ["g5.xlarge"]


def test_several_documents_are_one_view_each() -> None:
    outer, _ = view("a\n---\nb")
    split: Callable[[str], Any] = lambda text: [{"name": part.strip()} for part in text.split("---")]  # noqa: E731
    assert [each.text("name") for each in outer.embedded("body", split)] == ["a", "b"]


@pytest.mark.parametrize("sensitive", [True, {"pool": True}])
def test_a_document_in_a_sensitive_text_is_sensitive(sensitive: object) -> None:
    outer, _ = view(TEXT if sensitive is True else {"pool": {"type": "g5.xlarge"}}, sensitive=sensitive)
    (found,) = outer.embedded("body", json.loads)
    assert found.is_sensitive("pool.type")
    assert found.text("pool.type") == "g5.xlarge"
    assert "g5.xlarge" in outer.context.secrets
    assert SENSITIVE not in str(found.text("pool.type"))


@pytest.mark.parametrize("value", [pytest.param("{not json", id="no JSON"), pytest.param("[" * 100_000, id="too deep")])
def test_a_text_that_is_not_what_it_should_be_is_told_and_holds_nothing(value: str) -> None:
    outer, notes = view(value)
    assert outer.embedded("body", json.loads) == []
    assert [note.code for note in notes] == ["unreadable-value"]


def test_a_number_out_of_range_in_a_document_is_told_and_not_known() -> None:
    outer, notes = view('{"a": 1e999999999}')
    (found,) = outer.embedded("body", json.loads)
    assert isinstance(found.number("a"), Unknown)
    assert [note.code for note in notes] == ["unreadable-value"]


@pytest.mark.parametrize("value", ["", "   ", None, "7", "[1, 2]", '"text"', "x" * 1_000_001])
def test_a_text_without_an_object_holds_nothing(value: str | None) -> None:
    outer, _ = view(value)
    assert [each for each in outer.embedded("body", json.loads) if each.known("a")] == []


def test_a_text_that_only_apply_can_tell_holds_nothing() -> None:
    outer, notes = view(None, unknown=True)
    assert outer.embedded("body", json.loads) == []
    assert notes == []
    assert isinstance(outer.get("body"), Unknown | None)


def test_values_of_the_wrong_type_in_a_document_are_told() -> None:
    outer, notes = view(json.dumps({"type": 7, "count": "many"}))
    (found,) = outer.embedded("body", json.loads)
    assert isinstance(found.text("type"), Unknown)
    assert isinstance(found.number("count"), Unknown)
    assert {note.code for note in notes} == {"unreadable-value"}
