"""The source tables in gpuguard/price/data as rows in memory: read, merged with newer facts, written.

Of two rows with one key the newer stays, at one date the dearer: a guardrail errs high. A date that is a year or a month
alone counts as its first day. Everything is sorted, so that the same facts give the same files.
"""

import csv
import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from gpuguard.price import build

Row = dict[str, str]
Key = tuple[str, ...]

TABLES: dict[str, tuple[Sequence[str], int]] = {
    "accelerators": (build.ACCELERATOR_COLUMNS, 1),
    "regions": (build.REGION_COLUMNS, 2),
    "discounts": (build.DISCOUNT_COLUMNS, 7),
    "performance_pairs": (build.PAIR_COLUMNS, 3),
    "performance_ratios": (build.RATIO_COLUMNS, 2),
    "holes": (build.HOLE_COLUMNS, 2),
}
"""Columns and length of the key of the tables that are not of one cloud."""
OF_A_CLOUD: dict[str, tuple[Sequence[str], int]] = {
    "types": (build.TYPE_COLUMNS, 1),
    "cpu_types": (build.CPU_TYPE_COLUMNS, 1),
    "offerings": (build.OFFERING_COLUMNS, 2),
    "interruption": (build.BAND_COLUMNS, 3),
}
PRICES = (build.PRICE_COLUMNS, 6)

ESTIMATES = ("derived", "order of magnitude", "test of a price collector", "test fixture")
"""Notes of figures that a real reading replaces, however old it is."""

REPORT: dict[str, list[str]] = defaultdict(list)


def log(section: str, line: str) -> None:
    """Remember something a person should see when the import is done."""
    REPORT[section].append(line)


def print_report() -> None:
    """Print what was remembered, section by section."""
    for section, lines in sorted(REPORT.items()):
        print(f"{section}: {len(lines)}")
        for line in lines:
            print(f"  {line}")


class Sources:
    """Where figures come from: short ids for (title, date), the same in every run."""

    def __init__(self, known: Mapping[str, tuple[str, str]] | None = None) -> None:
        self.known: dict[str, tuple[str, str]] = dict(known or {})

    def id(self, title: str, as_of: str) -> str:
        """Return the id of one source at one date."""
        name = f"{slug(title)}-{as_of}"
        if self.known.setdefault(name, (as_of, title)) != (as_of, title):
            name = f"{slug(title)}-{hashlib.sha256(title.encode()).hexdigest()[:6]}-{as_of}"
            self.known.setdefault(name, (as_of, title))
        return name

    def day(self, ids: str) -> str:
        """Return the first day that the oldest of some sources may be of."""
        return min((self.known[name][0] + "-01-01"[len(self.known[name][0]) - 4 :])[:10] for name in ids.split())


def slug(title: str) -> str:
    """Shorten a title: owner, last words of the path and commit of a repository, the first words of a page's title."""
    match = re.match(r"([\w.-]+)/([\w.-]+?)(?:@([0-9a-f]{4})[0-9a-f]*)?(?::\s*(.*))?$", title)
    if match is None:
        return "-".join(re.sub(r"[^a-z0-9]+", " ", title.lower()).split()[:5])
    owner, name, commit, path = match.groups()
    words = re.sub(r"\.\w+$|\(.*", "", (path or name).strip()).lower().replace("/", " ").split()
    plain_words = [re.sub(r"[^a-z0-9]+", "-", word).strip("-") for word in words]
    generic = {"vms", "src", "data", "readme", "testdata", "pkg", "providers"}
    last = [word for word in plain_words if word not in generic][-2:]
    return "-".join([owner.lower(), *last, *([commit] if commit else [])])


