"""scikit-learn estimators as the models that Core ML has itself, one function per estimator."""
