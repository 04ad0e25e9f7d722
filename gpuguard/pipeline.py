"""The stages in order: read → extract → price → advise → decide → report.

`check` and `compare` are what the command line calls and what other programs import; they read the named files and
the catalog, use no network, and return the report as a value.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

import gpuguard
from gpuguard.advise import Advisor, potential_monthly_saving
from gpuguard.decide import Judged, decide
from gpuguard.errors import InputError, UsageError
from gpuguard.extract import ResourceUsage, usages
from gpuguard.extract.ownership import environment_of, workload_of
from gpuguard.extract.registry import specs_for
from gpuguard.extract.sweep import CODE as UNSUPPORTED
from gpuguard.model.cost import Priced, PricedResource
from gpuguard.model.hidden import hide
from gpuguard.model.report import (
    Action,
    Alternative,
    CatalogInfo,
    Diagnostic,
    Input,
    MoneyRange,
    Policy,
    Quantities,
    Report,
    Resource,
    ResourceKey,
    State,
    Summary,
)
from gpuguard.price.age import LIST_DAYS, SPOT_DAYS, price_ages
from gpuguard.price.engine import Engine, exact
from gpuguard.read.detect import is_report, parse_document
from gpuguard.read.document import Document, Node
from gpuguard.read.source import read_bytes

if TYPE_CHECKING:
    from gpuguard.decide import Pack
    from gpuguard.extract.usage_file import UsageFile
    from gpuguard.price.catalog import Catalog

_ZERO = Decimal(0)


class Settings(msgspec.Struct, frozen=True):
    """What a run is made with. `today` dates the report; older than `spot_days` or `list_days` a price is warned of."""

    catalog: "Catalog"
    packs: Sequence["Pack"] = ()
    regions: Mapping[str, str] = msgspec.field(default_factory=dict)
    usage: "UsageFile | None" = None
    strict: bool = False
    today: datetime = msgspec.field(default_factory=lambda: datetime.now(UTC))
    spot_days: int = SPOT_DAYS
    list_days: int = LIST_DAYS


class Examined(msgspec.Struct, frozen=True):
    """One input, priced. An input that could not be read has its `meta.error` and nothing else.

    `alternatives` is set for saved reports, which carry their own; None means that they are still to be found.
    """

    meta: Input
    resources: tuple[PricedResource, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    alternatives: tuple[Alternative, ...] | None = None
    failure: InputError | None = None


def check(
    inputs: Sequence[tuple[str, str]], settings: Settings, unreadable: Callable[[InputError], None] | None = None
) -> Report:
    """Judge plans and states: (path, project) each; ``-`` is standard input.

    What cannot be read is told in `report.inputs[].error` and to `unreadable`, and the rest is judged. Raises UsageError when two inputs have
    the same project: (project, address, deposed) is the key of a resource.
    """
    projects = [project for _, project in inputs]
    for project in projects:
        if projects.count(project) > 1:
            raise UsageError(f"two inputs have the same project {project!r}", hint="give each its own with --project")
    engine = Engine(settings.catalog)
    examined = [examine(path, project, settings, engine) for path, project in inputs]
    for each in examined:
        if each.failure is not None and unreadable is not None:
            unreadable(each.failure)
    return _report(examined, settings, engine)


def compare(before: str, after: str, project: str, settings: Settings) -> Report:
    """Judge the difference between what two plans, states or saved reports end in."""
    engine = Engine(settings.catalog)
    old = examine(before, project, settings, engine, reports=True)
    new = examine(after, project, settings, engine, reports=True)
    for examined in (old, new):
        if examined.meta.error is not None:
            raise examined.failure or InputError(examined.meta.error)
    resources = _difference(old, new, project)
    kept = {each.resource.address for each in resources}
    gone = {each.resource.address for each in new.resources} - kept
    alternatives = new.alternatives
    # a plan speaks of what it deletes, too; here that was never there
    diagnostics = tuple(each for each in new.diagnostics if each.address not in gone)
    if not _several(old) and not _several(new):
        diagnostics = tuple(msgspec.structs.replace(each, project=project) for each in diagnostics)
        if alternatives is not None:
            alternatives = tuple(msgspec.structs.replace(each, project=project) for each in alternatives)
    merged = Examined(new.meta, resources, diagnostics, alternatives)
    report = _report([merged], settings, engine)
    inputs = tuple(msgspec.structs.replace(examined.meta, project=project) for examined in (old, new))
    return msgspec.structs.replace(report, inputs=inputs)


def examine(path: str, project: str, settings: Settings, engine: Engine, *, reports: bool = False) -> Examined:
    """Read and price one input; a failure to read it becomes its `meta.error`."""
    try:
        data = read_bytes(path)
        if reports and is_report(data):
            return _examine_report(data, path, project)
        document = parse_document(data, path, project)
        return _examine_document(document, settings, engine)
    except (InputError, RecursionError, MemoryError) as error:
        failure = _why(error, path)
        meta = Input(
            project=project,
            path=path,
            kind="plan",
            terraform_version=None,
            format_version=None,
            complete=False,
            errored=False,
            error=f"{failure.message} ({failure.hint})" if failure.hint else failure.message,
        )
        return Examined(meta, failure=failure)


def _why(error: InputError | RecursionError | MemoryError, path: str) -> InputError:
    if isinstance(error, InputError):
        return error
    if isinstance(error, RecursionError):
        return InputError(f"{path}: nested too deeply to be a Terraform plan")
    return InputError(f"{path}: there is not enough memory to read it")


def _examine_document(document: Document, settings: Settings, engine: Engine) -> Examined:
    resources: list[PricedResource] = []
    diagnostics: list[Diagnostic] = []
    meta = document.meta
    if meta.errored:
        diagnostics.append(
            _plan_note(
                meta,
                "plan-errored",
                "Terraform reports an error in this plan: what it shows may be incomplete",
            )
        )
    elif not meta.complete:
        diagnostics.append(
            _plan_note(meta, "plan-incomplete", "Terraform defers part of this plan: more may follow in a later one")
        )
    for found in usages(document, settings.catalog, settings.regions):
        if isinstance(found, Diagnostic):
            diagnostics.append(found)
            continue
        usage = settings.usage.apply(found) if settings.usage is not None else found
        resource, notes = _price(usage, meta.project, engine)
        resources.append(resource)
        diagnostics.extend(notes)
    # what reading found: the reader makes a resource when something asks for it, so it is complete only now
    return Examined(meta, tuple(resources), (*document.diagnostics, *diagnostics))


def _plan_note(meta: Input, code: str, message: str) -> Diagnostic:
    return Diagnostic(
        level="warning",
        code=code,
        project=meta.project,
        address=None,
        message=message,
        hint=None,
    )


def _price(found: ResourceUsage, project: str, engine: Engine) -> tuple[PricedResource, list[Diagnostic]]:
    node = found.node
    before = engine.price(found.before) if found.before is not None else None
    after = engine.price(found.after) if found.after is not None else None
    state_before = before.state if before is not None else _out_of_scope(found, node, before=True)
    state_after = after.state if after is not None else _out_of_scope(found, node, before=False)
    keeps_old = node.forgets and state_before is not None and state_after is not None
    if keeps_old and state_before is not None and state_after is not None:
        state_after = _together(state_after, state_before)
    via = {name: None for usage in (found.before, found.after) for name in (usage.via if usage else ())}
    if found.after is not None:
        via = dict.fromkeys(found.after.via)
    resource = Resource(
        project=project,
        address=node.address,
        deposed=node.deposed,
        type=node.type,
        provider=node.provider_name,
        module=node.module_address,
        environment=environment_of(found.tags),
        action=node.action,
        importing=node.importing,
        previous_address=node.previous_address,
        via=tuple(via),
        location=None,
        tags=found.tags,
        workload=workload_of(found.tags),
        before=state_before,
        after=state_after,
    )
    notes: dict[tuple[str, str], Diagnostic] = {(note.code, note.message): note for note in found.notes}
    if node.forgets:
        forgotten = Diagnostic(
            level="warning",
            code="forgotten",
            project=project,
            address=node.address,
            message="Terraform forgets what was there and leaves it running: its cost stays",
            hint=None,
        )
        notes[forgotten.code, forgotten.message] = forgotten
    # What is said of the side that goes away matters only when nothing comes after it.
    for priced in (
        (after, before)
        if after is not None and before is not None and _unpriced(before.state) != _unpriced(after.state)
        else (after or before,)
    ):
        for note in priced.notes if priced is not None else ():
            notes.setdefault(
                (note.code, note.message), msgspec.structs.replace(note, project=project, address=node.address)
            )
    # The advisor would move both machines at once where an old one stays beside the new one.
    secrets = found.secrets
    shown = PricedResource(hide(resource, secrets), before, None if keeps_old else after, secrets)
    return shown, [_without(note, secrets) for note in notes.values()]


def _without(note: Diagnostic, secrets: frozenset[str]) -> Diagnostic:
    """The diagnostic without secrets; without its hint too, which may name what is near to one."""
    return msgspec.structs.replace(hide(note, secrets), hint=None) if secrets else note


def _together(new: State, old: State) -> State:
    """Both at once: a replacement that forgets the old object leaves it running beside the new one."""

    def money(one: MoneyRange, two: MoneyRange) -> MoneyRange:
        def add(a: Decimal | None, b: Decimal | None) -> Decimal | None:
            return None if a is None or b is None else exact(a + b)

        return MoneyRange(
            min=add(one.min, two.min), expected=add(one.expected, two.expected), max=add(one.max, two.max)
        )

    def count(a: float | None, b: float | None) -> float | None:
        return None if a is None or b is None else a + b

    return msgspec.structs.replace(
        new,
        pools=(*new.pools, *old.pools),
        components=(*new.components, *old.components),
        gpus=Quantities(
            min=count(new.gpus.min, old.gpus.min),
            expected=count(new.gpus.expected, old.gpus.expected),
            max=count(new.gpus.max, old.gpus.max),
        ),
        monthly=money(new.monthly, old.monthly),
        list_monthly=money(new.list_monthly, old.list_monthly),
    )


def _out_of_scope(found: ResourceUsage, node: Node, *, before: bool) -> State | None:
    """The state of a resource that exists on a side without an accelerator: nothing of it is in scope there."""
    other = found.after if before else found.before
    exists = (node.before if before else node.after) is not None
    if not exists or other is None:
        return None
    nothing = MoneyRange(min=exact(_ZERO), expected=exact(_ZERO), max=exact(_ZERO))
    return State(
        cloud=other.cloud,
        region=other.region,
        pools=(),
        components=(),
        gpus=Quantities(min=0, expected=0, max=0),
        monthly=nothing,
        list_monthly=nothing,
        one_time=None,
    )


# -- saved reports and differences ------------------------------------------------------------------------------------


def _examine_report(data: bytes, path: str, project: str) -> Examined:
    from gpuguard.report.json import load

    report = load(data, path)
    resources = tuple(PricedResource(resource, None, None) for resource in report.resources)
    incomplete = any(each.error is not None for each in report.inputs)
    meta = Input(
        project=project,
        path=path,
        kind="report",
        terraform_version=None,
        format_version=None,
        complete=not incomplete and all(each.complete for each in report.inputs),
        errored=any(each.errored for each in report.inputs),
        error=f"{path}: an input of this report could not be read when it was made" if incomplete else None,
    )
    return Examined(meta, resources, report.diagnostics, report.alternatives)


def _difference(old: Examined, new: Examined, project: str) -> tuple[PricedResource, ...]:
    """Resources of two ends, paired by address; what only one has is created or deleted.

    Projects are told apart when a side is a saved report of several; otherwise both sides are one project, whatever
    it was called then.
    """
    several = _several(old) or _several(new)

    def key(resource: Resource) -> tuple[str, str, str | None]:
        return (resource.project if several else "", resource.address, resource.deposed)

    ends: dict[tuple[str, str, str | None], tuple[PricedResource, State, Priced | None]] = {}
    for each in old.resources:
        state = _remaining(each.resource)
        if state is not None:
            ends[key(each.resource)] = (each, state, each.after or each.before)
    found: list[PricedResource] = []
    for each in new.resources:
        state = _remaining(each.resource)
        earlier = ends.pop(key(each.resource), None)
        if state is None and earlier is None:
            continue
        was = earlier[1] if earlier else None
        action: Action = (
            "create" if was is None else "delete" if state is None else "no-op" if was == state else "update"
        )
        resource = msgspec.structs.replace(
            each.resource,
            project=each.resource.project if several else project,
            action=action,
            importing=False,
            previous_address=None,
            before=was,
            after=state,
        )
        found.append(
            PricedResource(
                resource,
                earlier[2] if earlier else None,
                (each.after or each.before) if state is not None else None,
                each.secrets | (earlier[0].secrets if earlier else frozenset()),
            )
        )
    for each, state, priced in ends.values():
        resource = msgspec.structs.replace(
            each.resource,
            project=each.resource.project if several else project,
            action="delete",
            importing=False,
            previous_address=None,
            before=state,
            after=None,
        )
        found.append(PricedResource(resource, priced, None, each.secrets))
    return tuple(found)


def _several(examined: Examined) -> bool:
    return len({each.resource.project for each in examined.resources}) > 1


def _remaining(resource: Resource) -> State | None:
    """What runs when the plan has been applied; `forget` leaves it running."""
    return resource.before if resource.action == "forget" else resource.after


# -- the report ---------------------------------------------------------------------------------------------------------


def _report(examined: Sequence[Examined], settings: Settings, engine: Engine) -> Report:
    advisor = Advisor(settings.catalog, engine.price)
    resources: list[Resource] = []
    alternatives: list[Alternative] = []
    diagnostics: list[Diagnostic] = []
    saving = _ZERO
    for each in examined:
        diagnostics.extend(each.diagnostics)
        told: dict[tuple[str, str], list[Alternative]] = {}
        for one in each.alternatives or ():
            told.setdefault((one.project, one.address), []).append(one)
        for priced in each.resources:
            resource = priced.resource
            resources.append(resource)
            own: tuple[Alternative, ...] = ()
            if resource.after is not None and resource.action not in ("delete", "forget"):
                found = advisor.alternatives(priced) if each.alternatives is None else ()
                own = (*found, *told.get((resource.project, resource.address), ()))
            own = hide(own, priced.secrets)
            alternatives.extend(own)
            saving += potential_monthly_saving(priced.resource, own)
    if settings.usage is not None:
        diagnostics.extend(settings.usage.unmatched())
    ages, oldest = price_ages(resources, settings.today.date(), settings.spot_days, settings.list_days)
    diagnostics.extend(ages)
    summary = _summary(resources, saving)
    # where nothing could be read nothing was judged: that is no pass, whoever reads the report
    readable = any(each.meta.error is None for each in examined)
    judged = Judged(
        resources=tuple(resources),
        summary=summary,
        alternatives=tuple(alternatives),
        catalog_as_of=oldest,
        strict=settings.strict,
        unread=tuple(
            ResourceKey(project=each.project or "", address=each.address or "")
            for each in diagnostics
            if each.code == UNSUPPORTED
        ),
    )
    return Report(
        schema_version="1",
        gpuguard_version=gpuguard.__version__,
        generated_at=settings.today.strftime("%Y-%m-%dT%H:%M:%SZ"),
        currency="USD",
        catalog=CatalogInfo(version=settings.catalog.version, as_of=oldest),
        inputs=tuple(each.meta for each in examined),
        summary=summary,
        resources=judged.resources,
        policy=decide(settings.packs, judged) if readable else Policy(outcome="undecided", results=()),
        alternatives=judged.alternatives,
        diagnostics=tuple(diagnostics),
    )


def _unpriced(state: State | None) -> bool:
    """Whether something of a known size has no price."""
    return state is not None and any(component.unit_price is None for component in state.components)


def _unknown(state: State | None) -> bool:
    """Whether only apply can tell a machine type or a size of what is billed, or nothing bounds that size."""
    return state is not None and any(
        pool.role == "supply" and (pool.sku is None or None in (pool.units.min, pool.units.expected, pool.units.max))
        for pool in state.pools
    )


def _summary(resources: Sequence[Resource], saving: Decimal) -> Summary:
    """Totals over what is priced, by the rules of the report's contract (an unknown price is never a saving)."""
    before = after = delta = most = listed = one_time = _ZERO
    gpus_before = gpus_after = gpus_most = _ZERO
    unpriced = unknown = 0
    for resource in resources:
        old, new = resource.before, resource.after
        # forget, also as half of a replacement, leaves what was there running
        stays = old if resource.action == "forget" else None
        sides = [side for side in (old, new) if side is not None]
        unknown += any(_unknown(side) for side in sides)
        unpriced += any(_unpriced(side) and not _only_unknown(side) for side in sides)
        end = new or stays
        was = old.monthly.expected if old is not None else _ZERO
        now = end.monthly.expected if end is not None else _ZERO
        before += was or _ZERO
        after += now or _ZERO
        delta += _added(resource, was, now)
        if end is not None:
            # without a known maximum at least what runs now: a lower bound that is no less than the total itself
            most += (end.monthly.expected if end.monthly.max is None else end.monthly.max) or _ZERO
            listed += end.list_monthly.expected or _ZERO
            gpus_after += _count(end.gpus.expected)
            gpus_most += _count(end.gpus.expected if end.gpus.max is None else end.gpus.max)
            one_time += end.one_time or _ZERO
        if old is not None:
            gpus_before += _count(old.gpus.expected)
            one_time -= old.one_time or _ZERO
    return Summary(
        monthly_before=exact(before),
        monthly_after=exact(after),
        monthly_delta=exact(delta),
        monthly_delta_percent=round(float(delta / before * 100), 1) if before else None,
        monthly_max_after=exact(most),
        list_monthly_after=exact(listed),
        one_time_delta=exact(one_time),
        gpus_before=_quantity(gpus_before),
        gpus_after=_quantity(gpus_after),
        gpus_max_after=_quantity(gpus_most),
        potential_monthly_saving=exact(saving),
        resources=len(resources),
        unpriced=unpriced,
        unknown=unknown,
    )


