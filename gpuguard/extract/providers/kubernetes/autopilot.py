"""GKE Autopilot: pods with accelerators are billed by the nodes that Google starts for them.

https://cloud.google.com/kubernetes-engine/pricing#autopilot_mode: for a pod that selects hardware the price is that of the
Compute Engine machine and its accelerators, plus a premium for each vCPU, GiB and accelerator. Nobody else supplies the
nodes, so what such a pod asks for is supply.
"""

from collections.abc import Iterator
from decimal import ROUND_CEILING, Decimal
from typing import Any, Final

import msgspec

from gpuguard.extract.providers.kubernetes.objects import Found
from gpuguard.extract.providers.kubernetes.pods import Scale, sharing_clients
from gpuguard.extract.view import View
from gpuguard.model.price import InstanceType
from gpuguard.model.usage import AttachedAccelerator, Charge, MachineOption, PoolUsage
from gpuguard.read.document import Node

ACCELERATOR: Final = "cloud.google.com/gke-accelerator"
_SPOT: Final = "cloud.google.com/gke-spot"
_CLUSTER: Final = "google_container_cluster"
_OTHER_CLUSTERS: Final = ("aws_eks_cluster", "azurerm_kubernetes_cluster", "oci_containerengine_cluster")

_SERIES: Final = {
    "nvidia-l4": "g2-standard-",
    "nvidia-rtx-pro-6000": "g4-standard-",
    "nvidia-tesla-a100": "a2-highgpu-",
    "nvidia-a100-80gb": "a2-ultragpu-",
    "nvidia-h100-80gb": "a3-highgpu-",
    "nvidia-h100-mega-80gb": "a3-megagpu-",
    "nvidia-h200-141gb": "a3-ultragpu-",
    "nvidia-b200": "a4-highgpu-",
}
"""Machine series that bear an accelerator (https://cloud.google.com/compute/docs/gpus)."""
ATTACHED: Final = ("nvidia-tesla-t4", "nvidia-tesla-p4", "nvidia-tesla-p100", "nvidia-tesla-v100")
"""Accelerators that are attached to N1 machines."""
_N1: Final = tuple(f"n1-standard-{size}" for size in (1, 2, 4, 8, 16, 32, 64, 96))
_VCPUS_FOR_PODS: Final = Decimal("0.97")
_MEMORY_FOR_PODS: Final = Decimal("0.9")
"""Parts of a machine that are left for pods: one L4 goes with at most 31 of 32 vCPUs and 115 of 128 GiB
(https://cloud.google.com/kubernetes-engine/docs/concepts/autopilot-resource-requests)."""
_GIB: Final = Decimal(2**30)


def supply(view: View, found: Found) -> PoolUsage | None:
    """The nodes that Autopilot starts for pods with an accelerator selector; None where it does not run them."""
    kind = found.pod.label(ACCELERATOR)
    number = found.pod.asks.get("nvidia.com/gpu")
    if kind is None or not isinstance(number, Decimal) or number <= 0 or cluster_of(view) is None:
        return None
    place = region(view)
    needed = found.pod.cpu, found.pod.memory / _GIB
    if kind in ATTACHED:
        machines = [machine for name in _N1 if (machine := view.context.machine("gcp", name)) is not None]
        attached: tuple[AttachedAccelerator, ...] = (AttachedAccelerator(kind, number),)
    else:
        known = view.context.offers("gcp", place) if place else view.context.accelerated("gcp")
        series = _SERIES.get(kind, "")
        machines = [
            each for each in known if series and each.sku.startswith(series) and each.gpu_count == float(number)
        ]
        attached = ()
    machine = _smallest(machines, *needed)
    if machine is None:
        return None
    view.note(
        "info",
        "autopilot-node",
        f"GKE Autopilot chooses the machine: {machine.sku} is the smallest that holds such a pod, one for each",
    )
    spot = found.pod.label(_SPOT) == "true"
    return PoolUsage(
        options=(MachineOption(machine.sku),),
        units=_shared(found.scale, sharing_clients(found.pod)).units(),
        purchase_model="spot" if spot else "on_demand",
        accelerators=attached,
        charges=tuple(_premiums(view, machine, kind, number)),
    )


