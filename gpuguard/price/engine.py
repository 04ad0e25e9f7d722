"""Prices what one side of a resource uses: components with unit price and source, at minimum, expected and maximum size."""

from collections.abc import Iterable
from decimal import ROUND_CEILING, ROUND_HALF_UP, Context, Decimal
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from gpuguard.model.cost import Priced
from gpuguard.model.hidden import SENSITIVE
from gpuguard.model.price import InstanceType, PriceKey, PriceKind, Unpriced
from gpuguard.model.report import Component, Diagnostic, Gpu, Level, MoneyRange, Pool, Quantities, State
from gpuguard.model.usage import (
    HOURS_PER_MONTH,
    ComponentKind,
    Disk,
    MachineOption,
    Once,
    PoolUsage,
    PurchaseModel,
    Units,
    Usage,
    pool_key,
)
from gpuguard.price.disks import disk_lines
from gpuguard.price.rates import Rate, key_of, rate

if TYPE_CHECKING:
    from gpuguard.price.catalog import Catalog


_ZERO = Decimal(0)
_PLACES = Decimal("1e-10")
_SMALL = Decimal("1e-6")
_WIDE = Context(prec=100)
_MOST_MACHINES = Decimal(1_000_000)

SUSTAINED_USE_TIERS = (Decimal(1), Decimal("0.8"), Decimal("0.6"), Decimal("0.4"))
"""Share of the base price of each further quarter of the month, N1 machines and what is attached to them
(https://cloud.google.com/compute/docs/sustained-use-discounts)."""
_WORKSTATION = "-vws"
"""End of the names of accelerators that come with a virtual workstation licence, billed for each of them
(https://cloud.google.com/compute/gpus-pricing)."""
_CUSTOM = "custom-"
_EXTENDED = "-ext"
_EXTENDED_MEMORY = "-custom-extended"
_MEMORY_PER_VCPU = Decimal("6.5")
"""GiB for each vCPU of a custom N1 machine; what is above is extended memory and has a price of its own
(https://cloud.google.com/compute/docs/instances/creating-instance-with-custom-machine-type#extendedmemory)."""
_CUSTOM_PREMIUM = Decimal("1.05")
"""vCPUs and memory of a custom machine type cost 5 % more than those of a predefined one, on demand and as spot, where no row
tells; under a commitment they cost the same (https://cloud.google.com/compute/vm-instance-pricing#custommachinetypepricing)."""
_QUARTER = Decimal("0.25")
"""Share of the month that has no sustained use discount, and the step of its tiers."""
_HUNDREDTH = Decimal("0.01")
_NO_SUSTAINED_USE = ("A100", "H100", "H200", "B200", "L4")


class Line(msgspec.Struct, frozen=True):
    """One component before it is multiplied: a quantity for each machine and month, and its unit price.

    `per_machine` False: it does not scale with the pool. `rate` Unpriced: the catalog has no row.
    """

    kind: ComponentKind
    description: str
    sku: str
    quantity: Decimal
    rate: Rate | Unpriced
    unit: str
    per_machine: bool = True
    essential: bool = False
    once: Decimal | None = None
    """Hours that one machine is bought for at once, where it is; `quantity` is then what of them falls in a month."""


class _PricedPool(msgspec.Struct, frozen=True):
    usage: PoolUsage
    pool: Pool
    lines: tuple[Line, ...]
    full_lines: tuple[Line, ...]
    """The same for the hours of the maximum."""
    machines: Units
    gpus_per_unit: Decimal


