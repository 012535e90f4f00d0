"""An export brought into a site again."""
