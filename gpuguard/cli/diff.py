"""``gpuguard diff BEFORE AFTER``."""

import argparse

from gpuguard.cli import options
from gpuguard.cli.check import default_project
from gpuguard.errors import UsageError
from gpuguard.pipeline import compare


def run(arguments: argparse.Namespace) -> int:
    """Judge the difference of two inputs; the exit code is the verdict's."""
    if arguments.before == arguments.after == "-":
        raise UsageError("standard input can be read only once")
    project = arguments.project or default_project(arguments.after)
    options.report_targets(arguments)  # a wrong one is told before the work is done
    with options.settings(arguments, [arguments.before, arguments.after]) as settings:
        report = compare(arguments.before, arguments.after, project, settings)
    options.print_report(report, arguments)
    return options.exit_code(report, arguments.fail_on)
