"""Karpenter NodePools: which machine types the requirements allow, how many the limits allow, how they are bought.

Unit prices used here, us-east-1 on demand (the catalog's tables): g6.xlarge 0.8048 an hour, g6.2xlarge 0.9776, g6.12xlarge
4.6016, p4d.24xlarge 21.957642; gp3 0.08 a GiB and month.
"""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gpuguard.model.report import Report, State
from tests.extract.plans import Block, Json, after, codes, plan, report, resource

CLUSTER = resource("aws_eks_cluster.c", {"name": "c", "region": "us-east-1"})
ON_DEMAND: Json = {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["on-demand"]}


def need(key: str, *values: str, operator: str = "In") -> Json:
    domain = "" if "/" in key else "karpenter.k8s.aws/"
    return {"key": f"{domain}{key}", "operator": operator, "values": list(values)}


def types(*names: str) -> Json:
    return need("node.kubernetes.io/instance-type", *names)


def node_pool(*requirements: Json, name: str = "gpu", limits: Json | None = None, **more: Any) -> Json:
    template = {
        "nodeClassRef": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "default"},
        "requirements": [*requirements, ON_DEMAND] if "capacity" not in more else list(requirements),
    }
    template |= more.pop("template", {})
    more.pop("capacity", None)
    spec = {"template": {"spec": template}, **more} | ({"limits": limits} if limits is not None else {})
    return {"apiVersion": "karpenter.sh/v1", "kind": "NodePool", "metadata": {"name": name}, "spec": spec}


def manifest(*objects: Json, name: str = "np") -> Block:
    return resource(f"kubectl_manifest.{name}", {"yaml_body": "\n---\n".join(json.dumps(each) for each in objects)})


def run(folder: Path, *objects: Json, others: tuple[Block, ...] = (CLUSTER,), **settings: Any) -> Report:
    return report(plan(*others, manifest(*objects)), folder, **settings)


def side_of(folder: Path, *objects: Json, others: tuple[Block, ...] = (CLUSTER,)) -> State:
    return after(plan(*others, manifest(*objects)), folder, "kubectl_manifest.np")


def allowed(side: State) -> set[str]:
    return {side.pools[0].sku or "", *side.pools[0].candidates}


def units(side: State) -> tuple[float | None, ...]:
    size = side.pools[0].units
    return size.min, size.expected, size.max


LIMIT: Json = {"nvidia.com/gpu": "8"}


