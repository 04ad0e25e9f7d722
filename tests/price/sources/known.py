"""What the sources of the smaller clouds are told of the present catalog in their tests: a few machines, read by hand."""

from collections.abc import Mapping
from decimal import Decimal

from gpuguard.price.names import accelerated_name
from gpuguard.price.sources.base import Context, FetchedPrice, Found, MachineFacts, Wanted
from gpuguard.price.sources.http import Http


def machine(sku: str, gpu: str, count: float) -> MachineFacts:
    return MachineFacts(sku, "", None, None, gpu, count, None)


class Known:
    """A catalog of the machines and regions given, by cloud."""

    MODELS = ("A100-40GB", "A100-80GB", "H100-80GB", "A40", "MI300X", "RTX-4000-Ada", "RTX-PRO-6000")
    ALIASES: Mapping[str, str] = {"a100": "A100-40GB", "h100": "H100-80GB"}

    def __init__(
        self,
        machines: Mapping[str, tuple[MachineFacts, ...]] | None = None,
        regions: Mapping[str, tuple[str, ...]] | None = None,
    ) -> None:
        self._machines, self._regions = machines or {}, regions or {}

    def accelerated(self, cloud: str, sku: str) -> bool:
        return accelerated_name(cloud, sku)

    def spelling(self, cloud: str, sku: str) -> str:
        spellings = {each.sku.lower(): each.sku for each in self.machines(cloud)}
        return spellings.get(sku.lower(), sku)

    def regions(self, cloud: str) -> tuple[str, ...]:
        return self._regions.get(cloud, ())

    def accelerator(self, name: str) -> str | None:
        models = {model.lower(): model for model in self.MODELS}
        return models.get(name.lower()) or self.ALIASES.get(name.lower())

    def machine(self, cloud: str, sku: str) -> MachineFacts | None:
        return next((each for each in self.machines(cloud) if each.sku.lower() == sku.lower()), None)

    def machines(self, cloud: str) -> tuple[MachineFacts, ...]:
        return self._machines.get(cloud, ())


def context(http: Http, endpoint: str, known: Known, wanted: Wanted | None = None) -> Context:
    return Context(
        http=http,
        endpoint=endpoint,
        wanted=wanted or Wanted(),
        known=known,
        environment={},
        today="2026-11-20",
    )


def prices(found: Found) -> dict[tuple[str, str, str], str]:
    """The prices by machine type, region and purchase model, as they are written."""
    return {_key(price): f"{price.usd:f}" for price in found.prices}


def _key(price: FetchedPrice) -> tuple[str, str, str]:
    assert (price.kind, price.unit, price.os, price.term, price.payment) == ("machine", "hour", "linux", "", "")
    assert isinstance(price.usd, Decimal)
    return price.sku, price.region, price.purchase_model
