"""Vertex AI: which resources run machines of their own, how many, and at whose price.

Unit prices used here, us-central1, for an hour: prediction on a2-highgpu-1g 4.2245 and a2-highgpu-2g 8.449, training on
a3-highgpu-8g 101.007352 (Vertex AI's own); g2-standard-12 as spot 0.562408 (Compute Engine's).
"""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gpuguard.model.report import State
from tests.extract.plans import Block, Json, after, codes, found, plan, ref, report, resource

A2 = [{"machine_type": "a2-highgpu-1g", "accelerator_type": "NVIDIA_TESLA_A100", "accelerator_count": 1}]
N1_T4 = [{"machine_type": "n1-standard-4", "accelerator_type": "NVIDIA_TESLA_T4", "accelerator_count": 2}]
PLAIN = [{"machine_type": "n1-standard-4"}]
A2_MONTH = 730 * Decimal("4.2245")


def dedicated(spec: object = None, low: object = 1, high: object = None, **more: Any) -> list[Json]:
    return [{"machine_spec": A2 if spec is None else spec, "min_replica_count": low, "max_replica_count": high, **more}]


def shared(unknown: Json | None = None, expressions: Json | None = None, **values: Any) -> Block:
    own = {"name": "p", "region": "us-central1", "dedicated_resources": dedicated(), **values}
    return resource("google_vertex_ai_deployment_resource_pool.p", own, unknown=unknown, expressions=expressions)


def garden(resources: object, **values: Any) -> Block:
    own = {"location": "us-central1", "deploy_config": [{"dedicated_resources": resources}], **values}
    return resource("google_vertex_ai_endpoint_with_model_garden_deployment.m", own)


def endpoint(*models: object, **values: Any) -> Json:
    return {"location": "us-central1", "display_name": "e", "deployed_models": list(models), **values}


def persistent(*pools: Json) -> Block:
    own = {"name": "t", "location": "us-central1", "resource_pools": list(pools)}
    return resource("google_vertex_ai_persistent_resource.t", own)


def units(side: State, pool: int = 0) -> tuple[float | None, ...]:
    size = side.pools[pool].units
    return size.min, size.expected, size.max


# -- replicas -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        pytest.param(1, None, (1, 1, 1), id="no maximum is the minimum"),
        pytest.param(2, 5, (2, 2, 5), id="both"),
        pytest.param(0, 3, (0, 0, 3), id="nothing at rest"),
        pytest.param(2, 0, (2, 2, 2), id="a maximum of zero is none"),
        pytest.param(None, None, (1, 1, 1), id="nothing written"),
        pytest.param("2", "4", (2, 2, 4), id="numbers as texts"),
    ],
)
def test_replicas_run_at_their_minimum_and_scale_to_their_maximum(
    low: object, high: object, expected: tuple[int, ...], tmp_path: Path
) -> None:
    assert units(after(plan(shared(dedicated_resources=dedicated(low=low, high=high))), tmp_path)) == expected


def test_a_number_of_replicas_that_only_apply_can_tell_is_not_known(tmp_path: Path) -> None:
    block = shared(
        dedicated_resources=[{"machine_spec": A2}],
        unknown={"dedicated_resources": [{"min_replica_count": True}]},
        expressions={"dedicated_resources": [{"min_replica_count": ref("google_thing.x.size")}]},
    )
    result = report(plan(block, resource("google_thing.x", {}, unknown={"size": True})), tmp_path)
    assert result.summary.unknown == 1
    assert result.resources[0].after is not None
    assert units(result.resources[0].after) == (None, None, None)


@pytest.mark.parametrize(
    ("spec", "machines"),
    [
        pytest.param(
            {"machine_type": "ct5lp-hightpu-4t", "tpu_topology": "4x4"}, 4, id="a slice of 16 chips on 4 hosts"
        ),
        pytest.param({"machine_type": "ct5lp-hightpu-1t", "tpu_topology": "1x1"}, 1, id="one chip"),
        pytest.param({"machine_type": "ct5lp-hightpu-4t", "tpu_topology": "2x2x4"}, 4, id="three dimensions"),
        pytest.param({"machine_type": "ct5lp-hightpu-4t", "tpu_topology": "large"}, 1, id="an unreadable topology"),
        pytest.param({"machine_type": "a3-highgpu-8g", "multihost_gpu_node_count": 2}, 2, id="several hosts of GPUs"),
        pytest.param({"machine_type": "a3-highgpu-8g"}, 1, id="one host"),
    ],
)
def test_a_replica_may_take_several_machines(spec: Json, machines: int, tmp_path: Path) -> None:
    assert units(after(plan(garden(dedicated([spec], 1, 2))), tmp_path)) == (machines, machines, 2 * machines)


