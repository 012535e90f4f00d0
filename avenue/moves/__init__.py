"""Imports and exports of sites as background jobs, started by a command or in the panel."""
