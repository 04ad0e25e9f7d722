"""OCI Data Science: notebooks, model deployments, jobs, pipelines. Compute is billed at the price of the shape itself
(https://www.oracle.com/artificial-intelligence/data-science/pricing/)."""

from collections.abc import Iterable
from decimal import Decimal

from msgspec.structs import replace

from gpuguard.extract.plain import behind, plain_machine, pool_of, scaled, stopped
from gpuguard.extract.providers.oci.common import region, tags, volume
from gpuguard.extract.spec import Companion, Extracted, Machine, ResourceSpec, TemplateLink, units_of
from gpuguard.extract.view import View
from gpuguard.model.usage import HOURS_PER_MONTH, Disk, PoolUsage, Units, Unknown

JOB = ("oci_datascience_job",)
PIPELINE = ("oci_datascience_pipeline",)
JOB_LINK = TemplateLink(("job_id",), JOB, ("id", "display_name"))
PIPELINE_LINK = TemplateLink(("pipeline_id",), PIPELINE, ("id", "display_name"))
_MINUTES = Decimal(60)
_MOST_STEPS = 100


def _disks(view: View, path: str = "block_storage_size_in_gbs") -> tuple[Disk, ...]:
    return (volume("data", view.known_number(path), None),)


def _inactive(view: View) -> bool:
    return (view.string("state") or "").upper() == "INACTIVE"


def _told_inactive(view: View, pools: Iterable[PoolUsage]) -> tuple[PoolUsage, ...]:
    view.note("info", "stopped-instance", "state is INACTIVE: only its storage is billed")
    return tuple(stopped(pool) for pool in pools)


def notebook_session(view: View) -> Extracted:
    """`oci_datascience_notebook_session`: billed while it is active."""
    block = view.block("notebook_session_configuration_details") or view.block("notebook_session_config_details")
    if block is None:
        return Extracted(())
    pools = pool_of(plain_machine(block, "shape", disks=_disks(block)), Units.fixed(1))
    return Extracted(_told_inactive(view, pools) if _inactive(view) and pools else pools)


def model_deployment(view: View) -> Extracted:
    """`oci_datascience_model_deployment`: machines of its own; one on a compute target runs on the machines of that."""
    details = view.block("model_deployment_configuration_details")
    if details is None:
        return Extracted(())
    pools: tuple[PoolUsage, ...] = ()
    for block in (details.block("infrastructure_configuration_details"), details.block("model_configuration_details")):
        instance = block.block("instance_configuration") if block is not None else None
        if block is not None and instance is not None:
            pools = pool_of(plain_machine(instance, "instance_shape_name"), _scaling(block))
            break
    return Extracted(_told_inactive(view, pools) if _inactive(view) and pools else pools)


def compute_target(view: View) -> Extracted:
    """`oci_datascience_compute_target`: machines that run whatever is deployed on them."""
    details = view.block("compute_configuration_details")
    instance = details.block("instance_configuration") if details is not None else None
    if details is None or instance is None:
        return Extracted(())
    boot = volume("boot", instance.known_number("boot_volume_size_in_gbs"), None)
    return Extracted(pool_of(plain_machine(instance, "instance_shape", disks=(boot,)), _scaling(details)))


def _scaling(view: View) -> Units:
    """A `scaling_policy` of a fixed size or with bounds; one machine without it."""
    policy = view.block("scaling_policy")
    if policy is None:
        return Units.fixed(1)
    automatic = policy.block("auto_scaling_policies")
    if automatic is None:
        return Units.fixed(units_of(policy.number("instance_count"), Decimal(1)))
    low, high = automatic.number("minimum_instance_count"), automatic.number("maximum_instance_count")
    return scaled(automatic.number("initial_instance_count"), low, high)


# -- jobs and pipelines ---------------------------------------------------------------------------------------------------


def job_pools(view: View, infrastructure: str, nodes: str) -> tuple[PoolUsage, ...]:
    """The machines of a job: one, or the replicas of every node group."""
    pools: list[PoolUsage] = []
    for group in view.blocks(f"{nodes}.0.job_node_group_configuration_details_list")[:_MOST_STEPS]:
        own = group.block("job_infrastructure_configuration_details") or view.block(infrastructure)
        if own is not None:
            replicas = Units.fixed(units_of(group.number("replicas"), Decimal(1)))
            pools.extend(pool_of(plain_machine(own, "shape_name", disks=_disks(own)), replicas))
    single = view.block(infrastructure)
    if not pools and single is not None:
        pools.extend(pool_of(plain_machine(single, "shape_name", disks=_disks(single)), Units.fixed(1)))
    return tuple(pools)


def job(view: View) -> Extracted:
    """`oci_datascience_job` by itself: what a run of it starts."""
    return Extracted(job_pools(view, "job_infrastructure_configuration_details", "job_node_configuration_details"))


def job_run(view: View) -> Extracted:
    """`oci_datascience_job_run`: the job's machines, or what the run puts in their place, for at most its time limit."""
    pools = job_pools(
        view, "job_infrastructure_configuration_override_details", "job_node_configuration_override_details"
    )
    limits = [view.known_number("job_configuration_override_details.0.maximum_runtime_in_minutes")]
    via: tuple[str, ...] = ()
    source = behind(view, "job_id", JOB, *JOB_LINK.by)
    if source is not None:
        via = (source.address,)
        limits.append(source.known_number("job_configuration_details.0.maximum_runtime_in_minutes"))
        pools = pools or job(View(source.context, source.node, source.side, [])).pools
    elif not pools:
        pools = (Machine(unknown=Unknown("its job is not in the plan", "unknown-machine-type")).pool(Units.fixed(1)),)
    return Extracted(_limited(view, pools, limits), via=via)


