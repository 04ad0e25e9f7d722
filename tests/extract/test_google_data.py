"""Dataproc, Dataflow and Cluster Director: which nodes hold GPUs, how many there are, what they cost.

Unit prices used here, us-central1: N1 vCPU 0.031611 and GiB 0.004237 an hour, T4 0.35, g2-standard-8 0.853624, as spot
0.479872, a2-highgpu-1g 3.673385; pd-standard 0.04 a GiB and month, pd-ssd 0.17, local SSD 0.08. N1 and its GPUs cost 30 %
less at a full month. Of fees that have no row in the price list nothing is counted.
"""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gpuguard.model.report import State
from tests.extract.plans import Block, Json, after, codes, const, found, plan, ref, report, resource

T4 = [{"accelerator_type": "nvidia-tesla-t4", "accelerator_count": 1}]
N1 = {"machine_type": "n1-standard-8", "accelerators": T4}
G2 = {"machine_type": "g2-standard-8"}
N1_T4 = 730 * (8 * Decimal("0.031611") + 30 * Decimal("0.004237") + Decimal("0.35")) * Decimal("0.7")
BOOT = 500 * Decimal("0.04")
EXPERIMENT = "worker_accelerator=type:nvidia-tesla-t4;count:1;install-nvidia-driver"


def cluster(unknown: Json | None = None, expressions: Json | None = None, **config: Any) -> Block:
    where = {key: config.pop(key) for key in ("region",) if key in config}
    own = {"name": "c", "region": "us-central1", "cluster_config": [config], **where}
    return resource("google_dataproc_cluster.c", own, unknown=unknown, expressions=expressions)


def units(side: State, pool: int = 0) -> tuple[float | None, ...]:
    size = side.pools[pool].units
    return size.min, size.expected, size.max


def machine_costs(side: State) -> Decimal:
    kinds = ("compute", "gpu", "discount", "storage")
    return sum((each.monthly or Decimal(0) for each in side.components if each.kind in kinds), Decimal(0))


# -- Dataproc: groups of nodes --------------------------------------------------------------------------------------------


def test_workers_cost_their_machines_gpus_and_boot_disks(tmp_path: Path) -> None:
    side = after(plan(cluster(worker_config=[{**N1, "num_instances": 3}])), tmp_path)
    assert units(side) == (3, 3, 3)
    assert machine_costs(side) == 3 * (N1_T4 + BOOT)
    assert side.gpus.expected == 3


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        pytest.param({"worker_config": [N1]}, [(2, 2, 2)], id="two workers where no number is set"),
        pytest.param({"master_config": [N1]}, [(1, 1, 1)], id="one master where no number is set"),
        pytest.param({"master_config": [{**N1, "num_instances": 3}]}, [(3, 3, 3)], id="three masters"),
        pytest.param(
            {"master_config": [N1], "worker_config": [{**G2, "num_instances": 4}]},
            [(1, 1, 1), (4, 4, 4)],
            id="masters and workers",
        ),
        pytest.param(
            {"worker_config": [{**N1, "num_instances": 0}], "master_config": [N1]}, [(1, 1, 1)], id="a single node"
        ),
        pytest.param(
            {"auxiliary_node_groups": [{"node_group": [{"node_group_config": [{**N1, "num_instances": 2}]}]}]},
            [(2, 2, 2)],
            id="nodes for drivers",
        ),
        pytest.param(
            {"worker_config": [{"accelerators": T4, "num_instances": 2}]},
            [(2, 2, 2)],
            id="a GPU on the default machine",
        ),
    ],
)
def test_every_group_of_nodes_with_gpus_is_a_pool(
    config: Json, expected: list[tuple[int, ...]], tmp_path: Path
) -> None:
    side = after(plan(cluster(**config)), tmp_path)
    assert [units(side, each) for each in range(len(side.pools))] == expected


