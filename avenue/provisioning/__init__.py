"""The sites of an installation: added, cloned, removed, reopened, and their weights."""
