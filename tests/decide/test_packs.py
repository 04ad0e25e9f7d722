"""Finding and reading policy packs."""

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

import gpuguard
from gpuguard.decide import load, shipped
from gpuguard.decide.format import read
from gpuguard.decide.rule import rules
from gpuguard.errors import ConfigError
from gpuguard.yamlfile import MAX_BYTES, parse
from gpuguard.yamlmodel import MOST_MISTAKES

CHECKOUT = Path(gpuguard.__file__).parent.parent
GOOD = "version: 1\nname: acme\nrules:\n  - rule: max-monthly-total\n    limit: 5\n"


def write(folder: Path, content: str | bytes, name: str = "acme.yml") -> str:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(path)


def refused(given: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load([given])
    return "\n".join([caught.value.message, *caught.value.details])


def body(rules: str) -> str:
    """A pack with the text as its rules, from line 4 on."""
    return f"version: 1\nname: acme\nrules:\n{rules}\n"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param("", "1:1: the file is empty", id="an empty file"),
        pytest.param("# nothing\n\n", "1:1: the file is empty", id="a file of comments"),
        pytest.param("---\n...\n", "the file is empty", id="a document without content"),
        pytest.param("~\n", "1:1: the file is empty", id="a file that says null"),
        pytest.param("just text", "1:1: a policy pack is a mapping", id="a file of text"),
        pytest.param("- rule: max-exposure", "1:1: a policy pack is a mapping", id="a list at the top"),
        pytest.param(GOOD.encode("utf-16"), "1:1: the file is UTF-16", id="UTF-16 with its mark"),
        pytest.param(GOOD.encode("utf-32"), "1:1: the file is UTF-16 or UTF-32", id="UTF-32"),
        pytest.param(b"\x7fELF\0\0\0", "1:1: the file is binary", id="a binary file"),
        pytest.param(b"version: 1\nname: \xe9\n", "2:7: the file is not UTF-8", id="Latin-1 text"),
        pytest.param(b"version: 1 # \x1b[31m\n", "1:14: there is a character here", id="a raw control character"),
        pytest.param("a: " + "x" * MAX_BYTES, "1:1: the file is larger than 1024 KiB", id="a file over 1 MiB"),
        pytest.param("[" * 5000, "nested more than 12 levels", id="5,000 lists in each other"),
        pytest.param(
            "a: " + "{a: " * 50 + "1" + "}" * 50, "nested more than 12 levels", id="50 mappings in each other"
        ),
        pytest.param("? " * 3000 + "a", "a key is plain text", id="keys in keys in keys"),
        pytest.param(GOOD + "---\n" + GOOD, "6:1: the file is one YAML document", id="two documents"),
        pytest.param(
            body("\t- rule: max-exposure"), "4:1: there is a tab where YAML wants spaces", id="a tab as indent"
        ),
        pytest.param("version: 1\nname: [acme\n", "this is not valid YAML", id="a bracket left open"),
        pytest.param('version: 1\nname: "acme\n', "this is not valid YAML", id="a quote left open"),
        pytest.param(
            GOOD + "name: other\n", "6:1: the key 'name' is there twice; the first is in line 2", id="a key twice"
        ),
        pytest.param(
            body("  - rule: max-exposure\n    limit: 5\n    limit: 6"),
            "6:5: the key 'limit' is there twice",
            id="a limit twice",
        ),
        pytest.param(
            body("  - &a {rule: max-exposure, limit: 5}"), "4:5: anchors (&a) are not allowed", id="an anchor"
        ),
        pytest.param(body("  - *a"), "4:5: aliases (*a) are not allowed", id="an alias"),
        pytest.param(
            "a: &a [x]\nb: &b [*a,*a]\nc: &c [*b,*b]\n", "1:4: anchors (&a) are not allowed", id="lists that multiply"
        ),
        pytest.param(
            body("  - rule: max-exposure\n    <<: {limit: 5}\n    limit: 1"), "5:5: merge keys", id="a merge key"
        ),
        pytest.param(
            body("  - !!python/object/apply:os.system ['true']"),
            "4:5: tags ('tag:yaml.org,2002:python",
            id="a Python tag",
        ),
        pytest.param(body("  - rule: max-exposure\n    limit: !!float 5"), "5:12: tags", id="a tag on a number"),
        pytest.param(body("  - rule: !x max-exposure\n    limit: 5"), "4:11: tags", id="a tag on a rule"),
        pytest.param("[a, b]: c\n", "1:1: a key is plain text", id="a list as a key"),
        pytest.param("{a: b}: c\n", "1:1: a key is plain text", id="a mapping as a key"),
        pytest.param("!!str version: 1\n", "1:1: a key is plain text", id="a tagged key"),
        pytest.param("1: x\n" + GOOD, "1:1: a policy pack has no key '1'", id="a number as a key"),
        pytest.param("~: x\n" + GOOD, "1:1: a policy pack has no key '~'", id="nothing as a key"),
        pytest.param(
            GOOD + 'description: "\\e[31mred"\n',
            "6:14: the text holds the character U+001B",
            id="an escaped control character",
        ),
        pytest.param(
            GOOD + 'description: "\\u202e"\n',
            "6:14: the text holds the character U+202E",
            id="a change of writing direction",
        ),
        pytest.param(GOOD + 'description: "\\ud800"\n', "6:", id="half a surrogate pair"),
        pytest.param(
            GOOD + '"\\e[0m": 1\n', "6:1: a policy pack has no key '\\x1b[0m'", id="a control character in a key"
        ),
        pytest.param("version: 2\n" + GOOD[11:], "1:10: `version` is '2'; expected `1`", id="another version"),
        pytest.param(
            "version: 1.0\n" + GOOD[11:], "1:10: `version` is '1.0'; expected `1`", id="a version that is a float"
        ),
        pytest.param(GOOD[11:], "1:1: a policy pack needs the key `version`", id="no version"),
        pytest.param(
            "version: 1\nname: acme\nrules: []\n", "3:8: `rules` is a list; expected at least one", id="no rules"
        ),
        pytest.param("version: 1\nname: acme\nrules:\n", "3:7: `rules` is empty; expected a list", id="rules left out"),
        pytest.param(
            "version: 1\nname: acme\nrules: yes\n", "3:8: `rules` is 'yes'; expected a list", id="text for rules"
        ),
        pytest.param(
            "version: 1\nname: Acme Inc\nrules: [a]\n", "2:7: `name` is 'Acme Inc'; expected a name", id="a bad name"
        ),
        pytest.param(
            GOOD + "rulez: 1\n", "6:1: a policy pack has no key 'rulez'; did you mean `rules`?", id="a misspelt key"
        ),
        pytest.param(
            body("  - rule: max-monthly-totals\n    limit: 5"),
            "4:11: there is no rule 'max-monthly-totals'; did you mean `max-monthly-total`?",
            id="a misspelt rule",
        ),
        pytest.param(
            body("  - rule: zzz"), "4:11: there is no rule 'zzz'; the rules are max-", id="a rule like no other"
        ),
        pytest.param(body("  - max-exposure"), "4:5: a rule is a mapping", id="a rule that is a word"),
        pytest.param(body("  -"), "a rule is a mapping", id="a rule that is nothing"),
        pytest.param(body("  - limit: 5"), "4:5: it does not say which rule it is", id="a rule without its name"),
        pytest.param(body("  - rule: [a]"), "4:11: it does not say which rule it is", id="a list for a rule's name"),
        pytest.param(
            body("  - max-exposure: {limit: 5}"),
            "4:5: it does not say which rule it is: `rule:` is missing; write `rule: max-exposure`",
            id="a rule as a key",
        ),
        pytest.param(
            body("  - rule: max-exposure\n    limitt: 5\n    limit: 5"),
            "5:5: the rule max-exposure has no key 'limitt'; did you mean `limit`?",
            id="a misspelt setting",
        ),
        pytest.param(body("  - rule: max-exposure"), "4:5: the rule max-exposure needs the key `limit`", id="no limit"),
        pytest.param(
            body("  - rule: max-exposure\n    limit: 5\n    enforcement: mandatry"),
            "6:18: `enforcement` is 'mandatry'; expected `mandatory` or `advisory`; did you mean `mandatory`?",
            id="a misspelt value",
        ),
        pytest.param(
            body("  - rule: max-monthly-increase\n    limit: 5\n    scope: all"),
            "6:12: `scope` is 'all'; expected `changed`",
            id="a scope that a rule on the increase cannot have",
        ),
        pytest.param(
            body("  - rule: allowed-skus"), "4:5: the rule allowed-skus needs `allow` or `deny`", id="neither list"
        ),
        pytest.param(
            body("  - rule: allowed-skus\n    deny: []"), "4:5: the rule allowed-skus needs", id="an empty list"
        ),
        pytest.param(
            body("  - rule: allowed-skus\n    deny: g5"), "5:11: `deny` is 'g5'; expected a list", id="text for a list"
        ),
        pytest.param(
            body("  - rule: allowed-skus\n    deny: {a: b}"), "5:11: `deny` is a mapping", id="a mapping for a list"
        ),
        pytest.param(body("  - rule: allowed-skus\n    deny: [~]"), "5:12: `deny[0]` is empty", id="nothing in a list"),
        pytest.param(
            body("  - rule: allowed-skus\n    deny: ['[a-z]']"),
            "5:12: `deny[0]` is '[a-z]'",
            id="brackets in a pattern",
        ),
        pytest.param(
            body("  - rule: allowed-purchase-models\n    deny: [on-demand]"),
            "5:12: `deny[0]` is 'on-demand'; expected `on_demand`",
            id="a purchase model in other letters",
        ),
        pytest.param(
            body("  - rule: allowed-regions\n    deny: ['google:*']"),
            "there is no cloud named google; did you mean gcp?",
            id="a cloud by its provider's name",
        ),
        pytest.param(
            body("  - rule: required-tags\n    tags: [{key: a, valeus: [b]}]"),
            "has no key 'valeus'; did you mean `values`?",
            id="a misspelt setting of a tag",
        ),
        pytest.param(
            body("  - rule: required-tags\n    tags: [team]\n    ignore_key_case: yes"),
            "6:22: `ignore_key_case` is 'yes'; expected true or false",
            id="yes for true",
        ),
        pytest.param(
            body("  - rule: max-exposure\n    limit: 5\n  - rule: max-exposure\n    limit: 6"),
            "6:5: max-exposure is there twice; the first is in line 4",
            id="a rule twice under one name",
        ),
        pytest.param(
            body("  - {rule: max-gpus, limit: 1, id: a}\n  - {rule: max-exposure, limit: 1, id: a}"),
            "5:5: a is there twice",
            id="an own name twice",
        ),
    ],
)
def test_a_wrong_file_is_refused_with_the_place_and_the_way_out(
    tmp_path: Path, content: str | bytes, says: str
) -> None:
    path = write(tmp_path, content)
    message = refused(path)
    assert path in message
    assert says in message, message
    assert all(char.isprintable() or char == "\n" for char in message)
    assert len(message) < 4000


