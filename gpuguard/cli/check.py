"""``gpuguard check PATH...``."""

import argparse

from gpuguard.cli import options
from gpuguard.errors import UsageError
from gpuguard.pipeline import check
from gpuguard.read.source import read_ahead


def run(arguments: argparse.Namespace) -> int:
    """Judge plans and states; the exit code is the verdict's."""
    paths: list[str] = arguments.paths
    names: list[str] = arguments.project
    if names and len(names) != len(paths):
        raise UsageError(f"{len(paths)} inputs need {len(paths)} --project options, {len(names)} given")
    if paths.count("-") > 1:
        raise UsageError("standard input can be read only once")
    projects = names or [default_project(path) for path in paths]
    read_ahead(paths[0])
    options.report_targets(arguments)  # a wrong one is told before the work is done
    with options.settings(arguments, paths) as settings:
        report = check(list(zip(paths, projects, strict=True)), settings, options.tell)
    options.print_report(report, arguments)
    return options.exit_code(report, arguments.fail_on)


def default_project(path: str) -> str:
    """The project of an input without a name of its own: its path as given."""
    return "stdin" if path == "-" else path
