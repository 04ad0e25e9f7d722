"""AWS: capacity reservations, capacity blocks, dedicated hosts, and what runs in them.

us-east-1 on demand: g5.xlarge 1.006, g6.xlarge 0.8048, g4dn.12xlarge 3.912 (RHEL 0.5184 more), g4dn.xlarge on Windows 0.71;
capacity blocks: p5.48xlarge 41.528. An instance here has a gp3 volume of 10 GiB, 0.80 a month.
"""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.extract.plans import Block, Json, after, codes, data, found, ref, report, resource
from tests.extract.test_aws import HOURS, amounts, aws, group, instance, mixed, node_group, pools, template

CR = "aws_ec2_capacity_reservation.r"
CB = "aws_ec2_capacity_block_reservation.b"
ZONE = "us-east-1a"
LINUX = {"instance_platform": "Linux/UNIX"}


def reservation(name: str = "r", count: Any = 2, machine: str | None = "g5.xlarge", **values: Any) -> Block:
    options = {key: values.pop(key) for key in ("unknown", "before", "expressions") if key in values}
    own = {"instance_type": machine, "instance_count": count, "availability_zone": ZONE, **LINUX, **values}
    unknown = {"id": True, "arn": True, **options.pop("unknown", {})}
    return resource(f"aws_ec2_capacity_reservation.{name}", own, unknown=unknown, **options)


def targeting(where: str | None, *, path: str = "capacity_reservation_id", **values: Any) -> Json:
    """Members of a template that names a reservation whose id only apply can tell; without `where` a literal id."""
    block = {"capacity_reservation_target": [{} if where else {path: "cr-0123456789abcdef0"}]}
    return {"capacity_reservation_specification": [{**block, **values}]}


def named(name: str = "t", machine: str | None = "g5.xlarge", where: str | None = f"{CR}.id", path: str = "capacity_reservation_id", **values: Any) -> Block:  # fmt: skip
    """A launch template that names a reservation."""
    preference = {key: values.pop(key) for key in ("capacity_reservation_preference",) if key in values}
    own = {"instance_type": machine, "name_prefix": "t-", **targeting(where, path=path, **preference), **values}
    hidden = {"capacity_reservation_specification": [{"capacity_reservation_target": [{path: bool(where)}]}]}
    link = [{"capacity_reservation_target": [{path: ref(where)}]}] if where else []
    return resource(
        f"aws_launch_template.{name}",
        own,
        unknown={"id": True, "name": True, "arn": True, **hidden},
        expressions={"capacity_reservation_specification": link},
    )


def parts(side: Any) -> list[tuple[str | None, str | None, tuple[float | None, ...]]]:
    return [(each.sku, each.covered_by, (each.units.min, each.units.expected, each.units.max)) for each in side.pools]


# -- the reservation itself --------------------------------------------------------------------------------------------------


def test_a_reservation_is_billed_at_the_on_demand_price_and_brings_its_gpus(tmp_path: Path) -> None:
    side = after(aws(reservation(count=3)), tmp_path)
    assert pools(side) == [("g5.xlarge", "capacity_reservation", (3, 3, 3))]
    assert amounts(side, "compute") == [3 * HOURS * Decimal("1.006")]
    assert (side.gpus.expected, side.monthly.max) == (3, side.monthly.min)


@pytest.mark.parametrize(
    ("machine", "platform", "kind", "monthly"),
    [
        pytest.param("g4dn.xlarge", "Windows", "compute", Decimal("0.71"), id="Windows"),
        pytest.param("g4dn.12xlarge", "Red Hat Enterprise Linux", "license", Decimal("0.5184"), id="Red Hat"),
        pytest.param("g4dn.12xlarge", "SUSE Linux", "license", Decimal("0.125"), id="SUSE"),
    ],
)
def test_the_platform_is_the_operating_system(machine: str, platform: str, kind: str, monthly: Decimal, tmp_path: Path) -> None:  # fmt: skip
    side = after(aws(reservation(count=1, machine=machine, instance_platform=platform)), tmp_path)
    assert amounts(side, kind) == [HOURS * monthly]