class Engine:
    """Prices usages from one catalog; equal usages are priced once."""

    def __init__(self, prices: "Catalog") -> None:
        self._prices = prices
        self._known: dict[tuple[object, ...], tuple[Priced, bool]] = {}
        """By what is asked; the bool tells that pricing had nothing to settle in it, such as which type is picked."""
        self._lines: dict[tuple[object, ...], tuple[tuple[Line, ...], tuple[Diagnostic, ...]]] = {}

    def price(self, usage: Usage) -> Priced:
        """Price one side of a resource. Notes carry neither project nor address: the caller knows them."""
        # Where things stand in the configuration changes no price: thousands of resources share a few usages.
        key = (usage.cloud, usage.region, usage.fixed, usage.region_unknown, tuple(map(pool_key, usage.pools)))
        if key not in self._known:
            bare = replace(usage, pools=tuple(_bare(pool) for pool in usage.pools), via=())
            found = self._price(bare)
            self._known[key] = found, found.usage == bare
        found, as_asked = self._known[key]
        if as_asked:
            return Priced(usage, found.state, found.notes)
        pools = tuple(
            replace(priced, machine_attribute=pool.machine_attribute, purchase_attribute=pool.purchase_attribute)
            for priced, pool in zip(found.usage.pools, usage.pools, strict=True)
        )
        return Priced(replace(found.usage, pools=pools, via=usage.via), found.state, found.notes)

    def _price(self, usage: Usage) -> Priced:
        notes: list[Diagnostic] = []
        pools = [self._pool(usage, pool, notes) for pool in usage.pools]
        if usage.region_unknown is not None:
            same = all(_same_everywhere(line) for priced in pools for line in priced.lines)
            notes.insert(
                0,
                note(
                    "info" if same else "warning",
                    usage.region_unknown.code,
                    f"{usage.region_unknown.reason}; {'its prices hold in every region' if same else 'priced at the dearest region'}",
                    f"name it with --region {usage.cloud}=REGION",
                ),
            )
        components: list[Component] = []
        totals = _Totals()
        for priced in pools:
            components += [_component(line, priced.pool.name, priced.machines.expected) for line in priced.lines]
            totals.add(priced.lines, priced.machines, "min", "expected")
            totals.add(priced.full_lines, priced.machines, "max")
        for fixed in usage.fixed:
            key = key_of(usage.cloud, fixed.kind, fixed.sku, usage.region)
            found = rate(self._prices, key, region_known=usage.region is not None)
            line = Line(
                fixed.kind,
                fixed.description,
                fixed.sku,
                fixed.quantity * HOURS_PER_MONTH,
                found,
                "hour",
                per_machine=False,
            )
            components.append(_component(line, None, Decimal(1)))
            totals.add((line,), Units.fixed(1), "min", "expected", "max")
        state = State(
            cloud=usage.cloud,
            region=usage.region,
            pools=tuple(priced.pool for priced in pools),
            components=tuple(components),
            gpus=_gpus(pools),
            monthly=totals.range(),
            list_monthly=totals.range(listed=True),
            one_time=_one_time(pools),
        )
        return Priced(replace(usage, pools=tuple(priced.usage for priced in pools)), state, tuple(notes))

    # -- pools --------------------------------------------------------------------------------------------------------

    def _pool(self, usage: Usage, pool: PoolUsage, notes: list[Diagnostic]) -> _PricedPool:
        if pool.once is not None and pool.once.hours is not None:
            in_a_month = min(pool.once.hours, HOURS_PER_MONTH)
            pool = replace(pool, hours_per_month=in_a_month, max_hours_per_month=in_a_month)
        option = self._choose(usage, pool, notes)
        sku = option.sku if option else None
        machine = self._prices.instance_type(usage.cloud, option.machine_type) if option else None
        gpu, per_unit = self._accelerator(machine, pool, option)
        weight = option.weight if option else Decimal(1)
        machines = _on_average(_plausible(_machines(pool.units, weight), notes), pool.average, notes)
        own = option is not None and option.machine is not None
        shown = SENSITIVE if pool.sensitive and sku else machine.sku if machine and not own else sku
        lines = self._pool_lines(usage, pool, option, machine, shown, notes)
        full_lines = lines
        if pool.max_hours_per_month != pool.hours_per_month:
            full = replace(pool, hours_per_month=pool.max_hours_per_month)
            full_lines = self._pool_lines(usage, full, option, machine, shown, [])
        if sku is None:
            reason = pool.unknown
            notes.append(
                note(
                    "warning",
                    reason.code if reason else "unknown-machine-type",
                    f"unknown GPU? {reason.reason if reason else 'the machine type is known only after apply'}",
                    "give the value a default, or check the plan again after the first apply",
                )
            )
        others = tuple(
            dict.fromkeys(self._spelling(usage.cloud, other.sku) for other in pool.options if other.sku != sku)
        )
        public = Pool(
            name=shown or "unknown",
            role=pool.role,
            sku=shown,
            candidates=() if pool.sensitive else others,
            gpu=gpu,
            units=Quantities(min=number(machines.min), expected=number(machines.expected), max=number(machines.max)),
            purchase_model=pool.purchase_model,
            term=pool.term,
            payment=pool.payment,
            hours_per_month=number(pool.hours_per_month) or 0,
            covered_by=pool.covered_by,
        )
        resolved = (
            replace(pool, options=(replace(option, sku=machine.sku if machine and not own else option.sku),))
            if option
            else pool
        )
        counted = per_unit if pool.role == "supply" and pool.covered_by is None else _ZERO
        return _PricedPool(resolved, public, lines, full_lines, machines, counted)

    def _pool_lines(
        self,
        usage: Usage,
        pool: PoolUsage,
        option: MachineOption | None,
        machine: InstanceType | None,
        shown: str | None,
        notes: list[Diagnostic],
    ) -> tuple[Line, ...]:
        """Everything one machine of the pool is billed for; nothing where others pay for it."""
        if pool.role == "demand" or pool.covered_by is not None:
            return ()
        lines = self._machine_lines(usage, pool, option, machine, shown, notes)
        lines[0] = self._over_types(usage, pool, lines[0])
        lines += self._disk_lines(usage, pool, machine, notes)
        if pool.public_ipv4:
            lines.append(self._address_line(usage, pool))
        return tuple(lines)

    def _over_types(self, usage: Usage, pool: PoolUsage, line: Line) -> Line:
        """The machine's line with the range over all types, where nothing says which of them runs."""
        weights = {option.weight for option in pool.options}
        found = line.rate
        if pool.pick != "dearest" or len(pool.options) < 2 or len(weights) > 1 or isinstance(found, Unpriced):
            return line
        lows = [found.span[0] if found.span else found.price]
        for option in pool.options:
            machine = self._prices.instance_type(usage.cloud, option.machine_type)
            other = self._machine_lines(usage, pool, option, machine, option.sku, [])[0]
            if (
                self._has_accelerator(usage.cloud, option.machine_type)
                and isinstance(other.rate, Rate)
                and other.unit == line.unit
            ):
                lows.append(other.rate.span[0] if other.rate.span else other.rate.price)
        low = min(lows)
        return replace(line, rate=replace(found, span=(low, found.price))) if low < found.price else line

    def _spelling(self, cloud: str, sku: str) -> str:
        machine = self._prices.instance_type(cloud, sku)
        return machine.sku if machine else sku

    def _choose(self, usage: Usage, pool: PoolUsage, notes: list[Diagnostic]) -> MachineOption | None:
        """The option that runs: by the documented strategy, else the dearest (PRODUCT: a guardrail errs high)."""
        if len(pool.options) < 2:
            return pool.options[0] if pool.options else None
        options = [
            option for option in pool.options if self._has_accelerator(usage.cloud, option.machine_type)
        ] or list(pool.options)
        if pool.pick == "first" and options[0] is pool.options[0]:
            return options[0]
        costs: list[tuple[Decimal, MachineOption]] = []
        for option in options:
            cost = self._hourly(usage, pool, option)
            if cost is not None:
                # compared for the same capacity: a machine of weight 4 stands for four units
                costs.append((cost / option.weight, option))
        if not costs:
            return options[0]
        if len(costs) < len(options):
            missing = len(options) - len(costs)
            notes.append(
                note(
                    "warning",
                    "unpriced-candidate",
                    f"{missing} of {len(options)} possible machine types {'has' if missing == 1 else 'have'} no price; the dearest of the others is taken",
                )
            )
        choose = min if pool.pick == "cheapest" else max
        return choose(costs, key=lambda cost: cost[0])[1]

    def _has_accelerator(self, cloud: str, sku: str) -> bool:
        machine = self._prices.instance_type(cloud, sku)
        return (machine is not None and machine.gpu_model is not None) or (
            machine is None and self._prices.looks_like_accelerator(cloud, sku)
        )

    def _hourly(self, usage: Usage, pool: PoolUsage, option: MachineOption) -> Decimal | None:
        machine = self._prices.instance_type(usage.cloud, option.machine_type)
        lines = self._machine_lines(usage, pool, option, machine, option.sku, [])
        total = _ZERO
        for line in lines:
            if isinstance(line.rate, Unpriced):
                if not line.essential:
                    continue
                return None
            total += line.quantity * line.rate.price
        return total

    def _accelerator(
        self, machine: InstanceType | None, pool: PoolUsage, option: MachineOption | None
    ) -> tuple[Gpu | None, Decimal]:
        """The accelerator of one unit: the machine's own, else what is attached to it."""
        if machine is not None and machine.gpu_model is not None:
            model = self._prices.accelerator(machine.gpu_model)
            count = Decimal(str(machine.gpu_count)) * (option.count if option else 1)
            memory = model.memory_gib if model else None
            if machine.gpu_memory_gib is not None and machine.gpu_count >= 1:
                memory = memory if memory is not None else round(machine.gpu_memory_gib / machine.gpu_count, 2)
            return Gpu(model=machine.gpu_model, per_unit=number(count) or 0, memory_gib=memory), count
        attached = [accelerator for accelerator in pool.accelerators if accelerator.count > 0]
        if not attached:
            return None, _ZERO
        first = self._prices.accelerator(attached[0].name)
        count = sum((accelerator.count for accelerator in attached), _ZERO)
        return (
            Gpu(
                model=first.model if first else attached[0].name,
                per_unit=number(count) or 0,
                memory_gib=first.memory_gib if first else None,
            ),
            count,
        )

    # -- components -----------------------------------------------------------------------------------------------------

    def _machine_lines(
        self,
        usage: Usage,
        pool: PoolUsage,
        option: MachineOption | None,
        machine: InstanceType | None,
        shown: str | None,
        notes: list[Diagnostic],
    ) -> list[Line]:
        if option is None:
            missing = Unpriced(
                key_of(usage.cloud, "machine", "", usage.region), "the machine type is known only after apply"
            )
            return [
                Line(
                    "compute", "unknown machine type", "unknown", pool.hours_per_month, missing, "hour", essential=True
                )
            ]
        attached = [accelerator for accelerator in pool.accelerators if accelerator.count > 0]
        bundled = machine is not None and machine.gpu_model is not None
        if not pool.machine_billed:
            lines = self._charge_lines(usage, pool, option, shown, notes)
            return lines if pool.once is None else [replace(line, once=pool.once.hours) for line in lines]
        if pool.once is not None and pool.once.price is not None:
            lines = [_bought(pool, option, pool.once, shown)]
        elif usage.cloud == "gcp" and attached and not bundled:
            lines = self._composed(usage, pool, machine, option.machine_type, shown, notes)
        else:
            lines = [self._whole_machine(usage, pool, option, machine, shown, notes)]
        if pool.once is not None:
            lines = [replace(line, once=pool.once.hours) for line in lines]
        licences = self._licence_lines(usage, pool, option.sku, machine, lines)
        notes.extend(
            note("warning", "unpriced-licence", f"no price for the {line.description}; it is not counted")
            for line in licences
            if isinstance(line.rate, Unpriced)
        )
        return lines + licences + self._charge_lines(usage, pool, option, shown, notes)

    def _charge_lines(
        self, usage: Usage, pool: PoolUsage, option: MachineOption, shown: str | None, notes: list[Diagnostic]
    ) -> list[Line]:
        """What a managed service bills for every unit."""
        lines: list[Line] = []
        canonical = self._spelling(usage.cloud, option.machine_type)
        for charge in pool.charges:
            sku = charge.sku.replace("{machine}", canonical).replace("{sku}", option.sku)
            model = charge.purchase_model or _row_model(pool)
            key = key_of(usage.cloud, charge.kind, sku, usage.region, charge.os, model)
            found = rate(self._prices, key, region_known=usage.region is not None)
            quantity = charge.quantity
            if charge.per_vcpu:
                machine = self._prices.instance_type(usage.cloud, option.machine_type)
                known = machine is not None and machine.vcpus is not None
                quantity *= Decimal(str(machine.vcpus)) if machine is not None and known else _ZERO
                found = found if known else Unpriced(key, "the number of its vCPUs is not known")
            if isinstance(found, Unpriced):
                if charge.optional:
                    continue
                place = f" in {usage.region}" if usage.region else ""
                what = charge.description
                if charge.essential and not pool.machine_billed:
                    # a machine type that has a price elsewhere lacks that of the service
                    plain = option.machine is None and self._prices.is_machine_type(usage.cloud, option.sku)
                    what = f"{shown} ({charge.description})" if plain else shown or what
                level: Level = "warning" if charge.essential else "info"
                hint = None if pool.sensitive else found.hint or None
                notes.append(note(level, "unpriced", f"no {purchase_words(model)} price for {what}{place}", hint))
            hours = Decimal(1) if charge.monthly else pool.hours_per_month
            named = SENSITIVE if pool.sensitive and sku != charge.sku else sku
            lines.append(
                Line(
                    charge.component,
                    charge.description,
                    named,
                    quantity * hours,
                    found,
                    charge.unit,
                    essential=charge.essential,
                )
            )
        return lines

    def _whole_machine(
        self,
        usage: Usage,
        pool: PoolUsage,
        option: MachineOption,
        machine: InstanceType | None,
        shown: str | None,
        notes: list[Diagnostic],
    ) -> Line:
        sku = machine.sku if machine else option.sku
        known = usage.region is not None
        cap = _lowest(option.spot_max_price, pool.spot_max_price)
        found = rate(
            self._prices,
            key_of(usage.cloud, "machine", sku, usage.region, pool.os, _row_model(pool)),
            region_known=known,
            cap=cap,
        )
        with_os = pool.os != "linux" and isinstance(found, Rate)
        if isinstance(found, Unpriced) and pool.os != "linux":
            found = rate(
                self._prices,
                key_of(usage.cloud, "machine", sku, usage.region, "linux", _row_model(pool)),
                region_known=known,
                cap=cap,
            )
        if isinstance(found, Unpriced):
            place = f" in {usage.region}" if usage.region else ""
            hint = None if pool.sensitive else found.hint or None
            notes.append(
                note("warning", "unpriced", f"no {purchase_words(pool.purchase_model)} price for {shown}{place}", hint)
            )
        elif found.estimate and usage.region is not None:
            judged = "; judged at its dear end" if found.span is not None else ""
            notes.append(note("info", "price-range", f"{shown}: {found.estimate}{judged}"))
        system = f", {pool.os.capitalize()}" if with_os else ""
        return Line(
            "compute",
            f"{shown}, {purchase_words(pool.purchase_model)}{system}",
            shown or sku,
            pool.hours_per_month * option.count,
            found,
            "hour",
            essential=True,
        )

    def _composed(
        self,
        usage: Usage,
        pool: PoolUsage,
        machine: InstanceType | None,
        sku: str,
        shown: str | None,
        notes: list[Diagnostic],
    ) -> list[Line]:
        """GCP N1 with attached accelerators: vCPUs, memory and accelerators have prices of their own."""
        family = machine.family if machine else sku.split("-", 1)[0]
        known = usage.region is not None
        words = purchase_words(pool.purchase_model)
        hours = pool.hours_per_month
        custom = _CUSTOM in sku
        lines: list[Line] = []
        vcpus = None if machine is None or machine.vcpus is None else Decimal(str(machine.vcpus))
        memory = None if machine is None or machine.memory_gib is None else Decimal(str(machine.memory_gib))
        parts: list[tuple[PriceKind, Decimal | None, str, str, Rate | None]] = [
            ("vcpu", vcpus, "vCPU", "vCPU-hour", None),
            ("memory", memory, "GiB memory", "GiB-hour", None),
        ]
        if sku.endswith(_EXTENDED) and vcpus is not None and memory is not None and memory > vcpus * _MEMORY_PER_VCPU:
            key = key_of(usage.cloud, "memory", f"{family}{_EXTENDED_MEMORY}", usage.region, "linux", _row_model(pool))
            above = rate(self._prices, key, region_known=known)
            if isinstance(above, Rate):
                parts[1] = ("memory", vcpus * _MEMORY_PER_VCPU, "GiB memory", "GiB-hour", None)
                parts.append(("memory", memory - vcpus * _MEMORY_PER_VCPU, "GiB extended memory", "GiB-hour", above))
        for kind, amount, word, unit, own in parts:
            key = key_of(usage.cloud, kind, family, usage.region, "linux", _row_model(pool))
            found: Rate | Unpriced = own or Unpriced(key, "the machine type is not known")
            if own is None and amount is not None:
                found = self._custom_part(key, known) if custom else rate(self._prices, key, region_known=known)
            size = amount or Decimal(0)
            count = "" if pool.sensitive else f"{size.normalize():f} "
            lines.append(
                Line(
                    "compute",
                    f"{shown}: {count}{word}, {words}",
                    SENSITIVE if pool.sensitive else family,
                    size * hours,
                    found,
                    unit,
                    essential=True,
                )
            )
        for accelerator in pool.accelerators:
            if accelerator.count <= 0:
                continue
            model = self._prices.accelerator(accelerator.name)
            name = model.model if model else accelerator.name
            found = rate(
                self._prices,
                key_of(usage.cloud, "accelerator", name, usage.region, "linux", _row_model(pool)),
                region_known=known,
            )
            lines.append(
                Line("gpu", f"{name}, {words}", name, accelerator.count * hours, found, "GPU-hour", essential=True)
            )
        if custom and not pool.sensitive:
            premium = "its vCPUs and memory are dearer than those of predefined types"
            counted = len(parts) > 2 or not sku.endswith(_EXTENDED)
            extended = "" if counted else "; what its extended memory costs beyond that is not counted"
            notes.append(note("info", "custom-machine", f"custom machine type: {premium}{extended}"))
        missing = [line for line in lines if isinstance(line.rate, Unpriced)]
        if missing:
            place = f" in {usage.region}" if usage.region else ""
            what = shown if any(line.kind == "compute" for line in missing) else missing[0].sku
            hint = next(
                (line.rate.hint for line in missing if isinstance(line.rate, Unpriced) and line.rate.hint), None
            )
            notes.append(
                note("warning", "unpriced", f"no {words} price for {what}{place}", None if pool.sensitive else hint)
            )
        elif _row_model(pool) == "on_demand" and family == "n1" and hours > HOURS_PER_MONTH * _QUARTER:
            lines.append(_sustained_use(lines, hours))
        return lines

    def _custom_part(self, key: PriceKey, known: bool) -> Rate | Unpriced:
        """Price of one vCPU or GiB of a custom machine type: its own row, else that of a predefined type with the premium."""
        own = rate(self._prices, replace(key, sku=f"{key.sku}-custom"), region_known=known)
        if isinstance(own, Rate):
            return own
        found = rate(self._prices, key, region_known=known)
        if isinstance(found, Unpriced) or key.purchase_model not in ("on_demand", "spot"):
            return found
        return _dearer(found, _CUSTOM_PREMIUM)

    def _licence_lines(
        self, usage: Usage, pool: PoolUsage, sku: str, machine: InstanceType | None, lines: Iterable[Line]
    ) -> list[Line]:
        """Operating systems and virtual workstations that are billed apart from the machine."""
        known = usage.region is not None
        workstations = sum(
            (each.count for each in pool.accelerators if each.name.lower().endswith(_WORKSTATION)), Decimal(0)
        )
        if workstations > 0:
            found = rate(self._prices, key_of(usage.cloud, "license", "rtx-vws", usage.region), region_known=known)
            quantity = workstations * pool.hours_per_month
            title = "NVIDIA RTX Virtual Workstation licence"
            return [
                Line("license", title, "rtx-vws", quantity, found, "GPU-hour"),
                *self._licence_lines(usage, replace(pool, accelerators=()), sku, machine, lines),
            ]
        if pool.os == "linux" or any(line.description.endswith(f", {pool.os.capitalize()}") for line in lines):
            return []
        name = machine.sku if machine else sku
        title = {"windows": "Windows", "rhel": "RHEL", "sles": "SLES"}[pool.os]
        found = rate(self._prices, key_of(usage.cloud, "license", name, usage.region, pool.os), region_known=known)
        quantity = pool.hours_per_month
        if isinstance(found, Unpriced) and machine is not None and machine.vcpus:
            found = rate(
                self._prices, key_of(usage.cloud, "license", "per-vcpu", usage.region, pool.os), region_known=known
            )
            quantity *= Decimal(str(machine.vcpus))
            return [Line("license", f"{title} licence, per vCPU", f"{pool.os}-per-vcpu", quantity, found, "vCPU-hour")]
        return [Line("license", f"{title} licence", pool.os, quantity, found, "hour")]

    def _disk_lines(
        self, usage: Usage, pool: PoolUsage, machine: InstanceType | None, notes: list[Diagnostic]
    ) -> list[Line]:
        key = (usage.cloud, usage.region, pool.disks, pool.purchase_model, machine.sku if machine else None)
        known = self._lines.get(key)
        if known is None:
            found: list[Diagnostic] = []
            lines = [line for disk in pool.disks for line in self._one_disk(usage, pool, machine, disk, found)]
            known = self._lines[key] = (tuple(lines), tuple(found))
        notes.extend(known[1])
        return list(known[0])

    def _one_disk(
        self, usage: Usage, pool: PoolUsage, machine: InstanceType | None, disk: Disk, notes: list[Diagnostic]
    ) -> Iterable[Line]:
        if disk.size_gib is None and machine is not None and machine.vcpus is not None:
            sizes = [size for vcpus, size in disk.sizes_by_vcpus if machine.vcpus >= vcpus]
            disk = replace(disk, size_gib=Decimal(sizes[-1]) if sizes else None)
        if disk.size_gib is None:
            notes.append(
                note(
                    "info",
                    "unknown-disk-size",
                    f"the size of its {disk.role} disk is decided outside the plan and not counted",
                )
            )
            return
        for wanted in disk_lines(usage.cloud, disk, machine, pool.purchase_model):
            key = key_of(usage.cloud, wanted.kind, wanted.sku, usage.region, "linux", wanted.purchase_model)
            found = rate(self._prices, key, region_known=usage.region is not None)
            if isinstance(found, Unpriced) and wanted.otherwise is not None:
                found = rate(self._prices, replace(key, sku=wanted.otherwise), region_known=usage.region is not None)
            if isinstance(found, Unpriced):
                place = f" in {usage.region}" if usage.region else ""
                notes.append(
                    note("info", "unpriced-storage", f"no price for {wanted.description}{place}", found.hint or None)
                )
            yield Line("storage", wanted.description, wanted.sku, wanted.quantity, found, wanted.unit)

    def _address_line(self, usage: Usage, pool: PoolUsage) -> Line:
        sku = "public-ipv4"
        found = rate(
            self._prices, key_of(usage.cloud, "network", sku, usage.region), region_known=usage.region is not None
        )
        return Line("network", "public IPv4 address", sku, pool.public_ipv4 * pool.hours_per_month, found, "hour")


