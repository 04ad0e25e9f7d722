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
    import gc

    # A plan in memory is some hundred thousand objects without cycles. The collector would go through them again and
    # again and find nothing: on 50,000 resources a third of the whole time.
    collecting = gc.isenabled()
    gc.disable()
    try:
        from gpuguard.cli.app import run

        return run(arguments)
    except KeyboardInterrupt:  # while the imports were still running
        return 130
    finally:
        if argv is None:
            gc.freeze()  # the process ends: what is left needs no last search for cycles, a fifth of a small run
        elif collecting:
            gc.enable()
