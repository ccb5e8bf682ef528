"""Items made ahead in a thread, so that the device does not wait for the disk."""

import queue
import threading
from collections.abc import Iterator
from typing import Any, Generic, TypeVar

Item = TypeVar("Item")
_AHEAD = 2
_PATIENCE = 0.1


class Prefetch(Generic[Item]):
    """Runs an iterator in a thread, at most two items ahead of whoever takes them.

    Args:
        items: the iterator; nobody else may use it. What it raises is raised by `take`.
    """

    def __init__(self, items: Iterator[Item]) -> None:
        self._queue: queue.Queue[tuple[str, Any]] = queue.Queue(_AHEAD)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(items,), name="pushforward-rows", daemon=True)
        self._thread.start()

    def take(self) -> Item:
        """Return the next item, waiting for it.

        Raises:
            Exception: what the iterator raised.
            StopIteration: if there are no more.
        """
        kind, value = self._queue.get()
        if kind == "item":
            return value
        self._queue.put((kind, value))  # the end stays the end
        if kind == "error":
            raise value
        raise StopIteration

    def close(self) -> None:
        """End the thread. Items that nobody took are lost."""
        self._stopped.set()
        self._thread.join()

    def _run(self, items: Iterator[Any]) -> None:
        try:
            for item in items:
                if not self._put(("item", item)):
                    return
        except BaseException as error:
            self._put(("error", error))
        else:
            self._put(("end", None))

    def _put(self, entry: tuple[str, Any]) -> bool:
        """Wait until there is room; tell whether there was before the end."""
        while not self._stopped.is_set():
            try:
                self._queue.put(entry, timeout=_PATIENCE)
            except queue.Full:
                continue
            return True
        return False
