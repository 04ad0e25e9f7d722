"""What a refresh has read so far, kept on disk part by part, so that an interrupted one goes on where it stopped.

A folder holds one file per part and ``run.json``, which is there while a refresh is unfinished. Files appear whole or
not at all; one that cannot be read is read again from the API. A part of the unfinished run is not asked for again; a
part of an earlier, finished run gives its validators for a conditional request, and its rows when the API answers that
nothing has changed. Parts that cannot be asked for conditionally are forgotten when the run is finished.
"""

import contextlib
import hashlib
import os
import re
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

import msgspec

from gpuguard.errors import ConfigError
from gpuguard.price.sources.base import Context, Found, NotModified, Part, Scope

FORMAT = 1
RESUMED_WITHIN = timedelta(hours=24)
"""Older figures of an unfinished run are read again: prices of one catalog should be of one day."""

_RUN = "run.json"
_T = TypeVar("_T")


class _Kept(msgspec.Struct, frozen=True):
    """The file of one part."""

    format: int
    run: str
    name: str
    endpoint: str
    scopes: tuple[Scope, ...]
    found: Found


class _Run(msgspec.Struct, frozen=True):
    format: int
    id: str
    started: datetime
    version: str


class Work:
    """The folder of one refresh. `resumed` tells that an unfinished one is continued."""

    def __init__(self, folder: Path, version: str, now: datetime, *, resume: bool = True) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"{folder}: cannot be made: {error.strerror}", hint="move the user's cache") from None
        self._folder = folder
        for leftover in folder.glob(".*.tmp"):  # of a process that was killed while it wrote
            leftover.unlink(missing_ok=True)
        found = _read(folder / _RUN, _Run) if resume else None
        self.resumed = (
            found is not None
            and found.format == FORMAT
            and found.version == version
            and timedelta(0) <= now - found.started < RESUMED_WITHIN
        )
        if found is None or not self.resumed:
            found = _Run(FORMAT, secrets.token_hex(8), now, version)
            _write(folder / _RUN, found)
        self._run = found.id

    def read(self, part: Part, context: Context, check: Callable[[Found], None]) -> tuple[Found, str]:
        """Return what a part says and how that is known: ``read``, ``kept`` from this run, or ``unchanged``.

        What `check` refuses, by an error, is not kept: it is asked for again the next time.
        """
        path = self._path(part.name)
        kept = _read(path, _Kept)
        if kept is not None and (kept.format, kept.name, kept.endpoint, kept.scopes) != (
            FORMAT,
            part.name,
            context.endpoint,
            part.scopes,
        ):
            kept = None
        if kept is not None and kept.run == self._run:
            return kept.found, "kept"
        how = "read"
        try:
            found = part.read(context, kept.found.validators if kept is not None else None)
        except NotModified:
            if kept is None:
                raise
            found, how = kept.found, "unchanged"
        check(found)
        _write(path, _Kept(FORMAT, self._run, part.name, context.endpoint, part.scopes, found))
        return found, how

    def finish(self) -> None:
        """Say that the run is over: its rows are in a catalog."""
        for path in self._folder.glob("*.part.json"):
            kept = _read(path, _Kept)
            if kept is None or kept.found.validators is None:
                path.unlink(missing_ok=True)
        (self._folder / _RUN).unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        # the readable name is for people; the digest keeps two names apart that read the same
        readable = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:80]
        return self._folder / f"{readable}.{hashlib.sha256(name.encode()).hexdigest()[:12]}.part.json"


def _read(path: Path, type: type[_T]) -> _T | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=type)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _write(path: Path, value: msgspec.Struct) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        _write_whole(path, temporary, value)
    except OSError as error:
        raise ConfigError(
            f"{path.parent}: cannot be written: {error.strerror}", hint="free some room there, or move the user's cache"
        ) from None
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _write_whole(path: Path, temporary: Path, value: msgspec.Struct) -> None:
    with temporary.open("wb") as stream:
        stream.write(msgspec.json.encode(value))
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(path)
