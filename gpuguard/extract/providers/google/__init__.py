"""Google Cloud: which attributes of which Terraform types start accelerators, one module a group of services.

Attribute names are those of the google and google-beta providers 5.x to 7.x
(https://registry.terraform.io/providers/hashicorp/google).
"""

from gpuguard.extract.providers.google import compute, data, gke, groups, notebooks, reservations, run, tpu, vertex
from gpuguard.extract.spec import Companion, ResourceSpec

_MODULES = (compute, groups, gke, reservations, tpu, vertex, notebooks, data, run)

SPECS: tuple[ResourceSpec, ...] = tuple(spec for module in _MODULES for spec in module.SPECS)

COMPANIONS: tuple[Companion, ...] = tuple(each for module in _MODULES for each in module.COMPANIONS)
