"""``gpuguard catalog refresh``: ask the price APIs and write a new catalog; the one command here that uses the network."""

import argparse
import hashlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpuguard.cli import options
from gpuguard.errors import ConfigError, ExitCode, UsageError
from gpuguard.report.text import plural, visible

if TYPE_CHECKING:
    from gpuguard.config import PinnedCatalog
    from gpuguard.price.refresh import Outcome, PartDone, Task, Watcher
    from gpuguard.price.sources.base import Source

_HIDDEN_PROGRESS = ("CI", "GITHUB_ACTIONS")


def run(arguments: argparse.Namespace) -> int:
    """Refresh; exit code 4 where a price API fails or says what nobody should believe unseen."""
    asks = arguments.cloud or arguments.region or arguments.only or arguments.out or arguments.endpoint
    config = options.configuration(arguments.config, [])
    if config is not None and config.pinned is not None and not asks:
        return _fetch_pinned(config.pinned, quiet=arguments.quiet)
    from filelock import FileLock, Timeout

    from gpuguard.cli.catalog.changes import table
    from gpuguard.price.refresh import refresh

    task = _task(arguments)
    try:
        task.folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(task.folder.parent / ".lock", timeout=0), _progress(arguments.quiet) as watcher:
            outcome = refresh(task, watcher)
    except Timeout:
        raise UsageError("another refresh is running", hint="wait until it is done") from None
    except OSError as error:
        place = error.filename or task.folder
        raise ConfigError(
            f"{place}: {error.strerror or error}", hint="look at its permissions and the room there"
        ) from None
    for note in outcome.notes:
        sys.stderr.write(f"note: {visible(note)}\n")
    if outcome.manifest is None:
        sys.stdout.write(table(outcome.comparison, "refused: some changes are not plausible", 40))
        options.complain(
            "the new prices are not plausible; no catalog was written",
            "look at the changes above; `gpuguard catalog refresh --accept` with the same options takes them",
        )
        return ExitCode.SERVICE
    if not arguments.quiet:
        sys.stdout.write(_summary(outcome, task))
    return ExitCode.PASS


def _task(arguments: argparse.Namespace) -> "Task":
    from gpuguard.price.pinned import cache_folder
    from gpuguard.price.refresh import Task
    from gpuguard.price.schema import PURCHASE_MODELS
    from gpuguard.price.sources import sources
    from gpuguard.price.sources.base import Wanted

    available = sources()
    clouds = sorted({source.cloud for source in available})
    for cloud in arguments.cloud:
        if cloud not in clouds:
            raise UsageError(
                f"--cloud {cloud[:60]!r} has no price API here", hint=f"expected one of {', '.join(clouds)}"
            )
    models = tuple(name.replace("-", "_") for name in arguments.only)
    for model in models:
        if model not in PURCHASE_MODELS:
            raise UsageError(f"--only {model[:60]!r} is unknown", hint=f"expected one of {', '.join(PURCHASE_MODELS)}")
    endpoints = dict(_endpoint(text, [source.name for source in available]) for text in arguments.endpoint)
    output = Path(arguments.out) if arguments.out else cache_folder() / "catalog.sqlite"
    # what was read for other wishes is another unfinished refresh, and is left alone
    wishes = repr((sorted(arguments.cloud), sorted(arguments.region), sorted(models), sorted(endpoints.items())))
    return Task(
        sources=_chosen(available, arguments.cloud, models),
        output=output,
        folder=cache_folder() / "refresh" / hashlib.sha256(wishes.encode()).hexdigest()[:12],
        now=options.moment(),
        wanted=Wanted(tuple(arguments.region), models),
        environment=dict(os.environ),
        endpoints=endpoints,
        accept=arguments.accept,
        resume=not arguments.restart,
    )


