"""Parses HTML with nh3 (the algorithm of browsers, html5ever) and serialises the allowed part."""

import re
from collections.abc import Callable
from types import MappingProxyType

import nh3

from avenue.builder.content import allowed
from avenue.builder.content.addresses import Address, Use
from avenue.builder.content.errors import ContentTooTangled
from avenue.builder.content.srcset import rewritten

HTML = "HTML"
MAX_ELEMENTS = 15_000
"""The most elements in a page. The parser searches the open elements at each tag: its time is
quadratic."""

MAX_ATTRIBUTES = 500
"""The most attributes of an element; the time to parse them is quadratic, too."""

MAX_ESCAPES = 100_000
"""The most `&`; the parser's time for them is quadratic."""

MAX_DEPTH = 200
"""The most nested elements."""

MAX_ROUNDS = 5
"""The number of rounds after which parsing the result must change nothing."""

MAX_ATTRIBUTED_FORMATTING = 20
"""The most `<b class=…>` and the like in a page before they are parsed in a simpler way."""

# Browsers reopen these in each paragraph in which they were not closed, so few tags could become
# millions; of those without attributes at most three of a name (the "Noah's Ark clause"). Where
# there are many, the first pass gives them names without a meaning.
_FORMATTING = "b|big|code|em|font|i|nobr|s|small|strike|strong|tt|u"
_MASK = "avenue-formatting-"
_ATTRIBUTED = re.compile(rf"<(?:{_FORMATTING})[\s/]+[^\s/>]", re.IGNORECASE)
_TO_MASK = re.compile(rf"<(/?)({_FORMATTING})(?=[\s/>])", re.IGNORECASE)
_MASKED = re.compile(rf"(<|&lt;)(/?){_MASK}(?=(?:{_FORMATTING})\b)")

_ADDRESSES = MappingProxyType(
    {
        ("a", "href"): Use.LINK,
        ("audio", "src"): Use.MEDIA,
        ("img", "src"): Use.PICTURE,
        ("source", "src"): Use.MEDIA,
        ("track", "src"): Use.MEDIA,
        ("video", "poster"): Use.PICTURE,
        ("video", "src"): Use.MEDIA,
    }
)
# What nh3 passes to `_Attributes`, which checks it again; a letter is a drive.
_SCHEMES = frozenset(
    {"http", "https", "mailto", "tel", "sms", "avenue", "data", "file", "blob"}
) | frozenset(map(chr, range(ord("a"), ord("z") + 1)))
_TAG = re.compile(r"<(/?)([a-z][a-z0-9-]*)(?: [^\s=\"]+=\"[^\"]*\")*>")
# Tags and attributes as in section 13.2.5 of the HTML standard.
_ATTRIBUTE = (
    r"[\s/]*+[^\s/>][^\s/>=]*+"
    r"(?:\s*+=\s*+(?:\"[^\"]*+(?:\"|\Z)|'[^']*+(?:'|\Z)|[^\s>\"'][^\s>]*+)?)?"
)
_OPENING_TAG = re.compile(rf"<[A-Za-z][^\s/>]*+(?:{_ATTRIBUTE}){{0,{MAX_ATTRIBUTES}}}[\s/]*+")
MOST_READINGS = 20
"""How often the same text may be parsed as attributes of tags that begin within one another."""

_OPENINGS = re.compile(r"<[A-Za-z]")
_NEVER_CLOSED = frozenset({"br", "col", "hr", "img", "source", "track", "wbr"})

Style = Callable[[str], str]
"""Returns the replacement of the text of a `style` attribute."""


def rewritten_html(text: str, address: Address, style: Style) -> str:
    """Return the allowed part of `text`, its URLs and styles rewritten.

    Repeating it with the result, and with functions that change nothing any more, changes nothing.
    Raise `ContentTooTangled`, and what `address` and `style` raise.
    """
    if len(_OPENINGS.findall(text)) > MAX_ELEMENTS or text.count("&") > MAX_ESCAPES:
        raise ContentTooTangled(part=HTML)
    if _is_overladen(text):
        raise ContentTooTangled(part=HTML)
    few = len(_ATTRIBUTED.findall(text)) <= MAX_ATTRIBUTED_FORMATTING
    before = _run(_PARSING, text) if few else _untangled(text)
    for _ in range(MAX_ROUNDS):
        _refuse_tangled(before)
        after = _cleaned(before, address, style)
        if after == before:
            return after
        before = after
    raise ContentTooTangled(part=HTML)


