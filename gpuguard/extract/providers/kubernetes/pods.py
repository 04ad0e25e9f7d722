"""What pods ask for: accelerators by resource name, how many of them, and of which model.

Pods are read from decoded objects, whether they come from a manifest, from Helm values or from the blocks of a typed
resource: the shapes are the same.
"""

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

import msgspec

from gpuguard.extract.providers.kubernetes.documents import Tree, inside, items, mapping, quantity, text_of
from gpuguard.extract.view import Context
from gpuguard.model.price import AcceleratorModel
from gpuguard.model.usage import AttachedAccelerator, MachineOption, PoolUsage, Units, Unknown

ASKING: Final = re.compile(
    r"nvidia\.com/|amd\.com/gpu|google\.com/tpu|aws\.amazon\.com/neuron|habana\.ai/gaudi|gpu\.intel\.com/|requestGPU"
    r"|deviceClassName|resourceClaim|\bgpu\.enabled|\bgpu[\"']?:"
)
"""What a text holds that asks for accelerators; all others need no reading."""

_MIG: Final = re.compile(r"nvidia\.com/mig-((\d)g\.\d+gb)")
_RESOURCES: Final = {
    "nvidia.com/gpu": "NVIDIA GPU",
    "nvidia.com/gpu.shared": "NVIDIA GPU",
    "amd.com/gpu": "AMD GPU",
    "google.com/tpu": "TPU chip",
    "aws.amazon.com/neuron": "Neuron device",
    "aws.amazon.com/neurondevice": "Neuron device",
    "aws.amazon.com/neuroncore": "Neuron core",
    "habana.ai/gaudi": "Habana Gaudi",
    "gpu.intel.com/i915": "Intel GPU",
    "gpu.intel.com/xe": "Intel GPU",
}
"""Extended resources that stand for accelerators, and what they are called where nothing tells the model: the NVIDIA, AMD,
Intel and Habana device plugins, AWS Neuron (https://awsdocs-neuron.readthedocs-hosted.com/en/latest/containers/k8s-setup.html)
and Cloud TPU (https://cloud.google.com/kubernetes-engine/docs/how-to/tpus)."""
_DEVICE_CLASSES: Final = {
    "gpu.nvidia.com": "nvidia.com/gpu",
    "gpu.amd.com": "amd.com/gpu",
    "gpu.intel.com": "gpu.intel.com/xe",
    "tpu.google.com": "google.com/tpu",
    "neuron.aws.com": "aws.amazon.com/neuron",
}
"""Device classes of dynamic resource allocation whose devices are whole accelerators (kubernetes.io: dynamic resource allocation)."""

_MODEL_LABELS: Final = (
    "nvidia.com/gpu.product",
    "cloud.google.com/gke-accelerator",
    "cloud.google.com/gke-tpu-accelerator",
    "karpenter.k8s.aws/instance-gpu-name",
    "karpenter.k8s.aws/instance-accelerator-name",
    "eks.amazonaws.com/instance-gpu-name",
    "eks.amazonaws.com/instance-accelerator-name",
    "karpenter.azure.com/sku-gpu-name",
    "k8s.amazonaws.com/accelerator",
    "amd.com/gpu.product-name",
    "gpu.nvidia.com/class",
    "gpu.nvidia.com/model",
    "doks.digitalocean.com/gpu-model",
)
_MACHINE_LABELS: Final = (
    "node.kubernetes.io/instance-type",
    "beta.kubernetes.io/instance-type",
    "karpenter.azure.com/sku-name",
)
PARTITION: Final = "cloud.google.com/gke-gpu-partition-size"
"""Label of GKE's nodes whose GPUs are cut into slices."""
_GKE_CLIENTS: Final = "cloud.google.com/gke-max-shared-clients-per-gpu"
_CLOUDS: Final = ("aws", "gcp", "azure", "oci", "coreweave")
_SHARED_SUFFIX: Final = re.compile(r"-(?:SHARED|MIG-.*)\Z")
_WORD_BREAK: Final = re.compile(r"[-_ ]")


class Pod(msgspec.Struct, frozen=True):
    """What one pod asks for. `asks`: extended resource → how many, Unknown where only apply can tell; `labels`: the
    values of node labels that it may run on; `cpu` in cores and `memory` in bytes, as far as they are told."""

    asks: Mapping[str, Decimal | Unknown]
    labels: Mapping[str, tuple[str, ...]]
    cpu: Decimal = Decimal(0)
    memory: Decimal = Decimal(0)

    def label(self, name: str) -> str | None:
        """The only value of a node label, if the pod names one."""
        values = self.labels.get(name, ())
        return values[0] if len(values) == 1 else None


class Scale(msgspec.Struct, frozen=True):
    """How many there are at least, at first and at most. None: not known, or without a bound."""

    min: Decimal | None = Decimal(1)
    expected: Decimal | None = Decimal(1)
    max: Decimal | None = Decimal(1)

    def times(self, other: "Scale") -> "Scale":
        """So many of what there are so many of."""

        def product(one: Decimal | None, two: Decimal | None) -> Decimal | None:
            if one is None or two is None:
                return Decimal(0) if Decimal(0) in (one, two) else None
            return min(one * two, _MOST_PODS)

        return Scale(product(self.min, other.min), product(self.expected, other.expected), product(self.max, other.max))

    def units(self) -> Units:
        """The same as sizes of a pool."""
        return Units(self.min, self.expected, self.max)


