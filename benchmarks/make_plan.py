"""Write a large plan, as `terraform show -json` prints it, for the benchmarks.

The attributes of each resource are those of the same type in `fixtures/`, with its own names, machine types and
regions, so that a resource takes as much room as a real one. One module instance (`module.platform.module.team["t007"]`)
holds 200 resources, 10 of them with GPUs; every fifth instance exists already and does not change.

    python benchmarks/make_plan.py --resources 50000 --variant mixed plan.json

Variants:
  mixed       mostly plain machines and types that have nothing to do with machines
  machines    every resource is of a type that can hold a GPU
  referenced  the GPUs are in autoscaling groups whose launch templates are named by reference
  hidden      as before, but a local or a dynamic block hides the reference
  ambiguous   as hidden, and nothing tells which of the launch templates a group uses
"""

import argparse
import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FIXTURES = Path(__file__).parent.parent / "fixtures"
VARIANTS = ("mixed", "machines", "referenced", "hidden", "ambiguous")
TEAM_SIZE = 200
TEAM_GPUS = 10

Json = dict[str, Any]
Edit = Callable[[Json, Json, int], None]
"""Makes attributes and unknowns of the nth resource out of the shape of its type."""

AWS_REGIONS = ("us-east-1", "us-west-2", "eu-west-1")
GOOGLE_ZONES = ("us-central1-a", "us-east4-a", "europe-west4-a")
AZURE_REGIONS = ("eastus", "westeurope", "southcentralus")
AWS_GPUS = ("g4dn.xlarge", "g5.2xlarge", "g6.xlarge", "g6e.12xlarge", "p4d.24xlarge", "p5.48xlarge")
AWS_PLAIN = ("t3.medium", "m6i.large", "m6i.2xlarge", "c6i.xlarge", "r6i.large")
AZURE_GPUS = ("Standard_NC4as_T4_v3", "Standard_NC24ads_A100_v4", "Standard_NV36ads_A10_v5")


@dataclass(frozen=True, slots=True)
class Block:
    """One resource block of a module and how many instances each instance of the module has."""

    type: str
    name: str
    count: int
    edit: Edit
    expressions: Json
    offset: int = 0


def _aws_instance(machines: tuple[str, ...]) -> Edit:
    def edit(values: Json, unknown: Json, number: int) -> None:
        region = AWS_REGIONS[number % len(AWS_REGIONS)]
        values.update(region=region, availability_zone=f"{region}a", instance_type=machines[number % len(machines)])
        if machines is AWS_GPUS and number % 4 == 0:
            values["instance_market_options"] = [{"market_type": "spot", "spot_options": []}]
            unknown.pop("instance_market_options", None)

    return edit


def _eks(machines: tuple[str, ...]) -> Edit:
    def edit(values: Json, unknown: Json, number: int) -> None:
        machine = machines[number % len(machines)]
        values.update(instance_types=[machine], launch_template=[], capacity_type="SPOT" if number % 3 else "ON_DEMAND")
        values.update(region=AWS_REGIONS[number % len(AWS_REGIONS)], disk_size=100)
        unknown.update(launch_template=[], instance_types=[False])
        unknown.pop("disk_size", None)

    return edit


def _google_instance(gpu: bool) -> Edit:
    def edit(values: Json, unknown: Json, number: int) -> None:
        values.update(zone=GOOGLE_ZONES[number % len(GOOGLE_ZONES)], machine_type="e2-standard-4")
        if gpu:
            unknown.pop("guest_accelerator", None)
            if number % 2:
                values.update(machine_type="g2-standard-8", guest_accelerator=[])
            else:
                values.update(machine_type="n1-standard-8", guest_accelerator=[{"type": "nvidia-tesla-t4", "count": 2}])

    return edit


def _gke(gpu: bool) -> Edit:
    def edit(values: Json, unknown: Json, number: int) -> None:
        config = values["node_config"][0]
        config.update(machine_type="g2-standard-12" if gpu else "e2-standard-4", spot=bool(number % 2))
        config["guest_accelerator"] = [{"type": "nvidia-l4", "count": 1}] if gpu else []
        values.update(location=GOOGLE_ZONES[number % len(GOOGLE_ZONES)])
        values.update(node_count=1, initial_node_count=1, autoscaling=[])
        for name in ("location", "node_locations", "cluster", "node_count", "initial_node_count"):
            unknown.pop(name, None)

    return edit


