"""What goes over HTTP. `STOCK` and `OURS` run gunicorn's own worker and ours, not configured.

gunicorn reads a `gunicorn.conf.py` of its working directory unless it is given another one.
"""

STOCK = ("-c", "python:tests", "--worker-class", "gthread")
OURS = ("-c", "python:tests", "--worker-class", "avenue.server.worker.Worker")