def test_disks_are_those_of_the_group(tmp_path: Path) -> None:
    disks = [
        {
            "boot_disk_type": "pd-ssd",
            "boot_disk_size_gb": 200,
            "num_local_ssds": 2,
            "attached_disk_config": [{"disk_size_gb": 100, "disk_type": "pd-standard"}],
        }
    ]
    side = after(plan(cluster(worker_config=[{**N1, "num_instances": 1, "disk_config": disks}])), tmp_path)
    each = 200 * Decimal("0.17") + 2 * 375 * Decimal("0.08") + 100 * Decimal("0.04")
    assert machine_costs(side) == N1_T4 + each


@pytest.mark.parametrize(
    ("secondary", "models"),
    [
        pytest.param({"num_instances": 3}, ["spot"], id="preemptible by default"),
        pytest.param({"num_instances": 3, "preemptibility": "PREEMPTIBLE"}, ["spot"], id="preemptible"),
        pytest.param({"num_instances": 3, "preemptibility": "SPOT"}, ["spot"], id="spot"),
        pytest.param({"num_instances": 3, "preemptibility": "NON_PREEMPTIBLE"}, ["on_demand"], id="regular"),
        pytest.param({"num_instances": 0}, [], id="none"),
        pytest.param({}, [], id="no number"),
    ],
)
def test_secondary_workers_have_the_machine_type_of_the_primary_ones(
    secondary: Json, models: list[str], tmp_path: Path
) -> None:
    block = cluster(worker_config=[{**G2, "num_instances": 2}], preemptible_worker_config=[secondary])
    side = after(plan(block), tmp_path)
    assert [each.sku for each in side.pools] == ["g2-standard-8"] * (1 + len(models))
    assert [each.purchase_model for each in side.pools[1:]] == models


def test_gpus_attached_to_primary_workers_are_not_attached_to_secondary_ones(tmp_path: Path) -> None:
    block = cluster(worker_config=[{**N1, "num_instances": 2}], preemptible_worker_config=[{"num_instances": 5}])
    assert after(plan(block), tmp_path).gpus.expected == 2


def test_a_mix_splits_secondary_workers(tmp_path: Path) -> None:
    mix = {"standard_capacity_base": 1, "standard_capacity_percent_above_base": 50}
    policy = [{"provisioning_model_mix": [mix]}]
    block = cluster(
        worker_config=[{**G2, "num_instances": 2}],
        preemptible_worker_config=[
            {"num_instances": 4, "preemptibility": "SPOT", "instance_flexibility_policy": policy}
        ],
    )
    side = after(plan(block), tmp_path)
    # 1 at the base, half of the other 3 rounded up
    assert [(each.purchase_model, units(side, at)) for at, each in enumerate(side.pools)][1:] == [
        ("on_demand", (3, 3, 3)),
        ("spot", (1, 1, 1)),
    ]


@pytest.mark.parametrize(
    ("selections", "sku"),
    [
        pytest.param([{"machine_types": ["g2-standard-8"], "rank": 2}, {"machine_types": ["g2-standard-4"], "rank": 1}], "g2-standard-4", id="the lowest rank first"),
        pytest.param([{"machine_types": ["g2-standard-4", "g2-standard-8"], "rank": 1}], "g2-standard-8", id="the dearest of one rank"),
        pytest.param([{"machine_types": ["g2-standard-4"]}, {"machine_types": ["g2-standard-8"]}], "g2-standard-8", id="the dearest without ranks"),
    ],
)  # fmt: skip
def test_of_several_machine_types_the_ranked_first_is_taken(selections: list[Json], sku: str, tmp_path: Path) -> None:
    group = {"num_instances": 2, "instance_flexibility_policy": [{"instance_selection_list": selections}]}
    side = after(plan(cluster(worker_config=[group])), tmp_path)
    assert side.pools[0].sku == sku
    assert len(side.pools[0].candidates) == 1


# -- Dataproc: autoscaling, places, lifetimes -----------------------------------------------------------------------------


def policy(**values: Any) -> Block:
    own = {"policy_id": "p", "worker_config": [{"min_instances": 2, "max_instances": 6}], **values}
    return resource("google_dataproc_autoscaling_policy.p", own, unknown={"id": True, "name": True})


