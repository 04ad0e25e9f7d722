"""IBM Cloud: VPC instances, groups and reservations, Kubernetes and OpenShift worker pools, classic machines with GPUs.

Profiles are named by what they hold (``gx3-16x80x1l4``); worker pools write the same as ``gx3.16x80.l4``
(https://cloud.ibm.com/docs/containers?topic=containers-vpc-flavors). Classic machines with GPUs are the flavors AC1, ACL1,
AC2 and ACL2 (https://cloud.ibm.com/docs/virtual-servers?topic=virtual-servers-about-virtual-server-profiles) and the worker
nodes mg…c.
"""

import re
from collections.abc import Callable
from decimal import Decimal

from msgspec.structs import replace

from gpuguard.extract.common import as_template, followed_machine, listed_tags, text_behind
from gpuguard.extract.plain import provider_region, region_in
from gpuguard.extract.schedules import Event, sizes_of, unix_cron
from gpuguard.extract.spec import (
    Companion,
    Extracted,
    Machine,
    ResourceSpec,
    TemplateLink,
    machine_options,
    units_of,
    within,
)
from gpuguard.extract.view import View
from gpuguard.model.usage import AttachedAccelerator, MachineOption, PoolUsage, Term, Units, Unknown

_TEMPLATES = ("ibm_is_instance_template",)
_TEMPLATE = TemplateLink(("instance_template",), _TEMPLATES, ("id", "name"))
_CLUSTER = TemplateLink(("cluster",), ("ibm_container_vpc_cluster",), ("id", "name", "crn"))
_ATTACHMENT = "ibm_container_worker_pool_zone_attachment"
_MANAGER = "ibm_is_instance_group_manager"
_ACTION = "ibm_is_instance_group_manager_action"
_POOL = "ibm_container_vpc_worker_pool"

_PROFILE = re.compile(r"gx\d+d?-(?:[a-z]+-)?\d+x\d+x(\d+)([a-z][a-z0-9]*)\Z")
_ZONE = re.compile(r"([a-z]{2,3}-[a-z]+)-\d+\Z")
_FLAVOR = re.compile(r"(gx\d+d?)\.(\d+x\d+)[.x](\d*)([a-z][a-z0-9]*)\Z")
_CLASSIC_NODE = re.compile(r"mg\d+c\.[^.]*\.(\d+)x([a-z]\d+)\Z")
_CLASSIC_SERVER = re.compile(r"ACL?([12])_(8|16)X", re.IGNORECASE)
_CLASSIC_GPUS = {"1": "P100", "2": "V100"}
_TERMS: dict[str, Term] = {"one_year": "1y", "three_year": "3y"}


# -- VPC instances ------------------------------------------------------------------------------------------------------


def profile_machine(view: View) -> Machine:
    """Where a `profile` stands: an instance, a template, bare metal."""
    options, unknown = machine_options(view, "profile")
    return Machine(
        options=options,
        unknown=unknown,
        purchase_model="spot" if view.string("availability.0.class") == "spot" else "on_demand",
        accelerators=_named_gpus(options[0].sku) if options else (),
        covered_by=_reservation(view),
        machine_attribute=view.attribute("profile"),
        purchase_attribute=view.attribute("availability.0.class"),
        sensitive=view.is_sensitive("profile"),
    )


def _named_gpus(profile: str) -> tuple[AttachedAccelerator, ...]:
    """What the name of a GPU profile says of its GPUs, for those that the catalog does not know (gx3d-metal-…x8mi300x)."""
    found = _PROFILE.match(profile)
    return (AttachedAccelerator(found[2].upper(), Decimal(found[1])),) if found else ()


def _reservation(view: View) -> str | None:
    """The reservation of the same change that an instance runs in, which pays for it."""
    found = view.follow(("reservation_affinity.0.pool.0.id",), ("ibm_is_reservation",), ("id",)).first
    return found.address if found is not None else None


def template_machine(view: View) -> Machine:
    """`ibm_is_instance_template`."""
    return replace(profile_machine(view), via=(view.address,))


