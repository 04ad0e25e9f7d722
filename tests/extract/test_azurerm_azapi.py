"""ARM resources through azapi: bodies as objects and as JSON text, children, updates, types that nobody reads.

Unit prices used here, East US an hour (the catalog's tables): Standard_NC4as_T4_v3 0.526, spot 0.1525.
"""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gpuguard.model.report import State
from tests.extract.plans import Block, Json, after, codes, data, found, plan, ref, report, resource

T4 = "Standard_NC4as_T4_v3"
VM = "Microsoft.Compute/virtualMachines@2024-07-01"
GROUP = resource("azurerm_resource_group.g", {"name": "g", "location": "East US"}, unknown={"id": True})


def arm(type_: object, body: object, name: str = "r", location: object = "eastus", **values: Any) -> Block:
    return resource(
        f"azapi_resource.{name}",
        {"type": type_, "name": name, "body": body, "location": location, **values},
        unknown={"id": True},
    )


def vm(**properties: Any) -> Json:
    return {"properties": {"hardwareProfile": {"vmSize": T4}, **properties}}


def sizes(side: State) -> list[tuple[str, float | None, float | None, float | None]]:
    return [(each.purchase_model, each.units.min, each.units.expected, each.units.max) for each in side.pools]


def compute(side: State) -> Decimal:
    return sum((each.monthly or Decimal(0) for each in side.components if each.kind == "compute"), Decimal(0))


# -- bodies -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body", [vm(), json.dumps(vm()), json.dumps(vm(), indent=2)], ids=["an object", "JSON text", "JSON text over lines"]
)
@pytest.mark.parametrize(
    "type_", [VM, "microsoft.compute/VIRTUALMACHINES@2021-03-01", "Microsoft.Compute/virtualMachines"]
)
def test_bodies_of_both_major_versions(body: object, type_: str, tmp_path: Path) -> None:
    """azapi 2 has objects, azapi 1 JSON text; ARM folds letter case."""
    side = after(plan(arm(type_, body)), tmp_path)
    assert (side.region, side.pools[0].sku, side.monthly.expected) == ("eastus", T4, Decimal("0.526") * 730)


@pytest.mark.parametrize(
    "body", ["{", "[]", "null", "7", "", [], 7, {}, {"properties": []}, {"properties": {"hardwareProfile": 7}}]
)
def test_bodies_that_say_nothing(body: object, tmp_path: Path) -> None:
    assert found(plan(arm(VM, body)), tmp_path) == {}


@pytest.mark.parametrize("size", [7, ["x"], True, {"a": 1}])
def test_sizes_of_a_wrong_type_are_told(size: object, tmp_path: Path) -> None:
    body = {"properties": {"hardwareProfile": {"vmSize": size}}}
    assert "unreadable-value" in codes(report(plan(arm(VM, body)), tmp_path))


def hidden(type_: str, expression: Json, *others: Block, **members: Any) -> Json:
    """A plan in which the body is known only after apply."""
    block = resource(
        "azapi_resource.r",
        {"type": type_, "location": "eastus"},
        unknown={"body": True},
        expressions={"body": expression},
    )
    return plan(block, resource("azurerm_subnet.s", {"name": "s"}, unknown={"id": True}), *others, **members)


def test_a_hidden_body_is_known_by_what_it_refers_to(tmp_path: Path) -> None:
    """Of all that JSON text mentions only the name of a size can be the size."""
    expression = ref("var.size", "var.name", "azurerm_subnet.s.id")
    document = hidden(VM, expression, variables={"size": T4, "name": "worker"})
    side = after(document, tmp_path)
    assert (side.pools[0].sku, sizes(side)) == (T4, [("on_demand", 1, 1, 1)])


def test_a_hidden_body_with_a_plain_size_stays_silent(tmp_path: Path) -> None:
    document = hidden(VM, ref("var.size", "azurerm_subnet.s.id"), variables={"size": "Standard_D4s_v5"})
    assert found(document, tmp_path) == {}


