"""The usage file: what a team knows of its GPUs and Terraform does not, keyed by address pattern.

version: 1
resources:
  "module.train.*":
    hours_per_month: 200
  aws_eks_node_group.batch:
    average_nodes: 2.5
"""

from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from gpuguard.model.report import Diagnostic
from gpuguard.model.usage import PoolUsage, Usage
from gpuguard.yamlfile import Document, content, parse, quoted, wrong

if TYPE_CHECKING:
    from gpuguard.extract import ResourceUsage

_ZERO = Decimal(0)


class Entry(msgspec.Struct, frozen=True):
    """What the file says of the resources whose address matches. None: nothing."""

    pattern: str
    line: int
    hours_per_month: Decimal | None
    average_nodes: Decimal | None

    def matches(self, address: str) -> bool:
        """``*`` stands for any characters, ``?`` for one; brackets and quotes are part of Terraform addresses."""
        return _matches(self.pattern, address)


class UsageFile:
    """All entries of a usage file; where several match, later ones override earlier ones."""

    def __init__(self, path: str, entries: tuple[Entry, ...]) -> None:
        self.path, self.entries = path, entries
        self._used: set[str] = set()

    def apply(self, found: "ResourceUsage") -> "ResourceUsage":
        """The resource with the file's hours and sizes on both sides."""
        hours: Decimal | None = None
        nodes: Decimal | None = None
        for entry in self.entries:
            if entry.matches(found.node.address):
                self._used.add(entry.pattern)
                hours = entry.hours_per_month if entry.hours_per_month is not None else hours
                nodes = entry.average_nodes if entry.average_nodes is not None else nodes
        if hours is None and nodes is None:
            return found
        return replace(found, before=_applied(found.before, hours, nodes), after=_applied(found.after, hours, nodes))

    def unmatched(self) -> Iterable[Diagnostic]:
        """A warning for every entry that no GPU resource of any input matched so far: it is often a slip."""
        for entry in self.entries:
            if entry.pattern not in self._used:
                yield Diagnostic(
                    level="warning",
                    code="usage-unmatched",
                    project=None,
                    address=None,
                    message=f"{self.path}:{entry.line}: no GPU resource matches {quoted(entry.pattern)}",
                    hint=None,
                )


def _applied(usage: Usage | None, hours: Decimal | None, nodes: Decimal | None) -> Usage | None:
    if usage is None:
        return None
    pools = usage.pools
    if nodes is not None:
        pools = _sized(pools, nodes)
    if hours is not None:
        # What is said to run for some hours may still run all month: the maximum keeps its hours.
        pools = tuple(replace(pool, hours_per_month=min(hours, pool.hours_per_month)) for pool in pools)
    return replace(usage, pools=pools)


def _sized(pools: tuple[PoolUsage, ...], nodes: Decimal) -> tuple[PoolUsage, ...]:
    """Share an average size among the pools of a resource as they share its expected size, else its maximum."""
    for size in ("expected", "max"):
        shares = [getattr(pool.units, size) or _ZERO for pool in pools]
        total = sum(shares, _ZERO)
        if total:
            break
    else:
        shares, total = [Decimal(1)] * len(pools), Decimal(len(pools))
    return tuple(replace(pool, average=nodes * share / total) for pool, share in zip(pools, shares, strict=True))


def _matches(pattern: str, address: str) -> bool:
    """Glob with ``*`` and ``?`` only, in linear time for each star (no regular expression to blow up)."""
    star = mark = -1
    position = index = 0
    while index < len(address):
        if position < len(pattern) and pattern[position] == "*":
            star, mark = position, index
            position += 1
        elif position < len(pattern) and (pattern[position] == "?" or pattern[position] == address[index]):
            position += 1
            index += 1
        elif star >= 0:
            mark += 1
            position, index = star + 1, mark
        else:
            return False
    return all(char == "*" for char in pattern[position:])


def load_usage(path: str) -> UsageFile:
    """Read a usage file. Raises ConfigError that lists every mistake with line and column."""
    shown = path if path.isprintable() else quoted(path)
    document = parse(content(Path(path), shown))
    entries = _entries(document)
    if document.mistakes:
        raise wrong(shown, document.mistakes, "`gpuguard schema usage` prints what a usage file may hold.")
    return UsageFile(shown, tuple(entries))


def _entries(document: Document) -> list[Entry]:
    from pydantic import ValidationError

    from gpuguard.extract.usage_models import UsageModel
    from gpuguard.yamlmodel import add, translate

    if not isinstance(document.tree, dict):
        if not document.mistakes:
            add(document, (), "a usage file is a mapping with the keys `version` and `resources`")
        return []
    try:
        model = UsageModel.model_validate(document.tree)
    except ValidationError as error:
        translate(document, (), UsageModel, error, "a usage file")
        return []
    return [
        Entry(pattern, document.place(("resources", pattern)).line, values.hours_per_month, values.average_nodes)
        for pattern, values in model.resources.items()
    ]


def schema() -> dict[str, Any]:
    """JSON Schema of a usage file, made from its model."""
    from gpuguard.extract.usage_models import UsageModel

    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **UsageModel.model_json_schema()}
