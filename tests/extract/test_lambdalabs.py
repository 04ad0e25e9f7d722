"""Lambda: instances. Unit prices used here, the same in all regions: gpu_1x_a10 1.29 an hour, gpu_8x_h100_sxm5 31.92."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.extract.plans import Block, after, codes, plan, ref, report, resource

MONTH = Decimal(730)


def instance(**values: Any) -> Block:
    own = {"instance_type_name": "gpu_1x_a10", "region_name": "us-west-1", **values}
    return resource("lambdalabs_instance.vm", own, unknown={"id": True, "ip": True})


@pytest.mark.parametrize(("name", "hourly"), [("gpu_1x_a10", "1.29"), ("gpu_8x_h100_sxm5", "31.92")])
def test_an_instance_costs_its_type(name: str, hourly: str, tmp_path: Path) -> None:
    side = after(plan(instance(instance_type_name=name)), tmp_path)
    assert (side.region, side.pools[0].sku, side.monthly.expected) == ("us-west-1", name, Decimal(hourly) * MONTH)


def test_a_new_gpu_type_is_reported_without_a_price(tmp_path: Path) -> None:
    result = report(plan(instance(instance_type_name="gpu_8x_b300")), tmp_path)
    assert (result.summary.unpriced, result.resources[0].after and result.resources[0].after.pools[0].sku) == (
        1,
        "gpu_8x_b300",
    )


def test_a_machine_without_gpus_is_not_reported(tmp_path: Path) -> None:
    assert report(plan(instance(instance_type_name="cpu_4x_general")), tmp_path).resources == ()


@pytest.mark.parametrize("value", [None, ""])
def test_without_a_type_nothing_is_reported(value: str | None, tmp_path: Path) -> None:
    assert report(plan(instance(instance_type_name=value)), tmp_path).resources == ()


def test_a_type_that_only_apply_can_tell_is_unknown(tmp_path: Path) -> None:
    blocks = [
        resource(
            "lambdalabs_instance.vm",
            {"region_name": "us-west-1"},
            unknown={"instance_type_name": True},
            expressions={"instance_type_name": ref("terraform_data.x.output")},
        ),
        resource("terraform_data.x", {}, unknown={"output": True}),
    ]
    assert "unknown-machine-type" in codes(report(plan(*blocks), tmp_path))


def test_a_number_for_a_type_is_told(tmp_path: Path) -> None:
    assert "unreadable-value" in codes(report(plan(instance(instance_type_name=8)), tmp_path))


def test_without_a_region_the_price_stands(tmp_path: Path) -> None:
    side = after(plan(instance(region_name=None)), tmp_path)
    assert (side.region, side.monthly.expected) == (None, Decimal("1.29") * MONTH)
