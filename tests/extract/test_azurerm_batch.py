"""Azure Batch: pools of fixed size, autoscale formulas, licences.

Unit prices used here, East US (the catalog's tables): Standard_NC4as_T4_v3 0.526 an hour, spot 0.1525; West Europe on
Windows 0.842, on Linux 0.658.
"""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gpuguard.extract.providers.azurerm.batch_formula import bounds
from gpuguard.model.report import State
from tests.extract.plans import Block, Json, after, codes, plan, report, resource

T4 = "Standard_NC4as_T4_v3"
IMAGE = {"publisher": "microsoft-dsvm", "offer": "ubuntu-hpc", "sku": "2204", "version": "latest"}


def account(location: str = "eastus") -> Block:
    return resource("azurerm_batch_account.b", {"name": "acme", "location": location}, unknown={"id": True})


def pool(**values: Any) -> Block:
    own: Json = {
        "vm_size": T4,
        "account_name": "acme",
        "node_agent_sku_id": "batch.node.ubuntu 22.04",
        "storage_image_reference": [IMAGE],
        "os_disk_placement": "CacheDisk",
    }
    return resource("azurerm_batch_pool.p", {**own, **values}, unknown={"id": True})


def fixed(dedicated: object, spare: object = 0) -> Json:
    return {"fixed_scale": [{"target_dedicated_nodes": dedicated, "target_low_priority_nodes": spare}]}


def nodes(side: State) -> dict[str, tuple[float | None, ...]]:
    return {each.purchase_model: (each.units.min, each.units.expected, each.units.max) for each in side.pools}


@pytest.mark.parametrize(
    ("values", "expected", "monthly"),
    [
        pytest.param(fixed(2), {"on_demand": (2, 2, 2)}, Decimal("0.526") * 1460, id="dedicated"),
        pytest.param(fixed(0, 3), {"spot": (3, 3, 3)}, Decimal("0.1525") * 2190, id="low priority"),
        pytest.param(
            fixed(1, 2),
            {"on_demand": (1, 1, 1), "spot": (2, 2, 2)},
            Decimal("0.526") * 730 + Decimal("0.1525") * 1460,
            id="both",
        ),
        pytest.param(fixed(0), {"on_demand": (0, 0, 0)}, Decimal(0), id="none yet"),
        pytest.param({}, {"on_demand": (0, 0, 0)}, Decimal(0), id="no scale at all"),
        pytest.param(fixed([1]), {"on_demand": (None, None, None)}, None, id="a number of a wrong type"),
    ],
)
def test_fixed_sizes(values: Json, expected: dict[str, Any], monthly: Decimal | None, tmp_path: Path) -> None:
    side = after(plan(pool(**values), account()), tmp_path)
    assert (nodes(side), side.monthly.expected) == (expected, monthly)


PENDING = "p = avg($PendingTasks.GetSample(180 * TimeInterval_Second));"


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        pytest.param("$TargetDedicatedNodes = 4;", {"on_demand": (4, 4, 4)}, id="a number"),
        pytest.param(f"{PENDING} $TargetDedicatedNodes = min(10, p);", {"on_demand": (0, 0, 10)}, id="min of a number"),
        pytest.param(f"{PENDING} $TargetDedicatedNodes=max(1,min(p, 6));", {"on_demand": (1, 1, 6)}, id="nested"),
        pytest.param(
            f"m = 25; {PENDING} $TargetDedicatedNodes = min(m, p);", {"on_demand": (0, 0, 25)}, id="a variable"
        ),
        pytest.param("$TargetDedicatedNodes = $Hour > 7 ? 5 : 2;", {"on_demand": (2, 2, 5)}, id="a condition"),
        pytest.param("$TargetDedicatedNodes = (3);", {"on_demand": (3, 3, 3)}, id="brackets"),
        pytest.param(
            f"{PENDING} $TargetDedicatedNodes = 1; $TargetLowPriorityNodes = min(8, p);",
            {"on_demand": (1, 1, 1), "spot": (0, 0, 8)},
            id="both kinds",
        ),
        pytest.param(
            "// $TargetDedicatedNodes = 9;\n$TargetDedicatedNodes = 2;", {"on_demand": (2, 2, 2)}, id="a comment"
        ),
        pytest.param("$TargetDedicatedNodes = $PendingTasks.GetSample(1);", {"on_demand": (0, 0, None)}, id="no limit"),
        pytest.param("$TargetDedicatedNodes = max(10, $x);", {"on_demand": (10, 10, None)}, id="only a lower limit"),
        pytest.param("nonsense ((((", {"on_demand": (0, 0, 0)}, id="sets nothing"),
    ],
)
def test_what_a_formula_says_of_the_size(formula: str, expected: dict[str, Any], tmp_path: Path) -> None:
    """Counted at the least, with the most as the maximum; without one, the ceiling is not known and told."""
    result = report(plan(pool(auto_scale=[{"formula": formula}]), account()), tmp_path)
    state = result.resources[0].after
    assert state is not None
    assert nodes(state) == expected
    assert ("unbounded-batch-pool" in codes(result)) == any(size[2] is None for size in expected.values())


