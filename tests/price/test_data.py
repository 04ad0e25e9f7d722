"""Integrity of the source tables, and of the build that turns them into the catalog."""

import csv
import json
import shutil
import subprocess
import sys
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import pytest

from gpuguard.price import build
from gpuguard.price.catalog import Catalog
from gpuguard.price.schema import KINDS, TABLES

Row = dict[str, str]
LARGE_CLOUDS = ("aws", "azure", "gcp")


def table(*parts: str) -> list[Row]:
    path = build.DATA.joinpath(*parts)
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def clouds() -> list[str]:
    return sorted(path.name for path in build.DATA.iterdir() if path.is_dir())


def prices(cloud: str, kind: str) -> list[Row]:
    return table(cloud, "prices", f"{kind}.csv")


@pytest.fixture(scope="module")
def tables() -> build.Tables:
    return build.read(build.DATA)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A copy of the tables that a test may spoil."""
    return Path(shutil.copytree(build.DATA, tmp_path / "data"))


# --- the tables as they are ---


def test_every_table_passes_the_checks_of_the_build(tables: build.Tables) -> None:
    assert len(tables.rows["price"]) > 9000
    assert all(tables.rows[name] for name in TABLES)


def test_every_file_is_a_table_that_the_build_reads() -> None:
    found = {path.relative_to(build.DATA).as_posix() for path in build.DATA.rglob("*") if path.is_file()}
    named = {
        "accelerators.csv",
        "discounts.csv",
        "holes.csv",
        "performance_pairs.csv",
        "performance_ratios.csv",
        "regions.csv",
        "sources.csv",
        build.MANIFEST,
        "aws/interruption.csv",
    }
    for cloud in clouds():
        named |= {f"{cloud}/{name}.csv" for name in ("types", "cpu_types", "offerings")}
        named |= {f"{cloud}/prices/{kind}.csv" for kind in KINDS}
    assert found <= named


def test_every_source_is_used_by_some_row(tables: build.Tables) -> None:
    used = set()
    for path in build.DATA.rglob("*.csv"):
        if path.name != "sources.csv":
            with path.open(encoding="utf-8", newline="") as stream:
                for row in csv.DictReader(stream):
                    used |= set(row.get("source", "").split())
    assert set(tables.sources) == used


@pytest.mark.parametrize("cloud", clouds())
def test_the_rows_of_a_price_table_stand_in_order_and_lines_stay_short(cloud: str) -> None:
    for kind in KINDS:
        rows = prices(cloud, kind)
        skus = [row["sku"] for row in rows]
        assert len(list(dict.fromkeys(skus))) == sum(
            1 for one, two in zip([None, *skus], skus, strict=False) if one != two
        )
        assert all(sum(len(cell) + 1 for cell in row.values()) <= 300 for row in rows)


@pytest.mark.parametrize("cloud", clouds())
def test_every_priced_machine_has_its_type(cloud: str) -> None:
    types = {row["sku"] for row in table(cloud, "types.csv")}
    assert {row["sku"] for row in prices(cloud, "machine")} <= types


@pytest.mark.parametrize("cloud", clouds())
def test_every_priced_region_is_known(cloud: str, tables: build.Tables) -> None:
    known = {row[1] for row in tables.rows["region"] if row[0] == cloud} | {"*"}
    for kind in KINDS:
        assert {row["region"] for row in prices(cloud, kind)} <= known


def test_every_attached_accelerator_is_a_known_model(tables: build.Tables) -> None:
    skus = {row["sku"].removesuffix("-pod") for row in prices("gcp", "accelerator")}
    assert skus <= tables.models


@pytest.mark.parametrize("cloud", LARGE_CLOUDS)
def test_every_current_gpu_machine_has_a_list_price_or_is_a_known_hole(cloud: str) -> None:
    listed = {row["sku"] for row in prices(cloud, "machine") if row["purchase_model"] == "on_demand"}
    holes = {row["sku"] for row in table("holes.csv") if row["cloud"] == cloud}
    current = {row["sku"] for row in table(cloud, "types.csv") if row["status"] == "current"}
    assert current - listed == holes
    assert not listed & holes


@pytest.mark.parametrize("cloud", LARGE_CLOUDS)
def test_a_spot_or_committed_price_is_not_above_the_list_price(cloud: str) -> None:
    for kind in KINDS:
        rows = prices(cloud, kind)
        listed = {(row["sku"], row["region"], row["os"]): row for row in rows if row["purchase_model"] == "on_demand"}
        for row in rows:
            usual = listed.get((row["sku"], row["region"], row["os"]))
            if usual is not None:
                # a reading of four decimals may be above its own list price by a rounding
                assert Decimal(row["usd"]) <= Decimal(usual["usd"]) * Decimal("1.0001"), row


@pytest.mark.parametrize("cloud", clouds())
def test_no_list_price_is_three_times_that_of_another_region(cloud: str) -> None:
    amounts = defaultdict(list)
    for row in prices(cloud, "machine"):
        if row["purchase_model"] == "on_demand":
            amounts[row["sku"], row["os"]].append(Decimal(row["usd"]))
    assert [key for key, values in amounts.items() if max(values) > 3 * min(values)] == []


@pytest.mark.parametrize("cloud", clouds())
def test_the_cheapest_machine_with_more_gpus_costs_more(cloud: str) -> None:
    """Compared inside one family and region, per list price: a slip of a digit or a column would show here.

    A size whose memory nobody tells may hold a share of the one GPU it is said to have.
    """
    count = {
        row["sku"]: (row["family"], row["gpu_model"], Decimal(row["gpu_count"]))
        for row in table(cloud, "types.csv")
        if row["gpu_memory_gib"]
    }
    cheapest: dict[tuple[str, str, str], dict[Decimal, Decimal]] = defaultdict(dict)
    for row in prices(cloud, "machine"):
        if row["purchase_model"] == "on_demand" and row["os"] == "linux" and row["sku"] in count:
            family, model, number = count[row["sku"]]
            of_family = cheapest[family, model, row["region"]]
            of_family[number] = min(Decimal(row["usd"]), of_family.get(number, Decimal("Infinity")))
    for key, by_number in cheapest.items():
        ordered = [usd for _, usd in sorted(by_number.items())]
        assert ordered == sorted(set(ordered)), key


def test_well_known_list_prices_are_in_the_tables() -> None:
    """Figures that stand on the vendors' price pages; they tell a shifted column at once."""
    found = {
        (cloud, row["sku"], row["region"], row["purchase_model"]): row["usd"]
        for cloud in LARGE_CLOUDS
        for row in prices(cloud, "machine")
        if row["os"] == "linux" and not row["term"]
    }
    assert found["aws", "g4dn.xlarge", "us-east-1", "on_demand"] == "0.526"
    assert found["aws", "p4d.24xlarge", "us-east-1", "on_demand"] == "21.957642"
    assert found["azure", "Standard_NC4as_T4_v3", "eastus", "on_demand"] == "0.526"
    assert found["gcp", "a2-highgpu-1g", "us-central1", "on_demand"].startswith("3.67")


