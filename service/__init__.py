"""Ardoise: train handwritten-digit networks, watch them learn, compare them, send them digits."""
