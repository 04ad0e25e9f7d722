"""Catalog files: what a manifest says, and everything that can be wrong with a file that somebody hands in."""

import hashlib
import json
import os
import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gpuguard.errors import CatalogError
from gpuguard.price import catalog as catalog_module
from gpuguard.price.catalog import EMBEDDED, Catalog
from gpuguard.price.schema import COLUMNS, KEYS, TABLES, Row
from gpuguard.price.store import content_checksum, manifest_of, problems, read_manifest, read_rows, write
from tests.hostile.plans import instance, plan, written
from tests.hostile.run import Outcome, gpuguard
from tests.price import small

EMBEDDED_SUGGESTED = "the catalog that came with gpuguard"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalog with rows in every table."""
    path = tmp_path_factory.mktemp("store") / "whole.sqlite"
    write(path, small.full_rows())
    return path


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Path:
    """A copy of it to be damaged."""
    path = tmp_path / "given.sqlite"
    path.write_bytes(whole.read_bytes())
    return path


def assert_refused(outcome: Outcome, path: Path) -> None:
    """Exit 2 and one error that names the file and the way out, and nothing on standard output."""
    assert outcome.code == 2, outcome
    assert outcome.out == ""
    assert len(outcome.errors) == 1, outcome.err
    assert str(path) in outcome.errors[0]
    assert all(line.startswith(("error: ", "hint: ", "  ")) for line in outcome.err.splitlines())
    assert outcome.err.splitlines()[-1].startswith("hint: "), outcome.err


def assert_verify_refuses(path: Path, *words: str) -> None:
    outcome = gpuguard("catalog", "verify", path)
    assert_refused(outcome, path)
    assert EMBEDDED_SUGGESTED in outcome.err
    for word in words:
        assert word in outcome.err


def sql(path: Path, *statements: str, **names: str) -> None:
    """Run SQL on a file; `names` stand where it says ``:name``, also for tables and columns."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            for name, text in names.items():
                statement = statement.replace(f":{name}", text)
            connection.execute(statement)


def at_random(seed: int) -> random.Random:
    """The same bytes are damaged in every run."""
    return random.Random(seed)  # noqa: S311 - no secret


# --- what is written ---


def test_a_catalog_gives_back_the_rows_it_was_written_from(whole: Path) -> None:
    with Catalog.open(whole) as catalog:
        found = catalog.rows()
    assert {table: sorted(rows, key=repr) for table, rows in found.items()} == {
        table: sorted(rows, key=repr) for table, rows in small.full_rows().items()
    }
    assert all(found.values()), "a table without rows is not tested"


def test_the_manifest_counts_rows_and_tells_ages_by_cloud_and_model(whole: Path) -> None:
    with Catalog.open(whole) as catalog:
        manifest = catalog.manifest
    assert manifest["rows"] == {table: len(rows) for table, rows in small.full_rows().items()}
    assert manifest["origin"] == "tables"
    assert manifest["version"].startswith("2026-07-15+")
    assert manifest["checksum"].startswith(f"sha256:{manifest['version'][-8:]}")
    assert manifest["prices"]["aws"]["spot"] == {
        "prices": 3, "skus": 2, "regions": 2, "oldest": "2026-07-15", "newest": "2026-07-15",
    }  # fmt: skip
    assert manifest["prices"]["aws"]["on_demand"]["oldest"] == "2025"
    assert manifest["prices"]["lambda"]["on_demand"]["regions"] == 1


def test_a_price_of_two_sources_is_as_old_as_the_older() -> None:
    rows = small.rows(prices=[small.price("g6.xlarge", "1", source=f"{small.LIST} {small.OLD}")])
    assert manifest_of(rows, "tables")["prices"]["aws"]["on_demand"]["newest"] == "2025"


def test_the_origin_of_a_refreshed_catalog_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite"
    write(path, small.rows(), "2026-10-24+1a2b3c4d")
    with Catalog.open(path) as catalog:
        assert catalog.origin == "2026-10-24+1a2b3c4d"
        assert catalog.problems() == []


def test_whole_numbers_from_a_price_api_do_not_spoil_the_checksum(tmp_path: Path) -> None:
    """SQLite gives 8 in a column of reals back as 8.0."""
    whole_numbers = tuple(8 if value == 8.0 else value for value in small.machine("g6.4xlarge", "L4", vcpus=8))
    path = small.catalog_file(tmp_path, types=[whole_numbers])
    with Catalog.open(path) as catalog:
        assert catalog.problems() == []


