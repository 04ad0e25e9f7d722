"""AWS: what is read from instances, auto scaling groups and EKS node groups.

Unit prices used here (the catalog's tables): us-east-1 on demand g4dn.xlarge 0.526, g5.xlarge 1.006, g5.2xlarge 1.212,
g5.12xlarge 5.672, g6.xlarge 0.8048, g4dn.xlarge on Windows 0.71; spot g5.xlarge 0.4507 at its dear end; EBS gp2 0.10,
gp3 0.08, st1 0.045, io1 0.125 a GiB and month, io1 0.065 and gp3 0.005 an IOPS, gp3 0.04 a MiB/s.
"""

from base64 import b64encode
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gpuguard.model.report import State
from tests.extract.plans import Block, Json, after, codes, data, found, plan, ref, report, resource, state

EAST = {"aws": {"region": {"constant_value": "us-east-1"}}}
HOURS = Decimal(730)


def aws(*blocks: Block, **members: Any) -> Json:
    return plan(*blocks, **{"providers": EAST, **members})


def instance(name: str = "vm", **values: Any) -> Block:
    own = {
        "instance_type": "g5.xlarge",
        "ami": "ami-1",
        "root_block_device": [{"volume_size": 10, "volume_type": "gp3"}],
    }
    options = {key: values.pop(key) for key in ("unknown", "expressions", "before") if key in values}
    return resource(f"aws_instance.{name}", {**own, **values}, **options)


def template(address: str = "aws_launch_template.t", machine: str | None = "g5.xlarge", **values: Any) -> Block:
    if not address.split(".")[0].startswith(("aws", "module")):
        address = f"aws_launch_template.{address}"
    own = {"instance_type": machine, "name_prefix": "t-", "image_id": "ami-1", **values}
    return resource(address, own, unknown={"id": True, "name": True, "arn": True})


def group(name: str = "g", uses: str | None = "aws_launch_template.t.id", **values: Any) -> Block:
    """An auto scaling group whose launch template's id is unknown and, by its expression, that of `uses`."""
    unknown: Json = {"id": True, "launch_template": [{"id": True, "name": True}], **values.pop("unknown", {})}
    expressions = {"launch_template": [{"id": ref(uses)}]} if uses else {}
    expressions |= values.pop("expressions", {})
    own = {"name": name, "min_size": 1, "max_size": 4, "launch_template": [{"version": "$Latest"}], **values}
    return resource(f"aws_autoscaling_group.{name}", own, unknown=unknown, expressions=expressions)


def mixed(overrides: list[Json], distribution: Json | None = None, **values: Any) -> Block:
    specification = {"launch_template_specification": [{"version": "$Latest"}], "override": overrides}
    policy = {"instances_distribution": [distribution] if distribution else [], "launch_template": [specification]}
    hidden = {"launch_template": [{"launch_template_specification": [{"launch_template_id": True}]}]}
    link = {"launch_template_specification": [{"launch_template_id": ref("aws_launch_template.t.id")}]}
    own = {"min_size": 1, "desired_capacity": 4, "max_size": 10, "mixed_instances_policy": [policy], **values}
    return resource(
        "aws_autoscaling_group.g",
        own,
        unknown={"id": True, "mixed_instances_policy": [hidden]},
        expressions={"mixed_instances_policy": [{"launch_template": [link]}]},
    )


def node_group(name: str = "n", **values: Any) -> Block:
    sizes = [{"min_size": 1, "desired_size": 2, "max_size": 3}]
    options = {key: values.pop(key) for key in ("unknown", "expressions", "before") if key in values}
    return resource(f"aws_eks_node_group.{name}", {"scaling_config": sizes, **values}, **options)


def units(side: State, pool: int = 0) -> tuple[float | None, ...]:
    each = side.pools[pool].units
    return each.min, each.expected, each.max


def pools(side: State) -> list[tuple[str | None, str, tuple[float | None, ...]]]:
    return [(each.sku, each.purchase_model, units(side, at)) for at, each in enumerate(side.pools)]


def amounts(side: State, kind: str = "storage") -> list[Decimal]:
    return [each.monthly or Decimal(0) for each in side.components if each.kind == kind]


# -- on demand and spot -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("distribution", "expected"),
    [
        pytest.param(None, [("g5.2xlarge", "on_demand", (1, 4, 10))], id="no distribution is all on demand"),
        pytest.param(
            {"on_demand_percentage_above_base_capacity": 0, "spot_allocation_strategy": "lowest-price"},
            [("g4dn.xlarge", "spot", (1, 4, 10))],
            id="0 % is all spot, of the cheapest type",
        ),
        pytest.param(
            {"on_demand_percentage_above_base_capacity": 100, "on_demand_allocation_strategy": "lowest-price"},
            [("g4dn.xlarge", "on_demand", (1, 4, 10))],
            id="100 % at lowest price is all of the cheapest type",
        ),
        pytest.param(
            {"on_demand_base_capacity": 1, "on_demand_percentage_above_base_capacity": 33, "spot_allocation_strategy": "price-capacity-optimized"},
            [("g5.2xlarge", "on_demand", (1, 2, 4)), ("g5.2xlarge", "spot", (0, 2, 6))],
            id="a third above the base is rounded up, and spot is the dearest type where any may run",
        ),
        pytest.param(
            {"on_demand_base_capacity": 50, "on_demand_percentage_above_base_capacity": 0},
            [("g5.2xlarge", "on_demand", (1, 4, 10))],
            id="a base above the size leaves nothing to spot",
        ),
        pytest.param(
            {"on_demand_percentage_above_base_capacity": 0, "spot_allocation_strategy": "capacity-optimized-prioritized"},
            [("g5.2xlarge", "spot", (1, 4, 10))],
            id="prioritized spot is the first type",
        ),
    ],
)  # fmt: skip
def test_a_mixed_instances_policy_splits_the_group(
    distribution: Json | None, expected: list[Any], tmp_path: Path
) -> None:
    overrides = [{"instance_type": "g5.2xlarge"}, {"instance_type": "g4dn.xlarge"}]
    assert pools(after(aws(template(), mixed(overrides, distribution)), tmp_path)) == expected


