"""AWS: scheduled actions of groups, started and stopped instances. A month is 730 hours, a week 168.

us-east-1: g5.xlarge 1.006 on demand, 0.4507 spot; a gp3 volume of 10 GiB is 0.80 a month.
"""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.extract.plans import Block, Json, after, codes, ref, report, resource, state
from tests.extract.test_aws import HOURS, amounts, aws, group, instance, mixed, node_group, pools, template

DAY = HOURS * 60 / 168
"""Hours of a month in 12 hours of five days."""
UP = "0 8 * * MON-FRI"
DOWN = "0 20 * * MON-FRI"


def action(name: str, recurrence: Any = UP, uses: str = "aws_autoscaling_group.g.name", **values: Any) -> Block:
    own = {"scheduled_action_name": name, "recurrence": recurrence, "autoscaling_group_name": "g", **values}
    return resource(
        f"aws_autoscaling_schedule.{name}",
        own,
        unknown={
            "id": True,
            **{each: True for each in ("min_size", "max_size", "desired_capacity") if each not in own},
        },
        expressions={"autoscaling_group_name": ref(uses)},
    )


def sizes(low: Any, size: Any, high: Any) -> Json:
    given = {"min_size": low, "desired_capacity": size, "max_size": high}
    return {name: value for name, value in given.items() if value is not None}


def near(value: float | Decimal | None, expected: Decimal) -> bool:
    return value is not None and abs(Decimal(str(value)) - expected) < Decimal("0.000001")


@pytest.mark.parametrize(
    ("up", "down", "units", "hours"),
    [
        pytest.param(sizes(1, 4, 8), sizes(0, 0, 8), (0, 4, 8), DAY, id="all sizes, down to nothing"),
        pytest.param(sizes(-1, 4, -1), sizes(-1, 1, -1), (1, 4, 4), (4 * DAY + HOURS - DAY) / 4, id="only what is desired"),
        pytest.param(sizes(2, -1, -1), sizes(0, -1, -1), (0, 2, 4), HOURS, id="a minimum that falls stops nothing"),
        pytest.param(sizes(0, 9, -1), sizes(0, 0, -1), (0, 4, 4), DAY, id="no more than the maximum"),
        pytest.param(sizes(None, 3, 4), sizes(None, None, 4), (0, 3, 4), DAY, id="what is left out is nothing"),
        pytest.param(sizes(0, 0, 4), sizes(0, 0, 4), (0, 0, 4), HOURS, id="never anything"),
    ],
)  # fmt: skip
def test_the_largest_size_runs_in_the_hours_of_its_schedule(
    up: Json, down: Json, units: tuple[float, ...], hours: Decimal, tmp_path: Path
) -> None:
    side = after(aws(template(), group(), action("up", UP, **up), action("down", DOWN, **down)), tmp_path)
    assert pools(side) == [("g5.xlarge", "on_demand", units)]
    assert near(side.pools[0].hours_per_month, hours)


def test_a_maximum_that_stays_may_run_all_month_and_one_that_falls_may_not(tmp_path: Path) -> None:
    stays = [action("up", UP, **sizes(0, 2, 4)), action("down", DOWN, **sizes(0, 0, 4))]
    assert near(after(aws(template(), group(), *stays), tmp_path).monthly.max, 4 * HOURS * Decimal("1.006"))
    falls = [action("up", UP, **sizes(0, 2, 4)), action("down", DOWN, **sizes(0, 0, 0))]
    assert near(after(aws(template(), group(), *falls), tmp_path).monthly.max, 4 * DAY * Decimal("1.006"))


