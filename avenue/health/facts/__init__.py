"""What is asked; nothing here has an opinion."""
