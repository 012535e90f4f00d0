"""Alerts: problems that somebody has to know about in time, each sent once."""
