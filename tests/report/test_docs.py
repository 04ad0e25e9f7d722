"""docs/report.md shows reports of the shape that is written today."""

import json
import re
from pathlib import Path

import msgspec
import pytest

from gpuguard.model.report import Report, Resource, Summary
from gpuguard.report import FORMATS
from gpuguard.report.text import SYMBOLS

TEXT = (Path(__file__).parents[2] / "docs" / "report.md").read_text(encoding="utf-8")
BLOCKS = [json.loads(block) for block in re.findall(r"^```json\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)]


@pytest.mark.parametrize(
    ("block", "kind"),
    [pytest.param(0, Summary, id="the totals"), pytest.param(1, Resource, id="a resource")],
)
def test_the_documented_json_has_the_keys_of_the_report(block: int, kind: type[msgspec.Struct]) -> None:
    assert list(BLOCKS[block]) == list(kind.__struct_fields__)
    msgspec.convert(BLOCKS[block], kind)


def test_every_key_format_and_sign_is_documented() -> None:
    for key in Report.__struct_fields__:
        assert f"`{key}`" in TEXT
    for format in FORMATS:
        assert f"| `{format}` |" in TEXT
    for sign in SYMBOLS.values():
        assert f"`{sign}`" in TEXT
