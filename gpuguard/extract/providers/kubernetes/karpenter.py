"""Karpenter NodePools: nodes that are started when pods ask for them, of any machine type that the requirements allow.

Applying one starts nothing, so they cost nothing at first (static ones aside); `limits` are the only ceiling. The rules
are those of Karpenter 1 (https://karpenter.sh/docs/concepts/nodepools/): a type that would exceed what is left of any limit
is not started, reserved capacity goes before spot and spot before on demand, and types with accelerators are started for
pods that ask for them. EKS Auto Mode and AKS node auto-provisioning are Karpenter with keys of their own.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import Any, Final

import msgspec

from gpuguard.extract.providers.kubernetes.documents import (
    Tree,
    count,
    inside,
    items,
    mapping,
    quantity,
    text_of,
)
from gpuguard.extract.providers.kubernetes.inventory import inventory_of, views
from gpuguard.extract.providers.kubernetes.objects import MANIFESTS, Object, content_of, embedded_objects
from gpuguard.extract.providers.kubernetes.places import cloud_of_plan, region_in_plan
from gpuguard.extract.view import View
from gpuguard.model.price import InstanceType, Price, PriceKey
from gpuguard.model.usage import Charge, Disk, MachineOption, OperatingSystem, PoolUsage, PurchaseModel, Units, Unknown

_KINDS: Final = frozenset(("NodePool", "Provisioner"))
_GROUP: Final = "karpenter.sh"
_DOMAINS: Final = {
    "karpenter.k8s.aws": "aws",
    "eks.amazonaws.com": "aws",
    "karpenter.azure.com": "azure",
    "kubernetes.azure.com": "azure",
    "karpenter.k8s.gcp": "gcp",
    "cloud.google.com": "gcp",
}
_AUTO_MODE: Final = "eks.amazonaws.com"
_CAPACITY: Final = "karpenter.sh/capacity-type"
_ZONES: Final = ("topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone")
_REGIONS: Final = ("topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/region")
_WELL_KNOWN: Final = frozenset((_CAPACITY, "node.kubernetes.io/instance-type", *_ZONES, *_REGIONS))
"""Labels without a cloud of their own that restrict where they stand in a template."""
_TYPES: Final = frozenset(("instance-type", "sku-name"))
_NAMING: Final = frozenset(
    ("instance-type", "sku-name", "instance-family", "instance-category", "sku-family", "sku-series")
)
"""Labels that choose machine types by name."""
_ABOUT_ACCELERATORS: Final = re.compile(r"-(?:gpu|accelerator)-")
_ACCELERATOR_TAINT: Final = re.compile(
    r"nvidia\.com/|amd\.com/gpu|aws\.amazon\.com/neuron|habana\.ai/|(?:^|[^a-z])gpu(?:$|[^a-z])"
)
_AWS_NAME: Final = re.compile(r"([a-z]+)(?:-[0-9]+tb)?([0-9]+)[^.]*\.(.+)\Z")
_AZURE_NAME: Final = re.compile(r"standard_(([a-z])[a-z]*?)(\d+)(?:-\d+)?(.*?)(?:_v(\d+))?\Z", re.IGNORECASE)
_MEMORY_TOLD: Final = Decimal("0.85")
"""Drivers see less of a GPU's memory than its maker says: AWS tells 22,888 MiB for the 24 GiB of an L4."""
_SHARES: Final = Decimal(10**12)
"""Units of a whole NodePool: large, so that each machine type's part of it is a whole number."""
_MOST_REQUIREMENTS: Final = 200
_MOST_VALUES: Final = 1_000
"""Kubernetes allows 100 requirements (labels included), and a cloud has fewer machine types than this."""

Check = Callable[["Requirement", InstanceType], bool]


class Requirement(msgspec.Struct, frozen=True):
    """One requirement; `values` is None where only apply can tell them."""

    key: str
    operator: str
    values: tuple[str, ...] | None

    @property
    def domain(self) -> str:
        """What stands before the slash of its key."""
        return self.key.rpartition("/")[0]

    @property
    def label(self) -> str:
        """What stands behind the slash of its key."""
        return self.key.rpartition("/")[2]


class NodePool(msgspec.Struct, frozen=True):
    """A NodePool or Provisioner, or what Helm values say of one. `defaults`: a Provisioner that names no machine types
    is given the categories C, M and R by Karpenter, and on-demand capacity."""

    name: str
    requirements: tuple[Requirement, ...]
    limits: Tree
    replicas: Decimal | Unknown | None
    node_class: Tree
    taints: tuple[str, ...]
    defaults: bool = False


