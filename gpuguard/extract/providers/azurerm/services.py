"""Other Azure services that start GPUs."""

from gpuguard.extract.spec import Companion, ResourceSpec

SPECS: tuple[ResourceSpec, ...] = ()

COMPANIONS: tuple[Companion, ...] = ()
