"""Types that nobody describes: a resource whose attributes name an accelerator is told, never passed over in silence.

The names decide, not the attributes: a machine type that the catalog knows to carry accelerators, or that is named like
one, and accelerators by their full names. Types that hold no machine whatever they mention (policies, parameters,
networks) are left out, as are texts for people (tags, descriptions).
"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from gpuguard.extract.never import NEVER
from gpuguard.model.hidden import SENSITIVE
from gpuguard.model.price import InstanceType
from gpuguard.model.report import Diagnostic
from gpuguard.read.document import NULL, Document, Entry, Node
from gpuguard.read.references import is_marked

if TYPE_CHECKING:
    from gpuguard.price.catalog import Catalog

CODE = "unsupported-type"
"""Of the diagnostics that name such a resource."""

_CLOUDS = {
    "aws_": ("aws",), "awscc_": ("aws",), "google_": ("gcp",), "azurerm_": ("azure",), "azapi_": ("azure",),
    "oci_": ("oci",), "alicloud_": ("alibaba",), "ibm_": ("ibm",), "digitalocean_": ("digitalocean",),
    "linode_": ("linode",), "vultr_": ("vultr",), "exoscale_": ("exoscale",), "scaleway_": ("scaleway",),
    "ovh_": ("ovh",), "nebius_": ("nebius",), "crusoe_": ("crusoe",), "coreweave_": ("coreweave",),
    "lambdalabs_": ("lambda",), "civo_": ("civo",), "upcloud_": ("upcloud",), "gcore_": ("gcore",),
    "hyperstack_": ("hyperstack",), "latitudesh_": ("latitude",), "verda_": ("verda",), "datacrunch_": ("verda",),
    "tencentcloud_": ("tencent",),
}  # fmt: skip
"""Whose machine types the types of a provider name; those of providers that are in none of them name the large clouds'."""
_SMALL = tuple(prefix for prefix, clouds in _CLOUDS.items() if not {*clouds} & {"aws", "gcp", "azure", "oci"})
"""Providers whose machine types have names without a piece in common: all of their resources are looked through."""
_ANY = ("aws", "gcp", "azure", "oci", "runpod")
_LARGE = ("aws", "gcp", "azure", "oci")
_DISTINCT = ("aws", "azure", "oci")
"""Clouds whose accelerated machine types are named like nothing else."""
_LONGEST_NAME = 100
_FOR_PEOPLE = frozenset(
    ("tags", "tags_all", "labels", "terraform_labels", "effective_labels", "annotations", "effective_annotations",
     "description", "comment", "name", "name_prefix", "display_name", "friendly_name", "label", "id", "arn", "self_link",
     "triggers", "keepers", "title", "summary")
)  # fmt: skip
_EXCLUDING = re.compile(r"hidden|exclude|deny|denied|disallow|forbidden")
_ABOUT_ACCELERATORS = re.compile(r"gpu|accelerator|tpu|neuron")
_ABOUT_MACHINES = re.compile(r"instance|machine|vm_?size|shape|flavor|sku|size|type|plan|platform|profile|offer|gpu")
_FULL_NAME = re.compile(r"(?:nvidia|amd|aws|google|intel|habana)[-_ ].+", re.IGNORECASE)
_TOKEN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]{2,80}")
_LONGEST = 200_000
"""Characters of one text that are looked through."""
_MOST_VALUES = 20_000
"""Values of one resource that are looked at."""


def unsupported(document: Document, read: Iterable[str], facts: "Catalog") -> Iterator[Diagnostic]:
    """One warning for each resource of a type that is not in `read` and names an accelerator in what it plans to be."""
    known = frozenset(read)
    types = frozenset(type_ for type_ in document.types if type_ not in known and not type_.startswith(NEVER))
    if not types:
        return
    for node in document.of_types(types, lambda type_: _is_gone if type_.startswith(_SMALL) else _names_nothing):
        found = _mention(node, facts)
        if found is None:
            continue
        path, name, what = found
        if is_marked(node.sensitive("after"), path):
            name, what = SENSITIVE, ""
        place = ".".join(str(step) for step in path)
        yield Diagnostic(
            level="warning",
            code=CODE,
            project=document.project,
            address=node.address,
            message=f"not priced: {node.type} is no type that gpuguard reads, and its {place} names {name}"
            + (f" ({what})" if what and what != name else ""),
            hint="what it starts is missing in every figure",
        )


