"""The gunicorn worker: connections, arriving requests, and answers being sent."""
