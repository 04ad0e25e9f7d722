"""What the smaller clouds have in common: one machine type in one attribute, a number beside it, a place, a list of tags."""

import re
from collections.abc import Callable
from decimal import Decimal

from msgspec.structs import replace

from gpuguard.extract.common import text_behind
from gpuguard.extract.spec import Extracted, Extractor, Machine, TemplateLink, machine_options, units_of, within
from gpuguard.extract.view import View, parse_path
from gpuguard.model.usage import Disk, PoolUsage, PurchaseModel, Units, Unknown

Region = Callable[[View], "str | Unknown | None"]


def plain_machine(
    view: View,
    attribute: str,
    *,
    purchase_model: PurchaseModel = "on_demand",
    purchase_attribute: str | None = None,
    disks: tuple[Disk, ...] = (),
) -> Machine:
    """A machine whose type one attribute names."""
    options, unknown = machine_options(view, attribute)
    return Machine(
        options=options,
        unknown=unknown,
        purchase_model=purchase_model,
        disks=disks,
        machine_attribute=view.attribute(attribute),
        purchase_attribute=view.attribute(purchase_attribute) if purchase_attribute else None,
        sensitive=view.is_sensitive(attribute),
    )


def pool_of(machine: Machine, units: Units) -> tuple[PoolUsage, ...]:
    """The machine so many times; nothing where no machine type is named at all."""
    return (machine.pool(units),) if machine.options or machine.unknown is not None else ()


def hidden(view: View, path: str) -> Extracted:
    """What stands for a block that is not there: an unknown machine where only apply can tell it, nothing where it is not set."""
    found = view.get(path)
    if not isinstance(found, Unknown):
        return Extracted(())
    return Extracted((Machine(unknown=Unknown(found.reason, "unknown-machine-type")).pool(Units.fixed(None)),))


def machines(attribute: str, count: str | None = None, default: int = 1) -> Extractor:
    """As many machines as the attribute `count` says; one without it."""

    def extract(view: View) -> Extracted:
        units = Units.fixed(1) if count is None else Units.fixed(units_of(size(view, count), Decimal(default)))
        return Extracted(pool_of(plain_machine(view, attribute), units))

    return extract


def size(view: View, path: str) -> Decimal | Unknown | None:
    """A number of machines; None also where a module may have left it out."""
    found = view.number(path)
    return None if isinstance(found, Unknown) and view.may_be_unset(path) else found


def scaled(
    desired: Decimal | Unknown | None, low: Decimal | Unknown | None, high: Decimal | Unknown | None, least: int = 0
) -> Units:
    """Sizes of an autoscaled pool: it starts at `desired`, else its minimum, and is brought within the bounds."""
    minimum, maximum = units_of(low, Decimal(least)), units_of(high, None)
    start = minimum if desired is None else units_of(desired, None)
    return Units(minimum, within(start, minimum, maximum), maximum)


def told_unbounded(view: View, units: Units, high: Decimal | Unknown | None, attribute: str) -> Units:
    """The same sizes, with a warning where nothing at all limits them."""
    if high is None:
        view.note(
            "warning",
            "unbounded-autoscaling",
            f"it scales by itself and {attribute} is not set: nothing limits its cost",
        )
    return units


def stopped(pool: PoolUsage) -> PoolUsage:
    """A machine that is kept switched off: only its disks are billed."""
    return replace(pool, hours_per_month=Decimal(0), max_hours_per_month=Decimal(0))


def place(*paths: str) -> Region:
    """The first of these attributes that names a place, else the region of the provider block."""

    def region(view: View) -> str | None:
        return next((name for path in paths if (name := view.string(path))), None) or provider_setting(view, "region")

    return region


def provider_setting(view: View, name: str) -> str | None:
    """An argument of the resource's provider block, where the document tells exactly one text for it."""
    found = {value for value in view.context.resolver.provider_values(view.node, (name,)) if isinstance(value, str)}
    return found.pop() if len(found) == 1 else None


def written(view: View, path: str) -> bool:
    """Whether the configuration says anything of an attribute: what is left to the provider refers to nothing."""
    if view.known(path) is not None:
        return True
    resolution = view.context.resolver.resolve(view.node, (*view.prefix, *parse_path(path)))
    return resolution.configured or resolution.ended


def behind(view: View, path: str, types: tuple[str, ...], *by: str) -> View | None:
    """The one resource that an attribute refers to (a cluster that tells the place of its pools)."""
    return view.follow((path,), types, by or ("id",)).first if written(view, path) else None


def no_tags(view: View) -> dict[str, str]:
    """The type has no tags."""
    return {}


def provider_region(view: View) -> str | None:
    """The `region` of the resource's provider block, where it names one."""
    found = {each for each in view.context.resolver.provider_values(view.node, ("region",)) if isinstance(each, str)}
    return found.pop() if len(found) == 1 else None


def region_behind(link: TemplateLink) -> Region:
    """The region of what a link leads to: a node pool lies where its cluster does."""
    return lambda view: text_behind(view, link, "region")


def region_in(zone: str | None, pattern: re.Pattern[str]) -> str | None:
    """The region that the name of a zone begins with, by the pattern of a cloud's zones."""
    found = pattern.match(zone) if zone else None
    return found[1] if found else None
