"""The values representation that `terraform show -json` uses in states and prior states: a tree of modules."""

from collections.abc import Iterator

import msgspec

from gpuguard.errors import InputError
from gpuguard.read.document import NULL, Node


class ValuesResource(msgspec.Struct):
    """One resource instance with its attribute values."""

    address: str
    type: str
    name: str = ""
    mode: str = "managed"
    index: str | int | float | None = None
    provider_name: str | None = None
    values: msgspec.Raw = NULL
    sensitive_values: msgspec.Raw = NULL
    deposed_key: str | None = None


class ValuesModule(msgspec.Struct):
    """One module instance."""

    resources: list[ValuesResource] | None = None
    child_modules: list["ValuesModule"] | None = None
    address: str = ""


class _Values(msgspec.Struct):
    root_module: ValuesModule | None = None


class _State(msgspec.Struct):
    values: _Values | None = None


def walk(module: ValuesModule) -> Iterator[tuple[str, ValuesResource]]:
    """Every resource with the address of its module; no recursion, whatever the depth."""
    pending = [module]
    while pending:
        current = pending.pop()
        for resource in current.resources or ():
            yield current.address, resource
        pending.extend(reversed(current.child_modules or ()))


def decode_values(raw: msgspec.Raw, path: str, what: str) -> ValuesModule | None:
    """Decode ``{"values": {"root_module": …}}``; None when there are no values."""
    try:
        state = msgspec.json.decode(raw, type=_State | None)
    except msgspec.DecodeError as error:
        raise InputError(f"{path}: {what}: {error}") from None
    except UnicodeError:
        raise InputError(f"{path}: {what}: not valid UTF-8") from None
    except RecursionError:
        raise InputError(f"{path}: {what}: nested too deeply to be a Terraform state") from None
    return state.values.root_module if state and state.values else None


def node(resource: ValuesResource, module_address: str, path: str) -> Node:
    """A resource instance that exists and does not change."""
    index = resource.index
    return Node(
        place=path,
        address=resource.address,
        type=resource.type,
        name=resource.name,
        module_address=module_address,
        mode=resource.mode,
        index=int(index) if isinstance(index, float) else index,
        provider_name=resource.provider_name or "",
        deposed=resource.deposed_key,
        raw_before=resource.values,
        raw_after=resource.values,
        raw_before_sensitive=resource.sensitive_values,
        raw_after_sensitive=resource.sensitive_values,
    )


def data_sources(raw: msgspec.Raw, path: str) -> list[Node]:
    """The data sources in a prior state."""
    root = decode_values(raw, path, "prior_state")
    if root is None:
        return []
    return [node(resource, module, path) for module, resource in walk(root) if resource.mode == "data"]
