"""Cloud TPU: TPU VMs, queued resources and the older TPU nodes.

Names of accelerator types tell generation and size: those of v2, v3, v4 and v5p count TensorCores, two to a chip; those of
v5e (``v5litepod``) and v6e count chips (https://cloud.google.com/tpu/docs/regions-zones). Chips are what is billed
(https://cloud.google.com/tpu/pricing); the machines that hold them are in that price.
"""

import re
from decimal import Decimal

from msgspec.structs import replace

from gpuguard.extract.common import string_tags
from gpuguard.extract.providers.google.common import labels, region
from gpuguard.extract.providers.google.compute import disks_behind, existing_disk
from gpuguard.extract.spec import Companion, Extracted, ResourceSpec
from gpuguard.extract.view import View
from gpuguard.model.usage import (
    AttachedAccelerator,
    Attribute,
    Charge,
    Disk,
    MachineOption,
    Once,
    PoolUsage,
    PurchaseModel,
    Units,
    Unknown,
)

_TYPE = re.compile(r"(v2|v3|v4|v5p|v5litepod|v5e|v6e|tpu7x)-(\d{1,6})\Z", re.IGNORECASE)
_MODELS = {
    "v2": "TPU-v2", "v3": "TPU-v3", "v4": "TPU-v4", "v5p": "TPU-v5p",
    "v5litepod": "TPU-v5e", "v5e": "TPU-v5e", "v5lite_pod": "TPU-v5e", "v6e": "TPU-v6e", "tpu7x": "TPU-v7x",
}  # fmt: skip
_PER_CHIP = {"v2": 2, "v3": 2, "v4": 2, "v5p": 2}
"""TensorCores to a chip, where the name of the type counts those."""
_SINGLE_HOST = Decimal(4)
"""Chips of the largest v2 or v3 slice that is a device; larger ones are parts of a pod, with a price of their own."""
_TOPOLOGY = re.compile(r"\d{1,4}(?:x\d{1,4}){1,2}\Z")
_DEFAULT = "v2-8"
"""What the provider takes where neither accelerator_type nor accelerator_config is set."""
_MOST_NODES = 1000


def chips_of(topology: str | None) -> Decimal | None:
    """Chips of a topology: ``2x2x4`` → 16."""
    if topology is None or not _TOPOLOGY.match(topology):
        return None
    product = Decimal(1)
    for side in topology.split("x"):
        product *= int(side)
    return product


def tpu_pool(
    name: str,
    model: str,
    chips: Decimal,
    purchase_model: PurchaseModel,
    units: Units,
    *,
    disks: tuple[Disk, ...] = (),
    public_ipv4: int = 0,
    once: Once | None = None,
    attribute: Attribute | None = None,
    sensitive: bool = False,
) -> PoolUsage:
    """TPU slices of so many chips, billed by the chip."""
    row = f"{model}-pod" if model in ("TPU-v2", "TPU-v3") and chips > _SINGLE_HOST else model
    charge = Charge("accelerator", row, f"{model} chips", chips, "chip-hour", component="gpu")
    return PoolUsage(
        options=(MachineOption(name),),
        units=units,
        purchase_model=purchase_model,
        accelerators=(AttachedAccelerator(model, chips),),
        charges=(charge,),
        machine_billed=False,
        disks=disks,
        public_ipv4=public_ipv4,
        once=once,
        machine_attribute=attribute,
        sensitive=sensitive,
    )


def _slice(view: View, purchase_model: PurchaseModel, disks: tuple[Disk, ...] = ()) -> PoolUsage:
    """The slice that an accelerator type, or a generation and a topology, describe."""
    config = view.block("accelerator_config")
    path = "accelerator_type" if config is None else "accelerator_config.0.topology"
    name = view.text("accelerator_type") if config is None else _configured(config)
    if name is None:
        name = _DEFAULT
    found = _read(name) if isinstance(name, str) else None
    if found is None or isinstance(name, Unknown):
        known = isinstance(name, str)
        reason = f"the accelerator type {name[:40]} is not known" if isinstance(name, str) else name.reason
        if known and view.is_sensitive(path):
            reason = "the accelerator type is not known"
        return PoolUsage(
            options=(),
            units=Units.fixed(1),
            purchase_model=purchase_model,
            unknown=Unknown(reason, "unknown-accelerator"),
        )
    model, chips = found
    networks = [*view.blocks("network_config"), *view.blocks("network_configs")]
    hosts = (chips / 4).to_integral_value("ROUND_CEILING")
    external = sum(network.flag("enable_external_ips") for network in networks)
    return tpu_pool(
        name,
        model,
        chips,
        purchase_model,
        Units.fixed(1),
        disks=disks,
        public_ipv4=external * int(hosts),
        attribute=view.attribute(path),
        sensitive=view.is_sensitive(path),
    )


