"""ARM resources through azapi: the same machines by their ARM names."""

import json

from msgspec.structs import replace

from gpuguard.extract.common import string_tags
from gpuguard.extract.providers.azurerm.arm import KINDS, Kind, unread
from gpuguard.extract.providers.azurerm.common import GROUP, group_location, looks_like_size, normalised
from gpuguard.extract.providers.azurerm.common import region as azurerm_region
from gpuguard.extract.spec import Companion, Extracted, Machine, ResourceSpec, can_run
from gpuguard.extract.view import View
from gpuguard.model.usage import MachineOption, Units, Unknown

RESOURCE = "azapi_resource"
UPDATE = "azapi_update_resource"
_MOST_PARENTS = 6
_LONGEST_BODY = 1_000_000
_PARENTS = (
    *GROUP,
    RESOURCE,
    "azurerm_kubernetes_cluster",
    "azurerm_machine_learning_workspace",
    "azurerm_batch_account",
    "azurerm_capacity_reservation_group",
    "azurerm_dedicated_host_group",
    "azurerm_synapse_workspace",
    "azurerm_container_app_environment",
    "azurerm_service_fabric_managed_cluster",
)
"""What an ARM resource may be part of, and what then tells its location."""
_COMPUTE = "microsoft.compute"
_ARM_TYPES = {
    "azurerm_kubernetes_cluster": "microsoft.containerservice/managedclusters",
    "azurerm_kubernetes_cluster_node_pool": "microsoft.containerservice/managedclusters/agentpools",
    "azurerm_machine_learning_workspace": "microsoft.machinelearningservices/workspaces",
    "azurerm_machine_learning_compute_cluster": "microsoft.machinelearningservices/workspaces/computes",
    "azurerm_machine_learning_compute_instance": "microsoft.machinelearningservices/workspaces/computes",
    "azurerm_batch_account": "microsoft.batch/batchaccounts",
    "azurerm_batch_pool": "microsoft.batch/batchaccounts/pools",
    "azurerm_capacity_reservation_group": f"{_COMPUTE}/capacityreservationgroups",
    "azurerm_dedicated_host_group": f"{_COMPUTE}/hostgroups",
    "azurerm_synapse_workspace": "microsoft.synapse/workspaces",
    "azurerm_service_fabric_managed_cluster": "microsoft.servicefabric/managedclusters",
    "azurerm_container_app_environment": "microsoft.app/managedenvironments",
    "azurerm_container_app": "microsoft.app/containerapps",
    "azurerm_container_app_job": "microsoft.app/jobs",
    "azurerm_linux_virtual_machine": f"{_COMPUTE}/virtualmachines",
    "azurerm_windows_virtual_machine": f"{_COMPUTE}/virtualmachines",
    "azurerm_virtual_machine": f"{_COMPUTE}/virtualmachines",
    "azurerm_linux_virtual_machine_scale_set": f"{_COMPUTE}/virtualmachinescalesets",
    "azurerm_windows_virtual_machine_scale_set": f"{_COMPUTE}/virtualmachinescalesets",
    "azurerm_orchestrated_virtual_machine_scale_set": f"{_COMPUTE}/virtualmachinescalesets",
    "azurerm_virtual_machine_scale_set": f"{_COMPUTE}/virtualmachinescalesets",
}
"""What ARM calls the resources that an update may change, or may change a part of."""
_TARGETS = (RESOURCE, *_ARM_TYPES)
_MOST_VALUES = 5_000


def arm_type(view: View) -> str:
    """``Microsoft.Compute/virtualMachines@2024-07-01`` → ``microsoft.compute/virtualmachines``."""
    return (view.string("type") or "").partition("@")[0].strip().lower()


def body_of(view: View) -> View | None:
    """The body: an object (azapi 2), or JSON text (azapi 1). None where the plan does not hold it."""
    if isinstance(view.known("body"), str):
        documents = view.embedded("body", json.loads)
        return documents[0] if documents else None
    return view.block("body")


def resource(view: View) -> Extracted:
    """`azapi_resource`, by its ARM type."""
    type_ = arm_type(view)
    kind = KINDS.get(type_)
    body = body_of(view) if type_ else None
    if kind is None:
        found = unread(view, type_, _decoded(view.known("body")))
        return Extracted(found or unread(view, type_, view.candidates("body")))
    if body is None:
        return _hidden(view, kind, "body") if view.known("body") is None else Extracted(())
    return _read(view, kind, body)


def _read(view: View, kind: Kind, body: View) -> Extracted:
    """What the body says; where its properties are unknown as a whole, what they may turn out to be."""
    found = kind.read(view, body)
    if not found.pools and body.known("properties") is None:
        return _hidden(view, kind, "body.properties")
    return found


def _decoded(body: object) -> object:
    """The body as an object, also where it is JSON text."""
    if not isinstance(body, str) or len(body) > _LONGEST_BODY:
        return body
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _hidden(view: View, kind: Kind, path: str) -> Extracted:
    """What mentions something known only after apply in a function (JSON text above all) is not in the plan at all.

    What its references lead to may still name the size: a variable, another resource.
    """
    names = [name for name in view.candidates(path) if looks_like_size(name)]
    if not kind.machine:
        names = [name for name in names if view.context.looks_accelerated("azure", name)]
    if not names and not (kind.machine and isinstance(view.get(path), Unknown)):
        return Extracted(())
    unknown = Unknown("its body is known only after apply", "unknown-machine-type")
    machine = Machine(
        options=tuple(MachineOption(name) for name in names), unknown=unknown, machine_attribute=view.attribute("body")
    )
    return Extracted((machine.pool(Units.fixed(1 if kind.one else None)),))


