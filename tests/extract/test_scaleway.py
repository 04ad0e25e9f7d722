"""Scaleway: servers, Kapsule pools, managed inference, autoscaling groups. The catalog has no prices of it."""

from pathlib import Path
from typing import Any

import pytest

from gpuguard.extract.providers.scaleway import region_of_zone
from gpuguard.model.report import State
from tests.extract.plans import Block, Json, after, codes, const, found, plan, ref, report, resource

ZONE: Json = {"zone": "fr-par-2"}


def server(**values: Any) -> Block:
    return resource("scaleway_instance_server.vm", {"type": "L4-1-24G", **ZONE, **values}, unknown={"id": True})


def pool(**values: Any) -> Block:
    own = {"node_type": "H100-1-80G", "size": 2, "autoscaling": False, **ZONE, **values}
    return resource("scaleway_k8s_pool.p", own, unknown={"id": True})


def sizes(side: State) -> tuple[float | None, ...]:
    units = side.pools[0].units
    return units.min, units.expected, units.max


@pytest.mark.parametrize(
    ("zone", "region"), [("fr-par-2", "fr-par"), ("nl-ams-1", "nl-ams"), ("fr-par", None), ("", None), (None, None)]
)
def test_zones_lie_in_regions(zone: str | None, region: str | None) -> None:
    assert region_of_zone(zone) == region


@pytest.mark.parametrize(
    "kind", ["DEV1-S", "PRO2-L", "POP2-HM-2C-16G", "GP1-XL", "PLAY2-MICRO", "STARDUST1-S", "external"]
)
def test_machines_without_gpus_are_not_reported(kind: str, tmp_path: Path) -> None:
    result = report(plan(server(type=kind), pool(node_type=kind)), tmp_path)
    assert (result.resources, codes(result)) == ((), set())


@pytest.mark.parametrize(
    ("kind", "gpu", "count"),
    [("L4-2-24G", "L4", 2), ("H100-SXM-8-80G", "H100-80GB", 8), ("RENDER-S", "P100", 1), ("L40S-4-48G", "L40S", 4)],
)
def test_gpu_servers_are_reported_without_a_price(kind: str, gpu: str, count: int, tmp_path: Path) -> None:
    result = report(plan(server(type=kind)), tmp_path)
    side = result.resources[0].after
    assert side is not None
    assert side.pools[0].gpu is not None
    assert (side.region, side.pools[0].gpu.model, side.gpus.expected, side.monthly.expected) == (
        "fr-par",
        gpu,
        count,
        None,
    )
    assert result.summary.unpriced == 1


@pytest.mark.parametrize(("state", "hours"), [("started", 730), ("standby", 730), ("stopped", 0), (None, 730)])
def test_a_stopped_server_costs_its_volumes_alone(state: str | None, hours: int, tmp_path: Path) -> None:
    """One in standby is billed (Scaleway: Instances FAQ)."""
    assert after(plan(server(state=state)), tmp_path).pools[0].hours_per_month == hours


def test_the_zone_is_the_providers_where_the_server_names_none(tmp_path: Path) -> None:
    document = plan(server(zone=None), providers={"scaleway": {"zone": const("pl-waw-2")}})
    assert after(document, tmp_path).region == "pl-waw"


def test_a_list_of_tags_is_read(tmp_path: Path) -> None:
    tags = found(plan(server(tags=["team:ml", "gpu", "stage=dev"])), tmp_path)["scaleway_instance_server.vm"].tags
    assert tags == {"gpu": "", "stage": "dev", "team": "ml"}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param({}, (2, 2, 2), id="a fixed size"),
        pytest.param({"max_size": 9}, (2, 2, 2), id="bounds without autoscaling"),
        pytest.param({"autoscaling": True, "min_size": 0, "max_size": 6}, (0, 2, 6), id="bounds"),
        pytest.param({"autoscaling": True}, (1, 2, 2), id="the provider's defaults"),
        pytest.param({"autoscaling": True, "size": 0, "max_size": 4}, (0, 0, 4), id="from none"),
        pytest.param({"size": 0}, (0, 0, 0), id="none"),
        pytest.param({"size": "2"}, (2, 2, 2), id="a size as a text"),
        pytest.param({"size": {}}, (None, None, None), id="no size at all"),
    ],
)
def test_sizes_of_pools(values: Json, expected: tuple[int | None, ...], tmp_path: Path) -> None:
    assert sizes(after(plan(pool(**values)), tmp_path)) == expected


