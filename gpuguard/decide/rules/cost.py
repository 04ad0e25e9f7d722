"""Limits on money: totals, what a change adds, and what one resource costs. All are effective cost per month in USD."""

from collections.abc import Iterator, Sequence
from decimal import ROUND_HALF_UP, Decimal

from pydantic import Field  # noqa: TID253 - rules are imported by the first pack that is loaded, not before

from gpuguard.decide.each import Look, Seen, judge_each
from gpuguard.decide.rule import DeltaSettings, Finding, Money, Percent, Settings, rule
from gpuguard.decide.view import Basis, Change, cost_known, monthly
from gpuguard.model.money import money, money_pair
from gpuguard.model.report import Resource, State

_LOWER_COST = "Lower the count, take a smaller GPU, buy it as spot, or have the limit raised."


class MaxMonthlyTotal(Settings):
    """Options of the `max-monthly-total` rule."""

    limit: Money = Field(description="Effective cost per month that is still allowed, in US dollars.")
    basis: Basis = Field(
        default="expected",
        description="`expected` is the size the configuration asks for, `max` the upper scaling bound.",
    )


class MaxExposure(Settings):
    """Options of the `max-exposure` rule."""

    limit: Money = Field(description="Effective cost per month at the upper scaling bounds that is still allowed.")


class MaxMonthlyIncrease(DeltaSettings):
    """Options of the `max-monthly-increase` rule."""

    limit: Money = Field(description="Effective cost per month that one change may add, in US dollars.")


class MaxIncreasePercent(DeltaSettings):
    """Options of the `max-increase-percent` rule."""

    limit: Percent = Field(description="By how many percent one change may raise the monthly cost.")


class MaxResourceCost(Settings):
    """Options of the `max-resource-cost` rule."""

    limit: Money = Field(description="Effective cost per month that one resource may have, in US dollars.")
    basis: Basis = Field(
        default="expected",
        description="`expected` is the size the configuration asks for, `max` the upper scaling bound.",
    )


@rule(
    "max-monthly-total",
    settings=MaxMonthlyTotal,
    remedy=_LOWER_COST,
    example="rule: max-monthly-total\nlimit: 20000\nbasis: expected",
)
def max_monthly_total(change: Change, options: MaxMonthlyTotal) -> Iterator[Finding]:
    """Fail a change that raises the monthly cost of all GPU resources together above the limit.

    The limit itself is allowed. A total that is over the limit without being raised by this change is told as
    existing. Under the limit, with something in it that has no price, a raised total is undecided.
    """
    yield from _total(change, options, options.basis)


@rule(
    "max-exposure",
    settings=MaxExposure,
    remedy="Lower the maximum size of what scales, or have the limit raised.",
    example="rule: max-exposure\nlimit: 50000",
)
def max_exposure(change: Change, options: MaxExposure) -> Iterator[Finding]:
    """Fail a change that raises the cost of everything scaled to its upper bound above the limit.

    The limit itself is allowed. An exposure that is over the limit without being raised by this change is told as
    existing. Under the limit, with a pool that has no bound or no price, a raised exposure is undecided.
    """
    yield from _total(change, options, "max")


@rule(
    "max-monthly-increase",
    settings=MaxMonthlyIncrease,
    remedy=_LOWER_COST,
    example="rule: max-monthly-increase\nlimit: 5000",
)
def max_monthly_increase(change: Change, options: MaxMonthlyIncrease) -> Iterator[Finding]:
    """Fail a change that adds more than the limit to the monthly cost.

    Judged is the larger of the monthly delta and of what is paid once (a capacity block). The limit itself is
    allowed. Under it, with a touched resource whose added cost is not known, the rule is undecided.
    """
    increase, limit = change.increase, options.limit
    if increase > limit:
        actual, allowed = money_pair(increase, limit, signed=True)
        yield Finding("fail", f"{actual} a month is over {allowed}", actual, allowed, change.raising("expected"))
    elif (most := change.largest_increase) is None or most > limit:
        gaps = change.cost("expected").changed_gaps
        actual, allowed = money(increase, signed=True), money(limit)
        text = f"{actual} a month without what cannot be priced; the limit is {allowed}"
        yield Finding("undecided", text, actual, allowed, gaps)
    else:
        actual, allowed = money_pair(increase, limit, signed=True)
        yield Finding("pass", f"{actual} a month is within {allowed}", actual, allowed)


