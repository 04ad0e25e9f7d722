"""``python -m gpuguard``."""

import sys

from gpuguard.cli import main

if __name__ == "__main__":
    sys.exit(main())
