"""A repository in a bucket of S3, or of a compatible service.

boto3 is an extra (requirements-s3.txt), imported when it is needed. Errors are identified by HTTP
status and code, as some servers omit the code; an ETag is not used as a hash.
"""

import base64
import contextlib
import hashlib
import io
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

from avenue.backup.errors import (
    S3NotInstalled,
    TargetFull,
    TargetRefuses,
    TargetUnreachable,
)
from avenue.backup.targets import Missing, Stored
from avenue.errors import AvenueError

IN_MEMORY_BYTES = 8 * 1024 * 1024
LARGE_BYTES = 64 * 1024 * 1024
"""Larger objects are sent in parts of so many bytes."""
READ_BYTES = 256 * 1024
CONNECT_SECONDS = 10
READ_SECONDS = 60
TRIES = 5
REFUSED = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
FULL_CODES = {"QuotaExceeded", "XMinioStorageFull", "StorageFull", "InsufficientStorage"}


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Access:
    """The credentials of a bucket. boto3 finds empty ones as usual: environment, files, roles."""

    endpoint: str = ""
    region: str = ""
    key: str = ""
    secret: str = ""
    tmp_dir: Path = Path()


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """An object: its name, its version (ETag), its size in bytes."""

    name: str
    etag: str
    size: int


class S3Draft:
    """Bytes that are sent once all of them are written."""

    def __init__(self, target: "S3Target", spool: IO[bytes]) -> None:
        self._target = target
        self._spool = spool
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._size = 0

    def write(self, data: bytes, /) -> int:
        """Add bytes."""
        self._md5.update(data)
        self._size += len(data)
        return self._spool.write(data)

    def keep(self, name: str) -> None:
        """Send it as `name`, replacing an existing object."""
        self._spool.seek(0)
        self._target.send(name, self._spool, self._size, self._md5.digest())
        self._spool.close()


class _Body(io.RawIOBase):
    """The bytes of an object as a stream."""

    def __init__(self, target: "S3Target", body: Any) -> None:
        self._target = target
        self._body = body

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        with self._target.explained():
            data = self._body.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._body.close()
        super().close()