@pytest.mark.parametrize(
    ("type_", "told"),
    [
        (VM, True),
        ("Microsoft.Batch/batchAccounts/pools@2024-07-01", True),
        ("Microsoft.ContainerService/managedClusters/agentPools@2025-05-01", True),
        ("Microsoft.ContainerService/managedClusters@2025-05-01", True),
        ("Microsoft.App/managedEnvironments@2025-01-01", False),
        ("Microsoft.Network/virtualNetworks@2024-05-01", False),
    ],
)
def test_a_body_that_only_apply_can_tell_is_unknown_where_it_is_a_machine(
    type_: str, told: bool, tmp_path: Path
) -> None:
    result = report(hidden(type_, ref("azurerm_subnet.s.id")), tmp_path)
    assert ("unknown-machine-type" in codes(result)) == told


def test_a_gpu_size_that_a_hidden_body_refers_to_is_told_whatever_the_type(tmp_path: Path) -> None:
    for type_ in ("Microsoft.HDInsight/clusters@2023-04-15-preview", "Microsoft.Example/fleets@2024-11-01"):
        document = hidden(type_, ref("var.size", "azurerm_subnet.s.id"), variables={"size": T4})
        assert found(document, tmp_path), type_
        document = hidden(type_, ref("var.size", "azurerm_subnet.s.id"), variables={"size": "Standard_D4s_v5"})
        assert not found(document, tmp_path), type_


def test_properties_that_only_apply_can_tell_as_a_whole(tmp_path: Path) -> None:
    """A function over something unknown hides them; what the body mentions is a size, and no place."""
    block = resource(
        "azapi_resource.r",
        {"type": "Microsoft.ContainerService/managedClusters/agentPools@2025-05-01", "body": {}},
        unknown={"body": {"properties": True}},
        expressions={"body": ref("var.size", "azurerm_subnet.s.id")},
    )
    side = after(plan(block, variables={"size": T4}), tmp_path)
    assert (side.pools[0].sku, side.region) == (T4, None)


def test_a_size_inside_a_known_body_that_only_apply_can_tell(tmp_path: Path) -> None:
    """The references of the whole body are told together: a name that is no size is not taken for one."""
    block = resource(
        "azapi_resource.r",
        {"type": VM, "location": "eastus", "body": {"properties": {"hardwareProfile": {}, "priority": "Regular"}}},
        unknown={"body": {"properties": {"hardwareProfile": {"vmSize": True}}}},
        expressions={"body": ref("random_pet.p.id", "azurerm_resource_group.g.name")},
    )
    result = report(plan(block, GROUP, resource("random_pet.p", {}, unknown={"id": True})), tmp_path)
    assert "unknown-machine-type" in codes(result)


# -- regions ------------------------------------------------------------------------------------------------------------------


def child(
    parent: Json, body: object, type_: str = "Microsoft.ContainerService/managedClusters/agentPools@2025-05-01"
) -> Block:
    return resource(
        "azapi_resource.c",
        {"type": type_, "body": body},
        unknown={"id": True, "parent_id": True},
        expressions={"parent_id": parent},
    )


POOL = {"properties": {"vmSize": T4, "count": 1, "osDiskType": "Ephemeral"}}


