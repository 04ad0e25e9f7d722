"""AWS Batch: compute environments, sized in vCPUs, and job definitions."""

import json
from collections.abc import Iterable
from decimal import Decimal

from msgspec.structs import replace

from gpuguard.extract.providers.aws.common import only_zone, operating_system, region, tags
from gpuguard.extract.providers.aws.compute import LAUNCH_TEMPLATE, TEMPLATE_BY, placement_in, template_of
from gpuguard.extract.providers.aws.containers import accelerators_asked_for, count_of, demand
from gpuguard.extract.providers.aws.reservations import cover
from gpuguard.extract.providers.aws.volumes import image_of
from gpuguard.extract.spec import (
    Companion,
    Extracted,
    Machine,
    ResourceSpec,
    TemplateLink,
    pick_expected,
    units_of,
    within,
)
from gpuguard.extract.view import View
from gpuguard.model.price import InstanceType, Price, PriceKey
from gpuguard.model.usage import AttachedAccelerator, Disk, MachineOption, PoolUsage, PurchaseModel, Units, Unknown

_TEMPLATE = TemplateLink(
    (
        "compute_resources.launch_template.launch_template_id",
        "compute_resources.launch_template.launch_template_name",
    ),
    LAUNCH_TEMPLATE,
    TEMPLATE_BY,
)
_PLAIN = ("optimal", "default_x86_64", "default_arm64")
"""Names for families of general purpose (https://docs.aws.amazon.com/batch/latest/APIReference/API_ComputeResource.html)."""
_ELASTIC = ("EC2", "SPOT")
_MOST_TYPES = 300
_MOST_NODES = 1_000
_MOST_DIGITS = 5
_ELSEWHERE = ("us-east-1", "us-west-2")
"""Regions that tell the vCPUs of types which a region does not offer."""


def compute_environment(view: View) -> Extracted:
    """`aws_batch_compute_environment`: types and families, as many as fit into the vCPUs.

    https://docs.aws.amazon.com/batch/latest/APIReference/API_ComputeResource.html: min and desired are filled up, and
    max may be exceeded by one instance unless on demand takes the best fit.
    """
    resources = view.block("compute_resources")
    if resources is None:
        return Extracted(_hidden(view))
    kind = resources.string("type")
    if kind is not None and kind not in _ELASTIC:
        return Extracted(())  # on Fargate, which has no accelerators
    types, unknown = _types(view, resources)
    if not types and unknown is None:
        return Extracted(())
    spot = kind == "SPOT"
    machine = template_of(view, _TEMPLATE, "compute_resources.launch_template.version")
    if machine is None:
        machine = Machine(
            disks=_default_disks(view, resources), os=operating_system(view, "compute_resources.image_id")
        )
    machine = replace(
        machine,
        options=tuple(
            MachineOption(name, weight, limit) for name, weight, limit in _priced(view, resources, types, spot)
        ),
        unknown=unknown,
        accelerated=True,
        machine_attribute=resources.attribute("instance_type"),
        sensitive=resources.is_sensitive("instance_type"),
    )
    kept: PurchaseModel = "capacity_block" if machine.purchase_model == "capacity_block" else "on_demand"
    pool = machine.pool(
        _sizes(view, resources, types, spot),
        purchase_model="spot" if spot else kept,
        purchase_attribute=resources.attribute("type"),
        spot_max_price=None,
    )
    placement = placement_in(machine)
    return Extracted(cover(view, placement, pool, lambda: only_zone(resources)), via=machine.via)


def _hidden(view: View) -> tuple[PoolUsage, ...]:
    """A managed environment whose compute resources only apply can tell; one that is not managed has none."""
    if view.string("type") != "MANAGED":
        return ()
    unknown = Unknown("its compute resources are known only after apply", "unknown-machine-type")
    return (PoolUsage(options=(), unknown=unknown, units=Units.fixed(None)),)


def environment_region(view: View) -> str | Unknown | None:
    """The region of a compute environment: its own, that of its subnets, else the provider's."""
    own = view.text("region")
    resources = view.block("compute_resources")
    return region(view) if own is not None or resources is None else region(resources)


_Types = tuple[tuple[str, Decimal | None], ...]
"""Machine types and their vCPUs; None where the catalog does not know the type."""


