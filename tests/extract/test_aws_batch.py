"""AWS Batch: compute environments and job definitions.

us-east-1 on demand: p4d.24xlarge (96 vCPUs) 21.957642, g5.xlarge (4) 1.006, g5.12xlarge (48) 5.672; spot g5.xlarge 0.4507.
"""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.extract.plans import Block, Json, after, codes, found, ref, report, resource
from tests.extract.test_aws import HOURS, amounts, aws, pools, template
from tests.extract.test_aws_reservations import CR, named, reservation

FLOOR = {"allocation_strategy": "BEST_FIT_PROGRESSIVE"}


def environment(*types: str, **values: Any) -> Block:
    top: Json = {key: values.pop(key) for key in ("state", "type", "eks_configuration") if key in values}
    options = {key: values.pop(key) for key in ("unknown", "expressions") if key in values}
    own: Json = {"type": "EC2", "instance_type": list(types), "max_vcpus": 96, **values}
    if "compute_type" in own:
        own["type"] = own.pop("compute_type")
    return resource(
        "aws_batch_compute_environment.e",
        {"name": "e", "type": "MANAGED", "compute_resources": [own], **top},
        **options,
    )


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param({"max_vcpus": 384, **FLOOR}, (0, 0, 5), id="a maximum may be exceeded by one machine"),
        pytest.param({"max_vcpus": 400, **FLOOR}, (0, 0, 5), id="also one that no whole number fits"),
        pytest.param({"max_vcpus": 384}, (0, 0, 4), id="not with the best fit on demand"),
        pytest.param({"max_vcpus": 400}, (0, 0, 4), id="where a part of a machine does not start"),
        pytest.param({"max_vcpus": 384, "compute_type": "SPOT"}, (0, 0, 5), id="on spot with the best fit too"),
        pytest.param({"max_vcpus": 384, "min_vcpus": 100, **FLOOR}, (2, 2, 5), id="a minimum is filled up"),
        pytest.param({"max_vcpus": 384, "min_vcpus": 96, "desired_vcpus": 200, **FLOOR}, (1, 3, 5), id="what is desired is filled up"),
        pytest.param({"max_vcpus": 96, "desired_vcpus": 960, **FLOOR}, (0, 1, 2), id="what is desired stays under the maximum"),
        pytest.param({"max_vcpus": 0, **FLOOR}, (0, 0, 0), id="a maximum of nothing is nothing"),
        pytest.param({"max_vcpus": 384, "min_vcpus": 192, "state": "DISABLED", **FLOOR}, (2, 2, 2), id="disabled it keeps its minimum"),
    ],
)  # fmt: skip
def test_vcpus_become_machines(values: Json, expected: tuple[float, ...], tmp_path: Path) -> None:
    side = after(aws(environment("p4d.24xlarge", **values)), tmp_path)
    each = side.pools[0].units
    assert (each.min, each.expected, each.max) == expected


def test_a_floor_is_billed_with_its_volumes(tmp_path: Path) -> None:
    side = after(aws(environment("p4d.24xlarge", min_vcpus=96, max_vcpus=192, **FLOOR)), tmp_path)
    assert amounts(side, "compute") == [HOURS * Decimal("21.957642")]
    assert amounts(side) == [30 * Decimal("0.10")]


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        (("p4d",), ["p4d.24xlarge"]),
        (("g5.12xlarge", "c5.large"), ["g5.12xlarge"]),
        (("optimal", "p4d"), ["p4d.24xlarge"]),
        (("P4D",), ["p4d.24xlarge"]),
    ],
)
def test_families_are_the_types_that_the_region_offers(types: tuple[str, ...], expected: list[str], tmp_path: Path) -> None:  # fmt: skip
    side = after(aws(environment(*types)), tmp_path)
    assert [side.pools[0].sku, *side.pools[0].candidates] == expected


