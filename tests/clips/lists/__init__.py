"""Tests of clips.lists."""