@rule(
    "max-increase-percent",
    settings=MaxIncreasePercent,
    remedy=_LOWER_COST,
    example="rule: max-increase-percent\nlimit: 20",
)
def max_increase_percent(change: Change, options: MaxIncreasePercent) -> Iterator[Finding]:
    """Fail a change that raises the monthly cost by more than the limit, in percent of the cost before it.

    Judged is the larger of the monthly delta and of what is paid once. The limit itself is allowed. From nothing,
    any increase is over any percentage: limit first GPUs by an amount. Under the limit, with a touched resource
    whose added cost is not known, and where nothing of what was there before has a price, the rule is undecided.
    """
    increase, before = change.increase, change.judged.summary.monthly_before
    allowed = f"{options.limit.normalize():f} %"
    if increase > 0 and not before:
        if unpriced := tuple(one for one in change.resources if not cost_known(one.before, "expected")):
            text = f"{money(increase, signed=True)} a month, where the cost before it is not known"
            yield Finding("undecided", text, money(increase, signed=True), allowed, unpriced)
            return
        text = f"{money(increase, signed=True)} a month where there was no cost is over any percentage"
        yield Finding("fail", text, money(increase, signed=True), allowed, change.raising("expected"))
        return
    percent = increase * 100 / before if before else Decimal(0)
    actual = _percent(percent, options.limit)
    if increase * 100 > options.limit * before:
        yield Finding("fail", f"{actual} is over {allowed}", actual, allowed, change.raising("expected"))
    elif (most := change.largest_increase) is None or most * 100 > options.limit * before:
        gaps = change.cost("expected").changed_gaps
        text = f"{actual} without what cannot be priced; the limit is {allowed}"
        yield Finding("undecided", text, actual, allowed, gaps)
    else:
        yield Finding("pass", f"{actual} is within {allowed}", actual, allowed)


@rule(
    "max-resource-cost",
    settings=MaxResourceCost,
    remedy=_LOWER_COST,
    example="rule: max-resource-cost\nlimit: 10000\nbasis: max",
)
def max_resource_cost(change: Change, options: MaxResourceCost) -> Iterator[Finding]:
    """Fail a resource that costs more per month than the limit, where the change brings or raises that cost.

    The limit itself is allowed. A resource that is not touched, or costs no more than before, is told as existing;
    where the change as a whole adds no cost, the rule warns. Under the limit, with no price or no bound, a touched
    resource is undecided.
    """
    limit, basis = options.limit, options.basis

    def look(_: Resource, state: State) -> Look:
        cost = monthly(state, basis)
        if cost is not None and cost > limit:
            return Look({"cost": (cost,)})
        return Look() if cost_known(state, basis) else Look(unsure="the cost is not known")

    def message(seen: Sequence[Seen]) -> tuple[str, str]:
        dearest = sorted(seen, key=lambda one: (-one.offences["cost"][0], one.resource.project, one.resource.address))
        actual, allowed = money_pair(dearest[0].offences["cost"][0], limit)
        text = f"{actual} a month is over {allowed}"
        return text if len(seen) == 1 else f"up to {actual} a month each, over {allowed}", actual

    yield from judge_each(
        change,
        options,
        look,
        message,
        passed=f"no resource costs more than {money(limit)} a month",
        limit=money(limit),
        spare_savings=options.scope != "all" and change.lowers_cost(basis),
    )


def _total(change: Change, options: MaxMonthlyTotal | MaxExposure, basis: Basis) -> Iterator[Finding]:
    total, limit = change.cost(basis), options.limit
    actual, allowed = money_pair(total.after, limit)
    where = " at maximum size" if basis == "max" else ""
    everything = options.scope == "all"
    if not change.resources:
        yield Finding("pass", f"{actual} a month{where} is within {allowed}", actual, allowed)
    elif total.after > limit:
        text = f"{actual} a month{where} is over {allowed}"
        if everything or total.raised == "yes":
            yield Finding("fail", text, actual, allowed, change.raising(basis))
        elif total.raised == "unknown":
            text += "; whether this change raises it cannot be told"
            yield Finding("undecided", text, actual, allowed, total.changed_gaps)
        else:
            yield Finding("fail", text, actual, allowed, existing=True)
    elif total.gaps and (everything or total.raised != "no"):
        text = f"{actual} a month{where} without what cannot be priced; the limit is {allowed}"
        yield Finding("undecided", text, actual, allowed, total.gaps)
    else:
        yield Finding("pass", f"{actual} a month{where} is within {allowed}", actual, allowed)


def _percent(percent: Decimal, limit: Decimal) -> str:
    """Write a percentage to one decimal, or with as many as it takes to differ from the limit."""
    rounded = percent.quantize(Decimal("0.1"), ROUND_HALF_UP)
    if rounded == limit != percent:
        rounded = percent.quantize(Decimal("0.000001"), ROUND_HALF_UP)
    sign = "−" if rounded < 0 else "+" if rounded else ""
    return f"{sign}{abs(rounded).normalize():f} %"
