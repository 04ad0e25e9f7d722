"""`gpuguard.yml`: every key, every mistake with its place, where it is found, and which catalog it makes count."""

import hashlib
import json
import os
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from gpuguard.cli import main
from gpuguard.cli.options import catalog_path, configuration
from gpuguard.config import Config, check_overrides, find_config, load_config, schema
from gpuguard.config.models import MACHINES, CatalogModel, ConfigModel, MaxAgeModel, OverrideModel
from gpuguard.errors import CatalogError, ConfigError, UsageError
from gpuguard.price.catalog import Catalog
from gpuguard.price.pinned import pinned_file
from tests.hostile.plans import instance, plan, written
from tests.hostile.run import Outcome, gpuguard
from tests.price import small

D = Decimal
DIGEST = "5d" * 32


def config_file(folder: Path, text: str, name: str = "gpuguard.yml") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(text)
    return path


def loaded(folder: Path, text: str) -> Config:
    return load_config(config_file(folder, text))


def with_override(**keys: str) -> str:
    """A configuration with one override; `sku` is on line 4 unless keys say otherwise."""
    lines = {"cloud": "aws", "sku": "p5.48xlarge"} | keys
    body = "\n      ".join(f"{key}: {value}" for key, value in lines.items() if value)
    return f"version: 1\ncatalog:\n  overrides:\n    - {body}\n"


# --- every key ---


def test_a_configuration_may_say_nothing_but_its_version(tmp_path: Path) -> None:
    path = config_file(tmp_path, "version: 1\n")
    assert load_config(path) == Config(path=path)
    assert (Config().spot_days, Config().list_days) == (60, 400)


def test_every_key_is_read(tmp_path: Path) -> None:
    found = loaded(
        tmp_path,
        f"""\
version: 1
catalog:
  url: https://prices.example.com/gpuguard/catalog.sqlite?v=2
  sha256: {DIGEST}
  max_age_days: {{spot: 30, list: 100}}
  overrides:
    - {{cloud: aws, sku: "p5.*", region: "us-*", discount_percent: 12.5, note: agreement of 2026}}
    - cloud: azure
      sku: P10-LRS
      kinds: [storage]
      purchase_models: [on_demand, spot]
      os: windows
      price: 0.000001
      as_of: 2026-01-31
    - {{cloud: aws, sku: acme.8xlarge, price: 9, as_of: 2026-10-01, gpu_model: H100, gpu_count: 0.5}}
""",
    )
    assert found.pinned is not None
    assert (found.pinned.url, found.pinned.sha256) == ("https://prices.example.com/gpuguard/catalog.sqlite?v=2", DIGEST)
    assert (found.spot_days, found.list_days) == (30, 100)
    file = tmp_path / "gpuguard.yml"
    first, second, third = found.overlay.overrides
    assert first == small.override(
        place=f"{file}:7:7", sku="p5.*", region="us-*", kinds=MACHINES, discount_percent=D("12.5"),
        note="agreement of 2026",
    )  # fmt: skip
    assert second == small.override(
        place=f"{file}:8:7", cloud="azure", sku="P10-LRS", kinds=("storage",), purchase_models=("on_demand", "spot"),
        os="windows", price=D("0.000001"), as_of="2026-01-31",
    )  # fmt: skip
    assert third == small.override(
        place=f"{file}:15:7", sku="acme.8xlarge", kinds=MACHINES, price=D(9), as_of="2026-10-01", gpu_model="H100",
        gpu_count=0.5,
    )  # fmt: skip


def test_every_key_there_is_has_been_tested() -> None:
    """A new key needs a line above and a mistake below."""
    assert set(ConfigModel.model_fields) == {"version", "catalog"}
    assert set(CatalogModel.model_fields) == {"url", "sha256", "max_age_days", "overrides"}
    assert set(MaxAgeModel.model_fields) == {"spot", "list"}
    assert set(OverrideModel.model_fields) == {
        "cloud", "sku", "region", "kinds", "purchase_models", "os", "term", "discount_percent", "price", "as_of", "gpu_model",
        "gpu_count", "note",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "number"),
    [
        pytest.param("0.1", "0.1", id="what no binary fraction can hold"),
        pytest.param("55.040", "55.040", id="every digit as it is written"),
        pytest.param("0.000000000001", "0.000000000001", id="a tiny price"),
        pytest.param("999999999", "999999999", id="a vast price"),
    ],
)
def test_a_price_is_exact(text: str, number: str, tmp_path: Path) -> None:
    found = loaded(tmp_path, with_override(price=text, as_of="2026-01-01"))
    assert f"{found.overlay.overrides[0].price:f}" == number


