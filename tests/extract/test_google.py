"""Google Cloud: what is read from instances, managed instance groups and GKE node pools.

Unit prices used here, us-central1 on demand (the catalog's tables): g2-standard-4 0.706832 an hour, g2-standard-8
0.853624, N1 vCPU 0.031611, N1 GiB 0.004237, of custom machines 0.033192 and 0.004446, T4 0.35; pd-balanced 0.10,
pd-standard 0.04, pd-ssd 0.17 a GiB and month, local SSD 0.08.
"""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gpuguard.model.report import State
from tests.extract.plans import Block, Json, after, codes, const, data, found, plan, ref, report, resource, state

ZONE = "us-central1-a"
G2 = {"machine_type": "g2-standard-4", "zone": ZONE}
BOOT = [{"initialize_params": [{"image": "debian-cloud/debian-12", "size": 50, "type": "pd-balanced"}]}]
T4 = [{"type": "nvidia-tesla-t4", "count": 1}]


def instance(name: str = "vm", **values: Any) -> Block:
    return resource(f"google_compute_instance.{name}", {**G2, **values})


def cluster(name: str = "c", unknown: Json | None = None, **values: Any) -> Block:
    return resource(
        f"google_container_cluster.{name}", {"name": name, **values}, unknown={"id": True, **(unknown or {})}
    )


def pool(name: str = "p", machine: str = "g2-standard-4", unknown: Json | None = None, **values: Any) -> Block:
    node = {"machine_type": machine, "disk_type": "pd-balanced", "disk_size_gb": 100}
    expressions = values.pop("expressions", {"cluster": ref("google_container_cluster.c.id")})
    own = {"name": name, "node_config": [node], **values}
    mask = {"id": True} if "cluster" in values else {"id": True, "cluster": True}
    return resource(f"google_container_node_pool.{name}", own, unknown=mask | (unknown or {}), expressions=expressions)


def units(side: State) -> tuple[float | None, ...]:
    size = side.pools[0].units
    return size.min, size.expected, size.max


def amount(side: State, kind: str) -> Decimal:
    return sum((each.monthly or Decimal(0) for each in side.components if each.kind == kind), Decimal(0))


# -- GKE: how many nodes --------------------------------------------------------------------------------------------------

REGIONAL: Json = {"location": "us-central1"}
TWO_ZONES: Json = {"location": "us-central1", "node_locations": ["us-central1-a", "us-central1-b"]}


def per_zone(low: int | None, high: int | None) -> list[Json]:
    return [{"min_node_count": low, "max_node_count": high, "total_min_node_count": None, "total_max_node_count": None}]


def in_all(low: int, high: int) -> list[Json]:
    return [{"min_node_count": 0, "max_node_count": 0, "total_min_node_count": low, "total_max_node_count": high}]


@pytest.mark.parametrize(
    ("where", "values", "expected"),
    [
        pytest.param({"location": ZONE}, {"node_count": 2}, (2, 2, 2), id="a zonal cluster has one zone"),
        pytest.param(
            {"location": ZONE, "node_locations": ["us-central1-b"]},
            {"node_count": 1},
            (2, 2, 2),
            id="a zonal cluster adds its own zone to its node locations",
        ),
        pytest.param(REGIONAL, {"node_count": 1}, (3, 3, 3), id="a regional cluster spans three zones"),
        pytest.param(TWO_ZONES, {"node_count": 1}, (2, 2, 2), id="a regional cluster has the zones it names"),
        pytest.param(
            TWO_ZONES,
            {"node_count": 1, "node_locations": ["us-central1-c"]},
            (1, 1, 1),
            id="the pool's own node locations win",
        ),
        pytest.param(
            TWO_ZONES, {"node_count": 2, "autoscaling": per_zone(0, 4)}, (0, 4, 8), id="node_count is what runs"
        ),
        pytest.param(
            TWO_ZONES, {"initial_node_count": 1, "autoscaling": per_zone(0, 4)}, (0, 2, 8), id="else the initial size"
        ),
        pytest.param(TWO_ZONES, {"autoscaling": per_zone(1, 3)}, (2, 2, 6), id="else the minimum"),
        pytest.param(
            TWO_ZONES,
            {"node_count": 9, "autoscaling": per_zone(0, 4)},
            (0, 18, 18),
            id="above the maximum it is the most",
        ),
        pytest.param(
            TWO_ZONES,
            {"initial_node_count": 2, "autoscaling": in_all(1, 3)},
            (1, 4, 4),
            id="above a total maximum, too",
        ),
        pytest.param(
            TWO_ZONES,
            {"initial_node_count": 0, "autoscaling": per_zone(1, 4)},
            (2, 2, 8),
            id="below the minimum it is the minimum",
        ),
        pytest.param(TWO_ZONES, {"autoscaling": per_zone(None, 3)}, (0, 0, 6), id="else none"),
        pytest.param(
            TWO_ZONES, {"initial_node_count": 1, "autoscaling": in_all(1, 5)}, (1, 2, 5), id="total limits are totals"
        ),
        pytest.param(
            TWO_ZONES,
            {"node_count": 0, "initial_node_count": 1, "autoscaling": per_zone(0, 4)},
            (0, 0, 8),
            id="a pool that is scaled to zero now runs nothing",
        ),
        pytest.param(TWO_ZONES, {}, (0, 0, 0), id="without any size the provider creates an empty pool"),
    ],
)
def test_node_pools_count_per_zone(where: Json, values: Json, expected: tuple[int, ...], tmp_path: Path) -> None:
    """Zones of the pool, else of its cluster; sizes count in each, total limits do not."""
    assert units(after(plan(cluster(**where), pool(**values)), tmp_path)) == expected


