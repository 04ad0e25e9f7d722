"""How bytes come from files, pipes and packed data, and how far they are read."""

import gzip
import io
import sys
from pathlib import Path

import pytest

from gpuguard.errors import InputError
from gpuguard.read import source
from gpuguard.read.source import read_bytes

PLAN = b'{"format_version":"1.2"}'


class Endless(io.RawIOBase):
    """A stream without end; it counts what was taken from it."""

    def __init__(self, start: bytes, rest: bytes) -> None:
        self.start, self.rest, self.taken = start, rest, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override] # of any writable buffer
        size = len(buffer)
        text = self.start + self.rest * (size // len(self.rest) + 1) if self.taken == 0 else self.rest * (size + 1)
        buffer[:] = text[:size]
        self.taken += size
        return size


def standard_input(monkeypatch: pytest.MonkeyPatch, stream: io.RawIOBase) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(stream)))


@pytest.mark.parametrize("start", [b"\0\0", b"x", b"resource ", b"\x1b[1m", b"\x7fELF"], ids=repr)
def test_what_cannot_be_json_is_read_no_further_than_its_start(start: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Endless(start, b"x")
    standard_input(monkeypatch, stream)
    assert read_bytes("-").startswith(start)
    assert stream.taken <= 4 * 1024**2


@pytest.mark.parametrize("start", [b"{", b"[", b" \n"], ids=["an object", "an array", "white space"])
def test_what_may_be_json_is_read_to_the_bound(start: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "MAX_BYTES", 8 * 1024**2)
    stream = Endless(start, b" ")
    standard_input(monkeypatch, stream)
    with pytest.raises(InputError, match="larger than"):
        read_bytes("-")
    assert stream.taken <= 16 * 1024**2


def test_a_file_above_the_bound_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "sparse.json"
    with path.open("wb") as file:
        file.truncate(source.MAX_BYTES + 1)
    with pytest.raises(InputError, match="larger than 4 GiB"):
        read_bytes(str(path))


def test_packed_data_is_unpacked_no_further_than_the_bound(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(source, "_MOST_UNCHECKED", 4 * 1024**2)
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(b"{" + b" " * (64 * 1024**2)))
    with pytest.raises(InputError, match="unpacks to far more"):
        read_bytes(str(path))


def test_a_plan_of_alike_resources_is_no_bomb(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Thousands of instances that differ in their index alone pack to a hundredth, not to a thousandth."""
    monkeypatch.setattr(source, "_MOST_UNCHECKED", 0)
    text = (
        b"["
        + b",".join(b'{"address":"aws_instance.node[%d]","instance_type":"g5.xlarge"}' % i for i in range(20_000))
        + b"]"
    )
    path = tmp_path / "plan.json.gz"
    path.write_bytes(gzip.compress(text, 9))
    assert read_bytes(str(path)) == text


def test_a_closed_standard_input_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(InputError, match="standard input is closed"):
        read_bytes("-")


@pytest.mark.parametrize("members", [1, 2, 5])
@pytest.mark.parametrize("padding", [b"", bytes(1000)], ids=["end", "padding"])
def test_all_members_of_a_gzip_file_are_one_text(members: int, padding: bytes, tmp_path: Path) -> None:
    path = tmp_path / "plan.json.gz"
    size = -(-len(PLAN) // members)
    path.write_bytes(b"".join(gzip.compress(PLAN[at : at + size]) for at in range(0, len(PLAN), size)) + padding)
    assert read_bytes(str(path)) == PLAN
