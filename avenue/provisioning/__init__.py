"""The sites of an installation: added, cloned, removed, taken back, and what each weighs."""
