"""Which other machine types of the same region could do a pool's work, and what has to be said of each."""

import math
import re
from collections.abc import Iterator

import msgspec

from gpuguard.advise.facts import Facts
from gpuguard.advise.fitness import (
    CLASS_NAMES,
    Shape,
    Speed,
    host,
    loses_interconnect,
    memory_ratio,
    software,
    speed,
    worse,
)
from gpuguard.model.price import InstanceType, PriceKey, Unpriced
from gpuguard.model.report import Risk, Workload
from gpuguard.model.usage import PoolUsage

_VENDORS = frozenset({"NVIDIA", "AMD"})
"""Vendors whose cards may stand in for one another, each within itself; TPU, Trainium, Gaudi and the like may not."""

WHOLE_NODE = 8
"""Accelerators from which a machine counts as one made for clusters, where the network between machines matters."""

_N1_TYPES = tuple(
    f"n1-{kind}-{vcpus}" for kind in ("standard", "highmem", "highcpu") for vcpus in (1, 2, 4, 8, 16, 32, 64, 96)
)

_GCP_REFUSED_DISKS = (
    ("a3-ultragpu", ("pd-",)),
    ("a4", ("pd-",)),
    ("g4-", ("pd-",)),
    ("a3-", ("pd-standard", "pd-extreme")),
    ("g2-", ("pd-standard", "pd-extreme")),
)
"""Machine series and the disk types they do not take, first match (Compute Engine documentation, machine series support of
Persistent Disk and Hyperdisk). Such a machine is not proposed: the disks would have to change too."""


class Candidate(msgspec.Struct, frozen=True):
    """A machine type that could replace a pool's. `detach`: the attached accelerators go away with the old machine."""

    shape: Shape
    same_gpu: bool
    detach: bool
    speed: Speed | None
    memory_ratio: float | None
    risk: Risk
    title: str
    conditions: tuple[str, ...]

    @property
    def sku(self) -> str:
        """The machine type as Terraform writes it."""
        return self.shape.machine.sku


def shape_of(facts: Facts, cloud: str, pool: PoolUsage) -> Shape | None:
    """The pool's machine with its accelerators; None where it is not one known machine with one known model."""
    if len(pool.options) != 1 or pool.sensitive or pool.unknown is not None:
        return None
    machine = facts.instance_type(cloud, pool.options[0].sku)
    if machine is None:
        return None
    if machine.gpu_model is not None:
        return _shape(facts, machine)
    if len(pool.accelerators) != 1:
        return None
    attached = pool.accelerators[0]
    model = facts.accelerator(attached.name)
    count = float(attached.count)
    return Shape(machine, model, count) if model is not None and 0 < count < math.inf else None


def _shape(facts: Facts, machine: InstanceType) -> Shape | None:
    """A machine with bundled accelerators; None where model or count is not known.

    Sizes that carry some share of a GPU nobody published have a model, but no accelerator memory of their own.
    """
    model = facts.accelerator(machine.gpu_model) if machine.gpu_model is not None else None
    if model is None or machine.gpu_count <= 0:
        return None
    if machine.gpu_memory_gib is None and model.memory_gib is not None:
        return None
    return Shape(machine, model, machine.gpu_count)


def candidates(
    facts: Facts, cloud: str, region: str, kind: str, pool: PoolUsage, workload: Workload | None
) -> Iterator[Candidate]:
    """Machine types offered in `region` that do the work of `pool`, cheaper or not: the price is asked elsewhere.

    `kind` is the Terraform type of the resource. The same GPU keeps its count; another GPU keeps vendor, architecture
    and memory and is not slower. Retired and previous-generation types are never proposed.
    """
    now = shape_of(facts, cloud, pool)
    if now is None:
        return
    for machine in _offered(facts, cloud, region, now):
        if not _interchangeable(now.machine, machine) or _disks_refused(cloud, now.machine, machine, pool):
            continue
        if machine.gpu_model is None:
            other: Shape | None = Shape(machine, now.gpu, now.count)
        else:
            other = _shape(facts, machine)
            if isinstance(facts.price(PriceKey(cloud, "machine", machine.sku, region)), Unpriced):
                continue
        if other is not None and (found := _compare(facts, kind, pool, now, other, workload)) is not None:
            yield found


