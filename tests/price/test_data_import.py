"""The import script keeps what it promises: the dearer row wins, and nothing unknown gets into the tables unseen."""

import pytest

from scripts import import_facts as script
from scripts.tables import REPORT, plain


def test_of_two_rows_with_one_key_the_dearer_stays_and_the_other_is_told() -> None:
    rows = [
        ("aws", "machine", script.price_row("x1.large", "us-east-1", "on_demand", "hour", usd, "source-2026-01-01"))
        for usd in ("1.10", "1.20", "1.15")
    ]
    REPORT.clear()
    (kept,) = script.dearest(rows)["aws", "machine"].values()
    assert kept["usd"] == "1.2"
    assert len(REPORT["two prices for one key"]) == 2


def test_rows_bought_in_another_way_do_not_compete() -> None:
    rows = [
        ("aws", "machine", script.price_row("x1.large", "us-east-1", purchase, "hour", "1", "source-2026-01-01"))
        for purchase in ("on_demand", "spot", "reserved_1y_no_upfront", "reserved_1y_all_upfront", "reserved_3y")
    ]
    assert len(script.dearest(rows)["aws", "machine"]) == 5


def test_an_unknown_note_stops_the_import() -> None:
    assert script.note_of("mean of 3 AZs, min 1, max 2; commit date not stored") == "mean of 3 zones"
    with pytest.raises(SystemExit, match="not known"):
        script.note_of("somebody told me")


@pytest.mark.parametrize(
    ("amount", "written"),
    [
        pytest.param("1.50", "1.5", id="trailing zeros go"),
        pytest.param("100", "100", id="zeros before the point stay"),
        pytest.param("1E-7", "0.0000001", id="an exponent is written out"),
        pytest.param("0.1234567890123456789", "0.1234567890123456789", id="digits are kept"),
    ],
)
def test_an_amount_is_written_plainly(amount: str, written: str) -> None:
    assert plain(amount) == written


@pytest.mark.parametrize(
    ("cloud", "sku", "family"),
    [
        pytest.param("aws", "p4d.24xlarge", "p4d", id="AWS"),
        pytest.param("gcp", "a3-megagpu-8g", "a3", id="GCP"),
        pytest.param("gcp", "n1-ultramem-40", "m1", id="GCP memory-optimised under an N1 name"),
        pytest.param("azure", "Standard_NC24ads_A100_v4", "NCads_A100_v4", id="Azure"),
        pytest.param("verda", "8H200.141S.176V", "H200", id="Verda"),
    ],
)
def test_the_family_of_a_machine(cloud: str, sku: str, family: str) -> None:
    assert script.family_of(cloud, sku, "") == family
