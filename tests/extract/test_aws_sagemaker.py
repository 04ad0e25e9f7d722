"""SageMaker: endpoints, notebooks, Studio, jobs and HyperPod clusters.

Unit prices used here (the catalog's tables), an hour: ml.g5.xlarge 1.408 in us-east-1, ml.g4dn.xlarge 0.921 in
eu-central-1, ml.g5.2xlarge 1.515, ml.g6.xlarge 1.1267, ml.p5.48xlarge 63.296 and in a training plan 36.1836.
"""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gpuguard.extract.providers.aws.ml_machines import ml_storage
from gpuguard.extract.view import Context, View
from gpuguard.model.price import Price, PriceKey
from gpuguard.model.report import State
from gpuguard.read.detect import parse_document
from gpuguard.read.references import Resolver
from tests.extract.plans import Block, Json, after, codes, const, found, plan, ref, report, resource, state

D = Decimal
US = {"aws": {"region": const("us-east-1")}}
CONFIG = "aws_sagemaker_endpoint_configuration.a"
ENDPOINT = "aws_sagemaker_endpoint.a"
DIMENSION = {"service_namespace": "sagemaker", "scalable_dimension": "sagemaker:variant:DesiredInstanceCount"}
NAME = "endpoint/chat/variant/main"


def variant(type_: str | None = "ml.g5.xlarge", count: int | None = 1, **more: Any) -> Json:
    return {"variant_name": "main", "instance_type": type_, "initial_instance_count": count, "model_name": "m", **more}


def configuration(*variants: Json, shadow: tuple[Json, ...] = (), **more: Any) -> Block:
    own = {"name": "chat-1", "production_variants": list(variants), "shadow_production_variants": list(shadow), **more}
    return resource(CONFIG, own)


def endpoint(**more: Any) -> Block:
    return resource(ENDPOINT, {"name": "chat", "endpoint_config_name": "chat-1", **more})


def target(low: object, high: object, name: str | None = NAME, label: str = "a", **more: Any) -> Block:
    own = {**DIMENSION, "min_capacity": low, "max_capacity": high, "resource_id": name, **more}
    return resource(f"aws_appautoscaling_target.{label}", own)


def action(label: str, schedule: str, low: object, high: object, **more: Any) -> Block:
    own = {
        **DIMENSION,
        "name": label,
        "resource_id": NAME,
        "schedule": schedule,
        "scalable_target_action": [{"min_capacity": low, "max_capacity": high}],
        **more,
    }
    return resource(f"aws_appautoscaling_scheduled_action.{label}", own)


def us(*blocks: Block, **members: Any) -> Json:
    return plan(*blocks, providers=US, **members)


def units(side: State, pool: int = 0) -> tuple[float | None, ...]:
    size = side.pools[pool].units
    return size.min, size.expected, size.max


def money(side: State) -> tuple[Decimal | None, ...]:
    return side.monthly.min, side.monthly.expected, side.monthly.max


# -- endpoints ------------------------------------------------------------------------------------------------------------


def test_an_endpoint_runs_the_variants_of_its_configuration(tmp_path: Path) -> None:
    document = us(configuration(variant(count=2)), endpoint())
    side = after(document, tmp_path, ENDPOINT)
    assert (side.region, units(side), side.gpus.expected) == ("us-east-1", (2, 2, 2), 2)
    assert side.monthly.expected == D("1.408") * 730 * 2
    assert side.pools[0].sku == "ml.g5.xlarge"
    assert found(document, tmp_path)[ENDPOINT].via == (CONFIG,)
    assert CONFIG not in found(document, tmp_path)


def test_a_shadow_variant_runs_beside_it(tmp_path: Path) -> None:
    side = after(us(configuration(variant(), shadow=(variant("ml.g6.xlarge", 1),)), endpoint()), tmp_path, ENDPOINT)
    assert [pool.sku for pool in side.pools] == ["ml.g5.xlarge", "ml.g6.xlarge"]
    assert side.monthly.expected == (D("1.408") + D("1.1267")) * 730


def test_a_variant_without_accelerators_beside_one_with_them_is_left_out(tmp_path: Path) -> None:
    side = after(us(configuration(variant(), variant("ml.m5.xlarge")), endpoint()), tmp_path, ENDPOINT)
    assert [pool.sku for pool in side.pools] == ["ml.g5.xlarge"]


@pytest.mark.parametrize(
    "block",
    [
        pytest.param(variant("ml.m5.xlarge"), id="a plain machine"),
        pytest.param(variant("ml.c6i.4xlarge", 9), id="many plain machines"),
        pytest.param(variant(None, None, serverless_config=[{"max_concurrency": 5}]), id="serverless"),
        pytest.param(variant(None, None), id="no machine at all"),
        pytest.param({}, id="an empty variant"),
    ],
)
def test_an_endpoint_without_accelerators_is_no_line(block: Json, tmp_path: Path) -> None:
    result = report(us(configuration(block), endpoint()), tmp_path)
    assert (result.resources, codes(result)) == ((), set())


def test_a_configuration_nobody_uses_costs_nothing_and_is_told(tmp_path: Path) -> None:
    result = report(us(configuration(variant())), tmp_path)
    assert (result.resources, codes(result)) == ((), {"unused-template"})


