"""Kubernetes workloads: how many accelerators pods ask for, of which model, how many pods; and that it costs nothing."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gpuguard.model.report import State
from tests.extract.plans import Block, Json, after, codes, const, found, plan, ref, report, resource

GPU: Json = {"nvidia.com/gpu": "1"}
ZERO = Decimal(0)


def container(limits: Json | None = None, requests: Json | None = None) -> Json:
    return {"name": "c", "resources": [{"limits": limits or {}, "requests": requests or {}}]}


def pod(*containers: Json, **spec: Any) -> Json:
    return {"container": list(containers) or [container(GPU)], **spec}


def deployment(
    name: str = "d",
    spec: Json | None = None,
    unknown: Json | None = None,
    expressions: Json | None = None,
    **values: Any,
) -> Block:
    own = {
        "metadata": [{"name": name, "namespace": "default"}],
        "spec": [{"template": [{"spec": [pod() if spec is None else spec]}], **values}],
    }
    return resource(f"kubernetes_deployment_v1.{name}", own, unknown=unknown, expressions=expressions)


def autoscaler(low: int | None, high: int, target: str = "d", kind: str = "Deployment", **values: Any) -> Block:
    spec = {"min_replicas": low, "max_replicas": high, "scale_target_ref": [{"kind": kind, "name": target}]}
    own = {"metadata": [{"name": "h", "namespace": "default"}], "spec": [spec]}
    return resource("kubernetes_horizontal_pod_autoscaler_v2.h", own, **values)


def units(side: State) -> tuple[float | None, ...]:
    size = side.pools[0].units
    return size.min, size.expected, size.max


def gpu(side: State) -> tuple[str, float]:
    held = side.pools[0].gpu
    assert held is not None
    return held.model, held.per_unit


# -- what a pod asks for --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param(pod(container(GPU), container(GPU)), 2, id="containers add up"),
        pytest.param(pod(container({"nvidia.com/gpu": 4})), 4, id="a number instead of a text"),
        pytest.param(pod(container({}, GPU)), 1, id="requests alone"),
        pytest.param(pod(container({"nvidia.com/gpu": "2"}, {"nvidia.com/gpu": "2"})), 2, id="requests equal limits"),
        pytest.param(
            pod(init_container=[container({"nvidia.com/gpu": "3"})]), 3, id="an init container that asks for more"
        ),
        pytest.param(
            pod(container({"nvidia.com/gpu": "2"}), init_container=[container(GPU)]),
            2,
            id="an init container that asks for less",
        ),
        pytest.param(
            pod(init_container=[container(GPU) | {"restart_policy": "Always"}]),
            2,
            id="a sidecar runs beside the others",
        ),
    ],
)
def test_containers_of_a_pod_add_up_and_init_containers_do_not(spec: Json, expected: int, tmp_path: Path) -> None:
    side = after(plan(deployment(spec=spec)), tmp_path)
    assert gpu(side) == ("NVIDIA GPU", expected)


@pytest.mark.parametrize(
    ("limits", "selector", "expected"),
    [
        pytest.param(
            GPU, {"nvidia.com/gpu.product": "Tesla-T4"}, ("T4", 1), id="the product by NVIDIA's feature discovery"
        ),
        pytest.param(
            GPU, {"nvidia.com/gpu.product": "NVIDIA-A100-SXM4-80GB-MIG-1g.10gb"}, ("A100-80GB", 1), id="with a suffix"
        ),
        pytest.param(GPU, {"cloud.google.com/gke-accelerator": "nvidia-l4"}, ("L4", 1), id="GKE"),
        pytest.param(GPU, {"karpenter.k8s.aws/instance-gpu-name": "l40s"}, ("L40S", 1), id="Karpenter"),
        pytest.param(GPU, {"node.kubernetes.io/instance-type": "p5.48xlarge"}, ("H100-80GB", 1), id="a machine type"),
        pytest.param(GPU, {"gpu.nvidia.com/class": "H100_NVLINK_80GB"}, ("H100-80GB", 1), id="CoreWeave"),
        pytest.param(GPU, {"disktype": "ssd"}, ("NVIDIA GPU", 1), id="a label that tells no model"),
        pytest.param({"nvidia.com/mig-2g.12gb": "1"}, {}, ("A30", 0.5), id="an A30 has four slices"),
        pytest.param(
            {"nvidia.com/mig-7g.80gb": "1"}, {"nvidia.com/gpu.product": "H100-80GB"}, ("H100-80GB", 1), id="all of it"
        ),
        pytest.param({"nvidia.com/mig-1g.20gb": "1"}, {}, ("NVIDIA GPU", 1 / 7), id="a profile of several models"),
        pytest.param({"amd.com/gpu": "8"}, {}, ("AMD GPU", 8), id="AMD"),
        pytest.param({"aws.amazon.com/neuroncore": "2"}, {}, ("Neuron core", 2), id="cores are no devices"),
        pytest.param(
            {"google.com/tpu": "4"}, {"cloud.google.com/gke-tpu-accelerator": "tpu-v6e-slice"}, ("TPU-v6e", 4), id="TPU"
        ),
        pytest.param(
            GPU, {"cloud.google.com/gke-max-shared-clients-per-gpu": "4"}, ("NVIDIA GPU", 0.25), id="shared on GKE"
        ),
        pytest.param(
            GPU,
            {
                "cloud.google.com/gke-accelerator": "nvidia-tesla-a100",
                "cloud.google.com/gke-gpu-partition-size": "1g.5gb",
            },
            ("A100-40GB", 1 / 7),
            id="a partition on GKE",
        ),
    ],
)
def test_the_node_labels_and_the_resource_name_tell_the_model(
    limits: Json, selector: Json, expected: tuple[str, float], tmp_path: Path
) -> None:
    side = after(plan(deployment(spec=pod(container(limits), node_selector=selector))), tmp_path)
    model, share = gpu(side)
    assert model == expected[0]
    assert share == pytest.approx(expected[1])


def test_labels_that_allow_several_models_tell_none(tmp_path: Path) -> None:
    expression = {"key": "karpenter.k8s.aws/instance-gpu-name", "operator": "In", "values": ["l4", "t4"]}
    term = [{"match_expressions": [expression]}]
    affinity = [
        {"node_affinity": [{"required_during_scheduling_ignored_during_execution": [{"node_selector_term": term}]}]}
    ]
    assert gpu(after(plan(deployment(spec=pod(affinity=affinity))), tmp_path)) == ("NVIDIA GPU", 1)


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param(pod(container({"cpu": "4"})), id="only a CPU"),
        pytest.param(pod(container({"nvidia.com/gpu": "0"})), id="no GPU, in words"),
        pytest.param(pod(container({"nvidia.com/gpu": "a"})), id="no number"),
        pytest.param(pod(container({"nvidia.com/gpu": True})), id="a flag"),
        pytest.param(pod(container({"nvidia.com/gpu": "-1"})), id="a negative number"),
        pytest.param(pod(container({"nvidia.com/gpumem": "3000"})), id="memory of a GPU in another plug-in's units"),
        pytest.param(pod(container({"vpc.amazonaws.com/efa": "4"})), id="a network device"),
        pytest.param(
            pod(container({}), node_selector={"cloud.google.com/gke-accelerator": "nvidia-l4"}), id="a selector alone"
        ),
        pytest.param({"container": "vllm"}, id="a text for containers"),
        pytest.param({"container": [{"resources": "nvidia.com/gpu"}]}, id="a text for resources"),
        pytest.param({"container": [{"resources": [{"limits": ["nvidia.com/gpu"]}]}]}, id="a list for limits"),
        pytest.param({"container": [None, 3, {"resources": [None]}]}, id="nothing in containers"),
        pytest.param({}, id="no containers"),
    ],
)
def test_pods_that_ask_for_no_accelerator_stay_silent(spec: Json, tmp_path: Path) -> None:
    result = report(plan(deployment(spec=spec)), tmp_path)
    assert (result.resources, codes(result)) == ((), set())


# -- how many pods --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param({"replicas": "3"}, (3, 3, 3), id="replicas"),
        pytest.param({}, (1, 1, 1), id="one without replicas"),
        pytest.param({"replicas": 0}, (0, 0, 0), id="scaled to zero"),
        pytest.param({"replicas": "many"}, (None, None, None), id="no number"),
    ],
)
def test_a_deployment_has_its_replicas(values: Json, expected: tuple[int | None, ...], tmp_path: Path) -> None:
    assert units(after(plan(deployment(**values)), tmp_path)) == expected


def test_replicas_that_only_apply_can_tell_are_unknown_and_leave_the_totals_as_they_are(tmp_path: Path) -> None:
    unknown = {"spec": [{"replicas": True}]}
    expressions = {"spec": [{"replicas": ref("random_integer.n.result")}]}
    number = resource("random_integer.n", {}, unknown={"result": True})
    result = report(plan(number, deployment(unknown=unknown, expressions=expressions)), tmp_path)
    assert units(result.resources[0].after) == (None, None, None)  # type: ignore[arg-type]
    assert (result.summary.unknown, result.summary.gpus_after, result.summary.unpriced) == (0, 0, 0)


def test_a_number_of_gpus_behind_a_variable_is_followed(tmp_path: Path) -> None:
    unknown = {
        "spec": [{"template": [{"spec": [{"container": [{"resources": [{"limits": {"nvidia.com/gpu": True}}]}]}]}]}]
    }
    spec = {"container": [{"name": "c", "resources": [{"limits": {}}]}]}
    side = after(plan(deployment(spec=spec, unknown=unknown)), tmp_path)
    assert units(side) == (None, None, None)
    assert side.pools[0].role == "demand"


def test_the_autoscaler_that_names_a_workload_gives_its_bounds(tmp_path: Path) -> None:
    resources = found(plan(deployment(replicas=9), autoscaler(None, 6)), tmp_path)
    workload = resources["kubernetes_deployment_v1.d"]
    assert workload.after is not None
    assert units(workload.after) == (1, 6, 6)
    assert workload.via == ("kubernetes_horizontal_pod_autoscaler_v2.h",)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(autoscaler(2, 6, target="another"), id="another name"),
        pytest.param(autoscaler(2, 6, kind="StatefulSet"), id="another kind"),
    ],
)
def test_an_autoscaler_of_another_workload_changes_nothing(other: Block, tmp_path: Path) -> None:
    assert units(after(plan(deployment(replicas=3), other), tmp_path, "kubernetes_deployment_v1.d")) == (3, 3, 3)


def test_an_autoscaler_is_found_by_reference_where_the_name_is_unknown(tmp_path: Path) -> None:
    block = resource(
        "kubernetes_horizontal_pod_autoscaler_v2.h",
        {"spec": [{"min_replicas": 1, "max_replicas": 4, "scale_target_ref": [{"kind": "Deployment"}]}]},
        unknown={"spec": [{"scale_target_ref": [{"name": True}]}]},
        expressions={"spec": [{"scale_target_ref": [{"name": ref("kubernetes_deployment_v1.d.metadata[0].name")}]}]},
    )
    assert units(after(plan(deployment(replicas=2), block), tmp_path, "kubernetes_deployment_v1.d")) == (1, 2, 4)


def workload(type_: str, spec: Json) -> Block:
    return resource(f"{type_}.w", {"metadata": [{"name": "w"}], "spec": [spec]})


TEMPLATE: Json = {"template": [{"spec": [pod()]}]}


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        pytest.param(workload("kubernetes_job_v1", {**TEMPLATE}), (1, 1, 1), id="a job runs one pod"),
        pytest.param(
            workload("kubernetes_job_v1", {**TEMPLATE, "parallelism": 4}), (4, 4, 4), id="or as many as are parallel"
        ),
        pytest.param(
            workload("kubernetes_job_v1", {**TEMPLATE, "parallelism": 4, "completions": 2}),
            (2, 2, 2),
            id="of those to do",
        ),
        pytest.param(
            workload("kubernetes_cron_job_v1", {"job_template": [{"spec": [TEMPLATE]}]}),
            (0, 0, 1),
            id="a cron job rests",
        ),
        pytest.param(
            workload("kubernetes_daemon_set_v1", TEMPLATE), (None, None, None), id="a daemon set runs on each node"
        ),
        pytest.param(workload("kubernetes_pod_v1", pod()), (1, 1, 1), id="a pod is one"),
        pytest.param(
            workload("kubernetes_stateful_set_v1", {**TEMPLATE, "replicas": "2"}), (2, 2, 2), id="a stateful set"
        ),
    ],
)
def test_every_kind_counts_its_pods_in_its_own_way(
    block: Block, expected: tuple[int | None, ...], tmp_path: Path
) -> None:
    assert units(after(plan(block), tmp_path)) == expected


# -- money and change -----------------------------------------------------------------------------------------------------


def test_demand_costs_nothing_and_counts_no_gpus(tmp_path: Path) -> None:
    result = report(plan(deployment(replicas=3)), tmp_path)
    side = result.resources[0].after
    assert side is not None
    assert (side.monthly.expected, side.monthly.max, side.gpus.expected, side.components) == (ZERO, ZERO, 0, ())
    assert (result.summary.gpus_after, result.summary.monthly_after, side.cloud) == (0, ZERO, "kubernetes")
    assert result.policy.outcome == "pass"


def test_a_change_of_replicas_shows_both_sides(tmp_path: Path) -> None:
    def values(number: int) -> Json:
        return {"metadata": [{"name": "d"}], "spec": [{"replicas": number, **TEMPLATE}]}

    block = resource("kubernetes_deployment_v1.d", values(4), before=values(2), action="update")
    change = found(plan(block), tmp_path)["kubernetes_deployment_v1.d"]
    assert change.before is not None
    assert change.after is not None
    assert (units(change.before), units(change.after)) == ((2, 2, 2), (4, 4, 4))


def test_a_workload_that_is_deleted_stands_on_its_before_side_alone(tmp_path: Path) -> None:
    values = {"metadata": [{"name": "d"}], "spec": [TEMPLATE]}
    change = found(plan(resource("kubernetes_deployment_v1.d", None, before=values)), tmp_path)[
        "kubernetes_deployment_v1.d"
    ]
    assert change.before is not None
    assert change.after is None


# -- GKE Autopilot --------------------------------------------------------------------------------------------------------


def autopilot(name: str = "c", *, on: bool = True) -> Block:
    return resource(
        f"google_container_cluster.{name}", {"name": name, "location": "us-central1", "enable_autopilot": on}
    )


ON_L4 = pod(
    container({**GPU, "cpu": "3", "memory": "10Gi"}), node_selector={"cloud.google.com/gke-accelerator": "nvidia-l4"}
)


def test_a_pod_on_autopilot_is_billed_by_its_node(tmp_path: Path) -> None:
    """g2-standard-4 0.706832, premiums 0.067 + 4 × 0.003 + 16 × 0.00035: 0.791432 $/h × 730 h × 2."""
    side = after(plan(autopilot(), deployment(spec=ON_L4, replicas=2)), tmp_path, "kubernetes_deployment_v1.d")
    assert (side.pools[0].role, side.pools[0].sku, side.cloud, side.region) == (
        "supply",
        "g2-standard-4",
        "gcp",
        "us-central1",
    )
    assert side.monthly.expected == 2 * 730 * Decimal("0.791432")
    assert side.gpus.expected == 2


@pytest.mark.parametrize(
    "others",
    [
        pytest.param((autopilot(on=False),), id="a standard cluster"),
        pytest.param((autopilot(), autopilot("b", on=False)), id="one of each"),
        pytest.param(
            (autopilot(), resource("aws_eks_cluster.c", {"name": "c"})), id="a cluster of another cloud beside it"
        ),
        pytest.param((), id="no cluster"),
    ],
)
def test_where_another_cluster_may_run_it_a_pod_is_demand(others: tuple[Block, ...], tmp_path: Path) -> None:
    side = after(plan(*others, deployment(spec=ON_L4)), tmp_path, "kubernetes_deployment_v1.d")
    assert (side.pools[0].role, side.monthly.expected) == ("demand", ZERO)


def test_of_several_clusters_the_provider_names_the_one_it_talks_to(tmp_path: Path) -> None:
    document = plan(
        autopilot(),
        autopilot("standard", on=False),
        deployment(spec=ON_L4),
        providers={"kubernetes": {"host": ref("google_container_cluster.c.endpoint"), "token": const("x")}},
    )
    assert after(document, tmp_path, "kubernetes_deployment_v1.d").pools[0].role == "supply"


def test_pods_that_share_a_gpu_on_autopilot_share_its_node(tmp_path: Path) -> None:
    selector = {**ON_L4["node_selector"], "cloud.google.com/gke-max-shared-clients-per-gpu": "3"}
    side = after(
        plan(autopilot(), deployment(spec={**ON_L4, "node_selector": selector}, replicas=4)),
        tmp_path,
        "kubernetes_deployment_v1.d",
    )
    assert units(side) == (2, 2, 2)


def on_autopilot(folder: Path, spec: Json, *others: Block, replicas: int = 2) -> State:
    return after(
        plan(autopilot(), *others, deployment(spec=spec, replicas=replicas)), folder, "kubernetes_deployment_v1.d"
    )


def tpu(kind: str, topology: str, chips: int) -> Json:
    selector = {"cloud.google.com/gke-tpu-accelerator": kind, "cloud.google.com/gke-tpu-topology": topology}
    return pod(container({"google.com/tpu": str(chips)}), node_selector=selector)


@pytest.mark.parametrize(
    ("spec", "replicas", "sku", "nodes"),
    [
        pytest.param(tpu("tpu-v5-lite-podslice", "2x2", 4), 2, "ct5lp-hightpu-4t", 2, id="one host each"),
        pytest.param(tpu("tpu-v5-lite-podslice", "2x4", 8), 1, "ct5lp-hightpu-8t", 1, id="eight chips of one host"),
        pytest.param(tpu("tpu-v5-lite-podslice", "4x4", 4), 4, "ct5lp-hightpu-4t", 4, id="a slice of four hosts"),
        pytest.param(tpu("tpu-v5-lite-podslice", "4x4", 4), 1, "ct5lp-hightpu-4t", 4, id="a slice is started whole"),
    ],
)
def test_tpus_on_autopilot_are_billed_by_their_nodes(
    spec: Json, replicas: int, sku: str, nodes: int, tmp_path: Path
) -> None:
    """ct5lp-hightpu in us-central1: 1.20 an hour and chip, and the premiums for vCPUs (0.003) and GiB (0.00035)."""
    side = on_autopilot(tmp_path, spec, replicas=replicas)
    assert (side.pools[0].role, side.pools[0].sku, units(side)) == ("supply", sku, (nodes,) * 3)
    chips = Decimal(8 if sku.endswith("8t") else 4)
    hourly = chips * Decimal("1.20") + chips * 28 * Decimal("0.003") + chips * 48 * Decimal("0.00035")
    assert side.monthly.expected == nodes * 730 * hourly


@pytest.mark.parametrize(
    "selector",
    [
        pytest.param({"cloud.google.com/gke-accelerator": "nvidia-x99"}, id="a GPU that is new"),
        pytest.param({"cloud.google.com/gke-tpu-accelerator": "tpu-v99"}, id="a TPU that is new"),
    ],
)
def test_what_autopilot_starts_on_unknown_machines_is_no_mere_demand(selector: Json, tmp_path: Path) -> None:
    limits = {"nvidia.com/gpu": "1", "google.com/tpu": "1"}
    document = plan(autopilot(), deployment(spec=pod(container(limits), node_selector=selector)))
    result = report(document, tmp_path)
    side = next(each.after for each in result.resources if each.type == "kubernetes_deployment_v1")
    assert side is not None
    assert (side.pools[0].role, side.pools[0].sku, side.monthly.expected) == ("supply", None, None)
    assert "unknown-machine-type" in codes(result)


def test_a_gpu_that_the_region_is_not_known_to_have_is_unpriced_on_autopilot(tmp_path: Path) -> None:
    side = on_autopilot(
        tmp_path,
        pod(container({"nvidia.com/gpu": "4"}), node_selector={"cloud.google.com/gke-accelerator": "nvidia-gb200"}),
    )
    assert (side.pools[0].sku, side.gpus.expected, side.monthly.expected) == ("a4x-highgpu-4g", 8, None)


def test_pods_on_parts_of_a_gpu_share_a_node_of_autopilot(tmp_path: Path) -> None:
    selector = {
        "cloud.google.com/gke-accelerator": "nvidia-tesla-a100",
        "cloud.google.com/gke-gpu-partition-size": "1g.5gb",
    }
    side = on_autopilot(tmp_path, pod(container(GPU), node_selector=selector), replicas=8)
    assert (side.pools[0].sku, units(side)) == ("a2-highgpu-1g", (2, 2, 2))


def test_pods_in_a_reservation_of_the_plan_are_paid_for_there(tmp_path: Path) -> None:
    spec = {**ON_L4, "node_selector": {**ON_L4["node_selector"], "cloud.google.com/reservation-name": "r"}}
    reservation = resource("google_compute_reservation.r", {"name": "r", "zone": "us-central1-a", "specific_reservation": [
        {"count": 2, "instance_properties": [{"machine_type": "g2-standard-4"}]}]})  # fmt: skip
    side = on_autopilot(tmp_path, spec, reservation)
    assert (side.pools[0].covered_by, side.pools[0].purchase_model) == (
        "google_compute_reservation.r",
        "capacity_reservation",
    )
    assert on_autopilot(tmp_path, spec).pools[0].covered_by is None
