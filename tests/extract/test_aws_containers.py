"""AWS: ECS capacity providers, services and task definitions. us-east-1 on demand: g6.xlarge 0.8048, g6.12xlarge 4.6016."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.extract.plans import Block, Json, after, codes, found, ref, report, resource
from tests.extract.test_aws import HOURS, amounts, aws, group, pools, template

TASK = "aws_ecs_task_definition.t"


def container(*needs: Json, **values: Any) -> Json:
    return {"name": "main", "image": "x", "resourceRequirements": list(needs), **values}


def gpu(count: Any = "1") -> Json:
    return {"type": "GPU", "value": count}


def task(*containers: Json, name: str = "t") -> Block:
    own = {"family": name, "container_definitions": json.dumps(list(containers) or [container(gpu())])}
    return resource(f"aws_ecs_task_definition.{name}", own, unknown={"arn": True, "id": True})


def service(name: str = "s", **values: Any) -> Block:
    options = {key: values.pop(key) for key in ("unknown", "expressions") if key in values}
    own = {"name": name, "cluster": "ml", "desired_count": 2, **values}
    return resource(
        f"aws_ecs_service.{name}",
        own,
        unknown={"id": True, "task_definition": True, **options.get("unknown", {})},
        expressions={"task_definition": ref(f"{TASK}.arn"), **options.get("expressions", {})},
    )


def managed(requirements: Json | None = None, **launch: Any) -> Block:
    needs = {"vcpu_count": [{"min": 4}], "memory_mib": [{"min": 1}], **(requirements or {})}
    template_ = {"instance_requirements": [needs], "storage_configuration": [{"storage_size_gib": 100}], **launch}
    provider = [{"instance_launch_template": [template_]}]
    return resource(
        "aws_ecs_capacity_provider.m", {"name": "m", "cluster": "ml", "managed_instances_provider": provider}
    )


L4 = {"allowed_instance_types": ["g6.12xlarge"], "accelerator_count": [{"min": 1}]}


# -- demand -----------------------------------------------------------------------------------------------------------------------


def test_a_service_asks_for_the_gpus_of_its_task_as_often_as_it_runs(tmp_path: Path) -> None:
    result = report(aws(task(container(gpu("2")), container(gpu("1"))), service(desired_count=3)), tmp_path)
    (each,) = result.resources
    assert each.via == (TASK,)
    assert each.after is not None
    assert [(pool.role, pool.units.expected, pool.gpu.per_unit if pool.gpu else 0) for pool in each.after.pools] == [("demand", 3, 3)]  # fmt: skip
    assert (each.after.monthly.expected, result.summary.gpus_after) == (Decimal(0), 0)


def test_a_scalable_target_bounds_the_tasks(tmp_path: Path) -> None:
    own = {"service_namespace": "ecs", "scalable_dimension": "ecs:service:DesiredCount", "resource_id": "service/ml/s"}
    bounds = resource("aws_appautoscaling_target.t", {**own, "min_capacity": 1, "max_capacity": 9})
    each = after(aws(task(), service(), bounds), tmp_path).pools[0].units
    assert (each.min, each.expected, each.max) == (1, 2, 9)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param({"desired_count": None}, 0, id="without a count none"),
        pytest.param({"desired_count": None, "scheduling_strategy": "DAEMON"}, 1, id="a daemon is on every machine"),
        pytest.param({"desired_count": 0}, 0, id="none"),
    ],
)
def test_how_many_tasks_run(values: Json, expected: int, tmp_path: Path) -> None:
    assert after(aws(task(), service(**values)), tmp_path).pools[0].units.expected == expected


@pytest.mark.parametrize(
    ("need", "name", "count"),
    [(gpu("ALL"), "GPU", 1), ({"type": "NeuronDevice", "value": "ALL"}, "Neuron", 1), (gpu(4), "GPU", 4)],
)
def test_kinds_of_accelerators(need: Json, name: str, count: int, tmp_path: Path) -> None:
    side = after(aws(task(container(need)), service(desired_count=1)), tmp_path)
    assert side.pools[0].sku == name
    assert side.pools[0].gpu is not None
    assert side.pools[0].gpu.per_unit == count


def test_a_task_that_a_state_names_by_family_and_revision_is_found(tmp_path: Path) -> None:
    own = resource("aws_ecs_service.s", {"name": "s", "desired_count": 1, "task_definition": "t:7"})
    assert found(aws(task(), own), tmp_path)["aws_ecs_service.s"].via == (TASK,)


def test_a_task_that_nothing_runs_is_told(tmp_path: Path) -> None:
    result = report(aws(task()), tmp_path)
    assert result.resources == ()
    assert codes(result) == {"unused-template"}


@pytest.mark.parametrize(
    "blocks",
    [
        pytest.param([task(container()), service()], id="a task without GPUs"),
        pytest.param([task(container(gpu("0"))), service()], id="no GPUs"),
        pytest.param([task(container({"type": "InferenceAccelerator", "value": "device_1"})), service()], id="an elastic accelerator of old"),
        pytest.param([service()], id="a task of another project"),
        pytest.param([resource("aws_ecs_service.s", {"name": "s"})], id="no task"),
        pytest.param([resource(TASK, {"family": "t"}, unknown={"container_definitions": True}, expressions={"container_definitions": ref("aws_ecr_repository.x.repository_url")}), service()], id="a task that only apply can tell"),
    ],
)  # fmt: skip
def test_services_without_gpus_stay_quiet(blocks: list[Block], tmp_path: Path) -> None:
    result = report(aws(*blocks), tmp_path)
    assert (result.resources, codes(result)) == ((), set())


# -- capacity providers --------------------------------------------------------------------------------------------------------------


def test_a_capacity_provider_over_a_group_adds_nothing(tmp_path: Path) -> None:
    provider = resource(
        "aws_ecs_capacity_provider.p",
        {"name": "p", "auto_scaling_group_provider": [{"managed_scaling": [{"status": "ENABLED"}]}]},
        unknown={"auto_scaling_group_provider": [{"auto_scaling_group_arn": True}]},
        expressions={"auto_scaling_group_provider": [{"auto_scaling_group_arn": ref("aws_autoscaling_group.g.arn")}]},
    )
    assert list(found(aws(template(), group(), provider), tmp_path)) == ["aws_autoscaling_group.g"]


def test_managed_instances_have_no_ceiling_and_start_with_nothing(tmp_path: Path) -> None:
    result = report(aws(managed(L4)), tmp_path)
    side = result.resources[0].after
    assert side is not None
    assert pools(side) == [("g6.12xlarge", "on_demand", (0, 0, None))]
    assert {"unbounded-capacity", "unpriced"} <= codes(result)
    assert (side.monthly.expected, side.monthly.max) == (Decimal(0), None)


@pytest.mark.parametrize(
    ("needs", "count", "machines"),
    [
        pytest.param("1", 8, 2, id="one GPU, eight tasks: two machines of four"),
        pytest.param("1", 9, 3, id="and one more"),
        pytest.param("4", 2, 2, id="four GPUs, two tasks"),
    ],
)
def test_managed_instances_start_for_the_services_that_name_them(needs: str, count: int, machines: int, tmp_path: Path) -> None:  # fmt: skip
    own = service(
        desired_count=count,
        capacity_provider_strategy=[{"weight": 1}],
        unknown={"capacity_provider_strategy": [{"capacity_provider": True}]},
        expressions={"capacity_provider_strategy": [{"capacity_provider": ref("aws_ecs_capacity_provider.m.name")}]},
    )
    side = after(aws(task(container(gpu(needs))), own, managed(L4)), tmp_path, "aws_ecs_capacity_provider.m")
    assert side.pools[0].units.expected == machines
    assert amounts(side, "compute") == [machines * HOURS * Decimal("4.6016")]
    assert amounts(side) == [machines * 100 * Decimal("0.08")]


def test_and_for_those_whose_cluster_names_them_by_default(tmp_path: Path) -> None:
    default = {"cluster_name": "ml", "default_capacity_provider_strategy": [{"capacity_provider": "m"}]}
    links = resource("aws_ecs_cluster_capacity_providers.c", default)
    document = aws(task(), service(desired_count=4), service("other", cluster="web"), managed(L4), links)
    side = after(document, tmp_path, "aws_ecs_capacity_provider.m")
    assert side.pools[0].units.expected == 1


def test_the_largest_task_decides_what_is_large_enough(tmp_path: Path) -> None:
    default = {"cluster_name": "ml", "default_capacity_provider_strategy": [{"capacity_provider": "m"}]}
    links = resource("aws_ecs_cluster_capacity_providers.c", default)
    either = {"allowed_instance_types": ["g6.xlarge", "g6.12xlarge"], "accelerator_count": [{"min": 1}], "on_demand_max_price_percentage_over_lowest_price": 9999}  # fmt: skip
    document = aws(task(container(gpu("2"))), service(desired_count=1), managed(either), links)
    assert after(document, tmp_path, "aws_ecs_capacity_provider.m").pools[0].sku == "g6.12xlarge"


@pytest.mark.parametrize(
    ("kind", "model"), [("SPOT", "spot"), ("ON_DEMAND", "on_demand"), (None, "on_demand"), ("RESERVED", "on_demand")]
)
def test_how_managed_instances_are_bought(kind: str | None, model: str, tmp_path: Path) -> None:
    side = after(aws(managed(L4, capacity_option_type=kind)), tmp_path)
    assert side.pools[0].purchase_model == model


@pytest.mark.parametrize(
    "own",
    [
        pytest.param(managed(), id="no accelerator asked for"),
        pytest.param(managed({"accelerator_count": [{"max": 0}]}), id="none allowed"),
        pytest.param(managed({"allowed_instance_types": ["m6i.*", "c7i.large"]}), id="plain types"),
        pytest.param(managed({"accelerator_types": ["fpga"]}), id="FPGAs"),
        pytest.param(managed({"accelerator_manufacturers": ["xilinx"], "accelerator_count": [{"min": 1}]}), id="FPGAs by their maker"),
        pytest.param(managed({"accelerator_names": ["vu9p"]}), id="FPGAs by their name"),
        pytest.param(resource("aws_ecs_capacity_provider.m", {"name": "m"}), id="nothing at all"),
    ],
)  # fmt: skip
def test_providers_without_accelerators_stay_quiet(own: Block, tmp_path: Path) -> None:
    result = report(aws(own), tmp_path)
    assert (result.resources, codes(result)) == ((), set())


@pytest.mark.parametrize("junk", [5, "x", [1], {"a": [None]}, True, 1e308, -1, [[]], "[{", "[" * 5000, "[1, null]"])
def test_junk_raises_nothing(junk: Any, tmp_path: Path) -> None:
    report(aws(resource("aws_ecs_capacity_provider.m", {"managed_instances_provider": junk})), tmp_path)
    for name in ("instance_requirements", "storage_configuration", "capacity_option_type", "network_configuration"):
        report(aws(managed(L4, **{name: junk})), tmp_path)
    report(aws(resource(TASK, {"family": "t", "container_definitions": junk}), service()), tmp_path)
    report(aws(task(container({"type": junk, "value": junk})), service()), tmp_path)
    for name in ("desired_count", "cluster", "name", "scheduling_strategy", "capacity_provider_strategy", "task_definition"):  # fmt: skip
        report(aws(task(), managed(L4), service(**{name: junk})), tmp_path)


# -- EKS --------------------------------------------------------------------------------------------------------------------


def test_a_cluster_in_auto_mode_holds_no_gpu_itself(tmp_path: Path) -> None:
    own = {"name": "c", "compute_config": [{"enabled": True, "node_pools": ["general-purpose", "system"]}]}
    result = report(aws(resource("aws_eks_cluster.c", own)), tmp_path)
    assert (result.resources, codes(result)) == ((), set())