ONE: Final = Scale()
_MOST_PODS: Final = Decimal(1_000_000_000)


def fixed(number: Decimal | None) -> Scale:
    """The same number always."""
    return Scale(number, number, number)


# -- reading --------------------------------------------------------------------------------------------------------------


def is_pod(tree: Tree) -> bool:
    """Whether an object has containers, as the spec of a pod does."""
    found = tree.get("containers")
    return isinstance(found, list) and any(isinstance(each, dict) for each in found)


def read_pod(spec: Tree, claims: Mapping[str, Mapping[str, Decimal]] | None = None) -> Pod:
    """The pod that a pod spec describes. `claims`: what the claim templates ask for, by their name.

    Containers run side by side and add up; of the init containers one runs at a time, but those that stay as sidecars
    (https://kubernetes.io/docs/concepts/workloads/pods/init-containers/#resource-sharing-within-containers).
    """
    together = _Sum()
    largest: dict[str, Decimal | Unknown] = {}
    for container in items(spec.get("containers")):
        together.add(container)
    for container in items(spec.get("initContainers")):
        if inside(container, "restartPolicy") == "Always":
            together.add(container)
        else:
            largest = _larger(largest, _asks_of(container))
    asks = _larger(together.asks, largest)
    for claim in items(spec.get("resourceClaims")):
        template = inside(claim, "resourceClaimTemplateName") or inside(claim, "source", "resourceClaimTemplateName")
        for name, number in (claims or {}).get(str(template), {}).items():
            asks = _plus(asks, {name: number})
    return Pod(asks, node_labels(spec), together.cpu, together.memory)


def read_resources(resources: Tree, holder: Tree) -> Pod:
    """The pod that Helm values or a custom resource describe by its `resources`, with the selectors beside them."""
    together = _Sum()
    together.add({"resources": resources})
    return Pod(together.asks, node_labels(holder), together.cpu, together.memory)


def asks_for_accelerators(resources: Any) -> bool:
    """Whether `resources` of a container name an accelerator, even none of it."""
    return any(
        accelerator_resource(str(name)) for kind in ("limits", "requests") for name in mapping(inside(resources, kind))
    )


def accelerator_resource(name: str) -> bool:
    """Whether an extended resource stands for accelerators."""
    return name in _RESOURCES or _MIG.match(name) is not None


def claimed(tree: Tree) -> dict[str, Decimal]:
    """What a ResourceClaim, or the spec of a template of one, asks for, as extended resources.

    https://kubernetes.io/docs/concepts/scheduling-eviction/dynamic-resource-allocation/: each request names a device
    class and a count, `exactly` since v1beta2; of `firstAvailable` the first.
    """
    found: dict[str, Decimal] = {}
    for request in items(inside(tree, "devices", "requests")):
        for asked in (request, inside(request, "exactly"), *items(inside(request, "firstAvailable"))[:1]):
            name = _DEVICE_CLASSES.get(str(inside(asked, "deviceClassName")))
            if name is not None:
                number = quantity(inside(asked, "count"))
                found[name] = found.get(name, Decimal(0)) + (number if isinstance(number, Decimal) else Decimal(1))
    return found


def node_labels(spec: Tree) -> dict[str, tuple[str, ...]]:
    """Node labels that a pod selects, by `nodeSelector` or by an affinity that is required."""
    found: dict[str, tuple[str, ...]] = {}
    required = inside(spec, "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution")
    for term in items(inside(required, "nodeSelectorTerms")):
        for expression in items(inside(term, "matchExpressions")):
            key, values = inside(expression, "key"), items(inside(expression, "values"))
            if isinstance(key, str) and inside(expression, "operator") == "In":
                texts = tuple(text for value in values if (text := text_of(value)))
                found[key] = tuple(dict.fromkeys((*found.get(key, ()), *texts)))
    for key, value in mapping(spec.get("nodeSelector")).items():
        text = text_of(value)
        if text is not None:
            found[str(key)] = (text,)
    return found


class _Sum:
    """Containers that run side by side."""

    def __init__(self) -> None:
        self.asks: dict[str, Decimal | Unknown] = {}
        self.cpu = self.memory = Decimal(0)

    def add(self, container: Any) -> None:
        self.asks = _plus(self.asks, _asks_of(container))
        resources = inside(container, "resources")
        for name in ("cpu", "memory"):
            number = quantity(inside(resources, "requests", name)) or quantity(inside(resources, "limits", name))
            if isinstance(number, Decimal):
                setattr(self, name, getattr(self, name) + number)


def _asks_of(container: Any) -> dict[str, Decimal | Unknown]:
    """Accelerators of one container: its limits, which its requests must equal
    (https://kubernetes.io/docs/tasks/manage-gpus/scheduling-gpus/)."""
    found: dict[str, Decimal | Unknown] = {}
    for kind in ("requests", "limits"):
        for name, value in mapping(inside(container, "resources", kind)).items():
            if accelerator_resource(str(name)):
                number = quantity(value)
                if number is not None:
                    found[str(name)] = number
    return found


