"""Cloud TPU: what the names of accelerator types mean, and what slices cost.

Unit prices used here, a chip and hour (the catalog's tables): v5e in us-central1 1.20 on demand and 0.63 as Spot, v5p in
us-east5 4.20, v2 in europe-west4 1.2375, v2 and v3 pods there 1.50 and 2.00, v3 2.20; pd-balanced 0.10.
"""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gpuguard.model.report import State
from tests.extract.plans import Block, Json, after, codes, const, found, plan, ref, report, resource


def tpu(name: str = "t", type_: str = "google_tpu_v2_vm", **values: Any) -> Block:
    own = {"name": name, "zone": "us-central1-a", "runtime_version": "tpu-ubuntu2204-base", **values}
    return resource(f"{type_}.{name}", own)


def chips(side: State) -> tuple[str | None, float | None]:
    gpu = side.pools[0].gpu
    return (gpu.model if gpu else None), side.gpus.expected


@pytest.mark.parametrize(
    ("name", "model", "count"),
    [
        pytest.param("v2-8", "TPU-v2", 4, id="v2 counts cores"),
        pytest.param("v3-32", "TPU-v3", 16, id="v3 counts cores"),
        pytest.param("v4-8", "TPU-v4", 4, id="v4 counts cores"),
        pytest.param("v5p-8", "TPU-v5p", 4, id="v5p counts cores"),
        pytest.param("v5litepod-8", "TPU-v5e", 8, id="v5e counts chips"),
        pytest.param("v5litepod-1", "TPU-v5e", 1, id="a single chip of v5e"),
        pytest.param("v6e-256", "TPU-v6e", 256, id="v6e counts chips"),
        pytest.param("V6E-4", "TPU-v6e", 4, id="capital letters"),
    ],
)
def test_names_of_accelerator_types(name: str, model: str, count: int, tmp_path: Path) -> None:
    """https://cloud.google.com/tpu/docs/regions-zones: two TensorCores to a chip where they are what is counted."""
    assert chips(after(plan(tpu(accelerator_type=name)), tmp_path)) == (model, count)


@pytest.mark.parametrize(
    ("config", "model", "count"),
    [
        pytest.param({"type": "V4", "topology": "2x2x2"}, "TPU-v4", 8, id="v4"),
        pytest.param({"type": "V5P", "topology": "2x2x1"}, "TPU-v5p", 4, id="v5p"),
        pytest.param({"type": "V5LITE_POD", "topology": "4x8"}, "TPU-v5e", 32, id="v5e"),
        pytest.param({"type": "V6E", "topology": "1x1"}, "TPU-v6e", 1, id="v6e"),
    ],
)
def test_topologies_count_chips(config: Json, model: str, count: int, tmp_path: Path) -> None:
    """The product of their sides."""
    assert chips(after(plan(tpu(accelerator_config=[config])), tmp_path)) == (model, count)


def test_without_a_type_the_provider_takes_a_v2_8(tmp_path: Path) -> None:
    """4 × 730 × 1.2375."""
    side = after(plan(tpu(zone="europe-west4-a")), tmp_path)
    assert (chips(side), side.monthly.expected) == (("TPU-v2", 4), Decimal("3613.50"))


@pytest.mark.parametrize(
    ("scheduling", "monthly", "model"),
    [
        pytest.param([], "7008.00", "on_demand", id="on demand"),
        pytest.param([{"spot": True}], "3679.20", "spot", id="spot"),
        pytest.param([{"preemptible": True}], "3679.20", "spot", id="preemptible"),
        pytest.param([{"spot": False, "preemptible": False}], "7008.00", "on_demand", id="neither"),
        pytest.param([{"reserved": True}], "7008.00", "on_demand", id="reserved"),
    ],
)
def test_how_a_slice_is_bought(scheduling: list[Json], monthly: str, model: str, tmp_path: Path) -> None:
    """8 × 730 × 1.20, and × 0.63 as Spot."""
    result = report(plan(tpu(accelerator_type="v5litepod-8", scheduling_config=scheduling)), tmp_path)
    side = result.resources[0].after
    assert side is not None
    assert (side.monthly.expected, side.pools[0].purchase_model) == (Decimal(monthly), model)
    assert ("outside-reservation" in codes(result)) == (scheduling == [{"reserved": True}])


@pytest.mark.parametrize(
    ("name", "monthly"),
    [
        pytest.param("v2-8", "3613.50", id="a v2 device, 4 × 1.2375"),
        pytest.param("v2-32", "17520.00", id="part of a v2 pod, 16 × 1.50"),
        pytest.param("v3-8", "6424.00", id="a v3 device, 4 × 2.20"),
        pytest.param("v3-64", "46720.00", id="part of a v3 pod, 32 × 2.00"),
    ],
)
def test_pods_of_v2_and_v3_have_a_price_of_their_own(name: str, monthly: str, tmp_path: Path) -> None:
    """In europe-west4, a month of 730 hours."""
    assert after(plan(tpu(zone="europe-west4-a", accelerator_type=name)), tmp_path).monthly.expected == Decimal(monthly)


def test_data_disks_and_addresses_of_the_hosts(tmp_path: Path) -> None:
    """8 chips on two hosts: 7008 + 200 × 0.10 + 2 × 730 × 0.005."""
    disk = resource(
        "google_compute_disk.d",
        {"name": "d", "type": "pd-balanced", "size": 200},
        unknown={"id": True, "self_link": True},
    )
    vm = resource(
        "google_tpu_v2_vm.t",
        {
            "zone": "us-central1-a",
            "accelerator_type": "v5litepod-8",
            "data_disks": [{}],
            "network_config": [{"enable_external_ips": True}],
        },
        unknown={"data_disks": [{"source_disk": True}]},
        expressions={"data_disks": [{"source_disk": ref("google_compute_disk.d.id")}]},
    )
    assert after(plan(disk, vm), tmp_path, "google_tpu_v2_vm.t").monthly.expected == Decimal("7035.30")


