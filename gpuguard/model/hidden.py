"""Keeps sensitive values out of the report: what the plan marks is shown as ``(sensitive)`` wherever it would appear."""

import re
from typing import Any, Final, TypeVar

import msgspec

SENSITIVE: Final = "(sensitive)"

_SHOWN: Final = frozenset(
    {
        "region",
        "name",
        "sku",
        "candidates",
        "model",
        "pool",
        "description",
        "message",
        "title",
        "conditions",
        "from_",
        "to",
    }
)
"""Fields that may carry a value of the plan; all others hold words of gpuguard's own, addresses or figures."""

_T = TypeVar("_T")


def hide(value: _T, secrets: frozenset[str]) -> _T:
    """The value (structs of the report, nested as they are) with every secret in its texts replaced.

    A secret is replaced where it stands as a word of its own, in any spelling of upper and lower case.
    """
    if not secrets:
        return value
    words = "|".join(re.escape(secret) for secret in sorted(secrets, key=len, reverse=True))
    found: _T = _hidden(value, re.compile(rf"(?<![\w-])(?:{words})(?![\w-])", re.IGNORECASE), shown=False)
    return found


def _hidden(value: Any, secrets: re.Pattern[str], *, shown: bool) -> Any:
    match value:
        case str():
            return secrets.sub(SENSITIVE, value) if shown else value
        case tuple():
            return tuple(_hidden(item, secrets, shown=shown) for item in value)
        case msgspec.Struct():
            changes = {
                field: _hidden(getattr(value, field), secrets, shown=field in _SHOWN)
                for field in value.__struct_fields__
            }
            return msgspec.structs.replace(value, **changes)
        case _:
            return value