def test_an_endpoint_whose_configuration_is_elsewhere_may_hold_anything(tmp_path: Path) -> None:
    document = us(endpoint(endpoint_config_name="of-another-team"))
    side = after(document, tmp_path)
    assert (side.pools[0].sku, units(side), side.monthly.expected) == (None, (None, None, None), None)
    assert "unknown-machine-type" in codes(report(document, tmp_path))


def test_a_reference_that_only_apply_knows_is_followed(tmp_path: Path) -> None:
    own = resource(
        ENDPOINT,
        {"name": "chat"},
        unknown={"endpoint_config_name": True},
        expressions={"endpoint_config_name": ref(f"{CONFIG}.name")},
    )
    side = after(us(configuration(variant()), own), tmp_path, ENDPOINT)
    assert side.monthly.expected == D("1.408") * 730


def test_of_two_configurations_that_may_be_meant_the_dearest_is_taken(tmp_path: Path) -> None:
    other = resource(
        "aws_sagemaker_endpoint_configuration.b",
        {"name": "chat-2", "production_variants": [variant("ml.g5.2xlarge", 3)]},
    )
    own = resource(
        ENDPOINT,
        {"name": "chat"},
        unknown={"endpoint_config_name": True},
        expressions={"endpoint_config_name": ref(f"{CONFIG}.name", "aws_sagemaker_endpoint_configuration.b.name")},
    )
    document = us(configuration(variant()), other, own)
    side = after(document, tmp_path, ENDPOINT)
    assert (units(side), side.monthly.expected) == ((3, 3, 3), D("1.515") * 730 * 3)
    assert "ambiguous-template" in codes(report(document, tmp_path))


def test_an_unknown_machine_type_is_told(tmp_path: Path) -> None:
    config = resource(
        CONFIG,
        {"name": "chat-1", "production_variants": [{"initial_instance_count": 1}]},
        unknown={"production_variants": [{"instance_type": True}]},
        expressions={"production_variants": [{"instance_type": ref("data.aws_ssm_parameter.t.value")}]},
    )
    document = us(config, endpoint())
    assert after(document, tmp_path, ENDPOINT).pools[0].sku is None
    assert "unknown-machine-type" in codes(report(document, tmp_path))


def test_a_new_configuration_replaces_the_old_one(tmp_path: Path) -> None:
    """Configurations cannot be changed: the endpoint names a new one."""
    old = {"name": "chat-1", "production_variants": [variant()]}
    new = {"name": "chat-2", "production_variants": [variant("ml.g5.2xlarge", 2)]}
    config = resource(CONFIG, new, before=old, action="create+delete")
    own = resource(
        ENDPOINT,
        {"name": "chat", "endpoint_config_name": "chat-2"},
        before={"name": "chat", "endpoint_config_name": "chat-1"},
    )
    both = found(us(config, own), tmp_path)[ENDPOINT]
    assert both.before is not None
    assert both.after is not None
    assert both.before.monthly.expected == D("1.408") * 730
    assert both.after.monthly.expected == D("1.515") * 2 * 730


@pytest.mark.parametrize(
    ("managed", "expected"),
    [
        pytest.param({"status": "ENABLED", "min_instance_count": 0, "max_instance_count": 4}, (0, 2, 4), id="bounds"),
        pytest.param({"status": "ENABLED", "max_instance_count": 4}, (1, 2, 4), id="at least one"),
        pytest.param({"status": "ENABLED", "min_instance_count": 3, "max_instance_count": 4}, (3, 3, 4), id="raised"),
        pytest.param({"status": "DISABLED", "min_instance_count": 0, "max_instance_count": 4}, (2, 2, 2), id="off"),
        pytest.param({"status": "ENABLED", "min_instance_count": 1}, (1, 2, None), id="no ceiling"),
    ],
)
def test_managed_instance_scaling_bounds_a_variant(managed: Json, expected: tuple[int, ...], tmp_path: Path) -> None:
    document = us(configuration(variant(count=2, managed_instance_scaling=[managed])), endpoint())
    assert units(after(document, tmp_path, ENDPOINT)) == expected
    assert ("unbounded-variant" in codes(report(document, tmp_path))) == (expected[2] is None)


# -- scalable targets -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("blocks", "expected"),
    [
        pytest.param((target(0, 4),), (0, 2, 4), id="an asynchronous endpoint may scale to zero"),
        pytest.param((target(3, 8),), (3, 3, 8), id="it is brought up to the minimum"),
        pytest.param((target(0, 1),), (0, 1, 1), id="and down to the maximum"),
        pytest.param((target(1, 9, "endpoint/other/variant/main"),), (2, 2, 2), id="a target of another endpoint"),
        pytest.param((target(1, 9, "endpoint/chat/variant/else"),), (2, 2, 2), id="a target of another variant"),
        pytest.param(
            (target(1, 9, scalable_dimension="sagemaker:inference-component:DesiredCopyCount"),),
            (2, 2, 2),
            id="copies of a component are no instances",
        ),
        pytest.param((target("1", "5"),), (1, 2, 5), id="numbers written as text"),
        pytest.param((target(1, 5), target(2, 7, label="b")), (1, 2, 7), id="two targets: the wider bounds"),
        pytest.param((target(None, None),), (0, 2, None), id="no bounds"),
    ],
)
def test_a_scalable_target_bounds_a_variant(
    blocks: tuple[Block, ...], expected: tuple[int, ...], tmp_path: Path
) -> None:
    document = us(configuration(variant(count=2)), endpoint(), *blocks)
    assert units(after(document, tmp_path, ENDPOINT)) == expected


