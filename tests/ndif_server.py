"""A loopback server that speaks to nnsight's client, with nnsight's deserialiser and a model.

``python ndif_server.py FOLDER [--key KEY] [--silent]`` prints its port when it is ready.
``--silent`` takes jobs and says no more; ``--hang-up`` takes jobs and ends the connection.
It stands where an NDIF server would. It runs in an environment without latentlang and its packages
(``server_environment.py``), so all that a trace needs must have travelled with it.
``/seen`` tells the bytes of every job. ``/attack`` makes it hostile: ``{"greeting": ...}``,
``{"text": ...}``, ``{"frame": ...}``, ``{"result": ...}``, ``{"error": ...}`` or
``{"refusal": ...}`` is what it sends from then on in place of its own (bytes in base64);
``{"redirect": ...}`` sends the client there; ``{}`` makes it honest again.
"""

import argparse
import asyncio
import base64
import importlib.util
import io
import json
import linecache
import socket
import traceback
import uuid
from typing import Annotated

import torch
import uvicorn
import zstandard
from fastapi import (
    FastAPI,
    File,
    Form,
    Header,
    HTTPException,
    Request,
    UploadFile,
    WebSocket,
    WebSocketDisconnect,
)
from nnsight.modeling.transformers import TransformersModel
from nnsight.schema.request import RequestModel
from nnsight.schema.response import ResponseModel, Status
from nnsight.tracing.globals import BLOCKS, SOURCES
from nnsight.tracing.tracer import _saves, dec, inc
from transformers import AutoTokenizer

for name in ("latentlang", "jaxtyping", "pandas", "plotly", "ipywidgets", "platformdirs"):
    assert importlib.util.find_spec(name) is None, f"{name} is in the server's environment"

parser = argparse.ArgumentParser()
parser.add_argument("folder")
parser.add_argument("--key")
parser.add_argument("--silent", action="store_true")
parser.add_argument("--hang-up", action="store_true")
options = parser.parse_args()
app = FastAPI()
listeners: dict[str, WebSocket] = {}
seen: list[dict] = []
tasks: set[asyncio.Task] = set()
attack: dict[str, str] = {}
busy = asyncio.Lock()
tokenizer = AutoTokenizer.from_pretrained(options.folder)
model = TransformersModel(
    options.folder, task="text-generation", dispatch=True, dtype=torch.float32, tokenizer=tokenizer
)


@app.websocket("/subscribe")
async def subscribe(client: WebSocket) -> None:
    """Give the client a session, and listen until it leaves."""
    await client.accept()
    session = uuid.uuid4().hex
    listeners[session] = client
    if "greeting" in attack:
        await client.send_text(attack["greeting"])
    else:
        await client.send_json({"session_id": session})
    try:
        while True:
            await client.receive_text()
    except WebSocketDisconnect:
        del listeners[session]


@app.post("/attack")
async def become(what: dict[str, str]) -> None:
    """Answer with this from now on."""
    attack.clear()
    attack.update(what)


@app.post("/request")
async def request(
    raw: Request,
    data: Annotated[str, Form()],
    blob: Annotated[UploadFile, File()],
    ndif_api_key: Annotated[str | None, Header()] = None,
) -> dict:
    """Take a trace, and run it when its turn comes."""
    asked, job = RequestModel.model_validate_json(data), uuid.uuid4().hex
    if "refusal" in attack:
        said = attack["refusal"] + str(dict(raw.headers))
        raise HTTPException(400, said)
    if "redirect" in attack:
        raise HTTPException(307, headers={"Location": attack["redirect"]})
    if options.key and ndif_api_key != options.key:
        raise HTTPException(401, "Missing or invalid API key.")
    wanted = json.loads(asked.model_key.split(":", 1)[1])["repo_id"]
    if wanted != options.folder:
        raise HTTPException(404, f"Model {wanted} is not deployed.")
    payload = await blob.read()
    tasks.add(asyncio.create_task(work(asked, job, payload)))
    return ResponseModel(id=job, status=Status.RECEIVED, description="received").model_dump(
        exclude_none=True
    )


@app.get("/seen")
async def seen_so_far() -> list[dict]:
    """Tell what was asked and answered, in bytes."""
    return seen


async def work(asked: RequestModel, job: str, payload: bytes) -> None:
    """Run one trace and tell its client."""

    async def tell(status: Status, description: str, data: bytes | None = None) -> None:
        client = listeners.get(asked.session_id)
        if client is None:
            return
        message = ResponseModel(id=job, status=status, description=description, data=data)
        if data is None:
            await client.send_text(message.model_dump_json(exclude_none=True))
        else:
            await client.send_bytes(message.pickle())

    if options.hang_up:
        await listeners[asked.session_id].close()
    if options.silent or options.hang_up:
        return
    async with busy:
        await tell(Status.RUNNING, "running")
        client = listeners.get(asked.session_id)
        if "text" in attack:
            await client.send_text(attack["text"])
            return
        if "frame" in attack:
            await client.send_bytes(base64.b64decode(attack["frame"]))
            return
        if "result" in attack:
            await tell(Status.COMPLETED, "done", base64.b64decode(attack["result"]))
            return
        if "error" in attack:
            await tell(Status.ERROR, attack["error"])
            return
        try:
            result = await asyncio.to_thread(run, payload, asked.compress, asked.env)
        except Exception as error:
            await tell(Status.ERROR, "".join(traceback.format_exception(error)))
            return
        seen.append({"asked": len(payload), "answered": len(result)})
        await tell(Status.COMPLETED, "done", result)


def run(payload: bytes, compress: bool, env: dict) -> bytes:
    """Rebuild the trace, run it on the model, and return what it saved."""
    before = [(table, dict(table)) for table in (linecache.cache, SOURCES, BLOCKS)]
    try:
        model._remoteable_set_env(env)
        trace = RequestModel.deserialize(
            payload, model._remoteable_persistent_objects(), compress=compress
        )
        inc()
        try:
            trace.execute(trace.info.code)
            saved = _saves()
            found = {
                name: value
                for name, value in trace.info.frame.f_locals.items()
                if id(value) in saved
            }
        finally:
            dec()
        buffer = io.BytesIO()
        torch.save(found, buffer)
        return (
            zstandard.ZstdCompressor(level=3).compress(buffer.getvalue())
            if compress
            else buffer.getvalue()
        )
    finally:
        model.interleaver.cancel()
        for table, content in before:
            table.clear()
            table.update(content)


if __name__ == "__main__":
    door = socket.socket()
    door.bind(("127.0.0.1", 0))
    door.listen()
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", ws_max_size=2**30))
    print(door.getsockname()[1], flush=True)
    asyncio.run(server.serve(sockets=[door]))
