"""Workbench, notebooks, Colab Enterprise and Cloud Workstations: what is read of their machines, disks and states.

Unit prices used here, us-central1 on demand: N1 vCPU 0.031611 and GiB 0.004237 an hour, T4 0.35, g2-standard-8 0.853624,
a public address 0.005; pd-balanced 0.10, pd-ssd 0.17, pd-standard 0.04 a GiB and month. N1 and its GPUs cost 30 % less at
a full month.
"""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gpuguard.model.report import State
from tests.extract.plans import Block, Json, after, codes, found, plan, ref, report, resource

ZONE = "us-central1-a"
T4 = [{"type": "NVIDIA_TESLA_T4", "core_count": "1"}]
WORKSTATION_FEE = 730 * 8 * Decimal("0.05")
N1_WITH_T4 = 730 * (8 * Decimal("0.031611") + 30 * Decimal("0.004237") + Decimal("0.35")) * Decimal("0.7")
DISKS = 150 * Decimal("0.10") + 100 * Decimal("0.10")


def workbench(unknown: Json | None = None, expressions: Json | None = None, **values: Any) -> Block:
    state_ = {"desired_state": values.pop("desired_state")} if "desired_state" in values else {}
    setup = {"machine_type": "n1-standard-8", "accelerator_configs": T4, "disable_public_ip": True, **values}
    own = {"name": "w", "location": ZONE, "gce_setup": [setup], **state_}
    return resource("google_workbench_instance.w", own, unknown=unknown, expressions=expressions)


def units(side: State, pool: int = 0) -> tuple[float | None, ...]:
    size = side.pools[pool].units
    return size.min, size.expected, size.max


def amount(side: State, kind: str) -> Decimal:
    return sum((each.monthly or Decimal(0) for each in side.components if each.kind == kind), Decimal(0))


# -- Workbench ------------------------------------------------------------------------------------------------------------


def test_an_instance_costs_its_machine_its_gpu_and_two_disks(tmp_path: Path) -> None:
    side = after(plan(workbench()), tmp_path)
    assert side.region == "us-central1"
    assert side.monthly.expected == N1_WITH_T4 + DISKS
    assert side.gpus.expected == 1


@pytest.mark.parametrize(
    ("values", "storage"),
    [
        pytest.param({}, DISKS, id="150 and 100 GiB where nothing is written"),
        pytest.param({"boot_disk": [{"disk_size_gb": "200", "disk_type": "PD_SSD"}]}, Decimal(44), id="a boot disk"),
        pytest.param({"data_disks": [{"disk_size_gb": "500"}]}, Decimal(65), id="a data disk without a type"),
        pytest.param(
            {"data_disks": [{"disk_size_gb": 500, "disk_type": "PD_STANDARD"}]}, Decimal(35), id="a cheap data disk"
        ),
        pytest.param(
            {"boot_disk": [{"disk_size_gb": None, "disk_type": "DISK_TYPE_UNSPECIFIED"}]}, DISKS, id="no type chosen"
        ),
    ],
)
def test_disks_have_the_sizes_and_types_that_are_written(values: Json, storage: Decimal, tmp_path: Path) -> None:
    assert amount(after(plan(workbench(**values)), tmp_path), "storage") == storage


def test_a_public_address_is_there_unless_it_is_turned_off(tmp_path: Path) -> None:
    side = after(plan(workbench(disable_public_ip=None)), tmp_path)
    assert amount(side, "network") == 730 * Decimal("0.005")


def test_a_machine_type_that_brings_its_gpu_is_not_billed_for_it_twice(tmp_path: Path) -> None:
    accelerators = [{"type": "NVIDIA_L4", "core_count": "1"}]
    side = after(plan(workbench(machine_type="g2-standard-8", accelerator_configs=accelerators)), tmp_path)
    assert side.gpus.expected == 1
    assert amount(side, "compute") == 730 * Decimal("0.853624")


def test_a_gpu_without_a_machine_type_runs_on_the_default_machine(tmp_path: Path) -> None:
    assert after(plan(workbench(machine_type=None)), tmp_path).pools[0].sku == "n1-standard-4"


def test_a_stopped_instance_costs_its_disks_alone(tmp_path: Path) -> None:
    result = report(plan(workbench(desired_state="STOPPED")), tmp_path)
    side = result.resources[0].after
    assert side is not None
    assert (side.monthly.expected, side.monthly.max) == (DISKS, DISKS)
    assert side.pools[0].hours_per_month == 0
    assert "stopped-instance" in codes(result)


