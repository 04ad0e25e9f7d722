"""Azure: what is read from virtual machines, scale sets and AKS node pools.

Unit prices used here, West Europe on demand (the catalog's tables): Standard_NC4as_T4_v3 0.658 an hour (Windows 0.842,
spot 0.457113); disks a month P10 21.68, P15 41.811428, P20 80.54, P30 148.68.
"""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gpuguard.model.report import State
from tests.extract.plans import Block, Json, after, codes, const, data, found, plan, ref, report, resource

T4 = "Standard_NC4as_T4_v3"
LOCATION = {"location": "westeurope", "resource_group_name": "ml"}


def machine(kind: str = "linux", name: str = "vm", **values: Any) -> Block:
    return resource(f"azurerm_{kind}_virtual_machine.{name}", {"size": T4, **LOCATION, **values}, unknown={"id": True})


def units(side: State) -> tuple[float | None, ...]:
    size = side.pools[0].units
    return size.min, size.expected, size.max


def amount(side: State, kind: str) -> Decimal:
    return sum((each.monthly or Decimal(0) for each in side.components if each.kind == kind), Decimal(0))


# -- regions and names ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("location", ["westeurope", "West Europe", "WESTEUROPE", "west europe"])
@pytest.mark.parametrize("size", ["Standard_NC4as_T4_v3", "standard_nc4as_t4_v3", "STANDARD_NC4AS_T4_V3"])
def test_locations_and_sizes_match_in_any_spelling(location: str, size: str, tmp_path: Path) -> None:
    """Azure folds letter case, and locations have display names."""
    side = after(plan(machine(location=location, size=size)), tmp_path)
    assert (side.region, side.pools[0].sku, side.monthly.expected) == ("westeurope", T4, Decimal("480.34"))


NODES: Json = {"name": "gpu", "vm_size": T4, "node_count": 1, "os_disk_type": "Ephemeral"}


def pool(name: str = "gpu", unknown: Json | None = None, expressions: Json | None = None, **values: Any) -> Block:
    own = {**NODES, **values}
    known = "kubernetes_cluster_id" in values
    return resource(
        f"azurerm_kubernetes_cluster_node_pool.{name}",
        own,
        unknown={"id": True, **({} if known else {"kubernetes_cluster_id": True}), **(unknown or {})},
        expressions={"kubernetes_cluster_id": ref("azurerm_kubernetes_cluster.c.id"), **(expressions or {})},
    )


def cluster(**values: Any) -> Block:
    return resource("azurerm_kubernetes_cluster.c", {"name": "c", **LOCATION, **values}, unknown={"id": True})


GROUP = resource("azurerm_resource_group.ml", {"name": "ML", "location": "UK South"}, unknown={"id": True})
CLUSTER_ID = "/subscriptions/0/resourceGroups/ml/providers/Microsoft.ContainerService/managedClusters/shared"


@pytest.mark.parametrize(
    ("blocks", "expected"),
    [
        pytest.param([pool(), cluster(location="North Europe")], "northeurope", id="the cluster's"),
        pytest.param(
            [pool(kubernetes_cluster_id=CLUSTER_ID), GROUP],
            "uksouth",
            id="that of the resource group in the cluster's id",
        ),
        pytest.param(
            [
                pool(kubernetes_cluster_id=CLUSTER_ID, vnet_subnet_id="/subnets/a"),
                resource("azurerm_subnet.a", {"id": "/subnets/a", "virtual_network_name": "net"}),
                resource("azurerm_virtual_network.net", {"name": "net", "location": "swedencentral"}),
            ],
            "swedencentral",
            id="that of the pool's network",
        ),
        pytest.param(
            [
                pool(expressions={"kubernetes_cluster_id": ref("data.azurerm_kubernetes_cluster.c.id")}),
                data("data.azurerm_kubernetes_cluster.c", {"name": "c", "location": "francecentral"}),
            ],
            "francecentral",
            id="that of a cluster read while planning",
        ),
        pytest.param([pool(kubernetes_cluster_id=CLUSTER_ID)], None, id="nothing says it"),
    ],
)
def test_regions_of_node_pools(blocks: list[Block], expected: str | None, tmp_path: Path) -> None:
    """A node pool has no location of its own."""
    result = report(plan(*blocks), tmp_path)
    assert result.resources[0].after is not None
    assert result.resources[0].after.region == expected
    assert ("unknown-region" in codes(result)) == (expected is None)


# -- price: spot, licences, fractions ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "hourly"),
    [
        pytest.param({}, "0.658", id="regular"),
        pytest.param({"priority": "Regular", "max_bid_price": -1}, "0.658", id="regular by name"),
        pytest.param({"priority": "Spot", "max_bid_price": -1}, "0.457113", id="spot up to the regular price"),
        pytest.param({"priority": "Spot"}, "0.457113", id="spot without a maximum price"),
        pytest.param(
            {"priority": "Spot", "max_bid_price": 0.1}, "0.1", id="spot with a maximum price below the market"
        ),
        pytest.param({"priority": "Spot", "max_bid_price": 5}, "0.457113", id="spot with a maximum price above it"),
    ],
)
def test_spot_machines(values: Json, hourly: str, tmp_path: Path) -> None:
    """The dear end of the market, capped by the machine's own maximum."""
    assert amount(after(plan(machine(**values)), tmp_path), "compute") == Decimal(hourly) * 730


