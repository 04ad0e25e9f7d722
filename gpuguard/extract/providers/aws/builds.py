"""What builds, tests and serves code on machines with GPUs: CodeBuild, Image Builder, Lambda Managed Instances, Elastic
Beanstalk, Parallel Computing Service.

A build starts on request and ends by itself: how long is not in Terraform. It counts as nothing but in the maximum; a usage
file can tell how many machines run on average.
"""

import re
from collections.abc import Iterable
from decimal import ROUND_CEILING, Decimal

from msgspec.structs import replace

from gpuguard.extract.providers.aws.common import region, tags
from gpuguard.extract.providers.aws.compute import LAUNCH_TEMPLATE, TEMPLATE_BY, template_of
from gpuguard.extract.providers.aws.ml_machines import awscc_tags
from gpuguard.extract.spec import (
    Extracted,
    Machine,
    ResourceSpec,
    TemplateLink,
    above_base,
    bounded,
    can_run,
    machine_options,
    split,
    units_of,
)
from gpuguard.extract.view import View
from gpuguard.model.usage import Charge, Disk, MachineOption, PoolUsage, PurchaseModel, Units, Unknown

_MOST = 100
"""Machine types and settings of one name that are read."""
_UNTOLD = (
    "how long its builds take is not in the plan: they count as nothing but in the maximum;"
    " average_nodes and hours_per_month of a usage file tell it"
)


# -- CodeBuild ------------------------------------------------------------------------------------------------------------

_GPU_ENVIRONMENT = "LINUX_GPU_CONTAINER"
_BUILD_SIZES = {"BUILD_GENERAL1_SMALL": ("small", "g5.xlarge"), "BUILD_GENERAL1_LARGE": ("large", "g4dn.12xlarge")}
"""By compute type, the size in the name of its price and the EC2 machine of that shape: small has one A10G
(https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ProjectEnvironment.html); large is sold with 48 vCPUs and
192 GiB, which is a machine with four T4 (AWS price list: CodeBuild, gpu1.large)."""


def build_project(view: View) -> Extracted:
    """A project whose builds run on GPUs; on a fleet of reserved capacity they cost nothing of their own."""
    environment = view.block("environment")
    if environment is None or environment.get("fleet.fleet_arn") is not None:
        return Extracted(())
    kind = environment.text("type")
    if kind != _GPU_ENVIRONMENT and not isinstance(kind, Unknown):
        return Extracted(())
    options, unknown = _gpu_shape(kind, environment.text("compute_type"), "codebuild-gpu1")
    machine = Machine(
        options=options,
        unknown=unknown,
        machine_attribute=environment.attribute("compute_type"),
        sensitive=environment.is_sensitive("compute_type"),
    )
    limit = view.number("concurrent_build_limit")
    if limit is None:
        message = "it has no concurrent_build_limit: nothing here limits how many builds run at once"
        view.note("warning", "unbounded-builds", message, "the account's quota of GPU builds is a ceiling")
    view.note("info", "job-hours", _UNTOLD)
    units = Units(Decimal(0), Decimal(0), units_of(limit, None))
    return Extracted((_codebuild_pool(machine, units),))


def _gpu_shape(
    kind: str | Unknown | None, compute_type: str | Unknown | None, name: str
) -> tuple[tuple[MachineOption, ...], Unknown | None]:
    """The machine of a GPU environment, by the name of its price."""
    known = _BUILD_SIZES.get(compute_type) if isinstance(compute_type, str) else None
    if isinstance(kind, Unknown) or isinstance(compute_type, Unknown):
        return (), Unknown("its environment is known only after apply", "unknown-machine-type")
    if known is None:
        return (), Unknown(f"which GPUs {compute_type} has is not known", "unknown-machine-type")
    return (MachineOption(f"{name}.{known[0]}", machine=known[1]),), None


