"""The catalog file that an organisation hosts: fetched by `catalog refresh`, read by everything else.

It lies in the user's cache under its checksum, so that a new pin in gpuguard.yml never meets an old file. Only a file
whose SHA-256 is the pinned one is kept, and it is opened as a catalog before it is.
"""

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from gpuguard.errors import CatalogError, ConfigError, ServiceError

if TYPE_CHECKING:
    from gpuguard.config import PinnedCatalog
    from gpuguard.price.sources.http import Http

MOST_BYTES = 256 * 1024 * 1024
"""A catalog is a few megabytes; whatever is larger is something else."""


def cache_folder() -> Path:
    """Where gpuguard keeps what it can fetch again, by the conventions of the operating system."""
    from platformdirs import user_cache_path

    return user_cache_path("gpuguard", appauthor=False)


def pinned_file(pinned: "PinnedCatalog") -> Path:
    """The fetched file. Raises CatalogError with the way out where it is not there or no longer the pinned one."""
    path = _path(pinned)
    try:
        digest = _digest(path)
    except FileNotFoundError:
        raise CatalogError(
            f"the price catalog pinned in the configuration has not been fetched: {pinned.url}",
            hint="run `gpuguard catalog refresh` once where the network may be used",
        ) from None
    except OSError as error:
        raise CatalogError(f"price catalog {path} cannot be read: {error.strerror}") from None
    if digest != pinned.sha256:
        raise CatalogError(
            f"price catalog {path} is not the one that was fetched: its checksum is another",
            hint="run `gpuguard catalog refresh` to fetch it again",
        )
    return path


def fetch_pinned(pinned: "PinnedCatalog", http: "Http") -> Path:
    """Fetch the pinned file and keep it when it is what the configuration says.

    Raises ServiceError where it does not come or is another, CatalogError where it is no catalog, ConfigError where the
    cache cannot be written.
    """
    path = _path(pinned)
    try:
        _fetch(pinned, path, http)
    except OSError as error:
        raise ConfigError(f"{error.filename or path}: cannot be written: {error.strerror or error}") from None
    return path


def _fetch(pinned: "PinnedCatalog", path: Path, http: "Http") -> None:
    from gpuguard.price.catalog import Catalog

    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        http.save(pinned.url, temporary, most_bytes=MOST_BYTES)
        digest = _digest(temporary)
        if digest != pinned.sha256:
            raise ServiceError(
                f"{pinned.url}: the file has the SHA-256 {digest}, the configuration pins {pinned.sha256}",
                hint="if the new file is meant, put its checksum into gpuguard.yml",
            )
        with Catalog.open(temporary) as catalog:
            if wrong := catalog.problems():
                raise CatalogError(f"{pinned.url}: {wrong[0]}", hint="the file was pinned by mistake; pin another one")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _path(pinned: "PinnedCatalog") -> Path:
    return cache_folder() / "pinned" / f"{pinned.sha256}.sqlite"


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
