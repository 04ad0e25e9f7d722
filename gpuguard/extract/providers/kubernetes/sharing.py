"""GPUs that several pods share: time slicing and MPS of NVIDIA's device plugin.

It divides what a workload costs, never what a node costs: the sharing is told, and demand is shown in whole GPUs.
"""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

import msgspec

from gpuguard.extract.providers.kubernetes.documents import (
    Tree,
    count,
    inside,
    items,
    mapping,
    read_yaml,
    text_of,
    walk,
)
from gpuguard.extract.providers.kubernetes.objects import Object
from gpuguard.extract.spec import Companion, ResourceSpec
from gpuguard.extract.view import View

CONFIG_MAPS: Final = ("kubernetes_config_map", "kubernetes_config_map_v1", "kubernetes_config_map_v1_data")

_WAYS: Final = {"timeSlicing": "time slicing", "mps": "MPS"}
_MIG_LABEL: Final = "nvidia.com/mig.config"
_MIG_LAYOUT: Final = re.compile(r"all-(?:balanced|\d[\w.+]{1,20})")
_MOST = Decimal(1000)
_LONGEST: Final = 200_000


class Sharing(msgspec.Struct, frozen=True):
    """So many pods share one GPU of a resource, in a way, by a configuration in a Terraform resource."""

    resource: str
    pods: Decimal
    way: str
    address: str


def sharings(tree: Any, address: str) -> Iterator[Sharing]:
    """The sharing that a device plugin's configuration describes, wherever it stands in an object or in values.

    https://github.com/NVIDIA/k8s-device-plugin#shared-access-to-gpus: `sharing.timeSlicing` or `sharing.mps` with
    `resources`; where `renameByDefault` is set, the shares are ``nvidia.com/gpu.shared``.
    """
    for path, value in walk(tree):
        if path and path[-1] == "sharing" and isinstance(value, dict):
            yield from _described(value, address)
        elif isinstance(value, str) and "sharing" in value and ":" in value and len(value) <= _LONGEST:
            for inner in _parsed(value):
                for inner_path, config in walk(inner):
                    if inner_path and inner_path[-1] == "sharing" and isinstance(config, dict):
                        yield from _described(config, address)


def _parsed(text: str) -> list[Any]:
    try:
        return read_yaml(text)
    except ValueError:
        return []


def _described(sharing: Tree, address: str) -> Iterator[Sharing]:
    for key, way in _WAYS.items():
        described = mapping(sharing.get(key))
        for each in items(described.get("resources")):
            name, number = text_of(inside(each, "name")), count(inside(each, "replicas"))
            if name and isinstance(number, Decimal) and 1 < number <= _MOST:
                shared = text_of(inside(each, "rename")) or (
                    f"{name}.shared" if described.get("renameByDefault") is True else name
                )
                yield Sharing(shared, number, way, address)


def of_config_map(view: View) -> Iterator[Sharing]:
    """The sharing in the data of a ConfigMap."""
    data = view.known("data")
    if isinstance(data, dict):
        yield from sharings(data, view.address)


def of_object(item: Object, address: str) -> Iterator[Sharing]:
    """The sharing in a manifest of a ConfigMap, or in the values of the GPU operator or the device plugin."""
    if item.values or item.kind in ("ConfigMap", "Application", "ClusterPolicy"):
        yield from sharings(item.tree, address)


def mig_layout(tree: Any) -> str | None:
    """The layout that GPUs are cut into by NVIDIA's MIG manager (``all-1g.10gb``), by a node label or by its default
    (https://docs.nvidia.com/datacenter/cloud-native/gpu-operator/latest/gpu-operator-mig.html)."""
    for path, value in walk(tree):
        named = path[-1:] == (_MIG_LABEL,) or path[-3:] == ("migManager", "config", "default")
        if named and isinstance(value, str) and _MIG_LAYOUT.fullmatch(value):
            return value
    return None


def words(shared: Sharing) -> str:
    """What a reader is told."""
    return (
        f"{shared.pods.normalize():f} pods share one GPU ({shared.resource}, {shared.way}, {shared.address}): it divides what "
        "a workload costs, not what a node costs"
    )


SPECS: tuple[ResourceSpec, ...] = ()

_ASKING_TYPES = (
    "kubernetes_deployment",
    "kubernetes_deployment_v1",
    "kubernetes_stateful_set",
    "kubernetes_stateful_set_v1",
    "kubernetes_manifest",
    "kubectl_manifest",
    "helm_release",
)

COMPANIONS: tuple[Companion, ...] = tuple(
    Companion(
        type=type_,
        of=_ASKING_TYPES,
        reads=("data",),
        says="how many pods share one GPU, where it configures NVIDIA's device plugin",
        source="kubernetes provider: kubernetes_config_map_v1; NVIDIA device plugin: shared access to GPUs",
    )
    for type_ in CONFIG_MAPS
)
