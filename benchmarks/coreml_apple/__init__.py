"""Apple's own tests, as the coremltools wheel ships them, with paritygate's engine in the framework's place."""