def test_weights_count_in_units_and_round_machines_up(tmp_path: Path) -> None:
    overrides = [
        {"instance_type": "g5.12xlarge", "weighted_capacity": "4"},
        {"instance_type": "g5.xlarge", "weighted_capacity": "1"},
    ]
    split = {"on_demand_base_capacity": 3, "on_demand_percentage_above_base_capacity": 50, "spot_allocation_strategy": "lowest-price"}  # fmt: skip
    side = after(aws(template(), mixed(overrides, split, min_size=4, desired_capacity=10, max_size=21)), tmp_path)
    # on demand 4, 7 and 12 units of 4; spot 0, 3 and 9 units at 0.4507 a unit against 2.38224 / 4
    assert pools(side) == [("g5.12xlarge", "on_demand", (1, 2, 3)), ("g5.xlarge", "spot", (0, 3, 9))]


def test_a_group_of_no_machines_is_still_reported(tmp_path: Path) -> None:
    sizes = {"min_size": 0, "desired_capacity": 0, "max_size": 0}
    side = after(aws(template(), mixed([{"instance_type": "g5.xlarge"}], None, **sizes)), tmp_path)
    assert pools(side) == [("g5.xlarge", "on_demand", (0, 0, 0))]
    assert side.gpus.expected == 0


def test_an_override_brings_the_disks_of_its_own_launch_template(tmp_path: Path) -> None:
    disk = [{"device_name": "/dev/xvda", "ebs": [{"volume_size": 50, "volume_type": "gp3"}]}]
    own = template("own", None, name="own", block_device_mappings=disk)
    override = {"instance_type": "g5.xlarge", "launch_template_specification": [{"launch_template_name": "own"}]}
    side = after(aws(template(), own, mixed([override, {"instance_type": "g4dn.xlarge"}])), tmp_path)
    assert pools(side) == [("g5.xlarge", "on_demand", (1, 4, 10))]
    assert amounts(side) == [4 * 50 * Decimal("0.08")]


def test_an_override_with_a_plain_machine_leaves_the_accelerated_one(tmp_path: Path) -> None:
    side = after(aws(template(), mixed([{"instance_type": "c6i.xlarge"}, {"instance_type": "g5.xlarge"}])), tmp_path)
    assert pools(side) == [("g5.xlarge", "on_demand", (1, 4, 10))]


def test_overrides_without_accelerators_hide_that_of_the_template(tmp_path: Path) -> None:
    document = aws(template(), mixed([{"instance_type": "c6i.xlarge"}, {"instance_type": "m6i.large"}]))
    assert found(document, tmp_path) == {}


@pytest.mark.parametrize(
    ("market", "model", "hourly"),
    [
        pytest.param({"market_type": "spot"}, "spot", "0.4507", id="spot at the dear end of its zones"),
        pytest.param({"market_type": "spot", "spot_options": [{"max_price": "0.25"}]}, "spot", "0.25", id="spot at most at its own maximum"),
        pytest.param({"market_type": "spot", "spot_options": [{"max_price": "99"}]}, "spot", "0.4507", id="a high maximum changes nothing"),
        pytest.param({"market_type": None}, "on_demand", "1.006", id="an empty block is on demand"),
    ],
)  # fmt: skip
def test_the_market_decides_the_purchase_model(market: Json, model: str, hourly: str, tmp_path: Path) -> None:
    side = after(aws(instance(instance_market_options=[market])), tmp_path)
    assert side.pools[0].purchase_model == model
    assert amounts(side, "compute") == [HOURS * Decimal(hourly)]


@pytest.mark.parametrize("tenancy", ["dedicated", "host"])
def test_other_tenancies_are_told(tenancy: str, tmp_path: Path) -> None:
    assert "dedicated-tenancy" in codes(report(aws(instance(tenancy=tenancy)), tmp_path))


# -- machine types selected by their attributes -------------------------------------------------------------------------------


def requirements(**wanted: Any) -> list[Json]:
    own = {"vcpu_count": [{"min": 4}], "memory_mib": [{"min": 16384}], **wanted}
    return [{"instance_requirements": [own]}]


@pytest.mark.parametrize(
    ("wanted", "sku"),
    [
        pytest.param({"accelerator_names": ["a10g"]}, "g5.xlarge", id="the cheapest of a GPU"),
        pytest.param({"accelerator_names": ["a10g"], "accelerator_count": [{"min": 4, "max": 4}]}, "g5.12xlarge", id="by the number of GPUs"),
        pytest.param({"accelerator_names": ["t4"], "vcpu_count": [{"min": 5}]}, "g4dn.2xlarge", id="by vCPUs, and a T4 is no T4G"),
        pytest.param({"accelerator_manufacturers": ["amd"], "accelerator_count": [{"min": 1}]}, "g4ad.xlarge", id="by manufacturer"),
        pytest.param({"accelerator_types": ["inference"], "accelerator_names": ["inferentia"], "memory_mib": [{"min": 0}]}, "inf1.xlarge", id="by kind"),
        pytest.param({"allowed_instance_types": ["p4d.*"]}, "p4d.24xlarge", id="by an allowed family"),
        pytest.param({"accelerator_names": ["a10g"], "excluded_instance_types": ["g5.xlarge", "g5.2xlarge"]}, "g5.4xlarge", id="less the excluded"),
        pytest.param({"accelerator_count": [{"min": 1}], "accelerator_total_memory_mib": [{"min": 600_000}], "accelerator_names": ["a100"]}, "p4de.24xlarge", id="by accelerator memory"),
    ],
)  # fmt: skip
def test_requirements_select_accelerated_types(wanted: Json, sku: str, tmp_path: Path) -> None:
    assert pools(after(aws(template(), mixed(requirements(**wanted))), tmp_path)) == [(sku, "on_demand", (1, 4, 10))]


