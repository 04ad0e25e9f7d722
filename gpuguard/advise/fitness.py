"""Whether another machine does the same work: memory, speed, host, interconnect, number formats.

Every function compares one machine with one other and returns None when it does not fit, else what has to be said.
"""

import math
from collections.abc import Iterable
from decimal import Decimal
from typing import Literal

import msgspec
from msgspec.structs import replace

from gpuguard.advise.facts import Facts
from gpuguard.model.price import AcceleratorModel, InstanceType, Performance
from gpuguard.model.report import Risk, Workload

RISKS: tuple[Risk, ...] = ("none", "low", "medium", "high")

FITNESS: dict[Risk, Decimal] = {
    "none": Decimal("1.0"),
    "low": Decimal("0.9"),
    "medium": Decimal("0.6"),
    "high": Decimal("0.3"),
}
"""Alternatives are ranked by saving × fitness. The weights are the project's judgement (docs/alternatives.md)."""

TRAINING = ("llm_training", "vision_training", "diffusion_training")
INFERENCE = (
    "llm_inference",
    "llm_inference_single_stream",
    "nlp_inference",
    "vision_inference",
    "diffusion_inference",
)

CLASS_NAMES = {
    "llm_training": "LLM training",
    "vision_training": "vision training",
    "diffusion_training": "diffusion training",
    "llm_inference": "LLM inference",
    "llm_inference_single_stream": "single-stream LLM inference",
    "nlp_inference": "BERT-class inference",
    "vision_inference": "vision inference",
    "diffusion_inference": "image generation",
}

_TIERS: tuple[frozenset[str], ...] = (
    frozenset({"measured", "chained"}),
    frozenset({"measured", "chained", "proxy"}),
    frozenset({"measured", "chained", "proxy", "datasheet"}),
)

_NVLINK = frozenset(
    {
        "V100-16GB",
        "V100-32GB",
        "A100-40GB",
        "A100-80GB",
        "H20",
        "H100-80GB",
        "H200",
        "B200",
        "B300",
        "GB200",
        "GB300",
    }
)
"""Models whose cards in one machine are joined by NVLink in the clouds' multi-GPU types (vendor data sheets, SXM form)."""

_NO_BF16 = ("Kepler", "Maxwell", "Pascal", "Volta", "Turing")
"""NVIDIA architectures without bfloat16: it came with compute capability 8.0 (CUDA C++ Programming Guide)."""

_CUDA_MINIMUM = (("Blackwell", "12.8"), ("Hopper", "11.8"), ("Ada", "11.8"), ("Ampere", "11.1"))
"""First CUDA toolkit that compiles for an NVIDIA architecture (CUDA release notes, compute capabilities 10/12, 9, 8.9, 8.6)."""

LEAST_VCPUS_PER_GPU = 4
"""Below so many vCPUs a GPU no host is made smaller; a share of a GPU counts as that share."""

MIN_VCPUS_PER_GPU = 12
MIN_RAM_PER_GPU_MEMORY = 1.5
"""What a host must keep a GPU before fewer than half of today's vCPUs or RAM is proposed: six physical cores (12 vCPUs)
and RAM of one and a half times the memory of today's GPUs. The project's judgement, stated in docs/alternatives.md."""


class Shape(msgspec.Struct, frozen=True):
    """One machine with its accelerators. `count` may be a fraction; memory is nominal and None when not known.

    Nominal card memory is used for both sides, because the clouds report the same card differently
    (an L4 is 24 GB at GCP and 22.4 GiB in the EC2 API).
    """

    machine: InstanceType
    gpu: AcceleratorModel
    count: float

    @property
    def devices(self) -> int:
        """How many accelerators the software sees; a fraction is one."""
        return max(1, math.ceil(self.count))

    @property
    def memory_gib(self) -> float | None:
        """Accelerator memory of the whole machine."""
        return None if self.gpu.memory_gib is None else self.gpu.memory_gib * self.count

    @property
    def memory_per_device_gib(self) -> float | None:
        """Accelerator memory that one process can use."""
        return None if self.gpu.memory_gib is None else self.gpu.memory_gib * min(1.0, self.count)


class Speed(msgspec.Struct, frozen=True):
    """Speed of the whole machine over the one it replaces, in the class of work where it does worst."""

    ratio: float
    workload: str
    basis: Literal["measured", "chained", "proxy", "datasheet"]
    confidence: str
    low: float | None
    high: float | None


def worse(risks: Iterable[Risk]) -> Risk:
    """The worst of several risks; none of none."""
    return max(risks, key=RISKS.index, default="none")


def speed(facts: Facts, now: Shape, other: Shape, workload: Workload | None) -> Speed | None:
    """Speed of `other` over `now` per machine; None when the facts do not cover the work or `other` is slower.

    The worst ratio over the classes that the workload may be. Classes with direct evidence decide where they cover
    the work; then those that borrow from another class, and data sheets only when nothing was measured. Graphics has no measured source,
    so no other GPU is proposed for it. A machine with more devices than now qualifies only if one of them is
    already as fast as one of today's: more cards for one job do not add up by themselves.
    """
    groups = _classes(workload)
    known: dict[str, Performance] = {}
    for name in (name for group in groups for name in group):
        figure = facts.performance(other.gpu.model, now.gpu.model, name)
        if figure is not None:
            known[name] = _believable(figure, now.gpu, other.gpu)
    for tier in _TIERS:
        usable = {name: figure for name, figure in known.items() if figure.basis in tier}
        if groups and all(any(name in usable for name in group) for group in groups):
            break
    else:
        return None
    worst, figure = min(usable.items(), key=lambda item: (item[1].ratio, item[0]))
    per_device = figure.ratio * min(1.0, other.count) / min(1.0, now.count)
    scale = other.count / now.count
    if figure.ratio * scale < 1 or (other.devices > now.devices and per_device < 1):
        return None
    return Speed(
        ratio=figure.ratio * scale,
        workload=worst,
        basis=figure.basis,
        confidence=figure.confidence,
        low=None if figure.low is None else figure.low * scale,
        high=None if figure.high is None else figure.high * scale,
    )


