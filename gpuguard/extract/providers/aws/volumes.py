"""EBS volumes of a machine: what its image, its template and the machine itself say of them."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Literal

import msgspec

from gpuguard.extract.view import View
from gpuguard.model.usage import Disk


class Volume(msgspec.Struct, frozen=True):
    """A volume as one place describes it; what it leaves open comes from the place below (template, image)."""

    type: str | None = None
    size_gib: Decimal | None = None
    iops: Decimal | None = None
    throughput: Decimal | None = None

    def over(self, below: "Volume | None") -> "Volume":
        """This volume, with what it leaves open taken from the one below."""
        if below is None:
            return self
        same = self.type in (None, below.type)
        return Volume(
            self.type or below.type,
            self.size_gib if self.size_gib is not None else below.size_gib,
            self.iops if self.iops is not None or not same else below.iops,
            self.throughput if self.throughput is not None or not same else below.throughput,
        )

    def disk(self, role: Literal["boot", "data"]) -> Disk:
        """The volume as it is priced."""
        # Where nothing names a type EC2 takes gp2 (https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_EbsBlockDevice.html).
        return Disk(role, self.type or "gp2", self.size_gib, iops=self.iops, throughput_mibps=self.throughput)


Volumes = dict[str, Volume | None]
"""Volumes by device name, the root volume under ""; None where a mapping takes a device away."""

_ROOT = ""
_ROOT_DEVICES = ("/dev/xvda", "/dev/sda1")


def volume_of(view: View, type_: str = "volume_type", size: str = "volume_size") -> Volume:
    """The volume that a block describes, sized by its snapshot where the block does not say."""
    size_gib = view.known_number(size)
    if size_gib is None:
        snapshot = view.follow(("snapshot_id",), ("aws_ebs_snapshot", "aws_ebs_snapshot_copy"), ("id",))
        if snapshot.first is not None and not snapshot.assumed:
            size_gib = snapshot.first.known_number("volume_size")
    return Volume(view.string(type_), size_gib, view.known_number("iops"), view.known_number("throughput"))


def instance_volumes(view: View) -> Volumes:
    """The volumes of an instance or launch configuration."""
    found: Volumes = {}
    root = view.block("root_block_device")
    if root is not None:
        found[_ROOT] = volume_of(root)
    for number, block in enumerate(view.blocks("ebs_block_device")):
        name = block.string("device_name") or f"#{number}"
        found[name] = None if block.flag("no_device") else volume_of(block)
    return found


def mapped_volumes(view: View, root_devices: Iterable[str]) -> Volumes:
    """The volumes of `block_device_mappings` (launch template, image)."""
    found: Volumes = {}
    for number, mapping in enumerate(view.blocks("block_device_mappings")):
        name = mapping.string("device_name") or f"#{number}"
        ebs = mapping.block("ebs")
        key = _ROOT if name in root_devices else name
        if mapping.string("no_device") is not None:
            found[key] = None
        elif ebs is not None:
            found[key] = volume_of(ebs)
    return found


def image_of(view: View, path: str) -> tuple[Volumes, tuple[str, ...]]:
    """What the image brings, where the plan knows the image, and the names of its root device."""
    link = view.follow((path,), ("aws_ami",), ("id",))
    image = None if link.assumed else link.first
    if image is None:
        return {}, _ROOT_DEVICES
    root = image.string("root_device_name")
    devices = (root,) if root else _ROOT_DEVICES
    return mapped_volumes(image, devices), devices


def disks_of(*layers: Volumes) -> tuple[Disk, ...]:
    """The volumes of one machine: each layer (image, template, instance) over the ones before it."""
    found: dict[str, Volume] = {_ROOT: Volume()}
    for layer in layers:
        for device, volume in layer.items():
            if volume is not None:
                found[device] = volume.over(found.get(device))
            elif device != _ROOT:
                found.pop(device, None)
    return tuple(volume.disk("data" if device else "boot") for device, volume in found.items())


def attached_disks(view: View) -> Iterable[Disk]:
    """Volumes attached by `aws_volume_attachment`, but those that a state lists among the instance's own."""
    own = {block.known("volume_id") for block in view.blocks("ebs_block_device")} - {None}
    for attachment in view.referring(("aws_volume_attachment",), "instance_id"):
        volume = attachment.follow(("volume_id",), ("aws_ebs_volume",), ("id", "arn")).first
        # a volume that is only read exists already, and whoever manages it pays for it
        if volume is not None and volume.node.mode == "managed" and attachment.known("volume_id") not in own:
            yield volume_of(volume, "type", "size").disk("data")