@pytest.mark.parametrize("loader", ["CSafeLoader", "SafeLoader"])
@pytest.mark.parametrize(
    "content",
    [
        pytest.param(body("  - rule: max-exposure\n    limit:"), id="nothing for a limit"),
        pytest.param(body("  - *a"), id="an alias"),
        pytest.param(body("\t- rule: x"), id="a tab"),
        pytest.param(body('  - rule: max-exposure\n    limit: "\\e"'), id="a control character"),
    ],
)
def test_both_parsers_refuse_the_same_at_the_same_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, loader: str
) -> None:
    expected = refused(write(tmp_path, content))
    if not hasattr(yaml, loader):
        pytest.skip("PyYAML was built without libyaml")
    monkeypatch.setattr(yaml, "CSafeLoader", getattr(yaml, loader), raising=False)
    assert refused(write(tmp_path, content)) == expected


@pytest.mark.parametrize(
    ("written", "cents"),
    [
        pytest.param("20000", "20000", id="digits"),
        pytest.param("20,000", "20000", id="digits in groups"),
        pytest.param('"$1,234,567.89"', "1234567.89", id="dollars in groups with cents"),
        pytest.param("0", "0", id="nothing"),
        pytest.param("0.1", "0.1", id="a tenth, which no float is"),
        pytest.param("1234567890123.45", "1234567890123.45", id="more digits than a float has"),
    ],
)
def test_amounts_are_read_digit_by_digit(tmp_path: Path, written: str, cents: str) -> None:
    (pack,) = load([write(tmp_path, body(f"  - rule: max-exposure\n    limit: {written}"))])
    assert str(vars(pack.rules[0].settings)["limit"]) == cents


