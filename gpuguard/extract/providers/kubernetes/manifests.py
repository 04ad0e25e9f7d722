"""Manifests in text or objects: kubernetes_manifest, kubectl_manifest, helm_release.

What an object is decides what it means: NodePools supply nodes, workloads ask for accelerators, all else holds neither. An
object of a kind that nobody reads and that names an accelerated machine type is told.
"""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from gpuguard.extract.providers.kubernetes import autopilot, karpenter, nodepools, sharing
from gpuguard.extract.providers.kubernetes.documents import count, inside, items, mapping, text_of, walk
from gpuguard.extract.providers.kubernetes.inventory import NODE_CLASSES, inventory_of
from gpuguard.extract.providers.kubernetes.karpenter import Supply
from gpuguard.extract.providers.kubernetes.objects import Object, content_of, embedded_objects
from gpuguard.extract.providers.kubernetes.places import cloud_of_plan, place, region_in_plan, remember_place
from gpuguard.extract.providers.kubernetes.pods import accelerator_resource
from gpuguard.extract.providers.kubernetes.workloads import alike_together, demand_of
from gpuguard.extract.spec import Companion, Extracted, ResourceSpec
from gpuguard.extract.sweep import CODE, machine_type_in
from gpuguard.extract.view import SENSITIVE, View
from gpuguard.model.usage import PoolUsage, Units, Unknown
from gpuguard.read.references import is_marked

_NATIVE: Final = re.compile(
    r"(?:|apps|batch|autoscaling|policy|extensions|(?:.+\.)?k8s\.io|kubernetes\.io|argoproj\.io|kyverno\.io|.+\.gatekeeper\.sh"
    r"|keda\.sh|karpenter\..+|eks\.amazonaws\.com|cloud\.google\.com|compute\.coreweave\.com|monitoring\.coreos\.com|ray\.io"
    r"|kubeflow\.org|serving\.kserve\.io|.+\.knative\.dev|nvidia\.com|apps\.nvidia\.com|kueue\.x-k8s\.io|jobset\.x-k8s\.io"
    r"|leaderworkerset\.x-k8s\.io|cert-manager\.io|helm\..+|source\..+|kustomize\..+|.*istio\.io|cilium\.io)\Z"
)
"""API groups whose objects start no machines themselves, or are read. Others (Cluster API, Crossplane, the clouds' own
controllers) may."""
_MACHINE_KEY: Final = re.compile(
    r"(?i)^(?:[a-z]*[-_]?)(?:(?:instance|machine|vm|sku)[-_]?(?:types?|sizes?|famil(?:y|ies)|names?)|instances|families)\Z"
)
_FAMILY_KEY: Final = re.compile(r"(?i)famil(?:y|ies)\Z")
_PLACING: Final = re.compile(r"(?i)selector|affinity|toleration|labels?\Z|annotations?\Z")
_LARGE_CLOUDS: Final = ("aws", "azure", "gcp", "oci")
_POOL_WORDS: Final = re.compile(r"node[-_ ]?pools?|provisioners?")
_CLASS_WORDS: Final = re.compile(r"node[-_ ]?(?:class|template)")
_GPU_WORDS: Final = re.compile(
    r"(?:^|[^a-z])(?:gpus?|nvidia|accelerat\w*|neuron|trn\d|inf\d|[ablh]\d{1,3}s?|a10g|t4)(?:$|[^a-z0-9])"
)


def manifest(view: View) -> Extracted:
    """A manifest or release: what its objects supply, and what they ask for."""
    content = content_of(view)
    supplies: list[Supply] = []
    pools: list[PoolUsage] = []
    for outer in content.objects:
        for item in embedded_objects(outer):
            supplies.extend(_supplies(view, item))
            pools.extend(demand_of(view, item))
            _remark(view, item)
    if content.unreadable and view.side == "after":
        view.remark(
            "warning",
            "unreadable-manifest",
            "its text speaks of accelerators and is no YAML that can be read: what it starts or asks for is not known",
        )
    if content.hidden and view.side == "after":
        supplies.extend(_hidden(view))
    billed = next((supply for supply in supplies if supply.pools), None)
    pools = alike_together(pools)
    autopiloted = any(pool.role == "supply" for pool in pools)
    cloud = billed.cloud if billed else "gcp" if autopiloted else None
    remember_place(view, billed.region if billed else autopilot.region(view) if autopiloted else None)
    via = _scaled_by(view, pools, content.objects)
    return Extracted((*(pool for each in supplies for pool in each.pools), *pools), via=via, cloud=cloud)


def _supplies(view: View, item: Object) -> Iterator[Supply]:
    sensitive = _is_sensitive(view, item)
    for pool in karpenter.node_pools(item):
        found = karpenter.supply_of(view, pool, item.path, sensitive=sensitive)
        if found is not None:
            yield found
    other = nodepools.supply_of(view, item)
    if other is not None:
        yield other