# -- arithmetic -----------------------------------------------------------------------------------------------------------


def note(level: Level, code: str, message: str, hint: str | None = None) -> Diagnostic:
    """A diagnostic whose place the caller fills in."""
    return Diagnostic(level=level, code=code, project=None, address=None, message=message, hint=hint)


def _same_everywhere(line: Line) -> bool:
    """Whether a line costs the same in all regions that have a price for it, or has no price anywhere and no part in it."""
    return not line.essential if isinstance(line.rate, Unpriced) else line.rate.span is None


def _row_model(pool: PoolUsage) -> PurchaseModel:
    """The purchase model of the rows a pool is priced by: reserved capacity is billed at the on-demand price, used or not
    (Amazon EC2: On-Demand Capacity Reservations, pricing and billing; Compute Engine: reservations of zonal resources;
    Azure: on-demand capacity reservation)."""
    return "on_demand" if pool.purchase_model == "capacity_reservation" else pool.purchase_model


def _bought(pool: PoolUsage, option: MachineOption, once: Once, shown: str | None) -> Line:
    """The machine at the price that the configuration itself tells for all units and hours."""
    units = pool.units.expected
    hours = once.hours
    sku = shown or option.sku
    words = f"{sku}, {purchase_words(pool.purchase_model)}"
    if once.price is None or not units or not hours:
        missing = Unpriced(key_of("", "machine", option.sku, ""), "its hours or its number are not known")
        return Line("compute", words, sku, pool.hours_per_month, missing, "hour", essential=True)
    each = once.price / units / hours
    return Line(
        "compute", words, sku, pool.hours_per_month, Rate(each, each, "hour", once.source, ""), "hour", essential=True
    )