def _azure_machine(machines: tuple[str, ...]) -> Edit:
    def edit(values: Json, unknown: Json, number: int) -> None:
        values.update(location=AZURE_REGIONS[number % len(AZURE_REGIONS)], size=machines[number % len(machines)])
        values.update(priority="Spot" if machines is AZURE_GPUS and number % 3 == 0 else "Regular")

    return edit


def _template(values: Json, unknown: Json, number: int) -> None:
    values.update(region="us-east-1", instance_type=AWS_GPUS[number % len(AWS_GPUS)], name_prefix="workers-")


def _group(values: Json, unknown: Json, number: int) -> None:
    values.update(region="us-east-1", min_size=number % 3, max_size=number % 3 + 4, name_prefix="workers-")


def _other_group(values: Json, unknown: Json, number: int) -> None:
    _group(values, unknown, number)
    values["name_prefix"] = f"group-{number}-"


def _plain(values: Json, unknown: Json, number: int) -> None:
    """The shape as it is."""


_NAME = {"references": ["var.team", "count.index"]}
_TEMPLATE_REFERENCE = {"references": ["aws_launch_template.workers", "count.index"]}
_GPU_BLOCKS = (
    Block("aws_instance", "gpu", 4, _aws_instance(AWS_GPUS), {"instance_type": {"references": ["var.types"]}}),
    Block("google_compute_instance", "gpu", 2, _google_instance(True), {"name": _NAME}),
    Block(
        "azurerm_linux_virtual_machine",
        "gpu",
        2,
        _azure_machine(AZURE_GPUS),
        {"name": _NAME, "network_interface_ids": {"references": ["azurerm_network_interface.this", "count.index"]}},
    ),
    Block("aws_eks_node_group", "gpu", 1, _eks(AWS_GPUS), {"node_group_name": _NAME}),
    Block("google_container_node_pool", "gpu", 1, _gke(True), {"name": _NAME}),
)
_MACHINES = (
    Block("aws_instance", "web", 110, _aws_instance(AWS_PLAIN), {"tags": _NAME}),
    Block("google_compute_instance", "web", 30, _google_instance(False), {"name": _NAME}),
    Block("azurerm_linux_virtual_machine", "web", 20, _azure_machine(("Standard_D4s_v5",)), {"name": _NAME}),
    Block("aws_eks_node_group", "web", 15, _eks(AWS_PLAIN), {"node_group_name": _NAME}),
    Block("google_container_node_pool", "web", 15, _gke(False), {"name": _NAME}),
)
_MIXED = (
    Block("aws_instance", "web", 60, _aws_instance(AWS_PLAIN), {"tags": _NAME}),
    Block("aws_security_group_rule", "ingress", 40, _plain, {"cidr_blocks": {"references": ["var.networks"]}}),
    Block("aws_iam_role", "node", 20, _plain, {"name": _NAME}),
    Block("aws_s3_bucket", "data", 20, _plain, {"bucket": _NAME}),
    Block("azurerm_network_interface", "this", 10, _plain, {"name": _NAME}),
    Block("azurerm_managed_disk", "data", 10, _plain, {"name": _NAME}),
    Block("google_compute_disk", "data", 10, _plain, {"name": _NAME}),
    Block("google_service_account", "node", 10, _plain, {"account_id": _NAME}),
    Block("google_compute_instance", "web", 6, _google_instance(False), {"name": _NAME}),
    Block("azurerm_linux_virtual_machine", "web", 4, _azure_machine(("Standard_D4s_v5",)), {"name": _NAME}),
)
_HAND_MADE: dict[str, tuple[Json, Json]] = {
    "aws_iam_role": (
        {
            "assume_role_policy": '{"Statement":[{"Action":"sts:AssumeRole","Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"}}],"Version":"2012-10-17"}',
            "description": None,
            "force_detach_policies": False,
            "max_session_duration": 3600,
            "name": "node",
            "path": "/",
            "permissions_boundary": None,
            "tags": {"team": "platform"},
            "tags_all": {"team": "platform", "managed-by": "terraform"},
        },
        dict.fromkeys(("arn", "create_date", "id", "inline_policy", "managed_policy_arns", "unique_id"), True),
    ),
    "aws_security_group_rule": (
        {
            "cidr_blocks": ["10.0.0.0/8", "172.16.0.0/12"],
            "description": "from the company's networks",
            "from_port": 443,
            "ipv6_cidr_blocks": None,
            "prefix_list_ids": None,
            "protocol": "tcp",
            "region": "us-east-1",
            "security_group_id": "sg-0a1b2c3d4e5f60718",
            "self": False,
            "timeouts": None,
            "to_port": 443,
            "type": "ingress",
        },
        dict.fromkeys(("id", "security_group_rule_id", "source_security_group_id"), True),
    ),
}


