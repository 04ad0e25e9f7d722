"""AWS attribute-based instance type selection: which accelerated machine types an `instance_requirements` block matches.

https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_InstanceRequirements.html
"""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from fnmatch import fnmatchcase

from gpuguard.extract.view import View
from gpuguard.model.price import InstanceType, Price, PriceKey
from gpuguard.model.usage import PurchaseModel, Unknown

_INFERENCE = ("inferentia", "trainium", "qualcomm", "gaudi")
_MAKERS = {
    "inferentia": "amazon-web-services",
    "trainium": "amazon-web-services",
    "v520": "amd",
    "gaudi": "habana",
    "qualcomm": "qualcomm",
}


def matching_types(view: View, offered: Iterable[InstanceType]) -> tuple[InstanceType, ...] | Unknown:
    """The machine types with accelerators that meet the requirements at `view`; () when they rule accelerators out.

    Requirements that ask for no accelerator match none: `accelerator_count` with a maximum of 0 says so, and without
    any `accelerator_*` price protection (20 % over the cheapest matching C, M or R type) leaves the accelerated out.
    """
    lists: dict[str, list[str]] = {}
    for path in _LISTS:
        values = view.texts(path)
        if isinstance(values, Unknown):
            return Unknown(f"{path} of instance_requirements is known only after apply", _CODE)
        lists[path] = values
    allowed, excluded, names, makers, kinds = lists.values()
    limits = [_limits(view, path) for path in ("accelerator_count", "accelerator_total_memory_mib")]
    if view.known_number("accelerator_count.max") == 0:
        return ()
    if _means_no_gpu(names, makers, kinds):
        return ()
    if not (allowed or names or makers or kinds or any(low or high is not None for low, high in limits)):
        return ()
    meets: list[Callable[[InstanceType], bool]] = [
        lambda each: not allowed or _listed(each.sku, allowed),
        lambda each: not _listed(each.sku, excluded),
        lambda each: not names or any(_is_model(each, name) for name in names),
        lambda each: not makers or _maker(each) in makers,
        lambda each: not kinds or _kind(each) in kinds,
        lambda each: _bare_metal(view, each),
        lambda each: _within(_number(each.gpu_count), limits[0]),
        lambda each: _within(_mib(each.gpu_memory_gib), limits[1]),
        lambda each: _within(_number(each.vcpus), _limits(view, "vcpu_count")),
        lambda each: _within(_mib(each.memory_gib), _limits(view, "memory_mib")),
        lambda each: _within(_memory_per_vcpu(each), _limits(view, "memory_gib_per_vcpu")),
        lambda each: _local_storage(view, each),
    ]
    found = tuple(each for each in offered if all(meet(each) for meet in meets))
    if found:
        return found
    named = (pattern.replace("*", "xlarge") for pattern in allowed)
    if allowed and not any(view.context.looks_accelerated("aws", name) for name in named):
        return ()  # a list of types without accelerators
    return Unknown("instance_requirements match no machine type of the price catalog", _CODE)


