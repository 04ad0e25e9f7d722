"""EMR on EC2: groups, fleets and managed scaling.

Unit prices used here, us-east-1, an hour: g5.xlarge 1.006 on demand and 0.4507 at its dearest spot zone, EMR fee 0.2515;
g4dn.xlarge 0.526 (spot 0.2158) and 0.132; g5.2xlarge 1.212 and 0.303; gp2 0.10 and gp3 0.08 a GiB and month.
"""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gpuguard.model.report import State
from tests.extract.plans import Block, Json, after, codes, const, found, plan, ref, report, resource

D = Decimal
US = {"aws": {"region": const("us-east-1")}}
CLUSTER = "aws_emr_cluster.a"
G5, G4DN = (D("1.006"), D("0.2515")), (D("0.526"), D("0.132"))


def us(*blocks: Block) -> Json:
    return plan(*blocks, providers=US)


def cluster(core: Json | None = None, **values: Any) -> Block:
    own = {
        "name": "spark",
        "release_label": "emr-7.5.0",
        "master_instance_group": [{"instance_type": "m6i.xlarge", "instance_count": 1}],
        "core_instance_group": [core] if core is not None else [],
        **values,
    }
    return resource(CLUSTER, own, unknown={"id": True})


def core(type_: str | None = "g5.xlarge", count: int | None = 2, **more: Any) -> Json:
    return {"instance_type": type_, "instance_count": count, **more}


def fleet(*types: Json, on_demand: object = 0, spot: object = 0, **more: Any) -> Json:
    return {
        "instance_type_configs": list(types),
        "target_on_demand_capacity": on_demand,
        "target_spot_capacity": spot,
        **more,
    }


def kind(name: str, weight: int | None = None, **more: Any) -> Json:
    return {"instance_type": name, "weighted_capacity": weight, **more}


def task(label: str = "t", **values: Any) -> Block:
    return resource(
        f"aws_emr_instance_group.{label}",
        {"instance_type": "g5.xlarge", **values},
        unknown={"cluster_id": True},
        expressions={"cluster_id": ref(f"{CLUSTER}.id")},
    )


def scaling(low: object, high: object, unit: str = "Instances", **more: Any) -> Block:
    limits = {"minimum_capacity_units": low, "maximum_capacity_units": high, "unit_type": unit, **more}
    return resource(
        "aws_emr_managed_scaling_policy.p",
        {"compute_limits": [limits]},
        unknown={"cluster_id": True},
        expressions={"cluster_id": ref(f"{CLUSTER}.id")},
    )


def units(side: State, pool: int = 0) -> tuple[float | None, ...]:
    size = side.pools[pool].units
    return size.min, size.expected, size.max


# -- groups ---------------------------------------------------------------------------------------------------------------


def test_a_core_group_costs_its_machines_and_the_fee(tmp_path: Path) -> None:
    side = after(us(cluster(core())), tmp_path)
    assert (units(side), side.gpus.expected) == ((2, 2, 2), 2)
    assert side.monthly.expected == sum(G5) * 2 * 730
    assert [(each.kind, each.description) for each in side.components][1] == ("managed_service", "EMR fee")


def test_the_master_counts_once_where_it_has_accelerators(tmp_path: Path) -> None:
    side = after(us(cluster(core(), master_instance_group=[{"instance_type": "g4dn.xlarge"}])), tmp_path)
    assert [(pool.sku, pool.units.expected) for pool in side.pools] == [("g4dn.xlarge", 1), ("g5.xlarge", 2)]


@pytest.mark.parametrize(
    "block",
    [
        pytest.param(cluster(core("m6i.2xlarge", 40)), id="plain machines"),
        pytest.param(cluster(), id="only a master"),
        pytest.param(cluster(core(None, None)), id="no type"),
        pytest.param(cluster(core_instance_fleet=[fleet(kind("r6i.xlarge"), on_demand=9)]), id="a plain fleet"),
        pytest.param(cluster(core_instance_fleet=[fleet(kind("g5.xlarge"))]), id="a fleet of nothing"),
        pytest.param(task(instance_type="c6i.xlarge", instance_count=5), id="a plain task group"),
    ],
)
def test_a_cluster_without_accelerators_is_no_line(block: Block, tmp_path: Path) -> None:
    result = report(us(block), tmp_path)
    assert (result.resources, codes(result)) == ((), set())


def test_a_bid_price_makes_a_group_spot_at_most_at_that_price(tmp_path: Path) -> None:
    side = after(us(cluster(core(bid_price="0.30"))), tmp_path)
    assert side.pools[0].purchase_model == "spot"
    assert side.monthly.expected == (D("0.30") + D("0.2515")) * 2 * 730
    open_ = after(us(cluster(core(bid_price="9"))), tmp_path)
    assert open_.monthly.expected == (D("0.4507") + D("0.2515")) * 2 * 730


def test_an_empty_bid_price_is_on_demand(tmp_path: Path) -> None:
    assert after(us(cluster(core(bid_price=""))), tmp_path).pools[0].purchase_model == "on_demand"


