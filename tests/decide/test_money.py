"""Amounts as people read them."""

from decimal import Decimal

import pytest

from gpuguard.model.money import money, money_pair


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        pytest.param("0", "$0", id="nothing"),
        pytest.param("0.00", "$0", id="nothing with cents"),
        pytest.param("7.3", "$7.30", id="cents under a hundred"),
        pytest.param("99.994", "$99.99", id="the last amount with cents"),
        pytest.param("100", "$100", id="the first amount without"),
        pytest.param("734.50", "$735", id="half a dollar goes up"),
        pytest.param("40179.20", "$40,179", id="thousands are grouped"),
        pytest.param("1234567890.12", "$1,234,567,890", id="millions too"),
        pytest.param("-12.5", "−$12.50", id="a saving"),
        pytest.param("0.0004", "$0.0004", id="less than a cent is not nothing"),
    ],
)
def test_an_amount_reads_so(amount: str, text: str) -> None:
    assert money(Decimal(amount)) == text


def test_an_increase_has_its_sign() -> None:
    assert [money(Decimal(amount), signed=True) for amount in ("5", "-5", "0")] == ["+$5.00", "−$5.00", "$0"]


def test_cents_can_be_asked_for() -> None:
    assert [money(Decimal("734.5"), cents=True), money(Decimal("7.3"), cents=False)] == ["$734.50", "$7"]


@pytest.mark.parametrize(
    ("one", "other", "texts"),
    [
        pytest.param("40179.20", "20000", ("$40,179", "$20,000"), id="far apart, in dollars"),
        pytest.param("20000.40", "20000", ("$20,000.40", "$20,000.00"), id="cents apart, with cents"),
        pytest.param("20000.0004", "20000", ("$20,000.0004", "$20,000"), id="less than a cent apart, in full"),
        pytest.param("20000", "20000.00", ("$20,000", "$20,000"), id="equal, alike"),
    ],
)
def test_two_amounts_read_differently_where_they_differ(one: str, other: str, texts: tuple[str, str]) -> None:
    assert money_pair(Decimal(one), Decimal(other)) == texts
