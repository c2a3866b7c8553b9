"""A recording whose Asterisk was killed, seen as if it had been closed: the header follows the length.

The PBX's file is not touched; only the first bytes are replaced while reading.
"""

import io
from pathlib import Path

from recordings.header import HEAD_SIZE, mended


class MendedFile(io.RawIOBase):
    """The file with a header made to fit. Raises `ValueError` when there is no header to mend."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        length = self._file.seek(0, io.SEEK_END)
        self._file.seek(0)
        head = mended(self._file.read(HEAD_SIZE), length)
        if head is None:
            self._file.close()
            raise ValueError(f"{path.name}: no WAV header")
        self._head = head
        self._file.seek(0)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._file.tell()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # soundfile's buffers
        at = self._file.tell()
        count = self._file.readinto(buffer)
        covered = self._head[at : at + count]
        memoryview(buffer)[: len(covered)] = covered
        return count

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()
