"""The report for a pull request, in GitHub-flavoured Markdown.

The heading suffices alone; a table, the rules that stop the change and cheaper ways follow; the rest is folded.
Whatever a plan or a policy says is quoted so that it stays text: see `code` and `prose`.
"""

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import msgspec

from gpuguard.model.report import Action, Component, Diagnostic, Outcome, Report, Resource
from gpuguard.report import view
from gpuguard.report.options import Options
from gpuguard.report.text import (
    OUTCOME_SYMBOLS,
    count,
    cut_end,
    cut_middle,
    signed_money,
    visible,
)

if TYPE_CHECKING:
    import jinja2

LONGEST: Final = 60_000
"""Characters. GitHub takes 65,536 in a comment; the rest is left to whatever the caller puts around the report."""

MOST_ROWS: Final = 20
"""Rows of the table that are not folded."""

MOST_ALTERNATIVES: Final = 5
"""Resources whose alternatives are not left to the JSON report."""

# Together below LONGEST; the heading, the headlines of the sections and the footer take less than what remains.
_ROWS, _MORE_ROWS, _BLOCKING, _CHEAPER, _OTHER_RULES, _NOTES, _COMPONENTS, _INPUTS = (
    14_000,
    9_000,
    12_000,
    7_000,
    5_000,
    3_000,
    4_000,
    2_000,
)
_LONGEST_NAME: Final = 160
_LONGEST_SENTENCE: Final = 400
_LONGEST_SOURCE: Final = 40
_MOST_LINES: Final = 6

_ACTIONS: Final[dict[Action, str]] = {
    "create": "create",
    "update": "update",
    "replace": "replace",
    "delete": "delete",
    "no-op": "unchanged",
    "forget": "forget",
}
_ICONS: Final[dict[Outcome, str]] = {"pass": "✅", "warn": "⚠️", "fail": "❌", "undecided": "❔"}
_BREAK: Final = "<br>"


class Md(str):
    """Text that is Markdown already. Anything else that reaches the template is quoted as prose."""

    __slots__ = ()

    def joined(self, parts: Iterable["Md"]) -> "Md":
        """Put parts together with this between them."""
        return Md(self.join(parts))


@lru_cache(maxsize=4096)
def code(text: str, longest: int = _LONGEST_NAME) -> Md:
    """Quote a name as a code span, in which GitHub looks for no mention, reference, link or markup; fit for a table.

    A pipe is escaped as tables want it. They have no way to write a backslash before a pipe: such a pipe is shown
    as ``\\x7c``.
    """
    shown = cut_middle(visible(text), longest) or "(empty)"
    shown = shown.replace("\\|", "\\\\x7c").replace("|", "\\|")
    fence = "`" * (max((len(run) for run in re.findall("`+", shown)), default=0) + 1)
    # One space inside either fence is taken off again by the reader, where there is one at both ends.
    pad = " " if shown[0] in "` " or shown[-1] in "` " else ""
    return Md(f"{fence}{pad}{shown}{pad}{fence}")


# An underscore inside a word is no emphasis on GitHub, and most addresses have some.
_ESCAPED = re.compile(r"[\\`*\[\]<>&|~]|(?<![^\W_])_|_(?![^\W_])")
_ZERO_WIDTH = "&#8203;"  # an entity, so that nothing invisible is in the source
_BREAKS = (
    (re.compile("@"), f"@{_ZERO_WIDTH}"),  # mentions, e-mail addresses, owner/repo@commit
    (re.compile("#"), f"&#35;{_ZERO_WIDTH}"),  # issues, and headings
    (re.compile(r"://"), f":{_ZERO_WIDTH}//"),  # bare links
    (re.compile(r"(?i)(www)\."), rf"\1{_ZERO_WIDTH}."),  # bare links without a scheme
    (re.compile(r"(?i)(GH)-(?=\d)"), rf"\1{_ZERO_WIDTH}-"),  # issues
    (re.compile(r":(?=[\w+-]+:)"), f":{_ZERO_WIDTH}"),  # emoji by name
    (re.compile(r"(?i)([0-9a-f]{6})(?=[0-9a-f])"), rf"\1{_ZERO_WIDTH}"),  # commits
    (re.compile(r"\$(?!\d)"), "<span>$</span>"),  # mathematics needs a closing $ that no digit follows
)


