"""Between the reference's samples and what a candidate takes and gives."""
