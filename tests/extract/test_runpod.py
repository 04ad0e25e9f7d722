"""RunPod: pods, endpoints and instant clusters, as both of its providers write them.

Unit prices used here (a GPU and hour): H100 80GB HBM3 3.99, L40S 0.99, A40 0.44, RTX 4090 0.74; serverless ADA_48_PRO 1.908, AMPERE_48
1.224; container disk and volume 0.10 a GiB and month.
"""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.extract.plans import Block, Json, after, codes, plan, ref, report, resource

H100, L40S, A40 = "NVIDIA H100 80GB HBM3", "NVIDIA L40S", "NVIDIA A40"


def pod(unknown: Json | None = None, **values: Any) -> Block:
    return resource("runpod_pod.a", {"gpu_type_id": H100, **values}, unknown={"id": True, **(unknown or {})})


def endpoint(**values: Any) -> Block:
    return resource("runpod_endpoint.a", {"gpu_type_ids": [L40S], **values}, unknown={"id": True})


def test_a_pod_is_billed_by_the_gpu(tmp_path: Path) -> None:
    state = after(plan(pod(gpu_count=4)), tmp_path)
    assert state.gpus.expected == 4
    assert state.pools[0].units.expected == 1
    assert state.monthly.expected == Decimal("3.99") * 4 * 730


def test_one_gpu_is_the_default(tmp_path: Path) -> None:
    assert after(plan(pod()), tmp_path).gpus.expected == 1


def test_disks_of_a_pod_are_billed_unless_a_network_volume_takes_the_place_of_the_volume(tmp_path: Path) -> None:
    own = after(plan(pod(container_disk_in_gb=50, volume_in_gb=100)), tmp_path)
    shared = after(plan(pod(container_disk_in_gb=50, volume_in_gb=100, network_volume_id="vol")), tmp_path)
    assert own.monthly.expected == Decimal("3.99") * 730 + 15
    assert shared.monthly.expected == Decimal("3.99") * 730 + 5


@pytest.mark.parametrize(
    ("values", "sku", "hourly"),
    [
        pytest.param({"gpu_type_ids": [A40, L40S]}, L40S, "0.99", id="the dearest where nothing says which"),
        pytest.param(
            {"gpu_type_ids": [A40, L40S], "gpu_type_priority": "custom"}, A40, "0.44", id="the first in custom priority"
        ),
        pytest.param({"gpu_type_ids": [A40]}, A40, "0.44", id="the only one"),
    ],
)
def test_of_several_gpu_types(tmp_path: Path, values: Json, sku: str, hourly: str) -> None:
    state = after(plan(resource("runpod_pod.a", values)), tmp_path)
    assert state.pools[0].sku == sku
    assert state.monthly.expected == Decimal(hourly) * 730


def test_a_pod_whose_gpu_runpod_picks_is_told(tmp_path: Path) -> None:
    result = report(plan(pod({"gpu_type_id": True}, gpu_type_id=None)), tmp_path)
    assert result.summary.unknown == 1
    assert "unknown-machine-type" in codes(result)


def test_a_gpu_type_that_the_catalog_does_not_know_is_a_gpu_all_the_same(tmp_path: Path) -> None:
    result = report(plan(pod(gpu_type_id="Tesla V100-PCIE-16GB", gpu_count=2)), tmp_path)
    assert result.summary.gpus_after == 2
    assert result.summary.unpriced == 1


@pytest.mark.parametrize("values", [{"type": "SPOT"}, {"interruptible": True}])
def test_an_interruptible_pod_is_spot_and_has_no_price(tmp_path: Path, values: Json) -> None:
    state = after(plan(pod(**values)), tmp_path)
    assert state.pools[0].purchase_model == "spot"
    assert state.monthly.expected is None


def test_the_price_of_the_secure_cloud_counts_for_the_community_cloud_and_that_is_told(tmp_path: Path) -> None:
    assert "secure-cloud-price" in codes(report(plan(pod(cloud_type="COMMUNITY")), tmp_path))
    assert codes(report(plan(pod(cloud_type="SECURE")), tmp_path)) == set()