def build_fleet(view: View) -> Extracted:
    """Reserved capacity: its machines run and cost whether they build or not.

    https://docs.aws.amazon.com/codebuild/latest/userguide/fleets.html
    """
    attribute = "compute_configuration.instance_type"
    options, unknown = machine_options(view, attribute)
    options = tuple(MachineOption(f"codebuild-reserved-{option.sku}", machine=option.sku) for option in options)
    if not options and unknown is None:
        kind = view.text("environment_type")
        if kind != _GPU_ENVIRONMENT and not isinstance(kind, Unknown):
            return Extracted(())
        attribute = "compute_type"
        options, unknown = _gpu_shape(kind, view.text(attribute), "codebuild-reserved.gpu.g1")
    machine = Machine(
        options=options,
        unknown=unknown,
        machine_attribute=view.attribute(attribute),
        sensitive=view.is_sensitive(attribute),
    )
    base = units_of(view.number("base_capacity"), Decimal(1))
    scaling = view.block("scaling_configuration")
    most = units_of(scaling.number("max_capacity"), base) if scaling is not None else base
    return Extracted((_codebuild_pool(machine, Units(base, base, most)),))


def _codebuild_pool(machine: Machine, units: Units) -> PoolUsage:
    charge = Charge("managed_service", "{sku}", "build machine", component="compute", purchase_model="on_demand")
    return machine.pool(units, machine_billed=False, charges=(charge,))


# -- Image Builder --------------------------------------------------------------------------------------------------------

_INFRASTRUCTURE = ("aws_imagebuilder_infrastructure_configuration",)
_INFRASTRUCTURE_LINK = TemplateLink(("infrastructure_configuration_arn",), _INFRASTRUCTURE, ("arn", "id"))


def infrastructure(view: View) -> Extracted:
    """Where images are built: nothing runs until an image or a pipeline uses it."""
    return Extracted(tuple(_build_machine(view)))


def image_build(view: View) -> Extracted:
    """An image or a pipeline: one machine while it is built and tested.

    https://docs.aws.amazon.com/imagebuilder/latest/userguide/manage-infra-config.html: of several types the one with
    capacity is taken; EC2 bills the machine.
    """
    found = view.follow(_INFRASTRUCTURE_LINK.paths, _INFRASTRUCTURE_LINK.types, _INFRASTRUCTURE_LINK.by)
    pools = tuple(pool for configuration in found.views[:1] for pool in _build_machine(configuration))
    if pools:
        view.note("info", "job-hours", _UNTOLD)
    return Extracted(pools, via=tuple(configuration.address for configuration in found.views[:1]))


def _build_machine(view: View) -> Iterable[PoolUsage]:
    names = view.machine_types("instance_types")
    if isinstance(names, Unknown):
        machine = Machine(unknown=Unknown(names.reason, "unknown-machine-type"))
    elif names:
        machine = Machine(options=tuple(MachineOption(name) for name in names[:_MOST]))
    else:
        return  # Image Builder picks a small machine
    machine = replace(
        machine,
        machine_attribute=view.attribute("instance_types.0"),
        sensitive=view.is_sensitive("instance_types"),
    )
    yield machine.pool(Units(Decimal(0), Decimal(0), Decimal(1)))


# -- Lambda Managed Instances ---------------------------------------------------------------------------------------------

_MAX_VCPUS = Decimal(400)
"""Ceiling of a capacity provider that does not say
(https://docs.aws.amazon.com/lambda/latest/api/API_CapacityProviderScalingConfig.html)."""


