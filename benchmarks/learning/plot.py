"""A calibration plot as a PNG, drawn by hand: a plotting library would be its only use of one.

Each point is a bin of one file: how sure the answers were (across) and how often they were right
(up). On the diagonal the two agree; a larger point stands for more answers.
"""

import struct
import zlib
from collections.abc import Sequence
from math import sqrt

SIZE = 420
MARGIN = 20
WHITE, GREY, BLACK = (255, 255, 255), (200, 200, 200), (60, 60, 60)
COLOURS = (
    (31, 119, 180), (255, 127, 14), (44, 160, 44), (214, 39, 40), (148, 103, 189), (140, 86, 75),
    (227, 119, 194),
)  # fmt: skip
RADIUS_MAX, RADIUS_MIN = 9.0, 2.0
GRID = 5

Pixel = tuple[int, int, int]
Bins = Sequence[tuple[int, float, int]]


def reliability_png(files: Sequence[Bins]) -> bytes:
    """Return the plot of the bins of several files."""
    image = [[WHITE] * SIZE for _ in range(SIZE)]
    _draw_frame(image)
    most = max((n for bins in files for n, _, _ in bins), default=1) or 1
    for number, bins in enumerate(files):
        for n, total, hits in bins:
            if n:
                radius = max(RADIUS_MIN, RADIUS_MAX * sqrt(n / most))
                _draw_dot(image, total / n, hits / n, radius, COLOURS[number % len(COLOURS)])
    return _png(image)


def _place(share: float) -> int:
    return MARGIN + round(share * (SIZE - 1 - 2 * MARGIN))


def _draw_frame(image: list[list[Pixel]]) -> None:
    first, last = _place(0), _place(1)
    for line in range(GRID + 1):
        place = _place(line / GRID)
        for along in range(first, last + 1):
            image[place][along] = image[along][place] = GREY
    for along in range(first, last + 1):
        image[SIZE - 1 - along][along] = BLACK


def _draw_dot(
    image: list[list[Pixel]], across: float, up: float, radius: float, colour: Pixel
) -> None:
    x, y, reach = _place(across), SIZE - 1 - _place(up), int(radius) + 1
    for row in range(max(y - reach, 0), min(y + reach + 1, SIZE)):
        for column in range(max(x - reach, 0), min(x + reach + 1, SIZE)):
            if (row - y) ** 2 + (column - x) ** 2 <= radius**2:
                image[row][column] = colour


def _png(image: Sequence[Sequence[Pixel]]) -> bytes:
    rows = b"".join(b"\0" + bytes(value for pixel in row for value in pixel) for row in image)
    header = struct.pack(">IIBBBBB", SIZE, SIZE, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )
