"""Every fixture: what the tool reports equals what was worked out by hand (oracle.toml) and what it said before (expected.json)."""

import json
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest

from gpuguard.cli import main

FIXTURES = Path(__file__).parent.parent / "fixtures"
CASES = sorted(path.parent for path in FIXTURES.glob("*/oracle.toml"))
NOON = "1795348800"
"""2026-11-22 12:00 UTC: the day the goldens are made for; prices do not age in them."""

Run = Callable[..., tuple[int, dict[str, Any]]]


def settings(case: Path) -> dict[str, Any]:
    path = case / "fixture.toml"
    return tomllib.loads(path.read_text()) if path.exists() else {}


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    def check(case: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
        monkeypatch.chdir(FIXTURES)
        monkeypatch.setenv("SOURCE_DATE_EPOCH", NOON)
        extra = settings(case).get("check", {}).get("args", [])
        code = main(["check", f"{case.name}/plan.json", "--format", "json", *extra, *arguments])
        return code, json.loads(capsys.readouterr().out)

    return check


def cents(value: str | None) -> str | None:
    return None if value is None else str(Decimal(value).quantize(Decimal("0.01"), ROUND_HALF_UP))


def oracle(case: Path) -> dict[str, Any]:
    return tomllib.loads((case / "oracle.toml").read_text())


def test_there_are_enough_fixtures() -> None:
    assert len(CASES) >= 15


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_report_equals_what_was_worked_out_by_hand(case: Path, run: Run) -> None:
    _, report = run(case)
    assert list(differences(oracle(case), report)) == []


def differences(wanted: dict[str, Any], report: dict[str, Any]) -> Iterator[str]:
    """Everything in which a report is not what the oracle says."""
    for name, value in wanted.get("summary", {}).items():
        found = report["summary"][name]
        if isinstance(value, str):
            if cents(found) != value:
                yield f"summary.{name}: {found}, by hand {value}"
        elif abs(found - value) > 0.001:
            yield f"summary.{name}: {found}, by hand {value}"
    resources = {each["address"]: each for each in report["resources"]}
    by_hand = {each["address"]: each for each in wanted.get("resource", [])}
    for address in sorted(resources.keys() ^ by_hand.keys()):
        yield f"{address}: {'not reported' if address in by_hand else 'reported, but not expected'}"
    for address in sorted(resources.keys() & by_hand.keys()):
        for line in resource_differences(by_hand[address], resources[address]):
            yield f"{address}: {line}"
    for each in wanted.get("absent", []):
        if each["address"] in resources:
            yield f"{each['address']}: must not be there: {each['why']}"
    for each in wanted.get("diagnostic", []):
        if not any(tells(each, found) for found in report["diagnostics"]):
            yield f"no diagnostic {each}"
    text = json.dumps(report, ensure_ascii=False)
    for each in wanted.get("forbidden", []):
        if each["text"] in text:
            yield f"{each['text']} is shown: {each['why']}"


def tells(wanted: dict[str, Any], found: dict[str, Any]) -> bool:
    text = f"{found['message']} {found['hint'] or ''}".lower()
    return (
        found["code"].startswith(wanted.get("code_prefix", ""))
        and found["address"] == wanted.get("address", found["address"])
        and all(word.lower() in text for word in wanted.get("words", []))
    )


def resource_differences(wanted: dict[str, Any], found: dict[str, Any]) -> Iterator[str]:
    if found["action"] != wanted["action"]:
        yield f"action {found['action']}, by hand {wanted['action']}"
    if "via" in wanted and found["via"] != wanted["via"]:
        yield f"via {found['via']}, by hand {wanted['via']}"
    for key, value in wanted.get("tags", {}).items():
        if found["tags"].get(key) != value:
            yield f"tag {key} is {found['tags'].get(key)!r}, by hand {value!r}"
    for side in ("before", "after"):
        if (side in wanted) != (found[side] is not None):
            yield f"{side} is {'there' if found[side] else 'missing'}"
        elif side in wanted:
            for line in state_differences(wanted[side], found[side]):
                yield f"{side}: {line}"


def state_differences(wanted: dict[str, Any], found: dict[str, Any]) -> Iterator[str]:
    if found["region"] != wanted.get("region", found["region"]):
        yield f"region {found['region']}, by hand {wanted['region']}"
    for name in ("min", "expected", "max"):
        position = ("min", "expected", "max").index(name)
        if "monthly" in wanted and cents(found["monthly"][name]) != wanted["monthly"][position]:
            yield f"monthly.{name} {found['monthly'][name]}, by hand {wanted['monthly'][position]}"
        if "gpus" in wanted and abs((found["gpus"][name] or 0) - wanted["gpus"][position]) > 0.001:
            yield f"gpus.{name} {found['gpus'][name]}, by hand {wanted['gpus'][position]}"
    if (wanted.get("unpriced") or wanted.get("unknown")) and found["monthly"]["expected"] is not None:
        yield "must have no price"
    if len(found["pools"]) != len(wanted.get("pool", found["pools"])):
        yield f"{len(found['pools'])} pools, by hand {len(wanted['pool'])}"
    for mine, theirs in zip(found["pools"], wanted.get("pool", []), strict=False):
        for line in pool_differences(theirs, mine):
            yield f"pool {mine['name']}: {line}"
    if "price" in wanted:
        lines = Counter(price_line(each) for each in found["components"])
        lines.subtract(Counter(price_line(each) for each in wanted["price"]))
        for component, count in lines.items():
            if count:
                yield f"component {component} {'only in the report' if count > 0 else 'missing'}"


def price_line(component: dict[str, Any]) -> tuple[str, str | None]:
    """What a component is compared by: its kind and its money a month."""
    return component["kind"], cents(component["monthly"])


def pool_differences(wanted: dict[str, Any], found: dict[str, Any]) -> Iterator[str]:
    for name in ("sku", "purchase_model"):
        if name in wanted and found[name] != wanted[name]:
            yield f"{name} {found[name]}, by hand {wanted[name]}"
    if "gpu" in wanted and (found["gpu"] or {}).get("model") != wanted["gpu"]:
        yield f"gpu {found['gpu']}, by hand {wanted['gpu']}"
    if "per_unit" in wanted and abs((found["gpu"] or {}).get("per_unit", 0) - wanted["per_unit"]) > 0.001:
        yield f"{found['gpu']} a unit, by hand {wanted['per_unit']}"
    if "units" in wanted and [found["units"][name] for name in ("min", "expected", "max")] != wanted["units"]:
        yield f"units {found['units']}, by hand {wanted['units']}"
    if "candidates" in wanted and found["candidates"] != wanted["candidates"]:
        yield f"candidates {found['candidates']}, by hand {wanted['candidates']}"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_report_is_what_it_was(case: Path, run: Run, golden: Callable[[str | Path, str], None]) -> None:
    _, report = run(case)
    report["gpuguard_version"] = "(any)"
    report["catalog"]["version"] = "(any)"  # a price that changes shows where it is used
    golden(case / "expected.json", json.dumps(report, indent=2, ensure_ascii=False) + "\n")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_same_input_gives_the_same_bytes(case: Path, run: Run) -> None:
    assert run(case) == run(case)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_adds_up_adds_up(case: Path, run: Run) -> None:
    """Components make the resource, resources make the total, and after less before is the delta."""
    _, report = run(case)
    for resource in report["resources"]:
        for side in ("before", "after"):
            state = resource[side]
            if state is not None and state["monthly"]["expected"] is not None:
                parts = sum(Decimal(each["monthly"] or 0) for each in state["components"])
                assert abs(parts - Decimal(state["monthly"]["expected"])) < Decimal("0.000001"), resource["address"]
    summary = report["summary"]
    after = sum(Decimal(each["after"]["monthly"]["expected"] or 0) for each in report["resources"] if each["after"])
    assert abs(after - Decimal(summary["monthly_after"])) < Decimal("0.000001")
    if not summary["unpriced"] and not summary["unknown"]:
        assert Decimal(summary["monthly_delta"]) == Decimal(summary["monthly_after"]) - Decimal(
            summary["monthly_before"]
        )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_hand_worked_figures_are_consistent_in_themselves(case: Path) -> None:
    """A slip of the pen in an oracle shows: its price lines make its monthly figure."""
    for resource in oracle(case).get("resource", []):
        for side in ("before", "after"):
            state = resource.get(side, {})
            if "price" in state and "monthly" in state and state["monthly"][1] is not None:
                total = sum(Decimal(each["monthly"]) for each in state["price"])
                assert abs(total - Decimal(state["monthly"][1])) <= Decimal("0.02"), resource["address"]
