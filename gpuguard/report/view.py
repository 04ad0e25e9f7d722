"""What a report says to a reader, before it is laid out: which lines, in which order, with which words.

The table and the pull-request Markdown differ in layout alone; both take their lines from here.
"""

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal

import msgspec

from gpuguard.model.report import (
    Alternative,
    Component,
    Input,
    Outcome,
    PolicyResult,
    Pool,
    Quantities,
    Report,
    Resource,
    ResultOutcome,
    State,
)
from gpuguard.report.text import (
    NOT_PRICED,
    accelerators,
    count,
    machine,
    money,
    number,
    percent,
    purchase,
    signed_money,
    unit_price,
    units,
    visible,
)

UNKNOWN_COST = "unknown until apply"
COVERED = "covered"
NOT_BILLED = "not billed"
NO_KNOWN_MAXIMUM = "no known maximum"
UNCHANGED = "no change"
_WHERE_PRICED = "where priced"

_ORDER: dict[ResultOutcome, int] = {
    "fail": 0,
    "undecided": 1,
    "warn": 2,
    "approved": 3,
    "waived": 4,
    "pass": 5,
    "skipped": 6,
}
_MACHINE_COMPONENTS = frozenset({"compute", "gpu"})
_INSTANCE_KEY = re.compile(r"\[(?:\d+|\"(?:[^\"\\]|\\.)*\")\]")
_BARE = re.compile(r"true|false|null|-?\d+(\.\d+)?")
_LARGEST_PERCENT = 999
"""Beyond it a percentage says less than the two amounts beside it."""


class PoolLine(msgspec.Struct, frozen=True):
    """One pool as a reader sees it. `amount` is a month's cost in words; empty where the line of the total has it."""

    accelerators: str
    machine: str
    purchase: str
    amount: str


class Group(msgspec.Struct, frozen=True):
    """Resources of one type in one module that are the same but for their keys; `resources` in order of address."""

    resources: tuple[Resource, ...]

    @property
    def first(self) -> Resource:
        """The one that is shown for all."""
        return self.resources[0]

    @property
    def more(self) -> int:
        """How many others it stands for."""
        return len(self.resources) - 1

    @property
    def delta(self) -> Decimal:
        """What the change adds a month in all of them, as far as it is priced."""
        return sum(map(monthly_delta, self.resources), Decimal(0))


class Results(msgspec.Struct, frozen=True):
    """Results of one rule with one outcome. `results` in the order of the report."""

    results: tuple[PolicyResult, ...]

    @property
    def first(self) -> PolicyResult:
        """The one that is shown in full."""
        return self.results[0]


class Headline(msgspec.Struct, frozen=True):
    """The figures of the verdict, in words."""

    outcome: Outcome
    delta: str
    before_after: str
    once: str
    at_list_price: str
    maximum: str
    gpus: str


def headline(report: Report) -> Headline:
    """The verdict's figures; ≥ where something unpriced or unknown makes a total a lower bound."""
    summary, currency = report.summary, report.currency
    before_bound, after_bound, delta_bound = _bounds(report)
    if summary.monthly_delta == 0 and not delta_bound:
        delta = UNCHANGED
        before_after = f"{after_bound}{money(summary.monthly_after, currency)}/month"
    else:
        partly = delta_bound == _WHERE_PRICED
        amounts = signed_money(summary.monthly_delta, currency)
        delta = f"{amounts}/month {_WHERE_PRICED}" if partly else f"{delta_bound}{amounts}/month"
        share = summary.monthly_delta_percent
        if share is not None and not delta_bound and summary.monthly_before > 0 and 0 < abs(share) <= _LARGEST_PERCENT:
            delta += f" ({percent(share)})"
        before_after = f"{before_bound}{money(summary.monthly_before, currency)} → {after_bound}{money(summary.monthly_after, currency)}"
    bounded = all(units.max is not None for units in _supply_after(report))
    if not bounded:
        maximum = NO_KNOWN_MAXIMUM
    elif summary.monthly_max_after > summary.monthly_after:
        maximum = f"up to {after_bound}{money(summary.monthly_max_after, currency)} at maximum"
    else:
        maximum = ""
    return Headline(
        outcome=report.policy.outcome,
        delta=delta,
        before_after=before_after,
        once=f"{signed_money(summary.one_time_delta, currency)} once" if summary.one_time_delta else "",
        at_list_price=f"{money(summary.list_monthly_after, currency)} at list price"
        if summary.list_monthly_after != summary.monthly_after
        else "",
        maximum=maximum,
        gpus=_gpu_figures(report, bounded),
    )


