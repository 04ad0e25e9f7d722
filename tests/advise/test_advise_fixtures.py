"""What an alternative promises is what the plan costs once its edits are made: on every genuine plan of fixtures/."""

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gpuguard.model.report import Alternative, Report, Resource
from gpuguard.pipeline import Settings, check
from gpuguard.price.catalog import Catalog

FIXTURES = Path(__file__).parent.parent.parent / "fixtures"
PLANS = sorted(FIXTURES.glob("*/plan.json"))


@pytest.fixture(scope="module")
def settings() -> Iterator[Settings]:
    with Catalog.open() as catalog:
        yield Settings(catalog)


def edited(plan: dict[str, Any], alternative: Alternative) -> dict[str, Any]:
    """A copy of the plan with the alternative's edits made in what its resources will be."""
    copy: dict[str, Any] = json.loads(json.dumps(plan))
    for edit in alternative.edits:
        changes = [each["change"] for each in copy["resource_changes"] if each["address"] == edit.address]
        assert changes, f"{edit.address} is not in the plan"
        for change in changes:
            text = change["after"].get(edit.path.split(".")[0])
            if isinstance(text, str) and "." in edit.path:
                # a manifest in a text: the edit names the place in it
                assert text.count(str(edit.from_)) == 1
                change["after"][edit.path.split(".")[0]] = text.replace(str(edit.from_), edit.to)
            else:
                put(change["after"], edit.path, edit.to)
    return copy


def put(value: Any, path: str, to: str) -> None:
    """Set the attribute at a dotted path; blocks that are not there are made; "" removes a block."""
    *blocks, name = re.findall(r"[^.\[\]]+", path)
    for block in blocks:
        if block.isdigit():
            value = value[int(block)]
            continue
        value = value[0] if isinstance(value, list) else value
        if not value.get(block):
            value[block] = [{}]
        value = value[block]
    if isinstance(value, list):
        if name.isdigit():
            value[int(name)] = to
            return
        value = value[0]
    value[name] = [] if to == "" else {"true": True, "false": False}.get(to, to)


def resource(report: Report, address: str) -> Resource:
    return next(each for each in report.resources if each.address == address and each.after is not None)


def monthly(report: Report, alternative: Alternative) -> Decimal | None:
    """What the resource costs at the size the alternative speaks of."""
    after = resource(report, alternative.address).after
    assert after is not None
    asleep = alternative.conditions[:1] and alternative.conditions[0].startswith("nothing runs")
    return after.monthly.max if asleep else after.monthly.expected


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.parent.name)
def test_the_edits_of_every_alternative_save_what_it_promises(path: Path, settings: Settings, tmp_path: Path) -> None:
    plan = json.loads(path.read_text())
    report = check([(str(path), "acme")], settings)
    for alternative in report.alternatives:
        after = tmp_path / "plan.json"
        after.write_text(json.dumps(edited(plan, alternative)))
        again = check([(str(after), "acme")], settings)
        now, then = monthly(report, alternative), monthly(again, alternative)
        assert now is not None
        assert then is not None
        assert (then, now - then) == (alternative.monthly, alternative.saving), alternative


def test_the_fixtures_hold_alternatives_of_both_kinds_on_every_cloud(settings: Settings) -> None:
    found = {
        (alternative.to.cloud, alternative.kind)
        for path in PLANS
        for alternative in check([(str(path), "acme")], settings).alternatives
    }
    assert found >= {(cloud, kind) for cloud in ("aws", "gcp", "azure") for kind in ("instance_type", "purchase_model")}


def test_a_sensitive_machine_type_is_in_no_alternative(settings: Settings) -> None:
    report = check([(str(FIXTURES / "aws-sensitive" / "plan.json"), "acme")], settings)
    hidden = {
        each.address
        for each in report.resources
        if each.after is not None and any(pool.sku == "(sensitive)" for pool in each.after.pools)
    }
    assert hidden
    assert hidden.isdisjoint(alternative.address for alternative in report.alternatives)
