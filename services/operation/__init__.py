"""Whether the installation works, for those who run it and, in a sentence, for everyone."""
