"""Make every `fixtures/<case>/plan.json` again from the case's Terraform configuration.

    python scripts/make_fixtures.py [--planner COMMAND] [CASE...]

Without `--planner` each case is planned by plain terraform, in a temporary copy: that needs the real providers and,
where a configuration reads data sources, credentials for the cloud. A case that changes what already runs
(`apply_first`) would have to create that first, so it is left as it is and the reason is printed.

COMMAND is a program that plans without a cloud. It is called as

    COMMAND DIR --out FILE [--apply-first DIR] [--overrides FILE] [--module-map SOURCE=DIR]... [-var NAME=VALUE]...

and writes to FILE what `terraform show -json` prints. A case tells what it needs in its `fixture.toml`:

    [plan]
    apply_first = "before"             # folder of the configuration that was applied earlier
    overrides = "overrides.json"       # facts about data sources, for COMMAND only
    vars = {name = "value"}            # root module variables; what is not a string is passed as JSON
    module_map = {"SOURCE" = "folder"} # local copies of remote modules, for COMMAND only
    handmade = true                    # the plan was written by hand, since no planner knows the provider: left as it is

The time at which a plan was made is replaced by a fixed one and what terraform leaves unordered is sorted, so that the
same configuration gives the same bytes.
Exit status: 0 if every case was made or skipped with a reason, 1 if a planner failed, 2 if the request is unusable.
"""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
TIMESTAMP = "2026-01-01T00:00:00Z"
# What terraform leaves beside a configuration it has worked on.
LEFTOVERS = shutil.ignore_patterns(".terraform", ".terraform.lock.hcl", "terraform.tfstate*")


class FixtureError(Exception):
    """A case cannot be made; the text says why."""


@dataclass(frozen=True, slots=True)
class Case:
    """One folder under `fixtures/` that holds a configuration, and the `[plan]` table of its `fixture.toml`."""

    folder: Path
    apply_first: str | None = None
    overrides: str | None = None
    vars: Mapping[str, Any] = field(default_factory=dict)
    module_map: Mapping[str, str] = field(default_factory=dict)
    handmade: bool = False

    def variables(self) -> list[str]:
        """The case's variables as arguments of `terraform plan`."""
        pairs = ((name, value if isinstance(value, str) else json.dumps(value)) for name, value in self.vars.items())
        return [argument for name, value in pairs for argument in ("-var", f"{name}={value}")]


def read_case(folder: Path) -> Case:
    """Read the case in `folder`; raises FixtureError for a `fixture.toml` that is not TOML or has an unknown key."""
    import tomllib

    settings: dict[str, Any] = {}
    path = folder / "fixture.toml"
    if path.exists():
        try:
            settings = tomllib.loads(path.read_text(encoding="utf-8")).get("plan", {})
        except tomllib.TOMLDecodeError as problem:
            raise FixtureError(f"{path}: {problem}") from problem
    known = {"apply_first", "overrides", "vars", "module_map", "handmade"}
    if unknown := sorted(settings.keys() - known):
        raise FixtureError(f"{path}: unknown key in [plan]: {', '.join(unknown)}")
    return Case(folder, **settings)


def find_cases(names: Sequence[str]) -> list[Path]:
    """The folders of the named cases, or of all that hold a configuration; raises FixtureError for an unknown name."""
    found = {path.parent.name: path.parent for path in sorted(FIXTURES.glob("*/*.tf"))}
    if missing := [name for name in names if name not in found]:
        raise FixtureError(f"no configuration in fixtures/: {', '.join(missing)}")
    return [found[name] for name in names or found]


def run(command: Sequence[str], folder: Path | None = None) -> str:
    """Run `command`; its standard output. Raises FixtureError with its last words when it fails."""
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, encoding="utf-8", check=False)
    except OSError as problem:
        raise FixtureError(f"cannot run {command[0]}: {problem.strerror}") from problem
    if done.returncode:
        raise FixtureError((done.stderr or done.stdout).strip() or f"{command[0]} exited with {done.returncode}")
    return done.stdout


