"""A document as one self-contained HTML page: templates, style, scripts, and what they show."""
