"""The price catalog: an embedded SQLite file, opened read-only and looked up by name.

A look-up first asks SQLite for everything known about one name and keeps the answer, so a repeated look-up is a
dictionary access. Names come from Terraform files and are hostile until found: a name that is too long or cannot be
written as UTF-8 is simply not there. A file that is missing, foreign, damaged or of another schema is a
`CatalogError` with the way out.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import cached_property, wraps
from pathlib import Path
from stat import S_ISREG
from typing import TYPE_CHECKING, Any, Concatenate, Literal, NamedTuple, ParamSpec, TypeVar, cast

from msgspec import ValidationError, convert
from msgspec.structs import replace

from gpuguard.errors import CatalogError
from gpuguard.model.price import (
    AcceleratorModel,
    DiscountRange,
    InstanceType,
    Performance,
    Price,
    PriceKey,
    PriceKind,
    Region,
    Unpriced,
)
from gpuguard.price.names import (
    AWS_ZONE,
    AWS_ZONE_ID,
    E2_SHARED_VCPUS,
    GCP_CUSTOM,
    GCP_ZONE,
    accelerated_name,
    accelerator_name,
    azure_region,
    last_part,
    storable,
)
from gpuguard.price.overlay import Overlay
from gpuguard.price.performance import Performances
from gpuguard.price.rates import oldest_day
from gpuguard.price.schema import APPLICATION_ID, COLUMNS, EVERYWHERE, SCHEMA_VERSION, Row, Value

if TYPE_CHECKING:
    from sqlite3 import Connection

EMBEDDED = Path(__file__).with_name("catalog.sqlite")
_HEADER_BYTES = 100
_MOST_DIGITS = 15
_REBUILD = "install gpuguard again, or run `python -m gpuguard.price.build` in a checkout"

_T = TypeVar("_T")
_P = ParamSpec("_P")
_NOTHING = Overlay()


def _sound(method: "Callable[Concatenate[Catalog, _P], _T]") -> "Callable[Concatenate[Catalog, _P], _T]":
    """A cell that is no number or names nothing is damage of the file, told as such, and no bug."""

    @wraps(method)
    def read(self: "Catalog", /, *names: _P.args, **more: _P.kwargs) -> _T:
        try:
            return method(self, *names, **more)
        except (ValueError, TypeError, ArithmeticError, LookupError, ValidationError) as error:
            raise self.damaged("a row holds what no catalog can") from error

    return read


class _Bought(NamedTuple):
    """What tells one price row of a SKU from another."""

    region: str
    os: str
    purchase_model: str
    term: str
    payment: str


class Catalog:
    """Facts and prices by name. Open it with `Catalog.open`.

    Every method answers from the file alone and never guesses: None, `Unpriced` or an empty tuple say that the
    catalog does not know. A damaged file raises `CatalogError` at the look-up that meets the damage.
    """

    def __init__(
        self, connection: "Connection", path: Path, version: str, checksum: str, overlay: Overlay = _NOTHING
    ) -> None:
        self._connection = connection
        self.path = path
        self.version = version
        """Day of the newest price row and the start of the checksum: ``2026-10-24+1a2b3c4d``."""
        self.checksum = checksum
        """SHA-256 over all rows, as the build wrote it."""
        self.overlay = overlay
        """What the organisation really pays. Look-ups tell the catalog's prices; `rates.rate` applies it."""
        self._prices: dict[tuple[str, str, str], dict[_Bought, Price]] = {}
        self._local_prices: dict[tuple[str, str, str, str], Sequence[tuple[_Bought, Price]]] = {}
        self._answers: dict[PriceKey, Price | Unpriced] = {}
        self._types: dict[tuple[str, str], InstanceType | None] = {}
        self._offers: dict[tuple[str, str], tuple[InstanceType, ...]] = {}
        self._regions_of_types: dict[str, dict[str, set[str]]] = {}
        self._spellings: dict[tuple[str, str], tuple[str, ...]] = {}
        self._discounts: dict[tuple[str, str, str], list[Row]] = {}
        self._speeds: dict[tuple[str, str, str], Performance | None] = {}

    @classmethod
    def open(cls, path: Path | None = None, overlay: Overlay = _NOTHING) -> "Catalog":
        """Open the catalog at `path`, or the one that came with gpuguard, under the overrides of an organisation.

        Raises `CatalogError` for a file that is missing, is not a catalog, is cut short, or has another schema.
        The file is opened as immutable: it is never locked or written, and works on a read-only file system.
        """
        import sqlite3

        path = EMBEDDED if path is None else path
        hint = _way_out(path)
        try:
            if not S_ISREG(path.stat().st_mode):
                raise CatalogError(f"price catalog {_shown(path)} is not a regular file", hint=hint)
            with path.open("rb") as stream:
                header = stream.read(_HEADER_BYTES)
                size = stream.seek(0, 2)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            raise CatalogError(f"price catalog {_shown(path)} cannot be read: {reason}", hint=hint) from error
        _check_header(path, header, size, hint)
        connection: Connection | None = None
        try:
            # as_uri() quotes ?, # and % in the path, which would otherwise change what SQLite opens.
            connection = sqlite3.connect(path.absolute().as_uri() + "?mode=ro&immutable=1", uri=True)
            meta = dict(
                connection.execute("SELECT name, value FROM meta WHERE name IN ('version', 'checksum')").fetchall()
            )
        except (sqlite3.Error, UnicodeDecodeError) as error:
            if connection is not None:
                connection.close()
            raise CatalogError(f"price catalog {_shown(path)} is damaged: {error}", hint=hint) from error
        if not isinstance(meta.get("version"), str) or not isinstance(meta.get("checksum"), str):
            connection.close()
            raise CatalogError(f"price catalog {_shown(path)} is damaged: it has no version", hint=hint)
        return cls(connection, path, meta["version"], meta["checksum"], overlay)

    def close(self) -> None:
        """Close the file. What was looked up before stays known; anything else fails."""
        self._connection.close()

    def __enter__(self) -> "Catalog":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        # nothing is ever written: a catalog that nobody closed is closed without a warning
        self._connection.close()

    # --- machine types and accelerators ---

    def instance_type(self, cloud: str, sku: str) -> InstanceType | None:
        """Return the facts about a machine type, with or without accelerator, or None when the name is unknown.

        Azure sizes match in any letter case. GCP takes a bare name or the path or URL that ends in it; a custom type
        (``n1-custom-8-30720``, ``custom-8-30720``, ``-ext``) is worked out from its name: vCPUs, then MiB.
        """
        key = (cloud, sku)
        if key not in self._types:
            self._types[key] = self._find_type(cloud, sku) or self._own_type(cloud, sku)
        return self._types[key]

    def is_machine_type(self, cloud: str, sku: str) -> bool:
        """Tell whether the name is a known machine type of the cloud, GPU or not."""
        return self.instance_type(cloud, sku) is not None

    def names_machine(self, name: str) -> bool:
        """Tell whether a name is a machine type of any cloud here, or is named like an accelerated one of a large cloud."""
        plain = name.removeprefix("ml.")
        if any(self.is_machine_type(cloud, plain) for cloud in self.clouds):
            return True
        return any(self.looks_like_accelerator(cloud, plain) for cloud in ("aws", "azure", "gcp", "oci"))

    def canonical_sku(self, cloud: str, sku: str) -> str:
        """Return the catalog's spelling of a machine type, or the name as given (last part of a GCP URL)."""
        found = self.instance_type(cloud, sku)
        return found.sku if found else last_part(sku) if cloud == "gcp" else sku

    def accelerator(self, name: str) -> AcceleratorModel | None:
        """Return an accelerator model by canonical name or by any name a cloud gives it.

        Letter case and underscores do not matter, a URL counts by its last part, and a virtual workstation
        (``nvidia-tesla-t4-vws``) is the GPU it runs on.
        """
        return self._accelerators.get(accelerator_name(name))

    def offers(self, cloud: str, region: str) -> tuple[InstanceType, ...]:
        """Return the GPU machine types that have an on-demand or spot price in the region, sorted by name.

        List prices that hold in all regions of a cloud count: they do not promise that the region has the type. Where
        the cloud's own list of regions of a type is known, it decides: price lists run ahead of what can be started.
        """
        name = self._region_name(cloud, region)
        if (cloud, name) not in self._offers:
            rows = self._rows(
                "SELECT DISTINCT sku FROM price WHERE cloud = ? AND kind = 'machine' AND region IN (?, '*')"
                " AND purchase_model IN ('on_demand', 'spot') ORDER BY sku",
                (cloud, name),
            )
            found = (self.instance_type(cloud, str(sku)) for (sku,) in rows if self._is_offered(cloud, str(sku), name))
            self._offers[cloud, name] = tuple(each for each in found if each is not None and each.gpu_model)
        return self._offers[cloud, name]

    def _is_offered(self, cloud: str, sku: str, region: str) -> bool:
        if cloud not in self._regions_of_types:
            listed: dict[str, set[str]] = {}
            for name, where, _ in self.offerings(cloud):
                listed.setdefault(name, set()).add(where)
            self._regions_of_types[cloud] = listed
        regions = self._regions_of_types[cloud].get(sku)
        return regions is None or region in regions

    def instance_types_with(self, cloud: str, model: str) -> tuple[InstanceType, ...]:
        """Return the machine types of a cloud that carry an accelerator model (any of its names), smallest first."""
        found = self.accelerator(model)
        if found is None:
            return ()
        rows = self._rows(
            "SELECT sku FROM instance_type WHERE cloud = ? AND gpu_model = ? ORDER BY gpu_count, vcpus, sku",
            (cloud, found.model),
        )
        types = (self.instance_type(cloud, str(sku)) for (sku,) in rows)
        return tuple(each for each in types if each is not None)

    def looks_like_accelerator(self, cloud: str, sku: str) -> bool:
        """Tell whether an unknown machine type has the name of an accelerator family of its cloud.

        New sizes appear before any price table knows them; their families are named systematically, so a name of such
        a family is reported as an unpriced GPU and not passed over. A name the catalog knows is answered from its
        facts. FPGA families (AWS F, Azure NP) do not count.
        """
        known = self.instance_type(cloud, sku)
        if known is not None:
            return known.gpu_model is not None
        return accelerated_name(cloud, sku)

    # --- prices ---

    def price(self, key: PriceKey) -> Price | Unpriced:
        """Return the price of exactly what `key` asks for: in its region first, then the cloud's list price.

        A commitment asked for without term or payment may match several rows; the dearest is returned, and its
        `key` says which it is. Nothing else is filled in: another operating system or region is another price.
        """
        answer = self._answers.get(key)
        if answer is None:
            answer = self._answers[key] = self._find_price(key)
        return answer

    def price_over_regions(self, key: PriceKey) -> tuple[Price, Price] | None:
        """Return the cheapest and the dearest price over all regions, or None; `key.region` does not matter.

        A price that is a range over zones counts by its cheap end for the one and by its dear end for the other.
        """
        found = [price for bought, price in self._sku_prices(key).items() if _matches(bought, key)]
        if not found:
            return None
        # by what each may come to: over zones a price is a range
        cheapest = min(found, key=lambda price: (_ends(price)[0], price.key.region))
        dearest = max(found, key=lambda price: (_ends(price)[1], price.key.region))
        return cheapest, dearest

    def prices_of(self, cloud: str, kind: PriceKind, sku: str) -> tuple[Price, ...]:
        """Return every price of a SKU, in all regions and bought in every way, sorted by its key."""
        return tuple(self._sku_prices(PriceKey(cloud, kind, sku, EVERYWHERE)).values())

    def kinds_of(self, cloud: str, sku: str) -> tuple[PriceKind, ...]:
        """Return the kinds of price that a SKU has: ``("storage", "iops", "throughput")`` for gp3."""
        rows = self._rows("SELECT DISTINCT kind FROM price WHERE cloud = ? AND sku = ?", (cloud, sku))
        return tuple(cast("PriceKind", str(kind)) for (kind,) in rows)

    def all_prices(
        self, clouds: Sequence[str] = (), kinds: Sequence[str] = (), purchase_models: Sequence[str] = ()
    ) -> Iterator[Price]:
        """Walk over all prices of some clouds, kinds and purchase models; of all where none is named."""
        tests = ["1"]
        values: list[str] = []
        for column, names in (("cloud", clouds), ("kind", kinds), ("purchase_model", purchase_models)):
            if names:
                tests.append(f"{column} IN ({', '.join('?' * len(names))})")
                values.extend(names)
        columns = "region, os, purchase_model, term, payment, unit, usd, low, high, upfront, source, note"
        query = f"SELECT cloud, kind, sku, {columns} FROM price WHERE {' AND '.join(tests)}"  # noqa: S608 - names are ours
        for cloud, kind, sku, *row in self._rows(query, tuple(values)):
            key = PriceKey(str(cloud), cast("PriceKind", kind), str(sku), EVERYWHERE)
            yield self._price_from(key, _Bought(*(str(cell) for cell in row[:5])), tuple(row))

    @cached_property
    def clouds(self) -> tuple[str, ...]:
        """The clouds that have machine types or prices here."""
        return tuple(
            str(cloud)
            for (cloud,) in self._rows("SELECT cloud FROM instance_type UNION SELECT cloud FROM price ORDER BY 1")
        )

    @cached_property
    def accelerators(self) -> tuple[AcceleratorModel, ...]:
        """All accelerator models, sorted by name."""
        return tuple(sorted(set(self._accelerators.values()), key=lambda each: each.model))

    def interruptions(self) -> tuple[tuple[str, str], ...]:
        """The (region, machine type) pairs that AWS offers as spot by its Spot Instance Advisor."""
        return tuple(
            (str(region), str(sku)) for region, sku in self._rows("SELECT DISTINCT region, sku FROM interruption")
        )

    def offerings(self, cloud: str) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
        """The machine types a cloud says it offers, with region and zones, where a list of it is stored."""
        rows = self._rows("SELECT sku, region, zones FROM offering WHERE cloud = ?", (cloud,))
        return tuple((str(sku), str(region), tuple(str(zones).split())) for sku, region, zones in rows)

    def holes(self) -> tuple[tuple[str, str, str], ...]:
        """Current machine types without a list price: cloud, name, reason."""
        rows = self._rows("SELECT cloud, sku, reason FROM hole ORDER BY cloud, sku")
        return tuple((str(cloud), str(sku), str(reason)) for cloud, sku, reason in rows)

    @_sound
    def discount_range(
        self,
        cloud: str,
        family: str | None,
        sku: str | None,
        purchase_model: str,
        term: str | None = None,
        region: str | None = None,
        os: str = "linux",
    ) -> DiscountRange | None:
        """Return the discount on the on-demand price that is known for the narrowest scope, or None.

        Narrowest first: this SKU, its family, its GPU model, the cloud; in each a named region before any region,
        and figures seen in price lists before published bounds. Without `term` both terms may answer; the smaller
        discount wins.
        """
        if (cloud, purchase_model, os) not in self._discounts:
            self._discounts[cloud, purchase_model, os] = self._rows(
                "SELECT scope, name, region, purchase_model, term, low_percent, high_percent, kind, source, as_of"
                " FROM discount WHERE cloud = ? AND purchase_model = ? AND os IN ('*', ?)",
                (cloud, purchase_model, os),
            )
        known = self.instance_type(cloud, sku) if sku else None
        where = self._region_name(cloud, region) if region else None
        best: tuple[tuple[int, int, int, Decimal], Row] | None = None
        for row in self._discounts[cloud, purchase_model, os]:
            scope, name, row_region, _, row_term = (str(cell) for cell in row[:5])
            if term and row_term and row_term != term:
                continue
            if row_region not in (EVERYWHERE, where):
                continue
            narrow = _narrowness(scope, name, family or (known.family if known else None), sku, known)
            if narrow is None:
                continue
            rank = (narrow, row_region == EVERYWHERE, row[7] == "published", Decimal(str(row[5])))
            if best is None or rank < best[0]:
                best = rank, row
        if best is None:
            return None
        row = best[1]
        kind = cast("Literal['observed', 'published']", row[7])
        return DiscountRange(
            _amount(row[5]), _amount(row[6]), kind, self._source_titles(str(row[8])), _day(str(row[9]))
        )

    def interruption(self, region: str, sku: str, os: str = "linux") -> str | None:
        """Return the band of monthly interruptions of an AWS spot instance (``<5%`` to ``>20%``), or None.

        From the EC2 Spot Instance Advisor; operating systems other than Windows count as Linux, as there.
        """
        rows = self._rows(
            "SELECT band FROM interruption WHERE region = ? AND sku = ? AND os = ?",
            (region, sku, "windows" if os == "windows" else "linux"),
        )
        return str(rows[0][0]) if rows else None

    # --- regions ---

    def region(self, cloud: str, name: str) -> Region | None:
        """Return a region by its name; Azure also by display name (``East US``)."""
        return self._regions.get((cloud, self._region_name(cloud, name)))

    def regions(self, cloud: str) -> tuple[Region, ...]:
        """Return all known regions of a cloud, sorted by name."""
        return tuple(region for (of, _), region in self._regions.items() if of == cloud)

    def region_of_zone(self, cloud: str, zone: str) -> str | None:
        """Return the region a zone lies in, or None when the name is not that of a zone.

        AWS availability zones, Local and Wavelength Zones and zone ids (``use1-az1``), GCP zones as name, path or
        URL. A region's own name is returned as it is. Azure's zones are numbers and name no region.
        """
        if not storable(zone):
            return None
        name = last_part(zone) if cloud == "gcp" else zone
        if (cloud, name) in self._regions:
            return name
        if cloud == "aws":
            if match := AWS_ZONE.match(name):
                return match[1]
            if match := AWS_ZONE_ID.match(name):
                return self._aws_region_codes.get(match[1])
        if cloud == "gcp" and (match := GCP_ZONE.match(name)):
            return match[1]
        return None

    # --- performance ---

    @_sound
    def performance(self, model: str, other: str, workload: str) -> Performance | None:
        """Return the speed of one `model` divided by the speed of one `other`, for a class of work.

        `workload` is a class of the performance tables (``llm_training``, ``llm_inference``, ``vision_inference`` …).
        A pair measured on the same benchmark comes first; else both are compared through the class's reference
        card: the weaker basis and confidence of the two count, and two measured ratios make a chained one.
        """
        key = (model, other, workload)
        if key not in self._speeds:
            one, two = self.accelerator(model), self.accelerator(other)
            self._speeds[key] = self._performances.of(one.model, two.model, workload) if one and two else None
        return self._speeds[key]

    # --- for the commands that describe the catalog ---

    @cached_property
    def _performances(self) -> Performances:
        return Performances(self._rows(Performances.PAIRS), self._rows(Performances.RATIOS))

    @property
    def workloads(self) -> tuple[str, ...]:
        """The classes of work that `performance` knows."""
        return self._performances.workloads

    def known_hole(self, cloud: str, sku: str) -> str | None:
        """Return why a current machine type has no on-demand price, or None when it has one or is unknown."""
        rows = self._rows("SELECT reason FROM hole WHERE cloud = ? AND sku = ?", (cloud, sku))
        return str(rows[0][0]) if rows else None

    def accelerated_types(self, cloud: str) -> tuple[InstanceType, ...]:
        """Return all machine types of a cloud that carry accelerators, sorted by name."""
        rows = self._rows(
            "SELECT sku FROM instance_type WHERE cloud = ? AND gpu_model IS NOT NULL ORDER BY sku", (cloud,)
        )
        types = (self.instance_type(cloud, str(sku)) for (sku,) in rows)
        return tuple(each for each in types if each is not None)

    def rows(self) -> dict[str, list[Row]]:
        """Return all rows of all tables, for whoever makes another catalog of this one or compares the two."""
        from gpuguard.price.store import read_rows

        return self._read(read_rows)

    def problems(self) -> list[str]:
        """Tell what is wrong with the file, judged by its own manifest; nothing where all is well."""
        from gpuguard.price.store import problems

        return self._read(problems)

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """What the file says of itself: version, checksum, row counts, and the age of prices by cloud and model."""
        from gpuguard.price.store import read_manifest

        return self._read(read_manifest)

    @property
    def origin(self) -> str:
        """``tables``, or the version of the embedded catalog that a refreshed one began with."""
        return str(self.manifest["origin"])

    # --- reading ---

    def _read(self, how: "Callable[[Connection], _T]") -> _T:
        import sqlite3

        try:
            return how(self._connection)
        except (sqlite3.DatabaseError, ValueError) as error:
            raise self.damaged(str(error)) from error

    def damaged(self, why: str, details: Sequence[str] = ()) -> CatalogError:
        """What to raise where the file is not what a catalog is, or holds what none can."""
        return CatalogError(
            f"price catalog {_shown(self.path)} is damaged: {why}", hint=_way_out(self.path), details=details
        )

    def _rows(self, query: str, values: tuple[str, ...] = ()) -> list[Row]:
        """Run a query; a value that no name in the catalog can have finds nothing."""
        if not all(map(storable, values)):
            return []
        return self._read(lambda connection: connection.execute(query, values).fetchall())

    @_sound
    def _find_type(self, cloud: str, sku: str) -> InstanceType | None:
        name = last_part(sku) if cloud == "gcp" else sku
        rows = self._rows("SELECT * FROM instance_type WHERE cloud = ? AND lower_sku = ?", (cloud, name.lower()))
        # Only Azure's API folds letter case; elsewhere another spelling is another, unknown name.
        if rows and (cloud == "azure" or rows[0][2] == name):
            return _instance_type(rows[0], self._source_titles(str(rows[0][13])))
        return self._custom_type(name) if cloud == "gcp" and storable(name) else None

    def _own_type(self, cloud: str, sku: str) -> InstanceType | None:
        found = self.overlay.machine(cloud, sku)
        model = self.accelerator(found.gpu_model) if found is not None and found.gpu_model else None
        return replace(found, gpu_model=model.model) if found is not None and model is not None else found

    def _custom_type(self, name: str) -> InstanceType | None:
        match = GCP_CUSTOM.match(name)
        if match is None:
            return None
        series, shared, vcpus, mebibytes, _ = match.groups()
        # Without a series the name is from the time of N1 alone (Compute Engine: custom machine types).
        series = series or "n1"
        cores = E2_SHARED_VCPUS[shared] if shared else float(vcpus)
        memory = int(mebibytes) / 1024
        if not cores or not memory:
            return None
        model, count, total = None, 0.0, None
        if series == "g2":
            # A G2 machine with custom memory carries the L4s of the predefined machine with as many vCPUs.
            like = self.instance_type("gcp", f"g2-standard-{vcpus}")
            if like is None:
                return None
            model, count, total = like.gpu_model, like.gpu_count, like.gpu_memory_gib
        source = "Compute Engine: custom machine types"
        return InstanceType(
            "gcp", name, series, cores, memory, model, count, total, "x86_64", "current", source, self._newest("gcp")
        )

    def _newest(self, cloud: str) -> str:
        rows = self._rows("SELECT max(as_of) FROM instance_type WHERE cloud = ?", (cloud,))
        return str(rows[0][0]) if rows and rows[0][0] else ""

    def _sku_prices(self, key: PriceKey) -> Mapping[_Bought, Price]:
        name = (key.cloud, key.kind, key.sku)
        if name not in self._prices:
            found: dict[_Bought, Price] = {}
            for row in self._rows(
                "SELECT region, os, purchase_model, term, payment, unit, usd, low, high, upfront, source, note"
                " FROM price WHERE cloud = ? AND kind = ? AND sku = ?",
                name,
            ):
                bought = _Bought(*(str(cell) for cell in row[:5]))
                found[bought] = self._price_from(key, bought, row)
            self._prices[name] = found
        return self._prices[name]

    def _prices_at(self, key: PriceKey) -> Sequence[tuple[_Bought, Price]]:
        """The prices of a SKU in the region and everywhere, without making those of all its other regions."""
        place = (key.cloud, key.kind, key.sku, key.region)
        found = self._local_prices.get(place)
        if found is None:
            rows = self._rows(
                "SELECT region, os, purchase_model, term, payment, unit, usd, low, high, upfront, source, note"
                " FROM price WHERE cloud = ? AND kind = ? AND sku = ? AND region IN (?, ?)",
                (*place[:3], key.region if storable(key.region) else EVERYWHERE, EVERYWHERE),
            )
            bought = (_Bought(*(str(cell) for cell in row[:5])) for row in rows)
            found = [(each, self._price_from(key, each, row)) for each, row in zip(bought, rows, strict=True)]
            self._local_prices[place] = found
        return found

    @_sound
    def _price_from(self, key: PriceKey, bought: _Bought, row: Row) -> Price:
        low, high, upfront = (None if cell is None else _amount(cell) for cell in row[7:10])
        if _amount(row[6]) <= 0 or any(end is not None and end < 0 for end in (low, high, upfront)):
            raise ValueError(f"a price of {key.sku} is not above zero")
        return Price(
            key=PriceKey(
                key.cloud,
                key.kind,
                key.sku,
                bought.region,
                bought.os,
                bought.purchase_model,
                bought.term or None,
                bought.payment or None,
            ),
            unit=str(row[5]),
            amount=_amount(row[6]),
            source=self._source_titles(str(row[10])),
            as_of=self._source_date(str(row[10])),
            low=low,
            high=high,
            upfront=upfront,
            note=str(row[11]),
        )

    def _find_price(self, key: PriceKey) -> Price | Unpriced:
        sku = self.canonical_sku(key.cloud, key.sku) if key.kind in ("machine", "license") else key.sku
        asked = PriceKey(
            key.cloud,
            key.kind,
            sku,
            self._region_name(key.cloud, key.region),
            key.os,
            key.purchase_model,
            key.term,
            key.payment,
        )
        found = [(bought, price) for bought, price in self._prices_at(asked) if _matches(bought, asked)]
        for region in (asked.region, EVERYWHERE):
            here = [price for bought, price in found if bought.region == region]
            if here:
                return max(here, key=lambda price: price.amount)
        elsewhere = [price for bought, price in self._sku_prices(asked).items() if _matches(bought, asked)]
        return Unpriced(key, self._hint(asked, elsewhere))

    def _hint(self, key: PriceKey, elsewhere: list[Price]) -> str:
        """Say where the same thing has a price, how else it can be bought here, or which name may have been meant."""
        if elsewhere:
            nearest = min(
                elsewhere,
                key=lambda price: (
                    self._distance(key.cloud, key.region, price.key.region),
                    price.key.region,
                    -price.amount,
                ),
            )
            known = (key.cloud, key.region) in self._regions and (key.cloud, nearest.key.region) in self._regions
            where = f"{nearest.key.region}{', the nearest region with a price,' if known else ''}"
            return f"{where} asks {nearest.amount} USD per {nearest.unit}"
        parts = self._known_of_machine(key) if key.kind == "machine" else []
        of_sku = self._sku_prices(key)
        here = [price.key for bought, price in of_sku.items() if bought.region in (key.region, EVERYWHERE)]
        if here:
            ways = sorted({f"{way.purchase_model} ({way.os})" for way in here})
            parts.append(f"prices known there: {', '.join(ways)}")
        elif of_sku and not parts:
            parts.append("other prices of it are known, none of this kind in any region")
        if parts or not storable(key.sku):
            return "; ".join(parts)
        import difflib  # costs more than opening the catalog, and most look-ups succeed

        near = difflib.get_close_matches(key.sku, self._names(key.cloud, key.kind), n=3, cutoff=0.75)
        return f"nearest known: {', '.join(near)}" if near else ""

    @_sound
    def _known_of_machine(self, key: PriceKey) -> list[str]:
        """Say what is known of a machine type that has no price by region."""
        if reason := self.known_hole(key.cloud, key.sku):
            sold = {price.key.region for price in self._sku_prices(key).values()}
            if sold and key.region not in sold:
                return [reason, f"sold in {', '.join(sorted(sold))}"]
            return [reason]
        known = self.instance_type(key.cloud, key.sku)
        return ["machines without accelerator are not priced"] if known is not None and not known.gpu_model else []

    def similar(self, sku: str) -> str:
        """Say which names of any cloud are near to one that none of them knows."""
        import difflib

        if not storable(sku):
            return ""
        names = {str(name).lower(): str(name) for (name,) in self._rows("SELECT DISTINCT sku FROM price ORDER BY sku")}
        near = difflib.get_close_matches(sku.lower(), names, n=3, cutoff=0.6)
        return f"nearest known: {', '.join(names[name] for name in near)}" if near else ""

    def _names(self, cloud: str, kind: str) -> tuple[str, ...]:
        if (cloud, kind) not in self._spellings:
            rows = self._rows("SELECT DISTINCT sku FROM price WHERE cloud = ? AND kind = ?", (cloud, kind))
            self._spellings[cloud, kind] = tuple(str(sku) for (sku,) in rows)
        return self._spellings[cloud, kind]

    def _distance(self, cloud: str, one: str, other: str) -> tuple[bool, float]:
        """Order regions by nearness: same geography first, then kilometres along the globe; unknown places last."""
        here, there = self._regions.get((cloud, one)), self._regions.get((cloud, other))
        if here is None or there is None:
            return True, math.inf
        far = here.geography != there.geography
        if None in (here.latitude, here.longitude, there.latitude, there.longitude):
            return far, math.inf
        return far, _kilometres(here, there)

    def _region_name(self, cloud: str, name: str) -> str:
        return azure_region(name) if cloud == "azure" else name

    def _source_titles(self, ids: str) -> str:
        return "; ".join(self._sources[each][1] for each in ids.split() if each in self._sources)

    def _source_date(self, ids: str) -> str:
        return min(self._sources[each][0] for each in ids.split())

    @cached_property
    @_sound
    def _sources(self) -> dict[str, tuple[str, str]]:
        return {
            str(name): (_day(str(as_of)), str(title))
            for name, as_of, title in self._rows("SELECT id, as_of, title FROM source")
        }

    @cached_property
    @_sound
    def _regions(self) -> dict[tuple[str, str], Region]:
        found = {}
        for row in self._rows("SELECT * FROM region ORDER BY cloud, name"):
            cloud, name, title, country, geography, offset = (str(cell) for cell in row[:6])
            place = map(_number_or_none, row[6:8])
            found[cloud, name] = Region(cloud, name, title, country, geography, offset, *place)
        return found

    @cached_property
    def _aws_region_codes(self) -> dict[str, str]:
        """The short codes in AWS zone ids: ``use1`` for us-east-1, ``apne2`` for ap-northeast-2, ``usgw1``."""
        codes = {}
        for cloud, name in self._regions:
            if cloud == "aws":
                area, *middle, number = name.split("-")
                letters = (
                    re.sub(r"(north|south|east|west|central|gov)", lambda part: part[0][0], word) for word in middle
                )
                codes[area + "".join(letters) + number] = name
        return codes

    @cached_property
    @_sound
    def _accelerators(self) -> dict[str, AcceleratorModel]:
        models = {}
        for row in self._rows("SELECT * FROM accelerator"):
            facts = dict(zip(COLUMNS["accelerator"], row, strict=True))
            facts["source"] = self._source_titles(str(facts["source"]))
            models[str(facts["model"])] = convert(facts, AcceleratorModel)
        aliases = self._rows("SELECT alias, model FROM accelerator_alias")
        return {str(alias): models[str(model)] for alias, model in aliases if str(model) in models}


