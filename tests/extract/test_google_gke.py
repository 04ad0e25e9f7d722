"""GKE: node auto-provisioning, sharing of GPUs, local SSDs, and GKE on other clouds.

Unit prices used here, us-central1 on demand (the catalog's tables): g2-standard-4 0.706832 an hour; local SSD 0.08 a GiB;
us-east-1 g5.xlarge 1.006, gp2 0.10.
"""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gpuguard.model.report import Report, State
from tests.extract.plans import Block, Json, after, codes, found, plan, ref, report, resource

ZONE = "us-central1-a"


def limits(**most: Any) -> list[Json]:
    names = {name.replace("_", "-"): value for name, value in most.items()}
    return [{"resource_type": name, "minimum": None, "maximum": value} for name, value in names.items()]


def cluster(resource_limits: list[Json] | None = None, enabled: bool = True, **values: Any) -> Block:
    scaling = [{"enabled": enabled, "resource_limits": resource_limits or []}]
    own: Json = {"name": "c", "location": ZONE, "cluster_autoscaling": scaling, **values}
    return resource("google_container_cluster.c", own, unknown={"id": True})


def pool(name: str = "p", machine: str = "g2-standard-4", **values: Any) -> Block:
    config = {"machine_type": machine, "disk_type": "pd-balanced", "disk_size_gb": 100, **values.pop("config", {})}
    own = {"name": name, "node_count": 1, "node_config": [config], **values}
    return resource(
        f"google_container_node_pool.{name}",
        own,
        unknown={"id": True, "cluster": True},
        expressions={"cluster": ref("google_container_cluster.c.id")},
    )


def shown(side: State | None) -> list[tuple[str | None, float | None, float | None]]:
    assert side is not None
    return [(each.sku, each.units.expected, each.units.max) for each in side.pools]


def messages(result: Report, code: str) -> list[str]:
    return [each.message for each in result.diagnostics if each.code == code]


# -- node auto-provisioning -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("most", "expected"),
    [
        pytest.param({"nvidia_l4": 4}, [("g2-standard-32", 0, 4)], id="without other limits the largest machines"),
        pytest.param({"cpu": 32, "memory": 1000, "nvidia_l4": 4}, [("g2-standard-8", 0, 4)], id="as large as the CPU limit lets all of them be"),
        pytest.param({"cpu": 1000, "memory": 64, "nvidia_l4": 4}, [("g2-standard-4", 0, 4)], id="as large as the memory limit lets them be"),
        pytest.param({"cpu": 8, "memory": 1000, "nvidia_l4": 4}, [("g2-standard-4", 0, 2)], id="fewer where the CPU limit is reached"),
        pytest.param({"cpu": 2, "memory": 1000, "nvidia_l4": 4}, [], id="none where no machine fits"),
        pytest.param({"cpu": 64, "memory": 256, "nvidia_tesla_t4": 8}, [("n1-standard-8", 0, 8)], id="attached to N1"),
        pytest.param({"nvidia_tesla_v100": 2}, [("n1-standard-8", 0, 2)], id="attached to the largest N1 that takes one"),
        pytest.param({"nvidia_h100_mega_80gb": 16}, [("a3-megagpu-8g", 0, 2)], id="eight to a machine"),
        pytest.param({"nvidia_h100_mega_80gb": 7}, [], id="a limit below the smallest machine"),
        pytest.param({"tpu_v6e_slice": 4}, [("ct6e-standard-4t", 0, 1)], id="TPU chips: one of 180 vCPUs before four of 44"),
        pytest.param({"nvidia_next": 4}, [("nvidia-next", 0, 4)], id="an accelerator that is not known"),
        pytest.param({"nvidia_l4": 0}, [], id="a limit of nothing"),
        pytest.param({"cpu": 64, "memory": 256}, [], id="no accelerators"),
    ],
)  # fmt: skip
def test_the_limits_of_auto_provisioning_are_exposure(
    most: Json, expected: list[tuple[str, int, int]], tmp_path: Path
) -> None:
    """Nothing runs before a pod asks for it; at most as much as the limits of the cluster let run."""
    result = found(plan(cluster(limits(**most))), tmp_path)
    assert [shown(each.after) for each in result.values()] == ([expected] if expected else [])