@lru_cache(maxsize=4096)
def prose(text: str, longest: int = _LONGEST_SENTENCE) -> Md:
    """Quote a sentence that strangers may have written a part of: no markup, HTML, mention, reference or link is left.

    GitHub looks for mentions and references in what the Markdown has become, where an entity is a character again:
    only a zero-width space breaks them.
    """
    shown = cut_end(visible(text), longest)
    # Each rule works on the text between what the rules before it have written.
    pieces = [(shown, False)]
    for pattern, replacement in (*_BREAKS, (_ESCAPED, None)):
        pieces = [new for piece, done in pieces for new in _replaced(piece, done, pattern, replacement)]
    return Md("".join(piece for piece, _ in pieces))


def _replaced(piece: str, done: bool, pattern: re.Pattern[str], replacement: str | None) -> list[tuple[str, bool]]:
    if done:
        return [(piece, True)]
    pieces: list[tuple[str, bool]] = []
    start = 0
    for found in pattern.finditer(piece):
        new = f"&#{ord(found[0])};" if replacement is None else found.expand(replacement)
        pieces += [(piece[start : found.start()], False), (new, True)]
        start = found.end()
    return [*pieces, (piece[start:], False)]


class Section(msgspec.Struct, frozen=True):
    """Lines that fit, and how many did not: whole lines are dropped, those at the end first."""

    lines: Sequence[Md]
    dropped: int

    @property
    def text(self) -> Md:
        """The lines that fit, one below the other."""
        return Md("\n").joined(self.lines)

    @property
    def size(self) -> int:
        """How many lines there were."""
        return len(self.lines) + self.dropped

    @classmethod
    def within(cls, lines: Sequence[Md], budget: int) -> "Section":
        """The first lines that together have at most `budget` characters."""
        used = 0
        for index, line in enumerate(lines):
            used += len(line) + 1
            if used > budget:
                return cls(lines[:index], len(lines) - index)
        return cls(lines, 0)


def render(report: Report, options: Options) -> str:
    """Write the report as Markdown of at most `LONGEST` characters; what does not fit is counted, not cut."""
    currency = report.currency
    shown = [resource for resource in report.resources if options.show == "all" or view.is_changed(resource)]
    groups = view.groups(shown, fold=options.show != "all")
    several = len(view.projects(report)) > 1
    rows = [_row(group, currency, project=several) for group in groups]
    first = Section.within(rows[:MOST_ROWS], _ROWS)
    kept = len(first.lines)
    more = Section.within(rows[kept:], _MORE_ROWS)
    left = groups[kept + len(more.lines) :]
    blocking = [_rule(report, alike) for alike in view.results(report, ["fail", "undecided"])]
    warnings = [_rule(report, alike) for alike in view.results(report, ["warn"])]
    warned = report.policy.outcome == "warn"
    other = [_rule(report, alike) for alike in view.results(report, ["approved", "waived"])]
    if options.verbose:
        other += [_rule(report, alike) for alike in view.results(report, ["pass", "skipped"])]
    cheaper = _cheaper(report, options)
    failed = view.failed_inputs(report)
    unchanged = [resource for resource in report.resources if not view.is_changed(resource)]
    text = (
        _environment()
        .get_template("report.md.j2")
        .render(
            heading=_heading(report),
            figures=_figures(report),
            inputs=Section.within(
                [
                    *(Md(f"- **not read:** {code(one.path)}: {prose(view.input_error(one))}") for one in failed),
                    *(Md(f"- **incomplete:** {prose(warning)}") for warning in view.input_warnings(report)),
                ],
                _INPUTS,
            ),
            header=_header(project=several),
            rows=first,
            more_rows=more,
            left=_left(left, currency),
            unchanged=_unchanged(unchanged, currency) if options.show != "all" and unchanged else "",
            blocking=Section.within(blocking + (warnings if warned else []), _BLOCKING),
            cheaper=Section.within(cheaper[:MOST_ALTERNATIVES], _CHEAPER),
            more_cheaper=len(cheaper[MOST_ALTERNATIVES:]),
            rules=Section.within(([] if warned else warnings) + other, _OTHER_RULES),
            passed=sum(result.outcome == "pass" for result in report.policy.results) if report.resources else 0,
            notes=Section.within(_notes(report), _NOTES),
            components=Section.within(_components(report, [group.first for group in groups]), _COMPONENTS),
            ages=view.price_ages(report),
            priced=view.priced(report) if report.resources else "",
            version=report.gpuguard_version,
            quiet=options.quiet,
            count=count,
        )
    )
    return re.sub(r"\n{3,}", "\n\n", text.strip()) + "\n"


def _environment() -> "jinja2.Environment":
    import jinja2

    # Not autoescape, which knows HTML alone: `finalize` sees every value that a template prints.
    return jinja2.Environment(  # noqa: S701
        loader=jinja2.PackageLoader("gpuguard.report"),
        finalize=_quoted,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )


