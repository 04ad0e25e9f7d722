"""OCI Generative AI: dedicated clusters."""

import re
from decimal import Decimal

from gpuguard.extract.providers.oci.common import region, tags
from gpuguard.extract.spec import Companion, Extracted, Machine, ResourceSpec, machine_options, units_of
from gpuguard.extract.view import View
from gpuguard.model.usage import AttachedAccelerator, Charge, Units

_NAMED = re.compile(r"(?P<model>A10|A100_40G|A100_80G|H100|H200|B200|B300|MI300X)_X(?P<count>\d{1,2})\Z")
"""Units for imported models are named by their GPUs
(https://docs.oracle.com/en-us/iaas/Content/generative-ai/manage-imported-models.htm)."""
_MODELS = {"A100_40G": "A100-40GB", "A100_80G": "A100-80GB", "H100": "H100-80GB"}
_HIDDEN = "dedicated AI unit"
"""What one unit is called whose GPUs Oracle does not tell (LARGE_COHERE, SMALL_COHERE_V2, LARGE_GENERIC …)."""


def dedicated_ai_cluster(view: View) -> Extracted:
    """`oci_generative_ai_dedicated_ai_cluster`: units of reserved GPUs, billed by the hour until it is deleted."""
    options, unknown = machine_options(view, "unit_shape")
    if not options and unknown is None:
        return Extracted(())
    name = options[0].sku if options else ""
    match = _NAMED.match(name.upper())
    attached = AttachedAccelerator(_HIDDEN, Decimal(1))
    if match is not None:
        attached = AttachedAccelerator(_MODELS.get(match["model"], match["model"]), Decimal(match["count"]))
    elif options:
        view.note(
            "info", "undisclosed-gpus", "Oracle does not tell which GPUs a unit of this shape has: units are counted"
        )
    machine = Machine(
        options=options,
        unknown=unknown,
        accelerators=(attached,),
        machine_attribute=view.attribute("unit_shape"),
    )
    charge = Charge("managed_service", "generative-ai-{sku}", f"dedicated AI cluster, {name or 'unit'}")
    count = Units.fixed(units_of(view.number("unit_count"), Decimal(1)))
    return Extracted((machine.pool(count, charges=(charge,), machine_billed=False),))


SPECS: tuple[ResourceSpec, ...] = (
    ResourceSpec(
        type="oci_generative_ai_dedicated_ai_cluster",
        cloud="oci",
        extract=dedicated_ai_cluster,
        region=region,
        tags=tags,
        reads=("unit_shape", "unit_count"),
        prices=("the units, where the catalog has their price",),
        assumes=("A unit whose shape does not name its GPUs counts as one accelerator.",),
        source="oci provider: oci_generative_ai_dedicated_ai_cluster",
    ),
)

COMPANIONS: tuple[Companion, ...] = ()