def test_a_cluster_without_location_is_in_the_providers_zone(tmp_path: Path) -> None:
    """`location` is then computed, and the provider takes its own zone: a zonal cluster."""
    document = plan(
        cluster(unknown={"location": True}),
        pool(node_count=1),
        providers={"google": {"zone": const(ZONE), "region": const("us-central1")}},
    )
    result = report(document, tmp_path)
    assert result.resources[0].after is not None
    assert (units(result.resources[0].after), result.resources[0].after.region) == ((1, 1, 1), "us-central1")
    assert "assumed-zones" not in codes(result)


def test_the_providers_zone_makes_a_cluster_zonal_also_where_the_plan_hides_its_name(tmp_path: Path) -> None:
    """``zone = "${var.region}-b"``: only the variable shows; a zone it is all the same."""
    document = plan(
        cluster(unknown={"location": True}),
        pool(node_count=1),
        providers={"google": {"zone": ref("var.region")}},
        variables={"region": "europe-west4"},
    )
    side = after(document, tmp_path)
    assert (side.region, units(side)) == ("europe-west4", (1, 1, 1))


def test_zones_that_only_apply_can_tell_leave_the_size_unknown(tmp_path: Path) -> None:
    """Total limits are known all the same; nothing times an unknown number of zones is nothing."""
    zones = {"node_locations": ref("random_shuffle.zones.result")}
    shuffle = resource("random_shuffle.zones", {}, unknown={"result": True})
    link = {"cluster": ref("google_container_cluster.c.id")}
    blocks = [
        pool(name, unknown={"node_locations": True}, expressions=zones | link, **values)
        for name, values in (
            ("fixed", {"node_count": 1}),
            ("total", {"initial_node_count": 1, "autoscaling": in_all(1, 5)}),
            ("each", {"initial_node_count": 0, "autoscaling": per_zone(0, 2)}),
        )
    ]
    result = report(plan(cluster(**REGIONAL), shuffle, *blocks), tmp_path)
    sizes_of = {each.address.rpartition(".")[2]: units(each.after) for each in result.resources if each.after}
    assert sizes_of == {"fixed": (None, None, None), "total": (1, None, 5), "each": (0, 0, None)}
    assert "unknown-zones" in codes(result)


def test_the_path_of_a_cluster_tells_its_location(tmp_path: Path) -> None:
    """A pool of a cluster managed elsewhere, named by its full path."""
    side = after(plan(pool(cluster="projects/acme/locations/us-east4-a/clusters/shared", node_count=2)), tmp_path)
    assert (side.region, units(side)) == ("us-east4", (2, 2, 2))


def test_of_two_clusters_with_one_name_the_one_in_the_pools_location_is_its_own(tmp_path: Path) -> None:
    """Two regions, the same cluster name: zones must not be mixed up."""
    document = plan(
        resource("google_container_cluster.us", {"name": "ml", "location": ZONE, "node_locations": ["us-central1-b"]}),
        resource("google_container_cluster.eu", {"name": "ml", "location": "europe-west4"}),
        pool("us", cluster="ml", location=ZONE, node_count=1, expressions={}),
        pool("eu", cluster="ml", location="europe-west4", node_count=1, expressions={}),
    )
    resources = found(document, tmp_path)
    assert [units(each.after) for each in resources.values() if each.after] == [(2, 2, 2), (3, 3, 3)]


def test_of_two_clusters_with_one_name_the_configuration_says_which(tmp_path: Path) -> None:
    """The same module twice: the name is known and the same, the reference is not."""
    blocks = [
        block
        for key, where in (("us", ZONE), ("eu", "europe-west4"))
        for block in (
            resource(f"module.{key}.google_container_cluster.c", {"name": "ml", "location": where}),
            resource(
                f"module.{key}.google_container_node_pool.p",
                {"cluster": "ml", "node_count": 1, "node_config": [{"machine_type": "g2-standard-4"}]},
                unknown={"location": True},
                expressions={"cluster": ref("google_container_cluster.c.name")},
            ),
        )
    ]
    resources = found(plan(*blocks), tmp_path)
    sides = {each.module: each.after for each in resources.values()}
    assert {name: (side.region, units(side)) for name, side in sides.items() if side} == {
        "module.us": ("us-central1", (1, 1, 1)),
        "module.eu": ("europe-west4", (3, 3, 3)),
    }


def test_a_cluster_hidden_by_a_local_is_the_one_in_the_module(tmp_path: Path) -> None:
    """`cluster = local.name`: the only cluster there is taken, and that is said."""
    document = plan(cluster(location=ZONE), pool(node_count=1, expressions={"cluster": ref("local.name")}))
    result = report(document, tmp_path)
    assert result.resources[0].after is not None
    assert units(result.resources[0].after) == (1, 1, 1)
    assert "assumed-cluster" in codes(result)


HIDDEN = {"references": ["each.value"]}


@pytest.mark.parametrize(
    ("values", "unknown", "expressions", "expected"),
    [
        pytest.param(
            {"initial_node_count": 1, "autoscaling": per_zone(1, 4)},
            {"node_count": True},
            {"node_count": HIDDEN},
            (3, 3, 12),
            id="node_count is null in a module: the initial size counts",
        ),
        pytest.param(
            {"autoscaling": per_zone(1, 4)},
            {"node_count": True, "initial_node_count": True},
            {"node_count": HIDDEN, "initial_node_count": HIDDEN},
            (3, 3, 12),
            id="both are null in a module: the minimum counts",
        ),
        pytest.param(
            {"autoscaling": per_zone(1, 4)},
            {"node_count": True},
            {"node_count": ref("random_integer.nodes.result")},
            (3, None, 12),
            id="a size that a resource makes up is not known",
        ),
        pytest.param(
            {},
            {"node_count": True, "initial_node_count": True},
            {"node_count": ref("local.nodes")},
            (None, None, None),
            id="a hidden size without any other is not zero",
        ),
        pytest.param(
            {"autoscaling": per_zone(2, 4)},
            {"node_count": True},
            {"node_count": ref("var.fixed", "var.nodes")},
            (6, 6, 12),
            id="an expression of known variables that is not known is null",
        ),
    ],
)
def test_sizes_that_the_plan_does_not_show(
    values: Json, unknown: Json, expressions: Json, expected: tuple[int | None, ...], tmp_path: Path
) -> None:
    """Optional and computed sizes: null in the configuration looks like known after apply."""
    block = pool(
        unknown=unknown, expressions={"cluster": ref("google_container_cluster.c.id"), **expressions}, **values
    )
    number = resource("random_integer.nodes", {}, unknown={"result": True})
    document = plan(cluster(**REGIONAL), block, number, variables={"fixed": False, "nodes": 7})
    assert units(after(document, tmp_path)) == expected