def test_a_target_whose_name_only_apply_knows_counts_where_it_refers_to_the_endpoint(tmp_path: Path) -> None:
    own = resource(
        "aws_appautoscaling_target.a",
        {**DIMENSION, "min_capacity": 0, "max_capacity": 6},
        unknown={"resource_id": True},
        expressions={"resource_id": ref(f"{ENDPOINT}.name")},
    )
    unnamed = resource(ENDPOINT, {"endpoint_config_name": "chat-1"}, unknown={"name": True})
    side = after(us(configuration(variant()), unnamed, own), tmp_path, ENDPOINT)
    assert units(side) == (0, 1, 6)


def test_a_target_whose_name_only_apply_knows_leaves_a_shadow_variant_alone(tmp_path: Path) -> None:
    own = resource(
        "aws_appautoscaling_target.a",
        {**DIMENSION, "min_capacity": 1, "max_capacity": 6},
        unknown={"resource_id": True},
        expressions={"resource_id": ref(f"{ENDPOINT}.name")},
    )
    unnamed = resource(ENDPOINT, {"endpoint_config_name": "chat-1"}, unknown={"name": True})
    shadow = variant("ml.g6.xlarge", 1) | {"variant_name": "next"}
    side = after(us(configuration(variant(), shadow=(shadow,)), unnamed, own), tmp_path, ENDPOINT)
    assert [units(side, pool) for pool in (0, 1)] == [(1, 1, 6), (1, 1, 1)]


def test_scheduled_actions_give_hours(tmp_path: Path) -> None:
    """Up from 8 to 20 on five days: 60 of 168 hours a week; what came down to none comes back with the minimum of 2."""
    document = us(
        configuration(variant(count=3)),
        endpoint(),
        target(0, 4),
        action("up", "cron(0 8 ? * MON-FRI *)", "2", "4"),
        action("down", "cron(0 20 ? * MON-FRI *)", "0", "0"),
    )
    side = after(document, tmp_path, ENDPOINT)
    hours = D(60) * 730 / 168
    assert (units(side), round(side.pools[0].hours_per_month, 6)) == ((0, 2, 4), round(float(hours), 6))
    assert side.monthly.expected == pytest.approx(D("1.408") * 2 * hours)
    assert side.monthly.max == pytest.approx(D("1.408") * 4 * hours)


def test_a_schedule_that_leaves_the_maximum_alone_lowers_no_maximum(tmp_path: Path) -> None:
    document = us(
        configuration(variant(count=1)),
        endpoint(),
        target(0, 4),
        action("up", "cron(0 8 * * ? *)", 4, None),
        action("down", "cron(0 20 * * ? *)", 0, None),
    )
    side = after(document, tmp_path, ENDPOINT)
    # nothing but demand takes away what the morning started, so it is counted as running on
    assert units(side) == (0, 4, 4)
    assert side.monthly.max == D("1.408") * 4 * 730


@pytest.mark.parametrize(
    "schedule",
    [
        pytest.param("at(2027-01-01T00:00:00)", id="once"),
        pytest.param("cron(99 99 ? * * *)", id="no time at all"),
        pytest.param("rate(1 hour)", id="a rate"),
        pytest.param("", id="nothing"),
    ],
)
def test_a_schedule_that_cannot_be_counted_is_told(schedule: str, tmp_path: Path) -> None:
    document = us(configuration(variant()), endpoint(), target(1, 4), action("x", schedule, 0, 0))
    assert units(after(document, tmp_path, ENDPOINT)) == (1, 1, 4)
    assert "unread-schedule" in codes(report(document, tmp_path))


def test_a_schedule_that_only_takes_away_is_no_reason_to_count_nothing(tmp_path: Path) -> None:
    document = us(configuration(variant()), endpoint(), target(0, 4), action("down", "cron(0 20 ? * FRI *)", 0, 0))
    side = after(document, tmp_path, ENDPOINT)
    assert (units(side), side.pools[0].hours_per_month) == ((0, 1, 4), 730)


# -- notebooks ------------------------------------------------------------------------------------------------------------


def frankfurt(*blocks: Block) -> Json:
    return plan(*blocks, providers={"aws": {"region": const("eu-central-1")}})


def notebook(**values: Any) -> Block:
    return resource(
        "aws_sagemaker_notebook_instance.a", {"instance_type": "ml.g4dn.xlarge", "volume_size": 5, **values}
    )


def test_a_notebook_runs_until_it_is_stopped(tmp_path: Path) -> None:
    document = frankfurt(notebook())
    assert after(document, tmp_path).monthly.expected == D("0.921") * 730
    assert "no-idle-stop" in codes(report(document, tmp_path))


def test_a_lifecycle_configuration_may_stop_it(tmp_path: Path) -> None:
    assert "no-idle-stop" not in codes(report(frankfurt(notebook(lifecycle_config_name="stop-idle")), tmp_path))


def test_a_plain_notebook_is_no_line(tmp_path: Path) -> None:
    result = report(frankfurt(notebook(instance_type="ml.t3.medium")), tmp_path)
    assert (result.resources, codes(result)) == ((), set())