@pytest.mark.parametrize(
    ("blocks", "region"),
    [
        pytest.param([arm(VM, vm(), location="West Europe")], "westeurope", id="its own"),
        pytest.param([arm(VM, {**vm(), "location": "uksouth"}, location=None)], "uksouth", id="that of the body"),
        pytest.param(
            [child(ref("azurerm_resource_group.g.id"), vm(), VM), GROUP], "eastus", id="that of the resource group"
        ),
        pytest.param(
            [
                child(ref("azapi_resource.k.id"), POOL),
                resource(
                    "azapi_resource.k",
                    {"type": "Microsoft.ContainerService/managedClusters@2025-05-01", "body": {}},
                    unknown={"id": True, "parent_id": True},
                    expressions={"parent_id": ref("azurerm_resource_group.g.id")},
                ),
                GROUP,
            ],
            "eastus",
            id="that of the group of its parent",
        ),
        pytest.param(
            [
                child(ref("azurerm_kubernetes_cluster.k.id"), POOL),
                resource("azurerm_kubernetes_cluster.k", {"location": "northeurope"}, unknown={"id": True}),
            ],
            "northeurope",
            id="that of a parent of azurerm",
        ),
        pytest.param(
            [
                child(ref("data.azurerm_resource_group.g.id"), vm(), VM),
                data("data.azurerm_resource_group.g", {"location": "uksouth"}),
            ],
            "uksouth",
            id="that of a group read while planning",
        ),
        pytest.param([child(ref("azapi_resource.c.id"), POOL)], None, id="a resource in itself"),
        pytest.param(
            [arm(VM, vm(), location=None, parent_id="/subscriptions/0/resourceGroups/other")],
            None,
            id="nothing says it",
        ),
    ],
)
def test_regions(blocks: list[Block], region: str | None, tmp_path: Path) -> None:
    result = report(plan(*blocks), tmp_path)
    sides = [each.after for each in result.resources if each.after is not None]
    assert [side.region for side in sides] == [region]


# -- Microsoft.Compute --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("properties", "hourly"),
    [
        pytest.param({}, "0.526", id="regular"),
        pytest.param({"priority": "Spot", "billingProfile": {"maxPrice": -1}}, "0.1525", id="spot"),
        pytest.param({"priority": "Spot", "billingProfile": {"maxPrice": 0.1}}, "0.1", id="a maximum below the market"),
        pytest.param({"priority": "Low"}, "0.1525", id="low priority"),
    ],
)
def test_spot_machines(properties: Json, hourly: str, tmp_path: Path) -> None:
    assert compute(after(plan(arm(VM, vm(**properties))), tmp_path)) == Decimal(hourly) * 730


@pytest.mark.parametrize(
    ("properties", "windows"),
    [
        pytest.param({"osProfile": {"windowsConfiguration": {"provisionVMAgent": True}}}, True, id="a Windows profile"),
        pytest.param({"storageProfile": {"osDisk": {"osType": "Windows"}}}, True, id="a Windows disk"),
        pytest.param(
            {"storageProfile": {"imageReference": {"publisher": "MicrosoftWindowsServer"}}}, True, id="a Windows image"
        ),
        pytest.param(
            {"osProfile": {"windowsConfiguration": {"a": 1}}, "licenseType": "Windows_Server"},
            False,
            id="hybrid benefit",
        ),
        pytest.param({"osProfile": {"linuxConfiguration": {}}}, False, id="Linux"),
    ],
)
def test_windows_licences(properties: Json, windows: bool, tmp_path: Path) -> None:
    """West Europe: 0.842 with Windows, 0.658 without."""
    side = after(plan(arm(VM, vm(**properties), location="westeurope")), tmp_path)
    assert compute(side) == Decimal("0.842" if windows else "0.658") * 730


def test_disks(tmp_path: Path) -> None:
    """Premium SSDs of 128 and 512 GiB in East US: 19.71 and 73.22; ephemeral ones cost nothing."""
    premium = {"managedDisk": {"storageAccountType": "Premium_LRS"}}
    profile = {"osDisk": {"diskSizeGB": 128, **premium}, "dataDisks": [{"diskSizeGB": 512, **premium}]}
    side = after(plan(arm(VM, vm(storageProfile=profile))), tmp_path)
    assert side.monthly.expected == Decimal("0.526") * 730 + Decimal("19.71") + Decimal("73.22")
    local = {"osDisk": {"diskSizeGB": 128, "diffDiskSettings": {"option": "Local"}}}
    assert after(plan(arm(VM, vm(storageProfile=local))), tmp_path).monthly.expected == Decimal("0.526") * 730


