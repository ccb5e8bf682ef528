"""A hook of mkdocs: runs the scripts in docs/gallery, and makes a page of each.

The docstring of a script is the page's title and text. Its function `pictures(quick=False)` yields what follows, in
order: Markdown text, or (picture, caption, alt) with a figure or an animation of matplotlib; `quick` asks for the
settings of a test. Then comes the code. A script that says `ALONE = True` measures times, and runs when no other does.

An error in a script fails the build. What a script made is kept in .cache/gallery, under a hash of all that it came
from.

By hand: python docs/gallery_hook.py docs/gallery/NAME.py --output FOLDER [--quick]
"""

import argparse
import ast
import hashlib
import html
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from queue import Queue
from typing import Any

HERE = Path(__file__).resolve().parent
GALLERY = HERE / "gallery"
CACHE = HERE.parent / ".cache" / "gallery"
DPI = 200
WORKERS = 2
_LIBRARIES = ("jax", "equinox", "optax", "numpy", "matplotlib", "pillow")


def scripts() -> list[Path]:
    """Return the scripts, by name."""
    return sorted(GALLERY.glob("*.py"))


def title_of(script: Path) -> str:
    """Return the first line of a script's docstring, without its full stop."""
    return (ast.get_docstring(ast.parse(script.read_text())) or script.stem).splitlines()[0].rstrip(".")


