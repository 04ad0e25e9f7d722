"""Alibaba Cloud: ECS instances and groups, ACK node pools, reservations, containers, functions, EAS services and EMR."""

import json
import re
from collections.abc import Callable, Iterable
from decimal import ROUND_CEILING, Decimal

from msgspec.structs import replace

from gpuguard.extract.common import as_template, followed_machine, string_tags, text_behind
from gpuguard.extract.plain import provider_region, region_in
from gpuguard.extract.schedules import Event, sizes_of, unix_cron
from gpuguard.extract.spec import (
    Companion,
    Extracted,
    Machine,
    ResourceSpec,
    TemplateLink,
    above_base,
    bounded,
    machine_options,
    split,
    units_of,
    within,
)
from gpuguard.extract.view import View
from gpuguard.model.usage import (
    AttachedAccelerator,
    Charge,
    MachineOption,
    Pick,
    PoolUsage,
    PurchaseModel,
    Term,
    Units,
    Unknown,
)

_LAUNCH_TEMPLATES = ("alicloud_ecs_launch_template", "alicloud_launch_template")
_TEMPLATE = TemplateLink(
    ("launch_template_id", "launch_template_name"), _LAUNCH_TEMPLATES, ("id", "launch_template_name", "name")
)
_VSWITCH = TemplateLink(("vswitch_id",), ("alicloud_vswitch",), ("id",))
_CONFIGURATION = "alicloud_ess_scaling_configuration"
_RULE = "alicloud_ess_scaling_rule"
_TASK = "alicloud_ess_scheduled_task"
_ASSURANCE = "alicloud_ecs_elasticity_assurance"
_RESERVATION = "alicloud_ecs_capacity_reservation"
_PROVISION = "alicloud_fcv3_provision_config"
_CONCURRENCY = "alicloud_fcv3_concurrency_config"

_ZERO, _ONE, _ALL = Decimal(0), Decimal(1), Decimal(100)
_SPOT = ("SpotWithPriceLimit", "SpotAsPriceGo")
_TERMS: dict[Decimal, Term] = {Decimal(12): "1y", Decimal(36): "3y"}
_ZONE = re.compile(r"([a-z]{2}-[a-z]+(?:-lr)?|[a-z]{2}-[a-z]+-\d+)-?[a-z]\Z")
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T(\d{2}):(\d{2})")
_MOST_TYPES = 100

_FUNCTION_GPUS = {
    "fc.gpu.tesla.1": ("T4", Decimal(16384)),
    "fc.gpu.ampere.1": ("A10", Decimal(24576)),
}
"""Cards of GPU functions and their memory in MB: a function gets the share of a card that its GPU memory is
(https://registry.terraform.io/providers/aliyun/alicloud/latest/docs/resources/fcv3_function)."""


# -- machines -----------------------------------------------------------------------------------------------------------


def ecs_machine(view: View, attribute: str = "instance_type") -> Machine:
    """Where an ECS instance type stands, with what it says of its purchase: on demand, spot, or subscription."""
    options, unknown = machine_options(view, attribute)
    return _bought(view, Machine(options=options, unknown=unknown), attribute)


def _several(view: View, path: str) -> tuple[tuple[MachineOption, ...], Unknown | None]:
    """A list of instance types."""
    names = view.texts(path)
    if isinstance(names, Unknown):
        return (), Unknown(names.reason, "unknown-machine-type")
    return tuple(MachineOption(name) for name in names[:_MOST_TYPES]), None


def _bought(view: View, machine: Machine, attribute: str) -> Machine:
    model, term = _purchase(view)
    return replace(
        machine,
        purchase_model=model,
        term=term,
        spot_max_price=_price_limit(view) if model == "spot" else None,
        machine_attribute=view.attribute(attribute),
        purchase_attribute=view.attribute("spot_strategy"),
        sensitive=view.is_sensitive(attribute),
    )


