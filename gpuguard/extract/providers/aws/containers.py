"""Amazon ECS: capacity providers with machines of their own, and the accelerators that tasks ask for."""

import json
from collections.abc import Iterable
from decimal import Decimal

from msgspec.structs import replace

from gpuguard.extract.providers.aws.common import only_zone, region, tags
from gpuguard.extract.providers.aws.compute import by_requirements
from gpuguard.extract.providers.aws.reservations import Placement, cover
from gpuguard.extract.providers.aws.scaling_targets import Named, companions, scaled
from gpuguard.extract.spec import Companion, Extracted, ResourceSpec, TemplateLink
from gpuguard.extract.view import View
from gpuguard.model.usage import (
    AttachedAccelerator,
    Charge,
    Disk,
    MachineOption,
    PoolUsage,
    Units,
    Unknown,
)

_TASK = "aws_ecs_task_definition"
_SERVICE = "aws_ecs_service"
_PROVIDER = "aws_ecs_capacity_provider"
_CLUSTER = "aws_ecs_cluster"
_CLUSTER_PROVIDERS = "aws_ecs_cluster_capacity_providers"
_TASK_LINK = TemplateLink(("task_definition",), (_TASK,), ("arn", "arn_without_revision", "id", "family"))

_LAUNCH = "managed_instances_provider.instance_launch_template"
_RESERVED = "RESERVED"
_DEVICES = {"GPU": "GPU", "NeuronDevice": "Neuron"}
_MOST = 100
_MOST_DIGITS = 5
_MOST_STRATEGIES = 6
"""Capacity providers in one strategy; ECS takes no more."""


# -- what tasks ask for ---------------------------------------------------------------------------------------------------


def accelerators_asked_for(container: View, path: str = "resourceRequirements") -> tuple[AttachedAccelerator, ...]:
    """The accelerators in the `resourceRequirements` of a container of ECS or Batch.

    ALL stands for those of the machine it runs on: at least one.
    """
    found = []
    for each in container.blocks(path)[:_MOST]:
        device = _DEVICES.get(each.string("type") or "")
        count = count_of(each.known("value"))
        if device is not None and count > 0:
            found.append(AttachedAccelerator(device, count))
    return tuple(found)


