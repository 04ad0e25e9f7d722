"""``gpuguard explain PATH ADDRESS``: how one resource's figure came about."""

import argparse
import difflib
import sys
from collections.abc import Iterator

from gpuguard.cli import options
from gpuguard.cli.check import default_project
from gpuguard.errors import ExitCode, InputError
from gpuguard.model.money import money
from gpuguard.model.report import Component, Edit, Pool, Report, Resource, State
from gpuguard.pipeline import explain
from gpuguard.report import text


def run(arguments: argparse.Namespace) -> int:
    """Print where each figure of a resource comes from; the exit code is 0 when the resource is there."""
    project = arguments.project or default_project(arguments.path)
    with options.settings(arguments, [arguments.path]) as settings:
        report, reads = explain(arguments.path, project, settings)
    found = [each for each in report.resources if each.address == arguments.address]
    if not found:
        raise _not_there(report, arguments.path, arguments.address)
    paint = _Paint(options.color(arguments))
    for resource in found:
        sys.stdout.write("\n".join(_lines(resource, report, reads.get(resource.type), paint)) + "\n")
    return ExitCode.PASS


def _not_there(report: Report, path: str, address: str) -> InputError:
    known = [each.address for each in report.resources]
    near = difflib.get_close_matches(address[:300], known, 3, 0.5)
    if near:
        hint = f"did you mean {' or '.join(text.cut_middle(each, 200) for each in near)}?"
    elif known:
        shown = ", ".join(text.cut_middle(each, 200) for each in known[:5])
        hint = f"resources with GPUs: {shown}{' …' if len(known) > 5 else ''}"
    else:
        hint = "no resource of this input holds a GPU"
    return InputError(f"{path}: no GPU resource {text.cut_middle(text.visible(address), 200)!r}", hint=hint)


class _Paint:
    """ANSI colours where they are wanted."""

    def __init__(self, on: bool) -> None:
        self._on = on

    def bold(self, value: str) -> str:
        """A heading."""
        return f"\x1b[1m{value}\x1b[0m" if self._on else value

    def dim(self, value: str) -> str:
        """What is told beside the point."""
        return f"\x1b[2m{value}\x1b[0m" if self._on else value


def _lines(
    resource: Resource, report: Report, reads: "tuple[tuple[str, ...], tuple[str, ...], str] | None", paint: _Paint
) -> Iterator[str]:
    yield paint.bold(
        f"{text.visible(resource.address)}{f' (deposed {text.visible(resource.deposed)})' if resource.deposed else ''}"
    )
    place = [resource.action, text.visible(resource.type)]
    if resource.module:
        place.append(f"in {text.visible(resource.module)}")
    yield f"  {' · '.join(place)}"
    if resource.via:
        yield f"  machine from {', '.join(text.visible(each) for each in resource.via)}"
    if resource.workload or resource.environment:
        yield f"  workload {resource.workload or 'not told'} · environment {text.visible(resource.environment or 'not told')}"
    for name, state in (("before", resource.before), ("after", resource.after)):
        if state is not None:
            yield ""
            yield from _state(name, state, paint)
    yield from _rest(resource, report, paint)
    if reads is not None:
        attributes, assumptions, source = reads
        yield ""
        yield paint.bold("read")
        yield f"  {', '.join(attributes)}"
        for assumption in assumptions:
            yield f"  assumed: {assumption}"
        yield paint.dim(f"  {source}")


def _state(name: str, state: State, paint: _Paint) -> Iterator[str]:
    yield paint.bold(f"{name}  {state.cloud} {text.visible(state.region or 'unknown region')}")
    for pool in state.pools:
        yield f"  {_pool(pool)}"
    for component in state.components:
        yield from _component(component, paint)
    if not state.components:
        yield "  nothing in scope"
    figures = [
        f"{label} {money(amount, cents=True) if amount is not None else 'not priced'}"
        for label, amount in (
            ("min", state.monthly.min),
            ("expected", state.monthly.expected),
            ("max", state.monthly.max),
        )
    ]
    yield f"  = a month: {' · '.join(figures)}"
    if state.list_monthly.expected is not None and state.list_monthly.expected != state.monthly.expected:
        yield f"    list price {money(state.list_monthly.expected, cents=True)}"


def _pool(pool: Pool) -> str:
    parts = [f"{text.quantities(pool.units)} × {text.machine(pool)}, {text.purchase(pool)}"]
    if pool.gpu is not None:
        memory = f", {pool.gpu.memory_gib:g} GiB each" if pool.gpu.memory_gib else ""
        parts.append(f"{pool.gpu.per_unit:g} × {text.visible(pool.gpu.model)} in each{memory}")
    parts.append(f"{pool.hours_per_month:g} h a month")
    return " · ".join(parts)


def _component(component: Component, paint: _Paint) -> Iterator[str]:
    title = text.visible(component.description)
    if component.unit_price is None:
        yield f"    {title}: not priced"
        return
    quantity = "?" if component.quantity is None else f"{component.quantity:,.6f}".rstrip("0").rstrip(".")
    amount = "unknown" if component.monthly is None else money(component.monthly, cents=True)
    yield f"    {title}"
    sign = "−" if component.unit_price < 0 else ""
    yield f"      {quantity} {text.visible(component.unit)} × {sign}${abs(component.unit_price)} = {amount}"
    if component.unit_price_range is not None:
        low, high = component.unit_price_range
        yield f"      known as a range of ${low} to ${high}; the dear end is judged"
    if (
        component.list_unit_price is not None
        and component.list_unit_price != component.unit_price
        and component.kind != "discount"
    ):
        yield f"      list ${component.list_unit_price}"
    origin = ", ".join(text.visible(part) for part in (component.source, component.as_of) if part)
    yield paint.dim(f"      {origin}")


def _rest(resource: Resource, report: Report, paint: _Paint) -> Iterator[str]:
    notes = [each for each in report.diagnostics if each.address == resource.address]
    if notes:
        yield ""
        yield paint.bold("notes")
        for note in notes:
            yield f"  {text.visible(note.code)}: {text.visible(note.message)}{f' ({text.visible(note.hint)})' if note.hint else ''}"
    results = [each for each in report.policy.results if any(key.address == resource.address for key in each.resources)]
    if results:
        yield ""
        yield paint.bold("policies")
        for result in results:
            yield f"  {result.outcome}  {text.visible(result.rule)} ({text.visible(result.pack)}): {text.visible(result.message)}"
    alternatives = [each for each in report.alternatives if each.address == resource.address]
    if alternatives:
        yield ""
        yield paint.bold("alternatives")
        for each in alternatives:
            speed = f", {each.performance.ratio:g}× the speed ({each.performance.basis})" if each.performance else ""
            yield f"  −{money(each.saving, cents=True)} a month ({each.saving_percent:g} %)  {text.visible(each.title)}{speed}, risk {each.risk}"
            for condition in each.conditions:
                yield f"    {text.visible(condition)}"
            for edit in each.edits:
                yield f"    {_edit(edit)}"


def _edit(edit: Edit) -> str:
    now = f" (now {edit.from_})" if edit.from_ else ""
    return text.visible(f"{edit.address}: {edit.path} = {edit.to}{now}")
