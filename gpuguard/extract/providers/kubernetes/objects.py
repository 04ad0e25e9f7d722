"""The Kubernetes objects in a Terraform resource, and the pods they start.

kubernetes_manifest holds an object, kubectl_manifest a text, helm_release the values of a chart; all become decoded trees.
Which pods an object starts is found by one walk for all kinds: pod specs and `resources` anywhere in it, multiplied by the
replica counts on the way there. Custom resources (LeaderWorkerSet, JobSet, Ray, Kubeflow, KServe, NIM, Argo) need few words
of their own that way.
"""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from itertools import islice
from typing import Any, Final

import msgspec

from gpuguard.extract.providers.kubernetes.documents import (
    LONGEST_TEXT,
    Tree,
    assign,
    count,
    inside,
    is_true,
    items,
    mapping,
    merge,
    parts,
    quantity,
    read_yaml,
    set_steps,
    text_of,
)
from gpuguard.extract.providers.kubernetes.pods import (
    ASKING,
    ONE,
    Pod,
    Scale,
    accelerator_resource,
    asks_for_accelerators,
    claimed,
    fixed,
    is_pod,
    read_pod,
    read_resources,
)
from gpuguard.extract.spec import within
from gpuguard.extract.view import View
from gpuguard.model.usage import Unknown

MANIFESTS: Final = ("kubernetes_manifest", "kubectl_manifest", "helm_release")

_TELLING: Final = re.compile(
    ASKING.pattern
    + r"|karpenter|ComputeClass|coreweave|HorizontalPodAutoscaler|ScaledObject|NodeClass|NodeTemplate|timeSlicing|migManager"
    + r"|\bmps:|nominalQuota|xlarge|\.metal|[Ss]tandard_N[CDGV]|a[2-9]x?-\w+gpu-|g[24]-standard|[BV]M\.GPU|[Aa]ccelerator|[Ii]nstance[-_]?[Ff]amil"
)
"""What the text of a document that matters holds; the others are not parsed."""
_DEFINITION: Final = re.compile(r"^kind:\s*[\"']?CustomResourceDefinition\b", re.MULTILINE)
_MOST_NODES: Final = 20_000
"""Values of one object that are looked at."""
_MOST_OBJECTS: Final = 5_000
_MOST_COPIED: Final = 100_000
_DEEPEST: Final = 60

_RUN_NOTHING: Final = frozenset(
    ("ClusterPolicy", "ClusterQueue", "ClusterServingRuntime", "ClusterWorkflowTemplate", "ConfigMap", "ConstraintTemplate",
     "CustomResourceDefinition", "DeviceClass", "LimitRange", "LocalQueue", "NodeClaim", "NodeClass", "NodePool", "PodTemplate", "Policy",
     "PriorityClass", "ResourceClaimTemplate", "ResourceFlavor", "ResourceQuota", "Secret", "ServingRuntime", "WorkflowTemplate",
     "ComputeClass", "EC2NodeClass", "AKSNodeClass", "Provisioner", "AWSNodeTemplate", "HorizontalPodAutoscaler", "ScaledObject",
     "VerticalPodAutoscaler")
)  # fmt: skip
"""Kinds that describe or limit what others run."""
_AT_REST: Final = frozenset(("CronJob", "CronWorkflow", "ScheduledSparkApplication", "ScaledJob"))
"""Kinds that start pods now and then."""
_KNATIVE: Final = "serving.knative.dev"
_SCALE_ANNOTATION: Final = "autoscaling.knative.dev/"


class Object(msgspec.Struct, frozen=True):
    """One Kubernetes object, or the values of a chart (`values`). `path`: the attribute it stands in."""

    tree: Tree
    path: str
    values: bool = False

    @property
    def kind(self) -> str:
        """Its kind; "" for values."""
        return "" if self.values else text_of(self.tree.get("kind")) or ""

    @property
    def group(self) -> str:
        """Its API group; "" for the core and for values."""
        api = "" if self.values else text_of(self.tree.get("apiVersion")) or ""
        return api.rpartition("/")[0]

    @property
    def name(self) -> str:
        """Its name; "" where it has none that is known."""
        return text_of(inside(self.tree, "metadata", "name")) or ""

    @property
    def namespace(self) -> str:
        """Its namespace."""
        return text_of(inside(self.tree, "metadata", "namespace")) or "default"

    @property
    def spec(self) -> Tree:
        """Its spec."""
        return mapping(self.tree.get("spec"))


