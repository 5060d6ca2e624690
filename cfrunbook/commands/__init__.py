"""Commands of the command line that have more than one thing to do, one module each."""