def test_of_a_family_the_dearest_vcpu_is_priced(tmp_path: Path) -> None:
    """g5.xlarge has the fewest vCPUs for its GPU: 1.006 / 4 is more than that of any larger one."""
    side = after(aws(environment("g5", min_vcpus=8, max_vcpus=64, **FLOOR)), tmp_path)
    assert pools(side) == [("g5.xlarge", "on_demand", (2, 2, 17))]
    assert len(side.pools[0].candidates) == 7


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"types": ("optimal",)}, id="optimal"),
        pytest.param({"types": ("default_x86_64",)}, id="default_x86_64"),
        pytest.param({"types": ("default_arm64",)}, id="default_arm64"),
        pytest.param({"types": ("m6i", "c7i.large")}, id="plain families"),
        pytest.param({"types": ("f1",)}, id="FPGAs"),
        pytest.param({"types": (), "compute_type": "FARGATE"}, id="Fargate"),
        pytest.param({"types": (), "compute_type": "FARGATE_SPOT"}, id="Fargate spot"),
        pytest.param({"types": ()}, id="no type at all"),
    ],
)
def test_environments_without_accelerators_stay_quiet(values: Json, tmp_path: Path) -> None:
    own = environment(*values.pop("types"), **values)
    result = report(aws(own), tmp_path)
    assert (result.resources, codes(result)) == ((), set())


def test_an_unmanaged_environment_stays_quiet(tmp_path: Path) -> None:
    unmanaged = resource("aws_batch_compute_environment.e", {"name": "e", "type": "UNMANAGED"})
    assert found(aws(unmanaged), tmp_path) == {}


def test_a_bid_is_a_share_of_the_on_demand_price(tmp_path: Path) -> None:
    cheap = environment("g5.xlarge", compute_type="SPOT", min_vcpus=4, bid_percentage=20)
    assert amounts(after(aws(cheap), tmp_path), "compute") == [HOURS * Decimal("0.2012")]
    high = environment("g5.xlarge", compute_type="SPOT", min_vcpus=4, bid_percentage=100)
    assert amounts(after(aws(high), tmp_path), "compute") == [HOURS * Decimal("0.4507")]


def test_disks_come_from_the_launch_template_and_the_type_does_not(tmp_path: Path) -> None:
    disk = [{"device_name": "/dev/xvda", "ebs": [{"volume_size": 200, "volume_type": "gp3"}]}]
    own = environment(
        "g5.12xlarge",
        min_vcpus=48,
        launch_template=[{"version": "$Latest"}],
        unknown={"compute_resources": [{"launch_template": [{"launch_template_id": True}], "desired_vcpus": True}]},
        expressions={"compute_resources": [{"launch_template": [{"launch_template_id": ref("aws_launch_template.t.id")}]}]},
    )  # fmt: skip
    result = found(aws(template(machine="g4dn.xlarge", block_device_mappings=disk), own), tmp_path)
    each = result["aws_batch_compute_environment.e"]
    assert each.via == ("aws_launch_template.t",)
    assert each.after is not None
    assert pools(each.after) == [("g5.12xlarge", "on_demand", (1, 1, 2))]
    assert amounts(each.after) == [200 * Decimal("0.08")]


def test_machines_run_in_the_reservation_of_their_template(tmp_path: Path) -> None:
    own = environment(
        "g5.12xlarge",
        min_vcpus=48,
        max_vcpus=96,
        launch_template=[{"version": "$Latest"}],
        unknown={"compute_resources": [{"launch_template": [{"launch_template_id": True}]}]},
        expressions={"compute_resources": [{"launch_template": [{"launch_template_id": ref("aws_launch_template.t.id")}]}]},
    )  # fmt: skip
    result = report(aws(reservation(count=2, machine="g5.12xlarge"), named(machine=None), own), tmp_path)
    side = next(each.after for each in result.resources if "batch" in each.address)
    assert side is not None
    assert side.pools[0].covered_by == CR
    assert result.summary.gpus_after == 8


