"""The command `avrr` where nothing has to be installed first, as in a container: `python -m ops`."""

from ops.cli import main

if __name__ == "__main__":
    main()