def test_the_same_rows_in_another_order_are_the_same_bytes(tmp_path: Path) -> None:
    rows = small.full_rows()
    first, second = tmp_path / "a.sqlite", tmp_path / "b.sqlite"
    write(first, rows)
    write(second, {table: rows[table][::-1] for table in reversed(TABLES)})
    assert first.read_bytes() == second.read_bytes()


@given(seed=st.randoms(use_true_random=False))
def test_the_checksum_does_not_depend_on_the_order_of_rows(seed: random.Random) -> None:
    rows = small.full_rows()
    expected = content_checksum(rows)
    for table in rows.values():
        seed.shuffle(table)
    assert content_checksum(rows) == expected


@given(data=st.data(), text=st.text(st.characters(categories=("L", "N", "P", "S")), max_size=20))
def test_the_checksum_changes_with_any_cell(data: st.DataObject, text: str) -> None:
    rows = small.full_rows()
    before = content_checksum(rows)
    table = data.draw(st.sampled_from(TABLES))
    number = data.draw(st.integers(0, len(rows[table]) - 1))
    place = data.draw(st.integers(0, len(COLUMNS[table]) - 1))
    old = rows[table][number]
    rows[table][number] = (*old[:place], f"~{text}", *old[place + 1 :])
    assert content_checksum(rows) != before


def test_a_catalog_that_cannot_be_written_leaves_the_old_one_and_nothing_else(copy: Path) -> None:
    before = copy.read_bytes()
    twice = small.rows(prices=[small.price("g6.xlarge", "1"), small.price("g6.xlarge", "2")])
    with pytest.raises(sqlite3.IntegrityError):
        write(copy, twice)
    assert copy.read_bytes() == before
    assert [each.name for each in copy.parent.iterdir()] == [copy.name]


def test_a_new_catalog_replaces_the_old_one_for_those_who_open_it_later(copy: Path) -> None:
    with Catalog.open(copy) as old:
        write(copy, small.rows(prices=[small.price("g6.xlarge", "7")]))
        assert len(old.rows()["price"]) == len(small.PRICES)
    with Catalog.open(copy) as new:
        assert len(new.rows()["price"]) == 1


# --- what is sound ---


def test_a_sound_catalog_is_verified(whole: Path) -> None:
    outcome = gpuguard("catalog", "verify", whole)
    count = sum(map(len, small.full_rows().values()))
    digest = hashlib.sha256(whole.read_bytes()).hexdigest()
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == (
        f"ok: catalog {manifest_of(small.full_rows(), '')['version']}, {count} rows as its manifest says\n"
        f"rows  sha256:{content_checksum(small.full_rows())}\nfile  sha256:{digest}\n"
    )


def test_the_embedded_catalog_is_verified_where_no_file_is_named() -> None:
    outcome = gpuguard("catalog", "verify")
    assert (outcome.code, outcome.err) == (0, "")
    with Catalog.open() as catalog:
        assert catalog.checksum in outcome.out


def test_verifying_changes_nothing_in_the_file_and_leaves_nothing_beside_it(copy: Path) -> None:
    before = (copy.read_bytes(), copy.stat().st_mtime_ns)
    copy.chmod(0o444)
    assert gpuguard("catalog", "verify", copy).code == 0
    assert (copy.read_bytes(), copy.stat().st_mtime_ns) == before
    assert [each.name for each in copy.parent.iterdir()] == [copy.name]


# --- tampering ---


@pytest.mark.parametrize("table", TABLES)
def test_a_row_that_is_gone_is_found_in(table: str, copy: Path) -> None:
    key = KEYS[table][0]
    sql(copy, "DELETE FROM :table WHERE :key = (SELECT min(:key) FROM :table)", table=table, key=key)
    assert_verify_refuses(copy, "" if table == "source" else f"table {table} has ")


@pytest.mark.parametrize("table", TABLES)
def test_a_row_that_is_too_many_is_found_in(table: str, copy: Path) -> None:
    others = ", ".join(COLUMNS[table][1:])
    sql(copy, "INSERT INTO :table SELECT 'acme', :others FROM :table LIMIT 1", table=table, others=others)
    assert_verify_refuses(copy, f"table {table} has ", "the checksum of the rows")