def test_a_pool_is_where_its_cluster_is(tmp_path: Path) -> None:
    blocks = [
        resource(
            "scaleway_k8s_pool.p",
            {"node_type": "L4-1-24G", "size": 1},
            unknown={"cluster_id": True, "zone": True, "region": True},
            expressions={"cluster_id": ref("scaleway_k8s_cluster.c.id")},
        ),
        resource("scaleway_k8s_cluster.c", {"region": "nl-ams"}, unknown={"id": True}),
    ]
    assert after(plan(*blocks), tmp_path).region == "nl-ams"


def test_the_id_of_a_cluster_tells_its_region(tmp_path: Path) -> None:
    block = resource("scaleway_k8s_pool.p", {"node_type": "L4-1-24G", "size": 1, "cluster_id": "pl-waw/5a1e"})
    assert after(plan(block), tmp_path).region == "pl-waw"


@pytest.mark.parametrize(
    ("kind", "gpu", "count"),
    [
        ("L4", "L4", 1),
        ("H100-2", "H100-80GB", 2),
        ("H100-SXM-4", "H100-80GB", 4),
        ("L40S", "L40S", 1),
        ("odd name", "odd name", 1),
    ],
)
def test_nodes_of_managed_inference_tell_their_gpus(kind: str, gpu: str, count: int, tmp_path: Path) -> None:
    block = resource(
        "scaleway_inference_deployment.d", {"node_type": kind, "min_size": 1, "max_size": 3, "region": "fr-par"}
    )
    side = after(plan(block), tmp_path)
    assert side.pools[0].gpu is not None
    assert (side.pools[0].gpu.model, side.pools[0].gpu.per_unit, sizes(side)) == (gpu, count, (1, 1, 3))


def test_a_node_of_managed_inference_that_only_apply_can_tell_has_a_gpu_nobody_knows(tmp_path: Path) -> None:
    block = resource(
        "scaleway_inference_deployment.d",
        {"node_type": None, "region": "fr-par"},
        unknown={"node_type": True},
        expressions={"node_type": ref("random_shuffle.s.result")},
    )
    shuffle = resource("random_shuffle.s", {}, unknown={"result": True})
    (pool,) = after(plan(block, shuffle), tmp_path, block.address).pools
    assert (pool.sku, pool.gpu) == (None, None)


@pytest.mark.parametrize(
    ("capacity", "expected"),
    [
        pytest.param([{"min_replicas": 1, "max_replicas": 4}], (1, 1, 4), id="bounds"),
        pytest.param([{"max_replicas": 4}], (0, 0, 4), id="no minimum"),
        pytest.param([], (0, 0, None), id="no capacity told"),
    ],
)
def test_groups_start_at_their_minimum(capacity: list[Json], expected: tuple[int | None, ...], tmp_path: Path) -> None:
    blocks = [
        resource(
            "scaleway_autoscaling_instance_group.g",
            {**ZONE, "capacity": capacity},
            unknown={"template_id": True},
            expressions={"template_id": ref("scaleway_autoscaling_instance_template.t.id")},
        ),
        resource(
            "scaleway_autoscaling_instance_template.t", {"commercial_type": "L40S-1-48G", **ZONE}, unknown={"id": True}
        ),
    ]
    result = report(plan(*blocks), tmp_path)
    assert result.resources[0].after is not None
    assert (result.resources[0].via, sizes(result.resources[0].after)) == (
        ("scaleway_autoscaling_instance_template.t",),
        expected,
    )
    assert ("unbounded-autoscaling" in codes(result)) == (expected[2] is None)


def test_an_unused_template_is_told(tmp_path: Path) -> None:
    block = resource(
        "scaleway_autoscaling_instance_template.t", {"commercial_type": "L40S-1-48G", **ZONE}, unknown={"id": True}
    )
    result = report(plan(block), tmp_path)
    assert (result.resources, codes(result)) == ((), {"unused-template"})