# -- which machine types --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("requirements", "expected"),
    [
        pytest.param(
            [types("g6.xlarge", "m7i.large")], {"g6.xlarge"}, id="types by name; those without GPUs do not count"
        ),
        pytest.param(
            [need("instance-family", "g6"), need("instance-size", "xlarge", "2xlarge")],
            {"g6.xlarge", "g6.2xlarge"},
            id="family, size",
        ),
        pytest.param(
            [need("instance-gpu-name", "l40s"), need("instance-gpu-count", "8")], {"g6e.48xlarge"}, id="GPU and count"
        ),
        pytest.param(
            [need("instance-gpu-name", "a100")], {"p4d.24xlarge", "p4de.24xlarge"}, id="a name of two models means both"
        ),
        pytest.param(
            [
                need("instance-gpu-name", "l4"),
                need("instance-gpu-count", "1", operator="Gt"),
                need("instance-cpu", "50", operator="Lt"),
            ],
            {"g6.12xlarge"},
            id="greater and less",
        ),
        pytest.param(
            [
                need("instance-gpu-name", "l4"),
                need("instance-gpu-count", "4", operator="Gte"),
                need("instance-cpu", "48", operator="Lte"),
            ],
            {"g6.12xlarge"},
            id="at least and at most",
        ),
        pytest.param(
            [
                need("instance-family", "g6"),
                need("instance-size", "xlarge", "2xlarge"),
                types("g6.2xlarge") | {"operator": "NotIn"},
            ],
            {"g6.xlarge"},
            id="but not this one",
        ),
        pytest.param(
            [need("instance-accelerator-name", "inferentia2"), need("instance-size", "xlarge")],
            {"inf2.xlarge"},
            id="Neuron",
        ),
        pytest.param(
            [
                need("instance-category", "g"),
                need("instance-generation", "5", operator="Gt"),
                need("instance-memory", "16384"),
            ],
            {"g6.xlarge", "g6f.xlarge"},
            id="category, generation and memory",
        ),
        pytest.param(
            [
                need("instance-family", "g5g", "g5"),
                need("kubernetes.io/arch", "arm64"),
                need("instance-size", "xlarge"),
            ],
            {"g5g.xlarge"},
            id="architecture",
        ),
        pytest.param(
            [need("instance-gpu-memory", "22888"), need("instance-family", "g6"), need("instance-size", "xlarge")],
            {"g6.xlarge"},
            id="the memory that AWS tells of a 24 GiB GPU",
        ),
        pytest.param(
            [need("instance-gpu-manufacturer", "amd"), need("instance-size", "xlarge")],
            {"g4ad.xlarge"},
            id="the maker of the GPU",
        ),
        pytest.param(
            [
                need("instance-gpu-count", operator="Exists"),
                need("instance-family", "g6", "m7i"),
                need("instance-size", "xlarge"),
            ],
            {"g6.xlarge"},
            id="any GPU",
        ),
        pytest.param(
            [need("eks.amazonaws.com/instance-family", "g6"), need("eks.amazonaws.com/instance-size", "xlarge")],
            {"g6.xlarge"},
            id="the keys of EKS Auto Mode",
        ),
        pytest.param([types("p9.48xlarge")], {"p9.48xlarge"}, id="a type newer than the catalog"),
    ],
)
def test_requirements_select_the_accelerated_types_of_the_region(
    requirements: list[Json], expected: set[str], tmp_path: Path
) -> None:
    assert allowed(side_of(tmp_path, node_pool(*requirements))) == expected


@pytest.mark.parametrize(
    "requirements",
    [
        pytest.param([need("instance-category", "c", "m", "r")], id="categories without GPUs"),
        pytest.param([types("m7i.large", "c7i.xlarge")], id="types without GPUs"),
        pytest.param([need("instance-family", "m7i", "t3")], id="families without GPUs"),
        pytest.param([need("instance-gpu-count", operator="DoesNotExist")], id="no GPU, in words"),
        pytest.param([need("instance-gpu-count", "0")], id="a count of zero"),
        pytest.param([need("instance-category", "g", "p", operator="NotIn")], id="all but GPU categories"),
        pytest.param([], id="no requirement, and no workload asks for GPUs"),
        pytest.param([need("kubernetes.io/arch", "amd64")], id="the architecture alone"),
        pytest.param([need("instance-cpu", "15", operator="Gt")], id="a size alone"),
        pytest.param([need("instance-family", "g6"), need("instance-gpu-name", "h100")], id="a contradiction"),
        pytest.param([{"key": 3, "operator": [], "values": {}}, "x", None], id="junk"),
        pytest.param([need("team", "gpu")], id="a label of the team's own"),
    ],
)
def test_node_pools_that_start_no_gpus_stay_silent(requirements: list[Json], tmp_path: Path) -> None:
    result = run(tmp_path, node_pool(*requirements))
    assert (result.resources, codes(result)) == ((), set())


