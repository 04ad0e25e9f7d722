"""DigitalOcean: Droplets, autoscale pools, Kubernetes pools and dedicated inference.

Unit prices used here, the same in all regions: gpu-h100x1-80gb 4.41 an hour, gpu-l40sx1-48gb 1.57, gpu-mi350x1-288gb-spot 2.46.
"""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gpuguard.model.report import State
from tests.extract.plans import Block, Json, after, codes, found, plan, ref, report, resource

H100, L40S, CPU = "gpu-h100x1-80gb", "gpu-l40sx1-48gb", "s-4vcpu-8gb"


def droplet(**values: Any) -> Block:
    return resource("digitalocean_droplet.a", {"size": H100, "region": "tor1", **values}, unknown={"id": True})


def pool(unknown: Json | None = None, expressions: Json | None = None, **values: Any) -> Block:
    own = {"size": H100, "auto_scale": False, **values}
    return resource("digitalocean_kubernetes_node_pool.p", own, unknown=unknown, expressions=expressions)


def units(state: State) -> tuple[float | None, ...]:
    size = state.pools[0].units
    return size.min, size.expected, size.max


def test_a_droplet_costs_its_hourly_price_all_month(tmp_path: Path) -> None:
    state = after(plan(droplet(tags=["team:ml", "web"])), tmp_path)
    assert state.monthly.expected == Decimal("4.41") * 730
    assert state.pools[0].gpu is not None
    assert state.pools[0].gpu.model == "H100-80GB"


def test_tags_of_a_list_are_keys_and_values(tmp_path: Path) -> None:
    resources = found(plan(droplet(tags=["team:ml", "env=prod", "web"])), tmp_path)
    assert resources["digitalocean_droplet.a"].tags == {"team": "ml", "env": "prod", "web": ""}


@pytest.mark.parametrize(
    ("size", "model"),
    [
        pytest.param(H100, "on_demand", id="a plain size is on demand"),
        pytest.param("gpu-mi350x1-288gb-spot", "spot", id="spot is a size of its own"),
        pytest.param("gpu-b300x8-2304gb-contracted", "reserved", id="so is a contract"),
    ],
)
def test_the_size_tells_how_it_is_bought(tmp_path: Path, size: str, model: str) -> None:
    assert after(plan(droplet(size=size, region="ric1")), tmp_path).pools[0].purchase_model == model


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param({"node_count": 3}, (3, 3, 3), id="a fixed number of nodes"),
        pytest.param({"node_count": 0}, (0, 0, 0), id="no node"),
        pytest.param({}, (1, 1, 1), id="one node where no number is set"),
        pytest.param(
            {"auto_scale": True, "min_nodes": 1, "max_nodes": 5}, (1, 1, 5), id="autoscaling starts at the minimum"
        ),
        pytest.param(
            {"auto_scale": True, "node_count": 3, "min_nodes": 1, "max_nodes": 5},
            (1, 3, 5),
            id="at the count it is given",
        ),
        pytest.param(
            {"auto_scale": True, "node_count": 9, "min_nodes": 2, "max_nodes": 5},
            (2, 2, 5),
            id="at the minimum where the count is outside",
        ),
        pytest.param({"node_count": "many"}, (None, None, None), id="what is no number is not known"),
    ],
)
def test_the_sizes_of_a_node_pool(tmp_path: Path, values: Json, expected: tuple[float | None, ...]) -> None:
    assert units(after(plan(pool(**values)), tmp_path)) == expected


def test_a_node_pool_is_in_the_region_of_its_cluster(tmp_path: Path) -> None:
    cluster = resource(
        "digitalocean_kubernetes_cluster.c", {"region": "ams3", "node_pool": [{"size": CPU}]}, unknown={"id": True}
    )
    burst = pool({"cluster_id": True}, {"cluster_id": ref("digitalocean_kubernetes_cluster.c.id")}, node_count=1)
    resources = found(plan(cluster, burst), tmp_path)
    assert list(resources) == ["digitalocean_kubernetes_node_pool.p"]
    state = resources["digitalocean_kubernetes_node_pool.p"].after
    assert state is not None
    assert state.region == "ams3"


def test_an_unknown_size_is_told_and_counted_as_unknown(tmp_path: Path) -> None:
    result = report(
        plan(
            resource(
                "digitalocean_droplet.a",
                {"region": "tor1"},
                unknown={"size": True},
                expressions={"size": ref("random_pet.x.id")},
            )
        ),
        tmp_path,
    )
    assert result.summary.unknown == 1
    assert "unknown-machine-type" in codes(result)


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        pytest.param({"min_instances": 1, "max_instances": 4}, (1, 1, 4), id="bounds"),
        pytest.param({"target_number_instances": 3}, (3, 3, 3), id="a static number"),
        pytest.param({"min_instances": 2, "max_instances": 4, "target_number_instances": 0}, (2, 2, 4), id="no target"),
    ],
)
def test_the_sizes_of_an_autoscale_pool(tmp_path: Path, config: Json, expected: tuple[float, ...]) -> None:
    values = {"config": [config], "droplet_template": [{"size": L40S, "region": "tor1", "tags": ["team:ml"]}]}
    state = after(plan(resource("digitalocean_droplet_autoscale.a", values)), tmp_path)
    assert units(state) == expected
    assert state.region == "tor1"


def test_dedicated_inference_has_gpus_and_no_price(tmp_path: Path) -> None:
    deployments = [{"accelerators": [{"accelerator_slug": H100, "scale": 2}, {"accelerator_slug": CPU, "scale": 1}]}]
    state = after(
        plan(resource("digitalocean_dedicated_inference.a", {"region": "tor1", "model_deployments": deployments})),
        tmp_path,
    )
    assert state.gpus.expected == 2
    assert state.monthly.expected is None


def test_a_smaller_droplet_is_a_saving_once(tmp_path: Path) -> None:
    change = resource(
        "digitalocean_droplet.a",
        {"size": L40S, "region": "tor1"},
        before={"size": H100, "region": "tor1"},
        action="delete+create",
    )
    result = report(plan(change), tmp_path)
    assert [each.action for each in result.resources] == ["replace"]
    assert result.summary.monthly_delta == (Decimal("1.57") - Decimal("4.41")) * 730


@pytest.mark.parametrize(
    "block",
    [
        pytest.param(droplet(size=CPU), id="a plain droplet"),
        pytest.param(pool(size="c-2", node_count=9), id="a plain node pool"),
        pytest.param(
            resource("digitalocean_kubernetes_cluster.c", {"region": "tor1", "node_pool": []}),
            id="a cluster without pools",
        ),
        pytest.param(
            resource("digitalocean_droplet_autoscale.a", {"config": [], "droplet_template": []}),
            id="an empty autoscale pool",
        ),
        pytest.param(resource("digitalocean_dedicated_inference.a", {"model_deployments": []}), id="nothing deployed"),
        pytest.param(
            resource("digitalocean_app.a", {"spec": [{"name": "gpu-h100-dashboard"}]}), id="an app named after a GPU"
        ),
        pytest.param(resource("digitalocean_volume.a", {"region": "tor1", "name": H100}), id="a volume"),
    ],
)
def test_what_has_no_gpu_stays_silent(tmp_path: Path, block: Block) -> None:
    result = report(plan(block), tmp_path)
    assert result.resources == ()
    assert codes(result) == set()
