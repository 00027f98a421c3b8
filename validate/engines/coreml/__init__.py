"""Core ML models: run by the engine of this project on any system, or by Apple's framework on macOS."""

from .lowered import load, predict

__all__ = ["load", "predict"]
