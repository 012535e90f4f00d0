"""Texts of the import pages: names of states, columns and errors, and advice."""

from collections.abc import Mapping, Sequence

from flask_babel import LazyString

from avenue.errors import AvenueError
from avenue.jobs.models import State as JobState
from avenue.shop.importing.models import Outcome, Refusal, Reversal, State
from avenue.web.language import gettext, lazy_gettext as _

OUTCOMES: Mapping[str, tuple[str, LazyString]] = {
    Outcome.CREATED: ("good", _("New product")),
    Outcome.UPDATED: ("good", _("Modified")),
    Outcome.UNCHANGED: ("", _("No change")),
    Outcome.REFUSED: ("bad", _("Error")),
}
"""The outcomes of a row: style and name."""

COUNTED: Mapping[str, LazyString] = {
    Outcome.CREATED: _("New"),
    Outcome.UPDATED: _("Changed"),
    Outcome.UNCHANGED: _("Unchanged"),
    Outcome.REFUSED: _("With errors"),
    Reversal.DELETED: _("Products deleted"),
    Reversal.RESTORED: _("Products restored"),
    Reversal.KEPT: _("Kept as they are"),
    Reversal.GONE: _("Already deleted"),
}
"""Outcomes with a count."""

REVERSALS: Mapping[str, tuple[str, LazyString]] = {
    Reversal.DELETED: ("good", _("Deleted")),
    Reversal.RESTORED: ("good", _("Restored")),
    Reversal.KEPT: ("warn", _("Kept as it is")),
    Reversal.GONE: ("", _("Was already deleted")),
}

STATES: Mapping[str, tuple[str, LazyString]] = {
    State.QUEUED: ("", _("Queued")),
    State.RUNNING: ("", _("Processing")),
    State.DONE: ("good", _("Finished")),
    State.FAILED: ("bad", _("Stopped")),
    State.UNDOING: ("", _("Undoing")),
    State.UNDONE: ("warn", _("Undone")),
}

IMAGES_STATES: Mapping[JobState, tuple[str, LazyString]] = {
    JobState.QUEUED: ("", _("Queued")),
    JobState.RUNNING: ("", _("Processing")),
    JobState.PAUSED: ("warn", _("Paused")),
    JobState.DONE: ("good", _("Finished")),
    JobState.FAILED: ("bad", _("Stopped")),
    JobState.CANCELLED: ("warn", _("Cancelled")),
}

ALL_WRONG = ("bad", _("All rows have errors"))
"""The state of a finished import without a single accepted row."""

FIELDS: Mapping[str, LazyString] = {
    "sku": _("SKU"),
    "name": _("Name"),
    "description": _("Description"),
    "price": _("Price"),
    "currency": _("Currency"),
    "status": _("Status"),
    "group": _("Group"),
    "category": _("Category"),
    "attributes": _("Attributes"),
    "image_urls": _("Pictures"),
}

COLUMNS_SAID = _("Saved. Upload the file again to use these names.")

COLUMNS: Sequence[tuple[str, str, LazyString]] = (
    ("sku, código", "ZR-01", _("Identifies the product. The only required column.")),
    ("nombre, name", "Zapato Luna", _("Required for new products.")),
    (
        "precio, price",
        "150.000",
        _("As you enter it in a product, with or without the currency symbol: Gs. 150.000."),
    ),
    ("moneda, currency", "PYG", _("Three letters; new products use PYG by default.")),
    ("estado, status", "publicado", _("Draft or published; a new product is a draft.")),
    ("grupo, group", "Luna", _("The model. A model that does not exist yet creates a new group.")),
    (
        "categoría, category",
        "Calzado > Botas",
        _(
            "The names from general to specific, separated by >. It appears in the store "
            "automatically."
        ),
    ),
    (
        "características, attributes",
        "Color: Rojo | Talle: 38, 39",
        _("Used to filter products. A new cell replaces all of them."),
    ),
    ("descripción, description", "Cuero, suela de goma", _("Any length.")),
    (
        "imágenes, image_urls",
        "https://…/1.jpg",
        _("URLs separated by spaces; only for products without photos."),
    ),
)
"""Names of a column, allowed values, and its purpose."""

