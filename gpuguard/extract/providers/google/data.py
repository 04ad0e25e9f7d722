"""Dataproc clusters, workflows and serverless batches, Dataflow jobs, and clusters of Cluster Director.

Dataproc bills a fee for each vCPU of a node on top of what Compute Engine asks for it
(https://cloud.google.com/dataproc/pricing).
"""

import re
from collections.abc import Iterable
from decimal import Decimal

from msgspec.structs import replace

from gpuguard.extract.common import as_template
from gpuguard.extract.providers.google.common import in_hours, labels, region, region_at, tail
from gpuguard.extract.providers.google.compute import LOCAL_SSD_GIB
from gpuguard.extract.providers.google.managed import (
    DEFAULT_MACHINE,
    attach,
    disk,
    entry,
    fee_per_vcpu,
    is_accelerated,
    machine_at,
    number_of,
    reservation_of,
    seconds,
    service_charges,
    short_name,
    tell,
)
from gpuguard.extract.spec import (
    Companion,
    Extracted,
    Machine,
    ResourceSpec,
    above_base,
    bounded,
    can_run,
    pick_expected,
    split,
    units_of,
    within,
)
from gpuguard.extract.view import View
from gpuguard.model.usage import (
    HOURS_PER_MONTH,
    AttachedAccelerator,
    Charge,
    Disk,
    MachineOption,
    PoolUsage,
    PurchaseModel,
    Units,
    Unknown,
)

# -- Dataproc clusters ------------------------------------------------------------------------------------------------

_POLICY = ("google_dataproc_autoscaling_policy",)
_BOOT = ("pd-standard", Decimal(500))
"""Of a node that says nothing else (https://registry.terraform.io/providers/hashicorp/google/latest/docs/resources/dataproc_cluster)."""
_SECONDARY_BOOT = Decimal(1000)
"""Largest boot disk that secondary workers take over from the primary ones
(https://cloud.google.com/dataproc/docs/concepts/compute/secondary-vms)."""
_FEE = fee_per_vcpu("dataproc-vcpu", "Dataproc fee")
_LEAST_WORKERS = Decimal(2)
_MOST_SELECTIONS = 20


def cluster_region(view: View) -> str | Unknown | None:
    """Region of the zone the nodes are in, else the cluster's own; "global" names none."""
    for path in ("cluster_config", "placement.managed_cluster.config"):
        zone = view.string(f"{path}.gce_cluster_config.zone")
        if zone:
            return region_at(view, tail(zone))
    if view.string("region") == "global":
        return region_at(view, _provider_region(view))
    return region(view)


def _provider_region(view: View) -> str | None:
    values = view.context.resolver.provider_values(view.node, ("region",))
    found = {value for value in values if isinstance(value, str)}
    return found.pop() if len(found) == 1 else None


def _place(view: View) -> str | None:
    found = cluster_region(view)
    return found if isinstance(found, str) else None


def _disks(config: View | None, default: Decimal) -> tuple[Disk, ...]:
    """The disks of a `disk_config` block."""
    block = config.block("disk_config") if config is not None else None
    if block is None:
        return (disk("boot", None, None, (_BOOT[0], default)),)
    boot = disk("boot", block.string("boot_disk_type"), block.known_number("boot_disk_size_gb"), (_BOOT[0], default))
    boot = replace(
        boot,
        iops=block.known_number("boot_disk_provisioned_iops"),
        throughput_mibps=block.known_number("boot_disk_provisioned_throughput"),
    )
    disks = [boot]
    local = block.known_number("num_local_ssds") or Decimal(0)
    if local > 0:
        disks.append(Disk("local_ssd", "local-ssd", LOCAL_SSD_GIB, count=int(local)))
    for attached in block.blocks("attached_disk_config"):
        size = attached.known_number("disk_size_gb")
        if size is not None:
            disks.append(disk("data", attached.string("disk_type"), size, (_BOOT[0], size)))
    return tuple(disks)


