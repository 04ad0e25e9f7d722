"""Cloud Run: which services, jobs and worker pools hold GPUs, how many instances run, and what they cost.

Unit prices used here, us-central1, for an hour (the catalog's table of managed services): L4 without zonal redundancy
0.67212, with it 1.04724, RTX PRO 6000 without it 1.314792, a vCPU 0.0648, a GiB of memory 0.0072.
"""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gpuguard.extract.providers.google.run import quantity
from gpuguard.model.report import State
from tests.extract.plans import Block, Json, after, codes, const, found, plan, ref, report, resource, state

HERE = {"location": "us-central1", "name": "serve"}
LIMITS = {"cpu": "4", "memory": "16Gi", "nvidia.com/gpu": "1"}
L4 = [{"accelerator": "nvidia-l4"}]
AN_HOUR = Decimal("0.67212") + 4 * Decimal("0.0648") + 16 * Decimal("0.0072")


def template(**values: Any) -> list[Json]:
    limits = values.pop("limits", LIMITS)
    own = {
        "containers": [{"resources": [{"limits": limits}]}],
        "node_selector": L4,
        "gpu_zonal_redundancy_disabled": True,
    }
    return [own | values]


def service(unknown: Json | None = None, expressions: Json | None = None, **values: Any) -> Block:
    own = {**HERE, "template": template(), **values}
    return resource("google_cloud_run_v2_service.s", own, unknown=unknown, expressions=expressions)


def scaling(low: object = None, high: object = None, **more: Any) -> list[Json]:
    return [{"min_instance_count": low, "max_instance_count": high, **more}]


def units(side: State) -> tuple[float | None, ...]:
    size = side.pools[0].units
    return size.min, size.expected, size.max


def quiet(block: Block, folder: Path) -> bool:
    result = report(plan(block), folder)
    return not result.resources and not codes(result)


# -- how many instances run -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("own", "of_revision", "expected"),
    [
        pytest.param(scaling(1, 4), [], (1, 1, 4), id="the bounds of the service"),
        pytest.param([], scaling(1, 4), (1, 1, 4), id="the bounds of the revision"),
        pytest.param(scaling(1, 10), scaling(2, 4), (2, 2, 4), id="the larger minimum and the smaller maximum of both"),
        pytest.param(scaling(0, 3), [], (0, 0, 3), id="nothing at rest"),
        pytest.param([], [], (0, 0, 100), id="a hundred where no maximum is set"),
        pytest.param(scaling(0, 0), [], (0, 0, 100), id="a maximum of zero is none"),
        pytest.param(scaling(scaling_mode="MANUAL", manual_instance_count=3), [], (3, 3, 3), id="a number set by hand"),
        pytest.param(scaling(scaling_mode="MANUAL", manual_instance_count=0), [], (0, 0, 0), id="switched off by hand"),
        pytest.param(scaling(5, 3), [], (5, 3, 3), id="a minimum above the maximum runs at the maximum"),
    ],
)
def test_a_service_runs_its_minimum_and_scales_to_its_maximum(
    own: list[Json], of_revision: list[Json], expected: tuple[int, ...], tmp_path: Path
) -> None:
    block = service(scaling=own, template=template(scaling=of_revision))
    assert units(after(plan(block), tmp_path)) == expected


def test_a_service_without_a_maximum_says_so(tmp_path: Path) -> None:
    assert "default-maximum" in codes(report(plan(service(scaling=scaling(1))), tmp_path))


def test_a_maximum_that_only_apply_can_tell_is_not_known(tmp_path: Path) -> None:
    block = service(
        scaling=[{"min_instance_count": 1}],
        unknown={"scaling": [{"max_instance_count": True}]},
        expressions={"scaling": [{"max_instance_count": ref("google_thing.x.size")}]},
    )
    side = after(plan(block, resource("google_thing.x", {}, unknown={"size": True})), tmp_path)
    assert units(side) == (1, 1, None)


