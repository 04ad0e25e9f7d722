"""The pricing engine: which price, which end of a range, how many, and what adds up."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuguard.model.report import State
from gpuguard.model.usage import AttachedAccelerator, Disk, MachineOption, PoolUsage, Units, Unknown, Usage
from gpuguard.price.catalog import Catalog
from gpuguard.price.engine import Engine, exact

ENGINE = Engine(Catalog.open())
D = Decimal


def pool(*skus: str, units: Units | int = 1, **more: Any) -> PoolUsage:
    size = units if isinstance(units, Units) else Units.fixed(units)
    return PoolUsage(options=tuple(MachineOption(sku) for sku in skus), units=size, **more)


def priced(*pools: PoolUsage, cloud: str = "aws", region: str | None = "us-east-1") -> State:
    unknown = None if region else Unknown("not told", "unknown-region")
    return ENGINE.price(Usage(cloud, region, pools, region_unknown=unknown)).state


def codes(*pools: PoolUsage, cloud: str = "aws", region: str | None = "us-east-1") -> list[str]:
    unknown = None if region else Unknown("not told", "unknown-region")
    return [note.code for note in ENGINE.price(Usage(cloud, region, pools, region_unknown=unknown)).notes]


def test_a_machine_costs_its_hourly_price_730_times() -> None:
    assert priced(pool("p5.48xlarge")).monthly.expected == D("55.04") * 730


def test_the_spot_price_is_the_dear_end_over_zones() -> None:
    component = priced(pool("g6.12xlarge", purchase_model="spot")).components[0]
    assert component.unit_price == D("2.0968")
    assert component.unit_price_range == (D("1.7552"), D("2.0968"))


def test_spot_never_costs_more_than_on_demand() -> None:
    """The dearest zone of p4d.24xlarge in eu-central-1 asks a little more than on demand."""
    spot = priced(pool("p4d.24xlarge", purchase_model="spot"), region="eu-central-1").components[0]
    assert spot.unit_price == priced(pool("p4d.24xlarge"), region="eu-central-1").components[0].unit_price


def test_spot_never_costs_more_than_the_resource_pays() -> None:
    component = priced(pool("g6.12xlarge", purchase_model="spot", spot_max_price=D("1.9"))).components[0]
    assert component.unit_price == D("1.9")
    assert component.unit_price_range == (D("1.7552"), D("1.9"))


def test_of_a_set_of_types_the_dearest_is_judged_and_the_range_over_all_told() -> None:
    component = priced(pool("g6.xlarge", "g5.xlarge", pick="dearest")).components[0]
    assert (component.unit_price, component.unit_price_range) == (D("1.006"), (D("0.8048"), D("1.006")))


def test_of_a_list_in_order_only_the_price_of_the_first_is_told() -> None:
    component = priced(pool("g6.xlarge", "g5.xlarge", pick="first")).components[0]
    assert (component.unit_price, component.unit_price_range) == (D("0.8048"), None)


def test_a_maximum_below_every_zone_is_the_price_and_no_range() -> None:
    component = priced(pool("g6.12xlarge", purchase_model="spot", spot_max_price=D(1))).components[0]
    assert (component.unit_price, component.unit_price_range) == (D(1), None)


def test_an_unknown_region_is_priced_at_the_dearest_and_told_as_a_range() -> None:
    component = priced(pool("g5.xlarge"), region=None).components[0]
    assert component.unit_price is not None
    assert component.unit_price_range is not None
    assert component.unit_price == component.unit_price_range[1]
    assert component.unit_price_range[0] <= D("1.006") < component.unit_price
    assert codes(pool("g5.xlarge"), region=None) == ["unknown-region"]


def test_a_machine_without_a_price_has_none() -> None:
    state = priced(pool("g5.xlarge", disks=(Disk("boot", "gp3", D(100)),)), region="mars-1")
    assert state.monthly.expected is None
    assert state.components[0].unit_price is None
    assert state.gpus.expected == 1
    assert "unpriced" in codes(pool("g5.xlarge"), region="mars-1")


def test_a_disk_without_a_price_leaves_the_rest_as_a_lower_bound() -> None:
    state = priced(pool("g5.xlarge", disks=(Disk("boot", "no-such-disk", D(100)),)))
    assert state.monthly.expected == D("734.38")
    assert state.components[1].monthly is None


def test_a_machine_type_that_only_apply_can_tell_is_no_zero() -> None:
    hidden = pool(unknown=Unknown("instance_type is known only after apply", "unknown-machine-type"))
    state = priced(hidden)
    assert (state.pools[0].sku, state.monthly.expected, state.gpus.expected) == (None, None, None)
    assert codes(hidden) == ["unknown-machine-type"]


def test_a_size_that_only_apply_can_tell_is_no_zero() -> None:
    state = priced(pool("g5.xlarge", units=Units(D(1), D(2), None)))
    assert (state.monthly.expected, state.monthly.max) == (D("1468.76"), None)
    assert state.gpus.max is None


@pytest.mark.parametrize(
    ("pick", "sku"),
    [
        pytest.param("first", "g5.xlarge", id="in order"),
        pytest.param("cheapest", "g6.2xlarge", id="the lowest price"),
        pytest.param("dearest", "g5.2xlarge", id="nothing says which, so the dearest"),
    ],
)
def test_of_several_types_the_strategy_picks(pick: Any, sku: str) -> None:
    found = priced(pool("g5.xlarge", "g5.2xlarge", "g6.2xlarge", pick=pick)).pools[0]
    assert found.sku == sku
    assert sorted([sku, *found.candidates]) == ["g5.2xlarge", "g5.xlarge", "g6.2xlarge"]


def test_types_are_compared_for_the_same_capacity() -> None:
    options = (MachineOption("g5.12xlarge", D(4)), MachineOption("g5.xlarge", D(1)))
    state = priced(PoolUsage(options=options, units=Units.fixed(7), pick="dearest"))
    assert state.pools[0].sku == "g5.12xlarge"  # 5.672 / 4 = 1.418 a unit, against 1.006
    assert state.pools[0].units.expected == 2  # seven units need two machines of four


def test_a_pool_that_others_pay_for_adds_no_money_and_no_gpus() -> None:
    state = priced(pool("p5.48xlarge", covered_by="aws_ec2_capacity_reservation.block"), pool("g5.xlarge"))
    assert state.monthly.expected == D("734.38")
    assert state.gpus.expected == 1


def n1(count: int = 1, name: str = "nvidia-tesla-t4", **more: Any) -> PoolUsage:
    return pool("n1-standard-8", accelerators=(AttachedAccelerator(name, D(count)),), **more)


def test_an_attached_gpu_is_added_to_n1_and_the_sustained_use_taken_off() -> None:
    state = priced(n1(2), cloud="gcp", region="us-central1")
    full = 730 * (8 * D("0.031611") + 30 * D("0.004237") + 2 * D("0.35"))
    assert state.monthly.expected == full * D("0.7")
    assert state.list_monthly.expected == full


def test_a_bundled_gpu_is_never_added_twice() -> None:
    declared = pool("g2-standard-4", accelerators=(AttachedAccelerator("nvidia-l4", D(1)),))
    assert priced(declared, cloud="gcp", region="us-central1") == priced(
        pool("g2-standard-4"), cloud="gcp", region="us-central1"
    )
    assert priced(declared, cloud="gcp", region="us-central1").monthly.expected == D("0.706832") * 730


def test_spot_gets_no_sustained_use() -> None:
    state = priced(n1(purchase_model="spot"), cloud="gcp", region="us-central1")
    assert [component.kind for component in state.components] == ["compute", "compute", "gpu"]


@pytest.mark.parametrize(
    ("size", "tier"),
    [
        pytest.param(1, "P1", id="the smallest"),
        pytest.param(4, "P1", id="a border belongs to the smaller tier"),
        pytest.param(5, "P2", id="one more is the next tier"),
        pytest.param(128, "P10", id="128 GiB"),
        pytest.param(129, "P15", id="129 GiB"),
        pytest.param(32767, "P80", id="the largest"),
    ],
)
def test_a_managed_disk_is_billed_as_the_tier_that_holds_it(size: int, tier: str) -> None:
    machine = pool("Standard_NC24ads_A100_v4", disks=(Disk("data", "Premium_LRS", D(size)),))
    components = priced(machine, cloud="azure", region="westeurope").components
    assert [each.sku for each in components if each.kind == "storage"] == [f"{tier}-LRS"]


@pytest.mark.parametrize(
    ("disk", "extra"),
    [
        pytest.param(Disk("data", "gp3", D(100), iops=D(3000), throughput_mibps=D(125)), "0", id="what gp3 includes"),
        pytest.param(Disk("data", "gp3", D(100), iops=D(4000)), "5", id="1,000 more IOPS at 0.005"),
        pytest.param(Disk("data", "gp3", D(100), throughput_mibps=D(225)), "4", id="100 MiB/s more at 0.04"),
        pytest.param(Disk("data", "gp2", D(100), iops=D(9999)), "2", id="gp2 has no IOPS of its own, and is dearer"),
    ],
)
def test_provisioned_performance_costs_beyond_what_is_included(disk: Disk, extra: str) -> None:
    state = priced(pool("g5.xlarge", disks=(disk,)))
    assert state.monthly.expected == D("734.38") + 8 + D(extra)


def test_a_local_ssd_that_comes_with_the_machine_is_free() -> None:
    with_disk = pool("a3-highgpu-8g", disks=(Disk("local_ssd", "local-ssd", D(375), count=16),))
    assert priced(with_disk, cloud="gcp", region="us-central1") == priced(
        pool("a3-highgpu-8g"), cloud="gcp", region="us-central1"
    )


def test_equal_usages_are_priced_once_wherever_they_are_written() -> None:
    one = ENGINE.price(Usage("aws", "us-east-1", (pool("g5.xlarge"),), via=("aws_launch_template.a",)))
    two = ENGINE.price(Usage("aws", "us-east-1", (pool("g5.xlarge"),), via=("aws_launch_template.b",)))
    assert one.state is two.state
    assert (one.usage.via, two.usage.via) == (("aws_launch_template.a",), ("aws_launch_template.b",))


sizes = st.integers(min_value=0, max_value=500)
machines = st.sampled_from(["g5.xlarge", "p5.48xlarge", "g4dn.metal", "g6f.large", "trn1.32xlarge"])


@given(sku=machines, units=st.tuples(sizes, sizes, sizes).map(sorted), spot=st.booleans(), disk=sizes)
def test_components_add_up_and_more_machines_cost_more(sku: str, units: list[int], spot: bool, disk: int) -> None:
    size = Units(D(units[0]), D(units[1]), D(units[2]))
    state = priced(
        pool(sku, units=size, purchase_model="spot" if spot else "on_demand", disks=(Disk("boot", "gp3", D(disk)),))
    )
    money = state.monthly
    if money.expected is None or money.min is None or money.max is None:
        return
    assert money.min <= money.expected <= money.max
    total = sum((each.monthly for each in state.components if each.monthly is not None), D(0))
    assert abs(total - money.expected) < D("1e-8")


@given(sku=machines, count=st.integers(min_value=1, max_value=400))
def test_so_many_machines_cost_so_many_times_one(sku: str, count: int) -> None:
    one, many = priced(pool(sku)).monthly.expected, priced(pool(sku, units=count)).monthly.expected
    assert (one is None) == (many is None)
    if one is not None:
        assert many == one * count


@given(st.decimals(min_value=D("-1e12"), max_value=D("1e12"), allow_nan=False, allow_infinity=False, places=12))
def test_amounts_are_exact_to_ten_decimals_and_never_in_exponent_notation(amount: Decimal) -> None:
    found = exact(amount)
    assert abs(found - amount) <= D("1e-6") if abs(amount) < D("1e-6") else abs(found - amount) <= D("1e-10")
    assert "E" not in str(found)
