"""Explanation: which places of a clip speak for a class, as pictures and videos."""
