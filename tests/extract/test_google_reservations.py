"""Google Cloud: reservations, future reservations, resize requests, sole-tenant nodes, and what runs in them.

Unit prices used here, us-central1 (the catalog's tables): g2-standard-4 0.706832 an hour, g2-standard-8 0.853624,
a2-highgpu-1g 3.673385 and 2.02038 as flex start, a3-ultragpu-8g 59.36 in calendar mode; n1-standard-8 with a T4 for a month
with sustained use 8 × 0.031611 + 30 × 0.004237 + 0.35 an hour, less 30 %: 373.028978; pd-balanced 0.10, local SSD 0.08.
"""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gpuguard.model.report import State
from tests.extract.plans import Block, Json, after, codes, const, found, plan, ref, report, resource

ZONE = "us-central1-a"
BY_NAME = "compute.googleapis.com/reservation-name"


def reservation(name: str = "r", count: Any = 2, machine: str = "g2-standard-4", **values: Any) -> Block:
    properties = values.pop("properties", {"machine_type": machine, "guest_accelerators": [], "local_ssds": []})
    own = {
        "name": name,
        "zone": ZONE,
        "specific_reservation_required": True,
        "specific_reservation": [{"count": count, "instance_properties": [properties]}],
        **values,
    }
    return resource(f"google_compute_reservation.{name}", own, unknown={"id": True, "self_link": True})


def affinity(*names: str, kind: str = "SPECIFIC_RESERVATION") -> list[Json]:
    return [{"type": kind, "specific_reservation": [{"key": BY_NAME, "values": list(names)}] if names else []}]


def instance(name: str = "vm", machine: str = "g2-standard-4", **values: Any) -> Block:
    own = {"name": name, "machine_type": machine, "zone": ZONE, **values}
    return resource(f"google_compute_instance.{name}", own)


def shape(side: State | None) -> list[tuple[float | None, float | None, str | None]]:
    assert side is not None
    return [(pool.units.expected, pool.units.max, pool.covered_by) for pool in side.pools]


# -- the reservation itself -----------------------------------------------------------------------------------------------


def test_a_reservation_is_billed_used_or_not(tmp_path: Path) -> None:
    """3 × 730 × 0.706832."""
    side = after(plan(reservation(count=3)), tmp_path)
    assert side.monthly.expected == Decimal("1547.96208")
    assert (side.gpus.expected, side.pools[0].purchase_model, side.region) == (3, "capacity_reservation", "us-central1")


def test_attached_gpus_and_local_ssds_are_reserved_with_the_machine(tmp_path: Path) -> None:
    """373.028978 + 2 × 375 × 0.08."""
    properties = {
        "machine_type": "n1-standard-8",
        "guest_accelerators": [{"accelerator_type": "nvidia-tesla-t4", "accelerator_count": 1}],
        "local_ssds": [{"disk_size_gb": 375, "interface": "NVME"}] * 2,
    }
    side = after(plan(reservation(count=1, properties=properties)), tmp_path)
    assert side.monthly.expected == Decimal("433.028978")
    assert side.gpus.expected == 1


def test_a_reservation_by_template_has_its_machine_and_not_its_disks(tmp_path: Path) -> None:
    """730 × 3.673385."""
    template = resource(
        "google_compute_instance_template.t",
        {
            "machine_type": "a2-highgpu-1g",
            "disk": [{"boot": True, "disk_size_gb": 100, "source_image": "windows-cloud/windows-2022"}],
            "network_interface": [{"access_config": [{}]}],
        },
        unknown={"id": True, "self_link": True},
    )
    block = resource(
        "google_compute_reservation.r",
        {"name": "r", "zone": ZONE, "specific_reservation": [{"count": 1, "instance_properties": []}]},
        unknown={"specific_reservation": [{"source_instance_template": True}]},
        expressions={
            "specific_reservation": [
                {"count": const(1), "source_instance_template": ref("google_compute_instance_template.t.self_link")}
            ]
        },
    )
    result = report(plan(template, block), tmp_path)
    (only,) = result.resources
    assert only.after is not None
    assert (only.after.monthly.expected, only.via) == (
        Decimal("2681.57105"),
        ("google_compute_instance_template.t",),
    )
    assert "unused-template" not in codes(result)


