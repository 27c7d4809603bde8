"""End-to-end tests: a real Django project, started as a user starts it, exports to a real OTLP receiver."""
