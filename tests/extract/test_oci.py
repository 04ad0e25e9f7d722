"""Oracle Cloud: what is read from instances, groups of them, OKE node pools, Data Science and Generative AI.

Unit prices used here (the catalog's tables, the same in all regions): VM.GPU.A10.1 2 an hour, VM.GPU.A10.2 4, BM.GPU.A10.4 8,
VM.GPU3.1 2.95, BM.GPU4.8 24.4, BM.GPU.H100.8 80. Preemptible machines cost half.
"""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gpuguard.extract.providers.oci.common import region_of_domain
from gpuguard.extract.providers.oci.groups import cron
from gpuguard.model.report import State
from tests.extract.plans import Block, Json, after, codes, const, data, found, plan, ref, report, resource, state

AD = "aCme:US-ASHBURN-AD-1"
MONTH = Decimal(730)
RESERVATION = "oci_core_compute_capacity_reservation.r"


def instance(name: str = "vm", unknown: Json | None = None, expressions: Json | None = None, **values: Any) -> Block:
    own = {"shape": "VM.GPU.A10.1", "availability_domain": AD, **values}
    return resource(
        f"oci_core_instance.{name}", own, unknown={"id": True, **(unknown or {})}, expressions=expressions or {}
    )


def sizes(side: State, position: int = 0) -> tuple[float | None, ...]:
    units = side.pools[position].units
    return units.min, units.expected, units.max


def compute(side: State) -> Decimal:
    return sum((each.monthly or Decimal(0) for each in side.components if each.kind == "compute"), Decimal(0))


# -- places and tags ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "region"),
    [
        pytest.param("Uocm:PHX-AD-1", "us-phoenix-1", id="a code of old"),
        pytest.param("Uocm:US-ASHBURN-AD-3", "us-ashburn-1", id="a name without number"),
        pytest.param("kWVD:EU-FRANKFURT-1-AD-2", "eu-frankfurt-1", id="a region's name"),
        pytest.param("AP-TOKYO-1-AD-1", "ap-tokyo-1", id="without the tenancy's prefix"),
        pytest.param("us-ashburn-1", None, id="no availability domain"),
        pytest.param("", None, id="nothing"),
        pytest.param(None, None, id="not told"),
        pytest.param("x" * 5000 + "-AD-1", None, id="too long for a name"),
    ],
)
def test_an_availability_domain_tells_its_region(name: str | None, region: str | None) -> None:
    assert region_of_domain(name) == region


def test_the_region_is_the_providers_where_no_domain_tells_it(tmp_path: Path) -> None:
    document = plan(instance(availability_domain=None), providers={"oci": {"region": const("uk-london-1")}})
    assert after(document, tmp_path).region == "uk-london-1"


def test_without_any_place_the_price_stands_and_the_region_is_told_as_unknown(tmp_path: Path) -> None:
    """OCI asks the same everywhere: that is no warning."""
    result = report(plan(instance(availability_domain=None)), tmp_path)
    side = result.resources[0].after
    assert side is not None
    assert (side.region, side.monthly.expected) == (None, 2 * MONTH)
    assert [each.level for each in result.diagnostics if each.code == "unknown-region"] == ["info"]


def test_tags_are_free_form_and_defined_ones(tmp_path: Path) -> None:
    block = instance(freeform_tags={"team": "ml"}, defined_tags={"Operations.CostCenter": "42"})
    assert found(plan(block), tmp_path)["oci_core_instance.vm"].tags == {"Operations.CostCenter": "42", "team": "ml"}


# -- instances ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "shape",
    [
        "VM.Standard.E5.Flex",
        "BM.Standard.E5.192",
        "VM.DenseIO.E5.Flex",
        "BM.HPC2.36",
        "VM.Optimized3.Flex",
        "VM.Standard.A1.Flex",
    ],
)
def test_shapes_without_gpus_are_not_reported(shape: str, tmp_path: Path) -> None:
    result = report(plan(instance(shape=shape)), tmp_path)
    assert (result.resources, codes(result)) == ((), set())


def test_preemptible_instances_cost_half(tmp_path: Path) -> None:
    side = after(plan(instance(preemptible_instance_config=[{"preemption_action": [{"type": "TERMINATE"}]}])), tmp_path)
    assert (side.pools[0].purchase_model, compute(side)) == ("spot", MONTH)


