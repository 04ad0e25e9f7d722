"""Run the rules of all packs over one change and add their answers up to a verdict."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from gpuguard.decide.view import Change, Judged, key, names, remains
from gpuguard.model.report import Outcome, Policy, PolicyResult, ResultOutcome

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
    results = tuple(
        _result(pack, entry, finding)
        for pack in packs
        for entry in pack.rules
        for finding in entry.rule.judge(change, entry.settings)
    )
    if view.strict:
        results += (_strict(change),)
    return Policy(outcome=_verdict(result.outcome for result in results), results=results)


def _verdict(outcomes: Iterable[ResultOutcome]) -> Outcome:
    found = set(outcomes)
    return next((outcome for outcome in _ORDER if outcome in found), "pass")


def _result(pack: "Pack", entry: "Entry", finding: "Finding") -> PolicyResult:
    settings = entry.settings
    outcome = finding.outcome
    if outcome in ("fail", "undecided") and (finding.existing or settings.enforcement == "advisory"):
        outcome = "warn"
    return PolicyResult(
        rule=entry.id,
        pack=pack.name,
        enforcement=settings.enforcement,
        outcome=outcome,
        existing=finding.existing,
        resources=tuple(dict.fromkeys(key(resource) for resource in finding.resources)),
        message=finding.message,
        actual=finding.actual,
        limit=finding.limit,
        remediation=None if outcome == "pass" else settings.remediation or entry.rule.remedy,
        waiver=None,
        approval=None,
    )


def _strict(change: Change) -> PolicyResult:
    """What ``--strict`` adds: nothing unpriced or unknown may remain, whatever the packs say."""
    from gpuguard.decide.rules.known import unknown_in, unpriced_in

    open_ = [
        resource
        for resource in change.resources
        if (state := remains(resource)) is not None and (unpriced_in(state) or unknown_in(state))
    ]
    summary = change.judged.summary
    count = len(open_) or summary.unpriced + summary.unknown
    undecided = count > 0
    message = "every GPU is known and priced"
    if undecided:
        message = f"{count} {'resource is' if count == 1 else 'resources are'} not priced or not known"
        message += f": {names(open_)}" if open_ else ""
    return PolicyResult(
        rule="strict",
        pack="gpuguard",
        enforcement="mandatory",
        outcome="undecided" if undecided else "pass",
        existing=False,
        resources=tuple(dict.fromkeys(key(resource) for resource in open_)),
        message=message,
        actual=str(count),
        limit="0",
        remediation="Give the missing values, or run without --strict." if undecided else None,
        waiver=None,
        approval=None,
    )