def _limited(view: View, pools: tuple[PoolUsage, ...], limits: Iterable[Decimal | None]) -> tuple[PoolUsage, ...]:
    """A run costs at most its time limit, once; the first limit that is set holds. Its storage lasts no longer."""
    minutes = next((limit for limit in limits if limit), None)
    hours = HOURS_PER_MONTH if minutes is None else min(minutes / _MINUTES, HOURS_PER_MONTH)
    if pools:
        told = "it has no time limit: a full month is counted" if minutes is None else "its whole time limit is counted"
        view.note("info", "one-run", f"a run is billed once, while it lasts; {told}")
    return tuple(replace(pool, disks=(), hours_per_month=hours, max_hours_per_month=hours) for pool in pools)


def pipeline_pools(view: View, infrastructure: str) -> tuple[PoolUsage, ...]:
    """The machines of a pipeline's steps: those of a step, else of the pipeline."""
    common = view.block(infrastructure)
    pools: list[PoolUsage] = []
    for step in view.blocks("step_details")[:_MOST_STEPS]:
        own = step.block("step_infrastructure_configuration_details") or common
        if own is not None:
            pools.extend(pool_of(plain_machine(own, "shape_name", disks=_disks(own)), Units.fixed(1)))
    return tuple(pools)


def pipeline(view: View) -> Extracted:
    """`oci_datascience_pipeline` by itself: what a run of it starts."""
    return Extracted(pipeline_pools(view, "infrastructure_configuration_details"))


def pipeline_run(view: View) -> Extracted:
    """`oci_datascience_pipeline_run`: every step of the pipeline, for at most the time limit of the run."""
    source = behind(view, "pipeline_id", PIPELINE, *PIPELINE_LINK.by)
    limits = [view.known_number("configuration_override_details.0.maximum_runtime_in_minutes")]
    if source is None:
        unknown = Unknown("its pipeline is not in the plan", "unknown-machine-type")
        return Extracted(_limited(view, (Machine(unknown=unknown).pool(Units.fixed(1)),), limits))
    limits.append(source.known_number("configuration_details.0.maximum_runtime_in_minutes"))
    pools = pipeline(View(source.context, source.node, source.side, [])).pools
    return Extracted(_limited(view, pools, limits), via=(source.address,))


_SHAPE = ("the machine at the price of its shape",)
_STORAGE = "Block storage is counted at balanced performance."

SPECS: tuple[ResourceSpec, ...] = (
    ResourceSpec(
        type="oci_datascience_notebook_session",
        cloud="oci",
        extract=notebook_session,
        region=region,
        tags=tags,
        reads=("notebook_session_config_details", "notebook_session_configuration_details", "state"),
        prices=(*_SHAPE, "block storage"),
        assumes=("An inactive session costs its block storage alone.", _STORAGE),
        source="oci provider: oci_datascience_notebook_session",
    ),
    ResourceSpec(
        type="oci_datascience_model_deployment",
        cloud="oci",
        extract=model_deployment,
        region=region,
        tags=tags,
        reads=(
            "model_deployment_configuration_details.model_configuration_details",
            "model_deployment_configuration_details.infrastructure_configuration_details",
            "state",
        ),
        prices=_SHAPE,
        leaves_out=("the load balancer by its bandwidth",),
        assumes=("Without a scaling policy one machine runs; an inactive deployment costs nothing.",),
        source="oci provider: oci_datascience_model_deployment",
    ),
    ResourceSpec(
        type="oci_datascience_compute_target",
        cloud="oci",
        extract=compute_target,
        region=region,
        tags=tags,
        reads=("compute_configuration_details.instance_configuration", "compute_configuration_details.scaling_policy"),
        prices=(*_SHAPE, "boot volumes"),
        assumes=("Without a scaling policy one machine runs.",),
        source="oci provider: oci_datascience_compute_target",
    ),
    ResourceSpec(
        type="oci_datascience_job",
        cloud="oci",
        extract=job,
        region=region,
        tags=tags,
        template=True,
        reads=(
            "job_infrastructure_configuration_details",
            "job_node_configuration_details",
            "job_configuration_details",
        ),
        assumes=("Costs nothing by itself; a run does.",),
        source="oci provider: oci_datascience_job",
    ),
    ResourceSpec(
        type="oci_datascience_job_run",
        cloud="oci",
        extract=job_run,
        region=region,
        tags=tags,
        links=(JOB_LINK,),
        reads=(
            "job_id",
            "job_infrastructure_configuration_override_details",
            "job_node_configuration_override_details",
            "job_configuration_override_details",
        ),
        prices=_SHAPE,
        leaves_out=("block storage while it runs",),
        assumes=("A run lasts as long as its time limit allows, a month without one.",),
        source="oci provider: oci_datascience_job_run",
    ),
    ResourceSpec(
        type="oci_datascience_pipeline",
        cloud="oci",
        extract=pipeline,
        region=region,
        tags=tags,
        template=True,
        reads=("infrastructure_configuration_details", "step_details", "configuration_details"),
        assumes=("Costs nothing by itself; a run does.",),
        source="oci provider: oci_datascience_pipeline",
    ),
    ResourceSpec(
        type="oci_datascience_pipeline_run",
        cloud="oci",
        extract=pipeline_run,
        region=region,
        tags=tags,
        links=(PIPELINE_LINK,),
        reads=("pipeline_id", "configuration_override_details"),
        prices=_SHAPE,
        leaves_out=("block storage while it runs", "steps that run a job or an application of another service"),
        assumes=("Every step lasts as long as the time limit of the run allows, a month without one.",),
        source="oci provider: oci_datascience_pipeline_run",
    ),
)

COMPANIONS: tuple[Companion, ...] = ()
