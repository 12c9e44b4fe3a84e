"""The pictures of one run, as a notebook shows them and a folder keeps them."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from labctl.pictures.drawing import save

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DOTS_PER_INCH = 100


class Pictures(Mapping[str, "Figure"]):
    """Figures of matplotlib's by name; save() keeps them as files, a notebook shows them all."""

    def __init__(self, stem: str, figures: Mapping[str, Figure], folder: Path) -> None:
        self._stem, self._figures, self._folder = stem, figures, folder

    def __getitem__(self, name: str) -> Figure:
        return self._figures[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._figures)

    def __len__(self) -> int:
        return len(self._figures)

    def __repr__(self) -> str:
        return f"<pictures of {self._stem}: {', '.join(self)}; save() keeps them in {self._folder}>"

    def save(self, folder: Path | None = None) -> list[Path]:
        """Write each as a PNG, whole or not at all, and return the paths; `pictures` in the data if no folder."""
        into = folder or self._folder
        into.mkdir(parents=True, exist_ok=True)
        return [save(figure, into / f"{self._stem}-{name}.png") for name, figure in self.items()]

    def _repr_html_(self) -> str:
        return "".join(
            f'<img alt="{escape(name)}" src="{_encoded(figure)}">' for name, figure in self.items()
        )


def _encoded(figure: Figure) -> str:
    held = io.BytesIO()
    figure.savefig(held, format="png", dpi=DOTS_PER_INCH)
    return f"data:image/png;base64,{base64.b64encode(held.getvalue()).decode()}"
