"""What goes over HTTP. `STOCK` runs gunicorn's own worker without our configuration.

gunicorn reads a `gunicorn.conf.py` of its working directory unless it is given another one.
"""

STOCK = ("-c", "python:tests", "--worker-class", "gthread")
