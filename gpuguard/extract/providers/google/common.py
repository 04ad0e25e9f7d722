"""What the Google Cloud types share: place, labels, operating system."""

import re
from collections.abc import Callable, Hashable
from decimal import Decimal

from gpuguard.extract.common import sensitive_keys, string_tags, without
from gpuguard.extract.schedules import unix_cron
from gpuguard.extract.view import View
from gpuguard.model.usage import OperatingSystem, Unknown

_LAST = re.compile(r"[^/]+$")


def tail(value: str) -> str:
    """Last part of a self link: ``projects/p/zones/us-east4-a`` → ``us-east4-a``."""
    match = _LAST.search(value)
    return match[0] if match else value


def place(view: View) -> str | None:
    """The zone or region that the resource itself names."""
    for path in ("zone", "location", "region"):
        value = view.string(path)
        if value:
            return tail(value)
    return None


def provider_place(view: View) -> str | None:
    """Zone, else region, of the resource's provider block."""
    for path in ("zone", "region"):
        found = {value for value in view.context.resolver.provider_values(view.node, (path,)) if isinstance(value, str)}
        if len(found) == 1:
            return tail(found.pop())
    return None


def region(view: View) -> str | Unknown | None:
    """Own zone, location or region, else the provider block's."""
    return region_at(view, place(view) or provider_place(view))


def region_at(view: View, name: str | None) -> str | None:
    """The region of a zone, or the region itself."""
    if name is None:
        return None
    return view.context.region_of_zone("gcp", name) or name


def labels(view: View) -> dict[str, str]:
    """All labels on the resource: the provider's defaults included where the provider tells them."""
    paths = ("effective_labels", "terraform_labels", "labels", "resource_labels")
    hidden = sensitive_keys(view, *paths)
    for path in paths:
        found = string_tags(view, path)
        if found:
            return without(found, hidden)
    return string_tags(view, "node_config.resource_labels") or string_tags(view, "node_config.labels")


_OS_PROJECTS: tuple[tuple[str, OperatingSystem], ...] = (
    ("windows", "windows"),
    ("rhel", "rhel"),
    ("sles", "sles"),
    ("suse", "sles"),
)


def operating_system(image: str | None) -> OperatingSystem:
    """Operating system from the image's project or family (``windows-cloud/windows-2022``).

    openSUSE has no licence fee, and images named BYOS bring their own licence.
    """
    lowered = (image or "").lower()
    if "byos" in lowered or "opensuse" in lowered:
        return "linux"
    return next((system for word, system in _OS_PROJECTS if word in lowered), "linux")


def in_hours(seconds: Decimal) -> str:
    """Seconds as hours to read: ``24``, ``1.39``; what is shorter than a hundredth counts as that."""
    hours = max((seconds / 3600).quantize(Decimal("0.01")), Decimal("0.01"))
    return f"{hours.normalize():f}"


_MINUTES = re.compile(r"\d{1,2}(?:,\d{1,2}){0,3}\Z")
_MOST_SCHEDULES = 100
"""Distinct schedules of one document; more of them stand only in a file made to be slow."""


def schedule_of(text: str | None) -> str | None:
    """The cron expression of a schedule that starts and stops machines; None for one that comes more than hourly or so."""
    cron = unix_cron(text)
    return cron if cron is not None and _MINUTES.match(cron.split()[0]) else None


def worked_out(view: View, key: Hashable, hours: Callable[[], Decimal | None]) -> Decimal | None:
    """The hours of a schedule, worked out once however many machines follow it; None where they cannot be."""
    known: dict[Hashable, Decimal | None] = view.context.memo.setdefault(("google.schedules",), {})
    if key not in known:
        if len(known) >= _MOST_SCHEDULES:
            return None
        known[key] = hours()
    return known[key]