def _purchase(view: View) -> tuple[PurchaseModel, Term | None]:
    """A subscription is paid ahead for a number of months; the spot strategy counts for the others."""
    if view.string("instance_charge_type") == "PrePaid":
        months = view.known_number("period") if view.string("period_unit") in (None, "Month") else None
        return "reserved", _TERMS.get(months) if months is not None else None
    return ("spot" if view.string("spot_strategy") in _SPOT else "on_demand"), None


def _price_limit(view: View) -> Decimal | None:
    """The limit that counts where the strategy is to have one; lists of limits are by instance type."""
    if view.string("spot_strategy") != "SpotWithPriceLimit" or isinstance(view.known("spot_price_limit"), list):
        return None
    return view.known_number("spot_price_limit")


def template_machine(view: View) -> Machine:
    """A launch template."""
    return replace(ecs_machine(view), via=(view.address,))


def _own_or_template(view: View) -> Machine | None:
    """The machine of an instance: its own type, else that of its launch template."""
    machine = ecs_machine(view)
    if not machine.options and view.get("launch_template_id") is None and view.get("launch_template_name") is None:
        return machine if machine.unknown else None
    if not machine.options:
        found = followed_machine(view, _TEMPLATE, template_machine)
        if found is None:
            return replace(
                machine, unknown=Unknown("the plan does not tell its launch template", "unknown-machine-type")
            )
        return found if view.string("spot_strategy") is None else replace(found, purchase_model=machine.purchase_model)
    return machine


def _covered(view: View) -> str | None:
    """The capacity reservation of the same change that an instance runs in.

    An elasticity assurance only guarantees that there is capacity: what runs in it is billed all the same
    (https://www.alibabacloud.com/help/en/ecs/user-guide/overview-of-elasticity-assurances).
    """
    paths, by = ("private_pool_options_id",), ("id",)
    if view.follow(paths, (_ASSURANCE,), by).first is not None:
        view.note("info", "assurance-fee", "the fee of its elasticity assurance is not counted")
        return None
    found = view.follow(paths, (_RESERVATION,), by).first
    return found.address if found is not None else None


def instance(view: View) -> Extracted:
    """`alicloud_instance`: stopped in economical mode it costs nothing but its disks."""
    machine = _own_or_template(view)
    if machine is None:
        return Extracted(())
    units = Units.fixed(1)
    if view.string("status") == "Stopped":
        if view.string("stopped_mode") == "StopCharging":
            units = Units(_ZERO, _ZERO, _ONE)
            view.note("info", "stopped", "it is stopped in economical mode: only its disks are billed until it starts")
        else:
            view.note("info", "billed-while-stopped", "it is stopped, which does not lower its price")
    return Extracted((machine.pool(units, covered_by=_covered(view)),), via=machine.via)


def instance_set(view: View) -> Extracted:
    """`alicloud_ecs_instance_set`: `amount` instances."""
    machine = _own_or_template(view)
    if machine is None:
        return Extracted(())
    return Extracted((machine.pool(Units.fixed(units_of(view.number("amount"), _ONE))),), via=machine.via)


def capacity_reservation(view: View) -> Extracted:
    """`alicloud_ecs_capacity_reservation`: billed like running instances, used or not."""
    machine = replace(ecs_machine(view), purchase_model="capacity_reservation")
    return Extracted((machine.pool(Units.fixed(units_of(view.number("instance_amount"), _ONE))),))


# -- groups -------------------------------------------------------------------------------------------------------------


