"""A gate over small models, against a shell loop of bare converters with a comparison script for each."""
