"""Kinds of columns that SQLite and PostgreSQL share."""

from __future__ import annotations

from sqlalchemy import BigInteger, Integer

# 64 bits on both: SQLite's INTEGER has them, and counts keys by itself under that name only.
Number = BigInteger().with_variant(Integer, "sqlite")
