"""The front door: settings, wiring and the command line. The only room that knows every other."""