def plan_with(planner: Sequence[str], case: Case) -> str:
    """Plan JSON of `case`, made by a planner that needs no cloud."""
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "plan.json"
        arguments = [str(case.folder), "--out", str(out), *case.variables()]
        if case.apply_first is not None:
            arguments += ["--apply-first", str(case.folder / case.apply_first)]
        if case.overrides is not None:
            arguments += ["--overrides", str(case.folder / case.overrides)]
        for source, copy in case.module_map.items():
            arguments += ["--module-map", f"{source}={case.folder / copy}"]
        run([*planner, *arguments])
        if not out.exists():
            raise FixtureError(f"{planner[0]} wrote no plan")
        return out.read_text(encoding="utf-8")


def plan_with_terraform(case: Case) -> str:
    """Plan JSON of `case`, made by plain terraform and the real providers."""
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch) / case.folder.name
        shutil.copytree(case.folder, root, ignore=LEFTOVERS)
        run(["terraform", "init", "-input=false", "-no-color"], root)
        run(["terraform", "plan", "-input=false", "-no-color", "-out=tfplan", *case.variables()], root)
        return run(["terraform", "show", "-json", "tfplan"], root)


def settled(plan: str) -> str:
    """`plan` without what differs from run to run: the time it was made, the order of `relevant_attributes` and of modules.

    Terraform collects both from maps. Every other byte stays as terraform wrote it. Raises FixtureError.
    """
    try:
        document = json.loads(plan)
        made, relevant = document.get("timestamp"), document.get("relevant_attributes")
    except (ValueError, AttributeError) as problem:
        raise FixtureError("the planner's answer is not a plan") from problem
    if made:
        plan = plan.replace(f'"timestamp":"{made}"', f'"timestamp":"{TIMESTAMP}"')
    if relevant:
        ordered = sorted(relevant, key=lambda item: (item["resource"], json.dumps(item["attribute"])))
        plan = plan.replace(_compact(relevant), _compact(ordered))
    for root in ("planned_values", "prior_state"):
        values = document.get(root)
        if values is not None:
            before = _compact(values)
            _sort_modules(values)
            plan = plan.replace(before, _compact(values), 1)
    return plan.rstrip("\n") + "\n"


def _sort_modules(values: Any) -> None:
    """Put the modules of decoded values into the order of their addresses, at every depth."""
    pending = [values.get("values", values).get("root_module") or {}]
    while pending:
        modules = pending.pop().get("child_modules", [])
        modules.sort(key=lambda module: module.get("address", ""))
        pending.extend(modules)


def _compact(value: object) -> str:
    """As terraform writes JSON: without blanks, and with what HTML minds escaped."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def make(folder: Path, planner: Sequence[str]) -> str:
    """Make the plan of the case in `folder`; a sentence on what came of it. Raises FixtureError."""
    case = read_case(folder)
    if case.handmade:
        return "skipped: its plan was written by hand"
    if not planner and case.apply_first is not None:
        return "skipped: its earlier configuration would have to be applied to a real cloud; give --planner"
    plan = settled(plan_with(planner, case) if planner else plan_with_terraform(case))
    target = folder / "plan.json"
    if target.exists() and target.read_text(encoding="utf-8") == plan:
        return "unchanged"
    target.write_text(plan, encoding="utf-8")
    return "written"


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the cases that the command line names; the exit status."""
    parser = argparse.ArgumentParser(description="Make fixtures/<case>/plan.json again.")
    parser.add_argument("--planner", default="", help="command that plans without a cloud (default: plain terraform)")
    parser.add_argument("cases", nargs="*", metavar="CASE", help="folder under fixtures/ (default: all)")
    options = parser.parse_args(arguments)
    try:
        planner = shlex.split(options.planner)
        folders = find_cases(options.cases)
    except (FixtureError, ValueError) as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 2
    failed = 0
    for folder in folders:
        try:
            print(f"{folder.name}: {make(folder, planner)}", flush=True)
        except FixtureError as problem:
            failed += 1
            print(f"error: {folder.name}: {problem}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
