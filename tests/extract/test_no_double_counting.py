"""Pairs of resources that speak of the same machines: they are counted once, whatever speaks of them.

Each row holds the blocks, the resources of the report, and the GPUs and the money a month in all. us-east-1 on demand:
g5.xlarge 1.006, g6.12xlarge 4.6016; spot g5.xlarge 0.4507.
"""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from tests.extract.plans import Block, codes, ref, report, resource
from tests.extract.test_aws import HOURS, aws, group, instance, mixed, node_group, template

A10G = HOURS * Decimal("1.006")
TEMPLATE = "aws_launch_template.t"
GROUP = "aws_autoscaling_group.g"
RESERVATION = "aws_ec2_capacity_reservation.r"
ZONE = "us-east-1a"


def reservation(count: int = 2, **values: object) -> Block:
    own = {"instance_type": "g5.xlarge", "instance_platform": "Linux/UNIX", "availability_zone": ZONE, "instance_count": count}  # fmt: skip
    return resource(RESERVATION, {**own, **values}, unknown={"id": True, "arn": True})


def naming_template() -> Block:
    """A launch template that names the reservation."""
    return resource(
        TEMPLATE,
        {"instance_type": "g5.xlarge", "capacity_reservation_specification": [{"capacity_reservation_target": [{}]}]},
        unknown={
            "id": True,
            "capacity_reservation_specification": [
                {"capacity_reservation_target": [{"capacity_reservation_id": True}]}
            ],
        },
        expressions={
            "capacity_reservation_specification": [
                {"capacity_reservation_target": [{"capacity_reservation_id": ref(f"{RESERVATION}.id")}]}
            ]
        },
    )


def fleet() -> Block:
    return resource(
        "aws_ec2_fleet.f",
        {
            "target_capacity_specification": [
                {"total_target_capacity": 2, "default_target_capacity_type": "on-demand"}
            ],
            "launch_template_config": [{"launch_template_specification": [{"version": "$Latest"}], "override": []}],
        },
        unknown={"launch_template_config": [{"launch_template_specification": [{"launch_template_id": True}]}]},
        expressions={
            "launch_template_config": [
                {"launch_template_specification": [{"launch_template_id": ref(f"{TEMPLATE}.id")}]}
            ]
        },
    )


def from_template(*names: str) -> list[Block]:
    return [
        instance(
            name,
            instance_type=None,
            launch_template=[{"version": "$Latest"}],
            root_block_device=[],
            unknown={"launch_template": [{"id": True}]},
            expressions={"launch_template": [{"id": ref(f"{TEMPLATE}.id")}]},
        )
        for name in names
    ]


def nodes() -> Block:
    return node_group(
        launch_template=[{"version": "1"}],
        unknown={"launch_template": [{"id": True}]},
        expressions={"launch_template": [{"id": ref(f"{TEMPLATE}.id")}]},
    )


def batch() -> Block:
    return resource(
        "aws_batch_compute_environment.e",
        {
            "type": "MANAGED",
            "compute_resources": [
                {"type": "EC2", "instance_type": ["g5.xlarge"], "min_vcpus": 8, "max_vcpus": 8, "image_id": "ami-1"}
            ],
        },
    )


def ecs_provider() -> Block:
    return resource(
        "aws_ecs_capacity_provider.p",
        {"name": "p", "auto_scaling_group_provider": [{}]},
        unknown={"auto_scaling_group_provider": [{"auto_scaling_group_arn": True}]},
        expressions={"auto_scaling_group_provider": [{"auto_scaling_group_arn": ref(f"{GROUP}.arn")}]},
    )


def ecs_service() -> list[Block]:
    containers = json.dumps([{"name": "c", "resourceRequirements": [{"type": "GPU", "value": "1"}]}])
    return [
        resource(
            "aws_ecs_task_definition.t", {"family": "t", "container_definitions": containers}, unknown={"arn": True}
        ),
        resource(
            "aws_ecs_service.s",
            {"name": "s", "desired_count": 4},
            unknown={"task_definition": True},
            expressions={"task_definition": ref("aws_ecs_task_definition.t.arn")},
        ),
    ]


def schedule() -> Block:
    return resource(
        "aws_autoscaling_schedule.s",
        {"autoscaling_group_name": "g", "recurrence": "0 8 * * *", "min_size": 1, "desired_capacity": 1, "max_size": 4},
        expressions={"autoscaling_group_name": ref(f"{GROUP}.name")},
    )


def attachment() -> list[Block]:
    return [
        resource("aws_ebs_volume.v", {"size": 100, "type": "gp3"}, unknown={"id": True}),
        resource(
            "aws_volume_attachment.a",
            {},
            unknown={"instance_id": True, "volume_id": True},
            expressions={"instance_id": ref("aws_instance.vm.id"), "volume_id": ref("aws_ebs_volume.v.id")},
        ),
    ]


