"""Capacity reservations, dedicated hosts, and the machines that run in them.

Unit prices used here, West Europe an hour (the catalog's tables): Standard_NC4as_T4_v3 0.658 (Windows 0.842);
an NVasv4-Type1 host 8.97, NVsv3-Type1 6.27, NVadsA10v5-Type1 9.324, NDasrA100v4-Type1 38.893.
"""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gpuguard.model.report import Report, State
from tests.extract.plans import Block, Json, after, codes, const, plan, ref, report, resource

T4 = "Standard_NC4as_T4_v3"
LOCATION = {"location": "westeurope", "resource_group_name": "ml"}
GROUP = resource("azurerm_capacity_reservation_group.g", {"name": "g", **LOCATION}, unknown={"id": True})


def reservation(capacity: object = 2, size: object = T4, zone: str | None = None, name: str = "r") -> Block:
    return resource(
        f"azurerm_capacity_reservation.{name}",
        {"name": name, "zone": zone, "sku": [{"name": size, "capacity": capacity}]},
        unknown={"id": True, "capacity_reservation_group_id": True},
        expressions={"capacity_reservation_group_id": ref("azurerm_capacity_reservation_group.g.id")},
    )


def user(address: str, known: Json | None = None, **values: Any) -> Block:
    """A resource that names the group."""
    group = "capacity_reservation_group_id"
    own = {**LOCATION, **values}
    if known is not None:
        return resource(address, {**own, **known}, unknown={"id": True})
    return resource(
        address,
        own,
        unknown={"id": True, group: True},
        expressions={group: ref("azurerm_capacity_reservation_group.g.id")},
    )


def machine(name: str, **values: Any) -> Block:
    return user(f"azurerm_linux_virtual_machine.{name}", **{"size": T4, **values})


def scale_set(instances: int, **values: Any) -> Block:
    return user("azurerm_linux_virtual_machine_scale_set.s", **{"sku": T4, "instances": instances, **values})


def parts(side: State) -> list[tuple[str | None, float | None]]:
    """Who covers each pool, and how many of it are expected."""
    return [(each.covered_by, each.units.expected) for each in side.pools]


def state(result: Report, address: str) -> State:
    found = next(each for each in result.resources if each.address == address).after
    assert found is not None
    return found


R = "azurerm_capacity_reservation.r"


def test_a_reservation_is_paid_for_used_or_not(tmp_path: Path) -> None:
    side = after(plan(GROUP, reservation(3)), tmp_path)
    assert side.pools[0].purchase_model == "capacity_reservation"
    assert (side.region, side.gpus.expected, side.monthly.expected) == ("westeurope", 3, Decimal("0.658") * 2190)


@pytest.mark.parametrize(
    ("capacity", "size", "gpus"),
    [(0, T4, 0), ("2", T4, 2), (None, T4, 0), (2, "standard_nc4as_t4_v3", 2)],
)
def test_sizes_of_reservations(capacity: object, size: str, gpus: int, tmp_path: Path) -> None:
    assert after(plan(GROUP, reservation(capacity, size)), tmp_path).gpus.expected == gpus


@pytest.mark.parametrize(
    ("blocks", "expected"),
    [
        pytest.param([scale_set(2)], [(R, 2)], id="all of it fits"),
        pytest.param([scale_set(5)], [(R, 2), (None, 3)], id="what exceeds the reservation is billed"),
        pytest.param([scale_set(1)], [(R, 1)], id="less than is reserved"),
        pytest.param([machine("a"), scale_set(2)], [(R, 1), (None, 1)], id="after a machine that came first"),
        pytest.param([scale_set(2, priority="Spot")], [(None, 2)], id="spot machines cannot use it"),
        pytest.param([scale_set(2, sku="Standard_NC8as_T4_v3")], [(None, 2)], id="another size"),
        pytest.param([scale_set(2, sku="STANDARD_NC4AS_T4_V3")], [(R, 2)], id="another spelling of the size"),
    ],
)
def test_machines_of_the_group_use_it(
    blocks: list[Block], expected: list[tuple[str | None, int]], tmp_path: Path
) -> None:
    """Azure lets more run than are reserved, and bills those on their own."""
    result = report(plan(GROUP, reservation(2), *blocks), tmp_path)
    side = state(result, "azurerm_linux_virtual_machine_scale_set.s")
    assert parts(side) == expected
    billed = sum(count for covered, count in expected if covered is None)
    if "spot" not in {each.purchase_model for each in side.pools} and side.pools[0].sku == T4:
        assert side.monthly.expected == Decimal("0.658") * 730 * billed
        assert result.summary.gpus_after == 2 + billed