def _quoted(value: Any) -> str:
    return value if isinstance(value, Md) else prose(str(value))


def _heading(report: Report) -> Md:
    failed, read = len(view.failed_inputs(report)), len(report.inputs)
    if failed and failed == read:
        return Md("❌ GPU cost not judged: no input could be read")
    verdict = _verdict(report)
    parts = [verdict[:1].upper() + verdict[1:]]
    if failed:
        parts = [f"{failed} of {count(read, 'input')} could not be read", f"the rest {verdict}"]
    if report.resources:
        head = view.headline(report)
        delta = "unchanged" if head.delta == view.UNCHANGED else head.delta
        parts += [prose(f"GPU cost {delta}"), prose(head.before_after), prose(head.gpus)]
    elif failed:
        parts.append("no GPUs in what could be read")
    else:
        said = prose(view.no_gpus(report))
        parts = [said] if report.policy.outcome == "pass" else [*parts, said]
    icon = "❌" if failed else _ICONS[report.policy.outcome]
    return Md(f"{icon} {' · '.join(parts)}")


def _verdict(report: Report) -> str:
    """The verdict, and what it asks of the reader."""
    outcome = report.policy.outcome
    rules = list(dict.fromkeys(result.rule for result in report.policy.results if result.outcome == outcome))
    named = code(rules[0], 60) if len(rules) == 1 else count(len(rules), "rule")
    match outcome:
        case "pass":
            return "within policy"
        case "warn":
            return f"{named} {'warns' if len(rules) == 1 else 'warn'}, nothing stops this change"
        case "fail":
            return f"stopped by {named}"
        case "undecided":
            return f"undecided, see {named}" if rules else "undecided: something has no price"


def _figures(report: Report) -> Md:
    if not report.resources:
        return Md("")
    head = view.headline(report)
    words = " · ".join(words for words in (head.maximum, head.once, head.at_list_price) if words)
    return prose(words[:1].upper() + words[1:])


def _header(*, project: bool) -> Md:
    names = Md("| Project | " if project else "| ") + "Resource | GPUs | Machine, bought as | Monthly | At maximum |"
    return Md(f"{names}\n{'| --- ' if project else ''}| --- | --- | --- | ---: | ---: |")


def _row(group: view.Group, currency: str, *, project: bool) -> Md:
    resource = group.first
    address = [code(resource.address), prose(f"{_ACTIONS[resource.action]} · {view.place(resource)}")]
    address += [prose(note) for note in view.notes(resource)]
    if group.more:
        total = f", {signed_money(group.delta, currency)}/month together" if group.delta else ""
        address.append(Md(f"**and {group.more:,} more like this**{prose(total)}"))
    if once := view.one_time(resource, currency):
        address.append(prose(f"bought once: {once}"))
    before = [] if resource.before is None else view.pool_lines(resource.before, currency)
    after = [] if resource.after is None else view.pool_lines(resource.after, currency)
    cells = [Md(_BREAK).joined(address)]
    cells.append(_change([line.accelerators for line in before], [line.accelerators for line in after]))
    cells.append(_change([_bought(line) for line in before], [_bought(line) for line in after]))
    cells.append(_monthly(resource, currency))
    cells.append(_maximum(resource, currency))
    if project:
        cells.insert(0, code(resource.project))
    return Md(f"| {' | '.join(cells)} |")


def _bought(line: view.PoolLine) -> str:
    return ", ".join(filter(None, (line.machine, line.purchase if line.purchase != "together" else "")))


def _change(before: Sequence[str], after: Sequence[str]) -> Md:
    """Lines of both sides in one cell; one side alone where the other is missing or the same."""
    old, new = _cell(before), _cell(after)
    return Md(f"{old}{_BREAK}→ {new}") if before and after and old != new else new or old


def _cell(lines: Sequence[str]) -> Md:
    # A count and its unit stay on one line of a narrow cell.
    words = [Md(prose(line, _LONGEST_NAME).replace(" × ", "&nbsp;×&nbsp;")) for line in lines if line]
    more = [Md(f"and {len(words) - _MOST_LINES} more")] if len(words) > _MOST_LINES else []
    return Md(_BREAK).joined([*words[:_MOST_LINES], *more])


def _monthly(resource: Resource, currency: str) -> Md:
    before = [] if resource.before is None else [view.expected_amount(resource.before, currency)]
    after = [] if resource.after is None else [view.expected_amount(resource.after, currency)]
    return _change(before, ["gone"] if resource.action == "delete" else after)


