"""Every resource type that is described is documented and proven by a fixture that was worked out by hand."""

from pathlib import Path

import pytest

from gpuguard.extract import docs
from gpuguard.extract.never import NEVER
from gpuguard.extract.registry import PROVIDERS, providers_for, specs, specs_for
from gpuguard.extract.spec import Companion

ROOT = Path(__file__).parents[2]
PROVEN = docs.proofs(ROOT / "fixtures")
COMPANIONS = {each.type: each for provider in PROVIDERS for each in provider.companions}


@pytest.mark.parametrize("type_", sorted(specs()))
def test_the_type_stands_in_the_oracle_of_a_fixture(type_: str) -> None:
    assert PROVEN.get(type_), f"no oracle.toml expects a {type_}"


@pytest.mark.parametrize("type_", sorted(COMPANIONS))
def test_what_is_read_with_others_stands_in_a_fixture(type_: str) -> None:
    assert PROVEN.get(type_), f"no fixture with an oracle has a {type_}"


@pytest.mark.parametrize("type_", sorted(specs()))
def test_the_type_says_what_it_reads_what_it_prices_and_from_where(type_: str) -> None:
    spec = specs()[type_]
    assert spec.reads
    assert spec.prices or spec.template
    assert spec.assumes or spec.leaves_out
    assert spec.source


@pytest.mark.parametrize("companion", COMPANIONS.values(), ids=lambda each: each.type)
def test_what_is_read_with_others_says_of_which_and_what(companion: Companion) -> None:
    assert companion.reads
    assert companion.says
    assert companion.source
    known = specs().keys()
    assert all(name in known for name in companion.of), companion.of
    assert companion.type not in known


def test_a_type_belongs_to_the_provider_that_its_name_says() -> None:
    for provider in PROVIDERS:
        for type_ in (*(spec.type for spec in provider.specs), *(each.type for each in provider.companions)):
            assert providers_for([type_]) == (provider,), type_


def test_a_module_is_loaded_for_every_type_it_describes() -> None:
    for type_ in specs():
        assert type_ in specs_for([type_]), f"MODULES of its provider does not lead to {type_}"


def test_the_list_of_types_without_machines_holds_none_that_is_read() -> None:
    assert [type_ for type_ in specs() if type_.startswith(NEVER)] == []


def test_the_page_of_resource_types_is_fresh() -> None:
    assert (ROOT / "docs" / "coverage.md").read_text(encoding="utf-8") == docs.render(ROOT / "fixtures"), (
        "run `make goldens`"
    )