def test_a_pool_of_any_type_counts_where_workloads_of_the_plan_ask_for_gpus(tmp_path: Path) -> None:
    pod = {"containers": [{"name": "c", "resources": {"limits": {"nvidia.com/gpu": 1}}}]}
    workload = manifest({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": pod}, name="pod")
    result = run(tmp_path, node_pool(need("instance-size", "xlarge"), limits={"cpu": "8"}), others=(CLUSTER, workload))
    assert {each.address for each in result.resources} == {"kubectl_manifest.np", "kubectl_manifest.pod"}
    assert "open-node-pool" in codes(result)


@pytest.mark.parametrize(
    "speaking",
    [
        pytest.param({"template": {"taints": [{"key": "nvidia.com/gpu", "effect": "NoSchedule"}]}}, id="a taint"),
        pytest.param({"limits": {"nvidia.com/gpu": "4"}}, id="a limit"),
    ],
)
def test_a_taint_or_a_limit_speaks_of_gpus_too(speaking: Json, tmp_path: Path) -> None:
    side = side_of(tmp_path, node_pool(need("instance-size", "xlarge"), **speaking))
    assert "g6.xlarge" in allowed(side)


# -- how many -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        pytest.param({"nvidia.com/gpu": "8"}, (0, 0, 2), id="GPUs"),
        pytest.param({"nvidia.com/gpu": 11}, (0, 0, 2), id="rounded down: a third would exceed the limit"),
        pytest.param({"cpu": "100"}, (0, 0, 2), id="vCPUs: 48 each"),
        pytest.param({"cpu": "96000m"}, (0, 0, 2), id="in thousandths"),
        pytest.param({"memory": "600Gi"}, (0, 0, 3), id="memory: 192 GiB each"),
        pytest.param({"nvidia.com/gpu": "40", "cpu": "96"}, (0, 0, 2), id="the limit that binds"),
        pytest.param({"nodes": "3"}, (0, 0, 3), id="nodes"),
    ],
)
def test_so_many_machines_fit_as_no_limit_is_exceeded(limits: Json, expected: tuple[int, ...], tmp_path: Path) -> None:
    """g6.12xlarge: 4 GPUs, 48 vCPUs, 192 GiB."""
    side = side_of(tmp_path, node_pool(types("g6.12xlarge"), limits=limits))
    assert units(side) == expected
    assert (side.monthly.expected, side.monthly.max) == (Decimal(0), expected[2] * 730 * Decimal("4.6016"))


def test_of_several_types_the_dearest_set_is_the_exposure(tmp_path: Path) -> None:
    """12 GPUs: 12 × 0.8048 = 9.66, 12 × 0.9776 = 11.73, 3 × 4.6016 = 13.80."""
    side = side_of(
        tmp_path, node_pool(types("g6.xlarge", "g6.2xlarge", "g6.12xlarge"), limits={"nvidia.com/gpu": "12"})
    )
    assert (side.pools[0].sku, units(side)) == ("g6.12xlarge", (0, 0, 3))
    assert side.monthly.max == 3 * 730 * Decimal("4.6016")


def test_a_type_that_does_not_fit_at_all_is_not_started(tmp_path: Path) -> None:
    side = side_of(tmp_path, node_pool(types("g6.12xlarge", "g6.xlarge"), limits={"nvidia.com/gpu": "3"}))
    assert (side.pools[0].sku, side.pools[0].candidates, units(side)) == ("g6.xlarge", (), (0, 0, 3))


def test_limits_below_every_type_start_nothing(tmp_path: Path) -> None:
    assert run(tmp_path, node_pool(types("g6.12xlarge"), limits={"cpu": "10"})).resources == ()


@pytest.mark.parametrize(
    "limits",
    [
        pytest.param(None, id="no limits"),
        pytest.param({}, id="empty limits"),
        pytest.param({"ephemeral-storage": "1Ti"}, id="a limit of something else"),
        pytest.param({"cpu": "a lot"}, id="a limit that is no quantity"),
        pytest.param("8", id="a text"),
    ],
)
def test_without_a_limit_that_binds_there_is_no_ceiling(limits: Any, tmp_path: Path) -> None:
    result = run(tmp_path, node_pool(types("g6.xlarge"), limits=limits))
    side = result.resources[0].after
    assert side is not None
    assert (units(side), side.monthly.expected, side.monthly.max) == ((0, 0, None), Decimal(0), None)
    assert "unbounded-node-pool" in codes(result)


def test_a_limit_of_another_makers_gpus_does_not_bind(tmp_path: Path) -> None:
    result = run(tmp_path, node_pool(types("g4ad.xlarge", "g6.xlarge"), limits={"nvidia.com/gpu": "2"}))
    side = result.resources[0].after
    assert side is not None
    assert (allowed(side), units(side)) == ({"g6.xlarge"}, (0, 0, 2))
    assert "limit-leaves-out" in codes(result)