@pytest.mark.parametrize(
    ("types", "code"),
    [(["g9"], "unknown-machine-type"), (["g9.2xlarge"], "unknown-vcpus")],
)
def test_new_types_are_told(types: list[str], code: str, tmp_path: Path) -> None:
    result = report(aws(environment(*types, min_vcpus=4)), tmp_path)
    assert code in codes(result)
    assert result.resources


def test_of_a_new_type_nothing_but_zero_is_known(tmp_path: Path) -> None:
    side = after(aws(environment("g9.2xlarge", max_vcpus=64, **FLOOR)), tmp_path)
    each = side.pools[0].units
    assert (each.min, each.expected, each.max) == (0, 0, None)


def test_a_type_that_the_region_does_not_offer_is_counted_and_has_no_price(tmp_path: Path) -> None:
    own = environment("p4de.24xlarge", min_vcpus=96, max_vcpus=96, **FLOOR)
    side = after(aws(own, providers={"aws": {"region": {"constant_value": "eu-north-1"}}}), tmp_path)
    assert (side.pools[0].units.expected, side.gpus.expected, side.monthly.expected) == (1, 8, None)


def test_unknown_types_are_told(tmp_path: Path) -> None:
    own = environment(
        unknown={"compute_resources": [{"instance_type": True}]},
        expressions={"compute_resources": [{"instance_type": ref("local.types")}]},
    )
    own.after["compute_resources"][0].pop("instance_type")  # type: ignore[index]
    assert "unknown-machine-type" in codes(report(aws(own), tmp_path))


def test_compute_resources_that_a_dynamic_block_hides_are_told(tmp_path: Path) -> None:
    hidden = resource(
        "aws_batch_compute_environment.e", {"name": "e", "type": "MANAGED"}, unknown={"compute_resources": True}
    )
    assert "unknown-machine-type" in codes(report(aws(hidden), tmp_path))


def test_an_unknown_size_is_no_zero(tmp_path: Path) -> None:
    own = environment(
        "g5.xlarge",
        unknown={"compute_resources": [{"max_vcpus": True}]},
        expressions={"compute_resources": [{"max_vcpus": ref("local.size")}]},
    )
    own.after["compute_resources"][0].pop("max_vcpus")  # type: ignore[index]
    assert after(aws(own), tmp_path).monthly.max is None


def test_the_region_comes_from_the_subnets(tmp_path: Path) -> None:
    subnet = resource("aws_subnet.a", {"availability_zone": "eu-west-1a"}, unknown={"id": True})
    own = environment(
        "g5.xlarge",
        unknown={"compute_resources": [{"subnets": True}]},
        expressions={"compute_resources": [{"subnets": ref("aws_subnet.a.id")}]},
    )
    assert after(aws(subnet, own, providers={}), tmp_path, "aws_batch_compute_environment.e").region == "eu-west-1"


# -- jobs ------------------------------------------------------------------------------------------------------------------------


def gpus(count: Any) -> Json:
    return {"image": "x", "resourceRequirements": [{"type": "VCPU", "value": "4"}, {"type": "GPU", "value": count}]}