def _way_out(path: Path) -> str:
    return _REBUILD if path == EMBEDDED else "leave out --catalog to use the catalog that came with gpuguard"


def _check_header(path: Path, header: bytes, size: int, hint: str) -> None:
    """Refuse what is not a whole catalog file. SQLite file format: magic, page size, page count, user version, id."""
    if len(header) < _HEADER_BYTES or not header.startswith(b"SQLite format 3\0"):
        raise CatalogError(f"{_shown(path)} is not a price catalog", hint=hint)
    if int.from_bytes(header[68:72], "big") != APPLICATION_ID:
        raise CatalogError(f"{_shown(path)} is an SQLite file but not a price catalog of gpuguard", hint=hint)
    schema = int.from_bytes(header[60:64], "big")
    if schema != SCHEMA_VERSION:
        raise CatalogError(
            f"price catalog {_shown(path)} has schema {schema}, this gpuguard reads schema {SCHEMA_VERSION}",
            hint="use the gpuguard the catalog was made for, or make the catalog again",
        )
    page = int.from_bytes(header[16:18], "big")
    if size != int.from_bytes(header[28:32], "big") * page:
        raise CatalogError(f"price catalog {_shown(path)} is damaged: it is not as long as it should be", hint=hint)


def _shown(path: Path) -> str:
    return str(path).encode("utf-8", "backslashreplace").decode()


