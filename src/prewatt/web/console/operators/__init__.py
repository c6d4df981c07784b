"""Who works with the console, with which rights, and what each of them did."""
