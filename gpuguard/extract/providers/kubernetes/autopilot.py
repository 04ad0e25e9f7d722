"""GKE Autopilot: pods with accelerators are billed by the nodes that Google starts for them.

https://cloud.google.com/kubernetes-engine/pricing#autopilot_mode: for a pod that selects hardware the price is that of the
Compute Engine machine and its accelerators, plus a premium for each vCPU, GiB and accelerator. Nobody else supplies the
nodes, so what such a pod asks for is supply.
"""

import re
from collections.abc import Iterator
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from math import prod
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from gpuguard.extract.providers.kubernetes.objects import Found
from gpuguard.extract.providers.kubernetes.pods import PARTITION, Pod, Scale, share_of_gpu, sharing_clients
from gpuguard.extract.view import View
from gpuguard.model.price import InstanceType
from gpuguard.model.usage import AttachedAccelerator, Charge, MachineOption, PoolUsage, PurchaseModel, Unknown
from gpuguard.read.document import Node

ACCELERATOR: Final = "cloud.google.com/gke-accelerator"
_TPU: Final = "cloud.google.com/gke-tpu-accelerator"
_TOPOLOGY: Final = "cloud.google.com/gke-tpu-topology"
_SPOT: Final = "cloud.google.com/gke-spot"
_FLEX_START: Final = "cloud.google.com/gke-flex-start"
_RESERVATION: Final = "cloud.google.com/reservation-name"
_SIZES: Final = re.compile(r"\d{1,4}(?:x\d{1,4}){1,2}\Z")
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
    "nvidia-gb200": "a4x-highgpu-",
    "nvidia-gb300": "a4x-maxgpu-",
    "tpu-v3-device": "ct3-hightpu-",
    "tpu-v3-slice": "ct3p-hightpu-",
    "tpu-v4-podslice": "ct4p-hightpu-",
    "tpu-v5-lite-device": "ct5l-hightpu-",
    "tpu-v5-lite-podslice": "ct5lp-hightpu-",
    "tpu-v5p-slice": "ct5p-hightpu-",
    "tpu-v6e-slice": "ct6e-standard-",
    "tpu7x": "tpu7x-standard-",
}
"""Machine series that bear an accelerator (https://cloud.google.com/compute/docs/gpus,
https://cloud.google.com/kubernetes-engine/docs/concepts/plan-tpus)."""
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
    kind, number = found.pod.label(ACCELERATOR), found.pod.asks.get("nvidia.com/gpu")
    if kind is None:
        kind, number = found.pod.label(_TPU), found.pod.asks.get("google.com/tpu")
    if kind is None or number is None or number == 0 or cluster_of(view) is None:
        return None
    pool = PoolUsage(
        options=(),
        units=_nodes(view, found, number).units(),
        purchase_model=_purchase(found.pod),
        covered_by=_reservation(view, found.pod),
    )
    if isinstance(number, Unknown):
        return replace(
            pool, unknown=Unknown("how many accelerators a pod asks for is known only after apply", _UNKNOWN)
        )
    machine = _machine(view, found.pod, kind, number)
    if machine is None:
        return replace(
            pool,
            unknown=Unknown(
                f"no machine type is known that has {number.normalize():f} × {kind} and holds such a pod", _UNKNOWN
            ),
        )
    view.note(
        "info",
        "autopilot-node",
        f"GKE Autopilot chooses the machine: {machine.sku} is the smallest that holds such a pod, one for each",
    )
    return replace(
        pool,
        options=(MachineOption(machine.sku),),
        accelerators=(AttachedAccelerator(kind, number),) if kind in ATTACHED else (),
        charges=tuple(_premiums(view, machine, kind, number)),
    )


_UNKNOWN: Final = "unknown-machine-type"


def _machine(view: View, pod: Pod, kind: str, number: Decimal) -> InstanceType | None:
    """The smallest machine for a pod; of those that the region is not known to offer only where it offers none."""
    needed = pod.cpu, pod.memory / _GIB
    if kind in ATTACHED:
        return _smallest([each for name in _N1 if (each := view.context.machine("gcp", name)) is not None], *needed)
    series, place = _SERIES.get(kind), region(view)
    for known in (view.context.offers("gcp", place) if place else (), view.context.accelerated("gcp")):
        bearing = [each for each in known if series and each.sku.startswith(series) and each.gpu_count == float(number)]
        if bearing:
            return _smallest(bearing, *needed)
    return None


def _purchase(pod: Pod) -> PurchaseModel:
    """https://cloud.google.com/kubernetes-engine/docs/how-to/consuming-reservations and …/concepts/dws for the selectors."""
    if pod.label(_SPOT) == "true":
        return "spot"
    if pod.label(_FLEX_START) == "true":
        return "flex_start"
    return "capacity_reservation" if pod.label(_RESERVATION) else "on_demand"


def _reservation(view: View, pod: Pod) -> str | None:
    """The reservation of this plan that a pod selects by name; it is paid for there."""
    name = pod.label(_RESERVATION)
    if name is None or pod.label(_SPOT) == "true":
        return None
    nodes = view.context.document.current("google_compute_reservation")
    found = [node.address for node in nodes if (node.values(view.side) or {}).get("name") == name]
    return found[0] if len(found) == 1 else None


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


def _nodes(view: View, found: Found, number: Decimal | Unknown) -> Scale:
    """Nodes for pods: as many, fewer where they share a GPU or run on parts of one, and always whole slices of TPUs."""
    pod = found.pod
    pods_per_node = sharing_clients(pod) or Decimal(1)
    partition = pod.label(PARTITION)
    part = share_of_gpu(view.context, f"nvidia.com/mig-{partition}", None) if partition else None
    if part is not None:
        pods_per_node *= (1 / part[0]).to_integral_value(ROUND_FLOOR)
    hosts = Decimal(1)
    topology = pod.label(_TOPOLOGY) or ""
    if isinstance(number, Decimal) and _SIZES.match(topology):
        # a slice is started whole: https://cloud.google.com/kubernetes-engine/docs/concepts/plan-tpus#topology
        hosts = max(Decimal(prod(map(int, topology.split("x")))) // number, hosts)

    def nodes(size: Decimal | None) -> Decimal | None:
        if size is None:
            return None
        return (size / pods_per_node / hosts).to_integral_value(ROUND_CEILING) * hosts

    return Scale(nodes(found.scale.min), nodes(found.scale.expected), nodes(found.scale.max))


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
