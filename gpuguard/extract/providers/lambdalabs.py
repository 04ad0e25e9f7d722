"""Lambda: on-demand instances (https://registry.terraform.io/providers/elct9620/lambdalabs). All its machines have GPUs."""

from gpuguard.extract.plain import machines, no_tags, place
from gpuguard.extract.spec import Companion, ResourceSpec

SPECS: tuple[ResourceSpec, ...] = (
    ResourceSpec(
        type="lambdalabs_instance",
        cloud="lambda",
        extract=machines("instance_type_name"),
        region=place("region_name"),
        tags=no_tags,
        reads=("instance_type_name", "region_name"),
        prices=("the machine with its local storage",),
        leaves_out=("shared file systems",),
        source="elct9620/lambdalabs provider: lambdalabs_instance",
    ),
)

COMPANIONS: tuple[Companion, ...] = ()
