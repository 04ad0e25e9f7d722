"""Databricks: the machines of the cloud it runs on, and its own units (DBU) on top of them.

Clusters, jobs and pipelines run on machines of the customer's cloud account, which the cloud bills; Databricks bills DBUs
beside them. Model serving and serverless GPU tasks run on machines of Databricks and are billed in DBUs alone
(https://docs.databricks.com/en/resources/pricing.html).
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from decimal import ROUND_CEILING, Decimal

import msgspec
from msgspec.structs import replace

from gpuguard.extract.common import string_tags
from gpuguard.extract.spec import Companion, Extracted, Machine, ResourceSpec, TemplateLink, machine_options, units_of
from gpuguard.extract.view import View, parse_path
from gpuguard.model.price import Price, PriceKey
from gpuguard.model.usage import (
    AttachedAccelerator,
    Charge,
    Disk,
    MachineOption,
    PoolUsage,
    PurchaseModel,
    Units,
    Unknown,
)
from gpuguard.read.document import Node
from gpuguard.read.references import walk

_POOL = TemplateLink(("instance_pool_id",), ("databricks_instance_pool",), ("id",))
_DRIVER_POOL = TemplateLink(("driver_instance_pool_id",), _POOL.types, _POOL.by)
_POLICY = TemplateLink(("policy_id",), ("databricks_cluster_policy",), ("id", "policy_id"))
_NODE_TYPE = ("databricks_node_type",)
_DRIVER = "driver_node_type_id"
_WORKSPACES = {
    "azure": (("azurerm_databricks_workspace", "location"),),
    "aws": (("databricks_mws_workspaces", "aws_region"),),
    "gcp": (("databricks_mws_workspaces", "location"),),
}
"""Where workspaces that stand in the same plan tell their region."""
_ZONED = ("databricks_cluster", "databricks_instance_pool")

_ZERO, _ONE, _HUNDRED = Decimal(0), Decimal(1), Decimal(100)
_MOST_TYPES = 100
_MOST_CLUSTERS = 1000
"""Blocks of one job or pipeline that are looked at; Databricks allows a hundred tasks or so."""

_AWS_TYPE = re.compile(r"[a-z][a-z0-9-]*\.(?:\d*xlarge|large|medium|small|metal(?:-\w+)?)\Z")
_GCP_TYPE = re.compile(r"[a-z]\d[a-z]?-[a-z0-9-]+\Z")
_HOSTS = (("azuredatabricks.net", "azure"), ("gcp.databricks.com", "gcp"), ("cloud.databricks.com", "aws"))
_SPOT = (
    "SPOT",
    "SPOT_WITH_FALLBACK",
    "SPOT_AZURE",
    "SPOT_WITH_FALLBACK_AZURE",
    "PREEMPTIBLE_GCP",
    "PREEMPTIBLE_WITH_FALLBACK_GCP",
)
_ATTRIBUTES = {"aws": "aws_attributes", "azure": "azure_attributes", "gcp": "gcp_attributes"}
_LOCAL_SSD = Decimal(375)

# Every node has a root volume of 30 GB and a container volume of 150 GB besides what the configuration asks for
# (https://docs.databricks.com/user-guide/clusters/aws-config.html). The workspace's settings say gp2 or gp3: the dearer is
# taken where no IOPS or throughput tells.
_AWS_ROOT: tuple[Disk, ...] = (Disk("boot", "gp2", Decimal(30)), Disk("data", "gp2", Decimal(150)))

_SERVING = {
    "GPU_SMALL": ("T4", 1),
    "GPU_MEDIUM": ("A10G", 1),
    "MULTIGPU_MEDIUM": ("A10G", 4),
    "GPU_MEDIUM_4": ("A10G", 4),
    "GPU_MEDIUM_8": ("A10G", 8),
    "GPU_LARGE": ("A100-80GB", 1),
    "GPU_LARGE_2": ("A100-80GB", 2),
    "GPU_XLARGE": ("H100-80GB", 1),
}
"""GPUs of one unit of each workload type
(https://docs.databricks.com/machine-learning/model-serving/create-manage-serving-endpoints.html#gpu-workload-types)."""
_CONCURRENCY = {"SMALL": (4, 4), "MEDIUM": (8, 16), "LARGE": (16, 64)}
_PER_UNIT = Decimal(4)
"""Requests at a time that workload sizes step by
(https://registry.terraform.io/providers/databricks/databricks/latest/docs/resources/model_serving)."""
_SERVERLESS = re.compile(r"GPU_(\d+)x([A-Z]+\d+)\Z")
_SERVERLESS_MODELS = {"A10": "A10", "H100": "H100-80GB"}


class _Cluster(msgspec.Struct, frozen=True):
    """What a cluster block asks for. `pools` are the instance pools its nodes come from: (pool, nodes at most)."""

    cloud: str
    nodes: tuple[PoolUsage, ...] = ()
    pools: tuple[tuple[Node, Decimal | None], ...] = ()
    via: tuple[str, ...] = ()


# -- which cloud, which region ------------------------------------------------------------------------------------------


def cloud_of_type(name: str) -> str | None:
    """The cloud whose machine type a node type is: they are called by the cloud's own names."""
    if name.lower().startswith("standard_"):
        return "azure"
    if _AWS_TYPE.match(name):
        return "aws"
    return "gcp" if _GCP_TYPE.match(name) else None


def _cloud(view: View, names: tuple[MachineOption, ...]) -> str:
    """By the node type, else by the block of the cloud, else by the workspace's address, else AWS."""
    for option in names:
        found = cloud_of_type(option.sku)
        if found:
            return found
    for cloud, block in _ATTRIBUTES.items():
        if view.block(block) is not None:
            return cloud
    return _cloud_of_workspace(view) or "aws"


def _cloud_of_workspace(view: View) -> str | None:
    resolver = view.context.resolver
    for host in resolver.provider_values(view.node, ("host",)):
        for end, cloud in _HOSTS:
            if isinstance(host, str) and end in host:
                return cloud
    if resolver.provider_values(view.node, ("azure_workspace_resource_id",)):
        return "azure"
    here = [cloud for cloud, places in _WORKSPACES.items() if any(True for _ in _values(view, places))]
    return here[0] if len(here) == 1 else None


def _region_in(view: View, cloud: str) -> str | None:
    """The zone that a cluster or pool names, else the only region that workspaces of the plan are in."""
    zone = view.string(f"{_ATTRIBUTES[cloud]}.0.zone_id") if cloud != "azure" else None
    region = view.context.region_of_zone(cloud, zone) if zone else None
    return region or _workspace_region(view, cloud)


def _workspace_region(view: View, cloud: str) -> str | None:
    """The region of the plan's workspaces, else that of the zones which its clusters and pools name, if it is only one.

    All clusters of a workspace are in its region. Looked for once in a document.
    """
    memo = view.context.machines
    key = ((_workspace_region, cloud), id(view.context.document), view.side)
    if key not in memo:
        found = {_plain(value) for value in _values(view, _WORKSPACES[cloud])} or {
            place
            for zone in _values(view, ((type_, f"{_ATTRIBUTES[cloud]}.0.zone_id") for type_ in _ZONED))
            if (place := view.context.region_of_zone(cloud, zone))
        }
        memo[key] = found.pop() if len(found) == 1 else None, []
    region: str | None = memo[key][0]
    return region


def _values(view: View, wanted: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Texts at an attribute of all resources and data sources of a type."""
    document = view.context.document
    for type_, attribute in wanted:
        path = parse_path(attribute)
        for node in [*document.current(type_), *document.data(type_)]:
            value = walk(node.values(view.side), path)
            if isinstance(value, str) and value:
                yield value


def _plain(location: str) -> str:
    return location.replace(" ", "").lower()


# -- node types ---------------------------------------------------------------------------------------------------------


def _node_type(view: View, attribute: str = "node_type_id") -> tuple[tuple[MachineOption, ...], Unknown | None]:
    """The node type at a path, with those it may fall back to; ((), None) where none is named or none has a GPU."""
    options, unknown = machine_options(view, attribute)
    if unknown is not None and _picked_without_gpu(view, attribute):
        return (), None
    block = "driver_node_type_flexibility" if attribute.startswith("driver") else "worker_node_type_flexibility"
    for path in (block, "node_type_flexibility"):
        others = view.texts(f"{path}.0.alternate_node_type_ids")
        if options and isinstance(others, list):
            options = (*options, *(MachineOption(name) for name in others[:_MOST_TYPES] if name != options[0].sku))
    return options, unknown


def _picked_without_gpu(view: View, attribute: str) -> bool:
    """Whether a data source that is yet to be read picks the type, and asks for none with GPUs.

    It returns the smallest type that fits (https://registry.terraform.io/providers/databricks/databricks/latest/docs/data-sources/node_type).
    """
    sources = view.follow((attribute,), _NODE_TYPE, ("id",)).views
    return bool(sources) and all(
        not source.known_number("min_gpus") and "gpu" not in (source.string("category") or "").lower()
        for source in sources
    )


def _of_policy(view: View) -> tuple[MachineOption, ...]:
    """The node type that a policy fixes or gives by default, where the cluster takes its defaults and names none."""
    policy = view.follow(_POLICY.paths, _POLICY.types, _POLICY.by).first
    if policy is None:
        return ()
    for rule in policy.embedded("definition", json.loads):
        name = rule.string("node_type_id.value") or rule.string("node_type_id.defaultValue")
        if name:
            return (MachineOption(name),)
    return ()


# -- clusters -----------------------------------------------------------------------------------------------------------


def _cluster(view: View, workload: str) -> _Cluster:
    """A cluster block: one driver and its workers, on demand or spot, on machines or from instance pools."""
    pools = _instance_pools(view, _POOL)
    driver_pools = _instance_pools(view, _DRIVER_POOL) or pools
    pool, driver_pool = (pools or (None,))[0], (driver_pools or (None,))[0]
    source, driver_source = pool or view, driver_pool or view
    options, unknown = _types_of(pools or (view,))
    if not options and unknown is None and pool is None:
        options = _of_policy(view)
    if not options and unknown is None and pool is None and view.get("instance_pool_id") is not None:
        unknown = Unknown("the plan does not tell its instance pool", "unknown-machine-type")
    driver_options, driver_unknown = _types_of(driver_pools) if driver_pools else _node_type(view, _DRIVER)
    if not driver_options and (driver_unknown is None or (not driver_pools and view.may_be_unset(_DRIVER))):
        driver_options, driver_unknown = options, unknown  # what is left open is set to the workers' type
    cloud = _cloud(source, (*options, *driver_options))
    low, high = _workers(view)
    bought = pool if pool is not None else view  # a pool says how its machines are bought
    base = Machine(
        options=options,
        unknown=unknown,
        disks=_disks(bought, cloud),
        machine_attribute=source.attribute("node_type_id"),
        purchase_attribute=bought.attribute(f"{_ATTRIBUTES[cloud]}.0.availability"),
        sensitive=source.is_sensitive("node_type_id"),
    )
    driver = replace(
        base,
        options=driver_options,
        unknown=driver_unknown,
        machine_attribute=driver_source.attribute(_DRIVER if driver_source is view else "node_type_id"),
    )
    nodes = [
        node
        for machine, units, model in _shares(bought, cloud, base, driver, low, high)
        if (node := _priced(bought, machine, units, model, cloud, workload)) is not None
    ]
    if len(pools) > 1 or len(driver_pools) > 1:
        names = ", ".join(each.address for each in pools[:3])
        view.note(
            "warning",
            "ambiguous-pool",
            f"the plan does not say which instance pool it uses; the dearest is taken: {names}",
        )
        nodes = [replace(node, pick="dearest") for node in nodes]
    certain = len(pools) < 2 and len(driver_pools) < 2
    drawn = _drawn(pool, driver_pool, high) if certain else ()
    via = tuple(dict.fromkeys(each.address for each in (pool, driver_pool) if each is not None))
    return _Cluster(cloud, tuple(nodes), drawn, via)


def _instance_pools(view: View, link: TemplateLink) -> tuple[View, ...]:
    """The pool that nodes come from, where the configuration names one: what it leaves open, Databricks fills in.

    Several where the plan hides which.
    """
    if all(view.get(path) is None for path in link.paths):
        return ()
    return view.follow(link.paths, link.types, link.by).views[:_MOST_TYPES]


def _types_of(sources: tuple[View, ...]) -> tuple[tuple[MachineOption, ...], Unknown | None]:
    """The node types of a cluster or of the pools it may use."""
    found = [_node_type(source) for source in sources]
    options = tuple(dict.fromkeys(option for some, _ in found for option in some))
    return options, None if options else next((unknown for _, unknown in found if unknown is not None), None)


def _drawn(
    pool: View | None, driver_pool: View | None, workers: Decimal | None
) -> tuple[tuple[Node, Decimal | None], ...]:
    found: list[tuple[Node, Decimal | None]] = []
    if driver_pool is not None:
        found.append((driver_pool.node, _ONE))
    if pool is not None:
        found.append((pool.node, workers))
    return tuple(found)


def _workers(view: View) -> tuple[Decimal | None, Decimal | None]:
    """Workers at least and at most; none on a cluster of a single node."""
    if view.flag("is_single_node"):
        return _ZERO, _ZERO
    scale = view.block("autoscale")
    if scale is None:
        size = units_of(view.number("num_workers"), _ZERO)
        return size, size
    low, high = units_of(scale.number("min_workers"), _ZERO), units_of(scale.number("max_workers"), None)
    return low, high


def _shares(
    view: View, cloud: str, worker: Machine, driver: Machine, low: Decimal | None, high: Decimal | None
) -> Iterator[tuple[Machine, Units, PurchaseModel]]:
    """Driver and workers by how they are bought: the first `first_on_demand` nodes on demand, the driver first of all."""
    attributes = view.block(_ATTRIBUTES[cloud])
    spot = attributes is not None and _availability(attributes) in _SPOT
    if cloud == "gcp" and attributes is not None and attributes.flag("use_preemptible_executors"):
        spot = True
    first = units_of(attributes.number("first_on_demand"), _ZERO) if attributes is not None else _ZERO
    regular = first if first is not None else _ZERO
    same = driver.options == worker.options and driver.unknown == worker.unknown
    if not spot:
        if same:
            yield worker, _sizes(low, high, _ONE), "on_demand"
            return
        yield driver, Units.fixed(1), "on_demand"
        yield worker, _sizes(low, high), "on_demand"
        return
    driver_model: PurchaseModel = "on_demand" if regular > 0 else "spot"
    beside = max(regular - 1, _ZERO)

    def on_demand(size: Decimal | None) -> Decimal | None:
        return None if size is None else min(size, beside)

    def rest(size: Decimal | None) -> Decimal | None:
        return None if size is None else max(size - beside, _ZERO)

    some, others = _sizes(on_demand(low), on_demand(high)), _sizes(rest(low), rest(high))
    if same and driver_model == "on_demand":
        some = _sizes(on_demand(low), on_demand(high), _ONE)
    elif same:
        others = _sizes(rest(low), rest(high), _ONE)
    else:
        yield driver, Units.fixed(1), driver_model
    yield worker, some, "on_demand"
    yield worker, others, "spot"


def _availability(attributes: View) -> str | None:
    return attributes.string("availability") or attributes.string("gcp_availability")


def _sizes(low: Decimal | None, high: Decimal | None, more: Decimal = _ZERO) -> Units:
    """A cluster starts with its fewest workers."""
    least = None if low is None else low + more
    return Units(least, least, None if high is None else high + more)


def _priced(
    view: View, machine: Machine, units: Units, model: PurchaseModel, cloud: str, workload: str
) -> PoolUsage | None:
    """The nodes as a pool with the DBUs they consume; None where there are none."""
    if (units.max is not None and units.max == 0) or (not machine.options and machine.unknown is None):
        return None
    if model == "spot":
        machine = _limited(view, machine, cloud)
    pool = machine.pool(units, purchase_model=model, pick="first")
    return replace(pool, charges=(_dbu(workload),)) if workload else pool


def _dbu(workload: str) -> Charge:
    """DBUs of one machine and hour, where the catalog has both their number and their price."""
    sku = f"databricks-premium-{workload}-{{machine}}"
    return Charge(
        "managed_service", sku, "Databricks units", purchase_model="on_demand", essential=False, optional=True
    )


def _limited(view: View, machine: Machine, cloud: str) -> Machine:
    """The most that a spot machine may cost: a percentage of the on-demand price on AWS, a price on Azure."""
    if cloud == "aws":
        percent = view.known_number("aws_attributes.0.spot_bid_price_percent")
        if percent is None or percent >= _HUNDRED:
            return machine
        region = _region_in(view, cloud) or view.context.default_regions.get(cloud)
        options = tuple(
            replace(each, spot_max_price=_share_of(view, cloud, each.sku, region, percent)) for each in machine.options
        )
        return replace(machine, options=options)
    if cloud == "azure" and view.get("azure_attributes.0.spot_bid_max_price") not in (-1, -1.0, "-1"):
        return replace(machine, spot_max_price=view.known_number("azure_attributes.0.spot_bid_max_price") or None)
    return machine


def _share_of(view: View, cloud: str, sku: str, region: str | None, percent: Decimal) -> Decimal | None:
    found = view.context.price(PriceKey(cloud, "machine", sku, region or ""))
    return found.amount * percent / _HUNDRED if isinstance(found, Price) else None


def _disks(view: View, cloud: str) -> tuple[Disk, ...]:
    """Volumes of every node: those Databricks adds on AWS, and those the configuration asks for."""
    attributes = view.block(_ATTRIBUTES[cloud])
    if cloud == "gcp":
        count = attributes.known_number("local_ssd_count") if attributes is not None else None
        return (Disk("local_ssd", "local-ssd", _LOCAL_SSD, count=int(count)),) if count else ()
    if cloud != "aws":
        return ()
    disks = _AWS_ROOT
    if attributes is not None:
        count, size = attributes.known_number("ebs_volume_count"), attributes.known_number("ebs_volume_size")
        iops, throughput = attributes.known_number("ebs_volume_iops"), attributes.known_number("ebs_volume_throughput")
        if count:
            kind = _volume(attributes.string("ebs_volume_type"), fast=iops is not None or throughput is not None)
            disks = (*disks, Disk("data", kind, size, int(count), iops, throughput))
    count, size = view.known_number("disk_spec.0.disk_count"), view.known_number("disk_spec.0.disk_size")
    if count:
        kind = _volume(view.string("disk_spec.0.disk_type.0.ebs_volume_type"))
        disks = (*disks, Disk("data", kind, size, int(count)))
    return disks


def _volume(kind: str | None, *, fast: bool = False) -> str:
    if kind == "THROUGHPUT_OPTIMIZED_HDD":
        return "st1"
    return "gp3" if fast else "gp2"


def _tell(view: View, found: _Cluster) -> None:
    """What a reader must know of any cluster with a GPU."""
    names = [option.sku for node in found.nodes for option in node.options]
    if not any(view.context.looks_accelerated(found.cloud, name) for name in names):
        return
    region = _region_in(view, found.cloud) or ""
    charges = [
        charge.sku.replace("{machine}", name) for node in found.nodes for charge in node.charges for name in names
    ]
    keys = [PriceKey(found.cloud, "managed_service", sku, region) for sku in charges]
    if not any(isinstance(view.context.price(key), Price) for key in keys):
        view.note(
            "info",
            "databricks-dbu",
            "Databricks units (DBU) come on top of the machines: they are not counted for this node type and region",
        )
    if found.via:
        return
    attributes = view.block(_ATTRIBUTES[found.cloud])
    if found.cloud == "aws" and (attributes is None or attributes.string("availability") is None):
        view.note(
            "info",
            "assumed-on-demand",
            "it does not say how its nodes are bought; on demand is assumed, Databricks may take spot where there is some",
        )


def cluster(view: View) -> Extracted:
    """`databricks_cluster`: started when it is created, and ended by itself when nothing used it for a while."""
    found = _cluster(view, "all-purpose")
    _tell(view, found)
    minutes = view.number("autotermination_minutes")
    nodes = found.nodes
    if minutes == 0:
        _note_if_gpu(
            view, found, "warning", "never-terminates", "it never ends by itself: autotermination_minutes is 0"
        )
    elif not isinstance(minutes, Unknown):
        nodes = tuple(replace(node, units=_may_end(node.units)) for node in nodes)
        text = f"it ends after {minutes or 60} minutes without use; as long as it is used it costs what is shown here"
        _note_if_gpu(view, found, "info", "auto-terminates", text)
    return Extracted(nodes, via=found.via, cloud=found.cloud)


def _may_end(units: Units) -> Units:
    """The same sizes with nothing as the least: what ends by itself may cost nothing."""
    return Units(_ZERO, units.expected, units.max)


def _note_if_gpu(view: View, found: _Cluster, level: str, code: str, text: str) -> None:
    names = [option.sku for node in found.nodes for option in node.options]
    if any(view.context.looks_accelerated(found.cloud, name) for name in names):
        view.note("warning" if level == "warning" else "info", code, text)


# -- instance pools -----------------------------------------------------------------------------------------------------


def instance_pool(view: View) -> Extracted:
    """`databricks_instance_pool`: machines that wait, billed by the cloud without DBUs; those in use are the clusters'.

    The idle minimum comes on top of what clusters use; the capacity bounds both together
    (https://docs.databricks.com/en/compute/pools.html).
    """
    options, unknown = _node_type(view)
    if not options and unknown is None:
        return Extracted(())
    cloud = _cloud(view, options)
    idle = units_of(view.number("min_idle_instances"), _ZERO)
    used = _used(view)
    capacity = view.number("max_capacity")
    most: Decimal | None
    if capacity is None:
        most = None if not used else idle
        if not used and any(view.context.looks_accelerated(cloud, option.sku) for option in options):
            view.note("warning", "unbounded-pool", "no max_capacity bounds how many machines clusters may take from it")
    else:
        limit = units_of(capacity, None)
        taken = None if None in used else sum((size for size in used if size is not None), _ZERO)
        most = idle if limit is None or taken is None else max(limit - taken, idle or _ZERO)
    attributes = view.block(_ATTRIBUTES[cloud])
    spot = attributes is not None and _availability(attributes) in _SPOT
    machine = Machine(
        options=options,
        unknown=unknown,
        purchase_model="spot" if spot else "on_demand",
        disks=_disks(view, cloud),
        machine_attribute=view.attribute("node_type_id"),
        purchase_attribute=view.attribute(f"{_ATTRIBUTES[cloud]}.0.availability"),
        sensitive=view.is_sensitive("node_type_id"),
    )
    if spot:
        machine = _limited(view, machine, cloud)
    pool = machine.pool(Units(idle, idle, most), pick="first")
    return Extracted((pool,), cloud=cloud)


def _used(view: View) -> list[Decimal | None]:
    """How many machines each cluster of the plan takes from this pool at most; read once for all pools."""
    memo = view.context.machines
    key = (_used, id(view.context.document), view.side)
    if key not in memo:
        takers: dict[int, list[Decimal | None]] = {}
        for node in view.context.document.current("databricks_cluster", "databricks_job", "databricks_pipeline"):
            if node.values(view.side) is None:
                continue
            taker = View(view.context, node, view.side, [])
            for found in _clusters_of(taker):
                for pool, size in found.pools:
                    takers.setdefault(id(pool), []).append(size)
        memo[key] = takers, []
    takers = memo[key][0]
    return takers.get(id(view.node), [])


def _clusters_of(view: View) -> Iterator[_Cluster]:
    if view.node.type == "databricks_cluster":
        yield _cluster(view, "")
        return
    blocks = (
        _job_clusters(view) if view.node.type == "databricks_job" else ((each, _ONE) for each in view.blocks("cluster"))
    )
    for block, times in blocks:
        found = _cluster(block, "")
        yield replace(found, pools=tuple((pool, None if size is None else size * times) for pool, size in found.pools))


# -- jobs and pipelines -------------------------------------------------------------------------------------------------


def _job_clusters(view: View) -> Iterator[tuple[View, Decimal]]:
    """The clusters that a run of a job makes, and how many of each at a time."""
    tasks = [task for task in view.blocks("task")[:_MOST_CLUSTERS] if not task.flag("disabled")]
    keys = {
        key
        for task in tasks
        for path in ("", "for_each_task.0.task.0.")
        if (key := task.string(f"{path}job_cluster_key"))
    }
    shared = view.blocks("job_cluster")[:_MOST_CLUSTERS]
    for block in shared:
        found = block.block("new_cluster")
        if found is not None and (not keys or block.string("job_cluster_key") in keys):
            yield found, _ONE
    for path in ("new_cluster", "for_each_task.0.task.0.new_cluster"):
        for task in tasks:
            found = task.block(path)
            if found is not None:
                at_a_time = task.known_number("for_each_task.0.concurrency") or Decimal(20)
                yield found, at_a_time if path.startswith("for_each") else _ONE
    own = view.block("new_cluster")
    if own is not None:
        yield own, _ONE


def job(view: View) -> Extracted:
    """`databricks_job`: clusters that live as long as a run. How long that is no plan tells: only the usage file."""
    runs = units_of(view.number("max_concurrent_runs"), _ONE)
    always = _is_continuous(view)
    nodes: list[PoolUsage] = []
    via: list[str] = []
    clouds: list[str] = []
    for block, times in _job_clusters(view):
        found = _cluster(block, "jobs")
        _tell(block, found)
        clouds.append(found.cloud)
        via.extend(found.via)
        nodes.extend(replace(node, units=_at_work(node.units, always, runs, times)) for node in found.nodes)
        if not always:
            text = (
                "its clusters live as long as a run, and no plan tells how long: average_nodes in the usage file does"
            )
            _note_if_gpu(view, found, "info", "job-compute", text)
    cloud = max(set(clouds), key=clouds.count) if clouds else _cloud_of_workspace(view) or "aws"
    nodes.extend(_serverless(view, always, runs))
    return Extracted(tuple(nodes), via=tuple(dict.fromkeys(via)), cloud=cloud)


def _is_continuous(view: View) -> bool:
    """Whether it runs all the time; a paused one does not run."""
    block = view.block("continuous")
    if block is not None:
        return block.string("pause_status") != "PAUSED"
    return view.flag("always_running")


def _at_work(units: Units, always: bool, runs: Decimal | None, times: Decimal) -> Units:
    """Sizes of a cluster that exists only while it works."""
    most = None if units.max is None or runs is None else units.max * times * (_ONE if always else runs)
    if always:
        return Units(units.min, units.expected, most)
    return Units(_ZERO, _ZERO, most)


def _serverless(view: View, always: bool, runs: Decimal | None) -> Iterator[PoolUsage]:
    """Tasks on serverless GPUs (``GPU_8xH100``), billed in DBUs alone."""
    for task in view.blocks("task")[:_MOST_CLUSTERS]:
        kind = task.string("compute.0.hardware_accelerator")
        found = _SERVERLESS.match(kind) if kind else None
        if kind is None or task.flag("disabled"):
            continue
        count, model = (Decimal(found[1]), found[2]) if found else (_ONE, kind)
        charge = Charge("managed_service", f"databricks-serverless-{kind}", "serverless GPUs, in Databricks units")
        yield PoolUsage(
            options=(MachineOption(kind),),
            units=_at_work(Units.fixed(1), always, runs, _ONE),
            accelerators=(AttachedAccelerator(_SERVERLESS_MODELS.get(model, model), count),),
            charges=(charge,),
            machine_billed=False,
            machine_attribute=task.attribute("compute.0.hardware_accelerator"),
            sensitive=task.is_sensitive("compute.0.hardware_accelerator"),
        )


def pipeline(view: View) -> Extracted:
    """`databricks_pipeline`: its clusters run all the time where it is continuous, else as long as an update."""
    nodes: list[PoolUsage] = []
    via: list[str] = []
    cloud: str | None = None
    for block in view.blocks("cluster")[:_MOST_CLUSTERS]:
        found = _cluster(block, "")
        always = view.flag("continuous") and block.string("label") != "maintenance"
        via.extend(found.via)
        cloud = cloud or found.cloud
        nodes.extend(replace(node, units=_at_work(node.units, always, _ONE, _ONE)) for node in found.nodes)
        _tell(block, found)
        if not always:
            text = "its clusters live as long as an update, and no plan tells how long: average_nodes in the usage file does"
            _note_if_gpu(view, found, "info", "job-compute", text)
    return Extracted(tuple(nodes), via=tuple(dict.fromkeys(via)), cloud=cloud or _cloud_of_workspace(view))


# -- model serving ------------------------------------------------------------------------------------------------------


def model_serving(view: View) -> Extracted:
    """`databricks_model_serving`: served entities on GPUs, or with a throughput that Databricks provisions for them."""
    pools = []
    for path in ("config.0.served_entities", "config.0.served_models"):
        for entity in view.blocks(path)[:_MOST_CLUSTERS]:
            found = _served(entity)
            if found is not None:
                pools.append(found)
    return Extracted(tuple(pools), cloud=_cloud_of_workspace(view))


def _served(entity: View) -> PoolUsage | None:
    kind = entity.text("workload_type")
    if isinstance(kind, Unknown) and entity.may_be_unset("workload_type"):
        kind = None  # left open: CPU
    if isinstance(kind, Unknown) or (kind is not None and "GPU" in kind):
        return _on_gpus(entity, kind)
    if kind is None and entity.number("max_provisioned_throughput") is not None:
        unknown = Unknown("Databricks does not tell which GPUs serve a provisioned throughput", "unknown-accelerator")
        return PoolUsage(options=(), units=Units.fixed(None), unknown=unknown)
    return None


def _on_gpus(entity: View, kind: str | Unknown) -> PoolUsage:
    if isinstance(kind, Unknown):
        unknown = Unknown("workload_type is known only after apply", "unknown-machine-type")
        return PoolUsage(options=(), units=Units.fixed(None), unknown=unknown)
    model, count = _SERVING.get(kind, (kind, 1))
    charge = Charge("managed_service", f"databricks-serving-{kind}", "model serving, in Databricks units")
    return PoolUsage(
        options=(MachineOption(kind),),
        units=_serving_units(entity),
        accelerators=(AttachedAccelerator(model, Decimal(count)),),
        charges=(charge,),
        machine_billed=False,
        machine_attribute=entity.attribute("workload_type"),
        sensitive=entity.is_sensitive("workload_type"),
    )


def _serving_units(entity: View) -> Units:
    """Units of four requests at a time; none at least where it scales to zero."""
    low, high = entity.number("min_provisioned_concurrency"), entity.number("max_provisioned_concurrency")
    if low is None and high is None:
        size = entity.text("workload_size")
        if isinstance(size, Unknown):
            return Units.fixed(None)
        bounds = _CONCURRENCY.get((size or "").upper(), (4, 4))
        low, high = Decimal(bounds[0]), Decimal(bounds[1])
    least, most = _blocks(low), _blocks(high)
    if entity.flag("scale_to_zero_enabled"):
        least = _ZERO
    return Units(least, least, most)


def _blocks(size: Decimal | Unknown | None) -> Decimal | None:
    return (size / _PER_UNIT).to_integral_value(ROUND_CEILING) if isinstance(size, Decimal) else None


def provisioned_serving(view: View) -> Extracted:
    """`databricks_model_serving_provisioned_throughput`: model units, behind which GPUs are that Databricks does not name."""
    unknown = Unknown("Databricks does not tell which GPUs serve provisioned model units", "unknown-accelerator")
    pools = tuple(
        PoolUsage(options=(), units=Units.fixed(None), unknown=unknown)
        for _ in view.blocks("config.0.served_entities")[:_MOST_CLUSTERS]
    )
    return Extracted(pools, cloud=_cloud_of_workspace(view))


# -- regions and specs --------------------------------------------------------------------------------------------------


def _region(view: View) -> str | None:
    """Of the cluster's or pool's own zone, or of its instance pool's, or of the only workspace."""
    pool = next(iter(_instance_pools(view, _POOL)), view)
    options, _ = machine_options(pool, "node_type_id")
    return _region_in(pool, _cloud(pool, options))


def _job_region(view: View) -> str | None:
    return next((region for block, _ in _job_clusters(view) if (region := _region(block))), None) or _place(view)


def _pipeline_region(view: View) -> str | None:
    return next((region for block in view.blocks("cluster") if (region := _region(block))), None) or _place(view)


def _place(view: View) -> str | None:
    return _workspace_region(view, _cloud_of_workspace(view) or "aws")


def _custom_tags(view: View) -> dict[str, str]:
    return string_tags(view, "custom_tags")


def _tags(view: View) -> dict[str, str]:
    return string_tags(view, "tags")


def _serving_tags(view: View) -> dict[str, str]:
    """Blocks of a key and a value."""
    pairs = ((tag.string("key"), tag.string("value")) for tag in view.blocks("tags") if not tag.is_sensitive("value"))
    return {key: value or "" for key, value in sorted((k, v or "") for k, v in pairs if k)}


_CLOUD = "The cloud is that of the node type, else of the attributes' block, else of the workspace's address."
_PLACE = "The region is that of the zone, else of the only workspace in the plan, else of the zones that its other clusters name."
_NODES = (
    "node_type_id",
    "driver_node_type_id",
    "instance_pool_id",
    "driver_instance_pool_id",
    "policy_id",
    "num_workers",
    "autoscale",
    "is_single_node",
    "aws_attributes",
    "azure_attributes",
    "gcp_attributes",
)
_PRICED = (
    "the machines of the cloud, driver and workers",
    "EBS volumes (AWS) and local SSDs (Google Cloud)",
    "Databricks units, where the catalog has their number and price",
)
_LEFT = ("volumes that Databricks attaches as disks fill up", "managed disks on Azure and boot disks on Google Cloud")
_ONE_DRIVER = "A cluster has one driver beside its workers, of their type unless it says otherwise."
_SPOT_RULE = "The first `first_on_demand` nodes are on demand, the driver first of all."


def _spec(
    type_: str,
    extract: Callable[[View], Extracted],
    region: Callable[[View], "str | Unknown | None"],
    tags: Callable[[View], dict[str, str]],
    reads: tuple[str, ...],
    *,
    prices: tuple[str, ...] = _PRICED,
    leaves_out: tuple[str, ...] = _LEFT,
    assumes: tuple[str, ...] = (_CLOUD, _PLACE),
) -> ResourceSpec:
    return ResourceSpec(
        type=type_,
        cloud="aws",
        extract=extract,
        region=region,
        tags=tags,
        reads=reads,
        prices=prices,
        leaves_out=leaves_out,
        assumes=assumes,
        source=f"databricks provider: {type_}",
    )


SPECS: tuple[ResourceSpec, ...] = (
    _spec(
        "databricks_cluster",
        cluster,
        _region,
        _custom_tags,
        (*_NODES, "autotermination_minutes"),
        assumes=(
            _CLOUD,
            _PLACE,
            _ONE_DRIVER,
            _SPOT_RULE,
            "It is used all month; one that ends by itself when it is not used has nothing as its least.",
        ),
    ),
    _spec(
        "databricks_instance_pool",
        instance_pool,
        _region,
        _custom_tags,
        (
            "node_type_id",
            "min_idle_instances",
            "max_capacity",
            "disk_spec",
            "aws_attributes",
            "azure_attributes",
            "gcp_attributes",
        ),
        prices=("the machines that wait, without Databricks units", "EBS volumes (AWS) and local SSDs (Google Cloud)"),
        assumes=(
            _CLOUD,
            _PLACE,
            "The idle minimum waits beside what clusters use; the capacity less what clusters of the plan may take is its maximum.",
        ),
    ),
    _spec(
        "databricks_job",
        job,
        _job_region,
        _tags,
        (
            "task.new_cluster",
            "job_cluster",
            "task.compute.hardware_accelerator",
            "continuous",
            "max_concurrent_runs",
            *_NODES,
        ),
        leaves_out=(*_LEFT, "how long a run takes: the usage file tells"),
        assumes=(
            _CLOUD,
            _PLACE,
            _ONE_DRIVER,
            "Clusters of a job exist while it runs: none is expected unless it is continuous, and as many as may run at once are the maximum.",
        ),
    ),
    _spec(
        "databricks_pipeline",
        pipeline,
        _pipeline_region,
        _tags,
        ("cluster", "continuous", *_NODES),
        prices=_PRICED[:2],
        leaves_out=(*_LEFT, "Databricks units", "serverless pipelines, which have no GPUs"),
        assumes=(
            _CLOUD,
            _PLACE,
            "Clusters exist while an update runs: none is expected unless the pipeline is continuous.",
        ),
    ),
    _spec(
        "databricks_model_serving",
        model_serving,
        _place,
        _serving_tags,
        (
            "config.served_entities.workload_type",
            "config.served_entities.workload_size",
            "config.served_entities.min_provisioned_concurrency",
            "config.served_entities.max_provisioned_concurrency",
            "config.served_entities.max_provisioned_throughput",
            "config.served_entities.scale_to_zero_enabled",
            "config.served_models",
        ),
        prices=("the workload type, where the catalog has its price",),
        leaves_out=("external models, which run elsewhere",),
        assumes=("One unit of a workload type serves four requests at a time, the step of the workload sizes.", _PLACE),
    ),
    _spec(
        "databricks_model_serving_provisioned_throughput",
        provisioned_serving,
        _place,
        _serving_tags,
        ("config.served_entities",),
        prices=("nothing: Databricks does not tell which GPUs serve model units",),
        leaves_out=("model units",),
    ),
)

COMPANIONS: tuple[Companion, ...] = (
    Companion(
        type="databricks_cluster_policy",
        of=("databricks_cluster", "databricks_job"),
        reads=("definition",),
        says="Which node type a cluster has that names none. What a policy allows starts nothing.",
        source="databricks provider: databricks_cluster_policy",
    ),
)
