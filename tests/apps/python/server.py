"""A server for tests of ports: listens at 127.0.0.1 on PORT and answers with its pid and VERSION.

LISTEN_WITH and GOOD_WITH name a file it waits for before it listens, or answers well. BIND is
another port than PORT, ALSO a second one, HOST another address. With FDS it takes the sockets that
LISTEN_FDS tells of. Once there is the file FAIL_AT a request ends it. With PATIENT it tries again while a port is taken. BEHAVE has it misbehave:
throw, deaf, crash.
"""

import os
import select
import socket
import sys
import threading
import time

get = os.environ.get


def wait(name):
    while get(name) and not os.path.exists(get(name)):
        time.sleep(0.02)


def answer(connection):
    with connection:
        request = b""
        while b"\r\n\r\n" not in request:
            part = connection.recv(65536)
            if not part:
                return
            request += part
        lines = request.decode().split("\r\n")
        who = [line.split(": ")[1] for line in lines if line.lower().startswith("x-who: ")]
        with open("asked", "a") as asked:
            asked.write(" ".join(lines[0].split()[:2] + who) + "\n")
        if get("FAIL_AT") and os.path.exists(get("FAIL_AT")):
            os._exit(9)
        good = not get("GOOD_WITH") or os.path.exists(get("GOOD_WITH"))
        status = "200 OK" if good else "503 Not Yet"
        body = f"{os.getpid()} {get('VERSION', '')}"
        head = f"HTTP/1.0 {status}\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall((head + body).encode())


def listen(port):
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    while True:
        try:
            listener.bind((get("HOST", "127.0.0.1"), int(port)))
            break
        except OSError:
            if not get("PATIENT"):
                raise
            time.sleep(0.05)
    listener.listen(100)
    return listener


behave = get("BEHAVE", "")
if behave == "throw":
    sys.exit("cannot start: no such thing")
if behave == "deaf":
    time.sleep(100000)
wait("LISTEN_WITH")
if get("FDS"):
    mine = get("LISTEN_PID") == str(os.getpid())
    count = int(get("LISTEN_FDS")) if mine else 0
    listeners = [socket.socket(fileno=3 + each) for each in range(count)]
else:
    listeners = [listen(port) for port in [get("BIND", get("PORT")), get("ALSO")] if port]
if behave == "crash":
    threading.Timer(0.5, lambda: os._exit(7)).start()
while True:
    for ready in select.select(listeners, [], [])[0]:
        try:
            ready.setblocking(False)
            connection = ready.accept()[0]
        except BlockingIOError:
            # Another instance was quicker.
            continue
        connection.setblocking(True)
        threading.Thread(target=answer, args=[connection], daemon=True).start()