def test_auto_provisioned_nodes_are_priced_at_the_maximum(tmp_path: Path) -> None:
    """The cluster's fee now; 2 × (730 × 0.706832 + 100 × 0.04) beside it at most."""
    side = after(plan(cluster(limits(cpu=8, nvidia_l4=2))), tmp_path)
    assert (side.monthly.expected, side.monthly.max) == (Decimal("73.00"), Decimal("1112.97472"))
    assert (side.gpus.expected, side.gpus.max) == (0, 2)


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"enabled": False}, id="auto-provisioning is off"),
        pytest.param({"enable_autopilot": True}, id="an Autopilot cluster"),
        pytest.param({"cluster_autoscaling": []}, id="no autoscaling"),
    ],
)
def test_limits_that_do_not_hold_stay_silent(values: Json, tmp_path: Path) -> None:
    """Out of scope."""
    assert not found(plan(cluster(limits(nvidia_l4=4), **values)), tmp_path)


@pytest.mark.parametrize(
    ("pools", "left"),
    [
        pytest.param([pool()], 7, id="a pool of one"),
        pytest.param([pool(autoscaling=[{"min_node_count": 0, "max_node_count": 3}])], 5, id="at its maximum"),
        pytest.param([pool("a"), pool("b", "g2-standard-24")], 5, id="two pools"),
        pytest.param([pool(machine="n1-standard-4", config={"guest_accelerator": [{"type": "nvidia-tesla-t4", "count": 4}]})], 8, id="other accelerators"),
        pytest.param([pool(node_count=9)], None, id="pools that use it up"),
    ],
)  # fmt: skip
def test_pools_of_the_plan_use_the_limit_up(pools: list[Block], left: int | None, tmp_path: Path) -> None:
    """Limits hold for all node pools of the cluster together."""
    result = found(plan(cluster(limits(nvidia_l4=8)), *pools), tmp_path)
    held = result.get("google_container_cluster.c")
    assert (held.after.gpus.max if held is not None and held.after is not None else None) == left


def test_disks_of_auto_provisioned_nodes_are_those_of_its_defaults(tmp_path: Path) -> None:
    """50 GiB pd-ssd: 2 × (730 × 0.706832 + 50 × 0.17) + 73."""
    scaling = [
        {
            "enabled": True,
            "resource_limits": limits(cpu=8, nvidia_l4=2),
            "auto_provisioning_defaults": [{"disk_size": 50, "disk_type": "pd-ssd"}],
        }
    ]
    side = after(plan(cluster(cluster_autoscaling=scaling)), tmp_path)
    assert side.monthly.max == Decimal("1121.97472")


def test_a_limit_that_only_apply_can_tell_is_unknown(tmp_path: Path) -> None:
    """Its maximum is null, never nothing."""
    number = resource("random_integer.n", {}, unknown={"result": True})
    block = resource(
        "google_container_cluster.c",
        {
            "name": "c",
            "location": ZONE,
            "cluster_autoscaling": [{"enabled": True, "resource_limits": [{"resource_type": "nvidia-l4"}]}],
        },
        unknown={"cluster_autoscaling": [{"resource_limits": [{"maximum": True}]}]},
        expressions={
            "cluster_autoscaling": [{"resource_limits": [{"maximum": ref("random_integer.n.result")}]}],
        },
    )
    side = found(plan(number, block), tmp_path)["google_container_cluster.c"].after
    assert side is not None
    assert (side.pools[0].units.expected, side.pools[0].units.max) == (0, None)


# -- sharing --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accelerator", "words"),
    [
        pytest.param(
            {"gpu_sharing_config": [{"gpu_sharing_strategy": "TIME_SHARING", "max_shared_clients_per_gpu": 4}]},
            ["up to 4 pods share each of its GPUs (time-sharing)"],
            id="time-sharing",
        ),
        pytest.param(
            {"gpu_sharing_config": [{"gpu_sharing_strategy": "MPS", "max_shared_clients_per_gpu": "8"}]},
            ["up to 8 pods share each of its GPUs (MPS)"],
            id="MPS",
        ),
        pytest.param({"gpu_partition_size": "1g.5gb"}, ["partitions of 1g.5gb"], id="partitions"),
        pytest.param(
            {
                "gpu_partition_size": "1g.5gb",
                "gpu_sharing_config": [{"gpu_sharing_strategy": "TIME_SHARING", "max_shared_clients_per_gpu": 2}],
            },
            ["partitions of 1g.5gb", "up to 2 pods share each 1g.5gb partition"],
            id="partitions that are shared",
        ),
        pytest.param(
            {"gpu_sharing_config": [{"gpu_sharing_strategy": "TIME_SHARING", "max_shared_clients_per_gpu": 1}]},
            [],
            id="one pod alone",
        ),
        pytest.param({}, [], id="whole GPUs"),
        pytest.param({"gpu_sharing_config": [{}]}, [], id="an empty block"),
        pytest.param({"gpu_partition_size": "all of it"}, [], id="no size of a partition"),
    ],
)
def test_sharing_is_told_and_costs_the_same(accelerator: Json, words: list[str], tmp_path: Path) -> None:
    """730 × 0.706832 + 100 × 0.10 whatever runs on it."""
    config = {"guest_accelerator": [{"type": "nvidia-l4", "count": 1, **accelerator}]}
    result = report(plan(cluster(enabled=False), pool(config=config)), tmp_path)
    told = messages(result, "gpu-sharing")
    assert len(told) == len(words)
    assert all(word in message for word, message in zip(words, told, strict=True))
    side = result.resources[0].after
    assert side is not None
    assert side.monthly.expected == Decimal("525.98736")


