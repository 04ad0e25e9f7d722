"""Schedules → hours: how long, in an average month of 730 hours, what a schedule sets holds.

Times are local times; where all events of a resource share a time zone the zone does not matter, since daylight saving
takes an hour in spring and gives it back in autumn. Of zones that differ, the distance in January counts.
"""

import re
from collections.abc import Hashable, Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import TypeVar

import msgspec

from gpuguard.model.usage import HOURS_PER_MONTH, Units

_START = datetime(2024, 1, 1)  # noqa: DTZ001 - local time; a Monday, and the first day of a leap-year cycle
_WEEK = timedelta(days=7)
_CYCLE = timedelta(days=1461)
"""Four years: every day of the month and of the year occurs as often as it does on average."""
_MINUTE = timedelta(minutes=1)
_MOST = 20_000
"""Occurrences in a cycle; what fires more often switches no machine on and off."""
_LONGEST = 200
_AWS = re.compile(r"cron\(\s*(.+?)\s*\)\Z", re.IGNORECASE)
_DAY_NUMBER = re.compile(r"(?<![#\d])([1-7])(?![\d])")

_T = TypeVar("_T", bound=Hashable)


class Event(msgspec.Struct, frozen=True):
    """A moment that comes again and again: a cron expression of five fields (minute, hour, day of month, month, day of
    week), and the IANA zone or UTC it is meant in."""

    cron: str
    timezone: str = "UTC"


def unix_cron(expression: str | None) -> str | None:
    """A cron expression of five fields as it is; None where it is none."""
    if not expression or len(expression) > _LONGEST or len(expression.split()) != 5:
        return None
    return " ".join(expression.split())


def aws_cron(expression: str | None) -> str | None:
    """EventBridge's ``cron(0 8 ? * MON-FRI *)`` with five fields; None for one-off and unreadable expressions.

    Fields: minutes, hours, day of month, month, day of week (1 to 7 from Sunday), year
    (https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html).
    """
    match = _AWS.match((expression or "").strip())
    fields = match[1].split() if match and len(match[1]) <= _LONGEST else []
    if len(fields) != 6 or fields[5] != "*":
        return None
    minute, hour, day, month, weekday, _ = fields
    weekday = _DAY_NUMBER.sub(lambda found: str(int(found[1]) - 1), weekday)
    return " ".join((minute, hour, day.replace("?", "*"), month, weekday.replace("?", "*")))


def hours_of(events: Sequence[tuple[Event, _T]]) -> dict[_T, Decimal] | None:
    """Hours of an average month in which each state holds: every event sets its state until the next one comes.

    None where an expression cannot be read, never comes or comes too often; {} without events.
    """
    if not events:
        return {}
    period = _WEEK if all(_is_weekly(event.cron) for event, _ in events) else _CYCLE
    minutes = int(period / _MINUTE)
    moments: list[tuple[int, int, _T]] = []
    same_zone = len({event.timezone for event, _ in events}) == 1
    for order, (event, state) in enumerate(events):
        found = _occurrences(event.cron, period)
        if not found:
            return None
        shift = 0 if same_zone else _offset(event.timezone)
        moments.extend(((moment - shift) % minutes, order, state) for moment in found)
    moments.sort(key=lambda moment: moment[:2])
    hours: dict[_T, Decimal] = {}
    following = [*moments[1:], (moments[0][0] + minutes, 0, moments[0][2])]
    for (moment, _, state), (end, _, _) in zip(moments, following, strict=True):
        hours[state] = hours.get(state, Decimal(0)) + end - moment
    return {state: total * HOURS_PER_MONTH / minutes for state, total in hours.items()}


def covered_hours(spans: Iterable[tuple[Event, Decimal]]) -> Decimal | None:
    """Hours of an average month that lie in any of the spans: each begins at an event and lasts so many minutes.

    None where an expression cannot be read, never comes or comes too often.
    """
    wanted = list(spans)
    period = _WEEK if all(_is_weekly(event.cron) for event, _ in wanted) else _CYCLE
    minutes = int(period / _MINUTE)
    pieces: list[tuple[int, int]] = []
    for event, length in wanted:
        found = _occurrences(event.cron, period)
        if not found:
            return None
        shift = _offset(event.timezone) if len({each.timezone for each, _ in wanted}) > 1 else 0
        size = min(int(length), minutes)
        for moment in found:
            start = (moment - shift) % minutes
            pieces.append((start, min(start + size, minutes)))
            if start + size > minutes:
                pieces.append((0, start + size - minutes))
    total = reached = 0
    for start, end in sorted(pieces):
        total += max(0, end - max(start, reached))
        reached = max(reached, end)
    return Decimal(total) * HOURS_PER_MONTH / minutes


def _is_weekly(cron: str) -> bool:
    """Whether an expression tells days by the week alone."""
    fields = cron.split()
    return len(fields) == 5 and fields[2:4] == ["*", "*"] and not set(fields[4]) & set("#Ll")


@cache
def _occurrences(cron: str, period: timedelta) -> tuple[int, ...]:
    """Minutes from the start of the period at which an expression comes; () where it is unreadable or comes too often."""
    from cronsim import CronSim, CronSimError

    found: list[int] = []
    end = _START + period
    try:
        for moment in CronSim(cron, _START - _MINUTE):
            if moment >= end:
                break
            found.append(int((moment - _START) / _MINUTE))
            if len(found) > _MOST:
                return ()
    except (CronSimError, OverflowError, ValueError):
        return ()
    return tuple(found)


@cache
def _offset(timezone: str) -> int:
    """Minutes by which a zone's clocks are ahead of UTC in January; 0 for one that is not known here."""
    from zoneinfo import ZoneInfo

    try:
        distance = ZoneInfo(timezone).utcoffset(_START)
    except (OSError, ValueError, LookupError):
        return 0
    return int(distance / _MINUTE) if distance is not None else 0


def sizes_of(events: Sequence[tuple[Event, Decimal]]) -> tuple[Units, Decimal] | None:
    """Sizes that events set one after another: the largest is the expected one, with the hours that make the same work.

    Nothing moves the size in between, so the largest is the maximum as well. None where the schedule cannot be read.
    """
    hours = hours_of(events)
    if not hours:
        return None
    largest = max(hours)
    worked = sum((size * share for size, share in hours.items()), Decimal(0))
    return Units(min(hours), largest, largest), worked / largest if largest else Decimal(0)
