"""The website builds. In a browser, its pages fit and read well, and its buttons copy."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlencode

import pytest
from selenium.webdriver import ActionChains, Chrome, ChromeOptions, ChromeService
from selenium.webdriver.common.by import By

from tests import ROOT, contents
from tests.packages import serving
from tools.images import run

# Returns the elements that are wider than their place, so that readers must scroll sideways, and
# the visible texts whose contrast is below 4.5, the minimum of WCAG 2.
HARD_TO_READ = """
const cut = [...document.querySelectorAll(arguments[0])]
  .filter((element) => element.scrollWidth > element.clientWidth);
const channels = (color) => color.match(/[\\d.]+/g).map(Number);
const luminance = (color) => channels(color).slice(0, 3)
  .map((value) => value <= 10 ? value / 3294 : ((value / 255 + 0.055) / 1.055) ** 2.4)
  .reduce((sum, value, index) => sum + value * [0.2126, 0.7152, 0.0722][index], 0.05);
const background = (element) => {
  const color = getComputedStyle(element).backgroundColor;
  return channels(color)[3] === 0 ? background(element.parentElement) : color;
};
const faint = [...document.querySelectorAll("body, body *")].filter((element) => {
  const ratio = luminance(getComputedStyle(element).color) / luminance(background(element));
  return Math.max(ratio, 1 / ratio) < 4.5 && element.checkVisibility({visibilityProperty: true})
    && [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
});
return [...cut, ...faint].map((element) => element.textContent.slice(0, 80))
"""


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the website, and return its folder."""
    folder = tmp_path_factory.mktemp("site")
    run("sphinx-build", "-W", "-n", "-E", "docs", folder, cwd=ROOT)
    return folder


@pytest.fixture(scope="session")
def pages(site: Path) -> list[str]:
    """Return the paths of the pages. Of the generated project, one file is enough."""
    every = (str(page.relative_to(site)) for page in site.rglob("*.html"))
    return [page for page in every if not re.match("project/(?!Dockerfile)", page)]


@pytest.fixture(scope="session")
def address(site: Path) -> Iterator[str]:
    """Serve the website, and return its address."""
    with serving(site) as (server, _):
        yield f"http://{server}"


@pytest.fixture(scope="session")
def browser() -> Iterator[Chrome]:
    """Start Chromium without a window."""
    driver = shutil.which("chromedriver")
    if not driver:
        pytest.skip("no Chromium; on Debian, install chromium and chromium-driver")
    options = ChromeOptions()
    # Chromium's sandbox does not work for root, nor its shared memory in small containers.
    for option in ("--headless", "--no-sandbox", "--disable-dev-shm-usage"):
        options.add_argument(option)
    with Chrome(options, ChromeService(driver)) as browser:
        yield browser


def resize(browser: Chrome, width: int) -> None:
    """Show pages as on a screen of this width."""
    screen = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)


def copied(browser: Chrome, language: str) -> Iterator[str]:
    """Click the button of each block in a language, and yield what it copied."""
    for button in browser.find_elements(
        By.CSS_SELECTOR, f".highlight-{language} button"
    ):
        # Only a block under the mouse shows its button.
        ActionChains(browser, duration=0).move_to_element(button).click().perform()
        yield browser.execute_async_script(
            "navigator.clipboard.readText().then(async (text) => {"
            "  await navigator.clipboard.writeText(''); arguments[0](text) })"
        )


def test_the_site_builds(site: Path, pages: list[str], project: Path) -> None:
    """There are no warnings and no Markdown as text. All links work, and lead to all files."""
    linked = set()
    for page in pages:
        text = (site / page).read_text("utf-8")
        assert not re.findall(r"&lt;!--|```|\{include\}", text), page
        for link in re.findall(r'(?:href|src)="([^":#?]+)["#?]', text):
            linked.add(site.joinpath(page).parent.joinpath(unquote(link)).resolve())
    assert not [path for path in linked if not path.exists()]
    files = [path for path in linked if path.is_relative_to(site / "project")]
    assert len(files) == len(contents(project))


def test_copied_diffs_apply(
    site: Path, pages: list[str], browser: Chrome, address: str, project: Path
) -> None:
    """A copied diff is complete. Copied commands have no last newline, which would run them."""
    permission = {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]}
    browser.execute_cdp_cmd("Browser.grantPermissions", permission)
    resize(browser, 1280)
    diffs: list[str] = []
    for page in pages:
        if "highlight-diff" in (site / page).read_text("utf-8"):
            browser.get(f"{address}/{page}")
            diffs += copied(browser, "diff")
            assert not [
                code
                for code in copied(browser, "sh")
                if not code.strip() or code.endswith("\n")
            ]
    for diff in diffs:
        run("git", "apply", "--numstat", "-", stdin=diff)  # only reads it
    # Most diffs, but not all, apply to a project without other changes.
    check = ("git", "apply", "--check", "-")
    results = [run(*check, check=False, cwd=project, stdin=diff) for diff in diffs]
    assert not all(result.returncode for result in results)


@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (390, "dark")])
def test_pages_are_easy_to_read(
    pages: list[str], browser: Chrome, address: str, width: int, theme: str
) -> None:
    """Text has contrast. No page or table is too wide, nor the tour's tree on a large screen."""
    resize(browser, width)
    media = {"features": [{"name": "prefers-color-scheme", "value": theme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    elements = "html, .table-wrapper" + (", pre:has(a)" if width == 1280 else "")
    hard = {}
    for page in pages:
        browser.get(f"{address}/{page}")
        hard[page] = browser.execute_script(HARD_TO_READ, elements)
    assert not {page: found for page, found in hard.items() if found}


@pytest.mark.parametrize(
    ("answer", "shown"),
    [("my.app-2", "my.app-2"), ("x; rm -rf ~", "hypermodern-python")],
)
def test_code_has_the_names_in_the_address(
    browser: Chrome, address: str, answer: str, shown: str
) -> None:
    """A name cannot be another command. Links keep the names, and a line tells them."""
    query = urlencode({"slug": answer, "package": "my_package"})
    browser.get(f"{address}/recipes/code.html?{query}")
    block = "#add-a-second-command .highlight-sh pre"
    code = browser.find_element(By.CSS_SELECTOR, block).text
    assert f"docker build --tag {shown} ." in code
    names = browser.find_element(By.CSS_SELECTOR, "article > p").text
    assert "my_package" in names
    assert (answer in names) == (answer == shown)
    link = browser.find_element(By.LINK_TEXT, "How to apply a diff")
    assert str(link.get_attribute("href")).endswith(f"changing.html?{query}")
