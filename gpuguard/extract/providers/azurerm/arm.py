"""ARM resources by their own paths, as azapi carries them in `body`; what they have in common with azurerm is read there.

Paths are those of the ARM template reference (https://learn.microsoft.com/azure/templates).
"""

import re
from collections.abc import Callable, Iterator
from decimal import Decimal

import msgspec

from gpuguard.extract.providers.azurerm import batch, containers, ml, services
from gpuguard.extract.providers.azurerm.aks import PAID_TIERS, os_disks
from gpuguard.extract.providers.azurerm.aks_sizes import agent_pool_units, scaled_nodes
from gpuguard.extract.providers.azurerm.common import image_system, is_windows_image, size_options, windows_system
from gpuguard.extract.providers.azurerm.compute import mixed, sized
from gpuguard.extract.providers.azurerm.placement import hosted, reserved
from gpuguard.extract.providers.azurerm.reservations import host, reservation
from gpuguard.extract.providers.azurerm.schedules import one_clock, running_hours, sizes_of
from gpuguard.extract.schedules import Event, hours_of, unix_cron
from gpuguard.extract.spec import Extracted, Machine, units_of
from gpuguard.extract.view import View
from gpuguard.model.usage import (
    HOURS_PER_MONTH,
    Charge,
    Disk,
    FixedUsage,
    MachineOption,
    OperatingSystem,
    Pick,
    PoolUsage,
    Units,
    Unknown,
)

Reader = Callable[[View, View], Extracted]
"""Reads a resource and the body of it."""
_GROUP_ID = "capacityReservation.capacityReservationGroup.id"
_ONE = Decimal(1)


class Kind(msgspec.Struct, frozen=True):
    """How a type is read.

    `machine` True: it is made of machines, so that one whose body is not known may have GPUs; `one` True: of exactly one.
    """

    read: Reader
    machine: bool = False
    one: bool = False


def _machine(body: View, path: str, **changes: object) -> Machine | None:
    """The machine of a size; None where the body names none."""
    options, unknown = size_options(body, path)
    if not options and unknown is None:
        return None
    found = Machine(
        options=options,
        unknown=unknown,
        machine_attribute=body.attribute(path),
        sensitive=body.is_sensitive(path),
    )
    return msgspec.structs.replace(found, **changes) if changes else found


# -- Microsoft.Compute ----------------------------------------------------------------------------------------------------


def virtual_machine(view: View, body: View) -> Extracted:
    """Microsoft.Compute/virtualMachines."""
    properties = body.block("properties")
    machine = _machine(body, "properties.hardwareProfile.vmSize")
    if properties is None or machine is None:
        return Extracted(())
    hours = running_hours(view)
    pool = _profiled(properties, machine).pool(Units.fixed(1), hours_per_month=hours, max_hours_per_month=hours)
    pool = hosted(view, pool, "body.properties.host.id", "body.properties.hostGroup.id")
    covered = pool.covered_by is not None
    return Extracted((pool,) if covered else reserved(view, pool, f"body.properties.{_GROUP_ID}"))


def scale_set(view: View, body: View) -> Extracted:
    """Microsoft.Compute/virtualMachineScaleSets; one without a size only groups machines."""
    profile = body.block("properties.virtualMachineProfile")
    machine = _machine(body, "sku.name")
    pick: Pick = "first"
    mix = [block.string("name") for block in body.blocks("properties.skuProfile.vmSizes")]
    if mix and (machine is None or (machine.options and machine.options[0].sku.lower() == "mix")):
        named = tuple(MachineOption(name) for name in mix if name)
        machine = Machine(options=named, machine_attribute=body.attribute("properties.skuProfile.vmSizes.0.name"))
        strategy = (body.string("properties.skuProfile.allocationStrategy") or "").lower()
        pick = "cheapest" if strategy == "lowestprice" else "first" if strategy == "prioritized" else "dearest"
    if machine is None or not (machine.options or machine.unknown):
        return Extracted(())
    if profile is not None:
        machine = _profiled(profile, machine)
    pool = sized(machine, sizes_of(view, body.number("sku.capacity"), Decimal(0)), pick=pick)
    policy = body.block("properties.priorityMixPolicy")
    if policy is not None and pool.purchase_model == "spot":
        base = policy.known_number("baseRegularPriorityCount") or Decimal(0)
        return Extracted(mixed(pool, base, policy.known_number("regularPriorityPercentageAboveBase") or Decimal(0)))
    pool = hosted(view, pool, "", "body.properties.hostGroup.id")
    covered = pool.covered_by is not None
    path = f"body.properties.virtualMachineProfile.{_GROUP_ID}"
    return Extracted((pool,) if covered else reserved(view, pool, path))


