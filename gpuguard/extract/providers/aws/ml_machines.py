"""SageMaker's machines: an ``ml.g5.xlarge`` is a g5.xlarge that SageMaker bills at a price of its own.

Endpoints, notebooks, Studio apps, jobs and clusters bill the same names (https://aws.amazon.com/sagemaker/ai/pricing/).
"""

from decimal import Decimal

from msgspec.structs import replace

from gpuguard.extract.common import string_tags
from gpuguard.extract.providers.aws.common import region
from gpuguard.extract.spec import Machine, machine_options
from gpuguard.extract.view import SENSITIVE, View
from gpuguard.model.price import Price, PriceKey
from gpuguard.model.usage import Charge, Disk, MachineOption, PoolUsage, PurchaseModel, Units

_PREFIX = "ml."
_STORAGE = "ml-storage"
"""The catalog's name of SageMaker's volumes: General Purpose SSD at prices of their own."""


def ml_option(name: str) -> MachineOption:
    """The machine behind SageMaker's name for it."""
    return MachineOption(name, machine=name.removeprefix(_PREFIX))


def ml_machine(view: View, path: str = "instance_type") -> Machine:
    """The ML instance that an attribute names; without options and without `unknown` where it is not set."""
    options, unknown = machine_options(view, path)
    return Machine(
        options=tuple(ml_option(option.sku) for option in options),
        unknown=unknown,
        machine_attribute=view.attribute(path),
        sensitive=view.is_sensitive(path),
    )


def is_named(machine: Machine) -> bool:
    """Whether a machine type is named at all, be it one that only apply can tell."""
    return bool(machine.options) or machine.unknown is not None


def ml_pool(view: View, machine: Machine, units: Units, what: str, **changes: object) -> PoolUsage:
    """So many ML instances; SageMaker's price is all that is paid for one. `what` names them for people."""
    model: PurchaseModel = "capacity_block" if _has_plan_price(view, machine) else "on_demand"
    charge = Charge("managed_service", "{sku}", what, component="compute", purchase_model=model)
    return machine.pool(units, machine_billed=False, charges=(charge,), **changes)


def _has_plan_price(view: View, machine: Machine) -> bool:
    """Whether the machine is in a training plan of which the catalog knows the price."""
    place = _place(view)
    if machine.purchase_model != "capacity_block" or place is None:
        return False
    keys = (
        PriceKey("aws", "managed_service", option.sku, place, purchase_model="capacity_block")
        for option in machine.options
    )
    return bool(machine.options) and all(isinstance(view.context.price(key), Price) for key in keys)


def _place(view: View) -> str | None:
    found = region(View(view.context, view.node, view.side, view.notes))
    return found if isinstance(found, str) else view.context.default_regions.get("aws")


def by_spot(view: View, machine: Machine, path: str) -> Machine:
    """The machine bought as spot. SageMaker's spot prices are not published: its on-demand price is their dear end."""
    view.note(
        "info", "spot-at-list", "the spot price of ML instances is not published: priced on demand, the most it can be"
    )
    return replace(machine, purchase_model="spot", purchase_attribute=view.attribute(path))


def in_training_plan(view: View, machine: Machine, path: str) -> Machine:
    """The machine in capacity that a training plan reserves, which was paid for when the plan was bought.

    https://docs.aws.amazon.com/sagemaker/latest/dg/reserve-capacity-with-training-plans.html: bought in advance, for a time.
    What is left of it the configuration does not tell, so nothing is taken off.
    """
    message = (
        "it runs in a training plan, which is paid for in advance: priced by the hour as if it were not,"
        " at the price of the plan where it is known, else on demand"
    )
    view.note("warning", "training-plan", message)
    return replace(machine, purchase_model="capacity_block", purchase_attribute=view.attribute(path))


def ml_storage(view: View, size: Decimal | None) -> tuple[Disk, ...]:
    """The ML storage volume of one instance, where the catalog has its price; else it is told and not counted."""
    if not size:
        return ()
    name = _place(view)
    if name and isinstance(view.context.price(PriceKey("aws", "storage", _STORAGE, name)), Price):
        return (Disk("data", _STORAGE, size),)
    view.note(
        "info",
        "ml-storage",
        f"{size.normalize():f} GiB of ML storage on each instance have no price here and are not counted",
    )
    return ()


def awscc_tags(view: View) -> dict[str, str]:
    """Tags of the awscc provider: objects of key and value, or a map."""
    if isinstance(view.known("tags"), dict):
        return string_tags(view, "tags")
    found: dict[str, str] = {}
    for block in view.blocks("tags"):
        key, value = block.string("key"), block.string("value")
        if key and value is not None:
            found[key] = SENSITIVE if block.is_sensitive("value") else value
    return found
