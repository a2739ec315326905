"""A server that knows Dubbo's header and nothing else of it: it keeps two calls and answers them in the other order, answers
beats for 4 s of a connection, and then says nothing more. Usage: dubbo-server.py; prints its port first."""

import socketserver
import struct
import time


class Client(socketserver.BaseRequestHandler):
    def exactly(self, count):
        data = b""
        while len(data) < count:
            piece = self.request.recv(count - len(data))
            if not piece:
                raise ConnectionError("closed")
            data += piece
        return data

    def answer(self, flags, number, body):
        self.request.sendall(struct.pack(">HBBQI", 0xDABB, flags, 20, number, len(body)) + body)

    def handle(self):
        since = time.monotonic()
        kept = []
        try:
            while True:
                magic, flags, status, number, length = struct.unpack(">HBBQI", self.exactly(16))
                body = self.exactly(length)
                quiet = time.monotonic() - since > 4
                print("beat" if flags & 0x20 else "call", hex(magic), hex(flags), flush=True)
                if quiet:
                    continue
                if flags & 0x20:
                    self.answer(0x22, number, body)
                    continue
                # A value, and the text, which stands before the attachments and is `call N`.
                at = body.index(b"\x06call ")
                kept.append((number, b"\x91" + body[at : at + 7]))
                if len(kept) == 2:
                    for number, result in reversed(kept):
                        self.answer(2, number, result)
                    kept = []
        except OSError as error:
            print("gone", error, flush=True)


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


with Server(("127.0.0.1", 0), Client) as server:
    print("port", server.server_address[1], flush=True)
    server.serve_forever()