def test_a_service_in_several_regions_runs_in_each(tmp_path: Path) -> None:
    where = [{"regions": ["us-central1", "europe-west4"]}]
    block = service(location="global", scaling=scaling(1, 2), multi_region_settings=where)
    side = after(plan(block), tmp_path)
    assert (side.region, units(side)) == ("us-central1", (2, 2, 4))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param({}, (1, 1, 1), id="one where nothing is said"),
        pytest.param({"scaling": [{"manual_instance_count": 3}]}, (3, 3, 3), id="a number"),
        pytest.param(
            {"scaling": [{"scaling_mode": "AUTOMATIC"}]}, (1, 1, 100), id="scales between 1 and 100 by itself"
        ),
        pytest.param({"scaling": scaling(2, 6)}, (2, 2, 6), id="its own bounds"),
    ],
)
def test_a_worker_pool_runs_all_the_time(values: Json, expected: tuple[int, ...], tmp_path: Path) -> None:
    block = resource("google_cloud_run_v2_worker_pool.p", {**HERE, "template": template(), **values})
    side = after(plan(block), tmp_path)
    assert units(side) == expected
    assert [each.sku for each in side.components] == ["cloud-run-l4"]


@pytest.mark.parametrize(
    ("execution", "most"),
    [
        pytest.param({}, 1, id="one task"),
        pytest.param({"task_count": 8}, 8, id="all tasks at once"),
        pytest.param({"task_count": 8, "parallelism": 3}, 3, id="as many as it may run at once"),
        pytest.param({"task_count": 2, "parallelism": 5}, 2, id="no more than there are tasks"),
        pytest.param({"task_count": 4, "parallelism": 0}, 4, id="parallelism zero sets no limit"),
    ],
)
def test_a_job_costs_nothing_until_it_is_started(execution: Json, most: int, tmp_path: Path) -> None:
    block = resource("google_cloud_run_v2_job.j", {**HERE, "template": [{**execution, "template": template()}]})
    side = after(plan(block), tmp_path)
    assert units(side) == (0, 0, most)
    assert side.monthly.expected == 0
    assert side.monthly.max == most * 730 * AN_HOUR


def test_a_job_that_apply_starts_counts_once_up_to_the_timeout_of_its_tasks(tmp_path: Path) -> None:
    execution = {"task_count": 6, "parallelism": 3, "template": template(timeout="1800s")}
    block = resource("google_cloud_run_v2_job.j", {**HERE, "template": [execution], "run_execution_token": "a"})
    side = after(plan(block), tmp_path)
    assert units(side) == (0, 3, 3)
    assert side.pools[0].hours_per_month == 1  # two batches of half an hour
    assert side.monthly.expected == 3 * AN_HOUR


# -- what an instance is --------------------------------------------------------------------------------------------------


def test_an_instance_costs_its_gpu_vcpus_and_memory_for_its_whole_life(tmp_path: Path) -> None:
    side = after(plan(service(scaling=scaling(2, 2))), tmp_path)
    assert side.monthly.expected == 2 * 730 * AN_HOUR
    assert side.pools[0].gpu is not None
    assert (side.pools[0].gpu.model, side.pools[0].gpu.per_unit) == ("L4", 1)


def test_zonal_redundancy_is_on_unless_it_is_turned_off(tmp_path: Path) -> None:
    block = service(scaling=scaling(1, 1), template=template(gpu_zonal_redundancy_disabled=None))
    side = after(plan(block), tmp_path)
    assert side.pools[0].sku == "cloud-run-l4-zonal-redundancy"
    assert side.components[0].unit_price == Decimal("1.04724")