@pytest.mark.parametrize("table", TABLES)
def test_a_changed_name_is_found_in(table: str, copy: Path) -> None:
    """The first column is text in every table."""
    sql(copy, "UPDATE :table SET :column = :column || 'x'", table=table, column=COLUMNS[table][0])
    assert_verify_refuses(copy)


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        pytest.param("price", "usd", "'49.99'", id="a price"),
        pytest.param("price", "low", "'1'", id="the low end of a range"),
        pytest.param("price", "high", "NULL", id="the high end of a range that is taken away"),
        pytest.param("price", "upfront", "'1'", id="an upfront payment"),
        pytest.param("price", "note", "'checked'", id="a note"),
        pytest.param("price", "source", f"'{small.OLD}'", id="the source of a price"),
        pytest.param("source", "as_of", "'2026-11-01'", id="the day of a source"),
        pytest.param("source", "title", "'another'", id="the title of a source"),
        pytest.param("instance_type", "gpu_count", "gpu_count + 1", id="a number of GPUs"),
        pytest.param("instance_type", "gpu_model", "'L4'", id="a GPU model"),
        pytest.param("instance_type", "status", "'retired'", id="the status of a machine type"),
        pytest.param("discount", "high_percent", "'99'", id="a discount"),
        pytest.param("performance_pair", "ratio", "9.5", id="a measured ratio"),
        pytest.param("interruption", "band", "'>20%'", id="a band of interruptions"),
        pytest.param("hole", "reason", "''", id="the reason of a hole"),
        pytest.param("region", "utc_offset", "'+00:00'", id="the time of a region"),
    ],
)
def test_a_changed_cell_is_found(table: str, column: str, value: str, copy: Path) -> None:
    sql(copy, "UPDATE :table SET :column = :value", table=table, column=column, value=value)
    assert_verify_refuses(copy, "the checksum of the rows")


def edit_manifest(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        manifest = read_manifest(connection)
        change(manifest)
        connection.execute("UPDATE meta SET value = ? WHERE name = 'manifest'", (json.dumps(manifest),))


@pytest.mark.parametrize(
    ("change", "word"),
    [
        pytest.param(lambda m: m.update(version="2026-12-01+00000000"), "the version of the rows", id="its version"),
        pytest.param(lambda m: m.update(version="new"), "unreadable", id="a version that is none"),
        pytest.param(lambda m: m.update(checksum="sha256:" + "0" * 64), "the checksum of the rows", id="its checksum"),
        pytest.param(lambda m: m.update(checksum="\x1b[31m"), "unreadable", id="a checksum that is none"),
        pytest.param(lambda m: m.update(schema=99), "the schema of the rows", id="its schema"),
        pytest.param(lambda m: m.update(origin="\x1b[31m"), "unreadable", id="an origin that is none"),
        pytest.param(lambda m: m.update(origin=[]), "unreadable", id="a list for its origin"),
        pytest.param(lambda m: m["rows"].update(price=3), "the manifest says 3", id="a number of rows"),
        pytest.param(lambda m: m["rows"].update(price="many"), "unreadable", id="a number of rows in words"),
        pytest.param(lambda m: m["rows"].update(price=True), "unreadable", id="a number of rows that is true"),
        pytest.param(lambda m: m["rows"].update(extra="\x1b[31m"), "unreadable", id="rows of a table nobody knows"),
        pytest.param(lambda m: m["rows"].pop("hole"), "unreadable", id="a table left out"),
        pytest.param(lambda m: m.update(rows=[]), "unreadable", id="a list for the rows"),
        pytest.param(lambda m: m["prices"].pop("aws"), "other ages or numbers", id="a cloud left out"),
        pytest.param(
            lambda m: m["prices"]["aws"]["spot"].update(oldest="2026-11-01"), "other ages or numbers", id="an age"
        ),
        pytest.param(
            lambda m: m["prices"]["aws"]["spot"].update(oldest="yesterday"), "unreadable", id="an age that is no day"
        ),
        pytest.param(lambda m: m["prices"].update(aws=[1]), "unreadable", id="a list for the prices of a cloud"),
        pytest.param(lambda m: m.clear(), "unreadable", id="everything"),
    ],
)
def test_an_edited_manifest_is_found(change: Callable[[dict[str, Any]], object], word: str, copy: Path) -> None:
    edit_manifest(copy, change)
    assert_verify_refuses(copy, word)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("''", id="empty"),
        pytest.param("'{'", id="cut"),
        pytest.param("'[]'", id="a list"),
        pytest.param("'null'", id="null"),
        pytest.param("7", id="a number"),
        pytest.param("x'ff00'", id="bytes"),
        pytest.param(f"'{'[' * 50_000}'", id="nested"),
        pytest.param(f"""'{{"rows": {"1" * 5000}}}'""", id="an endless number"),
    ],
)
@pytest.mark.parametrize("command", ["verify", "info"])
def test_a_manifest_that_is_no_manifest_is_refused(command: str, value: str, copy: Path) -> None:
    sql(copy, "UPDATE meta SET value = :value WHERE name = 'manifest'", value=value)
    arguments = ("verify", copy) if command == "verify" else ("info", "--catalog", copy)
    outcome = gpuguard("catalog", *arguments)
    assert_refused(outcome, copy)
    assert "its manifest is missing or unreadable" in outcome.err
    assert EMBEDDED_SUGGESTED in outcome.err


