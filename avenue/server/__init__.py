"""The gunicorn worker: connections, requests as they arrive, answers as they leave."""