def test_a_formula_that_only_apply_can_tell_has_no_known_size(tmp_path: Path) -> None:
    block = resource(
        "azurerm_batch_pool.p",
        {"vm_size": T4, "account_name": "acme", "auto_scale": [{}]},
        unknown={"auto_scale": [{"formula": True}]},
        expressions={"auto_scale": [{"formula": {"references": ["random_pet.p.id", "random_pet.p"]}}]},
    )
    result = report(plan(block, account(), resource("random_pet.p", {}, unknown={"id": True})), tmp_path)
    assert "unbounded-batch-pool" in codes(result)
    state = result.resources[0].after
    assert state is not None
    assert state.monthly.max is None


@pytest.mark.parametrize(
    "formula",
    [
        "(" * 5000,
        "min(" * 3000 + "1" + ")" * 3000,
        "a=" * 9000,
        "?" * 9000,
        "a?b:" * 4000,
        "=" * 9000,
        ";" * 9000,
        "a = a;" * 3000,
    ],
)
def test_formulas_made_to_hurt_are_read_in_no_time(formula: str) -> None:
    bounds(formula)


@pytest.mark.parametrize(
    ("values", "hourly"),
    [
        pytest.param({"node_agent_sku_id": "batch.node.windows amd64"}, "0.842", id="the agent is Windows"),
        pytest.param(
            {"storage_image_reference": [{"publisher": "MicrosoftWindowsServer", "offer": "WindowsServer"}]},
            "0.842",
            id="image",
        ),
        pytest.param(
            {"node_agent_sku_id": "batch.node.windows amd64", "license_type": "Windows_Server"},
            "0.658",
            id="brought along",
        ),
        pytest.param({"node_agent_sku_id": "batch.node.windows amd64", "license_type": "None"}, "0.842", id="None"),
        pytest.param({}, "0.658", id="Linux"),
    ],
)
def test_windows_licences(values: Json, hourly: str, tmp_path: Path) -> None:
    side = after(plan(pool(**fixed(1), **values), account("westeurope")), tmp_path)
    assert side.monthly.expected == Decimal(hourly) * 730


def test_disks_of_the_nodes(tmp_path: Path) -> None:
    """Data disks by their tier; the OS disk has the image's size, which the plan does not tell."""
    disk = {"lun": 0, "disk_size_gb": 512, "storage_account_type": "Premium_LRS"}
    result = report(plan(pool(**fixed(2), data_disks=[disk], os_disk_placement=None), account()), tmp_path)
    state = result.resources[0].after
    assert state is not None
    storage = [(each.sku, each.quantity) for each in state.components if each.kind == "storage"]
    assert storage == [("P20-LRS", 2)]
    assert "unknown-disk-size" in codes(result)


@pytest.mark.parametrize(
    "block",
    [
        pool(vm_size="STANDARD_D4S_V3", **fixed(100)),
        resource("azurerm_batch_account.b", {"name": "acme"}),
        resource("azurerm_batch_job.j", {"name": "j"}),
    ],
    ids=["no GPU", "an account", "a job"],
)
def test_what_starts_no_gpu_stays_silent(block: Block, tmp_path: Path) -> None:
    result = report(plan(block), tmp_path)
    assert (result.resources, codes(result)) == ((), set())
