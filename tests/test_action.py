"""The GitHub Action: its steps are run as the runner runs them, with the inputs in the environment."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
STEPS = ACTION["runs"]["steps"]
DEMO = "fixtures/demo/plan.json"


def check(folder: Path, plans: str, fail_on: str = "fail") -> tuple[int, str, str]:
    """Exit code, standard output and job summary of the step that checks."""
    program = folder / "bin" / "gpuguard"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m gpuguard "$@"\n')
    program.chmod(0o755)
    summary = folder / "summary.md"
    env = {
        **os.environ,
        "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}",
        "PLANS": plans, "POLICY": "", "CONFIG": "", "FAIL_ON": fail_on,
        "RUNNER_TEMP": str(folder), "GITHUB_STEP_SUMMARY": str(summary),
    }  # fmt: skip
    script = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", STEPS[-1]["run"]]
    ran = subprocess.run(script, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=120)
    return ran.returncode, ran.stdout, summary.read_text(encoding="utf-8") if summary.exists() else ""


def test_the_step_prints_the_report_and_writes_the_job_summary(tmp_path: Path) -> None:
    code, out, summary = check(tmp_path, f"{DEMO}\n\n")
    assert code == 0
    assert "module.train.aws_instance.node[0]" in out
    assert "p5.48xlarge" in summary


@pytest.mark.parametrize(
    ("plans", "fail_on", "code"),
    [
        pytest.param(DEMO, "warn", 1, id="a warning fails where the team says so"),
        pytest.param(DEMO, "never", 0, id="nothing fails where the team says so"),
        pytest.param("missing.json", "fail", 2, id="a plan that cannot be read"),
        pytest.param("$(touch made).json", "fail", 2, id="a name that a shell would run"),
    ],
)
def test_the_step_ends_with_the_code_of_the_verdict(plans: str, fail_on: str, code: int, tmp_path: Path) -> None:
    assert check(tmp_path, plans, fail_on)[0] == code
    assert not (ROOT / "made").exists()


def test_inputs_reach_the_shell_through_the_environment_alone() -> None:
    assert not any("${{" in step["run"] for step in STEPS)
    assert not any("uses" in step for step in STEPS)
