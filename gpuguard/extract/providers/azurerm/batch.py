"""Azure Batch pools. Batch itself is free: the machines of its pools are billed
(https://learn.microsoft.com/azure/batch/budget)."""

from decimal import Decimal

from gpuguard.extract.providers.azurerm.batch_formula import bounds
from gpuguard.extract.providers.azurerm.common import image_system, normalised, region, tags, windows_system
from gpuguard.extract.spec import Companion, Extracted, Machine, ResourceSpec, can_run, machine_options, units_of
from gpuguard.extract.view import View
from gpuguard.model.usage import Disk, OperatingSystem, PoolUsage, Units, Unknown

ACCOUNT = "azurerm_batch_account"


def batch_region(view: View) -> str | Unknown | None:
    """Location of the Batch account, else of the resource group."""
    account = view.follow(("account_name",), (ACCOUNT,), ("name",)).first
    own = account.string("location") if account is not None else None
    return normalised(own) or region(view)


def batch_pool(view: View) -> Extracted:
    """`azurerm_batch_pool`: dedicated nodes, and low-priority ones beside them."""
    options, unknown = machine_options(view, "vm_size")
    machine = Machine(
        options=options,
        unknown=unknown,
        os=system(
            view.string("node_agent_sku_id"),
            view.string("license_type"),
            view.string("storage_image_reference.publisher"),
            view.string("storage_image_reference.offer"),
        ),
        disks=(*_os_disk(view), *_data_disks(view)),
        machine_attribute=view.attribute("vm_size"),
        sensitive=view.is_sensitive("vm_size"),
    )
    formula = view.block("auto_scale")
    if formula is not None:
        dedicated, spare = scaled_by(view, formula.text("formula"))
    else:
        fixed = view.block("fixed_scale")
        dedicated = _nodes(fixed, "target_dedicated_nodes")
        spare = _nodes(fixed, "target_low_priority_nodes")
    return Extracted(pools(machine, dedicated, spare))


def pools(machine: Machine, dedicated: Units, spare: Units) -> tuple[PoolUsage, ...]:
    """The two kinds of nodes, each where there can be any; low-priority and spot nodes have no maximum price."""
    both = (machine.pool(dedicated), machine.pool(spare, purchase_model="spot"))
    return tuple(pool for pool in both if can_run(pool.units)) or both[:1]


def scaled_by(view: View, formula: str | Unknown | None) -> tuple[Units, Units]:
    """Dedicated and low-priority nodes of a pool that a formula resizes: what plain bounds in it say.

    https://learn.microsoft.com/azure/batch/batch-automatic-scaling
    """
    if not isinstance(formula, str):
        view.note("warning", "unbounded-batch-pool", "its autoscale formula is known only after apply: so is its size")
        return Units(Decimal(0), None, None), Units(Decimal(0), None, None)
    found = bounds(formula)
    units = []
    for variable in ("$TargetDedicatedNodes", "$TargetLowPriorityNodes"):
        low, high = found.get(variable, (Decimal(0), Decimal(0)))
        units.append(Units(low, low, high))
        if high is None:
            view.note(
                "warning", "unbounded-batch-pool", f"its autoscale formula sets no plain upper limit for {variable}"
            )
    if any(each.min != each.max for each in units):
        view.note(
            "info", "batch-formula", "an autoscale formula resizes it: counted at the least that the formula allows"
        )
    return units[0], units[1]


def _nodes(scale: View | None, path: str) -> Units:
    return Units.fixed(units_of(scale.number(path) if scale is not None else None, Decimal(0)))


def system(agent: str | None, licence: str | None, publisher: str | None, offer: str | None) -> OperatingSystem:
    """The operating system by the node agent (``batch.node.windows amd64``), else by the image."""
    if "windows" in (agent or "").lower():
        return windows_system(licence)
    return image_system(licence, publisher, offer)


def _os_disk(view: View) -> tuple[Disk, ...]:
    """A managed disk of the image's size, unless `os_disk_placement` puts it on the machine itself."""
    return () if view.string("os_disk_placement") == "CacheDisk" else (Disk("boot", "Premium_LRS", None),)


def _data_disks(view: View) -> tuple[Disk, ...]:
    return tuple(
        Disk("data", block.string("storage_account_type") or "Standard_LRS", block.known_number("disk_size_gb"))
        for block in view.blocks("data_disks")
    )


SPECS: tuple[ResourceSpec, ...] = (
    ResourceSpec(
        type="azurerm_batch_pool",
        cloud="azure",
        extract=batch_pool,
        region=batch_region,
        tags=tags,
        probe=("vm_size",),
        reads=(
            "vm_size",
            "fixed_scale",
            "auto_scale",
            "data_disks",
            "os_disk_placement",
            "storage_image_reference",
            "node_agent_sku_id",
            "license_type",
            "account_name",
        ),
        prices=("the nodes", "data disks", "the operating system"),
        leaves_out=("OS disks, whose size the image decides.",),
        assumes=(
            "Low-priority nodes are priced as spot, which took their place on 30 September 2025.",
            "Of an autoscale formula only plain limits are read: numbers, min and max of them, variables that hold them.",
        ),
        source="azurerm provider: azurerm_batch_pool; Azure Batch: automatic scaling, Spot VMs",
    ),
)

COMPANIONS: tuple[Companion, ...] = (
    Companion(
        type=ACCOUNT,
        of=("azurerm_batch_pool",),
        reads=("location",),
        says="the region of a pool",
        source="azurerm provider: azurerm_batch_account",
    ),
)
