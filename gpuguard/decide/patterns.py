"""Names with wildcards: ``*`` stands for anything, ``?`` for one character; case makes no difference."""

import fnmatch
import re
from collections.abc import Iterable
from functools import lru_cache

_MEMORY = re.compile(r"-[0-9]+GB$", re.IGNORECASE)


def matches(pattern: str, name: str) -> bool:
    """Whether the whole name matches the pattern, in any case."""
    return _compiled(pattern).fullmatch(name) is not None


def gpu_matches(pattern: str, model: str) -> bool:
    """Whether a GPU model matches; the memory size may be left out: ``H100`` is ``H100-80GB``, not ``H100-NVL-94GB``."""
    return matches(pattern, model) or matches(pattern, _MEMORY.sub("", model))


def region_matches(pattern: str, cloud: str, region: str) -> bool:
    """Whether a region matches ``us-*`` (in any cloud) or ``aws:us-*`` (in one)."""
    return matches(pattern, f"{cloud}:{region}" if ":" in pattern else region)


def listing(patterns: Iterable[str], most: int = 8) -> str:
    """Patterns for a message: the first few, and how many more."""
    all_ = list(patterns)
    shown = ", ".join(all_[:most])
    return f"{shown} and {len(all_) - most} more" if len(all_) > most else shown


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    # fnmatch's translation does not backtrack over several wildcards; brackets never get here.
    return re.compile(fnmatch.translate(pattern), re.IGNORECASE)