def _flexible(machine: Machine, config: View) -> Machine:
    """The machine with the types that an `instance_flexibility_policy` ranks: those of the lowest rank come first."""
    ranked: list[tuple[Decimal, str]] = []
    for selection in config.blocks("instance_flexibility_policy.instance_selection_list")[:_MOST_SELECTIONS]:
        names = selection.texts("machine_types")
        if isinstance(names, Unknown):
            unknown = Unknown("the machine types it may choose from are known only after apply", "unknown-machine-type")
            return replace(machine, options=(), unknown=unknown)
        rank = units_of(selection.number("rank"), Decimal(0)) or Decimal(0)
        ranked += [(rank, tail(name)) for name in names[:_MOST_SELECTIONS]]
    if not ranked:
        return machine
    names = [name for _, name in sorted(ranked, key=lambda each: each[0])]
    return replace(machine, options=tuple(MachineOption(name) for name in dict.fromkeys(names)), unknown=None)


def _pick(config: View) -> str:
    """The first type where the lowest rank has one alone; of several with the same rank nothing says which is started."""
    selections = config.blocks("instance_flexibility_policy.instance_selection_list")[:_MOST_SELECTIONS]
    ranks = [units_of(each.number("rank"), Decimal(0)) or Decimal(0) for each in selections]
    if not ranks:
        return "first"
    best = [each for each, rank in zip(selections, ranks, strict=True) if rank == min(ranks)]
    names = best[0].texts("machine_types")
    return "first" if len(best) == 1 and isinstance(names, list) and len(names) == 1 else "dearest"


def _group_machine(config: View | None, default_boot: Decimal) -> Machine:
    """The nodes of one group: machine type, GPUs, disks."""
    if config is None:
        return Machine(options=(MachineOption(DEFAULT_MACHINE),), disks=_disks(None, default_boot))
    machine = _flexible(machine_at(config), config)
    machine = attach(machine, config.blocks("accelerators"), "accelerator_type", "accelerator_count")
    return replace(machine, disks=_disks(config, default_boot))


def _sizes(count: Decimal | Unknown | None, default: Decimal, scaling: tuple[View | None, str] | None) -> Units:
    """Sizes of a group: the number it asks for, within the bounds of the cluster's autoscaling policy."""
    if scaling is None:
        return Units.fixed(units_of(count, default))
    policy, name = scaling
    block = policy.block(name) if policy is not None else None
    if policy is None:
        return Units(None, units_of(count, default), None)
    low = block.number("min_instances") if block is not None else None
    high = block.number("max_instances") if block is not None else None
    if low is None:
        low = _LEAST_WORKERS if name == "worker_config" else Decimal(0)
    if high is None:
        high = Decimal(0) if name != "worker_config" else low
    return bounded(low, default if count is None else count, high)


def _policy(view: View, path: str) -> tuple[bool, View | None]:
    """Whether the cluster scales by itself, and its policy where the plan has it."""
    if view.get(path) in (None, ""):
        return False, None
    found = view.follow((path,), _POLICY, ("name", "id", "policy_id")).first
    if found is None:
        tell(
            view,
            "warning",
            "unknown-maximum",
            "the plan does not tell its autoscaling policy: its largest size is not known",
        )
    return True, found


def _reserved(config: View, machine: Machine) -> Machine:
    address = reservation_of(config, "gce_cluster_config.reservation_affinity")
    return replace(machine, covered_by=address) if address is not None else machine


def _with_fee(view: View, machine: Machine, units: Units, **changes: object) -> PoolUsage:
    return machine.pool(units, charges=(_FEE,), **changes)


def _bought(preemptibility: str | None, default: PurchaseModel) -> PurchaseModel:
    if preemptibility in ("SPOT", "PREEMPTIBLE"):
        return "spot"
    return "on_demand" if preemptibility == "NON_PREEMPTIBLE" else default