@pytest.mark.parametrize(
    ("values", "code"),
    [
        pytest.param({"tenancy": "dedicated"}, "dedicated-tenancy", id="dedicated tenancy"),
        pytest.param({"end_date": "2027-01-01T00:00:00Z"}, "ends", id="an end"),
        pytest.param({"instance_platform": "Windows with SQL Server"}, "unpriced-licence", id="SQL Server"),
        pytest.param({"instance_platform": "Ubuntu Pro"}, "unpriced-licence", id="Ubuntu Pro"),
        pytest.param({"machine": "g9.xlarge"}, "unpriced", id="a type without a price"),
        pytest.param({"count": "two"}, "unreadable-value", id="no number"),
        pytest.param({"count": -1}, "implausible-value", id="a negative number"),
    ],
)
def test_what_a_reader_must_know_of_a_reservation(values: Json, code: str, tmp_path: Path) -> None:
    assert code in codes(report(aws(reservation(**values)), tmp_path))


def test_an_unknown_machine_type_is_told(tmp_path: Path) -> None:
    blocks = reservation(machine=None, unknown={"instance_type": True}, expressions={"instance_type": ref("local.x")})
    result = report(aws(blocks), tmp_path)
    assert result.resources[0].after is not None
    assert result.resources[0].after.pools[0].sku is None
    assert "unknown-machine-type" in codes(result)


def test_an_unknown_count_is_no_zero(tmp_path: Path) -> None:
    blocks = reservation(count=None, unknown={"instance_count": True}, expressions={"instance_count": ref("local.x")})
    assert after(aws(blocks), tmp_path).monthly.expected is None


@pytest.mark.parametrize("machine", ["m6i.large", "c7g.4xlarge", "t3.micro", "f1.2xlarge"])
def test_reservations_of_plain_machines_stay_quiet(machine: str, tmp_path: Path) -> None:
    assert found(aws(reservation(machine=machine)), tmp_path) == {}


def test_a_reservation_that_shrinks_costs_less(tmp_path: Path) -> None:
    was = {"id": "cr-1", "instance_type": "g5.xlarge", "instance_count": 4, "availability_zone": ZONE, **LINUX}
    shrinks = resource(CR, {**was, "instance_count": 1}, before=was)
    assert report(aws(shrinks), tmp_path).summary.monthly_delta == -3 * HOURS * Decimal("1.006")


# -- what an open reservation takes by itself --------------------------------------------------------------------------------


def test_matching_instances_run_in_an_open_reservation_up_to_its_count(tmp_path: Path) -> None:
    blocks = [instance(name, availability_zone=ZONE) for name in ("a", "b", "c")]
    result = report(aws(reservation(count=2), *blocks), tmp_path)
    covered = [each.address for each in result.resources if each.after and each.after.pools[0].covered_by == CR]
    assert covered == ["aws_instance.a", "aws_instance.b"]
    # two reserved, and the third beside them with its volume
    assert result.summary.monthly_after == 3 * HOURS * Decimal("1.006") + Decimal("0.8")
    assert result.summary.gpus_after == 3


def test_the_rest_of_a_reservation_is_billed_too(tmp_path: Path) -> None:
    result = report(aws(reservation(count=5), instance(availability_zone=ZONE)), tmp_path)
    assert result.summary.monthly_after == 5 * HOURS * Decimal("1.006")
    assert result.summary.gpus_after == 5


def test_the_zone_may_come_from_the_subnet(tmp_path: Path) -> None:
    subnet = resource("aws_subnet.a", {"availability_zone": ZONE}, unknown={"id": True})
    machine = instance(unknown={"subnet_id": True}, expressions={"subnet_id": ref("aws_subnet.a.id")})
    assert parts(after(aws(subnet, reservation(), machine), tmp_path, "aws_instance.vm")) == [
        ("g5.xlarge", CR, (1, 1, 1))
    ]


