"""The HTTP client of the price sources against real servers that answer slowly, wrongly, in part or not at all."""

import gzip
import itertools
import json
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from email.utils import formatdate
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuguard.errors import ExitCode, ServiceError
from gpuguard.price.sources import http as module
from gpuguard.price.sources.base import NotModified, Validators
from gpuguard.price.sources.http import ChangedMidwayError, Http, same_origin, starting_over
from tests.price.sources.servers import Reply, Request, Server, as_json, zipped

TEXT = b"".join(b"row %06d, %d\n" % (number, number * 7919 % 104729) for number in range(9000))
ROWS = TEXT.splitlines()
OTHER = TEXT.replace(b"row", b"new")
TAG = {"ETag": '"v1"'}


class Item(msgspec.Struct):
    id: str
    usd: Decimal


class Items(msgspec.Struct):
    data: list[Item]


GOOD = {"data": [{"id": "a", "usd": 0.1, "more": None}]}


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        yield server


@pytest.fixture
def waits() -> list[float]:
    """The seconds the client slept between attempts."""
    return []


@pytest.fixture(scope="module")
def client() -> Iterator[Http]:
    """One client for all tests: it takes longer to make than most of them."""
    with Http(timeout=10) as client:
        yield client


@pytest.fixture
def http(client: Http, waits: list[float]) -> Http:
    client.sleep = waits.append
    return client


def read(http: Http, url: str, **more: Any) -> list[bytes]:
    with http.lines(url, **more) as lines:
        return list(lines)


def refused(call: Callable[[], object]) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        call()
    assert caught.value.exit_code == ExitCode.SERVICE
    assert caught.value.hint
    assert caught.value.message.isprintable()
    return caught.value


# --- JSON ---


def test_a_json_answer_is_decoded_exactly(server: Server, http: Http) -> None:
    body = b'{"data": [{"id": "g5", "usd": 1.00600000000000000000001, "else": {"deep": [1]}}]}'
    url = server.on("/v1", Reply(body, headers=TAG))
    answer = http.get(url, Items, params={"class": "gpu"}, headers={"X-Key": "k"})
    assert answer.value.data == [Item("g5", Decimal("1.00600000000000000000001"))]
    assert answer.validators == Validators(etag='"v1"')
    (request,) = server.requests
    assert request.query == {"class": "gpu"}
    assert request.headers["x-key"] == "k"
    assert request.headers["user-agent"].startswith("gpuguard/")


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(as_json(GOOD), id="with a length"),
        pytest.param(as_json(GOOD, framing="chunked"), id="in chunks"),
        pytest.param(as_json(GOOD, framing="close"), id="ended by the connection"),
        pytest.param(zipped(json.dumps(GOOD).encode()), id="compressed"),
        pytest.param(zipped(json.dumps(GOOD).encode(), framing="chunked"), id="compressed and in chunks"),
    ],
)
def test_every_framing_is_read(server: Server, http: Http, reply: Reply, waits: list[float]) -> None:
    assert http.get(server.on("/v1", reply), Items).value.data[0].id == "a"
    assert not waits