@pytest.mark.parametrize(
    ("kind", "values", "hourly"),
    [
        pytest.param("windows", {}, "0.842", id="Windows"),
        pytest.param("windows", {"license_type": "None"}, "0.842", id="Windows without hybrid benefit"),
        pytest.param("windows", {"license_type": "Windows_Server"}, "0.658", id="hybrid benefit for a server"),
        pytest.param("windows", {"license_type": "Windows_Client"}, "0.658", id="hybrid benefit for a client"),
        pytest.param("linux", {}, "0.658", id="Linux"),
    ],
)
def test_windows_licences(kind: str, values: Json, hourly: str, tmp_path: Path) -> None:
    """Part of the machine's price unless the licence is brought along."""
    assert amount(after(plan(machine(kind, **values)), tmp_path), "compute") == Decimal(hourly) * 730


LINUX_IMAGES = [
    # publisher, offer, license_type, USD an hour for Standard_NC4as_T4_v3
    pytest.param("RedHat", "RHEL", None, "0.0576", id="RHEL"),
    pytest.param("RedHat", "rhel-byos", None, "0", id="RHEL with a subscription of one's own"),
    pytest.param("RedHat", "RHEL", "RHEL_BYOS", "0", id="RHEL with hybrid benefit"),
    pytest.param("acme", "own-image", "RHEL_BASE", "0.0576", id="a RHEL licence for an image of one's own"),
    pytest.param("SUSE", "sles-15-sp5", None, "0.125", id="SLES"),
    pytest.param("SUSE", "opensuse-leap-15-5", None, "0", id="openSUSE"),
    pytest.param("Canonical", "ubuntu-24_04-lts", None, "0", id="Ubuntu"),
]


@pytest.mark.parametrize(("publisher", "offer", "licence", "hourly"), LINUX_IMAGES)
def test_linux_licences(publisher: str, offer: str, licence: str | None, hourly: str, tmp_path: Path) -> None:
    """Billed apart from the machine, by its size: 4 vCPUs × 0.0144 for RHEL, 0.125 for SLES up to 4 vCPUs."""
    image = {"publisher": publisher, "offer": offer, "sku": "x", "version": "latest"}
    result = report(plan(machine(source_image_reference=[image], license_type=licence)), tmp_path)
    side = result.resources[0].after
    assert side is not None
    assert amount(side, "license") == Decimal(hourly) * 730
    assert side.monthly.expected == (Decimal("0.658") + Decimal(hourly)) * 730
    assert result.summary.unpriced == 0


@pytest.mark.parametrize(("publisher", "offer", "licence", "hourly"), LINUX_IMAGES)
def test_linux_licences_without_a_price_are_told(
    publisher: str, offer: str, licence: str | None, hourly: str, tmp_path: Path
) -> None:
    """The catalog has none for a K80 machine, retired long ago: a lower bound, and said so, never silently free."""
    image = {"publisher": publisher, "offer": offer, "sku": "x", "version": "latest"}
    vm = machine(size="Standard_NC6", location="eastus", source_image_reference=[image], license_type=licence)
    result = report(plan(vm), tmp_path)
    side = result.resources[0].after
    assert side is not None
    assert side.monthly.expected == Decimal("0.9") * 730
    unpriced = int(Decimal(hourly) > 0)
    assert result.summary.unpriced == unpriced
    assert ("unpriced-licence" in codes(result)) == bool(unpriced)


@pytest.mark.parametrize(
    ("size", "gpus"),
    [("Standard_NV6ads_A10_v5", 0.1667), ("Standard_NV12ads_A10_v5", 0.3333), ("Standard_NV72ads_A10_v5", 2)],
)
def test_fractions_of_a_gpu(size: str, gpus: float, tmp_path: Path) -> None:
    """NVads A10 v5 sizes carry a sixth of an A10 up to two."""
    assert after(plan(machine(size=size)), tmp_path).gpus.expected == gpus


@pytest.mark.parametrize("size", ["Standard_D4s_v5", "Standard_NP10s", "Standard_E4s_v5"])
def test_sizes_without_gpu_stay_out(size: str, tmp_path: Path) -> None:
    """NP sizes carry FPGAs."""
    assert found(plan(machine(size=size)), tmp_path) == {}


# -- disks ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "size", "sku"),
    [
        ("Premium_LRS", 4, "P1-LRS"),
        ("Premium_LRS", 5, "P2-LRS"),
        ("Premium_LRS", 16, "P3-LRS"),
        ("Premium_LRS", 17, "P4-LRS"),
        ("Premium_LRS", 32, "P4-LRS"),
        ("Premium_LRS", 33, "P6-LRS"),
        ("Premium_LRS", 64, "P6-LRS"),
        ("Premium_LRS", 128, "P10-LRS"),
        ("Premium_LRS", 129, "P15-LRS"),
        ("Premium_LRS", 256, "P15-LRS"),
        ("Premium_LRS", 257, "P20-LRS"),
        ("Premium_LRS", 512, "P20-LRS"),
        ("Premium_LRS", 513, "P30-LRS"),
        ("Premium_LRS", 1024, "P30-LRS"),
        ("Premium_LRS", 1025, "P40-LRS"),
        ("Premium_LRS", 32767, "P80-LRS"),
        ("Premium_ZRS", 128, "P10-ZRS"),
        ("StandardSSD_LRS", 4, "E1-LRS"),
        ("StandardSSD_ZRS", 128, "E10-ZRS"),
        ("Standard_LRS", 4, "S4-LRS"),
        ("Standard_LRS", 33, "S6-LRS"),
    ],
)
def test_a_managed_disk_is_billed_as_the_tier_that_holds_it(kind: str, size: int, sku: str, tmp_path: Path) -> None:
    """One GiB more is the next tier; standard disks begin at S4."""
    block = machine(os_disk=[{"storage_account_type": kind, "disk_size_gb": size}])
    side = after(plan(block), tmp_path)
    assert [(each.sku, each.quantity) for each in side.components if each.kind == "storage"] == [(sku, 1)]


