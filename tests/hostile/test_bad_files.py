"""Inputs that are no plan at all, as they come about in practice and in malice, through the real command line."""

import gzip
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.hostile.plans import FIXTURES, broad_plan, change, instance, plan, written
from tests.hostile.run import ROOT, Outcome, assert_refused, environment, gpuguard, memory_limit, process

GOOD = written(plan(instance()))
HCL = b'# machines\nresource "aws_instance" "gpu" {\n  instance_type = "g5.xlarge"\n}\n'
STATE_4 = {"version": 4, "terraform_version": "1.9.5", "serial": 1, "lineage": "x", "outputs": {}, "resources": []}


def raw_state(*instances: Any, **more: Any) -> bytes:
    resource = {"mode": "managed", "type": "aws_instance", "name": "gpu", "instances": list(instances), **more}
    return written(STATE_4 | {"resources": [resource]})


def nested(depth: int, opening: str, closing: str, inner: str = "1") -> str:
    return opening * depth + inner + closing * depth


def deep(where: str, depth: int) -> bytes:
    """A plan that nests so deep in one of its sections."""
    value = nested(depth, "[", "]")
    texts = {
        "an attribute": written(plan(instance(after={"x": "HERE"}))).replace(b'"HERE"', value.encode()),
        "an object attribute": written(plan(instance(after={"x": "HERE"}))).replace(
            b'"HERE"', nested(depth, '{"a":', "}").encode()
        ),
        "a configuration expression": written(
            plan(instance(), configuration={"root_module": {"resources": [{"expressions": "HERE"}]}})
        ).replace(b'"HERE"', value.encode()),
        "the modules of the prior state": written(plan(instance(), prior_state="HERE")).replace(
            b'"HERE"', b'{"values":{"root_module":' + nested(depth, '{"child_modules":[', "]}", "{}").encode() + b"}}"
        ),
        "the module calls": written(plan(instance(), configuration={"root_module": "HERE"})).replace(
            b'"HERE"', nested(depth, '{"module_calls":{"a":{"module":', "}}}", "{}").encode()
        ),
        "a member nobody reads": written(plan(instance(), checks="HERE")).replace(b'"HERE"', value.encode()),
    }
    return texts[where]


