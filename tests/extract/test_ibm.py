"""IBM Cloud: VPC instances, groups, reservations, worker pools and classic machines.

Unit prices used here: gx2-8x64x1v100 in us-south 2.497 an hour, in eu-de 2.746; gx3d-160x1792x8h100 in us-south 85.85, as spot
21.4625.
"""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gpuguard.extract.providers.ibm import flavor_option
from gpuguard.model.report import State
from tests.extract.plans import Block, Json, after, codes, const, found, plan, ref, report, resource

V100, H100 = "gx2-8x64x1v100", "gx3d-160x1792x8h100"
PROVIDERS = {"ibm": {"region": const("us-south")}}


def instance(name: str = "a", **values: Any) -> Block:
    return resource(f"ibm_is_instance.{name}", {"profile": V100, "zone": "us-south-1", **values})


def template(name: str = "t", **values: Any) -> Block:
    own = {"name": name, "profile": V100, "zone": "eu-de-1", **values}
    return resource(f"ibm_is_instance_template.{name}", own, unknown={"id": True})


def group(count: int | None = None) -> Block:
    expressions = {"instance_template": ref("ibm_is_instance_template.t.id")}
    mask = {"id": True, "instance_template": True, **({"instance_count": True} if count is None else {})}
    return resource("ibm_is_instance_group.g", {"instance_count": count}, unknown=mask, expressions=expressions)


def manager(**values: Any) -> Block:
    expressions = {"instance_group": ref("ibm_is_instance_group.g.id")}
    return resource(
        "ibm_is_instance_group_manager.m", values, unknown={"id": True, "instance_group": True}, expressions=expressions
    )


def action(name: str, cron: object, count: object) -> Block:
    values = {"cron_spec": cron, "membership_count": count}
    expressions = {"instance_group_manager": ref("ibm_is_instance_group_manager.m.manager_id")}
    return resource(
        f"ibm_is_instance_group_manager_action.{name}",
        values,
        unknown={"instance_group_manager": True},
        expressions=expressions,
    )


def units(state: State) -> tuple[float | None, ...]:
    size = state.pools[0].units
    return size.min, size.expected, size.max


GROUP = "ibm_is_instance_group.g"


@pytest.mark.parametrize(
    ("values", "hourly", "model"),
    [
        pytest.param({}, "2.497", "on_demand", id="on demand"),
        pytest.param({"zone": "eu-de-3"}, "2.746", "on_demand", id="the region is the zone's"),
        pytest.param({"profile": H100, "availability": [{"class": "spot"}]}, "21.4625", "spot", id="spot"),
        pytest.param({"profile": H100, "availability": [{"class": "standard"}]}, "85.85", "on_demand", id="standard"),
    ],
)
def test_an_instance(tmp_path: Path, values: Json, hourly: str, model: str) -> None:
    state = after(plan(instance(**values)), tmp_path)
    assert state.monthly.expected == Decimal(hourly) * 730
    assert state.pools[0].purchase_model == model


def test_a_zone_that_is_none_leaves_the_region_to_the_provider(tmp_path: Path) -> None:
    assert after(plan(instance(zone=None), providers=PROVIDERS), tmp_path).region == "us-south"


def test_an_instance_takes_the_profile_of_its_template(tmp_path: Path) -> None:
    block = resource(
        "ibm_is_instance.a",
        {},
        unknown={"instance_template": True, "profile": True},
        expressions={"instance_template": ref("ibm_is_instance_template.t.id")},
    )
    state = found(plan(template(), block), tmp_path)["ibm_is_instance.a"]
    assert state.via == ("ibm_is_instance_template.t",)
    assert state.after is not None
    assert state.after.region == "eu-de"


def test_a_template_that_the_plan_does_not_have_is_told(tmp_path: Path) -> None:
    result = report(plan(resource("ibm_is_instance.a", {"instance_template": "0717-outside"})), tmp_path)
    assert "unknown-machine-type" in codes(result)


def test_an_unused_template_costs_nothing_and_is_told(tmp_path: Path) -> None:
    result = report(plan(template()), tmp_path)
    assert result.resources == ()
    assert codes(result) == {"unused-template"}


def test_an_instance_in_a_reservation_of_the_change_adds_nothing(tmp_path: Path) -> None:
    reserved = resource(
        "ibm_is_reservation.r",
        {
            "profile": [{"name": H100}],
            "capacity": [{"total": 2}],
            "zone": "us-south-1",
            "committed_use": [{"term": "three_year"}],
        },
        unknown={"id": True},
    )
    expressions = {"reservation_affinity": [{"pool": [{"id": ref("ibm_is_reservation.r.id")}]}]}
    inside = resource(
        "ibm_is_instance.a",
        {"profile": H100, "zone": "us-south-1", "reservation_affinity": [{"policy": "manual", "pool": [{}]}]},
        unknown={"reservation_affinity": [{"pool": [{"id": True}]}]},
        expressions=expressions,
    )
    result = report(plan(reserved, inside), tmp_path)
    assert result.summary.gpus_after == 16
    states = {each.address: each.after for each in result.resources}
    pool = states["ibm_is_reservation.r"].pools[0] if states["ibm_is_reservation.r"] else None
    assert pool is not None
    assert (pool.purchase_model, pool.term) == ("reserved", "3y")