def _one_time(pools: Iterable[_PricedPool]) -> Decimal | None:
    """What is paid once for all machines that are bought for a fixed time; None where nothing is, or it is not known."""
    total: Decimal | None = None
    for priced in pools:
        for line in priced.lines:
            if priced.usage.once is None or line.once is None:
                continue
            count = priced.machines.expected
            if isinstance(line.rate, Unpriced) or count is None or not line.quantity:
                return None
            per_hour = line.quantity / priced.usage.hours_per_month
            total = (total or _ZERO) + per_hour * line.once * count * line.rate.price
    return None if total is None else exact(total)


def purchase_words(model: str) -> str:
    """``on_demand`` → "on demand"."""
    return model.replace("_", " ")


def number(value: Decimal | None) -> int | float | None:
    """A quantity as a JSON number: whole where it is whole."""
    if value is None:
        return None
    return int(value) if value == value.to_integral_value() else float(value)


def exact(value: Decimal) -> Decimal:
    """An amount with at least two and at most ten decimals, never in exponent notation when printed."""
    rounded = value.quantize(_PLACES, ROUND_HALF_UP, _WIDE).normalize(_WIDE)
    if rounded and abs(rounded) < _SMALL:
        rounded = rounded.quantize(_SMALL, ROUND_HALF_UP)
    exponent = rounded.as_tuple().exponent
    return rounded if isinstance(exponent, int) and exponent <= -2 else rounded.quantize(Decimal("0.01"), context=_WIDE)


