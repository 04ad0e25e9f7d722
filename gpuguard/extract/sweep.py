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
_EXCLUDING = re.compile(r"hidden|exclude|deny|denied|disallow|forbidden|quota|supported")
_ABOUT_ACCELERATORS = re.compile(r"gpu|accelerator|tpu|neuron")
_ABOUT_MACHINES = re.compile(r"instance|machine|vm_?size|shape|flavor|sku|size|type|plan|platform|profile|offer|gpu")
_FULL_NAME = re.compile(r"(?:nvidia|amd|aws|google|intel|habana)[-_ ].+", re.IGNORECASE)
_TOKEN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]{2,80}")
_CHOICES = re.compile(
    r"""(?i)"?allowed_?values"?[ \t]*:[ \t\r]*(?:\n[ \t\r\n]{0,80})?(?:\[[^\]]{0,5000}\]|(?:-[^\n]{0,200}(?:\n[ \t]{0,80}|\Z)){1,200})"""
)
"""What a parameter of a CloudFormation or ARM template may be set to, which is not what it is set to."""

_GPU_NUMBER = re.compile(
    r"(?:num(?:ber)?_?(?:of_)?|total_|node_|worker_)?gpus?(?:_?(?:count|num|number|quantity|amount|memory_size))?"
)
"""Attributes that tell how many GPUs there are to be."""
_ASKED = re.compile(
    r"""(?P<name>nvidia\.com/(?:gpu|mig-[a-z0-9.]{1,30})|amd\.com/gpu|google\.com/tpu|aws\.amazon\.com/neuron\w{0,10})\\{0,3}["']?[ \t]{0,9}[:=][ \t]{0,9}\\{0,3}["']?[1-9]"""
)
"""Accelerators as Kubernetes asks for them, in a text that holds its objects."""
_OF_GPUS = frozenset(("count", "num", "number", "quantity", "amount", "min_count", "units"))
"""Attributes that do so inside a block about GPUs."""
_TOO_MANY = 1_000_000_000
"""No number of GPUs, nor of their memory."""
_GPU_FLAG = re.compile(r"(?:use_)?gpu")
_KIND_OF_MACHINE = re.compile(
    r"types?\b|types?_|flavou?r|shape|size|plan|platform|famil|offer|gpu|accelerator|hardware|_code\b"
)
_GPU_WORD = re.compile(r"(?<![a-z0-9])v?gpu(?:\d\w{0,9})?(?![a-z0-9])")
_SOFTWARE = re.compile(r"operator|driver|plugin|exporter|monitor|feature|toolkit|dashboard|metric")
_MODEL = re.compile(
    r"(?<![a-z0-9])(?:\d{1,2}x?)?(?:a100|g?h[12]00|a800|h800|g?b[23]00|l40s?|v100s?|a10g|a[456]000|rtx[ _-]?[a-z]?\d{4}|mi\d{3}x?|gaudi\d?)"
    r"(?:x\d{1,2})?(?![a-z0-9])"
)
"""Accelerators that are called like nothing else, anywhere in the name of a machine type; T4 and the like are too short."""
_FAMILIES = {
    "alicloud_": r"fc\.gpu\..+|efg\d\w*\..+",
    "volcengine_": r"ecs\.(?:ebm|hpc)*(?:[gpi]ni\d\w*|vgn\d\w*|g1v\w*)\..+",
    "byteplus_": r"ecs\.(?:ebm|hpc)*(?:[gpi]ni\d\w*|vgn\d\w*|g1v\w*)\..+",
    "huaweicloud_": r"(?:pi?|g|ai)\d[a-z]*\.[a-z0-9]+\.\d.*",
    "flexibleengine_": r"(?:pi?|g|ai)\d[a-z]*\.[a-z0-9]+\.\d.*",
    "opentelekomcloud_": r"(?:pi?|g|ai)\d[a-z]*\.[a-z0-9]+\.\d.*",
    "sbercloud_": r"(?:pi?|g|ai)\d[a-z]*\.[a-z0-9]+\.\d.*",
    "stackit_": r"n\d\.\w+\.g\d",
}
"""Machine types with accelerators of clouds that are not in the catalog, by how their families are called."""
_LARGE_TYPES = ("aws_", "awscc_", "google_", "azurerm_", "azapi_", "oci_")
_PIECES = (
    b"gpu", b"xlarge", b"tandard_n", b"vidia", b"ccelerator", b".metal", b"tpu", b"g2-standard", b"g4-standard", b"famil",
    b"a100", b"h100", b"h200", b"a800", b"h800", b"b200", b"b300", b"l40", b"v100", b"a10g", b"a4000", b"a5000", b"a6000",
    b"rtx", b"mi2", b"mi3", b"gaudi", b"neuron",
)  # fmt: skip
"""One of them is in whatever names an accelerator, in small letters."""
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
    for node in document.of_types(types, _passed_over):
        found = _mention(node, facts)
        if found is None:
            continue
        path, verb, name, what = found
        if is_marked(node.sensitive("after"), path):
            name, what = SENSITIVE, ""
        place = ".".join(str(step) for step in path)
        yield Diagnostic(
            level="warning",
            code=CODE,
            project=document.project,
            address=node.address,
            message=f"not priced: {node.type} is no type that gpuguard reads, and its {place} {verb} {name}"
            + (f" ({what})" if what and what != name else ""),
            hint="what it starts is missing in every figure",
        )