# -- GKE: pools inside the cluster ----------------------------------------------------------------------------------------


def inline(name: str, machine: str = "g2-standard-4", **values: Any) -> Json:
    return {"name": name, "node_config": [{"machine_type": machine}], "node_count": 1, **values}


@pytest.mark.parametrize(
    ("values", "gpus"),
    [
        pytest.param({"node_pool": [inline("cpu", "e2-standard-4"), inline("gpu")]}, 3, id="a pool of its own"),
        pytest.param(
            {"initial_node_count": 2, "node_config": [{"machine_type": "n1-standard-4", "guest_accelerator": T4}]},
            6,
            id="the default pool",
        ),
        pytest.param(
            {
                "initial_node_count": 2,
                "remove_default_node_pool": True,
                "node_config": [{"machine_type": "g2-standard-4"}],
            },
            None,
            id="a default pool that is removed at once",
        ),
        pytest.param(
            {"remove_default_node_pool": True, "node_pool": [inline("default-pool")]},
            None,
            id="a default pool that is written as a pool and removed at once",
        ),
        pytest.param(
            {"enable_autopilot": True, "node_pool": [inline("nap-1")]}, None, id="Autopilot bills pods, not nodes"
        ),
    ],
)
def test_pools_inside_a_cluster(values: Json, gpus: int | None, tmp_path: Path) -> None:
    """Regional cluster, three zones."""
    resources = found(plan(cluster(**REGIONAL, **values)), tmp_path)
    assert [each.after.gpus.expected for each in resources.values() if each.after] == ([gpus] if gpus else [])


@pytest.mark.parametrize("kind", ["plan", "state"])
def test_pools_that_are_resources_are_not_counted_again_in_their_cluster(kind: str, tmp_path: Path) -> None:
    """The provider reads every pool of a cluster into the cluster's own state."""
    own = {"id": "projects/acme/locations/us-central1/clusters/ml", "name": "ml", "location": "us-central1"}
    both = {**own, "node_pool": [inline("gpu"), inline("more")]}
    managed = {"name": "gpu", "cluster": "ml", **inline("gpu")}
    blocks = (
        resource("google_container_cluster.ml", both, before=both),
        resource("google_container_node_pool.gpu", managed, before=managed),
    )
    resources = found(state(*blocks) if kind == "state" else plan(*blocks), tmp_path)
    gpus = {address: each.after.gpus.expected for address, each in resources.items() if each.after}
    assert gpus == {"google_container_cluster.ml": 3, "google_container_node_pool.gpu": 3}


def test_a_pool_that_is_removed_does_not_come_back_in_its_cluster(tmp_path: Path) -> None:
    """The cluster's state still lists the pool that this change destroys."""
    own = {"id": "projects/acme/locations/us-central1/clusters/ml", "name": "ml", "location": "us-central1"}
    both = {**own, "node_pool": [inline("gpu")]}
    managed = {"name": "gpu", "cluster": "ml", **inline("gpu")}
    document = plan(
        resource("google_container_cluster.ml", both, before=both),
        resource("google_container_node_pool.gpu", before=managed),
    )
    result = report(document, tmp_path)
    assert [each.address for each in result.resources] == ["google_container_node_pool.gpu"]
    assert (result.summary.gpus_before, result.summary.gpus_after) == (3, 0)


# -- machines and accelerators --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("machine", "accelerator", "model", "monthly"),
    [
        pytest.param("g2-standard-4", "nvidia-l4", "L4", "515.98736", id="G2 with its L4 named again"),
        pytest.param(
            "a2-highgpu-1g", "nvidia-tesla-a100", "A100-40GB", "2681.57105", id="A2 with its A100 named again"
        ),
        pytest.param("zones/us-central1-a/machineTypes/g2-standard-4", None, "L4", "515.98736", id="a path"),
        pytest.param(
            "https://www.googleapis.com/compute/v1/projects/acme/zones/us-central1-a/machineTypes/g2-standard-4",
            None,
            "L4",
            "515.98736",
            id="a URL",
        ),
        # 730 × (4 × 0.031611 + 15 × 0.004237 + 0.35) × 0.7
        pytest.param("n1-standard-4", "nvidia-tesla-t4", "T4", "275.939489", id="N1 with a T4"),
        pytest.param(
            "n1-standard-4",
            "projects/acme/zones/us-central1-a/acceleratorTypes/nvidia-tesla-t4",
            "T4",
            "275.939489",
            id="an accelerator's path",
        ),
        # 730 × (6 × 0.033192 + 20 × 0.004446 + 0.35) × 0.7; 319.07 at the prices of predefined types
        pytest.param(
            "n1-custom-6-20480", "nvidia-tesla-t4", "T4", "326.054792", id="a custom N1, at prices of its own"
        ),
        pytest.param("custom-6-20480", "nvidia-tesla-t4", "T4", "326.054792", id="a custom N1 without its series"),
        # 2 vCPUs bring up to 13 GiB: 730 × (2 × 0.033192 + 13 × 0.004446 + 27 × 0.00955 + 0.35) × 0.7
        pytest.param("n1-custom-2-40960-ext", "nvidia-tesla-t4", "T4", "374.068352", id="extended memory"),
    ],
)
def test_machines_with_accelerators(
    machine: str, accelerator: str | None, model: str, monthly: str, tmp_path: Path
) -> None:
    """Bundled accelerators are never charged twice, attached ones always."""
    blocks = [{"type": accelerator, "count": 1}] if accelerator else []
    side = after(plan(instance(machine_type=machine, guest_accelerator=blocks)), tmp_path)
    gpu = side.pools[0].gpu
    assert gpu is not None
    assert (gpu.model, gpu.per_unit, side.monthly.expected) == (model, 1, Decimal(monthly))


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"machine_type": "n1-standard-4"}, id="N1 without accelerator"),
        pytest.param(
            {"machine_type": "n1-standard-4", "guest_accelerator": [{"type": "nvidia-tesla-t4", "count": 0}]},
            id="N1 with no accelerator of a type",
        ),
        pytest.param({"machine_type": "e2-standard-4"}, id="E2"),
        pytest.param({"machine_type": "c3-standard-4-lssd"}, id="C3 with local SSD"),
    ],
)
def test_machines_without_accelerators_stay_out(values: Json, tmp_path: Path) -> None:
    """No false alarm."""
    assert found(plan(instance(**values)), tmp_path) == {}


