"""AWS: which attributes of which Terraform types start accelerators, one module a group of services.

Attribute names are those of the AWS provider 5.x and 6.x (https://registry.terraform.io/providers/hashicorp/aws).
"""

from gpuguard.extract.providers.aws import (
    batch,
    compute,
    containers,
    emr,
    fleets,
    groups,
    reservations,
    sagemaker,
    services,
)
from gpuguard.extract.spec import Companion, ResourceSpec

_MODULES = (compute, groups, fleets, reservations, batch, containers, sagemaker, emr, services)

SPECS: tuple[ResourceSpec, ...] = tuple(spec for module in _MODULES for spec in module.SPECS)

COMPANIONS: tuple[Companion, ...] = tuple(each for module in _MODULES for each in module.COMPANIONS)
