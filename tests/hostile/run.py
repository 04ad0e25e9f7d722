"""Runs gpuguard as users do: the command line with streams of its own, in this process or in a real one."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

from msgspec.structs import replace

from gpuguard.cli import main
from gpuguard.decide import load
from gpuguard.model.report import Report
from gpuguard.pipeline import Settings, check
from gpuguard.price.catalog import Catalog

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run left behind."""

    code: int
    out: str
    err: str

    @property
    def errors(self) -> list[str]:
        """The `error:` lines on standard error."""
        return [line for line in self.err.splitlines() if line.startswith("error: ")]

    @property
    def report(self) -> dict[str, Any]:
        """Standard output as a JSON report."""
        found: dict[str, Any] = json.loads(self.out)
        return found


class _Stream(io.TextIOWrapper):
    def __init__(self, data: bytes = b"") -> None:
        super().__init__(io.BytesIO(data), encoding="utf-8", write_through=True)

    def text(self) -> str:
        self.flush()
        buffer = self.buffer
        assert isinstance(buffer, io.BytesIO)
        return buffer.getvalue().decode()


def gpuguard(*arguments: str | Path, stdin: bytes = b"") -> Outcome:
    """Run the command line in this process."""
    given, out, err = _Stream(stdin), _Stream(), _Stream()
    with patch.object(sys, "stdin", given), patch.object(sys, "stdout", out), patch.object(sys, "stderr", err):
        code = main([str(argument) for argument in arguments])
    return Outcome(int(code), out.text(), err.text())


def process(
    *arguments: str | Path,
    stdin: bytes | int = b"",
    env: Mapping[str, str] | None = None,
    preexec: Callable[[], None] | None = None,
    options: Sequence[str] = (),
) -> Outcome:
    """Run `python -m gpuguard` as a process."""
    done = subprocess.run(
        [sys.executable, *options, "-m", "gpuguard", *map(str, arguments)],
        input=stdin if isinstance(stdin, bytes) else None,
        stdin=stdin if isinstance(stdin, int) else None,
        capture_output=True,
        cwd=ROOT,
        env=environment() | dict(env or {}),
        preexec_fn=preexec,
        timeout=120,
        check=False,
    )
    return Outcome(done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace"))


def environment() -> dict[str, str]:
    """The environment of a process, without what would change how gpuguard prints."""
    unwanted = {"NO_COLOR", "CI", "GITHUB_ACTIONS", "SOURCE_DATE_EPOCH", "PYTHONIOENCODING", "GPUGUARD_TRACEBACK"}
    return {name: value for name, value in os.environ.items() if name not in unwanted} | {"PYTHONPATH": str(ROOT)}


def memory_limit(mebibytes: int) -> Callable[[], None]:
    """What a process does before it starts: give itself a bound on its address space."""

    def limit() -> None:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (mebibytes * 1024**2, mebibytes * 1024**2))

    return limit


@cache
def settings() -> Settings:
    """Catalog and default policies, opened once: what thousands of runs share."""
    return Settings(catalog=Catalog.open(None), packs=load(["default"]))


def judge(data: bytes, path: Path, **changes: Any) -> Report:
    """What `gpuguard check` makes of the bytes, without the command line around it."""
    path.write_bytes(data)
    return check([(str(path), "plan")], replace(settings(), **changes))


def assert_refused(outcome: Outcome, name: object, *words: str) -> None:
    """Exit 2 and one clear error that names the input and says `words`; never a traceback."""
    assert outcome.code == 2, outcome
    assert len(outcome.errors) == 1, outcome.err
    assert str(name) in outcome.errors[0]
    for word in words:
        assert word in outcome.errors[0]
    assert "Traceback" not in outcome.err + outcome.out
    assert all(line.startswith(("error: ", "hint: ")) for line in outcome.err.splitlines())
    assert all(char.isprintable() for char in outcome.err if char != "\n")
