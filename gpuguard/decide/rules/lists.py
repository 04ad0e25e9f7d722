"""What may be used: GPU models, machine types, regions, purchase models."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal

from pydantic import Field, model_validator  # noqa: TID253 - rules are imported by the first pack that is loaded

from gpuguard.decide.each import Look, Seen, Size, judge_each, offence_names
from gpuguard.decide.patterns import gpu_matches, listing, matches, region_matches
from gpuguard.decide.rule import Finding, Pattern, RegionPattern, Settings, rule
from gpuguard.decide.view import Change, machine_type, supply, units
from gpuguard.model.hidden import SENSITIVE
from gpuguard.model.report import Pool, Resource, State
from gpuguard.model.usage import PurchaseModel

_UNBOUNDED = Decimal("Infinity")
_ALLOW = "What may be used; anything else may not."
_DENY = "What may not be used, even if `allow` has it."


class ListSettings(Settings):
    """Settings of a rule that allows or denies names; it needs at least one of the two lists."""

    @model_validator(mode="after")
    def _has_a_list(self) -> "ListSettings":
        if not (getattr(self, "allow", ()) or getattr(self, "deny", ())):
            raise ValueError("needs `allow` or `deny` with at least one name")
        return self


class AllowedGpus(ListSettings):
    """Options of the `allowed-gpus` rule."""

    allow: tuple[Pattern, ...] = Field(default=(), description=f"{_ALLOW} GPU models such as `A10G`, `L4`, `A100*`.")
    deny: tuple[Pattern, ...] = Field(default=(), description=_DENY)


class AllowedSkus(ListSettings):
    """Options of the `allowed-skus` rule."""

    allow: tuple[Pattern, ...] = Field(default=(), description=f"{_ALLOW} Machine types such as `g5.*`.")
    deny: tuple[Pattern, ...] = Field(default=(), description=_DENY)


class AllowedRegions(ListSettings):
    """Options of the `allowed-regions` rule."""

    allow: tuple[RegionPattern, ...] = Field(
        default=(), description=f"{_ALLOW} Regions such as `eu-*` in any cloud, or `aws:us-*` in one."
    )
    deny: tuple[RegionPattern, ...] = Field(default=(), description=_DENY)


class AllowedPurchaseModels(ListSettings):
    """Options of the `allowed-purchase-models` rule."""

    allow: tuple[PurchaseModel, ...] = Field(default=(), description=_ALLOW)
    deny: tuple[PurchaseModel, ...] = Field(default=(), description=_DENY)


@rule(
    "allowed-gpus",
    settings=AllowedGpus,
    remedy="Take an allowed GPU model, or have the list changed.",
    example="rule: allowed-gpus\nallow: [T4, L4, A10G, A100*]",
)
def allowed_gpus(change: Change, options: AllowedGpus) -> Iterator[Finding]:
    """Fail a resource that brings a GPU model which is not allowed, or more of it.

    Names are those of the report (`A100-40GB`, `H100-80GB`, `L4`, `TPU-v5e` …), in any case, with `*` and `?`; the
    memory size may be left out. A machine that may carry an unknown GPU is undecided.
    """

    def offences(_: State, pool: Pool) -> tuple[str, ...] | None:
        if pool.gpu is None:
            return None
        return _refused(options.allow, options.deny, [pool.gpu.model], gpu_matches)

    yield from _listed(change, options, offences, "GPU model", "the GPU model is not known")


@rule(
    "allowed-skus",
    settings=AllowedSkus,
    remedy="Take an allowed machine type, or have the list changed.",
    example="rule: allowed-skus\ndeny: [p4d.*, p5*.*]",
)
def allowed_skus(change: Change, options: AllowedSkus) -> Iterator[Finding]:
    """Fail a resource that brings a machine type which is not allowed, or more of it.

    Names are the cloud's own (`g5.xlarge`, `a2-highgpu-1g`, `Standard_NC24ads_A100_v4`), in any case, with `*` and
    `?`. Every type that a mixed group may start is judged. A type that only apply can tell is undecided.
    """

    def offences(_: State, pool: Pool) -> tuple[str, ...] | None:
        types = [pool.sku, *pool.candidates]
        told = [name for name in dict.fromkeys(types) if name is not None and name != SENSITIVE]
        refused = _refused(options.allow, options.deny, told, matches)
        return None if machine_type(pool) is None and not refused else refused

    yield from _listed(change, options, offences, "machine type", "the machine type is not known")


@rule(
    "allowed-regions",
    settings=AllowedRegions,
    remedy="Move it to an allowed region, or have the list changed.",
    example='rule: allowed-regions\nallow: ["aws:us-*", "gcp:us-*", "azure:eastus*"]',
)
def allowed_regions(change: Change, options: AllowedRegions) -> Iterator[Finding]:
    """Fail a resource that brings GPUs to a region which is not allowed, or more of them.

    Names are the cloud's own, in any case, with `*` and `?`; `aws:`, `gcp:` or `azure:` before them binds them to one
    cloud. With `allow`, a region of a cloud that no entry names is not allowed. An unknown region is undecided.
    """

    def offences(state: State, _: Pool) -> tuple[str, ...] | None:
        if state.region in (None, SENSITIVE):
            return None
        return tuple(
            f"{state.cloud}:{region}"
            for region in _refused(
                options.allow,
                options.deny,
                [state.region],
                lambda pattern, name: region_matches(pattern, state.cloud, name),
            )
        )

    yield from _listed(change, options, offences, "region", "the region is not known")


@rule(
    "allowed-purchase-models",
    settings=AllowedPurchaseModels,
    remedy="Buy it in an allowed way, or have the list changed.",
    example="rule: allowed-purchase-models\ndeny: [on_demand]",
)
def allowed_purchase_models(change: Change, options: AllowedPurchaseModels) -> Iterator[Finding]:
    """Fail a resource that brings GPUs bought in a way which is not allowed, or more of them.

    The ways are those of the report: `on_demand`, `spot`, `reserved`, `savings_plan`, `committed_use`,
    `capacity_block`, `flex_start` and `capacity_reservation`.
    """

    def offences(_: State, pool: Pool) -> tuple[str, ...] | None:
        return _refused(options.allow, options.deny, [pool.purchase_model], matches)

    yield from _listed(change, options, offences, "purchase model", "the purchase model is not known")


def _refused(
    allow: Sequence[str], deny: Sequence[str], names_: Sequence[str], match: Callable[[str, str], bool]
) -> tuple[str, ...]:
    return tuple(
        name
        for name in names_
        if any(match(pattern, name) for pattern in deny)
        or (allow and not any(match(pattern, name) for pattern in allow))
    )


def _listed(
    change: Change,
    options: AllowedGpus | AllowedSkus | AllowedRegions | AllowedPurchaseModels,
    offences: Callable[[State, Pool], tuple[str, ...] | None],
    noun: str,
    unsure: str,
) -> Iterator[Finding]:
    def look(_: Resource, state: State) -> Look:
        found: dict[str, Size] = {}
        unknown = None
        for pool in supply(state):
            refused = offences(state, pool)
            if refused is None:
                unknown = unsure
            for name in refused or ():
                found[name] = _more(found, name, pool)
        return Look(found, unknown)

    def message(seen: Sequence[Seen]) -> tuple[str, str]:
        offending = offence_names(seen)
        return f"{noun} {offending} is not allowed", offending

    limit = "; ".join(
        f"{word} {listing(patterns)}"
        for word, patterns in (("allowed:", options.allow), ("denied:", options.deny))
        if patterns
    )
    yield from judge_each(change, options, look, message, passed=f"every {noun} is allowed", limit=limit)


def _more(found: Mapping[str, Size], name: str, pool: Pool) -> Size:
    """How many machines of an offending name there are, expected and at most, with this pool's added."""
    sizes = [_UNBOUNDED if (count := units(pool, basis)) is None else count for basis in ("expected", "max")]
    so_far = found.get(name, (Decimal(0), Decimal(0)))
    return tuple(one + other for one, other in zip(so_far, sizes, strict=True))