def _profiled(profile: View, machine: Machine) -> Machine:
    """A machine as the properties of a virtual machine, or the profile of a scale set, describe it."""
    price = profile.known("billingProfile.maxPrice")
    return msgspec.structs.replace(
        machine,
        purchase_model="spot" if (profile.string("priority") or "").lower() in ("spot", "low") else "on_demand",
        os=_system(profile),
        disks=_disks(profile),
        spot_max_price=profile.known_number("billingProfile.maxPrice") if _is_positive(price) else None,
        purchase_attribute=profile.attribute("priority"),
    )


def _is_positive(value: object) -> bool:
    return isinstance(value, int | float) and value > 0


def _system(profile: View) -> OperatingSystem:
    publisher, offer = (profile.string(f"storageProfile.imageReference.{name}") for name in ("publisher", "offer"))
    licence = profile.string("licenseType")
    windows = (
        bool(profile.blocks("osProfile.windowsConfiguration"))
        or (profile.string("storageProfile.osDisk.osType") or "").lower() == "windows"
        or is_windows_image(publisher, offer)
    )
    return windows_system(licence) if windows else image_system(licence, publisher, offer)


def _disks(profile: View) -> tuple[Disk, ...]:
    boot = [
        Disk("boot", block.string("managedDisk.storageAccountType") or "Premium_LRS", block.known_number("diskSizeGB"))
        for block in profile.blocks("storageProfile.osDisk")[:1]
        if block.string("diffDiskSettings.option") != "Local" and not block.string("vhd.uri")
    ]
    data = [
        Disk(
            "data",
            block.string("managedDisk.storageAccountType") or "Premium_LRS",
            block.known_number("diskSizeGB"),
            iops=block.known_number("diskIOPSReadWrite"),
            throughput_mibps=block.known_number("diskMBpsReadWrite"),
        )
        for block in profile.blocks("storageProfile.dataDisks")
        if not block.string("vhd.uri")
    ]
    return (*boot, *data)


def capacity_reservation(view: View, body: View) -> Extracted:
    """Microsoft.Compute/capacityReservationGroups/capacityReservations."""
    machine = _machine(body, "sku.name")
    return Extracted(reservation(machine, units_of(body.number("sku.capacity"), _ONE)) if machine is not None else ())


def dedicated_host(view: View, body: View) -> Extracted:
    """Microsoft.Compute/hostGroups/hosts."""
    return Extracted(host(body, body.text("sku.name"), "sku.name"))


# -- Microsoft.ContainerService -------------------------------------------------------------------------------------------


def managed_cluster(view: View, body: View) -> Extracted:
    """Microsoft.ContainerService/managedClusters: the pools in it, and the fee of its tier."""
    automatic = (body.string("sku.name") or "").lower() == "automatic"
    windows = windows_system(body.string("properties.windowsProfile.licenseType"))
    pools = tuple(
        pool
        for index, block in enumerate(body.blocks("properties.agentPoolProfiles"))
        for pool in _agent_pool(view, block, f"body.properties.agentPoolProfiles.{index}", windows, automatic)
    )
    tier = "aks-automatic" if automatic else PAID_TIERS.get((body.string("sku.tier") or "Free").lower())
    fixed = (FixedUsage("control_plane", tier, f"AKS {tier.removeprefix('aks-')} tier"),) if tier else ()
    return Extracted(pools, fixed=fixed)


def agent_pool(view: View, body: View) -> Extracted:
    """Microsoft.ContainerService/managedClusters/agentPools."""
    block = body.block("properties")
    if block is None:
        return Extracted(())
    cluster = view.follow(("parent_id",), ("azapi_resource",), ("id",)).first
    automatic = cluster is not None and (cluster.string("body.sku.name") or "").lower() == "automatic"
    licence = cluster.string("body.properties.windowsProfile.licenseType") if cluster is not None else None
    return Extracted(_agent_pool(view, block, "body.properties", windows_system(licence), automatic))


