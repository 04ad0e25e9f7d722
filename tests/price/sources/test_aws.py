"""The AWS price list files against a real server that answers in their documented form, well or badly."""

import csv
import io
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpuguard.errors import ServiceError
from gpuguard.price.sources import aws
from gpuguard.price.sources.base import FetchedPrice, FetchedType, Found, NotModified, Part, Scope, Source, Wanted
from gpuguard.price.sources.http import Http
from tests.price.sources.known import Known, context, machine
from tests.price.sources.servers import Answer, Reply, Request, Server, as_json

KNOWN = Known(
    {"aws": (machine("g5.xlarge", "A10G", 1), machine("p5.48xlarge", "H100-80GB", 8))}, {"aws": ("us-east-1",)}
)
EC2, SAGEMAKER, PLANS = aws.SOURCES

Row = dict[str, str]

DISCLAIMER = "This pricing list is for informational purposes only. All prices are subject to additional terms."

EC2_COLUMNS = [
    "SKU",
    "OfferTermCode",
    "RateCode",
    "TermType",
    "PriceDescription",
    "EffectiveDate",
    "StartingRange",
    "EndingRange",
    "Unit",
    "PricePerUnit",
    "Currency",
    "RelatedTo",
    "LeaseContractLength",
    "PurchaseOption",
    "OfferingClass",
    "Product Family",
    "serviceCode",
    "Location",
    "Location Type",
    "Instance Type",
    "Current Generation",
    "Instance Family",
    "vCPU",
    "Physical Processor",
    "Clock Speed",
    "Memory",
    "Storage",
    "Network Performance",
    "Processor Architecture",
    "Storage Media",
    "Volume Type",
    "Max Volume Size",
    "Max IOPS/volume",
    "Max IOPS Burst Performance",
    "Max throughput/volume",
    "Provisioned",
    "Tenancy",
    "EBS Optimized",
    "Operating System",
    "License Model",
    "Group",
    "Group Description",
    "Transfer Type",
    "From Location",
    "From Location Type",
    "To Location",
    "To Location Type",
    "usageType",
    "operation",
    "AvailabilityZone",
    "CapacityStatus",
    "ClassicNetworkingSupport",
    "Dedicated EBS Throughput",
    "ECU",
    "Enhanced Networking Supported",
    "GPU",
    "GPU Memory",
    "instanceSKU",
    "MarketOption",
    "Normalization Size Factor",
    "Physical Cores",
    "Pre Installed S/W",
    "Processor Features",
    "Product Type",
    "Region Code",
    "Resource Type",
    "serviceName",
    "Volume API Name",
    "VPCNetworkingSupport",
]
"""Of the EC2 file of September 2025, without a score that only other products have."""

SAGEMAKER_COLUMNS = [
    "SKU",
    "OfferTermCode",
    "RateCode",
    "TermType",
    "PriceDescription",
    "EffectiveDate",
    "StartingRange",
    "EndingRange",
    "Unit",
    "PricePerUnit",
    "Currency",
    "RelatedTo",
    "LeaseContractLength",
    "PurchaseOption",
    "OfferingClass",
    "Product Family",
    "serviceCode",
    "Location",
    "Location Type",
    "Instance Type",
    "Current Generation",
    "vCpu",
    "Clock Speed",
    "Memory",
    "Storage",
    "Network Performance",
    "Processor Architecture",
    "usageType",
    "operation",
    "Component",
    "Compute Type",
    "GPU",
    "GPU Memory",
    "Instance Name",
    "Physical CPU",
    "Physical GPU",
    "PlatoInstanceName",
    "PlatoInstanceType",
    "Region Code",
    "serviceName",
]

PLAN_COLUMNS = [
    "SKU",
    "RateCode",
    "Unit",
    "EffectiveDate",
    "DiscountedRate",
    "Currency",
    "DiscountedSKU",
    "DiscountedServiceCode",
    "DiscountedUsageType",
    "DiscountedOperation",
    "PurchaseOption",
    "LeaseContractLength",
    "LeaseContractLengthUnit",
    "ServiceCode",
    "UsageType",
    "Operation",
    "Description",
    "Instance Family",
    "Location",
    "Location Type",
    "Granularity",
    "Product Family",
    "DiscountedRegionCode",
    "DiscountedInstanceType",
]


def on_demand(type: str = "g5.xlarge", usd: str = "1.0060000000", **more: str) -> Row:
    """A row of the EC2 file: an instance by the hour."""
    row = {
        "SKU": "FX9TUYTJKEENVBSR",
        "OfferTermCode": "JRTCKXETXF",
        "RateCode": "FX9TUYTJKEENVBSR.JRTCKXETXF.6YS6EN2CT7",
        "TermType": "OnDemand",
        "PriceDescription": f"${usd} per On Demand Linux {type} Instance Hour",
        "EffectiveDate": "2026-09-01",
        "StartingRange": "0",
        "EndingRange": "Inf",
        "Unit": "Hrs",
        "PricePerUnit": usd,
        "Currency": "USD",
        "Product Family": "Compute Instance",
        "serviceCode": "AmazonEC2",
        "Location": "US East (N. Virginia)",
        "Location Type": "AWS Region",
        "Instance Type": type,
        "Current Generation": "Yes",
        "Instance Family": "GPU instance",
        "vCPU": "4",
        "Physical Processor": "AMD EPYC 7R32",
        "Clock Speed": "2.8 GHz",
        "Memory": "16 GiB",
        "Storage": "1 x 250 GB NVMe SSD",
        "Network Performance": "Up to 10 Gigabit",
        "Processor Architecture": "64-bit",
        "Tenancy": "Shared",
        "Operating System": "Linux",
        "License Model": "No License required",
        "usageType": f"BoxUsage:{type}",
        "operation": "RunInstances",
        "AvailabilityZone": "NA",
        "CapacityStatus": "Used",
        "ClassicNetworkingSupport": "false",
        "ECU": "NA",
        "Enhanced Networking Supported": "Yes",
        "GPU": "1",
        "GPU Memory": "24 GB",
        "MarketOption": "OnDemand",
        "Pre Installed S/W": "NA",
        "Processor Features": "AMD Turbo; AVX; AVX2",
        "Region Code": "us-east-1",
        "serviceName": "Amazon Elastic Compute Cloud",
        "VPCNetworkingSupport": "true",
    }
    return row | more


def reserved(
    code: str, term: str, payment: str, *, hourly: str | None = None, fee: str | None = None, **more: str
) -> list[Row]:
    """The rows of one reservation: the price per hour and the upfront fee."""
    terms = {
        "OfferTermCode": code,
        "TermType": "Reserved",
        "LeaseContractLength": term,
        "PurchaseOption": payment,
        "OfferingClass": "standard",
        **more,
    }
    rows = []
    if hourly is not None:
        rows.append(on_demand(usd=hourly, **terms) | {"PriceDescription": "Linux/UNIX (Amazon VPC), g5.xlarge applied"})
    if fee is not None:
        rows.append(
            on_demand(usd=fee, **terms)
            | {"Unit": "Quantity", "PriceDescription": "Upfront Fee", "StartingRange": "", "EndingRange": ""}
        )
    return rows


def disk(usage: str, unit: str, usd: str, **more: str) -> Row:
    """A row of the EC2 file: capacity or performance of EBS."""
    return {
        "SKU": "C8Y3GJZBQTH8T5JV",
        "OfferTermCode": "JRTCKXETXF",
        "RateCode": "C8Y3GJZBQTH8T5JV.JRTCKXETXF.6YS6EN2CT7",
        "TermType": "OnDemand",
        "PriceDescription": f"${usd} per {unit} - US East (Northern Virginia)",
        "EffectiveDate": "2026-09-01",
        "StartingRange": "0",
        "EndingRange": "Inf",
        "Unit": unit,
        "PricePerUnit": usd,
        "Currency": "USD",
        "Product Family": "Storage",
        "serviceCode": "AmazonEC2",
        "Location": "US East (N. Virginia)",
        "Location Type": "AWS Region",
        "usageType": usage,
        "Region Code": "us-east-1",
        "serviceName": "Amazon Elastic Compute Cloud",
        **more,
    }


