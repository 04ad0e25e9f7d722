"""What the managed services of Google Cloud have in common: how they name accelerators and disks, times, fees."""

import re
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation

from msgspec.structs import replace

from gpuguard.extract.providers.google.common import region, tail
from gpuguard.extract.spec import Machine, machine_options
from gpuguard.extract.view import View, parse_path
from gpuguard.model.price import Price, PriceKey, PriceKind
from gpuguard.model.report import Level
from gpuguard.model.usage import AttachedAccelerator, Charge, Disk, MachineOption, Unknown
from gpuguard.read.references import is_unknown

DEFAULT_MACHINE = "n1-standard-4"
"""What Dataproc and Workbench start where no machine type is written; only N1 machines take GPUs that are attached."""

_SECONDS = re.compile(r"(\d{1,12}(?:\.\d{1,9})?)s\Z")
_NONE = "unspecified"


def accelerator_name(name: str) -> str:
    """An accelerator as Compute Engine names it: ``NVIDIA_TESLA_T4`` → ``nvidia-tesla-t4``."""
    return tail(name).lower().replace("_", "-")


def short_name(name: str) -> str:
    """An accelerator as the price list's SKUs name it: ``nvidia-tesla-t4`` → ``t4``."""
    return accelerator_name(name).removeprefix("nvidia-").removeprefix("tesla-")


def attach(machine: Machine, blocks: Iterable[View], kind: str, count: str) -> Machine:
    """The machine with what the blocks attach: `kind` and `count` are their attributes, one accelerator unless they say more.

    Where only apply can tell what is attached the machine is unknown.
    """
    found = []
    for block in blocks:
        name, number = block.text(kind), block.number(count)
        if number == 0 or name is None or (isinstance(name, str) and _NONE in name.lower()):
            continue
        if isinstance(name, Unknown) or isinstance(number, Unknown):
            what = "type" if isinstance(name, Unknown) else "number"
            unknown = Unknown(f"the {what} of its accelerators is known only after apply", "unknown-accelerator")
            return replace(machine, options=(), unknown=unknown)
        found.append(AttachedAccelerator(accelerator_name(name), Decimal(1) if number is None else number))
    return replace(machine, accelerators=tuple(found))


def machine_at(view: View, path: str = "machine_type", default: str | None = DEFAULT_MACHINE) -> Machine:
    """The machine type at a path, or the service's default where none is written."""
    options, unknown = machine_options(view, path)
    if not options and unknown is None and default is not None:
        options = (MachineOption(default),)
    options = tuple(MachineOption(tail(option.sku)) for option in options)
    return Machine(
        options=options,
        unknown=unknown,
        machine_attribute=view.attribute(path),
        sensitive=view.is_sensitive(path),
    )


def disk(role: str, name: str | None, size: Decimal | None, default: tuple[str, Decimal]) -> Disk:
    """A disk, by the service's names of types (``PD_SSD``), with its default type and size."""
    kind = tail(name).lower().replace("_", "-") if name else default[0]
    if _NONE in kind:
        kind = default[0]
    return Disk("boot" if role == "boot" else "data", kind, default[1] if size is None else size)


def seconds(text: object) -> Decimal | None:
    """A duration as the APIs write it: ``3600s``."""
    match = _SECONDS.match(text) if isinstance(text, str) else None
    return Decimal(match[1]) if match else None


def entry(view: View, path: str, key: str) -> object:
    """One entry of a map whose key may hold dots; Unknown where only apply can tell it, None where it is not set."""
    value = view.get(path, lambda value: isinstance(value, dict))
    if isinstance(value, Unknown):
        return value
    if isinstance(value, dict) and value.get(key) is not None:
        return value[key]
    full = (*view.prefix, *parse_path(path))
    if view.side == "before" or not is_unknown(view.node.after_unknown, (*full, key)):
        return None
    written = view.context.resolver.resolve(view.node, full)  # what is not written is left to the service
    return Unknown(f"{path}[{key}] is known only after apply") if written.configured or written.ended else None


