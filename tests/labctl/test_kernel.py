"""A session in a real kernel of Jupyter's: it runs, shows, and one interrupt pauses it.

Tested where ipykernel and nbclient are installed.
"""

import gc
import os
import sys
import warnings
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")

from jupyter_client.manager import KernelManager  # noqa: E402

from labctl.lab_folder.making import make_lab  # noqa: E402

ROOT = Path(__file__).parents[2]
LONGEST = 50
"""Seconds for any cell."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(200), pytest.mark.filterwarnings("ignore")]

OPEN = "import labctl\nlab = labctl.open_session('twin')\nlab.show_rows()\nlab"
FILES = (
    "from labctl.config.folder import Config\nconfig = Config()\n"
    "film, flashes = config.sample('film-1'), config.recipe('gentle')"
)


@pytest.fixture
def lab_folder(tmp_path, monkeypatch):
    make_lab(tmp_path / "lab")
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    monkeypatch.setenv("LABCTL_MACHINE", str(tmp_path / "machine"))
    return tmp_path / "lab"


@pytest.fixture
def kernel():
    """Return a manager of kernels of this very Python, whatever kernels are installed."""
    made = KernelManager()
    made.kernel_spec.argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    yield made
    made.shutdown_kernel(now=True)
    made.context.destroy(linger=0)
    with warnings.catch_warnings():
        # What the clients of kernels leave to the collector is theirs to warn of, here and not in another test.
        warnings.simplefilter("ignore")
        gc.collect()


def test_a_notebook_runs_an_experiment_and_shows_what_came_of_it(lab_folder, kernel):
    cells = (
        OPEN,
        FILES,
        "uids = lab.run(config.experiment('first-cell'))",
        "run = labctl.Run('last')\nrun",
        "run.plot()",
        "run.table('cycles')",
        "lab.close()",
    )
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(each) for each in cells])
    client = nbclient.NotebookClient(made, km=kernel, timeout=LONGEST)
    client.execute(cwd=str(lab_folder))
    shown = [_shown(cell.outputs) for cell in made.cells]
    assert "<table>" in shown[0]
    assert "J/cm^2" in shown[2]
    assert shown[2].count("ended: success") == 2
    assert "cycle" in shown[3]
    assert shown[4].count("data:image/png;base64,iVBOR") >= 3
    assert "discharge_capacity" in shown[5]


def test_one_interrupt_pauses_and_says_what_is_powered(lab_folder, kernel):
    bench = lab_folder / "benches" / "twin.toml"
    bench.write_text(bench.read_text().replace('pace = "none"', 'pace = "1"'))
    kernel.start_kernel(cwd=str(lab_folder))
    client = kernel.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=LONGEST)
        client.execute_interactive(OPEN, timeout=LONGEST, output_hook=lambda _: None)
        client.execute_interactive(FILES, timeout=LONGEST, output_hook=lambda _: None)
        client.execute("lab.RE(lab.plans.anneal(lab.lamp, film, flashes))")
        _until(client, "run ")
        kernel.interrupt_kernel()
        assert "Paused, and no pulse falls meanwhile: lamp is" in _until(client, "Paused")
        # Until then a kernel throws away what it is asked after an error.
        _until(client, "idle")
        client.execute("print(lab.RE.state)")
        _until(client, "paused")
        client.execute("lab.close()\nprint('closed in good order')")
        _until(client, "closed in good order")
    finally:
        client.stop_channels()


def _until(client, words):
    """Wait until the kernel says these words; return what it said them in."""
    while True:
        message = client.get_iopub_msg(timeout=LONGEST)
        said = _said(message["msg_type"], message["content"])
        if words in said:
            return said


def _shown(outputs):
    return "\n".join(_said(each.output_type, each) for each in outputs)


def _said(kind, content):
    if kind == "stream":
        return content["text"]
    if kind == "status":
        return content["execution_state"]
    if kind == "error":
        return f"{content['ename']}: {content['evalue']}"
    return "\n".join(map(str, content.get("data", {}).values()))