def sagemaker(use: str = "Hosting", usd: str = "1.4080000000", type: str = "ml.g5.xlarge", **more: str) -> Row:
    """A row of the SageMaker file."""
    return {
        "SKU": "25TC687A4JSSSY7E",
        "OfferTermCode": "JRTCKXETXF",
        "TermType": "OnDemand",
        "PriceDescription": f"${usd} per {use} {type} hour in US East (N. Virginia)",
        "EffectiveDate": "2026-09-01",
        "StartingRange": "0",
        "EndingRange": "Inf",
        "Unit": "Hrs",
        "PricePerUnit": usd,
        "Currency": "USD",
        "Product Family": "ML Instance",
        "serviceCode": "AmazonSageMaker",
        "Location": "US East (N. Virginia)",
        "Location Type": "AWS Region",
        "Instance Type": f"{type}-{use}",
        "vCpu": "4",
        "Memory": "16 GiB",
        "usageType": f"USE1-{use}:{type}",
        "operation": "RunInstance",
        "Component": use,
        "Compute Type": "Accelerated Computing",
        "Instance Name": type,
        "PlatoInstanceName": "g5",
        "PlatoInstanceType": use,
        "Region Code": "us-east-1",
        "serviceName": "Amazon SageMaker",
        **more,
    }


def plan(usd: str, **more: str) -> Row:
    """A row of the file of Compute Savings Plans."""
    return {
        "SKU": "2JT7C3ZD2AXA73Q4",
        "RateCode": "2JT7C3ZD2AXA73Q4.23PWZ6X8AQE4NKNR",
        "Unit": "Hrs",
        "EffectiveDate": "2025-06-05T18:51:13Z",
        "DiscountedRate": usd,
        "Currency": "USD",
        "DiscountedSKU": "23PWZ6X8AQE4NKNR",
        "DiscountedServiceCode": "AmazonEC2",
        "DiscountedUsageType": "BoxUsage:g5.xlarge",
        "DiscountedOperation": "RunInstances",
        "PurchaseOption": "No Upfront",
        "LeaseContractLength": "1",
        "LeaseContractLengthUnit": "year",
        "ServiceCode": "ComputeSavingsPlans",
        "UsageType": "ComputeSP:1yrNoUpfront",
        "Operation": "",
        "Description": "1 year No Upfront Compute Savings Plan",
        "Instance Family": "",
        "Location": "Any",
        "Location Type": "AWS Region",
        "Granularity": "hourly",
        "Product Family": "ComputeSavingsPlans",
        "DiscountedRegionCode": "us-east-1",
        "DiscountedInstanceType": "g5.xlarge",
        **more,
    }


def sagemaker_plan(usd: str, usage: str = "USE1-Host:ml.g5.xlarge", **more: str) -> Row:
    """A row of the file of SageMaker Savings Plans."""
    return plan(
        usd,
        **{
            "DiscountedServiceCode": "AmazonSageMaker",
            "DiscountedUsageType": usage,
            "DiscountedOperation": "RunInstance",
            "ServiceCode": "MachineLearningSavingsPlans",
            "Product Family": "SageMakerSavingsPlans",
            "DiscountedInstanceType": "ml.g5.xlarge",
            **more,
        },
    )


def offer(
    rows: list[Row],
    columns: list[str] = EC2_COLUMNS,
    offer: str = "AmazonEC2",
    quoted: bool = True,
    about: Mapping[str, str] | None = None,
) -> bytes:
    """A price list file: five rows about it, the names of its columns, the rows."""
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL, lineterminator="\n")
    facts = {
        "FormatVersion": "v1.0",
        "Disclaimer": DISCLAIMER,
        "Publication Date": "2026-09-10T19:55:14Z",
        "Version": "20260910195514",
        "OfferCode": offer,
        **(about or {}),
    }
    writer.writerows(facts.items())
    writer.writerow(columns)
    writer.writerows([row.get(column, "") for column in columns] for row in rows)
    # AWS quotes what is there and leaves nothing where there is nothing
    return text.getvalue().replace('""', "").encode() if quoted else text.getvalue().encode()


def sagemaker_offer(rows: list[Row], **more: Any) -> bytes:
    return offer(rows, SAGEMAKER_COLUMNS, "AmazonSageMaker", **more)


def plan_offer(rows: list[Row], **more: Any) -> bytes:
    return offer(rows, PLAN_COLUMNS, "AmazonComputeSavingsPlan", quoted=False, **more)


EC2_PATH = "/offers/v1.0/aws/AmazonEC2/20260910195514/{}/index"
SAGEMAKER_PATH = "/offers/v1.0/aws/AmazonSageMaker/20260910195514/{}/index"
PLAN_PATH = "/savingsPlan/v1.0/aws/{}/20260911184447/{}/index"

EC2_INDEX = "/offers/v1.0/aws/AmazonEC2/current/region_index.json"
SAGEMAKER_INDEX = "/offers/v1.0/aws/AmazonSageMaker/current/region_index.json"
COMPUTE_INDEX = "/savingsPlan/v1.0/aws/AWSComputeSavingsPlan/current/region_index.json"
ML_INDEX = "/savingsPlan/v1.0/aws/AWSMachineLearningSavingsPlans/current/region_index.json"


def region_index(path: str, *regions: str) -> Reply:
    return as_json(
        {
            "formatVersion": "v1.0",
            "disclaimer": DISCLAIMER,
            "publicationDate": "2026-09-10T19:55:14Z",
            "regions": {
                region: {"regionCode": region, "currentVersionUrl": f"{path.format(region)}.json"} for region in regions
            },
        }
    )


