"""The probe: stores a file as uploads do, reads it and deletes it, to see whether that works."""