def instance(view: View) -> Extracted:
    """`ibm_is_instance`, of its own profile or of a template's."""
    machine = profile_machine(view)
    if not machine.options and _names_template(view):
        unknown = Unknown("the plan does not tell its instance template", "unknown-machine-type")
        machine = followed_machine(view, _TEMPLATE, template_machine) or replace(machine, unknown=unknown)
    if not machine.options and machine.unknown is None:
        return Extracted(())
    return Extracted((machine.pool(Units.fixed(1)),), via=machine.via)


def _names_template(view: View) -> bool:
    return view.get("instance_template") is not None


def one_machine(view: View) -> Extracted:
    """`ibm_is_bare_metal_server`."""
    return Extracted((profile_machine(view).pool(Units.fixed(1)),))


def reservation(view: View) -> Extracted:
    """`ibm_is_reservation`: capacity of a profile, committed to for a term and billed whether it is used or not."""
    profile = view.block("profile")
    if profile is None:
        return Extracted(())
    options, unknown = machine_options(profile, "name")
    machine = Machine(
        options=options,
        unknown=unknown,
        purchase_model="reserved",
        term=_TERMS.get(view.string("committed_use.0.term") or ""),
        machine_attribute=profile.attribute("name"),
        sensitive=profile.is_sensitive("name"),
    )
    return Extracted((machine.pool(Units.fixed(units_of(view.number("capacity.0.total"), Decimal(1)))),))


def group(view: View) -> Extracted:
    """`ibm_is_instance_group`: its size, the bounds of its manager, and scheduled sizes."""
    machine = followed_machine(view, _TEMPLATE, template_machine)
    if machine is None:
        machine = Machine(unknown=Unknown("the plan does not tell its instance template", "unknown-machine-type"))
    count = units_of(view.number("instance_count"), Decimal(0))
    pool = machine.pool(Units.fixed(count))
    managers = [each for each in view.referring((_MANAGER,), "instance_group") if _is_on(each)]
    for manager in managers:
        if manager.string("manager_type") in (None, "autoscale"):
            pool = replace(pool, units=_managed(manager, count))
    if not any(manager.string("manager_type") in (None, "autoscale") for manager in managers):
        pool = _scheduled(view, pool, managers)
    return Extracted((pool,), via=machine.via)


def _is_on(manager: View) -> bool:
    """`enable_manager` is true unless it says otherwise."""
    return manager.known("enable_manager") is not False


def _managed(manager: View, count: Decimal | None) -> Units:
    """Bounds of an autoscaling manager: at least one member unless it says otherwise."""
    low = units_of(manager.number("min_membership_count"), Decimal(1))
    high = units_of(manager.number("max_membership_count"), None)
    return Units(low, within(count, low, high), high)


def _scheduled(view: View, pool: PoolUsage, managers: list[View]) -> PoolUsage:
    """The sizes that scheduled actions set one after another (cron in UTC)."""
    events: list[tuple[Event, Decimal]] = []
    for manager in managers:
        for action in manager.referring((_ACTION,), "instance_group_manager"):
            cron, size = unix_cron(action.string("cron_spec")), action.known_number("membership_count")
            if cron is None or size is None:
                view.note(
                    "warning", "unread-schedule", f"{action.address} cannot be read as a schedule: it is left out"
                )
                return pool
            events.append((Event(cron), size))
    found = sizes_of(events)
    if found is None:
        return pool
    units, hours = found
    return replace(pool, units=units, hours_per_month=hours, max_hours_per_month=hours)


# -- worker pools -------------------------------------------------------------------------------------------------------


def flavor_option(name: str) -> MachineOption:
    """A worker node's flavor and the instance profile behind it: ``gx3.32x160.2l4`` is a gx3-32x160x2l4."""
    found = _FLAVOR.match(name)
    return MachineOption(name, machine=f"{found[1]}-{found[2]}x{found[3] or 1}{found[4]}" if found else None)