@pytest.mark.parametrize(
    ("values", "region"),
    [
        pytest.param({}, "global", id="any data center"),
        pytest.param({"data_center_id": "EU-RO-1"}, "EU-RO-1", id="one"),
        pytest.param({"data_center_ids": ["US-KS-2"]}, "US-KS-2", id="a list of one"),
        pytest.param({"data_center_ids": ["US-KS-2", "EU-RO-1"]}, "global", id="one of several"),
    ],
)
def test_the_region_is_the_data_center(tmp_path: Path, values: Json, region: str) -> None:
    assert after(plan(pod(**values)), tmp_path).region == region


@pytest.mark.parametrize(
    ("values", "units"),
    [
        pytest.param({"workers_min": 1, "workers_max": 5}, (1, 1, 5), id="those always on are expected"),
        pytest.param({}, (0, 0, 3), id="none at least and three at most unless it says otherwise"),
        pytest.param({"workers_min": 0, "workers_max": 0}, (0, 0, 0), id="switched off"),
        pytest.param({"workers_min": 4, "workers_max": 1}, (4, 4, 4), id="never fewer than the minimum"),
    ],
)
def test_the_workers_of_an_endpoint(tmp_path: Path, values: Json, units: tuple[int, int, int]) -> None:
    size = after(plan(endpoint(**values)), tmp_path).pools[0].units
    assert (size.min, size.expected, size.max) == units


def test_workers_are_billed_by_the_pool_of_their_gpu(tmp_path: Path) -> None:
    state = after(plan(endpoint(gpu_type_ids=[A40, L40S], workers_min=1, workers_max=2, gpu_count=2)), tmp_path)
    assert state.pools[0].sku == L40S
    assert state.monthly.expected == Decimal("1.908") * 2 * 730
    assert state.monthly.max == Decimal("1.908") * 4 * 730


def test_an_instant_cluster_has_gpus_and_no_price(tmp_path: Path) -> None:
    state = after(
        plan(resource("runpod_cluster.c", {"gpu_type_id": H100, "pod_count": 2, "gpu_count_per_pod": 8})), tmp_path
    )
    assert state.gpus.expected == 16
    assert state.monthly.expected is None


def test_an_unknown_number_of_gpus_is_told(tmp_path: Path) -> None:
    block = resource(
        "runpod_pod.a",
        {"gpu_type_id": H100},
        unknown={"gpu_count": True},
        expressions={"gpu_count": ref("random_integer.n.result")},
    )
    count = resource("random_integer.n", {"min": 1, "max": 8}, unknown={"result": True})
    assert "unknown-gpu-count" in codes(report(plan(block, count), tmp_path))


@pytest.mark.parametrize("types", [5, {"a": 1}, [1, 2], [None], True, "x" * 5000, []])
def test_odd_gpu_types_break_nothing(tmp_path: Path, types: object) -> None:
    report(
        plan(resource("runpod_pod.a", {"gpu_type_ids": types}), resource("runpod_endpoint.b", {"gpu_type_ids": types})),
        tmp_path,
    )


@pytest.mark.parametrize(
    "block",
    [
        pytest.param(resource("runpod_pod.a", {"compute_type": "CPU", "cpu_flavor_ids": ["cpu3c"]}), id="a CPU pod"),
        pytest.param(pod(gpu_type_id=None, gpu_count=0), id="a pod without GPUs"),
        pytest.param(resource("runpod_endpoint.a", {"compute_type": "CPU", "workers_max": 3}), id="a CPU endpoint"),
        pytest.param(
            resource("runpod_template.t", {"name": "gpu", "image_name": "acme/train", "category": "NVIDIA"}),
            id="a template",
        ),
        pytest.param(resource("runpod_network_volume.v", {"name": "models", "size": 100}), id="a network volume"),
    ],
)
def test_what_has_no_gpu_stays_silent(tmp_path: Path, block: Block) -> None:
    result = report(plan(block), tmp_path)
    assert result.resources == ()
    assert codes(result) == set()
