"""Arguments, exit codes and streams of every command."""

import json
from decimal import Decimal
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from gpuguard.cli import main
from gpuguard.errors import ExitCode
from tests.hostile.plans import change, group, instance, plan, written
from tests.hostile.run import ROOT, Outcome, gpuguard

ADDRESS = "aws_instance.gpu"


@pytest.fixture
def good(tmp_path: Path) -> Path:
    """A plan that creates one g5.xlarge."""
    path = tmp_path / "good.json"
    path.write_bytes(written(plan(instance())))
    return path


@pytest.fixture
def unknown(tmp_path: Path) -> Path:
    """A plan whose machine type only apply can tell."""
    path = tmp_path / "unknown.json"
    path.write_bytes(written(plan(change("aws_instance", "gpu", {}, after_unknown={"instance_type": True}))))
    return path


def pack(folder: Path, limit: int, enforcement: str) -> Path:
    path = folder / "pack.yml"
    path.write_text(
        "version: 1\nname: budget\nrules:\n"
        f"  - rule: max-monthly-increase\n    enforcement: {enforcement}\n    limit: {limit}\n"
    )
    return path


def test_the_table_of_exit_codes_is_closed() -> None:
    table = {code.name: code.value for code in ExitCode}
    assert table == {"PASS": 0, "FAIL": 1, "INPUT": 2, "UNDECIDED": 3, "SERVICE": 4, "BUG": 70, "INTERRUPTED": 130}


@pytest.mark.parametrize(
    ("limit", "enforcement", "fail_on", "code"),
    [
        pytest.param(10_000, "mandatory", "fail", 0, id="what is within the limit passes"),
        pytest.param(10_000, "mandatory", "warn", 0, id="what is within the limit does not warn"),
        pytest.param(100, "mandatory", "fail", 1, id="a mandatory rule fails"),
        pytest.param(100, "mandatory", "warn", 1, id="a mandatory rule fails where warnings do too"),
        pytest.param(100, "mandatory", "never", 0, id="nothing fails where nothing shall"),
        pytest.param(100, "advisory", "fail", 0, id="an advisory rule warns"),
        pytest.param(100, "advisory", "warn", 1, id="a warning fails where it shall"),
        pytest.param(100, "advisory", "never", 0, id="a warning passes where nothing shall fail"),
    ],
)
@pytest.mark.parametrize("command", ["check", "diff"])
def test_the_verdict_is_the_exit_code(
    command: str, limit: int, enforcement: str, fail_on: str, code: int, good: Path, tmp_path: Path
) -> None:
    empty = tmp_path / "empty.json"
    empty.write_bytes(written(plan()))
    paths = (good,) if command == "check" else (empty, good)
    outcome = gpuguard(command, *paths, "--policy", pack(tmp_path, limit, enforcement), "--fail-on", fail_on)
    assert outcome.code == code
    assert outcome.err == ""


@pytest.mark.parametrize(
    ("options", "code"),
    [
        pytest.param((), 0, id="passes"),
        pytest.param(("--strict",), 3, id="is undecided under --strict"),
        pytest.param(("--strict", "--fail-on", "warn"), 3, id="is undecided where warnings fail"),
        pytest.param(("--strict", "--fail-on", "never"), 0, id="passes where nothing shall fail"),
    ],
)
def test_an_unknown_machine(options: tuple[str, ...], code: int, unknown: Path) -> None:
    assert gpuguard("check", unknown, *options).code == code


@pytest.mark.parametrize("fail_on", ["fail", "warn", "never"])
def test_an_unreadable_input_outranks_every_verdict(fail_on: str, good: Path, tmp_path: Path) -> None:
    outcome = gpuguard("check", good, tmp_path / "none.json", "--fail-on", fail_on)
    assert outcome.code == 2
    assert "aws_instance.gpu" in outcome.out