def test_ephemeral_os_disks_cost_nothing(tmp_path: Path) -> None:
    """They are on the machine's own storage."""
    disk = {"storage_account_type": "Standard_LRS", "diff_disk_settings": [{"option": "Local"}]}
    assert amount(after(plan(machine(os_disk=[disk])), tmp_path), "storage") == 0


def attachment(name: str, disk: str, key: str) -> Block:
    return resource(
        f"azurerm_virtual_machine_data_disk_attachment.{name}",
        {},
        unknown={"managed_disk_id": True, "virtual_machine_id": True},
        expressions={
            "managed_disk_id": ref(f"azurerm_managed_disk.{disk}", key),
            "virtual_machine_id": ref("azurerm_linux_virtual_machine.vm.id"),
        },
    )


@pytest.mark.parametrize(
    ("disks", "monthly"),
    [
        pytest.param({"d[0]": ("Premium_LRS", 1024, 0, 0), "d[1]": ("Premium_LRS", 1024, 0, 0)}, "297.36", id="count"),
        pytest.param(
            {'d["a"]': ("Premium_LRS", 512, 0, 0), 'd["b"]': ("Premium_LRS", 256, 0, 0)}, "122.351428", id="for_each"
        ),
        # 100 × 0.0949; 3,000 IOPS and 125 MB/s are free
        pytest.param({"d[0]": ("PremiumV2_LRS", 100, 3000, 125)}, "9.49", id="Premium SSD v2 within what is included"),
        # + 2,000 × 0.00584 + 175 × 0.04745
        pytest.param(
            {"d[0]": ("PremiumV2_LRS", 100, 5000, 300)}, "29.47375", id="Premium SSD v2 above what is included"
        ),
        # 100 × 0.15549 + 5,000 × 0.06424 + 300 × 0.41756
        pytest.param({"d[0]": ("UltraSSD_LRS", 100, 5000, 300)}, "462.017", id="Ultra disks have nothing included"),
    ],
)
def test_data_disks_belong_to_the_machine_they_are_attached_to(
    disks: dict[str, tuple[str, int, int, int]], monthly: str, tmp_path: Path
) -> None:
    """Each attachment goes with the disk of its own key."""
    blocks = []
    for address, (kind, size, iops, throughput) in disks.items():
        values = {
            "storage_account_type": kind,
            "disk_size_gb": size,
            "disk_iops_read_write": iops or None,
            "disk_mbps_read_write": throughput or None,
        }
        blocks.append(resource(f"azurerm_managed_disk.{address}", values, unknown={"id": True}))
        blocks.append(attachment(address, "d", "each.key" if '"' in address else "count.index"))
    assert amount(after(plan(machine(), *blocks), tmp_path), "storage") == pytest.approx(
        Decimal(monthly), abs=Decimal("1e-6")
    )


# -- scale sets -----------------------------------------------------------------------------------------------------------


def scale_set(expressions: Json | None = None, unknown: Json | None = None, **values: Any) -> Block:
    return resource(
        "azurerm_linux_virtual_machine_scale_set.s",
        {"sku": T4, **LOCATION, **values},
        unknown={"id": True, **(unknown or {})},
        expressions=expressions,
    )


def limits(low: int, default: int, high: int) -> Json:
    return {"capacity": [{"minimum": low, "default": default, "maximum": high}]}


def autoscale(
    *profiles: Json, enabled: bool = True, target: str = "azurerm_linux_virtual_machine_scale_set.s.id"
) -> Block:
    return resource(
        "azurerm_monitor_autoscale_setting.a",
        {"profile": list(profiles), "enabled": enabled},
        unknown={"target_resource_id": True},
        expressions={"target_resource_id": ref(target)},
    )