def _plus(one: Mapping[str, Decimal | Unknown], two: Mapping[str, Decimal | Unknown]) -> dict[str, Decimal | Unknown]:
    total = dict(one)
    for name, number in two.items():
        before = total.get(name, Decimal(0))
        total[name] = (
            before + number
            if isinstance(before, Decimal) and isinstance(number, Decimal)
            else before
            if isinstance(before, Unknown)
            else number
        )
    return total


def _larger(one: Mapping[str, Decimal | Unknown], two: Mapping[str, Decimal | Unknown]) -> dict[str, Decimal | Unknown]:
    largest = dict(one)
    for name, number in two.items():
        before = largest.get(name, Decimal(0))
        if isinstance(number, Unknown) or (isinstance(before, Decimal) and number > before):
            largest[name] = number
    return largest


# -- models ---------------------------------------------------------------------------------------------------------------


def model_of(context: Context, pod: Pod) -> AcceleratorModel | None:
    """The accelerator model of the nodes that a pod selects, if all the values it allows mean the same."""
    for label in _MODEL_LABELS:
        models = {model_named(context, value) for value in pod.labels.get(label, ())}
        if len(models) == 1 and (model := models.pop()) is not None:
            return model
    for label in _MACHINE_LABELS:
        models = {_model_of_machine(context, value) for value in pod.labels.get(label, ())}
        if len(models) == 1 and (model := models.pop()) is not None:
            return model
    return None


def model_named(context: Context, name: str) -> AcceleratorModel | None:
    """The model by a cloud's or a driver's name of it: ``Tesla-T4``, ``nvidia-l4``, ``NVIDIA-L4-SHARED``, ``a10g``."""
    plain = _SHARED_SUFFIX.sub("", name)
    found = context.accelerator(plain) or context.accelerator(plain.replace(" ", "-"))
    if found is not None:
        return found
    shortened = _WORD_BREAK.split(plain)
    while len(shortened) > 1:  # H100_NVLINK_80GB, AMD_Instinct_MI300X_OAM: what surrounds the name says no more
        shortened.pop()
        found = context.accelerator("-".join(shortened))
        if found is not None:
            return found
    return None


def _model_of_machine(context: Context, name: str) -> AcceleratorModel | None:
    for cloud in _CLOUDS:
        machine = context.machine(cloud, name)
        if machine is not None:
            return context.accelerator(machine.gpu_model) if machine.gpu_model else None
    return None


def share_of_gpu(context: Context, resource: str, model: AcceleratorModel | None) -> tuple[Decimal, str | None] | None:
    """Which part of a GPU one MIG slice is, and the model, where the profile or the selectors tell it.

    Slices are counted in compute slices, seven or four of which make a GPU: ``1g.10gb`` of an H100 is a seventh
    (https://docs.nvidia.com/datacenter/tesla/mig-user-guide/). Where the profile is one of several GPUs, the larger part.
    """
    match = _MIG.match(resource)
    if match is None:
        return None
    profile, slices = match[1], Decimal(match[2])
    having = [each for each in context.accelerators() if profile in each.mig_profiles.split()]
    if model is not None:
        having = [model] if model in having or not having else [each for each in having if each == model] or having
    wholes = {max(int(name[0]) for name in each.mig_profiles.split()) for each in having if each.mig_profiles} or {7}
    part = min(slices / min(wholes), Decimal(1))
    return part, having[0].model if len(having) == 1 else None


def sharing_clients(pod: Pod) -> Decimal | None:
    """How many pods share a GPU of the nodes that a pod selects on GKE
    (https://cloud.google.com/kubernetes-engine/docs/how-to/timesharing-gpus)."""
    clients = quantity(pod.label(_GKE_CLIENTS))
    return clients if isinstance(clients, Decimal) and clients > 1 else None


# -- demand ---------------------------------------------------------------------------------------------------------------


def demand(context: Context, pod: Pod, scale: Scale, shares: Mapping[str, Decimal]) -> Iterable[PoolUsage]:
    """What pods ask for, as pools that are shown and not billed. `shares`: pods that share one GPU, by resource name."""
    model = model_of(context, pod)
    for resource, number in pod.asks.items():
        if isinstance(number, Decimal) and number <= 0:
            continue
        known = number if isinstance(number, Decimal) else None
        partition = pod.label(PARTITION)
        slice_ = share_of_gpu(context, f"nvidia.com/mig-{partition}" if partition else resource, model)
        name = model.model if model is not None else _RESOURCES.get(resource, "NVIDIA GPU")
        per_pod = known or Decimal(1)
        if slice_ is not None:
            per_pod, name = per_pod * slice_[0], slice_[1] or name
        per_pod /= sharing_clients(pod) or shares.get(resource, Decimal(1))
        yield PoolUsage(
            options=(MachineOption(resource),),
            units=scale.units() if known is not None else Units.fixed(None),
            role="demand",
            accelerators=(AttachedAccelerator(name, per_pod),),
        )