def test_a_stopped_notebook_costs_nothing_after_it_is_deleted(tmp_path: Path) -> None:
    gone = resource("aws_sagemaker_notebook_instance.a", before={"instance_type": "ml.g4dn.xlarge", "volume_size": 5})
    both = found(frankfurt(gone), tmp_path)["aws_sagemaker_notebook_instance.a"]
    assert (both.action, both.after) == ("delete", None)


def test_a_notebook_of_a_state_is_read_alike(tmp_path: Path) -> None:
    own = {"instance_type": "ml.g4dn.xlarge", "volume_size": 5, "arn": "arn:aws:sagemaker:eu-central-1:123456789012:x"}
    side = after(state(resource("aws_sagemaker_notebook_instance.a", own)), tmp_path)
    assert side.monthly.expected == D("0.921") * 730


def test_the_notebook_of_the_other_provider_is_read_alike(tmp_path: Path) -> None:
    own = {"instance_type": "ml.g4dn.xlarge", "volume_size_in_gb": 5, "tags": [{"key": "team", "value": "ml"}]}
    document = plan(
        resource("awscc_sagemaker_notebook_instance.a", own), providers={"awscc": {"region": const("eu-central-1")}}
    )
    one = found(document, tmp_path)["awscc_sagemaker_notebook_instance.a"]
    assert one.after is not None
    assert (one.after.monthly.expected, one.tags) == (D("0.921") * 730, {"team": "ml"})


def test_ml_storage_counts_where_it_has_a_price(tmp_path: Path) -> None:
    """The rule itself, on a catalog with a price for one region."""

    def price(key: PriceKey) -> Any:
        known = key.sku == "ml-storage" and key.region == "us-east-1"
        return Price(key, "GiB-month", D("0.14"), "a price list", "2026-10-01") if known else None

    notes: list[Any] = []

    def disks(place: str) -> tuple[Any, ...]:
        one = plan(resource("aws_sagemaker_notebook_instance.a", {"region": place}))
        document = parse_document(json.dumps(one).encode(), "plan.json", "acme")
        context = Context(document=document, resolver=Resolver(document), price=price)
        node = next(iter(document.current("aws_sagemaker_notebook_instance")))
        return ml_storage(View(context, node, "after", notes), D(50))

    assert [(disk.disk_type, disk.size_gib) for disk in disks("us-east-1")] == [("ml-storage", D(50))]
    assert notes == []
    assert disks("eu-west-9") == ()
    assert [note.code for note in notes] == ["ml-storage"]


# -- Studio ---------------------------------------------------------------------------------------------------------------


def spec(type_: str = "ml.g5.xlarge", **more: Any) -> list[Json]:
    return [{"default_resource_spec": [{"instance_type": type_}], **more}]


def app(label: str = "a", **values: Any) -> Block:
    own = {"domain_id": "d-1", "user_profile_name": "jo", "app_type": "JupyterLab", "app_name": "default", **values}
    return resource(f"aws_sagemaker_app.{label}", own)


def test_an_app_runs(tmp_path: Path) -> None:
    side = after(us(app(resource_spec=[{"instance_type": "ml.g5.xlarge"}])), tmp_path)
    assert (units(side), side.monthly.expected) == ((1, 1, 1), D("1.408") * 730)


@pytest.mark.parametrize(
    "block",
    [
        pytest.param(app(resource_spec=[{"instance_type": "system"}]), id="the Jupyter server's own machine"),
        pytest.param(app(resource_spec=[{"instance_type": "ml.t3.medium"}]), id="a plain machine"),
        pytest.param(app(), id="nothing said anywhere"),
        pytest.param(app(app_type="RStudioServerPro"), id="an app type without defaults"),
    ],
)
def test_an_app_without_accelerators_is_no_line(block: Block, tmp_path: Path) -> None:
    assert found(us(block), tmp_path) == {}


def test_an_app_takes_the_default_of_its_space_its_user_and_its_domain_in_this_order(tmp_path: Path) -> None:
    domain = resource(
        "aws_sagemaker_domain.d",
        {"id": "d-1", "default_user_settings": [{"jupyter_lab_app_settings": spec("ml.g6.xlarge")}]},
    )
    user = resource(
        "aws_sagemaker_user_profile.u",
        {"user_profile_name": "jo", "user_settings": [{"jupyter_lab_app_settings": spec("ml.g5.xlarge")}]},
    )
    space = resource(
        "aws_sagemaker_space.s",
        {"space_name": "lab", "space_settings": [{"jupyter_lab_app_settings": spec("ml.g5.2xlarge")}]},
    )
    one = "aws_sagemaker_app.a"
    assert after(us(app(), domain), tmp_path, one).pools[0].sku == "ml.g6.xlarge"
    assert after(us(app(), domain, user), tmp_path, one).pools[0].sku == "ml.g5.xlarge"
    assert (
        after(us(app(space_name="lab", user_profile_name=None), domain, space), tmp_path, one).pools[0].sku
        == "ml.g5.2xlarge"
    )


def test_a_space_starts_at_most_one_app_of_a_type(tmp_path: Path) -> None:
    space = resource(
        "aws_sagemaker_space.s", {"space_name": "lab", "space_settings": [{"jupyter_lab_app_settings": spec()}]}
    )
    side = after(us(space), tmp_path)
    assert (units(side), side.monthly.expected, side.monthly.max) == ((0, 0, 1), D(0), D("1.408") * 730)


