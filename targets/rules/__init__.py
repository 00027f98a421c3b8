"""What each family of runtimes asks of a model: functions from a model's facts to reasons."""
