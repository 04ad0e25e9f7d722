"""The verdict over all rules: order, enforcement, fairness, --strict, and what the results hold."""

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpuguard.decide import Judged, decide, load
from gpuguard.model.report import Resource, ResourceKey
from tests.decide.build import changed, judged, pack, pool, resource, state
from tests.decide.cases import (
    CASES,
    CHEAP,
    DEAR,
    NEW_CHEAP,
    NEW_DEAR,
    NEW_UNKNOWN,
    NEW_UNPRICED,
    NOTHING,
    NOWHERE,
    OLD_DEAR,
    OLD_UNPRICED,
    UNBOUNDED,
    UNPRICED,
)

FAILS = "rule: max-resource-cost\nid: fails\nlimit: 1"
WARNS = "rule: max-resource-cost\nid: warns\nlimit: 1\nenforcement: advisory"
PASSES = "rule: max-gpus\nid: passes\nlimit: 100"
OPEN = "rule: unpriced-gpu\nid: open"
DEAR_AND_UNPRICED = judged(resource(None, DEAR), resource(None, UNPRICED, address="aws_instance.new"))


@pytest.mark.parametrize(
    ("rules", "outcome"),
    [
        pytest.param([], "pass", id="no rule passes"),
        pytest.param([PASSES], "pass", id="a passing rule passes"),
        pytest.param([PASSES, WARNS], "warn", id="a warning beats a pass"),
        pytest.param([WARNS, OPEN], "undecided", id="undecided beats a warning"),
        pytest.param([OPEN, WARNS, FAILS, PASSES], "fail", id="a failure beats all"),
    ],
)
def test_the_worst_result_is_the_verdict(rules: list[str], outcome: str) -> None:
    packs = [pack(*rules)] if rules else []
    assert decide(packs, DEAR_AND_UNPRICED).outcome == outcome


def test_the_worst_pack_is_the_verdict() -> None:
    policy = decide([pack(PASSES, name="one"), pack(FAILS, name="two")], NEW_DEAR)
    assert policy.outcome == "fail"
    assert [(result.pack, result.rule) for result in policy.results] == [("one", "passes"), ("two", "fails")]


def test_a_passing_rule_says_what_it_checked() -> None:
    (result,) = decide([pack("rule: max-monthly-total\nlimit: 1000")], NEW_CHEAP).results
    assert (result.message, result.actual, result.limit) == ("$734 a month is within $1,000", "$734", "$1,000")
    assert result.resources == ()
    assert result.remediation is None


def test_a_failing_rule_says_how_much_is_over_what_and_what_to_do() -> None:
    (result,) = decide([pack("rule: max-monthly-increase\nlimit: 20000")], NEW_DEAR).results
    assert (result.message, result.actual) == ("+$40,179 a month is over $20,000", "+$40,179")
    assert result.resources == (ResourceKey(project="acme", address="aws_instance.node"),)
    assert result.remediation is not None


def test_an_own_name_and_an_own_remedy_are_shown() -> None:
    (result,) = decide([pack("rule: max-gpus\nlimit: 0\nid: team-cap\nremediation: Ask acme.")], NEW_DEAR).results
    assert (result.rule, result.remediation) == ("team-cap", "Ask acme.")


def test_amounts_that_round_alike_are_told_apart() -> None:
    (result,) = decide([pack("rule: max-monthly-total\nlimit: 734")], NEW_CHEAP).results
    assert result.message == "$734.38 a month is over $734.00"


def test_an_old_violation_does_not_hide_a_new_one() -> None:
    change = judged(resource(DEAR, DEAR, address="aws_instance.old"), resource(None, DEAR, address="aws_instance.new"))
    results = decide([pack("rule: allowed-gpus\nallow: [T4]")], change).results
    assert [(result.outcome, result.existing, result.resources[0].address) for result in results] == [
        ("fail", False, "aws_instance.new"),
        ("warn", True, "aws_instance.old"),
    ]


def test_many_violations_are_one_result_that_lists_all_and_says_how_far() -> None:
    change = judged(*(resource(None, DEAR, address=f"aws_instance.node[{index}]") for index in range(2500)))
    rules = pack(
        "rule: allowed-gpus\nallow: [T4]",
        "rule: max-resource-cost\nlimit: 1000",
        "rule: max-gpus\nlimit: 1\nper: resource",
    )
    results = decide([rules], change).results
    assert [len(result.resources) for result in results] == [2500] * 3
    assert [result.message for result in results] == [
        "GPU model H100-80GB is not allowed",
        "up to $40,179 a month each, over $1,000",
        "up to 8 GPUs each, over 1",
    ]


def test_resources_of_several_projects_are_told_apart() -> None:
    change = judged(resource(None, DEAR, project="one"), resource(None, DEAR, project="two"))
    (result,) = decide([pack("rule: allowed-gpus\nallow: [T4]")], change).results
    assert [one.project for one in result.resources] == ["one", "two"]


