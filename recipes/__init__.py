"""Recipes: one YAML file of settings per method, and the code that loads and checks them."""
