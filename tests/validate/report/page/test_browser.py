"""The page in a real browser: it draws, filters, can be used by keyboard and screen reader, and fetches nothing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import axe_core_python
import pytest
from page_documents import NASTY, gate, single
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from paritygate.validate.report.page.page import render_page

BROWSER, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-component-update "
    "--disable-sync --window-size=1280,900"
)
AXE = Path(axe_core_python.__file__).with_name("axe.min.js").read_text("utf-8")

pytestmark = pytest.mark.skipif(
    not (BROWSER and DRIVER), reason="chromium and chromedriver aren't installed: make browser"
)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    documents = {
        "pass": single(broken=False),
        "fail": single(broken=True),
        "nasty": single(broken=True, name=NASTY),
        "lost": single(broken=True, lost=True),
        "folded": gate(1),
        "gate": gate(20),
        "large": gate(300),
    }
    for name, document in documents.items():
        folder.joinpath(f"{name}.html").write_text(render_page(document), "utf-8")
    return folder


@pytest.fixture(scope="module")
def chromium():
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for flag in FLAGS.split():
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    driver.set_page_load_timeout(60)
    yield driver
    driver.quit()


@pytest.fixture
def show(chromium, files):
    """Opens a page; afterwards nothing may have been fetched, and nothing said on the console."""
    chromium.get("about:blank")
    chromium.get_log("browser"), chromium.get_log("performance")

    def opened(name, address="", dark=False):
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        chromium.get(f"{files.joinpath(name).with_suffix('.html').as_uri()}{address}")
        return chromium

    yield opened
    assert [entry["message"] for entry in chromium.get_log("browser")] == []
    events = [json.loads(entry["message"])["message"] for entry in chromium.get_log("performance")]
    asked = {event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"}
    assert {url for url in asked if not url.startswith(("file:", "about:"))} == set()
    assert len(asked) <= 1


DRAW_ALL = "document.querySelectorAll('.body figure.chart').forEach((f) => pg.drawn.has(f) || pg.draw(f))"
PAINTED = """return [...document.querySelectorAll('figure.chart:not(.table)')].filter((figure) =>
  ![...figure.querySelectorAll('canvas')].some((canvas) => {
    const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
    return data.some((value) => value > 0);
  })).map((figure) => figure.dataset.kind)"""


@pytest.mark.parametrize("name", ["pass", "fail", "nasty"])
def test_every_chart_is_drawn(show, name):
    page = show(name)
    page.execute_script(DRAW_ALL)
    assert page.execute_script(PAINTED) == []
    kinds = {each.get_attribute("data-kind") for each in page.find_elements(By.CSS_SELECTOR, "figure")}
    drawn = {"strip", "histogram", "scatter", "heat", "sample"}
    assert kinds >= (drawn if name == "pass" else drawn | {"layers", "margins", "table"})


def test_a_name_from_a_file_runs_nothing(show):
    page = show("nasty")
    assert NASTY in [cell.text for cell in page.find_elements(By.CSS_SELECTOR, "td")]
    assert not page.find_elements(By.CSS_SELECTOR, "main img")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", ["fail", "folded"])
def test_axe_finds_nothing_serious(show, name, dark):
    page = show(name, dark=dark)
    page.execute_script(DRAW_ALL)
    page.execute_script(AXE)
    found = page.execute_async_script("axe.run().then(arguments[arguments.length - 1])")
    serious = [rule for rule in found["violations"] if rule["impact"] in ("serious", "critical")]
    assert [(rule["id"], [node["html"] for node in rule["nodes"]][:3]) for rule in serious] == []
    assert len(found["passes"]) > 10


def test_dark_and_light_by_the_system_and_by_the_button(show):
    background = "return getComputedStyle(document.body).backgroundColor"
    page = show("fail", dark=True)
    dark = page.execute_script(background)
    page.find_element(By.ID, "theme").click()
    light = page.execute_script(background)
    assert (dark, light) == ("rgb(13, 17, 23)", "rgb(255, 255, 255)")
    assert page.find_element(By.ID, "theme").text == "Dark"


def visible(page):
    shown = page.find_elements(By.CSS_SELECTOR, "details.entry:not([hidden])")
    rows = page.find_elements(By.CSS_SELECTOR, ".matrix tbody tr:not([hidden])")
    return len(shown), len(rows)


def test_filter_and_search_are_kept_in_the_address(show):
    page = show("gate")
    assert visible(page) == (40, 20)
    page.find_element(By.CSS_SELECTOR, "button[data-status=fail]").click()
    assert visible(page) == (6, 6)
    page.find_element(By.ID, "search").send_keys("MODEL-00")
    narrowed = visible(page)
    assert narrowed[0] < 6
    assert "status=fail" in page.current_url
    assert "q=MODEL-00" in page.current_url
    address = page.current_url.partition("#")[2]
    page.get("about:blank")
    again = show("gate", f"#{address}")
    assert visible(again) == narrowed
    assert again.find_element(By.ID, "search").get_attribute("value") == "MODEL-00"
    assert again.find_element(By.ID, "shown").text == f"{narrowed[0]} of 40 shown"


def test_a_folded_pass_is_built_and_drawn_when_it_is_opened(show):
    page = show("gate")
    cell = page.find_element(By.CSS_SELECTOR, "a.cell.pass")
    entry = page.find_element(By.ID, f"entry-{cell.get_attribute('data-entry')}")
    assert not entry.find_elements(By.CSS_SELECTOR, ".body")
    cell.click()
    WebDriverWait(page, 10).until(lambda _: entry.find_elements(By.CSS_SELECTOR, "canvas"))
    assert entry.get_attribute("open")
    assert f"entry={cell.get_attribute('data-entry')}" in page.current_url


STRIP = "[...document.querySelectorAll('figure.strip canvas')]"


def test_what_was_hidden_while_the_window_changed_is_drawn_again(show):
    widths = f"return {STRIP}.map((canvas) => canvas.width)"
    page = show("folded")
    page.find_element(By.CSS_SELECTOR, "details.entry > summary").click()
    WebDriverWait(page, 10).until(lambda _: min(page.execute_script(widths), default=0) > 600)
    page.execute_script("pg.setState({ q: 'no such model' }); pg.redraw(); pg.setState({ q: '' })")
    WebDriverWait(page, 10).until(lambda _: min(page.execute_script(widths), default=0) > 600)


def test_a_dark_page_is_printed_in_light_colours(show):
    strip = f"return {STRIP}[0].toDataURL()"
    page = show("fail")
    page.execute_script(DRAW_ALL)
    light = page.execute_script(strip)
    page.find_element(By.ID, "theme").click()
    dark = page.execute_script(strip)
    page.execute_script("dispatchEvent(new Event('beforeprint'))")
    assert page.execute_script(strip) == light != dark
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert page.execute_script("return getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    page.execute_script("dispatchEvent(new Event('afterprint'))")
    assert page.execute_script(strip) == dark


RED = """return [...document.querySelectorAll('figure.sample canvas')].map((canvas) => {
  const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
  return data.filter((_, n) => n % 4 === 0 && data[n] === 255 && data[n + 1] === 0 && data[n + 2] === 64).length;
})"""


def test_what_is_not_finite_is_drawn_as_such(show):
    page = show("lost")
    page.execute_script(DRAW_ALL)
    assert (
        page.execute_script("return pg.charts.strip(pg.dataOf(document.querySelector('figure'))).series.at(-1).name")
        == "not finite"
    )
    # Input, reference, candidate, difference: rows 2 and 3 of the 16 columns are lost.
    assert page.execute_script(RED)[:4] == [0, 0, 32, 32]


BAD_PIXELS = """const figure = document.querySelector('figure.histogram');
  Object.assign(pg.dataOf(figure).outputs[figure.dataset.output].histogram, { start: 4, counts: [arguments[0]] });
  pg.draw(figure);
  const canvas = figure.querySelector('canvas');
  const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
  return data.filter((_, n) => n % 4 === 0 && data[n] === 207 && data[n + 1] === 34 && data[n + 2] === 46).length"""


def test_a_single_element_beyond_its_allowance_can_be_seen(show):
    page = show("fail")
    none, one = (page.execute_script(BAD_PIXELS, count) for count in (0, 1))
    assert one > none + 100


def test_the_keyboard_reaches_and_works_everything(show):
    page = show("gate")
    seen = []
    for _ in range(8):
        page.switch_to.active_element.send_keys(Keys.TAB)
        seen.append(
            page.execute_script("return document.activeElement.id || document.activeElement.textContent.trim()")
        )
    assert seen[0] == "Skip to the results"
    assert seen[1] == "theme"
    assert "search" in seen
    page.find_element(By.CSS_SELECTOR, "button[data-status=error]").send_keys(Keys.ENTER)
    assert visible(page)[0] == 4
    summary = page.find_element(By.CSS_SELECTOR, "details.entry:not([hidden]) > summary")
    before = page.execute_script("return arguments[0].parentElement.open", summary)
    summary.send_keys(Keys.SPACE)
    assert page.execute_script("return arguments[0].parentElement.open", summary) is not before


def test_the_slider_moves_from_reference_to_candidate(show):
    page = show("fail")
    page.execute_script(DRAW_ALL)
    slider = page.find_element(By.CSS_SELECTOR, "figure.sample input[type=range]")
    painted = "return [...arguments[0].closest('figure').querySelectorAll('canvas')].at(-1).toDataURL()"
    halves = page.execute_script(painted, slider)
    page.execute_script("arguments[0].scrollIntoView({block: 'center'})", slider)
    slider.send_keys(Keys.HOME)
    assert page.execute_script(painted, slider) != halves


def test_300_models_stay_usable(show):
    """Two targets each: 600 entries. The limits are ten times what an idle machine takes."""
    page = show("large")
    loaded = page.execute_script("const t = performance.getEntriesByType('navigation')[0]; return t.domComplete")
    assert loaded < 20_000
    assert page.execute_script("return pg.drawn.size") < 15
    spent = page.execute_script(
        "const t = performance.now(); pg.setState({q: 'model-29'}); return performance.now() - t"
    )
    assert spent < 2_000
    assert visible(page) == (20, 10)
