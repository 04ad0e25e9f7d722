"""How sources talk HTTP: bounded in memory and attempts, resuming what breaks, silent about keys.

The rules are those of RFC 9110 (conditional requests 13, ranges 14, Retry-After 10.2.3, redirects 15.4). A message names
scheme, host and path of an address, never its query, its user part or a header, for that is where keys stand.
"""

import hashlib
import re
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

import msgspec

from gpuguard import __version__
from gpuguard.errors import ServiceError
from gpuguard.price.sources.base import CHANGED, NotModified, Validators

if TYPE_CHECKING:
    from types import TracebackType

    import httpx

T = TypeVar("T")

MAX_BODY = 64 * 1024 * 1024
"""Bytes of a decoded JSON answer."""
MAX_LINE = 1024 * 1024
"""Bytes of one line of a file."""
MAX_FILE = 16 * 1024**3
"""Decoded bytes of a file read line by line: above the largest offer file, and an end to a file without one."""
MAX_REDIRECTS = 5
MAX_WAIT = 120.0
"""Seconds to wait at most between two attempts, whatever Retry-After says."""

_PIECE = 256 * 1024
"""Bytes inflated at once; keeps a compressed bomb from unfolding in memory."""
_PROGRESS = 1024 * 1024
"""New bytes after which earlier failures of a file are forgiven: a long file may break more often than a short one."""
_LEAST = 1024
"""Bytes that have to arrive within one timeout; a server that drips slower holds the refresh up for ever."""
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PASSING = frozenset({408, 425, 429})
"""Client errors that may pass: Request Timeout, Too Early, Too Many Requests."""
_LATER = "The catalog in use is unchanged. Check the network (HTTPS_PROXY, SSL_CERT_FILE) and run it again later."


class ChangedMidwayError(ServiceError):
    """A file changed while it was read: the lines given so far are not those it has now. Read it anew.

    Also raised where its compression turns out damaged after lines were given.
    """


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """A decoded JSON answer and what to send to ask whether it has changed."""

    value: T
    validators: Validators


