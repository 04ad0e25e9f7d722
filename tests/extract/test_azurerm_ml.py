"""Azure Machine Learning: compute clusters and instances.

Unit prices used here, West Europe (the catalog's tables): Standard_NC4as_T4_v3 0.658 an hour, spot 0.457113;
a P10 disk 21.68 a month.
"""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gpuguard.model.report import State
from tests.extract.plans import Block, Json, after, codes, const, data, found, plan, ref, report, resource

T4 = "Standard_NC4as_T4_v3"
WORKSPACE_ID = "/subscriptions/0/resourceGroups/ml/providers/Microsoft.MachineLearningServices/workspaces/w"


def cluster(unknown: Json | None = None, expressions: Json | None = None, **values: Any) -> Block:
    own: Json = {"vm_size": T4, "vm_priority": "Dedicated", "location": "westeurope", "scale_settings": [scale(0, 4)]}
    return resource(
        "azurerm_machine_learning_compute_cluster.c",
        {**own, **values},
        unknown={"id": True, "machine_learning_workspace_id": True, **(unknown or {})},
        expressions={
            "machine_learning_workspace_id": ref("azurerm_machine_learning_workspace.w.id"),
            **(expressions or {}),
        },
    )


def scale(low: object, high: object) -> Json:
    return {"min_node_count": low, "max_node_count": high, "scale_down_nodes_after_idle_duration": "PT15M"}


def instance(unknown: Json | None = None, **values: Any) -> Block:
    return resource(
        "azurerm_machine_learning_compute_instance.i",
        {"virtual_machine_size": T4, **values},
        unknown={"id": True, "machine_learning_workspace_id": True, **(unknown or {})},
        expressions={"machine_learning_workspace_id": ref("azurerm_machine_learning_workspace.w.id")},
    )


def workspace(**values: Any) -> Block:
    own = {"name": "w", "location": "westeurope", **values}
    return resource("azurerm_machine_learning_workspace.w", own, unknown={"id": True})


def sizes(side: State) -> tuple[float | None, ...]:
    units = side.pools[0].units
    return units.min, units.expected, units.max


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        pytest.param([scale(0, 4)], (0, 0, 4), id="empty until a job asks"),
        pytest.param([scale(2, 4)], (2, 2, 4), id="some nodes stay warm"),
        pytest.param([scale("1", "3")], (1, 1, 3), id="numbers as texts"),
        pytest.param([scale(3, 3)], (3, 3, 3), id="always the same"),
        pytest.param([], (0, 0, None), id="no block"),
        pytest.param([scale(-1, 4)], (None, None, 4), id="an implausible size is not known"),
        pytest.param([scale([1], {"a": 1})], (None, None, None), id="sizes of a wrong type are not known"),
        pytest.param([scale(0, 0)], (0, 0, 0), id="none at all"),
    ],
)
def test_a_cluster_starts_with_its_minimum(
    settings: list[Json], expected: tuple[int | None, ...], tmp_path: Path
) -> None:
    assert sizes(after(plan(cluster(scale_settings=settings)), tmp_path)) == expected


@pytest.mark.parametrize(
    ("priority", "model", "hourly"),
    [
        ("Dedicated", "on_demand", "0.658"),
        ("LowPriority", "spot", "0.457113"),
        ("lowpriority", "spot", "0.457113"),
        (None, "on_demand", "0.658"),
    ],
)
def test_low_priority_is_spot(priority: str | None, model: str, hourly: str, tmp_path: Path) -> None:
    side = after(plan(cluster(vm_priority=priority, scale_settings=[scale(2, 2)])), tmp_path)
    assert (side.pools[0].purchase_model, side.monthly.expected) == (model, Decimal(hourly) * 1460)


@pytest.mark.parametrize("size", ["STANDARD_NC4AS_T4_V3", "standard_nc4as_t4_v3", T4])
def test_sizes_match_in_any_spelling(size: str, tmp_path: Path) -> None:
    assert after(plan(cluster(vm_size=size)), tmp_path).pools[0].sku == T4


def test_an_instance_runs_all_month_with_its_disk(tmp_path: Path) -> None:
    """The P10 disk is billed also while the instance is stopped."""
    side = after(plan(instance(), workspace()), tmp_path)
    assert (side.region, side.monthly.expected) == ("westeurope", Decimal("0.658") * 730 + Decimal("21.68"))


