"""What each rule says of which change: the tables behind the tests, by rule id."""

from dataclasses import dataclass
from decimal import Decimal

from gpuguard.decide import Judged
from tests.decide.build import judged, pool, resource, state

P5 = pool("p5.48xlarge", "H100-80GB", per_unit=8)
DEAR = state("40179.20", P5)
TWO_DEAR = state("80358.40", P5, P5)
CHEAP = state("734.38")
SCALING = state(("734.38", "7343.80"), pool(units=(1, 1, 10)))
UNBOUNDED = state(("734.38", None), pool(units=(1, 1, None)))
UNPRICED = state(None, pool("p9.48xlarge", "X900-1TB", per_unit=8), unit_price=None)
UNKNOWN = state(None, pool(None, None))
UNSIZED = state(None, pool(units=(None, None, None)))
UNHEARD_OF = state(None, pool("p9.48xlarge", None), unit_price=None)
UNHEARD_OF_UNBOUNDED = state(None, pool("p9.48xlarge", None, units=(1, 1, None)), unit_price=None)
NOWHERE = state("734.38", region=None)
COVERED = state("0", pool("p5.48xlarge", "H100-80GB", per_unit=8, covered_by="aws_ec2_capacity_reservation.r"))
DEMAND = state("0", pool("pods", "H100-80GB", per_unit=8, role="demand"))
SLICE = state("100", pool("g4-fraction", "T4", per_unit=0.5))
MIXED = state("734.38", pool("g5.xlarge", "A10G", candidates=("g5.xlarge", "p4d.24xlarge")))
SECRET = state("734.38", pool("(sensitive)", "A10G"))
SPOT = state("300", pool(purchase_model="spot"))
EUROPE = state("800", region="eu-west-1")
GCP = state("700", pool("g2-standard-4", "L4"), cloud="gcp", region="us-central1")
BLOCK = state("100", P5, one_time="30000")


@dataclass(frozen=True)
class Case:
    """One row: with these settings, this change is answered so. `existing` as in the results."""

    says: str
    settings: str
    change: Judged
    outcome: str = "pass"
    existing: bool = False


def quiet(says: str, settings: str, change: Judged) -> Case:
    """The rule passes."""
    return Case(says, settings, change)


def fires(says: str, settings: str, change: Judged, outcome: str = "fail") -> Case:
    """The rule finds something that this change brings."""
    return Case(says, settings, change, outcome)


def existing(says: str, settings: str, change: Judged) -> Case:
    """The rule finds something that was there before, and warns."""
    return Case(says, settings, change, "warn", existing=True)


NEW_DEAR = judged(resource(None, DEAR))
NEW_CHEAP = judged(resource(None, CHEAP))
OLD_DEAR = judged(resource(DEAR, DEAR))
NOTHING = judged()
RETAGGED_DEAR = judged(resource(DEAR, DEAR, "update"))
SHRUNK_DEAR = judged(resource(DEAR, state("30000", P5), "update"))
FORGOTTEN_DEAR = judged(resource(DEAR, None, "forget"))
DELETED_DEAR = judged(resource(DEAR, None))
IMPORTED_DEAR = judged(resource(DEAR, DEAR, importing=True))
DEPOSED = judged(resource(DEAR, None, "delete", deposed="00000001"), resource(None, CHEAP))
NEW_UNPRICED = judged(resource(None, UNPRICED))
OLD_UNPRICED = judged(resource(UNPRICED, UNPRICED))
NEW_UNKNOWN = judged(resource(None, UNKNOWN))
OLD_UNPRICED_NEW_CHEAP = judged(resource(UNPRICED, UNPRICED, address="aws_instance.old"), resource(None, CHEAP))
CHEAP_TO_UNPRICED = judged(resource(CHEAP, UNPRICED))
SWAPPED = judged(resource(state("90000", P5), None, address="aws_instance.old"), resource(None, DEAR))
CHEAP_TO_DEAR = judged(resource(CHEAP, DEAR))


