"""The report for a terminal: the verdict first, then what it costs, why, and the way out."""

import shlex
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from gpuguard.model.report import Diagnostic, Outcome, Report, Resource, ResultOutcome, State
from gpuguard.report import view
from gpuguard.report.layout import Page, Span, Style
from gpuguard.report.options import Options
from gpuguard.report.text import (
    NOT_PRICED,
    OUTCOME_SYMBOLS,
    SYMBOLS,
    count,
    cut_middle,
    display_width,
    signed_money,
    visible,
)

MOST_GROUPS: Final = 25
MOST_ALTERNATIVES: Final = 8
MOST_DIAGNOSTICS: Final = 8
_MOST_ADDRESSES: Final = 3
_WIDEST_COLUMN: Final = 24
_LONGEST: Final = 1000
"""Columns of a message or address; genuine ones take a fraction, and a made-up one must not bury the report."""

_VERDICTS: Final[dict[Outcome, tuple[str, Style]]] = {
    "pass": ("PASS", "bold green"),
    "warn": ("WARN", "bold yellow"),
    "fail": ("FAIL", "bold red"),
    "undecided": ("UNDECIDED", "bold magenta"),
}
_RESULT_STYLES: Final[dict[ResultOutcome, Style]] = {
    "fail": "red",
    "warn": "yellow",
    "undecided": "magenta",
    "approved": "green",
    "waived": "green",
    "pass": "green",
    "skipped": "dim",
}
_ACTION_STYLES: Final[dict[str, Style]] = {"create": "green", "update": "yellow", "replace": "yellow", "delete": "red"}


def render(report: Report, options: Options) -> str:
    """Write the report for a terminal. No line is wider than `options.width`, which counts from 20 to 120 columns."""
    page = Page(options.width, color=options.color)
    _inputs(page, report)
    _verdict(page, report)
    if not options.quiet:
        _resources(page, report, options)
    _policy(page, report, options)
    if not options.quiet:
        _alternatives(page, report, options)
        _diagnostics(page, report, options)
        if report.resources:
            _footer(page, report)
    return page.text()


def _inputs(page: Page, report: Report) -> None:
    for one in view.failed_inputs(report):
        page.add(Span("✗ not read  ", "bold red"), Span(visible(one.path), "bold"), hang=4)
        page.add(Span(view.input_error(one)), indent=4)
    page.blank()


def _verdict(page: Page, report: Report) -> None:
    failed = len(view.failed_inputs(report))
    if failed and failed == len(report.inputs):
        page.add(Span("NOT JUDGED", "bold red"), Span("  no input could be read"))
        return
    word, style = _VERDICTS[report.policy.outcome]
    verdict = Span(word, style)
    if not report.resources:
        said = "No GPUs in what could be read; nothing to price." if failed else view.no_gpus(report)
        page.add(verdict, Span("  "), Span(said), hang=2)
    else:
        head = view.headline(report)
        delta = Span(head.delta, "bold")
        first = [verdict, Span("  "), delta]
        both = [*first, Span("  "), Span(head.before_after)]
        parts = [
            *([both] if sum(display_width(span.text) for span in both) <= page.width else [first, both[4:]]),
            *([Span(words)] for words in (head.once, head.at_list_price, head.maximum, head.gpus) if words),
        ]
        if failed:
            parts.append([Span(f"{len(report.inputs) - failed} of {len(report.inputs)} inputs read", "bold")])
        page.columns(parts, separator="  ·  ", hang=2)
    for warning in view.input_warnings(report):
        page.add(Span("! ", "yellow"), Span(warning), hang=2)


def _resources(page: Page, report: Report, options: Options) -> None:
    everything = options.show == "all"
    names = view.projects(report)
    unread = {one.project for one in view.failed_inputs(report)}
    for name in names:
        own = [resource for resource in report.resources if resource.project == name]
        if not own and name in unread:
            continue
        shown = own if everything else [resource for resource in own if view.is_changed(resource)]
        page.blank()
        if len(names) > 1:
            delta = view.project_delta(report, name)
            page.title(address=visible(name) or "(unnamed project)", style="bold", right=Span(delta, "bold"))
        found = view.groups(shown, fold=not everything)
        most = len(found) if everything else MOST_GROUPS
        for group in found[:most]:
            _group(page, group, report.currency, options)
        _left_out(page, found[most:], report.currency)
        _untouched(page, [] if everything else [one for one in own if not view.is_changed(one)], report)


def _left_out(page: Page, groups: Sequence[view.Group], currency: str) -> None:
    if not groups:
        return
    resources = sum(len(group.resources) for group in groups)
    delta = sum((group.delta for group in groups), Decimal(0))
    words = f"… {count(resources, 'more resource')}, {signed_money(delta, currency)}/month: --show all or --format json"
    page.add(Span(words, "dim"), indent=4)


