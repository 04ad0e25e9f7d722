"""OVHcloud Public Cloud, and OpenStack clouds like it.

https://registry.terraform.io/providers/ovh/ovh, https://registry.terraform.io/providers/terraform-provider-openstack/openstack.
Instances name their flavour by an id of the region; what it is called is told by the data sources that looked it up.
"""

import re
from collections.abc import Iterator
from decimal import Decimal

from gpuguard.extract.common import listed_tags, string_tags
from gpuguard.extract.plain import (
    behind,
    hidden,
    no_tags,
    place,
    plain_machine,
    pool_of,
    provider_setting,
    scaled,
    size,
    stopped,
)
from gpuguard.extract.spec import Companion, Extracted, Machine, ResourceSpec, machine_options, units_of
from gpuguard.extract.view import View, parse_path
from gpuguard.model.usage import AttachedAccelerator, MachineOption, Units, Unknown

OVH = "ovh"
OPENSTACK = "openstack"
_FLAVOURS = ("ovh_cloud_project_flavor", "ovh_cloud_instance_flavor", "openstack_compute_flavor_v2")
_LISTS = ("ovh_cloud_project_flavors", "ovh_cloud_instance_flavors")
_WINDOWS = "win-"
_GPU_NAME = re.compile(
    r"(?:\A|[^a-z0-9])(?:(?P<count>\d{1,2})x)?"
    r"(?P<model>v?gpus?|a100|h100|h200|b200|l40s|v100s?|rtx[a-z0-9]*|mi\d{3}x)(?=\Z|[^a-z0-9])"
)
"""What the flavours of private clouds are called that have GPUs; names as short as T4 or A10 tell nothing."""
_A100_80 = re.compile(r"a100[^a-z0-9]*80(?![0-9])")
_MOST_FLAVOURS = 20_000
_OFF = frozenset(("shelved", "shelved_offloaded"))
_PAUSED = frozenset(("shutoff", "paused"))


def flavour_names(view: View) -> dict[str, str]:
    """The names of flavours by their ids, as the data sources (and flavours of the plan's own) tell them."""
    memo = view.context.memo
    key = ("ovh", "flavours", view.side)
    found: dict[str, str] | None = memo.get(key)
    if found is None:
        found = memo[key] = dict(_told(view))
    return found


def _told(view: View) -> Iterator[tuple[str, str]]:
    document = view.context.document
    for type_ in (*_FLAVOURS, *_LISTS):
        for node in (*document.data(type_), *document.current(type_)):
            values = node.values(view.side) or node.values("before") or {}
            listed = values.get("flavors")
            for each in listed[:_MOST_FLAVOURS] if isinstance(listed, list) else (values,):
                name = each.get("name") if isinstance(each, dict) else None
                identity = (each.get("id"), each.get("flavor_id")) if isinstance(each, dict) else ()
                for own in identity:
                    if isinstance(own, str) and own and isinstance(name, str) and name:
                        yield own, name


def _named(view: View, path: str) -> tuple[tuple[MachineOption, ...], Unknown | None]:
    """The flavour whose id, or name, an attribute holds."""
    options, unknown = machine_options(view, path)
    names = flavour_names(view)
    found = tuple(dict.fromkeys(names.get(option.sku, option.sku) for option in options))
    if not found and unknown is not None:
        # a list of flavours that can be read only while applying, asked for one name
        lists = view.context.resolver.resolve(view.node, (*view.prefix, *parse_path(path))).nodes(_LISTS)
        asked = {(each.values(view.side) or {}).get("name_filter") for each in lists}
        found = tuple(sorted(name for name in asked if isinstance(name, str) and name))
    return tuple(MachineOption(name) for name in found), None if found else unknown


# -- OVHcloud -------------------------------------------------------------------------------------------------------------


def _ovh_machine(view: View, path: str, name: object) -> Machine:
    """An instance by its flavour's id, or by the name that the provider has read already."""
    options, unknown = _named(view, path)
    if isinstance(name, str) and name:
        options, unknown = (MachineOption(name),), None
    if options and all(_is_id(option.sku) for option in options):
        options, unknown = (), Unknown("nothing in the plan tells the name of its flavour", "unknown-machine-type")
    windows = bool(options) and options[0].sku.startswith(_WINDOWS)
    return Machine(
        options=tuple(MachineOption(option.sku.removeprefix(_WINDOWS)) for option in options),
        unknown=unknown,
        os="windows" if windows else "linux",
        machine_attribute=view.attribute(path),
        sensitive=view.is_sensitive(path),
    )


