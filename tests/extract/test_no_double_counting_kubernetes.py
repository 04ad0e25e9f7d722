"""Nodes are billed once, whatever asks for their GPUs: pairs of supply and demand, with the money and GPUs of both together."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from tests.extract.plans import Block, Json, plan, report, resource

AWS = resource("aws_eks_cluster.c", {"name": "c", "region": "us-east-1"})
G6 = Decimal("0.8048") * 730
"""A g6.xlarge in us-east-1 on demand, a month."""
GP2 = 20 * Decimal("0.10")
"""The volume of a managed node: 20 GiB, gp2."""

NODE_GROUP = resource(
    "aws_eks_node_group.gpu",
    {
        "cluster_name": "c",
        "region": "us-east-1",
        "instance_types": ["g6.xlarge"],
        "scaling_config": [{"min_size": 2, "desired_size": 2, "max_size": 4}],
    },
)


def node_pool(**spec: object) -> Block:
    requirements = [
        {"key": "node.kubernetes.io/instance-type", "operator": "In", "values": ["g6.xlarge"]},
        {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["on-demand"]},
    ]
    template = {
        "spec": {
            "requirements": requirements,
            "nodeClassRef": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "x"},
        }
    }
    body = {
        "apiVersion": "karpenter.sh/v1",
        "kind": "NodePool",
        "metadata": {"name": "gpu"},
        "spec": {"template": template, **spec},
    }
    return resource("kubectl_manifest.pool", {"yaml_body": json.dumps(body)})


def deployment(selector: Json | None = None) -> Block:
    container = {"name": "c", "resources": [{"limits": {"nvidia.com/gpu": "1"}, "requests": {}}]}
    pod = {"container": [container], "node_selector": selector or {}}
    values = {"metadata": [{"name": "d"}], "spec": [{"replicas": "2", "template": [{"spec": [pod]}]}]}
    return resource("kubernetes_deployment_v1.d", values)


HPA = resource(
    "kubernetes_horizontal_pod_autoscaler_v2.h",
    {
        "metadata": [{"name": "h"}],
        "spec": [{"min_replicas": 2, "max_replicas": 6, "scale_target_ref": [{"kind": "Deployment", "name": "d"}]}],
    },
)
MANIFEST_OF_THE_SAME = resource(
    "kubectl_manifest.hpa",
    {
        "yaml_body": json.dumps(
            {
                "apiVersion": "autoscaling/v2",
                "kind": "HorizontalPodAutoscaler",
                "metadata": {"name": "h"},
                "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "d"}, "maxReplicas": 6},
            }
        )
    },
)
AUTOPILOT = resource("google_container_cluster.c", {"name": "c", "location": "us-central1", "enable_autopilot": True})
L4 = {"cloud.google.com/gke-accelerator": "nvidia-l4"}
PREMIUM = Decimal("0.067") + 4 * Decimal("0.003") + 16 * Decimal("0.00035")
ON_AUTOPILOT = 2 * 730 * (Decimal("0.706832") + PREMIUM)
"""Two g2-standard-4 with Autopilot's premium."""
LIMITED = {"limits": {"nvidia.com/gpu": "4"}}


@pytest.mark.parametrize(
    ("blocks", "expected", "most", "gpus", "gpus_most"),
    [
        pytest.param((AWS, NODE_GROUP), 2 * (G6 + GP2), 4 * (G6 + GP2), 2, 4, id="a node group alone"),
        pytest.param(
            (AWS, NODE_GROUP, deployment()), 2 * (G6 + GP2), 4 * (G6 + GP2), 2, 4, id="node group and deployment"
        ),
        pytest.param((AWS, node_pool(**LIMITED)), 0, 4 * G6, 0, 4, id="a NodePool alone"),
        pytest.param((AWS, node_pool(**LIMITED), deployment()), 0, 4 * G6, 0, 4, id="NodePool and deployment"),
        pytest.param(
            (AWS, node_pool(replicas=2), deployment()), 2 * G6, 2 * G6, 2, 2, id="static NodePool and deployment"
        ),
        pytest.param(
            (AWS, NODE_GROUP, node_pool(**LIMITED), deployment()),
            2 * (G6 + GP2),
            4 * (G6 + GP2) + 4 * G6,
            2,
            8,
            id="node group, NodePool and deployment: two supplies, each by itself",
        ),
        pytest.param((deployment(),), 0, 0, 0, 0, id="a deployment alone"),
        pytest.param((deployment(), HPA), 0, 0, 0, 0, id="deployment and its autoscaler"),
        pytest.param(
            (deployment(), MANIFEST_OF_THE_SAME), 0, 0, 0, 0, id="deployment and its autoscaler in a manifest"
        ),
        pytest.param((AWS, NODE_GROUP, deployment(), HPA), 2 * (G6 + GP2), 4 * (G6 + GP2), 2, 4, id="all of them"),
        pytest.param((AUTOPILOT,), 0, 0, 0, 0, id="an Autopilot cluster alone"),
        pytest.param((AUTOPILOT, deployment(L4)), ON_AUTOPILOT, ON_AUTOPILOT, 2, 2, id="Autopilot cluster and pods"),
        pytest.param((AUTOPILOT, deployment(L4), HPA), ON_AUTOPILOT, 3 * ON_AUTOPILOT, 2, 6, id="with an autoscaler"),
        pytest.param((AUTOPILOT, deployment()), 0, 0, 0, 0, id="Autopilot cluster and pods that select no accelerator"),
    ],
)
def test_what_asks_for_gpus_adds_nothing_to_what_supplies_them(
    blocks: tuple[Block, ...], expected: Decimal, most: Decimal, gpus: int, gpus_most: int, tmp_path: Path
) -> None:
    summary = report(plan(*blocks), tmp_path).summary
    assert (summary.monthly_after, summary.monthly_max_after) == (expected, most)
    assert (summary.gpus_after, summary.gpus_max_after) == (gpus, gpus_most)