@pytest.mark.parametrize(
    ("body", "says"),
    [
        pytest.param(b'{"data": [{"id": "a"}]}', "$.data[0]", id="a field is missing"),
        pytest.param(b'{"data": [{"id": "a", "usd": 1}, {"id": 7, "usd": 1}]}', "$.data[1].id", id="another type"),
        pytest.param(b'{"data": {"id": "a", "usd": 1}}', "$.data", id="an object where a list was"),
        pytest.param(b'{"items": []}', "data", id="another name"),
        pytest.param(b'{"data": [}', "no valid JSON", id="broken JSON"),
        pytest.param(b"<html>come back later</html>", "no valid JSON", id="a page for people"),
        pytest.param(b'{"data": [{"id": "\xff\xfe", "usd": 1}]}', "no valid JSON", id="invalid UTF-8"),
        pytest.param(b"", "no valid JSON", id="an empty body"),
        pytest.param(b'{"data": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "shape", id="deep nesting"),
    ],
)
def test_an_answer_of_another_shape_is_refused(
    server: Server, http: Http, body: bytes, says: str, waits: list[float]
) -> None:
    error = refused(lambda: http.get(server.on("/v1/types", Reply(body)), Items))
    assert says in error.message
    assert f"{server.url}/v1/types" in error.message
    assert not waits, "asking again does not change a complete answer"


def test_deep_nesting_in_a_field_nobody_reads_is_no_crash(server: Server, http: Http) -> None:
    url = server.on("/v1", Reply(b'{"data": [], "x": ' + b"[" * 200_000 + b"]" * 200_000 + b"}"))
    try:
        assert http.get(url, Items).value.data == []
    except ServiceError as error:
        assert "no valid JSON" in error.message


def test_an_answer_beyond_the_limit_is_refused(server: Server, http: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BODY", 3 * 1024 * 1024)
    url = server.on("/v1", Reply(itertools.repeat(b" " * 65536), framing="chunked"))
    assert "larger than 3 MiB" in refused(lambda: http.get(url, Items)).message


def test_a_compressed_bomb_is_refused_while_it_unfolds(server: Server, http: Http) -> None:
    url = server.on("/v1", zipped(b" " * (module.MAX_BODY + 1024)))
    assert "larger than 64 MiB" in refused(lambda: http.get(url, Items)).message


def test_an_encoding_nobody_asked_for_is_refused(server: Server, http: Http) -> None:
    url = server.on("/v1", Reply(b"x", headers={"Content-Encoding": "br"}))
    assert "encoded as br" in refused(lambda: http.get(url, Items)).message
    assert "encoded as br" in refused(lambda: read(http, url)).message


# --- conditional requests ---


def test_validators_are_sent_back_and_nothing_changed_is_told(server: Server, http: Http) -> None:
    modified = "Wed, 01 Jul 2026 00:00:00 GMT"
    known = Validators(etag='"v1"', last_modified=modified)
    url = server.on("/v1", Reply(status=304))
    with pytest.raises(NotModified):
        http.get(url, Items, validators=known)
    with pytest.raises(NotModified), http.lines(url, validators=known):
        pass
    for request in server.requests:
        assert request.headers["if-none-match"] == '"v1"'
        assert request.headers["if-modified-since"] == modified


def test_a_changed_answer_brings_its_own_validators(server: Server, http: Http) -> None:
    url = server.on("/v1", as_json(GOOD, headers={"ETag": '"v2"', "Last-Modified": "Thu, 02 Jul 2026 00:00:00 GMT"}))
    answer = http.get(url, Items, validators=Validators(etag='"v1"'))
    assert answer.validators == Validators(etag='"v2"', last_modified="Thu, 02 Jul 2026 00:00:00 GMT")


@pytest.mark.parametrize("known", [None, Validators()], ids=["no validators", "empty validators"])
def test_not_modified_without_a_condition_is_an_error(server: Server, http: Http, known: Validators | None) -> None:
    url = server.on("/v1", Reply(status=304))
    assert "status 304" in refused(lambda: http.get(url, Items, validators=known)).message


def test_a_validator_that_cannot_be_sent_back_is_not_kept(server: Server, http: Http) -> None:
    url = server.on("/v1", as_json(GOOD, headers={"ETag": '"\xe9"', "Last-Modified": "x" * 2000}))
    assert http.get(url, Items).validators == Validators()


# --- failures that pass ---


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(Reply(status=429), id="too many requests"),
        pytest.param(Reply(status=500), id="internal error"),
        pytest.param(Reply(status=502), id="bad gateway"),
        pytest.param(Reply(status=503), id="unavailable"),
        pytest.param(Reply(status=408), id="request timeout"),
        pytest.param(Reply(reset=True), id="connection reset"),
        pytest.param(as_json(GOOD, told=9999), id="a length longer than the body"),
        pytest.param(as_json(GOOD, cut=9), id="a body cut before its length"),
        pytest.param(as_json(GOOD, cut=9, framing="chunked"), id="chunks cut"),
        pytest.param(as_json(GOOD, cut=9, framing="close"), id="JSON cut without a length to tell"),
        pytest.param(zipped(json.dumps(GOOD).encode(), cut=30), id="a compressed body cut before its length"),
        pytest.param(zipped(json.dumps(GOOD).encode(), cut=30, framing="close"), id="a compressed body cut"),
        pytest.param(Reply(gzip.compress(b"{}")[:-4], headers={"Content-Encoding": "gzip"}), id="no end of gzip"),
        pytest.param(Reply(b"not gzip at all", headers={"Content-Encoding": "gzip"}), id="damaged gzip"),
    ],
)
def test_what_may_pass_is_tried_again(server: Server, http: Http, bad: Reply, waits: list[float]) -> None:
    url = server.on("/v1", bad, bad, as_json(GOOD))
    assert http.get(url, Items).value.data[0].id == "a"
    assert len(server.requests) == 3
    assert 0.25 <= waits[0] <= 0.5
    assert 0.5 <= waits[1] <= 1


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        pytest.param(Reply(status=429), "status 429 (Too Many Requests)", id="too many requests"),
        pytest.param(Reply(status=503), "status 503 (Service Unavailable)", id="unavailable"),
        pytest.param(Reply(status=599), "status 599", id="a status without a name"),
        pytest.param(Reply(reset=True), "the connection broke", id="connection reset"),
        pytest.param(as_json(GOOD, cut=5), "broke in the middle", id="truncated"),
        pytest.param(zipped(b"{}", cut=10, framing="close"), "ends too early", id="truncated gzip"),
    ],
)
def test_attempts_are_bounded(server: Server, http: Http, reply: Reply, says: str, waits: list[float]) -> None:
    url = server.on("/v1", reply)
    error = refused(lambda: http.get(url, Items))
    assert says in error.message
    assert "tried 5 times" in error.message
    assert "unchanged" in error.hint
    assert len(server.requests) == 5
    assert len(waits) == 4
    server.requests.clear()
    assert "tried 5 times" in refused(lambda: read(http, url)).message
    assert len(server.requests) == 5


