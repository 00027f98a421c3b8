"""From two runs and a policy to the verdict: pure functions of arrays, no files."""
