"""Latitude.sh: bare metal servers and virtual machines (https://registry.terraform.io/providers/latitudesh/latitudesh)."""

from msgspec.structs import replace

from gpuguard.extract.common import listed_tags
from gpuguard.extract.plain import no_tags, place, plain_machine, pool_of
from gpuguard.extract.spec import Companion, Extracted, ResourceSpec
from gpuguard.extract.view import View
from gpuguard.model.usage import Units

_YEARLY = "yearly"


def server(view: View) -> Extracted:
    """A server by its plan; billed by the hour, the month or the year."""
    billing = (view.string("billing") or "monthly").lower()
    machine = plain_machine(view, "plan")
    if billing == _YEARLY:
        machine = replace(machine, purchase_model="reserved", term="1y")
    pools = pool_of(machine, Units.fixed(1))
    if billing == "monthly" and pools:
        view.note("info", "billed-monthly", "it is billed by the month; the hours that are counted cost no less")
    return Extracted(pools)


SPECS: tuple[ResourceSpec, ...] = (
    ResourceSpec(
        type="latitudesh_server",
        cloud="latitude",
        extract=server,
        region=place("site"),
        tags=listed_tags,
        reads=("plan", "site", "billing"),
        prices=("the server",),
        assumes=("What is billed by the month is counted by the hour; by the year, as reserved for one.",),
        source="latitudesh provider: latitudesh_server",
    ),
    ResourceSpec(
        type="latitudesh_virtual_machine",
        cloud="latitude",
        extract=server,
        region=place("site"),
        tags=no_tags,
        reads=("plan", "site", "billing"),
        prices=("the machine",),
        assumes=("What is billed by the month is counted by the hour; by the year, as reserved for one.",),
        source="latitudesh provider: latitudesh_virtual_machine",
    ),
)

COMPANIONS: tuple[Companion, ...] = ()
