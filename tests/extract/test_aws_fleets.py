"""AWS: EC2 Fleet and Spot Fleet.

us-east-1 on demand: g5.xlarge 1.006, g5.12xlarge 5.672, g6.xlarge 0.8048; spot at the dear end: g5.xlarge 0.4507,
g5.12xlarge 2.487, g6.xlarge 0.4011, g4dn.xlarge 0.2158.
"""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.extract.plans import Block, Json, after, codes, found, ref, report, resource
from tests.extract.test_aws import HOURS, amounts, aws, group, mixed, pools, template

DISK = [{"device_name": "/dev/xvda", "ebs": [{"volume_size": 100, "volume_type": "gp3"}]}]


def config(*overrides: Json, name: str = "override") -> Json:
    return {"launch_template_specification": [{"version": "$Latest"}], name: list(overrides)}


def fleet(target: Json, *configs: Json, uses: tuple[str, ...] = ("aws_launch_template.t.id",), **values: Any) -> Block:
    hidden = [{"launch_template_specification": [{"launch_template_id": True}]} for _ in configs]
    links = [{"launch_template_specification": [{"launch_template_id": ref(name)}]} for name in uses[: len(configs)]]
    own = {"target_capacity_specification": [target], "launch_template_config": list(configs), **values}
    options = {key: own.pop(key) for key in ("before",) if key in own}
    return resource(
        "aws_ec2_fleet.f",
        own,
        unknown={"id": True, "launch_template_config": hidden},
        expressions={"launch_template_config": links},
        **options,
    )


def capacity(total: Any = 4, default: str = "on-demand", **parts: Any) -> Json:
    return {"total_target_capacity": total, "default_target_capacity_type": default, **parts}


def spot_fleet(total: Any = 4, *specifications: Json, **values: Any) -> Block:
    own = {"target_capacity": total, "launch_specification": list(specifications), **values}
    options = {key: own.pop(key) for key in ("unknown", "expressions") if key in own}
    return resource("aws_spot_fleet_request.s", own, **options)


def launch(machine: Any = "g5.xlarge", **values: Any) -> Json:
    return {"instance_type": machine, "ami": "ami-1", **values}


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        pytest.param(capacity(), [("on_demand", 4)], id="on demand by default"),
        pytest.param(capacity(default="spot"), [("spot", 4)], id="spot by default"),
        pytest.param(capacity(10, "spot", on_demand_target_capacity=3), [("on_demand", 3), ("spot", 7)], id="spot, and so much on demand"),
        pytest.param(capacity(10, spot_target_capacity=4), [("on_demand", 6), ("spot", 4)], id="on demand, and so much on spot"),
        pytest.param(capacity(10, "spot", on_demand_target_capacity=3, spot_target_capacity=7), [("on_demand", 3), ("spot", 7)], id="both"),
        pytest.param(capacity(2, "spot", on_demand_target_capacity=5), [("on_demand", 5)], id="more on demand than in all"),
        pytest.param(capacity(0), [("on_demand", 0)], id="nothing at first"),
        pytest.param(capacity(4, "capacity-block"), [("capacity_block", 4)], id="a capacity block"),
    ],
)  # fmt: skip
def test_the_target_capacity_is_split(target: Json, expected: list[Any], tmp_path: Path) -> None:
    side = after(aws(template(), fleet(target, config())), tmp_path)
    assert [(each.purchase_model, each.units.expected) for each in side.pools] == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param({}, ("g6.xlarge", "g6.xlarge"), id="without a strategy the lowest price"),
        pytest.param({"on_demand_options": [{"allocation_strategy": "prioritized"}]}, ("g5.xlarge", "g6.xlarge"), id="on demand by priority"),
        pytest.param({"spot_options": [{"allocation_strategy": "capacity-optimized-prioritized"}]}, ("g6.xlarge", "g5.xlarge"), id="spot by priority"),
        pytest.param({"spot_options": [{"allocation_strategy": "price-capacity-optimized"}]}, ("g6.xlarge", "g5.xlarge"), id="spot where there is capacity is the dearest"),
        pytest.param({"spot_options": [{"allocation_strategy": "diversified"}]}, ("g6.xlarge", "g5.xlarge"), id="spot everywhere too"),
    ],
)  # fmt: skip
def test_the_strategy_picks_the_type(values: Json, expected: tuple[str, str], tmp_path: Path) -> None:
    types = config({"instance_type": "g6.xlarge", "priority": 2}, {"instance_type": "g5.xlarge", "priority": 1})
    side = after(aws(template(), fleet(capacity(4, "spot", on_demand_target_capacity=2), types, **values)), tmp_path)
    assert tuple(each.sku for each in side.pools) == expected