def test_what_stops_an_idle_instance_is_told_and_not_counted(tmp_path: Path) -> None:
    result = report(plan(workbench(metadata={"idle-timeout-seconds": "10800"})), tmp_path)
    assert "idle-shutdown" in codes(result)
    assert result.resources[0].after is not None
    assert result.resources[0].after.pools[0].hours_per_month == 730


def test_a_virtual_workstation_has_its_licence(tmp_path: Path) -> None:
    side = after(plan(workbench(accelerator_configs=[{"type": "NVIDIA_TESLA_T4_VWS", "core_count": 2}])), tmp_path)
    assert side.pools[0].gpu is not None
    assert side.pools[0].gpu.model == "T4"
    assert [each.sku for each in side.components if each.kind == "license"] == ["rtx-vws"]


def test_an_instance_in_a_reservation_of_the_change_costs_nothing_itself(tmp_path: Path) -> None:
    reserved = resource(
        "google_compute_reservation.r",
        {
            "name": "gpu",
            "zone": ZONE,
            "specific_reservation": [
                {
                    "count": 1,
                    "instance_properties": [
                        {
                            "machine_type": "n1-standard-8",
                            "guest_accelerators": [{"accelerator_type": "nvidia-tesla-t4", "accelerator_count": 1}],
                        }
                    ],
                }
            ],
        },
    )
    affinity = [{"consume_reservation_type": "RESERVATION_SPECIFIC", "values": ["gpu"]}]
    each = found(plan(workbench(reservation_affinity=affinity), reserved), tmp_path)
    side = each["google_workbench_instance.w"].after
    assert side is not None
    assert side.pools[0].covered_by == "google_compute_reservation.r"
    assert side.monthly.expected == 0
    assert side.gpus.expected == 0


def test_any_reservation_covers_nothing(tmp_path: Path) -> None:
    block = workbench(reservation_affinity=[{"consume_reservation_type": "RESERVATION_ANY"}])
    assert after(plan(block), tmp_path).pools[0].covered_by is None


@pytest.mark.parametrize(
    ("values", "code"),
    [
        pytest.param({"machine_type": None}, "unknown-machine-type", id="the machine type"),
        pytest.param({"accelerator_configs": [{"core_count": "1"}]}, "unknown-accelerator", id="the type of the GPU"),
    ],
)
def test_what_only_apply_can_tell_is_an_unknown_gpu(values: Json, code: str, tmp_path: Path) -> None:
    block = workbench(
        **values,
        unknown={"gce_setup": [{"machine_type": True, "accelerator_configs": [{"type": True}]}]},
        expressions={
            "gce_setup": [
                {
                    "machine_type": ref("google_thing.x.machine"),
                    "accelerator_configs": [{"type": ref("google_thing.x.gpu")}],
                }
            ]
        },
    )
    other = resource("google_thing.x", {}, unknown={"machine": True, "gpu": True})
    result = report(plan(block, other), tmp_path)
    assert code in codes(result)
    assert result.summary.unknown == 1


def test_the_machine_type_is_found_behind_a_reference(tmp_path: Path) -> None:
    block = workbench(
        machine_type=None,
        unknown={"gce_setup": [{"machine_type": True}]},
        expressions={"gce_setup": [{"machine_type": ref("terraform_data.sizes.output")}]},
    )
    sizes = resource("terraform_data.sizes", {"input": "n1-standard-8"}, unknown={"output": True})
    assert after(plan(block, sizes), tmp_path).monthly.expected == N1_WITH_T4 + DISKS


# -- before Workbench -----------------------------------------------------------------------------------------------------


def test_a_user_managed_notebook_is_a_machine_with_two_disks(tmp_path: Path) -> None:
    own = {
        "location": ZONE,
        "machine_type": "n1-standard-8",
        "accelerator_config": [{"type": "NVIDIA_TESLA_T4", "core_count": 1}],
        "boot_disk_type": "PD_SSD",
        "boot_disk_size_gb": 110,
        "no_public_ip": True,
    }
    side = after(plan(resource("google_notebooks_instance.n", own)), tmp_path)
    assert side.monthly.expected == N1_WITH_T4 + 110 * Decimal("0.17") + 100 * Decimal("0.10")


