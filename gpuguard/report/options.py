"""What the reader of a report asked for."""

from dataclasses import dataclass
from typing import Literal

Show = Literal["changed", "all"]


@dataclass(frozen=True, slots=True)
class Options:
    """Options of all renderers; each takes what means something to it."""

    width: int = 80
    color: bool = False
    show: Show = "changed"
    quiet: bool = False
    verbose: bool = False