def _smallest(machines: list[InstanceType], cpu: Decimal, memory: Decimal) -> InstanceType | None:
    fitting = [
        each
        for each in machines
        if each.vcpus is not None
        and each.memory_gib is not None
        and cpu <= Decimal(str(each.vcpus)) * _VCPUS_FOR_PODS
        and memory <= Decimal(str(each.memory_gib)) * _MEMORY_FOR_PODS
    ]
    return min(fitting, key=lambda each: (each.vcpus, each.sku), default=None)


def _shared(scale: Scale, clients: Decimal | None) -> Scale:
    """Nodes for pods of which so many share a GPU."""
    if clients is None:
        return scale

    def nodes(size: Decimal | None) -> Decimal | None:
        return None if size is None else (size / clients).to_integral_value(ROUND_CEILING)

    return Scale(nodes(scale.min), nodes(scale.expected), nodes(scale.max))


def _premiums(view: View, machine: InstanceType, kind: str, number: Decimal) -> Iterator[Charge]:
    """Autopilot's premium on the whole machine, which its pods have for themselves."""
    model = view.context.accelerator(kind)
    name = (model.model if model is not None else kind).lower()
    yield Charge(
        "managed_service", f"gke-autopilot-{name}-premium", f"GKE Autopilot premium, {name}", number, essential=False
    )
    for size, sku, word in (
        (machine.vcpus, "gke-autopilot-vcpu-premium", "vCPU"),
        (machine.memory_gib, "gke-autopilot-memory-gib-premium", "GiB memory"),
    ):
        quantity = Decimal(str(size or 0))
        yield Charge("managed_service", sku, f"GKE Autopilot premium, {word}", quantity, essential=False)


# -- the cluster ----------------------------------------------------------------------------------------------------------


class _Cluster(msgspec.Struct, frozen=True):
    node: Node
    region: str | None


def region(view: View) -> str | None:
    """Region of the Autopilot cluster that runs a workload; None where none does."""
    cluster = cluster_of(view)
    return cluster.region if cluster is not None else None


def cluster_of(view: View) -> _Cluster | None:
    """The Autopilot cluster that a resource's provider talks to: the one it names, else the only ones of the plan."""
    key = ("kubernetes.autopilot", view.context.resolver.provider_key(view.node), view.side)
    if key not in view.context.memo:
        view.context.memo[key] = _find_cluster(view)
    found: _Cluster | None = view.context.memo[key]
    return found


def _find_cluster(view: View) -> _Cluster | None:
    document = view.context.document
    clusters = [
        View(view.context, node, view.side, [])
        for node in (*document.current(_CLUSTER), *document.data(_CLUSTER))
        if node.values(view.side) is not None
    ]
    if not clusters:
        return None
    named = _named(view, clusters)
    if named:
        clusters = named
    elif any(node.values(view.side) is not None for node in document.current(*_OTHER_CLUSTERS)):
        return None
    if not all(cluster.flag("enable_autopilot") for cluster in clusters):
        return None
    from gpuguard.extract.providers.google.common import region as region_of_cluster

    regions = {str(found) for cluster in clusters if (found := region_of_cluster(cluster))}
    return _Cluster(clusters[0].node, regions.pop() if len(regions) == 1 else None)


def _named(view: View, clusters: list[View]) -> list[View]:
    """The clusters that the configuration of the resource's provider refers to."""
    configuration = view.context.document.configuration
    key = view.context.resolver.provider_key(view.node)
    block = configuration.providers.get(key) if key else None
    if block is None:
        return []
    told = tuple(dict.fromkeys(_references(configuration.expressions(block.expressions))))
    return [cluster for cluster in clusters if any(_is_or_is_in(each, _place_of(cluster)) for each in told)]


def _place_of(cluster: View) -> str:
    """How a provider block refers to a cluster: by itself, or by an output of the module it is in."""
    node = cluster.node
    module = node.module_address.split("[", 1)[0]
    return module or f"{'data.' if node.mode == 'data' else ''}{_CLUSTER}.{node.name}"


def _is_or_is_in(reference: str, name: str) -> bool:
    return reference == name or reference.startswith((f"{name}.", f"{name}["))


def _references(expressions: Any) -> Iterator[str]:
    pending = [expressions]
    while pending:
        current = pending.pop()
        if isinstance(current, dict):
            references = current.get("references")
            if isinstance(references, list):
                yield from (each for each in references if isinstance(each, str))
            pending.extend(value for name, value in current.items() if name != "references")
        elif isinstance(current, list):
            pending.extend(current)
