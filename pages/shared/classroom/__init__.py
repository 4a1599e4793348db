"""A class in the app: who a browser is in it, what its pages hand in, and what it is led to."""
