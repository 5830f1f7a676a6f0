"""Import of files from other systems: a profile says how to read one, its lines become activities."""

from loyalty.importing.profile import Profile, ProfileError, load_profile
from loyalty.importing.reading import UnreadableFileError
from loyalty.importing.rejections import REASONS, ErrorFile, Rejection
from loyalty.importing.run import ImportResult, NotPreparedError, import_activities

__all__ = [
    "REASONS",
    "ErrorFile",
    "ImportResult",
    "NotPreparedError",
    "Profile",
    "ProfileError",
    "Rejection",
    "UnreadableFileError",
    "import_activities",
    "load_profile",
]