def lambda_capacity(view: View) -> Extracted:
    """Machines that Lambda starts for functions of the provider: only types that it is told to allow can have GPUs."""
    found: list[str] = []
    for requirements in view.blocks("instance_requirements")[:1]:
        names = requirements.machine_types("allowed_instance_types")
        found = [] if isinstance(names, Unknown) else names[:_MOST]
    if not found:
        return Extracted(())
    place = region(view)
    offered = view.context.offers("aws", place) if isinstance(place, str) else ()
    vcpus = {each.sku: Decimal(str(each.vcpus)) for each in offered if each.vcpus}
    smallest = min((vcpus[name] for name in found if name in vcpus), default=None)
    limit = view.number("capacity_provider_scaling_config.max_vcpu_count")
    most = units_of(limit, _MAX_VCPUS)
    machine = Machine(
        options=tuple(MachineOption(name) for name in found),
        machine_attribute=view.attribute("instance_requirements.allowed_instance_types.0"),
        sensitive=view.is_sensitive("instance_requirements"),
    )
    high = None if most is None or smallest is None else (most / smallest).to_integral_value(ROUND_CEILING)
    view.note(
        "info", "lambda-fee", "Lambda's fee for managing the instances is not counted; they run for published functions"
    )
    return Extracted((machine.pool(Units(Decimal(0), Decimal(0), high)),))


# -- Elastic Beanstalk ----------------------------------------------------------------------------------------------------

_TEMPLATE = ("aws_elastic_beanstalk_configuration_template",)
_TEMPLATE_LINK = TemplateLink(("template_name",), _TEMPLATE, ("name", "id"))
_MOST_SETTINGS = 2000
_Settings = dict[tuple[str, str], View]
_SEPARATOR = re.compile(r"[,\s]+")


def beanstalk_template(view: View) -> Extracted:
    """A saved configuration by itself: it costs nothing until an environment uses it."""
    return Extracted(tuple(_beanstalk_pools(view, _settings(view))))


def beanstalk(view: View) -> Extracted:
    """The instances of an environment; its own settings go before those of its template.

    https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/command-options-general.html has the options and defaults.
    """
    template = view.follow(_TEMPLATE_LINK.paths, _TEMPLATE_LINK.types, _TEMPLATE_LINK.by).first
    below = _settings(template) if template is not None else {}
    via = (template.address,) if template is not None else ()
    return Extracted(tuple(_beanstalk_pools(view, below | _settings(view))), via=via)


def _settings(view: View) -> _Settings:
    found: _Settings = {}
    for setting in view.blocks("setting")[:_MOST_SETTINGS]:
        namespace, name = setting.string("namespace"), setting.string("name")
        if namespace and name:
            found[namespace, name] = setting
    return found


def _beanstalk_pools(view: View, settings: _Settings) -> Iterable[PoolUsage]:
    def value(namespace: str, name: str) -> View | None:
        return settings.get((namespace, name))

    def told(namespace: str, name: str) -> str:
        setting = value(namespace, name)
        return (setting.string("value") if setting is not None else None) or ""

    def number(namespace: str, name: str, default: int) -> Decimal | Unknown:
        setting = value(namespace, name)
        found = setting.number("value") if setting is not None else None
        return Decimal(default) if found is None else found

    named = value(_INSTANCES, "InstanceTypes") or value(_LAUNCH, "InstanceType")
    if named is None:
        return
    text = named.text("value")
    names = _SEPARATOR.split(text.strip())[:_MOST] if isinstance(text, str) else []
    options = tuple(MachineOption(name) for name in names if name)
    if not options and not isinstance(text, Unknown):
        return
    single = told("aws:elasticbeanstalk:environment", "EnvironmentType") == "SingleInstance"
    low, high = number(_GROUP, "MinSize", 1), number(_GROUP, "MaxSize", 4)
    units = Units.fixed(1) if single else bounded(low, None, high)
    size = number(_LAUNCH, "RootVolumeSize", 0)
    kind = told(_LAUNCH, "RootVolumeType")
    disks = (Disk("boot", kind or "gp3", size),) if isinstance(size, Decimal) and size > 0 else ()
    machine = Machine(
        options=options,
        unknown=Unknown(text.reason, "unknown-machine-type") if isinstance(text, Unknown) else None,
        disks=disks,
        os="windows" if "windows" in (view.string("solution_stack_name") or "").lower() else "linux",
        machine_attribute=named.attribute("value"),
        sensitive=named.is_sensitive("value"),
    )
    if any(namespace == "aws:autoscaling:scheduledaction" for namespace, _ in settings):
        view.note(
            "warning", "unread-schedule", "its scheduled actions are not read: all hours of its sizes are counted"
        )
    if told(_INSTANCES, "EnableSpot").lower() != "true":
        yield machine.pool(units, pick="first")
        return
    base = number(_INSTANCES, "SpotFleetOnDemandBase", 0)
    share = number(_INSTANCES, "SpotFleetOnDemandAboveBasePercentage", 0 if single else 70)
    price = value(_INSTANCES, "SpotMaxPrice")
    limit = price.known_number("value") if price is not None else None
    yield from _split(machine, units, base, share, limit)


