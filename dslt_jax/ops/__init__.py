"""Arrays in, arrays out: the parts that trackers are made of."""