def test_the_tables_stay_small() -> None:
    assert sum(path.stat().st_size for path in build.DATA.rglob("*.csv")) < 6_000_000


# --- the build ---


def test_the_build_gives_the_same_bytes_twice(tmp_path: Path) -> None:
    one, two = tmp_path / "one.sqlite", tmp_path / "two.sqlite"
    assert build.build(output=one) == build.build(output=two)
    assert one.read_bytes() == two.read_bytes()
    assert one.stat().st_size < 8_000_000


def test_the_manifest_beside_the_tables_is_what_they_give(tmp_path: Path) -> None:
    """`make catalog` writes it anew; a diff shows what a change of the tables does to the whole."""
    written = json.loads((build.DATA / build.MANIFEST).read_text(encoding="utf-8"))
    assert written == build.build(output=tmp_path / "catalog.sqlite")


def test_the_manifest_counts_rows_and_tells_ages_by_cloud_and_model() -> None:
    manifest = json.loads((build.DATA / build.MANIFEST).read_text(encoding="utf-8"))
    listed = [row for kind in KINDS for row in prices("aws", kind) if row["purchase_model"] == "spot"]
    dates = {row["id"]: row["as_of"] for row in table("sources.csv")}
    days = [min(dates[name] for name in row["source"].split()) for row in listed]
    assert manifest["prices"]["aws"]["spot"] == {
        "prices": len(listed),
        "skus": len({row["sku"] for row in listed}),
        "regions": len({row["region"] for row in listed}),
        "oldest": min(days),
        "newest": max(days),
    }


def test_the_version_changes_with_the_rows(tmp_path: Path, data: Path) -> None:
    first = build.build(data, tmp_path / "one.sqlite")
    path = data / "aws" / "prices" / "machine.csv"
    path.write_text(path.read_text(encoding="utf-8").replace(",hour,55.04,", ",hour,55.05,"), encoding="utf-8")
    second = build.build(data, tmp_path / "two.sqlite")
    assert first != second
    with Catalog.open(tmp_path / "two.sqlite") as catalog:
        assert catalog.version == second["version"]
        assert catalog.checksum == second["checksum"]
        assert second["checksum"].startswith(f"sha256:{catalog.version[-8:]}")


def test_the_order_of_rows_does_not_matter(tmp_path: Path, data: Path) -> None:
    path = data / "aws" / "prices" / "machine.csv"
    header, *rows = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join([header, *reversed(rows)]), encoding="utf-8")
    assert build.build(data, tmp_path / "one.sqlite") == build.build(output=tmp_path / "two.sqlite")


