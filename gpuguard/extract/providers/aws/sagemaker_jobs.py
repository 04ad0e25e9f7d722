"""SageMaker jobs: they start, work and end. Terraform tells how long they may run at most, not how long they do.

A training or tuning job starts when it is applied and is billed for the time it runs
(https://docs.aws.amazon.com/sagemaker/latest/dg/how-it-works-training.html): it counts once, for the longest it may take.
Monitoring schedules and pipelines start jobs again and again, or on request: nothing runs until then.
"""

import json
from collections.abc import Iterable
from decimal import ROUND_CEILING, Decimal
from typing import Any

from msgspec.structs import replace

from gpuguard.extract.providers.aws.common import region, tags
from gpuguard.extract.providers.aws.ml_machines import (
    by_spot,
    in_training_plan,
    is_named,
    ml_machine,
    ml_option,
    ml_pool,
)
from gpuguard.extract.schedules import Event, aws_cron, covered_hours
from gpuguard.extract.spec import Extracted, Machine, ResourceSpec, TemplateLink, units_of
from gpuguard.extract.view import View
from gpuguard.model.usage import HOURS_PER_MONTH, Once, PoolUsage, Units

_SECONDS = Decimal(3600)
_LONGEST = Decimal(86400)
"""Seconds that a job runs at most where it does not say
(https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_StoppingCondition.html)."""
_MOST_GROUPS = 20
_MOST_STEPS = 500
"""Instance groups of a job and steps of a pipeline that are read."""


# -- training -------------------------------------------------------------------------------------------------------------


def training_job(view: View) -> Extracted:
    """One training job. It starts when it is created; what an earlier apply started has ended sooner or later."""
    config = view.block("resource_config")
    if config is None:
        return Extracted(())
    seconds = _seconds(view) + (config.known_number("keep_alive_period_in_seconds") or Decimal(0))
    return Extracted(tuple(_job_pools(view, config, view.flag("enable_managed_spot_training"), Decimal(1), seconds)))


def tuning_job(view: View) -> Extracted:
    """A hyperparameter tuning job: so many training jobs side by side until their number or the time is reached.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ResourceLimits.html
    """
    definitions = [*view.blocks("training_job_definition"), *view.blocks("training_job_definitions")][:_MOST_GROUPS]
    side_by_side = units_of(view.number("config.resource_limits.max_parallel_training_jobs"), Decimal(1))
    jobs = view.known_number("config.resource_limits.max_number_of_training_jobs")
    limit = view.known_number("config.resource_limits.max_runtime_in_seconds")
    pools: list[PoolUsage] = []
    for definition in definitions:
        config = definition.block("resource_config") or definition.block("hyper_parameter_tuning_resource_config")
        if config is None:
            continue
        rounds = (jobs / side_by_side).to_integral_value(ROUND_CEILING) if jobs and side_by_side else None
        seconds = None if rounds is None else rounds * _seconds(definition)
        known = [each for each in (seconds, limit) if each is not None]
        spot = definition.flag("enable_managed_spot_training")
        pools += _job_pools(definition, config, spot, side_by_side, min(known) if known else None)
    if len(pools) > 1:
        view.note("info", "shared-jobs", "each training job definition is counted as if all jobs were of its kind")
    return Extracted(tuple(pools))


def algorithm(view: View) -> Extracted:
    """An algorithm starts machines only to validate itself; the types it supports start nothing."""
    profiles = [
        profile for block in view.blocks("validation_specification") for profile in block.blocks("validation_profiles")
    ][:_MOST_GROUPS]
    pools: list[PoolUsage] = []
    for profile in profiles:
        for training in profile.blocks("training_job_definition"):
            config = training.block("resource_config")
            if config is not None:
                pools += _job_pools(training, config, False, Decimal(1), _seconds(training))
        for transform in profile.blocks("transform_job_definition"):
            for config in transform.blocks("transform_resources"):
                pools += _job_pools(transform, config, False, Decimal(1), _seconds(transform))
    return Extracted(tuple(pools))


def _seconds(view: View) -> Decimal:
    return view.known_number("stopping_condition.max_runtime_in_seconds") or _LONGEST


