"""Container Apps with GPUs, and Container Instances, which have none any more.

Unit prices used here, East US (the catalog's tables), an hour: T4 0.2628, vCPU 0.0864, GiB 0.0108.
"""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gpuguard.model.report import State
from tests.extract.plans import Block, Json, after, codes, found, plan, ref, report, resource

T4 = "Consumption-GPU-NC8as-T4"
REPLICA = Decimal("0.2628") + 8 * Decimal("0.0864") + 56 * Decimal("0.0108")
"""One T4 with all that the profile can give a replica, an hour."""


def environment(*profiles: Json, **values: Any) -> Block:
    own = {"name": "apps", "location": "eastus", "workload_profile": list(profiles), **values}
    return resource("azurerm_container_app_environment.e", own, unknown={"id": True})


def profile(name: str, type_: object, low: object = None, high: object = None) -> Json:
    return {"name": name, "workload_profile_type": type_, "minimum_count": low, "maximum_count": high}


def container(cpu: object = 8, memory: object = "56Gi") -> Json:
    return {"name": "c", "image": "example/c", "cpu": cpu, "memory": memory}


def app(*containers: Json, low: object = 1, high: object = 1, name: object = "gpu", **values: Any) -> Block:
    template = {"min_replicas": low, "max_replicas": high, "container": list(containers) or [container()]}
    return resource(
        "azurerm_container_app.a",
        {"name": "a", "workload_profile_name": name, "template": [template], **values},
        unknown={"id": True, "location": True, "container_app_environment_id": True},
        expressions={"container_app_environment_id": ref("azurerm_container_app_environment.e.id")},
    )


def job(trigger: Json, **values: Any) -> Block:
    own = {"workload_profile_name": "gpu", "template": [{"container": [container()]}], "location": "eastus"}
    return resource(
        "azurerm_container_app_job.j",
        {**own, "replica_timeout_in_seconds": 3600, **trigger, **values},
        unknown={"id": True, "container_app_environment_id": True},
        expressions={"container_app_environment_id": ref("azurerm_container_app_environment.e.id")},
    )


SERVERLESS = environment(profile("Consumption", "Consumption"), profile("gpu", T4))


def sizes(side: State) -> tuple[float | None, ...]:
    units = side.pools[0].units
    return units.min, units.expected, units.max


@pytest.mark.parametrize(
    ("containers", "hourly"),
    [
        pytest.param([container()], REPLICA, id="a whole replica"),
        pytest.param(
            [container(2, "4Gi")], Decimal("0.2628") + 2 * Decimal("0.0864") + 4 * Decimal("0.0108"), id="less"
        ),
        pytest.param(
            [container(4, "8Gi"), container("0.5", "512Mi")],
            Decimal("0.2628") + Decimal("4.5") * Decimal("0.0864") + Decimal("8.5") * Decimal("0.0108"),
            id="two containers share the GPU",
        ),
        pytest.param([container(None, None)], REPLICA, id="nothing said: what the profile can give"),
        pytest.param([container([1], {"a": 1})], REPLICA, id="amounts of a wrong type"),
    ],
)
def test_a_replica_is_billed_for_its_gpu_and_its_containers(
    containers: list[Json], hourly: Decimal, tmp_path: Path
) -> None:
    """GPU apps are always billed at the active rate."""
    side = after(plan(app(*containers), SERVERLESS), tmp_path)
    assert (side.region, side.gpus.expected) == ("eastus", 1)
    assert side.monthly.expected == hourly * 730


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0, 3, (0, 0, 3)), (2, 5, (2, 2, 5)), (None, None, (0, 0, 10)), ("1", "2", (1, 1, 2))],
)
def test_replicas(low: object, high: object, expected: tuple[int, ...], tmp_path: Path) -> None:
    """Without bounds an app has none to ten replicas."""
    assert sizes(after(plan(app(low=low, high=high), SERVERLESS), tmp_path)) == expected


@pytest.mark.parametrize("type_", ["NC24-A100", "nc24-a100"])
def test_nodes_of_a_dedicated_profile_belong_to_the_environment(type_: str, tmp_path: Path) -> None:
    """What runs on them is not billed again; they have no price here, which is told."""
    entries = found(plan(app(), environment(profile("gpu", type_, 1, 3))), tmp_path)
    assert list(entries) == ["azurerm_container_app_environment.e"]
    side = entries["azurerm_container_app_environment.e"].after
    assert side is not None
    assert (sizes(side), side.gpus.max, side.monthly.expected) == ((1, 1, 3), 3, None)


@pytest.mark.parametrize(("type_", "gpus"), [("NC24-A100", 1), ("NC48-A100", 2), ("NC96-A100", 4)])
def test_gpus_of_dedicated_nodes(type_: str, gpus: int, tmp_path: Path) -> None:
    assert after(plan(environment(profile("gpu", type_, 1, 1))), tmp_path).gpus.expected == gpus


