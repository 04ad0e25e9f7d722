"""Container Instances and Container Apps with GPUs."""

import re
from decimal import Decimal

import msgspec

from gpuguard.extract.providers.azurerm.common import normalised, region, tags
from gpuguard.extract.schedules import Event, covered_hours, unix_cron
from gpuguard.extract.spec import Companion, Extracted, Machine, ResourceSpec, units_of
from gpuguard.extract.view import View
from gpuguard.model.usage import (
    HOURS_PER_MONTH,
    AttachedAccelerator,
    Charge,
    MachineOption,
    PoolUsage,
    Units,
    Unknown,
)

ENVIRONMENT = "azurerm_container_app_environment"
_ENVIRONMENTS = (ENVIRONMENT, "azapi_resource")


class GpuProfile(msgspec.Struct, frozen=True):
    """A workload profile with GPUs: the machine behind it, and the price of its GPU where it is billed by the second."""

    name: str
    machine: str
    gpu_price: str | None = None
    vcpus: int = 0
    memory_gib: int = 0


PROFILES = {
    each.name.lower(): each
    for each in (
        GpuProfile("Consumption-GPU-NC8as-T4", "Standard_NC8as_T4_v3", "container-apps-gpu-t4", 8, 56),
        GpuProfile("Consumption-GPU-NC24-A100", "Standard_NC24ads_A100_v4", "container-apps-gpu-a100", 24, 220),
        GpuProfile("NC24-A100", "Standard_NC24ads_A100_v4"),
        GpuProfile("NC48-A100", "Standard_NC48ads_A100_v4"),
        GpuProfile("NC96-A100", "Standard_NC96ads_A100_v4"),
    )
}
"""Profiles by their type (https://learn.microsoft.com/azure/container-apps/workload-profiles-overview): consumption profiles
are billed by the GPU, vCPU and GiB of every replica, the others by the node, whatever runs on it
(https://learn.microsoft.com/azure/container-apps/billing)."""


# -- environments: the nodes of dedicated profiles --------------------------------------------------------------------------


def environment(view: View) -> Extracted:
    """`azurerm_container_app_environment`: the nodes of dedicated GPU profiles."""
    return Extracted(
        profile_nodes(view.blocks("workload_profile"), "workload_profile_type", "minimum_count", "maximum_count")
    )


def profile_nodes(blocks: list[View], type_: str, low: str, high: str) -> tuple[PoolUsage, ...]:
    """The nodes of all dedicated GPU profiles of an environment; it starts each with the fewest."""
    pools: list[PoolUsage] = []
    for block in blocks:
        least = units_of(block.number(low), Decimal(0))
        pools.extend(dedicated(block, type_, Units(least, least, units_of(block.number(high), None))))
    return tuple(pools)


def dedicated(view: View, path: str, units: Units) -> tuple[PoolUsage, ...]:
    """The nodes of one profile; none where it has no GPUs or is billed with the apps."""
    type_ = view.text(path)
    if isinstance(type_, Unknown):
        named = [name for name in view.candidates(path) if name.lower() in PROFILES]
        if not named:
            return ()  # by far the most profiles have no GPU
        type_ = named[0]
    profile = PROFILES.get((type_ or "").lower())
    if profile is None or profile.gpu_price is not None:
        return ()
    sku = f"container-apps-{profile.name.lower()}"
    machine = Machine(
        options=(MachineOption(profile.name, machine=profile.machine),),
        machine_attribute=view.attribute(path),
        sensitive=view.is_sensitive(path),
    )
    charge = Charge("managed_service", sku, f"{profile.name} dedicated profile node", component="compute")
    return (machine.pool(units, charges=(charge,), machine_billed=False),)


# -- apps and jobs: the replicas in consumption profiles ---------------------------------------------------------------------


def app_profile(view: View, name: str | Unknown | None, environment_path: str) -> GpuProfile | Unknown | None:
    """The GPU profile that an app or job runs in; None where it has no GPU or the environment pays for its nodes."""
    if not isinstance(name, str):
        return None
    environment_view = view.follow((environment_path,), _ENVIRONMENTS, ("id",)).first
    if environment_view is not None:
        found = PROFILES.get((_type_of(environment_view, name) or "").lower())
    elif name.lower() in PROFILES:
        found = PROFILES[name.lower()]
    elif re.search(r"gpu|t4\b|a100", name, re.IGNORECASE):
        return Unknown(f"its environment, which says what {name} is, is not in the plan", "unknown-machine-type")
    else:
        return None
    return found if found is not None and found.gpu_price is not None else None


def _type_of(environment_view: View, name: str) -> str | None:
    """The type of the profile that has this name in its environment."""
    for path, own, type_ in (
        ("workload_profile", "name", "workload_profile_type"),
        ("body.properties.workloadProfiles", "name", "workloadProfileType"),
    ):
        for block in environment_view.blocks(path):
            if block.string(own) == name:
                return block.string(type_)
    return None


