"""An ONNX model at another opset.

``move.py`` goes one opset at a time. At each step it asks the tables of ``rules.py`` for the operators whose schema
changes there: what a rule emits is valid at the opset that the step leads to, and the next step takes it further.
``operators/`` holds the rules, a family in a file; ``bodies.py`` the operators that the specification itself defines in
terms of others. What the older opset can't say is refused (``InexpressibleError``), never written nearly right.
"""
