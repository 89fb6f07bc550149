"""What does a repository keep? Its settings, with their lines, and its baseline."""
