"""Google Cloud: pairs of resources that speak of the same machines are counted once.

Unit prices used here, us-central1 (the catalog's tables): g2-standard-4 0.706832 an hour on demand (515.98736 a month),
a2-highgpu-1g 2.02038 an hour as flex start.
"""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.extract.plans import Block, Json, codes, plan, ref, report, resource

ZONE = "us-central1-a"
MONTH = Decimal("515.98736")
BY_NAME = "compute.googleapis.com/reservation-name"


def template(name: str = "t", machine: str = "g2-standard-4", **values: Any) -> Block:
    return resource(
        f"google_compute_instance_template.{name}",
        {"machine_type": machine, **values},
        unknown={"id": True, "self_link": True},
    )


def group(size: int | None = 2, **values: Any) -> Block:
    own = {"name": "g", "zone": ZONE, "version": [{}], **({} if size is None else {"target_size": size}), **values}
    return resource(
        "google_compute_instance_group_manager.g",
        own,
        unknown={"id": True, "self_link": True, "version": [{"instance_template": True}]},
        expressions={"version": [{"instance_template": ref("google_compute_instance_template.t.self_link")}]},
    )


def autoscaler(low: int, high: int) -> Block:
    return resource(
        "google_compute_autoscaler.a",
        {"autoscaling_policy": [{"min_replicas": low, "max_replicas": high}]},
        unknown={"target": True},
        expressions={"target": ref("google_compute_instance_group_manager.g.self_link")},
    )


def cluster(**values: Any) -> Block:
    return resource("google_container_cluster.c", {"name": "c", "location": ZONE, **values}, unknown={"id": True})


def node_pool(**config: Any) -> Block:
    return resource(
        "google_container_node_pool.p",
        {"name": "p", "node_count": 2, "node_config": [{"machine_type": "g2-standard-4", **config}]},
        unknown={"id": True, "cluster": True},
        expressions={"cluster": ref("google_container_cluster.c.id")},
    )


def reservation(count: int = 2, *, named: bool = True) -> Block:
    properties = {"machine_type": "g2-standard-4", "guest_accelerators": [], "local_ssds": []}
    own = {
        "name": "r",
        "zone": ZONE,
        "specific_reservation_required": named,
        "specific_reservation": [{"count": count, "instance_properties": [properties]}],
    }
    return resource("google_compute_reservation.r", own, unknown={"id": True})


def vm(name: str = "vm", **values: Any) -> Block:
    return resource(f"google_compute_instance.{name}", {"machine_type": "g2-standard-4", "zone": ZONE, **values})


IN_R: Json = {
    "reservation_affinity": [
        {"type": "SPECIFIC_RESERVATION", "specific_reservation": [{"key": BY_NAME, "values": ["r"]}]}
    ]
}
POOL_IN_R: Json = {
    "reservation_affinity": [{"consume_reservation_type": "SPECIFIC_RESERVATION", "key": BY_NAME, "values": ["r"]}]
}
INLINE: Json = {"node_pool": [{"name": "p", "node_count": 2, "node_config": [{"machine_type": "g2-standard-4"}]}]}


@pytest.mark.parametrize(
    ("blocks", "gpus", "monthly"),
    [
        pytest.param([template(), group()], 2, 2 * MONTH, id="template and group"),
        pytest.param([template(), group(None), autoscaler(3, 9)], 3, 3 * MONTH, id="group and autoscaler"),
        pytest.param([template(), group(2), autoscaler(1, 9)], 2, 2 * MONTH, id="group with a size and autoscaler"),
        pytest.param([reservation(), vm("a", **IN_R), vm("b", **IN_R)], 2, 2 * MONTH, id="reservation and instances"),
        pytest.param([reservation(2, named=False), vm("a"), vm("b"), vm("c")], 3, 3 * MONTH, id="open reservation and more instances"),
        pytest.param([reservation(), template(**IN_R), group()], 2, 2 * MONTH, id="reservation and group"),
        pytest.param([reservation(3, named=False), template(), group()], 3, 3 * MONTH, id="open reservation and group"),
    ],
)  # fmt: skip
def test_pairs_of_compute_engine_count_once(blocks: list[Block], gpus: int, monthly: Decimal, tmp_path: Path) -> None:
    """Whichever of the two holds the machines, the other adds nothing."""
    summary = report(plan(*blocks), tmp_path).summary
    assert (summary.gpus_after, summary.monthly_after) == (gpus, monthly)


NODE = MONTH + 10  # with the boot disk of 100 GiB pd-balanced that GKE takes by default