@pytest.mark.parametrize(
    ("status", "hint"),
    [
        pytest.param(400, "gpuguard", id="bad request"),
        pytest.param(401, "key", id="unauthorised"),
        pytest.param(403, "may read prices", id="forbidden"),
        pytest.param(404, "gpuguard", id="not found"),
        pytest.param(204, "gpuguard", id="no content"),
        pytest.param(206, "gpuguard", id="a part nobody asked for"),
    ],
)
def test_a_refusal_is_not_tried_again(server: Server, http: Http, status: int, hint: str) -> None:
    url = server.on("/v1", Reply(b"" if status == 204 else b"{}", status=status))
    error = refused(lambda: http.get(url, Items))
    assert f"status {status}" in error.message
    assert hint in error.hint
    refused(lambda: read(http, url))
    assert len(server.requests) == 2


def test_a_closed_port_is_told_as_such(waits: list[float]) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        with Http(attempts=3, sleep=waits.append) as http:
            error = refused(lambda: http.get(f"http://127.0.0.1:{port}/v1", Items))
    assert "no connection: Connection refused (tried 3 times)" in error.message
    assert len(waits) == 2


def test_an_answer_that_never_comes_ends_with_the_timeout(server: Server, waits: list[float]) -> None:
    url = server.on("/v1", Reply(delay=30), as_json(GOOD))
    with Http(timeout=0.2, sleep=waits.append) as http:
        assert http.get(url, Items).value.data[0].id == "a"
        assert len(waits) == 1
        server.on("/v1", Reply(delay=30))
        assert "no bytes within 0.2 seconds (tried 5 times)" in refused(lambda: http.get(url, Items)).message


def test_a_body_that_drips_counts_as_no_answer(server: Server, waits: list[float]) -> None:
    url = server.on("/v1", Reply(b" " * 2000, drip=0.02), as_json(GOOD))
    with Http(timeout=0.3, sleep=waits.append) as http:
        assert http.get(url, Items).value.data[0].id == "a"
    assert len(waits) == 1


@pytest.mark.parametrize(
    ("told", "least", "most"),
    [
        pytest.param("7", 7, 7, id="seconds"),
        pytest.param("86400", 120, 120, id="a day is cut to two minutes"),
        pytest.param("9" * 400, 120, 120, id="an absurd number is cut too"),
        pytest.param("0", 0.25, 0.5, id="zero still backs off"),
        pytest.param("-5", 0.25, 0.5, id="a negative number is not understood"),
        pytest.param("soon", 0.25, 0.5, id="a word is not understood"),
        pytest.param("Wed, 21 Oct 2015 07:28:00 GMT", 0.25, 0.5, id="a date gone by"),
        pytest.param("Fri, 31 Dec 9999 23:59:59 GMT", 120, 120, id="a date far ahead"),
    ],
)
def test_retry_after_is_honoured_within_reason(
    server: Server, http: Http, waits: list[float], told: str, least: float, most: float
) -> None:
    http.get(server.on("/v1", Reply(status=429, headers={"Retry-After": told}), as_json(GOOD)), Items)
    assert least <= waits[0] <= most


def test_retry_after_as_a_date_is_the_time_until_then(server: Server, http: Http, waits: list[float]) -> None:
    def busy(request: Request) -> Reply:
        return Reply(status=503, headers={"Retry-After": formatdate(time.time() + 60, usegmt=True)})

    http.get(server.on("/v1", busy, as_json(GOOD)), Items)
    assert 1 < waits[0] <= 60


