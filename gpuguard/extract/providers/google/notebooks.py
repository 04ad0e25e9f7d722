"""Notebooks and workstations: Workbench, Colab Enterprise, Cloud Workstations."""

from gpuguard.extract.spec import Companion, ResourceSpec

SPECS: tuple[ResourceSpec, ...] = ()

COMPANIONS: tuple[Companion, ...] = ()
