"""Workbench instances, notebooks, Colab Enterprise runtimes and Cloud Workstations."""

from decimal import Decimal

from msgspec.structs import replace

from gpuguard.extract.common import as_template, followed_machine
from gpuguard.extract.providers.google.common import in_hours, labels, region
from gpuguard.extract.providers.google.managed import (
    attach,
    disk,
    entry,
    fee_per_vcpu,
    known_region,
    machine_at,
    not_counted,
    number_of,
    reservation_of,
    seconds,
    service_charges,
    tell,
)
from gpuguard.extract.schedules import Event, covered_hours, unix_cron
from gpuguard.extract.spec import Companion, Extracted, Machine, ResourceSpec, TemplateLink, units_of
from gpuguard.extract.view import View
from gpuguard.model.usage import HOURS_PER_MONTH, Disk, PoolUsage, Units, Unknown

_STOPPED = ("STOPPED", "SUSPENDED")
_BOOT = ("pd-balanced", Decimal(150))
_DATA = ("pd-balanced", Decimal(100))
"""Sizes of a Workbench instance's disks where none are written
(https://registry.terraform.io/providers/hashicorp/google/latest/docs/resources/workbench_instance)."""
_RUNTIME_TIMEOUT = Decimal(86_400)
"""Seconds that a notebook execution lasts at most where nothing is set
(https://registry.terraform.io/providers/hashicorp/google/latest/docs/resources/colab_notebook_execution)."""
_WORKBENCH_FEE = "management fee of Vertex AI Workbench"


def _while_running(view: View, pool: PoolUsage, state: str | None) -> PoolUsage:
    """The pool, resting where the configuration keeps it stopped: its disks alone are billed then."""
    if state not in _STOPPED:
        return pool
    tell(view, "info", "stopped-instance", f"desired_state is {state}: only its disks are billed")
    return replace(pool, hours_per_month=Decimal(0), max_hours_per_month=Decimal(0))


def _tell_idle_shutdown(view: View, timeout: Decimal | Unknown | None) -> None:
    if isinstance(timeout, Decimal) and timeout > 0:
        minutes = f"{(timeout / 60).quantize(Decimal(1)):f}"
        tell(
            view,
            "info",
            "idle-shutdown",
            f"it stops after {minutes} idle minutes; it is counted as running all month",
            "tell its hours in the usage file",
        )


# -- Vertex AI Workbench ----------------------------------------------------------------------------------------------


def workbench(view: View) -> Extracted:
    """`google_workbench_instance`: a VM of the project, with a boot disk and a data disk."""
    setup = view.block("gce_setup")
    if setup is None:
        return Extracted(())
    machine = attach(machine_at(setup), setup.blocks("accelerator_configs"), "type", "core_count")
    boot, data = setup.block("boot_disk"), setup.block("data_disks")
    machine = replace(
        machine,
        disks=(_workbench_disk("boot", boot, _BOOT), _workbench_disk("data", data, _DATA)),
        public_ipv4=0 if setup.flag("disable_public_ip") else 1,
        covered_by=reservation_of(setup, "reservation_affinity"),
    )
    not_counted(view, _WORKBENCH_FEE)
    _tell_idle_shutdown(view, number_of(entry(setup, "metadata", "idle-timeout-seconds")))
    pool = machine.pool(Units.fixed(1))
    return Extracted((_while_running(view, pool, view.string("desired_state")),))


def _workbench_disk(role: str, block: View | None, default: tuple[str, Decimal]) -> Disk:
    if block is None:
        return disk(role, None, None, default)
    return disk(role, block.string("disk_type"), block.known_number("disk_size_gb"), default)


