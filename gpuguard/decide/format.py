"""The format of a policy pack, version 1: from the content of a file to rules with settings, or to its mistakes."""

from typing import Annotated, Any, Literal

import msgspec
from pydantic import (  # noqa: TID253 - this module is imported by the first pack that is loaded, not before
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
)

from gpuguard.decide.rule import Name, Rule, Settings, find, rules
from gpuguard.yamlfile import Document, Mistake, Path, Tree, nearest, quoted
from gpuguard.yamlmodel import MOST_MISTAKES, add, translate


class Header(BaseModel):
    """A policy pack: its name and its rules."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal["1"] = Field(description="The version of this format.")
    name: Name = Field(description="The name of the pack, shown with its results.")
    description: Annotated[str, Field(max_length=2000)] = Field(default="", description="What the pack is for.")
    rules: list[Any] = Field(min_length=1, description="The rules. Each can be there several times under its own `id`.")


class Parsed(msgspec.Struct, frozen=True):
    """The content of a pack file: its rules with the settings and line of each."""

    name: str
    description: str
    rules: tuple[tuple[Rule, Settings, int], ...]


def read(document: Document) -> Parsed | None:
    """Check a document against the format. Mistakes are added to those of the document; None if there are any."""
    header = _header(document)
    tree = document.tree
    listed = tree.get("rules") if isinstance(tree, dict) else None
    found: dict[int, tuple[Rule, Settings]] = {}
    for index, entry in enumerate(listed if isinstance(listed, list) else ()):
        if len(document.mistakes) >= MOST_MISTAKES:
            break
        if not document.is_spoilt(("rules", index)) and (pair := _entry(document, index, entry)):
            found[index] = pair
    _unique(document, found)
    if header is None or document.mistakes:
        return None
    rules_ = ((rule, settings, document.place(("rules", index)).line) for index, (rule, settings) in found.items())
    return Parsed(header.name, header.description, tuple(rules_))


def _header(document: Document) -> Header | None:
    if not isinstance(document.tree, dict):
        if not document.mistakes:
            document.mistakes.append(
                Mistake(document.place(()), "a policy pack is a mapping with the keys `version`, `name` and `rules`")
            )
        return None
    try:
        return Header.model_validate(document.tree)
    except ValidationError as error:
        translate(document, (), Header, error, "a policy pack")
        return None


def _entry(document: Document, index: int, entry: Tree) -> tuple[Rule, Settings] | None:
    path: Path = ("rules", index)
    if not isinstance(entry, dict):
        add(document, path, "a rule is a mapping that starts with `rule:` and the rule's name")
        return None
    name = entry.get("rule")
    if not isinstance(name, str):
        if document.is_spoilt((*path, "rule")):
            return None
        known = rules()
        stray = next((key for key in entry if key in known), None)
        hint = f"; write `rule: {stray}`" if stray else f"; the rules are {', '.join(known)}"
        add(document, (*path, "rule"), f"it does not say which rule it is: `rule:` is missing{hint}")
        return None
    rule = find(name)
    if rule is None:
        known = rules()
        hint = nearest(name, known) or f"; the rules are {', '.join(known)}"
        add(document, (*path, "rule"), f"there is no rule {quoted(name)}{hint}")
        return None
    try:
        return rule, rule.settings.model_validate(entry)
    except ValidationError as error:
        translate(document, path, rule.settings, error, f"the rule {name}")
        return None


def _unique(document: Document, found: dict[int, tuple[Rule, Settings]]) -> None:
    first: dict[str, int] = {}
    for index, (rule, settings) in found.items():
        path: Path = ("rules", index)
        name, line = settings.id or rule.id, document.place(path).line
        if name in first:
            add(
                document,
                path,
                f"{name} is there twice; the first is in line {first[name]}: give one an `id` of its own",
            )
        first.setdefault(name, line)


def settings_schema(rule: Rule) -> dict[str, Any]:
    """JSON Schema of one entry of `rules`."""
    schema = rule.settings.model_json_schema()
    schema["title"] = rule.id
    schema["description"] = rule.description.partition("\n")[0]
    schema["properties"]["rule"] = {"const": rule.id, "description": "Which rule this is."}
    return schema


def pack_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a policy pack."""
    schema = Header.model_json_schema()
    definitions: dict[str, Any] = {}
    choices = []
    for rule in rules().values():
        entry = settings_schema(rule)
        definitions.update(entry.pop("$defs", {}))
        definitions[rule.id] = entry
        choices.append({"$ref": f"#/$defs/{rule.id}"})
    schema["properties"]["version"] = {"enum": [1, "1"], "description": "The version of this format."}
    schema["properties"]["rules"]["items"] = {"oneOf": choices}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "gpuguard policy pack",
        "$defs": definitions,
    }
