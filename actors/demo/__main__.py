"""The tour's command line."""

import argparse
import sys

from actors.demo._tour import Tour, usable_cores


def main(arguments: list[str] | None = None) -> int:
    """Run the tour; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m actors.demo", description=Tour.__doc__)
    parser.add_argument(
        "--orders", type=int, default=30_000, metavar="N", help="how many (%(default)s)"
    )
    parser.add_argument(
        "--workers",
        type=int,
        default=max(2, min(usable_cores(), 8)),
        metavar="N",
        help="how many to compare with one (as many as cores)",
    )
    chosen = parser.parse_args(arguments)
    if chosen.orders < 1 or chosen.workers < 2:
        parser.error("at least 1 order and 2 workers")
    try:
        return Tour(chosen.orders, chosen.workers).run()
    except KeyboardInterrupt:
        print("\nInterrupted; the workers were stopped.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
