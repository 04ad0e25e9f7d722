"""Other AWS services that start GPUs: desktops, streaming, games, builds."""

from gpuguard.extract.providers.aws import builds, desktops
from gpuguard.extract.spec import Companion, ResourceSpec

SPECS: tuple[ResourceSpec, ...] = (*desktops.SPECS, *builds.SPECS)

COMPANIONS: tuple[Companion, ...] = ()