@pytest.mark.parametrize(
    ("blocks", "gpus", "monthly"),
    [
        pytest.param([cluster(), node_pool()], 2, 2 * NODE, id="cluster and node pool"),
        pytest.param([cluster(**INLINE), node_pool()], 2, 2 * NODE, id="a pool read into its cluster and the pool"),
        pytest.param([cluster(**INLINE)], 2, 2 * NODE + 73, id="a pool in its cluster alone"),
        pytest.param([cluster(), reservation(), node_pool(**POOL_IN_R)], 2, 2 * MONTH, id="reservation and node pool"),
        pytest.param([cluster(), reservation(3), node_pool(**POOL_IN_R)], 3, 3 * MONTH, id="a larger reservation and node pool"),
    ],
)  # fmt: skip
def test_pairs_of_gke_count_once(blocks: list[Block], gpus: int, monthly: Decimal, tmp_path: Path) -> None:
    """Nodes are counted where they are managed, and not beside the reservation they run in."""
    summary = report(plan(*blocks), tmp_path).summary
    assert (summary.gpus_after, summary.monthly_after) == (gpus, monthly)


def test_auto_provisioning_and_node_pools_share_one_limit(tmp_path: Path) -> None:
    """A limit of 5 L4 and a pool of 2: never more than 5."""
    scaling = [{"enabled": True, "resource_limits": [{"resource_type": "nvidia-l4", "maximum": 5}]}]
    summary = report(plan(cluster(cluster_autoscaling=scaling), node_pool()), tmp_path).summary
    assert (summary.gpus_after, summary.gpus_max_after) == (2, 5)


def test_a_resize_request_and_its_group_count_once(tmp_path: Path) -> None:
    """Before apply the request holds the machines, after it the group does."""
    flex = template(machine="a2-highgpu-1g", scheduling=[{"provisioning_model": "FLEX_START"}])
    own = {
        "name": "q",
        "zone": ZONE,
        "instance_group_manager": "g",
        "resize_by": 2,
        "requested_run_duration": [{"seconds": "36000"}],
    }
    new = report(
        plan(flex, group(0), resource("google_compute_resize_request.q", own, unknown={"state": True})), tmp_path
    )
    assert (new.summary.gpus_after, new.summary.one_time_delta) == (2, 2 * 10 * Decimal("2.02038"))
    done = {**own, "state": "SUCCEEDED"}
    held = resource("google_compute_resize_request.q", done, before=done)
    assert report(plan(flex, group(2), held), tmp_path).summary.gpus_after == 2


def test_a_template_that_nothing_uses_costs_nothing_and_is_told(tmp_path: Path) -> None:
    """Beside a group that uses another."""
    result = report(plan(template(), group(1), template("spare", "a2-highgpu-8g")), tmp_path)
    assert (result.summary.gpus_after, result.summary.monthly_after) == (1, MONTH)
    assert [each.address for each in result.diagnostics if each.code == "unused-template"] == [
        "google_compute_instance_template.spare"
    ]


def test_a_template_that_an_instance_or_a_reservation_uses_is_not_unused(tmp_path: Path) -> None:
    """Both name it."""
    made = resource(
        "google_compute_instance_from_template.i",
        {"zone": ZONE},
        unknown={"source_instance_template": True, "machine_type": True},
        expressions={"source_instance_template": ref("google_compute_instance_template.t.id")},
    )
    held = resource(
        "google_compute_reservation.r",
        {"name": "r", "zone": ZONE, "specific_reservation_required": True, "specific_reservation": [{"count": 1}]},
        unknown={"specific_reservation": [{"source_instance_template": True}]},
        expressions={
            "specific_reservation": [{"source_instance_template": ref("google_compute_instance_template.t.self_link")}]
        },
    )
    result = report(plan(template(), made, held), tmp_path)
    assert (result.summary.gpus_after, result.summary.monthly_after) == (2, 2 * MONTH)
    assert "unused-template" not in codes(result)


def test_an_instance_and_the_machine_image_taken_of_it_are_one_machine(tmp_path: Path) -> None:
    """The image holds no machine; an instance made from it is another one."""
    image = resource(
        "google_compute_machine_image.m",
        {"name": "m"},
        unknown={"self_link": True, "source_instance": True},
        expressions={"source_instance": ref("google_compute_instance.vm.self_link")},
    )
    copy = resource(
        "google_compute_instance_from_machine_image.i",
        {"zone": ZONE},
        unknown={"source_machine_image": True},
        expressions={"source_machine_image": ref("google_compute_machine_image.m.self_link")},
    )
    assert report(plan(vm(), image), tmp_path).summary.gpus_after == 1
    assert report(plan(vm(), image, copy), tmp_path).summary.monthly_after == 2 * MONTH
