"""States: the output of `terraform show -json` and the raw version 4 file (`terraform.tfstate`, `state pull`)."""

import re

import msgspec

from gpuguard.errors import InputError
from gpuguard.model.report import Diagnostic, Input
from gpuguard.read.configuration import Configuration, render_key
from gpuguard.read.document import NULL, DataLoader, Document, Node, decode_frame
from gpuguard.read.plan_json import check_version
from gpuguard.read.values import ValuesModule, ValuesResource, decode_values, node, walk


class _ShowState(msgspec.Struct):
    format_version: str
    terraform_version: str | None = None
    values: msgspec.Raw = NULL


class _Instance(msgspec.Struct):
    index_key: str | int | float | None = None
    attributes: msgspec.Raw = NULL
    deposed: str | None = None
    sensitive_attributes: msgspec.Raw = NULL


class _RawResource(msgspec.Struct):
    type: str
    name: str
    mode: str = "managed"
    module: str | None = None
    provider: str | None = None
    instances: list[_Instance] | None = None


class _RawState(msgspec.Struct):
    version: int
    terraform_version: str | None = None
    resources: list[_RawResource] | None = None


_NO_PATHS = msgspec.Raw(b"[]")
_PROVIDER = re.compile(r'provider\["([^"]+)"\]')


class _Loaded(DataLoader):
    def __init__(self, nodes: list[Node]) -> None:
        self._nodes = nodes

    def __call__(self) -> list[Node]:
        return self._nodes


def parse_show(data: bytes, path: str, project: str) -> Document:
    """A state as `terraform show -json` prints it."""
    try:
        state = msgspec.json.decode(data, type=_ShowState)
    except msgspec.DecodeError as error:
        raise InputError(f"{path}: not a valid Terraform state: {error}") from None
    except UnicodeError:
        raise InputError(f"{path}: not a valid Terraform state: not valid UTF-8") from None
    except RecursionError:
        raise InputError(f"{path}: nested too deeply to be a Terraform state") from None
    check_version(state.format_version, path)
    root = decode_values(msgspec.Raw(data), path, "values") or ValuesModule()
    nodes: list[Node] = []
    sources: list[Node] = []
    for module, resource in walk(root):
        (sources if resource.mode == "data" else nodes).append(node(resource, module, path))
    return _document(path, project, state.terraform_version, state.format_version, nodes, sources)


def parse_raw(data: bytes, path: str, project: str) -> Document:
    """A raw state file, version 4 (Terraform 0.12 and later; earlier versions were never valid there)."""
    state = decode_frame(data, _RawState, path, "state")
    if state.version != 4:
        raise InputError(
            f"{path}: state version {state.version} is not supported (only 4)",
            hint="run `terraform show -json > state.json` with the Terraform that wrote it",
        )
    nodes: list[Node] = []
    sources: list[Node] = []
    for resource in state.resources or ():
        provider = _PROVIDER.search(resource.provider or "")
        for instance in resource.instances or ():
            index = instance.index_key
            key = int(index) if isinstance(index, float) else index
            prefix = f"{resource.module}." if resource.module else ""
            mode = "data." if resource.mode == "data" else ""
            value = ValuesResource(
                address=f"{prefix}{mode}{resource.type}.{resource.name}{render_key(key)}",
                type=resource.type,
                name=resource.name,
                mode=resource.mode,
                index=key,
                provider_name=provider[1] if provider else None,
                values=instance.attributes,
                sensitive_values=_sensitive_mask(instance.sensitive_attributes),
                deposed_key=instance.deposed,
            )
            (sources if resource.mode == "data" else nodes).append(node(value, resource.module or "", path))
    return _document(path, project, state.terraform_version, None, nodes, sources)


def _sensitive_mask(raw: msgspec.Raw) -> msgspec.Raw:
    """Turn a raw state's list of attribute paths into the mirror object that `show -json` has.

    Only the first step of each path is kept: everything below a sensitive attribute counts as sensitive.
    """
    if raw in (NULL, _NO_PATHS):
        return NULL
    mask: dict[str, bool] = {}
    try:
        paths = msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return msgspec.Raw(b"true")  # rather everything hidden than a secret told
    if not isinstance(paths, list):
        return msgspec.Raw(b"true")
    for path in paths:
        first = path[0] if isinstance(path, list) and path else path
        name = first.get("value") if isinstance(first, dict) else first
        if isinstance(name, str):
            mask[name] = True
    return msgspec.Raw(msgspec.json.encode(mask))


def _document(
    path: str,
    project: str,
    terraform_version: str | None,
    format_version: str | None,
    nodes: list[Node],
    sources: list[Node],
) -> Document:
    diagnostics: list[Diagnostic] = []
    return Document(
        meta=Input(
            project=project,
            path=path,
            kind="state",
            terraform_version=terraform_version,
            format_version=format_version,
            complete=True,
            errored=False,
            error=None,
        ),
        entries=nodes,
        make=lambda node: node,
        configuration=Configuration(path),
        data_loader=_Loaded(sources),
        diagnostics=diagnostics,
    )