@pytest.mark.parametrize(
    "wanted",
    [
        pytest.param({}, id="nothing about accelerators"),
        pytest.param({"accelerator_count": [{"max": 0}]}, id="no accelerators"),
        pytest.param({"allowed_instance_types": ["m6i.*", "c7i.large"]}, id="only plain families"),
    ],
)
def test_requirements_that_ask_for_no_accelerator_stay_quiet(wanted: Json, tmp_path: Path) -> None:
    result = report(aws(template(), mixed(requirements(**wanted))), tmp_path)
    assert result.resources == ()


@pytest.mark.parametrize("wanted", [{"accelerator_names": ["z9"]}, {"allowed_instance_types": ["p9.*"]}])
def test_requirements_that_nothing_known_meets_are_unknown(wanted: Json, tmp_path: Path) -> None:
    result = report(aws(template(), mixed(requirements(**wanted))), tmp_path)
    assert "unknown-instance-requirements" in codes(result)
    assert result.summary.unknown == 1


def test_capacity_may_be_counted_in_vcpus(tmp_path: Path) -> None:
    wanted = requirements(accelerator_names=["a10g"], accelerator_count=[{"max": 1}], vcpu_count=[{"min": 8, "max": 8}])
    sizes = {"min_size": 8, "desired_capacity": 20, "max_size": 64, "desired_capacity_type": "vcpu"}
    assert pools(after(aws(template(), mixed(wanted, None, **sizes)), tmp_path)) == [
        ("g5.2xlarge", "on_demand", (1, 3, 8))
    ]


@pytest.mark.parametrize(
    ("protection", "sku"),
    [
        pytest.param({}, "g5.8xlarge", id="spot up to twice the lowest price"),
        pytest.param(
            {"spot_max_price_percentage_over_lowest_price": 900}, "g5.16xlarge", id="more where it is allowed"
        ),
        pytest.param(
            {"max_spot_price_as_percentage_of_optimal_on_demand_price": 55},
            "g5.2xlarge",
            id="up to a share of the on-demand price",
        ),
    ],
)
def test_price_protection_leaves_out_what_is_too_dear(protection: Json, sku: str, tmp_path: Path) -> None:
    """Of what is left the dearest runs, by its dearest zone.

    Spot of single A10Gs, mean over zones (dearest zone): g5.xlarge 0.43472 (0.4507), 2xlarge 0.43682 (0.5283),
    4xlarge 0.67072 (0.7068), 8xlarge 0.7276 (0.7607), 16xlarge 1.0079 (1.092). Twice the lowest is 0.86944; 55 % of
    g5.xlarge on demand, 1.006, is 0.5533.
    """
    spot = {"on_demand_percentage_above_base_capacity": 0, "spot_allocation_strategy": "price-capacity-optimized"}
    wanted = requirements(accelerator_names=["a10g"], accelerator_count=[{"min": 1, "max": 1}], **protection)
    assert pools(after(aws(template(), mixed(wanted, spot)), tmp_path)) == [(sku, "spot", (1, 4, 10))]


def test_a_launch_template_may_select_by_attributes(tmp_path: Path) -> None:
    own = template(
        machine=None, instance_requirements=requirements(accelerator_names=["a10g"])[0]["instance_requirements"]
    )
    assert pools(after(aws(own, mixed([])), tmp_path)) == [("g5.xlarge", "on_demand", (1, 4, 10))]


# -- sizes ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "variables", "expected"),
    [
        pytest.param({"constant_value": None}, {}, (1, 1, 4), id="null starts at the minimum"),
        pytest.param(ref("var.size"), {"size": None}, (1, 1, 4), id="a variable that is null starts at the minimum"),
        pytest.param(ref("local.size"), {}, (1, 1, 4), id="a local that hides null starts at the minimum"),
        pytest.param(ref("random_integer.n.result"), {}, (1, None, 4), id="what only apply can tell stays unknown"),
        pytest.param(ref("terraform_data.n.output"), {}, (1, 3, 4), id="what passes through terraform_data is known"),
    ],
)
def test_desired_capacity(expression: Json, variables: Json, expected: Any, tmp_path: Path) -> None:
    others = (
        resource("random_integer.n", {"min": 1, "max": 4}, unknown={"result": True}),
        resource("terraform_data.n", {"input": 3}, unknown={"output": True}),
    )
    sized = group(unknown={"desired_capacity": True}, expressions={"desired_capacity": expression})
    assert units(after(aws(template(), *others, sized, variables=variables), tmp_path)) == expected


def test_an_ignored_size_follows_new_bounds(tmp_path: Path) -> None:
    assert units(after(aws(template(), group(min_size=5, max_size=6, desired_capacity=2)), tmp_path)) == (5, 5, 6)


# -- launch templates behind references -----------------------------------------------------------------------------------------


def test_a_template_is_found_by_its_name(tmp_path: Path) -> None:
    named = resource("aws_launch_template.t", {"name": "acme", "instance_type": "g6.xlarge"}, unknown={"id": True})
    by_name = group(uses=None, launch_template=[{"name": "acme"}], unknown={"launch_template": [{"id": True}]})
    side = found(aws(named, by_name), tmp_path)["aws_autoscaling_group.g"]
    assert side.via == ("aws_launch_template.t",)


