"""Write `tools/definitions.json` from the tool records; with `--check`, only say whether it is up to date."""

import json
import sys
from pathlib import Path

from hoopai_products_mcp.tools.catalog import RECORDS
from hoopai_products_mcp.tools.deriving import derive

PATH = Path(__file__).resolve().parent.parent / "tools" / "definitions.json"


def main() -> int:
    """Return 0 when the file is, or was made, up to date."""
    text = json.dumps(derive(RECORDS), indent=1, ensure_ascii=False) + "\n"
    if PATH.exists() and PATH.read_text(encoding="utf-8") == text:
        return 0
    if "--check" in sys.argv[1:]:
        print(f"{PATH.name} is stale: run `make definitions` and commit it.", file=sys.stderr)
        return 1
    PATH.write_text(text, encoding="utf-8")
    print(f"wrote {PATH.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
