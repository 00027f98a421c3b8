"""What a rule raises."""


class InexpressibleError(Exception):
    """The opset that a step leads to can't express the node; the message says why, for a user."""
