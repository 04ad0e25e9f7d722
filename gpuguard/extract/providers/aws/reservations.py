"""Capacity that is paid for whether it is used or not: capacity reservations, capacity blocks, dedicated hosts."""

from gpuguard.extract.spec import Companion, ResourceSpec

SPECS: tuple[ResourceSpec, ...] = ()

COMPANIONS: tuple[Companion, ...] = ()
