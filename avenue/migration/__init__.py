"""Imports of files into Avenue, and copies out of it."""
