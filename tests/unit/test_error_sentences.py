"""Errors and wrong fields are told in sentences that can be translated, facts and all."""

from typing import Annotated

import pytest
from pydantic import BaseModel, Field, StringConstraints, ValidationError
from pydantic_core._pydantic_core import list_all_errors

from avenue.errors import PLACE, AvenueError, Conflict, TooManyRequests, filled, words_of
from avenue.field_problems import SENTENCES, problems_of
from avenue.media.errors import UnsupportedMediaType
from avenue.shop.errors import TooManyImages
from tests.catalogues import error_kinds, room_of, spanish_of
from tests.table import table

SPANISH = {
    "The limit is {limit} photos.": "El máximo es de {limit} fotos.",
    "{several} or {last}": "{several} o {last}",
}


def to_spanish(text: str) -> str:
    return SPANISH.get(text, text)


def test_facts_come_into_the_sentence_after_it_was_translated() -> None:
    error = TooManyImages(limit=5)
    assert error.message == str(error) == "The limit is 5 photos."
    assert error.said(to_spanish)[0] == "El máximo es de 5 fotos."
    assert error.facts == {"limit": 5}


def test_a_list_is_told_as_people_tell_one() -> None:
    for names, said in (
        (["JPEG", "PNG", "WebP"], "JPEG, PNG o WebP"),
        (["JPEG", "PNG"], "JPEG o PNG"),
        (["JPEG"], "JPEG"),
        ([], ""),
    ):
        assert filled("{names}", {"names": names}, to_spanish) == said


def test_words_are_no_facts() -> None:
    error = UnsupportedMediaType(
        detected="image/heic", label="HEIC", allowed=["image/png"], labels=["PNG"]
    )
    assert error.facts == {"detected": "image/heic", "allowed": ["image/png"]}
    assert "HEIC" in error.message
    assert error.hint == "Save it as PNG and upload that file."


def test_what_somebody_wrote_is_never_a_template() -> None:
    words = {"sku": "{hint} {sku.__class__} %(x)s %", "hint": "secret"}
    assert filled("The SKU {sku}.", words) == "The SKU {hint} {sku.__class__} %(x)s %."
    assert filled("{unknown} {sku.real}", words) == "{unknown} {sku.real}"


def test_only_what_a_sentence_needs_is_stored_with_it() -> None:
    words = {"limit": 5, "labels": ["a"], "error": ValueError("x"), "name": "n"}
    assert words_of("{limit} {labels} {error}", words) == {
        "limit": 5,
        "labels": ["a"],
        "error": "x",
    }


def test_words_of_an_error_that_says_when_to_come_back() -> None:
    error = TooManyRequests("More than {limit}.", retry_after_seconds=3, words={"limit": 9})
    assert (error.message, error.facts) == ("More than 9.", {"retry_after_seconds": 3})


@table("kind", error_kinds())
def test_every_error_has_its_spanish_in_the_room_that_defines_it(kind: type[AvenueError]) -> None:
    from avenue.web.language import PACKAGES

    spanish = spanish_of(PACKAGES / room_of(kind))
    for text in filter(None, (vars(kind).get("message"), vars(kind).get("hint"))):
        found = spanish.get(text)
        assert found is not None, text
        assert found.string, text
        assert set(PLACE.findall(found.string)) == set(PLACE.findall(text))


def test_a_planted_error_would_be_noticed() -> None:
    class Planted(Conflict):
        """Only here."""

        message = "Nobody has translated this."

    spanish = spanish_of_web()
    assert spanish.get(Planted.message) is None
    assert Planted not in error_kinds()  # of tests


def spanish_of_web():
    from avenue.web.language import PACKAGES

    return spanish_of(PACKAGES / "web")


def test_the_sentences_name_only_facts_that_pydantic_gives() -> None:
    known = {each["type"]: each for each in list_all_errors()}
    assert SENTENCES.keys() <= known.keys()
    for kind, text in SENTENCES.items():
        facts = set(known[kind].get("example_context") or {})
        assert set(PLACE.findall(text)) <= facts, kind


class Shoe(BaseModel):
    model_config = {"strict": True, "extra": "forbid"}

    name: Annotated[str, StringConstraints(min_length=1, max_length=3)]
    size: Annotated[int, Field(ge=30)] = 40
    colours: Annotated[list[str], Field(max_length=1)] = []


def test_wrong_fields_are_named_with_what_to_do() -> None:
    with pytest.raises(ValidationError) as refused:
        Shoe.model_validate({"name": "hunter2", "size": 3, "colours": [1, "b"], "x": 1})
    told = [(field, filled(text, words)) for field, text, words in problems_of(refused.value)]
    assert told == [
        ("name", "Enter at most 3 characters."),
        ("size", "Enter a number of at least 30."),
        ("colours", "Provide at most 1."),
        ("x", "This field does not exist."),
    ]
    assert "hunter2" not in str(problems_of(refused.value))


def test_an_empty_text_is_told_to_be_empty() -> None:
    with pytest.raises(ValidationError) as refused:
        Shoe(name="")
    assert problems_of(refused.value) == [("name", "This cannot be empty.", {})]


def test_sentences_end_as_sentences_do() -> None:
    assert all(text.endswith(".") for text in SENTENCES.values())