def _classes(workload: Workload | None) -> tuple[tuple[str, ...], ...]:
    """Groups of performance classes; each group must be covered by at least one figure."""
    match workload:
        case "training":
            return (TRAINING,)
        case "inference":
            return (INFERENCE,)
        case "graphics":
            return ()
        case _:
            return (TRAINING, INFERENCE)


def _believable(figure: Performance, now: AcceleratorModel, other: AcceleratorModel) -> Performance:
    """The figure, without an order that the hardware rules out.

    Of two cards of one architecture the one with more of everything (FP16, FP32, bandwidth, memory) is not the
    slower one, whatever two different test systems say: measured A100-40GB ahead of A100-80GB is noise.
    """
    if now.architecture != other.architecture:
        return figure
    if _dominates(other, now):
        return _bounded(figure, low=1.0)
    if _dominates(now, other):
        return _bounded(figure, high=1.0)
    return figure


def _bounded(figure: Performance, low: float = 0.0, high: float = math.inf) -> Performance:
    """The figure and its spread, held between two bounds."""

    def held(value: float) -> float:
        return min(max(value, low), high)

    return replace(
        figure,
        ratio=held(figure.ratio),
        low=None if figure.low is None else held(figure.low),
        high=None if figure.high is None else held(figure.high),
    )


def _dominates(one: AcceleratorModel, two: AcceleratorModel) -> bool:
    """Whether every peak figure of `one` is known and at least that of `two`, and one of them is higher."""
    pairs = (
        (one.fp16_tflops or one.bf16_tflops, two.fp16_tflops or two.bf16_tflops),
        (one.fp32_tflops, two.fp32_tflops),
        (one.memory_bandwidth_gbps, two.memory_bandwidth_gbps),
        (one.memory_gib, two.memory_gib),
    )
    higher = False
    for first, second in pairs:
        if first is None or second is None or first < second:
            return False
        higher = higher or first > second
    return higher


def memory_ratio(now: Shape, other: Shape) -> float | None:
    """Accelerator memory of `other` over `now`; None when it is not known or `other` has less in all or per device."""
    needed, offered = now.memory_gib, other.memory_gib
    per_device, offered_per_device = now.memory_per_device_gib, other.memory_per_device_gib
    if needed is None or offered is None or per_device is None or offered_per_device is None or needed <= 0:
        return None
    if offered < needed or offered_per_device < per_device:
        return None
    return offered / needed


def loses_interconnect(now: Shape, other: Shape) -> bool:
    """Whether several cards joined by NVLink would become several cards that are not."""
    return now.devices > 1 and other.devices > 1 and now.gpu.model in _NVLINK and other.gpu.model not in _NVLINK


def host(now: Shape, other: Shape) -> tuple[Risk, tuple[str, ...]] | None:
    """Risk and what to say of the host's vCPUs and RAM; None when too little is left, or either side is not known.

    At least half of today's is kept; down to a quarter where the GPUs are still well served. RAM that shrinks below the
    memory of today's GPUs is a risk of its own: a model that fills them may no longer pass through the host.
    """
    have, want = now.machine, other.machine
    if have.vcpus is None or want.vcpus is None or have.memory_gib is None or want.memory_gib is None:
        return None
    gpu_memory = now.memory_gib or math.inf
    served = want.vcpus >= MIN_VCPUS_PER_GPU * other.devices and want.memory_gib >= MIN_RAM_PER_GPU_MEMORY * gpu_memory
    floor = 0.25 if served else 0.5
    if want.vcpus < have.vcpus * floor or want.memory_gib < have.memory_gib * floor:
        return None
    said, risk = [], RISKS[0]
    if want.vcpus < have.vcpus:
        if want.vcpus < LEAST_VCPUS_PER_GPU * other.count:
            return None
        said.append(f"{want.vcpus:g} vCPUs instead of {have.vcpus:g}")
    if want.memory_gib < have.memory_gib:
        short = want.memory_gib < gpu_memory < math.inf
        less = f", less than the {gpu_memory:g} GiB of GPU memory now" if short else ""
        said.append(f"{want.memory_gib:g} GiB RAM instead of {have.memory_gib:g}{less}")
        risk = "medium" if short else risk
    if not said:
        return "none", ()
    return worse((risk, "low")), (f"{' and '.join(said)}: check what the host side of the work needs",)


def software(now: AcceleratorModel, other: AcceleratorModel) -> tuple[Risk, tuple[str, ...]]:
    """What an NVIDIA card of another architecture asks of the software that runs on it."""
    if now.architecture == other.architecture or other.vendor != "NVIDIA":
        return "none", ()
    if other.architecture.startswith(_NO_BF16) and not now.architecture.startswith(_NO_BF16):
        return "medium", (f"{other.architecture} has no bfloat16: the work must run in FP16 or FP32",)
    for name, version in _CUDA_MINIMUM:
        if other.architecture.startswith(name):
            return "low", (f"needs CUDA {version} or later ({other.architecture})",)
    return "low", ()