_INSTANCES = "aws:ec2:instances"
_LAUNCH = "aws:autoscaling:launchconfiguration"
_GROUP = "aws:autoscaling:asg"


def _split(
    machine: Machine, units: Units, base: Decimal | Unknown, share: Decimal | Unknown, limit: Decimal | None
) -> Iterable[PoolUsage]:
    """On demand and spot by base and percentage, as Auto Scaling splits them: fractions are on demand."""

    if isinstance(base, Unknown) or isinstance(share, Unknown):
        regular = rest = Units.fixed(None)
    else:
        regular, rest = split(units, above_base(base, share))
    parts = (
        machine.pool(regular, pick="first"),
        machine.pool(rest, purchase_model="spot", spot_max_price=limit),
    )
    yield from (pool for pool in parts if can_run(pool.units))


# -- Parallel Computing Service -------------------------------------------------------------------------------------------

_PCS_LINK = TemplateLink(("custom_launch_template.template_id",), (*LAUNCH_TEMPLATE,), TEMPLATE_BY)
_PURCHASE: dict[str, PurchaseModel] = {"SPOT": "spot", "CAPACITY_BLOCK": "capacity_block"}


def compute_nodes(view: View) -> Extracted:
    """A compute node group: its minimum always runs, Slurm jobs start more.

    https://docs.aws.amazon.com/pcs/latest/userguide/working-with_cng.html; EC2 bills the machines, and PCS a fee for each.
    """
    template = template_of(view, _PCS_LINK, "custom_launch_template.version")
    machine = template if template is not None else Machine()
    configs = view.blocks("instance_configs")[:_MOST]
    options: list[MachineOption] = []
    unknown: Unknown | None = None
    for config in configs:
        names, missing = machine_options(config, "instance_type")
        options += names
        unknown = unknown or missing
    if not options and unknown is None:
        return Extracted(())
    machine = replace(
        machine,
        options=tuple(options),
        unknown=unknown,
        machine_attribute=configs[0].attribute("instance_type"),
        purchase_attribute=view.attribute("purchase_option"),
        sensitive=any(config.is_sensitive("instance_type") for config in configs),
    )
    scaling = "scaling_configuration"
    units = bounded(view.number(f"{scaling}.min_instance_count"), None, view.number(f"{scaling}.max_instance_count"))
    purchase = view.string("purchase_option") or ""
    view.note("info", "pcs-fee", "the fee of Parallel Computing Service for each node is not counted")
    return Extracted((machine.pool(units, purchase_model=_PURCHASE.get(purchase, "on_demand")),), via=machine.via)


_BUILD_ASSUMES = ("Builds count as nothing but in the maximum.",)