class Content(msgspec.Struct, frozen=True):
    """What a resource holds. `hidden`: only apply can tell; `unreadable`: it speaks of accelerators and is no YAML."""

    objects: tuple[Object, ...] = ()
    hidden: bool = False
    unreadable: bool = False


def content_of(view: View) -> Content:
    """The objects of a manifest or release, read once for each side."""
    key = ("kubernetes.content", id(view.node), view.side)
    known: Content | None = view.context.memo.get(key)
    if known is None:
        known = view.context.memo[key] = _READERS[view.node.type](view)
    return known


def _manifest(view: View) -> Content:
    values = view.node.values(view.side) or {}
    mask = view.node.after_unknown if view.side == "after" else {}
    tree = _with_unknowns(values.get("manifest"), True if mask is True else mapping(mask).get("manifest"))
    if isinstance(tree, Unknown):
        return Content(hidden=True)
    return Content(tuple(_unlisted(tree, "manifest")))


def _with_unknowns(value: Any, mask: Any, depth: int = 0) -> Any:
    """A decoded value with `Unknown` wherever its mask says that only apply can tell."""
    if mask is True:
        return Unknown("known only after apply")
    if depth > _DEEPEST or not mask:
        return value
    if isinstance(mask, dict) and (value is None or isinstance(value, dict)):
        known = dict(value or {})
        for key, inner in mask.items():
            found = _with_unknowns(known.get(key), inner, depth + 1)
            if found is not None:
                known[key] = found
        return known
    if isinstance(mask, list) and isinstance(value, list):
        padded = [*mask[: len(value)], *[False] * (len(value) - len(mask))]
        return [_with_unknowns(item, inner, depth + 1) for item, inner in zip(value, padded, strict=True)]
    return value


def _kubectl(view: View) -> Content:
    # The provider's schema marks every yaml_body as sensitive, and the provider itself shows it as yaml_body_parsed, but for
    # Secrets and for `sensitive_fields`: what is read here is read as the plan shows it.
    values = view.node.values(view.side) or {}
    text = values.get("yaml_body")
    if not isinstance(text, str):
        text = values.get("yaml_body_parsed")
    if not isinstance(text, str):
        mask = view.node.after_unknown
        return Content(hidden=view.side == "after" and (mask is True or mapping(mask).get("yaml_body") is True))
    namespace = text_of(values.get("override_namespace"))
    found, unreadable = _documents(text, "yaml_body")
    if namespace:
        found = [
            Object({**each.tree, "metadata": {**mapping(each.tree.get("metadata")), "namespace": namespace}}, each.path)
            for each in found
        ]
    return Content(tuple(found), unreadable=unreadable)


def _documents(text: str, path: str) -> tuple[list[Object], bool]:
    """The objects of a text that matter, and whether part of what matters cannot be read."""
    found: list[Object] = []
    unreadable = False
    if len(text) > LONGEST_TEXT * 4:
        return [], _TELLING.search(text[:LONGEST_TEXT]) is not None
    telling = (part for part in parts(text) if _TELLING.search(part) and not _DEFINITION.search(part))
    for part in islice(telling, _MOST_OBJECTS):
        try:
            for tree in read_yaml(part):
                found.extend(_unlisted(tree, path))
        except ValueError:
            unreadable = unreadable or ASKING.search(part) is not None or "karpenter" in part
    return found, unreadable


def _unlisted(tree: Any, path: str) -> Iterator[Object]:
    """The object, or the objects of a list of them."""
    if not isinstance(tree, dict):
        return
    listed = items(tree.get("items")) if str(tree.get("kind")).endswith("List") else []
    if listed:
        for each in listed[:_MOST_OBJECTS]:
            if isinstance(each, dict):
                yield Object(each, path)
    else:
        yield Object(tree, path)


