"""The application: the stateful session, the run loop and what a run leaves on disk."""