def _only_unknown(state: State) -> bool:
    """Whether all that lacks a price lacks it because its machine type is not known."""
    nameless = {pool.name for pool in state.pools if pool.sku is None}
    return all(component.pool in nameless for component in state.components if component.unit_price is None)


def _added(resource: Resource, was: Decimal | None, now: Decimal | None) -> Decimal:
    """What the change adds to the month; nothing where one side is not priced, unless it is surely more."""
    if was is None or now is None:
        return _ZERO
    difference = now - was
    if (
        resource.before is not None
        and resource.after is not None
        and _unpriced(resource.before) != _unpriced(resource.after)
    ):
        return max(difference, _ZERO) if _unpriced(resource.after) else _ZERO
    return difference


def _count(gpus: float | None) -> Decimal:
    return _ZERO if gpus is None else Decimal(str(gpus))


def _quantity(value: Decimal) -> float:
    return int(value) if value == value.to_integral_value() else float(value)


def explain(
    path: str, project: str, settings: Settings
) -> tuple[Report, dict[str, tuple[tuple[str, ...], tuple[str, ...], str]]]:
    """The report of one input, and for each resource type what is read of it, what is assumed, and from where.

    Raises InputError when the input cannot be read.
    """
    engine = Engine(settings.catalog)
    examined = examine(path, project, settings, engine, reports=True)
    if examined.meta.error is not None:
        raise examined.failure or InputError(examined.meta.error)
    told = {
        spec.type: (spec.reads, spec.assumes, spec.source)
        for spec in specs_for({each.resource.type for each in examined.resources}).values()
    }
    return _report([examined], settings, engine), told
