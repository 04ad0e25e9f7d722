"""The command line: arguments, environment, streams and the exit code. No arithmetic and no Terraform in here."""

import sys
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code (`gpuguard.errors.ExitCode`)."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments in (["--version"], ["-V"]) and sys.stdout is not None:
        # answered before anything else is imported: hooks and actions ask it often
        from gpuguard import __version__

        sys.stdout.write(f"gpuguard {__version__}\n")
        return 0
    from gpuguard.cli.app import run

    return run(arguments)