class Http:
    """An HTTP client for price APIs; a context manager.

    `timeout` is in seconds, for connecting and for every wait for bytes. `attempts` is how often one address is tried
    before it is given up. `progress` is told the bytes of the present body received so far, as they were sent, and how
    many it has, or None where the server does not say.
    """

    def __init__(
        self,
        *,
        timeout: float = 30,
        attempts: int = 5,
        sleep: Callable[[float], None] = time.sleep,
        progress: Callable[[int, int | None], None] | None = None,
    ) -> None:
        import httpx

        self.timeout, self.attempts, self.sleep, self.progress = timeout, attempts, sleep, progress
        try:
            self._client = httpx.Client(
                timeout=timeout,
                follow_redirects=False,
                headers={"User-Agent": f"gpuguard/{__version__}", "Accept-Encoding": "gzip"},
            )
        except (ValueError, OSError, ImportError, httpx.InvalidURL):
            raise ServiceError(
                "the proxy or the certificates set in the environment cannot be used",
                hint="Look at HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY, SSL_CERT_FILE and SSL_CERT_DIR.",
            ) from None

    def __enter__(self) -> "Http":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: "TracebackType | None"
    ) -> None:
        self._client.close()

    def get(
        self,
        url: str,
        type: type[T],
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        validators: Validators | None = None,
    ) -> Answer[T]:
        """The JSON answer of `url`, decoded strictly into `type`.

        Raises `NotModified` where the server says that nothing has changed since `validators`, and `ServiceError` where
        it refuses, does not answer, or answers in another shape (the message names the field).
        """
        patience, conditions = _Patience(self, _shown(url)), _conditions(validators)
        while True:
            try:
                response = self._open(url, params, headers or {}, conditions)
                try:
                    if response.status_code != 200:
                        raise _refusal(response, url, conditional=bool(conditions))
                    return Answer(self._decoded(response, url, type), _validators(response))
                finally:
                    response.close()
            except _Again as again:
                patience.failed(again)

    @contextmanager
    def lines(
        self, url: str, *, headers: Mapping[str, str] | None = None, validators: Validators | None = None
    ) -> "Iterator[Lines]":
        """The lines of a file that may be larger than memory.

        A connection that breaks is taken up where it broke, or from the start where the server cannot; either way every
        line comes once. Raises on entering what `get` raises, while iterating `ServiceError`, and `ChangedMidwayError`
        where the file was replaced between two connections.
        """
        lines = Lines(self, url, headers or {})
        try:
            lines._start(_conditions(validators))
            yield lines
        finally:
            lines.close()

    def save(self, url: str, path: Path, *, most_bytes: int) -> None:
        """Write a file to `path`, whole. Raises `ServiceError` where it does not come or is larger than `most_bytes`."""
        lines = Lines(self, url, {})
        try:
            lines._start({})
            size = 0
            with path.open("wb") as stream:
                for piece in lines._pieces():
                    size += len(piece)
                    if size > most_bytes:
                        raise ServiceError(f"{_shown(url)}: the file is larger than {most_bytes // 1024**2} MiB")
                    stream.write(piece)
        finally:
            lines.close()

    def _decoded(self, response: "httpx.Response", url: str, type: type[T]) -> T:
        inflate = _decoder(response, url)
        body = bytearray()
        for raw in self._raw(response, 0, _length(response)):
            for piece in inflate.feed(raw):
                body += piece
                if len(body) > MAX_BODY:
                    raise ServiceError(
                        f"{_shown(url)}: the answer is larger than {MAX_BODY // 1024**2} MiB", hint=CHANGED
                    )
        inflate.finish()
        try:
            return msgspec.json.decode(body, type=type)
        except msgspec.ValidationError as error:
            raise ServiceError(
                f"{_shown(url)}: the answer has another shape than documented: {_plain(str(error))}", hint=CHANGED
            ) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            if not _delimited(response):
                raise _Again("the answer ended in the middle, or is no JSON") from None
            what = _plain(str(error)) if isinstance(error, msgspec.DecodeError) else "invalid UTF-8 or nesting"
            raise ServiceError(f"{_shown(url)}: the answer is no valid JSON: {what}", hint=CHANGED) from None

    def _open(
        self, url: str, params: Mapping[str, str] | None, headers: Mapping[str, str], own: Mapping[str, str]
    ) -> "httpx.Response":
        """One attempt at `url`, redirects followed; the body is not read yet.

        `headers` do not follow a redirect to another origin: a key is meant for the one it was given for. `own` do:
        they are conditions and ranges.
        """
        import httpx

        target = _parsed(url)
        if params:
            target = target.copy_merge_params(dict(params))
        for _ in range(MAX_REDIRECTS + 1):
            try:
                request = self._client.build_request("GET", target, headers={**headers, **own})
                response = self._client.send(request, stream=True)
            except (httpx.LocalProtocolError, UnicodeError):
                raise ServiceError(
                    f"{_shown(url)}: a header cannot be sent",
                    hint="A key may hold only plain letters, digits and signs: look for a space, a line end or a quote in it.",
                ) from None
            except httpx.TransportError as error:
                raise _Again(_reason(error, self.timeout)) from None
            if response.status_code not in _REDIRECTS:
                return response
            response.close()
            following = _redirected(target, response.headers.get("location", ""))
            if _origin(following) != _origin(target):
                headers = {}
            target = following
        raise ServiceError(f"{_shown(url)}: more than {MAX_REDIRECTS} redirects", hint=CHANGED)

    def _raw(self, response: "httpx.Response", received: int, total: int | None) -> Iterator[bytes]:
        """The body as it was sent, piece by piece; `_Again` where it breaks or comes to a standstill.

        `received` bytes came over earlier connections, `total` is what the whole has: progress is told of the whole.
        """
        import httpx

        waited, arrived = 0.0, 0
        pieces = response.iter_raw()
        while True:
            began = time.monotonic()
            try:
                piece = next(pieces, None)
            except httpx.TransportError as error:
                raise _Again(_reason(error, self.timeout)) from None
            if piece is None:
                return
            waited, arrived, received = waited + time.monotonic() - began, arrived + len(piece), received + len(piece)
            if waited > self.timeout:
                if arrived < _LEAST:
                    raise _Again(f"less than {_LEAST} bytes came within {self.timeout:g} seconds")
                waited, arrived = 0.0, 0
            if self.progress:
                self.progress(received, total)
            yield piece


