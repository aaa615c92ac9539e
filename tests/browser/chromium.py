"""Headless Chromium, driven through its DevTools protocol on a pair of pipes: no package is needed but the browser."""

import base64
import fcntl
import json
import os
import queue
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path

#: Without these Chromium looks for Google's hosts at every start.
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",
)
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


class CannotRun(Exception):
    """Why there is no browser."""


def find() -> str:
    """Return the browser's program; on CI, as root, Debian's is installed where there is none.

    Raises
    ------
    CannotRun
        If there is none and it cannot be installed.
    """
    there = next(filter(None, map(shutil.which, NAMES)), None)
    if there:
        return there
    if os.environ.get("CI") != "true" or os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise CannotRun("no Chromium here (Debian: apt-get install chromium; with CI=true root's tests install it)")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "NEEDRESTART_SUSPEND": "1"}
    apt = ["apt-get", "-y", "-qq", "-o", "DPkg::Lock::Timeout=120"]
    for command in (["update"], ["install", "--no-install-recommends", "chromium"]):
        done = subprocess.run([*apt, *command], env=environment, capture_output=True, text=True, timeout=400)
    if done.returncode or shutil.which("chromium") is None:
        lines = [line for line in done.stderr.splitlines() if line.startswith("E:")]
        raise CannotRun(f"apt-get cannot install chromium: {' '.join(lines) or 'no reason given'}")
    return shutil.which("chromium")


class Chromium:
    """A running browser; use it in a ``with`` statement."""

    def __enter__(self) -> "Chromium":
        self._profile = tempfile.TemporaryDirectory(prefix="outofsample-chromium-", ignore_cleanup_errors=True)
        pipes = [*os.pipe(), *os.pipe()]
        # The browser reads from file 3 and writes to file 4, which a pipe's other end must not have been before.
        to_read, self._to, self._from, to_write = (fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in pipes)
        for end in pipes:
            os.close(end)
        shell = 'read=$1 write=$2; shift 2; eval "exec \\"\\$@\\" 3<&$read 4>&$write"'
        command = ["bash", "-c", shell, "bash", str(to_read), str(to_write)]
        command += [find(), *FLAGS, f"--user-data-dir={self._profile.name}", "about:blank"]
        self._process = subprocess.Popen(
            command,
            pass_fds=(to_read, to_write),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(to_read)
        os.close(to_write)
        self._number = 0
        self._messages: queue.Queue = queue.Queue()
        self.events: list[dict] = []
        threading.Thread(target=self._read, daemon=True).start()
        return self

    def __exit__(self, *_) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._to)
        os.close(self._from)
        self._profile.cleanup()

    def _read(self) -> None:
        """Put each message of the browser, which end in a zero byte, into the queue."""
        rest = b""
        while True:
            try:
                block = os.read(self._from, 1 << 20)
            except OSError:
                return
            if not block:
                self._messages.put(None)
                return
            *whole, rest = (rest + block).split(b"\0")
            for message in whole:
                self._messages.put(json.loads(message))

    def call(self, method: str, session: str | None = None, seconds: float = 60, **parameters) -> dict:
        """Call a method of the protocol and return its result; what happens meanwhile is added to `events`."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        data = json.dumps(message | ({"sessionId": session} if session else {})).encode() + b"\0"
        while data:
            data = data[os.write(self._to, data) :]
        while True:
            answer = self._next(seconds)
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]
            self.events.append(answer)

    def _next(self, seconds: float) -> dict:
        try:
            message = self._messages.get(timeout=seconds)
        except queue.Empty:
            raise RuntimeError(f"Chromium was silent for {seconds} seconds") from None
        if message is None:
            raise RuntimeError("Chromium ended")
        return message

    def open(self, page: Path, width: int = 1280, height: int = 900, phone: bool = False) -> "Tab":
        """Open a file of this disk in a new tab and wait until it is loaded."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        tab = Tab(self, target)
        tab.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=phone)
        tab.call("Page.navigate", url=page.resolve().as_uri())
        tab.until("document.readyState === 'complete' && location.protocol === 'file:'")
        return tab

    def tabs(self) -> list[str]:
        """Return the ids of all tabs."""
        return [t["targetId"] for t in self.call("Target.getTargets")["targetInfos"] if t["type"] == "page"]


class Tab:
    """A tab: what it says on its console, and what JavaScript finds in it."""

    def __init__(self, browser: Chromium, target: str):
        self.browser, self.target = browser, target
        self.session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters) -> dict:
        """Call a method of the protocol in this tab."""
        return self.browser.call(method, self.session, **parameters)

    def evaluate(self, expression: str):
        """Return the value of a JavaScript expression; a promise is waited for. A click may open tabs."""
        answer = self.call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True, userGesture=True
        )
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"].get("exception", {}).get("description", expression))
        return answer["result"].get("value")

    def prefer(self, scheme: str) -> None:
        """Let the reader prefer a ``light`` or a ``dark`` scheme."""
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def press(self, key: str, text: str = "") -> None:
        """Press a key, which goes to what has the focus."""
        for kind in ("keyDown", "keyUp"):
            code = {"Enter": 13, "Tab": 9, " ": 32}[key]
            self.call("Input.dispatchKeyEvent", type=kind, key=key, text=text, windowsVirtualKeyCode=code)

    def until(self, expression: str, seconds: float = 30) -> None:
        """Wait until a JavaScript expression is true."""
        waiting = (
            f"new Promise((resolve, reject) => {{ const end = Date.now() + {seconds * 1000}; const look = () => "
            f"({expression}) ? resolve(true) : Date.now() > end ? reject(new Error('waited in vain')) : "
            "setTimeout(look, 50); look(); })"
        )
        try:
            self.evaluate(waiting)
        except RuntimeError as error:
            # A page that goes elsewhere takes the promise with it.
            if "navigat" not in str(error) and "context" not in str(error):
                raise
            self.evaluate(waiting)

    def _events(self, method: str) -> list[dict]:
        self.evaluate("0")
        return [
            e["params"] for e in self.browser.events if e.get("sessionId") == self.session and e["method"] == method
        ]

    def problems(self) -> list[str]:
        """Return errors and warnings of the console, and exceptions that nobody caught."""
        logged = [e["entry"] for e in self._events("Log.entryAdded")]
        said = [e for e in self._events("Runtime.consoleAPICalled") if e["type"] in ("error", "warning", "assert")]
        thrown = self._events("Runtime.exceptionThrown")
        return [
            *(f"{entry['level']}: {entry['text']}" for entry in logged if entry["level"] in ("error", "warning")),
            *(f"console.{e['type']}: {e['args']}" for e in said),
            *(e["exceptionDetails"]["text"] for e in thrown),
        ]

    def requests(self) -> list[str]:
        """Return the addresses that the tab asked for, but for what lies in the page itself."""
        asked = [event["request"]["url"] for event in self._events("Network.requestWillBeSent")]
        return [url for url in asked if not url.startswith(("data:", "blob:"))]

    def screenshot(self, whole: bool = False) -> bytes:
        """Return a picture of the window, or of the whole page, as PNG."""
        answer = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        return base64.b64decode(answer["data"])
