"""Stands in for curl where there is none: the options that the README uses, and no other."""

from __future__ import annotations

import argparse
import sys
import urllib.error
import urllib.request


def main() -> None:
    parser = argparse.ArgumentParser(prog="curl", allow_abbrev=False)
    parser.add_argument("-s", "-S", "-sS", action="store_true")
    parser.add_argument("-w", dest="ending", default="")
    parser.add_argument("-H", dest="headers", action="append", default=[])
    parser.add_argument("-X", dest="method")
    parser.add_argument("-d", dest="data")
    parser.add_argument("url")
    given = parser.parse_intermixed_args()
    request = urllib.request.Request(
        given.url,
        data=None if given.data is None else given.data.encode(),
        headers=dict(header.split(": ", 1) for header in given.headers),
        method=given.method,
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            body = answer.read()
    except urllib.error.HTTPError as refusal:
        body = refusal.read()
    sys.stdout.buffer.write(body + given.ending.replace("\\n", "\n").encode())


if __name__ == "__main__":
    main()
