"""Who does the work: threads of this process, or a Dask cluster."""
