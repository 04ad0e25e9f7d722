"""Run the rules of all packs over one change and add their answers up to a verdict."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from gpuguard.decide.view import Change, Judged, key, remains
from gpuguard.model.report import Outcome, Policy, PolicyResult, ResourceKey, ResultOutcome

if TYPE_CHECKING:
    from gpuguard.decide.packs import Entry, Pack
    from gpuguard.decide.rule import Finding

_ORDER: tuple[Outcome, ...] = ("fail", "undecided", "warn", "pass")


def decide(packs: Sequence["Pack"], view: Judged) -> Policy:
    """Judge the change by every rule of every pack; fail > undecided > warn > pass.

    Each rule yields at least one result, so that the report shows what was checked. Results stand in the order of
    the packs and of the rules in them; the verdict depends on neither.
    """
    change = Change(view)
    found = [
        (pack, entry, finding)
        for pack in packs
        for entry in pack.rules
        for finding in entry.rule.judge(change, entry.settings)
    ]
    told = {
        key(resource)
        for _, entry, finding in found
        if entry.rule.tells_gaps and finding.outcome != "pass"
        for resource in finding.resources
    }
    results = tuple(_result(pack, entry, finding, told) for pack, entry, finding in found)
    if view.strict:
        results += (_strict(change),)
    return Policy(outcome=_verdict(result.outcome for result in results), results=results)


def _verdict(outcomes: Iterable[ResultOutcome]) -> Outcome:
    found = set(outcomes)
    return next((outcome for outcome in _ORDER if outcome in found), "pass")


def _result(pack: "Pack", entry: "Entry", finding: "Finding", told: set[ResourceKey]) -> PolicyResult:
    settings = entry.settings
    keys = tuple(dict.fromkeys(key(resource) for resource in finding.resources))
    outcome: ResultOutcome = finding.outcome
    if outcome in ("fail", "undecided") and (finding.existing or settings.enforcement == "advisory"):
        # One missing price would make every advisory amount warn of it: it is enough that one rule tells it.
        known = finding.outcome == "undecided" and not entry.rule.tells_gaps and told.issuperset(keys)
        outcome = "skipped" if known else "warn"
    return PolicyResult(
        rule=entry.id,
        pack=pack.name,
        enforcement=settings.enforcement,
        outcome=outcome,
        existing=finding.existing,
        resources=keys,
        message=finding.message,
        actual=finding.actual,
        limit=finding.limit,
        remediation=None if outcome in ("pass", "skipped") else settings.remediation or entry.rule.remedy,
        waiver=None,
        approval=None,
    )


def _strict(change: Change) -> PolicyResult:
    """What ``--strict`` adds: no GPU may remain unpriced or unknown, whatever the packs say.

    A disk or licence without a price makes totals lower bounds and is told, but hides no GPU.
    """
    from gpuguard.decide.rules.known import unknown_in, unpriced_in

    open_ = [
        resource
        for resource in change.resources
        if (state := remains(resource)) is not None and (unpriced_in(state) or unknown_in(state))
    ]
    found = tuple(dict.fromkeys((*(key(resource) for resource in open_), *change.judged.unread)))
    count = len(found)
    undecided = count > 0
    message = "every GPU is known and priced"
    if undecided:
        message = f"{count} {'resource is' if count == 1 else 'resources are'} not priced or not known"
    return PolicyResult(
        rule="strict",
        pack="gpuguard",
        enforcement="mandatory",
        outcome="undecided" if undecided else "pass",
        existing=False,
        resources=found,
        message=message,
        actual=str(count),
        limit="0",
        remediation="Give the missing values, or run without --strict." if undecided else None,
        waiver=None,
        approval=None,
    )
