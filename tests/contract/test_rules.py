"""Every rule in the registry has documentation, settings that are explained, and rows that pass and that fire."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from gpuguard.decide import schema, shipped
from gpuguard.decide.docs import render
from gpuguard.decide.format import settings_schema
from gpuguard.decide.rule import Rule, Settings, rule, rules
from tests.decide.build import pack
from tests.decide.cases import CASES

DOCS = Path(__file__).parents[2] / "docs"
RULES = [pytest.param(one, id=one.id) for one in rules().values()]


def test_every_rule_has_its_table_and_every_table_its_rule() -> None:
    assert set(CASES) == set(rules())


@pytest.mark.parametrize("one", RULES)
def test_a_rule_has_rows_that_fire_and_more_that_stay_quiet_on_what_is_new(one: Rule) -> None:
    rows = CASES[one.id]
    fires = [row for row in rows if row.outcome != "pass" and not row.existing]
    assert fires
    assert len(rows) - len(fires) >= len([row for row in fires if row.outcome == "fail"])
    assert any(row.outcome == "fail" for row in fires)
    assert any(row.outcome == "pass" for row in rows)
    assert len({row.says for row in rows}) == len(rows)


@pytest.mark.parametrize("one", RULES)
def test_a_rule_says_what_it_does_and_what_to_do_about_it(one: Rule) -> None:
    assert one.description.partition("\n")[0].endswith(".")
    assert one.remedy.endswith(".")
    for name, field in settings_schema(one)["properties"].items():
        assert field.get("description"), f"{one.id}: {name} is not explained"


@pytest.mark.parametrize("one", RULES)
def test_the_example_of_a_rule_is_a_valid_entry_of_that_rule(one: Rule) -> None:
    assert pack(one.example).rules[0].rule is one
    jsonschema.validate(yaml.safe_load(one.example), settings_schema(one), jsonschema.Draft202012Validator)


@pytest.mark.parametrize("one", RULES)
def test_a_rule_has_its_section_in_the_docs(one: Rule) -> None:
    assert f"\n## {one.id}\n" in (DOCS / "rules.md").read_text(encoding="utf-8")


def test_the_page_on_rules_is_as_the_registry_writes_it() -> None:
    assert (DOCS / "rules.md").read_text(encoding="utf-8") == render()


def test_an_id_cannot_be_used_twice() -> None:
    with pytest.raises(ValueError, match="the rule id max-gpus is used twice"):
        rule("max-gpus", settings=Settings, remedy="None.", example="rule: max-gpus")(lambda change, options: iter(()))


def _blocks(page: str) -> list[str]:
    return [part.partition("```")[0] for part in page.split("```yaml\n")[1:]]


def test_the_example_packs_in_the_docs_are_valid(tmp_path: Path) -> None:
    from gpuguard.decide import load

    packs = [block for block in _blocks((DOCS / "policies.md").read_text(encoding="utf-8")) if "version: 1" in block]
    assert packs
    for number, block in enumerate(packs):
        path = tmp_path / f"{number}.yml"
        path.write_text(block, encoding="utf-8")
        assert load([str(path)])


def test_the_schema_is_valid_and_accepts_the_shipped_packs() -> None:
    document = schema()
    jsonschema.Draft202012Validator.check_schema(document)
    json.dumps(document)
    for path in shipped().values():
        jsonschema.validate(yaml.safe_load(path.read_text(encoding="utf-8")), document)


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param({"rule": "max-exposure"}, id="no limit"),
        pytest.param({"rule": "max-exposure", "limit": -1}, id="a negative limit"),
        pytest.param({"rule": "max-exposure", "limit": "20k"}, id="a limit in thousands"),
        pytest.param({"rule": "max-exposures", "limit": 1}, id="a misspelt rule"),
        pytest.param({"rule": "max-exposure", "limit": 1, "zzz": 1}, id="an unknown setting"),
        pytest.param({"rule": "max-monthly-increase", "limit": 1, "scope": "all"}, id="a scope it cannot have"),
        pytest.param({"rule": "allowed-skus", "deny": "g5"}, id="text for a list"),
        pytest.param({"rule": "allowed-purchase-models", "deny": ["on-demand"]}, id="an unknown purchase model"),
    ],
)
def test_the_schema_refuses_what_the_loader_refuses(entry: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"version": 1, "name": "acme", "rules": [entry]}, schema())
