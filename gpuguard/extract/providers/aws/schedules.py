"""Schedules of AWS: scheduled actions of Auto Scaling groups, and what starts and stops instances at set times."""

import json
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal

import msgspec
from msgspec.structs import replace

from gpuguard.extract.schedules import Event, aws_cron, hours_of, unix_cron
from gpuguard.extract.spec import Companion, within
from gpuguard.extract.view import View
from gpuguard.model.usage import HOURS_PER_MONTH, PoolUsage, Units, Unknown

ACTION = "aws_autoscaling_schedule"
SCHEDULE = "aws_scheduler_schedule"
TARGET = "aws_cloudwatch_event_target"
RULE = "aws_cloudwatch_event_rule"
STATE = "aws_ec2_instance_state"

_MOST = 100
"""Schedules of one resource that are read."""


# -- groups ---------------------------------------------------------------------------------------------------------------


class Span(msgspec.Struct, frozen=True):
    """The sizes that scheduled actions set, and in how many hours of a month they hold."""

    hours: Decimal
    low: Decimal
    size: Decimal
    high: Decimal


class Sizes(msgspec.Struct, frozen=True):
    """How many units a group runs: its own bounds, and what schedules make of them."""

    units: Units
    spans: tuple[Span, ...] = ()

    def applied(self, pool: PoolUsage, share: Callable[[Decimal], Decimal] = lambda size: size) -> PoolUsage:
        """The pool with the share of every size that falls to it, and the hours in which it runs.

        Expected is the largest size that a schedule asks for, and the hours those in which it would bring as many
        unit-hours; the maximum runs all month unless the schedule lowers it.
        """

        units = self.units.map(share)
        if not self.spans:
            return replace(pool, units=units)
        sizes = [(share(span.size), span.hours) for span in self.spans]
        highs = [(share(span.high), span.hours) for span in self.spans]
        lows = [share(span.low) for span in self.spans] + ([] if units.min is None else [units.min])
        top = max(high for high, _ in highs)
        return replace(
            pool,
            units=Units(min(lows), max(size for size, _ in sizes), None if units.max is None else max(units.max, top)),
            hours_per_month=_hours(sizes),
            max_hours_per_month=_hours(highs) if units.max is not None and units.max <= top else HOURS_PER_MONTH,
        )


def _hours(sizes: Iterable[tuple[Decimal, Decimal]]) -> Decimal:
    """Unit-hours ÷ the largest size."""
    known = list(sizes)
    largest = max(size for size, _ in known)
    if not largest:
        return HOURS_PER_MONTH
    return min(sum((size * hours for size, hours in known), Decimal(0)) / largest, HOURS_PER_MONTH)


class _Action(msgspec.Struct, frozen=True):
    """A recurring scheduled action; None keeps what is there."""

    event: Event
    low: Decimal | None
    size: Decimal | None
    high: Decimal | None


def scheduled_sizes(view: View, units: Units) -> Sizes:
    """The sizes of a group with its recurring scheduled actions; those that come once change nothing in the long run.

    https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-scheduled-scaling.html
    """
    if ACTION not in view.context.document.types:
        return Sizes(units)
    actions: list[_Action] = []
    found = view.referring((ACTION,), "autoscaling_group_name")
    for each in found[:_MOST]:
        action = _action(view, each)
        if isinstance(action, Unknown):
            view.note(
                "warning",
                "unread-schedule",
                f"{each.address} cannot be read ({action.reason}): the size is taken to hold all month",
            )
            return Sizes(units)
        if action is not None:
            actions.append(action)
    if not actions:
        return Sizes(units)
    spans = _spans(actions, units)
    if spans is None:
        view.note(
            "warning",
            "unread-schedule",
            "the recurrence of its schedule cannot be read: the size is taken to hold all month",
        )
        return Sizes(units)
    return Sizes(units, spans)


