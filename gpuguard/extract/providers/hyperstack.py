"""Hyperstack: virtual machines and Kubernetes clusters (https://registry.terraform.io/providers/NexGenCloud/hyperstack)."""

from decimal import Decimal

from msgspec.structs import replace

from gpuguard.extract.common import listed_tags
from gpuguard.extract.plain import behind, no_tags, plain_machine, pool_of, size
from gpuguard.extract.spec import Companion, Extracted, Machine, ResourceSpec, units_of
from gpuguard.extract.view import View
from gpuguard.model.usage import MachineOption, Units

_SPOT = "-spot"
"""End of the names of flavours that are sold as spot machines (n3-A100x1-spot)."""


def machine(view: View, attribute: str) -> Machine:
    """A flavour by its name."""
    found = plain_machine(view, attribute)
    if not found.options or not all(option.sku.endswith(_SPOT) for option in found.options):
        return found
    options = tuple(MachineOption(option.sku.removesuffix(_SPOT)) for option in found.options)
    return replace(found, options=options, purchase_model="spot", purchase_attribute=found.machine_attribute)


def virtual_machine(view: View) -> Extracted:
    """`hyperstack_core_virtual_machine`."""
    return Extracted(pool_of(machine(view, "flavor_name"), Units.fixed(1)))


def cluster(view: View) -> Extracted:
    """`hyperstack_core_cluster`: its worker nodes."""
    count = units_of(size(view, "node_count"), Decimal(0))
    return Extracted(pool_of(machine(view, "node_flavor_name"), Units.fixed(count)))


def region(view: View) -> str | None:
    """The region of the environment."""
    environment = behind(view, "environment_name", ("hyperstack_core_environment",), "name", "id")
    return None if environment is None else environment.string("region")


def labels(view: View) -> dict[str, str]:
    """The list of labels."""
    return listed_tags(view, "labels")


SPECS: tuple[ResourceSpec, ...] = (
    ResourceSpec(
        type="hyperstack_core_virtual_machine",
        cloud="hyperstack",
        extract=virtual_machine,
        region=region,
        tags=labels,
        reads=("flavor_name", "environment_name"),
        prices=("the machine",),
        leaves_out=("volumes", "public addresses"),
        assumes=("A flavour whose name ends in -spot is bought as spot.",),
        source="hyperstack provider: hyperstack_core_virtual_machine",
    ),
    ResourceSpec(
        type="hyperstack_core_cluster",
        cloud="hyperstack",
        extract=cluster,
        region=region,
        tags=no_tags,
        reads=("node_flavor_name", "node_count", "environment_name"),
        prices=("the worker nodes",),
        leaves_out=("the master nodes",),
        source="hyperstack provider: hyperstack_core_cluster",
    ),
)

COMPANIONS: tuple[Companion, ...] = (
    Companion(
        type="hyperstack_core_environment",
        of=("hyperstack_core_virtual_machine", "hyperstack_core_cluster"),
        reads=("region",),
        says="where a machine is",
        source="hyperstack provider: hyperstack_core_environment",
    ),
)
