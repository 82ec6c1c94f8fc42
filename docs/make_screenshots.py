"""Pictures of a report at the widths of a desk and of a phone: python docs/make_screenshots.py PAGE

Writes report-1280.png and report-360.png beside this file; needs playwright and Chromium.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

SIZES = ((1280, 1100), (360, 900))


def main(page: str) -> None:
    """Open the page as a reader without a network does, and take its first screenful."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for width, height in SIZES:
            context = browser.new_context(
                viewport={"width": width, "height": height}, offline=True, color_scheme="light"
            )
            tab = context.new_page()
            tab.goto(Path(page).resolve().as_uri())
            tab.screenshot(path=Path(__file__).with_name(f"report-{width}.png"))
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1])