def scaled(**config: Any) -> Block:
    return cluster(
        **{"worker_config": [{**G2, "num_instances": 3}], "autoscaling_config": [{}], **config},
        unknown={"cluster_config": [{"autoscaling_config": [{"policy_uri": True}]}]},
        expressions={
            "cluster_config": [
                {"autoscaling_config": [{"policy_uri": ref("google_dataproc_autoscaling_policy.p.name")}]}
            ]
        },
    )


@pytest.mark.parametrize(
    ("count", "bounds", "expected"),
    [
        pytest.param(3, {"min_instances": 2, "max_instances": 6}, (2, 3, 6), id="within the bounds"),
        pytest.param(9, {"min_instances": 2, "max_instances": 6}, (2, 6, 6), id="above them"),
        pytest.param(None, {"min_instances": 4, "max_instances": 6}, (4, 4, 6), id="no number, below them"),
        pytest.param(3, {"max_instances": 10}, (2, 3, 10), id="no minimum is two"),
    ],
)
def test_the_policy_bounds_the_primary_workers(
    count: int | None, bounds: Json, expected: tuple[int, ...], tmp_path: Path
) -> None:
    block = scaled(worker_config=[{**G2, "num_instances": count}])
    side = after(plan(block, policy(worker_config=[bounds])), tmp_path)
    assert units(side) == expected


def test_the_policy_may_start_secondary_workers(tmp_path: Path) -> None:
    side = after(plan(scaled(), policy(secondary_worker_config=[{"max_instances": 10}])), tmp_path)
    assert [(each.purchase_model, units(side, at)) for at, each in enumerate(side.pools)] == [
        ("on_demand", (2, 3, 6)),
        ("spot", (0, 0, 10)),
    ]


def test_a_policy_outside_the_plan_leaves_the_maximum_unknown(tmp_path: Path) -> None:
    block = cluster(
        worker_config=[{**N1, "num_instances": 3}],
        autoscaling_config=[{"policy_uri": "projects/p/regions/us-central1/autoscalingPolicies/elsewhere"}],
    )
    result = report(plan(block), tmp_path)
    assert result.resources[0].after is not None
    assert units(result.resources[0].after) == (None, 3, None)
    assert "unknown-maximum" in codes(result)


@pytest.mark.parametrize(
    ("config", "where"),
    [
        pytest.param({}, "us-central1", id="its own region"),
        pytest.param({"region": "global", "gce_cluster_config": [{"zone": "us-east4-c"}]}, "us-east4", id="its zone"),
        pytest.param({"region": "global"}, "europe-west4", id="the provider's region where it says global"),
    ],
)
def test_a_cluster_lies_where_its_zone_or_region_says(config: Json, where: str, tmp_path: Path) -> None:
    document = plan(cluster(worker_config=[G2], **config), providers={"google": {"region": const("europe-west4")}})
    assert after(document, tmp_path).region == where


def test_what_ends_a_cluster_early_is_told_and_not_counted(tmp_path: Path) -> None:
    block = cluster(worker_config=[G2], lifecycle_config=[{"idle_delete_ttl": "3600s"}])
    result = report(plan(block), tmp_path)
    assert "limited-lifetime" in codes(result)
    assert result.resources[0].after is not None
    assert result.resources[0].after.pools[0].hours_per_month == 730


def test_workers_in_a_reservation_of_the_change_cost_nothing_themselves(tmp_path: Path) -> None:
    affinity = [{"consume_reservation_type": "SPECIFIC_RESERVATION", "values": ["gpu"]}]
    block = cluster(worker_config=[G2], gce_cluster_config=[{"reservation_affinity": affinity}])
    reserved = resource(
        "google_compute_reservation.r",
        {
            "name": "gpu",
            "zone": "us-central1-a",
            "specific_reservation": [{"count": 2, "instance_properties": [{"machine_type": "g2-standard-8"}]}],
        },
    )
    side = after(plan(block, reserved), tmp_path, "google_dataproc_cluster.c")
    assert side.pools[0].covered_by == "google_compute_reservation.r"
    assert side.monthly.expected == 0


