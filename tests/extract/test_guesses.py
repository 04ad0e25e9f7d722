"""Objects that a module is given mention ids beside machine types: what is no machine type is never taken for one.

As in terraform-aws-modules/eks: `eks_managed_node_groups = {gpu = {instance_types = [var.type], reservation = var.id}}`.
"""

from pathlib import Path

import pytest

from tests.extract.plans import Json, after, codes, const, plan, ref, report, resource

SCALING = [{"min_size": 2, "desired_size": 2, "max_size": 2}]
GROUP = 'module.eks.aws_eks_node_group.this["gpu"]'
TEMPLATE = 'module.eks.aws_launch_template.this["gpu"]'


def module(template_type: str | None, **variables: str) -> Json:
    """A node group whose machine types are unknown and stand in an object that mentions these variables."""
    call = {
        "expressions": {"groups": ref(*(f"var.{name}" for name in variables), "local.other")},
        "variables": {"groups": {}},
    }
    each: Json = {"for_each_expression": ref("var.groups")}
    group = resource(
        GROUP,
        {"scaling_config": SCALING, "capacity_type": "CAPACITY_BLOCK", "launch_template": [{}], "region": "us-west-2"},
        unknown={"instance_types": True, "launch_template": [{"id": True, "name": True, "version": True}]},
        expressions={"instance_types": ref("each.value.instance_types"), "launch_template": [{"id": ref("local.id")}]},
        **each,
    )
    template = resource(TEMPLATE, {"instance_type": template_type}, unknown={"id": True}, **each)
    document = plan(group, template, calls={"eks": call}, variables=dict(variables))
    document["configuration"]["root_module"]["variables"] = {name: {} for name in variables}
    for block in document["configuration"]["root_module"]["module_calls"]["eks"]["module"]["resources"]:
        block["for_each_expression"] = ref("var.groups")
    return document


@pytest.mark.parametrize("other", ["cr-0123456789abcdef0", "acme-ml", "10.0.0.0/16", "true"])
def test_an_id_beside_the_machine_type_is_not_taken_for_it(other: str, tmp_path: Path) -> None:
    """The machine types may be in the local: only apply can tell them."""
    found = report(module(None, reservation=other), tmp_path)
    (one,) = found.resources
    assert one.after is not None
    assert [pool.sku for pool in one.after.pools] == [None]
    assert "unknown-machine-type" in codes(found)


def test_a_machine_type_among_the_ids_is_taken(tmp_path: Path) -> None:
    side = after(module(None, reservation="cr-0123456789abcdef0", type="p5.48xlarge"), tmp_path)
    assert [pool.sku for pool in side.pools] == ["p5.48xlarge"]


def test_a_template_with_a_machine_type_leaves_none_on_the_group(tmp_path: Path) -> None:
    side = after(module("p5e.48xlarge", reservation="cr-0123456789abcdef0"), tmp_path)
    assert [(pool.sku, pool.purchase_model) for pool in side.pools] == [("p5e.48xlarge", "capacity_block")]


def test_one_reference_by_itself_is_taken_as_it_is(tmp_path: Path) -> None:
    """A machine type newer than the catalog is still what the variable says."""
    group = resource(
        "aws_eks_node_group.gpu",
        {"scaling_config": SCALING, "region": "us-west-2"},
        unknown={"instance_types": True},
        expressions={"instance_types": ref("terraform_data.type.output")},
    )
    source = resource(
        "terraform_data.type", {"input": ["zz9.metal-new"]}, unknown={"output": True}, expressions={"input": const([])}
    )
    found = report(plan(group, source), tmp_path)
    assert found.resources == ()
    assert not any(code.startswith("unknown") for code in codes(found))
