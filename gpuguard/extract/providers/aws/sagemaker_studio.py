"""SageMaker Studio: apps that run, and the machines that domains, user profiles and spaces let users start.

https://docs.aws.amazon.com/sagemaker/latest/dg/studio-updated-running.html: an app runs on an instance of its own and is
billed until it is shut down; a domain, a user profile and a space run nothing.
"""

from collections.abc import Iterable

from gpuguard.extract.providers.aws.common import region, tags
from gpuguard.extract.providers.aws.ml_machines import is_named, ml_machine, ml_pool
from gpuguard.extract.providers.aws.scaling_targets import holding
from gpuguard.extract.spec import Extracted, Machine, ResourceSpec
from gpuguard.extract.view import View
from gpuguard.model.usage import PoolUsage, Units

_SETTINGS = {
    "JupyterLab": "jupyter_lab_app_settings",
    "CodeEditor": "code_editor_app_settings",
    "KernelGateway": "kernel_gateway_app_settings",
    "JupyterServer": "jupyter_server_app_settings",
    "TensorBoard": "tensor_board_app_settings",
    "RSessionGateway": "r_session_app_settings",
}
"""By app type, the block that holds its defaults."""
_TYPE = "default_resource_spec.instance_type"
_IDLE = "app_lifecycle_management.idle_settings.idle_timeout_in_minutes"
_APP = ("aws_sagemaker_app",)


def app(view: View) -> Extracted:
    """An app: its own instance type, else the default of its space, its user profile or its domain."""
    machine = ml_machine(view, "resource_spec.instance_type")
    if not is_named(machine):
        found = _inherited(view)
        if found is None:
            return Extracted(())
        machine = found
    _tell_hours(view)
    return Extracted((ml_pool(view, machine, Units.fixed(1), "Studio app instance"),))


def _inherited(view: View) -> Machine | None:
    block = _SETTINGS.get(view.string("app_type") or "")
    if block is None:
        return None
    places = (
        ("space_name", "aws_sagemaker_space", ("space_name",), ("space_settings",)),
        ("user_profile_name", "aws_sagemaker_user_profile", ("user_profile_name",), ("user_settings",)),
        ("domain_id", "aws_sagemaker_domain", ("id",), _DOMAIN_SETTINGS),
    )
    for path, type_, by, settings in places:
        if view.get(path) is None:
            continue
        for other in view.follow((path,), (type_,), by).views[:1]:
            # a shared space has defaults of its own on the domain
            shared = settings[::-1] if view.get("space_name") is not None else settings
            for each in shared:
                machine = ml_machine(other, f"{each}.{block}.{_TYPE}")
                if is_named(machine):
                    return machine
    return None


_DOMAIN_SETTINGS = ("default_user_settings", "default_space_settings")


def space(view: View) -> Extracted:
    """A space runs one app of each type at most; those that are in the plan stand there themselves."""
    name = view.string("space_name")
    running = [*view.referring(_APP, "space_name"), *holding(view, _APP, "space_name", (name,) if name else ())]
    apps = {each.string("app_type") for each in running}
    pools = tuple(
        pool
        for settings in view.blocks("space_settings")
        for app_type, pool in _startable(settings, Units.fixed(0), "Studio space app instance", most=1)
        if app_type not in apps
    )
    return Extracted(pools)


def user_profile(view: View) -> Extracted:
    """What a user may start by default; nothing limits how many."""
    return _defaults(view, ("user_settings",))


def domain(view: View) -> Extracted:
    """What every user of a domain may start by default; nothing limits how many."""
    return _defaults(view, _DOMAIN_SETTINGS)


def _defaults(view: View, paths: tuple[str, ...]) -> Extracted:
    pools = tuple(
        pool
        for path in paths
        for settings in view.blocks(path)
        for _, pool in _startable(settings, Units.fixed(0), "Studio app instance", most=None)
    )
    if pools:
        message = "its users start apps on this machine type by default, and nothing here limits how many"
        view.note("warning", "unbounded-apps", message, "a service quota for the instance type is a ceiling")
    return Extracted(pools)


def _startable(settings: View, units: Units, what: str, most: int | None) -> Iterable[tuple[str, PoolUsage]]:
    """The default machine of each app type: none runs yet."""
    for app_type, path in _SETTINGS.items():
        block = settings.block(path)
        machine = ml_machine(block, _TYPE) if block is not None else None
        if block is None or machine is None or not is_named(machine):
            continue
        accelerated = any(settings.context.looks_accelerated("aws", each.machine_type) for each in machine.options)
        if accelerated and app_type in ("JupyterLab", "CodeEditor") and block.get(_IDLE) is None:
            settings.note("info", "no-idle-stop", f"no idle_timeout_in_minutes stops idle {app_type} apps")
        sizes = Units(units.min, units.expected, None if most is None else Units.fixed(most).max)
        yield app_type, ml_pool(settings, machine, sizes, what)


def _tell_hours(view: View) -> None:
    view.note("info", "all-hours-counted", "the app is counted as running all month; the usage file can tell its hours")


_SOURCE = "AWS provider; Amazon SageMaker AI developer guide, Studio"
_LEFT_OUT = ("volumes of spaces and the EFS file system", "studio_web_portal_settings: what it hides starts nothing")

SPECS: tuple[ResourceSpec, ...] = (
    ResourceSpec(
        type="aws_sagemaker_app",
        cloud="aws",
        extract=app,
        region=region,
        tags=tags,
        reads=("resource_spec.instance_type", "app_type", "space_name", "user_profile_name", "domain_id"),
        prices=("the ML instance",),
        leaves_out=_LEFT_OUT,
        assumes=(
            "An app runs all month; the usage file can tell fewer hours.",
            "Without a resource_spec it takes the default of its space, else of its user profile, else of its domain.",
        ),
        source=f"aws_sagemaker_app; {_SOURCE}",
    ),
    ResourceSpec(
        type="aws_sagemaker_space",
        cloud="aws",
        extract=space,
        region=region,
        tags=tags,
        reads=("space_settings: default_resource_spec.instance_type and idle_settings of each app type",),
        prices=("the ML instance of its apps, at most",),
        leaves_out=_LEFT_OUT,
        assumes=("Nothing runs until somebody starts it; at most one app of each type.",),
        source=f"aws_sagemaker_space; {_SOURCE}",
    ),
    ResourceSpec(
        type="aws_sagemaker_user_profile",
        cloud="aws",
        extract=user_profile,
        region=region,
        tags=tags,
        reads=("user_settings: default_resource_spec.instance_type and idle_settings of each app type",),
        prices=("the ML instance of its apps",),
        leaves_out=_LEFT_OUT,
        assumes=("Nothing runs until the user starts it; there is no ceiling.",),
        source=f"aws_sagemaker_user_profile; {_SOURCE}",
    ),
    ResourceSpec(
        type="aws_sagemaker_domain",
        cloud="aws",
        extract=domain,
        region=region,
        tags=tags,
        reads=(
            "default_user_settings and default_space_settings: default_resource_spec.instance_type and idle_settings of"
            " each app type",
        ),
        prices=("the ML instance of its apps",),
        leaves_out=_LEFT_OUT,
        assumes=("Nothing runs until a user starts it; there is no ceiling.",),
        source=f"aws_sagemaker_domain; {_SOURCE}",
    ),
)
