"""When machines run: autoscale profiles that follow each other, shutdown schedules, runbooks that start and stop."""

import re
from decimal import Decimal

import msgspec

from gpuguard.extract.schedules import Event, hours_of
from gpuguard.extract.spec import pick_expected, units_of, within
from gpuguard.extract.view import View
from gpuguard.model.usage import HOURS_PER_MONTH, Units, Unknown

AUTOSCALE = "azurerm_monitor_autoscale_setting"
SHUTDOWN = "azurerm_dev_test_global_vm_shutdown_schedule"
JOB_SCHEDULE = "azurerm_automation_job_schedule"

_DAYS = {
    name: number for number, name in enumerate(("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"))
}  # fmt: skip
_MOST_TIMES = 60


class Sizes(msgspec.Struct, frozen=True):
    """How many machines run and for how long: hours of the expected size, and those of the maximum."""

    units: Units
    hours: Decimal = HOURS_PER_MONTH
    max_hours: Decimal = HOURS_PER_MONTH


class Profile(msgspec.Struct, frozen=True):
    """One profile of an autoscale setting: its limits, the size where metrics are missing, and when it begins.

    `begins` None: it is no recurring one; it then holds until the first recurring one begins, or on a fixed date.
    """

    low: Decimal | None
    high: Decimal | None
    default: Decimal | Unknown | None
    begins: Event | None = None
    recurring: bool = False


def autoscaled(view: View, size: Decimal | Unknown | None, profiles: list[Profile]) -> Sizes:
    """The size that a scale set asks for, within the limits of the profiles of its autoscale setting.

    Azure starts the set with its own size and brings it within the limits; a profile's default only counts when metrics
    are missing (https://learn.microsoft.com/azure/azure-monitor/autoscale/autoscale-understanding-settings). A recurring
    profile has no end: it holds until the next one begins
    (https://learn.microsoft.com/azure/azure-monitor/autoscale/autoscale-multiprofile).
    """
    lows, highs = [each.low for each in profiles], [each.high for each in profiles]
    least = None if None in lows else min(low for low in lows if low is not None)
    most = None if None in highs else max(high for high in highs if high is not None)
    settled = Sizes(Units(least, within(pick_expected(size, profiles[0].default), least, most), most))
    recurring = [each for each in profiles if each.recurring]
    if not recurring:
        return settled
    hours = _hours(recurring)
    if hours is None or len(set(hours)) < 2 or least is None or most is None:
        if hours is not None and len(set(hours)) < 2:
            code, reason = "endless-profile", "one autoscale profile recurs and no other recurring one ends it"
        else:
            code, reason = "unread-schedule", "the times of its recurring autoscale profiles cannot be read"
        view.note("info", code, f"{reason}: the largest size of all profiles is counted all month")
        wanted = [within(pick_expected(size, each.default), each.low, each.high) for each in profiles]
        return Sizes(Units(least, None if None in wanted else max(each for each in wanted if each is not None), most))
    return _scheduled(size, recurring, hours, least, most) or settled


def _hours(recurring: list[Profile]) -> dict[int, Decimal] | None:
    """Hours of a month in which each recurring profile holds, by its position; None where that cannot be told."""
    events = [(each.begins, position) for position, each in enumerate(recurring) if each.begins is not None]
    return hours_of(events) if len(events) == len(recurring) and one_clock([event for event, _ in events]) else None


def one_clock(events: list[Event]) -> bool:
    """Whether the distance between all these times is known: one zone, or zones by their IANA names."""
    zones = {event.timezone for event in events}
    return len(zones) < 2 or all(zone == "UTC" or "/" in zone for zone in zones)


def _scheduled(
    size: Decimal | Unknown | None, recurring: list[Profile], hours: dict[int, Decimal], least: Decimal, most: Decimal
) -> Sizes | None:
    spans = [
        (span, within(pick_expected(size, recurring[position].default), recurring[position].low, recurring[position].high),
         recurring[position].high or Decimal(0))
        for position, span in hours.items()
    ]  # fmt: skip
    wanted = [asked for _, asked, _ in spans if asked is not None]
    if len(wanted) < len(spans):
        return None  # the size of the set itself is known only after apply
    top, ceiling = max(wanted), max(high for _, _, high in spans)
    used = sum((span * asked for span, asked, _ in spans if asked is not None), Decimal(0))
    limit = sum((span * high for span, _, high in spans), Decimal(0))
    return Sizes(
        Units(least, top, most),
        hours=used / top if top else HOURS_PER_MONTH,
        # another profile may allow more, on a date or before the first recurring one begins
        max_hours=limit / ceiling if ceiling and ceiling >= most else HOURS_PER_MONTH,
    )