def _node_machine(view: View, attribute: str) -> Machine:
    options, unknown = machine_options(view, attribute)
    classic = _CLASSIC_NODE.match(options[0].sku) if len(options) == 1 else None
    if any(option.sku.startswith("gx") for option in options):
        view.note("info", "priced-as-instance", "its workers are priced as instances of the profile behind the flavor")
    return Machine(
        options=tuple(flavor_option(option.sku) for option in options),
        unknown=unknown,
        accelerators=(AttachedAccelerator(classic[2].upper(), Decimal(classic[1])),) if classic else (),
        machine_attribute=view.attribute(attribute),
        sensitive=view.is_sensitive(attribute),
    )


def _per_zone(view: View, size: Decimal | Unknown | None) -> Units:
    """Workers of a VPC pool: `worker_count` in each of its zones."""
    zones = len(view.blocks("zones"))
    count = units_of(size, Decimal(1))
    if not zones:
        view.note("warning", "unknown-zones", "the plan does not tell its zones: how many workers run is not known")
        return Units.fixed(None)
    return Units.fixed(None if count is None else count * zones)


def vpc_worker_pool(view: View) -> Extracted:
    """`ibm_container_vpc_worker_pool`."""
    return Extracted((_node_machine(view, "flavor").pool(_per_zone(view, view.number("worker_count"))),))


def vpc_cluster(view: View) -> Extracted:
    """`ibm_container_vpc_cluster`: its default worker pool, unless a resource of its own manages that."""
    pools = view.referring((_POOL,), "cluster")
    if any(pool.string("worker_pool_name") == "default" and pool.flag("import_on_create") for pool in pools):
        return Extracted(())
    return vpc_worker_pool(view)


def classic_worker_pool(view: View) -> Extracted:
    """`ibm_container_worker_pool`: `size_per_zone` workers in each zone that is attached to it."""
    zones = len(view.referring((_ATTACHMENT,), "worker_pool"))
    size = units_of(view.number("size_per_zone"), Decimal(0))
    if not zones:
        view.note("info", "assumed-zones", "no zone of the plan is attached to it; one is assumed")
    units = Units.fixed(None if size is None else size * max(zones, 1))
    return Extracted((_node_machine(view, "machine_type").pool(units),))


def classic_cluster(view: View) -> Extracted:
    """`ibm_container_cluster`: its default pool, or workers without a pool."""
    size = view.number("default_pool_size")
    size = view.number("worker_num") if size is None else size
    units = Units.fixed(units_of(size, Decimal(1)))
    machine = _node_machine(view, "machine_type")
    return Extracted((machine.pool(units),) if machine.options or machine.unknown else ())


# -- classic infrastructure ---------------------------------------------------------------------------------------------


def _classic_server(view: View) -> Machine:
    options, unknown = machine_options(view, "flavor_key_name")
    name = options[0].sku if len(options) == 1 else ""
    found = _CLASSIC_SERVER.match(name)
    count = Decimal(2) if found and found[2] == "16" else Decimal(1)
    return Machine(
        options=options,
        unknown=unknown,
        accelerators=(AttachedAccelerator(_CLASSIC_GPUS[found[1]], count),) if found else (),
        machine_attribute=view.attribute("flavor_key_name"),
        sensitive=view.is_sensitive("flavor_key_name"),
    )


def classic_server(view: View) -> Extracted:
    """`ibm_compute_vm_instance`; without a flavor it has the cores it asks for and no GPU."""
    machine = _classic_server(view)
    return Extracted((machine.pool(Units.fixed(1)),) if machine.options or machine.unknown else ())


def classic_group(view: View) -> Extracted:
    """`ibm_compute_autoscale_group`: the members of its template."""
    template = view.block("virtual_guest_member_template")
    machine = _classic_server(template) if template is not None else Machine()
    if not machine.options and machine.unknown is None:
        return Extracted(())
    low, high = view.number("minimum_member_count"), view.number("maximum_member_count")
    least = units_of(low, Decimal(0))
    return Extracted((machine.pool(Units(least, least, units_of(high, None))),))


