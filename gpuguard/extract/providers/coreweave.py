"""CoreWeave: managed inference.

https://registry.terraform.io/providers/coreweave/coreweave. A `coreweave_cks_cluster` has no nodes by itself: its
node pools are Kubernetes objects.
"""

from decimal import Decimal

from msgspec.structs import replace

from gpuguard.extract.plain import hidden, no_tags, plain_machine, pool_of, scaled, stopped, told_unbounded
from gpuguard.extract.spec import Companion, Extracted, Machine, ResourceSpec, units_of
from gpuguard.extract.view import View
from gpuguard.model.usage import AttachedAccelerator, MachineOption, PurchaseModel, Units, Unknown

CLOUD = "coreweave"
_AREAS = {"US": "North America", "CA": "North America", "EU": "Europe", "GB": "Europe", "UK": "Europe"}
"""The price areas by the first part of a zone's name (``US-EAST-04A``)."""
_GATEWAY = ("coreweave_inference_gateway",)


def area(zone: str | None) -> str | None:
    """``EU-SOUTH-04A`` → Europe: prices are told for areas."""
    return _AREAS.get((zone or "").partition("-")[0].upper())


def claim_region(view: View) -> str | None:
    """The area of the zones a capacity claim may use, if they are in one."""
    zones = view.texts("resources.zones")
    areas = {area(zone) for zone in zones[:50]} if isinstance(zones, list) else set()
    return areas.pop() if len(areas) == 1 else None


def deployment_region(view: View) -> str | None:
    """The area of the zones that the gateways of a deployment are in."""
    gateways = view.follow(("gateway_ids", "gateway_ids.0"), _GATEWAY, ("id", "name")).views
    areas = {area(zone) for gateway in gateways for zone in _zones(gateway)}
    return areas.pop() if len(areas) == 1 else None


def _zones(gateway: View) -> list[str]:
    zones = gateway.texts("zones")
    return zones[:50] if isinstance(zones, list) else []


# -- managed inference ----------------------------------------------------------------------------------------------------


def inference_deployment(view: View) -> Extracted:
    """`coreweave_inference_deployment`: so many replicas of a number of GPUs, billed by the GPU-hour; no platform fee.

    https://docs.coreweave.com/products/inference/billing, /products/inference/scaling
    """
    resources = view.block("resources")
    if resources is None:
        return hidden(view, "resources")
    machine = _fraction(resources)
    scaling = view.block("autoscaling")
    units = Units.fixed(1)
    if scaling is not None:
        low, high = scaling.number("min"), scaling.number("max")
        units = told_unbounded(view, scaled(None, low, high, least=1), high, "autoscaling.max")
        _tell_reserved(view, scaling)
    pools = pool_of(machine, units)
    if view.flag("disabled") and pools:
        view.note("info", "disabled", "disabled is true: it runs nothing")
        pools = tuple(stopped(pool) for pool in pools)
    return Extracted(pools)


def _fraction(view: View) -> Machine:
    """The instance type in the share that `gpu_count` takes of its GPUs."""
    machine = plain_machine(view, "instance_type")
    count = view.number("gpu_count")
    if isinstance(count, Unknown):
        return replace(
            machine, options=(), unknown=Unknown("its gpu_count is known only after apply", "unknown-accelerator")
        )
    wanted = Decimal(1) if count is None else count
    return replace(
        machine,
        options=tuple(_share(view, option, wanted) for option in machine.options),
        accelerators=tuple(AttachedAccelerator(option.sku, wanted) for option in machine.options[:1]),
    )


def _share(view: View, option: MachineOption, wanted: Decimal) -> MachineOption:
    known = view.context.machine(CLOUD, option.sku)
    if known is None or not known.gpu_count:
        return option
    return MachineOption(option.sku, count=wanted / Decimal(str(known.gpu_count)))


def _tell_reserved(view: View, scaling: View) -> None:
    classes = scaling.texts("capacity_classes")
    if isinstance(classes, list) and "CAPACITY_CLASS_RESERVED" in classes:
        view.note(
            "info",
            "may-use-reservation",
            "what runs on nodes you have reserved already costs nothing more; it is priced on demand",
        )


def capacity_claim(view: View) -> Extracted:
    """`coreweave_inference_capacity_claim`: whole instances set aside; of nodes the customer has, or of CoreWeave's."""
    resources = view.block("resources")
    if resources is None:
        return hidden(view, "resources")
    owned = (resources.string("capacity_type") or "").upper() == "CAPACITY_TYPE_CUSTOMER"
    if owned:
        view.note(
            "info", "own-capacity", "it takes nodes that are reserved and paid for already: it costs nothing more"
        )
    model: PurchaseModel = "capacity_reservation"
    machine = plain_machine(resources, "instance_type", purchase_model=model)
    pools = pool_of(machine, Units.fixed(units_of(resources.number("instance_count"), None)))
    return Extracted(tuple(stopped(pool) for pool in pools) if owned else pools)


SPECS: tuple[ResourceSpec, ...] = (
    ResourceSpec(
        type="coreweave_inference_deployment",
        cloud=CLOUD,
        extract=inference_deployment,
        region=deployment_region,
        tags=no_tags,
        reads=("resources.instance_type", "resources.gpu_count", "autoscaling", "disabled", "gateway_ids"),
        prices=("the GPUs, at their share of the instance type's price",),
        assumes=(
            "It starts with its minimum of replicas, on demand.",
            "An instance type that is no node type of the catalog has no price.",
        ),
        source="coreweave provider: coreweave_inference_deployment; CoreWeave Inference: billing, scaling",
    ),
    ResourceSpec(
        type="coreweave_inference_capacity_claim",
        cloud=CLOUD,
        extract=capacity_claim,
        region=claim_region,
        tags=no_tags,
        reads=("resources.instance_type", "resources.instance_count", "resources.capacity_type", "resources.zones"),
        prices=("the instances, used or not",),
        assumes=(
            "Claims on nodes that the customer has reserved cost nothing more.",
            "Deployments that run in a claim are priced beside it: nothing in Terraform says which do.",
        ),
        source="coreweave provider: coreweave_inference_capacity_claim; CoreWeave Inference: billing, scaling",
    ),
)

COMPANIONS: tuple[Companion, ...] = (
    Companion(
        type="coreweave_inference_gateway",
        of=("coreweave_inference_deployment",),
        reads=("zones",),
        says="where a deployment runs",
        source="coreweave provider: coreweave_inference_gateway",
    ),
)
