"""What every kind of report looks like in every format. The goldens are read like code."""

import importlib
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gpuguard.report import FORMATS, render
from tests.report.cases import CASES, ONE_A10G, alternative, pool, report, resource, state

Golden = Callable[[str, str], None]
SUFFIXES = {"table": "txt", "json": "json", "markdown": "md"}
# The JSON of the largest case is nine megabytes of the same.
JSON_CASES = ("no-gpus", "create", "update-of-the-type", "unpriced", "mixed-pools", "failing-inputs")
SGR = re.compile(r"\x1b\[[0-9;]*m")


@pytest.mark.parametrize("case", CASES)
def test_the_table_is_as_reviewed(case: str, golden: Golden) -> None:
    golden(f"{case}.txt", render(CASES[case](), "table", width=80))


@pytest.mark.parametrize("case", CASES)
def test_the_markdown_is_as_reviewed(case: str, golden: Golden) -> None:
    golden(f"{case}.md", render(CASES[case](), "markdown"))


@pytest.mark.parametrize("case", JSON_CASES)
def test_the_json_is_as_reviewed(case: str, golden: Golden) -> None:
    golden(f"{case}.json", render(CASES[case](), "json"))


@pytest.mark.parametrize(
    ("case", "name", "options"),
    [
        pytest.param("update-of-the-type", "narrow", {"width": 40}, id="a change on a terminal of 40 columns"),
        pytest.param("mixed-pools", "narrow", {"width": 40}, id="pools on a terminal of 40 columns"),
        pytest.param("update-of-the-type", "wide", {"width": 200}, id="a change on a terminal of 200 columns"),
        pytest.param("update-of-the-type", "colored", {"color": True}, id="a change in colour"),
        pytest.param("update-of-the-type", "verbose", {"verbose": True}, id="a change with all its components"),
        pytest.param("mixed-pools", "verbose", {"verbose": True}, id="pools with all their components"),
        pytest.param("every-outcome", "verbose", {"verbose": True}, id="rules that pass, when asked"),
        pytest.param("every-outcome", "quiet", {"quiet": True}, id="the verdict and what stops the change alone"),
        pytest.param("nothing-changes", "all", {"show": "all"}, id="resources that do not change, when asked"),
    ],
)
def test_the_table_follows_its_options(case: str, name: str, options: dict[str, Any], golden: Golden) -> None:
    golden(f"{case}.{name}.txt", render(CASES[case](), "table", **options))


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_has_a_module_and_goldens(format: str) -> None:
    assert callable(importlib.import_module(FORMATS[format]).render)
    goldens = {path.name for path in (Path(__file__).parent / "golden").iterdir()}
    assert {f"{case}.{SUFFIXES[format]}" for case in (CASES if format != "json" else JSON_CASES)} <= goldens


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("case", CASES)
def test_the_same_report_gives_the_same_bytes(case: str, format: str) -> None:
    assert render(CASES[case](), format) == render(CASES[case](), format)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_colour_adds_nothing_but_colour(case: str, width: int) -> None:
    report = CASES[case]()
    colored = render(report, "table", width=width, color=True)
    assert SGR.sub("", colored) == render(report, "table", width=width)


@pytest.mark.parametrize("case", CASES)
def test_text_without_colour_has_no_escape(case: str) -> None:
    assert "\x1b" not in render(CASES[case](), "table", verbose=True)


@pytest.mark.parametrize("format", ["table", "markdown"])
def test_thousands_of_resources_stay_readable_and_are_all_accounted_for(format: str) -> None:
    text = render(CASES["many-resources"](), format)
    assert len(text.splitlines()) < 200
    assert len(text) <= 60_000
    assert "and 1,999 more like this" in text
    shown = len(set(re.findall(r"aws_instance\.n\d{3}", text)))
    left = re.search(r"… (\d+) more resources", text)
    assert left is not None
    assert shown + int(left[1]) == 500


def test_everything_is_listed_when_asked_for() -> None:
    text = render(CASES["many-resources"](), "table", show="all")
    assert len(set(re.findall(r"aws_instance\.(?:n\d{3}|worker\[\d+\])", text))) == 2_500


def test_what_does_not_change_is_counted_and_its_alternatives_are_left_out() -> None:
    steady = resource("aws_instance.steady", "no-op", ONE_A10G, ONE_A10G)
    offer = alternative(steady.address, "spot", "300", "434.38", 59.1)
    one = report(steady, alternatives=(offer,))
    assert "cheaper" not in render(one, "table")
    assert "1 unchanged resource, $734/month" in render(one, "table")
    assert "−$434 (−59 %)" in render(one, "table", show="all")


@pytest.mark.parametrize("format", ["table", "markdown"])
def test_what_has_no_price_never_reads_as_free(format: str) -> None:
    unpriced = resource("aws_instance.a", "create", None, state((pool("p9.huge", 8, "X900"), None)))
    text = render(report(unpriced, outcome="undecided"), format)
    line = next(line for line in text.splitlines() if "p9.huge" in line)
    assert "not priced" in line
    assert "$" not in line
    assert "≥" in text.splitlines()[0]


def test_an_unknown_price_is_no_saving() -> None:
    after = state((pool("p9.huge", 8, "X900"), None))
    one = report(resource("aws_instance.a", "update", ONE_A10G, after), monthly_after=Decimal(0))
    first = render(one, "table").splitlines()[0]
    assert "−" not in first
    assert "where priced" in first


@pytest.mark.parametrize("action", ["create", "update", "replace", "delete", "no-op", "forget"])
def test_every_action_has_a_sign_and_a_word(action: str) -> None:
    before = None if action == "create" else ONE_A10G
    after = None if action in {"delete", "forget"} else ONE_A10G
    one = report(resource("aws_instance.a", action, before, after))
    assert "aws_instance.a" in render(one, "table", show="all")
    assert {"no-op": "unchanged"}.get(action, action) in render(one, "markdown", show="all")