@pytest.mark.parametrize(
    "digest", [DIGEST, DIGEST.upper(), f"sha256:{DIGEST}", f"SHA256:{DIGEST}", f'"{DIGEST}"', "0" * 64]
)
def test_a_checksum_is_taken_as_tools_print_it(digest: str, tmp_path: Path) -> None:
    found = loaded(tmp_path, f"version: 1\ncatalog: {{url: 'https://example.com/c', sha256: {digest}}}\n")
    assert found.pinned is not None
    assert found.pinned.sha256 == digest.strip('"').lower().removeprefix("sha256:")


@pytest.mark.parametrize(
    "url",
    [
        "https://prices.example.com",
        "https://prices.example.com:8443/a/b.sqlite?x=1&y=2",
        "http://127.0.0.1:8000/c.sqlite",
        "http://localhost/c.sqlite",
        "http://[::1]:80/c.sqlite",
    ],
)
def test_a_catalog_comes_by_https_or_from_this_machine(url: str, tmp_path: Path) -> None:
    found = loaded(tmp_path, f"version: 1\ncatalog:\n  url: '{url}'\n  sha256: {DIGEST}\n")
    assert found.pinned is not None
    assert found.pinned.url == url


@pytest.mark.parametrize("text", ["version: 1\ncatalog:\n", "version: 1\ncatalog: {overrides: []}\n"])
def test_what_is_left_out_is_as_without_it(text: str, tmp_path: Path) -> None:
    if text.endswith("catalog:\n"):
        with pytest.raises(ConfigError, match="2:9: `catalog` is empty; expected a mapping"):
            loaded(tmp_path, text)
    else:
        assert loaded(tmp_path, text).overlay.overrides == ()


# --- every mistake ---

