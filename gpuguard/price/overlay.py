"""What an organisation really pays: discounts and prices of its own, laid over the catalog.

An override changes the effective price; the list price stays what the catalog says (FOCUS: ListUnitPrice and
ContractedUnitPrice), unless the catalog has none.
"""

from decimal import Decimal
from fnmatch import fnmatchcase
from pathlib import PurePath

import msgspec
from msgspec.structs import replace

from gpuguard.model.price import InstanceType, PriceKey
from gpuguard.price.names import azure_region, last_part
from gpuguard.price.rates import Rate
from gpuguard.price.schema import KINDS

_HUNDRED = Decimal(100)


class Override(msgspec.Struct, frozen=True):
    """One entry. `sku` and `region` are patterns; either `discount_percent` or `price` (USD per unit) is set.

    `os` None: a discount holds for all operating systems, a price for Linux. `term` None: for both terms.
    `place` is file, line and column of it. `gpu_model` and `gpu_count` describe a machine type that the catalog lacks.
    """

    place: str
    cloud: str
    sku: str
    region: str
    kinds: tuple[str, ...]
    purchase_models: tuple[str, ...]
    os: str | None
    term: str | None
    discount_percent: Decimal | None
    price: Decimal | None
    as_of: str | None
    note: str
    gpu_model: str | None
    gpu_count: float | None

    def matches(self, key: PriceKey) -> bool:
        """Whether it speaks of what is asked for. Azure writes its names in any letter case."""
        names, patterns = (key.sku, key.region), (self.sku, self.region)
        if key.cloud == "azure":
            names = (key.sku.lower(), azure_region(key.region))
            patterns = (self.sku.lower(), azure_region(self.region))
        return (
            key.cloud == self.cloud
            and key.kind in self.kinds
            and key.purchase_model in self.purchase_models
            and (self.term is None or key.term == self.term)
            and key.os == (self.os or ("linux" if self.price is not None else key.os))
            and all(fnmatchcase(name, _literal(pattern)) for name, pattern in zip(names, patterns, strict=True))
        )

    def applied(self, found: Rate) -> Rate:
        """The effective price where the catalog has one: that price less the discount, or the one agreed on."""
        if self.price is not None:
            return replace(found, price=self.price, source=self.source, as_of=self.as_of or "", span=None, estimate="")
        percent = self.discount_percent or Decimal(0)
        factor = (_HUNDRED - percent) / _HUNDRED
        return replace(
            found,
            price=found.price * factor,
            span=(found.span[0] * factor, found.span[1] * factor) if found.span else None,
            source=f"{found.source}; {percent.normalize():f} % off by {self.source}",
        )

    def agreed(self, key: PriceKey) -> Rate | None:
        """The price agreed on, in the unit that is usual for its kind, where the catalog has none to tell it by."""
        if self.price is None:
            return None
        return Rate(self.price, self.price, KINDS[key.kind][0], self.source, self.as_of or "")

    @property
    def source(self) -> str:
        """Where the figure comes from, for the report: by the file's name, so that every checkout tells the same."""
        place = PurePath(self.place).name.rpartition(":")[0]
        return f"{place} ({self.note})" if self.note else place


class Overlay(msgspec.Struct, frozen=True):
    """All overrides of a configuration; of several that match, the last counts."""

    overrides: tuple[Override, ...] = ()

    def of(self, key: PriceKey) -> Override | None:
        """The override of what is asked for."""
        return next((each for each in reversed(self.overrides) if each.matches(key)), None)

    def machine(self, cloud: str, sku: str) -> InstanceType | None:
        """The machine type that an override describes because the catalog lacks it."""
        name = last_part(sku) if cloud == "gcp" else sku
        for each in reversed(self.overrides):
            same = each.sku.lower() == name.lower() if each.cloud == "azure" else each.sku == name
            if each.cloud == cloud and same and each.gpu_model is not None and each.gpu_count:
                return InstanceType(
                    cloud, each.sku, each.sku.partition(".")[0], None, None, each.gpu_model, each.gpu_count, None, "",
                    "current", each.source, each.as_of or "",
                )  # fmt: skip
        return None


def _literal(pattern: str) -> str:
    """Only ``*`` and ``?`` are wildcards; brackets stand for themselves."""
    return pattern.replace("[", "[[]")