@pytest.mark.parametrize(
    ("zone", "zones", "fits"),
    [("1", ["1"], True), ("1", ["2"], False), ("1", ["1", "2"], True), (None, ["1"], True), ("1", None, True)],
)
def test_zones_must_match(zone: str | None, zones: list[str] | None, fits: bool, tmp_path: Path) -> None:
    result = report(plan(GROUP, reservation(2, zone=zone), scale_set(2, zones=zones)), tmp_path)
    side = state(result, "azurerm_linux_virtual_machine_scale_set.s")
    assert (side.pools[0].covered_by == R) == fits
    assert ("reservation-does-not-fit" in codes(result)) == (not fits)


def test_several_reservations_of_a_group_fill_up_one_after_another(tmp_path: Path) -> None:
    """One a zone: a group has one reservation for each size and zone."""
    blocks = [reservation(1, zone="1"), reservation(2, zone="2", name="q"), scale_set(4, zones=["1", "2"])]
    side = state(report(plan(GROUP, *blocks), tmp_path), "azurerm_linux_virtual_machine_scale_set.s")
    assert parts(side) == [(R, 1), ("azurerm_capacity_reservation.q", 2), (None, 1)]


def test_bounds_are_covered_each_for_itself(tmp_path: Path) -> None:
    """Of 1 to 6 machines, 2 now, two are covered at most."""
    limits = {"capacity": [{"minimum": 1, "default": 2, "maximum": 6}]}
    setting = resource(
        "azurerm_monitor_autoscale_setting.a",
        {"profile": [limits]},
        unknown={"target_resource_id": True},
        expressions={"target_resource_id": ref("azurerm_linux_virtual_machine_scale_set.s.id")},
    )
    result = report(plan(GROUP, reservation(2), scale_set(2), setting), tmp_path)
    side = state(result, "azurerm_linux_virtual_machine_scale_set.s")
    sizes = [(each.units.min, each.units.expected, each.units.max) for each in side.pools]
    assert sizes == [(1, 2, 2), (0, 0, 4)]
    assert (side.monthly.expected, side.monthly.max) == (Decimal(0), Decimal("0.658") * 730 * 4)


@pytest.mark.parametrize(
    "block",
    [
        user("azurerm_windows_virtual_machine.u", size=T4, license_type="Windows_Server"),
        user("azurerm_orchestrated_virtual_machine_scale_set.u", sku_name=T4, instances=1),
        user("azurerm_windows_virtual_machine_scale_set.u", sku=T4, instances=1, license_type="Windows_Server"),
        user("azurerm_kubernetes_cluster_node_pool.u", vm_size=T4, node_count=1, os_disk_type="Ephemeral"),
    ],
    ids=lambda block: block.address,
)
def test_every_type_that_can_name_a_group_uses_it(block: Block, tmp_path: Path) -> None:
    result = report(plan(GROUP, reservation(2), block), tmp_path)
    assert parts(state(result, block.address)) == [(R, 1)]
    assert result.summary.monthly_after == Decimal("0.658") * 1460


def test_the_default_pool_of_a_cluster_uses_it(tmp_path: Path) -> None:
    """The group is named inside the block."""
    pool = {"name": "gpu", "vm_size": T4, "node_count": 3, "os_disk_type": "Ephemeral"}
    block = resource(
        "azurerm_kubernetes_cluster.c",
        {"name": "c", **LOCATION, "default_node_pool": [pool]},
        unknown={"id": True, "default_node_pool": [{"capacity_reservation_group_id": True}]},
        expressions={
            "default_node_pool": [{"capacity_reservation_group_id": ref("azurerm_capacity_reservation_group.g.id")}]
        },
    )
    result = report(plan(GROUP, reservation(2), block), tmp_path)
    assert parts(state(result, "azurerm_kubernetes_cluster.c")) == [(R, 2), (None, 1)]


def test_a_group_outside_the_plan_is_told_and_the_machine_priced(tmp_path: Path) -> None:
    """Whether it has room is not known: the figure errs high."""
    known = {
        "capacity_reservation_group_id": "/subscriptions/0/resourceGroups/x/providers/Microsoft.Compute/capacityReservationGroups/g"
    }
    block = user("azurerm_linux_virtual_machine.a", known, size=T4)
    result = report(plan(block), tmp_path)
    assert parts(state(result, block.address)) == [(None, 1)]
    assert "reservation-elsewhere" in codes(result)