def _primary_pools(view: View, config: View, scaling: tuple[bool, View | None]) -> list[PoolUsage]:
    """Master nodes and primary workers."""
    pools: list[PoolUsage] = []
    for name, default in (("master_config", Decimal(1)), ("worker_config", _LEAST_WORKERS)):
        group = config.block(name)
        machine = _reserved(config, _group_machine(group, _BOOT[1]))
        count = group.number("num_instances") if group is not None else None
        autoscaled = (scaling[1], name) if scaling[0] and name == "worker_config" else None
        units = _sizes(count, default, autoscaled)
        model = _bought(group.string("preemptibility") if group is not None else None, "on_demand")
        pick = _pick(group) if group is not None else "first"
        if can_run(units):
            pools.append(_with_fee(view, machine, units, purchase_model=model, pick=pick))
    return pools


def _secondary_pools(
    view: View, config: View, group: View | None, scaling: tuple[bool, View | None]
) -> list[PoolUsage]:
    """Secondary workers: the primary workers' machine type unless they have a list of their own, spot unless they say so.

    GPUs that are attached to primary workers are not attached to them
    (https://cloud.google.com/dataproc/docs/concepts/compute/secondary-vms).
    """
    workers = config.block("worker_config")
    primary = _group_machine(workers, _BOOT[1])
    boot = next((each.size_gib for each in primary.disks if each.role == "boot" and each.size_gib), _BOOT[1])
    machine = replace(primary, accelerators=(), disks=_disks(group, min(boot, _SECONDARY_BOOT)))
    count = None
    mix = None
    if group is not None:
        if group.string("machine_type"):
            machine = replace(machine_at(group), disks=machine.disks)
        machine = _flexible(machine, group)
        machine = attach(machine, group.blocks("accelerators"), "accelerator_type", "accelerator_count")
        count = group.number("num_instances")
        mix = group.block("instance_flexibility_policy.provisioning_model_mix")
    machine = _reserved(config, machine)
    units = _sizes(count, Decimal(0), (scaling[1], "secondary_worker_config") if scaling[0] else None)
    if not can_run(units) or not is_accelerated(view, machine):
        return []
    pick = _pick(group) if group is not None else "first"
    model = _bought(group.string("preemptibility") if group is not None else None, "spot")
    if mix is None:
        return [_with_fee(view, machine, units, purchase_model=model, pick=pick)]
    base, percent = mix.known_number("standard_capacity_base"), mix.known_number("standard_capacity_percent_above_base")

    regular, rest = split(units, above_base(base or Decimal(0), percent or Decimal(0)))
    parts: tuple[tuple[Units, PurchaseModel], ...] = ((regular, "on_demand"), (rest, "spot"))
    return [_with_fee(view, machine, part, purchase_model=bought, pick=pick) for part, bought in parts if can_run(part)]


def _auxiliary_pools(view: View, config: View) -> list[PoolUsage]:
    """Node groups beside masters and workers (drivers)."""
    pools = []
    for block in config.blocks("auxiliary_node_groups"):
        group = block.block("node_group.node_group_config")
        if group is None:
            continue
        machine = _reserved(config, _group_machine(group, _BOOT[1]))
        units = Units.fixed(units_of(group.number("num_instances"), Decimal(0)))
        if can_run(units):
            pools.append(_with_fee(view, machine, units))
    return pools


_GKE = "virtual_cluster_config.0.kubernetes_cluster_config.0.gke_cluster_config.0"
_NODE_POOLS = ("google_container_node_pool",)


