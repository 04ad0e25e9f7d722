"""ARM resources through azapi: the same machines by their ARM names."""

import json

from msgspec.structs import replace

from gpuguard.extract.common import string_tags
from gpuguard.extract.providers.azurerm.arm import KINDS, Kind, unread
from gpuguard.extract.providers.azurerm.common import GROUP, group_location, looks_like_size, normalised
from gpuguard.extract.providers.azurerm.common import region as azurerm_region
from gpuguard.extract.spec import Companion, Extracted, Machine, ResourceSpec
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
_TARGETS = (
    *_PARENTS[1:],
    "azurerm_linux_virtual_machine",
    "azurerm_windows_virtual_machine",
    "azurerm_virtual_machine",
    "azurerm_linux_virtual_machine_scale_set",
    "azurerm_windows_virtual_machine_scale_set",
    "azurerm_orchestrated_virtual_machine_scale_set",
    "azurerm_virtual_machine_scale_set",
    "azurerm_kubernetes_cluster_node_pool",
    "azurerm_machine_learning_compute_cluster",
    "azurerm_machine_learning_compute_instance",
    "azurerm_batch_pool",
    "azurerm_container_app",
    "azurerm_container_app_job",
)


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
        return Extracted(unread(view, type_, _decoded(view.known("body"))))
    return _hidden(view, kind) if body is None else kind.read(view, body)


def _decoded(body: object) -> object:
    """The body as an object, also where it is JSON text."""
    if not isinstance(body, str) or len(body) > _LONGEST_BODY:
        return body
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _hidden(view: View, kind: Kind) -> Extracted:
    """A body of JSON text that mentions something known only after apply is not in the plan as a whole.

    What its references lead to may still name the size: a variable, another resource.
    """
    if not kind.machine or view.known("body") is not None:
        return Extracted(())
    names = [name for name in view.candidates("body") if looks_like_size(name)]
    unknown = Unknown("its body is known only after apply", "unknown-machine-type")
    machine = Machine(
        options=tuple(MachineOption(name) for name in names), unknown=unknown, machine_attribute=view.attribute("body")
    )
    if not names and not isinstance(view.get("body"), Unknown):
        return Extracted(())
    return Extracted((machine.pool(Units.fixed(1 if kind.one else None)),))


def update(view: View) -> Extracted:
    """`azapi_update_resource`: what it changes of a resource that is described elsewhere, perhaps in the same plan."""
    kind = KINDS.get(arm_type(view))
    body = body_of(view)
    if kind is None or body is None:
        return Extracted(())
    found = kind.read(view, body)
    if not found.pools:
        return Extracted(())
    target = view.follow(("resource_id", "parent_id"), _TARGETS, ("id",)).first
    if target is None:
        return replace(found, fixed=())
    view.note(
        "warning",
        "updated-elsewhere",
        f"it changes {target.address} after Terraform made it: {target.address} is priced as planned there, and what this"
        " adds to it is not counted",
    )
    return Extracted(tuple(replace(pool, covered_by=target.address) for pool in found.pools))


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
        parent = current.follow((path,), _PARENTS, ("id",)).first
        if parent is None:
            return normalised(group_location(current, path))
        current = parent
    return None


def _body_location(view: View) -> str | None:
    body = body_of(view)
    if body is None:
        return None
    return body.string("properties.computeLocation") or body.string("location")


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
