"""Nebius: what is read from instances and node groups.

Unit prices used here (the catalog's tables): gpu-h100-sxm with one GPU in eu-north1 4.5 an hour, 2.15 preemptible; with eight 36;
gpu-l40s-a with 8 vCPUs 1.5484, with 40 vCPUs 2.342.
"""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gpuguard.extract.providers.nebius import region_of_id
from gpuguard.model.report import State
from tests.extract.plans import Block, Json, after, codes, found, plan, ref, report, resource

MONTH = Decimal(730)
ONE: Json = {"platform": "gpu-h100-sxm", "preset": "1gpu-16vcpu-200gb"}
PROJECT = "project-e00acme"


def instance(
    resources: Json | None = None, unknown: Json | None = None, expressions: Json | None = None, **values: Any
) -> Block:
    own = {"parent_id": PROJECT, "resources": ONE if resources is None else resources, **values}
    return resource(
        "nebius_compute_v1_instance.vm", own, unknown={"id": True, **(unknown or {})}, expressions=expressions
    )


def group(template: Json | None = None, **values: Any) -> Block:
    own = {"parent_id": "mk8scluster-e00acme", "template": {"resources": ONE, **(template or {})}, **values}
    return resource("nebius_mk8s_v1_node_group.g", own, unknown={"id": True})


def sizes(side: State) -> tuple[float | None, ...]:
    units = side.pools[0].units
    return units.min, units.expected, units.max


@pytest.mark.parametrize(
    ("name", "region"),
    [
        ("project-e00abc", "eu-north1"),
        ("mk8scluster-u00xyz123", "us-central1"),
        ("project-e03abc", "uk-south1"),
        ("project-z99abc", None),
        ("tenant-e00abc", None),
        ("project", None),
        ("", None),
        (None, None),
        ("project-e00" + "x" * 5000, None),
    ],
)
def test_ids_tell_the_region_by_their_routing_code(name: str | None, region: str | None) -> None:
    """Tenants are in no region."""
    assert region_of_id(name) == region


def test_a_machine_is_its_platform_and_preset(tmp_path: Path) -> None:
    side = after(plan(instance()), tmp_path)
    assert (side.region, side.pools[0].sku, side.monthly.expected) == (
        "eu-north1",
        "gpu-h100-sxm_1gpu-16vcpu-200gb",
        Decimal("4.5") * MONTH,
    )


@pytest.mark.parametrize(
    ("values", "model", "hourly"),
    [
        pytest.param({}, "on_demand", "4.5", id="regular"),
        pytest.param({"preemptible": None}, "on_demand", "4.5", id="not set"),
        pytest.param({"preemptible": {"on_preemption": "STOP"}}, "spot", "2.15", id="preemptible"),
    ],
)
def test_preemptible_machines_are_spot(values: Json, model: str, hourly: str, tmp_path: Path) -> None:
    side = after(plan(instance(**values)), tmp_path)
    assert (side.pools[0].purchase_model, side.monthly.expected) == (model, Decimal(hourly) * MONTH)


def test_a_stopped_machine_costs_its_disks_alone(tmp_path: Path) -> None:
    side = after(plan(instance(stopped=True)), tmp_path)
    assert side.pools[0].hours_per_month == 0
    assert side.monthly.max == 0


@pytest.mark.parametrize(
    "resources",
    [
        {"platform": "cpu-e2", "preset": "2vcpu-8gb"},
        {"platform": "cpu-d3", "preset": None},
        {"platform": None, "preset": "8gpu-128vcpu-1600gb"},
        {},
    ],
)
def test_machines_without_gpus_are_not_reported(resources: Json, tmp_path: Path) -> None:
    result = report(plan(instance(resources)), tmp_path)
    assert (result.resources, codes(result)) == ((), set())


def test_without_a_known_preset_the_dearest_of_the_platform_counts(tmp_path: Path) -> None:
    """Only apply can tell which."""
    block = instance(
        {"platform": "gpu-l40s-a"},
        unknown={"resources": {"preset": True}},
        expressions={"resources": {"preset": ref("random_shuffle.x.result")}},
    )
    side = after(
        plan(block, resource("random_shuffle.x", {}, unknown={"result": True})),
        tmp_path,
        "nebius_compute_v1_instance.vm",
    )
    assert side.pools[0].sku == "gpu-l40s-a_1gpu-40vcpu-160gb"
    assert side.monthly.expected == Decimal("2.342") * MONTH
    assert len(side.pools[0].candidates) == 4


def test_a_platform_that_only_apply_can_tell_is_unknown(tmp_path: Path) -> None:
    block = instance(
        {"preset": "1gpu-16vcpu-200gb"},
        unknown={"resources": {"platform": True}},
        expressions={"resources": {"platform": ref("terraform_data.x.output")}},
    )
    result = report(plan(block, resource("terraform_data.x", {}, unknown={"output": True})), tmp_path)
    assert "unknown-machine-type" in codes(result)


@pytest.mark.parametrize(
    ("disk", "gib"),
    [
        pytest.param({"size_gibibytes": 100}, 100, id="GiB"),
        pytest.param({"size_mebibytes": 102400}, 100, id="MiB"),
        pytest.param({"size_bytes": 107374182400}, 100, id="bytes"),
        pytest.param({"size_bytes": -5}, None, id="negative"),
        pytest.param({"size_gibibytes": "100"}, None, id="a text"),
        pytest.param({}, None, id="as big as the image"),
    ],
)
def test_disks_are_measured_in_any_unit(disk: Json, gib: int | None, tmp_path: Path) -> None:
    boot = {"managed_disk": {"name": "boot", "spec": {"type": "NETWORK_SSD", **disk}}}
    side = after(plan(instance(boot_disk=boot)), tmp_path)
    assert [each.quantity for each in side.components if each.kind == "storage"] == ([] if gib is None else [gib])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param({"fixed_node_count": 3}, (3, 3, 3), id="fixed"),
        pytest.param({"fixed_node_count": 0}, (0, 0, 0), id="none"),
        pytest.param({"autoscaling": {"min_node_count": 1, "max_node_count": 8}}, (1, 1, 8), id="bounds"),
        pytest.param({"autoscaling": {"max_node_count": 8}}, (0, 0, 8), id="no minimum"),
        pytest.param({"autoscaling": {"min_node_count": 2}}, (2, 2, None), id="no maximum"),
    ],
)
def test_sizes_of_node_groups(values: Json, expected: tuple[int | None, ...], tmp_path: Path) -> None:
    result = report(plan(group(**values)), tmp_path)
    assert result.resources[0].after is not None
    assert sizes(result.resources[0].after) == expected
    assert ("unbounded-autoscaling" in codes(result)) == (expected[2] is None)


def test_an_empty_preemptible_block_makes_a_group_preemptible(tmp_path: Path) -> None:
    side = after(plan(group({"preemptible": {}}, fixed_node_count=1)), tmp_path)
    assert side.pools[0].purchase_model == "spot"


@pytest.mark.parametrize(
    ("policy", "told"),
    [({"policy": "AUTO"}, True), ({"policy": "STRICT"}, True), ({"policy": "FORBID"}, False), (None, False)],
)
def test_what_may_run_in_a_capacity_block_is_told(policy: Json | None, told: bool, tmp_path: Path) -> None:
    result = report(plan(instance(reservation_policy=policy)), tmp_path)
    assert ("may-use-reservation" in codes(result)) == told


def test_labels_are_tags(tmp_path: Path) -> None:
    assert found(plan(instance(labels={"team": "ml"})), tmp_path)["nebius_compute_v1_instance.vm"].tags == {
        "team": "ml"
    }
