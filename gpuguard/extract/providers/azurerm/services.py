"""Other Azure services that start GPUs."""

from collections.abc import Callable
from decimal import Decimal

from gpuguard.extract.common import single
from gpuguard.extract.providers.azurerm.common import image_system, region, tags
from gpuguard.extract.spec import Companion, Extracted, Machine, ResourceSpec, machine_options, units_of
from gpuguard.extract.view import View
from gpuguard.model.usage import Charge, Disk, MachineOption, PoolUsage, Units, Unknown

ZERO = Decimal(0)


def _machine(view: View, path: str) -> Machine | None:
    """The machine that an attribute names; None where it names none."""
    options, unknown = machine_options(view, path)
    if not options and unknown is None:
        return None
    return Machine(
        options=options, unknown=unknown, machine_attribute=view.attribute(path), sensitive=view.is_sensitive(path)
    )


# -- HDInsight -----------------------------------------------------------------------------------------------------------

HDINSIGHT = Charge(
    "managed_service", "hdinsight-{machine}", "HDInsight surcharge", purchase_model="on_demand", essential=False
)
"""HDInsight bills its nodes above the price of the machine (https://azure.microsoft.com/pricing/details/hdinsight/)."""
_HEAD_NODES, _ZOOKEEPER_NODES = 2, 3
_ROLES: tuple[tuple[str, int | None], ...] = (
    ("head_node", _HEAD_NODES),
    ("worker_node", None),
    ("zookeeper_node", _ZOOKEEPER_NODES),
    ("edge_node", None),
    ("kafka_management_node", None),
)
"""Nodes of a role whose number is no argument: two head nodes and three ZooKeeper nodes
(https://learn.microsoft.com/azure/hdinsight/hdinsight-capacity-planning)."""


def hdinsight(view: View) -> Extracted:
    """`azurerm_hdinsight_*_cluster`: every role has a size of its own."""
    pools: list[PoolUsage] = []
    for role, count in _ROLES:
        for block in view.blocks(f"roles.{role}"):
            machine = _machine(block, "vm_size")
            if machine is not None:
                units = _role_units(block) if count is None else Units.fixed(count)
                pools.append(machine.pool(units, charges=(HDINSIGHT,)))
    return Extracted(tuple(pools))


def _role_units(block: View) -> Units:
    """`target_instance_count`, within the capacity of an autoscale block; its schedule may ask for more or less."""
    count = units_of(block.number("target_instance_count"), Decimal(1))
    capacity = block.block("autoscale.capacity")
    if capacity is not None:
        return Units(
            units_of(capacity.number("min_instance_count"), ZERO), count, units_of(capacity.number("max_instance_count"), None)
        )  # fmt: skip
    sizes = [
        units_of(each.number("target_instance_count"), None) for each in block.blocks("autoscale.recurrence.schedule")
    ]
    known = [size for size in (*sizes, count) if size is not None]
    if not sizes or len(known) <= len(sizes):
        return Units.fixed(count) if not sizes else Units(None, count, None)
    block.note(
        "info", "unread-schedule", "its autoscale schedule changes the number of workers; the largest counts all month"
    )
    return Units(min(known), max(known), max(known))


# -- clusters whose workers are plain machines ----------------------------------------------------------------------------


def openshift(view: View) -> Extracted:
    """`azurerm_redhat_openshift_cluster`: workers with their disks; OpenShift is billed by the vCPU beside them."""
    block = view.block("worker_profile")
    machine = _machine(block, "vm_size") if block is not None else None
    if block is None or machine is None:
        return Extracted(())
    return Extracted(openshift_workers(machine, block.known_number("disk_size_gb"), block.number("node_count")))


def openshift_workers(machine: Machine, disk: Decimal | None, count: Decimal | Unknown | None) -> tuple[PoolUsage, ...]:
    """Worker nodes: Premium SSDs (https://learn.microsoft.com/azure/openshift/support-policies-v4), and the licence."""
    charge = Charge(
        "license", "aro-worker-{machine}", "OpenShift licence of a worker", component="license", essential=False
    )
    return (
        machine.pool(
            Units.fixed(units_of(count, Decimal(3))), disks=(Disk("boot", "Premium_LRS", disk),), charges=(charge,)
        ),
    )


def service_fabric(view: View) -> Extracted:
    """`azurerm_service_fabric_managed_cluster`: the machines of each node type; the cluster itself is free."""
    pools: list[PoolUsage] = []
    for block in view.blocks("node_type"):
        machine = _machine(block, "vm_size")
        if machine is None:
            continue
        pools.append(
            machine.pool(
                Units.fixed(units_of(block.number("vm_instance_count"), ZERO)),
                os=image_system(None, block.string("vm_image_publisher"), block.string("vm_image_offer")),
                disks=(
                    Disk(
                        "data",
                        block.string("data_disk_type") or "Standard_LRS",
                        block.known_number("data_disk_size_gb"),
                    ),
                ),
            )
        )
    return Extracted(tuple(pools))