@pytest.mark.parametrize("name", ["version", "checksum"])
def test_a_header_that_is_not_the_manifest_s_is_found(name: str, copy: Path) -> None:
    sql(copy, "UPDATE meta SET value = '2026-12-01+00000000' WHERE name = ':name'", name=name)
    assert_verify_refuses(copy, f"{name} in the header")


@pytest.mark.parametrize(
    "statements",
    [
        pytest.param(("DROP TABLE hole",), id="a table is dropped"),
        pytest.param(("CREATE TABLE more (x)",), id="a table is added"),
        pytest.param(("DROP INDEX price_by_region",), id="an index is dropped"),
        pytest.param(("ALTER TABLE price RENAME COLUMN usd TO eur",), id="a column has another name"),
        pytest.param(("ALTER TABLE price ADD COLUMN discount",), id="a column is added"),
        pytest.param(
            ("ALTER TABLE price RENAME TO hidden", "CREATE VIEW price AS SELECT * FROM hidden"), id="a view is a table"
        ),
        pytest.param(
            ("CREATE TRIGGER t AFTER DELETE ON price BEGIN DELETE FROM source; END",), id="a trigger is added"
        ),
    ],
)
def test_tables_that_are_not_a_catalog_s_are_found(statements: tuple[str, ...], copy: Path) -> None:
    sql(copy, *statements)
    assert_verify_refuses(copy, "its tables are not those of a catalog")


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        pytest.param("price", "usd", "abc", id="a price that is no number"),
        pytest.param("price", "usd", "", id="an empty price"),
        pytest.param("price", "usd", "NaN", id="a price that is not a number"),
        pytest.param("price", "usd", "Infinity", id="an infinite price"),
        pytest.param("price", "usd", "1e400", id="a price beyond all bounds"),
        pytest.param("price", "usd", b"\xff", id="a price that is bytes"),
        pytest.param("price", "high", "much", id="a range without a number"),
        pytest.param("price", "purchase_model", "stolen", id="a purchase model nobody knows"),
        pytest.param("price", "os", "\x1b[31m", id="an operating system of control characters"),
        pytest.param("price", "note", "=cmd()", id="a note that is a formula"),
        pytest.param("source", "as_of", "soon", id="a day that is none"),
        pytest.param("source", "as_of", "2026-02-30", id="a day that no month has"),
        pytest.param("instance_type", "gpu_count", "two", id="a number of GPUs in words"),
        pytest.param("instance_type", "gpu_count", float("inf"), id="infinitely many GPUs"),
        pytest.param("instance_type", "gpu_count", 0.0, id="no GPU of a model"),
        pytest.param("instance_type", "gpu_count", -8.0, id="fewer GPUs than none"),
        pytest.param("instance_type", "vcpus", "8 cores", id="vCPUs in words"),
        pytest.param("instance_type", "as_of", "2026-13-01", id="a month that no year has"),
        pytest.param("instance_type", "gpu_model", "\u202eL4", id="a GPU model that turns the writing around"),
        pytest.param("accelerator", "memory_gib", "lots", id="memory in words"),
        pytest.param("accelerator", "launch_year", "MMXXIV", id="a year in Roman numerals"),
        pytest.param("region", "latitude", "north", id="a latitude in words"),
        pytest.param("region", "latitude", float("inf"), id="an infinite latitude"),
        pytest.param("discount", "low_percent", "few", id="a discount in words"),
        pytest.param("discount", "as_of", "x", id="the day of a discount that is none"),
        pytest.param("performance_pair", "ratio", "fast", id="a speed in words"),
        pytest.param("performance_pair", "ratio", 0.0, id="no speed"),
        pytest.param("performance_ratio", "basis", "guessed", id="a basis nobody knows"),
    ],
)
def test_a_well_summed_catalog_of_nonsense_is_never_a_crash(
    table: str, column: str, value: str | float | bytes, tmp_path: Path
) -> None:
    """Whoever makes a file can make its checksum fit, too."""
    place = COLUMNS[table].index(column)
    rows: Any = {
        name: [(*row[:place], value, *row[place + 1 :]) for row in each] if name == table else each
        for name, each in small.full_rows().items()
    }
    if column in KEYS[table]:
        rows[table] = rows[table][:1]  # the others have the same key now
    path, target = tmp_path / "given.sqlite", tmp_path / "plan.json"
    write(path, rows)
    target.write_bytes(written(plan(instance(machine="p5.48xlarge"))))
    sound = small.catalog_file(tmp_path)
    for arguments in (
        ("catalog", "verify", path),
        ("catalog", "info", "--catalog", path),
        ("catalog", "search", "--catalog", path, "--format", "csv", "--os", "any"),
        ("catalog", "search", "--catalog", path),
        ("catalog", "price", "p5.48xlarge", "us-east-1", "--catalog", path),
        ("catalog", "diff", sound, path),
        ("check", target, "--catalog", path),
    ):
        outcome = gpuguard(*arguments)
        assert outcome.code in (0, 2, 3), (arguments, outcome)
        assert all(char.isprintable() or char in "\r\n" for char in outcome.out + outcome.err), outcome
        if outcome.code == 2:
            assert len(outcome.errors) == 1, outcome.err


