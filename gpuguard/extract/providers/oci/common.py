"""What the OCI types share: place, tags, volumes, what a stopped machine costs."""

import re
from decimal import Decimal

from gpuguard.extract.common import string_tags
from gpuguard.extract.plain import provider_setting
from gpuguard.extract.view import View
from gpuguard.model.usage import Disk, MachineOption

_DOMAIN = re.compile(r"(?:[^:]*:)?(?P<place>[A-Za-z0-9-]+?)-AD-\d+\Z", re.IGNORECASE)
_OLD_REGIONS = {"phx": "us-phoenix-1", "iad": "us-ashburn-1", "us-ashburn": "us-ashburn-1"}
"""Availability domains of the oldest regions are named by a code or without the region's number
(https://docs.oracle.com/en-us/iaas/Content/General/Concepts/regions.htm)."""
_DEFAULT_VPUS = Decimal(10)
"""Volume performance units per GB of a volume that says nothing: balanced
(https://docs.oracle.com/en-us/iaas/Content/Block/Concepts/blockvolumeperformance.htm)."""
_PAUSING = "vm.gpu.a10."
"""Beginning of the only GPU shapes whose billing pauses while the machine is stopped; all others are billed on
(https://docs.oracle.com/en-us/iaas/Content/Compute/Tasks/resource-billing-stopped-instances.htm)."""
PLACES = (
    "availability_domain",
    "placement_configurations.0.availability_domain",
    "placement_configuration.0.availability_domain",
    "node_config_details.0.placement_configs.0.availability_domain",
)


def region_of_domain(name: str | None) -> str | None:
    """``Uocm:PHX-AD-1`` → us-phoenix-1, ``kWVD:EU-FRANKFURT-1-AD-2`` → eu-frankfurt-1."""
    match = _DOMAIN.match(name) if name and len(name) <= 100 else None
    if match is None:
        return None
    place = match["place"].lower()
    return _OLD_REGIONS.get(place, place)


def region(view: View) -> str | None:
    """Own region, else that of the availability domain, else the provider block's."""
    own = view.string("region")
    domains = (region_of_domain(view.string(path)) for path in PLACES)
    return own or next((found for found in domains if found), None) or provider_setting(view, "region")


def tags(view: View) -> dict[str, str]:
    """Free-form tags, and defined ones under their full name (``Operations.CostCenter``)."""
    return string_tags(view, "defined_tags") | string_tags(view, "freeform_tags")


def volume(role: str, size: Decimal | None, performance: Decimal | None) -> Disk:
    """A block volume; what a GB costs depends on its performance units, so each level is a SKU of its own."""
    level = _DEFAULT_VPUS if performance is None else performance
    return Disk("boot" if role == "boot" else "data", f"block-volume-vpu{level.normalize():f}", size)


def pauses_when_stopped(options: tuple[MachineOption, ...]) -> bool:
    """Whether every machine type it may be costs nothing while it is stopped."""
    return bool(options) and all(option.sku.lower().startswith(_PAUSING) for option in options)
