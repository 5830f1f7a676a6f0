"""A small world to look around in: a vendor of tools, three of its clients, half a year of business."""

from loyalty.site.demo.world import LOGINS, PASSWORD, is_loaded, load

__all__ = ["LOGINS", "PASSWORD", "is_loaded", "load"]
