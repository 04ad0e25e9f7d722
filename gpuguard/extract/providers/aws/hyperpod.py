"""SageMaker HyperPod: clusters of ML instances that run until they are deleted."""

from collections.abc import Iterable
from decimal import Decimal

from gpuguard.extract.providers.aws.common import region
from gpuguard.extract.providers.aws.ml_machines import (
    awscc_tags,
    by_spot,
    in_training_plan,
    is_named,
    ml_machine,
    ml_pool,
    ml_storage,
)
from gpuguard.extract.spec import Extracted, ResourceSpec, units_of
from gpuguard.extract.view import View
from gpuguard.model.usage import PoolUsage, Units

_MOST_GROUPS = 100
"""Instance groups of a cluster that are read; AWS allows as many."""


def cluster(view: View) -> Extracted:
    """The instances of every instance group. They are billed from when they run, used or not.

    https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-hyperpod.html; under autoscaling Karpenter adds and removes
    instances of the groups, and nothing on the cluster says how many at most
    (https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-hyperpod-eks-autoscaling.html).
    """
    autoscaled = view.string("auto_scaling.mode") == "Enable"
    groups = [group for path in ("instance_groups", "restricted_instance_groups") for group in view.blocks(path)]
    pools = tuple(pool for group in groups[:_MOST_GROUPS] for pool in _pool(group, autoscaled))
    if autoscaled and pools:
        message = "Karpenter scales its instance groups, and nothing on the cluster limits how many instances run"
        view.note(
            "warning", "unbounded-cluster", message, "limits of the Karpenter NodePools that use them are a ceiling"
        )
    return Extracted(pools)


def _pool(group: View, autoscaled: bool) -> Iterable[PoolUsage]:
    machine = ml_machine(group)
    if not is_named(machine):
        return
    # what is not set is unknown in plans of this provider: only what is known says anything
    if group.string("training_plan_arn") is not None:
        machine = in_training_plan(group, machine, "training_plan_arn")
    elif (
        group.block("capacity_requirements.spot") is not None or group.string("capacity_requirements.spot") is not None
    ):
        machine = by_spot(group, machine, "capacity_requirements.spot")
    count = units_of(group.number("instance_count"), Decimal(0))
    least = group.known_number("min_instance_count")
    low = least if least is not None else Decimal(0) if autoscaled else count
    sizes = [
        config.known_number("ebs_volume_config.volume_size_in_gb")
        for config in group.blocks("instance_storage_configs")[:10]
    ]
    disks = ml_storage(group, sum((size for size in sizes if size is not None), Decimal(0)))
    yield ml_pool(group, machine, Units(low, count, None if autoscaled else count), "HyperPod instance", disks=disks)


SPECS: tuple[ResourceSpec, ...] = (
    ResourceSpec(
        type="awscc_sagemaker_cluster",
        cloud="aws",
        extract=cluster,
        region=region,
        tags=awscc_tags,
        reads=(
            "instance_groups and restricted_instance_groups: instance_type, instance_count, min_instance_count,"
            " capacity_requirements, training_plan_arn, instance_storage_configs",
            "auto_scaling.mode",
        ),
        prices=("the ML instances", "their additional volumes"),
        leaves_out=("the EKS cluster that orchestrates it", "FSx for Lustre of restricted instance groups"),
        assumes=(
            "instance_count instances run in each group.",
            "With autoscaling there is no ceiling.",
            "Spot instances and instances in a training plan are priced on demand.",
            "HyperPod bills the SageMaker price of the ML instance.",
        ),
        source="AWSCC provider: awscc_sagemaker_cluster; Amazon SageMaker AI developer guide, HyperPod",
    ),
)
