"""Write the coverage table of docs/catalog.md: ``python -m gpuguard.price.docs docs/catalog.md``."""

import re
import sys
from pathlib import Path

from gpuguard.price.catalog import Catalog
from gpuguard.price.coverage import Coverage, coverage

_BLOCK = re.compile(r"<!-- coverage -->\n.*?<!-- /coverage -->", re.DOTALL)
_WORDS = {
    "on_demand": "on demand",
    "savings_plan": "savings plan",
    "committed_use": "committed use",
    "capacity_block": "capacity block",
    "flex_start": "flex start",
}


def render(page: str) -> str:
    """The page with its table made anew from the embedded catalog."""
    with Catalog.open() as catalog:
        rows = [_row(each) for each in coverage(catalog)]
    head = (
        "| cloud | bought | machine types | pairs | | as range | oldest | newest |\n"
        "| --- | --- | --: | --: | --: | --: | --- | --- |\n"
    )
    table = f"<!-- coverage -->\n{head}{''.join(rows)}<!-- /coverage -->"
    return _BLOCK.sub(lambda _: table, page)


def _row(each: Coverage) -> str:
    bought = f"{_WORDS.get(each.purchase_model, each.purchase_model)} {each.term}".strip()
    ranged = f"{each.ranged:,}" if each.ranged else ""
    return (
        f"| {each.cloud} | {bought} | {each.skus_priced}/{each.skus_offered} | {each.priced:,}/{each.offered:,} "
        f"| {each.percent} % | {ranged} | {each.oldest or ''} | {each.newest or ''} |\n"
    )


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(render(path.read_text(encoding="utf-8")), encoding="utf-8")
