"""Trees of supervisors: who is started, restarted and stopped, and when."""