def job(**values: Any) -> Block:
    return resource("aws_batch_job_definition.j", {"name": "j", "type": "container", **values})


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param({"container_properties": json.dumps(gpus("2"))}, [(1, 2)], id="a container"),
        pytest.param({"container_properties": json.dumps(gpus(2))}, [(1, 2)], id="a number for a text"),
        pytest.param({"ecs_properties": json.dumps({"taskProperties": [{"containers": [gpus("1"), gpus("2")]}]})}, [(1, 3)], id="a task of several containers"),
        pytest.param({"node_properties": json.dumps({"numNodes": 4, "nodeRangeProperties": [{"targetNodes": "0:", "container": gpus("8")}]})}, [(4, 8)], id="several nodes"),
        pytest.param({"node_properties": json.dumps({"numNodes": 4, "nodeRangeProperties": [{"targetNodes": "0:0", "container": gpus("0")}, {"targetNodes": "1:", "container": gpus("8")}]})}, [(3, 8)], id="several nodes, the first without"),
        pytest.param({"node_properties": json.dumps({"numNodes": 3, "nodeRangeProperties": [{"targetNodes": "0:", "container": gpus("1")}, {"targetNodes": "2", "container": gpus("4")}]})}, [(2, 1), (1, 4)], id="ranges within ranges"),
        pytest.param({"eks_properties": [{"pod_properties": [{"containers": [{"resources": [{"limits": {"nvidia.com/gpu": "2"}, "requests": {"nvidia.com/gpu": "2"}}]}]}]}]}, [(1, 2)], id="a pod"),
    ],
)  # fmt: skip
def test_what_one_job_asks_for_is_shown_and_not_billed(values: Json, expected: list[Any], tmp_path: Path) -> None:
    result = report(aws(job(**values)), tmp_path)
    side = result.resources[0].after
    assert side is not None
    assert [(each.units.expected, each.gpu.per_unit if each.gpu else 0) for each in side.pools] == expected
    assert {each.role for each in side.pools} == {"demand"}
    assert (side.monthly.expected, side.gpus.expected, result.summary.gpus_after) == (Decimal(0), 0, 0)
    assert "demand-of-one-job" in codes(result)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"container_properties": json.dumps({"image": "x"})},
        {"container_properties": json.dumps(gpus("0"))},
        {"container_properties": None},
        {"container_properties": "{}"},
        {"eks_properties": [{"pod_properties": [{"containers": [{"resources": [{"limits": {"cpu": "1"}}]}]}]}]},
        {"node_properties": json.dumps({"numNodes": 0, "nodeRangeProperties": []})},
    ],
)
def test_jobs_without_accelerators_stay_quiet(values: Json, tmp_path: Path) -> None:
    result = report(aws(job(**values)), tmp_path)
    assert (result.resources, codes(result)) == ((), set())


def test_properties_that_only_apply_can_tell_raise_no_alarm(tmp_path: Path) -> None:
    hidden = resource(
        "aws_batch_job_definition.j",
        {"name": "j"},
        unknown={"container_properties": True},
        expressions={"container_properties": ref("aws_ecr_repository.x.repository_url")},
    )
    assert codes(report(aws(hidden), tmp_path)) == set()


@pytest.mark.parametrize("junk", [5, "x", [1, "p4d"], {"a": [None]}, True, 1e308, -1, [[]], "{", "[" * 5000])
def test_junk_raises_nothing(junk: Any, tmp_path: Path) -> None:
    for name in ("compute_resources", "state", "type", "region"):
        report(aws(resource("aws_batch_compute_environment.e", {"compute_resources": [{"type": "EC2", "instance_type": ["p4d"]}], name: junk})), tmp_path)  # fmt: skip
    for name in ("type", "instance_type", "min_vcpus", "desired_vcpus", "max_vcpus", "bid_percentage", "allocation_strategy", "launch_template", "subnets"):  # fmt: skip
        report(aws(environment("p4d", **{"compute_type" if name == "type" else name: junk})), tmp_path)
    for name in ("container_properties", "node_properties", "ecs_properties", "eks_properties"):
        report(aws(job(**{name: junk})), tmp_path)
    ranges = [{"targetNodes": "9" * 5000, "container": gpus("1")}]
    report(aws(job(node_properties=json.dumps({"numNodes": 2, "nodeRangeProperties": ranges}))), tmp_path)
    nodes = {"numNodes": junk, "nodeRangeProperties": [{"targetNodes": junk, "container": gpus(junk)}]}
    report(aws(job(node_properties=json.dumps(nodes))), tmp_path)


def test_a_family_that_nobody_knows_hides_no_type_beside_it(tmp_path: Path) -> None:
    result = report(aws(environment("p9", "g5.xlarge")), tmp_path)
    side = result.resources[0].after
    assert side is not None
    assert {side.pools[0].sku, *side.pools[0].candidates} == {"p9", "g5.xlarge"}
    assert side.pools[0].units.max is None
    assert side.monthly.max is None
    assert "unknown-vcpus" in codes(result)
