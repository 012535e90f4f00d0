"""What is shown, and to whom: views differ by what they show, never by what they think."""
