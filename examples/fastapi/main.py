"""A small API. uvicorn runs it: `uvicorn main:app`."""
import os

from fastapi import FastAPI

app = FastAPI()


@app.get("/healthz")
def healthz() -> dict:
    return {"ok": True}


@app.get("/")
def hello() -> dict:
    return {"message": os.environ.get("GREETING", "hi"), "pid": os.getpid()}