@pytest.mark.parametrize(
    ("shape", "state", "hours"),
    [
        pytest.param("VM.GPU.A10.1", "STOPPED", 0, id="the series that pauses"),
        pytest.param("VM.GPU.A10.2", "stopped", 0, id="in lower case"),
        pytest.param("VM.GPU3.1", "STOPPED", 730, id="a virtual machine that does not"),
        pytest.param("BM.GPU.A10.4", "STOPPED", 730, id="bare metal"),
        pytest.param("VM.GPU.A10.1", "RUNNING", 730, id="running"),
    ],
)
def test_stopped_machines_are_billed_by_their_shape(shape: str, state: str, hours: int, tmp_path: Path) -> None:
    """Oracle: resource billing for stopped instances."""
    result = report(plan(instance(shape=shape, state=state)), tmp_path)
    side = result.resources[0].after
    assert side is not None
    assert side.pools[0].hours_per_month == hours
    assert ("billed-while-stopped" in codes(result)) == (state.upper() == "STOPPED" and hours == 730)


def test_volumes_carry_their_performance_in_the_sku(tmp_path: Path) -> None:
    """Balanced, 10 units per GB, where the configuration says nothing."""
    block = instance(
        source_details=[{"boot_volume_size_in_gbs": "200", "boot_volume_vpus_per_gb": "20"}],
        launch_volume_attachments=[{"launch_create_volume_details": [{"size_in_gbs": "500"}]}],
    )
    side = after(plan(block), tmp_path)
    assert [(each.sku, each.quantity) for each in side.components if each.kind == "storage"] == [
        ("block-volume-vpu20", 200),
        ("block-volume-vpu10", 500),
    ]


def test_attached_volumes_count_with_the_instance(tmp_path: Path) -> None:
    blocks = [
        instance(source_details=[{"boot_volume_size_in_gbs": "50"}]),
        resource("oci_core_volume.data", {"size_in_gbs": "1024", "vpus_per_gb": "0"}, unknown={"id": True}),
        resource(
            "oci_core_volume_attachment.data",
            {},
            unknown={"instance_id": True, "volume_id": True},
            expressions={"instance_id": ref("oci_core_instance.vm.id"), "volume_id": ref("oci_core_volume.data.id")},
        ),
    ]
    side = after(plan(*blocks), tmp_path)
    assert [each.sku for each in side.components if each.kind == "storage"] == [
        "block-volume-vpu10",
        "block-volume-vpu0",
    ]


@pytest.mark.parametrize(
    ("values", "licensed"),
    [
        pytest.param({"licensing_configs": [{"type": "WINDOWS"}]}, True, id="a licence of Oracle's"),
        pytest.param(
            {"licensing_configs": [{"type": "WINDOWS", "license_type": "BRING_YOUR_OWN_LICENSE"}]},
            False,
            id="one's own",
        ),
        pytest.param(
            {"source_details": [{"instance_source_image_filter_details": [{"operating_system": "Windows"}]}]},
            True,
            id="an image of Windows",
        ),
        pytest.param({}, False, id="nothing told"),
    ],
)
def test_windows_is_a_licence_that_is_told_where_it_has_no_price(values: Json, licensed: bool, tmp_path: Path) -> None:
    assert ("unpriced-licence" in codes(report(plan(instance(**values)), tmp_path))) == licensed


def test_an_instance_made_from_a_configuration_has_its_shape(tmp_path: Path) -> None:
    blocks = [
        resource(
            "oci_core_instance.vm",
            {"availability_domain": AD},
            unknown={"id": True, "shape": True, "instance_configuration_id": True},
            expressions={"instance_configuration_id": ref("oci_core_instance_configuration.c.id")},
        ),
        configuration("c", "BM.GPU4.8"),
    ]
    result = found(plan(*blocks), tmp_path)["oci_core_instance.vm"]
    assert result.via == ("oci_core_instance_configuration.c",)
    assert result.after is not None
    assert result.after.pools[0].sku == "BM.GPU4.8"