# -- reading --------------------------------------------------------------------------------------------------------------


def node_pools(item: Object) -> Iterator[NodePool]:
    """The NodePools that an object is, or that Helm values describe; a NodeClaim is a pool of one node."""
    if item.values:
        yield from _in_values(item.tree)
    elif item.kind in _KINDS and item.group == _GROUP:
        yield _node_pool(item)
    elif item.kind == "NodeClaim" and item.group == _GROUP:
        # one node, started at once (https://karpenter.sh/docs/concepts/nodeclaims/)
        spec = item.spec
        yield NodePool(
            item.name, _requirements(spec.get("requirements")), {}, Decimal(1), mapping(spec.get("nodeClassRef")), ()
        )


def _node_pool(item: Object) -> NodePool:
    if item.kind == "Provisioner":
        # https://karpenter.sh/v0.31/concepts/provisioners/
        spec = item.spec
        limits = mapping(inside(spec, "limits", "resources"))
        node_class = {"kind": "AWSNodeTemplate", **mapping(spec.get("providerRef"))}
    else:
        spec = mapping(inside(item.spec, "template", "spec"))
        limits, node_class = mapping(item.spec.get("limits")), mapping(spec.get("nodeClassRef"))
    taints = [text for each in items(spec.get("taints")) if (text := text_of(inside(each, "key")))]
    labels = mapping(inside(item.spec, "template", "metadata", "labels")) or mapping(spec.get("labels"))
    return NodePool(
        item.name,
        (*_requirements(spec.get("requirements")), *_labels_as_requirements(labels)),
        limits,
        count(item.spec.get("replicas")) if item.kind == "NodePool" else None,
        node_class,
        tuple(taints),
        defaults=item.kind == "Provisioner",
    )


def _requirements(listed: Any) -> tuple[Requirement, ...]:
    found = []
    for each in items(listed)[:_MOST_REQUIREMENTS]:
        key, operator, values = inside(each, "key"), inside(each, "operator"), inside(each, "values")
        if not isinstance(key, str):
            continue
        listed_values = items(values)[:_MOST_VALUES]
        hidden = isinstance(values, Unknown) or any(isinstance(value, Unknown) for value in listed_values)
        texts = tuple(text for value in listed_values if (text := text_of(value)))
        found.append(Requirement(key, text_of(operator) or "In", None if hidden else texts))
    return tuple(found)


def _labels_as_requirements(labels: Tree) -> Iterator[Requirement]:
    """Labels of the template that are known to Karpenter restrict like requirements."""
    for key, value in list(labels.items())[:_MOST_REQUIREMENTS]:
        text = text_of(value)
        if text is not None and (key.rpartition("/")[0] in _DOMAINS or key in _WELL_KNOWN):
            yield Requirement(key, "In", (text,))


def _in_values(tree: Tree) -> Iterator[NodePool]:
    """Parts of Helm values that hold requirements of Karpenter, with the limits beside or around them."""
    pending: list[tuple[Any, Tree, str]] = [(tree, {}, "")]
    for _ in range(20_000):
        if not pending:
            return
        value, around, name = pending.pop()
        if isinstance(value, list):
            pending.extend((each, around, name) for each in value)
        if not isinstance(value, dict) or value.get("enabled") in (False, "false") or _is_object(value):
            continue
        limits = mapping(value.get("limits"))
        own = {"limits": mapping(limits.get("resources")) or limits} if limits else {}
        if value.get("nodeClassRef"):
            own["nodeClassRef"] = value["nodeClassRef"]
        if value.get("taints"):
            own["taints"] = value["taints"]
        here = {**around, **own}
        found = _requirements(value.get("requirements"))
        if any(_is_karpenter(each) for each in found):
            yield NodePool(
                text_of(value.get("name")) or name,
                found,
                mapping(here.get("limits")),
                count(value.get("replicas")),
                mapping(here.get("nodeClassRef")),
                tuple(text for each in items(here.get("taints")) if (text := text_of(inside(each, "key")))),
            )
            continue
        pending.extend((each, here, key) for key, each in value.items() if isinstance(each, dict | list))


def _is_object(value: Tree) -> bool:
    return isinstance(value.get("kind"), str) and isinstance(value.get("apiVersion"), str)


def _is_karpenter(requirement: Requirement) -> bool:
    return requirement.domain in _DOMAINS or requirement.key in (_CAPACITY, "node.kubernetes.io/instance-type")


# -- machine types --------------------------------------------------------------------------------------------------------

