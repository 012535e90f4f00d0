"""What most teams write first: a Flask view over `gridfs.GridFSBucket`.

Written fairly: it reads the whole file at once (iterating a GridOut would be 100 times slower) and
sends an ETag and a cache header. Run by gunicorn's own thread worker.
"""

import os

from flask import Flask, Response, request
from gridfs import GridFSBucket, NoFile
from pymongo import MongoClient

app = Flask(__name__)
client: MongoClient = MongoClient(os.environ["MONGODB_URI"], tz_aware=True)
bucket = GridFSBucket(client.get_default_database(), "product_images")


@app.get("/files/<path:file_id>")
def show(file_id: str) -> Response:
    try:
        stored = bucket.open_download_stream(file_id)
    except NoFile:
        return Response(status=404)
    response = Response(stored.read(), mimetype=stored.metadata["media_type"])
    response.set_etag(stored.metadata["sha256"])
    response.cache_control.max_age = 31536000
    return response.make_conditional(request)
