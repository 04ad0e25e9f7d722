"""Alibaba Cloud: instances, groups, node pools, reservations, containers, functions, services.

The catalog knows the machine types and none of their prices: quantities and models are what is tested.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from gpuguard.model.report import State
from tests.extract.plans import Block, Json, after, codes, const, found, plan, ref, report, resource

T4, A10, CPU = "ecs.gn6i-c4g1.xlarge", "ecs.gn7i-c8g1.2xlarge", "ecs.g7.large"
PROVIDERS = {"alicloud": {"region": const("cn-hangzhou")}}


def instance(name: str = "a", **values: Any) -> Block:
    return resource(f"alicloud_instance.{name}", {"instance_type": T4, **values})


def template(name: str = "t", **values: Any) -> Block:
    own = {"launch_template_name": name, "instance_type": T4, **values}
    return resource(f"alicloud_ecs_launch_template.{name}", own, unknown={"id": True})


def group(**values: Any) -> Block:
    return resource("alicloud_ess_scaling_group.g", {"min_size": 0, "max_size": 10, **values}, unknown={"id": True})


def configuration(name: str = "c", **values: Any) -> Block:
    expressions = {"scaling_group_id": ref("alicloud_ess_scaling_group.g.id")}
    own = {"instance_type": T4, "active": True, **values}
    return resource(
        f"alicloud_ess_scaling_configuration.{name}",
        own,
        unknown={"id": True, "scaling_group_id": True},
        expressions=expressions,
    )


def task(
    name: str, target: str = "alicloud_ess_scaling_group.g.id", path: str = "scaling_group_id", **values: Any
) -> Block:
    return resource(
        f"alicloud_ess_scheduled_task.{name}", values, unknown={path: True}, expressions={path: ref(target)}
    )


def units(state: State, position: int = 0) -> tuple[float | None, ...]:
    size = state.pools[position].units
    return size.min, size.expected, size.max


def models(state: State) -> list[tuple[str, float | None]]:
    return [(pool.purchase_model, pool.units.expected) for pool in state.pools]


GROUP = "alicloud_ess_scaling_group.g"


@pytest.mark.parametrize(
    ("values", "model", "term"),
    [
        pytest.param({}, "on_demand", None, id="on demand"),
        pytest.param({"spot_strategy": "NoSpot"}, "on_demand", None, id="no spot"),
        pytest.param({"spot_strategy": "SpotAsPriceGo"}, "spot", None, id="spot at any price"),
        pytest.param(
            {"spot_strategy": "SpotWithPriceLimit", "spot_price_limit": 1.5}, "spot", None, id="spot with a limit"
        ),
        pytest.param(
            {"instance_charge_type": "PrePaid", "period": 12}, "reserved", "1y", id="a subscription of a year"
        ),
        pytest.param({"instance_charge_type": "PrePaid", "period": 36}, "reserved", "3y", id="of three years"),
        pytest.param({"instance_charge_type": "PrePaid", "period": 1}, "reserved", None, id="of a month"),
        pytest.param(
            {"instance_charge_type": "PrePaid", "period": 12, "period_unit": "Week"}, "reserved", None, id="of weeks"
        ),
        pytest.param(
            {"instance_charge_type": "PrePaid", "spot_strategy": "SpotAsPriceGo"},
            "reserved",
            None,
            id="spot counts for the others only",
        ),
    ],
)
def test_how_an_instance_is_bought(tmp_path: Path, values: Json, model: str, term: str | None) -> None:
    pool = after(plan(instance(**values), providers=PROVIDERS), tmp_path).pools[0]
    assert (pool.purchase_model, pool.term) == (model, term)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param({"status": "Running"}, (1, 1, 1), id="running"),
        pytest.param({"status": "Stopped"}, (1, 1, 1), id="stopped, and billed"),
        pytest.param({"status": "Stopped", "stopped_mode": "KeepCharging"}, (1, 1, 1), id="the same, said so"),
        pytest.param({"status": "Stopped", "stopped_mode": "StopCharging"}, (0, 0, 1), id="stopped in economical mode"),
    ],
)
def test_a_stopped_instance(tmp_path: Path, values: Json, expected: tuple[int, int, int]) -> None:
    assert units(after(plan(instance(**values), providers=PROVIDERS), tmp_path)) == expected


@pytest.mark.parametrize(
    ("values", "region"),
    [
        ({"availability_zone": "cn-beijing-h"}, "cn-beijing"),
        ({"availability_zone": "ap-southeast-1a"}, "ap-southeast-1"),
        ({"availability_zone": "cn-wuhan-lr-a"}, "cn-wuhan-lr"),
        ({"availability_zone": "us-west-1b"}, "us-west-1"),
        ({"availability_zone": "somewhere"}, "cn-hangzhou"),
        ({}, "cn-hangzhou"),
    ],
)
def test_the_region_is_that_of_the_zone_else_of_the_provider(tmp_path: Path, values: Json, region: str) -> None:
    assert after(plan(instance(**values), providers=PROVIDERS), tmp_path).region == region


def test_the_region_may_be_that_of_the_vswitch(tmp_path: Path) -> None:
    vswitch = resource("alicloud_vswitch.v", {"zone_id": "eu-central-1a"}, unknown={"id": True})
    block = resource(
        "alicloud_instance.a",
        {"instance_type": T4},
        unknown={"vswitch_id": True},
        expressions={"vswitch_id": ref("alicloud_vswitch.v.id")},
    )
    assert after(plan(vswitch, block), tmp_path).region == "eu-central-1"


def test_an_instance_of_a_template(tmp_path: Path) -> None:
    block = resource(
        "alicloud_instance.a",
        {},
        unknown={"launch_template_id": True},
        expressions={"launch_template_id": ref("alicloud_ecs_launch_template.t.id")},
    )
    resources = found(plan(template(spot_strategy="SpotAsPriceGo"), block, providers=PROVIDERS), tmp_path)
    state = resources["alicloud_instance.a"].after
    assert state is not None
    assert resources["alicloud_instance.a"].via == ("alicloud_ecs_launch_template.t",)
    assert state.pools[0].purchase_model == "spot"


@pytest.mark.parametrize("kind", ["alicloud_ecs_launch_template", "alicloud_launch_template"])
def test_an_unused_template_is_told(tmp_path: Path, kind: str) -> None:
    result = report(plan(resource(f"{kind}.t", {"instance_type": T4}, unknown={"id": True})), tmp_path)
    assert result.resources == ()
    assert codes(result) == {"unused-template"}


def test_a_reservation_pays_for_the_instance_in_it_and_an_assurance_does_not(tmp_path: Path) -> None:
    reservation = resource(
        "alicloud_ecs_capacity_reservation.r",
        {"instance_type": T4, "instance_amount": 2, "zone_ids": ["cn-hangzhou-i"]},
        unknown={"id": True},
    )
    assurance = resource(
        "alicloud_ecs_elasticity_assurance.e", {"instance_type": T4, "instance_amount": 4}, unknown={"id": True}
    )

    def inside(name: str, target: str) -> Block:
        return resource(
            f"alicloud_instance.{name}",
            {"instance_type": T4},
            unknown={"private_pool_options_id": True},
            expressions={"private_pool_options_id": ref(target)},
        )

    document = plan(
        reservation,
        assurance,
        inside("reserved", "alicloud_ecs_capacity_reservation.r.id"),
        inside("assured", "alicloud_ecs_elasticity_assurance.e.id"),
        providers=PROVIDERS,
    )
    result = report(document, tmp_path)
    assert result.summary.gpus_after == 3
    covered = {each.address: each.after.pools[0].covered_by for each in result.resources if each.after}
    assert covered["alicloud_instance.reserved"] == "alicloud_ecs_capacity_reservation.r"
    assert covered["alicloud_instance.assured"] is None
    assert "assurance-fee" in codes(result)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param({"desired_capacity": 3}, (0, 3, 10), id="desired"),
        pytest.param({"min_size": 2}, (2, 2, 10), id="else the minimum"),
        pytest.param({"desired_capacity": 30}, (0, 10, 10), id="never above the maximum"),
        pytest.param({"max_size": 0}, (0, 0, 0), id="switched off"),
    ],
)
def test_the_sizes_of_a_scaling_group(tmp_path: Path, values: Json, expected: tuple[int, int, int]) -> None:
    state = after(plan(group(**values), configuration(), providers=PROVIDERS), tmp_path, GROUP)
    assert units(state) == expected


@pytest.mark.parametrize(
    ("values", "shares"),
    [
        pytest.param(
            {"on_demand_base_capacity": 1, "on_demand_percentage_above_base_capacity": 50},
            [("on_demand", 3), ("spot", 1)],
            id="base and half of the rest, rounded up",
        ),
        pytest.param(
            {"on_demand_base_capacity": 0, "on_demand_percentage_above_base_capacity": 0}, [("spot", 4)], id="all spot"
        ),
        pytest.param({"on_demand_percentage_above_base_capacity": 100}, [("on_demand", 4)], id="all on demand"),
        pytest.param({}, [("on_demand", 4)], id="nothing said"),
    ],
)
def test_cost_optimised_groups_share_their_machines(
    tmp_path: Path, values: Json, shares: list[tuple[str, int]]
) -> None:
    blocks = [group(desired_capacity=4, multi_az_policy="COST_OPTIMIZED", **values), configuration()]
    assert models(after(plan(*blocks, providers=PROVIDERS), tmp_path, GROUP)) == shares


def test_the_active_configuration_counts(tmp_path: Path) -> None:
    blocks = [group(desired_capacity=1), configuration("old", active=False), configuration("new", instance_type=A10)]
    resources = found(plan(*blocks, providers=PROVIDERS), tmp_path)
    assert resources[GROUP].via == ("alicloud_ess_scaling_configuration.new",)


def test_scheduled_tasks_make_the_hours(tmp_path: Path) -> None:
    """From Monday to Friday, 8 to 18 o'clock UTC: 50 of the week's 168 hours; the rule sets none."""
    rule = resource(
        "alicloud_ess_scaling_rule.off",
        {"adjustment_type": "TotalCapacity", "adjustment_value": 0},
        unknown={"ari": True, "scaling_group_id": True},
        expressions={"scaling_group_id": ref("alicloud_ess_scaling_group.g.id")},
    )
    blocks = [
        group(desired_capacity=2),
        configuration(),
        rule,
        task(
            "up",
            desired_capacity=4,
            recurrence_type="Weekly",
            recurrence_value="1,2,3,4,5",
            launch_time="2026-02-02T08:00Z",
        ),
        task(
            "down",
            "alicloud_ess_scaling_rule.off.ari",
            "scheduled_action",
            recurrence_type="Cron",
            recurrence_value="0 18 ? * 1-5",
        ),
    ]
    state = after(plan(*blocks, providers=PROVIDERS), tmp_path, GROUP)
    assert units(state) == (0, 4, 10)
    assert abs(state.pools[0].hours_per_month - 730 * 50 / 168) < 0.001


@pytest.mark.parametrize(
    "values",
    [
        {"recurrence_type": "Daily", "recurrence_value": "3", "launch_time": "2026-02-02T08:00Z"},
        {"recurrence_type": "Monthly", "recurrence_value": "1-5", "launch_time": "2026-02-02T08:00Z"},
        {"recurrence_type": "Cron", "recurrence_value": "often"},
        {"recurrence_type": "Weekly", "recurrence_value": "1", "launch_time": "soon"},
        {"launch_time": "2026-02-02T08:00Z"},
    ],
)
def test_a_task_that_cannot_be_read_is_left_out_and_told(tmp_path: Path, values: Json) -> None:
    result = report(
        plan(group(desired_capacity=2), configuration(), task("x", desired_capacity=9, **values), providers=PROVIDERS),
        tmp_path,
    )
    assert "unread-schedule" in codes(result)
    assert result.summary.gpus_after == 2


def test_a_provisioning_group_counts_capacity_units(tmp_path: Path) -> None:
    """Ten units, two on demand and eight as spot, of machines that bring two each and have two GPUs."""
    values = {
        "total_target_capacity": "10",
        "pay_as_you_go_target_capacity": "2",
        "spot_target_capacity": "4",
        "launch_template_config": [{"instance_type": "ecs.gn6i-c24g1.12xlarge", "weighted_capacity": "2"}],
    }
    block = resource(
        "alicloud_auto_provisioning_group.p",
        values,
        unknown={"launch_template_id": True},
        expressions={"launch_template_id": ref("alicloud_ecs_launch_template.t.id")},
    )
    state = after(plan(template(), block, providers=PROVIDERS), tmp_path)
    assert models(state) == [("on_demand", 1), ("spot", 4)]
    assert state.gpus.expected == 10


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param({"desired_size": "2"}, (2, 2, 2), id="a fixed size, written as text"),
        pytest.param({"node_count": 2}, (2, 2, 2), id="the old name of the size"),
        pytest.param(
            {"desired_size": "2", "scaling_config": [{"enable": True, "min_size": 1, "max_size": 5}]},
            (1, 2, 5),
            id="autoscaling",
        ),
        pytest.param({"scaling_config": [{"min_size": 1, "max_size": 5}]}, (1, 1, 5), id="without a size the minimum"),
        pytest.param(
            {"desired_size": "2", "scaling_config": [{"enable": False, "min_size": 1, "max_size": 5}]},
            (2, 2, 2),
            id="autoscaling that is off",
        ),
        pytest.param({"desired_size": "0"}, (0, 0, 0), id="empty"),
    ],
)
def test_the_sizes_of_a_node_pool(tmp_path: Path, values: Json, expected: tuple[int, int, int]) -> None:
    state = after(
        plan(
            resource("alicloud_cs_kubernetes_node_pool.p", {"instance_types": [A10, T4], **values}), providers=PROVIDERS
        ),
        tmp_path,
    )
    assert units(state) == expected
    assert state.pools[0].sku == A10


def test_a_node_pool_by_properties_is_told_where_it_may_hold_gpus(tmp_path: Path) -> None:
    def pool(*families: str) -> Block:
        return resource(
            "alicloud_cs_kubernetes_node_pool.p",
            {"desired_size": 1, "instance_patterns": [{"instance_type_families": list(families)}]},
        )

    assert "unknown-machine-type" in codes(report(plan(pool("ecs.gn7i"), providers=PROVIDERS), tmp_path))
    assert report(plan(pool("ecs.g8i", "ecs.c8i"), providers=PROVIDERS), tmp_path).resources == ()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param({"instance_type": T4, "containers": [{"gpu": 1}]}, 1, id="on a machine type"),
        pytest.param({"instance_type": f"{T4},{A10}"}, 1, id="on one of several"),
        pytest.param({"containers": [{"gpu": 1}]}, None, id="without a machine type it is not known"),
    ],
)
def test_a_container_group(tmp_path: Path, values: Json, expected: int | None) -> None:
    assert (
        after(plan(resource("alicloud_eci_container_group.e", values), providers=PROVIDERS), tmp_path).gpus.expected
        == expected
    )


@pytest.mark.parametrize(
    ("config", "per_unit"),
    [
        ({"gpu_type": "fc.gpu.tesla.1", "gpu_memory_size": 16384}, 1),
        ({"gpu_type": "fc.gpu.tesla.1", "gpu_memory_size": 4096}, 0.25),
        ({"gpu_type": "fc.gpu.ampere.1", "gpu_memory_size": 12288}, 0.5),
        ({"gpu_type": "fc.gpu.ada.1", "gpu_memory_size": 49152}, 1),
        ({"gpu_type": "fc.gpu.tesla.1"}, 1),
    ],
)
def test_a_function_has_a_share_of_a_card(tmp_path: Path, config: Json, per_unit: float) -> None:
    block = resource("alicloud_fcv3_function.f", {"function_name": "f", "gpu_config": [config]})
    result = report(plan(block, providers=PROVIDERS), tmp_path)
    state = result.resources[0].after
    assert state is not None
    assert state.pools[0].gpu is not None
    assert state.pools[0].gpu.per_unit == per_unit
    assert units(state) == (0, 0, None)
    assert "unbounded-instances" in codes(result)


def service(config: object) -> Block:
    return resource(
        "alicloud_pai_service.s", {"service_config": config if isinstance(config, str) else json.dumps(config)}
    )


def test_an_eas_service_runs_so_many_instances(tmp_path: Path) -> None:
    config = {"metadata": {"instance": 3}, "cloud": {"computing": {"instances": [{"type": T4}]}}}
    assert after(plan(service(config), providers=PROVIDERS), tmp_path).gpus.expected == 3
    old = {"metadata": {"instance": 2}, "cloud": {"computing": {"instance_type": A10}}}
    assert after(plan(service(old), providers=PROVIDERS), tmp_path).gpus.expected == 2


def test_an_eas_service_in_a_resource_group_asks_for_gpus_and_is_not_billed(tmp_path: Path) -> None:
    state = after(
        plan(service({"metadata": {"instance": 2, "gpu": 1, "resource": "eas-r"}}), providers=PROVIDERS), tmp_path
    )
    assert state.pools[0].role == "demand"
    assert state.gpus.expected == 0


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "[1, 2]", '{"metadata": 5}', '{"cloud": {"computing": {"instances": [5]}}}']
)
def test_an_odd_service_configuration_breaks_nothing(tmp_path: Path, text: str) -> None:
    assert report(plan(service(text), providers=PROVIDERS), tmp_path).resources == ()


def test_node_groups_of_emr_clusters(tmp_path: Path) -> None:
    new = resource(
        "alicloud_emrv2_cluster.e",
        {
            "node_groups": [
                {"instance_types": [CPU], "node_count": 3},
                {
                    "instance_types": [T4],
                    "node_count": 2,
                    "auto_scaling_policy": [{"constraints": [{"min_capacity": 1, "max_capacity": 6}]}],
                },
            ]
        },
    )
    old = resource(
        "alicloud_emr_cluster.e", {"charge_type": "PrePaid", "host_group": [{"instance_type": T4, "node_count": "2"}]}
    )
    resources = found(plan(new, old, providers=PROVIDERS), tmp_path)
    states = {address: each.after for address, each in resources.items()}
    first, second = states["alicloud_emrv2_cluster.e"], states["alicloud_emr_cluster.e"]
    assert first is not None
    assert second is not None
    assert units(first) == (1, 2, 6)
    assert models(second) == [("reserved", 2)]


@pytest.mark.parametrize(
    "kind", ["alicloud_cs_kubernetes", "alicloud_cs_managed_kubernetes", "alicloud_cs_edge_kubernetes"]
)
def test_workers_of_a_cluster_itself(tmp_path: Path, kind: str) -> None:
    state = after(plan(resource(f"{kind}.c", {"worker_instance_types": [T4]}), providers=PROVIDERS), tmp_path)
    assert units(state) == (3, 3, 3)


@pytest.mark.parametrize(
    "block",
    [
        pytest.param(instance(instance_type=CPU), id="a plain instance"),
        pytest.param(
            resource("alicloud_instance.a", {"availability_zone": "cn-hangzhou-i"}), id="an instance without a type"
        ),
        pytest.param(template(instance_type=CPU), id="a plain template"),
        pytest.param(
            resource("alicloud_ess_scaling_group.g", {"group_type": "ECI", "min_size": 1, "max_size": 9}),
            id="a group of containers",
        ),
        pytest.param(
            resource("alicloud_cs_kubernetes_node_pool.p", {"instance_types": [CPU], "desired_size": 3}),
            id="a plain node pool",
        ),
        pytest.param(
            resource("alicloud_cs_kubernetes_node_pool.p", {"desired_size": 3}), id="a node pool of existing instances"
        ),
        pytest.param(
            resource("alicloud_cs_managed_kubernetes.c", {"cluster_spec": "ack.pro.small"}),
            id="a cluster whose pools are apart",
        ),
        pytest.param(
            resource("alicloud_eci_container_group.e", {"cpu": 2, "memory": 4, "containers": [{"gpu": 0}]}),
            id="a plain container group",
        ),
        pytest.param(resource("alicloud_fcv3_function.f", {"cpu": 1, "gpu_config": []}), id="a plain function"),
        pytest.param(service({"metadata": {"instance": 2, "gpu": 0}}), id="a service on CPUs"),
        pytest.param(
            service({"metadata": {"instance": 1}, "cloud": {"computing": {"instances": [{"type": CPU}]}}}),
            id="a service on a plain machine",
        ),
        pytest.param(
            resource("alicloud_emrv2_cluster.e", {"node_groups": [{"instance_types": [CPU], "node_count": 3}]}),
            id="plain EMR",
        ),
        pytest.param(
            resource("alicloud_ecs_elasticity_assurance.e", {"instance_type": T4, "instance_amount": 4}),
            id="an assurance starts nothing",
        ),
        pytest.param(resource("alicloud_ess_scaling_rule.r", {"adjustment_value": 3}), id="a rule by itself"),
    ],
)
def test_what_has_no_gpu_stays_silent(tmp_path: Path, block: Block) -> None:
    result = report(plan(block, providers=PROVIDERS), tmp_path)
    assert result.resources == ()
    assert codes(result) - {"unreadable-value"} == set()