SAMPLE_COLUMNS: Mapping[str, Sequence[str]] = {
    "es": ("sku", "nombre", "precio", "moneda", "estado", "grupo", "categoría", "descripción"),
    "en": ("sku", "name", "price", "currency", "status", "group", "category", "description"),
}
SAMPLE_ROWS: Mapping[str, Sequence[Sequence[str]]] = {
    "es": (
        (
            "ZR-01",
            "Zapato Luna rojo",
            "150000",
            "PYG",
            "publicado",
            "Luna",
            "Calzado > Zapatos",
            "Cuero",
        ),
        (
            "ZR-02",
            "Zapato Luna azul",
            "150000",
            "PYG",
            "borrador",
            "Luna",
            "Calzado > Zapatos",
            "Cuero",
        ),
        ("CT-10", "Cartera Sol", "320000", "PYG", "publicado", "", "Carteras", "Con bolsillo"),
    ),
    "en": (
        ("ZR-01", "Luna shoe, red", "150000", "PYG", "published", "Luna", "Shoes", "Leather"),
        ("ZR-02", "Luna shoe, blue", "150000", "PYG", "draft", "Luna", "Shoes", "Leather"),
        ("CT-10", "Sol handbag", "320000", "PYG", "published", "", "Bags", "With a pocket"),
    ),
}

PROBLEMS: Mapping[str, LazyString] = {
    "unreadable_table": _(
        "The file cannot be read as a table. Save it as CSV (UTF-8) with a line of column names."
    ),
    "no_sku_column": _("No column identifies the product. Name one column sku."),
    "bad_columns": _("Name each column only once. You can save up to 50."),
    "too_many_rows": _("The table has too many rows. Send it in several parts."),
    "file_too_large": _("The file is too large. Send it in several parts."),
    "no_file": _("Choose a file first."),
    "body_cut_off": _("The connection was lost. Upload the file again."),
    "one_file_only": _("Choose one file only."),
    "not_the_last_import": _("Only the last import that changed something can be undone."),
    "import_unfinished": _("The import is still running. Wait until it finishes."),
    "not_a_finished_dry_run": _("Only a finished preview (dry run) can be applied."),
}

OF_A_CELL: Mapping[str, LazyString] = {
    "sku": _("Enter a SKU of up to 64 characters."),
    "name": _("Enter a name of up to 200 characters; new products need one."),
    "price": _(
        "Enter the price with digits only, like 150000; cents only if the currency has them."
    ),
    "currency": _("Enter the three-letter currency code, like PYG."),
    "status": _("Enter draft or published."),
    "category": _("Enter the names from general to specific, separated by >, like Shoes > Boots."),
    "attributes": _("Enter attributes like Color: Red | Size: 38, 39."),
    "group": _("Enter the model of the group with up to 200 characters."),
    "description": _("Enter up to 20,000 characters."),
    "image_urls": _("Enter full URLs, like https://…, separated by spaces."),
}
OF_A_ROW: Mapping[str, LazyString] = {
    "duplicate_sku": _("An earlier row has the same SKU. Keep one row per SKU."),
    "sku_taken": _("This SKU belongs to someone else's product. Use another one."),
    "too_many_images": _("These are more photos than a product can have. Use fewer."),
    "own_url": _("This photo is already stored here. Upload its file to this product instead."),
    "too_many_product_categories": _(
        "There are too many different categories. Use an existing one."
    ),
    "group_not_found": _("There is no such group. Enter its model, or leave the cell empty."),
    "bad_cell": _("The row cannot be read. Check that it has as many cells as the first line."),
}

PROGRESS_TEXTS: Mapping[str, LazyString] = {
    "progress": _("{done} of {total} rows"),
    "images": _("{done} of {total} photos"),
    "finished": _("Finished."),
    "lost": _("No connection. Retrying…"),
}
FILE_TEXTS: Mapping[str, LazyString] = {"chosen": _("{name} ({size} kB)")}


def of_error(error: AvenueError) -> str:
    """Return why a file was refused and what to do about it."""
    known = PROBLEMS.get(error.code)
    return " ".join(error.said(gettext)) if known is None else str(known)


def of_row(refusal: Refusal) -> Mapping[str, str]:
    """Return what is wrong with a row: the `field`, what to `do`, and the exact `message`."""
    field = FIELDS.get(refusal.field or "")
    advice = OF_A_CELL.get(refusal.field or "") if refusal.code == "bad_cell" else None
    advice = advice or OF_A_ROW.get(refusal.code)
    return {
        "field": str(field) if field else "",
        "do": str(advice) if advice else refusal.said(gettext),
        "message": refusal.said(gettext) if advice else "",
    }
