"""Hourly snapshots of the deployment."""
