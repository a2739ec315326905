"""A heartbeat server in Python that knows nothing of Cablepull. It answers each beat, leaves all else to the kernel's TCP, and prints who
comes and who goes, and why. Usage: server.py PORT [keepalive] [mute]; `keepalive`: SO_KEEPALIVE with 3/3/3; `mute`: no answers."""

import errno
import selectors
import socket
import sys

port = int(sys.argv[1])
selector = selectors.DefaultSelector()
listener = socket.create_server(("0.0.0.0", port), backlog=4096)
listener.setblocking(False)
selector.register(listener, selectors.EVENT_READ)
print("listening", flush=True)


def accept():
    client, (address, peer_port) = listener.accept()
    client.setblocking(False)
    if "keepalive" in sys.argv:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 3)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 3)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
    selector.register(client, selectors.EVENT_READ, f"{address}:{peer_port}")
    print("online", f"{address}:{peer_port}", flush=True)


def read(key):
    why = "closed"
    try:
        data = key.fileobj.recv(65536)
        if data:
            if "mute" not in sys.argv:
                key.fileobj.send(data)
            return
    except OSError as error:
        why = errno.errorcode[error.errno]
    selector.unregister(key.fileobj)
    key.fileobj.close()
    print("offline", key.data, why, flush=True)


while True:
    for key, _ in selector.select():
        if key.fileobj is listener:
            accept()
        else:
            read(key)
