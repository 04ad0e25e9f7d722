"""HDInsight, OpenShift, Service Fabric, DevOps agents, Synapse and labs.

Unit prices used here, West Europe (the catalog's tables): Standard_NC4as_T4_v3 0.658 an hour (Windows 0.842);
Standard_NV6ads_A10_v5 0.59 (Windows 0.866); disks a month P10 21.68, P15 41.811428.
"""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gpuguard.model.report import State
from tests.extract.plans import Block, Json, after, codes, plan, ref, report, resource

T4 = "Standard_NC4as_T4_v3"
PLAIN = "Standard_D4s_v3"
LOCATION = {"location": "westeurope", "resource_group_name": "data"}


def sizes(side: State) -> list[tuple[float | None, ...]]:
    return [(each.units.min, each.units.expected, each.units.max) for each in side.pools]


def amount(side: State, kind: str) -> Decimal:
    return sum((each.monthly or Decimal(0) for each in side.components if each.kind == kind), Decimal(0))


# -- HDInsight ------------------------------------------------------------------------------------------------------------


def hdinsight(worker: Json, kind: str = "spark", **roles: Json) -> Block:
    nodes = {"head_node": {"vm_size": PLAIN}, "worker_node": worker, "zookeeper_node": {"vm_size": PLAIN}, **roles}
    values = {"roles": [{role: [values] for role, values in nodes.items()}], **LOCATION}
    return resource(f"azurerm_hdinsight_{kind}_cluster.c", values)


def asked(count: object, **scale: Json) -> Json:
    return {
        "vm_size": T4,
        "target_instance_count": count,
        "autoscale": [{name: [values] for name, values in scale.items()}],
    }


def times(*counts: int) -> Json:
    return {
        "timezone": "UTC",
        "schedule": [{"days": ["Monday"], "time": "08:00", "target_instance_count": n} for n in counts],
    }


@pytest.mark.parametrize("kind", ["hadoop", "hbase", "interactive_query", "kafka", "spark"])
def test_every_kind_of_cluster_counts_its_roles_with_gpus(kind: str, tmp_path: Path) -> None:
    """What HDInsight adds to the machines has no price: the total is a lower bound, and said."""
    result = report(plan(hdinsight(asked(3), kind)), tmp_path)
    side = result.resources[0].after
    assert side is not None
    assert (sizes(side), amount(side, "compute")) == ([(3, 3, 3)], Decimal("0.658") * 2190)
    assert "unpriced" in codes(result)


@pytest.mark.parametrize(
    ("worker", "expected"),
    [
        pytest.param(asked(2, capacity={"min_instance_count": 1, "max_instance_count": 6}), (1, 2, 6), id="by load"),
        pytest.param(asked(2, recurrence=times(4, 1)), (1, 4, 4), id="by the clock: the largest"),
        pytest.param(asked(None), (1, 1, 1), id="one at least"),
        pytest.param(asked(0), (0, 0, 0), id="none"),
        pytest.param(asked({"a": 1}), (None, None, None), id="a number of a wrong type"),
    ],
)
def test_sizes_of_the_workers(worker: Json, expected: tuple[int | None, ...], tmp_path: Path) -> None:
    assert sizes(after(plan(hdinsight(worker)), tmp_path)) == [expected]


@pytest.mark.parametrize(("role", "count"), [("head_node", 2), ("zookeeper_node", 3)])
def test_roles_of_a_fixed_number(role: str, count: int, tmp_path: Path) -> None:
    block = hdinsight({"vm_size": PLAIN, "target_instance_count": 9}, "spark", **{role: {"vm_size": T4}})
    assert sizes(after(plan(block), tmp_path)) == [(count, count, count)]


# -- clusters and pools of machines ------------------------------------------------------------------------------------------


def openshift(**worker: Any) -> Block:
    profile = {"vm_size": T4, "node_count": 3, "disk_size_gb": 128, **worker}
    return resource("azurerm_redhat_openshift_cluster.o", {"worker_profile": [profile], **LOCATION})


def test_openshift_workers_with_their_disks(tmp_path: Path) -> None:
    result = report(plan(openshift()), tmp_path)
    side = result.resources[0].after
    assert side is not None
    assert (amount(side, "compute"), amount(side, "storage")) == (Decimal("0.658") * 2190, Decimal("21.68") * 3)
    assert "unpriced" in codes(result)  # the licence