DAILY = {"schedule_trigger_config": [{"cron_expression": "0 2 * * *", "parallelism": 2}]}


@pytest.mark.parametrize(
    ("trigger", "expected", "max_hours"),
    [
        pytest.param(DAILY, (0, 0, 2), Decimal(730) / 24, id="an hour every night at most"),
        pytest.param({"manual_trigger_config": [{"parallelism": 3}]}, (0, 0, 3), Decimal(730), id="by hand"),
        pytest.param({}, (0, 0, 1), Decimal(730), id="no trigger"),
        pytest.param(
            {"event_trigger_config": [{"parallelism": 2, "scale": [{"min_executions": 1, "max_executions": 4}]}]},
            (2, 2, 8),
            Decimal(730),
            id="by events",
        ),
        pytest.param({"event_trigger_config": [{}]}, (0, 0, 100), Decimal(730), id="by events without bounds"),
        pytest.param({"schedule_trigger_config": [{"cron_expression": "x"}]}, (0, 0, 1), Decimal(730), id="no cron"),
        pytest.param(
            {"schedule_trigger_config": [{"cron_expression": 5}]}, (0, 0, 1), Decimal(730), id="a number for a cron"
        ),
    ],
)
def test_jobs_cost_what_their_executions_take(
    trigger: Json, expected: tuple[int, ...], max_hours: Decimal, tmp_path: Path
) -> None:
    """Only the maximum counts them: their number at once, and on a schedule their timeout."""
    result = report(plan(job(trigger), SERVERLESS), tmp_path)
    side = result.resources[0].after
    assert side is not None
    assert sizes(side) == expected
    assert side.monthly.max is not None
    assert abs(side.monthly.max - REPLICA * max_hours * expected[2]) < Decimal("0.01")
    assert "job-runs" in codes(result)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param(T4, "reported", id="named like its type"),
        pytest.param("gpu-pool", "unknown", id="a name that speaks of GPUs"),
        pytest.param("d4-general", "silent", id="any other name"),
        pytest.param("Consumption", "silent", id="the plain profile"),
        pytest.param(None, "silent", id="none"),
        pytest.param(["gpu"], "silent", id="a name of a wrong type"),
    ],
)
def test_apps_in_an_environment_outside_the_plan(name: object, expected: str, tmp_path: Path) -> None:
    block = resource(
        "azurerm_container_app.a",
        {
            "workload_profile_name": name,
            "template": [{"min_replicas": 1, "max_replicas": 1, "container": [container()]}],
            "container_app_environment_id": "/subscriptions/0/resourceGroups/x/providers/Microsoft.App/managedEnvironments/e",
        },
    )
    result = report(plan(block), tmp_path)
    pools = [pool for each in result.resources if each.after for pool in each.after.pools]
    assert ("reported" if pools and pools[0].sku else "unknown" if pools else "silent") == expected


@pytest.mark.parametrize(
    "blocks",
    [
        [app(name="Consumption"), SERVERLESS],
        [app(name="general"), environment(profile("general", "D4", 1, 3), profile("gpu", T4))],
        [environment(profile("Consumption", "Consumption"), profile("gpu", T4))],
        [environment(profile("general", "E16", 1, 3))],
        [environment(profile("odd", ["NC24-A100"]))],
        [resource("azurerm_container_group.g", {"container": [{"cpu": 1, "memory": 2}], "location": "eastus"})],
        [resource("azurerm_container_group.g", {"container": [{"gpu": [], "gpu_limit": []}], "location": "eastus"})],
        [resource("azurerm_container_registry_agent_pool.p", {"tier": "S3", "instance_count": 2})],
    ],
    ids=["plain app", "app on plain nodes", "serverless profile alone", "plain nodes", "odd type", "plain group", "no GPU blocks",
         "registry agents"],
)  # fmt: skip
def test_what_starts_no_gpu_stays_silent(blocks: list[Block], tmp_path: Path) -> None:
    """A consumption profile costs nothing by itself."""
    assert found(plan(*blocks), tmp_path) == {}


@pytest.mark.parametrize("attribute", ["gpu", "gpu_limit"])
@pytest.mark.parametrize(("sku", "model"), [("K80", "K80"), ("P100", "P100"), ("V100", "V100-16GB")])
def test_gpus_of_container_instances_are_told_as_retired(attribute: str, sku: str, model: str, tmp_path: Path) -> None:
    """They ended in July 2025: nothing is priced."""
    group = {"location": "eastus", "container": [{"cpu": 4, "memory": 8, attribute: [{"count": 2, "sku": sku}]}]}
    result = report(plan(resource("azurerm_container_group.g", group)), tmp_path)
    side = result.resources[0].after
    assert side is not None
    assert side.pools[0].gpu is not None
    assert (side.pools[0].gpu.model, side.gpus.expected, side.monthly.expected) == (model, 2, None)
    assert "retired-service" in codes(result)
