"""Texts of the list of pages and of the editor."""

from collections.abc import Mapping

from flask_babel import LazyString

from avenue.builder.website.words import REMARKS
from avenue.web.language import lazy_gettext as _

STATUSES: Mapping[str, LazyString] = {
    "draft": _("Draft"),
    "published": _("Published"),
    "changed": _("Published, unpublished changes"),
}
TONES: Mapping[str, str] = {"draft": "", "published": "good", "changed": "warn"}
"""The style of the label of each status."""

SORTS: Mapping[str, LazyString] = {
    "-updated_at": _("Recently updated"),
    "updated_at": _("Least recently updated"),
    "-created_at": _("Newest first"),
    "created_at": _("Oldest first"),
    "title": _("Title, A to Z"),
    "-title": _("Title, Z to A"),
}

TEMPLATES: Mapping[str, tuple[LazyString, LazyString]] = {
    "empty": (_("Empty"), _("Start from scratch.")),
    "home": (_("Home"), _("A hero section, your newest products, a quote.")),
    "collection": (_("Collection"), _("Products of a category, and questions.")),
    "about": (_("About us"), _("A photo of you, a gallery, a quote.")),
    "contact": (_("Contact"), _("Contact details, a map, questions.")),
    "landing": (_("Campaign"), _("A single message, with a video.")),
}
"""Templates of a new page: the name of each, and what is in it."""

FIELDS: Mapping[str, LazyString] = {
    "title": _("Title"),
    "slug": _("Address"),
    "locale": _("Language"),
    "themed": _("Design"),
    "translation_of": _("Translation of"),
    "seo.title": _("Title for search engines"),
    "seo.description": _("Description for search engines"),
}
"""The labels of the fields of a page."""

SAID: Mapping[str, LazyString] = {
    "created": _("Page created."),
    "saved": _("Saved."),
    "publish": _("Page published."),
    "unpublish": _("The page is a draft again."),
    "schedule": _("Publishing scheduled. The page will be published as it is at that time."),
    "unschedule": _("The page will no longer be published automatically."),
    "removed": _("Page deleted."),
}
"""Messages by the code in `?said=`."""

