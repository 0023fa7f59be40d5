"""Recipes: one YAML file per known way of doing it, and the code that reads and checks them."""