def _types(view: View, resources: View) -> tuple[_Types, Unknown | None]:
    """The accelerated machine types among the types and families of `instance_type`, each with its vCPUs."""
    names = resources.texts("instance_type")
    if isinstance(names, Unknown):
        return (), Unknown(names.reason, "unknown-machine-type")
    wanted = [name.lower() for name in names[:_MOST_TYPES] if name not in _PLAIN]
    place = environment_region(view)
    name = place if isinstance(place, str) else view.context.default_regions.get("aws", "us-east-1")
    offered = view.context.offers("aws", name) if wanted else ()
    found: dict[str, Decimal | None] = {}
    unknown: Unknown | None = None
    missing: list[str] = []
    for each in wanted:
        if "." not in each:
            family = [machine for machine in offered if machine.sku.split(".", 1)[0] == each]
            found |= {machine.sku: _vcpus(machine) for machine in family}
            if not family and view.context.looks_accelerated("aws", f"{each}.xlarge"):
                reason = f"{each} names a family of which no type is in the price catalog for {name}"
                unknown = unknown or Unknown(reason, "unknown-machine-type")
                missing.append(each)
        elif view.context.looks_accelerated("aws", each):
            known = (machine for place in (name, *_ELSEWHERE) for machine in view.context.offers("aws", place))
            found[each] = next((_vcpus(machine) for machine in known if machine.sku == each), None)
            if found[each] is None:
                view.note("warning", "unknown-vcpus", f"how many machines {each} makes is not known: nor are its vCPUs")
    if found and unknown is not None:
        # what is known is shown; the family stands beside it, without a price and a number of vCPUs
        found |= dict.fromkeys(missing)
        view.note("warning", "unknown-vcpus", f"{unknown.reason}: how many machines run is not known")
    return tuple(found.items()), None if found else unknown


def _vcpus(machine: InstanceType) -> Decimal | None:
    return Decimal(str(machine.vcpus)) if machine.vcpus else None


def _priced(view: View, resources: View, types: _Types, spot: bool) -> Iterable[tuple[str, Decimal, Decimal | None]]:
    """The types with the price above which no spot instance starts: a percentage of the on-demand price."""
    percentage = resources.known_number("bid_percentage") if spot else None
    place = environment_region(view)
    for name, vcpus in types:
        limit = None
        if percentage and isinstance(place, str):
            price = view.context.price(PriceKey("aws", "machine", name, place))
            limit = price.amount * min(percentage, Decimal(100)) / 100 if isinstance(price, Price) else None
        yield name, vcpus or Decimal(1), limit


def _sizes(view: View, resources: View, types: _Types, spot: bool) -> Units:
    """Sizes in vCPUs; the maximum with the one instance by which it may be exceeded."""
    minimum, maximum = resources.number("min_vcpus"), resources.number("max_vcpus")
    desired = resources.number("desired_vcpus")
    if isinstance(desired, Unknown) and resources.may_be_unset("desired_vcpus"):
        desired = None
    low = units_of(minimum, Decimal(0))
    if view.string("state") == "DISABLED":
        view.note("info", "disabled", "a disabled compute environment keeps min_vcpus and does not scale out")
        return Units(low, low, low)
    high = units_of(maximum, None)
    if not types or any(vcpus is None for _, vcpus in types):
        return Units(
            *(size if size == 0 else None for size in (low, within(pick_expected(desired, minimum), low, high), high))
        )
    best_fit = (resources.string("allocation_strategy") or "BEST_FIT") == "BEST_FIT" and not spot
    if high and not best_fit:
        view.note("info", "batch-overshoot", "AWS Batch may exceed max_vcpus by one instance: the maximum holds it")
    expected = within(pick_expected(desired, minimum), low, high)
    if high and best_fit:
        # what does not fit whole is not started
        sizes = {vcpus for _, vcpus in types if vcpus is not None}
        high -= high % sizes.pop() if len(sizes) == 1 else 0
        return Units(low, expected, high if low is None else max(high, low))
    # one vCPU more than the maximum takes one machine more than would fit whole
    return Units(low, expected, high + 1 if high else high)


def _default_disks(view: View, resources: View) -> tuple[Disk, ...]:
    """The root volume of the image Batch takes where no launch template describes any.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-optimized_AMI.html: 30 GiB; another image has its own.
    """
    if view.block("eks_configuration") is not None or resources.get("image_id") is not None:
        image, _ = image_of(resources, "image_id")
        root = image.get("")
        return (root.disk("boot"),) if root is not None else (Disk("boot", "gp2", None),)
    return (Disk("boot", "gp2", Decimal(30)),)


# -- jobs -----------------------------------------------------------------------------------------------------------------


def job_definition(view: View) -> Extracted:
    """`aws_batch_job_definition`: the accelerators that one job asks for; jobs run on compute environments."""
    pools = [
        *_of_containers(view.embedded("container_properties", json.loads)),
        *_of_tasks(view.embedded("ecs_properties", json.loads)),
        *_of_nodes(view.embedded("node_properties", json.loads)),
        *_of_pods(view.blocks("eks_properties.pod_properties")),
    ]
    if pools:
        view.note("info", "demand-of-one-job", "the demand shown is that of one job of this definition")
    return Extracted(tuple(pools))