def test_a_shape_that_only_apply_can_tell_is_an_unknown_machine_type(tmp_path: Path) -> None:
    block = resource(
        "oci_core_instance.vm",
        {"availability_domain": AD},
        unknown={"shape": True},
        expressions={"shape": ref("oci_core_shape_finder.x.name")},
    )
    result = report(plan(block, resource("oci_core_shape_finder.x", {}, unknown={"name": True})), tmp_path)
    assert result.resources[0].after is not None
    assert result.resources[0].after.pools[0].sku is None
    assert "unknown-machine-type" in codes(result)


def test_a_shape_of_the_wrong_type_is_told(tmp_path: Path) -> None:
    result = report(plan(instance(shape=7)), tmp_path)
    assert {"unreadable-value", "unknown-machine-type"} <= codes(result)


def test_what_a_state_holds_is_read_alike(tmp_path: Path) -> None:
    block = resource(
        "oci_core_instance.vm", {"shape": "VM.GPU.A10.2", "region": "eu-zurich-1", "availability_domain": "x"}
    )
    side = after(state(block), tmp_path)
    assert (side.region, compute(side)) == ("eu-zurich-1", 4 * MONTH)


def test_a_change_of_shape_shows_both_sides(tmp_path: Path) -> None:
    before = {"shape": "VM.GPU.A10.1", "availability_domain": AD}
    block = resource("oci_core_instance.vm", {**before, "shape": "VM.GPU.A10.2"}, before=before)
    result = found(plan(block), tmp_path)["oci_core_instance.vm"]
    assert result.before is not None
    assert result.after is not None
    assert (compute(result.before), compute(result.after)) == (2 * MONTH, 4 * MONTH)


# -- reservations ---------------------------------------------------------------------------------------------------------


def reservation(shape: str = "VM.GPU.A10.1", count: object = "2") -> Block:
    configs = [{"instance_shape": shape, "reserved_count": count}]
    return resource(
        RESERVATION, {"availability_domain": AD, "instance_reservation_configs": configs}, unknown={"id": True}
    )


RESERVED: Json = {
    "unknown": {"capacity_reservation_id": True},
    "expressions": {"capacity_reservation_id": ref(f"{RESERVATION}.id")},
}


def test_instances_in_a_reservation_add_neither_money_nor_gpus(tmp_path: Path) -> None:
    document = plan(reservation(), instance(**RESERVED))
    summary = report(document, tmp_path).summary
    assert (summary.gpus_after, summary.monthly_after) == (2, 2 * 2 * MONTH)
    assert after(document, tmp_path, "oci_core_instance.vm").pools[0].covered_by == RESERVATION


def test_what_a_reservation_has_no_room_for_is_counted_on_its_own(tmp_path: Path) -> None:
    """A reservation pays for what it reserves: no machine beyond that is hidden behind it."""
    machines = [instance(f"m{number}", **RESERVED) for number in range(3)]
    result = report(plan(reservation(count=2), *machines), tmp_path)
    assert result.summary.gpus_after == 3
    covered = [each.after.pools[0].covered_by for each in result.resources[1:] if each.after is not None]
    assert sorted(covered, key=str) == [None, RESERVATION, RESERVATION]
    assert [each.address for each in result.diagnostics if each.code == "reservation-too-small"] == [
        "oci_core_instance.m2"
    ]


@pytest.mark.parametrize(
    ("reserved", "expected"),
    [
        pytest.param("2", [(RESERVATION, 2), (None, 3)], id="less than the pool"),
        pytest.param("5", [(RESERVATION, 5)], id="as many as the pool"),
        pytest.param("0", [(None, 5)], id="nothing"),
    ],
)
def test_a_node_pool_is_covered_as_far_as_it_is_reserved(
    reserved: str, expected: list[tuple[str | None, int]], tmp_path: Path
) -> None:
    pools = node_pool([{**PLACE, "capacity_reservation_id": "ocid1.reservation"}], 5)
    block = reservation(count=reserved)
    known = resource(RESERVATION, {**(block.after or {}), "id": "ocid1.reservation"})
    side = after(plan(known, pools), tmp_path, "oci_containerengine_node_pool.p")
    assert [(each.covered_by, each.units.expected) for each in side.pools] == expected


def test_a_reservation_for_another_shape_covers_nothing(tmp_path: Path) -> None:
    result = report(plan(reservation("BM.GPU4.8", "1"), instance(**RESERVED)), tmp_path)
    assert result.summary.gpus_after == 9