@pytest.mark.parametrize(
    ("blocks", "region"),
    [
        pytest.param([instance(), workspace(location="East US")], "eastus", id="the workspace's"),
        pytest.param([instance(location="uksouth"), workspace()], "uksouth", id="its own, before azurerm 4"),
        pytest.param(
            [
                resource(
                    "azurerm_machine_learning_compute_instance.i",
                    {"virtual_machine_size": T4},
                    unknown={"machine_learning_workspace_id": True},
                    expressions={"machine_learning_workspace_id": ref("data.azurerm_machine_learning_workspace.w.id")},
                ),
                data("data.azurerm_machine_learning_workspace.w", {"name": "w", "location": "northeurope"}),
            ],
            "northeurope",
            id="that of a workspace read while planning",
        ),
        pytest.param([instance(machine_learning_workspace_id=WORKSPACE_ID)], None, id="nothing says it"),
    ],
)
def test_regions_of_instances(blocks: list[Block], region: str | None, tmp_path: Path) -> None:
    result = report(plan(*blocks), tmp_path)
    assert result.resources[0].after is not None
    assert result.resources[0].after.region == region
    assert ("unknown-region" in codes(result)) == (region is None)


@pytest.mark.parametrize(
    "block",
    [
        cluster(vm_size="STANDARD_DS3_V2"),
        instance(virtual_machine_size="Standard_DS3_v2"),
        resource("azurerm_machine_learning_inference_cluster.k", {"name": "k", "cluster_purpose": "FastProd"}),
        resource(
            "azurerm_machine_learning_workspace.w", {"name": "w", "serverless_compute": [{"public_ip_enabled": True}]}
        ),
        resource("azurerm_machine_learning_synapse_spark.s", {"name": "s"}),
        resource(
            "azurerm_cognitive_deployment.d", {"name": "d", "sku": [{"name": "ProvisionedManaged", "capacity": 100}]}
        ),
        resource("azurerm_ai_services.a", {"name": "a", "sku_name": "S0"}),
        resource("azurerm_ai_foundry.f", {"name": "f"}),
    ],
    ids=lambda block: block.address,
)
def test_what_starts_no_gpu_stays_silent(block: Block, tmp_path: Path) -> None:
    """Provisioned throughput is no GPU of one's own, and attaching a cluster costs nothing."""
    result = report(plan(block), tmp_path)
    assert (result.resources, codes(result)) == ((), set())


def test_a_size_that_only_apply_can_tell_is_an_unknown_gpu(tmp_path: Path) -> None:
    block = cluster(vm_size=None, unknown={"vm_size": True}, expressions={"vm_size": ref("random_pet.p.id")})
    result = report(plan(block, resource("random_pet.p", {}, unknown={"id": True})), tmp_path)
    state = result.resources[0].after
    assert state is not None
    assert (state.pools[0].sku, state.monthly.max) == (None, None)
    assert "unknown-machine-type" in codes(result)


def test_a_size_behind_a_variable_is_found(tmp_path: Path) -> None:
    block = cluster(vm_size=None, unknown={"vm_size": True}, expressions={"vm_size": ref("var.size")})
    assert after(plan(block, variables={"size": T4}), tmp_path).pools[0].sku == T4


@pytest.mark.parametrize("size", [7, ["a"], {"a": 1}, True])
def test_a_size_of_a_wrong_type_is_told(size: object, tmp_path: Path) -> None:
    assert "unreadable-value" in codes(report(plan(cluster(vm_size=size)), tmp_path))


def test_the_side_before_the_change_is_read_alike(tmp_path: Path) -> None:
    """A larger maximum: an update in place."""
    before: Json = {
        "vm_size": T4,
        "vm_priority": "Dedicated",
        "location": "westeurope",
        "scale_settings": [scale(1, 2)],
    }
    later = {**before, "scale_settings": [scale(2, 8)]}
    block = resource(
        "azurerm_machine_learning_compute_cluster.c", later, before=before, expressions={"vm_size": const(T4)}
    )
    entry = found(plan(block), tmp_path)["azurerm_machine_learning_compute_cluster.c"]
    assert entry.before is not None
    assert entry.after is not None
    assert (sizes(entry.before), sizes(entry.after)) == ((1, 1, 2), (2, 2, 8))