def _is_id(name: str) -> bool:
    return re.fullmatch(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", name.lower()) is not None


def project_instance(view: View) -> Extracted:
    """`ovh_cloud_project_instance`: another flavour makes another instance, so a known name is the right one."""
    flavour = view.block("flavor")
    if flavour is None:
        return hidden(view, "flavor")
    machine = _ovh_machine(flavour, "flavor_id", view.known("flavor_name"))
    _tell_monthly(view, (view.string("billing_period") or "").lower() == "monthly")
    return Extracted(pool_of(machine, Units.fixed(1)))


def cloud_instance(view: View) -> Extracted:
    """`ovh_cloud_instance`: billed unless it is shelved.

    https://help.ovhcloud.com/csm/en-public-cloud-compute-suspend-or-pause-instance: what is stopped or paused keeps its
    resources and is billed on.
    """
    before = view.node.values("before") or {}
    same = before.get("flavor_id") == view.known("flavor_id")
    name = view.known("current_state.flavor.name") if view.side == "before" or same else None
    return _switched(view, Extracted(pool_of(_ovh_machine(view, "flavor_id", name), Units.fixed(1))))


def _switched(view: View, found: Extracted) -> Extracted:
    state = (view.string("power_state") or "").lower()
    if not found.pools:
        return found
    if state in _OFF:
        view.note("info", "stopped-instance", f"power_state is {state}: only its storage is billed")
        return Extracted(tuple(stopped(pool) for pool in found.pools), cloud=found.cloud)
    if state in _PAUSED:
        view.note("warning", "billed-while-stopped", f"power_state is {state}, and the machine is billed all the same")
    return found


def nodepool(view: View) -> Extracted:
    """`ovh_cloud_project_kube_nodepool`: `desired_nodes`, bounded where it scales by itself."""
    machine = plain_machine(view, "flavor_name")
    desired, low, high = size(view, "desired_nodes"), size(view, "min_nodes"), size(view, "max_nodes")
    _tell_monthly(view, view.flag("monthly_billed"))
    if not view.flag("autoscale"):
        count = desired if desired is not None else low
        return Extracted(pool_of(machine, Units.fixed(units_of(count, Decimal(0)))))
    if high is None:
        view.note(
            "warning",
            "unbounded-autoscaling",
            "it scales by itself up to the limit of the service: max_nodes is not set",
        )
    return Extracted(pool_of(machine, scaled(desired, low, high)))


def _tell_monthly(view: View, monthly: bool) -> None:
    if monthly:
        view.note(
            "info", "billed-monthly", "it is billed by the month, which costs less than the hours that are counted"
        )


def nodepool_region(view: View) -> str | None:
    """The region of its cluster."""
    cluster = behind(view, "kube_id", ("ovh_cloud_project_kube",), "id", "name")
    return None if cluster is None else cluster.string("region")


# -- OpenStack ------------------------------------------------------------------------------------------------------------


def _openstack(view: View, *paths: str) -> tuple[Machine, str]:
    """The machine of the first of these attributes that is set, and the cloud it is in.

    A flavour that only apply can tell is passed over: nearly all of them have no GPU.
    """
    options = next((found for path in paths if (found := _named(view, path)[0])), ())
    attribute = view.attribute(paths[0])
    at_ovh = ".ovh." in (provider_setting(view, "auth_url") or "")
    known = tuple(option for option in options if _is_ovh(view, option.sku, at_ovh))
    if known:
        return Machine(options=known, machine_attribute=attribute), OVH
    for option in options:
        attached = _gpu_of_name(option.sku.lower()[:100])
        if attached is not None:
            view.note(
                "info",
                "private-flavour",
                f"what the flavour {option.sku} has is taken from its name; it has no list price",
            )
            return Machine(options=(option,), accelerators=(attached,), machine_attribute=attribute), OPENSTACK
    return Machine(), OPENSTACK


def _gpu_of_name(name: str) -> AttachedAccelerator | None:
    """What a flavour's name says of its GPUs: the model, where one is named beside the word GPU (``gpu.4xa100-80g``)."""
    found = list(_GPU_NAME.finditer(name))
    if not found:
        return None
    match = next((each for each in found if "gpu" not in each["model"]), found[0])
    model = "GPU" if "gpu" in match["model"] else match["model"].upper()
    if model == "A100" and _A100_80.search(name):
        model = "A100-80GB"
    return AttachedAccelerator(model, Decimal(match["count"] or 1))


def _is_ovh(view: View, name: str, at_ovh: bool) -> bool:
    known = view.context.machine(OVH, name)
    if known is not None:
        return known.gpu_model is not None
    return at_ovh and view.context.looks_accelerated(OVH, name)


def compute_instance(view: View) -> Extracted:
    """`openstack_compute_instance_v2`: an instance of OVHcloud, or of a private cloud if its flavour's name says GPU."""
    machine, cloud = _openstack(view, "flavor_name", "flavor_id")
    return _switched(view, Extracted(pool_of(machine, Units.fixed(1)), cloud=cloud))


def magnum_nodegroup(view: View) -> Extracted:
    """`openstack_containerinfra_nodegroup_v1`: `node_count` nodes, with bounds where they are given."""
    machine, cloud = _openstack(view, "flavor_id")
    count = size(view, "node_count")
    high = size(view, "max_node_count")
    start = Decimal(1) if count is None else count
    if high is None:
        return Extracted(pool_of(machine, Units.fixed(units_of(start, None))), cloud=cloud)
    return Extracted(pool_of(machine, scaled(start, size(view, "min_node_count"), high)), cloud=cloud)


def magnum_cluster(view: View) -> Extracted:
    """`openstack_containerinfra_cluster_v1`: its first nodes, of its own flavour or that of its template."""
    machine, cloud = _openstack(view, "flavor")
    if view.known("flavor") is None:
        template = behind(view, "cluster_template_id", ("openstack_containerinfra_clustertemplate_v1",), "id", "name")
        if template is not None:
            machine, cloud = _openstack(template, "flavor")
    return Extracted(pool_of(machine, Units.fixed(units_of(size(view, "node_count"), Decimal(1)))), cloud=cloud)


def metadata(view: View) -> dict[str, str]:
    """Its metadata, else its list of tags."""
    return string_tags(view, "metadata") or listed_tags(view)


_PRICES = ("the machine, where the catalog has a price for its region",)
_ASSUMES_NAME = "A flavour is known by the name that a data source of the plan tells of its id."

SPECS: tuple[ResourceSpec, ...] = (
    ResourceSpec(
        type="ovh_cloud_project_instance",
        cloud=OVH,
        extract=project_instance,
        region=place("region"),
        tags=no_tags,
        reads=("flavor.flavor_id", "flavor_name", "billing_period", "region"),
        prices=_PRICES,
        leaves_out=("volumes", "gateways and floating addresses"),
        assumes=(_ASSUMES_NAME, "What is billed by the month is counted by the hour."),
        source="ovh provider: ovh_cloud_project_instance",
    ),
    ResourceSpec(
        type="ovh_cloud_instance",
        cloud=OVH,
        extract=cloud_instance,
        region=place("region"),
        tags=no_tags,
        reads=("flavor_id", "power_state", "region"),
        prices=_PRICES,
        leaves_out=("volumes", "addresses"),
        assumes=(_ASSUMES_NAME, "A stopped machine is billed on; a shelved one is not."),
        source="ovh provider: ovh_cloud_instance",
    ),
    ResourceSpec(
        type="ovh_cloud_project_kube_nodepool",
        cloud=OVH,
        extract=nodepool,
        region=nodepool_region,
        tags=no_tags,
        reads=("flavor_name", "desired_nodes", "min_nodes", "max_nodes", "autoscale", "monthly_billed", "kube_id"),
        prices=("the nodes, where the catalog has a price for their region",),
        leaves_out=("floating addresses",),
        assumes=(
            "Without autoscaling the pool keeps its desired size.",
            "What is billed by the month is counted by the hour.",
        ),
        source="ovh provider: ovh_cloud_project_kube_nodepool",
    ),
    ResourceSpec(
        type="openstack_compute_instance_v2",
        cloud=OPENSTACK,
        extract=compute_instance,
        region=place("region"),
        tags=metadata,
        reads=("flavor_name", "flavor_id", "power_state", "region"),
        prices=_PRICES,
        leaves_out=("volumes", "flavours of private clouds, which have no list price"),
        assumes=(
            "A flavour of the OVHcloud catalog is taken for OVHcloud's; others count when their name says GPU.",
            "A flavour that only apply can tell is passed over.",
        ),
        source="openstack provider: openstack_compute_instance_v2",
    ),
    ResourceSpec(
        type="openstack_containerinfra_cluster_v1",
        cloud=OPENSTACK,
        extract=magnum_cluster,
        region=place("region"),
        tags=no_tags,
        reads=("flavor", "node_count", "cluster_template_id"),
        prices=_PRICES,
        leaves_out=("the master nodes", "volumes"),
        assumes=("A flavour of the OVHcloud catalog is taken for OVHcloud's; others count when their name says GPU.",),
        source="openstack provider: openstack_containerinfra_cluster_v1",
    ),
    ResourceSpec(
        type="openstack_containerinfra_nodegroup_v1",
        cloud=OPENSTACK,
        extract=magnum_nodegroup,
        region=place("region"),
        tags=no_tags,
        reads=("flavor_id", "node_count", "min_node_count", "max_node_count"),
        prices=_PRICES,
        leaves_out=("volumes",),
        assumes=("A flavour of the OVHcloud catalog is taken for OVHcloud's; others count when their name says GPU.",),
        source="openstack provider: openstack_containerinfra_nodegroup_v1",
    ),
)

COMPANIONS: tuple[Companion, ...] = (
    Companion(
        type="ovh_cloud_project_kube",
        of=("ovh_cloud_project_kube_nodepool",),
        reads=("region",),
        says="where a node pool is",
        source="ovh provider: ovh_cloud_project_kube",
    ),
    Companion(
        type="openstack_containerinfra_clustertemplate_v1",
        of=("openstack_containerinfra_cluster_v1",),
        reads=("flavor",),
        says="the flavour of the nodes",
        source="openstack provider: openstack_containerinfra_clustertemplate_v1",
    ),
)
