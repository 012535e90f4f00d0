"""The blocks and templates that pages are made of."""

import re

from avenue.builder.content.cleaning import tidied
from avenue.builder.content.models import Content
from avenue.builder.editor.pages import words
from avenue.builder.website.blocks import BLOCKS, TEMPLATES, block_texts, content_of
from avenue.builder.website.rendering import MISSING
from tests.table import table

CONTACT = {"email": "hola@luna.example", "phone": "+595 981 123", "address": "Palma 1 <b>"}
TITLE = "Zapatos & <script>botas"
CLASS = re.compile(r"\.(avenue-[a-z-]+)")


@table("template", TEMPLATES)
def test_a_template_is_kept_as_it_is(template: str):
    made = content_of(template, title=TITLE, contact=CONTACT)
    kept = tidied(Content(html=made["html"], css=made["css"]))
    assert kept.html == made["html"]
    assert kept.css.count("{") == made["css"].count("{")
    assert "$" not in made["html"]
    if template != "empty":
        assert made["html"].count("<h1>") == 1
        assert "<h1>Zapatos &amp; &lt;script&gt;botas</h1>" in made["html"]


def test_each_block_has_the_style_of_what_is_in_it():
    for block in block_texts():
        used = set(re.findall("avenue-[a-z-]+", block["html"]))
        styled = set(CLASS.findall(block["css"]))
        assert used <= styled, block["name"]


def test_visitors_do_not_see_where_a_picture_is_missing():
    for block in block_texts():
        assert "avenue-missing" not in MISSING.sub("", block["html"])


def test_every_block_and_template_has_a_name_for_people():
    assert {f"kind_{name}" for name in BLOCKS} <= set(words.EDITOR_TEXTS)
    assert set(words.TEMPLATES) == set(TEMPLATES)