def serverless(
    view: View, profile: GpuProfile | Unknown | None, path: str, resources: list[View], units: Units, **changes: object
) -> tuple[PoolUsage, ...]:
    """The replicas of an app or job: a GPU each, with the vCPUs and memory of its containers.

    Apps with GPUs are always billed at the active rate (https://learn.microsoft.com/azure/container-apps/billing).
    """
    if profile is None:
        return ()
    if isinstance(profile, Unknown) or profile.gpu_price is None:
        return (Machine(unknown=profile if isinstance(profile, Unknown) else None).pool(units, **changes),)
    machine = Machine(
        options=(MachineOption(profile.name, machine=profile.machine),), machine_attribute=view.attribute(path)
    )
    vcpus = _sum([block.number("cpu") for block in resources], Decimal(profile.vcpus))
    memory = _sum([_gibibytes(block.text("memory")) for block in resources], Decimal(profile.memory_gib))
    charges = (
        Charge("managed_service", profile.gpu_price, f"{profile.name} GPU", component="gpu", unit="GPU-hour"),
        Charge("managed_service", "container-apps-vcpu", "vCPUs of the containers", vcpus, "vCPU-hour", essential=False),
        Charge("managed_service", "container-apps-memory-gib", "memory of the containers", memory, "GiB-hour", essential=False),
    )  # fmt: skip
    return (machine.pool(units, charges=charges, machine_billed=False, **changes),)


def _sum(amounts: list[Decimal | Unknown | None], otherwise: Decimal) -> Decimal:
    """All amounts together; what the profile can give a replica where one is not known."""
    known = [amount for amount in amounts if isinstance(amount, Decimal)]
    return sum(known, Decimal(0)) if known and len(known) == len(amounts) else otherwise


_MEMORY = re.compile(r"(\d{1,6}(?:\.\d{1,6})?)\s*(Gi|G|Mi|M)?", re.IGNORECASE)


def _gibibytes(text: str | Unknown | None) -> Decimal | None:
    found = _MEMORY.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        return None
    return Decimal(found[1]) / (1024 if (found[2] or "Gi").lower().startswith("m") else 1)


def container_app(view: View) -> Extracted:
    """`azurerm_container_app`: replicas between its bounds; it starts with the fewest."""
    low = units_of(view.number("template.min_replicas"), Decimal(0))
    units = Units(low, low, units_of(view.number("template.max_replicas"), Decimal(10)))
    profile = app_profile(view, view.text("workload_profile_name"), "container_app_environment_id")
    return Extracted(serverless(view, profile, "workload_profile_name", view.blocks("template.container"), units))


class Runs(msgspec.Struct, frozen=True):
    """How many replicas of a job run at most, and for how many hours of a month that can be."""

    units: Units
    max_hours: Decimal = HOURS_PER_MONTH


def container_app_job(view: View) -> Extracted:
    """`azurerm_container_app_job`: replicas of its executions, which Terraform does not start itself."""
    trigger = view.block("event_trigger_config")
    if trigger is not None:
        parallel = units_of(trigger.number("parallelism"), Decimal(1))
        runs = event_runs(
            parallel,
            units_of(trigger.number("scale.min_executions"), Decimal(0)),
            units_of(trigger.number("scale.max_executions"), Decimal(100)),
        )
    else:
        trigger = view.block("schedule_trigger_config") or view.block("manual_trigger_config")
        parallel = units_of(trigger.number("parallelism") if trigger is not None else None, Decimal(1))
        cron = trigger.string("cron_expression") if trigger is not None else None
        runs = timed_runs(parallel, cron, view.known_number("replica_timeout_in_seconds"))
    profile = app_profile(view, view.text("workload_profile_name"), "container_app_environment_id")
    return Extracted(job(view, profile, "workload_profile_name", view.blocks("template.container"), runs))


def event_runs(parallel: Decimal | None, low: Decimal | None, high: Decimal | None) -> Runs:
    """Executions between their bounds, each with so many replicas."""

    def replicas(executions: Decimal | None) -> Decimal | None:
        return None if executions is None or parallel is None else executions * parallel

    return Runs(Units(replicas(low), replicas(low), replicas(high)))


def timed_runs(parallel: Decimal | None, cron: str | None, timeout: Decimal | None) -> Runs:
    """Executions by the clock or by hand: none by itself, and at most until the timeout of each on a schedule."""
    expression = unix_cron(cron)
    hours = None
    if expression is not None and timeout is not None:
        hours = covered_hours([(Event(expression), timeout / 60)])
    return Runs(Units(Decimal(0), Decimal(0), parallel), HOURS_PER_MONTH if hours is None else hours)


