"""The only SQL. Functions take a session and never commit: the edges open the transaction and end it."""
