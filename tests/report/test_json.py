"""The JSON report: exact, described by its schema, and read again with distrust."""

import json
from decimal import Decimal
from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuguard.errors import InputError
from gpuguard.model.report import Report
from gpuguard.report import render
from gpuguard.report.json import load, schema
from gpuguard.report.text import plain
from tests.report.cases import CASES, create
from tests.report.strategies import reports
from tests.report.test_hostile_text import is_safe, slow

VALIDATOR = jsonschema.Draft202012Validator(schema(), format_checker=jsonschema.FormatChecker())


def changed(place: str, value: Any) -> bytes:
    """A good report with one value replaced; `place` is dotted, with numbers for positions."""
    document = json.loads(render(create(), "json"))
    *outer, last = place.split(".")
    inner = document
    for key in outer:
        inner = inner[int(key) if key.isdigit() else key]
    inner[int(last) if last.isdigit() else last] = value
    return json.dumps(document).encode()


def without_surrogates(value: Any) -> Any:
    """Lone surrogates as the JSON report shows them: it cannot carry them."""
    match value:
        case str():
            return value.encode("utf-8", "backslashreplace").decode()
        case list() | tuple():
            return [without_surrogates(item) for item in value]
        case dict():
            return {without_surrogates(key): without_surrogates(item) for key, item in value.items()}
        case _:
            return value


@pytest.mark.parametrize("case", CASES)
def test_the_report_follows_its_schema(case: str) -> None:
    VALIDATOR.validate(json.loads(render(CASES[case](), "json")))


@pytest.mark.parametrize("case", CASES)
def test_a_saved_report_is_the_report(case: str) -> None:
    report = CASES[case]()
    assert load(render(report, "json").encode(), "report.json") == report


@slow
@given(reports)
def test_any_report_follows_the_schema_and_is_safe_to_print(report: Report) -> None:
    text = render(report, "json")
    assert is_safe(text)
    VALIDATOR.validate(json.loads(text))


@slow
@given(reports)
def test_any_report_is_read_as_it_was_written(report: Report) -> None:
    keys = {(one.project, one.address, one.deposed) for one in report.resources}
    text = render(report, "json").encode()
    if len(keys) < len(report.resources):
        with pytest.raises(InputError, match="same resource"):
            load(text, "report.json")
    else:
        expected = without_surrogates(msgspec.to_builtins(report, builtin_types=(Decimal,)))
        assert load(text, "report.json") == msgspec.convert(expected, Report)


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        pytest.param("1E+3", "1000", id="an exponent is written out"),
        pytest.param("1E-7", "0.0000001", id="a small exponent too"),
        pytest.param("734.3800", "734.38", id="zeros that say nothing are left out"),
        pytest.param("100", "100", id="zeros that say something stay"),
        pytest.param("-0.00", "0", id="there is no negative zero"),
        pytest.param("-12.50", "-12.5", id="the sign is a hyphen"),
        pytest.param("0.1234567890123456789012345678", "0.1234567890123456789012345678", id="no digit is lost"),
    ],
)
def test_money_is_a_plain_decimal_string(amount: str, text: str) -> None:
    assert plain(Decimal(amount)) == text


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "-Infinity", "sNaN"])
def test_what_is_no_amount_is_never_written(amount: str) -> None:
    with pytest.raises(ValueError, match="no amount"):
        plain(Decimal(amount))


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**15), max_value=10**15))
def test_a_money_string_is_the_same_amount(amount: Decimal) -> None:
    assert Decimal(plain(amount)) == amount
    assert "E" not in plain(amount)


def test_whole_quantities_have_no_decimals_and_keys_the_order_of_the_contract() -> None:
    text = render(CASES["update-of-the-type"](), "json")
    assert '"gpus_after": 8,' in text
    assert '"hours_per_month": 730,' in text
    assert '"ratio": 0.4,' in text
    assert list(json.loads(text)) == list(Report.__struct_fields__)
    edit = json.loads(text)["alternatives"][1]["edits"][0]
    assert list(edit) == ["address", "path", "from", "to", "file", "line"]
    assert text.endswith("}\n")


def test_the_schema_is_a_schema_with_descriptions() -> None:
    made = schema()
    jsonschema.Draft202012Validator.check_schema(made)
    for name, definition in made["$defs"].items():
        assert definition["description"], name
        assert set(definition["required"]) == set(definition["properties"]), name
    assert not VALIDATOR.is_valid(json.loads(changed("summary.monthly_after", "1E+3")))
    assert not VALIDATOR.is_valid(json.loads(changed("summary.monthly_after", 12.5)))
    assert not VALIDATOR.is_valid(json.loads(changed("policy.outcome", "maybe")))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_report_that_a_shell_has_redirected_is_read(encoding: str) -> None:
    assert load(render(create(), "json").encode(encoding), "report.json") == create()


def test_keys_of_a_later_version_are_ignored() -> None:
    assert load(changed("summary.carbon_kg", 12), "report.json") == create()