def count_of(value: object) -> Decimal:
    """A number of accelerators, written as a number or a text; ALL is at least one, and what is no number none."""
    text = value if isinstance(value, str) else str(value) if isinstance(value, int) else ""
    if text == "ALL":
        return Decimal(1)
    return Decimal(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else Decimal(0)


def demand(asked: Iterable[AttachedAccelerator], units: Units) -> tuple[PoolUsage, ...]:
    """Work that asks for accelerators, one pool for each kind: it is shown and not billed."""
    counts: dict[str, Decimal] = {}
    for each in asked:
        counts[each.name] = counts.get(each.name, Decimal(0)) + each.count
    return tuple(
        PoolUsage(
            options=(MachineOption(name),),
            units=units,
            role="demand",
            accelerators=(AttachedAccelerator(name, count),),
        )
        for name, count in counts.items()
    )


def task_definition(view: View) -> Extracted:
    """`aws_ecs_task_definition`: what one task asks for; services and events run it."""
    return Extracted(demand(_of_task(view), Units.fixed(1)))


def _of_task(view: View) -> list[AttachedAccelerator]:
    containers = view.embedded("container_definitions", _containers)
    return [found for container in containers for found in accelerators_asked_for(container)]


def _containers(text: str) -> object:
    found = json.loads(text)
    return found[:_MOST] if isinstance(found, list) else found


def service(view: View) -> Extracted:
    """`aws_ecs_service`: the accelerators of its task, as often as tasks run.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service_definition_parameters.html: without a desired
    count none runs; a daemon runs once on every machine.
    """
    task = _task_of(view)
    asked = _of_task(task) if task is not None else []
    if task is None or not asked:
        return Extracted(())
    return Extracted(demand(asked, _tasks(view)), via=(task.address,))


def _task_of(view: View) -> View | None:
    link = view.follow(_TASK_LINK.paths, _TASK_LINK.types, _TASK_LINK.by)
    if link.first is not None:
        return link.first if len(link.views) == 1 else None
    name = view.string("task_definition") or ""
    family = name.rsplit("/", 1)[-1].split(":", 1)[0]
    for node in view.context.document.current(_TASK):
        values = node.values(view.side)
        if values is not None and values.get("family") == family:
            return View(view.context, node, view.side, view.notes)
    return None


def _tasks(view: View) -> Units:
    if view.string("scheduling_strategy") == "DAEMON":
        view.note("info", "daemon", "it runs once on every machine of its cluster: one is shown")
        return Units.fixed(1)
    count = view.number("desired_count")
    if isinstance(count, Unknown) and view.may_be_unset("desired_count"):
        count = None
    size = None if isinstance(count, Unknown) else Decimal(0) if count is None else count
    name = view.string("name")
    named = Named(f"service/{_cluster_of(view)}/{name}" if name else None)
    return scaled(view, "ecs:service:DesiredCount", named, size, Units.fixed(size)).units


def _cluster_of(view: View) -> str:
    """Name of the cluster that a service runs on; without one it is the account's default cluster."""
    cluster = view.follow(("cluster",), (_CLUSTER,), ("id", "arn", "name"))
    name = cluster.views[0].string("name") if len(cluster.views) == 1 else None
    return name or (view.string("cluster") or "default").rsplit("/", 1)[-1]


# -- ECS Managed Instances ------------------------------------------------------------------------------------------------


def capacity_provider(view: View) -> Extracted:
    """`aws_ecs_capacity_provider`: an Auto Scaling group is priced by itself; Managed Instances are started for tasks.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/managed-instances-instance-types.html: nothing limits their
    number. What the services of the plan ask of it starts as soon as they run; units are accelerators.
    """
    launch = view.block(_LAUNCH)
    requirements = launch.block("instance_requirements") if launch is not None else None
    if launch is None or requirements is None:
        return Extracted(())
    kind = launch.string("capacity_option_type")
    selected = by_requirements(requirements, None, "spot" if kind == "SPOT" else "on_demand")
    if selected == ():
        return Extracted(())
    view.note(
        "warning",
        "unbounded-capacity",
        "ECS Managed Instances start as many machines as tasks ask for: nothing in the plan limits them",
    )
    needed, largest = _needed(view)
    options = () if isinstance(selected, Unknown) else _holding(view, selected, largest)
    size = launch.known_number("storage_configuration.storage_size_gib")
    pool = PoolUsage(
        options=options,
        unknown=selected if isinstance(selected, Unknown) else None,
        pick="dearest" if len(options) > 1 else "first",
        units=Units(Decimal(0), needed, None),
        purchase_model="spot" if kind == "SPOT" else "on_demand",
        charges=(
            Charge(
                "managed_service",
                "ecs-managed-{machine}",
                "ECS Managed Instances",
                purchase_model="on_demand",
                essential=False,
            ),
        ),
        disks=(Disk("data", "gp3", size),),
        machine_attribute=launch.attribute("instance_requirements"),
        purchase_attribute=launch.attribute("capacity_option_type"),
    )
    placement = Placement(preference="capacity-reservations-only" if kind == _RESERVED else None)
    network = launch.block("network_configuration")
    return Extracted(cover(view, placement, pool, lambda: only_zone(network) if network is not None else None))


def _holding(view: View, options: tuple[MachineOption, ...], largest: Decimal) -> tuple[MachineOption, ...]:
    """The types that the largest task fits on, each weighing as many units as it has accelerators."""
    place = region(view)
    name = place if isinstance(place, str) else view.context.default_regions.get("aws", "")
    counts = {each.sku: Decimal(str(each.gpu_count)) for each in view.context.offers("aws", name)}
    weighed = tuple(replace(option, weight=max(counts.get(option.sku, Decimal(1)), Decimal(1))) for option in options)
    return tuple(option for option in weighed if option.weight >= largest) or weighed


def _needed(view: View) -> tuple[Decimal | None, Decimal]:
    """Accelerators that the services on this capacity provider ask for in all, and those of the largest task."""
    total: Decimal | None = Decimal(0)
    largest = Decimal(0)
    for each in _services_of(view):
        asked, tasks = _asked_by(each)
        if not asked:
            continue
        largest = max(largest, asked)
        total = None if tasks is None or total is None else total + asked * tasks
    return total, largest


def _asked_by(view: View) -> tuple[Decimal, Decimal | None]:
    """Accelerators of one task of a service, and how many tasks run; worked out once for all capacity providers."""
    key = ("aws.ecs asked", id(view.node), view.side)
    known: tuple[Decimal, Decimal | None] | None = view.context.memo.get(key)
    if known is None:
        task = _task_of(view)
        asked = sum((found.count for found in _of_task(task)), Decimal(0)) if task is not None else Decimal(0)
        known = view.context.memo[key] = asked, _tasks(view).expected if asked else Decimal(0)
    return known


def _services_of(view: View) -> list[View]:
    """The services that name this capacity provider, and those without a strategy where it is their cluster's default."""
    found: dict[int, View] = {}
    for index in range(_MOST_STRATEGIES):
        path = f"capacity_provider_strategy.{index}.capacity_provider"
        found.update((id(each.node), each) for each in view.referring((_SERVICE,), path)[:_MOST])
        default = f"default_{path}"
        for link in view.referring((_CLUSTER_PROVIDERS,), default)[:_MOST]:
            for name in {link.string("cluster_name"), view.string("cluster")} - {None}:
                found.update((id(each.node), each) for each in _without_strategy(view).get(name, ()))
    return list(found.values())


def _without_strategy(view: View) -> dict[str | None, list[View]]:
    """The services that leave it to their cluster what runs them, by its name; looked for once."""
    key = ("aws.ecs default", view.side)
    known: dict[str | None, list[View]] | None = view.context.memo.get(key)
    if known is None:
        known = view.context.memo[key] = {}
        for node in view.context.document.current(_SERVICE):
            each = View(view.context, node, view.side, [])
            told = each.blocks("capacity_provider_strategy") or each.string("launch_type")
            if node.values(view.side) is not None and not told:
                known.setdefault(_cluster_of(each), []).append(each)
    return known


SPECS: tuple[ResourceSpec, ...] = (
    ResourceSpec(
        type=_PROVIDER,
        cloud="aws",
        extract=capacity_provider,
        region=region,
        tags=tags,
        reads=("managed_instances_provider",),
        prices=(
            "the machines of Managed Instances",
            "their data volumes",
            "what ECS adds, where the catalog has a price",
        ),
        leaves_out=("the root volume of Managed Instances", "machines for tasks that no service of the plan runs"),
        assumes=(
            "With auto_scaling_group_provider the group is priced by itself, and this adds nothing.",
            "Managed Instances have no maximum. Expected are as many accelerators as the services that name the provider, or"
            " whose cluster does by default, ask for; of several types that a task fits on the dearest is priced.",
            "The data volume is priced as gp3.",
        ),
        source="AWS provider: aws_ecs_capacity_provider; Amazon ECS developer guide: Managed Instances",
    ),
    ResourceSpec(
        type=_SERVICE,
        cloud="aws",
        extract=service,
        region=region,
        tags=tags,
        links=(_TASK_LINK,),
        reads=("task_definition", "desired_count", "scheduling_strategy", "cluster", "capacity_provider_strategy"),
        prices=("nothing: the accelerators of its tasks are shown as demand",),
        assumes=("Without desired_count no task runs, unless a scalable target asks for some.",),
        source="AWS provider: aws_ecs_service; Amazon ECS developer guide: service definition parameters",
    ),
    ResourceSpec(
        type=_TASK,
        cloud="aws",
        extract=task_definition,
        region=region,
        tags=tags,
        template=True,
        reads=("container_definitions",),
        assumes=("ALL is counted as one accelerator.",),
        source="AWS provider: aws_ecs_task_definition; Amazon ECS API: ResourceRequirement",
    ),
)

COMPANIONS: tuple[Companion, ...] = (
    Companion(
        type=_CLUSTER,
        of=(_SERVICE,),
        reads=("name",),
        says="the name by which scalable targets and capacity providers mean its services",
        source="AWS provider: aws_ecs_cluster",
    ),
    Companion(
        type=_CLUSTER_PROVIDERS,
        of=(_PROVIDER,),
        reads=("cluster_name", "default_capacity_provider_strategy"),
        says="which capacity provider runs the services of a cluster that name none",
        source="AWS provider: aws_ecs_cluster_capacity_providers",
    ),
    *companions((_SERVICE,)),
)