def provisioning_group(view: View) -> Extracted:
    """`alicloud_auto_provisioning_group`: capacity units shared between on demand and spot.

    What neither share asks for is of the default type, spot unless it says otherwise.
    """
    base = followed_machine(view, _TEMPLATE, template_machine) or Machine(
        unknown=Unknown("the plan does not tell its launch template", "unknown-machine-type")
    )
    configs = sorted(view.blocks("launch_template_config"), key=lambda each: each.known_number("priority") or _ZERO)
    options = tuple(_weighted(config, base) for config in configs[:_MOST_TYPES])
    options = tuple(option for option in options if option is not None)
    machine = replace(base, options=options or base.options, purchase_model="on_demand", spot_max_price=None)
    total = units_of(view.number("total_target_capacity"), None)
    regular = units_of(view.number("pay_as_you_go_target_capacity"), _ZERO)
    spot = units_of(view.number("spot_target_capacity"), _ZERO)
    if total is not None and regular is not None and spot is not None:
        rest = max(total - regular - spot, _ZERO)
        if view.string("default_target_capacity_type") == "PayAsYouGo":
            regular += rest
        else:
            spot += rest
    ordered = view.string("pay_as_you_go_allocation_strategy") == "prioritized"
    pools = []
    for size, model, pick in ((regular, "on_demand", "first" if ordered else "cheapest"), (spot, "spot", "cheapest")):
        if size is None or size > 0:
            pools.append(machine.pool(Units.fixed(size), purchase_model=model, pick=pick))
    return Extracted(tuple(pools), via=base.via)


def _weighted(config: View, base: Machine) -> MachineOption | None:
    name = config.string("instance_type")
    if name is None:
        return base.options[0] if base.options else None
    weight = config.known_number("weighted_capacity")
    return MachineOption(name, weight or _ONE, config.known_number("max_price") or None)


def configuration_machine(view: View) -> Machine:
    """`alicloud_ess_scaling_configuration`: one type, or several in order of preference."""
    options, unknown = _several(view, "instance_types")
    attribute = "instance_types"
    if not options:
        single, other = machine_options(view, "instance_type")
        options, unknown, attribute = single, other or unknown, "instance_type"
    if not options:
        options, unknown = _weights(view, "instance_type_override") or (), unknown
    if not options and unknown is None:
        unknown = _pattern_unknown(view, "instance_pattern_info")
    machine = Machine(options=options, unknown=unknown, via=(view.address,), accelerated=bool(options or unknown))
    return _bought(view, machine, attribute)


def _weights(view: View, path: str) -> tuple[MachineOption, ...]:
    found = []
    for block in view.blocks(path)[:_MOST_TYPES]:
        name = block.string("instance_type")
        if name:
            weight, limit = block.known_number("weighted_capacity"), block.known_number("spot_price_limit")
            found.append(MachineOption(name, weight or _ONE, limit or None))
    return tuple(found)


def _pattern_unknown(view: View, path: str) -> Unknown | None:
    """Types chosen by their properties: told only where GPU families are among those that may be chosen."""
    for block in view.blocks(path):
        families = block.texts("instance_type_families")
        names = families if isinstance(families, list) else []
        categories = block.texts("instance_categories")
        about = [each for each in categories if "GPU" in each or "FPGA" in each] if isinstance(categories, list) else []
        if about or any(view.context.looks_accelerated("alibaba", f"{name}.xlarge") for name in names[:_MOST_TYPES]):
            return Unknown("the machine type is chosen by its properties", "unknown-machine-type")
    return None


def scaling_group(view: View) -> Extracted:
    """`alicloud_ess_scaling_group`: the machine of its active configuration or launch template."""
    if view.string("group_type") == "ECI":
        return Extracted(())
    machine = _group_machine(view)
    if not machine.accelerated:
        return Extracted(())
    units = bounded(view.number("min_size"), view.number("desired_capacity"), view.number("max_size"))
    policy = view.string("multi_az_policy")
    pick: Pick = "cheapest" if policy == "COST_OPTIMIZED" else "first"
    pool = _scheduled(view, machine.pool(units, pick=pick))
    prefix = (
        "capacity_options_"
        if view.number("capacity_options_on_demand_percentage_above_base_capacity") is not None
        else ""
    )
    share = None
    if policy in ("COST_OPTIMIZED", "COMPOSABLE"):
        share = _share(view, prefix)
    return Extracted(_mixed(pool, share), via=machine.via)


