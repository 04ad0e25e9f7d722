"""Desktops, application streaming and game servers: AWS services that put a GPU in front of people.

The service's price is all that is paid for a machine; the names say which EC2 machine is behind it.
"""

import re
from decimal import ROUND_CEILING, Decimal

from msgspec.structs import replace

from gpuguard.extract.providers.aws.common import os_named, region, tags
from gpuguard.extract.providers.aws.compute import INSTANCE_TEMPLATE_LINK, template_of
from gpuguard.extract.providers.aws.scaling_targets import Named, scaled
from gpuguard.extract.spec import Extracted, Machine, ResourceSpec, bounded, machine_options, units_of
from gpuguard.extract.view import View
from gpuguard.model.usage import (
    AttachedAccelerator,
    Charge,
    MachineOption,
    OperatingSystem,
    PoolUsage,
    PurchaseModel,
    Units,
    Unknown,
)

_MOST_TYPES = 50

# -- AppStream 2.0 --------------------------------------------------------------------------------------------------------

_STREAM = re.compile(r"stream\.graphics\.(\w+\.\w+)")
_GRAPHICS_PRO = re.compile(r"stream\.graphics-pro\.(\w+)")
_GRAPHICS_DESIGN = {"large": "0.125", "xlarge": "0.25", "2xlarge": "0.5", "4xlarge": "1"}
"""Shares of an AMD FirePro S7150x2, by 1 to 8 GiB of its memory
(https://docs.aws.amazon.com/appstream2/latest/developerguide/instance-types.html)."""
_FLEET_DIMENSION = "appstream:fleet:DesiredCapacity"


def streaming_fleet(view: View) -> Extracted:
    """The streaming instances of a fleet.

    https://docs.aws.amazon.com/appstream2/latest/developerguide/fleet-type.html: an always-on fleet runs all the time; in
    an on-demand fleet instances run while somebody streams and cost a small fee else; the pool of an elastic fleet is the
    service's. With several sessions on an instance, capacity is asked for in sessions.
    """
    machine = _streaming_machine(view)
    if machine is None or view.string("fleet_type") == "ELASTIC":
        return Extracted(())
    each = view.known_number("max_sessions_per_instance") or Decimal(1)
    sessions = view.number("compute_capacity.desired_sessions")
    wanted = sessions if sessions is not None else view.number("compute_capacity.desired_instances")
    size = units_of(wanted, Decimal(0))
    name = view.string("name")
    of_target = scaled(view, _FLEET_DIMENSION, Named(f"fleet/{name}" if name else None), size, Units.fixed(size))
    per = each if sessions is not None else Decimal(1)
    found = of_target.units
    units = Units(_instances(found.min, per), _instances(found.expected, per), _instances(found.max, per))
    if view.string("fleet_type") == "ON_DEMAND":
        message = "its instances run while somebody streams: all hours are counted, the usage file can tell fewer"
        view.note("info", "all-hours-counted", message)
    pool = _service_pool(
        machine, units, "{sku}", "streaming instance", machine.os, of_target.hours, of_target.max_hours
    )
    return Extracted((pool,))


def _instances(sessions: Decimal | None, per: Decimal) -> Decimal | None:
    return None if sessions is None else (sessions / per).to_integral_value(ROUND_CEILING)


def image_builder(view: View) -> Extracted:
    """An image builder: billed while it runs, with or without somebody at it."""
    machine = _streaming_machine(view)
    if machine is None:
        return Extracted(())
    view.note(
        "info", "all-hours-counted", "an image builder costs while it runs: all hours are counted until it is stopped"
    )
    return Extracted((_service_pool(machine, Units.fixed(1), "{sku}", "image builder", machine.os),))


def _streaming_machine(view: View) -> Machine | None:
    options, unknown = machine_options(view, "instance_type")
    if not options and unknown is None:
        return None
    shares = [_GRAPHICS_DESIGN.get(option.sku.removeprefix("stream.graphics-design.")) for option in options]
    return Machine(
        options=tuple(MachineOption(option.sku, machine=_behind_stream(option.sku)) for option in options),
        unknown=unknown,
        os=_streaming_os(view),
        accelerators=tuple(AttachedAccelerator("FirePro S7150x2", Decimal(share)) for share in shares[:1] if share),
        machine_attribute=view.attribute("instance_type"),
        sensitive=view.is_sensitive("instance_type"),
    )