@pytest.mark.parametrize(
    ("others", "outcome"),
    [
        pytest.param([], "warn", id="warns where nothing else tells of it"),
        pytest.param(["rule: unpriced-gpu"], "skipped", id="is skipped where a mandatory rule tells of it"),
        pytest.param(
            ["rule: unpriced-gpu\nenforcement: advisory"], "skipped", id="is skipped where an advisory rule does"
        ),
        pytest.param(["rule: unknown-gpu"], "warn", id="warns where the other rule passes"),
        pytest.param(
            ["rule: allowed-gpus\ndeny: [X900*]"], "warn", id="warns where the other rule is about something else"
        ),
    ],
)
def test_an_advisory_limit_on_something_unpriced(others: list[str], outcome: str) -> None:
    rules = ["rule: max-exposure\nlimit: 1000\nenforcement: advisory", *others]
    for order in (rules, rules[::-1]):
        results = decide([pack(*order)], NEW_UNPRICED).results
        assert [result.outcome for result in results if result.rule == "max-exposure"] == [outcome]


def test_an_advisory_limit_warns_of_what_no_other_rule_tells() -> None:
    change = judged(resource(None, UNPRICED), resource(None, UNBOUNDED, address="aws_autoscaling_group.any"))
    rules = ["rule: max-exposure\nlimit: 1000\nenforcement: advisory", "rule: unpriced-gpu"]
    assert decide([pack(*rules)], change).results[0].outcome == "warn"
    assert decide([pack(*rules, "rule: unbounded-ceiling")], change).results[0].outcome == "skipped"


def test_a_mandatory_limit_is_undecided_whatever_else_tells_of_it() -> None:
    results = decide([pack("rule: max-exposure\nlimit: 1000", "rule: unpriced-gpu")], NEW_UNPRICED).results
    assert [result.outcome for result in results] == ["undecided", "undecided"]


def test_a_lower_cost_is_shown_as_such() -> None:
    change = judged(resource(state("1000"), state("800.60")))
    rules = pack("rule: max-monthly-increase\nlimit: 500", "rule: max-increase-percent\nlimit: 10")
    assert [result.actual for result in decide([rules], change).results] == ["−$199", "−19.9 %"]


def test_a_list_rule_tells_the_offending_name_once() -> None:
    change = judged(resource(None, DEAR), resource(None, DEAR, address="aws_instance.other"))
    (result,) = decide([pack("rule: allowed-skus\nallow: [g5.*, g6.*]")], change).results
    assert (result.actual, result.limit) == ("p5.48xlarge", "allowed: g5.*, g6.*")


@pytest.mark.parametrize("basis", ["expected", "max"])
def test_a_change_that_lowers_cost_fails_no_cost_rule(basis: str) -> None:
    change = judged(resource(state("90000", pool("p5.48xlarge", "H100-80GB", 2, 8)), DEAR))
    rules = pack(
        f"rule: max-monthly-total\nlimit: 1\nbasis: {basis}",
        f"rule: max-resource-cost\nlimit: 1\nbasis: {basis}",
        "rule: max-exposure\nlimit: 1",
        "rule: max-monthly-increase\nlimit: 0",
        "rule: max-increase-percent\nlimit: 0",
    )
    assert decide([rules], change).outcome == "warn"


def test_a_forgotten_machine_saves_nothing_that_pays_for_another() -> None:
    change = judged(resource(DEAR, None, "forget"), resource(None, DEAR, address="aws_instance.new"))
    assert decide([pack("rule: max-monthly-increase\nlimit: 40000")], change).outcome == "fail"
    assert decide([pack("rule: max-gpus\nlimit: 8")], change).outcome == "fail"


def test_a_purchase_paid_once_is_no_saving_for_the_rule_on_one_resource() -> None:
    block = state("100", pool("p5.48xlarge", "H100-80GB", per_unit=8), one_time="50000")
    change = judged(resource(state("500"), None, address="aws_instance.old"), resource(None, block))
    assert decide([pack("rule: max-resource-cost\nlimit: 50")], change).outcome == "fail"


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        pytest.param(NOTHING, "pass", id="no GPU passes"),
        pytest.param(NEW_CHEAP, "pass", id="a priced GPU passes"),
        pytest.param(judged(resource(None, UNBOUNDED)), "pass", id="a missing ceiling is not a missing price"),
        pytest.param(judged(resource(UNPRICED, None)), "pass", id="an unpriced GPU that goes passes"),
        pytest.param(NEW_UNPRICED, "undecided", id="a new unpriced GPU is undecided"),
        pytest.param(OLD_UNPRICED, "undecided", id="an untouched unpriced GPU is undecided"),
        pytest.param(
            judged(resource(UNPRICED, None, "forget")), "undecided", id="a forgotten unpriced GPU is undecided"
        ),
        pytest.param(NEW_UNKNOWN, "undecided", id="an unknown machine type is undecided"),
        pytest.param(judged(resource(None, NOWHERE)), "undecided", id="an unknown region is undecided"),
        pytest.param(judged(resource(None, CHEAP), unpriced=1), "pass", id="a disk without a price hides no GPU"),
    ],
)
def test_strict_leaves_the_verdict_open_whatever_the_packs(change: Judged, outcome: str) -> None:
    view = Judged(resources=change.resources, summary=change.summary, strict=True)
    policy = decide([], view)
    assert (policy.outcome, policy.results[-1].rule, policy.results[-1].outcome) == (outcome, "strict", outcome)


