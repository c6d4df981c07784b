"""Rules of prepaid electricity as pure functions and frozen values: no I/O, no framework, no clock of their own."""
