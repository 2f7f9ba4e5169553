import subprocess
import sys
from typing import get_args

import pytest

from tmws_mcp.embedding.embedder import EMBEDDERS, load_embedder
from tmws_mcp.errors import EmbedderUnavailable, SettingsError
from tmws_mcp.settings import Settings


def test_none_says_that_it_was_chosen_and_how_to_undo_it() -> None:
    with pytest.raises(EmbedderUnavailable, match="TMWS_EMBEDDER to `static`"):
        load_embedder("none")


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(SettingsError, match=r"'minilm'.*none, static"):
        load_embedder("minilm")


def test_the_setting_takes_the_embedders_that_there_are() -> None:
    assert set(get_args(Settings.model_fields["embedder"].annotation)) == set(EMBEDDERS)


def test_without_numpy_the_message_says_how_to_get_it() -> None:
    program = (
        "import sys; sys.modules['numpy'] = None\n"
        "from tmws_mcp.embedding.embedder import load_embedder\n"
        "load_embedder('static')"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True
    )

    assert "EmbedderUnavailable: numpy cannot be imported" in run.stderr
    assert "pip install --force-reinstall numpy" in run.stderr


def test_nothing_heavy_is_imported_before_an_embedder_is_loaded() -> None:
    program = (
        "import sys\n"
        "import tmws_mcp.embedding.embedder, tmws_mcp.masking, tmws_mcp.tokens\n"
        "assert 'numpy' not in sys.modules, 'numpy'"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