def test_the_lowest_price_is_that_of_a_unit(tmp_path: Path) -> None:
    """2.487 / 4 = 0.62 against 0.4507: four small machines are cheaper than one large."""
    types = config({"instance_type": "g5.12xlarge", "weighted_capacity": 4}, {"instance_type": "g5.xlarge"})
    side = after(aws(template(), fleet(capacity(9, "spot"), types)), tmp_path)
    assert pools(side) == [("g5.xlarge", "spot", (9, 9, 9))]
    only = config({"instance_type": "g5.12xlarge", "weighted_capacity": 4})
    assert pools(after(aws(template(), fleet(capacity(9), only)), tmp_path)) == [
        ("g5.12xlarge", "on_demand", (3, 3, 3))
    ]


def test_a_price_limit_is_that_of_a_unit(tmp_path: Path) -> None:
    types = config({"instance_type": "g5.12xlarge", "weighted_capacity": 4, "max_price": "0.5"})
    assert amounts(after(aws(template(), fleet(capacity(4, "spot"), types)), tmp_path), "compute") == [HOURS * 2]


def test_capacity_may_be_counted_in_vcpus(tmp_path: Path) -> None:
    needs = {"accelerator_names": ["a10g"], "vcpu_count": [{"min": 4, "max": 4}], "memory_mib": [{"min": 0}]}
    target = capacity(15, target_capacity_unit_type="vcpu")
    side = after(aws(template(), fleet(target, config({"instance_requirements": [needs]}))), tmp_path)
    assert pools(side) == [("g5.xlarge", "on_demand", (4, 4, 4))]


def test_a_template_by_attributes_is_counted_in_vcpus_too(tmp_path: Path) -> None:
    needs = {"accelerator_names": ["a10g"], "vcpu_count": [{"min": 4, "max": 4}], "memory_mib": [{"min": 0}]}
    own = template(machine=None, instance_requirements=[needs])
    side = after(aws(own, fleet(capacity(15, target_capacity_unit_type="vcpu"), config())), tmp_path)
    assert pools(side) == [("g5.xlarge", "on_demand", (4, 4, 4))]


def test_disks_and_all_templates_come_with_the_machines(tmp_path: Path) -> None:
    two = [template("t", "g6.xlarge", block_device_mappings=DISK), template("u", "g5.xlarge", name_prefix="u-")]
    uses = ("aws_launch_template.t.id", "aws_launch_template.u.id")
    result = found(aws(*two, fleet(capacity(2), config(), config(), uses=uses)), tmp_path)
    assert result["aws_ec2_fleet.f"].via == ("aws_launch_template.t", "aws_launch_template.u")
    side = result["aws_ec2_fleet.f"].after
    assert side is not None
    assert pools(side) == [("g6.xlarge", "on_demand", (2, 2, 2))]
    assert amounts(side) == [2 * 100 * Decimal("0.08")]