def test_the_app_of_a_space_is_not_counted_twice(tmp_path: Path) -> None:
    space = resource(
        "aws_sagemaker_space.s", {"space_name": "lab", "space_settings": [{"jupyter_lab_app_settings": spec()}]}
    )
    resources = found(us(space, app(space_name="lab", user_profile_name=None)), tmp_path)
    assert list(resources) == ["aws_sagemaker_app.a"]


@pytest.mark.parametrize(
    ("address", "values"),
    [
        ("aws_sagemaker_user_profile.u", {"user_settings": [{"code_editor_app_settings": spec()}]}),
        ("aws_sagemaker_domain.d", {"default_user_settings": [{"kernel_gateway_app_settings": spec()}]}),
        ("aws_sagemaker_domain.d", {"default_space_settings": [{"jupyter_lab_app_settings": spec()}]}),
    ],
)
def test_a_default_of_many_runs_nothing_and_has_no_ceiling(address: str, values: Json, tmp_path: Path) -> None:
    document = us(resource(address, values))
    side = after(document, tmp_path)
    assert (units(side), side.monthly.expected, side.monthly.max) == ((0, 0, None), D(0), None)
    assert "unbounded-apps" in codes(report(document, tmp_path))


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({"jupyter_lab_app_settings": spec("ml.t3.medium")}, id="a plain default"),
        pytest.param({"jupyter_server_app_settings": spec("system")}, id="the Jupyter server"),
        pytest.param(
            {"studio_web_portal_settings": [{"hidden_instance_types": ["ml.p5.48xlarge", "ml.g5.xlarge"]}]},
            id="types that are hidden",
        ),
        pytest.param({"execution_role": "arn:aws:iam::123456789012:role/x"}, id="no default"),
    ],
)
def test_a_domain_without_accelerators_is_no_line(settings: Json, tmp_path: Path) -> None:
    result = report(us(resource("aws_sagemaker_domain.d", {"default_user_settings": [settings]})), tmp_path)
    assert (result.resources, codes(result)) == ((), set())


def test_idle_settings_are_looked_for(tmp_path: Path) -> None:
    idle = [{"idle_settings": [{"idle_timeout_in_minutes": 60}]}]

    def told(**more: Any) -> set[str]:
        settings = {"user_settings": [{"jupyter_lab_app_settings": spec(**more)}]}
        return codes(report(us(resource("aws_sagemaker_user_profile.u", settings)), tmp_path))

    assert "no-idle-stop" in told()
    assert "no-idle-stop" not in told(app_lifecycle_management=idle)


# -- jobs -----------------------------------------------------------------------------------------------------------------


def training(**values: Any) -> Json:
    return {
        "training_job_name": "t",
        "resource_config": [{"instance_type": "ml.p5.48xlarge", "instance_count": 2, "volume_size_in_gb": 100}],
        "stopping_condition": [{"max_runtime_in_seconds": 36000}],
        **values,
    }


def test_a_training_job_counts_once_for_the_longest_it_may_run(tmp_path: Path) -> None:
    document = us(resource("aws_sagemaker_training_job.a", training()))
    side = after(document, tmp_path)
    assert (units(side), side.pools[0].hours_per_month, side.gpus.expected) == ((2, 2, 2), 10, 16)
    assert side.one_time == D("63.296") * 2 * 10
    assert side.monthly.expected == D("63.296") * 2 * 10
    assert "longest-run" in codes(report(document, tmp_path))


def test_without_a_limit_it_runs_a_day_and_stays_warm_as_long_as_it_says(tmp_path: Path) -> None:
    config = [{"instance_type": "ml.g5.xlarge", "instance_count": 1, "keep_alive_period_in_seconds": 1800}]
    side = after(
        us(resource("aws_sagemaker_training_job.a", training(resource_config=config, stopping_condition=[]))), tmp_path
    )
    assert side.one_time == D("1.408") * D("24.5")


def test_a_job_of_an_earlier_apply_is_not_counted_again(tmp_path: Path) -> None:
    own = training()
    document = us(resource("aws_sagemaker_training_job.a", own, before=own))
    result = report(document, tmp_path)
    side = result.resources[0].after
    assert side is not None
    assert (units(side), side.monthly.expected) == ((0, 0, 2), D(0))
    assert "started-earlier" in codes(result)


def test_managed_spot_training_is_spot_at_most_at_the_list_price(tmp_path: Path) -> None:
    document = us(resource("aws_sagemaker_training_job.a", training(enable_managed_spot_training=True)))
    side = after(document, tmp_path)
    assert (side.pools[0].purchase_model, side.one_time) == ("spot", D("63.296") * 2 * 10)
    assert "spot-at-list" in codes(report(document, tmp_path))


def test_a_training_plan_has_a_price_of_its_own(tmp_path: Path) -> None:
    config = [{"instance_type": "ml.p5.48xlarge", "instance_count": 1, "training_plan_arn": "arn:aws:sagemaker:x"}]
    document = us(resource("aws_sagemaker_training_job.a", training(resource_config=config)))
    side = after(document, tmp_path)
    assert (side.pools[0].purchase_model, side.one_time) == ("capacity_block", D("361.836"))
    assert "training-plan" in codes(report(document, tmp_path))


