"""Measure gpuguard against what nothing that reads a plan can do without, and print the ratios as a Markdown table.

    python benchmarks/run.py                       # 50,000 resources, some minutes
    python benchmarks/run.py --resources 4000 --runs 3

Every figure is the median of several runs, and the runs of what is compared take turns, so that a busy machine slows
all of them alike. Absolute times say little about another machine; the ratios do, and on a busy one those of the
processor time (user and system), which waiting for other programs does not lengthen. Nothing here fails: the limits are
in the table to be read. Plans are written to a temporary folder and removed.

The floors:
  bare interpreter     `python -c pass`
  partial decode       a process that reads the plan and decodes address, type and actions with msgspec, `before` and
                       `after` left undecoded (`Raw`)
"""

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.make_plan import VARIANTS, write  # noqa: E402 - also run as a file

SMALL_PLAN = ROOT / "fixtures" / "aws-instance" / "plan.json"
PARTIAL_DECODE = """
import sys, msgspec
null = msgspec.Raw(b"null")
class Change(msgspec.Struct):
    actions: list[str]
    before: msgspec.Raw = null
    after: msgspec.Raw = null
class ResourceChange(msgspec.Struct):
    address: str
    type: str
    change: Change
class Plan(msgspec.Struct):
    format_version: str
    resource_changes: list[ResourceChange]
with open(sys.argv[1], "rb") as file:
    msgspec.json.decode(file.read(), type=Plan)
"""


@dataclass(frozen=True, slots=True)
class Run:
    """One process: wall-clock seconds, seconds of processor time, and peak resident memory in bytes."""

    seconds: float
    processor: float
    peak: int


def run(command: Sequence[str], environment: Mapping[str, str]) -> Run:
    """Start a process, wait for it, and tell what it took. A report may exit with any verdict; a bug may not."""
    start = time.perf_counter()
    process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1, 3):
        raise SystemExit(f"{' '.join(command[:6])} … ended with {process.returncode}")
    # Linux tells kibibytes, macOS bytes (getrusage(2))
    peak = used.ru_maxrss if sys.platform == "darwin" else used.ru_maxrss * 1024
    return Run(seconds, used.ru_utime + used.ru_stime, peak)


def measure(commands: Mapping[str, Sequence[str]], runs: int, environment: Mapping[str, str]) -> dict[str, Run]:
    """The medians of each command; the commands take turns, after one round that fills the caches."""
    found: dict[str, list[Run]] = {name: [] for name in commands}
    for turn in range(runs + 1):
        for name, command in commands.items():
            one = run(command, environment)
            if turn:
                found[name].append(one)
    return {
        name: Run(
            statistics.median(one.seconds for one in all_),
            statistics.median(one.processor for one in all_),
            int(statistics.median(one.peak for one in all_)),
        )
        for name, all_ in found.items()
    }


def started(runs: int, environment: Mapping[str, str]) -> list[str]:
    """Rows of what a short run takes, as multiples of a bare interpreter."""
    gpuguard = [sys.executable, "-m", "gpuguard"]
    bare = "bare interpreter (`python -c pass`)"
    found = measure(
        {
            bare: [sys.executable, "-c", "pass"],
            "the same without `site` (`python -I -S -c pass`)": [sys.executable, "-I", "-S", "-c", "pass"],
            "`import pydantic`": [sys.executable, "-c", "from pydantic import BaseModel"],
            "`gpuguard --version` (limit 3)": [*gpuguard, "--version"],
            "`gpuguard check` of a small plan, default policies (limit 15)": [*gpuguard, "check", str(SMALL_PLAN)],
        },
        runs,
        environment,
    )
    floor = found[bare]
    return [
        f"| {name} | {one.seconds * 1000:.0f} ms | {one.seconds / floor.seconds:.1f} × "
        f"| {one.processor / floor.processor:.1f} × |"
        for name, one in found.items()
    ]


def large(path: Path, variant: str, runs: int, environment: Mapping[str, str]) -> list[str]:
    """Rows of one large plan, as multiples of the partial decode and of the size of the file."""
    size = path.stat().st_size
    check = [sys.executable, "-m", "gpuguard", "check"]
    found = measure(
        {
            "partial decode": [sys.executable, "-c", PARTIAL_DECODE, str(path)],
            "`check`": [*check, str(path)],
            "`check --format json`": [*check, "--format", "json", str(path)],
            "`check --format markdown`": [*check, "--format", "markdown", str(path)],
        },
        runs,
        environment,
    )
    floor = found["partial decode"]
    return [
        f"| {variant}, {size / 1e6:.0f} MB | {name} | {one.seconds:.2f} s | {one.seconds / floor.seconds:.1f} × "
        f"| {one.processor / floor.processor:.1f} × | {one.peak / 1e6:.0f} MB | {one.peak / size:.2f} × |"
        for name, one in found.items()
    ]


def report(resources: int, runs: int, variants: Sequence[str]) -> str:
    """All tables."""
    with tempfile.TemporaryDirectory(prefix="gpuguard-benchmark-") as folder:
        # as installed: with compiled modules, which a checkout may be told not to keep
        environment = {
            **{name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
            "PYTHONPYCACHEPREFIX": str(Path(folder) / "pyc"),
        }
        lines = [
            f"CPython {platform.python_version()}, msgspec {metadata.version('msgspec')}, "
            f"pydantic {metadata.version('pydantic')}, {platform.system()} {platform.machine()}, median of {runs} runs.",
            "",
            "| start | time | × bare interpreter | × in processor time |",
            "| --- | ---: | ---: | ---: |",
            *started(max(runs, 5) * 2, environment),
            "",
            f"{resources:,} resources; limits for `mixed`: 3 × the time of the partial decode, 2.5 × the size in memory.",
            "",
            "| plan | what | time | × partial decode | × in processor time | peak memory | × file |",
            "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
        ]
        for variant in variants:
            path = Path(folder) / f"{variant}.json"
            write(path, variant, resources)
            lines += large(path, variant, runs, environment)
            path.unlink()
    return "\n".join(lines)


def main() -> None:
    """Command line."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--resources", type=int, default=50_000)
    arguments.add_argument("--runs", type=int, default=5)
    arguments.add_argument(
        "--variant", action="append", choices=VARIANTS, help="may be repeated (default: all but ambiguous)"
    )
    given = arguments.parse_args()
    print(report(given.resources, given.runs, given.variant or VARIANTS[:-1]))


if __name__ == "__main__":
    main()