def _gpu_figures(report: Report, bounded: bool) -> str:
    summary = report.summary
    states = [resource.before for resource in report.resources], [after_or_kept(r) for r in report.resources]
    before, after = (
        ("≥ " if any(state is not None and state.gpus.expected is None for state in side) else "") + number(total)
        for side, total in zip(states, (summary.gpus_before, summary.gpus_after), strict=True)
    )
    figures = f"GPUs {after}" if before == after else f"GPUs {before} → {after}"
    if bounded and summary.gpus_max_after > summary.gpus_after:
        figures += f" (max {number(summary.gpus_max_after)})"
    return figures


def _bounds(report: Report) -> tuple[str, str, str]:
    """Signs before the total before, the total after and the delta.

    An amount that misses something is a lower bound. The delta is one only where what is missing is added by the
    change; where the missing part may also be a saving the delta is said to be that of what is priced.
    """
    if report.summary.unpriced + report.summary.unknown == 0:
        return "", "", ""
    lacking_before = [r for r in report.resources if r.before is not None and is_incomplete(r.before)]
    lacking_after = [r for r in report.resources if (after := after_or_kept(r)) is not None and is_incomplete(after)]
    if not lacking_before and not lacking_after:
        # a size without a bound makes the maximum a lower bound, and nothing else
        bound = "" if any(units.max is None for units in _supply_after(report)) else "≥ "
        return bound, bound, bound
    moved = [r for r in (*lacking_before, *lacking_after) if r.action not in {"no-op", "forget"}]
    if not moved:
        delta = ""
    elif all(r.before is None for r in moved):
        delta = "≥ "
    else:
        delta = _WHERE_PRICED
    return "≥ " if lacking_before else "", "≥ " if lacking_after else "", delta


def _supply_after(report: Report) -> Iterable[Quantities]:
    for resource in report.resources:
        state = after_or_kept(resource)
        for pool in state.pools if state is not None else ():
            if pool.role == "supply" and pool.covered_by is None:
                yield pool.units


def after_or_kept(resource: Resource) -> State | None:
    """What runs after apply. What is forgotten runs on: Terraform only stops managing it."""
    return resource.before if resource.action == "forget" else resource.after


def monthly_delta(resource: Resource) -> Decimal:
    """What the change adds a month; 0 where one side is not priced, for an unknown price is no saving."""
    before = _expected(resource.before)
    after = _expected(after_or_kept(resource))
    return Decimal(0) if before is None or after is None else after - before


def _expected(state: State | None) -> Decimal | None:
    return Decimal(0) if state is None else state.monthly.expected


def is_incomplete(state: State) -> bool:
    """Whether the cost of this side, or its number of GPUs, misses something."""
    return (
        state.monthly.expected is None
        or state.gpus.expected is None
        or any(pool.sku is None and pool.role == "supply" for pool in state.pools)
        or any(component.monthly is None for component in state.components)
    )


def is_changed(resource: Resource) -> bool:
    """Whether the change touches the resource; an import does, for Terraform begins to manage it."""
    return resource.action != "no-op" or resource.importing