def test_a_group_in_one_zone_runs_in_an_open_reservation(tmp_path: Path) -> None:
    own = group(availability_zones=[ZONE], desired_capacity=3)
    side = after(aws(template(), own, reservation()), tmp_path, "aws_autoscaling_group.g")
    assert parts(side) == [("g5.xlarge", CR, (1, 2, 2)), ("g5.xlarge", None, (0, 1, 2))]
    assert side.gpus.expected == 1


@pytest.mark.parametrize(
    ("values", "machine"),
    [
        pytest.param({"machine": "g5.2xlarge"}, {"availability_zone": ZONE}, id="another type"),
        pytest.param({"availability_zone": "us-east-1b"}, {"availability_zone": ZONE}, id="another zone"),
        pytest.param({"instance_platform": "Windows"}, {"availability_zone": ZONE}, id="another platform"),
        pytest.param({"tenancy": "dedicated"}, {"availability_zone": ZONE}, id="another tenancy"),
        pytest.param({"instance_match_criteria": "targeted"}, {"availability_zone": ZONE}, id="a reservation for those that name it"),
        pytest.param({"placement_group_arn": "arn:aws:ec2:us-east-1:123456789012:placement-group/x"}, {"availability_zone": ZONE}, id="one in a placement group"),
        pytest.param({}, {"availability_zone": ZONE, "capacity_reservation_specification": [{"capacity_reservation_preference": "none"}]}, id="an instance that wants none"),
        pytest.param({}, {"availability_zone": ZONE, "instance_market_options": [{"market_type": "spot"}]}, id="a spot instance"),
    ],
)  # fmt: skip
def test_what_does_not_match_is_billed_by_itself(values: Json, machine: Json, tmp_path: Path) -> None:
    result = report(aws(reservation(**values), instance(**machine)), tmp_path)
    side = next(each.after for each in result.resources if each.address == "aws_instance.vm")
    assert side is not None
    assert side.pools[0].covered_by is None
    assert (side.monthly.expected or 0) > 0
    assert "possible-reservation" not in codes(result)


@pytest.mark.parametrize(
    "machine",
    [
        pytest.param(instance(), id="in a zone that nothing tells"),
        pytest.param(instance(subnet_id="subnet-1"), id="in a subnet of another project"),
        pytest.param(instance(availability_zone=ZONE, instance_type=None, unknown={"instance_type": True}, expressions={"instance_type": ref("local.type")}), id="of an unknown type"),
    ],
)  # fmt: skip
def test_what_only_may_match_is_billed_on_top(machine: Block, tmp_path: Path) -> None:
    result = report(aws(reservation(), machine), tmp_path)
    side = next(each.after for each in result.resources if each.address == "aws_instance.vm")
    assert side is not None
    assert side.pools[0].covered_by is None
    assert ("possible-reservation" in codes(result)) == (side.pools[0].sku is not None)


def test_another_provider_configuration_may_be_another_account(tmp_path: Path) -> None:
    providers = {"aws": {"region": {"constant_value": "us-east-1"}}}
    other = instance(availability_zone=ZONE)
    other.extra["provider"] = "aws.lab"
    result = report(aws(reservation(), other, providers=providers), tmp_path)
    assert "possible-reservation" in codes(result)


# -- what names a reservation -------------------------------------------------------------------------------------------------


def test_who_names_a_reservation_by_its_id_never_runs_elsewhere(tmp_path: Path) -> None:
    result = report(aws(reservation(count=2), named(), group(desired_capacity=2)), tmp_path)
    side = next(each.after for each in result.resources if "autoscaling" in each.address)
    assert parts(side) == [("g5.xlarge", CR, (1, 2, 4))]
    assert result.summary.monthly_after == 2 * HOURS * Decimal("1.006")
    assert "reservation-exceeded" in codes(result)


