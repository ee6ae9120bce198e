"""DRNet (Dynamic Routing Networks) and its first form, ISBNet."""