def test_a_replaced_template_is_followed_although_its_old_name_still_stands_there(tmp_path: Path) -> None:
    """The group keeps the computed name of the template it had; its id is unknown and says which it gets."""
    was = {"id": "lt-1", "name": "old", "instance_type": "g4dn.xlarge"}
    now = resource("aws_launch_template.t", {"name": "new", "instance_type": "g5.12xlarge"}, before=was, unknown={"id": True}, action="delete+create")  # fmt: skip
    sizes = {"name": "g", "min_size": 1, "max_size": 4}
    moved = resource(
        "aws_autoscaling_group.g",
        {**sizes, "launch_template": [{"name": "old"}]},
        before={**sizes, "launch_template": [{"id": "lt-1", "name": "old"}]},
        unknown={"launch_template": [{"id": True}]},
        expressions={"launch_template": [{"id": ref("aws_launch_template.t.id")}]},
    )
    one = found(aws(now, moved), tmp_path)["aws_autoscaling_group.g"]
    assert one.before is not None
    assert one.after is not None
    assert (one.before.pools[0].sku, one.after.pools[0].sku) == ("g4dn.xlarge", "g5.12xlarge")


def test_a_literal_name_that_is_nowhere_in_the_plan_is_no_other_template(tmp_path: Path) -> None:
    expressions = {"launch_template": [{"name": {"constant_value": "elsewhere"}}]}
    outside = group(uses=None, launch_template=[{"name": "elsewhere"}], expressions=expressions)
    side = after(aws(template(), outside), tmp_path)
    assert side.pools[0].sku is None


def test_of_several_possible_templates_the_dearest_is_taken(tmp_path: Path) -> None:
    cheap, dear = template("cheap", "g4dn.xlarge"), template("dear", "p5.48xlarge")
    either = group(expressions={"launch_template": [{"id": ref("var.big", "aws_launch_template.cheap.id", "aws_launch_template.dear.id")}]})  # fmt: skip
    result = report(aws(cheap, dear, either), tmp_path)
    (only,) = result.resources
    assert only.after is not None
    assert only.after.pools[0].sku == "p5.48xlarge"
    assert "ambiguous-template" in codes(result)


def test_the_template_named_like_the_key_is_taken(tmp_path: Path) -> None:
    """``for_each = { gpu = aws_launch_template.gpu.id, cpu = aws_launch_template.cpu.id }``."""
    gpu, cpu = template("gpu", "g5.xlarge"), template("cpu", "m6i.large")
    both = ref("aws_launch_template.gpu.id", "aws_launch_template.cpu.id")
    groups = [
        resource(
            f'aws_autoscaling_group.g["{key}"]',
            {"min_size": 1, "max_size": 2, "launch_template": [{}]},
            unknown={"launch_template": [{"id": True}]},
            expressions={"launch_template": [{"id": ref("each.value")}]},
        )
        for key in ("gpu", "cpu")
    ]
    document = aws(gpu, cpu, *groups)
    document["configuration"]["root_module"]["resources"][-1]["for_each_expression"] = both
    result = report(document, tmp_path)
    assert [each.address for each in result.resources] == ['aws_autoscaling_group.g["gpu"]']
    assert "assumed-template" in codes(result)


def test_an_output_that_is_a_map_gives_each_key_its_own(tmp_path: Path) -> None:
    """``module.tpl.ids[each.key]`` with ``{ for k, t in aws_launch_template.t : k => t.id }``."""
    kinds = {"train": "p4d.24xlarge", "web": "m6i.large", "infer": "g6.xlarge"}
    templates = [template(f'module.tpl.aws_launch_template.t["{key}"]', kind) for key, kind in kinds.items()]
    groups = [
        resource(
            f'aws_autoscaling_group.g["{key}"]',
            {"min_size": 1, "max_size": 2, "launch_template": [{}]},
            unknown={"launch_template": [{"id": True}]},
            expressions={"launch_template": [{"id": {"references": ["module.tpl.ids", "module.tpl", "each.key"]}}]},
        )
        for key in kinds
    ]
    outputs = {"ids": {"expression": ref("aws_launch_template.t")}}
    resources = found(aws(*templates, *groups, calls={"tpl": {"outputs": outputs}}), tmp_path)
    machines = {each.address: each.after.pools[0].sku for each in resources.values() if each.after}
    assert machines == {
        'aws_autoscaling_group.g["train"]': "p4d.24xlarge",
        'aws_autoscaling_group.g["infer"]': "g6.xlarge",
    }


# -- regions ----------------------------------------------------------------------------------------------------------------------

HIDDEN = {"aws": {"region": ref("local.region")}}
BARE: Json = {"instance_type": "g5.xlarge", "ami": "ami-1"}


def subnet(name: str, zone: str) -> Block:
    return resource(f"aws_subnet.{name}", {"availability_zone": zone}, unknown={"id": True})


