"""What runs the plan: one module an engine, loaded when it is asked for."""