@pytest.mark.parametrize(
    ("count", "scheduling", "monthly"),
    [
        # 730 × (4 × 0.031611 + 15 × 0.004237 + 0.35) × 0.7 + 730 × 0.20
        pytest.param(1, {}, "421.939489", id="one"),
        # 730 × (4 × 0.031611 + 15 × 0.004237 + 2 × 0.35) × 0.7 + 2 × 730 × 0.20
        pytest.param(2, {}, "746.789489", id="one for every GPU"),
        # 730 × (4 × 0.01115 + 15 × 0.001494 + 0.1814) + 730 × 0.20
        pytest.param(1, {"provisioning_model": "SPOT", "preemptible": True}, "327.3393", id="no cheaper on spot"),
    ],
)
def test_a_virtual_workstation_adds_its_licence(count: int, scheduling: Json, monthly: str, tmp_path: Path) -> None:
    """The -vws accelerators cost what the GPU costs and 0.20 an hour for each, which earns no sustained use discount."""
    gpus = [{"type": "nvidia-tesla-t4-vws", "count": count}]
    document = plan(
        instance(machine_type="n1-standard-4", guest_accelerator=gpus, scheduling=[scheduling] if scheduling else [])
    )
    result = report(document, tmp_path)
    side = result.resources[0].after
    assert side is not None
    assert amount(side, "license") == count * 730 * Decimal("0.2")
    assert side.monthly.expected == Decimal(monthly)
    assert result.summary.unpriced == 0


@pytest.mark.parametrize(
    ("unknown", "expressions"),
    [
        pytest.param(
            {"guest_accelerator": [{"type": True}]},
            {"guest_accelerator": [{"type": ref("terraform_data.late.output"), "count": const(1)}]},
            id="an accelerator type known after apply",
        ),
        pytest.param(
            {"guest_accelerator": [{"count": True}]},
            {"guest_accelerator": [{"type": const("nvidia-tesla-t4"), "count": ref("terraform_data.late.output")}]},
            id="a number of accelerators known after apply",
        ),
        pytest.param(
            {"machine_type": True},
            {"machine_type": ref("terraform_data.late.output")},
            id="a machine type known after apply",
        ),
    ],
)
def test_what_may_be_an_accelerator_is_never_passed_over(unknown: Json, expressions: Json, tmp_path: Path) -> None:
    """Only apply can tell: reported, unknown, without a price."""
    known: Json = {"zone": ZONE, "machine_type": "n1-standard-4", "guest_accelerator": [{"type": None, "count": None}]}
    for key, value in unknown.items():
        known[key] = None if value is True else [{"type": "nvidia-tesla-t4", "count": 1} | dict.fromkeys(value[0])]
    late = resource("terraform_data.late", {}, unknown={"output": True, "input": True})
    document = plan(resource("google_compute_instance.vm", known, unknown=unknown, expressions=expressions), late)
    result = report(document, tmp_path)
    assert [each.address for each in result.resources] == ["google_compute_instance.vm"]
    assert result.resources[0].after is not None
    assert result.resources[0].after.monthly.expected is None
    assert result.summary.unknown == 1
    assert any(code.startswith("unknown-") for code in codes(result))


@pytest.mark.parametrize(
    ("scheduling", "model"),
    [
        pytest.param({"provisioning_model": "SPOT", "preemptible": True}, "spot", id="spot"),
        pytest.param({"preemptible": True}, "spot", id="preemptible"),
        pytest.param({"provisioning_model": "FLEX_START"}, "flex_start", id="flex start"),
        pytest.param({"provisioning_model": "STANDARD"}, "on_demand", id="standard"),
        pytest.param(
            {"provisioning_model": "RESERVATION_BOUND"}, "on_demand", id="bound to a reservation made elsewhere"
        ),
    ],
)
def test_purchase_models_of_instances(scheduling: Json, model: str, tmp_path: Path) -> None:
    """From the scheduling block."""
    assert after(plan(instance(scheduling=[scheduling])), tmp_path).pools[0].purchase_model == model


