"""The one tree of errors a user may see, and the closed table of exit codes."""

from collections.abc import Sequence
from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """What the process answers with. Closed and never renumbered (docs/exit-codes in the README)."""

    PASS = 0
    FAIL = 1
    INPUT = 2
    UNDECIDED = 3
    SERVICE = 4
    BUG = 70
    INTERRUPTED = 130


class GpuguardError(Exception):
    """A failure with a message for the user and, where one exists, the way out.

    `message` says what is wrong and where (file, address, line).
    `hint` says what to do next; it is printed on its own line and may be empty.
    `details` are further lines, one each: all mistakes of a file.
    Anything that is not a GpuguardError is a bug: it keeps its traceback and exits 70.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.INPUT

    def __init__(self, message: str, *, hint: str = "", details: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.message, self.hint, self.details = message, hint, tuple(details)


class UsageError(GpuguardError):
    """The command line asks for something that does not exist or does not fit together."""


class InputError(GpuguardError):
    """A plan, state or saved report cannot be read."""


class ConfigError(GpuguardError):
    """A policy pack, usage file or other configuration is invalid; nothing was judged."""


class CatalogError(GpuguardError):
    """The price catalog is missing, foreign or damaged."""


class ServiceError(GpuguardError):
    """An outside service did not answer, or not as it documents."""

    exit_code: ClassVar[ExitCode] = ExitCode.SERVICE