def _configured(config: View) -> str | Unknown | None:
    """Generation and topology as one name: ``V5P`` and ``2x2x4`` → ``v5p-2x2x4``."""
    generation, topology = config.text("type"), config.text("topology")
    for value in (generation, topology):
        if isinstance(value, Unknown):
            return value
    return f"{str(generation or '').lower()}-{topology}" if generation and topology else None


def _read(name: str) -> tuple[str, Decimal] | None:
    """Model and number of chips."""
    match = _TYPE.match(name)
    if match:
        generation = match[1].lower()
        chips = Decimal(match[2]) / _PER_CHIP.get(generation, 1)
        return (_MODELS[generation], max(chips, Decimal(1))) if chips else None
    generation, _, topology = name.rpartition("-")
    model, product = _MODELS.get(generation.lower()), chips_of(topology)
    return (model, product) if model is not None and product else None


def _bought(view: View) -> PurchaseModel:
    scheduling = view.block("scheduling_config")
    if scheduling is None:
        return "on_demand"
    if scheduling.flag("reserved"):
        view.note(
            "info",
            "outside-reservation",
            "it runs in a TPU reservation, which this plan does not hold: it is priced as if nothing else paid for it",
        )
    return "spot" if scheduling.flag("spot") or scheduling.flag("preemptible") else "on_demand"


def tpu_vm(view: View) -> Extracted:
    """`google_tpu_v2_vm`: one slice, whatever the number of its hosts."""
    disks = tuple(
        existing_disk("data", disk)
        for block in view.blocks("data_disks")
        for disk in disks_behind(block, "source_disk")
    )
    return Extracted((_slice(view, _bought(view), disks),))


def tpu_node(view: View) -> Extracted:
    """`google_tpu_node`, of the architecture before TPU VMs."""
    return Extracted((_slice(view, _bought(view)),))


def queued_resource(view: View) -> Extracted:
    """`google_tpu_v2_queued_resource`: the slices that are created as soon as there is capacity."""
    nodes = [
        node
        for specification in view.blocks("tpu.0.node_spec")[:_MOST_NODES]
        for node in specification.blocks("node")[:1]
    ]
    alike: dict[PoolUsage, list[PoolUsage]] = {}
    for pool in (_slice(node, "on_demand") for node in nodes):
        alike.setdefault(replace(pool, machine_attribute=None), []).append(pool)
    return Extracted(tuple(replace(pools[0], units=Units.fixed(len(pools))) for pools in alike.values()))


_PRICES = ("TPU chips", "public IPv4 addresses of the hosts")
_LEAVES_OUT = ("The boot disks of the hosts.",)
_COUNTS = "Names of v2, v3, v4 and v5p count TensorCores, two to a chip; those of v5e and v6e count chips."
_PODS = "Slices of v2 and v3 with more than four chips are parts of a pod and have its price."

SPECS: tuple[ResourceSpec, ...] = (
    ResourceSpec(
        type="google_tpu_v2_vm",
        cloud="gcp",
        extract=tpu_vm,
        region=region,
        tags=labels,
        reads=("accelerator_type", "accelerator_config", "scheduling_config", "data_disks", "network_config"),
        prices=(*_PRICES, "data disks"),
        leaves_out=_LEAVES_OUT,
        assumes=(_COUNTS, _PODS, "Without an accelerator type it is a v2-8."),
        source="google-beta provider: google_tpu_v2_vm",
    ),
    ResourceSpec(
        type="google_tpu_v2_queued_resource",
        cloud="gcp",
        extract=queued_resource,
        region=region,
        tags=lambda view: {},
        reads=("tpu.node_spec.node.accelerator_type", "tpu.node_spec.node.network_config"),
        prices=_PRICES,
        leaves_out=_LEAVES_OUT,
        assumes=(_COUNTS, _PODS, "The provider has no attribute for Spot: the slices count as on demand."),
        source="google-beta provider: google_tpu_v2_queued_resource",
    ),
    ResourceSpec(
        type="google_tpu_node",
        cloud="gcp",
        extract=tpu_node,
        region=region,
        tags=lambda view: string_tags(view, "labels"),
        reads=("accelerator_type", "scheduling_config"),
        prices=("TPU chips",),
        leaves_out=("The VM that a TPU node is used from, which is a resource of its own.",),
        assumes=(_COUNTS, _PODS),
        source="google provider: google_tpu_node",
    ),
)

COMPANIONS: tuple[Companion, ...] = ()