@pytest.mark.parametrize(
    ("values", "extra", "model"),
    [
        pytest.param({"spot": True}, {}, "spot", id="spot"),
        pytest.param({"preemptible": True}, {}, "spot", id="preemptible"),
        pytest.param({"flex_start": True}, {}, "flex_start", id="flex start"),
        pytest.param({}, {"queued_provisioning": [{"enabled": True}]}, "flex_start", id="queued provisioning"),
        pytest.param({}, {"queued_provisioning": [{"enabled": False}]}, "on_demand", id="none"),
    ],
)
def test_purchase_models_of_node_pools(values: Json, extra: Json, model: str, tmp_path: Path) -> None:
    """From the node configuration, or the pool's queued provisioning."""
    block = pool(node_count=1, **extra, node_config=[{"machine_type": "g2-standard-4", **values}])
    assert after(plan(cluster(location=ZONE), block), tmp_path).pools[0].purchase_model == model


# -- disks and licences ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("machine", "partitions", "monthly"),
    [
        pytest.param("g2-standard-24", 2, "60", id="G2 pays for them"),
        pytest.param("g4-standard-48", 4, "120", id="G4 pays for them"),
        pytest.param("a2-highgpu-1g", 2, "60", id="A2 Standard pays for them"),
        pytest.param("a2-ultragpu-1g", 1, "0", id="A2 Ultra has them in its price"),
        pytest.param("a3-highgpu-8g", 16, "0", id="A3 has them in its price"),
        pytest.param("a4-highgpu-8g", 32, "0", id="A4 has them in its price"),
    ],
)
def test_local_ssds(machine: str, partitions: int, monthly: str, tmp_path: Path) -> None:
    """375 GiB each, 0.08 a GiB."""
    block = instance(machine_type=machine, scratch_disk=[{"interface": "NVME", "size": 375}] * partitions)
    assert amount(after(plan(block), tmp_path), "storage") == Decimal(monthly)


def disk(name: str, kind: str = "google_compute_disk", **values: Any) -> Block:
    return resource(f"{kind}.{name}", {"name": name, **values}, unknown={"id": True, "self_link": True})


def test_disks_of_their_own_belong_to_the_instance_that_attaches_them(tmp_path: Path) -> None:
    """Boot 30 × 0.04 + data 100 × 0.17 + regional 100 × 0.34 + attached 2 × 200 × 0.10 = 92.20."""
    vm = resource(
        "google_compute_instance.vm",
        {**G2, "boot_disk": [{}], "attached_disk": [{}, {}]},
        unknown={"id": True, "boot_disk": [{"source": True}], "attached_disk": [{"source": True}, {"source": True}]},
        expressions={
            "boot_disk": [{"source": ref("google_compute_disk.boot.self_link")}],
            "attached_disk": [
                {"source": ref("google_compute_disk.data.id")},
                {"source": ref("google_compute_region_disk.pair.self_link")},
            ],
        },
    )
    attachments = [
        resource(
            f"google_compute_attached_disk.more[{index}]",
            {},
            unknown={"disk": True, "instance": True},
            expressions={
                "disk": ref("google_compute_disk.more", "count.index"),
                "instance": ref("google_compute_instance.vm.id"),
            },
        )
        for index in (0, 1)
    ]
    document = plan(
        vm,
        disk("boot", size=30, image="windows-cloud/windows-2022"),
        disk("data", size=100, type="pd-ssd"),
        disk("pair", "google_compute_region_disk", size=100, type="pd-ssd"),
        *(disk(f"more[{index}]", size=200, type="pd-balanced") for index in (0, 1)),
        *attachments,
    )
    side = after(document, tmp_path)
    assert amount(side, "storage") == Decimal("92.2")
    # The image of the boot disk is Windows: 4 vCPUs × 0.046 × 730.
    assert amount(side, "license") == Decimal("134.32")


@pytest.mark.parametrize(
    ("image", "licence"),
    [
        pytest.param("windows-cloud/windows-2022", "134.32", id="Windows"),
        pytest.param("windows-sql-cloud/sql-std-2022-win-2022", "134.32", id="Windows with SQL Server"),
        pytest.param("projects/rhel-cloud/global/images/family/rhel-9", "42.048", id="RHEL"),
        pytest.param("rhel-byos-cloud/rhel-9-byos", "0", id="RHEL with a subscription of one's own"),
        pytest.param("opensuse-cloud/opensuse-leap", "0", id="openSUSE"),
        pytest.param("debian-cloud/debian-12", "0", id="Debian"),
    ],
)
def test_licences_of_images(image: str, licence: str, tmp_path: Path) -> None:
    """g2-standard-4."""
    block = instance(boot_disk=[{"initialize_params": [{"image": image, "size": 50, "type": "pd-balanced"}]}])
    assert amount(after(plan(block), tmp_path), "license") == Decimal(licence)


def test_a_stopped_instance_costs_its_disks(tmp_path: Path) -> None:
    """desired_status TERMINATED."""
    side = after(plan(instance(desired_status="TERMINATED", boot_disk=BOOT)), tmp_path)
    assert (side.monthly.expected, side.pools[0].hours_per_month) == (Decimal("5.00"), 0)


# -- regions --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "provider", "expected"),
    [
        pytest.param({"zone": "europe-west4-b"}, {}, "europe-west4", id="its own zone"),
        pytest.param({"zone": "projects/acme/zones/europe-west4-b"}, {}, "europe-west4", id="the path of a zone"),
        pytest.param({"zone": None}, {"zone": const("asia-east1-a")}, "asia-east1", id="the provider's zone"),
        pytest.param({"zone": None}, {"region": const("asia-east1")}, "asia-east1", id="the provider's region"),
        pytest.param({"zone": None}, {}, None, id="nothing says it"),
    ],
)
def test_regions_of_instances(values: Json, provider: Json, expected: str | None, tmp_path: Path) -> None:
    """A region that nothing tells stays unknown and is said."""
    result = report(plan(instance(**values), providers={"google": provider}), tmp_path)
    assert result.resources[0].after is not None
    assert result.resources[0].after.region == expected
    assert ("unknown-region" in codes(result)) == (expected is None)


