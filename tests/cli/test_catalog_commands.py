"""`gpuguard catalog` as a user runs it, and `gpuguard.yml` from the command line to the report."""

import csv
import io
import json
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gpuguard.cli.catalog import SORTS
from gpuguard.cli.catalog.changes import ChangeRow
from gpuguard.price.catalog import Catalog
from gpuguard.price.quote import Quote
from gpuguard.price.schema import KINDS, OPERATING_SYSTEMS, PURCHASE_MODELS
from gpuguard.price.search import SEARCHED, Offer, Sort
from gpuguard.price.store import write
from tests.cli.test_processes import imported, shell
from tests.hostile.plans import instance, plan, written
from tests.hostile.run import ROOT, Outcome, gpuguard, process
from tests.price import small

D = Decimal
DEMO = ROOT / "fixtures" / "demo" / "plan.json"
SEARCH = ("search", "--gpu", "H100", "--min-gpus", "8", "--region", "us-*", "--model", "spot", "--sort", "price")


@pytest.fixture(scope="module")
def acme(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalog with rows in every table, of figures that never change."""
    path = tmp_path_factory.mktemp("acme") / "acme.sqlite"
    write(path, small.full_rows())
    return path


@pytest.fixture(autouse=True)
def _outside_any_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration speaks but those of the tests, and nothing is in the user's cache."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def catalog(*arguments: str | Path) -> Outcome:
    """Run a command of the catalog that must succeed."""
    outcome = gpuguard("catalog", *arguments)
    assert (outcome.code, outcome.err) == (0, ""), outcome
    return outcome


def from_json(*arguments: str | Path) -> Any:
    return json.loads(catalog(*arguments, "--format", "json").out)


def from_csv(*arguments: str | Path) -> list[dict[str, str]]:
    text = catalog(*arguments, "--format", "csv").out
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def cells(line: str) -> list[str]:
    """The cells of a line of a table: two blanks or more are between them."""
    return re.split(r" {2,}", line)


# --- the embedded catalog, as it is asked ---


def test_the_search_of_the_documents_finds_spot_machines_in_the_united_states() -> None:
    outcome = process("catalog", *SEARCH)
    assert (outcome.code, outcome.err) == (0, "")
    heading, *lines = outcome.out.splitlines()
    assert cells(heading)[:6] == ["cloud", "region", "sku", "gpus", "bought", "an hour"]
    rows = [line for line in lines if not line.startswith(("…", "*"))]
    assert len(rows) > 3
    amounts = []
    for row in rows:
        _, region, _, gpus, bought, hour, gpu_hour, *_ = cells(row)
        count, _, model = gpus.partition(" × ")
        assert int(count) >= 8
        assert model == "H100-80GB"
        assert bought == "spot"
        assert region == "*" or region.startswith("us-")
        amounts.append(D(hour.lstrip("$")))
        assert abs(D(gpu_hour.lstrip("$")) * int(count) - amounts[-1]) < D("0.01")
    assert amounts == sorted(amounts)


def test_all_formats_tell_the_same_rows() -> None:
    rows, table = from_json(*SEARCH), catalog(*SEARCH).out.splitlines()
    cells_of = from_csv(*SEARCH)
    assert len(rows) == len(cells_of)
    for row, cell, line in zip(rows, cells_of, table[1:], strict=False):
        assert list(row) == list(cell) == list(Offer.__struct_fields__)
        assert row["sku"] == cell["sku"]
        assert row["sku"] in line
        assert row["usd_per_hour"] == cell["usd_per_hour"]
        assert isinstance(row["usd_per_hour"], str)
        assert D(str(row["gpu_count"])) == D(cell["gpu_count"])
        assert row["term"] is None
        assert cell["term"] == ""


def test_info_tells_version_coverage_and_holes() -> None:
    outcome = catalog("info")
    with Catalog.open() as opened:
        assert outcome.out.startswith(f"catalog {opened.version}\n")
        assert opened.checksum in outcome.out
        holes = opened.holes()
        clouds = opened.clouds
    assert all(
        any(line.startswith(f"{cloud} ") for line in outcome.out.splitlines()) for cloud in ("aws", "azure", "gcp")
    )
    assert all(sku in outcome.out for _, sku, _ in holes)
    found = from_json("info")
    assert set(found) == {"version", "checksum", "schema", "origin", "rows", "file", "prices", "coverage", "holes"}
    assert set(found["prices"]) <= set(clouds)
    assert {each["cloud"] for each in found["coverage"]} <= set(clouds)
    assert all(each["priced"] + each["ranged"] <= each["offered"] for each in found["coverage"])
    assert len(found["holes"]) == len(holes)


@pytest.mark.parametrize(
    ("sku", "region"),
    [
        pytest.param("p5.48xlarge", "us-east-1", id="AWS"),
        pytest.param("Standard_NC24ads_A100_v4", "West Europe", id="Azure"),
        pytest.param("a3-highgpu-8g", "us-central1-a", id="GCP"),
        pytest.param("gp3", "us-east-1", id="a disk type"),
    ],
)
def test_every_way_to_buy_is_told_with_source_and_date(sku: str, region: str) -> None:
    rows = from_json("price", sku, region)
    assert rows
    for row in rows:
        assert list(row) == list(Quote.__struct_fields__)
        assert row["source"]
        assert re.fullmatch(r"\d{4}(-\d\d){0,2}", row["as_of"])
        assert row["purchase_model"] in PURCHASE_MODELS
        assert row["kind"] in KINDS
        assert row["os"] in OPERATING_SYSTEMS
        assert row["usd"] is None or D(row["usd"]) > 0
        assert row["usd"] is not None or (row["low"] is not None and row["high"] is not None)
    models = [row["purchase_model"] for row in rows if row["os"] == "linux" and row["kind"] == rows[0]["kind"]]
    assert models[0] == "on_demand"
    outcome = catalog("price", sku, region)
    assert outcome.out.startswith(f"{sku}, ")
    assert len(from_csv("price", sku, region)) == len(rows)


def test_the_embedded_catalog_differs_from_itself_in_nothing() -> None:
    assert "no difference" in catalog("diff", "embedded", "embedded").out
    assert from_json("diff", "embedded", "embedded") == {
        "prices": [], "types_added": [], "types_removed": [], "types_changed": [], "doubts": [],
    }  # fmt: skip
    assert from_csv("diff", "embedded", "embedded") == []


# --- what is printed, to the byte ---


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        pytest.param("catalog-info.txt", ("info",), id="info"),
        pytest.param("catalog-search.txt", ("search",), id="search"),
        pytest.param("catalog-search.json", ("search", "--gpu", "L4", "--format", "json"), id="search as JSON"),
        pytest.param("catalog-search.csv", ("search", "--os", "any", "--format", "csv"), id="search as CSV"),
        pytest.param("catalog-price.txt", ("price", "p5.48xlarge", "us-east-1"), id="price"),
        pytest.param("catalog-price-gp3.txt", ("price", "gp3", "us-east-1a"), id="price of a disk type"),
        pytest.param("catalog-price.json", ("price", "g6.xlarge", "us-east-1", "--format", "json"), id="price as JSON"),
    ],
)
def test_a_look_up_prints(
    name: str, arguments: tuple[str, ...], acme: Path, golden: Callable[[str | Path, str], None]
) -> None:
    golden(name, catalog(*arguments, "--catalog", acme).out)


@pytest.fixture
def newer(tmp_path: Path) -> Path:
    """The catalog some time later: a price moved, one came, one went, and one is not to be believed."""
    rows = small.full_rows()
    rows["price"] = [
        row for row in rows["price"] if (row[2], row[3]) not in (("g6.xlarge", "us-east-1"), ("p2.xlarge", "us-east-1"))
    ] + [
        small.price("g6.xlarge", "0.7"),
        small.spot("g6.xlarge", "0.32", span=("0.2", "0.34")),
        small.price("g6.xlarge", "0.9", "eu-west-1", note="=cmd()"),
        small.price("p2.xlarge", "9"),
    ]  # fmt: skip
    rows["instance_type"] = [*rows["instance_type"][1:], small.machine("p6.48xlarge")]
    path = tmp_path / "newer.sqlite"
    write(path, rows)
    return path


@pytest.mark.parametrize("form", ["table", "json", "csv"])
def test_a_difference_prints(form: str, acme: Path, newer: Path, golden: Callable[[str | Path, str], None]) -> None:
    golden(f"catalog-diff.{'txt' if form == 'table' else form}", catalog("diff", acme, newer, "--format", form).out)


def test_doubtful_differences_stand_first_and_then_the_farthest_moves(acme: Path, newer: Path) -> None:
    rows = from_csv("diff", acme, newer)
    assert list(rows[0]) == list(ChangeRow.__struct_fields__)
    assert rows[0]["sku"] == "p2.xlarge"
    assert "3 times" in rows[0]["doubt"]
    moves = [abs(D(row["percent"] or 0)) for row in rows[1:]]
    assert moves == sorted(moves, reverse=True)


# --- options ---


@pytest.mark.parametrize("name", ["H100", "h100-80gb", "H100_80GB", "projects/acme/acceleratorTypes/h100"])
def test_a_gpu_is_asked_for_by_any_of_its_names(name: str, acme: Path) -> None:
    assert {row["gpu_model"] for row in from_json("search", "--gpu", name, "--catalog", acme)} == {"H100-80GB"}


@pytest.mark.parametrize(
    ("options", "count"),
    [
        pytest.param((), 13, id="nothing but current machines on Linux"),
        pytest.param(("--retired",), 14, id="retired ones too"),
        pytest.param(("--os", "any"), 14, id="all operating systems"),
        pytest.param(("--os", "windows"), 1, id="another operating system"),
        pytest.param(("--cloud", "aws", "--cloud", "azure"), 11, id="two clouds"),
        pytest.param(("--model", "spot"), 3, id="one way of buying"),
        pytest.param(("--model", "on-demand", "--model", "reserved"), 10, id="two ways of buying, one with a dash"),
        pytest.param(("--term", "1y"), 2, id="a term"),
        pytest.param(("--sku", "g6.*"), 2, id="a pattern of names"),
        pytest.param(("--region", "us-west-*"), 3, id="a pattern of regions"),
        pytest.param(("--min-gpus", "8"), 8, id="a number of GPUs"),
        pytest.param(("--max-gpus", "1"), 5, id="a small number of GPUs"),
        pytest.param(("--min-gpu-memory", "24"), 10, id="memory"),
    ],
)
def test_an_option_narrows_the_search(options: tuple[str, ...], count: int, acme: Path) -> None:
    with Catalog.open(acme) as opened:
        total = len(list(opened.all_prices((), SEARCHED)))
    assert total > count
    found = from_json("search", "--catalog", acme, *options)
    assert len(found) == count, found


@pytest.mark.parametrize("by", SORTS)
def test_rows_are_sorted(by: Sort, acme: Path) -> None:
    rows = from_json("search", "--catalog", acme, "--os", "any", "--retired", "--sort", by)
    keys: dict[Sort, Callable[[dict[str, Any]], Any]] = {
        "price": lambda row: D(row["usd_per_hour"]),
        "gpu-price": lambda row: D(row["usd_per_gpu_hour"]),
        "sku": lambda row: (row["cloud"], row["sku"]),
        "region": lambda row: row["region"],
        "age": lambda row: row["as_of"],
    }
    found = [keys[by](row) for row in rows]
    assert found == sorted(found)
    assert len(set(map(str, found))) > 1


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        pytest.param((), 15, id="all of a few"),
        pytest.param(("--limit", "3"), 3, id="as many as asked for"),
        pytest.param(("--limit", "15"), 15, id="exactly all"),
        pytest.param(("--limit", "0"), 15, id="all where 0 is asked for"),
        pytest.param(("--limit", "99999999999999999999"), 15, id="all where more are asked for"),
    ],
)
@pytest.mark.parametrize("form", ["table", "json", "csv"])
def test_no_more_rows_are_shown_than(form: str, options: tuple[str, ...], shown: int, acme: Path) -> None:
    arguments: tuple[str | Path, ...] = ("search", "--catalog", acme, "--os", "any", "--retired", *options)
    rows: list[Any]
    if form == "table":
        lines = catalog(*arguments).out.splitlines()[1:]
        rows = [line for line in lines if not line.startswith(("…", "*"))]
        assert (f"… {15 - shown} more rows; --limit 0 shows all" in lines) == (shown < 15)
    else:
        rows = from_json(*arguments) if form == "json" else from_csv(*arguments)
    assert len(rows) == shown


def test_a_table_of_many_rows_ends_after_thirty_and_json_does_not(tmp_path: Path) -> None:
    prices = [small.price("p5.48xlarge", str(number), f"us-east-{number}") for number in range(1, 41)]
    path = small.catalog_file(tmp_path, prices)
    lines = catalog("search", "--catalog", path).out.splitlines()
    assert len(lines) == 1 + 30 + 1
    assert lines[-1] == "… 10 more rows; --limit 0 shows all"
    assert len(from_json("search", "--catalog", path)) == 40
    assert len(from_csv("search", "--catalog", path)) == 40


@pytest.mark.parametrize("form", ["table", "json", "csv"])
def test_a_difference_shows_as_many_rows_as_asked_for(form: str, acme: Path, newer: Path) -> None:
    whole = len(from_csv("diff", acme, newer))
    assert whole > 2
    if form == "table":
        text = catalog("diff", acme, newer, "--limit", "2").out
        assert text.endswith(f"… {whole - 2} more rows\n")
        assert "more row" not in catalog("diff", acme, newer, "--limit", "0").out
    elif form == "json":
        assert len(from_json("diff", acme, newer, "--limit", "2")["prices"]) == 2
    else:
        assert len(from_csv("diff", acme, newer, "--limit", "2")) == 2


def test_a_search_that_finds_nothing_says_so(acme: Path) -> None:
    arguments = ("search", "--catalog", acme, "--min-gpus", "999")
    assert catalog(*arguments).out == "nothing in the catalog fits\n"
    assert from_json(*arguments) == []
    assert catalog(*arguments, "--format", "csv").out == ",".join(Offer.__struct_fields__) + "\r\n"


def test_one_price_for_all_regions_is_told_as_such(acme: Path) -> None:
    note = "* one price for all regions; which of them have the machine is not known\n"
    assert catalog("search", "--catalog", acme, "--cloud", "lambda").out.endswith(note)
    assert note not in catalog("search", "--catalog", acme, "--cloud", "aws").out


# --- errors ---

WRONG: dict[str, tuple[tuple[str, ...], str, str]] = {
    "no command": ((), "needs a command: info, search", "gpuguard catalog --help"),
    "a command that does not exist": (("find",), "find", "gpuguard catalog --help"),
    "an abbreviated command": (("ver",), "ver", "gpuguard catalog --help"),
    "an abbreviated option": (("search", "--reg", "us-*"), "--reg", "--help"),
    "an unknown format": (("search", "--format", "markdown"), "markdown", "gpuguard catalog search --help"),
    "a format that info lacks": (("info", "--format", "csv"), "csv", "gpuguard catalog info --help"),
    "a misspelt GPU": (("search", "--gpu", "H1000"), "no accelerator of that name", "did you mean H100"),
    "a GPU unlike any": (("search", "--gpu", "abacus"), "no accelerator of that name", "H100"),
    "no GPU": (("search", "--gpu", ""), "no accelerator of that name", "known: "),
    "an endless GPU": (("search", "--gpu", "x" * 9999), "no accelerator of that name", "known: "),
    "a misspelt cloud": (("search", "--cloud", "azrue"), "--cloud 'azrue' is unknown", "aws, azure"),
    "a cloud by another name": (("search", "--cloud", "google"), "--cloud 'google' is unknown", "gcp"),
    "a misspelt way of buying": (("search", "--model", "sport"), "--model 'sport' is unknown", "on_demand, spot"),
    "an unknown operating system": (("search", "--os", "multics"), "--os 'multics' is unknown", "linux, windows"),
    "an unknown term": (("search", "--term", "2y"), "2y", "--help"),
    "an unknown order": (("search", "--sort", "beauty"), "beauty", "--help"),
    "fewer GPUs than none": (("search", "--min-gpus", "-1"), "--min-gpus", "--help"),
    "a number in words": (("search", "--min-gpus", "many"), "expected a number of 0 or more, not 'many'", "--help"),
    "a number that is none": (("search", "--max-gpus", "nan"), "expected a number of 0 or more", "--help"),
    "infinitely many": (("search", "--min-gpu-memory", "inf"), "expected a number of 0 or more", "--help"),
    "fewer rows than none": (("search", "--limit", "-1"), "--limit takes a number of rows", ""),
    "parts of a row": (("search", "--limit", "1.5"), "1.5", "--help"),
    "control characters": (("search", "--cloud", "\x1b[31m"), "\\x1b[31m", "aws"),
    "no SKU": (("price",), "SKU", "--help"),
    "no region": (("price", "p5.48xlarge"), "REGION", "--help"),
    "a misspelt SKU": (("price", "p5.48xlarg", "us-east-1"), "no SKU 'p5.48xlarg'", "p5.48xlarge"),
    "a misspelt region": (("price", "p5.48xlarge", "us-east1"), "no region 'us-east1'", "did you mean us-east-1"),
    "an endless SKU": (("price", "x" * 9999, "us-east-1"), "the catalog knows no SKU", ""),
    "one catalog to compare": (("diff", "embedded"), "NEW", "--help"),
    "a catalog that is missing": (("diff", "embedded", "none.sqlite"), "none.sqlite", "gpuguard"),
    "fewer differences than none": (("diff", "embedded", "embedded", "--limit", "-1"), "--limit takes", ""),
    "a missing catalog": (("info", "--catalog", "none.sqlite"), "none.sqlite", "leave out --catalog"),
    "a missing configuration": (("info", "--config", "none.yml"), "none.yml", "path"),
    "a catalog to verify that is missing": (("verify", "none.sqlite"), "none.sqlite", "came with gpuguard"),
    "two catalogs to verify": (("verify", "a", "b"), "b", "--help"),
}


@pytest.mark.parametrize(("arguments", "message", "hint"), WRONG.values(), ids=WRONG)
def test_a_wrong_command_line_is_one_error_and_the_way_out(arguments: tuple[str, ...], message: str, hint: str) -> None:
    outcome = gpuguard("catalog", *arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert len(outcome.errors) == 1, outcome.err
    assert message in outcome.errors[0]
    hints = [line for line in outcome.err.splitlines() if line.startswith("hint: ")]
    assert hint in "".join(hints)
    assert bool(hints) == bool(hint)
    assert len(outcome.err) < 12_000
    assert all(char.isprintable() for char in outcome.err if char != "\n")


@pytest.mark.parametrize("command", ["info", "search", "price", "verify", "diff", "refresh"])
def test_every_command_has_help(command: str) -> None:
    outcome = gpuguard("catalog", command, "--help")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith(f"usage: gpuguard catalog {command}")
    assert command in gpuguard("catalog", "--help").out


# --- a catalog that strangers made ---

NASTY = "\x1b[31m\u202e=cmd()\n\x9b"


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A catalog whose every free text acts on a terminal."""
    rows = small.full_rows()
    rows["price"] = [(*row[:14], NASTY) for row in rows["price"]]
    rows["source"] = [(row[0], row[1], NASTY) for row in rows["source"]]
    rows["region"] = [(*row[:2], NASTY, *row[3:]) for row in rows["region"]]
    rows["hole"] = [("aws", "g6.xlarge", NASTY)]
    rows["interruption"] = [("us-east-1", "p5.48xlarge", "linux", NASTY)]
    rows["price"].append(small.price(f"p9{NASTY}", "1", f"us{NASTY}"))
    rows["instance_type"].append(small.machine(f"p9{NASTY}"))
    path = tmp_path / "hostile.sqlite"
    write(path, rows)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE meta SET value = ? WHERE name = 'version'", (f"2026-01-01{NASTY}",))
    return path


@pytest.mark.parametrize(
    "arguments",
    [
        ("info",),
        ("info", "--format", "json"),
        ("search",),
        ("search", "--format", "json"),
        ("search", "--format", "csv"),
        ("price", "p5.48xlarge", "us-east-1"),
        ("price", "p5.48xlarge", "us-east-1", "--format", "json"),
        ("price", "p5.48xlarge", "us-east-1", "--format", "csv"),
    ],
)
def test_nothing_a_catalog_holds_acts_on_a_terminal(arguments: tuple[str, ...], hostile: Path) -> None:
    out = catalog(*arguments, "--catalog", hostile).out
    assert "31m" in out
    assert all(char.isprintable() or char in "\r\n" for char in out)


@pytest.mark.parametrize("form", ["table", "json", "csv"])
def test_nothing_two_catalogs_differ_in_acts_on_a_terminal(form: str, acme: Path, hostile: Path) -> None:
    for pair in ((acme, hostile), (hostile, acme)):
        out = catalog("diff", *pair, "--format", form).out
        assert "31m" in out
        assert all(char.isprintable() or char in "\r\n" for char in out)


def test_no_cell_of_a_hostile_catalog_is_a_formula(hostile: Path) -> None:
    with closing(sqlite3.connect(hostile)) as connection, connection:
        connection.execute("UPDATE price SET note = '=1+1'")
    for row in from_csv("search", "--catalog", hostile):
        assert row["note"] == "'=1+1"


# --- processes ---


@pytest.mark.parametrize(
    "arguments",
    [
        ("catalog", "info"),
        ("catalog", *SEARCH),
        ("catalog", "price", "p5.48xlarge", "us-east-1"),
        ("catalog", "verify"),
        ("catalog", "diff", "embedded", "embedded"),
    ],
)
def test_a_look_up_needs_neither_network_nor_models_of_files(arguments: tuple[str, ...]) -> None:
    modules = imported(*arguments)
    assert not modules & {"httpx", "rich", "filelock", "pydantic", "yaml", "jinja2", "botocore", "platformdirs"}
    assert not any(name.startswith("gpuguard.price.sources") for name in modules)
    assert "gpuguard.price.refresh" not in modules


@pytest.mark.parametrize("arguments", [("--help",), ("catalog", "--help"), ("catalog", "search", "--help")])
def test_help_opens_no_catalog(arguments: tuple[str, ...]) -> None:
    modules = imported(*arguments)
    assert not modules & {"sqlite3", "csv", "httpx", "pydantic", "yaml", "gpuguard.price.catalog", "gpuguard.config"}
    assert {name for name in modules if name.startswith("gpuguard.cli.catalog.")} == set()


def test_a_check_imports_nothing_of_the_catalog_s_own_commands() -> None:
    modules = imported("check", str(DEMO))
    unwanted = {"store", "search", "quote", "coverage", "compare", "pinned", "refresh", "work"}
    assert not modules & {f"gpuguard.price.{name}" for name in unwanted}
    assert not modules & {"gpuguard.config.models", "gpuguard.report.grid", "platformdirs", "filelock", "httpx"}


@pytest.mark.parametrize(
    "arguments",
    [
        "catalog info",
        "catalog search --limit 0",
        "catalog search --format json",
        "catalog search --format csv",
        "catalog price p5.48xlarge us-east-1",
        "catalog verify",
    ],
)
def test_a_reader_that_goes_away_is_no_error(arguments: str) -> None:
    done = shell(f"set -o pipefail; $GPUGUARD {arguments} | head -c 1")
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("arguments", ["catalog info", "catalog search", "catalog verify"])
def test_an_output_that_cannot_be_written_is_an_error(arguments: str) -> None:
    closed, full = shell(f"$GPUGUARD {arguments} >&-"), shell(f"$GPUGUARD {arguments} >/dev/full")
    assert (closed.returncode, full.returncode) == (2, 2)
    assert closed.stderr.startswith(b"error: standard output is closed")
    assert full.stderr.startswith(b"error: standard output: cannot be written")


@pytest.mark.parametrize("form", ["table", "json", "csv"])
def test_an_output_that_cannot_show_a_character_gets_its_escape(form: str, acme: Path) -> None:
    outcome = process("catalog", "search", "--catalog", acme, "--format", form, env={"PYTHONIOENCODING": "ascii"})
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.isascii()


def test_the_same_question_has_the_same_answer(acme: Path) -> None:
    for arguments in (("info",), ("search", "--format", "csv"), ("price", "p5.48xlarge", "us-east-1")):
        assert len({catalog(*arguments, "--catalog", acme).out for _ in range(2)}) == 1


# --- gpuguard.yml, from the file to the report ---


def config_file(folder: Path, *overrides: str, more: str = "") -> Path:
    path = folder / "gpuguard.yml"
    listed = "".join(f"    - {{{each}}}\n" for each in overrides)
    path.write_text(f"version: 1\ncatalog:\n{more}" + (f"  overrides:\n{listed}" if listed else ""))
    return path


def checked(*arguments: str | Path, input: Path = DEMO) -> dict[str, Any]:
    outcome = gpuguard("check", input, "--format", "json", "--fail-on", "never", *arguments)
    assert (outcome.code, outcome.err) == (0, ""), outcome
    return outcome.report


def after(report: dict[str, Any], address: str) -> dict[str, Any]:
    (found,) = [each for each in report["resources"] if each["address"] == address]
    state: dict[str, Any] = found["after"]
    return state


TRAINER, NOTEBOOK, POOL = "module.train.aws_instance.node[0]", "aws_instance.notebook", "aws_eks_node_group.infer"


def test_a_discount_changes_what_is_paid_and_not_the_list_price(tmp_path: Path) -> None:
    config = config_file(tmp_path, 'cloud: aws, sku: "p5.*", discount_percent: 12.5, note: agreement of 2026')
    plain, under = checked(), checked("--config", config)
    was, now = after(plain, TRAINER), after(under, TRAINER)
    machine, disk = was["components"]
    assert now["components"][1:] == [disk]
    paid = now["components"][0]
    assert D(paid["unit_price"]) == D(machine["unit_price"]) * D("0.875")
    assert paid["list_unit_price"] == machine["list_unit_price"] == machine["unit_price"]
    assert paid["source"].endswith("; 12.5 % off by gpuguard.yml:4 (agreement of 2026)")
    assert D(now["monthly"]["expected"]) == D(was["monthly"]["expected"]) - D(machine["monthly"]) / 8
    assert now["list_monthly"] == was["list_monthly"] == was["monthly"]
    assert after(under, NOTEBOOK) == after(plain, NOTEBOOK), "other machines cost what they did"
    assert under["summary"]["list_monthly_after"] == plain["summary"]["list_monthly_after"]
    assert D(plain["summary"]["monthly_after"]) - D(under["summary"]["monthly_after"]) == D(machine["monthly"]) / 8
    assert str(tmp_path) not in json.dumps(under), "a report is the same in every checkout"


def test_an_agreed_price_is_what_a_month_is_made_of(tmp_path: Path) -> None:
    config = config_file(tmp_path, "cloud: aws, sku: p5.48xlarge, region: us-east-1, price: 41.50, as_of: 2026-10-01")
    plain, under = checked(), checked("--config", config)
    paid = after(under, TRAINER)["components"][0]
    assert D(paid["unit_price"]) == D("41.5")
    assert D(paid["monthly"]) == D("41.5") * 730
    assert paid["list_monthly"] == after(plain, TRAINER)["components"][0]["list_monthly"]
    assert (paid["source"], paid["as_of"]) == ("gpuguard.yml:4", "2026-10-01")


def test_the_last_override_that_matches_counts(tmp_path: Path) -> None:
    config = config_file(
        tmp_path,
        "cloud: aws, sku: p5.48xlarge, price: 1, as_of: 2026-10-01",
        'cloud: aws, sku: "*", discount_percent: 50',
    )
    plain, under = checked(), checked("--config", config)
    for address in (TRAINER, NOTEBOOK):
        was, now = (after(each, address)["components"][0] for each in (plain, under))
        assert D(now["unit_price"]) * 2 == D(was["unit_price"])


def test_a_discount_on_spot_keeps_its_range(tmp_path: Path) -> None:
    config = config_file(tmp_path, 'cloud: aws, sku: "g6.*", purchase_models: [spot], discount_percent: 10')
    was, now = (after(each, POOL)["components"][0] for each in (checked(), checked("--config", config)))
    assert D(now["unit_price"]) == D(was["unit_price"]) * D("0.9")
    assert [D(each) for each in now["unit_price_range"]] == [D(each) * D("0.9") for each in was["unit_price_range"]]
    assert now["list_unit_price"] == was["list_unit_price"]


@pytest.mark.parametrize(
    ("override", "paid"),
    [
        pytest.param("discount_percent: 10", "20", id="a discount does not lower the bid"),
        pytest.param("price: 60, as_of: 2026-10-01", "20", id="an agreed price is not above the bid"),
        pytest.param("price: 11, as_of: 2026-10-01", "11", id="an agreed price below the bid is what it is"),
    ],
)
def test_spot_under_a_bid(override: str, paid: str, tmp_path: Path, acme: Path) -> None:
    """The dearest zone of the small catalog asks 24; the machine may cost 20."""
    options = {"market_type": "spot", "spot_options": [{"max_price": "20"}]}
    target = tmp_path / "plan.json"
    target.write_bytes(written(plan(instance(machine="p5.48xlarge", after={"instance_market_options": [options]}))))
    config = config_file(tmp_path, f"cloud: aws, sku: p5.48xlarge, purchase_models: [spot], {override}")
    report = checked("--config", config, "--catalog", acme, input=target)
    component = after(report, "aws_instance.gpu")["components"][0]
    assert component["description"] == "p5.48xlarge, spot"
    assert D(component["unit_price"]) == D(paid)
    assert D(component["list_unit_price"]) == 20


def test_a_machine_the_catalog_lacks_is_priced_as_the_configuration_says(tmp_path: Path) -> None:
    target = tmp_path / "plan.json"
    target.write_bytes(written(plan(instance(machine="acme9.48xlarge"), instance("other", "acme1.large"))))
    assert checked(input=target)["resources"] == [], "no machine of that name is known to have a GPU"
    config = config_file(
        tmp_path, "cloud: aws, sku: acme9.48xlarge, price: 77, as_of: 2026-10-01, gpu_model: h100, gpu_count: 8"
    )
    report = checked("--config", config, input=target)
    assert [each["address"] for each in report["resources"]] == ["aws_instance.gpu"]
    state = after(report, "aws_instance.gpu")
    (machines,) = state["pools"]
    assert machines["gpu"] == {"model": "H100-80GB", "per_unit": 8, "memory_gib": 80}
    assert state["gpus"]["expected"] == 8
    assert D(state["monthly"]["expected"]) == D(state["list_monthly"]["expected"]) == D(77) * 730
    assert report["summary"]["unpriced"] == 0


@pytest.mark.parametrize(
    ("os", "changed"),
    [
        pytest.param("", False, id="a price for Linux is not that of Windows"),
        pytest.param(", os: windows", True, id="a price for Windows is"),
    ],
)
def test_windows(os: str, changed: bool, tmp_path: Path) -> None:
    target, address = ROOT / "fixtures" / "aws-windows-spot" / "plan.json", "aws_instance.workstation"
    config = config_file(tmp_path, f"cloud: aws, sku: g5.2xlarge, price: 0.01, as_of: 2026-10-01{os}")
    was, now = (after(each, address) for each in (checked(input=target), checked("--config", config, input=target)))
    assert any("Windows" in each["description"] for each in was["components"])
    assert (was["monthly"] != now["monthly"]) is changed


STALE = "stale-price"


def stale(report: dict[str, Any]) -> list[str]:
    return [each["message"] for each in report["diagnostics"] if each["code"] == STALE]


@pytest.mark.parametrize(
    ("ages", "days", "warned"),
    [
        pytest.param("", 60, [], id="not after sixty days"),
        pytest.param("", 61, ["spot"], id="after sixty-one days of a spot price"),
        pytest.param("  max_age_days: {spot: 61}\n", 61, [], id="later where it is told so"),
        pytest.param("  max_age_days: {spot: 1}\n", 2, ["spot"], id="sooner where it is told so"),
        pytest.param("  max_age_days: {spot: 100, list: 30}\n", 61, ["list"], id="of a list price, sooner"),
        pytest.param("  max_age_days: {list: 9999, spot: 9999}\n", 4000, [], id="never, or nearly"),
    ],
)
def test_a_price_is_warned_of(
    ages: str, days: int, warned: list[str], tmp_path: Path, acme: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list price is two weeks older than the spot price."""
    today = datetime(2026, 7, 15, tzinfo=UTC) + timedelta(days=days)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(int(today.timestamp())))
    target = tmp_path / "plan.json"
    spot = {"instance_market_options": [{"market_type": "spot"}]}
    target.write_bytes(written(plan(instance("a", "g6.xlarge"), instance("b", "g6.xlarge", after=spot))))
    config = config_file(tmp_path, more=ages or "  max_age_days: {}\n")
    found = stale(checked("--config", config, "--catalog", acme, input=target))
    assert [message.split()[3] for message in found] == warned


def test_one_day_is_told_as_one(tmp_path: Path, acme: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1790000000")
    target = tmp_path / "plan.json"
    target.write_bytes(written(plan(instance(machine="g6.xlarge"))))
    config = config_file(tmp_path, more="  max_age_days: {list: 1}\n")
    (message,) = stale(checked("--config", config, "--catalog", acme, input=target))
    assert message == "the oldest aws list price used is of 2026-07-01, more than 1 day ago"


def test_the_configuration_beside_the_plan_is_found_by_check_diff_and_explain(tmp_path: Path, acme: Path) -> None:
    target = tmp_path / "plan.json"
    target.write_bytes(written(plan(instance(machine="p5.48xlarge"))))
    config_file(tmp_path, "cloud: aws, sku: p5.48xlarge, price: 41, as_of: 2026-10-01")
    common = ("--catalog", acme)
    assert D(checked(*common, input=target)["summary"]["monthly_after"]) == D(41) * 730
    explained = gpuguard("explain", target, "aws_instance.gpu", *common)
    assert explained.code == 0
    assert "730 hour × $41.00 = $29,930.00" in explained.out
    assert "gpuguard.yml:4" in explained.out
    empty = tmp_path / "empty.json"
    empty.write_bytes(written(plan()))
    outcome = gpuguard("diff", empty, target, "--format", "json", "--fail-on", "never", *common)
    assert D(outcome.report["summary"]["monthly_delta"]) == D(41) * 730


def test_the_configuration_of_the_current_repository_is_that_of_a_look_up(
    tmp_path: Path, acme: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = config_file(tmp_path, "cloud: aws, sku: p5.48xlarge, price: 41, as_of: 2026-10-01")
    arguments = ("price", "p5.48xlarge", "us-east-1", "--catalog", acme)
    assert from_json(*arguments)[0]["usd"] == "50"
    assert from_json(*arguments, "--config", config)[0]["usd"] == "41"
    monkeypatch.chdir(tmp_path)
    row = from_json(*arguments)[0]
    assert (row["usd"], row["list_usd"], row["source"]) == ("41", "50", "gpuguard.yml:4")
    text = catalog(*arguments).out
    assert "$41.00" in text
    assert "$50.00" in text


def test_a_cloud_nobody_knows_ends_check_and_look_ups_with_its_place(tmp_path: Path) -> None:
    config = config_file(tmp_path, "cloud: asw, sku: p5.48xlarge, discount_percent: 5")
    for arguments in (("check", DEMO), ("catalog", "search"), ("catalog", "info")):
        outcome = gpuguard(*arguments, "--config", config)
        assert (outcome.code, outcome.out) == (2, "")
        assert outcome.errors == [f"error: {config}:4:7: the catalog has no cloud 'asw'; did you mean `aws`?"]


def test_a_mistake_in_the_configuration_ends_a_check_before_anything_is_read(tmp_path: Path) -> None:
    config = config_file(tmp_path, "cloud: aws, sku: p5.48xlarge, discount: 5")
    outcome = gpuguard("check", tmp_path / "none.json", "--config", config)
    assert outcome.code == 2
    assert outcome.errors == [
        f"error: {config}:4:38: the configuration has no key 'discount'; did you mean `discount_percent`?"
    ]