def test_both_parts_of_a_mixed_group_follow_the_schedule(tmp_path: Path) -> None:
    split = {"on_demand_base_capacity": 1, "on_demand_percentage_above_base_capacity": 0}
    own = mixed([{"instance_type": "g5.xlarge"}], split, name="g")
    blocks = [action("up", UP, **sizes(-1, 5, -1)), action("down", DOWN, **sizes(-1, 1, -1))]
    side = after(aws(template(), own, *blocks), tmp_path)
    assert pools(side) == [("g5.xlarge", "on_demand", (1, 1, 1)), ("g5.xlarge", "spot", (0, 4, 9))]
    assert near(side.pools[0].hours_per_month, HOURS)
    assert near(side.pools[1].hours_per_month, DAY)


def test_the_schedule_of_a_node_group_is_that_of_its_auto_scaling_group(tmp_path: Path) -> None:
    uses = "aws_eks_node_group.n.resources[0].autoscaling_groups[0].name"
    blocks = [action("up", UP, uses, **sizes(1, 3, 3)), action("down", DOWN, uses, **sizes(0, 0, 3))]
    for block in blocks:
        assert block.after is not None
        block.after.pop("autoscaling_group_name")
        block.unknown["autoscaling_group_name"] = True
    side = after(aws(node_group(instance_types=["g5.xlarge"]), *blocks), tmp_path)
    assert pools(side) == [("g5.xlarge", "on_demand", (0, 3, 3))]
    assert near(side.pools[0].hours_per_month, DAY)


def test_daylight_saving_and_the_zone_change_no_hours(tmp_path: Path) -> None:
    blocks = [
        action(name, cron, time_zone="Europe/Berlin", **sizes(0, size, 4))
        for name, cron, size in (("up", UP, 4), ("down", DOWN, 0))
    ]
    assert near(after(aws(template(), group(), *blocks), tmp_path).pools[0].hours_per_month, DAY)


@pytest.mark.parametrize(
    ("blocks", "code"),
    [
        pytest.param([action("once", None, start_time="2027-01-01T00:00:00Z", **sizes(3, 3, 3))], "one-off-schedule", id="one that comes once"),
        pytest.param([action("up", "whenever", **sizes(3, 3, 3))], "unread-schedule", id="no cron"),
        pytest.param([action("up", "61 * * * *", **sizes(3, 3, 3))], "unread-schedule", id="an impossible time"),
        pytest.param([action("up", UP, **sizes("many", 3, 3))], "unread-schedule", id="no size"),
        pytest.param([action("up", 5, **sizes(3, 3, 3))], "unread-schedule", id="a number for a text"),
    ],
)  # fmt: skip
def test_a_schedule_that_cannot_be_counted_is_told_and_changes_nothing(
    blocks: list[Block], code: str, tmp_path: Path
) -> None:
    result = report(aws(template(), group(), *blocks), tmp_path)
    assert code in codes(result)
    side = result.resources[0].after
    assert side is not None
    assert (pools(side), side.pools[0].hours_per_month) == ([("g5.xlarge", "on_demand", (1, 1, 4))], 730)


def test_a_schedule_that_ends_is_told(tmp_path: Path) -> None:
    own = action("up", UP, end_time="2027-06-30T00:00:00Z", **sizes(1, 2, 4))
    assert "schedule-ends" in codes(report(aws(template(), group(), own), tmp_path))


def test_an_end_that_a_local_may_leave_out_is_not_told(tmp_path: Path) -> None:
    """The provider computes end_time where it is not set, so a plan shows it as known after apply."""
    own = action("up", UP, **sizes(1, 2, 4))
    own.unknown["end_time"] = True
    own.expressions["end_time"] = ref("each.value.end_time", "each.value")
    assert "schedule-ends" not in codes(report(aws(template(), group(), own), tmp_path))


def test_the_schedule_of_another_group_changes_nothing(tmp_path: Path) -> None:
    other = resource("aws_autoscaling_group.o", {"name": "o", "min_size": 0, "max_size": 1, "launch_template": [{}]})
    blocks = [action("down", DOWN, "aws_autoscaling_group.o.name", **sizes(0, 0, 0))]
    assert blocks[0].after is not None
    blocks[0].after["autoscaling_group_name"] = "o"
    side = after(aws(template(), group(), other, *blocks), tmp_path, "aws_autoscaling_group.g")
    assert pools(side) == [("g5.xlarge", "on_demand", (1, 1, 4))]