@pytest.mark.parametrize(
    ("block", "others", "expected"),
    [
        pytest.param(instance(region="us-west-2"), (), "us-west-2", id="its own region"),
        pytest.param(instance(availability_zone="us-west-2-lax-1a"), (), "us-west-2", id="a local zone"),
        pytest.param(instance(arn="arn:aws:ec2:eu-west-1:1:instance/i-1"), (), "eu-west-1", id="its ARN"),
        pytest.param(
            instance(unknown={"subnet_id": True}, expressions={"subnet_id": ref("aws_subnet.s[1].id")}),
            (subnet("s[0]", "eu-west-1a"), subnet("s[1]", "eu-central-1b")),
            "eu-central-1",
            id="the zone of its subnet",
        ),
        pytest.param(
            node_group(instance_types=["g5.xlarge"], subnet_ids=[None, None], unknown={"subnet_ids": [True, True]}, expressions={"subnet_ids": ref("aws_subnet.s[0].id", "aws_subnet.t[0].id")}),
            (subnet("s[0]", "eu-west-1a"), subnet("t[0]", "eu-west-1b"), subnet("u", "us-east-1a")),
            "eu-west-1",
            id="the zones of a node group's subnets",
        ),
        pytest.param(instance(), (data("data.aws_region.here", {"name": "sa-east-1"}),), "sa-east-1", id="the data source of its provider"),
        pytest.param(instance(), (subnet("s", "ap-south-1a"), subnet("t", "ap-south-1b")), "ap-south-1", id="what else its provider manages"),
        pytest.param(instance(), (subnet("s", "ap-south-1a"), subnet("t", "us-east-1b")), None, id="nothing where that disagrees"),
        pytest.param(
            instance(),
            (data("data.aws_region.other", {"name": "sa-east-1"}, expressions={"name": {"constant_value": "sa-east-1"}}),),
            None,
            id="nothing where a data source was asked about another region",
        ),
    ],
)  # fmt: skip
def test_the_region_where_the_provider_block_hides_it(
    block: Block, others: tuple[Block, ...], expected: str | None, tmp_path: Path
) -> None:
    document = plan(block, *others, providers=HIDDEN)
    assert after(document, tmp_path, block.address).region == expected


def test_the_region_before_is_that_of_what_was_there(tmp_path: Path) -> None:
    was = {"instance_type": "g5.xlarge", "arn": "arn:aws:ec2:eu-west-1:1:instance/i-1"}
    one = found(aws(instance(before=was)), tmp_path)["aws_instance.vm"]
    assert one.before is not None
    assert one.after is not None
    assert (one.before.region, one.after.region) == ("eu-west-1", "us-east-1")


def test_a_region_that_only_apply_can_tell_is_not_the_provider_s(tmp_path: Path) -> None:
    pet = resource("random_pet.p", {}, unknown={"id": True})
    document = aws(pet, instance(unknown={"region": True}, expressions={"region": ref("random_pet.p.id")}))
    assert after(document, tmp_path, "aws_instance.vm").region is None


# -- disks --------------------------------------------------------------------------------------------------------------------------


def test_disks_of_image_template_and_instance_lie_over_each_other(tmp_path: Path) -> None:
    image = data(
        "data.aws_ami.a",
        {
            "id": "ami-7",
            "root_device_name": "/dev/sda1",
            "block_device_mappings": [
                {"device_name": "/dev/sda1", "ebs": {"volume_size": "30", "volume_type": "gp3"}},
                {"device_name": "/dev/sdb", "ebs": {"volume_size": "40", "volume_type": "gp3"}},
                {"device_name": "/dev/sdc", "ebs": {"volume_size": "50", "volume_type": "gp3"}},
            ],
        },
    )
    mappings: list[Json] = [
        {"device_name": "/dev/sdb", "no_device": "true"},
        {"device_name": "/dev/sdd", "ebs": [{"volume_size": 60, "volume_type": "gp3"}]},
        {"device_name": "/dev/sde", "virtual_name": "ephemeral0"},
    ]
    vm = resource(
        "aws_instance.vm",
        {"launch_template": [{}], "ebs_block_device": [{"device_name": "/dev/sdd", "volume_size": 70}]},
        unknown={"launch_template": [{"id": True}]},
        expressions={"launch_template": [{"id": ref("aws_launch_template.t.id")}]},
    )
    side = after(aws(image, template(image_id="ami-7", block_device_mappings=mappings), vm), tmp_path)
    # the image's root and /dev/sdc, and /dev/sdd of the template at the size the instance gives it
    assert sorted(amounts(side)) == [size * Decimal("0.08") for size in (30, 50, 70)]


@pytest.mark.parametrize(
    ("volume", "expected"),
    [
        pytest.param({"volume_size": 100}, ["10"], id="without a type it is gp2"),
        pytest.param({"volume_size": 100, "volume_type": "io1", "iops": 2000}, ["12.5", "130"], id="io1 pays for all IOPS"),
        pytest.param({"volume_size": 100, "volume_type": "gp3", "iops": 4000, "throughput": 225}, ["8", "5", "4"], id="gp3 pays above what is included"),
        pytest.param({"volume_size": 100, "volume_type": "gp2", "iops": 300, "throughput": 128}, ["10"], id="what a state reports of gp2 costs nothing"),
        pytest.param({"volume_type": "gp3"}, [], id="without a size it is not counted"),
    ],
)  # fmt: skip
def test_root_volumes(volume: Json, expected: list[str], tmp_path: Path) -> None:
    result = report(aws(instance(root_block_device=[volume])), tmp_path)
    (one,) = result.resources
    assert one.after is not None
    assert amounts(one.after) == [Decimal(each) for each in expected]
    assert ("unknown-disk-size" in codes(result)) == (not expected)


def attachment(volume: Json, to: Json, address: str = "aws_volume_attachment.a") -> Block:
    return resource(address, {}, unknown={"instance_id": True, "volume_id": True}, expressions={"volume_id": volume, "instance_id": to})  # fmt: skip


def test_an_attached_volume_counts_with_its_own_instance_only(tmp_path: Path) -> None:
    volumes = [
        resource(f"aws_ebs_volume.v[{n}]", {"size": 100 * (n + 1), "type": "st1"}, unknown={"id": True}) for n in (0, 1)
    ]
    machines = [instance(f"vm[{n}]", unknown={"id": True}) for n in (0, 1)]
    by_index = {"references": ["aws_ebs_volume.v", "count.index"]}, {"references": ["aws_instance.vm", "count.index"]}
    attached = [attachment(*by_index, f"aws_volume_attachment.a[{n}]") for n in (0, 1)]
    resources = found(aws(*volumes, *machines, *attached), tmp_path)
    for index, size in ((0, 100), (1, 200)):
        side = resources[f"aws_instance.vm[{index}]"].after
        assert side is not None
        assert amounts(side) == [Decimal("0.8"), size * Decimal("0.045")]


