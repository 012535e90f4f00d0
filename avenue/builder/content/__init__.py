"""What pages hold: HTML and CSS that do no harm, and references in place of addresses."""