def test_the_zone_of_an_override_tells_the_region(tmp_path: Path) -> None:
    types = config({"instance_type": "g5.xlarge", "availability_zone": "eu-west-1a"})
    assert after(aws(template(), fleet(capacity(), types), providers={}), tmp_path).region == "eu-west-1"


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(aws(template(machine="m6i.large"), fleet(capacity(), config())), id="a plain template"),
        pytest.param(aws(template(), fleet(capacity(), config({"instance_type": "c7i.large"}))), id="plain overrides"),
        pytest.param(aws(spot_fleet(4, launch("m5.large"), launch("c5.large"))), id="plain specifications"),
        pytest.param(aws(template(machine=None, instance_requirements=[{"vcpu_count": [{"min": 2}], "memory_mib": [{"min": 1}]}]), fleet(capacity(), config())), id="plain requirements"),
        pytest.param(aws(resource("aws_ec2_fleet.f", {})), id="an empty fleet"),
        pytest.param(aws(resource("aws_spot_fleet_request.s", {})), id="an empty spot fleet"),
    ],
)  # fmt: skip
def test_fleets_of_plain_machines_stay_quiet(document: Json, tmp_path: Path) -> None:
    result = report(document, tmp_path)
    assert [each.address for each in result.resources] == []


def test_a_hidden_template_is_unknown_and_told(tmp_path: Path) -> None:
    result = report(aws(fleet(capacity(), config(), uses=("local.id",))), tmp_path)
    assert "unknown-machine-type" in codes(result)


def test_what_a_dynamic_block_hides_is_unknown_and_told(tmp_path: Path) -> None:
    own = {"target_capacity_specification": [capacity()]}
    hidden = resource("aws_ec2_fleet.f", own, unknown={"launch_template_config": True})
    assert "unknown-machine-type" in codes(report(aws(hidden), tmp_path))
    spot = resource("aws_spot_fleet_request.s", {"target_capacity": 2}, unknown={"launch_specification": True})
    assert "unknown-machine-type" in codes(report(aws(spot), tmp_path))


def test_an_unknown_capacity_is_no_zero(tmp_path: Path) -> None:
    own = fleet({"default_target_capacity_type": "on-demand"}, config())
    own.unknown["target_capacity_specification"] = [{"total_target_capacity": True}]
    own.expressions["target_capacity_specification"] = [{"total_target_capacity": ref("local.size")}]
    assert after(aws(template(), own), tmp_path).monthly.expected is None


# -- spot fleets ----------------------------------------------------------------------------------------------------------------


def test_a_launch_specification_says_it_all(tmp_path: Path) -> None:
    own = launch(root_block_device=[{"volume_size": 50, "volume_type": "gp3"}], associate_public_ip_address=True)
    side = after(aws(spot_fleet(3, own)), tmp_path)
    assert pools(side) == [("g5.xlarge", "spot", (3, 3, 3))]
    assert amounts(side, "compute") == [3 * HOURS * Decimal("0.4507")]
    assert amounts(side) == [3 * 50 * Decimal("0.08")]
    assert amounts(side, "network") == [3 * HOURS * Decimal("0.005")]


@pytest.mark.parametrize(
    ("strategy", "sku"),
    [
        (None, "g4dn.xlarge"),
        ("lowestPrice", "g4dn.xlarge"),
        ("diversified", "g5.xlarge"),
        ("priceCapacityOptimized", "g5.xlarge"),
    ],
)
def test_spot_fleets_take_the_lowest_price_unless_told_otherwise(
    strategy: str | None, sku: str, tmp_path: Path
) -> None:
    side = after(aws(spot_fleet(2, launch(), launch("g4dn.xlarge"), allocation_strategy=strategy)), tmp_path)
    assert side.pools[0].sku == sku


def test_prices_and_weights_of_a_spot_fleet_are_by_unit(tmp_path: Path) -> None:
    heavy = launch("g5.12xlarge", weighted_capacity="4")
    side = after(aws(spot_fleet(8, heavy, spot_price="0.25")), tmp_path)
    assert pools(side) == [("g5.12xlarge", "spot", (2, 2, 2))]
    assert amounts(side, "compute") == [2 * HOURS]
    own = after(aws(spot_fleet(8, {**heavy, "spot_price": "0.5"}, spot_price="0.25")), tmp_path)
    assert amounts(own, "compute") == [2 * HOURS * 2]