def test_an_attachment_behind_a_local_belongs_to_the_only_instance_of_its_module(tmp_path: Path) -> None:
    volume = resource("aws_ebs_volume.v", {"size": 500, "type": "gp3"}, unknown={"id": True})
    attached = attachment(ref("aws_ebs_volume.v.id"), ref("local.instance_id"))
    result = report(aws(volume, instance(unknown={"id": True}), attached), tmp_path)
    (one,) = result.resources
    assert one.after is not None
    assert amounts(one.after) == [Decimal("0.8"), Decimal(40)]
    assert "assumed-reference" in codes(result)
    several = aws(volume, instance("one"), instance("two"), attached)
    assert all(amounts(each.after) == [Decimal("0.8")] for each in found(several, tmp_path).values() if each.after)


def test_a_volume_that_is_only_read_costs_nothing_here(tmp_path: Path) -> None:
    existing = data("data.aws_ebs_volume.old", {"id": "vol-1", "size": 900, "type": "gp3"})
    attached = resource("aws_volume_attachment.a", {"volume_id": "vol-1"}, unknown={"instance_id": True}, expressions={"instance_id": ref("aws_instance.vm.id")})  # fmt: skip
    assert amounts(after(aws(existing, instance(unknown={"id": True}), attached), tmp_path)) == [Decimal("0.8")]


def test_a_state_that_lists_an_attached_volume_on_the_instance_too_counts_it_once(tmp_path: Path) -> None:
    own = {"device_name": "/dev/sdh", "volume_id": "vol-1", "volume_size": 100, "volume_type": "gp3"}
    vm = instance(id="i-1", arn="arn:aws:ec2:us-east-1:1:instance/i-1", ebs_block_device=[own])
    volume = resource("aws_ebs_volume.v", {"id": "vol-1", "size": 100, "type": "gp3"})
    attached = resource("aws_volume_attachment.a", {"instance_id": "i-1", "volume_id": "vol-1"})
    assert amounts(after(state(vm, volume, attached), tmp_path)) == [Decimal("0.8"), Decimal(8)]


# -- operating systems -----------------------------------------------------------------------------------------------------------

WINDOWS_NAME = "Windows_Server-2022-English-Full-Base-2026.01.14"


@pytest.mark.parametrize(
    ("values", "others"),
    [
        pytest.param({"ami": "ami-7"}, (data("data.aws_ami.w", {"id": "ami-7", "name": WINDOWS_NAME}),), id="the image's name"),
        pytest.param({"ami": "ami-7"}, (data("data.aws_ami.w", {"id": "ami-7", "platform_details": "Windows with SQL Server"}),), id="the image's platform"),
        pytest.param({"ami": "ami-7"}, (data("data.aws_ami.w", {"id": "ami-7", "filter": [{"name": "platform", "values": ["windows"]}]}),), id="what the image is found by"),
        pytest.param({"ami": "ami-7"}, (data("data.aws_ssm_parameter.w", {"value": "ami-7", "name": "/aws/service/ami-windows-latest/x"}),), id="an SSM parameter's name"),
        pytest.param({"get_password_data": True}, (), id="password data"),
        pytest.param({"user_data": "<powershell>\nGet-Date\n</powershell>"}, (), id="a PowerShell script"),
        pytest.param({"user_data_base64": b64encode(b"<script>dir</script>").decode()}, (), id="a batch script in base64"),
    ],
)  # fmt: skip
def test_signs_of_windows(values: Json, others: tuple[Block, ...], tmp_path: Path) -> None:
    side = after(aws(instance(instance_type="g4dn.xlarge", **values), *others), tmp_path)
    assert amounts(side, "compute") == [HOURS * Decimal("0.71")]


@pytest.mark.parametrize(
    "image",
    [
        pytest.param({"name": "Deep Learning OSS Nvidia Driver AMI GPU PyTorch 2.7 (Ubuntu 22.04)"}, id="Ubuntu"),
        pytest.param({"platform_details": "Linux/UNIX", "description": "was built on Windows"}, id="its description"),
        pytest.param({"filter": [{"name": "tag:team", "values": ["windows"]}]}, id="a tag"),
    ],
)
def test_no_signs_of_windows(image: Json, tmp_path: Path) -> None:
    document = aws(instance(instance_type="g4dn.xlarge", ami="ami-7"), data("data.aws_ami.l", {"id": "ami-7", **image}))
    assert amounts(after(document, tmp_path), "compute") == [HOURS * Decimal("0.526")]


def test_a_windows_script_on_a_launch_template_is_base64(tmp_path: Path) -> None:
    script = b64encode(b"<powershell>\nInstall-WindowsFeature Web-Server\n</powershell>").decode()
    side = after(aws(template(machine="g4dn.xlarge", user_data=script), group()), tmp_path)
    assert amounts(side, "compute") == [HOURS * Decimal("0.71")]


