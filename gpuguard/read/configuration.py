"""The `configuration` section of a plan: which expression refers to what.

Plan JSON keeps constants and references of expressions, not the expressions themselves; it leaves out dynamic blocks
and the values of locals (https://developer.hashicorp.com/terraform/internals/json-format#configuration-representation).
Decoded when the first reference has to be followed: most plans never need more than their provider blocks.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import msgspec

from gpuguard.errors import InputError

_NULL = msgspec.Raw(b"null")


class ConfigResource(msgspec.Struct):
    """One resource or data block."""

    type: str = ""
    name: str = ""
    mode: str = "managed"
    provider_config_key: str | None = None
    expressions: msgspec.Raw = _NULL
    for_each_expression: msgspec.Raw = _NULL


class _Output(msgspec.Struct):
    expression: msgspec.Raw = _NULL
    sensitive: bool | None = None


class _Variable(msgspec.Struct):
    default: msgspec.Raw = _NULL
    sensitive: bool | None = None


class ConfigModule(msgspec.Struct):
    """One module as written, whatever the number of its instances."""

    resources: list[ConfigResource] | None = None
    module_calls: dict[str, "ModuleCall"] | None = None
    outputs: dict[str, _Output] | None = None
    variables: dict[str, _Variable] | None = None


class ModuleCall(msgspec.Struct):
    """One module block and the module behind it."""

    source: str = ""
    expressions: msgspec.Raw = _NULL
    for_each_expression: msgspec.Raw = _NULL
    module: ConfigModule | None = None


class ProviderConfig(msgspec.Struct):
    """One provider block; `module_address` is set when it is written inside a module."""

    name: str = ""
    full_name: str = ""
    alias: str = ""
    module_address: str = ""
    expressions: msgspec.Raw = _NULL


class _Root(msgspec.Struct):
    provider_config: dict[str, ProviderConfig] | None = None
    root_module: msgspec.Raw = _NULL


class _RootVariable(msgspec.Struct):
    value: msgspec.Raw = _NULL


class Expression(msgspec.Struct, frozen=True):
    """What the plan tells of one expression: a constant, or the references in it, most specific first.

    Nested blocks are dicts or lists of dicts and are not Expressions.
    """

    constant: Any = None
    has_constant: bool = False
    references: tuple[str, ...] = ()


def parse_expression(raw: object) -> Expression | None:
    """Read an expression object; None when it is a nested block or absent."""
    if not isinstance(raw, dict):
        return None
    references = raw.get("references")
    if ("constant_value" in raw and not isinstance(raw["constant_value"], dict | list)) or set(raw) == {
        "constant_value"
    }:
        return Expression(constant=raw["constant_value"], has_constant=True)
    if isinstance(references, list) and all(isinstance(reference, str) for reference in references):
        return Expression(references=tuple(references))
    return None


ModulePath = tuple[tuple[str, str | int | None], ...]
"""Steps from the root to a module instance: (name of the call, key of the instance)."""


def parse_address(text: str) -> list[str | int]:
    """Split a reference into names and keys: ``a.b["x y"].c[0]`` → ["a", "b", "x y"…].

    Keys are marked by type: an int is a count index; a for_each key is a `Key` string.
    """
    parts: list[str | int] = []
    position, length = 0, len(text)
    while position < length:
        char = text[position]
        if char == ".":
            position += 1
        elif char == "[":
            if text.startswith('["', position):
                end = position + 2
                value: list[str] = []
                while end < length and text[end] != '"':
                    if text[end] == "\\" and end + 1 < length:
                        end += 1
                    elif text.startswith(("$${", "%%{"), end):
                        end += 1  # HCL doubles the sign of a template to keep it as text
                    value.append(text[end])
                    end += 1
                parts.append(Key("".join(value)))
                position = end + 2
            else:
                end = text.find("]", position)
                end = length if end < 0 else end
                inner = text[position + 1 : end]
                parts.append(int(inner) if inner.isascii() and inner.isdigit() and len(inner) < 10 else Key(inner))
                position = end + 1
        else:
            end = position
            while end < length and text[end] not in ".[":
                end += 1
            parts.append(text[position:end])
            position = end
    return parts


class Key(str):
    """A for_each key inside a parsed address, apart from the names around it."""

    __slots__ = ()


@lru_cache(maxsize=4096)
def module_path(module_address: str) -> ModulePath:
    """``module.a["x"].module.b[0]`` → (("a", "x"), ("b", 0))."""
    steps: list[tuple[str, str | int | None]] = []
    parts = parse_address(module_address)
    position = 0
    while position < len(parts):
        if parts[position] != "module" or position + 1 >= len(parts):
            break
        name = parts[position + 1]
        position += 2
        key: str | int | None = None
        if position < len(parts) and isinstance(parts[position], Key | int):
            key = parts[position]
            position += 1
        steps.append((str(name), key))
    return tuple(steps)


def module_address(path: ModulePath) -> str:
    """The inverse of `module_path`."""
    return ".".join(f"module.{name}{render_key(key)}" for name, key in path)


def render_key(key: str | int | None) -> str:
    """An instance key as Terraform prints it."""
    if key is None:
        return ""
    if isinstance(key, int):
        return f"[{key}]"
    escaped = key.replace("\\", "\\\\").replace('"', '\\"').replace("${", "$${").replace("%{", "%%{")
    return f'["{escaped}"]'


class Configuration:
    """The configuration of one plan, decoded in steps. `path` is the file, for errors."""

    __slots__ = ("_decoded", "_index", "_module", "_root", "_variables", "path", "raw", "raw_variables")

    def __init__(self, path: str, raw: msgspec.Raw = _NULL, raw_variables: msgspec.Raw = _NULL) -> None:
        self.path, self.raw, self.raw_variables = path, raw, raw_variables
        self._root: _Root | None = None
        self._module: ConfigModule | None = None
        self._variables: dict[str, _RootVariable] | None = None
        self._decoded: dict[int, tuple[msgspec.Raw, Any]] = {}
        self._index: dict[tuple[str, ...], dict[str, ConfigResource]] = {}

    def _decode(self, raw: msgspec.Raw, type_: Any, what: str) -> Any:
        try:
            return msgspec.json.decode(raw, type=type_)
        except msgspec.DecodeError as error:
            raise InputError(f"{self.path}: {what}: {error}") from None
        except UnicodeError:
            raise InputError(f"{self.path}: {what}: not valid UTF-8") from None
        except RecursionError:
            raise InputError(f"{self.path}: {what}: nested too deeply to be a Terraform configuration") from None

    @property
    def known(self) -> bool:
        """Whether there is a configuration at all (states and cut-down plans have none)."""
        return self.raw != _NULL

    @property
    def providers(self) -> dict[str, ProviderConfig]:
        """Provider blocks by their key in the plan."""
        if self._root is None:
            self._root = self._decode(self.raw, _Root | None, "configuration") or _Root()
        return self._root.provider_config or {}

    def module(self, calls: Sequence[str] = ()) -> ConfigModule | None:
        """The module behind a path of call names; the root for ()."""
        if self._module is None:
            _ = self.providers
            assert self._root is not None  # noqa: S101 - providers has just set it
            self._module = (
                self._decode(self._root.root_module, ConfigModule | None, "configuration.root_module") or ConfigModule()
            )
        module: ConfigModule | None = self._module
        for name in calls:
            call = (module.module_calls or {}).get(name) if module else None
            module = call.module if call else None
        return module

    def call(self, calls: Sequence[str]) -> ModuleCall | None:
        """The module block at the end of a path of call names."""
        parent = self.module(calls[:-1])
        return (parent.module_calls or {}).get(calls[-1]) if parent else None

    def resource(self, calls: tuple[str, ...], type_: str, name: str, *, data: bool = False) -> ConfigResource | None:
        """The block of a resource (or data source) in a module."""
        index = self._index.get(calls)
        if index is None:
            module = self.module(calls)
            index = {
                f"{'data.' if block.mode == 'data' else ''}{block.type}.{block.name}": block
                for block in (module.resources if module else None) or ()
            }
            self._index[calls] = index
        return index.get(f"{'data.' if data else ''}{type_}.{name}")

    def expressions(self, raw: msgspec.Raw) -> dict[str, Any]:
        """Decode the expressions of a block or call."""
        value = self._once(raw, "configuration: expressions")
        return value if isinstance(value, dict) else {}

    def expression(self, raw: msgspec.Raw) -> Expression | None:
        """Decode a single expression (count, for_each, output)."""
        return parse_expression(self._once(raw, "configuration: expression"))

    def _once(self, raw: msgspec.Raw, what: str) -> Any:
        """Decode a value that is asked for again and again: the arguments of a module, by each of its resources."""
        known = self._decoded.get(id(raw))
        if known is None:
            known = self._decoded[id(raw)] = (raw, self._decode(raw, Any, what))
        return known[1]

    def variable(self, name: str) -> tuple[Any, bool]:
        """Value of a root variable and whether there is one; falls back to its default."""
        if self._variables is None:
            self._variables = self._decode(self.raw_variables, dict[str, _RootVariable] | None, "variables") or {}
        given = self._variables.get(name)
        if given is not None:
            value = self._decode(given.value, Any, f"variables.{name}")
            if value is not None:
                return value, True
        return self.variable_default((), name)

    def is_sensitive(self, calls: Sequence[str], name: str) -> bool:
        """Whether a variable of a module is declared sensitive."""
        module = self.module(calls)
        declared = (module.variables or {}).get(name) if module else None
        return declared is not None and declared.sensitive is True

    def variable_default(self, calls: Sequence[str], name: str) -> tuple[Any, bool]:
        """Default of a variable of a module and whether it has one."""
        module = self.module(calls)
        declared = (module.variables or {}).get(name) if module else None
        if declared is None:
            return None, False
        value = self._decode(declared.default, Any, f"configuration: variable {name}")
        return value, value is not None