@pytest.mark.parametrize(
    "written",
    ["1_000", "0o17", "017", "0x10", "12:30", "1e3", ".inf", ".nan", "-5", "+5", "20,00", "2,0000", "20k", "€20", "5.", ".5",
     "yes", "no", "null", "~", '""', "[5]", "{a: 5}", "٣", "1" * 400, "2020-01-01"],
)  # fmt: skip
def test_what_is_no_plain_amount_is_refused(tmp_path: Path, written: str) -> None:
    message = refused(write(tmp_path, body(f"  - rule: max-exposure\n    limit: {written}")))
    assert "acme.yml:5:" in message
    assert "expected an amount in US dollars" in message


@pytest.mark.parametrize("written", ["20%%", "20% off", "-1", "1e2", "0.2.1", "twenty", "[20]", "~"])
def test_what_is_no_plain_percentage_is_refused(tmp_path: Path, written: str) -> None:
    message = refused(write(tmp_path, body(f"  - rule: max-increase-percent\n    limit: {written}")))
    assert "expected a percentage of 0 or more" in message


@pytest.mark.parametrize("written", ["8 GPUs", "1,000", "-1", "eight", "0x8", "[8]", "~"])
def test_what_is_no_plain_number_is_refused(tmp_path: Path, written: str) -> None:
    message = refused(write(tmp_path, body(f"  - rule: max-gpus\n    limit: {written}")))
    assert "expected a number of 0 or more" in message


