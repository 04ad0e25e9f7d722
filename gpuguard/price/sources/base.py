"""What a price API gives and how it is asked: the values every source speaks in.

A source divides its work into parts: one offer file, the pages of one region. A part is the unit that is downloaded,
kept and resumed; what it says replaces the rows of its scopes in the catalog, and no others.
"""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Protocol

import msgspec

if TYPE_CHECKING:
    from gpuguard.price.sources.http import Http

CHANGED = "The catalog in use is unchanged. A newer gpuguard may know the new form; report it if there is none."
"""The hint of every answer that is not as documented."""
MOST_NOTES = 50
"""Of one source, and of a whole refresh; what lies beyond is not told."""


class FetchedPrice(msgspec.Struct, frozen=True):
    """One price as an API tells it, in the words of `gpuguard.price.schema`; `usd` is per `unit`, before tax.

    An upfront payment is spread over its term in `usd` (8,760 or 26,280 hours) and stands in `upfront`.
    """

    kind: str
    sku: str
    region: str
    unit: str
    usd: Decimal
    os: str = "linux"
    purchase_model: str = "on_demand"
    term: str = ""
    payment: str = ""
    low: Decimal | None = None
    high: Decimal | None = None
    upfront: Decimal | None = None
    note: str = ""


class FetchedType(msgspec.Struct, frozen=True):
    """Facts an API tells about an accelerated machine type. `gpu_name` is the API's own word, or empty."""

    sku: str
    vcpus: float | None = None
    memory_gib: float | None = None
    gpu_name: str = ""
    gpu_count: float | None = None
    arch: str = ""


class Validators(msgspec.Struct, frozen=True):
    """What a conditional request sends back (RFC 9110, 13.1): If-None-Match and If-Modified-Since."""

    etag: str = ""
    last_modified: str = ""


class Found(msgspec.Struct, frozen=True):
    """What one part said.

    `as_of` is the day of the figures (YYYY-MM-DD), `title` the public thing they came from. `notes` tell what was met
    and not understood, one line each: it is shown, never dropped in silence.
    """

    as_of: str
    title: str
    prices: tuple[FetchedPrice, ...]
    types: tuple[FetchedType, ...] = ()
    notes: tuple[str, ...] = ()
    validators: Validators | None = None


class Scope(msgspec.Struct, frozen=True):
    """Rows of the catalog that a part replaces: those of a cloud that fit every field.

    An empty `regions` means every region; `sku` is a pattern in the manner of the shell (``ml.*``). A row without
    successor vanishes, so a scope names no more than the API really lists.
    """

    cloud: str
    kind: str
    purchase_model: str
    regions: tuple[str, ...] = ()
    sku: str = "*"

    def holds(self, cloud: str, kind: str, sku: str, region: str, purchase_model: str) -> bool:
        """Whether a price row lies in this scope."""
        return (
            cloud == self.cloud
            and kind == self.kind
            and purchase_model == self.purchase_model
            and (not self.regions or region in self.regions)
            and fnmatchcase(sku, self.sku)
        )


class Wanted(msgspec.Struct, frozen=True):
    """What the user asks for: region patterns (``us-*``) and purchase models; empty means everything."""

    regions: tuple[str, ...] = ()
    purchase_models: tuple[str, ...] = ()

    def region(self, name: str) -> bool:
        """Whether a region is asked for."""
        return not self.regions or any(fnmatchcase(name, pattern) for pattern in self.regions)

    def bought(self, purchase_model: str) -> bool:
        """Whether a purchase model is asked for."""
        return not self.purchase_models or purchase_model in self.purchase_models


class Known(Protocol):
    """What the present catalog knows: how a source tells the rows that matter from the millions that do not."""

    def accelerated(self, cloud: str, sku: str) -> bool:
        """Whether a machine type carries accelerators, by its facts or by the name of its family."""

    def spelling(self, cloud: str, sku: str) -> str:
        """The catalog's spelling of a machine type, or the name as given."""

    def regions(self, cloud: str) -> tuple[str, ...]:
        """The names of all known regions of a cloud."""

    def accelerator(self, name: str) -> str | None:
        """The catalog's name of an accelerator model by any name a cloud gives it."""

    def machine(self, cloud: str, sku: str) -> "MachineFacts | None":
        """vCPUs, memory and accelerators of a known machine type."""

    def machines(self, cloud: str) -> tuple["MachineFacts", ...]:
        """All known machine types with accelerators of a cloud."""


class MachineFacts(msgspec.Struct, frozen=True):
    """What a price made of components needs to know of a machine type."""

    sku: str
    family: str
    vcpus: float | None
    memory_gib: float | None
    gpu_model: str
    gpu_count: float
    local_ssd_gib: float | None


class Context(msgspec.Struct, frozen=True):
    """What a source works with. `endpoint` has no slash at its end; `today` is the day of the refresh (YYYY-MM-DD)."""

    http: "Http"
    endpoint: str
    wanted: Wanted
    known: Known
    environment: Mapping[str, str]
    today: str


class Part(msgspec.Struct, frozen=True):
    """One unit of work.

    `name` is unique and stable from run to run (``aws-ec2/us-east-1``). `read` asks the API; given the validators of the
    last run it may raise `NotModified`. It raises `ServiceError` where the API does not answer as documented.
    """

    name: str
    scopes: tuple[Scope, ...]
    read: Callable[[Context, Validators | None], Found]


class Source(msgspec.Struct, frozen=True):
    """One price API. `parts` may ask it for the list of its files; nothing else is asked before a part is read.

    `missing` tells in words what this machine lacks to ask it (a key, credentials), or returns an empty string.
    `purchase_models` are those it knows; empty means several, and its parts tell.
    """

    name: str
    cloud: str
    title: str
    endpoint: str
    parts: Callable[[Context], Iterable[Part]]
    missing: Callable[[Mapping[str, str]], str] = lambda environment: ""
    purchase_models: tuple[str, ...] = ()


class NotModified(Exception):
    """The API says that nothing has changed since the validators were given."""
