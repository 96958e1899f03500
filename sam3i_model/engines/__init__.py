"""What runs the model: PyTorch, or ONNX Runtime on graphs that `sam3i export` wrote."""