def test_a_reservation_that_is_deleted_after_a_time_is_paid_once(tmp_path: Path) -> None:
    """2 × 100 h × 0.706832."""
    side = after(plan(reservation(delete_after_duration=[{"seconds": "360000", "nanos": 0}])), tmp_path)
    assert (side.one_time, side.pools[0].hours_per_month) == (Decimal("141.3664"), 100)


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"machine": "n2-standard-8"}, id="of plain machines"),
        pytest.param({"machine": "n1-standard-8"}, id="of N1 machines without a GPU"),
    ],
)
def test_reservations_without_accelerators_stay_silent(values: Json, tmp_path: Path) -> None:
    """Out of scope."""
    assert not found(plan(reservation(**values)), tmp_path)


def test_a_count_that_only_apply_can_tell_is_unknown(tmp_path: Path) -> None:
    """Never zero."""
    block = resource(
        "google_compute_reservation.r",
        {"zone": ZONE, "specific_reservation": [{"instance_properties": [{"machine_type": "g2-standard-4"}]}]},
        unknown={"specific_reservation": [{"count": True}]},
        expressions={"specific_reservation": [{"count": ref("random_integer.n.result")}]},
    )
    side = after(
        plan(block, resource("random_integer.n", {}, unknown={"result": True})),
        tmp_path,
        "google_compute_reservation.r",
    )
    assert (side.pools[0].units.expected, side.monthly.expected) == (None, None)


# -- what runs in a reservation -------------------------------------------------------------------------------------------


def test_machines_that_name_a_reservation_add_nothing_as_far_as_it_reaches(tmp_path: Path) -> None:
    """Three instances, two places: who names one reservation alone cannot start elsewhere, and that is told."""
    blocks = [instance(f"vm{index}", reservation_affinity=affinity("r")) for index in range(3)]
    result = report(plan(reservation(), *blocks), tmp_path)
    covered = {each.address: shape(each.after) for each in result.resources}
    assert all(
        covered[f"google_compute_instance.vm{index}"][0][2] == "google_compute_reservation.r" for index in range(3)
    )
    assert (result.summary.gpus_after, result.summary.monthly_after) == (2, Decimal("1031.97472"))
    assert "reservation-exceeded" in codes(result)


def test_who_may_run_elsewhere_is_billed_for_what_does_not_fit(tmp_path: Path) -> None:
    """SPECIFIC_THEN_ANY_RESERVATION: the third is on demand, 730 × 0.706832."""
    kind = "SPECIFIC_THEN_ANY_RESERVATION"
    blocks = [instance(f"vm{index}", reservation_affinity=affinity("r", kind=kind)) for index in range(3)]
    result = found(plan(reservation(), *blocks), tmp_path)
    last = result["google_compute_instance.vm2"].after
    assert last is not None
    assert (shape(last), last.monthly.expected) == ([(1, 1, None)], Decimal("515.98736"))


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("r", id="by its name"),
        pytest.param("projects/acme/reservations/r", id="by its path in another project"),
        pytest.param("projects/acme/zones/us-central1-a/reservations/r", id="by its whole path"),
        pytest.param("r/reservationBlocks/block-0001", id="by a block of it"),
    ],
)
def test_a_reservation_is_named_in_several_ways(value: str, tmp_path: Path) -> None:
    """All of them mean the same."""
    value = value if "/" not in value or value.startswith("projects") else f"projects/acme/reservations/{value}"
    result = found(plan(reservation(), instance(reservation_affinity=affinity(value))), tmp_path)
    assert shape(result["google_compute_instance.vm"].after) == [(1, 1, "google_compute_reservation.r")]


