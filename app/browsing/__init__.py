"""Datasets as a person browses them: rows, filters, thumbnails, edits that can be undone. Without Qt."""
