"""The JSON schema of the config file, for editors: ``python -m paritygate.gate.config.schema`` prints it."""

from __future__ import annotations

import json

import msgspec

from .settings import Settings


def config_schema() -> str:
    """The schema (2020-12), made from the structs that the file is read with."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "paritygate.toml",
        **msgspec.json.schema(Settings),
    }
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    print(config_schema(), end="")
