"""What cannot be priced, what is not known, and what has no ceiling."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Literal

from pydantic import Field  # noqa: TID253 - rules are imported by the first pack that is loaded, not before

from gpuguard.decide.each import Look, Seen, Size, judge_each, offence_names
from gpuguard.decide.rule import Finding, Settings, rule
from gpuguard.decide.view import Change, billed, monthly, supply, units, without_price
from gpuguard.model.report import Pool, Resource, State

_UNBOUNDED = Decimal("Infinity")


class OpenSettings(Settings):
    """Settings of a rule on what is not known."""

    outcome: Literal["undecided", "fail"] = Field(
        default="undecided",
        description="What it means where the rule is mandatory: `undecided` leaves the verdict open (exit code 3), "
        "`fail` fails it (exit code 1).",
    )


class UnpricedGpu(OpenSettings):
    """Options of the `unpriced-gpu` rule."""


class UnknownGpu(OpenSettings):
    """Options of the `unknown-gpu` rule."""


class UnboundedCeiling(Settings):
    """Options of the `unbounded-ceiling` rule."""


def unpriced_in(state: State) -> dict[str, Size]:
    """Billed pools known to hold accelerators, or a machine type that may, that have no price, by name with their size."""
    no_total = monthly(state, "expected") is None
    return {
        pool.name: _size(pool)
        for pool in billed(state)
        if (pool.sku is not None or pool.gpu is not None) and (no_total or without_price(state, pool))
    }


def unknown_in(state: State) -> dict[str, Size]:
    """What only apply can tell: the region, the machine type or the size of a pool that supplies accelerators."""
    pools = list(supply(state))
    found: dict[str, Size] = {"the region": ()} if pools and state.region is None else {}
    if any(pool.sku is None for pool in pools):
        found["the machine type"] = ()
    if any(pool.units.expected is None for pool in pools):
        found["the number of machines"] = ()
    return found


@rule(
    "unpriced-gpu",
    settings=UnpricedGpu,
    remedy="Put its price into gpuguard.yml (catalog.overrides), or take a machine type and a region that have one.",
    example="rule: unpriced-gpu\noutcome: undecided",
    tells_gaps=True,
)
def unpriced_gpu(change: Change, options: UnpricedGpu) -> Iterator[Finding]:
    """Leave the verdict undecided, or fail it, for a GPU resource that the change brings and that has no price.

    Unpriced is a GPU or a GPU machine type whose cost per month could not be worked out. What runs without a price
    already, and no more of it than before, is told as existing.
    """

    def look(_: Resource, state: State) -> Look:
        return Look(unpriced_in(state))

    def message(seen: Sequence[Seen]) -> tuple[str, str]:
        pools = offence_names(seen)
        return f"no price for {pools}", pools

    yield from judge_each(
        change, options, look, message, passed="every known GPU is priced", undecided=options.outcome == "undecided"
    )


@rule(
    "unknown-gpu",
    settings=UnknownGpu,
    remedy="Give the value in the configuration, or tell the region on the command line.",
    example="rule: unknown-gpu\nenforcement: advisory",
    tells_gaps=True,
)
def unknown_gpu(change: Change, options: UnknownGpu) -> Iterator[Finding]:
    """Leave the verdict undecided, or fail it, for a resource whose machine type, size or region is not known.

    Unknown is what only apply can tell and no reference leads to. What was unknown before the change as well is told
    as existing.
    """

    def look(_: Resource, state: State) -> Look:
        return Look(unknown_in(state))

    def message(seen: Sequence[Seen]) -> tuple[str, str]:
        what = offence_names(seen)
        return f"{what} cannot be told before apply", what

    yield from judge_each(
        change, options, look, message, passed="every GPU is known", undecided=options.outcome == "undecided"
    )


@rule(
    "unbounded-ceiling",
    settings=UnboundedCeiling,
    remedy="Set the maximum size.",
    example="rule: unbounded-ceiling\nenforcement: advisory",
    tells_gaps=True,
)
def unbounded_ceiling(change: Change, options: UnboundedCeiling) -> Iterator[Finding]:
    """Fail a resource that the change brings and that may scale without an upper bound. It needs no price.

    A pool whose size is not known at all may have a bound or not and is undecided.
    """

    def look(_: Resource, state: State) -> Look:
        found: dict[str, Size] = {}
        unsure = None
        for pool in supply(state):
            if pool.units.max is not None:
                continue
            if pool.units.expected is None and pool.units.min is None:
                unsure = "the size is not known"
            else:
                found[pool.name] = ()
        return Look(found, unsure)

    def message(seen: Sequence[Seen]) -> tuple[str, str]:
        return f"no maximum size for {offence_names(seen)}", "no maximum"

    yield from judge_each(
        change, options, look, message, passed="everything that scales has a maximum size", limit="a maximum"
    )


def _size(pool: Pool) -> Size:
    sizes = (units(pool, "expected"), units(pool, "max"))
    return tuple(_UNBOUNDED if size is None else size for size in sizes)