EDITOR_TEXTS: Mapping[str, LazyString] = {
    # Canvas and blocks
    "canvas": _("The page as it will be"),
    "kind_wrapper": _("Page"),
    "kind_heading": _("Heading"),
    "kind_text": _("Text"),
    "kind_picture": _("Image"),
    "kind_image": _("Image"),
    "kind_gallery": _("Gallery"),
    "kind_card": _("Product"),
    "kind_columns": _("Columns"),
    "kind_column": _("Column"),
    "kind_section": _("Section"),
    "kind_button": _("Button"),
    "kind_link": _("Link"),
    "kind_box": _("Box"),
    "kind_hero": _("Hero"),
    "kind_media": _("Text with image"),
    "kind_products": _("Products"),
    "kind_collection": _("Collection"),
    "kind_quote": _("Quote"),
    "kind_questions": _("Questions"),
    "kind_call": _("Call to action"),
    "kind_map": _("Map"),
    "kind_video": _("Video"),
    "kind_spacer": _("Spacer"),
    "kind_missing": _("Image placeholder"),
    "empty_canvas": _("The page is empty. Choose something under “Add”, or drag it here."),
    "fill_place": _("Choose an image"),
    "add_product": _("Add a product"),
    "category": _("Category"),
    "all_products": _("All products"),
    "dropped": _("One moment…"),
    "added": _("{name}: added."),
    # The selected element
    "nothing_selected": _("Click an element on the page, or choose it in the list below."),
    "act_up": _("Up"),
    "act_down": _("Down"),
    "act_outer": _("Select parent"),
    "act_copy": _("Copy"),
    "act_remove": _("Delete"),
    "removed_block": _("Deleted. Use Undo to restore it."),
    "change_picture": _("Change image"),
    "change_gallery": _("Change images"),
    "edit_text": _("Write"),
    "alt": _("Alt text for this page (optional)"),
    "href": _("Link"),
    "heading_level": _("Level"),
    "level": _("Level {level}"),
    # Style
    "as_is": _("Default"),
    "looks_text": _("Typography"),
    "looks_background": _("Background"),
    "looks_room": _("Spacing"),
    "looks_size": _("Size"),
    "looks_edge": _("Border"),
    "look_color": _("Colour"),
    "look_font-size": _("Font size"),
    "look_font-weight": _("Weight"),
    "look_line-height": _("Line height"),
    "look_text-align": _("Alignment"),
    "look_background-color": _("Background colour"),
    "look_padding": _("Padding"),
    "look_margin": _("Margin"),
    "look_width": _("Width"),
    "look_max-width": _("Max width"),
    "look_height": _("Height"),
    "look_min-height": _("Min height"),
    "look_border": _("Style"),
    "look_border-radius": _("Corner radius"),
    "own": _("Custom…"),
    "own_value": _("{name}: custom value"),
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
    "lines_usual": _("Normal"),
    "lines_wide": _("Loose"),
    "line_thin": _("Thin line"),
    "line_thick": _("Thick line"),
    "palette_accent": _("Site accent"),
    "palette_on-accent": _("On accent"),
    "palette_ink": _("Text"),
    "palette_faint": _("Muted text"),
    "palette_paper": _("Page background"),
    "palette_sunken": _("Tinted background"),
    "weight_400": _("Normal"),
    "weight_600": _("Semibold"),
    "weight_700": _("Bold"),
    "align_left": _("Left"),
    "align_center": _("Centred"),
    "align_right": _("Right"),
    "align_justify": _("Justify"),
    "choose_background": _("Background image"),
    "no_background": _("No background image"),
    # Saving and publishing
    "state_saved": _("Saved"),
    "state_waiting": _("Unsaved changes"),
    "state_saving": _("Saving…"),
    "state_retrying": _("Not saved: no connection. Retrying automatically."),
    "state_signed_out": _("Not saved: your session has ended. Sign in in another tab."),
    "state_refused": _("Not saved."),
    "state_conflict": _("Not saved: someone else saved this page."),
    "flagged": _("Visitors will not see the content at these addresses: {addresses}"),
    "no_connection": _("No connection. Try again in a moment."),
    "not_done": _("That did not work. Try again in a moment."),
    "not_published": _("Not published: the page is not saved."),
    "published": _("Published."),
    "unpublished": _("It is a draft again."),
    "goes_online": _("Publishes {moment}"),
    "scheduled": _("Publishing scheduled. The page will be published as it is at that time."),
    "unscheduled": _("The page will no longer be published automatically."),
    "preview_ends": _("Anyone with this link can see the draft until {moment}."),
    "copied": _("Copied"),
    "saved_at": _("They saved on {moment}."),
    "no_difference": _("Only the page settings are different."),
    "took_theirs": _("Showing their version."),
    "kept_mine": _("Your version was saved."),
    "restore": _("Restore"),
    "restored": _("Restored. The previous content is in the history."),
    # The picker
    "every_folder": _("All folders"),
    "no_folder": _("No folder"),
    "found": _("{count} found"),
    "found_many": _("More than {count} found"),
    "chosen_one": _("{count} image selected"),
    "chosen_many": _("{count} images selected"),
    "point_at": _("{x} % from the left, {y} % from the top"),
    "progress_of": _("Upload of {name}"),
    "retry": _("Try again"),
    "dismiss": _("Dismiss"),
    "upload_waiting": _("Queued"),
    "upload_sending": _("Uploading: {percent} %"),
    "upload_stored": _("Uploaded"),
    "upload_pausing": _("Connection lost, or the server is busy. Resuming automatically."),
    "upload_broken": _("Upload failed. Try again: it will not be added twice."),
    "upload_too_large": _("It is {size}; the maximum is {most}."),
    "upload_empty": _("The file is empty (0 bytes)."),
    "upload_not_a_picture": _("This is not a supported image."),
    "upload_not_taken": _("It was rejected."),
}
"""Texts of the editor's modules; `text()` fills in `{facts}`."""


def editor_texts() -> dict[str, str]:
    """Return the texts of the modules, in the language of the request."""
    statuses = {f"status_{status}": said for status, said in STATUSES.items()}
    remarks = {f"remark_{kind}": said for kind, said in REMARKS.items()}
    return {name: str(said) for name, said in {**EDITOR_TEXTS, **statuses, **remarks}.items()}