def number_of(value: object) -> Decimal | Unknown | None:
    """A number that a map holds, mostly as text; Unknown where it is none."""
    if value is None or isinstance(value, Unknown):
        return value
    try:
        number = Decimal(str(value).strip()[:32]) if isinstance(value, int | float | str) else None
    except InvalidOperation:
        number = None
    if number is None or isinstance(value, bool) or not number.is_finite() or not 0 <= number <= 100_000_000:
        return Unknown("it is no number", "unknown-unreadable")
    return number


def reservation_of(view: View, path: str) -> str | None:
    """The reservation of the same change that the machines of a `reservation_affinity` block run in."""
    block = view.block(path)
    if block is None:
        return None
    kinds = ("consume_reservation_type", "reservation_affinity_type")
    if not any("SPECIFIC" in (block.string(kind) or "") for kind in kinds):
        return None
    found = block.follow(("values.0",), ("google_compute_reservation",), ("id", "self_link", "name"))
    return found.views[0].address if len(found.views) == 1 and found.assumed is None else None


def is_accelerated(view: View, machine: Machine) -> bool:
    """Whether a machine has, or may turn out to have, an accelerator."""
    bundled = any(view.context.looks_accelerated("gcp", option.sku) for option in machine.options)
    return bool(machine.accelerators) or bundled or machine.unknown is not None


def known_region(view: View) -> str | None:
    """The region of the resource, if the plan tells it."""
    found = region(view)
    return found if isinstance(found, str) else None


def price_of(view: View, kind: PriceKind, sku: str, place: str | None) -> Price | None:
    """The price list's row for a region, where there is one."""
    found = view.context.price(PriceKey("gcp", kind, sku, place or ""))
    return found if isinstance(found, Price) else None


def fee_per_vcpu(sku: str, title: str) -> Charge:
    """A fee for each vCPU on top of the machine's own price, the same in all regions and for spot."""
    return Charge(
        "managed_service", sku, title, unit="vCPU-hour", purchase_model="on_demand", essential=False, per_vcpu=True
    )


def tell(view: View, level: Level, code: str, message: str, hint: str | None = None) -> None:
    """Tell something of the side that stays: what was so before the change is no news."""
    if view.side == "after" or view.node.after is None:
        view.note(level, code, message, hint)


def not_counted(view: View, title: str) -> None:
    """Say that a fee of the service is left out."""
    tell(view, "info", "fee-not-counted", f"the {title} is not counted")


def service_charges(view: View, machine: Machine, prefix: str, title: str, place: str | None) -> tuple[Charge, ...]:
    """What a service bills for a machine at prices of its own: the machine, and what is attached to it.

    Where the price list has no such row, what Compute Engine asks for the machine is told as a hint.
    """
    bundled = any(view.context.looks_accelerated("gcp", option.sku) for option in machine.options)
    charges = [Charge("managed_service", f"{prefix}-{{machine}}", f"{title}, machine")]
    for each in () if bundled else machine.accelerators:
        sku = f"{prefix}-{short_name(each.name)}"
        charges.append(
            Charge("managed_service", sku, f"{title}, {short_name(each.name).upper()}", each.count, "GPU-hour", "gpu")
        )
    _tell_own_prices(view, machine, prefix, title, place)
    return tuple(charges)


def _tell_own_prices(view: View, machine: Machine, prefix: str, title: str, place: str | None) -> None:
    """Where the price list has no row of the service, why Compute Engine's price is not taken for it."""
    name = machine.options[0].sku if machine.options else None
    if name is None or machine.sensitive or not is_accelerated(view, machine):
        return
    if price_of(view, "managed_service", f"{prefix}-{name}", place) is not None:
        return
    bare = price_of(view, "machine", name, place)
    hint = f"; Compute Engine asks {bare.amount.normalize():f} an hour for a {name}" if bare is not None else ""
    tell(view, "info", "service-price", f"{title} bills by prices of its own, which are not in the catalog{hint}")