def test_a_reservation_behind_an_unknown_name_is_followed(tmp_path: Path) -> None:
    """Its name ends in a random suffix."""
    random = resource("random_id.x", {}, unknown={"hex": True})
    held = resource(
        "google_compute_reservation.r",
        {
            "zone": ZONE,
            "specific_reservation_required": True,
            "specific_reservation": [{"count": 1, "instance_properties": [{"machine_type": "g2-standard-4"}]}],
        },
        unknown={"id": True, "name": True},
        expressions={"name": ref("random_id.x.hex")},
    )
    block = resource(
        "google_compute_instance.vm",
        {
            "machine_type": "g2-standard-4",
            "zone": ZONE,
            "reservation_affinity": [
                {"type": "SPECIFIC_RESERVATION", "specific_reservation": [{"key": BY_NAME, "values": [None]}]}
            ],
        },
        unknown={"reservation_affinity": [{"specific_reservation": [{"values": [True]}]}]},
        expressions={
            "reservation_affinity": [
                {
                    "type": const("SPECIFIC_RESERVATION"),
                    "specific_reservation": [{"values": ref("google_compute_reservation.r.name")}],
                }
            ]
        },
    )
    result = found(plan(random, held, block), tmp_path)
    assert shape(result["google_compute_instance.vm"].after) == [(1, 1, "google_compute_reservation.r")]


def test_a_reservation_that_the_plan_does_not_hold_covers_nothing_and_is_told(tmp_path: Path) -> None:
    """Priced as on demand."""
    bound = [{"provisioning_model": "RESERVATION_BOUND"}]
    result = report(plan(instance(reservation_affinity=affinity("elsewhere"), scheduling=bound)), tmp_path)
    assert result.resources[0].after is not None
    assert result.resources[0].after.monthly.expected == Decimal("515.98736")
    assert "outside-reservation" in codes(result)


PROPERTIES: Json = {
    "machine_type": "n1-standard-8",
    "min_cpu_platform": None,
    "guest_accelerators": [{"accelerator_type": "nvidia-tesla-t4", "accelerator_count": 1}],
    "local_ssds": [],
}
T4 = [{"type": "nvidia-tesla-t4", "count": 1}]


@pytest.mark.parametrize(
    ("held", "values", "covered"),
    [
        pytest.param({}, {}, True, id="the same properties"),
        pytest.param({}, {"reservation_affinity": affinity(kind="ANY_RESERVATION")}, True, id="any, as it says itself"),
        pytest.param(
            {}, {"reservation_affinity": affinity(kind="NO_RESERVATION")}, False, id="none, as it says itself"
        ),
        pytest.param({"specific_reservation_required": True}, {}, False, id="a reservation that wants to be named"),
        pytest.param({"zone": "us-central1-b"}, {}, False, id="another zone"),
        pytest.param({}, {"machine_type": "n1-standard-4"}, False, id="another machine type"),
        pytest.param({}, {"guest_accelerator": [{"type": "nvidia-tesla-t4", "count": 2}]}, False, id="more GPUs"),
        pytest.param({}, {"guest_accelerator": [{"type": "nvidia-tesla-p4", "count": 1}]}, False, id="other GPUs"),
        pytest.param({}, {"min_cpu_platform": "Intel Skylake"}, False, id="another CPU platform"),
        pytest.param({}, {"scratch_disk": [{"interface": "NVME", "size": 375}]}, False, id="a local SSD more"),
        pytest.param({}, {"scheduling": [{"provisioning_model": "SPOT"}]}, False, id="Spot"),
        pytest.param({}, {"scheduling": [{"provisioning_model": "FLEX_START"}]}, False, id="flex start"),
        pytest.param({}, {"desired_status": "TERMINATED"}, False, id="a stopped instance"),
    ],
)
def test_a_reservation_without_a_name_takes_machines_with_its_properties(
    held: Json, values: Json, covered: bool, tmp_path: Path
) -> None:
    """https://cloud.google.com/compute/docs/instances/reservations-consume: all of them must be the same."""
    block = reservation(count=1, properties=PROPERTIES, specific_reservation_required=False)
    assert block.after is not None
    block.after.update(held)
    vm = instance(machine="n1-standard-8", **{"guest_accelerator": T4, **values})
    result = found(plan(block, vm), tmp_path)
    side = result["google_compute_instance.vm"].after
    assert side is not None
    assert (side.pools[0].covered_by == "google_compute_reservation.r") == covered


