"""A server of the framed protocol that knows nothing of Cablepull: answers logins and questions, pushes a frame of data once a
second, and closes whom it has not heard for 2 s. Usage: framed-server.py PORT [ADDRESS] (port 0: any free one, address: 127.0.0.1);
prints its port first."""

import socketserver
import struct
import sys
import threading
import time

MARK = 0xABEF0101


class Client(socketserver.BaseRequestHandler):
    def frame(self, kind, body=b""):
        self.request.sendall(struct.pack(">IIB", MARK, len(body) + 1, kind) + body)

    def exactly(self, count):
        data = b""
        while len(data) < count:
            piece = self.request.recv(count - len(data))
            if not piece:
                raise ConnectionError("closed")
            data += piece
        return data

    def push(self):
        while not self.over:
            time.sleep(1)
            try:
                self.frame(2, b"pushed")
            except OSError:
                return

    def handle(self):
        self.over = False
        self.request.settimeout(2)
        name = "?"
        try:
            while True:
                mark, length, kind = struct.unpack(">IIB", self.exactly(9))
                body = self.exactly(length - 1)
                if mark != MARK:
                    raise ConnectionError("bad mark")
                if kind == 3:
                    name = body.decode()
                    self.frame(4, b"\x00")
                    threading.Thread(target=self.push, daemon=True).start()
                    print("login", name, flush=True)
                elif kind == 5:
                    self.frame(6)
                    print("beat", name, flush=True)
                elif kind == 2:
                    print("data", name, len(body), flush=True)
        except TimeoutError:
            print("silent", name, flush=True)
        except OSError as error:
            print("gone", name, error, flush=True)
        self.over = True


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


with Server((sys.argv[2] if len(sys.argv) > 2 else "127.0.0.1", int(sys.argv[1])), Client) as server:
    print("port", server.server_address[1], flush=True)
    server.serve_forever()
