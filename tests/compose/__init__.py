"""docker-compose.yml without a container engine: its rules, its scripts, and its application against real servers."""
