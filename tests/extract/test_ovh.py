"""OVHcloud and OpenStack: what is read from instances and node pools.

Unit prices used here (the catalog's tables): l4-90 in US-EAST-VA-1 1 an hour, with Windows 1.9; t2-45 0.88.
"""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gpuguard.model.report import State
from tests.extract.plans import Block, Json, after, codes, const, data, found, plan, ref, report, resource

MONTH = Decimal(730)
VIRGINIA = "US-EAST-VA-1"
ID = "5a1e7c2b-0000-4000-8000-000000000090"
LIST = data(
    "data.ovh_cloud_project_flavors.all", {"flavors": [{"id": ID, "name": "l4-90"}, {"id": "other", "name": "b3-8"}]}
)


def instance(flavour: object = ID, **values: Any) -> Block:
    own = {"region": VIRGINIA, "flavor": [{"flavor_id": flavour}], "billing_period": "hourly", **values}
    return resource("ovh_cloud_project_instance.vm", own, unknown={"id": True, "flavor_name": True})


def nodepool(**values: Any) -> Block:
    return resource(
        "ovh_cloud_project_kube_nodepool.p",
        {"flavor_name": "t2-45", "desired_nodes": 2, **values},
        unknown={"id": True, "kube_id": True},
        expressions={"kube_id": ref("ovh_cloud_project_kube.k.id")},
    )


CLUSTER = resource("ovh_cloud_project_kube.k", {"region": VIRGINIA}, unknown={"id": True})


def sizes(side: State) -> tuple[float | None, ...]:
    units = side.pools[0].units
    return units.min, units.expected, units.max


# -- OVHcloud -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "block",
    [
        pytest.param(LIST, id="a list of flavours"),
        pytest.param(data("data.ovh_cloud_project_flavor.x", {"id": ID, "name": "l4-90"}), id="one flavour"),
        pytest.param(
            data("data.ovh_cloud_instance_flavors.x", {"flavors": [{"id": ID, "name": "l4-90"}]}), id="a newer list"
        ),
    ],
)
def test_a_flavours_id_is_what_the_data_sources_call_it(block: Block, tmp_path: Path) -> None:
    side = after(plan(instance(), block), tmp_path)
    assert (side.region, side.pools[0].sku, side.monthly.expected) == (VIRGINIA, "l4-90", MONTH)


def test_an_id_that_nothing_tells_the_name_of_is_unknown(tmp_path: Path) -> None:
    """It may be any machine."""
    result = report(plan(instance()), tmp_path)
    assert result.resources[0].after is not None
    assert result.resources[0].after.pools[0].sku is None
    assert "unknown-machine-type" in codes(result)


def test_a_flavour_without_gpus_is_not_reported(tmp_path: Path) -> None:
    result = report(plan(instance("other"), LIST), tmp_path)
    assert (result.resources, codes(result)) == ((), set())


def test_what_exists_tells_the_name_itself(tmp_path: Path) -> None:
    values = {"region": VIRGINIA, "flavor": [{"flavor_id": ID}], "flavor_name": "l4-90"}
    block = resource("ovh_cloud_project_instance.vm", values, before=values)
    assert after(plan(block), tmp_path).monthly.expected == MONTH


def test_windows_is_in_the_name_and_in_the_price(tmp_path: Path) -> None:
    block = data("data.ovh_cloud_project_flavor.x", {"id": ID, "name": "win-l4-90"})
    side = after(plan(instance(), block), tmp_path)
    assert (side.pools[0].sku, side.monthly.expected) == ("l4-90", Decimal("1.9") * MONTH)


@pytest.mark.parametrize(("period", "told"), [("hourly", False), ("monthly", True), (None, False)])
def test_monthly_billing_is_told(period: str | None, told: bool, tmp_path: Path) -> None:
    assert ("billed-monthly" in codes(report(plan(instance(billing_period=period), LIST), tmp_path))) == told


@pytest.mark.parametrize(
    ("state", "hours", "code"),
    [
        ("ACTIVE", 730, None),
        ("SHUTOFF", 730, "billed-while-stopped"),
        ("SHELVED", 0, "stopped-instance"),
        (None, 730, None),
    ],
)
def test_only_a_shelved_instance_is_not_billed(state: str | None, hours: int, code: str | None, tmp_path: Path) -> None:
    block = resource("ovh_cloud_instance.vm", {"region": VIRGINIA, "flavor_id": ID, "power_state": state})
    result = report(plan(block, LIST), tmp_path)
    assert result.resources[0].after is not None
    assert result.resources[0].after.pools[0].hours_per_month == hours
    assert {"billed-while-stopped", "stopped-instance"} & codes(result) == ({code} if code else set())


def test_a_resized_instance_has_two_flavours(tmp_path: Path) -> None:
    """What the provider last saw is the old one."""
    seen = {"current_state": {"flavor": {"name": "t2-45"}}}
    block = resource(
        "ovh_cloud_instance.vm",
        {"region": VIRGINIA, "flavor_id": ID, **seen},
        before={"region": VIRGINIA, "flavor_id": "old", **seen},
    )
    result = found(plan(block, LIST), tmp_path)["ovh_cloud_instance.vm"]
    assert result.before is not None
    assert result.after is not None
    assert (result.before.pools[0].sku, result.after.pools[0].sku) == ("t2-45", "l4-90")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param({}, (2, 2, 2), id="a desired size"),
        pytest.param({"min_nodes": 1, "max_nodes": 4}, (2, 2, 2), id="bounds without autoscaling"),
        pytest.param({"autoscale": True, "min_nodes": 1, "max_nodes": 4}, (1, 2, 4), id="bounds"),
        pytest.param(
            {"autoscale": True, "desired_nodes": None, "min_nodes": 1, "max_nodes": 4}, (1, 1, 4), id="no desired size"
        ),
        pytest.param({"autoscale": True}, (0, 2, None), id="no maximum"),
        pytest.param({"desired_nodes": 0}, (0, 0, 0), id="none"),
    ],
)
def test_sizes_of_node_pools(values: Json, expected: tuple[int | None, ...], tmp_path: Path) -> None:
    result = report(plan(nodepool(**values), CLUSTER), tmp_path)
    assert result.resources[0].after is not None
    assert (result.resources[0].after.region, sizes(result.resources[0].after)) == (VIRGINIA, expected)
    assert ("unbounded-autoscaling" in codes(result)) == (expected[2] is None)