def test_replicas_are_a_fixed_number_of_nodes(tmp_path: Path) -> None:
    side = side_of(tmp_path, node_pool(types("g6.xlarge"), replicas=3, limits={"nodes": "5"}))
    assert units(side) == (3, 3, 3)
    assert (side.monthly.expected, side.gpus.expected) == (3 * 730 * Decimal("0.8048"), 3)


# -- how and where --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "operator", "expected"),
    [
        pytest.param(["spot"], "In", "spot", id="spot"),
        pytest.param(["spot", "on-demand"], "In", "on_demand", id="both: the dear end"),
        pytest.param(["on-demand"], "NotIn", "spot", id="all but on demand"),
        pytest.param(["reserved"], "In", "capacity_reservation", id="reserved"),
        pytest.param([], "Exists", "on_demand", id="any"),
    ],
)
def test_capacity_types_tell_how_nodes_are_bought(
    values: list[str], operator: str, expected: str, tmp_path: Path
) -> None:
    wanted = {"key": "karpenter.sh/capacity-type", "operator": operator, "values": values}
    side = side_of(tmp_path, node_pool(types("g6.xlarge"), wanted, limits=LIMIT, capacity=True))
    assert side.pools[0].purchase_model == expected


def test_the_volumes_are_those_of_the_node_class(tmp_path: Path) -> None:
    ebs = {"deviceName": "/dev/xvda", "ebs": {"volumeSize": "100Gi", "volumeType": "gp3"}}
    classes = {
        "apiVersion": "karpenter.k8s.aws/v1",
        "kind": "EC2NodeClass",
        "metadata": {"name": "default"},
        "spec": {"blockDeviceMappings": [ebs, {"deviceName": "/dev/xvdb", "ebs": {"volumeSize": "50Gi"}}]},
    }
    side = side_of(tmp_path, node_pool(types("g6.xlarge"), replicas=1), classes)
    assert side.monthly.expected == 730 * Decimal("0.8048") + 150 * Decimal("0.08")


@pytest.mark.parametrize(
    ("spec", "gib"),
    [
        pytest.param({"amiFamily": "AL2023"}, 20, id="Amazon Linux"),
        pytest.param({"amiSelectorTerms": [{"alias": "bottlerocket@latest"}]}, 24, id="Bottlerocket has two"),
        pytest.param({"amiFamily": "Custom"}, 0, id="an image of one's own"),
    ],
)
def test_without_mappings_the_image_family_has_its_own_volumes(spec: Json, gib: int, tmp_path: Path) -> None:
    classes = {
        "apiVersion": "karpenter.k8s.aws/v1",
        "kind": "EC2NodeClass",
        "metadata": {"name": "default"},
        "spec": spec,
    }
    side = side_of(tmp_path, node_pool(types("g6.xlarge"), replicas=1), classes)
    assert side.monthly.expected == 730 * Decimal("0.8048") + gib * Decimal("0.08")


def test_zones_of_the_requirements_go_before_the_cluster(tmp_path: Path) -> None:
    zone = need("topology.kubernetes.io/zone", "eu-west-1a", "eu-west-1b")
    assert side_of(tmp_path, node_pool(types("g6.xlarge"), zone, limits=LIMIT)).region == "eu-west-1"


def test_without_a_cluster_the_region_is_unknown_and_the_option_answers(tmp_path: Path) -> None:
    pool = node_pool(types("g6.xlarge"), limits=LIMIT)
    assert "unknown-region" in codes(run(tmp_path, pool, others=()))
    told = run(tmp_path, pool, others=(), regions={"aws": "us-east-1"}).resources[0].after
    assert told is not None
    assert told.region == "us-east-1"