def _virtual_pools(view: View) -> list[PoolUsage]:
    """Node pools that a cluster on GKE creates where there is none of the name; one of the plan counts by itself.

    They scale by themselves; the fee is the same as on Compute Engine
    (https://cloud.google.com/dataproc/docs/guides/dpgke/dataproc-gke-nodepools).
    """
    pools = []
    for target in view.blocks(f"{_GKE}.node_pool_target")[:_MOST_SELECTIONS]:
        shape = target.block("node_pool_config")
        config = shape.block("config") if shape is not None else None
        if shape is None or config is None or target.follow(("node_pool",), _NODE_POOLS, ("name", "id")).views:
            continue
        machine = machine_at(config, default=None)
        if not is_accelerated(view, machine):
            continue
        zones = shape.texts("locations")
        factor = Decimal(max(len(zones), 1)) if isinstance(zones, list) else None
        low = units_of(shape.number("autoscaling.min_node_count"), Decimal(0))
        high = units_of(shape.number("autoscaling.max_node_count"), None)
        least, most = (None if size is None or factor is None else size * factor for size in (low, high))
        spot = config.flag("spot") or config.flag("preemptible")
        pools.append(
            _with_fee(view, machine, Units(least, least, most), purchase_model="spot" if spot else "on_demand")
        )
    return pools


def _tell_lifetime(view: View, config: View) -> None:
    limits = ("idle_delete_ttl", "idle_stop_ttl", "auto_delete_ttl", "auto_delete_time", "auto_stop_time")
    block = config.block("lifecycle_config")
    found = [(name, value) for name in limits if block is not None and (value := block.string(name))]
    if found:
        told = ", ".join(f"{name} {value}" for name, value in found)
        tell(
            view,
            "info",
            "limited-lifetime",
            f"{told}: it may end earlier than it is counted, which is all month",
            "tell its hours in the usage file",
        )


def cluster(view: View) -> Extracted:
    """`google_dataproc_cluster` on Compute Engine, or on GKE with the node pools that it creates there."""
    config = view.block("cluster_config")
    if config is None:
        return Extracted(tuple(_virtual_pools(view)))
    scaling = _policy(view, "cluster_config.autoscaling_config.policy_uri")
    pools = [
        *_primary_pools(view, config, scaling),
        *_secondary_pools(view, config, config.block("preemptible_worker_config"), scaling),
        *_auxiliary_pools(view, config),
        *_virtual_pools(view),
    ]
    _tell_lifetime(view, config)
    return Extracted(tuple(pools))


def workflow(view: View) -> Extracted:
    """`google_dataproc_workflow_template`: its cluster exists only while the workflow runs."""
    config = view.block("placement.0.managed_cluster.0.config")
    if config is None:
        return Extracted(())
    scaling = _policy(view, "placement.managed_cluster.config.autoscaling_config.policy")
    pools = [
        *_primary_pools(view, config, scaling),
        *_secondary_pools(view, config, config.block("secondary_worker_config"), scaling),
    ]
    tell(view, "info", "runs-on-demand", "its cluster exists while the workflow runs: at rest only the maximum counts")
    nothing = Decimal(0)
    return Extracted(tuple(replace(pool, units=Units(nothing, nothing, pool.units.max)) for pool in pools))


# -- Dataproc Serverless ----------------------------------------------------------------------------------------------

_ACCELERATOR = "spark.dataproc.executor.resource.accelerator.type"
_EXECUTORS = {"l4": "nvidia-l4", "a100-40": "nvidia-tesla-a100", "a100-80": "nvidia-a100-80gb"}
"""Names of the accelerators in Spark's properties (https://cloud.google.com/dataproc-serverless/docs/guides/gpus-serverless)."""
_MOST_EXECUTORS = Decimal(1000)
"""Where `spark.dynamicAllocation.maxExecutors` is not set (https://cloud.google.com/dataproc-serverless/docs/concepts/properties)."""


