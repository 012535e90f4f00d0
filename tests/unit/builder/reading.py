"""Reading what was cleaned as a browser would, to see whether anything in it can be run."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import tinycss2

DANGEROUS_ELEMENTS = re.compile(
    "applet|base|embed|form|frame|frameset|iframe|input|isindex|link|math|meta|noscript|object|"
    "portal|script|select|style|svg|template|textarea|title|xmp"
)
ADDRESSES = re.compile(
    "action|background|cite|code|codebase|data|dynsrc|formaction|href|longdesc|lowsrc|ping|poster|"
    "profile|src|srcdoc|usemap|xlink:href"
)
HARMLESS_SCHEMES = frozenset({"http", "https", "mailto", "tel", "sms", "avenue", "file", "blob"})
SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):")
CONTROLS = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029\ufeff]")
FETCHING = ("behavior", "-moz-binding", "src")


class _Reader(HTMLParser):
    """Lists what is wrong with a piece of HTML."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.faults: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if DANGEROUS_ELEMENTS.fullmatch(tag):
            self.faults.append(f"element {tag}")
        for name, value in attrs:
            self.faults += _faults_of_attribute(name, value or "")

    def handle_comment(self, data: str) -> None:
        self.faults.append(f"comment {data}")

    def handle_decl(self, decl: str) -> None:
        self.faults.append(f"declaration {decl}")

    def handle_pi(self, data: str) -> None:
        self.faults.append(f"instruction {data}")

    def unknown_decl(self, data: str) -> None:
        self.faults.append(f"section {data}")


def faults_in_html(text: str) -> list[str]:
    """What in `text` could be run, or fetch anything but pictures."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    return reader.faults


def faults_in_css(text: str) -> list[str]:
    """What in a stylesheet could be run, or end the element it stands in."""
    seen: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: Any) -> None:
            seen.append(tag)

        def handle_data(self, data: str) -> None:
            seen.append(data)

    reader = Reader()
    reader.feed(f"<style>{text}</style>")
    reader.close()
    around = [] if seen == ["style", *([text] if text else [])] else [f"left the element: {seen}"]
    return [*around, *_faults_of_nodes(tinycss2.parse_stylesheet(text))]


def _faults_of_attribute(name: str, value: str) -> Iterator[str]:
    if name.startswith("on") or name in {"srcdoc", "formaction", "ping", "is"}:
        yield f"attribute {name}"
    if name == "srcset":
        for part in re.split(r"\s+", value):
            yield from _faults_of_address(part)
    elif ADDRESSES.fullmatch(name):
        yield from _faults_of_address(value)
    elif name == "style":
        yield from _faults_of_nodes(tinycss2.parse_blocks_contents(value))


def _faults_of_address(value: str) -> Iterator[str]:
    scheme = SCHEME.match(CONTROLS.sub("", value).lower())
    if scheme and scheme[1] not in HARMLESS_SCHEMES and len(scheme[1]) > 1:
        yield f"address {value!r}"


def _faults_of_nodes(nodes: Any) -> Iterator[str]:
    for node in nodes or ():
        name = getattr(node, "lower_name", None) or getattr(node, "lower_at_keyword", None) or ""
        if node.type == "error":
            yield f"error {node.message}"
        elif node.type == "at-rule" and name in {"import", "font-face", "charset", "namespace"}:
            yield f"rule @{name}"
        elif node.type == "declaration" and name in FETCHING:
            yield f"property {name}"
        elif node.type == "function" and name in {"expression", "element", "src", "javascript"}:
            yield f"function {name}"
        elif node.type == "url":
            yield from _faults_of_address(node.value)
        elif node.type == "function" and name == "url":
            yield from _faults_of_address(
                "".join(str(getattr(each, "value", "")) for each in node.arguments)
            )
        for inside in ("prelude", "content", "value", "arguments"):
            inner = getattr(node, inside, None)
            if isinstance(inner, list):
                yield from _faults_of_nodes(inner)
