"""When the same machine may be bought on spot, what that asks of the work, and the edit that does it."""

import re
from collections.abc import Mapping

from gpuguard.model.report import Risk, Workload
from gpuguard.model.usage import Attribute

SPOT_EDITS: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "aws_instance": {"instance_market_options.market_type": {"market_type": "spot"}},
    "aws_launch_template": {"instance_market_options.market_type": {"market_type": "spot"}},
    "aws_autoscaling_group": {
        "mixed_instances_policy.instances_distribution.on_demand_percentage_above_base_capacity": {
            "on_demand_base_capacity": "0",
            "on_demand_percentage_above_base_capacity": "0",
        }
    },
    "aws_eks_node_group": {"capacity_type": {"capacity_type": "SPOT"}},
    **{
        kind: {
            "scheduling.provisioning_model": {
                "provisioning_model": "SPOT",
                "preemptible": "true",
                "automatic_restart": "false",
            }
        }
        for kind in (
            "google_compute_instance",
            "google_compute_instance_template",
            "google_compute_region_instance_template",
        )
    },
    "google_container_cluster": {"node_config.spot": {"spot": "true"}},
    "google_container_node_pool": {"node_config.spot": {"spot": "true"}},
    **{
        kind: {"priority": {"priority": "Spot", "eviction_policy": "Deallocate"}}
        for kind in ("azurerm_linux_virtual_machine", "azurerm_windows_virtual_machine")
    },
    **{
        kind: {"priority": {"priority": "Spot", "eviction_policy": "Delete"}}
        for kind in (
            "azurerm_linux_virtual_machine_scale_set",
            "azurerm_windows_virtual_machine_scale_set",
            "azurerm_orchestrated_virtual_machine_scale_set",
            "azurerm_kubernetes_cluster_node_pool",
        )
    },
}
"""Terraform type → attribute that decides → all attributes beside it that make it spot, as the providers document them.

google: `provisioning_model = "SPOT"` needs `preemptible = true` and `automatic_restart = false`; azurerm: `priority =
"Spot"` needs an `eviction_policy` (a virtual machine is kept deallocated, members of a set are deleted).
"""

SPOT_MOVES = "spot prices and capacity change; neither is guaranteed"

_NOT_PRODUCTION = frozenset(
    {"dev", "develop", "development", "test", "testing", "qa", "stage", "staging", "sandbox", "preview", "demo", "lab"}
)

_BANDS: Mapping[str, Risk] = {"<5%": "medium", "5-10%": "medium", "10-15%": "medium", "15-20%": "high", ">20%": "high"}
"""Frequency of interruption, as the AWS Spot Instance Advisor words it: share taken back over the last month."""

_NOTICE = {"aws": "2 minutes", "gcp": "30 seconds", "azure": "30 seconds"}
"""Warning before a spot machine is taken back (EC2, Compute Engine and Azure documentation of spot machines)."""


def resource_type(address: str) -> str:
    """Terraform type in an address: ``module.a["x.y"].aws_instance.b[0]`` → ``aws_instance``; "" when there is none."""
    if address.endswith("]"):
        address = address[: address.rfind('["') if address.endswith('"]') else address.rfind("[")]
    return address.rpartition(".")[0].rpartition(".")[2].rpartition("]")[2]


def spot_edits(attribute: Attribute | None) -> tuple[tuple[str, str], ...]:
    """Dotted paths and values that turn spot on at `attribute`; none where the type cannot be bought so.

    The path may carry indexes and outer blocks (``node_pool[0].node_config[0].spot``); they are kept.
    """
    if attribute is None:
        return ()
    plain = re.sub(r"\[\d*\]|\.\d+(?=\.|$)", "", attribute.path)
    for leaf, values in SPOT_EDITS.get(resource_type(attribute.address), {}).items():
        if plain == leaf or plain.endswith(f".{leaf}"):
            block = attribute.path.rpartition(".")[0]
            return tuple((f"{block}.{name}" if block else name, value) for name, value in values.items())
    return ()


def is_production(environment: str | None) -> bool:
    """Whether the environment has to be taken for production: it says so, or says nothing that rules it out."""
    words = re.split(r"[^a-z0-9]+", (environment or "").lower())
    return not any(re.sub(r"\d+$", "", word) in _NOT_PRODUCTION for word in words)


def tolerates(workload: Workload | None, production: bool) -> bool:
    """Whether spot may be proposed at all: never to production inference, nor to sessions somebody looks at."""
    return workload != "graphics" and not (workload == "inference" and production)


def spot_risk(workload: Workload | None, band: str | None, known_production: bool) -> Risk:
    """Medium or high, by how often machines are taken back and by what is known of the work."""
    if workload is None and known_production:
        return "high"
    return "medium" if band is None else _BANDS.get(band, "high")


def spot_conditions(cloud: str, workload: Workload | None, band: str | None, kind: str) -> tuple[str, ...]:
    """What the work must bear, how often it will have to, and what else the change asks for."""
    notice = _NOTICE.get(cloud)
    warned = f" at {notice}' notice" if notice else ""
    match workload:
        case "training":
            said = [f"needs checkpoints: the cloud may take a machine back{warned}"]
        case "batch":
            said = [f"jobs must be safe to run again: the cloud may take a machine back{warned}"]
        case "development" | "inference":
            said = [f"for work that bears interruption: the cloud may take a machine back{warned}"]
        case _:
            said = [f"workload unknown: only if it bears interruption (checkpoints, retries); taken back{warned}"]
    if band is not None:
        said.append(f"AWS Spot Advisor: {band} of these machines interrupted in a month")
    said.append(SPOT_MOVES)
    if kind == "azurerm_kubernetes_cluster_node_pool":
        said.append("pods must tolerate the taint kubernetes.azure.com/scalesetpriority=spot:NoSchedule")
    return tuple(said)