WRONG: dict[str, tuple[tuple[str, ...], str]] = {
    "no command that exists": (("price", "plan.json"), "price"),
    "an abbreviated command": (("che", "plan.json"), "che"),
    "no path": (("check",), "PATH"),
    "an unknown option": (("check", "plan.json", "--cheap"), "--cheap"),
    "an abbreviated option": (("check", "plan.json", "--form", "json"), "--form"),
    "an unknown format": (("check", "plan.json", "--format", "pdf"), "pdf"),
    "a format that comes later": (("check", "plan.json", "--format", "sarif"), "sarif"),
    "an unknown format of --out": (("check", "plan.json", "--out", "pdf=x"), "--out"),
    "--out without a file": (("check", "plan.json", "--out", "json"), "--out"),
    "--out with an empty file": (("check", "plan.json", "--out", "json="), "--out"),
    "one file for two reports": (("check", "plan.json", "--out", "json=x", "--output", "x"), "same file"),
    "one file in two spellings": (("check", "plan.json", "--out", "json=./x", "--output", "x"), "same file"),
    "an unknown --fail-on": (("check", "plan.json", "--fail-on", "always"), "always"),
    "an unknown --show": (("check", "plan.json", "--show", "some"), "some"),
    "a region without a cloud": (("check", "plan.json", "--region", "us-east-1"), "CLOUD=REGION"),
    "a region of an unknown cloud": (("check", "plan.json", "--region", "acme=here"), "CLOUD=REGION"),
    "an unknown region": (("check", "plan.json", "--region", "aws=mars-1"), "mars-1"),
    "an unknown policy": (("check", "plan.json", "--policy", "nothing-like-it"), "nothing-like-it"),
    "a missing usage file": (("check", "plan.json", "--usage", "none.yml"), "none.yml"),
    "a missing catalog": (("check", "plan.json", "--catalog", "none.sqlite"), "none.sqlite"),
    "a catalog that is none": (("check", "plan.json", "--catalog", "README.md"), "README.md"),
    "fewer projects than paths": (("check", "a", "b", "--project", "one"), "--project"),
    "the same input twice": (("check", "a", "a"), "same project"),
    "the same project twice": (("check", "a", "b", "--project", "p", "--project", "p"), "same project"),
    "standard input twice": (("check", "-", "-"), "standard input"),
    "standard input on both sides": (("diff", "-", "-"), "standard input"),
    "one side of a difference": (("diff", "a"), "AFTER"),
    "three sides of a difference": (("diff", "a", "b", "c"), "c"),
    "a difference of nothing": (("diff", "none.json", "none.json"), "none.json"),
    "no address to explain": (("explain", "plan.json"), "ADDRESS"),
    "nothing to explain": (("explain", "none.json", ADDRESS), "none.json"),
    "a schema of nothing": (("schema", "nothing"), "config"),
    "no schema": (("schema",), "report"),
    "control characters in an argument": (("check", "plan.json", "--\x1b[31m"), "\\x1b"),
}


@pytest.mark.parametrize(("arguments", "word"), WRONG.values(), ids=WRONG)
def test_a_wrong_command_line_is_one_error_and_the_way_out(arguments: tuple[str, ...], word: str) -> None:
    outcome = gpuguard(*arguments)
    assert outcome.code == 2
    assert len(outcome.errors) == 1, outcome.err
    assert word in outcome.err
    assert all(line.startswith(("error: ", "hint: ")) for line in outcome.err.splitlines())
    assert outcome.out == ""


def test_no_command_prints_the_help() -> None:
    outcome = gpuguard()
    assert outcome.code == 2
    assert "usage: gpuguard" in outcome.err


@pytest.mark.parametrize(
    "arguments", [("--help",), ("check", "--help"), ("diff", "-h"), ("explain", "-h"), ("schema", "-h")]
)
def test_help_goes_to_standard_output(arguments: tuple[str, ...]) -> None:
    outcome = gpuguard(*arguments)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith("usage: gpuguard")


@pytest.mark.parametrize("option", ["--version", "-V"])
def test_the_version_is_one_line(option: str) -> None:
    outcome = gpuguard(option)
    assert outcome.code == 0
    assert outcome.out.startswith("gpuguard ")
    assert outcome.out.count("\n") == 1


@pytest.mark.parametrize("of", ["report", "policy", "usage"])
def test_a_schema_is_a_json_schema(of: str) -> None:
    outcome = gpuguard("schema", of)
    assert outcome.code == 0
    Draft202012Validator.check_schema(json.loads(outcome.out))


# -- inputs ------------------------------------------------------------------------------------------------------------


def projects(outcome: Outcome) -> list[str]:
    return [each["project"] for each in outcome.report["inputs"]]


def test_a_project_is_called_by_its_path(good: Path) -> None:
    assert projects(gpuguard("check", good, "--format", "json")) == [str(good)]


def test_standard_input_is_a_project_of_its_own(good: Path) -> None:
    outcome = gpuguard("check", "-", good, "--format", "json", stdin=good.read_bytes())
    assert projects(outcome) == ["stdin", str(good)]
    assert outcome.report["summary"]["resources"] == 2


def test_projects_are_named_in_the_order_of_the_paths(good: Path, unknown: Path) -> None:
    outcome = gpuguard("check", good, unknown, "--project", "a", "--project", "b", "--format", "json")
    assert [(each["project"], each["path"]) for each in outcome.report["inputs"]] == [
        ("a", str(good)),
        ("b", str(unknown)),
    ]


def test_a_saved_report_is_no_input_of_check(good: Path, tmp_path: Path) -> None:
    saved = tmp_path / "report.json"
    assert gpuguard("check", good, "--format", "json", "--output", saved).code == 0
    outcome = gpuguard("check", saved)
    assert outcome.code == 2
    assert "gpuguard diff" in outcome.errors[0]


