"""PNG files without their metadata: text or profiles must not hide good pixels."""

import io

SIGNATURE = b"\x89PNG\r\n\x1a\n"
# The chunks that hold size, palette, pixels, transparency and the end.
PIXELS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")


def without_metadata(path) -> io.BytesIO | None:
    """Returns a PNG file with the chunks that hold its pixels and no others.

    Args:
        path: Path of the file.

    Returns:
        The file in memory. `None` if it is no PNG.
    """
    content = io.BytesIO()
    with open(path, "rb") as file:
        if file.read(len(SIGNATURE)) != SIGNATURE:
            return None
        content.write(SIGNATURE)
        # A chunk is its length in 4 bytes, a name of 4, the data and a checksum of 4.
        while len(head := file.read(8)) == 8:
            size = int.from_bytes(head[:4], "big") + 4
            if head[4:] in PIXELS:
                content.write(head + file.read(size))
            else:
                file.seek(size, io.SEEK_CUR)
    content.seek(0)
    return content
