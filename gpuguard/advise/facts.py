"""The part of the price catalog that the advisor asks, so that tests can stand in for it."""

from typing import Protocol

from gpuguard.model.price import AcceleratorModel, InstanceType, Performance, Price, PriceKey, Unpriced


class Facts(Protocol):
    """What `gpuguard.price.catalog.Catalog` offers to the advisor. Every look-up answers, none raises for a name."""

    def instance_type(self, cloud: str, sku: str) -> InstanceType | None:
        """The machine type, any spelling the cloud takes; None when it is not known."""
        ...

    def accelerator(self, name: str) -> AcceleratorModel | None:
        """The accelerator by canonical name or by a cloud's alias."""
        ...

    def price(self, key: PriceKey) -> Price | Unpriced:
        """One price row."""
        ...

    def offers(self, cloud: str, region: str) -> tuple[InstanceType, ...]:
        """The GPU machine types sold in the region."""
        ...

    def performance(self, model: str, other: str, workload: str) -> Performance | None:
        """Speed of `model` over `other` in one class of work."""
        ...

    def interruption(self, region: str, sku: str, os: str = "linux") -> str | None:
        """How often AWS takes spot machines of this type back, as a band such as ``5-10%``."""
        ...