# -- prices ---------------------------------------------------------------------------------------------------------------


def test_nodes_cost_vertex_ais_own_price(tmp_path: Path) -> None:
    side = after(plan(shared(dedicated_resources=dedicated(low=1, high=3))), tmp_path)
    assert side.region == "us-central1"
    assert (side.monthly.expected, side.monthly.max) == (A2_MONTH, 3 * A2_MONTH)
    assert [each.sku for each in side.components] == ["vertex-prediction-a2-highgpu-1g"]
    assert side.gpus.max == 3


def test_a_machine_without_vertex_ais_price_is_unpriced_and_compute_engines_is_a_hint(tmp_path: Path) -> None:
    spec = [{"machine_type": "g2-standard-12", "accelerator_type": "NVIDIA_L4", "accelerator_count": 1}]
    result = report(plan(shared(dedicated_resources=dedicated(spec))), tmp_path)
    assert (result.summary.unpriced, result.summary.gpus_after) == (1, 1)
    told = next(each for each in result.diagnostics if each.code == "service-price")
    assert "1.000416" in told.message


def test_attached_gpus_are_billed_beside_their_machine(tmp_path: Path) -> None:
    side = after(plan(shared(dedicated_resources=dedicated(N1_T4))), tmp_path)
    skus = {each.sku: each.quantity for each in side.components}
    assert skus == {"vertex-prediction-n1-standard-4": 730, "vertex-prediction-t4": 1460}
    assert side.gpus.expected == 2


def test_spot_nodes_cost_compute_engines_spot_price(tmp_path: Path) -> None:
    spec = [{"machine_type": "g2-standard-12", "accelerator_type": "NVIDIA_L4", "accelerator_count": 1}]
    result = report(plan(garden(dedicated(spec, 2, spot=True))), tmp_path)
    side = result.resources[0].after
    assert side is not None
    assert side.pools[0].purchase_model == "spot"
    assert side.monthly.expected == 2 * 730 * Decimal("0.562408")
    assert "fee-not-counted" in codes(result)


def test_nodes_in_a_reservation_of_the_change_cost_nothing_themselves(tmp_path: Path) -> None:
    affinity = [{"reservation_affinity_type": "SPECIFIC_RESERVATION", "key": "compute.googleapis.com/reservation-name"}]
    block = resource(
        "google_vertex_ai_endpoint_with_model_garden_deployment.m",
        {
            "location": "us-central1",
            "deploy_config": [{"dedicated_resources": dedicated([{**A2[0], "reservation_affinity": affinity}])}],
        },
        unknown={"deploy_config": [{"dedicated_resources": [{"machine_spec": [{"reservation_affinity": [{"values": True}]}]}]}]},
        expressions={
            "deploy_config": [
                {
                    "dedicated_resources": [
                        {"machine_spec": [{"reservation_affinity": [{"values": ref("google_compute_reservation.r.id")}]}]}
                    ]
                }
            ]
        },
    )  # fmt: skip
    reserved = resource(
        "google_compute_reservation.r",
        {
            "zone": "us-central1-a",
            "specific_reservation": [{"count": 1, "instance_properties": [{"machine_type": "a2-highgpu-1g"}]}],
        },
        unknown={"id": True},
    )
    address = "google_vertex_ai_endpoint_with_model_garden_deployment.m"
    side = after(plan(block, reserved), tmp_path, address)
    assert side.pools[0].covered_by == "google_compute_reservation.r"
    assert side.monthly.expected == 0


