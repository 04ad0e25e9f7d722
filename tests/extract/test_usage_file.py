"""Usage files: what a team knows of hours and sizes, and everything that can be wrong in one."""

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuguard.cli import main
from gpuguard.errors import ConfigError
from gpuguard.extract.usage_file import Entry, load_usage, schema
from gpuguard.model.report import State
from tests.extract.plans import plan
from tests.extract.plans import report as plan_report
from tests.extract.plans import resource as plan_resource

FIXTURES = Path(__file__).parents[2] / "fixtures"


def written(tmp_path: Path, text: str) -> str:
    path = tmp_path / "usage.yml"
    path.write_text(text)
    return str(path)


def report(capsys: pytest.CaptureFixture[str], plan: str, usage: str) -> dict[str, Any]:
    assert main(["check", str(FIXTURES / plan / "plan.json"), "--usage", usage, "--format", "json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def resource(found: dict[str, Any], address: str) -> dict[str, Any]:
    return next(each for each in found["resources"] if each["address"] == address)


def test_hours_lower_what_is_expected_and_not_what_is_possible(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    usage = written(tmp_path, 'version: 1\nresources:\n  "module.train.*": {hours_per_month: 200}\n')
    after = resource(report(capsys, "demo", usage), "module.train.aws_instance.node[0]")["after"]
    assert after["pools"][0]["hours_per_month"] == 200
    assert Decimal(after["monthly"]["expected"]) == Decimal("55.04") * 200 + 16
    assert Decimal(after["monthly"]["max"]) == Decimal("55.04") * 730 + 16


def test_average_nodes_replace_the_expected_size(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    usage = written(tmp_path, "version: 1\nresources:\n  aws_eks_node_group.infer:\n    average_nodes: 2.5\n")
    after = resource(report(capsys, "demo", usage), "aws_eks_node_group.infer")["after"]
    assert after["pools"][0]["units"] == {"min": 0, "expected": 2.5, "max": 8}
    assert after["gpus"]["expected"] == 10
    assert Decimal(after["monthly"]["expected"]) == Decimal("2.5") * (Decimal("2.0968") * 730 + 16)


def test_average_nodes_are_shared_among_the_pools_as_their_expected_size_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The group expects three units on demand and three on spot."""
    usage = written(tmp_path, "version: 1\nresources:\n  aws_autoscaling_group.fine_tuning:\n    average_nodes: 4\n")
    pools = resource(report(capsys, "aws-asg-mixed", usage), "aws_autoscaling_group.fine_tuning")["after"]["pools"]
    assert [pool["units"]["expected"] for pool in pools] == [2, 2]


def test_sustained_use_is_less_for_part_of_the_month(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Half a month pays 100 % of its first half and 80 % of its second: 90 % of the base price."""
    usage = written(tmp_path, 'version: 1\nresources:\n  "*notebook": {hours_per_month: 365}\n')
    after = resource(report(capsys, "gcp-n1-sustained-use", usage), "google_compute_instance.notebook")["after"]
    base = 365 * (8 * Decimal("0.031611") + 52 * Decimal("0.004237") + Decimal("2.48"))
    discount = next(each for each in after["components"] if each["kind"] == "discount")
    assert Decimal(discount["monthly"]) == -base / 10


def test_both_sides_are_sized_alike(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    usage = written(tmp_path, "version: 1\nresources:\n  aws_instance.steady: {hours_per_month: 10}\n")
    found = resource(report(capsys, "aws-change-set", usage), "aws_instance.steady")
    assert found["before"] == found["after"]


def test_later_entries_win_key_by_key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = 'version: 1\nresources:\n  "*": {hours_per_month: 10, average_nodes: 3}\n  "*infer": {hours_per_month: 20}\n'
    pool = resource(report(capsys, "demo", written(tmp_path, text)), "aws_eks_node_group.infer")["after"]["pools"][0]
    assert (pool["hours_per_month"], pool["units"]["expected"]) == (20, 3)


def test_an_entry_that_nothing_matches_is_told_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    usage = written(tmp_path, "version: 1\nresources:\n  aws_instance.gone: {hours_per_month: 1}\n")
    notes = [each for each in report(capsys, "demo", usage)["diagnostics"] if each["code"] == "usage-unmatched"]
    assert [note["message"] for note in notes] == [f"{usage}:3: no GPU resource matches 'aws_instance.gone'"]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        pytest.param("", 1, "the file is empty", id="an empty file"),
        pytest.param("- 1\n", 1, "usage file is a mapping", id="a list"),
        pytest.param("version: 2\nresources: {}\n", 1, "expected `1`", id="another version"),
        pytest.param("resources: {}\n", 1, "needs the key `version`", id="no version"),
        pytest.param("version: 1\n", 1, "needs the key `resources`", id="no resources"),
        pytest.param("version: 1\nresource: {}\nresources: {}\n", 2, "did you mean `resources`", id="a misspelt key"),
        pytest.param("version: 1\nresources:\n  a: {hours: 3}\n", 3, "hours_per_month", id="a misspelt setting"),
        pytest.param("version: 1\nresources:\n  a: {hours_per_month: 731}\n", 3, "0 to 730", id="more than a month"),
        pytest.param("version: 1\nresources:\n  a: {hours_per_month: -1}\n", 3, "0 to 730", id="negative hours"),
        pytest.param("version: 1\nresources:\n  a: {average_nodes: 1e9}\n", 3, "expected a number", id="an exponent"),
        pytest.param("version: 1\nresources:\n  a: {average_nodes: .nan}\n", 3, "expected a number", id="not a number"),
        pytest.param("version: 1\nresources:\n  a: 3\n", 3, "expected a mapping", id="a number for an entry"),
        pytest.param("version: 1\nresources:\n  a: &x {}\n  b: *x\n", 3, "", id="an anchor"),
        pytest.param("version: 1\nresources:\n  a: {}\n  a: {}\n", 4, "", id="the same pattern twice"),
        pytest.param("version: 1\nresources:\n\ta: {}\n", 3, "", id="a tab"),
        pytest.param("version: [\n", 1, "", id="no YAML at all"),
    ],
)
def test_a_wrong_file_is_refused_with_its_place(tmp_path: Path, text: str, line: int, words: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load_usage(path)
    told = [caught.value.message, *caught.value.details]
    assert any(each.startswith(f"{path}:{line}:") and words in each for each in told), told


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_usage(str(tmp_path / "none.yml"))


addresses = st.text(alphabet='ab.[]"*?0', max_size=12)


@given(pattern=addresses, address=addresses)
def test_patterns_are_globs_of_stars_and_question_marks_alone(pattern: str, address: str) -> None:
    translated = "".join({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in pattern)
    expected = re.fullmatch(translated, address, re.DOTALL) is not None
    assert Entry(pattern, 1, None, None).matches(address) == expected


def test_the_schema_names_every_key_of_the_format() -> None:
    found = schema()
    assert set(found["properties"]) == {"version", "resources"}
    assert set(found["$defs"]["UsageEntry"]["properties"]) == {"hours_per_month", "average_nodes"}


WEIGHTED = {
    "min_size": 0,
    "desired_capacity": 10,
    "max_size": 40,
    "availability_zones": ["us-east-1a"],
    "mixed_instances_policy": [
        {
            "instances_distribution": [{"on_demand_percentage_above_base_capacity": 100}],
            "launch_template": [
                {
                    "launch_template_specification": [{"launch_template_id": "lt-1"}],
                    "override": [{"instance_type": "g5.12xlarge", "weighted_capacity": "4"}],
                }
            ],
        }
    ],
}


def weighted_group(tmp_path: Path, entry: str) -> tuple[State, set[str]]:
    template = {"id": "lt-1", "instance_type": "g5.xlarge"}
    document = plan(
        plan_resource("aws_launch_template.base", template, before=template),
        plan_resource("aws_autoscaling_group.gpu", WEIGHTED),
    )
    usage = load_usage(written(tmp_path, f'version: 1\nresources:\n  "*": {entry}\n'))
    result = plan_report(document, tmp_path, usage=usage)
    state = result.resources[0].after
    assert state is not None
    return state, {each.code for each in result.diagnostics}


def test_average_nodes_count_machines_where_the_group_counts_capacity(tmp_path: Path) -> None:
    state, codes = weighted_group(tmp_path, "{average_nodes: 2.5}")
    assert (state.pools[0].units.expected, state.pools[0].units.max, state.gpus.expected) == (2.5, 10, 10)
    assert "usage-above-maximum" not in codes


def test_average_nodes_above_the_maximum_are_the_maximum_and_told(tmp_path: Path) -> None:
    state, codes = weighted_group(tmp_path, "{average_nodes: 11}")
    assert (state.pools[0].units.expected, state.monthly.expected) == (10, state.monthly.max)
    assert "usage-above-maximum" in codes


def test_an_entry_of_one_input_is_not_missed_in_the_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "version: 1\nresources: {aws_eks_node_group.infer: {hours_per_month: 9}, aws_instance.gone: {hours_per_month: 9}}\n"
    plans = [str(FIXTURES / name / "plan.json") for name in ("aws-no-gpu", "demo", "gcp-instance")]
    assert main(["check", *plans, "--usage", written(tmp_path, text), "--format", "json"]) == 0
    notes = [each for each in json.loads(capsys.readouterr().out)["diagnostics"] if each["code"] == "usage-unmatched"]
    assert [note["message"].partition(": ")[2] for note in notes] == ["no GPU resource matches 'aws_instance.gone'"]


@pytest.mark.parametrize(
    ("hours", "said"),
    [
        pytest.param("182.5", None, id="a quarter of the month has none, and no line of nothing"),
        pytest.param("400", "sustained use discount, 12.63 %", id="an odd share is told to two decimals"),
        pytest.param("730", "sustained use discount, 30 %", id="a month has all of it"),
    ],
)
def test_sustained_use_is_told_as_far_as_there_is_any(
    hours: str, said: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    usage = written(tmp_path, f'version: 1\nresources:\n  "*": {{hours_per_month: {hours}}}\n')
    after = resource(report(capsys, "gcp-n1-sustained-use", usage), "google_compute_instance.notebook")["after"]
    found = [each["description"] for each in after["components"] if each["kind"] == "discount"]
    assert found == ([said] if said else [])
