"""Find policy packs on disk and read them: a shipped one by its name, a file, or all files of a directory."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from gpuguard.errors import ConfigError

if TYPE_CHECKING:
    from gpuguard.decide.rule import Rule, Settings

_SUFFIXES = (".yml", ".yaml")
_HINT = "docs/policies.md describes the format, docs/rules.md the rules and their settings."


class Entry(msgspec.Struct, frozen=True):
    """A rule with its settings. `id` is what results are told under; `line` is where the entry starts in the file."""

    id: str
    rule: "Rule"
    settings: "Settings"
    line: int


class Pack(msgspec.Struct, frozen=True):
    """A policy pack. `path` is the file it came from, as it was given."""

    name: str
    description: str
    path: str
    rules: tuple[Entry, ...]


def load(names_or_paths: Sequence[str]) -> tuple[Pack, ...]:
    """Read policy packs: names of shipped ones, files, or directories (all *.yml and *.yaml in order of their names).

    A shipped name wins over a file of that name: write ``./default`` for the file. A pack named twice is read once.
    Anything missing, unreadable or wrong raises ConfigError; nothing is skipped.
    """
    packs: dict[str, Pack] = {}
    read: set[Path] = set()
    for given in names_or_paths:
        for path, shown in _files(given):
            if (real := path.resolve()) in read:
                continue
            read.add(real)
            pack = _read(path, shown)
            if pack.name in packs:
                raise ConfigError(
                    f"{shown}: a pack named {pack.name} was read from {packs[pack.name].path} already",
                    hint="Give each pack its own `name`.",
                )
            packs[pack.name] = pack
    return tuple(packs.values())


def shipped() -> dict[str, Path]:
    """The packs that come with gpuguard, by name: beside the package once installed, in its checkout before that."""
    package = Path(__file__).parent.parent
    for folder in (package / "policies", package.parent / "policies"):
        if (folder / "default.yml").is_file():
            return {path.stem: path for path in sorted(folder.glob("*.yml"))}
    return {}


def _files(given: str) -> list[tuple[Path, str]]:
    from gpuguard.yamlfile import nearest, quoted, unreadable

    ours = shipped()
    if given in ours:
        return [(ours[given], f"policies/{ours[given].name}")]
    if not given or "\0" in given:
        raise ConfigError(f"{quoted(given)} is neither a file nor a directory nor a shipped policy pack")
    path = Path(given)
    shown = given if given.isprintable() else quoted(given)
    try:
        if path.is_dir():
            found = sorted(one for one in path.iterdir() if one.suffix in _SUFFIXES and not one.name.startswith("."))
            if not found:
                raise ConfigError(f"{shown}: the directory has no *.yml or *.yaml file", hint="Name a policy pack.")
            return [(one, str(one) if str(one).isprintable() else quoted(str(one))) for one in found]
        path.stat()
    except FileNotFoundError:
        hint = f"The shipped packs are: {', '.join(ours)}." if ours else ""
        text = f"{shown}: there is no such file, directory or shipped policy pack{nearest(given, ours)}"
        raise ConfigError(text, hint=hint) from None
    except OSError as error:
        raise unreadable(shown, error) from None
    return [(path, shown)]


def _read(path: Path, shown: str) -> Pack:
    from gpuguard.decide.format import read
    from gpuguard.yamlfile import content, parse, wrong

    document = parse(content(path, shown))
    parsed = read(document)
    if parsed is None:
        raise wrong(shown, document.mistakes, _HINT)
    return Pack(
        name=parsed.name,
        description=parsed.description,
        path=shown,
        rules=tuple(Entry(settings.id or rule.id, rule, settings, line) for rule, settings, line in parsed.rules),
    )
