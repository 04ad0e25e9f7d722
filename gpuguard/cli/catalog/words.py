"""Words the catalog's commands share."""

from gpuguard.report.text import PURCHASE_MODELS


def bought(model: str, term: str | None) -> str:
    """``reserved 1y``, ``on demand``."""
    words = PURCHASE_MODELS.get(model, model)
    return f"{words} {term}" if term else words
