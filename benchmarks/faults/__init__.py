"""The measured power of the gate: faults put into converted models, and who notices them."""
