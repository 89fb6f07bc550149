"""What do the items of a counter span? Groups of CPUs that share a core, cache, node, package."""