def test_an_attribute_that_is_left_to_the_provider_refers_to_no_reservation(tmp_path: Path) -> None:
    """capacity_reservation_id is unknown on every new instance, whether it is written or not."""
    result = report(plan(reservation(), instance(unknown={"capacity_reservation_id": True})), tmp_path)
    assert result.summary.gpus_after == 3


def test_a_reservation_of_unknown_size_has_no_total(tmp_path: Path) -> None:
    block = resource(
        RESERVATION,
        {"availability_domain": AD, "instance_reservation_configs": [{"instance_shape": "BM.GPU4.8"}]},
        unknown={"instance_reservation_configs": [{"reserved_count": True}]},
        expressions={"instance_reservation_configs": [{"reserved_count": ref("random_integer.x.result")}]},
    )
    side = after(plan(block, resource("random_integer.x", {}, unknown={"result": True})), tmp_path, RESERVATION)
    assert (sizes(side), side.monthly.expected) == ((None, None, None), None)


# -- pools, networks, autoscaling -----------------------------------------------------------------------------------------


def configuration(name: str, *shapes: str, **values: Any) -> Block:
    first, *others = ({"launch_details": [{"shape": shape}]} for shape in shapes)
    details = {"instance_type": "compute", **first, "options": others, **values}
    return resource(f"oci_core_instance_configuration.{name}", {"instance_details": [details]}, unknown={"id": True})


def pool(size: object = 2, name: str = "p", of: str = "c", **values: Any) -> Block:
    own = {"size": size, "placement_configurations": [{"availability_domain": AD}], **values}
    return resource(
        f"oci_core_instance_pool.{name}",
        own,
        unknown={"id": True, "instance_configuration_id": True},
        expressions={"instance_configuration_id": ref(f"oci_core_instance_configuration.{of}.id")},
    )


def scaling(*policies: Json, target: str = "oci_core_instance_pool.p.id", **values: Any) -> Block:
    return resource(
        "oci_autoscaling_auto_scaling_configuration.a",
        {"auto_scaling_resources": [{"type": "instancePool"}], "policies": list(policies), **values},
        unknown={"auto_scaling_resources": [{"id": True}]},
        expressions={"auto_scaling_resources": [{"id": ref(target)}], "policies": [{} for _ in policies]},
    )


def threshold(initial: int | None, least: int, most: int) -> Json:
    return {"policy_type": "threshold", "capacity": [{"initial": initial, "min": least, "max": most}]}


def scheduled(expression: str, initial: int | None = None, action: str | None = None, timezone: str = "UTC") -> Json:
    found: Json = {"policy_type": "scheduled", "execution_schedule": [{"expression": expression, "timezone": timezone}]}
    if initial is not None:
        found["capacity"] = [{"initial": initial}]
    if action is not None:
        found["resource_action"] = [{"action": action, "action_type": "power"}]
    return found


def test_a_pool_is_as_many_of_its_configuration(tmp_path: Path) -> None:
    result = found(plan(pool(), configuration("c", "BM.GPU.A10.4")), tmp_path)["oci_core_instance_pool.p"]
    assert result.after is not None
    assert (result.via, sizes(result.after), compute(result.after)) == (
        ("oci_core_instance_configuration.c",),
        (2, 2, 2),
        2 * 8 * MONTH,
    )


def test_a_pool_of_none_costs_nothing(tmp_path: Path) -> None:
    assert after(plan(pool(0), configuration("c", "BM.GPU.A10.4")), tmp_path).monthly.max == 0


def test_of_several_options_of_a_configuration_the_dearest_counts(tmp_path: Path) -> None:
    side = after(plan(pool(1), configuration("c", "VM.GPU.A10.1", "VM.GPU3.1")), tmp_path)
    assert (side.pools[0].sku, side.pools[0].candidates) == ("VM.GPU3.1", ("VM.GPU.A10.1",))


