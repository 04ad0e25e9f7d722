"""Hypothesis strategies: any report at all, and strings that strangers would choose."""

import types
import typing
from datetime import date
from decimal import Decimal
from typing import Any, Literal

import msgspec
from hypothesis import strategies as st

from gpuguard.model.report import Component, Report

FRAGMENTS = (
    "@acme", "@acme/ml-leads", "#1", "GH-12", "acme/repo#7", "a3f5c9d01b", "https://example.com/x", "www.example.com",
    "mail@example.com", "mailto:a@example.com", ":tada:", "$x$", "$`x`$", "`", "``", "```", "|", "\\|", "\\", "*b*",
    "**b**", "_i_", "__b__", "~~s~~", "[l](https://example.com)", "![i](https://example.com/i.png)", "[^1]", "<b>",
    "</details>", "<script>alert(1)</script>", "<!-- x -->", "&lt;", "&#64;acme", "- x", "1. x", "# x", "> x", "---", "===",
    "\n", "\r\n", "\t", "\n\n", "\n| a | b |\n", "\x1b[31m", "\x1b]8;;https://example.com\x07", "\x00", "\x07", "\x7f",
    "\x9b31m", "\u202e", "\u2066", "\u200b", "\u200d", "\ufeff", "\u2028", "\u00a0", "\u3000", "\ud800", "\udcff", "\ufe0f",
    "e\u0301", "\u0301" * 9, "漢字", "한글", "\u1112\u1161\u11ab", "👩\u200d🚀", "🇩🇪", "ﷺ", "क्षि", "{{ 7*7 }}", "{% raw %}",
)  # fmt: skip
"""What Markdown, GitHub, a terminal or a template would act on."""

nasty = st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.text(max_size=12), st.just(" ")), max_size=8).map("".join)
money = st.decimals(min_value=-(10**9), max_value=10**9, places=6) | st.sampled_from(
    [Decimal("1E+3"), Decimal("-0.00"), Decimal("0E-10"), Decimal("1E-7"), Decimal("734.3800")]
)
quantity = st.one_of(st.integers(0, 10**6).map(float), st.floats(0, 10**6, allow_nan=False, allow_infinity=False))


def _of(kind: Any) -> st.SearchStrategy[Any]:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind is str:
        return nasty
    if kind is Decimal:
        return money
    if kind is float:
        return quantity
    if kind in (int, bool):
        return st.integers(0, 10**6) if kind is int else st.booleans()
    if kind is types.NoneType:
        return st.none()
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin in (types.UnionType, typing.Union):
        return st.one_of(*map(_of, arguments))
    if origin is dict:
        return st.dictionaries(nasty, nasty, max_size=2)
    if origin is tuple:
        if arguments[-1] is Ellipsis:
            return st.lists(_of(arguments[0]), max_size=2).map(tuple)
        return st.tuples(*map(_of, arguments))
    assert issubclass(kind, msgspec.Struct), kind
    hints = typing.get_type_hints(kind)
    fields = {name: _of(hints[name]) for name in kind.__struct_fields__}
    if kind is Component:
        fields["as_of"] = st.none() | st.dates().map(date.isoformat)  # the one text that a report is not read without
    return st.builds(kind, **fields)


reports: st.SearchStrategy[Report] = _of(Report)
"""Reports of the right shape that make no sense: every text is nasty, every figure is any figure."""