@pytest.mark.parametrize(
    ("blocks", "expected"),
    [
        pytest.param([scale_set(instances=2)], (2, 2, 2), id="instances"),
        pytest.param([scale_set(instances=2), autoscale(limits(1, 2, 4))], (1, 2, 4), id="an autoscale setting"),
        pytest.param(
            [scale_set(instances=2), autoscale(limits(1, 2, 4), limits(3, 4, 10))],
            (1, 2, 10),
            id="several profiles: the outer bounds",
        ),
        pytest.param(
            [scale_set(instances=2), autoscale(limits(1, 2, 4), enabled=False)], (2, 2, 2), id="a setting that is off"
        ),
        pytest.param(
            [scale_set(instances=0), autoscale(limits(1, 2, 4))], (1, 1, 4), id="it is raised to the minimum at once"
        ),
        pytest.param(
            [scale_set(instances=9), autoscale(limits(1, 2, 4))], (1, 4, 4), id="it is lowered to the maximum at once"
        ),
        pytest.param(
            [scale_set({"instances": ref("var.scaled", "var.size")}, {"instances": True}), autoscale(limits(1, 2, 4))],
            (1, 2, 4),
            id="instances left null by a module",
        ),
        pytest.param(
            [scale_set({"instances": ref("random_integer.n.result")}, {"instances": True})],
            (None, None, None),
            id="instances that only apply can tell",
        ),
    ],
)
def test_sizes_of_scale_sets(blocks: list[Block], expected: tuple[int | None, ...], tmp_path: Path) -> None:
    """Totals; the bounds are those of the autoscale setting that targets the set."""
    number = resource("random_integer.n", {}, unknown={"result": True})
    assert units(after(plan(*blocks, number, variables={"scaled": True, "size": 7}), tmp_path)) == expected


def test_settings_of_a_module_belong_to_the_sets_of_their_keys(tmp_path: Path) -> None:
    """The ids go through a local: the plan says no more than the keys."""

    def block(type_: str, key: str, **values: Any) -> Block:
        hidden = {"target_resource_id": True} if "autoscale" in type_ else {}
        return resource(
            f'module.m.{type_}.this["{key}"]',
            values,
            unknown={"id": True, **hidden},
            expressions={path: ref("local.ids", "each.key") for path in hidden},
        )

    sets = [
        block("azurerm_linux_virtual_machine_scale_set", key, sku=sku, **LOCATION)
        for key, sku in (("a", T4), ("b", T4), ("web", "Standard_D2s_v5"))
    ]
    settings = [
        block("azurerm_monitor_autoscale_setting", key, profile=[limits(low, low, low + 4)], enabled=True)
        for key, low in (("a", 1), ("b", 2))
    ]
    result = found(plan(*sets, *settings), tmp_path)
    sides = [each.after for each in result.values()]
    assert [units(side) for side in sides if side is not None] == [(1, 1, 5), (2, 2, 6)]


def orchestrated(**values: Any) -> Block:
    return resource(
        "azurerm_orchestrated_virtual_machine_scale_set.s",
        {"sku_name": T4, **LOCATION, **values},
        unknown={"id": True},
    )


@pytest.mark.parametrize(
    ("instances", "base", "percentage", "expected"),
    [
        pytest.param(7, 2, 25, {"on_demand": 4, "spot": 3}, id="2 + 25 % of 5 rounded up"),
        pytest.param(5, 1, 50, {"on_demand": 3, "spot": 2}, id="1 + half of 4"),
        pytest.param(3, 0, 0, {"spot": 3}, id="all spot"),
        pytest.param(3, 0, 100, {"on_demand": 3}, id="all regular"),
        pytest.param(2, 5, 0, {"on_demand": 2}, id="fewer than the base"),
    ],
)
def test_a_priority_mix_splits_the_set(
    instances: int, base: int, percentage: int, expected: dict[str, int], tmp_path: Path
) -> None:
    """A base of regular machines, then a percentage of the rest."""
    mix = {"base_regular_count": base, "regular_percentage_above_base": percentage}
    side = after(plan(orchestrated(instances=instances, priority="Spot", priority_mix=[mix])), tmp_path)
    assert {each.purchase_model: each.units.expected for each in side.pools} == expected


@pytest.mark.parametrize(
    ("strategy", "sku"),
    [
        ("LowestPrice", "Standard_NC4as_T4_v3"),
        ("CapacityOptimized", "Standard_NC8as_T4_v3"),
        ("Prioritized", "Standard_NC8as_T4_v3"),
    ],
)
def test_of_a_mix_of_sizes_the_strategy_picks(strategy: str, sku: str, tmp_path: Path) -> None:
    """The cheapest, the first, or (nothing says) the dearest."""
    profile = {"allocation_strategy": strategy, "vm_sizes": ["Standard_NC8as_T4_v3", "Standard_NC4as_T4_v3"]}
    side = after(plan(orchestrated(sku_name="Mix", instances=2, sku_profile=[profile])), tmp_path)
    assert (side.pools[0].sku, side.gpus.expected) == (sku, 2)


# -- AKS ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("enabled", ["auto_scaling_enabled", "enable_auto_scaling"])
@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param({"node_count": 2, "min_count": 1, "max_count": 5}, (1, 2, 5), id="node_count"),
        pytest.param({"node_count": None, "min_count": 0, "max_count": 5}, (0, 0, 5), id="else the minimum"),
        pytest.param({"node_count": 1, "min_count": 2, "max_count": 5}, (2, 2, 5), id="raised to the minimum at once"),
    ],
)
def test_autoscaled_node_pools(enabled: str, values: Json, expected: tuple[int, ...], tmp_path: Path) -> None:
    """Both names of the flag: azurerm 4 and before."""
    flags: Json = {enabled: True, "zones": ["1", "2", "3"]}
    assert units(after(plan(cluster(), pool(**flags, **values)), tmp_path)) == expected


