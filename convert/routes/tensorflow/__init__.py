"""Routes from TensorFlow graphs, Keras and TensorFlow Lite."""
