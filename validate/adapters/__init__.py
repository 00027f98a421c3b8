"""From the reference's samples to a candidate's inputs, and from its outputs to the reference's form."""
