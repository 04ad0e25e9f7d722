"""Schedules → hours of an average month (730 hours), worked out by hand."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuguard.extract.schedules import Event, aws_cron, covered_hours, hours_of, unix_cron

D = Decimal
WEEK = D(168)


def up_and_down(up: str, down: str, zone: str = "UTC", other: str | None = None) -> dict[str, Decimal] | None:
    return hours_of([(Event(up, zone), "up"), (Event(down, other or zone), "down")])


@pytest.mark.parametrize(
    ("up", "down", "hours_a_week"),
    [
        pytest.param("0 8 * * *", "0 20 * * *", 84, id="twelve hours every day"),
        pytest.param("0 8 * * 1-5", "0 20 * * 1-5", 60, id="twelve hours on weekdays, and not over the weekend"),
        pytest.param("0 8 * * MON", "0 20 * * FRI", 108, id="from Monday to Friday without a break"),
        pytest.param("30 22 * * *", "0 6 * * *", 52.5, id="over midnight"),
        pytest.param("0 20 * * FRI", "0 8 * * MON", 60, id="the weekend, over the end of the week"),
        pytest.param("0 8,14 * * *", "0 12,18 * * *", 56, id="twice a day"),
        pytest.param("0 0 * * 0", "0 0 * * 7", 0, id="both at the same moment: the later event counts"),
    ],
)
def test_a_weekly_schedule_keeps_its_share_of_the_week(up: str, down: str, hours_a_week: float) -> None:
    found = up_and_down(up, down)
    assert found is not None
    assert found.get("up", D(0)) == D(str(hours_a_week)) * 730 / WEEK


def test_days_of_the_month_count_as_often_as_they_come() -> None:
    """The first of each month, eight hours: 48 of them in 1461 days."""
    found = up_and_down("0 8 1 * *", "0 16 1 * *")
    assert found is not None
    assert found["up"] == D(48 * 8) * 730 / (1461 * 24)


def test_the_last_day_of_february_is_the_29th_once_in_four_years() -> None:
    found = up_and_down("0 0 29 2 *", "0 12 29 2 *")
    assert found is not None
    assert found["up"] == D(12) * 730 / (1461 * 24)


def test_what_sets_three_sizes_is_told_for_each() -> None:
    events = [(Event("0 6 * * *"), 8), (Event("0 12 * * *"), 4), (Event("0 18 * * *"), 0)]
    found = hours_of(events)
    assert found == {8: D(6 * 7) * 730 / WEEK, 4: D(6 * 7) * 730 / WEEK, 0: D(12 * 7) * 730 / WEEK}


def test_a_zone_that_all_share_does_not_matter() -> None:
    assert up_and_down("0 8 * * 1-5", "0 20 * * 1-5", "America/New_York") == up_and_down("0 8 * * 1-5", "0 20 * * 1-5")


def test_zones_that_differ_move_the_ends() -> None:
    """Up at 08:00 in Berlin (07:00 UTC in January), down at 20:00 UTC: thirteen hours."""
    found = up_and_down("0 8 * * *", "0 20 * * *", "Europe/Berlin", "UTC")
    assert found is not None
    assert found["up"] == D(13 * 7) * 730 / WEEK


def test_a_zone_nobody_knows_counts_as_utc() -> None:
    assert up_and_down("0 8 * * *", "0 20 * * *", "Mars/Olympus", "UTC") == up_and_down("0 8 * * *", "0 20 * * *")


@pytest.mark.parametrize(
    "cron",
    [
        pytest.param("0 8 * *", id="four fields"),
        pytest.param("61 8 * * *", id="minute 61"),
        pytest.param("x y z a b", id="words"),
        pytest.param("0 0 31 2 *", id="a day that never comes"),
        pytest.param("* * * * *", id="every minute"),
        pytest.param("", id="nothing"),
        pytest.param("0 8 * * \u0661", id="a digit of another script"),
    ],
)
def test_an_expression_that_cannot_be_read_or_switches_nothing_tells_nothing(cron: str) -> None:
    assert up_and_down(cron, "0 20 1 * *") is None


def test_no_events_set_nothing() -> None:
    assert hours_of([]) == {}


@pytest.mark.parametrize(
    ("expression", "cron"),
    [
        pytest.param("cron(0 8 ? * MON-FRI *)", "0 8 * * MON-FRI", id="names of days"),
        pytest.param("cron(0 8 ? * 2-6 *)", "0 8 * * 1-5", id="numbers of days from Sunday as 1"),
        pytest.param("cron(15 10 ? * 6L *)", "15 10 * * 5L", id="the last Friday"),
        pytest.param("cron(0 9 ? * 2#1 *)", "0 9 * * 1#1", id="the first Monday"),
        pytest.param(" CRON( 0 8 1 * ? * ) ", "0 8 1 * *", id="spaces and capitals"),
        pytest.param("cron(0 8 ? * MON-FRI 2030)", None, id="one year only"),
        pytest.param("rate(5 minutes)", None, id="a rate"),
        pytest.param("at(2030-01-01T00:00:00)", None, id="once"),
        pytest.param("cron(0 8 * * *)", None, id="five fields"),
        pytest.param(None, None, id="nothing"),
    ],
)
def test_an_eventbridge_expression_becomes_five_fields(expression: str | None, cron: str | None) -> None:
    assert aws_cron(expression) == cron


def test_a_unix_expression_has_five_fields() -> None:
    assert unix_cron("0  8 * * 1-5") == "0 8 * * 1-5"
    assert unix_cron("0 8 * * 1-5 *") is None
    assert unix_cron(None) is None


def test_spans_that_overlap_count_once() -> None:
    """09:00 for eight hours and 12:00 for eight hours: eleven hours a day."""
    found = covered_hours([(Event("0 9 * * *"), D(480)), (Event("0 12 * * *"), D(480))])
    assert found == D(11 * 7) * 730 / WEEK


def test_a_span_over_the_end_of_the_week_goes_on_at_its_beginning() -> None:
    found = covered_hours([(Event("0 22 * * 0"), D(240)), (Event("0 1 * * 1"), D(60))])
    assert found == D(4) * 730 / WEEK


def test_a_span_longer_than_the_week_is_the_whole_month() -> None:
    assert covered_hours([(Event("0 0 * * *"), D(100_000))]) == D(730)


def test_a_span_that_cannot_be_read_makes_the_sum_unknown() -> None:
    assert covered_hours([(Event("0 9 * * *"), D(60)), (Event("no"), D(60))]) is None


FIELDS = st.tuples(
    st.integers(0, 59).map(str), st.integers(0, 23).map(str), st.just("*"), st.just("*"), st.integers(0, 6).map(str)
).map(" ".join)


@given(st.lists(st.tuples(FIELDS, st.integers(0, 5)), min_size=1, max_size=6))
def test_the_states_fill_the_month_exactly(events: list[tuple[str, int]]) -> None:
    found = hours_of([(Event(cron), size) for cron, size in events])
    assert found is not None
    assert abs(sum(found.values(), D(0)) - 730) < D("1e-20")
    assert all(hours >= 0 for hours in found.values())


@given(FIELDS, st.integers(1, 10_000))
def test_a_span_is_never_longer_than_it_says_nor_than_the_month(cron: str, minutes: int) -> None:
    found = covered_hours([(Event(cron), D(minutes))])
    assert found is not None
    assert 0 < found <= min(D(730), D(minutes) / 60 * 730 / WEEK) + D("1e-20")


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    for reader in (unix_cron, aws_cron):
        cron = reader(text)
        if cron is not None:
            hours_of([(Event(cron, text), 1)])
