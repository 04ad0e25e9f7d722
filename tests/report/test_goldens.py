"""What every kind of report looks like in every format. The goldens are read like code."""

import importlib
import re
from collections.abc import Callable
from typing import Any

import pytest

from gpuguard.report import FORMATS, render
from tests.report.cases import CASES

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
    assert format in SUFFIXES


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
