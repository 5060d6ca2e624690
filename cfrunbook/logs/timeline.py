"""Counts over time in bounded memory: where there are too many steps, the steps become longer. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from cfrunbook.log_summary import Grid, Labeled, Point, Series

WIDTHS: tuple[int, ...] = (60, 300, 900, 3600, 10_800, 21_600, 86_400, 604_800, 2_419_200, 31_449_600)
"""Lengths of a step in seconds: from a minute to a year. Each divides the next."""

Cells = dict[tuple[int, str], list[int]]


class Timeline:
    """Pairs of counts by the step of time and a label."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.width = WIDTHS[0]
        self.cells: Cells = {}

    def add(self, second: int, label: str, requests: int, errors: int) -> None:
        """Count `requests` and `errors` at `second`."""
        key = (second - second % self.width, label)
        cell = self.cells.get(key)
        if cell is not None:
            cell[0] += requests
            cell[1] += errors
            return
        self.cells[key] = [requests, errors]
        while len(self.cells) > self._limit and self.width < WIDTHS[-1]:
            self.widen(WIDTHS[WIDTHS.index(self.width) + 1])

    def widen(self, width: int) -> None:
        """Make the steps `width` seconds long."""
        old, self.cells, self.width = self.cells, {}, width
        for (at, label), (requests, errors) in old.items():
            cell = self.cells.setdefault((at - at % width, label), [0, 0])
            cell[0] += requests
            cell[1] += errors

    def series(self, label: str) -> Series:
        """Return the counts of one label."""
        return Series(width_s=self.width, points=self._points(label))

    def grid(self) -> Grid:
        """Return the counts of every label, in the order of their names."""
        labels: dict[str, list[Point]] = {}
        for (at, label), (requests, errors) in sorted(self.cells.items()):
            labels.setdefault(label, []).append(Point(at=at, requests=requests, errors=errors))
        return Grid(width_s=self.width, rows=tuple(Labeled(key=k, points=tuple(labels[k])) for k in sorted(labels)))

    def _points(self, label: str) -> tuple[Point, ...]:
        own = sorted((at, cell) for (at, of), cell in self.cells.items() if of == label)
        return tuple(Point(at=at, requests=r, errors=e) for at, (r, e) in own)


def widened(points: Iterable[Point], width: int) -> tuple[Point, ...]:
    """Return points put together in steps of `width` seconds, in order."""
    steps: dict[int, list[int]] = {}
    for point in points:
        step = steps.setdefault(point.at - point.at % width, [0, 0])
        step[0] += point.requests
        step[1] += point.errors
    return tuple(Point(at=at, requests=r, errors=e) for at, (r, e) in sorted(steps.items()))


def joined(first: Series, second: Series) -> Series:
    """Return the sum of two series, in the longer of their steps."""
    width = max(first.width_s, second.width_s)
    return Series(width_s=width, points=widened((*first.points, *second.points), width))


def shortened(series: Series, steps: int) -> Series:
    """Return a series in at most `steps` steps, as far as steps of a year allow."""
    points, width = series.points, series.width_s
    while points and 1 + (points[-1].at - points[0].at) // width > steps and width < WIDTHS[-1]:
        width = next((w for w in WIDTHS if w > width), WIDTHS[-1])
        points = widened(points, width)
    return Series(width_s=width, points=points)
