"""Content of pages: HTML and CSS made safe, with references in place of URLs of assets."""
