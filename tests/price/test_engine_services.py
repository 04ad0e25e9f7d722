"""What services bill in a way of their own: charges beside or instead of the machine, what is bought once, reserved capacity.

Prices (tests/price/small.py): p5.48xlarge 50 an hour and as spot 16 to 24, g6.xlarge 0.80, ml.g6.xlarge 1.10; the rows
added here: an uplift of 0.2 for g6.xlarge, a capacity block of p5.48xlarge at 30, a desktop at 500 a month.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from gpuguard.model.cost import Priced
from gpuguard.model.usage import AttachedAccelerator, Charge, Disk, MachineOption, Once, PoolUsage, Units, Usage
from gpuguard.price.engine import Engine
from tests.price.small import PRICES, catalog, price

D = Decimal
EXTRA = (
    price("uplift-g6.xlarge", "0.2", kind="managed_service"),
    price("p5.48xlarge", "30", model="capacity_block"),
    price("desktop-graphics", "500", kind="managed_service", unit="month"),
    price("pod-vcpu", "0.05", kind="managed_service"),
)
UPLIFT = Charge("managed_service", "uplift-{machine}", "service uplift", purchase_model="on_demand")
ENDPOINT = MachineOption("ml.g6.xlarge", machine="g6.xlarge")
BY_SERVICE = Charge("managed_service", "{sku}", "endpoint instance", component="compute")


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with catalog(tmp_path_factory.mktemp("catalog"), (*PRICES, *EXTRA)) as prices:
        yield Engine(prices)


def pool(*options: MachineOption | str, units: int | Units = 1, **more: Any) -> PoolUsage:
    found = tuple(MachineOption(each) if isinstance(each, str) else each for each in options)
    return PoolUsage(options=found, units=units if isinstance(units, Units) else Units.fixed(units), **more)


def priced(engine: Engine, *pools: PoolUsage) -> Priced:
    return engine.price(Usage("aws", "us-east-1", pools))


def codes(found: Priced) -> list[str]:
    return [note.code for note in found.notes]


# -- charges --------------------------------------------------------------------------------------------------------------


def test_a_charge_beside_the_machine_is_a_component_of_its_own(engine: Engine) -> None:
    state = priced(engine, pool("g6.xlarge", units=2, charges=(UPLIFT,))).state
    assert [(each.kind, each.monthly) for each in state.components] == [
        ("compute", D("0.8") * 730 * 2),
        ("managed_service", D("0.2") * 730 * 2),
    ]
    assert state.monthly.expected == D("1.0") * 730 * 2


def test_a_charge_instead_of_the_machine_is_all_that_is_paid(engine: Engine) -> None:
    """ml.g6.xlarge costs 1.10; the 0.80 of the machine behind it is not added, and its GPU is known."""
    found = priced(engine, pool(ENDPOINT, charges=(BY_SERVICE,), machine_billed=False))
    assert found.state.monthly.expected == D("1.1") * 730
    assert [each.sku for each in found.state.components] == ["ml.g6.xlarge"]
    shown = found.state.pools[0]
    assert (shown.sku, shown.gpu.model if shown.gpu else None) == ("ml.g6.xlarge", "L4")


def test_disks_and_charges_go_together(engine: Engine) -> None:
    own = pool(ENDPOINT, charges=(BY_SERVICE,), machine_billed=False, disks=(Disk("data", "gp3", D(100)),))
    assert priced(engine, own).state.monthly.expected == D("1.1") * 730 + D("0.08") * 100


def test_a_spot_machine_pays_the_whole_uplift(engine: Engine) -> None:
    state = priced(engine, pool("g6.xlarge", purchase_model="spot", charges=(UPLIFT,))).state
    assert state.monthly.expected == (D("0.34") + D("0.2")) * 730


def test_a_monthly_charge_does_not_depend_on_the_hours(engine: Engine) -> None:
    desktop = Charge("managed_service", "desktop-graphics", "desktop", unit="month", monthly=True)
    one = pool(
        "desktop", units=3, charges=(desktop,), machine_billed=False, accelerators=(AttachedAccelerator("L4", D(1)),)
    )
    assert priced(engine, one).state.monthly.expected == D(1500)
    short = replace(one, hours_per_month=D(10), max_hours_per_month=D(10))
    assert priced(engine, short).state.monthly.expected == D(1500)


def test_a_charge_counts_in_its_own_quantity(engine: Engine) -> None:
    vcpus = Charge("managed_service", "pod-vcpu", "vCPUs", quantity=D(8), unit="vCPU-hour", component="compute")
    one = pool("pod", charges=(vcpus,), machine_billed=False, accelerators=(AttachedAccelerator("L4", D(1)),))
    assert priced(engine, one).state.components[0].quantity == 8 * 730


def test_a_charge_for_each_vcpu_counts_those_of_the_machine_that_runs(engine: Engine) -> None:
    """g6.xlarge has 4 vCPUs, p5.48xlarge 192: of the two the dearer runs."""
    fee = Charge("managed_service", "pod-vcpu", "fee", unit="vCPU-hour", per_vcpu=True, essential=False)
    one = priced(engine, pool("g6.xlarge", charges=(fee,))).state
    assert one.components[1].quantity == 4 * 730
    two = priced(engine, pool("g6.xlarge", "p5.48xlarge", pick="dearest", charges=(fee,))).state
    assert two.components[1].quantity == 192 * 730
    assert two.monthly.expected == (D(50) + 192 * D("0.05")) * 730


def test_a_charge_for_each_vcpu_of_a_machine_nobody_knows_is_told(engine: Engine) -> None:
    fee = Charge("managed_service", "pod-vcpu", "fee", unit="vCPU-hour", per_vcpu=True, essential=False)
    found = priced(engine, pool("p9.48xlarge", charges=(fee,)))
    assert found.state.components[1].unit_price is None
    assert [note.code for note in found.notes] == ["unpriced", "unpriced"]


def test_without_the_price_of_what_is_essential_the_whole_is_unpriced(engine: Engine) -> None:
    unknown = MachineOption("ml.p5.48xlarge", machine="p5.48xlarge")
    found = priced(engine, pool(unknown, charges=(BY_SERVICE,), machine_billed=False))
    assert found.state.monthly.expected is None
    assert found.state.components[0].unit_price is None
    assert codes(found) == ["unpriced"]


def test_a_machine_type_that_has_a_price_elsewhere_is_said_to_lack_that_of_the_service(engine: Engine) -> None:
    """g6.xlarge has a price; the service that runs it has none."""
    own = Charge("managed_service", "service-{machine}", "endpoint machine")
    found = priced(engine, pool("g6.xlarge", charges=(own,), machine_billed=False))
    assert [note.message for note in found.notes] == [
        "no on demand price for g6.xlarge (endpoint machine) in us-east-1"
    ]


def test_an_optional_charge_without_a_row_is_none(engine: Engine) -> None:
    optional = replace(UPLIFT, optional=True)
    found = priced(engine, pool("p5.48xlarge", charges=(optional,)))
    assert (found.state.monthly.expected, codes(found)) == (D(50) * 730, [])


def test_an_inessential_charge_without_a_row_leaves_a_lower_bound_and_says_so(engine: Engine) -> None:
    found = priced(engine, pool("p5.48xlarge", charges=(replace(UPLIFT, essential=False),)))
    assert found.state.monthly.expected == D(50) * 730
    assert [(note.code, note.level) for note in found.notes] == [("unpriced", "info")]


def test_of_several_types_the_dearest_with_its_charges_is_taken(engine: Engine) -> None:
    one = pool("g6.xlarge", "p5.48xlarge", pick="dearest", charges=(replace(UPLIFT, optional=True),))
    assert priced(engine, one).state.pools[0].sku == "p5.48xlarge"


def test_a_sensitive_type_does_not_show_in_the_name_of_a_charge(engine: Engine) -> None:
    state = priced(engine, pool("g6.xlarge", charges=(UPLIFT,), sensitive=True)).state
    assert all("g6" not in f"{each.sku} {each.description}" for each in state.components)


def test_what_runs_in_a_reservation_or_only_asks_pays_no_charge(engine: Engine) -> None:
    cases: tuple[dict[str, Any], ...] = ({"covered_by": "aws_ec2_capacity_reservation.a"}, {"role": "demand"})
    for more in cases:
        state = priced(engine, pool("g6.xlarge", charges=(UPLIFT,), **more)).state
        assert (state.components, state.gpus.expected) == ((), 0)


# -- bought once ----------------------------------------------------------------------------------------------------------


def block(hours: int | None, units: int = 2, amount: str | None = None) -> PoolUsage:
    once = Once(None if hours is None else D(hours), None if amount is None else D(amount), "offering of the plan")
    return pool("p5.48xlarge", units=units, purchase_model="capacity_block", once=once)


def test_what_is_bought_for_some_days_is_paid_once_and_falls_into_one_month(engine: Engine) -> None:
    """Two machines for 48 hours at 30 an hour."""
    state = priced(engine, block(48)).state
    assert (state.one_time, state.monthly.expected) == (D(2880), D(2880))
    assert state.pools[0].hours_per_month == 48


def test_of_a_block_over_months_one_month_is_monthly_and_all_of_it_is_paid_once(engine: Engine) -> None:
    state = priced(engine, block(1460)).state
    assert (state.one_time, state.monthly.expected) == (D(30) * 1460 * 2, D(30) * 730 * 2)
    assert state.pools[0].hours_per_month == 730


def test_the_price_that_the_plan_tells_goes_before_the_catalog(engine: Engine) -> None:
    state = priced(engine, block(48, amount="2400")).state
    assert (state.one_time, state.monthly.expected) == (D(2400), D(2400))
    component = state.components[0]
    assert (component.unit_price, component.source, component.as_of) == (D(25), "offering of the plan", None)


def test_a_block_whose_length_is_not_known_has_no_price_paid_once(engine: Engine) -> None:
    state = priced(engine, block(None)).state
    assert state.one_time is None
    assert state.monthly.expected == D(30) * 730 * 2


def test_nothing_is_paid_once_for_what_runs_by_the_hour(engine: Engine) -> None:
    assert priced(engine, pool("p5.48xlarge")).state.one_time is None


# -- reserved capacity ----------------------------------------------------------------------------------------------------


def test_reserved_capacity_is_billed_like_machines_on_demand(engine: Engine) -> None:
    found = priced(engine, pool("p5.48xlarge", units=3, purchase_model="capacity_reservation"))
    assert (found.state.monthly.expected, codes(found)) == (D(50) * 730 * 3, [])
    assert found.state.pools[0].purchase_model == "capacity_reservation"
    assert "capacity reservation" in found.state.components[0].description
