"""The recipes compared, and what compares them."""