def _group_machine(view: View) -> Machine:
    configurations = view.referring((_CONFIGURATION,), "scaling_group_id")
    active = [each for each in configurations if each.known("active") is not False] or configurations
    if active:
        machines = [configuration_machine(each) for each in active]
        machine = next((each for each in machines if each.options), machines[0])
        return replace(machine, via=tuple(name for each in machines for name in each.via))
    found = followed_machine(view, _TEMPLATE, template_machine)
    if found is None:
        unknown = Unknown("the plan does not tell its scaling configuration", "unknown-machine-type")
        return Machine(unknown=unknown)
    overrides = _weights(view, "launch_template_override")
    return replace(found, options=overrides) if overrides else found


def _share(view: View, prefix: str = "") -> tuple[Decimal, Decimal] | None:
    """The base and the percentage above it that run on demand; None where nothing is said of them."""
    base = view.known_number(f"{prefix}on_demand_base_capacity")
    percent = view.known_number(f"{prefix}on_demand_percentage_above_base_capacity")
    return None if base is None and percent is None else (base or _ZERO, _ALL if percent is None else percent)


def _mixed(pool: PoolUsage, share: tuple[Decimal, Decimal] | None) -> tuple[PoolUsage, ...]:
    """One pool, or two where part of it runs on demand and the rest as spot."""
    if share is None:
        return (pool,)
    base, percent = share

    regular, spot = split(pool.units, above_base(base, percent))
    pools = (
        replace(pool, units=regular, purchase_model="on_demand", spot_max_price=None),
        replace(pool, units=spot, purchase_model="spot"),
    )
    return tuple(each for each in pools if each.units.max is None or each.units.max > 0) or pools[:1]


# -- schedules ----------------------------------------------------------------------------------------------------------


def _scheduled(view: View, pool: PoolUsage) -> PoolUsage:
    """The sizes that scheduled tasks set, directly or by a scaling rule; alarms may still move the group to its maximum."""
    events: list[tuple[Event, Decimal]] = []
    for task, size in _tasks(view):
        if task.known("task_enabled") is False:
            continue
        cron = _cron(task)
        if cron is None or size is None:
            view.note("warning", "unread-schedule", f"{task.address} cannot be read as a schedule: it is left out")
            return pool
        events.append((Event(cron), size))
    found = sizes_of(events)
    if found is None:
        return pool
    units, hours = found
    low, high = pool.units.min, pool.units.max
    if low is not None and units.min is not None:
        low = min(low, units.min)
    return replace(pool, units=Units(low, within(units.expected, low, high), high), hours_per_month=hours)


def _tasks(view: View) -> Iterable[tuple[View, Decimal | None]]:
    for task in view.referring((_TASK,), "scaling_group_id"):
        size = task.known_number("desired_capacity")
        yield task, size if size is not None else task.known_number("min_value")
    for rule in view.referring((_RULE,), "scaling_group_id"):
        if rule.string("adjustment_type") != "TotalCapacity":
            continue
        for task in rule.referring((_TASK,), "scheduled_action"):
            yield task, rule.known_number("adjustment_value")


def _cron(task: View) -> str | None:
    """When a task recurs, in UTC: as a cron expression, every day, or on days of the week at the time it is first launched."""
    kind, value = task.string("recurrence_type"), task.string("recurrence_value")
    if kind == "Cron":
        return unix_cron((value or "").replace("?", "*"))
    time = _TIME.match(task.string("launch_time") or "")
    if time is None or value is None:
        return None
    at = f"{int(time[2])} {int(time[1])}"
    if kind == "Daily" and value == "1":
        return f"{at} * * *"
    return unix_cron(f"{at} * * {value}") if kind == "Weekly" and re.fullmatch(r"[0-6](?:,[0-6])*", value) else None


# -- Kubernetes ---------------------------------------------------------------------------------------------------------