def amount(state: State, currency: str) -> str:
    """A side's cost a month in words: ``$734``, ``≥ $734``, ``$0 now, $2,936 at max``, ``not priced``."""
    words = expected_amount(state, currency)
    if state.monthly.expected is None:
        return words
    most = maximum_amount(state, currency)
    if most == NO_KNOWN_MAXIMUM:
        return f"{words}, {most}"
    if state.monthly.max is not None and state.monthly.max > state.monthly.expected:
        return f"{words}{'' if state.monthly.expected else ' now'}, {most} at max"
    return words


def _is_open(pool: Pool) -> bool:
    """Whether a pool has a size, but no bound."""
    return not _unbilled(pool) and pool.units.expected is not None and pool.units.max is None


def expected_amount(state: State, currency: str) -> str:
    """A side's cost a month at its expected size: ``$734``, ``≥ $734``, ``not priced``, ``covered``, ``not billed``."""
    if state.pools and not state.monthly.expected and all(map(_unbilled, state.pools)):
        return _unbilled_words(state.pools)
    if state.monthly.expected is None:
        return _missing(state.pools)
    return ("≥ " if is_incomplete(state) else "") + money(state.monthly.expected, currency)


def maximum_amount(state: State, currency: str) -> str:
    """A side's cost a month at its largest size: ``$2,936``, ``not priced``, ``no known maximum``."""
    if any(_is_open(pool) for pool in state.pools):
        return NO_KNOWN_MAXIMUM
    if state.pools and not state.monthly.max and all(map(_unbilled, state.pools)):
        return _unbilled_words(state.pools)
    if state.monthly.max is None:
        return _missing(state.pools)
    return ("≥ " if is_incomplete(state) else "") + money(state.monthly.max, currency)


def _missing(pools: Sequence[Pool]) -> str:
    unknown = any(pool.sku is None or pool.units.expected is None for pool in pools)
    return UNKNOWN_COST if unknown else NOT_PRICED


def pool_lines(state: State, currency: str) -> list[PoolLine]:
    """One line for each pool; with several of them, one for what belongs to none and one for the total."""
    if len(state.pools) == 1:
        pool = state.pools[0]
        return [PoolLine(accelerators(pool), machine(pool), _purchase(pool), amount(state, currency))]
    names = [pool.name for pool in state.pools]
    lines = [
        PoolLine(
            accelerators(pool),
            machine(pool),
            _purchase(pool),
            _pool_amount(pool, state.components, currency) if names.count(pool.name) == 1 else "",
        )
        for pool in state.pools
    ]
    others = [component for component in state.components if component.pool not in names]
    if others:
        lines.append(PoolLine("", _described(others), "", _sum(others, currency)))
    if len(lines) > 1:
        lines.append(PoolLine("", "", "together", amount(state, currency)))
    return lines


def _purchase(pool: Pool) -> str:
    if pool.role == "demand":
        return "demand"
    if pool.covered_by is not None:
        return f"{purchase(pool)}, in {visible(pool.covered_by)}"
    return purchase(pool)


def _unbilled(pool: Pool) -> bool:
    return pool.role == "demand" or pool.covered_by is not None


def _unbilled_words(pools: Iterable[Pool]) -> str:
    return NOT_BILLED if all(pool.role == "demand" for pool in pools) else COVERED


def _pool_amount(pool: Pool, components: Iterable[Component], currency: str) -> str:
    own = [component for component in components if component.pool == pool.name]
    if not own and _unbilled(pool):
        return _unbilled_words([pool])
    if not any(component.kind in _MACHINE_COMPONENTS for component in own):
        return _missing([pool])
    return _sum(own, currency)


def _sum(components: Sequence[Component], currency: str) -> str:
    priced = [component.monthly for component in components if component.monthly is not None]
    machines = [component for component in components if component.kind in _MACHINE_COMPONENTS]
    if not priced or any(component.monthly is None for component in machines):
        return NOT_PRICED
    return ("≥ " if len(priced) < len(components) else "") + money(sum(priced, Decimal(0)), currency)


def component_amount(component: Component, currency: str) -> str:
    """A component's cost a month: ``$734``, ``not priced``, ``unknown until apply``."""
    if component.monthly is not None:
        return money(component.monthly, currency)
    return NOT_PRICED if component.unit_price is None else UNKNOWN_COST