def test_a_configuration_made_from_an_instance_has_its_shape(tmp_path: Path) -> None:
    made = resource(
        "oci_core_instance_configuration.c",
        {"source": "INSTANCE"},
        unknown={"id": True, "instance_id": True, "instance_details": True},
        expressions={"instance_id": ref("oci_core_instance.vm.id")},
    )
    side = after(plan(pool(), made, instance(shape="BM.GPU4.8")), tmp_path, "oci_core_instance_pool.p")
    assert side.pools[0].sku == "BM.GPU4.8"


def test_a_pool_whose_configuration_is_elsewhere_has_an_unknown_machine_type(tmp_path: Path) -> None:
    block = resource(
        "oci_core_instance_pool.p", {"size": 1, "instance_configuration_id": "ocid1.instanceconfiguration.x"}
    )
    assert "unknown-machine-type" in codes(report(plan(block), tmp_path))


def test_an_unused_configuration_is_told_and_costs_nothing(tmp_path: Path) -> None:
    result = report(plan(configuration("c", "BM.GPU4.8")), tmp_path)
    assert (result.resources, codes(result)) == ((), {"unused-template"})


def test_a_plain_configuration_is_not_told(tmp_path: Path) -> None:
    result = report(plan(configuration("c", "VM.Standard.E5.Flex"), pool()), tmp_path)
    assert (result.resources, codes(result)) == ((), set())


@pytest.mark.parametrize(
    ("own", "policy", "expected"),
    [
        pytest.param(1, threshold(2, 1, 5), (1, 2, 5), id="the initial size of the policy"),
        pytest.param(3, threshold(None, 1, 5), (1, 3, 5), id="the pool's own size without one"),
        pytest.param(9, threshold(None, 1, 5), (1, 5, 5), id="brought within the bounds"),
        pytest.param(1, {**threshold(2, 1, 5), "is_enabled": False}, (1, 1, 1), id="a policy that is off"),
    ],
)
def test_autoscaling_by_load_gives_bounds(own: int, policy: Json, expected: tuple[int, ...], tmp_path: Path) -> None:
    side = after(plan(pool(own), configuration("c", "VM.GPU3.1"), scaling(policy)), tmp_path)
    assert sizes(side) == expected


def test_autoscaling_that_is_off_changes_nothing(tmp_path: Path) -> None:
    blocks = [pool(1), configuration("c", "VM.GPU3.1"), scaling(threshold(2, 1, 5), is_enabled=False)]
    assert sizes(after(plan(*blocks), tmp_path)) == (1, 1, 1)


def test_scheduled_policies_set_sizes_and_hours(tmp_path: Path) -> None:
    """4 machines for 60 of 168 hours a week, 1 for the other 108: 348 machine-hours a week, by the 4 that are expected."""
    policies = [scheduled("0 0 7 ? * MON-FRI *", 4), scheduled("0 0 19 ? * MON-FRI *", 1)]
    side = after(plan(pool(1), configuration("c", "VM.GPU3.1"), scaling(*policies)), tmp_path)
    assert sizes(side) == (1, 4, 4)
    assert side.pools[0].hours_per_month == pytest.approx(348 / 4 * 730 / 168)
    assert side.monthly.expected == side.monthly.max
    assert float(compute(side)) == pytest.approx(348 * 730 / 168 * 2.95)


@pytest.mark.parametrize(("shape", "hours"), [("VM.GPU.A10.1", 50 * 730 / 168), ("VM.GPU3.1", 730)])
def test_a_schedule_that_stops_machines_saves_only_where_billing_pauses(
    shape: str, hours: float, tmp_path: Path
) -> None:
    policies = [scheduled("0 0 8 ? * MON-FRI", action="START"), scheduled("0 0 18 ? * MON-FRI", action="STOP")]
    side = after(plan(pool(2), configuration("c", shape), scaling(*policies)), tmp_path)
    assert sizes(side)[1] == 2
    assert side.pools[0].hours_per_month == pytest.approx(hours)


@pytest.mark.parametrize("expression", ["", "junk", "0 0 7 ? * MON-FRI 2031", "0 99 7 * * ? *"])
def test_a_schedule_that_cannot_be_read_is_left_out_and_told(expression: str, tmp_path: Path) -> None:
    blocks = [pool(1), configuration("c", "VM.GPU3.1"), scaling(scheduled(expression, 3))]
    result = report(plan(*blocks), tmp_path)
    assert result.resources[0].after is not None
    assert (sizes(result.resources[0].after), result.resources[0].after.pools[0].hours_per_month) == ((1, 1, 1), 730)
    assert "unread-schedule" in codes(result)


