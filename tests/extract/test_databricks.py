"""Databricks: clusters, instance pools, jobs, pipelines and model serving on the three clouds.

Unit prices used here, us-east-1: g5.xlarge 1.006 an hour, as spot 0.4507 at the dear end; g5.2xlarge 1.212; gp2 0.10 a GiB and
month, 18.00 for the 180 GiB of every node.
"""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gpuguard.extract.providers.databricks import cloud_of_type
from gpuguard.model.report import State
from tests.extract.plans import Block, Json, after, codes, const, data, found, plan, ref, report, resource

GPU, CPU, ZONE = "g5.xlarge", "i3.xlarge", "us-east-1a"
ON_DEMAND = [{"availability": "ON_DEMAND", "zone_id": ZONE}]
NODE = Decimal("1.006") * 730 + 18
PROVIDERS = {"databricks": {"host": const("https://acme.cloud.databricks.com")}}


def cluster(name: str = "a", *, unknown: Json | None = None, expressions: Json | None = None, **values: Any) -> Block:
    own = {"node_type_id": GPU, "num_workers": 1, "autotermination_minutes": 0, "aws_attributes": ON_DEMAND, **values}
    return resource(f"databricks_cluster.{name}", own, unknown=unknown, expressions=expressions)


def pool(**values: Any) -> Block:
    own = {
        "node_type_id": "g5.2xlarge",
        "min_idle_instances": 1,
        "max_capacity": 10,
        "aws_attributes": ON_DEMAND,
        **values,
    }
    return resource("databricks_instance_pool.p", own, unknown={"id": True})


def pooled(name: str = "a", **values: Any) -> Block:
    mask = {
        "instance_pool_id": True,
        "node_type_id": True,
        "driver_node_type_id": True,
        "driver_instance_pool_id": True,
    }
    expressions = {"instance_pool_id": ref("databricks_instance_pool.p.id")}
    own = {"num_workers": 3, "autotermination_minutes": 0, **values}
    return resource(f"databricks_cluster.{name}", own, unknown=mask, expressions=expressions)


def job(*clusters: Json, **values: Any) -> Block:
    tasks = [{"task_key": str(number), "new_cluster": [each]} for number, each in enumerate(clusters)]
    return resource("databricks_job.j", {"task": tasks, **values})


def serving(*entities: Json) -> Block:
    return resource("databricks_model_serving.m", {"config": [{"served_entities": list(entities)}]})


def sizes(state: State) -> list[tuple[str | None, str, tuple[float | None, ...]]]:
    return [
        (each.sku, each.purchase_model, (each.units.min, each.units.expected, each.units.max)) for each in state.pools
    ]


NEW = {"node_type_id": GPU, "num_workers": 2, "aws_attributes": ON_DEMAND}

# -- nodes --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "nodes"),
    [
        pytest.param({"num_workers": 3}, (4, 4, 4), id="a driver and its workers"),
        pytest.param({"num_workers": 0}, (1, 1, 1), id="a single node"),
        pytest.param({"num_workers": None}, (1, 1, 1), id="no number of workers"),
        pytest.param({"num_workers": 5, "is_single_node": True}, (1, 1, 1), id="a single node, said so"),
        pytest.param(
            {"num_workers": 0, "autoscale": [{"min_workers": 1, "max_workers": 8}]},
            (2, 2, 9),
            id="autoscaling starts with the fewest",
        ),
        pytest.param(
            {"num_workers": 1, "autotermination_minutes": 30}, (0, 2, 2), id="what ends by itself may be nothing"
        ),
        pytest.param(
            {"num_workers": 1, "autotermination_minutes": None},
            (0, 2, 2),
            id="it does after an hour unless it says otherwise",
        ),
        pytest.param({"num_workers": "x"}, (None, None, None), id="what is no number is not known"),
    ],
)
def test_the_nodes_of_a_cluster(tmp_path: Path, values: Json, nodes: tuple[float | None, ...]) -> None:
    assert sizes(after(plan(cluster(**values)), tmp_path)) == [(GPU, "on_demand", nodes)]


