"""Devices that time `.tflite` files: this machine, and Android phones over adb."""
