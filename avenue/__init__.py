"""Avenue stores the pictures and files of shops and websites in MongoDB."""

__version__ = "1.0.0"