def test_every_node_has_the_volumes_that_databricks_adds(tmp_path: Path) -> None:
    assert after(plan(cluster()), tmp_path).monthly.expected == NODE * 2


def test_a_driver_without_a_gpu_is_out_of_scope(tmp_path: Path) -> None:
    state = after(plan(cluster(driver_node_type_id=CPU, num_workers=2)), tmp_path)
    assert sizes(state) == [(GPU, "on_demand", (2, 2, 2))]


def test_a_driver_with_a_gpu_of_its_own(tmp_path: Path) -> None:
    state = after(plan(cluster(node_type_id=CPU, driver_node_type_id=GPU, num_workers=9)), tmp_path)
    assert sizes(state) == [(GPU, "on_demand", (1, 1, 1))]


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        pytest.param({"availability": "SPOT"}, [("spot", 4)], id="all spot"),
        pytest.param(
            {"availability": "SPOT_WITH_FALLBACK", "first_on_demand": 1},
            [("on_demand", 1), ("spot", 3)],
            id="the driver on demand",
        ),
        pytest.param(
            {"availability": "SPOT", "first_on_demand": 3}, [("on_demand", 3), ("spot", 1)], id="the first workers too"
        ),
        pytest.param({"availability": "SPOT", "first_on_demand": 9}, [("on_demand", 4)], id="more than there are"),
        pytest.param({"availability": "ON_DEMAND", "first_on_demand": 1}, [("on_demand", 4)], id="on demand anyway"),
        pytest.param({}, [("on_demand", 4)], id="nothing said"),
        pytest.param({"availability": 5}, [("on_demand", 4)], id="nonsense"),
    ],
)
def test_how_the_nodes_are_bought(tmp_path: Path, attributes: Json, expected: list[tuple[str, int]]) -> None:
    state = after(plan(cluster(num_workers=3, aws_attributes=[{"zone_id": ZONE, **attributes}])), tmp_path)
    assert [(each.purchase_model, each.units.expected) for each in state.pools] == expected


def test_a_bid_caps_the_price_of_spot(tmp_path: Path) -> None:
    attributes = [{"availability": "SPOT", "zone_id": ZONE, "spot_bid_price_percent": 20}]
    state = after(plan(cluster(num_workers=0, aws_attributes=attributes)), tmp_path)
    assert state.monthly.expected == Decimal("1.006") * Decimal("0.2") * 730 + 18


def test_volumes_the_configuration_asks_for(tmp_path: Path) -> None:
    attributes = [
        {
            "availability": "ON_DEMAND",
            "zone_id": ZONE,
            "ebs_volume_count": 2,
            "ebs_volume_size": 100,
            "ebs_volume_type": "GENERAL_PURPOSE_SSD",
        }
    ]
    state = after(plan(cluster(num_workers=0, aws_attributes=attributes)), tmp_path)
    assert state.monthly.expected == NODE + 20


@pytest.mark.parametrize(
    ("name", "cloud"),
    [
        ("g5.xlarge", "aws"),
        ("p4d.24xlarge", "aws"),
        ("p6-b200.48xlarge", "aws"),
        ("rd-fleet.xlarge", "aws"),
        ("g6e.metal", "aws"),
        ("Standard_NC24ads_A100_v4", "azure"),
        ("standard_nc4as_t4_v3", "azure"),
        ("a2-highgpu-1g", "gcp"),
        ("g2-standard-12", "gcp"),
        ("n1-standard-4", "gcp"),
        ("", None),
        ("xlarge", None),
        ("GPU_MEDIUM", None),
    ],
)
def test_the_cloud_is_that_of_the_node_type(name: str, cloud: str | None) -> None:
    assert cloud_of_type(name) == cloud