def _serverless(view: View) -> PoolUsage | None:
    """The executors of a Spark workload that asks for accelerators."""
    properties = "runtime_config.properties"
    kind = entry(view, properties, _ACCELERATOR)
    if kind is None:
        return None
    if not isinstance(kind, str) or not kind:
        unknown = Unknown("the accelerator of its executors is known only after apply", "unknown-accelerator")
        return PoolUsage(options=(), units=Units.fixed(None), unknown=unknown)
    name = _EXECUTORS.get(kind.lower(), kind.lower())

    def executors(key: str) -> Decimal | Unknown | None:
        return number_of(entry(view, properties, key))

    started = pick_expected(
        executors("spark.dynamicAllocation.initialExecutors"), executors("spark.executor.instances"), _LEAST_WORKERS
    )
    dynamic = str(entry(view, properties, "spark.dynamicAllocation.enabled")).lower() != "false"
    high = units_of(executors("spark.dynamicAllocation.maxExecutors"), _MOST_EXECUTORS) if dynamic else started
    low = units_of(executors("spark.dynamicAllocation.minExecutors"), _LEAST_WORKERS) if dynamic else started
    if dynamic and high == _MOST_EXECUTORS:
        tell(
            view,
            "warning",
            "default-maximum",
            "no maximum is set: Spark may start up to 1000 executors, each with a GPU",
        )
    sku = f"dataproc-serverless-{short_name(name)}"
    return PoolUsage(
        options=(MachineOption(sku),),
        units=Units(low, within(started, low, high), high),
        accelerators=(AttachedAccelerator(name, Decimal(1)),),
        machine_billed=False,
        charges=(Charge("managed_service", sku, f"serverless Spark, {short_name(name).upper()}", unit="GPU-hour"),),
    )


def batch(view: View) -> Extracted:
    """`google_dataproc_batch`: one run of Spark, begun by apply."""
    pool = _serverless(view)
    if pool is None:
        return Extracted(())
    limit = seconds(view.string("environment_config.execution_config.ttl"))
    if limit is None:
        tell(view, "info", "runs-once", "apply starts one run, counted as if it ran all month: its ttl is not set")
        return Extracted((pool,))
    hours = min(limit / 3600, HOURS_PER_MONTH)
    tell(view, "info", "runs-once", f"apply starts one run; it counts with its ttl of {in_hours(limit)} hours")
    return Extracted((replace(pool, hours_per_month=hours, max_hours_per_month=hours),))


def session_machine(view: View) -> Machine:
    """`google_dataproc_session_template`: users start sessions of it."""
    pool = _serverless(view)
    if pool is None:
        return Machine(options=(MachineOption("dataproc-serverless"),))
    return Machine(options=pool.options, unknown=pool.unknown, accelerators=pool.accelerators)


# -- Dataflow ---------------------------------------------------------------------------------------------------------

_WORKER_ACCELERATOR = re.compile(r"worker_accelerator=([^\s,\"']{1,200})")
_DATAFLOW_MACHINE = "n1-standard-1"
"""Of a batch worker (https://cloud.google.com/dataflow/docs/reference/pipeline-options)."""
_MOST_TEXTS = 200


def _texts(view: View, paths: Iterable[str]) -> Iterable[str]:
    """The texts of lists and maps of options."""
    for path in paths:
        value = view.known(path)
        items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else (value,)
        for item in list(items)[:_MOST_TEXTS]:
            if isinstance(item, str):
                yield item[:2000]


def _worker_accelerator(options: Iterable[str]) -> tuple[AttachedAccelerator, ...]:
    """``worker_accelerator=type:nvidia-tesla-t4;count:1;install-nvidia-driver``, in whichever option it stands
    (https://cloud.google.com/dataflow/docs/gpu/use-gpus)."""
    for text in options:
        match = _WORKER_ACCELERATOR.search(text)
        if match is None:
            continue
        parts = dict(part.split(":", 1) for part in match[1].split(";") if ":" in part)
        count = number_of(parts.get("count", "1"))
        if parts.get("type"):
            number = Decimal(1) if count is None or isinstance(count, Unknown) else count
            return (AttachedAccelerator(tail(parts["type"]).lower(), number),)
    return ()