@dataclass(frozen=True, slots=True)
class Layout:
    """What a variant has in every team's module, and in the root module for the whole plan."""

    team: tuple[Block, ...]
    root: tuple[Block, ...]


def layout(variant: str, teams: int) -> Layout:
    """The blocks of a variant: TEAM_SIZE resources for each team, TEAM_GPUS of them with GPUs."""
    if variant == "mixed":
        return Layout((*_MIXED, *_GPU_BLOCKS), ())
    if variant == "machines":
        return Layout((*_MACHINES, *_GPU_BLOCKS), ())
    filler = (
        *(block for block in _MIXED if block.name != "ingress"),
        Block("aws_security_group_rule", "ingress", 40 - TEAM_GPUS, _plain, {"cidr_blocks": _NAME}),
    )
    groups = teams * TEAM_GPUS
    expressions = {"launch_template": [{"id": _TEMPLATE_REFERENCE}]} if variant == "referenced" else {}
    edit, offset = (_other_group, groups) if variant == "ambiguous" else (_group, 0)
    return Layout(
        filler,
        (
            Block("aws_autoscaling_group", "workers", groups, edit, expressions, offset),
            Block(
                "aws_launch_template", "workers", groups, _template, {"instance_type": {"references": ["var.types"]}}
            ),
        ),
    )