def test_reservations_made_earlier_cover_by_their_ids(tmp_path: Path) -> None:
    """After the first apply ids are known, and nothing changes."""
    group_id = "/subscriptions/0/resourceGroups/ml/providers/Microsoft.Compute/capacityReservationGroups/g"
    group = resource("azurerm_capacity_reservation_group.g", {"id": group_id, "name": "g", **LOCATION})
    values = {"name": "r", "capacity_reservation_group_id": group_id, "sku": [{"name": T4, "capacity": 1}]}
    kept = resource(R, values, before=values, expressions={"capacity_reservation_group_id": const(group_id)})
    result = report(plan(group, kept, machine("a", capacity_reservation_group_id=group_id)), tmp_path)
    assert parts(state(result, "azurerm_linux_virtual_machine.a")) == [(R, 1)]


A100 = "Standard_NC24ads_A100_v4"


def group_of(key: str, size: str) -> list[Block]:
    """A group and what it reserves, made by one module for each key."""
    name = f'module.c.azurerm_capacity_reservation_group.g["{key}"]'
    return [
        resource(name, {"name": key, **LOCATION}, unknown={"id": True}),
        resource(
            f'module.c.azurerm_capacity_reservation.r["{key}"]',
            {"name": key, "sku": [{"name": size, "capacity": 1}]},
            unknown={"id": True, "capacity_reservation_group_id": True},
            expressions={
                "capacity_reservation_group_id": ref("azurerm_capacity_reservation_group.g", "each.key"),
            },
        ),
    ]


@pytest.mark.parametrize(("size", "covered"), [(A100, 'module.c.azurerm_capacity_reservation.r["big"]'), (T4, None)])
def test_of_several_groups_it_names_the_one_that_reserves_its_size(
    size: str, covered: str | None, tmp_path: Path
) -> None:
    """``module.c.ids[each.value]`` leads to all groups of the module."""
    user = resource(
        'azurerm_linux_virtual_machine.vm["x"]',
        {"size": size, **LOCATION},
        unknown={"id": True, "capacity_reservation_group_id": True},
        expressions={"capacity_reservation_group_id": ref("module.c.ids", "each.value")},
    )
    outputs = {"ids": {"expression": ref("azurerm_capacity_reservation_group.g")}}
    document = plan(
        *group_of("big", A100), *group_of("other", "Standard_NC40ads_H100_v5"), user, calls={"c": {"outputs": outputs}}
    )
    result = report(document, tmp_path)
    assert parts(state(result, user.address)) == [(covered, 1)]
    assert ("assumed-reservation" in codes(result)) == (covered is not None)
    assert ("reservation-elsewhere" in codes(result)) == (covered is None)


def test_a_pool_of_a_module_whose_local_hides_the_group_uses_it(tmp_path: Path) -> None:
    """Modules of AKS take the pools as a map of objects; the group is among what they are given."""
    group = "capacity_reservation_group_id"
    pool = resource(
        'module.aks.azurerm_kubernetes_cluster_node_pool.p["train"]',
        {"vm_size": T4, "node_count": 3},
        unknown={"id": True, group: True},
        expressions={group: {"references": ["each.value.capacity_reservation_group_id", "each.value"]}},
    )
    calls = {
        "aks": {
            "expressions": {"node_pools": ref("azurerm_capacity_reservation_group.g.id")},
            "variables": {"node_pools": {}},
        }
    }
    result = report(plan(GROUP, reservation(2), pool, calls=calls), tmp_path)
    assert parts(state(result, pool.address)) == [("azurerm_capacity_reservation.r", 2), (None, 1)]


def test_disks_and_licences_of_covered_machines_are_told(tmp_path: Path) -> None:
    disk = {"storage_account_type": "Premium_LRS", "disk_size_gb": 128}
    assert "covered-extras" in codes(report(plan(GROUP, reservation(2), machine("a", os_disk=[disk])), tmp_path))
    assert "covered-extras" not in codes(report(plan(GROUP, reservation(2), machine("a")), tmp_path))


# -- dedicated hosts --------------------------------------------------------------------------------------------------------

HOST_GROUP = resource("azurerm_dedicated_host_group.h", {"name": "h", **LOCATION}, unknown={"id": True})