# --- lines ---


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(Reply(status=429), id="too many requests"),
        pytest.param(Reply(status=503), id="unavailable"),
        pytest.param(Reply(reset=True), id="connection reset"),
        pytest.param(Reply(TEXT, told=len(TEXT) + 1), id="a length longer than the body"),
        pytest.param(Reply(TEXT, cut=0), id="no body at all"),
        pytest.param(Reply(TEXT, cut=99), id="a body cut before its length"),
        pytest.param(Reply(TEXT, cut=99, framing="chunked"), id="chunks cut"),
        pytest.param(zipped(TEXT, cut=99), id="a compressed body cut before its length"),
        pytest.param(zipped(TEXT, cut=9999, framing="close"), id="a compressed body cut"),
        pytest.param(Reply(gzip.compress(TEXT)[:-4], headers={"Content-Encoding": "gzip"}), id="no end of gzip"),
        pytest.param(Reply(b"not gzip at all", headers={"Content-Encoding": "gzip"}), id="no gzip"),
    ],
)
def test_a_file_survives_failures_that_pass(server: Server, http: Http, bad: Reply, waits: list[float]) -> None:
    url = server.on("/rows", bad, bad, Reply(TEXT))
    assert read(http, url) == ROWS
    assert len(server.requests) == 3
    assert len(waits) == 2


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        pytest.param(b"", [], id="an empty file"),
        pytest.param(b"a\nb\n", [b"a", b"b"], id="plain ends"),
        pytest.param(b"a\r\nb\r\n", [b"a", b"b"], id="Windows ends"),
        pytest.param(b"a\n\n\nb\n", [b"a", b"", b"", b"b"], id="empty lines are lines"),
        pytest.param(b"a\nb", [b"a", b"b"], id="a last line without an end in a body that is complete"),
        pytest.param(b"\n", [b""], id="one empty line"),
        pytest.param("é\n\x85\u2028\n".encode(), ["é".encode(), "\x85\u2028".encode()], id="only line feeds end lines"),
    ],
)
def test_lines_come_without_their_ends(server: Server, http: Http, body: bytes, lines: list[bytes]) -> None:
    for reply in (Reply(body), Reply(body, framing="chunked"), zipped(body)):
        assert read(http, server.on("/rows", reply)) == lines


@given(pieces=st.lists(st.binary(max_size=40).map(lambda raw: raw.replace(b"z", b"\n").replace(b"y", b"\r\n"))))
def test_lines_do_not_depend_on_how_a_body_is_cut_into_pieces(client: Http, pieces: list[bytes]) -> None:
    body = b"".join(pieces)
    expected = [line.removesuffix(b"\r") for line in body.split(b"\n")]
    if not body or body.endswith(b"\n"):
        expected.pop()
    lines = module.Lines(client, "https://example.com/rows", {})
    lines._pieces = lambda: iter(pieces)  # type: ignore[method-assign] # what the network would bring
    assert list(lines) == expected


def flaky(*cuts: int, **more: Any) -> Callable[[Request], Reply]:
    """Answers with the text, each time cut after so many bytes of what was asked for; whole in the end."""
    left = list(cuts)

    def answer(request: Request) -> Reply:
        return Reply(**{"body": TEXT, "cut": left.pop(0) if left else None, "headers": TAG, "ranges": True, **more})

    return answer


def test_a_broken_file_is_taken_up_where_it_broke(server: Server, http: Http, waits: list[float]) -> None:
    url = server.on("/rows", flaky(1000, 50_000, 7))
    assert read(http, url) == ROWS
    asked = [(request.headers.get("range"), request.headers.get("if-range")) for request in server.requests]
    assert asked[0] == (None, None)
    assert asked[1] == ("bytes=1000-", '"v1"')
    assert asked[2] == ("bytes=51000-", '"v1"')
    assert asked[3] == ("bytes=51007-", '"v1"')
    assert len(waits) == 3


def test_a_compressed_file_is_taken_up_in_the_middle_of_its_compression(server: Server, http: Http) -> None:
    body = gzip.compress(TEXT, mtime=0)
    url = server.on("/rows", flaky(1000, 9000, body=body, headers={**TAG, "Content-Encoding": "gzip"}))
    assert read(http, url) == ROWS
    assert server.requests[2].headers["range"] == "bytes=10000-"