@pytest.mark.parametrize(
    ("unknown", "expressions", "code"),
    [
        pytest.param(
            {"machine_type": True}, {"machine_type": ref("google_thing.x.v")}, "unknown-machine-type", id="machine type"
        ),
        pytest.param(
            {"accelerators": [{"accelerator_type": True}]},
            {"accelerators": [{"accelerator_type": ref("google_thing.x.v")}]},
            "unknown-accelerator",
            id="type of the GPU",
        ),
        pytest.param(
            {"accelerators": [{"accelerator_count": True}]},
            {"accelerators": [{"accelerator_count": ref("google_thing.x.v")}]},
            "unknown-accelerator",
            id="number of GPUs",
        ),
    ],
)
def test_what_only_apply_can_tell_is_an_unknown_gpu(
    unknown: Json, expressions: Json, code: str, tmp_path: Path
) -> None:
    gpu: Json = {"accelerator_type": "nvidia-tesla-t4"} if code != "unknown-machine-type" else {}
    if "accelerator_type" in str(unknown):
        gpu = {"accelerator_count": 1}
    group = {"num_instances": 2, **({"accelerators": [gpu]} if gpu else {})}
    block = cluster(
        worker_config=[group],
        unknown={"cluster_config": [{"worker_config": [unknown]}]},
        expressions={"cluster_config": [{"worker_config": [expressions]}]},
    )
    result = report(plan(block, resource("google_thing.x", {}, unknown={"v": True})), tmp_path)
    assert code in codes(result)
    assert result.summary.unknown == 1


def test_a_workflow_has_a_cluster_only_while_it_runs(tmp_path: Path) -> None:
    config = {"worker_config": [{**G2, "num_instances": 4}], "gce_cluster_config": [{"zone": "us-central1-a"}]}
    own = {"location": "us-central1", "placement": [{"managed_cluster": [{"config": [config]}]}]}
    side = after(plan(resource("google_dataproc_workflow_template.w", own)), tmp_path)
    assert units(side) == (0, 0, 4)
    assert side.monthly.expected == 0
    assert machine_costs(side) == 0


# -- Dataproc on GKE ------------------------------------------------------------------------------------------------------


def on_gke(target: Json | None = None, **config: Any) -> Block:
    shape = {
        "config": [{"machine_type": "g2-standard-8", **config}],
        "autoscaling": [{"min_node_count": 1, "max_node_count": 6}],
        "locations": ["us-central1-a"],
    }
    pools = [{"node_pool": "spark", "node_pool_config": [shape], **(target or {})}]
    gke = [{"kubernetes_cluster_config": [{"gke_cluster_config": [{"node_pool_target": pools}]}]}]
    own = {"name": "c", "region": "us-central1", "virtual_cluster_config": gke}
    return resource("google_dataproc_cluster.c", own)


def test_a_cluster_on_gke_creates_the_node_pools_it_describes(tmp_path: Path) -> None:
    """At their minimum; the fee is 8 vCPUs × 0.01 × 730."""
    side = after(plan(on_gke()), tmp_path)
    assert (side.pools[0].sku, units(side)) == ("g2-standard-8", (1, 1, 6))
    assert machine_costs(side) == Decimal("0.853624") * 730
    assert side.monthly.expected == Decimal("0.853624") * 730 + Decimal("58.4")


def test_node_pools_of_a_cluster_on_gke_may_be_spot(tmp_path: Path) -> None:
    side = after(plan(on_gke(preemptible=True)), tmp_path)
    assert side.pools[0].purchase_model == "spot"
    assert machine_costs(side) == Decimal("0.479872") * 730


def test_a_node_pool_of_the_plan_counts_once(tmp_path: Path) -> None:
    pool = resource(
        "google_container_node_pool.spark",
        {
            "name": "spark",
            "location": "us-central1-a",
            "cluster": "c",
            "node_count": 2,
            "node_config": [{"machine_type": "g2-standard-8"}],
        },
        unknown={"id": True},
    )
    assert list(found(plan(on_gke(), pool), tmp_path)) == ["google_container_node_pool.spark"]


