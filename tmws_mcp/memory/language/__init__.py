"""What a text says: words, terms, identifiers, kinds of statement, dates."""