def _release(view: View) -> Content:
    """The values of a release, or the objects themselves where the provider renders the chart while planning
    (`experiments { manifest = true }`)."""
    rendered = view.known("manifest")
    if isinstance(rendered, str) and rendered.strip():
        objects = _rendered(rendered)
        if objects is not None:
            return Content(objects)
    texts = view.known("values")
    texts = [text for text in texts if isinstance(text, str)] if isinstance(texts, list) else []
    settings = list(_settings(view))
    if not any(_TELLING.search(text) for text in (*texts, *_told_by(settings))):
        return Content(hidden=_is_hidden(view))
    values: Any = {}
    unreadable = False
    for text in texts:
        try:
            for tree in read_yaml(text):
                values = merge(values, tree) if isinstance(tree, dict) else values
        except ValueError:
            unreadable = unreadable or ASKING.search(text) is not None
    values = _copied(values) if settings else values
    for name, value in settings:
        assign(values, set_steps(name), value)
    return Content((Object(values, "values", values=True),), hidden=_is_hidden(view), unreadable=unreadable)


def _told_by(settings: list[tuple[str, Any]]) -> Iterator[str]:
    for name, value in settings:
        yield name.replace("\\", "")
        yield from (each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str))


def _copied(tree: Any) -> Any:
    """A copy of values for `set` to write into; aliases may make them large, and what is beyond the bound is left out."""
    left = _MOST_COPIED

    def copy(value: Any, depth: int) -> Any:
        nonlocal left
        left -= 1
        if left < 0 or depth > _DEEPEST:
            return None
        if isinstance(value, dict):
            return {key: copy(item, depth + 1) for key, item in value.items()}
        return [copy(item, depth + 1) for item in value] if isinstance(value, list) else value

    return copy(tree, 0)


def _settings(view: View) -> Iterator[tuple[str, Any]]:
    """Names and values of `set`: blocks in version 2 of the provider, a list in version 3."""
    for kind in ("set", "set_list"):
        for block in view.blocks(kind)[:_MOST_OBJECTS]:
            name, value = block.known("name"), block.known("value")
            if isinstance(name, str):
                yield name, Unknown("known only after apply") if value is None else value


def _rendered(text: str) -> tuple[Object, ...] | None:
    """The objects of a rendered chart: JSON with one object for each key."""
    try:
        trees = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None
    found = trees.values() if isinstance(trees, dict) else ()
    return tuple(Object(tree, "manifest") for tree in found if isinstance(tree, dict))


def _is_hidden(view: View) -> bool:
    mask = view.node.after_unknown if view.side == "after" else {}
    hidden = mapping(mask).get("values")
    return hidden is True or (isinstance(hidden, list) and True in hidden)


_READERS: Final = {"kubernetes_manifest": _manifest, "kubectl_manifest": _kubectl, "helm_release": _release}


def _is_object(tree: Tree) -> bool:
    return isinstance(tree.get("kind"), str) and isinstance(tree.get("apiVersion"), str) and "spec" in tree


def embedded_objects(outer: Object) -> Iterator[Object]:
    """The object itself, and the whole objects inside it: values of charts hold manifests, as objects or as texts.

    An Argo CD Application holds values in the same ways.
    """
    yield outer
    if outer.kind in ("ConfigMap", "Secret", "CustomResourceDefinition"):
        return
    pending: list[tuple[Any, int]] = [(value, 1) for value in outer.tree.values()]
    looked = 0
    while pending and looked < _MOST_NODES:
        value, depth = pending.pop()
        looked += 1
        if depth > _DEEPEST:
            continue
        if isinstance(value, dict):
            if _is_object(value):
                yield Object(value, outer.path)
            else:
                pending.extend((item, depth + 1) for item in value.values())
        elif isinstance(value, list):
            pending.extend((item, depth + 1) for item in value)
        elif isinstance(value, str) and "\n" in value and ":" in value and _TELLING.search(value):
            for found in _documents(value, outer.path)[0]:
                is_object = isinstance(found.tree.get("kind"), str)
                yield found if is_object else Object(found.tree, found.path, values=True)


