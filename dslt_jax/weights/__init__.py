"""Files of weights: fetched, read, converted, checked, stored."""