def _offered(facts: Facts, cloud: str, region: str, now: Shape) -> Iterator[InstanceType]:
    """GPU machine types sold in the region; for accelerators attached to N1 also the other N1 types."""
    yield from facts.offers(cloud, region)
    if cloud == "gcp" and now.machine.gpu_model is None and now.machine.sku.startswith(("n1-", "custom-")):
        for name in _N1_TYPES:
            machine = facts.instance_type(cloud, name)
            if machine is not None:
                yield machine


def _interchangeable(now: InstanceType, other: InstanceType) -> bool:
    """Whether one type can take the other's place without changing what it is asked to be.

    Same CPU architecture, not retired, both bare metal or neither, both confidential VMs or neither (Azure NCC).
    """
    return (
        other.sku != now.sku
        and other.status == "current"
        and bool(other.arch)
        and other.arch == now.arch
        and _is_metal(other.sku) == _is_metal(now.sku)
        and _is_confidential(other.sku) == _is_confidential(now.sku)
    )


def _is_metal(sku: str) -> bool:
    return re.search(r"[.-]metal\b", sku) is not None


def _is_confidential(sku: str) -> bool:
    return sku.lower().startswith("standard_ncc")


def _disks_refused(cloud: str, now: InstanceType, other: InstanceType, pool: PoolUsage) -> bool:
    """Whether the pool's disks cannot go along: types the series does not take, local SSDs sized for another series."""
    if cloud != "gcp" or _series(other) == _series(now):
        return False
    if any(disk.role == "local_ssd" for disk in pool.disks):
        return True
    refused = next((kinds for prefix, kinds in _GCP_REFUSED_DISKS if other.sku.startswith(prefix)), ())
    return any(disk.disk_type.startswith(refused) for disk in pool.disks) if refused else False


def _compare(
    facts: Facts, kind: str, pool: PoolUsage, now: Shape, other: Shape, workload: Workload | None
) -> Candidate | None:
    """The other machine as a candidate; None when it does not do the same work."""
    hosted = host(now, other)
    if hosted is None:
        return None
    risks, conditions = [hosted[0]], list(hosted[1])
    same_gpu = other.gpu.model == now.gpu.model
    if same_gpu and other.count == now.count:
        quick, memory = None, 1.0
        title = f"{other.machine.sku}: the same {_gpus(other)}, {_host(other.machine)}"
        detach = now.machine.gpu_model is None and other.machine.gpu_model is not None
    else:
        fit = _other_gpu(facts, kind, pool, now, other, workload)
        if fit is None:
            return None
        quick, memory, title, risk, more = fit
        risks.append(risk)
        conditions += more
        same_gpu, detach = False, bool(pool.accelerators)
    if _series(other.machine) != _series(now.machine):
        clustered = now.devices >= WHOLE_NODE and (pool.units.max is None or pool.units.max > 1)
        risks.append("medium" if clustered else "low")
        conditions.append(_series_change(now.machine, clustered, pool))
    return Candidate(
        shape=other,
        same_gpu=same_gpu,
        detach=detach,
        speed=quick,
        memory_ratio=memory,
        risk=worse(risks),
        title=title,
        conditions=tuple(conditions),
    )