def _workers(view: View, environment: View, options: tuple[str, ...]) -> PoolUsage | None:
    """The workers of a pipeline; None where they have no GPU."""
    accelerators = _worker_accelerator(_texts(environment, options))
    machine = replace(machine_at(environment, default=_DATAFLOW_MACHINE), accelerators=accelerators)
    if not is_accelerated(view, machine):
        return None
    high = units_of(environment.number("max_workers"), Decimal(0))
    if high == 0:
        tell(
            view,
            "warning",
            "unbounded-workers",
            "max_workers is not set: Dataflow starts as many workers as it finds fit",
            "set max_workers",
        )
    started = units_of(environment.number("num_workers"), Decimal(1))
    high = high or None
    units = Units(Decimal(1), within(started, Decimal(1), high), high)
    place = region(view)
    charges = service_charges(view, machine, "dataflow", "Dataflow", place if isinstance(place, str) else None)
    return machine.pool(units, charges=charges, machine_billed=False)


_JOB_OPTIONS = ("additional_experiments", "additional_pipeline_options", "parameters")


def dataflow_job(view: View) -> Extracted:
    """`google_dataflow_job` and `google_dataflow_flex_template_job`: apply starts the pipeline."""
    pool = _workers(view, view, _JOB_OPTIONS)
    if pool is None:
        return Extracted(())
    tell(view, "info", "runs-until-done", "a streaming pipeline runs all month, as it is counted; a batch ends earlier")
    return Extracted((pool,))


def data_pipeline(view: View) -> Extracted:
    """`google_data_pipeline_pipeline`: a Dataflow template started by a schedule or by hand."""
    for request in (
        "workload.dataflow_flex_template_request.launch_parameter",
        "workload.dataflow_launch_template_request.launch_parameters",
    ):
        launch = view.block(request)
        environment = launch.block("environment") if launch is not None else None
        if launch is None or environment is None:
            continue
        pool = _workers(view, environment, ("additional_experiments",))
        if pool is not None:
            tell(view, "info", "runs-on-schedule", "how long a run lasts is not known: only the maximum counts")
            return Extracted((replace(pool, units=Units(Decimal(0), Decimal(0), pool.units.max)),))
    return Extracted(())


# -- Cluster Director -------------------------------------------------------------------------------------------------

_INSTANCES: tuple[tuple[str, PurchaseModel], ...] = (
    ("new_on_demand_instances", "on_demand"),
    ("new_spot_instances", "spot"),
    ("new_flex_start_instances", "flex_start"),
)


def _resources(view: View) -> dict[str, Machine]:
    """The machines that node sets refer to, by their ids."""
    found: dict[str, Machine] = {}
    for block in view.blocks("compute_resources"):
        name = block.string("id") or ""
        reserved = block.block("config.new_reserved_instances")
        if reserved is not None:
            found[name] = _of_reservation(reserved)
        for kind, model in _INSTANCES:
            instances = block.block(f"config.{kind}")
            if instances is not None:
                found[name] = replace(machine_at(instances), purchase_model=model)
    return found


def _any_of(machines: dict[str, Machine]) -> Machine | None:
    """Whichever it may be where the plan does not say which: the dearest is priced, on demand."""
    if len(machines) < 2:
        return next(iter(machines.values()), None)
    options = tuple(dict.fromkeys(option for each in machines.values() for option in each.options))
    return Machine(options=options, unknown=next((each.unknown for each in machines.values() if each.unknown), None))


def _of_reservation(block: View) -> Machine:
    """Machines that run in a reservation, of the type it reserves."""
    link = block.follow(("reservation",), ("google_compute_reservation",), ("id", "self_link", "name"))
    if len(link.views) == 1 and link.assumed is None:
        properties = link.views[0].block("specific_reservation.instance_properties")
        if properties is not None:
            return replace(machine_at(properties), covered_by=link.views[0].address)
    unknown = Unknown("the reservation its machines run in is not in the plan", "unknown-machine-type")
    return Machine(unknown=unknown, purchase_model="capacity_reservation")