class Lines:
    """The lines of a file, without their ends; to be iterated once.

    `validators` are those of the file the lines come from; after a break they may be newer ones, so read them last.
    """

    def __init__(self, http: Http, url: str, headers: Mapping[str, str]) -> None:
        self.validators = Validators()
        self._http, self._url, self._headers = http, url, headers
        self._patience = _Patience(http, _shown(url))
        self._decoder = _Decoder()
        self._response: httpx.Response | None = None
        self._raw = 0  # bytes of the present body as sent
        self._total: int | None = None  # bytes it has, as sent
        self._delimited = False  # whether its end can be told from a break
        self._resumable = ""  # what If-Range may name, empty where the body can only be read from its start
        self._given = 0  # decoded bytes given to the reader, over all connections
        self._given_digest = hashlib.blake2b()
        self._skip = 0  # decoded bytes of a body read anew that were given already
        self._skip_digest = hashlib.blake2b()
        self._line_ended = True

    def __iter__(self) -> Iterator[bytes]:
        begun: list[bytes] = []
        length = 0
        for piece in self._pieces():
            first, *others = piece.split(b"\n")
            begun.append(first)
            length += len(first)
            if length > MAX_LINE:
                raise ServiceError(f"{_shown(self._url)}: a line is longer than {MAX_LINE // 1024} KiB", hint=CHANGED)
            if others:
                yield b"".join(begun).removesuffix(b"\r")
                rest = others.pop()
                for line in others:
                    yield line.removesuffix(b"\r")
                begun, length = [rest], len(rest)
        if length:
            yield b"".join(begun).removesuffix(b"\r")

    def close(self) -> None:
        """End the connection."""
        if self._response is not None:
            self._response.close()
            self._response = None

    def _start(self, conditions: Mapping[str, str]) -> None:
        while self._response is None:
            try:
                self._connect(conditions)
            except _Again as again:
                self._patience.failed(again)

    def _pieces(self) -> Iterator[bytes]:
        """The decoded body, every byte once, over as many connections as it takes."""
        fresh = 0
        while True:
            try:
                if self._response is None:
                    self._connect({})
                for piece in self._rest():
                    fresh += len(piece)
                    if fresh >= _PROGRESS:
                        fresh = 0
                        self._patience.progressed()
                    yield piece
                return
            except _Again as again:
                self.close()
                if again.afresh:
                    self._resumable = ""
                self._patience.failed(again)

    def _connect(self, conditions: Mapping[str, str]) -> None:
        ranged = bool(self._raw and self._resumable)
        own = {"Range": f"bytes={self._raw}-", "If-Range": self._resumable} if ranged else conditions
        response = self._http._open(self._url, None, self._headers, own)
        if response.status_code == 200:
            self._begin(response)
        elif ranged and response.status_code == 206 and self._continues(response):
            self._response = response
        else:
            response.close()
            if ranged and response.status_code in (206, 416):
                raise _Again("the server answers with another part of the file than was asked for", afresh=True)
            raise _refusal(response, self._url, conditional=bool(own) and not ranged)

    def _begin(self, response: "httpx.Response") -> None:
        self._response = response
        self._decoder = _decoder(response, self._url)
        self._raw, self._total, self._delimited = 0, _length(response), _delimited(response)
        self.validators = _validators(response)
        self._resumable = _resumable(response)
        self._skip, self._skip_digest = self._given, hashlib.blake2b()

    def _continues(self, response: "httpx.Response") -> bool:
        """Whether a partial answer goes on exactly where the body broke, in the same file."""
        unit, _, what = response.headers.get("content-range", "").partition(" ")
        span, _, size = what.partition("/")
        start = span.partition("-")[0]
        tag = _header(response, "etag")
        if unit.lower() != "bytes" or start != str(self._raw) or (tag and tag != self.validators.etag):
            return False
        if _encoding(response) != self._decoder.name:
            return False
        total = int(size) if size.isascii() and size.isdigit() and len(size) < 20 else None
        if self._total is not None and total is not None and total != self._total:
            return False
        self._total = self._total if total is None else total
        self._delimited = _delimited(response)
        return True

    def _rest(self) -> Iterator[bytes]:
        assert self._response is not None  # noqa: S101 # connected by the caller
        for raw in self._http._raw(self._response, self._raw, self._total):
            self._raw += len(raw)
            for piece in self._decoder.feed(raw):
                if new := self._unread(piece):
                    yield new
        self._decoder.finish()
        if self._total is not None and self._raw != self._total:
            raise _Again(f"only {self._raw} of {self._total} bytes came")
        if self._skip:
            raise self._changed()
        if not self._delimited and not self._line_ended:
            raise _Again("the file ends in the middle of a line")

    def _unread(self, piece: bytes) -> bytes:
        """What of `piece` was not given to the reader yet; proves that what was given still stands in the file."""
        if self._skip:
            known, piece = piece[: self._skip], piece[self._skip :]
            self._skip -= len(known)
            self._skip_digest.update(known)
            if not self._skip and self._skip_digest.digest() != self._given_digest.digest():
                raise self._changed()
        if piece:
            self._given += len(piece)
            if self._given > MAX_FILE:
                raise ServiceError(
                    f"{_shown(self._url)}: the file is larger than {MAX_FILE // 1024**3} GiB", hint=CHANGED
                )
            self._given_digest.update(piece)
            self._line_ended = piece.endswith(b"\n")
        return piece

    def _changed(self) -> ChangedMidwayError:
        return ChangedMidwayError(
            f"{_shown(self._url)}: the file changed while it was read",
            hint="The catalog in use is unchanged. Run it again.",
        )


