"""The README shows what the tool really prints, and names every command and option there is."""

import argparse
import re
import shlex
from pathlib import Path

import pytest

from gpuguard.cli import main
from gpuguard.cli.app import parser
from gpuguard.decide import load
from gpuguard.extract.usage_file import load_usage

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
NOON = "1795348800"


def test_the_demo_is_what_the_tool_prints(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """`pytest --update-goldens` writes the block again."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", NOON)
    text = README.read_text(encoding="utf-8")
    found = re.search(r"<!-- demo -->\n```\n\$ gpuguard (.*)\n", text)
    assert found is not None
    assert main(shlex.split(found[1])) == 0
    block = f"<!-- demo -->\n```\n$ gpuguard {found[1]}\n{capsys.readouterr().out}```\n<!-- /demo -->"
    if request.config.getoption("--update-goldens"):
        README.write_text(
            re.sub(r"<!-- demo -->.*?<!-- /demo -->", lambda _: block, text, flags=re.S), encoding="utf-8"
        )
    assert block in README.read_text(encoding="utf-8")


def commands() -> dict[str, argparse.ArgumentParser]:
    for action in parser()._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    raise AssertionError("there are no commands")


def test_every_command_and_option_is_in_the_readme() -> None:
    text = README.read_text(encoding="utf-8")
    for name, command in commands().items():
        assert f"`gpuguard {name} " in text
        for action in command._actions:
            for option in action.option_strings:
                if option.startswith("--") and option != "--help":
                    assert re.search(rf"`{option}\b", text), f"{option} of {name}"


def test_the_readme_names_no_option_or_command_that_is_not_there() -> None:
    text = README.read_text(encoding="utf-8")
    own = {option for command in commands().values() for action in command._actions for option in action.option_strings}
    shown = {
        option
        for line in text.splitlines()
        if "gpuguard" in line or line.startswith("| `--")
        for option in re.findall(r"(?<![\w-])--[a-z][a-z-]+", line)
    }
    everywhere = {option for action in parser()._actions for option in action.option_strings}
    assert shown - own - everywhere == set()
    assert set(re.findall(r"`gpuguard ([a-z]+)", text)) <= set(commands())


def test_the_pages_the_documents_point_to_are_there() -> None:
    for page in [README, *ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_policy_and_usage_file_shown_is_valid(tmp_path: Path) -> None:
    shown = 0
    for page in [README, *(ROOT / "docs").glob("*.md")]:
        for text in re.findall(r"```ya?ml\n(.*?)```", page.read_text(encoding="utf-8"), re.S):
            path = tmp_path / "shown.yml"
            path.write_text(text)
            if re.search(r"^name:", text, re.M) and re.search(r"^rules:", text, re.M):
                assert load([str(path)])[0].rules
                shown += 1
            elif re.search(r"^resources:", text, re.M):
                assert load_usage(str(path)).entries
                shown += 1
    assert shown >= 2
