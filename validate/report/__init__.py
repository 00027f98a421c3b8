"""What a comparison found, as frozen values, and its renderings."""
