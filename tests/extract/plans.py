"""Plans and states as Python values: what `terraform show -json` prints, as far as the extractors read it.

    plan(resource("google_compute_instance.a", {"machine_type": "g2-standard-4", "zone": "us-central1-a"}))

An address may stand in modules; the configuration is laid out accordingly. `expressions` are the arguments of the block:
`ref("google_x.y.id")`, `const(1)`, nested blocks as lists of dicts.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from gpuguard.model.report import Report, Resource, State
from gpuguard.pipeline import Settings, check
from gpuguard.price.catalog import Catalog
from gpuguard.read.configuration import module_address, module_path, parse_address

Json = dict[str, Any]

_ACTIONS = {"create": ["create"], "no-op": ["no-op"], "update": ["update"], "delete": ["delete"], "forget": ["forget"]}


def ref(*targets: str) -> Json:
    """An expression that refers to these, as Terraform lists them: each traversal, then the resource it goes through."""
    references: list[str] = []
    for target in targets:
        references.append(target)
        short = target.rpartition(".")[0]
        if short.count(".") and not short.startswith(("var", "each", "local", "count")):
            references.append(short)
    return {"references": references}


def const(value: object) -> Json:
    """An expression that is a constant."""
    return {"constant_value": value}


@dataclass(frozen=True)
class Block:
    """One resource instance of a plan."""

    address: str
    before: Json | None
    after: Json | None
    unknown: Json
    expressions: Json
    mode: str = "managed"
    action: str | None = None
    extra: Json = field(default_factory=dict)

    @property
    def module(self) -> str:
        """Address of the module instance; "" for the root."""
        return module_address(module_path(self.address))

    @property
    def own(self) -> list[str | int]:
        """Type, name and perhaps the key."""
        parts = parse_address(self.address[len(self.module) :].lstrip("."))
        return parts[1:] if parts[0] == "data" else parts


def resource(
    address: str,
    after: Json | None = None,
    *,
    before: Json | None = None,
    unknown: Json | None = None,
    expressions: Json | None = None,
    action: str | None = None,
    **extra: Any,
) -> Block:
    """A managed resource; the action follows from the sides unless it is given."""
    return Block(address, before, after, unknown or {}, expressions or {}, action=action, extra=extra)


def data(address: str, values: Json, *, expressions: Json | None = None) -> Block:
    """A data source that was read while planning."""
    return Block(address, values, values, {}, expressions or {}, mode="data")


def plan(
    *blocks: Block,
    providers: Mapping[str, Json] | None = None,
    calls: Mapping[str, Json] | None = None,
    variables: Json | None = None,
    **members: Any,
) -> Json:
    """A plan of these blocks.

    `providers`: expressions by provider name. `calls`: by dotted call path (``"a.b"``), the members of a module call
    (`expressions`, `outputs`, `variables`, `for_each_expression`).
    """
    root: Json = {"resources": [], "module_calls": {}, "variables": {}}
    for path, members_of in sorted((calls or {}).items()):
        call = _call(root, path.split("."))
        call.update({key: value for key, value in members_of.items() if key not in ("outputs", "variables")})
        call["module"].update({key: members_of[key] for key in ("outputs", "variables") if key in members_of})
    for block in blocks:
        module = root
        for name, _ in module_path(block.module):
            module = _call(module, [name])["module"]
        kind, own = block.own[:2]
        if not any(
            (each["type"], each["name"], each["mode"]) == (kind, own, block.mode) for each in module["resources"]
        ):
            module["resources"].append(
                {
                    "type": kind,
                    "name": own,
                    "mode": block.mode,
                    "provider_config_key": _provider(block),
                    "expressions": block.expressions,
                }
            )
    return {
        "format_version": "1.2",
        "terraform_version": "1.11.4",
        "variables": {name: {"value": value} for name, value in (variables or {}).items()},
        "resource_changes": [_change(block) for block in blocks if block.mode == "managed"],
        "prior_state": _values([block for block in blocks if block.mode == "data"]),
        "configuration": {
            "provider_config": {
                name: {
                    "name": name,
                    "full_name": f"registry.terraform.io/hashicorp/{name}",
                    "expressions": expressions,
                }
                for name, expressions in (providers or {}).items()
            },
            "root_module": root,
        },
        **members,
    }


def state(*blocks: Block) -> Json:
    """The same resources as `terraform show -json` prints a state: no configuration."""
    return _values(list(blocks))


def _call(module: Json, path: list[str]) -> Json:
    for position, name in enumerate(path):
        call: Json = module.setdefault("module_calls", {}).setdefault(
            name, {"source": f"./{name}", "expressions": {}, "module": {"resources": [], "module_calls": {}}}
        )
        module = call["module"]
        if position == len(path) - 1:
            return call
    raise ValueError("a module call needs a name")


def _provider(block: Block) -> str:
    return str(block.extra.get("provider") or str(block.own[0]).split("_", 1)[0])


def _identity(block: Block) -> Json:
    kind, name, *key = block.own
    found = {
        "address": block.address,
        "mode": block.mode,
        "type": kind,
        "name": name,
        "provider_name": f"registry.terraform.io/hashicorp/{_provider(block)}",
    }
    return found | ({"index": key[0]} if key else {})


def _change(block: Block) -> Json:
    action = block.action or (
        "create" if block.before is None else "delete" if block.after is None else "no-op" if block.before == block.after else "update"
    )  # fmt: skip
    change = {
        "actions": _ACTIONS.get(action, action.split("+")),
        "before": block.before,
        "after": block.after,
        "after_unknown": block.unknown,
    }
    named = {"module_address": block.module} if block.module else {}
    more = {key: value for key, value in block.extra.items() if key in ("previous_address", "deposed")}
    return _identity(block) | named | more | {"change": change | block.extra.get("change", {})}


def _values(blocks: list[Block]) -> Json:
    modules: dict[str, Json] = {}
    for block in blocks:
        module = modules.setdefault(block.module, {"address": block.module, "resources": []})
        module["resources"].append(_identity(block) | {"values": block.after or block.before})
    root = modules.pop("", {"resources": []})
    root["child_modules"] = list(modules.values())
    return {"format_version": "1.0", "terraform_version": "1.11.4", "values": {"root_module": root}}


@cache
def catalog() -> Catalog:
    """The catalog that comes with the package, opened once."""
    return Catalog.open()


def report(document: Json, folder: Path, **settings: Any) -> Report:
    """What the pipeline makes of a plan or state, written to a file in `folder` first."""
    path = folder / "plan.json"
    path.write_text(json.dumps(document))
    return check([(str(path), "acme")], Settings(catalog=catalog(), **settings))


def found(document: Json, folder: Path, **settings: Any) -> dict[str, Resource]:
    """The reported resources by address."""
    return {each.address: each for each in report(document, folder, **settings).resources}


def after(document: Json, folder: Path, address: str | None = None, **settings: Any) -> State:
    """The after side of one resource; of the only one without `address`."""
    resources = found(document, folder, **settings)
    state_after = resources[address or next(iter(resources))].after
    assert state_after is not None
    return state_after


def codes(result: Report) -> set[str]:
    """The codes of the diagnostics, those on the age of prices aside."""
    return {each.code for each in result.diagnostics if not each.code.startswith(("stale", "old"))}