@pytest.mark.parametrize(
    ("config", "storage"),
    [
        pytest.param({"ephemeral_storage_local_ssd_config": [{"local_ssd_count": 2}]}, "70", id="ephemeral storage"),
        pytest.param({"ephemeral_storage_local_ssd_config": [{"local_ssd_count": 1, "data_cache_count": 1}]}, "70", id="and a data cache"),
        pytest.param({"local_nvme_ssd_block_config": [{"local_ssd_count": 1}]}, "40", id="raw blocks"),
        pytest.param({"local_ssd_count": 1}, "40", id="the old way"),
        pytest.param({"ephemeral_storage_config": [{"local_ssd_count": 1}]}, "40", id="the beta way"),
        pytest.param({"secondary_boot_disks": [{"disk_image": "global/images/models", "mode": "CONTAINER_IMAGE_CACHE"}]}, "10", id="a secondary boot disk, whose size the image tells"),
        pytest.param({"ephemeral_storage_local_ssd_config": [{"local_ssd_count": 0}]}, "10", id="none"),
    ],
)  # fmt: skip
def test_local_ssds_of_nodes(config: Json, storage: str, tmp_path: Path) -> None:
    """100 GiB pd-balanced, and 375 GiB × 0.08 each."""
    result = report(plan(cluster(enabled=False), pool(config=config)), tmp_path)
    side = result.resources[0].after
    assert side is not None
    paid = sum((each.monthly or Decimal(0) for each in side.components if each.kind == "storage"), Decimal(0))
    assert paid == Decimal(storage)
    assert ("unknown-disk-size" in codes(result)) == ("secondary_boot_disks" in config)


# -- other clouds ---------------------------------------------------------------------------------------------------------


def aws_pool(**config: Any) -> list[Block]:
    held = resource("google_container_aws_cluster.c", {"name": "c", "aws_region": "us-east-1"}, unknown={"id": True})
    own = {
        "name": "p",
        "location": "us-east4",
        "autoscaling": [{"min_node_count": 2, "max_node_count": 5}],
        "config": [{"instance_type": "g5.xlarge", **config}],
    }
    block = resource(
        "google_container_aws_node_pool.p",
        own,
        unknown={"cluster": True},
        expressions={"cluster": ref("google_container_aws_cluster.c.name")},
    )
    return [held, block]


def test_gke_on_aws_is_billed_by_aws_where_the_cluster_runs(tmp_path: Path) -> None:
    """2 × (730 × 1.006 + 32 × 0.10)."""
    side = after(plan(*aws_pool()), tmp_path)
    assert (side.cloud, side.region, side.monthly.expected) == ("aws", "us-east-1", Decimal("1475.16"))
    assert (side.gpus.min, side.gpus.expected, side.gpus.max) == (2, 2, 5)


@pytest.mark.parametrize(
    "config",
    [
        pytest.param({"instance_type": "m5.large"}, id="a plain instance type"),
        pytest.param({"instance_type": None}, id="the service's default"),
    ],
)
def test_plain_nodes_on_aws_stay_silent(config: Json, tmp_path: Path) -> None:
    """No GPU."""
    assert not found(plan(*aws_pool(**config)), tmp_path)


