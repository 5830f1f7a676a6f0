"""Pages that span floors: the client's home and points, and the account manager's desk."""