def _untouched(page: Page, resources: Sequence[Resource], report: Report) -> None:
    if resources:
        total = view.after_total(resources, report.currency)
        words = f"{SYMBOLS['no-op']} {count(len(resources), 'unchanged resource')}, {total} (--show all)"
        page.add(Span(words, "dim"), indent=2, hang=4)


def _group(page: Page, group: view.Group, currency: str, options: Options) -> None:
    resource = group.first
    style = _ACTION_STYLES.get(resource.action, "")
    page.title(
        Span(f"{SYMBOLS[resource.action]:>3}", style),
        Span(" "),
        address=visible(resource.address),
        style="bold",
        right=Span(view.place(resource), "dim"),
    )
    _sides(page, resource, currency, options)
    for note in view.notes(resource):
        page.add(Span(note, "dim"), indent=6)
    if once := view.one_time(resource, currency):
        page.add(Span("bought once", "dim"), indent=6, right=Span(once))
    if options.verbose:
        _details(page, resource)
    if group.more:
        page.add(
            Span(f"and {group.more:,} more like this", "bold"),
            indent=6,
            right=Span(f"{signed_money(group.delta, currency)} together" if group.delta else ""),
        )


def _sides(page: Page, resource: Resource, currency: str, options: Options) -> None:
    before = [] if resource.before is None else view.pool_lines(resource.before, currency)
    after = [] if resource.after is None else view.pool_lines(resource.after, currency)
    widths = [display_width(line.accelerators) for line in (*before, *after)]
    column = 0 if page.narrow else min(max(widths, default=0), _WIDEST_COLUMN)
    if resource.before is not None and resource.after is not None and before == after:
        unchanged = resource.action != "no-op"
        _pools(page, after, column, arrow=False, suffix=f", {view.UNCHANGED}" if unchanged else "")
    else:
        _pools(page, before, column, arrow=False, gone=resource.action == "delete")
        if resource.before is not None and options.verbose and resource.after is None:
            _components(page, resource.before, currency)
        _pools(page, after, column, arrow=resource.before is not None)
    if resource.after is not None and options.verbose:
        _components(page, resource.after, currency)


def _pools(
    page: Page, lines: Sequence[view.PoolLine], column: int, *, arrow: bool, suffix: str = "", gone: bool = False
) -> None:
    for index, line in enumerate(lines):
        last = index == len(lines) - 1
        pad = " " * max(column - display_width(line.accelerators), 0)
        words = ", ".join(filter(None, (line.machine, line.purchase)))
        gap = "   " if column or line.accelerators else ""
        missing = line.amount in {NOT_PRICED, view.UNKNOWN_COST}
        amount = line.amount + (suffix if last else "")
        if gone and last and not missing:
            amount = f"−{amount}"
        page.add(
            Span("→ " if arrow and index == 0 else ""),
            Span(f"{line.accelerators}{pad}{gap}"),
            Span(words),
            indent=4 if arrow and index == 0 else 6,
            hang=8,
            right=Span(amount, "magenta" if missing else ""),
        )


def _components(page: Page, state: State, currency: str) -> None:
    for component in state.components:
        page.add(
            Span(f"{component.kind.replace('_', ' ')}  ", "dim"),
            Span(visible(component.description)),
            indent=8,
            hang=10,
            right=Span(view.component_amount(component, currency)),
        )
        words = "; ".join(filter(None, (view.formula(component, currency), view.origin(component))))
        page.add(Span(words, "dim"), indent=10)


def _details(page: Page, resource: Resource) -> None:
    if resource.via:
        page.add(Span(f"by way of {', '.join(map(visible, resource.via))}", "dim"), indent=6)
    if resource.workload is not None:
        page.add(Span(f"workload: {resource.workload}", "dim"), indent=6)
    if resource.location is not None:
        page.add(Span(f"{visible(resource.location.file)}:{resource.location.line}", "dim"), indent=6)


def _policy(page: Page, report: Report, options: Options) -> None:
    outcomes: list[ResultOutcome] = ["fail", "undecided"]
    if not options.quiet:
        outcomes += ["warn", "approved", "waived"]
    if options.verbose:
        outcomes += ["pass", "skipped"]
    found = view.results(report, outcomes)
    page.blank()
    column = min(max((display_width(visible(alike.first.rule)) for alike in found), default=0), _WIDEST_COLUMN)
    for alike in found:
        _results(page, report, alike, column)
    passed = [result for result in report.policy.results if result.outcome == "pass"]
    if passed and report.resources and not options.quiet and not options.verbose:
        page.add(
            Span("  ✓ ", "green"),
            Span(f"{count(len(passed), 'rule')} {'passes' if len(passed) == 1 else 'pass'}", "dim"),
        )