def notebook(view: View) -> Extracted:
    """`google_notebooks_instance`: what Workbench instances replaced."""
    machine = attach(machine_at(view), view.blocks("accelerator_config"), "type", "core_count")
    machine = replace(
        machine,
        disks=(
            disk("boot", view.string("boot_disk_type"), view.known_number("boot_disk_size_gb"), _DATA),
            disk("data", view.string("data_disk_type"), view.known_number("data_disk_size_gb"), _DATA),
        ),
        public_ipv4=0 if view.flag("no_public_ip") else 1,
        covered_by=reservation_of(view, "reservation_affinity"),
    )
    not_counted(view, _WORKBENCH_FEE)
    pool = machine.pool(Units.fixed(1))
    return Extracted((_while_running(view, pool, view.string("desired_state")),))


def managed_notebook(view: View) -> Extracted:
    """`google_notebooks_runtime`: a managed notebook; it stops by itself unless that is turned off."""
    config = view.block("virtual_machine.0.virtual_machine_config")
    if config is None:
        return Extracted(())
    machine = attach(machine_at(config), config.blocks("accelerator_config"), "type", "core_count")
    parameters = config.block("data_disk.initialize_params")
    if parameters is not None:
        size, kind = parameters.known_number("disk_size_gb"), parameters.string("disk_type")
        machine = replace(machine, disks=(disk("data", kind, size, ("pd-standard", Decimal(100))),))
    not_counted(view, _WORKBENCH_FEE)
    software = view.block("software_config")
    if software is None or software.get("idle_shutdown") is not False:
        minutes = software.known_number("idle_shutdown_timeout") if software is not None else None
        _tell_idle_shutdown(view, (minutes or Decimal(180)) * 60)
    return Extracted((machine.pool(Units.fixed(1)),))


# -- Colab Enterprise -------------------------------------------------------------------------------------------------

_COLAB_MACHINE = "e2-standard-4"
"""What a runtime template without a machine type starts (https://cloud.google.com/colab/docs/create-runtime-template)."""
_COLAB_TEMPLATES = ("google_colab_runtime_template",)
_RUNTIME_LINK = TemplateLink(
    ("notebook_runtime_template_ref.0.notebook_runtime_template",), _COLAB_TEMPLATES, ("id", "name")
)
_EXECUTION_LINK = TemplateLink(("notebook_runtime_template_resource_name",), _COLAB_TEMPLATES, ("id", "name"))
_JOB = "create_notebook_execution_job_request.0.notebook_execution_job.0"
_SCHEDULE_LINK = TemplateLink((f"{_JOB}.notebook_runtime_template_resource_name",), _COLAB_TEMPLATES, ("id", "name"))


def _spec_machine(view: View) -> Machine:
    """A `machine_spec` block of Colab Enterprise."""
    spec = view.block("machine_spec")
    if spec is None:
        return machine_at(view, "machine_spec.machine_type", _COLAB_MACHINE)
    named = spec.text("accelerator_type") is not None
    machine = machine_at(spec, default="n1-standard-4" if named else _COLAB_MACHINE)
    return attach(machine, (spec,), "accelerator_type", "accelerator_count")


def colab_template_machine(view: View) -> Machine:
    """`google_colab_runtime_template`."""
    return replace(_spec_machine(view), via=(view.address,))


def _colab_pool(view: View, machine: Machine, units: Units) -> PoolUsage:
    charges = service_charges(view, machine, "colab", "Colab Enterprise", known_region(view))
    return machine.pool(units, charges=charges, machine_billed=False)


def _colab_machine(view: View, link: TemplateLink, job: View | None) -> Machine:
    """The machine of a notebook execution: its own environment, else that of its template."""
    own = job.block("custom_environment_spec") if job is not None else None
    if own is not None:
        return _spec_machine(own)
    machine = followed_machine(view, link, colab_template_machine)
    return machine or Machine(unknown=Unknown("its runtime template is not in the plan", "unknown-machine-type"))


