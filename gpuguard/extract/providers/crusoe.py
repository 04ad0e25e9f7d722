"""Crusoe Cloud: virtual machines, instance templates and groups, Kubernetes node pools.

https://registry.terraform.io/providers/crusoecloud/crusoe. Machine types are named by their GPUs: ``h100-80gb-sxm-ib.8x``.
"""

import re
from decimal import Decimal

from msgspec.structs import replace

from gpuguard.extract.common import as_template, followed_machine
from gpuguard.extract.plain import behind, no_tags, plain_machine, pool_of, size
from gpuguard.extract.spec import Companion, Extracted, Machine, ResourceSpec, TemplateLink, units_of
from gpuguard.extract.view import View
from gpuguard.model.usage import Disk, Units, Unknown

_TEMPLATE = ("crusoe_instance_template",)
_BY = ("id", "name")
_ONE_LINK = TemplateLink(("instance_template",), _TEMPLATE, _BY)
_GROUP_LINK = TemplateLink(("instance_template_id",), _TEMPLATE, _BY)
_SIZE = re.compile(r"(?P<amount>\d{1,7})(?P<unit>[GT])iB\Z")
_MOST_DISKS = 100


def gibibytes(text: str | None) -> Decimal | None:
    """``100GiB`` → 100, ``1TiB`` → 1024."""
    match = _SIZE.match((text or "").strip()[:20])
    if match is None:
        return None
    return Decimal(match["amount"]) * (1024 if match["unit"] == "T" else 1)


def _disk(view: View) -> Disk:
    return Disk("data", view.string("type") or "persistent-ssd", gibibytes(view.string("size")))


def instance_machine(view: View) -> Machine:
    """`crusoe_compute_instance`, with the disks that it is given; shared volumes serve several and are left out."""
    attached = (behind(block, "id", ("crusoe_storage_disk",), *_BY) for block in view.blocks("disks")[:_MOST_DISKS])
    disks = tuple(_disk(each) for each in attached if each is not None and each.string("type") != "shared-volume")
    return plain_machine(view, "type", disks=disks)


def template_machine(view: View) -> Machine:
    """`crusoe_instance_template`: every machine made from it has these disks."""
    disks = tuple(
        _disk(block) for block in view.blocks("disks")[:_MOST_DISKS] if block.string("type") != "shared-volume"
    )
    return replace(plain_machine(view, "type", disks=disks), via=(view.address,))


def instance(view: View) -> Extracted:
    """One virtual machine."""
    _tell_reservation(view)
    return Extracted(pool_of(instance_machine(view), Units.fixed(1)))


def _from_template(view: View, link: TemplateLink, units: Units) -> Extracted:
    machine = followed_machine(view, link, template_machine)
    if machine is None:
        own = plain_machine(view, "type")
        unknown = Unknown("its instance template is not in the plan", "unknown-machine-type")
        machine = own if own.options else Machine(unknown=unknown)
    return Extracted(pool_of(machine, units), via=machine.via)


def instance_by_template(view: View) -> Extracted:
    """`crusoe_compute_instance_by_template`: one machine as the template describes it."""
    return _from_template(view, _ONE_LINK, Units.fixed(1))


def instance_group(view: View) -> Extracted:
    """`crusoe_compute_instance_group`: as many machines as are desired."""
    return _from_template(view, _GROUP_LINK, Units.fixed(units_of(size(view, "desired_count"), Decimal(0))))


def node_pool(view: View) -> Extracted:
    """`crusoe_kubernetes_node_pool`: a fixed number of nodes."""
    count = units_of(size(view, "instance_count"), Decimal(0))
    return Extracted(pool_of(plain_machine(view, "type"), Units.fixed(count)))


def _tell_reservation(view: View) -> None:
    if view.string("reservation_id"):
        view.note("info", "may-use-reservation", "it runs in a reservation of yours; it is priced on demand")


def region(view: View) -> str | None:
    """The location it names."""
    return view.string("location")


def templated_region(view: View) -> str | None:
    """The location of the template."""
    own = view.string("location")
    template = view.follow(("instance_template", "instance_template_id"), _TEMPLATE, _BY).first if own is None else None
    return own or (None if template is None else template.string("location"))


def node_pool_region(view: View) -> str | None:
    """The location of the cluster."""
    cluster = behind(view, "cluster_id", ("crusoe_kubernetes_cluster",), *_BY)
    return None if cluster is None else cluster.string("location")


_PRICES = ("the machine",)
_ASSUMES = ("Machines are priced on demand, also where a reservation of yours may pay for them.",)
_LEAVES_OUT = ("public addresses", "shared volumes")

SPECS: tuple[ResourceSpec, ...] = (
    ResourceSpec(
        type="crusoe_compute_instance",
        cloud="crusoe",
        extract=instance,
        region=region,
        tags=no_tags,
        reads=("type", "location", "disks", "reservation_id"),
        prices=_PRICES,
        leaves_out=_LEAVES_OUT,
        assumes=_ASSUMES,
        source="crusoe provider: crusoe_compute_instance",
    ),
    ResourceSpec(
        type="crusoe_instance_template",
        cloud="crusoe",
        extract=as_template(template_machine),
        region=region,
        tags=no_tags,
        template=True,
        reads=("type", "disks", "location"),
        assumes=("Costs nothing by itself.",),
        source="crusoe provider: crusoe_instance_template",
    ),
    ResourceSpec(
        type="crusoe_compute_instance_by_template",
        cloud="crusoe",
        extract=instance_by_template,
        region=templated_region,
        tags=no_tags,
        links=(_ONE_LINK,),
        reads=("instance_template",),
        prices=_PRICES,
        leaves_out=_LEAVES_OUT,
        assumes=_ASSUMES,
        source="crusoe provider: crusoe_compute_instance_by_template",
    ),
    ResourceSpec(
        type="crusoe_compute_instance_group",
        cloud="crusoe",
        extract=instance_group,
        region=templated_region,
        tags=no_tags,
        links=(_GROUP_LINK,),
        reads=("instance_template_id", "desired_count"),
        prices=_PRICES,
        leaves_out=_LEAVES_OUT,
        assumes=_ASSUMES,
        source="crusoe provider: crusoe_compute_instance_group",
    ),
    ResourceSpec(
        type="crusoe_kubernetes_node_pool",
        cloud="crusoe",
        extract=node_pool,
        region=node_pool_region,
        tags=no_tags,
        reads=("type", "instance_count", "cluster_id"),
        prices=("the nodes",),
        leaves_out=("the cluster's own fee", "public addresses"),
        assumes=_ASSUMES,
        source="crusoe provider: crusoe_kubernetes_node_pool",
    ),
)

COMPANIONS: tuple[Companion, ...] = (
    Companion(
        type="crusoe_kubernetes_cluster",
        of=("crusoe_kubernetes_node_pool",),
        reads=("location",),
        says="where a node pool is",
        source="crusoe provider: crusoe_kubernetes_cluster",
    ),
    Companion(
        type="crusoe_storage_disk",
        of=("crusoe_compute_instance",),
        reads=("size", "type"),
        says="type and size of an attached disk",
        source="crusoe provider: crusoe_storage_disk",
    ),
)
