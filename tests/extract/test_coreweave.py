"""CoreWeave: inference deployments and capacity claims.

Unit prices used here (the catalog's tables, the same in North America and Europe): gd-8xh100ib-i128 49.24 an hour, b200-8x 68.8.
"""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gpuguard.extract.providers.coreweave import area
from gpuguard.model.report import State
from tests.extract.plans import Block, Json, after, codes, plan, ref, report, resource

MONTH = Decimal(730)
H100 = "gd-8xh100ib-i128"


def deployment(gpus: object = 8, scaling: Json | None = None, unknown: Json | None = None, **values: Any) -> Block:
    own: Json = {
        "resources": {"instance_type": H100, "gpu_count": gpus},
        "autoscaling": {"min": 1, "max": 1} if scaling is None else scaling,
        **values,
    }
    return resource("coreweave_inference_deployment.d", own, unknown={"id": True, **(unknown or {})})


def claim(kind: str = "CAPACITY_TYPE_MANAGED", zones: object = ("US-EAST-04A",), count: object = 2) -> Block:
    resources = {"instance_type": "b200-8x", "instance_count": count, "capacity_type": kind, "zones": zones}
    return resource("coreweave_inference_capacity_claim.c", {"resources": resources}, unknown={"id": True})


def sizes(side: State) -> tuple[float | None, ...]:
    units = side.pools[0].units
    return units.min, units.expected, units.max


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("US-EAST-04A", "North America"),
        ("CA-EAST-01A", "North America"),
        ("EU-SOUTH-04A", "Europe"),
        ("XX-1", None),
        ("", None),
        (None, None),
    ],
)
def test_zones_lie_in_price_areas(zone: str | None, expected: str | None) -> None:
    assert area(zone) == expected


@pytest.mark.parametrize(("gpus", "share"), [(8, 1), (4, 2), (2, 4), (1, 8)])
def test_a_replica_costs_its_share_of_the_machine(gpus: int, share: int, tmp_path: Path) -> None:
    """CoreWeave Inference: billing is by the GPU-hour."""
    side = after(plan(deployment(gpus)), tmp_path)
    assert side.pools[0].gpu is not None
    assert (side.pools[0].gpu.per_unit, side.monthly.expected) == (gpus, Decimal("49.24") * MONTH / share)


def test_a_deployment_starts_with_its_minimum(tmp_path: Path) -> None:
    side = after(plan(deployment(1, {"min": 2, "max": 6})), tmp_path)
    assert (sizes(side), side.gpus.max) == ((2, 2, 6), 6)


def test_a_disabled_deployment_costs_nothing(tmp_path: Path) -> None:
    result = report(plan(deployment(disabled=True)), tmp_path)
    assert result.summary.monthly_max_after == 0
    assert "disabled" in codes(result)


def test_a_deployment_is_where_its_gateways_are(tmp_path: Path) -> None:
    gateway = resource("coreweave_inference_gateway.g", {"zones": ["EU-SOUTH-04A"]}, unknown={"id": True})
    block = resource(
        "coreweave_inference_deployment.d",
        {"resources": {"instance_type": H100, "gpu_count": 8}, "autoscaling": {"min": 1, "max": 1}},
        unknown={"gateway_ids": True},
        expressions={"gateway_ids": ref("coreweave_inference_gateway.g.id")},
    )
    assert after(plan(block, gateway), tmp_path).region == "Europe"


def test_an_instance_type_that_is_no_node_type_is_reported_without_a_price(tmp_path: Path) -> None:
    block = deployment(resources={"instance_type": "H100_80GB_SXM5", "gpu_count": 2})
    result = report(plan(block), tmp_path)
    side = result.resources[0].after
    assert side is not None
    assert side.pools[0].gpu is not None
    assert (side.pools[0].gpu.per_unit, side.monthly.expected, result.summary.unpriced) == (2, None, 1)


def test_a_number_of_gpus_that_only_apply_can_tell_is_unknown(tmp_path: Path) -> None:
    block = resource(
        "coreweave_inference_deployment.d",
        {"resources": {"instance_type": H100}, "autoscaling": {"min": 1, "max": 1}},
        unknown={"resources": {"gpu_count": True}},
        expressions={"resources": {"gpu_count": ref("terraform_data.x.output")}},
    )
    result = report(plan(block, resource("terraform_data.x", {}, unknown={"output": True})), tmp_path)
    assert "unknown-accelerator" in codes(result)


def test_a_claim_is_paid_for_used_or_not(tmp_path: Path) -> None:
    side = after(plan(claim()), tmp_path)
    assert (side.region, side.pools[0].purchase_model, side.monthly.expected) == (
        "North America",
        "capacity_reservation",
        2 * Decimal("68.8") * MONTH,
    )


def test_a_claim_on_the_customers_own_nodes_costs_nothing_more(tmp_path: Path) -> None:
    result = report(plan(claim("CAPACITY_TYPE_CUSTOMER")), tmp_path)
    assert result.summary.monthly_after == 0
    assert "own-capacity" in codes(result)


@pytest.mark.parametrize(
    ("zones", "region"),
    [(["US-EAST-04A", "US-WEST-09B"], "North America"), (["US-EAST-04A", "EU-SOUTH-04A"], None), ([], None), (7, None)],
)
def test_a_claim_over_two_areas_has_no_region(zones: object, region: str | None, tmp_path: Path) -> None:
    assert after(plan(claim(zones=zones)), tmp_path).region == region


def test_a_cluster_has_no_nodes_by_itself(tmp_path: Path) -> None:
    block = resource("coreweave_cks_cluster.c", {"name": "ml", "zone": "US-EAST-04A", "version": "v1.35"})
    assert report(plan(block), tmp_path).resources == ()
