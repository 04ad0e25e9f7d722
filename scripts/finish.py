"""What every import ends with: superseded rows go, holes are counted anew, and the build checks the tables."""

from decimal import Decimal
from fnmatch import fnmatchcase

from gpuguard.price import build
from scripts.tables import Row, Store, log, plain, print_report

HOLES = {
    "p5e.48xlarge": "sold as capacity blocks",
    "p6e-gb200.36xlarge": "sold as UltraServers by capacity block; no list price known",
    "trn2.3xlarge": "sold as capacity blocks and commitments",
    "trn2.48xlarge": "sold as capacity blocks and commitments",
    "a4x-highgpu-4g": "no published price; sold by reservation",
    "a4x-maxgpu-4g-metal": "no published price; sold by reservation",
    "a3-edgegpu-8g": "no published price",
    "a3-edgegpu-8g-nolssd": "no published price",
    "a3-ultragpu-8g-nolssd": "no published price",
}

SUPERSEDED: tuple[tuple[str, str, str, str, str, str, str], ...] = (
    # table, sku, region, os, purchase model, source id, reason; patterns in the manner of the shell
    ("aws/prices/machine.csv", "p5.48xlarge", "us-east-1", "*", "capacity_block", "koyakimu-instances-*", "a rate of Tokyo"),
    ("aws/prices/machine.csv", "p5.4xlarge", "us-east-1", "*", "capacity_block", "koyakimu-instances-*", "a rate of Tokyo"),
    ("aws/prices/machine.csv", "p5en.48xlarge", "us-east-1", "*", "capacity_block", "koyakimu-instances-*", "a rate of Tokyo"),
    ("aws/prices/machine.csv", "p5e.48xlarge", "us-east-1", "*", "capacity_block", "*", "no capacity blocks of p5e are sold there"),
    ("aws/prices/machine.csv", "p4d*", "us-east-1", "*", "capacity_block", "koyakimu-instances-*", "rounded to cents per GPU"),
    ("aws/prices/machine.csv", "p6-b200*", "us-east-1", "*", "capacity_block", "koyakimu-instances-*", "rounded to cents per GPU"),
    ("azure/prices/machine.csv", "Standard_N[CV]*", "*", "windows", "savings_plan", "andy-diericks-*", "contradicts Microsoft's own pages: a plan leaves the Windows licence whole"),
    *(
        ("azure/prices/machine.csv", f"Standard_{name}", region, "*", "*", "andy-diericks-*", "a price of the Promo series")
        for name in ("NC6", "NC12", "NC24", "NC24r", "NV6", "NV12", "NV24")
        for region in ("westeurope", "northeurope")
    ),
    ("azure/prices/machine.csv", "Standard_NCC40ads_H100_v5", "southcentralus", "linux", "on_demand", "*", "the price of Windows; that of Linux is not known"),
    ("azure/prices/machine.csv", "Standard_ND96isr_H200_v5", "*", "*", "reserved", "sstybel-*", "reservations of H200 were repriced in August 2026"),
    ("digitalocean/prices/machine.csv", "*", "tor1", "*", "*", "*-2024*", "superseded in August 2026"),
    ("hyperstack/prices/machine.csv", "n3-H100*", "CANADA-1", "*", "*", "*-2025*", "superseded in 2026"),
    ("ovh/prices/machine.csv", "t[12]-*", "*", "*", "*", "*-2024*", "less than half of it since"),
    ("verda/prices/machine.csv", "*", "*", "*", "reserved", "*-2026-07-01", "belongs to on-demand prices that have risen since"),
)  # fmt: skip

ARCHITECTURES = {
    ("oci", "BM.GPU3.8"): "x86_64",
    ("oci", "VM.GPU3.*"): "x86_64",
    ("oci", "BM.GPU4.8"): "x86_64",
    ("oci", "BM.GPU.A100-v2.8"): "x86_64",
    ("oci", "BM.GPU.H100.8"): "x86_64",
}
"""Hosts of these shapes are Intel or AMD machines (Oracle: Compute shapes); the facts have them as Arm."""

POD_FAMILIES = ("ct3p",)
"""TPU families whose chips have a price of their own as part of a pod."""

LARGE_CLOUDS = ("aws", "azure", "gcp")


def finish(store: Store) -> None:
    """Clean the tables up, write them, let the build read them, and print what a person should know."""
    for name, sku, region, os, model, source, reason in SUPERSEDED:
        for key, row in list(store.tables[name].items()):
            if (
                fnmatchcase(row["sku"], sku)
                and fnmatchcase(row.get("region", ""), region)
                and fnmatchcase(row["os"], os)
                and fnmatchcase(row["purchase_model"], model)
                and any(fnmatchcase(each, source) for each in row["source"].split())
            ):
                store.drop(name, key, reason)
    for (cloud, sku), arch in ARCHITECTURES.items():
        for row in store.tables[f"{cloud}/types.csv"].values():
            if fnmatchcase(row["sku"], sku):
                row["arch"] = arch
    _tpu_machines(store)
    store.tables["holes.csv"] = {(row["cloud"], row["sku"]): row for row in _holes(store)}
    store.write()
    tables = build.read(store.data)
    print_report()
    print("rows:", ", ".join(f"{name} {len(rows):,}" for name, rows in tables.rows.items()))


def _tpu_machines(store: Store) -> None:
    """A TPU machine is billed by its chips, vCPUs and memory included (Cloud TPU pricing): price it whole as they are."""
    name = "gcp/prices/machine.csv"
    for key, row in list(store.tables[name].items()):
        if row["note"].endswith("TPU chips"):
            del store.tables[name][key]
    offered = {(row["sku"], row["region"]) for row in store.tables["gcp/offerings.csv"].values()}
    for chip in store.tables["gcp/prices/accelerator.csv"].values():
        for machine in store.tables["gcp/types.csv"].values():
            model = f"{machine['gpu_model']}-pod" if machine["family"] in POD_FAMILIES else machine["gpu_model"]
            if chip["sku"] == model and model.startswith("TPU") and (machine["sku"], chip["region"]) in offered:
                count = machine["gpu_count"]
                usd = plain(Decimal(chip["usd"]) * Decimal(count))
                note = f"the price of {count} TPU chips"
                store.merge(name, [{**chip, "sku": machine["sku"], "usd": usd, "note": note}], replace=True)


def _holes(store: Store) -> list[Row]:
    """Return current machine types of the three large clouds that no on-demand row prices, with the reason."""
    rows = []
    for cloud in LARGE_CLOUDS:
        prices = store.tables[f"{cloud}/prices/machine.csv"].values()
        priced = {row["sku"] for row in prices if row["purchase_model"] == "on_demand"}
        for row in store.tables[f"{cloud}/types.csv"].values():
            if row["status"] == "current" and row["sku"] not in priced:
                tpu = row["gpu_model"].startswith("TPU")
                reason = "no price of the TPU chip found" if tpu else HOLES.get(row["sku"], "no price found")
                rows.append({"cloud": cloud, "sku": row["sku"], "reason": reason})
                log("holes", f"{cloud} {row['sku']}: {reason}")
    return rows