def plan_index(name: str, *regions: str) -> Reply:
    return as_json(
        {
            "disclaimer": DISCLAIMER,
            "publicationDate": "2026-09-11T18:44:47Z",
            "regions": [
                {"regionCode": region, "versionUrl": f"{PLAN_PATH.format(name, region)}.json"} for region in regions
            ],
        }
    )


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that knows the indexes: one region of each kind of file."""
    with Server() as server:
        server.on(EC2_INDEX, region_index(EC2_PATH, "us-east-1"))
        server.on(SAGEMAKER_INDEX, region_index(SAGEMAKER_PATH, "us-east-1"))
        server.on(COMPUTE_INDEX, plan_index("AWSComputeSavingsPlan", "us-east-1"))
        server.on(ML_INDEX, plan_index("AWSMachineLearningSavingsPlans", "us-east-1"))
        yield server


@pytest.fixture
def http() -> Iterator[Http]:
    with Http(timeout=5, attempts=2, sleep=lambda _: None) as http:
        yield http


FILES = {
    "aws-ec2/us-east-1": EC2_PATH.format("us-east-1") + ".csv",
    "aws-sagemaker/us-east-1": SAGEMAKER_PATH.format("us-east-1") + ".csv",
    "aws-savings-plans/compute/us-east-1": PLAN_PATH.format("AWSComputeSavingsPlan", "us-east-1") + ".csv",
    "aws-savings-plans/sagemaker/us-east-1": PLAN_PATH.format("AWSMachineLearningSavingsPlans", "us-east-1") + ".csv",
}


def parts(source: Source, server: Server, http: Http, wanted: Wanted | None = None) -> list[Part]:
    return list(source.parts(context(http, server.url, KNOWN, wanted)))


def read(name: str, server: Server, http: Http, *answers: Answer | bytes, wanted: Wanted | None = None) -> Found:
    """What the part says of a file."""
    source = next(source for source in aws.SOURCES if name.startswith(source.name))
    server.on(FILES[name], *(Reply(each) if isinstance(each, bytes) else each for each in answers))
    part = next(part for part in parts(source, server, http, wanted) if part.name == name)
    return part.read(context(http, server.url, KNOWN, wanted), None)


def read_ec2(server: Server, http: Http, *rows: Row, wanted: Wanted | None = None) -> Found:
    return read("aws-ec2/us-east-1", server, http, offer(list(rows)), wanted=wanted)


def read_sagemaker(server: Server, http: Http, *rows: Row) -> Found:
    return read("aws-sagemaker/us-east-1", server, http, sagemaker_offer(list(rows)))


def read_plans(server: Server, http: Http, *rows: Row) -> Found:
    return read("aws-savings-plans/compute/us-east-1", server, http, plan_offer(list(rows)))


def read_sagemaker_plans(server: Server, http: Http, *rows: Row) -> Found:
    return read("aws-savings-plans/sagemaker/us-east-1", server, http, plan_offer(list(rows)))


def told(found: Found) -> dict[str, str]:
    """The prices, as they are written, by what they are for."""
    return {_words(price): f"{price.usd:f} per {price.unit}" for price in found.prices}


def _words(price: FetchedPrice) -> str:
    assert price.region == "us-east-1"
    words = (price.kind, price.sku, price.os, price.purchase_model, price.term, price.payment)
    return " ".join(word for word in words if word and word not in ("linux", "on_demand"))


# --- EC2 ---


def test_an_instance_is_priced_for_each_operating_system(server: Server, http: Http) -> None:
    found = read_ec2(
        server,
        http,
        on_demand(usd="1.0060000000"),
        on_demand(usd="1.1900000000", **{"Operating System": "Windows", "operation": "RunInstances:0002"}),
        on_demand(usd="1.0660000000", **{"Operating System": "RHEL", "operation": "RunInstances:0010"}),
        on_demand(usd="1.1310000000", **{"Operating System": "SUSE", "operation": "RunInstances:000g"}),
        on_demand(usd="1.0130000000", **{"Operating System": "Ubuntu Pro", "operation": "RunInstances:0g00"}),
    )
    assert told(found) == {
        "machine g5.xlarge": "1.006 per hour",
        "machine g5.xlarge windows": "1.19 per hour",
        "machine g5.xlarge rhel": "1.066 per hour",
        "machine g5.xlarge sles": "1.131 per hour",
        "machine g5.xlarge ubuntu-pro": "1.013 per hour",
    }
    assert found.notes == ()
    assert found.as_of == "2026-09-10"
    assert found.title == "AWS price list: AmazonEC2, us-east-1, version 20260910195514"


def test_a_bare_metal_instance_is_priced_too(server: Server, http: Http) -> None:
    found = read_ec2(
        server, http, on_demand("g4dn.metal", "7.824", **{"Product Family": "Compute Instance (bare metal)"})
    )
    assert told(found) == {"machine g4dn.metal": "7.824 per hour"}


def test_a_reservation_is_the_sum_of_its_fee_and_its_price_per_hour(server: Server, http: Http) -> None:
    found = read_ec2(
        server,
        http,
        *reserved("4NA7Y494T4", "1yr", "No Upfront", hourly="0.6340000000"),
        *reserved("HU7G6KETJZ", "1yr", "Partial Upfront", hourly="0.3020000000", fee="2645"),
        *reserved("6QCMYABX3D", "1yr", "All Upfront", hourly="0.0000000000", fee="5186"),
        *reserved("BPH4J8HBKS", "3yr", "No Upfront", hourly="0.4345100000"),
        *reserved("38NPMPTW36", "3yr", "Partial Upfront", hourly="0.2012000000", fee="5288"),
        *reserved("NQ3QZPMQV9", "3yr", "All Upfront", hourly="0.0000000000", fee="9941"),
    )
    assert told(found) == {
        "machine g5.xlarge reserved 1y no_upfront": "0.634 per hour",
        "machine g5.xlarge reserved 1y partial_upfront": "0.603941 per hour",  # 0.302 + 2645 / 8760
        "machine g5.xlarge reserved 1y all_upfront": "0.592009 per hour",  # 5186 / 8760
        "machine g5.xlarge reserved 3y no_upfront": "0.43451 per hour",
        "machine g5.xlarge reserved 3y partial_upfront": "0.402418 per hour",  # 0.2012 + 5288 / 26280
        "machine g5.xlarge reserved 3y all_upfront": "0.378272 per hour",  # 9941 / 26280
    }
    assert [price.upfront for price in found.prices] == [Decimal(n) for n in (5186, 0, 2645, 9941, 0, 5288)]
    assert found.notes == ()


def test_the_halves_of_a_reservation_may_stand_far_apart(server: Server, http: Http) -> None:
    one = reserved("HU7G6KETJZ", "1yr", "Partial Upfront", hourly="0.3", fee="876")
    other = reserved(
        "HU7G6KETJZ",
        "1yr",
        "Partial Upfront",
        hourly="0.5",
        fee="1752",
        SKU="OTHERSKU",
        **{"Operating System": "Windows"},
    )
    found = read_ec2(server, http, one[1], other[0], on_demand(), other[1], one[0])
    assert told(found) == {
        "machine g5.xlarge": "1.006 per hour",
        "machine g5.xlarge reserved 1y partial_upfront": "0.4 per hour",
        "machine g5.xlarge windows reserved 1y partial_upfront": "0.7 per hour",
    }


@pytest.mark.parametrize(
    ("rows", "lacking"),
    [
        pytest.param(
            reserved("HU7G6KETJZ", "1yr", "Partial Upfront", fee="2645"), "their hourly price", id="no price per hour"
        ),
        pytest.param(
            reserved("HU7G6KETJZ", "1yr", "Partial Upfront", hourly="0.3"), "their upfront fee", id="no upfront fee"
        ),
        pytest.param(
            reserved("6QCMYABX3D", "1yr", "All Upfront", hourly="0.0"),
            "their upfront fee",
            id="all upfront without fee",
        ),
    ],
)
def test_half_a_reservation_is_noted_and_left_out(server: Server, http: Http, rows: list[Row], lacking: str) -> None:
    found = read_ec2(server, http, on_demand(), *rows)
    assert told(found) == {"machine g5.xlarge": "1.006 per hour"}
    assert len(found.notes) == 1
    assert lacking in found.notes[0]
    assert "g5.xlarge" in found.notes[0]


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(on_demand("m5.xlarge", "0.192"), id="a machine without accelerators"),
        pytest.param(on_demand("f1.2xlarge", "1.65"), id="an FPGA machine"),
        pytest.param(on_demand(Tenancy="Dedicated", usageType="DedicatedUsage:g5.xlarge"), id="dedicated hardware"),
        pytest.param(on_demand(Tenancy="Host", usageType="HostBoxUsage:g5.xlarge"), id="a dedicated host"),
        pytest.param(
            on_demand(
                "g5", **{"Product Family": "Dedicated Host", "Tenancy": "Reserved", "CapacityStatus": "AllocatedHost"}
            ),
            id="a host by its family alone",
        ),
        pytest.param(on_demand(CapacityStatus="UnusedCapacityReservation"), id="an unused capacity reservation"),
        pytest.param(
            on_demand(usd="0.0000000000", CapacityStatus="AllocatedCapacityReservation"),
            id="a used capacity reservation",
        ),
        pytest.param(
            on_demand("p5.48xlarge", "0.0000000000", MarketOption="CapacityBlock", operation="RunInstances:CB"),
            id="a capacity block, listed for nothing",
        ),
        pytest.param(on_demand(**{"Pre Installed S/W": "SQL Std"}), id="SQL Server"),
        pytest.param(on_demand(**{"License Model": "Bring your own license"}), id="a licence of one's own"),
        pytest.param(
            on_demand(**{"Operating System": "Windows", "License Model": "License Included - Infrastructure"}),
            id="Windows without its licence",
        ),
        pytest.param(
            on_demand(**{"Operating System": "Red Hat Enterprise Linux with HA"}), id="Red Hat with high availability"
        ),
        pytest.param(
            on_demand(**{"Location Type": "AWS Local Zone", "Region Code": "us-east-1-atl-1"}), id="a Local Zone"
        ),
        pytest.param(on_demand(**{"Location Type": "AWS Outposts"}), id="an Outpost"),
        pytest.param(
            reserved("7NE97W5U4E", "1yr", "No Upfront", hourly="0.7", OfferingClass="convertible")[0],
            id="a convertible reservation",
        ),
        pytest.param(disk("EBS:VolumeIOUsage", "IOs", "0.0000000500"), id="requests to a magnetic disk"),
        pytest.param(disk("EBS:SnapshotUsage", "GB-Mo", "0.05"), id="snapshots"),
        pytest.param(
            disk("EBS:VolumeUsage.gp2", "GB-Mo", "0.1", **{"Location Type": "AWS Outposts"}), id="a disk on an Outpost"
        ),
        pytest.param(
            {
                "SKU": "R3WPVNCD34N9W7UV",
                "TermType": "OnDemand",
                "Unit": "Hrs",
                "EndingRange": "750",
                "PricePerUnit": "0.0000000000",
                "Currency": "USD",
                "Product Family": "Compute Instance",
                "Location": "Any",
                "Group": "FreeTrial",
                "usageType": "Global-BoxUsage:freetrial",
            },
            id="the free trial, which names no machine",
        ),
    ],
)
def test_other_products_are_passed_over_without_a_word(server: Server, http: Http, row: Row) -> None:
    found = read_ec2(server, http, row, on_demand("p5.48xlarge", "55.04"))
    assert told(found) == {"machine p5.48xlarge": "55.04 per hour"}
    assert found.notes == ()


@pytest.mark.parametrize(
    ("row", "named"),
    [
        pytest.param(on_demand(**{"Operating System": "Plan 9"}), "Plan 9", id="an operating system"),
        pytest.param(on_demand(Tenancy="Cohabiting"), "Cohabiting", id="a tenancy"),
        pytest.param(on_demand(CapacityStatus="Borrowed"), "Borrowed", id="a capacity status"),
        pytest.param(on_demand(MarketOption="Auction"), "Auction", id="a market option"),
        pytest.param(on_demand(**{"License Model": "Rented"}), "Rented", id="a licence model"),
        pytest.param(on_demand(**{"Pre Installed S/W": "Chess"}), "Chess", id="software"),
        pytest.param(on_demand(**{"Product Family": "Compute Pod"}), "Compute Pod", id="a product family"),
        pytest.param(on_demand(**{"Location Type": "AWS Moon Base"}), "AWS Moon Base", id="a kind of place"),
        pytest.param(on_demand(TermType="FlatRate"), "FlatRate", id="a type of terms"),
        pytest.param(on_demand(Currency="EUR"), "EUR", id="another currency"),
        pytest.param(
            disk("EBS:VolumeUsage.gp3", "GB-Mo", "0.08", Currency="EUR"), "EUR", id="a disk in another currency"
        ),
        pytest.param(on_demand(**{"Region Code": "us-west-2"}), "us-west-2", id="a row of another region"),
        pytest.param(
            reserved("X", "1yr", "No Upfront", hourly="0.6", OfferingClass="flexible")[0],
            "flexible",
            id="an offering class",
        ),
        pytest.param(reserved("X", "5yr", "No Upfront", hourly="0.6")[0], "5yr", id="a length of reservation"),
        pytest.param(reserved("X", "1yr", "Some Upfront", hourly="0.6")[0], "Some Upfront", id="a way of payment"),
    ],
)
def test_what_is_not_understood_of_an_accelerated_machine_is_noted(
    server: Server, http: Http, row: Row, named: str
) -> None:
    found = read_ec2(server, http, row, row, on_demand("p5.48xlarge", "55.04"))
    assert told(found) == {"machine p5.48xlarge": "55.04 per hour"}
    assert len(found.notes) == 1
    assert named in found.notes[0]
    assert row.get("Instance Type", "gp3") in found.notes[0]


def test_notes_are_at_most_fifty_and_count_the_rest(server: Server, http: Http) -> None:
    found = read_ec2(server, http, *(on_demand(**{"Operating System": f"System {n}"}) for n in range(80)))
    assert len(found.notes) == 50
    assert found.notes[-1] == "and 31 more"


def test_disks_are_priced_in_the_units_of_the_catalog(server: Server, http: Http) -> None:
    found = read_ec2(
        server,
        http,
        disk("EBS:VolumeUsage", "GB-Mo", "0.0500000000"),
        disk("EBS:VolumeUsage.gp2", "GB-Mo", "0.1000000000"),
        disk("EBS:VolumeUsage.gp3", "GB-Mo", "0.0800000000"),
        disk("EBS:VolumeUsage.piops", "GB-Mo", "0.1250000000"),
        disk("EBS:VolumeUsage.io2", "GB-month", "0.1250000000"),
        disk("EBS:VolumeUsage.st1", "GB-Mo", "0.0450000000"),
        disk("EBS:VolumeUsage.sc1", "GB-Mo", "0.0150000000"),
        disk("EBS:VolumeP-IOPS.gp3", "IOPS-Mo", "0.0050000000"),
        disk("EBS:VolumeP-IOPS.piops", "IOPS-Mo", "0.0650000000"),
        disk("EBS:VolumeP-IOPS.io2", "IOPS-Mo", "0.0650000000"),
        disk("EBS:VolumeP-IOPS.io2.tier2", "IOPS-Mo", "0.0455000000"),
        disk("EBS:VolumeP-IOPS.io2.tier3", "IOPS-Mo", "0.0318500000"),
        disk("EBS:VolumeP-Throughput.gp3", "GiBps-mo", "40.9600000000"),
    )
    assert told(found) == {
        "storage standard": "0.05 per GiB-month",
        "storage gp2": "0.1 per GiB-month",
        "storage gp3": "0.08 per GiB-month",
        "storage io1": "0.125 per GiB-month",
        "storage io2": "0.125 per GiB-month",
        "storage st1": "0.045 per GiB-month",
        "storage sc1": "0.015 per GiB-month",
        "iops gp3": "0.005 per IOPS-month",
        "iops io1": "0.065 per IOPS-month",
        "iops io2": "0.065 per IOPS-month",
        "iops io2-over-32000": "0.0455 per IOPS-month",
        "iops io2-over-64000": "0.03185 per IOPS-month",
        "throughput gp3": "0.04 per MiBps-month",
    }


@pytest.mark.parametrize(
    ("usage", "unit", "usd", "expected"),
    [
        pytest.param("APN1-EBS:VolumeP-Throughput.gp3", "GiBps-mo", "49.152", "0.048", id="a prefix of the region"),
        pytest.param("EBS:VolumeP-Throughput.gp3", "MiBps-Mo", "0.048", "0.048", id="already per MiB/s"),
    ],
)
def test_throughput_is_priced_per_mib_per_second(
    server: Server, http: Http, usage: str, unit: str, usd: str, expected: str
) -> None:
    found = read_ec2(server, http, disk(usage, unit, usd))
    assert told(found) == {"throughput gp3": f"{expected} per MiBps-month"}


def test_of_two_prices_for_one_thing_the_dearer_stays_and_is_noted(server: Server, http: Http) -> None:
    found = read_ec2(server, http, on_demand(usd="1.006"), on_demand(usd="2.5", SKU="OTHER"), on_demand(usd="2.5"))
    assert told(found) == {"machine g5.xlarge": "2.5 per hour"}
    assert found.notes == ("g5.xlarge: two prices for linux on_demand, 2.5 taken and not 1.006",)


def test_of_two_amounts_for_one_reservation_the_dearer_stays_and_is_noted(server: Server, http: Http) -> None:
    rows = [
        *reserved("4NA7Y494T4", "1yr", "No Upfront", hourly="0.6"),
        *reserved("4NA7Y494T4", "1yr", "No Upfront", hourly="0.5"),
    ]
    found = read_ec2(server, http, *rows)
    assert told(found) == {"machine g5.xlarge reserved 1y no_upfront": "0.6 per hour"}
    assert len(found.notes) == 1
    assert "the cheaper of two amounts" in found.notes[0]


@pytest.mark.parametrize("usd", ["0.0000000000", "-1.0060000000"], ids=["zero", "below zero"])
def test_a_price_nobody_asks_is_passed_on_for_the_refresh_to_refuse(server: Server, http: Http, usd: str) -> None:
    found = read_ec2(server, http, on_demand(usd=usd))
    assert [price.usd for price in found.prices] == [Decimal(usd)]


def test_prices_keep_every_digit_and_no_exponent(server: Server, http: Http) -> None:
    found = read_ec2(server, http, on_demand("p5.48xlarge", "20.0000000000"), on_demand("g5.xlarge", "0.1234567891"))
    assert told(found) == {"machine p5.48xlarge": "20 per hour", "machine g5.xlarge": "0.1234567891 per hour"}


def test_facts_are_told_of_machines_that_the_catalog_lacks(server: Server, http: Http) -> None:
    found = read_ec2(
        server,
        http,
        on_demand("g5.xlarge"),
        on_demand("g9.48xlarge", "99", vCPU="192", Memory="2,048 GiB", GPU="8"),
        on_demand("g9g.xlarge", "1", Memory="NA", GPU="0.125", **{"Physical Processor": "AWS Graviton9 Processor"}),
        on_demand("trn9.3xlarge", "3", vCPU="12", Memory="128 GiB", GPU="", **{"Physical Processor": "Unnamed"}),
    )
    assert found.types == (
        FetchedType("g9.48xlarge", vcpus=192, memory_gib=2048, gpu_count=8, arch="x86_64"),
        FetchedType("g9g.xlarge", vcpus=4, memory_gib=None, gpu_count=0.125, arch="arm64"),
        FetchedType("trn9.3xlarge", vcpus=12, memory_gib=128, gpu_count=None, arch=""),
    )
    assert "machine g9.48xlarge" in told(found)


def test_commas_and_quotes_in_a_field_do_not_move_the_others(server: Server, http: Http) -> None:
    row = on_demand(PriceDescription='$1.006 per "Linux/UNIX", g5.xlarge, hour')
    body = offer([]) + b",".join(
        b'"%b"' % row[column].replace('"', '""').encode() if row.get(column) else b"" for column in EC2_COLUMNS
    )
    found = read("aws-ec2/us-east-1", server, http, body + b"\n")
    assert told(found) == {"machine g5.xlarge": "1.006 per hour"}


def test_a_file_without_quotes_is_read_too(server: Server, http: Http) -> None:
    found = read("aws-ec2/us-east-1", server, http, offer([on_demand()], quoted=False))
    assert told(found) == {"machine g5.xlarge": "1.006 per hour"}


def test_columns_may_come_in_another_order_and_spelling(server: Server, http: Http) -> None:
    columns = [*reversed(EC2_COLUMNS[1:])]
    columns.insert(0, "SKU")
    body = offer([on_demand(), disk("EBS:VolumeUsage.gp3", "GB-Mo", "0.08")], columns)
    body = body.replace(b'"Instance Type"', b'"instanceType"').replace(b'"Region Code"', b'"regionCode"')
    found = read("aws-ec2/us-east-1", server, http, body)
    assert told(found) == {"machine g5.xlarge": "1.006 per hour", "storage gp3": "0.08 per GiB-month"}


def test_columns_that_no_product_of_a_region_has_may_be_missing(server: Server, http: Http) -> None:
    gone = ("GPU", "GPU Memory", "MarketOption", "LeaseContractLength", "PurchaseOption", "OfferingClass")
    columns = [column for column in EC2_COLUMNS if column not in gone]
    found = read("aws-ec2/us-east-1", server, http, offer([on_demand()], columns))
    assert told(found) == {"machine g5.xlarge": "1.006 per hour"}


def without(column: str) -> bytes:
    return offer([on_demand()], [each for each in EC2_COLUMNS if each != column])


@pytest.mark.parametrize(
    ("body", "said"),
    [
        pytest.param(without("Instance Type"), "lacks the columns instancetype", id="the machine types are gone"),
        pytest.param(without("PricePerUnit"), "lacks the columns priceperunit", id="the prices are gone"),
        pytest.param(without("Region Code"), "lacks the columns regioncode", id="the region codes are gone"),
        pytest.param(without("CapacityStatus"), "lacks the columns capacitystatus", id="the capacity status is gone"),
        pytest.param(
            offer([on_demand()], [*EC2_COLUMNS, "instance type"]), "instancetype is there twice", id="a column twice"
        ),
        pytest.param(
            offer([on_demand()], about={"FormatVersion": "v2.0"}),
            "format version v2.0, expected v1",
            id="another format version",
        ),
        pytest.param(
            offer([on_demand()], about={"OfferCode": "AmazonRDS"}),
            "of the offer AmazonRDS, expected AmazonEC2",
            id="another service",
        ),
        pytest.param(
            offer([on_demand()], about={"Publication Date": "soon"}), "publication date soon is no date", id="no date"
        ),
        pytest.param(b"", "ends before the names of its columns", id="an empty file"),
        pytest.param(offer([]).rsplit(b'"SKU"')[0], "ends before the names of its columns", id="a head alone"),
        pytest.param(b"<html>\n" * 50, "the row with the names of the columns is missing", id="a web page"),
        pytest.param(offer([on_demand(Unit="Days")]), "line 7: g5.xlarge is priced per Days", id="another unit"),
        pytest.param(offer([on_demand(usd="cheap")]), "line 7: the price cheap is no number", id="no number"),
        pytest.param(offer([on_demand(usd="NaN")]), "line 7: the price NaN is no number", id="not a number"),
        pytest.param(offer([on_demand(usd="1e999999999")]), "is no number", id="a monstrous exponent"),
        pytest.param(offer([on_demand(usd="")]), "the price (empty) is no number", id="no price"),
        pytest.param(
            offer(reserved("X", "1yr", "No Upfront", hourly="1", Unit="Months")),
            "a reservation is priced per Months",
            id="another unit of a reservation",
        ),
        pytest.param(
            offer(
                [
                    *reserved("X", "1yr", "Partial Upfront", hourly="1"),
                    *reserved("X", "3yr", "Partial Upfront", fee="1"),
                ]
            ),
            "line 8: two rows of one reservation disagree",
            id="a fee for another term",
        ),
        pytest.param(
            offer([disk("EBS:VolumeUsage.gp3", "TB-Mo", "80")]),
            "line 7: storage of gp3 is priced per TB-Mo, expected gb-mo or gb-month",
            id="another unit of a disk",
        ),
        pytest.param(
            offer([on_demand()]).replace(b',"Hrs",', b',"Hrs","extra",'),
            f"line 7: {len(EC2_COLUMNS) + 1} fields, expected {len(EC2_COLUMNS)}",
            id="a field too many",
        ),
        pytest.param(
            offer([on_demand()]).replace(b" Instance Hour", b"\n Instance Hour"),
            "line 8: a quoted field goes on over the end of the line",
            id="a line end in quotes",
        ),
        pytest.param(
            offer([on_demand()]).replace(b"N. Virginia", b"N. \xff Virginia"), "no valid CSV in UTF-8", id="not UTF-8"
        ),
        pytest.param(
            offer([on_demand()]).replace(b'"GPU instance"', b'"GPU" "instance"'), "no valid CSV", id="broken quotes"
        ),
    ],
)
def test_a_file_of_another_form_is_refused_with_the_place(server: Server, http: Http, body: bytes, said: str) -> None:
    with pytest.raises(ServiceError) as raised:
        read("aws-ec2/us-east-1", server, http, body)
    assert said in raised.value.message
    assert "AmazonEC2 us-east-1" in raised.value.message
    assert raised.value.hint


def test_what_a_file_says_does_not_reach_a_terminal_unchecked(server: Server, http: Http) -> None:
    with pytest.raises(ServiceError) as raised:
        read("aws-ec2/us-east-1", server, http, offer([on_demand(usd="\x1b[2J" + "9" * 500)]))
    assert raised.value.message.isprintable()
    assert len(raised.value.message) < 300


@given(text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n\r\x00"), max_size=60))
@settings(max_examples=60, deadline=None)
def test_any_description_leaves_the_price_as_it_is(text: str) -> None:
    row = on_demand(PriceDescription=text)
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow([row.get(column, "") for column in EC2_COLUMNS])
    lines = [*offer([]).splitlines(), line.getvalue().encode()]
    file = aws._File(lines, aws._Ec2Row, "a file")
    rows = [row for _, row in file.rows(lambda _: True)]
    assert [(row.instancetype, row.priceperunit) for row in rows] == [("g5.xlarge", "1.0060000000")]


# --- parts, scopes, what is wanted ---


def test_the_ec2_files_of_all_regions_are_parts_and_zones_in_cities_are_not(server: Server, http: Http) -> None:
    listed = (
        "us-east-1",
        "us-gov-west-1",
        "eu-central-1",
        "us-west-2-lax-1",
        "us-east-1-wl1-bos-wlz-1",
        "ap-southeast-7",
    )
    server.on(EC2_INDEX, region_index(EC2_PATH, *listed))
    assert [part.name for part in parts(EC2, server, http)] == [
        "aws-ec2/ap-southeast-7",
        "aws-ec2/eu-central-1",
        "aws-ec2/us-east-1",
        "aws-ec2/us-gov-west-1",
    ]


def test_an_ec2_part_replaces_what_its_file_lists_and_nothing_else(server: Server, http: Http) -> None:
    (part,) = parts(EC2, server, http)

    def holds(kind: str, sku: str, model: str = "on_demand", region: str = "us-east-1") -> bool:
        return any(scope.holds("aws", kind, sku, region, model) for scope in part.scopes)

    assert holds("machine", "g5.xlarge")
    assert holds("machine", "p3.2xlarge", "reserved")
    assert holds("storage", "gp3")
    assert holds("iops", "io2-over-64000")
    assert holds("throughput", "gp3")
    assert not holds("machine", "g5.xlarge", "spot")
    assert not holds("machine", "p5.48xlarge", "capacity_block")
    assert not holds("machine", "g5.xlarge", "savings_plan")
    assert not holds("machine", "g5.xlarge", region="us-west-2")
    assert not holds("throughput", "efs-provisioned")
    assert not holds("iops", "standard-requests")
    assert not holds("managed_service", "ml.g5.xlarge")
    assert not holds("network", "public-ipv4")


def test_regions_that_are_not_wanted_are_no_parts(server: Server, http: Http) -> None:
    server.on(EC2_INDEX, region_index(EC2_PATH, "us-east-1", "us-west-2", "eu-west-1"))
    wanted = Wanted(regions=("us-*",))
    assert [part.name for part in parts(EC2, server, http, wanted)] == ["aws-ec2/us-east-1", "aws-ec2/us-west-2"]
    assert [scope.regions for part in parts(EC2, server, http, wanted) for scope in part.scopes[:1]] == [
        ("us-east-1",),
        ("us-west-2",),
    ]


@pytest.mark.parametrize("source", aws.SOURCES, ids=[source.name for source in aws.SOURCES])
def test_nothing_is_asked_for_purchase_models_that_a_source_does_not_have(
    source: Source, server: Server, http: Http
) -> None:
    assert parts(source, server, http, Wanted(purchase_models=("spot",))) == []
    assert server.requests == []


def test_reservations_alone_bring_neither_list_prices_nor_disks(server: Server, http: Http) -> None:
    wanted = Wanted(purchase_models=("reserved",))
    rows = [
        on_demand(),
        disk("EBS:VolumeUsage.gp3", "GB-Mo", "0.08"),
        *reserved("4NA7Y494T4", "1yr", "No Upfront", hourly="0.634"),
    ]
    assert told(read_ec2(server, http, *rows, wanted=wanted)) == {
        "machine g5.xlarge reserved 1y no_upfront": "0.634 per hour"
    }
    (part,) = parts(EC2, server, http, wanted)
    assert part.scopes == (Scope("aws", "machine", "reserved", ("us-east-1",)),)


def test_list_prices_alone_bring_no_reservations(server: Server, http: Http) -> None:
    wanted = Wanted(purchase_models=("on_demand",))
    rows = [on_demand(), *reserved("4NA7Y494T4", "1yr", "No Upfront", hourly="0.634")]
    assert told(read_ec2(server, http, *rows, wanted=wanted)) == {"machine g5.xlarge": "1.006 per hour"}
    (part,) = parts(EC2, server, http, wanted)
    assert {scope.purchase_model for scope in part.scopes} == {"on_demand"}


def test_every_price_lies_in_a_scope_of_its_part(server: Server, http: Http) -> None:
    rows = [
        on_demand(),
        *reserved("4NA7Y494T4", "1yr", "No Upfront", hourly="0.634"),
        *(disk(usage, "GB-Mo", "1") for usage in ("EBS:VolumeUsage", "EBS:VolumeUsage.piops")),
        *(disk(f"EBS:VolumeP-IOPS.{kind}", "IOPS-Mo", "1") for kind in ("gp3", "io2", "io2.tier2", "io2.tier3")),
        disk("EBS:VolumeP-Throughput.gp3", "GiBps-mo", "1"),
    ]
    found = read_ec2(server, http, *rows)
    (part,) = parts(EC2, server, http)
    assert len(found.prices) == len(rows)
    for price in found.prices:
        assert any(
            scope.holds("aws", price.kind, price.sku, price.region, price.purchase_model) for scope in part.scopes
        )


INDEXES: list[Any] = [
    pytest.param(EC2, EC2_INDEX, id="EC2"),
    pytest.param(SAGEMAKER, SAGEMAKER_INDEX, id="SageMaker"),
    pytest.param(PLANS, COMPUTE_INDEX, id="Savings Plans"),
    pytest.param(PLANS, ML_INDEX, id="SageMaker Savings Plans"),
]


@pytest.mark.parametrize(("source", "index"), INDEXES)
@pytest.mark.parametrize("value", [{}, {"regions": 7}, {"regions": None}, []], ids=["empty", "number", "null", "list"])
def test_an_index_of_another_shape_is_refused(
    source: Source, index: str, value: object, server: Server, http: Http
) -> None:
    server.on(index, as_json(value))
    with pytest.raises(ServiceError) as raised:
        parts(source, server, http)
    assert index in raised.value.message


def test_an_index_without_regions_is_refused(server: Server, http: Http) -> None:
    server.on(EC2_INDEX, region_index(EC2_PATH, "us-west-2-lax-1"))
    with pytest.raises(ServiceError, match="lists no region"):
        parts(EC2, server, http)


@pytest.mark.parametrize(
    "path",
    [
        "https://example.com/index.json",
        "@example.com/index.json",
        ".example.com/index.json",
        "//example.com:1/index.json",
        "/index.json?x=1",
        "/index.html",
        "/a\n/index.json",
        "",
    ],
)
def test_a_file_anywhere_else_is_not_asked_for(path: str, server: Server, http: Http) -> None:
    server.on(EC2_INDEX, as_json({"regions": {"us-east-1": {"currentVersionUrl": path}}}))
    with pytest.raises(ServiceError, match=r"expected the path of a \.json file"):
        parts(EC2, server, http)


# --- connections ---


def test_a_file_that_has_not_changed_is_not_read_again(server: Server, http: Http) -> None:
    headers = {"ETag": '"v1"', "Last-Modified": "Thu, 10 Sep 2026 20:00:00 GMT"}

    def answer(request: Request) -> Reply:
        unchanged = request.headers.get("if-none-match") == '"v1"'
        return Reply(status=304, headers=headers) if unchanged else Reply(offer([on_demand()]), headers=headers)

    found = read("aws-ec2/us-east-1", server, http, answer)
    assert found.validators is not None
    assert found.validators.etag == '"v1"'
    (part,) = parts(EC2, server, http)
    with pytest.raises(NotModified):
        part.read(context(http, server.url, KNOWN), found.validators)


def test_a_connection_that_breaks_loses_and_doubles_nothing(server: Server, http: Http) -> None:
    rows = [on_demand(f"g5.{size}xlarge", f"{size}.5") for size in range(2, 60)]
    body = offer(rows)
    half = Reply(body, headers={"ETag": '"v1"'}, cut=len(body) // 2)
    rest = Reply(body, headers={"ETag": '"v1"'}, ranges=True)
    found = read("aws-ec2/us-east-1", server, http, half, rest)
    assert told(found) == {f"machine g5.{size}xlarge": f"{size}.5 per hour" for size in range(2, 60)}
    assert found.notes == ()


def test_a_file_replaced_while_it_was_read_is_read_anew(server: Server, http: Http) -> None:
    old = offer([on_demand("m5.large", "0.1")] * 200 + [on_demand(usd="1.5")])
    new = offer([on_demand("m5.large", "0.2")] * 200 + [on_demand(usd="2.5")])
    found = read(
        "aws-ec2/us-east-1",
        server,
        http,
        Reply(old, headers={"ETag": '"old"'}, cut=len(old) // 2),
        Reply(new, headers={"ETag": '"new"'}),
        Reply(new, headers={"ETag": '"new"'}),
    )
    assert told(found) == {"machine g5.xlarge": "2.5 per hour"}


def test_a_large_file_is_read_in_little_memory(server: Server, http: Http) -> None:
    chaff = b"".join(offer([on_demand(type, "0.1")]).splitlines(keepends=True)[-1] for type in ("m5.large", "c5.large"))
    many = 8_000

    def body() -> Iterator[bytes]:
        yield offer([])
        for number in range(many):
            yield chaff
            if number % 1000 == 0:
                yield offer([on_demand(f"g5.{number + 1}xlarge", "1.5")]).splitlines(keepends=True)[-1]

    tracemalloc.start()
    try:
        found = read("aws-ec2/us-east-1", server, http, Reply(body(), framing="chunked"))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(found.prices) == many // 1000
    assert many * len(chaff) > 8_000_000
    assert peak < 4_000_000


# --- SageMaker ---


def test_the_dearest_use_of_a_sagemaker_machine_counts_and_is_named(server: Server, http: Http) -> None:
    found = read_sagemaker(
        server,
        http,
        sagemaker("Notebook", "1.4080000000"),
        sagemaker("Hosting", "1.5150000000"),
        sagemaker("Training", "1.4080000000"),
        sagemaker("Training", "43.265645", "ml.p4de.24xlarge"),
        sagemaker("Hosting", "43.265645", "ml.p4de.24xlarge"),
    )
    assert told(found) == {
        "managed_service ml.g5.xlarge": "1.515 per hour",
        "managed_service ml.p4de.24xlarge": "43.265645 per hour",
    }
    assert [price.note for price in found.prices] == ["dearest of its uses: Hosting", ""]
    assert found.notes == ()
    assert found.as_of == "2026-09-10"


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(sagemaker(type="ml.m5.xlarge"), id="a machine without accelerators"),
        pytest.param(sagemaker("Cluster-Reserved", "0"), id="a training plan"),
        pytest.param(sagemaker("SpotTraining", "99"), id="managed spot training"),
        pytest.param(sagemaker("Processing_Geo", "99"), id="the surcharge of geospatial processing"),
        pytest.param(sagemaker("Free-Notebook", "0"), id="the free trial"),
        pytest.param(sagemaker(usd="99", **{"Location Type": "AWS Outposts"}), id="an Outpost"),
    ],
)
def test_other_sagemaker_products_are_passed_over_without_a_word(server: Server, http: Http, row: Row) -> None:
    found = read_sagemaker(server, http, row, sagemaker(usd="1.408"))
    assert told(found) == {"managed_service ml.g5.xlarge": "1.408 per hour"}
    assert [price.note for price in found.prices] == [""]
    assert found.notes == ()


@pytest.mark.parametrize(
    ("row", "named"),
    [
        pytest.param(sagemaker(usd="99", **{"Product Family": "ML Pod"}), "ML Pod", id="a product family"),
        pytest.param(sagemaker(usd="99", TermType="Reserved"), "Reserved", id="a type of terms"),
        pytest.param(sagemaker(usd="99", Currency="CNY"), "CNY", id="another currency"),
        pytest.param(sagemaker(usd="99", **{"Region Code": "us-west-2"}), "us-west-2", id="another region"),
    ],
)
def test_what_is_not_understood_of_sagemaker_is_noted(server: Server, http: Http, row: Row, named: str) -> None:
    found = read_sagemaker(server, http, row, sagemaker(usd="1.408"))
    assert told(found) == {"managed_service ml.g5.xlarge": "1.408 per hour"}
    assert len(found.notes) == 1
    assert named in found.notes[0]


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(sagemaker(**{"Instance Name": ""}), id="the type with its use behind it"),
        pytest.param(
            sagemaker(
                **{"Instance Name": "", "Instance Type": "NA", "usageType": "APN2-Studio:JupyterLab-ml.g5.xlarge"}
            ),
            id="the type in the usage alone",
        ),
    ],
)
def test_a_sagemaker_machine_is_recognised_wherever_it_is_named(server: Server, http: Http, row: Row) -> None:
    assert told(read_sagemaker(server, http, row)) == {"managed_service ml.g5.xlarge": "1.408 per hour"}


def test_sagemaker_replaces_its_own_list_prices_alone(server: Server, http: Http) -> None:
    (part,) = parts(SAGEMAKER, server, http)
    assert part.scopes == (Scope("aws", "managed_service", "on_demand", ("us-east-1",), "ml.*"),)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        pytest.param(offer([on_demand()]), "of the offer AmazonEC2, expected AmazonSageMaker", id="another service"),
        pytest.param(
            sagemaker_offer([sagemaker(Unit="Mo")]), "line 7: ml.g5.xlarge is priced per Mo", id="another unit"
        ),
        pytest.param(sagemaker_offer([sagemaker(usd="x")]), "line 7: the price x is no number", id="no number"),
    ],
)
def test_a_sagemaker_file_of_another_form_is_refused(server: Server, http: Http, body: bytes, said: str) -> None:
    with pytest.raises(ServiceError) as raised:
        read("aws-sagemaker/us-east-1", server, http, body)
    assert said in raised.value.message


# --- Savings Plans ---


EC2_PLAN = {"Product Family": "EC2InstanceSavingsPlans", "UsageType": "EC2SP:g5.1yrNoUpfront"}


def test_plans_are_priced_by_system_term_and_payment(server: Server, http: Http) -> None:
    found = read_plans(
        server,
        http,
        plan("0.7"),
        plan("0.66", PurchaseOption="Partial Upfront"),
        plan("0.65", PurchaseOption="All Upfront"),
        plan("0.5", LeaseContractLength="3"),
        plan("0.88", DiscountedOperation="RunInstances:0002"),
        plan("0.76", DiscountedOperation="RunInstances:0010"),
        plan("0.82", DiscountedOperation="RunInstances:000g"),
        plan("0.71", DiscountedOperation="RunInstances:0g00"),
    )
    assert told(found) == {
        "machine g5.xlarge savings_plan 1y no_upfront": "0.7 per hour",
        "machine g5.xlarge savings_plan 1y partial_upfront": "0.66 per hour",
        "machine g5.xlarge savings_plan 1y all_upfront": "0.65 per hour",
        "machine g5.xlarge savings_plan 3y no_upfront": "0.5 per hour",
        "machine g5.xlarge windows savings_plan 1y no_upfront": "0.88 per hour",
        "machine g5.xlarge rhel savings_plan 1y no_upfront": "0.76 per hour",
        "machine g5.xlarge sles savings_plan 1y no_upfront": "0.82 per hour",
        "machine g5.xlarge ubuntu-pro savings_plan 1y no_upfront": "0.71 per hour",
    }
    assert found.notes == ()
    assert found.as_of == "2026-09-10"
    assert "Compute Savings Plans" in found.title


@pytest.mark.parametrize("turned", [False, True], ids=["Compute first", "EC2 Instance first"])
def test_the_rate_of_the_compute_plan_stands_over_that_of_the_ec2_instance_plan(
    server: Server, http: Http, turned: bool
) -> None:
    rows = [plan("0.7"), plan("0.634", **EC2_PLAN)]
    found = read_plans(server, http, *(reversed(rows) if turned else rows))
    assert told(found) == {"machine g5.xlarge savings_plan 1y no_upfront": "0.7 per hour"}
    assert [price.note for price in found.prices] == [""]
    assert found.notes == ()


def test_a_machine_under_the_ec2_instance_plan_alone_says_so(server: Server, http: Http) -> None:
    found = read_plans(server, http, plan("0.634", **EC2_PLAN))
    assert [price.note for price in found.prices] == ["EC2 Instance Savings Plan"]


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(plan("9", DiscountedUsageType="BoxUsage:m5.large"), id="a machine without accelerators"),
        pytest.param(plan("9", DiscountedUsageType="DedicatedUsage:g5.xlarge"), id="dedicated hardware"),
        pytest.param(plan("9", DiscountedUsageType="UnusedBox:g5.xlarge"), id="an unused capacity reservation"),
        pytest.param(plan("9", DiscountedUsageType="UnusedDed:g5.xlarge"), id="an unused dedicated reservation"),
        pytest.param(plan("9", DiscountedUsageType="APE2-HostBoxUsage:g5.xlarge"), id="a machine on a host"),
        pytest.param(plan("9", DiscountedUsageType="HostUsage:g5"), id="a host"),
        pytest.param(plan("9", DiscountedOperation="RunInstances:0202"), id="Windows with SQL Server"),
        pytest.param(plan("9", DiscountedOperation="RunInstances:0800"), id="a licence of one's own"),
        pytest.param(
            plan(
                "9",
                DiscountedServiceCode="AmazonECS",
                DiscountedUsageType="USE1-Fargate-vCPU-Hours:perCPU",
                DiscountedOperation="",
            ),
            id="Fargate",
        ),
    ],
)
def test_rates_of_other_products_are_passed_over_without_a_word(server: Server, http: Http, row: Row) -> None:
    found = read_plans(server, http, row, plan("0.7"))
    assert told(found) == {"machine g5.xlarge savings_plan 1y no_upfront": "0.7 per hour"}
    assert found.notes == ()


@pytest.mark.parametrize(
    ("row", "named"),
    [
        pytest.param(plan("9", DiscountedUsageType="PodUsage:g5.xlarge"), "PodUsage", id="a usage"),
        pytest.param(plan("9", DiscountedOperation="Hibernate"), "Hibernate", id="an operation"),
        pytest.param(plan("9", DiscountedServiceCode="AmazonEKS"), "AmazonEKS", id="a service"),
        pytest.param(plan("9", Currency="CNY"), "CNY", id="another currency"),
        pytest.param(plan("9", DiscountedRegionCode="us-west-2"), "us-west-2", id="another region"),
        pytest.param(plan("9", LeaseContractLength="5"), "5 year", id="a length"),
        pytest.param(plan("9", LeaseContractLengthUnit="month"), "1 month", id="a unit of the length"),
        pytest.param(plan("9", PurchaseOption="Later"), "Later", id="a way of payment"),
    ],
)
def test_what_is_not_understood_of_a_plan_is_noted(server: Server, http: Http, row: Row, named: str) -> None:
    found = read_plans(server, http, row, plan("0.7"))
    assert told(found) == {"machine g5.xlarge savings_plan 1y no_upfront": "0.7 per hour"}
    assert len(found.notes) == 1
    assert named in found.notes[0]


def test_sagemaker_plans_are_priced_at_the_dearest_use(server: Server, http: Http) -> None:
    found = read_sagemaker_plans(
        server,
        http,
        sagemaker_plan("0.9012"),
        sagemaker_plan("1.05", "USE1-Studio:JupyterLab-ml.g5.xlarge"),
        sagemaker_plan("99", "USE1-Cluster-Reserved:ml.g5.xlarge"),
        sagemaker_plan("0.6", LeaseContractLength="3", PurchaseOption="All Upfront"),
        sagemaker_plan("0.1", "USE1-Train:ml.m4.16xlarge"),
    )
    assert told(found) == {
        "managed_service ml.g5.xlarge savings_plan 1y no_upfront": "1.05 per hour",
        "managed_service ml.g5.xlarge savings_plan 3y all_upfront": "0.6 per hour",
    }
    assert [price.note for price in found.prices] == ["dearest of its uses: Studio:JupyterLab", ""]
    assert found.notes == ()


def test_the_two_kinds_of_plans_replace_their_own_rows_alone(server: Server, http: Http) -> None:
    compute, ml = parts(PLANS, server, http)
    assert (compute.name, ml.name) == ("aws-savings-plans/compute/us-east-1", "aws-savings-plans/sagemaker/us-east-1")
    assert compute.scopes == (Scope("aws", "machine", "savings_plan", ("us-east-1",)),)
    assert ml.scopes == (Scope("aws", "managed_service", "savings_plan", ("us-east-1",), "ml.*"),)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(
            lambda body: body.replace(b"DiscountedRate,", b"Rate,"), "lacks the columns discountedrate", id="no rate"
        ),
        pytest.param(lambda body: body.replace(b",Hrs,", b",Days,"), "is priced per Days", id="another unit"),
        pytest.param(lambda body: body.replace(b",0.7,", b",0:7,"), "the price 0:7 is no number", id="no number"),
        pytest.param(lambda body: body.replace(b",Any,", b","), "fields, expected", id="a field is gone"),
    ],
)
def test_a_file_of_plans_of_another_form_is_refused(
    server: Server, http: Http, change: Callable[[bytes], bytes], said: str
) -> None:
    with pytest.raises(ServiceError) as raised:
        read("aws-savings-plans/compute/us-east-1", server, http, change(plan_offer([plan("0.7")])))
    assert said in raised.value.message


def test_the_sources_need_nothing_of_the_machine() -> None:
    nothing: Mapping[str, str] = {}
    assert [source.missing(nothing) for source in aws.SOURCES] == ["", "", ""]
    assert [source.name for source in aws.SOURCES] == ["aws-ec2", "aws-sagemaker", "aws-savings-plans"]
