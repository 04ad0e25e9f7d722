"""`terraform show -json PLANFILE`: Terraform 0.12 (format 0.1) to 1.15 (format 1.x) and OpenTofu.

https://developer.hashicorp.com/terraform/internals/json-format: minor versions add members, so an unknown minor is
read; an unknown major may change meanings, so it is refused.
"""

import re

import msgspec

from gpuguard.errors import InputError
from gpuguard.model.report import Action, Diagnostic, Input
from gpuguard.read.configuration import Configuration
from gpuguard.read.document import NULL, DataLoader, Document, Node, decode_frame
from gpuguard.read.values import data_sources, decode_values, walk

_FALSE = msgspec.Raw(b"false")
_VERSION = re.compile(r"^(\d{1,9})\.(\d{1,9})(?:\D.*)?$")


class _Change(msgspec.Struct):
    actions: list[str]
    before: msgspec.Raw = NULL
    after: msgspec.Raw = NULL
    after_unknown: msgspec.Raw = NULL
    before_sensitive: msgspec.Raw = NULL
    after_sensitive: msgspec.Raw = NULL
    importing: msgspec.Raw = NULL


class _ResourceChange(msgspec.Struct):
    address: str
    type: str
    change: _Change
    name: str = ""
    mode: str = "managed"
    module_address: str | None = None
    previous_address: str | None = None
    index: str | int | float | None = None
    provider_name: str | None = None
    deposed: str | None = None

    @property
    def raw_before(self) -> msgspec.Raw:
        """Attributes before the change, undecoded."""
        return self.change.before

    @property
    def raw_after(self) -> msgspec.Raw:
        """Attributes after the change, undecoded."""
        return self.change.after


class _Deferred(msgspec.Struct):
    reason: str | None = None
    resource_change: _ResourceChange | None = None


class _Plan(msgspec.Struct):
    format_version: str
    terraform_version: str | None = None
    variables: msgspec.Raw = NULL
    resource_changes: list[_ResourceChange] | None = None
    deferred_changes: list[_Deferred] | None = None
    prior_state: msgspec.Raw = NULL
    planned_values: msgspec.Raw = NULL
    configuration: msgspec.Raw = NULL
    relevant_attributes: msgspec.Raw = NULL
    complete: bool | None = None
    errored: bool | None = None


_NOT_MANAGED = frozenset({"data", "ephemeral"})
_ACTIONS: dict[tuple[str, ...], Action] = {
    ("no-op",): "no-op",
    ("create",): "create",
    ("update",): "update",
    ("delete",): "delete",
    ("delete", "create"): "replace",
    ("create", "delete"): "replace",
    ("create", "forget"): "replace",
    ("forget", "create"): "replace",
    ("forget",): "forget",
}


def check_version(version: str, path: str, *, supported: tuple[int, ...] = (0, 1)) -> None:
    """Refuse a format version whose major number is not one of `supported`."""
    match = _VERSION.match(version)
    if match is None:
        raise InputError(f'{path}: `format_version` must look like "1.2"')
    if int(match[1]) not in supported:
        raise InputError(
            f"{path}: plan format version {version[:20]} is newer than this gpuguard understands (1.x)",
            hint="upgrade gpuguard, or make the plan with an older Terraform",
        )


def frame(data: bytes) -> _Plan | None:
    """The frame of a sound plan; None for everything else. Finding out what else costs another pass over the text."""
    try:
        plan = msgspec.json.decode(data, type=_Plan)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    is_plan = plan.resource_changes is not None or plan.planned_values != NULL or plan.configuration != NULL
    return plan if is_plan else None


def parse(data: bytes, path: str, project: str) -> Document:
    """Decode a plan's frame; the values of its resources stay undecoded."""
    return document(decode_frame(data, _Plan, path, "plan"), path, project)


def document(plan: _Plan, path: str, project: str) -> Document:
    """The document of a decoded plan."""
    check_version(plan.format_version, path)
    if not plan.resource_changes and _plans_resources(plan.planned_values, path):
        raise InputError(
            f"{path}: `planned_values` has resources and `resource_changes` has none: parts of the plan are missing",
            hint="give the whole output of `terraform show -json PLANFILE`",
        )
    diagnostics: list[Diagnostic] = []
    later = [each.resource_change for each in plan.deferred_changes or () if each.resource_change is not None]
    deferred = {id(change) for change in later}
    changes = [change for change in (*(plan.resource_changes or ()), *later) if change.mode not in _NOT_MANAGED]

    def make(change: _ResourceChange) -> Node:
        return _node(change, path, project, diagnostics, deferred=id(change) in deferred)

    complete = plan.complete is not False and not plan.deferred_changes
    errored = plan.errored is True
    return Document(
        meta=Input(
            project=project,
            path=path,
            kind="plan",
            terraform_version=plan.terraform_version,
            format_version=plan.format_version,
            complete=complete,
            errored=errored,
            error=None,
        ),
        entries=changes,
        make=make,
        configuration=Configuration(path, plan.configuration, plan.variables),
        data_loader=_PlanData(plan, path),
        relevant_attributes=plan.relevant_attributes,
        diagnostics=diagnostics,
    )


def _plans_resources(raw: msgspec.Raw, path: str) -> bool:
    """Whether the planned values hold a managed resource; asked only where nothing seems to be planned."""
    if raw == NULL:
        return False
    root = decode_values(msgspec.Raw(b'{"values":' + bytes(raw) + b"}"), path, "planned_values")
    return root is not None and any(resource.mode == "managed" for _, resource in walk(root))


class _PlanData(DataLoader):
    """Data sources of a plan: in the prior state, and among the changes when they were read while planning."""

    def __init__(self, plan: _Plan, path: str) -> None:
        self._plan, self._path = plan, path

    def __call__(self) -> list[Node]:
        nodes = data_sources(self._plan.prior_state, self._path)
        known = {node.address for node in nodes}
        for change in self._plan.resource_changes or ():
            if change.mode == "data" and change.address not in known:
                nodes.append(_make(change, self._path, "no-op"))
        return nodes


def _make(change: _ResourceChange, path: str, action: Action, *, forgets: bool = False, deferred: bool = False) -> Node:
    index = change.index
    return Node(
        place=path,
        address=change.address,
        type=change.type,
        name=change.name,
        module_address=change.module_address or "",
        mode=change.mode,
        index=int(index) if isinstance(index, float) else index,
        provider_name=change.provider_name or "",
        deposed=change.deposed,
        previous_address=change.previous_address,
        action=action,
        importing=change.change.importing not in (NULL, _FALSE),
        forgets=forgets,
        deferred=deferred,
        raw_before=change.change.before,
        raw_after=change.change.after,
        raw_unknown=change.change.after_unknown,
        raw_before_sensitive=change.change.before_sensitive,
        raw_after_sensitive=change.change.after_sensitive,
    )


def _node(
    change: _ResourceChange, path: str, project: str, diagnostics: list[Diagnostic], *, deferred: bool = False
) -> Node:
    actions = tuple(change.change.actions)
    action = _ACTIONS.get(actions)
    if action is None:
        has_before, has_after = change.change.before != NULL, change.change.after != NULL
        action = "update" if has_before and has_after else "delete" if has_before else "create"
        diagnostics.append(
            Diagnostic(
                level="warning",
                code="unknown-action",
                project=project,
                address=change.address,
                message=f"the plan's actions {'+'.join(a[:20] for a in actions[:4]) or '(none)'} are not known; judged as {action}",
                hint=None,
            )
        )
    return _make(change, path, action, forgets="forget" in actions, deferred=deferred)
