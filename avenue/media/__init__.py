"""What a stored file is: its type, its facts, its pictures, and how it is kept and served."""
