"""The clouds that sell plain machines: Hyperstack, Verda, Civo, UpCloud, Gcore, Latitude.sh; and junk in all types like theirs."""

import json
import random
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gpuguard.extract.registry import PROVIDERS
from gpuguard.model.report import State
from tests.extract.plans import Block, Json, after, codes, const, data, plan, ref, report, resource

MONTH = Decimal(730)
MODULES = (
    "civo", "coreweave", "crusoe", "gcore", "hyperstack", "lambdalabs", "latitudesh", "nebius", "oci", "ovh", "scaleway",
    "upcloud", "verda",
)  # fmt: skip
TYPES = tuple(spec.type for provider in PROVIDERS if provider.module in MODULES for spec in provider.specs)


def sizes(side: State) -> tuple[float | None, ...]:
    units = side.pools[0].units
    return units.min, units.expected, units.max


@pytest.mark.parametrize(
    ("type_", "values"),
    [
        pytest.param("hyperstack_core_virtual_machine", {"flavor_name": "n1-cpu-small"}, id="Hyperstack"),
        pytest.param("verda_instance", {"instance_type": "CPU.4V.16G", "location": "FIN-01"}, id="Verda"),
        pytest.param("civo_instance", {"size": "g3.small", "region": "LON1"}, id="Civo"),
        pytest.param("civo_kubernetes_node_pool", {"size": "g4s.kube.medium", "node_count": 3}, id="a pool of Civo"),
        pytest.param("upcloud_server", {"plan": "2xCPU-4GB", "zone": "fi-hel2"}, id="UpCloud"),
        pytest.param("gcore_instancev2", {"flavor_id": "g2-standard-2-4"}, id="Gcore"),
        pytest.param(
            "gcore_inference_deployment",
            {"flavor_name": "inference-4vcpu-16gib", "containers": [{"scale_min": 1, "scale_max": 1}]},
            id="inference of Gcore",
        ),
        pytest.param("latitudesh_server", {"plan": "m4-metal-medium", "site": "DAL"}, id="Latitude.sh"),
    ],
)
def test_machines_without_gpus_are_not_reported(type_: str, values: Json, tmp_path: Path) -> None:
    result = report(plan(resource(f"{type_}.x", values)), tmp_path)
    assert (result.resources, codes(result)) == ((), set())


def test_a_spot_flavour_of_hyperstack_is_the_spot_machine(tmp_path: Path) -> None:
    """n3-A100x1 1.35 an hour, 1.08 as spot."""
    side = after(plan(resource("hyperstack_core_virtual_machine.x", {"flavor_name": "n3-A100x1-spot"})), tmp_path)
    assert (side.pools[0].sku, side.pools[0].purchase_model, side.monthly.expected) == (
        "n3-A100x1",
        "spot",
        Decimal("1.08") * MONTH,
    )


def test_a_machine_of_hyperstack_is_where_its_environment_is(tmp_path: Path) -> None:
    blocks = [
        resource(
            "hyperstack_core_cluster.c",
            {"node_flavor_name": "n3-A100x1", "node_count": 2},
            unknown={"environment_name": True},
            expressions={"environment_name": ref("hyperstack_core_environment.e.name")},
        ),
        resource("hyperstack_core_environment.e", {"name": "ml", "region": "NORWAY-1"}),
    ]
    side = after(plan(*blocks), tmp_path)
    assert (side.region, side.monthly.expected) == ("NORWAY-1", 2 * Decimal("1.35") * MONTH)


@pytest.mark.parametrize(("spot", "hourly"), [(False, "3.25"), (True, "1.625"), (None, "3.25")])
def test_instances_of_verda(spot: bool | None, hourly: str, tmp_path: Path) -> None:
    block = resource("verda_instance.x", {"instance_type": "1H100.80S.32V", "is_spot": spot})
    side = after(plan(block), tmp_path)
    assert (side.region, side.monthly.expected) == ("FIN-01", Decimal(hourly) * MONTH)


def test_serverless_replicas_of_verda_scale_to_zero(tmp_path: Path) -> None:
    compute = {"name": "H100", "size": 2}
    blocks = [
        resource(
            "verda_container.c", {"compute": compute, "scaling": {"min_replica_count": 0, "max_replica_count": 5}}
        ),
        resource("verda_serverless_job.j", {"compute": compute, "scaling": {"max_replica_count": 3}}),
    ]
    result = report(plan(*blocks), tmp_path)
    assert [sizes(each.after) for each in result.resources if each.after] == [(0, 0, 5), (0, 0, 3)]
    assert (result.summary.gpus_after, result.summary.gpus_max_after, result.summary.unpriced) == (0, 16, 2)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param({"pools": [{"size": "gpu-a100-40-small", "node_count": 2}]}, 2, id="a block"),
        pytest.param({"target_nodes_size": "gpu-a100-40-small", "num_target_nodes": 4}, 4, id="the attributes of old"),
        pytest.param({"target_nodes_size": "gpu-a100-40-small"}, 3, id="three where none is told"),
    ],
)
def test_the_first_pool_of_a_civo_cluster(values: Json, expected: int, tmp_path: Path) -> None:
    document = plan(resource("civo_kubernetes_cluster.c", values), providers={"civo": {"region": const("LON1")}})
    side = after(document, tmp_path)
    assert (side.region, sizes(side), side.monthly.expected) == (
        "LON1",
        (expected,) * 3,
        expected * Decimal("1.09") * MONTH,
    )