def job(
    view: View, profile: GpuProfile | Unknown | None, path: str, resources: list[View], runs: Runs
) -> tuple[PoolUsage, ...]:
    """The replicas of a job; how long its executions take only their work tells."""
    found = serverless(view, profile, path, resources, runs.units, max_hours_per_month=runs.max_hours)
    if found:
        view.note("info", "job-runs", "it costs what its executions take: only the maximum is counted")
    return found


def environment_region(view: View) -> str | Unknown | None:
    """Own location, else that of the environment: an app is always in its environment's region."""
    own = normalised(view.string("location"))
    found = view.follow(("container_app_environment_id",), (ENVIRONMENT, "azapi_resource"), ("id",)).first
    return own if own is not None or found is None else region(found)


# -- Container Instances ----------------------------------------------------------------------------------------------------


def container_group(view: View) -> Extracted:
    """`azurerm_container_group`: the GPUs of its containers, which azurerm 4 knows no more."""
    gpus = [
        (block.text("sku"), block.number("count"))
        for container in view.blocks("container")
        for block in (container.blocks("gpu") or container.blocks("gpu_limit"))[:1]
    ]
    return Extracted(instances(view, gpus, (view.string("priority") or "").lower() == "spot"))


def instances(
    view: View, gpus: list[tuple[str | Unknown | None, Decimal | Unknown | None]], spot: bool
) -> tuple[PoolUsage, ...]:
    """The GPUs of a container group: no longer offered, so nothing prices them."""
    if not gpus:
        return ()
    view.note(
        "warning",
        "retired-service",
        "Container Instances have no GPUs since 14 July 2025: applying it fails; nothing is priced",
    )
    name = next((sku for sku, _ in gpus if isinstance(sku, str)), "GPU")
    count = sum((number if isinstance(number, Decimal) else Decimal(1) for _, number in gpus), Decimal(0))
    if count <= 0:
        return ()
    machine = Machine(
        options=(MachineOption(f"container-instances-{name}"),),
        accelerators=(AttachedAccelerator(name, count),),
        purchase_model="spot" if spot else "on_demand",
    )
    charge = Charge(
        "managed_service", f"container-instances-gpu-{name.lower()}", f"{name} GPU", count, "GPU-hour", "gpu"
    )
    return (machine.pool(Units.fixed(1), charges=(charge,), machine_billed=False),)


_NO_FREE_GRANT = "The monthly free grant of vCPU and memory seconds."

SPECS: tuple[ResourceSpec, ...] = (
    ResourceSpec(
        type="azurerm_container_group",
        cloud="azure",
        extract=container_group,
        region=region,
        tags=tags,
        reads=("container", "priority", "location"),
        prices=("nothing: GPUs in Container Instances were retired on 14 July 2025",),
        leaves_out=("vCPUs and memory of the containers.",),
        source="azurerm provider 3: azurerm_container_group; Azure Container Instances: GPU resources",
    ),
    ResourceSpec(
        type=ENVIRONMENT,
        cloud="azure",
        extract=environment,
        region=region,
        tags=tags,
        reads=("workload_profile", "location"),
        prices=("the nodes of dedicated GPU profiles",),
        leaves_out=("The management fee of the dedicated plan.",),
        assumes=("Consumption profiles cost nothing by themselves: the apps and jobs in them do.",),
        source="azurerm provider: azurerm_container_app_environment; Azure Container Apps: billing",
    ),
    ResourceSpec(
        type="azurerm_container_app",
        cloud="azure",
        extract=container_app,
        region=environment_region,
        tags=tags,
        reads=("workload_profile_name", "container_app_environment_id", "template"),
        prices=("the GPU of every replica", "vCPUs and memory of its containers"),
        leaves_out=(_NO_FREE_GRANT, "HTTP requests."),
        assumes=(
            "An app runs min_replicas until its scale rules ask for more.",
            "Apps in a dedicated profile cost nothing beside the profile's nodes.",
        ),
        source="azurerm provider: azurerm_container_app; Azure Container Apps: billing",
    ),
    ResourceSpec(
        type="azurerm_container_app_job",
        cloud="azure",
        extract=container_app_job,
        region=environment_region,
        tags=tags,
        reads=(
            "workload_profile_name",
            "container_app_environment_id",
            "template",
            "manual_trigger_config",
            "schedule_trigger_config",
            "event_trigger_config",
            "replica_timeout_in_seconds",
        ),
        prices=("the GPU of every replica", "vCPUs and memory of its containers"),
        leaves_out=(_NO_FREE_GRANT,),
        assumes=(
            "Executions on a schedule take at most replica_timeout_in_seconds; how long they do take is not known, and only"
            " the maximum counts them.",
        ),
        source="azurerm provider: azurerm_container_app_job; Azure Container Apps: billing",
    ),
)

COMPANIONS: tuple[Companion, ...] = ()
