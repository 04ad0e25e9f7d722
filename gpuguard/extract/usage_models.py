"""Pydantic models of the usage file. Scalars arrive as the text that stands in the file, so numbers stay exact."""

import re
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import (  # noqa: TID253 - imported by the first usage file that is loaded, not before
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
)

from gpuguard.model.usage import HOURS_PER_MONTH

_NUMBER = re.compile(r"\d{1,9}(\.\d{1,6})?", re.ASCII)


def _count(value: object) -> object:
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return Decimal(value)
    raise ValueError("expected a number of 0 or more, such as 8 or 2.5")


def _hours(value: object) -> object:
    if isinstance(value, str) and _NUMBER.fullmatch(value) and Decimal(value) <= HOURS_PER_MONTH:
        return Decimal(value)
    raise ValueError(f"expected hours a month from 0 to {HOURS_PER_MONTH}")


def _pattern(value: object) -> object:
    if isinstance(value, str) and 0 < len(value) <= 500:
        return value
    raise ValueError("expected an address pattern, in which * stands for anything and ? for one character")


class UsageEntry(BaseModel):
    """What is known of the GPU resources that match a pattern."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hours_per_month: (
        Annotated[
            Decimal,
            BeforeValidator(_hours),
            WithJsonSchema({"type": "number", "minimum": 0, "maximum": int(HOURS_PER_MONTH)}),
        ]
        | None
    ) = Field(
        default=None, description="Hours a month that each machine runs; the maximum still counts the whole month."
    )
    average_nodes: (
        Annotated[Decimal, BeforeValidator(_count), WithJsonSchema({"type": "number", "minimum": 0})] | None
    ) = Field(default=None, description="Machines that run on average, instead of the size the configuration asks for.")


class UsageModel(BaseModel):
    """A usage file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal["1"] = Field(description="The version of this format.")
    resources: dict[Annotated[str, BeforeValidator(_pattern)], UsageEntry] = Field(
        description="What is known, by address pattern: * stands for anything, ? for one character. Later entries win."
    )
