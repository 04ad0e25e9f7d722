"""Google Cloud: schedules of instances and of autoscalers, and machines that run for a limited time.

Unit prices used here, us-central1 (the catalog's tables): g2-standard-4 0.706832 an hour, N1 vCPU 0.031611, N1 GiB 0.004237,
T4 0.35; pd-balanced 0.10.
"""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gpuguard.model.report import State
from tests.extract.plans import Block, Json, after, codes, const, found, plan, ref, report, resource

ZONE = "us-central1-a"
HOUR = Decimal("0.706832")
BOOT = [{"initialize_params": [{"image": "debian-cloud/debian-12", "size": 100, "type": "pd-balanced"}]}]


def policy(
    start: str | None = "0 8 * * 1-5", stop: str | None = "0 18 * * 1-5", name: str = "office", **values: Any
) -> Block:
    schedule: Json = {
        "time_zone": "Europe/Berlin",
        "vm_start_schedule": [{"schedule": start}] if start else [],
        "vm_stop_schedule": [{"schedule": stop}] if stop else [],
    }
    own = {"name": name, "region": "us-central1", "instance_schedule_policy": [schedule], **values}
    return resource(f"google_compute_resource_policy.{name}", own, unknown={"id": True, "self_link": True})


def instance(**values: Any) -> Block:
    own = {"name": "vm", "machine_type": "g2-standard-4", "zone": ZONE, "boot_disk": BOOT, **values}
    return resource(
        "google_compute_instance.vm",
        {**own, "resource_policies": [None]},
        unknown={"id": True, "resource_policies": [True]},
        expressions={"resource_policies": ref("google_compute_resource_policy.office.self_link")},
    )


def vm(document: Json, tmp_path: Path) -> State:
    side = found(document, tmp_path)["google_compute_instance.vm"].after
    assert side is not None
    return side


@pytest.mark.parametrize(
    ("start", "stop", "hours"),
    [
        pytest.param("0 8 * * 1-5", "0 18 * * 1-5", 217.2619, id="workdays"),
        pytest.param("0 8 * * *", "0 20 * * *", 365, id="every day"),
        pytest.param("0 8 * * MON", "0 18 * * FRI", 460.5952, id="from Monday to Friday"),
        pytest.param("0 20 * * *", "0 4 * * *", 243.3333, id="over midnight"),
    ],
)
def test_an_instance_schedule_tells_the_hours_and_never_the_disk(
    start: str, stop: str, hours: float, tmp_path: Path
) -> None:
    """Hours of the week × 730 ÷ 168; the maximum has the same hours; the disk is paid all month."""
    side = vm(plan(policy(start, stop), instance()), tmp_path)
    assert side.pools[0].hours_per_month == pytest.approx(hours, abs=0.001)
    storage = sum((each.monthly or Decimal(0) for each in side.components if each.kind == "storage"), Decimal(0))
    assert storage == 10
    assert side.monthly.max == side.monthly.expected
    assert side.monthly.expected is not None
    assert abs(side.monthly.expected - 10 - HOUR * Decimal(str(hours))) < Decimal("0.01")


def test_sustained_use_counts_the_hours_that_a_schedule_leaves(tmp_path: Path) -> None:
    """12 h a day: half a month, one quarter of it at 80 %, so 10 % off: (0.126444 + 0.06355 …) × 365 × 0.9."""
    block = instance(machine_type="n1-standard-4", guest_accelerator=[{"type": "nvidia-tesla-t4", "count": 1}])
    side = vm(plan(policy("0 8 * * *", "0 20 * * *"), block), tmp_path)
    base = (4 * Decimal("0.031611") + 15 * Decimal("0.004237") + Decimal("0.35")) * 365
    assert side.monthly.expected == base * Decimal("0.9") + 10


@pytest.mark.parametrize(
    ("document", "code"),
    [
        pytest.param([policy(start=None), instance()], "schedule-without-start", id="only a stop"),
        pytest.param([policy(stop=None), instance()], None, id="only a start"),
        pytest.param([policy("whenever"), instance()], "unread-schedule", id="no cron expression"),
        pytest.param([policy("* * * * *"), instance()], "unread-schedule", id="one that comes every minute"),
        pytest.param([policy("0 8 31 2 *"), instance()], "unread-schedule", id="a day that never comes"),
        pytest.param(
            [policy(instance_schedule_policy=[], snapshot_schedule_policy=[{}]), instance()], None, id="a snapshot schedule"
        ),
        pytest.param([policy(name="other"), resource("google_compute_instance.vm", {"machine_type": "g2-standard-4", "zone": ZONE, "boot_disk": BOOT})], None, id="a policy that nobody uses"),
    ],
)  # fmt: skip
def test_what_does_not_both_start_and_stop_counts_all_month(
    document: list[Block], code: str | None, tmp_path: Path
) -> None:
    """730 hours, and a word where the reader would expect fewer."""
    result = report(plan(*document), tmp_path)
    side = next(each.after for each in result.resources if each.type == "google_compute_instance")
    assert side is not None
    assert side.pools[0].hours_per_month == 730
    assert codes(result) == ({code} if code else set())