def test_who_names_a_group_of_reservations_runs_on_demand_when_they_are_full(tmp_path: Path) -> None:
    where = "aws_resourcegroups_group.g.arn"
    blocks = [
        reservation(count=2, instance_match_criteria="targeted"),
        resource("aws_resourcegroups_group.g", {"name": "g"}, unknown={"arn": True}),
        resource(
            "aws_resourcegroups_resource.m",
            {},
            unknown={"group_arn": True, "resource_arn": True},
            expressions={"group_arn": ref(where), "resource_arn": ref(f"{CR}.arn")},
        ),
        named(where=where, path="capacity_reservation_resource_group_arn"),
        group(desired_capacity=3),
    ]
    side = after(aws(*blocks), tmp_path, "aws_autoscaling_group.g")
    assert parts(side) == [("g5.xlarge", CR, (1, 2, 2)), ("g5.xlarge", None, (0, 1, 2))]
    other = reservation("other", machine="p4d.24xlarge", instance_match_criteria="targeted")
    link = {"group_arn": ref(where), "resource_arn": ref("aws_ec2_capacity_reservation.other.arn")}
    member = resource("aws_resourcegroups_resource.a", {}, unknown=dict.fromkeys(link, True), expressions=link)
    result = report(aws(*blocks, other, member), tmp_path)
    assert "reservation-mismatch" not in codes(result), "a group may hold reservations of several types"


@pytest.mark.parametrize(
    ("preference", "expected"),
    [
        pytest.param("capacity-reservations-first", [(CR, (1, 2, 2)), (None, (0, 0, 2))], id="first"),
        pytest.param("capacity-reservations-only", [(CR, (1, 2, 4))], id="only"),
    ],
)
def test_the_preference_of_a_group_decides(preference: str, expected: list[Any], tmp_path: Path) -> None:
    specification = {"capacity_reservation_preference": preference, "capacity_reservation_target": [{"capacity_reservation_ids": [None]}]}  # fmt: skip
    path = {"capacity_reservation_specification": [{"capacity_reservation_target": [{"capacity_reservation_ids": [True]}]}]}  # fmt: skip
    link = {"capacity_reservation_specification": [{"capacity_reservation_target": [{"capacity_reservation_ids": ref(f"{CR}.id")}]}]}  # fmt: skip
    own = group(desired_capacity=2, capacity_reservation_specification=[specification], unknown=path, expressions=link)
    side = after(aws(reservation(), template(), own), tmp_path, "aws_autoscaling_group.g")
    assert [part[1:] for part in parts(side)] == expected


def test_the_group_goes_before_its_template(tmp_path: Path) -> None:
    own = group(capacity_reservation_specification=[{"capacity_reservation_preference": "none"}])
    side = after(aws(reservation(), named(), own), tmp_path, "aws_autoscaling_group.g")
    assert parts(side) == [("g5.xlarge", None, (1, 1, 4))]


def test_only_the_on_demand_part_of_a_mixed_group_runs_in_a_reservation(tmp_path: Path) -> None:
    own = mixed([{"instance_type": "g5.xlarge"}], {"on_demand_base_capacity": 2, "on_demand_percentage_above_base_capacity": 0})  # fmt: skip
    side = after(aws(reservation(count=5), named(), own), tmp_path, "aws_autoscaling_group.g")
    assert [(part[1], part[2]) for part in parts(side)] == [(CR, (1, 2, 2)), (None, (0, 2, 8))]


def test_a_node_group_runs_in_the_reservation_of_its_template(tmp_path: Path) -> None:
    own = node_group(
        launch_template=[{"version": "1"}],
        unknown={"launch_template": [{"id": True}]},
        expressions={"launch_template": [{"id": ref("aws_launch_template.t.id")}]},
    )
    result = report(aws(reservation(count=3), named(), own), tmp_path)
    assert result.summary.monthly_after == 3 * HOURS * Decimal("1.006")
    assert result.summary.gpus_max_after == 3


def test_a_reservation_of_another_type_covers_nothing(tmp_path: Path) -> None:
    result = report(aws(reservation(machine="g6.xlarge"), named(), group()), tmp_path)
    assert "reservation-mismatch" in codes(result)
    assert result.summary.gpus_after == 3