WRONG: dict[str, tuple[str, str]] = {
    "no version": ("catalog: {}\n", "1:1: the configuration needs the key `version`"),
    "another version": ("version: 2\n", "1:10: `version` is '2'; expected `1`"),
    "a misspelt key": ("version: 1\ncatalogue: {}\n", "2:1: the configuration has no key 'catalogue'; did you mean `catalog`?"),
    "a key far from any": ("version: 1\nbudget: 1\n", "2:1: the configuration has no key 'budget'; the keys are version, catalog"),
    "text for the catalog": ("version: 1\ncatalog: https://example.com\n", "2:10: `catalog` is 'https://example.com'; expected a mapping"),
    "a misspelt key of the catalog": ("version: 1\ncatalog:\n  overide: []\n", "3:3: the configuration has no key 'overide'; did you mean `overrides`?"),
    "a key of an override in the catalog": ("version: 1\ncatalog: {sku: x}\n", "2:11: the configuration has no key 'sku'; the keys are url, sha256, max_age_days, overrides"),
    "an address without a checksum": ("version: 1\ncatalog: {url: 'https://example.com/c'}\n", "2:10: `catalog` needs `url` and `sha256` together"),
    "a checksum without an address": (f"version: 1\ncatalog:\n  sha256: {DIGEST}\n", "3:3: `catalog` needs `url` and `sha256` together"),
    "an address by http": (f"version: 1\ncatalog: {{url: 'http://example.com/c', sha256: {DIGEST}}}\n", "2:16: `catalog.url` is 'http://example.com/c'; expected an https:// address"),
    "an address with a password": (f"version: 1\ncatalog: {{url: 'https://me:pw@example.com/c', sha256: {DIGEST}}}\n", "expected an https:// address without user and password"),
    "an address of a file": (f"version: 1\ncatalog: {{url: 'file:///etc/passwd', sha256: {DIGEST}}}\n", "expected an https:// address"),
    "an address with a blank": (f"version: 1\ncatalog: {{url: 'https://example.com/a b', sha256: {DIGEST}}}\n", "expected an https:// address"),
    "an endless address": (f"version: 1\ncatalog: {{url: 'https://example.com/{'x' * 2000}', sha256: {DIGEST}}}\n", "expected an https:// address"),
    "a list of addresses": (f"version: 1\ncatalog: {{url: [a], sha256: {DIGEST}}}\n", "2:16: `catalog.url` is a list; expected an https:// address"),
    "a checksum cut short": ("version: 1\ncatalog: {url: 'https://example.com/c', sha256: 5d3b}\n", "`catalog.sha256` is '5d3b'; expected the SHA-256 of the catalog file"),
    "a checksum of other letters": (f"version: 1\ncatalog: {{url: 'https://example.com/c', sha256: {'g' * 64}}}\n", "expected the SHA-256 of the catalog file"),
    "no days": ("version: 1\ncatalog: {max_age_days: {spot: 0}}\n", "2:32: `catalog.max_age_days.spot` is '0'; expected a number of days from 1 to 9999"),
    "too many days": ("version: 1\ncatalog: {max_age_days: {list: 10000}}\n", "expected a number of days from 1 to 9999"),
    "days in words": ("version: 1\ncatalog: {max_age_days: {list: many}}\n", "is 'many'; expected a number of days"),
    "parts of a day": ("version: 1\ncatalog: {max_age_days: {list: 1.5}}\n", "is '1.5'; expected a number of days"),
    "one age for all": ("version: 1\ncatalog: {max_age_days: 30}\n", "2:25: `catalog.max_age_days` is '30'; expected a mapping"),
    "a misspelt age": ("version: 1\ncatalog: {max_age_days: {spots: 1}}\n", "2:26: the configuration has no key 'spots'; did you mean `spot`?"),
    "a mapping for the overrides": ("version: 1\ncatalog: {overrides: {sku: x}}\n", "2:22: `catalog.overrides` is a mapping; expected a list"),
    "text for an override": ("version: 1\ncatalog: {overrides: [p5]}\n", "2:23: `catalog.overrides[0]` is 'p5'; expected a mapping"),
    "a misspelt key of an override": (with_override(discount_precent="5"), "6:7: the configuration has no key 'discount_precent'; did you mean `discount_percent`?"),
    "no cloud": (with_override(cloud="", price="1", as_of="2026-01-01"), "4:7: the configuration needs the key `cloud`"),
    "no SKU": (with_override(sku="", price="1", as_of="2026-01-01"), "4:7: the configuration needs the key `sku`"),
    "an empty SKU": (with_override(sku="''", discount_percent="5"), "5:12: `catalog.overrides[0].sku` is ''; expected a name"),
    "an endless SKU": (with_override(sku="x" * 201, discount_percent="5"), "expected a name, in which * stands for anything"),
    "a list of SKUs": (with_override(sku="[a, b]", discount_percent="5"), "5:12: `catalog.overrides[0].sku` is a list; expected a name"),
    "all clouds": (with_override(cloud='"*"', discount_percent="5"), "4:14: `catalog.overrides[0].cloud` is '*'; expected one cloud, such as aws"),
    "a cloud in capitals": (with_override(cloud="AWS", discount_percent="5"), "is 'AWS'; expected one cloud, such as aws"),
    "neither discount nor price": (with_override(), "4:7: `catalog.overrides[0]` needs either `discount_percent` or `price`"),
    "a price for both terms": (with_override(price="1", as_of="2026-01-01", purchase_models="[reserved]"), "with a `price` of a commitment needs its `term`"),
    "five years": (with_override(discount_percent="5", term="5y"), "is '5y'; expected `1y` or `3y`"),
    "both discount and price": (with_override(price="1", discount_percent="5", as_of="2026-01-01"), "4:7: `catalog.overrides[0]` needs either `discount_percent` or `price`"),
    "a price without a day": (with_override(price="1"), "4:7: `catalog.overrides[0]` with a `price` needs `as_of`"),
    "a price for many": (with_override(sku='"p5.*"', price="1", as_of="2026-01-01"), "with a `price` needs one exact `sku`"),
    "a price of several kinds": (with_override(kinds="[storage, iops]", price="1", as_of="2026-01-01"), "with a `price` needs one of `kinds`"),
    "a price of nothing": (with_override(price="0", as_of="2026-01-01"), "6:14: `catalog.overrides[0].price` is '0'; expected USD per unit above 0"),
    "a price below nothing": (with_override(price="-1", as_of="2026-01-01"), "is '-1'; expected USD per unit above 0"),
    "a price with a sign": (with_override(price="$1", as_of="2026-01-01"), "is '$1'; expected USD per unit above 0"),
    "a price with an exponent": (with_override(price="1e3", as_of="2026-01-01"), "is '1e3'; expected USD per unit above 0"),
    "a price that is no number": (with_override(price=".nan", as_of="2026-01-01"), "is '.nan'; expected USD per unit above 0"),
    "a price beyond all bounds": (with_override(price="1234567890", as_of="2026-01-01"), "expected USD per unit above 0"),
    "a price in Arabic digits": (with_override(price="٥", as_of="2026-01-01"), "expected USD per unit above 0"),
    "no discount": (with_override(discount_percent="0"), "6:25: `catalog.overrides[0].discount_percent` is '0'; expected a discount in percent between 0 and 100"),
    "everything for nothing": (with_override(discount_percent="100"), "is '100'; expected a discount in percent between 0 and 100"),
    "a discount with its sign": (with_override(discount_percent="5%"), "is '5%'; expected a discount in percent"),
    "a day that is none": (with_override(price="1", as_of="2026-02-30"), "7:14: `catalog.overrides[0].as_of` is '2026-02-30'; expected a day such as 2026-01-31"),
    "a month for a day": (with_override(price="1", as_of="2026-02"), "is '2026-02'; expected a day such as 2026-01-31"),
    "a time for a day": (with_override(price="1", as_of="2026-02-01T00:00:00"), "expected a day such as 2026-01-31"),
    "a misspelt kind": (with_override(kinds="[machines]", discount_percent="5"), "6:15: `catalog.overrides[0].kinds[0]` is 'machines'; expected `machine`"),
    "one kind that is no list": (with_override(kinds="machine", discount_percent="5"), "6:14: `catalog.overrides[0].kinds` is 'machine'; expected a list"),
    "no kinds": (with_override(kinds="[]", discount_percent="5"), "is a list; expected at least one entry"),
    "a misspelt way of buying": (with_override(purchase_models="[on-demand]", discount_percent="5"), "did you mean `on_demand`?"),
    "no ways of buying": (with_override(purchase_models="[]", discount_percent="5"), "expected at least one entry"),
    "a misspelt operating system": (with_override(os="window", discount_percent="5"), "6:11: `catalog.overrides[0].os` is 'window'"),
    "an operating system nobody knows": (with_override(os="multics", discount_percent="5"), "`catalog.overrides[0].os` is 'multics'; expected `linux`"),
    "a GPU without a number": (with_override(price="1", as_of="2026-01-01", gpu_model="T4"), "needs `gpu_model` and `gpu_count` together"),
    "a number of GPUs without a model": (with_override(price="1", as_of="2026-01-01", gpu_count="2"), "needs `gpu_model` and `gpu_count` together"),
    "no GPUs": (with_override(price="1", as_of="2026-01-01", gpu_model="T4", gpu_count="0"), "9:18: `catalog.overrides[0].gpu_count` is '0'; expected a number of accelerators above 0"),
    "a GPU with a discount": (with_override(discount_percent="5", gpu_model="T4", gpu_count="1"), "with a `gpu_model` needs one exact `sku` and a `price`"),
    "a note that is a list": (with_override(discount_percent="5", note="[a]"), "7:13: `catalog.overrides[0].note` is a list; expected text"),
    "an endless note": (with_override(discount_percent="5", note="x" * 201), "expected at most 200 characters"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "message"), WRONG.values(), ids=WRONG)
