"""Make docs/images/comment.png: the demo plan's Markdown report as a browser shows it.

``python scripts/picture.py [PLAN] [PICTURE]``; needs Chromium on the PATH and cmarkgfm.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import cmarkgfm  # type: ignore[import-untyped]

from gpuguard.cli import main

ROOT = Path(__file__).parents[1]
STYLE = """
body { font: 14px/1.5 "Liberation Sans", "Noto Color Emoji", sans-serif; margin: 0; background: #fff; color: #1f2328; }
article { border: 1px solid #d1d9e0; border-radius: 6px; margin: 16px; padding: 16px; width: 900px; }
h2 { font-size: 18px; margin: 0 0 12px; border-bottom: 1px solid #d1d9e0; padding-bottom: 6px; }
table { border-collapse: collapse; margin: 12px 0; } td, th { border: 1px solid #d1d9e0; padding: 5px 10px; text-align: left; }
td[align=right], th[align=right] { text-align: right; }
code { font: 12px "Liberation Mono", monospace; background: #eff1f3; border-radius: 4px; padding: 2px 5px; }
summary { cursor: pointer; } ul { padding-left: 22px; } sub { color: #59636e; }
"""


def run(plan: Path, picture: Path) -> None:
    """Render the report of a plan to a PNG."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        sys.exit("picture: Chromium is not on the PATH")
    with tempfile.TemporaryDirectory() as folder:
        markdown = Path(folder) / "report.md"
        main(["check", str(plan), "--format", "markdown", "--output", str(markdown), "--fail-on", "never"])
        body = cmarkgfm.github_flavored_markdown_to_html(
            markdown.read_text(), options=cmarkgfm.cmark.Options.CMARK_OPT_UNSAFE
        )
        page = Path(folder) / "page.html"
        page.write_text(f"<!doctype html><meta charset=utf-8><style>{STYLE}</style><article>{body}</article>")
        picture.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            [
                browser,
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                "--hide-scrollbars",
                f"--user-data-dir={folder}/profile",
                "--window-size=970,735",
                f"--screenshot={picture}",
                page.as_uri(),
            ],
            check=True,
            capture_output=True,
        )
    print(f"{picture}: written")


if __name__ == "__main__":
    chosen = [Path(argument) for argument in sys.argv[1:]]
    run(
        chosen[0] if chosen else ROOT / "fixtures" / "demo" / "plan.json",
        chosen[1] if len(chosen) > 1 else ROOT / "docs" / "images" / "comment.png",
    )