def _matches(bought: _Bought, key: PriceKey) -> bool:
    return (
        bought.os == key.os
        and bought.purchase_model == key.purchase_model
        and (key.term is None or bought.term == key.term)
        and (key.payment is None or bought.payment in ("", key.payment))
    )


def _instance_type(row: Row, source: str) -> InstanceType:
    return InstanceType(
        cloud=str(row[0]),
        sku=str(row[2]),
        family=str(row[3]),
        vcpus=_number_or_none(row[4]),
        memory_gib=_number_or_none(row[5]),
        gpu_model=None if row[6] is None else str(row[6]),
        gpu_count=_number(row[7]),
        gpu_memory_gib=_number_or_none(row[8]),
        arch=str(row[9]),
        status=str(row[10]),
        source=source,
        as_of=_day(str(row[14])),
        local_ssd_gib=_number_or_none(row[11]),
        network_gbps=_number_or_none(row[12]),
    )


def _number(cell: Value) -> float:
    """A number that is there and finite; anything else is a ValueError or TypeError."""
    number = float(cell or 0)
    if not math.isfinite(number):
        raise ValueError(f"{number} is no number")
    return number


def _number_or_none(cell: Value) -> float | None:
    return None if cell is None else _number(cell)


def _amount(cell: Value) -> Decimal:
    """An amount of money as somebody could ask it; anything else is an ArithmeticError or ValueError."""
    amount = Decimal(str(cell))
    if not amount.is_finite() or abs(amount.adjusted()) > _MOST_DIGITS:
        raise ValueError(f"{amount} is no amount of money")
    return amount


