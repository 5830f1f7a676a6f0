"""How numbers and moments are written where Django knows no way, or another one."""
