"""Amazon SageMaker AI: endpoints, notebooks, Studio, HyperPod and jobs."""

from gpuguard.extract.spec import Companion, ResourceSpec

SPECS: tuple[ResourceSpec, ...] = ()

COMPANIONS: tuple[Companion, ...] = ()
