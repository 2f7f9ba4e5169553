import subprocess
import sys
from pathlib import Path

import pytest

from tests.embedding.tiny_onnx import write_folder
from tmws_mcp.embedding.embedder import EMBEDDERS, load_embedder
from tmws_mcp.errors import EmbedderUnavailable, SettingsError
from tmws_mcp.settings import Settings


def test_none_says_that_it_was_chosen_and_how_to_undo_it() -> None:
    with pytest.raises(EmbedderUnavailable, match="TMWS_EMBEDDER to `static`"):
        load_embedder("none")


@pytest.mark.parametrize("name", ["minilm", "minilm:small", ""])
def test_an_unknown_name_is_answered_with_the_known_ones(name: str) -> None:
    with pytest.raises(SettingsError, match=rf"'{name}'.*{', '.join(sorted(EMBEDDERS))}"):
        load_embedder(name)


@pytest.mark.parametrize("name", ["static", "none", "onnx:/models/minilm", "http://h/v1#m"])
def test_the_setting_takes_a_kind_and_which_one(tmp_path: Path, name: str) -> None:
    settings = Settings.load({"HOME": str(tmp_path), "TMWS_EMBEDDER": name}, cwd=tmp_path)

    assert settings.embedder == name


def test_a_bare_word_that_is_no_embedder_ends_the_start(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"TMWS_EMBEDDER: .*static, none, or kind:which"):
        Settings.load({"HOME": str(tmp_path), "TMWS_EMBEDDER": "minilm"}, cwd=tmp_path)


def test_the_key_is_not_shown_with_the_settings(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "TMWS_EMBEDDER_KEY": "sk-secret"}
    settings = Settings.load(environ, cwd=tmp_path)

    assert settings.embedder_key == "sk-secret"
    assert "sk-secret" not in repr(settings)


@pytest.mark.parametrize(
    ("package", "name", "extra"),
    [
        ("onnxruntime", "onnx:{folder}", "onnx"),
        ("model2vec", "model2vec:{folder}", "model2vec"),
        ("fastembed", "fastembed:any", "fastembed"),
    ],
)
def test_without_its_package_an_embedder_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str, name: str, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)

    with pytest.raises(EmbedderUnavailable, match=rf"{package}.*pip install 'tmws-mcp\[{extra}\]'"):
        load_embedder(name.format(folder=write_folder(tmp_path)))


PLUGIN = """
class Constant:
    id, dimensions, prompt = "constant-1", 4, True
    def encode(self, texts):
        import numpy
        return numpy.full((len(texts), 4), 0.5, numpy.float32)

def load(which, options):
    if which == "broken":
        raise ZeroDivisionError("no such luck")
    return Constant()
"""


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install a package that brings an embedder, as pip would."""
    (tmp_path / "constant_embedder.py").write_text(PLUGIN)
    described = tmp_path / "constant_embedder-1.0.dist-info"
    described.mkdir()
    (described / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: constant-embedder\nVersion: 1.0\n"
    )
    (described / "entry_points.txt").write_text(
        "[tmws_mcp.embedders]\nconstant = constant_embedder:load\ngone = constant_embedder:gone\n"
    )
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.usefixtures("plugin")
def test_a_package_adds_an_embedder_by_an_entry_point() -> None:
    embedder = load_embedder("constant:any")

    assert (embedder.id, embedder.dimensions) == ("constant-1", 4)


@pytest.mark.usefixtures("plugin")
@pytest.mark.parametrize(
    ("name", "problem"), [("constant:broken", "ZeroDivisionError"), ("gone:", "AttributeError")]
)
def test_a_package_that_fails_is_named_and_words_alone_answer(name: str, problem: str) -> None:
    with pytest.raises(EmbedderUnavailable, match=rf"constant_embedder:.*{problem}.*words alone"):
        load_embedder(name)


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
        "heavy = {'numpy', 'httpx2', 'onnxruntime', 'model2vec', 'fastembed'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