def test_a_node_pool_of_azure_is_known_by_its_keys(tmp_path: Path) -> None:
    cluster = resource("azurerm_kubernetes_cluster.c", {"name": "c", "location": "westeurope"})
    pool = node_pool(
        {
            "key": "karpenter.azure.com/sku-name",
            "operator": "In",
            "values": ["Standard_NC4as_T4_v3", "Standard_NC24ads_A100_v4"],
        },
        {"key": "karpenter.azure.com/sku-gpu-name", "operator": "In", "values": ["T4"]},
        template={"nodeClassRef": {"group": "karpenter.azure.com", "kind": "AKSNodeClass", "name": "default"}},
        limits={"nvidia.com/gpu": "2"},
    )
    side = side_of(tmp_path, pool, others=(cluster,))
    assert (side.cloud, side.region, side.pools[0].sku, units(side)) == (
        "azure",
        "westeurope",
        "Standard_NC4as_T4_v3",
        (0, 0, 2),
    )


def test_a_family_of_azure_is_the_first_letter_of_the_size(tmp_path: Path) -> None:
    cluster = resource("azurerm_kubernetes_cluster.c", {"name": "c", "location": "westeurope"})
    pool = node_pool(
        {"key": "karpenter.azure.com/sku-family", "operator": "In", "values": ["N"]},
        {"key": "karpenter.azure.com/sku-gpu-count", "operator": "In", "values": ["4"]},
        {"key": "karpenter.azure.com/sku-gpu-name", "operator": "In", "values": ["A100"]},
        template={"nodeClassRef": {"group": "karpenter.azure.com", "kind": "AKSNodeClass", "name": "default"}},
    )
    assert "Standard_NC96ads_A100_v4" in allowed(side_of(tmp_path, pool, others=(cluster,)))


# -- other ways to write it -----------------------------------------------------------------------------------------------


def test_a_provisioner_is_read_like_a_node_pool(tmp_path: Path) -> None:
    spec = {
        "providerRef": {"name": "default"},
        "requirements": [types("g6.xlarge")],
        "limits": {"resources": {"cpu": "16"}},
    }
    provisioner = {
        "apiVersion": "karpenter.sh/v1alpha5",
        "kind": "Provisioner",
        "metadata": {"name": "p"},
        "spec": spec,
    }
    side = side_of(tmp_path, provisioner)
    assert (side.pools[0].purchase_model, units(side)) == ("on_demand", (0, 0, 4))


def test_a_provisioner_of_any_type_is_given_types_without_gpus(tmp_path: Path) -> None:
    provisioner = {"apiVersion": "karpenter.sh/v1alpha5", "kind": "Provisioner", "metadata": {"name": "p"}, "spec": {}}
    assert run(tmp_path, provisioner).resources == ()


def test_labels_of_the_template_restrict_like_requirements(tmp_path: Path) -> None:
    pool = node_pool(need("instance-family", "g6"), limits={"nvidia.com/gpu": "2"})
    pool["spec"]["template"]["metadata"] = {"labels": {"karpenter.k8s.aws/instance-size": "xlarge", "team": "ml"}}
    assert allowed(side_of(tmp_path, pool)) == {"g6.xlarge"}


def test_values_of_a_chart_may_describe_node_pools(tmp_path: Path) -> None:
    values = {"pools": {"gpu": {"template": {"requirements": [types("g6.xlarge")]}, "limits": {"nvidia.com/gpu": 2}}, "off": {
        "enabled": False, "requirements": [types("p4d.24xlarge")]}}}  # fmt: skip
    release = resource("helm_release.pools", {"name": "pools", "chart": "./pools", "values": [json.dumps(values)]})
    result = report(plan(CLUSTER, release), tmp_path)
    side = result.resources[0].after
    assert side is not None
    assert (side.cloud, allowed(side), units(side)) == ("aws", {"g6.xlarge"}, (0, 0, 2))


def test_an_object_keeps_what_is_known_beside_what_is_not(tmp_path: Path) -> None:
    pool = node_pool(types("g6.xlarge"), limits=LIMIT)
    del pool["metadata"]["name"]
    block = resource("kubernetes_manifest.np", {"manifest": pool}, unknown={"manifest": {"metadata": {"name": True}}})
    assert allowed(after(plan(CLUSTER, block), tmp_path)) == {"g6.xlarge"}


