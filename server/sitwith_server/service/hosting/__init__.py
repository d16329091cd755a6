"""The rooms of this worker: loading, hosting, presence by leases, deadlines, periodic work."""