_ANY: Final = object()
"""A label that the catalog says nothing of: it may have any value."""


def _label_of(machine: InstanceType, label: str) -> Any:
    """The value that a node of this type has for a label: a text, None where it has none, a range of numbers, or `_ANY`."""
    reader = _LABELS.get(label)
    return reader(machine) if reader is not None else _ANY


def _aws_part(number: int) -> Callable[[InstanceType], Any]:
    def read(machine: InstanceType) -> Any:
        match = _AWS_NAME.match(machine.sku)
        return match[number] if match is not None and machine.cloud == "aws" else _ANY

    return read


def _family(machine: InstanceType) -> Any:
    return machine.sku.partition("." if machine.cloud == "aws" else "-")[0]


def _azure_part(number: int) -> Callable[[InstanceType], Any]:
    def read(machine: InstanceType) -> Any:
        match = _AZURE_NAME.match(machine.sku)
        if match is None:
            return _ANY
        return match[number] or "1"

    return read


def _azure_series(machine: InstanceType) -> Any:
    match = _AZURE_NAME.match(machine.sku)
    return f"{match[1]}{match[4]}{f'_v{match[5]}' if match[5] else ''}" if match is not None else _ANY


def _whole(value: float | None) -> Any:
    return _ANY if value is None else str(int(value))


def _is_gpu(machine: InstanceType) -> bool:
    """Whether Karpenter calls the accelerator a GPU; Neuron and Qualcomm devices are accelerators to it."""
    return not (machine.gpu_model or "").startswith(("Inferentia", "Trainium", "Qualcomm"))


def _of_gpus(value: Callable[[InstanceType], Any]) -> Callable[[InstanceType], Any]:
    return lambda machine: value(machine) if _is_gpu(machine) else None


def _of_others(value: Callable[[InstanceType], Any]) -> Callable[[InstanceType], Any]:
    return lambda machine: None if _is_gpu(machine) else value(machine)


def _memory_of_gpu(machine: InstanceType) -> Any:
    if machine.gpu_memory_gib is None or machine.gpu_count < 1:
        return _ANY
    each = Decimal(str(machine.gpu_memory_gib)) / Decimal(str(machine.gpu_count)) * 1024
    return (each * _MEMORY_TOLD, each)


def _maker(machine: InstanceType) -> str:
    model = machine.gpu_model or ""
    if model.startswith(("MI", "V520", "V620", "V710")):
        return "amd"
    if model.startswith("Gaudi"):
        return "habana"
    if model.startswith("Qualcomm"):
        return "qualcomm"
    return "aws" if model.startswith(("Inferentia", "Trainium")) else "google" if model.startswith("TPU") else "nvidia"


def _model(machine: InstanceType) -> str:
    return machine.gpu_model or ""


_LABELS: Final[dict[str, Callable[[InstanceType], Any]]] = {
    "instance-type": lambda machine: machine.sku,
    "sku-name": lambda machine: machine.sku,
    "instance-family": _family,
    "instance-category": _aws_part(1),
    "instance-generation": _aws_part(2),
    "instance-size": _aws_part(3),
    "sku-family": _azure_part(2),
    "sku-version": _azure_part(5),
    "sku-series": _azure_series,
    "instance-cpu": lambda machine: _whole(machine.vcpus),
    "sku-cpu": lambda machine: _whole(machine.vcpus),
    "instance-memory": lambda machine: _whole(machine.memory_gib and machine.memory_gib * 1024),
    "sku-memory": lambda machine: _whole(machine.memory_gib and machine.memory_gib * 1024),
    "instance-gpu-name": _of_gpus(_model),
    "sku-gpu-name": _of_gpus(_model),
    "instance-gpu-count": _of_gpus(lambda machine: _whole(machine.gpu_count)),
    "sku-gpu-count": _of_gpus(lambda machine: _whole(machine.gpu_count)),
    "instance-gpu-memory": _of_gpus(_memory_of_gpu),
    "instance-gpu-manufacturer": _of_gpus(_maker),
    "sku-gpu-manufacturer": _of_gpus(_maker),
    "instance-accelerator-name": _of_others(_model),
    "instance-accelerator-count": _of_others(lambda machine: _whole(machine.gpu_count)),
    "instance-accelerator-manufacturer": _of_others(_maker),
    "arch": lambda machine: {"x86_64": "amd64"}.get(machine.arch, machine.arch),
}
"""Labels of Karpenter's AWS and Azure providers and of EKS Auto Mode
(https://karpenter.sh/docs/reference/instance-types/, https://docs.aws.amazon.com/eks/latest/userguide/create-node-pool.html,
https://learn.microsoft.com/azure/aks/node-auto-provisioning-node-pools)."""
_MODELS: Final = frozenset(("instance-gpu-name", "sku-gpu-name", "instance-accelerator-name"))