def _agent_pool(
    view: View, block: View, place: str, windows: OperatingSystem, automatic: bool
) -> tuple[PoolUsage, ...]:
    pools: list[PoolUsage] = []
    for at, path, units in (*_scale_profiles(block), (block, "vmSize", agent_pool_units(block))):
        machine = _machine(
            at,
            path,
            purchase_model="spot" if (block.string("scaleSetPriority") or "").lower() == "spot" else "on_demand",
            os=windows if (block.string("osType") or "").lower() == "windows" else "linux",
            disks=os_disks(block.string("osDiskType"), block.number("osDiskSizeGB")),
            spot_max_price=block.known_number("spotMaxPrice") if _is_positive(block.known("spotMaxPrice")) else None,
        )
        if machine is None:
            continue
        pool = machine.pool(units, charges=_automatic_charges(machine, automatic))
        pool = hosted(view, pool, "", f"{place}.hostGroupID")
        covered = pool.covered_by is not None
        pools += (pool,) if covered else reserved(view, pool, f"{place}.capacityReservationGroupID")
    return tuple(pools)


def _scale_profiles(block: View) -> Iterator[tuple[View, str, Units]]:
    """The sizes of a pool of type VirtualMachines, which has no `vmSize`, and how many nodes each of them has.

    https://learn.microsoft.com/azure/aks/virtual-machines-node-pools; preview versions list the one size in `sizes`.
    """
    for kind in ("manual", "autoscale"):
        for each in block.blocks(f"virtualMachinesProfile.scale.{kind}"):
            path = "size" if each.get("size") is not None else "sizes.0"
            if kind == "manual":
                yield each, path, Units.fixed(units_of(each.number("count"), _ONE))
            else:
                yield each, path, scaled_nodes(None, each.number("minCount"), each.number("maxCount"))


_VCPUS = re.compile(r"[a-z]+_[a-z]+(\d{1,3})", re.IGNORECASE)
"""The number in the name of a size is that of its vCPUs
(https://learn.microsoft.com/azure/virtual-machines/vm-naming-conventions)."""


def _automatic_charges(machine: Machine, automatic: bool) -> tuple[Charge, ...]:
    """AKS Automatic bills every vCPU of its nodes beside the machine
    (https://azure.microsoft.com/pricing/details/kubernetes-service/)."""
    found = [_VCPUS.match(option.sku) for option in machine.options]
    vcpus = max((Decimal(each[1]) for each in found if each is not None), default=None)
    if not automatic or vcpus is None:
        return ()
    title = "AKS Automatic, by the vCPU"
    return (
        Charge(
            "managed_service",
            "aks-automatic-gpu-vcpu",
            title,
            vcpus,
            "vCPU-hour",
            purchase_model="on_demand",
            essential=False,
        ),
    )


# -- Microsoft.MachineLearningServices --------------------------------------------------------------------------------------


def ml_compute(view: View, body: View) -> Extracted:
    """Microsoft.MachineLearningServices/workspaces/computes: clusters and instances; what else is attached is priced elsewhere."""
    properties = body.block("properties.properties")
    kind = (body.string("properties.computeType") or "").lower()
    if properties is None or kind not in ("amlcompute", "computeinstance"):
        return Extracted(())
    priority = (properties.string("vmPriority") or "").lower()
    machine = _machine(
        properties,
        "vmSize",
        os="windows" if (properties.string("osType") or "").lower() == "windows" else "linux",
        purchase_model="spot" if priority == "lowpriority" else "on_demand",
    )
    if machine is None:
        return Extracted(())
    if kind == "amlcompute":
        low = units_of(properties.number("scaleSettings.minNodeCount"), Decimal(0))
        return Extracted(
            (machine.pool(Units(low, low, units_of(properties.number("scaleSettings.maxNodeCount"), None))),)
        )
    hours = _instance_hours(view, properties)
    pool = machine.pool(
        Units.fixed(1), hours_per_month=hours, max_hours_per_month=hours, disks=(ml.INSTANCE_DISK,), purchase_model="on_demand"
    )  # fmt: skip
    return Extracted((pool,))


def _instance_hours(view: View, properties: View) -> Decimal:
    """Hours that the schedules of a compute instance leave it, where they both start and stop it."""
    events = [
        (_instance_event(each), (each.string("action") or "").lower() == "start")
        for each in properties.blocks("schedules.computeStartStop")
        if (each.string("status") or "Enabled").lower() == "enabled"
    ]
    if properties.string("idleTimeBeforeShutdown"):
        view.note(
            "info",
            "idle-shutdown",
            "it is shut down when it has been idle for a time: how long it runs depends on its use, and it counts all the"
            " time that its schedules leave it",
        )
    known = [(event, up) for event, up in events if event is not None]
    if not events:
        return HOURS_PER_MONTH
    complete = len(known) == len(events) and {up for _, up in known} == {True, False}
    hours = hours_of(known) if complete and one_clock([event for event, _ in known]) else None
    if hours is None:
        view.note("info", "unread-schedule", "its schedules do not say how long it runs: a full month is counted")
        return HOURS_PER_MONTH
    return hours.get(True, Decimal(0))