def test_a_node_count_that_a_module_leaves_null_is_the_minimum(tmp_path: Path) -> None:
    """`node_count` is computed: null looks like known after apply."""
    block = pool(
        unknown={"node_count": True},
        expressions={"node_count": {"references": ["each.value.node_count", "each.value"]}},
        node_count=None,
        auto_scaling_enabled=True,
        min_count=2,
        max_count=4,
    )
    assert units(after(plan(cluster(), block), tmp_path)) == (2, 2, 4)


@pytest.mark.parametrize(
    ("size", "disk", "sku"),
    [
        pytest.param(T4, {}, "P10-LRS", id="4 vCPUs"),
        pytest.param("Standard_NC8as_T4_v3", {}, "P15-LRS", id="8 vCPUs"),
        pytest.param("Standard_NC24ads_A100_v4", {}, "P20-LRS", id="24 vCPUs"),
        pytest.param("Standard_ND96asr_v4", {}, "P30-LRS", id="96 vCPUs"),
        pytest.param("Standard_ND96asr_v4", {"os_disk_size_gb": 100}, "P10-LRS", id="a size of its own"),
        pytest.param("Standard_ND96asr_v4", {"os_disk_size_gb": 0}, "P30-LRS", id="zero asks for the default"),
        pytest.param(T4, {"os_disk_type": "Ephemeral"}, None, id="an ephemeral disk"),
    ],
)
def test_default_os_disks_follow_the_vcpus(size: str, disk: Json, sku: str | None, tmp_path: Path) -> None:
    """Managed OS disks of AKS nodes."""
    block = pool(vm_size=size, **{"os_disk_type": "Managed", **disk})
    side = after(plan(cluster(), block), tmp_path)
    assert [each.sku for each in side.components if each.kind == "storage"] == ([sku] if sku else [])


def test_a_disk_size_that_a_module_leaves_null_is_the_default(tmp_path: Path) -> None:
    """`os_disk_size_gb` is computed as well."""
    block = pool(
        unknown={"os_disk_size_gb": True},
        expressions={"os_disk_size_gb": {"references": ["each.value.os_disk_size_gb", "each.value"]}},
        os_disk_type="Managed",
    )
    side = after(plan(cluster(), block), tmp_path)
    assert [each.sku for each in side.components if each.kind == "storage"] == ["P10-LRS"]


@pytest.mark.parametrize(
    ("profile", "hourly"),
    [
        pytest.param([], "0.842", id="Windows"),
        pytest.param([{"license": "Windows_Server"}], "0.658", id="hybrid benefit of the cluster"),
    ],
)
def test_windows_nodes(profile: list[Json], hourly: str, tmp_path: Path) -> None:
    """The cluster's windows_profile brings the licence for all its Windows nodes."""
    side = after(plan(cluster(windows_profile=profile), pool(os_type="Windows")), tmp_path)
    assert amount(side, "compute") == Decimal(hourly) * 730


@pytest.mark.parametrize(
    ("tier", "fee"),
    [
        pytest.param("Free", "0", id="the free tier"),
        pytest.param(None, "0", id="free by default"),
        pytest.param("Standard", "73", id="standard"),
        pytest.param("Paid", "73", id="its name in azurerm 3"),
    ],
)
def test_the_fee_of_a_cluster_whose_own_pool_has_gpus(tier: str | None, fee: str, tmp_path: Path) -> None:
    """0.10 an hour, for the cluster and not for each node."""
    side = after(plan(cluster(sku_tier=tier, default_node_pool=[{**NODES, "node_count": 3}])), tmp_path)
    assert amount(side, "control_plane") == Decimal(fee)
    assert side.monthly.expected == Decimal("1441.02") + Decimal(fee)


def test_a_cluster_without_gpus_stays_out(tmp_path: Path) -> None:
    """Its fee is not a GPU's cost."""
    assert (
        found(plan(cluster(sku_tier="Standard", default_node_pool=[{**NODES, "vm_size": "Standard_D4s_v5"}])), tmp_path)
        == {}
    )


def test_spot_node_pools_are_capped_by_their_own_maximum(tmp_path: Path) -> None:
    """spot_max_price; -1 means up to the regular price."""
    blocks = [pool(str(index), priority="Spot", spot_max_price=price) for index, price in enumerate((-1, 0.2))]
    resources = found(plan(cluster(), *blocks), tmp_path)
    hourly = [amount(each.after, "compute") / 730 for each in resources.values() if each.after]
    assert hourly == [Decimal("0.457113"), Decimal("0.2")]


def test_locations_come_through_modules(tmp_path: Path) -> None:
    """An unknown location is followed through a module's output to the resource group's known one."""
    block = resource(
        "azurerm_linux_virtual_machine.vm",
        {"size": T4},
        unknown={"location": True},
        expressions={"location": ref("module.rg.location")},
    )
    group = resource("module.rg.azurerm_resource_group.this", {"location": "northeurope"})
    outputs = {"location": {"expression": ref("azurerm_resource_group.this.location")}}
    document = plan(block, group, calls={"rg": {"outputs": outputs, "expressions": {"name": const("ml")}}})
    assert after(document, tmp_path).region == "northeurope"


def test_a_node_pool_without_a_size_of_its_own_is_no_gpu(tmp_path: Path) -> None:
    """AKS then chooses a size itself, which has none."""
    block = pool(vm_size=None, unknown={"vm_size": True})
    assert found(plan(cluster(), block), tmp_path) == {}


