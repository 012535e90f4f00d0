"""Checks of all stored data, their findings and repair, and the trace of one asset."""
