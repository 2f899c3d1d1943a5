"""A trained network as a file that runs without Ardoise: ONNX, safetensors, a package of `torch.export`."""
