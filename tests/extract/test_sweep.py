"""Types that nobody describes: what names an accelerator is told, what only mentions one in passing is not."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gpuguard.extract.sweep import CODE
from gpuguard.model.report import Diagnostic
from tests.extract.plans import plan, report, resource

Told = Callable[..., list[Diagnostic]]


@pytest.fixture
def told(tmp_path: Path) -> Told:
    """What is told of one resource of a type with these values."""

    def sweep(type_: str, values: dict[str, Any] | None, **more: Any) -> list[Diagnostic]:
        found = report(plan(resource(f"{type_}.x", values, **more)), tmp_path)
        return [each for each in found.diagnostics if each.code == CODE]

    return sweep


@pytest.mark.parametrize(
    ("type_", "values", "words"),
    [
        pytest.param(
            "aws_example_trainer",
            {"instance_type": "g5.xlarge"},
            "its instance_type names g5.xlarge (A10G)",
            id="a machine type by itself",
        ),
        pytest.param(
            "aws_example_trainer",
            {"resource": [{"instance_type": "ml.p4d.24xlarge"}]},
            "its resource.0.instance_type names ml.p4d.24xlarge (A100-40GB)",
            id="a machine type of SageMaker, in a block",
        ),
        pytest.param(
            "aws_example_trainer",
            {"kind": "p9z.48xlarge"},
            "its kind names p9z.48xlarge",
            id="a machine type newer than the catalog",
        ),
        pytest.param(
            "aws_example_stack",
            {"template_body": '{"Resources": {"G": {"Properties": {"InstanceType": "p5.48xlarge"}}}}'},
            "its template_body names p5.48xlarge (H100-80GB)",
            id="in a document inside a text",
        ),
        pytest.param(
            "google_example_job",
            {"pool": {"machine_type": "a2-highgpu-1g"}},
            "its pool.machine_type names a2-highgpu-1g (A100-40GB)",
            id="a machine type of Google Cloud",
        ),
        pytest.param(
            "google_example_job",
            {"accelerators": [{"type": "NVIDIA_TESLA_T4"}]},
            "its accelerators.0.type names NVIDIA_TESLA_T4 (T4)",
            id="an accelerator by its enum",
        ),
        pytest.param(
            "google_example_job",
            {"gpu": "l4"},
            "its gpu names l4 (L4)",
            id="a short name where the attribute is about GPUs",
        ),
        pytest.param(
            "azurerm_example_farm",
            {"nodes": [{"vm_size": "standard_nc24ads_a100_v4"}]},
            "its nodes.0.vm_size names standard_nc24ads_a100_v4 (A100-80GB)",
            id="a size of Azure in small letters",
        ),
        pytest.param(
            "azurerm_resource_group_template_deployment",
            {
                "template_content": '{"resources": [{"properties": {"hardwareProfile": {"vmSize": "Standard_NC6s_v3"}}}]}'
            },
            "its template_content names Standard_NC6s_v3 (V100-16GB)",
            id="a template that a cloud deploys by itself",
        ),
        pytest.param(
            "rancher2_machine_config_v2",
            {"amazonec2_config": [{"instance_type": "g6.12xlarge"}]},
            "its amazonec2_config.0.instance_type names g6.12xlarge (L4)",
            id="a provider of no cloud that names a machine of one",
        ),
        pytest.param(
            "nebius_example_pool",
            {"platform": "gpu-z900-sxm"},
            "its platform names gpu-z900-sxm",
            id="a platform of a small cloud that is newer than the catalog",
        ),
        pytest.param(
            "acme_pod",
            {"spec": {"gpuType": "NVIDIA A100 80GB PCIe"}},
            "its spec.gpuType names NVIDIA A100 80GB PCIe (A100-80GB)",
            id="an accelerator by its maker's name",
        ),
        pytest.param(
            "huaweicloud_compute_instance",
            {"flavor_id": "p2s.2xlarge.8"},
            "its flavor_id names p2s.2xlarge.8",
            id="a flavour of a cloud that is not in the catalog",
        ),
        pytest.param(
            "volcengine_vke_node_pool",
            {"node_config": [{"instance_type_ids": ["ecs.hpcpni3ln.45xlarge"]}]},
            "its node_config.0.instance_type_ids.0 names ecs.hpcpni3ln.45xlarge",
            id="types of a cloud that is not in the catalog",
        ),
        pytest.param(
            "alicloud_eflo_node",
            {"machine_type": "efg1.nvga8n"},
            "its machine_type names efg1.nvga8n",
            id="a machine of a service that is not in the catalog",
        ),
        pytest.param(
            "alicloud_fcv2_function",
            {"instance_type": "g1", "gpu_memory_size": 8192},
            "its gpu_memory_size is 8192",
            id="memory of GPUs",
        ),
        pytest.param(
            "yandex_kubernetes_node_group",
            {"instance_template": [{"platform_id": "standard-v3-t4", "resources": [{"gpus": 1}]}]},
            "its instance_template.0.resources.0.gpus is 1",
            id="a number of GPUs",
        ),
        pytest.param(
            "acme_worker",
            {"limits": {"nvidia.com/gpu": "2"}},
            "its limits.nvidia.com/gpu is 2",
            id="a number of GPUs as Kubernetes asks for them",
        ),
        pytest.param(
            "castai_node_template",
            {"constraints": [{"gpu": [{"manufacturers": ["NVIDIA"], "min_count": 1}]}]},
            "its constraints.0.gpu.0.min_count is 1",
            id="a number in a block about GPUs",
        ),
        pytest.param(
            "castai_node_template",
            {"constraints": [{"instance_families": [{"exclude": ["p4d"], "include": ["g5"]}]}]},
            "its constraints.0.instance_families.0.include.0 names g5",
            id="a family of machine types",
        ),
        pytest.param(
            "awscc_deadline_fleet",
            {"capabilities": {"accelerator_capabilities": {"selections": [{"name": "l4", "runtime": "latest"}]}}},
            "its capabilities.accelerator_capabilities.selections.0.name names l4 (L4)",
            id="the name of an accelerator",
        ),
        pytest.param(
            "kustomization_resource",
            {"manifest": '{"kind": "NodePool", "spec": {"limits": {"nvidia.com/gpu": "8"}}}'},
            "its manifest names nvidia.com/gpu",
            id="an object of Kubernetes in JSON",
        ),
        pytest.param(
            "argocd_application",
            {"spec": [{"source": [{"helm": [{"values": "resources:\n  limits:\n    nvidia.com/gpu: 1\n"}]}]}]},
            "its spec.0.source.0.helm.0.values names nvidia.com/gpu",
            id="values of a chart in YAML",
        ),
        pytest.param(
            "snowflake_compute_pool",
            {"instance_family": "GPU_NV_S"},
            "its instance_family names GPU_NV_S",
            id="a machine type that is called GPU",
        ),
        pytest.param(
            "paperspace_machine",
            {"machine_type": "A100-80G"},
            "its machine_type names A100-80G",
            id="a machine type that is called by its GPU",
        ),
        pytest.param(
            "scaleway_baremetal_server",
            {"offer": "EM-L40S-1"},
            "its offer names EM-L40S-1",
            id="an offer of a small cloud that is called by its GPU",
        ),
        pytest.param(
            "aws_cloudformation_stack",
            {
                "template_body": "Parameters:\n  T:\n    AllowedValues:\n      - t3.large\n      - p5.48xlarge\n    Default: g5.xlarge\n"
            },
            "its template_body names g5.xlarge (A10G)",
            id="a default behind the values that are allowed",
        ),
    ],
)
def test_a_resource_of_an_unknown_type_that_names_an_accelerator_is_told(
    type_: str, values: dict[str, Any], words: str, told: Told
) -> None:
    (note,) = told(type_, values)
    assert note.level == "warning"
    assert note.address == f"{type_}.x"
    assert note.message.startswith(f"not priced: {type_} ")
    assert note.message.endswith(words)


@pytest.mark.parametrize(
    ("type_", "values"),
    [
        pytest.param("aws_example_trainer", {"instance_type": "m5.xlarge"}, id="a plain machine type"),
        pytest.param("aws_example_trainer", {"instance_type": "f1.2xlarge"}, id="an FPGA"),
        pytest.param(
            "aws_example_trainer",
            {"tags": {"was": "g5.xlarge"}, "description": "replaces p5.48xlarge"},
            id="texts for people",
        ),
        pytest.param("aws_example_trainer", {"name": "gpu-nodes"}, id="a name with gpu in it"),
        pytest.param("aws_example_portal", {"hidden_instance_types": ["ml.g5.xlarge"]}, id="types that are hidden"),
        pytest.param("aws_example_pool", {"excluded_instance_types": ["p5.48xlarge"]}, id="types that are excluded"),
        pytest.param(
            "aws_iam_policy", {"policy": '{"Condition": {"ec2:InstanceType": ["p5.48xlarge"]}}'}, id="a policy"
        ),
        pytest.param("aws_ssm_parameter", {"value": "p5.48xlarge"}, id="a parameter"),
        pytest.param("azurerm_dev_test_policy", {"threshold": "Standard_NC4as_T4_v3"}, id="the policy of a lab"),
        pytest.param("oci_core_shape_management", {"shape_name": "BM.GPU.H100.8"}, id="the shapes of an image"),
        pytest.param("aws_s3_object", {"content": "p5.48xlarge"}, id="an object"),
        pytest.param(
            "google_data_fusion_instance",
            {"accelerators": [{"accelerator_type": "CDC"}]},
            id="accelerators that are software",
        ),
        pytest.param("aws_globalaccelerator_accelerator", {"ip_address_type": "IPV4"}, id="an accelerator of networks"),
        pytest.param(
            "google_example_lb", {"level": "L4", "protocol": "T4"}, id="short names where nothing is about GPUs"
        ),
        pytest.param(
            "google_example_job",
            {"accelerator_count": "4", "gpu_driver": "LATEST"},
            id="words about GPUs that name none",
        ),
        pytest.param("acme_config", {"zone": "a2-1", "code": "g2-standard"}, id="names that look like machine types"),
        pytest.param("random_shuffle", {"input": ["g5.xlarge", "g6.xlarge"]}, id="a provider that runs nothing"),
        pytest.param("aws_example_trainer", {"instance_type": None}, id="nothing"),
        pytest.param("ovh_acme", {"flavor": "b3-8"}, id="a plain flavour"),
        pytest.param("nebius_example_release", {"application_name": "gpu-operator"}, id="an application for GPUs"),
        pytest.param("acme_release", {"chart_type": "gpu-operator"}, id="software for GPUs"),
        pytest.param(
            "aws_sagemaker_model_package",
            {"inference": [{"supported_instance_types": ["ml.g5.xlarge"]}]},
            id="types that would do",
        ),
        pytest.param(
            "rancher2_app_v2",
            {"values": "tolerations:\n- key: nvidia.com/gpu\n  operator: Exists\nnvidia.com/gpu: 0\n"},
            id="values that ask for none",
        ),
        pytest.param("acme_monitor", {"type": "gpu", "gpu_monitoring": True}, id="a monitor of GPUs"),
        pytest.param(
            "acme_server",
            {"instance_name": "gpu-1", "node_name": "h100-1", "instance_profile": "gpu-node-role"},
            id="names of machines",
        ),
        pytest.param("acme_server", {"gpus": 0, "gpu_count": "0", "resources": {"gpu": None}}, id="no GPUs"),
        pytest.param("rancher2_project", {"resource_quota": [{"project_limit": [{"gpus": 3}]}]}, id="a quota"),
        pytest.param("huaweicloud_compute_instance", {"flavor_id": "s6.large.2"}, id="a plain flavour elsewhere"),
        pytest.param("volcengine_ecs_instance", {"instance_type": "ecs.g3i.large"}, id="a plain type elsewhere"),
        pytest.param("alicloud_fcv2_function", {"instance_type": "e1", "gpu_memory_size": 0}, id="a plain function"),
        pytest.param(
            "aws_cloudformation_stack",
            {
                "template_body": '{"Parameters": {"T": {"AllowedValues": ["t3.large", "g5.xlarge"], "Default": "t3.large"}}}'
            },
            id="values that a template allows, in JSON",
        ),
        pytest.param(
            "aws_cloudformation_stack",
            {
                "template_body": "Parameters:\n  T:\n    Default: t3.large\n    AllowedValues:\n      - t3.large\n      - g5.xlarge\n"
            },
            id="values that a template allows, in YAML",
        ),
    ],
)
def test_what_starts_no_accelerator_or_only_mentions_one_is_not_told(
    type_: str, values: dict[str, Any], told: Told
) -> None:
    assert told(type_, values) == []


def test_what_is_deleted_is_not_told(told: Told) -> None:
    assert told("aws_example_trainer", None, before={"instance_type": "g5.xlarge"}) == []


def test_what_stays_as_it_is_is_told_too(told: Told) -> None:
    values = {"instance_type": "g5.xlarge"}
    assert len(told("aws_example_trainer", values, before=values, action="no-op")) == 1


def test_a_sensitive_name_is_not_shown(told: Told) -> None:
    (note,) = told("aws_example_trainer", {"kind": "g5.xlarge"}, change={"after_sensitive": {"kind": True}})
    assert "g5" not in note.message
    assert "A10G" not in note.message


def test_each_resource_is_told_once_with_the_first_name(told: Told) -> None:
    (note,) = told("aws_example_trainer", {"a": "g5.xlarge", "b": "p5.48xlarge"})
    assert "its a names g5.xlarge" in note.message


def test_a_type_that_is_read_is_not_swept(tmp_path: Path) -> None:
    found = report(plan(resource("aws_instance.x", {"instance_type": "g5.xlarge"})), tmp_path)
    assert not any(each.code == CODE for each in found.diagnostics)


def test_under_strict_what_is_not_read_leaves_the_verdict_undecided(tmp_path: Path) -> None:
    swept = plan(resource("aws_example_trainer.x", {"instance_type": "g5.xlarge"}))
    assert report(swept, tmp_path).policy.outcome == "pass"
    assert report(swept, tmp_path, strict=True).policy.outcome == "undecided"
    (result,) = [each for each in report(swept, tmp_path, strict=True).policy.results if each.rule == "strict"]
    assert [each.address for each in result.resources] == ["aws_example_trainer.x"]


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"a": [[[["g5.xlarge"] * 3]]]}, id="lists in lists"),
        pytest.param({"a": "x" * 300_000 + " g5.xlarge"}, id="a name far behind in a long text"),
        pytest.param({"a": {"": {"": "\udcff gpu"}}}, id="a lone surrogate"),
        pytest.param({"gpu": 7, "accelerator": True, "xlarge": None}, id="numbers and booleans"),
        pytest.param({"gpus": 10**4000, "gpu_count": -1, "num_gpus": 1e308}, id="numbers beyond all sense"),
    ],
)
def test_odd_values_are_looked_through_without_harm(values: dict[str, Any], told: Told) -> None:
    assert len(told("aws_example_trainer", values)) in (0, 1)
