"""The zone program: a buffer that outlasts the uplink, the uplink itself, and exchanges carried for the head-end."""
