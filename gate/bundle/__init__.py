"""A proved model for its receiver: one file that holds the model, the proof, and what repeats the proof."""

from .api import BundleOptions, bundle, verify

__all__ = ["BundleOptions", "bundle", "verify"]
