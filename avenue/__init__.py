"""Avenue keeps the pictures and files of shops and websites inside MongoDB."""