class S3Target:
    """See `Target`. `prefix` is empty or ends with a slash."""

    def __init__(self, bucket: str, prefix: str, access: S3Access) -> None:
        try:
            import boto3
            from botocore.config import Config
            from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
        except ImportError as error:
            raise S3NotInstalled from error
        self._refusal: type[Exception] = ClientError
        self._trouble: type[Exception] = BotoCoreError
        self._no_credentials: type[Exception] = NoCredentialsError
        self._bucket = bucket
        self._prefix = prefix
        self._tmp_dir = access.tmp_dir
        with self.explained():
            self._client = boto3.client(
                "s3",
                endpoint_url=access.endpoint or None,
                region_name=access.region or ("us-east-1" if access.endpoint else None),
                aws_access_key_id=access.key or None,
                aws_secret_access_key=access.secret or None,
                config=Config(
                    connect_timeout=CONNECT_SECONDS,
                    read_timeout=READ_SECONDS,
                    retries={"mode": "standard", "max_attempts": TRIES},
                    s3={"addressing_style": "path" if access.endpoint else "auto"},
                    # Servers other than Amazon's do not know the checksums that boto3 would add.
                    request_checksum_calculation="when_required",
                    response_checksum_validation="when_required",
                ),
            )

    @property
    def address(self) -> str:
        """Its name for people."""
        return f"s3://{self._bucket}/{self._prefix}".rstrip("/")

    def prepare(self) -> None:
        """Check that the bucket exists; it is not created."""
        next(iter(self.list("")), None)

    @contextlib.contextmanager
    def drafts(self) -> Iterator[Callable[[], S3Draft]]:
        """Give a function that starts an object; unless it is kept, nothing is sent."""
        with self.explained(), contextlib.ExitStack() as spools:

            def begin() -> S3Draft:
                spool = tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES, dir=str(self._tmp_dir))  # noqa: SIM115
                return S3Draft(self, cast(IO[bytes], spools.enter_context(spool)))

            yield begin

    def send(self, name: str, spool: IO[bytes], size: int, md5: bytes) -> None:
        """Send an object; large ones in parts, which become visible together at the end."""
        with self.explained():
            if size < LARGE_BYTES:
                self._client.put_object(
                    Bucket=self._bucket,
                    Key=self._prefix + name,
                    Body=spool,
                    ContentLength=size,
                    ContentMD5=base64.b64encode(md5).decode(),
                )
                return
            from boto3.s3.transfer import TransferConfig

            parts = TransferConfig(
                multipart_threshold=LARGE_BYTES, multipart_chunksize=LARGE_BYTES, use_threads=False
            )
            self._client.upload_fileobj(spool, self._bucket, self._prefix + name, Config=parts)

    def settle(self) -> None:
        """Do nothing: every answered request is durable."""

    def open(self, name: str) -> BinaryIO:
        """Return the bytes of an object as a stream; raise `Missing`."""
        with self.explained():
            found = self._client.get_object(Bucket=self._bucket, Key=self._prefix + name)
        return cast(BinaryIO, io.BufferedReader(_Body(self, found["Body"]), READ_BYTES))

    def size(self, name: str) -> int | None:
        """Return the size of an object in bytes, None if it does not exist."""
        try:
            with self.explained():
                found = self._client.head_object(Bucket=self._bucket, Key=self._prefix + name)
        except Missing:
            return None
        return int(found["ContentLength"])

    def list(self, prefix: str) -> Iterator[Stored]:
        """Yield the objects whose names begin with `prefix`, by name."""
        pages = self._client.get_paginator("list_objects_v2")
        with self.explained():
            for page in pages.paginate(Bucket=self._bucket, Prefix=self._prefix + prefix):
                for each in page.get("Contents", ()):
                    yield Stored(each["Key"].removeprefix(self._prefix), int(each["Size"]))

    def page(self, prefix: str, last_name: str) -> Sequence[Named]:
        """Return some objects whose names begin with `prefix` and come after `last_name`."""
        with self.explained():
            found = self._client.list_objects_v2(
                Bucket=self._bucket,
                Prefix=self._prefix + prefix,
                **({"StartAfter": self._prefix + last_name} if last_name else {}),
            )
        return [
            Named(
                name=each["Key"].removeprefix(self._prefix),
                etag=str(each.get("ETag") or each.get("LastModified") or ""),
                size=int(each["Size"]),
            )
            for each in found.get("Contents", ())
        ]

    def delete(self, name: str) -> None:
        """Delete an object; a missing one is no error."""
        with contextlib.suppress(Missing), self.explained():
            self._client.delete_object(Bucket=self._bucket, Key=self._prefix + name)

    @contextlib.contextmanager
    def explained(self) -> Iterator[None]:
        """Convert errors of boto3 into ours, or `Missing`."""
        try:
            yield
        except self._refusal as error:
            raise self._meaning(cast(Any, error).response) from error
        except self._no_credentials as error:
            raise TargetRefuses(target=self.address, why="there are no credentials") from error
        except self._trouble as error:
            why = f"boto3 says {type(error).__name__}"
            raise TargetUnreachable(target=self.address, why=why) from error

    def _meaning(self, response: Any) -> AvenueError | Missing:
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        code = str(response.get("Error", {}).get("Code") or status)
        if code == "NoSuchBucket":
            return TargetUnreachable(target=self.address, why="there is no such bucket")
        if status == HTTPStatus.NOT_FOUND:
            return Missing()
        if status in REFUSED:
            return TargetRefuses(target=self.address, why=f"it answers {code}")
        if status == HTTPStatus.INSUFFICIENT_STORAGE or code in FULL_CODES:
            return TargetFull(target=self.address)
        return TargetUnreachable(target=self.address, why=f"it answers {code}")
