"""Cheaper ways to get the same work done, each priced by the same engine as the resource itself."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal

import msgspec
from msgspec.structs import replace

from gpuguard.advise.facts import Facts
from gpuguard.advise.fitness import FITNESS, RISKS, worse
from gpuguard.advise.machines import Candidate, candidates
from gpuguard.advise.spot import SPOT_MOVES, is_production, spot_conditions, spot_edits, spot_risk, tolerates
from gpuguard.model.cost import Priced, PricedResource
from gpuguard.model.price import PriceKey, Unpriced
from gpuguard.model.report import (
    Alternative,
    AlternativeTarget,
    Edit,
    PerformanceFigure,
    Resource,
    Risk,
    Workload,
)
from gpuguard.model.usage import MachineOption, PoolUsage, Usage, pool_key

__all__ = ["Advisor", "Facts", "alternatives", "potential_monthly_saving"]

_MOST_POOLS = 60
"""Pools of one resource for which alternatives are looked for: each is weighed with all the others. More of them stand in
no cluster that people run."""
MIN_SAVING_PERCENT = 1.0
"""A saving below one percent of the resource's cost is not worth an edit, and within the noise of the prices."""


class _Problem(msgspec.Struct, frozen=True, eq=False):
    """All that decides the answer for one resource, and nothing else: equal problems have equal answers.

    `kind` is the Terraform type, `expected` and `ceiling` are today's cost a month. `usage` is that of the first resource
    that asked, `asked` all of it but the addresses in it, which play no part.
    `others` are the types a pool may start besides the one it was priced with, `unpriced` counts the components
    without a price. `machines` says, by pool, the first pool whose machine type is set by the same attribute (one edit changes
    them all), `purchases` the same of the purchase model; None where it cannot be changed.
    """

    kind: str
    usage: Usage
    asked: tuple[object, ...]
    expected: Decimal | None
    ceiling: Decimal | None
    workload: Workload | None
    environment: str | None
    unpriced: int
    others: tuple[tuple[str, ...], ...]
    machines: tuple[int | None, ...]
    purchases: tuple[int | None, ...]

    @property
    def key(self) -> tuple[object, ...]:
        """What equal problems have in common: everything but whose usage it is."""
        return (
            self.kind,
            self.asked,
            self.expected,
            self.ceiling,
            self.workload,
            self.environment,
            self.unpriced,
            self.others,
            self.machines,
            self.purchases,
        )


class _Draft(msgspec.Struct, frozen=True):
    """An alternative before it is written for one resource. `change` is None where only the purchase model changes."""

    pool: int
    title: str
    target: AlternativeTarget
    monthly: Decimal
    saving: Decimal
    saving_percent: float
    risk: Risk
    conditions: tuple[str, ...]
    change: Candidate | None = None