def test_a_mistake_is_told_with_file_line_and_column(text: str, message: str, tmp_path: Path) -> None:
    path = config_file(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert caught.value.message.startswith(f"{path}:"), caught.value
    assert message in caught.value.message
    assert "gpuguard schema config" in caught.value.hint


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    text = "version: 2\ncatalog:\n  max_age_days: {spot: 0}\n  overrides:\n    - {cloud: aws, sku: a, discount_percent: 0}\n    - {cloud: aws, sku: a, price: 1}\n"
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, text)
    assert caught.value.message.endswith("4 mistakes")
    assert [line.split(":")[1] for line in caught.value.details] == ["1", "3", "5", "6"]


HOSTILE: dict[str, tuple[bytes, str]] = {
    "empty": (b"", ":1:1: the file is empty"),
    "a comment alone": (b"# nothing\n", ":1:1: the file is empty"),
    "a list": (b"- version: 1\n", ":1:1: a configuration is a mapping with the key `version`"),
    "text": (b"version 1\n", ":1:1: a configuration is a mapping"),
    "binary": (b"version: 1\0\n", "binary, not YAML"),
    "UTF-16": ("version: 1\n".encode("utf-16"), "save it as UTF-8"),
    "broken UTF-8": (b"version: 1\n# \xff\n", ":2:3: the file is not UTF-8 text"),
    "a tab": (b"catalog:\n\turl: x\n", ":2:1: there is a tab where YAML wants spaces"),
    "cut short": (b"version: 1\ncatalog: {url: 'https", "this is not valid YAML"),
    "two documents": (b"version: 1\n---\nversion: 1\n", ":2:1:"),
    "a key twice": (b"version: 1\nversion: 1\n", ":2:1: the key 'version' is there twice; the first is in line 1"),
    "an alias": (b"version: 1\ncatalog: *c\n", ":2:10: aliases (*c) are not allowed"),
    "a bomb of anchors": (b"a: &a [x]\nb: &b [*a,*a,*a]\nc: &c [*b,*b,*b]\n", "anchors (&a) are not allowed"),
    "a merge key": (b"version: 1\ncatalog:\n  <<: {url: x}\n", ":3:3: merge keys"),
    "a Python tag": (b"version: !!python/object/apply:os.system ['true']\n", ":1:10: tags ('tag:yaml.org,2002:python"),
    "a tag on a number": (b"version: !!int 1\n", ":1:10: tags"),
    "a list as a key": (b"[a]: b\n", ":1:1: a key is plain text"),
    "an escape in a value": (b'version: "\\e[31m"\n', ":1:10: the text holds the character U+001B"),
    "an escape in a key": (b'version: 1\n"\\e[0m": 1\n', "has no key '\\x1b[0m'"),
    "a change of writing direction": (b'version: 1\ncatalog: {overrides: [{note: "\\u202e"}]}\n', "U+202E"),
    "nested without end": (b"version: 1\ncatalog: " + b"[" * 5000, "nested more than"),
    "very long": (b"version: 1\n" + b"#" * (1024 * 1024), "larger than 1024 KiB"),
    "thousands of mistakes": (b"version: 1\ncatalog: {overrides: [" + b"x," * 5000 + b"]}\n", "mistakes"),
}


