"""Amazon EMR on EC2: clusters with instance groups or instance fleets. EC2 bills the machine and EMR a fee on top of it.

https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-plan-instances-guidelines.html; EMR Serverless and EMR on EKS
start no machines with accelerators of their own.
"""

import json
import re
from collections.abc import Iterable, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

import msgspec
from msgspec.structs import replace

from gpuguard.extract.common import disk_size
from gpuguard.extract.providers.aws.common import region, tags
from gpuguard.extract.spec import (
    Companion,
    Extracted,
    Machine,
    ResourceSpec,
    bounded,
    can_run,
    machine_options,
    units_of,
    within,
)
from gpuguard.extract.view import View
from gpuguard.model.usage import Charge, Disk, MachineOption, Pick, PoolUsage, Units, Unknown

_FEE = Charge("managed_service", "emr-{machine}", "EMR fee", purchase_model="on_demand", essential=False)
_POLICY = ("aws_emr_managed_scaling_policy",)
_CLUSTER = ("aws_emr_cluster",)
_MOST_TYPES = 50
"""Instance types of a fleet that are read; AWS allows 30."""
_RELEASE = re.compile(r"emr-(\d{1,3})\.(\d{1,3})")
_GP3_SINCE = (6, 15)
"""The release from which on root volumes are gp3
(https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-custom-ami-root-volume-size.html)."""
_SPOT_PICK: dict[str, Pick] = {"lowest-price": "cheapest", "capacity-optimized-prioritized": "first"}


class Limits(msgspec.Struct, frozen=True):
    """Managed scaling: capacity of core and task nodes together, and how much of it may be core and on demand."""

    low: Decimal | None
    high: Decimal | None
    core: Decimal | None
    """None: no limit of its own."""
    on_demand: Decimal | None
    in_vcpus: bool = False

    @property
    def of_core(self) -> Units:
        """Bounds of core nodes: task nodes are taken away first, so the minimum is theirs."""
        high = self.high if self.core is None else within(self.core, None, self.high)
        return Units(within(self.low, None, high), None, high)

    @property
    def of_task(self) -> Units:
        """Bounds of task nodes: what core nodes leave."""
        taken = self.core if self.core is not None else self.low
        rest = None if self.high is None or taken is None else max(self.high - taken, Decimal(0))
        return Units(Decimal(0), None, rest)


# -- resources ------------------------------------------------------------------------------------------------------------


def cluster(view: View) -> Extracted:
    """Master, core and, in separate resources, task nodes."""
    limits = _limits(view)
    root = _root(view)
    pools: list[PoolUsage] = []
    for path in ("master_instance_group", "core_instance_group"):
        bounds = limits.of_core if limits is not None and path.startswith("core") else None
        for group in view.blocks(path)[:1]:
            pools += _group(group, root, limits, bounds, Decimal(1))
    for path in ("master_instance_fleet", "core_instance_fleet"):
        bounds = limits.of_core if limits is not None and path.startswith("core") else None
        for fleet in view.blocks(path)[:1]:
            pools += _fleet(fleet, root, limits, bounds, weighted=not path.startswith("master"))
    _tell_end(view)
    return Extracted(tuple(pools))


def instance_group(view: View) -> Extracted:
    """Task nodes of one type. Terraform starts none where it does not say how many."""
    owner = view.follow(("cluster_id",), _CLUSTER, ("id",)).first
    limits = _limits(owner) if owner is not None else None
    bounds = limits.of_task if limits is not None else None
    return Extracted(tuple(_group(view, _root(owner) if owner is not None else (), limits, bounds, Decimal(0))))


def instance_fleet(view: View) -> Extracted:
    """Task nodes of several types."""
    owner = view.follow(("cluster_id",), _CLUSTER, ("id",)).first
    limits = _limits(owner) if owner is not None else None
    bounds = limits.of_task if limits is not None else None
    return Extracted(tuple(_fleet(view, _root(owner) if owner is not None else (), limits, bounds, weighted=True)))


def _tell_end(view: View) -> None:
    """A cluster that ends by itself counts all hours: when it is idle or done only time can tell."""
    timeout = view.known_number("auto_termination_policy.idle_timeout")
    if timeout is not None:
        message = f"it ends after {timeout:f} idle seconds: all hours are counted, the usage file can tell fewer"
        view.note("info", "auto-termination", message)
    elif view.known("keep_job_flow_alive_when_no_steps") is False:
        message = "it ends when its steps are done: all hours are counted, the usage file can tell fewer"
        view.note("info", "auto-termination", message)


# -- groups and fleets ----------------------------------------------------------------------------------------------------


