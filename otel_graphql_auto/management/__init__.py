"""Management commands of the app, for Django to find."""
