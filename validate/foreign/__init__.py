"""What a file or folder is that can't be converted as it is, and what to give in its place."""