def test_quartz_expressions_become_five_fields() -> None:
    assert cron("0 30 7 ? * 2-6 *") == "30 7 * * 1-5"
    assert cron("0 0 7 * * ?") == "0 7 * * *"
    assert cron("0 7 * * *") is None


def test_a_cluster_network_is_its_instance_pools(tmp_path: Path) -> None:
    block = resource(
        "oci_core_cluster_network.n",
        {"instance_pools": [{"size": 3}], "placement_configuration": [{"availability_domain": AD}]},
        unknown={"id": True, "instance_pools": [{"instance_configuration_id": True}]},
        expressions={"instance_pools": [{"instance_configuration_id": ref("oci_core_instance_configuration.c.id")}]},
    )
    side = after(plan(block, configuration("c", "BM.GPU4.8")), tmp_path)
    assert (side.region, sizes(side), compute(side)) == ("us-ashburn-1", (3, 3, 3), 3 * Decimal("24.4") * MONTH)


@pytest.mark.parametrize(
    ("values", "unknown", "expected"),
    [
        pytest.param({"size": "6"}, {}, (6, 6, 6), id="a size"),
        pytest.param(
            {"size": "6", "gpu_memory_cluster_scale_config": [{"is_upsize_enabled": True, "target_size": "18"}]},
            {},
            (6, 6, 18),
            id="that may grow",
        ),
        pytest.param(
            {"gpu_memory_cluster_scale_config": [{"is_upsize_enabled": True, "target_size": "4"}]},
            {},
            (4, 4, 4),
            id="a target alone",
        ),
        pytest.param({}, {"size": True}, (None, None, None), id="as many as the fabric has"),
    ],
)
def test_sizes_of_gpu_memory_clusters(
    values: Json, unknown: Json, expected: tuple[int | None, ...], tmp_path: Path
) -> None:
    block = resource(
        "oci_core_compute_gpu_memory_cluster.g",
        {"availability_domain": AD, **values},
        unknown={"id": True, "instance_configuration_id": True, **unknown},
        expressions={"instance_configuration_id": ref("oci_core_instance_configuration.c.id")},
    )
    assert sizes(after(plan(block, configuration("c", "BM.GPU.GB200.4")), tmp_path)) == expected


# -- schedules of the resource scheduler ----------------------------------------------------------------------------------


def switch(action: str, cron_text: str, **values: Any) -> Block:
    return resource(
        f"oci_resource_scheduler_schedule.{action.lower()}",
        {
            "action": f"{action}_RESOURCE",
            "recurrence_type": "CRON",
            "recurrence_details": cron_text,
            "resources": [{}],
            **values,
        },
        unknown={"resources": [{"id": True}]},
        expressions={"resources": [{"id": ref("oci_core_instance.vm.id")}]},
    )


@pytest.mark.parametrize(
    ("shape", "blocks", "hours"),
    [
        pytest.param(
            "VM.GPU.A10.1", [switch("START", "0 8 * * 1-5"), switch("STOP", "0 18 * * 1-5")], 50 * 730 / 168, id="both"
        ),
        pytest.param("VM.GPU.A10.1", [switch("STOP", "0 18 * * 1-5")], 730, id="stopped, never started"),
        pytest.param(
            "VM.GPU.A10.1",
            [switch("START", "0 8 * * 1-5", state="INACTIVE"), switch("STOP", "0 18 * * 1-5")],
            730,
            id="one that is off",
        ),
        pytest.param(
            "VM.GPU.A10.1", [switch("START", "FREQ=DAILY"), switch("STOP", "FREQ=DAILY")], 730, id="calendar rules"
        ),
        pytest.param(
            "BM.GPU4.8",
            [switch("START", "0 8 * * 1-5"), switch("STOP", "0 18 * * 1-5")],
            730,
            id="billed while stopped",
        ),
    ],
)
def test_the_resource_scheduler_leaves_hours(shape: str, blocks: list[Block], hours: float, tmp_path: Path) -> None:
    side = after(plan(instance(shape=shape), *blocks), tmp_path)
    assert side.pools[0].hours_per_month == pytest.approx(hours)


