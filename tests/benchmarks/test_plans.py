"""The plans the benchmarks run on are plans: what is slow or fast with them is so with real ones."""

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from benchmarks.make_plan import TEAM_GPUS, TEAM_SIZE, VARIANTS, write
from gpuguard.pipeline import Settings, check
from gpuguard.price.catalog import Catalog

TEAMS = 5
RESOURCES = TEAMS * TEAM_SIZE


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return Catalog.open(None)


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_generated_plan_is_read_whole_and_has_its_gpus(variant: str, tmp_path: Path, catalog: Catalog) -> None:
    path = tmp_path / "plan.json"
    size = write(path, variant, RESOURCES)
    assert size == path.stat().st_size
    report = check([(str(path), "p")], Settings(catalog=catalog, today=datetime(2026, 8, 1, tzinfo=UTC)))
    assert [one.error for one in report.inputs] == [None]
    assert report.summary.resources == TEAMS * TEAM_GPUS
    assert report.summary.unknown == 0
    assert report.summary.gpus_max_after > 0


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_generated_plan_says_the_same_in_all_its_sections(variant: str, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    write(path, variant, RESOURCES)
    plan = json.loads(path.read_text(encoding="utf-8"))
    changes = [change["address"] for change in plan["resource_changes"]]
    existing = [one["address"] for one in plan["resource_changes"] if one["change"]["before"] is not None]
    assert len(set(changes)) == len(changes) >= RESOURCES
    assert Counter(_addresses(plan["planned_values"]["root_module"])) == Counter(changes)
    assert Counter(_addresses(plan["prior_state"]["values"]["root_module"])) == Counter(existing)
    assert existing


def test_a_resource_of_the_mixed_plan_takes_as_much_room_as_a_real_one(tmp_path: Path) -> None:
    size = write(tmp_path / "plan.json", "mixed", RESOURCES)
    assert 3_000 < size / RESOURCES < 4_500


def _addresses(module: dict[str, object]) -> list[str]:
    resources = module.get("resources", [])
    children = module.get("child_modules", [])
    assert isinstance(resources, list)
    assert isinstance(children, list)
    return [one["address"] for one in resources] + [address for child in children for address in _addresses(child)]
