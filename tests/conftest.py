"""What all tests share: the goldens, and how hypothesis runs."""

import difflib
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

# A slow machine is no failure; in CI the examples are the same in every run.
settings.register_profile("gpuguard", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("gpuguard")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-goldens",
        action="store_true",
        help="write what the code produces now into the golden files; read their diff like code",
    )


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str | Path, str], None]:
    """Compare a text with a golden file, or write the file under ``--update-goldens``.

    ``golden("create.table.txt", text)`` is ``golden/create.table.txt`` beside the test's own file; an absolute path is
    taken as it is. Texts are UTF-8 with the newlines they have.
    """
    update = bool(request.config.getoption("--update-goldens"))
    folder = request.path.parent / "golden"

    def check(name: str | Path, text: str) -> None:
        path = folder / name
        if update:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
            return
        if not path.exists():
            pytest.fail(f"no golden {path}: run pytest --update-goldens and read what it writes", pytrace=False)
        expected = path.read_bytes().decode()
        if text != expected:
            diff = difflib.unified_diff(expected.splitlines(), text.splitlines(), str(path), "now", lineterm="")
            pytest.fail("\n".join(["differs from the golden:", *diff]), pytrace=False)

    return check