SET = "Microsoft.Compute/virtualMachineScaleSets@2024-07-01"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param({"sku": {"name": T4, "capacity": 3}}, [("on_demand", 3, 3, 3)], id="a set"),
        pytest.param(
            {"sku": {"name": T4, "capacity": 5},
             "properties": {"virtualMachineProfile": {"priority": "Spot"},
                            "priorityMixPolicy": {"baseRegularPriorityCount": 1, "regularPriorityPercentageAboveBase": 50}}},
            [("on_demand", 3, 3, 3), ("spot", 2, 2, 2)], id="a mix of priorities",
        ),
        pytest.param(
            {"sku": {"name": "Mix", "capacity": 1},
             "properties": {"skuProfile": {"vmSizes": [{"name": "Standard_NC8as_T4_v3"}, {"name": T4}], "allocationStrategy": "LowestPrice"}}},
            [("on_demand", 1, 1, 1)], id="a mix of sizes",
        ),
        pytest.param({"properties": {"orchestrationMode": "Flexible"}}, [], id="only groups machines"),
    ],
)  # fmt: skip
def test_scale_sets(body: Json, expected: list[Any], tmp_path: Path) -> None:
    entries = found(plan(arm(SET, body)), tmp_path)
    sides = [each.after for each in entries.values() if each.after is not None]
    assert [size for side in sides for size in sizes(side)] == expected
    assert all(side.pools[0].sku == T4 for side in sides)


def test_bounds_of_either_provider(tmp_path: Path) -> None:
    """Autoscale settings as ARM resources have texts for numbers."""
    profile = {"capacity": {"minimum": "1", "default": "2", "maximum": "6"}}
    own = resource(
        "azapi_resource.limits",
        {"type": "Microsoft.Insights/autoscaleSettings@2022-10-01", "body": {"properties": {"profiles": [profile]}}},
        unknown={"body": {"properties": {"targetResourceUri": True}}},
        expressions={"body": ref("azapi_resource.r.id")},
    )
    side = after(plan(arm(SET, {"sku": {"name": T4, "capacity": 2}}), own), tmp_path)
    assert sizes(side) == [("on_demand", 1, 2, 6)]


# -- AKS ----------------------------------------------------------------------------------------------------------------------

CLUSTER = "Microsoft.ContainerService/managedClusters@2025-05-01"


def cluster(*pools: Json, sku: Json | None = None) -> Block:
    return arm(
        CLUSTER, {"sku": sku or {"name": "Base", "tier": "Free"}, "properties": {"agentPoolProfiles": list(pools)}}
    )


@pytest.mark.parametrize(
    ("pool", "expected"),
    [
        pytest.param({"count": 2}, ("on_demand", 2, 2, 2), id="a count"),
        pytest.param({}, ("on_demand", 1, 1, 1), id="one without a count"),
        pytest.param(
            {"enableAutoScaling": True, "count": 1, "minCount": 0, "maxCount": 4}, ("on_demand", 0, 1, 4), id="scaled"
        ),
        pytest.param({"count": 2, "scaleSetPriority": "Spot", "spotMaxPrice": -1}, ("spot", 2, 2, 2), id="spot"),
    ],
)
def test_agent_pools_in_a_cluster(pool: Json, expected: tuple[Any, ...], tmp_path: Path) -> None:
    plain = {"name": "system", "vmSize": "Standard_D4s_v5", "count": 3}
    side = after(plan(cluster(plain, {"name": "gpu", "vmSize": T4, **pool})), tmp_path)
    assert sizes(side) == [expected]