def host(sku: object = "NVASv4-Type1", **values: Any) -> Block:
    return resource(
        "azurerm_dedicated_host.h",
        {"name": "h", "location": "westeurope", "sku_name": sku, **values},
        unknown={"id": True, "dedicated_host_group_id": True},
        expressions={"dedicated_host_group_id": ref("azurerm_dedicated_host_group.h.id")},
    )


@pytest.mark.parametrize(
    ("sku", "model", "gpus", "hourly"),
    [
        ("NVASv4-Type1", "MI25", 4, "8.97"),
        ("NVSv3-Type1", "M60", 4, "6.27"),
        ("nvsv3-type1", "M60", 4, "6.27"),
        ("NVadsA10v5-Type1", "A10", 2, "9.324"),
        ("NDasrA100v4-Type1", "A100-40GB", 8, "38.893"),
    ],
)
def test_a_host_is_billed_as_a_whole(sku: str, model: str, gpus: int, hourly: str, tmp_path: Path) -> None:
    side = after(plan(HOST_GROUP, host(sku)), tmp_path)
    assert side.pools[0].gpu is not None
    assert (side.pools[0].gpu.model, side.gpus.expected) == (model, gpus)
    assert side.monthly.expected == Decimal(hourly) * 730


@pytest.mark.parametrize("sku", ["DSv3-Type3", "ESv5-Type1", "FXmds-Type1", "LSv3-Type1", "MSv2-Type1", None, ""])
def test_hosts_without_gpus_stay_silent(sku: str | None, tmp_path: Path) -> None:
    result = report(plan(HOST_GROUP, host(sku)), tmp_path)
    assert (result.resources, codes(result)) == ((), set())


def test_a_host_of_an_unknown_gpu_family_is_told(tmp_path: Path) -> None:
    """A name of the N series that is not known here."""
    assert "unknown-machine-type" in codes(report(plan(HOST_GROUP, host("NCadsH100v5-Type1")), tmp_path))


@pytest.mark.parametrize(
    ("attribute", "target"),
    [
        ("dedicated_host_id", "azurerm_dedicated_host.h.id"),
        ("dedicated_host_group_id", "azurerm_dedicated_host_group.h.id"),
    ],
)
def test_machines_on_a_host_cost_no_compute(attribute: str, target: str, tmp_path: Path) -> None:
    """Placed by name, or by Azure on any host of the group."""
    block = resource(
        "azurerm_linux_virtual_machine.a",
        {"size": "Standard_NV4as_v4", **LOCATION},
        unknown={"id": True, attribute: True},
        expressions={attribute: ref(target)},
    )
    result = report(plan(HOST_GROUP, host(), block), tmp_path)
    side = state(result, block.address)
    assert (parts(side), side.monthly.expected) == ([("azurerm_dedicated_host.h", 1)], Decimal(0))
    assert result.summary.gpus_after == 4


def test_a_host_outside_the_plan_pays_too(tmp_path: Path) -> None:
    """No machine on a dedicated host is billed on its own, wherever the host is described."""
    host_id = "/subscriptions/0/resourceGroups/x/providers/Microsoft.Compute/hostGroups/g/hosts/h"
    block = resource(
        "azurerm_linux_virtual_machine.a", {"size": "Standard_NV4as_v4", "dedicated_host_id": host_id, **LOCATION}
    )
    side = after(plan(block), tmp_path)
    assert (parts(side), side.monthly.expected) == ([(host_id, 1)], Decimal(0))


@pytest.mark.parametrize("attribute", ["dedicated_host_id", "dedicated_host_group_id", "capacity_reservation_group_id"])
def test_an_empty_id_names_nothing(attribute: str, tmp_path: Path) -> None:
    """A state has "" for what is not set."""
    values = {"size": T4, attribute: "", **LOCATION}
    result = report(plan(resource("azurerm_linux_virtual_machine.a", values, before=values)), tmp_path)
    assert (parts(state(result, "azurerm_linux_virtual_machine.a")), codes(result)) == ([(None, 1)], set())


def test_a_host_that_only_apply_can_tell_covers_nothing(tmp_path: Path) -> None:
    """It may as well be null: the figure errs high, and says so."""
    block = resource(
        "azurerm_linux_virtual_machine.a",
        {"size": T4, **LOCATION},
        unknown={"id": True, "dedicated_host_id": True},
        expressions={"dedicated_host_id": ref("random_pet.p.id")},
    )
    result = report(plan(block, resource("random_pet.p", {}, unknown={"id": True})), tmp_path)
    assert parts(state(result, block.address)) == [(None, 1)]
    assert "host-elsewhere" in codes(result)