def test_a_date_older_than_the_answer_resumes_a_file_without_a_tag(server: Server, http: Http) -> None:
    modified = "Wed, 01 Jul 2020 00:00:00 GMT"
    url = server.on("/rows", flaky(1000, headers={"Last-Modified": modified}))
    assert read(http, url) == ROWS
    assert server.requests[1].headers["if-range"] == modified


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"ranges": False}, id="the server ignores ranges"),
        pytest.param({"headers": {}}, id="the file has no tag"),
        pytest.param({"headers": {"ETag": 'W/"v1"'}}, id="the tag is weak"),
        pytest.param({"headers": {**TAG, "Accept-Ranges": "none"}}, id="the server takes no ranges"),
        pytest.param({"headers": {}, "framing": "chunked"}, id="in chunks without a tag"),
    ],
)
def test_a_file_that_cannot_be_resumed_is_read_anew_and_nothing_comes_twice(
    server: Server, http: Http, more: Mapping[str, Any]
) -> None:
    url = server.on("/rows", flaky(70_000, 1000, 120_001, **more))
    assert read(http, url) == ROWS
    assert len(server.requests) == 4


def test_a_file_read_anew_may_break_again_before_the_place_it_had_reached(server: Server, http: Http) -> None:
    first = Reply(TEXT, cut=90_000, headers=TAG)
    url = server.on("/rows", first, Reply(TEXT, cut=5000, headers=TAG), Reply(TEXT, headers=TAG, ranges=True))
    assert read(http, url) == ROWS
    assert server.requests[2].headers["range"] == "bytes=5000-"


@pytest.mark.parametrize(
    "second",
    [
        pytest.param(Reply(OTHER, headers={"ETag": '"v2"'}, ranges=True), id="another tag"),
        pytest.param(Reply(OTHER, headers=TAG), id="the same tag over another text"),
        pytest.param(Reply(TEXT[:400], headers={"ETag": '"v2"'}), id="a shorter file"),
        pytest.param(Reply(status=416), id="out of range"),
        pytest.param(
            Reply(OTHER[1000:], status=206, headers={**TAG, "Content-Range": f"bytes 0-9/{len(TEXT)}"}),
            id="another part than was asked for",
        ),
        pytest.param(
            Reply(
                OTHER[1000:],
                status=206,
                headers={"ETag": '"v2"', "Content-Range": f"bytes 1000-{len(TEXT) - 1}/{len(TEXT)}"},
            ),
            id="the right part of another file",
        ),
        pytest.param(
            Reply(OTHER[1000:], status=206, headers={**TAG, "Content-Range": f"bytes 1000-{len(TEXT)}/9{len(TEXT)}"}),
            id="a part of a file of another size",
        ),
        pytest.param(Reply(OTHER[1000:], status=206, headers=TAG), id="a part that does not tell where it stands"),
    ],
)
def test_a_file_replaced_midway_is_never_mixed_and_can_be_started_over(
    server: Server, http: Http, second: Reply
) -> None:
    whole = Reply(OTHER, headers={"ETag": '"v2"'}, ranges=True)
    url = server.on("/rows", Reply(TEXT, cut=1000, headers=TAG), second, whole)
    got: list[bytes] = []
    with pytest.raises(ChangedMidwayError, match="changed while it was read") as caught, http.lines(url) as lines:
        got.extend(lines)
    assert caught.value.exit_code == ExitCode.SERVICE
    assert got == ROWS[: len(got)], "what was given is the old file only"
    url = server.on("/rows", Reply(TEXT, cut=1000, headers=TAG), second, whole)
    assert starting_over(lambda: read(http, url)) == OTHER.splitlines()


def test_a_file_damaged_in_its_compression_can_be_started_over(server: Server, http: Http) -> None:
    damaged = gzip.compress(TEXT)[:9999] + b"damage" * 99
    bad = Reply(damaged, headers={**TAG, "Content-Encoding": "gzip"})
    url = server.on("/rows", bad, Reply(TEXT, headers=TAG, ranges=True))
    assert starting_over(lambda: read(http, url)) == ROWS


def test_starting_over_is_bounded(server: Server, http: Http) -> None:
    begun = Reply(TEXT, cut=1000, headers=TAG)
    url = server.on("/rows", *[begun, Reply(OTHER)] * 4)
    with pytest.raises(ChangedMidwayError):
        starting_over(lambda: read(http, url))
    assert len(server.requests) == 6


