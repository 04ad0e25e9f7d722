"""Options that several commands share, and what they mean for the pipeline."""

import argparse
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from gpuguard.errors import ConfigError, ExitCode, GpuguardError, UsageError
from gpuguard.model.report import Report
from gpuguard.report import FORMATS, render

if TYPE_CHECKING:
    from gpuguard.config import Config
    from gpuguard.pipeline import Settings
    from gpuguard.price.catalog import Catalog

CLOUDS = ("aws", "azure", "gcp")
_SCREEN = 80


def add_report_options(parser: argparse.ArgumentParser, *, several: bool) -> None:
    """Options of the commands that print a report."""
    add_judging_options(parser, several=several)
    out = parser.add_argument_group("output")
    out.add_argument(
        "--format",
        choices=tuple(FORMATS),
        default="table",
        metavar="|".join(FORMATS),
        help="format of the report (default: table)",
    )
    out.add_argument("--output", metavar="FILE", help="write the report to FILE instead of standard output")
    out.add_argument(
        "--out",
        action="append",
        default=[],
        metavar="FORMAT=FILE",
        help="write the report in another format too; may be repeated",
    )
    out.add_argument(
        "--show",
        choices=("changed", "all"),
        default="changed",
        help="resources to list: those that change (default) or all",
    )
    out.add_argument(
        "--fail-on",
        choices=("fail", "warn", "never"),
        default="fail",
        help="what makes the exit code 1: a failed policy (default), also a warning, or nothing",
    )
    out.add_argument("--quiet", action="store_true", help="only the verdict and what stands in its way")
    out.add_argument("--verbose", action="store_true", help="also components, assumptions and rules that pass")
    add_color_options(out)


def add_color_options(parser: "argparse.ArgumentParser | argparse._ArgumentGroup") -> None:
    """``--no-color``."""
    parser.add_argument(
        "--no-color", action="store_true", help="no colours, also on a terminal (NO_COLOR does the same)"
    )


def add_judging_options(parser: argparse.ArgumentParser, *, several: bool) -> None:
    """Options that decide what is judged and how."""
    judge = parser.add_argument_group("judging")
    judge.add_argument(
        "--policy",
        action="append",
        default=[],
        metavar="FILE|DIR|PACK",
        help="policy pack: a name, a file or a folder; may be repeated (default: the pack `default`)",
    )
    judge.add_argument(
        "--strict", action="store_true", help="a GPU that is unpriced or unknown leaves the verdict undecided"
    )
    judge.add_argument("--usage", metavar="FILE", help="usage file: hours and average nodes by address")
    judge.add_argument(
        "--region",
        action="append",
        default=[],
        metavar="CLOUD=REGION",
        help="region where the input does not tell it; may be repeated",
    )
    judge.add_argument(
        "--config", metavar="FILE", help="configuration (default: gpuguard.yml beside the input or above it)"
    )
    judge.add_argument(
        "--catalog",
        metavar="FILE",
        help="price catalog to use instead of the one the configuration pins or the embedded one",
    )
    if several:
        judge.add_argument(
            "--project",
            action="append",
            default=[],
            metavar="NAME",
            help="project name, one for each PATH in order (default: the path)",
        )
    else:
        judge.add_argument("--project", metavar="NAME", help="project name (default: the path)")


def moment() -> datetime:
    """Now, or the time that SOURCE_DATE_EPOCH fixes (https://reproducible-builds.org/specs/source-date-epoch/)."""
    fixed = os.environ.get("SOURCE_DATE_EPOCH")
    if not fixed:
        return datetime.now(UTC)
    try:
        return datetime.fromtimestamp(int(fixed), UTC)
    except (ValueError, OverflowError, OSError):
        raise UsageError(f"SOURCE_DATE_EPOCH must be a number of seconds, not {fixed[:40]!r}") from None


def configuration(named: str | None, inputs: Iterable[str]) -> "Config | None":
    """The configuration that is named, else the one that is found by the inputs, else None."""
    from gpuguard.config import find_config, load_config

    path = Path(named) if named is not None else find_config(inputs)
    return load_config(path) if path is not None else None


def catalog_path(named: str | None, config: "Config | None") -> Path | None:
    """The catalog that counts: the one named, else the one the configuration pins, else None: the embedded one.

    Raises CatalogError where the pinned one has not been fetched yet: nothing here uses the network.
    """
    if named is not None:
        return Path(named)
    if config is None or config.pinned is None:
        return None
    from gpuguard.price.pinned import pinned_file

    return pinned_file(config.pinned)


@contextmanager
def opened_catalog(named: str | None, config: "Config | None") -> "Iterator[Catalog]":
    """The catalog that counts, under the overrides of the configuration, open as long as the context."""
    from gpuguard.config import Config, check_overrides
    from gpuguard.price.catalog import Catalog

    said = config or Config()
    with Catalog.open(catalog_path(named, config), said.overlay) as catalog:
        check_overrides(said, catalog, moment().date())
        yield catalog