def _instance_event(schedule: View) -> Event | None:
    cron = schedule.string("cron.expression")
    if cron is not None:
        expression = unix_cron(cron)
        return None if expression is None else Event(expression, schedule.string("cron.timeZone") or "UTC")
    recurrence = schedule.block("recurrence")
    times = recurrence.block("schedule") if recurrence is not None else None
    if recurrence is None or times is None or recurrence.number("interval") not in (None, _ONE):
        return None
    frequency = (recurrence.string("frequency") or "").lower()
    days = times.texts("weekDays") if frequency == "week" else []
    return recurring_days(times, days, recurrence.string("timeZone") or "UTC") if frequency in ("day", "week") else None


def recurring_days(times: View, days: "list[str] | Unknown", zone: str) -> Event | None:
    """A time of the day on some days of the week, or on all of them."""
    hours, minutes = (_plain_list(times.known(name)) for name in ("hours", "minutes"))
    if isinstance(days, Unknown) or not hours or not minutes:
        return None
    names = ",".join(day[:3].upper() for day in days[:7]) or "*"
    return Event(f"{minutes} {hours} * * {names}", zone)


def _plain_list(value: object) -> str:
    values = value if isinstance(value, list) else [value]
    numbers = [each for each in values[:60] if isinstance(each, int) and not isinstance(each, bool) and 0 <= each < 60]
    return ",".join(map(str, numbers)) if len(numbers) == len(values) else ""


def online_deployment(view: View, body: View) -> Extracted:
    """Microsoft.MachineLearningServices/workspaces/onlineEndpoints/deployments: managed machines for as long as it exists.

    https://learn.microsoft.com/azure/machine-learning/how-to-view-online-endpoints-costs: the machines are billed, also those
    of a deployment that failed. On Kubernetes the deployment runs in a cluster that is priced itself.
    """
    if (body.string("properties.endpointComputeType") or "Managed").lower() != "managed":
        return Extracted(())
    machine = _machine(body, "properties.instanceType")
    if machine is None:
        return Extracted(())
    count = body.number("sku.capacity")
    scale = body.block("properties.scaleSettings")
    if scale is not None and (scale.string("scaleType") or "").lower() == "targetutilization":
        low, high = scale.number("minInstances"), scale.number("maxInstances")
        return Extracted((machine.pool(scaled_nodes(count, units_of(low, _ONE) if low is None else low, high)),))
    return Extracted((sized(machine, sizes_of(view, count, _ONE)),))


# -- other services ---------------------------------------------------------------------------------------------------------


def batch_pool(view: View, body: View) -> Extracted:
    """Microsoft.Batch/batchAccounts/pools."""
    machine = _machine(body, "properties.vmSize")
    if machine is None:
        return Extracted(())
    configuration = body.block("properties.deploymentConfiguration.virtualMachineConfiguration")
    if configuration is not None:
        machine = msgspec.structs.replace(machine, os=_batch_system(configuration), disks=_batch_disks(configuration))
    formula = body.block("properties.scaleSettings.autoScale")
    if formula is not None:
        dedicated, spare = batch.scaled_by(view, formula.text("formula"))
    else:
        fixed = body.block("properties.scaleSettings.fixedScale")
        dedicated, spare = (
            Units.fixed(units_of(fixed.number(path) if fixed is not None else None, Decimal(0)))
            for path in ("targetDedicatedNodes", "targetLowPriorityNodes")
        )
    return Extracted(batch.pools(machine, dedicated, spare))


def _batch_system(configuration: View) -> OperatingSystem:
    image = (configuration.string(f"imageReference.{name}") for name in ("publisher", "offer"))
    return batch.system(configuration.string("nodeAgentSkuId"), configuration.string("licenseType"), *image)