@pytest.mark.parametrize(
    ("sku", "fee"),
    [
        ({"name": "Base", "tier": "Free"}, "0"),
        ({"name": "Base", "tier": "Standard"}, "0.1"),
        ({"name": "Base", "tier": "Premium"}, "0.6"),
        # 0.16 an hour for the cluster, 0.035952 for each of the four vCPUs of the node
        ({"name": "Automatic", "tier": "Standard"}, "0.303808"),
    ],
)
def test_tiers_of_a_cluster(sku: Json, fee: str, tmp_path: Path) -> None:
    pool = {"name": "gpu", "vmSize": T4, "count": 1, "osDiskType": "Ephemeral"}
    side = after(plan(cluster(pool, sku=sku)), tmp_path)
    assert side.monthly.expected == (Decimal("0.526") + Decimal(fee)) * 730


# -- Azure ML -----------------------------------------------------------------------------------------------------------------

COMPUTE = "Microsoft.MachineLearningServices/workspaces/computes@2024-10-01"
DEPLOYMENT = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/deployments@2024-10-01"


def ml(kind: str, **properties: Any) -> Block:
    return arm(COMPUTE, {"properties": {"computeType": kind, "properties": {"vmSize": T4, **properties}}})


def switch(action: str, expression: str | None = None, **values: Any) -> Json:
    trigger = {"cron": {"expression": expression, "timeZone": "UTC"}} if expression else {}
    return {"action": action, "status": "Enabled", **trigger, **values}


def daily(hour: int) -> Json:
    return {
        "recurrence": {
            "frequency": "Day",
            "interval": 1,
            "timeZone": "UTC",
            "schedule": {"hours": [hour], "minutes": [0]},
        }
    }


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"scaleSettings": {"minNodeCount": 0, "maxNodeCount": 4}}, ("on_demand", 0, 0, 4)),
        ({"vmPriority": "LowPriority", "scaleSettings": {"minNodeCount": 1, "maxNodeCount": 2}}, ("spot", 1, 1, 2)),
    ],
)
def test_compute_clusters(values: Json, expected: tuple[Any, ...], tmp_path: Path) -> None:
    assert sizes(after(plan(ml("AmlCompute", **values)), tmp_path)) == [expected]


@pytest.mark.parametrize(
    ("switches", "hours"),
    [
        pytest.param([], 168, id="no schedule"),
        pytest.param([switch("Start", "0 8 * * 1-5"), switch("Stop", "0 18 * * 1-5")], 50, id="weekdays"),
        pytest.param([switch("Start", **daily(8)), switch("Stop", **daily(20))], 84, id="every day, as recurrences"),
        pytest.param([switch("Stop", "0 18 * * *")], 168, id="only stopped"),
        pytest.param(
            [switch("Start", "0 8 * * *"), switch("Stop", "0 18 * * *", status="Disabled")], 168, id="one is off"
        ),
        pytest.param([switch("Start", "0 8 * * *"), switch("Stop", "whenever")], 168, id="unreadable"),
        pytest.param([switch("Start", "0 8 * * *"), switch("Stop", recurrence=7)], 168, id="of a wrong type"),
    ],
)
def test_hours_of_a_compute_instance(switches: list[Json], hours: int, tmp_path: Path) -> None:
    side = after(plan(ml("ComputeInstance", schedules={"computeStartStop": switches})), tmp_path)
    assert abs(compute(side) - Decimal("0.526") * hours * 730 / 168) < Decimal("0.001")