# -- EKS -------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "sku", "model", "disk"),
    [
        pytest.param({"instance_types": ["g5.xlarge"]}, "g5.xlarge", "on_demand", "4", id="two nodes with the default disk of 20 GiB gp2"),
        pytest.param({"instance_types": ["g5.xlarge"], "disk_size": 100}, "g5.xlarge", "on_demand", "20", id="their own disk size"),
        pytest.param({"instance_types": ["g5.xlarge"], "ami_type": "WINDOWS_FULL_2022_x86_64"}, "g5.xlarge", "on_demand", "10", id="50 GiB on Windows"),
        pytest.param({"instance_types": ["g6.xlarge", "g5.xlarge"]}, "g6.xlarge", "on_demand", "4", id="on demand takes the first"),
        pytest.param({"instance_types": ["m6i.large", "g5.xlarge"]}, "g5.xlarge", "on_demand", "4", id="the accelerated one behind a plain one"),
        pytest.param({"instance_types": ["g4dn.xlarge", "g5.xlarge"], "capacity_type": "SPOT"}, "g5.xlarge", "spot", "4", id="spot takes the dearest"),
    ],
)  # fmt: skip
def test_managed_node_groups(values: Json, sku: str, model: str, disk: str, tmp_path: Path) -> None:
    side = after(aws(node_group(**values)), tmp_path)
    assert pools(side) == [(sku, model, (1, 2, 3))]
    assert amounts(side) == [Decimal(disk)]


def test_a_node_group_without_machine_types_has_no_gpu(tmp_path: Path) -> None:
    assert found(aws(node_group(unknown={"instance_types": True})), tmp_path) == {}


def test_a_node_group_runs_what_its_template_names(tmp_path: Path) -> None:
    """Either side names the types; what a state shows on the group beside them is a default."""
    link: Json = {"launch_template": [{"version": 1}], "unknown": {"launch_template": [{"id": True}]}}
    expressions = {"launch_template": [{"id": ref("aws_launch_template.t.id")}]}
    several: list[Json] = [{}, {"instance_types": ["t3.medium"]}]
    for types in several:
        side = after(aws(template(), node_group(**link, **types, expressions=expressions)), tmp_path)
        assert pools(side) == [("g5.xlarge", "on_demand", (1, 2, 3))]


def test_a_node_group_whose_machine_types_are_null_behind_a_local_runs_what_its_template_names(tmp_path: Path) -> None:
    own = node_group(
        launch_template=[{"version": 1}],
        unknown={"launch_template": [{"id": True}], "instance_types": True},
        expressions={
            "instance_types": ref("local.types"),
            "launch_template": [{"id": ref("aws_launch_template.t.id")}],
        },
    )
    assert pools(after(aws(template(), own), tmp_path)) == [("g5.xlarge", "on_demand", (1, 2, 3))]


def test_of_the_templates_passed_into_a_module_the_one_named_like_its_key_is_taken(tmp_path: Path) -> None:
    """A module for each node group is given all templates in one map."""
    gpu, cpu = template("gpu", "g5.xlarge"), template("cpu", "m6i.large")
    groups = [
        resource(
            f'module.pool["{key}"].aws_autoscaling_group.this',
            {"min_size": 1, "max_size": 2, "launch_template": [{}]},
            unknown={"launch_template": [{"id": True}]},
            expressions={"launch_template": [{"id": ref("local.template_id")}]},
        )
        for key in ("cpu", "gpu")
    ]
    calls = {"pool": {"expressions": {"templates": ref("aws_launch_template.gpu.id", "aws_launch_template.cpu.id")}}}
    resources = found(aws(gpu, cpu, *groups, calls=calls), tmp_path)
    assert {address: each.via for address, each in resources.items()} == {
        'module.pool["gpu"].aws_autoscaling_group.this': ("aws_launch_template.gpu",)
    }


def test_a_template_that_another_project_manages_is_read_through_its_data_source(tmp_path: Path) -> None:
    shared = data("data.aws_launch_template.shared", {"id": "lt-9", "name": "shared", "instance_type": "g6.xlarge"})
    one = found(
        aws(shared, group(uses=None, launch_template=[{"id": "lt-9"}], unknown={"launch_template": [{}]})), tmp_path
    )
    assert one["aws_autoscaling_group.g"].via == ("data.aws_launch_template.shared",)
    assert pools(after(aws(shared, group(uses=None, launch_template=[{"id": "lt-9"}])), tmp_path)) == [
        ("g6.xlarge", "on_demand", (1, 1, 4))
    ]


def test_requirements_look_at_the_region_of_their_group(tmp_path: Path) -> None:
    """Not at that of the provider block, which may have none."""
    selected = mixed(requirements(accelerator_names=["a10g"]), region="us-west-2")
    assert pools(after(plan(template(), selected), tmp_path)) == [("g5.xlarge", "on_demand", (1, 4, 10))]


def test_a_template_that_changes_changes_the_group_that_does_not(tmp_path: Path) -> None:
    was = {"id": "lt-1", "name": "t", "instance_type": "g5.xlarge"}
    changed = resource("aws_launch_template.t", {**was, "instance_type": "g5.12xlarge"}, before=was)
    same = {"name": "g", "min_size": 1, "max_size": 2, "launch_template": [{"id": "lt-1", "version": "$Latest"}]}
    result = report(aws(changed, resource("aws_autoscaling_group.g", same, before=same)), tmp_path)
    assert result.resources[0].action == "no-op"
    assert result.summary.monthly_delta == HOURS * (Decimal("5.672") - Decimal("1.006"))


