"""What differs between two catalogs, and which of it is not believed unseen."""

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuguard.price.compare import Comparison, Difference, PriceRow, differences
from gpuguard.price.schema import PURCHASE_MODELS, Row
from tests.price import small
from tests.price.small import machine, price, spot

D = Decimal


def compared(before: list[Row], after: list[Row], types: tuple[Row, ...] = (), new: tuple[Row, ...] = ()) -> Comparison:
    """The differences of two sets of prices; `new` are the machine types afterwards, where they are others."""
    return differences(small.rows(before, types), small.rows(after, new or types))


def one(before: list[Row], after: list[Row], types: tuple[Row, ...] = ()) -> Difference:
    (found,) = compared(before, after, types).prices
    return found


def test_the_same_rows_are_no_difference() -> None:
    found = differences(small.full_rows(), small.full_rows())
    assert found == Comparison((), (), (), (), ())
    assert not found.doubtful


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"source": small.OLD}, id="another source"),
        pytest.param({"note": "checked"}, id="another note"),
    ],
)
def test_provenance_alone_is_no_difference(change: dict[str, str]) -> None:
    assert compared([price("a.1", "1")], [price("a.1", "1", **change)]).prices == ()  # type: ignore[arg-type] # all are texts


def test_the_same_figure_in_another_spelling_is_no_difference() -> None:
    assert compared([price("a.1", "1.5")], [price("a.1", "1.50")]).prices == ()


@pytest.mark.parametrize(
    ("before", "after", "change", "percent"),
    [
        pytest.param("50", "55", "dearer", "10", id="a dearer price"),
        pytest.param("50", "49.5", "cheaper", "-1", id="a cheaper price"),
        pytest.param("0.000001", "0.0000015", "dearer", "50", id="a tiny price"),
    ],
)
def test_a_move_is_told_in_percent_of_what_it_was(before: str, after: str, change: str, percent: str) -> None:
    found = one([price("a.1", before)], [price("a.1", after)])
    assert (found.change, found.before, found.after, found.percent) == (change, D(before), D(after), D(percent))
    assert found.doubt == ""


def test_a_new_price_has_no_before_and_no_percent() -> None:
    found = one([], [price("a.1", "1")])
    assert found == Difference("added", PriceRow("aws", "machine", "a.1", "us-east-1", "linux", "on_demand", "", ""), "hour", None, D(1))  # fmt: skip


def test_a_range_that_moves_around_the_same_figure_is_told() -> None:
    found = one([spot("a.1", "2", span=("1", "3"))], [spot("a.1", "2", span=("1", "4"))])
    assert (found.change, found.percent, found.doubt) == ("range", D(0), "")


# --- doubts ---


@pytest.mark.parametrize(
    ("before", "after", "believed"),
    [
        pytest.param("10", "30", True, id="three times is just believed"),
        pytest.param("10", "30.0001", False, id="more than three times is not"),
        pytest.param("30", "10", True, id="a third is just believed"),
        pytest.param("30", "9.9999", False, id="less than a third is not"),
        pytest.param("10", "0", False, id="nothing is not"),
        pytest.param("10", "-1", False, id="less than nothing is not"),
    ],
)
def test_how_far_a_price_may_move(before: str, after: str, believed: bool) -> None:
    found = compared([price("a.1", before)], [price("a.1", after)])
    assert found.doubtful is not believed
    assert bool(found.prices[0].doubt) is not believed


@pytest.mark.parametrize("note", ["derived from a saving", "order of magnitude only", "superseded by capacity"])
def test_an_estimate_may_have_been_far_off(note: str) -> None:
    assert not compared([spot("a.1", "1", note=note)], [spot("a.1", "10")]).doubtful


def test_an_estimate_that_becomes_nothing_is_doubted_all_the_same() -> None:
    assert compared([spot("a.1", "1", note="derived")], [spot("a.1", "0")]).doubtful


@pytest.mark.parametrize("usd", ["0", "-0.01"])
def test_a_new_price_of_nothing_is_doubted(usd: str) -> None:
    assert one([], [price("a.1", usd)]).doubt == "not above zero"


def test_a_price_of_nothing_that_was_there_before_is_no_divisor() -> None:
    found = one([price("a.1", "0")], [price("a.1", "1")])
    assert (found.change, found.percent) == ("dearer", None)


@pytest.mark.parametrize(
    ("row", "types", "doubt"),
    [
        pytest.param(price("a.1", "1"), (machine("a.1"),), "its list price is gone", id="a list price is missed"),
        pytest.param(price("a.1", "1"), (machine("a.1", status="retired"),), "", id="not that of a retired type"),
        pytest.param(spot("a.1", "1"), (machine("a.1"),), "", id="a spot price comes and goes"),
    ],
)
def test_a_price_that_is_gone(row: Row, types: tuple[Row, ...], doubt: str) -> None:
    found = one([row], [], types)
    assert (found.change, found.after, found.doubt) == ("removed", None, doubt)


def spots(count: int) -> list[Row]:
    """Spot prices, each of a region of its own."""
    return [spot("a.1", "1", f"region-{number}") for number in range(count)]


@pytest.mark.parametrize(
    ("before", "after", "melts"),
    [
        pytest.param(5, 0, False, id="five may go whatever their share"),
        pytest.param(6, 0, True, id="six of six may not"),
        pytest.param(100, 80, False, id="a fifth may go"),
        pytest.param(100, 79, True, id="more than a fifth may not"),
    ],
)
def test_how_many_prices_may_go_at_once(before: int, after: int, melts: bool) -> None:
    found = compared(spots(before), spots(after))
    assert found.doubtful is melts
    assert (found.doubts == (f"{before - after} of {before} aws machine prices bought as spot are gone",)) is melts


