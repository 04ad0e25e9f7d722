"""Cloud Run: services, jobs and worker pools with GPUs.

An instance with a GPU is billed for its whole life, its vCPUs and memory with it; without instances nothing is billed
(https://cloud.google.com/run/docs/configuring/services/gpu, https://cloud.google.com/run/pricing).
"""

import re
from collections.abc import Iterable
from decimal import Decimal

from msgspec.structs import replace

from gpuguard.extract.common import string_tags
from gpuguard.extract.providers.google.common import labels, region
from gpuguard.extract.providers.google.managed import (
    accelerator_name,
    entry,
    known_region,
    number_of,
    price_of,
    seconds,
    short_name,
    tell,
)
from gpuguard.extract.spec import Companion, Extracted, ResourceSpec, units_of, within
from gpuguard.extract.view import View
from gpuguard.model.usage import HOURS_PER_MONTH, AttachedAccelerator, Charge, MachineOption, PoolUsage, Units, Unknown

GPU_LIMIT = "nvidia.com/gpu"
_DEFAULT_GPU = "nvidia-l4"
_DEFAULT_MAXIMUM = Decimal(100)
"""Instances of a revision or of an autoscaled worker pool that says no maximum (https://cloud.google.com/run/docs/configuring/max-instances,
https://cloud.google.com/run/docs/configuring/workerpools/cpu-autoscaling)."""
_LEAST = {"l4": (Decimal(4), Decimal(16)), "rtx-pro-6000": (Decimal(20), Decimal(80))}
"""vCPUs and GiB that an instance with the GPU must have at least (https://cloud.google.com/run/docs/configuring/services/gpu)."""
_SIDECAR = (Decimal(1), Decimal("0.5"))
"""vCPUs and GiB of a container that sets no limits (https://cloud.google.com/run/docs/configuring/services/cpu)."""
_TASK_TIMEOUT = Decimal(600)
"""Seconds that a task of a job runs at most where nothing else is set (https://cloud.google.com/run/docs/configuring/task-timeout)."""
_QUANTITY = re.compile(r"(\d{1,12}(?:\.\d{1,9})?)([a-zA-Z]{0,2})\Z")
_GIB = Decimal(1024**3)
_UNITS = {
    "": Decimal(1), "m": Decimal("0.001"), "k": Decimal(10**3), "M": Decimal(10**6), "G": Decimal(10**9),
    "Ki": Decimal(1024), "Mi": Decimal(1024**2), "Gi": _GIB, "Ti": _GIB * 1024,
}  # fmt: skip
_MOST_CONTAINERS = 50


def quantity(value: object) -> Decimal | None:
    """A Kubernetes quantity: ``4``, ``4000m``, ``16Gi``; None where it is none."""
    match = (
        _QUANTITY.match(str(value)) if isinstance(value, str | int | float) and not isinstance(value, bool) else None
    )
    factor = _UNITS.get(match[2]) if match else None
    return None if match is None or factor is None else Decimal(match[1]) * factor


def _gpus(containers: Iterable[View], named: bool) -> Decimal | Unknown | None:
    """GPUs of one instance: what the containers ask for, one where only the type of the GPU is named; None without any."""
    total: Decimal | None = None
    for container in containers:
        found = number_of(entry(container, "resources.limits", GPU_LIMIT))
        if isinstance(found, Unknown):
            if found.code == "unknown-unreadable":
                container.note("warning", "unreadable-value", f"{GPU_LIMIT} must be a number; taken as unknown")
            return found
        if found is not None:
            total = (total or Decimal(0)) + found
    return Decimal(1) if total is None and named else total


def _sizes(containers: list[View], name: str) -> tuple[Decimal | None, Decimal | None]:
    """vCPUs and GiB of one instance, over its containers; the least that the GPU asks for where they set no limits."""
    totals: list[Decimal | None] = [Decimal(0), Decimal(0)]
    asking = [entry(container, "resources.limits", GPU_LIMIT) is not None for container in containers]
    for index, container in enumerate(containers):
        holds_gpu = asking[index] or (index == 0 and not any(asking))
        for position, key in enumerate(("cpu", "memory")):
            limit = entry(container, "resources.limits", key)
            size = quantity(limit)
            if size is not None and key == "memory":
                size /= _GIB
            if limit is None:
                size = _LEAST.get(name, (None, None))[position] if holds_gpu else _SIDECAR[position]
            so_far = totals[position]
            totals[position] = None if size is None or so_far is None else so_far + size
    return totals[0], totals[1]


