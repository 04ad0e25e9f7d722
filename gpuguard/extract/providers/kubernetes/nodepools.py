"""Other objects that bring nodes: ComputeClasses of GKE and NodePools of CoreWeave."""

from decimal import Decimal
from typing import Final

from gpuguard.extract.providers.kubernetes.autopilot import ATTACHED, cluster_of
from gpuguard.extract.providers.kubernetes.documents import (
    Tree,
    count,
    inside,
    is_true,
    items,
    mapping,
    quantity,
    text_of,
)
from gpuguard.extract.providers.kubernetes.karpenter import Supply
from gpuguard.extract.providers.kubernetes.objects import Object
from gpuguard.extract.providers.kubernetes.places import region_in_plan
from gpuguard.extract.spec import bounded
from gpuguard.extract.view import View
from gpuguard.model.price import InstanceType
from gpuguard.model.usage import AttachedAccelerator, MachineOption, PoolUsage, PurchaseModel, Units, Unknown

_MOST_RULES: Final = 200
_N1_DEFAULT: Final = "n1-standard-1"


def supply_of(view: View, item: Object) -> Supply | None:
    """What an object of another kind than Karpenter's can start; None where it starts no accelerated nodes."""
    if item.kind == "ComputeClass" and item.group == "cloud.google.com":
        return _compute_class(view, item)
    if item.kind == "NodePool" and item.group == "compute.coreweave.com":
        return _coreweave(view, item)
    return None


# -- GKE ------------------------------------------------------------------------------------------------------------------


def _compute_class(view: View, item: Object) -> Supply | None:
    """https://cloud.google.com/kubernetes-engine/docs/reference/crds/computeclass: a list of rules in order of priority. With
    nodePoolAutoCreation (always on in Autopilot) GKE makes node pools for them, without any limit but the quota and the limits
    of node auto-provisioning; without it the rules choose among node pools that others make."""
    creates = is_true(inside(item.spec, "nodePoolAutoCreation", "enabled")) or is_true(
        inside(item.spec, "autopilot", "enabled")
    )
    if not creates and cluster_of(view) is None:
        return None
    region = region_in_plan(view, "gcp")
    grouped: dict[tuple[PurchaseModel, tuple[AttachedAccelerator, ...]], dict[str, None]] = {}
    for rule in items(item.spec.get("priorities"))[:_MOST_RULES]:
        if isinstance(rule, dict) and "nodepools" not in rule:
            attached, names = _machines(view, rule, region)
            if names:
                grouped.setdefault((_bought(rule), attached), {}).update(dict.fromkeys(names))
    if not grouped:
        return None
    view.note(
        "warning",
        "unbounded-node-pool",
        f"ComputeClass {item.name or 'without a name'} lets GKE create node pools with accelerators: their number has no ceiling",
        "the limits of node auto-provisioning and the quota of the project are the only ones",
    )
    pools = tuple(
        PoolUsage(
            options=tuple(MachineOption(name) for name in names),
            pick="dearest" if len(names) > 1 else "first",
            units=Units(Decimal(0), Decimal(0), None),
            purchase_model=model,
            accelerators=attached,
            machine_attribute=view.attribute(f"{item.path}.spec.priorities"),
        )
        for (model, attached), names in grouped.items()
    )
    return Supply(pools, "gcp", region)


def _bought(rule: Tree) -> PurchaseModel:
    if is_true(rule.get("spot")):
        return "spot"
    return "flex_start" if is_true(inside(rule, "flexStart", "enabled")) else "on_demand"


def _machines(view: View, rule: Tree, region: str | None) -> tuple[tuple[AttachedAccelerator, ...], list[str]]:
    """The accelerated machine types that a rule allows, and what is attached to them."""
    gpu, tpu = mapping(rule.get("gpu")), mapping(rule.get("tpu"))
    kind, number = text_of(gpu.get("type")), quantity(gpu.get("count"))
    size = number if isinstance(number, Decimal) and number > 0 else None
    own, family = text_of(rule.get("machineType")), text_of(rule.get("machineFamily"))
    if kind in ATTACHED:
        return (AttachedAccelerator(kind or "", size or Decimal(1)),), [own or _N1_DEFAULT]
    if own is not None:
        return (), [own] if view.context.looks_accelerated("gcp", own) else []
    place = region or view.context.default_regions.get("gcp")
    offered = view.context.offers("gcp", place) if place else view.context.accelerated("gcp")
    chips = quantity(tpu.get("count"))
    model = view.context.accelerator(kind or text_of(tpu.get("type")) or "")
    wanted = size if kind else chips if isinstance(chips, Decimal) else None
    if model is None and family is None:
        return (), []
    return (), [each.sku for each in offered if _fits(each, model.model if model else None, wanted, family, rule)]


def _fits(machine: InstanceType, model: str | None, number: Decimal | None, family: str | None, rule: Tree) -> bool:
    least = quantity(rule.get("minCores"))
    return (
        (model is None or machine.gpu_model == model)
        and (number is None or machine.gpu_count == float(number))
        and (family is None or machine.family == family)
        and (not isinstance(least, Decimal) or machine.vcpus is None or machine.vcpus >= float(least))
    )


# -- CoreWeave ------------------------------------------------------------------------------------------------------------


def _coreweave(view: View, item: Object) -> Supply | None:
    """https://docs.coreweave.com/products/cks/reference/node-pool: so many nodes of one type; with autoscaling between least
    and most."""
    kind = item.spec.get("instanceType")
    name = text_of(kind) if not isinstance(kind, Unknown) else None
    if name is not None and not view.context.looks_accelerated("coreweave", name):
        return None
    if name is None and not isinstance(kind, Unknown):
        return None
    low, target, high = (count(item.spec.get(key)) for key in ("minNodes", "targetNodes", "maxNodes"))
    if is_true(item.spec.get("autoscaling")):
        units = bounded(low, target, high)
    else:
        units = Units.fixed(None if isinstance(target, Unknown) else target or Decimal(0))
    unknown = Unknown("instanceType is known only after apply", "unknown-machine-type") if name is None else None
    pool = PoolUsage(
        options=(MachineOption(name),) if name else (),
        unknown=unknown,
        units=units,
        purchase_model="spot" if text_of(item.spec.get("computeClass")) == "spot" else "on_demand",
        machine_attribute=view.attribute(f"{item.path}.spec.instanceType"),
    )
    return Supply((pool,), "coreweave", _area(view))


def _area(view: View) -> str | None:
    """The area of the price list that the plan's cluster is in, by its zone."""
    from gpuguard.extract.providers.coreweave import area

    clusters = view.context.document.current("coreweave_cks_cluster")
    zones = {text_of((node.values(view.side) or {}).get("zone")) for node in clusters}
    areas = {area(zone) for zone in zones}
    return areas.pop() if len(areas) == 1 else None