def _tagged(**tags: str) -> Judged:
    return judged(resource(None, CHEAP, tags=tags))


CASES: dict[str, list[Case]] = {
    "max-monthly-total": [
        quiet(
            "a raised total from which an unpriced GPU goes",
            "limit: 1000",
            judged(resource(UNPRICED, None, address="aws_instance.old"), resource(None, CHEAP), unpriced=1),
        ),
        quiet("a plan without GPUs", "limit: 0", NOTHING),
        quiet("a total under the limit", "limit: 1000", NEW_CHEAP),
        quiet("a total of exactly the limit", "limit: 734.38", NEW_CHEAP),
        quiet("a delete that leaves nothing", "limit: 0", DELETED_DEAR),
        quiet("an untouched unpriced GPU, as nothing is raised", "limit: 1000", OLD_UNPRICED),
        quiet(
            "a maximum over the limit where the expected size is judged", "limit: 1000", judged(resource(None, SCALING))
        ),
        quiet("a missing bound where the expected size is judged", "limit: 1000", judged(resource(None, UNBOUNDED))),
        quiet("a region not known, as long as there is a price", "limit: 1000", judged(resource(None, NOWHERE))),
        existing("a total that is over without this change", "limit: 1000", OLD_DEAR),
        existing("a total that is over and lowered", "limit: 1000", SHRUNK_DEAR),
        existing("an import of what runs already", "limit: 1000", IMPORTED_DEAR),
        existing("a forgotten machine, whose money stays", "limit: 1000", FORGOTTEN_DEAR),
        fires("a total raised over the limit", "limit: 1000", NEW_DEAR),
        fires("a total a cent over the limit", "limit: 734.37", NEW_CHEAP),
        fires("a total that was over and is raised further", "limit: 100", judged(resource(CHEAP, DEAR))),
        fires("a total that is over with another part unpriced", "limit: 500", OLD_UNPRICED_NEW_CHEAP),
        fires("a total over the limit at maximum size", "limit: 1000\nbasis: max", judged(resource(None, SCALING))),
        fires(
            "a maximum raised while the expected size stays",
            "limit: 1000\nbasis: max",
            judged(resource(CHEAP, SCALING)),
        ),
        fires("an untouched total with scope all", "limit: 1000\nscope: all", OLD_DEAR),
        fires("a new GPU without a price", "limit: 1000", NEW_UNPRICED, "undecided"),
        fires("a raised total with an untouched GPU unpriced", "limit: 1000", OLD_UNPRICED_NEW_CHEAP, "undecided"),
        fires(
            "a missing bound at maximum size", "limit: 1000\nbasis: max", judged(resource(None, UNBOUNDED)), "undecided"
        ),
        fires(
            "an old total over the limit beside a new GPU without a price",
            "limit: 1000",
            judged(resource(DEAR, DEAR, address="aws_instance.old"), resource(None, UNPRICED)),
            "undecided",
        ),
        fires("an untouched unpriced GPU with scope all", "limit: 1000\nscope: all", OLD_UNPRICED, "undecided"),
    ],
    "max-exposure": [
        quiet("a plan without GPUs", "limit: 0", NOTHING),
        quiet("an exposure of exactly the limit", "limit: 7343.80", judged(resource(None, SCALING))),
        quiet("a delete", "limit: 0", DELETED_DEAR),
        quiet("a missing bound that was there before", "limit: 1000", judged(resource(UNBOUNDED, UNBOUNDED))),
        quiet(
            "an altered tag of something without a bound",
            "limit: 1000",
            judged(resource(UNBOUNDED, UNBOUNDED, "update")),
        ),
        existing("an exposure that is over without this change", "limit: 1000", judged(resource(SCALING, SCALING))),
        existing("a lowered maximum that is still over", "limit: 100", judged(resource(SCALING, CHEAP))),
        fires("a maximum raised over the limit", "limit: 1000", judged(resource(CHEAP, SCALING))),
        fires(
            "a replace that leaves the old machine running",
            "limit: 50000",
            judged(resource(DEAR, TWO_DEAR, "replace")),
        ),
        fires("an untouched exposure with scope all", "limit: 1000\nscope: all", judged(resource(SCALING, SCALING))),
        fires("a new pool without a bound", "limit: 1000", judged(resource(None, UNBOUNDED)), "undecided"),
    ],
    "max-monthly-increase": [
        quiet("a price within the limit for what had none", "limit: 734.38", judged(resource(UNPRICED, CHEAP))),
        fires(
            "a price over the limit for what had none and may have been dearer",
            "limit: 20000",
            judged(resource(UNPRICED, DEAR), monthly_delta=Decimal(0)),
            "undecided",
        ),
        fires(
            "an altered machine of unknown type on both sides",
            "limit: 20000",
            judged(resource(UNKNOWN, UNKNOWN, "update")),
            "undecided",
        ),
        quiet("a plan without GPUs", "limit: 0", NOTHING),
        quiet("an increase of exactly the limit", "limit: 734.38", NEW_CHEAP),
        quiet("an unchanged machine", "limit: 0", OLD_DEAR),
        quiet("a lower cost", "limit: 0", SHRUNK_DEAR),
        quiet("a delete", "limit: 0", DELETED_DEAR),
        quiet("an import", "limit: 0", IMPORTED_DEAR),
        quiet("an untouched unpriced GPU beside a small increase", "limit: 1000", OLD_UNPRICED_NEW_CHEAP),
        quiet("an altered tag of an unpriced machine", "limit: 0", judged(resource(UNPRICED, UNPRICED, "update"))),
        quiet("a dear machine in place of a dearer one", "limit: 0", SWAPPED),
        quiet("a deposed object that goes while a cheap one comes", "limit: 0", DEPOSED),
        fires("an increase over the limit", "limit: 20000", CHEAP_TO_DEAR),
        fires("a price paid once over the limit", "limit: 20000", judged(resource(None, BLOCK))),
        fires(
            "a known increase over the limit beside an unpriced one",
            "limit: 500",
            judged(resource(None, CHEAP), resource(None, UNPRICED, address="aws_instance.new")),
        ),
        fires("a new GPU without a price", "limit: 20000", NEW_UNPRICED, "undecided"),
        fires("a change from a known price to an unknown one", "limit: 20000", CHEAP_TO_UNPRICED, "undecided"),
        fires(
            "a saving beside a new GPU without a price",
            "limit: 20000",
            judged(resource(DEAR, None), resource(None, UNPRICED, address="aws_instance.new")),
            "undecided",
        ),
    ],
    "max-increase-percent": [
        fires("an increase beside what has no price", "limit: 500", OLD_UNPRICED_NEW_CHEAP, "undecided"),
        quiet(
            "a price within the limit for what had none",
            "limit: 2",
            judged(resource(DEAR, DEAR, address="aws_instance.old"), resource(UNPRICED, CHEAP)),
        ),
        fires(
            "a price over the limit for what had none",
            "limit: 1",
            judged(resource(DEAR, DEAR, address="aws_instance.old"), resource(UNPRICED, CHEAP)),
            "undecided",
        ),
        quiet("a plan without GPUs", "limit: 0", NOTHING),
        quiet("an unchanged machine", "limit: 0", OLD_DEAR),
        quiet("a lower cost", "limit: 0", SHRUNK_DEAR),
        quiet("a delete of everything", "limit: 0%", DELETED_DEAR),
        quiet("an increase of exactly the limit", "limit: 25", judged(resource(state("100"), state("125")))),
        quiet("an import", "limit: 10", IMPORTED_DEAR),
        fires("an increase a cent over the limit", "limit: 25", judged(resource(state("100"), state("125.01")))),
        fires("an increase from nothing", "limit: 500", NEW_CHEAP),
        fires("a change from a known price to an unknown one", "limit: 500", CHEAP_TO_UNPRICED, "undecided"),
    ],
    "max-resource-cost": [
        quiet("an altered tag of an unpriced GPU", "limit: 1000", judged(resource(UNPRICED, UNPRICED, "update"))),
        quiet("a plan without GPUs", "limit: 0", NOTHING),
        quiet("a cost of exactly the limit", "limit: 734.38", NEW_CHEAP),
        quiet("a delete", "limit: 0", DELETED_DEAR),
        quiet("a forgotten machine", "limit: 0", FORGOTTEN_DEAR),
        quiet(
            "two resources that are over only together",
            "limit: 1000",
            judged(resource(None, CHEAP), resource(None, CHEAP, address="aws_instance.other")),
        ),
        quiet(
            "a maximum over the limit where the expected size is judged", "limit: 1000", judged(resource(None, SCALING))
        ),
        quiet("an untouched unpriced GPU", "limit: 1000", OLD_UNPRICED),
        quiet("an instance in reserved capacity", "limit: 0", judged(resource(None, COVERED))),
        existing("an untouched dear machine", "limit: 1000", OLD_DEAR),
        existing("an altered tag of a dear machine", "limit: 1000", RETAGGED_DEAR),
        existing("a dear machine made cheaper", "limit: 1000", SHRUNK_DEAR),
        existing("an imported dear machine", "limit: 1000", IMPORTED_DEAR),
        fires("a new dear machine", "limit: 20000", NEW_DEAR),
        fires("a dear machine made dearer", "limit: 20000", judged(resource(DEAR, state("50000", P5)))),
        fires("a maximum over the limit", "limit: 1000\nbasis: max", judged(resource(None, SCALING))),
        fires("an untouched dear machine with scope all", "limit: 1000\nscope: all", OLD_DEAR),
        fires("a dear machine in place of a dearer one, which lowers cost", "limit: 20000", SWAPPED, "warn"),
        fires("the same with scope all", "limit: 20000\nscope: all", SWAPPED),
        fires("a new GPU without a price", "limit: 1000", NEW_UNPRICED, "undecided"),
        fires(
            "a missing bound at maximum size", "limit: 1000\nbasis: max", judged(resource(None, UNBOUNDED)), "undecided"
        ),
    ],
    "max-gpus": [
        fires(
            "an old count over the limit beside a new machine of unknown type",
            "limit: 4",
            judged(resource(DEAR, DEAR, address="aws_instance.old"), resource(None, UNKNOWN)),
            "undecided",
        ),
        quiet("a plan without GPUs", "limit: 0", NOTHING),
        quiet("a count of exactly the limit", "limit: 8", NEW_DEAR),
        quiet("other models than the counted", "limit: 0\nmodels: [A100*]", NEW_DEAR),
        quiet("half a GPU within half a GPU", "limit: 0.5", judged(resource(None, SLICE))),
        quiet("GPUs in reserved capacity, which are counted there", "limit: 0", judged(resource(None, COVERED))),
        quiet("a workload that asks for GPUs", "limit: 0", judged(resource(None, DEMAND))),
        quiet("a delete", "limit: 0", DELETED_DEAR),
        quiet("an unpriced GPU, as only the number counts", "limit: 8", NEW_UNPRICED),
        quiet("an untouched machine of unknown size", "limit: 1", judged(resource(UNSIZED, UNSIZED))),
        quiet(
            "two resources that are over only together",
            "limit: 1\nper: resource",
            judged(resource(None, CHEAP), resource(None, CHEAP, address="aws_instance.other")),
        ),
        existing("an untouched count over the limit", "limit: 4", OLD_DEAR),
        existing(
            "a lowered count that is still over",
            "limit: 4",
            judged(resource(state("80000", pool("p5.48xlarge", "H100-80GB", 2, 8)), DEAR)),
        ),
        existing("an untouched count over the limit of each", "limit: 4\nper: resource", OLD_DEAR),
        existing("an altered tag, by resource", "limit: 4\nper: resource", RETAGGED_DEAR),
        fires("a count over the limit", "limit: 7", NEW_DEAR),
        fires(
            "a total over the limit",
            "limit: 1",
            judged(resource(None, CHEAP), resource(None, CHEAP, address="aws_instance.other")),
        ),
        fires("a maximum over the limit", "limit: 8\nbasis: max", judged(resource(None, SCALING))),
        fires(
            "more GPUs for less money", "limit: 8", judged(resource(DEAR, state("9000", pool("g6.xlarge", "L4", 12))))
        ),
        fires("a counted model over the limit", "limit: 4\nmodels: [h100]", NEW_DEAR),
        fires("one resource over the limit of each", "limit: 4\nper: resource", NEW_DEAR),
        fires("an untouched count with scope all", "limit: 4\nscope: all", OLD_DEAR),
        fires("a machine type that is not known", "limit: 8", NEW_UNKNOWN, "undecided"),
        fires("a machine type that the catalog lacks", "limit: 8", judged(resource(None, UNHEARD_OF)), "undecided"),
        fires(
            "a machine type that the catalog lacks in one resource",
            "limit: 8\nper: resource",
            judged(resource(None, UNHEARD_OF)),
            "undecided",
        ),
        fires("a size that is not known", "limit: 8\nper: resource", judged(resource(None, UNSIZED)), "undecided"),
        fires(
            "a missing bound at maximum size", "limit: 8\nbasis: max", judged(resource(None, UNBOUNDED)), "undecided"
        ),
        fires(
            "a replace that leaves the old machine running",
            "limit: 8",
            judged(resource(DEAR, TWO_DEAR, "replace")),
        ),
    ],
    "allowed-gpus": [
        fires("a machine type that the catalog lacks", "allow: [T4]", judged(resource(None, UNHEARD_OF)), "undecided"),
        fires(
            "a machine that may hold a denied model", "deny: [H100]", judged(resource(None, UNHEARD_OF)), "undecided"
        ),
        quiet("a plan without GPUs", "allow: [T4]", NOTHING),
        quiet("an allowed model", "allow: [A10G]", NEW_CHEAP),
        quiet("an allowed model in small letters", "allow: [a10g]", NEW_CHEAP),
        quiet("an allowed pattern", 'allow: ["H*"]', NEW_DEAR),
        quiet("a model without its memory size", "allow: [H100]", NEW_DEAR),
        quiet("a model that is not denied", "deny: [A10]", NEW_CHEAP),
        quiet("a delete", "allow: [T4]", DELETED_DEAR),
        quiet("a workload that asks for GPUs", "deny: [H100]", judged(resource(None, DEMAND))),
        quiet("a forgotten machine", "allow: [T4]", FORGOTTEN_DEAR),
        existing("an untouched model", "allow: [T4]", OLD_DEAR),
        existing("an altered tag", "allow: [T4]", RETAGGED_DEAR),
        existing("fewer of them than before", "allow: [T4]", judged(resource(state("1468.76", pool(units=2)), CHEAP))),
        fires("a new model that is not allowed", "allow: [T4, L4]", NEW_DEAR),
        fires("a denied model, even if allowed", 'allow: ["*"]\ndeny: [H100-80GB]', NEW_DEAR),
        fires("another model than before", "allow: [T4, A10G]", CHEAP_TO_DEAR),
        fires("more of them than before", "allow: [T4]", judged(resource(CHEAP, state("1468.76", pool(units=2))))),
        fires("a higher maximum than before", "allow: [T4]", judged(resource(CHEAP, SCALING))),
        fires("a GPU in reserved capacity", "deny: [H100]", judged(resource(None, COVERED))),
        fires("an untouched model with scope all", "allow: [T4]\nscope: all", OLD_DEAR),
        fires("a machine that may hold an unknown GPU", "deny: [H100]", NEW_UNKNOWN, "undecided"),
    ],
    "allowed-skus": [
        fires(
            "more machines of it over two ways of buying",
            'deny: ["g5.*"]',
            judged(
                resource(
                    state("3000", pool(units=3), pool(units=1, purchase_model="spot")),
                    state("3300", pool(units=3), pool(units=2, purchase_model="spot")),
                )
            ),
        ),
        quiet("a plan without GPUs", "deny: ['*']", NOTHING),
        quiet("an allowed type", 'allow: ["g5.*"]', NEW_CHEAP),
        quiet("an allowed type in other letters", "allow: [G5.XLARGE]", NEW_CHEAP),
        quiet("a type that is not denied", 'deny: ["p*.*"]', NEW_CHEAP),
        quiet("a dot that is no wildcard", "deny: [g5xxlarge]", NEW_CHEAP),
        quiet("a delete", "allow: [g5.xlarge]", DELETED_DEAR),
        existing("an untouched type", 'deny: ["p5.*"]', OLD_DEAR),
        fires("a denied type", 'deny: ["p5.*"]', NEW_DEAR),
        fires("a type that a mixed group may start", 'allow: ["g5.*"]', judged(resource(None, MIXED))),
        fires("a type not known", 'allow: ["g5.*"]', NEW_UNKNOWN, "undecided"),
        fires("a sensitive type", 'allow: ["g5.*"]', judged(resource(None, SECRET)), "undecided"),
    ],
    "allowed-regions": [
        quiet("a plan without GPUs", "deny: ['*']", NOTHING),
        quiet("an allowed region", "allow: [us-east-1]", NEW_CHEAP),
        quiet("an allowed pattern of the cloud", 'allow: ["aws:us-*"]', NEW_CHEAP),
        quiet("a denied region of another cloud", 'deny: ["gcp:us-*"]', NEW_CHEAP),
        quiet("a delete", "allow: [eu-west-1]", DELETED_DEAR),
        quiet(
            "an untouched resource whose region is not known", "allow: [eu-west-1]", judged(resource(NOWHERE, NOWHERE))
        ),
        existing("an untouched region", "allow: [eu-west-1]", OLD_DEAR),
        fires("a region that is not allowed", 'allow: ["us-*"]', judged(resource(None, EUROPE))),
        fires("a move to a region that is not allowed", 'allow: ["us-*"]', judged(resource(CHEAP, EUROPE, "replace"))),
        fires("a cloud that no entry names", 'allow: ["aws:us-*"]', judged(resource(None, GCP))),
        fires("a region that is not known", 'allow: ["us-*"]', judged(resource(None, NOWHERE)), "undecided"),
    ],
    "allowed-purchase-models": [
        quiet("a plan without GPUs", "allow: [spot]", NOTHING),
        quiet("an allowed way", "allow: [spot, on_demand]", NEW_CHEAP),
        quiet("a way that is not denied", "deny: [on_demand]", judged(resource(None, SPOT))),
        quiet("a delete", "allow: [spot]", DELETED_DEAR),
        existing("an untouched machine", "allow: [spot]", OLD_DEAR),
        fires("a denied way", "deny: [on_demand]", NEW_CHEAP),
        fires("a change from spot to on demand", "allow: [spot]", judged(resource(SPOT, CHEAP))),
    ],
    "required-tags": [
        quiet("a plan without GPUs", "tags: [team]", NOTHING),
        quiet("a tag that is there", "tags: [team]", _tagged(team="ml")),
        quiet("a value that is allowed", "tags: [{key: env, values: [prod, dev]}]", _tagged(env="dev")),
        quiet("other letters where they will do", "tags: [team]\nignore_key_case: true", _tagged(Team="ml")),
        quiet("a delete", "tags: [team]", DELETED_DEAR),
        quiet("a value that YAML could take for a truth", "tags: [{key: gpu, values: [no]}]", _tagged(gpu="no")),
        existing("an untouched machine", "tags: [team]", OLD_DEAR),
        fires("a missing tag", "tags: [team]", _tagged(owner="ml")),
        fires("an empty tag", "tags: [team]", _tagged(team=" ")),
        fires("another value", "tags: [{key: env, values: [prod, dev]}]", _tagged(env="Prod")),
        fires("other letters where they will not do", "tags: [team]", _tagged(Team="ml")),
        fires("an altered machine", "tags: [team]", RETAGGED_DEAR),
    ],
    "unpriced-gpu": [
        quiet("a plan without GPUs", "outcome: fail", NOTHING),
        quiet("a priced GPU", "outcome: fail", NEW_CHEAP),
        quiet("a delete", "outcome: fail", judged(resource(UNPRICED, None))),
        quiet("a price that comes with the change", "outcome: fail", judged(resource(UNPRICED, CHEAP))),
        quiet("a machine type that is not known, which is another rule's", "outcome: fail", NEW_UNKNOWN),
        quiet("a workload that asks for GPUs", "outcome: fail", judged(resource(None, DEMAND))),
        quiet("a missing bound", "outcome: fail", judged(resource(None, UNBOUNDED))),
        existing("an untouched machine", "outcome: fail", OLD_UNPRICED),
        existing("an altered tag", "outcome: fail", judged(resource(UNPRICED, UNPRICED, "update"))),
        fires("a new GPU without a price", "outcome: undecided", NEW_UNPRICED, "undecided"),
        fires("a new GPU without a price where that fails", "outcome: fail", NEW_UNPRICED),
        fires(
            "a machine without a unit price in a known sum",
            "outcome: fail",
            judged(resource(None, state("50", unit_price=None))),
        ),
        fires("a GPU of unknown number", "outcome: undecided", judged(resource(None, UNSIZED)), "undecided"),
    ],
    "unknown-gpu": [
        quiet("a plan without GPUs", "outcome: fail", NOTHING),
        quiet("a known GPU", "outcome: fail", NEW_CHEAP),
        quiet("a known GPU without a price", "outcome: fail", NEW_UNPRICED),
        quiet("a delete", "outcome: fail", judged(resource(UNKNOWN, None))),
        quiet("a missing bound", "outcome: fail", judged(resource(None, UNBOUNDED))),
        existing("an untouched machine", "outcome: fail", judged(resource(UNKNOWN, UNKNOWN))),
        fires("a machine type that is not known", "outcome: undecided", NEW_UNKNOWN, "undecided"),
        fires("a machine type that is not known where that fails", "outcome: fail", NEW_UNKNOWN),
        fires("a size that is not known", "outcome: fail", judged(resource(CHEAP, UNSIZED))),
        fires("a region that is not known", "outcome: fail", judged(resource(None, NOWHERE))),
    ],
    "unbounded-ceiling": [
        fires(
            "a machine type that the catalog lacks, without a maximum",
            "enforcement: mandatory",
            judged(resource(None, UNHEARD_OF_UNBOUNDED)),
        ),
        fires(
            "a minimum without a maximum",
            "enforcement: mandatory",
            judged(resource(None, state(None, pool(units=(1, None, None))))),
        ),
        quiet("a plan without GPUs", "enforcement: mandatory", NOTHING),
        quiet("a fixed size", "enforcement: mandatory", NEW_CHEAP),
        quiet("a bound", "enforcement: mandatory", judged(resource(None, SCALING))),
        quiet("a delete", "enforcement: mandatory", judged(resource(UNBOUNDED, None))),
        quiet(
            "a workload without a bound",
            "enforcement: mandatory",
            judged(resource(None, state("0", pool("pods", "L4", (1, 1, None), role="demand")))),
        ),
        existing("an untouched pool", "enforcement: mandatory", judged(resource(UNBOUNDED, UNBOUNDED))),
        fires("a new pool without a bound", "enforcement: mandatory", judged(resource(None, UNBOUNDED))),
        fires("a bound that is taken away", "enforcement: mandatory", judged(resource(SCALING, UNBOUNDED))),
        fires(
            "no bound and no price",
            "enforcement: mandatory",
            judged(resource(None, state(None, pool(units=(0, 0, None)), unit_price=None))),
        ),
        fires("a size that is not known", "enforcement: mandatory", judged(resource(None, UNSIZED)), "undecided"),
    ],
}