def _pool(view: View, template: View, gpu: str | Unknown | None, redundant: bool, kind: str = "") -> PoolUsage | None:
    """One instance, its GPU, vCPUs and memory; None where it has no GPU. Its number is set by the caller."""
    containers = template.blocks("containers")[:_MOST_CONTAINERS]
    count = _gpus(containers, gpu is not None)
    if count is None or (not isinstance(count, Unknown) and count <= 0):
        return None
    if isinstance(gpu, Unknown) or isinstance(count, Unknown):
        what = "type" if isinstance(gpu, Unknown) else "number"
        unknown = Unknown(f"the {what} of its GPUs is known only after apply", "unknown-accelerator")
        return PoolUsage(options=(), units=Units.fixed(None), unknown=unknown)
    if gpu is None:
        tell(view, "info", "assumed-accelerator", f"no type of GPU is named; {_DEFAULT_GPU} is assumed")
    name = short_name(gpu or _DEFAULT_GPU)
    sku = f"cloud-run-{name}" + ("-zonal-redundancy" if redundant else "")
    secret = template.is_sensitive("node_selector")
    words = f"GPU{'' if secret else f' {name.upper()}'}, {'with' if redundant else 'without'} zonal redundancy"
    return PoolUsage(
        options=(MachineOption(sku),),
        sensitive=secret,
        units=Units.fixed(1),
        accelerators=(AttachedAccelerator(accelerator_name(gpu or _DEFAULT_GPU), count),),
        machine_billed=False,
        charges=(
            Charge("managed_service", "{sku}", words, count, "GPU-hour", "gpu"),
            *_size_charges(view, containers, name, kind),
        ),
    )


def _size_charges(view: View, containers: list[View], name: str, kind: str) -> list[Charge]:
    charges = []
    sizes = _sizes(containers, name)
    parts = (("vcpu", "vCPU", "vCPU-hour"), ("memory-gib", "GiB memory", "GiB-hour"))
    for size, (suffix, word, unit) in zip(sizes, parts, strict=True):
        sku = f"cloud-run-{kind}{suffix}"
        if size is None:
            tell(view, "info", "fee-not-counted", f"how much {word} its instances have is not known: it is not counted")
        elif kind and price_of(view, "managed_service", sku, known_region(view)) is None:
            tell(
                view,
                "info",
                "fee-not-counted",
                "vCPUs and memory of a worker pool have no price here: the GPUs alone count",
            )
        else:
            shown = f"{size.normalize():f} {word}"
            charges.append(
                Charge("managed_service", sku, shown, size, unit, "compute", essential=False, optional=bool(kind))
            )
    return charges


def _largest(*sizes: Decimal | Unknown | None) -> Decimal | None:
    """The larger of the minima that are set; None where one is known only after apply."""
    if any(isinstance(size, Unknown) for size in sizes):
        return None
    return max((size for size in sizes if isinstance(size, Decimal)), default=Decimal(0))


def _ceiling(view: View, *sizes: Decimal | Unknown | None) -> Decimal | None:
    """The lowest of the maxima that are set, else Cloud Run's own; None where only apply can tell."""
    known = [size for size in sizes if isinstance(size, Decimal) and size > 0]
    if known:
        return min(known)
    if any(isinstance(size, Unknown) for size in sizes):
        return None
    tell(
        view,
        "warning",
        "default-maximum",
        f"no maximum is set: Cloud Run starts up to {_DEFAULT_MAXIMUM} instances, or what the region's GPU quota allows",
        "set max_instance_count",
    )
    return _DEFAULT_MAXIMUM


def _scaled(view: View, low: Decimal | None, high: Decimal | None) -> Units:
    if low == 0:
        tell(view, "info", "scales-to-zero", "it runs no instance without requests: at rest only the maximum counts")
    return Units(low, within(low, None, high), high)


def _times(units: Units, factor: Decimal) -> Units:
    return Units(*(None if size is None else size * factor for size in (units.min, units.expected, units.max)))


def _regions(view: View) -> Decimal:
    """In how many regions a service runs; a service in several is priced at the first."""
    several = view.texts("multi_region_settings.regions")
    if isinstance(several, Unknown) or len(several) < 2:
        return Decimal(1)
    tell(view, "info", "several-regions", f"it runs in {len(several)} regions, all priced as in {several[0]}")
    return Decimal(len(several))