def colab_runtime(view: View) -> Extracted:
    """`google_colab_runtime`: one machine, started with the resource."""
    machine = _colab_machine(view, _RUNTIME_LINK, None)
    pool = _colab_pool(view, machine, Units.fixed(1))
    for template in view.follow(_RUNTIME_LINK.paths, _RUNTIME_LINK.types, _RUNTIME_LINK.by).views[:1]:
        _tell_idle_shutdown(view, seconds(template.string("idle_shutdown_config.idle_timeout")))
    return Extracted((_while_running(view, pool, view.string("desired_state")),), via=machine.via)


def colab_execution(view: View) -> Extracted:
    """`google_colab_notebook_execution`: one run, begun by apply, that ends at its timeout at the latest."""
    machine = _colab_machine(view, _EXECUTION_LINK, view)
    limit = seconds(view.string("execution_timeout")) or _RUNTIME_TIMEOUT
    tell(view, "info", "runs-once", f"apply starts one run; it counts with its timeout of {in_hours(limit)} hours")
    hours = min(limit / 3600, HOURS_PER_MONTH)
    pool = _colab_pool(view, machine, Units.fixed(1))
    return Extracted((replace(pool, hours_per_month=hours, max_hours_per_month=hours),), via=machine.via)


def colab_schedule(view: View) -> Extracted:
    """`google_colab_schedule`: runs of a notebook; their hours are known where they have a timeout."""
    job = view.block(_JOB)
    machine = _colab_machine(view, _SCHEDULE_LINK, job)
    most = units_of(view.number("max_concurrent_run_count"), Decimal(1))
    pool = _colab_pool(view, machine, Units(Decimal(0), Decimal(0), most))
    if view.string("desired_state") == "PAUSED":
        tell(view, "info", "stopped-instance", "desired_state is PAUSED: nothing is started")
        return Extracted((replace(pool, max_hours_per_month=Decimal(0)),), via=machine.via)
    timeout = seconds(job.string("execution_timeout")) if job is not None else None
    hours = _scheduled_hours(view.string("cron"), timeout)
    if hours is None:
        tell(view, "info", "runs-on-schedule", "how long a run lasts is not known: only the maximum counts")
        return Extracted((pool,), via=machine.via)
    tell(view, "info", "runs-on-schedule", "every run counts with its timeout")
    units = Units(Decimal(0), Decimal(1), most)
    return Extracted((replace(pool, units=units, hours_per_month=hours, max_hours_per_month=hours),), via=machine.via)


def _scheduled_hours(cron: str | None, timeout: Decimal | None) -> Decimal | None:
    """Hours of a month in which a run may last; the expression may begin with its time zone (``TZ=Europe/Paris 0 3 * * *``)."""
    zone, expression = "UTC", (cron or "").strip()
    if expression.startswith(("TZ=", "CRON_TZ=")):
        first, _, expression = expression.partition(" ")
        zone = first.partition("=")[2]
    fields = unix_cron(expression)
    if fields is None or timeout is None:
        return None
    return covered_hours([(Event(fields, zone), timeout / 60)])


# -- Cloud Workstations -----------------------------------------------------------------------------------------------

_CONFIG_LINK = TemplateLink(
    ("workstation_config_id",), ("google_workstations_workstation_config",), ("workstation_config_id", "name", "id")
)
_WORKSTATION_MACHINE = "e2-standard-4"
"""What a configuration without a machine type starts
(https://registry.terraform.io/providers/hashicorp/google/latest/docs/resources/workstations_workstation_config)."""
_WORKSTATION_FEE = fee_per_vcpu("workstations-vcpu", "management fee of Cloud Workstations")


def _host(block: View) -> Machine:
    machine = machine_at(block, default=_WORKSTATION_MACHINE)
    machine = attach(machine, block.blocks("accelerators"), "type", "count")
    return replace(machine, public_ipv4=0 if block.flag("disable_public_ip_addresses") else 1)


