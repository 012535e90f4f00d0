"""What gunicorn runs: `gunicorn -c gunicorn.conf.py wsgi:app`."""

from avenue.app.starting import start

app = start()
