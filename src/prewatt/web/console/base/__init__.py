"""What every page of the console stands on: frame, design, rights of a page, time, language."""
