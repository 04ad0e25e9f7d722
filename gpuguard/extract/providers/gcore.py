"""Gcore: GPU clusters, inference, instances (https://registry.terraform.io/providers/G-Core/gcore).

Flavours are named by what they hold: ``bm3-ai-1xlarge-h100-80-8`` has eight H100 of 80 GB.
"""

import re
from decimal import Decimal

from msgspec.structs import replace

from gpuguard.extract.common import string_tags
from gpuguard.extract.plain import machines, no_tags, plain_machine, pool_of, scaled, size
from gpuguard.extract.spec import Companion, Extracted, Extractor, Machine, ResourceSpec, units_of
from gpuguard.extract.view import View
from gpuguard.model.usage import AttachedAccelerator, PoolUsage, Units

_CLUSTER_FLAVOUR = re.compile(r"-(?P<model>[a-z]{1,3}\d+[a-z]?)-(?P<memory>\d{1,3})-(?P<count>\d{1,2})\Z")
_INFERENCE_FLAVOUR = re.compile(r"-(?P<count>\d{1,2})x(?P<model>[a-z]{1,3}\d+[a-z]?)(?:-(?P<memory>\d{1,3})gb)?\Z")
_WITH_MEMORY = frozenset(("a100", "h100"))
_MOST_REGIONS = 50


def _accelerators(name: str, pattern: re.Pattern[str]) -> tuple[AttachedAccelerator, ...]:
    match = pattern.search(name.lower()[:100])
    if match is None:
        return ()
    model = match["model"].upper()
    if match["model"] in _WITH_MEMORY and match["memory"]:
        model = f"{model}-{match['memory']}GB"
    return (AttachedAccelerator(model, Decimal(match["count"])),)


def _with_accelerators(machine: Machine, pattern: re.Pattern[str]) -> Machine:
    return replace(machine, accelerators=_accelerators(machine.options[0].sku, pattern)) if machine.options else machine


def gpu_cluster(count: str) -> Extractor:
    """A cluster of GPU machines, as many as the attribute says."""

    def extract(view: View) -> Extracted:
        machine = _with_accelerators(plain_machine(view, "flavor"), _CLUSTER_FLAVOUR)
        if machine.options and not machine.accelerators:
            machine = replace(machine, accelerators=(AttachedAccelerator("GPU", Decimal(1)),))
            view.note(
                "info", "unread-flavour", f"the name of the flavour {machine.options[0].sku} does not tell its GPUs"
            )
        return Extracted(pool_of(machine, Units.fixed(units_of(size(view, count), Decimal(1)))))

    return extract


def inference_deployment(view: View) -> Extracted:
    """`gcore_inference_deployment`: replicas in one region or several."""
    machine = _with_accelerators(plain_machine(view, "flavor_name"), _INFERENCE_FLAVOUR)
    if machine.options and not machine.accelerators:
        return Extracted(())
    pools: list[PoolUsage] = []
    for region_of in view.blocks("containers")[:_MOST_REGIONS]:
        low, high = region_of.number("scale_min"), region_of.number("scale_max")
        pools.extend(pool_of(machine, scaled(None, low, high)))
    return Extracted(tuple(pools))


def _looked_up(view: View, path: str) -> str | None:
    """The name of the region whose number an attribute holds, as a data source tells it."""
    number = view.known(path)
    for node in view.context.document.data("gcore_region"):
        values = node.values(view.side) or {}
        name = values.get("name")
        if number is not None and str(values.get("id")) == str(number) and isinstance(name, str):
            return name
    return None


def region(view: View) -> str | None:
    """The region by its name, or by what was looked up of its number."""
    return view.string("region_name") or _looked_up(view, "region_id")


def inference_region(view: View) -> str | None:
    """The region of its only place."""
    places = view.blocks("containers")
    return _looked_up(places[0], "region_id") if len(places) == 1 else None


def cluster_tags(view: View) -> dict[str, str]:
    """Tags, else what older types call metadata."""
    return next(
        (found for path in ("tags", "cluster_metadata", "metadata_map") if (found := string_tags(view, path))), {}
    )


_PRICES = ("the machines, where the configuration gives their price",)
_LEAVES_OUT = ("list prices in euros", "volumes")
_ASSUMES = ("The GPUs are those that the flavour's name tells.",)

SPECS: tuple[ResourceSpec, ...] = (
    ResourceSpec(
        type="gcore_ai_cluster",
        cloud="gcore",
        extract=gpu_cluster("instances_count"),
        region=region,
        tags=cluster_tags,
        reads=("flavor", "instances_count", "region_name", "region_id"),
        prices=_PRICES,
        leaves_out=_LEAVES_OUT,
        assumes=_ASSUMES,
        source="gcore provider: gcore_ai_cluster",
    ),
    ResourceSpec(
        type="gcore_gpu_virtual_cluster",
        cloud="gcore",
        extract=gpu_cluster("servers_count"),
        region=region,
        tags=cluster_tags,
        reads=("flavor", "servers_count", "region_name", "region_id"),
        prices=_PRICES,
        leaves_out=_LEAVES_OUT,
        assumes=_ASSUMES,
        source="gcore provider: gcore_gpu_virtual_cluster",
    ),
    ResourceSpec(
        type="gcore_inference_deployment",
        cloud="gcore",
        extract=inference_deployment,
        region=inference_region,
        tags=no_tags,
        reads=("flavor_name", "containers"),
        prices=_PRICES,
        leaves_out=_LEAVES_OUT,
        assumes=("It starts at its minimum in every region.", *_ASSUMES),
        source="gcore provider: gcore_inference_deployment",
    ),
    *(
        ResourceSpec(
            type=name,
            cloud="gcore",
            extract=machines("flavor_id"),
            region=region,
            tags=cluster_tags,
            reads=("flavor_id", "region_name", "region_id"),
            prices=_PRICES,
            leaves_out=_LEAVES_OUT,
            source=f"gcore provider: {name}",
        )
        for name in ("gcore_instancev2", "gcore_instance")
    ),
)

COMPANIONS: tuple[Companion, ...] = ()
