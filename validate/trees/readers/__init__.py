"""The trees of fitted estimators and boosters, read into a form that depends on no target."""
