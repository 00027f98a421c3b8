"""Real kills of running exports: is OUTPUT the old or the new model, is anything left? See docs/security.md."""