def _of_containers(containers: Iterable[View]) -> Iterable[PoolUsage]:
    asked = [found for container in containers for found in accelerators_asked_for(container)]
    return demand(asked, Units.fixed(1))


def _of_tasks(documents: Iterable[View]) -> Iterable[PoolUsage]:
    for document in documents:
        for task in document.blocks("taskProperties"):
            yield from _of_containers(task.blocks("containers"))


def _of_nodes(documents: Iterable[View]) -> Iterable[PoolUsage]:
    """Multi-node jobs: every range of nodes has containers of its own, and nested ranges go before those around them."""
    for document in documents:
        count = int(min(document.known_number("numNodes") or Decimal(0), Decimal(_MOST_NODES)))
        asked: list[tuple[AttachedAccelerator, ...]] = [()] * count
        for nodes in document.blocks("nodeRangeProperties")[:10]:
            found = (
                *accelerators_asked_for(nodes, "container.resourceRequirements"),
                *(
                    each
                    for task in nodes.blocks("ecsProperties.taskProperties")
                    for container in task.blocks("containers")
                    for each in accelerators_asked_for(container)
                ),
            )
            first, last = _range(nodes.string("targetNodes") or "", count)
            for index in range(first, last + 1):
                asked[index] = found
        for found in dict.fromkeys(asked):
            yield from demand(found, Units.fixed(asked.count(found)))


def _range(text: str, count: int) -> tuple[int, int]:
    """``0:3`` → (0, 3), ``2:`` and ``:1`` up to the ends; a single number is one node."""
    start, colon, end = text.partition(":")
    first = _node(start, 0)
    last = _node(end, count - 1 if colon or not start else first)
    return min(first, count), min(last, count - 1)


def _node(text: str, default: int) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else default


_KUBERNETES = ("nvidia.com/gpu", "aws.amazon.com/neuron", "aws.amazon.com/neuroncore", "amd.com/gpu")


def _of_pods(pods: Iterable[View]) -> Iterable[PoolUsage]:
    for pod in pods:
        asked = []
        for container in pod.blocks("containers"):
            for resources in container.blocks("resources")[:1]:
                limits = [resources.known(name) for name in ("limits", "requests")]
                for name in _KUBERNETES:
                    counts = [count_of(each.get(name)) for each in limits if isinstance(each, dict)]
                    if any(counts):
                        asked.append(AttachedAccelerator(name, max(counts)))
        yield from demand(asked, Units.fixed(1))


SPECS: tuple[ResourceSpec, ...] = (
    ResourceSpec(
        type="aws_batch_compute_environment",
        cloud="aws",
        extract=compute_environment,
        region=environment_region,
        tags=tags,
        links=(_TEMPLATE,),
        reads=(
            "type",
            "state",
            "compute_resources.type",
            "compute_resources.instance_type",
            "compute_resources.min_vcpus",
            "compute_resources.desired_vcpus",
            "compute_resources.max_vcpus",
            "compute_resources.allocation_strategy",
            "compute_resources.bid_percentage",
            "compute_resources.launch_template",
            "compute_resources.image_id",
        ),
        prices=("the machines", "EBS volumes", "a public IPv4 address", "the operating system"),
        leaves_out=("Fargate, which has no accelerators", "volumes of what runs in a reservation of the plan"),
        assumes=(
            "vCPUs are divided by those of the machine type and rounded up; of several types the dearest by vCPU is priced,"
            " since the jobs decide. A family is all its types that the region offers; optimal and the default_ names hold"
            " none with an accelerator.",
            "The maximum holds one instance above max_vcpus, except on demand with BEST_FIT.",
            "Without desired_vcpus the environment starts at min_vcpus; a disabled one stays there.",
            "Without a launch template and an image each machine has the 30 GiB volume of the ECS-optimized image, priced"
            " as gp2.",
        ),
        source="AWS provider: aws_batch_compute_environment; AWS Batch API: ComputeResource",
    ),
    ResourceSpec(
        type="aws_batch_job_definition",
        cloud="aws",
        extract=job_definition,
        region=region,
        tags=tags,
        reads=("container_properties", "ecs_properties", "node_properties", "eks_properties"),
        prices=("nothing: the accelerators of one job are shown as demand",),
        leaves_out=("how many jobs run",),
        source="AWS provider: aws_batch_job_definition; AWS Batch API: ResourceRequirement, NodeProperties",
    ),
)

COMPANIONS: tuple[Companion, ...] = ()
