"""A server that listens with the shortest queue and accepts nobody: when the queue is full, the kernel ignores every other client that
asks. Usage: full-server.py; prints its port."""

import socket
import time

listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
listener.bind(("127.0.0.1", 0))
listener.listen(0)
print("port", listener.getsockname()[1], flush=True)
time.sleep(3600)