def service_region(view: View) -> str | Unknown | None:
    """Region of a service; the first of several."""
    several = view.texts("multi_region_settings.regions")
    if not isinstance(several, Unknown) and several:
        return several[0]
    return region(view)


def service(view: View) -> Extracted:
    """`google_cloud_run_v2_service`."""
    template = view.block("template")
    if template is None:
        return Extracted(())
    redundant = not template.flag("gpu_zonal_redundancy_disabled")
    pool = _pool(view, template, _named_gpu(template), redundant)
    if pool is None:
        return Extracted(())
    if view.string("scaling.scaling_mode") == "MANUAL":
        units = Units.fixed(units_of(view.number("scaling.manual_instance_count"), Decimal(0)))
    else:
        low = _largest(view.number("scaling.min_instance_count"), template.number("scaling.min_instance_count"))
        high = _ceiling(view, view.number("scaling.max_instance_count"), template.number("scaling.max_instance_count"))
        units = _scaled(view, low, high)
    return Extracted((replace(pool, units=_times(units, _regions(view))),))


def _named_gpu(template: View) -> str | Unknown | None:
    block = template.block("node_selector")
    return None if block is None else block.text("accelerator")


def worker_pool(view: View) -> Extracted:
    """`google_cloud_run_v2_worker_pool`: one instance where nothing is said, 1 to 100 where it scales by itself."""
    template = view.block("template")
    if template is None:
        return Extracted(())
    redundant = not template.flag("gpu_zonal_redundancy_disabled")
    pool = _pool(view, template, _named_gpu(template), redundant, "worker-pool-")
    if pool is None:
        return Extracted(())
    low, high = view.number("scaling.min_instance_count"), view.number("scaling.max_instance_count")
    if view.string("scaling.scaling_mode") == "AUTOMATIC" or (low, high) != (None, None):
        units = _scaled(view, units_of(low, Decimal(1)), _ceiling(view, high))
    else:
        units = Units.fixed(units_of(view.number("scaling.manual_instance_count"), Decimal(1)))
    return Extracted((replace(pool, units=units),))


def job(view: View) -> Extracted:
    """`google_cloud_run_v2_job`: nothing runs until it is started; then as many tasks at once as `parallelism` lets."""
    execution = view.block("template")
    task = execution.block("template") if execution is not None else None
    if execution is None or task is None:
        return Extracted(())
    redundant = not task.flag("gpu_zonal_redundancy_disabled")
    pool = _pool(view, task, _named_gpu(task), redundant)
    if pool is None:
        return Extracted(())
    tasks = units_of(execution.number("task_count"), Decimal(1))
    limit = units_of(execution.number("parallelism"), Decimal(0))
    most = tasks if limit == 0 or tasks is None else None if limit is None else min(tasks, limit)
    if any(view.get(path) is not None for path in ("start_execution_token", "run_execution_token")):
        tell(view, "info", "started-by-apply", "apply starts an execution: its tasks count up to their timeout")
        hours = _run_hours(task, tasks, most)
        return Extracted((replace(pool, units=Units(Decimal(0), most, most), hours_per_month=hours),))
    tell(view, "info", "runs-on-demand", "a job costs nothing until it is started: at rest only the maximum counts")
    return Extracted((replace(pool, units=Units(Decimal(0), Decimal(0), most)),))


def _run_hours(task: View, tasks: Decimal | None, at_once: Decimal | None) -> Decimal:
    """Hours that one execution lasts at most: the tasks one batch after the other, each up to its timeout."""
    timeout = seconds(task.string("timeout")) or _TASK_TIMEOUT
    batches = (tasks / at_once).to_integral_value("ROUND_CEILING") if tasks and at_once else Decimal(1)
    return min(batches * timeout / 3600, HOURS_PER_MONTH)


_REVISION, _SERVICE = "autoscaling.knative.dev/", "run.googleapis.com/"


