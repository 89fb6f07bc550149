"""The statement of a design: slots, levels, counters, and an executable model."""
