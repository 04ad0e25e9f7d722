"""What the Azure types share: location, tags, operating system, disks."""

import re
from decimal import Decimal

from gpuguard.extract.common import string_tags
from gpuguard.extract.view import View
from gpuguard.model.usage import Disk, OperatingSystem, PurchaseModel, Unknown

GROUP = ("azurerm_resource_group",)
_GROUP_NAME = re.compile(r"/resourceGroups/([^/]+)/", re.IGNORECASE)


def region(view: View) -> str | Unknown | None:
    """Own location, else that of the resource group it belongs to. Spellings are normalised by the catalog."""
    own = view.string("location")
    if own is None:
        group = view.follow(("resource_group_name",), GROUP, ("name", "id")).first
        own = group.string("location") if group is not None else None
    return normalised(own)


def normalised(location: str | None) -> str | None:
    """``East US`` → ``eastus``."""
    return location.lower().replace(" ", "") if location else None


def group_location(view: View, path: str) -> str | None:
    """Location of the resource group that an id names, where the document has that group."""
    match = _GROUP_NAME.search(view.string(path) or "")
    if match is None:
        return None
    for node in (*view.context.document.current(*GROUP), *view.context.document.data(*GROUP)):
        group = View(view.context, node, view.side, view.notes)
        if (group.string("name") or "").lower() == match[1].lower():
            return group.string("location")
    return None


def tags(view: View) -> dict[str, str]:
    """The `tags` map."""
    return string_tags(view, "tags")


def purchase_model(view: View) -> PurchaseModel:
    """Spot (also low priority) or on demand."""
    return "spot" if (view.string("priority") or "").lower() in ("spot", "low") else "on_demand"


def spot_price(view: View, path: str = "max_bid_price") -> Decimal | None:
    """The maximum price of a spot machine an hour; None where it is the on-demand price."""
    # -1 (the default) means "up to the on-demand price".
    value = view.known(path)
    return view.known_number(path) if isinstance(value, int | float) and value > 0 else None


def linux_licence(view: View) -> OperatingSystem:
    """RHEL and SLES marketplace images carry a licence unless it is brought along; `license_type` may add one.

    https://learn.microsoft.com/azure/virtual-machines/linux/azure-hybrid-benefit-linux. openSUSE has none.
    """
    licence = (view.string("license_type") or "").upper()
    publisher = (view.string("source_image_reference.publisher") or "").lower()
    offer = (view.string("source_image_reference.offer") or "").lower()
    if licence.endswith("BYOS"):
        return "linux"
    if licence.startswith(("RHEL_", "SLES_")):
        return "rhel" if licence.startswith("RHEL_") else "sles"
    if "byos" in offer or "opensuse" in offer:
        return "linux"
    if publisher == "redhat":
        return "rhel"
    return "sles" if publisher == "suse" else "linux"


def windows_licence(view: View) -> OperatingSystem:
    """Windows is in the price unless the hybrid benefit brings the licence."""
    licence = (view.string("license_type") or view.string("license") or "").lower()
    return "linux" if licence in ("windows_server", "windows_client") else "windows"


# -- disks --------------------------------------------------------------------------------------------------------------


def os_disk(view: View) -> tuple[Disk, ...]:
    """The OS disk, unless it is on the machine itself."""
    block = view.block("os_disk")
    if block is None or block.string("diff_disk_settings.option") == "Local":
        return ()
    return (Disk("boot", block.string("storage_account_type") or "Standard_LRS", block.known_number("disk_size_gb")),)


def data_disks(view: View, path: str = "data_disk") -> tuple[Disk, ...]:
    """The data disks that blocks describe."""
    return tuple(data_disk(block) for block in view.blocks(path))


def data_disk(view: View) -> Disk:
    """One data disk, from a block or a managed disk."""
    return Disk(
        "data",
        view.string("storage_account_type") or "Standard_LRS",
        view.known_number("disk_size_gb"),
        iops=view.known_number("disk_iops_read_write") or view.known_number("ultra_ssd_disk_iops_read_write"),
        throughput_mibps=view.known_number("disk_mbps_read_write")
        or view.known_number("ultra_ssd_disk_mbps_read_write"),
    )


def attached_disks(view: View) -> tuple[Disk, ...]:
    """Managed disks attached by resources of their own."""
    disks = []
    for attachment in view.referring(("azurerm_virtual_machine_data_disk_attachment",), "virtual_machine_id"):
        disk = attachment.follow(("managed_disk_id",), ("azurerm_managed_disk",), ("id",)).first
        if disk is not None:
            disks.append(data_disk(disk))
    return tuple(disks)