def test_instance_groups_of_a_job_are_pools(tmp_path: Path) -> None:
    groups = [
        {"instance_type": "ml.g5.xlarge", "instance_count": 2, "instance_group_name": "a"},
        {"instance_type": "ml.c5.xlarge", "instance_count": 4, "instance_group_name": "b"},
    ]
    side = after(
        us(resource("aws_sagemaker_training_job.a", training(resource_config=[{"instance_groups": groups}]))), tmp_path
    )
    assert [(pool.sku, pool.units.expected) for pool in side.pools] == [("ml.g5.xlarge", 2)]


def test_a_serverless_job_holds_no_machine(tmp_path: Path) -> None:
    own = {"training_job_name": "t", "resource_config": [], "serverless_job_config": [{"job_type": "FineTuning"}]}
    assert found(us(resource("aws_sagemaker_training_job.a", own)), tmp_path) == {}


def test_a_tuning_job_runs_as_many_jobs_as_it_may_side_by_side(tmp_path: Path) -> None:
    """Ten jobs, four at a time, make three rounds of an hour."""
    own = {
        "config": [{"resource_limits": [{"max_number_of_training_jobs": 10, "max_parallel_training_jobs": 4}]}],
        "training_job_definition": [
            {
                "resource_config": [{"instance_type": "ml.g5.xlarge", "instance_count": 2}],
                "stopping_condition": [{"max_runtime_in_seconds": 3600}],
            }
        ],
    }
    side = after(us(resource("aws_sagemaker_hyper_parameter_tuning_job.a", own)), tmp_path)
    assert (units(side), side.one_time) == ((8, 8, 8), D("1.408") * 8 * 3)


def test_the_types_an_algorithm_supports_start_nothing(tmp_path: Path) -> None:
    own = {
        "training_specification": [{"supported_training_instance_types": ["ml.p5.48xlarge", "ml.g5.xlarge"]}],
        "inference_specification": [{"supported_realtime_inference_instance_types": ["ml.g5.xlarge"]}],
    }
    result = report(us(resource("aws_sagemaker_algorithm.a", own)), tmp_path)
    assert (result.resources, codes(result)) == ((), set())


def test_the_job_that_validates_an_algorithm_counts_once(tmp_path: Path) -> None:
    job = {
        "resource_config": [{"instance_type": "ml.g5.xlarge", "instance_count": 1}],
        "stopping_condition": [{"max_runtime_in_seconds": 1800}],
    }
    own = {"validation_specification": [{"validation_profiles": [{"training_job_definition": [job]}]}]}
    assert after(us(resource("aws_sagemaker_algorithm.a", own)), tmp_path).one_time == D("0.704")


DEFINITION = {
    "name": "drift",
    "job_resources": [
        {"cluster_config": [{"instance_type": "ml.g5.xlarge", "instance_count": 2, "volume_size_in_gb": 20}]}
    ],
    "stopping_condition": [{"max_runtime_in_seconds": 3600}],
}


def schedule(expression: str = "cron(0 0 ? * * *)", **values: Any) -> Block:
    config = {"monitoring_type": "DataQuality", "schedule_config": [{"schedule_expression": expression}], **values}
    return resource("aws_sagemaker_monitoring_schedule.a", {"monitoring_schedule_config": [config]})


def test_a_monitoring_schedule_costs_at_most_its_runs(tmp_path: Path) -> None:
    """An hour every day, on two machines."""
    definition = resource("aws_sagemaker_data_quality_job_definition.d", DEFINITION)
    document = us(definition, schedule(monitoring_job_definition_name="drift"))
    side = after(document, tmp_path)
    assert (units(side), side.monthly.expected) == ((0, 0, 2), D(0))
    assert side.monthly.max == pytest.approx(D("1.408") * 2 * 730 / 24)
    assert found(document, tmp_path)["aws_sagemaker_monitoring_schedule.a"].via == (
        "aws_sagemaker_data_quality_job_definition.d",
    )


def test_a_usage_file_tells_what_its_runs_take(tmp_path: Path) -> None:
    from gpuguard.extract.usage_file import load_usage

    path = tmp_path / "usage.yml"
    path.write_text(
        'version: 1\nresources:\n  "aws_sagemaker_monitoring_schedule.*":\n    average_nodes: 2\n    hours_per_month: 15\n'
    )
    document = us(
        resource("aws_sagemaker_data_quality_job_definition.d", DEFINITION),
        schedule(monitoring_job_definition_name="drift"),
    )
    assert after(document, tmp_path, usage=load_usage(str(path))).monthly.expected == D("1.408") * 2 * 15


def test_a_definition_without_schedule_is_an_unused_template(tmp_path: Path) -> None:
    result = report(us(resource("aws_sagemaker_data_quality_job_definition.d", DEFINITION)), tmp_path)
    assert (result.resources, codes(result)) == ((), {"unused-template"})


def test_a_definition_inside_the_schedule_is_read(tmp_path: Path) -> None:
    inline = [{"monitoring_resources": DEFINITION["job_resources"], "stopping_condition": []}]
    assert units(after(us(schedule(monitoring_job_definition=inline)), tmp_path)) == (0, 0, 2)