def test_volumes_and_the_root_volume_count_on_every_machine(tmp_path: Path) -> None:
    """Two volumes of 100 GiB gp3 and a root volume of 30 GiB, which is gp3 since release 6.15, on two machines."""
    ebs = [{"type": "gp3", "size": 100, "volumes_per_instance": 2}]
    side = after(us(cluster(core(ebs_config=ebs), ebs_root_volume_size=30)), tmp_path)
    assert side.monthly.expected == sum(G5) * 2 * 730 + (200 + 30) * D("0.08") * 2
    old = after(us(cluster(core(), ebs_root_volume_size=30, release_label="emr-5.36.0")), tmp_path)
    assert old.monthly.expected == sum(G5) * 2 * 730 + 30 * D("0.10") * 2


def test_a_scaling_policy_of_a_group_bounds_it(tmp_path: Path) -> None:
    policy = json.dumps({"Constraints": {"MinCapacity": 1, "MaxCapacity": 8}, "Rules": []})
    assert units(after(us(cluster(core(autoscaling_policy=policy))), tmp_path)) == (1, 2, 8)


def test_a_cluster_that_ends_by_itself_is_told(tmp_path: Path) -> None:
    assert "auto-termination" in codes(
        report(us(cluster(core(), auto_termination_policy=[{"idle_timeout": 3600}])), tmp_path)
    )
    assert "auto-termination" in codes(report(us(cluster(core(), keep_job_flow_alive_when_no_steps=False)), tmp_path))
    assert "auto-termination" not in codes(
        report(us(cluster(core(), keep_job_flow_alive_when_no_steps=True)), tmp_path)
    )


def test_a_fee_without_a_row_is_told_and_the_machine_counted(tmp_path: Path) -> None:
    result = report(us(cluster(core("p4d.24xlarge", 1))), tmp_path)
    side = result.resources[0].after
    assert side is not None
    assert side.monthly.expected == D("21.957642") * 730
    assert "unpriced" in codes(result)


def test_an_unknown_machine_type_is_told(tmp_path: Path) -> None:
    block = resource(
        CLUSTER,
        {"core_instance_group": [{"instance_count": 2}]},
        unknown={"core_instance_group": [{"instance_type": True}]},
        expressions={"core_instance_group": [{"instance_type": ref("data.aws_ssm_parameter.t.value")}]},
    )
    document = us(block)
    assert after(document, tmp_path).pools[0].sku is None
    assert "unknown-machine-type" in codes(report(document, tmp_path))


def test_a_task_group_starts_nothing_unless_it_says_how_many(tmp_path: Path) -> None:
    document = us(cluster(), task())
    assert units(after(document, tmp_path, "aws_emr_instance_group.t")) == (0, 0, 0)
    more = us(cluster(ebs_root_volume_size=20), task(instance_count=3))
    side = after(more, tmp_path, "aws_emr_instance_group.t")
    assert side.monthly.expected == (sum(G5) * 730 + 20 * D("0.08")) * 3


# -- fleets ---------------------------------------------------------------------------------------------------------------


def test_a_fleet_is_bought_on_demand_and_as_spot(tmp_path: Path) -> None:
    """Eight units: of weight 1 (1.006 + 0.2515) and of weight 2 (1.212 + 0.303), on demand the second is cheaper."""
    own = fleet(kind("g5.xlarge", 1), kind("g5.2xlarge", 2), on_demand=4, spot=4)
    side = after(us(cluster(core_instance_fleet=[own])), tmp_path)
    assert [(pool.sku, pool.purchase_model, pool.units.expected) for pool in side.pools] == [
        ("g5.2xlarge", "on_demand", 2),
        ("g5.xlarge", "spot", 4),
    ]
    assert side.monthly.expected == ((D("1.212") + D("0.303")) * 2 + (D("0.4507") + D("0.2515")) * 4) * 730


def test_a_priority_goes_before_the_price(tmp_path: Path) -> None:
    how = [{"on_demand_specification": [{"allocation_strategy": "prioritized"}]}]
    own = fleet(kind("g5.2xlarge"), kind("g4dn.xlarge"), on_demand=1, launch_specifications=how)
    assert after(us(cluster(core_instance_fleet=[own])), tmp_path).pools[0].sku == "g5.2xlarge"


def test_spot_takes_the_cheapest_where_it_is_told_to(tmp_path: Path) -> None:
    how = [{"spot_specification": [{"allocation_strategy": "lowest-price"}]}]
    own = fleet(kind("g5.xlarge"), kind("g4dn.xlarge"), spot=1, launch_specifications=how)
    assert after(us(cluster(core_instance_fleet=[own])), tmp_path).pools[0].sku == "g4dn.xlarge"


def test_the_last_machine_may_bring_more_than_is_asked_for(tmp_path: Path) -> None:
    own = fleet(kind("g5.xlarge", 4), on_demand=9)
    assert units(after(us(cluster(core_instance_fleet=[own])), tmp_path)) == (3, 3, 3)


