"""Pairs of Azure resources that describe the same machines: their money and their GPUs count once.

Unit prices used here, West Europe (the catalog's tables): Standard_NC4as_T4_v3 0.658 an hour, an NVASv4-Type1 host 8.97.
"""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.extract.plans import Block, Json, plan, ref, report, resource

T4 = "Standard_NC4as_T4_v3"
HOUR = Decimal("0.658") * 730
LOCATION = {"location": "westeurope", "resource_group_name": "ml", "name": "x"}


def linked(address: str, attribute: str, target: str, **values: Any) -> Block:
    """A resource that refers to another one by an id that only apply can tell."""
    return resource(
        address,
        {**LOCATION, **values},
        unknown={"id": True, attribute: True},
        expressions={attribute: ref(f"{target}.id")},
    )


def made(address: str, **values: Any) -> Block:
    return resource(address, {**LOCATION, **values}, unknown={"id": True})


GROUP = "azurerm_capacity_reservation_group.g"
RESERVED = [
    made(GROUP),
    linked(
        "azurerm_capacity_reservation.r",
        "capacity_reservation_group_id",
        GROUP,
        sku=[{"name": T4, "capacity": 1}],
    ),
]
HOSTS = [
    made("azurerm_dedicated_host_group.h"),
    linked(
        "azurerm_dedicated_host.h", "dedicated_host_group_id", "azurerm_dedicated_host_group.h", sku_name="NVASv4-Type1"
    ),
]
NODES: Json = {"vm_size": T4, "node_count": 1, "os_disk_type": "Ephemeral"}
CLUSTER = made("azurerm_kubernetes_cluster.k", default_node_pool=[{"vm_size": "Standard_D4s_v5", "node_count": 3}])
POOL = linked(
    "azurerm_kubernetes_cluster_node_pool.p", "kubernetes_cluster_id", "azurerm_kubernetes_cluster.k", **NODES
)
SET = made("azurerm_linux_virtual_machine_scale_set.s", sku=T4, instances=1)
LIMITS = [{"capacity": [{"minimum": 1, "default": 1, "maximum": 1}]}]
ENVIRONMENT = "azurerm_container_app_environment.e"
REPLICA = [{"min_replicas": 1, "max_replicas": 1, "container": [{"cpu": 8, "memory": "56Gi"}]}]


def environment(type_: str) -> Block:
    profile = {"name": "gpu", "workload_profile_type": type_, "minimum_count": 1, "maximum_count": 1}
    return made(ENVIRONMENT, workload_profile=[profile])


def app(name: str = "a") -> Block:
    return linked(
        f"azurerm_container_app.{name}",
        "container_app_environment_id",
        ENVIRONMENT,
        workload_profile_name="gpu",
        template=REPLICA,
    )