@pytest.mark.parametrize(("content", "message"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_file_is_one_error_of_the_command_line(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "gpuguard.yml"
    path.write_bytes(content)
    target = tmp_path / "plan.json"
    target.write_bytes(written(plan(instance())))
    for arguments in (("check", target, "--config", path), ("catalog", "info", "--config", path)):
        outcome = gpuguard(*arguments)
        assert (outcome.code, outcome.out) == (2, "")
        assert len(outcome.errors) == 1
        assert str(path) in outcome.errors[0]
        assert message in outcome.err
        assert len(outcome.err) < 20_000
        assert all(char.isprintable() for char in outcome.err if char != "\n")


@given(content=st.binary(max_size=200) | st.text(max_size=200).map(lambda text: f"version: 1\n{text}".encode()))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_a_configuration_or_an_error(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "gpuguard.yml"
    path.write_bytes(content)
    try:
        assert isinstance(load_config(path), Config)
    except ConfigError as error:
        assert error.message.startswith(str(path))


VALUES = st.recursive(
    st.text(max_size=8) | st.sampled_from(["aws", "p5.*", "1", "2026-01-01", "machine", "on_demand", "linux"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["version", "catalog", "overrides", "sku", "cloud", "price", "url"]), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(value=VALUES)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_keys_and_values_in_any_place_are_a_configuration_or_an_error(value: Any, tmp_path: Path) -> None:
    path = config_file(tmp_path, json.dumps({"version": "1", "catalog": value}))
    try:
        assert isinstance(load_config(path), Config)
    except ConfigError as error:
        assert all(str(path) in line for line in error.details[:30] or [error.message])


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        pytest.param(lambda path: None, "no such file", id="missing"),
        pytest.param(lambda path: path.mkdir(), "not a regular file", id="a folder"),
        pytest.param(lambda path: os.mkfifo(path), "not a regular file", id="a pipe that nobody fills"),
    ],
)
def test_a_configuration_that_is_named_must_be_a_file(make: Any, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "acme.yml"
    make(path)
    with pytest.raises(ConfigError, match=reason):
        load_config(path)


# --- clouds that the catalog does not know ---


def test_a_cloud_that_the_catalog_lacks_is_told_with_its_place(tmp_path: Path) -> None:
    config = loaded(tmp_path, with_override(cloud="azrue", discount_percent="5"))
    with small.catalog(tmp_path) as catalog, pytest.raises(ConfigError) as caught:
        check_overrides(config, catalog, date(2026, 11, 20))
    assert caught.value.message == (
        f"{tmp_path}/gpuguard.yml:4:7: the catalog has no cloud 'azrue'; did you mean `azure`?"
    )
    assert caught.value.hint == "expected one of aws, azure, gcp, lambda"


@pytest.mark.parametrize(
    ("values", "told"),
    [
        pytest.param(
            {"sku": "p5.49xlarge", "discount_percent": "5"}, "aws has no SKU 'p5.49xlarge'", id="a misspelt SKU"
        ),
        pytest.param(
            {"sku": "p5.48xlarge", "region": "us-esat-1", "discount_percent": "5"},
            "aws has no region 'us-esat-1'; did you mean `us-",
            id="a misspelt region",
        ),
        pytest.param(
            {"sku": "p9.box", "price": "5", "as_of": "2026-01-01", "gpu_model": "NOSUCH", "gpu_count": "8"},
            "the catalog has no accelerator 'NOSUCH'",
            id="an unknown accelerator",
        ),
        pytest.param(
            {"sku": "p5.48xlarge", "price": "5", "as_of": "2099-10-01"},
            "`as_of` is 2099-10-01, a day to come",
            id="a day to come",
        ),
    ],
)
def test_an_override_that_can_never_count_is_told_with_its_place(
    tmp_path: Path, values: dict[str, str], told: str
) -> None:
    config = loaded(tmp_path, with_override(**values))
    with Catalog.open() as catalog, pytest.raises(ConfigError, match=r"gpuguard\.yml:4:7: ") as caught:
        check_overrides(config, catalog, date(2026, 11, 20))
    assert told in caught.value.message


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"sku": "p5.48xlarge", "discount_percent": "5"}, id="a machine type"),
        pytest.param({"sku": "p99.*", "discount_percent": "5"}, id="a pattern, whatever it matches"),
        pytest.param({"sku": "gp3", "kinds": "[storage]", "discount_percent": "5"}, id="a disk type"),
        pytest.param(
            {"sku": "p9.box", "price": "5", "as_of": "2026-11-20", "gpu_model": "H100", "gpu_count": "8"},
            id="a machine of one's own, agreed today",
        ),
    ],
)
def test_an_override_that_may_count_is_taken(tmp_path: Path, values: dict[str, str]) -> None:
    config = loaded(tmp_path, with_override(**values))
    with Catalog.open() as catalog:
        check_overrides(config, catalog, date(2026, 11, 20))
    assert len(config.overlay.overrides) == 1


def test_every_cloud_of_the_catalog_may_have_overrides(tmp_path: Path) -> None:
    with Catalog.open() as catalog:
        for cloud in catalog.clouds:
            check_overrides(
                loaded(tmp_path, with_override(cloud=cloud, sku="'*'", discount_percent="5")),
                catalog,
                date(2026, 11, 20),
            )


# --- the schema ---


def test_the_schema_holds_what_is_read_and_refuses_what_is_not(tmp_path: Path) -> None:
    validator = Draft202012Validator(schema())
    Draft202012Validator.check_schema(schema())
    good = {
        "version": 1,
        "catalog": {
            "max_age_days": {"spot": 30},
            "overrides": [
                {"cloud": "aws", "sku": "p5.*", "discount_percent": 12.5},
                {"cloud": "aws", "sku": "p5", "price": 1, "as_of": "2026-01-01", "kinds": ["machine"], "os": "linux"},
            ],
        },
    }
    assert list(validator.iter_errors(good)) == []
    for wrong in (
        {},
        {"version": 2},
        {"version": "1", "catalogue": {}},
        {"version": "1", "catalog": {"overrides": [{"cloud": "aws"}]}},
        {"version": "1", "catalog": {"overrides": [{"cloud": "aws", "sku": "p5", "price": 0}]}},
        {"version": "1", "catalog": {"overrides": [{"cloud": "aws", "sku": "p5", "discount_percent": 100}]}},
        {"version": "1", "catalog": {"overrides": [{"cloud": "aws", "sku": "p5", "kinds": ["machines"]}]}},
        {"version": "1", "catalog": {"overrides": [{"cloud": "aws", "sku": "p5", "kinds": [], "price": 1}]}},
        {"version": "1", "catalog": {"max_age_days": {"spot": 0}}},
    ):
        assert list(validator.iter_errors(wrong)), wrong


def test_every_key_of_the_schema_is_described() -> None:
    found = schema()
    for part in (found, *found["$defs"].values()):
        for name, each in part.get("properties", {}).items():
            named = found["$defs"][each["$ref"].rpartition("/")[2]] if "$ref" in each else each
            assert named.get("description"), name


def test_the_command_line_prints_the_schema(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "config"]) == 0
    assert json.loads(capsys.readouterr().out) == schema()