@pytest.mark.parametrize(
    ("data", "place", "reason"),
    [
        pytest.param(b"", "", "the file is empty", id="an empty file"),
        pytest.param(b"{", "", "not valid JSON", id="a truncated report"),
        pytest.param(b"null", "", "not a gpuguard report", id="no object"),
        pytest.param(b"[]", "", "not a gpuguard report", id="an array"),
        pytest.param(b'{"format_version": "1.2"}', "", "not a gpuguard report", id="a plan"),
        pytest.param(b"\xff\xfe\x00", "", "not valid JSON", id="half a UTF-16 character"),
        pytest.param(b'{"schema_version": "\xff"}', "", "not valid JSON", id="bytes that are no text"),
        pytest.param(b'{"schema_version": "\\ud800"}', "", "not valid JSON", id="a lone surrogate"),
        pytest.param(b'{"schema_version": NaN}', "", "not valid JSON", id="NaN"),
        pytest.param(b"[" * 100_000, "", "nested too deeply", id="a tower of brackets"),
        pytest.param(b'{"schema_version": "1", "x": ' + b"[" * 100_000, "", "nested too deeply", id="a tower inside"),
        pytest.param(changed("schema_version", "2"), "schema_version", '"2" is not supported', id="a later version"),
        pytest.param(changed("schema_version", 1), "schema_version", "1 is not supported", id="a version as a number"),
        pytest.param(changed("schema_version", None), "schema_version", "null is not supported", id="no version"),
        pytest.param(changed("summary", []), "summary", "expected object, got array", id="a summary of another kind"),
        pytest.param(
            changed("summary.gpus_after", "8"), "summary.gpus_after", "expected float, got str", id="a number as text"
        ),
        pytest.param(changed("summary.gpus_after", None), "summary.gpus_after", "got null", id="null for a total"),
        pytest.param(
            changed("summary.gpus_after", 1e300), "summary.gpus_after", "out of range", id="an absurd quantity"
        ),
        pytest.param(changed("summary.gpus_after", 10**400), "", "", id="a number beyond all floats"),
        pytest.param(
            changed("summary.monthly_after", 734.38), "summary.monthly_after", "decimal string", id="money as a number"
        ),
        pytest.param(
            changed("summary.monthly_after", "1e999999"), "summary.monthly_after", "decimal string", id="an exponent"
        ),
        pytest.param(
            changed("summary.monthly_after", "NaN"), "summary.monthly_after", "decimal string", id="NaN as money"
        ),
        pytest.param(
            changed("summary.monthly_after", "Infinity"), "summary.monthly_after", "decimal string", id="endless money"
        ),
        pytest.param(
            changed("summary.monthly_after", "9" * 5000), "summary.monthly_after", "decimal string", id="long money"
        ),
        pytest.param(
            changed("summary.monthly_after", "1\n"), "summary.monthly_after", "decimal string", id="money and a newline"
        ),
        pytest.param(
            changed("summary.monthly_after", "١٢"), "summary.monthly_after", "decimal string", id="other digits"
        ),
        pytest.param(
            changed("summary.monthly_after", {}), "summary.monthly_after", "got an object", id="an object as money"
        ),
        pytest.param(
            changed("resources.0.after.components.0.unit_price", "abc"),
            "resources[0].after.components[0].unit_price",
            "decimal string",
            id="bad money deep inside",
        ),
        pytest.param(
            changed("resources.0.after.components.0.unit_price_range", ["1"]),
            "resources[0].after.components[0].unit_price_range",
            "length 2",
            id="half a range",
        ),
        pytest.param(
            changed("resources.0.action", "explode"), "resources[0].action", "invalid enum", id="an unknown action"
        ),
        pytest.param(
            changed("resources.0.tags", {"a": 1}), "resources[0].tags[...]", "expected str", id="a tag of another kind"
        ),
        pytest.param(changed("resources", {}), "resources", "expected array", id="resources of another kind"),
        pytest.param(changed("resources.0", 5), "resources[0]", "expected object", id="a resource of another kind"),
        pytest.param(
            changed("policy.outcome", "\x1b[31m"), "policy.outcome", "invalid enum", id="an escape in a value"
        ),
    ],
)
def test_what_is_no_report_is_refused_with_its_place(data: bytes, place: str, reason: str) -> None:
    with pytest.raises(InputError) as caught:
        load(data, "saved/report.json")
    message = caught.value.message
    assert message.startswith(f"saved/report.json: {place}: " if place else "saved/report.json: ")
    assert reason in message
    assert caught.value.hint
    assert len(message) < 900
    assert is_safe(message)
    assert "\n" not in message


def test_one_resource_told_twice_is_refused() -> None:
    one = json.loads(render(create(), "json"))["resources"][0]
    with pytest.raises(InputError, match=r"resources\[1\]: the same resource as resources\[0\]"):
        load(changed("resources", [one, one]), "report.json")


@given(st.binary(max_size=200))
def test_no_bytes_at_all_make_anything_but_an_input_error(data: bytes) -> None:
    with pytest.raises(InputError):
        load(data, "report.json")


@slow
@given(st.data())
def test_a_report_with_one_value_gone_wrong_is_read_or_refused(data: st.DataObject) -> None:
    document = json.loads(render(CASES["update-of-the-type"](), "json"))
    inner: Any = document
    while True:
        keys = list(inner) if isinstance(inner, dict) else list(range(len(inner)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(inner[key], dict | list) or not inner[key] or data.draw(st.booleans()):
            break
        inner = inner[key]
    inner[key] = data.draw(st.sampled_from([None, 0, -1, 1e308, "", "x", "NaN", True, [], {}, [[]], {"a": None}]))
    try:
        report = load(json.dumps(document).encode(), "report.json")
    except InputError as error:
        assert is_safe(error.message)
        return
    for format in ("table", "json", "markdown"):
        assert render(report, format)