def within_price_protection(
    view: View,
    types: Sequence[InstanceType],
    region: str,
    units: Callable[[InstanceType], Decimal],
    bought: PurchaseModel | None = None,
) -> tuple[InstanceType, ...]:
    """The types that are not too dear beside the cheapest of them, by the price of one unit of capacity.

    On demand at most 20 % over the lowest price and spot at most 100 %, unless the block at `view` says otherwise. Each
    limit holds for what is `bought` that way; where that is not told, a type that either allows is kept. So is one
    without a price.
    https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-mixed-instances-groups.html
    """

    def prices(model: str) -> dict[str, Decimal]:
        keys = {each.sku: PriceKey(each.cloud, "machine", each.sku, region, purchase_model=model) for each in types}
        found = {each.sku: (view.context.price(keys[each.sku]), units(each)) for each in types}
        return {sku: price.amount / size for sku, (price, size) in found.items() if isinstance(price, Price)}

    def limit(of: dict[str, Decimal], path: str, default: int) -> Decimal:
        over = view.known_number(path)
        return min(of.values(), default=Decimal(0)) * (100 + (Decimal(default) if over is None else over)) / 100

    on_demand, spot = prices("on_demand"), prices("spot")
    on_demand_limit = limit(on_demand, "on_demand_max_price_percentage_over_lowest_price", 20)
    spot_limit = limit(spot, "spot_max_price_percentage_over_lowest_price", 100)
    share = view.known_number("max_spot_price_as_percentage_of_optimal_on_demand_price")
    if share is not None:
        spot_limit = min(on_demand.values(), default=Decimal(0)) * share / 100

    def allowed(sku: str) -> bool:
        return (bought != "spot" and on_demand.get(sku, on_demand_limit) <= on_demand_limit) or (
            bought in ("spot", None) and spot.get(sku, spot_limit) <= spot_limit
        )

    return tuple(each for each in types if allowed(each.sku))


_CODE = "unknown-instance-requirements"
_LISTS = (
    "allowed_instance_types",
    "excluded_instance_types",
    "accelerator_names",
    "accelerator_manufacturers",
    "accelerator_types",
)


def _limits(view: View, path: str) -> tuple[Decimal, Decimal | None]:
    return view.known_number(f"{path}.min") or Decimal(0), view.known_number(f"{path}.max")


def _within(value: Decimal | None, limits: tuple[Decimal, Decimal | None]) -> bool:
    low, high = limits
    return value is None or (low <= value and (high is None or value <= high))


def _number(value: float | None) -> Decimal | None:
    return None if value is None else Decimal(str(value))


def _mib(gib: float | None) -> Decimal | None:
    return None if gib is None else Decimal(str(gib)) * 1024


def _memory_per_vcpu(machine: InstanceType) -> Decimal | None:
    if not machine.memory_gib or not machine.vcpus:
        return None
    return Decimal(str(machine.memory_gib)) / Decimal(str(machine.vcpus))


def _local_storage(view: View, machine: InstanceType) -> bool:
    """Whether the instance store is as asked for; of types whose store is not known, all come in question."""
    wanted = view.string("local_storage") or "included"
    size = machine.local_ssd_gib
    return wanted == "included" or size is None or (size > 0) == (wanted == "required")


def _listed(sku: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(sku, pattern) for pattern in patterns)


_OTHER_ACCELERATORS = (frozenset(("vu9p", "u30")), frozenset(("xilinx",)), frozenset(("fpga", "media")))
"""Names, manufacturers and types of FPGAs and media accelerators, which are no GPUs."""


def _means_no_gpu(*lists: Iterable[str]) -> bool:
    """Whether the names, the manufacturers or the types are those of other accelerators alone."""
    return any(values and others.issuperset(values) for values, others in zip(lists, _OTHER_ACCELERATORS, strict=True))


def _words(machine: InstanceType) -> list[str]:
    return (machine.gpu_model or "").lower().split("-")


def _is_model(machine: InstanceType, name: str) -> bool:
    """``a100`` is A100-40GB and A100-80GB, ``radeon-pro-v520`` is V520; ``t4`` is not T4G."""
    return name.lower().rsplit("-", 1)[-1] in _words(machine)


def _maker(machine: InstanceType) -> str:
    found = (maker for word in _words(machine) for model, maker in _MAKERS.items() if word.startswith(model))
    return next(found, "nvidia")


def _kind(machine: InstanceType) -> str:
    return "inference" if any(word.startswith(_INFERENCE) for word in _words(machine)) else "gpu"


def _bare_metal(view: View, machine: InstanceType) -> bool:
    wanted = view.string("bare_metal") or "excluded"
    metal = ".metal" in machine.sku
    return wanted == "included" or metal == (wanted == "required")