class Advisor:
    """Finds alternatives, once for all resources that are alike.

    `price` is the engine's function: the cost of an alternative is the cost the resource would have, by the
    same rules. A plan with thousands of equal resources asks it a few dozen times.
    """

    def __init__(self, catalog: Facts, price: Callable[[Usage], Priced]) -> None:
        self._facts = catalog
        self._price = price
        self._answers: dict[tuple[object, ...], tuple[_Draft, ...]] = {}

    def alternatives(self, resource: PricedResource) -> tuple[Alternative, ...]:
        """What could run instead of `resource` after the change, best first; empty where nothing fits.

        `monthly` is what the whole resource would cost, `saving` what it costs now less that, both at the expected
        size. Where that size is zero (scale from zero) both are at the maximum, `to.units` is the maximum and
        a condition says so.
        """
        after = resource.after
        if after is None or after.usage.region is None or len(after.usage.pools) > _MOST_POOLS:
            return ()
        problem = _problem(resource.resource, after)
        key = problem.key
        drafts = self._answers.get(key)
        if drafts is None:
            drafts = self._answers[key] = self._solve(problem)
        return tuple(_written(draft, resource.resource, after) for draft in drafts)

    def _solve(self, problem: _Problem) -> tuple[_Draft, ...]:
        drafts: list[_Draft] = []
        for index in range(len(problem.usage.pools)):
            if problem.purchases[index] == index:
                drafts += self._on_spot(problem, index)
            if problem.machines[index] == index:
                drafts += _best(self._on_other_machines(problem, index))
        return tuple(sorted(drafts, key=lambda draft: _rank(draft, problem.workload)))

    def _on_spot(self, problem: _Problem, leader: int) -> Iterator[_Draft]:
        """The same machines bought on spot, where that is sold and the work may bear it."""
        usage, workload = problem.usage, problem.workload
        if not tolerates(workload, is_production(problem.environment)):
            return
        members = _members(problem.purchases, leader)
        spotted = {index: _spotted(usage.pools[index], problem.others[index]) for index in members}
        if not all(self._sold_on_spot(usage, pool) for pool in spotted.values()):
            return
        priced = self._price(_with(usage, spotted))
        sku = priced.state.pools[leader].sku
        if sku is None:
            return
        os = "windows" if usage.pools[leader].os == "windows" else "linux"
        band = self._facts.interruption(usage.region or "", sku, os) if usage.cloud == "aws" else None
        draft = _draft(
            problem,
            members,
            priced,
            sku=sku,
            title=f"spot in {usage.region}, same machine{' types' if problem.others[leader] else ''}",
            risk=spot_risk(workload, band, problem.environment is not None and is_production(problem.environment)),
            conditions=spot_conditions(usage.cloud, workload, band, problem.kind),
        )
        if draft is not None:
            yield draft

    def _on_other_machines(self, problem: _Problem, leader: int) -> Iterator[_Draft]:
        """The pool, and those that share its machine type, on every other type that does the work for less."""
        usage = problem.usage
        members = _members(problem.machines, leader)
        pool = usage.pools[leader]
        on_spot = any(usage.pools[index].purchase_model == "spot" for index in members)
        for change in candidates(self._facts, usage.cloud, usage.region or "", problem.kind, pool, problem.workload):
            priced = self._price(_with(usage, {i: _moved(usage.pools[i], change) for i in members}))
            draft = _draft(
                problem,
                members,
                priced,
                sku=change.sku,
                title=change.title,
                risk=worse((change.risk, "medium")) if on_spot else change.risk,
                conditions=(*change.conditions, SPOT_MOVES) if on_spot else change.conditions,
                change=change,
            )
            if draft is not None:
                yield draft

    def _sold_on_spot(self, usage: Usage, pool: PoolUsage) -> bool:
        """Whether the catalog has a spot price in the region for every machine (or GPU) the pool may start."""
        for option in pool.options:
            machine = self._facts.instance_type(usage.cloud, option.sku)
            if machine is None:
                return False
            keys = [PriceKey(usage.cloud, "machine", machine.sku, usage.region or "", purchase_model="spot")]
            if machine.gpu_model is None:
                models = [self._facts.accelerator(attached.name) for attached in pool.accelerators]
                keys = [
                    PriceKey(usage.cloud, "accelerator", model.model, usage.region or "", purchase_model="spot")
                    for model in models
                    if model is not None
                ]
            if not keys or any(isinstance(self._facts.price(key), Unpriced) for key in keys):
                return False
        return True


def alternatives(resource: PricedResource, catalog: Facts, price: Callable[[Usage], Priced]) -> tuple[Alternative, ...]:
    """What could run instead of one resource, best first. For many resources keep one `Advisor`: it remembers."""
    return Advisor(catalog, price).alternatives(resource)


def potential_monthly_saving(resource: Resource, found: Iterable[Alternative]) -> Decimal:
    """The best saving a month of risk none or low for `resource` at its expected size; 0 where there is none.

    What would only be saved at the maximum size of something that does not run now is left out.
    """
    running = {pool.name: pool.units.expected for pool in (resource.after.pools if resource.after is not None else ())}
    return max(
        (one.saving for one in found if one.risk in ("none", "low") and running.get(one.pool)), default=Decimal(0)
    )


def _problem(resource: Resource, after: Priced) -> _Problem:
    usage = after.usage
    others = tuple(pool.candidates for pool in after.state.pools)
    spots = [
        pool.purchase_attribute if spot_edits(pool.purchase_attribute) and _may_move_to_spot(pool, names) else None
        for pool, names in zip(usage.pools, others, strict=True)
    ]
    # an edit moves all that the attribute speaks of: also what runs in a reservation, which must not leave it
    tied = {
        pool.purchase_attribute
        for pool, where in zip(usage.pools, spots, strict=True)
        if where is None and pool.purchase_model != "spot"
    }
    spots = [None if where in tied else where for where in spots]
    return _Problem(
        kind=resource.type,
        usage=usage,
        asked=(usage.cloud, usage.region, usage.fixed, tuple(map(pool_key, usage.pools))),
        expected=after.state.monthly.expected,
        ceiling=after.state.monthly.max,
        workload=resource.workload,
        environment=resource.environment,
        unpriced=_unpriced(after),
        others=others,
        machines=_machine_groups(usage.pools, others),
        purchases=tuple(None if where is None else spots.index(where) for where in spots),
    )