@pytest.mark.parametrize("kinds", [("plan", "report"), ("report", "plan"), ("report", "report"), ("plan", "plan")])
def test_a_saved_report_is_the_same_side_of_a_difference_as_its_plan(
    kinds: tuple[str, str], good: Path, tmp_path: Path
) -> None:
    cheaper = tmp_path / "cheaper.json"
    cheaper.write_bytes(written(plan(instance(machine="g4dn.xlarge"))))
    paths = []
    for kind, path in zip(kinds, (cheaper, good), strict=True):
        saved = tmp_path / f"{path.stem}-report.json"
        gpuguard("check", path, "--format", "json", "--output", saved)
        paths.append(saved if kind == "report" else path)
    summary = gpuguard("diff", *paths, "--format", "json").report["summary"]
    assert Decimal(summary["monthly_delta"]) == Decimal("734.38") - Decimal("383.98")


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda text: text[:-50], id="truncated"),
        pytest.param(lambda text: text.replace('"1"', '"2"', 1), id="of another schema"),
        pytest.param(lambda text: text.replace('"734.38"', "734.38"), id="money as a number"),
        pytest.param(lambda text: text.replace('"734.38"', '"1e99"'), id="money with an exponent"),
        pytest.param(lambda text: text.replace('"734.38"', '"NaN"'), id="money that is no number"),
        pytest.param(lambda text: text.replace('"create"', '"destroy"'), id="an unknown action"),
        pytest.param(lambda text: text.replace('"as_of": "20', '"as_of": "x20'), id="a day that is none"),
        pytest.param(
            lambda text: text.replace('"resources": [', '"resources": [[], ', 1), id="a resource that is none"
        ),
        pytest.param(
            lambda text: '{"schema_version":"1","resources":' + "[" * 10_000 + "]" * 10_000 + "}", id="nested"
        ),
        pytest.param(lambda text: '{"schema_version":"1"}', id="empty"),
    ],
)
def test_a_damaged_report_is_refused(damage: object, good: Path, tmp_path: Path) -> None:
    saved = tmp_path / "report.json"
    gpuguard("check", good, "--format", "json", "--output", saved)
    text = saved.read_text()
    assert callable(damage)
    saved.write_text(damage(text))
    assert saved.read_text() != text
    for arguments in (
        ("diff", str(good), str(saved)),
        ("diff", str(saved), str(good)),
        ("explain", str(saved), ADDRESS),
    ):
        outcome = gpuguard(*arguments)
        assert outcome.code == 2
        assert len(outcome.errors) == 1
        assert str(saved) in outcome.errors[0]


@pytest.mark.parametrize("field", ["address", "type", "module", "provider"])
def test_a_hostile_report_is_shown_harmless(field: str, good: Path, tmp_path: Path) -> None:
    """A report is no safer than a plan: it may come from anybody's pull request."""
    saved = tmp_path / "report.json"
    report = gpuguard("check", good, "--format", "json").report
    report["resources"][0][field] = "x\x1b[31m\u202e\nerror: fake"
    for component in report["resources"][0]["after"]["components"]:
        component.update(description="\x1b[2J", unit="\x1b[2J", source="\x1b[2J", sku="\x1b[2J")
    saved.write_text(json.dumps(report))
    runs = [gpuguard("diff", good, saved, "--format", form, "--verbose") for form in ("table", "json", "markdown")]
    runs.append(gpuguard("explain", saved, report["resources"][0]["address"]))
    for run in runs:
        assert run.code in (0, 2)
        assert not {"\x1b", "\u202e"} & set(run.out + run.err)
        assert "\nerror: fake" not in run.out


# -- outputs -----------------------------------------------------------------------------------------------------------


def test_a_report_goes_where_it_is_asked_to_go(good: Path, tmp_path: Path) -> None:
    """Standard output stays empty under --output; each --out is a report in a format of its own."""
    table, saved, markdown = tmp_path / "table", tmp_path / "json", tmp_path / "md"
    outcome = gpuguard("check", good, "--output", table, "--out", f"json={saved}", "--out", f"markdown={markdown}")
    assert outcome == Outcome(0, "", "")
    assert table.read_text().startswith("PASS")
    assert json.loads(saved.read_text())["schema_version"] == "1"
    assert markdown.read_text().startswith("## ")


