"""What both files hold: each parameter of the reference is looked for in the candidate, whatever the samples reach."""
