"""The rules that look at one resource at a time: which offences are new, which were there, which cannot be told."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal

import msgspec

from gpuguard.decide.patterns import listing
from gpuguard.decide.rule import Finding, Settings
from gpuguard.decide.view import Change, same, touched
from gpuguard.model.report import Resource, State

_LONGEST = 80

Size = tuple[Decimal, ...]
"""How bad an offence is, in as many figures as it takes; worse is larger in any of them."""


class Look(msgspec.Struct, frozen=True):
    """What a rule sees on one side of a resource: offences by name with their size, or why it cannot tell."""

    offences: Mapping[str, Size] = msgspec.field(default_factory=dict)
    unsure: str | None = None


class Seen(msgspec.Struct, frozen=True):
    """The resources of one finding, with the offences counted against each."""

    resource: Resource
    offences: Mapping[str, Size]


Message = Callable[[Sequence[Seen]], tuple[str, str | None]]
"""Makes the message and the actual value out of what was seen, worst first or in order of the report."""


def offence_names(seen: Sequence[Seen]) -> str:
    """All offences by name, sorted, each once; cut where they are many or long."""
    found = sorted({name for one in seen for name in one.offences})
    return listing(name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…" for name in found)


def judge_each(
    change: Change,
    settings: Settings,
    look: Callable[[Resource, State], Look],
    message: Message,
    *,
    passed: str,
    limit: str | None = None,
    spare_savings: bool = False,
    undecided: bool = False,
    compare: bool = True,
) -> Iterator[Finding]:
    """Judge what every resource is after the change.

    An offence fails where the change brings it or makes it worse: on a resource it creates or alters, and not there
    before to the same degree. Any other is told as existing. What the change deletes or forgets is not judged.
    What cannot be told leaves the rule undecided where the change touches it. With ``scope: all`` every resource is
    judged as if it were new. `spare_savings`: the change lowers cost, so new offences warn. `undecided`: a violation
    leaves the verdict open instead of failing it. `compare` False: the sides cannot be compared, because what is
    judged is reported for the resource as it becomes only.
    """
    everything = settings.scope == "all"
    new: list[Seen] = []
    existing: list[Seen] = []
    unsure: list[tuple[Resource, str]] = []
    for resource in change.resources:
        if resource.after is None:
            continue
        now = look(resource, resource.after)
        judged = everything or touched(resource)
        fresh: Mapping[str, Size] = now.offences
        if not everything and compare and resource.before is not None and now.offences:
            then = look(resource, resource.before).offences
            fresh = {name: size for name, size in now.offences.items() if _worse(size, then.get(name))}
        if judged and fresh:
            new.append(Seen(resource, fresh))
        elif now.offences:
            existing.append(Seen(resource, now.offences))
        if now.unsure and judged and (everything or not same(resource)):
            unsure.append((resource, now.unsure))
    if new:
        text, actual = message(new)
        resources = tuple(one.resource for one in new)
        if spare_savings:
            yield Finding("warn", f"{text}; the change as a whole adds no cost", actual, limit, resources)
        else:
            yield Finding("undecided" if undecided else "fail", text, actual, limit, resources)
    if unsure:
        reasons = ", ".join(dict.fromkeys(why for _, why in unsure))
        yield Finding("undecided", reasons, None, limit, tuple(resource for resource, _ in unsure))
    if existing:
        text, actual = message(existing)
        resources = tuple(one.resource for one in existing)
        yield Finding("fail", text, actual, limit, resources, existing=True)
    if not (new or unsure or existing):
        yield Finding("pass", passed, None, limit)


def _worse(now: Size, then: Size | None) -> bool:
    return then is None or any(one > other for one, other in zip(now, then, strict=True))
