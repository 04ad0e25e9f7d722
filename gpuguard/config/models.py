"""Pydantic models of `gpuguard.yml`. Scalars arrive as the text that stands in the file, so figures stay exact."""

import re
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import (  # noqa: TID253 - imported by the first configuration that is loaded, not before
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    model_validator,
)

from gpuguard.price.age import LIST_DAYS, SPOT_DAYS
from gpuguard.price.schema import COMMITMENTS, KINDS, OPERATING_SYSTEMS, PURCHASE_MODELS

_NUMBER = re.compile(r"\d{1,9}(\.\d{1,12})?", re.ASCII)
_DAYS = re.compile(r"\d{1,4}", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_CLOUD = re.compile(r"[a-z][a-z0-9-]{0,39}", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_URL = re.compile(
    r"https://[^\s/@?#]+(/[^\s?#]*)?(\?[^\s#]*)?|http://(127\.0\.0\.1|localhost|\[::1\])(:\d+)?/\S*", re.ASCII
)

MACHINES = ("machine", "accelerator", "vcpu", "memory", "managed_service")
"""What an override speaks of unless it says otherwise: what runs, not what is stored."""


def _price(value: object) -> object:
    if isinstance(value, str) and _NUMBER.fullmatch(value) and Decimal(value) > 0:
        return Decimal(value)
    raise ValueError("expected USD per unit above 0, such as 55.04")


def _percent(value: object) -> object:
    if isinstance(value, str) and _NUMBER.fullmatch(value) and 0 < Decimal(value) < 100:
        return Decimal(value)
    raise ValueError("expected a discount in percent between 0 and 100, such as 12.5")


def _count(value: object) -> object:
    if isinstance(value, str) and _NUMBER.fullmatch(value) and Decimal(value) > 0:
        return Decimal(value)
    raise ValueError("expected a number of accelerators above 0")


def _days(value: object) -> object:
    if isinstance(value, str) and _DAYS.fullmatch(value) and int(value) > 0:
        return int(value)
    raise ValueError("expected a number of days from 1 to 9999")


def _day(value: object) -> object:
    try:
        if isinstance(value, str) and _DAY.fullmatch(value):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise ValueError("expected a day such as 2026-01-31")


def _digest(value: object) -> object:
    text = value.lower().removeprefix("sha256:") if isinstance(value, str) else ""
    if _SHA256.fullmatch(text):
        return text
    raise ValueError("expected the SHA-256 of the catalog file, 64 hexadecimal digits")


def _url(value: object) -> object:
    if isinstance(value, str) and len(value) <= 2000 and _URL.fullmatch(value):
        return value
    raise ValueError("expected an https:// address without user and password")


def _name(value: object) -> object:
    if isinstance(value, str) and 0 < len(value) <= 200:
        return value
    raise ValueError("expected a name, in which * stands for anything and ? for one character")


def _cloud(value: object) -> object:
    if isinstance(value, str) and _CLOUD.fullmatch(value):
        return value
    raise ValueError("expected one cloud, such as aws")


def _number(minimum: str, **more: int) -> WithJsonSchema:
    return WithJsonSchema({"type": "number", minimum: 0, **more})


def _some(value: tuple[str, ...]) -> tuple[str, ...]:
    if value:
        return value
    raise ValueError("expected at least one entry")


_SOME = AfterValidator(_some)
"""Not `min_length`: that counts entries that are wrong as none, and tells it beside what is wrong with them."""

Pattern = Annotated[str, BeforeValidator(_name)]


class OverrideModel(BaseModel):
    """What the organisation really pays for some SKUs: a discount on the catalog's price, or a price."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cloud: Annotated[str, BeforeValidator(_cloud)] = Field(description="Cloud: aws, azure, gcp, oci …")
    sku: Pattern = Field(description="Machine type or other SKU of the catalog; * and ? are wildcards.")
    region: Pattern = Field(default="*", description="Region; * and ? are wildcards.")
    kinds: Annotated[tuple[Literal[tuple(KINDS)], ...], _SOME] = Field(  # type: ignore[valid-type] # the literals are the table's
        default=MACHINES,
        json_schema_extra={"minItems": 1},
        description="Kinds of price it speaks of; what runs, unless it says otherwise.",
    )
    purchase_models: Annotated[tuple[Literal[PURCHASE_MODELS], ...], _SOME] = Field(  # type: ignore[valid-type] # the literals are the table's
        default=("on_demand",), json_schema_extra={"minItems": 1}, description="Ways of buying it speaks of."
    )
    os: Literal[OPERATING_SYSTEMS] | None = Field(  # type: ignore[valid-type] # the literals are the table's
        default=None, description="Operating system it speaks of; all, unless it says otherwise."
    )
    term: Literal["1y", "3y"] | None = Field(
        default=None, description="Term of the commitments it speaks of; both, unless it says otherwise."
    )
    discount_percent: (
        Annotated[Decimal, BeforeValidator(_percent), _number("exclusiveMinimum", exclusiveMaximum=100)] | None
    ) = Field(default=None, description="Discount on the catalog's price, in percent.")
    price: Annotated[Decimal, BeforeValidator(_price), _number("exclusiveMinimum")] | None = Field(
        default=None, description="USD per unit of the SKU, per hour for machines, instead of the catalog's price."
    )
    as_of: Annotated[date, BeforeValidator(_day)] | None = Field(
        default=None, description="The day the price was agreed; needed with `price`."
    )
    gpu_model: Pattern | None = Field(default=None, description="Accelerator of a machine type the catalog lacks.")
    gpu_count: Annotated[Decimal, BeforeValidator(_count), _number("exclusiveMinimum")] | None = Field(
        default=None, description="How many of them one machine has."
    )
    note: Annotated[str, Field(max_length=200)] = Field(
        default="", description="Where the figure comes from; shown in reports."
    )

    @model_validator(mode="after")
    def _fits_together(self) -> "OverrideModel":
        wild = any(char in self.sku for char in "*?")
        if (self.price is None) == (self.discount_percent is None):
            raise ValueError("needs either `discount_percent` or `price`")
        if self.price is not None and self.as_of is None:
            raise ValueError("with a `price` needs `as_of`, the day it was agreed")
        if self.price is not None and wild:
            raise ValueError("with a `price` needs one exact `sku`")
        if self.price is not None and len(self.kinds) > 1 and self.kinds != MACHINES:
            raise ValueError("with a `price` needs one of `kinds`")
        if self.price is not None and self.term is None and {*self.purchase_models} & {*COMMITMENTS}:
            raise ValueError("with a `price` of a commitment needs its `term`")
        if (self.gpu_model is None) != (self.gpu_count is None):
            raise ValueError("needs `gpu_model` and `gpu_count` together")
        if self.gpu_model is not None and (wild or self.price is None):
            raise ValueError("with a `gpu_model` needs one exact `sku` and a `price`")
        return self


class MaxAgeModel(BaseModel):
    """From which age on a price is warned of."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    spot: Annotated[int, BeforeValidator(_days), WithJsonSchema({"type": "integer", "minimum": 1, "maximum": 9999})] = (
        Field(default=SPOT_DAYS, description="Days for spot prices.")
    )
    list: Annotated[int, BeforeValidator(_days), WithJsonSchema({"type": "integer", "minimum": 1, "maximum": 9999})] = (
        Field(default=LIST_DAYS, description="Days for list and commitment prices.")
    )


class CatalogModel(BaseModel):
    """Which prices count."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: Annotated[str, BeforeValidator(_url)] | None = Field(
        default=None, description="Address of a catalog file; `gpuguard catalog refresh` fetches it."
    )
    sha256: Annotated[str, BeforeValidator(_digest)] | None = Field(
        default=None, description="SHA-256 of that file, as `gpuguard catalog verify FILE` prints it."
    )
    max_age_days: MaxAgeModel = Field(default=MaxAgeModel(), description="From which age on a price is warned of.")
    overrides: tuple[OverrideModel, ...] = Field(
        default=(), description="What the organisation really pays. Of several that match, the last counts."
    )

    @model_validator(mode="after")
    def _is_pinned(self) -> "CatalogModel":
        if (self.url is None) != (self.sha256 is None):
            raise ValueError("needs `url` and `sha256` together")
        return self


class ConfigModel(BaseModel):
    """The configuration of a repository."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal["1"] = Field(description="The version of this format.")
    catalog: CatalogModel = Field(default=CatalogModel(), description="Which prices count.")