def _names_nothing(entry: Entry) -> bool:
    """Whether none of the pieces that the names of the large clouds' accelerators have is in the undecoded values.

    Searching bytes is all that most resources cost.
    """
    if entry.raw_after == NULL:
        return True
    text = bytes(entry.raw_after).lower()
    return not (
        b"gpu" in text
        or b"xlarge" in text
        or b"tandard_n" in text
        or b"vidia" in text
        or b"ccelerator" in text
        or b".metal" in text
        or b"tpu" in text
        or b"g2-standard" in text
        or b"g4-standard" in text
    )


def _is_gone(entry: Entry) -> bool:
    return entry.raw_after == NULL


_Path = tuple[str | int, ...]


def _mention(node: Node, facts: "Catalog") -> tuple[_Path, str, str] | None:
    """The first attribute that names an accelerator: its path, the name, and the accelerator's model."""
    clouds = next((found for prefix, found in _CLOUDS.items() if node.type.startswith(prefix)), _ANY)
    for path, value in _texts(node.after):
        name = _accelerated(value, path, clouds, facts)
        if name is not None:
            return path, *name
    return None


def _texts(values: Any) -> Iterator[tuple[_Path, str]]:
    """The texts in decoded values with their paths, in order; those for people and what is excluded aside."""
    pending: list[tuple[_Path, Any]] = [((), values)]
    looked = 0
    while pending and looked < _MOST_VALUES:
        path, value = pending.pop()
        looked += 1
        if isinstance(value, dict):
            for key, item in reversed(value.items()):
                if key not in _FOR_PEOPLE and not _EXCLUDING.search(key):
                    pending.append(((*path, key), item))
        elif isinstance(value, list):
            pending.extend(((*path, index), item) for index, item in reversed(list(enumerate(value))))
        elif isinstance(value, str) and value:
            yield path, value


def machine_type_in(values: Any, machine: Callable[[str, str], InstanceType | None]) -> tuple[str, str, str] | None:
    """The first text in a decoded document that is an accelerated machine type of a large cloud.

    Its path, the name, and the accelerator's model; only where the attribute that holds it speaks of machines.
    """
    for path, value in _texts(values):
        names = [step for step in path if isinstance(step, str)]
        if len(value) > _LONGEST_NAME or not names or not _ABOUT_MACHINES.search(names[-1].lower()):
            continue
        for cloud in _LARGE:
            known = machine(cloud, value)
            if known is not None and known.gpu_model is not None:
                return ".".join(str(step) for step in path), value, known.gpu_model
    return None


def _believed(cloud: str, clouds: tuple[str, ...], path: _Path) -> bool:
    """Whether a name that no table knows counts by its looks.

    What could as well be something else (``gpu-operator``) does where the type is of that cloud, and the attribute about
    machines.
    """
    if cloud in _DISTINCT:
        return True
    names = [step for step in path if isinstance(step, str)]
    return clouds != _ANY and bool(names) and _ABOUT_MACHINES.search(names[-1].lower()) is not None


def _accelerated(value: str, path: _Path, clouds: tuple[str, ...], facts: "Catalog") -> tuple[str, str] | None:
    """The accelerated machine type or the accelerator that a text names, and the model."""
    plain = len(value) <= _LONGEST_NAME
    words = (value,) if plain else ()
    if not plain or any(mark in value for mark in "{}[]=:,;\n "):
        words = (*words, *dict.fromkeys(_TOKEN.findall(value[:_LONGEST])))
    for word in words:
        for cloud in clouds:
            name = word.removeprefix("ml.") if cloud == "aws" else word
            machine = facts.instance_type(cloud, name)
            if machine is not None and machine.gpu_model is not None:
                return word, machine.gpu_model
            if machine is None and _believed(cloud, clouds, path) and facts.looks_like_accelerator(cloud, name):
                return word, ""
        if _FULL_NAME.fullmatch(word):
            model = facts.accelerator(word)
            if model is not None:
                return word, model.model
    if plain and any(isinstance(step, str) and _ABOUT_ACCELERATORS.search(step.lower()) for step in path):
        model = facts.accelerator(value)
        return (value, model.model) if model is not None else None
    return None