def test_a_managed_notebook_has_a_data_disk(tmp_path: Path) -> None:
    disk = [{"initialize_params": [{"disk_size_gb": 200, "disk_type": "PD_STANDARD"}]}]
    config = {
        "machine_type": "n1-standard-8",
        "accelerator_config": [{"type": "NVIDIA_TESLA_T4", "core_count": 1}],
        "data_disk": disk,
    }
    own = {"location": "us-central1", "virtual_machine": [{"virtual_machine_config": [config]}]}
    result = report(plan(resource("google_notebooks_runtime.r", own)), tmp_path)
    assert result.summary.monthly_after == N1_WITH_T4 + 200 * Decimal("0.04")
    assert "idle-shutdown" in codes(result)


# -- Colab Enterprise -----------------------------------------------------------------------------------------------------

TEMPLATE = {"location": "us-central1", "machine_spec": [{"machine_type": "n1-standard-4", "accelerator_type": "NVIDIA_TESLA_T4"}]}  # fmt: skip


def template(name: str = "t", unknown: Json | None = None, **values: Any) -> Block:
    own = {**TEMPLATE, "display_name": name, **values}
    return resource(f"google_colab_runtime_template.{name}", own, unknown={"id": True, **(unknown or {})})


def runtime(target: str = "google_colab_runtime_template.t.id", **values: Any) -> Block:
    return resource(
        "google_colab_runtime.r",
        {"location": "us-central1", "notebook_runtime_template_ref": [{}], **values},
        unknown={"notebook_runtime_template_ref": [{"notebook_runtime_template": True}]},
        expressions={"notebook_runtime_template_ref": [{"notebook_runtime_template": ref(target)}]},
    )


def test_a_runtime_runs_the_machine_of_its_template(tmp_path: Path) -> None:
    result = report(plan(template(), runtime()), tmp_path)
    each = result.resources[0]
    assert each.via == ("google_colab_runtime_template.t",)
    assert each.after is not None
    assert (each.after.pools[0].sku, units(each.after)) == ("n1-standard-4", (1, 1, 1))
    assert each.after.gpus.expected == 1
    assert {"unpriced", "service-price"} <= codes(result)  # Colab Enterprise has prices of its own


def test_a_stopped_runtime_runs_no_hour(tmp_path: Path) -> None:
    side = after(plan(template(), runtime(desired_state="STOPPED")), tmp_path)
    assert side.pools[0].hours_per_month == 0


def test_a_template_by_itself_costs_nothing(tmp_path: Path) -> None:
    result = report(plan(template(), template("cpu", machine_spec=[{"machine_type": "e2-standard-4"}])), tmp_path)
    assert not result.resources
    assert [each.address for each in result.diagnostics] == ["google_colab_runtime_template.t"]
    assert codes(result) == {"unused-template"}


def test_a_template_outside_the_plan_leaves_the_machine_unknown(tmp_path: Path) -> None:
    own = {
        "location": "us-central1",
        "notebook_runtime_template_ref": [{"notebook_runtime_template": "projects/p/t/1"}],
    }
    assert "unknown-machine-type" in codes(report(plan(resource("google_colab_runtime.r", own)), tmp_path))


def execution(**values: Any) -> Block:
    own = {"location": "us-central1", "notebook_runtime_template_resource_name": None, **values}
    return resource(
        "google_colab_notebook_execution.e",
        own,
        unknown={"notebook_runtime_template_resource_name": True},
        expressions={"notebook_runtime_template_resource_name": ref("google_colab_runtime_template.t.id")},
    )


@pytest.mark.parametrize(("timeout", "hours"), [("7200s", 2), (None, 24), ("junk", 24), ("99999999s", 730)])
def test_an_execution_counts_once_with_its_timeout(timeout: str | None, hours: int, tmp_path: Path) -> None:
    side = after(plan(template(), execution(execution_timeout=timeout)), tmp_path)
    assert (units(side), side.pools[0].hours_per_month) == ((1, 1, 1), hours)


def test_an_execution_may_bring_its_own_machine(tmp_path: Path) -> None:
    own = [{"machine_spec": [{"machine_type": "g2-standard-8"}]}]
    block = resource("google_colab_notebook_execution.e", {"location": "us-central1", "custom_environment_spec": own})
    assert after(plan(block), tmp_path).pools[0].sku == "g2-standard-8"


