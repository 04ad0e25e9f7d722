"""RunPod: pods, instant clusters and serverless endpoints.

Read as its own provider (runpod/runpod) and the community's (decentralized-infrastructure/runpod) declare them: both call
the GPU by its id (``NVIDIA H100 80GB HBM3``), one in `gpu_type_id`, the other in `gpu_type_ids`. GPUs are billed by the
piece, with vCPUs and memory included (https://docs.runpod.io/pods/pricing).
"""

from decimal import Decimal

from gpuguard.extract.spec import Companion, Extracted, Machine, ResourceSpec, units_of
from gpuguard.extract.view import View
from gpuguard.model.price import Price, PriceKey
from gpuguard.model.usage import AttachedAccelerator, Charge, Disk, MachineOption, Units, Unknown

_ONE = Decimal(1)
_MAX_WORKERS = Decimal(3)
"""https://docs.runpod.io/serverless/endpoints/endpoint-configurations"""

ANYWHERE = "global"
"""Where the configuration names no data center: RunPod picks one, and the price is the same in all."""

_MOST_TYPES = 100
"""GPU types of one resource that are looked at; RunPod has about fifty."""

_SERVERLESS = {
    "AMPERE_16": ("RTX A4000", "RTX A4500", "RTX 4000 Ada Generation", "RTX 2000 Ada Generation"),
    "AMPERE_24": ("L4", "RTX A5000", "GeForce RTX 3090"),
    "ADA_24": ("GeForce RTX 4090",),
    "AMPERE_48": ("RTX A6000", "A40"),
    "ADA_48_PRO": ("L40", "L40S", "RTX 6000 Ada Generation"),
    "AMPERE_80": ("A100 80GB PCIe", "A100-SXM4-80GB"),
    "ADA_80_PRO": ("H100 80GB HBM3", "H100 PCIe", "H100 NVL"),
    "HOPPER_141": ("H200",),
}
"""Serverless prices are by pool of GPUs: which belong to each (https://docs.runpod.io/references/gpu-types)."""


def _gpu_types(view: View) -> list[str] | Unknown | None:
    """The GPU types that may be rented; None where RunPod picks one."""
    one = view.text("gpu_type_id")
    if isinstance(one, str):
        return [one]
    several = view.texts("gpu_type_ids")
    if isinstance(several, Unknown) or several:
        return several if isinstance(several, Unknown) else several[:_MOST_TYPES]
    return one


def _has_no_gpu(view: View) -> bool:
    """Whether it is made of CPUs alone."""
    return view.string("compute_type") == "CPU" or view.number("gpu_count") == 0


def _gpu_count(view: View, path: str = "gpu_count") -> Decimal:
    """GPUs of each pod or worker; one unless it says otherwise (https://docs.runpod.io/serverless/endpoints/endpoint-configurations)."""
    count = view.number(path)
    if isinstance(count, Unknown):
        view.note("warning", "unknown-gpu-count", f"{path} is known only after apply; one GPU is assumed")
        return _ONE
    return count if count else _ONE


def _machine(view: View, types: list[str] | Unknown | None, count: Decimal, *disks: Disk) -> Machine:
    """So many GPUs of one of these types."""
    attribute = "gpu_type_id" if view.known("gpu_type_ids") is None else "gpu_type_ids"
    names = types if isinstance(types, list) else []
    unknown = None
    if not names:
        reason = types.reason if isinstance(types, Unknown) else "RunPod picks the GPU type"
        unknown = Unknown(reason, "unknown-machine-type")
    spot = view.string("type") == "SPOT" or view.flag("interruptible")
    return Machine(
        options=tuple(MachineOption(name, count=count) for name in names),
        unknown=unknown,
        purchase_model="spot" if spot else "on_demand",
        # not every type is in the catalog: what is not still is a GPU
        accelerators=(AttachedAccelerator(names[0].replace(" ", "-"), count),) if names else (),
        disks=disks,
        machine_attribute=view.attribute(attribute),
        purchase_attribute=view.attribute("interruptible"),
        sensitive=view.is_sensitive("gpu_type_id") or view.is_sensitive("gpu_type_ids"),
    )


def _disks(view: View) -> tuple[Disk, ...]:
    """The container's disk and the pod's volume, which a network volume takes the place of."""
    container, volume = view.known_number("container_disk_in_gb"), view.known_number("volume_in_gb")
    disks = [Disk("boot", "container-disk", container)] if container else []
    if volume and not view.known("network_volume_id"):
        disks.append(Disk("data", "pod-volume", volume))
    return tuple(disks)


def pod(view: View) -> Extracted:
    """`runpod_pod`."""
    if _has_no_gpu(view):
        return Extracted(())
    if view.string("cloud_type") == "COMMUNITY":
        view.note(
            "info", "secure-cloud-price", "the community cloud costs less than the price of the secure cloud used here"
        )
    count = _gpu_count(view)
    machine = _machine(view, _gpu_types(view), count, *_disks(view))
    charge = Charge("accelerator", "{sku}", "GPUs of the pod", count, "GPU-hour", "gpu")
    in_order = view.string("gpu_type_priority") == "custom" or len(machine.options) < 2
    pool = machine.pool(
        Units.fixed(1), charges=(charge,), machine_billed=False, pick="first" if in_order else "dearest"
    )
    return Extracted((pool,))


