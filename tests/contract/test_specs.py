"""Every resource type that is described is documented and proven by a fixture."""

from pathlib import Path

import pytest

from gpuguard.extract import docs
from gpuguard.extract.registry import specs

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "fixtures"
WRITTEN = "\n".join(path.read_text() for path in FIXTURES.glob("*/**/*.tf"))


@pytest.mark.parametrize("type_", sorted(specs()))
def test_the_type_stands_in_a_fixture_that_was_worked_out_by_hand(type_: str) -> None:
    assert f'resource "{type_}"' in WRITTEN


@pytest.mark.parametrize("type_", sorted(specs()))
def test_the_type_says_what_it_reads_what_it_assumes_and_from_where(type_: str) -> None:
    spec = specs()[type_]
    assert spec.reads
    assert spec.assumes
    assert spec.source


def test_the_page_of_resource_types_is_fresh() -> None:
    assert (ROOT / "docs" / "resources.md").read_text(encoding="utf-8") == docs.render(), "run `make goldens`"