def test_gke_on_azure_is_billed_by_azure(tmp_path: Path) -> None:
    """Its region by the name of the cluster."""
    held = resource("google_container_azure_cluster.c", {"name": "c", "azure_region": "westeurope"})
    block = resource(
        "google_container_azure_node_pool.p",
        {
            "cluster": "c",
            "location": "us-east4",
            "autoscaling": [{"min_node_count": 1, "max_node_count": 1}],
            "config": [{"vm_size": "Standard_NC4as_T4_v3"}],
        },
    )
    side = after(plan(held, block), tmp_path)
    assert (side.cloud, side.region, side.monthly.expected) == ("azure", "westeurope", Decimal("480.34"))


# -- hostile input --------------------------------------------------------------------------------------------------------

JUNK: list[Any] = [
    None, True, -1, 1e308, "x", "", [], {}, [[]], [None], ["x"], [{}], [{"x": [1]}], {"a": {"b": []}}, 10**30, [1, "2", {}],
]  # fmt: skip
PATHS: dict[str, tuple[str, ...]] = {
    "google_compute_instance": (
        "machine_type", "guest_accelerator", "scheduling", "reservation_affinity", "resource_policies", "boot_disk",
        "scratch_disk", "attached_disk", "network_interface", "desired_status", "zone", "labels",
    ),
    "google_compute_instance_from_template": ("source_instance_template", "machine_type", "scheduling", "boot_disk"),
    "google_compute_instance_from_machine_image": ("source_machine_image", "machine_type", "guest_accelerator"),
    "google_compute_machine_image": ("source_instance", "self_link"),
    "google_compute_instance_template": ("machine_type", "disk", "guest_accelerator", "scheduling"),
    "google_compute_instance_group_manager": ("version", "target_size", "target_stopped_size", "name"),
    "google_compute_region_instance_group_manager": (
        "version", "instance_flexibility_policy", "distribution_policy_zones", "target_size",
    ),
    "google_compute_autoscaler": ("target", "autoscaling_policy"),
    "google_compute_resize_request": ("instance_group_manager", "resize_by", "requested_run_duration", "state"),
    "google_compute_reservation": (
        "specific_reservation", "zone", "name", "delete_after_duration", "specific_reservation_required", "delete_at_time",
    ),
    "google_compute_future_reservation": (
        "specific_sku_properties", "aggregate_reservation", "time_window", "planning_status", "reservation_name",
        "name_prefix", "auto_created_reservations_duration",
    ),
    "google_compute_resource_policy": ("instance_schedule_policy", "name", "self_link"),
    "google_compute_resource_policy_attachment": ("instance", "name"),
    "google_compute_node_template": ("node_type", "accelerators"),
    "google_compute_node_group": ("node_template", "initial_size", "size", "autoscaling_policy"),
    "google_container_cluster": ("cluster_autoscaling", "node_pool", "node_config", "node_locations", "location"),
    "google_container_node_pool": (
        "node_config", "placement_policy", "autoscaling", "node_count", "node_locations", "cluster", "queued_provisioning",
    ),
    "google_container_aws_node_pool": ("config", "autoscaling", "cluster"),
    "google_container_azure_node_pool": ("config", "autoscaling", "cluster"),
    "google_tpu_v2_vm": ("accelerator_type", "accelerator_config", "scheduling_config", "data_disks", "network_config"),
    "google_tpu_v2_queued_resource": ("tpu",),
    "google_tpu_node": ("accelerator_type", "scheduling_config"),
}  # fmt: skip
SOUND: dict[str, Json] = {
    "google_compute_instance": {
        "name": "g",
        "machine_type": "g2-standard-4",
        "zone": ZONE,
        "resource_policies": ["g"],
        "reservation_affinity": [{"type": "SPECIFIC_RESERVATION", "specific_reservation": [{"values": ["g"]}]}],
        "scheduling": [{"max_run_duration": [{"seconds": 10}], "node_affinities": [{"operator": "IN", "values": ["g"]}]}],
    },
    "google_compute_instance_from_template": {"source_instance_template": "g", "zone": ZONE},
    "google_compute_instance_from_machine_image": {"source_machine_image": "g", "zone": ZONE},
    "google_compute_machine_image": {"name": "g", "source_instance": "g"},
    "google_compute_instance_template": {"name": "g", "machine_type": "g2-standard-4", "scheduling": [{}]},
    "google_compute_instance_group_manager": {"name": "g", "zone": ZONE, "version": [{"instance_template": "g"}]},
    "google_compute_region_instance_group_manager": {
        "name": "g",
        "region": "us-central1",
        "version": [{"instance_template": "g"}],
        "instance_flexibility_policy": [{"instance_selections": [{"machine_types": ["g2-standard-4"], "rank": 1}]}],
    },
    "google_compute_autoscaler": {
        "target": "g",
        "autoscaling_policy": [
            {
                "min_replicas": 0,
                "max_replicas": 3,
                "scaling_schedules": [{"min_required_replicas": 2, "schedule": "0 8 * * *", "duration_sec": 3600}],
            }
        ],
    },
    "google_compute_resize_request": {"instance_group_manager": "g", "resize_by": 2, "state": "SUCCEEDED"},
    "google_compute_reservation": {
        "name": "g",
        "zone": ZONE,
        "specific_reservation": [{"count": 1, "instance_properties": [{"machine_type": "g2-standard-4"}]}],
    },
    "google_compute_future_reservation": {
        "name": "g",
        "reservation_mode": "CALENDAR",
        "specific_sku_properties": [
            {"total_count": "1", "instance_properties": [{"machine_type": "a3-ultragpu-8g"}]}
        ],
        "time_window": [{"start_time": "2027-01-01T00:00:00Z", "duration": [{"seconds": "3600"}]}],
    },
    "google_compute_resource_policy": {
        "name": "g",
        "instance_schedule_policy": [
            {
                "time_zone": "UTC",
                "vm_start_schedule": [{"schedule": "0 8 * * *"}],
                "vm_stop_schedule": [{"schedule": "0 9 * * *"}],
            }
        ],
    },
    "google_compute_resource_policy_attachment": {"name": "g", "instance": "g"},
    "google_compute_node_template": {"name": "g", "node_type": "g2-node-96-384", "accelerators": []},
    "google_compute_node_group": {"name": "g", "node_template": "g", "initial_size": 1, "zone": ZONE},
    "google_container_cluster": {
        "name": "g",
        "location": ZONE,
        "cluster_autoscaling": [
            {"enabled": True, "resource_limits": [{"resource_type": "nvidia-l4", "maximum": 2}, {"resource_type": "cpu", "maximum": 9}]}
        ],
    },
    "google_container_node_pool": {
        "name": "g",
        "cluster": "g",
        "node_count": 1,
        "node_config": [
            {
                "machine_type": "g2-standard-4",
                "guest_accelerator": [{"type": "nvidia-l4", "count": 1, "gpu_sharing_config": [{"max_shared_clients_per_gpu": 2}]}],
                "reservation_affinity": [{"consume_reservation_type": "SPECIFIC_RESERVATION", "values": ["g"]}],
            }
        ],
        "placement_policy": [{"tpu_topology": "2x2"}],
    },
    "google_container_aws_node_pool": {"cluster": "g", "config": [{"instance_type": "g5.xlarge"}]},
    "google_container_azure_node_pool": {"cluster": "g", "config": [{"vm_size": "Standard_NC4as_T4_v3"}]},
    "google_tpu_v2_vm": {"accelerator_type": "v5litepod-8", "zone": ZONE, "scheduling_config": [{"spot": True}]},
    "google_tpu_v2_queued_resource": {"zone": ZONE, "tpu": [{"node_spec": [{"node": [{"accelerator_type": "v6e-8"}]}]}]},
    "google_tpu_node": {"accelerator_type": "v3-8", "zone": ZONE},
}  # fmt: skip


def everything(type_: str, values: Json) -> Json:
    blocks = [resource(f"{each}.g", values if each == type_ else sound) for each, sound in SOUND.items()]
    return plan(*blocks)


def deep(sound: Any, steps: int) -> list[Any]:
    """The value with junk in the place of each of its parts, down to some depth."""
    if steps == 0 or not isinstance(sound, list | dict):
        return list(JUNK)
    made = list(JUNK)
    items = sound.items() if isinstance(sound, dict) else enumerate(sound)
    for key, part in items:
        for junk in deep(part, steps - 1)[::3]:
            other = dict(sound) if isinstance(sound, dict) else list(sound)
            other[key] = junk
            made.append(other)
    return made


@pytest.mark.parametrize("type_", sorted(PATHS))
def test_junk_in_any_place_never_raises(type_: str, tmp_path: Path) -> None:
    """Strings for lists, nested nonsense, numbers beyond all bounds: a report comes out whatever the plan holds."""
    for path in PATHS[type_]:
        sound = SOUND[type_]
        values = deep(sound[path], 4) if path in sound else list(JUNK)
        for junk in values:
            report(everything(type_, {**sound, path: junk}), tmp_path)