def classic_bare_metal(view: View) -> Extracted:
    """`ibm_compute_bare_metal` with one or two GPUs (``GPU_NVIDIA_TESLA_V100``)."""
    keys = [key for path in ("gpu_key_name", "gpu_secondary_key_name") if (key := view.string(path))]
    if not keys:
        return Extracted(())
    name = view.string("package_key_name") or view.string("fixed_config_preset") or "bare metal"
    model = keys[0].upper().removeprefix("GPU_").replace("_", "-")
    machine = Machine(
        options=(MachineOption(name),),
        accelerators=(AttachedAccelerator(model, Decimal(len(keys))),),
        machine_attribute=view.attribute("gpu_key_name"),
        sensitive=any(view.is_sensitive(path) for path in ("gpu_key_name", "package_key_name")),
    )
    return Extracted((machine.pool(Units.fixed(1)),))


# -- where ----------------------------------------------------------------------------------------------------------------


def _zone_region(view: View) -> str | None:
    return (
        region_in(view.string("zone"), _ZONE) or region_in(view.string("zones.0.name"), _ZONE) or provider_region(view)
    )


def _template_region(view: View) -> str | None:
    """The zone of the template an instance or a group uses, else the provider's region."""
    return (
        region_in(view.string("zone"), _ZONE)
        or region_in(text_behind(view, _TEMPLATE, "zone"), _ZONE)
        or provider_region(view)
    )


def _pool_region(view: View) -> str | None:
    cluster = view.follow(_CLUSTER.paths, _CLUSTER.types, _CLUSTER.by).first
    own = region_in(view.string("zones.0.name"), _ZONE)
    return own or (_zone_region(cluster) if cluster is not None else provider_region(view))


def _datacenter(view: View) -> str | None:
    """Classic infrastructure is in data centers (dal10), which are their own regions here."""
    found = view.referring((_ATTACHMENT,), "worker_pool")
    return view.string("datacenter") or (found[0].string("zone") if found else None) or provider_region(view)


_INSTANCE_PRICED = ("the instances with their GPUs",)
_VOLUMES = ("boot and data volumes", "images with a licence")
_NODES = ("the worker nodes with their GPUs, at the price of the instance profile behind the flavor",)
_NODES_LEFT = (
    "the OpenShift licence",
    "secondary storage",
    "bounds of the cluster autoscaler, which are no part of the plan",
)


def _spec(
    type_: str,
    extract: Callable[[View], Extracted],
    region: Callable[[View], "str | Unknown | None"],
    reads: tuple[str, ...],
    *,
    prices: tuple[str, ...] = _INSTANCE_PRICED,
    leaves_out: tuple[str, ...] = _VOLUMES,
    assumes: tuple[str, ...] = (),
    probe: tuple[str, ...] = (),
    links: tuple[TemplateLink, ...] = (),
    template: bool = False,
) -> ResourceSpec:
    return ResourceSpec(
        type=type_,
        cloud="ibm",
        extract=extract,
        region=region,
        tags=listed_tags,
        probe=probe,
        template=template,
        links=links,
        reads=reads,
        prices=prices,
        leaves_out=leaves_out,
        assumes=assumes,
        source=f"ibm provider: {type_}",
    )