def test_mig_slices_change_no_price_and_are_told(tmp_path: Path) -> None:
    """Whole GPUs are billed and counted."""
    result = report(plan(cluster(), pool(gpu_instance="MIG3g")), tmp_path)
    side = result.resources[0].after
    assert side is not None
    assert (side.gpus.expected, amount(side, "compute")) == (1, Decimal("0.658") * 730)
    assert "gpu-slices" in codes(result)


# -- the types of azurerm 1 -----------------------------------------------------------------------------------------------


def classic(**values: Any) -> Block:
    return resource("azurerm_virtual_machine.vm", {"vm_size": T4, **LOCATION, **values}, unknown={"id": True})


WINDOWS_SERVER = {"publisher": "MicrosoftWindowsServer", "offer": "WindowsServer"}


@pytest.mark.parametrize(
    ("values", "hourly"),
    [
        pytest.param({}, "0.658", id="Linux"),
        pytest.param({"os_profile_windows_config": [{"provision_vm_agent": True}]}, "0.842", id="a Windows profile"),
        pytest.param({"storage_os_disk": [{"os_type": "Windows"}]}, "0.842", id="a Windows disk"),
        pytest.param({"storage_image_reference": [WINDOWS_SERVER]}, "0.842", id="a Windows image"),
        pytest.param(
            {"storage_image_reference": [WINDOWS_SERVER], "license_type": "Windows_Server"},
            "0.658",
            id="hybrid benefit",
        ),
        pytest.param({"os_profile_windows_config": []}, "0.658", id="no Windows profile"),
    ],
)
def test_classic_machines_and_windows(values: Json, hourly: str, tmp_path: Path) -> None:
    """The system shows in the profile, the disk or the image."""
    assert amount(after(plan(classic(**values)), tmp_path), "compute") == Decimal(hourly) * 730


def test_classic_disks(tmp_path: Path) -> None:
    """Managed ones are billed by tier, those on page blobs are not counted."""
    disks: Json = {
        "storage_os_disk": [{"managed_disk_type": "Premium_LRS", "disk_size_gb": 128}],
        "storage_data_disk": [
            {"managed_disk_type": "Premium_LRS", "disk_size_gb": 512},
            {"vhd_uri": "https://example.blob.core.windows.net/vhds/a.vhd", "disk_size_gb": 1024},
        ],
    }
    side = after(plan(classic(**disks)), tmp_path)
    assert amount(side, "storage") == Decimal("21.68") + Decimal("80.54")


@pytest.mark.parametrize(("priority", "hourly"), [("Low", "0.457113"), ("Regular", "0.658"), (None, "0.658")])
def test_classic_scale_sets(priority: str | None, hourly: str, tmp_path: Path) -> None:
    """Low priority is the old name of spot; size and number stand in the `sku` block."""
    values = {"sku": [{"name": T4, "tier": "Standard", "capacity": 3}], "priority": priority, **LOCATION}
    side = after(plan(resource("azurerm_virtual_machine_scale_set.s", values)), tmp_path)
    assert (units(side), amount(side, "compute")) == ((3, 3, 3), Decimal(hourly) * 730 * 3)


@pytest.mark.parametrize(
    "block",
    [
        classic(vm_size="Standard_DS2_v2"),
        resource(
            "azurerm_virtual_machine_scale_set.s", {"sku": [{"name": "Standard_D2s_v3", "capacity": 9}], **LOCATION}
        ),
        orchestrated(sku_name=None),
        orchestrated(sku_name="Standard_D2s_v3", instances=4),
        machine(size="Standard_NP10s"),
    ],
    ids=["classic machine", "classic scale set", "a set that only groups machines", "flexible set", "FPGA"],
)
def test_what_has_no_gpu_stays_silent(block: Block, tmp_path: Path) -> None:
    result = report(plan(block), tmp_path)
    assert (result.resources, codes(result)) == ((), set())


def test_ranked_sizes_are_taken_in_their_order(tmp_path: Path) -> None:
    """`prioritized` profiles have blocks with ranks; the list of names is then empty."""
    sizes = [{"name": T4, "rank": 1}, {"name": "Standard_NC8as_T4_v3", "rank": 0}]
    profile = {"allocation_strategy": "Prioritized", "virtual_machine_size": sizes, "vm_sizes": []}
    side = after(plan(orchestrated(sku_name="Mix", instances=1, sku_profile=[profile])), tmp_path)
    assert side.pools[0].sku == "Standard_NC8as_T4_v3"


# -- autoscale profiles that follow each other ----------------------------------------------------------------------------

WEEK = Decimal(168)
WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"]


def recurring(
    low: int, high: int, hour: object, days: object = WEEKDAYS, zone: str | None = "UTC", minute: int = 0
) -> Json:
    """A profile that begins at an hour of some days."""
    begins = {"days": days, "hours": [hour], "minutes": [minute], "timezone": zone}
    return {**limits(low, low, high), "recurrence": [begins]}


def dated(low: int, high: int) -> Json:
    fixed = {"start": "2027-01-01T00:00:00Z", "end": "2027-01-02T00:00:00Z", "timezone": "UTC"}
    return {**limits(low, low, high), "fixed_date": [fixed]}


