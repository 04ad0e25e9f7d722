"""A resource with its price: what the pricing engine hands to the advisor, the policies and the report."""

import msgspec

from gpuguard.model.report import Diagnostic, Resource, State
from gpuguard.model.usage import Usage


class Priced(msgspec.Struct, frozen=True):
    """One side of a resource: its usage, the public state made from it, and what was assumed on the way."""

    usage: Usage
    state: State
    notes: tuple[Diagnostic, ...] = ()


class PricedResource(msgspec.Struct, frozen=True):
    """One resource in its public shape, with the usage behind each side so that it can be priced again.

    `secrets` are the texts that must not be shown of it; `resource` is free of them, `before` and `after` are not.
    """

    resource: Resource
    before: Priced | None
    after: Priced | None
    secrets: frozenset[str] = frozenset()
