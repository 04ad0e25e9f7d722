"""Tags and labels that a GPU resource must carry."""

from collections.abc import Iterator, Sequence
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field  # noqa: TID253 - imported by the first pack loaded

from gpuguard.decide.each import Look, Seen, judge_each, offence_names
from gpuguard.decide.rule import Finding, Flag, Settings, rule
from gpuguard.decide.view import Change
from gpuguard.model.report import Resource, State

TagText = Annotated[str, Field(min_length=1, max_length=256)]


class RequiredTag(BaseModel):
    """One required tag: its key, and the values it may have if not any."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    key: TagText = Field(description="The key of the tag or label.")
    values: tuple[TagText, ...] | None = Field(
        default=None, min_length=1, description="The values it may have; any that is not empty if not given."
    )


def _key_alone(value: object) -> object:
    return {"key": value} if isinstance(value, str) else value


class RequiredTags(Settings):
    """Options of the `required-tags` rule."""

    tags: tuple[Annotated[RequiredTag, BeforeValidator(_key_alone, json_schema_input_type=str | RequiredTag)], ...] = (
        Field(min_length=1, description="Keys, or entries of `key` and `values`.")
    )
    ignore_key_case: Flag = Field(default=False, description="Whether `Team` will do where `team` is required.")


@rule(
    "required-tags",
    settings=RequiredTags,
    remedy="Add the tag to the resource, or to the provider's default tags.",
    example="rule: required-tags\ntags:\n  - team\n  - key: environment\n    values: [production, staging, development]\nignore_key_case: true",
)
def required_tags(change: Change, options: RequiredTags) -> Iterator[Finding]:
    """Fail a resource that the change creates or alters and that lacks a tag or label.

    A tag without a value counts as missing; values are compared as they are written. Tags of before the change are
    not in the report, so that a resource which is altered for another reason has to have them too.
    """

    def fold(key: str) -> str:
        return key.casefold() if options.ignore_key_case else key

    def look(resource: Resource, _: State) -> Look:
        tags: dict[str, set[str]] = {}
        for key, value in resource.tags.items():
            tags.setdefault(fold(key), set()).add(value)
        lacking = {}
        for tag in options.tags:
            values = {value for value in tags.get(fold(tag.key), ()) if value.strip()}
            if not values:
                lacking[f"tag {tag.key} is missing"] = ()
            elif tag.values and not values <= set(tag.values):
                lacking[f"tag {tag.key} is {', '.join(sorted(values))}"] = ()
        return Look(lacking)

    def message(seen: Sequence[Seen]) -> tuple[str, str]:
        lacking = offence_names(seen)
        return lacking, lacking

    limit = "; ".join(tag.key + (f": {', '.join(tag.values)}" if tag.values else "") for tag in options.tags)
    yield from judge_each(
        change, options, look, message, passed="every required tag is there", limit=limit, compare=False
    )
