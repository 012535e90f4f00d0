"""The check of everything that is stored, byte by byte, and the mending of what can be mended."""