@pytest.mark.parametrize("option", ["--output", "--out"])
@pytest.mark.parametrize("place", ["missing/report", ".", "file/report", "zero\0byte"])
def test_a_file_that_cannot_be_written_is_an_error(option: str, place: str, good: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    target = f"{tmp_path}/{place}"
    outcome = gpuguard("check", good, option, target if option == "--output" else f"json={target}")
    assert outcome.code == 2
    assert len(outcome.errors) == 1
    assert "cannot be written" in outcome.errors[0]


def test_the_same_input_gives_the_same_bytes(good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1767225600")
    runs = [gpuguard("check", good, "--format", "json") for _ in range(2)]
    assert runs[0] == runs[1]
    assert runs[0].report["generated_at"] == "2026-01-01T00:00:00Z"


@pytest.mark.parametrize("value", ["soon", "1.5", "9" * 30, "-" + "9" * 30, "0x10"])
def test_a_wrong_date_is_refused(value: str, good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", value)
    outcome = gpuguard("check", good)
    assert outcome.code == 2
    assert "SOURCE_DATE_EPOCH" in outcome.errors[0]


def test_quiet_says_less_and_verbose_says_more(good: Path) -> None:
    quiet, plain, verbose = (gpuguard("check", good, *option).out for option in (("--quiet",), (), ("--verbose",)))
    assert len(quiet) < len(plain) < len(verbose)
    assert quiet.splitlines()[0] == plain.splitlines()[0] == verbose.splitlines()[0]


# -- explain -----------------------------------------------------------------------------------------------------------


def test_a_resource_is_explained(good: Path) -> None:
    outcome = gpuguard("explain", good, ADDRESS)
    assert outcome.code == 0
    assert "730 hour × $1.006 = $734.38" in outcome.out


def test_the_way_to_explain_a_difference_names_its_second_side(good: Path, unknown: Path) -> None:
    words = gpuguard("diff", unknown, good).out.split()
    assert words[-4:] == ["gpuguard", "explain", str(good), "ADDRESS"]


def test_the_way_to_explain_one_of_several_inputs_names_none_of_them(good: Path, unknown: Path) -> None:
    assert "gpuguard explain PATH ADDRESS" in gpuguard("check", unknown, good).out


def test_a_discount_is_explained_with_its_sign_before_the_currency() -> None:
    outcome = gpuguard("explain", ROOT / "fixtures/gcp-n1-sustained-use/plan.json", "google_compute_instance.notebook")
    assert "1 machine-month × −$646.753428 = −$646.75" in outcome.out


def test_a_group_without_a_known_maximum_counts_there_with_what_runs_now(tmp_path: Path) -> None:
    template, scaling = group(min_size=1, desired_capacity=2)
    scaling["change"]["after_unknown"] = {"max_size": True}
    path = tmp_path / "plan.json"
    path.write_bytes(written(plan(template, scaling)))
    summary = gpuguard("check", path, "--format", "json").report["summary"]
    assert (summary["gpus_max_after"], summary["unknown"]) == (2, 1)
    assert summary["monthly_max_after"] == summary["monthly_after"] == "1468.76"


def test_a_difference_says_nothing_of_what_the_second_plan_deletes(tmp_path: Path) -> None:
    """It is on neither side: what the plan notes of it concerns nothing in the report."""
    gone = change("aws_instance", "gone", None, actions=["delete"], before={"instance_type": "g5.xlarge"})
    path = tmp_path / "plan.json"
    path.write_bytes(written(plan(instance(), gone)))
    report = gpuguard("diff", path, path, "--format", "json").report
    assert {each["address"] for each in report["diagnostics"]} <= {ADDRESS, None}


def test_an_address_that_is_not_there_comes_with_the_near_one(good: Path) -> None:
    outcome = gpuguard("explain", good, "aws_instance.gpus")
    assert outcome.code == 2
    assert "aws_instance.gpu" in outcome.err.splitlines()[1]


@pytest.mark.parametrize("address", ["", "\0", "x" * 100_000, "\x1b[31m", "[", "*"])
def test_a_strange_address_is_not_there(address: str, good: Path) -> None:
    outcome = gpuguard("explain", good, address)
    assert outcome.code == 2
    assert len(outcome.errors) == 1
    assert "\x1b" not in outcome.err
    assert len(outcome.err) < 2000


# -- bugs and interruptions --------------------------------------------------------------------------------------------


def test_a_bug_exits_70_and_quotes_no_value(good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise KeyError("secret-value")

    monkeypatch.setattr("gpuguard.cli.check.check", broken)
    outcome = gpuguard("check", good)
    assert outcome.code == 70
    assert "bug in gpuguard: KeyError" in outcome.err
    assert "secret-value" not in outcome.err
    monkeypatch.setenv("GPUGUARD_TRACEBACK", "1")
    assert "secret-value" in gpuguard("check", good).err


def test_an_interruption_exits_130(good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("gpuguard.cli.check.check", interrupted)
    assert gpuguard("check", good) == Outcome(130, "", "error: interrupted\n")


def test_a_report_of_nothing_readable_is_no_pass(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(tmp_path / "none.json"), "--format", "json"]) == 2
    assert json.loads(capsys.readouterr().out)["policy"] == {"outcome": "undecided", "results": []}