def test_a_policy_may_be_attached_from_outside(tmp_path: Path) -> None:
    """By the name of the instance and of the policy."""
    attachment = resource(
        "google_compute_resource_policy_attachment.a", {"name": "office", "instance": "vm", "zone": ZONE}
    )
    block = resource(
        "google_compute_instance.vm", {"name": "vm", "machine_type": "g2-standard-4", "zone": ZONE, "boot_disk": BOOT}
    )
    side = vm(plan(policy(), block, attachment), tmp_path)
    assert side.pools[0].hours_per_month == pytest.approx(217.2619, abs=0.001)


def test_a_schedule_goes_before_a_status(tmp_path: Path) -> None:
    """desired_status is what apply leaves; the schedule starts it in the morning."""
    side = vm(plan(policy(), instance(desired_status="TERMINATED")), tmp_path)
    assert side.pools[0].hours_per_month == pytest.approx(217.2619, abs=0.001)


def test_a_policy_by_its_known_link(tmp_path: Path) -> None:
    """As in a state."""
    link = "https://www.googleapis.com/compute/v1/projects/acme/regions/us-central1/resourcePolicies/office"
    held = resource(
        "google_compute_resource_policy.office",
        {
            "name": "office",
            "self_link": link,
            "instance_schedule_policy": [
                {
                    "time_zone": "UTC",
                    "vm_start_schedule": [{"schedule": "0 0 * * *"}],
                    "vm_stop_schedule": [{"schedule": "0 12 * * *"}],
                }
            ],
        },
    )
    block = resource(
        "google_compute_instance.vm",
        {"name": "vm", "machine_type": "g2-standard-4", "zone": ZONE, "resource_policies": [link]},
    )
    assert vm(plan(held, block), tmp_path).pools[0].hours_per_month == 365


# -- limited run time -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scheduling", "hours", "once"),
    [
        pytest.param({"instance_termination_action": "DELETE"}, 24, "16.963968", id="deleted at the end"),
        pytest.param({"instance_termination_action": "STOP"}, 730, None, id="only stopped"),
        pytest.param({}, 730, None, id="nothing says what then happens"),
        pytest.param({"provisioning_model": "FLEX_START"}, 24, "unknown", id="flex start"),
    ],
)
def test_a_run_time_is_paid_once_where_the_machine_ends_with_it(
    scheduling: Json, hours: float, once: str | None, tmp_path: Path
) -> None:
    """24 × 0.706832."""
    limit = {"max_run_duration": [{"seconds": 86400, "nanos": 0}], **scheduling}
    block = resource(
        "google_compute_instance.vm", {"machine_type": "g2-standard-4", "zone": ZONE, "scheduling": [limit]}
    )
    result = report(plan(block), tmp_path)
    side = result.resources[0].after
    assert side is not None
    assert side.pools[0].hours_per_month == hours
    assert "limited-run" in codes(result)
    if once != "unknown":
        assert side.one_time == (None if once is None else Decimal(once))


def test_hours_that_are_no_whole_number_are_told_shortly(tmp_path: Path) -> None:
    limit = {"max_run_duration": [{"seconds": 5000, "nanos": 0}], "instance_termination_action": "DELETE"}
    block = resource(
        "google_compute_instance.vm", {"machine_type": "g2-standard-4", "zone": ZONE, "scheduling": [limit]}
    )
    told = [each.message for each in report(plan(block), tmp_path).diagnostics if each.code == "limited-run"]
    assert told == ["it runs for at most 1.39 hours: paid once"]


# -- scaling schedules ----------------------------------------------------------------------------------------------------


def group(schedules: list[Json], low: int = 0, high: int = 8, mode: str = "ON", **values: Any) -> list[Block]:
    template = resource(
        "google_compute_instance_template.t",
        {"machine_type": "g2-standard-4"},
        unknown={"id": True, "self_link": True},
    )
    managed = resource(
        "google_compute_instance_group_manager.g",
        {"name": "g", "zone": ZONE, "version": [{}], **values},
        unknown={"id": True, "self_link": True, "version": [{"instance_template": True}]},
        expressions={"version": [{"instance_template": ref("google_compute_instance_template.t.self_link")}]},
    )
    scaler = resource(
        "google_compute_autoscaler.a",
        {
            "autoscaling_policy": [
                {"min_replicas": low, "max_replicas": high, "mode": mode, "scaling_schedules": schedules}
            ]
        },
        unknown={"target": True},
        expressions={"target": ref("google_compute_instance_group_manager.g.self_link")},
    )
    return [template, managed, scaler]


