"""devices, plans and sim are names that other things on a path may bear; labctl says so before it goes wrong."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
NEIGHBOURS = ("devices", "plans", "sim")


def require_neighbours() -> None:
    """Raise ImportError naming the intruder when one of labctl's packages is shadowed by another."""
    for name in NEIGHBOURS:
        spec = find_spec(name)
        origin = None if spec is None or spec.origin is None else Path(spec.origin).resolve()
        if origin != HERE / name / "__init__.py":
            found = "nothing" if origin is None else str(origin)
            raise ImportError(
                f"labctl needs its own package {name!r} beside it in {HERE}, and Python finds {found}."
                " Start from another folder, or run `python -P`, so that the folder you stand in is not searched"
            )