def _behind_stream(name: str) -> str | None:
    """The EC2 machine behind an instance type of AppStream.

    https://docs.aws.amazon.com/appstream2/latest/developerguide/instance-types.html: graphics-pro has the GPUs, vCPUs and
    memory of G3.
    """
    found = _STREAM.fullmatch(name)
    if found is not None:
        return found[1]
    found = _GRAPHICS_PRO.fullmatch(name)
    return f"g3.{found[1]}" if found is not None else None


def _streaming_os(view: View) -> OperatingSystem:
    """Windows, unless the image is named after a Linux."""
    image = f"{view.string('image_name') or ''} {view.string('image_arn') or ''}".lower()
    if "rhel" in image or "rocky" in image or "red-hat" in image:
        return "rhel"
    return "linux" if "amazonlinux" in image.replace("-", "").replace("_", "") else "windows"


# -- WorkSpaces -----------------------------------------------------------------------------------------------------------

_BUNDLE = ("aws_workspaces_bundle",)
_GRAPHICS = {
    "GRAPHICS": "g2.2xlarge",
    "GRAPHICSPRO": "g3.4xlarge",
    "GRAPHICS_G4DN": "g4dn.xlarge",
    "GRAPHICSPRO_G4DN": "g4dn.4xlarge",
}
"""The EC2 machines with the vCPUs, memory and GPUs of graphics bundles (https://aws.amazon.com/workspaces/features/)."""
_NAMED = re.compile(r"GRAPHICS_(GR?\d+[A-Z]*)_(\w+)")
_INCLUDED_GIB = Decimal(100)
"""Size of the root and of the user volume that the price of a graphics bundle includes."""


def workspace(view: View) -> Extracted:
    """A desktop: by the month when it is always on, else a monthly fee and the hours it runs.

    https://docs.aws.amazon.com/workspaces/latest/adminguide/running-mode.html
    """
    properties = view.block("workspace_properties")
    names, unknown = machine_options(view, "workspace_properties.compute_type_name")
    system: OperatingSystem = "windows"
    attribute = view.attribute("workspace_properties.compute_type_name")
    bundle = view.follow(("bundle_id",), _BUNDLE, ("id", "bundle_id")).first
    if bundle is not None:
        system = _desktop_os(bundle)
    if not names and unknown is None:
        if bundle is None:
            unknown = Unknown("its bundle is not in the plan and decides the compute type", "unknown-machine-type")
        else:
            names, unknown = machine_options(bundle, "compute_type.0.name")
    graphics = [(name.sku, _behind_desktop(name.sku)) for name in names]
    options = tuple(MachineOption(sku, machine=behind) for sku, behind in graphics if behind is not None)
    if not options and unknown is None:
        return Extracted(())
    machine = Machine(
        options=options,
        unknown=unknown if not options else None,
        os=system,
        machine_attribute=attribute,
        sensitive=view.is_sensitive("workspace_properties.compute_type_name"),
    )
    stops = properties is not None and properties.string("running_mode") == "AUTO_STOP"
    _tell_volumes(view)
    return Extracted((_by_the_hour(view, machine) if stops else _by_the_month(machine),))


def _by_the_month(machine: Machine) -> PoolUsage:
    charge = Charge(
        "managed_service",
        "workspaces-{sku}",
        "desktop, always on",
        unit="month",
        component="compute",
        purchase_model="on_demand",
        os=machine.os,
        monthly=True,
    )
    return machine.pool(Units.fixed(1), os="linux", machine_billed=False, charges=(charge,))


def _by_the_hour(view: View, machine: Machine) -> PoolUsage:
    message = "it stops when nobody uses it: all hours are counted, the usage file can tell fewer"
    view.note("info", "all-hours-counted", message)
    hours = Charge(
        "managed_service",
        "workspaces-{sku}-autostop",
        "desktop, by the hour",
        component="compute",
        purchase_model="on_demand",
        os=machine.os,
    )
    fee = Charge(
        "managed_service",
        "workspaces-{sku}-autostop-fee",
        "desktop, monthly fee",
        unit="month",
        purchase_model="on_demand",
        os=machine.os,
        monthly=True,
        essential=False,
    )
    return machine.pool(Units.fixed(1), os="linux", machine_billed=False, charges=(hours, fee))


