"""Bytes of an input as users produce them: files, standard input, gzip, UTF-16 from PowerShell, byte order marks."""

import codecs
import stat
import sys
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO

from gpuguard.errors import InputError

MAX_BYTES = 4 * 1024**3
"""No input above this is read: ten times the largest plan known, and a bound for what gzip may blow up to."""

_CHUNK = 1024**2
_PACKED_CHUNK = 64 * 1024
_MOST_UNCHECKED = 256 * 1024**2
_MOST_RATIO = 500
"""Plans of thousands of alike resources pack to a hundredth; deflate itself ends at 1 : 1032."""

AHEAD_FROM = 16 * 1024**2
"""Smaller files are read faster than a thread is started."""

_ahead: dict[str, Callable[[], bytes]] = {}

_GZIP_MAGIC = b"\x1f\x8b"
_ZIP_MAGIC = b"PK\x03\x04"
_MAKE_JSON = "terraform show -json PLANFILE > plan.json"


def read_bytes(path: str) -> bytes:
    """Return the UTF-8 text of the input as bytes, without a byte order mark. ``-`` is standard input.

    What cannot be JSON by its first bytes is returned no further than those: they tell what it is.
    Raises InputError for what cannot be read, and for the files that are commonly given by mistake.
    """
    ahead = _ahead.pop(path, None)
    data = ahead() if ahead is not None else _load(path)
    if data.startswith(_GZIP_MAGIC):
        data = _gunzip(data, path)
    if data.startswith(_ZIP_MAGIC):
        raise InputError(
            f"{path}: this is a binary plan file (made by `terraform plan -out`), not its JSON form",
            hint=f"convert it first: {_MAKE_JSON}",
        )
    return _to_utf8(data, path)


def read_ahead(path: str) -> None:
    """Begin to read a large file while the caller does something else; `read_bytes` then waits for what is left of it.

    Loading policies takes about as long as reading 200 MB, and reading needs no interpreter.
    """
    try:
        status = Path(path).stat()
    except (OSError, ValueError):
        return  # `read_bytes` tells what is wrong
    if not stat.S_ISREG(status.st_mode) or status.st_size < AHEAD_FROM:
        return
    from threading import Thread

    read: list[bytes] = []

    def work() -> None:
        with suppress(Exception):  # `wait` meets it again, where it can be told
            read.append(_load(path))

    def wait() -> bytes:
        thread.join()
        return read.pop() if read else _load(path)

    thread = Thread(target=work, daemon=True)
    thread.start()
    _ahead[path] = wait


def _load(path: str) -> bytes:
    try:
        if path == "-":
            if sys.stdin is None:
                raise InputError("standard input is closed", hint="give the path of a plan")
            return _read(sys.stdin.buffer, path)
        file = Path(path)
        if file.is_dir():
            raise InputError(
                f"{path}: is a directory; HCL directories cannot be read yet",
                hint=f"give the plan as JSON: {_MAKE_JSON}",
            )
        status = file.stat()
        regular = stat.S_ISREG(status.st_mode)
        if not regular and not stat.S_ISFIFO(status.st_mode) and not stat.S_ISCHR(status.st_mode):
            raise InputError(f"{path}: is not a regular file")
        if status.st_size > MAX_BYTES:
            raise _too_large(path)
        if not regular:
            with file.open("rb") as pipe:
                return _read(pipe, path)
        # unbuffered and from the start again: putting two parts together would hold the file twice
        with file.open("rb", buffering=0) as stream:
            start = stream.read(_CHUNK)
            if not _may_be_json(start):
                return start
            stream.seek(0)
            return stream.readall()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file", hint="check the path; `-` reads standard input") from None
    except PermissionError:
        raise InputError(f"{path}: permission denied") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise InputError(f"{path}: cannot be read: {reason}") from None


def _read(stream: IO[bytes], path: str) -> bytes:
    """Read a pipe or device, which may have no end, as far as it can be a plan."""
    parts = [stream.read(_CHUNK)]
    size = len(parts[0])
    while parts[-1] and _may_be_json(parts[0]):
        parts.append(stream.read(_CHUNK))
        size += len(parts[-1])
        if size > MAX_BYTES:
            raise _too_large(path)
    return b"".join(parts)


def _may_be_json(start: bytes) -> bool:
    """Whether a text that begins so may be a JSON object or array, in any encoding that is read here."""
    if start.startswith((_GZIP_MAGIC, codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return True
    return (
        start.lstrip(b"\0 \t\r\n")[:1] in (b"{", b"[")
        if b"\0" in start[:2]
        else start.lstrip()[:1] in (b"", b"{", b"[")
    )


def _too_large(path: str) -> InputError:
    return InputError(f"{path}: larger than {MAX_BYTES // 1024**3} GiB", hint="no plan is; is it the right file?")


def _gunzip(data: bytes, path: str) -> bytes:
    """Unpack all members, piece by piece: what unpacks to absurd sizes is refused long before it fills the memory."""
    parts: list[bytes] = []
    size = position = 0
    while position < len(data):
        if not data.startswith(_GZIP_MAGIC, position):
            raise InputError(f"{path}: damaged gzip data: something else follows it in the file")
        stream = zlib.decompressobj(wbits=31)
        while not stream.eof:
            if position >= len(data):
                raise InputError(f"{path}: truncated gzip data", hint="the file was not written to its end")
            try:
                part = stream.decompress(data[position : position + _PACKED_CHUNK])
            except zlib.error as error:
                raise InputError(f"{path}: damaged gzip data: {error}") from None
            position = min(position + _PACKED_CHUNK, len(data))
            size += len(part)
            if size > MAX_BYTES or (size > _MOST_UNCHECKED and size > position * _MOST_RATIO):
                raise InputError(
                    f"{path}: the gzip data unpacks to far more than any plan", hint="is it the right file?"
                )
            parts.append(part)
            if not _may_be_json(parts[0]):
                return parts[0]
        position -= len(stream.unused_data)
        while data.startswith(b"\0", position):
            position += 1  # padding that tape programs leave
    return b"".join(parts)


def _to_utf8(data: bytes, path: str) -> bytes:
    if data.startswith(codecs.BOM_UTF8):
        return data[len(codecs.BOM_UTF8) :]
    # PowerShell's `>` writes UTF-16 with a byte order mark; a JSON text without one shows as every other byte zero.
    encoding = None
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    elif len(data) > 3 and data[1] == 0 and data[0] != 0:
        encoding = "utf-16-le"
    elif len(data) > 3 and data[0] == 0 and data[1] != 0:
        encoding = "utf-16-be"
    if encoding is None:
        return data
    try:
        return data.decode(encoding).encode()
    except UnicodeError:
        raise InputError(
            f"{path}: broken UTF-16 text", hint="in PowerShell write UTF-8: ... | Out-File -Encoding utf8 plan.json"
        ) from None
