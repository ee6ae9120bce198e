"""Errors that a user can mend, and how they are printed."""

import errno
import os

MENDS = {
    errno.EACCES: "Change its permissions, or choose another path",
    errno.EDQUOT: "Free some space, then run the same command again",
    errno.EEXIST: "Move it away, or choose another path",
    errno.EIO: "Check the disk, or choose another path",
    errno.EFBIG: "Files may not be so large here: see `ulimit -f` and quotas",
    errno.EISDIR: "It is a folder, where a file is expected",
    errno.ELOOP: "Links lead round in a circle: remove one",
    errno.EMFILE: "Close other programs, or raise the limit with `ulimit -n`",
    errno.ENAMETOOLONG: "Choose a shorter name",
    errno.ENOENT: "Check the path",
    errno.ENOSPC: "Free some space, then run the same command again",
    errno.ENOTDIR: "A file stands where a folder is expected: move it away",
    errno.EPERM: "Change its permissions, or choose another path",
    errno.EROFS: "The disk is read-only: choose another path",
}


class UserError(ValueError):
    """Bad input: a setting, a file or an argument that the user can correct.

    The message says what was passed, what was expected and how to mend it. Commands
    print it in one line. Any other error is a bug, and keeps its trace.
    """


def explain(error: BaseException) -> str | None:
    """Returns in one line what a user can mend, or `None` if it is a bug.

    A user can mend `UserError`s, and errors of the operating system: files, disks,
    devices, memory. TensorFlow raises the latter as errors of its own.

    Args:
        error: The exception.
    """
    if isinstance(error, UserError):
        return _one_line(error)
    if isinstance(error, OSError):
        if error.errno not in MENDS or error.strerror is None:
            return _one_line(error)
        path = os.fsdecode(error.filename) if error.filename else "A file or the output"
        return f"{path}: {error.strerror}. {MENDS[error.errno]}."
    if isinstance(error, MemoryError) or "OOM when allocating" in str(error):
        return (
            "There is not enough memory: use a smaller --batch_size or --image_size, "
            f"or a smaller network ({_one_line(error)[:200]})."
        )
    if type(error).__module__ == "tensorflow.python.framework.errors_impl":
        for code, mend in MENDS.items():
            if os.strerror(code) in str(error):
                return f"{_one_line(error)}. {mend}."
    return None


def _one_line(error):
    text = str(error)
    # Keras wraps an error in the call of a layer in 20 lines, its text in bold.
    if text.startswith("Exception encountered when calling"):
        text = text.partition("\033[1m")[2].partition("\033[0m")[0] or text
    return " ".join(text.split("\n\nOriginal stack trace")[0].split())
