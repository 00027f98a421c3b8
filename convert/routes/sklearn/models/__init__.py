"""What fitted estimators and boosters hold, in a form that depends on no target."""
