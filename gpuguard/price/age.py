"""How old the prices in a report are: always told, and a warning when they are too old to trust."""

from collections.abc import Iterable
from datetime import date, timedelta

from gpuguard.model.report import Diagnostic, Resource

SPOT_DAYS = 60
LIST_DAYS = 400
"""Spot prices move within weeks, list and commitment prices hardly within a year."""


def price_ages(
    resources: Iterable[Resource], today: date, spot_days: int = SPOT_DAYS, list_days: int = LIST_DAYS
) -> tuple[list[Diagnostic], dict[str, str]]:
    """Warnings for prices that are too old, and the day of the oldest row used, by cloud."""
    oldest: dict[str, str] = {}
    by_kind: dict[tuple[str, bool], str] = {}
    for resource in resources:
        for state in (resource.before, resource.after):
            if state is None:
                continue
            bought = {pool.name: pool.purchase_model for pool in state.pools}
            for component in state.components:
                if component.as_of is None:
                    continue
                spot = component.kind in ("compute", "gpu") and bought.get(component.pool or "") == "spot"
                oldest[state.cloud] = min(oldest.get(state.cloud, component.as_of), component.as_of)
                kind = (state.cloud, spot)
                by_kind[kind] = min(by_kind.get(kind, component.as_of), component.as_of)
    warnings = []
    for (cloud, spot), as_of in sorted(by_kind.items()):
        limit = spot_days if spot else list_days
        if date.fromisoformat(as_of) < today - timedelta(days=limit):
            what, days = "spot" if spot else "list", "1 day" if limit == 1 else f"{limit} days"
            warnings.append(
                Diagnostic(
                    level="warning",
                    code="stale-price",
                    project=None,
                    address=None,
                    message=f"the oldest {cloud} {what} price used is of {as_of}, more than {days} ago",
                    hint=None,
                )
            )
    return warnings, dict(sorted(oldest.items()))