class Writer:
    """Writes one plan, resource by resource: a large one never is in memory as a whole."""

    def __init__(self, variant: str, resources: int) -> None:
        self.teams = max(1, resources // TEAM_SIZE)
        self.layout = layout(variant, self.teams)
        self._shapes, self._lists = shapes()

    def chunks(self) -> Iterator[str]:
        """The text of the plan in pieces."""
        yield '{"format_version":"1.2","terraform_version":"1.11.4","planned_values":{"root_module":'
        yield from self._values(range(self.teams), prior=False)
        yield '},"resource_changes":['
        for position, text in enumerate(self._changes()):
            yield "," + text if position else text
        yield '],"prior_state":{"format_version":"1.0","terraform_version":"1.11.4","values":{"root_module":'
        yield from self._values([team for team in range(self.teams) if _exists(team)], prior=True)
        yield f'}}}},"configuration":{_text(self._configuration())}'
        yield ',"relevant_attributes":[],"timestamp":"2026-01-01T00:00:00Z","applyable":true,"complete":true,"errored":false}\n'

    def _instances(self, blocks: tuple[Block, ...], team: int | None) -> Iterator[tuple[Json, Json, Json, bool]]:
        """Identity, attributes and unknowns of every instance, and whether it exists before the change."""
        module = f'module.platform.module.team["t{team:03}"]' if team is not None else ""
        for block in sorted(blocks, key=lambda each: (each.type, each.name)):
            shape, mask = self._shapes[block.type]
            for index in range(block.count):
                number = index + (team or 0) * block.count
                values, unknown = copy.deepcopy(shape), copy.deepcopy(mask)
                block.edit(values, unknown, number)
                exists = team is not None and _exists(team)
                if exists:
                    values, unknown = _filled(values, unknown, self._lists[block.type], f"{block.type}{number}"), {}
                key = index + block.offset
                identity = {
                    "address": f"{module}{'.' if module else ''}{block.type}.{block.name}[{key}]",
                    "mode": "managed",
                    "type": block.type,
                    "name": block.name,
                    "index": key,
                    "provider_name": f"registry.terraform.io/hashicorp/{block.type.partition('_')[0]}",
                }
                yield identity, values, unknown, exists

    def _all(self) -> Iterator[tuple[str, Json, Json, Json, bool]]:
        for each in self._instances(self.layout.root, None):
            yield ("", *each)
        for team in range(self.teams):
            for each in self._instances(self.layout.team, team):
                yield (f'module.platform.module.team["t{team:03}"]', *each)

    def _changes(self) -> Iterator[str]:
        for module, identity, values, unknown, exists in self._all():
            mask = _sensitive(values)
            yield _text(
                {
                    "address": identity["address"],
                    **({"module_address": module} if module else {}),
                    **identity,
                    "change": {
                        "actions": ["no-op"] if exists else ["create"],
                        "before": values if exists else None,
                        "after": values,
                        "after_unknown": unknown,
                        "before_sensitive": mask if exists else False,
                        "after_sensitive": mask,
                    },
                }
            )

    def _values(self, teams: "range | list[int]", *, prior: bool) -> Iterator[str]:
        yield '{"resources":['
        if not prior:
            yield ",".join(_value(*each[:2]) for each in self._instances(self.layout.root, None))
        yield '],"child_modules":[{"address":"module.platform","child_modules":['
        for position, team in enumerate(teams):
            yield ("," if position else "") + '{"resources":['
            yield ",".join(_value(*each[:2]) for each in self._instances(self.layout.team, team))
            yield f'],"address":{_text(f"""module.platform.module.team["t{team:03}"]""")}}}'
        yield "]}]}"

    def _configuration(self) -> Json:
        def block(each: Block) -> Json:
            return {
                "address": f"{each.type}.{each.name}",
                "mode": "managed",
                "type": each.type,
                "name": each.name,
                "provider_config_key": each.type.partition("_")[0],
                "expressions": each.expressions,
                "schema_version": 1,
                "count_expression": {"references": ["var.size"]},
            }

        names = {each.type.partition("_")[0] for each in (*self.layout.team, *self.layout.root)}
        variables: Json = {"team": {}, "size": {}, "networks": {}, "types": {}}
        team = {"resources": [block(each) for each in self.layout.team], "variables": variables}
        call = {
            "source": "./team",
            "expressions": {"team": {"references": ["each.key"]}},
            "for_each_expression": {"references": ["var.teams"]},
            "module": team,
        }
        platform = {"module_calls": {"team": call}, "variables": {"teams": {}}}
        teams = {f"t{number:03}": {"size": 4} for number in range(self.teams)}
        return {
            "provider_config": {
                name: {"name": name, "full_name": f"registry.terraform.io/hashicorp/{name}"} for name in sorted(names)
            },
            "root_module": {
                "resources": [block(each) for each in self.layout.root],
                "module_calls": {
                    "platform": {
                        "source": "./platform",
                        "expressions": {"teams": {"constant_value": teams}},
                        "module": platform,
                    }
                },
                "variables": {"types": {}, "size": {}},
            },
        }


def shapes() -> tuple[dict[str, tuple[Json, Json]], dict[str, frozenset[str]]]:
    """Attributes and unknowns of a resource that is created, by type, from the fixtures' plans; and which are lists.

    Terraform shows what is a list in `after_sensitive`, also where the list is not known yet.
    """
    found = dict(_HAND_MADE)
    lists: dict[str, frozenset[str]] = dict.fromkeys(found, frozenset())
    for path in sorted(FIXTURES.glob("*/plan.json")):
        for resource in json.loads(path.read_text(encoding="utf-8"))["resource_changes"]:
            change = resource["change"]
            if change["actions"] == ["create"] and resource["type"] not in found:
                found[resource["type"]] = (change["after"], change["after_unknown"])
                mirror = change["after_sensitive"] or {}
                lists[resource["type"]] = frozenset(name for name, mask in mirror.items() if isinstance(mask, list))
    return found, lists


def write(path: Path, variant: str, resources: int) -> int:
    """Write a plan and return its size in bytes."""
    with path.open("w", encoding="utf-8") as file:
        return sum(file.write(chunk) for chunk in Writer(variant, resources).chunks())


def _exists(team: int) -> bool:
    return team % 5 == 4


def _filled(values: Json, unknown: Json, lists: frozenset[str], mark: str) -> Json:
    """The attributes once applied: what was unknown has a value, blocks that nobody wrote are empty."""
    filled: Json = {
        name: [] if name in lists else f"{name.replace('_', '-')}-{mark}"
        for name, mask in unknown.items()
        if mask is True
    }
    return dict(sorted((values | filled).items()))


def _sensitive(values: Json) -> Json:
    """The mirror that Terraform prints: nested values only, nothing sensitive in them."""
    return {
        name: [{}] * len(value) if isinstance(value, list) else {}
        for name, value in values.items()
        if isinstance(value, list | dict)
    }


def _value(identity: Json, values: Json) -> str:
    return _text({**identity, "schema_version": 1, "values": values, "sensitive_values": _sensitive(values)})


def _text(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def main() -> None:
    """Command line."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("path", type=Path, help="file to write")
    arguments.add_argument("--resources", type=int, default=50_000, help=f"rounded down to a multiple of {TEAM_SIZE}")
    arguments.add_argument("--variant", choices=VARIANTS, default="mixed")
    given = arguments.parse_args()
    size = write(given.path, given.variant, given.resources)
    print(f"{given.path}: {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
