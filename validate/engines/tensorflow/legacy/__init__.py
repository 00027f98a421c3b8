"""Model files of Keras 1 and 2, rewritten in the words of Keras 3."""