def _meets(view: View, requirement: Requirement, machine: InstanceType) -> bool:
    """Whether a node of this type can meet a requirement; where the catalog does not tell, it can."""
    if requirement.values is None:
        return True
    actual = _label_of(machine, requirement.label)
    if actual is _ANY:
        return True
    operator, values = requirement.operator, requirement.values
    if operator == "Exists":
        return actual is not None
    if operator == "DoesNotExist":
        return actual is None
    if operator == "NotIn":
        return actual is None or not _in(view, requirement.label, actual, values)
    if actual is None:
        return False
    if operator == "In":
        return _in(view, requirement.label, actual, values)
    low, high = actual if isinstance(actual, tuple) else (_number(actual), _number(actual))
    bound = _number(values[0]) if values else None
    if bound is None or low is None or high is None:
        return True
    if operator in ("Gt", "Gte"):
        return bool(high > bound if operator == "Gt" else high >= bound)
    if operator in ("Lt", "Lte"):
        return bool(low < bound if operator == "Lt" else low <= bound)
    return True


def _in(view: View, label: str, actual: Any, values: Iterable[str]) -> bool:
    if isinstance(actual, tuple):
        numbers = [_number(value) for value in values]
        return any(number is not None and actual[0] <= number <= actual[1] for number in numbers)
    if label in _MODELS:
        return any(_is_model(view, value, actual) for value in values)
    wanted = [value.lower() for value in values]
    return str(actual).lower() in wanted


def _is_model(view: View, name: str, model: str) -> bool:
    """Whether a label's name of a GPU means a model: ``a100`` is both sizes of it, ``rtx-pro-server-6000`` an RTX PRO 6000."""
    known = view.context.accelerator(name)
    words = model.lower().split("-")
    return (known is not None and known.model == model) or name.lower().rsplit("-", 1)[-1] in words


def _number(value: Any) -> Decimal | None:
    found = quantity(value)
    return found if isinstance(found, Decimal) else None


# -- pools ----------------------------------------------------------------------------------------------------------------


class Supply(msgspec.Struct, frozen=True):
    """What NodePools can start, and where."""

    pools: tuple[PoolUsage, ...] = ()
    cloud: str = "aws"
    region: str | None = None


def supply_of(view: View, pool: NodePool, attribute: str, *, sensitive: bool = False) -> Supply | None:
    """The accelerated nodes that a NodePool may start; None where it starts none."""
    cloud = _cloud(view, pool)
    region = _region(view, pool, cloud)
    hidden = next((each for each in pool.requirements if each.values is None and each.label in _LABELS), None)
    place = region or view.context.default_regions.get(cloud)
    offered = view.context.offers(cloud, place) if place else view.context.accelerated(cloud)
    named = _named_types(view, pool, cloud)
    candidates = list({each.sku: each for each in (*offered, *named)}.values())
    matching = _matching(view, pool, candidates)
    unknown_names = _new_types(view, pool, cloud, {each.sku for each in candidates})
    new_families = _new_families(view, pool, cloud)
    if _is_for_accelerators(view, pool, cloud):
        # what the region is not known to offer is not passed over: price tables lag behind
        matching = matching or _matching(view, pool, view.context.accelerated(cloud))
    elif not new_families:
        if pool.defaults or not matching or hidden is not None:
            return None
        if not inventory_of(view.context, view.side).asks or _has_pool_of_its_own(view):
            return None
        view.note(
            "info",
            "open-node-pool",
            f"NodePool {pool.name or 'without a name'} does not rule out accelerated types: workloads of this plan that ask for"
            " accelerators may start them",
        )
    purchase = _purchase(view, pool)
    machines = _priced(view, matching, cloud, place, purchase) if not named else matching
    options, most = _ceiling(view, pool, machines)
    options = (*options, *(MachineOption(name) for name in unknown_names))
    unknown = None
    if hidden is not None:
        options = ()
        unknown = Unknown(f"{hidden.key} of its requirements is known only after apply", "unknown-node-pool")
    elif not options and not matching and (new := new_families or _new_models(view, pool, cloud)):
        unknown = Unknown(
            f"the catalog knows no machine type of {new[0]} that meets its requirements", "unknown-node-pool"
        )
    elif not options:
        return None
    elif new_families:
        view.note(
            "warning",
            "unknown-family",
            f"the catalog knows no machine type of {', '.join(new_families[:3])}, which the requirements allow: not counted",
        )
    if sensitive:
        view.context.secrets.update(option.sku for option in options)
    units = _units(view, pool, options, most)
    if isinstance(pool.replicas, Decimal):
        options = tuple(msgspec.structs.replace(option, weight=Decimal(1)) for option in options)
    usage = PoolUsage(
        options=options,
        units=units,
        pick="dearest" if len(options) > 1 else "first",
        unknown=unknown,
        purchase_model=purchase,
        os=_operating_system(pool),
        disks=_disks(view, pool, cloud),
        charges=_AUTO_MODE_FEE if _is_auto_mode(pool) else (),
        # an edit is proposed only where the manifest names the one type
        machine_attribute=view.attribute(f"{attribute}.spec.template.spec.requirements")
        if len(options) == 1 and named
        else None,
        sensitive=sensitive,
        covered_by=_reservation(view, pool, options) if purchase == "capacity_reservation" else None,
    )
    return Supply((usage,), cloud, region)


