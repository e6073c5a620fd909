"""Where a model's traces run: in this process, in a rehearsal of a server, on a server, or nowhere.

``Model`` asks its session instead of flags. The import of this module tells nnsight to send the
source of latentlang's functions along with a trace: a server has nnsight, but not latentlang.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import nnsight
import torch
from nnsight.intervention.tracer import InterleavingTracer
from nnsight.modeling import huggingface
from nnsight.modeling.transformers import TransformersModel
from nnsight.tracing.tracer import skip_context, skippable

from ..errors import TraceError
from .failures import server_failures
from .reply import Shapes
from .server import Connection
from .versions import versions

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from transformers import PreTrainedModel, PreTrainedTokenizerBase

nnsight.register("latentlang")

# Two nnsight traces at once in one process give wrong numbers without an error.
TRACE_LOCK = threading.RLock()


class Session:
    """Where traces run. This base class has no weights: a trace raises ``TraceError``.

    ``module``, ``blocks``, ``final_norm``, ``lm_head``: the parts of a model whose weights are in
    this process, else None. ``traced``: the model as nnsight wraps it, with ``traced.layers``,
    ``traced.final_norm`` and ``traced.lm_head``, or None. ``direct``: whether the weights may also
    be used outside a trace. ``host``: the address of the server, if there is one. ``received``:
    how many bytes of results came from it. ``weights``: differs as soon as a weight changes.
    ``changed``: whether one has changed since it was loaded, so that no stored result is its.
    """

    module: PreTrainedModel | None = None
    blocks: torch.nn.ModuleList | None = None
    final_norm: torch.nn.Module | None = None
    lm_head: torch.nn.Linear | None = None
    traced: TransformersModel | None = None
    device = torch.device("cpu")
    direct = False
    memory_advice = "load the model in 8-bit, or a smaller one"
    weights: tuple = ()
    changed = False

    def __init__(self, reason: str = "") -> None:
        self.reason = reason

    @property
    def host(self) -> str:
        return ""

    @property
    def received(self) -> int:
        return 0

    def where(self, number_format: str) -> str:
        """Return where the weights are, for the model's ``repr``."""
        return "no weights here"

    def trace(
        self, *inputs: Any, expected: Shapes | None = None, **options: Any
    ) -> InterleavingTracer:
        """Open a trace of the model, to be used as ``with ... as tracer:``.

        ``expected``: the shapes of the tensors that it saves, by name; a server may send no others.

        The trace holds the lock of all traces and computes no gradients. Raises ``TraceError`` if
        no trace can run, with the next step.
        """
        if self.traced is None:
            raise TraceError(self.reason)
        locked = partial(_LockedTracer, self)
        destination = self._destination(expected)
        return self.traced.trace(*inputs, tracer_cls=locked, **destination, **options)

    def failures(self) -> AbstractContextManager:
        """Return a context that turns each failure of this session into one sentence."""
        return ExitStack()

    def _destination(self, expected: Shapes | None) -> dict:
        """Return the options that tell nnsight where to run a trace."""
        return {}


class Local(Session):
    """The weights are in this process."""

    direct = True

    module: PreTrainedModel
    blocks: torch.nn.ModuleList
    final_norm: torch.nn.Module
    lm_head: torch.nn.Linear

    def __init__(
        self, module: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, paths: Mapping[str, str]
    ) -> None:
        super().__init__()
        self.module = module
        self.blocks = cast("torch.nn.ModuleList", module.get_submodule(paths["layers"]))
        self.final_norm = module.get_submodule(paths["final_norm"])
        self.lm_head = cast("torch.nn.Linear", module.get_submodule(paths["lm_head"]))
        self.device = self.lm_head.weight.device
        self.traced = TransformersModel(module, **_options(tokenizer, paths))
        self._loaded = self.weights

    @property
    def weights(self) -> tuple:  # type: ignore[override]
        with TRACE_LOCK:  # a trace hooks into modules while it runs
            return versions(self.module)

    @property
    def changed(self) -> bool:  # type: ignore[override]
        return self.weights != self._loaded

    def where(self, number_format: str) -> str:
        return f"{number_format} on {self.device}"


class Rehearsal(Local):
    """The weights are here, and each trace is packed and unpacked as for a server."""

    direct = False

    def _destination(self, expected: Shapes | None) -> dict:
        return {"remote": "local"}


class Remote(Session):
    """The weights are on an NDIF server; the tokenizer and the configuration are here."""

    memory_advice = "use energy=False, or a smaller model"

    def __init__(
        self,
        name: str,
        folder: str,
        revision: str,
        tokenizer: PreTrainedTokenizerBase,
        paths: Mapping[str, str],
    ) -> None:
        super().__init__()
        self.name = name
        self.connection = Connection()
        if Path(folder).is_dir():
            # Else nnsight asks the hub for a repository of that name.
            huggingface._ID_CACHE[folder] = folder
        self.traced = TransformersModel(
            folder, revision=revision or None, **_options(tokenizer, paths)
        )

    @property
    def host(self) -> str:
        return self.connection.host

    @property
    def received(self) -> int:
        return self.connection.received

    def where(self, number_format: str) -> str:
        return f"weights on {self.host}"

    @contextmanager
    def failures(self) -> Iterator[None]:
        with server_failures(self.name, self.host, self.connection.secrets):
            yield

    def _destination(self, expected: Shapes | None) -> dict:
        with self.failures():
            return {"backend": self.connection.backend(self.name, self.traced, expected)}


class _LockedTracer(InterleavingTracer):
    """nnsight's tracer; while its block runs it holds the lock of all traces, without gradients."""

    def __init__(self, session: Session, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._session, self._held = session, ExitStack()

    def __enter__(self) -> _LockedTracer:
        try:
            self._held.enter_context(TRACE_LOCK)
            self._held.enter_context(torch.no_grad())
            self._held.enter_context(self._session.failures())
            # Not through super(): nnsight looks for the block in the frame that called this method.
            self.capture()
            if skippable(self.node):
                skip_context(self)
        except BaseException:
            self._held.close()
            raise
        return self

    def __exit__(self, *failure: Any) -> bool:
        del self._session  # a tracer that stays bound must not keep the weights alive
        with self._held:
            return super().__exit__(*failure)

    def __reduce__(self) -> tuple:
        """Travel as nnsight's own tracer: a server has neither this class nor a lock to hold."""
        state = cast("dict[str, Any]", self.__getstate__())
        portable = {k: v for k, v in state.items() if k not in ("_session", "_held")}
        return object.__new__, (InterleavingTracer,), portable


def _options(tokenizer: PreTrainedTokenizerBase, paths: Mapping[str, str]) -> dict:
    """Return how nnsight wraps a model: under the names of the standard view."""
    rename = {path: alias for alias, path in paths.items() if path != alias}
    return {"task": "text-generation", "tokenizer": tokenizer, "rename": rename}
