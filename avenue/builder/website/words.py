"""The texts that blocks of the editor begin with, and what a remark about a page says."""

from avenue.builder.website.checks import Kind
from avenue.web.language import lazy_gettext as _

FIRST_TEXTS = {
    "first_heading": _("A heading"),
    "first_text": _("Write here what you have to say."),
    "first_button": _("More about it"),
    "first_quote": _("What a customer says of you."),
    "first_name": _("Name of the customer"),
    "first_question": _("A question that is often asked"),
    "first_answer": _("The answer to it."),
    "first_picture": _("Choose a picture for here"),
}
"""Each is to be replaced: a page is not published with one of them without a word."""
USUAL_TEXTS = {
    "usual_products": _("Our products"),
    "usual_all": _("See all products"),
    "usual_questions": _("Questions and answers"),
    "usual_map": _("See it on the map"),
    "usual_video": _("Watch the video"),
}
"""What may stay as it is."""
REMARKS = {
    Kind.PLACEHOLDER_TEXT: _("This text is still the one a block begins with"),
    Kind.EMPTY_LINK: _("This link leads nowhere"),
    Kind.PICTURE_WITHOUT_ALT: _("This picture has no alternative text"),
    Kind.HEAVY_PICTURE: _("This picture is heavy, and comes in one size only"),
    Kind.BROKEN_ADDRESS: _("Visitors will not see what is at this address"),
}