@pytest.mark.parametrize(
    ("count", "managed", "expected"),
    [
        pytest.param(2, None, (2, 2, 2), id="no manager"),
        pytest.param(None, None, (0, 0, 0), id="no size"),
        pytest.param(
            2,
            {"manager_type": "autoscale", "min_membership_count": 1, "max_membership_count": 5},
            (1, 2, 5),
            id="a manager that follows the load",
        ),
        pytest.param(None, {"max_membership_count": 5}, (1, 1, 5), id="at least one member unless it says otherwise"),
        pytest.param(9, {"min_membership_count": 0, "max_membership_count": 5}, (0, 5, 5), id="above the bounds"),
        pytest.param(2, {"enable_manager": False, "max_membership_count": 5}, (2, 2, 2), id="a manager that is off"),
    ],
)
def test_the_sizes_of_a_group(
    tmp_path: Path, count: int | None, managed: Json | None, expected: tuple[float, ...]
) -> None:
    blocks = [template(), group(count), *([manager(**managed)] if managed else [])]
    assert units(after(plan(*blocks), tmp_path, GROUP)) == expected


def test_scheduled_actions_make_the_hours(tmp_path: Path) -> None:
    """From Monday to Friday, 8 to 18 o'clock: 50 of the week's 168 hours."""
    blocks = [
        template(),
        group(),
        manager(manager_type="scheduled"),
        action("up", "0 8 * * 1-5", 4),
        action("down", "0 18 * * 1-5", 0),
    ]
    state = after(plan(*blocks), tmp_path, GROUP)
    assert units(state) == (0, 4, 4)
    assert state.monthly.expected is not None
    assert abs(state.monthly.expected - Decimal("2.746") * 4 * 730 * 50 / 168) < Decimal("0.0001")
    assert state.monthly.max == state.monthly.expected


@pytest.mark.parametrize("cron", ["whenever", "", None, 7, "* * * * * *", "0 8 31 2 *"])
def test_a_schedule_that_cannot_be_read_is_left_out(tmp_path: Path, cron: object) -> None:
    blocks = [template(), group(2), manager(manager_type="scheduled"), action("up", cron, 4)]
    assert units(after(plan(*blocks), tmp_path, GROUP)) == (2, 2, 2)


@pytest.mark.parametrize(
    ("flavor", "machine"),
    [
        ("gx3.16x80.l4", "gx3-16x80x1l4"),
        ("gx3.32x160.2l4", "gx3-32x160x2l4"),
        ("gx3.48x240.2l40s", "gx3-48x240x2l40s"),
        ("gx3d.160x1792.8h200", "gx3d-160x1792x8h200"),
        ("gx2.8x64x1v100", "gx2-8x64x1v100"),
        ("bx2.16x64", None),
        ("mg4c.32x384.2xp100", None),
        ("gx3.", None),
    ],
)
def test_a_flavor_is_a_profile_written_differently(flavor: str, machine: str | None) -> None:
    assert flavor_option(flavor).machine == machine


def test_workers_count_in_each_zone(tmp_path: Path) -> None:
    zones = [{"name": "us-south-1"}, {"name": "us-south-2"}, {"name": "us-south-3"}]
    state = after(
        plan(
            resource("ibm_container_vpc_worker_pool.p", {"flavor": "gx2.8x64x1v100", "worker_count": 2, "zones": zones})
        ),
        tmp_path,
    )
    assert state.gpus.expected == 6
    assert state.region == "us-south"
    assert state.monthly.expected == Decimal("2.497") * 730 * 6


def test_workers_in_zones_that_are_not_told_are_not_known(tmp_path: Path) -> None:
    result = report(
        plan(
            resource(
                "ibm_container_vpc_worker_pool.p",
                {"flavor": "gx2.8x64x1v100", "worker_count": 2},
                unknown={"zones": True},
            )
        ),
        tmp_path,
    )
    assert "unknown-zones" in codes(result)


def test_the_default_pool_is_counted_where_it_is_managed(tmp_path: Path) -> None:
    zones = [{"name": "us-south-1"}]
    cluster = resource(
        "ibm_container_vpc_cluster.c",
        {"flavor": "gx2.8x64x1v100", "worker_count": 2, "zones": zones},
        unknown={"id": True},
    )
    own = resource(
        "ibm_container_vpc_worker_pool.p",
        {
            "worker_pool_name": "default",
            "import_on_create": True,
            "flavor": "gx2.8x64x1v100",
            "worker_count": 2,
            "zones": zones,
        },
        unknown={"cluster": True},
        expressions={"cluster": ref("ibm_container_vpc_cluster.c.id")},
    )
    assert report(plan(cluster), tmp_path).summary.gpus_after == 2
    assert report(plan(cluster, own), tmp_path).summary.gpus_after == 2