@pytest.mark.parametrize("source", ["nobody", "", "\x1b[31m", f"{small.LIST} nobody"])
def test_a_price_whose_source_is_not_there_is_refused(source: str, copy: Path) -> None:
    sql(copy, "UPDATE price SET source = ':source'", source=source)
    assert_verify_refuses(copy, "a price names a source that is not there")
    for arguments in (("price", "p5.48xlarge", "us-east-1"), ("search",), ("info",)):
        assert_refused(gpuguard("catalog", *arguments, "--catalog", copy), copy)


# --- damage ---


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def sqlite_of_somebody_else(path: Path) -> None:
    path.unlink()
    sql(path, "CREATE TABLE t (x)")


def test_a_catalog_cut_at_any_length_is_refused(copy: Path) -> None:
    content = copy.read_bytes()
    lengths = {0, 1, 15, 16, 99, 100, 101, 4095, 4096, 4097, len(content) - 1}
    lengths.update(range(0, len(content), 4096))
    lengths.update(at_random(7).sample(range(len(content)), 60))
    for length in sorted(lengths):
        copy.write_bytes(content[:length])
        assert_verify_refuses(copy)


@pytest.mark.parametrize(
    ("make", "word"),
    [
        pytest.param(lambda path: path.unlink(), "no such file", id="it is missing"),
        pytest.param(lambda path: path.write_bytes(b""), "is not a price catalog", id="it is empty"),
        pytest.param(lambda path: path.write_text("sku,usd\n" * 99), "is not a price catalog", id="it is a table"),
        pytest.param(lambda path: (path.unlink(), path.mkdir()), "is not a regular file", id="it is a folder"),
        pytest.param(pipe, "is not a regular file", id="it is a pipe"),
        pytest.param(sqlite_of_somebody_else, "not a price", id="another SQLite"),
    ],
)
def test_a_file_that_is_no_catalog_is_refused_by_every_command(
    make: Callable[[Path], object], word: str, copy: Path, whole: Path
) -> None:
    make(copy)
    for arguments in (
        ("verify", copy),
        ("info", "--catalog", copy),
        ("search", "--catalog", copy),
        ("price", "p5.48xlarge", "us-east-1", "--catalog", copy),
        ("diff", copy, whole),
        ("diff", whole, copy),
    ):
        outcome = gpuguard("catalog", *arguments)
        assert_refused(outcome, copy)
        assert word in outcome.err.lower()