def _other_gpu(
    facts: Facts, kind: str, pool: PoolUsage, now: Shape, other: Shape, workload: Workload | None
) -> tuple[Speed | None, float, str, Risk, tuple[str, ...]] | None:
    """Speed, memory ratio, title, risk and conditions of another GPU or count; None when it does not fit."""
    if now.gpu.vendor not in _VENDORS or other.gpu.vendor != now.gpu.vendor:
        return None
    if any(attached.name.lower().endswith("-vws") for attached in pool.accelerators):
        return None  # a virtual workstation carries its graphics licence in the accelerator's name
    memory = memory_ratio(now, other)
    if memory is None:
        return None
    loses = loses_interconnect(now, other)
    if loses and workload not in ("inference", "development"):
        return None
    quick: Speed | None = None
    if other.gpu.model != now.gpu.model:
        quick = speed(facts, now, other, workload)
        if quick is None:
            return None
    risk, said = software(now.gpu, other.gpu)
    risks, conditions = [risk, *_speed_risk(quick)], [*_speed_said(quick), *said]
    if loses:
        risks.append("medium")
        conditions.append(f"no NVLink between the {other.devices} GPUs: for work that stays on one GPU each")
    if other.devices < now.devices:
        risks.append("medium")
        conditions.append(_fewer_devices(kind, now, other))
    if other.count < 1 <= now.count:
        risks.append("medium")
        conditions.append("a share of a GPU: needs the vendor's virtual GPU driver")
    return quick, memory, _title(other, quick, memory), worse(risks), tuple(conditions)


def _speed_risk(quick: Speed | None) -> Iterator[Risk]:
    """Low for a figure with good evidence, medium for one that is borrowed, thin or wide."""
    if quick is None:
        return
    doubtful = quick.basis in ("proxy", "datasheet") or quick.confidence == "low"
    yield "medium" if doubtful or (quick.low is not None and quick.low < 0.9) else "low"


def _speed_said(quick: Speed | None) -> Iterator[str]:
    """How far the figure can be trusted, where that has to be said."""
    if quick is None:
        return
    if quick.basis == "datasheet":
        yield "speed from data sheets only, nothing measured: benchmark before switching"
    elif quick.basis == "proxy":
        yield "speed measured on another kind of work: benchmark before switching"
    elif quick.confidence == "low":
        yield "speed rests on few benchmarks: measure your own work"
    if quick.low is not None and quick.high is not None and quick.low < 0.9:
        yield f"benchmarks range from {quick.low:.2g}× to {quick.high:.2g}×: measure your own work"


def _fewer_devices(kind: str, now: Shape, other: Shape) -> str:
    """What fewer and larger accelerators mean for the work."""
    count = f"{other.devices} GPU{'s' if other.devices > 1 else ''} instead of {now.devices}"
    if kind in ("aws_eks_node_group", "google_container_cluster", "google_container_node_pool") or kind.startswith(
        "azurerm_kubernetes_"
    ):
        return f"{count} a node: pods that ask for whole GPUs need GPU sharing or other requests"
    return f"{count}: processes pinned to a GPU each must share or be repacked"


def _series(machine: InstanceType) -> str:
    """Types of one series differ in size only: the family, at GCP with its kind (a3-highgpu, a3-megagpu)."""
    if machine.cloud == "gcp" and machine.gpu_model is not None:
        return machine.sku.rpartition("-")[0]
    return machine.family


def _series_change(now: InstanceType, clustered: bool, pool: PoolUsage) -> str:
    """What else differs between two machine series and cannot be priced here."""
    said = "another machine series: compare local disks and network bandwidth"
    if clustered:
        said += ", which decides how fast work on several machines runs"
    if now.cloud == "azure" and now.sku.lower().startswith("standard_nv"):
        said += "; NV sizes include a graphics licence"
    return said + (f"; check that the {pool.os} image supports it" if pool.os != "linux" else "")


def _gpus(shape: Shape) -> str:
    return f"{shape.count:.4g} × {shape.gpu.model}"


def _host(machine: InstanceType) -> str:
    return f"{machine.vcpus or 0:g} vCPUs, {machine.memory_gib or 0:g} GiB RAM"


def _title(other: Shape, quick: Speed | None, memory: float) -> str:
    """``g6e.12xlarge: 4 × L40S, 1.7× the speed in LLM training (measured), 2× the GPU memory``."""
    parts = [f"{other.machine.sku}: {_gpus(other)}"]
    if quick is not None:
        ratio = "the same speed" if quick.ratio < 1.05 else f"{quick.ratio:.2g}× the speed"
        parts.append(f"{ratio} in {CLASS_NAMES[quick.workload]} ({quick.basis})")
    parts.append("the same GPU memory" if memory < 1.05 else f"{memory:.2g}× the GPU memory")
    return ", ".join(parts)