# --- where it is found ---


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty repository; the current folder is outside it."""
    root = tmp_path / "repository"
    (root / ".git").mkdir(parents=True)
    (root / "infra" / "prod").mkdir(parents=True)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    return root


GOOD = "version: 1\n"


@pytest.mark.parametrize(
    ("place", "found"),
    [
        pytest.param("infra/prod", True, id="beside the input"),
        pytest.param("infra", True, id="above it"),
        pytest.param(".", True, id="at the root of the repository"),
        pytest.param("..", False, id="not above the repository"),
        pytest.param("infra/stage", False, id="not in a folder beside"),
    ],
)
@pytest.mark.parametrize("name", ["gpuguard.yml", "gpuguard.yaml"])
@pytest.mark.parametrize("target", ["infra/prod/plan.json", "infra/prod"])
def test_it_is_found(place: str, found: bool, name: str, target: str, repository: Path) -> None:
    path = config_file(repository / place, GOOD, name)
    (repository / "infra/prod/plan.json").touch()
    assert find_config([str(repository / target)]) == (path if found else None)


def test_the_nearest_one_counts(repository: Path) -> None:
    config_file(repository, GOOD)
    near = config_file(repository / "infra", GOOD)
    assert find_config([str(repository / "infra/prod/plan.json")]) == near


def test_a_repository_that_is_a_worktree_ends_the_walk_too(tmp_path: Path, repository: Path) -> None:
    config_file(repository, GOOD)
    inner = repository / "vendor"
    config_file(inner, "gitdir: elsewhere\n", ".git")
    assert find_config([str(inner / "plan.json")]) is None


def test_outside_a_repository_only_the_folder_of_the_input_counts(tmp_path: Path, repository: Path) -> None:
    path = config_file(tmp_path / "a", GOOD)
    (tmp_path / "a" / "b").mkdir()
    assert find_config([str(tmp_path / "a" / "plan.json")]) == path
    assert find_config([str(tmp_path / "a" / "b" / "plan.json")]) is None


def test_an_input_with_two_dots_is_followed(repository: Path) -> None:
    path = config_file(repository / "infra" / "prod", GOOD)
    assert find_config([str(repository / "infra" / "stage" / ".." / "prod" / "plan.json")]) == path


@pytest.mark.parametrize("inputs", [("-",), ()])
def test_standard_input_and_no_input_are_the_current_folder(
    inputs: tuple[str, ...], repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = config_file(repository, GOOD)
    assert find_config(inputs) is None
    monkeypatch.chdir(repository / "infra")
    assert find_config(inputs) == path


def test_an_input_outside_belongs_to_the_current_folder(
    tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CI writes the plan to a folder of its own and runs in the checkout."""
    path = config_file(repository, GOOD)
    monkeypatch.chdir(repository)
    assert find_config([str(tmp_path / "plan.json")]) == path


