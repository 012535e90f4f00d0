"""Name the images of the Dockerfile and of compose.yaml by digest; repeatable.

    python deploy/pin_images.py

A tag may lead to another image tomorrow, a digest never. They are asked for with `docker buildx
imagetools inspect`, which downloads no image, and name it for every architecture. The files are
written once all are known. Run again, it takes what the tags lead to by then.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
FILES = ("Dockerfile", "compose.yaml")
IMAGE = re.compile(
    r"^( *image: |ARG BASE=)([\w./-]+:[\w.-]+)(?:@sha256:[0-9a-f]{64})?$", re.MULTILINE
)
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
ASK = ("docker", "buildx", "imagetools", "inspect", "--format", "{{json .Manifest}}")
PATIENCE_SECONDS = 120


def digest_of(image: str) -> str:
    """Return the digest `image`, a name with a tag, leads to. Raise `SystemExit` without one."""
    try:
        asked = subprocess.run(
            [*ASK, image], capture_output=True, text=True, check=True, timeout=PATIENCE_SECONDS
        )
    except subprocess.CalledProcessError as error:
        raise SystemExit(f"{image}: {error.stderr.strip()}. Nothing was changed.") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SystemExit(f"{image}: {error}. Nothing was changed.") from error
    try:
        digest = str(json.loads(asked.stdout)["digest"])
    except (ValueError, LookupError, TypeError):
        digest = ""
    if not DIGEST.fullmatch(digest):
        raise SystemExit(f"{image}: no digest in {asked.stdout[:80]!r}. Nothing was changed.")
    return digest


def main(root: Path) -> None:
    """Pin the images of the files below `root`."""
    texts = {root / name: (root / name).read_text() for name in FILES}
    images = {found[2] for text in texts.values() for found in IMAGE.finditer(text)}
    digests = {image: digest_of(image) for image in sorted(images)}
    for file, text in texts.items():
        file.write_text(IMAGE.sub(lambda found: f"{found[1]}{found[2]}@{digests[found[2]]}", text))
    for image, digest in digests.items():
        print(f"{image}@{digest}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else ROOT)