# -- managed instance groups ----------------------------------------------------------------------------------------------


def template(name: str = "t", machine: str = "g2-standard-4", **values: Any) -> Block:
    own = {"machine_type": machine, "name_prefix": f"{name}-", **values}
    return resource(f"google_compute_instance_template.{name}", own, unknown={"id": True, "self_link": True})


def group(expressions: Json | None = None, unknown: Json | None = None, versions: int = 1, **values: Any) -> Block:
    own = {"name": "g", "zone": ZONE, "version": [{"target_size": []} for _ in range(versions)], **values}
    mask = {"id": True, "self_link": True, "version": [{"instance_template": True}] * versions, **(unknown or {})}
    return resource(
        "google_compute_instance_group_manager.g",
        own,
        unknown=mask,
        expressions={
            "version": [{"instance_template": ref("google_compute_instance_template.t.self_link")}],
            **(expressions or {}),
        },
    )


def config(name: str = "a", before: Json | None = None, **values: Any) -> Block:
    own = {"name": name, **values}
    return resource(
        f"google_compute_per_instance_config.{name}",
        own,
        before=before,
        unknown={} if before else {"instance_group_manager": True},
        expressions={"instance_group_manager": ref("google_compute_instance_group_manager.g.name")},
    )


def autoscaler(low: int, high: int, mode: str = "ON") -> Block:
    return resource(
        "google_compute_autoscaler.a",
        {"autoscaling_policy": [{"min_replicas": low, "max_replicas": high, "mode": mode}]},
        unknown={"target": True},
        expressions={"target": ref("google_compute_instance_group_manager.g.self_link")},
    )


@pytest.mark.parametrize(
    ("blocks", "expected"),
    [
        pytest.param([group(target_size=3)], (3, 3, 3), id="target_size"),
        pytest.param([group(), autoscaler(1, 8)], (1, 1, 8), id="an autoscaler without target_size"),
        pytest.param([group(target_size=2), autoscaler(1, 8)], (1, 2, 8), id="an autoscaler and a target_size"),
        pytest.param([group(target_size=0), autoscaler(1, 8)], (1, 1, 8), id="the autoscaler raises it to its minimum"),
        pytest.param([group(target_size=9), autoscaler(1, 8)], (1, 8, 8), id="the autoscaler lowers it to its maximum"),
        pytest.param([group(target_size=2), autoscaler(1, 8, "OFF")], (2, 2, 2), id="an autoscaler that is off"),
        pytest.param(
            [group({"target_size": ref("var.scaled", "var.size")}, {"target_size": True}), autoscaler(1, 8)],
            (1, 1, 8),
            id="a target_size that a module leaves null",
        ),
        pytest.param(
            [group({"target_size": ref("random_integer.n.result")}, {"target_size": True})],
            (None, None, None),
            id="a target_size that only apply can tell",
        ),
    ],
)
def test_sizes_of_managed_groups(blocks: list[Block], expected: tuple[int | None, ...], tmp_path: Path) -> None:
    """Totals of the group; the bounds are those of the autoscaler that refers to it."""
    number = resource("random_integer.n", {}, unknown={"result": True})
    document = plan(template(), number, *blocks, variables={"scaled": True, "size": 5})
    assert units(after(document, tmp_path)) == expected


def behind_local(key: str, others: Json | None = None) -> Json:
    """Groups in one module, templates in another, and a local between them: ``local.links[each.key]``."""
    types = {"a": "g2-standard-8", "b": "n2-standard-8"}
    templates = [
        resource(
            f'module.t["{name}"].google_compute_instance_template.this', {"machine_type": machine}, unknown={"id": True}
        )
        for name, machine in (types | (others or {})).items()
    ]
    group = resource(
        f'module.g["{key}"].google_compute_instance_group_manager.this',
        {"name": key, "zone": ZONE, "version": [{}], "target_size": 2},
        unknown={"version": [{"instance_template": True}]},
        expressions={"version": [{"instance_template": ref("var.template")}]},
    )
    link = {"expressions": {"template": ref("local.links", "each.key")}, "variables": {"template": {}}}
    return plan(*templates, group, calls={"g": link, "t": {}})


def test_a_local_between_two_modules_hides_a_template_of_the_same_key(tmp_path: Path) -> None:
    result = report(behind_local("a"), tmp_path)
    (one,) = result.resources
    assert one.after is not None
    assert one.via == ('module.t["a"].google_compute_instance_template.this',)
    assert (one.after.pools[0].sku, units(one.after)) == ("g2-standard-8", (2, 2, 2))
    assert "assumed-template" in codes(result)
    assert "unused-template" not in codes(result)


def test_a_group_whose_template_of_the_same_key_has_no_gpu_stays_quiet(tmp_path: Path) -> None:
    assert not found(behind_local("b"), tmp_path)


def test_a_template_of_another_key_is_not_taken(tmp_path: Path) -> None:
    result = report(behind_local("c"), tmp_path)
    assert [each.after.pools[0].sku for each in result.resources if each.after] == [None]
    assert "unknown-machine-type" in codes(result)


BULK = resource(
    "google_compute_bulk_per_instance_config.b",
    {"instance_group_manager": "g", "zone": ZONE, "instances": [{"name": "x"}, {"name": "y"}, {"name": "z"}]},
)
KEPT = {"name": "a", "instance_group_manager": "g"}