def test_queued_resources_hold_one_slice_a_node(tmp_path: Path) -> None:
    """Equal ones are one pool: 3 × 8 chips; the other has 4."""
    nodes = [{"parent": "p", "node": [{"accelerator_type": name}]} for name in ("v6e-8", "v6e-8", "v6e-4", "v6e-8")]
    block = tpu(type_="google_tpu_v2_queued_resource", zone="us-east5-b", tpu=[{"node_spec": nodes}])
    side = after(plan(block), tmp_path)
    assert [(pool.sku, pool.units.expected) for pool in side.pools] == [("v6e-8", 3), ("v6e-4", 1)]
    assert side.gpus.expected == 28


def test_tpu_nodes_of_the_old_kind(tmp_path: Path) -> None:
    """4 × 730 × 2.20."""
    block = tpu(type_="google_tpu_node", zone="europe-west4-a", accelerator_type="v3-8")
    assert after(plan(block), tmp_path).monthly.expected == Decimal("6424.00")


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"accelerator_type": "v99-8"}, id="a generation that is not known"),
        pytest.param({"accelerator_type": "v5litepod-0"}, id="no chips"),
        pytest.param({"accelerator_config": [{"type": "V5P", "topology": "many"}]}, id="no topology"),
        pytest.param({"accelerator_config": [{"type": "V9", "topology": "2x2"}]}, id="no such type"),
        pytest.param({"accelerator_type": 8}, id="a number"),
    ],
)
def test_what_cannot_be_read_is_an_unknown_tpu(values: Json, tmp_path: Path) -> None:
    """Never passed over: the resource holds one whatever its name."""
    result = report(plan(tpu(**values)), tmp_path)
    assert (len(result.resources), result.summary.unknown) == (1, 1)
    assert "unknown-accelerator" in codes(result)


def test_a_type_that_only_apply_can_tell(tmp_path: Path) -> None:
    """Unknown, never the default."""
    late = resource("terraform_data.late", {}, unknown={"output": True})
    block = resource(
        "google_tpu_v2_vm.t",
        {"zone": "us-central1-a"},
        unknown={"accelerator_type": True},
        expressions={"accelerator_type": ref("terraform_data.late.output")},
    )
    result = report(plan(late, block), tmp_path)
    assert result.summary.unknown == 1


def test_a_type_that_another_tpu_tells(tmp_path: Path) -> None:
    """Followed like any value."""
    block = resource(
        "google_tpu_v2_vm.t",
        {"zone": "us-central1-a"},
        unknown={"accelerator_type": True},
        expressions={"accelerator_type": ref("google_tpu_v2_vm.first.accelerator_type")},
    )
    side = after(plan(tpu("first", accelerator_type="v6e-4"), block), tmp_path, "google_tpu_v2_vm.t")
    assert chips(side) == ("TPU-v6e", 4)


# -- slices in GKE --------------------------------------------------------------------------------------------------------


def slice_pool(machine: str, topology: str | None, **values: Any) -> list[Block]:
    cluster = resource("google_container_cluster.c", {"name": "c", "location": "us-central1-a"}, unknown={"id": True})
    own: Json = {"name": "p", "cluster": "c", "node_config": [{"machine_type": machine}], **values}
    if topology is not None:
        own["placement_policy"] = [{"type": "COMPACT", "tpu_topology": topology}]
    return [cluster, resource("google_container_node_pool.p", own, unknown={"id": True})]


@pytest.mark.parametrize(
    ("machine", "topology", "values", "expected"),
    [
        pytest.param("ct6e-standard-4t", "4x4", {"node_count": 4}, (4, 4, 4), id="as many as the slice has"),
        pytest.param("ct6e-standard-4t", "4x4", {"node_count": 1}, (4, 4, 4), id="fewer start it whole"),
        pytest.param(
            "ct6e-standard-4t",
            "4x4",
            {"autoscaling": [{"min_node_count": 0, "max_node_count": 4}]},
            (0, 0, 4),
            id="nothing or all",
        ),
        pytest.param("ct5p-hightpu-4t", "2x2x4", {"node_count": 2}, (4, 4, 4), id="three dimensions"),
        pytest.param("ct5lp-hightpu-4t", "2x2", {"node_count": 3}, (3, 3, 3), id="one machine a slice"),
        pytest.param("ct5lp-hightpu-4t", None, {"node_count": 3}, (3, 3, 3), id="no topology"),
        pytest.param("ct6e-standard-4t", "wide", {"node_count": 3}, (3, 3, 3), id="a topology that cannot be read"),
    ],
)  # fmt: skip
def test_a_slice_over_several_machines_is_whole(
    machine: str, topology: str | None, values: Json, expected: tuple[int, ...], tmp_path: Path
) -> None:
    """Machines of a slice: chips of the topology by chips of a machine."""
    size = (
        after(plan(*slice_pool(machine, topology, **values)), tmp_path, "google_container_node_pool.p").pools[0].units
    )
    assert (size.min, size.expected, size.max) == expected


def test_a_tpu_without_a_zone_is_in_the_providers(tmp_path: Path) -> None:
    """The zone is left to the provider."""
    document = plan(
        resource("google_tpu_v2_vm.t", {"accelerator_type": "v5litepod-1"}, unknown={"zone": True}),
        providers={"google": {"zone": const("us-central1-a")}},
    )
    (only,) = found(document, tmp_path).values()
    assert only.after is not None
    assert only.after.region == "us-central1"
