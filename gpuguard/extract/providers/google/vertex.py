"""Vertex AI: models that run on machines of their own, and persistent resources for training.

Vertex AI bills prediction and training nodes by prices of its own, above those of Compute Engine. Spot machines and those
of a reservation are billed by Compute Engine, and Vertex AI adds a management fee
(https://cloud.google.com/vertex-ai/pricing, https://cloud.google.com/vertex-ai/docs/predictions/use-reservations).
"""

import re
from decimal import Decimal
from typing import Literal

from msgspec.structs import replace

from gpuguard.extract.providers.google.common import labels, region
from gpuguard.extract.providers.google.managed import (
    attach,
    known_region,
    machine_at,
    not_counted,
    reservation_of,
    service_charges,
    tell,
)
from gpuguard.extract.spec import Companion, Extracted, Machine, ResourceSpec, bounded, units_of
from gpuguard.extract.view import View
from gpuguard.model.usage import PoolUsage, Units, Unknown

_DEFAULT_MACHINE = "n1-standard-2"
"""Of a deployed model (https://cloud.google.com/vertex-ai/docs/reference/rest/v1/MachineSpec)."""
_TOPOLOGY = re.compile(r"\d{1,3}(?:x\d{1,3}){1,2}\Z")
_HOST = re.compile(r"-(\d{1,2})t\Z")
_FEE = "management fee of Vertex AI"

Use = Literal["prediction", "training"]


def _machine(spec: View) -> Machine:
    """A `machine_spec` block; the accelerator only repeats what an accelerator-optimised machine brings along."""
    machine = attach(machine_at(spec, default=_DEFAULT_MACHINE), (spec,), "accelerator_type", "accelerator_count")
    return replace(machine, covered_by=reservation_of(spec, "reservation_affinity"))


def _machines_of_a_replica(spec: View) -> Decimal | None:
    """Machines that make one replica: several hosts of GPUs, or the hosts of a TPU slice. None: only apply can tell."""
    nodes = spec.number("multihost_gpu_node_count")
    if isinstance(nodes, Unknown):
        return None
    topology, host = spec.string("tpu_topology"), _HOST.search(spec.string("machine_type") or "")
    if topology is not None and host is not None and _TOPOLOGY.match(topology):
        chips = Decimal(1)
        for side in topology.split("x"):
            chips *= int(side)
        return max((chips / max(int(host[1]), 1)).to_integral_value("ROUND_CEILING"), Decimal(1))
    return max(nodes or Decimal(1), Decimal(1))


def _times(units: Units, factor: Decimal | None) -> Units:
    sizes = (units.min, units.expected, units.max)
    if factor is None:
        return Units(*(Decimal(0) if size == 0 else None for size in sizes))
    return Units(*(None if size is None else size * factor for size in sizes))


def _pool(view: View, machine: Machine, units: Units, use: Use, *, spot: bool = False) -> PoolUsage:
    """Nodes at Vertex AI's prices; as spot or inside a reservation at those of Compute Engine."""
    if spot or machine.covered_by is not None:
        not_counted(view, _FEE)
        return machine.pool(units, purchase_model="spot" if spot else "on_demand")
    charges = service_charges(view, machine, f"vertex-{use}", f"Vertex AI {use}", known_region(view))
    return machine.pool(units, charges=charges, machine_billed=False)


def _replicas(dedicated: View) -> Units:
    """Replicas of a model: without a maximum, the minimum is all there is."""
    low, high = dedicated.number("min_replica_count"), dedicated.number("max_replica_count")
    if high is None or high == 0:
        size = units_of(low, Decimal(1))
        return Units.fixed(None if size is None else max(size, Decimal(1)) if low is None else size)
    return bounded(low, None, high)


def _dedicated(view: View, dedicated: View, purchase: str = "spot") -> PoolUsage | None:
    """The nodes of a `dedicated_resources` block; None where it names no machine."""
    spec = dedicated.block("machine_spec")
    if spec is None:
        return None
    machine = _machine(spec)
    spot = dedicated.flag(purchase)
    machine = replace(machine, purchase_attribute=dedicated.attribute(purchase))
    return _pool(view, machine, _times(_replicas(dedicated), _machines_of_a_replica(spec)), "prediction", spot=spot)


def resource_pool(view: View) -> Extracted:
    """`google_vertex_ai_deployment_resource_pool`: nodes that several models share, billed while the pool exists."""
    dedicated = view.block("dedicated_resources")
    pool = _dedicated(view, dedicated) if dedicated is not None else None
    return Extracted((pool,) if pool is not None else ())