def test_a_state_tells_schedules_by_the_name_of_the_group(tmp_path: Path) -> None:
    was = {"id": "lt-1", "name": "t", "instance_type": "g5.xlarge"}
    own = {"id": "g", "name": "g", "min_size": 1, "max_size": 4, "launch_template": [{"id": "lt-1"}]}
    blocks = [resource("aws_launch_template.t", was), resource("aws_autoscaling_group.g", own)]
    for name, cron, size in (("up", UP, 4), ("down", DOWN, 0)):
        values = {"scheduled_action_name": name, "recurrence": cron, "autoscaling_group_name": "g", **sizes(0, size, 4)}
        blocks.append(resource(f"aws_autoscaling_schedule.{name}", values))
    side = after(state(*blocks), tmp_path, regions={"aws": "us-east-1"})
    assert near(side.pools[0].hours_per_month, DAY)


def test_a_warm_pool_that_runs_keeps_running(tmp_path: Path) -> None:
    own = group(warm_pool=[{"pool_state": "Running"}])
    blocks = [action("up", UP, **sizes(0, 2, 4)), action("down", DOWN, **sizes(0, 0, 4))]
    side = after(aws(template(), own, *blocks), tmp_path)
    assert (side.pools[0].units.expected, side.pools[0].hours_per_month) == (4, 730)


# -- instances -------------------------------------------------------------------------------------------------------------------------


def scheduler(verb: str, cron: str, **values: Any) -> Block:
    target = {"arn": f"arn:aws:scheduler:::aws-sdk:ec2:{verb}Instances", **values.pop("target", {})}
    return resource(
        f"aws_scheduler_schedule.{verb}",
        {"schedule_expression": cron, "target": [target], **values},
        unknown={"target": [{"input": True}]},
        expressions={"target": [{"arn": {"constant_value": target["arn"]}, "input": ref("aws_instance.vm.id")}]},
    )


START, STOP = "cron(0 8 ? * MON-FRI *)", "cron(0 20 ? * MON-FRI *)"


def test_a_scheduler_starts_and_stops_an_instance(tmp_path: Path) -> None:
    side = after(aws(instance(), scheduler("start", START), scheduler("stop", STOP)), tmp_path)
    assert near(side.pools[0].hours_per_month, DAY)
    assert near(amounts(side, "compute")[0], DAY * Decimal("1.006"))
    assert amounts(side) == [Decimal("0.80")]
    # it may be started by hand
    assert near(side.monthly.max, HOURS * Decimal("1.006") + Decimal("0.8"))


def test_an_instance_that_exists_is_known_by_its_id(tmp_path: Path) -> None:
    machine = {"id": "i-1", "instance_type": "g5.xlarge", "ami": "ami-1"}
    blocks = [resource("aws_instance.vm", machine, before=machine)]
    for verb, cron in (("start", START), ("stop", STOP)):
        target = {"arn": f"arn:aws:scheduler:::aws-sdk:ec2:{verb}Instances", "input": json.dumps({"InstanceIds": ["i-0", "i-1"]})}  # fmt: skip
        own = {"schedule_expression": cron, "target": [target]}
        blocks.append(resource(f"aws_scheduler_schedule.{verb}", own, before=own))
    assert near(after(aws(*blocks), tmp_path).pools[0].hours_per_month, DAY)


def rule(verb: str, cron: str, **values: Any) -> list[Block]:
    document = f"arn:aws:ssm:us-east-1::automation-definition/AWS-{verb}EC2Instance:$DEFAULT"
    return [
        resource(f"aws_cloudwatch_event_rule.{verb}", {"name": verb, "schedule_expression": cron, **values}),
        resource(
            f"aws_cloudwatch_event_target.{verb}",
            {"rule": verb, "arn": document},
            unknown={"input": True},
            expressions={
                "input": ref("aws_instance.vm.id"),
                "rule": ref(f"aws_cloudwatch_event_rule.{verb}.name"),
            },
        ),
    ]


