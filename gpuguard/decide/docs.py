"""Write docs/rules.md from the registry: ``python -m gpuguard.decide.docs docs/rules.md``."""

import inspect  # noqa: TID253 - a developer's command, never imported by a check
import re
import sys
from pathlib import Path
from typing import Any

from gpuguard.decide.format import settings_schema
from gpuguard.decide.rule import Rule, rules

_HEAD = """# Rules

<!-- Written by `python -m gpuguard.decide.docs docs/rules.md`. Change the rules, not this file. -->

What a policy pack can check. [policies.md](policies.md) describes the format of a pack, how values are written, and
what holds for all rules: what counts as new or existing, and when a rule is undecided.

Every rule also takes `id`, `enforcement` (`mandatory`, which is the default, or `advisory`), `scope` (`changed`, which
is the default, or `all`) and `remediation`.
"""
_COMMON = frozenset({"rule", "id", "enforcement", "scope", "remediation"})


def render() -> str:
    """The whole page: a table of contents, and a section for each rule."""
    found = rules().values()
    contents = "\n".join(f"- [{rule.id}](#{rule.id}): {_first_sentence(rule)}" for rule in found)
    return f"{_HEAD}\n{contents}\n\n" + "\n".join(_section(rule) for rule in found)


def _section(rule: Rule) -> str:
    schema = settings_schema(rule)
    required = set(schema.get("required", ()))
    rows = [_row(name, field, name in required) for name, field in schema["properties"].items() if name not in _COMMON]
    rows += [
        _row(f"{outer}[].{name}", field, name in nested.get("required", ()))
        for outer, nested in _nested(schema)
        for name, field in nested["properties"].items()
    ]
    table = ["| setting | value | default | meaning |", "| --- | --- | --- | --- |", *rows]
    scope = schema["properties"]["scope"]
    lines = [
        f"## {rule.id}",
        inspect.cleandoc(rule.description),
        "\n".join(table) if rows else "It has no settings of its own.",
        *(["`scope` is always `changed`: only a change adds anything."] if "const" in scope else []),
        f"Told with a violation: {rule.remedy}",
        "```yaml\n- " + rule.example.replace("\n", "\n  ") + "\n```",
    ]
    return "\n\n".join(lines) + "\n"


def _nested(schema: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Settings that are lists of mappings, with the schema of those."""
    found = []
    for name, field in schema["properties"].items():
        reference = re.search(r"#/\$defs/(\w+)", str(field.get("items", "")))
        if reference:
            found.append((name, schema["$defs"][reference[1]]))
    return found


def _row(name: str, field: dict[str, Any], required: bool) -> str:
    default = "required" if required else _default(field.get("default"))
    return f"| `{name}` | {_kind(field)} | {default} | {field['description']} |"


def _default(value: object) -> str:
    if value is None or value == []:
        return "none"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _kind(field: dict[str, Any]) -> str:
    """The value in words."""
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    choices = [choice for choice in field.get("anyOf", [field]) if choice.get("type") != "null"]
    types = {choice.get("type") for choice in choices}
    if types == {"number", "string"}:
        return "percentage" if "%" in str(choices) else "amount in USD"
    if types == {"array"}:
        items = choices[0]["items"]
        return "list of " + (
            _kind(items) if "enum" in items else "names" if items.get("type") == "string" else "entries"
        )
    return {"number": "number", "boolean": "`true`, `false`", "string": "text"}[choices[0]["type"]]


def _first_sentence(rule: Rule) -> str:
    return inspect.cleandoc(rule.description).partition("\n")[0]


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(render(), encoding="utf-8")
