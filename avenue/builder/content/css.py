"""Parses CSS into tokens and writes the allowed ones again (CSS Syntax, level 3).

The result has one form: text in double quotes, URLs as `url("…")`, and `<` only as a comparison. So
it cannot end the element that contains it, parsing it again changes nothing, and references can be
found as text.
"""

import re
from collections.abc import Callable, Iterable, Sequence

import tinycss2
from tinycss2.ast import (
    AtRule,
    Comment,
    CurlyBracketsBlock,
    Declaration,
    FunctionBlock,
    Node,
    ParenthesesBlock,
    QualifiedRule,
    SquareBracketsBlock,
    StringToken,
    URLToken,
    WhitespaceToken,
)
from tinycss2.serializer import serialize_identifier, serialize_string_value

from avenue.builder.content import allowed
from avenue.builder.content.errors import ContentTooTangled
from avenue.builder.content.references import NAME, SCHEME
from avenue.identity import ID_PATTERN

MAX_DEPTH = 40
"""The most nested blocks and brackets."""

CSS = "CSS"
PictureAddress = Callable[[str], str | None]
"""Returns the replacement of a picture's URL; None for none, which becomes `url("")`: a URL that no
browser requests (CSS Values 4, section 4.5.3)."""

_REFERENCE = re.compile(rf'url\("({SCHEME}{ID_PATTERN.pattern}/{NAME})"\)')
_ENDS_THE_ELEMENT = re.compile(r"<[/!]|-->")
_UNWANTED = frozenset({"at-keyword", "error", "{} block"})
_Block = (CurlyBracketsBlock, ParenthesesBlock, SquareBracketsBlock)


def cleaned(text: str, address: PictureAddress) -> str:
    """Return the allowed part of a stylesheet; raise `ContentTooTangled`."""
    rules = tinycss2.parse_stylesheet(_tokens(text), skip_comments=True, skip_whitespace=True)
    return "".join(f"{rule}\n" for each in rules if (rule := _rule(each, address)))


def cleaned_declarations(text: str, address: PictureAddress) -> str:
    """Return the allowed declarations of a `style` attribute."""
    return _declarations(_tokens(text), address)


def expanded(text: str, link: PictureAddress) -> str:
    """Return cleaned CSS with the URL from `link` for each reference.

    Where it returns None, no picture is shown.
    """
    return _REFERENCE.sub(lambda found: _url(link(found[1])), text)


def _tokens(text: str) -> list[Node]:
    """Return `text` as tokens and blocks; raise `ContentTooTangled` for too deep nesting."""
    tokens: list[Node] = tinycss2.parse_component_value_list(text)
    level = tokens
    for _ in range(MAX_DEPTH):
        level = [inner for each in level for inner in _inside(each)]
        if not level:
            return tokens
    raise ContentTooTangled(part=CSS)


def _inside(node: Node) -> list[Node]:
    inner: list[Node] = []
    if isinstance(node, FunctionBlock):
        inner = node.arguments
    elif isinstance(node, _Block):
        inner = node.content
    return inner


def _rule(rule: Node, address: PictureAddress) -> str:
    """Return a rule as it is stored, "" when nothing of it is."""
    if isinstance(rule, QualifiedRule):
        return _block(_prelude(rule.prelude), _declarations(rule.content, address))
    if not isinstance(rule, AtRule) or rule.content is None:
        return ""
    name = rule.lower_at_keyword
    if name not in allowed.GROUPS | allowed.KEYFRAMES:
        return ""
    inner = tinycss2.parse_rule_list(rule.content, skip_comments=True, skip_whitespace=True)
    if name in allowed.KEYFRAMES:
        inner = [each for each in inner if isinstance(each, QualifiedRule)]
    condition = _prelude(rule.prelude)
    return _block(
        None if condition is None else f"@{name} {condition}",
        "".join(_rule(each, address) for each in inner),
    )


def _block(prelude: str | None, body: str) -> str:
    return f"{prelude}{{{body}}}" if prelude and body else ""