def test_idle_shutdown_is_told_and_lowers_nothing(tmp_path: Path) -> None:
    """How long it is idle depends on its use."""
    result = report(plan(ml("ComputeInstance", idleTimeBeforeShutdown="PT60M")), tmp_path)
    assert "idle-shutdown" in codes(result)
    assert result.summary.monthly_after == Decimal("0.526") * 730 + Decimal("19.71")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param({"sku": {"capacity": 3}}, ("on_demand", 3, 3, 3), id="a capacity"),
        pytest.param({}, ("on_demand", 1, 1, 1), id="one without a capacity"),
        pytest.param(
            {"sku": {"capacity": 2}, "properties": {"scaleSettings": {"scaleType": "TargetUtilization", "minInstances": 1, "maxInstances": 5}}},
            ("on_demand", 1, 2, 5), id="scaled",
        ),
    ],
)  # fmt: skip
def test_online_deployments_run_all_the_time(body: Json, expected: tuple[Any, ...], tmp_path: Path) -> None:
    properties = {"instanceType": T4, **body.get("properties", {})}
    assert sizes(after(plan(arm(DEPLOYMENT, {**body, "properties": properties})), tmp_path)) == [expected]


# -- what stays silent, and what is told ----------------------------------------------------------------------------------------

FOREIGN = "/subscriptions/0/resourceGroups/x/providers/Microsoft.ContainerService/managedClusters/k/agentPools/p"


@pytest.mark.parametrize(
    "block",
    [
        arm(VM, {"properties": {"hardwareProfile": {"vmSize": "Standard_D4s_v5"}}}),
        cluster({"name": "system", "vmSize": "Standard_D4s_v5"}, sku={"name": "Automatic"}),
        ml("Kubernetes"),
        ml("Databricks"),
        arm(DEPLOYMENT, {"properties": {"endpointComputeType": "Kubernetes", "instanceType": T4}}),
        arm("Microsoft.Authorization/policyDefinitions@2023-04-01", {"properties": {"policyRule": {"in": [T4]}}}),
        arm("Microsoft.Quota/quotas@2023-02-01", {"properties": {"name": T4}}),
        arm(
            "Microsoft.CognitiveServices/accounts/deployments@2024-10-01",
            {"sku": {"name": "ProvisionedManaged", "capacity": 50}},
        ),
        arm("Microsoft.Example/things@2024-01-01", {"properties": {"deniedSizes": [T4], "description": T4}}),
        arm("Microsoft.Example/things@2024-01-01", {"properties": {"size": "Standard_D4s_v5"}}),
        resource("azapi_resource_action.a", {"type": VM, "action": "start"}),
        resource("azapi_update_resource.u", {"type": VM, "body": {"tags": {"a": "b"}}}),
    ],
    ids=lambda block: str((block.after or {}).get("type")) + str((block.after or {}).get("body"))[:60],
)
def test_what_starts_no_gpu_stays_silent(block: Block, tmp_path: Path) -> None:
    result = report(plan(block), tmp_path)
    assert (result.resources, codes(result)) == ((), set())


@pytest.mark.parametrize("body", [{"properties": {"nodes": [{"size": T4}]}}, json.dumps({"properties": {"size": T4}})])
@pytest.mark.parametrize("type_", ["Microsoft.Example/clusters@2024-01-01", None, 7])
def test_another_type_that_names_a_gpu_machine_is_told(type_: object, body: object, tmp_path: Path) -> None:
    """Recall is the promise: a type that is not read is never passed over in silence."""
    result = report(plan(arm(type_, body)), tmp_path)
    assert "unknown-arm-type" in codes(result)


def test_an_update_of_what_the_plan_does_not_hold_is_counted(tmp_path: Path) -> None:
    values = {
        "type": "Microsoft.ContainerService/managedClusters/agentPools@2025-05-01",
        "resource_id": FOREIGN,
        "body": POOL,
    }
    side = after(plan(resource("azapi_update_resource.u", values)), tmp_path)
    assert (sizes(side), side.pools[0].sku) == ([("on_demand", 1, 1, 1)], T4)


def updated(target: Json, **values: Any) -> list[Block]:
    """A scale set made with `target`, and an update of it whose id goes through a local."""
    scale_set = resource(
        "azurerm_linux_virtual_machine_scale_set.s", {"location": "eastus", **target}, unknown={"id": True}
    )
    other = cluster({"name": "system", "vmSize": "Standard_D4s_v5"})
    update = resource(
        "azapi_update_resource.u",
        {"type": "Microsoft.Compute/virtualMachineScaleSets@2024-07-01", "body": {"sku": values}},
        unknown={"resource_id": True},
        expressions={"resource_id": ref("local.ids")},
    )
    return [scale_set, other, update]


