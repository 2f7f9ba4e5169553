"""Score the recommendations on traces given by path."""

from benchmarks.learning.score import main

if __name__ == "__main__":
    main()
