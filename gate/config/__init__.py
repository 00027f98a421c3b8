"""The config file: its types, what it may not decide, what it means as keywords, its schema and a starter."""
