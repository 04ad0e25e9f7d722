"""ARM resources through azapi: the same machines by their ARM names."""

from gpuguard.extract.spec import Companion, ResourceSpec

SPECS: tuple[ResourceSpec, ...] = ()

COMPANIONS: tuple[Companion, ...] = ()
