"""A plan is written by strangers: whatever they name things, a line stays a line and text stays text."""

import itertools
import re
import unicodedata
from collections.abc import Callable
from html.parser import HTMLParser

import cmarkgfm  # type: ignore[import-untyped]
import pytest
from cmarkgfm.cmark import Options  # type: ignore[import-untyped]
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from gpuguard.model.report import (
    Diagnostic,
    Edit,
    Gpu,
    Location,
    Report,
    Resource,
    ResourceKey,
)
from gpuguard.report import render
from gpuguard.report.markdown import LONGEST, code, prose
from gpuguard.report.text import cut_end, cut_middle, display_width, split_columns, visible
from tests.report.cases import (
    ONE_A10G,
    alternative,
    an_input,
    component,
    pool,
    report,
    resource,
    result,
    state,
)
from tests.report.strategies import FRAGMENTS, nasty, reports

# Shrinking a whole report takes minutes; the failing example is printed as it is.
slow = settings(
    max_examples=60,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
SGR = re.compile(r"\x1b\[[0-9;]*m")
VOID = {"br"}
# What GitHub makes links of, in the text that the Markdown has become.
REFERENCES = re.compile(
    r"(?<![\w@])@\w|#\d|GH-\d|://|www\.|\w@\w|:[\w+-]+:|\b[0-9a-f]{7,40}\b|\$(?!\d)[^$]*\$(?!\d)", re.IGNORECASE
)


def is_safe(text: str) -> bool:
    """One line or lines that a terminal prints as they are."""
    text.encode()
    return all(char == "\n" or unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Zl", "Zp"} for char in text)


class Html(HTMLParser):
    """The structure of a page, and its text inside and outside of code."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[str] = []
        self.prose: list[str] = []
        self.code: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes.extend(name for name, _ in attrs)
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open and self._open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data: str) -> None:
        kept = self.code if "code" in self._open else self.prose
        # The span around a dollar sign is what keeps it from being mathematics.
        kept.append("\N{WHITE MEDIUM STAR}" if self._open[-1:] == ["span"] else data)

    @property
    def structure(self) -> list[str]:
        return [tag for tag in self.tags if tag != "span"]


def html(markdown: str) -> Html:
    """The page that GitHub's own Markdown parser makes of it."""
    return Html(cmarkgfm.github_flavored_markdown_to_html(markdown, Options.CMARK_OPT_UNSAFE))


def one_of_everything(name: Callable[[str], str]) -> Report:
    """A report that prints every text there is, with `name` called for each; a text starts with what it is."""

    def named(index: int, project: str) -> Resource:
        node = pool(
            name("sku"),
            1,
            "A10G",
            name=name("pool"),
            candidates=(name("sku one"), name("sku two")),
            gpu=Gpu(model=name("gpu"), per_unit=1.0, memory_gib=None),
            covered_by=name("cover") if index else None,
        )
        texts = component(
            node, "1.5", description=name("component"), unit=name("unit"), source=name("source"), as_of=name("day")
        )
        other = component(
            None, "2.5", description=name("disk"), unit=name("unit"), source=name("source"), as_of=name("day")
        )
        return resource(
            f"aws_instance.{name('address')}",
            "update",
            ONE_A10G,
            state((node, "1.5"), cloud=name("cloud"), region=name("region"), components=(texts, other)),
            project=project,
            previous_address=name("old address"),
            deposed=name("deposed") if index else None,
            via=(name("template"),),
            location=Location(file=name("file"), line=1),
            tags={name("tag"): name("value")},
        )

    project = name("project")
    first, second = named(0, project), named(1, name("other project"))
    key = ResourceKey(project=project, address=first.address)
    return report(
        first,
        second,
        outcome="fail",
        results=(
            result(name("rule"), "fail", name("message"), remediation=name("remedy"), resources=(key,)),
            result(name("rule2"), "warn", name("message"), remediation=name("remedy"), existing=True),
            result(name("rule3"), "waived", name("message"), waiver={name("key"): name("value")}),
        ),
        alternatives=(
            alternative(
                first.address,
                name("title"),
                "1",
                "2",
                50.0,
                project=project,
                conditions=(name("condition"),),
                edits=(
                    Edit(
                        address=name("edited"),
                        path=name("path"),
                        from_=name("from"),
                        to=name("to"),
                        file=None,
                        line=None,
                    ),
                ),
            ),
        ),
        diagnostics=tuple(
            Diagnostic(
                level=level, code="c", project=None, address=name(f"at {level}"), message=name(level), hint=name("hint")
            )
            for level in ("error", "warning", "info")
        ),
        inputs=(
            an_input(project, name("path")),
            an_input("bad", name("path"), error=name("error")),
            an_input("half", name("half"), complete=False),
        ),
    )


PLAIN = html(render(one_of_everything(lambda kind: f"{kind} x"), "markdown"))


def assert_is_only_text(report: Report) -> None:
    """GitHub sees the same structure as for plain names, and nothing to link."""
    text = render(report, "markdown")
    page = html(text)
    assert is_safe(text)
    assert page.structure == PLAIN.structure
    assert set(page.attributes) <= {"align"}
    for said in page.prose:
        assert not REFERENCES.search(said), said


@pytest.mark.parametrize("fragment", FRAGMENTS)
def test_a_name_that_means_something_to_github_stays_a_name(fragment: str) -> None:
    for around in ("{}", "{0} {0}", "a{}b", "({})", "\\{}", "`{}", "{0}{0}"):
        name = around.format(fragment)
        assert_is_only_text(one_of_everything(lambda kind, name=name: f"{kind} {name}"))  # type: ignore[misc]


@slow
@given(st.lists(nasty.filter(lambda text: len(visible(text)) <= 60), min_size=1, max_size=9))
def test_markdown_keeps_its_structure_whatever_things_are_called(texts: list[str]) -> None:
    following = itertools.cycle(texts)
    assert_is_only_text(one_of_everything(lambda kind: f"{kind} {next(following)}"))


@given(nasty)
@example("`")
@example(" x")
@example("a\\|b")
@example("a_b_ _c_ $5 a$ $")
def test_markdown_shows_what_was_written(text: str) -> None:
    row = html(f"| a | b |\n| --- | --- |\n| x{prose(text)}x | {code('x' + text + 'x')} |\n")
    assert row.tags.count("td") == 2
    wanted = " ".join(cut_end(visible(text), 400).split())
    said = "".join(row.prose).replace("\u200b", "").replace("\N{WHITE MEDIUM STAR}", "$")
    assert wanted in " ".join(said.split())
    name = visible("x" + text + "x").replace("\\|", "\\\\x7c")
    assert "".join(row.code) == cut_middle(name, 160)


@slow
@given(reports, st.integers(1, 220), st.booleans(), st.booleans(), st.sampled_from(["changed", "all"]))
def test_no_line_of_any_table_is_wider_than_asked_or_acts_on_the_terminal(
    report: Report, width: int, color: bool, verbose: bool, show: str
) -> None:
    text = render(report, "table", width=width, color=color, verbose=verbose, show=show)  # type: ignore[arg-type]
    text = SGR.sub("", text) if color else text
    assert is_safe(text)
    assert text.endswith("\n")
    for line in text.splitlines():
        assert display_width(line) <= max(width, 20), line
        assert line == line.rstrip()


@slow
@given(reports, st.booleans())
def test_any_report_makes_markdown_that_github_takes(report: Report, verbose: bool) -> None:
    text = render(report, "markdown", verbose=verbose)
    assert is_safe(text)
    assert len(text) <= LONGEST
    page = html(text)
    assert {"a", "img", "em", "del", "script", "pre", "hr", "blockquote"}.isdisjoint(page.tags)
    assert page.tags.count("h2") == 1
    assert {"h1", "h3"}.isdisjoint(page.tags)


@given(nasty)
def test_visible_text_is_safe_and_stays_the_same(text: str) -> None:
    shown = visible(text)
    assert is_safe(shown)
    assert "\n" not in shown
    assert visible(shown) == shown


@given(nasty.map(visible), st.integers(2, 60))
def test_cut_text_fits_and_pieces_lose_nothing(text: str, width: int) -> None:
    assert display_width(cut_middle(text, width)) <= width
    assert display_width(cut_end(text, width)) <= width
    pieces = split_columns(text, width)
    assert "".join(pieces) == text
    assert all(display_width(piece) <= width for piece in pieces)


@pytest.mark.parametrize(
    ("text", "width"),
    [
        pytest.param("abc", 3, id="letters take one column"),
        pytest.param("漢字", 4, id="ideographs take two"),
        pytest.param("e\u0301", 1, id="a combining mark takes none"),
        pytest.param("\u1112\u1161\u11ab", 2, id="a syllable of Hangul letters takes two"),
        pytest.param("→ − × …", 7, id="the signs of the report take one"),
    ],
)
def test_width_on_a_terminal(text: str, width: int) -> None:
    assert display_width(text) == width


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("aws_instance.a", "aws_instance.a", id="an address is left alone"),
        pytest.param("Größe 漢字", "Größe 漢字", id="other scripts are left alone"),
        pytest.param("a\x1b[31mb", "a\\x1b[31mb", id="an escape sequence is shown"),
        pytest.param("a\nb", "a\\nb", id="a newline is shown"),
        pytest.param("a\u202eb", "a\\u202eb", id="a bidirectional override is shown"),
        pytest.param("a\udcffb", "a\\udcffb", id="a lone surrogate is shown"),
        pytest.param("a\u00a0b", "a\\xa0b", id="an unusual space is shown"),
        pytest.param("e" + "\u0301" * 5, "e" + "\u0301" * 3 + "\\u0301" * 2, id="a pile of marks is shown"),
        pytest.param("\u0301e", "\\u0301e", id="a mark without a letter is shown"),
    ],
)
def test_what_acts_on_a_terminal_is_shown_as_its_escape(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize("text", ["`" * 500, "漢" * 500, "\x1b" * 500, "|\\" * 250, "@#_" * 200, "word " * 200])
def test_the_longest_report_of_the_longest_names_fits_a_comment(text: str) -> None:
    resources = tuple(
        resource(f"aws_instance.{text}{index}", "create", None, ONE_A10G, previous_address=text) for index in range(200)
    )
    whole = report(
        *resources,
        outcome="fail",
        results=tuple(
            result(f"{text}{index}", outcome, text, remediation=text)
            for index in range(60)
            for outcome in ("fail", "warn", "waived")
        ),
        alternatives=tuple(
            alternative(one.address, text, "1", "2", 3.0, conditions=(text,) * 5) for one in resources for _ in range(3)
        ),
        diagnostics=tuple(
            Diagnostic(level="warning", code="c", project=None, address=text, message=f"{index}{text}", hint=text)
            for index in range(100)
        ),
        inputs=(*(an_input(f"{text}{index}", text, error=text) for index in range(100)), an_input()),
    )
    markdown = render(whole, "markdown", verbose=True)
    assert len(markdown) <= LONGEST
    assert html(markdown).tags.count("h2") == 1
    table = render(whole, "table", width=80)
    assert all(display_width(line) <= 80 for line in table.splitlines())