def workstation_machine(view: View) -> Machine:
    """What a workstation of a configuration starts unless its user asks for a boost."""
    host = view.block("host.0.gce_instance")
    machine = _host(host) if host is not None else machine_at(view, "host.0.gce_instance", None)
    return replace(machine, via=(view.address,))


def workstation_config(view: View) -> Extracted:
    """`google_workstations_workstation_config`: machines kept ready (`pool_size`), and as many as users start."""
    host = view.block("host.0.gce_instance")
    if host is None:
        return Extracted(())
    pools = []
    for block in (host, *host.blocks("boost_configs")):
        machine = _host(block)
        ready = units_of(block.number("pool_size"), Decimal(0))
        pools.append(machine.pool(Units(ready, ready, None), charges=(_WORKSTATION_FEE,)))
    tell(
        view,
        "warning",
        "unbounded-workstations",
        "users start workstations of this configuration without a limit in number",
        "running_timeout and idle_timeout bound the hours of each",
    )
    if seconds(view.string("idle_timeout")) == 0:
        tell(view, "warning", "no-idle-shutdown", "idle_timeout is 0: idle workstations are not stopped")
    return Extracted(tuple(pools))


def workstation(view: View) -> Extracted:
    """`google_workstations_workstation`: stopped until its user starts it."""
    machine = followed_machine(view, _CONFIG_LINK, workstation_machine)
    if machine is None or (not machine.options and machine.unknown is None):
        return Extracted(())
    tell(view, "info", "runs-on-demand", "a workstation costs no machine until its user starts it")
    return Extracted(
        (machine.pool(Units(Decimal(0), Decimal(0), Decimal(1)), charges=(_WORKSTATION_FEE,)),), via=machine.via
    )


_VM_PRICES = (
    "the machine or its vCPUs and memory",
    "attached GPUs",
    "disks",
    "a public IPv4 address",
    "sustained use discounts",
)
_LEAVES_OUT_FEE = (_WORKBENCH_FEE,)
_ASSUMES_DISKS = "A disk without a type is pd-balanced."
_ASSUMES_ALL_MONTH = "It runs all month: idle shutdown is told, not guessed."
_COLAB_PRICES = ("the machine", "attached GPUs")
_COLAB_LEAVES_OUT = ("disks",)
_COLAB_READS = ("machine_spec", "custom_environment_spec.machine_spec")