# -- Model Garden, endpoints, persistent resources ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "values", [pytest.param({"deploy_config": []}, id="no configuration"), pytest.param({"deploy_config": [{}]}, id="no machine")]
)  # fmt: skip
def test_model_garden_chooses_a_machine_where_none_is_named(values: Json, tmp_path: Path) -> None:
    own = {"location": "us-central1", "publisher_model_name": "publishers/google/models/gemma3", **values}
    block = resource("google_vertex_ai_endpoint_with_model_garden_deployment.m", own)
    result = report(plan(block), tmp_path)
    assert result.summary.unknown == 1
    assert "unknown-machine-type" in codes(result)


def test_the_machine_type_is_found_behind_a_reference(tmp_path: Path) -> None:
    block = shared(
        dedicated_resources=[{"machine_spec": [{}], "min_replica_count": 1}],
        unknown={"dedicated_resources": [{"machine_spec": [{"machine_type": True}]}]},
        expressions={"dedicated_resources": [{"machine_spec": [{"machine_type": ref("terraform_data.size.output")}]}]},
    )
    size = resource("terraform_data.size", {"input": "a2-highgpu-1g"}, unknown={"output": True})
    assert after(plan(block, size), tmp_path).monthly.expected == A2_MONTH


def test_a_machine_type_that_only_apply_can_tell_is_an_unknown_gpu(tmp_path: Path) -> None:
    block = shared(
        dedicated_resources=[{"machine_spec": [{}], "min_replica_count": 1}],
        unknown={"dedicated_resources": [{"machine_spec": [{"machine_type": True}]}]},
        expressions={"dedicated_resources": [{"machine_spec": [{"machine_type": ref("google_thing.x.type")}]}]},
    )
    other = resource("google_thing.x", {}, unknown={"type": True})
    assert "unknown-machine-type" in codes(report(plan(block, other), tmp_path))


def test_models_that_run_on_an_endpoint_count_as_the_provider_read_them(tmp_path: Path) -> None:
    own = endpoint(
        {"dedicated_resources": dedicated(low=1, high=2)}, {"automatic_resources": [{"min_replica_count": 1}]}
    )
    result = report(plan(resource("google_vertex_ai_endpoint.e", own, before=own)), tmp_path)
    each = result.resources[0]
    assert each.action == "no-op"
    assert each.after is not None
    assert (units(each.after), each.after.monthly.expected) == ((1, 1, 2), A2_MONTH)
    assert result.summary.monthly_delta == 0
    assert "deployed-outside" in codes(result)


def test_a_persistent_resource_is_billed_for_each_of_its_gpu_pools(tmp_path: Path) -> None:
    gpus = [{"machine_type": "a3-highgpu-8g", "accelerator_type": "NVIDIA_H100_80GB", "accelerator_count": 8}]
    block = persistent(
        {"machine_spec": PLAIN, "replica_count": "4"},
        {"machine_spec": gpus, "replica_count": "1"},
        {"machine_spec": gpus, "autoscaling_spec": [{"min_replica_count": "1", "max_replica_count": "3"}]},
    )
    side = after(plan(block), tmp_path)
    assert [units(side, each) for each in range(len(side.pools))] == [(1, 1, 1), (1, 1, 3)]
    assert side.monthly.expected == 2 * 730 * Decimal("101.007352")
    assert side.gpus.max == 32


