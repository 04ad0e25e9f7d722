"""Capacity that is paid for whether it is used or not: capacity reservations and dedicated hosts."""

import re
from decimal import Decimal

from gpuguard.extract.providers.azurerm.common import normalised, region, tags
from gpuguard.extract.providers.azurerm.placement import GROUP, HOST, HOST_GROUP, RESERVATION
from gpuguard.extract.spec import Companion, Extracted, Machine, ResourceSpec, machine_options, units_of
from gpuguard.extract.view import View
from gpuguard.model.usage import AttachedAccelerator, Charge, MachineOption, PoolUsage, Units, Unknown


def group_region(view: View) -> str | Unknown | None:
    """Location of the reservation's group."""
    group = view.follow(("capacity_reservation_group_id",), (GROUP,), ("id",)).first
    return region(group) if group is not None else None


def capacity_reservation(view: View) -> Extracted:
    """`azurerm_capacity_reservation`: so many machines of one size, at the price of running ones.

    https://learn.microsoft.com/azure/virtual-machines/capacity-reservation-overview#pricing-and-billing
    """
    options, unknown = machine_options(view, "sku.0.name")
    return Extracted(
        reservation(
            Machine(
                options=options,
                unknown=unknown,
                machine_attribute=view.attribute("sku.0.name"),
                sensitive=view.is_sensitive("sku.0.name"),
            ),
            units_of(view.number("sku.0.capacity"), Decimal(0)),
        )
    )


def reservation(machine: Machine, count: Decimal | None) -> tuple[PoolUsage, ...]:
    """Reserved machines; Windows is only billed with the machines that run in them."""
    return (machine.pool(Units.fixed(count), purchase_model="capacity_reservation"),)


_HOSTS = {
    "nvasv4-type1": ("NVasv4-Type1", "MI25", 4),
    "nvsv3-type1": ("NVsv3-Type1", "M60", 4),
    "nvadsa10v5-type1": ("NVadsA10v5-Type1", "A10", 2),
    "ndasra100v4-type1": ("NDasrA100v4-Type1", "A100-40GB", 8),
    "ndamsra100v4-type1": ("NDamsrA100v4-Type1", "A100-80GB", 8),
}
"""Name in the price list, GPU and how many a host has: those of the machines that fill it
(https://learn.microsoft.com/azure/virtual-machines/dedicated-host-gpu-optimized-skus: 30 NV4as v4 of an eighth of an MI25
each need four; 4 NV12s v3 of one M60 each); a host of the A10 and A100 families holds one machine of the largest size."""
_N_SERIES = re.compile(r"n[cdgv]", re.IGNORECASE)


def dedicated_host(view: View) -> Extracted:
    """`azurerm_dedicated_host`: the whole server, whatever runs on it; a licence is billed with the machines."""
    return Extracted(host(view, view.text("sku_name"), "sku_name"))


def host(view: View, sku: str | Unknown | None, path: str) -> tuple[PoolUsage, ...]:
    """The pool of one host; none where the family has no GPUs."""
    known = _HOSTS.get(sku.lower()) if isinstance(sku, str) else None
    if known is not None:
        name, model, count = known
        machine = Machine(
            options=(MachineOption(name),),
            accelerators=(AttachedAccelerator(model, Decimal(count)),),
            machine_attribute=view.attribute(path),
            sensitive=view.is_sensitive(path),
        )
        charge = Charge("managed_service", f"dedicated-host-{name}", f"{name} dedicated host", component="compute")
        return (machine.pool(Units.fixed(1), charges=(charge,), machine_billed=False),)
    if isinstance(sku, Unknown):
        names = view.candidates(path)
        if len(names) == 1:
            return host(view, names[0], path)
        unknown = Unknown(f"{path} is known only after apply", "unknown-machine-type")
    elif sku is not None and _N_SERIES.match(sku):
        unknown = Unknown(f"{sku} is a host for machines with GPUs that is not known here", "unknown-machine-type")
    else:
        return ()
    return (Machine(unknown=unknown).pool(Units.fixed(1)),)


def host_group_region(view: View) -> str | Unknown | None:
    """Own location, else that of the group of hosts."""
    own = normalised(view.string("location"))
    group = view.follow(("dedicated_host_group_id",), (HOST_GROUP,), ("id",)).first
    return own if own is not None or group is None else region(group)


SPECS: tuple[ResourceSpec, ...] = (
    ResourceSpec(
        type=RESERVATION,
        cloud="azure",
        extract=capacity_reservation,
        region=group_region,
        tags=tags,
        reads=("sku", "zone", "capacity_reservation_group_id"),
        prices=("the reserved machines, used or not",),
        leaves_out=("Disks and licences of the machines that run in it.",),
        assumes=("Machines of the plan that name the group, with the same size, use it in the order of the plan.",),
        source="azurerm provider: azurerm_capacity_reservation; Azure: on-demand capacity reservation",
    ),
    ResourceSpec(
        type=HOST,
        cloud="azure",
        extract=dedicated_host,
        region=host_group_region,
        tags=tags,
        reads=("sku_name", "location", "dedicated_host_group_id"),
        prices=("the whole host",),
        leaves_out=("Disks and licences of the machines that run on it.",),
        assumes=("A host has the GPUs of the machines that fill it.",),
        source="azurerm provider: azurerm_dedicated_host; Azure: GPU optimized Dedicated Host SKUs",
    ),
)

COMPANIONS: tuple[Companion, ...] = (
    Companion(
        type=GROUP,
        of=(RESERVATION,),
        reads=("location",),
        says="the region of its reservations, and which machines use them",
        source="azurerm provider: azurerm_capacity_reservation_group",
    ),
    Companion(
        type=HOST_GROUP,
        of=(HOST,),
        reads=("location",),
        says="which machines run on its hosts where Azure places them",
        source="azurerm provider: azurerm_dedicated_host_group",
    ),
)