def slurm_cluster(view: View) -> Extracted:
    """`google_hypercomputecluster_cluster`: the node sets of Slurm; static nodes run always, dynamic ones when jobs ask."""
    machines = _resources(view)
    pools = []
    for nodes in view.blocks("orchestrator.slurm.node_sets"):
        machine = machines.get(nodes.string("compute_id") or "") or _any_of(machines)
        if machine is None:
            continue
        fixed, more = nodes.number("static_node_count"), nodes.number("max_dynamic_node_count")
        least, rest = units_of(fixed, Decimal(0)), units_of(more, Decimal(0))
        most = None if least is None or rest is None else least + rest
        machine = _booting(machine, nodes.block("compute_instance.boot_disk"))
        pools.append(machine.pool(Units(least, least, most)))
    login = view.block("orchestrator.slurm.login_nodes")
    machine = machine_at(login, default=None) if login is not None else None
    if login is not None and machine is not None and is_accelerated(view, machine):
        number = units_of(login.number("count"), Decimal(0))
        pools.append(_booting(machine, login.block("boot_disk")).pool(Units.fixed(number)))
    return Extracted(tuple(pools))


def _booting(machine: Machine, boot: View | None) -> Machine:
    """The machine with its boot disk, where one is described."""
    if boot is None:
        return machine
    size = boot.known_number("size_gb")
    return replace(machine, disks=(disk("boot", boot.string("type"), size, ("pd-balanced", size or Decimal(0))),))


def slurm_region(view: View) -> str | Unknown | None:
    """Region of the zone of its machines, else its own location."""
    for block in view.blocks("compute_resources"):
        for kind, _ in _INSTANCES:
            zone = block.string(f"config.{kind}.zone")
            if zone:
                return region_at(view, tail(zone))
    return region(view)


_NODE_PRICES = (
    "the nodes that have GPUs",
    "attached GPUs",
    "disks and local SSDs",
    "the Dataproc fee for each vCPU of those nodes",
    "sustained use discounts",
)
_NODE_LEAVES_OUT = ("nodes without a GPU and their fee", "external addresses")
_NODE_ASSUMES = (
    "A node without a machine type is n1-standard-4, with a boot disk of 500 GiB pd-standard where none is described; "
    "a cluster has 1 master and 2 workers unless it says otherwise.",
    "Secondary workers have the machine type of the primary ones and none of the GPUs attached to those; they are spot unless "
    "preemptibility says otherwise.",
)
_DATAFLOW_PRICES = ("the workers at Dataflow's price", "attached GPUs")
_DATAFLOW_LEAVES_OUT = ("disks, shuffle and streaming data",)
_DATAFLOW_ASSUMES = ("One worker starts where no number is set; without max_workers there is no upper limit.",)