def _passed_over(type_: str) -> Callable[[Entry], bool]:
    """How the undecoded values of a type tell that they need not be decoded."""
    if type_.startswith(_LARGE_TYPES):
        return _names_nothing
    return _is_gone if type_.startswith((*_SMALL, *_FAMILIES)) else _has_no_piece


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


def _has_no_piece(entry: Entry) -> bool:
    if entry.raw_after == NULL:
        return True
    text = bytes(entry.raw_after).lower()
    return not any(piece in text for piece in _PIECES)


def _is_gone(entry: Entry) -> bool:
    return entry.raw_after == NULL


_Path = tuple[str | int, ...]


def _mention(node: Node, facts: "Catalog") -> tuple[_Path, str, str, str] | None:
    """The first attribute that names an accelerator: its path, what it does, the name, and the accelerator's model."""
    clouds = next((found for prefix, found in _CLOUDS.items() if node.type.startswith(prefix)), _ANY)
    families = next((found for prefix, found in _FAMILIES.items() if node.type.startswith(prefix)), None)
    large = node.type.startswith(_LARGE_TYPES)
    for path, value in _leaves(node.after):
        if isinstance(value, str) and value:
            name = _accelerated(value, path, clouds, facts) or (
                None if large else _called_like_one(value, path, families, facts)
            )
            if name is not None:
                return path, "names", *name
        if _is_number_of_gpus(path, value, flags=not large):
            return path, "is", "true" if value is True else str(value), ""
    return None


def _steps(path: _Path) -> list[str]:
    """The attributes of a path, without positions in lists, in small letters."""
    return [step.lower() for step in path if isinstance(step, str)]


def _is_number_of_gpus(path: _Path, value: Any, *, flags: bool) -> bool:
    """Whether an attribute says that there are to be GPUs, of whatever kind: how many, or that there are some."""
    steps = _steps(path)
    if not steps:
        return False
    last = steps[-1].rpartition("/")[2]
    if value is True:
        return flags and _GPU_FLAG.fullmatch(last) is not None
    inside = len(steps) > 1 and _GPU_NUMBER.fullmatch(steps[-2]) is not None and last in _OF_GPUS
    if not inside and _GPU_NUMBER.fullmatch(last) is None:
        return False
    if isinstance(value, str):
        return len(value) <= 9 and value.isdecimal() and value.isascii() and int(value) > 0
    return isinstance(value, (int, float)) and 0 < value < _TOO_MANY


def _called_like_one(value: str, path: _Path, families: str | None, facts: "Catalog") -> tuple[str, str] | None:
    """A machine type of a cloud that is not in the catalog, told by what it is called."""
    steps = _steps(path)
    if len(value) > _LONGEST_NAME or not steps:
        return None
    name = value.lower()
    if any("famil" in step for step in steps[-2:]) and facts.looks_like_accelerator("aws", f"{name}.xlarge"):
        return value, ""
    if not _KIND_OF_MACHINE.search(steps[-1]):
        return None
    if families is not None and re.fullmatch(families, name):
        return value, ""
    if "/" in name or "\n" in name:
        return None
    if _MODEL.search(name):
        return value, ""
    if steps[-1] == "type" or _ABOUT_ACCELERATORS.search(steps[-1]) or _SOFTWARE.search(name):
        return None  # where the word alone may be of anything
    return (value, "") if _GPU_WORD.search(name.replace("_", "-")) else None


def _texts(values: Any) -> Iterator[tuple[_Path, str]]:
    """The texts in decoded values with their paths, in order; those for people and what is excluded aside."""
    return ((path, value) for path, value in _leaves(values) if isinstance(value, str) and value)


def _leaves(values: Any) -> Iterator[tuple[_Path, Any]]:
    """Everything in decoded values that holds nothing else, likewise."""
    pending: list[tuple[_Path, Any]] = [((), values)]
    looked = 0
    while pending and looked < _MOST_VALUES:
        path, value = pending.pop()
        looked += 1
        if isinstance(value, dict):
            for key, item in reversed(value.items()):
                told = key not in _FOR_PEOPLE or (key == "name" and any(map(_ABOUT_ACCELERATORS.search, _steps(path))))
                if told and not _EXCLUDING.search(key):
                    pending.append(((*path, key), item))
        elif isinstance(value, list):
            pending.extend(((*path, index), item) for index, item in reversed(list(enumerate(value))))
        else:
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
        words = (*words, *dict.fromkeys(_TOKEN.findall(_CHOICES.sub("", value[:_LONGEST]))))
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
    asked = _ASKED.search(value, 0, _LONGEST)
    if asked is not None:
        return asked["name"], ""
    if plain and any(isinstance(step, str) and _ABOUT_ACCELERATORS.search(step.lower()) for step in path):
        model = facts.accelerator(value)
        return (value, model.model) if model is not None else None
    return None
