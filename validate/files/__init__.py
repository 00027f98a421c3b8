"""What is written outside of a job folder: where it may go, how it replaces the old, what killed runs have left."""