SPECS: tuple[ResourceSpec, ...] = (
    ResourceSpec(
        type="google_workbench_instance",
        cloud="gcp",
        extract=workbench,
        region=region,
        tags=labels,
        reads=(
            "gce_setup.machine_type",
            "gce_setup.accelerator_configs",
            "gce_setup.boot_disk",
            "gce_setup.data_disks",
            "gce_setup.disable_public_ip",
            "gce_setup.metadata.idle-timeout-seconds",
            "gce_setup.reservation_affinity",
            "desired_state",
            "location",
        ),
        prices=_VM_PRICES,
        leaves_out=_LEAVES_OUT_FEE,
        assumes=(
            "A boot disk without a size has 150 GiB, the data disk 100 GiB; it is there also where none is written.",
            _ASSUMES_DISKS,
            _ASSUMES_ALL_MONTH,
        ),
        source="google provider: google_workbench_instance",
    ),
    ResourceSpec(
        type="google_notebooks_instance",
        cloud="gcp",
        extract=notebook,
        region=region,
        tags=labels,
        probe=("machine_type",),
        accelerator_attributes=("accelerator_config",),
        reads=(
            "machine_type",
            "accelerator_config",
            "boot_disk_type",
            "boot_disk_size_gb",
            "data_disk_type",
            "data_disk_size_gb",
            "no_public_ip",
            "reservation_affinity",
            "desired_state",
            "location",
        ),
        prices=_VM_PRICES,
        leaves_out=_LEAVES_OUT_FEE,
        assumes=("A disk without a size has 100 GiB.", _ASSUMES_DISKS, _ASSUMES_ALL_MONTH),
        source="google provider 6.x: google_notebooks_instance",
    ),
    ResourceSpec(
        type="google_notebooks_runtime",
        cloud="gcp",
        extract=managed_notebook,
        region=region,
        tags=labels,
        reads=(
            "virtual_machine.virtual_machine_config.machine_type",
            "virtual_machine.virtual_machine_config.accelerator_config",
            "virtual_machine.virtual_machine_config.data_disk",
            "software_config",
            "location",
        ),
        prices=_VM_PRICES,
        leaves_out=_LEAVES_OUT_FEE,
        assumes=("A data disk without a size has 100 GiB.", _ASSUMES_ALL_MONTH),
        source="google provider 6.x: google_notebooks_runtime",
    ),
    ResourceSpec(
        type="google_colab_runtime_template",
        cloud="gcp",
        extract=as_template(colab_template_machine),
        region=region,
        tags=labels,
        template=True,
        reads=("machine_spec", "idle_shutdown_config"),
        assumes=("Costs nothing by itself.",),
        source="google provider: google_colab_runtime_template",
    ),
    ResourceSpec(
        type="google_colab_runtime",
        cloud="gcp",
        extract=colab_runtime,
        region=region,
        tags=labels,
        links=(_RUNTIME_LINK,),
        reads=("notebook_runtime_template_ref", "desired_state", "location"),
        prices=_COLAB_PRICES,
        leaves_out=_COLAB_LEAVES_OUT,
        assumes=("It runs from when it is created, all month.",),
        source="google provider: google_colab_runtime",
    ),
    ResourceSpec(
        type="google_colab_notebook_execution",
        cloud="gcp",
        extract=colab_execution,
        region=region,
        tags=labels,
        links=(_EXECUTION_LINK,),
        reads=(*_COLAB_READS[1:], "notebook_runtime_template_resource_name", "execution_timeout", "location"),
        prices=_COLAB_PRICES,
        leaves_out=_COLAB_LEAVES_OUT,
        assumes=("Apply starts one run, which counts with its timeout: a day where none is set.",),
        source="google provider: google_colab_notebook_execution",
    ),
    ResourceSpec(
        type="google_colab_schedule",
        cloud="gcp",
        extract=colab_schedule,
        region=region,
        tags=labels,
        links=(_SCHEDULE_LINK,),
        reads=(
            "create_notebook_execution_job_request.notebook_execution_job",
            "cron",
            "max_concurrent_run_count",
            "desired_state",
            "location",
        ),
        prices=_COLAB_PRICES,
        leaves_out=_COLAB_LEAVES_OUT,
        assumes=("A run counts with its timeout; without one only the maximum counts.",),
        source="google provider: google_colab_schedule",
    ),
    ResourceSpec(
        type="google_workstations_workstation_config",
        cloud="gcp",
        extract=workstation_config,
        region=region,
        tags=labels,
        reads=("host.gce_instance", "idle_timeout", "location"),
        prices=(
            "machines that are kept ready",
            "attached GPUs",
            "a public IPv4 address",
            "the management fee",
            "sustained use discounts",
        ),
        leaves_out=("boot disks and persistent directories", "the control plane of the workstation cluster"),
        assumes=("Expected are the machines of pool_size; how many workstations users start has no limit.",),
        source="google provider: google_workstations_workstation_config; Cloud Workstations pricing",
    ),
    ResourceSpec(
        type="google_workstations_workstation",
        cloud="gcp",
        extract=workstation,
        region=region,
        tags=labels,
        reads=("workstation_config_id", "location"),
        prices=("its machine at maximum", "attached GPUs", "a public IPv4 address", "the management fee"),
        leaves_out=("persistent directories",),
        assumes=("It is stopped until its user starts it: nothing at rest, one machine all month at maximum.",),
        source="google provider: google_workstations_workstation; Cloud Workstations pricing",
    ),
)

COMPANIONS: tuple[Companion, ...] = ()
