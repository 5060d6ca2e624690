"""Whether a person sits before this kernel, in something that shows widgets.

What runs notebooks headless (papermill, nbclient, nbconvert, nbval) tells the kernel with every cell that nobody is
there to answer: `allow_stdin` is false. People's front ends say that somebody is. Environment variables alone would not
do: a papermill that is started from a notebook inherits all of that notebook's kernel.
https://jupyter-client.readthedocs.io/en/stable/messaging.html#execute
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

VARIABLE = "CFRUNBOOK_WIDGETS"
"""`yes` or `no` decides; `auto`, or nothing, leaves it to what is found."""

_SESSION = "JPY_SESSION_NAME"
"""Set by Jupyter's server for the kernel of a notebook: JupyterLab, Notebook 7, and VS Code on a server."""
_VS_CODE = ("__vsc_ipynb_file__", "VSCODE_PID", "VSCODE_CWD")
"""The first is a variable that VS Code makes in each notebook, the others are of its own environment."""


def shows_widgets(environ: Mapping[str, str] = os.environ, shell: Any = None) -> bool:
    """Return whether the cell that is running was run by a person, in a front end that shows widgets.

    `shell` is IPython's; None: this process's.
    """
    wanted = environ.get(VARIABLE, "auto").strip().lower()
    shell = shell or _shell()
    if wanted == "no" or shell is None or find_spec("ipywidgets") is None:
        return False
    if wanted == "yes" or is_voila(environ):
        return True
    return _is_attended(shell) and (_SESSION in environ or is_vs_code(environ, shell))


def updates_displays(environ: Mapping[str, str] = os.environ, shell: Any = None) -> bool:
    """Return whether what was displayed can be updated when its cell has long ended, as JupyterLab does.

    A page of Voilà draws it once. VS Code is not relied on for it: that has worked in some versions and not in others.
    https://github.com/microsoft/vscode-jupyter/issues/12755 https://github.com/microsoft/vscode-jupyter/issues/13105
    """
    return not is_voila(environ) and not is_vs_code(environ, shell or _shell())


def runs_scripts(environ: Mapping[str, str] = os.environ, shell: Any = None) -> bool:
    """Return whether a script that is put into a widget's output runs in the page, as in JupyterLab and Voilà.

    VS Code shows such an output and does not run it: it reaches its renderer as a text in quotation marks.
    https://github.com/microsoft/vscode-jupyter/blob/main/src/webviews/webview-side/ipywidgets/kernel/manager.ts
    """
    return not is_vs_code(environ, shell or _shell())


def notebook_name(environ: Mapping[str, str] = os.environ, shell: Any = None) -> str:
    """Return the name of the notebook that this kernel is for, without suffix; empty where nobody says."""
    shell = shell or _shell()
    named = (shell.user_ns.get(_VS_CODE[0]) if shell else None) or environ.get(_SESSION, "")
    return os.path.splitext(os.path.basename(str(named)))[0]  # noqa: PTH119, PTH122 - of any system's paths


def kernel() -> Any:
    """Return the kernel that this process is; None where it is none."""
    return getattr(_shell(), "kernel", None)


def _shell() -> Any:
    """Return IPython's shell if it is that of a kernel; None elsewhere, without importing IPython."""
    if "IPython" not in sys.modules:
        return None
    from IPython.core.getipython import get_ipython

    shell = get_ipython()
    return shell if getattr(shell, "kernel", None) is not None else None


def _is_attended(shell: Any) -> bool:
    """Tell whether whoever runs this cell can be asked something."""
    request = shell.kernel.get_parent("shell") or {}
    return bool(request.get("content", {}).get("allow_stdin", False))


def is_vs_code(environ: Mapping[str, str] = os.environ, shell: Any = None) -> bool:
    """Tell whether this is a notebook in VS Code, with a kernel of its own or one of a server of Jupyter."""
    names = getattr(shell, "user_ns", {})
    return _VS_CODE[0] in names or (_SESSION not in environ and any(name in environ for name in _VS_CODE))


def is_voila(environ: Mapping[str, str] = os.environ) -> bool:
    """Tell whether this is a page of Voilà, which runs cells as nbclient does, and then shows widgets."""
    return environ.get("SERVER_SOFTWARE", "").startswith("voila/")
