"""Amazon SageMaker AI: real-time and asynchronous endpoints, notebook instances; its other types in modules of their own."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from msgspec.structs import replace

from gpuguard.extract.providers.aws import hyperpod, sagemaker_jobs, sagemaker_studio
from gpuguard.extract.providers.aws.common import region, tags
from gpuguard.extract.providers.aws.ml_machines import (
    awscc_tags,
    in_training_plan,
    is_named,
    ml_machine,
    ml_pool,
    ml_storage,
)
from gpuguard.extract.providers.aws.scaling_targets import Named, Scaled, companions, scaled
from gpuguard.extract.spec import (
    Companion,
    Extracted,
    Machine,
    ResourceSpec,
    TemplateLink,
    bounded,
    units_of,
)
from gpuguard.extract.view import Link, View
from gpuguard.model.usage import PoolUsage, Units, Unknown

_CONFIGURATIONS = ("aws_sagemaker_endpoint_configuration", "awscc_sagemaker_endpoint_config")
_LINK = TemplateLink(
    ("endpoint_config_name",), _CONFIGURATIONS, ("name", "endpoint_config_name", "id", "arn", "endpoint_config_arn")
)
_DIMENSION = "sagemaker:variant:DesiredInstanceCount"
_VARIANTS = ("production_variants", "shadow_production_variants")
_MOST_VARIANTS = 20
"""Variants of a configuration that are read; AWS allows ten of each kind."""
_MOST_POOLS = 10
_NOTEBOOK_GIB = Decimal(5)
"""Volume of a notebook instance that does not say
(https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateNotebookInstance.html)."""


# -- endpoints ------------------------------------------------------------------------------------------------------------


def endpoint(view: View) -> Extracted:
    """The instances behind every variant of the endpoint's configuration, within the bounds of its scalable targets.

    https://docs.aws.amazon.com/sagemaker/latest/dg/realtime-endpoints.html: an endpoint runs its instances, used or not;
    those of a shadow variant as well (https://docs.aws.amazon.com/sagemaker/latest/dg/shadow-tests.html).
    """
    found = view.follow(_LINK.paths, _LINK.types, _LINK.by)
    if not found.views:
        missing = Unknown("its endpoint configuration is not in the plan", "unknown-machine-type")
        return Extracted((Machine(unknown=missing).pool(Units.fixed(None)),))
    _tell_assumption(view, found)
    by_configuration = [tuple(_pools(configuration, view)) for configuration in found.views]
    pools = by_configuration[0] if len(found.views) == 1 else _dearest_of(by_configuration)
    return Extracted(pools, via=tuple(configuration.address for configuration in found.views))


def configuration(view: View) -> Extracted:
    """An endpoint configuration by itself: it costs nothing until an endpoint uses it."""
    return Extracted(tuple(_pools(view, None)))


def _pools(configuration: View, endpoint: View | None) -> Iterable[PoolUsage]:
    """A pool for each variant; serverless variants run without accelerators.

    https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html: GPUs are not supported.
    """
    variants = [variant for path in _VARIANTS for variant in configuration.blocks(path)]
    for variant in variants[:_MOST_VARIANTS]:
        if variant.block("serverless_config") is not None:
            continue
        machine = _machine(variant)
        if is_named(machine):
            others = tuple(
                name for other in variants if other is not variant and (name := other.string("variant_name"))
            )
            size = _scaled(variant, endpoint, others, shadow=variant.prefix[0] == _VARIANTS[1])
            disks = ml_storage(variant, variant.known_number("volume_size_in_gb"))
            yield ml_pool(
                variant,
                machine,
                size.units,
                "endpoint instance",
                pick="first",
                disks=disks,
                hours_per_month=size.hours,
                max_hours_per_month=size.max_hours,
            )


def _machine(variant: View) -> Machine:
    """A variant's ML instance; of instance pools the one of the lowest priority number is tried first.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariant.html
    """
    machine = ml_machine(variant)
    pools = variant.blocks("instance_pools")[:_MOST_POOLS]
    if not is_named(machine) and pools:
        ranked = sorted(pools, key=lambda pool: pool.known_number("priority") or Decimal(0))
        each = [ml_machine(pool) for pool in ranked]
        unknown = next((one.unknown for one in each if one.unknown is not None), None)
        machine = replace(each[0], options=tuple(option for one in each for option in one.options), unknown=unknown)
    if variant.string("capacity_reservation_config.ml_reservation_arn") is not None:
        machine = in_training_plan(variant, machine, "capacity_reservation_config.ml_reservation_arn")
    return machine


def _scaled(variant: View, endpoint: View | None, others: tuple[str, ...], *, shadow: bool) -> Scaled:
    """The sizes of a variant: its initial count, bounds of its own (inference components) or of a scalable target."""
    initial = variant.number("initial_instance_count")
    start = units_of(initial, Decimal(1))
    units = Units.fixed(start)
    managed = variant.block("managed_instance_scaling")
    if managed is not None and managed.string("status") != "DISABLED":
        low, high = managed.number("min_instance_count"), managed.number("max_instance_count")
        units = bounded(Decimal(1) if low is None else low, initial, high)
        if high is None:
            variant.note(
                "warning", "unbounded-variant", "managed instance scaling has no max_instance_count: no ceiling"
            )
    if endpoint is None:
        return Scaled(units)
    name = endpoint.string("name") or endpoint.string("endpoint_name")
    own = variant.string("variant_name")
    named = Named(f"endpoint/{name}/variant/{own}" if name and own else None, own, others, alone=not shadow)
    return scaled(endpoint, _DIMENSION, named, start, units)


def _dearest_of(configurations: Sequence[tuple[PoolUsage, ...]]) -> tuple[PoolUsage, ...]:
    """One pool for several configurations of which any may be meant: the dearest type, the largest sizes."""
    pools = [pool for pools in configurations for pool in pools]
    if not pools:
        return ()

    def largest(size: str) -> Decimal | None:
        sums: list[Decimal] = []
        for each in configurations:
            sizes: list[Decimal | None] = [getattr(pool.units, size) for pool in each]
            if None in sizes:
                return None
            sums.append(sum((found for found in sizes if found is not None), Decimal(0)))
        return max(sums)

    options = tuple(dict.fromkeys(option for pool in pools for option in pool.options))
    units = Units(largest("min"), largest("expected"), largest("max"))
    unknown = next((pool.unknown for pool in pools if pool.unknown is not None), None)
    sensitive = any(pool.sensitive for pool in pools)
    return (replace(pools[0], options=options, pick="dearest", units=units, unknown=unknown, sensitive=sensitive),)


def _tell_assumption(view: View, found: Link) -> None:
    """Say which configuration is taken where the plan hides it."""
    if len(found.views) > 1:
        message = (
            f"the plan does not say which endpoint configuration it uses; the dearest of {len(found.views)} is taken"
        )
        view.note("warning", "ambiguous-template", message)
    elif found.assumed:
        message = f"the plan hides its endpoint configuration; {found.views[0].address}, {found.assumed}, is assumed"
        view.note("info", "assumed-template", message)


# -- notebook instances ---------------------------------------------------------------------------------------------------


def notebook(view: View) -> Extracted:
    """A notebook instance runs from its creation until somebody stops it.

    https://docs.aws.amazon.com/sagemaker/latest/dg/nbi.html; only a lifecycle configuration can stop an idle one.
    """
    machine = ml_machine(view)
    if not is_named(machine):
        return Extracted(())
    size = view.number("volume_size")
    size = view.number("volume_size_in_gb") if size is None else size
    disks = ml_storage(view, units_of(size, _NOTEBOOK_GIB))
    if view.get("lifecycle_config_name") is None:
        view.note("info", "no-idle-stop", "nothing stops this notebook instance when it is idle: all hours are counted")
    return Extracted((ml_pool(view, machine, Units.fixed(1), "notebook instance", disks=disks),))


_ENDPOINT_READS = (
    "endpoint_config_name",
    "production_variants and shadow_production_variants of its configuration: instance_type, initial_instance_count,"
    " managed_instance_scaling, volume_size_in_gb, serverless_config",
)
_ENDPOINT_ASSUMES = (
    "A variant starts with initial_instance_count instances (one where it is not set), brought within the bounds of its"
    " scalable target.",
    "A configuration that is not in the plan may name any machine: unknown.",
    "Without a catalog price of ML storage the volume is told and not counted.",
)
_TEMPLATE_ASSUMES = ("Costs nothing by itself: the endpoint that names it does.",)
_NOTEBOOK_ASSUMES = (
    "It runs all month; the usage file can tell fewer hours.",
    "Without a size its volume has 5 GiB; without a catalog price of ML storage it is told and not counted.",
)

SPECS: tuple[ResourceSpec, ...] = (
    ResourceSpec(
        type="aws_sagemaker_endpoint",
        cloud="aws",
        extract=endpoint,
        region=region,
        tags=tags,
        links=(_LINK,),
        reads=_ENDPOINT_READS,
        prices=("the ML instances of production and shadow variants", "their ML storage"),
        leaves_out=(
            "data processed",
            "serverless variants: they have no accelerators",
            "deployment_config: two fleets while it changes",
        ),
        assumes=_ENDPOINT_ASSUMES,
        source="AWS provider: aws_sagemaker_endpoint, aws_sagemaker_endpoint_configuration; Amazon SageMaker AI developer guide",
    ),
    ResourceSpec(
        type="aws_sagemaker_endpoint_configuration",
        cloud="aws",
        extract=configuration,
        region=region,
        tags=tags,
        template=True,
        reads=("production_variants", "shadow_production_variants"),
        assumes=_TEMPLATE_ASSUMES,
        source="AWS provider: aws_sagemaker_endpoint_configuration",
    ),
    ResourceSpec(
        type="awscc_sagemaker_endpoint",
        cloud="aws",
        extract=endpoint,
        region=region,
        tags=awscc_tags,
        links=(_LINK,),
        reads=(*_ENDPOINT_READS, "instance_pools and capacity_reservation_config of the configuration"),
        prices=("the ML instances of production and shadow variants", "their ML storage"),
        leaves_out=("data processed", "serverless variants: they have no accelerators"),
        assumes=(*_ENDPOINT_ASSUMES, "Of instance pools the one of the highest priority runs."),
        source="AWSCC provider: awscc_sagemaker_endpoint, awscc_sagemaker_endpoint_config",
    ),
    ResourceSpec(
        type="awscc_sagemaker_endpoint_config",
        cloud="aws",
        extract=configuration,
        region=region,
        tags=awscc_tags,
        template=True,
        reads=("production_variants", "shadow_production_variants"),
        assumes=_TEMPLATE_ASSUMES,
        source="AWSCC provider: awscc_sagemaker_endpoint_config",
    ),
    ResourceSpec(
        type="aws_sagemaker_notebook_instance",
        cloud="aws",
        extract=notebook,
        region=region,
        tags=tags,
        reads=("instance_type", "volume_size", "lifecycle_config_name"),
        prices=("the ML instance", "its ML storage"),
        assumes=_NOTEBOOK_ASSUMES,
        source="AWS provider: aws_sagemaker_notebook_instance; Amazon SageMaker AI developer guide",
    ),
    ResourceSpec(
        type="awscc_sagemaker_notebook_instance",
        cloud="aws",
        extract=notebook,
        region=region,
        tags=awscc_tags,
        reads=("instance_type", "volume_size_in_gb", "lifecycle_config_name"),
        prices=("the ML instance", "its ML storage"),
        assumes=_NOTEBOOK_ASSUMES,
        source="AWSCC provider: awscc_sagemaker_notebook_instance",
    ),
    *sagemaker_studio.SPECS,
    *sagemaker_jobs.SPECS,
    *hyperpod.SPECS,
)

COMPANIONS: tuple[Companion, ...] = companions(
    ("aws_sagemaker_endpoint", "awscc_sagemaker_endpoint", "aws_appstream_fleet")
)