def legacy_service(view: View) -> Extracted:
    """`google_cloud_run_service`: the same in annotations of the Knative API."""
    template = view.block("template")
    spec = template.block("spec") if template is not None else None
    if template is None or spec is None:
        return Extracted(())
    gpu = entry(spec, "node_selector", f"{_SERVICE}accelerator")
    named = gpu if isinstance(gpu, str | Unknown) else None
    disabled = entry(template, "metadata.annotations", f"{_SERVICE}gpu-zonal-redundancy-disabled")
    pool = _pool(view, spec, named or None, str(disabled).lower() != "true")
    if pool is None:
        return Extracted(())

    def own(name: str) -> Decimal | Unknown | None:
        return number_of(entry(view, "metadata.annotations", f"{_SERVICE}{name}"))

    def of_revision(name: str) -> Decimal | Unknown | None:
        return number_of(entry(template, "metadata.annotations", f"{_REVISION}{name}"))

    if entry(view, "metadata.annotations", f"{_SERVICE}scalingMode") == "manual":
        units = Units.fixed(units_of(own("manualInstanceCount"), Decimal(0)))
    else:
        low = _largest(own("minScale"), of_revision("minScale"))
        units = _scaled(view, low, _ceiling(view, own("maxScale"), of_revision("maxScale")))
    return Extracted((replace(pool, units=units),))


def legacy_labels(view: View) -> dict[str, str]:
    """Labels stand in the metadata of the Knative API."""
    return string_tags(view, "metadata.effective_labels") or string_tags(view, "metadata.labels")


_PRICES = ("the GPUs", "vCPUs and memory of the instances")
_LEAVES_OUT = ("the free tier of vCPUs and memory", "requests and traffic")
_ASSUMES_SIZES = "An instance without limits has the least vCPUs and memory that its GPU asks for."
_ASSUMES_REDUNDANCY = (
    "Zonal redundancy is on unless it is turned off: that is Cloud Run's default, and the dearer price."
)
_READS_TEMPLATE = (
    "template.node_selector",
    "template.containers.resources.limits",
    "template.gpu_zonal_redundancy_disabled",
)

SPECS: tuple[ResourceSpec, ...] = (
    ResourceSpec(
        type="google_cloud_run_v2_service",
        cloud="gcp",
        extract=service,
        region=service_region,
        tags=labels,
        reads=(*_READS_TEMPLATE, "scaling", "template.scaling", "multi_region_settings", "location"),
        prices=_PRICES,
        leaves_out=_LEAVES_OUT,
        assumes=(
            _ASSUMES_SIZES,
            _ASSUMES_REDUNDANCY,
            "Expected are the minimum instances; the maximum is that of the service or the revision, 100 where neither has one.",
        ),
        source="google provider: google_cloud_run_v2_service; Cloud Run: GPU support for services",
    ),
    ResourceSpec(
        type="google_cloud_run_service",
        cloud="gcp",
        extract=legacy_service,
        region=region,
        tags=legacy_labels,
        reads=(
            "template.spec.node_selector",
            "template.spec.containers.resources.limits",
            "template.metadata.annotations",
            "metadata.annotations",
            "location",
        ),
        prices=_PRICES,
        leaves_out=_LEAVES_OUT,
        assumes=(_ASSUMES_SIZES, _ASSUMES_REDUNDANCY, "Sizes are read from the annotations minScale and maxScale."),
        source="google provider: google_cloud_run_service; Cloud Run: GPU support for services",
    ),
    ResourceSpec(
        type="google_cloud_run_v2_worker_pool",
        cloud="gcp",
        extract=worker_pool,
        region=region,
        tags=labels,
        reads=(*_READS_TEMPLATE, "scaling", "location"),
        prices=("the GPUs",),
        leaves_out=("vCPUs and memory, which have prices of their own in worker pools", "traffic"),
        assumes=(_ASSUMES_REDUNDANCY, "One instance runs where no number is set."),
        source="google provider: google_cloud_run_v2_worker_pool; Cloud Run: GPU support for worker pools",
    ),
    ResourceSpec(
        type="google_cloud_run_v2_job",
        cloud="gcp",
        extract=job,
        region=region,
        tags=labels,
        reads=(
            "template.template.node_selector",
            "template.template.containers.resources.limits",
            "template.template.gpu_zonal_redundancy_disabled",
            "template.task_count",
            "template.parallelism",
            "template.template.timeout",
            "start_execution_token",
            "run_execution_token",
            "location",
        ),
        prices=_PRICES,
        leaves_out=_LEAVES_OUT,
        assumes=(
            _ASSUMES_SIZES,
            _ASSUMES_REDUNDANCY,
            "A job costs nothing until it is started; the maximum is its tasks at once, all month.",
            "An execution that apply starts counts once, each task up to its timeout.",
        ),
        source="google provider: google_cloud_run_v2_job; Cloud Run: GPU support for jobs",
    ),
)

COMPANIONS: tuple[Companion, ...] = ()
