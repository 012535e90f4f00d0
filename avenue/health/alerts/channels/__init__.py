"""Receivers of alerts: their channels and levels, for the deployment and for each site."""
