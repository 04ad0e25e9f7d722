"""Listings as table, JSON and CSV: aligned, exact, and safe to print and to open whatever a catalog holds."""

import csv
import io
import json
import unicodedata
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuguard.report.grid import Column, as_csv, as_json, plain, table
from gpuguard.report.text import display_width, visible
from tests.report.strategies import FRAGMENTS, money, nasty


class Row(msgspec.Struct, frozen=True):
    """A row as the catalog's commands have them."""

    name: str
    usd: Decimal | None = None
    count: float | None = None
    note: str = ""


COLUMNS: list[Column[Row]] = [
    Column("name", lambda each: each.name),
    Column("usd", lambda each: "" if each.usd is None else f"${each.usd}", right=True),
    Column("note", lambda each: each.note),
]
FIELDS = Row.__struct_fields__


def is_safe(text: str) -> bool:
    """Whether a terminal prints it as it is, line ends aside."""
    text.encode()
    return all(char in "\r\n" or unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Zl", "Zp"} for char in text)


def rows_of(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline=""), strict=True))


# --- tables ---


def test_columns_are_aligned_and_figures_stand_to_the_right() -> None:
    rows = [Row("p5.48xlarge", Decimal("55.04"), note="dear"), Row("g6", Decimal(1))]
    assert table(rows, COLUMNS) == (
        "name            usd  note\n"  # headings stand as their column does
        "p5.48xlarge  $55.04  dear\n"
        "g6               $1\n"
    )


def test_a_column_without_a_value_is_left_out() -> None:
    assert table([Row("a", Decimal(1)), Row("b", Decimal(2))], COLUMNS) == "name  usd\na      $1\nb      $2\n"


def test_no_rows_are_no_table() -> None:
    assert table([], COLUMNS) == ""


def test_rows_are_indented_where_they_shall_be() -> None:
    assert table([Row("a")], COLUMNS, indent=2) == "  name\n  a\n"


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("東京", id="wide letters"),
        pytest.param("Zu\u0308rich", id="a combining mark"),
        pytest.param("한글", id="Hangul"),
        pytest.param("\x1b[31mred", id="a control character"),
    ],
)
def test_what_follows_stands_in_one_column_of_the_terminal(name: str) -> None:
    lines = table([Row(name, note="x"), Row("plain", note="x")], COLUMNS).splitlines()
    places = {display_width(line[: line.rindex("x")]) for line in lines[1:]}
    assert len(places) == 1


@given(names=st.lists(nasty, min_size=1, max_size=4))
def test_every_row_is_one_safe_line_as_wide_as_its_cells(names: list[str]) -> None:
    text = table([Row(name, Decimal(7), note="end") for name in names], COLUMNS)
    lines = text.splitlines()
    assert is_safe(text)
    assert len(lines) == len(names) + 1
    assert len({display_width(line) for line in lines[1:]}) == 1
    for name, line in zip(names, lines[1:], strict=True):
        assert line.startswith(visible(name))


# --- JSON ---


def test_money_is_a_decimal_string_and_nothing_is_null() -> None:
    found = json.loads(as_json([Row("p5.48xlarge", Decimal("55.040"), 8.0), Row("g6")]))
    assert found == [
        {"name": "p5.48xlarge", "usd": "55.040", "count": 8.0, "note": ""},
        {"name": "g6", "usd": None, "count": None, "note": ""},
    ]


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        pytest.param("1E+3", "1000", id="an exponent"),
        pytest.param("1E-7", "0.0000001", id="a negative exponent"),
        pytest.param("0.10", "0.10", id="every digit of the price list"),
    ],
)
def test_money_has_no_exponent_in_json_and_csv(amount: str, text: str) -> None:
    row = Row("a", Decimal(amount))
    assert json.loads(as_json([row]))[0]["usd"] == text
    assert rows_of(as_csv([row], FIELDS))[1][1] == text


def test_tuples_and_mappings_become_what_json_knows() -> None:
    assert plain({1: (Row("a"), Decimal(2))}) == {"1": [plain(Row("a")), "2"]}


@given(amount=money, text=nasty)
def test_json_is_safe_to_print_and_gives_back_what_went_in(amount: Decimal, text: str) -> None:
    written = as_json([Row(text, amount)])
    assert is_safe(written)
    assert written.endswith("]\n")
    (found,) = json.loads(written)
    # two halves of a pair that stand side by side are one character to every reader of JSON
    assert found["name"].encode("utf-16", "surrogatepass") == text.encode("utf-16", "surrogatepass")
    assert Decimal(found["usd"]) == amount


# --- CSV ---


def test_csv_is_as_rfc_4180_says() -> None:
    text = as_csv([Row('a,"b"', Decimal("0.5"), 8.0), Row("c")], FIELDS)
    assert text == 'name,usd,count,note\r\n"a,""b""",0.5,8,\r\nc,,,\r\n'


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "＝", "＋", "－", "＠", " =", "  @"])
def test_a_formula_stays_text(start: str) -> None:
    formula = f"{start}HYPERLINK(1)"
    assert rows_of(as_csv([Row(formula)], FIELDS))[1][0] == f"'{formula}"


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        pytest.param(Row("a", Decimal("-5.5")), "-5.5", id="money"),
        pytest.param(Row("a", count=-2.5), "-2.5", id="a quantity"),
    ],
)
def test_a_figure_below_zero_is_no_formula(value: Row, cell: str) -> None:
    assert cell in rows_of(as_csv([value], FIELDS))[1]


@pytest.mark.parametrize("fragment", FRAGMENTS)
def test_what_strangers_write_is_one_safe_cell(fragment: str) -> None:
    text = as_csv([Row(fragment, Decimal(1), note="end")], FIELDS)
    assert is_safe(text)
    assert text.count("\r\n") == 2
    found = rows_of(text)[1]
    assert found[1:] == ["1", "", "end"]
    assert found[0].removeprefix("'") == visible(fragment)


@given(names=st.lists(nasty, max_size=4))
def test_csv_has_a_line_for_every_row_and_no_formula(names: list[str]) -> None:
    text = as_csv([Row(name) for name in names], FIELDS)
    assert is_safe(text)
    found: list[Any] = rows_of(text)
    assert len(found) == len(names) + 1
    assert all(len(row) == len(FIELDS) for row in found)
    assert not any(cell.lstrip().startswith(("=", "+", "-", "@", "\t", "\r")) for row in found for cell in row)