def test_words_that_yaml_takes_for_something_else_stay_words(tmp_path: Path) -> None:
    words = ["no", "on", "off", "yes", "true", "1_000", "012", "1e3", "12:30", "2020-01-01"]
    (pack,) = load([write(tmp_path, body(f"  - rule: allowed-skus\n    deny: [{', '.join(words)}]"))])
    assert list(vars(pack.rules[0].settings)["deny"]) == words


def test_all_mistakes_of_a_file_are_told_in_their_order(tmp_path: Path) -> None:
    rules = "  - rule: max-exposure\n    limit: x\n  - rule: nonsense\n  - rule: max-gpus\n    limit: 1\n    zzz: 1"
    message = refused(write(tmp_path, "version: 3\nname: acme\nrules:\n" + rules))
    assert message.splitlines()[0].endswith("acme.yml: 4 mistakes")
    assert [line.split("acme.yml:")[1].split(":")[0] for line in message.splitlines()[1:]] == ["1", "5", "6", "9"]


def test_many_mistakes_are_cut_to_thirty(tmp_path: Path) -> None:
    message = refused(write(tmp_path, body("  - rule: nonsense\n" * 50)))
    assert len(message.splitlines()) == 32
    assert message.endswith("and 20 more")


def test_a_byte_order_mark_and_windows_line_ends_are_read(tmp_path: Path) -> None:
    (pack,) = load([write(tmp_path, b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())])
    assert [(entry.id, entry.line) for entry in pack.rules] == [("max-monthly-total", 4)]


def test_a_pack_in_json_is_read_since_json_is_yaml(tmp_path: Path) -> None:
    (pack,) = load([write(tmp_path, '{"version": 1, "name": "acme", "rules": [{"rule": "max-gpus", "limit": 8}]}')])
    assert pack.rules[0].id == "max-gpus"


def test_a_remediation_over_several_lines_becomes_one(tmp_path: Path) -> None:
    text = "  - rule: max-exposure\n    limit: 5\n    remediation: |\n      Ask\n      the platform team."
    (pack,) = load([write(tmp_path, body(text))])
    assert pack.rules[0].settings.remediation == "Ask the platform team."


def test_a_directory_gives_its_files_in_order_of_their_names(tmp_path: Path) -> None:
    for name in ("b.yml", "a.yaml", ".hidden.yml", "notes.txt"):
        write(tmp_path, GOOD.replace("acme", name[0] if name[0] != "." else "hidden"), name)
    assert [pack.name for pack in load([str(tmp_path)])] == ["a", "b"]


def test_a_directory_with_one_wrong_file_is_refused(tmp_path: Path) -> None:
    write(tmp_path, GOOD, "a.yml")
    write(tmp_path, "version: 1", "b.yml")
    assert "b.yml:1:1" in refused(str(tmp_path))


def test_a_directory_without_packs_is_refused(tmp_path: Path) -> None:
    assert "has no *.yml or *.yaml file" in refused(str(tmp_path))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert "there is no such file" in refused(str(tmp_path / "missing.yml"))


@pytest.mark.parametrize("name", ["", "a\0b", "x" * 5000, "\x1b[31m"])
def test_a_path_that_cannot_be_is_refused(name: str) -> None:
    message = refused(name)
    assert "\x1b" not in message