def formula(component: Component, currency: str) -> str:
    """How a component's cost comes about: ``730 hours × $55.04``; with the range of a price that is known as one."""
    quantity = "?" if component.quantity is None else number(component.quantity)
    words = f"{quantity} {units(component)}"
    if component.unit_price is not None:
        words += f" × {unit_price(component.unit_price, currency)}"
    if component.unit_price_range is not None:
        low, high = (unit_price(amount, currency) for amount in component.unit_price_range)
        words += f" ({low} to {high})"
    return words


def origin(component: Component) -> str:
    """Where a component's price is from and of which day; empty where it has none."""
    return " ".join(visible(part) for part in (component.source, component.as_of) if part)


def _described(components: Sequence[Component]) -> str:
    words = list(dict.fromkeys(visible(component.description) for component in components))
    return ", ".join(words[:2]) + (f" and {len(words) - 2} more" if len(words) > 2 else "")


def place(resource: Resource) -> str:
    """Cloud and region: ``aws us-east-1``, ``aws us-east-1 → eu-west-1`` where the change moves it."""
    sides = [state for state in (resource.before, resource.after) if state is not None]
    regions = list(
        dict.fromkeys(
            "region unknown" if state.region is None else visible(state.region) for state in sides if _has_place(state)
        )
    )
    clouds = list(dict.fromkeys(visible(state.cloud) for state in sides))
    return " ".join(filter(None, (" → ".join(clouds), " → ".join(regions))))


def _has_place(state: State) -> bool:
    """Whether a region says something of a side: workloads that only ask for accelerators of a cluster have none."""
    only_asked = bool(state.pools) and all(pool.role == "demand" for pool in state.pools)
    return state.region is not None or not (only_asked and state.cloud)


def notes(resource: Resource) -> list[str]:
    """What the symbol of the action does not say."""
    said: list[str] = []
    if resource.action == "forget":
        said.append("leaves Terraform's control, keeps running and costing")
    if resource.importing:
        said.append("imported: it already runs")
    if resource.previous_address is not None:
        said.append(f"moved from {visible(resource.previous_address)}")
    if resource.deposed is not None:
        said.append(f"deposed object {visible(resource.deposed)}")
    return said


def one_time(resource: Resource, currency: str) -> str:
    """What is bought once; empty where nothing is."""
    state = resource.after
    return money(state.one_time, currency) if state is not None and state.one_time else ""


def groups(resources: Iterable[Resource], *, fold: bool) -> list[Group]:
    """The resources, what is not priced and then the dearest change first.

    `fold` puts together what differs in nothing but instance keys and tags: type, module, action and both sides are
    the same. Two that are alike stay apart: folding them would save nothing.
    """
    by_shape: dict[object, list[Resource]] = {}
    for index, resource in enumerate(resources):
        by_shape.setdefault(_shape(resource) if fold else index, []).append(resource)
    found: list[Group] = []
    for alike in by_shape.values():
        ordered = sorted(alike, key=_key)
        found.extend([Group(tuple(ordered))] if len(ordered) > 2 else [Group((one,)) for one in ordered])
    return sorted(found, key=_rank)


def _shape(resource: Resource) -> object:
    return (
        resource.project,
        _INSTANCE_KEY.sub("[]", resource.address),
        resource.type,
        resource.action,
        resource.importing,
        resource.previous_address is None,
        resource.deposed is None,
        resource.workload,
        resource.before,
        resource.after,
    )


def _key(resource: Resource) -> tuple[str, tuple[tuple[int, str], ...], str]:
    """Order of resources: node[2] comes before node[10]."""
    parts = re.split(r"(\d+)", resource.address)
    natural = tuple((int(part), "") if part.isdecimal() and len(part) < 19 else (-1, part) for part in parts)
    return resource.project, natural, resource.deposed or ""


