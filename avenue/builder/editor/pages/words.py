"""What the list of pages and the editor say."""

from collections.abc import Mapping

from flask_babel import LazyString

from avenue.builder.website.words import REMARKS
from avenue.web.language import lazy_gettext as _

STATUSES: Mapping[str, LazyString] = {
    "draft": _("Draft"),
    "published": _("Online"),
    "changed": _("Online, with changes"),
}
TONES: Mapping[str, str] = {"draft": "", "published": "good", "changed": "warn"}
"""How the chip of a status looks."""

SORTS: Mapping[str, LazyString] = {
    "-updated_at": _("Last changed first"),
    "updated_at": _("Longest unchanged first"),
    "-created_at": _("Newest first"),
    "created_at": _("Oldest first"),
    "title": _("Title, A to Z"),
    "-title": _("Title, Z to A"),
}

TEMPLATES: Mapping[str, tuple[LazyString, LazyString]] = {
    "empty": (_("Empty"), _("You put it together yourself.")),
    "home": (_("Home"), _("An opening, your newest products, a quote.")),
    "collection": (_("Collection"), _("Products of a category, and questions.")),
    "about": (_("About us"), _("A picture of you, a gallery, a quote.")),
    "contact": (_("Contact"), _("How you are reached, a map, questions.")),
    "landing": (_("Campaign"), _("One thing, said well, with a video.")),
}
"""What a new page can begin with: the name of each, and what is in it."""

FIELDS: Mapping[str, LazyString] = {
    "title": _("Title"),
    "slug": _("Address"),
    "locale": _("Language"),
    "themed": _("Design"),
    "translation_of": _("Translation of"),
    "seo.title": _("Title for search engines"),
    "seo.description": _("Description for search engines"),
}
"""What the form calls the fields of a page."""

SAID: Mapping[str, LazyString] = {
    "created": _("The page is made."),
    "saved": _("Saved."),
    "publish": _("The page is published."),
    "unpublish": _("The page is a draft again."),
    "schedule": _("The page will be published by itself, as it is then."),
    "unschedule": _("The page will not be published by itself any more."),
    "removed": _("The page is deleted."),
}
"""By the code behind `?said=`."""