def _is_sensitive(view: View, item: Object) -> bool:
    """Whether what names the machine types is marked as sensitive. kubectl_manifest marks all texts, and shows them parsed."""
    if view.node.type == "kubectl_manifest":
        return False
    marks = view.node.sensitive(view.side)
    if view.node.type == "helm_release" and any(is_marked(marks, (name,)) for name in ("set", "set_list")):
        return True
    steps = ("spec", "template", "spec", "requirements") if view.node.type == "kubernetes_manifest" else ()
    return is_marked(marks, (item.path, *steps))


def _scaled_by(view: View, pools: list[PoolUsage], objects: tuple[Object, ...]) -> tuple[str, ...]:
    """Addresses of the autoscalers in other resources that scale what this one holds."""
    if not pools:
        return ()
    known = inventory_of(view.context, view.side)
    found = (known.bounds(item.kind, item.namespace, item.name) for item in objects)
    return tuple(dict.fromkeys(each[1] for each in found if each is not None and each[1] != view.address))


# -- what is told of other objects ------------------------------------------------------------------------------------------


def _remark(view: View, item: Object) -> None:
    if view.side != "after":
        return
    for each in sharing.of_object(item, view.address):
        view.remark("info", "gpu-sharing", sharing.words(each))
    layout = sharing.mig_layout(item.tree) if item.values or item.kind == "NodePool" else None
    if layout is not None:
        shown = SENSITIVE if _is_sensitive(view, item) else layout
        view.remark(
            "info", "gpu-sharing", f"MIG cuts the GPUs into slices ({shown}): several pods share one; its cost stays"
        )
    if item.values and not any(True for _ in karpenter.node_pools(item)):
        _remark_values(view, item)
    if item.kind == "ClusterQueue":
        _remark_quota(view, item)
    elif item.group and not _NATIVE.match(item.group) and item.kind not in NODE_CLASSES:
        found = machine_type_in(item.tree, view.context.machine) or _attached_in(view, item)
        if found is not None:
            path, name, model = found
            if view.node.type != "kubectl_manifest" and is_marked(view.node.sensitive("after"), (item.path,)):
                name, model = SENSITIVE, ""
            view.remark(
                "warning",
                CODE,
                f"not priced: {item.kind or 'an object'} of {item.group} is no kind that gpuguard reads, and its {path} names"
                f" {name}" + (f" ({model})" if model else ""),
                "what it starts is missing in every figure",
            )


def _attached_in(view: View, item: Object) -> tuple[str, str, str] | None:
    """An accelerator that an object attaches to machines by its name: its path, the name and the model."""
    for path, value in walk(item.spec):
        steps = [step for step in path if isinstance(step, str)]
        if steps[-1:] == ["type"] and "ccelerator" in "".join(steps[-2:-1]) and isinstance(value, str):
            model = view.context.accelerator(value)
            if model is not None:
                return ".".join(str(step) for step in ("spec", *path)), value, model.model
    return None


def _remark_values(view: View, item: Object) -> None:
    """Charts make machines of values in their own words; selectors of pods name the machines that others make."""
    for path, value in walk(item.tree):
        steps = [step for step in path if isinstance(step, str)]
        if not isinstance(value, str) or not steps or not _MACHINE_KEY.search(steps[-1]):
            continue
        if any(_PLACING.search(step) for step in steps):
            continue
        name = f"{value}.48xlarge" if "." not in value and _FAMILY_KEY.search(steps[-1]) else value
        if any(view.context.looks_accelerated(cloud, name) for cloud in _LARGE_CLOUDS):
            view.remark(
                "warning",
                CODE,
                f"not priced: {'.'.join(str(step) for step in path)} in the values of the chart names"
                f" {SENSITIVE if _is_sensitive(view, item) else value}, and what the chart makes of it is not known",
                "what it starts is missing in every figure",
            )
            return


def _remark_quota(view: View, item: Object) -> None:
    """Kueue admits workloads up to a quota (https://kueue.sigs.k8s.io/docs/concepts/cluster_queue/): a ceiling of demand."""
    quotas: dict[str, Decimal] = {}
    for group in items(item.spec.get("resourceGroups")):
        for flavor in items(inside(group, "flavors")):
            for resource in items(inside(flavor, "resources")):
                name, number = text_of(inside(resource, "name")), count(inside(resource, "nominalQuota"))
                if name and accelerator_resource(name) and isinstance(number, Decimal):
                    quotas[name] = quotas.get(name, Decimal(0)) + number
    for name, number in quotas.items():
        view.remark(
            "info",
            "gpu-quota",
            f"ClusterQueue {item.name or 'without a name'} admits workloads up to {number.normalize():f} × {name} at once, more if it"
            " may borrow; it limits what pods ask for, not the nodes",
        )


# -- what only apply can tell -----------------------------------------------------------------------------------------------


