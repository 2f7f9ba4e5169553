"""The third stage of matching: which pattern is meant by a query that no trigger matches?

    features.py      a text as two vectors and its pieces of letters
    kernel.py        how alike a query is to each of some example texts
    training.py      examples -> a model, in closed form; held-out scores come with it
    inverse.py       the inverse that it needs, by halves
    calibration.py   scores -> the probability that the pattern is meant
    model.py         what is asked: the pattern, how sure, and the nearest examples
    saved.py         models on the disk, by the catalogue that they were made of
    stage.py         making or reading a model in the background
    examples.py      what there is to learn from in a catalogue

docs/decisions/0016-what-examples-teach.md tells what was measured.
"""
