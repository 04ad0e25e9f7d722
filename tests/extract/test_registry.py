"""The registry of resource types: one description each, and a provider is only loaded where a document needs it."""

import subprocess
import sys
from pathlib import Path

import pytest

from gpuguard.extract.registry import PROVIDERS, companions_for, providers_for, specs, specs_for

ROOT = Path(__file__).parents[2]
_LOADED = (
    "import sys; from gpuguard.cli import main; main(['check', sys.argv[1], '--format', 'json', '--output', sys.argv[2]]);"
    "print(sorted(name.split('.', 3)[3] for name in sys.modules if '.extract.providers.' in name))"
)


def test_a_plan_loads_the_modules_whose_types_it_holds_and_no_other(tmp_path: Path) -> None:
    plan = ROOT / "fixtures" / "gcp-instance" / "plan.json"
    ran = subprocess.run(
        [sys.executable, "-c", _LOADED, str(plan), str(tmp_path / "out.json")],
        capture_output=True, text=True, cwd=ROOT, check=True,
    )  # fmt: skip
    loaded = ran.stdout.strip()
    assert "'google.compute'" in loaded
    assert not any(other in loaded for other in ("aws", "azurerm", "google.gke", "google.data", "google.vertex"))


def test_the_specs_of_some_types_are_those_of_the_modules_they_stand_in() -> None:
    found = specs_for(["google_compute_instance", "random_id"])
    assert "google_compute_instance_template" in found
    assert "google_container_cluster" not in found
    assert all(type_.startswith("google_") for type_ in found)
    assert specs_for(["random_id", "null_resource"]) == {}
    assert specs_for([]) == {}


def test_all_specs_are_those_of_all_providers() -> None:
    assert list(specs()) == [spec.type for provider in PROVIDERS for spec in provider.specs]


def test_companions_are_told_by_provider() -> None:
    assert companions_for(["random_id"]) == frozenset()
    assert "google_compute_autoscaler" in companions_for(["google_compute_instance_group_manager"])
    every = {each.type for provider in PROVIDERS for each in provider.companions}
    assert companions_for([*specs(), *every]) == every


def test_a_type_described_twice_is_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    twice = (*PROVIDERS, PROVIDERS[0])
    monkeypatch.setattr("gpuguard.extract.registry.PROVIDERS", twice)
    with pytest.raises(ValueError, match="is described twice"):
        specs_for(["aws_instance"])


def test_no_two_providers_share_the_beginning_of_a_name() -> None:
    prefixes = [prefix for provider in PROVIDERS for prefix in provider.prefixes]
    assert len(prefixes) == len(set(prefixes))
    assert not any(one != two and one.startswith(two) for one in prefixes for two in prefixes)
    assert providers_for(["aws_x", "oci_y"]) == (PROVIDERS[0], next(each for each in PROVIDERS if each.module == "oci"))