@pytest.mark.parametrize(
    ("size", "sku", "expected", "code"),
    [
        pytest.param("Standard_D4s_v5", {"name": T4, "capacity": 4}, 4, "updated-size", id="another size is counted"),
        pytest.param("Standard_D4s_v5", {"name": T4}, None, "updated-size", id="another size of as many as there are"),
        pytest.param(T4, {"name": T4, "capacity": 4}, 0, "updated-elsewhere", id="the same size is counted there"),
    ],
)
def test_an_update_that_brings_another_size_is_counted(
    size: str, sku: Json, expected: int | None, code: str, tmp_path: Path
) -> None:
    """The target is of the ARM type that the update names, not the first resource around."""
    result = report(plan(*updated({"sku": size, "instances": 1}, **sku)), tmp_path)
    state = next(each for each in result.resources if each.address == "azapi_update_resource.u").after
    assert state is not None
    assert (state.gpus.expected, state.region) == (expected, "eastus")
    note = next(each for each in result.diagnostics if each.code == code)
    assert "azurerm_linux_virtual_machine_scale_set.s" in note.message


@pytest.mark.parametrize(
    ("scale", "expected"),
    [
        ({"manual": [{"size": T4, "count": 2}]}, [(T4, 2, 2)]),
        ({"manual": [{"size": "Standard_D4s_v5", "count": 2}]}, []),
        ({"manual": [{"sizes": [T4], "count": 2}, {"size": "Standard_NC8as_T4_v3"}]},
         [(T4, 2, 2), ("Standard_NC8as_T4_v3", 1, 1)]),
        ({"autoscale": {"size": T4, "minCount": 1, "maxCount": 6}}, [(T4, 1, 6)]),
        ({"autoscale": [{"size": T4, "maxCount": 6}]}, [(T4, 0, 6)]),
        ({"manual": 7, "autoscale": ["x", {"size": 7}]}, []),
        ({"manual": [{"size": {}, "sizes": T4, "count": "x"}]}, []),
    ],
)  # fmt: skip
@pytest.mark.parametrize("inside", [True, False])
def test_pools_of_virtual_machines_have_several_sizes(
    scale: Json, expected: list[tuple[str, int, int]], inside: bool, tmp_path: Path
) -> None:
    """https://learn.microsoft.com/azure/aks/virtual-machines-node-pools: such a pool has no vmSize."""
    pool = {"type": "VirtualMachines", "virtualMachinesProfile": {"scale": scale}}
    agents = "Microsoft.ContainerService/managedClusters/agentPools@2025-05-01"
    block = cluster({"name": "p", **pool}) if inside else arm(agents, {"properties": pool})
    result = list(found(plan(block), tmp_path).values())
    pools = [each for resource_ in result if resource_.after is not None for each in resource_.after.pools]
    assert [(each.sku, each.units.expected, each.units.max) for each in pools if each.gpu] == expected


def test_provisioned_performance_of_data_disks(tmp_path: Path) -> None:
    """3,000 IOPS and 125 MB/s of a Premium SSD v2 are free."""
    disk = {"diskSizeGB": 512, "managedDisk": {"storageAccountType": "PremiumV2_LRS"}}
    disk |= {"diskIOPSReadWrite": 6000, "diskMBpsReadWrite": 300}
    side = after(plan(arm(VM, vm(storageProfile={"dataDisks": [disk]}))), tmp_path)
    quantities = [each.quantity for each in side.components if each.sku == "PremiumV2_LRS"]
    assert quantities == [512, 3000, 175]


# -- other services of the table ----------------------------------------------------------------------------------------------


