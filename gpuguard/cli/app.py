"""Parses the arguments, runs the command, and maps every outcome to an exit code."""

import argparse
import errno
import io
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from gpuguard.cli import options
from gpuguard.errors import ConfigError, ExitCode, GpuguardError, UsageError

_DESCRIPTION = "The cost guardrail for GPUs in Terraform pull requests."
_EPILOG = """\
exit codes: 0 pass (warnings allowed) · 1 a policy failed · 2 command line, configuration or input unusable ·
3 undecided: something could not be priced or is unknown · 4 an outside service failed · 70 a bug · 130 interrupted

No command uses the network but `catalog refresh`.
"""


class _Parser(argparse.ArgumentParser):
    """Wrong arguments end as a `UsageError`, in the same form as every other error."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message, hint=f"see `{self.prog} --help`")


class _ClosedOutput(io.TextIOBase):
    """Standard output where the caller has closed it (``>&-``): no report is lost without a word."""

    def write(self, text: str, /) -> int:
        raise ConfigError("standard output is closed")


def parser() -> argparse.ArgumentParser:
    """The whole command line; the documentation is checked against it."""
    top = _Parser(
        prog="gpuguard",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    top.add_argument("-V", "--version", action="store_true", help="print the version and exit")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", parser_class=_Parser)

    check = commands.add_parser(
        "check",
        help="price every GPU in plans or states and judge them",
        description="Reads plans (`terraform show -json`) and states, prices every GPU, evaluates the policies, prints a report.",
        allow_abbrev=False,
    )
    check.add_argument(
        "paths", nargs="+", metavar="PATH", help="plan or state as JSON, also gzipped; `-` reads standard input"
    )
    options.add_report_options(check, several=True)

    diff = commands.add_parser(
        "diff",
        help="the same, on the difference of two plans, states or saved reports",
        description="Judges the difference between what two plans, states or JSON reports end in.",
        allow_abbrev=False,
    )
    diff.add_argument("before", metavar="BEFORE", help="plan, state or JSON report")
    diff.add_argument("after", metavar="AFTER", help="plan, state or JSON report")
    options.add_report_options(diff, several=False)

    explain = commands.add_parser(
        "explain",
        help="how one resource's figure came about",
        description="Shows attributes, assumptions, unit prices with source and date, formulas, policies and alternatives of one resource.",
        allow_abbrev=False,
    )
    explain.add_argument("path", metavar="PATH", help="plan, state or JSON report")
    explain.add_argument("address", metavar="ADDRESS", help="address of the resource, as in the report")
    options.add_judging_options(explain, several=False)
    options.add_color_options(explain)

    from gpuguard.cli import catalog

    catalog.add_parser(commands)

    schema = commands.add_parser(
        "schema",
        help="print a JSON Schema",
        description="Prints the JSON Schema of the report, of gpuguard.yml, of policy packs or of usage files.",
        allow_abbrev=False,
    )
    schema.add_argument("of", choices=("report", "config", "policy", "usage"), metavar="report|config|policy|usage")
    return top


def run(arguments: Sequence[str]) -> int:
    """Run the command line; the one place where errors become exit codes."""
    if sys.stdout is None:
        sys.stdout = _ClosedOutput()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # a terminal that cannot show a character gets an escape, not a traceback
            stream.reconfigure(errors="backslashreplace")
    # plugins of other packages have no say in how policies are read, and looking for them takes a tenth of the start
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    try:
        try:
            code = _dispatch(arguments)
        except SystemExit as stop:  # argparse after --help
            code = int(stop.code or 0)
        sys.stdout.flush()
    except GpuguardError as error:
        options.tell(error)
        return error.exit_code
    except KeyboardInterrupt:
        options.complain("interrupted")
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        options.drop_output()
        return ExitCode.PASS
    except (RecursionError, MemoryError) as error:
        deep = isinstance(error, RecursionError)
        options.complain(
            "the input is nested too deeply" if deep else "the input does not fit into the memory there is"
        )
        return ExitCode.INPUT
    except OSError as error:
        # a full disk or a closed descriptor behind standard output; files of the user have errors of their own
        if error.errno not in (errno.ENOSPC, errno.EBADF, errno.EIO, errno.EPIPE):
            return _bug(error)
        options.complain(f"standard output: cannot be written: {error.strerror}")
        return ExitCode.INPUT
    except Exception as error:
        return _bug(error)
    return code


def _dispatch(arguments: Sequence[str]) -> int:
    top = parser()
    parsed = top.parse_args(arguments)
    if parsed.version:
        from gpuguard import __version__

        sys.stdout.write(f"gpuguard {__version__}\n")
        return ExitCode.PASS
    if parsed.command is None:
        top.print_help(sys.stderr)
        return ExitCode.INPUT
    if parsed.command == "check":
        from gpuguard.cli import check

        return check.run(parsed)
    if parsed.command == "diff":
        from gpuguard.cli import diff

        return diff.run(parsed)
    if parsed.command == "explain":
        from gpuguard.cli import explain

        return explain.run(parsed)
    if parsed.command == "catalog":
        from gpuguard.cli import catalog

        return catalog.run(parsed)
    from gpuguard.cli import schema

    return schema.run(parsed)


def _bug(error: Exception) -> int:
    """A bug: where it is, never the message of the exception, which may hold a value of the plan."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if f"{os.sep}gpuguard{os.sep}" in frame.filename] or frames
    place = f"{Path(own[-1].filename).name}:{own[-1].lineno} in {own[-1].name}" if own else "unknown place"
    sys.stderr.write(f"error: this is a bug in gpuguard: {type(error).__name__} at {place}\n")
    if os.environ.get("GPUGUARD_TRACEBACK") == "1":
        traceback.print_exception(error)
    else:
        sys.stderr.write(
            "hint: please report it; GPUGUARD_TRACEBACK=1 shows the whole traceback (it may hold values of the plan)\n"
        )
    return ExitCode.BUG