def _action(view: View, action: View) -> _Action | Unknown | None:
    """One scheduled action; None where it comes only once.

    https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/autoscaling_schedule: -1 keeps a size, and
    one that is left out is 0. Without a time zone the recurrence is in UTC.
    """
    recurrence = action.text("recurrence")
    if recurrence is None:
        view.note("info", "one-off-schedule", f"{action.address} comes only once and is not counted")
        return None
    if isinstance(recurrence, Unknown):
        return recurrence
    cron = unix_cron(recurrence)
    zone = action.text("time_zone")
    sizes = [_set_size(action, name) for name in ("min_size", "desired_capacity", "max_size")]
    unknown = next((size for size in (zone, *sizes) if isinstance(size, Unknown)), None)
    if cron is None or unknown is not None:
        return unknown or Unknown("its recurrence is no cron expression")
    end = action.text("end_time")
    if isinstance(end, str) or (end is not None and not action.may_be_unset("end_time")):
        view.note("info", "schedule-ends", f"{action.address} ends at its end_time; it is counted as if it did not")
    low, size, high = (None if isinstance(each, Unknown) else each for each in sizes)
    return _Action(Event(cron, zone if isinstance(zone, str) else "UTC"), low, size, high)


def _set_size(action: View, name: str) -> Decimal | Unknown | None:
    if action.get(name) in (-1, "-1"):
        return None
    value = action.number(name)
    return Decimal(0) if value is None else value


def _spans(actions: Sequence[_Action], units: Units) -> tuple[Span, ...] | None:
    """What the actions make of the sizes in turn; None where a recurrence cannot be read.

    What an action keeps is what the others set; where they set different sizes the largest counts, and where none does
    the group's own.
    """
    lows, sizes, highs = (
        [value for value in values if value is not None]
        for values in (
            [action.low for action in actions],
            [action.size for action in actions],
            [action.high for action in actions],
        )
    )
    low = max(lows) if lows else units.min
    high = max(highs) if highs else units.max
    # a minimum that rises starts machines, and one that falls stops none
    size = max(sizes) if sizes else units.expected
    if size is not None and not sizes and lows:
        size = max(size, *lows)
    if low is None or high is None or size is None:
        return None
    states: list[tuple[Event, tuple[Decimal, Decimal, Decimal]]] = []
    for action in actions:
        least = low if action.low is None else action.low
        most = high if action.high is None else action.high
        wanted = within(size if action.size is None else action.size, least, most)
        states.append((action.event, (least, wanted if wanted is not None else least, most)))
    hours = hours_of(states)
    if hours is None:
        return None
    return tuple(Span(held, *state) for state, held in hours.items())


# -- instances --------------------------------------------------------------------------------------------------------------


def with_hours(view: View, pool: PoolUsage) -> PoolUsage:
    """The pool of an instance with the hours in which it runs: none where it is stopped, fewer where it is scheduled."""
    if not {STATE, SCHEDULE, TARGET}.intersection(view.context.document.types):
        return pool
    states = {state.string("state") for state in view.referring((STATE,), "instance_id")[:_MOST]}
    if states == {"stopped"}:
        view.note("info", "stopped", "the instance is kept stopped: only its disks are billed")
        return replace(pool, hours_per_month=Decimal(0), max_hours_per_month=Decimal(0))
    events = [*_scheduler_events(view), *_rule_events(view)]
    if not events:
        return pool
    wanted = {state for _, state in events}
    if wanted != {True, False}:
        what = "started" if True in wanted else "stopped"
        view.note("info", "one-sided-schedule", f"it is only {what} by schedule: it is taken to run all month")
        return pool
    hours = hours_of(events)
    if hours is None:
        view.note("warning", "unread-schedule", "the schedule that starts and stops it cannot be read: it is ignored")
        return pool
    return replace(pool, hours_per_month=hours.get(True, Decimal(0)))


def _starts(action: str) -> bool | None:
    """Whether the name of an action starts (True) or stops (False) instances; None: it does neither."""
    lowered = action.lower()
    if lowered.endswith(("ec2:startinstances", "aws-startec2instance")):
        return True
    return False if lowered.endswith(("ec2:stopinstances", "aws-stopec2instance")) else None