# -- the pods of an object ------------------------------------------------------------------------------------------------


class Found(msgspec.Struct, frozen=True):
    """Pods of one kind, and how many. `told`: whether anything says the number."""

    pod: Pod
    scale: Scale
    told: bool = True


def pods_of(
    item: Object, claims: Mapping[str, Mapping[str, Decimal]] | None = None, bounds: Scale | None = None
) -> Iterator[Found]:
    """The pods that an object starts and that ask for accelerators. `bounds`: those of an autoscaler that scales it."""
    if item.kind in _RUN_NOTHING:
        return
    if item.kind == "ResourceClaim":
        yield from _asking(Found(Pod(claimed(item.spec), {}), ONE))
        return
    tree = item.tree
    if bounds is not None:
        tree = {**tree, "spec": {**item.spec, "minReplicas": bounds.min, "maxReplicas": bounds.max}}
    start = _root_scale(item)
    pending: list[tuple[Any, Scale, bool, int]] = [(tree, start or ONE, start is not None or not item.values, 0)]
    for _ in range(_MOST_NODES):
        if not pending:
            return
        value, scale, told, depth = pending.pop()
        if isinstance(value, list):
            pending.extend((each, scale, told, depth + 1) for each in reversed(value))
        if (
            not isinstance(value, dict)
            or depth > _DEEPEST
            or (item.values and value.get("enabled") in (False, "false"))
        ):
            continue
        if depth and _is_object(value):
            continue  # it is an object of its own (see `embedded_objects`)
        if is_pod(value):
            yield from _asking(Found(read_pod(value, claims), scale, told))
            continue
        node = _fixed_workers(value)
        own = _own_scale(node)
        if own is not None:
            # a component of a chart has a number of its own; in an object numbers multiply on the way to the pod
            scale, told = own if item.values else scale.times(own), True
        for pod in _pods_beside(node):
            yield from _asking(Found(pod, scale, told))
        pending.extend(
            (each, scale.times(_group_factor(node, key)), told, depth + 1)
            for key, each in reversed(node.items())
            if isinstance(each, dict | list) and key not in ("resources", "metadata", "status")
        )


def _asking(found: Found) -> Iterator[Found]:
    if found.pod.asks:
        yield found


def _pods_beside(node: Tree) -> Iterator[Pod]:
    """Pods that are described without containers: by `resources`, or by the words that well-known charts have for them.

    TrainJob of Kubeflow: trainer {numNodes,resourcesPerNode}; vLLM production stack: modelSpec[].requestGPU; ollama-helm: ollama.gpu.{enabled,number,type}; Spark operator:
    driver.gpu and executor.gpu {name,quantity}.
    """
    resources = node.get("resources") or node.get("resourcesPerNode")
    if asks_for_accelerators(resources):
        yield read_resources(mapping(resources), node)
    wanted = quantity(node.get("requestGPU"))
    if wanted is not None:
        yield Pod({text_of(node.get("requestGPUType")) or "nvidia.com/gpu": wanted}, {})
    gpu = mapping(node.get("gpu"))
    name, number = text_of(gpu.get("name")), quantity(gpu.get("quantity"))
    if name and accelerator_resource(name) and number is not None:
        yield Pod({name: number}, {})
    elif is_true(gpu.get("enabled")) and gpu.get("number") is not None:
        maker = "amd.com/gpu" if text_of(gpu.get("type")) == "amd" else "nvidia.com/gpu"
        yield Pod({maker: quantity(gpu.get("number")) or Decimal(0)}, {})