def node_pool(view: View) -> Extracted:
    """`alicloud_cs_kubernetes_node_pool`: the first instance type that is to be had."""
    options, unknown = _several(view, "instance_types")
    if not options and unknown is None:
        unknown = _pattern_unknown(view, "instance_patterns")
    if not options and unknown is None:
        return Extracted(())
    machine = _bought(view, Machine(options=options, unknown=unknown), "instance_types")
    desired = view.number("desired_size")
    desired = view.number("node_count") if desired is None else desired
    scaling = view.block("scaling_config")
    if scaling is not None and scaling.known("enable") is not False and scaling.number("max_size") is not None:
        units = bounded(scaling.number("min_size"), desired, scaling.number("max_size"))
    else:
        units = Units.fixed(units_of(desired, _ZERO))
    policy = view.string("multi_az_policy")
    pick: Pick = "cheapest" if policy == "COST_OPTIMIZED" else "first"
    share = _share(view) if policy == "COST_OPTIMIZED" else None
    return Extracted(_mixed(machine.pool(units, pick=pick), share))


def cluster(view: View) -> Extracted:
    """A cluster with workers of its own: old versions of the provider, and edge clusters."""
    options, unknown = _several(view, "worker_instance_types")
    if not options and unknown is None:
        return Extracted(())
    machine = Machine(
        options=options,
        unknown=unknown,
        machine_attribute=view.attribute("worker_instance_types"),
        sensitive=view.is_sensitive("worker_instance_types"),
    )
    units = Units.fixed(units_of(view.number("worker_number"), Decimal(3)))
    return Extracted((machine.pool(units, pick="first"),))


# -- containers, functions, services ------------------------------------------------------------------------------------


def container_group(view: View) -> Extracted:
    """`alicloud_eci_container_group`: on the instance type it names; containers that ask for GPUs need one."""
    machine = ecs_machine(view)
    if not machine.options:
        wanted = [block.number("gpu") for path in ("containers", "init_containers") for block in view.blocks(path)]
        if not any(isinstance(count, Unknown) or count for count in wanted):
            return Extracted((machine.pool(Units.fixed(1)),) if machine.unknown else ())
        unknown = Unknown("its containers ask for GPUs, and no instance type is named", "unknown-machine-type")
        machine = replace(machine, unknown=machine.unknown or unknown)
    else:
        names = [name.strip() for name in machine.options[0].sku.split(",") if name.strip()]
        machine = replace(machine, options=tuple(MachineOption(name) for name in names[:_MOST_TYPES]))
    return Extracted((machine.pool(Units.fixed(1)),))


def function(view: View) -> Extracted:
    """`alicloud_fcv3_function` with a GPU: instances that are kept ready, and those that requests start."""
    config = view.block("gpu_config")
    kind = config.text("gpu_type") if config is not None else None
    if config is None or kind is None:
        return Extracted(())
    if isinstance(kind, Unknown):
        unknown = Unknown("gpu_config.gpu_type is known only after apply", "unknown-machine-type")
        return Extracted((PoolUsage(options=(), units=Units(_ZERO, _ZERO, None), unknown=unknown),))
    model, memory = _FUNCTION_GPUS.get(kind, (kind, None))
    size = config.known_number("gpu_memory_size")
    count = min(size / memory, _ONE) if size and memory else _ONE
    ready = [units_of(each.number("target"), _ZERO) for each in view.referring((_PROVISION,), "function_name")]
    least = None if None in ready else sum((size for size in ready if size is not None), _ZERO)
    charge = Charge("managed_service", f"fc-gpu-{kind}", "GPU function instances", unit="GPU-hour", quantity=count)
    pool = PoolUsage(
        options=(MachineOption(kind),),
        units=Units(least, least, _most_instances(view)),
        accelerators=(AttachedAccelerator(model, count),),
        charges=(charge,),
        machine_billed=False,
        machine_attribute=config.attribute("gpu_type"),
        sensitive=config.is_sensitive("gpu_type"),
    )
    return Extracted((pool,))


