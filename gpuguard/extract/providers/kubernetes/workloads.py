"""Workloads: pods that ask for accelerators, which is demand and no supply.

Nodes supply what pods ask for, and nodes are billed; so demand is shown and costs nothing by itself. The exception is GKE
Autopilot, which bills for pods (see `autopilot`).
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from msgspec.structs import replace

from gpuguard.extract.common import string_tags
from gpuguard.extract.providers.kubernetes import autopilot, sharing
from gpuguard.extract.providers.kubernetes.documents import Tree, items, mapping
from gpuguard.extract.providers.kubernetes.inventory import AUTOSCALERS, Inventory, inventory_of, typed_bounds
from gpuguard.extract.providers.kubernetes.objects import Found, Object, pods_of
from gpuguard.extract.providers.kubernetes.places import place, remember_place
from gpuguard.extract.providers.kubernetes.pods import Scale, accelerator_resource, demand
from gpuguard.extract.spec import Companion, Extracted, ResourceSpec
from gpuguard.extract.view import View
from gpuguard.model.usage import PoolUsage, Units, Unknown
from gpuguard.read.references import is_unknown, walk

# -- demand of any object -------------------------------------------------------------------------------------------------


def demand_of(view: View, item: Object, scaled: tuple[Scale, str] | None = None) -> list[PoolUsage]:
    """What the pods of an object ask for; billed where GKE Autopilot runs them. `scaled`: bounds of an autoscaler."""
    known = inventory_of(view.context, view.side)
    bounds = scaled or known.bounds(item.kind, item.namespace, item.name)
    found = list(pods_of(item, known.claims.get(item.namespace), bounds[0] if bounds else None))
    pools: list[PoolUsage] = []
    for each in found:
        billed = autopilot.supply(view, each)
        pools.extend((billed,) if billed is not None else demand(view.context, each.pod, each.scale, known.shares()))
    pools = alike_together(pools)
    if pools and any(_may_run(pool) for pool in pools):
        _tell(view, item, found, known, bounds, billed=any(pool.role == "supply" for pool in pools))
    return pools


def alike_together(pools: Iterable[PoolUsage]) -> list[PoolUsage]:
    """Pools that differ in nothing but their number, as one."""
    found: dict[PoolUsage, PoolUsage] = {}
    for pool in pools:
        bare = replace(pool, units=_NONE)
        before = found[bare].units if bare in found else _NONE
        found[bare] = replace(pool, units=_together(before, pool.units))
    return list(found.values())


_NONE: Final = Units.fixed(0)
_UNTIL_DONE: Final = frozenset(
    ("Job", "JobSet", "MPIJob", "Pod", "PyTorchJob", "RayJob", "TFJob", "Workflow", "CronJob", "CronWorkflow")
)


def _together(one: Units, two: Units) -> Units:
    def add(a: Decimal | None, b: Decimal | None) -> Decimal | None:
        return None if a is None or b is None else a + b

    return Units(add(one.min, two.min), add(one.expected, two.expected), add(one.max, two.max))


def _may_run(pool: PoolUsage) -> bool:
    return any(each.count > 0 for each in pool.accelerators) or pool.role == "supply"


def _tell(
    view: View, item: Object, found: list[Found], known: Inventory, bounds: tuple[Scale, str] | None, *, billed: bool
) -> None:
    if bounds is not None:
        view.note("info", "autoscaled-pods", f"{bounds[1]} says how many pods there are at least and at most")
    if item.kind == "DaemonSet":
        view.note("info", "pods-per-node", "a DaemonSet runs one pod on each node that fits: their number is not known")
    if billed and item.kind in _UNTIL_DONE:
        view.note(
            "info",
            "runs-until-done",
            "its pods run until their work is done, and are billed so long: a whole month is counted",
        )
    if item.kind in ("CronJob", "CronWorkflow"):
        view.note("info", "pods-at-times", "it starts pods at times only; at rest it asks for nothing")
    if item.values and not all(each.told for each in found):
        view.note(
            "info",
            "assumed-pods",
            "the values of the chart name no number of pods: one is assumed, the chart may start more",
        )
    asked = {name for each in found for name in each.pod.asks}
    if any(isinstance(number, Unknown) for each in found for number in each.pod.asks.values()):
        view.note("info", "unknown-demand", "how many accelerators a pod asks for is known only after apply")
    for name in sorted(asked & known.sharings.keys()):
        view.note("info", "gpu-sharing", sharing.words(known.sharings[name]))


# -- typed resources ------------------------------------------------------------------------------------------------------

_KINDS: Final = {
    "kubernetes_deployment": "Deployment",
    "kubernetes_deployment_v1": "Deployment",
    "kubernetes_stateful_set": "StatefulSet",
    "kubernetes_stateful_set_v1": "StatefulSet",
    "kubernetes_daemonset": "DaemonSet",
    "kubernetes_daemon_set_v1": "DaemonSet",
    "kubernetes_job": "Job",
    "kubernetes_job_v1": "Job",
    "kubernetes_cron_job": "CronJob",
    "kubernetes_cron_job_v1": "CronJob",
    "kubernetes_pod": "Pod",
    "kubernetes_pod_v1": "Pod",
    "kubernetes_replication_controller": "ReplicationController",
    "kubernetes_replication_controller_v1": "ReplicationController",
}
_POD_PATH: Final = {"Pod": "spec", "CronJob": "spec.job_template.spec.template.spec"}


def workload(view: View) -> Extracted:
    """A workload written as blocks."""
    kind = _KINDS[view.node.type]
    pod = _pod_tree(view, _POD_PATH.get(kind, "spec.template.spec"))
    if pod is None:
        return Extracted(())
    item = Object(_object(view, kind, pod), "spec")
    if not any(True for _ in pods_of(item)):
        return Extracted(())
    scaled = _autoscaler_behind(view)
    pools = demand_of(view, item, scaled)
    via = [
        bounds[1]
        for bounds in (scaled or inventory_of(view.context, view.side).bounds(kind, item.namespace, item.name),)
        if bounds
    ]
    supply = any(pool.role == "supply" for pool in pools)
    remember_place(view, autopilot.region(view) if supply else None)
    return Extracted(tuple(pools), via=tuple(via), cloud="gcp" if supply else None)


def _object(view: View, kind: str, pod: Tree) -> Tree:
    """The same workload as a manifest, as far as it is read."""
    spec: Tree
    if kind == "Pod":
        spec = pod
    elif kind == "CronJob":
        spec = {"jobTemplate": {"spec": {"template": {"spec": pod}, **_sizes(view, "spec.job_template.spec")}}}
    else:
        spec = {"template": {"spec": pod}, **_sizes(view, "spec")}
    metadata = {"name": view.string("metadata.name"), "namespace": view.string("metadata.namespace") or "default"}
    return {"kind": kind, "apiVersion": "v1", "metadata": metadata, "spec": spec}


def _sizes(view: View, path: str) -> Tree:
    """Replica counts of a block; without any there is one pod, and a Job runs no more pods than it has completions."""
    block = view.block(path)
    found: Tree = {}
    for name in ("replicas", "parallelism", "completions"):
        value = block.number(name) if block is not None else None
        if value is not None:
            found[name] = value if isinstance(value, Unknown) else int(value)
    return found


def _pod_tree(view: View, path: str) -> Tree | None:
    """The pod spec at a path, in the words of a manifest: containers with their resources, and the selectors."""
    block = view.block(path)
    if block is None:
        return None
    known = {kind: [_container(each) for each in block.blocks(kind)] for kind in ("container", "init_container")}
    if not any(each["resources"] for containers in known.values() for each in containers):
        return None
    return {
        "containers": known["container"],
        "initContainers": known["init_container"],
        "nodeSelector": mapping(block.known("node_selector")),
        "affinity": _affinity(block),
    }


def _container(block: View) -> Tree:
    resources = {name: found for name in ("limits", "requests") if (found := _amounts(block, f"resources.{name}"))}
    return {"resources": resources, "restartPolicy": block.known("restart_policy")}


def _amounts(block: View, path: str) -> Tree:
    """A map of resources, with `Unknown` where only apply can tell an amount."""
    found = dict(mapping(block.known(path)))
    if block.side == "after":
        node = block.node
        full = (*block.prefix, *path.split("."))
        for name in mapping(walk(node.after_unknown, full)):
            if accelerator_resource(name) and is_unknown(node.after_unknown, (*full, name)):
                values = block.context.resolver.values(node, (*full, name))
                found[name] = values[0] if len(values) == 1 else Unknown("known only after apply")
    return found


def _affinity(block: View) -> Tree:
    required = "affinity.node_affinity.required_during_scheduling_ignored_during_execution"
    terms = [
        {
            "matchExpressions": [
                {"key": each.known("key"), "operator": each.known("operator"), "values": items(each.known("values"))}
                for each in term.blocks("match_expressions")
            ]
        }
        for term in block.blocks(f"{required}.node_selector_term")
    ]
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}}


def _autoscaler_behind(view: View) -> tuple[Scale, str] | None:
    """The typed autoscaler that refers to this workload, whatever its name turns out to be."""
    for each in view.referring(AUTOSCALERS, "spec.scale_target_ref.name"):
        if (each.string("spec.scale_target_ref.kind") or "Deployment") == _KINDS[view.node.type]:
            return typed_bounds(each), each.address
    return None


def labels(view: View) -> dict[str, str]:
    """The labels of the object."""
    return string_tags(view, "metadata.labels")


_READS = (
    "metadata",
    "spec.template.spec.container.resources.limits",
    "spec.template.spec.container.resources.requests",
    "spec.template.spec.init_container",
    "spec.template.spec.node_selector",
    "spec.template.spec.affinity",
)
_SIZES_READ: Final = {
    "Deployment": ("spec.replicas",),
    "StatefulSet": ("spec.replicas",),
    "ReplicationController": ("spec.replicas",),
    "Job": ("spec.parallelism", "spec.completions"),
}
_ASSUMES: Final = {
    "Deployment": "Without replicas there is one pod; an autoscaler that scales it gives its bounds.",
    "StatefulSet": "Without replicas there is one pod; an autoscaler that scales it gives its bounds.",
    "ReplicationController": "Without replicas there is one pod.",
    "DaemonSet": "It runs one pod on each node that fits: how many is not known.",
    "Job": "Without parallelism one pod runs at a time, and never more than there are completions.",
    "CronJob": "At rest it asks for nothing; at most one of its jobs runs.",
    "Pod": "One pod.",
}


def _reads(kind: str) -> tuple[str, ...]:
    prefix = _POD_PATH.get(kind, "spec.template.spec")
    sizes = _SIZES_READ.get(kind, ())
    if kind == "CronJob":
        sizes = ("spec.job_template.spec.parallelism", "spec.job_template.spec.completions")
    return (*(path.replace("spec.template.spec", prefix) for path in _READS), *sizes)


def _source(type_: str) -> str:
    return f"kubernetes provider: {type_}; Kubernetes: schedule GPUs, init containers"


SPECS: tuple[ResourceSpec, ...] = tuple(
    ResourceSpec(
        type=type_,
        cloud="kubernetes",
        extract=workload,
        region=place,
        tags=labels,
        reads=_reads(kind),
        prices=("nothing: the nodes supply the accelerators and are billed; pods on GKE Autopilot are",),
        leaves_out=("GPUs that a device plugin counts in other units than GPUs, MIG slices or shares",),
        assumes=(
            _ASSUMES[kind],
            "A MIG slice is as many sevenths (or quarters) of a GPU as its profile says.",
        ),
        source=_source(type_),
    )
    for type_, kind in _KINDS.items()
)

COMPANIONS: tuple[Companion, ...] = tuple(
    Companion(
        type=type_,
        of=(
            "kubernetes_deployment",
            "kubernetes_deployment_v1",
            "kubernetes_stateful_set",
            "kubernetes_stateful_set_v1",
            "kubernetes_replication_controller",
            "kubernetes_replication_controller_v1",
            "kubernetes_manifest",
            "kubectl_manifest",
        ),
        reads=("metadata.namespace", "spec.scale_target_ref", "spec.min_replicas", "spec.max_replicas"),
        says="least and most pods of the workload it scales",
        source=f"kubernetes provider: {type_}",
    )
    for type_ in AUTOSCALERS
)