SPECS: tuple[ResourceSpec, ...] = (
    _spec(
        "ibm_is_instance",
        instance,
        _template_region,
        ("profile", "instance_template", "availability.class", "reservation_affinity.pool", "zone"),
        assumes=("It runs all month: `action` is a command and no state.",),
        links=(_TEMPLATE,),
    ),
    _spec(
        "ibm_is_instance_template",
        as_template(profile_machine),
        _zone_region,
        ("profile", "availability.class", "zone"),
        template=True,
        prices=(),
        probe=("profile",),
    ),
    _spec(
        "ibm_is_instance_group",
        group,
        _template_region,
        ("instance_template", "instance_count", f"{_MANAGER}.instance_group", f"{_ACTION}.instance_group_manager"),
        assumes=("Scheduled actions count where no autoscaling manager moves the size; their cron is meant in UTC.",),
        links=(_TEMPLATE,),
    ),
    _spec(
        "ibm_is_reservation",
        reservation,
        _zone_region,
        ("profile.name", "capacity.total", "committed_use.term", "zone"),
        prices=("the reserved capacity, where the catalog has the price of the term",),
        assumes=("It is billed for the whole term, used or not.",),
    ),
    _spec(
        "ibm_is_bare_metal_server",
        one_machine,
        _zone_region,
        ("profile", "zone"),
        probe=("profile",),
        prices=("the server with its GPUs, where the catalog has its price",),
    ),
    _spec(
        _POOL,
        vpc_worker_pool,
        _pool_region,
        ("flavor", "worker_count", "zones", "cluster"),
        prices=_NODES,
        leaves_out=_NODES_LEFT,
        assumes=("`worker_count` counts per zone.",),
    ),
    _spec(
        "ibm_container_vpc_cluster",
        vpc_cluster,
        _zone_region,
        ("flavor", "worker_count", "zones", f"{_POOL}.import_on_create"),
        prices=_NODES,
        leaves_out=_NODES_LEFT,
        assumes=("`worker_count` counts per zone and is 1 where it is not set.",),
    ),
    _spec(
        "ibm_container_worker_pool",
        classic_worker_pool,
        _datacenter,
        ("machine_type", "size_per_zone", f"{_ATTACHMENT}.worker_pool"),
        prices=("the worker nodes with their GPUs, where the catalog has their price",),
        leaves_out=_NODES_LEFT,
        assumes=("`size_per_zone` counts in each attached zone; one zone where the plan attaches none.",),
    ),
    _spec(
        "ibm_container_cluster",
        classic_cluster,
        _datacenter,
        ("machine_type", "default_pool_size", "worker_num", "datacenter"),
        prices=("the worker nodes with their GPUs, where the catalog has their price",),
        leaves_out=_NODES_LEFT,
        assumes=("One worker where no size is set.",),
    ),
    _spec(
        "ibm_compute_vm_instance",
        classic_server,
        _datacenter,
        ("flavor_key_name", "datacenter"),
        prices=("the server with its GPUs, where the catalog has its price",),
        leaves_out=("disks",),
    ),
    _spec(
        "ibm_compute_autoscale_group",
        classic_group,
        provider_region,
        ("virtual_guest_member_template.flavor_key_name", "minimum_member_count", "maximum_member_count"),
        prices=("the servers with their GPUs, where the catalog has their price",),
        leaves_out=("disks",),
        assumes=("A group starts at its minimum.",),
    ),
    _spec(
        "ibm_compute_bare_metal",
        classic_bare_metal,
        _datacenter,
        ("gpu_key_name", "gpu_secondary_key_name", "package_key_name", "fixed_config_preset", "datacenter"),
        prices=("the server with its GPUs, where the catalog has its price",),
        leaves_out=("disks",),
    ),
)

COMPANIONS: tuple[Companion, ...] = (
    Companion(
        type=_MANAGER,
        of=("ibm_is_instance_group",),
        reads=("instance_group", "manager_type", "enable_manager", "min_membership_count", "max_membership_count"),
        says="Between which sizes an autoscaling manager moves the group.",
        source=f"ibm provider: {_MANAGER}",
    ),
    Companion(
        type=_ACTION,
        of=("ibm_is_instance_group",),
        reads=("instance_group_manager", "cron_spec", "membership_count"),
        says="The sizes that a scheduled manager sets, and when.",
        source=f"ibm provider: {_ACTION}",
    ),
    Companion(
        type=_ATTACHMENT,
        of=("ibm_container_worker_pool",),
        reads=("worker_pool", "zone"),
        says="In which zones a classic worker pool runs.",
        source=f"ibm provider: {_ATTACHMENT}",
    ),
)