@pytest.mark.parametrize(
    ("publisher", "hourly"), [("MicrosoftWindowsServer", "0.842"), ("Canonical", "0.658"), (None, "0.658")]
)
def test_node_types_of_service_fabric(publisher: str | None, hourly: str, tmp_path: Path) -> None:
    node = {
        "vm_size": T4,
        "vm_instance_count": 2,
        "data_disk_size_gb": 200,
        "data_disk_type": "Premium_LRS",
        "vm_image_publisher": publisher,
    }
    other = {"vm_size": PLAIN, "vm_instance_count": 5}
    side = after(
        plan(resource("azurerm_service_fabric_managed_cluster.f", {"node_type": [other, node], **LOCATION})), tmp_path
    )
    assert (sizes(side), amount(side, "compute")) == ([(2, 2, 2)], Decimal(hourly) * 1460)
    assert amount(side, "storage") == Decimal("41.811428") * 2


def agents(**values: Any) -> Block:
    own = {"maximum_concurrency": 4, "virtual_machine_scale_set_fabric": [{"sku_name": T4}], **LOCATION}
    return resource("azurerm_managed_devops_pool.p", {**own, **values})


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param({}, (0, 0, 4), id="nothing runs until a pipeline does"),
        pytest.param(
            {"stateless_agent": [{"manual_resource_prediction": [{"all_week_schedule": 2}]}]}, (2, 2, 4), id="standby"
        ),
        pytest.param({"stateful_agent": [{"automatic_resource_prediction": [{}]}]}, (0, 0, 4), id="predicted"),
        pytest.param({"maximum_concurrency": None}, (0, 0, None), id="no limit told"),
    ],
)
def test_agents_of_a_devops_pool(values: Json, expected: tuple[int | None, ...], tmp_path: Path) -> None:
    assert sizes(after(plan(agents(**values)), tmp_path)) == [expected]


# -- services that ended --------------------------------------------------------------------------------------------------------


def spark(**values: Any) -> Block:
    own = {"node_size_family": "HardwareAcceleratedGPU", "node_size": "Large", "node_count": 4}
    return resource(
        "azurerm_synapse_spark_pool.s",
        {**own, **values},
        unknown={"synapse_workspace_id": True},
        expressions={"synapse_workspace_id": ref("azurerm_synapse_workspace.w.id")},
    )


SYNAPSE = resource("azurerm_synapse_workspace.w", {"name": "w", **LOCATION}, unknown={"id": True})


@pytest.mark.parametrize(("size", "gpus"), [("Large", 4), ("XLarge", 16)])
def test_gpu_pools_of_synapse_run_only_with_a_job(size: str, gpus: int, tmp_path: Path) -> None:
    """One GPU in a large node, four in an extra large one; a preview that ended."""
    result = report(plan(spark(node_size=size), SYNAPSE), tmp_path)
    side = result.resources[0].after
    assert side is not None
    assert (side.region, side.gpus.expected, side.gpus.max, side.monthly.max) == ("westeurope", 0, gpus, None)
    assert "retired-service" in codes(result)


def test_a_gpu_node_of_another_size_is_unknown(tmp_path: Path) -> None:
    assert "unknown-machine-type" in codes(report(plan(spark(node_size="XXLarge"), SYNAPSE), tmp_path))


def lab(name: object, *, drivers: bool = False) -> Block:
    machine = {"additional_capability_gpu_drivers_installed": drivers, "sku": [{"name": name, "capacity": 10}]}
    return resource("azurerm_lab_service_lab.l", {"virtual_machine": [machine], **LOCATION})


@pytest.mark.parametrize(
    ("block", "told"),
    [
        pytest.param(lab("Classic_Gpu_6_112_128"), True, id="a size that speaks of GPUs"),
        pytest.param(lab("Classic_Fsv2_2_4GB_128_S_SSD"), False, id="a plain size"),
        pytest.param(lab("Classic_Fsv2_2_4GB_128_S_SSD", drivers=True), True, id="GPU drivers are installed"),
        pytest.param(lab(T4), True, id="a machine type"),
        pytest.param(lab(None), False, id="no size"),
        pytest.param(lab(5), False, id="a number for a size"),
    ],
)
def test_labs_with_gpus(block: Block, told: bool, tmp_path: Path) -> None:
    assert bool(report(plan(block), tmp_path).resources) == told