def test_a_cluster_on_gke_without_gpus_stays_quiet(tmp_path: Path) -> None:
    assert not found(plan(on_gke(machine_type="n2-standard-8")), tmp_path)
    assert not found(plan(on_gke({"node_pool_config": []})), tmp_path)


# -- serverless Spark -----------------------------------------------------------------------------------------------------

KIND = "spark.dataproc.executor.resource.accelerator.type"


def batch(kind: object = "l4", ttl: object = None, **properties: object) -> Block:
    named = {key.replace("_", "."): value for key, value in properties.items()}
    own = {
        "location": "us-central1",
        "runtime_config": [{"properties": {KIND: kind, **named}}],
        "environment_config": [{"execution_config": [{"ttl": ttl}]}],
    }
    return resource("google_dataproc_batch.b", own)


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        pytest.param(batch(), (2, 2, 1000), id="two executors, up to a thousand"),
        pytest.param(batch(spark_executor_instances="4", spark_dynamicAllocation_maxExecutors="8"), (2, 4, 8), id="its own numbers"),
        pytest.param(batch(spark_executor_instances="4", spark_dynamicAllocation_enabled="false"), (4, 4, 4), id="a fixed number"),
        pytest.param(batch(spark_dynamicAllocation_initialExecutors="6", spark_dynamicAllocation_minExecutors="3"), (3, 6, 1000), id="more to begin with"),
    ],
)  # fmt: skip
def test_a_batch_starts_executors_with_a_gpu_each(block: Block, expected: tuple[int, ...], tmp_path: Path) -> None:
    side = after(plan(block), tmp_path)
    assert units(side) == expected
    assert side.gpus.expected == expected[1]


@pytest.mark.parametrize(("kind", "model"), [("l4", "L4"), ("a100-40", "A100-40GB"), ("A100-80", "A100-80GB")])
def test_accelerators_of_spark_have_names_of_their_own(kind: str, model: str, tmp_path: Path) -> None:
    side = after(plan(batch(kind)), tmp_path)
    assert side.pools[0].gpu is not None
    assert side.pools[0].gpu.model == model


def test_a_batch_counts_once_with_its_time_to_live(tmp_path: Path) -> None:
    assert after(plan(batch(ttl="7200s")), tmp_path).pools[0].hours_per_month == 2


def test_an_accelerator_that_only_apply_can_tell_is_an_unknown_gpu(tmp_path: Path) -> None:
    block = resource(
        "google_dataproc_batch.b",
        {"location": "us-central1", "runtime_config": [{"properties": {"a": "b"}}]},
        unknown={"runtime_config": [{"properties": {KIND: True}}]},
        expressions={"runtime_config": [{"properties": ref("google_thing.x.v")}]},
    )
    result = report(plan(block, resource("google_thing.x", {}, unknown={"v": True})), tmp_path)
    assert "unknown-accelerator" in codes(result)


def test_a_session_template_by_itself_costs_nothing(tmp_path: Path) -> None:
    own = {"location": "us-central1", "runtime_config": [{"properties": {KIND: "l4"}}]}
    result = report(plan(resource("google_dataproc_session_template.s", own)), tmp_path)
    assert not result.resources
    assert codes(result) == {"unused-template"}


# -- Dataflow -------------------------------------------------------------------------------------------------------------


def flow(kind: str = "google_dataflow_flex_template_job", **values: Any) -> Block:
    return resource(
        f"{kind}.j", {"region": "us-central1", "machine_type": "n1-standard-4", **values}, provider="google"
    )


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"additional_experiments": [EXPERIMENT]}, id="as an experiment"),
        pytest.param({"additional_pipeline_options": [f"dataflowServiceOptions={EXPERIMENT}"]}, id="as an option"),
        pytest.param({"parameters": {"dataflowServiceOptions": f'["a","{EXPERIMENT}"]'}}, id="as a parameter"),
    ],
)
def test_the_gpu_of_a_worker_stands_in_an_option(values: Json, tmp_path: Path) -> None:
    side = after(plan(flow(max_workers=3, **values)), tmp_path)
    assert side.pools[0].gpu is not None
    assert (side.pools[0].gpu.model, side.pools[0].gpu.per_unit) == ("T4", 1)
    assert units(side) == (1, 1, 3)


