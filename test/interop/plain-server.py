"""A plain TCP server that knows nothing of Cablepull: sends each client a line of text twice a second, and prints what it
gets back. Usage: plain-server.py PORT (0: any); prints its port first."""

import selectors
import socket
import sys
import time

selector = selectors.DefaultSelector()
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
listener.setblocking(False)
selector.register(listener, selectors.EVENT_READ)
print("port", listener.getsockname()[1], flush=True)

clients = []
next_line = time.monotonic()
count = 0
while True:
    if time.monotonic() >= next_line:
        next_line += 0.5
        count += 1
        for client in list(clients):
            try:
                client.send(f"line {count}, for you\n".encode())
            except OSError as error:
                print("error", error.strerror, flush=True)
                selector.unregister(client)
                clients.remove(client)
                client.close()
    for key, _ in selector.select(timeout=0.05):
        if key.fileobj is listener:
            client, address = listener.accept()
            client.setblocking(False)
            selector.register(client, selectors.EVENT_READ)
            clients.append(client)
            print("accepted", address[1], flush=True)
            continue
        client = key.fileobj
        try:
            data = client.recv(4096)
        except OSError as error:
            print("error", error.strerror, flush=True)
            data = b""
        if data:
            print("got", data.decode().strip(), flush=True)
        else:
            selector.unregister(client)
            clients.remove(client)
            client.close()
            print("gone", flush=True)
