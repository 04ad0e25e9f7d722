"""What only a real process shows: pipes, signals, encodings, and which modules a command imports."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hostile.plans import instance, plan, written
from tests.hostile.run import ROOT, environment, process

FIXTURE = ROOT / "fixtures" / "multi-cloud" / "plan.json"
HEAVY = ("github", "httpx", "hcl2", "jinja2", "pydantic", "yaml", "sqlite3")


def shell(script: str, **env: str) -> subprocess.CompletedProcess[bytes]:
    """Run a line of shell in which $GPUGUARD is the program and $PLAN a plan."""
    names = {"GPUGUARD": f"{sys.executable} -m gpuguard", "PLAN": str(FIXTURE)}
    return subprocess.run(
        ["bash", "-c", script], capture_output=True, cwd=ROOT, env=environment() | names | env, check=False, timeout=60
    )


def imported(*arguments: str) -> set[str]:
    """The modules that a command has imported when it ends."""
    program = (
        "import sys; from gpuguard.cli import main; code = main(sys.argv[1:]);"
        "sys.stderr.write('\\n'.join(sys.modules)); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        cwd=ROOT,
        env=environment(),
        check=True,
        timeout=60,
    )
    return set(done.stderr.decode().split("\n"))


@pytest.mark.parametrize(
    "arguments", [("--help",), ("check", "--help"), ("diff", "--help"), ("explain", "--help"), ("schema", "--help")]
)
def test_help_imports_nothing_heavy(arguments: tuple[str, ...]) -> None:
    assert not imported(*arguments) & set(HEAVY)


def test_the_version_imports_next_to_nothing() -> None:
    modules = imported("--version")
    assert not modules & {*HEAVY, "argparse", "msgspec", "decimal", "json"}
    assert {name for name in modules if name.startswith("gpuguard")} == {"gpuguard", "gpuguard.cli"}


def test_a_check_needs_no_template_engine_for_the_terminal() -> None:
    assert not imported("check", str(FIXTURE)) & {"github", "httpx", "hcl2", "jinja2"}


@pytest.mark.parametrize(
    "arguments",
    ["check $PLAN", "check $PLAN --format json", "schema report", "--help", "explain $PLAN aws_instance.inference"],
)
def test_a_reader_that_goes_away_is_no_error(arguments: str) -> None:
    done = shell(f"set -o pipefail; $GPUGUARD {arguments} | head -c 1")
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_reader_that_goes_away_does_not_hide_a_failure(tmp_path: Path) -> None:
    pack = tmp_path / "pack.yml"
    pack.write_text(
        "version: 1\nname: budget\nrules:\n  - rule: max-monthly-increase\n    enforcement: mandatory\n    limit: 1\n"
    )
    done = shell(f"$GPUGUARD check $PLAN --policy {pack} --format json | true; exit ${{PIPESTATUS[0]}}")
    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.parametrize(
    "arguments", ["check $PLAN", "schema report", "--version", "explain $PLAN aws_instance.inference"]
)
def test_a_closed_standard_output_is_an_error(arguments: str) -> None:
    done = shell(f"$GPUGUARD {arguments} >&-")
    assert done.returncode == 2
    assert done.stderr.startswith(b"error: standard output is closed")


def test_a_closed_standard_output_is_none_when_the_report_goes_to_a_file(tmp_path: Path) -> None:
    done = shell(f"$GPUGUARD check $PLAN --output {tmp_path}/report >&-")
    assert (done.returncode, done.stderr) == (0, b"")
    assert (tmp_path / "report").read_text().startswith("PASS")


def test_a_full_disk_behind_standard_output_is_an_error() -> None:
    done = shell("$GPUGUARD check $PLAN >/dev/full")
    assert done.returncode == 2
    assert done.stderr.startswith(b"error: standard output: cannot be written")


def test_a_closed_standard_error_changes_no_exit_code() -> None:
    assert shell("$GPUGUARD check none.json 2>&-").returncode == 2


def test_a_closed_standard_input_is_an_error() -> None:
    done = shell("$GPUGUARD check - <&-")
    assert done.returncode == 2
    assert b"standard input is closed" in done.stderr


def test_ctrl_c_ends_with_130_and_no_traceback(tmp_path: Path) -> None:
    """While it waits for a pipe that nobody fills."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    running = subprocess.Popen(
        [sys.executable, "-m", "gpuguard", "check", str(pipe)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        env=environment(),
        # where the tests themselves run in the background of a shell, they ignore the signal, and children inherit that
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    with pipe.open("wb"):  # opens when the program has opened its end: it is reading now
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=60)
    assert (running.returncode, out, err) == (130, b"", b"error: interrupted\n")


@pytest.mark.parametrize(
    "env",
    [
        pytest.param({"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, id="the C locale"),
        pytest.param({"PYTHONIOENCODING": "ascii"}, id="ASCII"),
        pytest.param({"PYTHONIOENCODING": "cp1252"}, id="a Windows code page"),
        pytest.param({"PYTHONIOENCODING": "ascii:strict"}, id="strict ASCII"),
    ],
)
@pytest.mark.parametrize("form", ["table", "json", "markdown"])
def test_an_output_that_cannot_show_a_character_gets_its_escape(env: dict[str, str], form: str, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_bytes(written(plan(instance("gpu", after={"tags": {"owner": "Zoë 東京 🚀"}}))))
    outcome = process("check", path, "--format", form, "--verbose", env=env)
    assert (outcome.code, outcome.err) == (0, "")
    assert "aws_instance.gpu" in outcome.out
    missing = process("check", tmp_path / "Zoë 東京", "--format", form, env=env)
    assert missing.code == 2
    assert missing.err.startswith("error: ")
    assert "Traceback" not in missing.err


def terminal(*options: str, **env: str) -> str:
    """What a terminal of 80 columns is shown."""
    import pty

    controller, end = pty.openpty()
    given = environment() | {"TERM": "xterm-256color", "COLUMNS": "80"} | env
    running = subprocess.Popen(
        [sys.executable, "-m", "gpuguard", "check", str(FIXTURE), *options], stdout=end, stderr=end, cwd=ROOT, env=given
    )
    os.close(end)
    parts: list[bytes] = []
    while True:
        try:
            part = os.read(controller, 65536)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        parts.append(part)
    os.close(controller)
    assert running.wait(timeout=60) == 0
    return b"".join(parts).decode()


def test_a_terminal_is_shown_colours() -> None:
    assert "\x1b[" in terminal()


@pytest.mark.parametrize(
    ("options", "env"),
    [
        pytest.param((), {"NO_COLOR": "1"}, id="NO_COLOR"),
        pytest.param(("--no-color",), {}, id="--no-color"),
        pytest.param((), {"TERM": "dumb"}, id="a dumb terminal"),
        pytest.param(("--format", "json"), {}, id="JSON"),
    ],
)
def test_a_terminal_is_spared_colours(options: tuple[str, ...], env: dict[str, str]) -> None:
    assert "\x1b[" not in terminal(*options, **env)


def test_a_pipe_is_spared_colours() -> None:
    assert "\x1b[" not in process("check", FIXTURE).out


def test_the_module_and_the_function_are_the_same_program() -> None:
    assert process("--version").out.startswith("gpuguard ")