def _behind_desktop(compute_type: str) -> str | None:
    """The EC2 machine behind a graphics compute type; None for the others.

    https://docs.aws.amazon.com/workspaces/latest/api/API_ComputeType.html
    """
    name = compute_type.upper()
    known = _GRAPHICS.get(name)
    if known is not None:
        return known
    found = _NAMED.fullmatch(name)
    return f"{found[1]}.{found[2]}".lower() if found is not None else None


def _desktop_os(bundle: View) -> OperatingSystem:
    text = f"{bundle.string('name') or ''} {bundle.string('description') or ''}".lower()
    is_linux = any(word in text for word in ("linux", "ubuntu", "rocky", "red hat")) and os_named(text) != "windows"
    return "linux" if is_linux else "windows"


def _tell_volumes(view: View) -> None:
    sizes = [view.known_number(f"workspace_properties.{which}_volume_size_gib") for which in ("root", "user")]
    if any(size is not None and size > _INCLUDED_GIB for size in sizes):
        view.note(
            "info", "larger-volumes", "volumes of more than 100 GiB cost more than the price of the bundle: not counted"
        )


# -- GameLift -------------------------------------------------------------------------------------------------------------

_BUILD = ("aws_gamelift_build",)


def game_fleet(view: View) -> Extracted:
    """A fleet starts with one instance; its capacity is set outside Terraform.

    https://docs.aws.amazon.com/gameliftservers/latest/developerguide/fleets-manual-capacity.html
    """
    options, unknown = machine_options(view, "ec2_instance_type")
    if not options and unknown is None:
        return Extracted(())
    build = view.follow(("build_id",), _BUILD, ("id",)).first
    told = (build.string("operating_system") if build is not None else None) or view.string("operating_system") or ""
    machine = Machine(
        options=options,
        unknown=unknown,
        machine_attribute=view.attribute("ec2_instance_type"),
        purchase_attribute=view.attribute("fleet_type"),
        sensitive=view.is_sensitive("ec2_instance_type"),
    )
    if view.string("fleet_type") == "SPOT":
        machine = replace(machine, purchase_model="spot")
        message = "the spot price of game servers is not in the catalog: priced on demand, the most it can be"
        view.note("info", "spot-at-list", message)
    view.note("info", "capacity-elsewhere", "a fleet starts with one instance; its capacity is set outside Terraform")
    pool = _service_pool(machine, Units.fixed(1), "gamelift-{machine}", "game server instance", os_named(told))
    return Extracted((pool,))


_BALANCING: dict[str, PurchaseModel] = {"ON_DEMAND_ONLY": "on_demand"}


def game_server_group(view: View) -> Extracted:
    """FleetIQ keeps an Auto Scaling group of these types, on spot while that is viable.

    https://docs.aws.amazon.com/gamelift/latest/fleetiqguide/gsg-howitworks.html: SPOT_PREFERRED is the default, and falls
    back on on-demand instances.
    """
    template = template_of(view, INSTANCE_TEMPLATE_LINK, "launch_template.version")
    machine = template if template is not None else Machine()
    definitions = view.blocks("instance_definition")[:_MOST_TYPES]
    options: list[MachineOption] = []
    unknown: Unknown | None = None
    for definition in definitions:
        names, missing = machine_options(definition, "instance_type")
        weight = definition.known_number("weighted_capacity")
        options += (MachineOption(name.sku, weight or Decimal(1)) for name in names)
        unknown = unknown or missing
    if not options and unknown is None:
        return Extracted(())
    strategy = view.string("balancing_strategy") or "SPOT_PREFERRED"
    model: PurchaseModel = _BALANCING.get(strategy, "spot")
    if strategy == "SPOT_PREFERRED":
        view.note("info", "spot-preferred", "without viable spot capacity it runs on demand, at more than is priced")
    machine = replace(
        machine,
        options=tuple(options),
        unknown=unknown,
        machine_attribute=definitions[0].attribute("instance_type"),
        purchase_attribute=view.attribute("balancing_strategy"),
        sensitive=any(definition.is_sensitive("instance_type") for definition in definitions),
    )
    units = bounded(view.number("min_size"), None, view.number("max_size"))
    return Extracted((machine.pool(units, purchase_model=model),), via=machine.via)