def test_a_spot_fleet_may_run_some_on_demand(tmp_path: Path) -> None:
    configs = {"launch_specification": [], "launch_template_config": [{"launch_template_specification": [{"version": "1"}], "overrides": [{"instance_type": "g6.xlarge"}]}]}  # fmt: skip
    own = spot_fleet(
        5,
        on_demand_target_capacity=2,
        **configs,
        unknown={"launch_template_config": [{"launch_template_specification": [{"id": True}]}]},
        expressions={"launch_template_config": [{"launch_template_specification": [{"id": ref("aws_launch_template.t.id")}]}]},
    )  # fmt: skip
    result = found(aws(template(), own), tmp_path)["aws_spot_fleet_request.s"]
    assert result.via == ("aws_launch_template.t",)
    assert result.after is not None
    assert pools(result.after) == [("g6.xlarge", "on_demand", (2, 2, 2)), ("g6.xlarge", "spot", (3, 3, 3))]


@pytest.mark.parametrize(
    ("values", "code"),
    [
        pytest.param({"valid_until": "2027-01-01T00:00:00Z"}, "ends", id="an end"),
        pytest.param({"on_demand_max_total_price": "10"}, "price-limit", id="a limit of all"),
    ],
)
def test_what_a_reader_must_know_of_a_fleet(values: Json, code: str, tmp_path: Path) -> None:
    assert code in codes(report(aws(spot_fleet(2, launch(), **values)), tmp_path))


def test_a_fleet_that_grows_costs_more(tmp_path: Path) -> None:
    was = {"id": "sfr-1", "target_capacity": 2, "launch_specification": [launch()]}
    grown = resource("aws_spot_fleet_request.s", {**was, "target_capacity": 5}, before=was)
    assert report(aws(grown), tmp_path).summary.gpus_before == 2
    assert report(aws(grown), tmp_path).summary.monthly_delta == 3 * HOURS * Decimal("0.4507")


@pytest.mark.parametrize("junk", [5, "x", [1, "g5.xlarge"], {"a": [None]}, True, 1e308, -1, [[]], [{"override": 3}]])
def test_junk_in_a_fleet_raises_nothing(junk: Any, tmp_path: Path) -> None:
    for name in ("target_capacity_specification", "launch_template_config", "on_demand_options", "region", "valid_until"):  # fmt: skip
        report(aws(template(), resource("aws_ec2_fleet.f", {"target_capacity_specification": [capacity()], "launch_template_config": [config()], name: junk})), tmp_path)  # fmt: skip
    for name in ("target_capacity", "launch_specification", "launch_template_config", "spot_price"):
        report(aws(resource("aws_spot_fleet_request.s", {"target_capacity": 1, "launch_specification": [launch()], name: junk})), tmp_path)  # fmt: skip
    for name in ("instance_type", "weighted_capacity", "spot_price", "root_block_device", "priority"):
        report(aws(spot_fleet(1, {**launch(), name: junk})), tmp_path)


# -- which machines come in question -------------------------------------------------------------------------------------------

ONE_L4 = {
    "accelerator_names": ["l4"],
    "accelerator_count": [{"min": 1, "max": 1}],
    "vcpu_count": [{"min": 4}],
    "memory_mib": [{"min": 0}],
}
"""One whole L4: g6.xlarge 0.8048 on demand, g6.2xlarge 0.9776 (over the 20 % allowed), gr6.8xlarge 2.4464."""