# -- OKE ------------------------------------------------------------------------------------------------------------------


def node_pool(placements: list[Json], size: object = 5, unknown: Json | None = None, **values: Any) -> Block:
    own = {
        "node_shape": "VM.GPU.A10.1",
        "node_config_details": [{"size": size, "placement_configs": placements}],
        **values,
    }
    return resource("oci_containerengine_node_pool.p", own, unknown={"id": True, **(unknown or {})})


PLACE: Json = {"availability_domain": AD}
PREEMPTIBLE: Json = {**PLACE, "preemptible_node_config": [{"preemption_action": [{"type": "TERMINATE"}]}]}


@pytest.mark.parametrize(
    ("placements", "expected"),
    [
        pytest.param([PLACE], [("on_demand", 5)], id="one placement"),
        pytest.param([PLACE, PLACE, PLACE], [("on_demand", 5)], id="three alike"),
        pytest.param([PREEMPTIBLE], [("spot", 5)], id="all preemptible"),
        pytest.param([PREEMPTIBLE, PLACE], [("on_demand", 3), ("spot", 2)], id="half: the odd one is on demand"),
        pytest.param([PREEMPTIBLE, PLACE, PREEMPTIBLE], [("on_demand", 2), ("spot", 3)], id="a third on demand"),
        pytest.param([], [("on_demand", 5)], id="no placement told"),
    ],
)
def test_nodes_are_spread_over_the_placements(placements: list[Json], expected: list[Any], tmp_path: Path) -> None:
    side = after(plan(node_pool(placements)), tmp_path)
    assert [(each.purchase_model, each.units.expected) for each in side.pools] == expected


def test_a_node_pool_of_the_old_kind_counts_by_subnets(tmp_path: Path) -> None:
    block = resource(
        "oci_containerengine_node_pool.p",
        {"node_shape": "VM.GPU3.1", "quantity_per_subnet": 2, "subnet_ids": ["a", "b", "c"]},
    )
    assert sizes(after(plan(block), tmp_path)) == (6, 6, 6)


def test_a_plain_node_pool_is_not_reported(tmp_path: Path) -> None:
    assert report(plan(node_pool([PLACE], node_shape="VM.Standard.E5.Flex")), tmp_path).resources == ()


ADDON: Json = {"addon_name": "ClusterAutoscaler"}


def test_bounds_in_a_text_with_the_pools_id_are_unknown(tmp_path: Path) -> None:
    addon = resource(
        "oci_containerengine_addon.a",
        {**ADDON, "configurations": [{"key": "nodes"}]},
        unknown={"configurations": [{"value": True}]},
        expressions={"configurations": [{"key": const("nodes"), "value": ref("oci_containerengine_node_pool.p.id")}]},
    )
    result = report(plan(node_pool([PLACE], 2), addon), tmp_path)
    assert result.resources[0].after is not None
    assert sizes(result.resources[0].after) == (None, 2, None)
    assert "unknown-bounds" in codes(result)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("1:8:ocid1.pool", (1, 5, 8), id="its own"),
        pytest.param("0:3:ocid1.other, 2:9:ocid1.pool", (2, 5, 9), id="among others"),
        pytest.param("1:8:ocid1.other", (5, 5, 5), id="another's"),
        pytest.param("1:eight:ocid1.pool", (5, 5, 5), id="no number"),
        pytest.param("::::", (5, 5, 5), id="junk"),
    ],
)
def test_bounds_of_a_pool_that_exists_are_read(text: str, expected: tuple[int, ...], tmp_path: Path) -> None:
    values = {
        "id": "ocid1.pool",
        "cluster_id": "ocid1.cluster",
        "node_shape": "VM.GPU3.1",
        "node_config_details": [{"size": 5, "placement_configs": [PLACE]}],
    }
    blocks = [
        resource("oci_containerengine_cluster.c", {"id": "ocid1.cluster"}, before={"id": "ocid1.cluster"}),
        resource("oci_containerengine_node_pool.p", values, before=values),
        resource(
            "oci_containerengine_addon.a",
            {**ADDON, "cluster_id": "ocid1.cluster", "configurations": [{"key": "nodes", "value": text}]},
        ),
    ]
    assert sizes(after(plan(*blocks), tmp_path)) == expected