def test_a_master_fleet_is_one_machine_whatever_its_weight(tmp_path: Path) -> None:
    own = fleet(kind("g5.xlarge", 8), on_demand=1)
    assert units(after(us(cluster(master_instance_group=[], master_instance_fleet=[own])), tmp_path)) == (1, 1, 1)


def test_a_task_fleet_is_read_alike(tmp_path: Path) -> None:
    own = fleet(kind("g4dn.xlarge"), spot=5)
    block = resource(
        "aws_emr_instance_fleet.t", own, unknown={"cluster_id": True}, expressions={"cluster_id": ref(f"{CLUSTER}.id")}
    )
    side = after(us(cluster(), block), tmp_path, "aws_emr_instance_fleet.t")
    assert side.monthly.expected == (D("0.2158") + D("0.132")) * 5 * 730


# -- managed scaling ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "of_core", "of_task"),
    [
        pytest.param(scaling(2, 10), (2, 2, 10), (0, 1, 8), id="core nodes hold the minimum"),
        pytest.param(scaling(3, 10, maximum_core_capacity_units=4), (3, 3, 4), (0, 1, 6), id="a maximum of core nodes"),
        pytest.param(scaling(1, 10, maximum_ondemand_capacity_units=2), (1, 2, 2), (0, 1, 2), id="a maximum on demand"),
        pytest.param(scaling(2, 2), (2, 2, 2), (0, 0, 0), id="no room for task nodes"),
        pytest.param(scaling(8, 40, "VCPU"), (2, 2, 10), (0, 1, 8), id="counted in vCPUs, four a machine"),
    ],
)
def test_managed_scaling_bounds_core_and_task_nodes(
    policy: Block, of_core: tuple[int, ...], of_task: tuple[int, ...], tmp_path: Path
) -> None:
    document = us(cluster(core()), task(instance_count=1), policy)
    assert units(after(document, tmp_path, CLUSTER)) == of_core
    assert units(after(document, tmp_path, "aws_emr_instance_group.t")) == of_task


def test_managed_scaling_grows_a_fleet_on_demand_and_beyond_its_limit_as_spot(tmp_path: Path) -> None:
    own = fleet(kind("g5.xlarge"), on_demand=2, spot=1)
    limits = scaling(2, 10, "InstanceFleetUnits", maximum_ondemand_capacity_units=4)
    side = after(us(cluster(core_instance_fleet=[own]), limits), tmp_path, CLUSTER)
    assert [units(side, pool) for pool in (0, 1)] == [(2, 2, 4), (0, 1, 6)]


def test_bounds_that_only_apply_knows_are_unknown(tmp_path: Path) -> None:
    policy = resource(
        "aws_emr_managed_scaling_policy.p",
        {"compute_limits": [{"unit_type": "Instances"}]},
        unknown={
            "cluster_id": True,
            "compute_limits": [{"minimum_capacity_units": True, "maximum_capacity_units": True}],
        },
        expressions={
            "cluster_id": ref(f"{CLUSTER}.id"),
            "compute_limits": [
                {"minimum_capacity_units": ref("local.low"), "maximum_capacity_units": ref("local.high")}
            ],
        },
    )
    assert units(after(us(cluster(core()), policy), tmp_path, CLUSTER))[2] is None


# -- whatever stands there ------------------------------------------------------------------------------------------------

JUNK: list[Any] = [None, "", "x", 7, -1, 1e308, True, [], {}, [[]], [None, 3, {"a": []}], '{"Constraints": 3}', "[[["]


@pytest.mark.parametrize("junk", JUNK, ids=repr)
@pytest.mark.parametrize(
    "path",
    ["instance_type", "instance_count", "bid_price", "ebs_config", "autoscaling_policy", "weighted_capacity"],
)
def test_no_group_of_a_wrong_shape_is_a_traceback(path: str, junk: Any, tmp_path: Path) -> None:
    odd = {"instance_type": "g5.xlarge", "instance_count": 1, path: junk}
    both = fleet(kind("g5.xlarge") | {path: junk}, on_demand=junk, spot=junk, launch_specifications=junk)
    document = us(
        cluster(odd, core_instance_fleet=[both], ebs_root_volume_size=junk, release_label=junk),
        task(**odd),
        scaling(junk, junk, maximum_core_capacity_units=junk),
    )
    report(document, tmp_path)


@pytest.mark.parametrize("junk", JUNK, ids=repr)
@pytest.mark.parametrize(
    "path", ["master_instance_group", "core_instance_group", "core_instance_fleet", "auto_termination_policy"]
)
def test_no_cluster_of_a_wrong_shape_is_a_traceback(path: str, junk: Any, tmp_path: Path) -> None:
    report(us(cluster(core(), **{path: junk}), task(instance_count=1), scaling(1, 2)), tmp_path)


def test_a_replaced_cluster_is_one_resource(tmp_path: Path) -> None:
    old, new = cluster(core()).after, cluster(core("g5.2xlarge", 1)).after
    block = resource(CLUSTER, new, before=old, action="delete+create")
    both = found(us(block), tmp_path)[CLUSTER]
    assert (both.action, both.before is not None, both.after is not None) == ("replace", True, True)
