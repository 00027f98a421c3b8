"""The conformance page: all of Apple's own tests, run by ``fixtures/apple_tests``."""
