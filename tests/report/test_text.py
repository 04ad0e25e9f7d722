"""Figures and names as people read them."""

from decimal import Decimal
from typing import Any

import pytest

from gpuguard.report.text import (
    accelerators,
    count,
    machine,
    money,
    number,
    percent,
    purchase,
    signed_money,
    unit_price,
)
from tests.report.cases import pool, units


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        pytest.param("0", "$0", id="nothing"),
        pytest.param("12.345", "$12.35", id="cents below a hundred, rounded half up"),
        pytest.param("7", "$7.00", id="cents for whole dollars too"),
        pytest.param("100", "$100", id="no cents from a hundred up"),
        pytest.param("39445.12", "$39,445", id="thousands are separated"),
        pytest.param("1E+3", "$1,000", id="an exponent is written out"),
        pytest.param("-16500", "−$16,500", id="the minus is a minus sign before the dollar"),
    ],
)
def test_money_reads(amount: str, text: str) -> None:
    assert money(Decimal(amount)) == text


def test_what_costs_something_never_reads_as_nothing() -> None:
    assert money(Decimal("0.0004")) != money(Decimal("0.00"))


@pytest.mark.parametrize(
    ("amount", "text"),
    [("39445", "+$39,445"), ("-12.5", "−$12.50"), ("0", "$0"), ("0.00", "$0")],
    ids=["an increase has a plus", "a decrease has a minus", "nothing has no sign", "nothing in cents has no sign"],
)
def test_a_difference_reads(amount: str, text: str) -> None:
    assert signed_money(Decimal(amount)) == text


def test_another_currency_is_named() -> None:
    assert money(Decimal(-1234), "EUR") == "−EUR 1,234"
    assert signed_money(Decimal(12), "a\nb") == "+a\\nb 12.00"


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("98.32", "$98.32"),
        ("0.0416", "$0.0416"),
        ("3", "$3.00"),
        ("0.5", "$0.50"),
        ("21957.642", "$21,957.642"),
        ("-0.3", "−$0.30"),
    ],
    ids=["cents", "less than a cent", "whole dollars", "ten cents", "thousands", "a discount"],
)
def test_a_unit_price_keeps_every_digit(amount: str, text: str) -> None:
    assert unit_price(Decimal(amount)) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(8.0, "8"), (0.125, "0.125"), (1234.5, "1,234.5"), (-0.0, "0"), (-2.0, "−2"), (1e6, "1,000,000")],
    ids=["whole", "a fraction", "thousands", "no negative zero", "a minus sign", "no exponent"],
)
def test_a_number_reads(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(-41.06, "−41 %"), (12.5, "+12 %"), (0.4, "+0.4 %"), (0.0, "0 %"), (0.01, "0.0 %"), (5374.2, "+5,374 %")],
    ids=["a decrease", "an increase", "less than one", "nothing", "next to nothing", "thousands"],
)
def test_a_share_reads(value: float, text: str) -> None:
    assert percent(value) == text


@pytest.mark.parametrize(
    ("gpus", "size", "text"),
    [
        pytest.param(8, units(1), "8 × L4", id="one machine"),
        pytest.param(1, units(3), "3 × L4", id="machines with one GPU"),
        pytest.param(4, units(3), "3 × (4 × L4)", id="machines with several"),
        pytest.param(1, units(0, 2, 8), "0…2…8 × L4", id="a pool that scales"),
        pytest.param(4, units(0, 0, 8), "0…0…8 × (4 × L4)", id="a pool that scales from zero"),
        pytest.param(1, units(1, 1, None), "1…1…? × L4", id="a pool without a bound"),
        pytest.param(1, units(None), "? × L4", id="a size that only apply can tell"),
        pytest.param(0.5, units(2), "2 × (0.5 × L4)", id="a share of a GPU"),
    ],
)
def test_what_a_pool_holds_reads(gpus: float, size: Any, text: str) -> None:
    assert accelerators(pool("g6.xlarge", gpus, "L4", size)) == text


def test_what_is_not_known_of_a_pool_is_said() -> None:
    assert accelerators(pool(None, 0, "", units(2))) == "2 × unknown GPU"
    assert machine(pool(None, 0, "")) == "unknown machine type"
    assert accelerators(pool("m5.large", 0, "", units(2))) == "2 machines"


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        pytest.param({}, "on demand", id="on demand"),
        pytest.param({"purchase_model": "spot"}, "spot", id="spot"),
        pytest.param(
            {"purchase_model": "committed_use", "term": "3y", "payment": "no_upfront"},
            "committed use 3y, no upfront",
            id="a commitment with term and payment",
        ),
        pytest.param({"hours_per_month": 220.0}, "on demand, 220 h/month", id="a schedule"),
    ],
)
def test_how_a_pool_is_bought_reads(changes: dict[str, Any], text: str) -> None:
    assert purchase(pool("g6.xlarge", 1, "L4", **changes)) == text


def test_other_types_of_a_pool_are_named_or_counted() -> None:
    assert machine(pool("a", 1, "L4", candidates=("a", "b"))) == "a or b"
    assert machine(pool("a", 1, "L4", candidates=("a", "b", "c"))) == "a or 2 other types"


def test_counts_have_their_plural() -> None:
    assert [count(1, "rule"), count(0, "rule"), count(1_200, "entry", "entries")] == [
        "1 rule",
        "0 rules",
        "1,200 entries",
    ]