@pytest.mark.parametrize(
    ("gpu", "limits", "sizes"),
    [
        pytest.param("nvidia-l4", None, (4, 16), id="the least an L4 asks for"),
        pytest.param("nvidia-rtx-pro-6000", None, (20, 80), id="the least an RTX PRO 6000 asks for"),
        pytest.param("nvidia-l4", {"cpu": "8"}, (8, 16), id="memory alone is left open"),
        pytest.param("nvidia-l4", {"cpu": "6000m", "memory": "32768Mi"}, (6, 32), id="thousandths and MiB"),
    ],
)
def test_limits_that_are_not_written_are_the_least_of_the_gpu(
    gpu: str, limits: Json | None, sizes: tuple[int, int], tmp_path: Path
) -> None:
    resources = [] if limits is None else [{"limits": limits}]
    values = template(containers=[{"resources": resources}], node_selector=[{"accelerator": gpu}])
    side = after(plan(service(scaling=scaling(1, 1), template=values)), tmp_path)
    assert tuple(each.quantity for each in side.components[1:]) == (730 * sizes[0], 730 * sizes[1])


def test_sidecars_count_with_what_they_ask_for(tmp_path: Path) -> None:
    sidecar = {"resources": [{"limits": {"cpu": "500m", "memory": "1Gi"}}]}
    values = template(containers=[{"resources": [{"limits": LIMITS}]}, sidecar, {"image": "plain"}])
    side = after(plan(service(scaling=scaling(1, 1), template=values)), tmp_path)
    assert [each.quantity for each in side.components] == [730, 730 * 5.5, 730 * 17.5]


def test_a_gpu_without_a_type_is_an_l4_and_said_so(tmp_path: Path) -> None:
    result = report(plan(service(scaling=scaling(1, 1), template=template(node_selector=[]))), tmp_path)
    assert result.resources[0].after is not None
    assert result.resources[0].after.pools[0].sku == "cloud-run-l4"
    assert "assumed-accelerator" in codes(result)


def test_a_gpu_without_a_price_is_unpriced(tmp_path: Path) -> None:
    values = template(node_selector=[{"accelerator": "nvidia-h100-80gb"}])
    result = report(plan(service(scaling=scaling(1, 1), template=values)), tmp_path)
    assert result.summary.unpriced == 1
    assert result.summary.gpus_after == 1
    assert "unpriced" in codes(result)


def test_a_region_without_a_price_is_unpriced(tmp_path: Path) -> None:
    assert report(plan(service(scaling=scaling(1, 1), location="europe-west1")), tmp_path).summary.unpriced == 1


@pytest.mark.parametrize(
    ("unknown", "expressions"),
    [
        pytest.param(
            {"template": [{"node_selector": [{"accelerator": True}]}]},
            {"template": [{"node_selector": [{"accelerator": ref("google_thing.x.gpu")}]}]},
            id="the type of the GPU",
        ),
        pytest.param(
            {"template": [{"containers": [{"resources": [{"limits": {"nvidia.com/gpu": True}}]}]}]},
            {"template": [{"containers": [{"resources": [{"limits": ref("google_thing.x.gpu")}]}]}]},
            id="the number of GPUs",
        ),
    ],
)
def test_what_only_apply_can_tell_of_the_gpu_is_an_unknown_gpu(
    unknown: Json, expressions: Json, tmp_path: Path
) -> None:
    limits = {"cpu": "4", "memory": "16Gi"}
    values = [{"containers": [{"resources": [{"limits": limits}]}], "node_selector": [{}]}]
    block = service(scaling=scaling(1, 1), template=values, unknown=unknown, expressions=expressions)
    result = report(plan(block, resource("google_thing.x", {}, unknown={"gpu": True})), tmp_path)
    assert "unknown-accelerator" in codes(result)
    assert result.resources[0].after is not None
    assert result.resources[0].after.pools[0].sku is None


def test_the_type_of_the_gpu_is_found_behind_a_variable(tmp_path: Path) -> None:
    values = template(node_selector=[{}])
    block = service(
        scaling=scaling(1, 1),
        template=values,
        unknown={"template": [{"node_selector": [{"accelerator": True}]}]},
        expressions={"template": [{"node_selector": [{"accelerator": ref("var.gpu")}]}]},
    )
    side = after(plan(block, variables={"gpu": "nvidia-l4"}), tmp_path)
    assert side.pools[0].sku == "cloud-run-l4"


