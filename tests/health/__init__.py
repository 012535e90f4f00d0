"""Operations: what they find, tell and mend."""