def test_requirements_that_only_apply_can_tell_leave_the_machine_unknown(tmp_path: Path) -> None:
    pool = node_pool({"key": "karpenter.k8s.aws/instance-family", "operator": "In"}, limits=LIMIT)
    mask = {"manifest": {"spec": {"template": {"spec": {"requirements": [{"values": True}]}}}}}
    result = report(plan(CLUSTER, resource("kubernetes_manifest.gpu", {"manifest": pool}, unknown=mask)), tmp_path)
    side = result.resources[0].after
    assert side is not None
    assert side.pools[0].sku is None
    assert "unknown-node-pool" in codes(result)


def test_a_sensitive_machine_type_is_priced_and_not_shown(tmp_path: Path) -> None:
    pool = node_pool(types("g6.xlarge"), replicas=1)
    marks = {"manifest": {"spec": {"template": {"spec": {"requirements": [{"values": True}]}}}}}
    block = resource("kubernetes_manifest.np", {"manifest": pool}, change={"after_sensitive": marks})
    result = report(plan(CLUSTER, block), tmp_path)
    side = result.resources[0].after
    assert side is not None
    assert (side.pools[0].sku, side.monthly.expected) == ("(sensitive)", 730 * Decimal("0.8048"))
    assert "g6.xlarge" not in str(result)


def test_a_change_of_limits_shows_both_sides(tmp_path: Path) -> None:
    def body(limit: str) -> Json:
        return {"yaml_body": json.dumps(node_pool(types("g6.xlarge"), limits={"nvidia.com/gpu": limit}))}

    block = resource("kubectl_manifest.np", body("8"), before=body("2"), action="update")
    change = report(plan(CLUSTER, block), tmp_path).resources[0]
    assert change.before is not None
    assert change.after is not None
    assert (units(change.before), units(change.after)) == ((0, 0, 2), (0, 0, 8))


def test_a_pool_of_any_type_is_left_out_where_another_is_meant_for_gpus(tmp_path: Path) -> None:
    pod = {"containers": [{"name": "c", "resources": {"limits": {"nvidia.com/gpu": 1}}}]}
    workload = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": pod}
    objects = (
        node_pool(types("g6.xlarge"), limits=LIMIT),
        node_pool(need("instance-size", "xlarge"), name="any"),
        workload,
    )
    side = side_of(tmp_path, *objects)
    assert [(each.role, each.sku) for each in side.pools] == [("supply", "g6.xlarge"), ("demand", "nvidia.com/gpu")]


@pytest.mark.parametrize(
    ("term", "covered"),
    [
        pytest.param({"tags": {"pool": "gpu"}}, True, id="by its tags"),
        pytest.param({"id": "cr-1"}, True, id="by its id"),
        pytest.param({"tags": {"pool": "other"}}, False, id="other tags"),
        pytest.param({}, False, id="nothing"),
    ],
)
def test_nodes_in_a_reservation_of_the_plan_are_paid_for_there(term: Json, covered: bool, tmp_path: Path) -> None:
    tags = {"pool": "gpu"}
    reservation = resource(
        "aws_ec2_capacity_reservation.r",
        {"id": "cr-1", "instance_type": "g6.xlarge", "instance_count": 2, "instance_platform": "Linux/UNIX",
         "availability_zone": "us-east-1a", "tags": tags, "tags_all": tags},
    )  # fmt: skip
    classes = {
        "apiVersion": "karpenter.k8s.aws/v1",
        "kind": "EC2NodeClass",
        "metadata": {"name": "default"},
        "spec": {"amiFamily": "AL2023", "capacityReservationSelectorTerms": [term]},
    }
    wanted = {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["reserved"]}
    pool = node_pool(types("g6.xlarge"), wanted, limits=LIMIT, capacity=True)
    side = side_of(tmp_path, pool, classes, others=(CLUSTER, reservation))
    assert side.pools[0].covered_by == ("aws_ec2_capacity_reservation.r" if covered else None)
    assert (side.monthly.max == 0) is covered