def _batch_disks(configuration: View) -> tuple[Disk, ...]:
    local = configuration.block("osDisk.ephemeralOSDiskSettings") is not None
    boot = Disk(
        "boot",
        configuration.string("osDisk.managedDisk.storageAccountType") or "Premium_LRS",
        configuration.known_number("osDisk.diskSizeGB"),
    )
    data = (
        Disk("data", block.string("storageAccountType") or "Standard_LRS", block.known_number("diskSizeGB"))
        for block in configuration.blocks("dataDisks")
    )
    return (*(() if local else (boot,)), *data)


def container_group(view: View, body: View) -> Extracted:
    """Microsoft.ContainerInstance/containerGroups."""
    gpus = [
        (block.text("sku"), block.number("count"))
        for container in body.blocks("properties.containers")
        for block in container.blocks("properties.resources.requests.gpu")[:1]
    ]
    return Extracted(containers.instances(view, gpus, (body.string("properties.priority") or "").lower() == "spot"))


def environment(view: View, body: View) -> Extracted:
    """Microsoft.App/managedEnvironments."""
    profiles = body.blocks("properties.workloadProfiles")
    return Extracted(containers.profile_nodes(profiles, "workloadProfileType", "minimumCount", "maximumCount"))


def container_app(view: View, body: View) -> Extracted:
    """Microsoft.App/containerApps."""
    low = units_of(body.number("properties.template.scale.minReplicas"), Decimal(0))
    high = units_of(body.number("properties.template.scale.maxReplicas"), Decimal(10))
    resources = [block for each in body.blocks("properties.template.containers") for block in each.blocks("resources")]
    path = "properties.workloadProfileName"
    return Extracted(containers.serverless(body, _app_profile(view, body), path, resources, Units(low, low, high)))


def container_app_job(view: View, body: View) -> Extracted:
    """Microsoft.App/jobs."""
    resources = [block for each in body.blocks("properties.template.containers") for block in each.blocks("resources")]
    settings = body.block("properties.configuration")
    event = settings.block("eventTriggerConfig") if settings is not None else None
    if settings is None:
        runs = containers.timed_runs(_ONE, None, None)
    elif event is not None:
        runs = containers.event_runs(
            units_of(event.number("parallelism"), _ONE),
            units_of(event.number("scale.minExecutions"), Decimal(0)),
            units_of(event.number("scale.maxExecutions"), Decimal(100)),
        )
    else:
        trigger = settings.block("scheduleTriggerConfig") or settings.block("manualTriggerConfig") or settings
        runs = containers.timed_runs(
            units_of(trigger.number("parallelism"), _ONE),
            trigger.string("cronExpression"),
            settings.known_number("replicaTimeout"),
        )
    path = "properties.workloadProfileName"
    return Extracted(containers.job(body, _app_profile(view, body), path, resources, runs))


def _app_profile(view: View, body: View) -> "containers.GpuProfile | Unknown | None":
    name = body.text("properties.workloadProfileName")
    own = "managedEnvironmentId" if body.get("properties.managedEnvironmentId") is not None else "environmentId"
    return containers.app_profile(view, name, f"body.properties.{own}")


def spark_pool(view: View, body: View) -> Extracted:
    """Microsoft.Synapse/workspaces/bigDataPools."""
    scaled = body.flag("properties.autoScale.enabled")
    most = body.number("properties.autoScale.maxNodeCount" if scaled else "properties.nodeCount")
    family, size = body.string("properties.nodeSizeFamily"), body.string("properties.nodeSize")
    return Extracted(services.spark_nodes(body, family, size, "properties.nodeSize", most))


def hdinsight(view: View, body: View) -> Extracted:
    """Microsoft.HDInsight/clusters."""
    pools: list[PoolUsage] = []
    for block in body.blocks("properties.computeProfile.roles"):
        machine = _machine(block, "hardwareProfile.vmSize")
        if machine is None:
            continue
        count = units_of(block.number("targetInstanceCount"), _ONE)
        capacity = block.block("autoscale.capacity")
        units = (
            Units.fixed(count)
            if capacity is None
            else Units(
                units_of(capacity.number("minInstanceCount"), Decimal(0)),
                count,
                units_of(capacity.number("maxInstanceCount"), None),
            )
        )
        pools.append(machine.pool(units, charges=(services.HDINSIGHT,)))
    return Extracted(tuple(pools))


def openshift(view: View, body: View) -> Extracted:
    """Microsoft.RedHatOpenShift/openShiftClusters."""
    pools: list[PoolUsage] = []
    for block in body.blocks("properties.workerProfiles"):
        machine = _machine(block, "vmSize")
        if machine is not None:
            pools += services.openshift_workers(machine, block.known_number("diskSizeGB"), block.number("count"))
    return Extracted(tuple(pools))


