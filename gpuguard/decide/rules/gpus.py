"""How many GPUs there may be."""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Literal

from pydantic import Field  # noqa: TID253 - rules are imported by the first pack that is loaded, not before

from gpuguard.decide.each import Look, Seen, judge_each
from gpuguard.decide.patterns import gpu_matches
from gpuguard.decide.rule import Count, Finding, Pattern, Settings, rule
from gpuguard.decide.view import Basis, Change, billed, remains, same, touched, units
from gpuguard.model.report import Resource, State


class MaxGpus(Settings):
    """Options of the `max-gpus` rule."""

    limit: Count = Field(description="How many GPUs there may be. A slice of a GPU counts as a fraction.")
    per: Literal["total", "resource"] = Field(
        default="total", description="`total` counts over all resources, `resource` within each."
    )
    basis: Basis = Field(
        default="expected",
        description="`expected` is the size the configuration asks for, `max` the upper scaling bound.",
    )
    models: tuple[Pattern, ...] = Field(
        default=(), description="Count only these GPU models, such as `H100*`; all if not given."
    )


@rule(
    "max-gpus",
    settings=MaxGpus,
    remedy="Lower the count or the maximum size, or have the limit raised.",
    example="rule: max-gpus\nlimit: 16\nper: total\nbasis: max\nmodels: [H100*, H200, B200]",
)
def max_gpus(change: Change, options: MaxGpus) -> Iterator[Finding]:
    """Fail a change that raises the number of GPUs above the limit, over all resources or within one.

    The limit itself is allowed. TPU, Trainium, Inferentia and Gaudi chips count as GPUs. GPUs that run in capacity
    reserved by the same change, and workloads that ask for GPUs, are not counted again. A number over the limit that
    the change does not raise is told as existing. Under the limit, with a pool of unknown size, the rule is undecided.
    """
    kind = f" ({', '.join(options.models)})" if options.models else ""
    size = " at maximum size" if options.basis == "max" else ""
    allowed = _number(options.limit)
    if options.per == "resource":
        yield from _each(change, options, f"{kind}{size}", allowed)
        return
    before, after, added = Decimal(0), Decimal(0), []
    gaps, changed_gaps = [], []
    for resource in change.resources:
        then, _ = _count(resource.before, options)
        now, now_known = _count(remains(resource), options)
        before, after = before + then, after + now
        if now > then:
            added.append((then - now, resource.project, resource.address, resource))
        if not now_known:
            gaps.append(resource)
        if touched(resource) and not same(resource) and not now_known:
            changed_gaps.append(resource)
    raised = after > before
    actual = _number(after)
    text = f"{actual} GPUs{kind}{size}"
    everything = options.scope == "all"
    added.sort(key=lambda one: one[:3])
    if after > options.limit:
        text += f", over {allowed}"
        if everything or raised:
            yield Finding("fail", text, actual, allowed, tuple(one[3] for one in added[:3]))
        elif changed_gaps:
            text += "; whether this change raises it cannot be told"
            yield Finding("undecided", text, actual, allowed, tuple(changed_gaps))
        else:
            yield Finding("fail", text, actual, allowed, existing=True)
    elif gaps and (everything or raised or changed_gaps):
        text += f" without what is not known; the limit is {allowed}"
        yield Finding("undecided", text, actual, allowed, tuple(gaps))
    else:
        yield Finding("pass", f"{text}, within {allowed}", actual, allowed)


def _each(change: Change, options: MaxGpus, kind: str, allowed: str) -> Iterator[Finding]:
    def look(_: Resource, state: State) -> Look:
        count, known = _count(state, options)
        if count > options.limit:
            return Look({"gpus": (count,)})
        return Look() if known else Look(unsure="the number of GPUs is not known")

    def message(seen: Sequence[Seen]) -> tuple[str, str]:
        most = sorted(seen, key=lambda one: (-one.offences["gpus"][0], one.resource.project, one.resource.address))
        actual = _number(most[0].offences["gpus"][0])
        each = "up to {} GPUs{} each, over {}" if len(seen) > 1 else "{} GPUs{}, over {}"
        return each.format(actual, kind, allowed), actual

    passed = f"no resource has more than {allowed} GPUs{kind}"
    yield from judge_each(change, options, look, message, passed=passed, limit=allowed)


def _count(state: State | None, options: MaxGpus) -> tuple[Decimal, bool]:
    """GPUs of the asked models on one side, as far as known, and whether that is all of them."""
    total, known = Decimal(0), True
    for pool in billed(state) if state else ():
        if pool.gpu is None:
            known = False  # a machine that only apply can tell, or that the catalog does not know: any GPU
        elif not options.models or _asked(options.models, pool.gpu.model):
            count = units(pool, options.basis)
            known = known and count is not None
            total += (count or Decimal(0)) * Decimal(str(pool.gpu.per_unit))
    return total, known


def _asked(patterns: Iterable[str], model: str) -> bool:
    return any(gpu_matches(pattern, model) for pattern in patterns)


def _number(count: Decimal) -> str:
    return f"{count:,.10f}".rstrip("0").rstrip(".")