def test_a_file_that_only_grew_is_read_to_its_new_end(server: Server, http: Http) -> None:
    url = server.on("/rows", flaky(1000), Reply(TEXT + b"one more\n", headers={"ETag": '"v2"'}, ranges=True))
    with http.lines(url) as lines:
        assert list(lines) == [*ROWS, b"one more"]
        assert lines.validators == Validators(etag='"v2"')


def test_a_server_that_gives_a_range_in_parts_is_asked_for_the_rest(server: Server, http: Http) -> None:
    def part(request: Request) -> Reply:
        start = int(request.headers.get("range", "bytes=0-")[6:-1])
        if not start:
            return Reply(TEXT, cut=1000, headers=TAG)
        end = min(start + 60_000, len(TEXT))
        headers = {**TAG, "Content-Range": f"bytes {start}-{end - 1}/{len(TEXT)}"}
        return Reply(TEXT[start:end], status=206, headers=headers)

    assert read(http, server.on("/rows", part)) == ROWS


def test_a_file_cut_without_a_length_to_tell_is_noticed_by_its_last_line(server: Server, http: Http) -> None:
    cut = Reply(TEXT, framing="close", cut=len(ROWS[0]) + 4)
    assert read(http, server.on("/rows", cut, Reply(TEXT, framing="close"))) == ROWS
    assert "middle of a line" in refused(lambda: read(http, server.on("/rows", cut))).message


