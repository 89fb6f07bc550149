"""What does a repository keep? Its settings, the check that they describe, and its baseline."""