def scheduled(
    *profiles: Json, instances: int | None = 2, folder: Path
) -> tuple[tuple[float | None, ...], Decimal, State]:
    """Sizes, hours and the state of a scale set with these profiles."""
    state = after(plan(scale_set(instances=instances), autoscale(*profiles)), folder)
    return units(state), Decimal(str(state.pools[0].hours_per_month)), state


def close(one: Decimal | None, other: Decimal) -> bool:
    return one is not None and abs(one - other) < Decimal("0.001")


@pytest.mark.parametrize(
    ("profiles", "instances", "sizes", "unit_hours", "max_unit_hours"),
    [
        # 2 for 60 of 168 hours, none otherwise; at most 4 of them
        pytest.param([recurring(2, 4, 8), recurring(0, 0, 20)], 2, (0, 2, 4), 120, 240, id="off by night"),
        # 2 for 60 hours and 1 for the other 108
        pytest.param([recurring(2, 2, 8), recurring(1, 1, 20)], 2, (1, 2, 2), 228, 228, id="smaller by night"),
        # instances 9 are lowered to 4 by day
        pytest.param([recurring(2, 4, 8), recurring(0, 0, 20)], 9, (0, 4, 4), 240, 240, id="lowered to the maximum"),
        # from Saturday 0:00 to Monday 0:00 none: 120 of 168 hours
        pytest.param(
            [recurring(0, 0, 0, ["Saturday"]), recurring(3, 3, 0, ["Monday"])],
            3,
            (0, 3, 3),
            360,
            360,
            id="weekends off",
        ),
        # the default profile allows more before the first recurring one begins: the maximum counts all month
        pytest.param(
            [limits(1, 1, 9), recurring(2, 4, 8), recurring(0, 0, 20)],
            2,
            (0, 2, 9),
            120,
            9 * 168,
            id="a default profile",
        ),
        pytest.param(
            [dated(1, 9), recurring(2, 4, 8), recurring(0, 0, 20)], 2, (0, 2, 9), 120, 9 * 168, id="a day with more"
        ),
        # three profiles a day: 8 to 12 two, 12 to 20 four, then none
        pytest.param(
            [recurring(2, 2, 8), recurring(4, 4, 12), recurring(0, 0, 20)],
            1,
            (0, 4, 4),
            5 * (8 + 32),
            5 * (8 + 32),
            id="three",
        ),
    ],
)
def test_recurring_profiles_hold_until_the_next_one_begins(
    profiles: list[Json], instances: int, sizes: tuple[int, ...], unit_hours: int, max_unit_hours: int, tmp_path: Path
) -> None:
    """Hours a month are the unit-hours of the schedule over the expected size."""
    found_sizes, hours, state = scheduled(*profiles, instances=instances, folder=tmp_path)
    assert found_sizes == sizes
    assert close(hours * sizes[1], unit_hours * 730 / WEEK)
    assert close(state.monthly.expected, Decimal("0.658") * unit_hours * 730 / WEEK)
    assert close(state.monthly.max, Decimal("0.658") * max_unit_hours * 730 / WEEK)


@pytest.mark.parametrize(
    ("profiles", "code", "sizes"),
    [
        pytest.param([recurring(0, 0, 20)], "endless-profile", (0, 0, 0), id="one alone never ends"),
        pytest.param(
            [limits(1, 1, 3), recurring(0, 0, 20)], "endless-profile", (0, 2, 3), id="one alone beside the default"
        ),
        pytest.param(
            [recurring(2, 4, 8, zone="Pacific Standard Time"), recurring(0, 0, 20, zone="UTC")],
            "unread-schedule",
            (0, 2, 4),
            id="clocks whose distance is not known",
        ),
        pytest.param([recurring(2, 4, 25), recurring(0, 0, 20)], "unread-schedule", (0, 2, 4), id="no hour of a day"),
        pytest.param([recurring(2, 4, "x"), recurring(0, 0, 20)], "unread-schedule", (0, 2, 4), id="no number"),
        pytest.param(
            [recurring(2, 4, 8, ["Someday"]), recurring(0, 0, 20)], "unread-schedule", (0, 2, 4), id="no weekday"
        ),
        pytest.param(
            [recurring(2, 4, 8, 7), recurring(0, 0, 20)], "unread-schedule", (0, 2, 4), id="days of a wrong type"
        ),
    ],
)
def test_schedules_that_cannot_be_told_count_all_month(
    profiles: list[Json], code: str, sizes: tuple[int, ...], tmp_path: Path
) -> None:
    """The largest size of all profiles, and a note."""
    result = report(plan(scale_set(instances=2), autoscale(*profiles)), tmp_path)
    state = result.resources[0].after
    assert state is not None
    assert (units(state), state.pools[0].hours_per_month) == (sizes, 730)
    assert code in codes(result)


def test_zones_by_their_names_are_set_against_each_other(tmp_path: Path) -> None:
    """8:00 in Berlin is 7:00 UTC in winter: 13 hours a day until 20:00 UTC."""
    profiles = [recurring(1, 1, 8, zone="Europe/Berlin"), recurring(0, 0, 20)]
    assert close(scheduled(*profiles, instances=1, folder=tmp_path)[1], 65 * 730 / WEEK)


# -- machines that are stopped and started ----------------------------------------------------------------------------------


