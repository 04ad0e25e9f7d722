"""DigitalOcean: GPU Droplets, autoscale pools of them, Kubernetes node pools, dedicated inference.

Spot and contracted capacity are sizes of their own (``gpu-…-spot``, ``gpu-…-contracted``). A Droplet that is powered off
costs the same (https://docs.digitalocean.com/products/droplets/details/pricing/).
"""

from decimal import Decimal

from gpuguard.extract.common import listed_tags, single
from gpuguard.extract.plain import region_behind
from gpuguard.extract.spec import (
    Companion,
    Extracted,
    Machine,
    ResourceSpec,
    TemplateLink,
    bounded,
    machine_options,
    units_of,
)
from gpuguard.extract.view import View
from gpuguard.model.usage import Charge, MachineOption, PoolUsage, PurchaseModel, Units, Unknown

_CLUSTER = TemplateLink(("cluster_id",), ("digitalocean_kubernetes_cluster",), ("id",))
_ONE = Decimal(1)


def droplet_machine(view: View) -> Machine:
    """Where a `size` stands: a Droplet, a Droplet template, a node pool."""
    options, unknown = machine_options(view, "size")
    return Machine(
        options=options,
        unknown=unknown,
        purchase_model=_bought(options[0].sku if options else ""),
        machine_attribute=view.attribute("size"),
        purchase_attribute=view.attribute("size"),
        sensitive=view.is_sensitive("size"),
    )


def _bought(size: str) -> PurchaseModel:
    if size.endswith("-spot"):
        return "spot"
    return "reserved" if size.endswith("-contracted") else "on_demand"


def _node_pool(view: View) -> PoolUsage:
    count = view.number("node_count")
    if not view.flag("auto_scale"):
        return droplet_machine(view).pool(Units.fixed(units_of(count, _ONE)))
    low, high = view.number("min_nodes"), view.number("max_nodes")
    units = bounded(low, count, high)
    # A count outside the bounds becomes the minimum
    # (https://registry.terraform.io/providers/digitalocean/digitalocean/latest/docs/resources/kubernetes_node_pool).
    if isinstance(count, Decimal) and units.min is not None and units.max is not None and count > units.max:
        units = Units(units.min, units.min, units.max)
    return droplet_machine(view).pool(units)


def node_pool(view: View) -> Extracted:
    """`digitalocean_kubernetes_node_pool`."""
    return Extracted((_node_pool(view),))


def cluster(view: View) -> Extracted:
    """`digitalocean_kubernetes_cluster`: its default pool; the others are resources of their own."""
    return Extracted(tuple(_node_pool(pool) for pool in view.blocks("node_pool")))


def autoscale_pool(view: View) -> Extracted:
    """`digitalocean_droplet_autoscale`: a static number of Droplets or bounds."""
    template, config = view.block("droplet_template"), view.block("config") or view
    if template is None:
        return Extracted(())
    target = config.number("target_number_instances")
    if target is not None and target != 0:
        units = Units.fixed(units_of(target, None))
    else:
        units = bounded(config.number("min_instances"), None, config.number("max_instances"))
    return Extracted((droplet_machine(template).pool(units),))


def dedicated_inference(view: View) -> Extracted:
    """`digitalocean_dedicated_inference`: the accelerators of each model deployment."""
    pools = []
    for deployment in view.blocks("model_deployments"):
        for accelerator in deployment.blocks("accelerators"):
            slug = accelerator.text("accelerator_slug")
            known = isinstance(slug, str)
            machine = Machine(
                options=(MachineOption(slug, machine=slug),) if isinstance(slug, str) else (),
                unknown=None
                if known
                else Unknown("accelerator_slug is known only after apply", "unknown-machine-type"),
                machine_attribute=accelerator.attribute("accelerator_slug"),
                sensitive=accelerator.is_sensitive("accelerator_slug"),
            )
            charge = Charge("managed_service", "dedicated-inference-{machine}", "dedicated inference")
            units = Units.fixed(units_of(accelerator.number("scale"), _ONE))
            pools.append(machine.pool(units, charges=(charge,), machine_billed=False))
    return Extracted(tuple(pools))


def _region(view: View) -> str | None:
    return view.string("region") or view.string("droplet_template.0.region")


def _template_tags(view: View) -> dict[str, str]:
    return listed_tags(view, "droplet_template.0.tags")


_SIZES = "A size below the autoscaling minimum counts as the minimum, one above the maximum too."
_PRICED = ("the GPU Droplets, disks and memory included",)

SPECS: tuple[ResourceSpec, ...] = (
    ResourceSpec(
        type="digitalocean_droplet",
        cloud="digitalocean",
        extract=single(droplet_machine),
        region=_region,
        tags=listed_tags,
        probe=("size",),
        reads=("size", "region"),
        prices=_PRICED,
        leaves_out=("backups", "volumes"),
        assumes=("It runs all month: a Droplet that is powered off costs the same.",),
        source="digitalocean provider: digitalocean_droplet",
    ),
    ResourceSpec(
        type="digitalocean_droplet_autoscale",
        cloud="digitalocean",
        extract=autoscale_pool,
        region=_region,
        tags=_template_tags,
        reads=(
            "droplet_template.size",
            "droplet_template.region",
            "config.target_number_instances",
            "config.min_instances",
            "config.max_instances",
        ),
        prices=_PRICED,
        assumes=("A pool with bounds starts at its minimum.",),
        source="digitalocean provider: digitalocean_droplet_autoscale",
    ),
    ResourceSpec(
        type="digitalocean_kubernetes_cluster",
        cloud="digitalocean",
        extract=cluster,
        region=_region,
        tags=listed_tags,
        reads=(
            "node_pool.size",
            "node_pool.node_count",
            "node_pool.auto_scale",
            "node_pool.min_nodes",
            "node_pool.max_nodes",
            "region",
        ),
        prices=_PRICED,
        leaves_out=("the highly available control plane",),
        assumes=(_SIZES,),
        source="digitalocean provider: digitalocean_kubernetes_cluster",
    ),
    ResourceSpec(
        type="digitalocean_kubernetes_node_pool",
        cloud="digitalocean",
        extract=node_pool,
        region=region_behind(_CLUSTER),
        tags=listed_tags,
        probe=("size",),
        reads=("size", "node_count", "auto_scale", "min_nodes", "max_nodes", "cluster_id"),
        prices=_PRICED,
        assumes=(_SIZES, "The region is that of its cluster."),
        source="digitalocean provider: digitalocean_kubernetes_node_pool",
    ),
    ResourceSpec(
        type="digitalocean_dedicated_inference",
        cloud="digitalocean",
        extract=dedicated_inference,
        region=_region,
        tags=listed_tags,
        reads=(
            "model_deployments.accelerators.accelerator_slug",
            "model_deployments.accelerators.scale",
            "region",
        ),
        prices=("the accelerators, where the catalog has their price under dedicated inference",),
        leaves_out=("tokens, which are not billed apart",),
        assumes=("Every unit of `scale` is one machine of the accelerator's size.",),
        source="digitalocean provider: digitalocean_dedicated_inference",
    ),
)

COMPANIONS: tuple[Companion, ...] = ()