def _bare(pool: PoolUsage) -> PoolUsage:
    """The pool without the places it is written at."""
    return replace(pool, machine_attribute=None, purchase_attribute=None)


def _lowest(*limits: Decimal | None) -> Decimal | None:
    found = [limit for limit in limits if limit is not None and limit > 0]
    return min(found) if found else None


def _machines(units: Units, weight: Decimal) -> Units:
    """Capacity units → machines; the last one may bring more than is asked for."""
    if weight == 1:
        return units

    def count(size: Decimal | None) -> Decimal | None:
        return None if size is None else (size / weight).to_integral_value(ROUND_CEILING)

    return Units(count(units.min), count(units.expected), count(units.max))


def _plausible(machines: Units, notes: list[Diagnostic]) -> Units:
    """Sizes that no account can run count as unknown: a product of absurd numbers is not a price."""
    sizes = (machines.min, machines.expected, machines.max)
    if all(size is None or size <= _MOST_MACHINES for size in sizes):
        return machines
    notes.append(
        note("warning", "implausible-value", f"more than {_MOST_MACHINES:,} machines cannot be; taken as unknown")
    )
    return Units(*(None if size is None or size > _MOST_MACHINES else size for size in sizes))


def _dearer(found: Rate, factor: Decimal) -> Rate:
    span = (found.span[0] * factor, found.span[1] * factor) if found.span else None
    return replace(found, price=found.price * factor, list_price=found.list_price * factor, span=span)


