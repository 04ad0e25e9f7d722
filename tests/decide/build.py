"""Small changes to judge, made the way the report tells them."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from gpuguard.decide import Entry, Judged, Pack
from gpuguard.decide.format import read
from gpuguard.model.report import (
    Action,
    Component,
    Gpu,
    MoneyRange,
    Pool,
    Quantities,
    Resource,
    State,
    Summary,
)
from gpuguard.yamlfile import parse

Number = float | None
Amount = str | None


def pool(
    sku: str | None = "g5.xlarge",
    gpu: str | None = "A10G",
    units: tuple[Number, Number, Number] | float = 1,
    per_unit: float = 1,
    **more: Any,
) -> Pool:
    """A pool of g5.xlarge on demand, unless said otherwise; one number of units means a fixed size."""
    low, expected, high = units if isinstance(units, tuple) else (units, units, units)
    values: dict[str, Any] = {
        "name": sku or "unknown",
        "role": "supply",
        "sku": sku,
        "candidates": (),
        "gpu": gpu and Gpu(model=gpu, per_unit=per_unit, memory_gib=24),
        "units": Quantities(min=low, expected=expected, max=high),
        "purchase_model": "on_demand",
        "term": None,
        "payment": None,
        "hours_per_month": 730,
        "covered_by": None,
    }
    return Pool(**(values | more))


def state(
    monthly: Amount | tuple[Amount, Amount] = "734.38",
    *pools: Pool,
    region: str | None = "us-east-1",
    cloud: str = "aws",
    one_time: Amount = None,
    unit_price: Amount = "1.006",
) -> State:
    """One side of a resource: its cost (expected, at maximum; one for both) and its pools, a g5.xlarge by default."""
    expected, maximum = monthly if isinstance(monthly, tuple) else (monthly, monthly)
    all_pools = pools or (pool(),)
    cost = MoneyRange(min=_decimal(expected), expected=_decimal(expected), max=_decimal(maximum))
    return State(
        cloud=cloud,
        region=region,
        pools=all_pools,
        components=tuple(_machine(one, _decimal(unit_price)) for one in all_pools if one.sku),
        gpus=Quantities(
            min=_gpus(all_pools, "min"), expected=_gpus(all_pools, "expected"), max=_gpus(all_pools, "max")
        ),
        monthly=cost,
        list_monthly=cost,
        one_time=_decimal(one_time),
    )


def resource(
    before: State | None,
    after: State | None,
    action: Action | None = None,
    address: str = "aws_instance.node",
    tags: Mapping[str, str] | None = None,
    **more: Any,
) -> Resource:
    """A resource with the action that its sides suggest."""
    guess: Action = (
        "create" if before is None else "delete" if after is None else "no-op" if before == after else "update"
    )
    values: dict[str, Any] = {
        "project": "acme",
        "address": address,
        "deposed": None,
        "type": address.split(".")[0],
        "provider": "registry.terraform.io/hashicorp/aws",
        "module": "",
        "environment": None,
        "action": action or guess,
        "importing": False,
        "previous_address": None,
        "via": (),
        "location": None,
        "tags": dict(tags or {}),
        "workload": None,
        "before": before,
        "after": after,
    }
    return Resource(**(values | more))


def judged(*resources: Resource, strict: bool = False, **summary: Any) -> Judged:
    """A change of these resources with the totals that CONTRACT's rules give; `summary` overrides some of them."""
    zero = Decimal(0)
    values: dict[str, Any] = dict.fromkeys(
        ("monthly_before", "monthly_after", "monthly_delta", "monthly_max_after", "one_time_delta"), zero
    )
    values |= {"gpus_before": 0.0, "gpus_after": 0.0, "gpus_max_after": 0.0, "unpriced": 0, "unknown": 0}
    for one in resources:
        remains = one.before if one.action == "forget" else one.after
        before, after = _expected(one.before), _expected(remains)
        values["monthly_before"] += before or 0
        values["monthly_after"] += after or 0
        values["monthly_delta"] += 0 if before is None or after is None else after - before
        values["monthly_max_after"] += (remains and remains.monthly.max) or 0
        values["one_time_delta"] += ((remains and remains.one_time) or 0) - ((one.before and one.before.one_time) or 0)
        values["gpus_before"] += (one.before and one.before.gpus.expected) or 0
        values["gpus_after"] += (remains and remains.gpus.expected) or 0
        values["gpus_max_after"] += (remains and remains.gpus.max) or 0
        values["unpriced"] += after is None
    total = Summary(
        **(
            {
                "monthly_delta_percent": None,
                "list_monthly_after": values["monthly_after"],
                "potential_monthly_saving": zero,
                "resources": len(resources),
            }
            | values
            | summary
        )
    )
    return Judged(resources=resources, summary=total, strict=strict)


def pack(*rules: str, name: str = "acme") -> Pack:
    """A pack with these rules, each written as an entry of a policy file."""
    indented = "".join("- " + rule.strip().replace("\n", "\n  ") + "\n" for rule in rules)
    document = parse(f"version: 1\nname: {name}\nrules:\n{indented}".encode())
    parsed = read(document)
    assert parsed is not None, document.mistakes
    entries = tuple(Entry(settings.id or rule.id, rule, settings, line) for rule, settings, line in parsed.rules)
    return Pack(name=parsed.name, description=parsed.description, path="acme.yml", rules=entries)


def changed(value: State, **fields: Any) -> State:
    """The same side with some fields changed."""
    return msgspec.structs.replace(value, **fields)


def _decimal(amount: Amount) -> Decimal | None:
    return None if amount is None else Decimal(amount)


def _expected(side: State | None) -> Decimal | None:
    return Decimal(0) if side is None else side.monthly.expected


def _gpus(pools: Sequence[Pool], which: str) -> float | None:
    counts = [
        (getattr(one.units, which), one.gpu.per_unit if one.gpu else 0)
        for one in pools
        if one.role == "supply" and one.covered_by is None
    ]
    return None if any(units is None for units, _ in counts) else sum(units * each for units, each in counts)


def _machine(one: Pool, unit_price: Decimal | None) -> Component:
    return Component(
        kind="compute",
        pool=one.name,
        description=f"{one.sku}, {one.purchase_model}",
        sku=one.sku or "",
        unit="hour",
        quantity=730,
        unit_price=unit_price,
        list_unit_price=unit_price,
        unit_price_range=None,
        monthly=None if unit_price is None else unit_price * 730,
        list_monthly=None if unit_price is None else unit_price * 730,
        source="acme price list",
        as_of="2026-07-20",
    )
