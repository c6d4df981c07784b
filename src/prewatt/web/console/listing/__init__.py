"""The list kit: one way for every table of the console to filter, sort, page, select and go out to Excel."""
