"""TensorFlow, Keras and TensorFlow Lite models, run by TensorFlow."""