def load(script: Path) -> Any:
    """Import a script under a name of its own."""
    spec = importlib.util.spec_from_file_location(f"gallery_{script.stem}", script)
    if spec is None or spec.loader is None:
        raise ImportError(f"{script} cannot be imported.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(script: Path, folder: Path, *, quick: bool = False, dpi: int = DPI) -> Path:
    """Run a script; write its pictures and `page.md` into a folder. Returns the path of the page."""
    folder.mkdir(parents=True, exist_ok=True)
    tree = ast.parse(script.read_text())
    told = (ast.get_docstring(tree) or "").partition("\n")[2].strip()
    parts = ["---\nhide: [toc]\n---", f"# {title_of(script)}", told]
    count = 0
    for item in load(script).pictures(quick=quick):
        if isinstance(item, str):
            parts.append(item)
            continue
        count += 1
        picture, caption, alt = item
        parts.append(_figure(*_save(picture, folder / f"{script.stem}-{count}", dpi), caption, alt))
    if not count:
        raise ValueError(f"{script.name} made no picture.")
    parts.append(f"## The code\n\n```python\n{_code(script.read_text(), tree)}\n```")
    page = folder / "page.md"
    page.write_text("\n\n".join(parts) + "\n")
    return page


def _save(picture: Any, path: Path, dpi: int) -> tuple[str, int]:
    """Write a figure as PNG or an animation as GIF; return the file's name and its width on the page, in pixels.

    An inch is 100 pixels wide on the page. A PNG has more, for screens that show them.
    """
    if hasattr(picture, "savefig"):
        path = path.with_suffix(".png")
        picture.savefig(path, dpi=dpi, metadata={"Software": None})
        wide = int.from_bytes(path.read_bytes()[16:20], "big") * 100 // dpi
    else:
        path = path.with_suffix(".gif")
        picture.save(path, writer="pillow", dpi=dpi / 2)
        wide = int.from_bytes(path.read_bytes()[6:8], "little") * 200 // dpi
    return path.name, wide


def _figure(name: str, wide: int, caption: str, alt: str) -> str:
    alt = html.escape(" ".join(alt.split()).translate(str.maketrans("[]", "()")), quote=False)
    caption = " ".join(caption.split())
    return (
        f'<figure class="gallery-figure" markdown="span">\n[![{alt}]({name}){{ width="{wide}" }}]({name})\n'
        f"<figcaption>{caption}</figcaption>\n</figure>"
    )


def _code(source: str, tree: ast.Module) -> str:
    """Return a script's source without its docstring, which is on the page already."""
    end = tree.body[0].end_lineno if ast.get_docstring(tree) else 0
    return "\n".join(source.splitlines()[end:]).strip()


def fingerprint(script: Path) -> str:
    """Return a hash of all that a page depends on: script, hook, package, versions of libraries."""
    spec = importlib.util.find_spec("pushforward")
    if spec is None or spec.origin is None:
        raise ImportError("pushforward is not installed.")
    digest = hashlib.sha256()
    for file in [script, Path(__file__), *sorted(Path(spec.origin).parent.rglob("*.py"))]:
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    digest.update(" ".join(version(library) for library in _LIBRARIES).encode() + sys.version.encode())
    return digest.hexdigest()[:16]


def made(script: Path, core: int | None = None) -> Path:
    """Return the folder of a script's page, which is run in a process of its own unless it has been already.

    A page that shares the machine with others keeps to one core: programs that wait for each other's threads are slow.
    """
    folder = CACHE / f"{script.stem}-{fingerprint(script)}"
    if folder.exists():
        return folder
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        target = Path(scratch) / "page"
        command = [sys.executable, str(Path(__file__).resolve()), str(script), "--output", str(target)]
        command += [] if core is None else ["--core", str(core)]
        environment = {"JAX_PLATFORMS": "cpu", "MPLBACKEND": "agg", **os.environ}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        if done.returncode:
            raise RuntimeError(f"The gallery page {script.name} failed:\n{done.stderr}")
        for old in CACHE.glob(f"{script.stem}-{'?' * 16}"):
            shutil.rmtree(old, ignore_errors=True)
        target.rename(folder)
    return folder


def _build(pages: Iterable[Path]) -> dict[str, Path]:
    """Return the folders of all pages by name; those that measure times are run last, one by one."""
    alone = [page for page in pages if "\nALONE = True\n" in page.read_text()]
    others = [page for page in pages if page not in alone]
    cores: Queue[int] = Queue()
    for core in range(WORKERS):
        cores.put(core)

    def make(page: Path) -> Path:
        core = cores.get()
        try:
            return made(page, core)
        finally:
            cores.put(core)

    with ThreadPoolExecutor(WORKERS) as pool:
        folders = dict(zip([page.stem for page in others], pool.map(make, others), strict=True))
    return folders | {page.stem: made(page) for page in alone}


def _named(nav: Any) -> Iterator[str]:
    """Yield the names of the gallery's pages in the order of the navigation."""
    if isinstance(nav, dict | list):
        for part in nav.values() if isinstance(nav, dict) else nav:
            yield from _named(part)
    elif nav.startswith("gallery/") and nav != "gallery/index.md":
        yield nav.removeprefix("gallery/").removesuffix(".md")


def on_files(files: Any, config: Any) -> Any:
    """Replace the scripts among the site's files by their pages and pictures."""
    from mkdocs.exceptions import PluginError
    from mkdocs.structure.files import File

    known = {script.stem for script in scripts()}
    if set(_named(config["nav"])) != known:
        raise PluginError(f"mkdocs.yml: nav must name exactly the pages of docs/gallery: {sorted(known)}.")
    try:
        folders = _build(scripts())
    except RuntimeError as error:
        raise PluginError(str(error)) from error
    for name, folder in folders.items():
        text = (folder / "page.md").read_text()
        files.append(File.generated(config, f"gallery/{name}.md", content=text))
        for picture in sorted(folder.iterdir()):
            if picture.suffix != ".md":
                files.append(File.generated(config, f"gallery/{picture.name}", abs_src_path=str(picture)))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Add a card for every page to the gallery's index."""
    if page.file.src_uri != "gallery/index.md":
        return markdown
    cards = []
    for name in _named(config["nav"]):
        title = title_of(GALLERY / f"{name}.py")
        cards.append(f"[![]({name}-1.png)<span>{title}</span>]({name}.md)")
    return markdown + '\n\n<div class="gallery-cards" markdown>\n' + "\n".join(cards) + "\n</div>\n"


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("script", type=Path)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--core", type=int, help="keep to one of the cores that there are, counted from 0")
    arguments = parser.parse_args()
    if arguments.core is not None and hasattr(os, "sched_setaffinity"):
        allowed = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {allowed[arguments.core % len(allowed)]})
    run(arguments.script, arguments.output, quick=arguments.quick)


if __name__ == "__main__":
    _main()
