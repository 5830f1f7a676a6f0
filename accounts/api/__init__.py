"""The base of the API: who asks, what they may, how problems look, pages, limits, ETags, and views to build on."""