def test_a_long_file_may_break_more_often_than_a_short_one(
    server: Server, http: Http, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = server.on("/rows", flaky(*[20_000] * 8))
    refused(lambda: read(http, url))
    monkeypatch.setattr(module, "_PROGRESS", 10_000)
    url = server.on("/rows", flaky(*[20_000] * 8))
    assert read(http, url) == ROWS


def test_a_line_beyond_the_limit_is_refused(server: Server, http: Http) -> None:
    endless = Reply(itertools.chain([b"a\n"], itertools.repeat(b"x" * 65536)), framing="chunked")
    assert "a line is longer than 1024 KiB" in refused(lambda: read(http, server.on("/rows", endless))).message
    bomb = zipped(b"a\n" + b"x" * 50_000_000)
    assert "a line is longer than 1024 KiB" in refused(lambda: read(http, server.on("/rows", bomb))).message


def test_a_file_beyond_the_limit_is_refused(server: Server, http: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_FILE", 1024 * 1024)
    url = server.on("/rows", zipped(b"\n" * 2_000_000))
    assert "the file is larger than" in refused(lambda: read(http, url)).message


def test_gzip_of_several_members_is_read_whole(server: Server, http: Http) -> None:
    body = gzip.compress(TEXT[:5000]) + gzip.compress(TEXT[5000:])
    url = server.on("/rows", Reply(body, headers={"Content-Encoding": "gzip"}))
    assert read(http, url) == ROWS


def test_leaving_a_file_early_ends_its_connection(server: Server, http: Http) -> None:
    sent = 0

    def endless() -> Iterable[bytes]:
        nonlocal sent
        while True:
            sent += 1
            yield b"row\n" * 1000

    url = server.on("/rows", Reply(endless(), framing="chunked"))
    with http.lines(url) as lines:
        assert next(iter(lines)) == b"row"
    assert sent < 100_000


def test_progress_tells_bytes_and_the_whole(server: Server, waits: list[float]) -> None:
    told: list[tuple[int, int | None]] = []
    with Http(sleep=waits.append, progress=lambda done, total: told.append((done, total))) as http:
        read(http, server.on("/rows", flaky(50_000)))
        assert [done for done, _ in told] == sorted(done for done, _ in told), "a resumed file goes on, not back"
        read(http, server.on("/rows", Reply(TEXT, framing="chunked")))
    assert (len(TEXT), len(TEXT)) in told
    assert told[-1] == (len(TEXT), None)


# --- redirects ---


def test_redirects_are_followed(server: Server, http: Http) -> None:
    url = server.on("/old", Reply(status=302, headers={"Location": "/new?page=2"}))
    server.on("/new", as_json(GOOD))
    assert http.get(url, Items, headers={"X-Key": "k"}).value.data[0].id == "a"
    assert server.requests[1].query == {"page": "2"}
    assert server.requests[1].headers["x-key"] == "k"


def test_a_key_does_not_follow_a_redirect_to_another_host(server: Server, http: Http) -> None:
    with Server() as other:
        other.on("/v1", as_json(GOOD))
        url = server.on("/v1", Reply(status=307, headers={"Location": f"{other.url}/v1"}))
        answer = http.get(url, Items, headers={"X-Key": "k"}, validators=Validators(etag='"v1"'))
        assert answer.value.data[0].id == "a"
        assert "x-key" not in other.requests[0].headers
        assert other.requests[0].headers["if-none-match"] == '"v1"'


def test_a_file_is_resumed_through_a_redirect(server: Server, http: Http) -> None:
    with Server() as other:
        other.on("/rows", flaky(1000))
        assert read(http, server.on("/rows", Reply(status=302, headers={"Location": f"{other.url}/rows"}))) == ROWS
        assert other.requests[1].headers["range"] == "bytes=1000-"


@pytest.mark.parametrize(
    ("location", "says"),
    [
        pytest.param("/v1", "more than 5 redirects", id="in circles"),
        pytest.param("", "no address", id="without an address"),
        pytest.param("file:///etc/passwd", "no address", id="to a file"),
        pytest.param("ftp://example.com/v1", "no address", id="to another protocol"),
        pytest.param("http://[half/v1", "no address", id="to half an address"),
        pytest.param("http://user:secret@127.0.0.1/v1", "no address", id="with a password"),
    ],
)
def test_a_redirect_that_leads_nowhere_is_refused(server: Server, http: Http, location: str, says: str) -> None:
    url = server.on("/v1", Reply(status=302, headers={"Location": location}))
    error = refused(lambda: http.get(url, Items))
    assert says in error.message
    assert "secret" not in error.message


@pytest.mark.parametrize(
    ("start", "location", "says"),
    [
        pytest.param("https://example.com/a", "http://example.com/a", "without encryption", id="losing encryption"),
        pytest.param("https://example.com/a", "https://localhost/a", "private network", id="localhost"),
        pytest.param("https://example.com/a", "https://localhost./a", "private network", id="localhost with a dot"),
        pytest.param("https://example.com/a", "https://127.0.0.1/a", "private network", id="loopback"),
        pytest.param("https://example.com/a", "https://127.1/a", "private network", id="loopback in short"),
        pytest.param("https://example.com/a", "https://2130706433/a", "private network", id="loopback as a number"),
        pytest.param("https://example.com/a", "https://0x7f000001/a", "private network", id="loopback in hexadecimal"),
        pytest.param("https://example.com/a", "https://[::1]/a", "private network", id="loopback of IPv6"),
        pytest.param("https://example.com/a", "https://[::ffff:10.0.0.1]/a", "private network", id="private in IPv6"),
        pytest.param("https://example.com/a", "https://10.1.2.3/a", "private network", id="private"),
        pytest.param("https://example.com/a", "https://169.254.169.254/a", "private network", id="metadata service"),
        pytest.param(
            "https://example.com/a", "https://metadata.google.internal/", "private network", id="metadata name"
        ),
        pytest.param("https://example.com/a", "https://intranet/a", "private network", id="a name without a domain"),
        pytest.param("http://127.0.0.1/a", "http://localhost/a", "", id="within a private network is fine"),
        pytest.param("http://example.com/a", "https://example.com/a", "", id="gaining encryption is fine"),
        pytest.param("https://example.com/a", "//cdn.example.com/b", "", id="another public host is fine"),
        pytest.param("https://example.com/a", "https://8.8.8.8/b", "", id="a public number is fine"),
    ],
)
def test_a_redirect_keeps_encryption_and_stays_outside_private_networks(start: str, location: str, says: str) -> None:
    import httpx

    if says:
        assert says in refused(lambda: module._redirected(httpx.URL(start), location)).message
    else:
        assert module._redirected(httpx.URL(start), location).path in ("/a", "/b")


# --- page links ---


@pytest.mark.parametrize(
    ("endpoint", "link", "target"),
    [
        pytest.param(
            "https://a.example.com/v1", "https://a.example.com/v1?p=2", "https://a.example.com/v1?p=2", id="same"
        ),
        pytest.param("https://a.example.com/v1", "/v2?p=2", "https://a.example.com/v2?p=2", id="relative"),
        pytest.param(
            "https://a.example.com", "https://A.example.com:443/x", "https://a.example.com/x", id="default port"
        ),
        pytest.param("http://127.0.0.1:8080", "http://127.0.0.1:8080/x", "http://127.0.0.1:8080/x", id="odd port"),
    ],
)
def test_a_page_link_on_the_same_origin_is_followed(endpoint: str, link: str, target: str) -> None:
    assert same_origin(endpoint, link) == target


@pytest.mark.parametrize(
    "link",
    [
        pytest.param("https://b.example.com/v1", id="another host"),
        pytest.param("https://a.example.com.evil.example/v1", id="a longer host"),
        pytest.param("http://a.example.com/v1", id="another scheme"),
        pytest.param("https://a.example.com:8443/v1", id="another port"),
        pytest.param("https://user:secret@a.example.com/v1", id="a user"),
        pytest.param("https://a.example.com@b.example.com/v1", id="a user that looks like the host"),
        pytest.param("https://a.example.com\\@b.example.com/v1", id="a backslash"),
        pytest.param("//b.example.com/v1", id="another host without a scheme"),
        pytest.param("javascript:alert(1)", id="a script"),
        pytest.param("http://[half", id="half an address"),
        pytest.param("https://a.example.com/\x00", id="a control character"),
    ],
)
def test_a_page_link_that_leads_elsewhere_is_refused(link: str) -> None:
    assert "secret" not in refused(lambda: same_origin("https://a.example.com/v1", link)).message


# --- secrets and settings ---


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(Reply(b"SECRET refused", status=403), id="refused"),
        pytest.param(Reply(status=500, headers={"X-Echo": "SECRET"}), id="failing"),
        pytest.param(Reply(reset=True), id="reset"),
        pytest.param(Reply(b'{"data": 1, "key": "SECRET"}'), id="another shape"),
        pytest.param(Reply(b"SECRET"), id="no JSON"),
        pytest.param(as_json(GOOD, cut=3), id="truncated"),
        pytest.param(Reply(status=302, headers={"Location": "/v1?key=SECRET"}), id="redirected in circles"),
        pytest.param(Reply(status=302, headers={"Location": "gopher://SECRET"}), id="redirected nowhere"),
        pytest.param(Reply(b"x", headers={"Content-Encoding": "br"}), id="another encoding"),
        pytest.param(Reply(b"x" * 2_000_000 + b"SECRET"), id="a long line"),
    ],
)
def test_keys_never_stand_in_a_message(server: Server, http: Http, reply: Reply) -> None:
    url = server.on("/v1", reply).replace("http://", "http://SECRET:SECRET@") + "?key=SECRET#SECRET"
    headers = {"Authorization": "Bearer SECRET"}
    calls: list[Callable[[], object]] = [
        lambda: http.get(url, Items, params={"key": "SECRET"}, headers=headers),
        lambda: read(http, url, headers=headers) and refused(lambda: same_origin("http://example.com", url)),
    ]
    for call in calls:
        try:
            call()
        except ServiceError as error:
            assert "SECRET" not in f"{error.message} {error.hint} {error.details}"
            assert error.__cause__ is None