@pytest.mark.parametrize("usd", ["0", "-5", "0.00"])
def test_a_price_that_is_not_above_zero_is_refused_whoever_meets_it(usd: str, copy: Path) -> None:
    """A cheap figure that nobody believes would pass every budget."""
    sql(copy, "UPDATE price SET usd = ':usd' WHERE sku = 'p5.48xlarge'", usd=usd)
    for arguments in (("price", "p5.48xlarge", "us-east-1"), ("search",), ("info",)):
        assert_refused(gpuguard("catalog", *arguments, "--catalog", copy), copy)


def flipped(content: bytes, seed: random.Random) -> bytes:
    data = bytearray(content)
    for _ in range(seed.choice((1, 1, 1, 3, 40))):
        data[seed.randrange(len(data))] ^= 1 << seed.randrange(8)
    return bytes(data)


@pytest.mark.parametrize("seed", range(8))
def test_bytes_that_turned_over_are_told_or_change_nothing(seed: int, copy: Path, whole: Path) -> None:
    """A byte between the rows holds nothing: then the rows are still those of the manifest."""
    content, source = whole.read_bytes(), at_random(seed)
    with Catalog.open(whole) as catalog:
        rows = catalog.checksum
    refused = 0
    for _ in range(40):
        copy.write_bytes(flipped(content, source))
        outcome = gpuguard("catalog", "verify", copy)
        if outcome.code == 0:
            assert rows in outcome.out
        else:
            refused += 1
            assert_refused(outcome, copy)
    assert refused


@pytest.mark.parametrize("seed", range(4))
def test_bytes_that_turned_over_never_crash_a_look_up(seed: int, copy: Path, whole: Path, tmp_path: Path) -> None:
    content, source = whole.read_bytes(), at_random(1000 + seed)
    target = tmp_path / "plan.json"
    target.write_bytes(written(plan(instance(machine="p5.48xlarge"))))
    for _ in range(25):
        copy.write_bytes(flipped(content, source))
        for arguments in (
            ("catalog", "info", "--catalog", copy),
            ("catalog", "search", "--catalog", copy, "--os", "any", "--format", "json"),
            ("catalog", "price", "p5.48xlarge", "us-east-1", "--catalog", copy),
            ("catalog", "diff", whole, copy, "--format", "csv"),
            ("check", target, "--catalog", copy),
        ):
            outcome = gpuguard(*arguments)
            assert outcome.code in (0, 2, 3), (arguments, outcome)
            if outcome.code == 2:
                assert len(outcome.errors) == 1


@given(data=st.binary(max_size=300))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_after_a_header_are_refused(data: bytes, whole: Path, tmp_path: Path) -> None:
    """The header of a catalog, its length made to fit, and anything behind it."""
    header = bytearray(whole.read_bytes()[:100])
    body = bytes(header) + data.ljust(4096 - 100, b"\xa5")
    header[28:32] = (1).to_bytes(4, "big")
    path = tmp_path / "given.sqlite"
    path.write_bytes(bytes(header) + body[100:])
    with pytest.raises(CatalogError, match="is damaged"):
        Catalog.open(path)


def test_what_is_wrong_is_told_of_an_open_connection_too(copy: Path) -> None:
    sql(copy, "DELETE FROM hole")
    with closing(sqlite3.connect(copy)) as connection:
        found = problems(connection)
        assert read_rows(connection)["hole"] == []
    assert found[0] == "table hole has 0 rows, the manifest says 1"


def test_the_embedded_catalog_that_is_damaged_is_to_be_installed_again(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sql(copy, "UPDATE price SET usd = '1'")
    monkeypatch.setattr(catalog_module, "EMBEDDED", copy)
    outcome = gpuguard("catalog", "verify")
    assert_refused(outcome, copy)
    assert "install gpuguard again" in outcome.err
    assert EMBEDDED.is_file()


def row_of(table: str) -> Row:
    return small.full_rows()[table][0]


@pytest.mark.parametrize("table", TABLES)
def test_every_table_is_filled_in_the_order_of_its_columns(table: str) -> None:
    assert len(row_of(table)) == len(COLUMNS[table])
