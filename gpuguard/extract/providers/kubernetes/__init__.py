"""Kubernetes inside Terraform: what its objects ask for, and the node pools that objects describe.

Attribute names are those of the kubernetes, kubectl (gavinbunney, alekc) and helm providers.
"""

from gpuguard.extract.providers.kubernetes import karpenter, manifests, sharing, workloads
from gpuguard.extract.spec import Companion, ResourceSpec

_MODULES = (workloads, manifests, karpenter, sharing)

SPECS: tuple[ResourceSpec, ...] = tuple(spec for module in _MODULES for spec in module.SPECS)

COMPANIONS: tuple[Companion, ...] = tuple(each for module in _MODULES for each in module.COMPANIONS)