def role(**values: Any) -> Json:
    return {"hardwareProfile": {"vmSize": T4}, **values}


GPU = {"resources": {"requests": {"cpu": 4, "memoryInGB": 8, "gpu": {"count": 2, "sku": "V100"}}}}


@pytest.mark.parametrize(
    ("type_", "body", "expected"),
    [
        pytest.param(
            "Microsoft.Compute/capacityReservationGroups/capacityReservations@2024-07-01", {"sku": {"name": T4, "capacity": 2}},
            [("capacity_reservation", 2, 2, 2)], id="a capacity reservation",
        ),
        pytest.param("Microsoft.Compute/hostGroups/hosts@2024-07-01", {"sku": {"name": "NVASv4-Type1"}},
                     [("on_demand", 1, 1, 1)], id="a host"),
        pytest.param(
            "Microsoft.Batch/batchAccounts/pools@2024-07-01",
            {"properties": {"vmSize": T4, "scaleSettings": {"autoScale": {"formula": "$TargetDedicatedNodes = min(5, $x);"}}}},
            [("on_demand", 0, 0, 5)], id="a Batch pool",
        ),
        pytest.param("Microsoft.ContainerInstance/containerGroups@2023-05-01", {"properties": {"containers": [{"properties": GPU}]}},
                     [("on_demand", 1, 1, 1)], id="a container group"),
        pytest.param(
            "Microsoft.App/managedEnvironments@2025-01-01",
            {"properties": {"workloadProfiles": [{"name": "a", "workloadProfileType": "NC24-A100", "minimumCount": 1, "maximumCount": 2}]}},
            [("on_demand", 1, 1, 2)], id="an environment with GPU nodes",
        ),
        pytest.param(
            "Microsoft.App/jobs@2025-01-01",
            {"properties": {"workloadProfileName": "Consumption-GPU-NC8as-T4", "configuration": {"replicaTimeout": 60,
             "scheduleTriggerConfig": {"cronExpression": "0 1 * * *", "parallelism": 2}},
             "template": {"containers": [{"resources": {"cpu": 8, "memory": "56Gi"}}]}}},
            [("on_demand", 0, 0, 2)], id="a job",
        ),
        pytest.param("Microsoft.Synapse/workspaces/bigDataPools@2021-06-01",
                     {"properties": {"nodeSizeFamily": "HardwareAcceleratedGPU", "nodeSize": "Large", "nodeCount": 3}},
                     [("on_demand", 0, 0, 3)], id="a Spark pool"),
        pytest.param("Microsoft.HDInsight/clusters@2023-08-15-preview",
                     {"properties": {"computeProfile": {"roles": [role(targetInstanceCount=2)]}}},
                     [("on_demand", 2, 2, 2)], id="HDInsight"),
        pytest.param("Microsoft.RedHatOpenShift/openShiftClusters@2024-08-12-preview",
                     {"properties": {"workerProfiles": [{"vmSize": T4, "count": 3, "diskSizeGB": 128}]}},
                     [("on_demand", 3, 3, 3)], id="OpenShift"),
        pytest.param("Microsoft.ServiceFabric/managedClusters/nodeTypes@2024-04-01",
                     {"properties": {"vmSize": T4, "vmInstanceCount": 2, "isSpotVM": True}}, [("spot", 2, 2, 2)], id="Service Fabric"),
        pytest.param("Microsoft.DevOpsInfrastructure/pools@2024-10-19",
                     {"properties": {"maximumConcurrency": 3, "fabricProfile": {"sku": {"name": T4}}}},
                     [("on_demand", 0, 0, 3)], id="DevOps agents"),
    ],
)  # fmt: skip
def test_every_arm_type_of_the_table(type_: str, body: Json, expected: list[Any], tmp_path: Path) -> None:
    side = after(plan(arm(type_, body)), tmp_path)
    assert sizes(side) == expected
    assert side.gpus.max
