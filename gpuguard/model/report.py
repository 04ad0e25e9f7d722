"""The JSON report, schema_version "1": the public shape that users, CI systems and other tools rely on.

The structs are the schema: `gpuguard schema report` is generated from them and the output is tested against it.
Money is `Decimal` and becomes a decimal string; quantities are numbers; an unknown value is None, never 0 or "".
"""

from decimal import Decimal
from typing import Literal

import msgspec

from gpuguard.model.usage import ComponentKind, Payment, PurchaseModel, Role, Term

Money = Decimal
Action = Literal["create", "update", "replace", "delete", "no-op", "forget"]
InputKind = Literal["plan", "state", "hcl", "report"]
Workload = Literal["training", "inference", "development", "batch", "graphics"]
Enforcement = Literal["mandatory", "approvable", "advisory"]
Outcome = Literal["pass", "warn", "fail", "undecided"]
ResultOutcome = Literal["pass", "fail", "warn", "undecided", "waived", "approved", "skipped"]
AlternativeKind = Literal["purchase_model", "instance_type", "region", "schedule", "sharing", "count", "cloud"]
PerformanceBasis = Literal["measured", "chained", "proxy", "datasheet"]
Risk = Literal["none", "low", "medium", "high"]
Level = Literal["error", "warning", "info"]


class CatalogInfo(msgspec.Struct, frozen=True, kw_only=True):
    """Which catalog priced this report; `as_of` is the day of the oldest row used, by cloud."""

    version: str
    as_of: dict[str, str]


class Input(msgspec.Struct, frozen=True, kw_only=True):
    """One file that was read, or could not be (`error`)."""

    project: str
    path: str
    kind: InputKind
    terraform_version: str | None
    format_version: str | None
    complete: bool
    errored: bool
    error: str | None


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """Totals over everything priced; lower bounds when `unpriced` or `unknown` is above 0."""

    monthly_before: Money
    monthly_after: Money
    monthly_delta: Money
    monthly_delta_percent: float | None
    monthly_max_after: Money
    list_monthly_after: Money
    one_time_delta: Money
    gpus_before: float
    gpus_after: float
    gpus_max_after: float
    potential_monthly_saving: Money
    resources: int
    unpriced: int
    unknown: int


class Location(msgspec.Struct, frozen=True, kw_only=True):
    """Where a resource is written."""

    file: str
    line: int


class Gpu(msgspec.Struct, frozen=True, kw_only=True):
    """The accelerator of one unit of a pool. `per_unit` may be a fraction; `memory_gib` is per accelerator."""

    model: str
    per_unit: float
    memory_gib: float | None


class Quantities(msgspec.Struct, frozen=True, kw_only=True):
    """Scaling bounds and the expected size; None: only apply can tell."""

    min: float | None
    expected: float | None
    max: float | None


class MoneyRange(msgspec.Struct, frozen=True, kw_only=True):
    """Money a month at the minimum, expected and maximum size; None: not priced."""

    min: Money | None
    expected: Money | None
    max: Money | None


class Pool(msgspec.Struct, frozen=True, kw_only=True):
    """Machines of one type bought one way."""

    name: str
    role: Role
    sku: str | None
    candidates: tuple[str, ...]
    gpu: Gpu | None
    units: Quantities
    purchase_model: PurchaseModel
    term: Term | None
    payment: Payment | None
    hours_per_month: float
    covered_by: str | None


class Component(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the cost. `quantity` and `monthly` are at the pool's expected size."""

    kind: ComponentKind
    pool: str | None
    description: str
    sku: str
    unit: str
    quantity: float | None
    unit_price: Money | None
    list_unit_price: Money | None
    unit_price_range: tuple[Money, Money] | None
    monthly: Money | None
    list_monthly: Money | None
    source: str | None
    as_of: str | None


class State(msgspec.Struct, frozen=True, kw_only=True):
    """One side of a change: what runs and what it costs."""

    cloud: str
    region: str | None
    pools: tuple[Pool, ...]
    components: tuple[Component, ...]
    gpus: Quantities
    monthly: MoneyRange
    list_monthly: MoneyRange
    one_time: Money | None


class Resource(msgspec.Struct, frozen=True, kw_only=True):
    """One resource that holds an accelerator, before and after. (project, address, deposed) is its key."""

    project: str
    address: str
    deposed: str | None
    type: str
    provider: str
    module: str
    environment: str | None
    action: Action
    importing: bool
    previous_address: str | None
    via: tuple[str, ...]
    location: Location | None
    tags: dict[str, str]
    workload: Workload | None
    before: State | None
    after: State | None


class ResourceKey(msgspec.Struct, frozen=True, kw_only=True):
    """Which resource a policy result speaks of."""

    project: str
    address: str


class Approval(msgspec.Struct, frozen=True, kw_only=True):
    """Who approved what, up to how much."""

    by: str
    at: str
    max_monthly: Money | None
    max_gpus: float | None
    expires: str | None


class PolicyResult(msgspec.Struct, frozen=True, kw_only=True):
    """What one rule says. `existing`: the violation was there before the change."""

    rule: str
    pack: str
    enforcement: Enforcement
    outcome: ResultOutcome
    existing: bool
    resources: tuple[ResourceKey, ...]
    message: str
    actual: str | None
    limit: str | None
    remediation: str | None
    waiver: dict[str, str] | None
    approval: Approval | None


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict and what it rests on. fail > undecided > warn > pass."""

    outcome: Outcome
    results: tuple[PolicyResult, ...]


class AlternativeTarget(msgspec.Struct, frozen=True, kw_only=True):
    """What the alternative would run."""

    cloud: str
    region: str
    sku: str
    purchase_model: PurchaseModel
    term: Term | None
    units: float
    hours_per_month: float


class PerformanceFigure(msgspec.Struct, frozen=True, kw_only=True):
    """Speed of the alternative over what it replaces, for the same number of units."""

    ratio: float
    workload: str
    basis: PerformanceBasis


class Edit(msgspec.Struct, frozen=True, kw_only=True, rename={"from_": "from"}):
    """The change to the Terraform configuration that makes the alternative so. JSON key ``from`` is `from_`."""

    address: str
    path: str
    from_: str | None
    to: str
    file: str | None
    line: int | None


class Alternative(msgspec.Struct, frozen=True, kw_only=True):
    """A cheaper way to get the same work done."""

    project: str
    address: str
    pool: str
    kind: AlternativeKind
    title: str
    to: AlternativeTarget
    monthly: Money
    saving: Money
    saving_percent: float
    performance: PerformanceFigure | None
    memory_ratio: float | None
    risk: Risk
    conditions: tuple[str, ...]
    edits: tuple[Edit, ...]


class Diagnostic(msgspec.Struct, frozen=True, kw_only=True):
    """Something the reader of the report should know that is not a policy result."""

    level: Level
    code: str
    project: str | None
    address: str | None
    message: str
    hint: str | None


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The whole answer."""

    schema_version: Literal["1"]
    gpuguard_version: str
    generated_at: str
    currency: str
    catalog: CatalogInfo
    inputs: tuple[Input, ...]
    summary: Summary
    resources: tuple[Resource, ...]
    policy: Policy
    alternatives: tuple[Alternative, ...]
    diagnostics: tuple[Diagnostic, ...]
