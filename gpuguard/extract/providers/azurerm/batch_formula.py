"""What the autoscale formula of a Batch pool says of its size without being run.

A formula is a list of assignments. Numbers, `min`, `max`, conditions and variables that hold such expressions have bounds;
what depends on metrics has none (https://learn.microsoft.com/azure/batch/batch-automatic-scaling).
"""

import re
from decimal import Decimal

Bounds = tuple[Decimal, Decimal | None]
"""At least, and at most (None: nothing bounds it)."""

_ANY: Bounds = (Decimal(0), None)
_LONGEST = 20_000
_DEEPEST = 12
_MOST = 200
_ASSIGNMENT = re.compile(r"([$A-Za-z_]\w*)\s*=(?!=)\s*(.*)", re.DOTALL)
_NUMBER = re.compile(r"\d{1,9}(?:\.\d{1,9})?")
_CALL = re.compile(r"(min|max)\s*\((.*)\)", re.DOTALL)
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)


def bounds(formula: str) -> dict[str, Bounds]:
    """The bounds of every variable that a formula sets, by its name; the last assignment counts."""
    known: dict[str, Bounds] = {}
    for statement in _COMMENT.sub(" ", formula[:_LONGEST]).split(";")[:_MOST]:
        found = _ASSIGNMENT.fullmatch(statement.strip())
        if found is not None:
            known[found[1]] = _of(found[2].strip(), known, 0)
    return known


def _of(expression: str, known: dict[str, Bounds], depth: int) -> Bounds:
    if depth > _DEEPEST:
        return _ANY
    if _NUMBER.fullmatch(expression):
        return Decimal(expression), Decimal(expression)
    if expression in known:
        return known[expression]
    if expression.startswith("(") and _closes_last(expression):
        return _of(expression[1:-1].strip(), known, depth + 1)
    call = _CALL.fullmatch(expression)
    if call is not None and _closes_last(expression):
        parts = [_of(part.strip(), known, depth + 1) for part in _split(call[2], ",")]
        return _least(parts) if call[1] == "min" else _largest(parts)
    condition = _split(expression, "?")
    if len(condition) > 1:
        chosen = _split("?".join(condition[1:]), ":")
        if len(chosen) == 2:
            low, high = (_of(part.strip(), known, depth + 1) for part in chosen)
            return min(low[0], high[0]), None if low[1] is None or high[1] is None else max(low[1], high[1])
    return _ANY


def _least(parts: list[Bounds]) -> Bounds:
    highs = [high for _, high in parts if high is not None]
    return min(low for low, _ in parts), min(highs) if highs else None


def _largest(parts: list[Bounds]) -> Bounds:
    highs = [high for _, high in parts]
    return max(low for low, _ in parts), None if None in highs else max(high for high in highs if high is not None)


def _closes_last(expression: str) -> bool:
    """Whether the first bracket that opens is the one that closes at the end."""
    depth = 0
    for position, character in enumerate(expression):
        depth += (character == "(") - (character == ")")
        if depth == 0 and character == ")":
            return position == len(expression) - 1
    return False


def _split(text: str, mark: str) -> list[str]:
    """The parts of a text between marks that stand in no brackets."""
    parts, depth, start = [], 0, 0
    for position, character in enumerate(text):
        depth += (character in "([") - (character in ")]")
        if character == mark and depth == 0:
            parts.append(text[start:position])
            start = position + 1
    return [*parts, text[start:]]