@pytest.mark.parametrize("key", ["SECRET\n", "SECRET\r\nX-Other: 1", "SECRET\x00", "SECRETé"])
def test_a_key_that_is_no_header_is_told_without_quoting_it(server: Server, http: Http, key: str) -> None:
    url = server.on("/v1", as_json(GOOD))
    error = refused(lambda: http.get(url, Items, headers={"X-Key": key}))
    assert "header" in error.message
    assert "SECRET" not in error.message + error.hint
    assert not server.requests


@pytest.mark.parametrize("url", ["", "example.com/v1", "ftp://example.com", "http://", "http://[half", "http://a:b:c/"])
def test_an_address_that_is_none_is_refused(http: Http, url: str) -> None:
    refused(lambda: http.get(url, Items))
    refused(lambda: read(http, url))


@pytest.mark.parametrize(
    ("name", "value"), [("HTTPS_PROXY", "nonsense://user:SECRET@proxy"), ("SSL_CERT_FILE", "missing.pem")]
)
def test_unusable_settings_of_the_environment_are_told(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    error = refused(Http)
    assert name in error.hint
    assert "SECRET" not in error.message + error.hint


# --- whole files ---


def test_a_file_is_saved_whole_although_the_connection_breaks(server: Server, http: Http, tmp_path: Path) -> None:
    body = bytes(range(256)) * 4000
    url = server.on("/file", Reply(body, headers=TAG, ranges=True, cut=300_000), Reply(body, headers=TAG, ranges=True))
    http.save(url, tmp_path / "file", most_bytes=len(body))
    assert (tmp_path / "file").read_bytes() == body


def test_a_file_that_is_too_large_is_refused(server: Server, http: Http, tmp_path: Path) -> None:
    url = server.on("/file", Reply(b"x" * 1001))
    with pytest.raises(ServiceError, match="larger than"):
        http.save(url, tmp_path / "file", most_bytes=1000)