def _day(text: str) -> str:
    """A year, a month or a day; anything else is a ValueError."""
    date.fromisoformat(oldest_day(text))
    return text


def _ends(price: Price) -> tuple[Decimal, Decimal]:
    """The least and the most a price may come to."""
    low = price.amount if price.low is None else min(price.low, price.amount)
    high = price.amount if price.high is None else max(price.high, price.amount)
    return low, high


def _narrowness(scope: str, name: str, family: str | None, sku: str | None, known: InstanceType | None) -> int | None:
    """Rank a discount's scope for a SKU, 0 the narrowest, or None when the scope does not hold it.

    A family scope is a machine family or the beginning of a type's name (a3-megagpu for a3-megagpu-8g).
    """
    if scope == "sku":
        return 0 if sku is not None and name == sku else None
    if scope == "family":
        return 1 if name == family or (sku is not None and sku.startswith(f"{name}-")) else None
    if scope == "gpu":
        return 2 if known is not None and known.gpu_model == name else None
    return 3


def _kilometres(one: Region, other: Region) -> float:
    """Great-circle distance (haversine); both places must be known."""
    degrees = (one.latitude, one.longitude, other.latitude, other.longitude)
    lat1, lon1, lat2, lon2 = (math.radians(value or 0.0) for value in degrees)
    part = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * 6371 * math.asin(math.sqrt(part))