def _maximum(resource: Resource, currency: str) -> Md:
    state = view.after_or_kept(resource)
    return prose(view.maximum_amount(state, currency)) if state is not None else Md("")


def _left(groups: Sequence[view.Group], currency: str) -> str:
    if not groups:
        return ""
    resources = sum(len(group.resources) for group in groups)
    delta = sum((group.delta for group in groups), Decimal(0))
    return f"{count(resources, 'more resource')}, {signed_money(delta, currency)}/month together: see the JSON report."


def _unchanged(resources: Sequence[Resource], currency: str) -> str:
    return f"{count(len(resources), 'unchanged resource')}, {view.after_total(resources, currency)}."


def _rule(report: Report, alike: view.Results) -> Md:
    result = alike.first
    parts = [Md(f"- {OUTCOME_SYMBOLS[result.outcome]} {code(result.rule)} {prose(result.message)}")]
    if result.existing:
        parts.append(Md("was so before this change"))
    if names := _names(report, alike):
        parts.append(names)
    parts += [prose(other.message) for other in alike.results[1:3]]
    if (left := len(alike.results) - 3) > 0:
        parts.append(Md(f"and {left:,} more of this rule"))
    if result.outcome in {"approved", "waived"}:
        parts.append(prose(view.granted(result)))
    elif result.remediation:
        parts.append(Md(f"**Way out:** {prose(result.remediation)}"))
    return Md(f"{_BREAK}").joined(parts)


def _names(report: Report, alike: view.Results) -> Md:
    addresses = view.unnamed(report, alike.first)
    shown = Md(", ").joined([code(address) for address in addresses[:3]])
    return Md(f"{shown} and {len(addresses) - 3:,} more") if len(addresses) > 3 else shown


def _cheaper(report: Report, options: Options) -> list[Md]:
    """One block for each resource, the largest saving first."""
    blocks: list[Md] = []
    for group, best in view.cheaper(report, everything=options.show == "all"):
        each = f", each of {len(group.resources):,}" if group.more else ""
        [name] = view.called(report, [(group.first.project, group.first.address)])
        lines = [Md(f"- {code(name)}{each}")]
        for alternative in best:
            words = view.offer(alternative, whole=options.verbose)
            edits = [code(edit) for edit in view.edits(alternative)[:_MOST_LINES]]
            saved = Md(f"  - **{prose(view.saving(alternative, report.currency))}** {prose(words)}")
            lines.append(Md(f"{_BREAK}").joined([saved, *edits]))
        blocks.append(Md("\n").joined(lines))
    return blocks


def _notes(report: Report) -> list[Md]:
    alike: dict[tuple[str, str], list[Diagnostic]] = {}
    for diagnostic in report.diagnostics:
        alike.setdefault((diagnostic.level, diagnostic.message), []).append(diagnostic)
    known = list(dict.fromkeys((one.project, one.address) for one in report.diagnostics if one.address))
    names = dict(zip(known, view.called(report, known), strict=True))
    lines: list[Md] = []
    for level in ("error", "warning", "info"):
        for (of, _), same in alike.items():
            if of == level:
                found = dict.fromkeys((one.project, one.address) for one in same if one.address)
                addresses = [names[key] for key in found]
                where = Md(", ").joined([code(address) for address in addresses[:3]])
                more = f" and {len(addresses) - 3:,} more" if len(addresses) > 3 else ""
                hint = f" {prose(same[0].hint)}" if same[0].hint else ""
                at = f" ({where}{more})" if where else ""
                lines.append(Md(f"- {level}: {prose(same[0].message)}{at}{hint}"))
    return lines


def _components(report: Report, resources: Sequence[Resource]) -> list[Md]:
    names = view.called(report, [(resource.project, resource.address) for resource in resources])
    return [
        _component(name, component, report.currency)
        for name, resource in zip(names, resources, strict=True)
        if (state := resource.after or resource.before) is not None
        for component in state.components
    ]


def _origin(component: Component) -> Md:
    # Sources are paths of public files: a code span keeps them from being read as references.
    parts = [code(component.source, _LONGEST_SOURCE)] if component.source else []
    return Md(" ").joined([*parts, prose(component.as_of)] if component.as_of else parts)


def _component(name: str, component: Component, currency: str) -> Md:
    cells = (
        code(name),
        prose(component.description),
        prose(view.formula(component, currency)),
        prose(view.component_amount(component, currency)),
        _origin(component),
    )
    return Md(f"| {' | '.join(cells)} |")
