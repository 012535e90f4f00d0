"""Names a client in general terms: a browser and a system, or the name of a program.

This is enough to recognize one's own devices; versions and models are not kept.
"""

import re

MOST_AGENT_CHARACTERS = 1000
BROWSERS = {
    "Edge": re.compile(r"\bEdg(e|A|iOS)?/"),
    "Opera": re.compile(r"\b(OPR|Opera)/"),
    "Samsung Internet": re.compile(r"\bSamsungBrowser/"),
    "Firefox": re.compile(r"\b(Firefox|FxiOS)/"),
    "Chrome": re.compile(r"\b(Chrome|Chromium|CriOS|HeadlessChrome)/"),
    "Safari": re.compile(r"\bSafari/"),
}
"""The first match counts: most browsers name those after them, too."""
SYSTEMS = {
    "iPhone": re.compile(r"\biPhone\b"),
    "iPad": re.compile(r"\biPad\b"),
    "Android": re.compile(r"\bAndroid\b"),
    "Windows": re.compile(r"\bWindows\b"),
    "ChromeOS": re.compile(r"\bCrOS\b"),
    "macOS": re.compile(r"\b(Macintosh|Mac OS X)\b"),
    "Linux": re.compile(r"\bLinux\b"),
}
PROGRAM = re.compile(r"[A-Za-z][A-Za-z0-9 ._-]{0,39}(?=/|$)")


def device_of(agent: str) -> str:
    """Return the device of a User-Agent, as `Firefox, Android`; "" if unknown."""
    agent = agent[:MOST_AGENT_CHARACTERS]
    found = [
        next((name for name, pattern in known.items() if pattern.search(agent)), "")
        for known in (BROWSERS, SYSTEMS)
    ]
    if found[0]:
        return ", ".join(filter(None, found))
    program = PROGRAM.match(agent)
    return program[0].strip() if program and program[0] != "Mozilla" else found[1]
