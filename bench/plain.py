"""A plain application that makes the same four sizes: Flask, GridFSBucket and Pillow.

Written fairly, as Pillow's documentation shows it: what cannot be decoded is refused, pictures are
turned upright, and each size is a WebP of quality 80. Run by gunicorn's own thread worker.
"""

import io
import os
import uuid

from flask import Flask, Response, request
from gridfs import GridFSBucket
from PIL import Image, ImageOps
from pymongo import MongoClient

SIZES = {"thumb": (200, 200), "card": (480, None), "gallery": (1280, None), "og": (1200, 630)}

app = Flask(__name__)
client: MongoClient = MongoClient(os.environ["MONGODB_URI"], tz_aware=True)
database = client.get_default_database()
bucket = GridFSBucket(database)


@app.get("/healthz")
def healthz() -> str:
    return "ok"


@app.post("/pictures")
def add() -> tuple[dict, int] | Response:
    data, name = request.get_data(), uuid.uuid4().hex
    try:
        made = {size: sized(data, *row) for size, row in SIZES.items()}
    except OSError:
        return Response(status=422)
    store(f"{name}/original", data, request.mimetype)
    for size, content in made.items():
        store(f"{name}/{size}", content, "image/webp")
    database["pictures"].insert_one({"_id": name, "sizes": list(made)})
    return {"id": name}, 201


def sized(data: bytes, width: int, height: int | None) -> bytes:
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
    if height:
        image = ImageOps.fit(image, (width, height), Image.Resampling.LANCZOS)
    else:
        height = round(image.height * width / image.width)
        image = image.resize((width, height), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=80)
    return buffer.getvalue()


def store(name: str, data: bytes, media_type: str) -> None:
    about = {"media_type": media_type}
    bucket.upload_from_stream_with_id(name, name, data, metadata=about)
