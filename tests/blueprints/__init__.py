"""Blueprints: read, loaded, dumped, and led from the shelf to life."""