@pytest.mark.parametrize(
    ("blocks", "gpus", "monthly"),
    [
        pytest.param(
            [*RESERVED, linked("azurerm_linux_virtual_machine.v", "capacity_reservation_group_id", GROUP, size=T4)],
            1,
            HOUR,
            id="a reservation and the machine in it",
        ),
        pytest.param(
            [
                *RESERVED,
                linked(
                    "azurerm_linux_virtual_machine_scale_set.s", "capacity_reservation_group_id", GROUP, sku=T4, instances=2
                ),
            ],
            2,
            HOUR * 2,
            id="a reservation and a scale set that exceeds it",
        ),
        pytest.param(
            [
                *RESERVED,
                linked("azurerm_linux_virtual_machine.v", "capacity_reservation_group_id", GROUP, size=T4),
                linked("azurerm_linux_virtual_machine.w", "capacity_reservation_group_id", GROUP, size=T4),
            ],
            2,
            HOUR * 2,
            id="a reservation of one and two machines",
        ),
        pytest.param(
            [
                *HOSTS,
                linked(
                    "azurerm_linux_virtual_machine.v", "dedicated_host_id", "azurerm_dedicated_host.h", size="Standard_NV4as_v4"
                ),
                linked(
                    "azurerm_linux_virtual_machine.w",
                    "dedicated_host_group_id",
                    "azurerm_dedicated_host_group.h",
                    size="Standard_NV32as_v4",
                ),
            ],
            4,
            Decimal("8.97") * 730,
            id="a host and the machines on it",
        ),
        pytest.param([CLUSTER, POOL], 1, HOUR, id="a cluster and its pool"),
        pytest.param(
            [
                CLUSTER,
                POOL,
                made("azurerm_machine_learning_workspace.w"),
                linked(
                    "azurerm_machine_learning_inference_cluster.i", "kubernetes_cluster_id", "azurerm_kubernetes_cluster.k"
                ),
            ],
            1,
            HOUR,
            id="an inference cluster and the AKS cluster it attaches",
        ),
        pytest.param(
            [
                SET,
                linked(
                    "azurerm_monitor_autoscale_setting.a",
                    "target_resource_id",
                    "azurerm_linux_virtual_machine_scale_set.s",
                    profile=LIMITS,
                ),
            ],
            1,
            HOUR,
            id="a scale set and its autoscale setting",
        ),
        pytest.param(
            [
                made("azurerm_orchestrated_virtual_machine_scale_set.o", platform_fault_domain_count=1),
                linked(
                    "azurerm_linux_virtual_machine.v",
                    "virtual_machine_scale_set_id",
                    "azurerm_orchestrated_virtual_machine_scale_set.o",
                    size=T4,
                ),
            ],
            1,
            HOUR,
            id="a set that groups machines and a machine in it",
        ),
        pytest.param(
            [
                made("azurerm_synapse_workspace.w"),
                linked(
                    "azurerm_synapse_spark_pool.p",
                    "synapse_workspace_id",
                    "azurerm_synapse_workspace.w",
                    node_size_family="HardwareAcceleratedGPU",
                    node_size="Large",
                    node_count=3,
                ),
                linked("azurerm_machine_learning_synapse_spark.m", "synapse_spark_pool_id", "azurerm_synapse_spark_pool.p"),
            ],
            0,
            None,
            id="a Spark pool and what attaches it",
        ),
        pytest.param(
            [
                resource("azapi_resource.v", {"type": "Microsoft.Compute/virtualMachines@2024-07-01", **LOCATION,
                         "body": {"properties": {"hardwareProfile": {"vmSize": T4}}}}, unknown={"id": True}),
                linked("azapi_update_resource.u", "resource_id", "azapi_resource.v", type="Microsoft.Compute/virtualMachines@2024-07-01",
                       body={"properties": {"hardwareProfile": {"vmSize": T4}}}),
            ],
            1,
            HOUR,
            id="a machine and an update of it",
        ),
        pytest.param(
            [
                CLUSTER,
                POOL,
                linked("azapi_update_resource.u", "resource_id", "azurerm_kubernetes_cluster_node_pool.p",
                       type="Microsoft.ContainerService/managedClusters/agentPools@2025-05-01",
                       body={"properties": {"vmSize": T4, "count": 1}}),
            ],
            1,
            HOUR,
            id="a pool of azurerm and an update of it through azapi",
        ),
        pytest.param([environment("NC24-A100"), app("a"), app("b")], 1, None, id="nodes of a profile and the apps on them"),
        pytest.param([environment("Consumption-GPU-NC8as-T4"), app("a"), app("b")], 2, None, id="apps in a serverless profile"),
    ],
)  # fmt: skip
def test_what_two_resources_describe_counts_once(
    blocks: list[Block], gpus: int, monthly: Decimal | None, tmp_path: Path
) -> None:
    summary = report(plan(*blocks), tmp_path).summary
    assert summary.gpus_after == gpus
    if monthly is not None:
        assert summary.monthly_after == monthly