def test_several_gpus_on_a_worker(tmp_path: Path) -> None:
    option = "worker_accelerator=type:nvidia-tesla-t4;count:4;install-nvidia-driver"
    assert after(plan(flow(max_workers=2, additional_experiments=[option])), tmp_path).gpus.max == 8


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param({"num_workers": 2, "max_workers": 5}, (1, 2, 5), id="its own numbers"),
        pytest.param({"max_workers": 5}, (1, 1, 5), id="one worker to begin with"),
        pytest.param({"num_workers": 3}, (1, 3, None), id="no maximum"),
        pytest.param({"num_workers": 9, "max_workers": 5}, (1, 5, 5), id="no more than the maximum"),
    ],
)
def test_a_pipeline_has_workers(values: Json, expected: tuple[int | None, ...], tmp_path: Path) -> None:
    result = report(plan(flow(additional_experiments=[EXPERIMENT], **values)), tmp_path)
    assert result.resources[0].after is not None
    assert units(result.resources[0].after) == expected
    assert ("unbounded-workers" in codes(result)) is (expected[2] is None)


def test_a_machine_type_with_a_gpu_is_enough(tmp_path: Path) -> None:
    side = after(plan(flow("google_dataflow_job", machine_type="g2-standard-4", max_workers=2)), tmp_path)
    assert side.gpus.max == 2


def test_a_data_pipeline_runs_when_its_schedule_says(tmp_path: Path) -> None:
    environment = {"machine_type": "n1-standard-4", "max_workers": 4, "additional_experiments": [EXPERIMENT]}
    request = [{"launch_parameter": [{"job_name": "j", "environment": [environment]}]}]
    own = {"region": "us-central1", "workload": [{"dataflow_flex_template_request": request}]}
    assert units(after(plan(resource("google_data_pipeline_pipeline.p", own)), tmp_path)) == (0, 0, 4)


# -- Cluster Director -----------------------------------------------------------------------------------------------------


def slurm(resources: object, sets: object) -> Block:
    own = {
        "location": "us-central1",
        "compute_resources": resources,
        "orchestrator": [{"slurm": [{"node_sets": sets}]}],
    }
    return resource("google_hypercomputecluster_cluster.c", own)


def machines(name: str, kind: str = "new_on_demand_instances", machine: str = "a2-highgpu-1g") -> Json:
    return {"id": name, "config": [{kind: [{"machine_type": machine, "zone": "us-central1-a"}]}]}


def test_login_nodes_count_where_they_have_gpus(tmp_path: Path) -> None:
    """g2-standard-4 0.706832 an hour and 50 GiB of pd-ssd at 0.17, twice."""
    block = slurm([machines("gpu")], [{"compute_id": "gpu", "static_node_count": "1"}])
    assert block.after is not None
    login = {"machine_type": "g2-standard-4", "count": "2", "boot_disk": [{"size_gb": "50", "type": "pd-ssd"}]}
    block.after["orchestrator"][0]["slurm"][0]["login_nodes"] = [login]
    side = after(plan(block), tmp_path)
    assert [(each.sku, each.units.max) for each in side.pools] == [("a2-highgpu-1g", 1), ("g2-standard-4", 2)]
    assert sum(each.monthly or 0 for each in side.components if each.pool == "g2-standard-4") == (
        2 * (Decimal("0.706832") * 730 + 50 * Decimal("0.17"))
    )


def test_node_sets_run_static_nodes_and_may_start_dynamic_ones(tmp_path: Path) -> None:
    sets = [
        {"id": "a", "compute_id": "gpu", "static_node_count": "2", "max_dynamic_node_count": "4"},
        {"id": "b", "compute_id": "cpu", "static_node_count": "9"},
    ]
    side = after(plan(slurm([machines("gpu"), machines("cpu", machine="n2-standard-8")], sets)), tmp_path)
    assert [each.sku for each in side.pools] == ["a2-highgpu-1g"]
    assert units(side) == (2, 2, 6)
    assert side.monthly.expected == 2 * 730 * Decimal("3.673385")


