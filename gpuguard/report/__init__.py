"""Report → text. One module per format, imported only when its format is asked for."""

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Protocol, cast

from gpuguard.model.report import Report
from gpuguard.report.options import Options, Show

FORMATS: Mapping[str, str] = MappingProxyType(
    {
        "table": "gpuguard.report.table",
        "json": "gpuguard.report.json",
        "markdown": "gpuguard.report.markdown",
    }
)
"""Every format a report can be written in, and the module whose `render` writes it."""


class Renderer(Protocol):
    """What a module named in `FORMATS` provides."""

    def render(self, report: Report, options: Options) -> str:
        """Write the report; the text ends with a newline and can be encoded as UTF-8."""


def render(
    report: Report,
    format: str,
    *,
    width: int = 80,
    color: bool = False,
    show: Show = "changed",
    quiet: bool = False,
    verbose: bool = False,
) -> str:
    """Write `report` in `format`, one of `FORMATS`.

    `width` is in terminal columns and, like `color`, only means something to the table.
    `show` "changed" leaves out the lines (never the money) of what the change does not touch.
    `quiet` keeps the verdict and what stops the change; `verbose` adds components, notes and rules that pass.
    The JSON report is always whole. Raises KeyError for a format that does not exist: the command line refuses it first.
    """
    renderer = cast(Renderer, import_module(FORMATS[format]))
    return renderer.render(report, Options(width=width, color=color, show=show, quiet=quiet, verbose=verbose))
