"""Sample /proc repeatedly and compare the RSS of running processes with its bounds."""
