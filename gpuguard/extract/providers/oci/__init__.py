"""Oracle Cloud Infrastructure."""

from gpuguard.extract.providers.oci import compute, datascience, groups, kubernetes, services
from gpuguard.extract.spec import Companion, ResourceSpec

_MODULES = (compute, groups, kubernetes, datascience, services)

SPECS: tuple[ResourceSpec, ...] = tuple(spec for module in _MODULES for spec in module.SPECS)

COMPANIONS: tuple[Companion, ...] = tuple(each for module in _MODULES for each in module.COMPANIONS)
