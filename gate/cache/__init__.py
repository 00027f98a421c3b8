"""What was proved before, by what it depends on: unchanged work isn't done again."""