def test_disks_of_a_covered_machine_are_left_out_and_that_is_told(tmp_path: Path) -> None:
    """A pool in a reservation adds no money."""
    boot = [{"initialize_params": [{"size": 100, "type": "pd-balanced", "image": "debian-cloud/debian-12"}]}]
    result = report(plan(reservation(), instance(reservation_affinity=affinity("r"), boot_disk=boot)), tmp_path)
    vm = next(each for each in result.resources if each.type == "google_compute_instance")
    assert vm.after is not None
    assert vm.after.monthly.expected == 0
    assert "reservation-disks" in codes(result)


def test_the_order_of_the_document_decides_who_gets_the_last_place(tmp_path: Path) -> None:
    """Deterministic, and the same on both sides of an untouched plan."""
    properties = {**PROPERTIES}
    held = reservation(count=1, properties=properties, specific_reservation_required=False)
    first, second = (instance(name, "n1-standard-8", guest_accelerator=T4) for name in ("a", "b"))
    blocks = [resource(each.address, each.after, before=each.after) for each in (held, first, second)]
    result = found(plan(*blocks), tmp_path)
    for side in ("before", "after"):
        assert shape(getattr(result["google_compute_instance.a"], side)) == [(1, 1, "google_compute_reservation.r")]
        assert shape(getattr(result["google_compute_instance.b"], side)) == [(1, 1, None)]


def test_node_pools_run_in_a_reservation_only_where_they_say_so(tmp_path: Path) -> None:
    """GKE takes no reservation by itself (how-to/consuming-reservations)."""
    cluster = resource("google_container_cluster.c", {"name": "c", "location": ZONE}, unknown={"id": True})

    def pool(name: str, config: Json) -> Block:
        own = {
            "name": name,
            "cluster": "c",
            "node_count": 1,
            "node_config": [{"machine_type": "g2-standard-4", **config}],
        }
        return resource(f"google_container_node_pool.{name}", own, unknown={"id": True})

    silent = pool("silent", {})
    any_ = pool("any", {"reservation_affinity": [{"consume_reservation_type": "ANY_RESERVATION"}]})
    named = pool(
        "named",
        {
            "reservation_affinity": [
                {"consume_reservation_type": "SPECIFIC_RESERVATION", "key": BY_NAME, "values": ["held"]}
            ]
        },
    )
    document = plan(
        cluster,
        reservation("open", specific_reservation_required=False),
        reservation("held"),
        silent,
        any_,
        named,
    )
    result = found(document, tmp_path)
    covers = {
        name: shape(result[f"google_container_node_pool.{name}"].after)[0][2] for name in ("silent", "any", "named")
    }
    assert covers == {
        "silent": None,
        "any": "google_compute_reservation.open",
        "named": "google_compute_reservation.held",
    }


def test_a_pool_that_grows_beyond_a_reservation_it_need_not_name_pays_for_the_rest(tmp_path: Path) -> None:
    """0…1…4 nodes, two of them reserved."""
    cluster = resource("google_container_cluster.c", {"name": "c", "location": ZONE}, unknown={"id": True})
    own = {
        "name": "p",
        "cluster": "c",
        "initial_node_count": 1,
        "autoscaling": [{"min_node_count": 0, "max_node_count": 4}],
        "node_config": [
            {
                "machine_type": "g2-standard-4",
                "reservation_affinity": [{"consume_reservation_type": "ANY_RESERVATION"}],
            }
        ],
    }
    document = plan(
        cluster,
        reservation(specific_reservation_required=False),
        resource("google_container_node_pool.p", own, unknown={"id": True}),
    )
    side = found(document, tmp_path)["google_container_node_pool.p"].after
    assert shape(side) == [(1, 2, "google_compute_reservation.r"), (0, 2, None)]