def _matching(view: View, pool: NodePool, machines: Iterable[InstanceType]) -> list[InstanceType]:
    return [each for each in machines if all(_meets(view, wanted, each) for wanted in pool.requirements)]


def _is_for_accelerators(view: View, pool: NodePool, cloud: str) -> bool:
    """Whether a NodePool speaks of accelerated machines; one that allows all types alike does not.

    Karpenter starts accelerated types for pods that ask for accelerators, and for others only when nothing else is left:
    a general NodePool in a plan without such pods is no GPU.
    """
    if any(_ACCELERATOR_TAINT.search(taint.lower()) for taint in pool.taints):
        return True
    if any(
        "/" in str(name) and _ACCELERATOR_TAINT.search(str(name)) and _number(size)
        for name, size in pool.limits.items()
    ):
        return True
    for each in pool.requirements:
        excludes = each.operator in ("NotIn", "DoesNotExist", "Lt", "Lte")
        none = each.operator in ("In", "Gte") and each.values == ("0",)  # greater than none are some
        if _ABOUT_ACCELERATORS.search(f"-{each.label}-") and not excludes and not none:
            return True
        if each.label in _NAMING and each.operator == "In" and each.values is not None:
            if any(view.context.looks_accelerated(cloud, value) for value in each.values if each.label in _TYPES):
                return True
            known = view.context.accelerated(cloud)
            if any(_in(view, each.label, _label_of(machine, each.label), each.values) for machine in known):
                return True
    return False


def _has_pool_of_its_own(view: View) -> bool:
    """Whether another NodePool of the plan speaks of accelerators: then that is where the workloads are meant to run."""
    key = ("kubernetes.accelerated-pools", view.side)
    if key not in view.context.memo:
        view.context.memo[key] = any(
            _is_for_accelerators(other, pool, _cloud(other, pool))
            for other in views(view.context, view.side, *MANIFESTS)
            for outer in content_of(other).objects
            for item in embedded_objects(outer)
            for pool in node_pools(item)
        )
    found: bool = view.context.memo[key]
    return found


def _named_types(view: View, pool: NodePool, cloud: str) -> list[InstanceType]:
    """Accelerated types that the requirements name one by one: they count wherever the catalog has them priced."""
    found = []
    for each in pool.requirements:
        if each.label in _TYPES and each.operator == "In":
            for name in each.values or ():
                machine = view.context.machine(cloud, name)
                if machine is not None and machine.gpu_model is not None:
                    found.append(machine)
    return found


def _new_types(view: View, pool: NodePool, cloud: str, known: set[str]) -> list[str]:
    """Types that the requirements name and the catalog does not know, of families that bear accelerators."""
    found: dict[str, None] = {}
    for each in pool.requirements:
        if each.label in _TYPES and each.operator == "In":
            for name in each.values or ():
                if name not in known and view.context.machine(cloud, name) is None:
                    found.update({name: None} if view.context.looks_accelerated(cloud, name) else {})
    return list(found)


def _new_families(view: View, pool: NodePool, cloud: str) -> list[str]:
    """Families that the requirements name, that are named like those with accelerators, and that the catalog does not know."""
    if cloud != "aws":
        return []
    named = [
        name
        for each in pool.requirements
        if each.label == "instance-family" and each.operator == "In"
        for name in each.values or ()
    ]
    if not named:
        return []
    known = {_family(machine) for machine in view.context.accelerated(cloud)}
    return [
        name
        for name in dict.fromkeys(named)
        if name not in known and view.context.looks_accelerated(cloud, f"{name}.48xlarge")
    ]