def _rank(group: Group) -> tuple[object, ...]:
    state = after_or_kept(group.first) or group.first.before
    lacking = state is not None and is_incomplete(state) and is_changed(group.first)
    largest = (state.monthly.max or Decimal(0)) if state is not None else Decimal(0)
    size = len(group.resources)
    return not lacking, not is_changed(group.first), -abs(group.delta), -largest * size, _key(group.first)


def results(report: Report, outcomes: Iterable[ResultOutcome]) -> list[Results]:
    """Policy results with one of the outcomes, worst first; what one rule says in the same way is put together."""
    wanted = frozenset(outcomes)
    by_rule: dict[object, list[PolicyResult]] = {}
    for result in report.policy.results:
        if result.outcome in wanted:
            key = (_ORDER[result.outcome], result.existing, result.rule, result.pack, result.enforcement)
            by_rule.setdefault((*key, result.remediation), []).append(result)
    found = [Results(tuple(alike)) for alike in by_rule.values()]
    # The sort is stable: rules with the same outcome keep the order of the pack.
    return sorted(found, key=lambda alike: (_ORDER[alike.first.outcome], alike.first.existing))


def unnamed(report: Report, result: PolicyResult) -> list[str]:
    """The resources a result speaks of; none where it is one and the message names it."""
    found = list(dict.fromkeys((one.project, one.address) for one in result.resources))
    return [] if len(found) == 1 and found[0][1] in result.message else called(report, found)


def called(report: Report, resources: Iterable[tuple[str | None, str]]) -> list[str]:
    """What resources are called outside of their project's own list.

    That is the address, after the project where the report has several. Takes (project, address).
    """
    several = len(projects(report)) > 1
    return [f"{project}: {address}" if several and project is not None else address for project, address in resources]


def granted(result: PolicyResult) -> str:
    """By whom and until when a violation was approved or waived."""
    if result.approval is not None:
        until = f", until {visible(result.approval.expires)}" if result.approval.expires else ""
        return f"approved by {visible(result.approval.by)}{until}"
    parts = (f"{visible(key)} {visible(value)}" for key, value in (result.waiver or {}).items())
    return ", ".join((result.outcome, *parts))


def cheaper(report: Report, *, everything: bool, most: int = 3) -> list[tuple[Group, list[Alternative]]]:
    """Resources with at most `most` alternatives each, in the advisor's order; the largest saving first.

    Unless `everything` is asked for, resources that the change does not touch are left out: their cost is not news.
    """
    found: dict[tuple[str, str], list[Alternative]] = {}
    for alternative in report.alternatives:
        best = found.setdefault((alternative.project, alternative.address), [])
        if len(best) < most:
            best.append(alternative)
    shown: list[tuple[Group, list[Alternative]]] = []
    for group in groups(filter(is_changed, report.resources) if not everything else report.resources, fold=True):
        best = found.pop((group.first.project, group.first.address), [])
        if best:
            shown.append((group, best))
    return sorted(shown, key=lambda item: -max(one.saving for one in item[1]) * len(item[0].resources))


def saving(alternative: Alternative, currency: str) -> str:
    """``−$16,500 (−41 %)``."""
    return f"{signed_money(-alternative.saving, currency)} ({percent(-abs(alternative.saving_percent))})"


def offer(alternative: Alternative, *, whole: bool) -> str:
    """What an alternative is and what it asks for; of several conditions the first unless `whole`.

    The title already tells price-relevant differences (GPU, memory, speed), so they are not said again.
    """
    conditions = [visible(condition) for condition in alternative.conditions]
    said = [visible(alternative.title), *(conditions if whole else conditions[:1])]
    left = 0 if whole else len(conditions) - 1
    return "; ".join(said) + (f" (and {count(left, 'more condition')})" if left > 0 else "")


def edits(alternative: Alternative) -> list[str]:
    """The edits of the configuration, each in one line: ``ADDRESS: PATH "old" → "new"``."""
    lines: list[str] = []
    for edit in alternative.edits:
        old = f"{_literal(edit.from_)} → " if edit.from_ is not None else ""
        address = "" if edit.address == alternative.address else f"{visible(edit.address)}: "
        lines.append(f"{address}{visible(edit.path)} = {old}{_literal(edit.to)}")
    return lines


