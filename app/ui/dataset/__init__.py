"""The Dataset page: contact sheet, table, filters, details, trash."""