def _results(page: Page, report: Report, alike: view.Results, column: int) -> None:
    result = alike.first
    style = _RESULT_STYLES[result.outcome]
    rule = visible(result.rule)
    head = [Span(f"{OUTCOME_SYMBOLS[result.outcome]} ", style), Span(rule, "bold")]
    message = Span(cut_middle(visible(result.message), _LONGEST))
    if page.narrow:
        page.add(*head, indent=2, hang=6)
        page.add(message, indent=6)
    else:
        pad = " " * max(column - display_width(rule), 0)
        page.add(*head, Span(f"{pad}   "), message, indent=2, hang=6)
    if result.existing:
        page.add(Span("was so before this change", "dim"), indent=6)
    _addresses(page, view.unnamed(report, result))
    for other in alike.results[1:_MOST_ADDRESSES]:
        page.add(Span(cut_middle(visible(other.message), _LONGEST)), indent=6)
    if (left := len(alike.results) - _MOST_ADDRESSES) > 0:
        page.add(Span(f"and {left:,} more of this rule", "dim"), indent=6)
    if result.outcome in {"approved", "waived"}:
        page.add(Span(view.granted(result), "dim"), indent=6)
    elif result.remediation and result.outcome != "pass":
        page.add(Span(visible(result.remediation), "dim"), indent=6)


def _alternatives(page: Page, report: Report, options: Options) -> None:
    found = view.cheaper(report, everything=options.show == "all")
    for group, best in found[:MOST_ALTERNATIVES]:
        page.blank()
        each = Span(f"each of {len(group.resources):,}", "dim") if group.more else None
        [address] = view.called(report, [(group.first.project, group.first.address)])
        page.title(Span("  cheaper  ", "green"), address=visible(address), style="bold", right=each)
        savings = [view.saving(alternative, report.currency) for alternative in best]
        column = max(map(display_width, savings))
        for alternative, saved in zip(best, savings, strict=True):
            pad = " " * (column - display_width(saved))
            words = view.offer(alternative, whole=options.verbose)
            page.add(Span(saved, "green"), Span(f"{pad}  {words}"), indent=4, hang=8 if page.narrow else 4 + column + 2)
            if options.verbose:
                for edit in view.edits(alternative):
                    page.add(Span(edit, "dim"), indent=8, hang=10)
    if len(found) > MOST_ALTERNATIVES:
        page.blank()
        left = count(len(found) - MOST_ALTERNATIVES, "more resource")
        page.add(Span(f"… cheaper ways for {left}: --format json", "dim"), indent=2)


def _diagnostics(page: Page, report: Report, options: Options) -> None:
    wanted = {"error", "warning", "info"} if options.verbose else {"error", "warning"}
    alike: dict[tuple[str, str, str], list[Diagnostic]] = {}
    for diagnostic in report.diagnostics:
        if diagnostic.level in wanted:
            alike.setdefault((diagnostic.level, diagnostic.code, diagnostic.message), []).append(diagnostic)
    found = sorted(alike.values(), key=lambda same: ("error", "warning", "info").index(same[0].level))
    most = len(found) if options.verbose else MOST_DIAGNOSTICS
    page.blank()
    for same in found[:most]:
        _diagnostic(page, report, same, options)
    if len(found) > most:
        page.add(Span(f"… {count(len(found) - most, 'more note')}: --verbose", "dim"), indent=2)


def _diagnostic(page: Page, report: Report, same: Sequence[Diagnostic], options: Options) -> None:
    first = same[0]
    style: Style = {"error": "red", "warning": "yellow"}.get(first.level, "dim")  # type: ignore[assignment]
    page.add(Span(f"{first.level}  ", style), Span(cut_middle(visible(first.message), _LONGEST)), indent=2, hang=6)
    named = [(one.project, one.address) for one in same if one.address and one.address not in first.message]
    _addresses(page, view.called(report, named))
    if first.hint and (options.verbose or first.level == "error" or first.code == "unpriced"):
        page.add(Span(visible(first.hint), "dim"), indent=6)


def _addresses(page: Page, addresses: Sequence[str]) -> None:
    if addresses:
        shown = ", ".join(cut_middle(visible(address), _LONGEST) for address in addresses[:_MOST_ADDRESSES])
        left = len(addresses) - _MOST_ADDRESSES
        page.add(Span(f"{shown} and {left:,} more" if left > 0 else shown, "dim"), indent=6)


def _footer(page: Page, report: Report) -> None:
    page.blank()
    projects = {each.project for each in report.resources}
    # a difference has two inputs of one project, and what is there in the end is in the second
    paths = [each.path for each in report.inputs if projects == {each.project}]
    path = paths[-1] if paths else "-"
    hint = f"gpuguard explain {'PATH' if path == '-' else shlex.quote(visible(path))} ADDRESS"
    parts = (view.price_ages(report), view.priced(report), hint)
    page.columns([[Span(part, "dim")] for part in parts], separator=" · ", hang=0)
