"""Vultr: cloud GPU instances, bare metal and the node pools of its Kubernetes engine.

Unit prices used here: vcg-a100-12c-120g-80vram in ewr 2.397 an hour, vcg-a100-1c-6g-4vram in ewr 0.123, vcg-a40-24c-120g-48vram in
blr 1.712, vbm-112c-2048gb-8-h100-gpu in sea 23.92.
"""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gpuguard.model.report import State
from tests.extract.plans import Block, Json, after, codes, plan, ref, report, resource

A100, A40, METAL, CPU = (
    "vcg-a100-12c-120g-80vram",
    "vcg-a40-24c-120g-48vram",
    "vbm-112c-2048gb-8-h100-gpu",
    "vc2-4c-8gb",
)


def server(kind: str = "vultr_instance", **values: Any) -> Block:
    return resource(f"{kind}.a", {"plan": A100, "region": "ewr", **values})


def cluster(**values: Any) -> Block:
    pools = [{"plan": A40, "node_quantity": 2, "auto_scaler": False, **values}]
    return resource("vultr_kubernetes.c", {"region": "blr", "node_pools": pools}, unknown={"id": True})


def units(state: State) -> tuple[float | None, ...]:
    size = state.pools[0].units
    return size.min, size.expected, size.max


@pytest.mark.parametrize(
    ("kind", "values", "gpus", "hourly"),
    [
        pytest.param("vultr_instance", {}, 1, "2.397", id="a whole GPU"),
        pytest.param("vultr_instance", {"plan": "vcg-a100-1c-6g-4vram"}, 0.05, "0.123", id="a part of a GPU"),
        pytest.param("vultr_bare_metal_server", {"plan": METAL, "region": "sea"}, 8, "23.92", id="bare metal"),
    ],
)
def test_a_server_costs_its_hourly_price_all_month(
    tmp_path: Path, kind: str, values: Json, gpus: float, hourly: str
) -> None:
    state = after(plan(server(kind, **values)), tmp_path)
    assert state.gpus.expected == gpus
    assert state.monthly.expected == Decimal(hourly) * 730


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param({}, (2, 2, 2), id="a fixed number"),
        pytest.param({"node_quantity": 0}, (0, 0, 0), id="none"),
        pytest.param({"auto_scaler": True, "min_nodes": 1, "max_nodes": 4}, (1, 2, 4), id="within its bounds"),
        pytest.param({"auto_scaler": True}, (1, 1, 1), id="both bounds are one unless they are set"),
        pytest.param({"node_quantity": "x"}, (None, None, None), id="what is no number is not known"),
    ],
)
def test_the_sizes_of_the_default_pool(tmp_path: Path, values: Json, expected: tuple[float | None, ...]) -> None:
    assert units(after(plan(cluster(**values)), tmp_path)) == expected


def test_the_default_pool_and_a_separate_one_are_counted_once_each(tmp_path: Path) -> None:
    extra = resource(
        "vultr_kubernetes_node_pools.p",
        {"plan": A40, "node_quantity": 1, "auto_scaler": True, "min_nodes": 1, "max_nodes": 3, "tag": "team"},
        unknown={"cluster_id": True},
        expressions={"cluster_id": ref("vultr_kubernetes.c.id")},
    )
    result = report(plan(cluster(), extra), tmp_path)
    assert result.summary.gpus_after == 3
    assert result.summary.monthly_after == Decimal("1.712") * 730 * 3
    assert {each.after.region for each in result.resources if each.after} == {"blr"}


def test_a_plan_that_the_catalog_has_no_price_of_is_named_with_its_gpus(tmp_path: Path) -> None:
    result = report(plan(server(plan="vcg-b200-248c-2826g-1536vram")), tmp_path)
    assert result.summary.unpriced == 1
    assert result.summary.gpus_after == 8


def test_a_family_the_catalog_does_not_know_is_seen_all_the_same(tmp_path: Path) -> None:
    result = report(plan(server(plan="vcg-x900-1c-1g-1vram")), tmp_path)
    assert [each.address for each in result.resources] == ["vultr_instance.a"]


def test_an_unknown_plan_is_told(tmp_path: Path) -> None:
    block = resource(
        "vultr_instance.a", {"region": "ewr"}, unknown={"plan": True}, expressions={"plan": ref("random_pet.x.id")}
    )
    assert "unknown-machine-type" in codes(report(plan(block), tmp_path))


def test_a_sensitive_plan_is_priced_and_not_shown(tmp_path: Path) -> None:
    block = resource("vultr_instance.a", {"plan": A100, "region": "ewr"}, change={"after_sensitive": {"plan": True}})
    state = after(plan(block), tmp_path)
    assert state.pools[0].sku == "(sensitive)"
    assert state.monthly.expected == Decimal("2.397") * 730


@pytest.mark.parametrize(
    "block",
    [
        pytest.param(server(plan=CPU), id="a plain instance"),
        pytest.param(server("vultr_bare_metal_server", plan="vbm-4c-32gb"), id="plain bare metal"),
        pytest.param(cluster(plan=CPU), id="a plain cluster"),
        pytest.param(resource("vultr_kubernetes.c", {"region": "blr", "node_pools": []}), id="a cluster without pools"),
        pytest.param(resource("vultr_inference.a", {"label": "gpu"}), id="inference, which is billed by the token"),
        pytest.param(resource("vultr_virtual_file_system_storage.a", {"label": "a100-datasets"}), id="a file system"),
        pytest.param(resource("vultr_block_storage.a", {"region": "ewr", "size_gb": 100}), id="block storage"),
    ],
)
def test_what_has_no_gpu_stays_silent(tmp_path: Path, block: Block) -> None:
    result = report(plan(block), tmp_path)
    assert result.resources == ()
    assert codes(result) == set()
