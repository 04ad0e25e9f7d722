"""How a Terraform resource type is described: one `ResourceSpec` each, in the file of its provider.

A spec says where the machine is named, how many run, how they are bought and what is attached. The helpers below cover
what most types have in common; a type that needs more has a function of its own beside its entry.
"""

from collections.abc import Callable
from decimal import ROUND_CEILING, Decimal

import msgspec
from msgspec.structs import replace

from gpuguard.extract.view import View
from gpuguard.model.usage import (
    AttachedAccelerator,
    Attribute,
    Disk,
    FixedUsage,
    MachineOption,
    OperatingSystem,
    Payment,
    PoolUsage,
    PurchaseModel,
    Term,
    Units,
    Unknown,
)


class Machine(msgspec.Struct, frozen=True):
    """What one unit is, wherever it is written: on the resource itself or in a template it uses."""

    options: tuple[MachineOption, ...] = ()
    unknown: Unknown | None = None
    purchase_model: PurchaseModel = "on_demand"
    term: Term | None = None
    payment: Payment | None = None
    os: OperatingSystem = "linux"
    accelerators: tuple[AttachedAccelerator, ...] = ()
    disks: tuple[Disk, ...] = ()
    public_ipv4: int = 0
    spot_max_price: Decimal | None = None
    machine_attribute: Attribute | None = None
    purchase_attribute: Attribute | None = None
    sensitive: bool = False
    covered_by: str | None = None
    """The reservation it runs in, which pays for it."""
    via: tuple[str, ...] = ()
    assumed: bool = False
    """Whether it comes from a template that the plan does not name exactly."""
    accelerated: bool = True
    """False where the attributes that select the machine types rule accelerators out."""

    def pool(self, units: Units, **changes: object) -> PoolUsage:
        """This machine, so many times; the dearest of several that it may be, unless `pick` says otherwise."""
        pool = PoolUsage(
            options=self.options,
            pick="dearest" if len(self.options) > 1 else "first",
            unknown=self.unknown if not self.options else None,
            units=units,
            purchase_model=self.purchase_model,
            term=self.term,
            payment=self.payment,
            os=self.os,
            accelerators=self.accelerators,
            disks=self.disks,
            public_ipv4=self.public_ipv4,
            spot_max_price=self.spot_max_price,
            machine_attribute=self.machine_attribute,
            purchase_attribute=self.purchase_attribute,
            sensitive=self.sensitive,
            covered_by=self.covered_by,
        )
        return replace(pool, **changes) if changes else pool


class Extracted(msgspec.Struct, frozen=True):
    """What a spec makes of one side of a resource. `cloud` goes before that of the spec: some types serve several."""

    pools: tuple[PoolUsage, ...]
    via: tuple[str, ...] = ()
    fixed: tuple[FixedUsage, ...] = ()
    cloud: str | None = None


MachineReader = Callable[[View], Machine]
Extractor = Callable[[View], Extracted]


class TemplateLink(msgspec.Struct, frozen=True):
    """The templates a type may use: attribute paths, the types behind them, and the attributes that identify those."""

    paths: tuple[str, ...]
    types: tuple[str, ...]
    by: tuple[str, ...]


class ResourceSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One Terraform resource type that can hold an accelerator.

    `probe` names the top-level attributes that decide whether an accelerator is possible: when all machine types in
    them are known to have none and nothing else there speaks of accelerators, the rest is never decoded.
    `region` returns the region or None; `template` is True for types that cost nothing by themselves.
    `reads`, `prices`, `leaves_out` and `assumes` are for people: attributes, what is priced, what is not, and what is
    assumed where the configuration leaves something open. `source` names the documentation they were taken from.
    """

    type: str
    cloud: str
    extract: Extractor
    region: Callable[[View], "str | Unknown | None"]
    tags: Callable[[View], dict[str, str]]
    probe: tuple[str, ...] = ()
    accelerator_attributes: tuple[str, ...] = ()
    template: bool = False
    links: tuple[TemplateLink, ...] = ()
    reads: tuple[str, ...] = ()
    prices: tuple[str, ...] = ()
    leaves_out: tuple[str, ...] = ()
    assumes: tuple[str, ...] = ()
    source: str = ""


class Companion(msgspec.Struct, frozen=True, kw_only=True):
    """A type that holds no accelerator and says something of one that does: sizes, schedules, limits, attachments.

    It is read with the types in `of`, and is no line of the report by itself.
    """

    type: str
    of: tuple[str, ...]
    reads: tuple[str, ...]
    says: str
    source: str


def machine_options(view: View, path: str) -> tuple[tuple[MachineOption, ...], Unknown | None]:
    """The machine type at a path as the only option; what it may be where it is unknown; ((), None) when not set."""
    value = view.machine_type(path)
    if isinstance(value, str):
        return (MachineOption(value),), None
    names = view.candidates(path)
    if names:
        return tuple(MachineOption(name) for name in names), None
    if isinstance(value, Unknown):
        return (), Unknown(f"{path} is known only after apply", code="unknown-machine-type")
    return (), None


def units_of(value: Decimal | Unknown | None, default: Decimal | None) -> Decimal | None:
    """A number of units; None stays "only apply can tell", an unset value becomes the default."""
    if isinstance(value, Unknown):
        return None
    return default if value is None else value


def pick_expected(*choices: Decimal | Unknown | None) -> Decimal | None:
    """The first size that is set: desired, else initial, else minimum. None when that one is unknown."""
    for choice in choices:
        if isinstance(choice, Unknown):
            return None
        if choice is not None:
            return choice
    return Decimal(0)


def within(size: Decimal | None, low: Decimal | None, high: Decimal | None) -> Decimal | None:
    """A size that an autoscaler brings within its bounds as soon as it runs."""
    if size is None:
        return None
    size = size if high is None else min(size, high)
    return size if low is None else max(size, low)


def bounded(
    minimum: Decimal | Unknown | None, desired: Decimal | Unknown | None, maximum: Decimal | Unknown | None
) -> Units:
    """Sizes of a scaling group: desired, else minimum, is brought within the bounds as soon as the group runs."""
    low, high = units_of(minimum, Decimal(0)), units_of(maximum, None)
    return Units(low, within(pick_expected(desired, minimum), low, high), high)


def can_run(units: Units) -> bool:
    """Whether any size is above zero, or may turn out to be."""
    return any(size is None or size > 0 for size in (units.min, units.expected, units.max))


def split(units: Units, share: Callable[[Decimal], Decimal]) -> tuple[Units, Units]:
    """Sizes in two parts: what `share` takes of each size, and the rest of it."""
    return units.map(share), units.map(lambda size: size - share(size))


def above_base(base: Decimal, percentage: Decimal) -> Callable[[Decimal], Decimal]:
    """The share of a size that is a base, and a percentage (at most 100) of what is above it; fractions count as one."""
    limit = min(percentage, Decimal(100))

    def share(size: Decimal) -> Decimal:
        fixed = min(base, size)
        return fixed + ((size - fixed) * limit / 100).to_integral_value(ROUND_CEILING)

    return share
