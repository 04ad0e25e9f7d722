"""Manifests and Helm values: how texts and objects are read, which pods objects of all kinds start, and what is told of
objects that nobody reads."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gpuguard.extract.providers.kubernetes.documents import assign, merge, quantity, read_yaml, set_steps
from gpuguard.model.report import Report, State
from tests.extract.plans import Block, Json, after, codes, plan, report, resource, state

LIMITS: Json = {"resources": {"limits": {"nvidia.com/gpu": 1}}}
POD: Json = {"containers": [{"name": "c", **LIMITS}]}
TEMPLATE: Json = {"template": {"spec": POD}}


def thing(kind: str, spec: Any, group: str = "apps/v1", **metadata: Any) -> Json:
    return {"apiVersion": group, "kind": kind, "metadata": {"name": "x", **metadata}, "spec": spec}


def text(body: object, name: str = "m", **values: Any) -> Block:
    return resource(
        f"kubectl_manifest.{name}", {"yaml_body": body if isinstance(body, str) else json.dumps(body), **values}
    )


def release(*values: Any, settings: Json | None = None, **more: Any) -> Block:
    texts = [value if isinstance(value, str) else json.dumps(value) for value in values]
    pairs = [{"name": name, "value": value} for name, value in (settings or {}).items()]
    return resource("helm_release.h", {"name": "h", "chart": "h", "values": texts, "set": pairs, **more})


def pools(side: State | None) -> list[tuple[float | None, float | None, float | None, float]]:
    assert side is not None
    return [
        (each.units.min, each.units.expected, each.units.max, each.gpu.per_unit if each.gpu else 0)
        for each in side.pools
    ]


def told(result: Report, code: str) -> list[str]:
    return [each.message for each in result.diagnostics if each.code == code]


# -- kinds ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        pytest.param(thing("Deployment", {"replicas": 3, **TEMPLATE}), [(3, 3, 3, 1)], id="Deployment"),
        pytest.param(thing("Deployment", TEMPLATE), [(1, 1, 1, 1)], id="Deployment without replicas"),
        pytest.param(thing("ReplicaSet", {"replicas": 2, **TEMPLATE}), [(2, 2, 2, 1)], id="ReplicaSet"),
        pytest.param(thing("Rollout", {"replicas": 2, **TEMPLATE}, "argoproj.io/v1alpha1"), [(2, 2, 2, 1)], id="Argo Rollout"),
        pytest.param(thing("Pod", POD, "v1"), [(1, 1, 1, 1)], id="Pod"),
        pytest.param(thing("DaemonSet", TEMPLATE), [(None, None, None, 1)], id="DaemonSet"),
        pytest.param(thing("Job", {"parallelism": 4, "completions": 3, **TEMPLATE}, "batch/v1"), [(3, 3, 3, 1)], id="Job"),
        pytest.param(thing("Job", {"parallelism": 4, "suspend": True, **TEMPLATE}, "batch/v1"), [(0, 0, 4, 1)], id="suspended Job"),
        pytest.param(
            thing("CronJob", {"jobTemplate": {"spec": {"parallelism": 2, **TEMPLATE}}}, "batch/v1"), [(0, 0, 2, 1)], id="CronJob"
        ),
        pytest.param(
            thing(
                "LeaderWorkerSet",
                {"replicas": 2, "leaderWorkerTemplate": {"size": 3, "workerTemplate": {"spec": POD}}},
                "leaderworkerset.x-k8s.io/v1",
            ),
            [(6, 6, 6, 1)],
            id="LeaderWorkerSet without a leader of its own",
        ),
        pytest.param(
            thing(
                "JobSet",
                {"replicatedJobs": [{"replicas": 2, "template": {"spec": {"parallelism": 4, **TEMPLATE}}}]},
                "jobset.x-k8s.io/v1alpha2",
            ),
            [(8, 8, 8, 1)],
            id="JobSet",
        ),
        pytest.param(
            thing(
                "RayCluster",
                {"workerGroupSpecs": [{"replicas": 2, "minReplicas": 0, "maxReplicas": 9, **TEMPLATE}]},
                "ray.io/v1",
            ),
            [(2, 2, 2, 1)],
            id="RayCluster without its autoscaler",
        ),
        pytest.param(
            thing(
                "RayJob",
                {"rayClusterSpec": {
                    "enableInTreeAutoscaling": True,
                    "workerGroupSpecs": [{"replicas": 2, "minReplicas": 1, "maxReplicas": 9, "numOfHosts": 2, **TEMPLATE}],
                }},
                "ray.io/v1",
            ),
            [(2, 4, 18, 1)],
            id="RayJob with it, of groups of two hosts",
        ),
        pytest.param(
            thing(
                "PyTorchJob",
                {"pytorchReplicaSpecs": {"Master": {"replicas": 1, **TEMPLATE}, "Worker": {"replicas": 3, **TEMPLATE}}},
                "kubeflow.org/v1",
            ),
            [(4, 4, 4, 1)],
            id="PyTorchJob: alike pods are one pool",
        ),
        pytest.param(
            thing(
                "InferenceService",
                {"predictor": {"minReplicas": 1, "maxReplicas": 4, "model": {"modelFormat": {"name": "vllm"}, **LIMITS}}},
                "serving.kserve.io/v1beta1",
            ),
            [(1, 1, 4, 1)],
            id="InferenceService",
        ),
        pytest.param(thing("Service", TEMPLATE, "serving.knative.dev/v1"), [(0, 1, None, 1)], id="Knative has no bound of its own"),
        pytest.param(
            thing("NIMService", {"replicas": 2, **LIMITS}, "apps.nvidia.com/v1alpha1"), [(2, 2, 2, 1)], id="NIMService"
        ),
        pytest.param(
            thing("Workflow", {"templates": [{"name": "t", "container": LIMITS}]}, "argoproj.io/v1alpha1"), [(1, 1, 1, 1)], id="Workflow"
        ),
        pytest.param(
            thing("SparkApplication", {"executor": {"instances": 4, "gpu": {"name": "nvidia.com/gpu", "quantity": 1}}}, "sparkoperator.k8s.io/v1beta2"),
            [(4, 4, 4, 1)],
            id="Spark",
        ),
        pytest.param(
            thing(
                "ResourceClaim",
                {"devices": {"requests": [{"name": "g", "deviceClassName": "gpu.nvidia.com", "count": 2}]}},
                "resource.k8s.io/v1beta1",
            ),
            [(1, 1, 1, 2)],
            id="a claim of its own",
        ),
        pytest.param(
            {"apiVersion": "v1", "kind": "List", "items": [thing("Pod", POD, "v1"), thing("Deployment", {"replicas": 2, **TEMPLATE})]},
            [(3, 3, 3, 1)],
            id="a list of objects",
        ),
    ],
)  # fmt: skip
def test_every_kind_of_object_starts_its_pods(item: Json, expected: list[Any], tmp_path: Path) -> None:
    assert pools(after(plan(text(item)), tmp_path)) == expected


@pytest.mark.parametrize(
    "item",
    [
        pytest.param(thing("Deployment", {"template": {"spec": {"containers": [{"name": "c"}]}}}), id="no resources"),
        pytest.param(thing("Service", {"ports": [{"port": 80}]}, "v1"), id="a service"),
        pytest.param({"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "nvidia.com/gpu: 8"}}, id="a config map that speaks of GPUs"),
        pytest.param(thing("ResourceQuota", {"hard": {"requests.nvidia.com/gpu": 8}}, "v1"), id="a quota"),
        pytest.param(thing("ServingRuntime", {"containers": [{"name": "c", **LIMITS}]}, "serving.kserve.io/v1alpha1"), id="a runtime"),
        pytest.param(thing("WorkflowTemplate", {"templates": [{"container": LIMITS}]}, "argoproj.io/v1alpha1"), id="a template"),
        pytest.param(thing("ResourceClaimTemplate", {"spec": {"devices": {"requests": [{"deviceClassName": "gpu.nvidia.com"}]}}},
                           "resource.k8s.io/v1"), id="a template of claims"),
        pytest.param(thing("EC2NodeClass", {"role": "gpu"}, "karpenter.k8s.aws/v1"), id="a class of nodes"),
        pytest.param(thing("CustomResourceDefinition", {"versions": [{"schema": {"nvidia.com/gpu": {}}}]}, "apiextensions.k8s.io/v1"),
                     id="a definition"),
        pytest.param(thing("ClusterPolicy", {"rules": [{"validate": {"pattern": TEMPLATE}}]}, "kyverno.io/v1"), id="a policy"),
        pytest.param("nvidia.com/gpu", id="a text alone"),
        pytest.param("", id="nothing"),
        pytest.param("- nvidia.com/gpu\n- 3", id="a list"),
    ],
)  # fmt: skip
def test_objects_that_start_no_gpu_pods_stay_silent(item: Any, tmp_path: Path) -> None:
    result = report(plan(text(item)), tmp_path)
    assert (result.resources, codes(result)) == ((), set())


# -- links between objects ------------------------------------------------------------------------------------------------


def test_an_autoscaler_in_another_manifest_gives_the_bounds(tmp_path: Path) -> None:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "x"}
    hpa = thing(
        "HorizontalPodAutoscaler", {"scaleTargetRef": target, "minReplicas": 2, "maxReplicas": 7}, "autoscaling/v2"
    )
    result = report(plan(text(thing("Deployment", {"replicas": 3, **TEMPLATE})), text(hpa, "hpa")), tmp_path)
    assert pools(result.resources[0].after) == [(2, 3, 7, 1)]
    assert result.resources[0].via == ("kubectl_manifest.hpa",)


def test_an_autoscaler_of_another_namespace_does_not(tmp_path: Path) -> None:
    target = {"kind": "Deployment", "name": "x"}
    hpa = thing(
        "HorizontalPodAutoscaler", {"scaleTargetRef": target, "maxReplicas": 7}, "autoscaling/v2", namespace="other"
    )
    assert pools(
        report(plan(text(thing("Deployment", {"replicas": 3, **TEMPLATE})), text(hpa, "hpa")), tmp_path)
        .resources[0]
        .after
    ) == [(3, 3, 3, 1)]


def test_the_provider_may_put_an_object_into_another_namespace(tmp_path: Path) -> None:
    target = {"kind": "Deployment", "name": "x"}
    hpa = thing(
        "HorizontalPodAutoscaler", {"scaleTargetRef": target, "maxReplicas": 7}, "autoscaling/v2", namespace="ml"
    )
    item = text(thing("Deployment", {"replicas": 3, **TEMPLATE}), override_namespace="ml")
    assert pools(report(plan(item, text(hpa, "hpa")), tmp_path).resources[0].after) == [(1, 3, 7, 1)]


def test_a_scaled_object_of_keda_starts_at_zero_and_ends_at_a_hundred(tmp_path: Path) -> None:
    scaled = thing("ScaledObject", {"scaleTargetRef": {"name": "x"}}, "keda.sh/v1alpha1")
    assert pools(report(plan(text(thing("Deployment", TEMPLATE)), text(scaled, "s")), tmp_path).resources[0].after) == [
        (0, 0, 100, 1)
    ]


def test_pods_claim_what_the_template_of_their_claim_says(tmp_path: Path) -> None:
    claim = {
        "spec": {"devices": {"requests": [{"name": "g", "exactly": {"deviceClassName": "gpu.nvidia.com", "count": 4}}]}}
    }
    template = thing("ResourceClaimTemplate", claim, "resource.k8s.io/v1")
    pod = {"resourceClaims": [{"name": "g", "resourceClaimTemplateName": "x"}], "containers": [{"name": "c"}]}
    side = report(plan(text(thing("Pod", pod, "v1")), text(template, "t")), tmp_path).resources[0].after
    assert pools(side) == [(1, 1, 1, 4)]


# -- texts ----------------------------------------------------------------------------------------------------------------


def test_anchors_and_merge_keys_mean_what_they_mean_in_yaml(tmp_path: Path) -> None:
    body = """