def test_the_steps_of_a_pipeline_are_machines_that_it_may_start(tmp_path: Path) -> None:
    definition = {
        "Parameters": [{"Name": "Type", "Type": "String", "DefaultValue": "ml.g5.xlarge"}],
        "Steps": [
            {
                "Type": "Training",
                "Arguments": {"ResourceConfig": {"InstanceType": {"Get": "Parameters.Type"}, "InstanceCount": 2}},
            },
            {
                "Type": "Processing",
                "Arguments": {"ProcessingResources": {"ClusterConfig": {"InstanceType": "ml.m5.large"}}},
            },
            {"Type": "Condition", "Arguments": {}},
        ],
    }
    side = after(us(resource("aws_sagemaker_pipeline.a", {"pipeline_definition": json.dumps(definition)})), tmp_path)
    assert ([pool.sku for pool in side.pools], units(side)) == (["ml.g5.xlarge"], (0, 0, 2))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"Steps": "x"}', '{"Steps": [1, null, {"Arguments": []}]}'])
def test_a_pipeline_that_holds_no_steps_is_no_line(text: str, tmp_path: Path) -> None:
    assert found(us(resource("aws_sagemaker_pipeline.a", {"pipeline_definition": text})), tmp_path) == {}


# -- HyperPod and the other provider --------------------------------------------------------------------------------------

CC = {"awscc": {"region": const("us-east-1")}}


def cluster(*groups: Json, **more: Any) -> Json:
    return plan(resource("awscc_sagemaker_cluster.a", {"instance_groups": list(groups), **more}), providers=CC)


def group(type_: str = "ml.p5.48xlarge", count: int = 2, **more: Any) -> Json:
    return {"instance_group_name": "g", "instance_type": type_, "instance_count": count, **more}


def test_the_groups_of_a_cluster_run(tmp_path: Path) -> None:
    document = cluster(group(), group("ml.c5.xlarge"), restricted_instance_groups=[group("ml.g5.xlarge", 1)])
    side = after(document, tmp_path)
    assert [(pool.sku, pool.units.expected) for pool in side.pools] == [("ml.p5.48xlarge", 2), ("ml.g5.xlarge", 1)]
    assert (side.region, side.gpus.expected) == ("us-east-1", 17)
    assert side.monthly.expected == (D("63.296") * 2 + D("1.408")) * 730


def test_a_cluster_without_accelerators_is_no_line(tmp_path: Path) -> None:
    assert found(cluster(group("ml.c5.xlarge", 9)), tmp_path) == {}


def test_a_cluster_may_begin_with_fewer(tmp_path: Path) -> None:
    assert units(after(cluster(group(count=4, min_instance_count=1)), tmp_path)) == (1, 4, 4)


def test_karpenter_takes_the_ceiling_away(tmp_path: Path) -> None:
    document = cluster(group("ml.g5.xlarge", 0), auto_scaling={"mode": "Enable", "auto_scaler_type": "Karpenter"})
    assert units(after(document, tmp_path)) == (0, 0, None)
    assert "unbounded-cluster" in codes(report(document, tmp_path))
    off = cluster(group("ml.g5.xlarge", 3), auto_scaling={"mode": "Disable"})
    assert units(after(off, tmp_path)) == (3, 3, 3)


def test_spot_and_training_plans_of_a_cluster_are_told(tmp_path: Path) -> None:
    spot = after(cluster(group("ml.g5.xlarge", capacity_requirements={"spot": "{}"})), tmp_path)
    assert (spot.pools[0].purchase_model, spot.monthly.expected) == ("spot", D("1.408") * 2 * 730)
    planned = after(
        cluster(group(training_plan_arn="arn:aws:sagemaker:us-east-1:123456789012:training-plan/x")), tmp_path
    )
    assert (planned.pools[0].purchase_model, planned.monthly.expected) == ("capacity_block", D("36.1836") * 2 * 730)


def test_a_training_plan_without_a_price_costs_what_is_on_demand(tmp_path: Path) -> None:
    side = after(cluster(group("ml.g5.xlarge", 1, training_plan_arn="arn:aws:sagemaker:x")), tmp_path)
    assert side.monthly.expected == D("1.408") * 730


def test_what_a_plan_leaves_to_the_provider_says_nothing_of_a_group(tmp_path: Path) -> None:
    """Plans of this provider mark all that is not set as unknown, also where a local holds the whole list."""
    block = resource(
        "awscc_sagemaker_cluster.a",
        {"instance_groups": [group("ml.g5.xlarge", 2)]},
        unknown={
            "instance_groups": [{"training_plan_arn": True, "min_instance_count": True, "capacity_requirements": True}]
        },
        expressions={"instance_groups": ref("local.groups")},
    )
    side = after(plan(block, providers=CC), tmp_path)
    assert (side.pools[0].purchase_model, units(side)) == ("on_demand", (2, 2, 2))


def test_an_unknown_type_of_a_cluster_is_told(tmp_path: Path) -> None:
    own = {"instance_groups": [{"instance_count": 1}]}
    block = resource(
        "awscc_sagemaker_cluster.a",
        own,
        unknown={"instance_groups": [{"instance_type": True}]},
        expressions={"instance_groups": ref("local.groups")},
    )
    assert after(plan(block, providers=CC), tmp_path).pools[0].sku is None