def _is_overladen(text: str) -> bool:
    """Return whether a tag may have too many attributes, or it would take long to find out.

    Only the parser knows whether a `<` begins a tag, so each is treated as one, also in a comment
    or an attribute value. So the same text is parsed several times, but not often.
    """
    most = MOST_READINGS * len(text)
    for opening in _OPENINGS.finditer(text):
        tag = _OPENING_TAG.match(text, opening.start())
        end = tag.end() if tag else opening.end()
        most -= end - opening.start()
        if most < 0 or (end < len(text) and text[end] != ">"):
            return True
    return False


def _untangled(text: str) -> str:
    """Return the allowed part of `text` with every element closed where it ends."""
    masked = _TO_MASK.sub(rf"<\1{_MASK}\2", text)
    return _MASKED.sub(r"\1\2", _run(_UNTANGLING, masked))


def _refuse_tangled(text: str) -> None:
    """Raise `ContentTooTangled` for too deep nesting; `text` was written by nh3."""
    if text.count("&") > MAX_ESCAPES:
        raise ContentTooTangled(part=HTML)
    depth = 0
    for tag in _TAG.finditer(text):
        if tag[2] not in _NEVER_CLOSED:
            depth += -1 if tag[1] else 1
        if depth > MAX_DEPTH:
            raise ContentTooTangled(part=HTML)


def _cleaned(text: str, address: Address, style: Style) -> str:
    attributes = _Attributes(address, style)
    cleaner = _cleaner(allowed.TAGS, attributes)
    result = _run(cleaner, text)
    attributes.raise_failure()
    return result


class _Attributes:
    """Rewrites every attribute. nh3 would swallow exceptions here, and keep the attribute."""

    def __init__(self, address: Address, style: Style) -> None:
        self._address = address
        self._style = style
        self._failure: BaseException | None = None

    def __call__(self, tag: str, name: str, value: str) -> str | None:
        """Return the new value of an attribute, None to remove it."""
        if self._failure is not None:
            return None
        try:
            return self._rewritten(tag, name, value)
        except BaseException as error:  # raised again by `raise_failure`
            self._failure = error
            return None

    def raise_failure(self) -> None:
        """Raise the stored exception, if there is one."""
        if self._failure is not None:
            raise self._failure

    def _rewritten(self, tag: str, name: str, value: str) -> str | None:
        use = _ADDRESSES.get((tag, name))
        if use is not None:
            return self._address(value, use)
        match name:
            case "style":
                return self._style(value) or None
            case "srcset":
                return rewritten(value, lambda url: self._address(url, Use.PICTURE)) or None
            case "rel":
                kept = [each for each in value.lower().split() if each in allowed.RELATIONS]
                return " ".join(dict.fromkeys(kept)) or None
            case "target":
                return value.lower() if value.lower() in allowed.TARGETS else None
            case _:
                return value


def _cleaner(
    tags: frozenset[str], attribute_filter: Callable[[str, str, str], str | None] | None = None
) -> nh3.Cleaner:
    return nh3.Cleaner(
        tags=set(tags),
        clean_content_tags=set(allowed.GONE_WITH_CONTENT),
        attributes={tag: set(names) for tag, names in allowed.ATTRIBUTES.items()},
        attribute_filter=attribute_filter,
        link_rel=None,
        generic_attribute_prefixes={"aria-", "data-avenue-"},
        tag_attribute_values={"button": {"type": {"button"}}},
        url_schemes=set(_SCHEMES),
    )


def _run(cleaner: nh3.Cleaner, text: str) -> str:
    """Clean `text`; when nh3 fails, raise `ContentTooTangled`."""
    try:
        return cleaner.clean(text)
    except Exception:
        raise
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise ContentTooTangled(part=HTML) from None


_PARSING = _cleaner(allowed.TAGS)
_UNTANGLING = _cleaner(allowed.TAGS | {_MASK + each for each in _FORMATTING.split("|")})