def _group(
    view: View, root: tuple[Disk, ...], limits: Limits | None, bounds: Units | None, default: Decimal
) -> Iterable[PoolUsage]:
    """An instance group: so many machines of one type; a bid price makes them spot."""
    options, unknown = machine_options(view, "instance_type")
    if not options and unknown is None:
        return
    count = view.number("instance_count")
    size = units_of(count, default)
    units = Units.fixed(size)
    for policy in view.embedded("autoscaling_policy", json.loads)[:1]:
        low, high = policy.number("Constraints.MinCapacity"), policy.number("Constraints.MaxCapacity")
        if low is not None or high is not None:
            units = bounded(low, Unknown("") if size is None else size, high)
    spot = view.get("bid_price") not in (None, "")
    if bounds is not None and limits is not None:
        units = _bounded(view, options, bounds, limits, size, spot)
    machine = Machine(
        options=options,
        unknown=unknown,
        purchase_model="spot" if spot else "on_demand",
        disks=(*root, *_volumes(view)),
        spot_max_price=view.known_number("bid_price") if spot else None,
        machine_attribute=view.attribute("instance_type"),
        purchase_attribute=view.attribute("bid_price"),
        sensitive=view.is_sensitive("instance_type"),
    )
    yield machine.pool(units, charges=(_FEE,))


def _bounded(
    view: View, options: Sequence[MachineOption], bounds: Units, limits: Limits, size: Decimal | None, spot: bool
) -> Units:
    """The sizes of a group under managed scaling, which may count vCPUs."""
    low, high = bounds.min, bounds.max
    if limits.on_demand is not None and not spot:
        high = within(limits.on_demand, None, high)
    if limits.in_vcpus:
        vcpus = _vcpus(view, options)
        if vcpus is None:
            view.note(
                "warning", "unknown-vcpus", "managed scaling counts vCPUs, and those of its machine type are not known"
            )
            return Units(None, size, None)
        low = None if low is None else (low / vcpus).to_integral_value(ROUND_CEILING)
        high = None if high is None else (high / vcpus).to_integral_value(ROUND_FLOOR)
    return Units(within(low, None, high), within(size, low, high), high)


def _vcpus(view: View, options: Sequence[MachineOption]) -> Decimal | None:
    """vCPUs of the machine type; a type without accelerators is of no interest."""
    place = region(View(view.context, view.node, view.side, view.notes))
    name = place if isinstance(place, str) else view.context.default_regions.get("aws") or ""
    offered = {each.sku: each.vcpus for each in view.context.offers("aws", name)}
    found = offered.get(options[0].sku) if len(options) == 1 else None
    return Decimal(str(found)) if found else None


def _fleet(
    view: View, root: tuple[Disk, ...], limits: Limits | None, bounds: Units | None, *, weighted: bool
) -> Iterable[PoolUsage]:
    """An instance fleet: capacity units on demand and as spot, of whichever types the strategy picks.

    https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-instance-fleet.html: a machine brings its
    weighted_capacity (one where it is not set); the last one may bring more than is asked for. On demand takes the
    cheapest type unless it is told to go by priority.
    """
    configs = view.blocks("instance_type_configs")[:_MOST_TYPES]
    options: list[MachineOption] = []
    unknown: Unknown | None = None
    for config in configs:
        names, missing = machine_options(config, "instance_type")
        unknown = unknown or missing
        weight = config.known_number("weighted_capacity") if weighted else None
        price = config.known_number("bid_price")
        options += (MachineOption(name.sku, weight or Decimal(1), price) for name in names)
    if not options and unknown is None:
        return
    volumes = max((_volumes(config) for config in configs), key=disk_size)
    on_demand, spot = _targets(view, limits, bounds)
    specification = "launch_specifications"
    strategy = view.string(f"{specification}.on_demand_specification.allocation_strategy")
    spot_strategy = view.string(f"{specification}.spot_specification.allocation_strategy")
    machine = Machine(
        options=tuple(options),
        unknown=unknown,
        disks=(*root, *volumes),
        machine_attribute=configs[0].attribute("instance_type"),
        sensitive=any(config.is_sensitive("instance_type") for config in configs),
    )
    bare = tuple(replace(option, spot_max_price=None) for option in options)
    pools = (
        replace(machine, options=bare).pool(
            on_demand, pick="first" if strategy == "prioritized" else "cheapest", charges=(_FEE,)
        ),
        machine.pool(spot, pick=_SPOT_PICK.get(spot_strategy or "", "dearest"), purchase_model="spot", charges=(_FEE,)),
    )
    yield from (pool for pool in pools if can_run(pool.units))


def _targets(view: View, limits: Limits | None, bounds: Units | None) -> tuple[Units, Units]:
    """Capacity units on demand and as spot. Managed scaling grows on demand up to its limit and spot beyond it."""
    on_demand = units_of(view.number("target_on_demand_capacity"), Decimal(0))
    spot = units_of(view.number("target_spot_capacity"), Decimal(0))
    if limits is None or bounds is None:
        return Units.fixed(on_demand), Units.fixed(spot)
    high = bounds.max
    limit = limits.on_demand
    fixed = within(limit, None, high) if limit is not None else high
    rest = (
        None
        if high is None or fixed is None or spot is None
        else max(high - fixed, Decimal(0) if limit is not None else spot)
    )
    low = within(bounds.min, None, on_demand)
    return Units(low, within(on_demand, None, fixed), fixed), Units(Decimal(0), within(spot, None, rest), rest)