def test_rules_that_run_automations_start_and_stop_an_instance(tmp_path: Path) -> None:
    side = after(aws(instance(), *rule("Start", START), *rule("Stop", STOP)), tmp_path)
    assert near(side.pools[0].hours_per_month, DAY)


@pytest.mark.parametrize(
    "blocks",
    [
        pytest.param([scheduler("stop", STOP)], id="only stopped"),
        pytest.param([scheduler("start", START)], id="only started"),
        pytest.param([scheduler("start", START), scheduler("stop", STOP, state="DISABLED")], id="a disabled schedule"),
        pytest.param([scheduler("start", START), scheduler("stop", "rate(1 day)")], id="a rate"),
        pytest.param([scheduler("start", START), scheduler("stop", "at(2027-01-01T00:00:00)")], id="one moment"),
        pytest.param([scheduler("reboot", START), scheduler("monitor", STOP)], id="other calls"),
        pytest.param([*rule("Start", START), *rule("Stop", STOP, state="DISABLED")], id="a disabled rule"),
        pytest.param([*rule("Start", START), *rule("Stop", STOP, is_enabled=False)], id="a rule that is not enabled"),
        pytest.param([*rule("Restart", START), *rule("Resize", STOP)], id="other automations"),
    ],
)
def test_what_does_not_plainly_stop_it_leaves_it_running(blocks: list[Block], tmp_path: Path) -> None:
    assert after(aws(instance(), *blocks), tmp_path).pools[0].hours_per_month == 730


def test_a_stopped_instance_is_billed_for_its_disks(tmp_path: Path) -> None:
    stopped = resource(
        "aws_ec2_instance_state.s", {"state": "stopped"}, unknown={"instance_id": True},
        expressions={"instance_id": ref("aws_instance.vm.id")},
    )  # fmt: skip
    result = report(aws(instance(), stopped), tmp_path)
    side = result.resources[0].after
    assert side is not None
    assert side.monthly.expected == side.monthly.max == Decimal("0.80")
    assert "stopped" in codes(result)


def test_a_running_instance_stays_as_it_is(tmp_path: Path) -> None:
    running = resource(
        "aws_ec2_instance_state.s", {"state": "running"}, unknown={"instance_id": True},
        expressions={"instance_id": ref("aws_instance.vm.id")},
    )  # fmt: skip
    assert after(aws(instance(), running), tmp_path).pools[0].hours_per_month == 730


@pytest.mark.parametrize("junk", [5, "x", [1], {"a": [None]}, True, 1e308, -1, [[]], "{", "cron(", "* * * * *"])
def test_junk_raises_nothing(junk: Any, tmp_path: Path) -> None:
    for name in ("recurrence", "time_zone", "min_size", "max_size", "desired_capacity", "end_time", "autoscaling_group_name"):  # fmt: skip
        report(aws(template(), group(), action("up", **{**sizes(1, 1, 1), name: junk})), tmp_path)
    for name in ("schedule_expression", "schedule_expression_timezone", "state", "target"):
        own = {"schedule_expression": START, "target": [{"arn": "x", "input": "{}"}], name: junk}
        report(aws(instance(id="i-1"), resource("aws_scheduler_schedule.s", own)), tmp_path)
    for name in ("input", "arn", "rule"):
        own = {"input": json.dumps({"InstanceId": ["i-1"]}), "arn": "AWS-StopEC2Instance", "rule": "r", name: junk}
        report(aws(instance(id="i-1"), resource("aws_cloudwatch_event_target.t", own)), tmp_path)
    report(
        aws(instance(id="i-1"), resource("aws_ec2_instance_state.s", {"instance_id": junk, "state": junk})), tmp_path
    )