SPECS: tuple[ResourceSpec, ...] = (
    ResourceSpec(
        type="aws_codebuild_project",
        cloud="aws",
        extract=build_project,
        region=region,
        tags=tags,
        reads=("environment: type, compute_type, fleet", "concurrent_build_limit"),
        prices=("build machines with GPUs, at most",),
        leaves_out=("batch builds",),
        assumes=(*_BUILD_ASSUMES, "A large GPU build runs on four T4, a small one on one A10G."),
        source="AWS provider: aws_codebuild_project; AWS CodeBuild user guide",
    ),
    ResourceSpec(
        type="aws_codebuild_fleet",
        cloud="aws",
        extract=build_fleet,
        region=region,
        tags=tags,
        reads=(
            "environment_type",
            "compute_type",
            "compute_configuration.instance_type",
            "base_capacity",
            "scaling_configuration",
        ),
        prices=("the machines it reserves",),
        leaves_out=("overflow on demand",),
        assumes=("base_capacity machines run all month.", "A large GPU machine has four T4, a small one an A10G."),
        source="AWS provider: aws_codebuild_fleet; AWS CodeBuild user guide",
    ),
    ResourceSpec(
        type="aws_imagebuilder_infrastructure_configuration",
        cloud="aws",
        extract=infrastructure,
        region=region,
        tags=tags,
        template=True,
        reads=("instance_types",),
        assumes=("Costs nothing by itself: the image or pipeline that names it does.",),
        source="AWS provider: aws_imagebuilder_infrastructure_configuration",
    ),
    *(
        ResourceSpec(
            type=type_,
            cloud="aws",
            extract=image_build,
            region=region,
            tags=tags,
            links=(_INFRASTRUCTURE_LINK,),
            reads=("infrastructure_configuration_arn", "instance_types of the infrastructure configuration"),
            prices=("the machine that builds and tests, at most",),
            leaves_out=("volumes of the image recipe",),
            assumes=(*_BUILD_ASSUMES, "Of several types the dearest is priced."),
            source=f"AWS provider: {type_}; EC2 Image Builder user guide",
        )
        for type_ in ("aws_imagebuilder_image", "aws_imagebuilder_image_pipeline")
    ),
    ResourceSpec(
        type="aws_lambda_capacity_provider",
        cloud="aws",
        extract=lambda_capacity,
        region=region,
        tags=tags,
        reads=("instance_requirements.allowed_instance_types", "capacity_provider_scaling_config.max_vcpu_count"),
        prices=("the machines, at most",),
        leaves_out=("Lambda's management fee",),
        assumes=(
            "Nothing runs until a function is published; at most max_vcpu_count vCPUs (400 where it does not say) of the"
            " dearest type, counted in machines of the smallest.",
        ),
        source="AWS provider: aws_lambda_capacity_provider; AWS Lambda developer guide",
    ),
    ResourceSpec(
        type="aws_elastic_beanstalk_environment",
        cloud="aws",
        extract=beanstalk,
        region=region,
        tags=tags,
        links=(_TEMPLATE_LINK,),
        reads=(
            "setting: InstanceTypes, InstanceType, MinSize, MaxSize, EnvironmentType, EnableSpot and what goes with it,"
            " RootVolumeSize, RootVolumeType",
            "template_name",
            "solution_stack_name",
        ),
        prices=("the machines", "root volumes of a size that is set", "Windows"),
        leaves_out=("load balancers", "scheduled actions"),
        assumes=("One to four instances where no sizes are set; the minimum runs.", "On demand takes the first type."),
        source="AWS provider: aws_elastic_beanstalk_environment; AWS Elastic Beanstalk developer guide, general options",
    ),
    ResourceSpec(
        type="aws_elastic_beanstalk_configuration_template",
        cloud="aws",
        extract=beanstalk_template,
        region=region,
        tags=tags,
        template=True,
        reads=("setting",),
        assumes=("Costs nothing by itself: the environment that names it does.",),
        source="AWS provider: aws_elastic_beanstalk_configuration_template",
    ),
    ResourceSpec(
        type="awscc_pcs_compute_node_group",
        cloud="aws",
        extract=compute_nodes,
        region=region,
        tags=awscc_tags,
        links=(_PCS_LINK,),
        reads=("instance_configs", "scaling_configuration", "purchase_option", "custom_launch_template"),
        prices=("the machines", "EBS volumes of the launch template"),
        leaves_out=("the fees of Parallel Computing Service",),
        assumes=("The minimum runs.", "Of several types the dearest is priced."),
        source="AWSCC provider: awscc_pcs_compute_node_group; AWS PCS user guide",
    ),
)
