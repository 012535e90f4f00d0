"""Blocks of the editor, and templates, which are sequences of blocks.

A block contains its style, so that a page needs no file of ours. It uses the colours and distances
of the site's theme, if the page has it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from string import Template

from avenue.builder.website.words import FIRST_TEXTS, USUAL_TEXTS

SPACE = "clamp(24px, 5vw, 56px)"
BUTTON = (
    ".avenue-button { display: inline-block; padding: 12px 24px;"
    " border-radius: var(--button-radius, 8px); background-color: var(--accent, #17593f);"
    " color: var(--on-accent, #ffffff); font-weight: 600; text-decoration: none; }"
)
CARD = (
    ".avenue-card { display: block; max-width: 320px; padding: 16px;"
    " border: 1px solid var(--hairline, #d5d9d3); border-radius: var(--radius, 8px);"
    " color: inherit; text-decoration: none; }"
    " .avenue-card img { display: block; width: 100%; height: auto; aspect-ratio: 1;"
    " object-fit: contain; }"
    " .avenue-card-name { display: block; margin-top: 8px; font-weight: 600; }"
    " .avenue-card-price { display: block; }"
)
PRODUCTS = (
    " .avenue-products { display: grid;"
    " grid-template-columns: repeat(auto-fill, minmax(min(100%, 160px), 1fr)); gap: 16px;"
    " margin: 0 0 24px; } .avenue-products:empty { display: none; }"
    " .avenue-shelf:has(> .avenue-products:empty) { display: none; }"
)
COLUMNS = (
    ".avenue-columns { display: flex; flex-wrap: wrap; gap: 24px; }"
    " .avenue-column { flex: 1 1 240px; min-width: 0; }"
)
MISSING = (
    " .avenue-missing { display: grid; place-items: center; margin: 0; aspect-ratio: 4 / 3;"
    " padding: 16px; border: 2px dashed currentcolor; border-radius: var(--radius, 8px);"
    " text-align: center; }"
)
PICTURE = '<p class="avenue-missing">$first_picture</p>'
BOX = (
    f"margin: 0 0 {SPACE}; padding: {SPACE}; border-radius: var(--radius, 8px);"
    " background-color: var(--sunken, #f1f2f0); color: var(--ink, #1c2420);"
)


@dataclass(frozen=True, slots=True)
class Block:
    """HTML with `$names` of texts, and its style."""

    html: str
    css: str = ""


BLOCKS: Mapping[str, Block] = {
    "hero": Block(
        '<section class="avenue-hero"><div class="avenue-hero-words"><$h>$title</$h>'
        '<p>$first_text</p><p><a class="avenue-button" href="#">$first_button</a></p></div>'
        f"{PICTURE}</section>",
        f".avenue-hero {{ display: flex; flex-wrap: wrap; align-items: center; gap: {SPACE};"
        f" {BOX} }} .avenue-hero > * {{ flex: 1 1 280px; min-width: 0; }}"
        " .avenue-hero-words > :first-child { margin-top: 0; }"
        " .avenue-hero img { display: block; width: 100%; height: auto; aspect-ratio: 4 / 3;"
        f" object-fit: cover; }} {BUTTON}{MISSING}",
    ),
    "heading": Block("<h2>$first_heading</h2>"),
    "text": Block("<p>$first_text</p>"),
    "picture": Block("", ".avenue-picture { display: block; max-width: 100%; height: auto; }"),
    "media": Block(
        f'<section class="avenue-media">{PICTURE}<div class="avenue-media-words">'
        "<h2>$first_heading</h2><p>$first_text</p></div></section>",
        f".avenue-media {{ display: flex; flex-wrap: wrap; align-items: center; gap: {SPACE};"
        f" margin: {SPACE} 0; }} .avenue-media > * {{ flex: 1 1 280px; min-width: 0; }}"
        " .avenue-media-words > :first-child { margin-top: 0; }"
        f" .avenue-media img {{ display: block; width: 100%; height: auto; }}{MISSING}",
    ),
    "gallery": Block(
        "",
        ".avenue-gallery { display: grid;"
        " grid-template-columns: repeat(auto-fit, minmax(min(100%, 200px), 1fr)); gap: 16px; }"
        " .avenue-gallery img { display: block; width: 100%; height: 100%; object-fit: cover; }"
        f"{MISSING}",
    ),
    "card": Block("", CARD),
    "products": Block(
        '<section class="avenue-shelf"><h2>$usual_products</h2>'
        '<div class="avenue-products">$cards</div></section>',
        f".avenue-shelf {{ margin: {SPACE} 0; }} {CARD}{PRODUCTS}",
    ),
    "collection": Block(
        '<section class="avenue-shelf"><h2>$usual_products</h2>'
        '<a class="avenue-collection" href="/">$usual_all</a></section>',
        f".avenue-shelf {{ margin: {SPACE} 0; }}"
        " .avenue-collection { display: inline-block; padding: 8px 0; font-weight: 600; }"
        f" {CARD}{PRODUCTS}",
    ),
    "quote": Block(
        '<blockquote class="avenue-quote"><p>$first_quote</p><footer>$first_name</footer>'
        "</blockquote>",
        f".avenue-quote {{ margin: {SPACE} 0; padding: 0 0 0 24px;"
        " border-left: 4px solid var(--accent, #17593f); font-size: 1.25em; }"
        " .avenue-quote p { margin: 0 0 8px; } .avenue-quote footer { font-size: 0.8em; }",
    ),
    "questions": Block(
        '<section class="avenue-questions"><h2>$usual_questions</h2>'
        "<details><summary>$first_question</summary><p>$first_answer</p></details>"
        "<details><summary>$first_question</summary><p>$first_answer</p></details></section>",
        f".avenue-questions {{ margin: {SPACE} 0; }}"
        " .avenue-questions details { border-top: 1px solid var(--hairline, #d5d9d3); }"
        " .avenue-questions summary { padding: 12px 0; font-weight: 600; cursor: pointer; }",
    ),
    "call": Block(
        '<section class="avenue-call"><h2>$first_heading</h2><p>$first_text</p>'
        '<p><a class="avenue-button" href="#">$first_button</a></p></section>',
        f".avenue-call {{ {BOX} text-align: center; }}"
        " .avenue-call > * { margin-left: auto; margin-right: auto; }"
        f" .avenue-call > :first-child {{ margin-top: 0; }} {BUTTON}",
    ),
    "map": Block(
        '<div class="avenue-map"><a href="#">$usual_map</a></div>',
        f".avenue-map {{ {BOX} text-align: center; font-weight: 600; }}",
    ),
    "video": Block(
        f'<a class="avenue-video" href="#">{PICTURE}'
        '<span class="avenue-video-play">$usual_video</span></a>',
        f".avenue-video {{ display: block; position: relative; margin: {SPACE} 0;"
        " color: inherit; } .avenue-video img { display: block; width: 100%; height: auto;"
        " aspect-ratio: 16 / 9; object-fit: cover; }"
        " .avenue-video-play { display: inline-block; padding: 8px 20px; border-radius: 99px;"
        " background-color: #1c2420; color: #ffffff; font-weight: 600; }"
        " .avenue-video:has(img, .avenue-missing) .avenue-video-play { position: absolute;"
        " left: 16px; bottom: 16px; }"
        f"{MISSING} .avenue-video .avenue-missing {{ aspect-ratio: 16 / 9; }}",
    ),
    "columns": Block(
        '<div class="avenue-columns">'
        + 2 * '<div class="avenue-column"><p>$first_text</p></div>'
        + "</div>",
        COLUMNS,
    ),
    "section": Block(
        '<section class="avenue-section"><h2>$first_heading</h2><p>$first_text</p></section>',
        ".avenue-section { max-width: 1120px; margin: 0 auto; padding: 32px 16px; }",
    ),
    "spacer": Block(
        '<div class="avenue-spacer"></div>',
        f".avenue-spacer {{ height: {SPACE}; }}",
    ),
    "button": Block('<a class="avenue-button" href="#">$first_button</a>', BUTTON),
}
"""By name, in the order of the editor; those without HTML are for a selected element only."""

TEMPLATES: Mapping[str, tuple[str, ...]] = {
    "empty": (),
    "home": ("hero", "collection", "media", "quote", "call"),
    "collection": ("title", "text", "collection", "questions"),
    "about": ("title", "media", "text", "pictures", "quote"),
    "contact": ("title", "contact", "map", "questions"),
    "landing": ("hero", "columns", "media", "video", "questions", "call"),
}
"""Templates of pages: names of blocks, and of parts that only templates have."""
ONLY_IN_TEMPLATES: Mapping[str, Block] = {
    "title": Block("<h1>$title</h1>"),
    "pictures": Block(f'<div class="avenue-gallery">{3 * PICTURE}</div>', BLOCKS["gallery"].css),
    "contact": Block("<p>$first_text</p>$contact"),
}


def block_texts() -> list[dict[str, str]]:
    """Return name, HTML and style of each block, with its texts in the language of the request."""
    said = _said()
    said |= {"h": "h2", "title": said["first_heading"]}
    return [
        {"name": name, "html": Template(block.html).safe_substitute(said), "css": block.css}
        for name, block in BLOCKS.items()
    ]


def content_of(template: str, *, title: str, contact: Mapping[str, str]) -> dict[str, str]:
    """Return the initial HTML and CSS of a page of `template`; `contact` is the site's."""
    said = _said() | {"h": "h1", "title": escape(title), "contact": _contact(contact)}
    blocks = [{**BLOCKS, **ONLY_IN_TEMPLATES}[name] for name in TEMPLATES[template]]
    html = "\n".join(Template(each.html).safe_substitute(said) for each in blocks)
    rules = [rule.strip() for each in blocks for rule in each.css.split("}") if rule.strip()]
    return {"html": html, "css": "\n".join(f"{rule} }}" for rule in dict.fromkeys(rules))}


def _said() -> dict[str, str]:
    """Return the initial texts of blocks, as HTML, in the language of the request."""
    return {name: escape(str(text)) for name, text in {**FIRST_TEXTS, **USUAL_TEXTS}.items()}


def _contact(contact: Mapping[str, str]) -> str:
    """Return the contact details of the site, as far as given."""
    links = [
        (f"mailto:{contact['email']}", contact["email"]) if contact.get("email") else None,
        (f"tel:{contact['phone']}", contact["phone"]) if contact.get("phone") else None,
    ]
    lines = [f'<p><a href="{escape(link[0])}">{escape(link[1])}</a></p>' for link in links if link]
    if contact.get("address"):
        lines.insert(0, f"<p>{escape(contact['address'])}</p>")
    return "".join(lines)
