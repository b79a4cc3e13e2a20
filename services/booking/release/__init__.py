"""Fair release: urgent times are asked for in a window and drawn, and what opens can be seen before it does."""
