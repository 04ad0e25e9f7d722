"""Judge a priced change by policy packs: `load` reads the packs, `decide` gives the verdict.

Judging looks at the public shapes of the report only, so that a saved report can be judged again. Importing this
package is cheap; the models behind the packs are imported by the first `load`.
"""

from typing import Any

from gpuguard.decide.engine import decide
from gpuguard.decide.packs import Entry, Pack, load, shipped
from gpuguard.decide.view import Judged

__all__ = ["Entry", "Judged", "Pack", "decide", "load", "schema", "shipped"]


def schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a policy pack, made from the settings models of the rules."""
    from gpuguard.decide.format import pack_schema

    return pack_schema()
