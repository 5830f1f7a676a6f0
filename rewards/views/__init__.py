"""The client's pages of this floor."""