@pytest.mark.parametrize("flavour", ["b3-8", "c3-16", "r3-512", "d2-4", "i1-90"])
def test_node_pools_without_gpus_are_not_reported(flavour: str, tmp_path: Path) -> None:
    result = report(plan(nodepool(flavor_name=flavour), CLUSTER), tmp_path)
    assert (result.resources, codes(result)) == ((), set())


def test_a_region_without_prices_leaves_the_flavour_unpriced(tmp_path: Path) -> None:
    """It is reported with a hint, never as nothing."""
    cluster = resource("ovh_cloud_project_kube.k", {"region": "GRA11"}, unknown={"id": True})
    result = report(plan(nodepool(), cluster), tmp_path)
    assert result.summary.unpriced == 1


# -- OpenStack ------------------------------------------------------------------------------------------------------------


def machine(name: str | None = None, **values: Any) -> Block:
    own = {"name": "vm", "flavor_name": name, "region": VIRGINIA, **values}
    return resource("openstack_compute_instance_v2.vm", own, unknown={"id": True})


AT_OVH: Json = {"providers": {"openstack": {"auth_url": const("https://auth.cloud.ovh.us/v3/")}}}


def test_a_flavour_of_the_catalog_is_ovhclouds(tmp_path: Path) -> None:
    side = after(plan(machine("l4-90")), tmp_path)
    assert (side.cloud, side.monthly.expected) == ("ovh", MONTH)


def test_at_ovhcloud_a_new_flavour_of_a_gpu_family_counts(tmp_path: Path) -> None:
    assert after(plan(machine("h200-3000"), **AT_OVH), tmp_path).cloud == "ovh"


@pytest.mark.parametrize(
    ("name", "gpu", "count"),
    [
        pytest.param("g1.2xa100.large", "A100-40GB", 2, id="two of a kind"),
        pytest.param("gpu.small", "GPU", 1, id="of some kind"),
        pytest.param("c32-vgpu", "GPU", 1, id="a part of one"),
        pytest.param("gpu.a100.large", "A100-40GB", 1, id="a model beside the word"),
        pytest.param("gpu-4xa100-80g", "A100-80GB", 4, id="a model with its memory"),
        pytest.param("ml_H100_80", "H100-80GB", 1, id="in capitals"),
    ],
)
def test_flavours_of_private_clouds_tell_gpus_by_their_names(name: str, gpu: str, count: int, tmp_path: Path) -> None:
    result = report(plan(machine(name)), tmp_path)
    side = result.resources[0].after
    assert side is not None
    assert side.pools[0].gpu is not None
    assert (side.cloud, side.pools[0].gpu.model, side.gpus.expected, side.monthly.expected) == (
        "openstack",
        gpu,
        count,
        None,
    )


@pytest.mark.parametrize(
    "name",
    [
        "m1.large",
        "t2-small",
        "c2.xlarge",
        "a10-medium",
        "b3-8",
        "l4.tiny",
        "gpuless",
        "v100000",
        ID,
        "",
        None,
        "x" * 9999,
    ],
)
def test_other_flavours_are_passed_over(name: str | None, tmp_path: Path) -> None:
    result = report(plan(machine(name)), tmp_path)
    assert (result.resources, codes(result)) == ((), set())


def test_a_flavours_id_is_looked_up(tmp_path: Path) -> None:
    block = data("data.openstack_compute_flavor_v2.x", {"id": ID, "flavor_id": ID, "name": "t2-45"})
    assert after(plan(machine(None, flavor_id=ID), block), tmp_path).pools[0].sku == "t2-45"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param({}, (1, 1, 1), id="one node"),
        pytest.param({"node_count": 3}, (3, 3, 3), id="so many"),
        pytest.param({"node_count": 1, "min_node_count": 0, "max_node_count": 4}, (0, 1, 4), id="bounds"),
    ],
)
def test_sizes_of_magnum_node_groups(values: Json, expected: tuple[int, ...], tmp_path: Path) -> None:
    block = resource("openstack_containerinfra_nodegroup_v1.g", {"flavor_id": "gpu.small", **values})
    assert sizes(after(plan(block), tmp_path)) == expected


@pytest.mark.parametrize(("own", "expected"), [("m1.large", None), ("gpu.large", "gpu.large")])
def test_a_magnum_clusters_own_flavour_goes_before_its_templates(
    own: str, expected: str | None, tmp_path: Path
) -> None:
    blocks = [
        resource(
            "openstack_containerinfra_cluster_v1.c",
            {"flavor": own, "node_count": 2},
            unknown={"cluster_template_id": True},
            expressions={"cluster_template_id": ref("openstack_containerinfra_clustertemplate_v1.t.id")},
        ),
        resource("openstack_containerinfra_clustertemplate_v1.t", {"flavor": "gpu.small"}, unknown={"id": True}),
    ]
    resources = report(plan(*blocks), tmp_path).resources
    assert [each.after.pools[0].sku for each in resources if each.after] == ([expected] if expected else [])