def test_a_reservation_that_the_plan_does_not_hold_is_told_and_the_machine_priced(tmp_path: Path) -> None:
    result = report(aws(named(where=None), group()), tmp_path)
    assert "outside-reservation" in codes(result)
    assert result.summary.monthly_after == HOURS * Decimal("1.006")


def test_weights_count_machines_of_the_reservation(tmp_path: Path) -> None:
    """A machine of weight 4 takes one place of the reservation, not four."""
    own = mixed([{"instance_type": "g5.12xlarge", "weighted_capacity": "4"}], None, min_size=4, desired_capacity=12, max_size=20)  # fmt: skip
    side = after(aws(reservation(count=2, machine="g5.12xlarge"), named(machine="g5.12xlarge"), own), tmp_path, "aws_autoscaling_group.g")  # fmt: skip
    assert [(part[1], part[2]) for part in parts(side)] == [(CR, (1, 3, 5))]


def test_both_sides_of_a_change_are_covered(tmp_path: Path) -> None:
    was = {"id": "cr-1", "instance_type": "g5.xlarge", "instance_count": 1, "availability_zone": ZONE, **LINUX}
    machine = {"id": "i-1", "instance_type": "g5.xlarge", "ami": "ami-1", "availability_zone": ZONE}
    result = report(aws(resource(CR, was, before=was), resource("aws_instance.vm", machine, before=machine)), tmp_path)
    assert result.summary.monthly_before == result.summary.monthly_after == HOURS * Decimal("1.006")


def test_an_instance_whose_reservation_goes_is_billed_again(tmp_path: Path) -> None:
    was = {"id": "cr-1", "instance_type": "g5.xlarge", "instance_count": 1, "availability_zone": ZONE, **LINUX}
    machine = {"id": "i-1", "instance_type": "g5.xlarge", "ami": "ami-1", "availability_zone": ZONE}
    result = report(aws(resource(CR, before=was), resource("aws_instance.vm", machine, before=machine)), tmp_path)
    assert (result.summary.gpus_before, result.summary.gpus_after) == (1, 1)
    assert result.summary.monthly_delta == 0


# -- capacity blocks -----------------------------------------------------------------------------------------------------------


def offering(**values: Any) -> Block:
    own = {
        "capacity_block_offering_id": "cb-1",
        "instance_type": "p5.48xlarge",
        "instance_count": 2,
        "capacity_duration_hours": 48,
        "availability_zone": "us-east-1b",
        "currency_code": "USD",
        "upfront_fee": "4100.50",
    }
    return data("data.aws_ec2_capacity_block_offering.o", {**own, **values})


def block(**values: Any) -> Block:
    hidden = {"id": True, "instance_type": True, "instance_count": True, "start_date": True, "end_date": True}
    own = {"capacity_block_offering_id": "cb-1", **LINUX, **values}
    link = {"capacity_block_offering_id": ref("data.aws_ec2_capacity_block_offering.o.capacity_block_offering_id")}
    return resource(CB, own, unknown=hidden, expressions=link)


def test_the_fee_of_the_offering_is_paid_once(tmp_path: Path) -> None:
    side = after(aws(offering(), block()), tmp_path)
    assert pools(side) == [("p5.48xlarge", "capacity_block", (2, 2, 2))]
    assert (side.one_time, side.monthly.expected) == (Decimal("4100.50"), Decimal("4100.50"))
    assert side.pools[0].hours_per_month == 48
    assert side.gpus.expected == 16


def test_without_a_fee_the_catalog_has_the_price(tmp_path: Path) -> None:
    side = after(aws(offering(upfront_fee=None), block()), tmp_path)
    assert side.one_time == 2 * 48 * Decimal("41.528")


def test_of_a_long_block_one_month_is_a_part(tmp_path: Path) -> None:
    side = after(aws(offering(capacity_duration_hours=1460, upfront_fee="1000"), block()), tmp_path)
    assert (side.one_time, side.monthly.expected) == (Decimal("1000"), Decimal("500"))


