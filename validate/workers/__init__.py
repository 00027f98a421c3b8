"""Worker processes: how they are started, called, watched, and what they leave in the job folder."""
