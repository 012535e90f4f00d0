"""Avenue keeps the pictures and files of shops and websites inside MongoDB."""

__version__ = "1.0.0"