class Store:
    """All tables by path below the data folder, each a mapping from key to row."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.sources = Sources({row["id"]: (row["as_of"], row["title"]) for row in _read(data / "sources.csv")})
        self.tables: dict[str, dict[Key, Row]] = defaultdict(dict)
        for path in sorted(data.rglob("*.csv")):
            name = path.relative_to(data).as_posix()
            if name != "sources.csv":
                _, length = _shape(name)
                for row in _read(path):
                    self.tables[name][tuple(list(row.values())[:length])] = row

    def merge(self, name: str, rows: Iterable[Row], *, replace: bool = False, settled: int = 0) -> None:
        """Put rows into a table. `replace`: whatever stands there with the same key gives way, whatever its date.

        `settled` is how many days newer a figure must be to take the place of one that is no estimate: prices that move
        from day to day would else make a diff of every look at them.
        """
        columns, length = _shape(name)
        table = self.tables[name]
        for given in rows:
            row = {column: given.get(column, "") for column in columns}
            key = tuple(row[column] for column in columns[:length])
            other = table.get(key)
            if other is None or replace:
                table[key] = row
            elif other != row:
                table[key] = self._better(name, key, other, row, settled)

    def _better(self, name: str, key: Key, one: Row, two: Row, settled: int) -> Row:
        if "source" not in one:
            return two
        if one.get("unit") != two.get("unit"):
            raise SystemExit(f"{name} {' '.join(key)} has a price per {one['unit']} and one per {two['unit']}")
        days = self.sources.day(one["source"]), self.sources.day(two["source"])
        guessed = [any(word in row.get("note", "") for word in ESTIMATES) for row in (one, two)]
        newer, older = (two, one) if days[1] > days[0] else (one, two)
        if one.get("usd") == two.get("usd") and bool(one.get("note")) != bool(two.get("note")):
            return two if one["note"] else one  # the plain reading of the two
        if guessed[0] != guessed[1]:
            newer, older = (two, one) if guessed[0] else (one, two)
        elif days[0] == days[1] and "usd" in one:
            newer, older = (one, two) if Decimal(one["usd"]) >= Decimal(two["usd"]) else (two, one)
        elif newer is two and not guessed[0]:
            gone_by = date.fromisoformat(days[1]) - date.fromisoformat(days[0])
            newer, older = (two, one) if gone_by >= timedelta(days=settled) else (one, two)
        if "usd" in one and newer["usd"] != older["usd"]:
            log("two prices for one key", f"{name} {' '.join(key)}: {older['usd']} gives way to {newer['usd']}")
        return newer

    def fill(self, name: str, rows: Iterable[Row]) -> None:
        """Put rows into a table that are not there yet; what was corrected or completed since stays."""
        columns, length = _shape(name)
        present = self.tables[name]
        self.merge(
            name, [row for row in rows if tuple(row.get(column, "") for column in columns[:length]) not in present]
        )

    def drop(self, name: str, key: Key, reason: str) -> None:
        """Take a row out."""
        if self.tables[name].pop(key, None) is not None:
            log("taken out", f"{name} {' '.join(key)}: {reason}")

    def write(self) -> None:
        """Write every table, and of the sources those that a row names."""
        used: set[str] = set()
        for name, table in self.tables.items():
            write(self.data / name, _shape(name)[0], table.values())
            for row in table.values():
                used.update(row.get("source", "").split())
        rows = [{"id": name, "as_of": as_of, "title": title} for name, (as_of, title) in self.sources.known.items()]
        write(self.data / "sources.csv", build.SOURCE_COLUMNS, [row for row in rows if row["id"] in used])


def write(path: Path, columns: Sequence[str], rows: Iterable[Row]) -> None:
    """Write one table, sorted by its columns with numbers in names in natural order; an empty one is removed."""

    def natural(row: Row) -> tuple[list[tuple[int, int, str]], ...]:
        return tuple(
            [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"(\d+)", row[column])]
            for column in columns
        )

    ordered = sorted(rows, key=natural)
    if not ordered:
        path.unlink(missing_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(ordered)


def plain(amount: str | Decimal) -> str:
    """Write an amount without exponent and without trailing zeros; its value does not change."""
    text = format(Decimal(amount), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _shape(name: str) -> tuple[Sequence[str], int]:
    stem = name.rpartition("/")[2].removesuffix(".csv")
    if "/prices/" in name:
        return PRICES
    return OF_A_CLOUD[stem] if "/" in name else TABLES[stem]


def _read(path: Path) -> list[Row]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))
