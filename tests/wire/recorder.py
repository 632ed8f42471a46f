"""An upstream that writes down what arrived, byte for byte, and whom it was for.

Each delivery comes from its own loopback address, so X-Forwarded-For says whose request it is
however many run at once.
"""
import asyncio
from collections import defaultdict

from harness import http1


class Recorder:
    def __init__(self):
        self.requests = defaultdict(list)  # client address -> whole messages
        self.cut_off = defaultdict(list)   # client address -> bytes that never became whole
        self.faults = []                   # what no strict peer would take
        self.serving = set()

    async def start(self):
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0, backlog=1024)
        self.port = self.server.sockets[0].getsockname()[1]

    async def finish(self):
        """After the proxy has ended: reads what is left of every connection."""
        self.server.close()
        if self.serving:
            await asyncio.wait(self.serving, timeout=10)

    async def serve(self, reader, writer):
        self.serving.add(asyncio.current_task())
        buffer = b""
        try:
            while True:
                data = await reader.read(65536)
                buffer += data
                while found := http1.take(buffer, True):
                    message, buffer = found
                    self.record(message)
                    body = b"" if message.method == "HEAD" else message.target.encode("latin-1")
                    length = len(message.target)
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%b"
                                 % (length, body))
                if not data:
                    break
        except http1.Broken as problem:
            self.faults.append(f"{problem}: {buffer[:300]!r}")
        except ConnectionError:
            pass
        if buffer:
            self.record_cut_off(buffer)
        writer.close()

    def record(self, message):
        address = message.all("x-forwarded-for")
        if len(address) != 1:
            self.faults.append(f"X-Forwarded-For {address}: {message.raw[:300]!r}")
        else:
            self.requests[address[0]].append(message)

    def record_cut_off(self, buffer):
        try:
            head = http1.parse_head(buffer[:buffer.index(b"\r\n\r\n") + 4], True)
            self.cut_off[head.get("x-forwarded-for")].append(buffer)
        except (ValueError, http1.Broken):
            self.faults.append(f"not even a head: {buffer[:300]!r}")