def schedule(cron: object = "0 3 * * *", **values: Any) -> Block:
    job = {"execution_timeout": values.pop("timeout", "14400s"), "notebook_runtime_template_resource_name": "t"}
    own = {
        "location": "us-central1",
        "cron": cron,
        "max_concurrent_run_count": "2",
        "create_notebook_execution_job_request": [{"notebook_execution_job": [job]}],
        **values,
    }
    return resource("google_colab_schedule.s", own)


@pytest.mark.parametrize(
    ("block", "size", "hours"),
    [
        pytest.param(schedule(), (0, 1, 2), Decimal(4 * 7) * 730 / 168, id="four hours every night"),
        pytest.param(
            schedule("TZ=Europe/Paris 0 3 * * 1"), (0, 1, 2), Decimal(4) * 730 / 168, id="on Mondays, with a zone"
        ),
        pytest.param(schedule(timeout=None), (0, 0, 2), Decimal(730), id="a run that may last as long as it likes"),
        pytest.param(schedule("whenever"), (0, 0, 2), Decimal(730), id="an unreadable time"),
    ],
)
def test_a_schedule_runs_for_the_timeout_of_its_runs(
    block: Block, size: tuple[int, ...], hours: Decimal, tmp_path: Path
) -> None:
    side = after(plan(named(), block), tmp_path)
    assert units(side) == size
    assert side.pools[0].hours_per_month == pytest.approx(float(hours))


def named() -> Block:
    return resource("google_colab_runtime_template.t", {**TEMPLATE, "id": "t", "name": "t"})


def test_a_paused_schedule_starts_nothing(tmp_path: Path) -> None:
    result = report(plan(named(), schedule(desired_state="PAUSED")), tmp_path)
    assert "stopped-instance" in codes(result)


# -- Cloud Workstations ---------------------------------------------------------------------------------------------------


def config(name: str = "gpu", **host: Any) -> Block:
    instance = {
        "machine_type": "n1-standard-8",
        "accelerators": [{"type": "nvidia-tesla-t4", "count": 1}],
        "disable_public_ip_addresses": True,
        **host,
    }
    own = {"workstation_config_id": name, "location": "us-central1", "host": [{"gce_instance": [instance]}]}
    return resource(f"google_workstations_workstation_config.{name}", own)


def workstation(config_id: str = "gpu") -> Block:
    own = {"workstation_id": "w", "workstation_config_id": config_id, "location": "us-central1"}
    return resource("google_workstations_workstation.w", own)


def test_a_configuration_costs_the_machines_it_keeps_ready(tmp_path: Path) -> None:
    result = report(plan(config(pool_size=2)), tmp_path)
    side = result.resources[0].after
    assert side is not None
    assert units(side) == (2, 2, None)
    assert side.monthly.expected == 2 * (N1_WITH_T4 + WORKSTATION_FEE)
    assert "unbounded-workstations" in codes(result)


def test_boosts_are_machines_that_a_user_may_choose(tmp_path: Path) -> None:
    boosts = [
        {"id": "large", "machine_type": "g2-standard-12", "pool_size": 1},
        {"id": "cpu", "machine_type": "n2-standard-8"},
    ]
    side = after(plan(config(boost_configs=boosts)), tmp_path)
    assert [each.sku for each in side.pools] == ["n1-standard-8", "g2-standard-12"]
    assert units(side, 1) == (1, 1, None)


def test_a_workstation_runs_when_its_user_starts_it(tmp_path: Path) -> None:
    each = found(plan(config(), workstation()), tmp_path)["google_workstations_workstation.w"]
    assert each.via == ("google_workstations_workstation_config.gpu",)
    assert each.after is not None
    assert units(each.after) == (0, 0, 1)
    assert each.after.monthly.expected == 0
    assert each.after.monthly.max == N1_WITH_T4 + WORKSTATION_FEE


