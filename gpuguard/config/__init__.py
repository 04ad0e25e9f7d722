"""`gpuguard.yml`: what a repository says of itself, found beside the input or above it.

    version: 1
    catalog:
      url: https://prices.example.com/gpuguard/catalog.sqlite
      sha256: 5d3b...
      max_age_days: {spot: 30}
      overrides:
        - {cloud: aws, sku: "p5.*", discount_percent: 12.5, note: "agreement of 2026"}

Nothing outside the file changes what it means: no environment variable is read.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from gpuguard.errors import ConfigError, UsageError
from gpuguard.price.age import LIST_DAYS, SPOT_DAYS
from gpuguard.price.overlay import Overlay, Override
from gpuguard.yamlfile import Document, content, nearest, parse, quoted, wrong

if TYPE_CHECKING:
    from gpuguard.price.catalog import Catalog

NAMES = ("gpuguard.yml", "gpuguard.yaml")


class PinnedCatalog(msgspec.Struct, frozen=True):
    """One catalog file that an organisation hosts; `sha256` is that of the whole file, in hexadecimal digits."""

    url: str
    sha256: str


class Config(msgspec.Struct, frozen=True):
    """What a configuration file says; the defaults are those of a repository without one."""

    path: Path | None = None
    pinned: PinnedCatalog | None = None
    overlay: Overlay = Overlay()
    spot_days: int = SPOT_DAYS
    list_days: int = LIST_DAYS


def load_config(path: Path) -> Config:
    """Read a configuration file. Raises ConfigError that lists every mistake with line and column."""
    shown = str(path) if str(path).isprintable() else quoted(str(path))
    document = parse(content(path, shown))
    config = _config(document, path, shown)
    if config is None or document.mistakes:
        raise wrong(shown, document.mistakes, "`gpuguard schema config` prints what a configuration may hold.")
    return config


def check_overrides(config: Config, catalog: "Catalog", today: date) -> None:
    """Raise ConfigError where an override can never count: an unknown cloud, SKU, region or accelerator, a day to come.

    A machine type that the catalog lacks needs its `gpu_model`.
    """
    for each in config.overlay.overrides:
        _check_names(each, catalog)
        if each.as_of is not None and each.as_of > today.isoformat():
            raise ConfigError(f"{each.place}: `as_of` is {each.as_of}, a day to come")


def _check_names(each: Override, catalog: "Catalog") -> None:
    if each.cloud not in catalog.clouds:
        raise ConfigError(
            f"{each.place}: the catalog has no cloud {quoted(each.cloud)}{nearest(each.cloud, catalog.clouds)}",
            hint=f"expected one of {', '.join(catalog.clouds)}",
        )
    if each.gpu_model is not None and catalog.accelerator(each.gpu_model) is None:
        names = [model.model for model in catalog.accelerators]
        raise ConfigError(
            f"{each.place}: the catalog has no accelerator {quoted(each.gpu_model)}{nearest(each.gpu_model, names)}"
        )
    wild = any(char in each.sku for char in "*?")
    if not wild and each.gpu_model is None and not _is_sold(each, catalog):
        raise ConfigError(
            f"{each.place}: {each.cloud} has no SKU {quoted(each.sku)}",
            hint=catalog.similar(each.sku) or "a machine type that the catalog lacks needs `gpu_model` and `gpu_count`",
        )
    wild = any(char in each.region for char in "*?")
    if not wild and catalog.regions(each.cloud) and catalog.region(each.cloud, each.region) is None:
        names = [region.name for region in catalog.regions(each.cloud)]
        raise ConfigError(
            f"{each.place}: {each.cloud} has no region {quoted(each.region)}{nearest(each.region, names)}"
        )


def _is_sold(each: Override, catalog: "Catalog") -> bool:
    name = catalog.canonical_sku(each.cloud, each.sku)
    return catalog.instance_type(each.cloud, name) is not None or bool(catalog.kinds_of(each.cloud, name))


def find_config(inputs: Iterable[str]) -> Path | None:
    """The configuration that speaks for the inputs: walking up from each to the root of its repository.

    Outside a repository only the input's own folder counts. Where no input has one, the current folder is asked in the
    same way. Raises UsageError when two inputs have different ones.
    """
    found: dict[Path, str] = {}
    for name in inputs:
        config = _above(Path() if name == "-" else Path(name))
        if config is not None:
            found.setdefault(config, name)
    if len(found) > 1:
        (one, first), (two, second) = list(found.items())[:2]
        raise UsageError(
            f"{first} belongs to {one} and {second} to {two}",
            hint="check them apart, or name one configuration with --config",
        )
    return next(iter(found), None) or _above(Path())


def schema() -> dict[str, Any]:
    """JSON Schema of a configuration file, made from its model."""
    from gpuguard.config.models import ConfigModel

    found = {"$schema": "https://json-schema.org/draft/2020-12/schema", **ConfigModel.model_json_schema()}
    # in the file it is text; an editor reads a number
    found["properties"]["version"] = {"enum": [1, "1"], "description": "The version of this format."}
    return found


def _above(start: Path) -> Path | None:
    try:
        here = (start if start.is_dir() else start.parent).resolve()
        folders: Sequence[Path] = (here, *here.parents)
        repository = next((each for each in folders if (each / ".git").exists()), here)
        for each in folders:
            for name in NAMES:
                if (each / name).is_file():
                    return each / name
            if each == repository:
                break
    except (OSError, RuntimeError, ValueError):
        pass  # links in a circle, a name that no file can have: whoever reads the input tells what is wrong with it
    return None


def _config(document: Document, path: Path, shown: str) -> Config | None:
    from pydantic import ValidationError

    from gpuguard.config.models import ConfigModel
    from gpuguard.yamlmodel import add, translate

    if not isinstance(document.tree, dict):
        if not document.mistakes:
            add(document, (), "a configuration is a mapping with the key `version`")
        return None
    try:
        model = ConfigModel.model_validate(document.tree)
    except ValidationError as error:
        translate(document, (), ConfigModel, error, "the configuration")
        return None
    said = model.catalog
    places = [document.place(("catalog", "overrides", number)) for number in range(len(said.overrides))]
    overrides = tuple(
        Override(
            place=f"{shown}:{at.line}:{at.column}",
            cloud=each.cloud,
            sku=each.sku,
            region=each.region,
            kinds=each.kinds,
            purchase_models=each.purchase_models,
            os=each.os,
            term=each.term,
            discount_percent=each.discount_percent,
            price=each.price,
            as_of=None if each.as_of is None else each.as_of.isoformat(),
            note=each.note,
            gpu_model=each.gpu_model,
            gpu_count=None if each.gpu_count is None else float(each.gpu_count),
        )
        for at, each in zip(places, said.overrides, strict=True)
    )
    return Config(
        path=path,
        pinned=PinnedCatalog(said.url, said.sha256) if said.url and said.sha256 else None,
        overlay=Overlay(overrides),
        spot_days=said.max_age_days.spot,
        list_days=said.max_age_days.list,
    )
