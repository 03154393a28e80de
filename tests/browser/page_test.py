"""Opens the status page in a real browser.

    python3 page_test.py PAGE_SERVER

Needs Chromium, its driver and Selenium.  Without them the test says so and
passes, or fails where MULTI_BACKEND_REQUIRE_SERVERS or CI_REQUIRE_BROWSER is
set, as .ci/run does.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

WAIT = 30  # Seconds, for what has no limit of its own.
HOW_TO_INSTALL = ("Chromium is not installed (packages chromium, "
                  "chromium-driver, python3-selenium): run tools/setup --tests")

try:
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.ui import WebDriverWait
    INSTALLED = bool(shutil.which("chromium") and shutil.which("chromedriver"))
except ImportError:
    INSTALLED = False

SERVER = ""
PLANTED = "<script>window.planted=1</script>"


class PageTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.server = subprocess.Popen([SERVER], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, text=True)
        cls.url = cls.server.stdout.readline().strip()
        cls.profile = tempfile.TemporaryDirectory()
        options = webdriver.ChromeOptions()
        for argument in ("--headless=new", "--no-sandbox",
                         "--disable-dev-shm-usage", "--disable-gpu",
                         "--user-data-dir=" + cls.profile.name,
                         "--no-first-run", "--disable-background-networking",
                         "--disable-component-update", "--no-proxy-server"):
            options.add_argument(argument)
        options.binary_location = shutil.which("chromium")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        cls.browser = webdriver.Chrome(
            service=Service(shutil.which("chromedriver")), options=options)

    @classmethod
    def tearDownClass(cls):
        cls.browser.quit()
        cls.server.stdin.close()
        cls.server.wait(WAIT)
        cls.server.stdout.close()
        cls.profile.cleanup()

    def setUp(self):
        self.browser.set_window_size(1400, 900)
        self.browser.get(self.url)
        self.until(lambda: self.rows())

    def until(self, condition, seconds=WAIT, what=""):
        return WebDriverWait(self.browser, seconds, 0.05).until(
            lambda _: condition(), what)

    def command(self, line):
        self.server.stdin.write(line + "\n")
        self.server.stdin.flush()
        self.assertEqual(self.server.stdout.readline(), "done\n")

    def script(self, text):
        return self.browser.execute_script(text)

    def rows(self):
        return self.browser.find_elements(
            By.CSS_SELECTOR, "#channels tr[data-backend]")

    def row_text(self, name):
        # One script: the page may change between two look-ups.
        return self.browser.execute_script(
            "const row = document.querySelector("
            "`tr[data-backend='${arguments[0]}']`);"
            "return row ? row.innerText : ''", name)

    def test_an_ejection_appears_within_two_seconds_without_a_reload(self):
        self.assertIn("alive", self.row_text("a.example:1"))
        self.script("window.sameDocument = true")
        started = time.monotonic()
        self.command("eject a.example:1")
        self.until(lambda: "✖ down" in self.row_text("a.example:1"), 10)
        took = time.monotonic() - started
        print("the ejection appeared after %.2f s" % took)
        self.assertLess(took, 2)
        events = self.browser.find_element(By.ID, "events-list")
        self.until(lambda: "(ejected)" in events.text, 2)
        self.assertTrue(self.script("return window.sameDocument"))
        self.command("recover a.example:1")
        self.until(lambda: "● alive" in self.row_text("a.example:1"))

    def open_actions(self, name):
        row = self.browser.find_element(
            By.CSS_SELECTOR, "tr[data-backend='%s']" % name)
        details = row.find_element(By.TAG_NAME, "details")
        self.until(details.is_displayed)
        self.open(details)
        return row

    def open(self, details):
        # What is added above it may move it away just before the click.
        def is_open():
            if not details.get_attribute("open"):
                details.find_element(By.TAG_NAME, "summary").click()
            return details.get_attribute("open")
        self.until(is_open)

    def test_a_mark_by_button_works_and_is_undone(self):
        row = self.open_actions("b.example:1")
        row.find_element(By.CLASS_NAME, "act-markUnhealthy").click()
        self.until(lambda: "✖ down" in self.row_text("b.example:1"))
        answer = self.browser.find_element(By.ID, "answer")
        self.until(lambda: "marked unhealthy" in answer.text)
        events = self.browser.find_element(By.ID, "events-list")
        self.until(lambda: "markUnhealthy, asked by 127.0.0.1" in events.text)
        row.find_element(By.CLASS_NAME, "act-markHealthy").click()
        self.until(lambda: "● alive" in self.row_text("b.example:1"))

    def test_a_drain_by_button_works_and_is_undone(self):
        row = self.open_actions("b.example:1")
        row.find_element(By.CLASS_NAME, "act-drain").click()
        self.until(lambda: "◇ drained" in self.row_text("b.example:1"))
        events = self.browser.find_element(By.ID, "events-list")
        self.until(lambda: "drain, asked by 127.0.0.1" in events.text)
        row.find_element(By.CLASS_NAME, "act-undrain").click()
        self.until(lambda: "● alive" in self.row_text("b.example:1"))

    def test_a_weight_is_set_and_reset(self):
        row = self.open_actions("b.example:1")
        weight = row.find_element(By.CSS_SELECTOR, "input[type=number]")
        weight.clear()
        weight.send_keys("77")
        row.find_element(By.CLASS_NAME, "act-setWeight").click()
        answer = self.browser.find_element(By.ID, "answer")
        self.until(lambda: "has another weight" in answer.text)
        self.until(lambda: "of 77" in self.row_text("b.example:1"))
        row.find_element(By.CLASS_NAME, "act-resetWeight").click()
        self.until(lambda: "of 77" not in self.row_text("b.example:1"))

    def test_planted_scripts_stay_text(self):
        self.command("eject a.example:1")
        self.command("recover a.example:1")
        body = self.browser.find_element(By.TAG_NAME, "body")
        self.open(self.browser.find_element(By.ID, "config-details"))
        for place in ("channels", "calls-list", "events-list", "config-list"):
            element = self.browser.find_element(By.ID, place)
            self.until(lambda: PLANTED in element.text, what=place)
        self.assertIn(PLANTED, body.text)
        self.assertEqual(self.script(
            "return document.querySelectorAll('main script, img').length"), 0)
        self.assertIsNone(self.script("return window.planted"))
        self.assertNotIn("planted-password", self.browser.page_source)
        # The policy would have stopped them, too; nothing has come to that.
        log = "\n".join(entry["message"]
                        for entry in self.browser.get_log("browser"))
        self.assertNotIn("Content Security Policy", log)

    def test_the_configuration_can_be_asked_for_again(self):
        details = self.browser.find_element(By.ID, "config-details")
        configs = self.browser.find_element(By.ID, "config-list")
        self.go_offline(True)
        try:
            self.open(details)
            self.until(lambda: "does not answer" in configs.text)
        finally:
            self.go_offline(False)
        details.find_element(By.TAG_NAME, "summary").click()
        self.until(lambda: not details.get_attribute("open"))
        self.open(details)
        self.until(lambda: PLANTED in configs.text)

    def go_offline(self, offline):
        self.browser.execute_cdp_cmd("Network.enable", {})
        self.browser.execute_cdp_cmd("Network.emulateNetworkConditions", {
            "offline": offline, "latency": 0, "downloadThroughput": -1,
            "uploadThroughput": -1})

    def test_the_policy_forbids_scripts_in_the_page(self):
        self.script("const s = document.createElement('script');"
                    "s.textContent = 'window.planted = 1';"
                    "document.body.append(s)")
        self.assertIsNone(self.script("return window.planted"))

    def test_no_width_needs_horizontal_scrolling(self):
        for width in (360, 800, 1301, 1400):
            self.check_width(width)

    def check_width(self, expected):
        # Windows cannot be as narrow as a phone; its metrics can.
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": expected, "height": 740, "deviceScaleFactor": 2,
            "mobile": expected < 600})
        try:
            self.open_actions("a.example:1")
            self.until(lambda: self.browser.find_element(
                By.ID, "calls-list").text)
            width, seen = self.script(
                "return [document.documentElement.scrollWidth,"
                "document.documentElement.clientWidth]")
            self.assertLessEqual(seen, expected)
            self.assertGreaterEqual(seen, expected - 20)  # The scroll bar.
            self.assertLessEqual(width, seen)
        finally:
            self.browser.execute_cdp_cmd(
                "Emulation.clearDeviceMetricsOverride", {})

    def test_the_keyboard_reaches_every_action(self):
        for row in self.rows():
            self.open_actions_by_keyboard(row)
        wanted = set(self.script(
            "return [...document.querySelectorAll('.actions button')]"
            ".map((b) => b.getAttribute('aria-label'))"))
        self.assertEqual(len(wanted), 3 * 7)
        self.script("document.activeElement.blur()")
        reached = set()
        for _ in range(100):
            self.browser.switch_to.active_element.send_keys(Keys.TAB)
            label = self.script(
                "return document.activeElement.getAttribute('aria-label')")
            if label:
                reached.add(label)
        self.assertLessEqual(wanted, reached)

    def open_actions_by_keyboard(self, row):
        summary = row.find_element(By.TAG_NAME, "summary")
        self.until(summary.is_displayed)
        summary.send_keys(Keys.ENTER)
        details = row.find_element(By.TAG_NAME, "details")
        self.until(lambda: details.get_attribute("open"))

    def test_light_and_dark_have_enough_contrast(self):
        for scheme in ("light", "dark"):
            self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {
                "features": [{"name": "prefers-color-scheme",
                              "value": scheme}]})
            styles = self.script("""
                const of = (selector, property) => {
                  const e = document.querySelector(selector);
                  return getComputedStyle(e)[property];
                };
                return [of('table', 'backgroundColor'), of('body', 'color'),
                        of('.state', 'color'), of('th', 'color'),
                        of('a', 'color')]""")
            ground = luminance(styles[0])
            for color in styles[1:]:
                ratio = contrast(ground, luminance(color))
                self.assertGreaterEqual(ratio, 4.5, (scheme, color))
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia",
                                     {"features": []})


def luminance(color):
    """Of "rgb(r, g, b)", as WCAG 2.1 defines it."""
    parts = [int(part) / 255 for part in color[4:-1].split(",")]
    linear = [part / 12.92 if part <= 0.03928 else
              ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first, second):
    return (max(first, second) + 0.05) / (min(first, second) + 0.05)


def main():
    global SERVER
    if not INSTALLED:
        required = (os.environ.get("CI_REQUIRE_BROWSER") or
                    os.environ.get("MULTI_BACKEND_REQUIRE_SERVERS"))
        print("NOT TESTED: " + HOW_TO_INSTALL, file=sys.stderr)
        sys.exit(1 if required else 0)
    SERVER = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)


if __name__ == "__main__":
    main()