def test_a_sensitive_gpu_is_priced_and_not_shown(tmp_path: Path) -> None:
    marks = {"template": [{"node_selector": [{"accelerator": True}]}]}
    own = {**HERE, "template": template(), "scaling": scaling(1, 1)}
    block = resource("google_cloud_run_v2_service.s", own, change={"after_sensitive": marks})
    side = after(plan(block), tmp_path)
    assert side.monthly.expected == 730 * AN_HOUR
    assert side.pools[0].sku == "(sensitive)"
    assert not any("l4" in f"{each.sku}{each.description}".lower() for each in side.components)


# -- the Knative API ------------------------------------------------------------------------------------------------------


def legacy(notes: Json | None = None, own: Json | None = None, **spec: Any) -> Block:
    values = {
        "containers": [{"resources": [{"limits": LIMITS}]}],
        "node_selector": {"run.googleapis.com/accelerator": "nvidia-l4"},
        **spec,
    }
    annotations = {"run.googleapis.com/gpu-zonal-redundancy-disabled": "true", **(notes or {})}
    template_ = [{"metadata": [{"annotations": annotations}], "spec": [values]}]
    metadata = [{"annotations": own or {}, "labels": {"team": "search"}}]
    return resource("google_cloud_run_service.s", {**HERE, "metadata": metadata, "template": template_})


@pytest.mark.parametrize(
    ("notes", "own", "expected"),
    [
        pytest.param({}, {}, (0, 0, 100), id="nothing written"),
        pytest.param(
            {"autoscaling.knative.dev/minScale": "1", "autoscaling.knative.dev/maxScale": "4"},
            {},
            (1, 1, 4),
            id="annotations of the revision",
        ),
        pytest.param(
            {"autoscaling.knative.dev/maxScale": "9"},
            {"run.googleapis.com/minScale": "2", "run.googleapis.com/maxScale": "3"},
            (2, 2, 3),
            id="annotations of the service",
        ),
        pytest.param(
            {},
            {"run.googleapis.com/scalingMode": "manual", "run.googleapis.com/manualInstanceCount": "2"},
            (2, 2, 2),
            id="a number set by hand",
        ),
        pytest.param({"autoscaling.knative.dev/maxScale": "many"}, {}, (0, 0, None), id="a maximum that is no number"),
    ],
)
def test_sizes_of_the_knative_api_stand_in_annotations(
    notes: Json, own: Json, expected: tuple[int | None, ...], tmp_path: Path
) -> None:
    assert units(after(plan(legacy(notes, own)), tmp_path)) == expected


def test_a_knative_service_has_the_same_price_and_its_labels(tmp_path: Path) -> None:
    each = found(plan(legacy({"autoscaling.knative.dev/minScale": "1"})), tmp_path)["google_cloud_run_service.s"]
    assert each.tags == {"team": "search"}
    assert each.after is not None
    assert each.after.monthly.expected == 730 * AN_HOUR


# -- what stays quiet -----------------------------------------------------------------------------------------------------

NO_GPU = [{"containers": [{"resources": [{"limits": {"cpu": "2", "memory": "1Gi"}}]}]}]


@pytest.mark.parametrize(
    "block",
    [
        pytest.param(service(template=NO_GPU), id="a service without a GPU"),
        pytest.param(service(template=[]), id="a service without a template"),
        pytest.param(service(template=template(limits=LIMITS | {"nvidia.com/gpu": "0"})), id="no GPU by number"),
        pytest.param(service(template=[{"containers": []}]), id="no container"),
        pytest.param(legacy(node_selector={}, containers=[{"image": "a"}]), id="a Knative service without a GPU"),
        pytest.param(
            resource("google_cloud_run_v2_job.j", {**HERE, "template": [{"template": NO_GPU}]}),
            id="a job without a GPU",
        ),
        pytest.param(
            resource("google_cloud_run_v2_worker_pool.p", {**HERE, "template": NO_GPU}), id="a pool without a GPU"
        ),
        pytest.param(
            resource("google_cloudfunctions2_function.f", {"service_config": [{"available_cpu": "4"}]}), id="a function"
        ),
        pytest.param(
            resource("google_cloudbuild_worker_pool.p", {"worker_config": [{"machine_type": "e2-standard-8"}]}),
            id="a pool of builders",
        ),
    ],
)
def test_what_has_no_gpu_is_not_reported(block: Block, tmp_path: Path) -> None:
    assert quiet(block, tmp_path)