def cluster(view: View) -> Extracted:
    """`runpod_cluster`: an instant cluster of so many pods."""
    count = _gpu_count(view, "gpu_count_per_pod")
    machine = _machine(view, _gpu_types(view), count, *_disks(view))
    charge = Charge("managed_service", "instant-cluster-{sku}", "GPUs of an instant cluster", count, "GPU-hour")
    units = Units.fixed(units_of(view.number("pod_count"), _ONE))
    return Extracted((machine.pool(units, charges=(charge,), machine_billed=False),))


def endpoint(view: View) -> Extracted:
    """`runpod_endpoint`: serverless workers; those always on run all month, the others only while there is work."""
    if _has_no_gpu(view):
        return Extracted(())
    types, count = _gpu_types(view), _gpu_count(view)
    if isinstance(types, list) and view.string("gpu_type_priority") != "custom":
        types = sorted(types, key=lambda name: -_serverless_price(view, name))  # nothing says which: the dearest
    machine = _machine(view, types, count, *_disks(view))
    low, high = view.number("workers_min"), view.number("workers_max")
    least, most = units_of(low, Decimal(0)), units_of(high, _MAX_WORKERS)
    first = machine.options[0].sku if machine.options else ""
    charge = Charge("managed_service", _serverless_sku(first), "serverless GPUs", count, "GPU-hour")
    if most is not None and least is not None:
        most = max(most, least)
    pool = machine.pool(Units(least, least, most), charges=(charge,), machine_billed=False, pick="first")
    return Extracted((pool,))


def _serverless_sku(name: str) -> str:
    """The price by which workers with a GPU type are billed."""
    bare = name.removeprefix("NVIDIA ")
    pool = next((pool for pool, members in _SERVERLESS.items() if bare in members), name)
    return f"serverless-flex-{pool}"


def _serverless_price(view: View, name: str) -> Decimal:
    found = view.context.price(PriceKey("runpod", "managed_service", _serverless_sku(name), ANYWHERE))
    return found.amount if isinstance(found, Price) else Decimal(0)


def _region(view: View) -> str | None:
    """The data center, where there is one; that of several, or of none, is RunPod's choice."""
    one = view.text("data_center_id")
    if one is not None:
        return one if isinstance(one, str) else ANYWHERE
    several = view.texts("data_center_ids")
    return several[0] if isinstance(several, list) and len(several) == 1 else ANYWHERE


def _no_tags(view: View) -> dict[str, str]:
    return {}


_PLACE = "Without a single data center the region is shown as global: the price is the same everywhere."
_GPU = "One GPU in each pod or worker unless gpu_count says otherwise."
_TYPES = ("gpu_type_id", "gpu_type_ids", "gpu_type_priority", "gpu_count")

SPECS: tuple[ResourceSpec, ...] = (
    ResourceSpec(
        type="runpod_pod",
        cloud="runpod",
        extract=pod,
        region=_region,
        tags=_no_tags,
        reads=(
            *_TYPES,
            "compute_type",
            "cloud_type",
            "type",
            "interruptible",
            "container_disk_in_gb",
            "volume_in_gb",
            "network_volume_id",
            "data_center_id",
            "data_center_ids",
        ),
        prices=("the GPUs, with vCPUs and memory included", "the container's disk", "the pod's volume"),
        leaves_out=("network volumes", "savings plans", "the lower price of the community cloud"),
        assumes=(_GPU, "Of several GPU types the dearest, in custom priority the first.", _PLACE),
        source="runpod provider: runpod_pod",
    ),
    ResourceSpec(
        type="runpod_endpoint",
        cloud="runpod",
        extract=endpoint,
        region=_region,
        tags=_no_tags,
        reads=(
            *_TYPES,
            "compute_type",
            "workers_min",
            "workers_max",
            "container_disk_in_gb",
            "data_center_ids",
        ),
        prices=("the GPUs of the workers at the price of flex workers", "their container disks"),
        leaves_out=("network volumes", "discounts on workers that are always on"),
        assumes=(
            _GPU,
            "Workers above workers_min run only while there is work: the usage file tells how many on average.",
            "At most three workers where workers_max is not set.",
            _PLACE,
        ),
        source="runpod provider: runpod_endpoint",
    ),
    ResourceSpec(
        type="runpod_cluster",
        cloud="runpod",
        extract=cluster,
        region=_region,
        tags=_no_tags,
        reads=("gpu_type_id", "gpu_count_per_pod", "pod_count", "container_disk_in_gb", "data_center_ids"),
        prices=("the GPUs, where the catalog has their price in instant clusters", "the containers' disks"),
        leaves_out=("network volumes",),
        assumes=(_PLACE,),
        source="runpod provider: runpod_cluster",
    ),
)

COMPANIONS: tuple[Companion, ...] = ()