def test_a_misspelt_shipped_pack_is_refused_with_the_right_name() -> None:
    assert "did you mean `default`?" in refused("defualt")


def test_a_file_without_permission_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(self: Path, mode: str) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(self))

    path = write(tmp_path, GOOD)
    monkeypatch.setattr(Path, "open", denied)  # a mode says nothing to a test run as root
    assert refused(path) == f"{path}: cannot be read: permission denied"


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yml")
    assert "not a regular file" in refused(str(tmp_path / "pipe.yml"))


def test_a_link_to_itself_is_refused(tmp_path: Path) -> None:
    (tmp_path / "loop.yml").symlink_to("loop.yml")
    assert "cannot be read" in refused(str(tmp_path / "loop.yml"))


def test_two_packs_of_one_name_are_refused(tmp_path: Path) -> None:
    write(tmp_path, GOOD, "a.yml")
    write(tmp_path, GOOD, "b.yml")
    assert "a pack named acme was read from" in refused(str(tmp_path))


def test_a_pack_named_twice_is_read_once(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    (tmp_path / "link.yml").symlink_to(path)
    assert len(load([path, str(tmp_path), "default", "default"])) == 2


def test_a_shipped_name_wins_over_a_directory_of_that_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "default").mkdir()
    monkeypatch.chdir(tmp_path)
    assert load(["default"])[0].path == "policies/default.yml"
    assert "has no *.yml" in refused("./default")


def test_every_shipped_pack_loads_under_its_own_name() -> None:
    assert "default" in shipped()
    for name in shipped():
        (pack,) = load([name])
        assert pack.name == name
        assert pack.description


def test_an_installed_package_finds_its_packs_beside_its_modules(tmp_path: Path) -> None:
    """Laid out as the wheel lays it out, far from any checkout."""
    shutil.copytree(CHECKOUT / "gpuguard" / "decide", tmp_path / "gpuguard" / "decide")
    shutil.copytree(CHECKOUT / "gpuguard" / "model", tmp_path / "gpuguard" / "model")
    for name in ("__init__.py", "errors.py", "yamlfile.py", "yamlmodel.py"):
        shutil.copy(CHECKOUT / "gpuguard" / name, tmp_path / "gpuguard" / name)
    shutil.copytree(CHECKOUT / "policies", tmp_path / "gpuguard" / "policies")
    code = "from gpuguard.decide import load, shipped; load(['default']); print(shipped()['default'])"
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path)},
    )
    assert Path(run.stdout.strip()) == tmp_path / "gpuguard" / "policies" / "default.yml"


def test_importing_the_package_imports_neither_pydantic_nor_yaml() -> None:
    code = "import sys, gpuguard.decide; print(sorted({'pydantic', 'yaml', 'jinja2', 'sqlite3'} & sys.modules.keys()))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=CHECKOUT)
    assert run.stdout.strip() == "[]"


@settings(max_examples=150, deadline=None)
@given(
    content=st.one_of(st.binary(max_size=200), st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")))
)
def test_any_bytes_are_read_or_refused_with_a_place(content: bytes) -> None:
    document = parse(content)
    assert read(document) is not None or document.mistakes
    assert all(one.place.line > 0 and one.place.column > 0 for one in document.mistakes)


values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=10),
        st.sampled_from(["max-gpus", "spot"]),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(
    rule=st.sampled_from(sorted(rules())),
    entry=st.dictionaries(
        st.sampled_from(["limit", "basis", "tags", "allow", "deny", "id", "scope", "models", "outcome", "zzz"]),
        values,
        max_size=4,
    ),
)
def test_any_settings_are_read_or_refused_with_a_place(rule: str, entry: dict[str, object]) -> None:
    """Settings of any type and depth, written as YAML by somebody else's hand, never end in anything but an answer."""
    content = yaml.safe_dump({"version": 1, "name": "acme", "rules": [{"rule": rule, **entry}]}, allow_unicode=True)
    document = parse(content.encode("utf-8", "replace"))
    assert read(document) is not None or document.mistakes


def test_a_pack_full_of_mistakes_is_not_examined_to_the_end() -> None:
    document = parse(body("  - {rule: nonsense, a: b}\n" * 20_000).encode())
    assert read(document) is None
    assert len(document.mistakes) == MOST_MISTAKES