def test_limits_that_are_left_to_the_provider_are_no_gpu(tmp_path: Path) -> None:
    unknown = {"template": [{"containers": [{"resources": True}]}], "id": True}
    values = [{"containers": [{"image": "a"}]}]
    block = service(
        template=values, unknown=unknown, expressions={"template": [{"containers": [{"image": const("a")}]}]}
    )
    assert quiet(block, tmp_path)


# -- odd values and both sides --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("odd", [7, True, [], {}, "", "x" * 5000, [[[]]], {"a": {"b": []}}, 1e308, -1, None])
def test_odd_values_raise_nothing(odd: object, tmp_path: Path) -> None:
    blocks = [
        service(template=odd, scaling=odd),
        service(template=template(node_selector=odd, containers=odd)),
        service(template=template(node_selector=[{"accelerator": odd}], limits=odd)),
        service(template=template(limits={"cpu": odd, "memory": odd, "nvidia.com/gpu": odd})),
        service(scaling=scaling(odd, odd), multi_region_settings=odd),
        legacy({"autoscaling.knative.dev/minScale": odd}, {"run.googleapis.com/scalingMode": odd}),
        legacy(node_selector=odd, containers=odd),
    ]
    for block in blocks:
        report(plan(block), tmp_path)
    for name in ("job", "worker_pool"):
        report(plan(resource(f"google_cloud_run_v2_{name}.x", {**HERE, "template": odd, "scaling": odd})), tmp_path)
    report(
        plan(resource("google_cloud_run_v2_job.x", {**HERE, "template": [{"template": odd, "task_count": odd}]})),
        tmp_path,
    )


def test_a_number_where_a_text_is_expected_is_told(tmp_path: Path) -> None:
    result = report(plan(service(template=template(node_selector=[{"accelerator": 7}]))), tmp_path)
    assert {"unreadable-value", "unknown-accelerator"} <= codes(result)


def test_very_many_containers_are_no_burden(tmp_path: Path) -> None:
    containers = [{"resources": [{"limits": {"cpu": "1"}}]}] * 20_000
    report(plan(service(template=template(containers=containers))), tmp_path)


def test_a_gpu_that_goes_away_leaves_scope(tmp_path: Path) -> None:
    old, new = {**HERE, "template": template(), "scaling": scaling(1, 1)}, {**HERE, "template": NO_GPU}
    each = found(plan(resource("google_cloud_run_v2_service.s", new, before=old)), tmp_path)
    changed = each["google_cloud_run_v2_service.s"]
    assert changed.before is not None
    assert changed.before.monthly.expected == 730 * AN_HOUR
    assert changed.after is not None
    assert changed.after.gpus.expected == 0


def test_what_was_so_before_the_change_is_no_news(tmp_path: Path) -> None:
    old = {**HERE, "template": template()}
    document = plan(resource("google_cloud_run_v2_service.s", {**old, "scaling": scaling(1, 2)}, before=old))
    assert not codes(report(document, tmp_path)) & {"default-maximum", "scales-to-zero"}


def test_a_state_is_read_like_a_plan(tmp_path: Path) -> None:
    assert after(state(service(scaling=scaling(1, 1))), tmp_path).monthly.expected == 730 * AN_HOUR


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("4", Decimal(4)),
        ("250m", Decimal("0.25")),
        ("1.5", Decimal("1.5")),
        ("2Ki", Decimal(2048)),
        ("1G", Decimal(10**9)),
        (2, Decimal(2)),
        ("4x", None),
        ("", None),
        (True, None),
        (None, None),
    ],
)
def test_quantities_are_those_of_kubernetes(text: object, value: Decimal | None) -> None:
    assert quantity(text) == value
