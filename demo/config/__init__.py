"""The demo's Django project: settings, URLs and the two server entry points."""
