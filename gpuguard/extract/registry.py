"""All resource types that are described, by Terraform type.

Adding a type is one `ResourceSpec` in a module of its provider; adding a provider is one line here. A provider's modules
are imported when a document holds a type of it: start-up counts in a hook.
"""

from collections.abc import Iterable
from functools import cache
from importlib import import_module
from typing import Any

import msgspec
from msgspec.structs import replace

from gpuguard.extract.spec import Companion, ResourceSpec


class Provider(msgspec.Struct, frozen=True):
    """A Terraform provider: its title for people, the module that describes its types, and how their names begin."""

    title: str
    module: str
    prefixes: tuple[str, ...]

    @property
    def specs(self) -> tuple[ResourceSpec, ...]:
        """The types that can hold an accelerator."""
        found: tuple[ResourceSpec, ...] = self._loaded.SPECS
        return found

    @property
    def companions(self) -> tuple[Companion, ...]:
        """The types that are read with those; one that several modules read says of which in all."""
        found: dict[str, Companion] = {}
        for each in self._loaded.COMPANIONS:
            known = found.get(each.type)
            of = dict.fromkeys((*known.of, *each.of)) if known is not None else each.of
            found[each.type] = replace(known or each, of=tuple(of))
        return tuple(found.values())

    @property
    def _loaded(self) -> Any:
        return import_module(f"gpuguard.extract.providers.{self.module}")


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
    return _of(PROVIDERS)


def specs_for(types: Iterable[str]) -> dict[str, ResourceSpec]:
    """The specs of the providers that some types belong to, by type."""
    return _of(providers_for(types))


def companions_for(types: Iterable[str]) -> frozenset[str]:
    """The companion types of the providers that some types belong to."""
    return frozenset(each.type for provider in providers_for(types) for each in provider.companions)


def providers_for(types: Iterable[str]) -> tuple[Provider, ...]:
    """The providers that some types belong to, in the order of `PROVIDERS`."""
    names = tuple(types)
    return tuple(provider for provider in PROVIDERS if any(name.startswith(provider.prefixes) for name in names))


def _of(providers: Iterable[Provider]) -> dict[str, ResourceSpec]:
    found: dict[str, ResourceSpec] = {}
    for provider in providers:
        for spec in provider.specs:
            if spec.type in found:
                raise ValueError(f"{spec.type} is described twice")
            found[spec.type] = spec
    return found
