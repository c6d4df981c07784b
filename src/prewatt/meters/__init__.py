"""What meters say: register profiles as data, sans-I/O codecs, and the road from order to frames."""