# -- what stays quiet -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "block",
    [
        pytest.param(shared(dedicated_resources=dedicated(PLAIN)), id="a pool without a GPU"),
        pytest.param(shared(dedicated_resources=[]), id="a pool without machines"),
        pytest.param(shared(dedicated_resources=dedicated([{**PLAIN[0], "accelerator_type": "NVIDIA_TESLA_T4", "accelerator_count": 0}])), id="no GPU by number"),
        pytest.param(shared(dedicated_resources=dedicated([{**PLAIN[0], "accelerator_type": "ACCELERATOR_TYPE_UNSPECIFIED"}])), id="no type of GPU"),
        pytest.param(garden(dedicated(PLAIN)), id="a model on CPUs"),
        pytest.param(resource("google_vertex_ai_endpoint.e", {"location": "us-central1"}, unknown={"deployed_models": True}), id="a new endpoint"),
        pytest.param(resource("google_vertex_ai_endpoint.e", endpoint({"dedicated_resources": dedicated(PLAIN)})), id="a model on an endpoint without a GPU"),
        pytest.param(resource("google_vertex_ai_endpoint.e", endpoint({"shared_resources": "projects/p/pools/a"})), id="a model in a shared pool"),
        pytest.param(persistent({"machine_spec": PLAIN, "replica_count": "2"}), id="training without a GPU"),
        pytest.param(resource("google_vertex_ai_index_endpoint_deployed_index.i", {"dedicated_resources": dedicated([{"machine_type": "e2-standard-16"}])}), id="vector search"),
        pytest.param(resource("google_vertex_ai_reasoning_engine.r", {"display_name": "r", "region": "us-central1"}), id="an agent"),
        pytest.param(resource("google_vertex_ai_feature_online_store.f", {"bigtable": [{"auto_scaling": [{"min_node_count": 1}]}]}), id="a feature store"),
        pytest.param(resource("google_vertex_ai_tensorboard.t", {"display_name": "t"}), id="a board"),
        pytest.param(resource("google_ml_engine_model.m", {"name": "m"}), id="a model of AI Platform"),
    ],
)  # fmt: skip
def test_what_has_no_gpu_is_not_reported(block: Block, tmp_path: Path) -> None:
    result = report(plan(block), tmp_path)
    assert not result.resources
    assert not codes(result)


def test_a_gpu_on_vector_search_would_be_told(tmp_path: Path) -> None:
    own = {"dedicated_resources": dedicated([{"machine_type": "g2-standard-12"}])}
    result = report(plan(resource("google_vertex_ai_index_endpoint_deployed_index.i", own)), tmp_path)
    assert codes(result) == {"unsupported-type"}


# -- odd values and both sides --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("odd", [7, True, [], {}, "", "x" * 5000, [[[]]], {"a": {"b": []}}, 1e308, -1, [None], None])
def test_odd_values_raise_nothing(odd: object, tmp_path: Path) -> None:
    blocks = [
        shared(dedicated_resources=odd, region=odd),
        shared(dedicated_resources=dedicated(low=odd, high=odd)),
        shared(dedicated_resources=[{"machine_spec": odd}]),
        garden(odd),
        garden(dedicated([{"machine_type": odd, "accelerator_type": odd, "accelerator_count": odd}], spot=odd)),
        garden(
            dedicated([{**A2[0], "tpu_topology": odd, "multihost_gpu_node_count": odd, "reservation_affinity": odd}])
        ),
        resource("google_vertex_ai_endpoint_with_model_garden_deployment.m", {"deploy_config": odd, "location": odd}),
        resource("google_vertex_ai_endpoint.e", {"deployed_models": odd}),
        resource("google_vertex_ai_endpoint.e", endpoint(odd, {"dedicated_resources": odd})),
        resource("google_vertex_ai_persistent_resource.t", {"resource_pools": odd}),
        persistent({"machine_spec": A2, "replica_count": odd, "autoscaling_spec": odd}),
        persistent({"machine_spec": A2, "autoscaling_spec": [{"min_replica_count": odd, "max_replica_count": odd}]}),
    ]
    for block in blocks:
        report(plan(block), tmp_path)


def test_a_number_where_a_text_is_expected_is_told(tmp_path: Path) -> None:
    result = report(plan(shared(dedicated_resources=dedicated([{"machine_type": 7}]))), tmp_path)
    assert {"unreadable-value", "unknown-machine-type"} <= codes(result)


def test_a_larger_machine_replaces_the_smaller_one(tmp_path: Path) -> None:
    old = {"region": "us-central1", "dedicated_resources": dedicated()}
    new = {"region": "us-central1", "dedicated_resources": dedicated([{"machine_type": "a2-highgpu-2g"}])}
    block = resource("google_vertex_ai_deployment_resource_pool.p", new, before=old, action="delete+create")
    each = found(plan(block), tmp_path)["google_vertex_ai_deployment_resource_pool.p"]
    assert each.before is not None
    assert each.after is not None
    assert (each.before.monthly.expected, each.after.monthly.expected) == (A2_MONTH, 730 * Decimal("8.449"))