# -- what stays quiet -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "blocks",
    [
        pytest.param([workbench(machine_type="e2-standard-4", accelerator_configs=[])], id="a machine without a GPU"),
        pytest.param([workbench(accelerator_configs=[])], id="an N1 machine without a GPU"),
        pytest.param([workbench(accelerator_configs=[{"type": "NVIDIA_TESLA_T4", "core_count": 0}])], id="no GPU by number"),
        pytest.param(
            [workbench(accelerator_configs=[{"type": "ACCELERATOR_TYPE_UNSPECIFIED", "core_count": 1}])], id="no type of GPU"
        ),
        pytest.param([resource("google_workbench_instance.w", {"location": ZONE, "gce_setup": []})], id="no machine at all"),
        pytest.param([resource("google_notebooks_instance.n", {"location": ZONE, "machine_type": "e2-medium"})], id="a plain notebook"),
        pytest.param([resource("google_notebooks_runtime.r", {"location": "us-central1"})], id="a runtime without a machine"),
        pytest.param([resource("google_notebooks_environment.e", {"location": ZONE})], id="an environment"),
        pytest.param([config(machine_type="e2-standard-4", accelerators=[]), workstation()], id="workstations without a GPU"),
        pytest.param([workstation("elsewhere")], id="a workstation whose configuration is not in the plan"),
        pytest.param(
            [resource("google_colab_notebook_execution.e", {"location": "us-central1", "custom_environment_spec": [{"machine_spec": [{"machine_type": "e2-standard-4"}]}]})],
            id="an execution without a GPU",
        ),
        pytest.param([resource("google_workstations_workstation_cluster.c", {"location": "us-central1"})], id="a cluster"),
    ],
)  # fmt: skip
def test_what_has_no_gpu_is_not_reported(blocks: list[Block], tmp_path: Path) -> None:
    result = report(plan(*blocks), tmp_path)
    assert not result.resources
    assert not codes(result)


# -- odd values and both sides --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("odd", [7, True, [], {}, "", "x" * 5000, [[[]]], {"a": {"b": []}}, 1e308, -1, [None], None])
def test_odd_values_raise_nothing(odd: object, tmp_path: Path) -> None:
    blocks = [
        resource("google_workbench_instance.w", {"location": odd, "gce_setup": odd, "desired_state": odd}),
        workbench(accelerator_configs=odd, boot_disk=odd, data_disks=odd, metadata=odd, reservation_affinity=odd),
        workbench(machine_type=odd, accelerator_configs=[{"type": odd, "core_count": odd}]),
        workbench(boot_disk=[{"disk_size_gb": odd, "disk_type": odd}], metadata={"idle-timeout-seconds": odd}),
        workbench(reservation_affinity=[{"consume_reservation_type": "SPECIFIC_RESERVATION", "values": odd}]),
        resource("google_notebooks_instance.n", {"location": ZONE, "machine_type": odd, "accelerator_config": odd}),
        resource("google_notebooks_runtime.r", {"virtual_machine": odd, "software_config": odd}),
        template(machine_spec=odd),
        runtime(notebook_runtime_template_ref=odd, desired_state=odd),
        execution(execution_timeout=odd, custom_environment_spec=odd),
        schedule(odd, max_concurrent_run_count=odd),
        resource("google_colab_schedule.s", {"create_notebook_execution_job_request": odd, "cron": odd}),
        resource("google_workstations_workstation_config.c", {"host": odd, "idle_timeout": odd}),
        config(machine_type=odd, accelerators=odd, pool_size=odd, boost_configs=odd),
        resource("google_workstations_workstation.w", {"workstation_config_id": odd}),
    ]
    for block in blocks:
        report(plan(block), tmp_path)


def test_a_number_where_a_text_is_expected_is_told(tmp_path: Path) -> None:
    result = report(plan(workbench(machine_type=7)), tmp_path)
    assert {"unreadable-value", "unknown-machine-type"} <= codes(result)


def test_a_replacement_has_both_machines(tmp_path: Path) -> None:
    old = {"location": ZONE, "gce_setup": [{"machine_type": "g2-standard-8", "disable_public_ip": True}]}
    new = {"location": ZONE, "gce_setup": [{"machine_type": "n1-standard-8", "accelerator_configs": T4, "disable_public_ip": True}]}  # fmt: skip
    document = plan(resource("google_workbench_instance.w", new, before=old, action="delete+create"))
    each = found(document, tmp_path)["google_workbench_instance.w"]
    assert each.action == "replace"
    assert each.before is not None
    assert each.before.monthly.expected == 730 * Decimal("0.853624") + DISKS
    assert each.after is not None
    assert each.after.monthly.expected == N1_WITH_T4 + DISKS