def _most_instances(view: View) -> Decimal | None:
    """What reserved concurrency allows; without it requests start as many as the account may have."""
    for each in view.referring((_CONCURRENCY,), "function_name"):
        limit = each.known_number("reserved_concurrency")
        if limit is not None:
            return (limit / (view.known_number("instance_concurrency") or _ONE)).to_integral_value(ROUND_CEILING)
    view.note("warning", "unbounded-instances", "requests start as many GPU instances as the account may have")
    return None


def eas_service(view: View) -> Extracted:
    """`alicloud_pai_service`: an EAS service as its JSON describes it.

    https://www.alibabacloud.com/help/en/pai/user-guide/parameters-of-model-services
    """
    found = view.embedded("service_config", json.loads)
    if not found:
        if isinstance(view.get("service_config"), Unknown):
            unknown = Unknown("service_config is known only after apply", "unknown-machine-type")
            return Extracted((PoolUsage(options=(), units=Units.fixed(None), unknown=unknown),))
        return Extracted(())
    service = found[0]
    instances = service.number("metadata.instance")
    instances = service.number("instance") if instances is None else instances
    units = Units.fixed(units_of(instances, _ONE))
    types = [block.string("type") for block in service.blocks("cloud.computing.instances")]
    names = [name for name in (*types, service.string("cloud.computing.instance_type")) if name]
    if names:
        charge = Charge("managed_service", "pai-eas-{machine}", "EAS instances")
        pool = PoolUsage(
            options=tuple(MachineOption(name, machine=name) for name in names[:_MOST_TYPES]),
            units=units,
            charges=(charge,),
            machine_billed=False,
            machine_attribute=view.attribute("service_config"),
            sensitive=view.is_sensitive("service_config"),
        )
        return Extracted((pool,))
    gpus = service.known_number("metadata.gpu") or service.known_number("gpu") or _ZERO
    if not gpus:
        return Extracted(())
    # a resource group, which is paid for itself, holds the GPUs that the service asks for
    pool = PoolUsage(
        options=(MachineOption("EAS resource group"),),
        units=units,
        role="demand",
        accelerators=(AttachedAccelerator("GPU", gpus),),
        machine_attribute=view.attribute("service_config"),
        sensitive=view.is_sensitive("service_config"),
    )
    return Extracted((pool,))


# -- EMR ----------------------------------------------------------------------------------------------------------------


def emr_cluster(view: View) -> Extracted:
    """`alicloud_emrv2_cluster`: its node groups."""
    pools = []
    for group in view.blocks("node_groups"):
        options, unknown = _several(group, "instance_types")
        if not options and unknown is None:
            continue
        machine = _bought(group, Machine(options=options, unknown=unknown), "instance_types")
        if "Subscription" in (group.string("payment_type") or view.string("payment_type") or ""):
            machine = replace(machine, purchase_model="reserved")
        count = group.number("node_count")
        bounds = group.block("auto_scaling_policy.0.constraints")
        if bounds is not None and bounds.number("max_capacity") is not None:
            units = bounded(bounds.number("min_capacity"), count, bounds.number("max_capacity"))
        else:
            units = Units.fixed(units_of(count, _ZERO))
        pools.append(machine.pool(units, pick="first"))
    return Extracted(tuple(pools))


def old_emr_cluster(view: View) -> Extracted:
    """`alicloud_emr_cluster`: its host groups."""
    pools = []
    for group in view.blocks("host_group"):
        machine = ecs_machine(group)
        if not machine.options and machine.unknown is None:
            continue
        if (group.string("charge_type") or view.string("charge_type")) == "PrePaid":
            machine = replace(machine, purchase_model="reserved")
        pools.append(machine.pool(Units.fixed(units_of(group.number("node_count"), _ZERO))))
    return Extracted(tuple(pools))


# -- where --------------------------------------------------------------------------------------------------------------


def region(view: View) -> str | None:
    """Of its own zone, of its vswitch's, else of the provider block."""
    for path in ("availability_zone", "zone_id", "zone_ids.0"):
        own = region_in(view.string(path), _ZONE)
        if own:
            return own
    return provider_region(view) or region_in(text_behind(view, _VSWITCH, "zone_id"), _ZONE)


