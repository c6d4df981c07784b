"""What meters say: register profiles as data, sans-I/O codecs, and the road from an order to the frames that carry it."""