def shutdown(time: object = "1900", enabled: object = True, zone: str = "UTC") -> Block:
    return resource(
        "azurerm_dev_test_global_vm_shutdown_schedule.s",
        {"daily_recurrence_time": time, "enabled": enabled, "timezone": zone},
        unknown={"virtual_machine_id": True},
        expressions={"virtual_machine_id": ref("azurerm_linux_virtual_machine.vm.id")},
    )


def runbook(content: str | None, name: str = "power") -> Block:
    return resource(f"azurerm_automation_runbook.{name}", {"name": name, "content": content})


def weekly(name: str, start: str, **values: Any) -> Block:
    own = {
        "name": name,
        "frequency": "Week",
        "interval": 1,
        "start_time": start,
        "week_days": WEEKDAYS,
        "timezone": "UTC",
    }
    return resource(f"azurerm_automation_schedule.{name}", {**own, **values})


def job(name: str, schedule: str, **parameters: str) -> Block:
    values = {"schedule_name": schedule, "runbook_name": "power", "parameters": parameters}
    return resource(f"azurerm_automation_job_schedule.{name}", values)


MORNING = weekly("morning", "2027-01-04T08:00:00Z")
EVENING = weekly("evening", "2027-01-04T18:00:00Z")
NAMED = {"vmname": "vm-1"}


@pytest.mark.parametrize(
    ("blocks", "hours"),
    [
        pytest.param([shutdown("1800"), MORNING, runbook("Start-AzVM -Name $vm"), job("a", "morning", **NAMED)], 50, id="runbook"),
        pytest.param(
            [MORNING, EVENING, runbook("param($action)"), job("a", "morning", **NAMED, action="start"),
             job("b", "evening", **NAMED, action="Stop")], 50, id="parameters",
        ),
        pytest.param(
            [shutdown("1800"), weekly("morning", "2027-01-04T08:00:00Z", frequency="Day", week_days=None),
             runbook("az vm start --name $1"), job("a", "morning", **NAMED)], 70, id="every day",
        ),
        pytest.param([shutdown("1800"), MORNING, runbook("Start-AzVM"), job("a", "morning", vmname="vm-2")], 168, id="another's"),
        pytest.param([shutdown("1800", enabled=False), MORNING, runbook("Start-AzVM"), job("a", "morning", **NAMED)], 168, id="off"),
        pytest.param([shutdown()], 168, id="nothing starts it"),
        pytest.param([shutdown("7pm")], 168, id="no time"),
        pytest.param([shutdown(1900)], 168, id="a number for a time"),
        pytest.param(
            [shutdown("1800"), MORNING, runbook("Start-AzVM; Stop-AzVM"), job("a", "morning", **NAMED)], 168, id="both commands"
        ),
        pytest.param(
            [shutdown("1800"), weekly("morning", "2027-01-04T08:00:00Z", interval=2), runbook("Start-AzVM"),
             job("a", "morning", **NAMED)], 168, id="every other week",
        ),
        pytest.param(
            [shutdown("1800"), weekly("morning", "2027-01-04T08:00:00Z", frequency="Hour"), runbook("Start-AzVM"),
             job("a", "morning", **NAMED)], 168, id="every hour",
        ),
    ],
)  # fmt: skip
def test_hours_of_machines_that_are_stopped_and_started(blocks: list[Block], hours: int, tmp_path: Path) -> None:
    """Only what both stops and starts lowers the hours; the disk is billed all month."""
    disk = {"storage_account_type": "Premium_LRS", "disk_size_gb": 128}
    values = {"size": T4, "name": "vm-1", "os_disk": [disk], **LOCATION}
    own = resource("azurerm_linux_virtual_machine.vm", values, unknown={"id": True})
    state = after(plan(own, *blocks), tmp_path)
    wanted = Decimal("0.658") * hours * 730 / WEEK + Decimal("21.68")
    assert close(state.monthly.expected, wanted)
    assert close(state.monthly.max, wanted)


def test_a_shutdown_without_a_start_is_told(tmp_path: Path) -> None:
    assert "shutdown-without-start" in codes(report(plan(machine(), shutdown()), tmp_path))
    assert "shutdown-without-start" not in codes(report(plan(machine(), shutdown(enabled=False)), tmp_path))


# -- standby pools --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "low", "high", "expected"),
    [
        pytest.param("Running", 0, 5, 5, id="filled up to the largest capacity"),
        pytest.param("Running", 2, 3, 4, id="never less than the smallest"),
        pytest.param("Running", 0, 1, 2, id="the set is larger already"),
        pytest.param("Deallocated", 2, 5, 2, id="deallocated machines cost no compute"),
        pytest.param("Hibernated", 2, 5, 2, id="nor do hibernated ones"),
    ],
)
def test_running_machines_that_stand_by_are_paid_for(
    state: str, low: int, high: int, expected: int, tmp_path: Path
) -> None:
    standby = resource(
        "azurerm_virtual_machine_scale_set_standby_pool.p",
        {
            "virtual_machine_state": state,
            "elasticity_profile": [{"min_ready_capacity": low, "max_ready_capacity": high}],
        },
        unknown={"attached_virtual_machine_scale_set_id": True},
        expressions={
            "attached_virtual_machine_scale_set_id": ref("azurerm_orchestrated_virtual_machine_scale_set.s.id")
        },
    )
    assert units(after(plan(orchestrated(instances=2), standby), tmp_path)) == (expected, expected, expected)