def scale_set_sizes(view: View, count: str = "instances") -> Sizes:
    """The size of a scale set, with the bounds and times of an autoscale setting that targets it."""
    size = view.number(count)
    if isinstance(size, Unknown) and view.may_be_unset(count):
        size = None
    return sizes_of(view, size, Decimal(0))


def sizes_of(view: View, size: Decimal | Unknown | None, default: Decimal) -> Sizes:
    """The size of anything an autoscale setting may target."""
    profiles = [
        _profile(block)
        for setting in view.referring((AUTOSCALE,), "target_resource_id")
        if setting.known("enabled") is not False
        for block in setting.blocks("profile")
        if block.block("capacity") is not None
    ] + [
        _arm_profile(block)
        for setting in view.referring(("azapi_resource",), "body.properties.targetResourceUri")
        if (setting.string("type") or "").lower().startswith("microsoft.insights/autoscalesettings")
        and setting.known("body.properties.enabled") is not False
        for block in setting.blocks("body.properties.profiles")
        if block.block("capacity") is not None
    ]
    if not profiles:
        return Sizes(Units.fixed(units_of(size, default)))
    return autoscaled(view, size, profiles)


def _profile(block: View) -> Profile:
    """A profile as azurerm writes it."""
    recurrence = block.block("recurrence")
    return Profile(
        low=units_of(block.number("capacity.minimum"), None),
        high=units_of(block.number("capacity.maximum"), None),
        default=block.number("capacity.default"),
        begins=_recurring_event(recurrence, "days", "hours", "minutes", "timezone") if recurrence is not None else None,
        recurring=recurrence is not None,
    )


def _arm_profile(block: View) -> Profile:
    """A profile as ARM writes it (https://learn.microsoft.com/azure/templates/microsoft.insights/autoscalesettings)."""
    schedule = block.block("recurrence.schedule")
    return Profile(
        low=units_of(block.number("capacity.minimum"), None),
        high=units_of(block.number("capacity.maximum"), None),
        default=block.number("capacity.default"),
        begins=_recurring_event(schedule, "days", "hours", "minutes", "timeZone") if schedule is not None else None,
        recurring=block.block("recurrence") is not None,
    )


def _recurring_event(recurrence: View, days: str, hours: str, minutes: str, timezone: str) -> Event | None:
    """When a recurring profile begins: all its days, at all its hours and minutes."""
    names = recurrence.texts(days)
    if isinstance(names, Unknown):
        return None
    weekdays = [_DAYS.get(name.lower()) for name in names[:_MOST_TIMES]]
    at = [_times(recurrence.get(path), limit) for path, limit in ((hours, 24), (minutes, 60))]
    if not weekdays or None in weekdays or not all(at):
        return None
    zone = recurrence.string(timezone) or "UTC"
    return Event(f"{at[1]} {at[0]} * * {','.join(str(day) for day in weekdays)}", zone)


def _times(value: object, limit: int) -> str:
    """A list of hours or minutes for a cron expression; "" where it is none."""
    values = value if isinstance(value, list) else [value]
    numbers = [number for each in values[:_MOST_TIMES] if (number := _time(each)) is not None and 0 <= number < limit]
    return ",".join(map(str, numbers)) if numbers and len(numbers) == len(values) else ""


def _time(value: object) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 3:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


# -- machines that are stopped and started ------------------------------------------------------------------------------

_CLOCK = re.compile(r"([01]\d|2[0-3])([0-5]\d)")
_START_TIME = re.compile(r"T(\d\d):(\d\d)")
_STARTS = frozenset(("start", "startup", "poweron", "on"))
_STOPS = frozenset(("stop", "shutdown", "deallocate", "poweroff", "off"))
_START_COMMAND = re.compile(r"\bstart-az(?:urerm)?vm\b|\baz vm start\b", re.IGNORECASE)
_STOP_COMMAND = re.compile(r"\bstop-az(?:urerm)?vm\b|\baz vm (?:stop|deallocate)\b", re.IGNORECASE)
_RUNBOOK = re.compile(
    r"(start|stop)[-_ ]?(?:az(?:ure)?)?[-_ ]?(?:rm)?(?:v2)?[-_ ]?(?:vm|virtualmachine)", re.IGNORECASE
)
_WORD = re.compile(r"[A-Za-z0-9][\w.\-]{0,79}")
_LONGEST = 2_000
_LONGEST_RUNBOOK = 100_000