def _volumes(view: View) -> tuple[Disk, ...]:
    """The EBS volumes that are added to every machine."""
    found = []
    for config in view.blocks("ebs_config")[:_MOST_TYPES]:
        count = config.known_number("volumes_per_instance")
        whole = int(count) if count is not None else 1
        if whole > 0:
            found.append(
                Disk(
                    "data",
                    config.string("type") or "gp2",
                    config.known_number("size"),
                    count=whole,
                    iops=config.known_number("iops"),
                    throughput_mibps=config.known_number("throughput"),
                )
            )
    return tuple(found)


def _root(view: View) -> tuple[Disk, ...]:
    """The root volume of every machine where the cluster tells its size."""
    size = view.known_number("ebs_root_volume_size")
    if size is None:
        return ()
    release = _RELEASE.match(view.string("release_label") or "")
    new = release is not None and (int(release[1]), int(release[2])) >= _GP3_SINCE
    return (Disk("boot", "gp3" if new else "gp2", size),)


def _limits(view: View) -> Limits | None:
    """The managed scaling policy of a cluster.

    https://docs.aws.amazon.com/emr/latest/APIReference/API_ComputeLimits.html: the limits are on core and task nodes,
    in machines, vCPUs or units of fleets.
    """
    for policy in view.referring(_POLICY, "cluster_id")[:1]:
        for block in policy.blocks("compute_limits")[:1]:
            return Limits(
                low=units_of(block.number("minimum_capacity_units"), None),
                high=units_of(block.number("maximum_capacity_units"), None),
                core=block.known_number("maximum_core_capacity_units"),
                on_demand=block.known_number("maximum_ondemand_capacity_units"),
                in_vcpus=block.string("unit_type") == "VCPU",
            )
    return None


_PRICES = ("the machines", "EBS volumes", "the EMR fee")
_LEFT_OUT = ("root and default EBS volumes whose size the configuration does not set",)
_ASSUMES = (
    "All hours of the month count; the usage file can tell fewer.",
    "A bid price makes a group spot, at most at that price.",
    "Of a fleet's types on demand takes the cheapest, or the first by priority; for spot the dearest is priced unless the"
    " strategy is lowest-price or capacity-optimized-prioritized.",
    "Managed scaling: core nodes hold the minimum; task nodes may take what the core maximum (without one, the minimum)"
    " leaves.",
    "Without a catalog price of the EMR fee it is told, and the total is a lower bound.",
)

SPECS: tuple[ResourceSpec, ...] = (
    ResourceSpec(
        type="aws_emr_cluster",
        cloud="aws",
        extract=cluster,
        region=region,
        tags=tags,
        reads=(
            "master_instance_group, core_instance_group: instance_type, instance_count, bid_price, autoscaling_policy,"
            " ebs_config",
            "master_instance_fleet, core_instance_fleet: instance_type_configs, target_on_demand_capacity,"
            " target_spot_capacity, launch_specifications",
            "ebs_root_volume_size",
            "auto_termination_policy",
        ),
        prices=_PRICES,
        leaves_out=_LEFT_OUT,
        assumes=_ASSUMES,
        source="AWS provider: aws_emr_cluster; Amazon EMR management guide",
    ),
    ResourceSpec(
        type="aws_emr_instance_group",
        cloud="aws",
        extract=instance_group,
        region=region,
        tags=tags,
        probe=("instance_type",),
        reads=("instance_type", "instance_count", "bid_price", "autoscaling_policy", "ebs_config", "cluster_id"),
        prices=_PRICES,
        leaves_out=_LEFT_OUT,
        assumes=_ASSUMES,
        source="AWS provider: aws_emr_instance_group; Amazon EMR management guide",
    ),
    ResourceSpec(
        type="aws_emr_instance_fleet",
        cloud="aws",
        extract=instance_fleet,
        region=region,
        tags=tags,
        reads=(
            "instance_type_configs",
            "target_on_demand_capacity",
            "target_spot_capacity",
            "launch_specifications",
            "cluster_id",
        ),
        prices=_PRICES,
        leaves_out=_LEFT_OUT,
        assumes=_ASSUMES,
        source="AWS provider: aws_emr_instance_fleet; Amazon EMR management guide",
    ),
)

COMPANIONS: tuple[Companion, ...] = (
    Companion(
        type="aws_emr_managed_scaling_policy",
        of=("aws_emr_cluster", "aws_emr_instance_group", "aws_emr_instance_fleet"),
        reads=("cluster_id", "compute_limits"),
        says="The least and the most core and task nodes of a cluster.",
        source="AWS provider: aws_emr_managed_scaling_policy; Amazon EMR API: ComputeLimits",
    ),
)