GOOD = "g5.xlarge,us-east-1,linux,on_demand,,,hour,1.006,,,,{source},"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        pytest.param(
            "g5.x,us-east-1,linux,on_demand,,,hour,0,,,,{source},", "usd 0 is not above 0", id="a price of zero"
        ),
        pytest.param(
            "g5.x,us-east-1,linux,on_demand,,,hour,-1,,,,{source},", "not a plain decimal", id="a negative price"
        ),
        pytest.param("g5.x,us-east-1,linux,on_demand,,,hour,1e9,,,,{source},", "not a plain decimal", id="an exponent"),
        pytest.param(
            "g5.x,us-east-1,linux,on_demand,,,hour,NaN,,,,{source},", "not a plain decimal", id="not a number"
        ),
        pytest.param("g5.x,us-east-1,linux,on_demand,,,hour,,,,,{source},", "usd is empty", id="no price"),
        pytest.param("g5.x,us-east-1,linux,on_demand,,,day,1,,,,{source},", "unit 'day'", id="an unknown unit"),
        pytest.param("g5.x,us-east-1,linux,ondemand,,,hour,1,,,,{source},", "purchase_model", id="an unknown model"),
        pytest.param("g5.x,us-east-1,beos,on_demand,,,hour,1,,,,{source},", "os 'beos'", id="an unknown system"),
        pytest.param(
            "g5.x,us-east-1,linux,reserved,,,hour,1,,,,{source},", "has a term", id="a commitment without term"
        ),
        pytest.param("g5.x,us-east-1,linux,spot,1y,,hour,1,,,,{source},", "has a term", id="spot with a term"),
        pytest.param(
            "g5.x,us-east-1,linux,spot,,,hour,3,1,2,,{source},", "not between low", id="a range without its price"
        ),
        pytest.param(
            "g5.x,us-east-1,linux,on_demand,,,hour,1,,,,hearsay,", "'hearsay' is not in", id="an unknown source"
        ),
        pytest.param("g5.x,,linux,on_demand,,,hour,1,,,,{source},", "region is empty", id="no region"),
        pytest.param("g5.x,us-east-1,linux", "3 cells, expected 13", id="a short row"),
        pytest.param(GOOD, "stands on line", id="a key used twice"),
    ],
)
def test_a_wrong_price_row_is_refused_with_its_line(tmp_path: Path, data: Path, line: str, message: str) -> None:
    path = data / "aws" / "prices" / "machine.csv"
    number = len(path.read_text(encoding="utf-8").splitlines()) + 1
    source = table("sources.csv")[0]["id"]
    with path.open("a", encoding="utf-8") as stream:
        stream.write(line.format(source=source) + "\n")
    output = tmp_path / "out.sqlite"
    with pytest.raises(build.BuildError, match=message) as caught:
        build.build(data, output)
    assert str(caught.value).startswith(f"{path}:{number}: ")
    assert not output.exists()


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        pytest.param(
            "accelerators.csv", "T4,NVIDIA", "T4000,NVIDIA", "is not in accelerators.csv", id="a missing model"
        ),
        pytest.param("accelerators.csv", "model,vendor", "modell,vendor", "columns are", id="a wrong header"),
        pytest.param("regions.csv", "+05:30", "UTC+5", "utc_offset", id="an offset in words"),
        pytest.param("sources.csv", ",2026-06-18,", ",last week,", "as_of", id="a date in words"),
        pytest.param(
            "holes.csv", "p5e.48xlarge", "p5x.48xlarge", "is not in the types table", id="a hole nobody knows"
        ),
        pytest.param("discounts.csv", ",observed,", ",guessed,", "kind", id="a discount out of thin air"),
        pytest.param("performance_ratios.csv", ",datasheet,", ",rumour,", "basis", id="a ratio by rumour"),
        pytest.param("aws/types.csv", ",H100-80GB,8,", ",H100-80GB,0,", "gpu_count", id="a GPU machine without GPUs"),
    ],
)
def test_a_wrong_row_of_another_table_is_refused(
    tmp_path: Path, data: Path, name: str, old: str, new: str, message: str
) -> None:
    path = data / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(build.BuildError, match=message):
        build.build(data, tmp_path / "out.sqlite")


def test_the_command_builds_and_answers_errors_without_a_traceback(tmp_path: Path, data: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "gpuguard.price.build", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd=build.DATA.parents[2])

    good = run("--out", str(tmp_path / "good.sqlite"))
    assert good.returncode == 0, good.stderr
    (data / "sources.csv").write_text("id,as_of\n", encoding="utf-8")
    bad = run("--data", str(data), "--out", str(tmp_path / "bad.sqlite"))
    assert bad.returncode == 2
    assert bad.stderr.startswith("error: ")
    assert "Traceback" not in bad.stderr
    with Catalog.open(tmp_path / "good.sqlite") as catalog:
        assert catalog.version in good.stdout


def test_the_build_runs_on_the_standard_library_alone() -> None:
    """The packaging hook has nothing else."""
    root = str(build.DATA.parents[2])
    program = f"import sys; sys.path.insert(0, {root!r}); from gpuguard.price.build import main; main(['--help'])"
    command = [sys.executable, "-I", "-S", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "catalog" in done.stdout