SPECS: tuple[ResourceSpec, ...] = (
    ResourceSpec(
        type="google_dataproc_cluster",
        cloud="gcp",
        extract=cluster,
        region=cluster_region,
        tags=labels,
        reads=(
            "cluster_config.master_config",
            "cluster_config.worker_config",
            "cluster_config.preemptible_worker_config",
            "cluster_config.auxiliary_node_groups",
            "cluster_config.autoscaling_config",
            "cluster_config.gce_cluster_config",
            "cluster_config.lifecycle_config",
            "virtual_cluster_config.kubernetes_cluster_config.gke_cluster_config.node_pool_target",
            "region",
        ),
        prices=_NODE_PRICES,
        leaves_out=_NODE_LEAVES_OUT,
        assumes=(
            *_NODE_ASSUMES,
            "On GKE it creates the node pools that it describes, at their minimum; one that the plan has counts by itself.",
            "It runs all month: what deletes an idle cluster is told, not guessed.",
        ),
        source="google provider: google_dataproc_cluster; Dataproc pricing",
    ),
    ResourceSpec(
        type="google_dataproc_workflow_template",
        cloud="gcp",
        extract=workflow,
        region=cluster_region,
        tags=labels,
        reads=("placement.managed_cluster.config", "location"),
        prices=_NODE_PRICES,
        leaves_out=_NODE_LEAVES_OUT,
        assumes=(*_NODE_ASSUMES, "Its cluster costs nothing at rest; the maximum is one that runs all month."),
        source="google provider: google_dataproc_workflow_template; Dataproc pricing",
    ),
    ResourceSpec(
        type="google_dataproc_batch",
        cloud="gcp",
        extract=batch,
        region=region,
        tags=labels,
        reads=("runtime_config.properties", "environment_config.execution_config.ttl", "location"),
        prices=("the accelerators of the executors",),
        leaves_out=("compute units and shuffle storage",),
        assumes=(
            "Every executor has one accelerator; 2 executors start and up to 1000 may, unless properties say otherwise.",
        ),
        source="google provider: google_dataproc_batch; Dataproc Serverless: Spark properties",
    ),
    ResourceSpec(
        type="google_dataproc_session_template",
        cloud="gcp",
        extract=as_template(session_machine),
        region=region,
        tags=labels,
        template=True,
        reads=("runtime_config.properties",),
        assumes=("Costs nothing by itself.",),
        source="google provider: google_dataproc_session_template",
    ),
    ResourceSpec(
        type="google_dataflow_job",
        cloud="gcp",
        extract=dataflow_job,
        region=region,
        tags=labels,
        reads=("machine_type", "additional_experiments", "parameters", "max_workers", "zone", "region"),
        prices=_DATAFLOW_PRICES,
        leaves_out=_DATAFLOW_LEAVES_OUT,
        assumes=_DATAFLOW_ASSUMES,
        source="google provider: google_dataflow_job; Dataflow: GPUs",
    ),
    ResourceSpec(
        type="google_dataflow_flex_template_job",
        cloud="gcp",
        extract=dataflow_job,
        region=region,
        tags=labels,
        reads=(
            "machine_type",
            "additional_experiments",
            "additional_pipeline_options",
            "parameters",
            "num_workers",
            "max_workers",
            "region",
        ),
        prices=_DATAFLOW_PRICES,
        leaves_out=_DATAFLOW_LEAVES_OUT,
        assumes=_DATAFLOW_ASSUMES,
        source="google-beta provider: google_dataflow_flex_template_job; Dataflow: GPUs",
    ),
    ResourceSpec(
        type="google_data_pipeline_pipeline",
        cloud="gcp",
        extract=data_pipeline,
        region=region,
        tags=labels,
        reads=("workload", "region"),
        prices=_DATAFLOW_PRICES,
        leaves_out=_DATAFLOW_LEAVES_OUT,
        assumes=("Nothing runs at rest; the maximum is its workers, all month.",),
        source="google provider: google_data_pipeline_pipeline; Dataflow: GPUs",
    ),
    ResourceSpec(
        type="google_hypercomputecluster_cluster",
        cloud="gcp",
        extract=slurm_cluster,
        region=slurm_region,
        tags=labels,
        reads=(
            "compute_resources",
            "orchestrator.slurm.node_sets",
            "orchestrator.slurm.login_nodes",
            "location",
        ),
        prices=("the nodes", "login nodes that have GPUs", "boot disks"),
        leaves_out=("login nodes without a GPU", "storage resources"),
        assumes=("Static nodes run all month; dynamic ones count in the maximum.",),
        source="google provider: google_hypercomputecluster_cluster",
    ),
)

COMPANIONS: tuple[Companion, ...] = (
    Companion(
        type="google_dataproc_autoscaling_policy",
        of=("google_dataproc_cluster", "google_dataproc_workflow_template"),
        reads=("worker_config", "secondary_worker_config"),
        says="the bounds of primary and secondary workers",
        source="google provider: google_dataproc_autoscaling_policy",
    ),
)
