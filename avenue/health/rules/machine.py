"""Rules for this machine: its disks, its secrets, its proxies, its packages."""

import math
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from importlib import metadata
from itertools import islice
from pathlib import Path
from urllib.parse import urlsplit

from avenue.config import LEAST_SECRET_LENGTH, WEAK_WORDS, Settings, has_pattern
from avenue.health.facts.pictures import PICTURES
from avenue.health.models import Finding, Level
from avenue.health.rules.known import PACKAGES, version_in
from avenue.health.thresholds import LEAST_SECRET_BITS
from avenue.media.errors import BrokenImage, NoDecoder
from avenue.media.intake.policy import image_limits
from avenue.media.intake.sniffing import PNG, MediaType
from avenue.media.leftovers import LEFT_FOLDERS, files_left
from avenue.media.pictures.decoding import DecodePool
from avenue.media.pictures.facts import Wanted
from avenue.media.pictures.variants import FORMATS
from avenue.networks import is_private_host
from avenue.storage.status import LOOPBACK

MB = 1024 * 1024
MOST_FILES_COUNTED = 1000
NETWORK_DISKS = ("nfs", "nfs4", "cifs", "smb3", "ceph", "glusterfs", "9p", "fuse.sshfs")
IN_MEMORY = ("tmpfs", "ramfs")
MOUNTS = Path("/proc/self/mounts")
PUBLISHED_SECRETS = (
    # From the documentation of Flask and FastAPI, copied ever since.
    "192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf",
    "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
)
PLATFORM_HOPS = {
    "RENDER": ("Render", 2),
    "KOYEB_APP_NAME": ("Koyeb", 1),
    "KUBERNETES_SERVICE_HOST": ("Kubernetes", 1),
}
"""By a variable each platform sets: its name, and its number of proxies in front of a service."""
AS_REQUIRED = (
    "Install what requirements.txt names: `pip install --require-hashes -r requirements.txt`."
)
ANOTHER_KEY = (
    'Generate one with `python -c "import secrets; print(secrets.token_urlsafe(48))"`. After the '
    "change everybody has to sign in again, and signed links no longer work."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """The machine: settings and problems with them, the environment, the folder.

    `environ` has the names of variables only.
    """

    settings: Settings
    problems: tuple[str, ...] = ()
    environ: frozenset[str] = frozenset()
    folder: Path = field(default_factory=Path)


def settings(machine: Machine) -> Iterator[Finding]:
    """Yield what is wrong with the settings themselves."""
    for each in machine.problems:
        place, _, _ = each.partition(" ")
        yield Finding(
            level=Level.WARNING, place=place, says=f"{each}.", cure="See docs/settings.md."
        )


def local_disk(machine: Machine) -> Iterator[Finding]:
    """Yield data on a disk that the next deployment deletes."""
    for folder in LEFT_FOLDERS:
        found = [*islice(files_left([folder], below=machine.folder), MOST_FILES_COUNTED)]
        if found:
            more = len(found) - 1
            count = f" and {more} more" if more else ""
            yield Finding(
                level=Level.WARNING,
                place=f"{folder}/",
                says=f"{found[0].relative_to(machine.folder)}{count} are on this machine's disk; "
                "the next deployment deletes them.",
                cure="Find what still writes there, then import them: "
                f"`python -m avenue import {folder} --as products` (or media, uploads).",
            )
    yield from _spool(machine.settings)
    yield from _local_database(machine)


def secret(machine: Machine) -> Iterator[Finding]:
    """Yield secrets that could be guessed, or read where they should not be."""
    own = machine.settings
    key = own.secret_key
    is_told = any(each.startswith("SECRET_KEY ") for each in machine.problems)
    if key and not is_told and is_weak(key):
        yield Finding(
            level=Level.WARNING, place="SECRET_KEY", says="It can be guessed.", cure=ANOTHER_KEY
        )
    if key and key == own.purge_secret:
        yield Finding(
            level=Level.NOTICE,
            place="AVENUE_PURGE_SECRET",
            says="It is the same as SECRET_KEY, so the receiver of purges could sign sessions.",
            cure="Give it another value.",
        )
    if own.admin_password and not own.local:
        yield Finding(
            level=Level.NOTICE,
            place="AVENUE_ADMIN_PASSWORD",
            says="It is still set; only the first start needs it.",
            cure="Take it out of the environment.",
        )
    if _is_open_database(own.mongodb_uri):
        yield Finding(
            level=Level.WARNING,
            place="MONGODB_URI",
            says="It names no user, so anyone who can connect can read and change everything.",
            cure="Switch authorization on in MongoDB and put user and password into the URI.",
        )


def is_weak(key: str) -> bool:
    """Return whether a secret is short, published, repetitive, or made of words."""
    if len(key) < LEAST_SECRET_LENGTH or key in PUBLISHED_SECRETS:
        return True
    has_words = any(word in key.lower() for word in (*WEAK_WORDS, "insecure", "avenue"))
    return has_pattern(key) or has_words or bits_of(key) < LEAST_SECRET_BITS


def bits_of(key: str) -> float:
    """Return the most bits a secret can have, by how often it uses each character."""
    counts = Counter(key)
    return -sum(count * math.log2(count / len(key)) for count in counts.values())


def proxies(machine: Machine) -> Iterator[Finding]:
    """Yield the differences between the setting and the detected proxies in front."""
    hops, place = machine.settings.proxy_hops, "AVENUE_PROXY_HOPS"
    base = urlsplit(machine.settings.base_url)
    for variable, (platform, known) in PLATFORM_HOPS.items():
        if variable in machine.environ and hops != known:
            yield Finding(
                level=Level.NOTICE if hops else Level.WARNING,
                place=place,
                says=f"It is {hops}; the number of proxies in front of a service at {platform} is "
                f"{known}.",
                cure=f"Set it to {known}, unless you have added proxies.",
            )
            return
    if base.scheme == "https" and not hops:
        yield Finding(
            level=Level.WARNING,
            place=place,
            says="PUBLIC_BASE_URL is https, so a proxy must be in front; with 0, all visitors seem "
            "to have the proxy's address and share one rate limit.",
            cure="Set it to the number of your proxies.",
        )
    elif hops and is_private_host(base.hostname or ""):
        yield Finding(
            level=Level.NOTICE,
            place=place,
            says=f"It is {hops}, but {base.hostname} is reached without a proxy: clients can "
            "claim any address.",
            cure="Set it to 0 if there is no proxy in front.",
        )


def decoders(machine: Machine) -> Iterator[Finding]:
    """Yield the formats that cannot be read or written here, by trying each."""
    limits = image_limits(machine.settings)
    with closing(DecodePool(1)) as pool:

        def opens(kind: MediaType, *wanted: Wanted) -> bool:
            with tempfile.TemporaryFile() as file:
                file.write(PICTURES[kind])
                file.flush()
                try:
                    pool.examine(file, kind.name, limits, wanted)
                except (BrokenImage, NoDecoder):
                    return False
            return True

        for kind in PICTURES:
            if not opens(kind):
                yield Finding(
                    level=Level.WARNING,
                    place=kind.name,
                    says=f"{kind.label} cannot be decoded here: such uploads are refused.",
                    cure=AS_REQUIRED,
                )
        for form in FORMATS.values():
            if not opens(PNG, Wanted(variant="thumb", extension=form.extension)):
                yield Finding(
                    level=Level.WARNING,
                    place=form.media_type.name,
                    says=f"{form.media_type.label} cannot be encoded here: no size is made in it.",
                    cure=AS_REQUIRED,
                )


def dependencies(_machine: Machine) -> Iterator[Finding]:
    """Yield the installed packages with a vulnerability known when this version was released."""
    for name, fixed in PACKAGES.items():
        installed = _installed(name)
        if installed is not None and version_in(installed) < version_in(fixed.version):
            yield Finding(
                level=Level.WARNING,
                place=f"{name} {installed}",
                says=f"It has the vulnerability {fixed.advisory}, fixed in {fixed.version}.",
                cure=AS_REQUIRED,
            )


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _spool(own: Settings) -> Iterator[Finding]:
    """Yield why request bodies could not be spooled to disk."""
    place = f"AVENUE_TMP_DIR={own.tmp_dir}"
    try:
        with tempfile.TemporaryFile(dir=own.tmp_dir) as file:
            file.write(b"x")
        free_mb = shutil.disk_usage(own.tmp_dir).free // MB
    except OSError as error:
        yield Finding(
            level=Level.WARNING,
            place=place,
            says=f"Nothing can be written there ({error.strerror}): uploads are refused.",
            cure="Set a folder that this process may write to, as the Docker image does.",
        )
        return
    wanted_mb = max(own.max_upload_mb, own.max_archive_mb, own.max_zip_mb, own.max_media_mb)
    if free_mb < wanted_mb:
        yield Finding(
            level=Level.WARNING,
            place=place,
            says=f"{free_mb} MB are free; one request body may have {wanted_mb} MB.",
            cure="Enlarge that disk, or lower AVENUE_MAX_ARCHIVE_MB, AVENUE_MAX_ZIP_MB and "
            "AVENUE_MAX_UPLOAD_MB.",
        )
    kind = disk_of(own.tmp_dir)
    if kind in NETWORK_DISKS:
        yield Finding(
            level=Level.NOTICE,
            place=place,
            says=f"It is on a network disk ({kind}): the temporary file of each upload crosses the "
            "network twice.",
            cure="Set a folder on the machine's own disk, or in memory.",
        )
    if kind in IN_MEMORY and own.disk_cache_mb:
        yield Finding(
            level=Level.NOTICE,
            place=place,
            says=f"It is in memory ({kind}), so there is no disk cache: each process reads each "
            "picture from the database.",
            cure="Set a folder on the machine's own disk, or AVENUE_DISK_CACHE_MB=0 to accept it.",
        )
    if _is_below(own.tmp_dir, own.data_dir):
        yield Finding(
            level=Level.NOTICE,
            place=place,
            says="It is inside AVENUE_DATA_DIR, which is kept.",
            cure="Set a folder whose files may be lost when the process ends.",
        )


def _local_database(machine: Machine) -> Iterator[Finding]:
    own = machine.settings
    place = f"AVENUE_DATA_DIR={own.data_dir}"
    host = urlsplit(own.base_url).hostname or ""
    if own.local:
        if not is_private_host(host):
            yield Finding(
                level=Level.WARNING,
                place=place,
                says=f"{host} is served from a database on this machine's disk (`serve --local`), "
                "and the next deployment or a disk failure loses every picture.",
                cure="Set MONGODB_URI to a replica set of three members; docs/operations.md says "
                "how to move.",
            )
    elif (machine.folder / own.data_dir / "mongo" / "storage.bson").exists():
        yield Finding(
            level=Level.NOTICE,
            place=place,
            says="It has a database of `serve --local`, which is not used here.",
            cure="See what it holds (`python -m avenue doctor --local`); then remove the folder.",
        )


def _is_open_database(uri: str) -> bool:
    """Return whether a database on another machine is accessed without a user."""
    try:
        parts = urlsplit(uri)
        hosts = parts.netloc.rpartition("@")[2].split(",")
        names = [urlsplit(f"//{each}").hostname or "" for each in hosts]
    except ValueError:
        return False
    by_certificate = "authmechanism=" in parts.query.lower()
    is_near = all(each in LOOPBACK for each in names)
    return bool(uri) and not parts.username and not by_certificate and not is_near


def disk_of(folder: Path) -> str:
    """Return the file system type of `folder`, "" if unknown."""
    try:
        rows = [line.split(" ") for line in MOUNTS.read_text().splitlines()]
    except OSError:
        return ""
    mounts = [(place, kind) for _, place, kind, *_ in rows if _is_below(folder, Path(place))]
    return max(mounts, key=lambda each: len(each[0]), default=("", ""))[1]


def _is_below(folder: Path, other: Path) -> bool:
    return folder.resolve().is_relative_to(other.resolve())
