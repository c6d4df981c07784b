"""The network: how everything hangs together, who is out of contact, how the lines are doing, who answers a scan."""
