"""The page on the catalog tells what the code does: coverage, sources, kinds of price, the example workflow."""

from pathlib import Path

import pytest
import yaml

from gpuguard.price.docs import render
from gpuguard.price.schema import KINDS
from gpuguard.price.sources import sources

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "catalog.md"


def test_the_coverage_on_the_page_is_that_of_the_catalog(request: pytest.FixtureRequest) -> None:
    """`pytest --update-goldens` writes the table again."""
    made = render(PAGE.read_text(encoding="utf-8"))
    if request.config.getoption("--update-goldens"):
        PAGE.write_text(made, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == made
    assert "| aws | on demand |" in made


def test_every_price_api_is_on_the_page_and_none_twice_in_the_list() -> None:
    names = [source.name for source in sources()]
    assert len(set(names)) == len(names)
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    for source in sources():
        (row,) = [row for row in rows if row.startswith(f"| `{source.name}` |")]
        assert source.endpoint.startswith("https://")
        needs = row.split("|")[-2]
        assert (needs.strip() == "nothing") == (source.missing({}) == ""), source.name


def test_every_kind_of_price_is_on_the_page() -> None:
    rows = "\n".join(
        line.split("|")[1] for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")
    )
    for kind in KINDS:
        assert f"`{kind}`" in rows


def test_the_example_workflow_calls_commands_that_there_are() -> None:
    from gpuguard.cli.app import parser

    workflow = yaml.safe_load((DOCS / "examples" / "refresh-catalog.yml").read_text(encoding="utf-8"))
    (job,) = workflow["jobs"].values()
    assert workflow["permissions"] == {}
    lines = [line.strip() for step in job["steps"] for line in step.get("run", "").splitlines()]
    calls = [line.partition(" | ")[0].split()[1:] for line in lines if line.startswith("gpuguard ")]
    assert [call[:2] for call in calls] == [["catalog", "refresh"], ["catalog", "verify"], ["catalog", "diff"]]
    for call in calls:
        parser().parse_args([word.strip('"') for word in call])
    for step in job["steps"]:
        if "uses" in step:
            assert len(step["uses"].partition("@")[2]) == 40, "an action is pinned by its commit"
