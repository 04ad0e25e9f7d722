"""What is proposed, what never is, and with which figures: on a small made-up catalog with round prices."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from dataclasses import replace as fake
from decimal import Decimal
from typing import Any, cast

import pytest
from msgspec.structs import replace

from gpuguard.advise import Advisor, alternatives, potential_monthly_saving
from gpuguard.model.cost import Priced, PricedResource
from gpuguard.model.price import AcceleratorModel, DiscountRange, InstanceType, Performance, Price, PriceKey, Unpriced
from gpuguard.model.report import (
    Alternative,
    Resource,
    Workload,
)
from gpuguard.model.usage import (
    AttachedAccelerator,
    Attribute,
    Disk,
    MachineOption,
    PoolUsage,
    Units,
    Unknown,
    Usage,
)
from gpuguard.price.catalog import Catalog
from gpuguard.price.engine import Engine
from gpuguard.price.overlay import Overlay


def gpu(
    model: str,
    memory: float | None,
    architecture: str = "Ampere",
    *,
    vendor: str = "NVIDIA",
    fp16: float | None = None,
    bandwidth: float | None = None,
) -> AcceleratorModel:
    return AcceleratorModel(model, vendor, architecture, 2020, memory, bandwidth, fp16, fp16, None, "s", "2026-01-01")


def machine(
    sku: str,
    vcpus: float | None,
    memory: float | None,
    model: str | None,
    count: float,
    *,
    cloud: str = "aws",
    arch: str = "x86_64",
    status: str = "current",
    family: str | None = None,
    shared: bool = False,
) -> InstanceType:
    name = family or (sku.split(".")[0] if cloud == "aws" else sku.rsplit("-", 1)[0])
    known = next((each.memory_gib for each in GPUS if each.model == model), None)
    total = None if known is None or shared else known * count
    return InstanceType(cloud, sku, name, vcpus, memory, model, count, total, arch, status, "s", "2026-01-01")


GPUS = (
    gpu("OLD", 16, "Volta"),
    gpu("MID", 24, fp16=100, bandwidth=600),
    gpu("MID-PLUS", 24, fp16=120, bandwidth=700),
    gpu("BIG", 80, "Hopper"),
    gpu("NEW", 48, "Blackwell"),
    gpu("V100-16GB", 16, "Volta"),
    gpu("A100-40GB", 40, "Ampere"),
    gpu("RADEON", 24, vendor="AMD"),
    gpu("NEURON", 32, vendor="AWS"),
    gpu("NOMEMORY", None),
    gpu("NEURON-PLUS", 64, vendor="AWS"),
    gpu("SLOW", 48, "Turing"),
    gpu("FAST", 24, "Hopper"),
    gpu("EARLY", 24, "Volta", fp16=200, bandwidth=900),
)

MACHINES = (
    machine("old.large", 8, 32, "OLD", 1),
    machine("mid.small", 8, 32, "MID", 1),
    machine("mid.large", 16, 64, "MID", 1),
    machine("mid.huge", 64, 256, "MID", 1),
    machine("mid.four", 64, 256, "MID", 4),
    machine("midp.large", 16, 64, "MID-PLUS", 1),
    machine("big.large", 16, 64, "BIG", 1),
    machine("part.large", 16, 64, "NEW", 1, shared=True),
    machine("ram.large", 8, 32, "MID", 1),
    machine("ram.small", 4, 16, "MID", 1),
    machine("eight.node", 96, 1024, "BIG", 8),
    machine("cheap.node", 96, 1024, "BIG", 8),
    machine("big.host", 64, 256, "BIG", 1),
    machine("big.share", 16, 64, "BIG", 0.5),
    machine("new.large", 16, 64, "NEW", 1),
    machine("new.tiny", 4, 16, "NEW", 1),
    machine("new.twin", 32, 128, "NEW", 1),
    machine("mid.lean", 12, 256, "MID", 4),
    machine("mid.thin", 20, 256, "MID", 4),
    machine("chip.plus", 16, 64, "NEURON-PLUS", 1),
    machine("slow.one", 16, 64, "SLOW", 1),
    machine("slow.two", 16, 64, "SLOW", 2),
    machine("fast.two", 64, 256, "FAST", 2),
    machine("fast.four", 64, 256, "FAST", 4),
    machine("early.large", 16, 64, "EARLY", 1),
    machine("arm.large", 16, 64, "NEW", 1, arch="arm64"),
    machine("prev.large", 16, 64, "NEW", 1, status="previous"),
    machine("gone.large", 16, 64, "NEW", 1, status="retired"),
    machine("mid.metal", 16, 64, "MID", 1),
    machine("elsewhere.large", 16, 64, "NEW", 1),
    machine("red.large", 16, 64, "RADEON", 1),
    machine("chip.large", 16, 64, "NEURON", 1),
    machine("blank.large", 16, 64, "NOMEMORY", 1),
    machine("v100.four", 64, 256, "V100-16GB", 4),
    machine("v100.two", 64, 256, "V100-16GB", 2),
    machine("cpu.large", 16, 64, None, 0),
    machine("n1-standard-8", 8, 30, None, 0, cloud="gcp", family="n1"),
    machine("n1-standard-16", 16, 60, None, 0, cloud="gcp", family="n1"),
    machine("g2-standard-12", 12, 48, "NEW", 1, cloud="gcp"),
    machine("Standard_NC8_MID", 8, 56, "MID", 1, cloud="azure", family="NC"),
    machine("Standard_NC16_MID", 16, 110, "MID", 1, cloud="azure", family="NC"),
    machine("Standard_NCC8_MID", 8, 56, "MID", 1, cloud="azure", family="NCC"),
)

PRICES = {
    "old.large": "2",
    "mid.small": "0.8",
    "mid.large": "1",
    "mid.huge": "4",
    "mid.four": "5",
    "midp.large": "0.9",
    "big.large": "3",
    "big.host": "6",
    "big.share": "1.6",
    "storage:gp3": "0.1",
    "storage:pd-standard": "0.04",
    "vcpu:n1": "0.05",
    "memory:n1": "0",
    "new.large": "0.7",
    "new.tiny": "0.2",
    "arm.large": "0.3",
    "new.twin": "0.75",
    "mid.thin": "4.5",
    "mid.lean": "4",
    "chip.plus": "0.1",
    "slow.one": "0.2",
    "slow.two": "0.3",
    "fast.two": "2.5",
    "fast.four": "3",
    "early.large": "0.3",
    "part.large": "0.3",
    "prev.large": "0.3",
    "gone.large": "0.3",
    "mid.metal": "0.4",
    "red.large": "0.3",
    "chip.large": "0.3",
    "blank.large": "0.3",
    "v100.four": "9",
    "v100.two": "0.9",
    "cpu.large": "0.1",
    "n1-standard-8": "0.4",
    "n1-standard-16": "0.8",
    "g2-standard-12": "1",
    "Standard_NC8_MID": "0.5",
    "Standard_NC16_MID": "1",
    "Standard_NCC8_MID": "0.4",
}

SPEEDS: Mapping[tuple[str, str], Performance] = {
    ("MID", "OLD"): Performance(1.5, "llm_training", "measured", "high", 1.4, 1.6),
    ("NEW", "OLD"): Performance(2.0, "llm_training", "measured", "high", 1.9, 2.1),
    ("BIG", "OLD"): Performance(4.0, "llm_training", "measured", "high", 3.9, 4.1),
    ("MID-PLUS", "MID"): Performance(0.9, "llm_training", "measured", "high", 0.8, 1.2),
    ("MID", "MID-PLUS"): Performance(1.11, "llm_training", "measured", "high", 0.9, 1.2),
    ("NEW", "MID"): Performance(1.3, "llm_training", "chained", "medium", 1.1, 1.5),
    ("BIG", "MID"): Performance(2.5, "llm_training", "measured", "high", 2.4, 2.6),
    ("MID", "BIG"): Performance(0.4, "llm_training", "measured", "high", 0.3, 0.5),
    ("NEW", "BIG"): Performance(0.5, "llm_training", "measured", "high", 0.4, 0.6),
    ("RADEON", "MID"): Performance(2.0, "llm_training", "measured", "high", 1.9, 2.1),
    ("NEURON", "MID"): Performance(2.0, "llm_training", "measured", "high", 1.9, 2.1),
    ("NOMEMORY", "MID"): Performance(2.0, "llm_training", "measured", "high", 1.9, 2.1),
    ("NEURON-PLUS", "NEURON"): Performance(2.0, "llm_training", "measured", "high", 1.9, 2.1),
    ("SLOW", "MID"): Performance(0.6, "llm_training", "measured", "high", 0.5, 0.7),
    ("SLOW", "NEW"): Performance(0.6, "llm_training", "measured", "high", 0.5, 0.7),
    ("FAST", "BIG"): Performance(2.0, "llm_training", "measured", "high", 1.9, 2.1),
    ("FAST", "MID"): Performance(4.0, "llm_training", "measured", "high", 3.9, 4.1),
    ("EARLY", "MID"): Performance(0.8, "llm_training", "measured", "high", 0.8, 0.8),
    ("NEW", "V100-16GB"): Performance(6.0, "llm_training", "measured", "high", 5.9, 6.1),
    ("MID", "V100-16GB"): Performance(4.0, "llm_training", "measured", "high", 3.9, 4.1),
    ("BIG", "V100-16GB"): Performance(9.0, "llm_training", "measured", "high", 8.9, 9.1),
}


@dataclass
class Facts:
    """The catalog of this file. `speeds` are the same in every class unless a class is given."""

    speeds: Mapping[tuple[str, str], Performance] = field(default_factory=lambda: SPEEDS)
    by_class: Mapping[str, Mapping[tuple[str, str], Performance]] = field(default_factory=dict)
    prices: Mapping[str, str] = field(default_factory=lambda: PRICES)
    spot: Mapping[str, str] = field(default_factory=dict)
    band: str | None = None
    region: str = "us-east-1"
    overlay: Overlay = field(default_factory=Overlay)

    def instance_type(self, cloud: str, sku: str) -> InstanceType | None:
        name = sku.rsplit("/", 1)[-1].lower()
        return next((m for m in MACHINES if (m.cloud, m.sku.lower()) == (cloud, name)), None)

    def accelerator(self, name: str) -> AcceleratorModel | None:
        wanted = {"nvidia-old": "OLD", "nvidia-old-vws": "OLD"}.get(name, name)
        return next((g for g in GPUS if g.model == wanted), None)

    def price(self, key: PriceKey) -> Price | Unpriced:
        rows = {"on_demand": self.prices, "spot": self.spot}.get(key.purchase_model, {})
        sku = key.sku if key.kind == "machine" else f"{key.kind}:{key.sku}"
        if key.region != self.region or sku not in rows or (key.kind == "machine" and key.os != "linux"):
            return Unpriced(key)
        return Price(key, "hour", Decimal(rows[sku]), "s", "2026-01-01")

    def offers(self, cloud: str, region: str) -> tuple[InstanceType, ...]:
        if region != self.region:
            return ()
        return tuple(
            m for m in MACHINES if m.cloud == cloud and m.gpu_model and (m.sku in self.prices or m.sku in self.spot)
        )

    def performance(self, model: str, other: str, workload: str) -> Performance | None:
        figure = self.by_class.get(workload, {} if self.by_class else self.speeds).get((model, other))
        return None if figure is None else replace(figure, workload=workload)

    def price_over_regions(self, key: PriceKey) -> tuple[Price, Price] | None:
        return None

    def discount_range(
        self,
        cloud: str,
        family: str | None,
        sku: str | None,
        purchase_model: str,
        term: str | None = None,
        region: str | None = None,
        os: str = "linux",
    ) -> DiscountRange | None:
        return None

    def looks_like_accelerator(self, cloud: str, sku: str) -> bool:
        return False

    def interruption(self, region: str, sku: str, os: str = "linux") -> str | None:
        return self.band


class Pricer:
    """The real engine on the prices of this file. Counts how often it is asked."""

    def __init__(self, facts: Facts) -> None:
        self.engine, self.calls = Engine(cast(Catalog, facts)), 0

    def __call__(self, usage: Usage) -> Priced:
        self.calls += 1
        return self.engine.price(usage)


HERE = "module.ml.aws_instance.node"


def one(
    sku: str = "mid.large",
    *,
    facts: Facts | None = None,
    workload: Workload | None = None,
    environment: str | None = None,
    cloud: str = "aws",
    region: str | None = "us-east-1",
    kind: str = "aws_instance",
    address: str = HERE,
    pools: tuple[PoolUsage, ...] | None = None,
    **fields: object,
) -> tuple[PricedResource, Pricer, Facts]:
    """A resource with one pool of one `sku` (or the given pools), priced by the engine of this file."""
    facts = facts or Facts()
    engine = Pricer(facts)
    machine_at = {"gcp": "machine_type", "azure": "size"}.get(cloud, "instance_type")
    pool = PoolUsage(
        options=(MachineOption(sku),), units=Units.fixed(1), machine_attribute=Attribute(address, machine_at)
    )
    usage = Usage(cloud, region, pools or (replace(pool, **fields),))
    priced = engine(usage)
    resource = Resource(
        project="acme",
        address=address,
        deposed=None,
        type=kind,
        provider="p",
        module="",
        environment=environment,
        action="create",
        importing=False,
        previous_address=None,
        via=(),
        location=None,
        tags={},
        workload=workload,
        before=None,
        after=priced.state,
    )
    engine.calls = 0
    return PricedResource(resource, None, priced), engine, facts


def found(sku: str = "mid.large", /, **how: object) -> tuple[Alternative, ...]:
    resource, engine, facts = one(sku, **how)  # type: ignore[arg-type] # the arguments of a table
    return alternatives(resource, facts, engine)


def skus(sku: str = "mid.large", /, **how: object) -> list[str]:
    return [alternative.to.sku for alternative in found(sku, **how)]


SPOT_HERE = Attribute(HERE, "instance_market_options.market_type")
ON_SPOT = Facts(spot={"mid.large": "0.4", "mid.small": "0.35", "new.large": "0.3"})


# What is proposed


def test_another_gpu_is_priced_by_the_engine_and_says_what_changes() -> None:
    """$1 → $0.70 an hour for 730 hours, the disk unchanged: $219 less."""
    first = found(workload="training", disks=(Disk("data", "gp3", Decimal(100)),))[0]
    assert (first.to.sku, first.monthly, first.saving) == ("new.large", Decimal("521.0"), Decimal("219.0"))
    assert first.saving_percent == 29.6
    assert first.performance is not None
    assert (first.performance.ratio, first.performance.workload, first.performance.basis) == (
        1.3,
        "diffusion_training",
        "chained",
    )
    assert first.memory_ratio == 2.0
    assert first.title == "new.large: 1 × NEW, 1.3× the speed in diffusion training (chained), 2× the GPU memory"
    assert "needs CUDA 12.8 or later (Blackwell)" in first.conditions
    assert first.risk == "low"
    assert [(edit.address, edit.path, edit.from_, edit.to) for edit in first.edits] == [
        (HERE, "instance_type", "mid.large", "new.large")
    ]


def test_the_same_gpu_with_fewer_vcpus_is_proposed_with_the_host_said() -> None:
    second = found(workload="graphics")
    assert [(a.to.sku, a.performance, a.memory_ratio, a.risk) for a in second] == [("mid.small", None, 1.0, "low")]
    assert second[0].conditions == (
        "8 vCPUs instead of 16 and 32 GiB RAM instead of 64: check what the host side of the work needs",
    )


def test_a_quarter_of_the_host_is_proposed_only_where_the_gpu_is_still_served() -> None:
    """64 vCPUs → 16 for one 24 GB GPU is fine; → 8 is not, though cheaper."""
    assert skus("mid.huge", workload="graphics") == ["mid.large"]


def test_a_smaller_saving_that_fits_better_comes_before_a_larger_one() -> None:
    """$0.30 × 0.9 is more than $0.40 × 0.6."""
    facts = Facts(
        prices={"mid.large": "1", "new.large": "0.7", "midp.large": "0.6"},
        speeds={
            ("NEW", "MID"): Performance(1.3, "", "measured", "high"),
            ("MID-PLUS", "MID"): Performance(1.3, "", "datasheet", "low"),
        },
    )
    proposed = found(facts=facts, workload="training")
    assert [(a.to.sku, a.risk) for a in proposed] == [("new.large", "low"), ("midp.large", "medium")]
    assert proposed[0].saving < proposed[1].saving


def test_a_card_without_bfloat16_is_a_risk() -> None:
    facts = Facts(
        prices={"mid.large": "1", "early.large": "0.5"},
        speeds={("EARLY", "MID"): Performance(1.3, "", "measured", "high")},
    )
    [early] = found(facts=facts, workload="training")
    assert early.risk == "medium"
    assert "Volta has no bfloat16: the work must run in FP16 or FP32" in early.conditions


def test_less_ram_than_gpu_memory_is_a_risk() -> None:
    facts = Facts(prices={"ram.large": "1", "ram.small": "0.5"})
    [small] = found("ram.large", facts=facts, workload="graphics")
    assert small.risk == "medium"
    assert "16 GiB RAM instead of 32, less than the 24 GiB of GPU memory now" in small.conditions[0]


@pytest.mark.parametrize(
    ("most", "risk"),
    [
        pytest.param(1, "low", id="one machine"),
        pytest.param(2, "medium", id="several machines, which the network joins"),
        pytest.param(None, "medium", id="nobody knows how many machines"),
    ],
)
def test_another_series_of_whole_nodes_is_a_risk_for(most: int | None, risk: str) -> None:
    facts = Facts(prices={"eight.node": "10", "cheap.node": "8"})
    units = Units(Decimal(1), Decimal(1), None if most is None else Decimal(most))
    [only] = found("eight.node", facts=facts, workload="training", units=units)
    assert (only.to.sku, only.risk) == ("cheap.node", risk)


def test_the_best_product_of_saving_and_fitness_comes_first() -> None:
    assert skus(workload="training") == ["new.large", "mid.small", "midp.large"]


def test_a_card_that_beats_its_twin_on_paper_is_not_believed_slower() -> None:
    """0.9 was measured, but the twin has more of everything: taken as equal."""
    twin = next(a for a in found(workload="training") if a.to.sku == "midp.large")
    assert twin.performance is not None
    assert twin.performance.ratio == 1.0
    assert "the same speed in" in twin.title


def test_a_card_that_its_twin_beats_is_not_believed_faster() -> None:
    """1.11 was measured, though the twin has more of everything: taken as equal, and as such it may be proposed."""
    cheap = Facts(prices={"midp.large": "1", "mid.large": "0.9"})
    [twin] = found("midp.large", facts=cheap, workload="training")
    assert twin.performance is not None
    assert (twin.to.sku, twin.performance.ratio) == ("mid.large", 1.0)


def test_fewer_and_larger_gpus_are_proposed_with_the_repacking_said() -> None:
    """4 × V100 → 1 × BIG: 9/4 of the speed, 80 GB for 64."""
    [only] = found("v100.four", facts=Facts(prices={"v100.four": "9", "big.host": "3"}), workload="training")
    assert only.performance is not None
    assert (only.performance.ratio, only.memory_ratio, only.risk) == (2.25, 1.25, "medium")
    assert any(said.startswith("1 GPU instead of 4:") for said in only.conditions)


def test_pods_are_named_where_a_node_group_gets_fewer_gpus() -> None:
    cheap = Facts(prices={"v100.four": "9", "big.host": "3"})
    [only] = found("v100.four", facts=cheap, workload="training", kind="aws_eks_node_group")
    assert any("pods that ask for whole GPUs" in said for said in only.conditions)


def test_the_unknown_workload_takes_the_worst_ratio_over_training_and_inference() -> None:
    both = {("NEW", "MID"): Performance(3.0, "", "measured", "high")}
    worst = {("NEW", "MID"): Performance(1.2, "", "measured", "high")}
    facts = Facts(by_class={"llm_training": both, "llm_inference": worst, "vision_inference": both})
    new = next(a for a in found(facts=facts) if a.to.sku == "new.large")
    assert new.performance is not None
    assert (new.performance.ratio, new.performance.workload) == (1.2, "llm_inference")


def test_a_measured_class_is_believed_before_a_data_sheet() -> None:
    sheet = {("NEW", "MID"): Performance(0.7, "", "datasheet", "low")}
    facts = Facts(
        by_class={"llm_training": {("NEW", "MID"): Performance(1.4, "", "measured", "high")}, "vision_training": sheet}
    )
    new = next(a for a in found(facts=facts, workload="training") if a.to.sku == "new.large")
    assert new.performance is not None
    assert (new.performance.ratio, new.performance.basis) == (1.4, "measured")


def test_a_data_sheet_alone_is_marked_and_carries_a_risk() -> None:
    facts = Facts(speeds={("NEW", "MID"): Performance(1.4, "", "datasheet", "low")})
    new = next(a for a in found(facts=facts, workload="training") if a.to.sku == "new.large")
    assert new.performance is not None
    assert (new.performance.basis, new.risk) == ("datasheet", "medium")
    assert any(said.startswith("speed from data sheets only") for said in new.conditions)


def test_a_wide_spread_of_benchmarks_is_said_and_carries_a_risk() -> None:
    facts = Facts(speeds={("NEW", "MID"): Performance(1.4, "", "measured", "high", 0.6, 2.1)})
    new = next(a for a in found(facts=facts, workload="training") if a.to.sku == "new.large")
    assert new.risk == "medium"
    assert "benchmarks range from 0.6× to 2.1×: measure your own work" in new.conditions


def test_a_group_that_scales_from_zero_is_judged_at_its_maximum() -> None:
    """Nothing runs, so nothing is saved now: $0 is never shown as a saving."""
    units = Units(Decimal(0), Decimal(0), Decimal(4))
    asleep = found(workload="training", units=units, hours_per_month=Decimal(100))
    new = next(a for a in asleep if a.to.sku == "new.large")
    assert (new.monthly, new.saving, new.to.units, new.to.hours_per_month) == (
        Decimal("2044.0"),
        Decimal("876.0"),
        4,
        730,
    )
    assert new.conditions[0] == "nothing runs at the expected size: figures are for the maximum of 4"


def test_what_does_not_run_now_is_no_potential_saving() -> None:
    asleep = one(workload="training", units=Units(Decimal(0), Decimal(0), Decimal(4)))
    awake = one(workload="training", units=Units(Decimal(0), Decimal(2), Decimal(4)))
    sums = [potential_monthly_saving(r.resource, alternatives(r, f, e)) for r, e, f in (asleep, awake)]
    assert sums == [Decimal(0), Decimal("438.0")]


def test_only_risks_none_and_low_count_as_potential_saving() -> None:
    resource, engine, facts = one(facts=ON_SPOT, workload="training", purchase_attribute=SPOT_HERE)
    proposed = alternatives(resource, facts, engine)
    assert max(proposed, key=lambda a: a.saving).to.purchase_model == "spot"
    assert potential_monthly_saving(resource.resource, proposed) == Decimal("219.0")


def test_one_edit_that_changes_two_pools_is_priced_for_both() -> None:
    """A mixed group: one on demand, three on spot, one machine type. 1 + 3 × 0.4 → 0.7 + 3 × 0.3 an hour."""
    where = Attribute(HERE, "instance_type")
    pools = (
        PoolUsage((MachineOption("mid.large"),), Units.fixed(1), machine_attribute=where),
        PoolUsage((MachineOption("mid.large"),), Units.fixed(3), purchase_model="spot", machine_attribute=where),
    )
    proposed = [a for a in found(facts=ON_SPOT, workload="training", pools=pools) if a.to.sku == "new.large"]
    assert [(a.saving, a.to.units) for a in proposed] == [(Decimal("438.0"), 4)]
    assert "one edit changes all 2 pools that share it; figures are for all of them" in proposed[0].conditions


@pytest.mark.parametrize(
    "how",
    [
        pytest.param({"covered_by": "aws_ec2_capacity_reservation.x"}, id="runs inside a reservation"),
        pytest.param({"role": "demand"}, id="only asks for GPUs"),
        pytest.param({"purchase_model": "reserved"}, id="is reserved"),
        pytest.param({"options": (MachineOption("mid.huge"),)}, id="has another machine type"),
    ],
)
def test_a_machine_type_stays_where_a_pool_that_shares_it(how: dict[str, Any]) -> None:
    where = Attribute(HERE, "instance_type")
    paid = PoolUsage((MachineOption("mid.large"),), Units.fixed(1), machine_attribute=where)
    proposed = found(facts=ON_SPOT, workload="training", pools=(paid, replace(paid, **how)))
    assert [a for a in proposed if a.kind == "instance_type"] == []


def test_a_spot_pool_is_not_sent_to_what_has_no_on_demand_price() -> None:
    facts = Facts(prices={"mid.large": "1"}, spot={"mid.large": "0.4", "new.large": "0.1"})
    assert found(facts=facts, workload="training", purchase_model="spot") == ()


def test_pools_with_machine_types_of_their_own_are_handled_apart() -> None:
    pools = (
        PoolUsage((MachineOption("mid.large"),), Units.fixed(1), machine_attribute=Attribute(HERE, "a")),
        PoolUsage((MachineOption("old.large"),), Units.fixed(1), machine_attribute=Attribute(HERE, "b")),
    )
    proposed = [(a.pool, a.edits[0].path) for a in found(workload="training", pools=pools)]
    assert set(proposed) == {("mid.large", "a"), ("old.large", "b")}


def test_an_edit_in_a_template_says_where_it_is() -> None:
    template = Attribute("module.ml.aws_launch_template.gpu", "instance_type")
    new = next(a for a in found(workload="training", machine_attribute=template) if a.to.sku == "new.large")
    assert new.edits[0].address == "module.ml.aws_launch_template.gpu"
    assert "the edit is in module.ml.aws_launch_template.gpu: everything that uses it changes" in new.conditions


def test_an_attached_gpu_goes_away_with_the_machine_it_was_attached_to() -> None:
    """8 × $0.05 and a GPU at $2, less 30 % sustained use: $1,226.40; g2 with its own GPU at $1: $730.

    The block that attached the old one is removed.
    """
    facts = Facts(prices={**PRICES, "accelerator:OLD": "2"})
    proposed = found(
        "n1-standard-8",
        facts=facts,
        workload="training",
        cloud="gcp",
        accelerators=(AttachedAccelerator("nvidia-old", Decimal(1)),),
    )
    assert [(a.to.sku, a.saving) for a in proposed] == [("g2-standard-12", Decimal("496.40"))]
    assert [(e.path, e.from_, e.to) for e in proposed[0].edits] == [
        ("machine_type", "n1-standard-8", "g2-standard-12"),
        ("guest_accelerator", "nvidia-old", ""),
    ]


def test_an_attached_gpu_stays_on_a_smaller_machine_of_the_same_series() -> None:
    """8 vCPUs at $0.05 fewer, of which 70 % are paid after sustained use."""
    facts = Facts(prices={**PRICES, "accelerator:OLD": "2"})
    proposed = found(
        "n1-standard-16",
        facts=facts,
        workload="graphics",
        cloud="gcp",
        accelerators=(AttachedAccelerator("nvidia-old", Decimal(1)),),
    )
    assert [(a.to.sku, len(a.edits), a.saving) for a in proposed] == [("n1-standard-8", 1, Decimal("204.40"))]


def test_azure_names_are_taken_in_any_letter_case() -> None:
    assert skus("STANDARD_nc16_mid", workload="graphics", cloud="azure") == ["Standard_NC8_MID"]


# Spot


@pytest.mark.parametrize(
    ("workload", "environment", "band", "risk"),
    [
        pytest.param("training", "prod", "<5%", "medium", id="training in production"),
        pytest.param("training", None, ">20%", "high", id="training on machines that are often taken back"),
        pytest.param("batch", "prod", None, "medium", id="batch with no band known"),
        pytest.param("development", "dev", "15-20%", "high", id="development in a high band"),
        pytest.param("inference", "staging", "5-10%", "medium", id="inference outside production"),
        pytest.param("inference", "dev2", "5-10%", "medium", id="inference in a numbered development environment"),
        pytest.param(None, None, "10-15%", "medium", id="unknown work in an unknown environment"),
        pytest.param(None, "production", "<5%", "high", id="unknown work in production"),
        pytest.param("batch", None, "50%", "high", id="a band nobody has heard of"),
    ],
)
def test_spot_is_proposed_with_the_risk_of(
    workload: Workload | None, environment: str | None, band: str | None, risk: str
) -> None:
    facts = fake(ON_SPOT, band=band)
    how = {"facts": facts, "workload": workload, "environment": environment, "purchase_attribute": SPOT_HERE}
    spot = next(a for a in found(**how) if a.kind == "purchase_model")
    assert (spot.risk, spot.saving, spot.to.sku) == (risk, Decimal("438.0"), "mid.large")
    assert [(e.path, e.to) for e in spot.edits] == [("instance_market_options.market_type", "spot")]
    assert spot.conditions


@pytest.mark.parametrize(
    "how",
    [
        pytest.param({"workload": "inference", "environment": "prod"}, id="production inference"),
        pytest.param({"workload": "inference", "environment": None}, id="inference in an unknown environment"),
        pytest.param({"workload": "inference", "environment": "preproduction"}, id="inference before production"),
        pytest.param({"workload": "graphics", "environment": "dev"}, id="graphics"),
        pytest.param({"purchase_model": "spot"}, id="what is spot already"),
        pytest.param({"purchase_model": "capacity_block"}, id="a capacity block"),
        pytest.param({"purchase_model": "reserved"}, id="what is reserved"),
        pytest.param({"covered_by": "aws_ec2_capacity_reservation.x"}, id="what runs inside a reservation"),
        pytest.param({"role": "demand"}, id="a workload that only asks for GPUs"),
        pytest.param({"purchase_attribute": None}, id="a type that cannot be bought on spot"),
        pytest.param({"purchase_attribute": Attribute("aws_ec2_fleet.x", "odd")}, id="an attribute nobody knows"),
        pytest.param({"facts": Facts()}, id="a machine without a spot price here"),
        pytest.param({"facts": Facts(spot={"mid.large": "1"})}, id="a spot price that is no lower"),
        pytest.param({"facts": Facts(spot={"mid.large": "0.995"})}, id="a saving under one percent"),
        pytest.param({"sensitive": True}, id="a machine type that must not be shown"),
        pytest.param({"spot_max_price": Decimal("0.1")}, id="a maximum price that may be under the market"),
    ],
)
def test_spot_is_never_proposed_for(how: dict[str, object]) -> None:
    proposed = found(**{"facts": ON_SPOT, "workload": "training", "purchase_attribute": SPOT_HERE, **how})
    assert [a for a in proposed if a.kind == "purchase_model"] == []


def test_spot_comes_after_all_others_while_the_workload_is_unknown() -> None:
    facts = fake(ON_SPOT, spot={"mid.large": "0.01"})
    proposed = found(facts=facts, purchase_attribute=SPOT_HERE)
    assert [a.kind for a in proposed[:-1]] == ["instance_type"] * (len(proposed) - 1)
    assert len(proposed) > 1
    assert proposed[-1].kind == "purchase_model"
    assert proposed[-1].saving > proposed[0].saving
    assert proposed[-1].conditions[0].startswith("workload unknown")


def test_spot_for_training_names_checkpoints_and_the_notice_the_cloud_gives() -> None:
    proposed = found(facts=fake(ON_SPOT, band="5-10%"), workload="training", purchase_attribute=SPOT_HERE)
    spot = next(a for a in proposed if a.kind == "purchase_model")
    assert spot.conditions[:2] == (
        "needs checkpoints: the cloud may take a machine back at 2 minutes' notice",
        "AWS Spot Advisor: 5-10% of these machines interrupted in a month",
    )


@pytest.mark.parametrize(
    ("address", "path", "edits"),
    [
        pytest.param(
            "google_container_node_pool.p",
            "node_config[0].spot",
            [("node_config[0].spot", "true")],
            id="a GKE node pool, with the index of its block",
        ),
        pytest.param(
            'module.x["a.b"].google_container_cluster.c',
            "node_pool.0.node_config.0.spot",
            [("node_pool.0.node_config.0.spot", "true")],
            id="a pool inside a GKE cluster, in a module with dots in its key",
        ),
        pytest.param(
            "google_compute_instance.vm",
            "scheduling.provisioning_model",
            [
                ("scheduling.provisioning_model", "SPOT"),
                ("scheduling.preemptible", "true"),
                ("scheduling.automatic_restart", "false"),
            ],
            id="a Compute Engine machine, with what SPOT demands beside it",
        ),
        pytest.param(
            'azurerm_kubernetes_cluster_node_pool.gpu["a"]',
            "priority",
            [("priority", "Spot"), ("eviction_policy", "Delete")],
            id="an AKS node pool",
        ),
        pytest.param("aws_eks_node_group.gpu", "capacity_type", [("capacity_type", "SPOT")], id="an EKS node group"),
        pytest.param(
            "aws_autoscaling_group.gpu",
            "mixed_instances_policy[0].instances_distribution[0].on_demand_percentage_above_base_capacity",
            [
                ("mixed_instances_policy[0].instances_distribution[0].on_demand_base_capacity", "0"),
                ("mixed_instances_policy[0].instances_distribution[0].on_demand_percentage_above_base_capacity", "0"),
            ],
            id="a mixed autoscaling group",
        ),
    ],
)
def test_the_spot_edit_is_complete_for(address: str, path: str, edits: list[tuple[str, str]]) -> None:
    proposed = found(facts=ON_SPOT, workload="batch", purchase_attribute=Attribute(address, path))
    spot = next(a for a in proposed if a.kind == "purchase_model")
    assert [(e.path, e.to) for e in spot.edits] == edits
    assert {e.address for e in spot.edits} == {address}


def test_several_machine_types_on_spot_are_judged_at_the_dearest() -> None:
    """$1 on demand now; on spot it may be either, so $0.40 counts and not $0.30."""
    both = (MachineOption("mid.large"), MachineOption("new.large"))
    [spot] = found(facts=ON_SPOT, workload="batch", purchase_attribute=SPOT_HERE, options=both)
    assert (spot.to.sku, spot.saving, spot.title) == (
        "mid.large",
        Decimal("438.00"),
        "spot in us-east-1, same machine types",
    )


def test_several_machine_types_need_a_spot_price_each() -> None:
    both = (MachineOption("mid.large"), MachineOption("big.large"))
    assert found(facts=ON_SPOT, workload="batch", purchase_attribute=SPOT_HERE, options=both) == ()


def test_only_the_pool_on_demand_of_a_mixed_group_moves_to_spot() -> None:
    pools = (
        PoolUsage((MachineOption("mid.large"),), Units.fixed(2), purchase_attribute=SPOT_HERE),
        PoolUsage((MachineOption("mid.large"),), Units.fixed(3), purchase_model="spot", purchase_attribute=SPOT_HERE),
    )
    spot = [a for a in found(facts=ON_SPOT, workload="batch", pools=pools) if a.kind == "purchase_model"]
    assert [(a.saving, a.to.units) for a in spot] == [(Decimal("876.00"), 2)]


# What is never proposed


@pytest.mark.parametrize(
    ("sku", "unwanted"),
    [
        pytest.param("mid.large", "arm.large", id="another CPU architecture"),
        pytest.param("mid.large", "prev.large", id="a previous generation"),
        pytest.param("mid.large", "gone.large", id="a retired type"),
        pytest.param("mid.large", "mid.metal", id="bare metal for a virtual machine"),
        pytest.param("mid.large", "elsewhere.large", id="a type with no price in the region"),
        pytest.param("mid.large", "part.large", id="a share of a GPU that nobody published"),
        pytest.param("mid.large", "red.large", id="another vendor"),
        pytest.param("mid.large", "chip.large", id="another kind of accelerator"),
        pytest.param("mid.large", "blank.large", id="a GPU whose memory nobody knows"),
        pytest.param("mid.large", "new.tiny", id="far fewer vCPUs"),
        pytest.param("mid.large", "old.large", id="less GPU memory"),
        pytest.param("mid.large", "big.large", id="something dearer"),
        pytest.param("mid.large", "mid.large", id="itself"),
        pytest.param("big.large", "new.large", id="less memory and speed"),
        pytest.param("mid.large", "new.twin", id="a dearer machine with the same other GPU"),
        pytest.param("chip.large", "chip.plus", id="another model of what only its vendor makes"),
        pytest.param("mid.thin", "mid.lean", id="fewer than four vCPUs for each GPU"),
        pytest.param("mid.large", "slow.one", id="a slower GPU"),
        pytest.param("new.large", "slow.two", id="two slower GPUs for one"),
        pytest.param("mid.large", "early.large", id="a GPU of another architecture that is slower but not on paper"),
        pytest.param("big.host", "fast.four", id="less memory on each GPU"),
        pytest.param("mid.four", "fast.two", id="less memory on fewer GPUs"),
        pytest.param("v100.four", "v100.two", id="fewer of the same GPU"),
        pytest.param("v100.four", "mid.four", id="cards without NVLink for training on several"),
    ],
)
def test_never_proposed(sku: str, unwanted: str) -> None:
    assert unwanted not in skus(sku, workload="training", facts=ON_SPOT, purchase_attribute=SPOT_HERE) or (
        sku == unwanted
        and all(a.to.purchase_model == "spot" for a in found(sku, workload="training") if a.to.sku == sku)
    )


@pytest.mark.parametrize(
    "how",
    [
        pytest.param({"region": None}, id="no region is known"),
        pytest.param({"region": "mars-1"}, id="the region has no prices"),
        pytest.param({"options": (), "unknown": Unknown("after apply")}, id="only apply can tell the machine"),
        pytest.param({"units": Units(None, None, None)}, id="only apply can tell the size"),
        pytest.param({"units": Units(Decimal(0), None, Decimal(4))}, id="the expected size is not known"),
        pytest.param({"units": Units(Decimal(0), Decimal(0), None)}, id="nothing runs and nothing bounds it"),
        pytest.param({"units": Units.fixed(0)}, id="nothing ever runs"),
        pytest.param({"sku": "cpu.large"}, id="the machine has no GPU"),
        pytest.param({"sku": "nobody.knows"}, id="the machine is not in the catalog"),
        pytest.param({"sku": "chip.large"}, id="there is no other machine with this accelerator"),
        pytest.param({"sku": "blank.large"}, id="the GPU's memory is not known"),
        pytest.param({"covered_by": "aws_ec2_capacity_reservation.x"}, id="it runs inside a reservation"),
        pytest.param({"role": "demand"}, id="it only asks for GPUs"),
        pytest.param({"purchase_model": "reserved"}, id="it is reserved"),
        pytest.param({"purchase_model": "capacity_reservation"}, id="it is a capacity reservation"),
        pytest.param({"sensitive": True}, id="the machine type must not be shown"),
        pytest.param(
            {"options": (MachineOption("mid.large"), MachineOption("old.large"))}, id="several machine types are given"
        ),
        pytest.param({"facts": Facts(speeds={}), "sku": "old.large"}, id="no speed is known"),
        pytest.param({"workload": "graphics", "sku": "old.large"}, id="graphics, where no speed was measured"),
    ],
)
def test_nothing_is_proposed_where(how: dict[str, object]) -> None:
    sku = str(how.pop("sku", "mid.large"))
    assert found(sku, **{"workload": "training", **how}) == ()


def test_a_maximum_spot_price_keeps_the_machine() -> None:
    """The cap would hide what the other machine costs."""
    capped = {"purchase_model": "spot", "spot_max_price": Decimal("0.4"), "facts": ON_SPOT, "workload": "training"}
    assert found(**capped) == ()


def test_a_spot_pool_is_compared_with_spot_prices() -> None:
    """$0.40 → $0.30 and $0.35 an hour; what has no spot price is not proposed."""
    proposed = found(facts=ON_SPOT, workload="training", purchase_model="spot")
    assert [(a.to.sku, a.to.purchase_model, a.saving, a.risk) for a in proposed] == [
        ("new.large", "spot", Decimal("73.0"), "medium"),
        ("mid.small", "spot", Decimal("36.50"), "medium"),
    ]
    assert all(a.conditions[-1] == "spot prices and capacity change; neither is guaranteed" for a in proposed)


def test_a_virtual_workstation_keeps_its_gpu() -> None:
    facts = Facts(prices={**PRICES, "accelerator:OLD": "2"})
    attached = (AttachedAccelerator("nvidia-old-vws", Decimal(1)),)
    assert skus("n1-standard-8", facts=facts, workload="training", cloud="gcp", accelerators=attached) == []


@pytest.mark.parametrize(
    "disk",
    [
        pytest.param(Disk("boot", "pd-standard", Decimal(50)), id="a disk type the series does not take"),
        pytest.param(Disk("local_ssd", "local-ssd", Decimal(375)), id="a local SSD"),
    ],
)
def test_a_gcp_machine_is_not_proposed_where_the_disks_cannot_go_along(disk: Disk) -> None:
    facts = Facts(prices={**PRICES, "accelerator:OLD": "2"})
    attached = (AttachedAccelerator("nvidia-old", Decimal(1)),)
    how = {"facts": facts, "workload": "training", "cloud": "gcp", "accelerators": attached, "disks": (disk,)}
    assert skus("n1-standard-8", **how) == []


def test_a_missing_price_is_never_a_saving() -> None:
    """The licence of the Windows machine has a row, that of the cheaper one has none: nothing is saved by not knowing."""
    facts = Facts(prices={"mid.large": "1", "mid.small": "0.8", "license:mid.large": "0.5"})
    assert found(facts=facts, workload="graphics", os="windows") == ()
    known = Facts(prices={**facts.prices, "license:mid.small": "0.5"})
    assert [a.saving for a in found(facts=known, workload="graphics", os="windows")] == [Decimal("146.00")]


def test_a_deleted_resource_has_no_alternatives() -> None:
    resource, engine, facts = one(workload="training")
    assert alternatives(replace(resource, after=None), facts, engine) == ()


# Many resources


def test_equal_resources_are_priced_once() -> None:
    resource, engine, facts = one(facts=ON_SPOT, workload="training", purchase_attribute=SPOT_HERE)
    advisor = Advisor(facts, engine)
    first = advisor.alternatives(resource)
    asked = engine.calls
    for number in range(50):
        address = f"aws_instance.node[{number}]"
        other, _, _ = one(
            facts=facts,
            workload="training",
            address=address,
            purchase_attribute=Attribute(address, "instance_market_options.market_type"),
        )
        proposed = advisor.alternatives(other)
        assert [(a.saving, a.title) for a in proposed] == [(a.saving, a.title) for a in first]
        assert {edit.address for a in proposed for edit in a.edits} == {address}
    assert engine.calls == asked


@pytest.mark.parametrize(
    "how",
    [
        pytest.param({"workload": "inference"}, id="another workload"),
        pytest.param({"environment": "dev"}, id="another environment"),
        pytest.param({"hours_per_month": Decimal(100)}, id="other hours"),
        pytest.param({"units": Units.fixed(2)}, id="another size"),
        pytest.param({"purchase_attribute": None}, id="no way to buy it on spot"),
    ],
)
def test_resources_that_differ_are_judged_apart(how: dict[str, object]) -> None:
    base = {"facts": ON_SPOT, "workload": "training", "purchase_attribute": SPOT_HERE}
    resource, engine, facts = one(**base)  # type: ignore[arg-type] # the arguments of a table
    advisor = Advisor(facts, engine)
    advisor.alternatives(resource)
    asked = engine.calls
    advisor.alternatives(one(**{**base, **how})[0])  # type: ignore[arg-type] # the arguments of a table
    assert engine.calls > asked


@pytest.mark.parametrize(
    ("count", "proposes"), [pytest.param(20, True, id="20 pools"), pytest.param(61, False, id="61 pools")]
)
def test_a_resource_of_more_pools_than_a_cluster_has_gets_no_alternatives(count: int, proposes: bool) -> None:
    """Each pool is weighed with all the others: what is made up of thousands would take minutes."""
    pools = tuple(
        PoolUsage(
            options=(MachineOption("mid.large"),),
            units=Units.fixed(1),
            machine_attribute=Attribute(HERE, f"pool.{index}.type"),
        )
        for index in range(count)
    )
    resource, engine, facts = one(pools=pools)
    assert bool(alternatives(resource, facts, engine)) is proposes
    assert bool(engine.calls) is proposes