apiVersion: apps/v1
kind: Deployment
spec:
  replicas: 2
  template:
    spec:
      containers:
        - &one
          name: a
          resources: {limits: {nvidia.com/gpu: 1}}
        - <<: *one
          name: b
"""
    assert pools(after(plan(text(body)), tmp_path)) == [(2, 2, 2, 2)]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("kind: Pod\n  nvidia.com/gpu: [", id="no YAML"),
        pytest.param("nvidia.com/gpu: " + "[" * 200, id="nested too deeply"),
        pytest.param("a: nvidia.com/gpu\nb: [" + "x," * 300_000 + "]", id="too many values"),
    ],
)
def test_a_text_that_speaks_of_gpus_and_cannot_be_read_is_told(body: str, tmp_path: Path) -> None:
    result = report(plan(text(body)), tmp_path)
    assert (result.resources, codes(result)) == ((), {"unreadable-manifest"})


def test_a_text_that_grows_by_aliases_is_read_within_bounds(tmp_path: Path) -> None:
    lines = ["a0: &a0 {resources: {limits: {nvidia.com/gpu: 1}}}"]
    lines += [f"a{number}: &a{number} {{p: *a{number - 1}, q: *a{number - 1}}}" for number in range(1, 50)]
    assert (
        len(
            report(plan(text("\n".join(lines)), release("\n".join(lines), settings={"a49.p": "1"})), tmp_path).resources
        )
        <= 2
    )


@pytest.mark.parametrize("value", [3, None, True, ["nvidia.com/gpu"], {"a": "nvidia.com/gpu"}])
def test_values_of_the_wrong_type_are_passed_over(value: Any, tmp_path: Path) -> None:
    blocks = (
        resource("kubectl_manifest.a", {"yaml_body": value}),
        resource("kubernetes_manifest.b", {"manifest": value}),
        resource("helm_release.c", {"values": value, "set": value}),
        resource("helm_release.d", {"values": [value], "set": [value]}),
    )
    assert report(plan(*blocks), tmp_path).resources == ()


@pytest.mark.parametrize(
    ("written", "expected"),
    [("2", "2"), ("500m", "0.5"), ("1Ki", "1024"), ("1.5G", "1500000000"), ("1e3", "1000"), (3, "3"), (0.5, "0.5")],
)
def test_quantities_are_those_of_kubernetes(written: Any, expected: str) -> None:
    assert quantity(written) == Decimal(expected)


@pytest.mark.parametrize("written", ["", "-1", "x", "1X", "1 Gi", True, None, [], {}, "1e999", "9" * 99, float("inf")])
def test_what_is_no_quantity_is_none(written: Any) -> None:
    assert quantity(written) is None


def test_yaml_is_read_as_it_is_written() -> None:
    assert read_yaml("a: yes\nb: 012\nc: true\nd: ~\ne: 'true'\na: 2\n? [1]\n: x") == [
        {"a": "2", "b": "012", "c": True, "d": None, "e": "true", "": "x"}
    ]


# -- Helm -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "settings", "expected"),
    [
        pytest.param([{"replicaCount": 3, **LIMITS}], {}, [(3, 3, 3, 1)], id="replicaCount beside resources"),
        pytest.param([LIMITS], {}, [(1, 1, 1, 1)], id="one pod where nothing tells"),
        pytest.param([LIMITS, {"replicaCount": 2}], {}, [(2, 2, 2, 1)], id="later values are merged"),
        pytest.param([LIMITS], {r"resources.limits.nvidia\.com/gpu": "4"}, [(1, 1, 1, 4)], id="set goes before values"),
        pytest.param(
            [],
            {r"workers[0].resources.limits.nvidia\.com/gpu": "2", "workers[0].replicas": "3"},
            [(3, 3, 3, 2)],
            id="set alone",
        ),
        pytest.param(
            [{"replicaCount": 5, "worker": {"replicas": 2, **LIMITS}}],
            {},
            [(2, 2, 2, 1)],
            id="a component's own number",
        ),
        pytest.param(
            [{"autoscaling": {"enabled": True, "minReplicas": 2, "maxReplicas": 6}, "replicaCount": 1, **LIMITS}],
            {},
            [(2, 2, 6, 1)],
            id="an autoscaler in the values",
        ),
        pytest.param(
            [{"autoscaling": {"enabled": False, "minReplicas": 2, "maxReplicas": 6}, "replicaCount": 1, **LIMITS}],
            {},
            [(1, 1, 1, 1)],
            id="one that is off",
        ),
        pytest.param(
            [{"servingEngineSpec": {"modelSpec": [{"replicaCount": 2, "requestGPU": 4}]}}],
            {},
            [(2, 2, 2, 4)],
            id="vLLM",
        ),
        pytest.param([{"ollama": {"gpu": {"enabled": True, "number": 2}}}], {}, [(1, 1, 1, 2)], id="ollama"),
        pytest.param(
            [{"extraObjects": [thing("Deployment", {"replicas": 2, **TEMPLATE})]}],
            {},
            [(2, 2, 2, 1)],
            id="whole objects",
        ),
        pytest.param(
            [{"extra": "apiVersion: v1\nkind: Pod\nspec: {containers: [{resources: {limits: {nvidia.com/gpu: 1}}}]}"}],
            {},
            [(1, 1, 1, 1)],
            id="whole objects as text",
        ),
    ],
)
def test_values_of_a_chart_ask_where_resources_name_accelerators(
    values: list[Json], settings: Json, expected: list[Any], tmp_path: Path
) -> None:
    assert pools(after(plan(release(*values, settings=settings)), tmp_path)) == expected


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"gpu": {"enabled": False, "number": 2}}, id="GPUs that are off"),
        pytest.param({"trainer": {"enabled": False, **LIMITS}}, id="a component that is off"),
        pytest.param({"resources": {"limits": {"cpu": 1}}}, id="no accelerator"),
        pytest.param({"tolerations": [{"key": "nvidia.com/gpu"}]}, id="a toleration"),
        pytest.param({"nodeSelector": {"node.kubernetes.io/instance-type": "g5.xlarge"}}, id="a selector"),
        pytest.param({"devicePlugin": {"enabled": True}, "driver": {"enabled": False}}, id="the GPU operator"),
        pytest.param({"resources": {"limits": {"nvidia.com/gpu": 0}}}, id="none, in words"),
    ],
)
def test_values_without_gpus_stay_silent(values: Json, tmp_path: Path) -> None:
    result = report(plan(release(values)), tmp_path)
    assert (result.resources, codes(result)) == ((), set())


def test_a_rendered_chart_is_read_itself(tmp_path: Path) -> None:
    rendered = json.dumps({"deployment.apps/apps/v1/default/x": thing("Deployment", {"replicas": 5, **TEMPLATE})})
    assert pools(after(plan(release({"replicaCount": 1, **LIMITS}, manifest=rendered)), tmp_path)) == [(5, 5, 5, 1)]


def test_a_number_that_is_set_to_what_apply_tells_is_unknown(tmp_path: Path) -> None:
    result = report(plan(release({}, settings={r"resources.limits.nvidia\.com/gpu": None})), tmp_path)
    assert pools(result.resources[0].after) == [(None, None, None, 1)]
    assert "unknown-demand" in codes(result)


def test_helms_paths_and_merges() -> None:
    values: Json = {"a": {"b": 1, "c": [1]}}
    merged = merge(values, {"a": {"c": [2], "d": 3}})
    assign(merged, set_steps(r"x.y\.z[1].w"), "v")
    assert merged == {"a": {"b": 1, "c": [2], "d": 3}, "x": {"y.z": [None, {"w": "v"}]}}


# -- other providers' objects -----------------------------------------------------------------------------------------------


def coreweave(**spec: Any) -> Block:
    return resource("kubernetes_manifest.m", {"manifest": thing("NodePool", spec, "compute.coreweave.com/v1alpha1")})


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param({"targetNodes": 2}, (2, 2, 2, 8), id="a fixed size"),
        pytest.param({"targetNodes": 2, "minNodes": 1, "maxNodes": 4}, (2, 2, 2, 8), id="bounds without autoscaling"),
        pytest.param(
            {"targetNodes": 0, "minNodes": 1, "maxNodes": 4, "autoscaling": True}, (1, 1, 4, 8), id="autoscaling"
        ),
    ],
)
def test_a_node_pool_of_coreweave_supplies(spec: Json, expected: Any, tmp_path: Path) -> None:
    side = after(plan(coreweave(instanceType="gd-8xh100ib-i128", **spec)), tmp_path)
    assert pools(side) == [expected]
    assert (side.cloud, side.monthly.expected) == ("coreweave", expected[1] * 730 * Decimal("49.24"))


def test_a_node_pool_of_coreweave_without_gpus_stays_silent(tmp_path: Path) -> None:
    assert report(plan(coreweave(instanceType="cd-gp-a192-genoa", targetNodes=2)), tmp_path).resources == ()


def compute_class(*priorities: Json, **spec: Any) -> Block:
    values = {"priorities": list(priorities), "nodePoolAutoCreation": {"enabled": True}, **spec}
    return text(thing("ComputeClass", values, "cloud.google.com/v1"))


GKE = resource("google_container_cluster.c", {"name": "c", "location": "us-central1"})


@pytest.mark.parametrize(
    ("rule", "sku", "model"),
    [
        pytest.param({"machineType": "a2-highgpu-1g"}, "a2-highgpu-1g", "A100-40GB", id="a machine type"),
        pytest.param({"gpu": {"type": "nvidia-l4", "count": 4}}, "g2-standard-48", "L4", id="a GPU"),
        pytest.param(
            {"machineType": "n1-standard-8", "gpu": {"type": "nvidia-tesla-t4", "count": 1}},
            "n1-standard-8",
            "T4",
            id="N1",
        ),
        pytest.param({"machineFamily": "g2", "minCores": 50}, "g2-standard-96", "L4", id="a family"),
    ],
)
def test_a_compute_class_lets_gke_make_node_pools(rule: Json, sku: str, model: str, tmp_path: Path) -> None:
    result = report(plan(GKE, compute_class(rule)), tmp_path)
    side = result.resources[0].after
    assert side is not None
    assert (side.cloud, side.region, side.pools[0].sku) == ("gcp", "us-central1", sku)
    assert side.pools[0].gpu is not None
    assert (side.pools[0].gpu.model, pools(side)[0][:3]) == (model, (0, 0, None))
    assert "unbounded-node-pool" in codes(result)


@pytest.mark.parametrize(
    "block",
    [
        pytest.param(compute_class({"machineFamily": "n4"}), id="a family without GPUs"),
        pytest.param(
            compute_class({"machineType": "a2-highgpu-1g"}, nodePoolAutoCreation={"enabled": False}),
            id="no node pools made",
        ),
        pytest.param(compute_class({"nodepools": ["gpu"]}), id="node pools that are there"),
        pytest.param(compute_class(), id="no rule"),
    ],
)
def test_a_compute_class_that_makes_no_gpu_nodes_stays_silent(block: Block, tmp_path: Path) -> None:
    result = report(plan(GKE, block), tmp_path)
    assert (result.resources, codes(result)) == ((), set())


@pytest.mark.parametrize(
    ("item", "word"),
    [
        pytest.param(thing("Instance", {"forProvider": {"instanceType": "p4d.24xlarge"}}, "ec2.aws.upbound.io/v1beta1"), "p4d.24xlarge", id="Crossplane"),
        pytest.param(
            thing("AzureMachineTemplate", {"template": {"spec": {"vmSize": "Standard_NC24ads_A100_v4"}}}, "infrastructure.cluster.x-k8s.io/v1beta1"),
            "Standard_NC24ads_A100_v4",
            id="Cluster API",
        ),
        pytest.param(
            thing("ContainerNodePool", {"nodeConfig": {"machineType": "g2-standard-8"}}, "container.cnrm.cloud.google.com/v1beta1"),
            "g2-standard-8",
            id="Config Connector",
        ),
    ],
)  # fmt: skip
def test_an_object_that_nobody_reads_and_that_names_a_gpu_machine_is_told(
    item: Json, word: str, tmp_path: Path
) -> None:
    result = report(plan(text(item)), tmp_path, strict=True)
    assert result.resources == ()
    assert any(word in message for message in told(result, "unsupported-type"))
    assert result.policy.outcome == "undecided"


@pytest.mark.parametrize(
    "item",
    [
        pytest.param(thing("Instance", {"forProvider": {"instanceType": "m5.large"}}, "ec2.aws.upbound.io/v1beta1"), id="a plain machine"),
        pytest.param(thing("Constraint", {"match": {"denied": ["p4d.24xlarge"]}}, "constraints.gatekeeper.sh/v1"), id="a policy"),
        pytest.param(thing("Widget", {"description": "runs on p4d.24xlarge"}, "acme.example.com/v1"), id="words for people"),
        pytest.param(thing("PrometheusRule", {"groups": [{"instanceType": "p4d.24xlarge"}]}, "monitoring.coreos.com/v1"), id="a rule"),
    ],
)  # fmt: skip
def test_other_objects_are_passed_over(item: Json, tmp_path: Path) -> None:
    result = report(plan(text(item)), tmp_path)
    assert (result.resources, codes(result)) == ((), set())


def test_a_quota_of_kueue_is_told(tmp_path: Path) -> None:
    flavors = [{"resources": [{"name": "nvidia.com/gpu", "nominalQuota": number}]} for number in (16, "8")]
    queue = thing("ClusterQueue", {"resourceGroups": [{"flavors": flavors}]}, "kueue.x-k8s.io/v1beta1")
    assert "24 × nvidia.com/gpu" in told(report(plan(text(queue)), tmp_path), "gpu-quota")[0]


# -- what only apply can tell -----------------------------------------------------------------------------------------------


def hidden(name: str) -> Block:
    return resource(f"kubectl_manifest.{name}", {}, unknown={"yaml_body": True, "kind": True, "name": True})


@pytest.mark.parametrize(
    "name", ["gpu_node_pool", "nodepool_nvidia", 'node_pool["gpu"]', 'docs["/apis/karpenter.sh/v1/nodepools/gpu"]']
)
def test_a_hidden_manifest_that_is_a_gpu_node_pool_by_name_is_unknown(name: str, tmp_path: Path) -> None:
    result = report(plan(hidden(name)), tmp_path)
    side = result.resources[0].after
    assert side is not None
    assert (side.pools[0].sku, result.summary.unknown) == (None, 1)
    assert "unknown-manifest" in codes(result)


@pytest.mark.parametrize("name", ["karpenter_node_pool", "karpenter_gpu"])
def test_a_hidden_node_pool_that_says_no_more_is_told(name: str, tmp_path: Path) -> None:
    result = report(plan(hidden(name)), tmp_path)
    assert (result.resources, codes(result)) == ((), {"unknown-manifest"})


@pytest.mark.parametrize(
    "name",
    [
        "karpenter_node_class",
        "gpu_node_class",
        "config",
        "nvidia_device_plugin",
        "ingress",
        "gpu_operator",
        "provision_users",
    ],
)
def test_other_hidden_manifests_stay_silent(name: str, tmp_path: Path) -> None:
    result = report(
        plan(hidden(name), resource("helm_release.h", {"name": "h", "values": [None]}, unknown={"values": [True]})),
        tmp_path,
    )
    assert (result.resources, codes(result)) == ((), set())


def test_the_text_that_the_provider_marks_is_read_and_shown(tmp_path: Path) -> None:
    block = resource(
        "kubectl_manifest.m",
        {"yaml_body": json.dumps(thing("Deployment", TEMPLATE))},
        change={"after_sensitive": {"yaml_body": True}},
    )
    side = after(plan(block), tmp_path)
    assert side.pools[0].sku == "nvidia.com/gpu"


def test_a_state_is_read_like_a_plan(tmp_path: Path) -> None:
    assert pools(after(state(text(thing("Deployment", {"replicas": 2, **TEMPLATE}))), tmp_path)) == [(2, 2, 2, 1)]


# -- values in a chart's own words ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "named"),
    [
        pytest.param({"nodePools": [{"instanceTypes": ["m5.large", "p4d.24xlarge"]}]}, "p4d.24xlarge", id="types"),
        pytest.param({"nodePools": [{"instanceFamilies": ["m5", "p4d"]}]}, "p4d", id="families"),
        pytest.param(
            {"pool": {"vmSize": "Standard_NC24ads_A100_v4"}}, "Standard_NC24ads_A100_v4", id="a size of Azure"
        ),
    ],
)
def test_values_that_name_gpu_machines_in_a_charts_own_words_are_told(values: Json, named: str, tmp_path: Path) -> None:
    result = report(plan(release(values)), tmp_path)
    assert result.resources == ()
    assert any(f" {named}," in message for message in told(result, "unsupported-type"))


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(
            {"pool": {"instanceTypes": ["m5.large"], "instanceFamilies": ["c7i"]}}, id="machines without GPUs"
        ),
        pytest.param({"podLabels": {"instanceType": "g5.xlarge"}}, id="labels"),
        pytest.param({"node_selector": {"instance-type": "g5.xlarge"}}, id="a selector"),
        pytest.param({"affinity": {"instanceType": ["g5.xlarge"]}}, id="an affinity"),
        pytest.param({"description": "not for g5.xlarge"}, id="words"),
    ],
)
def test_values_that_start_no_gpu_machines_stay_silent(values: Json, tmp_path: Path) -> None:
    result = report(plan(release(values)), tmp_path)
    assert (result.resources, codes(result)) == ((), set())


def test_a_secret_machine_type_in_values_is_told_and_not_shown(tmp_path: Path) -> None:
    own = {"values": [json.dumps({"instanceType": "p4d.24xlarge"})]}
    block = resource("helm_release.h", own, change={"after_sensitive": {"values": [True]}})
    messages = told(report(plan(block), tmp_path), "unsupported-type")
    assert len(messages) == 1
    assert "p4d" not in messages[0]


def test_an_accelerator_that_an_unread_object_attaches_is_told(tmp_path: Path) -> None:
    node_config = {"machineType": "n1-standard-8", "guestAccelerator": [{"type": "nvidia-tesla-t4", "count": 2}]}
    item = thing("ContainerNodePool", {"nodeConfig": node_config}, "container.cnrm.cloud.google.com/v1beta1")
    assert told(report(plan(text(item)), tmp_path), "unsupported-type")


def test_a_train_job_has_its_nodes(tmp_path: Path) -> None:
    trainer = {"numNodes": 4, "resourcesPerNode": {"limits": {"nvidia.com/gpu": 8}}}
    job = thing("TrainJob", {"trainer": trainer}, "trainer.kubeflow.org/v1alpha1")
    assert pools(after(plan(text(job)), tmp_path)) == [(4, 4, 4, 8)]