def _job_pools(
    view: View, config: View, spot: bool, side_by_side: Decimal | None, seconds: Decimal | None
) -> Iterable[PoolUsage]:
    """The instances of a job, for the longest it may run; none of a job that an earlier apply has started."""
    starts = view.side == "after" and view.node.action in ("create", "replace")
    for group in (config.blocks("instance_groups") or config.blocks("instance_configs") or [config])[:_MOST_GROUPS]:
        machine = ml_machine(group)
        if not is_named(machine):
            continue
        if config.get("training_plan_arn") is not None:
            machine = in_training_plan(config, machine, "training_plan_arn")
        elif spot:
            machine = by_spot(view, machine, "enable_managed_spot_training")
        each = units_of(group.number("instance_count"), Decimal(1))
        count = None if each is None or side_by_side is None else each * side_by_side
        if not starts:
            message = "an earlier apply started this job: it is not counted as running still"
            view.note("info", "started-earlier", message)
            yield ml_pool(view, machine, Units(Decimal(0), Decimal(0), count), "training instance")
        elif seconds is None:
            view.note("warning", "unbounded-job", "nothing says how long it may run: all hours of a month are counted")
            yield ml_pool(view, machine, Units.fixed(count), "training instance")
        else:
            hours = seconds / _SECONDS
            longest = f"{hours.quantize(Decimal('0.01')).normalize():f} h"
            view.note("info", "longest-run", f"counted once, for the longest that it may run: {longest}")
            yield ml_pool(view, machine, Units.fixed(count), "training instance", once=Once(hours))


# -- what starts jobs -----------------------------------------------------------------------------------------------------

_DEFINITION = ("aws_sagemaker_data_quality_job_definition",)
_DEFINITION_LINK = TemplateLink(
    ("monitoring_schedule_config.monitoring_job_definition_name",), _DEFINITION, ("name", "id", "arn")
)


def monitoring_definition(view: View) -> Extracted:
    """A monitoring job definition by itself: it costs nothing until a schedule uses it."""
    pool = _monitoring(view, "job_resources.cluster_config", HOURS_PER_MONTH)
    return Extracted((pool,) if pool is not None else ())


def monitoring_schedule(view: View) -> Extracted:
    """The job that a monitoring schedule starts: at most all the time between its starts, or as long as it may run."""
    inline = view.block("monitoring_schedule_config.monitoring_job_definition")
    if inline is not None:
        pool = _monitoring(inline, "monitoring_resources.cluster_config", _busy(view, inline))
        view.note("info", "job-hours", _UNTOLD)
        return Extracted((pool,) if pool is not None else ())
    found = view.follow(_DEFINITION_LINK.paths, _DEFINITION_LINK.types, _DEFINITION_LINK.by)
    definition = found.first
    if definition is None:
        return Extracted(())
    pool = _monitoring(definition, "job_resources.cluster_config", _busy(view, definition))
    view.note("info", "job-hours", _UNTOLD)
    return Extracted((pool,) if pool is not None else (), via=(definition.address,))


def _monitoring(view: View, path: str, busy: Decimal) -> PoolUsage | None:
    machine = ml_machine(view, f"{path}.instance_type")
    if not is_named(machine):
        return None
    count = units_of(view.number(f"{path}.instance_count"), Decimal(1))
    return ml_pool(view, machine, Units(Decimal(0), Decimal(0), count), "monitoring instance", max_hours_per_month=busy)


_UNTOLD = (
    "how long its runs take is not in the plan: they count as nothing but in the maximum;"
    " average_nodes and hours_per_month of a usage file tell it"
)


def _busy(schedule: View, definition: View) -> Decimal:
    """Hours of a month in which its jobs can run at most."""
    cron = aws_cron(schedule.string("monitoring_schedule_config.schedule_config.schedule_expression"))
    seconds = definition.known_number("stopping_condition.max_runtime_in_seconds")
    if cron is None or seconds is None:
        return HOURS_PER_MONTH
    found = covered_hours([(Event(cron), (seconds / 60).to_integral_value(ROUND_CEILING))])
    return HOURS_PER_MONTH if found is None else min(found, HOURS_PER_MONTH)


def pipeline(view: View) -> Extracted:
    """The machines that the steps of a pipeline ask for, whenever it is started.

    https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-steps.html: a step's arguments are those of the job
    it starts; ``{"Get": "Parameters.X"}`` is a parameter, which has a default.
    """
    pools: list[PoolUsage] = []
    for definition in view.embedded("pipeline_definition", json.loads):
        defaults = {
            parameter.string("Name"): parameter.known("DefaultValue")
            for parameter in definition.blocks("Parameters")[:_MOST_STEPS]
        }
        for step in definition.blocks("Steps")[:_MOST_STEPS]:
            pools += (pool for path in _RESOURCES for pool in _step_pool(step.block(path), defaults))
    if pools:
        view.note("info", "job-hours", _UNTOLD)
    return Extracted(tuple(pools))


_RESOURCES = (
    "Arguments.ResourceConfig",
    "Arguments.ProcessingResources.ClusterConfig",
    "Arguments.TransformResources",
    "Arguments.HyperParameterTuningJobConfig.ResourceConfig",
    "Arguments.TrainingJobDefinition.ResourceConfig",
)