def _new_models(view: View, pool: NodePool, cloud: str) -> list[str]:
    """Accelerators that the requirements ask for by name and that no machine type in the catalog has."""
    known = {machine.gpu_model or "" for machine in view.context.accelerated(cloud)}
    return [
        name
        for each in pool.requirements
        if each.label in _MODELS and each.operator == "In"
        for name in each.values or ()
        if not any(_is_model(view, name, model) for model in known)
    ]


def _priced(
    view: View, machines: list[InstanceType], cloud: str, region: str | None, purchase: PurchaseModel
) -> list[InstanceType]:
    """Of types that are selected by what they are, those that can be bought so in the region."""
    model = "spot" if purchase == "spot" else "on_demand"
    found = [
        each
        for each in machines
        if region is None
        or isinstance(view.context.price(PriceKey(cloud, "machine", each.sku, region, purchase_model=model)), Price)
    ]
    return found or machines


def _purchase(view: View, pool: NodePool) -> PurchaseModel:
    """How nodes are bought: the dear end of the capacity types that are allowed."""
    allowed = {"reserved", "spot", "on-demand"}
    told = False
    for each in pool.requirements:
        if each.key == _CAPACITY and each.values is not None:
            told = True
            if each.operator == "In":
                allowed &= set(each.values)
            elif each.operator == "NotIn":
                allowed -= set(each.values)
    if not told and pool.defaults:
        return "on_demand"
    if "on-demand" in allowed or not allowed:
        if "spot" in allowed:
            view.note(
                "info",
                "capacity-types",
                "spot and on-demand nodes are allowed: Karpenter takes spot first and falls back to on demand, which is priced",
            )
        return "on_demand"
    if "spot" in allowed:
        return "spot"
    view.note(
        "info",
        "reserved-capacity",
        "its nodes run in capacity reservations only: where those are paid for already, the nodes add nothing",
    )
    return "capacity_reservation"


# -- sizes ----------------------------------------------------------------------------------------------------------------


