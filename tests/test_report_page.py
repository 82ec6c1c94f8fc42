"""The report's page as a reader has it: in a browser, from a file, without a network."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from sweep_results import write_sweep

from voicelink.link_sim.report import write_report

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
PHONE, DESK = 360, 1280
EBN0 = "channel.awgn.ebn0_db"


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory, sample: np.ndarray) -> Path:
    """A page about two recordings over white noise and a late channel, beside a peer."""
    folder = tmp_path_factory.mktemp("report")
    speech = {"woman": sample[:16000], "man": sample[40000:56000]}
    write_sweep(
        folder / "sweep", vary={EBN0: [0.0, 2.0]}, codecs=("neural-800", "codec2-700C"),
        speech=speech, seeds=(1, 2), frames=60, delay=0.1,
    )  # fmt: skip
    write_report(folder / "sweep", folder / "report.html")
    return folder / "report.html"


@pytest.fixture(scope="module")
def chromium():
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    if CHROMIUM is None:
        pytest.skip("needs Chromium: apt install chromium")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required"],
        )
        yield browser
        browser.close()


@pytest.fixture
def opened(chromium, page_file: Path):
    """Open the page offline at a width; at the end nothing may have been complained of."""
    contexts, complaints, asked = [], [], []

    def open_page(width: int = DESK, **options):
        context = chromium.new_context(
            viewport={"width": width, "height": 800}, offline=True, **options
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(page_file.as_uri(), wait_until="load")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []
    assert all(url.startswith((page_file.as_uri(), "data:")) for url in asked)


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_pictures_are_there_and_nothing_is_wider_than_the_screen(opened, width: int) -> None:
    page = opened(width)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    # Tables scroll by themselves; nothing else may be cut off.
    wide = page.evaluate(
        """[...document.querySelectorAll("body *")].filter((e) =>
             !e.closest(".wide, pre, .skip") && e.getBoundingClientRect().right > innerWidth + 1
           ).map((e) => e.outerHTML.slice(0, 80))"""
    )
    assert wide == []
    curves = page.locator("figure svg[role=img]")
    # ESTOI, frames that fail, delay, PESQ; two histograms for each of two links.
    assert curves.count() == 4 + 4
    for curve in curves.all():
        assert curve.locator("path").count() > 10
        assert curve.bounding_box()["width"] > 250 and curve.get_attribute("aria-label")
    pictures = page.evaluate("[...document.images].map((i) => [i.naturalWidth, i.alt])")
    assert len(pictures) == 2 + 2 * 2 * 2 * 2
    assert all(size > 100 and text.startswith("Spectrogram of") for size, text in pictures)
    # Letters of a curve are the page's, and can be read on a phone.
    fonts = page.evaluate(
        """[...document.querySelectorAll("body, figure svg text")].map((t) =>
             getComputedStyle(t).fontFamily)"""
    )
    assert set(fonts) == {"system-ui, sans-serif"}
    size = page.evaluate(
        """Math.min(...[...document.querySelectorAll("figure svg text")].map((t) =>
             t.getBoundingClientRect().height))"""
    )
    assert size >= 9


@pytest.mark.parametrize("width", [1100, DESK])
def test_tables_fit_on_a_desk(opened, width: int) -> None:
    page = opened(width)
    page.evaluate("document.querySelectorAll('details').forEach((e) => { e.open = true; })")
    cut = page.evaluate(
        """[...document.querySelectorAll(".wide")].filter((e) => e.scrollWidth > e.clientWidth)
             .map((e) => [e.ariaLabel, e.scrollWidth, e.clientWidth])"""
    )
    assert cut == []


def test_the_answer_comes_first(opened) -> None:
    page = opened(PHONE)
    box = page.locator(".answer .first strong").first.bounding_box()
    assert box["y"] + box["height"] < 500
    assert re.match(
        r"down to an Eb/N0 of [\d.]+\sdB with profile (half|third)",
        page.inner_text(".answer .first dd"),
    )


def test_every_player_loads_and_plays(opened) -> None:
    page = opened()
    found = page.evaluate(
        """async () => {
             const result = [];
             for (const audio of document.querySelectorAll(".card audio")) {
               audio.muted = true;
               await audio.play();
               while (!audio.currentTime) {
                 await new Promise((next) => audio.addEventListener("timeupdate", next));
               }
               audio.pause();
               result.push([audio.readyState, audio.duration, audio.error]);
             }
             return result;
           }"""
    )
    assert len(found) == 2 + 2 * 2 * 2 * 2
    for state, seconds, error in found:
        assert error is None and state >= 2
        assert seconds == pytest.approx(2.0, abs=0.15)


def test_one_plays_at_a_time(opened) -> None:
    page = opened()
    playing = page.evaluate(
        """async () => {
             const [first, second] = document.querySelectorAll(".card:not([hidden]) audio");
             await first.play();
             await second.play();
             return [first.paused, second.paused];
           }"""
    )
    assert playing == [True, False]


def test_recording_and_channel_are_picked(opened) -> None:
    page = opened(PHONE)
    shown = page.locator(".card:visible h3")
    names = [
        "original", "neural-800, half", "neural-800, third", "codec2-700C, half",
        "codec2-700C, third",
    ]  # fmt: skip
    assert shown.all_inner_texts() == names
    page.select_option("#pick [name=speech]", "man")
    page.select_option("#pick [name=place]", label="Eb/N0 0 dB")
    assert shown.all_inner_texts() == names
    where = page.locator(".card:visible .where").all_inner_texts()
    assert where[0] == "man" and all("man; Eb/N0 0 dB; ESTOI" in text for text in where[1:])


def test_without_scripts_everything_is_shown(opened) -> None:
    page = opened(java_script_enabled=False)
    assert page.locator(".card:visible").count() == 2 + 2 * 2 * 2 * 2
    assert not page.locator("#blind").is_visible()


def test_the_keyboard_reaches_everything(opened) -> None:
    page = opened()
    page.press("#blind-start button", "Enter")
    page.evaluate("document.querySelector('.skip').focus()")
    reached = page.evaluate_handle("new Set()")
    for _ in range(200):
        outlined = page.evaluate(
            """(reached) => {
                 const here = document.activeElement;
                 if (here === document.body) return null;
                 reached.add(here);
                 return here.matches("audio") || getComputedStyle(here).outlineStyle !== "none";
               }""",
            reached,
        )
        if outlined is None:
            break
        assert outlined
        page.keyboard.press("Tab")
    missed = page.evaluate(
        """(reached) => [...document.querySelectorAll(
             "audio, select, button, summary, textarea, .wide, a[href]")]
             .filter((e) => e.checkVisibility() && !reached.has(e))
             .map((e) => e.outerHTML.slice(0, 60))""",
        reached,
    )
    assert missed == []
    nameless = page.evaluate(
        """[...document.querySelectorAll("audio, select, textarea, .wide, svg[role=img]")]
             .filter((e) => !e.ariaLabel && !(e.labels && e.labels.length))
             .map((e) => e.outerHTML.slice(0, 60))"""
    )
    assert nameless == []


def test_a_blind_test_tells_who_was_who_at_its_end_only(opened) -> None:
    page = opened(PHONE)
    pair = "neural-800, half against codec2-700C, half"
    page.select_option("#blind-start [name=pair]", pair)
    page.select_option("#blind-start [name=trials]", "5")
    page.press("#blind-start button", "Enter")
    trial = page.locator("#blind-trial")
    sounds = dict(
        page.evaluate(
            """[...document.querySelectorAll(".card")].map((card) =>
                 [card.querySelector("audio").src, card.dataset.name])"""
        )
    )
    for number in range(1, 6):
        assert page.inner_text("#blind-progress") == f"Trial {number} of 5"
        html = re.sub(r'src="[^"]*"', "", trial.inner_html())
        assert "neural" not in html and "codec2" not in html and "half" not in html
        sides = [sounds[audio.get_attribute("src")] for audio in trial.locator("audio").all()]
        assert sorted(sides) == ["codec2-700C, half", "neural-800, half"]
        # This listener likes the same one always, by key and by click in turn.
        side = "ab"[sides.index("neural-800, half")]
        if number == 3:
            page.keyboard.press("n")
        elif number % 2:
            page.keyboard.press(side)
        else:
            page.click(f"[data-choice={side}]")
    assert not trial.is_visible()
    rows = page.locator("#blind-result tbody tr").all_inner_texts()
    assert [row.split("\t") for row in rows] == [
        ["codec2-700C, half", "neural-800, half", "0"],
        ["neural-800, half", "codec2-700C, half", "4"],
        ["no difference", "codec2-700C, half against neural-800, half", "1"],
    ]
    # Both sides of a coin that falls four times the same: 2 / 2^4.
    assert "in 13 % of tests" in page.inner_text("#blind-chance")
    text = page.input_value("#blind-text")
    assert "4 x neural-800, half (codec2-700C, half)" in text
    assert len(re.findall(r"^\d\. (?:woman|man), Eb/N0 [02] dB: ", text, re.MULTILINE)) == 5
    page.press("#blind-copy", "Enter")
    page.wait_for_function("() => document.getElementById('blind-copied').textContent")


def test_players_of_the_blind_test_play_by_key(opened) -> None:
    page = opened()
    page.click("#blind-start button")
    for key, place in (("2", 1), ("1", 0)):
        page.keyboard.press(key)
        page.wait_for_function(
            "(k) => document.querySelectorAll('#blind-trial audio')[k].currentTime > 0", arg=place
        )


def test_the_table_sorts_by_a_column(opened) -> None:
    page = opened()
    if not page.locator("#points").is_visible():
        page.click("summary:has-text('finished points')")
    heads = page.locator("#points th").all_inner_texts()
    place = heads.index("ESTOI")
    for direction, sense in (("ascending", 1), ("descending", -1)):
        page.click(f"#points th:nth-child({place + 1}) button")
        cells = page.locator(f"#points td:nth-child({place + 1})").all_inner_texts()
        values = [float(cell) for cell in cells]
        assert values == sorted(values, reverse=sense < 0) and len(set(values)) > 2
        head = page.locator(f"#points th:nth-child({place + 1})")
        assert head.get_attribute("aria-sort") == direction


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_letters_stand_out_from_the_paper(opened, scheme: str) -> None:
    """WCAG 2.1: a contrast of 4.5 for letters, 3 for lines."""
    page = opened(color_scheme=scheme)
    colours = page.evaluate(
        """(names) => Object.fromEntries(names.map((name) =>
             [name, getComputedStyle(document.documentElement).getPropertyValue("--" + name)]))""",
        ["paper", "card", "answer", "ink", "quiet", "warn", "accent", "onaccent",
         *(f"line{k}" for k in range(7))],
    )  # fmt: skip

    def light(colour: str) -> float:
        parts = np.array([int(colour.strip()[k : k + 2], 16) for k in (1, 3, 5)]) / 255
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    def contrast(one: str, other: str) -> float:
        dark, bright = sorted(light(colours[name]) for name in (one, other))
        return (bright + 0.05) / (dark + 0.05)

    assert (light(colours["paper"]) > 0.5) == (scheme == "light")
    for paper in ("paper", "card", "answer"):
        for letters in ("ink", "quiet", "warn", "accent"):
            assert contrast(letters, paper) >= 4.5, (letters, paper)
    assert contrast("onaccent", "accent") >= 4.5
    for k in range(7):
        assert contrast(f"line{k}", "paper") >= 3, k
