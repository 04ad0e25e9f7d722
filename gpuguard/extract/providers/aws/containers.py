"""Amazon ECS and EKS Auto Mode: capacity that a container service starts by itself."""

from gpuguard.extract.spec import Companion, ResourceSpec

SPECS: tuple[ResourceSpec, ...] = ()

COMPANIONS: tuple[Companion, ...] = ()
