"""Speed of one accelerator over another, from the tables of measured pairs and of ratios to a reference card."""

from collections.abc import Iterable
from typing import Literal, cast

from gpuguard.model.price import Performance
from gpuguard.price.schema import Row


class Performances:
    """The performance tables of a catalog: rows of `performance_pair` and `performance_ratio`, in canonical model names."""

    PAIRS = "SELECT workload, model, other, ratio, low, high, benchmarks FROM performance_pair"
    RATIOS = "SELECT workload, model, reference, ratio, low, high, basis, confidence FROM performance_ratio"

    def __init__(self, pairs: Iterable[Row], ratios: Iterable[Row]) -> None:
        self._pairs = {
            (str(row[0]), str(row[1]), str(row[2])): (
                _number(row[3]),
                _number(row[4]),
                _number(row[5]),
                int(_number(row[6])),
            )
            for row in pairs
        }
        self._ratios = {(str(row[0]), str(row[1])): row[2:] for row in ratios}
        self.workloads = tuple(sorted({key[0] for key in (*self._ratios, *self._pairs)}))
        """The classes of work there are figures for."""

    def of(self, model: str, other: str, workload: str) -> Performance | None:
        """Speed of one `model` divided by that of one `other`; None where nothing is known."""
        if workload not in self.workloads:
            return None
        if model == other:
            return Performance(1.0, workload, "measured", "high", 1.0, 1.0)
        for first, second in ((model, other), (other, model)):
            if pair := self._pairs.get((workload, first, second)):
                ratio, low, high, benchmarks = pair
                confidence = self._pair_confidence(workload, first, second, low, high, benchmarks)
                if first != model:
                    ratio, low, high = 1 / ratio, 1 / high, 1 / low
                return Performance(ratio, workload, "measured", confidence, low, high)
        return _through_reference(
            workload, model, other, self._ratios.get((workload, model)), self._ratios.get((workload, other))
        )

    def _pair_confidence(self, workload: str, one: str, two: str, low: float, high: float, benchmarks: int) -> str:
        """Rate a measured pair.

        Where one of the two is the class's reference, the ratio table rates the same evidence with its scatter. Else
        a single benchmark is low, three that agree within 25 % each way are high, and the rest is medium.
        """
        for model, reference in ((one, two), (two, one)):
            row = self._ratios.get((workload, model))
            if row is not None and row[0] == reference and row[4] == "measured":
                return str(row[5])
        if benchmarks == 1:
            return "low"
        return "high" if benchmarks >= 3 and high / low <= 1.25**2 else "medium"


def _through_reference(workload: str, model: str, other: str, one: Row | None, two: Row | None) -> Performance | None:
    if one is None or two is None or one[0] != two[0]:
        return None
    bases, confidences = ("measured", "chained", "proxy", "datasheet"), ("high", "medium", "low")
    basis = max((str(one[4]), str(two[4])), key=bases.index)
    # Two cards measured against a third are chained, unless one of them is that third card.
    if basis == "measured" and one[0] not in (model, other):
        basis = "chained"
    low, high = None, None
    if None not in (one[2], one[3], two[2], two[3]):
        low, high = _number(one[2]) / _number(two[3]), _number(one[3]) / _number(two[2])
    return Performance(
        ratio=_number(one[1]) / _number(two[1]),
        workload=workload,
        basis=cast("Literal['measured', 'chained', 'proxy', 'datasheet']", basis),
        confidence=max((str(one[5]), str(two[5])), key=confidences.index),
        low=low,
        high=high,
    )


def _number(cell: str | float | int | None) -> float:
    return 0.0 if cell is None else float(cell)
