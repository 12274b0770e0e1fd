"""Make the virtual environment that `make install` fills, or say in one line why it cannot be.

Written so that an old Python 3 can read it: telling its user that it is too old is half the job.
"""

import sys
from pathlib import Path

NEEDED = (3, 11)


def refusal(version: "tuple[int, int]") -> str:
    """Say what keeps this Python, of ``version``, from making one; empty when nothing does."""
    this = f"{sys.executable} is Python {version[0]}.{version[1]}"
    if version < NEEDED:
        needed = f"Kafkascope needs Python {NEEDED[0]}.{NEEDED[1]} or newer"
        return f"{needed}, but {this}. Name another one: make install PYTHON=python3.12"
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        return f"{this} without its venv module. On Debian: apt-get install python3-venv"
    return ""


def main(folder: Path) -> None:
    """Make the environment in ``folder``, anew when it was made with another Python."""
    version = sys.version_info[:2]
    why = refusal(version)
    if why:
        sys.exit(why)
    if (folder / f"lib/python{version[0]}.{version[1]}/site-packages/pip").is_dir():
        return
    import venv

    print(f"making {folder} with Python {version[0]}.{version[1]}")
    venv.create(folder, clear=True, with_pip=True, symlinks=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