# -- future reservations --------------------------------------------------------------------------------------------------

WEEK: Json = {
    "time_window": [{"start_time": "2027-02-01T00:00:00Z", "end_time": "2027-02-08T00:00:00Z", "duration": []}]
}


def future(**values: Any) -> Block:
    own: Json = {
        "name": "f",
        "specific_sku_properties": [
            {"total_count": "2", "instance_properties": [{"machine_type": "a3-ultragpu-8g"}]},
        ],
        **WEEK,
        **values,
    }
    return resource("google_compute_future_reservation.f", own, unknown={"zone": True})


US: dict[str, Json] = {"google": {"zone": const(ZONE)}}


def test_calendar_mode_is_paid_once_for_its_window(tmp_path: Path) -> None:
    """2 × 168 h × 59.36."""
    side = after(plan(future(reservation_mode="CALENDAR"), providers=US), tmp_path)
    assert (side.one_time, side.pools[0].purchase_model, side.pools[0].hours_per_month) == (
        Decimal("19944.96"),
        "capacity_block",
        168,
    )
    assert side.gpus.expected == 16


@pytest.mark.parametrize(
    ("values", "hours", "once"),
    [
        pytest.param({}, 730, False, id="lasts until somebody deletes it"),
        pytest.param({"auto_delete_auto_created_reservations": True}, 168, True, id="deleted at the end of its window"),
        pytest.param(
            {
                "auto_delete_auto_created_reservations": True,
                "auto_created_reservations_duration": [{"seconds": "36000", "nanos": 0}],
            },
            10,
            True,
            id="deleted after a time of its own",
        ),
        pytest.param(
            {
                "auto_delete_auto_created_reservations": True,
                "auto_created_reservations_delete_time": "2027-02-02T00:00:00Z",
            },
            24,
            True,
            id="deleted at a moment of its own",
        ),
        pytest.param(
            {
                "auto_delete_auto_created_reservations": True,
                "time_window": [{"start_time": "soon", "end_time": "later"}],
            },
            730,
            False,
            id="times that cannot be read",
        ),
    ],
)
def test_other_future_reservations_are_reservations(values: Json, hours: float, once: bool, tmp_path: Path) -> None:
    """Billed at the on-demand price from the start on."""
    side = after(plan(future(**values), providers=US), tmp_path)
    assert (side.pools[0].purchase_model, side.pools[0].hours_per_month) == ("capacity_reservation", hours)
    assert (side.one_time is not None) == once


def test_a_draft_costs_nothing_and_says_so(tmp_path: Path) -> None:
    """planning_status DRAFT."""
    result = report(plan(future(planning_status="DRAFT"), providers=US), tmp_path)
    assert result.resources[0].after is not None
    assert (result.resources[0].after.monthly.expected, result.summary.gpus_after) == (Decimal("0.00"), 0)
    assert "draft-reservation" in codes(result)


def test_machines_in_the_reservation_that_a_future_one_creates_are_covered(tmp_path: Path) -> None:
    """By the name it is going to have."""
    block = future(reservation_mode="CALENDAR", reservation_name="launch")
    vm = instance(machine="a3-ultragpu-8g", reservation_affinity=affinity("launch"))
    result = found(plan(block, vm, providers=US), tmp_path)
    assert shape(result["google_compute_instance.vm"].after) == [(1, 1, "google_compute_future_reservation.f")]


def test_an_aggregate_of_other_accelerators_is_unknown_and_told(tmp_path: Path) -> None:
    """Only TPU families are known."""
    aggregate = [
        {"vm_family": "VM_FAMILY_NEW", "reserved_resources": [{"accelerator": [{"accelerator_count": 8}]}]},
    ]
    block = resource(
        "google_compute_future_reservation.f",
        {"name": "f", "aggregate_reservation": aggregate, **WEEK},
        unknown={"zone": True},
    )
    result = report(plan(block, providers=US), tmp_path)
    assert (len(result.resources), result.summary.unknown) == (1, 1)
    assert "unknown-accelerator" in codes(result)


