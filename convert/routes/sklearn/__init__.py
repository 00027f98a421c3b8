"""Routes from fitted estimators and boosters."""