def _ceiling(view: View, pool: NodePool, machines: list[InstanceType]) -> tuple[tuple[MachineOption, ...], bool]:
    """The types that fit into the limits, weighted by their part of the whole NodePool, and whether there is a ceiling.

    https://karpenter.sh/docs/concepts/nodepools/#speclimits: a type is started as long as it fits into what is left of all
    limits. So many of each type fit, rounded down; the dearest type over all of them is the exposure.
    """
    counts = {each.sku: _fitting(pool, each) for each in machines}
    bounded = [each for each in machines if counts[each.sku] is not None]
    if not bounded:
        return tuple(MachineOption(each.sku) for each in machines), False
    if len(bounded) < len(machines):
        others = sorted({(each.gpu_model or "") for each in machines if counts[each.sku] is None})
        view.note(
            "info",
            "limit-leaves-out",
            f"the limits of NodePool {pool.name or 'without a name'} do not bind types with {', '.join(others[:3])}: their number is"
            " not counted",
        )
    options = [
        MachineOption(each.sku, _SHARES // size + (1 if _SHARES % size else 0))
        for each in bounded
        if (size := counts[each.sku]) is not None and size > 0
    ]
    return tuple(options), True


def _fitting(pool: NodePool, machine: InstanceType) -> Decimal | None:
    """How many machines of a type fit into the limits; None where none of them binds it."""
    found: list[Decimal] = []
    for name, limit in pool.limits.items():
        size, each = quantity(limit), _resource(machine, str(name))
        if isinstance(size, Decimal) and each is not None and each > 0:
            found.append(min(size // each, _SHARES))
    return min(found) if found else None


def _resource(machine: InstanceType, name: str) -> Decimal | None:
    """How much of a resource one machine brings; None where it brings none, or nobody tells."""
    gpus = Decimal(str(machine.gpu_count))
    maker = _maker(machine)
    match name:
        case "cpu":
            return None if machine.vcpus is None else Decimal(str(machine.vcpus))
        case "memory":
            return None if machine.memory_gib is None else Decimal(str(machine.memory_gib)) * 2**30
        case "nodes":
            return Decimal(1)
        case "nvidia.com/gpu":
            return gpus if maker == "nvidia" else None
        case "amd.com/gpu":
            return gpus if maker == "amd" else None
        case "aws.amazon.com/neuron" | "aws.amazon.com/neurondevice":
            return gpus if maker == "aws" else None
        case "aws.amazon.com/neuroncore":
            cores = _NEURON_CORES.get(machine.gpu_model or "")
            return gpus * cores if cores is not None else None
        case "habana.ai/gaudi":
            return gpus if maker == "habana" else None
        case _:
            return None


_NEURON_CORES: Final = {"Inferentia": 4, "Inferentia2": 2, "Trainium": 2, "Trainium2": 8}
"""Cores of a Neuron device (https://awsdocs-neuron.readthedocs-hosted.com/en/latest/about-neuron/arch/neuron-hardware/)."""


def _units(view: View, pool: NodePool, options: tuple[MachineOption, ...], bounded: bool) -> Units:
    if isinstance(pool.replicas, Unknown):
        return Units.fixed(None)
    if pool.replicas is not None:
        return Units.fixed(pool.replicas)
    nodes = count(pool.limits.get("nodes"))
    if not options and pool.limits:  # how many fit depends on a type that is not known
        return Units(Decimal(0), Decimal(0), nodes if isinstance(nodes, Decimal) else None)
    if bounded and all(option.weight > 1 for option in options):
        view.note("info", "node-pool-ceiling", _words(pool))
        return Units(Decimal(0), Decimal(0), _SHARES)
    if isinstance(nodes, Decimal):
        return Units(Decimal(0), Decimal(0), nodes)
    if any(isinstance(quantity(size), Unknown) for size in pool.limits.values()):
        view.note("warning", "unknown-limit", "a limit of the NodePool is known only after apply")
    else:
        view.note(
            "warning",
            "unbounded-node-pool",
            f"NodePool {pool.name or 'without a name'} has no limit that binds its accelerated machines: their number has no ceiling",
            "set limits, such as nvidia.com/gpu or cpu, in the NodePool's spec",
        )
    return Units(Decimal(0), Decimal(0), None)


def _words(pool: NodePool) -> str:
    limits = ", ".join(f"{name} {text_of(size)}" for name, size in sorted(pool.limits.items()) if text_of(size))
    return (
        f"limits of NodePool {pool.name or 'without a name'}: {limits[:200]}; the most is the dearest set of machines of one type"
        " that fits, and nothing runs until pods ask for it"
    )


# -- what comes with a node -----------------------------------------------------------------------------------------------

_AUTO_MODE_FEE: Final = (
    Charge(
        "managed_service",
        "eks-auto-{machine}",
        "EKS Auto Mode management",
        essential=False,
        purchase_model="on_demand",
    ),
)
"""https://aws.amazon.com/eks/pricing/: Auto Mode adds a fee for each machine, the same for spot and on demand."""
_AUTO_MODE_DISK: Final = Decimal(80)
"""GiB of the data volume of an Auto Mode node (https://docs.aws.amazon.com/eks/latest/userguide/create-node-class.html)."""
_UNTOLD: Final = (Disk("boot", "gp3", None),)
_DEFAULT_DISKS: Final = {
    "AL2": (Disk("boot", "gp3", Decimal(20)),),
    "AL2023": (Disk("boot", "gp3", Decimal(20)),),
    "Bottlerocket": (Disk("boot", "gp3", Decimal(4)), Disk("data", "gp3", Decimal(20))),
    "Windows": (Disk("boot", "gp3", Decimal(50)),),
}
"""https://karpenter.sh/docs/concepts/nodeclasses/#specblockdevicemappings."""
_GIB: Final = Decimal(2**30)


def _is_auto_mode(pool: NodePool) -> bool:
    group = (
        text_of(pool.node_class.get("group")) or (text_of(pool.node_class.get("apiVersion")) or "").partition("/")[0]
    )
    return group == _AUTO_MODE or any(each.domain == _AUTO_MODE for each in pool.requirements)


def _disks(view: View, pool: NodePool, cloud: str) -> tuple[Disk, ...]:
    """Volumes of a node by its class; unknown where the plan does not hold the class."""
    if cloud != "aws":
        return ()
    kind = text_of(pool.node_class.get("kind")) or ("NodeClass" if _is_auto_mode(pool) else "EC2NodeClass")
    name = text_of(pool.node_class.get("name")) or ""
    found = inventory_of(view.context, view.side).node_classes.get((kind, name))
    if _is_auto_mode(pool):
        storage = mapping((found or {}).get("ephemeralStorage"))
        size = _number(storage.get("size"))
        return (
            Disk(
                "data",
                "gp3",
                size / _GIB if size else _AUTO_MODE_DISK,
                iops=_number(storage.get("iops")),
                throughput_mibps=_number(storage.get("throughput")),
            ),
        )
    if found is None:
        return _UNTOLD
    mapped = [each for each in items(found.get("blockDeviceMappings"))[:50] if isinstance(each, dict)]
    if not mapped:
        return _DEFAULT_DISKS.get(_image_family(found), _UNTOLD)
    return tuple(_volume(mapping(each.get("ebs")), number) for number, each in enumerate(mapped))


def _volume(ebs: Tree, number: int) -> Disk:
    size = _number(ebs.get("volumeSize"))
    return Disk(
        "data" if number else "boot",
        text_of(ebs.get("volumeType")) or "gp3",
        size / _GIB if size else None,
        iops=_number(ebs.get("iops")),
        throughput_mibps=_number(ebs.get("throughput")),
    )


def _reservation(view: View, pool: NodePool, options: tuple[MachineOption, ...]) -> str | None:
    """The reservation of this plan that the class of nodes selects, by its id or by its tags; it is paid for there.

    https://karpenter.sh/docs/concepts/nodeclasses/#speccapacityreservationselectorterms
    """
    kind, name = text_of(pool.node_class.get("kind")) or "EC2NodeClass", text_of(pool.node_class.get("name")) or ""
    found = inventory_of(view.context, view.side).node_classes.get((kind, name)) or {}
    terms = [each for each in items(found.get("capacityReservationSelectorTerms"))[:50] if isinstance(each, dict)]
    key = ("kubernetes.reservations", kind, name, view.side)
    if key not in view.context.memo:
        selected: dict[str | None, list[str]] = {}
        for each in views(
            view.context, view.side, "aws_ec2_capacity_reservation", "aws_ec2_capacity_block_reservation"
        ):
            if any(_selects(term, each) for term in terms):
                selected.setdefault(each.string("instance_type"), []).append(each.address)
        view.context.memo[key] = selected
    by_type: dict[str | None, list[str]] = view.context.memo[key]
    chosen = [address for sku in {option.sku for option in options} for address in by_type.get(sku, ())[:2]]
    return chosen[0] if len(chosen) == 1 else None


def _selects(term: Tree, reservation: View) -> bool:
    wanted, own = mapping(term.get("tags")), mapping(reservation.known("tags_all") or reservation.known("tags"))
    if text_of(term.get("id")) is not None:
        return bool(text_of(term.get("id")) == reservation.known("id"))
    return bool(wanted) and all(key in own and value in ("*", own[key]) for key, value in wanted.items())


def _image_family(node_class: Tree) -> str:
    """The AMI family, named or as the alias of an image (``al2023@latest``)."""
    aliases = [text for each in items(node_class.get("amiSelectorTerms")) if (text := text_of(inside(each, "alias")))]
    name = text_of(node_class.get("amiFamily")) or (aliases[0].partition("@")[0] if aliases else "AL2023")
    lowered = name.lower()
    return next(
        (family for family in ("AL2023", "AL2", "Bottlerocket", "Windows") if lowered.startswith(family.lower())), ""
    )


def _operating_system(pool: NodePool) -> OperatingSystem:
    wanted = [each.values for each in pool.requirements if each.label == "os" and each.operator == "In" and each.values]
    return "windows" if wanted and all(values == ("windows",) for values in wanted) else "linux"


# -- where ----------------------------------------------------------------------------------------------------------------


def _cloud(view: View, pool: NodePool) -> str:
    """The cloud by the class of nodes, by the keys of the requirements, else the one whose clusters the plan holds."""
    named = [
        text_of(pool.node_class.get("group")) or (text_of(pool.node_class.get("apiVersion")) or "").partition("/")[0],
        *(each.domain for each in pool.requirements),
    ]
    found = next((_DOMAINS[domain] for domain in named if domain in _DOMAINS), None)
    kinds = {"EC2NodeClass": "aws", "AWSNodeTemplate": "aws", "AKSNodeClass": "azure", "GCENodeClass": "gcp"}
    return found or kinds.get(text_of(pool.node_class.get("kind")) or "") or cloud_of_plan(view) or "aws"


def _region(view: View, pool: NodePool, cloud: str) -> str | None:
    """The region that the requirements name, by itself or by zones; else that of the plan's clusters."""
    for keys in (_REGIONS, _ZONES):
        for each in pool.requirements:
            if each.key in keys and each.operator == "In" and each.values:
                places = {
                    view.context.region_of_zone(cloud, value) or (value if keys is _REGIONS else None)
                    for value in each.values
                }
                if len(places) == 1 and (place := places.pop()):
                    return place
    return region_in_plan(view, cloud)
