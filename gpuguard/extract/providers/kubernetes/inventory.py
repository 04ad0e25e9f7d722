"""What the objects of a plan say of each other: autoscalers of workloads, claim templates, classes of nodes, shared GPUs.

Kubernetes links by kind, namespace and name, not by Terraform's references; one look over all objects of a side finds them.
"""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

import msgspec

from gpuguard.extract.providers.kubernetes import sharing
from gpuguard.extract.providers.kubernetes.documents import Tree, count, inside, is_true, mapping, text_of
from gpuguard.extract.providers.kubernetes.objects import MANIFESTS, Object, content_of, embedded_objects, pods_of
from gpuguard.extract.providers.kubernetes.pods import Scale, claimed
from gpuguard.extract.spec import units_of
from gpuguard.extract.view import Context, View
from gpuguard.model.usage import Unknown
from gpuguard.read.document import Node, Side

AUTOSCALERS: Final = (
    "kubernetes_horizontal_pod_autoscaler",
    "kubernetes_horizontal_pod_autoscaler_v1",
    "kubernetes_horizontal_pod_autoscaler_v2",
    "kubernetes_horizontal_pod_autoscaler_v2beta2",
)
NODE_CLASSES: Final = frozenset(("EC2NodeClass", "NodeClass", "AWSNodeTemplate", "AKSNodeClass"))
_ASKS: Final = re.compile(
    rb"nvidia\.com/(?:gpu|mig-)|amd\.com/gpu|google\.com/tpu|aws\.amazon\.com/neuron|habana\.ai/gaudi"
)
_KEDA_MOST: Final = Decimal(100)
"""The largest number of pods of a KEDA ScaledObject that names none (https://keda.sh/docs/latest/reference/scaledobject-spec/)."""

Name = tuple[str, str, str]
"""Kind, namespace and name."""


class Inventory(msgspec.Struct):
    """What one side of a plan holds of Kubernetes. `asks`: whether any workload asks for an accelerator."""

    autoscalers: dict[Name, tuple[Scale, str]] = msgspec.field(default_factory=dict)
    claims: dict[str, dict[str, dict[str, Decimal]]] = msgspec.field(default_factory=dict)
    """Claim templates: namespace → name → what they ask for."""
    node_classes: dict[tuple[str, str], Tree] = msgspec.field(default_factory=dict)
    sharings: dict[str, sharing.Sharing] = msgspec.field(default_factory=dict)
    asks: bool = False

    def bounds(self, kind: str, namespace: str, name: str) -> tuple[Scale, str] | None:
        """Least and most pods of a workload that an autoscaler scales, and the address of that."""
        return self.autoscalers.get((kind, namespace, name)) if name else None

    def shares(self) -> dict[str, Decimal]:
        """How many pods share one GPU, by resource name."""
        return {name: each.pods for name, each in self.sharings.items()}


def inventory_of(context: Context, side: Side) -> Inventory:
    """The inventory of a side, made when something first asks for it."""
    key = ("kubernetes.inventory", side)
    known: Inventory | None = context.memo.get(key)
    if known is None:
        known = context.memo[key] = Inventory()
        _fill(known, context, side)
    return known


def views(context: Context, side: Side, *types: str) -> Iterator[View]:
    """The managed resources of some types that exist on a side."""
    for node in context.document.current(*types):
        if node.values(side) is not None:
            yield View(context, node, side, [])


def _fill(found: Inventory, context: Context, side: Side) -> None:
    for view in views(context, side, *AUTOSCALERS):
        _autoscaler(found, view)
    for view in views(context, side, *sharing.CONFIG_MAPS):
        _share(found, sharing.of_config_map(view))
    for view in views(context, side, *MANIFESTS):
        for outer in content_of(view).objects:
            for item in embedded_objects(outer):
                _object(found, item, view)
    found.asks = found.asks or any(_raw_asks(node, side) for node in _workload_nodes(context))


def _workload_nodes(context: Context) -> Iterator[Node]:
    types = [type_ for type_ in context.document.types if type_.startswith("kubernetes_") and type_ not in MANIFESTS]
    yield from context.document.current(*types)


def _raw_asks(node: Node, side: Side) -> bool:
    return _ASKS.search(bytes(node.raw_after if side == "after" else node.raw_before)) is not None


def _object(found: Inventory, item: Object, view: View) -> None:
    address = view.address
    if item.kind == "HorizontalPodAutoscaler":
        target = mapping(item.spec.get("scaleTargetRef"))
        _scaled(
            found,
            target,
            item,
            _bounds(item.spec.get("minReplicas"), item.spec.get("maxReplicas"), Decimal(1)),
            address,
        )
    elif item.kind == "ScaledObject":
        target = mapping(item.spec.get("scaleTargetRef"))
        low, high = item.spec.get("minReplicaCount"), item.spec.get("maxReplicaCount")
        _scaled(found, target, item, _bounds(low, high, Decimal(0), _KEDA_MOST), address)
    elif item.kind == "ResourceClaimTemplate":
        asked = claimed(mapping(item.spec.get("spec")))
        if asked:
            found.claims.setdefault(item.namespace, {})[item.name] = asked
    elif item.kind in NODE_CLASSES:
        found.node_classes[item.kind, item.name] = item.spec
    elif not found.asks:
        found.asks = any(True for _ in pods_of(item))
    _share(found, sharing.of_object(item, address))


def _share(found: Inventory, sharings: Iterator[sharing.Sharing]) -> None:
    for each in sharings:
        known = found.sharings.get(each.resource)
        if known is None or each.pods < known.pods:  # of several configurations the one that shares least
            found.sharings[each.resource] = each


def _scaled(found: Inventory, target: Tree, item: Object, bounds: Scale, address: str) -> None:
    name = text_of(target.get("name"))
    if name and not is_true(inside(item.tree, "metadata", "annotations", "autoscaling.keda.sh/paused")):
        found.autoscalers[text_of(target.get("kind")) or "Deployment", item.namespace, name] = bounds, address


def _bounds(low: Any, high: Any, least: Decimal, most: Decimal | None = None) -> Scale:
    minimum, maximum = count(low), count(high)
    lowest = None if isinstance(minimum, Unknown) else least if minimum is None else minimum
    highest = None if isinstance(maximum, Unknown) else most if maximum is None else maximum
    return Scale(lowest, lowest, highest)


def _autoscaler(found: Inventory, view: View) -> None:
    """A typed autoscaler. Where only apply can tell its target's name, the reference is followed (see `workloads`)."""
    name = view.string("spec.scale_target_ref.name")
    if not name:
        return
    kind = view.string("spec.scale_target_ref.kind") or "Deployment"
    namespace = view.string("metadata.namespace") or "default"
    found.autoscalers[kind, namespace, name] = typed_bounds(view), view.address


def typed_bounds(view: View) -> Scale:
    """Bounds of a typed autoscaler; the provider's least is 1."""
    low = units_of(view.number("spec.min_replicas"), Decimal(1))
    high = units_of(view.number("spec.max_replicas"), None)
    return Scale(low, low, high)