def _on_average(machines: Units, average: Decimal | None, notes: list[Diagnostic]) -> Units:
    """The sizes with the machines that are told to run on average as the expected one; never more than there can be."""
    if average is None:
        return machines
    if machines.max is not None and average > machines.max:
        notes.append(
            note(
                "warning",
                "usage-above-maximum",
                f"average_nodes asks for {number(average):g} machines where at most {number(machines.max):g} can run; taken as that",
            )
        )
        average = machines.max
    return Units(machines.min, average, machines.max)


def _sustained_use(lines: list[Line], hours: Decimal) -> Line:
    """The automatic discount on what runs for more than a quarter of the month, as one negative line per machine."""
    base = sum(
        (
            line.quantity * line.rate.price
            for line in lines
            if isinstance(line.rate, Rate) and not (line.kind == "gpu" and line.sku.startswith(_NO_SUSTAINED_USE))
        ),
        _ZERO,
    )
    share = min(hours / HOURS_PER_MONTH, Decimal(1))
    quarter = _QUARTER
    paid = sum(
        (max(min(share - quarter * step, quarter), _ZERO) * tier for step, tier in enumerate(SUSTAINED_USE_TIERS)),
        _ZERO,
    )
    factor = paid / share
    dated = [line.rate for line in lines if isinstance(line.rate, Rate)]
    discount = Rate(
        -base * (1 - factor),
        _ZERO,
        "machine-month",
        "Google Cloud: sustained use discounts",
        min(found.as_of for found in dated),
    )
    return Line(
        "discount",
        f"sustained use discount, {((1 - factor) * 100).quantize(_HUNDREDTH).normalize():f} %",
        "sustained-use",
        Decimal(1),
        discount,
        "machine-month",
    )