def devops_pool(view: View) -> Extracted:
    """`azurerm_managed_devops_pool`: an agent for each job, up to the concurrency; standby agents wait for them."""
    block = view.block("virtual_machine_scale_set_fabric")
    machine = _machine(block, "sku_name") if block is not None else None
    if block is None or machine is None:
        return Extracted(())
    standby = [
        units_of(agent.number("manual_resource_prediction.all_week_schedule"), ZERO)
        for path in ("stateless_agent", "stateful_agent")
        for agent in view.blocks(path)
    ]
    known = [size for size in standby if size is not None]
    ready = max(known, default=ZERO) if len(known) == len(standby) else None
    storage = block.block("storage")
    disks = (
        (Disk("data", storage.string("storage_account_type") or "Standard_LRS", storage.known_number("disk_size_in_gb")),)
        if storage is not None
        else ()
    )  # fmt: skip
    units = Units(ready, ready, units_of(view.number("maximum_concurrency"), None))
    return Extracted((machine.pool(units, disks=disks),))


# -- Synapse -------------------------------------------------------------------------------------------------------------

_SPARK_NODES = {"large": ("GPU-Large", "Standard_NC16as_T4_v3"), "xlarge": ("GPU-XLarge", "Standard_NC64as_T4_v3")}
"""GPU-Large has 16 vCores, 110 GB and one GPU, GPU-XLarge four executors of one GPU each on 64 vCores
(https://learn.microsoft.com/azure/synapse-analytics/spark/apache-spark-rapids-gpu): the shapes of the T4 machines."""
SPARK_WORKSPACE = "azurerm_synapse_workspace"


def spark_pool(view: View) -> Extracted:
    """`azurerm_synapse_spark_pool` of the GPU family: nothing runs until a job does."""
    scale = view.block("auto_scale")
    most = scale.number("max_node_count") if scale is not None else view.number("node_count")
    return Extracted(spark_nodes(view, view.string("node_size_family"), view.string("node_size"), "node_size", most))


def spark_nodes(
    view: View, family: str | None, size: str | None, path: str, most: Decimal | Unknown | None
) -> tuple[PoolUsage, ...]:
    """The nodes of a GPU pool; none for the other families."""
    if (family or "").lower() != "hardwareacceleratedgpu":
        return ()
    view.note(
        "warning",
        "retired-service",
        "GPU pools of Synapse were a preview that ended on 8 July 2024; nothing prices them",
    )
    known = _SPARK_NODES.get((size or "").lower())
    units = Units(ZERO, ZERO, units_of(most, None))
    if known is None:
        unknown = Unknown(f"a node of size {size} is none of the known GPU nodes", "unknown-machine-type")
        return (Machine(unknown=unknown).pool(units),)
    name, machine = known
    charge = Charge("managed_service", f"synapse-spark-{name.lower()}", f"{name} Spark node", component="compute")
    return (
        Machine(options=(MachineOption(name, machine=machine),), machine_attribute=view.attribute(path)).pool(
            units, charges=(charge,), machine_billed=False
        ),
    )


def spark_region(view: View) -> str | Unknown | None:
    """Location of the Synapse workspace."""
    workspace = view.follow(("synapse_workspace_id",), (SPARK_WORKSPACE, "azapi_resource"), ("id",)).first
    return region(workspace) if workspace is not None else None


# -- labs ----------------------------------------------------------------------------------------------------------------

LAB_SCHEDULE = "azurerm_dev_test_schedule"


def _stopped_labs(view: View) -> frozenset[str | None]:
    """The labs of the document that shut their machines down, read once."""
    key = (_stopped_labs, 0, view.side)
    known = view.context.machines.get(key)
    if known is None:
        schedules = (
            View(view.context, node, view.side, [])
            for node in view.context.document.current(LAB_SCHEDULE)
            if node.values(view.side) is not None
        )
        names = frozenset(
            each.string("lab_name")
            for each in schedules
            if each.string("task_type") == "LabVmsShutdownTask" and each.string("status") == "Enabled"
        )
        known = view.context.machines[key] = (names - {None}, [])
    found: frozenset[str | None] = known[0]
    return found


def lab_machine(view: View) -> Machine:
    """`azurerm_dev_test_linux_virtual_machine` and its Windows twin: a disk of the image's size."""
    options, unknown = machine_options(view, "size")
    if view.string("lab_name") in _stopped_labs(view):
        view.note(
            "info",
            "shutdown-without-start",
            "its lab shuts it down on a schedule; when it is started again depends on its owner, so a full month is counted",
        )
    disk = {"premium": "Premium_LRS", "standardssd": "StandardSSD_LRS"}
    return Machine(
        options=options,
        unknown=unknown,
        os="windows" if "windows" in view.node.type else "linux",
        disks=(Disk("boot", disk.get((view.string("storage_type") or "").lower(), "Standard_LRS"), None),),
        machine_attribute=view.attribute("size"),
        sensitive=view.is_sensitive("size"),
    )


