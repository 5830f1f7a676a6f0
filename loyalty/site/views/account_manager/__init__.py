"""The account manager's desk: today, the own companies, one company with its timeline, and what is owed."""
