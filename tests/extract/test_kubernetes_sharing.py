"""GPUs that several pods share: where the sharing is configured, and what it divides."""

import json
from pathlib import Path
from typing import Any

import pytest

from gpuguard.model.report import Report
from tests.extract.plans import Block, Json, plan, report, resource

POD: Json = {"containers": [{"name": "c", "resources": {"limits": {"nvidia.com/gpu": 1}}}]}
SLICING: Json = {
    "version": "v1",
    "sharing": {"timeSlicing": {"resources": [{"name": "nvidia.com/gpu", "replicas": 4}]}},
}


def workload(resource_name: str = "nvidia.com/gpu") -> Block:
    pod = {"containers": [{"name": "c", "resources": {"limits": {resource_name: 1}}}]}
    body = json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": pod})
    return resource("kubectl_manifest.pod", {"yaml_body": body})


def config_map(data: Any, type_: str = "kubernetes_config_map_v1", name: str = "c") -> Block:
    return resource(f"{type_}.{name}", {"metadata": [{"name": name}], "data": data})


def share(result: Report) -> float:
    found = {each.address: each for each in result.resources}["kubectl_manifest.pod"].after
    assert found is not None
    assert found.pools[0].gpu is not None
    return found.pools[0].gpu.per_unit


def notes(result: Report) -> list[tuple[str | None, str]]:
    return [(each.address, each.message) for each in result.diagnostics if each.code == "gpu-sharing"]


@pytest.mark.parametrize(
    "block",
    [
        pytest.param(config_map({"any": json.dumps(SLICING)}), id="a config map"),
        pytest.param(config_map({"any": json.dumps(SLICING)}, "kubernetes_config_map"), id="by its older name"),
        pytest.param(config_map({"any": json.dumps(SLICING)}, "kubernetes_config_map_v1_data"), id="the data of one"),
        pytest.param(
            resource(
                "kubectl_manifest.c",
                {
                    "yaml_body": json.dumps(
                        {"apiVersion": "v1", "kind": "ConfigMap", "data": {"any": json.dumps(SLICING)}}
                    )
                },
            ),
            id="a manifest of one",
        ),
        pytest.param(
            resource("helm_release.p", {"values": [json.dumps({"config": {"map": {"default": json.dumps(SLICING)}}})]}),
            id="the values of the device plug-in",
        ),
        pytest.param(
            resource(
                "helm_release.p", {"values": [json.dumps({"devicePlugin": {"config": {"data": {"any": SLICING}}}})]}
            ),
            id="the values of the GPU operator",
        ),
    ],
)
def test_time_slicing_divides_what_a_workload_takes(block: Block, tmp_path: Path) -> None:
    result = report(plan(block, workload()), tmp_path)
    assert share(result) == 0.25
    assert any(
        address == "kubectl_manifest.pod" and "4 pods share one GPU" in message for address, message in notes(result)
    )
    assert result.summary.gpus_after == 0


def test_shares_may_have_a_name_of_their_own(tmp_path: Path) -> None:
    config = {"sharing": {"mps": {"renameByDefault": True, "resources": [{"name": "nvidia.com/gpu", "replicas": 10}]}}}
    block = config_map({"c": json.dumps(config)})
    assert share(report(plan(block, workload("nvidia.com/gpu.shared")), tmp_path)) == 0.1
    assert share(report(plan(block, workload()), tmp_path)) == 1


def test_of_several_configurations_the_one_that_shares_least_counts(tmp_path: Path) -> None:
    other = {"sharing": {"timeSlicing": {"resources": [{"name": "nvidia.com/gpu", "replicas": 2}]}}}
    blocks = config_map({"a": json.dumps(SLICING)}), config_map({"b": json.dumps(other)}, name="d")
    assert share(report(plan(*blocks, workload()), tmp_path)) == 0.5


@pytest.mark.parametrize(
    "data",
    [
        pytest.param({"a": "sharing: none"}, id="no object"),
        pytest.param({"a": json.dumps({"sharing": {"timeSlicing": {"resources": "x"}}})}, id="a text for a list"),
        pytest.param(
            {"a": json.dumps({"sharing": {"timeSlicing": {"resources": [{"name": "nvidia.com/gpu", "replicas": 1}]}}})},
            id="alone",
        ),
        pytest.param(
            {
                "a": json.dumps(
                    {"sharing": {"timeSlicing": {"resources": [{"name": "nvidia.com/gpu", "replicas": -4}]}}}
                )
            },
            id="negative",
        ),
        pytest.param({"a": "sharing: [" * 50}, id="no YAML"),
        pytest.param({"a": 3, "b": None, "c": []}, id="no texts"),
        pytest.param("sharing", id="no map"),
        pytest.param(None, id="nothing"),
    ],
)
def test_what_shares_nothing_divides_nothing(data: Any, tmp_path: Path) -> None:
    result = report(plan(config_map(data), workload()), tmp_path)
    assert (share(result), notes(result)) == (1, [])


def test_a_config_map_of_another_kind_stays_silent(tmp_path: Path) -> None:
    assert report(plan(config_map({"app": "gpu: nvidia.com/gpu"})), tmp_path).diagnostics == ()


def test_the_cost_of_a_node_stays_as_it_is(tmp_path: Path) -> None:
    node = resource("aws_instance.node", {"instance_type": "g6.xlarge", "region": "us-east-1"})
    alone = report(plan(node), tmp_path).summary.monthly_after
    assert (
        report(plan(node, config_map({"any": json.dumps(SLICING)}), workload()), tmp_path).summary.monthly_after
        == alone
    )


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"migManager": {"config": {"default": "all-1g.10gb"}}}, id="the GPU operator's default"),
        pytest.param({"nodes": {"labels": {"nvidia.com/mig.config": "all-1g.10gb"}}}, id="a label"),
    ],
)
def test_a_mig_layout_is_told(values: Json, tmp_path: Path) -> None:
    result = report(plan(resource("helm_release.operator", {"values": [json.dumps(values)]})), tmp_path)
    assert ["all-1g.10gb" in message for _, message in notes(result)] == [True]


def test_mig_that_is_off_is_not(tmp_path: Path) -> None:
    values = {"mig": {"strategy": "single"}, "migManager": {"config": {"default": "all-disabled"}}}
    assert notes(report(plan(resource("helm_release.operator", {"values": [json.dumps(values)]})), tmp_path)) == []
