"""Everything that knows a scheduler: Jupyter inside a batch job, and how a session gets to the job's node."""
