"""What does a repository keep? Its settings with their lines, what they ask, and its baseline."""
