"""Request bodies of `/api/ops/moves`."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from avenue.export.models import Part
from avenue.migration.models import Kind

LONGEST_ADDRESS = 4096
LONGEST_MAP = 1024 * 1024
MOST_HOSTS = 20

Hosts = Annotated[
    list[Annotated[str, Field(max_length=253)]],
    Field(max_length=MOST_HOSTS, description="Names of the old application, besides local ones."),
]
DryRun = Annotated[bool, Field(description="Only tell what would be done.")]
Place = Annotated[str, Field(min_length=1, max_length=LONGEST_ADDRESS)]


class AdoptBody(BaseModel):
    """An earlier application's database."""

    model_config = ConfigDict(extra="forbid", strict=True)

    uri: Annotated[
        str, Field(min_length=1, max_length=LONGEST_ADDRESS, examples=["mongodb://db/old"])
    ]
    map: Annotated[str, Field(max_length=LONGEST_MAP, description="The text of a map file.")] = ""
    files: Annotated[
        str, Field(max_length=LONGEST_ADDRESS, description="The old folder, below AVENUE_MOVE_DIR.")
    ] = ""
    hosts: Hosts = []
    dry_run: DryRun = False
    follow: Annotated[bool, Field(description="Go on until it is cancelled.")] = False


class ImportBody(BaseModel):
    """The content of another service, a list, a folder or a ZIP."""

    model_config = ConfigDict(extra="forbid", strict=True)

    place: Annotated[
        str,
        Field(
            min_length=1,
            max_length=LONGEST_ADDRESS,
            description="As `import --from` takes it; a path is one below AVENUE_MOVE_DIR.",
            examples=["s3://bucket/prefix"],
        ),
    ]
    kind: Annotated[
        Kind | None,
        Field(
            strict=False,
            description="What the files become; null: it is what `export` has written.",
        ),
    ] = None
    prefix: Annotated[str, Field(max_length=200)] = "/uploads"
    hosts: Hosts = []
    public: bool = False
    dry_run: DryRun = False


class ExportBody(BaseModel):
    """The target of an export."""

    model_config = ConfigDict(extra="forbid", strict=True)

    target: Annotated[Place, Field(description="s3://bucket/prefix, or below AVENUE_MOVE_DIR.")]
    parts: Annotated[list[Annotated[Part, Field(strict=False)]], Field(max_length=4)] = []
    private: bool = False
    dry_run: DryRun = False


class StartBody(BaseModel):
    """How a move is started after a dry run."""

    model_config = ConfigDict(extra="forbid", strict=True)

    follow: Annotated[bool, Field(description="Go on until it is cancelled (adopt only).")] = False