@pytest.mark.parametrize(
    ("values", "cloud", "region"),
    [
        pytest.param(
            {"node_type_id": "a2-highgpu-1g", "aws_attributes": [], "gcp_attributes": [{"zone_id": "us-central1-a"}]},
            "gcp",
            "us-central1",
            id="Google Cloud",
        ),
        pytest.param(
            {"node_type_id": "a2-highgpu-1g", "aws_attributes": [], "gcp_attributes": [{"zone_id": "HA"}]},
            "gcp",
            None,
            id="in all zones",
        ),
        pytest.param({"node_type_id": "Standard_NC24ads_A100_v4", "aws_attributes": []}, "azure", None, id="Azure"),
        pytest.param({"aws_attributes": [{"zone_id": "auto"}]}, "aws", None, id="any zone"),
        pytest.param({}, "aws", "us-east-1", id="AWS"),
    ],
)
def test_the_region_is_that_of_the_zone(tmp_path: Path, values: Json, cloud: str, region: str | None) -> None:
    state = after(plan(cluster(**values)), tmp_path)
    assert (state.cloud, state.region) == (cloud, region)


def test_the_region_may_be_that_of_the_workspace_or_of_another_cluster(tmp_path: Path) -> None:
    azure = cluster(node_type_id="Standard_NC24ads_A100_v4", aws_attributes=[])
    workspace = resource("azurerm_databricks_workspace.w", {"location": "West Europe"})
    assert after(plan(azure, workspace), tmp_path).region == "westeurope"
    resources = found(plan(cluster("a"), cluster("b", aws_attributes=[])), tmp_path)
    state = resources["databricks_cluster.b"].after
    assert state is not None
    assert state.region == "us-east-1"


def test_azure_takes_the_spot_price_and_no_bid_of_minus_one(tmp_path: Path) -> None:
    attributes = [{"availability": "SPOT_AZURE", "first_on_demand": 0, "spot_bid_max_price": -1}]
    workspace = resource("azurerm_databricks_workspace.w", {"location": "westeurope"})
    block = cluster(
        node_type_id="Standard_NC24ads_A100_v4", num_workers=0, aws_attributes=[], azure_attributes=attributes
    )
    state = after(plan(block, workspace), tmp_path)
    assert state.monthly.expected == Decimal("1.097295") * 730


def test_local_ssds_on_google_cloud(tmp_path: Path) -> None:
    attributes = [{"zone_id": "us-central1-a", "local_ssd_count": 2}]
    state = after(
        plan(cluster(node_type_id="a2-highgpu-1g", num_workers=0, aws_attributes=[], gcp_attributes=attributes)),
        tmp_path,
    )
    assert [each.quantity for each in state.components if each.kind == "storage"] == [750]


@pytest.mark.parametrize(
    ("minutes", "code"), [(0, "never-terminates"), (30, "auto-terminates"), (None, "auto-terminates")]
)
def test_when_it_ends_is_told(tmp_path: Path, minutes: int | None, code: str) -> None:
    assert code in codes(report(plan(cluster(autotermination_minutes=minutes)), tmp_path))


def test_dbus_on_top_and_an_open_purchase_are_told(tmp_path: Path) -> None:
    result = report(plan(cluster(aws_attributes=[])), tmp_path)
    assert {"databricks-dbu", "assumed-on-demand"} <= codes(result)
    assert "assumed-on-demand" not in codes(report(plan(cluster()), tmp_path))


# -- node types behind references ---------------------------------------------------------------------------------------


def test_a_node_type_that_a_data_source_has_found(tmp_path: Path) -> None:
    source = data("data.databricks_node_type.gpu", {"id": GPU, "min_gpus": 1})
    block = cluster(
        node_type_id=None,
        unknown={"node_type_id": True},
        expressions={"node_type_id": ref("data.databricks_node_type.gpu.id")},
    )
    assert after(plan(source, block), tmp_path).pools[0].sku == GPU


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        pytest.param({"min_gpus": 1}, True, id="with a GPU"),
        pytest.param({"category": "GPU Accelerated"}, True, id="of the category"),
        pytest.param({"local_disk": True}, False, id="without"),
        pytest.param({"min_gpus": 0, "category": "Memory Optimized"}, False, id="said so"),
    ],
)
def test_a_data_source_that_is_read_later_is_told_where_it_asks_for_gpus(
    tmp_path: Path, asked: Json, told: bool
) -> None:
    source = data("data.databricks_node_type.some", asked)
    block = cluster(
        node_type_id=None,
        unknown={"node_type_id": True, "driver_node_type_id": True},
        expressions={"node_type_id": ref("data.databricks_node_type.some.id")},
    )
    result = report(plan(source, block), tmp_path)
    assert bool(result.resources) is told