def _scheduler_events(view: View) -> Iterable[tuple[Event, bool]]:
    """EventBridge Scheduler calling EC2 itself (``arn:aws:scheduler:::aws-sdk:ec2:startInstances``)."""
    for schedule in _of_instance(view, SCHEDULE, "target.input", "InstanceIds"):
        state = _starts(schedule.string("target.arn") or "")
        cron = aws_cron(schedule.string("schedule_expression"))
        if state is None or schedule.string("state") == "DISABLED":
            continue
        if cron is None:
            view.note("info", "unread-schedule", f"{schedule.address} is no recurring cron expression: it is ignored")
            continue
        yield Event(cron, schedule.string("schedule_expression_timezone") or "UTC"), state


def _rule_events(view: View) -> Iterable[tuple[Event, bool]]:
    """EventBridge rules that run the automation documents AWS-StartEC2Instance and AWS-StopEC2Instance; in UTC."""
    for target in _of_instance(view, TARGET, "input", "InstanceId"):
        document = (target.string("arn") or "").rsplit("automation-definition/", 1)[-1].split(":", 1)[0]
        state = _starts(document)
        rule = target.follow(("rule",), (RULE,), ("name", "id")).first
        if state is None or rule is None:
            continue
        cron = aws_cron(rule.string("schedule_expression"))
        if cron is not None and rule.string("state") != "DISABLED" and rule.get("is_enabled") is not False:
            yield Event(cron), state


def _of_instance(view: View, type_: str, path: str, member: str) -> list[View]:
    """What of a type names this instance in its JSON input: by reference, or by its id."""
    found = {id(each.node): each for each in view.referring((type_,), path)}
    own = view.known("id")
    if isinstance(own, str):
        found |= {id(each.node): each for each in _by_id(view, type_, path, member).get(own, ())}
    return list(found.values())[:_MOST]


def _by_id(view: View, type_: str, path: str, member: str) -> dict[str, list[View]]:
    """What of a type names instances in its input, by their ids; read once for all instances."""
    key = ("aws.schedules", type_, view.side)
    known: dict[str, list[View]] | None = view.context.memo.get(key)
    if known is None:
        known = view.context.memo[key] = {}
        for node in view.context.document.current(type_):
            if node.values(view.side) is None:
                continue
            each = View(view.context, node, view.side, [])
            for document in each.embedded(path, json.loads):
                listed = document.known(member)
                for name in listed if isinstance(listed, list) else ():
                    if isinstance(name, str):
                        known.setdefault(name, []).append(each)
    return known


GROUP_COMPANIONS: tuple[Companion, ...] = (
    Companion(
        type=ACTION,
        of=("aws_autoscaling_group", "aws_eks_node_group"),
        reads=(
            "autoscaling_group_name",
            "recurrence",
            "time_zone",
            "min_size",
            "desired_capacity",
            "max_size",
            "end_time",
        ),
        says="the sizes at set times, and so the hours; actions that come once are left out",
        source="AWS provider: aws_autoscaling_schedule; Amazon EC2 Auto Scaling user guide: scheduled scaling",
    ),
)

INSTANCE_COMPANIONS: tuple[Companion, ...] = (
    Companion(
        type=SCHEDULE,
        of=("aws_instance",),
        reads=("schedule_expression", "schedule_expression_timezone", "state", "target.arn", "target.input"),
        says="the hours, where it calls ec2:startInstances and ec2:stopInstances with the instance's id",
        source="AWS provider: aws_scheduler_schedule; EventBridge Scheduler user guide: universal targets",
    ),
    Companion(
        type=TARGET,
        of=("aws_instance",),
        reads=("rule", "arn", "input"),
        says="the hours, where it runs AWS-StartEC2Instance and AWS-StopEC2Instance with the instance's id",
        source="AWS provider: aws_cloudwatch_event_target; Systems Manager Automation runbook reference",
    ),
    Companion(
        type=RULE,
        of=("aws_instance",),
        reads=("schedule_expression", "state", "is_enabled"),
        says="when such a target runs",
        source="AWS provider: aws_cloudwatch_event_rule",
    ),
    Companion(
        type=STATE,
        of=("aws_instance",),
        reads=("instance_id", "state"),
        says="that the instance is kept stopped: then only its disks are billed",
        source="AWS provider: aws_ec2_instance_state",
    ),
)
