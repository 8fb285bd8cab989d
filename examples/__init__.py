"""Two example languages, their claims and the generator of their kompiled folders."""
