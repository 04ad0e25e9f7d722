"""AWS Batch: compute environments, sized in vCPUs, and job definitions."""

from gpuguard.extract.spec import Companion, ResourceSpec

SPECS: tuple[ResourceSpec, ...] = ()

COMPANIONS: tuple[Companion, ...] = ()
