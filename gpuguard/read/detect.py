"""Tells what an input is (plan, state, something else) and hands it to its reader."""

import re

import msgspec

from gpuguard.errors import InputError
from gpuguard.read import plan_json, state_json
from gpuguard.read.document import NULL, Document
from gpuguard.read.source import read_bytes

_MAKE_JSON = "terraform plan -out tfplan && terraform show -json tfplan > plan.json"
_HCL = re.compile(
    rb"^\s*(?:#[^\n]*\n|//[^\n]*\n|/\*.*?\*/|\s)*(?:terraform|provider|resource|module|variable|locals|data|output)\b[^\n{]*\{",
    re.S,
)
_PLAN_TEXT = re.compile(
    rb"Terraform (?:will perform|used the selected providers)|OpenTofu (?:will perform|used the selected)|No changes\. "
)

_MESSAGES = re.compile(rb'^\s*\{"@level"')
_LONE_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")


class _Head(msgspec.Struct):
    """Just enough to tell the kinds apart; everything else stays undecoded."""

    format_version: msgspec.Raw = msgspec.Raw(b"null")
    version: msgspec.Raw = msgspec.Raw(b"null")
    resource_changes: msgspec.Raw = msgspec.Raw(b"null")
    planned_values: msgspec.Raw = msgspec.Raw(b"null")
    configuration: msgspec.Raw = msgspec.Raw(b"null")
    values: msgspec.Raw = msgspec.Raw(b"null")
    resources: msgspec.Raw = msgspec.Raw(b"null")
    schema_version: msgspec.Raw = msgspec.Raw(b"null")
    projects: msgspec.Raw = msgspec.Raw(b"null")
    provider_schemas: msgspec.Raw = msgspec.Raw(b"null")
    modules: msgspec.Raw = msgspec.Raw(b"null")


def read_document(path: str, project: str) -> Document:
    """Read a plan (`terraform show -json`) or state (`show -json` or raw version 4).

    Raises InputError for anything else, with what it seems to be and how to make the right file.
    """
    data = read_bytes(path)
    return parse_document(data, path, project)


def is_report(data: bytes) -> bool:
    """Whether the bytes look like a report saved by gpuguard (not yet whether it is a valid one)."""
    try:
        head = msgspec.json.decode(data, type=_Head)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return False
    return _present(head.schema_version) and not _present(head.format_version) and not _present(head.version)


def parse_document(data: bytes, path: str, project: str) -> Document:
    """Like `read_document`, from bytes already read."""
    if not data or data.isspace():
        raise InputError(f"{path}: the file is empty", hint=f"make a plan: {_MAKE_JSON}")
    plan = plan_json.frame(data)
    if plan is not None:
        return plan_json.document(plan, path, project)
    try:
        head = msgspec.json.decode(data, type=_Head)
    except msgspec.ValidationError:
        raise InputError(
            f"{path}: not a Terraform plan or state: the JSON is not an object", hint=f"make one: {_MAKE_JSON}"
        ) from None
    except RecursionError:
        raise InputError(f"{path}: nested too deeply to be a Terraform plan") from None
    except (msgspec.DecodeError, UnicodeError) as error:
        raise _not_json(data, path, error) from None
    if _present(head.format_version):
        if _present(head.resource_changes) or _present(head.planned_values) or _present(head.configuration):
            return plan_json.parse(data, path, project)
        if _present(head.provider_schemas):
            raise InputError(f"{path}: these are provider schemas, not a plan", hint=f"make a plan: {_MAKE_JSON}")
        if _present(head.values) or not _present(head.version):
            # `show -json` of an empty state has nothing but its format version.
            return state_json.parse_show(data, path, project)
    if _present(head.version) and _present(head.resources):
        return state_json.parse_raw(data, path, project)
    if _MESSAGES.match(data[:65536]):
        raise _not_json(data, path, ValueError())
    raise InputError(f"{path}: not a Terraform plan or state{_looks_like(head)}", hint=f"make a plan: {_MAKE_JSON}")


def _present(raw: msgspec.Raw) -> bool:
    return raw != NULL  # bytes(raw) would copy most of the file


def _looks_like(head: _Head) -> str:
    if _present(head.schema_version):
        return ": this is a report saved by gpuguard (`gpuguard diff` reads those)"
    if _present(head.projects):
        return ": this seems to be an Infracost report"
    if _present(head.version) and _present(head.modules):
        return ": this is a state of an early Terraform (before 0.12), which cannot be read"
    if _present(head.version):
        return ": `version` without `resources`"
    return ": it has no `format_version`"


def _not_json(data: bytes, path: str, error: Exception) -> InputError:
    start = data[:65536]
    if _MESSAGES.match(start):
        return InputError(
            f"{path}: these are the messages of `terraform plan -json`, not the plan", hint=f"make it: {_MAKE_JSON}"
        )
    if start.lstrip()[:1] not in (b"{", b"["):
        if _HCL.match(start):
            return InputError(
                f"{path}: this is Terraform configuration (HCL), not a plan", hint=f"make a plan: {_MAKE_JSON}"
            )
        if _PLAN_TEXT.search(start):
            return InputError(
                f"{path}: this is the text that `terraform plan` prints, not its JSON form",
                hint=f"make it: {_MAKE_JSON}",
            )
        if b"\0" in start:
            return InputError(f"{path}: this is binary data, not a plan as JSON", hint=f"make it: {_MAKE_JSON}")
        if start.lstrip()[:1].isalpha() or start[:1] in (b"\x1b", b"\xe2", "╷".encode()[:1]):
            return InputError(
                f"{path}: not JSON; it begins with text", hint=f"only standard output belongs in the file: {_MAKE_JSON}"
            )
    message = str(error)
    if "truncated" in message:
        return InputError(
            f"{path}: truncated JSON: the file ends in the middle of a value",
            hint="write it again and check the disk and the pipe",
        )
    match = re.search(r"\(byte (\d+)\)", message)
    if match and _LONE_SURROGATE.search(data, max(int(match[1]) - 16, 0), int(match[1]) + 1):
        return InputError(
            f"{path}: not valid JSON at {position(data, int(match[1]))}: half of a surrogate pair stands alone",
            hint="the text was cut or converted wrongly; write the file again as UTF-8",
        )
    if match:
        return InputError(
            f"{path}: not valid JSON at {position(data, int(match[1]))}: {message[: match.start()].strip()}"
        )
    return InputError(f"{path}: not valid JSON: {message}")


def position(data: bytes, offset: int) -> str:
    """``line 3 column 14`` for a byte offset."""
    line = data.count(b"\n", 0, offset) + 1
    column = offset - (data.rfind(b"\n", 0, offset) + 1) + 1
    return f"line {line} column {column}"
