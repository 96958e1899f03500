"""A person looks over a data set: a local web page, and the way to other tools and back."""