def _component(line: Line, pool: str | None, machines: Decimal | None) -> Component:
    factor = machines if line.per_machine else Decimal(1)
    quantity = None if factor is None else line.quantity * factor
    if isinstance(line.rate, Unpriced):
        return Component(
            kind=line.kind, pool=pool, description=line.description, sku=line.sku, unit=line.unit, quantity=number(quantity),
            unit_price=None, list_unit_price=None, unit_price_range=None, monthly=None, list_monthly=None, source=None, as_of=None,
        )  # fmt: skip
    found = line.rate
    return Component(
        kind=line.kind,
        pool=pool,
        description=line.description,
        sku=line.sku,
        unit=line.unit,
        quantity=number(quantity),
        unit_price=exact(found.price),
        list_unit_price=exact(found.list_price),
        unit_price_range=(exact(found.span[0]), exact(found.span[1])) if found.span else None,
        monthly=None if quantity is None else exact(quantity * found.price),
        list_monthly=None if quantity is None else exact(quantity * found.list_price),
        source=found.source,
        as_of=found.as_of or None,
    )


class _Totals:
    """Adds components up at each size. An unpriced machine makes the whole unknown; an unpriced extra only a lower bound."""

    def __init__(self) -> None:
        self._sums = {(size, listed): Decimal(0) for size in ("min", "expected", "max") for listed in (False, True)}
        self._unknown: set[str] = set()

    def add(self, lines: Iterable[Line], machines: Units, *sizes: str) -> None:
        """Add the lines of so many machines to the totals of these sizes."""
        for size in sizes:
            count: Decimal | None = getattr(machines, size)
            for line in lines:
                factor = count if line.per_machine else Decimal(1)
                if factor is None or (line.essential and isinstance(line.rate, Unpriced)):
                    self._unknown.add(size)
                elif isinstance(line.rate, Rate):
                    self._sums[size, False] += line.quantity * factor * line.rate.price
                    self._sums[size, True] += line.quantity * factor * line.rate.list_price

    def range(self, *, listed: bool = False) -> MoneyRange:
        """The totals, or None where they are not known."""
        low, middle, high = (
            None if size in self._unknown else exact(self._sums[size, listed]) for size in ("min", "expected", "max")
        )
        return MoneyRange(min=low, expected=middle, max=high)


def _gpus(pools: Iterable[_PricedPool]) -> Quantities:
    def total(size: str) -> int | float | None:
        amount = _ZERO
        for priced in pools:
            if priced.pool.role == "demand":
                continue  # other pools supply what it asks for
            count: Decimal | None = getattr(priced.machines, size)
            if count is None or priced.pool.gpu is None:
                return None
            amount += count * priced.gpus_per_unit
        return number(amount)

    return Quantities(min=total("min"), expected=total("expected"), max=total("max"))