# -- resize requests ------------------------------------------------------------------------------------------------------


def flex(**values: Any) -> list[Block]:
    template = resource(
        "google_compute_instance_template.t",
        {
            "machine_type": "a2-highgpu-1g",
            "scheduling": values.pop("scheduling", [{"provisioning_model": "FLEX_START"}]),
        },
        unknown={"id": True, "self_link": True},
    )
    group = resource(
        "google_compute_instance_group_manager.g",
        {"name": "g", "zone": ZONE, "target_size": 0, "version": [{}], **values},
        unknown={"id": True, "version": [{"instance_template": True}]},
        expressions={"version": [{"instance_template": ref("google_compute_instance_template.t.self_link")}]},
    )
    return [template, group]


def request(state: str | None = None, **values: Any) -> Block:
    own: Json = {
        "name": "q",
        "zone": ZONE,
        "instance_group_manager": "g",
        "resize_by": 3,
        "requested_run_duration": [{"seconds": "172800", "nanos": None}],
        **({"state": state} if state else {}),
        **values,
    }
    mask = {} if state else {"state": True}
    before = own if state else None
    return resource("google_compute_resize_request.q", own, before=before, unknown=mask)


def test_a_resize_request_is_flex_start_and_paid_once(tmp_path: Path) -> None:
    """3 × 48 h × 2.02038; the group is empty."""
    result = report(plan(*flex(), request()), tmp_path)
    side = {each.address: each.after for each in result.resources}["google_compute_resize_request.q"]
    assert side is not None
    assert (side.one_time, side.gpus.expected, side.pools[0].hours_per_month) == (Decimal("290.93472"), 3, 48)
    assert result.summary.gpus_after == 3


def test_a_standard_template_is_bought_as_flex_start_by_a_request_too(tmp_path: Path) -> None:
    """Only a template that is bound to a reservation is not."""
    result = found(plan(*flex(scheduling=[]), request()), tmp_path)
    side = result["google_compute_resize_request.q"].after
    assert side is not None
    assert side.pools[0].purchase_model == "flex_start"
    bound = found(plan(*flex(scheduling=[{"provisioning_model": "RESERVATION_BOUND"}]), request()), tmp_path)
    side = bound["google_compute_resize_request.q"].after
    assert side is not None
    assert side.pools[0].purchase_model == "on_demand"


@pytest.mark.parametrize(
    ("state", "size", "gpus"),
    [
        pytest.param("SUCCEEDED", 3, 3, id="done: they are in the group"),
        pytest.param("ACCEPTED", 3, 3, id="accepted: they are in the group"),
        pytest.param("SUCCEEDED", 0, 0, id="done, and their time is over"),
        pytest.param("FAILED", 0, 0, id="failed"),
        pytest.param("CANCELLED", 0, 0, id="cancelled"),
    ],
)
def test_what_a_request_has_added_to_its_group_counts_there(state: str, size: int, gpus: int, tmp_path: Path) -> None:
    """Never twice."""
    template, group = flex(target_size=size)
    assert report(plan(template, group, request(state)), tmp_path).summary.gpus_after == gpus


def test_a_request_whose_group_is_not_in_the_plan_is_unknown(tmp_path: Path) -> None:
    """It may be any machine."""
    result = report(plan(request()), tmp_path)
    assert (len(result.resources), result.summary.unknown) == (1, 1)


# -- sole-tenant nodes ----------------------------------------------------------------------------------------------------


def nodes(node_type: str = "g2-node-96-384", **values: Any) -> list[Block]:
    template = resource(
        "google_compute_node_template.t",
        {"name": "t", "node_type": node_type, "region": "us-central1", **values.pop("template", {})},
        unknown={"id": True, "self_link": True},
    )
    group = resource(
        "google_compute_node_group.g",
        {"name": "g", "zone": ZONE, "initial_size": 2, **values},
        unknown={"id": True, "node_template": True},
        expressions={"node_template": ref("google_compute_node_template.t.id")},
    )
    return [template, group]


