"""Application Auto Scaling: bounds and schedules of what other services run (endpoint variants, streaming fleets).

A scalable target is named by a text such as ``endpoint/chat/variant/AllTraffic``. It sets the least and the most capacity;
scheduled actions set both anew at their times, and the capacity is brought within them
(https://docs.aws.amazon.com/autoscaling/application/userguide/scheduled-scaling.html).
"""

from collections.abc import Iterable
from decimal import Decimal

import msgspec

from gpuguard.extract.schedules import Event, aws_cron, hours_of
from gpuguard.extract.spec import Companion, units_of, within
from gpuguard.extract.view import View
from gpuguard.model.usage import HOURS_PER_MONTH, Units, Unknown

_TARGETS = ("aws_appautoscaling_target", "awscc_applicationautoscaling_scalable_target")
_ACTIONS = ("aws_appautoscaling_scheduled_action",)
_MOST_ACTIONS = 200
"""Scheduled actions of one target that are read; AWS allows as many."""

_State = tuple[Decimal, Decimal | None]
"""Least and most capacity that an action sets."""


class Scaled(msgspec.Struct, frozen=True):
    """Sizes under autoscaling, and the hours a month of the expected and of the largest size."""

    units: Units
    hours: Decimal = HOURS_PER_MONTH
    max_hours: Decimal = HOURS_PER_MONTH


class Named(msgspec.Struct, frozen=True):
    """How a scalable target names what it scales: the whole text where it is known, and the part that tells it from
    what else the resource runs."""

    text: str | None
    part: str | None = None
    others: tuple[str, ...] = ()
    alone: bool = True
    """Whether a target that does not tell which part it means can mean this one."""

    def is_meant_by(self, target: View) -> bool:
        """Whether a target names this. Where only apply knows its name, what the name is made of may tell."""
        name = target.known("resource_id")
        if isinstance(name, str):
            return name == self.text
        pieces = target.context.resolver.values(target.node, ("resource_id",)) if name is None else []
        if self.part in pieces:
            return True
        return self.alone and not any(other in pieces for other in self.others)


def scaled(view: View, dimension: str, named: Named, size: Decimal | None, unscaled: Units) -> Scaled:
    """The sizes of what starts with `size` units; `unscaled` without a scalable target.

    A target whose name only apply can tell counts where it refers to the resource at `view`.
    """
    targets = [
        target
        for target in _speaking_of(view, _TARGETS, named)
        if target.string("scalable_dimension") in (dimension, None) and named.is_meant_by(target)
    ]
    if not targets:
        return Scaled(unscaled)
    # two targets for one thing cannot be told apart before apply: the wider bounds are taken
    lows = [units_of(target.number("min_capacity"), Decimal(0)) for target in targets]
    highs = [units_of(target.number("max_capacity"), None) for target in targets]
    low = min((each for each in lows if each is not None), default=None) if None not in lows else None
    high = max((each for each in highs if each is not None), default=None) if None not in highs else None
    plain = Scaled(Units(low, within(size, low, high), high))
    found = _speaking_of(view, _ACTIONS, named)
    for target in targets:
        found += target.referring(_ACTIONS, "resource_id")
    actions = list({id(action.node): action for action in found if named.is_meant_by(action)}.values())
    for target in targets:
        actions += target.blocks("scheduled_actions")  # of the awscc provider's type
    return _scheduled(view, plain, size, actions[:_MOST_ACTIONS]) if actions else plain


def _speaking_of(view: View, types: tuple[str, ...], named: Named) -> list[View]:
    texts = (named.text,) if named.text is not None else ()
    found = [*view.referring(types, "resource_id"), *holding(view, types, "resource_id", texts)]
    return list({id(each.node): each for each in found}.values())


def holding(view: View, types: tuple[str, ...], attribute: str, texts: Iterable[str]) -> list[View]:
    """Resources whose attribute is one of these texts: nothing but the text connects them where it is a literal."""
    found: list[View] = []
    for type_ in types:
        key = ("aws holding", type_, attribute, view.side)
        index = view.context.memo.get(key)
        if index is None:
            index = view.context.memo[key] = {}
            for node in view.context.document.current(type_):
                text = (node.values(view.side) or {}).get(attribute)
                if isinstance(text, str):
                    index.setdefault(text, []).append(node)
        found += [View(view.context, node, view.side, view.notes) for text in texts for node in index.get(text, ())]
    return found


def _scheduled(view: View, plain: Scaled, size: Decimal | None, actions: Iterable[View]) -> Scaled:
    """The sizes under scheduled actions: each sets its bounds until the next one comes."""
    events: list[tuple[Event, _State]] = []
    for action in actions:
        cron = aws_cron(action.string("schedule"))
        low = action.number("scalable_target_action.min_capacity")
        high = action.number("scalable_target_action.max_capacity")
        if cron is None or isinstance(low, Unknown) or isinstance(high, Unknown):
            message = f"{action.address} sets sizes at a time or to numbers that are not counted"
            view.note("info", "unread-schedule", message)
            continue
        state = (plain.units.min or Decimal(0) if low is None else low, plain.units.max if high is None else high)
        events.append((Event(cron, action.string("timezone") or "UTC"), state))
    hours = hours_of(events)
    if hours is None:
        view.note(
            "info",
            "unread-schedule",
            "its scheduled actions come at times that cannot be read; they are not counted",
        )
    if not hours or size is None:
        return plain
    sizes = {state: _size(state, hours, size) for state in hours}
    up = max(sizes.values())
    if up == 0:
        return plain  # something else brings it up again
    most = plain.units.max
    caps = [cap for _, cap in hours if cap is not None]
    peak = max(caps) if len(caps) == len(hours) else None
    max_hours = HOURS_PER_MONTH
    if peak and most is not None and most <= peak:
        most = peak
        max_hours = sum((held * cap for (_, cap), held in hours.items() if cap is not None), Decimal(0)) / peak
    return Scaled(
        Units(min(low for low, _ in hours), up, most),
        sum((held * sizes[state] for state, held in hours.items()), Decimal(0)) / up,
        max_hours,
    )


def _size(state: _State, states: Iterable[_State], size: Decimal) -> Decimal:
    """The size in a state. Of two states the other one came before, and what it took away does not come back by itself."""
    others = [other for other in states if other != state]
    if len(others) == 1:
        size = within(size, *others[0]) or Decimal(0)
    return within(size, *state) or Decimal(0)


def companions(of: tuple[str, ...]) -> tuple[Companion, ...]:
    """The types read here, for the types `of`."""
    source = "AWS provider: aws_appautoscaling_target, aws_appautoscaling_scheduled_action; Application Auto Scaling user guide"
    return (
        Companion(
            type=_TARGETS[0],
            of=of,
            reads=("resource_id", "scalable_dimension", "min_capacity", "max_capacity"),
            says="The least and the most instances; what starts outside these bounds is brought within them.",
            source=source,
        ),
        Companion(
            type=_TARGETS[1],
            of=of,
            reads=("resource_id", "scalable_dimension", "min_capacity", "max_capacity", "scheduled_actions"),
            says="The same, with its scheduled actions.",
            source="AWSCC provider: awscc_applicationautoscaling_scalable_target",
        ),
        Companion(
            type=_ACTIONS[0],
            of=of,
            reads=("resource_id", "schedule", "timezone", "scalable_target_action"),
            says="Bounds from a time on, until the next action: hours a month at each size.",
            source=source,
        ),
    )
