"""What is judged, and the questions every rule asks of it."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cached_property
from typing import Literal

import msgspec

from gpuguard.model.hidden import SENSITIVE
from gpuguard.model.report import Alternative, Pool, Resource, ResourceKey, State, Summary

Basis = Literal["expected", "max"]
Answer = Literal["yes", "no", "unknown"]


_TOUCHED = frozenset({"create", "update", "replace"})
_MACHINES = frozenset({"compute", "gpu"})
_SERVICE = "managed_service"


class Judged(msgspec.Struct, frozen=True):
    """One change as the report tells it.

    `catalog_as_of` is the day of the oldest price used, by cloud. `strict`: an accelerator that is unpriced or
    unknown leaves the verdict undecided whatever the packs say. `unread` are resources of types that gpuguard does not
    read and that name an accelerator: no rule can judge them.
    """

    resources: tuple[Resource, ...]
    summary: Summary
    alternatives: tuple[Alternative, ...] = ()
    catalog_as_of: Mapping[str, str] = msgspec.field(default_factory=dict)
    strict: bool = False
    unread: tuple[ResourceKey, ...] = ()


class Total(msgspec.Struct, frozen=True):
    """A figure summed over all resources. `after` counts what is known; `gaps` are the resources that add to it unseen.

    `delta` is what the change adds, as far as known; `changed_gaps` are the resources it touches of which it cannot
    be told what they add.
    """

    after: Decimal
    delta: Decimal
    gaps: tuple[Resource, ...]
    changed_gaps: tuple[Resource, ...]

    @property
    def raised(self) -> Answer:
        """Whether the change raises the total. An unknown addition is never taken for a saving."""
        if self.delta > 0:
            return "yes"
        return "unknown" if self.changed_gaps else "no"


def touched(resource: Resource) -> bool:
    """Whether the change creates or alters the resource. An import alone does neither."""
    return resource.action in _TOUCHED


def remains(resource: Resource) -> State | None:
    """What runs when the change is done. What Terraform forgets keeps running."""
    return resource.before if resource.action == "forget" else resource.after


def key(resource: Resource) -> ResourceKey:
    """The resource as a policy result names it."""
    return ResourceKey(project=resource.project, address=resource.address)


def supply(state: State) -> Iterator[Pool]:
    """Pools that bring accelerators, bought or out of a reservation; not workloads that ask for them."""
    return (pool for pool in state.pools if pool.role == "supply")


def billed(state: State) -> Iterator[Pool]:
    """Pools that are paid for by themselves."""
    return (pool for pool in supply(state) if pool.covered_by is None)


def machine_type(pool: Pool) -> str | None:
    """The machine type, or None where only apply can tell it or it is sensitive."""
    return None if pool.sku in (None, SENSITIVE) else pool.sku


def units(pool: Pool, basis: Basis) -> Decimal | None:
    """Machines of the pool; None: not known, or without a bound."""
    count = pool.units.expected if basis == "expected" else pool.units.max
    return None if count is None else Decimal(str(count))


def monthly(state: State | None, basis: Basis) -> Decimal | None:
    """Effective cost per month of one side; 0 where there is no such side or nothing of it is billed."""
    if state is None:
        return Decimal(0)
    amount = state.monthly.expected if basis == "expected" else state.monthly.max
    return Decimal(0) if amount is None and not any(billed(state)) else amount


def without_price(state: State, pool: Pool) -> bool:
    """Whether a machine or an accelerator of a billed pool has no unit price.

    What a service adds to a machine that has its price is a gap in the total, and hides no machine.
    """
    own = [part for part in state.components if part.pool == pool.name]
    machines = [part for part in own if part.kind in _MACHINES] or [part for part in own if part.kind == _SERVICE]
    return any(part.unit_price is None for part in machines)


def cost_known(state: State | None, basis: Basis) -> bool:
    """Whether the cost of one side is known in full, as far as machines and accelerators go."""
    return state is None or (
        monthly(state, basis) is not None and not any(without_price(state, pool) for pool in billed(state))
    )


def same(resource: Resource) -> bool:
    """Whether both sides run the same machines for the same money, with nothing about them unknown."""
    before, after = resource.before, remains(resource)
    return (
        before is not None
        and before == after
        and all(pool.sku is not None and pool.units.expected is not None for pool in before.pools)
    )


class Change:
    """The judged change with the sums that several rules share, each worked out once."""

    def __init__(self, judged: Judged) -> None:
        self.judged = judged
        self.resources = judged.resources

    def cost(self, basis: Basis) -> Total:
        """Effective cost per month of everything: what the configuration asks for, or at the scaling bounds."""
        return self._expected_cost if basis == "expected" else self._max_cost

    @cached_property
    def increase(self) -> Decimal:
        """What the change adds: the larger of the monthly delta and of what is paid once, where something is."""
        summary = self.judged.summary
        once = summary.one_time_delta
        return max(summary.monthly_delta, once) if once else summary.monthly_delta

    @cached_property
    def largest_increase(self) -> Decimal | None:
        """What the change adds at most; None: there is no telling.

        What had no price before and has one now adds no more than that price. This equals `increase` where both sides
        of everything touched are known.
        """
        gaps = self.cost("expected").changed_gaps
        if not all(cost_known(resource.after, "expected") for resource in gaps):
            return None
        return self.increase + sum((monthly(resource.after, "expected") or Decimal(0) for resource in gaps), Decimal(0))

    def lowers_cost(self, basis: Basis) -> bool:
        """Whether it is certain that the change adds no cost."""
        total = self.cost(basis)
        return total.raised == "no" and (basis == "max" or self.increase <= 0)

    @cached_property
    def _expected_cost(self) -> Total:
        summary = self.judged.summary
        return self._total(summary.monthly_after, summary.monthly_delta, "expected")

    @cached_property
    def _max_cost(self) -> Total:
        delta = Decimal(0)
        for resource in self.resources:
            before, after = monthly(resource.before, "max"), monthly(remains(resource), "max")
            if before is not None and after is not None:
                delta += after - before
        return self._total(self.judged.summary.monthly_max_after, delta, "max")

    def _total(self, after: Decimal, delta: Decimal, basis: Basis) -> Total:
        gaps = tuple(r for r in self.resources if not cost_known(remains(r), basis))
        changed = tuple(
            r
            for r in self.resources
            if touched(r) and not same(r) and not (cost_known(r.after, basis) and cost_known(r.before, basis))
        )
        return Total(after=after, delta=delta, gaps=gaps, changed_gaps=changed)

    def raising(self, basis: Basis, most: int = 3) -> tuple[Resource, ...]:
        """The resources that add most to the cost, dearest first."""
        added = [
            (after - before, resource)
            for resource in self.resources
            if (before := monthly(resource.before, basis)) is not None
            and (after := monthly(remains(resource), basis)) is not None
            and after > before
        ]
        added.sort(key=lambda pair: (-pair[0], pair[1].project, pair[1].address))
        return tuple(resource for _, resource in added[:most])
