"""The initial texts of blocks, and the texts of remarks."""

from avenue.builder.website.checks import Kind
from avenue.web.language import in_every_language, lazy_gettext as _

FIRST_TEXTS = {
    "first_heading": _("A heading"),
    "first_text": _("Write your text here."),
    "first_button": _("Learn more"),
    "first_quote": _("What a customer says about you."),
    "first_name": _("Customer name"),
    "first_question": _("A frequently asked question"),
    "first_answer": _("The answer."),
    "first_picture": _("Choose an image for this place"),
}
"""Each is to be replaced: a page is not published with one of them without a word."""
EARLIER_TEXTS = (
    "Write here what you have to say.",
    "More about it",
    "What a customer says of you.",
    "Name of the customer",
    "A question that is often asked",
    "The answer to it.",
    "Choose a picture for here",
    "Escribe aquí lo que quieres contar.",
    "Escribí aquí lo que querés contar.",
)
"""What blocks began with before, in every language: drafts of then still have it."""
USUAL_TEXTS = {
    "usual_products": _("Our products"),
    "usual_all": _("View all products"),
    "usual_questions": _("Questions and answers"),
    "usual_map": _("View on map"),
    "usual_video": _("Watch the video"),
}
"""Initial texts that may stay."""
REMARKS = {
    Kind.PLACEHOLDER_TEXT: _("This is still the sample text of the block"),
    Kind.EMPTY_LINK: _("This link leads nowhere"),
    Kind.PICTURE_WITHOUT_ALT: _("This image has no alt text"),
    Kind.HEAVY_PICTURE: _("This image is heavy and comes in only one size"),
    Kind.BROKEN_ADDRESS: _("Visitors will not see the content at this address"),
}


def placeholders() -> list[str]:
    """Return what blocks begin with, or began with before, in every language."""
    of_now = [said for text in FIRST_TEXTS.values() for said in in_every_language(text)]
    return [*of_now, *EARLIER_TEXTS]