def _step_pool(config: View | None, defaults: dict[str | None, Any]) -> Iterable[PoolUsage]:
    if config is None:
        return
    name = _parameter(config.known("InstanceType"), defaults)
    if not isinstance(name, str) or not name:
        return
    count = _parameter(config.known("InstanceCount"), defaults)
    whole = isinstance(count, int) and not isinstance(count, bool) and 0 < count <= _MOST_STEPS
    most = Decimal(count) if whole else Decimal(1)
    machine = Machine(options=(ml_option(name),), machine_attribute=config.attribute("InstanceType"))
    machine = replace(machine, sensitive=config.is_sensitive("InstanceType"))
    yield ml_pool(config, machine, Units(Decimal(0), Decimal(0), most), "pipeline step instance")


def _parameter(value: Any, defaults: dict[str | None, Any]) -> Any:
    """A value, or the default of the parameter that it gets."""
    reference = value.get("Get") if isinstance(value, dict) else None
    return defaults.get(reference.removeprefix("Parameters.")) if isinstance(reference, str) else value


_TRAINING_ASSUMES = (
    "A job that the change creates is counted once, for the longest it may run (a day where it does not say); a job that is"
    " there already has been started by an earlier apply and is not counted.",
    "Managed spot training and training plans are priced on demand.",
)
_SOURCE = "AWS provider; Amazon SageMaker AI developer guide"

SPECS: tuple[ResourceSpec, ...] = (
    ResourceSpec(
        type="aws_sagemaker_training_job",
        cloud="aws",
        extract=training_job,
        region=region,
        tags=tags,
        reads=(
            "resource_config: instance_type, instance_count, instance_groups, keep_alive_period_in_seconds, training_plan_arn",
            "stopping_condition.max_runtime_in_seconds",
            "enable_managed_spot_training",
        ),
        prices=("the ML instances, once",),
        leaves_out=("ML storage while it runs", "instances of debugger and profiler rules", "serverless jobs"),
        assumes=_TRAINING_ASSUMES,
        source=f"aws_sagemaker_training_job; {_SOURCE}",
    ),
    ResourceSpec(
        type="aws_sagemaker_hyper_parameter_tuning_job",
        cloud="aws",
        extract=tuning_job,
        region=region,
        tags=tags,
        reads=(
            "config.resource_limits",
            "training_job_definition(s): resource_config, hyper_parameter_tuning_resource_config, stopping_condition,"
            " enable_managed_spot_training",
        ),
        prices=("the ML instances, once",),
        leaves_out=("ML storage while it runs",),
        assumes=(*_TRAINING_ASSUMES, "As many jobs as allowed run side by side, all of them as long as they may."),
        source=f"aws_sagemaker_hyper_parameter_tuning_job; {_SOURCE}",
    ),
    ResourceSpec(
        type="aws_sagemaker_algorithm",
        cloud="aws",
        extract=algorithm,
        region=region,
        tags=tags,
        reads=("validation_specification.validation_profiles: resource_config, transform_resources",),
        prices=("the ML instances that validate it, once",),
        leaves_out=("the instance types it supports: they start nothing",),
        assumes=(*_TRAINING_ASSUMES, "A transform job that validates it runs a day at most."),
        source=f"aws_sagemaker_algorithm; {_SOURCE}",
    ),
    ResourceSpec(
        type="aws_sagemaker_data_quality_job_definition",
        cloud="aws",
        extract=monitoring_definition,
        region=region,
        tags=tags,
        template=True,
        reads=("job_resources.cluster_config", "stopping_condition"),
        assumes=("Costs nothing by itself: the monitoring schedule that names it does.",),
        source=f"aws_sagemaker_data_quality_job_definition; {_SOURCE}",
    ),
    ResourceSpec(
        type="aws_sagemaker_monitoring_schedule",
        cloud="aws",
        extract=monitoring_schedule,
        region=region,
        tags=tags,
        links=(_DEFINITION_LINK,),
        reads=(
            "monitoring_schedule_config: monitoring_job_definition_name, monitoring_job_definition, schedule_config",
        ),
        prices=("the ML instances of its jobs, at most",),
        leaves_out=("ML storage while they run",),
        assumes=(
            "Its jobs count as nothing but in the maximum: each as long as it may run, all month where that is not said.",
        ),
        source=f"aws_sagemaker_monitoring_schedule; {_SOURCE}",
    ),
    ResourceSpec(
        type="aws_sagemaker_pipeline",
        cloud="aws",
        extract=pipeline,
        region=region,
        tags=tags,
        reads=(
            "pipeline_definition: Parameters, Steps[].Arguments of training, tuning, processing and transform steps",
        ),
        prices=("the ML instances of its steps, at most",),
        leaves_out=("a definition in S3",),
        assumes=("Nothing runs until the pipeline is started; at most every step at once, all month.",),
        source=f"aws_sagemaker_pipeline; {_SOURCE}",
    ),
)