def _prelude(nodes: Sequence[Node]) -> str | None:
    """Return a selector or condition in its normal form, None when it is not supported."""
    return _written(nodes) if _reads(nodes) else None


def _reads(nodes: Iterable[Node]) -> bool:
    """Return whether a selector or condition contains only allowed tokens."""
    for node in nodes:
        if node.type in _UNWANTED or node.type == "url" or getattr(node, "lower_name", "") == "url":
            return False
        _put_into_form(node)
        if not _reads(_inside(node)):
            return False
    return True


def _declarations(content: Sequence[Node], address: PictureAddress) -> str:
    found = tinycss2.parse_blocks_contents(content, skip_comments=True, skip_whitespace=True)
    written = (_declaration(each, address) for each in found if isinstance(each, Declaration))
    return ";".join(each for each in written if each)


def _declaration(declaration: Declaration, address: PictureAddress) -> str:
    """Return a declaration as it is stored, "" when it is not."""
    own = declaration.name.startswith("--")
    name = declaration.name if own else declaration.lower_name
    pictures = address if allowed.may_show_pictures(name) else None
    if not allowed.is_allowed(name) or not _means_no_harm(declaration.value, pictures):
        return ""
    value = _written(declaration.value)
    if not value:
        return ""
    return f"{serialize_identifier(name)}:{value}{' !important' if declaration.important else ''}"


def _means_no_harm(
    nodes: Sequence[Node], pictures: PictureAddress | None, *, text_is_address: bool = False
) -> bool:
    """Return whether a value may be stored, and normalise its URLs and texts."""
    for node in nodes:
        if node.type in _UNWANTED:
            return False
        _put_into_form(node)
        url = _url_in(node, text_is_address)
        if url is not None:
            if not _put_address(node, url, pictures):
                return False
        elif not _inside_means_no_harm(node, pictures):
            return False
    return True


def _inside_means_no_harm(node: Node, pictures: PictureAddress | None) -> bool:
    if not isinstance(node, FunctionBlock):
        return _means_no_harm(_inside(node), pictures)
    return node.lower_name in allowed.FUNCTIONS and _means_no_harm(
        node.arguments, pictures, text_is_address=node.lower_name in allowed.PICTURE_SETS
    )


def _url_in(node: Node, text_is_address: bool) -> str | None:
    """Return the URL in `node`, None when it is something else."""
    if isinstance(node, URLToken) or (text_is_address and isinstance(node, StringToken)):
        return str(node.value)
    if not isinstance(node, FunctionBlock) or node.lower_name != "url":
        return None
    texts = [each for each in node.arguments if each.type not in {"whitespace", "comment"}]
    return str(texts[0].value) if len(texts) == 1 and isinstance(texts[0], StringToken) else ""


def _put_address(node: Node, url: str, pictures: PictureAddress | None) -> bool:
    """Put what is stored for `url` into `node`; return whether it may be here at all."""
    if url and not url.startswith("#"):
        if pictures is None:
            return False
        url = pictures(url) or ""
    written = _quoted(url)
    if isinstance(node, FunctionBlock):
        node.name, node.lower_name = "url", "url"
        node.arguments = [StringToken(node.source_line, node.source_column, url, written)]
    else:
        node.representation = f"url({written})"
    return True


def _put_into_form(node: Node) -> None:
    """Normalise the serialisation of `node`."""
    if isinstance(node, StringToken):
        node.representation = _quoted(node.value)
    elif isinstance(node, WhitespaceToken):
        node.value = " "
    elif isinstance(node, Comment):
        node.value = ""


def _written(nodes: Sequence[Node]) -> str | None:
    """Return `nodes` as text, None when it could end the element that contains it."""
    text: str = tinycss2.serialize(nodes).strip()
    return None if _ENDS_THE_ELEMENT.search(text) else text


def _url(url: str | None) -> str:
    return f"url({_quoted(url or '')})"


def _quoted(text: str) -> str:
    escaped: str = serialize_string_value(text)
    return '"{}"'.format(escaped.replace("<", "\\3c "))
