"""What the container's health check runs: exit code 0 while the server answers over HTTP.

Over stdio the host of the container sees for itself whether the server lives, and this has nothing to ask.
"""

import http.client
import os
import sys


def main() -> int:
    """Ask `/healthz`; directly, whatever proxy the container has for the rest of the world."""
    if os.environ.get("HOOPAI_TRANSPORT", "").lower() != "http":
        return 0
    port = int(os.environ.get("HOOPAI_PORT") or 8000)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=4)
    try:
        connection.request("GET", "/healthz")
        return int(connection.getresponse().status != http.client.OK)
    except OSError:
        return 1
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main())