def _literal(value: str) -> str:
    """A value as it stands in a configuration: numbers and booleans bare, text in quotes."""
    return visible(value) if _BARE.fullmatch(value) else f'"{visible(value)}"'


def priced(report: Report) -> str:
    """How many of the GPUs after apply have a price: ``2 of 2 GPUs priced``; of resources where none is left or up."""
    total = have = Decimal(0)
    unsized = 0
    for resource in report.resources:
        state = after_or_kept(resource)
        if state is None or all(map(_unbilled, state.pools)):
            continue
        if state.gpus.expected is None:
            unsized += 1
            continue
        gpus = Decimal(str(state.gpus.expected))
        total += gpus
        have += gpus if state.monthly.expected is not None else 0
    if total == 0 and unsized == 0:
        states = [after_or_kept(resource) or resource.before for resource in report.resources]
        known = sum(state is not None and state.monthly.expected is not None for state in states)
        return f"{known:,} of {count(len(report.resources), 'resource')} priced"
    words = f"{number(have)} of {number(total)} {'GPU' if total == 1 else 'GPUs'} priced"
    return f"{words}, {count(unsized, 'resource')} of unknown size" if unsized else words


def price_ages(report: Report) -> str:
    """The oldest price used, by cloud: ``prices: aws 2026-07-20, gcp 2026-07-01``."""
    ages = ", ".join(f"{visible(cloud)} {visible(day)}" for cloud, day in sorted(report.catalog.as_of.items()))
    return f"prices: {ages}" if ages else f"catalog {visible(report.catalog.version)}"


def no_gpus(report: Report) -> str:
    """The one line for inputs without any GPU."""
    kinds = {one.kind for one in report.inputs}
    words = {"plan": "plan", "state": "state", "hcl": "configuration", "report": "report"}
    noun = words[kinds.pop()] if len(kinds) == 1 else "input"
    many = len(report.inputs)
    where = f"these {many:,} {noun}s" if many > 1 else f"this {noun}"
    return f"No GPUs in {where}; nothing to price."


def failed_inputs(report: Report) -> list[Input]:
    """Inputs that could not be read."""
    return [one for one in report.inputs if one.error is not None]


def input_error(one: Input) -> str:
    """Why an input could not be read, without its path, which stands beside it."""
    return visible((one.error or "").removeprefix(f"{one.path}: "))


def input_warnings(report: Report) -> list[str]:
    """What is to be known of inputs that could be read, but do not show the whole change."""
    said: list[str] = []
    for one in report.inputs:
        if one.error is None and one.errored:
            said.append(
                f"{visible(one.path)}: Terraform stopped with an error while planning; resources may be missing"
            )
        elif one.error is None and not one.complete:
            said.append(f"{visible(one.path)}: the plan is not complete; another plan and apply will follow")
    return said


def projects(report: Report) -> list[str]:
    """Projects in the order of the inputs, then of the resources."""
    return list(dict.fromkeys([*(one.project for one in report.inputs), *(r.project for r in report.resources)]))


def project_delta(report: Report, project: str) -> str:
    """A project's part of the delta in words."""
    own = [resource for resource in report.resources if resource.project == project]
    total = sum(map(monthly_delta, own), Decimal(0))
    if not own:
        return "no GPUs"
    return f"{signed_money(total, report.currency)}/month" if total else UNCHANGED


def after_total(resources: Iterable[Resource], currency: str) -> str:
    """What the resources cost a month after apply, as far as it is priced."""
    sides = [state for resource in resources if (state := after_or_kept(resource)) is not None]
    total = sum((state.monthly.expected or Decimal(0) for state in sides), Decimal(0))
    return f"{'≥ ' if any(map(is_incomplete, sides)) else ''}{money(total, currency)}/month"
