"""The engines that run the plan, one module each, loaded on demand."""