def tags(view: View) -> dict[str, str]:
    """`tags` is a map everywhere."""
    return string_tags(view, "tags")


_PRICED = ("the instances with their GPUs, where the catalog has their price",)
_DISKS = ("system and data disks", "public bandwidth")
_SUBSCRIPTION = "A subscription of 12 or 36 months has that term; shorter ones have none."


def _spec(
    type_: str,
    extract: Callable[[View], Extracted],
    reads: tuple[str, ...],
    *,
    leaves_out: tuple[str, ...] = _DISKS,
    assumes: tuple[str, ...] = (),
    probe: tuple[str, ...] = (),
    links: tuple[TemplateLink, ...] = (),
    template: bool = False,
) -> ResourceSpec:
    return ResourceSpec(
        type=type_,
        cloud="alibaba",
        extract=extract,
        region=region,
        tags=tags,
        probe=probe,
        template=template,
        links=links,
        reads=reads,
        prices=() if template else _PRICED,
        leaves_out=leaves_out,
        assumes=assumes,
        source=f"alicloud provider: {type_}",
    )


_PURCHASE = ("spot_strategy", "spot_price_limit", "instance_charge_type", "period")
_LAUNCH = ("launch_template_id", "launch_template_name")

SPECS: tuple[ResourceSpec, ...] = (
    _spec(
        "alicloud_instance",
        instance,
        (
            "instance_type",
            *_LAUNCH,
            *_PURCHASE,
            "status",
            "stopped_mode",
            "private_pool_options_id",
            "availability_zone",
            "vswitch_id",
        ),
        assumes=(_SUBSCRIPTION, "A stopped instance is billed unless it is stopped in economical mode (StopCharging)."),
        links=(_TEMPLATE,),
    ),
    _spec(
        "alicloud_ecs_instance_set",
        instance_set,
        ("instance_type", "amount", *_LAUNCH, *_PURCHASE, "zone_id", "vswitch_id"),
        assumes=(_SUBSCRIPTION,),
        links=(_TEMPLATE,),
    ),
    *(
        _spec(
            name, as_template(template_machine), ("instance_type", *_PURCHASE), template=True, probe=("instance_type",)
        )
        for name in _LAUNCH_TEMPLATES
    ),
    _spec(
        _CONFIGURATION,
        as_template(configuration_machine),
        ("instance_type", "instance_types", "instance_type_override", "instance_pattern_info", *_PURCHASE, "active"),
        template=True,
    ),
    _spec(
        "alicloud_ess_scaling_group",
        scaling_group,
        (
            "min_size",
            "desired_capacity",
            "max_size",
            "multi_az_policy",
            "on_demand_base_capacity",
            "on_demand_percentage_above_base_capacity",
            "launch_template_id",
            "launch_template_override",
            f"{_CONFIGURATION}.scaling_group_id",
            f"{_TASK}.scaling_group_id",
            f"{_RULE}.scaling_group_id",
        ),
        assumes=(
            "Of several instance types the first, cost-optimised the cheapest.",
            "Scheduled tasks are in UTC; alarms may move the group up to its maximum at any time.",
        ),
        links=(_TEMPLATE,),
    ),
    _spec(
        "alicloud_auto_provisioning_group",
        provisioning_group,
        (
            "launch_template_id",
            "launch_template_config",
            "total_target_capacity",
            "pay_as_you_go_target_capacity",
            "spot_target_capacity",
            "default_target_capacity_type",
            "pay_as_you_go_allocation_strategy",
        ),
        assumes=("Capacity that neither share asks for is spot unless the default type says otherwise.",),
        links=(_TEMPLATE,),
    ),
    _spec(
        _RESERVATION,
        capacity_reservation,
        ("instance_type", "instance_amount", "zone_ids"),
        assumes=("Reserved instances are billed whether they run or not; those that run in it add nothing.",),
        probe=("instance_type",),
    ),
    _spec(
        "alicloud_cs_kubernetes_node_pool",
        node_pool,
        (
            "instance_types",
            "instance_patterns",
            "desired_size",
            "node_count",
            "scaling_config",
            "multi_az_policy",
            "on_demand_base_capacity",
            "on_demand_percentage_above_base_capacity",
            *_PURCHASE,
        ),
        assumes=("The first instance type is used, cost-optimised the cheapest.",),
    ),
    *(
        _spec(
            name,
            cluster,
            ("worker_instance_types", "worker_number"),
            assumes=("Three workers where no number is set.",),
        )
        for name in ("alicloud_cs_kubernetes", "alicloud_cs_managed_kubernetes", "alicloud_cs_edge_kubernetes")
    ),
    _spec(
        "alicloud_eci_container_group",
        container_group,
        (
            "instance_type",
            "containers.gpu",
            "init_containers.gpu",
            "spot_strategy",
            "spot_price_limit",
            "zone_id",
            "vswitch_id",
        ),
        assumes=("It runs all month on an instance of the type it names.",),
    ),
    _spec(
        "alicloud_fcv3_function",
        function,
        (
            "gpu_config.gpu_type",
            "gpu_config.gpu_memory_size",
            "instance_concurrency",
            f"{_PROVISION}.target",
            f"{_CONCURRENCY}.reserved_concurrency",
        ),
        leaves_out=("vCPUs, memory and requests",),
        assumes=("A function has the share of a card that its GPU memory is; one card where that is not known.",),
    ),
    _spec(
        "alicloud_pai_service",
        eas_service,
        ("service_config",),
        leaves_out=("resource groups, which are bought by themselves",),
        assumes=("Of several instance types the first; without one the GPUs are those of a resource group.",),
    ),
    _spec(
        "alicloud_emrv2_cluster",
        emr_cluster,
        (
            "node_groups.instance_types",
            "node_groups.node_count",
            "node_groups.auto_scaling_policy.constraints",
            "node_groups.spot_strategy",
            "payment_type",
            "node_attributes.zone_id",
        ),
        leaves_out=(*_DISKS, "what EMR adds to the price of the instances"),
        assumes=("The first instance type of a node group is used.",),
    ),
    _spec(
        "alicloud_emr_cluster",
        old_emr_cluster,
        ("host_group.instance_type", "host_group.node_count", "charge_type", "zone_id"),
        leaves_out=(*_DISKS, "what EMR adds to the price of the instances"),
    ),
)

