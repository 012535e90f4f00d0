"""What most teams write first: a Flask view over `gridfs.GridFSBucket`.

Written fairly: it reads the whole file at once (iterating a GridOut would be 100 times slower),
sends an ETag and a cache header, knows ranges, and reads no bytes for a 304. What is sent to it is
stored as it is. Run by gunicorn's own thread worker.
"""

import hashlib
import os
import uuid

from flask import Flask, Response, request
from gridfs import GridFSBucket, NoFile
from pymongo import MongoClient

app = Flask(__name__)
client: MongoClient = MongoClient(os.environ["MONGODB_URI"], tz_aware=True)
bucket = GridFSBucket(client.get_default_database())


@app.get("/healthz")
def healthz() -> str:
    return "ok"


@app.get("/files/<file_id>")
def show(file_id: str) -> Response:
    try:
        stored = bucket.open_download_stream(file_id)
    except NoFile:
        return Response(status=404)
    response = Response(mimetype=stored.metadata["media_type"])
    if request.if_none_match.contains(stored.metadata["etag"]):
        response.status_code = 304
    else:
        response.data = stored.read()
    response.set_etag(stored.metadata["etag"])
    response.cache_control.max_age = 31536000
    return response.make_conditional(request, accept_ranges=True, complete_length=stored.length)


@app.post("/files")
def add() -> tuple[dict, int]:
    data, name = request.get_data(), uuid.uuid4().hex
    about = {"media_type": request.mimetype, "etag": hashlib.sha256(data).hexdigest()}
    bucket.upload_from_stream_with_id(name, name, data, metadata=about)
    return {"id": name}, 201