def _service_pool(
    machine: Machine,
    units: Units,
    sku: str,
    what: str,
    system: OperatingSystem,
    hours: Decimal | None = None,
    max_hours: Decimal | None = None,
) -> PoolUsage:
    """So many machines at the price of the service, in which the operating system is included."""
    charge = Charge("managed_service", sku, what, component="compute", purchase_model="on_demand", os=system)
    pool = machine.pool(units, os="linux", machine_billed=False, charges=(charge,))
    if hours is not None and max_hours is not None:
        pool = replace(pool, hours_per_month=hours, max_hours_per_month=max_hours)
    return pool


_STREAM_READS = ("instance_type", "image_name", "image_arn")

SPECS: tuple[ResourceSpec, ...] = (
    ResourceSpec(
        type="aws_appstream_fleet",
        cloud="aws",
        extract=streaming_fleet,
        region=region,
        tags=tags,
        reads=(*_STREAM_READS, "fleet_type", "compute_capacity", "max_sessions_per_instance", "name"),
        prices=("the streaming instances",),
        leaves_out=(
            "monthly fees of users",
            "the fee of stopped instances",
            "elastic fleets: their pool is the service's",
        ),
        assumes=(
            "Windows, unless the image is named after a Linux.",
            "Instances of an on-demand fleet run all month; the usage file can tell fewer hours.",
        ),
        source="AWS provider: aws_appstream_fleet; Amazon AppStream 2.0 administration guide",
    ),
    ResourceSpec(
        type="aws_appstream_image_builder",
        cloud="aws",
        extract=image_builder,
        region=region,
        tags=tags,
        reads=_STREAM_READS,
        prices=("the image builder",),
        assumes=(
            "Windows, unless the image is named after a Linux.",
            "It runs all month; the usage file can tell fewer hours.",
        ),
        source="AWS provider: aws_appstream_image_builder; Amazon AppStream 2.0 administration guide",
    ),
    ResourceSpec(
        type="aws_workspaces_workspace",
        cloud="aws",
        extract=workspace,
        region=region,
        tags=tags,
        reads=("workspace_properties: compute_type_name, running_mode, volume sizes", "bundle_id"),
        prices=("the desktop with volumes of 100 GiB",),
        leaves_out=("larger volumes", "application bundles"),
        assumes=(
            "Without a compute type that of its bundle, where the plan reads it; else it is unknown.",
            "Always on, unless running_mode is AUTO_STOP; then it runs all month, and the usage file can tell fewer hours.",
            "Windows, unless the bundle is named after a Linux.",
        ),
        source="AWS provider: aws_workspaces_workspace, aws_workspaces_bundle; Amazon WorkSpaces administration guide",
    ),
    ResourceSpec(
        type="aws_gamelift_fleet",
        cloud="aws",
        extract=game_fleet,
        region=region,
        tags=tags,
        probe=("ec2_instance_type",),
        reads=("ec2_instance_type", "fleet_type", "build_id"),
        prices=("the instances, at GameLift's price",),
        assumes=("One instance runs.", "Spot fleets are priced on demand."),
        source="AWS provider: aws_gamelift_fleet; Amazon GameLift Servers developer guide",
    ),
    ResourceSpec(
        type="aws_gamelift_game_server_group",
        cloud="aws",
        extract=game_server_group,
        region=region,
        tags=tags,
        links=(INSTANCE_TEMPLATE_LINK,),
        reads=("instance_definition", "balancing_strategy", "min_size", "max_size", "launch_template"),
        prices=("the machines", "EBS volumes", "a public IPv4 address", "the operating system"),
        assumes=(
            "It starts at min_size.",
            "SPOT_PREFERRED is priced as spot.",
            "Of several types the dearest is priced.",
        ),
        source="AWS provider: aws_gamelift_game_server_group; Amazon GameLift FleetIQ developer guide",
    ),
)