def test_strict_does_not_soften_a_failure() -> None:
    view = Judged(resources=DEAR_AND_UNPRICED.resources, summary=DEAR_AND_UNPRICED.summary, strict=True)
    assert decide([pack(FAILS)], view).outcome == "fail"


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        pytest.param(NOTHING, "pass", id="a plan without GPUs passes"),
        pytest.param(NEW_CHEAP, "pass", id="a small GPU passes"),
        pytest.param(judged(resource(DEAR, None)), "pass", id="a delete passes"),
        pytest.param(OLD_DEAR, "pass", id="a dear machine that nobody touches passes"),
        pytest.param(NEW_DEAR, "warn", id="a dear machine warns"),
        pytest.param(judged(resource(None, UNBOUNDED)), "warn", id="a missing ceiling warns"),
        pytest.param(NEW_UNKNOWN, "warn", id="an unknown machine type warns"),
        pytest.param(OLD_UNPRICED, "warn", id="an untouched GPU without a price warns"),
        pytest.param(NEW_UNPRICED, "undecided", id="a new GPU without a price is undecided"),
        pytest.param(
            judged(
                resource(None, changed(DEAR, monthly=DEAR.monthly), address="aws_instance.a"), resource(None, UNPRICED)
            ),
            "undecided",
            id="an amount over its limit does not fail beside it",
        ),
    ],
)
def test_the_default_pack_blocks_nothing_by_amount(change: Judged, outcome: str) -> None:
    assert decide(load(["default"]), change).outcome == outcome


RESOURCES = [one for cases in CASES.values() for case in cases for one in case.change.resources]
RULES = [f"rule: {rule}\n{case.settings}" for rule, cases in CASES.items() for case in cases]


@settings(max_examples=60, deadline=None)
@given(
    chosen=st.lists(st.sampled_from(RESOURCES), max_size=5),
    rules=st.lists(st.sampled_from(RULES), min_size=1, max_size=6, unique=True),
    data=st.data(),
)
def test_neither_the_order_of_rules_nor_of_resources_changes_what_is_found(
    chosen: list[Resource], rules: list[str], data: st.DataObject
) -> None:
    """Any resources under any rules: each rule answers alike wherever it and the resources stand."""
    named = [f"{rule}\nid: own-{index}" for index, rule in enumerate(rules)]
    shuffled = data.draw(st.permutations(named))
    straight = decide([pack(*named)], judged(*chosen))
    mixed = decide([pack(*shuffled)], judged(*chosen))
    assert straight.outcome == mixed.outcome
    assert sorted(straight.results, key=str) == sorted(mixed.results, key=str)
    turned = decide([pack(*named)], judged(*data.draw(st.permutations(chosen))))
    assert [(one.rule, one.outcome, one.existing) for one in turned.results] == [
        (one.rule, one.outcome, one.existing) for one in straight.results
    ]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(RULES), st.sampled_from(RESOURCES))
def test_what_nobody_touches_never_blocks(rule: str, one: Resource) -> None:
    """A no-op of any resource fails and opens nothing, under any rule that looks at the change only."""
    side = one.after or one.before
    if "scope: all" not in rule:
        assert decide([pack(rule)], judged(resource(side, side))).outcome in ("pass", "warn")


def test_the_default_pack_explains_each_of_its_rules() -> None:
    text = (Path(__file__).parents[2] / "policies" / "default.yml").read_text(encoding="utf-8")
    blocks = text.split("rules:\n", 1)[1].split("\n\n")
    assert len(blocks) == len(load(["default"])[0].rules)
    assert all(block.lstrip().startswith("#") for block in blocks)


def test_exact_amounts_are_compared_and_not_rounded_ones() -> None:
    change = judged(resource(None, state("0.30")))
    assert decide([pack("rule: max-monthly-total\nlimit: 0.3")], change).outcome == "pass"
    raised = judged(resource(None, state(str(Decimal("0.30") + Decimal("1e-12")))))
    assert decide([pack("rule: max-monthly-total\nlimit: 0.3")], raised).outcome == "fail"
