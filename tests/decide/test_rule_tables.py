"""Every rule against its table."""

import pytest

from gpuguard.decide import decide
from tests.decide.build import pack
from tests.decide.cases import CASES, Case


@pytest.mark.parametrize(
    ("rule", "case"),
    [
        pytest.param(rule, case, id=f"{rule} answers {case.outcome}{' as existing' * case.existing} to {case.says}")
        for rule, cases in CASES.items()
        for case in cases
    ],
)
def test_a_rule_answers_as_its_table_says(rule: str, case: Case) -> None:
    policy = decide([pack(f"rule: {rule}\n{case.settings}")], case.change)
    results = [(result.outcome, result.existing) for result in policy.results]
    assert results == [(case.outcome, case.existing)], [result.message for result in policy.results]
    assert policy.outcome == case.outcome


@pytest.mark.parametrize(
    ("rule", "case"),
    [
        pytest.param(rule, case, id=f"{rule} only warns of {case.says}")
        for rule, cases in CASES.items()
        for case in cases
        if case.outcome in ("fail", "undecided") and "enforcement" not in case.settings
    ],
)
def test_an_advisory_rule_warns_where_a_mandatory_one_blocks(rule: str, case: Case) -> None:
    policy = decide([pack(f"rule: {rule}\nenforcement: advisory\n{case.settings}")], case.change)
    assert [result.outcome for result in policy.results] == ["warn"]
    assert policy.outcome == "warn"