@pytest.mark.parametrize(
    ("operator", "value", "speaks"),
    [
        pytest.param("Gt", "0", True, id="more than none"),
        pytest.param("Gte", "1", True, id="one or more"),
        pytest.param("Gte", "0", False, id="none or more"),
        pytest.param("Lt", "1", False, id="none"),
    ],
)
def test_a_count_of_gpus_above_none_speaks_of_gpus(operator: str, value: str, speaks: bool, tmp_path: Path) -> None:
    result = run(tmp_path, node_pool(need("instance-gpu-count", value, operator=operator), limits={"cpu": "192"}))
    assert bool(result.resources) == speaks


def test_well_known_labels_of_the_template_tell_the_zone_and_how_nodes_are_bought(tmp_path: Path) -> None:
    pool = node_pool(types("g6.xlarge"), limits=LIMIT, capacity=True)
    labels = {"karpenter.sh/capacity-type": "spot", "topology.kubernetes.io/zone": "us-west-2b"}
    pool["spec"]["template"]["metadata"] = {"labels": labels}
    side = side_of(tmp_path, pool)
    assert (side.pools[0].purchase_model, side.region) == ("spot", "us-west-2")


@pytest.mark.parametrize(
    ("requirement", "expected"),
    [
        pytest.param(need("instance-family", "p7"), "unknown-node-pool", id="a family that is new"),
        pytest.param(need("instance-gpu-name", "r200"), "unknown-node-pool", id="a GPU that is new"),
        pytest.param(need("instance-family", "g6", "p7"), "unknown-family", id="a new family beside a known one"),
        pytest.param(
            need("instance-accelerator-name", "trainium2"),
            "unpriced",
            id="an accelerator that the region is not known to have",
        ),
    ],
)
def test_accelerators_that_the_catalog_does_not_know_are_not_passed_over(
    requirement: Json, expected: str, tmp_path: Path
) -> None:
    result = run(tmp_path, node_pool(requirement, limits={"cpu": "192"}))
    assert len(result.resources) == 1
    assert expected in codes(result)
    assert "unbounded-node-pool" not in codes(result)


def test_a_limit_of_neuron_cores_binds(tmp_path: Path) -> None:
    """trn1.32xlarge: 16 devices of 2 cores."""
    pool = node_pool(types("trn1.32xlarge"), limits={"aws.amazon.com/neuroncore": "64"})
    assert units(side_of(tmp_path, pool)) == (0, 0, 2)


def test_a_node_claim_is_one_node_at_once(tmp_path: Path) -> None:
    claim = {"apiVersion": "karpenter.sh/v1", "kind": "NodeClaim", "metadata": {"name": "n"}, "spec": {
        "requirements": [types("g6.xlarge"), ON_DEMAND], "nodeClassRef": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass"}}}  # fmt: skip
    side = side_of(tmp_path, claim)
    assert (units(side), side.monthly.expected) == ((1, 1, 1), 730 * Decimal("0.8048"))


def test_replicas_in_values_are_those_of_the_pool_they_stand_in(tmp_path: Path) -> None:
    values = {"replicas": 2, "pools": {"gpu": {"replicas": 3, "requirements": [types("g6.xlarge")]}}}
    release = resource("helm_release.pools", {"name": "pools", "chart": "./pools", "values": [json.dumps(values)]})
    assert units(after(plan(CLUSTER, release), tmp_path, "helm_release.pools")) == (3, 3, 3)


def test_a_machine_type_that_a_secret_setting_brings_is_not_shown(tmp_path: Path) -> None:
    values = {
        "pool": {"requirements": [{"key": "node.kubernetes.io/instance-type", "operator": "In"}], "limits": {"cpu": 8}}
    }
    own = {"values": [json.dumps(values)], "set": [{"name": "pool.requirements[0].values[0]", "value": "g6.xlarge"}]}
    marks = {"after_sensitive": {"set": [{"value": True}]}}
    result = report(plan(CLUSTER, resource("helm_release.pools", own, change=marks)), tmp_path)
    side = result.resources[0].after
    assert side is not None
    assert side.pools[0].sku == "(sensitive)"