def test_a_policy_gives_the_node_type_where_the_cluster_names_none(tmp_path: Path) -> None:
    rules = {
        "node_type_id": {"type": "unlimited", "defaultValue": GPU},
        "autoscale.max_workers": {"type": "range", "maxValue": 4},
    }
    policy = resource("databricks_cluster_policy.p", {"definition": json.dumps(rules)}, unknown={"id": True})
    block = cluster(
        node_type_id=None, unknown={"policy_id": True}, expressions={"policy_id": ref("databricks_cluster_policy.p.id")}
    )
    resources = found(plan(policy, block), tmp_path)
    assert list(resources) == ["databricks_cluster.a"]
    named = cluster(
        node_type_id=CPU, unknown={"policy_id": True}, expressions={"policy_id": ref("databricks_cluster_policy.p.id")}
    )
    assert found(plan(policy, named), tmp_path) == {}


def test_types_that_stand_in_are_candidates(tmp_path: Path) -> None:
    block = cluster(
        worker_node_type_flexibility=[{"alternate_node_type_ids": ["g5.2xlarge", "g5.4xlarge"]}],
        num_workers=2,
        driver_node_type_id=CPU,
    )
    state = after(plan(block), tmp_path)
    assert (state.pools[0].sku, state.pools[0].candidates) == (GPU, ("g5.2xlarge", "g5.4xlarge"))


# -- instance pools -----------------------------------------------------------------------------------------------------


def test_a_pool_waits_with_its_idle_minimum_and_may_fill_its_capacity(tmp_path: Path) -> None:
    state = after(plan(pool()), tmp_path)
    assert sizes(state) == [("g5.2xlarge", "on_demand", (1, 1, 10))]
    assert state.monthly.expected == Decimal("1.212") * 730 + 18


def test_what_clusters_take_of_a_pool_is_theirs(tmp_path: Path) -> None:
    resources = found(plan(pool(), pooled("a"), pooled("b", num_workers=1)), tmp_path)
    states = {address: each.after for address, each in resources.items()}
    waiting, taken = states["databricks_instance_pool.p"], states["databricks_cluster.a"]
    assert waiting is not None
    assert taken is not None
    assert sizes(waiting) == [("g5.2xlarge", "on_demand", (1, 1, 4))]
    assert sizes(taken) == [("g5.2xlarge", "on_demand", (4, 4, 4))]
    assert resources["databricks_cluster.a"].via == ("databricks_instance_pool.p",)


def test_a_pool_without_a_capacity_has_no_ceiling_and_that_is_told(tmp_path: Path) -> None:
    result = report(plan(pool(max_capacity=None)), tmp_path)
    assert "unbounded-pool" in codes(result)
    state = result.resources[0].after
    assert state is not None
    assert state.pools[0].units.max is None


def test_a_pool_that_is_spot_makes_its_clusters_spot(tmp_path: Path) -> None:
    spot = pool(aws_attributes=[{"availability": "SPOT", "zone_id": ZONE}], min_idle_instances=0)
    state = after(plan(spot, pooled()), tmp_path, "databricks_cluster.a")
    assert [each.purchase_model for each in state.pools] == ["spot"]


def test_a_cluster_of_a_pool_outside_the_plan_is_told(tmp_path: Path) -> None:
    result = report(
        plan(resource("databricks_cluster.a", {"instance_pool_id": "0101-outside", "num_workers": 1})), tmp_path
    )
    assert "unknown-machine-type" in codes(result)