def _hidden(view: View) -> Iterator[Supply]:
    """What the name and key of a manifest tell that is known only after apply. Most are no node pools, and stay silent."""
    name = _words(view)
    of_gpus = _GPU_WORDS.search(name) is not None
    is_pool = _POOL_WORDS.search(name) is not None
    if _CLASS_WORDS.search(name) or not (is_pool or (of_gpus and "karpenter" in name)):
        return
    if is_pool and of_gpus and view.node.type != "helm_release":
        cloud = cloud_of_plan(view) or "aws"
        reason = "its manifest is known only after apply, and its name is that of a node pool with GPUs"
        pool = PoolUsage(
            options=(), units=Units(Decimal(0), Decimal(0), None), unknown=Unknown(reason, "unknown-manifest")
        )
        yield Supply((pool,), cloud, region_in_plan(view, cloud))
        return
    view.remark(
        "info",
        "unknown-manifest",
        "what it holds is known only after apply; by its name it is a node pool, whose nodes may have accelerators",
        "leave values that only apply can tell out of its text, or check the plan again after the first apply",
    )


def _words(view: View) -> str:
    """The resource's name and key, and what else of its identity is known, in lower case."""
    values = view.node.values(view.side) or {}
    texts = [view.node.name, str(view.node.index or ""), *(values.get(key) for key in ("kind", "name", "chart"))]
    return " ".join(text.lower() for text in texts if isinstance(text, str))


# -- labels --------------------------------------------------------------------------------------------------------


def _labels(view: View) -> dict[str, str]:
    """Labels of the first object."""
    for item in content_of(view).objects[:1]:
        found = mapping(inside(item.tree, "metadata", "labels"))
        hidden = _is_sensitive(view, item)
        return {
            str(key): SENSITIVE if hidden else value for key, value in sorted(found.items()) if isinstance(value, str)
        }
    return {}


_PRICES = (
    "the nodes that a Karpenter NodePool, a ComputeClass of GKE or a NodePool of CoreWeave may start",
    "EBS volumes of the EC2NodeClass",
    "the fee of EKS Auto Mode",
)
_LEAVES_OUT = (
    "what workloads ask for, which nodes supply (pods on GKE Autopilot are priced)",
    "Cluster API, Crossplane and other kinds that make machines: those that name an accelerated machine type are told",
    "OS disks of AKS node auto-provisioning, which are ephemeral where the size has room",
)
_ASSUMES = (
    "A NodePool starts nothing until pods ask; its limits are the ceiling: so many machines of one type as fit, of the dearest"
    " type. Checks of limits run behind, so rapid scaling may exceed them for a while.",
    "At the ceiling the GPUs are those of that dearest set; another type may bring more of them for less.",
    "A NodePool counts where its requirements, taints or limits speak of accelerators; one that allows all machine types, where"
    " workloads of the plan ask for accelerators and no other NodePool is meant for them.",
    "With spot and on demand allowed, on demand is priced.",
    "Nodes run in the region of the plan's cluster, else of the cloud's other resources, unless the requirements name zones.",
    "The GPU names of labels that mean several models mean all of them.",
    "A manifest that only apply can tell counts where its name is that of a node pool with GPUs.",
)
_SOURCE = "Karpenter: NodePools, NodeClasses, instance types; Kubernetes: schedule GPUs"

SPECS: tuple[ResourceSpec, ...] = (
    ResourceSpec(
        type="kubernetes_manifest",
        cloud="kubernetes",
        extract=manifest,
        region=place,
        tags=_labels,
        reads=("manifest",),
        prices=_PRICES,
        leaves_out=_LEAVES_OUT,
        assumes=_ASSUMES,
        source=f"kubernetes provider: kubernetes_manifest; {_SOURCE}",
    ),
    ResourceSpec(
        type="kubectl_manifest",
        cloud="kubernetes",
        extract=manifest,
        region=place,
        tags=_labels,
        reads=("yaml_body", "yaml_body_parsed", "override_namespace"),
        prices=_PRICES,
        leaves_out=_LEAVES_OUT,
        assumes=(
            *_ASSUMES,
            "yaml_body is shown although the provider marks it: the provider shows it itself, as yaml_body_parsed.",
        ),
        source=f"kubectl providers (gavinbunney, alekc): kubectl_manifest; {_SOURCE}",
    ),
    ResourceSpec(
        type="helm_release",
        cloud="kubernetes",
        extract=manifest,
        region=place,
        tags=_labels,
        reads=("values", "set", "set_list", "manifest", "chart", "name"),
        prices=_PRICES,
        leaves_out=(*_LEAVES_OUT, "what a chart starts by its own defaults, without being told in the values"),
        assumes=(
            *_ASSUMES,
            "Values ask for accelerators where `resources` name them, as often as the replica counts around them say; one pod"
            " where nothing tells.",
        ),
        source=f"helm provider: helm_release; {_SOURCE}",
    ),
)

COMPANIONS: tuple[Companion, ...] = ()
