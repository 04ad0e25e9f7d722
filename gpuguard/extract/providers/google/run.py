"""Cloud Run services, jobs and worker pools with GPUs."""

from gpuguard.extract.spec import Companion, ResourceSpec

SPECS: tuple[ResourceSpec, ...] = ()

COMPANIONS: tuple[Companion, ...] = ()
