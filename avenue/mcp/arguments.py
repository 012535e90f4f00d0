"""Arguments of the tools. Anything else is rejected with the name of the field."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from avenue.bodies import Body, Id, Name
from avenue.builder.library.bodies import Ids, MediaChanges
from avenue.builder.library.models import NO_FOLDER

LARGEST_PAGE = 100
DEFAULT_PAGE = 20

FolderId = Annotated[Id, Field(description="The id of a folder, from list_folders.")]
MediaId = Annotated[Id, Field(description="The id of a file.")]
Key = Annotated[
    str,
    StringConstraints(pattern=r"^[ -~]{1,255}$"),
    Field(description="Sent again with the same file after a lost answer, it gets that answer."),
]


class Nothing(Body):
    """No arguments."""


class PartOfList(Body):
    """A part of a list."""

    sort: Annotated[
        Literal["newest", "oldest", "name", "-name", "smallest", "largest"],
        Field(description="The order; the newest are those uploaded last."),
    ] = "newest"
    limit: Annotated[int, Field(ge=1, le=LARGEST_PAGE, description="How many.")] = DEFAULT_PAGE
    cursor: (
        Annotated[
            str,
            StringConstraints(pattern=r"^[!-~]{1,1000}$"),
            Field(
                description="`next` of the page before, unchanged, with the same other arguments."
            ),
        ]
        | None
    ) = None


class Listing(PartOfList):
    """A query of library files; all given conditions must hold."""

    folder: (
        Annotated[
            Id | Literal["none"],
            Field(description=f"The id of a folder, or `{NO_FOLDER}`: in no folder."),
        ]
        | None
    ) = None
    tag: Annotated[str, StringConstraints(max_length=200)] | None = None
    type: (
        Annotated[
            str,
            StringConstraints(max_length=100),
            Field(description="A media type, as image/png."),
        ]
        | None
    ) = None
    unused: Annotated[bool, Field(description="Only those that are used nowhere.")] = False
    without_alt: Annotated[
        bool, Field(description="Only those that need an alt text in the site's language.")
    ] = False


class Search(PartOfList):
    """The words to search for."""

    query: Annotated[
        Name,
        Field(description="Beginnings of words of name, alt texts and tags; accents do not matter"),
    ]


class OneMedia(Body):
    """One file."""

    id: MediaId


class _NewMedia(Body):
    folder: FolderId | None = None
    idempotency_key: Key | None = None


class NewFile(_NewMedia):
    """A file as bytes."""

    name: Annotated[
        Name,
        Field(description="What the file is called, as beach.jpg."),
    ]
    data: Annotated[
        str,
        Field(
            description="The bytes of the file in base64. Of large ones send the URL instead.",
            json_schema_extra={"contentEncoding": "base64"},
        ),
    ]


class NewFromUrl(_NewMedia):
    """A file to fetch by its URL."""

    url: Annotated[
        str,
        StringConstraints(min_length=1, max_length=2000),
        Field(description="http or https, at a public address."),
    ]


class Update(MediaChanges):
    """Changes of a file; what is left out stays unchanged."""

    id: MediaId


class Moving(Body):
    """Files, and the folder to move them to."""

    ids: Ids
    folder: Annotated[Id | None, Field(description="The id of a folder; null: into none.")]


class Deletion(Body):
    """Files to move to the trash."""

    ids: Ids
    dry_run: Annotated[
        bool, Field(description="true: only tell what would happen. false: do it.")
    ] = True