REFUSED: dict[str, tuple[bytes, tuple[str, ...]]] = {
    "an empty file": (b"", ("empty",)),
    "nothing but white space": (b" \n\t\r\n ", ("empty",)),
    "a byte order mark and nothing else": (b"\xef\xbb\xbf", ("empty",)),
    "a gzip of nothing": (gzip.compress(b""), ("empty",)),
    "a number": (b"42", ("not an object",)),
    "a string": (b'"plan"', ("not an object",)),
    "an array": (b"[]", ("not an object",)),
    "null": (b"null", ("not an object",)),
    "an empty object": (b"{}", ("format_version",)),
    "an unquoted key": (b"{format_version: 1}", ("line 1 column 2",)),
    "a trailing comma": (GOOD[:-1] + b",}", ("not valid JSON",)),
    "two documents": (GOOD + b"\n" + GOOD, ("not valid JSON at line 2",)),
    "garbage after the plan": (GOOD + b"\0\0\0", ("not valid JSON",)),
    "NaN": (GOOD.replace(b'"g5.xlarge"', b"NaN"), ("not valid JSON",)),
    "Infinity": (GOOD.replace(b'"g5.xlarge"', b"-Infinity"), ("not valid JSON",)),
    "a raw newline in a string": (GOOD.replace(b"g5.xlarge", b"g5\nxlarge"), ("not valid JSON",)),
    "a bad escape": (GOOD.replace(b"g5.xlarge", rb"g5\xlarge"), ("not valid JSON",)),
    "half a surrogate pair in a value": (GOOD.replace(b"g5.xlarge", rb"g5\ud800large"), ("surrogate",)),
    "half a surrogate pair in a name": (GOOD.replace(b"aws_instance.gpu", rb"aws_instance.\udfffpu"), ("surrogate",)),
    "half a surrogate pair at the end of a string": (GOOD.replace(b"xlarge", rb"xlarge\ud8aa"), ("surrogate",)),
    "Latin-1 in an address": (GOOD.replace(b"aws_instance.gpu", b"aws_instance.\xe9\xe8"), ("not valid",)),
    "Latin-1 in a member of the frame": (GOOD.replace(b"1.9.5", b"1.9\xe9"), ("not valid",)),
    "HCL": (HCL, ("HCL",)),
    "HCL that begins with a block comment": (b"/* c */\nterraform {\n}\n", ("HCL",)),
    "YAML": (b"resource_changes:\n  - address: x\n", ("text",)),
    "the text of a plan": (b"\nTerraform will perform the following actions:\n\n  # aws_instance.gpu\n", ("text",)),
    "the text of a plan in colours": (b"\x1b[1mTerraform will perform\x1b[0m the actions:\n", ("text",)),
    "an error of terraform": ("╷\n│ Error: No state file\n╵\n".encode(), ("text",)),
    "the messages of a plan": (
        b'{"@level":"info","@message":"Terraform 1.9.5","type":"version"}\n{"@level":"info","type":"planned_change"}\n',
        ("messages of `terraform plan -json`",),
    ),
    "one message of a plan": (b'{"@level":"info","@message":"Terraform 1.9.5"}', ("messages of `terraform plan",)),
    "a binary plan file": (b"PK\x03\x04\x14\x00\x08\x00tfplan" + bytes(100), ("binary plan",)),
    "a program": (b"\x7fELF\x02\x01\x01" + bytes(100), ("binary",)),
    "provider schemas": (b'{"format_version":"1.0","provider_schemas":{}}', ("provider schemas",)),
    "an Infracost report": (b'{"version":"0.2","currency":"USD","projects":[]}', ("Infracost",)),
    "a report of gpuguard": (b'{"schema_version":"1","resources":[]}', ("gpuguard diff",)),
    "a state of version 3": (b'{"version":3,"serial":1,"modules":[]}', ("before 0.12",)),
    "a state of version 5": (written(STATE_4 | {"version": 5}), ("version 5",)),
    "a state whose version is text": (written(STATE_4 | {"version": "4"}), ("version",)),
    "a state whose resources are an object": (written(STATE_4 | {"resources": {}}), ("resources",)),
    "a state whose resource has no type": (written(STATE_4 | {"resources": [{"name": "x"}]}), ("type",)),
    "a state whose instances are text": (
        written(STATE_4 | {"resources": [{"type": "t", "name": "x", "instances": "x"}]}),
        ("instances",),
    ),
    "a state whose index is an object": (raw_state({"index_key": {}, "attributes": {}}), ("index_key",)),
    "a state that lists an instance twice": (raw_state({"attributes": {}}, {"attributes": {}}), ("twice",)),
    "a later major format": (written(plan() | {"format_version": "2.0"}), ("2.0",)),
    "an empty format version": (written(plan() | {"format_version": ""}), ("format_version",)),
    "a format version that is a number": (written(plan() | {"format_version": 1}), ("format_version",)),
    "a format version of words": (written(plan() | {"format_version": "one.two"}), ("format_version",)),
    "a format version of null": (written(plan() | {"format_version": None}), ("format_version",)),
    "resource changes that are an object": (written(plan() | {"resource_changes": {}}), ("resource_changes",)),
    "a resource change that is null": (written(plan(None)), ("resource_changes[0]",)),
    "a resource change that is text": (written(plan(instance(), "x")), ("resource_changes[1]",)),
    "a resource without an address": (written(plan({"type": "x", "change": {"actions": []}})), ("address",)),
    "an address of no length": (written(plan(instance() | {"address": ""})), ("no address",)),
    "an address that is a number": (written(plan(instance() | {"address": 7})), ("address",)),
    "a change that is null": (written(plan(instance() | {"change": None})), ("change",)),
    "actions that are text": (written(plan(instance() | {"change": {"actions": "create"}})), ("actions",)),
    "an index that is an array": (written(plan(instance() | {"index": [1]})), ("index",)),
    "a resource listed twice": (written(plan(instance(), instance())), ("aws_instance.gpu is listed twice",)),
    "a deposed object listed twice": (
        written(plan(instance() | {"deposed": "00000001"}, instance() | {"deposed": "00000001"})),
        ("twice",),
    ),
    "planned values without resource changes": (
        written(
            {
                "format_version": "1.2",
                "planned_values": {"root_module": {"resources": [{"address": "a.b", "type": "a"}]}},
            }
        ),
        ("`resource_changes` has none",),
    ),
    "planned values in a module without resource changes": (
        written(
            plan()
            | {"planned_values": {"root_module": {"child_modules": [{"resources": [{"address": "a.b", "type": "a"}]}]}}}
        ),
        ("`resource_changes` has none",),
    ),
    "a configuration that is text where it is needed": (
        written(
            plan(
                change("aws_instance", "gpu", {}, after_unknown={"instance_type": True}),
                configuration={"root_module": "everything"},
            )
        ),
        ("configuration",),
    ),
    "a truncated gzip": (gzip.compress(GOOD)[:-9], ("truncated gzip",)),
    "a gzip cut in its header": (gzip.compress(GOOD)[:4], ("truncated gzip",)),
    "a damaged gzip": (gzip.compress(GOOD)[:-8] + bytes(8), ("damaged gzip",)),
    "a gzip with garbage behind it": (gzip.compress(GOOD) + b"garbage", ("damaged gzip",)),
    "a gzip of a gzip": (gzip.compress(gzip.compress(GOOD)), ("binary",)),
    "a gzip of a binary plan": (gzip.compress(b"PK\x03\x04" + bytes(50)), ("binary plan",)),
    "a gzip of HCL": (gzip.compress(HCL), ("HCL",)),
    "UTF-16 of odd length": (GOOD.decode().encode("utf-16")[:-1], ("UTF-16",)),
    "UTF-16 with half a surrogate pair": (b"\xff\xfe" + b'{\0"\0\x00\xd8"\0}\0', ("UTF-16",)),
    "a UTF-16 byte order mark and nothing else": (b"\xff\xfe", ("empty",)),
}


