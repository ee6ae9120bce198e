"""Compression of static networks by the TensorFlow Model Optimization Toolkit."""
