"""What `/api/ops/alerts/receivers` takes."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

LONGEST_TEXT = 2048
MOST_KEYS = 200

Key = Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT, description="Of a receiver.")]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class LevelsBody(_Body):
    """Which levels each receiver is told; those that are left out stay as they are."""

    levels: Annotated[
        dict[Key, list[Literal["notice", "warning", "critical"]]],
        Field(max_length=MOST_KEYS, description="By the `key` of a receiver; none: not told."),
    ]


class TestBody(_Body):
    """Whom to send a test."""

    key: Key


class PersonBody(_Body):
    """Who is to be written to."""

    email: Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT)]


class WebhookBody(_Body):
    """Where a site's alerts are posted to."""

    url: Annotated[
        str,
        Field(
            min_length=1,
            max_length=LONGEST_TEXT,
            description="`https`, on the public Internet.",
            examples=["https://hooks.example/alerts"],
        ),
    ]