@pytest.mark.parametrize(
    ("blocks", "expected"),
    [
        pytest.param([group(), config()], (1, 1, 1), id="a configuration for a group without a size"),
        pytest.param([group(target_size=2), config(), config("b")], (4, 4, 4), id="two beside the size of the group"),
        pytest.param([group(target_size=1), BULK], (4, 4, 4), id="several in one resource"),
        pytest.param([group(), config(), config("b"), autoscaler(1, 8)], (1, 2, 8), id="within an autoscaler's bounds"),
        pytest.param(
            [group(target_size=2), config(before=KEPT, instance_group_manager="g")],
            (2, 2, 2),
            id="one that is there already is in the size of the group",
        ),
        pytest.param(
            [
                group(unknown={"target_size": True}, expressions={"target_size": ref("random_integer.n.result")}),
                config(),
            ],
            (None, None, None),
            id="a size that only apply can tell",
        ),
    ],
)
def test_per_instance_configurations_create_machines(
    blocks: list[Block], expected: tuple[int | None, ...], tmp_path: Path
) -> None:
    """The provider creates the machine of each by its name."""
    number = resource("random_integer.n", {}, unknown={"result": True})
    assert units(after(plan(template(), number, *blocks), tmp_path)) == expected


@pytest.mark.parametrize(
    ("canary", "expected"),
    [
        pytest.param({"percent": 30, "fixed": None}, [3, 2], id="a percentage is rounded up"),
        pytest.param({"fixed": 1, "percent": None}, [4, 1], id="a fixed number"),
        pytest.param({"fixed": 9, "percent": None}, [0, 5], id="not more than there are"),
    ],
)
def test_versions_of_a_managed_group(canary: Json, expected: list[int], tmp_path: Path) -> None:
    """Five instances, two templates; the version without target_size has the rest."""
    block = group(
        {
            "version": [
                {"instance_template": ref("google_compute_instance_template.t.self_link")},
                {"instance_template": ref("google_compute_instance_template.next.self_link")},
            ]
        },
        versions=2,
        version=[{"target_size": []}, {"target_size": [canary]}],
        target_size=5,
    )
    result = found(plan(template(), template("next", "g2-standard-8"), block), tmp_path)
    (only,) = result.values()
    assert only.after is not None
    assert [each.units.expected for each in only.after.pools] == expected
    assert set(only.via) == {"google_compute_instance_template.t", "google_compute_instance_template.next"}


def test_of_several_templates_that_a_local_hides_the_dearest_is_taken(tmp_path: Path) -> None:
    """Nothing says which: the estimate errs high and says so."""
    hidden = group({"version": [{"instance_template": ref("local.template")}]}, target_size=1)
    document = plan(template("t1"), template("t2", "a2-highgpu-1g"), hidden)
    result = report(document, tmp_path)
    assert result.resources[0].after is not None
    assert result.resources[0].after.pools[0].sku == "a2-highgpu-1g"
    assert "ambiguous-template" in codes(result)


def test_data_sources_tell_the_zones_of_a_shared_cluster(tmp_path: Path) -> None:
    """A cluster that another project manages, read while planning."""
    shared = {
        "name": "shared",
        "location": "europe-west4",
        "node_locations": ["europe-west4-a", "europe-west4-b"],
        "id": "projects/acme/locations/europe-west4/clusters/shared",
    }
    block = pool(
        cluster=shared["id"], node_count=1, expressions={"cluster": ref("data.google_container_cluster.shared.id")}
    )
    side = after(plan(data("data.google_container_cluster.shared", shared), block), tmp_path)
    assert (side.region, units(side)) == ("europe-west4", (2, 2, 2))


# -- instances from templates and machine images --------------------------------------------------------------------------


def from_template(unknown: Json | None = None, **values: Any) -> Block:
    return resource(
        "google_compute_instance_from_template.vm",
        {"name": "vm", "zone": ZONE, **values},
        unknown={"source_instance_template": True, **(unknown or {"machine_type": True, "resource_policies": True})},
        expressions={"source_instance_template": ref("google_compute_instance_template.t.self_link")},
    )


DISKS: Json = {
    "disk": [
        {"boot": True, "source_image": "debian-cloud/debian-12", "disk_type": "pd-balanced", "disk_size_gb": 50},
        {"type": "SCRATCH", "disk_type": "local-ssd", "disk_size_gb": 375},
        {"disk_type": "pd-ssd", "disk_size_gb": 100},
    ],
    "network_interface": [{"access_config": [{}]}],
}


@pytest.mark.parametrize(
    ("values", "sku", "model", "storage", "address"),
    [
        pytest.param({}, "g2-standard-4", "on_demand", "52", True, id="all from the template"),
        pytest.param({"machine_type": "g2-standard-8"}, "g2-standard-8", "on_demand", "52", True, id="its own machine type"),
        pytest.param({"scheduling": [{"provisioning_model": "SPOT"}]}, "g2-standard-4", "spot", "38.05", True, id="its own purchase model, also for local SSD"),
        pytest.param({"boot_disk": BOOT}, "g2-standard-4", "on_demand", "52", True, id="its own boot disk"),
        pytest.param({"scratch_disk": [{"size": 375}] * 2}, "g2-standard-4", "on_demand", "82", True, id="its own local SSDs"),
        pytest.param({"network_interface": [{"network": "default"}]}, "g2-standard-4", "on_demand", "52", False, id="its own interfaces"),
    ],
)  # fmt: skip
def test_what_an_instance_sets_itself_goes_before_its_template(
    values: Json, sku: str, model: str, storage: str, address: bool, tmp_path: Path
) -> None:
    """50 × 0.10 + 375 × 0.08 (0.0428 as Spot) + 100 × 0.17."""
    (only,) = found(plan(template(**DISKS), from_template(**values)), tmp_path).values()
    assert only.after is not None
    assert (only.after.pools[0].sku, only.after.pools[0].purchase_model) == (sku, model)
    assert amount(only.after, "storage") == Decimal(storage)
    assert bool(amount(only.after, "network")) == address
    assert only.via == ("google_compute_instance_template.t",)


