"""Real servers for tests, each started on a free port of the loopback address and ended with the test session."""