@contextmanager
def settings(arguments: argparse.Namespace, inputs: Sequence[str]) -> Iterator["Settings"]:
    """What the judging options name: configuration, packs, usage file, and the catalog, open as long as the context."""
    from gpuguard.config import Config
    from gpuguard.decide import load
    from gpuguard.pipeline import Settings

    config = configuration(arguments.config, inputs)
    said = config or Config()
    regions = dict(_region(text) for text in arguments.region)
    packs = load(arguments.policy or ["default"])
    usage = None
    if arguments.usage is not None:
        from gpuguard.extract.usage_file import load_usage

        usage = load_usage(arguments.usage)
    today = moment()
    with opened_catalog(arguments.catalog, config) as catalog:
        for cloud, name in regions.items():
            if catalog.region(cloud, name) is None:
                raise UsageError(f"--region {cloud}={name}: {cloud} has no region of that name")
        yield Settings(
            catalog=catalog,
            packs=packs,
            regions=regions,
            usage=usage,
            strict=arguments.strict,
            today=today,
            spot_days=said.spot_days,
            list_days=said.list_days,
        )


def _region(text: str) -> tuple[str, str]:
    cloud, separator, name = text.partition("=")
    if not separator or not name or cloud not in CLOUDS:
        raise UsageError(f"--region takes CLOUD=REGION with a cloud of {', '.join(CLOUDS)}, not {text!r}")
    return cloud, name


def tell(error: GpuguardError) -> None:
    """Write an error of our own to standard error."""
    complain(error.message, error.hint, error.details)


def complain(message: str, hint: str = "", details: Sequence[str] = ()) -> None:
    """Write an error, its details and the way out to standard error; each on one line that is safe to print."""
    from gpuguard.report.text import visible

    if sys.stderr is None:
        return
    sys.stderr.write(f"error: {visible(message)}\n")
    sys.stderr.writelines(f"  {visible(line)}\n" for line in details)
    if hint:
        sys.stderr.write(f"hint: {visible(hint)}\n")
    sys.stderr.flush()


def print_report(report: Report, arguments: argparse.Namespace) -> None:
    """Write the report to standard output or ``--output``, and to every ``--out``."""
    targets = report_targets(arguments)
    for name, path in targets:
        _write(path, _render(report, name, arguments, width=_SCREEN, color=False))
    if arguments.output:
        _write(Path(arguments.output), _render(report, arguments.format, arguments, width=_SCREEN, color=False))
        return
    try:
        sys.stdout.write(_render(report, arguments.format, arguments, width=width(), color=color(arguments)))
        sys.stdout.flush()
    except BrokenPipeError:
        drop_output()  # the reader has seen enough (`| head`); the verdict is still the exit code


def drop_output() -> None:
    """Send what is still to be written nowhere, so that Python does not complain of the closed pipe at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def report_targets(arguments: argparse.Namespace) -> list[tuple[str, Path]]:
    """Format and file of every ``--out``. Raises UsageError when they are wrong or meet in one file."""
    targets = [_target(text) for text in arguments.out]
    wanted = [str(path) for _, path in targets] + ([str(Path(arguments.output))] if arguments.output else [])
    if len(set(wanted)) < len(wanted):
        raise UsageError("two reports would be written to the same file")
    return targets


def _render(report: Report, name: str, arguments: argparse.Namespace, *, width: int, color: bool) -> str:
    return render(
        report, name, width=width, color=color, show=arguments.show, quiet=arguments.quiet, verbose=arguments.verbose
    )


def _target(text: str) -> tuple[str, Path]:
    name, separator, path = text.partition("=")
    if not separator or not path or name not in FORMATS:
        raise UsageError(f"--out takes FORMAT=FILE with a format of {', '.join(FORMATS)}, not {text!r}")
    return name, Path(path)


def _write(path: Path, text: str) -> None:
    try:
        path.write_bytes(text.encode())
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ConfigError(f"{path}: cannot be written: {reason}") from None


def color(arguments: argparse.Namespace) -> bool:
    """Colours only on a terminal that wants them."""
    return (
        sys.stdout.isatty()
        and not arguments.no_color
        and not os.environ.get("NO_COLOR")
        and os.environ.get("TERM") != "dumb"
    )


def width() -> int:
    """Columns of the terminal; 80 where there is none."""
    if not sys.stdout.isatty():
        return _SCREEN
    from shutil import get_terminal_size

    return max(get_terminal_size((_SCREEN, 24)).columns, 40)


def exit_code(report: Report, fail_on: str) -> ExitCode:
    """The exit code of a report. An input that could not be read outranks the verdict on the rest."""
    if any(each.error is not None for each in report.inputs):
        return ExitCode.INPUT
    outcome = report.policy.outcome
    if fail_on == "never":
        return ExitCode.PASS
    if outcome == "fail" or (outcome == "warn" and fail_on == "warn"):
        return ExitCode.FAIL
    return ExitCode.UNDECIDED if outcome == "undecided" else ExitCode.PASS