def _root_scale(item: Object) -> Scale | None:
    """What an object's kind says of how many there are."""
    if item.kind == "DaemonSet":
        return fixed(None)  # one on each node that it fits
    if item.kind in _AT_REST:
        return Scale(Decimal(0), Decimal(0), Decimal(1))
    if is_true(item.spec.get("suspend")) or is_true(inside(item.spec, "runPolicy", "suspend")):
        return Scale(Decimal(0), Decimal(0), Decimal(1))
    if item.kind == "Service" and item.group == _KNATIVE:
        # https://knative.dev/docs/serving/autoscaling/scale-bounds/: from 0 to no limit, one pod at the start
        notes = mapping(inside(item.spec, "template", "metadata", "annotations"))
        low = count(notes.get(f"{_SCALE_ANNOTATION}min-scale", notes.get(f"{_SCALE_ANNOTATION}minScale")))
        high = count(notes.get(f"{_SCALE_ANNOTATION}max-scale", notes.get(f"{_SCALE_ANNOTATION}maxScale")))
        first = count(notes.get(f"{_SCALE_ANNOTATION}initial-scale"))
        least = low if isinstance(low, Decimal) else Decimal(0)
        most = high if isinstance(high, Decimal) and high > 0 else None
        begin = first if isinstance(first, Decimal) else Decimal(1)
        return Scale(least, within(begin, least, most), most)
    return None


def _own_scale(node: Tree) -> Scale | None:
    """The replica counts of one mapping: fixed, or bounded by an autoscaler that it describes; None where it has none."""
    hosts = count(node.get("numOfHosts"))
    factor = fixed(hosts) if isinstance(hosts, Decimal) and hosts > 0 else ONE
    start = next(
        (node[key] for key in ("replicas", "replicaCount", "instances", "numNodes") if node.get(key) is not None), None
    )
    bounds = node
    for described in (mapping(node.get("autoscaling")), mapping(inside(node, "scale"))):
        if is_true(described.get("enabled")):
            bounds = mapping(described.get("hpa")) or described
    low, high = _sized(bounds.get("minReplicas")), _sized(bounds.get("maxReplicas"))
    if low is not _UNSET or high is not _UNSET:
        first = _sized(start)
        least = Decimal(1) if low is _UNSET else low
        most = (least if first is _UNSET else _most(least, first)) if high is _UNSET else high
        return Scale(least, within(least if first is _UNSET else first, least, most), most).times(factor)
    number = _sized(start)
    if number is not _UNSET:
        return fixed(number).times(factor)
    parallel, completions = _sized(node.get("parallelism")), _sized(node.get("completions"))
    if parallel is not _UNSET and "template" in node:
        together = parallel if completions is _UNSET or None in (completions, parallel) else min(parallel, completions)
        return fixed(together)
    return factor if factor is not ONE else None


_UNSET: Final[Any] = object()


def _sized(value: Any) -> Any:
    """A number of replicas: None where only apply can tell, `_UNSET` where there is none to read."""
    number = count(value) if not isinstance(value, Decimal) else value
    return _UNSET if number is None else None if isinstance(number, Unknown) else number


def _most(one: Decimal | None, two: Decimal | None) -> Decimal | None:
    return None if one is None or two is None else max(one, two)


def _fixed_workers(node: Tree) -> Tree:
    """Groups of a Ray cluster keep their size unless its autoscaler is on
    (https://docs.ray.io/en/latest/cluster/kubernetes/user-guides/configuring-autoscaling.html)."""
    if "workerGroupSpecs" not in node or is_true(node.get("enableInTreeAutoscaling")):
        return node
    groups = [
        {key: value for key, value in group.items() if key not in ("minReplicas", "maxReplicas")}
        for group in items(node["workerGroupSpecs"])
        if isinstance(group, dict)
    ]
    return {**node, "workerGroupSpecs": groups}


def _group_factor(node: Tree, key: str) -> Scale:
    """How many pods of a template a LeaderWorkerSet has in one group: one leader, and the rest workers
    (https://lws.sigs.k8s.io/docs/concepts/)."""
    if "workerTemplate" not in node or key != "workerTemplate":
        return ONE
    size = count(node.get("size"))
    if isinstance(size, Unknown):
        return fixed(None)
    size = size or Decimal(1)
    return fixed(max(size - 1, Decimal(0)) if node.get("leaderTemplate") else size)
