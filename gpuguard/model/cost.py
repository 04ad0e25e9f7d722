"""A resource with its price: what the pricing engine hands to the advisor, the policies and the report."""

from dataclasses import dataclass

from gpuguard.model.report import Diagnostic, Resource, State
from gpuguard.model.usage import Usage


@dataclass(frozen=True, slots=True)
class Priced:
    """One side of a resource: its usage, the public state made from it, and what was assumed on the way."""

    usage: Usage
    state: State
    notes: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True)
class PricedResource:
    """One resource in its public shape, with the usage behind each side so that it can be priced again.

    `secrets` are the texts that must not be shown of it; `resource` is free of them, `before` and `after` are not.
    """

    resource: Resource
    before: Priced | None
    after: Priced | None
    secrets: frozenset[str] = frozenset()
