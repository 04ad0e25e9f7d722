"""Exoscale: instances, instance pools and node pools.

Unit prices used here, the same in all zones: gpu3.small 1.0453 an hour, gpua5000.small 1.34028. Disks have no price in the catalog.
"""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.extract.plans import Block, Json, after, codes, plan, ref, report, resource

GPU, CPU, ZONE = "gpu3.small", "standard.medium", "ch-gva-2"


def instance(**values: Any) -> Block:
    return resource("exoscale_compute_instance.a", {"type": GPU, "zone": ZONE, "disk_size": 100, **values})


def node_pool(**values: Any) -> Block:
    own = {"instance_type": "gpua5000.small", "zone": ZONE, "size": 2, **values}
    expressions = {"cluster_id": ref("exoscale_sks_cluster.c.id")}
    return resource("exoscale_sks_nodepool.p", own, unknown={"cluster_id": True}, expressions=expressions)


def compute(document: Json, folder: Path) -> Decimal:
    state = after(document, folder)
    return sum((each.monthly or Decimal(0) for each in state.components if each.kind == "compute"), Decimal(0))


def test_an_instance_costs_its_hourly_price_and_its_disk_is_named(tmp_path: Path) -> None:
    document = plan(instance(labels={"team": "ml"}))
    assert compute(document, tmp_path) == Decimal("1.0453") * 730
    state = after(document, tmp_path)
    assert [each.quantity for each in state.components if each.kind == "storage"] == [100]
    assert state.region == ZONE


@pytest.mark.parametrize(("state", "told"), [("stopped", True), ("running", False), (None, False), (7, False)])
def test_a_stopped_instance_is_counted_and_that_is_told(tmp_path: Path, state: object, told: bool) -> None:
    result = report(plan(instance(state=state)), tmp_path)
    assert result.summary.gpus_after == 1
    assert ("stopped" in codes(result)) is told


@pytest.mark.parametrize(
    ("attribute", "size", "gpus"),
    [("instance_type", 3, 3), ("service_offering", 2, 2), ("instance_type", 0, 0), ("instance_type", None, 0)],
)
def test_an_instance_pool_has_a_fixed_size(tmp_path: Path, attribute: str, size: int | None, gpus: int) -> None:
    values = {attribute: "gpua5000.medium", "zone": ZONE, "size": size, "disk_size": 50}
    state = after(plan(resource("exoscale_instance_pool.p", values)), tmp_path)
    assert state.gpus.expected == gpus * 2


def test_a_node_pool_has_fifty_gigabytes_on_every_node_unless_it_says_otherwise(tmp_path: Path) -> None:
    state = after(plan(node_pool()), tmp_path)
    assert state.gpus.expected == 2
    assert [each.quantity for each in state.components if each.kind == "storage"] == [100]
    assert compute(plan(node_pool(disk_size=200)), tmp_path) == Decimal("1.34028") * 1460


def test_an_unknown_size_is_not_taken_for_zero(tmp_path: Path) -> None:
    values = {"instance_type": "gpua5000.small", "zone": ZONE}
    block = resource(
        "exoscale_sks_nodepool.p", values, unknown={"size": True}, expressions={"size": ref("random_integer.n.result")}
    )
    size = resource("random_integer.n", {"min": 1, "max": 3}, unknown={"result": True})
    assert after(plan(block, size), tmp_path).gpus.expected is None


def test_an_unknown_type_is_told(tmp_path: Path) -> None:
    block = resource(
        "exoscale_compute_instance.a",
        {"zone": ZONE},
        unknown={"type": True},
        expressions={"type": ref("random_pet.x.id")},
    )
    assert "unknown-machine-type" in codes(report(plan(block), tmp_path))


def test_a_family_the_catalog_does_not_know_is_seen_all_the_same(tmp_path: Path) -> None:
    result = report(plan(instance(type="gpurtx6000pro.large")), tmp_path)
    assert result.summary.unpriced == 1


def test_an_untouched_instance_is_in_the_total_and_not_in_the_delta(tmp_path: Path) -> None:
    values = {"type": GPU, "zone": ZONE, "disk_size": 10}
    result = report(plan(resource("exoscale_compute_instance.a", values, before=values)), tmp_path)
    assert result.summary.gpus_before == result.summary.gpus_after == 1
    assert result.summary.monthly_delta == 0


@pytest.mark.parametrize(
    "block",
    [
        pytest.param(instance(type=CPU), id="a plain instance"),
        pytest.param(node_pool(instance_type=CPU), id="a plain node pool"),
        pytest.param(
            resource("exoscale_instance_pool.p", {"instance_type": CPU, "zone": ZONE, "size": 9}),
            id="a plain instance pool",
        ),
        pytest.param(
            resource("exoscale_sks_cluster.c", {"name": "gpu", "zone": ZONE}), id="a cluster, whose pools are apart"
        ),
        pytest.param(resource("exoscale_anti_affinity_group.g", {"name": "gpu"}), id="a group that holds nothing"),
        pytest.param(resource("exoscale_block_storage_volume.v", {"name": "models", "zone": ZONE}), id="a volume"),
    ],
)
def test_what_has_no_gpu_stays_silent(tmp_path: Path, block: Block) -> None:
    result = report(plan(block), tmp_path)
    assert result.resources == ()
    assert codes(result) == set()