def starting_over(read: Callable[[], T], times: int = 3) -> T:
    """What `read` returns; it is called anew where a file was replaced under it, `times` in all."""
    for _ in range(times - 1):
        try:
            return read()
        except ChangedMidwayError:
            continue
    return read()


def same_origin(endpoint: str, url: str) -> str:
    """The address a page link leads to, made absolute; a link to another scheme, host or port is a `ServiceError`.

    Such a link would take headers and keys to whoever can write into an answer.
    """
    import httpx

    start = _parsed(endpoint)
    try:
        target = start.join(url)
    except (httpx.InvalidURL, ValueError):
        raise ServiceError(f"{_shown(endpoint)}: the link to the next page is no address", hint=CHANGED) from None
    if _origin(target) != _origin(start) or target.userinfo:
        raise ServiceError(
            f"{_shown(endpoint)}: the link to the next page leads elsewhere, to {_shown(str(target))}", hint=CHANGED
        )
    return str(target)


class _Again(Exception):
    """An attempt failed in a way that may pass. `wait` is what the server asked for, in seconds.

    `afresh` says that going on where the body broke will not do.
    """

    def __init__(self, reason: str, *, wait: float | None = None, afresh: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.wait, self.afresh = reason, wait, afresh


class _Patience:
    """Counts the failures of one address and waits after each: 0.5, 1, 2 … seconds, less up to half by chance.

    The chance keeps many runs that failed together from coming back together.
    """

    def __init__(self, http: Http, shown: str) -> None:
        self._http, self._shown, self._failures = http, shown, 0

    def failed(self, again: _Again) -> None:
        import random

        self._failures += 1
        if self._failures >= self._http.attempts:
            tried = f"tried {self._failures} times" if self._failures > 1 else "tried once"
            raise ServiceError(f"{self._shown}: {again.reason} ({tried})", hint=_LATER) from None
        backoff = 0.5 * 2 ** min(self._failures - 1, 10) * (0.5 + random.random() / 2)  # noqa: S311 # no secret
        self._http.sleep(min(MAX_WAIT, max(again.wait or 0.0, backoff)))

    def progressed(self) -> None:
        self._failures = 0


class _Decoder:
    """Takes a body as it is."""

    name = ""

    def feed(self, raw: bytes) -> Iterator[bytes]:
        """The decoded bytes of the next piece of the body."""
        yield raw

    def finish(self) -> None:
        """Told that the body has ended; `_Again` where it should not have."""


class _Gzip(_Decoder):
    """Inflates a gzip body of one or more members, a bounded piece at a time."""

    name = "gzip"

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(wbits=31)

    def feed(self, raw: bytes) -> Iterator[bytes]:
        while True:
            if self._inflate.eof:
                if not raw:
                    return
                self._inflate = zlib.decompressobj(wbits=31)
            try:
                piece = self._inflate.decompress(raw, _PIECE)
            except zlib.error:
                raise _Again("the compressed body is damaged", afresh=True) from None
            raw = self._inflate.unused_data if self._inflate.eof else self._inflate.unconsumed_tail
            if piece:
                yield piece
            if not raw and len(piece) < _PIECE:
                return

    def finish(self) -> None:
        if not self._inflate.eof:
            raise _Again("the compressed body ends too early")


def _decoder(response: "httpx.Response", url: str) -> _Decoder:
    match _encoding(response):
        case "":
            return _Decoder()
        case "gzip":
            return _Gzip()
        case other:
            raise ServiceError(
                f"{_shown(url)}: the answer is encoded as {_plain(other)}, gzip was asked for", hint=CHANGED
            )


def _encoding(response: "httpx.Response") -> str:
    named = str(response.headers.get("content-encoding", "")).strip().lower()
    return {"identity": "", "x-gzip": "gzip"}.get(named, named)


def _length(response: "httpx.Response") -> int | None:
    told = response.headers.get("content-length", "")
    return int(told) if told.isascii() and told.isdigit() and len(told) < 20 else None


def _delimited(response: "httpx.Response") -> bool:
    """Whether the end of the body can be told from a broken connection (RFC 9112, 6.3)."""
    return "content-length" in response.headers or "transfer-encoding" in response.headers or bool(_encoding(response))


def _header(response: "httpx.Response", name: str) -> str:
    """A header that may be sent back as it is; empty where it may not."""
    value = str(response.headers.get(name, ""))
    return value if value.isascii() and value.isprintable() and len(value) <= 1024 else ""


def _validators(response: "httpx.Response") -> Validators:
    return Validators(etag=_header(response, "etag"), last_modified=_header(response, "last-modified"))


def _conditions(validators: Validators | None) -> dict[str, str]:
    if validators is None:
        return {}
    given = {"If-None-Match": validators.etag, "If-Modified-Since": validators.last_modified}
    return {name: value for name, value in given.items() if value}


def _resumable(response: "httpx.Response") -> str:
    """The strong validator of a body, for If-Range (RFC 9110, 13.1.5); a date only where it is older than the answer."""
    if "none" in response.headers.get("accept-ranges", "").lower():
        return ""
    if tag := _header(response, "etag"):
        return tag if tag.startswith('"') else ""
    modified, sent = _date(_header(response, "last-modified")), _date(_header(response, "date"))
    if modified is not None and sent is not None and modified < sent:
        return _header(response, "last-modified")
    return ""


def _date(text: str) -> float | None:
    """Seconds since 1970 of an HTTP date, or None."""
    from datetime import UTC
    from email.utils import parsedate_to_datetime

    try:
        date = parsedate_to_datetime(text)
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError, OSError):
        return None