def test_a_configuration_of_the_input_stands_before_that_of_the_current_folder(
    tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config_file(repository, GOOD)
    own = config_file(tmp_path / "other", GOOD)
    monkeypatch.chdir(repository)
    assert find_config([str(tmp_path / "other" / "plan.json")]) == own


def test_several_inputs_may_share_one_and_not_have_two(repository: Path) -> None:
    one, two = repository / "infra" / "prod" / "plan.json", repository / "infra" / "plan.json"
    path = config_file(repository, GOOD)
    assert find_config([str(one), str(two)]) == path
    other = config_file(repository / "infra" / "prod", GOOD)
    with pytest.raises(UsageError) as caught:
        find_config([str(one), str(two)])
    assert caught.value.message == f"{one} belongs to {other} and {two} to {path}"
    assert "--config" in caught.value.hint
    assert configuration(str(path), [str(one), str(two)]) == load_config(path)


def test_an_input_without_one_takes_that_of_the_others(tmp_path: Path, repository: Path) -> None:
    path = config_file(repository, GOOD)
    assert find_config([str(tmp_path / "plan.json"), str(repository / "plan.json")]) == path


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("x" * 5000, id="a name no file can have"),
        pytest.param("x" * 5000 + "/plan.json", id="a folder no file can be in"),
        pytest.param("a\0b/plan.json", id="a name with a NUL"),
        pytest.param("\ud800/plan.json", id="a name that is no text"),
        pytest.param("", id="no name"),
        pytest.param("/dev/null", id="a device"),
        pytest.param("/proc/self/fd/99/plan.json", id="a folder that is none"),
    ],
)
def test_a_strange_input_has_no_configuration_and_is_no_crash(name: str, repository: Path) -> None:
    assert find_config([name]) is None


