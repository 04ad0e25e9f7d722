"""Small plans to be damaged: resources with GPUs, written as Terraform writes them."""

import json
from collections.abc import Iterator
from typing import Any

from tests.hostile.run import ROOT

Json = Any
Place = tuple[str | int, ...]

G5_XLARGE = "g5.xlarge"
FIXTURES = sorted(ROOT.glob("fixtures/*/plan.json"))


def change(
    type_: str, name: str, after: Json, *, module: str | None = None, index: str | int | None = None, **members: Json
) -> dict[str, Json]:
    """One entry of `resource_changes` that creates a resource; `members` go into its `change`."""
    key = "" if index is None else f"[{json.dumps(index)}]"
    entry: dict[str, Json] = {
        "address": f"{module + '.' if module else ''}{type_}.{name}{key}",
        "mode": "managed",
        "type": type_,
        "name": name,
        "provider_name": f"registry.terraform.io/hashicorp/{type_.partition('_')[0]}",
        "change": {"actions": ["create"], "before": None, "after": after, "after_unknown": {}, **members},
    }
    if module is not None:
        entry["module_address"] = module
    if index is not None:
        entry["index"] = index
    return entry


def instance(
    name: str = "gpu", machine: Json = G5_XLARGE, *, module: str | None = None, **more: Json
) -> dict[str, Json]:
    """An `aws_instance` in us-east-1."""
    after = {"instance_type": machine, "availability_zone": "us-east-1a", **more.pop("after", {})}
    return change("aws_instance", name, after, module=module, **more)


def plan(*changes: Json, **members: Json) -> dict[str, Json]:
    """A plan of these resource changes."""
    return {"format_version": "1.2", "terraform_version": "1.9.5", "resource_changes": list(changes), **members}


def group(**sizes: Json) -> tuple[dict[str, Json], dict[str, Json]]:
    """A launch template and an autoscaling group of these sizes."""
    template = change("aws_launch_template", "lt", {"id": "lt-0", "name": "lt", "instance_type": G5_XLARGE})
    after = {"launch_template": [{"id": "lt-0"}], "availability_zones": ["us-east-1a"], **sizes}
    return template, change("aws_autoscaling_group", "gpu", after)


def written(value: Json) -> bytes:
    """The plan as bytes of JSON; lone surrogates are kept as escapes."""
    return json.dumps(value).encode()


def places(value: Json, here: Place = ()) -> Iterator[Place]:
    """The place of every node below a JSON value, outer ones first."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in members:
        yield (*here, step)
        yield from places(inner, (*here, step))


def parent_of(value: Json, place: Place) -> Json:
    """The object or array that holds the node at a place."""
    for step in place[:-1]:
        value = value[step]
    return value


def broad_plan() -> dict[str, Json]:
    """A plan that has every section gpuguard reads: a good resource, and one behind a template in a module."""
    unknown_template = {"launch_template": [{"id": True}]}
    return plan(
        instance("good"),
        instance("tagged", after={"tags": {"team": "research"}}, after_sensitive={"tags": {"team": True}}),
        change("aws_launch_template", "lt", {"name": "lt", "instance_type": "g4dn.xlarge"}, module="module.m"),
        change(
            "aws_autoscaling_group",
            "group",
            {"min_size": 1, "max_size": 2, "desired_capacity": 1, "launch_template": [{}], "tag": []},
            module="module.m",
            after_unknown=unknown_template,
        ),
        planned_values={"root_module": {"resources": [{"address": "aws_instance.good", "type": "aws_instance"}]}},
        prior_state={
            "format_version": "1.0",
            "values": {
                "root_module": {
                    "resources": [
                        {
                            "address": "data.aws_region.here",
                            "mode": "data",
                            "type": "aws_region",
                            "name": "here",
                            "values": {"name": "us-east-1", "id": "us-east-1"},
                        }
                    ],
                    "child_modules": [{"address": "module.m", "resources": []}],
                }
            },
        },
        variables={"size": {"value": "g4dn.xlarge"}},
        relevant_attributes=[{"resource": "aws_instance.good", "attribute": ["id"]}],
        complete=True,
        errored=False,
        configuration={
            "provider_config": {
                "aws": {"name": "aws", "expressions": {"region": {"references": ["var.region"]}}},
            },
            "root_module": {
                "variables": {"region": {"default": "us-east-1"}, "size": {"sensitive": False}},
                "resources": [
                    {
                        "address": "aws_instance.good",
                        "mode": "managed",
                        "type": "aws_instance",
                        "name": "good",
                        "provider_config_key": "aws",
                        "expressions": {"instance_type": {"constant_value": "g5.xlarge"}},
                    }
                ],
                "module_calls": {
                    "m": {
                        "source": "./m",
                        "expressions": {"size": {"references": ["var.size"]}},
                        "module": {
                            "variables": {"size": {}},
                            "outputs": {"id": {"expression": {"references": ["aws_launch_template.lt.id"]}}},
                            "resources": [
                                {
                                    "address": "aws_autoscaling_group.group",
                                    "mode": "managed",
                                    "type": "aws_autoscaling_group",
                                    "name": "group",
                                    "provider_config_key": "aws",
                                    "expressions": {
                                        "launch_template": [
                                            {
                                                "id": {
                                                    "references": [
                                                        "aws_launch_template.lt.id",
                                                        "aws_launch_template.lt",
                                                    ]
                                                }
                                            }
                                        ]
                                    },
                                },
                            ],
                        },
                    }
                },
            },
        },
    )