def _retry_after(response: "httpx.Response") -> float | None:
    told = response.headers.get("retry-after", "").strip()
    if told.isascii() and told.isdigit():
        return float(told[:12])
    date = _date(told)
    return None if date is None else max(0.0, date - time.time())


def _refusal(response: "httpx.Response", url: str, *, conditional: bool) -> Exception:
    """What a status other than the hoped-for one means."""
    code = response.status_code
    if code == 304 and conditional:
        return NotModified()
    what = f"status {code}{_phrase(code)}"
    if code in _PASSING or code >= 500:
        return _Again(what, wait=_retry_after(response))
    hints = {
        401: "Check the key or the credentials given for this service.",
        403: "Check that the key or the credentials given for this service may read prices.",
        407: "Check the proxy set in HTTPS_PROXY.",
    }
    return ServiceError(f"{_shown(url)}: {what}", hint=hints.get(code, CHANGED))


def _phrase(code: int) -> str:
    from http import HTTPStatus

    try:
        return f" ({HTTPStatus(code).phrase})"
    except ValueError:
        return ""


def _reason(error: Exception, timeout: float) -> str:
    """Why a connection failed, in words of our own: a library's text may quote what was sent."""
    import httpx

    if isinstance(error, httpx.TimeoutException):
        doing = "no connection" if isinstance(error, httpx.ConnectTimeout) else "no bytes"
        return f"{doing} within {timeout:g} seconds"
    if isinstance(error, httpx.RemoteProtocolError):
        return "the connection broke in the middle, or what came is not HTTP"
    if isinstance(error, httpx.ProxyError):
        return "the proxy refuses the connection"
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, OSError):
        cause = cause.__cause__ or cause.__context__
    detail = str(getattr(cause, "verify_message", "") or cause.strerror or "") if isinstance(cause, OSError) else ""
    doing = "no connection" if isinstance(error, httpx.ConnectError) else "the connection broke"
    return f"{doing}: {_plain(detail)}" if detail else doing


