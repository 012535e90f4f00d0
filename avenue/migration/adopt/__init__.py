"""The application that came before: its database into a site of Avenue."""
