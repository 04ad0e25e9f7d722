"""The report as JSON, schema_version "1": written, described by a JSON Schema, and read again."""

import re
import unicodedata
from datetime import date
from decimal import Decimal
from typing import Any, Final

import msgspec

from gpuguard.errors import InputError
from gpuguard.model.report import Report, Resource
from gpuguard.report.options import Options
from gpuguard.report.text import cut_end, plain, visible

MONEY_PATTERN: Final = r"^-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,60})?$"
"""A decimal string without exponent; eighteen digits before the point are more than any plan can cost."""

LARGEST_QUANTITY: Final = 1e18
_MONEY = re.compile(MONEY_PATTERN[:-1] + r"\Z")
_USUAL: Final = bytes(range(0x20, 0x7F)) + b"\n"
# Legal in JSON, but a terminal or an editor that shows the file would act on them.
_UNSAFE: Final = frozenset({"Cc", "Cf", "Zl", "Zp"})


def render(report: Report, options: Options) -> str:
    """Write the whole report, whatever `options` say, with the keys in the order of the structs, indented by two.

    Money is exact, in plain decimal strings of at least two decimals; whole quantities have none. Control and bidirectional characters
    are written as JSON escapes, so that the text is safe to print; lone surrogates, which no JSON can carry, as text.
    """
    values = _values(msgspec.structs.replace(report, resources=()))
    states: dict[int, Any] = {}
    values["resources"] = [_resource(resource, states) for resource in report.resources]
    written = msgspec.json.format(msgspec.json.encode(values), indent=2)
    text = written.decode()
    # All of these stand inside strings: between them the format has spaces and newlines alone.
    unusual = set(written.translate(None, delete=_USUAL).decode())
    for char in sorted(char for char in unusual if unicodedata.category(char) in _UNSAFE):
        text = text.replace(char, _escape(char))
    return text + "\n"


def _values(struct: msgspec.Struct) -> Any:
    return _plain(msgspec.to_builtins(struct, builtin_types=(Decimal,)))


def _resource(resource: Resource, states: dict[int, Any]) -> Any:
    """A resource with its two sides. Resources that are alike share their states, which are most of the report."""
    values = _values(msgspec.structs.replace(resource, before=None, after=None))
    for side, state in (("before", resource.before), ("after", resource.after)):
        if state is not None:
            if id(state) not in states:
                states[id(state)] = _values(state)
            values[side] = states[id(state)]
    return values


