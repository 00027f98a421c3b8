"""Command line: parse, call one library function, render, exit status."""