def span(size: Any, cron: Any = "0 8 * * *", seconds: Any = 28800, **values: Any) -> Json:
    return {
        "name": "s",
        "min_required_replicas": size,
        "schedule": cron,
        "duration_sec": seconds,
        "time_zone": "UTC",
        **values,
    }


@pytest.mark.parametrize(
    ("schedules", "low", "expected", "hours"),
    [
        pytest.param([span(4)], 0, 4, 243.3333, id="eight hours a day"),
        pytest.param([span(4)], 1, 4, 365, id="beside one that always runs: (730 + 3 × 243.33) ÷ 4"),
        pytest.param([span(2), span(4, "0 20 * * *", 14400)], 0, 4, 243.3333, id="two that follow: (2 × 8 + 4 × 4) ÷ 24"),
        pytest.param([span(2), span(4, "0 8 * * *", 14400)], 0, 4, 182.5, id="of two at once the larger: (4 × 4 + 2 × 4) ÷ 24"),
        pytest.param([span(20)], 0, 8, 243.3333, id="never above the maximum"),
        pytest.param([span(3, disabled=True)], 1, 1, 730, id="one that is disabled"),
        pytest.param([span(1)], 2, 2, 730, id="one below the minimum"),
        pytest.param([span(0)], 0, 0, 730, id="one that asks for nothing"),
        pytest.param([span(4, "0 8 * * 1-5", 36000)], 0, 4, 217.2619, id="workdays"),
        pytest.param([span(4, "0 0 * * *", 86400)], 0, 4, 730, id="all day"),
    ],
)  # fmt: skip
def test_scaling_schedules_give_the_largest_size_and_its_hours(
    schedules: list[Json], low: int, expected: int, hours: float, tmp_path: Path
) -> None:
    """Machine hours of a month ÷ the largest size; the maximum may be reached all month."""
    side = after(plan(*group(schedules, low)), tmp_path)
    pool = side.pools[0]
    assert (pool.units.min, pool.units.expected, pool.units.max) == (low, expected, 8)
    assert pool.hours_per_month == pytest.approx(hours, abs=0.001)
    assert side.monthly.max == 8 * 730 * HOUR


@pytest.mark.parametrize(
    ("schedules", "mode", "code"),
    [
        pytest.param([span(4, "soon")], "ON", "unread-schedule", id="no cron expression"),
        pytest.param([span(4, seconds=None)], "ON", "unread-schedule", id="no duration"),
        pytest.param([span(4)], "ONLY_SCALE_OUT", "schedule-without-end", id="an autoscaler that never scales in"),
        pytest.param([span(4)], "ONLY_UP", "schedule-without-end", id="the same by its old name"),
    ],
)
def test_a_schedule_whose_end_is_not_known_counts_all_month(
    schedules: list[Json], mode: str, code: str, tmp_path: Path
) -> None:
    """Four machines for 730 hours, and why."""
    result = report(plan(*group(schedules, mode=mode)), tmp_path)
    side = result.resources[0].after
    assert side is not None
    assert (side.pools[0].units.expected, side.pools[0].hours_per_month) == (4, 730)
    assert code in codes(result)


def test_a_schedule_of_an_autoscaler_that_is_off_counts_for_nothing(tmp_path: Path) -> None:
    """mode OFF: the group's own size."""
    side = after(plan(*group([span(4)], mode="OFF", target_size=1)), tmp_path)
    assert (side.pools[0].units.expected, side.pools[0].hours_per_month) == (1, 730)


def test_a_size_that_only_apply_can_tell_stays_unknown(tmp_path: Path) -> None:
    """No schedule is counted on it."""
    number = resource("random_integer.n", {}, unknown={"result": True})
    template, managed, scaler = group([span(4)])
    managed = resource(
        managed.address,
        managed.after,
        unknown={**managed.unknown, "target_size": True},
        expressions={**managed.expressions, "target_size": ref("random_integer.n.result")},
    )
    side = found(plan(number, template, managed, scaler), tmp_path)[managed.address].after
    assert side is not None
    assert side.pools[0].units.expected is None


def test_the_time_zone_of_several_schedules_counts(tmp_path: Path) -> None:
    """8 to 16 in Berlin and 8 to 16 in UTC overlap by seven hours in January: nine hours together."""
    schedules = [span(4, time_zone="Europe/Berlin"), span(4)]
    side = after(plan(*group(schedules), providers={"google": {"zone": const(ZONE)}}), tmp_path)
    assert side.pools[0].hours_per_month == pytest.approx(9 * 730 / 24, abs=0.001)
