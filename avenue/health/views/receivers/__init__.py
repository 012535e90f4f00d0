"""The API of the receivers of alerts; their page is in `views/pages/channels.py`."""
