"""Linode: instances and the node pools of its Kubernetes engine.

Unit prices used here, the same in all regions: g2-gpu-rtx4000a1-s 0.52 an hour, g1-gpu-rtx6000-1 1.50.
"""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gpuguard.model.report import State
from tests.extract.plans import Block, Json, after, codes, found, plan, ref, report, resource

GPU, CPU = "g2-gpu-rtx4000a1-s", "g6-standard-2"


def instance(**values: Any) -> Block:
    return resource("linode_instance.a", {"type": GPU, "region": "us-ord", **values})


def node_pool(**values: Any) -> Block:
    own = {"type": GPU, **values}
    expressions = {"cluster_id": ref("linode_lke_cluster.c.id")}
    return resource("linode_lke_node_pool.p", own, unknown={"id": True, "cluster_id": True}, expressions=expressions)


def cluster(*pools: Json) -> Block:
    return resource("linode_lke_cluster.c", {"region": "de-fra-2", "pool": list(pools)}, unknown={"id": True})


def units(state: State) -> tuple[float | None, ...]:
    size = state.pools[0].units
    return size.min, size.expected, size.max


def test_an_instance_costs_its_hourly_price_all_month(tmp_path: Path) -> None:
    assert after(plan(instance()), tmp_path).monthly.expected == Decimal("0.52") * 730


def test_a_powered_off_instance_costs_the_same_and_that_is_told(tmp_path: Path) -> None:
    result = report(plan(instance(booted=False)), tmp_path)
    assert result.summary.monthly_after == Decimal("0.52") * 730
    assert "billed-while-stopped" in codes(result)


@pytest.mark.parametrize("booted", [True, None, "maybe"])
def test_nothing_is_told_of_an_instance_that_runs(tmp_path: Path, booted: object) -> None:
    assert codes(report(plan(instance(booted=booted)), tmp_path)) == set()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param({"count": 2}, (2, 2, 2), id="a fixed number"),
        pytest.param({"count": 0}, (0, 0, 0), id="none"),
        pytest.param({"count": 2, "autoscaler": [{"min": 1, "max": 5}]}, (1, 2, 5), id="within its bounds"),
        pytest.param({"autoscaler": [{"min": 1, "max": 5}]}, (1, 1, 5), id="without a count the minimum"),
        pytest.param(
            {"count": 9, "autoscaler": [{"min": 1, "max": 5}]}, (1, 5, 5), id="above the maximum it is brought to it"
        ),
        pytest.param({"count": 1, "autoscaler": []}, (1, 1, 1), id="no autoscaler"),
    ],
)
def test_the_sizes_of_a_pool_of_the_cluster(tmp_path: Path, values: Json, expected: tuple[float, ...]) -> None:
    assert units(after(plan(cluster({"type": GPU, **values})), tmp_path)) == expected


def test_only_the_pools_with_gpus_are_counted(tmp_path: Path) -> None:
    state = after(
        plan(cluster({"type": CPU, "count": 9}, {"type": GPU, "count": 1}, {"type": GPU, "count": 2})), tmp_path
    )
    assert [pool.units.expected for pool in state.pools] == [1, 2]
    assert state.monthly.expected == Decimal("0.52") * 730 * 3


def test_a_separate_pool_is_in_the_region_of_its_cluster_and_counted_once(tmp_path: Path) -> None:
    resources = found(plan(cluster({"type": CPU, "count": 3}), node_pool(node_count=1)), tmp_path)
    assert list(resources) == ["linode_lke_node_pool.p"]
    state = resources["linode_lke_node_pool.p"].after
    assert state is not None
    assert state.region == "de-fra-2"


def test_without_its_cluster_the_region_of_a_pool_is_not_known(tmp_path: Path) -> None:
    block = resource("linode_lke_node_pool.p", {"type": GPU, "node_count": 1, "cluster_id": "12345"})
    result = report(plan(block, cluster({"type": CPU, "count": 1})), tmp_path)
    assert "unknown-region" in codes(result)


def test_an_unknown_type_is_told(tmp_path: Path) -> None:
    block = resource(
        "linode_instance.a", {"region": "us-ord"}, unknown={"type": True}, expressions={"type": ref("random_pet.x.id")}
    )
    assert "unknown-machine-type" in codes(report(plan(block), tmp_path))


def test_a_deleted_instance_is_what_the_change_saves(tmp_path: Path) -> None:
    block = resource("linode_instance.a", None, before={"type": GPU, "region": "us-ord"})
    assert report(plan(block), tmp_path).summary.monthly_delta == -Decimal("0.52") * 730


@pytest.mark.parametrize("kind", [1, 1.5, ["g2"], {"a": 1}, True])
def test_a_type_that_is_no_text_is_told_and_breaks_nothing(tmp_path: Path, kind: object) -> None:
    assert "unreadable-value" in codes(report(plan(instance(type=kind)), tmp_path))


@pytest.mark.parametrize(
    "block",
    [
        pytest.param(instance(type=CPU), id="a plain instance"),
        pytest.param(instance(type="g1-accelerated-netint-vpu-t1u1-s"), id="a video transcoder"),
        pytest.param(cluster({"type": CPU, "count": 9}), id="a plain cluster"),
        pytest.param(cluster(), id="a cluster without pools"),
        pytest.param(node_pool(type=CPU, node_count=5), id="a plain pool"),
        pytest.param(resource("linode_volume.a", {"label": "gpu-data", "size": 20}), id="a volume"),
        pytest.param(resource("linode_instance_disk.a", {"label": "gpu-scratch"}), id="a disk"),
    ],
)
def test_what_has_no_gpu_stays_silent(tmp_path: Path, block: Block) -> None:
    result = report(plan(block), tmp_path)
    assert result.resources == ()
    assert codes(result) == set()