def test_attached_gpus_of_an_instance_replace_those_of_its_template(tmp_path: Path) -> None:
    """One T4 instead of four."""
    held = template(machine="n1-standard-8", guest_accelerator=[{"type": "nvidia-tesla-t4", "count": 4}])
    (only,) = found(plan(held, from_template(guest_accelerator=T4)), tmp_path).values()
    assert only.after is not None
    assert only.after.gpus.expected == 1


@pytest.mark.parametrize(
    ("values", "unknown"),
    [
        pytest.param({}, True, id="nothing else says what it is"),
        pytest.param({"machine_type": "n1-standard-4"}, True, id="N1, to which the template may attach GPUs"),
        pytest.param({"machine_type": "e2-standard-4"}, False, id="a plain machine takes no GPU"),
        pytest.param({"machine_type": "g2-standard-4"}, False, id="a GPU machine of its own"),
    ],
)
def test_a_template_that_is_not_in_the_plan(values: Json, unknown: bool, tmp_path: Path) -> None:
    """Unknown only where it could hold a GPU."""
    own = {"zone": ZONE, "source_instance_template": "projects/shared/global/instanceTemplates/x", **values}
    result = report(plan(resource("google_compute_instance_from_template.vm", own)), tmp_path)
    assert bool(result.summary.unknown) == unknown
    assert bool(result.resources) == (unknown or values["machine_type"].startswith("g2"))


def test_templates_of_a_data_source(tmp_path: Path) -> None:
    """Read while planning."""
    values = {"name": "t", "self_link": "global/instanceTemplates/t", "machine_type": "g2-standard-4"}
    own = {"zone": ZONE, "source_instance_template": "global/instanceTemplates/t"}
    document = plan(
        data("data.google_compute_instance_template.t", values),
        resource("google_compute_instance_from_template.vm", own),
    )
    assert after(document, tmp_path).pools[0].sku == "g2-standard-4"


def test_machine_images_hold_the_instance_they_were_taken_of(tmp_path: Path) -> None:
    """Its GPUs and disks, with a machine type that the copy sets itself."""
    source = resource(
        "google_compute_instance.vm",
        {"machine_type": "n1-standard-4", "zone": ZONE, "guest_accelerator": T4, "boot_disk": BOOT},
        unknown={"self_link": True},
    )
    image = resource(
        "google_compute_machine_image.m",
        {"name": "m"},
        unknown={"source_instance": True, "self_link": True},
        expressions={"source_instance": ref("google_compute_instance.vm.self_link")},
    )
    copy = resource(
        "google_compute_instance_from_machine_image.copy",
        {"zone": ZONE, "machine_type": "n1-standard-8"},
        unknown={"source_machine_image": True},
        expressions={"source_machine_image": ref("google_compute_machine_image.m.self_link")},
    )
    side = after(plan(source, image, copy), tmp_path, "google_compute_instance_from_machine_image.copy")
    assert (side.pools[0].sku, side.gpus.expected, amount(side, "storage")) == ("n1-standard-8", 1, Decimal(5))


def test_a_machine_image_of_another_configuration_is_unknown(tmp_path: Path) -> None:
    """It may hold anything."""
    own = {"zone": ZONE, "source_machine_image": "projects/shared/global/machineImages/x"}
    result = report(plan(resource("google_compute_instance_from_machine_image.vm", own)), tmp_path)
    assert result.summary.unknown == 1


# -- flexible groups ------------------------------------------------------------------------------------------------------


def flexible(*selections: tuple[int | None, list[str]], machine: str = "e2-standard-4") -> list[Block]:
    policy = [
        {"name": f"s{index}", "rank": rank, "machine_types": types} for index, (rank, types) in enumerate(selections)
    ]
    own = {
        "name": "g",
        "region": "us-central1",
        "target_size": 1,
        "version": [{}],
        "instance_flexibility_policy": [{"instance_selections": policy}],
    }
    block = resource(
        "google_compute_region_instance_group_manager.g",
        own,
        unknown={"version": [{"instance_template": True}]},
        expressions={"version": [{"instance_template": ref("google_compute_instance_template.t.self_link")}]},
    )
    return [template(machine=machine), block]


@pytest.mark.parametrize(
    ("selections", "sku", "candidates"),
    [
        pytest.param([(1, ["g2-standard-4"]), (2, ["a2-highgpu-1g"])], "g2-standard-4", 1, id="the lowest rank"),
        pytest.param([(2, ["g2-standard-4"]), (1, ["a2-highgpu-1g"])], "a2-highgpu-1g", 1, id="in any order"),
        pytest.param([(1, ["g2-standard-4", "g2-standard-8"])], "g2-standard-8", 1, id="of one rank the dearest"),
        pytest.param([(None, ["g2-standard-8"]), (None, ["g2-standard-4"])], "g2-standard-8", 1, id="without ranks, too"),
        pytest.param([(1, ["e2-standard-8"]), (2, ["g2-standard-4"])], "g2-standard-4", 1, id="of plain and GPU types the GPU"),
    ],
)  # fmt: skip
def test_flexible_groups_choose_by_rank(
    selections: list[tuple[int | None, list[str]]], sku: str, candidates: int, tmp_path: Path
) -> None:
    """The machine types of the policy stand in for that of the template."""
    (only,) = found(plan(*flexible(*selections)), tmp_path).values()
    assert only.after is not None
    pool = only.after.pools[0]
    assert (pool.sku, len(pool.candidates)) == (sku, candidates)


def test_a_flexible_group_of_plain_machines_stays_silent(tmp_path: Path) -> None:
    """Whatever its template says: the policy's types run."""
    assert not found(plan(*flexible((1, ["e2-standard-8"]), machine="g2-standard-4")), tmp_path)
