"""What the Azure types share: location, tags, operating system, disks."""

import re
from decimal import Decimal

from gpuguard.extract.common import string_tags
from gpuguard.extract.view import View
from gpuguard.model.usage import Disk, MachineOption, OperatingSystem, PurchaseModel, Unknown

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
    """The licence of a Linux machine, by `license_type` and the image."""
    return linux_system(
        view.string("license_type"),
        view.string("source_image_reference.publisher"),
        view.string("source_image_reference.offer"),
    )


def linux_system(licence: str | None, publisher: str | None, offer: str | None) -> OperatingSystem:
    """RHEL and SLES marketplace images carry a licence unless it is brought along; `license_type` may add one.

    https://learn.microsoft.com/azure/virtual-machines/linux/azure-hybrid-benefit-linux. openSUSE has none.
    """
    licence, publisher, offer = (licence or "").upper(), (publisher or "").lower(), (offer or "").lower()
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
    return windows_system(view.string("license_type") or view.string("license"))


def windows_system(licence: str | None) -> OperatingSystem:
    """Windows, or what is billed like Linux where the hybrid benefit brings the licence.

    https://learn.microsoft.com/azure/virtual-machines/windows/hybrid-use-benefit-licensing
    """
    return "linux" if (licence or "").lower() in ("windows_server", "windows_client") else "windows"


def image_system(licence: str | None, publisher: str | None, offer: str | None) -> OperatingSystem:
    """The licence of a machine whose image alone tells the operating system."""
    if is_windows_image(publisher, offer):
        return windows_system(licence)
    return linux_system(licence, publisher, offer)


def is_windows_image(publisher: str | None, offer: str | None) -> bool:
    """Whether a marketplace image holds Windows: Microsoft's own publishers, and offers that say so (SQL Server, DSVM)."""
    publisher, offer = (publisher or "").lower(), (offer or "").lower()
    return publisher.startswith("microsoftwindows") or offer.startswith(("windows", "dsvm-win")) or "-ws20" in offer


# -- sizes of machines --------------------------------------------------------------------------------------------------

_SIZE = re.compile(r"(?:standard|basic)_[a-z]+\d", re.IGNORECASE)


def looks_like_size(value: object) -> bool:
    """Whether a text is named like an Azure machine size."""
    return isinstance(value, str) and _SIZE.match(value) is not None


def size_options(view: View, path: str) -> tuple[tuple[MachineOption, ...], Unknown | None]:
    """The machine size at a path of an object that is written in one expression, such as the body of an ARM resource.

    The plan then tells all references of the object together: of what they lead to, only names of sizes can be meant.
    """
    value = view.get(path, looks_like_size)
    if isinstance(value, str) and value:
        return (MachineOption(value),), None
    names = [name for name in view.candidates(path) if looks_like_size(name)]
    if names:
        return tuple(MachineOption(name) for name in names), None
    if value is None or value == "":
        return (), None
    if not isinstance(value, Unknown):
        view.text(path)  # tells that it is no text
    return (), Unknown(f"{path} is known only after apply", code="unknown-machine-type")


# -- disks --------------------------------------------------------------------------------------------------------------


def os_disk(view: View) -> tuple[Disk, ...]:
    """The OS disk, unless it is on the machine itself."""
    block = view.block("os_disk")
    if block is None or block.string("diff_disk_settings.option") == "Local":
        return ()
    return (
        Disk(
            "boot", block.string("storage_account_type") or "Standard_LRS", block.known_number("disk_size_gb") or None
        ),
    )


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
