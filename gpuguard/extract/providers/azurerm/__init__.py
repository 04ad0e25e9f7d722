"""Azure: which attributes of which Terraform types start accelerators, one module a group of services.

Attribute names are those of the azurerm provider 3.x and 4.x
(https://registry.terraform.io/providers/hashicorp/azurerm).
"""

from gpuguard.extract.providers.azurerm import aks, azapi, batch, compute, containers, ml, reservations, services
from gpuguard.extract.spec import Companion, ResourceSpec

_MODULES = (compute, aks, ml, batch, containers, reservations, services, azapi)

SPECS: tuple[ResourceSpec, ...] = tuple(spec for module in _MODULES for spec in module.SPECS)

COMPANIONS: tuple[Companion, ...] = tuple(each for module in _MODULES for each in module.COMPANIONS)
