"""The registry of rules, the settings they share, and how values of a policy file are read.

A policy file hands every scalar over as the text it is written as, so that no value turns into another one on the
way: `no` stays the region or tag value it is, `1_000` is refused, and amounts become `Decimal` digit by digit.
"""

import importlib
import pkgutil
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from pydantic import (  # noqa: TID253 - this module is imported by the first pack that is loaded, not before
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
)

from gpuguard.decide.view import Change
from gpuguard.model.report import Resource

_NUMBER = r"(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,9})?"
_GROUPED = r"[1-9][0-9]{0,2}(?:,[0-9]{3}){1,4}(?:\.[0-9]{1,9})?"
_AMOUNT = re.compile(rf"\$?({_GROUPED}|{_NUMBER})", re.ASCII)
_COUNT = re.compile(_NUMBER, re.ASCII)
_PERCENT = re.compile(rf"({_NUMBER}) ?%?", re.ASCII)
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*", re.ASCII)
_PATTERN = re.compile(r"[A-Za-z0-9._:/+*?-]{1,200}", re.ASCII)
_CLOUD_NAMES = {"google": "gcp", "googlecloud": "gcp", "azurerm": "azure", "amazon": "aws"}


def _amount(value: object) -> object:
    if isinstance(value, str) and (match := _AMOUNT.fullmatch(value)):
        return Decimal(match[1].replace(",", ""))
    raise ValueError('expected an amount in US dollars, such as 20000, 20000.50 or "$20,000"')


def _count(value: object) -> object:
    if isinstance(value, str) and _COUNT.fullmatch(value):
        return Decimal(value)
    raise ValueError("expected a number of 0 or more, such as 8 or 0.5")


def _percent(value: object) -> object:
    if isinstance(value, str) and (match := _PERCENT.fullmatch(value)):
        return Decimal(match[1])
    raise ValueError("expected a percentage of 0 or more, such as 20 or 20%")


def _flag(value: object) -> object:
    if value in ("true", "false"):
        return value == "true"
    raise ValueError("expected true or false")


def _name(value: object) -> object:
    if isinstance(value, str) and len(value) <= 60 and _NAME.fullmatch(value):
        return value
    raise ValueError("expected a name of at most 60 small letters, digits and single hyphens, such as team-budget")


def _pattern(value: object) -> object:
    if isinstance(value, str) and _PATTERN.fullmatch(value):
        return value
    raise ValueError("expected a name, in which * stands for anything and ? for one character")


def _region(value: object) -> object:
    pattern = _pattern(value)
    if isinstance(pattern, str) and (cloud := pattern.partition(":")[0]) in _CLOUD_NAMES and ":" in pattern:
        raise ValueError(f"there is no cloud named {cloud}; did you mean {_CLOUD_NAMES[cloud]}?")
    return pattern


Money = Annotated[
    Decimal,
    BeforeValidator(_amount),
    WithJsonSchema(
        {"anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": f"^{_AMOUNT.pattern}$"}]}
    ),
]
Count = Annotated[Decimal, BeforeValidator(_count), WithJsonSchema({"type": "number", "minimum": 0})]
Percent = Annotated[
    Decimal,
    BeforeValidator(_percent),
    WithJsonSchema(
        {"anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": f"^{_PERCENT.pattern}$"}]}
    ),
]
Flag = Annotated[bool, BeforeValidator(_flag), WithJsonSchema({"type": "boolean"})]
Name = Annotated[
    str, BeforeValidator(_name), WithJsonSchema({"type": "string", "maxLength": 60, "pattern": f"^{_NAME.pattern}$"})
]
Pattern = Annotated[
    str, BeforeValidator(_pattern), WithJsonSchema({"type": "string", "pattern": f"^{_PATTERN.pattern}$"})
]
RegionPattern = Annotated[
    str, BeforeValidator(_region), WithJsonSchema({"type": "string", "pattern": f"^{_PATTERN.pattern}$"})
]


Line = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(lambda text: " ".join(text.split()))]
"""Text that is shown on one line, however it is broken in the file."""


class Settings(BaseModel):
    """What every rule takes beside its own settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    rule: str = Field(description="Which rule this is.")
    id: Name | None = Field(default=None, description="A name of your own, shown instead of the rule's.")
    enforcement: Literal["mandatory", "advisory"] = Field(
        default="mandatory", description="`mandatory` blocks the change, `advisory` warns."
    )
    scope: Literal["changed", "all"] = Field(
        default="changed",
        description="`changed` judges what the change brings or makes worse, `all` everything there is.",
    )
    remediation: Line | None = Field(default=None, description="What to do about it, shown with the result.")


class DeltaSettings(Settings):
    """Settings of a rule on what a change adds, which has no other scope."""

    scope: Literal["changed"] = Field(default="changed", description="Always `changed`: only a change adds anything.")


S = TypeVar("S", bound=Settings)


class Finding(msgspec.Struct, frozen=True):
    """What a rule says of the change, before its enforcement is applied.

    `existing`: the violation was there before and is not made worse, so it warns. With ``scope: all`` a rule does not
    look at what was before, and finds nothing existing.
    A `warn` is told and never fails.
    """

    outcome: Literal["pass", "warn", "fail", "undecided"]
    message: str
    actual: str | None = None
    limit: str | None = None
    resources: tuple[Resource, ...] = ()
    existing: bool = False


class Rule(msgspec.Struct, frozen=True):
    """A registered rule. `judge` yields at least one finding; `example` is an entry of a policy file, in YAML.

    `tells_gaps`: what it finds is itself that a price, a value or a bound is missing.
    """

    id: str
    settings: type[Settings]
    judge: Callable[[Change, Any], Iterator[Finding]]
    description: str
    remedy: str
    example: str
    tells_gaps: bool


_registry: dict[str, Rule] = {}


def rule(
    id_: str, *, settings: type[S], remedy: str, example: str, tells_gaps: bool = False
) -> Callable[[Callable[[Change, S], Iterator[Finding]]], Callable[[Change, S], Iterator[Finding]]]:
    """Register a rule under its id. The docstring is its documentation; `remedy` is told with a violation.

    An id used twice is a bug and raises ValueError.
    """

    def register(judge: Callable[[Change, S], Iterator[Finding]]) -> Callable[[Change, S], Iterator[Finding]]:
        if id_ in _registry:
            raise ValueError(f"the rule id {id_} is used twice")
        _registry[id_] = Rule(id_, settings, judge, judge.__doc__ or "", remedy, example, tells_gaps)
        return judge

    return register


def find(id_: str) -> Rule | None:
    """The rule of that id, or None. No more modules are imported than it takes to find it."""
    return next((_registry[id_] for _ in _modules() if id_ in _registry), None)


def rules() -> dict[str, Rule]:
    """All rules by id, in the order of their modules' names and of the rules in them."""
    for _ in _modules():
        pass
    return dict(sorted(_registry.items(), key=lambda item: item[1].judge.__module__))


def _modules() -> Iterator[None]:
    """Import the modules of the rules' folder one after the other; those that are there already come first."""
    from gpuguard.decide import rules as folder

    yield
    for name in _names(*folder.__path__):
        importlib.import_module(f"{folder.__name__}.{name}")
        yield


@cache
def _names(*paths: str) -> tuple[str, ...]:
    return tuple(sorted(module.name for module in pkgutil.iter_modules(paths)))