def _plain(value: Any) -> Any:
    # a large report has a million values: the most frequent kinds come first
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "backslashreplace").decode()
    if value is None:
        return None
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, Decimal):
        whole, _, cents = plain(value).partition(".")
        return f"{whole}.{cents:0<2}"
    if isinstance(value, dict):
        return {_plain(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _escape(char: str) -> str:
    units = char.encode("utf-16-be").hex()
    return "".join(f"\\u{units[index : index + 4]}" for index in range(0, len(units), 4))


def schema() -> dict[str, Any]:
    """Make the JSON Schema (2020-12) of the report from the structs; their docstrings are the descriptions."""
    made = msgspec.json.schema(Report)
    _tighten(made)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "gpuguard report, schema_version 1",
        **made,
    }


def _tighten(node: Any) -> None:
    if isinstance(node, dict):
        if node.get("format") == "decimal":
            node["pattern"] = MONEY_PATTERN
            node["description"] = "An amount of money as a decimal string."
        for item in node.values():
            _tighten(item)
    elif isinstance(node, list):
        for item in node:
            _tighten(item)


def load(data: bytes, name: str) -> Report:
    """Read a saved report that `render` wrote. `name` is what the error calls it, mostly its path.

    Unknown keys are ignored: a later gpuguard may add some within schema_version 1.
    Raises InputError, with the place inside the report, for anything that is not such a report: another
    schema_version, wrong or missing values, money that is no plain decimal string, absurd quantities, one resource
    told twice.
    """
    document = _decoded(data, name)
    if not isinstance(document, dict) or "schema_version" not in document:
        raise _bad(
            name, "", "this is not a gpuguard report", hint="Write one with `gpuguard check PLAN --format json`."
        )
    version = document["schema_version"]
    if version != "1":
        raise _bad(
            name,
            "schema_version",
            f'{_shown(version)} is not supported, this gpuguard reads "1"',
            hint="Use the gpuguard that wrote the report, or write the report again with this one.",
        )
    try:
        _check(document, msgspec.inspect.type_info(Report), "", name)
        report = msgspec.convert(document, Report)
    except msgspec.ValidationError as error:
        raise _invalid(name, error) from None
    except RecursionError:
        raise _bad(name, "", "nested too deeply for a report") from None
    _check_keys(report, name)
    return report


def _decoded(data: bytes, name: str) -> Any:
    try:
        if data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
            data = data.decode("utf-16").encode()
        return msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"))
    except RecursionError:
        raise _bad(name, "", "nested too deeply for a report") from None
    except (msgspec.DecodeError, UnicodeError) as error:
        reason = "the file is empty" if not data.strip() else f"not valid JSON: {visible(str(error))}"
        raise _bad(name, "", reason, hint="Is the file complete? Write the report again.") from None


def _check(value: Any, info: msgspec.inspect.Type, place: str, name: str) -> None:
    """Refuse what the decoder would let through: money written as a number or with an exponent, absurd quantities."""
    match info:
        case msgspec.inspect.DecimalType():
            if not isinstance(value, str) or not _MONEY.match(value):
                raise _bad(name, place, f'expected money as a decimal string like "12.34", got {_shown(value)}')
        case msgspec.inspect.FloatType() if isinstance(value, int | float) and abs(value) > LARGEST_QUANTITY:
            raise _bad(name, place, f"the quantity {_shown(value)} is out of range")
        case msgspec.inspect.StructType() if isinstance(value, dict):
            for field in info.fields:
                if field.encode_name in value:
                    inner = f"{place}.{field.encode_name}" if place else field.encode_name
                    _check(value[field.encode_name], field.type, inner, name)
                    if field.encode_name == "as_of" and isinstance(value["as_of"], str) and not _is_day(value["as_of"]):
                        raise _bad(name, inner, f"expected a day like 2026-01-31, got {_shown(value['as_of'])}")
        case msgspec.inspect.VarTupleType() if isinstance(value, list):
            for index, item in enumerate(value):
                _check(item, info.item_type, f"{place}[{index}]", name)
        case msgspec.inspect.TupleType() if isinstance(value, list):
            for index, (item, item_type) in enumerate(zip(value, info.item_types, strict=False)):
                _check(item, item_type, f"{place}[{index}]", name)
        case msgspec.inspect.UnionType() if value is not None:
            for one in info.types:
                if not isinstance(one, msgspec.inspect.NoneType):
                    _check(value, one, place, name)
        case _:
            pass


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _check_keys(report: Report, name: str) -> None:
    seen: dict[tuple[str, str, str | None], int] = {}
    for index, resource in enumerate(report.resources):
        first = seen.setdefault((resource.project, resource.address, resource.deposed), index)
        if first != index:
            raise _bad(
                name, f"resources[{index}]", f"the same resource as resources[{first}]: {_shown(resource.address)}"
            )


def _invalid(name: str, error: msgspec.ValidationError) -> InputError:
    reason, _, place = visible(str(error)).partition(" - at `$")
    return _bad(name, place.removesuffix("`").removeprefix("."), reason[:1].lower() + reason[1:].replace("`", ""))


def _bad(name: str, place: str, reason: str, *, hint: str = "") -> InputError:
    where = f"{visible(name)}: {cut_end(place, 200)}: " if place else f"{visible(name)}: "
    return InputError(where + cut_end(reason, 500), hint=hint or "The report was changed or damaged; write it again.")


def _shown(value: Any) -> str:
    """A value from the report as JSON, safe and short."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "an array"
    return cut_end(visible(msgspec.json.encode(value).decode()), 60)