@pytest.mark.parametrize(
    ("kind", "model"), [("new_spot_instances", "spot"), ("new_flex_start_instances", "flex_start")]
)
def test_nodes_are_bought_as_the_resource_says(kind: str, model: str, tmp_path: Path) -> None:
    block = slurm([machines("gpu", kind)], [{"compute_id": "gpu", "static_node_count": "1"}])
    assert after(plan(block), tmp_path).pools[0].purchase_model == model


def test_a_node_set_that_names_no_resource_may_be_any(tmp_path: Path) -> None:
    resources = [machines("one"), machines("two", machine="g2-standard-8")]
    side = after(plan(slurm(resources, [{"static_node_count": "1"}])), tmp_path)
    assert (side.pools[0].sku, side.pools[0].candidates) == ("a2-highgpu-1g", ("g2-standard-8",))


def test_nodes_of_a_reservation_outside_the_plan_are_an_unknown_gpu(tmp_path: Path) -> None:
    resources = [{"id": "r", "config": [{"new_reserved_instances": [{"reservation": "projects/p/r"}]}]}]
    result = report(plan(slurm(resources, [{"compute_id": "r", "static_node_count": "2"}])), tmp_path)
    assert "unknown-machine-type" in codes(result)


# -- what stays quiet -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "block",
    [
        pytest.param(cluster(), id="a cluster that says nothing"),
        pytest.param(cluster(worker_config=[{"machine_type": "n2-standard-8"}]), id="workers without a GPU"),
        pytest.param(cluster(worker_config=[{**N1, "accelerators": []}]), id="N1 workers without a GPU"),
        pytest.param(cluster(worker_config=[{**N1, "accelerators": [{**T4[0], "accelerator_count": 0}]}]), id="no GPU by number"),
        pytest.param(resource("google_dataproc_cluster.c", {"region": "us-central1"}), id="a cluster without a configuration"),
        pytest.param(
            resource("google_dataproc_cluster.c", {"region": "us-central1", "virtual_cluster_config": [{"kubernetes_cluster_config": []}]}),
            id="a cluster on GKE",
        ),
        pytest.param(policy(), id="a policy alone"),
        pytest.param(resource("google_dataproc_workflow_template.w", {"placement": [{"cluster_selector": [{}]}]}), id="a workflow on a cluster that is there"),
        pytest.param(batch(kind=None), id="a batch without a GPU"),
        pytest.param(resource("google_dataproc_job.j", {"placement": [{"cluster_name": "c"}]}), id="a job"),
        pytest.param(flow(max_workers=3), id="a pipeline without a GPU"),
        pytest.param(flow(max_workers=3, parameters={"model": "worker accelerator"}), id="words that are no option"),
        pytest.param(flow(additional_experiments=["worker_accelerator=none"]), id="an option without a type"),
        pytest.param(resource("google_data_pipeline_pipeline.p", {"workload": []}), id="a pipeline without a workload"),
        pytest.param(slurm([machines("cpu", machine="n2-standard-8")], [{"compute_id": "cpu", "static_node_count": "3"}]), id="Slurm without a GPU"),
        pytest.param(slurm([], [{"compute_id": "gpu", "static_node_count": "3"}]), id="a node set without machines"),
        pytest.param(
            resource("google_data_fusion_instance.f", {"type": "BASIC", "accelerators": [{"accelerator_type": "CDC", "state": "ENABLED"}]}),
            id="accelerators that are software",
        ),
        pytest.param(resource("google_composer_environment.c", {"config": [{"node_config": [{"machine_type": "n1-standard-4"}]}]}), id="Composer"),
        pytest.param(resource("google_alloydb_instance.a", {"machine_config": [{"machine_type": "n2-highmem-4"}]}), id="a database"),
    ],
)  # fmt: skip
def test_what_has_no_gpu_is_not_reported(block: Block, tmp_path: Path) -> None:
    result = report(plan(block), tmp_path)
    assert not result.resources
    assert not codes(result)


