"""Generated cases are the same in every run, so that a red test stays red; a slow machine does not make one."""

from hypothesis import settings

settings.register_profile("same-every-run", derandomize=True, deadline=None)
settings.load_profile("same-every-run")
