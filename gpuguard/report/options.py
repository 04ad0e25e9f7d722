"""What the reader of a report asked for."""

from typing import Literal

import msgspec

Show = Literal["changed", "all"]


class Options(msgspec.Struct, frozen=True):
    """Options of all renderers; each takes what means something to it."""

    width: int = 80
    color: bool = False
    show: Show = "changed"
    quiet: bool = False
    verbose: bool = False