def model_garden(view: View) -> Extracted:
    """`google_vertex_ai_endpoint_with_model_garden_deployment`: an endpoint with its model, deployed by apply.

    Without a machine it gets the one that Model Garden has verified for the model, which the plan does not know.
    """
    dedicated = view.block("deploy_config.0.dedicated_resources")
    pool = _dedicated(view, dedicated) if dedicated is not None else None
    if pool is not None:
        return Extracted((pool,))
    unknown = Unknown("Model Garden chooses the machine: deploy_config names none", "unknown-machine-type")
    return Extracted((PoolUsage(options=(), units=Units.fixed(None), unknown=unknown),))


def endpoint(view: View) -> Extracted:
    """`google_vertex_ai_endpoint`: what the provider read of the models that run on it.

    Models are deployed outside Terraform: a new endpoint holds none, and costs nothing.
    """
    pools = []
    for model in view.blocks("deployed_models"):
        dedicated = model.block("dedicated_resources")
        pool = _dedicated(view, dedicated) if dedicated is not None else None
        if pool is not None:
            pools.append(pool)
    if pools and view.side == "after":
        tell(view, "info", "deployed-outside", "its models were deployed outside Terraform and stay as they are")
    return Extracted(tuple(pools))


def persistent_resource(view: View) -> Extracted:
    """`google_vertex_ai_persistent_resource`: machines for training jobs, billed until they are deleted."""
    pools = []
    for block in view.blocks("resource_pools"):
        spec = block.block("machine_spec")
        if spec is None:
            continue
        scaling = block.block("autoscaling_spec")
        size = block.number("replica_count")
        if scaling is not None:
            units = bounded(scaling.number("min_replica_count"), size, scaling.number("max_replica_count"))
        else:
            units = Units.fixed(units_of(size, Decimal(1)))
        pools.append(_pool(view, _machine(spec), units, "training"))
    return Extracted(tuple(pools))


_PRICES = ("the machine at Vertex AI's price", "attached GPUs")
_ASSUMES_REPLICAS = "Without max_replica_count the minimum is all there is; expected is the minimum."
_NO_FEE = "the management fee of spot and reserved machines"
_DEDICATED = "dedicated_resources"

SPECS: tuple[ResourceSpec, ...] = (
    ResourceSpec(
        type="google_vertex_ai_endpoint_with_model_garden_deployment",
        cloud="gcp",
        extract=model_garden,
        region=region,
        tags=labels,
        reads=(
            "deploy_config.dedicated_resources.machine_spec",
            "deploy_config.dedicated_resources.min_replica_count",
            "deploy_config.dedicated_resources.max_replica_count",
            "deploy_config.dedicated_resources.spot",
            "location",
        ),
        prices=(*_PRICES, "spot machines at Compute Engine's price"),
        leaves_out=(_NO_FEE,),
        assumes=(
            _ASSUMES_REPLICAS,
            "Without a machine it gets the one that Model Garden chooses: an accelerator that is not known.",
        ),
        source="google provider: google_vertex_ai_endpoint_with_model_garden_deployment; Vertex AI pricing",
    ),
    ResourceSpec(
        type="google_vertex_ai_deployment_resource_pool",
        cloud="gcp",
        extract=resource_pool,
        region=region,
        tags=labels,
        reads=(_DEDICATED, "region"),
        prices=_PRICES,
        assumes=(_ASSUMES_REPLICAS,),
        source="google provider: google_vertex_ai_deployment_resource_pool; Vertex AI pricing",
    ),
    ResourceSpec(
        type="google_vertex_ai_endpoint",
        cloud="gcp",
        extract=endpoint,
        region=region,
        tags=labels,
        reads=("deployed_models", "location"),
        prices=_PRICES,
        assumes=("Models are deployed outside Terraform: only what the provider read of them is counted.",),
        source="google provider: google_vertex_ai_endpoint",
    ),
    ResourceSpec(
        type="google_vertex_ai_persistent_resource",
        cloud="gcp",
        extract=persistent_resource,
        region=region,
        tags=labels,
        reads=(
            "resource_pools.machine_spec",
            "resource_pools.replica_count",
            "resource_pools.autoscaling_spec",
            "location",
        ),
        prices=_PRICES,
        leaves_out=("boot disks",),
        assumes=("It runs from when it is created, all month, whether jobs use it or not.",),
        source="google provider: google_vertex_ai_persistent_resource; Vertex AI pricing",
    ),
)

COMPANIONS: tuple[Companion, ...] = ()