ROWS = [
    pytest.param([template(), group()], [GROUP], 1, A10G, id="a template and its group"),
    pytest.param([template(), group(), group("h")], [GROUP, "aws_autoscaling_group.h"], 2, 2 * A10G, id="a template and two groups"),
    pytest.param([template(), mixed([{"instance_type": "g5.xlarge"}])], [GROUP], 4, 4 * A10G, id="a template and a mixed group"),
    pytest.param([template(), *from_template("a", "b")], ["aws_instance.a", "aws_instance.b"], 2, 2 * A10G, id="a template and instances"),
    pytest.param([template(), fleet()], ["aws_ec2_fleet.f"], 2, 2 * A10G, id="a template and a fleet"),
    pytest.param([template(), nodes()], ["aws_eks_node_group.n"], 2, 2 * A10G, id="a template and a node group"),
    pytest.param([template(), group(), schedule()], [GROUP], 1, A10G, id="a group and its schedule"),
    pytest.param([template(), group(), ecs_provider()], [GROUP], 1, A10G, id="a group and its capacity provider"),
    pytest.param([template(), group(), ecs_provider(), *ecs_service()], [GROUP, "aws_ecs_service.s"], 1, A10G, id="a group, its capacity provider and a service on it"),
    pytest.param([batch(), resource("aws_batch_job_queue.q", {"name": "q", "compute_environment_order": [{"order": 1}]}), resource("aws_batch_job_definition.j", {"name": "j", "container_properties": json.dumps({"resourceRequirements": [{"type": "GPU", "value": "1"}]})})], ["aws_batch_compute_environment.e", "aws_batch_job_definition.j"], 2, 2 * A10G, id="a compute environment, its queue and its jobs"),
    pytest.param([reservation(), instance(availability_zone=ZONE)], ["aws_instance.vm", RESERVATION], 2, 2 * A10G, id="a reservation and an instance that matches"),
    pytest.param([reservation(1), instance("a", availability_zone=ZONE), instance("b", availability_zone=ZONE)], ["aws_instance.a", "aws_instance.b", RESERVATION], 2, 2 * A10G + Decimal("0.8"), id="a reservation and one instance more than it holds"),
    pytest.param([reservation(), naming_template(), group(desired_capacity=2, max_size=2)], [GROUP, RESERVATION], 2, 2 * A10G, id="a reservation and the group that names it"),
    pytest.param([reservation(), naming_template(), fleet()], ["aws_ec2_fleet.f", RESERVATION], 2, 2 * A10G, id="a reservation and the fleet that names it"),
    pytest.param([reservation(), naming_template(), nodes()], ["aws_eks_node_group.n", RESERVATION], 2, 2 * A10G, id="a reservation and the node group that names it"),
    pytest.param([reservation(), naming_template(), *from_template("a", "b")], ["aws_instance.a", "aws_instance.b", RESERVATION], 2, 2 * A10G, id="a reservation and the instances that name it"),
    pytest.param([instance(), *attachment()], ["aws_instance.vm"], 1, A10G + Decimal("0.8") + 100 * Decimal("0.08"), id="an instance and the volume attached to it"),
    pytest.param([resource("aws_eks_cluster.c", {"name": "c"}), node_group(instance_types=["g5.xlarge"], disk_size=20, cluster_name="c")], ["aws_eks_node_group.n"], 2, 2 * A10G + 2 * 20 * Decimal("0.10"), id="a cluster and its node group"),
]  # fmt: skip


@pytest.mark.parametrize(("blocks", "reported", "gpus", "monthly"), ROWS)
def test_what_speaks_of_the_same_machines_counts_them_once(
    blocks: list[Block], reported: list[str], gpus: int, monthly: Decimal, tmp_path: Path
) -> None:
    result = report(aws(*blocks), tmp_path)
    assert sorted(each.address for each in result.resources) == sorted(reported)
    assert (result.summary.gpus_after, result.summary.monthly_after) == (gpus, monthly)


@pytest.mark.parametrize(("blocks", "reported", "gpus", "monthly"), ROWS)
def test_the_order_of_the_blocks_does_not_matter(
    blocks: list[Block], reported: list[str], gpus: int, monthly: Decimal, tmp_path: Path
) -> None:
    result = report(aws(*reversed(blocks)), tmp_path)
    assert (len(result.resources), result.summary.gpus_after, result.summary.monthly_after) == (len(reported), gpus, monthly)  # fmt: skip


def test_a_template_that_nothing_uses_costs_nothing_and_is_told(tmp_path: Path) -> None:
    result = report(aws(template()), tmp_path)
    assert (len(result.resources), result.summary.monthly_after, result.summary.gpus_after) == (0, Decimal(0), 0)
    assert codes(result) == {"unused-template"}
