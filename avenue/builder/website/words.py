"""The texts that blocks of the editor begin with, and what a remark about a page says."""

from avenue.builder.website.checks import Kind
from avenue.web.language import lazy_gettext as _

FIRST_TEXTS = {
    "first_heading": _("A heading"),
    "first_text": _("Write here what you have to say."),
    "first_button": _("More about it"),
}
REMARKS = {
    Kind.PLACEHOLDER_TEXT: _("This text is still the one a block begins with"),
    Kind.EMPTY_LINK: _("This link leads nowhere"),
    Kind.PICTURE_WITHOUT_ALT: _("This picture has no alternative text"),
    Kind.HEAVY_PICTURE: _("This picture is heavy, and comes in one size only"),
    Kind.BROKEN_ADDRESS: _("Visitors will not see what is at this address"),
}