@pytest.mark.parametrize(("data", "words"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_plan_is_refused_with_one_clear_error(data: bytes, words: tuple[str, ...], tmp_path: Path) -> None:
    """Exit 2 and one error that names the file and says what is wrong with it."""
    path = tmp_path / "plan.json"
    path.write_bytes(data)
    assert_refused(gpuguard("check", path), path, *words)


@pytest.mark.parametrize(("data", "words"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused_as_a_file_is_refused_from_standard_input(data: bytes, words: tuple[str, ...]) -> None:
    """The same error, and the report says so too."""
    outcome = gpuguard("check", "-", "--format", "json", stdin=data)
    assert_refused(outcome, "-", *words)
    assert outcome.report["inputs"][0]["error"] is not None
    assert outcome.report["resources"] == []


@pytest.mark.parametrize("cut", [1, 2, 17, 40, len(GOOD) // 2, len(GOOD) - 3, len(GOOD) - 2, len(GOOD) - 1])
def test_a_truncated_plan_is_called_truncated(cut: int, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_bytes(GOOD[:cut])
    assert_refused(gpuguard("check", path), path, "truncated")


def test_a_genuine_plan_cut_anywhere_is_refused(tmp_path: Path) -> None:
    """No prefix of a plan passes for a plan."""
    path = tmp_path / "plan.json"
    data = FIXTURES[0].read_bytes().rstrip()
    for cut in range(1, len(data), len(data) // 40):
        path.write_bytes(data[:cut])
        assert_refused(gpuguard("check", path), path)


@pytest.mark.parametrize("depth", [10_000, 1_000_000])
@pytest.mark.parametrize(
    "where",
    [
        "an attribute",
        "an object attribute",
        "a configuration expression",
        "the modules of the prior state",
        "the module calls",
        "a member nobody reads",
    ],
)
def test_absurd_nesting_is_refused(where: str, depth: int, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_bytes(deep(where, depth))
    assert_refused(gpuguard("check", path), path, "nested too deeply")


@pytest.mark.parametrize("state", ["show", "raw"])
def test_absurd_nesting_in_a_state_is_refused(state: str, tmp_path: Path) -> None:
    value = nested(10_000, "[", "]").encode()
    show = (
        b'{"format_version":"1.0","values":{"root_module":{"resources":[{"address":"a.b","type":"a","values":HERE}]}}}'
    )
    raw = raw_state({"attributes": "HERE"}).replace(b'"HERE"', b"HERE")
    path = tmp_path / "state.json"
    path.write_bytes((show if state == "show" else raw).replace(b"HERE", value))
    assert_refused(gpuguard("check", path), path, "nested too deeply")


ENCODINGS: dict[str, Callable[[bytes], bytes]] = {
    "a UTF-8 byte order mark": lambda data: b"\xef\xbb\xbf" + data,
    "UTF-16 as PowerShell writes it": lambda data: data.decode().encode("utf-16"),
    "UTF-16 big endian with a mark": lambda data: b"\xfe\xff" + data.decode().encode("utf-16-be"),
    "UTF-16 little endian without a mark": lambda data: data.decode().encode("utf-16-le"),
    "UTF-16 big endian without a mark": lambda data: data.decode().encode("utf-16-be"),
    "gzip": gzip.compress,
    "gzip in two members": lambda data: gzip.compress(data[:100]) + gzip.compress(data[100:]),
    "gzip with an empty member": lambda data: gzip.compress(data) + gzip.compress(b""),
    "gzip with padding": lambda data: gzip.compress(data) + bytes(512),
    "gzip of UTF-16": lambda data: gzip.compress(data.decode().encode("utf-16")),
    "white space around it": lambda data: b"\r\n\t " + data + b" \n\n",
}


@pytest.mark.parametrize("encode", ENCODINGS.values(), ids=ENCODINGS)
def test_a_plan_in_another_encoding_is_the_same_plan(encode: Callable[[bytes], bytes], tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_bytes(GOOD)
    plain = gpuguard("check", path)
    path.write_bytes(encode(GOOD))
    assert gpuguard("check", path) == plain
    assert plain.code == 0
    assert "1 × A10G" in plain.out


def test_the_last_of_duplicate_keys_counts(tmp_path: Path) -> None:
    """As with every JSON reader around Terraform; no Terraform writes such a file."""
    path = tmp_path / "plan.json"
    path.write_bytes(GOOD.replace(b'"instance_type"', b'"instance_type": "g4dn.xlarge", "instance_type"'))
    assert "g5.xlarge" in gpuguard("check", path).out


# -- what the operating system has in store ----------------------------------------------------------------------------


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert_refused(gpuguard("check", tmp_path / "none.json"), tmp_path / "none.json", "no such file")


def test_a_directory_is_refused(tmp_path: Path) -> None:
    assert_refused(gpuguard("check", tmp_path), tmp_path, "directory")


def test_a_path_through_a_file_is_refused() -> None:
    assert_refused(gpuguard("check", "README.md/plan.json"), "README.md/plan.json")


def test_a_link_to_itself_is_refused(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert_refused(gpuguard("check", tmp_path / "loop"), tmp_path / "loop")


def test_a_socket_is_refused(tmp_path: Path) -> None:
    import socket

    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        assert_refused(gpuguard("check", tmp_path / "socket"), tmp_path / "socket", "not a regular file")


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        pytest.param("plan\0.json", "plan\\x00.json", id="a zero byte"),
        pytest.param("plan\n.json", "plan\\n.json", id="a newline"),
        pytest.param("plan\udcff.json", "plan\\udcff.json", id="a byte that is no UTF-8"),
        pytest.param("plan\x1b[31m.json", "plan\\x1b[31m.json", id="an escape sequence"),
        pytest.param("plan\u202e.json", "plan\\u202e.json", id="a bidirectional override"),
        pytest.param("p" * 5000, "p" * 5000, id="five thousand characters"),
    ],
)
def test_a_strange_path_is_shown_harmless(path: str, shown: str) -> None:
    assert_refused(gpuguard("check", path), shown)


@pytest.mark.parametrize("form", ["table", "json", "markdown"])
def test_a_strange_path_that_exists_is_shown_harmless(form: str, tmp_path: Path) -> None:
    path = tmp_path / "plan\x1b[31m\n\u202e.json"
    path.write_bytes(GOOD)
    outcome = gpuguard("check", path, "--format", form)
    assert outcome.code == 0
    assert not {"\x1b", "\u202e"} & set(outcome.out)


def test_a_file_without_permission_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_bytes(GOOD)
    path.chmod(0)
    if os.geteuid() != 0:
        assert_refused(gpuguard("check", path), path, "permission denied")
        return
    # root may read everything: a process gives up its rights when all modules are loaded
    good = tmp_path / "good.json"
    good.write_bytes(GOOD)
    program = (
        "import os, sys; from gpuguard.cli import main; good, bad = sys.argv[1:];"
        "main(['check', good, '--output', os.devnull]); os.seteuid(65534); sys.exit(main(['check', bad]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(good), str(path)],
        capture_output=True,
        cwd=ROOT,
        env=environment(),
        check=False,
        timeout=60,
    )
    assert_refused(Outcome(done.returncode, done.stdout.decode(), done.stderr.decode()), path, "permission denied")


def test_a_named_pipe_is_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(GOOD,))
    writer.start()
    outcome = gpuguard("check", path)
    writer.join()
    assert outcome.code == 0
    assert "1 × A10G" in outcome.out


def test_the_null_device_is_an_empty_file() -> None:
    assert_refused(gpuguard("check", "/dev/null"), "/dev/null", "empty")


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/urandom"])
def test_a_device_without_end_is_refused_in_little_memory(device: str) -> None:
    assert_refused(process("check", device, preexec=memory_limit(400)), device)


def test_standard_input_without_end_is_refused_in_little_memory() -> None:
    with Path("/dev/zero").open("rb") as endless:
        assert_refused(process("check", "-", stdin=endless.fileno(), preexec=memory_limit(400)), "-")


def test_a_text_that_never_ends_is_refused_when_the_memory_is_full(tmp_path: Path) -> None:
    """What begins like a plan is read on: then the memory is the bound, and the error says so."""
    path = tmp_path / "pipe"
    os.mkfifo(path)

    def write() -> None:
        with path.open("wb") as pipe:
            pipe.write(b'{"format_version":"')
            try:
                while True:
                    pipe.write(b"x" * 1024**2)
            except BrokenPipeError:
                return

    writer = threading.Thread(target=write)
    writer.start()
    outcome = process("check", path, preexec=memory_limit(400))
    writer.join()
    assert_refused(outcome, path, "memory")


@pytest.mark.parametrize("start", [b'{"a":"', b" ", b"\0"], ids=["a string", "white space", "zero bytes"])
def test_a_gzip_bomb_is_refused_in_little_memory(start: bytes, tmp_path: Path) -> None:
    """600 MiB, packed to a few, are refused long before they are unpacked."""
    path = tmp_path / "plan.json.gz"
    with gzip.open(path, "wb", 1) as packed:
        packed.write(start)
        for _ in range(600):
            packed.write(bytes([start[-1]]) * 1024**2 if start != b'{"a":"' else b"a" * 1024**2)
    assert_refused(process("check", path, preexec=memory_limit(700)), path)


def test_a_string_of_a_hundred_mebibytes_is_carried_along(tmp_path: Path) -> None:
    """A user_data of that size is nobody's business and costs no more than its own size."""
    path = tmp_path / "plan.json"
    head, _, tail = written(plan(instance(after={"user_data": "HERE"}))).partition(b"HERE")
    with path.open("wb") as file:
        file.write(head)
        for _ in range(100):
            file.write(b"x" * 1024**2)
        file.write(tail)
    outcome = process("check", path, preexec=memory_limit(700))
    assert outcome.code == 0, outcome.err
    assert "1 × A10G" in outcome.out


def test_one_unreadable_input_hides_no_other(tmp_path: Path) -> None:
    """The others are judged, the report says which was not read, and the exit code is 2."""
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_bytes(GOOD)
    bad.write_bytes(GOOD[:100])
    outcome = gpuguard("check", bad, good, "--format", "json")
    assert_refused(outcome, bad, "truncated")
    assert [each["address"] for each in outcome.report["resources"]] == ["aws_instance.gpu"]
    assert [each["error"] is None for each in outcome.report["inputs"]] == [False, True]


def test_the_plan_that_every_test_damages_is_good(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(broad_plan()))
    outcome = gpuguard("check", path, "--format", "json")
    assert outcome.code == 0, outcome.err
    summary = outcome.report["summary"]
    assert (summary["resources"], summary["unpriced"], summary["unknown"]) == (3, 0, 0)