def _machine_groups(pools: Sequence[PoolUsage], others: Sequence[tuple[str, ...]]) -> tuple[int | None, ...]:
    """By pool, the first one whose machine type the same attribute sets; None unless all of them may and can move."""
    places = [index if pool.machine_attribute is None else pool.machine_attribute for index, pool in enumerate(pools)]
    groups: list[int | None] = []
    for place in places:
        members = [index for index, other in enumerate(places) if other == place]
        alike = len({pools[index].options for index in members}) == 1
        movable = alike and all(_may_move(pools[index], others[index]) for index in members)
        groups.append(members[0] if movable else None)
    return tuple(groups)


def _unpriced(priced: Priced) -> int:
    return sum(component.unit_price is None for component in priced.state.components)


def _may_change(pool: PoolUsage) -> bool:
    """Whether the pool pays for machines that are known, may be shown and have no maximum price set for them.

    What a managed service bills in a way of its own, and what is bought once, has no other machine type to compare with.
    """
    return (
        pool.role == "supply"
        and pool.machine_billed
        and not pool.charges
        and pool.once is None
        and pool.purchase_model != "capacity_reservation"
        and pool.covered_by is None
        and pool.unknown is None
        and not pool.sensitive
        and bool(pool.options)
        and not _has_maximum_price(pool)
    )


def _may_move_to_spot(pool: PoolUsage, others: Sequence[str]) -> bool:
    """Whether the pool is bought on demand; several types of different weight are not compared here."""
    weighted = bool(others) and any(option.weight != 1 for option in pool.options)
    return _may_change(pool) and pool.purchase_model == "on_demand" and not weighted


def _may_move(pool: PoolUsage, others: Sequence[str]) -> bool:
    """Whether the pool's one machine type may be another.

    Pools with several types keep them: a set is chosen for its spread, be it by attributes of which one type is left. What
    is committed or reserved is tied to its type.
    """
    where = pool.machine_attribute
    by_attributes = where is not None and where.path.endswith("instance_requirements")
    alone = not others and len(pool.options) == 1 and not by_attributes
    return _may_change(pool) and pool.purchase_model in ("on_demand", "spot") and alone


def _has_maximum_price(pool: PoolUsage) -> bool:
    return pool.spot_max_price is not None or any(option.spot_max_price is not None for option in pool.options)


def _members(groups: Sequence[int | None], leader: int) -> tuple[int, ...]:
    return tuple(index for index, group in enumerate(groups) if group == leader)


def _with(usage: Usage, pools: Mapping[int, PoolUsage]) -> Usage:
    """The usage with some of its pools replaced."""
    return replace(usage, pools=tuple(pools.get(index, pool) for index, pool in enumerate(usage.pools)))


def _spotted(pool: PoolUsage, others: Sequence[str]) -> PoolUsage:
    """The pool bought on spot. Of several types the dearest is taken: where there is capacity decides which runs."""
    spotted = replace(pool, purchase_model="spot", term=None, payment=None)
    if not others:
        return spotted
    return replace(spotted, options=(*pool.options, *(MachineOption(sku) for sku in others)), pick="dearest")


def _moved(pool: PoolUsage, change: Candidate) -> PoolUsage:
    """The pool on another machine type, everything else unchanged."""
    return replace(
        pool,
        options=(replace(pool.options[0], sku=change.sku),),
        accelerators=() if change.detach else pool.accelerators,
    )


def _draft(
    problem: _Problem,
    members: Sequence[int],
    priced: Priced,
    *,
    sku: str,
    title: str,
    risk: Risk,
    conditions: tuple[str, ...],
    change: Candidate | None = None,
) -> _Draft | None:
    """The alternative with its figures; None when either side has no price or the saving is none or too small."""
    usage = problem.usage
    after = [priced.state.pools[index] for index in members]
    expected, ceiling = _sum(pool.units.expected for pool in after), _sum(pool.units.max for pool in after)
    if expected is None or _unpriced(priced) > problem.unpriced:
        return None
    units: float | None
    hours = after[0].hours_per_month
    if expected > 0:
        units, now, then = expected, problem.expected, priced.state.monthly.expected
    else:
        units, now, then = ceiling, problem.ceiling, priced.state.monthly.max
        hours = float(problem.usage.pools[members[0]].max_hours_per_month)
        conditions = (
            f"nothing runs at the expected size: figures are for the maximum of {ceiling or 0:g}",
            *conditions,
        )
    if units is None or units <= 0 or now is None or then is None or now <= 0:
        return None
    saving = now - then
    percent = float(saving / now * 100)
    if percent < MIN_SAVING_PERCENT:
        return None
    if len(members) > 1:
        conditions = (
            *conditions,
            f"one edit changes all {len(members)} pools that share it; figures are for all of them",
        )
    first = after[0]
    return _Draft(
        pool=members[0],
        title=title,
        target=AlternativeTarget(
            cloud=usage.cloud,
            region=usage.region or "",
            sku=sku,
            purchase_model=first.purchase_model,
            term=first.term,
            units=units,
            hours_per_month=hours,
        ),
        monthly=then,
        saving=saving,
        saving_percent=round(percent, 1),
        risk=risk,
        conditions=conditions,
        change=change,
    )


