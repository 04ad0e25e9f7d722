"""Crusoe: instances, templates, groups, node pools.

Unit prices used here (the catalog's tables, the same everywhere): h100-80gb-sxm-ib.8x 31.2 an hour, a100-80gb.1x 2, l40s-48gb.4x 6.
"""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gpuguard.extract.providers.crusoe import gibibytes
from tests.extract.plans import Block, after, codes, found, plan, ref, report, resource

MONTH = Decimal(730)
H100 = "h100-80gb-sxm-ib.8x"


def instance(**values: Any) -> Block:
    own = {"name": "vm", "type": "a100-80gb.1x", "location": "us-east1-a", **values}
    return resource("crusoe_compute_instance.vm", own, unknown={"id": True})


def template(name: str = "t", kind: str = H100, location: str | None = "us-east1-a", **values: Any) -> Block:
    own = {"name": name, "type": kind, "location": location, **values}
    return resource(f"crusoe_instance_template.{name}", own, unknown={"id": True})


def group(count: object = 3, of: str = "t") -> Block:
    return resource(
        "crusoe_compute_instance_group.g",
        {"name": "g", "desired_count": count},
        unknown={"id": True, "instance_template_id": True},
        expressions={"instance_template_id": ref(f"crusoe_instance_template.{of}.id")},
    )


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("100GiB", 100),
        ("1TiB", 1024),
        (" 10GiB ", 10),
        ("10GB", None),
        ("GiB", None),
        ("-1GiB", None),
        ("", None),
        (None, None),
        ("9" * 99, None),
    ],
)
def test_sizes_are_texts_with_a_unit(text: str | None, size: int | None) -> None:
    assert gibibytes(text) == size


def test_an_instance_costs_its_type_wherever_it_is(tmp_path: Path) -> None:
    side = after(plan(instance()), tmp_path)
    assert (side.region, side.monthly.expected) == ("us-east1-a", 2 * MONTH)


@pytest.mark.parametrize("kind", ["c1a.2x", "s1a.40x", "c2a.176x"])
def test_machines_without_gpus_are_not_reported(kind: str, tmp_path: Path) -> None:
    result = report(plan(instance(type=kind)), tmp_path)
    assert (result.resources, codes(result)) == ((), set())


@pytest.mark.parametrize(("identity", "told"), [("5a1e", True), ("", False), (None, False)])
def test_an_instance_in_a_reservation_is_priced_on_demand_and_told(
    identity: str | None, told: bool, tmp_path: Path
) -> None:
    result = report(plan(instance(reservation_id=identity)), tmp_path)
    assert result.summary.monthly_after == 2 * MONTH
    assert ("may-use-reservation" in codes(result)) == told


def test_disks_of_their_own_count_shared_volumes_do_not(tmp_path: Path) -> None:
    blocks = [
        resource(
            "crusoe_compute_instance.vm",
            {
                "type": "a100-80gb.1x",
                "location": "us-east1-a",
                "disks": [{"mode": "read-write"}, {"mode": "read-write"}],
            },
            unknown={"id": True, "disks": [{"id": True}, {"id": True}]},
            expressions={"disks": [{"id": ref("crusoe_storage_disk.a.id")}, {"id": ref("crusoe_storage_disk.b.id")}]},
        ),
        resource("crusoe_storage_disk.a", {"size": "1TiB", "type": "persistent-ssd"}, unknown={"id": True}),
        resource("crusoe_storage_disk.b", {"size": "9TiB", "type": "shared-volume"}, unknown={"id": True}),
    ]
    side = after(plan(*blocks), tmp_path)
    assert [(each.sku, each.quantity) for each in side.components if each.kind == "storage"] == [
        ("persistent-ssd", 1024)
    ]


def test_a_group_is_as_many_of_its_template(tmp_path: Path) -> None:
    result = found(plan(group(), template()), tmp_path)["crusoe_compute_instance_group.g"]
    assert result.after is not None
    assert (result.via, result.after.region, result.after.monthly.expected) == (
        ("crusoe_instance_template.t",),
        "us-east1-a",
        3 * Decimal("31.2") * MONTH,
    )


def test_an_instance_by_a_template_is_one_of_it(tmp_path: Path) -> None:
    block = resource(
        "crusoe_compute_instance_by_template.vm",
        {"name_prefix": "vm"},
        unknown={"instance_template": True, "type": True, "location": True},
        expressions={"instance_template": ref("crusoe_instance_template.t.id")},
    )
    side = after(plan(block, template()), tmp_path)
    assert (side.pools[0].sku, side.monthly.expected) == (H100, Decimal("31.2") * MONTH)


def test_what_exists_tells_its_type_itself(tmp_path: Path) -> None:
    """The template may be in another state."""
    values = {"instance_template": "5a1e", "type": H100, "location": "us-east1-a"}
    block = resource("crusoe_compute_instance_by_template.vm", values, before=values)
    assert after(plan(block), tmp_path).pools[0].sku == H100


def test_a_template_elsewhere_is_an_unknown_machine_type(tmp_path: Path) -> None:
    block = resource("crusoe_compute_instance_group.g", {"desired_count": 1, "instance_template_id": "5a1e"})
    assert "unknown-machine-type" in codes(report(plan(block), tmp_path))


def test_an_unused_template_is_told(tmp_path: Path) -> None:
    result = report(plan(template()), tmp_path)
    assert (result.resources, codes(result)) == ((), {"unused-template"})


def test_groups_of_plain_templates_are_not_reported(tmp_path: Path) -> None:
    result = report(plan(group(), template(kind="c1a.2x")), tmp_path)
    assert (result.resources, codes(result)) == ((), set())


@pytest.mark.parametrize(("count", "expected"), [(0, 0), (2, 2), ("2", 2), (-1, None), ("many", None), ([], None)])
def test_sizes_of_node_pools(count: object, expected: int | None, tmp_path: Path) -> None:
    blocks = [
        resource(
            "crusoe_kubernetes_node_pool.p",
            {"type": "l40s-48gb.4x", "instance_count": count},
            unknown={"id": True, "cluster_id": True},
            expressions={"cluster_id": ref("crusoe_kubernetes_cluster.c.id")},
        ),
        resource("crusoe_kubernetes_cluster.c", {"location": "eu-iceland1-a"}, unknown={"id": True}),
    ]
    side = after(plan(*blocks), tmp_path)
    assert (side.region, side.pools[0].units.expected) == ("eu-iceland1-a", expected)


def test_a_size_that_only_apply_can_tell_has_no_total(tmp_path: Path) -> None:
    blocks = [
        resource(
            "crusoe_kubernetes_node_pool.p",
            {"type": "l40s-48gb.4x"},
            unknown={"instance_count": True},
            expressions={"instance_count": ref("random_integer.n.result")},
        ),
        resource("random_integer.n", {}, unknown={"result": True}),
    ]
    assert after(plan(*blocks), tmp_path).monthly.expected is None
