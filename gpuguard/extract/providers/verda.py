"""Verda (DataCrunch): instances and serverless containers (https://registry.terraform.io/providers/verda-cloud/verda)."""

from decimal import Decimal

from gpuguard.extract.plain import no_tags, plain_machine, pool_of, scaled, told_unbounded
from gpuguard.extract.spec import Companion, Extracted, Machine, ResourceSpec, machine_options, units_of
from gpuguard.extract.view import View
from gpuguard.model.usage import AttachedAccelerator, Charge, Disk, PurchaseModel, Units, Unknown

_DEFAULT_LOCATION = "FIN-01"
_MOST_VOLUMES = 100


def _bought(view: View) -> PurchaseModel:
    return "spot" if view.flag("is_spot") else "on_demand"


def _disk(role: str, view: View) -> Disk:
    return Disk("boot" if role == "boot" else "data", view.string("type") or "NVMe", view.known_number("size"))


def instance(view: View) -> Extracted:
    """`verda_instance`."""
    disks = [_disk("boot", each) for each in view.blocks("os_volume")[:1]]
    disks += [_disk("data", each) for each in view.blocks("volumes")[:_MOST_VOLUMES]]
    if (view.string("contract") or "PAY_AS_YOU_GO").upper() not in ("PAY_AS_YOU_GO", "SPOT"):
        view.note(
            "info", "long-term-contract", "it is bought for a term, which costs less than the hours that are counted"
        )
    machine = plain_machine(
        view, "instance_type", purchase_model=_bought(view), purchase_attribute="is_spot", disks=tuple(disks)
    )
    return Extracted(pool_of(machine, Units.fixed(1)))


def _serverless(view: View) -> Machine:
    """GPUs of one kind for each replica; they have prices of their own."""
    options, unknown = machine_options(view, "compute.name")
    count = view.number("compute.size")
    if isinstance(count, Unknown):
        options, unknown = (), Unknown("its compute.size is known only after apply", "unknown-accelerator")
    wanted = count if isinstance(count, Decimal) else Decimal(1)
    return Machine(
        options=options,
        unknown=unknown,
        purchase_model=_bought(view),
        accelerators=tuple(AttachedAccelerator(option.sku, wanted) for option in options[:1]),
        machine_attribute=view.attribute("compute.name"),
        purchase_attribute=view.attribute("is_spot"),
    )


def _replicas(view: View, units: Units) -> Extracted:
    machine = _serverless(view)
    if not machine.options and machine.unknown is None:
        return Extracted(())
    count = machine.accelerators[0].count if machine.accelerators else Decimal(1)
    charge = Charge("managed_service", "serverless-{sku}", "serverless GPU", quantity=count, unit="GPU-hour")
    return Extracted((machine.pool(units, charges=(charge,), machine_billed=False),))


def container(view: View) -> Extracted:
    """`verda_container`: replicas within bounds; it may scale to zero."""
    low, high = view.number("scaling.min_replica_count"), view.number("scaling.max_replica_count")
    units = scaled(None, low, high)
    return _replicas(view, told_unbounded(view, units, high, "scaling.max_replica_count"))


def job(view: View) -> Extracted:
    """`verda_serverless_job`: runs replicas while there is work, none otherwise."""
    most = units_of(view.number("scaling.max_replica_count"), None)
    return _replicas(view, Units(Decimal(0), Decimal(0), most))


def region(view: View) -> str | None:
    """Its location; the provider's default is FIN-01."""
    value = view.text("location")
    return None if isinstance(value, Unknown) else value or _DEFAULT_LOCATION


def anywhere(view: View) -> None:
    """Serverless replicas run wherever there is room: no attribute tells where."""


SPECS: tuple[ResourceSpec, ...] = (
    ResourceSpec(
        type="verda_instance",
        cloud="verda",
        extract=instance,
        region=region,
        tags=no_tags,
        reads=("instance_type", "is_spot", "location", "os_volume", "volumes", "contract"),
        prices=("the machine",),
        leaves_out=("volumes",),
        assumes=("What is bought for a term is counted by the hour.",),
        source="verda provider: verda_instance",
    ),
    ResourceSpec(
        type="verda_container",
        cloud="verda",
        extract=container,
        region=anywhere,
        tags=no_tags,
        reads=("compute", "scaling", "is_spot"),
        prices=("the GPUs of all replicas, where the configuration gives their price",),
        assumes=("It starts at its minimum of replicas.",),
        source="verda provider: verda_container",
    ),
    ResourceSpec(
        type="verda_serverless_job",
        cloud="verda",
        extract=job,
        region=anywhere,
        tags=no_tags,
        reads=("compute", "scaling.max_replica_count"),
        prices=("the GPUs of all replicas, where the configuration gives their price",),
        assumes=("Without work nothing runs.",),
        source="verda provider: verda_serverless_job",
    ),
)

COMPANIONS: tuple[Companion, ...] = ()