def test_a_block_that_is_bought_already_tells_itself(tmp_path: Path) -> None:
    own = {"id": "cr-9", "instance_type": "p5.48xlarge", "instance_count": 1, "start_date": "2026-11-20T11:30:00Z",
           "end_date": "2026-11-21T11:30:00Z", "availability_zone": "us-east-1b", **LINUX}  # fmt: skip
    result = report(aws(resource(CB, own, before=own)), tmp_path)
    side = result.resources[0].after
    assert side is not None
    assert side.one_time == 24 * Decimal("41.528")
    assert result.summary.one_time_delta == 0


def test_machines_in_a_block_of_the_plan_add_nothing(tmp_path: Path) -> None:
    lt = named(machine="p5.48xlarge", where=f"{CB}.id", instance_market_options=[{"market_type": "capacity-block"}])
    result = report(aws(offering(), block(), lt, group(min_size=2, desired_capacity=2, max_size=2)), tmp_path)
    side = next(each.after for each in result.resources if "autoscaling" in each.address)
    assert parts(side) == [("p5.48xlarge", CB, (2, 2, 2))]
    assert result.summary.gpus_after == 16


def test_a_block_without_its_offering_is_unknown(tmp_path: Path) -> None:
    result = report(aws(block(capacity_block_offering_id="cb-2")), tmp_path)
    assert {"unknown-machine-type", "unknown-duration"} <= codes(result)


def test_a_block_that_nothing_names_is_told(tmp_path: Path) -> None:
    result = report(aws(instance(instance_type="p5.48xlarge", instance_market_options=[{"market_type": "capacity-block"}])), tmp_path)  # fmt: skip
    assert "outside-reservation" in codes(result)


@pytest.mark.parametrize("junk", [5, "x", [1], {"a": 1}, True, 1e308, -3])
def test_junk_in_an_offering_raises_nothing(junk: object, tmp_path: Path) -> None:
    for name in ("instance_type", "instance_count", "capacity_duration_hours", "upfront_fee", "currency_code"):
        report(aws(offering(**{name: junk}), block()), tmp_path)


# -- hosts ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("values", [{"instance_family": "g5"}, {"instance_type": "g5.2xlarge"}])
def test_a_host_has_the_gpus_of_the_largest_type_of_its_family(values: Json, tmp_path: Path) -> None:
    host = resource("aws_ec2_host.h", {"availability_zone": ZONE, **values})
    side = after(aws(host), tmp_path)
    assert (side.pools[0].sku, side.gpus.expected, side.monthly.expected) == ("dedicated-host-g5", 8, None)


def test_what_names_a_host_runs_on_it(tmp_path: Path) -> None:
    host = resource("aws_ec2_host.h", {"availability_zone": ZONE, "instance_family": "g5"}, unknown={"id": True})
    machine = instance(tenancy="host", unknown={"host_id": True}, expressions={"host_id": ref("aws_ec2_host.h.id")})
    result = report(aws(host, machine), tmp_path)
    side = next(each.after for each in result.resources if each.address == "aws_instance.vm")
    assert parts(side) == [("g5.xlarge", "aws_ec2_host.h", (1, 1, 1))]
    assert result.summary.gpus_after == 8
    assert "dedicated-tenancy" not in codes(result)


def test_a_host_beside_an_instance_is_not_its_own(tmp_path: Path) -> None:
    host = resource("aws_ec2_host.h", {"availability_zone": ZONE, "instance_family": "g5"}, unknown={"id": True})
    side = after(aws(host, instance(unknown={"host_id": True})), tmp_path, "aws_instance.vm")
    assert parts(side) == [("g5.xlarge", None, (1, 1, 1))]


@pytest.mark.parametrize("values", [{"instance_family": "m6i"}, {"instance_type": "mac2.metal"}, {}])
def test_hosts_of_plain_families_stay_quiet(values: Json, tmp_path: Path) -> None:
    assert found(aws(resource("aws_ec2_host.h", {"availability_zone": ZONE, **values})), tmp_path) == {}
