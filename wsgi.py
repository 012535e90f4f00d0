"""What gunicorn runs: `gunicorn -c gunicorn.conf.py wsgi:app`."""

from avenue.app import start

app = start()
