"""Where Kubernetes nodes run: the cloud and region of the clusters that a plan holds, else of what else it manages there."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Final

from gpuguard.extract.view import View
from gpuguard.read.document import Node

_CLUSTERS: Final = {
    "aws": "aws_eks_cluster",
    "azure": "azurerm_kubernetes_cluster",
    "gcp": "google_container_cluster",
    "coreweave": "coreweave_cks_cluster",
}
_PREFIXES: Final = {"aws": "aws_", "azure": "azurerm_", "gcp": "google_"}
_MOST_LOOKED_AT: Final = 20
_MOST_TYPES: Final = 40


def remember_place(view: View, region: str | None) -> None:
    """Keep where what a resource brings runs, for whoever asks for its region later."""
    view.context.memo["kubernetes.place", id(view.node), view.side] = region


def place(view: View) -> str | None:
    """The region in which a resource brings nodes; None for what only asks for them."""
    found: str | None = view.context.memo.get(("kubernetes.place", id(view.node), view.side))
    return found


def cloud_of_plan(view: View) -> str | None:
    """The only cloud of which the plan holds clusters, or anything at all."""
    having = [cloud for cloud, type_ in _CLUSTERS.items() if _nodes(view, type_)]
    if not having:
        types = view.context.document.types
        having = [cloud for cloud, prefix in _PREFIXES.items() if any(name.startswith(prefix) for name in types)]
    return having[0] if len(having) == 1 else None


def region_in_plan(view: View, cloud: str) -> str | None:
    """The region that all clusters of a cloud share, in the module of the resource or in the plan; without clusters that of
    the first resources of the cloud's provider."""
    key = ("kubernetes.region", cloud, view.node.module_address, view.side)
    if key not in view.context.memo:
        view.context.memo[key] = _region_in_plan(view, cloud)
    found: str | None = view.context.memo[key]
    return found


def _region_in_plan(view: View, cloud: str) -> str | None:
    read = _region_reader(cloud)
    if read is None:
        return None
    clusters = _nodes(view, _CLUSTERS[cloud])[:_MOST_LOOKED_AT]
    beside = [node for node in clusters if node.module_address == view.node.module_address]
    for nodes in (beside, clusters, list(_others(view, cloud))):
        found = _regions(view, nodes, read)
        if found:
            return found.pop() if len(found) == 1 else None
    return None


def _nodes(view: View, type_: str) -> list[Node]:
    document = view.context.document
    return [node for node in (*document.current(type_), *document.data(type_)) if node.values(view.side) is not None]


def _regions(view: View, nodes: list[Node], read: Callable[[View], Any]) -> set[str]:
    found = set()
    for node in nodes:
        if node.values(view.side) is not None:
            place = read(View(view.context, node, view.side, []))
            if isinstance(place, str):
                found.add(place)
    return found


def _others(view: View, cloud: str) -> Iterator[Node]:
    document = view.context.document
    types = [type_ for type_ in document.types if type_.startswith(_PREFIXES[cloud])]
    for type_ in types[:_MOST_TYPES]:
        yield from islice(document.current(type_), 2)


def _region_reader(cloud: str) -> Callable[[View], Any] | None:
    """How a cloud's resources tell their region; its modules are loaded only where it is asked for."""
    if cloud == "aws":
        from gpuguard.extract.providers.aws.common import region as aws

        return aws
    if cloud == "azure":
        from gpuguard.extract.providers.azurerm.common import region as azure

        return azure
    if cloud == "gcp":
        from gpuguard.extract.providers.google.common import region as google

        return google
    return None