def lab(view: View) -> Extracted:
    """`azurerm_lab_service_lab`: a machine for each student, which the lab bills by lab units."""
    block = view.block("virtual_machine.sku")
    if block is None:
        return Extracted(())
    name = block.text("name")
    most = units_of(block.number("capacity"), None)
    units = Units(ZERO, ZERO, most)
    gpu = isinstance(name, str) and ("gpu" in name.lower() or name.lower().startswith(("classic_n", "standard_n")))
    if not gpu and not view.flag("virtual_machine.additional_capability_gpu_drivers_installed"):
        return Extracted(())
    machine = _machine(block, "name")
    if machine is None or (isinstance(name, str) and not view.context.looks_accelerated("azure", name)):
        unknown = Unknown("the size of the lab names no machine type", "unknown-machine-type")
        machine = Machine(unknown=unknown, machine_attribute=block.attribute("name"))
    charge = Charge("managed_service", "lab-services-{machine}", "lab units", component="compute")
    return Extracted((machine.pool(units, charges=(charge,), machine_billed=False),))


def _spec(
    type_: str,
    extract: Callable[[View], Extracted],
    reads: tuple[str, ...],
    prices: tuple[str, ...],
    leaves_out: tuple[str, ...] = (),
    assumes: tuple[str, ...] = (),
    where: Callable[[View], "str | Unknown | None"] = region,
    probe: tuple[str, ...] = (),
) -> ResourceSpec:
    return ResourceSpec(
        type=type_,
        cloud="azure",
        extract=extract,
        region=where,
        tags=tags,
        probe=probe,
        reads=reads,
        prices=prices,
        leaves_out=leaves_out,
        assumes=assumes,
        source=f"azurerm provider: {type_}",
    )


SPECS: tuple[ResourceSpec, ...] = (
    *(
        _spec(
            f"azurerm_hdinsight_{kind}_cluster",
            hdinsight,
            ("roles", "location"),
            ("the nodes of every role",),
            leaves_out=("The surcharge of HDInsight, for which there is no price; storage and disks of Kafka.",),
            assumes=("Two head nodes and three ZooKeeper nodes; workers as many as target_instance_count.",),
        )
        for kind in ("hadoop", "hbase", "interactive_query", "kafka", "spark")
    ),
    _spec(
        "azurerm_redhat_openshift_cluster",
        openshift,
        ("worker_profile", "location"),
        ("the workers", "their disks"),
        leaves_out=("The OpenShift licence, for which there is no price; control plane nodes, which have no GPU.",),
    ),
    _spec(
        "azurerm_service_fabric_managed_cluster",
        service_fabric,
        ("node_type", "location"),
        ("the nodes", "their data disk", "the operating system"),
        leaves_out=("OS disks, whose size the image decides.",),
    ),
    _spec(
        "azurerm_managed_devops_pool",
        devops_pool,
        ("virtual_machine_scale_set_fabric", "maximum_concurrency", "stateless_agent", "stateful_agent", "location"),
        ("the agents' machines", "their data disk"),
        leaves_out=("Parallel jobs of Azure DevOps; OS disks; standby agents that a schedule by the day asks for.",),
        assumes=("Without standby agents all week nothing runs until a pipeline does.",),
    ),
    _spec(
        "azurerm_synapse_spark_pool",
        spark_pool,
        ("node_size_family", "node_size", "node_count", "auto_scale", "synapse_workspace_id"),
        ("nothing: GPU pools were a preview that ended on 8 July 2024",),
        assumes=(
            "Nodes run only while a job does: only the maximum counts them.",
            "GPU nodes have T4s, by their shape.",
        ),
        where=spark_region,
    ),
    *(
        _spec(
            f"azurerm_dev_test_{kind}_virtual_machine",
            single(lab_machine),
            ("size", "storage_type", "lab_name", "location"),
            ("the machine", "Windows"),
            leaves_out=("Its disk, whose size the image decides.",),
            assumes=("It runs all month: when a lab's machine is started again depends on its owner.",),
            probe=("size",),
        )
        for kind in ("linux", "windows")
    ),
    _spec(
        "azurerm_lab_service_lab",
        lab,
        ("virtual_machine", "location"),
        ("nothing: there is no price of lab units",),
        assumes=("Machines of a lab run only while students use them: only the maximum counts them.",),
    ),
)

COMPANIONS: tuple[Companion, ...] = (
    Companion(
        type=LAB_SCHEDULE,
        of=("azurerm_dev_test_linux_virtual_machine", "azurerm_dev_test_windows_virtual_machine"),
        reads=("lab_name", "task_type", "status"),
        says="that a lab shuts its machines down; by itself it lowers no figure, since starting them is up to their owners",
        source="azurerm provider: azurerm_dev_test_schedule",
    ),
    Companion(
        type=SPARK_WORKSPACE,
        of=("azurerm_synapse_spark_pool",),
        reads=("location",),
        says="the region of a Spark pool",
        source="azurerm provider: azurerm_synapse_workspace",
    ),
)
