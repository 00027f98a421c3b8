"""The hostile catalogue through the command line, and through other scanners: ``make hostile``."""