def test_the_gpus_of_sole_tenant_nodes_are_counted_and_unpriced(tmp_path: Path) -> None:
    """Two nodes with eight L4 each."""
    result = report(plan(*nodes()), tmp_path)
    (group,) = result.resources
    assert group.after is not None
    assert (group.after.gpus.expected, group.after.monthly.expected, result.summary.unpriced) == (16, None, 1)


def test_a_node_group_scales_by_its_policy(tmp_path: Path) -> None:
    """One at least, three at most."""
    policy = [{"mode": "ON", "min_nodes": 1, "max_nodes": 3}]
    side = after(plan(*nodes(autoscaling_policy=policy)), tmp_path)
    assert (side.gpus.min, side.gpus.expected, side.gpus.max) == (8, 16, 24)


def test_an_instance_on_a_sole_tenant_node_costs_nothing_beside_it(tmp_path: Path) -> None:
    """By the name of the group."""
    affinities = [{"key": "compute.googleapis.com/node-group-name", "operator": "IN", "values": ["g"]}]
    result = found(plan(*nodes(), instance(scheduling=[{"node_affinities": affinities}])), tmp_path)
    assert shape(result["google_compute_instance.vm"].after) == [(1, 1, "google_compute_node_group.g")]


@pytest.mark.parametrize(
    ("node_type", "template", "gpus"),
    [
        pytest.param("n1-node-96-624", {"accelerators": [{"accelerator_type": "nvidia-tesla-t4", "accelerator_count": 4}]}, 8, id="attached"),
        pytest.param("a2-ultragpu-node-96-1360", {}, 16, id="bundled"),
        pytest.param("n2-node-80-640", {}, None, id="none"),
        pytest.param("n1-node-96-624", {}, None, id="none on N1"),
    ],
)  # fmt: skip
def test_which_nodes_have_gpus(node_type: str, template: Json, gpus: int | None, tmp_path: Path) -> None:
    """Two nodes."""
    result = report(plan(*nodes(node_type, template=template)), tmp_path)
    sizes = [each.after.gpus.expected for each in result.resources if each.after]
    assert sizes == ([] if gpus is None else [gpus])


def test_a_node_template_that_no_group_uses_is_told(tmp_path: Path) -> None:
    """It costs nothing by itself."""
    template, _ = nodes()
    result = report(plan(template), tmp_path)
    assert (result.resources, codes(result)) == ((), {"unused-template"})


def test_a_reservation_that_goes_leaves_its_machines_to_be_paid(tmp_path: Path) -> None:
    """Deleting it saves nothing while an instance runs in it: the two cost the same."""
    held = reservation(count=1)
    vm = instance(reservation_affinity=affinity("r"))
    gone = resource(held.address, None, before=held.after)
    left = resource(vm.address, vm.after, before=vm.after)
    result = report(plan(gone, left), tmp_path)
    assert (result.summary.monthly_before, result.summary.monthly_after) == (Decimal("515.98736"), Decimal("515.98736"))
    assert (result.summary.gpus_before, result.summary.gpus_after) == (1, 1)


def test_a_reservation_that_is_replaced_counts_each_side(tmp_path: Path) -> None:
    """From one L4 to two A100: 515.98736 before, 2 × 730 × 3.673385 after."""
    old, new = reservation(count=1), reservation(count=2, machine="a2-highgpu-1g")
    block = resource(old.address, new.after, before=old.after, action="delete+create")
    (only,) = report(plan(block), tmp_path).resources
    assert only.before is not None
    assert only.after is not None
    assert (only.action, only.before.gpus.expected, only.after.gpus.expected) == ("replace", 1, 2)
    assert (only.before.monthly.expected, only.after.monthly.expected) == (Decimal("515.98736"), Decimal("5363.1421"))