def test_prices_that_go_elsewhere_are_not_added_up() -> None:
    """Each purchase model of each kind and cloud is held against itself."""
    there = [spot("a.1", "1", f"region-{number}", cloud="gcp") for number in range(4)]
    assert not compared([*spots(4), *there], []).doubtful


@pytest.mark.parametrize(
    ("before", "after", "melts"),
    [
        pytest.param(2, 0, False, id="two of two may go"),
        pytest.param(3, 0, True, id="three of three may not"),
        pytest.param(20, 16, False, id="a fifth may go"),
        pytest.param(20, 15, True, id="more than a fifth may not"),
    ],
)
def test_how_many_prices_may_go_in_one_region(before: int, after: int, melts: bool) -> None:
    """A region that comes back empty or cut short hides in the numbers of the whole cloud."""
    others = [spot("z.1", "1", f"region-{number}") for number in range(400)]
    here = [spot(f"a.{number}", "1", "us-east-1") for number in range(before)]
    found = compared([*others, *here], [*others, *here[:after]])
    lost = f"{before - after} of {before} aws machine prices bought as spot in us-east-1 are gone"
    assert found.doubts == ((lost,) if melts else ())


@pytest.mark.parametrize(
    ("new", "doubt"),
    [
        pytest.param(
            spot("a.1", "0.19", "us-west-2"), "out of all proportion", id="spot at less than 2 % of the list price"
        ),
        pytest.param(
            spot("a.1", "31", "us-west-2"), "out of all proportion", id="spot at more than three times the list price"
        ),
        pytest.param(spot("a.1", "0.21", "us-west-2"), "", id="spot at 2 % of the list price"),
        pytest.param(
            price("a.1", "3.2", "eu-west-1"), "away from what other regions ask", id="a third of what others ask"
        ),
        pytest.param(
            price("a.1", "30.1", "eu-west-1"), "away from what other regions ask", id="three times what others ask"
        ),
        pytest.param(price("a.1", "12", "eu-west-1"), "", id="a fifth more than others ask"),
        pytest.param(price("b.1", "0.01", "eu-west-1"), "less than 0.02 USD", id="a new machine for a cent"),
        pytest.param(price("b.1", "0.05", "eu-west-1"), "", id="a new machine for five cents"),
    ],
)
def test_a_price_that_was_not_there_before_is_held_against_what_is_known(new: Row, doubt: str) -> None:
    known = [price("a.1", "10", "us-east-1"), price("a.1", "10", "us-west-2")]
    (found,) = compared(known, [*known, new]).prices
    assert found.change == "added"
    assert doubt in found.doubt
    assert bool(found.doubt) == bool(doubt)


# --- machine types ---


def test_types_come_go_and_change() -> None:
    before = (machine("a.1"), machine("b.1"), machine("c.1", vcpus=8))
    after = (machine("b.1"), machine("c.1", vcpus=16), machine("d.1"))
    found = compared([], [], before, after)
    assert found.types_added == (("aws", "d.1"),)
    assert found.types_removed == (("aws", "a.1"),)
    assert found.types_changed == (("aws", "c.1"),)


def test_machines_without_accelerators_are_not_told_of() -> None:
    assert compared([], [], (machine("a.1", None),), (machine("b.1", None),)).types_added == ()


# --- whatever the rows ---

KEYS = st.tuples(
    st.sampled_from(["a.1", "b.1", "c.1"]), st.sampled_from(["us-east-1", "*"]), st.sampled_from(PURCHASE_MODELS)
)
AMOUNTS = st.decimals(D("0.000001"), D("1000"), places=6).map(str)
PRICES = st.dictionaries(KEYS, AMOUNTS, max_size=12).map(
    lambda given: [price(sku, usd, region, model=model) for (sku, region, model), usd in given.items()]
)
TURNED = {"added": "removed", "removed": "added", "dearer": "cheaper", "cheaper": "dearer", "range": "range"}


@given(before=PRICES, after=PRICES)
def test_turned_around_what_was_added_is_removed_and_what_was_dearer_is_cheaper(
    before: list[Row], after: list[Row]
) -> None:
    there, back = compared(before, after), compared(after, before)
    assert [(TURNED[each.change], each.key, each.after, each.before) for each in there.prices] == [
        (each.change, each.key, each.before, each.after) for each in back.prices
    ]


@given(before=PRICES, after=PRICES)
def test_the_differences_lead_from_one_to_the_other(before: list[Row], after: list[Row]) -> None:
    prices = {row[:8]: D(str(row[9])) for row in before}
    for each in compared(before, after).prices:
        key = (
            each.key.cloud, each.key.kind, each.key.sku, each.key.region, each.key.os, each.key.purchase_model,
            each.key.term, each.key.payment,
        )  # fmt: skip
        assert prices.pop(key, None) == each.before
        if each.after is not None:
            prices[key] = each.after
    assert prices == {row[:8]: D(str(row[9])) for row in after}


@given(rows=PRICES, seed=st.randoms(use_true_random=False))
def test_the_order_of_rows_makes_no_difference(rows: list[Row], seed: object) -> None:
    shuffled = list(rows)
    seed.shuffle(shuffled)  # type: ignore[attr-defined] # a random.Random
    assert compared(rows, shuffled) == Comparison((), (), (), (), ())


def test_the_differences_stand_in_the_order_of_their_keys() -> None:
    found = compared([price("b.1", "1"), price("a.1", "1")], [price("c.1", "1"), price("a.1", "2")])
    assert [each.key.sku for each in found.prices] == ["a.1", "b.1", "c.1"]


def test_catalogs_read_from_files_are_compared_as_their_rows(tmp_path: Path) -> None:
    with small.catalog(tmp_path) as catalog:
        assert differences(small.rows(), catalog.rows()) == Comparison((), (), (), (), ())