@pytest.mark.parametrize(
    ("version", "default", "sku"),
    [
        pytest.param("$Latest", 1, "g5.12xlarge", id="the newest"),
        pytest.param("$Default", 1, "g5.xlarge", id="the default, which stays"),
        pytest.param("$Default", None, "g5.12xlarge", id="the default, which follows"),
        pytest.param("1", None, "g5.xlarge", id="the number it had"),
        pytest.param("", 1, "g5.xlarge", id="none is the default, which stays"),
        pytest.param("", None, "g5.12xlarge", id="none is the default, which follows"),
    ],
)
def test_a_group_gets_the_version_of_its_template_that_it_names(
    version: str, default: int | None, sku: str, tmp_path: Path
) -> None:
    was = {"id": "lt-1", "name": "t", "instance_type": "g5.xlarge", "latest_version": 1, "default_version": 1}
    now = {"id": "lt-1", "name": "t", "instance_type": "g5.12xlarge", "default_version": default}
    changed = resource("aws_launch_template.t", now, before=was, unknown={"latest_version": True})
    same = {"name": "g", "min_size": 1, "max_size": 2, "launch_template": [{"id": "lt-1", "version": version}]}
    side = after(aws(changed, resource("aws_autoscaling_group.g", same, before=same)), tmp_path)
    assert side.pools[0].sku == sku


def test_a_destroyed_group_still_finds_its_destroyed_template(tmp_path: Path) -> None:
    was = {"id": "lt-1", "name": "t", "instance_type": "g5.xlarge"}
    gone = {"name": "g", "min_size": 1, "max_size": 2, "launch_template": [{"id": "lt-1"}]}
    document = aws(resource("aws_launch_template.t", before=was), resource("aws_autoscaling_group.g", before=gone))
    result = report(document, tmp_path)
    assert result.summary.monthly_delta == -HOURS * Decimal("1.006")
    assert result.summary.gpus_after == 0


def test_a_node_group_is_where_its_cluster_is(tmp_path: Path) -> None:
    subnet = resource("aws_subnet.a", {"availability_zone": "eu-west-1b"}, unknown={"id": True})
    cluster = resource(
        "aws_eks_cluster.c",
        {"name": "c", "vpc_config": [{}]},
        unknown={"vpc_config": [{"subnet_ids": True}]},
        expressions={"vpc_config": [{"subnet_ids": ref("aws_subnet.a.id")}]},
    )
    own = node_group(instance_types=["g5.xlarge"], cluster_name="c")
    assert after(aws(subnet, cluster, own, providers={}), tmp_path, "aws_eks_node_group.n").region == "eu-west-1"


# -- what was added to groups ------------------------------------------------------------------------------------------------------


def test_a_spot_price_limit_of_a_group_is_that_of_a_unit(tmp_path: Path) -> None:
    """https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_InstancesDistribution.html: per unit hour."""
    split = {"on_demand_percentage_above_base_capacity": 0, "spot_max_price": "0.5"}
    own = mixed([{"instance_type": "g5.12xlarge", "weighted_capacity": "4"}], split)
    assert amounts(after(aws(template(), own), tmp_path), "compute") == [HOURS * 2]


@pytest.mark.parametrize(
    ("wanted", "sku"),
    [
        pytest.param({"accelerator_names": ["a10g"], "memory_gib_per_vcpu": [{"min": 4, "max": 4}], "vcpu_count": [{"min": 5}]}, "g5.2xlarge", id="by memory of a vCPU"),
        pytest.param({"accelerator_names": ["a10g"], "memory_gib_per_vcpu": [{"max": 3}]}, None, id="of which none has so little"),
        pytest.param({"accelerator_names": ["a10g"], "local_storage": "required"}, "g5.xlarge", id="with an instance store"),
        pytest.param({"accelerator_names": ["a10g"], "local_storage": "excluded"}, None, id="without one"),
    ],
)  # fmt: skip
def test_requirements_of_memory_and_storage_narrow_the_types(wanted: Json, sku: str | None, tmp_path: Path) -> None:
    side = after(aws(template(), mixed(requirements(**wanted))), tmp_path)
    assert side.pools[0].sku == sku


@pytest.mark.parametrize(
    "wanted",
    [
        {"accelerator_types": ["fpga"]},
        {"accelerator_types": ["media", "fpga"]},
        {"accelerator_manufacturers": ["xilinx"]},
        {"accelerator_names": ["vu9p"], "accelerator_count": [{"min": 1}]},
    ],
)
def test_requirements_of_other_accelerators_are_no_gpus(wanted: Json, tmp_path: Path) -> None:
    assert found(aws(template(machine=None), mixed(requirements(**wanted))), tmp_path) == {}


def test_a_template_by_attributes_is_weighed_in_the_unit_of_its_group(tmp_path: Path) -> None:
    """16 vCPUs of g5.xlarge, which has 4, are 4 machines."""
    needs = {
        "accelerator_names": ["a10g"],
        "vcpu_count": [{"min": 4, "max": 4}],
        "memory_mib": [{"min": 0}],
    }
    own = mixed([], None, desired_capacity=16, max_size=16, desired_capacity_type="vcpu")
    side = after(aws(template(machine=None, instance_requirements=[needs]), own), tmp_path)
    assert pools(side) == [("g5.xlarge", "on_demand", (1, 4, 4))]


@pytest.mark.parametrize(
    "type_",
    [
        "aws_instance", "aws_spot_instance_request", "aws_launch_template", "aws_autoscaling_group", "aws_eks_node_group",
        "aws_ec2_fleet", "aws_spot_fleet_request", "aws_ec2_capacity_reservation", "aws_ec2_capacity_block_reservation",
        "aws_ec2_host", "aws_batch_compute_environment", "aws_batch_job_definition", "aws_ecs_capacity_provider",
        "aws_ecs_service", "aws_ecs_task_definition", "aws_autoscaling_schedule", "aws_scheduler_schedule",
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "unknown", [True, {}, {"launch_template": True, "compute_resources": True, "instance_type": True}]
)
def test_a_resource_of_which_all_is_unknown_raises_nothing(type_: str, unknown: Any, tmp_path: Path) -> None:
    hidden = resource(f"{type_}.x", {}, change={"after_unknown": unknown})
    result = report(aws(hidden), tmp_path)
    assert all(each.after is not None and each.after.monthly.expected is None for each in result.resources)
