"""What a stored file is, whoever asks and whatever stores it."""