def _parsed(url: str) -> "httpx.URL":
    import httpx

    try:
        target = httpx.URL(url)
    except (httpx.InvalidURL, ValueError):
        raise ServiceError("a price API has an address that is none", hint=CHANGED) from None
    if not _reachable(target):
        raise ServiceError(f"{_shown(url)}: not an http or https address", hint=CHANGED)
    return target


def _redirected(start: "httpx.URL", location: str) -> "httpx.URL":
    """Where a redirect leads; it must not lose encryption, nor lead from the internet into a private network."""
    import httpx

    shown = _shown(str(start))
    try:
        target = start.join(location) if location else None
    except (httpx.InvalidURL, ValueError):
        target = None
    if target is None or not _reachable(target) or target.userinfo:
        raise ServiceError(f"{shown}: redirects to no address", hint=CHANGED)
    if start.scheme == "https" and target.scheme == "http":
        raise ServiceError(f"{shown}: redirects to an address without encryption", hint=CHANGED)
    if _private(target.host) and not _private(start.host):
        raise ServiceError(f"{shown}: redirects into a private network", hint=CHANGED)
    return target


def _reachable(url: "httpx.URL") -> bool:
    return url.scheme in ("http", "https") and re.fullmatch(rb"[0-9A-Za-z._~:-]+", url.raw_host) is not None


def _origin(url: "httpx.URL") -> tuple[str, bytes, int | None]:
    return url.scheme, url.raw_host.lower(), url.port


def _private(host: str) -> bool:
    """Whether a host is by its name or number not on the public internet, in any spelling a resolver takes."""
    import ipaddress
    import socket

    name = host.rstrip(".").lower()
    address: ipaddress.IPv4Address | ipaddress.IPv6Address
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        try:
            address = ipaddress.IPv4Address(socket.inet_aton(name))
        except (OSError, UnicodeError):
            return "." not in name or name.endswith((".localhost", ".local", ".internal", ".home.arpa"))
    inner = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return not (inner or address).is_global


def _shown(url: str) -> str:
    """An address for a message: scheme, host, port and path, nothing that could be a key."""
    import httpx

    try:
        target = httpx.URL(url)
    except (httpx.InvalidURL, ValueError):
        return "an address that is none"
    port = f":{target.port}" if target.port is not None else ""
    return _plain(f"{target.scheme}://{target.host}{port}{target.path}")


def _plain(text: str) -> str:
    """Text from outside that is fit for a terminal: one line, printable, not long."""
    made = "".join(sign if sign.isprintable() else "?" for sign in text)
    return made if len(made) <= 200 else f"{made[:199]}…"