# -- odd values and both sides --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("odd", [7, True, [], {}, "", "x" * 5000, [[[]]], {"a": {"b": []}}, 1e308, -1, [None], None])
def test_odd_values_raise_nothing(odd: object, tmp_path: Path) -> None:
    group = {**G2, "num_instances": odd, "disk_config": odd, "instance_flexibility_policy": odd, "accelerators": odd}
    selection = [{"instance_selection_list": [{"machine_types": odd, "rank": odd}], "provisioning_model_mix": odd}]
    disks = [{"boot_disk_type": odd, "boot_disk_size_gb": odd, "num_local_ssds": odd, "attached_disk_config": odd}]
    mix = [{"provisioning_model_mix": [{"standard_capacity_base": odd, "standard_capacity_percent_above_base": odd}]}]
    blocks = [
        resource("google_dataproc_cluster.c", {"region": odd, "cluster_config": odd}),
        cluster(worker_config=odd, master_config=odd, preemptible_worker_config=odd, auxiliary_node_groups=odd),
        cluster(worker_config=[group], preemptible_worker_config=[{"num_instances": odd, "preemptibility": odd}]),
        cluster(worker_config=[{**G2, "disk_config": disks, "instance_flexibility_policy": selection}]),
        cluster(
            worker_config=[G2], preemptible_worker_config=[{"num_instances": 5, "instance_flexibility_policy": mix}]
        ),
        cluster(worker_config=[G2], autoscaling_config=odd, gce_cluster_config=odd, lifecycle_config=odd),
        cluster(worker_config=[G2], autoscaling_config=[{"policy_uri": odd}]),
        resource("google_dataproc_workflow_template.w", {"placement": odd}),
        batch(odd, odd),
        batch(spark_executor_instances=odd, spark_dynamicAllocation_maxExecutors=odd),
        resource("google_dataproc_batch.b", {"runtime_config": odd}),
        resource("google_dataproc_session_template.s", {"runtime_config": odd}),
        flow(additional_experiments=odd, parameters=odd, machine_type=odd, num_workers=odd, max_workers=odd),
        flow(additional_experiments=[odd, f"worker_accelerator=type:{odd};count:{odd}"]),
        resource("google_data_pipeline_pipeline.p", {"workload": odd}),
        slurm(odd, odd),
        slurm([machines("gpu")], [{"compute_id": odd, "static_node_count": odd, "max_dynamic_node_count": odd}]),
        slurm([{"id": odd, "config": odd}], [{"compute_id": "gpu", "compute_instance": odd}]),
    ]
    for block in blocks:
        report(plan(block), tmp_path)
    bounds = {"worker_config": odd, "secondary_worker_config": [{"max_instances": odd}]}
    report(plan(scaled(), policy(**bounds)), tmp_path)


def test_a_number_where_a_text_is_expected_is_told(tmp_path: Path) -> None:
    result = report(plan(cluster(worker_config=[{"machine_type": 7}])), tmp_path)
    assert {"unreadable-value", "unknown-machine-type"} <= codes(result)


def test_very_many_options_are_no_burden(tmp_path: Path) -> None:
    report(plan(flow(additional_experiments=["x" * 50] * 50_000)), tmp_path)
    names = [f"g2-standard-{index}" for index in range(20_000)]
    selections = [{"instance_selection_list": [{"machine_types": names}] * 50}]
    report(plan(cluster(worker_config=[{"instance_flexibility_policy": selections}])), tmp_path)


def test_more_workers_are_an_update(tmp_path: Path) -> None:
    sides = [
        {"region": "us-central1", "cluster_config": [{"worker_config": [{**N1, "num_instances": n}]}]} for n in (2, 5)
    ]
    document = plan(resource("google_dataproc_cluster.c", sides[1], before=sides[0]))
    each = found(document, tmp_path)["google_dataproc_cluster.c"]
    assert each.before is not None
    assert each.after is not None
    assert (each.before.gpus.expected, each.after.gpus.expected) == (2, 5)
