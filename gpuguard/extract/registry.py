"""All resource types that are described, by Terraform type.

Adding a type is one `ResourceSpec` in a module of its provider; adding a provider is one line here. A module is imported
when a document holds a type that it describes: start-up counts in a hook.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from importlib import import_module
from typing import Any

import msgspec
from msgspec.structs import replace

from gpuguard.extract.spec import Companion, ResourceSpec


class Provider(msgspec.Struct, frozen=True):
    """A Terraform provider: its title for people, the module or package that describes its types, and how these begin.

    A package says in `MODULES` which of its modules describes which types.
    """

    title: str
    module: str
    prefixes: tuple[str, ...]

    @property
    def specs(self) -> tuple[ResourceSpec, ...]:
        """The types that can hold an accelerator."""
        return tuple(spec for module in self.modules() for spec in module.SPECS)

    @property
    def companions(self) -> tuple[Companion, ...]:
        """The types that are read with those; one that several modules read says of which in all."""
        found: dict[str, Companion] = {}
        for each in (each for module in self.modules() for each in module.COMPANIONS):
            known = found.get(each.type)
            of = dict.fromkeys((*known.of, *each.of)) if known is not None else each.of
            found[each.type] = replace(known or each, of=tuple(of))
        return tuple(found.values())

    def modules(self, types: Iterable[str] | None = None) -> list[Any]:
        """The modules that describe some types; all of them without `types`."""
        package = import_module(f"{_PACKAGE}.{self.module}")
        parts: Mapping[str, tuple[str, ...]] | None = getattr(package, "MODULES", None)
        if parts is None:
            return [package]
        names = None if types is None else tuple(types)
        return [
            import_module(f"{_PACKAGE}.{self.module}.{part}")
            for part, beginnings in parts.items()
            if names is None or any(name.startswith(beginnings) for name in names)
        ]


_PACKAGE = "gpuguard.extract.providers"
PROVIDERS = (
    Provider("AWS", "aws", ("aws_", "awscc_")),
    Provider("Google Cloud", "google", ("google_",)),
    Provider("Azure", "azurerm", ("azurerm_", "azapi_")),
    Provider("Kubernetes", "kubernetes", ("kubernetes_", "kubectl_", "helm_")),
    Provider("Databricks", "databricks", ("databricks_",)),
    Provider("Oracle Cloud Infrastructure", "oci", ("oci_",)),
    Provider("Alibaba Cloud", "alicloud", ("alicloud_",)),
    Provider("Civo", "civo", ("civo_",)),
    Provider("CoreWeave", "coreweave", ("coreweave_",)),
    Provider("Crusoe", "crusoe", ("crusoe_",)),
    Provider("DigitalOcean", "digitalocean", ("digitalocean_",)),
    Provider("Exoscale", "exoscale", ("exoscale_",)),
    Provider("Gcore", "gcore", ("gcore_",)),
    Provider("Hyperstack", "hyperstack", ("hyperstack_",)),
    Provider("IBM Cloud", "ibm", ("ibm_",)),
    Provider("Lambda", "lambdalabs", ("lambdalabs_",)),
    Provider("Latitude.sh", "latitudesh", ("latitudesh_",)),
    Provider("Linode (Akamai)", "linode", ("linode_",)),
    Provider("Nebius", "nebius", ("nebius_",)),
    Provider("OVHcloud and OpenStack", "ovh", ("ovh_", "openstack_")),
    Provider("RunPod", "runpod", ("runpod_",)),
    Provider("Scaleway", "scaleway", ("scaleway_",)),
    Provider("UpCloud", "upcloud", ("upcloud_",)),
    Provider("Verda (DataCrunch)", "verda", ("verda_",)),
    Provider("Vultr", "vultr", ("vultr_",)),
)
"""The providers that are read; a new one is added here."""


@cache
def specs() -> dict[str, ResourceSpec]:
    """Every spec by type. A type described twice is a mistake in the package."""
    return _by_type(spec for provider in PROVIDERS for spec in provider.specs)


def specs_for(types: Iterable[str]) -> dict[str, ResourceSpec]:
    """The specs of some types, and of others that stand in the same modules."""
    return _by_type(spec for module in _modules_for(types) for spec in module.SPECS)


def companions_for(types: Iterable[str]) -> frozenset[str]:
    """The types that are read with some types."""
    return frozenset(each.type for module in _modules_for(types) for each in module.COMPANIONS)


def providers_for(types: Iterable[str]) -> tuple[Provider, ...]:
    """The providers that some types belong to, in the order of `PROVIDERS`."""
    names = tuple(types)
    return tuple(provider for provider in PROVIDERS if any(name.startswith(provider.prefixes) for name in names))


def _modules_for(types: Iterable[str]) -> list[Any]:
    names = tuple(types)
    return [module for provider in providers_for(names) for module in provider.modules(names)]


def _by_type(found: Iterable[ResourceSpec]) -> dict[str, ResourceSpec]:
    by_type: dict[str, ResourceSpec] = {}
    for spec in found:
        if spec.type in by_type:
            raise ValueError(f"{spec.type} is described twice")
        by_type[spec.type] = spec
    return by_type