# -- jobs and pipelines -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "nodes"),
    [
        pytest.param({}, (0, 0, 3), id="while a run lasts"),
        pytest.param({"max_concurrent_runs": 4}, (0, 0, 12), id="of so many at a time"),
        pytest.param({"continuous": [{"pause_status": "UNPAUSED"}]}, (3, 3, 3), id="always"),
        pytest.param({"continuous": [{}]}, (3, 3, 3), id="always unless it says otherwise"),
        pytest.param({"continuous": [{"pause_status": "PAUSED"}]}, (0, 0, 3), id="paused"),
        pytest.param({"always_running": True}, (3, 3, 3), id="always, as it was said before"),
    ],
)
def test_the_clusters_of_a_job(tmp_path: Path, values: Json, nodes: tuple[int, int, int]) -> None:
    assert sizes(after(plan(job(NEW, **values)), tmp_path)) == [(GPU, "on_demand", nodes)]


def test_a_shared_cluster_counts_once_and_only_where_a_task_uses_it(tmp_path: Path) -> None:
    shared = [{"job_cluster_key": "gpu", "new_cluster": [NEW]}, {"job_cluster_key": "old", "new_cluster": [NEW]}]
    tasks = [{"task_key": "a", "job_cluster_key": "gpu"}, {"task_key": "b", "job_cluster_key": "gpu"}]
    state = after(plan(resource("databricks_job.j", {"job_cluster": shared, "task": tasks})), tmp_path)
    assert sizes(state) == [(GPU, "on_demand", (0, 0, 3))]


def test_a_disabled_task_starts_nothing(tmp_path: Path) -> None:
    block = resource("databricks_job.j", {"task": [{"task_key": "a", "disabled": True, "new_cluster": [NEW]}]})
    assert found(plan(block), tmp_path) == {}


def test_iterations_run_beside_one_another(tmp_path: Path) -> None:
    task = {"task_key": "a", "for_each_task": [{"concurrency": 5, "task": [{"new_cluster": [NEW]}]}]}
    state = after(plan(resource("databricks_job.j", {"task": [task]})), tmp_path)
    assert state.gpus.max == 15


def test_serverless_gpus(tmp_path: Path) -> None:
    task = {"task_key": "a", "compute": [{"hardware_accelerator": "GPU_8xH100"}]}
    state = after(
        plan(resource("databricks_job.j", {"task": [task], "max_concurrent_runs": 2}), providers=PROVIDERS), tmp_path
    )
    assert state.gpus.max == 16
    assert state.monthly.max is None


@pytest.mark.parametrize(
    ("values", "nodes"),
    [
        pytest.param({"continuous": True}, (2, 2, 2), id="continuous"),
        pytest.param({"continuous": False}, (0, 0, 2), id="while an update lasts"),
        pytest.param({}, (0, 0, 2), id="which is the default"),
    ],
)
def test_the_clusters_of_a_pipeline(tmp_path: Path, values: Json, nodes: tuple[int, int, int]) -> None:
    block = resource("databricks_pipeline.p", {"cluster": [{**NEW, "num_workers": 1}], **values})
    assert sizes(after(plan(block), tmp_path)) == [(GPU, "on_demand", nodes)]