def test_the_endpoint_of_the_other_provider_is_read_alike(tmp_path: Path) -> None:
    config = resource(
        "awscc_sagemaker_endpoint_config.a",
        {"endpoint_config_name": "chat-1", "production_variants": [variant(count=2)]},
    )
    own = resource("awscc_sagemaker_endpoint.a", {"endpoint_name": "chat", "endpoint_config_name": "chat-1"})
    bounds = resource(
        "awscc_applicationautoscaling_scalable_target.a",
        {**DIMENSION, "resource_id": NAME, "min_capacity": 1, "max_capacity": 5},
    )
    side = after(plan(config, own, bounds, providers=CC), tmp_path)
    assert (units(side), side.monthly.max) == ((1, 2, 5), D("1.408") * 5 * 730)


def test_scheduled_actions_of_the_other_provider_stand_in_the_target(tmp_path: Path) -> None:
    config = resource(
        "awscc_sagemaker_endpoint_config.a", {"endpoint_config_name": "c", "production_variants": [variant()]}
    )
    own = resource("awscc_sagemaker_endpoint.a", {"endpoint_name": "chat", "endpoint_config_name": "c"})
    actions = [
        {"schedule": "cron(0 8 * * ? *)", "scalable_target_action": {"min_capacity": 1, "max_capacity": 1}},
        {"schedule": "cron(0 20 * * ? *)", "scalable_target_action": {"min_capacity": 0, "max_capacity": 0}},
    ]
    bounds = resource(
        "awscc_applicationautoscaling_scalable_target.a",
        {**DIMENSION, "resource_id": NAME, "min_capacity": 0, "max_capacity": 1, "scheduled_actions": actions},
    )
    side = after(plan(config, own, bounds, providers=CC), tmp_path)
    assert (side.pools[0].hours_per_month, side.monthly.max) == (365, D("1.408") * 365)


def test_the_first_of_several_instance_pools_runs(tmp_path: Path) -> None:
    pools = [{"instance_type": "ml.g5.2xlarge", "priority": 2}, {"instance_type": "ml.g5.xlarge", "priority": 1}]
    config = resource(
        "awscc_sagemaker_endpoint_config.a",
        {"endpoint_config_name": "c", "production_variants": [variant(None, instance_pools=pools)]},
    )
    own = resource("awscc_sagemaker_endpoint.a", {"endpoint_name": "chat", "endpoint_config_name": "c"})
    side = after(plan(config, own, providers=CC), tmp_path)
    assert (side.pools[0].sku, side.pools[0].candidates) == ("ml.g5.xlarge", ("ml.g5.2xlarge",))


# -- whatever stands there ------------------------------------------------------------------------------------------------

JUNK: list[Any] = [None, "", "x", 7, -1, 1e308, True, [], {}, [[]], [None, 3, {"a": []}], {"instance_type": {"x": 1}}]


@pytest.mark.parametrize("junk", JUNK, ids=repr)
@pytest.mark.parametrize(
    ("type_", "path"),
    [
        ("aws_sagemaker_endpoint_configuration", "production_variants"),
        ("aws_sagemaker_endpoint", "endpoint_config_name"),
        ("aws_sagemaker_notebook_instance", "instance_type"),
        ("aws_sagemaker_notebook_instance", "volume_size"),
        ("aws_sagemaker_app", "resource_spec"),
        ("aws_sagemaker_app", "app_type"),
        ("aws_sagemaker_space", "space_settings"),
        ("aws_sagemaker_domain", "default_user_settings"),
        ("aws_sagemaker_user_profile", "user_settings"),
        ("aws_sagemaker_training_job", "resource_config"),
        ("aws_sagemaker_training_job", "stopping_condition"),
        ("aws_sagemaker_hyper_parameter_tuning_job", "config"),
        ("aws_sagemaker_algorithm", "validation_specification"),
        ("aws_sagemaker_monitoring_schedule", "monitoring_schedule_config"),
        ("aws_sagemaker_data_quality_job_definition", "job_resources"),
        ("aws_sagemaker_pipeline", "pipeline_definition"),
        ("awscc_sagemaker_cluster", "instance_groups"),
        ("awscc_sagemaker_cluster", "tags"),
    ],
)
def test_no_value_of_a_wrong_type_is_a_traceback(type_: str, path: str, junk: Any, tmp_path: Path) -> None:
    own: Json = {"instance_type": "ml.g5.xlarge", "instance_groups": [group()], **training(), path: junk}
    report(us(resource(f"{type_}.a", own, before=own | {path: "y"}), configuration(variant())), tmp_path)


@pytest.mark.parametrize("junk", JUNK, ids=repr)
@pytest.mark.parametrize("name", [*variant(), "managed_instance_scaling", "serverless_config", "volume_size_in_gb"])
def test_no_variant_of_a_wrong_shape_is_a_traceback(name: str, junk: Any, tmp_path: Path) -> None:
    odd = target(junk, junk), action("x", "cron(0 8 * * ? *)", junk, junk)
    report(us(configuration(variant(**{name: junk})), endpoint(), *odd), tmp_path)


def test_a_number_for_a_machine_type_is_unreadable_and_unknown(tmp_path: Path) -> None:
    result = report(frankfurt(notebook(instance_type=5)), tmp_path)
    assert {"unreadable-value"} < codes(result)
    assert result.summary.unknown == 1
