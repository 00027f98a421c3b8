"""What a pickle may import and do while it is read; the reader that checks is the reader that loads."""
