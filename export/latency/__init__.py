"""Latency: profiles a network on a device, module by module."""