def update(view: View) -> Extracted:
    """`azapi_update_resource`: what it changes of a resource that is described elsewhere, perhaps in the same plan.

    Machines of a size that the plan of the other names are priced there. What the update alone brings is counted here.
    """
    kind = KINDS.get(arm_type(view))
    body = body_of(view)
    if kind is None or body is None:
        return Extracted(())
    found = kind.read(view, body)
    target = _target(view)
    if not found.pools or target is None:
        return replace(found, fixed=())
    planned = _sizes(target.node.values(view.side))
    pools = []
    for pool in found.pools:
        names = {option.sku.lower() for option in pool.options if looks_like_size(option.sku)}
        if pool.covered_by is not None or not names or names & planned or _arm_type_of(target) != arm_type(view):
            view.note(
                "warning",
                "updated-elsewhere",
                f"it changes {target.address} after Terraform made it: {target.address} is priced as planned there, and"
                " what this adds to it is not counted",
            )
            pools.append(replace(pool, covered_by=pool.covered_by or target.address))
        else:
            view.note(
                "info",
                "updated-size",
                f"it gives {target.address} another machine size than Terraform makes it with: the new one is counted here",
            )
            pools.append(pool if can_run(pool.units) else replace(pool, units=Units.fixed(None)))
    return Extracted(tuple(pools))  # a fee is that of the other resource


def _target(view: View) -> View | None:
    """The resource of the plan that an update changes, or what that is part of."""
    type_ = arm_type(view)
    for each in view.follow(("resource_id", "parent_id"), _TARGETS, ("id",)).views:
        known = _arm_type_of(each)
        if known and (known == type_ or type_.startswith(f"{known}/")):
            return each
    return None


def _arm_type_of(view: View) -> str | None:
    return arm_type(view) if view.node.type == RESOURCE else _ARM_TYPES.get(view.node.type)


def _sizes(values: object) -> frozenset[str]:
    """The names of machine sizes among decoded values, in small letters."""
    found: set[str] = set()
    pending = [values]
    looked = 0
    while pending and looked < _MOST_VALUES:
        value = pending.pop()
        looked += 1
        if isinstance(value, dict | list):
            pending.extend(value.values() if isinstance(value, dict) else value)
        elif isinstance(value, str) and looks_like_size(value):
            found.add(value.lower())
    return frozenset(found)


def region(view: View) -> str | Unknown | None:
    """Own location, else that of the body, else that of what it is part of."""
    current: View | None = view
    for _ in range(_MOST_PARENTS):
        if current is None:
            return None
        if current.node.type not in (RESOURCE, UPDATE):
            return azurerm_region(current)
        own = current.string("location") or _body_location(current)
        if own is not None:
            return normalised(own)
        path = "resource_id" if current.node.type == UPDATE and current.get("resource_id") is not None else "parent_id"
        types = _PARENTS if path == "parent_id" else (*GROUP, *_TARGETS)
        parent = current.follow((path,), types, ("id",)).first
        if parent is None:
            return normalised(group_location(current, path))
        current = parent
    return None


def _body_location(view: View) -> str | None:
    body = body_of(view)
    if body is None:
        return None
    # as the plan has it: in a body that only apply can tell, any reference might be taken for the place
    places = (body.known("properties.computeLocation"), body.known("location"))
    return next((place for place in places if isinstance(place, str) and place), None)


def tags(view: View) -> dict[str, str]:
    """The `tags` map, else that of the body."""
    return string_tags(view, "tags") or string_tags(view, "body.tags")


_TYPES = "The ARM types that azurerm is read for, by the same rules: " + ", ".join(
    (
        "Microsoft.Compute/virtualMachines, virtualMachineScaleSets, capacityReservations and hosts",
        "Microsoft.ContainerService/managedClusters and agentPools",
        "Microsoft.MachineLearningServices/workspaces/computes and onlineEndpoints/deployments",
        "Microsoft.Batch/batchAccounts/pools",
        "Microsoft.ContainerInstance/containerGroups",
        "Microsoft.App/managedEnvironments, containerApps and jobs",
        "Microsoft.Synapse/workspaces/bigDataPools",
        "Microsoft.HDInsight/clusters",
        "Microsoft.RedHatOpenShift/openShiftClusters",
        "Microsoft.ServiceFabric/managedClusters/nodeTypes",
        "Microsoft.DevOpsInfrastructure/pools",
    )
)

SPECS: tuple[ResourceSpec, ...] = (
    ResourceSpec(
        type=RESOURCE,
        cloud="azure",
        extract=resource,
        region=region,
        tags=tags,
        reads=("type", "body", "location", "parent_id", "tags"),
        prices=("the machines", "their disks", "the operating system", "the fee of a paid AKS tier"),
        leaves_out=("Values of sensitive_body, which no plan holds.",),
        assumes=(
            f"{_TYPES}.",
            "Another ARM type whose body names a machine with GPUs is told as unknown.",
            "A body of JSON text that mentions what only apply can tell is unknown as a whole.",
        ),
        source="azapi provider: azapi_resource; ARM template reference",
    ),
    ResourceSpec(
        type=UPDATE,
        cloud="azure",
        extract=update,
        region=region,
        tags=tags,
        reads=("type", "body", "resource_id", "parent_id"),
        prices=("the machines of a resource that the plan does not hold, where the body names their size",),
        leaves_out=("What it changes of a resource of the same plan, which is priced as planned there.",),
        source="azapi provider: azapi_update_resource; ARM template reference",
    ),
)

COMPANIONS: tuple[Companion, ...] = ()
