"""Fault injection: which faults in converted models are caught, by paritygate and by other tools."""
