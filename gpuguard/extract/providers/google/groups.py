"""Managed instance groups."""

from decimal import Decimal

from gpuguard.extract.common import followed_machine
from gpuguard.extract.providers.google.common import labels, region
from gpuguard.extract.providers.google.compute import GROUP_LINK, INSTANCE_TEMPLATES, TEMPLATE_BY, template_machine
from gpuguard.extract.spec import (
    Companion,
    Extracted,
    Machine,
    ResourceSpec,
    TemplateLink,
    pick_expected,
    units_of,
    within,
)
from gpuguard.extract.view import View
from gpuguard.model.usage import PoolUsage, Units, Unknown


def instance_group_manager(view: View) -> Extracted:
    """A managed instance group, zonal or regional: all sizes are totals of the group."""
    autoscalers = view.referring(("google_compute_autoscaler", "google_compute_region_autoscaler"), "target")
    target = view.number("target_size")
    minimum: Decimal | None
    maximum: Decimal | None
    expected: Decimal | None
    policy = autoscalers[0].block("autoscaling_policy") if autoscalers else None
    if policy is not None and policy.string("mode") != "OFF":
        low, high = policy.number("min_replicas"), policy.number("max_replicas")
        minimum, maximum = units_of(low, Decimal(0)), units_of(high, None)
        if isinstance(target, Unknown) and view.may_be_unset("target_size"):
            target = None
        expected = within(pick_expected(target, low), minimum, maximum)
    else:
        minimum = expected = maximum = units_of(target, Decimal(0))
    units = Units(minimum, expected, maximum)
    versions = view.blocks("version")
    if not versions:
        machine = template_of(view, GROUP_LINK)
        return Extracted((machine.pool(units),), via=machine.via)
    pools: list[PoolUsage] = []
    via: list[str] = []
    machines = [
        template_of(version, TemplateLink(("instance_template",), INSTANCE_TEMPLATES, TEMPLATE_BY))
        for version in versions
    ]
    shares = _version_shares(versions, units)
    for machine, share in zip(machines, shares, strict=True):
        via.extend(machine.via)
        pools.append(machine.pool(share))
    return Extracted(tuple(pools), via=tuple(dict.fromkeys(via)))


def template_of(view: View, link: TemplateLink) -> Machine:
    """The machine of the instance template behind a link."""
    machine = followed_machine(view, link, template_machine)
    return machine or Machine(unknown=Unknown("its instance template is not in the plan", "unknown-machine-type"))


def _version_shares(versions: list[View], units: Units) -> list[Units]:
    """Units of each version: a fixed number or percentage (rounded up), the rest to the version without target_size."""

    def split(total: Decimal | None) -> list[Decimal | None]:
        if total is None:
            return [None] * len(versions)
        sizes: list[Decimal | None] = []
        for version in versions:
            fixed, percent = version.known_number("target_size.fixed"), version.known_number("target_size.percent")
            if fixed is not None:
                sizes.append(min(fixed, total))
            elif percent is not None:
                sizes.append((total * percent / 100).to_integral_value("ROUND_CEILING"))
            else:
                sizes.append(None)
        taken = sum((size for size in sizes if size is not None), Decimal(0))
        return [max(total - taken, Decimal(0)) if size is None else size for size in sizes]

    columns = [split(units.min), split(units.expected), split(units.max)]
    return [Units(low, middle, high) for low, middle, high in zip(*columns, strict=True)]


SPECS: tuple[ResourceSpec, ...] = (
    *(
        ResourceSpec(
            type=name,
            cloud="gcp",
            extract=instance_group_manager,
            region=region,
            tags=labels,
            links=(GROUP_LINK,),
            reads=("version", "target_size", "google_compute_autoscaler.target"),
            prices=(
                "the machine or its vCPUs and memory",
                "attached GPUs",
                "disks and local SSDs",
                "a public IPv4 address",
                "the operating system",
                "sustained use discounts",
            ),
            assumes=(
                "Sizes are totals of the group. With an autoscaler and no target_size it starts at min_replicas.",
            ),
            source=f"google provider: {name}",
        )
        for name in ("google_compute_instance_group_manager", "google_compute_region_instance_group_manager")
    ),
)

COMPANIONS: tuple[Companion, ...] = ()
