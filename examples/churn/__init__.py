"""Customers who change in PostgreSQL, and their churn risk in Redis."""