@pytest.mark.parametrize(
    ("type_", "flavour", "gpu", "count"),
    [
        ("gcore_ai_cluster", "bm3-ai-1xlarge-h100-80-8", "H100-80GB", 8),
        ("gcore_ai_cluster", "bm2-ai-ipu-xsmall", "GPU", 1),
        ("gcore_gpu_virtual_cluster", "g3-ai-192-1536-12000-l40s-48-8", "L40S", 8),
    ],
)
def test_gpu_clusters_of_gcore_tell_their_gpus(type_: str, flavour: str, gpu: str, count: int, tmp_path: Path) -> None:
    values = {"flavor": flavour, "instances_count": 1, "servers_count": 1, "region_name": "Luxembourg-2"}
    side = after(plan(resource(f"{type_}.x", values)), tmp_path)
    assert side.pools[0].gpu is not None
    assert (side.pools[0].gpu.model, side.pools[0].gpu.per_unit) == (gpu, count)


def test_the_number_of_a_region_of_gcore_is_looked_up(tmp_path: Path) -> None:
    blocks = [
        resource("gcore_instancev2.x", {"flavor_id": "g2-gpu-4-16-a2-1", "region_id": 76}),
        data("data.gcore_region.r", {"id": "76", "name": "Luxembourg-2"}),
    ]
    assert after(plan(*blocks), tmp_path).region == "Luxembourg-2"


@pytest.mark.parametrize(
    ("billing", "hourly", "model"),
    [
        ("hourly", "3.37", "on_demand"),
        ("monthly", "3.37", "on_demand"),
        (None, "3.37", "on_demand"),
        ("yearly", "1.179452", "reserved"),
    ],
)
def test_servers_of_latitude_by_their_billing(billing: str | None, hourly: str, model: str, tmp_path: Path) -> None:
    block = resource("latitudesh_server.x", {"plan": "g3-h100-small", "site": "ASH", "billing": billing})
    side = after(plan(block), tmp_path)
    assert (side.pools[0].purchase_model, side.monthly.expected) == (model, Decimal(hourly) * MONTH)


# -- junk -----------------------------------------------------------------------------------------------------------------

JUNK: tuple[Any, ...] = (
    None, True, 0, -1, 1e308, 3.5, "", "gpu-h100-sxm", "BM.GPU.H100.8", "L4-1-24G", "a" * 5000, "\0", [], {}, [[]], [None],
    [{}], ["a", 1], {"a": 1}, [{"x": [{}]}], 10**30, "1e400", "8:9:x," * 300, "0 0 7 ? * MON-FRI *", "x:PHX-AD-1",
)  # fmt: skip


def seeds() -> dict[str, list[Json]]:
    """What resources of these types hold in the fixtures."""
    known: dict[str, list[Json]] = {}
    for path in sorted((Path(__file__).parents[2] / "fixtures").glob("*/plan.json")):
        for each in json.loads(path.read_bytes()).get("resource_changes", ()):
            if each["type"] in TYPES and each["change"]["after"]:
                known.setdefault(each["type"], []).append(each["change"]["after"])
    return known


SEEDS = seeds()


def damaged(value: Any, chance: random.Random) -> Any:
    """The same with junk in some places."""
    if chance.random() < 0.15:
        return chance.choice(JUNK)
    if isinstance(value, dict):
        return {key: damaged(item, chance) for key, item in value.items()}
    return [damaged(item, chance) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("type_", TYPES)
def test_junk_in_a_plan_is_told_and_never_a_crash(type_: str, tmp_path: Path) -> None:
    chance = random.Random(type_)  # noqa: S311 - the same junk every time
    blocks: list[Block] = []
    for seed in SEEDS[type_][:2]:
        for _ in range(12):
            values = damaged(seed, chance)
            after_side = values if isinstance(values, dict) else {"x": values}
            blocks.append(resource(f"{type_}.r{len(blocks)}", after_side, before=seed))
    result = report(plan(*blocks), tmp_path)
    assert all(
        each.monthly is None or each.monthly >= 0
        for item in result.resources
        if item.after
        for each in item.after.components
    )


@pytest.mark.parametrize("type_", TYPES)
def test_values_that_only_apply_can_tell_are_never_a_crash(type_: str, tmp_path: Path) -> None:
    names = SEEDS[type_][0]
    block = resource(
        f"{type_}.r",
        {},
        unknown=dict.fromkeys(names, True),
        expressions={name: ref("terraform_data.x.output") for name in names},
    )
    report(plan(block, resource("terraform_data.x", {}, unknown={"output": True})), tmp_path)