def _sum(sizes: Iterable[float | None]) -> float | None:
    """The sum; None as soon as one part is not known."""
    total = 0.0
    for size in sizes:
        if size is None:
            return None
        total += size
    return total


def _best(drafts: Iterable[_Draft]) -> Iterator[_Draft]:
    """Without those that another one beats: cheaper (or as cheap), no riskier, and no smaller.

    Another GPU model is proposed once for each count, on the machine that ranks first.
    """
    kept: dict[tuple[str, float], list[_Draft]] = {}
    for draft in sorted(drafts, key=lambda draft: _rank(draft, None)):
        change = draft.change
        if change is None:
            continue
        rivals = kept.setdefault((change.shape.gpu.model, change.shape.count), [])
        if not rivals or (change.same_gpu and not any(_beats(rival, draft) for rival in rivals)):
            rivals.append(draft)
            yield draft


def _beats(one: _Draft, two: _Draft) -> bool:
    if one.change is None or two.change is None:
        return False
    first, second = one.change.shape.machine, two.change.shape.machine
    return (
        one.monthly <= two.monthly
        and RISKS.index(one.risk) <= RISKS.index(two.risk)
        and (first.vcpus or 0) >= (second.vcpus or 0)
        and (first.memory_gib or 0) >= (second.memory_gib or 0)
    )


def _rank(draft: _Draft, workload: Workload | None) -> tuple[bool, Decimal, int, float, str]:
    """Sort key: saving × fitness, largest first; spot last where nobody said what the machine is for."""
    speed = draft.change.speed if draft.change is not None else None
    return (
        draft.change is None and workload is None,
        -draft.saving * FITNESS[draft.risk],
        RISKS.index(draft.risk),
        -(speed.ratio if speed is not None else 1.0),
        draft.target.sku,
    )


def _written(draft: _Draft, resource: Resource, after: Priced) -> Alternative:
    """The alternative with the resource's own addresses."""
    pool, change = after.usage.pools[draft.pool], draft.change
    edits = _spot_edits(pool) if change is None else _machine_edits(pool, change)
    elsewhere = next((edit.address for edit in edits if edit.address != resource.address), None)
    conditions = draft.conditions
    if elsewhere is not None:
        conditions = (*conditions, f"the edit is in {elsewhere}: everything that uses it changes")
    speed = change.speed if change is not None else None
    return Alternative(
        project=resource.project,
        address=resource.address,
        pool=after.state.pools[draft.pool].name,
        kind="purchase_model" if change is None else "instance_type",
        title=draft.title,
        to=draft.target,
        monthly=draft.monthly,
        saving=draft.saving,
        saving_percent=draft.saving_percent,
        performance=None
        if speed is None
        else PerformanceFigure(ratio=round(speed.ratio, 3), workload=speed.workload, basis=speed.basis),
        memory_ratio=1.0 if change is None or change.memory_ratio is None else round(change.memory_ratio, 3),
        risk=draft.risk,
        conditions=conditions,
        edits=edits,
    )


def _spot_edits(pool: PoolUsage) -> tuple[Edit, ...]:
    """The attributes that turn spot on. What they were is not claimed: most often they are absent."""
    where = pool.purchase_attribute
    return tuple(
        Edit(address=where.address if where is not None else "", path=path, from_=None, to=value, file=None, line=None)
        for path, value in spot_edits(where)
    )


def _machine_edits(pool: PoolUsage, change: Candidate) -> tuple[Edit, ...]:
    """The machine type, and where the new one brings its own accelerators the block that attached others.

    An edit whose `to` is "" removes the block.
    """
    where = pool.machine_attribute
    if where is None:
        return ()
    edits = [
        Edit(address=where.address, path=where.path, from_=pool.options[0].sku, to=change.sku, file=None, line=None)
    ]
    if change.detach:
        block = where.path.rpartition(".")[0]
        path = f"{block}.guest_accelerator" if block else "guest_accelerator"
        name = pool.accelerators[0].name
        edits.append(Edit(address=where.address, path=path, from_=name, to="", file=None, line=None))
    return tuple(edits)
