"""All resource types that are described, by Terraform type. Adding a type is one `ResourceSpec` in its provider's file."""

from functools import cache

from gpuguard.extract import aws, azurerm, google
from gpuguard.extract.spec import ResourceSpec

FILES = {"AWS": aws, "Google Cloud": google, "Azure": azurerm}
"""The provider files; a new one is added here."""


@cache
def specs() -> dict[str, ResourceSpec]:
    """Every spec by type. A type described twice is a mistake in the package."""
    found: dict[str, ResourceSpec] = {}
    for file in FILES.values():
        for spec in file.SPECS:
            if spec.type in found:
                raise ValueError(f"{spec.type} is described twice")
            found[spec.type] = spec
    return found