def running_hours(view: View) -> Decimal:
    """Hours of a month in which a virtual machine runs, where the plan both stops and starts it.

    A machine that nothing in the plan starts again after its daily shutdown counts all month: its hours depend on people.
    """
    stops = [
        event
        for schedule in view.referring((SHUTDOWN,), "virtual_machine_id")
        if schedule.known("enabled") is not False and (event := _daily(schedule)) is not None
    ]
    name = view.string("name")
    jobs = _jobs(view).get(name.lower(), ()) if name else ()
    events = [(event, False) for event in stops] + [(event, up) for up, event in jobs]
    if not any(not up for _, up in events):
        return HOURS_PER_MONTH
    hours = hours_of(events) if one_clock([event for event, _ in events]) else None
    if not any(up for _, up in events):
        view.note(
            "info",
            "shutdown-without-start",
            "it is shut down on a schedule and nothing in the plan starts it again: its hours are not known, and a full"
            " month is counted",
        )
        return HOURS_PER_MONTH
    if hours is None:
        view.note(
            "info", "unread-schedule", "the times at which it starts and stops cannot be read; a full month is counted"
        )
        return HOURS_PER_MONTH
    return hours.get(True, Decimal(0))


def _daily(schedule: View) -> Event | None:
    """`daily_recurrence_time` is HHmm."""
    clock = _CLOCK.fullmatch(schedule.string("daily_recurrence_time") or "")
    if clock is None:
        return None
    return Event(f"{int(clock[2])} {int(clock[1])} * * *", schedule.string("timezone") or "UTC")


_Jobs = dict[str, list[tuple[bool, Event]]]
"""By name of a machine: whether it is started, and when."""


def _jobs(view: View) -> _Jobs:
    """What the runbooks of the document start and stop on a schedule, read once."""
    key = (_jobs, 0, view.side)
    known = view.context.machines.get(key)
    if known is None:
        found: _Jobs = {}
        for node in view.context.document.current(JOB_SCHEDULE):
            if node.values(view.side) is not None:
                _job(View(view.context, node, view.side, []), found)
        known = view.context.machines[key] = (found, [])
    jobs: _Jobs = known[0]
    return jobs


def _job(job: View, found: _Jobs) -> None:
    parameters = job.known("parameters")
    texts = [text for text in parameters.values() if isinstance(text, str)] if isinstance(parameters, dict) else []
    schedule = job.follow(("schedule_name",), ("azurerm_automation_schedule",), ("name",)).first
    event = _recurring(schedule) if schedule is not None else None
    up = _starts(job, [text.lower() for text in texts])
    if event is None or up is None:
        return
    for text in texts:
        for name in _WORD.findall(text[:_LONGEST]):
            found.setdefault(name.lower(), []).append((up, event))


def _starts(job: View, words: list[str]) -> bool | None:
    """Whether a job starts machines (True) or stops them: by a parameter, else by the commands or name of its runbook."""
    if _STARTS & set(words) or _STOPS & set(words):
        return None if _STARTS & set(words) and _STOPS & set(words) else bool(_STARTS & set(words))
    runbook = job.follow(("runbook_name",), ("azurerm_automation_runbook",), ("name",)).first
    content = (runbook.string("content") if runbook is not None else None) or ""
    starts, stops = (bool(command.search(content[:_LONGEST_RUNBOOK])) for command in (_START_COMMAND, _STOP_COMMAND))
    if starts != stops:
        return starts
    name = _RUNBOOK.match(job.string("runbook_name") or "") if not content else None
    return None if name is None else name[1].lower() == "start"


def _recurring(schedule: View) -> Event | None:
    """A daily or weekly schedule, at the clock time of `start_time`; others switch nothing on and off every week."""
    frequency, interval = schedule.string("frequency"), schedule.number("interval")
    time = _START_TIME.search(schedule.string("start_time") or "")
    if frequency not in ("Day", "Week") or interval not in (None, Decimal(1)) or time is None:
        return None
    if int(time[1]) > 23 or int(time[2]) > 59:
        return None
    days = "*"
    if frequency == "Week":
        names = schedule.texts("week_days")
        numbers = [] if isinstance(names, Unknown) else [_DAYS.get(name.lower()) for name in names[:7]]
        if not numbers or None in numbers:
            return None
        days = ",".join(str(number) for number in numbers)
    return Event(f"{int(time[2])} {int(time[1])} * * {days}", schedule.string("timezone") or "UTC")
