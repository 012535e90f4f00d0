"""Request bodies of `/api/ops/alerts/receivers`."""

from typing import Annotated, Literal

from pydantic import Field

from avenue.bodies import Body

LONGEST_TEXT = 2048
MOST_KEYS = 200

Key = Annotated[
    str, Field(min_length=1, max_length=LONGEST_TEXT, description="The key of a receiver.")
]


class LevelsBody(Body):
    """The levels of receivers; receivers that are left out do not change."""

    levels: Annotated[
        dict[Key, list[Literal["notice", "warning", "critical"]]],
        Field(
            max_length=MOST_KEYS,
            description="By the `key` of a receiver. An empty list: it receives nothing.",
        ),
    ]


class TestBody(Body):
    """The receiver of a test."""

    key: Key


class PersonBody(Body):
    """The email address of a person."""

    email: Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT)]


class WebhookBody(Body):
    """The webhook of a site."""

    url: Annotated[
        str,
        Field(
            min_length=1,
            max_length=LONGEST_TEXT,
            description="`https`, on the public Internet.",
            examples=["https://hooks.example/alerts"],
        ),
    ]