COMPANIONS: tuple[Companion, ...] = (
    Companion(
        type=_TASK,
        of=("alicloud_ess_scaling_group",),
        reads=(
            "scaling_group_id",
            "scheduled_action",
            "desired_capacity",
            "min_value",
            "recurrence_type",
            "recurrence_value",
            "launch_time",
        ),
        says="The sizes that a schedule sets, and when.",
        source=f"alicloud provider: {_TASK}",
    ),
    Companion(
        type=_RULE,
        of=("alicloud_ess_scaling_group",),
        reads=("scaling_group_id", "adjustment_type", "adjustment_value"),
        says="The size that a scheduled task sets by a rule.",
        source=f"alicloud provider: {_RULE}",
    ),
    Companion(
        type=_ASSURANCE,
        of=("alicloud_instance",),
        reads=("id",),
        says="That instances in it have a fee beside their own price.",
        source=f"alicloud provider: {_ASSURANCE}",
    ),
    Companion(
        type=_PROVISION,
        of=("alicloud_fcv3_function",),
        reads=("function_name", "target"),
        says="How many instances of a function are kept ready.",
        source=f"alicloud provider: {_PROVISION}",
    ),
    Companion(
        type=_CONCURRENCY,
        of=("alicloud_fcv3_function",),
        reads=("function_name", "reserved_concurrency"),
        says="How many instances requests may start.",
        source=f"alicloud provider: {_CONCURRENCY}",
    ),
)
