"""The only SQL. Functions take a session and never commit: the edges open the transaction and end it."""

from sqlalchemy.exc import SQLAlchemyError as StorageError
from sqlalchemy.orm import Session

from service.storage.engine import Database

__all__ = ["Database", "Session", "StorageError"]
