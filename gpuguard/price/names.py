"""What the names of machine types, zones and accelerators tell by themselves, cloud by cloud."""

import re

LONGEST_NAME = 256
"""Whatever is longer is no name of a cloud."""

GCP_CUSTOM = re.compile(r"(?:([a-z]\d[a-z]?)-)?custom-(?:(micro|small|medium)|(\d{1,4}))-(\d{1,9})(-ext)?\Z")
E2_SHARED_VCPUS = {"micro": 0.25, "small": 0.5, "medium": 1.0}
AWS_ZONE = re.compile(r"([a-z]{2}(?:-gov|-isof?b?e?)?-[a-z]+-\d{1,2})(?:[a-z]|-[a-z0-9-]+)\Z")
AWS_ZONE_ID = re.compile(r"([a-z]{3,5}\d{1,2})-(?:[a-z0-9]+-)?az\d{1,2}\Z")
GCP_ZONE = re.compile(r"([a-z]+-[a-z]+\d{1,2})-(?:ai\d{1,2})?[a-z]\Z")

# A machine whose name the catalog lacks is suspected of an accelerator when its family is one of these:
_ACCELERATED = {
    # Instance classes G, P, Trn, Inf and DL, then the generation (Amazon EC2: instance type naming conventions).
    # F carries FPGAs and VT video transcoders: no accelerators in this catalog's sense.
    "aws": r"(?:ml\.)?(?:g\d|gr\d|p\d|trn\d|inf\d|dl\d)[a-z0-9-]*\.[a-z0-9-]+\Z",
    # Accelerator-optimised machine series A and G, and the TPU series ct… and tpu… (Compute Engine machine families).
    "gcp": r"(?:a[2-9]x?|g[2-9]|ct\d[a-z]*|tpu\d[a-z]*)-[a-z0-9-]+\Z",
    # The GPU sizes are the series NC (NCC: confidential), ND, NG and NV; NP carries FPGAs (Azure: GPU accelerated VM
    # sizes).
    "azure": r"(?:standard_)?n(?:cc|c|d|g|v)\d+.*\Z",
    "oci": r"(?:vm|bm)\.gpu.*\Z",
    "alibaba": r"ecs\.(?:ebm|scc|hf)?(?:gn|vgn|sgn|ga)\d.*\Z",
    "linode": r"g\d-gpu-.*\Z",
    "digitalocean": r"gpu-.*\Z",
    "vultr": r"vcg-.*|vbm-.*-gpu\Z",
    "civo": r"(?:an\.)?g\w*\.gpu.*|gpu-.*\Z",
    "ovh": r"(?:t[12]|l4|l40s|a10|a100|h100|h200|b200|v100s?|rtx\d+)-.*\Z",
    "nebius": r"gpu-.*\Z",
    "lambda": r"gpu_.*\Z",
    "hyperstack": r"n\d-(?!cpu).*\Z",
    "crusoe": r"(?:a|h|b|l|gb|mi)\d+.*\.\d+x\Z",
    "coreweave": r"gd-.*|hgx-.*|g[bh]\d+.*|a100.*|l40.*|b\d00-.*|rtx.*\Z",
    "scaleway": r"(?:gpu|render|h\d+|l4|l40s|b\d+|gh\d+)-.*\Z",
    "upcloud": r"gpu-.*\Z",
    "gcore": r"g\d-gpu-.*|bm\d-ai-.*\Z",
    "exoscale": r"(?:[a-z]+\.)?gpu[a-z0-9]*\..*\Z",
    # accelerated profiles: gx, generation, then d with local storage (IBM Cloud: VPC instance profiles)
    "ibm": r"gx\d+d?-.*\Z",
    # instance families GN, GT, GI, PNV, PTX and HCC bear accelerators (Tencent Cloud: CVM instance types)
    "tencent": r"(?:gn|gt|gi|gnv|pnv|ptx|hcc).*\..*\Z",
    "latitude": r"g\d-.*\Z",
    # RunPod's GPU types are named by the maker of the GPU
    "runpod": r"(?:nvidia|amd) .*\Z",
    "verda": r"\d+(?:a|b|h|l|v|gb|rtx|rtxpro)\d+.*\Z",
}


def accelerated_name(cloud: str, sku: str) -> bool:
    """Tell by the name alone whether a machine type is of a family that carries accelerators."""
    pattern = _ACCELERATED.get(cloud)
    name = last_part(sku) if cloud == "gcp" else sku
    if pattern is None or not storable(name):
        return False
    return re.match(pattern, name.lower()) is not None


def storable(name: str) -> bool:
    """Tell whether a name can be in the catalog at all; SQLite cannot even be asked for a lone surrogate."""
    if len(name) > LONGEST_NAME or "\0" in name:
        return False
    return name.isascii() or name.encode("utf-8", "replace").decode() == name


def azure_region(name: str) -> str:
    """Return an Azure location as the azurerm provider normalises it: blanks out, lower case."""
    return name.replace(" ", "").lower()


def last_part(name: str) -> str:
    """Return the name at the end of a GCP resource path or URL."""
    return name.rpartition("/")[2]


def accelerator_name(name: str) -> str:
    """Fold an accelerator's name: last part of a URL, lower case, dashes, without the workstation suffix."""
    return last_part(name).lower().replace("_", "-").removesuffix("-vws")