@pytest.mark.parametrize(("kind", "hourly"), [("linux", "0.59"), ("windows", "0.866")])
def test_machines_of_a_lab(kind: str, hourly: str, tmp_path: Path) -> None:
    values = {"size": "Standard_NV6ads_A10_v5", "storage_type": "Premium", "lab_name": "l", **LOCATION}
    schedule = {"lab_name": "l", "task_type": "LabVmsShutdownTask", "status": "Enabled"}
    block = resource(f"azurerm_dev_test_{kind}_virtual_machine.m", values)
    result = report(plan(block, resource("azurerm_dev_test_schedule.s", schedule)), tmp_path)
    side = result.resources[0].after
    assert side is not None
    assert amount(side, "compute") == Decimal(hourly) * 730
    assert "shutdown-without-start" in codes(result)
    quiet = [{"status": "Disabled"}, {"lab_name": "other"}, {"task_type": "LabVmAutoStart"}]
    for other in quiet:
        blocks = [block, resource("azurerm_dev_test_schedule.s", {**schedule, **other})]
        assert "shutdown-without-start" not in codes(report(plan(*blocks), tmp_path))


@pytest.mark.parametrize(
    "block",
    [
        hdinsight({"vm_size": PLAIN, "target_instance_count": 3}),
        resource("azurerm_hdinsight_spark_cluster.c", {"roles": [], **LOCATION}),
        openshift(vm_size=PLAIN),
        resource("azurerm_redhat_openshift_cluster.o", {"worker_profile": [], **LOCATION}),
        resource("azurerm_service_fabric_managed_cluster.f", {"node_type": [{"vm_size": PLAIN, "vm_instance_count": 5}], **LOCATION}),
        agents(virtual_machine_scale_set_fabric=[{"sku_name": "Standard_D2ads_v5"}]),
        agents(virtual_machine_scale_set_fabric=[]),
        spark(node_size_family="MemoryOptimized"),
        spark(node_size_family="HardwareAcceleratedFPGA"),
        resource("azurerm_dev_test_linux_virtual_machine.m", {"size": "Standard_F2", **LOCATION}),
        resource("azurerm_lab_service_lab.l", {"virtual_machine": [], **LOCATION}),
        resource("azurerm_vmware_private_cloud.v", {"sku_name": "av36", **LOCATION}),
        resource("azurerm_kusto_cluster.k", {"sku": [{"name": "Standard_D13_v2", "capacity": 2}], **LOCATION}),
        resource("azurerm_data_factory_integration_runtime_azure_ssis.d", {"node_size": "Standard_D8_v3"}),
        resource("azurerm_kubernetes_fleet_manager.f", {"name": "f", **LOCATION}),
        resource("azurerm_virtual_machine_extension.e", {"publisher": "Microsoft.HpcCompute", "type": "NvidiaGpuDriverLinux"}),
    ],
    ids=lambda block: f"{block.address}",
)  # fmt: skip
def test_what_starts_no_gpu_stays_silent(block: Block, tmp_path: Path) -> None:
    """A driver extension is a hint at most: the machine it goes onto is read."""
    result = report(plan(block), tmp_path)
    assert (result.resources, codes(result)) == ((), set())


@pytest.mark.parametrize(
    ("address", "after_values", "unknown"),
    [
        (
            "azurerm_redhat_openshift_cluster.o",
            {"worker_profile": [{"node_count": 3}]},
            {"worker_profile": [{"vm_size": True}]},
        ),
        ("azurerm_dev_test_linux_virtual_machine.m", {}, {"size": True}),
        (
            "azurerm_managed_devops_pool.p",
            {"virtual_machine_scale_set_fabric": [{}]},
            {"virtual_machine_scale_set_fabric": [{"sku_name": True}]},
        ),
    ],
)
def test_sizes_that_only_apply_can_tell_are_unknown_gpus(
    address: str, after_values: Json, unknown: Json, tmp_path: Path
) -> None:
    pet = ref("random_pet.p.id")
    expressions: Json = {
        "size": pet,
        "worker_profile": [{"vm_size": pet}],
        "virtual_machine_scale_set_fabric": [{"sku_name": pet}],
    }
    block = resource(address, {**after_values, **LOCATION}, unknown=unknown, expressions=expressions)
    result = report(plan(block, resource("random_pet.p", {}, unknown={"id": True})), tmp_path)
    assert "unknown-machine-type" in codes(result)