# -- Data Science and Generative AI ---------------------------------------------------------------------------------------


def job_run(**values: Any) -> Block:
    return resource(
        "oci_datascience_job_run.r",
        values,
        unknown={"id": True, "job_id": True},
        expressions={"job_id": ref("oci_datascience_job.j.id")},
    )


def job(minutes: str | None = None, **values: Any) -> Block:
    infrastructure = [{"shape_name": "BM.GPU4.8", "job_infrastructure_type": "STANDALONE"}]
    own = {"job_configuration_details": [{"maximum_runtime_in_minutes": minutes}], **values}
    own.setdefault("job_infrastructure_configuration_details", infrastructure)
    return resource("oci_datascience_job.j", own, unknown={"id": True})


PLACED: Json = {"providers": {"oci": {"region": const("uk-london-1")}}}


@pytest.mark.parametrize(
    ("run", "of", "expected"),
    [
        pytest.param({}, job("720"), [("BM.GPU4.8", 1, 12)], id="the job's limit"),
        pytest.param({}, job(), [("BM.GPU4.8", 1, 730)], id="no limit"),
        pytest.param(
            {"job_configuration_override_details": [{"maximum_runtime_in_minutes": "60"}]},
            job("720"),
            [("BM.GPU4.8", 1, 1)],
            id="the run's own limit",
        ),
        pytest.param(
            {"job_infrastructure_configuration_override_details": [{"shape_name": "VM.GPU.A10.1"}]},
            job("60"),
            [("VM.GPU.A10.1", 1, 1)],
            id="the run's own machine",
        ),
        pytest.param(
            {},
            job(
                "60",
                job_node_configuration_details=[
                    {"job_node_group_configuration_details_list": [{"name": "a", "replicas": 3}]}
                ],
            ),
            [("BM.GPU4.8", 3, 1)],
            id="several nodes",
        ),
        pytest.param({}, job("99999999"), [("BM.GPU4.8", 1, 730)], id="never more than a month"),
    ],
)
def test_runs_of_a_job_last_their_limit(run: Json, of: Block, expected: list[Any], tmp_path: Path) -> None:
    side = after(plan(job_run(**run), of, **PLACED), tmp_path)
    assert [(each.sku, each.units.expected, each.hours_per_month) for each in side.pools] == expected


def test_a_run_of_a_plain_job_is_not_reported(tmp_path: Path) -> None:
    plain = job(job_infrastructure_configuration_details=[{"shape_name": "VM.Standard.E4.Flex"}])
    assert report(plan(job_run(), plain, **PLACED), tmp_path).resources == ()


def test_a_run_of_a_job_elsewhere_is_unknown(tmp_path: Path) -> None:
    block = resource("oci_datascience_job_run.r", {"job_id": "ocid1.datasciencejob.x"})
    assert "unknown-machine-type" in codes(report(plan(block, **PLACED), tmp_path))


@pytest.mark.parametrize(
    ("shape", "gpu", "count"),
    [
        pytest.param("H100_X4", "H100-80GB", 4, id="named by its GPUs"),
        pytest.param("a10_x1", "A10", 1, id="in lower case"),
        pytest.param("A100_80G_X2", "A100-80GB", 2, id="with their memory"),
        pytest.param("LARGE_COHERE", "dedicated AI unit", 1, id="not told"),
    ],
)
def test_dedicated_ai_clusters_are_reported_without_a_price(shape: str, gpu: str, count: int, tmp_path: Path) -> None:
    block = resource("oci_generative_ai_dedicated_ai_cluster.g", {"unit_shape": shape, "unit_count": 2})
    result = report(plan(block, **PLACED), tmp_path)
    side = result.resources[0].after
    assert side is not None
    assert side.pools[0].gpu is not None
    assert (side.pools[0].gpu.model, side.pools[0].gpu.per_unit, side.pools[0].units.expected) == (gpu, count, 2)
    assert (side.monthly.expected, result.summary.unpriced) == (None, 1)


def test_a_data_source_costs_nothing(tmp_path: Path) -> None:
    assert report(plan(data("data.oci_core_instance.x", {"shape": "BM.GPU4.8"})), tmp_path).resources == ()
