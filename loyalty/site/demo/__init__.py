"""A small world to look around in: a vendor of tools, three of its clients, half a year of business."""

from loyalty.site.demo.world import CLIENT_ID, LOGINS, PASSWORD, is_loaded, load

__all__ = ["CLIENT_ID", "LOGINS", "PASSWORD", "is_loaded", "load"]