def test_what_is_too_dear_on_demand_is_not_priced_on_demand(tmp_path: Path) -> None:
    side = after(aws(template(machine=None, instance_requirements=[ONE_L4]), group()), tmp_path)
    assert amounts(side, "compute") == [HOURS * Decimal("0.8048")]
    both = mixed([{"instance_requirements": [ONE_L4]}], {"on_demand_base_capacity": 1, "on_demand_percentage_above_base_capacity": 0})  # fmt: skip
    on_demand, spot = after(aws(template(), both), tmp_path).pools
    assert (on_demand.sku, on_demand.candidates) == ("g6.xlarge", ())
    assert {"g6.2xlarge", "g6.4xlarge"} <= {spot.sku, *spot.candidates}


def test_a_block_of_a_fleet_by_attributes_has_limits_for_each_way_to_buy(tmp_path: Path) -> None:
    types = config({"instance_requirements": [ONE_L4]})
    anywhere = [{"allocation_strategy": "diversified"}]
    side = after(
        aws(template(), fleet(capacity(4, "spot", on_demand_target_capacity=1), types, spot_options=anywhere)), tmp_path
    )
    assert (side.pools[0].sku, side.pools[0].candidates) == ("g6.xlarge", ())
    assert len(side.pools[1].candidates) > 1


def test_one_type_selected_by_attributes_is_no_reason_to_name_another(tmp_path: Path) -> None:
    """32 vCPUs of g4dn.2xlarge (8 each) are not four g4dn.xlarge, and no attribute names the type."""
    needs = {"accelerator_names": ["t4"], "vcpu_count": [{"min": 4, "max": 8}], "memory_mib": [{"min": 0}], "accelerator_count": [{"min": 1}]}  # fmt: skip
    target = capacity(32, target_capacity_unit_type="vcpu")
    result = report(aws(template(), fleet(target, config({"instance_requirements": [needs]}))), tmp_path)
    assert [each.kind for each in result.alternatives if each.kind == "instance_type"] == []


@pytest.mark.parametrize("distribution", [None, {"on_demand_percentage_above_base_capacity": 0}])
def test_of_several_templates_that_may_be_meant_the_dearest_is_priced(
    distribution: Json | None, tmp_path: Path
) -> None:
    hidden = mixed([], distribution)
    link = {"launch_template_specification": [{"launch_template_id": ref("local.templates")}]}
    hidden.expressions["mixed_instances_policy"] = [{"launch_template": [link]}]
    two = (template("t", "g4dn.xlarge", name_prefix="a-"), template("u", "p4d.24xlarge", name_prefix="b-"))
    result = report(aws(*two, hidden), tmp_path)
    assert "ambiguous-template" in codes(result)
    side = result.resources[0].after
    assert side is not None
    assert side.pools[0].sku == "p4d.24xlarge"
    own = fleet(capacity(), config(), uses=("local.templates",))
    assert after(aws(*two, own), tmp_path).pools[0].sku == "p4d.24xlarge"


def test_overrides_name_the_machine_whichever_template_is_meant(tmp_path: Path) -> None:
    hidden = mixed([{"instance_type": "g6.xlarge"}, {"instance_type": "g5.xlarge"}])
    link = {"launch_template_specification": [{"launch_template_id": ref("local.templates")}]}
    hidden.expressions["mixed_instances_policy"] = [{"launch_template": [link]}]
    two = (template("t", "g4dn.xlarge", name_prefix="a-"), template("u", "p4d.24xlarge", name_prefix="b-"))
    assert after(aws(*two, hidden), tmp_path).pools[0].sku == "g6.xlarge"


def test_one_of_more_templates_than_anybody_has_is_unknown_and_soon_told(tmp_path: Path) -> None:
    many = [template(f't["k{number}"]', "g5.xlarge", name_prefix=f"t{number}-") for number in range(600)]
    hidden = [group(f'g["z{number}"]', "local.templates") for number in range(600)]
    result = report(aws(*many, *hidden), tmp_path)
    assert "unknown-machine-type" in codes(result)
    assert {each.after.pools[0].sku for each in result.resources if each.after} == {None}