EDITOR_TEXTS: Mapping[str, LazyString] = {
    # The canvas and its blocks
    "canvas": _("The page as it will be"),
    "kind_wrapper": _("Page"),
    "kind_heading": _("Heading"),
    "kind_text": _("Text"),
    "kind_picture": _("Picture"),
    "kind_image": _("Picture"),
    "kind_gallery": _("Gallery"),
    "kind_card": _("Product"),
    "kind_columns": _("Columns"),
    "kind_column": _("Column"),
    "kind_section": _("Section"),
    "kind_button": _("Button"),
    "kind_link": _("Link"),
    "kind_box": _("Box"),
    "kind_hero": _("Opening"),
    "kind_media": _("Text with picture"),
    "kind_products": _("Products"),
    "kind_collection": _("Collection"),
    "kind_quote": _("Quote"),
    "kind_questions": _("Questions"),
    "kind_call": _("Call to action"),
    "kind_map": _("Map"),
    "kind_video": _("Video"),
    "kind_spacer": _("Space"),
    "kind_missing": _("Place for a picture"),
    "empty_canvas": _("The page is empty. Choose something under “Add”, or drag it to here."),
    "fill_place": _("Choose a picture"),
    "add_product": _("Add a product"),
    "category": _("Category"),
    "all_products": _("All products"),
    "dropped": _("One moment…"),
    "added": _("{name}: added."),
    # What is selected
    "nothing_selected": _("Click on something in the page, or choose it in the list below."),
    "act_up": _("Up"),
    "act_down": _("Down"),
    "act_outer": _("What it is in"),
    "act_copy": _("Copy"),
    "act_remove": _("Delete"),
    "removed_block": _("Deleted. Undo brings it back."),
    "change_picture": _("Another picture"),
    "change_gallery": _("Other pictures"),
    "edit_text": _("Write"),
    "alt": _("What is to be seen here, if not what the library says"),
    "href": _("Where it leads"),
    "heading_level": _("Level"),
    "level": _("Level {level}"),
    # How it looks
    "as_is": _("As it is"),
    "looks_text": _("Letters"),
    "looks_background": _("Background"),
    "looks_room": _("Room around it"),
    "looks_size": _("Size"),
    "looks_edge": _("Edge"),
    "look_color": _("Colour"),
    "look_font-size": _("Letter size"),
    "look_font-weight": _("Weight"),
    "look_line-height": _("Line height"),
    "look_text-align": _("Alignment"),
    "look_background-color": _("Background colour"),
    "look_padding": _("Inside"),
    "look_margin": _("Outside"),
    "look_width": _("Width"),
    "look_max-width": _("At most so wide"),
    "look_height": _("Height"),
    "look_min-height": _("At least so high"),
    "look_border": _("Line"),
    "look_border-radius": _("Round corners"),
    "own": _("Something else…"),
    "own_value": _("{name}: own value"),
    "none": _("None"),
    "round": _("Round"),
    "size_small": _("Small"),
    "size_medium": _("Medium"),
    "size_large": _("Large"),
    "size_huge": _("Very large"),
    "size_screen": _("Most of the screen"),
    "share_half": _("Half"),
    "share_whole": _("Whole"),
    "lines_tight": _("Tight"),
    "lines_usual": _("Usual"),
    "lines_wide": _("Wide"),
    "line_thin": _("Thin line"),
    "line_thick": _("Thick line"),
    "palette_accent": _("The site's accent"),
    "palette_on-accent": _("On the accent"),
    "palette_ink": _("Text"),
    "palette_faint": _("Faint text"),
    "palette_paper": _("Paper"),
    "palette_sunken": _("Tinted paper"),
    "weight_400": _("Normal"),
    "weight_600": _("Half bold"),
    "weight_700": _("Bold"),
    "align_left": _("Left"),
    "align_center": _("Centred"),
    "align_right": _("Right"),
    "align_justify": _("Both sides"),
    "choose_background": _("Background picture"),
    "no_background": _("No background picture"),
    # Saving and publishing
    "state_saved": _("Saved"),
    "state_waiting": _("With changes"),
    "state_saving": _("Saving…"),
    "state_retrying": _("Not saved: there is no connection. We try again by ourselves."),
    "state_signed_out": _("Not saved: your session has ended. Sign in in another tab."),
    "state_refused": _("Not saved."),
    "state_conflict": _("Not saved: somebody else has saved this page."),
    "flagged": _("Visitors will not see what is at these addresses: {addresses}"),
    "no_connection": _("There is no connection. Try again in a moment."),
    "not_done": _("That did not work. Try again in a moment."),
    "not_published": _("Not published: the page is not saved."),
    "published": _("Published."),
    "unpublished": _("It is a draft again."),
    "goes_online": _("Goes online {moment}"),
    "scheduled": _("The page will be published by itself, as it is then."),
    "unscheduled": _("The page will not be published by itself any more."),
    "preview_ends": _("It shows the draft to whoever has it, until {moment}."),
    "copied": _("Copied"),
    "saved_at": _("They saved on {moment}."),
    "no_difference": _("Only the settings of the page are different."),
    "took_theirs": _("You see theirs now."),
    "kept_mine": _("Yours is saved."),
    "restore": _("Bring back"),
    "restored": _("It is as it was then. What was there before is in the history."),
    # The picker
    "every_folder": _("All folders"),
    "no_folder": _("In no folder"),
    "found": _("{count} found"),
    "found_many": _("More than 10,000 found"),
    "chosen_one": _("{count} picture chosen"),
    "chosen_many": _("{count} pictures chosen"),
    "point_at": _("{x} % from the left, {y} % from the top"),
    "progress_of": _("Upload of {name}"),
    "retry": _("Try again"),
    "dismiss": _("Take off the list"),
    "upload_waiting": _("Waiting for its turn"),
    "upload_sending": _("Uploading: {percent} %"),
    "upload_stored": _("Uploaded"),
    "upload_pausing": _("The connection broke, or the server is busy. We go on by ourselves."),
    "upload_broken": _("It did not arrive. Try again: it is not added twice."),
    "upload_too_large": _("It has {size}, and at most {most} are taken."),
    "upload_empty": _("The file is empty (0 bytes)."),
    "upload_not_a_picture": _("It is no picture that is taken here."),
    "upload_not_taken": _("It was not taken."),
}
"""What the modules of the editor say; `{facts}` are put in by `text()`."""


def editor_texts() -> dict[str, str]:
    """Return what the modules say, in the language of the request."""
    statuses = {f"status_{status}": said for status, said in STATUSES.items()}
    remarks = {f"remark_{kind}": said for kind, said in REMARKS.items()}
    return {name: str(said) for name, said in {**EDITOR_TEXTS, **statuses, **remarks}.items()}