def _chosen(available: "tuple[Source, ...]", clouds: list[str], models: tuple[str, ...]) -> "list[Source]":
    """The sources to ask. One that lacks a key is told and left out; a cloud asked for by name must have one."""
    if models:
        available = tuple(
            source for source in available if not source.purchase_models or {*source.purchase_models} & {*models}
        )
    chosen: list[Source] = []
    for cloud in dict.fromkeys(source.cloud for source in available):
        if clouds and cloud not in clouds:
            continue
        lacking = []
        for source in available:
            if source.cloud != cloud:
                continue
            missing = source.missing(os.environ)
            if missing:
                lacking.append((source, missing))
            else:
                chosen.append(source)
        if clouds and lacking and not any(source.cloud == cloud for source in chosen):
            raise UsageError(f"{lacking[0][0].title} cannot be asked: {lacking[0][1]}")
        for source, missing in lacking:
            sys.stderr.write(f"note: {source.title} is left out: {missing}\n")
    return chosen


def _endpoint(text: str, names: list[str]) -> tuple[str, str]:
    name, separator, url = text.partition("=")
    if not separator or name not in names or not url.startswith(("https://", "http://")):
        raise UsageError(f"--endpoint takes SOURCE=URL with a source of {', '.join(names)}, not {text[:80]!r}")
    return name, url


def _fetch_pinned(pinned: "PinnedCatalog", *, quiet: bool) -> int:
    from gpuguard.price.catalog import Catalog
    from gpuguard.price.pinned import fetch_pinned
    from gpuguard.price.sources.http import Http

    with Http() as http:
        path = fetch_pinned(pinned, http)
    if not quiet:
        with Catalog.open(path) as catalog:
            sys.stdout.write(f"catalog {catalog.version} fetched and verified: {visible(pinned.url)}\n")
    return ExitCode.PASS


def _summary(outcome: "Outcome", task: "Task") -> str:
    from gpuguard.cli.catalog.changes import table

    title = f"catalog {outcome.manifest['version'] if outcome.manifest else ''}"
    prices = sum(part.prices for part in outcome.parts)
    told = f"read {plural(prices, 'price')} in {plural(len(outcome.parts), 'part')}"
    if outcome.resumed:
        told += ", going on with an interrupted refresh"
    return (
        table(outcome.comparison, title, 20)
        + f"\n{told}\nwritten to {visible(str(task.output))}\nuse it with --catalog {visible(str(task.output))}\n"
    )


@contextmanager
def _progress(quiet: bool) -> "Iterator[Watcher]":
    """A progress bar on a terminal, a line per part elsewhere, nothing when quiet; always on standard error."""
    from gpuguard.price.refresh import Watcher

    if quiet:
        yield Watcher()
    elif sys.stderr.isatty() and not any(os.environ.get(name) for name in _HIDDEN_PROGRESS):
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

        columns: tuple[Any, ...] = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
        )
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            yield _bar(bar)
    else:
        yield _lines()


def _bar(bar: Any) -> "Watcher":
    from gpuguard.price.refresh import Watcher

    class Bar(Watcher):
        task: Any = None  # none while a source is asked for the list of its parts

        def begin(self, part: str) -> None:
            self.task = bar.add_task(visible(part), total=None)

        def moved(self, done: int, total: int | None) -> None:
            if self.task is not None:
                bar.update(self.task, completed=done, total=total)

        def end(self, done: "PartDone") -> None:
            bar.remove_task(self.task)
            self.task = None
            bar.console.print(_told(done), markup=False, highlight=False)

    return Bar()


def _lines() -> "Watcher":
    from gpuguard.price.refresh import Watcher

    class Lines(Watcher):
        def end(self, done: "PartDone") -> None:
            sys.stderr.write(_told(done) + "\n")
            sys.stderr.flush()

    return Lines()


def _told(done: "PartDone") -> str:
    how = {"read": "", "kept": " (read before)", "unchanged": " (unchanged)"}[done.how]
    return f"{visible(done.name)}: {plural(done.prices, 'price')}{how}"