def test_links_in_a_circle_have_no_configuration(tmp_path: Path, repository: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    assert find_config([str(tmp_path / "a" / "plan.json")]) is None


def test_a_current_folder_that_is_gone_has_no_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert find_config(["-"]) is None
    assert find_config([]) is None


def test_a_folder_of_that_name_is_no_configuration(repository: Path) -> None:
    (repository / "infra" / "gpuguard.yml").mkdir()
    path = config_file(repository, GOOD)
    assert find_config([str(repository / "infra" / "plan.json")]) == path


# --- which catalog counts ---


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's cache, empty."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    return folder / "gpuguard" / "pinned"


def pinned(folder: Path, digest: str) -> Path:
    text = f"version: 1\ncatalog:\n  url: https://prices.example.com/c.sqlite\n  sha256: {digest}\n"
    return config_file(folder, text)


def fetched(cache: Path, content: bytes, digest: str | None = None) -> str:
    """Put a file into the cache as `catalog refresh` does; its checksum."""
    digest = digest or hashlib.sha256(content).hexdigest()
    cache.mkdir(parents=True, exist_ok=True)
    (cache / f"{digest}.sqlite").write_bytes(content)
    return digest


def acme_catalog(folder: Path, usd: str) -> Path:
    folder.mkdir()
    return small.catalog_file(folder, [small.price("p5.48xlarge", usd)])


def monthly(outcome: Outcome) -> Decimal:
    assert outcome.code == 0, outcome
    return D(outcome.report["summary"]["monthly_after"]) / 730


@pytest.fixture
def target(repository: Path) -> Path:
    path = repository / "plan.json"
    path.write_bytes(written(plan(instance(machine="p5.48xlarge"))))
    return path


def test_the_catalog_that_is_named_stands_before_the_pinned_one_and_that_before_the_embedded_one(
    tmp_path: Path, repository: Path, target: Path, cache: Path
) -> None:
    named, hosted = acme_catalog(tmp_path / "named", "11"), acme_catalog(tmp_path / "hosted", "22")
    options = ("check", target, "--format", "json", "--policy", "default", "--fail-on", "never")
    embedded = monthly(gpuguard(*options))
    assert embedded not in (11, 22)
    pinned(repository, fetched(cache, hosted.read_bytes()))
    assert monthly(gpuguard(*options)) == 22
    assert monthly(gpuguard(*options, "--catalog", named)) == 11
    (repository / "gpuguard.yml").unlink()
    assert monthly(gpuguard(*options)) == embedded


def test_a_refreshed_catalog_in_the_cache_is_not_used_unasked(target: Path, tmp_path: Path, cache: Path) -> None:
    before = gpuguard("check", target, "--format", "json").report["catalog"]
    fetched(cache.parent, acme_catalog(tmp_path / "refreshed", "1").read_bytes(), "catalog")
    assert (cache.parent / "catalog.sqlite").is_file()
    assert gpuguard("check", target, "--format", "json").report["catalog"] == before


@pytest.mark.parametrize(
    "arguments", [("check", "plan.json"), ("diff", "plan.json", "plan.json"), ("explain", "plan.json", "aws_instance.gpu"), ("catalog", "info"), ("catalog", "search"), ("catalog", "price", "p5.48xlarge", "us-east-1")]
)  # fmt: skip
def test_a_pinned_catalog_that_is_not_fetched_yet_ends_every_command_with_the_way_out(
    arguments: tuple[str, ...], repository: Path, target: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pinned(repository, DIGEST)
    monkeypatch.chdir(repository)
    outcome = gpuguard(*arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err == (
        "error: the price catalog pinned in the configuration has not been fetched: https://prices.example.com/c.sqlite\n"
        "hint: run `gpuguard catalog refresh` once where the network may be used\n"
    )
    assert not cache.exists()


def test_a_catalog_that_is_named_needs_no_pinned_one(
    repository: Path, target: Path, cache: Path, tmp_path: Path
) -> None:
    pinned(repository, DIGEST)
    named = acme_catalog(tmp_path / "named", "11")
    assert monthly(gpuguard("check", target, "--format", "json", "--catalog", named)) == 11


@pytest.mark.parametrize("content", [b"", b"sku,usd\n", b"SQLite format 3\0"])
def test_a_file_in_the_cache_that_is_not_the_pinned_one_is_refused(
    content: bytes, repository: Path, target: Path, cache: Path
) -> None:
    pinned(repository, fetched(cache, content, DIGEST))
    outcome = gpuguard("check", target)
    assert (outcome.code, outcome.out) == (2, "")
    assert "is not the one that was fetched: its checksum is another" in outcome.err
    assert "hint: run `gpuguard catalog refresh` to fetch it again" in outcome.err


def test_a_pinned_catalog_one_byte_off_is_refused(repository: Path, target: Path, cache: Path, tmp_path: Path) -> None:
    content = bytearray(acme_catalog(tmp_path / "hosted", "22").read_bytes())
    digest = hashlib.sha256(content).hexdigest()
    content[-1] ^= 1
    pinned(repository, fetched(cache, bytes(content), digest))
    assert gpuguard("check", target).code == 2


def test_a_folder_in_the_place_of_a_pinned_catalog_is_an_error(repository: Path, cache: Path) -> None:
    (cache / f"{DIGEST}.sqlite").mkdir(parents=True)
    config = load_config(pinned(repository, DIGEST))
    with pytest.raises(CatalogError, match="cannot be read"):
        catalog_path(None, config)


def test_a_pinned_file_that_is_no_catalog_is_refused(repository: Path, target: Path, cache: Path) -> None:
    """Somebody pinned the wrong file: its checksum is right."""
    pinned(repository, fetched(cache, b"<html>"))
    outcome = gpuguard("check", target)
    assert outcome.code == 2
    assert "is not a price catalog" in outcome.errors[0]


def test_a_cache_that_cannot_be_written_ends_the_fetching_with_its_place(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is met before anything is asked for."""
    (tmp_path / "occupied").write_text("a file")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "occupied"))
    outcome = gpuguard("catalog", "refresh", "--config", pinned(repository, DIGEST))
    assert (outcome.code, outcome.out) == (2, "")
    assert len(outcome.errors) == 1
    assert str(tmp_path / "occupied") in outcome.errors[0]
    assert "cannot be written" in outcome.errors[0]


def test_another_pin_never_meets_the_old_file(repository: Path, cache: Path, tmp_path: Path) -> None:
    first = fetched(cache, acme_catalog(tmp_path / "a", "1").read_bytes())
    second = fetched(cache, acme_catalog(tmp_path / "b", "2").read_bytes())
    paths = []
    for digest in (first, second):
        config = load_config(pinned(repository, digest))
        assert config.pinned is not None
        paths.append(pinned_file(config.pinned))
    assert paths[0] != paths[1]
    assert [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths] == [first, second]


def test_the_order_is_that_of_the_arguments(tmp_path: Path) -> None:
    assert catalog_path(None, None) is None
    assert catalog_path(None, Config()) is None
    assert catalog_path("x.sqlite", None) == Path("x.sqlite")