def test_classic_workers_count_in_each_attached_zone(tmp_path: Path) -> None:
    pool = resource(
        "ibm_container_worker_pool.p",
        {"machine_type": "mg4c.32x384.2xp100", "size_per_zone": 1},
        unknown={"id": True, "worker_pool_id": True},
    )
    zones = [
        resource(
            f"ibm_container_worker_pool_zone_attachment.{zone}",
            {"zone": zone},
            unknown={"worker_pool": True},
            expressions={"worker_pool": ref("ibm_container_worker_pool.p.worker_pool_id")},
        )
        for zone in ("dal10", "dal12")
    ]
    assert after(plan(pool, *zones), tmp_path).gpus.expected == 4
    assert after(plan(pool), tmp_path).gpus.expected == 2


@pytest.mark.parametrize(
    ("flavor", "model", "count"),
    [
        ("AC1_8X60X25", "P100", 1),
        ("AC1_16X120X100", "P100", 2),
        ("ACL2_8X60X100", "V100-16GB", 1),
        ("ac2_16x120x25", "V100-16GB", 2),
    ],
)
def test_classic_servers_with_gpus(tmp_path: Path, flavor: str, model: str, count: int) -> None:
    state = after(
        plan(resource("ibm_compute_vm_instance.a", {"flavor_key_name": flavor, "datacenter": "dal10"})), tmp_path
    )
    assert state.pools[0].gpu is not None
    assert (state.pools[0].gpu.model, state.pools[0].gpu.per_unit) == (model, count)


def test_a_profile_that_the_catalog_does_not_know_says_its_gpus(tmp_path: Path) -> None:
    state = after(
        plan(resource("ibm_is_bare_metal_server.a", {"profile": "gx3d-metal-224x2048x8mi300x", "zone": "us-east-1"})),
        tmp_path,
    )
    assert state.gpus.expected == 8
    assert state.monthly.expected is None


def test_bare_metal_with_two_gpus(tmp_path: Path) -> None:
    values = {
        "gpu_key_name": "GPU_NVIDIA_TESLA_P100",
        "gpu_secondary_key_name": "GPU_NVIDIA_TESLA_P100",
        "datacenter": "dal10",
    }
    assert after(plan(resource("ibm_compute_bare_metal.a", values)), tmp_path).gpus.expected == 2


@pytest.mark.parametrize(
    "block",
    [
        pytest.param(instance(profile="bx2-4x16"), id="a plain instance"),
        pytest.param(template(profile="cx2-2x4"), id="a plain template"),
        pytest.param(
            resource("ibm_is_bare_metal_server.a", {"profile": "bx2-metal-192x768", "zone": "us-south-1"}),
            id="plain bare metal",
        ),
        pytest.param(
            resource("ibm_is_reservation.r", {"profile": [{"name": "ba2-2x8"}], "capacity": [{"total": 5}]}),
            id="a plain reservation",
        ),
        pytest.param(
            resource(
                "ibm_container_vpc_cluster.c",
                {"flavor": "bx2.16x64", "worker_count": 3, "zones": [{"name": "us-south-1"}]},
            ),
            id="a plain cluster",
        ),
        pytest.param(
            resource(
                "ibm_container_vpc_worker_pool.p",
                {"flavor": "mx2.8x64", "worker_count": 3, "zones": [{"name": "us-south-1"}]},
            ),
            id="a plain worker pool",
        ),
        pytest.param(
            resource("ibm_container_cluster.c", {"machine_type": "b3c.4x16", "datacenter": "dal10"}),
            id="a plain classic cluster",
        ),
        pytest.param(
            resource("ibm_container_cluster.c", {"datacenter": "dal10"}), id="a cluster without a machine type"
        ),
        pytest.param(
            resource("ibm_compute_vm_instance.a", {"cores": 4, "memory": 4096}), id="a classic server by its cores"
        ),
        pytest.param(
            resource("ibm_compute_vm_instance.a", {"flavor_key_name": "B1_2X4X25"}), id="a plain classic server"
        ),
        pytest.param(
            resource("ibm_compute_bare_metal.a", {"package_key_name": "X"}), id="classic bare metal without a GPU"
        ),
        pytest.param(
            resource("ibm_compute_autoscale_group.g", {"minimum_member_count": 1, "maximum_member_count": 2}),
            id="a group without a template",
        ),
        pytest.param(resource("ibm_code_engine_app.a", {"scale_cpu_limit": "2"}), id="Code Engine"),
    ],
)
def test_what_has_no_gpu_stays_silent(tmp_path: Path, block: Block) -> None:
    result = report(plan(block, providers=PROVIDERS), tmp_path)
    assert result.resources == ()
    assert codes(result) == set()
