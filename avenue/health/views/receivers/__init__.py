"""Who is told of which alerts, for programs; the page of it is in `views/pages/channels.py`."""