# -- model serving ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entity", "units", "gpus"),
    [
        pytest.param({"workload_type": "GPU_SMALL", "workload_size": "Small"}, (1, 1, 1), 1, id="one unit"),
        pytest.param({"workload_type": "GPU_MEDIUM", "workload_size": "Medium"}, (2, 2, 4), 1, id="a range"),
        pytest.param(
            {"workload_type": "GPU_MEDIUM", "workload_size": "Large", "scale_to_zero_enabled": True},
            (0, 0, 16),
            1,
            id="scaled to zero",
        ),
        pytest.param({"workload_type": "MULTIGPU_MEDIUM", "workload_size": "Small"}, (1, 1, 1), 4, id="several GPUs"),
        pytest.param(
            {"workload_type": "GPU_LARGE", "min_provisioned_concurrency": 4, "max_provisioned_concurrency": 10},
            (1, 1, 3),
            1,
            id="by concurrency",
        ),
        pytest.param(
            {"workload_type": "GPU_FUTURE", "workload_size": "Small"}, (1, 1, 1), 1, id="a type that is not known"
        ),
    ],
)
def test_served_entities_on_gpus(tmp_path: Path, entity: Json, units: tuple[int, int, int], gpus: int) -> None:
    state = after(plan(serving(entity), providers=PROVIDERS), tmp_path)
    size = state.pools[0].units
    assert [size.min, size.expected, size.max] == list(units)
    assert state.pools[0].gpu is not None
    assert state.pools[0].gpu.per_unit == gpus
    assert state.monthly.max is None


def test_provisioned_throughput_is_an_unknown_gpu(tmp_path: Path) -> None:
    entity = {"min_provisioned_throughput": 0, "max_provisioned_throughput": 1900}
    units = resource(
        "databricks_model_serving_provisioned_throughput.p",
        {"config": [{"served_entities": [{"provisioned_model_units": 50}]}]},
    )
    result = report(plan(serving(entity), units, providers=PROVIDERS), tmp_path)
    assert result.summary.unknown == 2
    assert "unknown-accelerator" in codes(result)


# -- silence ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "block",
    [
        pytest.param(cluster(node_type_id=CPU, num_workers=50), id="a plain cluster"),
        pytest.param(cluster(node_type_id="Standard_DS3_v2", aws_attributes=[]), id="a plain cluster on Azure"),
        pytest.param(cluster(node_type_id="n2-highmem-4", aws_attributes=[]), id="a plain cluster on Google Cloud"),
        pytest.param(
            cluster(node_type_id=CPU, unknown={"driver_node_type_id": True, "driver_instance_pool_id": True}),
            id="a driver that Databricks picks",
        ),
        pytest.param(pool(node_type_id=CPU, max_capacity=None), id="a plain pool"),
        pytest.param(job({"node_type_id": CPU, "num_workers": 9}), id="a plain job"),
        pytest.param(
            resource("databricks_job.j", {"task": [{"task_key": "a", "existing_cluster_id": "0101"}]}),
            id="a job on a cluster that is there",
        ),
        pytest.param(resource("databricks_job.j", {"task": [{"task_key": "a"}]}), id="a serverless job"),
        pytest.param(
            resource("databricks_pipeline.p", {"serverless": True, "continuous": True, "cluster": []}),
            id="a serverless pipeline",
        ),
        pytest.param(
            resource("databricks_pipeline.p", {"cluster": [{"node_type_id": CPU, "num_workers": 2}]}),
            id="a plain pipeline",
        ),
        pytest.param(serving({"workload_type": "CPU", "workload_size": "Large"}), id="serving on CPUs"),
        pytest.param(
            serving({"external_model": [{"name": "gpt", "provider": "openai", "task": "llm/v1/chat"}]}),
            id="an external model",
        ),
        pytest.param(
            resource(
                "databricks_cluster_policy.p",
                {"definition": json.dumps({"node_type_id": {"type": "fixed", "value": GPU}})},
            ),
            id="a policy that allows a GPU",
        ),
        pytest.param(resource("databricks_sql_endpoint.s", {"cluster_size": "Large"}), id="a SQL warehouse"),
        pytest.param(resource("databricks_app.a", {"name": "gpu-dashboard", "compute_size": "LARGE"}), id="an app"),
        pytest.param(
            resource("databricks_vector_search_endpoint.v", {"endpoint_type": "STANDARD"}), id="vector search"
        ),
    ],
)
def test_what_has_no_gpu_stays_silent(tmp_path: Path, block: Block) -> None:
    result = report(plan(block, providers=PROVIDERS), tmp_path)
    assert result.resources == ()
    assert codes(result) == set()
