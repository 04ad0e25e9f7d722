"""Bytes of an input as users produce them: files, standard input, gzip, UTF-16 from PowerShell, byte order marks."""

import codecs
import sys
import zlib
from pathlib import Path

from gpuguard.errors import InputError

MAX_BYTES = 4 * 1024**3
"""No input above this is read: ten times the largest plan known, and a bound for what gzip may blow up to."""

_GZIP_MAGIC = b"\x1f\x8b"
_ZIP_MAGIC = b"PK\x03\x04"
_MAKE_JSON = "terraform show -json PLANFILE > plan.json"


def read_bytes(path: str) -> bytes:
    """Return the UTF-8 text of the input as bytes, without a byte order mark. ``-`` is standard input.

    Raises InputError for what cannot be read, and for the files that are commonly given by mistake.
    """
    data = _load(path)
    if data.startswith(_GZIP_MAGIC):
        data = _gunzip(data, path)
    if data.startswith(_ZIP_MAGIC):
        raise InputError(
            f"{path}: this is a binary plan file (made by `terraform plan -out`), not its JSON form",
            hint=f"convert it first: {_MAKE_JSON}",
        )
    return _to_utf8(data, path)


def _load(path: str) -> bytes:
    if path == "-":
        data = sys.stdin.buffer.read(MAX_BYTES + 1)
    else:
        try:
            file = Path(path)
            if file.is_dir():
                raise InputError(
                    f"{path}: is a directory; HCL directories cannot be read yet",
                    hint=f"give the plan as JSON: {_MAKE_JSON}",
                )
            if not file.is_file() and not file.is_fifo() and file.exists() and not file.is_char_device():
                raise InputError(f"{path}: is not a regular file")
            with file.open("rb") as stream:
                data = stream.read(MAX_BYTES + 1) if not file.is_file() else stream.read()
        except FileNotFoundError:
            raise InputError(f"{path}: no such file", hint="check the path; `-` reads standard input") from None
        except PermissionError:
            raise InputError(f"{path}: permission denied") from None
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            raise InputError(f"{path!r}: cannot be read: {reason}") from None
    if len(data) > MAX_BYTES:
        raise InputError(f"{path}: larger than {MAX_BYTES // 1024**3} GiB")
    return data


def _gunzip(data: bytes, path: str) -> bytes:
    parts: list[bytes] = []
    size = 0
    while data:
        stream = zlib.decompressobj(wbits=31)
        try:
            part = stream.decompress(data, MAX_BYTES - size + 1)
        except zlib.error as error:
            raise InputError(f"{path}: damaged gzip data: {error}") from None
        size += len(part)
        if size > MAX_BYTES or stream.unconsumed_tail:
            raise InputError(f"{path}: gzip data unpacks to more than {MAX_BYTES // 1024**3} GiB")
        if not stream.eof:
            raise InputError(f"{path}: truncated gzip data", hint="the file was not written to its end")
        parts.append(part)
        data = stream.unused_data.lstrip(b"\0")
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