def service_fabric(view: View, body: View) -> Extracted:
    """Microsoft.ServiceFabric/managedClusters/nodeTypes."""
    machine = _machine(body, "properties.vmSize")
    if machine is None:
        return Extracted(())
    publisher, offer = body.string("properties.vmImagePublisher"), body.string("properties.vmImageOffer")
    disk = body.string("properties.dataDiskType") or "StandardSSD_LRS"
    pool = machine.pool(
        Units.fixed(units_of(body.number("properties.vmInstanceCount"), Decimal(0))),
        os=image_system(None, publisher, offer),
        disks=(Disk("data", disk, body.known_number("properties.dataDiskSizeGB")),),
        purchase_model="spot" if body.flag("properties.isSpotVM") else "on_demand",
    )
    return Extracted((pool,))


def devops_pool(view: View, body: View) -> Extracted:
    """Microsoft.DevOpsInfrastructure/pools."""
    machine = _machine(body, "properties.fabricProfile.sku.name")
    most = units_of(body.number("properties.maximumConcurrency"), None)
    return Extracted((machine.pool(Units(Decimal(0), Decimal(0), most)),) if machine is not None else ())


KINDS: dict[str, Kind] = {
    "microsoft.compute/virtualmachines": Kind(virtual_machine, machine=True, one=True),
    "microsoft.compute/virtualmachinescalesets": Kind(scale_set, machine=True),
    "microsoft.compute/capacityreservationgroups/capacityreservations": Kind(capacity_reservation, machine=True),
    "microsoft.compute/hostgroups/hosts": Kind(dedicated_host),
    "microsoft.containerservice/managedclusters": Kind(managed_cluster, machine=True),
    "microsoft.containerservice/managedclusters/agentpools": Kind(agent_pool, machine=True),
    "microsoft.machinelearningservices/workspaces/computes": Kind(ml_compute, machine=True),
    "microsoft.machinelearningservices/workspaces/onlineendpoints/deployments": Kind(online_deployment, machine=True),
    "microsoft.batch/batchaccounts/pools": Kind(batch_pool, machine=True),
    "microsoft.containerinstance/containergroups": Kind(container_group),
    "microsoft.app/managedenvironments": Kind(environment),
    "microsoft.app/containerapps": Kind(container_app),
    "microsoft.app/jobs": Kind(container_app_job),
    "microsoft.synapse/workspaces/bigdatapools": Kind(spark_pool),
    "microsoft.hdinsight/clusters": Kind(hdinsight),
    "microsoft.redhatopenshift/openshiftclusters": Kind(openshift),
    "microsoft.servicefabric/managedclusters/nodetypes": Kind(service_fabric),
    "microsoft.devopsinfrastructure/pools": Kind(devops_pool),
}
"""By ARM type in small letters: ARM folds letter case."""

_NO_MACHINES = re.compile(
    r"microsoft\.(?:authorization|insights|keyvault|managedidentity|management|network|operationalinsights|policyinsights"
    r"|resources|security|sql|storage|web|advisor|cache|dbfor\w+|documentdb|portal|subscription|consumption|costmanagement"
    r"|quota|capacity|support)/"
)
"""Namespaces that start no machine, whatever their bodies mention: policies, networks, budgets, quotas."""
_MOST_VALUES = 5_000
_EXCLUDING = re.compile(r"exclude|den(?:y|ied)|disallow|forbidden|tags|description|metadata", re.IGNORECASE)


def unread(view: View, type_: str, body: object) -> tuple[PoolUsage, ...]:
    """A type that is not read and whose body names a machine with GPUs: it is told, never passed over."""
    if _NO_MACHINES.match(type_):
        return ()
    pending: list[object] = [body]
    looked = 0
    while pending and looked < _MOST_VALUES:
        value = pending.pop()
        looked += 1
        if isinstance(value, dict):
            pending.extend(item for key, item in value.items() if not _EXCLUDING.search(str(key)))
        elif isinstance(value, list):
            pending.extend(value[:_MOST_VALUES])
        elif isinstance(value, str) and len(value) < 100 and view.context.looks_accelerated("azure", value):
            what = f"{type_} is no type that is read" if type_ else "its ARM type is not known"
            unknown = Unknown(f"{what}, and it names {value}", "unknown-arm-type")
            return (Machine(unknown=unknown).pool(Units(Decimal(0), None, None)),)
    return ()
