"""Reports made by hand: one for each thing that a renderer has to say. Prices are those of the builders, not a cloud's."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from gpuguard.model.report import (
    Alternative,
    AlternativeTarget,
    Approval,
    CatalogInfo,
    Component,
    Diagnostic,
    Edit,
    Gpu,
    Input,
    Location,
    MoneyRange,
    Outcome,
    PerformanceFigure,
    Policy,
    PolicyResult,
    Pool,
    Quantities,
    Report,
    Resource,
    ResourceKey,
    State,
    Summary,
)

HOURS = Decimal(730)


def units(least: float | None, expected: float | None = -1, most: float | None = -1) -> Quantities:
    """`least` alone is a fixed size."""
    return Quantities(min=least, expected=least if expected == -1 else expected, max=least if most == -1 else most)


def pool(sku: str | None, gpus: float, model: str, size: Quantities | None = None, **changes: Any) -> Pool:
    values: dict[str, Any] = {
        "name": sku or "unknown",
        "role": "supply",
        "sku": sku,
        "candidates": (),
        "gpu": Gpu(model=model, per_unit=gpus, memory_gib=24.0) if model else None,
        "units": size or units(1),
        "purchase_model": "on_demand",
        "term": None,
        "payment": None,
        "hours_per_month": 730.0,
        "covered_by": None,
    }
    return Pool(**(values | changes))


def component(of: Pool | None, hourly: str | None, quantity: float | None = 730, **changes: Any) -> Component:
    price = None if hourly is None else Decimal(hourly)
    monthly = None if price is None or quantity is None else price * Decimal(str(quantity))
    sku = of.sku if of is not None and of.sku is not None else "unknown"
    values: dict[str, Any] = {
        "kind": "compute",
        "pool": None if of is None else of.name,
        "description": f"{sku} Linux",
        "sku": sku,
        "unit": "hour",
        "quantity": quantity,
        "unit_price": price,
        "list_unit_price": price,
        "unit_price_range": None,
        "monthly": monthly,
        "list_monthly": monthly,
        "source": "aws price list",
        "as_of": "2026-07-20",
    }
    return Component(**(values | changes))


def state(*of: tuple[Pool, str | None], region: str | None = "us-east-1", cloud: str = "aws", **changes: Any) -> State:
    """A side made of pools with the hourly price of one unit each; None is not priced."""
    totals: list[Decimal | None] = []
    gpus: list[float | None] = []
    for name in ("min", "expected", "max"):
        amount: Decimal | None = Decimal(0)
        number: float | None = 0.0
        for one, hourly in of:
            size = getattr(one.units, name)
            billed = one.role == "supply" and one.covered_by is None
            if size is None or hourly is None or amount is None:
                amount = None
            elif billed:
                amount += Decimal(hourly) * Decimal(str(size)) * Decimal(str(one.hours_per_month))
            number = None if size is None or one.gpu is None or number is None else number + size * one.gpu.per_unit
        totals.append(amount)
        gpus.append(number)
    money = MoneyRange(min=totals[0], expected=totals[1], max=totals[2])
    values: dict[str, Any] = {
        "cloud": cloud,
        "region": region,
        "pools": tuple(one for one, _ in of),
        "components": tuple(
            component(one, hourly, None if one.units.expected is None else one.units.expected * one.hours_per_month)
            for one, hourly in of
            if one.role == "supply" and one.covered_by is None
        ),
        "gpus": Quantities(min=gpus[0], expected=gpus[1], max=gpus[2]),
        "monthly": money,
        "list_monthly": money,
        "one_time": None,
    }
    return State(**(values | changes))


def resource(address: str, action: str, before: State | None, after: State | None, **changes: Any) -> Resource:
    values: dict[str, Any] = {
        "project": "train",
        "address": address,
        "deposed": None,
        "type": address.split("[")[0].split(".")[-2],
        "provider": "registry.terraform.io/hashicorp/aws",
        "module": ".".join(address.split(".")[:-2]),
        "environment": None,
        "action": action,
        "importing": False,
        "previous_address": None,
        "via": (),
        "location": None,
        "tags": {},
        "workload": None,
        "before": before,
        "after": after,
    }
    return Resource(**(values | changes))


def result(rule: str, outcome: str, message: str = "", *addresses: str, **changes: Any) -> PolicyResult:
    values: dict[str, Any] = {
        "rule": rule,
        "pack": "default",
        "enforcement": "mandatory",
        "outcome": outcome,
        "existing": False,
        "resources": tuple(ResourceKey(project="train", address=address) for address in addresses),
        "message": message,
        "actual": None,
        "limit": None,
        "remediation": None,
        "waiver": None,
        "approval": None,
    }
    return PolicyResult(**(values | changes))


def alternative(address: str, title: str, monthly: str, saving: str, share: float, **changes: Any) -> Alternative:
    values: dict[str, Any] = {
        "project": "train",
        "address": address,
        "pool": "p5.48xlarge",
        "kind": "instance_type",
        "title": title,
        "to": AlternativeTarget(
            cloud="aws",
            region="us-east-1",
            sku="p4d.24xlarge",
            purchase_model="on_demand",
            term=None,
            units=1.0,
            hours_per_month=730.0,
        ),
        "monthly": Decimal(monthly),
        "saving": Decimal(saving),
        "saving_percent": share,
        "performance": None,
        "memory_ratio": None,
        "risk": "low",
        "conditions": (),
        "edits": (),
    }
    return Alternative(**(values | changes))


def an_input(project: str = "train", path: str = "plan.json", **changes: Any) -> Input:
    values: dict[str, Any] = {
        "project": project,
        "path": path,
        "kind": "plan",
        "terraform_version": "1.9.5",
        "format_version": "1.2",
        "complete": True,
        "errored": False,
        "error": None,
    }
    return Input(**(values | changes))


def report(
    *resources: Resource,
    outcome: Outcome = "pass",
    results: tuple[PolicyResult, ...] = (),
    alternatives: tuple[Alternative, ...] = (),
    diagnostics: tuple[Diagnostic, ...] = (),
    inputs: tuple[Input, ...] | None = None,
    **summary: Any,
) -> Report:
    """A report whose summary adds up; `summary` replaces single figures of it."""

    def side(of: Resource, after: bool) -> State | None:
        kept = after and of.action == "forget"
        return of.after if after and not kept else of.before

    def total(after: bool, name: str) -> Decimal:
        states = [side(of, after) for of in resources]
        amounts = [getattr(one.monthly, name) for one in states if one is not None]
        return sum((amount for amount in amounts if amount is not None), Decimal(0))

    def gpus(after: bool, name: str) -> float:
        states = [side(of, after) for of in resources]
        billed = [
            one for one in states if one is not None and all(p.role == "supply" and not p.covered_by for p in one.pools)
        ]
        numbers = [getattr(one.gpus, name) for one in billed]
        return float(sum(number for number in numbers if number is not None))

    before, after = total(False, "expected"), total(True, "expected")
    delta = Decimal(0)
    unpriced = 0
    for of in resources:
        old, new = side(of, False), side(of, True)
        amounts = [Decimal(0) if one is None else one.monthly.expected for one in (old, new)]
        if amounts[0] is None or amounts[1] is None:
            unpriced += 1
        else:
            delta += amounts[1] - amounts[0]
    values: dict[str, Any] = {
        "monthly_before": before,
        "monthly_after": after,
        "monthly_delta": delta,
        "monthly_delta_percent": round(float(delta / before * 100), 1) if before else None,
        "monthly_max_after": total(True, "max"),
        "list_monthly_after": after,
        "one_time_delta": Decimal(0),
        "gpus_before": gpus(False, "expected"),
        "gpus_after": gpus(True, "expected"),
        "gpus_max_after": gpus(True, "max"),
        "potential_monthly_saving": sum(
            (one.saving for one in alternatives if one.risk in {"none", "low"}), Decimal(0)
        ),
        "resources": len(resources),
        "unpriced": unpriced,
        "unknown": 0,
    }
    return Report(
        schema_version="1",
        gpuguard_version="0.1.0",
        generated_at="2026-08-01T12:00:00Z",
        currency="USD",
        catalog=CatalogInfo(version="2026.08", as_of={"aws": "2026-07-20"} if resources else {}),
        inputs=inputs if inputs is not None else (an_input(),),
        summary=Summary(**(values | summary)),
        resources=resources,
        policy=Policy(outcome=outcome, results=results),
        alternatives=alternatives,
        diagnostics=diagnostics,
    )


A10G = pool("g5.xlarge", 1, "A10G")
H100 = pool("p5.48xlarge", 8, "H100-80GB")
A100 = pool("p4d.24xlarge", 8, "A100-40GB")
ONE_A10G = state((A10G, "1.006"))
EIGHT_H100 = state((H100, "55.04"))
EIGHT_A100 = state((A100, "21.957642"))
MORE_THAN_A_PLAN_HOLDS = 2_500


def no_gpus() -> Report:
    return report()


def create() -> Report:
    return report(
        resource("aws_instance.node", "create", None, ONE_A10G), results=(result("max-monthly-total", "pass"),)
    )


def update_of_the_type() -> Report:
    """The sketch of docs/report.md: a type change over a limit, and a pool that scales from zero."""
    node = "module.train.aws_instance.node[0]"
    scaling = pool("g6.12xlarge", 4, "L4", units(0, 0, 8), purchase_model="spot")
    return report(
        resource(node, "update", ONE_A10G, EIGHT_H100, location=Location(file="modules/train/main.tf", line=12)),
        resource("aws_eks_node_group.infer", "create", None, state((scaling, "1.8412"))),
        outcome="fail",
        results=(
            result(
                "max-monthly-increase",
                "fail",
                "+$39,445 a month is over the limit of $20,000 (policies/acme.yml:12)",
                actual="$39,445",
                limit="$20,000",
                remediation="Choose a smaller GPU or spot, or ask @acme/ml-leads for an approval.",
            ),
            result(
                "unbounded-ceiling",
                "warn",
                "aws_eks_node_group.infer may grow to 32 GPUs",
                "aws_eks_node_group.infer",
                enforcement="advisory",
                remediation="Set a smaller max_size.",
            ),
            result("allowed-regions", "pass"),
            result("required-tags", "pass"),
        ),
        alternatives=(
            alternative(
                node,
                "spot in us-east-1, same machine",
                "23679",
                "16500.2",
                41.06,
                kind="purchase_model",
                risk="medium",
                conditions=("the work must survive an interruption (checkpoints)", "spot prices and capacity change"),
                edits=(
                    Edit(
                        address=node,
                        path="instance_market_options.market_type",
                        from_=None,
                        to="spot",
                        file=None,
                        line=None,
                    ),
                ),
            ),
            alternative(
                node,
                "p4d.24xlarge: 8 × A100-40GB, 0.4× the speed in LLM training (measured), 0.5× the GPU memory",
                "16029.08",
                "24150.12",
                60.1,
                performance=PerformanceFigure(ratio=0.4, workload="llm_training", basis="measured"),
                memory_ratio=0.5,
                edits=(
                    Edit(
                        address="aws_launch_template.node",
                        path="instance_type",
                        from_="p5.48xlarge",
                        to="p4d.24xlarge",
                        file=None,
                        line=None,
                    ),
                ),
            ),
        ),
        diagnostics=(
            Diagnostic(
                level="info",
                code="assumed-linux",
                project="train",
                address=node,
                message="the image is not known, Linux is assumed",
                hint=None,
            ),
        ),
    )


def replace() -> Report:
    return report(
        resource(
            "aws_instance.node",
            "replace",
            EIGHT_H100,
            state((A100, "21.957642"), region="us-west-2"),
        ),
        outcome="warn",
        results=(result("allowed-regions", "warn", "us-west-2 is not preferred", "aws_instance.node"),),
    )


def delete() -> Report:
    return report(
        resource("aws_instance.old", "delete", EIGHT_A100, None),
        resource("aws_instance.odd", "delete", state((pool("p9.huge", 8, "X900"), None)), None),
    )


def forget() -> Report:
    return report(resource("aws_instance.kept", "forget", EIGHT_A100, None))


def imported() -> Report:
    return report(
        resource("aws_instance.adopted", "no-op", ONE_A10G, ONE_A10G, importing=True),
        resource("aws_instance.renamed", "update", ONE_A10G, ONE_A10G, previous_address="aws_instance.old_name"),
    )


def nothing_changes() -> Report:
    return report(
        resource("aws_instance.a", "no-op", ONE_A10G, ONE_A10G),
        resource("aws_instance.b", "no-op", EIGHT_A100, EIGHT_A100),
    )


def scaling() -> Report:
    """Sizes of every kind: from zero, open ended, scheduled, known to apply alone."""
    return report(
        resource(
            "aws_autoscaling_group.zero", "create", None, state((pool("g6.xlarge", 1, "L4", units(0, 0, 20)), "0.8048"))
        ),
        resource(
            "aws_autoscaling_group.open",
            "create",
            None,
            state((pool("g6.xlarge", 1, "L4", units(1, 2, None)), "0.8048")),
        ),
        resource(
            "google_container_node_pool.day",
            "create",
            None,
            state(
                (pool("g2-standard-4", 1, "L4", units(0, 3, 9), hours_per_month=217.5, purchase_model="spot"), "0.28"),
                cloud="google",
                region="europe-west4",
            ),
        ),
        resource(
            "aws_autoscaling_group.later", "create", None, state((pool("g6.xlarge", 1, "L4", units(None)), "0.8048"))
        ),
    )


def unpriced() -> Report:
    """What has no price, what has no machine type yet, and what is priced but for a disk."""
    no_disk_price = state((H100, "55.04"))
    disk = component(H100, None, 500, kind="storage", description="io9 disk", unit="GiB-month", sku="io9")
    partly = State(
        **{field: getattr(no_disk_price, field) for field in no_disk_price.__struct_fields__}
        | {"components": (*no_disk_price.components, disk)}
    )
    return report(
        resource("aws_instance.new", "create", None, state((pool("p9.huge", 8, "X900"), None))),
        resource("aws_instance.later", "create", None, state((pool(None, 0, ""), None), region=None)),
        resource("aws_instance.partly", "create", None, partly),
        resource("aws_instance.plain", "create", None, ONE_A10G),
        outcome="undecided",
        results=(
            result(
                "unpriced",
                "undecided",
                "2 resources have no price",
                "aws_instance.new",
                "aws_instance.later",
                remediation="Run `gpuguard catalog refresh`, or name the price in the usage file.",
            ),
        ),
        diagnostics=(
            Diagnostic(
                level="warning",
                code="unpriced",
                project="train",
                address="aws_instance.new",
                message="p9.huge is not in the catalog for us-east-1",
                hint="Did you mean p5.48xlarge?",
            ),
            Diagnostic(
                level="warning",
                code="unknown-instance-type",
                project="train",
                address="aws_instance.later",
                message="only apply can tell the machine type of aws_instance.later",
                hint=None,
            ),
        ),
        unknown=1,
    )


def mixed_pools() -> Report:
    """Pools bought in every way, with a control plane that belongs to none."""
    base = pool("g5.12xlarge", 4, "A10G", units(1, 1, 1), name="g5.12xlarge on demand")
    spot = pool(
        "g5.12xlarge",
        4,
        "A10G",
        units(0, 3, 9),
        name="g5.12xlarge spot",
        purchase_model="spot",
        candidates=("g5.12xlarge", "g5.24xlarge", "g6.12xlarge"),
    )
    committed = pool("p4d.24xlarge", 8, "A100-40GB", purchase_model="savings_plan", term="3y", payment="no_upfront")
    made = state((base, "5.672"), (spot, "1.9"), (committed, "9.2"))
    plane = component(None, "0.10", kind="control_plane", description="EKS control plane", sku="eks")
    monthly = made.monthly
    fields = {field: getattr(made, field) for field in made.__struct_fields__}
    whole = State(
        **fields
        | {
            "components": (*made.components, plane),
            "monthly": MoneyRange(
                min=None if monthly.min is None else monthly.min + 73,
                expected=None if monthly.expected is None else monthly.expected + 73,
                max=None if monthly.max is None else monthly.max + 73,
            ),
        }
    )
    block = "aws_ec2_capacity_block_reservation.block"
    bought = pool("p5.48xlarge", 8, "H100-80GB", purchase_model="capacity_block", hours_per_month=336.0)
    inside = pool("p5.48xlarge", 8, "H100-80GB", covered_by=block, purchase_model="capacity_block")
    wanted = pool(None, 2, "L4", units(3), role="demand", name="inference")
    return report(
        resource("aws_autoscaling_group.mixed", "create", None, whole),
        resource(block, "create", None, state((bought, "31.584"), one_time=Decimal("10612.224"))),
        resource("aws_instance.inside", "create", None, state((inside, "0"))),
        resource("kubernetes_deployment.infer", "create", None, state((wanted, "0"), cloud="", region=None)),
        one_time_delta=Decimal("10612.224"),
        list_monthly_after=Decimal("42000"),
    )


def several_projects() -> Report:
    return report(
        resource("aws_instance.node", "create", None, ONE_A10G, project="train"),
        resource("aws_instance.node", "delete", EIGHT_A100, None, project="serve"),
        inputs=(
            an_input("train", "train/plan.json"),
            an_input("serve", "serve/plan.json"),
            an_input("docs", "docs.json"),
        ),
    )


def many_resources() -> Report:
    """More resources than anybody reads: 2,000 alike in one module, and 500 that differ."""
    alike = [
        resource(f"module.fleet.aws_instance.worker[{index}]", "create", None, EIGHT_A100)
        for index in range(MORE_THAN_A_PLAN_HOLDS - 500)
    ]
    unlike = [
        resource(
            f"aws_instance.n{index:03}",
            "create",
            None,
            state((pool("g5.xlarge", 1, "A10G"), f"{1 + index / 1000:.3f}")),
        )
        for index in range(500)
    ]
    return report(
        *alike,
        *unlike,
        outcome="fail",
        results=tuple(
            result("denied-gpus", "fail", f"{one.address} asks for A100-40GB, which is not allowed", one.address)
            for one in alike
        ),
        alternatives=tuple(
            alternative(one.address, "spot, same machine", "6000", "10029.08", 62.6, risk="medium") for one in alike
        ),
    )


def every_outcome() -> Report:
    """All that a rule can say."""
    node = "aws_instance.node"
    return report(
        resource(node, "create", None, ONE_A10G),
        outcome="fail",
        results=(
            result("allowed-gpus", "pass", "all GPUs are allowed"),
            result("max-gpus", "fail", "1 GPU is over the limit of 0", remediation="Ask for fewer."),
            result("max-gpus-ml", "warn", f"{node} was over the limit before", node, existing=True),
            result("unpriced", "undecided", "the spot price is not known", node),
            result(
                "required-tags",
                "waived",
                "tag `team` is missing",
                node,
                waiver={"owner": "ml-platform", "reason": "moves in March", "expires": "2027-03-31"},
            ),
            result(
                "max-monthly-total",
                "approved",
                "$734 is over $500",
                enforcement="approvable",
                approval=Approval(
                    by="@acme/ml-leads",
                    at="2026-08-01T09:00:00Z",
                    max_monthly=Decimal(1000),
                    max_gpus=None,
                    expires="2026-09-01",
                ),
            ),
            result("schedule", "skipped", "no resource is in development"),
        ),
    )


def failing_inputs() -> Report:
    return report(
        resource("aws_instance.node", "create", None, ONE_A10G),
        inputs=(
            an_input(),
            an_input(
                "serve", "serve/plan.json", error="this is a binary plan file; write it with terraform show -json"
            ),
            an_input("half", "half.json", complete=False, errored=True),
        ),
    )


def no_input_read() -> Report:
    return report(inputs=(an_input(path="plan.out", error="this is a binary plan file"),))


CASES: dict[str, Callable[[], Report]] = {
    made.__name__.replace("_", "-"): made
    for made in (
        no_gpus,
        create,
        update_of_the_type,
        replace,
        delete,
        forget,
        imported,
        nothing_changes,
        scaling,
        unpriced,
        mixed_pools,
        several_projects,
        many_resources,
        every_outcome,
        failing_inputs,
        no_input_read,
    )
}
