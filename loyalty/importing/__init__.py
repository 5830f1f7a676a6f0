"""Import of files from other systems: a profile says how to read one, its lines become activities."""

from accounts.tables import UnreadableFileError
from loyalty.importing.profile import Profile, ProfileError, load_profile
from loyalty.importing.rejections import REASONS, ErrorFile, Rejection
from loyalty.importing.run import ImportResult, NotPreparedError, import_activities
from loyalty.shares import ShareStoppedError as ImportStoppedError

__all__ = [
    "REASONS",
    "ErrorFile",
    "ImportResult",
    "ImportStoppedError",
    "NotPreparedError",
    "Profile",
    "ProfileError",
    "Rejection",
    "UnreadableFileError",
    "import_activities",
    "load_profile",
]
